/** @file receiver.h The receiving side as the options describe it: for `mikey open` and `explain`.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include "cli.h"
#include "keyring.h"
#include "mikey/mikey.h"

#define RECEIVER_RULES_MAX CLI_VALUES_MAX

typedef struct receiver {
    keyring ring;
    mikey_rule rules[RECEIVER_RULES_MAX];
    bool anyone; /**< no rule was given: every validly signed initiator is accepted */
    mikey_receiver mikey;
} receiver;

/** Load --cert, --peer-cert and --keys, read --allow, --from, --window, --any-time, --compat and
 * --now, as far as the command has them. The caller clears *r, also on failure. */
cli_status receiver_init(const cli_call *call, receiver *r);
void receiver_clear(receiver *r);

/** Report why mikey_open_message() refused octets. @return CLI_REFUSED. */
cli_status receiver_refused(const cli_call *call, const receiver *r, kf_slice octets,
                            const kf_fault *fault);

#endif

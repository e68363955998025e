/** @file pin.h The PIN file, and the memory of a PIN that was refused. */
#ifndef KEYFERRY_TOKEN_PIN_H
#define KEYFERRY_TOKEN_PIN_H

#include "base/secret.h"
#include "seal/token_message.h"

/** One line of 1 to 128 octets. @return KF_E_DENIED when it is missing, open to everybody, or not
 * that. Caller frees *out. */
KF_MUST_USE kf_err pin_read(const char *path, kf_secret **out);

/** Write what to remember of a refused PIN. */
KF_MUST_USE kf_err pin_remember(token_refusal kind, const kf_secret *pin,
                                uint8_t refusal[TOKEN_REFUSAL_OCTETS]);

/** Is this the PIN that was refused? When in doubt, yes: a try may cost the token. */
bool pin_is_refused(const uint8_t refusal[TOKEN_REFUSAL_OCTETS], const kf_secret *pin);

#endif

/**
 * @file token.h A PKCS#11 token behind a broker: a process of its own that loads the module, so
 * that a module that crashes, hangs or scribbles takes nothing with it. The vault's side is here;
 * the program is apps/keyferry-token, and speaks length-framed messages (seal/token_message.h) over
 * the socket it was started with.
 *
 * The broker is started on first use, restarted with growing pauses when it ends, and never sees a
 * vault key (seal.h). A call has a deadline; a broker that misses it is ended and made anew.
 */
#ifndef SEAL_TOKEN_H
#define SEAL_TOKEN_H

#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/writer.h"

/** What is known of the token, from the last call or probe. */
typedef enum seal_token_state {
    SEAL_TOKEN_UNKNOWN, /**< not tried yet */
    SEAL_TOKEN_READY,
    SEAL_TOKEN_ABSENT,     /**< no such token (or module): put it in */
    SEAL_TOKEN_SLOW,       /**< did not answer in time */
    SEAL_TOKEN_LOGGED_OUT, /**< session lost; the next call logs in again */
    SEAL_TOKEN_PIN_WRONG,
    SEAL_TOKEN_PIN_LOCKED, /**< only the security officer of the token can help */
    SEAL_TOKEN_NO_KEY,     /**< token is there, our key is not */
    SEAL_TOKEN_CRASHED,    /**< the module ended the broker */
    SEAL_TOKEN_REFUSED,    /**< the token said no: mechanism, policy */
} seal_token_state;

/** "ready", "absent", ... */
const char *seal_token_state_name(seal_token_state state);
/** What an operator should do about it; a literal. */
const char *seal_token_state_remedy(seal_token_state state);

typedef struct seal_token_config {
    const char *broker;   /**< path of the program keyferry-token */
    const char *module;   /**< path of the PKCS#11 module; NULL: p11-kit's configured modules */
    const char *token;    /**< label of the token */
    const char *key;      /**< label of the AES-256 key in it */
    const char *pin_file; /**< one line; read by the broker only, at each login */
    unsigned timeout_ms;  /**< of a call; 0: 10,000 */
} seal_token_config;

typedef struct seal_token seal_token;

/** Copies the configuration; starts nothing. */
KF_MUST_USE kf_err seal_token_new(const seal_token_config *config, seal_token **out);
/** Ends the broker. */
void seal_token_free(seal_token **token);

/** Make the AES-256 key in the token: sensitive, not extractable, wrap and unwrap only.
 * @return KF_E_STATE when there is one of that label; else as below. */
KF_MUST_USE kf_err seal_token_make_key(seal_token *token);

/**
 * Wrap a secret of 32 octets inside the token; appended to out.
 * @return KF_E_BACKEND: see the state; KF_E_NO_SPACE.
 */
KF_MUST_USE kf_err seal_token_wrap(seal_token *token, const kf_secret *secret, kf_writer *out);
/** Unwrap. Caller frees *out. @return KF_E_AUTH when the token refused the octets; KF_E_BACKEND. */
KF_MUST_USE kf_err seal_token_unwrap(seal_token *token, kf_slice wrapped, kf_secret **out);
/** Ask after it without doing anything else; at most timeout_ms. */
seal_token_state seal_token_probe(seal_token *token);
/**
 * Ask after it every few seconds without waiting for the answer, so that the state is fresh and the
 * token is taken up again by itself. To be called again and again, as often as one likes; a call
 * that is made meanwhile waits for the probe first, within its own deadline. Gives a PIN as
 * any call does: never one that was refused.
 */
seal_token_state seal_token_watch(seal_token *token);
/** The state after the last call or probe. */
seal_token_state seal_token_state_of(const seal_token *token);
/** What the module returned at the last call (CK_RV), for the log; 0 when it was not asked. */
uint32_t seal_token_rv(const seal_token *token);
/**
 * An officer has seen to it: forget the PIN that was refused and the pause before a restart; the
 * next call tries anew, and logs in once. Never called by itself: it may cost one of the few tries
 * that a token allows.
 */
void seal_token_retry(seal_token *token);
/** Append "pkcs11:token=LABEL" (RFC 7512), percent-encoded: what seal_secret_make() takes. */
KF_MUST_USE kf_err seal_token_uri(const char *token_label, kf_writer *out);
/** Process ID of the broker, for tests and for the custody scanner; 0: none runs. */
int seal_token_broker(const seal_token *token);

#endif

/**
 * @file token_message.h What the vault and the token broker say to each other, over a socket that
 * only the two have. Each end treats the other as hostile.
 *
 * A message is a length in 4 octets, then that many octets:
 *
 *  request   1 version, 1 operation, 2 + n refusal, 2 + n octets
 *  answer    1 version, 1 operation, 1 result, 1 state, 4 CK_RV, 2 + n refusal, 2 + n octets
 *
 * octets: of a request the secret to wrap or what to unwrap, of an answer the outcome. A refusal is
 * what the broker remembers of a PIN that the token did not take; it hands it to the vault, which
 * gives it back with every request, so that a broker that is new does not try that PIN again.
 */
#ifndef SEAL_TOKEN_MESSAGE_H
#define SEAL_TOKEN_MESSAGE_H

#include "base/reader.h"
#include "base/writer.h"
#include "seal/token.h"

#define TOKEN_FRAME_OCTETS   4u
#define TOKEN_OCTETS_MAX     512u
#define TOKEN_REFUSAL_OCTETS 49u /**< 1 kind, 16 salt, 32 HMAC of the PIN */
#define TOKEN_MESSAGE_MAX    (16u + TOKEN_REFUSAL_OCTETS + TOKEN_OCTETS_MAX)
#define TOKEN_SECRET_OCTETS  32u

typedef enum token_op {
    TOKEN_PROBE = 1,
    TOKEN_MAKE_KEY = 2,
    TOKEN_WRAP = 3,
    TOKEN_UNWRAP = 4,
} token_op;

/** What octets 0 of a refusal say. */
typedef enum token_refusal {
    TOKEN_REFUSAL_WRONG = 1,   /**< not that PIN again */
    TOKEN_REFUSAL_LOCKED = 2,  /**< the token said locked */
    TOKEN_REFUSAL_FLAGGED = 3, /**< and shows it: when it no longer does, the PIN may be tried */
} token_refusal;

typedef struct token_request {
    token_op op;
    kf_slice refusal; /**< none, or TOKEN_REFUSAL_OCTETS */
    kf_slice octets;
} token_request;

typedef struct token_answer {
    token_op op;
    kf_err result; /**< KF_OK, KF_E_STATE, KF_E_AUTH or KF_E_BACKEND */
    seal_token_state state;
    uint32_t rv; /**< what the module returned last, for the log */
    kf_slice refusal;
    kf_slice octets;
} token_answer;

/** The length in front. @return KF_E_MALFORMED for 0 and for more than TOKEN_MESSAGE_MAX. */
KF_MUST_USE kf_err token_frame_read(const uint8_t frame[TOKEN_FRAME_OCTETS], size_t *len);

/** Read a message without its frame; slices are borrowed. @return the reader's failures;
 * KF_E_UNSUPPORTED for another version or operation. */
KF_MUST_USE kf_err token_request_parse(kf_slice message, token_request *out, kf_fault *fault);
KF_MUST_USE kf_err token_answer_parse(kf_slice message, token_answer *out, kf_fault *fault);

/** Append a message with its frame. @return KF_E_NO_SPACE. */
KF_MUST_USE kf_err token_request_write(const token_request *request, kf_writer *w);
KF_MUST_USE kf_err token_answer_write(const token_answer *answer, kf_writer *w);

#endif

/** @file keywrap.h AES key wrap, RFC 3394 (KW) and RFC 5649 (KWP), over OpenSSL 3. */
#ifndef CRYPTO_KEYWRAP_H
#define CRYPTO_KEYWRAP_H

#include "base/secret.h"
#include "base/slice.h"
#include "base/writer.h"

/** The two forms of the wrap. */
typedef enum kf_keywrap_form {
    KF_KEYWRAP_PLAIN,  /**< KW: multiples of 8 octets, at least 16; result 8 octets longer */
    KF_KEYWRAP_PADDED, /**< KWP: 1 octet or more; result padded to 8, plus 8 */
} kf_keywrap_form;

/** Longest key that we wrap, in octets (a SAKKE receiver secret key has 257). */
#define KF_KEYWRAP_MAX 512u

/**
 * Wrap key under kek (16, 24 or 32 octets); the result is appended to out.
 * @return KF_E_MALFORMED for a length the form forbids; KF_E_NO_SPACE; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_keywrap_seal(kf_keywrap_form form, kf_slice kek, kf_slice key,
                                   kf_writer *out);

/**
 * Unwrap into a new secret. Caller frees *out.
 * @return KF_E_AUTH when the integrity check fails; KF_E_MALFORMED for a length that no wrap has;
 * KF_E_NO_MEMORY; KF_E_BACKEND. *out is NULL on failure.
 */
KF_MUST_USE kf_err kf_keywrap_open(kf_keywrap_form form, kf_slice kek, kf_slice wrapped,
                                   kf_secret **out);

#endif

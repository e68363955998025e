/** @file scrypt.h The password-based key derivation of RFC 7914, over OpenSSL 3. */
#ifndef CRYPTO_SCRYPT_H
#define CRYPTO_SCRYPT_H

#include "base/secret.h"
#include "base/slice.h"

/** Cost: memory is 128 * 2^log2_n * r octets, time grows with p too. */
typedef struct kf_scrypt_cost {
    uint8_t log2_n; /**< 1 to 18 */
    uint8_t r;      /**< 1 to 8 */
    uint8_t p;      /**< 1 to 4 */
} kf_scrypt_cost;

/** What new containers use: 128 MiB. */
extern const kf_scrypt_cost KF_SCRYPT_DEFAULT;

/** Within the bounds above? At the most 256 MiB. */
bool kf_scrypt_cost_is_bounded(kf_scrypt_cost cost);

/**
 * Derive octets of key from a passphrase. Caller frees *out.
 * @return KF_E_MALFORMED for a cost out of bounds; KF_E_NO_MEMORY; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_scrypt(kf_slice passphrase, kf_slice salt, kf_scrypt_cost cost, size_t octets,
                             kf_secret **out);

#endif

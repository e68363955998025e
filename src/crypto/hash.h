/** @file hash.h Hashes, HMAC and the key derivation of 3GPP, over OpenSSL 3. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/secret.h"
#include "base/slice.h"

/** Octets of the longest hash here (SHA-512). */
#define KF_HASH_MAX_OCTETS 64u
#define KF_SHA256_OCTETS   32u

/** A hash algorithm: facts and its name in OpenSSL. */
typedef struct kf_hash {
    const char *name; /**< "SHA-256" */
    size_t octets;    /**< of the result */
    size_t block_octets;
} kf_hash;

extern const kf_hash KF_SHA256, KF_SHA384, KF_SHA512;

/** Hash the concatenation of count parts. out has alg->octets octets. @return KF_E_BACKEND. */
KF_MUST_USE kf_err kf_hash_parts(const kf_hash *alg, const kf_slice *parts, size_t count,
                                 uint8_t *out);

/** SHA-256 of one slice. */
KF_MUST_USE kf_err kf_sha256(kf_slice in, uint8_t out[KF_SHA256_OCTETS]);

/** HMAC over the concatenation of count parts. key is any length. @return KF_E_BACKEND. */
KF_MUST_USE kf_err kf_hmac_parts(const kf_hash *alg, kf_slice key, const kf_slice *parts,
                                 size_t count, uint8_t *out);

/** HMAC under a key that is set up once. One thread at a time. */
typedef struct kf_hmac_key kf_hmac_key;

/** Set up a key of any length. Caller frees *out. @return KF_E_NO_MEMORY, KF_E_BACKEND. */
KF_MUST_USE kf_err kf_hmac_key_new(const kf_hash *alg, kf_slice key, kf_hmac_key **out);

/** As kf_hmac_parts(). */
KF_MUST_USE kf_err kf_hmac_key_parts(kf_hmac_key *key, const kf_slice *parts, size_t count,
                                     uint8_t *out);

/** Wipe, free, set to NULL. */
void kf_hmac_key_free(kf_hmac_key **key);

/**
 * The generic key derivation function: HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 ...), each Li
 * the length of Pi in two octets.
 *
 * @param params count octet strings of at most 65,535 octets each, at most 8 of them.
 * @param out    32 octets; wiped on failure. A secret if key is: the caller wipes it.
 * @return KF_E_MALFORMED when a parameter is too long or there are too many; KF_E_BACKEND.
 *
 * Source: 3GPP TS 33.220 annex B.2.
 */
KF_MUST_USE kf_err kf_kdf_33220(kf_slice key, uint8_t fc, const kf_slice *params, size_t count,
                                uint8_t out[KF_SHA256_OCTETS]);

/**
 * An integer as a parameter of that function: the shortest big-endian octets, zero as one octet 00.
 * @return octets written to out, 1 to 8.
 */
size_t kf_kdf_integer(uint64_t value, uint8_t out[8]);

#endif

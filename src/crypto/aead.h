/** @file aead.h Authenticated encryption: AES-GCM, each algorithm a table of facts and functions.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/secret.h"
#include "base/slice.h"
#include "base/writer.h"

/** An AEAD. nonce_octets is the usual length; others from 12 to 16 octets are accepted. */
typedef struct kf_aead {
    const char *name; /**< "AES-256-GCM" */
    size_t key_octets, nonce_octets, tag_octets;
    uint64_t max_seals; /**< per key with random nonces; the caller re-keys before this */
} kf_aead;

extern const kf_aead KF_AES_128_GCM, KF_AES_256_GCM;

/**
 * Encrypt and authenticate: in.len + tag_octets octets are appended to out.
 * @return KF_E_MALFORMED for a wrong key or nonce length, KF_E_NO_SPACE, KF_E_BACKEND. Nothing is
 * written on failure.
 */
KF_MUST_USE kf_err kf_aead_seal(const kf_aead *alg, kf_slice key, kf_slice nonce, kf_slice ad,
                                kf_slice in, kf_writer *out);

/**
 * Check and decrypt into a new secret of in.len - tag_octets octets. Caller frees *out.
 * @return KF_E_AUTH when the tag is wrong, KF_E_TRUNCATED when in is shorter than a tag,
 * KF_E_MALFORMED, KF_E_NO_MEMORY, KF_E_BACKEND. *out is NULL on failure.
 */
KF_MUST_USE kf_err kf_aead_open(const kf_aead *alg, kf_slice key, kf_slice nonce, kf_slice ad,
                                kf_slice in, kf_secret **out);

#endif

/**
 * @file container.h A secret at rest under a passphrase: scrypt, then AES-256-GCM. Our own format.
 *
 * octets   field
 *  8       magic "KFSEALED"
 *  1       version, 1
 *  1       kind: what is inside (container_kind)
 *  1 1 1   scrypt log2 N, r, p
 * 16       salt
 * 12       nonce
 *  4       length of what follows
 *  n + 16  ciphertext and tag; all octets before it are the associated data
 */
#ifndef CRYPTO_CONTAINER_H
#define CRYPTO_CONTAINER_H

#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/writer.h"
#include "crypto/scrypt.h"

typedef enum kf_container_kind {
    KF_CONTAINER_KMS_DOMAIN = 1, /**< master secrets of a KMS */
    KF_CONTAINER_KEY_FILE = 2,   /**< P25 keys and their groups */
    KF_CONTAINER_STATE_KEY = 3,  /**< what records of a lab node are sealed under */
    KF_CONTAINER_VAULT_KEY = 4,  /**< what the records of a vault are wrapped under */
    KF_CONTAINER_SHARE = 5,      /**< one officer's share of a quorum (seal/seal.h) */
} kf_container_kind;

/** Octets that a container adds to its content. */
#define KF_CONTAINER_OVERHEAD (8u + 1u + 1u + 3u + 16u + 12u + 4u + 16u)
/** Longest content in octets. */
#define KF_CONTAINER_MAX (1u << 20)

/** The clear header. */
typedef struct kf_container {
    kf_container_kind kind;
    kf_scrypt_cost cost;
    kf_slice salt, nonce;
    kf_slice head;   /**< associated data */
    kf_slice sealed; /**< ciphertext and tag */
} kf_container;

/** Decode the clear parts of a container that fills the reader; stops at the first fault. */
void kf_container_decode(kf_reader *r, kf_container *out);

/**
 * Read the clear parts of a whole container. Slices are borrowed from octets.
 * @param fault where and why on failure.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED, KF_E_UNSUPPORTED (another version or
 * kind).
 */
KF_MUST_USE kf_err kf_container_parse(kf_slice octets, kf_container *out, kf_fault *fault);

/**
 * Seal content under a passphrase; the container is appended to out.
 * @return KF_E_NO_SPACE, KF_E_NO_MEMORY, KF_E_BACKEND, KF_E_MALFORMED for content over the maximum.
 */
KF_MUST_USE kf_err kf_container_seal(kf_container_kind kind, kf_slice passphrase,
                                     kf_scrypt_cost cost, kf_slice content, const kf_rng *rng,
                                     kf_writer *out);

/**
 * Open a container of a given kind. Caller frees *out.
 * @return as kf_container_parse(); KF_E_STATE for another kind; KF_E_AUTH for a wrong passphrase or
 * altered octets.
 */
KF_MUST_USE kf_err kf_container_open(kf_container_kind kind, kf_slice passphrase, kf_slice octets,
                                     kf_secret **out, kf_fault *fault);

#endif

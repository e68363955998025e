/**
 * @file slot.h The octets of a slot (private to this room and its tests).
 *
 * octets   field
 *  8       magic "KFVSLOT" and a zero octet
 *  1       version, 1
 *  1       kind (seal_kind)
 * 16      vault ID
 *
 * passphrase:
 *  n       a container (crypto/container.h) of kind VAULT_KEY whose content is the 26 octets above,
 *          then the vault key: so the vault ID is authenticated here as well
 *
 * all others:
 *  token   2 + n wrapped octets, 2 + n URI of the token, 2 + n label of the key
 *  quorum  1 needed, 1 total, 16 split ID, total times 32 check value of a share
 *  all     32 salt, 12 nonce, 32 + 16 ciphertext of the vault key and tag; all octets before the
 *          ciphertext are the associated data
 *
 * A share is the text "KFSHARE1:" and the base64 of a container of kind SHARE, whose content is
 * 16 vault ID, 16 split ID, 1 index (from 1), 1 needed, 1 total, 32 share. The check value of a
 * share is SHA-256 of "keyferry-share" and that content: a share that an officer made up is
 * refused when it is given, by name, and not when the quorum is complete.
 */
#ifndef SEAL_SLOT_H
#define SEAL_SLOT_H

#include "seal/seal.h"

#define SLOT_HEAD_OCTETS    26u
#define SLOT_SPLIT_OCTETS   16u
#define SLOT_CHECK_OCTETS   32u
#define SLOT_SALT_OCTETS    32u
#define SLOT_NONCE_OCTETS   12u
#define SLOT_SEALED_OCTETS  (SEAL_KEY_OCTETS + 16u)
#define SLOT_WRAPPED_MAX    512u
#define SLOT_NAME_MAX       255u /**< URI of a token, label of a key */
#define SLOT_CONTENT_OCTETS (SEAL_ID_OCTETS + SLOT_SPLIT_OCTETS + 3u + SEAL_KEY_OCTETS)

/** Everything that can be read without a secret. Slices are borrowed from the blob. */
typedef struct slot_parts {
    seal_slot slot;
    kf_slice head;      /**< the first 26 octets */
    kf_slice container; /**< passphrase */
    kf_slice split;     /**< quorum */
    kf_slice checks;    /**< quorum: total times SLOT_CHECK_OCTETS */
    kf_slice salt, nonce;
    kf_slice ad;     /**< all octets before sealed */
    kf_slice sealed; /**< ciphertext and tag */
} slot_parts;

/** Read a whole blob. @return as seal_parse(). */
KF_MUST_USE kf_err slot_read(kf_slice blob, slot_parts *out, kf_fault *fault);

/** Magic, version, kind, vault ID. */
void slot_write_head(kf_writer *w, seal_kind kind, const uint8_t vault_id[SEAL_ID_OCTETS]);

/**
 * Append salt, nonce and the vault key under the secret, closing the blob that starts at octet
 * start of w. On failure w is cut back to start.
 */
KF_MUST_USE kf_err slot_close(kf_writer *w, size_t start, const kf_secret *key, kf_slice secret,
                              const kf_rng *rng);

/** The vault key of a slot of any kind but passphrase. @return KF_E_AUTH. */
KF_MUST_USE kf_err slot_open(const slot_parts *parts, kf_slice secret, kf_secret **key);

#endif

/**
 * @file seal.h How a vault key is kept while the vault is sealed: each way is a slot, a blob that
 * is useless without its other half, which is not in the store.
 *
 *  passphrase  a container (scrypt, AES-256-GCM)
 *  key file    32 random octets in a file of the officer's
 *  token       a secret that a PKCS#11 token unwraps with an AES key that never leaves it
 *  quorum      M of N shares (Shamir, libgfshare), each in a container under its officer's own
 *              passphrase
 *
 * For key file, token and quorum the blob is AES-256-GCM of the vault key under
 * HKDF-SHA-256(secret of the way, salt of the slot, "keyferry-seal" || kind || vault ID), so
 * neither the token nor the broker process in front of it ever has the vault key, and a wrong
 * secret is noticed. The vault ID is in the associated data of every kind.
 */
#ifndef SEAL_SEAL_H
#define SEAL_SEAL_H

#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/writer.h"
#include "crypto/scrypt.h"

#define SEAL_KEY_OCTETS 32u /**< a vault key, a key file's secret, a token's secret */
#define SEAL_ID_OCTETS  16u /**< of a vault */
#define SEAL_BLOB_MAX   4096u
#define SEAL_SHARES_MAX 16u
#define SEAL_SHARE_MAX  1024u /**< octets of a sealed share */

typedef enum seal_kind {
    SEAL_PASSPHRASE = 1,
    SEAL_KEY_FILE = 2,
    SEAL_TOKEN = 3,
    SEAL_QUORUM = 4,
} seal_kind;

/** "passphrase", "key-file", "token", "quorum"; NULL. */
const char *seal_kind_name(unsigned kind);

/** What may be known of a slot without opening it. Slices are borrowed from the blob. */
typedef struct seal_slot {
    seal_kind kind;
    uint8_t vault_id[SEAL_ID_OCTETS];
    uint8_t needed, total; /**< quorum */
    kf_slice wrapped;      /**< token: what the token unwraps */
    kf_slice token, label; /**< token: PKCS#11 URI of the token, label of its key */
} seal_slot;

/** Read the clear parts. @return the reader's failures; KF_E_UNSUPPORTED for another version. */
KF_MUST_USE kf_err seal_parse(kf_slice blob, seal_slot *out, kf_fault *fault);

/* Each _make appends a blob of at most SEAL_BLOB_MAX octets; each _open gives the vault key, which
 * the caller frees, KF_E_AUTH when the other half is wrong, KF_E_STATE for a slot of another kind.
 */

KF_MUST_USE kf_err seal_passphrase_make(const uint8_t vault_id[SEAL_ID_OCTETS],
                                        const kf_secret *key, kf_slice passphrase,
                                        kf_scrypt_cost cost, const kf_rng *rng, kf_writer *out);
KF_MUST_USE kf_err seal_passphrase_open(kf_slice blob, kf_slice passphrase, kf_secret **key,
                                        kf_fault *fault);

/** For key file and token: secret is the other half, SEAL_KEY_OCTETS octets. For the token the
 * caller gives what the token made of it (wrapped), and where it is. */
KF_MUST_USE kf_err seal_secret_make(seal_kind kind, const uint8_t vault_id[SEAL_ID_OCTETS],
                                    const kf_secret *key, const kf_secret *secret, kf_slice wrapped,
                                    kf_slice token, kf_slice label, const kf_rng *rng,
                                    kf_writer *out);
KF_MUST_USE kf_err seal_secret_open(kf_slice blob, const kf_secret *secret, kf_secret **key,
                                    kf_fault *fault);

/** One officer's share, sealed under their passphrase: text of at most SEAL_SHARE_MAX octets. */
typedef struct seal_share {
    size_t len;
    uint8_t octets[SEAL_SHARE_MAX];
} seal_share;

/**
 * Split: a fresh secret is shared, the vault key wrapped under it.
 * @param needed 2 to total. @param total at most SEAL_SHARES_MAX.
 * @param passphrases one for each share.
 */
KF_MUST_USE kf_err seal_quorum_make(const uint8_t vault_id[SEAL_ID_OCTETS], const kf_secret *key,
                                    uint8_t needed, uint8_t total, const kf_slice *passphrases,
                                    kf_scrypt_cost cost, const kf_rng *rng, seal_share *shares,
                                    kf_writer *out);

/** Shares given so far; the vault keeps one while it is being unsealed. */
typedef struct seal_quorum seal_quorum;
KF_MUST_USE kf_err seal_quorum_new(kf_slice blob, seal_quorum **out, kf_fault *fault);
void seal_quorum_free(seal_quorum **quorum);
/**
 * Add an officer's share.
 * @return KF_E_AUTH (passphrase, or another vault's share), KF_E_STATE (that share is there
 * already), KF_E_DENIED (of an older split of this vault).
 */
KF_MUST_USE kf_err seal_quorum_add(seal_quorum *quorum, kf_slice share, kf_slice passphrase);
/** How many are there. */
size_t seal_quorum_count(const seal_quorum *quorum);
/** Open when enough are there. @return KF_E_STATE for too few; KF_E_AUTH when they do not fit. */
KF_MUST_USE kf_err seal_quorum_open(const seal_quorum *quorum, kf_secret **key);

#endif

/**
 * @file block.h Block ciphers under a key that is set up once: AES-256, three-key TDEA, and single
 * DES as TDEA with three equal keys. Over OpenSSL 3.
 *
 * For protocols that make their own modes of a block cipher (P25). After kf_block_new() nothing is
 * allocated. The key schedules live in OpenSSL's contexts, which cleanse when freed. One thread per
 * object at a time.
 */
#ifndef CRYPTO_BLOCK_H
#define CRYPTO_BLOCK_H

#include "base/err.h"
#include "base/slice.h"

typedef enum kf_block_cipher {
    KF_BLOCK_AES256, /**< FIPS 197: 32 octets of key, blocks of 16 */
    KF_BLOCK_TDEA,   /**< SP 800-67: 24 octets of key, blocks of 8; parity bits are ignored */
    KF_BLOCK_DES,    /**< FIPS 46-3: 8 octets of key, blocks of 8; parity bits are ignored */
} kf_block_cipher;

/** What the object will be asked for; each use costs a key schedule. */
#define KF_BLOCK_USE_ENCRYPT 1u
#define KF_BLOCK_USE_DECRYPT 2u
#define KF_BLOCK_USE_CHAIN   4u /**< kf_block_cbc_mac(), kf_block_cmac(), kf_block_ofb() */

#define KF_BLOCK_OCTETS_MAX 16u
#define KF_BLOCK_KEY_MAX    32u
/** Longest message of kf_block_cbc_mac(), kf_block_cmac() and kf_block_ofb(), in octets. */
#define KF_BLOCK_CHAIN_MAX 1024u

typedef struct kf_block kf_block;

/** Octets of a block, and of a key. */
size_t kf_block_octets(kf_block_cipher cipher);
size_t kf_block_key_octets(kf_block_cipher cipher);

/**
 * Set up a key. Caller frees *out, which is NULL on failure.
 * @param uses sum of KF_BLOCK_USE_*.
 * @return KF_E_MALFORMED for a wrong key length; KF_E_NO_MEMORY; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_block_new(kf_block_cipher cipher, unsigned uses, kf_slice key,
                                kf_block **out);

/** The same object under another key. @return KF_E_MALFORMED; KF_E_BACKEND (then it has no key). */
KF_MUST_USE kf_err kf_block_rekey(kf_block *b, kf_slice key);

/** Forget the key and free; sets NULL. */
void kf_block_free(kf_block **b);

/**
 * Encrypt or decrypt each block of octets by itself (ECB), in place. Several independent blocks in
 * one call cost little more than one.
 * @param len a positive multiple of the block.
 * @return KF_E_MALFORMED for another length; KF_E_STATE without that use or a key; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_block_encrypt(kf_block *b, uint8_t *octets, size_t len);
KF_MUST_USE kf_err kf_block_decrypt(kf_block *b, uint8_t *octets, size_t len);

/**
 * CBC-MAC with a zero initial block, padded with zero octets to whole blocks. Secure only where
 * the protocol binds the length. out: the last block.
 * @param in 1 to KF_BLOCK_CHAIN_MAX octets.
 * @return KF_E_MALFORMED for another length; KF_E_STATE; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_block_cbc_mac(kf_block *b, kf_slice in, uint8_t out[KF_BLOCK_OCTETS_MAX]);

/** CMAC, SP 800-38B, of 0 to KF_BLOCK_CHAIN_MAX octets. out: one block. @return as CBC-MAC. */
KF_MUST_USE kf_err kf_block_cmac(kf_block *b, kf_slice in, uint8_t out[KF_BLOCK_OCTETS_MAX]);

/**
 * OFB, SP 800-38A: XOR the keystream over octets, in place.
 * @param iv   one block, never used twice under one key.
 * @param skip keystream octets thrown away first; skip + len up to KF_BLOCK_CHAIN_MAX.
 * @return KF_E_MALFORMED; KF_E_STATE; KF_E_BACKEND, and then octets are unchanged.
 */
KF_MUST_USE kf_err kf_block_ofb(kf_block *b, const uint8_t *iv, size_t skip, uint8_t *octets,
                                size_t len);

#endif

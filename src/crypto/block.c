#include "crypto/block.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* single: the key is repeated three times, for OpenSSL keeps DES itself in its legacy provider. */
static const struct {
    const char *ecb, *cbc;
    size_t block_octets, key_octets;
    bool single;
    uint8_t double_xor; /* SP 800-38B 5.3: R_128, R_64 */
} facts[] = {
    [KF_BLOCK_AES256] = { "AES-256-ECB", "AES-256-CBC", 16, 32, false, 0x87 },
    [KF_BLOCK_TDEA] = { "DES-EDE3-ECB", "DES-EDE3-CBC", 8, 24, false, 0x1b },
    [KF_BLOCK_DES] = { "DES-EDE3-ECB", "DES-EDE3-CBC", 8, 8, true, 0x1b },
};

struct kf_block {
    kf_block_cipher cipher;
    bool ready; /* a key is set in every context */
    EVP_CIPHER_CTX *encrypt, *decrypt, *chain;
    uint8_t work[KF_BLOCK_CHAIN_MAX + 2 * KF_BLOCK_OCTETS_MAX]; /* wiped after each use */
};

/* Fetched once, kept for the life of the process. */
static EVP_CIPHER *ecb_cipher[KF_COUNT(facts)], *cbc_cipher[KF_COUNT(facts)];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    for (size_t i = 0; i < KF_COUNT(facts); i++) {
        ecb_cipher[i] = EVP_CIPHER_fetch(NULL, facts[i].ecb, NULL);
        cbc_cipher[i] = EVP_CIPHER_fetch(NULL, facts[i].cbc, NULL);
    }
}

size_t kf_block_octets(kf_block_cipher cipher)
{
    return facts[cipher].block_octets;
}

size_t kf_block_key_octets(kf_block_cipher cipher)
{
    return facts[cipher].key_octets;
}

static kf_err open_context(bool wanted, const EVP_CIPHER *cipher, int direction,
                           EVP_CIPHER_CTX **out)
{
    if (!wanted)
        return KF_OK;
    *out = EVP_CIPHER_CTX_new();
    if (*out == NULL)
        return KF_E_NO_MEMORY;
    bool ok = cipher != NULL && EVP_CipherInit_ex(*out, cipher, NULL, NULL, NULL, direction) == 1 &&
              EVP_CIPHER_CTX_set_padding(*out, 0) == 1;
    return ok ? KF_OK : KF_E_BACKEND;
}

kf_err kf_block_new(kf_block_cipher cipher, unsigned uses, kf_slice key, kf_block **out)
{
    kf_err err;

    *out = NULL;
    if (key.len != facts[cipher].key_octets)
        return KF_E_MALFORMED;
    kf_block *b = calloc(1, sizeof *b);
    if (b == NULL)
        return KF_E_NO_MEMORY;
    pthread_once(&fetch_once, fetch_all);
    b->cipher = cipher;
    const EVP_CIPHER *ecb = ecb_cipher[cipher], *cbc = cbc_cipher[cipher];
    if ((err = open_context(uses & KF_BLOCK_USE_ENCRYPT, ecb, 1, &b->encrypt)) != KF_OK ||
        (err = open_context(uses & KF_BLOCK_USE_DECRYPT, ecb, 0, &b->decrypt)) != KF_OK ||
        (err = open_context(uses & KF_BLOCK_USE_CHAIN, cbc, 1, &b->chain)) != KF_OK ||
        (err = kf_block_rekey(b, key)) != KF_OK)
        kf_block_free(&b);
    *out = b;
    return err;
}

static bool key_context(EVP_CIPHER_CTX *ctx, const uint8_t *key)
{
    return ctx == NULL || EVP_CipherInit_ex(ctx, NULL, NULL, key, NULL, -1) == 1;
}

kf_err kf_block_rekey(kf_block *b, kf_slice key)
{
    uint8_t whole[KF_BLOCK_KEY_MAX];

    b->ready = false;
    if (key.len != facts[b->cipher].key_octets)
        return KF_E_MALFORMED;
    memcpy(whole, key.ptr, key.len);
    for (size_t i = 8; facts[b->cipher].single && i < 24; i++)
        whole[i] = whole[i - 8];
    b->ready = key_context(b->encrypt, whole) && key_context(b->decrypt, whole) &&
               key_context(b->chain, whole);
    kf_wipe(whole, sizeof whole);
    return b->ready ? KF_OK : KF_E_BACKEND;
}

void kf_block_free(kf_block **b)
{
    if (b == NULL || *b == NULL)
        return;
    EVP_CIPHER_CTX_free((*b)->encrypt);
    EVP_CIPHER_CTX_free((*b)->decrypt);
    EVP_CIPHER_CTX_free((*b)->chain);
    kf_wipe(*b, sizeof **b);
    free(*b);
    *b = NULL;
}

static kf_err each_block(const kf_block *b, EVP_CIPHER_CTX *ctx, uint8_t *octets, size_t len)
{
    int n = 0;
    if (ctx == NULL || !b->ready)
        return KF_E_STATE;
    if (len == 0 || len % facts[b->cipher].block_octets != 0 || len > KF_BLOCK_CHAIN_MAX)
        return KF_E_MALFORMED;
    bool ok = EVP_CipherUpdate(ctx, octets, &n, octets, (int)len) == 1 && (size_t)n == len;
    return ok ? KF_OK : KF_E_BACKEND;
}

kf_err kf_block_encrypt(kf_block *b, uint8_t *octets, size_t len)
{
    return each_block(b, b->encrypt, octets, len);
}

kf_err kf_block_decrypt(kf_block *b, uint8_t *octets, size_t len)
{
    return each_block(b, b->decrypt, octets, len);
}

/* CBC of the first len octets of the work space from iv, in place. */
static kf_err chain(kf_block *b, const uint8_t *iv, size_t len)
{
    int n = 0;
    bool ok = EVP_CipherInit_ex(b->chain, NULL, NULL, NULL, iv, -1) == 1 &&
              EVP_CipherUpdate(b->chain, b->work, &n, b->work, (int)len) == 1 && (size_t)n == len;
    return ok ? KF_OK : KF_E_BACKEND;
}

static const uint8_t zero_block[KF_BLOCK_OCTETS_MAX];

static size_t whole_blocks(size_t len, size_t block)
{
    return (len + block - 1) / block * block;
}

/* CBC-MAC of in, zero-padded, its last block masked with the octets of mask. */
static kf_err chain_mac(kf_block *b, kf_slice in, size_t padded, const uint8_t *mask, uint8_t *out)
{
    size_t block = facts[b->cipher].block_octets;
    if (in.len > 0)
        memmove(b->work, in.ptr, in.len);
    memset(b->work + in.len, 0, padded - in.len);
    for (size_t i = 0; i < block; i++)
        b->work[padded - block + i] ^= mask[i];
    kf_err err = chain(b, zero_block, padded);
    if (err == KF_OK)
        memcpy(out, b->work + padded - block, block);
    kf_wipe(b->work, padded);
    return err;
}

kf_err kf_block_cbc_mac(kf_block *b, kf_slice in, uint8_t out[KF_BLOCK_OCTETS_MAX])
{
    memset(out, 0, KF_BLOCK_OCTETS_MAX);
    if (b->chain == NULL || !b->ready)
        return KF_E_STATE;
    if (in.len == 0 || in.len > KF_BLOCK_CHAIN_MAX)
        return KF_E_MALFORMED;
    return chain_mac(b, in, whole_blocks(in.len, facts[b->cipher].block_octets), zero_block, out);
}

/* Multiply by x in GF(2^8n), without a branch on the carry. */
static void double_block(uint8_t *block, size_t octets, uint8_t reduction)
{
    uint8_t carry = (uint8_t) - (block[0] >> 7);
    for (size_t i = 0; i + 1 < octets; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[octets - 1] = (uint8_t)(block[octets - 1] << 1 ^ (carry & reduction));
}

kf_err kf_block_cmac(kf_block *b, kf_slice in, uint8_t out[KF_BLOCK_OCTETS_MAX])
{
    uint8_t mask[KF_BLOCK_OCTETS_MAX] = { 0 };

    memset(out, 0, KF_BLOCK_OCTETS_MAX);
    if (b->chain == NULL || !b->ready)
        return KF_E_STATE;
    if (in.len > KF_BLOCK_CHAIN_MAX)
        return KF_E_MALFORMED;
    size_t block = facts[b->cipher].block_octets;
    size_t padded = in.len == 0 ? block : whole_blocks(in.len, block);
    memset(b->work, 0, block);
    kf_err err = chain(b, zero_block, block); /* spec: SP 800-38B 6.1 - subkeys from E(0) */
    memcpy(mask, b->work, block);
    double_block(mask, block, facts[b->cipher].double_xor);
    if (in.len != padded) {
        double_block(mask, block, facts[b->cipher].double_xor);
        mask[block - (padded - in.len)] ^= 0x80; /* the one bit that follows the message */
    }
    if (err == KF_OK)
        err = chain_mac(b, in, padded, mask, out);
    kf_wipe(mask, sizeof mask);
    kf_wipe(b->work, block);
    return err;
}

kf_err kf_block_ofb(kf_block *b, const uint8_t *iv, size_t skip, uint8_t *octets, size_t len)
{
    if (b->chain == NULL || !b->ready)
        return KF_E_STATE;
    if (skip > KF_BLOCK_CHAIN_MAX || len > KF_BLOCK_CHAIN_MAX - skip)
        return KF_E_MALFORMED;
    if (len == 0)
        return KF_OK;
    /* CBC over zeros is the keystream of OFB: each block is the cipher of the one before. */
    size_t padded = whole_blocks(skip + len, facts[b->cipher].block_octets);
    memset(b->work, 0, padded);
    kf_err err = chain(b, iv, padded);
    for (size_t i = 0; err == KF_OK && i < len; i++)
        octets[i] ^= b->work[skip + i];
    kf_wipe(b->work, padded);
    return err;
}

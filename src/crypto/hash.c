#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"

const kf_hash KF_SHA256 = { "SHA-256", 32, 64 };
const kf_hash KF_SHA384 = { "SHA-384", 48, 128 };
const kf_hash KF_SHA512 = { "SHA-512", 64, 128 };

/* Fetched once and kept for the life of the process: an implicit fetch at every call costs more
 * than hashing a short message. */
static EVP_MD *fetched[3];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    static const kf_hash *const algs[] = { &KF_SHA256, &KF_SHA384, &KF_SHA512 };
    for (size_t i = 0; i < KF_COUNT(algs); i++)
        fetched[i] = EVP_MD_fetch(NULL, algs[i]->name, NULL);
}

/* NULL when OpenSSL does not have it. */
static const EVP_MD *md_of(const kf_hash *alg)
{
    pthread_once(&fetch_once, fetch_all);
    return fetched[alg->octets / 16 - 2];
}

kf_err kf_hash_parts(const kf_hash *alg, const kf_slice *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        return KF_E_NO_MEMORY;
    bool ok = EVP_DigestInit_ex(ctx, md_of(alg), NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? KF_OK : KF_E_BACKEND;
}

kf_err kf_sha256(kf_slice in, uint8_t out[KF_SHA256_OCTETS])
{
    return kf_hash_parts(&KF_SHA256, &in, 1, out);
}

/* HMAC, RFC 2104, from the hash itself: OpenSSL 3's EVP_MAC costs a fetch per key. */
#define BLOCK_MAX_OCTETS 128u

struct kf_hmac_key {
    const kf_hash *alg;
    EVP_MD_CTX *ctx;
    kf_secret *pads; /* the inner block, then the outer one */
};

/* Both padded blocks of a key. */
static kf_err hmac_pads(const kf_hash *alg, kf_slice key, uint8_t *inner, uint8_t *outer)
{
    kf_err err = KF_OK;
    memset(inner, 0, alg->block_octets);
    if (key.len > alg->block_octets)
        err = kf_hash_parts(alg, &key, 1, inner);
    else if (key.len > 0)
        memcpy(inner, key.ptr, key.len);
    for (size_t i = 0; i < alg->block_octets; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    return err;
}

/* out = hash(pad || parts). */
static bool hmac_half(const kf_hash *alg, EVP_MD_CTX *ctx, const uint8_t *pad,
                      const kf_slice *parts, size_t count, uint8_t *out)
{
    bool ok = EVP_DigestInit_ex(ctx, md_of(alg), NULL) == 1 &&
              EVP_DigestUpdate(ctx, pad, alg->block_octets) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
    return ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

static kf_err hmac_run(const kf_hash *alg, EVP_MD_CTX *ctx, const uint8_t *inner,
                       const uint8_t *outer, const kf_slice *parts, size_t count, uint8_t *out)
{
    uint8_t first[KF_HASH_MAX_OCTETS] = { 0 };
    const kf_slice part = { first, alg->octets };
    bool ok = hmac_half(alg, ctx, inner, parts, count, first) &&
              hmac_half(alg, ctx, outer, &part, 1, out);
    kf_wipe(first, sizeof first);
    if (!ok)
        kf_wipe(out, alg->octets);
    return ok ? KF_OK : KF_E_BACKEND;
}

kf_err kf_hmac_parts(const kf_hash *alg, kf_slice key, const kf_slice *parts, size_t count,
                     uint8_t *out)
{
    uint8_t inner[BLOCK_MAX_OCTETS], outer[BLOCK_MAX_OCTETS];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        return KF_E_NO_MEMORY;
    kf_err err = hmac_pads(alg, key, inner, outer);
    if (err == KF_OK)
        err = hmac_run(alg, ctx, inner, outer, parts, count, out);
    else
        kf_wipe(out, alg->octets);
    EVP_MD_CTX_free(ctx);
    kf_wipe(inner, sizeof inner);
    kf_wipe(outer, sizeof outer);
    return err;
}

kf_err kf_hmac_key_new(const kf_hash *alg, kf_slice key, kf_hmac_key **out)
{
    *out = NULL;
    kf_hmac_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return KF_E_NO_MEMORY;
    k->alg = alg;
    k->ctx = EVP_MD_CTX_new();
    kf_err err = kf_secret_new(2 * alg->block_octets, &k->pads);
    if (err == KF_OK && k->ctx == NULL)
        err = KF_E_NO_MEMORY;
    if (err == KF_OK) {
        uint8_t *pads = kf_secret_edit(k->pads);
        err = hmac_pads(alg, key, pads, pads + alg->block_octets);
    }
    if (err != KF_OK)
        kf_hmac_key_free(&k);
    *out = k;
    return err;
}

kf_err kf_hmac_key_parts(kf_hmac_key *key, const kf_slice *parts, size_t count, uint8_t *out)
{
    const uint8_t *pads = kf_secret_view(key->pads).ptr;
    return hmac_run(key->alg, key->ctx, pads, pads + key->alg->block_octets, parts, count, out);
}

void kf_hmac_key_free(kf_hmac_key **key)
{
    if (key == NULL || *key == NULL)
        return;
    EVP_MD_CTX_free((*key)->ctx);
    kf_secret_free(&(*key)->pads);
    free(*key);
    *key = NULL;
}

#define KDF_PARAMS_MAX 8u

kf_err kf_kdf_33220(kf_slice key, uint8_t fc, const kf_slice *params, size_t count,
                    uint8_t out[KF_SHA256_OCTETS])
{
    uint8_t lengths[KDF_PARAMS_MAX][2];
    kf_slice parts[1 + 2 * KDF_PARAMS_MAX];

    memset(out, 0, KF_SHA256_OCTETS);
    if (count > KDF_PARAMS_MAX)
        return KF_E_MALFORMED;
    parts[0] = (kf_slice){ &fc, 1 };
    for (size_t i = 0; i < count; i++) {
        if (params[i].len > UINT16_MAX)
            return KF_E_MALFORMED;
        kf_writer w = kf_writer_init(lengths[i], 2);
        kf_write_u16(&w, (uint16_t)params[i].len);
        parts[1 + 2 * i] = params[i];
        parts[2 + 2 * i] = (kf_slice){ lengths[i], 2 };
    }
    return kf_hmac_parts(&KF_SHA256, key, parts, 1 + 2 * count, out);
}

size_t kf_kdf_integer(uint64_t value, uint8_t out[8])
{
    size_t len = 1;
    while (len < 8 && value >> (8 * len) != 0)
        len++;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(value >> (8 * (len - 1 - i)) & 0xffu);
    return len;
}

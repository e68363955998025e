#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
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
kf_err kf_hmac_parts(const kf_hash *alg, kf_slice key, const kf_slice *parts, size_t count,
                     uint8_t *out)
{
    uint8_t pad[128] = { 0 }, inner[KF_HASH_MAX_OCTETS] = { 0 };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    kf_err err = KF_OK;

    if (ctx == NULL)
        return KF_E_NO_MEMORY;
    if (key.len > alg->block_octets)
        err = kf_hash_parts(alg, &key, 1, pad);
    else if (key.len > 0)
        memcpy(pad, key.ptr, key.len);
    for (size_t i = 0; i < alg->block_octets; i++)
        pad[i] ^= 0x36;
    bool ok = err == KF_OK && EVP_DigestInit_ex(ctx, md_of(alg), NULL) == 1 &&
              EVP_DigestUpdate(ctx, pad, alg->block_octets) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, inner, NULL) == 1;
    for (size_t i = 0; i < alg->block_octets; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    ok = ok && EVP_DigestInit_ex(ctx, md_of(alg), NULL) == 1 &&
         EVP_DigestUpdate(ctx, pad, alg->block_octets) == 1 &&
         EVP_DigestUpdate(ctx, inner, alg->octets) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    kf_wipe(pad, sizeof pad);
    kf_wipe(inner, sizeof inner);
    if (!ok)
        kf_wipe(out, alg->octets);
    return ok ? KF_OK : KF_E_BACKEND;
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

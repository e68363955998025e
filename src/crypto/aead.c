#include "crypto/aead.h"

#include "crypto/cipher.h"

/* spec: NIST SP 800-38D §8.3 - at most 2^32 calls per key with random nonces */
const kf_aead KF_AES_128_GCM = { "AES-128-GCM", 16, 12, 16, UINT64_C(1) << 32 };
const kf_aead KF_AES_256_GCM = { "AES-256-GCM", 32, 12, 16, UINT64_C(1) << 32 };

static bool fits(const kf_aead *alg, kf_slice key, kf_slice nonce, kf_slice ad, kf_slice in)
{
    return key.len == alg->key_octets && nonce.len >= 12 && nonce.len <= 16 && aes_fits(ad) &&
           aes_fits(in);
}

/* A context with key, nonce and associated data taken in; NULL on failure. */
static EVP_CIPHER_CTX *begin(bool seal, kf_slice key, kf_slice nonce, kf_slice ad)
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = aes_cipher(AES_MODE_GCM, key.len);
    if (ctx != NULL && EVP_CipherInit_ex(ctx, cipher, NULL, NULL, NULL, seal) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) == 1 &&
        EVP_CipherInit_ex(ctx, NULL, NULL, key.ptr, nonce.ptr, seal) == 1 &&
        (ad.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, ad.ptr, (int)ad.len) == 1))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

kf_err kf_aead_seal(const kf_aead *alg, kf_slice key, kf_slice nonce, kf_slice ad, kf_slice in,
                    kf_writer *out)
{
    int n = 0;
    if (!fits(alg, key, nonce, ad, in))
        return KF_E_MALFORMED;
    size_t mark = out->len;
    uint8_t *to = kf_write_space(out, in.len + alg->tag_octets);
    if (to == NULL)
        return out->err;
    EVP_CIPHER_CTX *ctx = begin(true, key, nonce, ad);
    bool ok =
        ctx != NULL && (in.len == 0 || EVP_CipherUpdate(ctx, to, &n, in.ptr, (int)in.len) == 1) &&
        EVP_CipherFinal_ex(ctx, to + in.len, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)alg->tag_octets, to + in.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        return KF_OK;
    kf_wipe(to, in.len + alg->tag_octets);
    out->len = mark;
    return KF_E_BACKEND;
}

kf_err kf_aead_open(const kf_aead *alg, kf_slice key, kf_slice nonce, kf_slice ad, kf_slice in,
                    kf_secret **out)
{
    uint8_t tag[16];
    int n = 0;

    *out = NULL;
    if (!fits(alg, key, nonce, ad, in))
        return KF_E_MALFORMED;
    if (in.len < alg->tag_octets)
        return KF_E_TRUNCATED;
    size_t len = in.len - alg->tag_octets;
    kf_slice tag_in = kf_slice_part(in, len, alg->tag_octets);
    for (size_t i = 0; i < sizeof tag; i++)
        tag[i] = tag_in.ptr[i];

    kf_secret *plain = NULL;
    kf_err err = kf_secret_new(len, &plain);
    if (err != KF_OK)
        return err;
    EVP_CIPHER_CTX *ctx = begin(false, key, nonce, ad);
    uint8_t *to = kf_secret_edit(plain);
    if (ctx == NULL || (len > 0 && EVP_CipherUpdate(ctx, to, &n, in.ptr, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof tag, tag) != 1)
        err = KF_E_BACKEND;
    else if (EVP_CipherFinal_ex(ctx, to + len, &n) != 1)
        err = KF_E_AUTH;
    EVP_CIPHER_CTX_free(ctx);
    if (err != KF_OK)
        kf_secret_free(&plain);
    *out = plain;
    return err;
}

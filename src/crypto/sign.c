#include "crypto/sign.h"

#include <openssl/evp.h>

static EVP_PKEY *private_key(const kf_secret *key)
{
    kf_slice k = kf_secret_view(key);
    return k.len == KF_ED25519_KEY_OCTETS
               ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k.ptr, k.len)
               : NULL;
}

kf_err kf_ed25519_public(const kf_secret *key, uint8_t public_key[KF_ED25519_KEY_OCTETS])
{
    size_t len = KF_ED25519_KEY_OCTETS;
    if (kf_secret_len(key) != KF_ED25519_KEY_OCTETS)
        return KF_E_MALFORMED;
    EVP_PKEY *pkey = private_key(key);
    bool fine = pkey != NULL && EVP_PKEY_get_raw_public_key(pkey, public_key, &len) == 1;
    EVP_PKEY_free(pkey);
    return fine ? KF_OK : KF_E_BACKEND;
}

kf_err kf_ed25519_new(const kf_rng *rng, kf_secret **key, uint8_t public_key[KF_ED25519_KEY_OCTETS])
{
    kf_err err = kf_secret_new_random(rng, KF_ED25519_KEY_OCTETS, key);
    if (err == KF_OK)
        err = kf_ed25519_public(*key, public_key);
    if (err != KF_OK)
        kf_secret_free(key);
    return err;
}

kf_err kf_ed25519_sign(const kf_secret *key, kf_slice message,
                       uint8_t signature[KF_ED25519_SIGNATURE_OCTETS])
{
    size_t len = KF_ED25519_SIGNATURE_OCTETS;
    if (kf_secret_len(key) != KF_ED25519_KEY_OCTETS)
        return KF_E_MALFORMED;
    EVP_PKEY *pkey = private_key(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fine = pkey != NULL && ctx != NULL &&
                EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(ctx, signature, &len, message.ptr, message.len) == 1 &&
                len == KF_ED25519_SIGNATURE_OCTETS;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return fine ? KF_OK : KF_E_BACKEND;
}

kf_err kf_ed25519_verify(const uint8_t public_key[KF_ED25519_KEY_OCTETS], kf_slice message,
                         kf_slice signature)
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, KF_ED25519_KEY_OCTETS);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ready =
        pkey != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1;
    bool fine = ready && signature.len == KF_ED25519_SIGNATURE_OCTETS &&
                EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return fine ? KF_OK : ready ? KF_E_AUTH : KF_E_BACKEND;
}

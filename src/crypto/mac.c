#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/cipher.h"

/* Fetched once, kept for the life of the process. */
static EVP_MAC *cmac_alg;
static pthread_once_t cmac_once = PTHREAD_ONCE_INIT;

static void fetch_cmac(void)
{
    cmac_alg = EVP_MAC_fetch(NULL, "CMAC", NULL);
}

static const char *cbc_name(size_t key_octets)
{
    return key_octets == 16 ? "AES-128-CBC" : key_octets == 24 ? "AES-192-CBC" : "AES-256-CBC";
}

kf_err kf_aes_cmac(kf_slice key, const kf_slice *parts, size_t count,
                   uint8_t out[KF_AES_BLOCK_OCTETS])
{
    char name[16];
    size_t n = 0;

    memset(out, 0, KF_AES_BLOCK_OCTETS);
    if (aes_cipher(AES_MODE_CBC, key.len) == NULL)
        return KF_E_MALFORMED;
    pthread_once(&cmac_once, fetch_cmac);
    EVP_MAC_CTX *ctx = cmac_alg == NULL ? NULL : EVP_MAC_CTX_new(cmac_alg);
    if (ctx == NULL)
        return KF_E_BACKEND;
    strcpy(name, cbc_name(key.len));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok = EVP_MAC_init(ctx, key.ptr, key.len, params) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = parts[i].len == 0 || EVP_MAC_update(ctx, parts[i].ptr, parts[i].len) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &n, KF_AES_BLOCK_OCTETS) == 1 && n == KF_AES_BLOCK_OCTETS;
    EVP_MAC_CTX_free(ctx);
    return ok ? KF_OK : KF_E_BACKEND;
}

kf_err kf_aes_cbc_mac(kf_slice key, kf_slice in, uint8_t out[KF_AES_BLOCK_OCTETS])
{
    static const uint8_t zero[KF_AES_BLOCK_OCTETS];
    uint8_t block[2 * KF_AES_BLOCK_OCTETS];
    const EVP_CIPHER *cipher = aes_cipher(AES_MODE_CBC, key.len);

    memset(out, 0, KF_AES_BLOCK_OCTETS);
    if (cipher == NULL || in.len == 0 || in.len % KF_AES_BLOCK_OCTETS != 0)
        return KF_E_MALFORMED;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        return KF_E_NO_MEMORY;
    bool ok = EVP_EncryptInit_ex(ctx, cipher, NULL, key.ptr, zero) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
    for (size_t off = 0; ok && off < in.len; off += KF_AES_BLOCK_OCTETS) {
        int n = 0;
        ok = EVP_EncryptUpdate(ctx, block, &n, in.ptr + off, KF_AES_BLOCK_OCTETS) == 1;
    }
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        memcpy(out, block, KF_AES_BLOCK_OCTETS);
    kf_wipe(block, sizeof block);
    return ok ? KF_OK : KF_E_BACKEND;
}

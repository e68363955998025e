#include "crypto/scrypt.h"

#include <openssl/evp.h>

const kf_scrypt_cost KF_SCRYPT_DEFAULT = { 17, 8, 1 };

bool kf_scrypt_cost_is_bounded(kf_scrypt_cost cost)
{
    return cost.log2_n >= 1 && cost.log2_n <= 18 && cost.r >= 1 && cost.r <= 8 && cost.p >= 1 &&
           cost.p <= 4;
}

kf_err kf_scrypt(kf_slice passphrase, kf_slice salt, kf_scrypt_cost cost, size_t octets,
                 kf_secret **out)
{
    *out = NULL;
    if (!kf_scrypt_cost_is_bounded(cost))
        return KF_E_MALFORMED;
    kf_secret *key = NULL;
    kf_err err = kf_secret_new(octets, &key);
    if (err != KF_OK)
        return err;
    uint64_t n = UINT64_C(1) << cost.log2_n;
    uint64_t max_octets = 128 * n * cost.r + (1u << 20);
    const char *pass = passphrase.len == 0 ? "" : (const char *)passphrase.ptr;
    if (EVP_PBE_scrypt(pass, passphrase.len, salt.ptr, salt.len, n, cost.r, cost.p, max_octets,
                       kf_secret_edit(key), octets) != 1) {
        kf_secret_free(&key);
        return KF_E_BACKEND;
    }
    *out = key;
    return KF_OK;
}

#include "crypto/cipher.h"

#include <limits.h>

/* One row a mode, one column a key length; OpenSSL's constant objects. */
static const EVP_CIPHER *(*const ciphers[][3])(void) = {
    [AES_MODE_GCM] = { EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm },
    [AES_MODE_OFB] = { EVP_aes_128_ofb, EVP_aes_192_ofb, EVP_aes_256_ofb },
    [AES_MODE_CBC] = { EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc },
    [AES_MODE_KW] = { EVP_aes_128_wrap, EVP_aes_192_wrap, EVP_aes_256_wrap },
    [AES_MODE_KWP] = { EVP_aes_128_wrap_pad, EVP_aes_192_wrap_pad, EVP_aes_256_wrap_pad },
};

const EVP_CIPHER *aes_cipher(aes_mode mode, size_t key_octets)
{
    if (key_octets != 16 && key_octets != 24 && key_octets != 32)
        return NULL;
    return ciphers[mode][key_octets / 8 - 2]();
}

bool aes_fits(kf_slice s)
{
    return s.len <= INT_MAX / 2;
}

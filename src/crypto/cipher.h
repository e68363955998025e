/** @file cipher.h Inside this room only: AES of OpenSSL by key length. */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include <openssl/evp.h>

#include "base/slice.h"

typedef enum aes_mode {
    AES_MODE_GCM,
    AES_MODE_OFB,
    AES_MODE_CBC,
    AES_MODE_KW,
    AES_MODE_KWP
} aes_mode;

/** The cipher for a key of 16, 24 or 32 octets; NULL for another length. Never freed. */
const EVP_CIPHER *aes_cipher(aes_mode mode, size_t key_octets);

/** Octets that EVP takes as an int at once. */
bool aes_fits(kf_slice s);

#endif

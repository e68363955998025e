/** @file mac.h AES-CMAC (NIST SP 800-38B) and AES-CBC-MAC, over OpenSSL 3. */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/err.h"
#include "base/slice.h"

#define KF_AES_BLOCK_OCTETS 16u

/** CMAC over the concatenation of count parts. key: 16, 24 or 32 octets. @return KF_E_MALFORMED for
 * another key length; KF_E_BACKEND. */
KF_MUST_USE kf_err kf_aes_cmac(kf_slice key, const kf_slice *parts, size_t count,
                               uint8_t out[KF_AES_BLOCK_OCTETS]);

/**
 * CBC-MAC with a zero initial block. Secure only where the protocol fixes the message length.
 * @param in a positive multiple of 16 octets; padding is the protocol's.
 * @return KF_E_MALFORMED for another length; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_aes_cbc_mac(kf_slice key, kf_slice in, uint8_t out[KF_AES_BLOCK_OCTETS]);

#endif

/** @file ofb.h AES in output feedback mode (NIST SP 800-38A), over OpenSSL 3. */
#ifndef CRYPTO_OFB_H
#define CRYPTO_OFB_H

#include "base/slice.h"
#include "base/writer.h"

/**
 * Encrypt or decrypt (the same operation); in.len octets are appended to out.
 * @param key 16, 24 or 32 octets.
 * @param iv  16 octets, never used twice under one key.
 * @return KF_E_MALFORMED for a wrong key or IV length; KF_E_NO_SPACE; KF_E_BACKEND.
 */
KF_MUST_USE kf_err kf_aes_ofb(kf_slice key, kf_slice iv, kf_slice in, kf_writer *out);

#endif

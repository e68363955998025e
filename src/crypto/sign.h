/** @file sign.h Ed25519 signatures (RFC 8032), over OpenSSL 3. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"

#define KF_ED25519_KEY_OCTETS       32u
#define KF_ED25519_SIGNATURE_OCTETS 64u

/** A fresh private key and its public key. Caller frees *key. @return KF_E_BACKEND, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err kf_ed25519_new(const kf_rng *rng, kf_secret **key,
                                  uint8_t public_key[KF_ED25519_KEY_OCTETS]);
/** The public key of a private key of 32 octets. @return KF_E_MALFORMED for another length. */
KF_MUST_USE kf_err kf_ed25519_public(const kf_secret *key,
                                     uint8_t public_key[KF_ED25519_KEY_OCTETS]);
KF_MUST_USE kf_err kf_ed25519_sign(const kf_secret *key, kf_slice message,
                                   uint8_t signature[KF_ED25519_SIGNATURE_OCTETS]);
/** @return KF_E_AUTH when it is not that key's signature of the message. */
KF_MUST_USE kf_err kf_ed25519_verify(const uint8_t public_key[KF_ED25519_KEY_OCTETS],
                                     kf_slice message, kf_slice signature);

#endif

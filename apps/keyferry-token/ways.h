/**
 * @file ways.h The ways in which tokens can wrap 32 octets, best first. The first octet of what
 * comes out names the way (and so the mechanism), so that it can be unwrapped years later.
 *
 *  1  CKM_AES_KEY_WRAP, C_WrapKey       RFC 3394
 *  2  CKM_AES_KEY_WRAP_PAD, C_WrapKey   RFC 5649
 *  3  CKM_AES_GCM, C_Encrypt            12 nonce, ciphertext and tag
 *  4  CKM_AES_CBC, C_Encrypt            16 vector, then secret and 16 octets of its SHA-256
 *  5  CKM_AES_CBC_PAD, C_Encrypt        the same
 *
 * In 4 and 5 the check octets tell damage from a good secret. What stands against an attacker is
 * the GCM of the slot, which covers the wrapped octets too.
 */
#ifndef KEYFERRY_TOKEN_WAYS_H
#define KEYFERRY_TOKEN_WAYS_H

#include "base/secret.h"
#include "base/writer.h"
#include "p11.h"

/** Make the key and prove that it works, in the first way that the token is able to.
 * @return CKR_OK; CKR_MECHANISM_INVALID when no way is left. */
CK_RV ways_make_key(p11 *p);

/** @param buffer for the wrapped octets. @return CKR_OK or the module's refusal. */
CK_RV ways_wrap(p11 *p, CK_OBJECT_HANDLE key, const kf_secret *secret, kf_writer *out);

/** @return CKR_OK, or the module's refusal; CKR_ENCRYPTED_DATA_INVALID for octets that are not
 * ours. */
CK_RV ways_unwrap(p11 *p, CK_OBJECT_HANDLE key, kf_slice wrapped, kf_secret **out);

/** Does the key still wrap and unwrap? Tells bad octets from a bad token. */
bool ways_work(p11 *p, CK_OBJECT_HANDLE key);

#endif

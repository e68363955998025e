/**
 * @file wrap.h The inner layer: keys wrapped under a key encryption key (UKEK, CKEK, or a
 * warm-start TEK in that role). The wrapped key is not bound to its SLN and KID: only the MAC does
 * that, so never unwrap from a message whose MAC has not been verified.
 * Source: RFC 3394, NIST SP 800-38F (KW, TKW), TIA-102.AACA; project facts 2.1, 2.2.
 */
#ifndef P25_WRAP_H
#define P25_WRAP_H

#include "base/secret.h"
#include "crypto/block.h"
#include "p25/ids.h"

/** Longest wrapped key in octets: AES-256 under AES-256. */
#define P25_WRAPPED_MAX 40u

/** What to do with keys of 56 bits and less (DES, ADP). */
typedef enum p25_weak {
    P25_WEAK_RECEIVE_ONLY, /**< take them, never send them or under them */
    P25_WEAK_ALLOWED,
} p25_weak;

typedef enum p25_direction { P25_SEND, P25_RECEIVE } p25_direction;

/** A key encryption key, set up once. One thread at a time. */
typedef struct p25_kek p25_kek;

/**
 * @param key of the algorithm's length. Borrowed for this call.
 * @return KF_E_UNSUPPORTED for an algorithm that wraps nothing; KF_E_MALFORMED for a wrong length;
 * KF_E_NO_MEMORY; KF_E_BACKEND. Caller frees *out, which is NULL on failure.
 */
KF_MUST_USE kf_err p25_kek_new(uint8_t algid, uint16_t kid, const kf_secret *key, p25_kek **out);
void p25_kek_free(p25_kek **kek);
uint8_t p25_kek_algid(const p25_kek *kek);
uint16_t p25_kek_kid(const p25_kek *kek);

/** Octets of a wrapped key: 40 for AES-256, 28 for TDEA, 8 for DES; 0 for any other. */
size_t p25_wrapped_octets(unsigned key_algid);

/**
 * May a key of key_algid travel under kek_algid? KF_OK; KF_E_DENIED when the KEK is weaker, or the
 * key is weak and may only be received; KF_E_UNSUPPORTED when no form is known for the pair.
 */
KF_MUST_USE kf_err p25_wrap_permitted(unsigned key_algid, unsigned kek_algid,
                                      p25_direction direction, p25_weak weak);

/** May keys of key_algid travel in a message with that MAC or outer TEK? spec: AACA-D table 81. */
bool p25_layer_is_strong_enough(unsigned key_algid, unsigned layer_algid);

/**
 * Wrap count keys of one algorithm; several cost little more than one.
 * @param out count times p25_wrapped_octets(key_algid) octets, in order; zeros on failure.
 * @return as p25_wrap_permitted(); KF_E_MALFORMED for a key of another length; KF_E_BACKEND.
 */
KF_MUST_USE kf_err p25_wrap_keys(p25_kek *kek, p25_weak weak, unsigned key_algid,
                                 const kf_secret *const *keys, size_t count, uint8_t *out);

/** One key to unwrap. */
typedef struct p25_unwrap_item {
    kf_slice wrapped; /**< in: borrowed */
    kf_secret *key;   /**< in: the caller's, of the clear length; filled, or zeros on failure */
    kf_err result;    /**< out: KF_OK, KF_E_AUTH, KF_E_MALFORMED for a length no wrap has */
} p25_unwrap_item;

/**
 * Unwrap count keys of one algorithm, each with a result of its own.
 * @return KF_OK when every item has a result; otherwise as p25_wrap_permitted(), KF_E_BACKEND, and
 * all keys are zero and all results that error.
 *
 * A DES key has no integrity check but its odd parity, which is asked for (facts C6).
 */
KF_MUST_USE kf_err p25_unwrap_keys(p25_kek *kek, unsigned key_algid, p25_unwrap_item *items,
                                   size_t count);

/** One key into a new secret. Caller frees *out, NULL on failure. @return item result or error. */
KF_MUST_USE kf_err p25_unwrap_key(p25_kek *kek, unsigned key_algid, kf_slice wrapped,
                                  kf_secret **out);

/** Has every octet an odd number of one bits? Constant time. */
bool p25_parity_is_odd(kf_slice key);

/**
 * The wrapping steps themselves, for the key derivation of the CBC-MAC: key under itself with an
 * initial value of the caller's. AES only.
 * @param initial 8 octets. @param out 40 octets; zeros on failure.
 */
KF_MUST_USE kf_err p25_wrap_with_initial(kf_block *block, const uint8_t initial[8], kf_slice key,
                                         uint8_t out[P25_WRAPPED_MAX]);

#endif

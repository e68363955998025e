/**
 * @file mi.h Message indicators: the 64-bit register of TIA-102.AAAD that voice superframes step
 * through and that makes the 128-bit initial block of AES. Public values; no secrets here.
 * Source: project facts 2.3, 3.1, 3.2.
 */
#ifndef P25_MI_H
#define P25_MI_H

#include "base/rng.h"
#include "p25/ids.h"

/** Octets of the initial block that AES needs. */
#define P25_IV_OCTETS 16u

/** The MI after 64 steps: of the next superframe. The ninth octet in is ignored, out it is 00. */
void p25_mi_next(const uint8_t mi[P25_MI_OCTETS], uint8_t next[P25_MI_OCTETS]);

/** The initial block of AES: the MI, then the register after 64 steps. */
void p25_mi_iv(const uint8_t mi[P25_MI_OCTETS], uint8_t iv[P25_IV_OCTETS]);

/** Are the first 8 octets zero? With an algorithm other than clear that is invalid. */
bool p25_mi_is_zero(const uint8_t mi[P25_MI_OCTETS]);

/**
 * A fresh MI: 8 random octets that are not all zero, then 00.
 * @return KF_E_BACKEND when the generator fails or gives nothing but zeros; then mi is zero.
 */
KF_MUST_USE kf_err p25_mi_random(const kf_rng *rng, uint8_t mi[P25_MI_OCTETS]);

#endif

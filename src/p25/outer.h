/**
 * @file outer.h The outer layer: a whole KMM under the OFB keystream of a TEK and a fresh MI. It
 * hides and does not authenticate. Source: TIA-102.AACA, AAAD; project facts 2.3.
 */
#ifndef P25_OUTER_H
#define P25_OUTER_H

#include "p25/mac.h"
#include "p25/mi.h"

/**
 * Encrypt or decrypt a KMM in place (the same operation).
 * @param mi  never used twice under one TEK when encrypting: p25_mi_random(). Its ninth octet is
 *            ignored.
 * @param len 0 to P25_KMM_OCTETS_MAX.
 * @return KF_E_MALFORMED for an MI of zeros or a longer KMM; KF_E_BACKEND. Then octets are
 * unchanged.
 */
KF_MUST_USE kf_err p25_outer_apply(p25_tek *tek, const uint8_t mi[P25_MI_OCTETS], uint8_t *octets,
                                   size_t len);

#endif

/**
 * @file point.h Points of P-256: a thin layer over OpenSSL's EC_GROUP and EC_POINT.
 *
 * Internal to the room. A scalar that goes in may be secret: its BIGNUM copy has the constant-time
 * flag, is made so that the time does not depend on leading zero octets, and is wiped. What OpenSSL
 * adds: its P-256 multiplications use fixed windows and scan their tables; a BIGNUM still shows
 * whether its uppermost 64 bits are all zero, which happens once in 2^64.
 */
#ifndef ECCSI_POINT_H
#define ECCSI_POINT_H

#include <openssl/ec.h>

#include "base/slice.h"
#include "eccsi/eccsi.h"
#include "eccsi/scalar.h"

/** Octets of the base point G, 04 || x || y. FIPS 186-4 D.1.2.3. */
extern const uint8_t ECCSI_BASE_POINT[ECCSI_POINT_OCTETS];

/**
 * A point from 65 octets, 04 || x || y: coordinates below p, on the curve; infinity has no such
 * form. The curve has no cofactor, so every such point has order q. Free with EC_POINT_free().
 * @return KF_E_TRUNCATED / KF_E_TRAILING for a wrong length, KF_E_MALFORMED for a bad point,
 * KF_E_NO_MEMORY, KF_E_BACKEND.
 */
KF_MUST_USE kf_err eccsi_point_decode(kf_slice octets, EC_POINT **out);

/** [k]G. @return KF_E_MALFORMED when it is infinity (k = 0); KF_E_NO_MEMORY, KF_E_BACKEND. */
KF_MUST_USE kf_err eccsi_point_of_base(const eccsi_scalar *k, uint8_t out[ECCSI_POINT_OCTETS]);

/** One term [k]A of a sum. */
typedef struct eccsi_term {
    const eccsi_scalar *k;
    const EC_POINT *point;
} eccsi_term;

/** [base]G + [a.k]a.point + [b.k]b.point; b.point NULL leaves its term out. Errors as above. */
KF_MUST_USE kf_err eccsi_point_sum(const eccsi_scalar *base, eccsi_term a, eccsi_term b,
                                   uint8_t out[ECCSI_POINT_OCTETS]);

#endif

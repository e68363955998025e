/** @file scalar.h Integers modulo q, the order of P. Constant time. */
#ifndef SAKKE_SCALAR_H
#define SAKKE_SCALAR_H

#include "base/err.h"
#include "base/slice.h"
#include "sakke/limbs.h"

#define SAKKE_SCALAR_OCTETS 128u

/** An integer in [0, q - 1]. */
typedef struct sakke_scalar {
    uint64_t w[SAKKE_LIMBS];
} sakke_scalar;

/** q as limbs. */
extern const uint64_t SAKKE_Q[SAKKE_LIMBS];

/** octets mod q, 1 to 128 of them, big-endian. @return KF_E_MALFORMED for another length. */
KF_MUST_USE kf_err sakke_scalar_reduce(kf_slice octets, sakke_scalar *r);

/** The same, but the value must be in [least, q - 1]. @return KF_E_MALFORMED. */
KF_MUST_USE kf_err sakke_scalar_read(kf_slice octets, uint64_t least, sakke_scalar *r);

void sakke_scalar_to_octets(uint8_t octets[SAKKE_SCALAR_OCTETS], const sakke_scalar *a);
void sakke_scalar_add(sakke_scalar *r, const sakke_scalar *a, const sakke_scalar *b);
void sakke_scalar_mul(sakke_scalar *r, const sakke_scalar *a, const sakke_scalar *b);

/** r = 1/a mod q; 0 gives 0. */
void sakke_scalar_inv(sakke_scalar *r, const sakke_scalar *a);

/** 1 when a = 0. */
uint64_t sakke_scalar_is_zero(const sakke_scalar *a);

#endif

/**
 * @file scalar.h Integers modulo q, the order of P-256: fixed width, constant time.
 *
 * Internal to the room. A scalar is a plain value in [0, q-1]; the Montgomery form stays inside
 * scalar.c. No function branches on or indexes by a value; what a predicate returns may be acted on
 * only where the comment of its caller says that the answer is public. Whoever holds a secret
 * scalar wipes it.
 */
#ifndef ECCSI_SCALAR_H
#define ECCSI_SCALAR_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"
#include "eccsi/eccsi.h"

typedef struct eccsi_scalar {
    uint64_t limb[4]; /**< least significant first */
} eccsi_scalar;

/** The value of 32 octets, big-endian, reduced modulo q. */
void eccsi_scalar_reduce(const uint8_t octets[ECCSI_SCALAR_OCTETS], eccsi_scalar *out);

/** The value of 32 octets, big-endian. @return is it in [1, q-1]? *out is reduced in any case. */
KF_MUST_USE bool eccsi_scalar_decode(const uint8_t octets[ECCSI_SCALAR_OCTETS], eccsi_scalar *out);

/** 32 octets, big-endian. */
void eccsi_scalar_encode(const eccsi_scalar *a, uint8_t octets[ECCSI_SCALAR_OCTETS]);

bool eccsi_scalar_is_zero(const eccsi_scalar *a);

/* out may be the same object as an argument in all of these. */

void eccsi_scalar_add(const eccsi_scalar *a, const eccsi_scalar *b, eccsi_scalar *out);
void eccsi_scalar_negate(const eccsi_scalar *a, eccsi_scalar *out);
void eccsi_scalar_multiply(const eccsi_scalar *a, const eccsi_scalar *b, eccsi_scalar *out);

/** 1 / a; 0 for a = 0. */
void eccsi_scalar_invert(const eccsi_scalar *a, eccsi_scalar *out);

/** The value of a secret. @return KF_E_MALFORMED unless 32 octets with a value in [1, q-1]. */
KF_MUST_USE kf_err eccsi_scalar_of_secret(const kf_secret *secret, eccsi_scalar *out);

/** A secret of 32 octets. Caller frees. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err eccsi_scalar_to_secret(const eccsi_scalar *a, kf_secret **out);

/**
 * Uniform in [1, q-1], by drawing again what is out of range.
 * @return KF_E_BACKEND when the generator fails, or gives nothing usable in many attempts.
 */
KF_MUST_USE kf_err eccsi_scalar_draw(const kf_rng *rng, eccsi_scalar *out);

#endif

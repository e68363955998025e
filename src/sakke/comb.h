/**
 * @file comb.h Fixed-base multiplication by combs with signed digits.
 *
 * A scalar is made odd (q is added if need be) and written with n = teeth * tables * columns digits
 * of +1 or -1. Digit (tooth, table, column) has weight 2^((tooth * tables + table) * columns +
 * column). A table holds the 2^(teeth-1) sums of its teeth with the top sign positive; a column
 * takes one entry of each table, and columns are joined by doublings.
 */
#ifndef SAKKE_COMB_H
#define SAKKE_COMB_H

#include "sakke/curve.h"
#include "sakke/pfp.h"
#include "sakke/scalar.h"

/** Numbers of teeth, tables and columns; their product is at least 1023. */
typedef struct sakke_comb_shape {
    unsigned teeth, tables, columns;
} sakke_comb_shape;

/** Fastest multiplications: 344,064 octets of points. */
extern const sakke_comb_shape SAKKE_COMB_FULL;

/** Quick to make: 20,480 octets of points. */
extern const sakke_comb_shape SAKKE_COMB_SMALL;

/** Multiples of one point. Public: ordinary heap. */
typedef struct sakke_comb {
    const sakke_comb_shape *shape;
    sakke_affine *entries; /**< tables * 2^(teeth-1) */
} sakke_comb;

/** Octets of the table. */
size_t sakke_comb_octets(const sakke_comb *comb);

/**
 * Make the table of a point.
 * @return KF_E_MALFORMED when the point has not order q; KF_E_NO_MEMORY. Caller clears the comb.
 */
KF_MUST_USE kf_err sakke_comb_init(sakke_comb *comb, const sakke_affine *base,
                                   const sakke_comb_shape *shape);
void sakke_comb_clear(sakke_comb *comb);

/**
 * r = [k_0]B_0 + [k_1]B_1 + ... for count bases, one or two, with tables of the same shape.
 * Any scalars. Constant time in them, but that two intermediate sums which differ by sign or not at
 * all lead to a slower path; for scalars not made for the purpose this does not happen.
 */
void sakke_comb_mul(sakke_proj *r, const sakke_comb *const *combs,
                    const sakke_scalar *const *scalars, size_t count);

/** Powers of one element of PF_p, by the same digits. */
typedef struct sakke_power_comb {
    const sakke_comb_shape *shape;
    sakke_fp *entries;
} sakke_power_comb;

/** Make the table of 1 + i g. @return KF_E_NO_MEMORY; KF_E_MALFORMED when a power is i. */
KF_MUST_USE kf_err sakke_power_comb_init(sakke_power_comb *comb, const sakke_fp *g,
                                         const sakke_comb_shape *shape);
void sakke_power_comb_clear(sakke_power_comb *comb);

/** r = (1 + i g)^k. Constant time in k. */
void sakke_power_comb_raise(sakke_pfp *r, const sakke_power_comb *comb, const sakke_scalar *k);

#endif

/**
 * @file curve.h The curve y^2 = x^3 - 3x over F_p.
 *
 * Affine points carry no infinity. Projective points (X : Y : Z), x = X/Z, y = Y/Z, do: (0 : 1 :
 * 0); their addition has no exceptional case among points of odd order, so it needs no branch.
 */
#ifndef SAKKE_CURVE_H
#define SAKKE_CURVE_H

#include "base/err.h"
#include "base/slice.h"
#include "sakke/fp.h"

#define SAKKE_CURVE_OCTETS 257u

/** A point that is not infinity. */
typedef struct sakke_affine {
    sakke_fp x, y;
} sakke_affine;

/** Any point of odd order, infinity included. (0 : 0 : 0) is none: the sum of an excluded pair. */
typedef struct sakke_proj {
    sakke_fp x, y, z;
} sakke_proj;

/**
 * Read 04 || x || y and check that the point is on the curve.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED. Time depends on the answer only.
 */
KF_MUST_USE kf_err sakke_affine_read(kf_slice octets, sakke_affine *r);
void sakke_affine_write(uint8_t octets[SAKKE_CURVE_OCTETS], const sakke_affine *a);

void sakke_proj_set_infinity(sakke_proj *r);
void sakke_proj_from_affine(sakke_proj *r, const sakke_affine *a);

/** r = a + b, also for a = b, a = -b and infinity, when a - b does not have order 2. */
void sakke_proj_add(sakke_proj *r, const sakke_proj *a, const sakke_proj *b);

/** r = 2a */
void sakke_proj_double(sakke_proj *r, const sakke_proj *a);

/** 1 when a is the affine point b. */
uint64_t sakke_proj_equals_affine(const sakke_proj *a, const sakke_affine *b);

/** To affine. @return 0 when a is infinity (or no point); r is meaningless then. */
uint64_t sakke_proj_to_affine(sakke_affine *r, const sakke_proj *a);

/**
 * n affine additions (x3, y3) = (x1, y1) + (x2, y2) for which 1/(x2 - x1) is known.
 * @param inv     the inverses; used up.
 * @param scratch 2n elements.
 * The sums may take the place of either operand.
 */
void sakke_affine_add_batch(sakke_fp *x3, sakke_fp *y3, const sakke_fp *x1, const sakke_fp *y1,
                            const sakke_fp *x2, const sakke_fp *y2, sakke_fp *inv,
                            sakke_fp *scratch, size_t n);

#endif

/**
 * @file pairing.h The Tate-type pairing of RFC 6508 clause 3.2 with its first argument fixed.
 *
 * <K, R> of RFC 6508 is symmetric, so the receiver secret key can be the point that is doubled, and
 * all that the Miller loop needs of it is computed once: for each step the line through the current
 * multiple of K, as a function of the point R = (X, Y) mapped to (-X, iY):
 *   (slope X + offset) + i Y.
 * Factors of F_p do not count, so vertical lines are left out or divided off at will.
 */
#ifndef SAKKE_PAIRING_H
#define SAKKE_PAIRING_H

#include "base/secret.h"
#include "sakke/chain.h"
#include "sakke/curve.h"

/** Shape of the precomputation. */
typedef enum sakke_lines_kind {
    SAKKE_LINES_SINGLE, /**< a line for each step: quicker to make */
    SAKKE_LINES_MERGED, /**< one function for two doublings: quicker to use */
} sakke_lines_kind;

/** What the Miller loop needs of K; it gives K away. */
typedef struct sakke_lines {
    sakke_lines_kind kind;
    sakke_chain chain;
    kf_secret *coefficients; /**< sakke_fp, in the order of use */
} sakke_lines;

/**
 * Precompute for a point.
 * @return KF_E_MALFORMED when k has not order q; KF_E_NO_MEMORY. Caller clears the lines.
 * Constant time in k, when it has order q.
 */
KF_MUST_USE kf_err sakke_lines_init(sakke_lines *lines, const sakke_affine *k,
                                    sakke_lines_kind kind);
void sakke_lines_clear(sakke_lines *lines);

/**
 * out = <K, R> as an element of F_p. r is on the curve; when its order is not q the value is
 * meaningless. Constant time in K and r.
 */
void sakke_pair(sakke_fp *out, const sakke_lines *lines, const sakke_affine *r);

#endif

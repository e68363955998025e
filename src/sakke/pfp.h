/**
 * @file pfp.h PF_p: the elements a + i b of F_p[i], i^2 = -1, up to factors of F_p.
 * RFC 6508 clause 2.1. b/a represents an element as one of F_p.
 */
#ifndef SAKKE_PFP_H
#define SAKKE_PFP_H

#include "sakke/fp.h"

/** a + i b */
typedef struct sakke_pfp {
    sakke_fp a, b;
} sakke_pfp;

void sakke_pfp_set_one(sakke_pfp *r);

/** r = v^2 */
void sakke_pfp_sqr(sakke_pfp *r, const sakke_pfp *v);

/** r = v w */
void sakke_pfp_mul(sakke_pfp *r, const sakke_pfp *v, const sakke_pfp *w);

/** r = v (1 + i t) */
void sakke_pfp_mul_ratio(sakke_pfp *r, const sakke_pfp *v, const sakke_fp *t);

#endif

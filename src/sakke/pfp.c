/** @file pfp.c Arithmetic in PF_p. */
#include "sakke/pfp.h"

void sakke_pfp_set_one(sakke_pfp *r)
{
    fp_set_one(&r->a);
    fp_set_zero(&r->b, 1);
}

/* (a + b)(a - b) + i 2ab */
void sakke_pfp_sqr(sakke_pfp *r, const sakke_pfp *v)
{
    sakke_fp left[2], right[2], product[2];
    fp_add(&left[0], &v->a, &v->b, 1);
    fp_sub(&right[0], &v->a, &v->b, 1);
    fp_add(&left[1], &v->a, &v->a, 1);
    right[1] = v->b;
    fp_mul(product, left, right, 2);
    r->a = product[0];
    r->b = product[1];
}

void sakke_pfp_mul(sakke_pfp *r, const sakke_pfp *v, const sakke_pfp *w)
{
    const sakke_fp va[2] = { v->a, v->a };
    sakke_fp vb[2], product[2], first[2] = { w->a, w->b }, second[2] = { w->b, w->a };
    fp_neg(&vb[0], &v->b);
    vb[1] = v->b;
    fp_mul2(product, va, first, vb, second, 2);
    r->a = product[0];
    r->b = product[1];
}

void sakke_pfp_mul_ratio(sakke_pfp *r, const sakke_pfp *v, const sakke_fp *t)
{
    const sakke_fp tt[2] = { *t, *t }, crossed[2] = { v->b, v->a };
    sakke_fp product[2];
    fp_mul(product, crossed, tt, 2);
    fp_sub(&r->a, &v->a, &product[0], 1);
    fp_add(&r->b, &v->b, &product[1], 1);
}

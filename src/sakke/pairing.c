/** @file pairing.c The Miller loop over what lines.c has prepared. */
#include "sakke/pairing.h"

#include "sakke/merge.h"
#include "sakke/pfp.h"

/* What lines are evaluated at: powers of X, and the same over Y. Each line is divided by Y, which
 * is a factor of F_p: A(X)/Y + i B(X). */
typedef struct place {
    sakke_fp x[3];        /* X^0, X^1, X^2 */
    sakke_fp x_over_y[4]; /* X^i / Y */
} place;

static void place_make(place *at, const sakke_affine *r)
{
    fp_set_one(&at->x[0]);
    at->x[1] = r->x;
    fp_sqr(&at->x[2], &r->x, 1);
    fp_inv(&at->x_over_y[0], &r->y);
    for (unsigned i = 1; i < 4; i++)
        fp_mul(&at->x_over_y[i], &at->x_over_y[i - 1], &r->x, 1);
}

/* One step at a time. The line is t + i with t = (slope X + offset) / Y, and
 * v (t + i) = i (v (1 - i t)). */
static void loop_single(sakke_pfp *v, const sakke_chain *c, const sakke_fp *line, const place *at)
{
    sakke_pfp product;
    sakke_fp t;
    sakke_pfp_set_one(v);
    for (size_t i = 0; i < c->count; i++, line += 2) {
        if (c->op[i] == SAKKE_STEP_DOUBLE)
            sakke_pfp_sqr(v, v);
        fp_mul2(&t, &line[0], &at->x_over_y[1], &line[1], &at->x_over_y[0], 1);
        fp_neg(&t, &t);
        sakke_pfp_mul_ratio(&product, v, &t);
        fp_neg(&v->a, &product.b);
        v->b = product.a;
    }
    kf_wipe(&product, sizeof product);
    kf_wipe(&t, sizeof t);
}

/* f = the function of one group at R, as A/Y + i B. k points to its coefficients. */
static void evaluate(sakke_pfp *f, const sakke_merged *m, const sakke_fp *k, const place *at)
{
    const sakke_fp *u = at->x_over_y, *b = k + m->stored_a;
    sakke_fp t;
    if (m->stored_a == 2)
        fp_mul2(&f->a, &k[0], &u[0], &k[1], &u[1], 1);
    else
        fp_mul3(&f->a, &k[0], &u[0], &k[1], &u[1], &k[2], &u[2], 1);
    if (m->stored_a == 4) {
        fp_mul(&t, &k[3], &u[3], 1);
        fp_add(&f->a, &f->a, &t, 1);
    }
    if (m->leads_a)
        fp_add(&f->a, &f->a, &u[m->stored_a], 1);

    fp_set_zero(&f->b, 1);
    if (m->stored_b == 2)
        fp_mul(&f->b, &b[1], &at->x[1], 1);
    if (m->stored_b > 0)
        fp_add(&f->b, &f->b, &b[0], 1);
    if (!m->leads_a)
        fp_add(&f->b, &f->b, &at->x[m->stored_b], 1);
    kf_wipe(&t, sizeof t);
}

/* Two doublings at a time. */
static void loop_merged(sakke_pfp *v, const sakke_chain *c, const sakke_fp *k, const place *at)
{
    sakke_pfp f;
    sakke_pfp_set_one(v);
    for (size_t i = 0; i < c->count;) {
        const sakke_merged m = sakke_merged_at(c, i);
        for (unsigned d = 0; d < m.doublings; d++)
            sakke_pfp_sqr(v, v);
        evaluate(&f, &m, k, at);
        sakke_pfp_mul(v, v, &f);
        k += m.stored_a + m.stored_b;
        i += m.steps;
    }
    kf_wipe(&f, sizeof f);
}

void sakke_pair(sakke_fp *out, const sakke_lines *lines, const sakke_affine *r)
{
    const sakke_fp *k = (const sakke_fp *)(const void *)kf_secret_view(lines->coefficients).ptr;
    const sakke_chain *c = &lines->chain;
    place at;
    sakke_pfp v;

    place_make(&at, r);
    if (lines->kind == SAKKE_LINES_MERGED)
        loop_merged(&v, c, k, &at);
    else
        loop_single(&v, c, k, &at);
    sakke_pfp_sqr(&v, &v); /* spec: RFC 6508 clause 3.2 - the power (p+1)/q = 4 */
    sakke_pfp_sqr(&v, &v);
    fp_inv(&v.a, &v.a);
    fp_mul(out, &v.b, &v.a, 1);
    kf_wipe(&v, sizeof v);
    kf_wipe(&at, sizeof at);
}

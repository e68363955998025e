/** @file merge.c Products of lines as polynomials in X, divided by vertical lines. */
#include "sakke/merge.h"

#include "base/secret.h"

#define MOST_COEFFICIENTS 8u /* of products before division */

typedef struct poly {
    sakke_fp c[MOST_COEFFICIENTS]; /* c[0..count), constant first; zero beyond */
    unsigned count;
} poly;

/* a + W b */
typedef struct function {
    poly a, b;
} function;

static void poly_clear(poly *r)
{
    fp_set_zero(r->c, MOST_COEFFICIENTS);
    r->count = 0;
}

static void poly_add(poly *r, const poly *p)
{
    if (p->count > r->count)
        r->count = p->count;
    fp_add(r->c, r->c, p->c, r->count);
}

static void poly_mul(poly *r, const poly *p, const poly *q)
{
    sakke_fp t;
    poly_clear(r);
    if (p->count == 0 || q->count == 0)
        return;
    r->count = p->count + q->count - 1;
    for (unsigned i = 0; i < p->count; i++) {
        for (unsigned j = 0; j < q->count; j++) {
            fp_mul(&t, &p->c[i], &q->c[j], 1);
            fp_add(&r->c[i + j], &r->c[i + j], &t, 1);
        }
    }
    kf_wipe(&t, sizeof t);
}

/* r = p W^2 = p (3X - X^3) */
static void poly_mul_w2(poly *r, const poly *p)
{
    poly_clear(r);
    r->count = p->count + 3;
    for (unsigned i = 0; i < p->count; i++) {
        fp_add(&r->c[i + 1], &r->c[i + 1], &p->c[i], 1);
        fp_add(&r->c[i + 1], &r->c[i + 1], &p->c[i], 1);
        fp_add(&r->c[i + 1], &r->c[i + 1], &p->c[i], 1);
        fp_sub(&r->c[i + 3], &r->c[i + 3], &p->c[i], 1);
    }
}

/* p = p / (X + v), which leaves no remainder. */
static void poly_divide(poly *p, const sakke_fp *v)
{
    sakke_fp t;
    for (unsigned i = p->count - 1; i-- > 1;) {
        fp_mul(&t, &p->c[i + 1], v, 1);
        fp_sub(&p->c[i], &p->c[i], &t, 1);
    }
    p->count--;
    memmove(p->c, p->c + 1, p->count * sizeof *p->c);
    fp_set_zero(&p->c[p->count], 1);
    kf_wipe(&t, sizeof t);
}

/* f = f^2 = a^2 + W^2 b^2 + W 2ab */
static void function_sqr(function *f)
{
    poly t, b2;
    poly_mul(&t, &f->b, &f->b);
    poly_mul_w2(&b2, &t);
    poly_mul(&t, &f->a, &f->b);
    f->b = t;
    poly_add(&f->b, &t);
    poly_mul(&t, &f->a, &f->a);
    poly_add(&t, &b2);
    f->a = t;
    kf_wipe(&t, sizeof t);
    kf_wipe(&b2, sizeof b2);
}

/* f = f (l + W) = (a l + W^2 b) + W (a + b l) */
static void function_mul_line(function *f, const poly *l)
{
    poly al, bl, b2;
    poly_mul(&al, &f->a, l);
    poly_mul(&bl, &f->b, l);
    poly_mul_w2(&b2, &f->b);
    poly_add(&al, &b2);
    poly_add(&bl, &f->a);
    f->a = al;
    f->b = bl;
    kf_wipe(&al, sizeof al);
    kf_wipe(&bl, sizeof bl);
    kf_wipe(&b2, sizeof b2);
}

/* The function of the steps from at on. Between steps f stands for f times the vertical line at the
 * point reached, X + x: squaring brings that line in twice, and it is divided off again. */
static void merge_group(function *f, const sakke_chain *c, size_t at, size_t steps,
                        const sakke_fp *x, const sakke_fp *line)
{
    poly l;
    poly_clear(&l);
    l.count = 2;
    poly_clear(&f->a);
    poly_clear(&f->b);
    for (size_t i = at; i < at + steps; i++) {
        l.c[0] = line[2 * i + 1];
        l.c[1] = line[2 * i];
        if (i == at) { /* the line itself */
            f->a = l;
            fp_set_one(&f->b.c[0]);
            f->b.count = 1;
            continue;
        }
        const bool doubles = c->op[i] == SAKKE_STEP_DOUBLE;
        if (doubles)
            function_sqr(f);
        function_mul_line(f, &l);
        for (int times = doubles ? 2 : 1; times > 0; times--) {
            poly_divide(&f->a, &x[i]);
            poly_divide(&f->b, &x[i]);
        }
    }
    kf_wipe(&l, sizeof l);
}

sakke_merged sakke_merged_at(const sakke_chain *c, size_t at)
{
    const size_t steps = sakke_chain_group(c, at);
    const bool adds_last = c->op[at + steps - 1] != SAKKE_STEP_DOUBLE;
    const unsigned doublings = at == 0 ? 1 : 2;
    sakke_merged m = { steps, doublings, 0, 0, adds_last };
    if (doublings == 1) {
        m.stored_a = 2;
        m.stored_b = adds_last ? 1 : 0;
    } else {
        m.stored_a = steps == 3 && !adds_last ? 4 : 3;
        m.stored_b = steps == 3 ? 2 : 1;
    }
    return m;
}

size_t sakke_merge_elements(const sakke_chain *c)
{
    size_t total = 0;
    for (size_t at = 0; at < c->count;) {
        const sakke_merged m = sakke_merged_at(c, at);
        total += m.stored_a + m.stored_b;
        at += m.steps;
    }
    return total;
}

void sakke_merge_lines(sakke_fp *out, const sakke_chain *c, const sakke_fp *x, const sakke_fp *line)
{
    function f;
    for (size_t at = 0; at < c->count;) {
        const sakke_merged m = sakke_merged_at(c, at);
        merge_group(&f, c, at, m.steps, x, line);
        /* Products of n lines lead with W^n, so with -1 when n is 2 or 3: double add, double
         * double; n is 4 or 5 when there are three steps */
        const bool negative = m.steps == 2;
        for (unsigned i = 0; i < m.stored_a + m.stored_b; i++, out++) {
            const sakke_fp *from = i < m.stored_a ? &f.a.c[i] : &f.b.c[i - m.stored_a];
            *out = *from;
            if (negative)
                fp_neg(out, from);
        }
        at += m.steps;
    }
    kf_wipe(&f, sizeof f);
}

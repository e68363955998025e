/** @file inverse.c Constant-time modular inversion by division steps, 62 at a time. */
#include "sakke/inverse.h"

#include "base/secret.h"

#define WORDS  17 /* of 62 bits: 1054 bits with the sign */
#define ROUNDS 48 /* 48 * 62 = 2976 >= 2954 */
#define MASK62 (INT64_MAX >> 1)

/* A number as 17 limbs of 62 bits; the top one carries the sign. */
typedef struct wide62 {
    int64_t v[WORDS];
} wide62;

/* 2^62 times the effect of 62 division steps: f' = (u f + v g) / 2^62, g' = (q f + r g) / 2^62. */
typedef struct steps {
    int64_t u, v, q, r;
} steps;

static void wide62_from_limbs(wide62 *r, const uint64_t *a)
{
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned bit = 62 * i, limb = bit / 64, shift = bit % 64;
        uint64_t low = limb < SAKKE_LIMBS ? a[limb] >> shift : 0;
        if (shift > 2 && limb + 1 < SAKKE_LIMBS)
            low |= a[limb + 1] << (64 - shift);
        r->v[i] = (int64_t)(low & (uint64_t)MASK62);
    }
}

/* a is in [0, 2^1024). */
static void wide62_to_limbs(uint64_t *r, const wide62 *a)
{
    for (unsigned i = 0; i < SAKKE_LIMBS; i++) {
        unsigned bit = 64 * i, word = bit / 62, shift = bit % 62;
        uint64_t limb = (uint64_t)a->v[word] >> shift;
        if (word + 1 < WORDS)
            limb |= (uint64_t)a->v[word + 1] << (62 - shift);
        if (shift > 60 && word + 2 < WORDS)
            limb |= (uint64_t)a->v[word + 2] << (124 - shift);
        r[i] = limb;
    }
}

/* 62 division steps on the low bits of f (odd) and g. A step, with swap = delta > 0 and g odd:
 *   swap:  (delta, f, g) = (1 - delta, g, (g - f) / 2)
 *   else:  (delta, f, g) = (1 + delta, f, (g + (g mod 2) f) / 2)
 * The matrix doubles its first row instead of halving its second. eta is -delta. -x is taken as
 * (x ^ swap) - swap, and the subtraction is done on the other term: the chain from one g to the
 * next is what the time goes by. */
static int64_t divsteps(int64_t eta, uint64_t f, uint64_t g, steps *t)
{
    uint64_t u = 1, v = 0, q = 0, r = 1;
    for (unsigned i = 0; i < 62; i++) {
        const uint64_t odd = sakke_mask(g & 1u);
        const uint64_t swap = odd & (uint64_t)(eta >> 63); /* eta stays within +-2977 */
        const uint64_t f0 = (f & odd) ^ swap, u0 = (u & odd) ^ swap, v0 = (v & odd) ^ swap;
        f ^= (f ^ g) & swap;
        u ^= (u ^ q) & swap;
        v ^= (v ^ r) & swap;
        g = (g - swap + f0) >> 1;
        q = q - swap + u0;
        r = r - swap + v0;
        u <<= 1;
        v <<= 1;
        eta = (int64_t)(((uint64_t)eta ^ swap) - (swap + 1));
    }
    *t = (steps){ (int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r };
    return eta;
}

/* (f, g) = t (f, g) / 2^62, exactly. */
static void update_fg(wide62 *f, wide62 *g, const steps *t)
{
    sakke_i128 cf = (sakke_i128)t->u * f->v[0] + (sakke_i128)t->v * g->v[0];
    sakke_i128 cg = (sakke_i128)t->q * f->v[0] + (sakke_i128)t->r * g->v[0];
    cf >>= 62;
    cg >>= 62;
    for (unsigned i = 1; i < WORDS; i++) {
        int64_t fi = f->v[i], gi = g->v[i];
        cf += (sakke_i128)t->u * fi + (sakke_i128)t->v * gi;
        cg += (sakke_i128)t->q * fi + (sakke_i128)t->r * gi;
        f->v[i - 1] = (int64_t)cf & MASK62;
        g->v[i - 1] = (int64_t)cg & MASK62;
        cf >>= 62;
        cg >>= 62;
    }
    f->v[WORDS - 1] = (int64_t)cf;
    g->v[WORDS - 1] = (int64_t)cg;
}

/* (d, e) = t (d, e) / 2^62 mod m. Both stay in (-2m, m): a negative input counts as itself plus m
 * (whose share of the result is then at most m), and the multiple of m that makes the sum divisible
 * by 2^62 is taken in (-2^62, 0]. */
static void update_de(wide62 *d, wide62 *e, const steps *t, const sakke_modulus62 *m)
{
    int64_t sd = d->v[WORDS - 1] >> 63, se = e->v[WORDS - 1] >> 63;
    int64_t md = (t->u & sd) + (t->v & se), me = (t->q & sd) + (t->r & se);
    sakke_i128 cd = (sakke_i128)t->u * d->v[0] + (sakke_i128)t->v * e->v[0];
    sakke_i128 ce = (sakke_i128)t->q * d->v[0] + (sakke_i128)t->r * e->v[0];
    md -= (int64_t)((m->inverse * (uint64_t)cd + (uint64_t)md) & (uint64_t)MASK62);
    me -= (int64_t)((m->inverse * (uint64_t)ce + (uint64_t)me) & (uint64_t)MASK62);
    cd += (sakke_i128)m->limb[0] * md;
    ce += (sakke_i128)m->limb[0] * me;
    cd >>= 62;
    ce >>= 62;
    for (unsigned i = 1; i < WORDS; i++) {
        int64_t di = d->v[i], ei = e->v[i];
        cd += (sakke_i128)t->u * di + (sakke_i128)t->v * ei;
        ce += (sakke_i128)t->q * di + (sakke_i128)t->r * ei;
        cd += (sakke_i128)m->limb[i] * md;
        ce += (sakke_i128)m->limb[i] * me;
        d->v[i - 1] = (int64_t)cd & MASK62;
        e->v[i - 1] = (int64_t)ce & MASK62;
        cd >>= 62;
        ce >>= 62;
    }
    d->v[WORDS - 1] = (int64_t)cd;
    e->v[WORDS - 1] = (int64_t)ce;
}

/* d = (negative ? -d : d) + (m when add is all ones), carries settled. */
static void settle(wide62 *d, int64_t negative, int64_t add, const sakke_modulus62 *m)
{
    int64_t carry = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        int64_t s = ((d->v[i] ^ negative) - negative) + (m->limb[i] & add) + carry;
        d->v[i] = i + 1 < WORDS ? s & MASK62 : s;
        carry = s >> 62;
    }
}

void sakke_inverse(uint64_t r[SAKKE_LIMBS], const uint64_t a[SAKKE_LIMBS], const sakke_modulus62 *m)
{
    wide62 f, g, d = { { 0 } }, e = { { 1 } };
    steps t;
    int64_t eta = -1;

    memcpy(f.v, m->limb, sizeof f.v);
    wide62_from_limbs(&g, a);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t f0 = (uint64_t)f.v[0] | (uint64_t)f.v[1] << 62;
        uint64_t g0 = (uint64_t)g.v[0] | (uint64_t)g.v[1] << 62;
        eta = divsteps(eta, f0, g0, &t);
        update_de(&d, &e, &t, m);
        update_fg(&f, &g, &t);
    }
    /* f is +-1 (or +-m when a = 0, and then d = 0), and d f = 1/a: into [0, m). */
    settle(&d, 0, d.v[WORDS - 1] >> 63, m);
    settle(&d, f.v[WORDS - 1] >> 63, 0, m);
    settle(&d, 0, d.v[WORDS - 1] >> 63, m);
    wide62_to_limbs(r, &d);
    kf_wipe(&f, sizeof f);
    kf_wipe(&g, sizeof g);
    kf_wipe(&d, sizeof d);
    kf_wipe(&e, sizeof e);
    kf_wipe(&t, sizeof t);
}

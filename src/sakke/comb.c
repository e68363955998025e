/** @file comb.c Combs: their tables, constant-time look-up, and sums of what was looked up. */
#include "sakke/comb.h"

#include <stdlib.h>

#include "base/secret.h"
#include "sakke/lookup.h"

const sakke_comb_shape SAKKE_COMB_FULL = { 7, 21, 7 };
const sakke_comb_shape SAKKE_COMB_SMALL = { 5, 5, 41 };

/* The most points that are summed at once: two FULL combs. */
#define MOST_POINTS (2u * 21u * 7u)

/* Digits as bits, 1 for +1 and 0 for -1. */
typedef struct digits {
    uint64_t w[SAKKE_LIMBS + 1];
} digits;

static size_t entries_of(const sakke_comb_shape *shape)
{
    return (size_t)1 << (shape->teeth - 1);
}

/* With k odd, k = sum of (2 b_i - 1) 2^i for n bits b of (k + 2^n - 1) / 2. */
static void recode(digits *d, const sakke_scalar *k, const sakke_comb_shape *shape)
{
    const unsigned n = shape->teeth * shape->tables * shape->columns;
    uint64_t even = sakke_mask((k->w[0] & 1u) ^ 1u), odd[SAKKE_LIMBS];
    for (unsigned i = 0; i < SAKKE_LIMBS; i++)
        odd[i] = SAKKE_Q[i] & even;
    (void)sakke_limbs_add(odd, odd, k->w); /* below 2q, so no carry */
    for (unsigned i = 0; i < SAKKE_LIMBS; i++)
        d->w[i] = odd[i] >> 1 | (i + 1 < SAKKE_LIMBS ? odd[i + 1] << 63 : 0);
    d->w[SAKKE_LIMBS] = 0;
    d->w[(n - 1) / 64] |= UINT64_C(1) << ((n - 1) % 64);
    kf_wipe(odd, sizeof odd);
}

/* The entry of one table in one column: its index, and all ones in *negative when it is negated. */
static uint64_t digit_index(const digits *d, const sakke_comb_shape *shape, unsigned table,
                            unsigned column, uint64_t *negative)
{
    uint64_t index = 0;
    for (unsigned tooth = 0; tooth < shape->teeth; tooth++) {
        unsigned bit = (tooth * shape->tables + table) * shape->columns + column;
        index |= (d->w[bit / 64] >> (bit % 64) & 1u) << tooth;
    }
    const unsigned top = shape->teeth - 1;
    *negative = sakke_mask(index >> top ^ 1u);
    return (index ^ *negative) & ((UINT64_C(1) << top) - 1);
}

/* ---- tables of points ---- */

size_t sakke_comb_octets(const sakke_comb *comb)
{
    if (comb->entries == NULL)
        return 0;
    return comb->shape->tables * entries_of(comb->shape) * sizeof *comb->entries;
}

/* Work space for the making of tables; n is the number of entries, m that of bases. */
typedef struct maker {
    const sakke_comb_shape *shape;
    sakke_fp *x, *y;           /* n: sums so far, entry j of table v at j * tables + v */
    sakke_fp *px, *py;         /* m: bases, tooth * tables + table */
    sakke_fp *bx, *by;         /* n/2: base of each sum */
    sakke_fp *d, *inv, *spare; /* n/2, n/2, n */
} maker;

static sakke_fp *maker_new(maker *k, const sakke_comb_shape *shape)
{
    const size_t n = shape->tables * entries_of(shape), m = shape->tables * shape->teeth;
    const size_t most = n > 2 * m ? n : 2 * m;
    sakke_fp *all = calloc(2 * n + 2 * m + 5 * most, sizeof *all);
    if (all == NULL)
        return NULL;
    k->shape = shape;
    k->x = all;
    k->y = k->x + n;
    k->px = k->y + n;
    k->py = k->px + m;
    k->bx = k->py + m;
    k->by = k->bx + most;
    k->d = k->by + most;
    k->inv = k->d + most;
    k->spare = k->inv + most;
    return all;
}

/* px, py = [2^(columns j)]base for each j. */
static kf_err make_bases(maker *k, const sakke_affine *base)
{
    const size_t m = k->shape->tables * k->shape->teeth;
    sakke_fp *z = k->d;
    sakke_proj at;
    sakke_proj_from_affine(&at, base);
    for (size_t j = 0; j < m; j++) {
        k->px[j] = at.x;
        k->py[j] = at.y;
        z[j] = at.z;
        for (unsigned i = 0; i < k->shape->columns && j + 1 < m; i++)
            sakke_proj_double(&at, &at);
    }
    if (!fp_inv_batch(k->inv, z, k->spare, m))
        return KF_E_MALFORMED;
    fp_mul(k->px, k->px, k->inv, m);
    fp_mul(k->py, k->py, k->inv, m);
    return KF_OK;
}

/* Twice as many sums: each with +base and with -base of one more tooth. */
static kf_err make_level(maker *k, unsigned tooth)
{
    const size_t tables = k->shape->tables, n = tables << tooth;
    const sakke_fp *px = k->px + tooth * tables, *py = k->py + tooth * tables;
    for (size_t j = 0; j < n; j += tables) {
        memcpy(k->bx + j, px, tables * sizeof *px);
        memcpy(k->by + j, py, tables * sizeof *py);
    }
    fp_sub(k->d, k->bx, k->x, n);
    if (!fp_inv_batch(k->inv, k->d, k->spare, n))
        return KF_E_MALFORMED;
    memcpy(k->d, k->inv, n * sizeof *k->d);
    sakke_affine_add_batch(k->x + n, k->y + n, k->x, k->y, k->bx, k->by, k->inv, k->spare, n);
    for (size_t j = 0; j < n; j++)
        fp_neg(&k->by[j], &k->by[j]);
    sakke_affine_add_batch(k->x, k->y, k->x, k->y, k->bx, k->by, k->d, k->spare, n);
    return KF_OK;
}

/* [q-2]B computed as an integer combination is -2B exactly when [q]B is infinity. */
static kf_err check_order(const sakke_comb *comb, const sakke_affine *base)
{
    static const uint64_t two[SAKKE_LIMBS] = { 2 };
    sakke_scalar k;
    sakke_proj r;
    sakke_affine twice;
    (void)sakke_limbs_sub(k.w, SAKKE_Q, two);
    sakke_comb_mul(&r, &comb, &(const sakke_scalar *){ &k }, 1);
    fp_neg(&r.y, &r.y);
    sakke_proj doubled;
    sakke_proj_from_affine(&doubled, base);
    sakke_proj_double(&doubled, &doubled);
    if (!sakke_proj_to_affine(&twice, &doubled) || !sakke_proj_equals_affine(&r, &twice))
        return KF_E_MALFORMED;
    return KF_OK;
}

kf_err sakke_comb_init(sakke_comb *comb, const sakke_affine *base, const sakke_comb_shape *shape)
{
    const size_t n = shape->tables * entries_of(shape), top = (shape->teeth - 1) * shape->tables;
    maker k;
    kf_err err = KF_E_NO_MEMORY;

    *comb = (sakke_comb){ shape, calloc(n, sizeof *comb->entries) };
    sakke_fp *all = maker_new(&k, shape);
    if (comb->entries == NULL || all == NULL)
        goto done;
    if ((err = make_bases(&k, base)) != KF_OK)
        goto done;
    memcpy(k.x, k.px + top, shape->tables * sizeof *k.x);
    memcpy(k.y, k.py + top, shape->tables * sizeof *k.y);
    for (unsigned tooth = 0; tooth + 1 < shape->teeth; tooth++)
        if ((err = make_level(&k, tooth)) != KF_OK)
            goto done;
    for (size_t v = 0; v < shape->tables; v++)
        for (size_t j = 0; j < entries_of(shape); j++)
            comb->entries[v * entries_of(shape) + j] =
                (sakke_affine){ k.x[j * shape->tables + v], k.y[j * shape->tables + v] };
    err = check_order(comb, base);
done:
    free(all);
    if (err != KF_OK)
        sakke_comb_clear(comb);
    return err;
}

void sakke_comb_clear(sakke_comb *comb)
{
    free(comb->entries);
    comb->entries = NULL;
}

/* ---- multiplication ---- */

/* Points to be summed, and what the sums need. Slot s of column c is at s * columns + c. */
typedef struct pile {
    size_t slots, columns;
    sakke_fp x[MOST_POINTS], y[MOST_POINTS];
    sakke_fp inv[MOST_POINTS / 2], spare[MOST_POINTS];
} pile;

/* Look up all points of one comb, into slots from first on. */
static void pile_fill(pile *p, size_t first, const sakke_comb *comb, const digits *d)
{
    const size_t entries = entries_of(comb->shape);
    for (unsigned v = 0; v < comb->shape->tables; v++) {
        for (unsigned c = 0; c < comb->shape->columns; c++) {
            size_t at = (first + v) * p->columns + c;
            uint64_t negative;
            uint64_t index = digit_index(d, comb->shape, v, c, &negative);
            sakke_affine found;
            sakke_fp minus;
            sakke_lookup(&found, comb->entries + v * entries, sizeof found, entries, index);
            fp_neg(&minus, &found.y);
            p->x[at] = found.x;
            fp_select(&p->y[at], negative, &minus, &found.y);
        }
    }
}

/* Add slots in pairs, all columns at once, until one is left. @return 0 when two points to be
 * added had the same x. Kept a function of its own for the test of constant time: the answer is the
 * one thing here that a branch may depend on. */
static __attribute__((noinline)) uint64_t pile_sum(pile *p)
{
    while (p->slots > 1) {
        const size_t half = p->slots / 2, n = half * p->columns;
        sakke_fp *x2 = p->x + (p->slots - half) * p->columns;
        sakke_fp *y2 = p->y + (p->slots - half) * p->columns;
        fp_sub(p->inv, x2, p->x, n);
        if (!fp_inv_batch(p->inv, p->inv, p->spare, n))
            return 0;
        sakke_affine_add_batch(p->x, p->y, p->x, p->y, x2, y2, p->inv, p->spare, n);
        p->slots -= half;
    }
    return 1;
}

/* Join the columns by doublings; complete additions, so any number of slots and any points. */
static void pile_join(sakke_proj *r, const pile *p)
{
    sakke_proj_set_infinity(r);
    for (size_t c = p->columns; c-- > 0;) {
        sakke_proj_double(r, r);
        for (size_t s = 0; s < p->slots; s++) {
            sakke_proj point;
            sakke_proj_from_affine(
                &point, &(sakke_affine){ p->x[s * p->columns + c], p->y[s * p->columns + c] });
            sakke_proj_add(r, r, &point);
        }
    }
}

void sakke_comb_mul(sakke_proj *r, const sakke_comb *const *combs,
                    const sakke_scalar *const *scalars, size_t count)
{
    const sakke_comb_shape *shape = combs[0]->shape;
    digits d[2];
    pile p;

    for (size_t i = 0; i < count; i++)
        recode(&d[i], scalars[i], shape);
    for (int slow = 0; slow < 2; slow++) {
        p.columns = shape->columns;
        p.slots = count * shape->tables;
        for (size_t i = 0; i < count; i++)
            pile_fill(&p, i * shape->tables, combs[i], &d[i]);
        if (slow || pile_sum(&p) != 0)
            break;
    }
    pile_join(r, &p);
    kf_wipe(d, sizeof d);
    kf_wipe(&p, sizeof p);
}

/* ---- powers in PF_p ---- */

/* out[j] = the power 2^(columns j) of 1 + i g, as a ratio. */
static kf_err power_bases(sakke_fp *out, sakke_fp *scratch, const sakke_fp *g,
                          const sakke_comb_shape *shape)
{
    const size_t m = shape->tables * shape->teeth;
    sakke_pfp at;
    sakke_pfp_set_one(&at);
    at.b = *g;
    for (size_t j = 0; j < m; j++) {
        out[j] = at.b;
        scratch[j] = at.a;
        for (unsigned i = 0; i < shape->columns; i++)
            sakke_pfp_sqr(&at, &at);
    }
    if (!fp_inv_batch(scratch + m, scratch, scratch + 2 * m, m))
        return KF_E_MALFORMED;
    fp_mul(out, out, scratch + m, m);
    return KF_OK;
}

/* entry[0..n) times 1 + i t goes to entry[n..2n), times 1 - i t to entry[0..n). */
static kf_err power_level(sakke_fp *entry, const sakke_fp *t, sakke_fp *scratch, size_t n)
{
    sakke_fp *top = scratch, *bottom = scratch + 2 * n, *inv = scratch + 4 * n;
    sakke_fp one, product;
    fp_set_one(&one);
    for (size_t j = 0; j < n; j++) {
        fp_mul(&product, &entry[j], t, 1);
        fp_sub(&top[n + j], &entry[j], t, 1);
        fp_add(&bottom[n + j], &one, &product, 1);
        fp_add(&top[j], &entry[j], t, 1);
        fp_sub(&bottom[j], &one, &product, 1);
    }
    if (!fp_inv_batch(inv, bottom, scratch + 6 * n, 2 * n))
        return KF_E_MALFORMED;
    fp_mul(entry + n, top, inv, n);
    fp_mul(entry, top + n, inv + n, n);
    return KF_OK;
}

kf_err sakke_power_comb_init(sakke_power_comb *comb, const sakke_fp *g,
                             const sakke_comb_shape *shape)
{
    const size_t n = entries_of(shape), m = shape->tables * shape->teeth;
    const size_t spare = 3 * m > 4 * n ? 3 * m : 4 * n;
    kf_err err = KF_E_NO_MEMORY;

    *comb = (sakke_power_comb){ shape, calloc(shape->tables * n, sizeof *comb->entries) };
    sakke_fp *bases = calloc(m + 2 * spare, sizeof *bases);
    if (comb->entries == NULL || bases == NULL)
        goto done;
    if ((err = power_bases(bases, bases + m, g, shape)) != KF_OK)
        goto done;
    for (size_t v = 0; v < shape->tables; v++) {
        sakke_fp *entry = comb->entries + v * n;
        entry[0] = bases[(shape->teeth - 1) * shape->tables + v];
        for (unsigned tooth = 0; tooth + 1 < shape->teeth; tooth++) {
            err = power_level(entry, &bases[tooth * shape->tables + v], bases + m,
                              (size_t)1 << tooth);
            if (err != KF_OK)
                goto done;
        }
    }
done:
    free(bases);
    if (err != KF_OK)
        sakke_power_comb_clear(comb);
    return err;
}

void sakke_power_comb_clear(sakke_power_comb *comb)
{
    free(comb->entries);
    comb->entries = NULL;
}

void sakke_power_comb_raise(sakke_pfp *r, const sakke_power_comb *comb, const sakke_scalar *k)
{
    const size_t entries = entries_of(comb->shape);
    digits d;
    recode(&d, k, comb->shape);
    sakke_pfp_set_one(r);
    for (unsigned c = comb->shape->columns; c-- > 0;) {
        sakke_pfp_sqr(r, r);
        for (unsigned v = 0; v < comb->shape->tables; v++) {
            uint64_t negative;
            uint64_t index = digit_index(&d, comb->shape, v, c, &negative);
            sakke_fp found, minus;
            sakke_lookup(&found, comb->entries + v * entries, sizeof found, entries, index);
            fp_neg(&minus, &found);
            fp_select(&found, negative, &minus, &found);
            sakke_pfp_mul_ratio(r, r, &found);
        }
    }
    kf_wipe(&d, sizeof d);
}

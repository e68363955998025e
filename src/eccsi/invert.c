/*
 * The inverse modulo q by division steps: D. J. Bernstein and B.-Y. Yang, "Fast constant-time gcd
 * computation and modular inversion" (2019), in the variant that starts from delta = 1/2, for which
 * 590 steps bring any 256-bit value to the end. Steps only look at the low bits of f and g, so 62
 * of them run on single words and are then applied to the long numbers as one 2 x 2 matrix.
 *
 * Steps, batches and limbs are counted by constants; a secret only moves masks. Right shifts of
 * negative numbers keep the sign, as gcc and clang define them.
 */
#include "eccsi/scalar.h"

__extension__ typedef __int128 int128;

#define LIMBS 5u
#define BITS  62u
#define MASK  ((UINT64_C(1) << BITS) - 1)
#define BATCHES                                                                                    \
    10u /* 620 steps; once g is 0, further ones leave f and the value of d as they are */

/* Signed: limbs 0 to 3 hold 62 bits each, the last one the rest with the sign. */
typedef struct wide {
    int64_t v[LIMBS];
} wide;

static const wide ORDER = { { 0x33b9cac2fc632551, 0x339beab69c5e7a13, 0x3ffffffffffffffb,
                              0x3fffffc00000003f, 0xff } };
#define ORDER_INVERSE UINT64_C(0x332e375511ff43b1) /* 1/q mod 2^62 */

/* What a batch does: 2^62 * (f, g) afterwards is this times (f, g) before; same for (d, e) mod q.
 */
typedef struct matrix {
    int64_t ff, fg, gf, gg;
} matrix;

static wide widen(const eccsi_scalar *a)
{
    const uint64_t *v = a->limb;
    return (wide){ { (int64_t)(v[0] & MASK), (int64_t)((v[0] >> 62 | v[1] << 2) & MASK),
                     (int64_t)((v[1] >> 60 | v[2] << 4) & MASK),
                     (int64_t)((v[2] >> 58 | v[3] << 6) & MASK), (int64_t)(v[3] >> 56) } };
}

static void narrow(const wide *a, eccsi_scalar *out)
{
    uint64_t v[LIMBS];
    for (size_t i = 0; i < LIMBS; i++)
        v[i] = (uint64_t)a->v[i];
    *out = (eccsi_scalar){ { v[0] | v[1] << 62, v[1] >> 2 | v[2] << 60, v[2] >> 4 | v[3] << 58,
                             v[3] >> 6 | v[4] << 56 } };
    kf_wipe(v, sizeof v);
}

/*
 * 62 steps on the low words of f and g. A step with delta > 0 and odd g takes (f, g) to
 * (g, (g - f) / 2) and delta to 1 - delta; any other to (f, (g + (g mod 2) f) / 2) and delta + 1.
 * Here zeta = -(delta + 1/2), negative exactly when delta > 0.
 */
static int64_t run_batch(int64_t zeta, uint64_t f, uint64_t g, matrix *m)
{
    uint64_t ff = 1, fg = 0, gf = 0, gg = 1;
    for (unsigned i = 0; i < BITS; i++) {
        uint64_t positive = (uint64_t)(zeta >> 63);
        uint64_t odd = 0 - (g & 1);
        g += ((f ^ positive) - positive) & odd; /* g + f, or g - f */
        gf += ((ff ^ positive) - positive) & odd;
        gg += ((fg ^ positive) - positive) & odd;
        uint64_t swap = positive & odd;
        zeta = (int64_t)(((uint64_t)zeta ^ swap) - 1);
        f += g & swap; /* f + (g - f) */
        ff += gf & swap;
        fg += gg & swap;
        g >>= 1;
        ff <<= 1; /* in place of halving the row of g, so that all stay integers */
        fg <<= 1;
    }
    *m = (matrix){ (int64_t)ff, (int64_t)fg, (int64_t)gf, (int64_t)gg };
    return zeta;
}

/* (a * x + b * y + n * q) / 2^62, the division being exact. */
static wide combine(int64_t a, const wide *x, int64_t b, const wide *y, int64_t n)
{
    wide out;
    int128 sum = (int128)a * x->v[0] + (int128)b * y->v[0] + (int128)n * ORDER.v[0];
    sum >>= BITS;
    for (size_t i = 1; i < LIMBS; i++) {
        sum += (int128)a * x->v[i] + (int128)b * y->v[i] + (int128)n * ORDER.v[i];
        out.v[i - 1] = (int64_t)((uint64_t)sum & MASK);
        sum >>= BITS;
    }
    out.v[LIMBS - 1] = (int64_t)sum;
    return out;
}

/*
 * The multiple of q to add to a * x + b * y, for x and y in (-2q, q): one that makes it divisible
 * by 2^62, and with a negative x or y raised by q first the result is in (-2q, q) again.
 */
static int64_t correction(int64_t a, const wide *x, int64_t b, const wide *y)
{
    int64_t n = (a & (x->v[LIMBS - 1] >> 63)) + (b & (y->v[LIMBS - 1] >> 63));
    uint64_t low = (uint64_t)a * (uint64_t)x->v[0] + (uint64_t)b * (uint64_t)y->v[0];
    return n - (int64_t)((low * ORDER_INVERSE + (uint64_t)n) & MASK);
}

/* a + q where add is all ones, then its negative where negate is. The carries are settled. */
static void add_order_or_negate(wide *a, int64_t add, int64_t negate)
{
    int64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        int64_t v = ((a->v[i] + (ORDER.v[i] & add)) ^ negate) - negate + carry;
        carry = v >> BITS;
        a->v[i] = i < LIMBS - 1 ? (int64_t)((uint64_t)v & MASK) : v;
    }
}

void eccsi_scalar_invert(const eccsi_scalar *a, eccsi_scalar *out)
{
    wide f = ORDER, g = widen(a), d = { { 0 } }, e = { { 1 } }, next;
    matrix m = { 0 };
    int64_t zeta = -1; /* delta = 1/2 */

    for (unsigned i = 0; i < BATCHES; i++) {
        zeta = run_batch(zeta, (uint64_t)f.v[0] | (uint64_t)f.v[1] << BITS,
                         (uint64_t)g.v[0] | (uint64_t)g.v[1] << BITS, &m);
        next = combine(m.ff, &f, m.fg, &g, 0);
        g = combine(m.gf, &f, m.gg, &g, 0);
        f = next;
        next = combine(m.ff, &d, m.fg, &e, correction(m.ff, &d, m.fg, &e));
        e = combine(m.gf, &d, m.gg, &e, correction(m.gf, &d, m.gg, &e));
        d = next;
    }
    /* Now g = 0, f = 1 or -1, and d = f / a modulo q, in (-2q, q). */
    add_order_or_negate(&d, d.v[LIMBS - 1] >> 63, f.v[LIMBS - 1] >> 63);
    add_order_or_negate(&d, d.v[LIMBS - 1] >> 63, 0);
    narrow(&d, out);
    kf_wipe(&f, sizeof f);
    kf_wipe(&g, sizeof g);
    kf_wipe(&d, sizeof d);
    kf_wipe(&e, sizeof e);
    kf_wipe(&next, sizeof next);
    kf_wipe(&m, sizeof m);
}

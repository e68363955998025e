#include "eccsi/scalar.h"

#include <string.h>

/* Both our compilers have it for 64-bit targets. */
__extension__ typedef unsigned __int128 uint128;

typedef struct limbs {
    uint64_t v[4]; /* least significant first; here in Montgomery form, a * 2^256 mod q */
} limbs;

/* FIPS 186-4 D.1.2.3: the order of the base point. */
static const uint64_t ORDER[4] = { 0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff,
                                   0xffffffff00000000 };
#define ORDER_NEG_INVERSE UINT64_C(0xccd1c8aaee00bc4f) /* -1/q mod 2^64 */

/* 2^512 mod q, which takes a value into Montgomery form. */
static const uint64_t R_SQUARED[4] = { 0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59,
                                       0x66e12d94f3d95620 };

/* Low half of t + a * b + *carry; the high half becomes the carry. Cannot overflow. */
static inline uint64_t multiply_add(uint64_t t, uint64_t a, uint64_t b, uint64_t *carry)
{
    uint128 z = (uint128)a * b + t + *carry;
    *carry = (uint64_t)(z >> 64);
    return (uint64_t)z;
}

/* a + b + *carry. */
static inline uint64_t add_carry(uint64_t a, uint64_t b, uint64_t *carry)
{
    uint128 z = (uint128)a + b + *carry;
    *carry = (uint64_t)(z >> 64);
    return (uint64_t)z;
}

/* a - b - *borrow, borrow 0 or 1. */
static inline uint64_t subtract_borrow(uint64_t a, uint64_t b, uint64_t *borrow)
{
    uint128 z = (uint128)a - b - *borrow;
    *borrow = (uint64_t)(z >> 64) & 1u;
    return (uint64_t)z;
}

/* out = mask is all ones ? a : b. */
static inline void choose(uint64_t mask, const uint64_t a[4], const uint64_t b[4], uint64_t out[4])
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (a[i] & mask) | (b[i] & ~mask);
}

/* The value top * 2^256 + a, which is below 2q, modulo q. @return all ones if it was below q. */
static inline uint64_t reduce_once(uint64_t top, const uint64_t a[4], uint64_t out[4])
{
    uint64_t less[4], borrow = 0;
    for (size_t i = 0; i < 4; i++)
        less[i] = subtract_borrow(a[i], ORDER[i], &borrow);
    (void)subtract_borrow(top, 0, &borrow);
    uint64_t was_below = 0 - borrow;
    choose(was_below, a, less, out);
    return was_below;
}

/* One step of a Montgomery product: t = (t + a * b + m * q) / 2^64, m making the division exact. */
static inline void product_step(uint64_t t[5], const uint64_t a[4], uint64_t b)
{
    uint64_t carry = 0, top = 0;
    t[0] = multiply_add(t[0], a[0], b, &carry);
    t[1] = multiply_add(t[1], a[1], b, &carry);
    t[2] = multiply_add(t[2], a[2], b, &carry);
    t[3] = multiply_add(t[3], a[3], b, &carry);
    t[4] = add_carry(t[4], carry, &top);

    uint64_t m = t[0] * ORDER_NEG_INVERSE;
    carry = 0;
    (void)multiply_add(t[0], m, ORDER[0], &carry);
    t[0] = multiply_add(t[1], m, ORDER[1], &carry);
    t[1] = multiply_add(t[2], m, ORDER[2], &carry);
    t[2] = multiply_add(t[3], m, ORDER[3], &carry);
    uint64_t over = 0;
    t[3] = add_carry(t[4], carry, &over);
    t[4] = top + over;
}

/* out = a * b / 2^256 mod q, fully reduced. */
static void product(const limbs *a, const limbs *b, limbs *out)
{
    uint64_t t[5] = { 0 };
    product_step(t, a->v, b->v[0]);
    product_step(t, a->v, b->v[1]);
    product_step(t, a->v, b->v[2]);
    product_step(t, a->v, b->v[3]);
    (void)reduce_once(t[4], t, out->v);
}

static limbs to_montgomery(const eccsi_scalar *a)
{
    limbs plain, r2, out;
    memcpy(plain.v, a->limb, sizeof plain.v);
    memcpy(r2.v, R_SQUARED, sizeof r2.v);
    product(&plain, &r2, &out);
    kf_wipe(&plain, sizeof plain);
    return out;
}

static void load(const uint8_t octets[ECCSI_SCALAR_OCTETS], uint64_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        uint64_t v = 0;
        for (size_t k = 0; k < 8; k++)
            v = v << 8 | octets[8 * (3 - i) + k];
        out[i] = v;
    }
}

void eccsi_scalar_reduce(const uint8_t octets[ECCSI_SCALAR_OCTETS], eccsi_scalar *out)
{
    uint64_t raw[4];
    load(octets, raw);
    (void)reduce_once(0, raw, out->limb); /* any 32 octets are below 2q */
    kf_wipe(raw, sizeof raw);
}

bool eccsi_scalar_decode(const uint8_t octets[ECCSI_SCALAR_OCTETS], eccsi_scalar *out)
{
    uint64_t raw[4];
    load(octets, raw);
    uint64_t below = reduce_once(0, raw, out->limb);
    kf_wipe(raw, sizeof raw);
    return (bool)((below & 1u) & (uint64_t)!eccsi_scalar_is_zero(out));
}

void eccsi_scalar_encode(const eccsi_scalar *a, uint8_t octets[ECCSI_SCALAR_OCTETS])
{
    for (size_t i = 0; i < ECCSI_SCALAR_OCTETS; i++)
        octets[i] = (uint8_t)(a->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
}

bool eccsi_scalar_is_zero(const eccsi_scalar *a)
{
    uint64_t any = a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3];
    return (bool)(1u ^ (any | (0 - any)) >> 63);
}

void eccsi_scalar_add(const eccsi_scalar *a, const eccsi_scalar *b, eccsi_scalar *out)
{
    uint64_t sum[4], carry = 0;
    for (size_t i = 0; i < 4; i++)
        sum[i] = add_carry(a->limb[i], b->limb[i], &carry);
    (void)reduce_once(carry, sum, out->limb);
    kf_wipe(sum, sizeof sum);
}

void eccsi_scalar_negate(const eccsi_scalar *a, eccsi_scalar *out)
{
    uint64_t diff[4], borrow = 0;
    for (size_t i = 0; i < 4; i++)
        diff[i] = subtract_borrow(ORDER[i], a->limb[i], &borrow);
    (void)reduce_once(0, diff, out->limb); /* q - 0 = q becomes 0 */
    kf_wipe(diff, sizeof diff);
}

void eccsi_scalar_multiply(const eccsi_scalar *a, const eccsi_scalar *b, eccsi_scalar *out)
{
    limbs x = to_montgomery(a), y, z;
    memcpy(y.v, b->limb, sizeof y.v);
    product(&x, &y, &z); /* a * 2^256 * b / 2^256 */
    memcpy(out->limb, z.v, sizeof z.v);
    kf_wipe(&x, sizeof x);
    kf_wipe(&y, sizeof y);
    kf_wipe(&z, sizeof z);
}

kf_err eccsi_scalar_of_secret(const kf_secret *secret, eccsi_scalar *out)
{
    *out = (eccsi_scalar){ { 0 } };
    kf_slice octets = kf_secret_view(secret);
    if (octets.len != ECCSI_SCALAR_OCTETS)
        return KF_E_MALFORMED;
    if (!eccsi_scalar_decode(octets.ptr, out)) { /* a key out of range is no key: public */
        kf_wipe(out, sizeof *out);
        return KF_E_MALFORMED;
    }
    return KF_OK;
}

kf_err eccsi_scalar_to_secret(const eccsi_scalar *a, kf_secret **out)
{
    kf_err err = kf_secret_new(ECCSI_SCALAR_OCTETS, out);
    if (err == KF_OK)
        eccsi_scalar_encode(a, kf_secret_edit(*out));
    return err;
}

/* One draw fails with a chance of 2^-32; a generator that fails this often is broken. */
#define DRAWS_MAX 8u

kf_err eccsi_scalar_draw(const kf_rng *rng, eccsi_scalar *out)
{
    uint8_t octets[ECCSI_SCALAR_OCTETS];
    bool usable = false;

    for (unsigned i = 0; i < DRAWS_MAX && !usable; i++) {
        if (kf_rng_fill(rng, octets, sizeof octets) != KF_OK)
            break;
        usable = eccsi_scalar_decode(octets, out); /* a rejected draw is never used: public */
    }
    kf_wipe(octets, sizeof octets);
    if (!usable)
        kf_wipe(out, sizeof *out);
    return usable ? KF_OK : KF_E_BACKEND;
}

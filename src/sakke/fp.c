/**
 * @file fp.c F_p in portable C: Montgomery form with factor 2^1024, fully reduced.
 *
 * Products are summed column by column into three words (acc and hi below), which compilers turn
 * into the shortest chain of additions. Two facts of the reduction:
 *
 * - Rows 0 to 14 add multiples of N = p k, with k = -1/p mod 2^64, rather than of p. N + 1 is
 *   2^64 M, so the quotient digit of a row is the limb itself, without a multiplication, and the
 *   limb below it cancels by itself. Row 15 adds a multiple of p, so that the result stays small.
 * - For a sum of s products of residues the result is below s p^2 / 2^1024 + p k / 2^64 + p, and
 *   p < 0.6 * 2^1024, k < 0.161 * 2^64: that is below 1.77p, 2.37p and 2.96p for s = 1, 2, 3.
 */
#include "sakke/fp.h"
#include "sakke/inverse.h"

static const uint64_t P[SAKKE_LIMBS] = {
    UINT64_C(0x666d807afea85feb), UINT64_C(0x80c5df10ac7ace87), UINT64_C(0xfce3e82389857db0),
    UINT64_C(0x9f94d6af56971f1f), UINT64_C(0xa7cf3c521c3c09aa), UINT64_C(0xb6aff4a831852a82),
    UINT64_C(0x512ac5cd65681ce1), UINT64_C(0xe26c6487326b4cd4), UINT64_C(0x356d27f4a666a6d0),
    UINT64_C(0xe791b39ff7c88a19), UINT64_C(0x228730d531a59cb0), UINT64_C(0xf40aab27e2fc0f1b),
    UINT64_C(0xbe9ae358b3e01a2e), UINT64_C(0x416c0ce19cb48261), UINT64_C(0x65c61198dad0657a),
    UINT64_C(0x997abb1f0a563fda),
};

/* -1/p mod 2^64 */
#define K UINT64_C(0x290420077c8f2f3d)

/* M = (p k + 1) / 2^64 */
static const uint64_t M[SAKKE_LIMBS] = {
    UINT64_C(0xaba7c111ca3028a8), UINT64_C(0xaa2184e76407ad49), UINT64_C(0x11ca3764faea432d),
    UINT64_C(0x4112394a3333350c), UINT64_C(0x8ea7a597ddd0342e), UINT64_C(0x8f99f4a57da269cb),
    UINT64_C(0x7d14abec05eeafbd), UINT64_C(0x08caadcbd228b390), UINT64_C(0xc9c4f5fe1f8cf6f4),
    UINT64_C(0x6e4814266bd5a3a8), UINT64_C(0x54ecfc48b1cca2b1), UINT64_C(0xac8a9764714dedad),
    UINT64_C(0x715406d7fcb88387), UINT64_C(0xae91cf6dee746b32), UINT64_C(0xb3ff32020c9d7bed),
    UINT64_C(0x18972116b990433a),
};

/* 2^2048 mod p: a number times this is its Montgomery form */
static const sakke_fp R2 = { {
    UINT64_C(0xe199c8ceed17b0a1),
    UINT64_C(0x7ffd8b4be3620f7f),
    UINT64_C(0xca865d5f4f76e245),
    UINT64_C(0x623ff8dc27ecf5cb),
    UINT64_C(0x229900e1d19bb697),
    UINT64_C(0xed6aef26ea40c71f),
    UINT64_C(0xa3aed42cc906365c),
    UINT64_C(0x17d461b69eab6451),
    UINT64_C(0x2009367d7d666da9),
    UINT64_C(0x8bcad1dcb63c1d56),
    UINT64_C(0x5a126231c31a92dc),
    UINT64_C(0x5fb41b0eb8d94c5b),
    UINT64_C(0xc113d394843f623c),
    UINT64_C(0x5d8d8e74f159f1eb),
    UINT64_C(0xae4ba7edb5d48c14),
    UINT64_C(0x191640b9698af16a),
} };

/* 2^3072 mod p */
static const sakke_fp R3 = { {
    UINT64_C(0x90fca9b7a9a6fc4b),
    UINT64_C(0x5420916d1e5677d8),
    UINT64_C(0xcb12731402ea283a),
    UINT64_C(0xd77b75d65ba08832),
    UINT64_C(0x97a4e0591e8d9fc6),
    UINT64_C(0x6e04d7a76f6fc767),
    UINT64_C(0x897657f95e997256),
    UINT64_C(0x6ef3e6f7a94505f1),
    UINT64_C(0xd84e28babfa8c143),
    UINT64_C(0x98704720c105719d),
    UINT64_C(0x4d38d5afdd5f93c3),
    UINT64_C(0x349ba0c687bf6d16),
    UINT64_C(0x41ac3193420b4c1b),
    UINT64_C(0x0dddaec38fed02e1),
    UINT64_C(0x969112982b6316a9),
    UINT64_C(0x813851f6d69d862f),
} };

static const sakke_modulus62 P62 = {
    {
        INT64_C(0x266d807afea85feb),
        INT64_C(0x03177c42b1eb3a1d),
        INT64_C(0x0e3e82389857db08),
        INT64_C(0x2535abd5a5c7c7ff),
        INT64_C(0x0f3c521c3c09aa9f),
        INT64_C(0x3fd2a0c614aa0a9f),
        INT64_C(0x2c5cd65681ce1b6a),
        INT64_C(0x1921cc9ad335144a),
        INT64_C(0x27f4a666a6d0e26c),
        INT64_C(0x0e7fdf222864d5b4),
        INT64_C(0x0d531a59cb0e791b),
        INT64_C(0x09f8bf03c6c8a1cc),
        INT64_C(0x18b3e01a2ef40aab),
        INT64_C(0x0672d20986fa6b8d),
        INT64_C(0x0dad0657a416c0ce),
        INT64_C(0x02958ff699718466),
        INT64_C(0x00000000997abb1f),
    },
    UINT64_C(0x16fbdff88370d0c3),
};

/* (hi, acc) += x y */
#define TERM(x, y)                                                                                 \
    do {                                                                                           \
        sakke_u128 xy = (sakke_u128)(x) * (y);                                                     \
        hi += __builtin_add_overflow(acc, xy, &acc);                                               \
    } while (0);

/* Next column: (hi, acc) >>= 64 */
#define SHIFT                                                                                      \
    acc = (acc >> 64) | ((sakke_u128)hi << 64);                                                    \
    hi = 0;

/* (hi, acc) += 2 (the terms) */
#define CROSS(terms)                                                                               \
    do {                                                                                           \
        const sakke_u128 kept = acc;                                                               \
        const uint64_t kept_hi = hi;                                                               \
        acc = 0;                                                                                   \
        hi = 0;                                                                                    \
        terms hi = hi << 1 | (uint64_t)(acc >> 127);                                               \
        acc <<= 1;                                                                                 \
        hi += kept_hi + __builtin_add_overflow(acc, kept, &acc);                                   \
    } while (0);

/* DOTn: a[i] b[j] + a[i+1] b[j-1] + ... of n terms */
#define DOT1(a, i, b, j)  TERM((a)[i], (b)[j])
#define DOT2(a, i, b, j)  DOT1(a, i, b, j) TERM((a)[(i) + 1], (b)[(j)-1])
#define DOT3(a, i, b, j)  DOT2(a, i, b, j) TERM((a)[(i) + 2], (b)[(j)-2])
#define DOT4(a, i, b, j)  DOT3(a, i, b, j) TERM((a)[(i) + 3], (b)[(j)-3])
#define DOT5(a, i, b, j)  DOT4(a, i, b, j) TERM((a)[(i) + 4], (b)[(j)-4])
#define DOT6(a, i, b, j)  DOT5(a, i, b, j) TERM((a)[(i) + 5], (b)[(j)-5])
#define DOT7(a, i, b, j)  DOT6(a, i, b, j) TERM((a)[(i) + 6], (b)[(j)-6])
#define DOT8(a, i, b, j)  DOT7(a, i, b, j) TERM((a)[(i) + 7], (b)[(j)-7])
#define DOT9(a, i, b, j)  DOT8(a, i, b, j) TERM((a)[(i) + 8], (b)[(j)-8])
#define DOT10(a, i, b, j) DOT9(a, i, b, j) TERM((a)[(i) + 9], (b)[(j)-9])
#define DOT11(a, i, b, j) DOT10(a, i, b, j) TERM((a)[(i) + 10], (b)[(j)-10])
#define DOT12(a, i, b, j) DOT11(a, i, b, j) TERM((a)[(i) + 11], (b)[(j)-11])
#define DOT13(a, i, b, j) DOT12(a, i, b, j) TERM((a)[(i) + 12], (b)[(j)-12])
#define DOT14(a, i, b, j) DOT13(a, i, b, j) TERM((a)[(i) + 13], (b)[(j)-13])
#define DOT15(a, i, b, j) DOT14(a, i, b, j) TERM((a)[(i) + 14], (b)[(j)-14])
#define DOT16(a, i, b, j) DOT15(a, i, b, j) TERM((a)[(i) + 15], (b)[(j)-15])

/* SQUAREn: the same for a a, each product of two different limbs computed once */
#define SQUARE1(i, j)  TERM(a[(i) + 0], a[(i) + 0])
#define SQUARE2(i, j)  CROSS(DOT1(a, i, a, j))
#define SQUARE3(i, j)  CROSS(DOT1(a, i, a, j)) TERM(a[(i) + 1], a[(i) + 1])
#define SQUARE4(i, j)  CROSS(DOT2(a, i, a, j))
#define SQUARE5(i, j)  CROSS(DOT2(a, i, a, j)) TERM(a[(i) + 2], a[(i) + 2])
#define SQUARE6(i, j)  CROSS(DOT3(a, i, a, j))
#define SQUARE7(i, j)  CROSS(DOT3(a, i, a, j)) TERM(a[(i) + 3], a[(i) + 3])
#define SQUARE8(i, j)  CROSS(DOT4(a, i, a, j))
#define SQUARE9(i, j)  CROSS(DOT4(a, i, a, j)) TERM(a[(i) + 4], a[(i) + 4])
#define SQUARE10(i, j) CROSS(DOT5(a, i, a, j))
#define SQUARE11(i, j) CROSS(DOT5(a, i, a, j)) TERM(a[(i) + 5], a[(i) + 5])
#define SQUARE12(i, j) CROSS(DOT6(a, i, a, j))
#define SQUARE13(i, j) CROSS(DOT6(a, i, a, j)) TERM(a[(i) + 6], a[(i) + 6])
#define SQUARE14(i, j) CROSS(DOT7(a, i, a, j))
#define SQUARE15(i, j) CROSS(DOT7(a, i, a, j)) TERM(a[(i) + 7], a[(i) + 7])
#define SQUARE16(i, j) CROSS(DOT8(a, i, a, j))

#define DIGIT(n)                                                                                   \
    q[n] = (uint64_t)acc;                                                                          \
    SHIFT
#define LAST_DIGIT                                                                                 \
    q[15] = (uint64_t)acc * K;                                                                     \
    TERM(q[15], P[0]) SHIFT
#define LIMB(n)                                                                                    \
    t[n] = (uint64_t)acc;                                                                          \
    SHIFT

/* clang-format off */
/* The limbs of the reduced sum go to t and top. SUM(n, i, j) gives a column of n products. */
#define MONTGOMERY(SUM)                                                                            \
    SUM(1, 0, 0) DIGIT(0)                                                                          \
    SUM(2, 0, 1) DOT1(q, 0, M, 0) DIGIT(1)                                                         \
    SUM(3, 0, 2) DOT2(q, 0, M, 1) DIGIT(2)                                                         \
    SUM(4, 0, 3) DOT3(q, 0, M, 2) DIGIT(3)                                                         \
    SUM(5, 0, 4) DOT4(q, 0, M, 3) DIGIT(4)                                                         \
    SUM(6, 0, 5) DOT5(q, 0, M, 4) DIGIT(5)                                                         \
    SUM(7, 0, 6) DOT6(q, 0, M, 5) DIGIT(6)                                                         \
    SUM(8, 0, 7) DOT7(q, 0, M, 6) DIGIT(7)                                                         \
    SUM(9, 0, 8) DOT8(q, 0, M, 7) DIGIT(8)                                                         \
    SUM(10, 0, 9) DOT9(q, 0, M, 8) DIGIT(9)                                                        \
    SUM(11, 0, 10) DOT10(q, 0, M, 9) DIGIT(10)                                                     \
    SUM(12, 0, 11) DOT11(q, 0, M, 10) DIGIT(11)                                                    \
    SUM(13, 0, 12) DOT12(q, 0, M, 11) DIGIT(12)                                                    \
    SUM(14, 0, 13) DOT13(q, 0, M, 12) DIGIT(13)                                                    \
    SUM(15, 0, 14) DOT14(q, 0, M, 13) DIGIT(14)                                                    \
    SUM(16, 0, 15) DOT15(q, 0, M, 14) LAST_DIGIT                                                   \
    SUM(15, 1, 15) DOT15(q, 0, M, 15) TERM(q[15], P[1]) LIMB(0)                                    \
    SUM(14, 2, 15) DOT14(q, 1, M, 15) TERM(q[15], P[2]) LIMB(1)                                    \
    SUM(13, 3, 15) DOT13(q, 2, M, 15) TERM(q[15], P[3]) LIMB(2)                                    \
    SUM(12, 4, 15) DOT12(q, 3, M, 15) TERM(q[15], P[4]) LIMB(3)                                    \
    SUM(11, 5, 15) DOT11(q, 4, M, 15) TERM(q[15], P[5]) LIMB(4)                                    \
    SUM(10, 6, 15) DOT10(q, 5, M, 15) TERM(q[15], P[6]) LIMB(5)                                    \
    SUM(9, 7, 15) DOT9(q, 6, M, 15) TERM(q[15], P[7]) LIMB(6)                                      \
    SUM(8, 8, 15) DOT8(q, 7, M, 15) TERM(q[15], P[8]) LIMB(7)                                      \
    SUM(7, 9, 15) DOT7(q, 8, M, 15) TERM(q[15], P[9]) LIMB(8)                                      \
    SUM(6, 10, 15) DOT6(q, 9, M, 15) TERM(q[15], P[10]) LIMB(9)                                    \
    SUM(5, 11, 15) DOT5(q, 10, M, 15) TERM(q[15], P[11]) LIMB(10)                                  \
    SUM(4, 12, 15) DOT4(q, 11, M, 15) TERM(q[15], P[12]) LIMB(11)                                  \
    SUM(3, 13, 15) DOT3(q, 12, M, 15) TERM(q[15], P[13]) LIMB(12)                                  \
    SUM(2, 14, 15) DOT2(q, 13, M, 15) TERM(q[15], P[14]) LIMB(13)                                  \
    SUM(1, 15, 15) DOT1(q, 14, M, 15) TERM(q[15], P[15]) LIMB(14)                                  \
    t[15] = (uint64_t)acc;                                                                         \
    top = (uint64_t)(acc >> 64);

/* clang-format on */

#define SUM_SQR(n, i, j)  SQUARE##n(i, j)
#define SUM_MUL(n, i, j)  DOT##n(a, i, b, j)
#define SUM_MUL2(n, i, j) DOT##n(a, i, b, j) DOT##n(c, i, d, j)
#define SUM_MUL3(n, i, j) DOT##n(a, i, b, j) DOT##n(c, i, d, j) DOT##n(e, i, f, j)

/* top:t below 3p, brought below p. */
static inline void reduce_twice(uint64_t *r, uint64_t top, const uint64_t *t)
{
    uint64_t s[SAKKE_LIMBS], borrow = sakke_limbs_sub(s, t, P),
                             mask = sakke_mask(top | (borrow ^ 1u));
    sakke_limbs_select(s, mask, s, t);
    sakke_limbs_reduce_once(r, top - (borrow & mask), s, P);
}

/* clang-format off */
static void mul_one(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t q[SAKKE_LIMBS], t[SAKKE_LIMBS], top, hi = 0;
    sakke_u128 acc = 0;
    MONTGOMERY(SUM_MUL)
    sakke_limbs_reduce_once(r, top, t, P);
}

static void sqr_one(uint64_t *r, const uint64_t *a)
{
    uint64_t q[SAKKE_LIMBS], t[SAKKE_LIMBS], top, hi = 0;
    sakke_u128 acc = 0;
    MONTGOMERY(SUM_SQR)
    sakke_limbs_reduce_once(r, top, t, P);
}

static void mul2_one(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                     const uint64_t *d)
{
    uint64_t q[SAKKE_LIMBS], t[SAKKE_LIMBS], top, hi = 0;
    sakke_u128 acc = 0;
    MONTGOMERY(SUM_MUL2)
    reduce_twice(r, top, t);
}

static void mul3_one(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                     const uint64_t *d, const uint64_t *e, const uint64_t *f)
{
    uint64_t q[SAKKE_LIMBS], t[SAKKE_LIMBS], top, hi = 0;
    sakke_u128 acc = 0;
    MONTGOMERY(SUM_MUL3)
    reduce_twice(r, top, t);
}
/* clang-format on */

static void field_mul(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mul_one(r[i].w, a[i].w, b[i].w);
}

static void field_sqr(sakke_fp *r, const sakke_fp *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sqr_one(r[i].w, a[i].w);
}

static void field_mul2(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                       const sakke_fp *d, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mul2_one(r[i].w, a[i].w, b[i].w, c[i].w, d[i].w);
}

static void field_mul3(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                       const sakke_fp *d, const sakke_fp *e, const sakke_fp *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mul3_one(r[i].w, a[i].w, b[i].w, c[i].w, d[i].w, e[i].w, f[i].w);
}

static void field_add(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    uint64_t s[SAKKE_LIMBS];
    for (size_t i = 0; i < n; i++) {
        uint64_t carry = sakke_limbs_add(s, a[i].w, b[i].w);
        sakke_limbs_reduce_once(r[i].w, carry, s, P);
    }
}

static void field_sub(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    uint64_t s[SAKKE_LIMBS], back[SAKKE_LIMBS];
    for (size_t i = 0; i < n; i++) {
        uint64_t mask = sakke_mask(sakke_limbs_sub(s, a[i].w, b[i].w));
        for (unsigned j = 0; j < SAKKE_LIMBS; j++)
            back[j] = P[j] & mask;
        (void)sakke_limbs_add(r[i].w, s, back);
    }
}

static void field_inv(sakke_fp *r, const sakke_fp *a)
{
    sakke_inverse(r->w, a->w, &P62);
    mul_one(r->w, r->w, R3.w); /* the inverse of a 2^1024 has lost the factor twice */
}

static bool field_from_octets(sakke_fp *r, const uint8_t *octets, size_t n)
{
    uint64_t below = 1;
    for (size_t i = 0; i < n; i++) {
        sakke_limbs_from_octets(r[i].w, octets + SAKKE_FP_OCTETS * i);
        below &= sakke_limbs_below(r[i].w, P);
        mul_one(r[i].w, r[i].w, R2.w);
    }
    return below != 0;
}

static void field_to_octets(uint8_t *octets, const sakke_fp *a, size_t n)
{
    static const uint64_t one[SAKKE_LIMBS] = { 1 };
    uint64_t plain[SAKKE_LIMBS];
    for (size_t i = 0; i < n; i++) {
        mul_one(plain, a[i].w, one);
        sakke_limbs_to_octets(octets + SAKKE_FP_OCTETS * i, plain);
    }
}

const sakke_field SAKKE_FIELD_PORTABLE = {
    .name = "portable",
    .one = { {
        UINT64_C(0x99927f850157a015),
        UINT64_C(0x7f3a20ef53853178),
        UINT64_C(0x031c17dc767a824f),
        UINT64_C(0x606b2950a968e0e0),
        UINT64_C(0x5830c3ade3c3f655),
        UINT64_C(0x49500b57ce7ad57d),
        UINT64_C(0xaed53a329a97e31e),
        UINT64_C(0x1d939b78cd94b32b),
        UINT64_C(0xca92d80b5999592f),
        UINT64_C(0x186e4c60083775e6),
        UINT64_C(0xdd78cf2ace5a634f),
        UINT64_C(0x0bf554d81d03f0e4),
        UINT64_C(0x41651ca74c1fe5d1),
        UINT64_C(0xbe93f31e634b7d9e),
        UINT64_C(0x9a39ee67252f9a85),
        UINT64_C(0x668544e0f5a9c025),
    } },
    .mul = field_mul,
    .sqr = field_sqr,
    .mul2 = field_mul2,
    .mul3 = field_mul3,
    .add = field_add,
    .sub = field_sub,
    .inv = field_inv,
    .from_octets = field_from_octets,
    .to_octets = field_to_octets,
};

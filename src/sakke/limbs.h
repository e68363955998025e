/**
 * @file limbs.h Numbers of 1024 bits as sixteen 64-bit limbs, least significant first.
 *
 * The plain, slow and constant-time operations that the field, the scalars and the inversion share.
 * This header is also where the room's one need beyond C17, a 128-bit integer, is named.
 */
#ifndef SAKKE_LIMBS_H
#define SAKKE_LIMBS_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define SAKKE_LIMBS 16u

typedef unsigned __int128 sakke_u128;
typedef __int128 sakke_i128;

/** All ones when bit is 1, zero when bit is 0. */
static inline uint64_t sakke_mask(uint64_t bit)
{
    return (uint64_t)0 - bit;
}

/** 1 when x is not zero, without a branch. */
static inline uint64_t sakke_nonzero(uint64_t x)
{
    return (x | ((uint64_t)0 - x)) >> 63;
}

/* One limb of a sum or difference with carry. The builtins of x86 become one instruction each;
 * what other machines get is right and slower. */
#if defined(__x86_64__)
typedef unsigned char sakke_carry;
#define SAKKE_ADD_LIMB(r, a, b, carry)                                                             \
    do {                                                                                           \
        unsigned long long limb;                                                                   \
        (carry) = _addcarry_u64((carry), (a), (b), &limb);                                         \
        (r) = limb;                                                                                \
    } while (0)
#define SAKKE_SUB_LIMB(r, a, b, carry)                                                             \
    do {                                                                                           \
        unsigned long long limb;                                                                   \
        (carry) = _subborrow_u64((carry), (a), (b), &limb);                                        \
        (r) = limb;                                                                                \
    } while (0)
#else
typedef uint64_t sakke_carry;
#define SAKKE_ADD_LIMB(r, a, b, carry)                                                             \
    do {                                                                                           \
        const sakke_u128 sum = (sakke_u128)(a) + (b) + (carry);                                    \
        (r) = (uint64_t)sum;                                                                       \
        (carry) = (uint64_t)(sum >> 64);                                                           \
    } while (0)
#define SAKKE_SUB_LIMB(r, a, b, carry)                                                             \
    do {                                                                                           \
        const sakke_u128 difference = (sakke_u128)(a) - (b) - (carry);                             \
        (r) = (uint64_t)difference;                                                                \
        (carry) = (uint64_t)(difference >> 64) & 1u;                                               \
    } while (0)
#endif

/* The same for four limbs from i on, and for all; loops would keep carries in memory. */
#define SAKKE_FOUR_LIMBS(OP, i)                                                                    \
    OP(r[(i)], a[(i)], b[(i)], carry);                                                             \
    OP(r[(i) + 1], a[(i) + 1], b[(i) + 1], carry);                                                 \
    OP(r[(i) + 2], a[(i) + 2], b[(i) + 2], carry);                                                 \
    OP(r[(i) + 3], a[(i) + 3], b[(i) + 3], carry);
#define SAKKE_ALL_LIMBS(OP)                                                                        \
    SAKKE_FOUR_LIMBS(OP, 0)                                                                        \
    SAKKE_FOUR_LIMBS(OP, 4) SAKKE_FOUR_LIMBS(OP, 8) SAKKE_FOUR_LIMBS(OP, 12)

/** r = a + b. @return the carry. */
static inline uint64_t sakke_limbs_add(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    sakke_carry carry = 0;
    SAKKE_ALL_LIMBS(SAKKE_ADD_LIMB)
    return carry;
}

/** r = a - b. @return the borrow. */
static inline uint64_t sakke_limbs_sub(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    sakke_carry carry = 0;
    SAKKE_ALL_LIMBS(SAKKE_SUB_LIMB)
    return carry;
}

/** r = mask ? a : b, mask all ones or zero. */
static inline void sakke_limbs_select(uint64_t *r, uint64_t mask, const uint64_t *a,
                                      const uint64_t *b)
{
    for (unsigned i = 0; i < SAKKE_LIMBS; i++)
        r[i] = b[i] ^ ((a[i] ^ b[i]) & mask);
}

/** top:t, below 2m, brought below m. r may be t. */
static inline void sakke_limbs_reduce_once(uint64_t *r, uint64_t top, const uint64_t *t,
                                           const uint64_t *m)
{
    uint64_t s[SAKKE_LIMBS];
    uint64_t borrow = sakke_limbs_sub(s, t, m);
    sakke_limbs_select(r, sakke_mask(top | (borrow ^ 1u)), s, t);
}

/** 1 when a < b, else 0. */
static inline uint64_t sakke_limbs_below(const uint64_t *a, const uint64_t *b)
{
    uint64_t s[SAKKE_LIMBS];
    return sakke_limbs_sub(s, a, b);
}

/** 1 when all limbs are zero. */
static inline uint64_t sakke_limbs_is_zero(const uint64_t *a)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < SAKKE_LIMBS; i++)
        any |= a[i];
    return sakke_nonzero(any) ^ 1u;
}

/** 1 when a = b. */
static inline uint64_t sakke_limbs_equal(const uint64_t *a, const uint64_t *b)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < SAKKE_LIMBS; i++)
        any |= a[i] ^ b[i];
    return sakke_nonzero(any) ^ 1u;
}

/** 128 octets, big-endian. */
static inline void sakke_limbs_from_octets(uint64_t *r, const uint8_t *octets)
{
    for (unsigned i = 0; i < SAKKE_LIMBS; i++) {
        const uint8_t *at = octets + 8u * (SAKKE_LIMBS - 1u - i);
        uint64_t limb = 0;
        for (unsigned j = 0; j < 8; j++)
            limb = limb << 8 | at[j];
        r[i] = limb;
    }
}

/** 128 octets, big-endian. */
static inline void sakke_limbs_to_octets(uint8_t *octets, const uint64_t *a)
{
    for (unsigned i = 0; i < SAKKE_LIMBS; i++) {
        uint8_t *at = octets + 8u * (SAKKE_LIMBS - 1u - i);
        for (unsigned j = 0; j < 8; j++)
            at[j] = (uint8_t)(a[i] >> (56 - 8 * j));
    }
}

#endif

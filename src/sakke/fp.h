/**
 * @file fp.h The field F_p of parameter set 1, behind a small table of batch operations.
 *
 * Everything above works on arrays of n independent elements through these functions, so that a
 * vectorised field can take the portable one's place. An element is opaque but for two things all
 * fields keep to: each residue has exactly one representation, and zero is all zero octets. So
 * equality and selection need no table. The Montgomery factor is private to the field, and elements
 * of different fields never meet: a process uses one.
 *
 * All operations are constant time. Results may be the same arrays as operands, not shifted ones.
 */
#ifndef SAKKE_FP_H
#define SAKKE_FP_H

#include <stdbool.h>
#include <stddef.h>

#include "sakke/limbs.h"

#define SAKKE_FP_OCTETS 128u

/** An element of F_p. */
typedef struct sakke_fp {
    uint64_t w[SAKKE_LIMBS];
} sakke_fp;

/** A field: facts and functions. */
typedef struct sakke_field {
    const char *name;
    sakke_fp one;
    /** r = a b */
    void (*mul)(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n);
    /** r = a^2 */
    void (*sqr)(sakke_fp *r, const sakke_fp *a, size_t n);
    /** r = a b + c d, one reduction */
    void (*mul2)(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                 const sakke_fp *d, size_t n);
    /** r = a b + c d + e f, one reduction */
    void (*mul3)(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                 const sakke_fp *d, const sakke_fp *e, const sakke_fp *f, size_t n);
    void (*add)(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n);
    void (*sub)(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n);
    /** r = 1/a for one element; 0 gives 0 */
    void (*inv)(sakke_fp *r, const sakke_fp *a);
    /** 128 octets an element, big-endian. @return false when one is p or more. */
    bool (*from_octets)(sakke_fp *r, const uint8_t *octets, size_t n);
    void (*to_octets)(uint8_t *octets, const sakke_fp *a, size_t n);
} sakke_field;

/** Portable C, sixteen 64-bit limbs. */
extern const sakke_field SAKKE_FIELD_PORTABLE;

/** The field this process uses: always the same one. */
static inline const sakke_field *sakke_field_get(void)
{
    return &SAKKE_FIELD_PORTABLE;
}

static inline void fp_mul(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    sakke_field_get()->mul(r, a, b, n);
}

static inline void fp_sqr(sakke_fp *r, const sakke_fp *a, size_t n)
{
    sakke_field_get()->sqr(r, a, n);
}

static inline void fp_mul2(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                           const sakke_fp *d, size_t n)
{
    sakke_field_get()->mul2(r, a, b, c, d, n);
}

static inline void fp_mul3(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, const sakke_fp *c,
                           const sakke_fp *d, const sakke_fp *e, const sakke_fp *f, size_t n)
{
    sakke_field_get()->mul3(r, a, b, c, d, e, f, n);
}

static inline void fp_add(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    sakke_field_get()->add(r, a, b, n);
}

static inline void fp_sub(sakke_fp *r, const sakke_fp *a, const sakke_fp *b, size_t n)
{
    sakke_field_get()->sub(r, a, b, n);
}

static inline void fp_inv(sakke_fp *r, const sakke_fp *a)
{
    sakke_field_get()->inv(r, a);
}

/** r = 0. */
static inline void fp_set_zero(sakke_fp *r, size_t n)
{
    memset(r, 0, n * sizeof *r);
}

static inline void fp_set_one(sakke_fp *r)
{
    *r = sakke_field_get()->one;
}

/** r = -a. */
static inline void fp_neg(sakke_fp *r, const sakke_fp *a)
{
    sakke_fp zero;
    fp_set_zero(&zero, 1);
    fp_sub(r, &zero, a, 1);
}

/** 1 when a = 0, else 0. */
static inline uint64_t fp_is_zero(const sakke_fp *a)
{
    return sakke_limbs_is_zero(a->w);
}

/** 1 when a = b, else 0. */
static inline uint64_t fp_equal(const sakke_fp *a, const sakke_fp *b)
{
    return sakke_limbs_equal(a->w, b->w);
}

/** r = mask ? a : b, mask all ones or zero. */
static inline void fp_select(sakke_fp *r, uint64_t mask, const sakke_fp *a, const sakke_fp *b)
{
    sakke_limbs_select(r->w, mask, a->w, b->w);
}

/** Most elements that fp_inv_batch() takes at a time. */
#define SAKKE_FP_BATCH_ROW 8u

/**
 * r = 1/a for n elements with one inversion and three multiplications each (Montgomery's trick).
 * @param scratch n elements, not overlapping a or r. The caller wipes it when a is secret.
 * @return 1 when all are inverted; 0 when some element is zero, and then r is meaningless.
 */
uint64_t fp_inv_batch(sakke_fp *r, const sakke_fp *a, sakke_fp *scratch, size_t n);

#endif

/** @file inverse.h Modular inversion in constant time. */
#ifndef SAKKE_INVERSE_H
#define SAKKE_INVERSE_H

#include "sakke/limbs.h"

/** An odd modulus of at most 1024 bits, prepared for inversion: limbs of 62 bits. */
typedef struct sakke_modulus62 {
    int64_t limb[17];
    uint64_t inverse; /**< 1/m mod 2^62 */
} sakke_modulus62;

/**
 * r = 1/a mod m. 0 gives 0.
 *
 * @param a below m, with gcd(a, m) = 1 or a = 0.
 *
 * Constant time in a. Division steps of Bernstein and Yang, "Fast constant-time gcd computation and
 * modular inversion" (2019): 2,954 steps are enough for 1024 bits (their theorem 11.2); 48 rounds
 * of 62 are done.
 */
void sakke_inverse(uint64_t r[SAKKE_LIMBS], const uint64_t a[SAKKE_LIMBS],
                   const sakke_modulus62 *m);

#endif

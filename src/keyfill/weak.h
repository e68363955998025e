/** @file weak.h Keys that are bad in themselves. Internal to the room. */
#ifndef KEYFILL_WEAK_H
#define KEYFILL_WEAK_H

#include "base/slice.h"

#define KEYFILL_DES_OCTETS 8u

typedef enum keyfill_des_class {
    KEYFILL_DES_CLASS_GOOD,
    KEYFILL_DES_CLASS_WEAK,          /**< all 16 round keys are equal: 4 keys */
    KEYFILL_DES_CLASS_SEMI_WEAK,     /**< 2 different round keys: 12 keys */
    KEYFILL_DES_CLASS_POSSIBLY_WEAK, /**< 4 different round keys: 48 keys */
} keyfill_des_class;

/**
 * Which class a DES key of 8 octets is in; parity bits are ignored.
 *
 * Constant time. Computed from the key schedule of FIPS 46-3 rather than looked up: the 28 bits of
 * each half C and D are rotated between rounds, and where a half is the same, or its complement,
 * after a rotation by 1 or 2 places, round keys repeat.
 */
keyfill_des_class keyfill_des_class_of(const uint8_t *key);

/** Has every octet an odd number of ones? Constant time. */
bool keyfill_parity_is_odd(kf_slice key);

/**
 * One octet over and over, a shorter string over and over (twice or more often), or octets at equal
 * steps, such as 00 01 02. A random key of 5 octets looks like that once in millions, a longer one
 * never. Constant time for a length.
 */
bool keyfill_key_is_pattern(kf_slice key);

#endif

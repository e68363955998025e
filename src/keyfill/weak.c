#include "keyfill/weak.h"

#include "base/secret.h"

#define HALF_BITS 28u

/* Bits of the key, 1 to 64 from the left, in each half. spec: FIPS 46-3 - permuted choice 1 */
static const uint8_t choice_c[HALF_BITS] = {
    57, 49, 41, 33, 25, 17, 9,  1,  58, 50, 42, 34, 26, 18,
    10, 2,  59, 51, 43, 35, 27, 19, 11, 3,  60, 52, 44, 36
};
static const uint8_t choice_d[HALF_BITS] = {
    63, 55, 47, 39, 31, 23, 15, 7,  62, 54, 46, 38, 30, 22,
    14, 6,  61, 53, 45, 37, 29, 21, 13, 5,  28, 20, 12, 4
};

static uint32_t half(const uint8_t *key, const uint8_t *choice)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < HALF_BITS; i++) {
        unsigned at = choice[i] - 1u;
        bits = bits << 1 | (uint32_t)(key[at / 8] >> (7 - at % 8) & 1u);
    }
    return bits;
}

#define ALL_BITS ((1u << HALF_BITS) - 1u)

/* What changes in a half when it is rotated by so many places: 0 for nothing. */
static uint32_t change(uint32_t bits, unsigned places)
{
    return bits ^ ((bits << places | bits >> (HALF_BITS - places)) & ALL_BITS);
}

/*
 * The totals over 16 rounds are 1 2 4 6 8 10 12 14 15 17 19 21 23 25 27 28 places. Halves that a
 * rotation by 1 leaves alone have one state (weak), by 2 two (semi-weak); where a rotation by 2
 * gives the complement there are four (possibly weak).
 */
keyfill_des_class keyfill_des_class_of(const uint8_t *key)
{
    uint32_t c = half(key, choice_c), d = half(key, choice_d);
    uint32_t c2 = change(c, 2), d2 = change(d, 2);
    bool one = (change(c, 1) | change(d, 1)) == 0;
    bool two = (c2 | d2) == 0;
    bool four = ((c2 == 0) | (c2 == ALL_BITS)) & ((d2 == 0) | (d2 == ALL_BITS));
    kf_wipe(&c, sizeof c);
    kf_wipe(&d, sizeof d);
    kf_wipe(&c2, sizeof c2);
    kf_wipe(&d2, sizeof d2);
    if (one)
        return KEYFILL_DES_CLASS_WEAK;
    if (two)
        return KEYFILL_DES_CLASS_SEMI_WEAK;
    return four ? KEYFILL_DES_CLASS_POSSIBLY_WEAK : KEYFILL_DES_CLASS_GOOD;
}

bool keyfill_parity_is_odd(kf_slice key)
{
    unsigned even = 0;
    for (size_t i = 0; i < key.len; i++) {
        unsigned ones = key.ptr[i];
        ones ^= ones >> 4;
        ones ^= ones >> 2;
        ones ^= ones >> 1;
        even |= ~ones & 1u;
    }
    return even == 0;
}

bool keyfill_key_is_pattern(kf_slice key)
{
    bool found = false;
    if (key.len < 2)
        return false;
    for (size_t period = 1; period <= key.len / 2; period++) {
        unsigned differ = 0;
        for (size_t i = period; i < key.len; i++)
            differ |= (unsigned)key.ptr[i] ^ key.ptr[i - period];
        found |= differ == 0;
    }
    uint8_t step = (uint8_t)(key.ptr[1] - key.ptr[0]);
    unsigned uneven = 0;
    for (size_t i = 1; i < key.len; i++)
        uneven |= (uint8_t)(key.ptr[i] - key.ptr[i - 1]) ^ (unsigned)step;
    kf_wipe(&step, sizeof step);
    return found | (uneven == 0);
}

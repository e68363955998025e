#include "p25/mi.h"

#include <string.h>

#define REGISTER_OCTETS 8u

static uint64_t load(const uint8_t *octets)
{
    uint64_t value = 0;
    for (size_t i = 0; i < REGISTER_OCTETS; i++)
        value = value << 8 | octets[i];
    return value;
}

static void store(uint64_t value, uint8_t *octets)
{
    for (size_t i = 0; i < REGISTER_OCTETS; i++)
        octets[i] = (uint8_t)(value >> (56 - 8 * i));
}

/*
 * spec: TIA-102.AAAD - x^64 + x^62 + x^46 + x^38 + x^27 + x^15 + 1. The lowest tap is bit 14, so
 * the next 15 bits depend on none of themselves: eight steps at once.
 */
static uint64_t step_64(uint64_t s)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t fresh = s >> 56 ^ s >> 54 ^ s >> 38 ^ s >> 30 ^ s >> 19 ^ s >> 7;
        s = s << 8 | (fresh & 0xffu);
    }
    return s;
}

void p25_mi_next(const uint8_t mi[P25_MI_OCTETS], uint8_t next[P25_MI_OCTETS])
{
    store(step_64(load(mi)), next);
    next[REGISTER_OCTETS] = 0;
}

void p25_mi_iv(const uint8_t mi[P25_MI_OCTETS], uint8_t iv[P25_IV_OCTETS])
{
    uint64_t s = load(mi);
    store(s, iv);
    store(step_64(s), iv + REGISTER_OCTETS);
}

bool p25_mi_is_zero(const uint8_t mi[P25_MI_OCTETS])
{
    return load(mi) == 0;
}

#define DRAWS_MAX 4u /* all zeros once is chance of 2^-64; four times is a broken generator */

kf_err p25_mi_random(const kf_rng *rng, uint8_t mi[P25_MI_OCTETS])
{
    memset(mi, 0, P25_MI_OCTETS);
    for (unsigned i = 0; i < DRAWS_MAX; i++) {
        kf_err err = kf_rng_fill(rng, mi, REGISTER_OCTETS);
        if (err != KF_OK) {
            memset(mi, 0, P25_MI_OCTETS);
            return err;
        }
        if (!p25_mi_is_zero(mi))
            return KF_OK;
    }
    return KF_E_BACKEND;
}

/** @file lookup.c Table look-up that touches every entry. */
#include "sakke/lookup.h"

#include <string.h>

#include "sakke/limbs.h"

/* Two words side by side: the least that every 64-bit machine we build for can handle at once. */
typedef uint64_t pair __attribute__((vector_size(16), may_alias));

#define PAIRS 8u /* 128 octets */

/* One 128-octet slice of each entry; stride is the distance of entries in pairs. */
static void look_up_slice(pair *out, const pair *at, size_t stride, size_t count, uint64_t index)
{
    pair r0 = { 0 }, r1 = { 0 }, r2 = { 0 }, r3 = { 0 }, r4 = { 0 }, r5 = { 0 }, r6 = { 0 },
         r7 = { 0 };
    for (size_t j = 0; j < count; j++, at += stride) {
        const uint64_t hit = sakke_nonzero(j ^ index) - 1;
        const pair mask = { hit, hit };
        r0 |= at[0] & mask;
        r1 |= at[1] & mask;
        r2 |= at[2] & mask;
        r3 |= at[3] & mask;
        r4 |= at[4] & mask;
        r5 |= at[5] & mask;
        r6 |= at[6] & mask;
        r7 |= at[7] & mask;
    }
    const pair found[PAIRS] = { r0, r1, r2, r3, r4, r5, r6, r7 };
    memcpy(out, found, sizeof found);
}

void sakke_lookup(void *out, const void *table, size_t size, size_t count, uint64_t index)
{
    for (size_t at = 0; at < size; at += PAIRS * sizeof(pair)) {
        pair found[PAIRS];
        look_up_slice(found, (const pair *)((const uint8_t *)table + at), size / sizeof(pair),
                      count, index);
        memcpy((uint8_t *)out + at, found, sizeof found);
    }
}

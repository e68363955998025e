/** @file chain.c The chain of the Miller loop. */
#include "sakke/chain.h"

#include "sakke/scalar.h"

#define DIGITS (SAKKE_CHAIN_DOUBLINGS + 1)

/* The digits of a number in non-adjacent form, least significant first. n is used up. */
static void non_adjacent_form(int8_t digit[DIGITS], uint64_t *n)
{
    static const uint64_t one[SAKKE_LIMBS] = { 1 };
    for (unsigned i = 0; i < DIGITS; i++) {
        digit[i] = 0;
        if ((n[0] & 3u) == 1) {
            digit[i] = 1;
            (void)sakke_limbs_sub(n, n, one);
        } else if ((n[0] & 3u) == 3) {
            digit[i] = -1;
            (void)sakke_limbs_add(n, n, one);
        }
        for (unsigned j = 0; j < SAKKE_LIMBS; j++)
            n[j] = n[j] >> 1 | (j + 1 < SAKKE_LIMBS ? n[j + 1] << 63 : 0);
    }
}

void sakke_chain_make(sakke_chain *c)
{
    int8_t digit[DIGITS];
    uint64_t n[SAKKE_LIMBS];
    memcpy(n, SAKKE_Q, sizeof n);
    n[0] -= 1; /* q is odd */
    non_adjacent_form(digit, n);
    c->count = 0;
    for (unsigned i = DIGITS - 1; i-- > 0;) { /* the top digit is the K we start from */
        c->op[c->count++] = SAKKE_STEP_DOUBLE;
        if (digit[i] != 0)
            c->op[c->count++] = (uint8_t)(digit[i] > 0 ? SAKKE_STEP_ADD : SAKKE_STEP_SUBTRACT);
    }
}

size_t sakke_chain_group(const sakke_chain *c, size_t at)
{
    size_t end = at, doublings = at == 0 ? 1 : 2;
    while (end < c->count && (doublings > 0 || c->op[end] != SAKKE_STEP_DOUBLE)) {
        if (c->op[end] == SAKKE_STEP_DOUBLE)
            doublings--;
        end++;
    }
    return end - at;
}

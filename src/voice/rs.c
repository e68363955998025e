#include "voice/rs.h"

#include <stdbool.h>
#include <string.h>

#define ORDER   63u /* of alpha */
#define CORRECT (VOICE_RS_PARITY / 2)

/* alpha^i for i below 63, and the reverse; alpha^6 = alpha + 1. */
static const uint8_t powers[ORDER] = {
    1,  2,  4,  8,  16, 32, 3,  6,  12, 24, 48, 35, 5,  10, 20, 40, 19, 38, 15, 30, 60,
    59, 53, 41, 17, 34, 7,  14, 28, 56, 51, 37, 9,  18, 36, 11, 22, 44, 27, 54, 47, 29,
    58, 55, 45, 25, 50, 39, 13, 26, 52, 43, 21, 42, 23, 46, 31, 62, 63, 61, 57, 49, 33,
};
static const uint8_t logs[ORDER + 1] = {
    0,  0,  1,  6,  2,  12, 7,  26, 3,  32, 13, 35, 8,  48, 27, 18, 4,  24, 33, 16, 14, 52,
    36, 54, 9,  45, 49, 38, 28, 41, 19, 56, 5,  62, 25, 11, 34, 31, 17, 47, 15, 23, 53, 51,
    37, 44, 55, 40, 10, 61, 46, 30, 50, 22, 39, 43, 29, 60, 42, 21, 20, 59, 57, 58,
};

static uint8_t alpha(unsigned exponent)
{
    return powers[exponent % ORDER];
}

static uint8_t mul(uint8_t a, uint8_t b)
{
    return a == 0 || b == 0 ? 0 : alpha((unsigned)logs[a] + logs[b]);
}

/* b is not zero */
static uint8_t divide(uint8_t a, uint8_t b)
{
    return a == 0 ? 0 : alpha((unsigned)logs[a] + ORDER - logs[b]);
}

/* (x - alpha)(x - alpha^2)...(x - alpha^8), lowest power first; the ninth coefficient is 1. */
static void generator(uint8_t g[VOICE_RS_PARITY + 1])
{
    memset(g, 0, VOICE_RS_PARITY + 1);
    g[0] = 1;
    for (unsigned root = 1; root <= VOICE_RS_PARITY; root++) {
        for (unsigned i = root; i > 0; i--)
            g[i] = (uint8_t)(g[i - 1] ^ mul(g[i], alpha(root)));
        g[0] = mul(g[0], alpha(root));
    }
}

void voice_rs_encode(uint8_t words[VOICE_RS_WORDS])
{
    uint8_t g[VOICE_RS_PARITY + 1];
    uint8_t rest[VOICE_RS_PARITY] = { 0 }; /* highest power first */
    generator(g);
    for (unsigned i = 0; i < VOICE_RS_DATA; i++) {
        uint8_t top = (uint8_t)(words[i] ^ rest[0]);
        for (unsigned j = 0; j < VOICE_RS_PARITY; j++) {
            uint8_t next = j + 1 < VOICE_RS_PARITY ? rest[j + 1] : 0;
            rest[j] = (uint8_t)(next ^ mul(top, g[VOICE_RS_PARITY - 1 - j]));
        }
    }
    memcpy(words + VOICE_RS_DATA, rest, sizeof rest);
}

/* @return false when all are zero: a codeword */
static bool syndromes(const uint8_t words[VOICE_RS_WORDS], uint8_t s[VOICE_RS_PARITY])
{
    uint8_t any = 0;
    for (unsigned j = 0; j < VOICE_RS_PARITY; j++) {
        uint8_t sum = 0;
        for (unsigned i = 0; i < VOICE_RS_WORDS; i++)
            sum = (uint8_t)(mul(sum, alpha(j + 1)) ^ words[i]);
        s[j] = sum;
        any |= sum;
    }
    return any != 0;
}

/* Berlekamp and Massey: the shortest register that makes the syndromes. @return its length. */
static unsigned locator(const uint8_t s[VOICE_RS_PARITY], uint8_t c[VOICE_RS_PARITY + 1])
{
    uint8_t b[VOICE_RS_PARITY + 1] = { 1 }, t[VOICE_RS_PARITY + 1];
    uint8_t old = 1;
    unsigned len = 0, gap = 1;
    memset(c, 0, VOICE_RS_PARITY + 1);
    c[0] = 1;
    for (unsigned n = 0; n < VOICE_RS_PARITY; n++, gap++) {
        uint8_t d = s[n];
        for (unsigned i = 1; i <= len; i++)
            d = (uint8_t)(d ^ mul(c[i], s[n - i]));
        if (d == 0)
            continue;
        memcpy(t, c, sizeof t);
        for (unsigned i = gap; i <= VOICE_RS_PARITY; i++)
            c[i] = (uint8_t)(c[i] ^ mul(divide(d, old), b[i - gap]));
        if (2 * len <= n) {
            len = n + 1 - len;
            memcpy(b, t, sizeof b);
            old = d;
            gap = 0;
        }
    }
    return len;
}

static uint8_t evaluate(const uint8_t *poly, unsigned count, uint8_t x)
{
    uint8_t sum = 0;
    for (unsigned i = count; i-- > 0;)
        sum = (uint8_t)(mul(sum, x) ^ poly[i]);
    return sum;
}

/* Forney: the error value at the place whose inverse locator is x; the first root is alpha^1. */
static uint8_t value_at(const uint8_t s[VOICE_RS_PARITY], const uint8_t *c, unsigned len, uint8_t x)
{
    uint8_t omega[CORRECT] = { 0 }, slope = 0;
    for (unsigned i = 0; i < len; i++)
        for (unsigned j = 0; j <= i; j++)
            omega[i] = (uint8_t)(omega[i] ^ mul(s[i - j], c[j]));
    for (unsigned i = 1; i <= len; i += 2) /* the derivative keeps odd powers only */
        slope = (uint8_t)(slope ^ mul(c[i], alpha((unsigned)logs[x] * (i - 1))));
    return slope == 0 ? 0 : divide(evaluate(omega, len, x), slope);
}

kf_err voice_rs_correct(uint8_t words[VOICE_RS_WORDS], unsigned *corrected)
{
    uint8_t s[VOICE_RS_PARITY], again[VOICE_RS_PARITY], c[VOICE_RS_PARITY + 1];
    uint8_t fixed[VOICE_RS_WORDS];
    unsigned found = 0;

    *corrected = 0;
    if (!syndromes(words, s))
        return KF_OK;
    unsigned len = locator(s, c);
    if (len > CORRECT)
        return KF_E_MALFORMED;
    memcpy(fixed, words, sizeof fixed);
    for (unsigned i = 0; i < VOICE_RS_WORDS; i++) {
        uint8_t x = alpha(ORDER - (VOICE_RS_WORDS - 1 - i)); /* inverse of the place's locator */
        if (evaluate(c, len + 1, x) != 0)
            continue;
        fixed[i] = (uint8_t)(fixed[i] ^ value_at(s, c, len, x));
        found++;
    }
    /* A locator with roots outside the shortened word, or values that do not fit: too many errors.
     */
    if (found != len || syndromes(fixed, again))
        return KF_E_MALFORMED;
    memcpy(words, fixed, sizeof fixed);
    *corrected = found;
    return KF_OK;
}

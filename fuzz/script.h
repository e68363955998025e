/**
 * @file script.h What the targets of the OTAR machines share: an input is a script of steps, each
 * an operation, a length and so many octets; and a generator that is quick and always the same.
 */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include <string.h>

#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"

/** Longer inputs only repeat what shorter ones do. */
#define SCRIPT_STEPS_MAX 64u

typedef struct script {
    const uint8_t *at;
    size_t left;
    unsigned steps;
} script;

/** The next step; false at the end. The octets are in part: as many as there are, if too few. */
static inline bool script_next(script *s, uint8_t *op, kf_slice *part)
{
    if (s->left < 2 || s->steps++ == SCRIPT_STEPS_MAX)
        return false;
    size_t len = s->at[1];
    *op = s->at[0];
    s->at += 2;
    s->left -= 2;
    if (len == 255 && s->left >= 1) { /* more than fits one octet */
        len += s->at[0];
        s->at++;
        s->left--;
    }
    len = len > s->left ? s->left : len;
    *part = (kf_slice){ s->at, len };
    s->at += len;
    s->left -= len;
    return true;
}

/** Octet i of a step, 0 beyond its end. */
static inline uint8_t octet(kf_slice part, size_t i)
{
    return i < part.len ? part.ptr[i] : 0;
}

static inline uint16_t pair_of(kf_slice part, size_t i)
{
    return (uint16_t)(octet(part, i) << 8 | octet(part, i + 1));
}

static inline kf_err script_fill(void *ctx, uint8_t *out, size_t len)
{
    uint64_t *state = ctx;
    for (size_t i = 0; i < len; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(*state >> 56);
    }
    return KF_OK;
}

/** 32 octets of one value. */
static inline kf_secret *script_key(uint8_t fill)
{
    uint8_t octets[32];
    kf_secret *key = NULL;
    memset(octets, fill, sizeof octets);
    return kf_secret_new_copy((kf_slice){ octets, sizeof octets }, &key) == KF_OK ? key : NULL;
}

#endif

/** @file rng.h Randomness is an argument. The real generator is crypto/random.h; tests bring their
 * own. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct kf_rng {
    /** Fill out with len random octets. KF_E_BACKEND on failure, and then so does the caller. */
    kf_err (*fill)(void *ctx, uint8_t *out, size_t len);
    void *ctx;
} kf_rng;

/** Draw len octets. */
KF_MUST_USE kf_err kf_rng_fill(const kf_rng *rng, uint8_t *out, size_t len);

#endif

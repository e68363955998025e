#include "base/rng.h"

kf_err kf_rng_fill(const kf_rng *rng, uint8_t *out, size_t len)
{
    return rng->fill(rng->ctx, out, len);
}

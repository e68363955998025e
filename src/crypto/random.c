#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

static kf_err fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    while (len > 0) {
        int step = len > INT_MAX ? INT_MAX : (int)len;
        if (RAND_priv_bytes(out, step) != 1)
            return KF_E_BACKEND;
        out += step;
        len -= (size_t)step;
    }
    return KF_OK;
}

const kf_rng *kf_random(void)
{
    static const kf_rng rng = { fill, NULL };
    return &rng;
}

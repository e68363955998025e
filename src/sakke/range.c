/** @file range.c HashToIntegerRange. */
#include "sakke/range.h"

#include "base/secret.h"
#include "crypto/hash.h"

/* spec: RFC 6508 clause 5.1 - A = H(s), h_0 = 0, h_i = H(h_(i-1)), v_i = H(h_i || A) */
kf_err sakke_hash_blocks(const kf_slice *parts, size_t count, unsigned l, uint8_t *out)
{
    uint8_t a[KF_SHA256_OCTETS], h[KF_SHA256_OCTETS] = { 0 };
    kf_err err = kf_hash_parts(&KF_SHA256, parts, count, a);
    for (unsigned i = 0; i < l && err == KF_OK; i++) {
        err = kf_sha256(KF_SLICE_OF(h), h);
        if (err != KF_OK)
            break;
        const kf_slice both[2] = { KF_SLICE_OF(h), KF_SLICE_OF(a) };
        err = kf_hash_parts(&KF_SHA256, both, 2, out + (size_t)KF_SHA256_OCTETS * i);
    }
    kf_wipe(a, sizeof a);
    return err;
}

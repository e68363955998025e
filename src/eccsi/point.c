#include "eccsi/point.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <string.h>

const uint8_t ECCSI_BASE_POINT[ECCSI_POINT_OCTETS] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
    0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
    0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
    0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

/* Made once, read by all threads, never freed: making a group costs as much as a multiplication. */
static EC_GROUP *the_group;

static void make_group(void)
{
    the_group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

static const EC_GROUP *group(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_group); /* fails only for a bad argument */
    return the_group;
}

kf_err eccsi_point_decode(kf_slice octets, EC_POINT **out)
{
    *out = NULL;
    if (octets.len < ECCSI_POINT_OCTETS)
        return KF_E_TRUNCATED;
    if (octets.len > ECCSI_POINT_OCTETS)
        return KF_E_TRAILING;
    if (octets.ptr[0] != POINT_CONVERSION_UNCOMPRESSED) /* spec: RFC 6507 3 - no other form */
        return KF_E_MALFORMED;
    if (group() == NULL)
        return KF_E_BACKEND;
    EC_POINT *point = EC_POINT_new(group());
    if (point == NULL)
        return KF_E_NO_MEMORY;
    if (EC_POINT_oct2point(group(), point, octets.ptr, octets.len, NULL) != 1) {
        EC_POINT_free(point);
        ERR_clear_error(); /* what a stranger sent is no event of this thread */
        return KF_E_MALFORMED;
    }
    *out = point;
    return KF_OK;
}

/*
 * A BIGNUM of fixed width. BN_bin2bn() skips leading zero octets, in a time that tells how many;
 * so the octets get a leading one, which is cleared again as a bit.
 */
static BIGNUM *bignum_of(const eccsi_scalar *k)
{
    uint8_t octets[1 + ECCSI_SCALAR_OCTETS] = { 1 };
    BIGNUM *bn = BN_secure_new();

    eccsi_scalar_encode(k, octets + 1);
    if (bn != NULL) {
        BN_set_flags(bn, BN_FLG_CONSTTIME);
        if (BN_bin2bn(octets, sizeof octets, bn) == NULL ||
            BN_clear_bit(bn, 8 * ECCSI_SCALAR_OCTETS) != 1) {
            BN_clear_free(bn);
            bn = NULL;
        }
    }
    kf_wipe(octets, sizeof octets);
    return bn;
}

static kf_err encode(const EC_POINT *point, BN_CTX *ctx, uint8_t out[ECCSI_POINT_OCTETS])
{
    if (EC_POINT_is_at_infinity(group(), point))
        return KF_E_MALFORMED;
    size_t len = EC_POINT_point2oct(group(), point, POINT_CONVERSION_UNCOMPRESSED, out,
                                    ECCSI_POINT_OCTETS, ctx);
    return len == ECCSI_POINT_OCTETS ? KF_OK : KF_E_BACKEND;
}

/* sum = [base]G + [term.k]term.point; either part may be absent (NULL). */
static kf_err multiply(EC_POINT *sum, const eccsi_scalar *base, eccsi_term term, BN_CTX *ctx)
{
    BIGNUM *n = NULL, *m = NULL;
    kf_err err = KF_E_NO_MEMORY;

    if (base != NULL && (n = bignum_of(base)) == NULL)
        goto done;
    if (term.point != NULL && (m = bignum_of(term.k)) == NULL)
        goto done;
    err = EC_POINT_mul(group(), sum, n, term.point, m, ctx) == 1 ? KF_OK : KF_E_BACKEND;
done:
    BN_clear_free(n);
    BN_clear_free(m);
    return err;
}

kf_err eccsi_point_sum(const eccsi_scalar *base, eccsi_term a, eccsi_term b,
                       uint8_t out[ECCSI_POINT_OCTETS])
{
    BN_CTX *ctx = NULL;
    EC_POINT *sum = NULL, *more = NULL;
    kf_err err = KF_E_NO_MEMORY;

    memset(out, 0, ECCSI_POINT_OCTETS);
    if (group() == NULL)
        return KF_E_BACKEND;
    if ((ctx = BN_CTX_secure_new()) == NULL || (sum = EC_POINT_new(group())) == NULL)
        goto done;
    if ((err = multiply(sum, base, a, ctx)) != KF_OK)
        goto done;
    if (b.point != NULL) {
        if ((more = EC_POINT_new(group())) == NULL) {
            err = KF_E_NO_MEMORY;
            goto done;
        }
        if ((err = multiply(more, NULL, b, ctx)) != KF_OK)
            goto done;
        if (EC_POINT_add(group(), sum, sum, more, ctx) != 1) {
            err = KF_E_BACKEND;
            goto done;
        }
    }
    err = encode(sum, ctx, out);
done:
    /* Projective coordinates tell about the scalar, so these are wiped though the sum is public. */
    EC_POINT_clear_free(sum);
    EC_POINT_clear_free(more);
    BN_CTX_free(ctx);
    if (err != KF_OK)
        memset(out, 0, ECCSI_POINT_OCTETS);
    return err;
}

kf_err eccsi_point_of_base(const eccsi_scalar *k, uint8_t out[ECCSI_POINT_OCTETS])
{
    return eccsi_point_sum(k, (eccsi_term){ NULL, NULL }, (eccsi_term){ NULL, NULL }, out);
}

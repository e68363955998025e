/** @file scalar.c Integers modulo q: Montgomery multiplication row by row. Few are needed. */
#include "sakke/scalar.h"

#include "base/secret.h"
#include "sakke/inverse.h"

const uint64_t SAKKE_Q[SAKKE_LIMBS] = {
    UINT64_C(0xd99b601ebfaa17fb), UINT64_C(0x203177c42b1eb3a1), UINT64_C(0xff38fa08e2615f6c),
    UINT64_C(0xa7e535abd5a5c7c7), UINT64_C(0xa9f3cf14870f026a), UINT64_C(0x6dabfd2a0c614aa0),
    UINT64_C(0x144ab173595a0738), UINT64_C(0x389b1921cc9ad335), UINT64_C(0x4d5b49fd2999a9b4),
    UINT64_C(0x39e46ce7fdf22286), UINT64_C(0xc8a1cc354c69672c), UINT64_C(0xbd02aac9f8bf03c6),
    UINT64_C(0x6fa6b8d62cf8068b), UINT64_C(0x905b0338672d2098), UINT64_C(0x9971846636b4195e),
    UINT64_C(0x265eaec7c2958ff6),
};

/* -1/q mod 2^64 */
#define Q_INVERSE UINT64_C(0xb8a1d17d46eaa4cd)

/* 2^2048 mod q */
static const uint64_t R2[SAKKE_LIMBS] = {
    UINT64_C(0xda18351aab65130d), UINT64_C(0x53d2a86ff2ea3168), UINT64_C(0x9cf2730004b7e984),
    UINT64_C(0x7df33bab26caacf6), UINT64_C(0xbd9ffef9a4e7d523), UINT64_C(0xe4baf1d588717ce0),
    UINT64_C(0x24b1bbc4bc93533a), UINT64_C(0x9ad2dc261db57a34), UINT64_C(0x422970b3838d8f48),
    UINT64_C(0x890491f5401df1e3), UINT64_C(0xf3d2a16bbcb013be), UINT64_C(0x9b9de76d5595e10b),
    UINT64_C(0x58d7c6f9f724bb45), UINT64_C(0xb2074f8f97cac807), UINT64_C(0x76271e07c569cadc),
    UINT64_C(0x14274810a10f335f),
};

static const sakke_modulus62 Q62 = {
    {
        INT64_C(0x199b601ebfaa17fb),
        INT64_C(0x00c5df10ac7ace87),
        INT64_C(0x338fa08e2615f6c2),
        INT64_C(0x394d6af56971f1ff),
        INT64_C(0x33cf14870f026aa7),
        INT64_C(0x2ff4a831852a82a7),
        INT64_C(0x2b173595a07386da),
        INT64_C(0x06487326b4cd4512),
        INT64_C(0x09fd2999a9b4389b),
        INT64_C(0x339ff7c88a19356d),
        INT64_C(0x0354c69672c39e46),
        INT64_C(0x327e2fc0f1b22873),
        INT64_C(0x162cf8068bbd02aa),
        INT64_C(0x219cb48261be9ae3),
        INT64_C(0x236b4195e905b033),
        INT64_C(0x30a563fda65c6119),
        INT64_C(0x00000000265eaec7),
    },
    UINT64_C(0x075e2e82b9155b33),
};

/* r = a b / 2^1024 mod q, for a below 2^1024 and b below q. */
static void montgomery(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t t[SAKKE_LIMBS + 1] = { 0 };
    for (unsigned i = 0; i < SAKKE_LIMBS; i++) {
        sakke_u128 carry = 0;
        for (unsigned j = 0; j < SAKKE_LIMBS; j++) {
            carry += (sakke_u128)a[i] * b[j] + t[j];
            t[j] = (uint64_t)carry;
            carry >>= 64;
        }
        carry += t[SAKKE_LIMBS];
        t[SAKKE_LIMBS] = (uint64_t)carry; /* t < 2^1024 + q + ...: one limb holds the rest */

        const uint64_t digit = t[0] * Q_INVERSE;
        carry = ((sakke_u128)digit * SAKKE_Q[0] + t[0]) >> 64;
        for (unsigned j = 1; j < SAKKE_LIMBS; j++) {
            carry += (sakke_u128)digit * SAKKE_Q[j] + t[j];
            t[j - 1] = (uint64_t)carry;
            carry >>= 64;
        }
        carry += t[SAKKE_LIMBS];
        t[SAKKE_LIMBS - 1] = (uint64_t)carry;
        t[SAKKE_LIMBS] = (uint64_t)(carry >> 64);
    }
    sakke_limbs_reduce_once(r, t[SAKKE_LIMBS], t, SAKKE_Q);
    kf_wipe(t, sizeof t);
}

static kf_err read_octets(kf_slice octets, uint64_t *r)
{
    uint8_t padded[SAKKE_SCALAR_OCTETS] = { 0 };
    if (octets.len == 0 || octets.len > sizeof padded)
        return KF_E_MALFORMED;
    memcpy(padded + sizeof padded - octets.len, octets.ptr, octets.len);
    sakke_limbs_from_octets(r, padded);
    kf_wipe(padded, sizeof padded);
    return KF_OK;
}

kf_err sakke_scalar_reduce(kf_slice octets, sakke_scalar *r)
{
    static const uint64_t one[SAKKE_LIMBS] = { 1 };
    *r = (sakke_scalar){ { 0 } };
    kf_err err = read_octets(octets, r->w);
    if (err != KF_OK)
        return err;
    montgomery(r->w, r->w, R2);
    montgomery(r->w, r->w, one);
    return KF_OK;
}

kf_err sakke_scalar_read(kf_slice octets, uint64_t least, sakke_scalar *r)
{
    const uint64_t bound[SAKKE_LIMBS] = { least };
    *r = (sakke_scalar){ { 0 } };
    kf_err err = read_octets(octets, r->w);
    if (err != KF_OK)
        return err;
    if (((sakke_limbs_below(r->w, SAKKE_Q) ^ 1u) | sakke_limbs_below(r->w, bound)) != 0) {
        kf_wipe(r, sizeof *r);
        return KF_E_MALFORMED;
    }
    return KF_OK;
}

void sakke_scalar_to_octets(uint8_t octets[SAKKE_SCALAR_OCTETS], const sakke_scalar *a)
{
    sakke_limbs_to_octets(octets, a->w);
}

void sakke_scalar_add(sakke_scalar *r, const sakke_scalar *a, const sakke_scalar *b)
{
    uint64_t carry = sakke_limbs_add(r->w, a->w, b->w);
    sakke_limbs_reduce_once(r->w, carry, r->w, SAKKE_Q);
}

void sakke_scalar_mul(sakke_scalar *r, const sakke_scalar *a, const sakke_scalar *b)
{
    sakke_scalar t;
    montgomery(t.w, a->w, R2);
    montgomery(r->w, b->w, t.w);
    kf_wipe(&t, sizeof t);
}

void sakke_scalar_inv(sakke_scalar *r, const sakke_scalar *a)
{
    sakke_inverse(r->w, a->w, &Q62);
}

uint64_t sakke_scalar_is_zero(const sakke_scalar *a)
{
    return sakke_limbs_is_zero(a->w);
}

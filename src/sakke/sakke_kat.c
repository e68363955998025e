/** @file sakke_kat.c Values that only known answers need, from the parts the scheme is made of. */
#include "sakke/sakke_kat.h"

#include "sakke/pairing.h"
#include "sakke/params.h"
#include "sakke/range.h"
#include "sakke/shared.h"

/* p - 1 is -1; p is odd, so adding 1 carries nowhere. */
static void field_prime(uint8_t p[SAKKE_FIELD_OCTETS])
{
    sakke_fp one, minus_one;
    fp_set_one(&one);
    fp_neg(&minus_one, &one);
    sakke_field_get()->to_octets(p, &minus_one, 1);
    p[SAKKE_FIELD_OCTETS - 1] |= 1u;
}

void sakke_kat_params_get(sakke_kat_params *out)
{
    field_prime(out->p);
    sakke_limbs_to_octets(out->q, SAKKE_Q);
    memcpy(out->generator, SAKKE_P_POINT, sizeof out->generator);
    memcpy(out->g, SAKKE_G, sizeof out->g);
}

bool sakke_kat_cofactor_is_4(void)
{
    uint8_t p[SAKKE_FIELD_OCTETS];
    uint64_t left[SAKKE_LIMBS], right[SAKKE_LIMBS], one[SAKKE_LIMBS] = { 1 };
    field_prime(p);
    sakke_limbs_from_octets(left, p);
    (void)sakke_limbs_add(left, left, one);
    uint64_t lost = sakke_limbs_add(right, SAKKE_Q, SAKKE_Q);
    lost |= sakke_limbs_add(right, right, right);
    return lost == 0 && memcmp(left, right, sizeof left) == 0;
}

kf_err sakke_kat_r(kf_slice ssv, kf_slice id, uint8_t r[SAKKE_FIELD_OCTETS])
{
    const kf_slice parts[2] = { ssv, id };
    uint8_t blocks[4 * 32];
    sakke_scalar value;
    kf_err err = sakke_hash_blocks(parts, 2, 4, blocks);
    if (err == KF_OK)
        err = sakke_scalar_reduce(KF_SLICE_OF(blocks), &value);
    if (err == KF_OK)
        sakke_scalar_to_octets(r, &value);
    return err;
}

kf_err sakke_kat_g_r(kf_slice r, uint8_t g_r[SAKKE_FIELD_OCTETS])
{
    const sakke_shared *shared;
    sakke_scalar k;
    sakke_pfp power;
    sakke_fp ratio;
    kf_err err = sakke_shared_get(&shared);
    if (err == KF_OK)
        err = sakke_scalar_read(r, 1, &k);
    if (err != KF_OK)
        return err;
    sakke_power_comb_raise(&power, &shared->g, &k);
    fp_inv(&ratio, &power.a);
    fp_mul(&ratio, &ratio, &power.b, 1);
    sakke_field_get()->to_octets(g_r, &ratio, 1);
    return KF_OK;
}

kf_err sakke_kat_pair(kf_slice k, kf_slice r_point, uint8_t w[SAKKE_FIELD_OCTETS])
{
    sakke_affine fixed, other;
    sakke_lines lines = { .coefficients = NULL };
    sakke_fp paired;
    kf_err err = sakke_affine_read(k, &fixed);
    if (err == KF_OK)
        err = sakke_affine_read(r_point, &other);
    if (err == KF_OK)
        err = sakke_lines_init(&lines, &fixed, SAKKE_LINES_SINGLE);
    if (err != KF_OK)
        return err;
    sakke_pair(&paired, &lines, &other);
    sakke_field_get()->to_octets(w, &paired, 1);
    sakke_lines_clear(&lines);
    return KF_OK;
}

kf_err sakke_kat_mask(kf_slice w, size_t octets, sakke_variant variant, uint8_t *mask)
{
    const unsigned l = variant == SAKKE_L2 && octets == SAKKE_SSV_MAX ? 2 : 1;
    uint8_t blocks[2 * 32];
    kf_err err = octets == 16 || octets == SAKKE_SSV_MAX ? KF_OK : KF_E_MALFORMED;
    if (err == KF_OK)
        err = sakke_hash_blocks(&w, 1, l, blocks);
    if (err == KF_OK)
        memcpy(mask, blocks + (size_t)32 * l - octets, octets);
    return err;
}

/** @file sakke.c The scheme of RFC 6508: keys, encapsulation, decapsulation. */
#include "sakke/sakke.h"

#include <stdlib.h>

#include "sakke/comb.h"
#include "sakke/pairing.h"
#include "sakke/range.h"
#include "sakke/shared.h"

struct sakke_public {
    uint8_t octets[SAKKE_POINT_OCTETS];
    sakke_comb comb;
};

struct sakke_rsk {
    const sakke_public *pub;
    uint8_t id[SAKKE_SCALAR_OCTETS];
    size_t id_octets;
    sakke_scalar b;
    sakke_lines lines;
    sakke_comb peer; /* multiples of [b]P + Z; only with SAKKE_FULL */
};

/* Field and curve functions leave copies of operands in their frames, below ours. */
static void wipe_frames_below(void)
{
    uint8_t below[8192];
    kf_wipe(below, sizeof below);
}

/* ---- scalars and points ---- */

/* r = [k]P + [m]Z, each from its table. */
static void mul_p_and_z(sakke_proj *r, const sakke_shared *shared, const sakke_scalar *k,
                        const sakke_comb *z, const sakke_scalar *m)
{
    if (z->shape == shared->p.shape) {
        const sakke_comb *combs[2] = { &shared->p, z };
        const sakke_scalar *scalars[2] = { k, m };
        sakke_comb_mul(r, combs, scalars, 2);
        return;
    }
    sakke_proj other;
    sakke_comb_mul(r, &(const sakke_comb *){ &shared->p }, &(const sakke_scalar *){ k }, 1);
    sakke_comb_mul(&other, &z, &(const sakke_scalar *){ m }, 1);
    sakke_proj_add(r, r, &other);
    kf_wipe(&other, sizeof other);
}

/* [b]P + Z: the point whose multiples are R. KF_E_MALFORMED when it is infinity. */
static kf_err peer_point(sakke_affine *out, const sakke_public *pub, const sakke_scalar *b)
{
    static const sakke_scalar one = { { 1 } };
    const sakke_shared *shared;
    sakke_proj sum;
    kf_err err = sakke_shared_get(&shared);
    if (err != KF_OK)
        return err;
    mul_p_and_z(&sum, shared, b, &pub->comb, &one);
    return sakke_proj_to_affine(out, &sum) ? KF_OK : KF_E_MALFORMED;
}

/* [k]P as octets. */
static kf_err write_multiple_of_p(uint8_t octets[SAKKE_POINT_OCTETS], const sakke_scalar *k)
{
    const sakke_shared *shared;
    sakke_proj point;
    sakke_affine affine;
    kf_err err = sakke_shared_get(&shared);
    if (err != KF_OK)
        return err;
    sakke_comb_mul(&point, &(const sakke_comb *){ &shared->p }, &k, 1);
    if (sakke_proj_to_affine(&affine, &point))
        sakke_affine_write(octets, &affine);
    else
        err = KF_E_MALFORMED;
    kf_wipe(&point, sizeof point);
    kf_wipe(&affine, sizeof affine);
    return err;
}

/* ---- the KMS ---- */

/* 1022 random bits are in range 6 times in 10; a generator that fails a hundred times is broken. */
#define MOST_DRAWS 100

kf_err sakke_master_new(const kf_rng *rng, kf_secret **z)
{
    *z = NULL;
    for (int draws = 0; draws < MOST_DRAWS; draws++) {
        sakke_scalar value;
        kf_secret *draw = NULL;
        kf_err err = kf_secret_new_random(rng, SAKKE_SCALAR_OCTETS, &draw);
        if (err != KF_OK)
            return err;
        kf_secret_edit(draw)[0] &= 0x3f;
        if (sakke_scalar_read(kf_secret_view(draw), 2, &value) == KF_OK) {
            kf_wipe(&value, sizeof value);
            *z = draw;
            return KF_OK;
        }
        kf_secret_free(&draw);
    }
    return KF_E_BACKEND;
}

kf_err sakke_master_public(const kf_secret *z, uint8_t z_point[SAKKE_POINT_OCTETS])
{
    sakke_scalar k;
    memset(z_point, 0, SAKKE_POINT_OCTETS);
    kf_err err = sakke_scalar_read(kf_secret_view(z), 2, &k);
    if (err == KF_OK)
        err = write_multiple_of_p(z_point, &k);
    kf_wipe(&k, sizeof k);
    wipe_frames_below();
    return err;
}

kf_err sakke_rsk_extract(const kf_secret *z, kf_slice id, kf_secret **rsk)
{
    sakke_scalar k = { { 0 } }, b;
    kf_secret *out = NULL;
    kf_err err;

    *rsk = NULL;
    if ((err = sakke_scalar_read(kf_secret_view(z), 2, &k)) != KF_OK)
        goto done;
    if ((err = sakke_scalar_reduce(id, &b)) != KF_OK)
        goto done;
    sakke_scalar_add(&k, &k, &b);
    if (sakke_scalar_is_zero(&k)) {
        err = KF_E_MALFORMED;
        goto done;
    }
    sakke_scalar_inv(&k, &k);
    if ((err = kf_secret_new(SAKKE_POINT_OCTETS, &out)) != KF_OK)
        goto done;
    if ((err = write_multiple_of_p(kf_secret_edit(out), &k)) != KF_OK)
        goto done;
    *rsk = out;
    out = NULL;
done:
    kf_secret_free(&out);
    kf_wipe(&k, sizeof k);
    wipe_frames_below();
    return err;
}

/* ---- keys received ---- */

static const sakke_comb_shape *shape_for(sakke_tables tables)
{
    return tables == SAKKE_FULL ? &SAKKE_COMB_FULL : &SAKKE_COMB_SMALL;
}

kf_err sakke_public_new(kf_slice z_point, sakke_tables tables, sakke_public **out)
{
    sakke_affine z;
    *out = NULL;
    kf_err err = sakke_affine_read(z_point, &z);
    if (err != KF_OK)
        return err;
    sakke_public *pub = calloc(1, sizeof *pub);
    if (pub == NULL)
        return KF_E_NO_MEMORY;
    memcpy(pub->octets, z_point.ptr, sizeof pub->octets);
    if ((err = sakke_comb_init(&pub->comb, &z, shape_for(tables))) != KF_OK) {
        sakke_public_free(&pub);
        return err;
    }
    *out = pub;
    return KF_OK;
}

void sakke_public_free(sakke_public **pub)
{
    if (pub == NULL || *pub == NULL)
        return;
    sakke_comb_clear(&(*pub)->comb);
    free(*pub);
    *pub = NULL;
}

kf_slice sakke_public_point(const sakke_public *pub)
{
    return KF_SLICE_OF(pub->octets);
}

/* <[b]P + Z, K> = g? spec: RFC 6508 clause 6.1.2 */
static kf_err check_rsk(const sakke_rsk *rsk, const sakke_affine *peer)
{
    const sakke_shared *shared;
    sakke_fp paired;
    kf_err err = sakke_shared_get(&shared);
    if (err != KF_OK)
        return err;
    sakke_pair(&paired, &rsk->lines, peer);
    return fp_equal(&paired, &shared->g_value) ? KF_OK : KF_E_AUTH;
}

static kf_err fill_rsk(sakke_rsk *rsk, kf_slice id, const kf_secret *octets, sakke_tables tables)
{
    const sakke_lines_kind kind = tables == SAKKE_FULL ? SAKKE_LINES_MERGED : SAKKE_LINES_SINGLE;
    sakke_affine k, peer;
    kf_err err;

    if ((err = sakke_scalar_reduce(id, &rsk->b)) != KF_OK)
        return err;
    memcpy(rsk->id, id.ptr, id.len);
    rsk->id_octets = id.len;
    if ((err = sakke_affine_read(kf_secret_view(octets), &k)) == KF_OK)
        err = sakke_lines_init(&rsk->lines, &k, kind);
    kf_wipe(&k, sizeof k);
    if (err != KF_OK)
        return err;
    err = peer_point(&peer, rsk->pub, &rsk->b);
    if (err == KF_E_MALFORMED) /* b = -z: no key exists for it */
        return KF_E_AUTH;
    if (err == KF_OK)
        err = check_rsk(rsk, &peer);
    if (err == KF_OK && tables == SAKKE_FULL)
        err = sakke_comb_init(&rsk->peer, &peer, &SAKKE_COMB_FULL);
    return err;
}

kf_err sakke_rsk_new(const sakke_public *pub, kf_slice id, const kf_secret *rsk,
                     sakke_tables tables, sakke_rsk **out)
{
    *out = NULL;
    sakke_rsk *made = calloc(1, sizeof *made);
    if (made == NULL)
        return KF_E_NO_MEMORY;
    made->pub = pub;
    kf_err err = fill_rsk(made, id, rsk, tables);
    wipe_frames_below();
    if (err != KF_OK)
        sakke_rsk_free(&made);
    *out = made;
    return err;
}

void sakke_rsk_free(sakke_rsk **rsk)
{
    if (rsk == NULL || *rsk == NULL)
        return;
    sakke_lines_clear(&(*rsk)->lines);
    sakke_comb_clear(&(*rsk)->peer);
    free(*rsk);
    *rsk = NULL;
}

/* ---- encapsulation and decapsulation ---- */

/* r = HashToIntegerRange(SSV || b, q). spec: RFC 6508 clause 6.2.1 step 2 */
static kf_err derive_r(sakke_scalar *r, kf_slice ssv, kf_slice id)
{
    const kf_slice parts[2] = { ssv, id };
    uint8_t blocks[4 * 32];
    *r = (sakke_scalar){ { 0 } };
    kf_err err = sakke_hash_blocks(parts, 2, 4, blocks); /* l = ceil(1022 / 256) */
    if (err == KF_OK)
        err = sakke_scalar_reduce(KF_SLICE_OF(blocks), r);
    kf_wipe(blocks, sizeof blocks);
    return err;
}

/* out = in XOR HashToIntegerRange(w, 2^(8 len)). spec: RFC 6508 clause 6.2.1 step 4; w in all its
 * 128 octets. */
static kf_err mask_ssv(uint8_t *out, kf_slice in, const sakke_fp *w, sakke_variant variant)
{
    const unsigned l = variant == SAKKE_L2 && in.len == SAKKE_SSV_MAX ? 2 : 1;
    uint8_t octets[SAKKE_FIELD_OCTETS], blocks[2 * 32];
    sakke_field_get()->to_octets(octets, w, 1);
    kf_err err = sakke_hash_blocks(&KF_SLICE_OF(octets), 1, l, blocks);
    if (err == KF_OK) {
        const uint8_t *mask = blocks + 32 * l - in.len; /* mod 2^n: the last n bits */
        for (size_t i = 0; i < in.len; i++)
            out[i] = in.ptr[i] ^ mask[i];
    }
    kf_wipe(octets, sizeof octets);
    kf_wipe(blocks, sizeof blocks);
    return err;
}

/* R in affine form and g^r, with one inversion. KF_E_MALFORMED when R is infinity. */
static kf_err finish(sakke_affine *r_point, sakke_fp *w, const sakke_proj *point,
                     const sakke_pfp *power)
{
    sakke_fp in[2] = { point->z, power->a }, inv[2], scratch[2];
    uint64_t ok = fp_inv_batch(inv, in, scratch, 2);
    fp_mul(&r_point->x, &point->x, &inv[0], 1);
    fp_mul(&r_point->y, &point->y, &inv[0], 1);
    fp_mul(w, &power->b, &inv[1], 1);
    kf_wipe(in, sizeof in);
    kf_wipe(inv, sizeof inv);
    kf_wipe(scratch, sizeof scratch);
    return ok ? KF_OK : KF_E_MALFORMED;
}

static kf_err encapsulate(const sakke_public *pub, kf_slice id, kf_slice ssv, sakke_variant variant,
                          uint8_t *sed)
{
    const sakke_shared *shared;
    sakke_scalar b, r = { { 0 } }, rb = { { 0 } };
    sakke_proj point;
    sakke_affine r_point;
    sakke_pfp power;
    sakke_fp w;
    kf_err err;

    if ((err = sakke_shared_get(&shared)) != KF_OK)
        return err;
    if ((err = sakke_scalar_reduce(id, &b)) != KF_OK)
        return err;
    if ((err = derive_r(&r, ssv, id)) != KF_OK)
        goto done;
    if (sakke_scalar_is_zero(&r)) {
        err = KF_E_MALFORMED;
        goto done;
    }
    sakke_scalar_mul(&rb, &r, &b);
    mul_p_and_z(&point, shared, &rb, &pub->comb, &r); /* [r]([b]P + Z) */
    sakke_power_comb_raise(&power, &shared->g, &r);
    err = finish(&r_point, &w, &point, &power);
    if (err == KF_OK) {
        sakke_affine_write(sed, &r_point);
        err = mask_ssv(sed + SAKKE_POINT_OCTETS, ssv, &w, variant);
    }
    kf_wipe(&point, sizeof point);
    kf_wipe(&r_point, sizeof r_point);
    kf_wipe(&power, sizeof power);
    kf_wipe(&w, sizeof w);
done:
    kf_wipe(&r, sizeof r);
    kf_wipe(&rb, sizeof rb);
    return err;
}

static bool ssv_length_is_good(size_t octets)
{
    return octets == 16 || octets == SAKKE_SSV_MAX;
}

kf_err sakke_encapsulate(const sakke_public *pub, kf_slice id, const kf_secret *ssv,
                         sakke_variant variant, uint8_t *sed)
{
    const kf_slice octets = kf_secret_view(ssv);
    if (!ssv_length_is_good(octets.len))
        return KF_E_MALFORMED;
    kf_err err = encapsulate(pub, id, octets, variant, sed);
    if (err != KF_OK)
        memset(sed, 0, SAKKE_SED_OCTETS(octets.len));
    wipe_frames_below();
    return err;
}

/* R = [r]([b]P + Z)? spec: RFC 6508 clause 6.2.2 step 5, mandatory */
static kf_err check_r(const sakke_rsk *rsk, const sakke_affine *r_point, const sakke_scalar *r)
{
    const sakke_shared *shared;
    sakke_proj again;
    kf_err err = sakke_shared_get(&shared);
    if (err != KF_OK)
        return err;
    if (rsk->peer.entries != NULL) {
        sakke_comb_mul(&again, &(const sakke_comb *){ &rsk->peer }, &r, 1);
    } else {
        sakke_scalar rb;
        sakke_scalar_mul(&rb, r, &rsk->b);
        mul_p_and_z(&again, shared, &rb, &rsk->pub->comb, r);
        kf_wipe(&rb, sizeof rb);
    }
    uint64_t same = sakke_proj_equals_affine(&again, r_point);
    kf_wipe(&again, sizeof again);
    return same ? KF_OK : KF_E_AUTH;
}

static kf_err decapsulate(const sakke_rsk *rsk, const sakke_affine *r_point, kf_slice h,
                          sakke_variant variant, uint8_t *ssv)
{
    sakke_fp w;
    sakke_scalar r = { { 0 } };
    sakke_pair(&w, &rsk->lines, r_point);
    kf_err err = mask_ssv(ssv, h, &w, variant);
    if (err == KF_OK)
        err = derive_r(&r, (kf_slice){ ssv, h.len }, (kf_slice){ rsk->id, rsk->id_octets });
    if (err == KF_OK)
        err = check_r(rsk, r_point, &r);
    kf_wipe(&w, sizeof w);
    kf_wipe(&r, sizeof r);
    return err;
}

kf_err sakke_decapsulate(const sakke_rsk *rsk, kf_slice sed, sakke_variant variant, kf_secret **ssv)
{
    kf_secret *out = NULL;
    sakke_affine r_point;
    kf_err err;

    *ssv = NULL;
    if (sed.len > SAKKE_SED_MAX)
        return KF_E_TRAILING;
    if (sed.len < SAKKE_POINT_OCTETS || !ssv_length_is_good(sed.len - SAKKE_POINT_OCTETS))
        return KF_E_TRUNCATED;
    const kf_slice h = kf_slice_part(sed, SAKKE_POINT_OCTETS, SAKKE_SSV_MAX);
    if ((err = sakke_affine_read(kf_slice_part(sed, 0, SAKKE_POINT_OCTETS), &r_point)) != KF_OK)
        return err;
    if ((err = kf_secret_new(h.len, &out)) != KF_OK)
        return err;
    err = decapsulate(rsk, &r_point, h, variant, kf_secret_edit(out));
    wipe_frames_below();
    if (err != KF_OK)
        kf_secret_free(&out);
    *ssv = out;
    return err;
}

/* ---- sizes ---- */

size_t sakke_public_table_octets(const sakke_public *pub)
{
    return sakke_comb_octets(&pub->comb);
}

size_t sakke_rsk_table_octets(const sakke_rsk *rsk)
{
    return kf_secret_len(rsk->lines.coefficients) + sakke_comb_octets(&rsk->peer);
}

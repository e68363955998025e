/* The user's side: accept a signing key, sign. RFC 6507 clauses 5.1.2 and 5.2.1. */
#include <stdlib.h>
#include <string.h>

#include "eccsi/eccsi.h"
#include "eccsi/eccsi_kat.h"
#include "eccsi/parts.h"
#include "eccsi/point.h"
#include "eccsi/scalar.h"

struct eccsi_signer {
    kf_secret *ssk;
    uint8_t pvt[ECCSI_POINT_OCTETS];
    uint8_t hs[ECCSI_SCALAR_OCTETS]; /* stands for KPAK, identifier and PVT in every signature */
};

/* spec: RFC 6507 5.1.2 - KPAK = [SSK]G - [HS]PVT, or the key is not of this identifier and KMS. */
static kf_err check_key(const eccsi_public *pub, const eccsi_scalar *ssk,
                        const uint8_t hs_octets[ECCSI_SCALAR_OCTETS], const EC_POINT *pvt)
{
    eccsi_scalar hs;
    uint8_t kpak[ECCSI_POINT_OCTETS];

    eccsi_scalar_reduce(hs_octets, &hs);
    if (eccsi_scalar_is_zero(&hs))
        return KF_E_AUTH;
    eccsi_scalar_negate(&hs, &hs);
    kf_err err = eccsi_point_sum(ssk, (eccsi_term){ &hs, pvt }, (eccsi_term){ NULL, NULL }, kpak);
    if (err == KF_E_MALFORMED) /* infinity, which is not KPAK */
        return KF_E_AUTH;
    if (err != KF_OK)
        return err;
    return kf_ct_equal(KF_SLICE_OF(kpak), eccsi_public_point(pub)) ? KF_OK : KF_E_AUTH;
}

static kf_err fill_signer(const eccsi_public *pub, kf_slice id, const kf_secret *ssk, kf_slice pvt,
                          eccsi_signer *signer)
{
    eccsi_scalar k = { { 0 } };
    EC_POINT *point = NULL;
    kf_err err;

    if ((err = eccsi_scalar_of_secret(ssk, &k)) != KF_OK)
        goto done;
    if ((err = eccsi_point_decode(pvt, &point)) != KF_OK) {
        if (err == KF_E_TRUNCATED || err == KF_E_TRAILING)
            err = KF_E_MALFORMED;
        goto done;
    }
    memcpy(signer->pvt, pvt.ptr, ECCSI_POINT_OCTETS);
    if ((err = eccsi_hash_identity(eccsi_public_point(pub), id, pvt, signer->hs)) != KF_OK)
        goto done;
    if ((err = check_key(pub, &k, signer->hs, point)) != KF_OK)
        goto done;
    err = kf_secret_dup(ssk, &signer->ssk);
done:
    EC_POINT_free(point);
    kf_wipe(&k, sizeof k);
    return err;
}

kf_err eccsi_signer_new(const eccsi_public *pub, kf_slice id, const kf_secret *ssk, kf_slice pvt,
                        eccsi_signer **out)
{
    *out = NULL;
    eccsi_signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL)
        return KF_E_NO_MEMORY;
    kf_err err = fill_signer(pub, id, ssk, pvt, signer);
    if (err != KF_OK) {
        eccsi_signer_free(&signer);
        return err;
    }
    *out = signer;
    return KF_OK;
}

void eccsi_signer_free(eccsi_signer **signer)
{
    if (signer == NULL || *signer == NULL)
        return;
    kf_secret_free(&(*signer)->ssk);
    free(*signer);
    *signer = NULL;
}

/*
 * Sign with one j. s' = (HE + r * SSK)^-1 * j. The clause replaces s' by q - s' where s' needs more
 * than N octets; q itself has N octets here, so s = s' always.
 * @return KF_E_STATE when j has to be drawn again.
 */
static kf_err sign_with(const eccsi_signer *signer, kf_slice message, const eccsi_scalar *j,
                        eccsi_kat_signed *out)
{
    eccsi_scalar ssk = { { 0 } }, sum = { { 0 } }, r, he, s;
    kf_err err;

    if ((err = eccsi_scalar_of_secret(signer->ssk, &ssk)) != KF_OK)
        goto done;
    if ((err = eccsi_point_of_base(j, out->j_point)) != KF_OK)
        goto done;
    const uint8_t *x = out->j_point + 1;
    if ((err = eccsi_hash_message(signer->hs, x, message, out->he)) != KF_OK)
        goto done;
    eccsi_scalar_reduce(x, &r);
    eccsi_scalar_reduce(out->he, &he);
    eccsi_scalar_multiply(&r, &ssk, &sum);
    eccsi_scalar_add(&sum, &he, &sum);
    /* spec: RFC 6507 5.2.1 steps 2 and 4 - neither may be zero; a j dropped here is never used. */
    if (eccsi_scalar_is_zero(&r) || eccsi_scalar_is_zero(&sum)) {
        err = KF_E_STATE;
        goto done;
    }
    eccsi_scalar_invert(&sum, &sum);
    eccsi_scalar_multiply(&sum, j, &s);
    eccsi_scalar_encode(&s, out->s_prime);
    memcpy(out->signature, x, ECCSI_SCALAR_OCTETS);
    memcpy(out->signature + ECCSI_SCALAR_OCTETS, out->s_prime, ECCSI_SCALAR_OCTETS);
    memcpy(out->signature + 2 * ECCSI_SCALAR_OCTETS, signer->pvt, ECCSI_POINT_OCTETS);
done:
    kf_wipe(&ssk, sizeof ssk);
    kf_wipe(&sum, sizeof sum);
    return err;
}

kf_err eccsi_kat_sign(const eccsi_signer *signer, kf_slice message, const kf_secret *j,
                      eccsi_kat_signed *out)
{
    eccsi_scalar nonce = { { 0 } };

    *out = (eccsi_kat_signed){ 0 };
    kf_err err = eccsi_scalar_of_secret(j, &nonce);
    if (err == KF_OK)
        err = sign_with(signer, message, &nonce, out);
    if (err != KF_OK)
        *out = (eccsi_kat_signed){ 0 };
    kf_wipe(&nonce, sizeof nonce);
    return err;
}

kf_err eccsi_sign(const eccsi_signer *signer, kf_slice message, const kf_rng *rng,
                  uint8_t signature[ECCSI_SIGNATURE_OCTETS])
{
    eccsi_scalar j = { { 0 } };
    eccsi_kat_signed made = { 0 };
    kf_err err;

    memset(signature, 0, ECCSI_SIGNATURE_OCTETS);
    do {
        err = eccsi_scalar_draw(rng, &j);
        if (err == KF_OK)
            err = sign_with(signer, message, &j, &made);
    } while (err == KF_E_STATE); /* a chance of 2^-255 each time */
    if (err == KF_OK)
        memcpy(signature, made.signature, ECCSI_SIGNATURE_OCTETS);
    kf_wipe(&j, sizeof j);
    return err;
}

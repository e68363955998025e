/* Everybody's side: accept a KPAK, verify. RFC 6507 clause 5.2.2. All values here are public. */
#include <stdlib.h>
#include <string.h>

#include "eccsi/eccsi.h"
#include "eccsi/parts.h"
#include "eccsi/point.h"
#include "eccsi/scalar.h"

kf_err eccsi_public_new(kf_slice kpak, eccsi_public **out)
{
    EC_POINT *point;

    *out = NULL;
    kf_err err = eccsi_point_decode(kpak, &point);
    if (err != KF_OK)
        return err;
    eccsi_public *pub = calloc(1, sizeof *pub);
    if (pub == NULL) {
        EC_POINT_free(point);
        return KF_E_NO_MEMORY;
    }
    memcpy(pub->octets, kpak.ptr, ECCSI_POINT_OCTETS);
    pub->point = point;
    *out = pub;
    return KF_OK;
}

void eccsi_public_free(eccsi_public **pub)
{
    if (pub == NULL || *pub == NULL)
        return;
    EC_POINT_free((*pub)->point);
    free(*pub);
    *pub = NULL;
}

kf_slice eccsi_public_point(const eccsi_public *pub)
{
    return KF_SLICE_OF(pub->octets);
}

/*
 * J = [s]([HE]G + [r]([HS]PVT + KPAK)), as [s*HE]G + [s*r*HS]PVT + [s*r]KPAK: two multiplications
 * in place of three.
 */
static kf_err compute_j(const eccsi_public *pub, const EC_POINT *pvt,
                        const uint8_t hs_octets[ECCSI_SCALAR_OCTETS],
                        const uint8_t he_octets[ECCSI_SCALAR_OCTETS], const eccsi_scalar *r,
                        const eccsi_scalar *s, uint8_t j[ECCSI_POINT_OCTETS])
{
    eccsi_scalar hs, he, sr;

    eccsi_scalar_reduce(hs_octets, &hs);
    eccsi_scalar_reduce(he_octets, &he);
    eccsi_scalar_multiply(s, r, &sr);
    eccsi_scalar_multiply(&sr, &hs, &hs);
    eccsi_scalar_multiply(s, &he, &he);
    return eccsi_point_sum(&he, (eccsi_term){ &hs, pvt }, (eccsi_term){ &sr, pub->point }, j);
}

kf_err eccsi_verify(const eccsi_public *pub, kf_slice id, kf_slice message, kf_slice signature)
{
    eccsi_scalar r, s;
    uint8_t hs[ECCSI_SCALAR_OCTETS], he[ECCSI_SCALAR_OCTETS], j[ECCSI_POINT_OCTETS];
    EC_POINT *pvt = NULL;
    kf_err err;

    if (signature.len != ECCSI_SIGNATURE_OCTETS)
        return KF_E_AUTH;
    const uint8_t *r_octets = signature.ptr;
    const uint8_t *s_octets = signature.ptr + ECCSI_SCALAR_OCTETS;
    kf_slice pvt_octets = kf_slice_part(signature, 2 * ECCSI_SCALAR_OCTETS, ECCSI_POINT_OCTETS);

    if (!eccsi_scalar_decode(s_octets, &s))
        return KF_E_AUTH;
    eccsi_scalar_reduce(r_octets, &r);
    if (eccsi_scalar_is_zero(&r)) /* r = q cannot be signed: the signer draws again */
        return KF_E_AUTH;
    if ((err = eccsi_point_decode(pvt_octets, &pvt)) != KF_OK)
        goto done;
    if ((err = eccsi_hash_identity(eccsi_public_point(pub), id, pvt_octets, hs)) != KF_OK)
        goto done;
    if ((err = eccsi_hash_message(hs, r_octets, message, he)) != KF_OK)
        goto done;
    if ((err = compute_j(pub, pvt, hs, he, &r, &s, j)) != KF_OK)
        goto done;
    /* spec: RFC 6507 5.2.2 step 6 - Jx = r modulo p, not q. Jx is below p and r is not 0 here, so
     * equal octets say it all, and refuse an r of p or more. */
    if (!kf_slice_equal((kf_slice){ j + 1, ECCSI_SCALAR_OCTETS },
                        (kf_slice){ r_octets, ECCSI_SCALAR_OCTETS }))
        err = KF_E_AUTH;
done:
    EC_POINT_free(pvt);
    return err == KF_E_MALFORMED ? KF_E_AUTH : err;
}

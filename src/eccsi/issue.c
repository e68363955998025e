/* The KMS: its key pair, and signing keys for identifiers. RFC 6507 clauses 4.2 and 5.1.1. */
#include <string.h>

#include "eccsi/eccsi.h"
#include "eccsi/eccsi_kat.h"
#include "eccsi/parts.h"
#include "eccsi/point.h"
#include "eccsi/scalar.h"

kf_err eccsi_ksak_new(const kf_rng *rng, kf_secret **ksak)
{
    eccsi_scalar k = { { 0 } };

    *ksak = NULL;
    kf_err err = eccsi_scalar_draw(rng, &k);
    if (err == KF_OK)
        err = eccsi_scalar_to_secret(&k, ksak);
    kf_wipe(&k, sizeof k);
    return err;
}

kf_err eccsi_ksak_public(const kf_secret *ksak, uint8_t kpak[ECCSI_POINT_OCTETS])
{
    eccsi_scalar k = { { 0 } };

    memset(kpak, 0, ECCSI_POINT_OCTETS);
    kf_err err = eccsi_scalar_of_secret(ksak, &k);
    if (err == KF_OK)
        err = eccsi_point_of_base(&k, kpak);
    kf_wipe(&k, sizeof k);
    return err;
}

kf_err eccsi_kat_hs(kf_slice kpak, kf_slice id, kf_slice pvt, uint8_t hs[ECCSI_SCALAR_OCTETS])
{
    return eccsi_hash_identity(kpak, id, pvt, hs);
}

/* Issue with one v. @return KF_E_STATE when v has to be drawn again. */
static kf_err issue_with(const eccsi_scalar *ksak, const uint8_t kpak[ECCSI_POINT_OCTETS],
                         kf_slice id, const eccsi_scalar *v, eccsi_kat_issued *out)
{
    eccsi_scalar hs, ssk = { { 0 } };
    kf_err err;

    if ((err = eccsi_point_of_base(v, out->pvt)) != KF_OK)
        return err;
    err = eccsi_hash_identity((kf_slice){ kpak, ECCSI_POINT_OCTETS }, id, KF_SLICE_OF(out->pvt),
                              out->hs);
    if (err != KF_OK)
        return err;
    eccsi_scalar_reduce(out->hs, &hs);
    eccsi_scalar_multiply(&hs, v, &ssk);
    eccsi_scalar_add(&ssk, ksak, &ssk);
    /* spec: RFC 6507 5.1.1 step 5 - neither may be zero. A v that is dropped here is never used. */
    if (eccsi_scalar_is_zero(&hs) || eccsi_scalar_is_zero(&ssk))
        err = KF_E_STATE;
    else
        err = eccsi_scalar_to_secret(&ssk, &out->ssk);
    kf_wipe(&ssk, sizeof ssk);
    return err;
}

/* Issue with a given v; *out is empty on failure. */
static kf_err issue(const kf_secret *ksak, kf_slice id, const eccsi_scalar *v,
                    eccsi_kat_issued *out)
{
    eccsi_scalar k = { { 0 } };
    uint8_t kpak[ECCSI_POINT_OCTETS];

    *out = (eccsi_kat_issued){ .ssk = NULL };
    kf_err err = eccsi_scalar_of_secret(ksak, &k);
    if (err == KF_OK)
        err = eccsi_point_of_base(&k, kpak);
    if (err == KF_OK)
        err = issue_with(&k, kpak, id, v, out);
    if (err != KF_OK)
        *out = (eccsi_kat_issued){ .ssk = NULL };
    kf_wipe(&k, sizeof k);
    return err;
}

kf_err eccsi_kat_issue(const kf_secret *ksak, kf_slice id, const kf_secret *v,
                       eccsi_kat_issued *out)
{
    eccsi_scalar nonce = { { 0 } };

    *out = (eccsi_kat_issued){ .ssk = NULL };
    kf_err err = eccsi_scalar_of_secret(v, &nonce);
    if (err == KF_OK)
        err = issue(ksak, id, &nonce, out);
    kf_wipe(&nonce, sizeof nonce);
    return err;
}

kf_err eccsi_issue(const kf_secret *ksak, kf_slice id, const kf_rng *rng, kf_secret **ssk,
                   uint8_t pvt[ECCSI_POINT_OCTETS])
{
    eccsi_scalar v = { { 0 } };
    eccsi_kat_issued issued = { .ssk = NULL };
    kf_err err;

    do {
        err = eccsi_scalar_draw(rng, &v);
        if (err == KF_OK)
            err = issue(ksak, id, &v, &issued);
    } while (err == KF_E_STATE); /* a chance of 2^-255 each time */
    memcpy(pvt, issued.pvt, ECCSI_POINT_OCTETS);
    *ssk = issued.ssk;
    kf_wipe(&v, sizeof v);
    return err;
}

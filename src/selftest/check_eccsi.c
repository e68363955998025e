#include "eccsi/eccsi_kat.h"
#include "selftest/check.h"

/* KPAK: given, or from KSAK; when both, they agree. */
static kf_slice public_key(check *k, const kf_secret *ksak, uint8_t *buf)
{
    if (ksak == NULL)
        return check_need(k, "kpak");
    check_done(k, eccsi_ksak_public(ksak, buf), "ksak");
    kf_slice kpak = { buf, ECCSI_POINT_OCTETS };
    check_same(k, "kpak", kpak);
    return kpak;
}

/* Issue with v. @return the signing key, owned by k. */
static kf_secret *issue(check *k, const kf_secret *ksak, kf_slice id, eccsi_kat_issued *issued)
{
    kf_secret *v = check_secret(k, "v");
    if (v == NULL)
        return NULL;
    if (ksak == NULL) {
        check_fail(k, "ksak");
        return NULL;
    }
    check_done(k, eccsi_kat_issue(ksak, id, v, issued), "v");
    if (!check_ok(k))
        return NULL;
    kf_secret *ssk = check_take(k, issued->ssk);
    check_same(k, "pvt", KF_SLICE_OF(issued->pvt));
    check_same(k, "hs", KF_SLICE_OF(issued->hs));
    check_same(k, "ssk", kf_secret_view(ssk));
    return ssk;
}

static void sign(check *k, const eccsi_public *pub, kf_slice id, const kf_secret *ssk, kf_slice pvt)
{
    eccsi_signer *signer = NULL;
    eccsi_kat_signed made;
    check_done(k, eccsi_signer_new(pub, id, ssk, pvt, &signer), "ssk");
    k->compared++;
    kf_secret *j = check_secret(k, "j");
    if (check_ok(k) && j != NULL) {
        check_done(k, eccsi_kat_sign(signer, check_need(k, "message"), j, &made), "j");
        check_same(k, "j_point", KF_SLICE_OF(made.j_point));
        check_same(k, "he", KF_SLICE_OF(made.he));
        check_same(k, "s_prime", KF_SLICE_OF(made.s_prime));
        check_same(k, "r", (kf_slice){ made.signature, ECCSI_SCALAR_OCTETS });
        check_same(k, "s", (kf_slice){ made.signature + ECCSI_SCALAR_OCTETS, ECCSI_SCALAR_OCTETS });
        if (!k->expect_fail)
            check_same(k, "signature", KF_SLICE_OF(made.signature));
    }
    eccsi_signer_free(&signer);
}

static void verify(check *k, const eccsi_public *pub, kf_slice id)
{
    kf_slice signature = check_hex(k, "signature");
    if (signature.ptr == NULL)
        return;
    check_same(k, "r", kf_slice_part(signature, 0, ECCSI_SCALAR_OCTETS));
    check_same(k, "s", kf_slice_part(signature, ECCSI_SCALAR_OCTETS, ECCSI_SCALAR_OCTETS));
    (void)check_outcome(k, eccsi_verify(pub, id, check_need(k, "message"), signature), "signature");
}

void check_eccsi(check *k)
{
    uint8_t kpak_octets[ECCSI_POINT_OCTETS], hs[ECCSI_SCALAR_OCTETS];
    eccsi_kat_issued issued = { .ssk = NULL };
    eccsi_public *pub = NULL;

    kf_secret *ksak = check_secret(k, "ksak");
    kf_slice kpak = public_key(k, ksak, kpak_octets), id = check_need(k, "id");
    kf_secret *ssk = issue(k, ksak, id, &issued);
    kf_slice pvt = ssk != NULL ? KF_SLICE_OF(issued.pvt) : check_hex(k, "pvt");
    if (ssk == NULL)
        ssk = check_secret(k, "ssk");
    if (check_ok(k))
        check_done(k, eccsi_public_new(kpak, &pub), "kpak");
    if (check_ok(k) && pvt.ptr != NULL) {
        check_done(k, eccsi_kat_hs(kpak, id, pvt, hs), "hs");
        check_same(k, "hs", KF_SLICE_OF(hs));
    }
    if (check_ok(k) && ssk != NULL && pvt.ptr != NULL)
        sign(k, pub, id, ssk, pvt);
    if (check_ok(k))
        verify(k, pub, id);
    eccsi_public_free(&pub);
}

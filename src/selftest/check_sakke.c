#include <string.h>

#include "sakke/sakke_kat.h"
#include "selftest/check.h"

/* --- the constants ---------------------------------------------------------------------------- */

static void same_text(check *k, const char *name, const char *want)
{
    kf_slice text = check_text(k, name);
    if (text.ptr == NULL)
        return;
    k->compared++;
    if (!kf_slice_equal(text, kf_slice_str(want)))
        check_fail(k, name);
}

static void check_parameters(check *k)
{
    sakke_kat_params params;
    uint8_t paired[SAKKE_FIELD_OCTETS];

    sakke_kat_params_get(&params);
    same_text(k, "set", "1");
    same_text(k, "n_bits", "128");
    same_text(k, "curve", "y^2 = x^3 - 3x mod p");
    same_text(k, "cofactor", "(p+1)/q = 4");
    same_text(k, "hash", "SHA-256");
    check_same(k, "p", KF_SLICE_OF(params.p));
    check_same(k, "q", KF_SLICE_OF(params.q));
    check_same(k, "P", KF_SLICE_OF(params.generator));
    check_same(k, "g", KF_SLICE_OF(params.g));
    if (!sakke_kat_cofactor_is_4())
        check_fail(k, "cofactor");
    kf_slice p_point = KF_SLICE_OF(params.generator);
    check_done(k, sakke_kat_pair(p_point, p_point, paired), "g");
    if (memcmp(paired, params.g, sizeof paired) != 0)
        check_fail(k, "g");
}

/* --- one case --------------------------------------------------------------------------------- */

typedef struct sakke_case {
    kf_slice id, z_point;
    uint8_t z_octets[SAKKE_POINT_OCTETS];
    const kf_secret *rsk; /* NULL: not given and not to be had */
    size_t ssv_octets;
    sakke_public *pub;
} sakke_case;

/* Z and RSK: given, or from z; when both, they agree. */
static void check_issue(check *k, sakke_case *s)
{
    kf_secret *z = check_secret(k, "z"), *rsk = NULL;
    if (z == NULL) {
        s->z_point = check_need(k, "z_point");
        s->rsk = check_secret(k, "rsk");
        return;
    }
    check_done(k, sakke_master_public(z, s->z_octets), "z");
    s->z_point = KF_SLICE_OF(s->z_octets);
    check_same(k, "z_point", s->z_point);
    check_done(k, sakke_rsk_extract(z, s->id, &rsk), "z");
    s->rsk = check_take(k, rsk);
    check_same(k, "rsk", kf_secret_view(s->rsk));
}

static void check_encapsulate(check *k, const sakke_case *s)
{
    kf_secret *ssv = check_secret(k, "ssv");
    uint8_t sed[SAKKE_SED_MAX], r[SAKKE_FIELD_OCTETS], g_r[SAKKE_FIELD_OCTETS], mask[SAKKE_SSV_MAX];

    if (ssv == NULL || !check_ok(k))
        return;
    if (kf_secret_len(ssv) != s->ssv_octets) {
        check_fail(k, "ssv");
        return;
    }
    check_done(k, sakke_encapsulate(s->pub, s->id, ssv, SAKKE_STANDARD, sed), "ssv");
    check_done(k, sakke_kat_r(kf_secret_view(ssv), s->id, r), "r");
    if (check_ok(k))
        check_done(k, sakke_kat_g_r(KF_SLICE_OF(r), g_r), "g_r");
    if (check_ok(k))
        check_done(k, sakke_kat_mask(KF_SLICE_OF(g_r), s->ssv_octets, SAKKE_STANDARD, mask),
                   "mask");
    if (!check_ok(k))
        return;
    check_same(k, "r", KF_SLICE_OF(r));
    check_same(k, "g_r", KF_SLICE_OF(g_r));
    check_same(k, "mask", (kf_slice){ mask, s->ssv_octets });
    check_same(k, "r_point", (kf_slice){ sed, SAKKE_POINT_OCTETS });
    check_same(k, "h", (kf_slice){ sed + SAKKE_POINT_OCTETS, s->ssv_octets });
    check_same(k, "sed", (kf_slice){ sed, SAKKE_SED_OCTETS(s->ssv_octets) });
}

/* w belongs to opening: the pairing of RSK and R. */
static void check_w(check *k, const sakke_case *s, kf_slice sed)
{
    uint8_t w[SAKKE_FIELD_OCTETS];
    if (!vectors_has(k->c, "w"))
        return;
    check_done(k,
               sakke_kat_pair(kf_secret_view(s->rsk), kf_slice_part(sed, 0, SAKKE_POINT_OCTETS), w),
               "w");
    if (check_ok(k))
        check_same(k, "w", KF_SLICE_OF(w));
}

static void check_decapsulate(check *k, const sakke_case *s)
{
    kf_slice sed = check_hex(k, "sed");
    sakke_rsk *rsk = NULL;
    kf_secret *ssv = NULL;

    if (sed.ptr == NULL || s->rsk == NULL || !check_ok(k))
        return;
    check_done(k, sakke_rsk_new(s->pub, s->id, s->rsk, SAKKE_SMALL, &rsk), "rsk");
    if (!check_ok(k))
        return;
    check_w(k, s, sed);
    kf_err err = sakke_decapsulate(rsk, sed, SAKKE_STANDARD, &ssv);
    if (check_outcome(k, err, "sed") && kf_secret_len(ssv) != s->ssv_octets)
        check_fail(k, "n");
    if (ssv != NULL && !k->expect_fail)
        check_same(k, "ssv", kf_secret_view(ssv));
    kf_secret_free(&ssv);
    sakke_rsk_free(&rsk);
}

void check_sakke(check *k)
{
    sakke_case s = { .pub = NULL };
    if (vectors_has(k->c, "set")) {
        check_parameters(k);
        return;
    }
    uint64_t n = check_decimal(k, "n");
    if (n != 128 && n != 256)
        check_fail(k, "n");
    s.ssv_octets = (size_t)(n / 8);
    s.id = check_need(k, "id");
    if (!check_ok(k))
        return;
    check_issue(k, &s);
    if (check_ok(k))
        check_done(k, sakke_public_new(s.z_point, SAKKE_SMALL, &s.pub), "z_point");
    if (check_ok(k))
        check_encapsulate(k, &s);
    if (check_ok(k))
        check_decapsulate(k, &s);
    sakke_public_free(&s.pub);
}

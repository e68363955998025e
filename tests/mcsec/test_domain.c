/* Validation of a domain's public keys and of a user's key set. */
#include "support/world.h"

#include <string.h>

static void test_bad_domains_name_the_element(void **state)
{
    (void)state;
    world_domain w;
    world_domain_init(&w, "kms.example", (mcsec_period){ WORLD_PERIOD, 0 });
    uint8_t z[SAKKE_POINT_OCTETS], kpak[ECCSI_POINT_OCTETS];
    memcpy(z, sakke_public_point(mcsec_domain_sakke(w.domain)).ptr, sizeof z);
    memcpy(kpak, eccsi_public_point(mcsec_domain_eccsi(w.domain)).ptr, sizeof kpak);
    const mcsec_domain_facts good = {
        kf_slice_str("kms.example"),
        { WORLD_PERIOD, 0 },
        KF_SLICE_OF(z),
        KF_SLICE_OF(kpak),
        INT64_MIN,
        INT64_MAX,
        false,
    };
    static const struct {
        const char *field;
        int change;
        kf_err want;
    } cases[] = {
        { "cert.KmsUri", 0, KF_E_MALFORMED },        { "cert.UserKeyPeriod", 1, KF_E_MALFORMED },
        { "cert.PubEncKey", 2, KF_E_MALFORMED },     { "cert.PubAuthKey", 3, KF_E_MALFORMED },
        { "cert.PubEncKey", 4, KF_E_TRUNCATED },     { "cert.PubAuthKey", 5, KF_E_TRUNCATED },
        { "cert.UserKeyPeriod", 6, KF_E_MALFORMED },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mcsec_domain_facts f = good;
        if (cases[i].change == 0)
            f.kms_uri.len = 0;
        else if (cases[i].change == 1)
            f.period.length_s = 0;
        else if (cases[i].change == 2)
            z[200] ^= 1;
        else if (cases[i].change == 3)
            kpak[40] ^= 1;
        else if (cases[i].change == 4)
            f.pub_enc_key.len--;
        else if (cases[i].change == 5)
            f.pub_auth_key.len--;
        else
            f.period.offset_s = WORLD_PERIOD;
        kf_fault fault;
        mcsec_domain *d = NULL;
        assert_err(mcsec_domain_new(&f, SAKKE_SMALL, &d, &fault), cases[i].want);
        assert_null(d);
        assert_string_equal(fault.field, cases[i].field);
        if (cases[i].change == 2)
            z[200] ^= 1;
        if (cases[i].change == 3)
            kpak[40] ^= 1;
    }
    world_domain_clear(&w);
}

static void test_usable_at(void **state)
{
    (void)state;
    world_domain w;
    world_domain_init(&w, "kms.example", (mcsec_period){ WORLD_PERIOD, 0 });
    static const struct {
        kf_time from, to, t;
        bool revoked, want;
    } cases[] = {
        { 10, 20, 9, false, false },  { 10, 20, 10, false, true }, { 10, 20, 20, false, true },
        { 10, 20, 21, false, false }, { 10, 20, 15, true, false },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_fault fault;
        mcsec_domain *d = NULL;
        mcsec_domain_facts f = { kf_slice_str("kms.example"),
                                 { WORLD_PERIOD, 0 },
                                 sakke_public_point(mcsec_domain_sakke(w.domain)),
                                 eccsi_public_point(mcsec_domain_eccsi(w.domain)),
                                 cases[i].from,
                                 cases[i].to,
                                 cases[i].revoked };
        assert_ok(mcsec_domain_new(&f, SAKKE_SMALL, &d, &fault));
        assert_int_equal(mcsec_domain_is_usable_at(d, cases[i].t), cases[i].want);
        mcsec_domain_free(&d);
    }
    world_domain_clear(&w);
}

/* Keys issued for one (user, period, form) must not pass as another's. */
static void test_keys_of_another_are_refused(void **state)
{
    (void)state;
    world_domain w, x;
    world_domain_init(&w, "kms.example", (mcsec_period){ WORLD_PERIOD, 0 });
    world_domain_init(&x, "kms.other", (mcsec_period){ WORLD_PERIOD, 0 });
    uint8_t uid[MCSEC_UID_OCTETS], pvt[ECCSI_POINT_OCTETS];
    kf_secret *rsk = NULL, *ssk = NULL;
    testing_rng rng;
    testing_rng_init(&rng, "issue");
    assert_ok(mcsec_uid(kf_slice_str(WORLD_ALICE), kf_slice_str("kms.example"),
                        (mcsec_period){ WORLD_PERIOD, 0 }, 100, uid));
    assert_ok(sakke_rsk_extract(w.z, KF_SLICE_OF(uid), &rsk));
    assert_ok(eccsi_issue(w.ksak, KF_SLICE_OF(uid), &rng.rng, &ssk, pvt));
    const struct {
        const world_domain *d;
        const char *uri;
        uint64_t n;
        mcsec_id_form form;
        kf_err want;
    } cases[] = {
        { &w, WORLD_ALICE, 100, MCSEC_ID_UID, KF_OK },
        { &w, WORLD_BOB, 100, MCSEC_ID_UID, KF_E_AUTH },
        { &w, WORLD_ALICE, 101, MCSEC_ID_UID, KF_E_AUTH },
        { &w, WORLD_ALICE, 100, MCSEC_ID_HEX, KF_E_AUTH },
        { &x, WORLD_ALICE, 100, MCSEC_ID_UID, KF_E_AUTH },
        { &w, "", 100, MCSEC_ID_UID, KF_E_MALFORMED },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        const mcsec_user_facts f = { kf_slice_str(cases[i].uri), cases[i].n, rsk, ssk,
                                     KF_SLICE_OF(pvt) };
        mcsec_user_keys *k = NULL;
        kf_fault fault;
        assert_err(
            mcsec_user_keys_new(cases[i].d->domain, &f, cases[i].form, SAKKE_SMALL, &k, &fault),
            cases[i].want);
        assert_int_equal(k != NULL, cases[i].want == KF_OK);
        assert_int_equal(fault.code, cases[i].want);
        mcsec_user_keys_free(&k);
    }
    kf_secret_free(&rsk);
    kf_secret_free(&ssk);
    world_domain_clear(&w);
    world_domain_clear(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_domains_name_the_element),
        cmocka_unit_test(test_usable_at),
        cmocka_unit_test(test_keys_of_another_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

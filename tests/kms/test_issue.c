/* Issue and validation of key sets: what belongs together passes, anything else is named. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static kms_domain *kms;
static mcsec_domain *client;

static int group_setup(void **state)
{
    (void)state;
    kms = fixture_domain(FIXTURE_KMS_URI, fixture_period, "kms");
    client = fixture_client(kms);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    mcsec_domain_free(&client);
    kms_domain_free(&kms);
    return 0;
}

static void accept(const kms_keyset *set, const mcsec_domain *domain, mcsec_id_form form)
{
    mcsec_user_keys *keys = NULL;
    kf_fault fault;
    kf_err err = kms_keyset_to_user_keys(set, domain, form, SAKKE_SMALL, &keys, &fault);
    if (err != KF_OK)
        fail_msg("refused: %s at %s", kf_err_name(err), fault.field);
    assert_slice_equal(mcsec_user_keys_uri(keys), set->user_uri);
    assert_slice_equal(mcsec_user_keys_uid(keys), KF_SLICE_OF(set->user_id));
    assert_int_equal(mcsec_user_keys_period(keys), set->key_period_no);
    mcsec_user_keys_free(&keys);
}

static void refuse(const kms_keyset *set, const mcsec_domain *domain, mcsec_id_form form,
                   kf_err want, const char *field)
{
    mcsec_user_keys *keys = NULL;
    kf_fault fault;
    kf_err err = kms_keyset_to_user_keys(set, domain, form, SAKKE_SMALL, &keys, &fault);
    assert_null(keys);
    assert_int_equal(err, want);
    assert_int_equal(fault.code, want);
    assert_string_equal(fault.field, field);
}

static void certificate_carries_the_domain(void **state)
{
    (void)state;
    kms_cert cert;
    kms_domain_certificate(kms, &cert);
    assert_slice_equal(cert.kms_uri, kf_slice_str(FIXTURE_KMS_URI));
    assert_slice_equal(cert.user_id_format, kf_slice_str("2"));
    assert_int_equal(cert.user_key_period, 2592000);
    assert_int_equal(cert.user_key_offset, 0);
    assert_true(cert.parameter_set.given);
    assert_int_equal(cert.parameter_set.value, 1);
    assert_int_equal(cert.role, KMS_ROLE_ROOT);
    assert_true(mcsec_domain_is_usable_at(client, 0));
}

/* Periods of several shapes, both forms of identifier. */
static void issued_keys_are_accepted(void **state)
{
    (void)state;
    static const struct {
        mcsec_period period;
        uint64_t number;
    } cases[] = {
        { { 2592000, 0 }, 1512 },  { { 2592000, 0 }, 0 },    { { 10, 0 }, 10 },
        { { 25920000, 100 }, 1 },  { { 16777215, 0 }, 236 }, { { 1, 0 }, UINT64_C(3944678400) },
        { { 604800, 604799 }, 5 }, { { 3600, 1 }, 1095000 },
    };
    static const mcsec_id_form forms[] = { MCSEC_ID_UID, MCSEC_ID_HEX };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, cases[i].period, "periods");
        mcsec_domain *its_client = fixture_client(domain);
        for (size_t k = 0; k < KF_COUNT(forms); k++) {
            kms_keyset set = fixture_issue(domain, FIXTURE_USER_URI, cases[i].number, forms[k]);
            assert_int_equal(set.valid_from, mcsec_period_start(cases[i].period, cases[i].number));
            assert_int_equal(mcsec_period_number(cases[i].period, set.valid_to), cases[i].number);
            assert_int_equal(mcsec_period_number(cases[i].period, set.valid_to + 1),
                             cases[i].number + 1);
            accept(&set, its_client, forms[k]);
            kms_keyset_clear(&set);
            kms_keyset_clear(&set);
        }
        mcsec_domain_free(&its_client);
        kms_domain_free(&domain);
    }
}

/* The UID of facts 12.2, and two issues of the same keys: RSK is a function, SSK is not. */
static void issue_is_what_the_formulas_say(void **state)
{
    (void)state;
    static const char uid_hex[] =
        "74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4"; /* mikey-uid.txt uid-1
                                                                             */
    uint8_t uid[MCSEC_UID_OCTETS];
    testing_rng rng;
    testing_rng_init(&rng, "twice");
    kms_keyset one, two;
    kf_slice user = kf_slice_str("sip:user@example.org");
    assert_ok(kms_domain_issue(kms, user, 1, MCSEC_ID_UID, &rng.rng, &one));
    assert_ok(kms_domain_issue(kms, user, 1, MCSEC_ID_UID, &rng.rng, &two));
    assert_slice_equal(KF_SLICE_OF(one.user_id), testing_hex(uid_hex, uid, sizeof uid));
    assert_true(kf_secret_equal(one.user_decrypt_key, two.user_decrypt_key));
    assert_false(kf_secret_equal(one.user_signing_key_ssk, two.user_signing_key_ssk));
    assert_memory_not_equal(one.user_pub_token_pvt, two.user_pub_token_pvt, ECCSI_POINT_OCTETS);
    kms_keyset_clear(&one);
    kms_keyset_clear(&two);
}

static void impossible_issues_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *user;
        uint64_t period;
    } cases[] = {
        { "", 1 },
        { "a b", 1 },
        { "a\xff", 1 },
        { "user", UINT64_C(1000000) }, /* past the year 9999 */
        { "user", UINT64_MAX },
    };
    testing_rng rng;
    testing_rng_init(&rng, "impossible");
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kms_keyset set;
        assert_err(kms_domain_issue(kms, kf_slice_str(cases[i].user), cases[i].period, MCSEC_ID_UID,
                                    &rng.rng, &set),
                   KF_E_MALFORMED);
        assert_null(set.user_decrypt_key);
        assert_null(set.user_signing_key_ssk);
    }
    rng.budget = 0;
    kms_keyset set;
    assert_err(kms_domain_issue(kms, kf_slice_str("user"), 1, MCSEC_ID_UID, &rng.rng, &set),
               KF_E_BACKEND);
    assert_null(set.user_decrypt_key);
}

/* ---- sets that do not belong ---- */

static kms_keyset other; /* what parts are taken from */

static void swap_secrets(kf_secret **a, kf_secret **b)
{
    kf_secret *keep = *a;
    *a = *b;
    *b = keep;
}

static void make_other_user(kms_keyset *s)
{
    s->user_uri = kf_slice_str("sip:mallory@example.org");
}
static void make_other_uid(kms_keyset *s)
{
    memcpy(s->user_id, other.user_id, sizeof s->user_id);
}
static void flip_uid(kms_keyset *s)
{
    s->user_id[31] ^= 1;
}
static void make_other_period(kms_keyset *s)
{
    s->key_period_no++;
}
/* With the UID made to fit, the keys themselves must give it away. */
static void make_whole_other_user(kms_keyset *s)
{
    make_other_user(s);
    make_other_uid(s);
}
static void make_other_kms(kms_keyset *s)
{
    s->kms_uri = kf_slice_str("kms.example.net");
}
static void make_no_user(kms_keyset *s)
{
    s->user_uri = (kf_slice){ NULL, 0 };
}
static void make_revoked(kms_keyset *s)
{
    s->revoked = KMS_TRUE;
}
static void flip_rsk(kms_keyset *s)
{
    kf_secret_edit(s->user_decrypt_key)[200] ^= 1;
}
static void make_other_rsk(kms_keyset *s)
{
    swap_secrets(&s->user_decrypt_key, &other.user_decrypt_key);
}
static void shorten_rsk(kms_keyset *s)
{
    kf_secret_free(&s->user_decrypt_key);
    assert_ok(kf_secret_new(256, &s->user_decrypt_key));
}
static void flip_ssk(kms_keyset *s)
{
    kf_secret_edit(s->user_signing_key_ssk)[31] ^= 1;
}
static void zero_ssk(kms_keyset *s)
{
    memset(kf_secret_edit(s->user_signing_key_ssk), 0, ECCSI_SCALAR_OCTETS);
}
static void make_other_ssk(kms_keyset *s)
{
    swap_secrets(&s->user_signing_key_ssk, &other.user_signing_key_ssk);
}
static void flip_pvt(kms_keyset *s)
{
    s->user_pub_token_pvt[64] ^= 1;
}
static void zero_pvt(kms_keyset *s)
{
    memset(s->user_pub_token_pvt, 0, sizeof s->user_pub_token_pvt);
}
static void make_other_pvt(kms_keyset *s)
{
    memcpy(s->user_pub_token_pvt, other.user_pub_token_pvt, sizeof s->user_pub_token_pvt);
}
static void make_other_ssk_and_pvt(kms_keyset *s)
{
    make_other_ssk(s);
    make_other_pvt(s);
}
static void start_after_period(kms_keyset *s)
{
    s->valid_from = mcsec_period_end(fixture_period, FIXTURE_PERIOD);
    s->valid_to = KMS_NO_VALID_TO;
}
static void end_before_period(kms_keyset *s)
{
    s->valid_to = s->valid_from - 1;
    s->valid_from = KMS_NO_VALID_FROM;
}
static void end_before_start(kms_keyset *s)
{
    s->valid_to = s->valid_from + 10;
    s->valid_from += 20;
}

static void altered_sets_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        void (*alter)(kms_keyset *set);
        kf_err want;
        const char *field;
    } cases[] = {
        { make_other_user, KF_E_AUTH, "keyset.UserID" },
        { make_other_uid, KF_E_AUTH, "keyset.UserID" },
        { flip_uid, KF_E_AUTH, "keyset.UserID" },
        { make_other_period, KF_E_AUTH, "keyset.UserID" },
        { make_whole_other_user, KF_E_AUTH, "keyset.UserSigningKeySSK" },
        { make_other_kms, KF_E_AUTH, "keyset.KmsUri" },
        { make_no_user, KF_E_MALFORMED, "keyset.UserUri" },
        { make_revoked, KF_E_DENIED, "keyset.Revoked" },
        { flip_rsk, KF_E_MALFORMED, "keyset.UserDecryptKey" },
        { make_other_rsk, KF_E_AUTH, "keyset.UserDecryptKey" },
        { shorten_rsk, KF_E_TRUNCATED, "keyset.UserDecryptKey" },
        { flip_ssk, KF_E_AUTH, "keyset.UserSigningKeySSK" },
        { zero_ssk, KF_E_MALFORMED, "keyset.UserSigningKeySSK" },
        { make_other_ssk, KF_E_AUTH, "keyset.UserSigningKeySSK" },
        { flip_pvt, KF_E_MALFORMED, "keyset.UserPubTokenPVT" },
        { zero_pvt, KF_E_MALFORMED, "keyset.UserPubTokenPVT" },
        { make_other_pvt, KF_E_AUTH, "keyset.UserSigningKeySSK" },
        { make_other_ssk_and_pvt, KF_E_AUTH, "keyset.UserSigningKeySSK" },
        { start_after_period, KF_E_AUTH, "keyset.ValidFrom" },
        { end_before_period, KF_E_AUTH, "keyset.ValidTo" },
        { end_before_start, KF_E_AUTH, "keyset.ValidTo" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kms_keyset set = fixture_issue(kms, FIXTURE_USER_URI, FIXTURE_PERIOD, MCSEC_ID_UID);
        other = fixture_issue(kms, "sip:mallory@example.org", FIXTURE_PERIOD, MCSEC_ID_UID);
        accept(&set, client, MCSEC_ID_UID);
        cases[i].alter(&set);
        refuse(&set, client, MCSEC_ID_UID, cases[i].want, cases[i].field);
        kms_keyset_clear(&set);
        kms_keyset_clear(&other);
    }
}

static void validity_may_be_open_or_wider(void **state)
{
    (void)state;
    kms_keyset set = fixture_issue(kms, FIXTURE_USER_URI, FIXTURE_PERIOD, MCSEC_ID_UID);
    set.valid_from -= 86400;
    set.valid_to += 86400;
    accept(&set, client, MCSEC_ID_UID);
    set.valid_from = KMS_NO_VALID_FROM;
    set.valid_to = KMS_NO_VALID_TO;
    accept(&set, client, MCSEC_ID_UID);
    kms_keyset_clear(&set);
}

static void sets_of_other_domains_are_refused(void **state)
{
    (void)state;
    kms_keyset set = fixture_issue(kms, FIXTURE_USER_URI, FIXTURE_PERIOD, MCSEC_ID_UID);
    /* the same name and period, other master secrets */
    kms_domain *twin = fixture_domain(FIXTURE_KMS_URI, fixture_period, "twin");
    mcsec_domain *twin_client = fixture_client(twin);
    refuse(&set, twin_client, MCSEC_ID_UID, KF_E_AUTH, "keyset.UserSigningKeySSK");
    /* another name */
    kms_domain *elsewhere = fixture_domain("kms.example.net", fixture_period, "kms");
    mcsec_domain *elsewhere_client = fixture_client(elsewhere);
    refuse(&set, elsewhere_client, MCSEC_ID_UID, KF_E_AUTH, "keyset.KmsUri");
    /* the same master secrets, another period length */
    kms_domain *slower = fixture_domain(FIXTURE_KMS_URI, (mcsec_period){ 2592001, 0 }, "kms");
    mcsec_domain *slower_client = fixture_client(slower);
    refuse(&set, slower_client, MCSEC_ID_UID, KF_E_AUTH, "keyset.UserID");
    /* the other form of identifier */
    refuse(&set, client, MCSEC_ID_HEX, KF_E_AUTH, "keyset.UserSigningKeySSK");
    mcsec_domain_free(&twin_client);
    mcsec_domain_free(&elsewhere_client);
    mcsec_domain_free(&slower_client);
    kms_domain_free(&twin);
    kms_domain_free(&elsewhere);
    kms_domain_free(&slower);
    kms_keyset_clear(&set);
}

static void bad_certificates_are_refused_by_name(void **state)
{
    (void)state;
    kms_cert good;
    kms_domain_certificate(kms, &good);
    kms_cert cases[11];
    static const struct {
        kf_err want;
        const char *field;
    } wants[KF_COUNT(cases)] = {
        { KF_E_UNSUPPORTED, "cert.UserIdFormat" }, { KF_E_UNSUPPORTED, "cert.UserIdFormat" },
        { KF_E_UNSUPPORTED, "cert.ParameterSet" }, { KF_E_MALFORMED, "cert.UserKeyPeriod" },
        { KF_E_MALFORMED, "cert.UserKeyOffset" },  { KF_E_MALFORMED, "cert.ValidTo" },
        { KF_E_MALFORMED, "cert.KmsUri" },         { KF_E_MALFORMED, "cert.PubEncKey" },
        { KF_E_MALFORMED, "cert.PubEncKey" },      { KF_E_MALFORMED, "cert.PubAuthKey" },
        { KF_E_MALFORMED, "cert.UserKeyPeriod" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++)
        cases[i] = good;
    cases[0].user_id_format = kf_slice_str("1");
    cases[1].user_id_format = kf_slice_str("");
    cases[2].parameter_set.value = 2;
    cases[3].user_key_period = 0;
    cases[4].user_key_offset = cases[4].user_key_period;
    cases[5].valid_from = 10;
    cases[5].valid_to = 9;
    cases[6].kms_uri.len = 0;
    cases[7].pub_enc_key[200] ^= 1; /* off the curve */
    memset(cases[8].pub_enc_key, 0, sizeof cases[8].pub_enc_key);
    cases[9].pub_auth_key[64] ^= 1;
    cases[10].user_key_period = UINT64_C(1) << 50;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mcsec_domain *domain = NULL;
        kf_fault fault;
        assert_err(kms_cert_to_domain(&cases[i], SAKKE_SMALL, &domain, &fault), wants[i].want);
        assert_string_equal(fault.field, wants[i].field);
        assert_null(domain);
    }
}

static void validity_and_revocation_reach_the_domain(void **state)
{
    (void)state;
    kms_cert cert;
    mcsec_domain *domain = NULL;
    kf_fault fault;
    kms_domain_certificate(kms, &cert);
    cert.valid_from = 100;
    cert.valid_to = 200;
    cert.parameter_set.given = false;
    cert.revoked = KMS_FALSE;
    assert_ok(kms_cert_to_domain(&cert, SAKKE_SMALL, &domain, &fault));
    assert_false(mcsec_domain_is_usable_at(domain, 99));
    assert_true(mcsec_domain_is_usable_at(domain, 100));
    assert_true(mcsec_domain_is_usable_at(domain, 200));
    assert_false(mcsec_domain_is_usable_at(domain, 201));
    mcsec_domain_free(&domain);
    cert.revoked = KMS_TRUE;
    assert_ok(kms_cert_to_domain(&cert, SAKKE_SMALL, &domain, &fault));
    assert_false(mcsec_domain_is_usable_at(domain, 150));
    mcsec_domain_free(&domain);
}

/* ---- keys of an independent KMS ---- */

static kms_keyset foreign_keyset(vectors_case *c, const char *who, kf_slice kms_uri)
{
    kms_keyset set = { .kms_uri = kms_uri,
                       .valid_from = KMS_NO_VALID_FROM,
                       .valid_to = KMS_NO_VALID_TO };
    char name[40];
    uint8_t octets[SAKKE_POINT_OCTETS];
    snprintf(name, sizeof name, "%s_uri", who);
    set.user_uri = vectors_text(c, name);
    snprintf(name, sizeof name, "%s_uid", who);
    testing_field(c, name, set.user_id, sizeof set.user_id);
    snprintf(name, sizeof name, "%s_key_period_no", who);
    assert_ok(vectors_decimal(c, name, &set.key_period_no));
    snprintf(name, sizeof name, "%s_rsk", who);
    set.user_decrypt_key = testing_secret(testing_field(c, name, octets, sizeof octets));
    snprintf(name, sizeof name, "%s_ssk", who);
    set.user_signing_key_ssk = testing_secret(testing_field(c, name, octets, sizeof octets));
    snprintf(name, sizeof name, "%s_pvt", who);
    testing_field(c, name, set.user_pub_token_pvt, sizeof set.user_pub_token_pvt);
    return set;
}

static void keys_of_an_independent_kms_are_accepted(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("mikey-imessage.txt", &file);
    assert_true(file.count > 0);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        kms_cert cert = { .valid_from = KMS_NO_VALID_FROM,
                          .valid_to = KMS_NO_VALID_TO,
                          .kms_uri = vectors_text(c, "kms_uri"),
                          .user_id_format = kf_slice_str("2") };
        assert_ok(vectors_decimal(c, "user_key_period", &cert.user_key_period));
        assert_ok(vectors_decimal(c, "user_key_offset", &cert.user_key_offset));
        testing_field(c, "pub_enc_key", cert.pub_enc_key, sizeof cert.pub_enc_key);
        testing_field(c, "pub_auth_key", cert.pub_auth_key, sizeof cert.pub_auth_key);
        mcsec_domain *domain = NULL;
        kf_fault fault;
        assert_ok(kms_cert_to_domain(&cert, SAKKE_SMALL, &domain, &fault));
        kms_keyset sender = foreign_keyset(c, "sender", cert.kms_uri);
        kms_keyset receiver = foreign_keyset(c, "receiver", cert.kms_uri);
        accept(&sender, domain, MCSEC_ID_UID);
        accept(&receiver, domain, MCSEC_ID_UID);
        swap_secrets(&sender.user_decrypt_key, &receiver.user_decrypt_key);
        refuse(&sender, domain, MCSEC_ID_UID, KF_E_AUTH, "keyset.UserDecryptKey");
        kms_keyset_clear(&sender);
        kms_keyset_clear(&receiver);
        mcsec_domain_free(&domain);
    }
    vectors_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificate_carries_the_domain),
        cmocka_unit_test(issued_keys_are_accepted),
        cmocka_unit_test(issue_is_what_the_formulas_say),
        cmocka_unit_test(impossible_issues_are_refused),
        cmocka_unit_test(altered_sets_are_refused_by_name),
        cmocka_unit_test(validity_may_be_open_or_wider),
        cmocka_unit_test(sets_of_other_domains_are_refused),
        cmocka_unit_test(bad_certificates_are_refused_by_name),
        cmocka_unit_test(validity_and_revocation_reach_the_domain),
        cmocka_unit_test(keys_of_an_independent_kms_are_accepted),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

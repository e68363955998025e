/* The sealed domain: what it is at rest, and that nothing else opens. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static const kf_scrypt_cost cheap = { 4, 8, 1 };
static const kf_scrypt_cost cheapest = { 1, 1, 1 };

static kf_slice passphrase(void)
{
    return kf_slice_str("correct horse battery staple");
}

static kf_slice seal(const kms_domain *domain, kf_scrypt_cost cost, uint8_t *buf, size_t cap)
{
    testing_rng rng;
    testing_rng_init(&rng, "seal");
    kf_writer w = kf_writer_init(buf, cap);
    assert_ok(kms_domain_seal(domain, passphrase(), cost, &rng.rng, &w));
    return kf_writer_slice(&w);
}

static void assert_same_domain(const kms_domain *a, const kms_domain *b)
{
    kms_cert one, two;
    kms_domain_certificate(a, &one);
    kms_domain_certificate(b, &two);
    assert_slice_equal(kms_domain_uri(a), kms_domain_uri(b));
    assert_int_equal(kms_domain_created(a), kms_domain_created(b));
    assert_int_equal(kms_domain_period(a).length_s, kms_domain_period(b).length_s);
    assert_int_equal(kms_domain_period(a).offset_s, kms_domain_period(b).offset_s);
    assert_memory_equal(one.pub_enc_key, two.pub_enc_key, sizeof one.pub_enc_key);
    assert_memory_equal(one.pub_auth_key, two.pub_auth_key, sizeof one.pub_auth_key);
}

static void sealed_domain_opens_to_the_same(void **state)
{
    (void)state;
    uint8_t buf[KMS_DOMAIN_SEALED_MAX];
    kms_domain *domain = fixture_domain("kms.é.example", (mcsec_period){ 3600, 17 }, "domain");
    kms_domain *again = NULL;
    kf_fault fault;
    kf_slice sealed = seal(domain, cheap, buf, sizeof buf);
    assert_ok(kms_domain_open(passphrase(), sealed, &again, &fault));
    assert_same_domain(domain, again);
    kms_keyset one = fixture_issue(domain, FIXTURE_USER_URI, 7, MCSEC_ID_UID);
    kms_keyset two = fixture_issue(again, FIXTURE_USER_URI, 7, MCSEC_ID_UID);
    assert_true(kf_secret_equal(one.user_decrypt_key, two.user_decrypt_key));
    assert_true(kf_secret_equal(one.user_signing_key_ssk, two.user_signing_key_ssk));
    kms_keyset_clear(&one);
    kms_keyset_clear(&two);
    kms_domain_free(&again);
    kms_domain_free(&domain);
    kms_domain_free(&domain);
}

static void longest_uri_fits(void **state)
{
    (void)state;
    char uri[MCSEC_URI_MAX + 1];
    uint8_t buf[KMS_DOMAIN_SEALED_MAX];
    memset(uri, 'k', sizeof uri - 1);
    uri[sizeof uri - 1] = '\0';
    kms_domain *domain = fixture_domain(uri, fixture_period, "domain");
    assert_int_equal(seal(domain, cheapest, buf, sizeof buf).len, sizeof buf);
    kf_writer small = kf_writer_init(buf, sizeof buf - 1);
    testing_rng rng;
    testing_rng_init(&rng, "seal");
    assert_err(kms_domain_seal(domain, passphrase(), cheapest, &rng.rng, &small), KF_E_NO_SPACE);
    kms_domain_free(&domain);
}

static void masters_differ(void **state)
{
    (void)state;
    kms_domain *a = fixture_domain(FIXTURE_KMS_URI, fixture_period, "a");
    kms_domain *b = fixture_domain(FIXTURE_KMS_URI, fixture_period, "b");
    kms_cert one, two;
    kms_domain_certificate(a, &one);
    kms_domain_certificate(b, &two);
    assert_memory_not_equal(one.pub_enc_key, two.pub_enc_key, sizeof one.pub_enc_key);
    assert_memory_not_equal(one.pub_auth_key, two.pub_auth_key, sizeof one.pub_auth_key);
    kms_domain_free(&a);
    kms_domain_free(&b);
}

static void bad_domains_are_not_made(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        mcsec_period period;
        kf_time created;
    } cases[] = {
        { "", { 3600, 0 }, 0 },
        { "kms example", { 3600, 0 }, 0 },
        { "kms\nexample", { 3600, 0 }, 0 },
        { "kms\xff", { 3600, 0 }, 0 },
        { "kms\xc2\x80", { 3600, 0 }, 0 },
        { "kms", { 0, 0 }, 0 },
        { "kms", { 3600, 3600 }, 0 },
        { "kms", { UINT64_C(1) << 40, 0 }, 0 },
        { "kms", { 3600, 0 }, INT64_MAX },
    };
    testing_rng rng;
    testing_rng_init(&rng, "bad");
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kms_domain *domain = NULL;
        assert_err(kms_domain_new(kf_slice_str(cases[i].uri), cases[i].period, cases[i].created,
                                  &rng.rng, &domain),
                   KF_E_MALFORMED);
        assert_null(domain);
    }
}

static void failing_generator_makes_no_domain(void **state)
{
    (void)state;
    testing_rng rng;
    kms_domain *domain = NULL;
    for (size_t budget = 0; budget < 160; budget += 32) {
        testing_rng_init(&rng, "short");
        rng.budget = budget;
        assert_err(kms_domain_new(kf_slice_str("kms"), fixture_period, 0, &rng.rng, &domain),
                   KF_E_BACKEND);
        assert_null(domain);
    }
}

static void refuse(kf_slice pass, kf_slice octets, kf_err want)
{
    kms_domain *domain = NULL;
    kf_fault fault;
    kf_err err = kms_domain_open(pass, octets, &domain, &fault);
    assert_null(domain);
    assert_int_not_equal(err, KF_OK);
    assert_int_equal(err, fault.code);
    if (want != KF_OK)
        assert_int_equal(err, want);
}

static void other_passphrases_are_refused(void **state)
{
    (void)state;
    uint8_t buf[KMS_DOMAIN_SEALED_MAX];
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "domain");
    kf_slice sealed = seal(domain, cheap, buf, sizeof buf);
    refuse(kf_slice_str(""), sealed, KF_E_AUTH);
    refuse(kf_slice_str("correct horse battery stapl"), sealed, KF_E_AUTH);
    refuse(kf_slice_str("correct horse battery staple\n"), sealed, KF_E_AUTH);
    kms_domain_free(&domain);
}

static void every_prefix_and_suffix_is_refused(void **state)
{
    (void)state;
    uint8_t buf[KMS_DOMAIN_SEALED_MAX + 1];
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "domain");
    kf_slice sealed = seal(domain, cheapest, buf, sizeof buf);
    for (size_t len = 0; len < sealed.len; len++)
        refuse(passphrase(), (kf_slice){ sealed.ptr, len }, KF_E_TRUNCATED);
    buf[sealed.len] = 0;
    refuse(passphrase(), (kf_slice){ sealed.ptr, sealed.len + 1 }, KF_E_TRAILING);
    kms_domain_free(&domain);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    enum { COST_AT = 10, COST_OCTETS = 3 };
    uint8_t buf[KMS_DOMAIN_SEALED_MAX];
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "domain");
    kf_slice sealed = seal(domain, cheapest, buf, sizeof buf);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        bool is_cost = bit / 8 >= COST_AT && bit / 8 < COST_AT + COST_OCTETS;
        if (is_cost && (buf[COST_AT] ^ (bit / 8 == COST_AT ? 1u << bit % 8 : 0)) > 10)
            continue; /* dear, and no different from the others */
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(passphrase(), sealed, KF_OK);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    kms_domain_free(&domain);
}

/* Content that only the owner of the passphrase can make, and is still not believed. */
static void bad_contents_are_refused(void **state)
{
    (void)state;
    enum { URI_LENGTH_AT = 25, URI_AT = 27, URI_OCTETS = 15, Z_AT = URI_AT + URI_OCTETS };
    static const struct {
        const char *name;
        size_t at, len; /* octets to set */
        uint8_t value;
        int longer; /* octets more than there should be */
        kf_err want;
        const char *field;
    } cases[] = {
        { "version 0", 0, 1, 0, 0, KF_E_UNSUPPORTED, "domain.version" },
        { "version 2", 0, 1, 2, 0, KF_E_UNSUPPORTED, "domain.version" },
        { "created out of range", 1, 1, 0x7f, 0, KF_E_MALFORMED, "domain.created" },
        { "period 0", 9, 8, 0, 0, KF_E_MALFORMED, "domain.period" },
        { "offset over period", 17, 8, 0x01, 0, KF_E_MALFORMED, "domain.period" },
        { "uri empty", URI_LENGTH_AT + 1, 1, 0, 0, KF_E_TRAILING, "domain" },
        { "uri too long", URI_LENGTH_AT, 1, 0xff, 0, KF_E_TRUNCATED, "domain.uri" },
        { "uri not UTF-8", URI_AT, 1, 0xff, 0, KF_E_MALFORMED, "domain.uri" },
        { "uri with NUL", URI_AT, 1, 0, 0, KF_E_MALFORMED, "domain.uri" },
        { "z zero", Z_AT, 128, 0, 0, KF_E_MALFORMED, "domain.z" },
        { "z over q", Z_AT, 128, 0xff, 0, KF_E_MALFORMED, "domain.z" },
        { "KSAK zero", Z_AT + 128, 32, 0, 0, KF_E_MALFORMED, "domain.ksak" },
        { "KSAK over q", Z_AT + 128, 32, 0xff, 0, KF_E_MALFORMED, "domain.ksak" },
        { "one octet more", 0, 0, 0, 1, KF_E_TRAILING, "domain" },
        { "one octet less", 0, 0, 0, -1, KF_E_TRUNCATED, "domain.ksak" },
        { "nothing", 0, 0, 0, -(Z_AT + 160), KF_E_TRUNCATED, "domain.version" },
    };
    uint8_t buf[KMS_DOMAIN_SEALED_MAX + 1];
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "domain");
    kf_secret *good = NULL;
    kf_fault fault;
    testing_rng rng;
    testing_rng_init(&rng, "seal");
    kf_slice sealed = seal(domain, cheapest, buf, sizeof buf);
    assert_ok(kf_container_open(KF_CONTAINER_KMS_DOMAIN, passphrase(), sealed, &good, &fault));
    kf_slice content = kf_secret_view(good);
    assert_int_equal(content.len, Z_AT + 160);
    assert_slice_equal(kf_slice_part(content, URI_AT, URI_OCTETS), kf_slice_str(FIXTURE_KMS_URI));
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t bad[KMS_DOMAIN_CONTENT_MAX] = { 0 };
        memcpy(bad, content.ptr, content.len);
        memset(bad + cases[i].at, cases[i].value, cases[i].len);
        kf_slice changed = { bad, (size_t)((long)content.len + cases[i].longer) };
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_ok(kf_container_seal(KF_CONTAINER_KMS_DOMAIN, passphrase(), cheapest, changed,
                                    &rng.rng, &w));
        kms_domain *opened = NULL;
        kf_err err = kms_domain_open(passphrase(), kf_writer_slice(&w), &opened, &fault);
        if (err != cases[i].want || strcmp(fault.field, cases[i].field) != 0)
            fail_msg("%s: %s at %s", cases[i].name, kf_err_name(err), fault.field);
        assert_null(opened);
    }
    kf_secret_free(&good);
    kms_domain_free(&domain);
}

static void clear_header_is_strict(void **state)
{
    (void)state;
    enum { VERSION_AT = 8, KIND_AT = 9 };
    uint8_t buf[KMS_DOMAIN_SEALED_MAX];
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "domain");
    kf_slice sealed = seal(domain, cheapest, buf, sizeof buf);
    buf[VERSION_AT] = 2;
    refuse(passphrase(), sealed, KF_E_UNSUPPORTED);
    buf[VERSION_AT] = 1;
    buf[KIND_AT] = 0;
    refuse(passphrase(), sealed, KF_E_UNSUPPORTED);
    buf[KIND_AT] = 0xff;
    refuse(passphrase(), sealed, KF_E_UNSUPPORTED);
    kms_domain_free(&domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_domain_opens_to_the_same),
        cmocka_unit_test(longest_uri_fits),
        cmocka_unit_test(masters_differ),
        cmocka_unit_test(bad_domains_are_not_made),
        cmocka_unit_test(failing_generator_makes_no_domain),
        cmocka_unit_test(other_passphrases_are_refused),
        cmocka_unit_test(every_prefix_and_suffix_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(bad_contents_are_refused),
        cmocka_unit_test(clear_header_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

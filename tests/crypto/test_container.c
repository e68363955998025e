/* The container for secrets at rest. */
#include "support/testing.h"

#include <string.h>

#include "crypto/container.h"

#define CONTENT "the content of a container"
static const kf_scrypt_cost quick = { 4, 1, 1 };

static kf_slice sealed(uint8_t *buf, size_t cap)
{
    testing_rng rng;
    testing_rng_init(&rng, "container");
    kf_writer w = kf_writer_init(buf, cap);
    assert_ok(kf_container_seal(KF_CONTAINER_KMS_DOMAIN, kf_slice_str("pass"), quick,
                                kf_slice_str(CONTENT), &rng.rng, &w));
    return kf_writer_slice(&w);
}

static kf_err open_as(const char *pass, kf_slice in, kf_fault *fault)
{
    kf_secret *out = NULL;
    kf_err err = kf_container_open(KF_CONTAINER_KMS_DOMAIN, kf_slice_str(pass), in, &out, fault);
    if (err == KF_OK)
        assert_slice_equal(kf_secret_view(out), kf_slice_str(CONTENT));
    else
        assert_null(out);
    assert_int_equal(err, fault->code);
    kf_secret_free(&out);
    return err;
}

static void test_round_trip(void **state)
{
    (void)state;
    uint8_t buf[256];
    kf_fault fault;
    kf_slice box = sealed(buf, sizeof buf);
    assert_int_equal(box.len, strlen(CONTENT) + KF_CONTAINER_OVERHEAD);
    assert_ok(open_as("pass", box, &fault));
    assert_err(open_as("Pass", box, &fault), KF_E_AUTH);
    assert_err(open_as("", box, &fault), KF_E_AUTH);
    assert_string_equal(fault.field, "container.sealed");
}

static void test_every_prefix_and_bit(void **state)
{
    (void)state;
    uint8_t buf[256];
    kf_fault fault;
    kf_slice box = sealed(buf, sizeof buf);
    for (size_t len = 0; len < box.len; len++) {
        kf_err err = open_as("pass", (kf_slice){ box.ptr, len }, &fault);
        assert_true(err == KF_E_TRUNCATED || (len < 8 && err == KF_E_MALFORMED));
        assert_non_null(fault.field);
    }
    for (size_t bit = 0; bit < 8 * box.len; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        kf_container c;
        if (kf_container_parse(box, &c, &fault) != KF_OK || c.cost.log2_n <= 6)
            assert_int_not_equal(open_as("pass", box, &fault), KF_OK);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf[box.len] = 0;
    assert_err(open_as("pass", (kf_slice){ box.ptr, box.len + 1 }, &fault), KF_E_TRAILING);
}

static const struct {
    size_t at;
    uint8_t value;
    kf_err want;
    const char *field;
} headers[] = {
    { 0, 'k', KF_E_MALFORMED, "container.magic" },
    { 8, 2, KF_E_UNSUPPORTED, "container.version" },
    { 9, 9, KF_E_UNSUPPORTED, "container.kind" },
    { 10, 19, KF_E_MALFORMED, "container.scrypt_cost" },
    { 11, 200, KF_E_MALFORMED, "container.scrypt_cost" },
    { 12, 0, KF_E_MALFORMED, "container.scrypt_cost" },
    { 41, 0xff, KF_E_MALFORMED, "container.length" },
    { 44, 3, KF_E_MALFORMED, "container.length" },
};

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(headers); i++) {
        uint8_t buf[256];
        kf_fault fault;
        kf_slice box = sealed(buf, sizeof buf);
        buf[headers[i].at] = headers[i].value;
        assert_err(open_as("pass", box, &fault), headers[i].want);
        assert_string_equal(fault.field, headers[i].field);
    }
}

/* A key file is not a domain file: each is refused as the other. */
static void test_kinds_are_told_apart(void **state)
{
    (void)state;
    uint8_t buf[256];
    testing_rng rng;
    kf_fault fault;
    kf_secret *out = NULL;
    testing_rng_init(&rng, "container");
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_ok(kf_container_seal(KF_CONTAINER_KEY_FILE, kf_slice_str("pass"), quick,
                                kf_slice_str(CONTENT), &rng.rng, &w));
    assert_err(open_as("pass", kf_writer_slice(&w), &fault), KF_E_STATE);
    assert_ok(kf_container_open(KF_CONTAINER_KEY_FILE, kf_slice_str("pass"), kf_writer_slice(&w),
                                &out, &fault));
    assert_slice_equal(kf_secret_view(out), kf_slice_str(CONTENT));
    kf_secret_free(&out);
    buf[9] = KF_CONTAINER_KMS_DOMAIN; /* the kind is under the tag */
    assert_err(open_as("pass", kf_writer_slice(&w), &fault), KF_E_AUTH);
}

static void test_no_space_writes_nothing(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "container");
    for (size_t cap = 0; cap < strlen(CONTENT) + KF_CONTAINER_OVERHEAD; cap++) {
        uint8_t buf[256];
        kf_writer w = kf_writer_init(buf, cap);
        assert_err(kf_container_seal(KF_CONTAINER_KMS_DOMAIN, kf_slice_str("pass"), quick,
                                     kf_slice_str(CONTENT), &rng.rng, &w),
                   KF_E_NO_SPACE);
        assert_int_equal(kf_writer_slice(&w).len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_prefix_and_bit),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_kinds_are_told_apart),
        cmocka_unit_test(test_no_space_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The MCData Protected Payload. */
#include "support/testing.h"

#include <string.h>

#include "mcdata/protected_payload.h"

#define CONTENT "twenty octets inside"

static kf_slice made(size_t key_octets, kf_secret **dppk, uint8_t *buf, size_t cap)
{
    testing_rng rng;
    uint8_t key[32];
    testing_rng_init(&rng, "protected");
    testing_rng_octets(&rng, key, sizeof key);
    *dppk = testing_secret((kf_slice){ key, key_octets });
    const mcdata_protect what = {
        .message_type = MCDATA_TYPE_DATA_PAYLOAD,
        .date_time = UINT64_C(0x006b02f4a5),
        .payload_id = 0x01020304,
        .sequence = 5,
        .iei = 0,
        .dppk = *dppk,
        .dppk_id = 0x16a12aea,
        .content = kf_slice_str(CONTENT),
    };
    kf_writer w = kf_writer_init(buf, cap);
    assert_ok(mcdata_protected_seal(&what, &rng.rng, &w));
    return kf_writer_slice(&w);
}

static kf_err parse_and_open(kf_slice in, const kf_secret *dppk)
{
    mcdata_protected m;
    kf_fault fault;
    kf_secret *out = NULL;
    kf_err err = mcdata_protected_parse(in, &m, &fault);
    if (err == KF_OK)
        err = mcdata_protected_open(&m, dppk, &out);
    else
        assert_non_null(fault.field);
    if (err == KF_OK)
        assert_slice_equal(kf_secret_view(out), kf_slice_str(CONTENT));
    kf_secret_free(&out);
    return err;
}

static void test_layout_and_round_trip(void **state)
{
    (void)state;
    for (size_t octets = 16; octets <= 32; octets += 16) {
        uint8_t buf[128], head[16];
        kf_secret *dppk = NULL;
        kf_slice msg = made(octets, &dppk, buf, sizeof buf);
        assert_int_equal(msg.len, strlen(CONTENT) + MCDATA_PROTECTED_OVERHEAD);
        assert_slice_equal(kf_slice_part(msg, 0, 11),
                           testing_hex("43 006b02f4a5 01020304 05", head, sizeof head));
        assert_int_equal(msg.ptr[11], octets / 16);
        assert_slice_equal(kf_slice_part(msg, 28, 7),
                           testing_hex("16a12aea 00 0024", head, sizeof head));
        assert_ok(parse_and_open(msg, dppk));
        kf_secret_free(&dppk);
    }
}

static void test_every_prefix_and_bit(void **state)
{
    (void)state;
    uint8_t buf[128];
    kf_secret *dppk = NULL;
    kf_slice msg = made(16, &dppk, buf, sizeof buf);
    for (size_t len = 0; len < msg.len; len++)
        assert_err(parse_and_open((kf_slice){ msg.ptr, len }, dppk), KF_E_TRUNCATED);
    for (size_t bit = 0; bit < 8 * msg.len; bit++) {
        if (bit / 8 == 32)
            continue; /* the IEI stands outside the associated data: nobody assigned it */
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(parse_and_open(msg, dppk), KF_OK);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf[msg.len] = 0;
    assert_err(parse_and_open((kf_slice){ buf, msg.len + 1 }, dppk), KF_E_TRAILING);
    kf_secret_free(&dppk);
}

static const struct {
    size_t at;
    uint8_t value;
    kf_err want;
    const char *field;
} fields[] = {
    { 0, 0x03, KF_E_MALFORMED, "PROTECTED.message_type" },
    { 0, 0xc3, KF_E_UNSUPPORTED, "PROTECTED.message_type" },
    { 11, 0, KF_E_UNSUPPORTED, "PROTECTED.algorithm" },
    { 11, 3, KF_E_UNSUPPORTED, "PROTECTED.algorithm" },
    { 33, 0xff, KF_E_TRUNCATED, "PROTECTED.payload" },
    { 34, 15, KF_E_MALFORMED, "PROTECTED.payload_length" },
    { 34, 16, KF_E_TRAILING, "PROTECTED" },
};

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(fields); i++) {
        uint8_t buf[128];
        kf_secret *dppk = NULL;
        mcdata_protected m;
        kf_fault fault;
        kf_slice msg = made(16, &dppk, buf, sizeof buf);
        buf[fields[i].at] = fields[i].value;
        assert_err(mcdata_protected_parse(msg, &m, &fault), fields[i].want);
        assert_string_equal(fault.field, fields[i].field);
        kf_secret_free(&dppk);
    }
}

static void test_wrong_keys(void **state)
{
    (void)state;
    uint8_t buf[128];
    kf_secret *dppk = NULL, *longer = NULL;
    kf_slice msg = made(16, &dppk, buf, sizeof buf);
    kf_secret_edit(dppk)[3] ^= 0x80;
    assert_err(parse_and_open(msg, dppk), KF_E_AUTH);
    assert_ok(kf_secret_new(32, &longer));
    assert_err(parse_and_open(msg, longer), KF_E_AUTH);
    kf_secret_free(&longer);
    assert_ok(kf_secret_new(24, &longer));
    assert_err(parse_and_open(msg, longer), KF_E_MALFORMED);
    kf_secret_free(&longer);
    kf_secret_free(&dppk);
}

static void test_seal_refusals(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "protected");
    kf_secret *dppk = testing_secret_hex("000102030405060708090a0b0c0d0e0f");
    uint8_t buf[128];
    mcdata_protect what = { .message_type = 0x43, .dppk = dppk, .content = kf_slice_str("x") };
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_err(mcdata_protected_seal(&what, &rng.rng, &w), KF_E_MALFORMED);
    what.message_type = MCDATA_TYPE_DATA_PAYLOAD;
    for (size_t cap = 0; cap < 1 + MCDATA_PROTECTED_OVERHEAD; cap++) {
        w = kf_writer_init(buf, cap);
        assert_err(mcdata_protected_seal(&what, &rng.rng, &w), KF_E_NO_SPACE);
    }
    rng.budget = 15;
    w = kf_writer_init(buf, sizeof buf);
    assert_err(mcdata_protected_seal(&what, &rng.rng, &w), KF_E_BACKEND);
    kf_secret_free(&dppk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_and_round_trip),
        cmocka_unit_test(test_every_prefix_and_bit),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_seal_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* 3GPP key parameters. */
#include "support/testing.h"

#include <string.h>

#include "mikey/key_params.h"

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
} cases[] = {
    /* decrypted from an independent implementation's messages (project facts 7.3) */
    { "GMK without groups", "00 00000001 0000000000 0000000000 0000 0001 00", KF_OK, NULL },
    { "PCK", "01 00000001 0000000000 0000000000 0000", KF_OK, NULL },
    { "CSK", "02 00000001 0000000000 0000000000 0000", KF_OK, NULL },
    { "GMK, name, two groups",
      "00 00000003 006b02f4a5 006b2a81a5 0003 616263 0010 02 7b0003 613a62 7b0006 73696970 3a63",
      KF_OK, NULL },
    { "IEI and length encrypted too", "21 0011 01 00000001 0000000000 0000000000 0000", KF_OK,
      NULL },
    { "nothing", "", KF_E_TRUNCATED, "PARAMS.key_type" },
    { "key type 7", "07 00000001 0000000000 0000000000 0000", KF_E_UNSUPPORTED, "PARAMS.key_type" },
    { "text overrun", "01 00000001 0000000000 0000000000 0001", KF_E_TRUNCATED, "PARAMS.text" },
    { "groups for a PCK", "01 00000001 0000000000 0000000000 0000 0001 00", KF_E_TRAILING,
      "PARAMS" },
    { "GMK without a group list", "00 00000001 0000000000 0000000000 0000", KF_E_TRUNCATED,
      "PARAMS.groups_length" },
    { "group list empty", "00 00000001 0000000000 0000000000 0000 0000", KF_E_TRUNCATED,
      "PARAMS.group_count" },
    { "count above the list", "00 00000001 0000000000 0000000000 0000 0001 01", KF_E_TRUNCATED,
      "PARAMS.group_iei" },
    { "count below the list", "00 00000001 0000000000 0000000000 0000 0007 00 7b0003 613a62",
      KF_E_TRAILING, "PARAMS.groups" },
    { "255 groups, none there", "00 00000001 0000000000 0000000000 0000 0001 ff", KF_E_TRUNCATED,
      "PARAMS.group_iei" },
    { "group of another IEI", "00 00000001 0000000000 0000000000 0000 0007 01 7c0003 613a62",
      KF_E_UNSUPPORTED, "PARAMS.group_iei" },
    { "group of no octets", "00 00000001 0000000000 0000000000 0000 0004 01 7b0000", KF_E_MALFORMED,
      "PARAMS.group_length" },
    { "group longer than the list", "00 00000001 0000000000 0000000000 0000 0005 01 7b0003 61",
      KF_E_TRUNCATED, "PARAMS.group_id" },
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[256], again[256];
        mikey_key_params p;
        kf_fault fault;
        kf_slice in = testing_hex(cases[i].hex, buf, sizeof buf);
        kf_err err = mikey_key_params_parse(in, &p, &fault);
        if (err != cases[i].want || (err != KF_OK && strcmp(fault.field, cases[i].field) != 0))
            fail_msg("%s: %s at %zu in %s", cases[i].name, kf_err_name(err), fault.at,
                     fault.field == NULL ? "-" : fault.field);
        if (err != KF_OK)
            continue;
        kf_writer w = kf_writer_init(again, sizeof again);
        mikey_key_params_encode(&p, &w);
        if (buf[0] <= 6)
            assert_slice_equal(kf_writer_slice(&w), in);
        else
            assert_slice_equal(kf_writer_slice(&w), kf_slice_part(in, 3, in.len));
        for (size_t len = 0; len < in.len; len++) {
            assert_int_not_equal(mikey_key_params_parse((kf_slice){ buf, len }, &p, &fault), KF_OK);
            assert_int_equal(p.text.len, 0); /* nothing half filled */
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    uint8_t buf[256];
    mikey_key_params p;
    kf_fault fault;
    assert_ok(mikey_key_params_parse(testing_hex(cases[3].hex, buf, sizeof buf), &p, &fault));
    assert_int_equal(p.key_type, MCSEC_GMK);
    assert_int_equal(p.status, MIKEY_STATUS_NOT_REVOKED | MIKEY_STATUS_SHARED_SEGY);
    assert_true(p.activation == 0x6b02f4a5 && p.expiry == 0x6b2a81a5);
    assert_slice_equal(p.text, kf_slice_str("abc"));
    assert_int_equal(p.group_count, 2);
    assert_slice_equal(p.groups[1], kf_slice_str("siip:c"));
}

static void test_255_groups(void **state)
{
    (void)state;
    static uint8_t buf[MIKEY_PARAMS_MAX];
    static mikey_key_params p, back;
    kf_fault fault;
    p = (mikey_key_params){ .key_type = MCSEC_GMK, .group_count = MIKEY_PARAMS_GROUPS_MAX };
    for (size_t i = 0; i < p.group_count; i++)
        p.groups[i] = kf_slice_str("sip:group@example");
    kf_writer w = kf_writer_init(buf, sizeof buf);
    mikey_key_params_encode(&p, &w);
    assert_ok(mikey_key_params_parse(kf_writer_slice(&w), &back, &fault));
    assert_int_equal(back.group_count, MIKEY_PARAMS_GROUPS_MAX);
    assert_slice_equal(back.groups[254], p.groups[254]);
}

static void test_encode_refuses_what_cannot_be_said(void **state)
{
    (void)state;
    static const mikey_key_params bad[] = {
        { .key_type = 7 },
        { .key_type = 1, .activation = UINT64_C(1) << 40 },
        { .key_type = 1, .expiry = UINT64_C(1) << 40 },
        { .key_type = 1, .group_count = 1 },
        { .key_type = 0, .group_count = 1 }, /* a group without a URI */
        { .key_type = 0, .group_count = 256 },
    };
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        uint8_t buf[256];
        kf_writer w = kf_writer_init(buf, sizeof buf);
        mikey_key_params_encode(&bad[i], &w);
        assert_int_equal(w.err, KF_E_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_255_groups),
        cmocka_unit_test(test_encode_refuses_what_cannot_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Interworking Security Data, in its provisional layout. */
#include "support/testing.h"

#include <string.h>

#include "mcdata/interworking.h"

#define URI "000b 7369703a6b6d66406c6d72" /* sip:kmf@lmr */

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
} cases[] = {
    { "P25 request", "01 01 " URI " 0003 000000", KF_OK, NULL },
    { "TETRA request", "01 02 " URI " 0001 ff", KF_OK, NULL },
    { "request without LMR type", "01 00 " URI " 0001 00", KF_OK, NULL },
    { "response", "02 01 " URI, KF_OK, NULL },
    { "nothing", "", KF_E_TRUNCATED, "INTERSD.message_type" },
    { "message type 0", "00 01 " URI " 0001 00", KF_E_UNSUPPORTED, "INTERSD.message_type" },
    { "message type 3", "03 01 " URI " 0001 00", KF_E_UNSUPPORTED, "INTERSD.message_type" },
    { "LMR type 3", "01 03 " URI " 0001 00", KF_E_UNSUPPORTED, "INTERSD.lmr_type" },
    { "URI empty", "01 01 0000 0001 00", KF_E_MALFORMED, "INTERSD.uri" },
    { "URI with a blank", "01 01 0003 612062 0001 00", KF_E_MALFORMED, "INTERSD.uri" },
    { "URI with NUL", "01 01 0003 610062 0001 00", KF_E_MALFORMED, "INTERSD.uri" },
    { "URI overrun", "01 01 ffff 61", KF_E_TRUNCATED, "INTERSD.uri" },
    { "payload empty", "01 01 " URI " 0000", KF_E_MALFORMED, "INTERSD.payload_length" },
    { "payload overrun", "01 01 " URI " ffff 00", KF_E_TRUNCATED, "INTERSD.payload" },
    { "octet after the payload", "01 01 " URI " 0001 00 00", KF_E_TRAILING, "INTERSD" },
    { "response with a payload", "02 01 " URI " 0001 00", KF_E_TRAILING, "INTERSD" },
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[128], again[128];
        mcdata_interworking m;
        kf_fault fault;
        kf_slice in = testing_hex(cases[i].hex, buf, sizeof buf);
        kf_err err = mcdata_interworking_parse(in, &m, &fault);
        if (err != cases[i].want || (err != KF_OK && strcmp(fault.field, cases[i].field) != 0))
            fail_msg("%s: %s at %zu in %s", cases[i].name, kf_err_name(err), fault.at,
                     fault.field == NULL ? "-" : fault.field);
        if (err != KF_OK) {
            assert_int_equal(m.entity_uri.len + m.payload.len, 0);
            continue;
        }
        kf_writer w = kf_writer_init(again, sizeof again);
        mcdata_interworking_encode(&m, &w);
        assert_slice_equal(kf_writer_slice(&w), in);
        for (size_t len = 0; len < in.len; len++)
            assert_err(mcdata_interworking_parse((kf_slice){ buf, len }, &m, &fault),
                       KF_E_TRUNCATED);
    }
}

static void test_largest_payload(void **state)
{
    (void)state;
    static uint8_t payload[UINT16_MAX + 1], octets[UINT16_MAX + 100];
    mcdata_interworking m = { MCDATA_INTERWORKING_REQUEST,
                              MCDATA_LMR_TETRA,
                              kf_slice_str("sip:kmf@lmr"),
                              { payload, UINT16_MAX } },
                        back;
    kf_fault fault;
    kf_writer w = kf_writer_init(octets, sizeof octets);
    mcdata_interworking_encode(&m, &w);
    assert_ok(mcdata_interworking_parse(kf_writer_slice(&w), &back, &fault));
    assert_int_equal(back.payload.len, UINT16_MAX);
    m.payload.len++;
    w = kf_writer_init(octets, sizeof octets);
    mcdata_interworking_encode(&m, &w);
    assert_int_equal(w.err, KF_E_NO_SPACE);
}

static void test_encode_refuses_what_decode_would(void **state)
{
    (void)state;
    static const uint8_t one[1] = { 7 };
    static uint8_t long_uri[MCDATA_INTERWORKING_URI_MAX + 1];
    memset(long_uri, 'a', sizeof long_uri);
    const kf_slice uri = kf_slice_str("sip:kmf@lmr"), none = { NULL, 0 };
    const mcdata_interworking bad[] = {
        { (mcdata_interworking_type)0, MCDATA_LMR_P25, uri, KF_SLICE_OF(one) },
        { MCDATA_INTERWORKING_REQUEST, (mcdata_lmr_type)3, uri, KF_SLICE_OF(one) },
        { MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, none, KF_SLICE_OF(one) },
        { MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, KF_SLICE_OF(long_uri), KF_SLICE_OF(one) },
        { MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, uri, none },
        { MCDATA_INTERWORKING_RESPONSE, MCDATA_LMR_P25, uri, KF_SLICE_OF(one) },
    };
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        uint8_t octets[2048];
        kf_writer w = kf_writer_init(octets, sizeof octets);
        mcdata_interworking_encode(&bad[i], &w);
        assert_int_equal(w.err, KF_E_MALFORMED);
        assert_int_equal(w.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_largest_payload),
        cmocka_unit_test(test_encode_refuses_what_decode_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a file is taken for, and how its text form is undone. */
#include "explain/escape.h"
#include "explain/record.h"

#define HEAD     "011a050106a12aea0102"
#define HEAD_B64 "ARoFAQahKuoBAg=="

static const struct {
    const char *name, *input;
    explain_form form;
    explain_kind kind;
    size_t at, len; /* of the message in the input */
    const char *octets;
} cases[] = {
    { "hex", HEAD, EXPLAIN_HEX, EXPLAIN_I_MESSAGE, 0, 20, HEAD },
    { "hex in upper case, with white space", " 011A 0501\n06A12AEA\r\n0102 \n", EXPLAIN_HEX,
      EXPLAIN_I_MESSAGE, 1, 24, HEAD },
    { "base64", HEAD_B64, EXPLAIN_BASE64, EXPLAIN_I_MESSAGE, 0, 16, HEAD },
    { "base64 in lines", "ARoF\nAQah\nKuoB\nAg==\n", EXPLAIN_BASE64, EXPLAIN_I_MESSAGE, 0, 19,
      HEAD },
    { "a line of SDP", "a=key-mgmt:mikey " HEAD_B64, EXPLAIN_KEY_MGMT, EXPLAIN_I_MESSAGE, 17, 16,
      HEAD },
    { "an SDP", "v=0\r\na=x\r\na=key-mgmt:mikey " HEAD_B64 "\r\na=y\r\n", EXPLAIN_KEY_MGMT,
      EXPLAIN_I_MESSAGE, 27, 16, HEAD },
    { "the value of the attribute", "mikey " HEAD_B64 "\n", EXPLAIN_KEY_MGMT, EXPLAIN_I_MESSAGE, 6,
      16, HEAD },
    { "the first of two", "mikey " HEAD_B64 "\nmikey AAAA\n", EXPLAIN_KEY_MGMT, EXPLAIN_I_MESSAGE,
      6, 16, HEAD },
    { "a prefix alone", "mikey ", EXPLAIN_BINARY, EXPLAIN_UNKNOWN, 0, 6, "6d696b657920" },
    { "a prefix inside a line", "x mikey AAAA", EXPLAIN_BINARY, EXPLAIN_UNKNOWN, 0, 12,
      "78206d696b65792041414141" },
    { "hex wins over base64", "0123456789abcdef", EXPLAIN_HEX, EXPLAIN_UNKNOWN, 0, 16,
      "0123456789abcdef" },
    { "an odd number of digits is base64 if it can be", "00112233445566778899aabbccddeeff0011223",
      EXPLAIN_BINARY, EXPLAIN_UNKNOWN, 0, 39, NULL },
    { "XML", "<a/>", EXPLAIN_XML, EXPLAIN_KMS_XML, 0, 4, "3c612f3e" },
    { "XML after white space", "\n <a/>\n", EXPLAIN_XML, EXPLAIN_KMS_XML, 2, 4, "3c612f3e" },
    { "XML after a byte order mark", "\xef\xbb\xbf<a/>", EXPLAIN_XML, EXPLAIN_KMS_XML, 0, 7, NULL },
    { "key parameters of a PCK", "0100000001000000000000000000000000", EXPLAIN_HEX,
      EXPLAIN_KEY_PARAMS, 0, 34, NULL },
    { "key parameters of a GMK", "0000000001000000000000000000000000000100", EXPLAIN_HEX,
      EXPLAIN_KEY_PARAMS, 0, 40, NULL },
    { "a Protected Payload", "430000000001000000000001", EXPLAIN_HEX, EXPLAIN_PROTECTED, 0, 24,
      NULL },
    { "a message of the future", "021a050106a12aea0102", EXPLAIN_HEX, EXPLAIN_I_MESSAGE, 0, 20,
      NULL },
    { "another data type", "0102050106a12aea0102", EXPLAIN_HEX, EXPLAIN_I_MESSAGE, 0, 20, NULL },
    { "a container", "KFSEALED", EXPLAIN_BASE64, EXPLAIN_UNKNOWN, 0, 8, NULL },
    { "a container with its version", "KFSEALED\x01", EXPLAIN_BINARY, EXPLAIN_CONTAINER, 0, 9,
      NULL },
    { "a KMM", "0C00080098967F01234501", EXPLAIN_HEX, EXPLAIN_KMM, 0, 22, NULL },
    { "a KMM with another length", "0C00090098967F01234501", EXPLAIN_HEX, EXPLAIN_KMM, 0, 22,
      NULL },
    { "a KMM of no known name", "3200080098967F01234501", EXPLAIN_HEX, EXPLAIN_UNKNOWN, 0, 22,
      NULL },
    { "a KMM with reserved bits", "0C00080298967F01234501", EXPLAIN_HEX, EXPLAIN_UNKNOWN, 0, 22,
      NULL },
    { "a KMM in base64", "DAAIAJiWfwEjRQE=", EXPLAIN_BASE64, EXPLAIN_KMM, 0, 16,
      "0c00080098967f01234501" },
    { "a clear DLI datagram", "00008000000000000000000000000C00080098967F01234501", EXPLAIN_HEX,
      EXPLAIN_DLI, 0, 50, NULL },
    { "an encrypted DLI datagram", "00008410010F9E2CF60B7539FE00FCB8312DC7ABBA3D02292537",
      EXPLAIN_HEX, EXPLAIN_DLI, 0, 52, NULL },
    { "a DLI datagram of a vendor", "00908410010F9E2CF60B7539FE00FCB8312DC7ABBA3D02292537",
      EXPLAIN_HEX, EXPLAIN_DLI, 0, 52, NULL },
    { "DLD, encrypted", "44FEB314208D563900841101E8504690EE8E3D2AB69330", EXPLAIN_HEX, EXPLAIN_DLD,
      0, 46, NULL },
    { "Interworking Security Data", "010200057369703a610002FFFF", EXPLAIN_HEX, EXPLAIN_INTERWORKING,
      0, 26, NULL },
    { "a response of it", "020100057369703a61", EXPLAIN_HEX, EXPLAIN_INTERWORKING, 0, 18, NULL },
    { "a URI without a scheme", "020100057369706161", EXPLAIN_HEX, EXPLAIN_UNKNOWN, 0, 18, NULL },
    { "an ISSI packet", "8064000E0000168000000001818100000403440200", EXPLAIN_HEX, EXPLAIN_ISSI, 0,
      42, NULL },
    { "RTP of another type", "8000000E0000168000000001818100000403440200", EXPLAIN_HEX,
      EXPLAIN_UNKNOWN, 0, 42, NULL },
    { "an opcode", "d0", EXPLAIN_HEX, EXPLAIN_THREE_WIRE, 0, 2, NULL },
    { "no opcode", "d2", EXPLAIN_HEX, EXPLAIN_UNKNOWN, 0, 2, NULL },
    { "a three-wire frame", "C20011000098967F0C00080098967F00000100CA55", EXPLAIN_HEX,
      EXPLAIN_UNKNOWN, 0, 42, NULL },
    { "a three-wire frame with a wrong CRC", "C200110098967F0C00080098967F000001000000",
      EXPLAIN_HEX, EXPLAIN_THREE_WIRE, 0, 40, NULL },
    { "a three-wire frame with the right CRC", "C200110098967F0C00080098967F00000100CA55",
      EXPLAIN_HEX, EXPLAIN_THREE_WIRE, 0, 40, NULL },
    { "an .ekc file", "140700001F8B0800", EXPLAIN_HEX, EXPLAIN_EKC, 0, 16, NULL },
    { "nothing", "", EXPLAIN_BINARY, EXPLAIN_UNKNOWN, 0, 0, "" },
    { "white space", " \n", EXPLAIN_BINARY, EXPLAIN_UNKNOWN, 0, 2, "200a" },
};

static void forms_and_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        explain_found found;
        kf_secret *octets = NULL;
        kf_fault fault;
        uint8_t want[256];
        kf_err err = explain_unwrap(kf_slice_str(cases[i].input), &found, &octets, &fault);
        print_message("%s\n", cases[i].name);
        assert_int_equal(err, KF_OK);
        assert_int_equal(found.form, cases[i].form);
        assert_int_equal(found.kind, cases[i].kind);
        assert_int_equal(found.at, cases[i].at);
        assert_int_equal(found.len, cases[i].len);
        assert_non_null(found.form_because);
        assert_non_null(found.kind_because);
        if (cases[i].octets != NULL)
            assert_slice_equal(kf_secret_view(octets),
                               testing_hex(cases[i].octets, want, sizeof want));
        kf_secret_free(&octets);
    }
}

static void broken_base64_is_refused(void **state)
{
    (void)state;
    static const char *const inputs[] = { "AB==CD==",   "A===",     "mikey A",
                                          "mikey AR=A", "ARoFAR==", "====" };
    for (size_t i = 0; i < KF_COUNT(inputs); i++) {
        explain_found found;
        kf_secret *octets = NULL;
        kf_fault fault;
        assert_err(explain_unwrap(kf_slice_str(inputs[i]), &found, &octets, &fault),
                   KF_E_MALFORMED);
        assert_null(octets);
        assert_string_equal(fault.field, explain_form_name(found.form));
        assert_int_equal(fault.at, found.at);
    }
}

static void a_given_kind_wins(void **state)
{
    (void)state;
    const explain_options options = { .as = EXPLAIN_KEY_PARAMS };
    kf_err err = KF_OK;
    record *r = record_explain(kf_slice_str(HEAD), &options, &err);
    assert_int_equal(err, KF_E_TRUNCATED);
    assert_int_equal(r->found.kind, EXPLAIN_KEY_PARAMS);
    assert_string_equal(r->names[0], "PARAMS.key_type");
}

static void names_go_both_ways(void **state)
{
    (void)state;
    for (int kind = EXPLAIN_UNKNOWN; kind < (int)EXPLAIN_KINDS; kind++)
        assert_int_equal(explain_kind_named(kf_slice_str(explain_kind_name((explain_kind)kind))),
                         kind);
    assert_int_equal(explain_kind_named(kf_slice_str("poem")), EXPLAIN_UNKNOWN);
}

static const struct {
    const char *name, *text, *want;
} escapes[] = {
    { "plain", "sip:alice@example.org", "sip:alice@example.org" },
    { "backslash", "a\\b", "a\\\\b" },
    { "controls", "a\tb\nc\x1b[0m\x7f", "a\\x09b\\x0ac\\x1b[0m\\x7f" },
    { "letters", "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x9a\x92",
      "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x9a\x92" },
    { "not UTF-8", "\xff\xc3", "\\xff\\xc3" },
    { "longer than need be", "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf" },
    { "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
    { "past the end of Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
    { "C1 control", "\xc2\x9b", "\\xc2\\x9b" },
    { "right-to-left override",
      "a\xe2\x80\xae"
      "b",
      "a\\xe2\\x80\\xaeb" },
    { "zero width", "\xe2\x80\x8b\xef\xbb\xbf", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf" },
};

static void text_is_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(escapes); i++) {
        uint8_t buf[256];
        kf_writer w = kf_writer_init(buf, sizeof buf);
        explain_escape(kf_slice_str(escapes[i].text), sizeof buf, &w);
        assert_slice_equal(kf_writer_slice(&w), kf_slice_str(escapes[i].want));
    }
}

static void escaping_stays_in_bounds(void **state)
{
    (void)state;
    uint8_t in[300], buf[64];
    memset(in, 0xff, sizeof in);
    for (size_t max = 8; max <= sizeof buf; max++) {
        kf_writer w = kf_writer_init(buf, max);
        explain_escape(KF_SLICE_OF(in), max, &w);
        assert_int_equal(w.err, KF_OK);
        assert_true(w.len <= max && w.len >= 3);
        assert_memory_equal(buf + w.len - 3, "...", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_and_kinds),   cmocka_unit_test(broken_base64_is_refused),
        cmocka_unit_test(a_given_kind_wins), cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(text_is_escaped),   cmocka_unit_test(escaping_stays_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Requests on the control socket: what is accepted, what is refused and where, how verbs read. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>

#include "lab/control.h"

static const lab_verb verbs[] = {
    { "status", "show everything", { { .kind = LAB_OPERAND_NONE } } },
    { "rekey",
      "new keys for a crypto group",
      { { .kind = LAB_OPERAND_NUMBER, .name = "crypto-group", .min = 0, .max = 14 } } },
    { "changeover",
      "use them",
      { { .kind = LAB_OPERAND_NUMBER, .name = "crypto-group", .min = 0, .max = 14 },
        { .kind = LAB_OPERAND_WORD, .name = "force", .words = "override", .is_optional = true } } },
    { "service",
      "serve a unit or not",
      { { .kind = LAB_OPERAND_NUMBER, .name = "rsi", .min = 1, .max = 9999999 },
        { .kind = LAB_OPERAND_WORD, .name = "mode", .words = "on|off" } } },
    { "capture", "write datagrams", { { .kind = LAB_OPERAND_TEXT, .name = "file" } } },
    { "six",
      "as many operands as there can be",
      { { .kind = LAB_OPERAND_NUMBER, .name = "a", .min = 0, .max = UINT32_MAX },
        { .kind = LAB_OPERAND_NUMBER, .name = "b", .min = 5, .max = 5 },
        { .kind = LAB_OPERAND_TEXT, .name = "c" },
        { .kind = LAB_OPERAND_TEXT, .name = "d", .is_optional = true },
        { .kind = LAB_OPERAND_TEXT, .name = "e", .is_optional = true },
        { .kind = LAB_OPERAND_WORD, .name = "f", .words = "x|xx|xxx", .is_optional = true } } },
    { .name = NULL },
};

static void test_good_lines(void **state)
{
    static const struct {
        const char *line, *verb;
        size_t count;
        uint32_t numbers[LAB_CONTROL_OPERANDS];
    } cases[] = {
        { "status", "status", 0, { 0 } },
        { "rekey 0", "rekey", 1, { 0 } },
        { "rekey 14", "rekey", 1, { 14 } },
        { "changeover 3", "changeover", 1, { 3 } },
        { "changeover 3 override", "changeover", 2, { 3, 0 } },
        { "service 9999999 on", "service", 2, { 9999999, 0 } },
        { "service 1 off", "service", 2, { 1, 1 } },
        { "capture /tmp/a.pcap", "capture", 1, { 0 } },
        { "capture 007", "capture", 1, { 0 } },
        { "six 4294967295 5 ~ !", "six", 4, { UINT32_MAX, 5 } },
        { "six 0 5 c d e xxx", "six", 6, { 0, 5, 0, 0, 0, 2 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_request r;
        kf_fault fault;
        assert_ok(lab_request_parse(kf_slice_str(cases[i].line), verbs, &r, &fault));
        assert_string_equal(r.verb->name, cases[i].verb);
        assert_int_equal(r.count, cases[i].count);
        const char *word = cases[i].line;
        for (size_t k = 0; k < r.count; k++) {
            word = strchr(word, ' ') + 1;
            assert_int_equal(r.operands[k].number, cases[i].numbers[k]);
            assert_slice_equal(r.operands[k].text,
                               ((kf_slice){ (const uint8_t *)word, strcspn(word, " ") }));
        }
    }
}

static void test_bad_lines(void **state)
{
    static const struct {
        const char *line;
        kf_err want;
        size_t at;
        const char *field;
    } cases[] = {
        { "", KF_E_MALFORMED, 0, "control.verb" },
        { " status", KF_E_MALFORMED, 0, "control.verb" },
        { "stat", KF_E_UNSUPPORTED, 0, "control.verb" },
        { "statusx", KF_E_UNSUPPORTED, 0, "control.verb" },
        { "Status", KF_E_UNSUPPORTED, 0, "control.verb" },
        { "status\r", KF_E_MALFORMED, 0, "control.verb" },
        { "status ", KF_E_TRAILING, 7, "control.end" },
        { "status now", KF_E_TRAILING, 7, "control.end" },
        { "rekey", KF_E_TRUNCATED, 5, "crypto-group" },
        { "rekey ", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey  1", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey\t1", KF_E_MALFORMED, 0, "control.verb" },
        { "rekey 15", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 01", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey +1", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey -1", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 0x1", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 1\n", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 4294967297", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 18446744073709551617", KF_E_MALFORMED, 6, "crypto-group" },
        { "rekey 1 2", KF_E_TRAILING, 8, "control.end" },
        { "changeover 3 overrid", KF_E_MALFORMED, 13, "force" },
        { "changeover 3 overrides", KF_E_MALFORMED, 13, "force" },
        { "changeover override", KF_E_MALFORMED, 11, "crypto-group" },
        { "changeover 3 ", KF_E_MALFORMED, 13, "force" },
        { "service 0 on", KF_E_MALFORMED, 8, "rsi" },
        { "service 5", KF_E_TRUNCATED, 9, "mode" },
        { "service 5 on|off", KF_E_MALFORMED, 10, "mode" },
        { "service 5 o", KF_E_MALFORMED, 10, "mode" },
        { "capture a\x7f", KF_E_MALFORMED, 8, "file" },
        { "capture \xc3\xa4", KF_E_MALFORMED, 8, "file" },
        { "capture a b", KF_E_TRAILING, 10, "control.end" },
        { "six 4294967296 5 c", KF_E_MALFORMED, 4, "a" },
        { "six 1 6 c", KF_E_MALFORMED, 6, "b" },
        { "six 1 5", KF_E_TRUNCATED, 7, "c" },
        { "six 1 5 c d e xxxx", KF_E_MALFORMED, 14, "f" },
        { "six 1 5 c d e x g", KF_E_TRAILING, 16, "control.end" },
    };
    static const lab_request zero;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_request r;
        kf_fault fault;
        memset(&r, 0xff, sizeof r);
        assert_err(lab_request_parse(kf_slice_str(cases[i].line), verbs, &r, &fault),
                   cases[i].want);
        assert_int_equal(fault.code, cases[i].want);
        assert_int_equal(fault.at, cases[i].at);
        assert_string_equal(fault.field, cases[i].field);
        assert_memory_equal(&r, &zero, sizeof r);
    }
}

static void test_a_nul_is_an_octet(void **state)
{
    static const uint8_t line[] = { 's', 't', 'a', 't', 'u', 's', 0 };
    lab_request r;
    kf_fault fault;
    (void)state;
    assert_err(lab_request_parse(KF_SLICE_OF(line), verbs, &r, &fault), KF_E_MALFORMED);
}

static void test_length(void **state)
{
    char line[LAB_CONTROL_LINE_MAX + 1];
    lab_request r;
    kf_fault fault;
    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "capture ", 8);
    for (size_t len = LAB_CONTROL_LINE_MAX - 2; len <= sizeof line; len++) {
        const kf_err want = len < LAB_CONTROL_LINE_MAX ? KF_OK : KF_E_NO_SPACE;
        assert_err(lab_request_parse((kf_slice){ (const uint8_t *)line, len }, verbs, &r, &fault),
                   want);
        assert_true(want == KF_OK ? r.operands[0].text.len == len - 8 : r.verb == NULL);
    }
}

static void test_usage(void **state)
{
    static const char *const want[] = {
        "status",
        "rekey CRYPTO-GROUP",
        "changeover CRYPTO-GROUP [override]",
        "service RSI on|off",
        "capture FILE",
        "six A B C [D] [E] [x|xx|xxx]",
    };
    char buf[64];
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_ptr_equal(lab_verb_usage(&verbs[i], buf, sizeof buf), buf);
        assert_string_equal(buf, want[i]);
        for (size_t size = 1; size <= strlen(want[i]); size++) { /* what does not fit is cut */
            memset(buf, 'z', sizeof buf);
            (void)lab_verb_usage(&verbs[i], buf, size);
            assert_memory_equal(buf, want[i], size - 1);
            assert_int_equal(buf[size - 1], '\0');
            assert_int_equal(buf[size], 'z');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_a_nul_is_an_octet),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

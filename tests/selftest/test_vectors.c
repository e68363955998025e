/* The reader of known-answer files: what it takes, and what it refuses with which line number. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
    size_t line; /* of the failure */
    const char *field;
} bad[] = {
    { "field before any case", "a = 1\n", 1, "vectors.field_before_case" },
    { "field before any case, after comments", "# x\n\na = 1\n[c]\n", 3,
      "vectors.field_before_case" },
    { "neither field nor case", "[c]\na = 1\nhello\n", 3, "vectors.line" },
    { "no name", "[c]\n = 1\n", 2, "vectors.name" },
    { "name of two words", "[c]\na b = 1\n", 2, "vectors.name" },
    { "bracket in a name", "[c]\na] = 1\n", 2, "vectors.name" },
    { "case without name", "[c]\n[]\n", 2, "vectors.case" },
    { "case of two words", "[c d]\n", 1, "vectors.case" },
    { "case not closed", "[c\n", 1, "vectors.case" },
    { "only a bracket", "[", 1, "vectors.case" },
    { "text after a case", "[c] x\n", 1, "vectors.case" },
    { "comment after a case", "[c] # x\n", 1, "vectors.case" },
    { "case twice", "[c]\na = 1\n[d]\n[c]\n[d]\n", 4, "vectors.duplicate_case" },
    { "carriage return", "[c]\r\n", 1, "vectors.character" },
    { "control character in a value", "[c]\na = \x01\n", 2, "vectors.character" },
    { "control character in a comment", "# \x7f\n", 1, "vectors.character" },
};

static void refuses_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        vectors_file file;
        kf_fault fault = { 0 };
        print_message("  %s\n", bad[i].name);
        assert_err(vectors_parse(kf_slice_str(bad[i].text), &file, &fault), KF_E_MALFORMED);
        assert_int_equal(fault.code, KF_E_MALFORMED);
        assert_int_equal(fault.at, bad[i].line);
        assert_string_equal(fault.field, bad[i].field);
        assert_null(file.cases);
        assert_null(file.fields);
        assert_null(file.text);
        assert_int_equal(file.count, 0);
    }
}

static void refuses_a_nul(void **state)
{
    (void)state;
    static const uint8_t text[] = "[c]\na = 1\0 2\n";
    vectors_file file;
    kf_fault fault = { 0 };
    assert_err(vectors_parse((kf_slice){ text, sizeof text - 1 }, &file, &fault), KF_E_MALFORMED);
    assert_int_equal(fault.at, 2);
}

static void takes_good_files(void **state)
{
    (void)state;
    static const char text[] = "# a comment = with [everything]\n"
                               "\n"
                               "[one]\n"
                               "  \t\n"
                               "hex=00fF\n"
                               "\tnumber\t=\t18446744073709551615 \n"
                               "empty =\n"
                               "b64 = YWI=\n"
                               "key = 1\n"
                               "key = 2\n"
                               " [two]  \n"
                               "last = a b [c] # no comment";
    vectors_file file;
    kf_fault fault = { 0 };
    assert_ok(vectors_parse(kf_slice_str(text), &file, &fault));
    assert_int_equal(file.count, 2);
    assert_null(vectors_case_named(&file, "three"));

    vectors_case *one = testing_case(&file, "one");
    assert_int_equal(one->line, 3);
    assert_int_equal(one->count, 6);
    assert_true(vectors_has(one, "b64"));
    assert_false(vectors_has(one, "last"));
    assert_false(one->fields[3].used); /* vectors_has() does not mark */
    assert_slice_equal(vectors_text(one, "b64"), kf_slice_str("YWI="));
    assert_true(one->fields[3].used);
    assert_non_null(vectors_text(one, "empty").ptr);
    assert_int_equal(vectors_text(one, "empty").len, 0);
    assert_null(vectors_text(one, "last").ptr);

    assert_slice_equal(vectors_text(one, "key"), kf_slice_str("1")); /* the first of several */
    assert_true(one->fields[4].used);
    assert_false(one->fields[5].used);
    assert_int_equal(one->fields[5].line, 10);

    vectors_case *two = testing_case(&file, "two");
    assert_slice_equal(vectors_text(two, "last"), kf_slice_str("a b [c] # no comment"));
    vectors_clear(&file);
    assert_null(file.cases);
    vectors_clear(&file); /* twice is fine */
    vectors_clear(NULL);
}

static void takes_files_with_no_case(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n", "\n\n", "# only talk\n", "#", "   " };
    for (size_t i = 0; i < KF_COUNT(texts); i++) {
        vectors_file file;
        kf_fault fault = { 0 };
        assert_ok(vectors_parse(kf_slice_str(texts[i]), &file, &fault));
        assert_int_equal(file.count, 0);
        vectors_clear(&file);
    }
}

static void hex_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        kf_err want;
        const char *octets;
        size_t len;
    } cases[] = {
        { "[c]\nv = 00fF1a\n", KF_OK, "\x00\xff\x1a", 3 },
        { "[c]\nv =\n", KF_OK, "", 0 },
        { "[c]\nv = 0\n", KF_E_MALFORMED, "", 0 },
        { "[c]\nv = 0x00\n", KF_E_MALFORMED, "", 0 },
        { "[c]\nv = 00 11\n", KF_E_MALFORMED, "", 0 },
        { "[c]\nw = 00\n", KF_E_STATE, "", 0 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        vectors_file file;
        kf_fault fault = { 0 };
        uint8_t *octets;
        size_t len;
        assert_ok(vectors_parse(kf_slice_str(cases[i].text), &file, &fault));
        assert_err(vectors_hex(&file.cases[0], "v", &octets, &len), cases[i].want);
        assert_int_equal(len, cases[i].len);
        assert_true((octets != NULL) == (cases[i].want == KF_OK));
        if (octets != NULL)
            assert_memory_equal(octets, cases[i].octets, len);
        free(octets);
        vectors_clear(&file);
    }
}

static void decimal_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        kf_err want;
        uint64_t value;
    } cases[] = {
        { "[c]\nv = 0\n", KF_OK, 0 },
        { "[c]\nv = 2592000\n", KF_OK, 2592000 },
        { "[c]\nv = 18446744073709551615\n", KF_OK, UINT64_MAX },
        { "[c]\nv = 18446744073709551616\n", KF_E_MALFORMED, 0 },
        { "[c]\nv = 99999999999999999999\n", KF_E_MALFORMED, 0 },
        { "[c]\nv = -1\n", KF_E_MALFORMED, 0 },
        { "[c]\nv = 1a\n", KF_E_MALFORMED, 0 },
        { "[c]\nv =\n", KF_E_MALFORMED, 0 },
        { "[c]\nw = 1\n", KF_E_STATE, 0 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        vectors_file file;
        kf_fault fault = { 0 };
        uint64_t value = 7;
        assert_ok(vectors_parse(kf_slice_str(cases[i].text), &file, &fault));
        assert_err(vectors_decimal(&file.cases[0], "v", &value), cases[i].want);
        assert_true(value == cases[i].value);
        vectors_clear(&file);
    }
}

static void loads_from_disk(void **state)
{
    (void)state;
    vectors_file file;
    kf_fault fault = { 0 };
    testing_vectors_load("eccsi.txt", &file);
    assert_non_null(vectors_case_named(&file, "rfc6507-a"));
    vectors_clear(&file);

    assert_err(vectors_load("/nonexistent/file.txt", &file, &fault), KF_E_BACKEND);
    assert_null(file.text);
    fault = (kf_fault){ 0 };
    assert_err(vectors_load("/", &file, &fault),
               KF_E_BACKEND); /* a folder opens, but cannot be read */
}

static void refuses_a_huge_file(void **state)
{
    (void)state;
    char path[] = "/tmp/kf-vectors-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, ((off_t)16 << 20) + 1), 0); /* a hole: no disk is used */
    close(fd);
    vectors_file file;
    kf_fault fault = { 0 };
    kf_err err = vectors_load(path, &file, &fault);
    unlink(path);
    assert_err(err, KF_E_MALFORMED);
    assert_string_equal(fault.field, "vectors.size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_files), cmocka_unit_test(refuses_a_nul),
        cmocka_unit_test(takes_good_files),  cmocka_unit_test(takes_files_with_no_case),
        cmocka_unit_test(hex_values),        cmocka_unit_test(decimal_values),
        cmocka_unit_test(loads_from_disk),   cmocka_unit_test(refuses_a_huge_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

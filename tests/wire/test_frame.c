/* Frames: the table of refusals, prefixes, and writing what was read. */
#include "support/testing.h"

#include <string.h>

#include "wire/frame.h"

static void test_parse_table(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        kf_err want;
    } cases[] = {
        { "smallest", "00000006 01 01 00000007", KF_OK },
        { "with a body", "00000009 01 04 ffffffff 060000", KF_OK },
        { "nothing", "", KF_E_TRUNCATED },
        { "future version", "00000006 02 01 00000007", KF_E_UNSUPPORTED },
        { "version 0", "00000006 00 01 00000007", KF_E_UNSUPPORTED },
        { "kind 0", "00000006 01 00 00000007", KF_E_MALFORMED },
        { "kind 5", "00000006 01 05 00000007", KF_E_MALFORMED },
        { "too short", "00000005 01 01 000000", KF_E_MALFORMED },
        { "length 0", "00000000", KF_E_MALFORMED },
        { "too long", "00400001 01 01 00000007", KF_E_NO_SPACE },
        { "as long as can be", "00400000 01 01 00000007", KF_E_TRUNCATED },
        { "of 4 GiB", "ffffffff 01 01 00000007", KF_E_NO_SPACE },
        { "octet too many", "00000006 01 01 00000007 00", KF_E_TRAILING },
        { "octet missing", "00000007 01 01 00000007", KF_E_TRUNCATED },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[64], again[64];
        wire_frame f;
        kf_fault fault;
        kf_slice in = testing_hex(cases[i].hex, buf, sizeof buf);
        kf_err got = wire_frame_parse(in, &f, &fault);
        if (got != cases[i].want)
            fail_msg("%s: %s", cases[i].name, kf_err_name(got));
        kf_writer w = kf_writer_init(again, sizeof again);
        wire_frame_write(&w, &f);
        if (got == KF_OK)
            assert_slice_equal(kf_writer_slice(&w), in);
    }
}

static void test_octets_of_a_frame(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t octets;
        kf_err want;
    } cases[] = {
        { "", 0, KF_OK },
        { "000000", 0, KF_OK },
        { "00000006", 10, KF_OK },
        { "00400000 01", 4u + WIRE_FRAME_MAX, KF_OK },
        { "00400001", 0, KF_E_NO_SPACE },
        { "00000005", 0, KF_E_MALFORMED },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[8];
        size_t octets = 99;
        assert_err(wire_frame_octets(testing_hex(cases[i].hex, buf, sizeof buf), &octets),
                   cases[i].want);
        assert_int_equal(octets, cases[i].octets);
    }
}

static void test_a_body_too_long_is_not_written(void **state)
{
    (void)state;
    static uint8_t body[WIRE_FRAME_MAX], out[WIRE_FRAME_MAX + 16];
    kf_writer w = kf_writer_init(out, sizeof out);
    wire_frame_write(&w, &(wire_frame){ WIRE_ANSWER, 1, { body, sizeof body - 6 } });
    assert_int_equal(kf_writer_slice(&w).len, 4u + WIRE_FRAME_MAX);
    w = kf_writer_init(out, sizeof out);
    wire_frame_write(&w, &(wire_frame){ WIRE_ANSWER, 1, { body, sizeof body - 5 } });
    assert_int_equal(w.err, KF_E_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_table),
        cmocka_unit_test(test_octets_of_a_frame),
        cmocka_unit_test(test_a_body_too_long_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

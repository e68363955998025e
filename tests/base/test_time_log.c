/* Time as text and as NTP; the structured log. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"

static const struct {
    const char *text;
    kf_err want;
    kf_time t;
} times[] = {
    { "1970-01-01T00:00:00Z", KF_OK, 0 },
    { "2014-02-23T08:39:14Z", KF_OK, 1393144754 }, /* TS 33.180 D.2.4's example */
    { "2026-11-23T09:30:00Z", KF_OK, 1795426200 },
    { "2026-11-23T09:30:00.999Z", KF_OK, 1795426200 },
    { "2026-11-23T11:30:00+02:00", KF_OK, 1795426200 },
    { "2026-11-23T04:00:00-05:30", KF_OK, 1795426200 },
    { "2000-02-29T00:00:00Z", KF_OK, 951782400 },
    { "1900-01-01T00:00:00Z", KF_OK, -2208988800 },
    { "2036-02-07T06:28:16Z", KF_OK, 2085978496 }, /* NTP era 1 begins */
    { "1795426200", KF_OK, 1795426200 },
    { "0", KF_OK, 0 },
    { "", KF_E_MALFORMED, 0 },
    { "-5", KF_E_MALFORMED, 0 },
    { "now", KF_E_MALFORMED, 0 },
    { "2026-02-29T00:00:00Z", KF_E_MALFORMED, 0 },
    { "1900-02-29T00:00:00Z", KF_E_MALFORMED, 0 },
    { "2026-13-01T00:00:00Z", KF_E_MALFORMED, 0 },
    { "2026-00-01T00:00:00Z", KF_E_MALFORMED, 0 },
    { "2026-01-01T24:00:00Z", KF_E_MALFORMED, 0 },
    { "2026-01-01T00:00:00", KF_E_MALFORMED, 0 },
    { "2026-01-01 00:00:00Z", KF_E_MALFORMED, 0 },
    { "2026-01-01T00:00:00ZZ", KF_E_MALFORMED, 0 },
    { "2026-01-01T00:00:00.Z", KF_E_MALFORMED, 0 },
    { "2026-1-01T00:00:00Z", KF_E_MALFORMED, 0 },
    { "9999999999999999999", KF_E_MALFORMED, 0 },
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(times); i++) {
        kf_time t = -1;
        assert_err(kf_time_parse(kf_slice_str(times[i].text), &t), times[i].want);
        assert_true(t == times[i].t);
    }
}

static void test_format_agrees_with_libc(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "time");
    for (size_t i = 0; i < testing_count(2000, 1000000); i++) {
        kf_time t = (kf_time)(testing_rng_u64(&rng) % UINT64_C(315569520000)) - 62167219200;
        char ours[KF_TIME_TEXT_OCTETS], theirs[64];
        time_t libc = (time_t)t;
        struct tm tm;
        assert_non_null(gmtime_r(&libc, &tm));
        snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        kf_time_format(t, ours);
        assert_string_equal(ours, theirs);
        kf_time back = 0;
        assert_ok(kf_time_parse(kf_slice_str(ours), &back));
        assert_true(back == t);
    }
    char far[KF_TIME_TEXT_OCTETS];
    kf_time_format(INT64_MIN, far);
    assert_string_equal(far, "-9223372036854775808");
}

static void test_ntp_eras(void **state)
{
    (void)state;
    static const kf_time near[] = { 0, 1795426200, 2085978495, 2085978496, 2500000000, 6380945792 };
    static const int64_t off[] = { 0, 1, -1, 300, -300, 1000000000, -1000000000 };
    for (size_t i = 0; i < KF_COUNT(near); i++)
        for (size_t k = 0; k < KF_COUNT(off); k++) {
            kf_time t = near[i] + off[k];
            uint32_t field = (uint32_t)((uint64_t)kf_time_to_ntp(t) & UINT32_MAX);
            assert_true(kf_time_unfold_ntp32(field, near[i]) == t);
        }
    assert_true(kf_time_to_ntp(1393144754) == INT64_C(0xD6B43232)); /* TS 33.180 D.2.4 */
}

static kf_time fixed_now(void *ctx)
{
    (void)ctx;
    return 1795426200;
}

static char logged[4096];

static void keep(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    memcpy(logged, line, len);
    logged[len] = '\0';
}

static const kf_log log_to_test = { KF_LOG_INFO, { fixed_now, NULL }, keep, NULL };

static void test_log_line(void **state)
{
    (void)state;
    KF_LOG(&log_to_test, KF_LOG_WARN, "mikey.refused", kf_log_text("from", kf_slice_str("sip:a@b")),
           kf_log_id32("key_id", 0x0df9bc39), kf_log_number("at", -3));
    assert_string_equal(logged, "time=2026-11-23T09:30:00Z level=warn event=mikey.refused "
                                "from=sip:a@b key_id=0df9bc39 at=-3\n");
    logged[0] = '\0';
    KF_LOG(&log_to_test, KF_LOG_DEBUG, "quiet", kf_log_number("n", 1));
    assert_string_equal(logged, "");
    KF_LOG(NULL, KF_LOG_ERROR, "nobody", kf_log_number("n", 1));
}

static void test_log_cannot_be_forged(void **state)
{
    (void)state;
    KF_LOG(&log_to_test, KF_LOG_INFO, "x",
           kf_log_text("from", kf_slice_str("a\nlevel=error event=\"y\\\x80 z")));
    assert_non_null(strstr(logged, "from=\"a\\x0alevel=error event=\\x22y\\x5c\\x80 z\"\n"));
    assert_ptr_equal(strchr(logged, '\n'), logged + strlen(logged) - 1);

    char big[3000];
    memset(big, 'a', sizeof big);
    KF_LOG(&log_to_test, KF_LOG_INFO, "x", kf_log_text("from", (kf_slice){ (void *)big, 3000 }));
    assert_true(strlen(logged) <= KF_LOG_LINE_MAX);
    assert_string_equal(logged + strlen(logged) - 7, " cut=1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format_agrees_with_libc),
        cmocka_unit_test(test_ntp_eras),
        cmocka_unit_test(test_log_line),
        cmocka_unit_test(test_log_cannot_be_forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Message numbers: the window by table and by definition, retries, counters over crashes. */
#include "support/testing.h"

#include <string.h>

#include "p25/number.h"

#define RK1 P25_RK1_NONE
#define RK2 P25_RK2_DELAYED
#define RK3 P25_RK3_IMMEDIATE

/* seen: a message with number `last` was accepted; same: the octets are those of that message. */
static const struct {
    const char *name;
    uint16_t last, window;
    bool seen;
    p25_response_kind kind;
    uint16_t mn;
    bool same;
    p25_mn_verdict want;
} cases[] = {
    { "the first number", 0, 1000, false, RK3, 1, false, P25_MN_FRESH },
    { "a new unit and number 0, rule 1", 0, 1000, false, RK3, 0, false, P25_MN_REFUSED },
    { "a new unit and number 0, rule 2", 0, 1000, false, RK2, 0, false, P25_MN_FRESH },
    { "the next", 6001, 1000, true, RK3, 6002, false, P25_MN_FRESH },
    { "the last of the window", 100, 1000, true, RK3, 1100, false, P25_MN_FRESH },
    { "one past the window", 100, 1000, true, RK3, 1101, false, P25_MN_REFUSED },
    { "one before", 100, 1000, true, RK3, 99, false, P25_MN_REFUSED },
    { "a retry, RK3", 100, 1000, true, RK3, 100, true, P25_MN_RETRY },
    { "a retry, RK2", 100, 1000, true, RK2, 100, true, P25_MN_RETRY },
    { "a repeated RK1 is a replay", 100, 1000, true, RK1, 100, true, P25_MN_REFUSED },
    { "same number, other octets, RK1", 100, 1000, true, RK1, 100, false, P25_MN_REFUSED },
    { "same number, other octets, RK2", 100, 1000, true, RK2, 100, false, P25_MN_REFUSED },
    { "same number, other octets, RK3", 100, 1000, true, RK3, 100, false, P25_MN_REFUSED },
    { "same octets under a later number cannot be, but is fresh", 100, 1000, true, RK3, 101, true,
      P25_MN_FRESH },
    { "65535 to 0", 65535, 1000, true, RK3, 0, false, P25_MN_FRESH },
    { "65535 to 999", 65535, 1000, true, RK1, 999, false, P25_MN_FRESH },
    { "65535 to 1000", 65535, 1000, true, RK1, 1000, false, P25_MN_REFUSED },
    { "0 to 65535 is backwards", 0, 1000, true, RK3, 65535, false, P25_MN_REFUSED },
    { "65000 over the end", 65000, 1000, true, RK3, 464, false, P25_MN_FRESH },
    { "65000 too far over the end", 65000, 1000, true, RK3, 465, false, P25_MN_REFUSED },
    { "a retry of number 0", 0, 1000, true, RK3, 0, true, P25_MN_RETRY },
    { "window 0 takes nothing new", 5, 0, true, RK3, 6, false, P25_MN_REFUSED },
    { "window 0 takes a retry", 5, 0, true, RK3, 5, true, P25_MN_RETRY },
    { "window 1", 5, 1, true, RK3, 6, false, P25_MN_FRESH },
    { "window 1, two on", 5, 1, true, RK3, 7, false, P25_MN_REFUSED },
    { "window 65534: only one number back is refused", 5, 65534, true, RK3, 4, false,
      P25_MN_REFUSED },
    { "window 65534: two back is far ahead", 5, 65534, true, RK3, 3, false, P25_MN_FRESH },
    { "65535 is no check", 5, P25_MNP_OFF, true, RK3, 4, false, P25_MN_FRESH },
    { "65535, the same number, other octets", 5, P25_MNP_OFF, true, RK1, 5, false, P25_MN_FRESH },
    { "65535, and a retry is still a retry", 5, P25_MNP_OFF, true, RK3, 5, true, P25_MN_RETRY },
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        p25_mn_state s;
        uint8_t digest[32] = { 1 }, other[32] = { 2 };
        p25_mn_state_init(&s, cases[i].last, cases[i].window);
        if (cases[i].seen)
            p25_mn_accept(&s, cases[i].last, digest);
        p25_mn_verdict got =
            p25_mn_judge(&s, cases[i].kind, cases[i].mn, cases[i].same ? digest : other);
        if (got != cases[i].want)
            fail_msg("%s: got %d", cases[i].name, (int)got);
    }
}

/* All numbers from some starts, under some windows: fresh are exactly the next `window` ones. */
static void test_whole_circle(void **state)
{
    (void)state;
    static const uint16_t lasts[] = { 0, 1, 1000, 32767, 32768, 65534, 65535 };
    static const uint16_t windows[] = { 0, 1, 1000, 1680, 32768, 65534 };
    uint8_t digest[32] = { 0 }, other[32] = { 9 };
    for (size_t l = 0; l < KF_COUNT(lasts); l++)
        for (size_t w = 0; w < KF_COUNT(windows); w++) {
            p25_mn_state s;
            p25_mn_state_init(&s, 7, windows[w]);
            p25_mn_accept(&s, lasts[l], digest);
            uint16_t mn = lasts[l];
            for (uint32_t step = 1; step < 65536; step++) {
                mn = (uint16_t)(mn == 65535 ? 0 : mn + 1);
                assert_int_equal(p25_mn_judge(&s, RK3, mn, other),
                                 step <= windows[w] ? P25_MN_FRESH : P25_MN_REFUSED);
            }
        }
}

/* A recorded conversation is of no use: nothing accepted before is accepted again. */
static void test_replays(void **state)
{
    (void)state;
    p25_mn_state s, stored;
    p25_mn_state_init(&s, 65500, 100);
    for (uint32_t i = 1; i <= 100; i++) {
        uint8_t kmm[3] = { (uint8_t)i, 1, 2 }, digest[32], old[32];
        uint16_t mn = (uint16_t)(65500 + i);
        assert_ok(p25_mn_digest(KF_SLICE_OF(kmm), digest));
        assert_int_equal(p25_mn_judge(&s, RK3, mn, digest), P25_MN_FRESH);
        p25_mn_accept(&s, mn, digest);
        memcpy(&stored, &s, sizeof s); /* the state is all that a restart needs */
        assert_int_equal(p25_mn_judge(&stored, RK3, mn, digest), P25_MN_RETRY);
        for (uint32_t back = 1; back < i; back++) {
            kmm[0] = (uint8_t)back;
            assert_ok(p25_mn_digest(KF_SLICE_OF(kmm), old));
            assert_int_equal(p25_mn_judge(&stored, RK3, (uint16_t)(65500 + back), old),
                             P25_MN_REFUSED);
        }
    }
}

/* A disk: the limit that survives, and a switch to fail. */
typedef struct disk {
    uint64_t limit;
    size_t writes;
    bool fails;
} disk;

static kf_err disk_reserve(void *ctx, uint64_t limit)
{
    disk *d = ctx;
    if (d->fails)
        return KF_E_BACKEND;
    d->limit = limit;
    d->writes++;
    return KF_OK;
}

static void test_counter(void **state)
{
    (void)state;
    disk d = { P25_COUNTER_FIRST, 0, false };
    p25_counter_store store = { disk_reserve, &d };
    p25_counter c;
    uint16_t mn;
    p25_counter_init(&c, d.limit, 32, store);
    for (uint32_t i = 1; i <= 140000; i++) { /* over the end twice */
        assert_ok(p25_counter_take(&c, &mn));
        assert_int_equal(mn, i % 65536);
    }
    assert_int_equal(d.writes, 140000 / 32);
    d.fails = true;
    for (size_t i = 0; i < 3; i++) { /* 140000 is the end of a block of 32 */
        assert_err(p25_counter_take(&c, &mn), KF_E_BACKEND);
        assert_int_equal(mn, 0);
    }
    d.fails = false;
    assert_ok(p25_counter_take(&c, &mn));
    assert_int_equal(mn, 140001 % 65536);
}

/* Crash at any moment, also right after the disk wrote: numbers only ever go up, and a crash skips
 * no more than a block. */
static void test_counter_over_crashes(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "counter");
    disk d = { P25_COUNTER_FIRST, 0, false };
    p25_counter_store store = { disk_reserve, &d };
    p25_counter c;
    uint64_t last = 0;
    p25_counter_init(&c, d.limit, 10, store);
    for (size_t i = 0; i < testing_count(20000, 1000000); i++) {
        uint16_t mn;
        if (testing_rng_below(&rng, 7) == 0)
            p25_counter_init(&c, d.limit, (uint16_t)(1 + testing_rng_below(&rng, 10)), store);
        d.fails = testing_rng_below(&rng, 5) == 0;
        if (p25_counter_take(&c, &mn) != KF_OK)
            continue;
        uint64_t now = c.next - 1;
        assert_true(now > last && now - last <= 11);
        assert_true(now < d.limit);
        assert_int_equal(mn, now % 65536);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_whole_circle),
        cmocka_unit_test(test_replays),
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_counter_over_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Key identifiers, user salts, UIDs and key periods. The vector files are run by tests/selftest. */
#include "support/testing.h"

#include "mcsec/keyid.h"
#include "mcsec/uid.h"

static void test_keyid_has_its_tag(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "keyid");
    uint32_t seen = 0;
    for (unsigned p = MCSEC_GMK; p <= MCSEC_MUSIK; p++)
        for (int i = 0; i < 50; i++) {
            uint32_t id = 0;
            assert_ok(mcsec_keyid_new((mcsec_purpose)p, &rng.rng, &id));
            assert_int_equal(mcsec_keyid_tag(id), p);
            seen |= id & MCSEC_KEYID_MASK;
        }
    assert_int_equal(seen, MCSEC_KEYID_MASK); /* all 28 bits move */
    rng.budget = 3;
    uint32_t id = 1;
    assert_err(mcsec_keyid_new(MCSEC_GMK, &rng.rng, &id), KF_E_BACKEND);
    assert_int_equal(id, 0);
    assert_string_equal(mcsec_purpose_name(6), "MuSiK");
    assert_null(mcsec_purpose_name(7));
}

static void test_ukid_undoes_itself_and_keeps_the_tag(void **state)
{
    (void)state;
    kf_secret *gmk = testing_secret_hex("fcfe65cd967c58d260b603ccb9a887a9");
    uint32_t uk = 0, back = 0, other = 0;
    kf_slice uri = kf_slice_str("sip:p25user01@etherstack.com");
    assert_ok(mcsec_ukid(gmk, uri, 0x09bf9d37, &uk));
    assert_int_equal(uk, 0x01c8de7b); /* mikey-derive.txt guk-1 */
    assert_ok(mcsec_ukid(gmk, uri, uk, &back));
    assert_int_equal(back, 0x09bf9d37);
    assert_ok(mcsec_ukid(gmk, kf_slice_str("sip:p25user02@etherstack.com"), 0x09bf9d37, &other));
    assert_int_not_equal(other, uk);
    assert_ok(mcsec_ukid(gmk, uri, 0xf9bf9d37, &other));
    assert_int_equal(mcsec_keyid_tag(other), 0xf);
    kf_secret_free(&gmk);
}

static void test_dpck_length_follows_the_dppk(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        kf_err want;
    } cases[] = { { 0, KF_E_MALFORMED },  { 15, KF_E_MALFORMED }, { 16, KF_OK },
                  { 24, KF_E_MALFORMED }, { 32, KF_OK },          { 33, KF_E_MALFORMED } };
    uint8_t key[33] = { 1 };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_secret *dppk = testing_secret((kf_slice){ key, cases[i].len }), *dpck = NULL;
        assert_err(mcsec_dpck(dppk, 7, &dpck), cases[i].want);
        assert_int_equal(kf_secret_len(dpck), cases[i].want == KF_OK ? cases[i].len : 0);
        kf_secret_free(&dpck);
        kf_secret_free(&dppk);
    }
}

static const struct {
    mcsec_period period;
    bool valid;
} periods[] = {
    { { 1, 0 }, true },           { { 2592000, 2591999 }, true },
    { { 0, 0 }, false },          { { 10, 10 }, false },
    { { 10, 11 }, false },        { { UINT64_C(1) << 40, 0 }, false },
    { { UINT64_MAX, 0 }, false },
};

static void test_period_validity(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(periods); i++)
        assert_int_equal(mcsec_period_is_valid(periods[i].period), periods[i].valid);
}

static void test_period_covers_exactly_its_seconds(void **state)
{
    (void)state;
    static const mcsec_period list[] = { { 1, 0 }, { 10, 3 }, { 2592000, 0 }, { 604800, 604799 } };
    testing_rng rng;
    testing_rng_init(&rng, "period");
    for (size_t i = 0; i < KF_COUNT(list); i++)
        for (size_t k = 0; k < 500; k++) {
            kf_time t = (kf_time)(testing_rng_u64(&rng) % UINT64_C(9000000000)) - 1000000000;
            uint64_t n = mcsec_period_number(list[i], t);
            kf_time start = mcsec_period_start(list[i], n), end = mcsec_period_end(list[i], n);
            assert_true(start <= t && t < end);
            assert_true(end - start == (int64_t)list[i].length_s);
            assert_true(mcsec_period_number(list[i], start) == n);
            assert_true(mcsec_period_number(list[i], end) == n + 1);
        }
    /* before the first period of NTP time */
    assert_true(mcsec_period_number(list[1], -KF_NTP_UNIX_OFFSET + 2) == 0);
    assert_true(mcsec_period_number(list[1], INT64_MIN + KF_NTP_UNIX_OFFSET) == 0);
    /* no overflow at the far end */
    assert_true(mcsec_period_start(list[2], UINT64_MAX) <= INT64_MAX);
}

static void test_uid_depends_on_every_input(void **state)
{
    (void)state;
    const kf_slice a = kf_slice_str("sip:a@b"), kms = kf_slice_str("kms.b");
    const mcsec_period base = { 100, 7 };
    const struct {
        kf_slice uri, kms;
        mcsec_period period;
        uint64_t n;
    } inputs[] = {
        { a, kms, base, 5 },
        { kf_slice_str("sip:a@c"), kms, base, 5 },
        { a, kf_slice_str("kms.c"), base, 5 },
        { a, kms, { 101, 7 }, 5 },
        { a, kms, { 100, 8 }, 5 },
        { a, kms, base, 6 },
        { kf_slice_str("sip:a@bk"), kf_slice_str("ms.b"), base, 5 }, /* lengths are bound too */
    };
    uint8_t uid[KF_COUNT(inputs)][MCSEC_UID_OCTETS];
    for (size_t i = 0; i < KF_COUNT(inputs); i++) {
        assert_ok(mcsec_uid(inputs[i].uri, inputs[i].kms, inputs[i].period, inputs[i].n, uid[i]));
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(uid[i], uid[k], MCSEC_UID_OCTETS);
    }
    assert_err(mcsec_uid((kf_slice){ NULL, 0 }, kms, base, 5, uid[0]), KF_E_MALFORMED);
    assert_err(mcsec_uid(a, (kf_slice){ NULL, 0 }, base, 5, uid[0]), KF_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyid_has_its_tag),
        cmocka_unit_test(test_ukid_undoes_itself_and_keeps_the_tag),
        cmocka_unit_test(test_dpck_length_follows_the_dppk),
        cmocka_unit_test(test_period_validity),
        cmocka_unit_test(test_period_covers_exactly_its_seconds),
        cmocka_unit_test(test_uid_depends_on_every_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The KMF with one subscriber on a perfect line: what the operator asks, and what comes of it. */
#include "otar/pair.h"

static void changeover_waits(void **state)
{
    static pair r;
    uint32_t names[2];
    size_t count = 0;
    (void)state;
    pair_open(&r, P25_LEVEL_ENHANCED);
    join(&r, 10);
    register_unit(&r);
    run(&r);
    assert_true(is_settled(&r));
    assert_true(r.largest <= P25_DLI_OCTETS + P25_DLI_KMM_SEND_MAX);
    assert_err(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count), KF_E_STATE);
    assert_ok(otar_kmf_rekey(r.kmf, 0));
    assert_err(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count), KF_E_DENIED);
    assert_int_equal(count, 1);
    assert_int_equal(names[0], PAIR_RSI);
    run(&r);
    assert_ok(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count));
    run(&r);
    for (uint16_t sln = 1; sln <= 10; sln++)
        assert_int_equal(otar_unit_current(r.unit, sln)->kid, otar_kmf_key(r.kmf, sln, true)->kid);
    pair_close(&r);
}

static void operator_verbs(void **state)
{
    static pair r;
    const p25_date_time t = { 2026, 11, 23, 12, 0, 0 };
    (void)state;
    pair_open(&r, P25_LEVEL_BASIC);
    join(&r, 2);
    register_unit(&r);
    run(&r);
    assert_ok(otar_kmf_set_date_time(r.kmf, PAIR_RSI, &t));
    assert_ok(otar_kmf_modify_key(r.kmf, PAIR_RSI, 1));
    assert_ok(otar_kmf_warm_start(r.kmf, PAIR_RSI));
    run(&r);
    assert_int_equal(r.dates, 1);
    assert_true(is_settled(&r));
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_ok(otar_kmf_set_member(r.kmf, PAIR_RSI, 2, false));
    run(&r);
    assert_null(otar_unit_current(r.unit, 2));
    assert_non_null(otar_unit_current(r.unit, 1));
    assert_ok(otar_kmf_change_rsi(r.kmf, PAIR_RSI, PAIR_RSI, 0x2002));
    run(&r);
    assert_int_equal(otar_unit_rsi(r.unit), 0x2002);
    assert_ok(otar_kmf_inventory(r.kmf, 0x2002));
    run(&r);
    assert_ok(otar_kmf_zeroize(r.kmf, 0x2002));
    run(&r);
    assert_int_equal(otar_unit_keys(r.unit)->count, 0);
    pair_close(&r);
}

static void records(void **state)
{
    static pair r;
    otar_kmf *again = NULL;
    (void)state;
    pair_open(&r, P25_LEVEL_BASIC);
    join(&r, 2);
    register_unit(&r);
    run(&r);
    for (uint32_t slot = 0; slot < 2; slot++)
        for (size_t len = 0; len < r.len[slot]; len++) {
            assert_ok(new_kmf(&r, &again));
            if (slot == 1)
                assert_ok(otar_kmf_load(again, 0, (kf_slice){ r.records[0], r.len[0] }));
            assert_int_not_equal(otar_kmf_load(again, slot, (kf_slice){ r.records[slot], len }),
                                 KF_OK);
            otar_kmf_free(&again);
        }
    pair_close(&r);
}

/* The Zeroize that was under way when a unit got another UKEK is not sent to it again. */
static void a_new_ukek_ends_a_zeroize(void **state)
{
    static pair r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer lost = kf_writer_init(buf, sizeof buf);
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a1,
                             .is_kek = true };
    kf_secret *ukek = NULL, *copy = NULL;
    uint32_t rsi = 0;
    (void)state;
    pair_open(&r, P25_LEVEL_BASIC);
    join(&r, 1);
    register_unit(&r);
    run(&r);
    assert_ok(otar_kmf_zeroize(r.kmf, PAIR_RSI));
    assert_ok(otar_kmf_next(r.kmf, r.now, &rsi, &lost));
    assert_true(lost.len > 0);
    assert_ok(kf_secret_new_random(&r.rng.rng, 32, &ukek));
    assert_ok(kf_secret_dup(ukek, &copy));
    assert_ok(otar_unit_load(r.unit, &where, &copy));
    assert_ok(otar_kmf_set_ukek(r.kmf, PAIR_RSI, 0xf5a1, &ukek));
    r.now += 100;
    run(&r);
    assert_non_null(otar_unit_current(r.unit, 1));
    assert_true(is_settled(&r));
    pair_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_ukek_ends_a_zeroize),
        cmocka_unit_test(changeover_waits),
        cmocka_unit_test(operator_verbs),
        cmocka_unit_test(records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

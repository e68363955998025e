/* The KMF with one subscriber on a perfect line: what the operator asks, and what comes of it. */
#include <string.h>

#include "otar/kmf.h"
#include "otar/unit.h"
#include "support/testing.h"

#define KMF_RSI 0x98967fu
#define SU_RSI  0x1001u

typedef struct rig {
    testing_rng rng;
    otar_kmf *kmf;
    otar_unit *unit;
    kf_time now;
    size_t largest, sent, dates;
    size_t len[2]; /* of the KMF's records */
    uint8_t records[2][8192];
} rig;

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice record)
{
    rig *r = ctx;
    assert_true(slot < 2 && record.len <= sizeof r->records[0]);
    memcpy(r->records[slot], record.ptr, record.len);
    r->len[slot] = record.len;
    return KF_OK;
}

static kf_err save_unit(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

static void watch_unit(void *ctx, const otar_event *e)
{
    ((rig *)ctx)->dates += e->kind == OTAR_EV_DATE_TIME ? 1u : 0u;
}

static kf_err new_kmf(rig *r, otar_kmf **out)
{
    const otar_kmf_config config = { .rsi = KMF_RSI, .first_scheme = P25_MAC_CMAC_D };
    return otar_kmf_new(&config, &(otar_store){ save_kmf, r }, &(otar_watch){ 0 }, &r->rng.rng,
                        out);
}

static void rig_open(rig *r, p25_level level)
{
    const otar_unit_config config = {
        .rsi = SU_RSI, .kmf_rsi = KMF_RSI, .level = level, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a0,
                             .is_kek = true };
    kf_secret *ukek = NULL, *copy = NULL;
    memset(r, 0, sizeof *r);
    testing_rng_init(&r->rng, "otar kmf");
    assert_ok(new_kmf(r, &r->kmf));
    assert_ok(otar_unit_new(&config, &(otar_store){ save_unit, r }, &(otar_watch){ watch_unit, r },
                            &r->rng.rng, (kf_slice){ 0 }, &r->unit));
    assert_ok(kf_secret_new_random(&r->rng.rng, 32, &ukek));
    assert_ok(kf_secret_dup(ukek, &copy));
    assert_ok(otar_unit_load(r->unit, &where, &copy));
    assert_ok(otar_kmf_add_unit(r->kmf, SU_RSI, level, 0xf5a0, &ukek));
}

static void rig_close(rig *r)
{
    otar_kmf_free(&r->kmf);
    otar_unit_free(&r->unit);
}

static void tell_kmf(rig *r, kf_slice datagram)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], ignored[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    kf_writer none = kf_writer_init(ignored, sizeof ignored);
    assert_ok(otar_kmf_receive(r->kmf, r->now, datagram, &out));
    if (out.len > 0)
        assert_ok(otar_unit_receive(r->unit, r->now, kf_writer_slice(&out), &none));
}

static void register_unit(rig *r)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_ok(otar_unit_register(r->unit, true, &out));
    tell_kmf(r, kf_writer_slice(&out));
    assert_true(otar_unit_is_registered(r->unit));
}

/* Everything that is due, to and fro. */
static void run(rig *r)
{
    for (;;) {
        uint8_t buf[P25_DLI_DATAGRAM_MAX], answer[P25_DLI_DATAGRAM_MAX];
        kf_writer out = kf_writer_init(buf, sizeof buf);
        kf_writer back = kf_writer_init(answer, sizeof answer);
        uint32_t rsi = 0;
        assert_ok(otar_kmf_next(r->kmf, r->now, &rsi, &out));
        if (out.len == 0)
            return;
        assert_true(++r->sent < 1000);
        r->largest = out.len > r->largest ? out.len : r->largest;
        assert_ok(otar_unit_receive(r->unit, r->now, kf_writer_slice(&out), &back));
        if (back.len > 0)
            tell_kmf(r, kf_writer_slice(&back));
    }
}

static void join(rig *r, uint16_t count)
{
    for (uint16_t sln = 1; sln <= count; sln++) {
        assert_ok(otar_kmf_add_group(r->kmf, sln));
        assert_ok(otar_kmf_set_member(r->kmf, SU_RSI, sln, true));
    }
}

static bool is_settled(const rig *r)
{
    otar_unit_status s;
    assert_ok(otar_kmf_status(r->kmf, SU_RSI, &s));
    return s.is_settled;
}

static void changeover_waits(void **state)
{
    static rig r;
    uint32_t names[2];
    size_t count = 0;
    (void)state;
    rig_open(&r, P25_LEVEL_ENHANCED);
    join(&r, 10);
    register_unit(&r);
    run(&r);
    assert_true(is_settled(&r));
    assert_true(r.largest <= P25_DLI_OCTETS + P25_DLI_KMM_SEND_MAX);
    assert_err(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count), KF_E_STATE);
    assert_ok(otar_kmf_rekey(r.kmf, 0));
    assert_err(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count), KF_E_DENIED);
    assert_int_equal(count, 1);
    assert_int_equal(names[0], SU_RSI);
    run(&r);
    assert_ok(otar_kmf_changeover(r.kmf, 0, false, names, 2, &count));
    run(&r);
    for (uint16_t sln = 1; sln <= 10; sln++)
        assert_int_equal(otar_unit_current(r.unit, sln)->kid, otar_kmf_key(r.kmf, sln, true)->kid);
    rig_close(&r);
}

static void operator_verbs(void **state)
{
    static rig r;
    const p25_date_time t = { 2026, 11, 23, 12, 0, 0 };
    (void)state;
    rig_open(&r, P25_LEVEL_BASIC);
    join(&r, 2);
    register_unit(&r);
    run(&r);
    assert_ok(otar_kmf_set_date_time(r.kmf, SU_RSI, &t));
    assert_ok(otar_kmf_modify_key(r.kmf, SU_RSI, 1));
    assert_ok(otar_kmf_warm_start(r.kmf, SU_RSI));
    run(&r);
    assert_int_equal(r.dates, 1);
    assert_true(is_settled(&r));
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_ok(otar_kmf_set_member(r.kmf, SU_RSI, 2, false));
    run(&r);
    assert_null(otar_unit_current(r.unit, 2));
    assert_non_null(otar_unit_current(r.unit, 1));
    assert_ok(otar_kmf_change_rsi(r.kmf, SU_RSI, SU_RSI, 0x2002));
    run(&r);
    assert_int_equal(otar_unit_rsi(r.unit), 0x2002);
    assert_ok(otar_kmf_inventory(r.kmf, 0x2002));
    run(&r);
    assert_ok(otar_kmf_zeroize(r.kmf, 0x2002));
    run(&r);
    assert_int_equal(otar_unit_keys(r.unit)->count, 0);
    rig_close(&r);
}

static void records(void **state)
{
    static rig r;
    otar_kmf *again = NULL;
    (void)state;
    rig_open(&r, P25_LEVEL_BASIC);
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
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changeover_waits),
        cmocka_unit_test(operator_verbs),
        cmocka_unit_test(records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a KMF must not believe: damaged, old and misdirected answers. */
#include "otar/pair.h"

#define ANSWERS_MAX 32u

typedef struct tape {
    size_t count;
    size_t len[ANSWERS_MAX];
    uint8_t octets[ANSWERS_MAX][P25_DLI_DATAGRAM_MAX];
} tape;

static tape answers; /* of the unit, all that were given */

static size_t held(const pair *r)
{
    otar_unit_status s;
    assert_ok(otar_kmf_status(r->kmf, PAIR_RSI, &s));
    return s.held;
}

/* The KMF is told, and takes nothing from it. */
static void is_nothing(pair *r, kf_slice datagram)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    const size_t saves = r->saves, keys = held(r);
    const unsigned acknowledged = r->told[OTAR_EV_ACKNOWLEDGED];
    assert_ok(otar_kmf_receive(r->kmf, r->now, datagram, &out));
    assert_int_equal(out.len, 0);
    assert_int_equal(r->saves, saves);
    assert_int_equal(held(r), keys);
    assert_int_equal(r->told[OTAR_EV_ACKNOWLEDGED], acknowledged);
}

static void damage(pair *r, kf_slice good)
{
    uint8_t bad[P25_DLI_DATAGRAM_MAX];
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        if (bit / 8 == P25_DLI_OCTETS - 1) /* the last octet of an MI means nothing (facts 2.3) */
            continue;
        memcpy(bad, good.ptr, good.len);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        is_nothing(r, (kf_slice){ bad, good.len });
    }
    for (size_t len = 0; len < good.len; len++)
        is_nothing(r, (kf_slice){ good.ptr, len });
}

/* As run(), but each answer first comes damaged in every way, then whole, then once more. */
static void run_damaged(pair *r)
{
    for (;;) {
        uint8_t buf[P25_DLI_DATAGRAM_MAX], answer[P25_DLI_DATAGRAM_MAX];
        kf_writer out = kf_writer_init(buf, sizeof buf);
        kf_writer back = kf_writer_init(answer, sizeof answer);
        const unsigned acknowledged = r->told[OTAR_EV_ACKNOWLEDGED];
        uint32_t rsi = 0;
        assert_ok(otar_kmf_next(r->kmf, r->now, &rsi, &out));
        if (out.len == 0)
            return;
        assert_ok(otar_unit_receive(r->unit, r->now, kf_writer_slice(&out), &back));
        damage(r, kf_writer_slice(&back));
        tell_kmf(r, kf_writer_slice(&back));
        assert_int_equal(r->told[OTAR_EV_ACKNOWLEDGED], acknowledged + 1);
        is_nothing(r, kf_writer_slice(&back));
        assert_true(answers.count < ANSWERS_MAX);
        memcpy(answers.octets[answers.count], answer, back.len);
        answers.len[answers.count++] = back.len;
    }
}

static void replay_all(pair *r)
{
    for (size_t i = 0; i < answers.count; i++)
        is_nothing(r, (kf_slice){ answers.octets[i], answers.len[i] });
}

static void every_bit(void **state)
{
    static pair r;
    uint32_t names[1];
    size_t count = 0;
    (void)state;
    answers.count = 0;
    pair_open(&r, P25_LEVEL_BASIC);
    join(&r, 1);
    register_unit(&r);
    run_damaged(&r); /* warm start, rekey, inventories */
    assert_ok(otar_kmf_rekey(r.kmf, 0));
    run_damaged(&r);
    assert_ok(otar_kmf_changeover(r.kmf, 0, false, names, 1, &count));
    run_damaged(&r);
    assert_true(is_settled(&r));
    assert_int_equal(answers.count, 6);
    /* what was recorded is worth nothing, after a restart and with a command outstanding too */
    replay_all(&r);
    restart_kmf(&r);
    replay_all(&r);
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    uint32_t rsi = 0;
    assert_ok(otar_kmf_next(r.kmf, r.now, &rsi, &out));
    assert_true(out.len > 0);
    replay_all(&r);
    pair_close(&r);
}

/* An answer with the right number under a right key, from somebody else. */
static void somebody_else(void **state)
{
    static pair r;
    (void)state;
    pair_open(&r, P25_LEVEL_BASIC);
    join(&r, 1);
    register_unit(&r);
    run(&r);
    assert_ok(otar_kmf_add_unit(r.kmf, 0x1002, P25_LEVEL_BASIC, 0xf5a1, NULL));
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t from[] = { 0x1002, 0x1003, KMF_RSI, PAIR_RSI };
        uint8_t buf[P25_DLI_DATAGRAM_MAX], fake[P25_DLI_DATAGRAM_MAX];
        kf_writer out = kf_writer_init(buf, sizeof buf), w = kf_writer_init(fake, sizeof fake);
        uint32_t rsi = 0;
        assert_ok(otar_kmf_inventory(r.kmf, PAIR_RSI));
        assert_ok(otar_kmf_next(r.kmf, r.now, &rsi, &out));
        if (i == 0)
            assert_true(out.len > 0);
        p25_tek *tek = otar_kmf_key(r.kmf, 1, true)->tek;
        p25_kmm kmm = { .frame = { .message_id = P25_KMM_INVENTORY_RSP,
                                   .source_rsi = from[i],
                                   .destination_rsi = from[i] == PAIR_RSI ? KMF_RSI + 1 : KMF_RSI,
                                   .has_mn = true } };
        kmm.body.inventory_rsp.type = P25_INVENTORY_ACTIVE_KIDS; /* nothing left */
        const p25_seal how = { .mac = tek, .scheme = P25_MAC_CMAC_D, .outer = tek };
        for (uint16_t mn = 1; mn < 20; mn++) { /* whichever number is right */
            w = kf_writer_init(fake, sizeof fake);
            kmm.frame.mn = mn;
            assert_ok(p25_seal_dli(&how, &kmm, &r.rng.rng, &w));
            is_nothing(&r, kf_writer_slice(&w));
        }
    }
    pair_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit),
        cmocka_unit_test(somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

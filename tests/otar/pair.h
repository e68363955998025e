/** @file pair.h A KMF and one subscriber, both real, on a perfect line. */
#ifndef TESTS_OTAR_PAIR_H
#define TESTS_OTAR_PAIR_H

#include <string.h>

#include "otar/kmf.h"
#include "otar/unit.h"
#include "support/testing.h"

#define KMF_RSI  0x98967fu
#define PAIR_RSI 0x1001u

#define PAIR_SLOTS 3u /* and one for a unit that a test adds */

typedef struct pair {
    testing_rng rng;
    otar_kmf *kmf;
    otar_unit *unit;
    kf_time now;
    size_t largest, sent, dates, saves;
    unsigned told[OTAR_EV_SETTLED + 1]; /* by the KMF */
    size_t len[PAIR_SLOTS];             /* of the KMF's records */
    uint8_t records[PAIR_SLOTS][16384];
} pair;

static inline kf_err save_kmf(void *ctx, uint32_t slot, kf_slice record)
{
    pair *r = ctx;
    r->saves++;
    assert_true(slot < PAIR_SLOTS && record.len <= sizeof r->records[0]);
    memcpy(r->records[slot], record.ptr, record.len);
    r->len[slot] = record.len;
    return KF_OK;
}

static inline kf_err save_unit(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

static inline void watch_unit(void *ctx, const otar_event *e)
{
    ((pair *)ctx)->dates += e->kind == OTAR_EV_DATE_TIME ? 1u : 0u;
}

static inline void watch_kmf(void *ctx, const otar_event *e)
{
    ((pair *)ctx)->told[e->kind]++;
}

static inline kf_err new_kmf(pair *r, otar_kmf **out)
{
    const otar_kmf_config config = { .rsi = KMF_RSI, .first_scheme = P25_MAC_CMAC_D };
    return otar_kmf_new(&config, &(otar_store){ save_kmf, r }, &(otar_watch){ watch_kmf, r },
                        &r->rng.rng, out);
}

static inline void pair_open(pair *r, p25_level level)
{
    const otar_unit_config config = {
        .rsi = PAIR_RSI, .kmf_rsi = KMF_RSI, .level = level, .first_scheme = P25_MAC_CMAC_D
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
    assert_ok(otar_kmf_add_unit(r->kmf, PAIR_RSI, level, 0xf5a0, &ukek));
}

static inline void pair_close(pair *r)
{
    otar_kmf_free(&r->kmf);
    otar_unit_free(&r->unit);
}

static inline void tell_kmf(pair *r, kf_slice datagram)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], ignored[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    kf_writer none = kf_writer_init(ignored, sizeof ignored);
    assert_ok(otar_kmf_receive(r->kmf, r->now, datagram, &out));
    if (out.len > 0)
        assert_ok(otar_unit_receive(r->unit, r->now, kf_writer_slice(&out), &none));
}

static inline void register_unit(pair *r)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_ok(otar_unit_register(r->unit, true, &out));
    tell_kmf(r, kf_writer_slice(&out));
    assert_true(otar_unit_is_registered(r->unit));
}

/* From its records. */
static inline void restart_kmf(pair *r)
{
    otar_kmf_free(&r->kmf);
    assert_ok(new_kmf(r, &r->kmf));
    for (uint32_t slot = 0; slot < PAIR_SLOTS && r->len[slot] > 0; slot++)
        assert_ok(otar_kmf_load(r->kmf, slot, (kf_slice){ r->records[slot], r->len[slot] }));
}

/* Everything that is due, to and fro. */
static inline void run(pair *r)
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

static inline void join(pair *r, uint16_t count)
{
    for (uint16_t sln = 1; sln <= count; sln++) {
        assert_ok(otar_kmf_add_group(r->kmf, sln));
        assert_ok(otar_kmf_set_member(r->kmf, PAIR_RSI, sln, true));
    }
}

static inline bool is_settled(const pair *r)
{
    otar_unit_status s;
    assert_ok(otar_kmf_status(r->kmf, PAIR_RSI, &s));
    return s.is_settled;
}

#endif

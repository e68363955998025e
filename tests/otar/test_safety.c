/*
 * The safety rule on random schedules: whatever the network, restarts and the operator do, a unit
 * that had a usable key for a group it belongs to has one at every moment, unless it was zeroized;
 * and once everybody can be reached, everybody holds and uses the right keys.
 */
#include <stdio.h>
#include <string.h>

#include "otar/kmf.h"
#include "otar/unit.h"
#include "support/testing.h"

#define UNITS        4u
#define GROUPS       3u
#define PACKETS      64u
#define RECORD_MAX   8192u
#define KMF_RSI      0x98967fu
#define SLOTS        (UNITS + 1u)
#define BUSY_SECONDS 150u
#define HEAL_SECONDS 400u

static const uint16_t slns[GROUPS] = { 1, 2, 0x1003 };

/* A generator that is quick: a simulation draws a lot. */
typedef struct dice {
    uint64_t state;
} dice;

static uint64_t roll(dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(dice *d, size_t limit)
{
    return (size_t)(roll(d) % limit);
}

static kf_err dice_fill(void *ctx, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)roll(ctx);
    return KF_OK;
}

typedef struct packet {
    bool is_set, to_kmf;
    uint32_t rsi;
    kf_time at;
    size_t len;
    uint8_t octets[P25_DLI_DATAGRAM_MAX];
} packet;

typedef struct record {
    size_t len;
    uint8_t octets[RECORD_MAX];
} record;

typedef struct member {
    otar_unit *unit;
    record saved;
    bool is_off_air, is_condemned;
    bool had[GROUPS];    /* a usable key, once */
    bool leaves[GROUPS]; /* an erasure the operator asked for may be under way */
    bool in[GROUPS];     /* as the operator wants it */
    uint16_t last_mn;    /* that the KMF used */
    bool has_last_mn;
} member;

typedef struct world {
    dice dice;
    kf_rng rng;
    kf_time now;
    otar_kmf *kmf;
    record saved[SLOTS];
    member members[UNITS];
    packet net[PACKETS];
    bool is_healing;
    unsigned long number; /* of the schedule */
} world;

#define HOLD(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("schedule %lu at %ld: %s", (w)->number, (long)(w)->now, #condition);          \
    } while (0)

static uint32_t rsi_of(size_t i)
{
    return (uint32_t)(1000 + i);
}

static kf_err keep(record *r, kf_slice octets)
{
    assert_true(octets.len <= sizeof r->octets);
    memcpy(r->octets, octets.ptr, octets.len);
    r->len = octets.len;
    return KF_OK;
}

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice octets)
{
    assert_true(slot < SLOTS);
    return keep(&((world *)ctx)->saved[slot], octets);
}

static kf_err save_unit(void *ctx, uint32_t slot, kf_slice octets)
{
    assert_int_equal(slot, 0);
    return keep(ctx, octets);
}

/* A number is never used for two commands, across restarts too. */
static void watch_kmf(void *ctx, const otar_event *e)
{
    world *w = ctx;
    if (e->kind != OTAR_EV_SENT || e->message_id == P25_KMM_SET_DATE_TIME ||
        e->message_id == P25_KMM_NO_SERVICE)
        return;
    member *m = &w->members[e->rsi - rsi_of(0)];
    HOLD(w, !m->has_last_mn || (uint16_t)(e->number - m->last_mn - 1u) < 1000u);
    m->last_mn = e->number;
    m->has_last_mn = true;
}

static kf_slice view(const record *r)
{
    return (kf_slice){ r->octets, r->len };
}

static void start_kmf(world *w)
{
    const otar_kmf_config config = {
        .rsi = KMF_RSI, .retry_seconds = 5, .mac = P25_MAC_AUTO, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_store store = { save_kmf, w };
    const otar_watch watch = { watch_kmf, w };
    assert_ok(otar_kmf_new(&config, &store, &watch, &w->rng, &w->kmf));
    for (uint32_t slot = 0; slot < SLOTS && w->saved[slot].len > 0; slot++)
        assert_ok(otar_kmf_load(w->kmf, slot, view(&w->saved[slot])));
}

static void start_unit(world *w, size_t i)
{
    member *m = &w->members[i];
    const otar_unit_config config = {
        .rsi = rsi_of(i), .kmf_rsi = KMF_RSI, .mac = P25_MAC_AUTO, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_store store = { save_unit, &m->saved };
    assert_ok(
        otar_unit_new(&config, &store, &(otar_watch){ 0 }, &w->rng, view(&m->saved), &m->unit));
}

static void provision(world *w, size_t i)
{
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a0,
                             .is_kek = true };
    kf_secret *ukek = NULL, *copy = NULL;
    assert_ok(kf_secret_new_random(&w->rng, 32, &ukek));
    assert_ok(kf_secret_dup(ukek, &copy));
    assert_ok(otar_unit_load(w->members[i].unit, &where, &copy));
    assert_ok(otar_kmf_add_unit(w->kmf, rsi_of(i), P25_LEVEL_BASIC, 0xf5a0, &ukek));
}

/* ---- the network ---- */

static void post(world *w, bool to_kmf, uint32_t rsi, kf_slice octets)
{
    size_t copies = 1;
    if (!w->is_healing)
        copies = below(&w->dice, 100) < 15 ? 0 : below(&w->dice, 100) < 10 ? 2 : 1;
    for (size_t i = 0; i < PACKETS && copies > 0; i++) {
        packet *p = &w->net[i];
        if (p->is_set)
            continue;
        *p = (packet){ .is_set = true, .to_kmf = to_kmf, .rsi = rsi, .len = octets.len };
        p->at = w->now + (w->is_healing ? 0 : (kf_time)below(&w->dice, 4));
        if (!w->is_healing && below(&w->dice, 50) == 0)
            p->at += 40; /* so late that everything has moved on */
        memcpy(p->octets, octets.ptr, octets.len);
        copies--;
    }
}

static void deliver(world *w, packet *p)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    const kf_slice octets = { p->octets, p->len };
    member *m = &w->members[p->rsi - rsi_of(0)];
    p->is_set = false;
    if (m->is_off_air)
        return;
    if (p->to_kmf)
        assert_ok(otar_kmf_receive(w->kmf, w->now, octets, &out));
    else
        assert_ok(otar_unit_receive(m->unit, w->now, octets, &out));
    if (out.len > 0)
        post(w, !p->to_kmf, p->rsi, kf_writer_slice(&out));
}

static void run_network(world *w)
{
    for (bool more = true; more;) {
        uint8_t buf[P25_DLI_DATAGRAM_MAX];
        kf_writer out = kf_writer_init(buf, sizeof buf);
        uint32_t rsi = 0;
        more = false;
        assert_ok(otar_kmf_next(w->kmf, w->now, &rsi, &out));
        if (out.len > 0) {
            post(w, false, rsi, kf_writer_slice(&out));
            more = true;
        }
        size_t first = below(&w->dice, PACKETS);
        for (size_t i = 0; i < PACKETS; i++) {
            packet *p = &w->net[(first + i) % PACKETS];
            if (p->is_set && p->at <= w->now) {
                deliver(w, p);
                more = true;
            }
        }
    }
}

static void unit_speaks(world *w, size_t i, bool hello)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_ok(hello ? otar_unit_hello(w->members[i].unit, true, &out)
                    : otar_unit_register(w->members[i].unit, true, &out));
    post(w, true, rsi_of(i), kf_writer_slice(&out));
}

/* ---- what is asked of them ---- */

static void check_always(world *w)
{
    for (size_t i = 0; i < UNITS; i++) {
        member *m = &w->members[i];
        otar_unit_status status;
        assert_ok(otar_kmf_status(w->kmf, rsi_of(i), &status));
        for (size_t g = 0; g < GROUPS; g++) {
            const otar_key *key = otar_unit_current(m->unit, slns[g]);
            m->leaves[g] = m->leaves[g] && !(status.is_settled && m->in[g]);
            if (!m->in[g] || m->leaves[g] || m->is_condemned)
                m->had[g] = false;
            else if (key != NULL)
                m->had[g] = true;
            HOLD(w, !m->had[g] || key != NULL);
        }
    }
}

/* A changeover that was granted without override: everybody really has the key. */
static void check_ready(world *w, unsigned crypto_group)
{
    for (size_t i = 0; i < UNITS; i++)
        for (size_t g = 0; g < GROUPS; g++) {
            const member *m = &w->members[i];
            if (!m->in[g] || m->is_condemned || slns[g] >> 12 != crypto_group)
                continue;
            const otar_key *key = otar_kmf_key(w->kmf, slns[g], true);
            HOLD(w, otar_unit_named(m->unit, key->algid, key->kid) != NULL);
        }
}

static void check_healed(world *w)
{
    for (size_t i = 0; i < UNITS; i++) {
        const member *m = &w->members[i];
        otar_unit_status status;
        assert_ok(otar_kmf_status(w->kmf, rsi_of(i), &status));
        if (m->is_condemned && status.is_zeroized)
            HOLD(w, otar_unit_keys(m->unit)->count == 0);
        for (size_t g = 0; g < GROUPS && !m->is_condemned; g++) {
            const otar_key *want = otar_kmf_key(w->kmf, slns[g], true);
            const otar_key *got = otar_unit_current(m->unit, slns[g]);
            HOLD(w, !m->in[g] || got != NULL);
            HOLD(w, !m->in[g] || got->kid == want->kid);
            HOLD(w, !m->in[g] || kf_secret_equal(got->material, want->material));
            HOLD(w, m->in[g] || otar_unit_named(m->unit, want->algid, want->kid) == NULL);
        }
    }
}

static bool is_member_of_any(const member *m)
{
    return m->in[0] || m->in[1] || m->in[2];
}

/* ---- what happens to them ---- */

static void operator_acts(world *w)
{
    const unsigned cg = (unsigned)below(&w->dice, 2);
    const size_t i = below(&w->dice, UNITS), g = below(&w->dice, GROUPS);
    member *m = &w->members[i];
    uint32_t names[UNITS];
    size_t count = 0;

    switch (below(&w->dice, 12)) {
    case 0:
    case 1:
        assert_ok(otar_kmf_rekey(w->kmf, cg));
        break;
    case 2:
    case 3:
    case 4:
        if (otar_kmf_changeover(w->kmf, cg, false, names, UNITS, &count) == KF_OK)
            check_ready(w, cg);
        break;
    case 5:
        if (otar_kmf_changeover(w->kmf, cg, true, names, UNITS, &count) == KF_OK && count == 0)
            check_ready(w, cg);
        break;
    case 6:
        if (below(&w->dice, 6) == 0) {
            m->is_condemned = true;
            assert_ok(otar_kmf_zeroize(w->kmf, rsi_of(i)));
        }
        break;
    case 7:
        assert_ok(otar_kmf_inventory(w->kmf, rsi_of(i)));
        break;
    case 8:
        assert_ok(otar_kmf_warm_start(w->kmf, rsi_of(i)));
        break;
    case 9:
        if (m->in[g])
            assert_ok(otar_kmf_modify_key(w->kmf, rsi_of(i), slns[g]));
        break;
    default: /* every unit stays in a group: one without any has nothing to be reached by */
        m->in[g] = g == 0 || !m->in[g];
        m->leaves[g] = m->leaves[g] || !m->in[g];
        assert_ok(otar_kmf_set_member(w->kmf, rsi_of(i), slns[g], m->in[g]));
        break;
    }
}

static void restart(world *w)
{
    const size_t i = below(&w->dice, UNITS + 1);
    if (i == UNITS) {
        otar_kmf_free(&w->kmf);
        start_kmf(w);
        return;
    }
    otar_unit_free(&w->members[i].unit);
    start_unit(w, i);
}

static void busy_second(world *w)
{
    const size_t i = below(&w->dice, UNITS);
    if (below(&w->dice, 8) == 0)
        operator_acts(w);
    if (below(&w->dice, 12) == 0)
        restart(w);
    if (below(&w->dice, 12) == 0)
        w->members[i].is_off_air = !w->members[i].is_off_air;
    if (below(&w->dice, 4) == 0)
        unit_speaks(w, i, below(&w->dice, 3) != 0);
}

static void heal(world *w)
{
    w->is_healing = true;
    for (size_t i = 0; i < UNITS; i++)
        w->members[i].is_off_air = false;
    for (size_t s = 0; s < HEAL_SECONDS; s++, w->now++) {
        for (size_t i = 0; i < UNITS; i++)
            if (s % 100 == 1 || s % 100 == 2)
                unit_speaks(w, i, s % 100 == 2);
        run_network(w);
        check_always(w);
    }
    check_healed(w);
}

static void open_world(world *w, unsigned long number)
{
    memset(w, 0, sizeof *w);
    w->number = number;
    w->dice.state = number * 7919u + 1;
    w->rng = (kf_rng){ dice_fill, &w->dice };
    w->now = 1000;
    start_kmf(w);
    for (size_t g = 0; g < GROUPS; g++)
        assert_ok(otar_kmf_add_group(w->kmf, slns[g]));
    for (size_t i = 0; i < UNITS; i++) {
        start_unit(w, i);
        provision(w, i);
        for (size_t g = 0; g < GROUPS; g++)
            if (g == 0 || below(&w->dice, 2) == 0) {
                w->members[i].in[g] = true;
                assert_ok(otar_kmf_set_member(w->kmf, rsi_of(i), slns[g], true));
            }
        assert_true(is_member_of_any(&w->members[i]));
    }
}

static void close_world(world *w)
{
    for (size_t i = 0; i < UNITS; i++)
        otar_unit_free(&w->members[i].unit);
    otar_kmf_free(&w->kmf);
}

static void random_schedules(void **state)
{
    static world w;
    const size_t count = testing_count(300, 100000);
    (void)state;
    for (size_t n = 0; n < count; n++) {
        open_world(&w, (unsigned long)n);
        for (size_t i = 0; i < UNITS; i++)
            unit_speaks(&w, i, false);
        for (size_t s = 0; s < BUSY_SECONDS; s++, w.now++) {
            busy_second(&w);
            run_network(&w);
            check_always(&w);
        }
        heal(&w);
        close_world(&w);
    }
    print_message("%zu schedules\n", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_schedules) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

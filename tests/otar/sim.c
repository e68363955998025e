#include "otar/sim.h"

#include <string.h>

const uint16_t sim_slns[SIM_GROUPS] = { 1, 2, 0x1003 };

uint64_t roll(dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

size_t below(dice *d, size_t limit)
{
    return (size_t)(roll(d) % limit);
}

static kf_err dice_fill(void *ctx, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)roll(ctx);
    return KF_OK;
}

/* ---- stores ---- */

/* A record is whole or not there. */
static kf_err keep(record *r, unsigned *fails_in, kf_slice octets)
{
    assert_true(octets.len <= sizeof r->octets);
    if (*fails_in > 0 && --*fails_in == 0)
        return KF_E_BACKEND;
    memcpy(r->octets, octets.ptr, octets.len);
    r->len = octets.len;
    return KF_OK;
}

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice octets)
{
    world *w = ctx;
    assert_true(slot < SIM_SLOTS);
    return keep(&w->saved[slot], &w->fails_in, octets);
}

static kf_err save_unit(void *ctx, uint32_t slot, kf_slice octets)
{
    member *m = ctx;
    assert_int_equal(slot, 0);
    return keep(&m->saved, &m->fails_in, octets);
}

static kf_slice view(const record *r)
{
    return (kf_slice){ r->octets, r->len };
}

/* ---- machines ---- */

static size_t unit_of(uint32_t rsi)
{
    return (rsi - SIM_RSI_FIRST) % SIM_RSI_STEP;
}

/* A number is never used for two commands, across restarts and failures too. */
static void watch_kmf(void *ctx, const otar_event *e)
{
    world *w = ctx;
    if (e->kind != OTAR_EV_SENT || e->message_id == P25_KMM_SET_DATE_TIME ||
        e->message_id == P25_KMM_NO_SERVICE)
        return;
    member *m = &w->members[unit_of(e->rsi)];
    HOLD(w, !m->has_last_mn || (uint16_t)(e->number - m->last_mn - 1u) < 1000u);
    m->last_mn = e->number;
    m->has_last_mn = true;
}

static void start_kmf(world *w)
{
    const otar_kmf_config config = {
        .rsi = SIM_KMF_RSI, .retry_seconds = 5, .mac = w->mac, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_store store = { save_kmf, w };
    const otar_watch watch = { watch_kmf, w };
    assert_ok(otar_kmf_new(&config, &store, &watch, &w->rng, &w->kmf));
    for (uint32_t slot = 0; slot < SIM_SLOTS && w->saved[slot].len > 0; slot++)
        assert_ok(otar_kmf_load(w->kmf, slot, view(&w->saved[slot])));
}

static void start_unit(world *w, size_t i)
{
    member *m = &w->members[i];
    const otar_unit_config config = { .rsi = (uint32_t)(SIM_RSI_FIRST + i),
                                      .kmf_rsi = SIM_KMF_RSI,
                                      .level = m->level,
                                      .mac = w->mac,
                                      .first_scheme = m->first_scheme };
    const otar_store store = { save_unit, m };
    assert_ok(
        otar_unit_new(&config, &store, &(otar_watch){ 0 }, &w->rng, view(&m->saved), &m->unit));
}

void sim_restart_kmf(world *w)
{
    otar_kmf_free(&w->kmf);
    start_kmf(w);
}

void sim_restart_unit(world *w, size_t i)
{
    otar_unit_free(&w->members[i].unit);
    start_unit(w, i);
}

bool sim_kmf_did(world *w, kf_err err)
{
    if (err == KF_E_BACKEND) {
        w->failures++;
        sim_restart_kmf(w);
    } else if (err != KF_E_STATE && err != KF_E_DENIED) {
        HOLD(w, err == KF_OK);
    }
    return err == KF_OK;
}

bool sim_unit_did(world *w, size_t i, kf_err err)
{
    if (err == KF_E_BACKEND) {
        w->failures++;
        sim_restart_unit(w, i);
    } else {
        HOLD(w, err == KF_OK);
    }
    return err == KF_OK;
}

/* The KMF takes the new one once the unit has said that it took it; until then it knows both. */
uint32_t sim_rsi(world *w, size_t i)
{
    member *m = &w->members[i];
    otar_unit_status status;
    if (otar_kmf_status(w->kmf, m->rsi, &status) != KF_OK) {
        HOLD(w, m->new_rsi != 0);
        m->rsi = m->new_rsi;
        m->new_rsi = 0;
    }
    return m->rsi;
}

otar_unit_status sim_status(world *w, size_t i)
{
    otar_unit_status status;
    assert_ok(otar_kmf_status(w->kmf, sim_rsi(w, i), &status));
    return status;
}

static kf_secret *copy_of(const kf_secret *key)
{
    kf_secret *copy = NULL;
    assert_ok(kf_secret_dup(key, &copy));
    return copy;
}

/* Whoever holds the key loader tries until it works. */
void sim_give_ukek(world *w, size_t i)
{
    member *m = &w->members[i];
    const bool is_new = m->ukek_kid == 0;
    kf_secret *ukek = NULL, *copy = NULL;
    m->ukek_kid = is_new ? 0xf5a0 : (uint16_t)(m->ukek_kid + 1);
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = m->ukek_kid,
                             .is_kek = true };
    assert_ok(kf_secret_new_random(&w->rng, 32, &ukek));
    do
        copy = copy_of(ukek);
    while (!sim_unit_did(w, i, otar_unit_load(m->unit, &where, &copy)));
    do
        copy = copy_of(ukek);
    while (!sim_kmf_did(w, is_new ? otar_kmf_add_unit(w->kmf, m->rsi, m->level, m->ukek_kid, &copy)
                                  : otar_kmf_set_ukek(w->kmf, sim_rsi(w, i), m->ukek_kid, &copy)));
    kf_secret_free(&ukek);
}

/* ---- the network ---- */

static void post(world *w, bool to_kmf, size_t unit, kf_slice octets)
{
    size_t copies = 1;
    if (!w->is_healing)
        copies = below(&w->dice, 100) < 15 ? 0 : below(&w->dice, 100) < 10 ? 2 : 1;
    for (size_t i = 0; i < SIM_PACKETS && copies > 0; i++) {
        packet *p = &w->net[i];
        if (p->is_set)
            continue;
        *p = (packet){ .is_set = true, .to_kmf = to_kmf, .unit = unit, .len = octets.len };
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
    member *m = &w->members[p->unit];
    p->is_set = false;
    if (m->is_off_air)
        return;
    bool done = p->to_kmf
                    ? sim_kmf_did(w, otar_kmf_receive(w->kmf, w->now, octets, &out))
                    : sim_unit_did(w, p->unit, otar_unit_receive(m->unit, w->now, octets, &out));
    HOLD(w, done || out.len == 0); /* nothing goes out that was not saved */
    if (out.len > 0)
        post(w, !p->to_kmf, p->unit, kf_writer_slice(&out));
}

static bool kmf_sends(world *w)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    uint32_t rsi = 0;
    bool done = sim_kmf_did(w, otar_kmf_next(w->kmf, w->now, &rsi, &out));
    HOLD(w, done || out.len == 0);
    if (out.len > 0)
        post(w, false, unit_of(rsi), kf_writer_slice(&out));
    return !done || out.len > 0;
}

void sim_run_network(world *w)
{
    for (bool more = true; more;) {
        more = kmf_sends(w);
        size_t first = below(&w->dice, SIM_PACKETS);
        for (size_t i = 0; i < SIM_PACKETS; i++) {
            packet *p = &w->net[(first + i) % SIM_PACKETS];
            if (p->is_set && p->at <= w->now) {
                deliver(w, p);
                more = true;
            }
        }
    }
}

void sim_unit_says(world *w, size_t i, sim_request what)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    otar_unit *unit = w->members[i].unit;
    assert_ok(what == SIM_HELLO || what == SIM_HELLO_REKEY
                  ? otar_unit_hello(unit, what == SIM_HELLO_REKEY, &out)
                  : otar_unit_register(unit, what == SIM_REGISTER, &out));
    post(w, true, i, kf_writer_slice(&out));
}

/* ---- beginning and end ---- */

/* One scheme for all, or everybody finds out what the other speaks. */
static void choose_macs(world *w)
{
    static const p25_mac_setting settings[] = { P25_MAC_AUTO, P25_MAC_AUTO, P25_MAC_ONLY_CBC,
                                                P25_MAC_ONLY_CMAC_C, P25_MAC_ONLY_CMAC_D };
    w->mac = settings[below(&w->dice, 5)];
    for (size_t i = 0; i < SIM_UNITS; i++)
        w->members[i].first_scheme = (p25_mac_scheme)below(&w->dice, 3);
}

void sim_open(world *w, unsigned long number)
{
    memset(w, 0, sizeof *w);
    w->number = number;
    w->dice.state = number * 7919u + 1;
    w->rng = (kf_rng){ dice_fill, &w->dice };
    w->now = 1000;
    choose_macs(w);
    start_kmf(w);
    for (size_t g = 0; g < SIM_GROUPS; g++)
        assert_ok(otar_kmf_add_group(w->kmf, sim_slns[g]));
    for (size_t i = 0; i < SIM_UNITS; i++) {
        member *m = &w->members[i];
        m->level = below(&w->dice, 2) == 0 ? P25_LEVEL_BASIC : P25_LEVEL_ENHANCED;
        m->rsi = (uint32_t)(SIM_RSI_FIRST + i);
        start_unit(w, i);
        sim_give_ukek(w, i);
        for (size_t g = 0; g < SIM_GROUPS; g++) {
            m->in[g] = g == 0 || below(&w->dice, 2) == 0;
            if (m->in[g])
                assert_ok(otar_kmf_set_member(w->kmf, m->rsi, sim_slns[g], true));
        }
    }
}

void sim_close(world *w)
{
    for (size_t i = 0; i < SIM_UNITS; i++)
        otar_unit_free(&w->members[i].unit);
    otar_kmf_free(&w->kmf);
}

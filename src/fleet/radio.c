/* The subscribers, and the network between them and the KMF. */
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_parts.h"

#define UKEK_SLN       0xf001u
#define UKEK_KID       0xf5a0u
#define REGISTER_AGAIN 10u  /* seconds until a registration that was not answered goes out again */
#define HELLO_AFTER    2u   /* seconds from registration to the first hello */
#define HELLO_AGAIN    300u /* seconds between hellos */
#define STRAY_ONE_IN   200u /* datagrams that come very late */
#define STRAY_MS       20000u

static kf_err post(fleet_sim *sim, fleet_event event, uint64_t delay_ms)
{
    event.at_ms = sim->now + (int64_t)delay_ms;
    return fleet_agenda_post(&sim->agenda, event);
}

/* ---- the network ---- */

static kf_err send_copy(fleet_sim *sim, fleet_event_kind kind, uint32_t i, kf_slice octets)
{
    uint64_t delay = 10 + fleet_below(&sim->fate, sim->config.delay_ms);
    if (fleet_below(&sim->fate, STRAY_ONE_IN) == 0)
        delay += STRAY_MS;
    fleet_letter *letter = malloc(sizeof *letter + octets.len);
    if (letter == NULL)
        return KF_E_NO_MEMORY;
    letter->len = octets.len;
    memcpy(letter->octets, octets.ptr, octets.len);
    return post(sim, (fleet_event){ .kind = kind, .unit = i, .letter = letter }, delay);
}

static kf_err send_octets(fleet_sim *sim, fleet_event_kind kind, uint32_t i, kf_slice octets)
{
    fleet_traffic *t = &sim->result->traffic;
    kf_err err = KF_OK;
    const bool is_lost = fleet_chance(&sim->fate, sim->config.loss_percent);
    const bool is_twice = fleet_chance(&sim->fate, sim->config.duplicate_percent);
    *(kind == FLEET_EV_TO_KMF ? &t->to_kmf : &t->to_units) += 1;
    *(kind == FLEET_EV_TO_KMF ? &t->octets_to_kmf : &t->octets_to_units) += octets.len;
    t->lost += is_lost ? 1u : 0u;
    t->duplicated += !is_lost && is_twice ? 1u : 0u;
    for (unsigned copies = is_lost ? 0 : is_twice ? 2 : 1; err == KF_OK && copies > 0; copies--)
        err = send_copy(sim, kind, i, octets);
    return err;
}

kf_err fleet_deliver_to_unit(fleet_sim *sim, uint32_t i, kf_slice octets)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    fleet_radio *radio = &sim->radios[i];
    if (!radio->is_on) {
        sim->result->traffic.missed++;
        return KF_OK;
    }
    kf_err err = otar_unit_receive(radio->unit, fleet_seconds(sim->now), octets, &out);
    if (err == KF_OK)
        err = sim->err;
    if (err == KF_OK && out.len > 0)
        err = send_octets(sim, FLEET_EV_TO_KMF, i, kf_writer_slice(&out));
    return err;
}

kf_err fleet_deliver_to_kmf(fleet_sim *sim, uint32_t i, kf_slice octets)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    sim->radios[i].last_heard = sim->now;
    kf_err err = otar_kmf_receive(sim->kmf, fleet_seconds(sim->now), octets, &out);
    if (err == KF_OK && out.len > 0)
        err = send_octets(sim, FLEET_EV_TO_UNIT, i, kf_writer_slice(&out));
    return err == KF_OK ? fleet_kmf_sends(sim) : err;
}

/* ---- the line of the KMF ---- */

static kf_err send_next(fleet_sim *sim, bool *did)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    uint32_t rsi = 0;
    kf_err err = otar_kmf_next(sim->kmf, fleet_seconds(sim->now), &rsi, &out);
    *did = err == KF_OK && out.len > 0;
    if (*did)
        err = send_octets(sim, FLEET_EV_TO_UNIT, rsi - FLEET_RSI_FIRST, kf_writer_slice(&out));
    return err;
}

/* Timers of the KMF count in seconds, so a look each second is enough when nothing happens. */
static kf_err plan_send(fleet_sim *sim, bool is_busy)
{
    const int64_t free_ms = (sim->line_free + 999) / 1000;
    int64_t at = sim->now + FLEET_SECOND;
    if (is_busy && free_ms > sim->now && free_ms < at)
        at = free_ms;
    if (sim->send_at > sim->now && sim->send_at <= at)
        return KF_OK;
    sim->send_at = at;
    return fleet_agenda_post(&sim->agenda, (fleet_event){ .at_ms = at, .kind = FLEET_EV_SEND });
}

kf_err fleet_kmf_sends(fleet_sim *sim)
{
    const int64_t now = sim->now * 1000;
    bool more = true;
    kf_err err = KF_OK;
    while (err == KF_OK && more && sim->line_free <= now) {
        err = send_next(sim, &more);
        if (more && sim->config.pace > 0)
            sim->line_free = (sim->line_free > now - 1000 ? sim->line_free : now) +
                             (int64_t)(1000000 / sim->config.pace);
    }
    return err == KF_OK ? plan_send(sim, more) : err;
}

/* ---- what the KMF saw ---- */

static void count_settled(fleet_sim *sim, fleet_radio *radio)
{
    if (radio->is_settled)
        return;
    radio->is_settled = radio->was_keyed = true;
    sim->settled++;
}

void fleet_kmf_event(void *ctx, const otar_event *e)
{
    fleet_sim *sim = ctx;
    fleet_radio *radio = fleet_radio_of(sim, e->rsi);
    fleet_traffic *t = &sim->result->traffic;
    switch (e->kind) {
    case OTAR_EV_SENT:
        t->commands++;
        break;
    case OTAR_EV_RETRIED:
        t->retries++;
        break;
    case OTAR_EV_AWAY:
        t->given_up++;
        break;
    case OTAR_EV_HEARD:
        sim->registered += radio->has_registered ? 0u : 1u;
        radio->has_registered = true;
        break;
    case OTAR_EV_SETTLED:
        count_settled(sim, radio);
        break;
    default:
        break;
    }
}

/* ---- one subscriber ---- */

static kf_err announce_in(fleet_sim *sim, uint32_t i, uint32_t seconds)
{
    const uint64_t spread = fleet_below(&sim->fate, seconds * 200u);
    const fleet_event event = { .kind = FLEET_EV_ANNOUNCE,
                                .unit = i,
                                .round = ++sim->radios[i].round };
    return post(sim, event, (uint64_t)seconds * 1000 + spread);
}

/* A registration that was answered is followed by a hello. */
static void unit_event(void *ctx, const otar_event *e)
{
    fleet_radio *radio = ctx;
    fleet_sim *sim = radio->sim;
    if (e->kind != OTAR_EV_ACTED || e->message_id != P25_KMM_REGISTRATION_RSP ||
        !radio->must_register)
        return;
    radio->must_register = false;
    kf_err err = announce_in(sim, (uint32_t)(radio - sim->radios), HELLO_AFTER);
    if (sim->err == KF_OK)
        sim->err = err;
}

/* What a simulated unit must not forget is in its memory, which lasts as long as the run. */
static kf_err keep_nothing(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

static kf_err load_ukek(fleet_sim *sim, fleet_radio *radio, uint32_t rsi)
{
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = UKEK_SLN,
                             .algid = P25_ALGID_AES256,
                             .kid = UKEK_KID,
                             .is_kek = true };
    kf_secret *ukek = NULL, *copy = NULL;
    kf_err err = kf_secret_new_random(&sim->rng, 32, &ukek);
    if (err == KF_OK)
        err = kf_secret_dup(ukek, &copy);
    if (err == KF_OK)
        err = otar_unit_load(radio->unit, &where, &copy);
    if (err == KF_OK)
        err = otar_kmf_add_unit(sim->kmf, rsi, sim->config.level, UKEK_KID, &ukek);
    kf_secret_free(&ukek);
    kf_secret_free(&copy);
    return err;
}

kf_err fleet_radio_open(fleet_sim *sim, uint32_t i)
{
    fleet_radio *radio = &sim->radios[i];
    const otar_unit_config config = { .rsi = FLEET_RSI_FIRST + i,
                                      .kmf_rsi = FLEET_KMF_RSI,
                                      .level = sim->config.level,
                                      .mac = P25_MAC_AUTO,
                                      .first_scheme = P25_MAC_CMAC_D };
    const otar_store store = { keep_nothing, NULL };
    const otar_watch watch = { unit_event, radio };
    *radio = (fleet_radio){ .sim = sim, .silent_since = 0, .last_heard = -1 };
    kf_err err =
        otar_unit_new(&config, &store, &watch, &sim->rng, (kf_slice){ NULL, 0 }, &radio->unit);
    if (err == KF_OK)
        err = load_ukek(sim, radio, config.rsi);
    for (unsigned g = 0; err == KF_OK && g < sim->config.groups; g++) {
        if (g > 0 && !fleet_chance(&sim->fate, 50))
            continue;
        radio->members |= 1u << g;
        err = otar_kmf_set_member(sim->kmf, config.rsi, fleet_sln(g), true);
    }
    return err;
}

void fleet_radio_close(fleet_radio *radio)
{
    otar_unit_free(&radio->unit);
}

kf_err fleet_radio_on(fleet_sim *sim, uint32_t i)
{
    fleet_radio *radio = &sim->radios[i];
    if (radio->is_on)
        return KF_OK;
    radio->is_on = radio->must_register = true;
    radio->silent_since = -1;
    sim->on_air++;
    radio->round++;
    return fleet_radio_announce(sim, i, radio->round);
}

void fleet_radio_off(fleet_sim *sim, uint32_t i)
{
    fleet_radio *radio = &sim->radios[i];
    if (!radio->is_on)
        return;
    radio->is_on = false;
    radio->round++;
    radio->silent_since = sim->now;
    sim->on_air--;
}

kf_err fleet_radio_announce(fleet_sim *sim, uint32_t i, uint32_t round)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    fleet_radio *radio = &sim->radios[i];
    if (!radio->is_on || round != radio->round)
        return KF_OK;
    /* One that has keys only says that it is there; one without asks for them. */
    const bool asks = otar_unit_current(radio->unit, fleet_sln(0)) == NULL;
    kf_err err = radio->must_register ? otar_unit_register(radio->unit, true, &out)
                                      : otar_unit_hello(radio->unit, asks, &out);
    sim->result->traffic.requests++;
    if (err == KF_OK)
        err = send_octets(sim, FLEET_EV_TO_KMF, i, kf_writer_slice(&out));
    return err == KF_OK ? announce_in(sim, i, radio->must_register ? REGISTER_AGAIN : HELLO_AGAIN)
                        : err;
}

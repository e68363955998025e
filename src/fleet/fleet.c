/* The story: what the officer does, and when. */
#include "fleet/fleet.h"

#include <stdlib.h>

#include "fleet/fleet_parts.h"

#define START           INT64_C(1700000000) /* simulated second 0, as the machines see it */
#define LOOK_EVERY_S    10u                 /* the officer looks */
#define ASK_EVERY       6                   /* looks from one changeover to the next try */
#define SWITCH_ON_S     120u                /* from the first unit switched on to the last */
#define LEAVE_S         300u                /* from the first unit that leaves to the rekey */
#define SOONEST_S       60u                 /* the shortest absence, from the rekey on */
#define CRYPTO_GROUP(g) ((g) % FLEET_CRYPTO_USED)

static const char *const phase_texts[FLEET_PHASES] = { "provision", "register", "first keys",
                                                       "rekey", "catch up" };

const char *fleet_phase_text(fleet_phase phase)
{
    return phase < FLEET_PHASES ? phase_texts[phase] : "?";
}

fleet_config fleet_config_usual(void)
{
    return (fleet_config){ .units = 200,
                           .groups = 4,
                           .loss_percent = 5,
                           .duplicate_percent = 1,
                           .delay_ms = 800,
                           .off_air_percent = 30,
                           .absence_s = 3600,
                           .patience_s = 2700,
                           .pace = 100,
                           .limit_s = 8 * 3600,
                           .seed = 1 };
}

static bool is_valid(const fleet_config *c)
{
    return c->units >= 1 && c->units <= FLEET_UNITS_MAX && c->groups >= 1 &&
           c->groups <= FLEET_GROUPS_MAX && c->loss_percent <= 100 && c->duplicate_percent <= 100 &&
           c->off_air_percent <= 100 && c->gone_percent <= 100 && c->delay_ms <= 60000 &&
           c->absence_s <= 30 * 86400u && c->pace <= 1000000 && c->limit_s <= 60 * 86400u;
}

/* ---- small facts ---- */

kf_time fleet_seconds(int64_t ms)
{
    return START + ms / FLEET_SECOND;
}

fleet_radio *fleet_radio_of(fleet_sim *sim, uint32_t rsi)
{
    return &sim->radios[rsi - FLEET_RSI_FIRST];
}

uint32_t fleet_rsi(const fleet_sim *sim, const fleet_radio *radio)
{
    return FLEET_RSI_FIRST + (uint32_t)(radio - sim->radios);
}

uint16_t fleet_sln(unsigned group)
{
    return (uint16_t)(CRYPTO_GROUP(group) << 12 | (group / FLEET_CRYPTO_USED + 1));
}

bool fleet_is_member(const fleet_radio *radio, unsigned group)
{
    return (radio->members >> group & 1u) != 0;
}

static unsigned crypto_groups(const fleet_sim *sim)
{
    return sim->config.groups < FLEET_CRYPTO_USED ? sim->config.groups : FLEET_CRYPTO_USED;
}

static void report(const fleet_sim *sim)
{
    const size_t total = sim->config.units;
    const size_t done = sim->phase == FLEET_PROVISION  ? otar_kmf_unit_count(sim->kmf)
                        : sim->phase == FLEET_REGISTER ? sim->registered
                                                       : sim->settled;
    const fleet_progress p = { sim->phase, done, total, sim->now / FLEET_SECOND };
    if (sim->watch.progress != NULL)
        sim->watch.progress(sim->watch.ctx, &p);
}

/* ---- phases ---- */

static void forget_settled(fleet_sim *sim)
{
    sim->settled = 0;
    for (size_t i = 0; i < sim->config.units; i++)
        sim->radios[i].is_settled = false;
}

static void enter(fleet_sim *sim, fleet_phase phase)
{
    sim->result->phase_s[sim->phase] = (sim->now - sim->phase_began) / FLEET_SECOND;
    report(sim);
    if (phase != sim->phase && phase > FLEET_FIRST_KEYS)
        forget_settled(sim); /* from now on it means the new keys */
    sim->phase = phase;
    sim->phase_began = sim->now;
    report(sim);
}

static kf_err post_at(fleet_sim *sim, fleet_event_kind kind, uint32_t unit, int64_t at_ms)
{
    return fleet_agenda_post(&sim->agenda,
                             (fleet_event){ .at_ms = at_ms, .kind = kind, .unit = unit });
}

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice record)
{
    fleet_result *r = ((fleet_sim *)ctx)->result;
    (void)slot;
    r->kmf_saves++;
    r->kmf_saved_octets += record.len;
    return KF_OK;
}

static kf_err provision(fleet_sim *sim)
{
    const otar_kmf_config config = { .rsi = FLEET_KMF_RSI,
                                     .mac = P25_MAC_AUTO,
                                     .first_scheme = P25_MAC_CMAC_D };
    const otar_store store = { save_kmf, sim };
    const otar_watch watch = { fleet_kmf_event, sim };
    kf_err err = otar_kmf_new(&config, &store, &watch, &sim->rng, &sim->kmf);
    for (unsigned g = 0; err == KF_OK && g < sim->config.groups; g++)
        err = otar_kmf_add_group(sim->kmf, fleet_sln(g));
    for (uint32_t i = 0; err == KF_OK && i < sim->config.units; i++) {
        err = fleet_radio_open(sim, i);
        if (err == KF_OK)
            err = post_at(sim, FLEET_EV_ON, i,
                          (int64_t)fleet_below(&sim->fate, SWITCH_ON_S * FLEET_SECOND));
        if (i % 256 == 0)
            report(sim);
    }
    return err;
}

/* Some leave while the officer prepares the rekey; most of them come back. */
static kf_err send_some_away(fleet_sim *sim)
{
    const fleet_config *c = &sim->config;
    const uint64_t longest = c->absence_s > SOONEST_S ? c->absence_s - SOONEST_S : 1;
    kf_err err = KF_OK;
    sim->rekeyed_at = sim->now + LEAVE_S * FLEET_SECOND;
    for (uint32_t i = 0; err == KF_OK && i < c->units; i++) {
        fleet_radio *radio = &sim->radios[i];
        radio->leaves = fleet_chance(&sim->fate, c->off_air_percent);
        radio->is_gone = fleet_chance(&sim->fate, c->gone_percent) && !radio->leaves;
        const int64_t left =
            sim->now + (int64_t)fleet_below(&sim->fate, LEAVE_S * (uint64_t)FLEET_SECOND);
        const int64_t away = (int64_t)(SOONEST_S + fleet_below(&sim->fate, longest)) * FLEET_SECOND;
        if (radio->leaves || radio->is_gone)
            err = post_at(sim, FLEET_EV_OFF, i, left);
        if (err == KF_OK && radio->leaves)
            err = post_at(sim, FLEET_EV_ON, i, sim->rekeyed_at + away);
        sim->result->went_off_air += radio->leaves ? 1u : 0u;
        sim->result->gone += radio->is_gone ? 1u : 0u;
    }
    return err;
}

static kf_err rekey(fleet_sim *sim)
{
    kf_err err = KF_OK;
    enter(sim, FLEET_REKEY);
    for (unsigned cg = 0; err == KF_OK && cg < crypto_groups(sim); cg++)
        err = otar_kmf_rekey(sim->kmf, cg);
    return err == KF_OK ? fleet_kmf_sends(sim) : err;
}

/* ---- changeover ---- */

/* Refused, with names, until everybody is ready or patience ends. */
static kf_err try_changeover(fleet_sim *sim, unsigned cg)
{
    fleet_changeover *c = &sim->result->changeovers[cg];
    const unsigned patience = sim->config.patience_s;
    const int64_t since = (sim->now - sim->rekeyed_at) / FLEET_SECOND;
    const bool override = patience > 0 && since >= (int64_t)patience;
    uint32_t names[FLEET_NAMES_MAX] = { 0 };
    size_t count = 0;
    kf_err err = otar_kmf_changeover(sim->kmf, cg, override, names, FLEET_NAMES_MAX, &count);
    if (err != KF_OK && err != KF_E_DENIED)
        return err;
    if (count > 0) {
        c->first_not_ready = c->refused == 0 ? count : c->first_not_ready;
        c->last_not_ready = count;
        for (size_t i = 0; i < FLEET_NAMES_MAX; i++)
            c->last_names[i] = names[i];
    }
    if (err == KF_E_DENIED) {
        c->refused++;
        return KF_OK;
    }
    c->is_done = true;
    c->is_overridden = count > 0;
    c->left_behind = count;
    c->at = since;
    return KF_OK;
}

static kf_err try_changeovers(fleet_sim *sim)
{
    bool all = true;
    kf_err err = KF_OK;
    for (unsigned cg = 0; err == KF_OK && cg < crypto_groups(sim); cg++) {
        if (!sim->result->changeovers[cg].is_done)
            err = try_changeover(sim, cg);
        all = all && sim->result->changeovers[cg].is_done;
    }
    if (err != KF_OK || !all)
        return err;
    enter(sim, FLEET_CATCH_UP);
    return fleet_kmf_sends(sim);
}

/* ---- the officer looks ---- */

static bool is_settled(const fleet_sim *sim, size_t i)
{
    otar_unit_status status;
    return otar_kmf_status(sim->kmf, FLEET_RSI_FIRST + (uint32_t)i, &status) == KF_OK &&
           status.is_settled;
}

/* The counter says so; now for certain. */
static bool all_settled(const fleet_sim *sim)
{
    for (size_t i = 0; i < sim->config.units; i++)
        if (!sim->radios[i].is_gone && !is_settled(sim, i))
            return false;
    return true;
}

static void note_new_keys(fleet_sim *sim)
{
    const kf_time since = (sim->now - sim->rekeyed_at) / FLEET_SECOND;
    const size_t units = sim->config.units;
    fleet_result *r = sim->result;
    size_t have = 0;
    if (r->all_s >= 0)
        return;
    for (size_t i = 0; i < units; i++) {
        bool all = true;
        for (unsigned g = 0; all && g < sim->config.groups; g++) {
            const bool is_over = r->changeovers[CRYPTO_GROUP(g)].is_done;
            const otar_key *key = otar_kmf_key(sim->kmf, fleet_sln(g), is_over);
            all = !fleet_is_member(&sim->radios[i], g) ||
                  otar_unit_named(sim->radios[i].unit, key->algid, key->kid) != NULL;
        }
        have += all ? 1u : 0u;
    }
    r->half_s = r->half_s < 0 && have * 2 >= units ? since : r->half_s;
    r->most_s = r->most_s < 0 && have * 100 >= units * 95 ? since : r->most_s;
    r->all_s = have == units ? since : r->all_s;
}

static kf_err look(fleet_sim *sim, bool *is_over)
{
    const size_t reachable = sim->config.units - sim->result->gone;
    const int64_t since = sim->now - sim->rekeyed_at;
    report(sim);
    switch (sim->phase) {
    case FLEET_PROVISION:
    case FLEET_PHASES:
        break;
    case FLEET_REGISTER:
        if (sim->registered == sim->config.units)
            enter(sim, FLEET_FIRST_KEYS);
        break;
    case FLEET_FIRST_KEYS: /* and then those leave who leave, until it is time to rekey */
        if (sim->rekeyed_at == 0 && sim->settled == sim->config.units && all_settled(sim))
            return send_some_away(sim);
        return sim->rekeyed_at > 0 && since >= 0 ? rekey(sim) : KF_OK;
    case FLEET_REKEY:
        note_new_keys(sim);
        if (since / (LOOK_EVERY_S * FLEET_SECOND) % ASK_EVERY == 0)
            return try_changeovers(sim);
        break;
    case FLEET_CATCH_UP:
        note_new_keys(sim);
        *is_over = sim->settled >= reachable && all_settled(sim);
        break;
    }
    return KF_OK;
}

/* ---- the run ---- */

static kf_err happen(fleet_sim *sim, const fleet_event *e, bool *is_over)
{
    kf_err err = KF_OK;
    switch (e->kind) {
    case FLEET_EV_TO_KMF:
        return fleet_deliver_to_kmf(sim, e->unit, (kf_slice){ e->letter->octets, e->letter->len });
    case FLEET_EV_TO_UNIT:
        return fleet_deliver_to_unit(sim, e->unit, (kf_slice){ e->letter->octets, e->letter->len });
    case FLEET_EV_ON:
        return fleet_radio_on(sim, e->unit);
    case FLEET_EV_OFF:
        fleet_radio_off(sim, e->unit);
        return KF_OK;
    case FLEET_EV_ANNOUNCE:
        return fleet_radio_announce(sim, e->unit, e->round);
    case FLEET_EV_SEND:
        return e->at_ms == sim->send_at ? fleet_kmf_sends(sim) : KF_OK;
    case FLEET_EV_OPERATOR:
        err = look(sim, is_over);
        return err != KF_OK
                   ? err
                   : post_at(sim, FLEET_EV_OPERATOR, 0, sim->now + LOOK_EVERY_S * FLEET_SECOND);
    }
    return KF_OK;
}

static kf_err play(fleet_sim *sim)
{
    fleet_event e;
    bool is_over = false;
    kf_err err = provision(sim);
    enter(sim, FLEET_REGISTER);
    if (err == KF_OK)
        err = post_at(sim, FLEET_EV_OPERATOR, 0, LOOK_EVERY_S * FLEET_SECOND);
    if (err == KF_OK)
        err = fleet_kmf_sends(sim);
    while (err == KF_OK && !is_over && fleet_agenda_take(&sim->agenda, &e)) {
        sim->now = e.at_ms;
        sim->result->events++;
        err = happen(sim, &e, &is_over);
        free(e.letter);
        is_over = is_over || sim->now >= (int64_t)sim->config.limit_s * FLEET_SECOND;
    }
    enter(sim, sim->phase);
    return err;
}

static void clear(fleet_sim *sim)
{
    fleet_agenda_clear(&sim->agenda);
    for (size_t i = 0; sim->radios != NULL && i < sim->config.units; i++)
        fleet_radio_close(&sim->radios[i]);
    free(sim->radios);
    otar_kmf_free(&sim->kmf);
}

kf_err fleet_run(const fleet_config *config, const fleet_watch *watch, fleet_result **out)
{
    fleet_sim sim = { .config = *config };
    *out = NULL;
    if (!is_valid(config))
        return KF_E_MALFORMED;
    sim.watch = watch == NULL ? (fleet_watch){ 0 } : *watch;
    sim.fate.state = config->seed;
    sim.secrets.state = ~config->seed;
    sim.rng = fleet_dice_rng(&sim.secrets);
    sim.result = calloc(1, sizeof *sim.result);
    sim.radios = calloc(config->units, sizeof *sim.radios);
    kf_err err = sim.result == NULL || sim.radios == NULL ? KF_E_NO_MEMORY : KF_OK;
    if (err == KF_OK) {
        sim.result->config = *config;
        sim.result->crypto_group_count = crypto_groups(&sim);
        sim.result->half_s = sim.result->most_s = sim.result->all_s = -1;
        err = play(&sim);
    }
    if (err == KF_OK)
        err = fleet_tally(&sim);
    clear(&sim);
    if (err == KF_OK)
        *out = sim.result;
    else
        fleet_result_free(&sim.result);
    return err;
}

void fleet_result_free(fleet_result **result)
{
    if (*result != NULL)
        free((*result)->laggards);
    free(*result);
    *result = NULL;
}

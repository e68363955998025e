/* Who holds what in the end, counted in the units themselves and not in what the KMF believes. */
#include <stdlib.h>

#include "fleet/fleet_parts.h"

static const char *const state_texts[FLEET_STATES] = { "current", "behind", "never keyed",
                                                       "keyless" };
static const char *const reason_texts[FLEET_REASONS] = { "off the air", "registration not through",
                                                         "no answer, given up until heard",
                                                         "keys not acknowledged",
                                                         "changeover not confirmed" };

const char *fleet_state_text(fleet_state state)
{
    return state < FLEET_STATES ? state_texts[state] : "?";
}

const char *fleet_reason_text(fleet_reason reason)
{
    return reason < FLEET_REASONS ? reason_texts[reason] : "?";
}

static bool is_same_key(const otar_key *a, const otar_key *b)
{
    return a != NULL && b != NULL && a->kid == b->kid && kf_secret_equal(a->material, b->material);
}

static void count_group(fleet_sim *sim, unsigned g)
{
    fleet_group *row = &sim->result->groups[g];
    const otar_key *key = otar_kmf_key(sim->kmf, fleet_sln(g), true);
    const otar_key *old = otar_kmf_key(sim->kmf, fleet_sln(g), false);
    *row = (fleet_group){ .sln = fleet_sln(g),
                          .crypto_group = p25_sln_crypto_group(fleet_sln(g)),
                          .kid = key->kid,
                          .old_kid = old == NULL ? 0 : old->kid };
    for (size_t i = 0; i < sim->config.units; i++) {
        const fleet_radio *radio = &sim->radios[i];
        if (!fleet_is_member(radio, g))
            continue;
        const otar_key *used = otar_unit_current(radio->unit, row->sln);
        const otar_key *held = otar_unit_named(radio->unit, key->algid, key->kid);
        row->members++;
        *(used == NULL             ? &row->use_none
          : is_same_key(used, key) ? &row->use_new
                                   : &row->use_old) += 1;
        row->hold_new += is_same_key(held, key) ? 1u : 0u;
    }
}

/* The new keys are those of the rekey; without a changeover they are not the active ones. */
static fleet_state state_of(const fleet_sim *sim, const fleet_radio *radio,
                            const otar_unit_status *status)
{
    bool is_current = status->is_settled && sim->phase == FLEET_CATCH_UP, has_all = true;
    for (unsigned g = 0; g < sim->config.groups; g++) {
        if (!fleet_is_member(radio, g))
            continue;
        const otar_key *used = otar_unit_current(radio->unit, fleet_sln(g));
        has_all = has_all && used != NULL;
        is_current = is_current && is_same_key(used, otar_kmf_key(sim->kmf, fleet_sln(g), true));
    }
    return is_current         ? FLEET_CURRENT
           : has_all          ? FLEET_BEHIND
           : radio->was_keyed ? FLEET_KEYLESS
                              : FLEET_UNKEYED;
}

static fleet_reason reason_of(const fleet_radio *radio, const otar_unit_status *status)
{
    return !radio->is_on                   ? FLEET_OFF_AIR
           : !status->is_registered        ? FLEET_NOT_REGISTERED
           : status->is_away               ? FLEET_NO_ANSWER
           : status->held < status->wanted ? FLEET_KEYS_MISSING
                                           : FLEET_OLD_KEYSET;
}

static void add_laggard(const fleet_sim *sim, const fleet_radio *radio, fleet_state state,
                        const otar_unit_status *status)
{
    fleet_result *r = sim->result;
    r->laggards[r->laggard_count++] = (fleet_laggard){
        .rsi = fleet_rsi(sim, radio),
        .state = state,
        .reason = reason_of(radio, status),
        .is_gone = radio->is_gone,
        .held = status->held,
        .wanted = status->wanted,
        .last_heard = radio->last_heard < 0 ? -1 : radio->last_heard / FLEET_SECOND,
        .silent_since = radio->is_on ? -1 : radio->silent_since / FLEET_SECOND,
    };
}

kf_err fleet_tally(fleet_sim *sim)
{
    fleet_result *r = sim->result;
    r->laggards = calloc(sim->config.units, sizeof *r->laggards);
    if (r->laggards == NULL)
        return KF_E_NO_MEMORY;
    r->group_count = sim->config.groups;
    for (unsigned g = 0; g < sim->config.groups; g++)
        count_group(sim, g);
    for (size_t i = 0; i < sim->config.units; i++) {
        const fleet_radio *radio = &sim->radios[i];
        otar_unit_status status;
        kf_err err = otar_kmf_status(sim->kmf, fleet_rsi(sim, radio), &status);
        if (err != KF_OK)
            return err;
        const fleet_state state = state_of(sim, radio, &status);
        r->states[state]++;
        r->reachable += radio->is_gone ? 0u : 1u;
        r->reachable_current += !radio->is_gone && state == FLEET_CURRENT ? 1u : 0u;
        if (state != FLEET_CURRENT)
            add_laggard(sim, radio, state, &status);
    }
    r->simulated_s = sim->now / FLEET_SECOND;
    r->kmf_looks = otar_kmf_looks(sim->kmf);
    r->all_reached = r->reachable_current == r->reachable && r->states[FLEET_KEYLESS] == 0;
    return KF_OK;
}

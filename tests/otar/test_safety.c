/*
 * The safety rule on random schedules: whatever the network, restarts, stores that fail and the
 * operator do, a unit that had a usable key for a group it belongs to has one at every moment,
 * unless it was zeroized; and once everybody can be reached, everybody holds and uses the right
 * keys.
 */
#include <stdio.h>
#include <stdlib.h>

#include "otar/sim.h"

#define BUSY_SECONDS 150u
#define HEAL_SECONDS 400u

/* How often the operator changes a unit's own RSI, next to the other acts. */
#define OWN_RSI_WEIGHT 3

/* ---- what must hold ---- */

static void check_always(world *w)
{
    for (size_t i = 0; i < SIM_UNITS; i++) {
        member *m = &w->members[i];
        const otar_unit_status status = sim_status(w, i);
        for (size_t g = 0; g < SIM_GROUPS; g++) {
            const otar_key *key = otar_unit_current(m->unit, sim_slns[g]);
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
    for (size_t i = 0; i < SIM_UNITS; i++)
        for (size_t g = 0; g < SIM_GROUPS; g++) {
            const member *m = &w->members[i];
            if (!m->in[g] || m->is_condemned || sim_slns[g] >> 12 != crypto_group)
                continue;
            const otar_key *key = otar_kmf_key(w->kmf, sim_slns[g], true);
            HOLD(w, otar_unit_named(m->unit, key->algid, key->kid) != NULL);
        }
}

static void check_healed(world *w)
{
    for (size_t i = 0; i < SIM_UNITS; i++) {
        const member *m = &w->members[i];
        const otar_unit_status status = sim_status(w, i);
        if (m->is_condemned && status.is_zeroized)
            HOLD(w, otar_unit_keys(m->unit)->count == 0);
        HOLD(w, m->is_condemned || status.is_settled);
        HOLD(w, m->is_condemned || otar_unit_rsi(m->unit) == m->rsi);
        for (size_t g = 0; g < SIM_GROUPS && !m->is_condemned; g++) {
            const otar_key *want = otar_kmf_key(w->kmf, sim_slns[g], true);
            const otar_key *got = otar_unit_current(m->unit, sim_slns[g]);
            HOLD(w, !m->in[g] || got != NULL);
            HOLD(w, !m->in[g] || got->kid == want->kid);
            HOLD(w, !m->in[g] || kf_secret_equal(got->material, want->material));
            HOLD(w, m->in[g] || otar_unit_named(m->unit, want->algid, want->kid) == NULL);
        }
    }
}

/* ---- what the operator does; i: a unit, g: a group, cg: a crypto group ---- */

static void act_rekey(world *w, size_t i, size_t g)
{
    (void)i;
    (void)sim_kmf_did(w, otar_kmf_rekey(w->kmf, sim_slns[g] >> 12));
}

static void change_over(world *w, unsigned cg, bool override)
{
    uint32_t names[SIM_UNITS];
    size_t count = 0;
    if (sim_kmf_did(w, otar_kmf_changeover(w->kmf, cg, override, names, SIM_UNITS, &count)) &&
        count == 0)
        check_ready(w, cg);
}

static void act_changeover(world *w, size_t i, size_t g)
{
    (void)i;
    change_over(w, sim_slns[g] >> 12, false);
}

static void act_override(world *w, size_t i, size_t g)
{
    (void)i;
    change_over(w, sim_slns[g] >> 12, true);
}

static void act_zeroize(world *w, size_t i, size_t g)
{
    (void)g;
    if (below(&w->dice, 6) == 0 && sim_kmf_did(w, otar_kmf_zeroize(w->kmf, sim_rsi(w, i))))
        w->members[i].is_condemned = true;
}

static void act_inventory(world *w, size_t i, size_t g)
{
    (void)g;
    (void)sim_kmf_did(w, otar_kmf_inventory(w->kmf, sim_rsi(w, i)));
}

static void act_warm_start(world *w, size_t i, size_t g)
{
    (void)g;
    (void)sim_kmf_did(w, otar_kmf_warm_start(w->kmf, sim_rsi(w, i)));
}

static void act_modify_key(world *w, size_t i, size_t g)
{
    if (w->members[i].in[g])
        (void)sim_kmf_did(w, otar_kmf_modify_key(w->kmf, sim_rsi(w, i), sim_slns[g]));
}

/* Every unit stays in a group: one without any has nothing to be reached by. */
static void act_member(world *w, size_t i, size_t g)
{
    member *m = &w->members[i];
    const bool is_in = g == 0 || !m->in[g];
    if (!sim_kmf_did(w, otar_kmf_set_member(w->kmf, sim_rsi(w, i), sim_slns[g], is_in)))
        return;
    m->in[g] = is_in;
    m->leaves[g] = m->leaves[g] || !is_in;
}

static void act_date_time(world *w, size_t i, size_t g)
{
    const p25_date_time t = { 2026, 11, 24, 0, 0, 0 };
    (void)g;
    (void)sim_kmf_did(w, otar_kmf_set_date_time(w->kmf, sim_rsi(w, i), &t));
}

static void act_service(world *w, size_t i, size_t g)
{
    (void)sim_kmf_did(w, otar_kmf_set_service(w->kmf, sim_rsi(w, i), g != 0));
}

/* Another UKEK by key fill; a unit that was zeroized is new then. */
static void act_ukek(world *w, size_t i, size_t g)
{
    member *m = &w->members[i];
    (void)g;
    if (m->is_condemned && !sim_status(w, i).is_zeroized)
        return;
    sim_give_ukek(w, i);
    m->is_condemned = false;
}

static void act_group_rsi(world *w, size_t i, size_t g)
{
    const uint32_t group = (uint32_t)(0x700000 + g);
    const bool adds = below(&w->dice, 2) == 0;
    (void)sim_kmf_did(
        w, otar_kmf_change_rsi(w->kmf, sim_rsi(w, i), adds ? 0 : group, adds ? group : 0));
}

static void act_own_rsi(world *w, size_t i, size_t g)
{
    member *m = &w->members[i];
    const uint32_t rsi = sim_rsi(w, i);
    (void)g;
    if (sim_kmf_did(w, otar_kmf_change_rsi(w->kmf, rsi, rsi, rsi + SIM_RSI_STEP)))
        m->new_rsi = rsi + SIM_RSI_STEP;
}

static const struct {
    unsigned weight;
    void (*act)(world *w, size_t i, size_t g);
} acts[] = {
    { 4, act_rekey },
    { 6, act_changeover },
    { 2, act_override },
    { 2, act_zeroize },
    { 2, act_inventory },
    { 2, act_warm_start },
    { 2, act_modify_key },
    { 4, act_member },
    { 1, act_date_time },
    { 2, act_service },
    { 1, act_ukek },
    { 1, act_group_rsi },
    { OWN_RSI_WEIGHT, act_own_rsi },
};

static void operator_acts(world *w)
{
    const size_t i = below(&w->dice, SIM_UNITS), g = below(&w->dice, SIM_GROUPS);
    size_t at = 0, sum = 0;
    for (size_t k = 0; k < sizeof acts / sizeof acts[0]; k++)
        sum += acts[k].weight;
    for (size_t left = below(&w->dice, sum); left >= acts[at].weight; at++)
        left -= acts[at].weight;
    acts[at].act(w, i, g);
}

/* ---- what else happens ---- */

static void restart(world *w)
{
    const size_t i = below(&w->dice, SIM_UNITS + 1);
    if (i == SIM_UNITS)
        sim_restart_kmf(w);
    else
        sim_restart_unit(w, i);
}

/* One of the next saves of somebody will fail. */
static void break_store(world *w)
{
    const size_t i = below(&w->dice, SIM_UNITS + 1);
    *(i == SIM_UNITS ? &w->fails_in : &w->members[i].fails_in) = (unsigned)(1 + below(&w->dice, 5));
}

static void busy_second(world *w)
{
    static const sim_request says[] = { SIM_HELLO_REKEY, SIM_HELLO_REKEY, SIM_HELLO_REKEY,
                                        SIM_HELLO,       SIM_REGISTER,    SIM_REGISTER,
                                        SIM_REGISTER,    SIM_DEREGISTER };
    const size_t i = below(&w->dice, SIM_UNITS);
    if (below(&w->dice, 8) == 0)
        operator_acts(w);
    if (below(&w->dice, 12) == 0)
        restart(w);
    if (below(&w->dice, 30) == 0)
        break_store(w);
    if (below(&w->dice, 12) == 0)
        w->members[i].is_off_air = !w->members[i].is_off_air;
    if (below(&w->dice, 4) == 0)
        sim_unit_says(w, i, says[below(&w->dice, 8)]);
}

/* README: a KMF that believes in a key an enhanced unit has lost drops what that says in the clear;
 * then somebody must begin anew. */
static void begin_anew(world *w)
{
    for (size_t i = 0; i < SIM_UNITS; i++) {
        const member *m = &w->members[i];
        if (m->level == P25_LEVEL_ENHANCED && !m->is_condemned && !sim_status(w, i).is_settled)
            assert_ok(otar_kmf_warm_start(w->kmf, sim_rsi(w, i)));
    }
}

static void heal(world *w)
{
    w->is_healing = true;
    w->fails_in = 0;
    for (size_t i = 0; i < SIM_UNITS; i++) {
        w->members[i].is_off_air = false;
        w->members[i].fails_in = 0;
        assert_ok(otar_kmf_set_service(w->kmf, sim_rsi(w, i), true));
    }
    for (size_t s = 0; s < HEAL_SECONDS; s++, w->now++) {
        if (s == HEAL_SECONDS / 2)
            begin_anew(w);
        for (size_t i = 0; i < SIM_UNITS; i++)
            if (s % 20 == 1 || s % 20 == 2)
                sim_unit_says(w, i, s % 20 == 1 ? SIM_REGISTER : SIM_HELLO_REKEY);
        sim_run_network(w);
        check_always(w);
    }
    check_healed(w);
}

/* KF_SCHEDULE names one schedule, to look at it alone. */
static void random_schedules(void **state)
{
    static world w;
    const char *only = getenv("KF_SCHEDULE");
    const unsigned long first = only == NULL ? 0 : strtoul(only, NULL, 10);
    const size_t count = only == NULL ? testing_count(300, 100000) : 1;
    unsigned long failures = 0;
    (void)state;
    for (size_t n = 0; n < count; n++) {
        sim_open(&w, first + (unsigned long)n);
        for (size_t i = 0; i < SIM_UNITS; i++)
            sim_unit_says(&w, i, SIM_REGISTER);
        for (size_t s = 0; s < BUSY_SECONDS; s++, w.now++) {
            busy_second(&w);
            sim_run_network(&w);
            check_always(&w);
        }
        heal(&w);
        sim_close(&w);
        failures += w.failures;
    }
    assert_true(only != NULL || failures > 0);
    print_message("%zu schedules, %lu saves failed\n", count, failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_schedules) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

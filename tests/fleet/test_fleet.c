/* The fleet: everybody who can be reached is rekeyed, whatever the network; the same seed gives the
 * same result; the work for a unit does not grow with the fleet. */
#include <string.h>

#include "fleet/events.h"
#include "fleet/fleet.h"
#include "support/testing.h"

static fleet_result *play(const fleet_config *config)
{
    fleet_result *r = NULL;
    assert_ok(fleet_run(config, NULL, &r));
    return r;
}

static fleet_config small(size_t units)
{
    fleet_config c = fleet_config_usual();
    c.units = units;
    c.limit_s = 48 * 3600;
    return c;
}

/* What holds for every result. */
static void check_sums(const fleet_result *r)
{
    const size_t units = r->config.units;
    size_t states = 0;
    for (size_t s = 0; s < FLEET_STATES; s++)
        states += r->states[s];
    assert_int_equal(states, units);
    assert_int_equal(r->reachable + r->gone, units);
    assert_int_equal(r->laggard_count, units - r->states[FLEET_CURRENT]);
    assert_int_equal(r->states[FLEET_KEYLESS], 0);
    assert_int_equal(r->groups[0].members, units);
    for (unsigned g = 0; g < r->group_count; g++) {
        const fleet_group *row = &r->groups[g];
        assert_int_equal(row->use_new + row->use_old + row->use_none, row->members);
        assert_true(row->hold_new >= row->use_new);
    }
}

/* Everybody reachable holds and uses the new keys. */
static void check_all_reached(const fleet_result *r)
{
    check_sums(r);
    assert_true(r->all_reached);
    assert_int_equal(r->reachable_current, r->reachable);
    for (size_t i = 0; i < r->laggard_count; i++)
        assert_true(r->laggards[i].is_gone && r->laggards[i].reason == FLEET_OFF_AIR);
    for (unsigned g = 0; g < r->group_count; g++) {
        assert_true(r->groups[g].members - r->groups[g].use_new <= r->gone);
        assert_int_equal(r->groups[g].use_none, 0);
        assert_true(r->groups[g].kid != r->groups[g].old_kid);
    }
    for (unsigned cg = 0; cg < r->crypto_group_count; cg++)
        assert_true(r->changeovers[cg].is_done);
}

static void extremes(void **state)
{
    static const struct {
        size_t units;
        unsigned groups, loss, off_air, gone, pace;
        p25_level level;
    } cases[] = {
        { 1, 1, 0, 0, 0, 100, P25_LEVEL_BASIC },       { 1, 16, 50, 100, 0, 0, P25_LEVEL_ENHANCED },
        { 40, 4, 0, 0, 0, 0, P25_LEVEL_BASIC },        { 40, 4, 50, 30, 0, 100, P25_LEVEL_BASIC },
        { 40, 4, 50, 30, 0, 100, P25_LEVEL_ENHANCED }, { 40, 4, 5, 100, 0, 100, P25_LEVEL_BASIC },
        { 40, 4, 5, 30, 20, 100, P25_LEVEL_BASIC },    { 40, 2, 5, 0, 100, 100, P25_LEVEL_BASIC },
        { 40, 16, 10, 50, 10, 5, P25_LEVEL_ENHANCED },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fleet_config c = small(cases[i].units);
        c.groups = cases[i].groups;
        c.loss_percent = cases[i].loss;
        c.off_air_percent = cases[i].off_air;
        c.gone_percent = cases[i].gone;
        c.pace = cases[i].pace;
        c.level = cases[i].level;
        c.seed = 100 + i;
        fleet_result *r = play(&c);
        check_all_reached(r);
        if (cases[i].off_air == 100)
            assert_int_equal(r->went_off_air, c.units);
        if (cases[i].gone == 100)
            assert_int_equal(r->reachable, 0);
        assert_true(cases[i].loss > 0 || r->traffic.lost == 0);
        fleet_result_free(&r);
        assert_null(r);
    }
}

static void seeds(void **state)
{
    const size_t count = testing_count(5, 500);
    (void)state;
    for (size_t seed = 0; seed < count; seed++) {
        fleet_config c = small(30);
        c.loss_percent = 15;
        c.gone_percent = 5;
        c.seed = seed;
        fleet_result *r = play(&c);
        check_all_reached(r);
        fleet_result_free(&r);
    }
}

/* A changeover waits for those who are away, and names them; without patience for ever. */
static void changeover_is_gated(void **state)
{
    fleet_config c = small(60);
    kf_time latest = 0;
    (void)state;
    c.patience_s = 0;
    fleet_result *r = play(&c);
    check_all_reached(r);
    for (unsigned cg = 0; cg < r->crypto_group_count; cg++) {
        const fleet_changeover *o = &r->changeovers[cg];
        assert_true(o->refused > 0 && o->last_not_ready > 0 && o->last_names[0] != 0);
        assert_false(o->is_overridden);
        assert_int_equal(o->left_behind, 0);
        latest = o->at > latest ? o->at : latest;
    }
    assert_true(latest >= r->all_s);
    fleet_result_free(&r);

    c.gone_percent = 10;
    c.limit_s = 4 * 3600;
    r = play(&c);
    check_sums(r);
    assert_true(r->gone > 0);
    assert_false(r->all_reached);
    assert_false(r->changeovers[0].is_done);
    assert_int_equal(r->changeovers[0].last_not_ready, r->gone);
    assert_int_equal(r->states[FLEET_BEHIND], c.units);
    fleet_result_free(&r);

    c.patience_s = 1800;
    r = play(&c);
    check_all_reached(r);
    assert_true(r->changeovers[0].is_overridden);
    assert_true(r->changeovers[0].left_behind >= r->gone);
    assert_int_equal(r->laggard_count, r->gone);
    fleet_result_free(&r);
}

/* Nothing comes through: nobody has keys, and the list says why. */
static void no_network(void **state)
{
    fleet_config c = small(5);
    (void)state;
    c.loss_percent = 100;
    c.limit_s = 3600;
    fleet_result *r = play(&c);
    check_sums(r);
    assert_false(r->all_reached);
    assert_int_equal(r->states[FLEET_UNKEYED], 5);
    assert_int_equal(r->laggards[0].reason, FLEET_NOT_REGISTERED);
    assert_int_equal(r->laggards[0].last_heard, -1);
    assert_int_equal(r->traffic.lost, r->traffic.to_kmf);
    assert_int_equal(r->simulated_s, 3600);
    fleet_result_free(&r);
}

/* Field by field, for padding is nobody's. */
static void check_same(const fleet_result *a, const fleet_result *b)
{
    assert_memory_equal(&a->traffic, &b->traffic, sizeof a->traffic);
    assert_memory_equal(a->states, b->states, sizeof a->states);
    assert_memory_equal(a->phase_s, b->phase_s, sizeof a->phase_s);
    assert_int_equal(a->events, b->events);
    assert_int_equal(a->kmf_looks, b->kmf_looks);
    assert_int_equal(a->kmf_saved_octets, b->kmf_saved_octets);
    assert_int_equal(a->simulated_s, b->simulated_s);
    assert_int_equal(a->all_s, b->all_s);
    assert_int_equal(a->laggard_count, b->laggard_count);
    for (size_t i = 0; i < a->laggard_count; i++)
        assert_int_equal(a->laggards[i].rsi, b->laggards[i].rsi);
}

static void same_seed_same_result(void **state)
{
    fleet_config c = small(50);
    (void)state;
    c.gone_percent = 10;
    fleet_result *a = play(&c), *b = play(&c);
    check_same(a, b);
    c.seed++;
    fleet_result *other = play(&c);
    assert_int_not_equal(a->events, other->events);
    fleet_result_free(&a);
    fleet_result_free(&b);
    fleet_result_free(&other);
}

/* Sixteen times the units: the same looks, datagrams and events for each. */
static void work_is_linear(void **state)
{
    fleet_config few = small(50), many = small(800);
    (void)state;
    few.pace = many.pace = 0;
    fleet_result *a = play(&few), *b = play(&many);
    check_all_reached(a);
    check_all_reached(b);
    assert_true(b->kmf_looks * 50 < a->kmf_looks * 800 * 5 / 4);
    assert_true(b->traffic.commands * 50 < a->traffic.commands * 800 * 5 / 4);
    assert_true(b->kmf_saves * 50 < a->kmf_saves * 800 * 5 / 4);
    /* and what was looked at was worth it */
    assert_true(b->kmf_looks < 4 * (b->traffic.commands + b->traffic.to_kmf));
    fleet_result_free(&a);
    fleet_result_free(&b);
}

static void bad_configurations(void **state)
{
    fleet_config c[7];
    (void)state;
    for (size_t i = 0; i < 7; i++)
        c[i] = small(1);
    c[0].units = 0;
    c[1].units = FLEET_UNITS_MAX + 1;
    c[2].groups = 0;
    c[3].groups = FLEET_GROUPS_MAX + 1;
    c[4].loss_percent = 101;
    c[5].off_air_percent = 101;
    c[6].gone_percent = 101;
    for (size_t i = 0; i < 7; i++) {
        fleet_result *r = NULL;
        assert_int_equal(fleet_run(&c[i], NULL, &r), KF_E_MALFORMED);
        assert_null(r);
    }
}

/* Events come in order of time, and of posting within one time. */
static void agenda_is_in_order(void **state)
{
    fleet_agenda agenda = { 0 };
    fleet_dice dice = { 7 };
    fleet_event e, last = { .at_ms = -1 };
    size_t taken = 0;
    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        assert_ok(
            fleet_agenda_post(&agenda, (fleet_event){ .at_ms = (int64_t)fleet_below(&dice, 100) }));
        if (i % 3 == 2 && i < 1000)
            assert_true(fleet_agenda_take(&agenda, &e) && ++taken > 0);
    }
    for (; fleet_agenda_take(&agenda, &e); taken++, last = e)
        assert_true(e.at_ms > last.at_ms || (e.at_ms == last.at_ms && e.order > last.order));
    assert_int_equal(taken, 2000);
    fleet_agenda_clear(&agenda);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes),
        cmocka_unit_test(seeds),
        cmocka_unit_test(changeover_is_gated),
        cmocka_unit_test(no_network),
        cmocka_unit_test(same_seed_same_result),
        cmocka_unit_test(work_is_linear),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(agenda_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

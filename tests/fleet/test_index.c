/* What lets a KMF serve a fleet: look-ups and the queue, against lists that are walked. */
#include <string.h>

#include "fleet/events.h"
#include "otar/kmf_index.h"
#include "support/testing.h"

#define UNITS   60u
#define NUMBERS 200u
#define STEPS   20000u

/* Units are only passed through: any addresses do. */
static char addresses[UNITS];

static kmf_unit *unit_at(size_t i)
{
    return (void *)&addresses[i];
}

static void map_against_list(void **state)
{
    kmf_map map = { 0 };
    kmf_unit *list[NUMBERS] = { NULL };
    fleet_dice dice = { 11 };
    size_t count = 0;
    (void)state;
    assert_null(kmf_map_get(&map, 1));
    kmf_map_drop(&map, 1, unit_at(0));
    for (size_t step = 0; step < STEPS; step++) {
        const uint32_t number = (uint32_t)fleet_below(&dice, NUMBERS);
        kmf_unit *unit = unit_at(fleet_below(&dice, UNITS));
        if (fleet_chance(&dice, 55) && count < NUMBERS - 1) {
            assert_ok(kmf_map_reserve(&map, count + 1));
            kmf_map_put(&map, number, unit);
            count += list[number] == NULL ? 1u : 0u;
            list[number] = list[number] == NULL ? unit : list[number];
        } else {
            kmf_unit *whose = list[number] == NULL || fleet_chance(&dice, 50) ? unit : list[number];
            kmf_map_drop(&map, number, whose);
            if (list[number] != NULL && list[number] == whose) {
                list[number] = NULL;
                count--;
            }
        }
        assert_int_equal(map.count, count);
        for (uint32_t n = 0; n < NUMBERS; n++)
            assert_ptr_equal(kmf_map_get(&map, n), list[n]);
    }
    assert_true(map.room <= 4 * NUMBERS);
    kmf_map_clear(&map);
    kmf_map_clear(&map);
}

/* The model: who is ready since when, and who waits until when. */
typedef struct model {
    size_t ready_since[UNITS]; /* 0: is not */
    kf_time due[UNITS];        /* -1: does not wait */
} model;

static bool is_due(const model *m, size_t i, kf_time now)
{
    return m->ready_since[i] == 0 && m->due[i] >= 0 && m->due[i] <= now;
}

/* First those whose time has come, by time; then those who are ready, first come first served. */
static bool may_be_next(const model *m, size_t i, kf_time now)
{
    for (size_t k = 0; k < UNITS; k++) {
        if (is_due(m, i, now) ? is_due(m, k, now) && m->due[k] < m->due[i] : is_due(m, k, now))
            return false;
        if (!is_due(m, i, now) && m->ready_since[k] != 0 && m->ready_since[k] < m->ready_since[i])
            return false;
    }
    return is_due(m, i, now) || m->ready_since[i] != 0;
}

static void queue_against_lists(void **state)
{
    kmf_queue queue = { 0 };
    kmf_turn turns[UNITS] = { 0 };
    model m = { { 0 }, { 0 } };
    fleet_dice dice = { 5 };
    kf_time now = 0;
    (void)state;
    for (size_t i = 0; i < UNITS; i++) {
        turns[i].unit = unit_at(i);
        m.due[i] = -1;
    }
    assert_null(kmf_queue_take(&queue, 0));
    assert_ok(kmf_queue_reserve(&queue, UNITS));
    for (size_t step = 1; step < STEPS; step++) {
        const size_t i = fleet_below(&dice, UNITS);
        switch (fleet_below(&dice, 5)) {
        case 0:
            kmf_queue_ready(&queue, &turns[i]);
            m.ready_since[i] = m.ready_since[i] == 0 ? step : m.ready_since[i];
            break;
        case 1:
            m.due[i] = now + (kf_time)fleet_below(&dice, 100);
            kmf_queue_wait(&queue, &turns[i], m.due[i]);
            break;
        case 2:
            kmf_queue_forget(&queue, &turns[i]);
            m.due[i] = -1;
            break;
        case 3:
            now += (kf_time)fleet_below(&dice, 3);
            break;
        default:
            for (kmf_unit *u; (u = kmf_queue_take(&queue, now)) != NULL;) {
                const size_t k = (size_t)((char *)u - addresses);
                assert_true(may_be_next(&m, k, now));
                m.ready_since[k] = 0;
                m.due[k] = m.due[k] >= 0 && m.due[k] <= now ? -1 : m.due[k];
            }
            for (size_t k = 0; k < UNITS; k++)
                assert_true(m.ready_since[k] == 0 && (m.due[k] < 0 || m.due[k] > now));
            break;
        }
    }
    kmf_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(map_against_list),
                                        cmocka_unit_test(queue_against_lists) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fleet/events.h"

#include <stdlib.h>

uint64_t fleet_roll(fleet_dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t fleet_below(fleet_dice *d, uint64_t limit)
{
    const uint64_t drawn = fleet_roll(d);
    return limit == 0 ? 0 : drawn % limit;
}

bool fleet_chance(fleet_dice *d, unsigned percent)
{
    return fleet_below(d, 100) < percent;
}

static kf_err fill(void *ctx, uint8_t *out, size_t len)
{
    uint64_t drawn = 0;
    for (size_t i = 0; i < len; i++) {
        drawn = i % 8 == 0 ? fleet_roll(ctx) : drawn >> 8;
        out[i] = (uint8_t)drawn;
    }
    return KF_OK;
}

kf_rng fleet_dice_rng(fleet_dice *d)
{
    return (kf_rng){ fill, d };
}

static bool is_before(const fleet_event *a, const fleet_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static kf_err make_room(fleet_agenda *agenda)
{
    if (agenda->count < agenda->room)
        return KF_OK;
    const size_t room = agenda->room == 0 ? 256 : agenda->room * 2;
    fleet_event *heap = realloc(agenda->heap, room * sizeof *heap);
    if (heap == NULL)
        return KF_E_NO_MEMORY;
    agenda->heap = heap;
    agenda->room = room;
    return KF_OK;
}

kf_err fleet_agenda_post(fleet_agenda *agenda, fleet_event event)
{
    kf_err err = make_room(agenda);
    if (err != KF_OK) {
        free(event.letter);
        return err;
    }
    event.order = agenda->posted++;
    size_t at = agenda->count++;
    for (; at > 0 && is_before(&event, &agenda->heap[(at - 1) / 2]); at = (at - 1) / 2)
        agenda->heap[at] = agenda->heap[(at - 1) / 2];
    agenda->heap[at] = event;
    return KF_OK;
}

bool fleet_agenda_take(fleet_agenda *agenda, fleet_event *out)
{
    if (agenda->count == 0)
        return false;
    *out = agenda->heap[0];
    const fleet_event last = agenda->heap[--agenda->count];
    size_t at = 0;
    for (size_t child = 1; child < agenda->count; child = 2 * at + 1) {
        if (child + 1 < agenda->count && is_before(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!is_before(&agenda->heap[child], &last))
            break;
        agenda->heap[at] = agenda->heap[child];
        at = child;
    }
    agenda->heap[at] = last;
    return true;
}

void fleet_agenda_clear(fleet_agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++)
        free(agenda->heap[i].letter);
    free(agenda->heap);
    *agenda = (fleet_agenda){ 0 };
}

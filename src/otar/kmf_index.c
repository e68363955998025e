#include "otar/kmf_index.h"

#include <stdlib.h>

#define ROOM_FIRST 16u

/* ---- a unit by a number ---- */

/* Numbers are given out in runs, which a multiplication by an odd constant spreads. */
static size_t home_of(const kmf_map *map, uint32_t number)
{
    const uint64_t mixed = number * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (map->room - 1);
}

/* Where the number is, or the free place where it belongs. */
static size_t place_of(const kmf_map *map, uint32_t number)
{
    size_t i = home_of(map, number);
    while (map->entries[i].unit != NULL && map->entries[i].number != number)
        i = (i + 1) & (map->room - 1);
    return i;
}

kf_err kmf_map_reserve(kmf_map *map, size_t count)
{
    size_t room = map->room == 0 ? ROOM_FIRST : map->room;
    while (room / 2 < count) /* at most half full, so that runs stay short */
        room *= 2;
    if (room == map->room)
        return KF_OK;
    kmf_map bigger = { .room = room, .entries = calloc(room, sizeof *bigger.entries) };
    if (bigger.entries == NULL)
        return KF_E_NO_MEMORY;
    for (size_t i = 0; i < map->room; i++)
        if (map->entries[i].unit != NULL)
            kmf_map_put(&bigger, map->entries[i].number, map->entries[i].unit);
    free(map->entries);
    *map = bigger;
    return KF_OK;
}

kmf_unit *kmf_map_get(const kmf_map *map, uint32_t number)
{
    return map->room == 0 ? NULL : map->entries[place_of(map, number)].unit;
}

void kmf_map_put(kmf_map *map, uint32_t number, kmf_unit *unit)
{
    kmf_map_entry *entry = &map->entries[place_of(map, number)];
    if (entry->unit != NULL)
        return;
    *entry = (kmf_map_entry){ number, unit };
    map->count++;
}

/* The entries behind a gap move up, as long as that brings them no further than their home. */
static void close_gap(kmf_map *map, size_t gap)
{
    const size_t mask = map->room - 1;
    for (size_t i = (gap + 1) & mask; map->entries[i].unit != NULL; i = (i + 1) & mask) {
        const size_t home = home_of(map, map->entries[i].number);
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        map->entries[gap] = map->entries[i];
        gap = i;
    }
    map->entries[gap] = (kmf_map_entry){ 0 };
}

void kmf_map_drop(kmf_map *map, uint32_t number, const kmf_unit *unit)
{
    if (map->room == 0)
        return;
    const size_t place = place_of(map, number);
    if (map->entries[place].unit != unit)
        return;
    close_gap(map, place);
    map->count--;
}

void kmf_map_clear(kmf_map *map)
{
    free(map->entries);
    *map = (kmf_map){ 0 };
}

/* ---- who is next ---- */

kf_err kmf_queue_reserve(kmf_queue *queue, size_t count)
{
    size_t room = queue->room == 0 ? ROOM_FIRST : queue->room;
    while (room < count)
        room *= 2;
    if (room == queue->room)
        return KF_OK;
    kmf_turn **heap = realloc(queue->heap, (room + 1) * sizeof *heap);
    if (heap == NULL)
        return KF_E_NO_MEMORY;
    queue->heap = heap;
    queue->room = room;
    return KF_OK;
}

static void line_up(kmf_line *line, kmf_turn *turn)
{
    if (turn->is_ready)
        return;
    turn->is_ready = true;
    turn->next = NULL;
    if (line->first == NULL)
        line->first = turn;
    else
        line->last->next = turn;
    line->last = turn;
}

void kmf_queue_ready(kmf_queue *queue, kmf_turn *turn)
{
    line_up(&queue->ready, turn);
}

void kmf_queue_urgent(kmf_queue *queue, kmf_turn *turn)
{
    line_up(&queue->urgent, turn);
}

static void place(kmf_queue *queue, size_t at, kmf_turn *turn)
{
    queue->heap[at] = turn;
    turn->at = at;
}

static void sift_up(kmf_queue *queue, size_t at, kmf_turn *turn)
{
    for (; at > 1 && queue->heap[at / 2]->due > turn->due; at /= 2)
        place(queue, at, queue->heap[at / 2]);
    place(queue, at, turn);
}

static void sift_down(kmf_queue *queue, size_t at, kmf_turn *turn)
{
    for (size_t child = 2 * at; child <= queue->waiting; child = 2 * at) {
        if (child < queue->waiting && queue->heap[child + 1]->due < queue->heap[child]->due)
            child++;
        if (queue->heap[child]->due >= turn->due)
            break;
        place(queue, at, queue->heap[child]);
        at = child;
    }
    place(queue, at, turn);
}

void kmf_queue_wait(kmf_queue *queue, kmf_turn *turn, kf_time due)
{
    const bool is_later = turn->at != 0 && due > turn->due;
    turn->due = due;
    if (is_later)
        sift_down(queue, turn->at, turn);
    else
        sift_up(queue, turn->at != 0 ? turn->at : ++queue->waiting, turn);
}

void kmf_queue_forget(kmf_queue *queue, kmf_turn *turn)
{
    const size_t at = turn->at;
    if (at == 0)
        return;
    turn->at = 0;
    kmf_turn *mover = queue->heap[queue->waiting--];
    if (mover == turn)
        return;
    if (at > 1 && queue->heap[at / 2]->due > mover->due)
        sift_up(queue, at, mover);
    else
        sift_down(queue, at, mover);
}

kmf_unit *kmf_queue_take(kmf_queue *queue, kf_time now)
{
    while (queue->waiting > 0 && queue->heap[1]->due <= now) {
        kmf_turn *turn = queue->heap[1];
        kmf_queue_forget(queue, turn);
        kmf_queue_urgent(queue, turn);
    }
    kmf_line *line = queue->urgent.first != NULL ? &queue->urgent : &queue->ready;
    kmf_turn *turn = line->first;
    if (turn == NULL)
        return NULL;
    line->first = turn->next;
    turn->is_ready = false;
    return turn->unit;
}

void kmf_queue_clear(kmf_queue *queue)
{
    free(queue->heap);
    *queue = (kmf_queue){ 0 };
}

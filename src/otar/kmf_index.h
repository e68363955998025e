/**
 * @file kmf_index.h Inside the KMF: a unit by a number (RSI, KID of a warm start), and which unit
 * is to be looked at next. Cost does not grow with the units that have nothing to do.
 */
#ifndef OTAR_KMF_INDEX_H
#define OTAR_KMF_INDEX_H

#include "base/err.h"
#include "base/time.h"

typedef struct kmf_unit kmf_unit;

/* ---- a unit by a number ---- */

typedef struct kmf_map_entry {
    uint32_t number;
    kmf_unit *unit; /**< NULL: free */
} kmf_map_entry;

/** Open addressing with linear probing. Zeroed storage is an empty map. */
typedef struct kmf_map {
    size_t room, count; /**< room: 0 or a power of two */
    kmf_map_entry *entries;
} kmf_map;

/** Make room, so that so many entries go in. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err kmf_map_reserve(kmf_map *map, size_t count);
/** The unit, or NULL. */
kmf_unit *kmf_map_get(const kmf_map *map, uint32_t number);
/** Put in; nothing happens when the number is there already. Room must have been reserved. */
void kmf_map_put(kmf_map *map, uint32_t number, kmf_unit *unit);
/** Take out, if the number is that unit's. */
void kmf_map_drop(kmf_map *map, uint32_t number, const kmf_unit *unit);
void kmf_map_clear(kmf_map *map);

/* ---- who is next ---- */

/** A unit's place in the queue. Zeroed but for the unit: in neither list nor heap. */
typedef struct kmf_turn {
    kmf_unit *unit;
    struct kmf_turn *next;
    bool is_ready;
    size_t at; /**< place in the heap; 0: not in it */
    kf_time due;
} kmf_turn;

typedef struct kmf_line {
    kmf_turn *first, *last;
} kmf_line;

/**
 * Units that are ready, first come first served, and units that wait for a time. Where commands go
 * out slowly, conversations that were begun must end before new ones begin, for a warm start
 * expires: so units in the middle of one have a line of their own, which goes first.
 */
typedef struct kmf_queue {
    kmf_line urgent, ready;
    kmf_turn **heap; /**< from 1; the parent of i is i / 2 */
    size_t waiting, room;
} kmf_queue;

/** Make room for so many units. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err kmf_queue_reserve(kmf_queue *queue, size_t count);
/** To the end of the line, unless it stands in it. */
void kmf_queue_ready(kmf_queue *queue, kmf_turn *turn);
/** The same in the line that goes first. */
void kmf_queue_urgent(kmf_queue *queue, kmf_turn *turn);
/** Urgent by itself at that time; an earlier appointment is forgotten. */
void kmf_queue_wait(kmf_queue *queue, kmf_turn *turn, kf_time due);
/** No appointment any more. */
void kmf_queue_forget(kmf_queue *queue, kmf_turn *turn);
/** The next one, out of the line; NULL: nobody. */
kmf_unit *kmf_queue_take(kmf_queue *queue, kf_time now);
void kmf_queue_clear(kmf_queue *queue);

#endif

/** @file events.h What will happen, in order of time: a heap. And the dice that decide. */
#ifndef FLEET_EVENTS_H
#define FLEET_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

/** A quick generator: a simulation draws a lot, and its keys protect nothing. */
typedef struct fleet_dice {
    uint64_t state;
} fleet_dice;

uint64_t fleet_roll(fleet_dice *d);
/** 0 to limit - 1; 0 for a limit of 0. */
uint64_t fleet_below(fleet_dice *d, uint64_t limit);
bool fleet_chance(fleet_dice *d, unsigned percent);
/** For the machines. The dice live as long. */
kf_rng fleet_dice_rng(fleet_dice *d);

typedef enum fleet_event_kind {
    FLEET_EV_TO_KMF,
    FLEET_EV_TO_UNIT,
    FLEET_EV_ON,       /**< a unit comes on the air */
    FLEET_EV_OFF,      /**< it leaves */
    FLEET_EV_ANNOUNCE, /**< it is time that a unit says something */
    FLEET_EV_SEND,     /**< the KMF may send */
    FLEET_EV_OPERATOR, /**< the officer looks */
} fleet_event_kind;

/** Octets on their way; one allocation. */
typedef struct fleet_letter {
    size_t len;
    uint8_t octets[];
} fleet_letter;

typedef struct fleet_event {
    int64_t at_ms;
    uint64_t order; /**< of posting: among events of one time the first goes first */
    fleet_event_kind kind;
    uint32_t unit;        /**< index */
    uint32_t round;       /**< of an announcement: older ones are void */
    fleet_letter *letter; /**< owned; NULL unless it is a datagram */
} fleet_event;

/** Zeroed storage is an empty agenda. */
typedef struct fleet_agenda {
    size_t count, room;
    uint64_t posted;
    fleet_event *heap;
} fleet_agenda;

/** @param event its letter is taken. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err fleet_agenda_post(fleet_agenda *agenda, fleet_event event);
/** The next one, whose letter is the caller's then. false: nothing will happen any more. */
bool fleet_agenda_take(fleet_agenda *agenda, fleet_event *out);
void fleet_agenda_clear(fleet_agenda *agenda);

#endif

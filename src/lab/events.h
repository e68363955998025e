/** @file events.h Events of the machines of the room otar, as JSON and in a technician's words. */
#ifndef LAB_EVENTS_H
#define LAB_EVENTS_H

#include <jansson.h>

#include "otar/store.h"

/**
 * {"event": "acknowledged", "rsi", "message", "number", "status", "say": "..."}; members that mean
 * nothing for the kind are left out. NULL: out of memory.
 */
json_t *lab_event_json(const otar_event *event);

/** {"event": name, "say": text}, for what is no event of a machine. */
json_t *lab_event_say(const char *name, const char *fmt, ...) KF_PRINTF(2, 3);

/** "0A1B" as a JSON string: a KID. */
json_t *lab_kid_json(uint16_t kid);

#endif

/** @file store.h Where a machine of this room puts what it must not forget, and whom it tells. */
#ifndef OTAR_STORE_H
#define OTAR_STORE_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "p25/kmm.h"

/**
 * Stable storage. The machine calls save before a message goes out that depends on the record; a
 * record replaces the one of its slot, whole or not at all. Records hold keys: seal them at rest.
 */
typedef struct otar_store {
    kf_err (*save)(void *ctx, uint32_t slot, kf_slice record);
    void *ctx;
} otar_store;

/** What happened, for logs and for people. Holds no key. */
typedef enum otar_event_kind {
    OTAR_EV_ACTED,         /**< subscriber: a command was carried out; message, number */
    OTAR_EV_RETRY,         /**< subscriber: the last command again, answered the same */
    OTAR_EV_REFUSED,       /**< answered or dropped; status, FF when no code belongs to it */
    OTAR_EV_DATE_TIME,     /**< subscriber: the KMF told the time */
    OTAR_EV_ZEROIZED,      /**< all keys of rsi are gone */
    OTAR_EV_WARM_EXPIRED,  /**< a temporary key was erased for lack of a Rekey */
    OTAR_EV_NO_SERVICE,    /**< subscriber: the KMF will not serve us */
    OTAR_EV_SENT,          /**< KMF: a command went out */
    OTAR_EV_RETRIED,       /**< KMF: it went out again */
    OTAR_EV_ACKNOWLEDGED,  /**< KMF: it was answered */
    OTAR_EV_AWAY,          /**< KMF: retries used up; waits to hear from the unit */
    OTAR_EV_HEARD,         /**< KMF: registration or hello */
    OTAR_EV_NEEDS_UKEK,    /**< KMF: no common key and no UKEK: an operator must act */
    OTAR_EV_KEY_NOT_TAKEN, /**< KMF: a key was refused; status */
    OTAR_EV_SETTLED,       /**< KMF: the unit holds and uses what it should */
} otar_event_kind;

typedef struct otar_event {
    otar_event_kind kind;
    uint32_t rsi;       /**< the subscriber */
    uint8_t message_id; /**< of the command */
    uint16_t number;
    uint8_t status; /**< facts 1.8 */
    p25_date_time date_time;
} otar_event;

typedef struct otar_watch {
    void (*event)(void *ctx, const otar_event *event); /**< NULL: nobody listens */
    void *ctx;
} otar_watch;

#endif

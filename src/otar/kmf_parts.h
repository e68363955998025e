/** @file kmf_parts.h Inside the KMF: its state, shared by its files. */
#ifndef OTAR_KMF_PARTS_H
#define OTAR_KMF_PARTS_H

#include "otar/kmf.h"

#define KMF_ACTIVE_NONE 0xffu
/** Answers in a row that a unit may fail before it must be heard from again. */
#define KMF_STRIKES_MAX 4u

/** Things an operator asked for, once. */
typedef enum kmf_want {
    KMF_WANT_WARM_START = 1u << 0,
    KMF_WANT_MODIFY_KEY = 1u << 1,
    KMF_WANT_CHANGE_RSI = 1u << 2,
    KMF_WANT_DATE_TIME = 1u << 3,
    KMF_WANT_NO_SERVICE = 1u << 4,
} kmf_want;

/** A key inside a command: lib.keys of (group, slot), or its erasure. */
typedef struct kmf_item {
    uint8_t group, slot;
    uint16_t kid;
    bool erase;
} kmf_item;

/** The one RK3 that waits for an answer. */
typedef struct kmf_outstanding {
    bool is_set;
    uint8_t message_id;
    uint8_t inventory_type;
    uint16_t number;
    uint16_t sealed_kid; /* of the outer layer; 0: clear */
    kf_time due;
    uint32_t tries;
    size_t item_count;
    kmf_item items[OTAR_BATCH_KEYS];
    size_t len;
    uint8_t octets[P25_DLI_DATAGRAM_MAX];
} kmf_outstanding;

typedef struct kmf_unit {
    otar_kmf *kmf;
    uint32_t slot; /* of the store */
    uint32_t rsi, new_rsi;
    p25_level level;
    kf_secret *ukek;
    uint16_t ukek_kid;
    p25_kek *kek;
    uint64_t members;                  /* bit i: of group i */
    uint16_t held[OTAR_GROUPS_MAX][2]; /* KID acknowledged; 0: none */
    p25_counter counter;
    p25_mac_peer mac;
    bool is_registered, is_condemned, is_zeroized, is_out_of_service;
    /* not stored: a restart asks again */
    bool is_reconciled, is_away;
    unsigned strikes;
    unsigned wants;
    uint8_t modify_group;
    uint32_t change_old, change_new;
    p25_date_time date_time;
    uint8_t active[OTAR_CRYPTO_GROUPS]; /* slot; meaningful when reconciled */
    bool seen[OTAR_GROUPS_MAX][2];      /* by the first half of an inventory */
    bool has_half_inventory;
    kf_secret *warm;
    uint16_t warm_kid;
    bool warm_is_acked;
    p25_tek *warm_tek;
    p25_kek *warm_kek;
    kmf_outstanding out;
} kmf_unit;

struct otar_kmf {
    otar_kmf_config config;
    otar_store store;
    otar_watch watch;
    const kf_rng *rng;
    bool has_stopped;
    size_t group_count;
    uint16_t slns[OTAR_GROUPS_MAX];
    otar_keys keys; /* by SLN in keyset slot 0 or 1 of its crypto group */
    uint8_t active[OTAR_CRYPTO_GROUPS];
    bool is_staged[OTAR_CRYPTO_GROUPS];
    uint16_t next_kid;
    size_t unit_count, turn;
    kmf_unit **units;
    kf_secret *record;
};

uint8_t kmf_keyset(unsigned crypto_group, unsigned slot);
unsigned kmf_group_crypto_group(const otar_kmf *kmf, size_t group);
otar_key *kmf_key(const otar_kmf *kmf, size_t group, unsigned slot);
bool kmf_is_member(const kmf_unit *u, size_t group);
/** Did the unit acknowledge the key that is valid now? */
bool kmf_holds(const kmf_unit *u, size_t group, unsigned slot);
/** A TEK we share with the unit, by what it acknowledged; NULL. */
p25_tek *kmf_common(const kmf_unit *u);
kmf_unit *kmf_unit_of(const otar_kmf *kmf, uint32_t rsi);
/** A KID nobody has. Saves the groups, for the next one. */
KF_MUST_USE kf_err kmf_take_kid(otar_kmf *kmf, uint16_t *kid);
KF_MUST_USE kf_err kmf_save_groups(otar_kmf *kmf);
KF_MUST_USE kf_err kmf_save_unit(kmf_unit *u);
void kmf_forget_warm(kmf_unit *u);
/** The outstanding command will not be waited for; what it did is unknown. */
void kmf_abandon(kmf_unit *u);
void kmf_tell(const kmf_unit *u, otar_event_kind kind, uint8_t message_id, uint8_t status);
/** Is there nothing left to send to the unit? */
bool kmf_is_settled(const kmf_unit *u);

#endif

/** @file kmf_parts.h Inside the KMF: its state, shared by its files. */
#ifndef OTAR_KMF_PARTS_H
#define OTAR_KMF_PARTS_H

#include "otar/kmf.h"
#include "otar/kmf_index.h"

#define KMF_ACTIVE_NONE 0xffu
#define KMF_KIDS        65536u
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

struct kmf_unit {
    otar_kmf *kmf;
    kmf_turn turn;
    uint32_t slot; /* of the store */
    uint32_t rsi, new_rsi;
    uint32_t speaks_as; /* of the two, where it was heard last; 0: rsi. Not stored */
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
};

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
    otar_key *placed[OTAR_GROUPS_MAX][2]; /* keys, by group and slot */
    uint16_t next_kid;
    unsigned kids_left;          /* from next_kid on, that the record calls used already */
    uint32_t kid_uses[KMF_KIDS]; /* acknowledgments of a KID that are remembered */
    size_t unit_count, unit_room;
    kmf_unit **units;
    kmf_map by_rsi, by_warm_kid;
    kmf_queue queue;
    uint64_t looks;
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
/** Give a unit its RSI and the one it is changing to (0: none). */
void kmf_set_rsi(kmf_unit *u, uint32_t rsi, uint32_t new_rsi);
/** Remember which key the unit has in that place; 0: none. */
void kmf_set_held(kmf_unit *u, size_t group, unsigned slot, uint16_t kid);
/** It has none in any place. */
void kmf_forget_held(kmf_unit *u);
/** A KID nobody has. Reserved in the record of the groups before it is given out. */
KF_MUST_USE kf_err kmf_take_kid(otar_kmf *kmf, uint16_t *kid);
KF_MUST_USE kf_err kmf_save_groups(otar_kmf *kmf);
KF_MUST_USE kf_err kmf_save_unit(kmf_unit *u);
void kmf_forget_warm(kmf_unit *u);
/** The outstanding command will not be waited for; what it did is unknown. */
void kmf_abandon(kmf_unit *u);
void kmf_tell(const kmf_unit *u, otar_event_kind kind, uint8_t message_id, uint8_t status);
/** The timer of the unit follows its outstanding command. */
void kmf_appoint(kmf_unit *u);
/** May the keys of a crypto group change over, as far as the unit goes? */
bool kmf_is_ready(const kmf_unit *u, unsigned crypto_group);
/** The group of an SLN, or group_count. */
size_t kmf_group_of(const otar_kmf *kmf, uint16_t sln);
/** Is there nothing left to send to the unit? */
bool kmf_is_settled(const kmf_unit *u);

#endif

/**
 * @file kmf.h A P25 key management facility (KMF): subscribers, groups, and the conversation that
 * brings each subscriber to hold what it should. Datagrams and time in, datagrams and events out.
 *
 * The operator says what shall be (members, new keys, changeover, zeroize); what a unit is sent
 * next follows from that and from what the unit is known to hold, by its acknowledgments and
 * inventories. The order is the safety rule: keys of the active keyset, then a changeover of the
 * unit to it, then the next keyset, then deletions. Nothing a unit uses is taken away before what
 * replaces it was acknowledged.
 *
 * Groups of one crypto group change keysets together (facts 1.7.7). Every state that a message
 * depends on is saved before the message goes out; when saving fails the machine stops.
 * Source: TIA-102.AACA; project facts 1.5, 1.7, 1.10, 2.5, 2.6.
 */
#ifndef OTAR_KMF_H
#define OTAR_KMF_H

#include "otar/keys.h"
#include "otar/store.h"
#include "p25/seal.h"

#define OTAR_GROUPS_MAX 64u
#define OTAR_BATCH_KEYS 4u /**< of a Rekey, so that any carrier takes it (facts 1.4.4) */

typedef struct otar_kmf_config {
    uint32_t rsi;
    uint32_t retry_seconds; /**< 0: 5 */
    uint32_t tries;         /**< times a command is sent in all; 0: 4 */
    uint16_t ahead;         /**< message numbers reserved at a time; 0: 16 */
    p25_mac_setting mac;
    p25_mac_scheme first_scheme;
} otar_kmf_config;

/** One KMF. One thread at a time. */
typedef struct otar_kmf otar_kmf;

KF_MUST_USE kf_err otar_kmf_new(const otar_kmf_config *config, const otar_store *store,
                                const otar_watch *watch, const kf_rng *rng, otar_kmf **out);
void otar_kmf_free(otar_kmf **kmf);

/**
 * Take up a record of a former run, before anything else is called: slot 0 (groups and keys), then
 * 1, 2, ... (one for each unit), in that order.
 * @return KF_E_STATE for another order; KF_E_TRUNCATED, KF_E_MALFORMED, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err otar_kmf_load(otar_kmf *kmf, uint32_t slot, kf_slice record);

/* ---- the operator ----
 * All return KF_E_STATE when the machine has stopped or the unit or group is not known, and what
 * the store says. */

/** Add a subscriber. @param ukek AES-256, taken; NULL: none yet. KF_E_DENIED: RSI in use. */
KF_MUST_USE kf_err otar_kmf_add_unit(otar_kmf *kmf, uint32_t rsi, p25_level level,
                                     uint16_t ukek_kid, kf_secret **ukek);
/** Give a subscriber another UKEK, that reached it by other means. A zeroized unit is new then. */
KF_MUST_USE kf_err otar_kmf_set_ukek(otar_kmf *kmf, uint32_t rsi, uint16_t kid, kf_secret **ukek);
/** Add a group with a first key. KF_E_DENIED: SLN in use or of KEKs; KF_E_NO_SPACE. */
KF_MUST_USE kf_err otar_kmf_add_group(otar_kmf *kmf, uint16_t sln);
/** Make a unit a member, or no longer one: then its keys of the group are erased. */
KF_MUST_USE kf_err otar_kmf_set_member(otar_kmf *kmf, uint32_t rsi, uint16_t sln, bool is_member);
/** New keys for all groups of a crypto group, into the inactive keyset of every member. */
KF_MUST_USE kf_err otar_kmf_rekey(otar_kmf *kmf, unsigned crypto_group);
/**
 * Make the new keys the active ones.
 * @param override    go on although units are not ready.
 * @param not_ready   RSIs of members that have not acknowledged all; at most cap of them.
 * @param count       how many there are, also beyond cap.
 * @return KF_E_STATE without a rekey before; KF_E_DENIED when somebody is not ready.
 */
KF_MUST_USE kf_err otar_kmf_changeover(otar_kmf *kmf, unsigned crypto_group, bool override,
                                       uint32_t *not_ready, size_t cap, size_t *count);
/** Destroy all keys of a unit, lost or stolen; it is served no more until it has a new UKEK. */
KF_MUST_USE kf_err otar_kmf_zeroize(otar_kmf *kmf, uint32_t rsi);
/** Ask what the unit holds, and mend; also wakes a unit that was given up. */
KF_MUST_USE kf_err otar_kmf_inventory(otar_kmf *kmf, uint32_t rsi);
/** Begin anew under the UKEK, as for a unit that lost its keys. */
KF_MUST_USE kf_err otar_kmf_warm_start(otar_kmf *kmf, uint32_t rsi);
/** Send the active key of one group again, by Modify-Key. */
KF_MUST_USE kf_err otar_kmf_modify_key(otar_kmf *kmf, uint32_t rsi, uint16_t sln);
/** Change an RSI; old 0 adds a group RSI, new 0 removes one. KF_E_DENIED: in use. */
KF_MUST_USE kf_err otar_kmf_change_rsi(otar_kmf *kmf, uint32_t rsi, uint32_t old_rsi,
                                       uint32_t new_rsi);
/** Tell a unit the time. */
KF_MUST_USE kf_err otar_kmf_set_date_time(otar_kmf *kmf, uint32_t rsi, const p25_date_time *t);
/** Refuse service to a unit (No-Service), or serve it again. */
KF_MUST_USE kf_err otar_kmf_set_service(otar_kmf *kmf, uint32_t rsi, bool on);

/* ---- the network ---- */

/**
 * A datagram from a unit.
 * @param out an answer at once, if any: to the sender. Room: P25_DLI_DATAGRAM_MAX.
 * @return KF_OK also when it was dropped; KF_E_STATE; the store's; KF_E_NO_MEMORY, KF_E_BACKEND.
 */
KF_MUST_USE kf_err otar_kmf_receive(otar_kmf *kmf, kf_time now, kf_slice datagram, kf_writer *out);

/**
 * The next datagram that is due: a command or a retry. Call until nothing is appended, after every
 * receive, operator action and second.
 * @param rsi whom it is for.
 */
KF_MUST_USE kf_err otar_kmf_next(otar_kmf *kmf, kf_time now, uint32_t *rsi, kf_writer *out);

/* ---- looking in ---- */

/** The active (or inactive) key of a group; NULL: none. A loan until the next call. */
const otar_key *otar_kmf_key(const otar_kmf *kmf, uint16_t sln, bool active);
/** What is known of a unit. */
typedef struct otar_unit_status {
    bool is_registered, is_away, is_zeroized;
    bool is_condemned;      /**< to be zeroized, or it was */
    bool is_out_of_service; /**< see otar_kmf_set_service() */
    bool is_asked;          /**< a command waits for its answer */
    bool has_ukek;
    bool is_settled; /**< holds and uses all it should, nothing outstanding */
    bool has_next;   /**< ready for the changeover of every crypto group it is in */
    size_t held;     /**< keys it acknowledged that are still valid */
    size_t wanted;   /**< keys it should hold */
} otar_unit_status;
/** @return KF_E_STATE for an unknown RSI. */
KF_MUST_USE kf_err otar_kmf_status(const otar_kmf *kmf, uint32_t rsi, otar_unit_status *out);

/** Units in the order of their records: unit i has slot i + 1 of the store. RSI 0 past the last. */
size_t otar_kmf_unit_count(const otar_kmf *kmf);
uint32_t otar_kmf_unit_rsi(const otar_kmf *kmf, size_t i);
/** Groups in the order in which they were added. SLN 0 past the last. */
size_t otar_kmf_group_count(const otar_kmf *kmf);
uint16_t otar_kmf_group_sln(const otar_kmf *kmf, size_t i);
/** Do new keys exist that await a changeover? */
bool otar_kmf_is_staged(const otar_kmf *kmf, unsigned crypto_group);
bool otar_kmf_is_member(const otar_kmf *kmf, uint32_t rsi, uint16_t sln);
/**
 * The KID that a unit acknowledged for a group, in the active or the inactive keyset; 0: none. It
 * may be a former one: compare it with otar_kmf_key().
 */
uint16_t otar_kmf_held(const otar_kmf *kmf, uint32_t rsi, uint16_t sln, bool active);
/** Did the unit say that the active keyset of a crypto group is its active one, too? */
bool otar_kmf_uses_active(const otar_kmf *kmf, uint32_t rsi, unsigned crypto_group);
/** Units that otar_kmf_next() looked at since the start: what its cost is made of. */
uint64_t otar_kmf_looks(const otar_kmf *kmf);

#endif

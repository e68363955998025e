/**
 * @file unit.h A P25 subscriber (SU) as over-the-air rekeying sees it: datagrams and time in,
 * datagrams and events out. No I/O, no clock.
 *
 * A command passes: outer layer, lengths, RSIs, protection, MAC, number; is carried out; the new
 * state is saved; then the answer goes out. When saving fails the machine stops (KF_E_STATE from
 * then on) and is made anew from its last record.
 * Source: TIA-102.AACA; project facts 1.5, 1.7.7, 1.7.8, 1.10, 2.5, 2.6.
 */
#ifndef OTAR_UNIT_H
#define OTAR_UNIT_H

#include "otar/keys.h"
#include "otar/store.h"
#include "p25/seal.h"

#define OTAR_UNIT_GROUPS_MAX 16u
/** Seconds a temporary key lives when the configuration says 0. */
#define OTAR_WARM_SECONDS 120u

typedef struct otar_unit_config {
    uint32_t rsi;
    uint32_t kmf_rsi;
    uint16_t mnp; /**< window of message numbers; 0: P25_MNP_DEFAULT */
    p25_level level;
    p25_mac_setting mac;
    p25_mac_scheme first_scheme;
    uint32_t warm_seconds;
} otar_unit_config;

/** One subscriber. One thread at a time. */
typedef struct otar_unit otar_unit;

/**
 * @param record of the store's slot 0, to take up where a former run stopped; its RSIs, numbers
 *               and MAC win over the configuration's. Empty: a new unit.
 * @param store, watch copied; rng borrowed for the life of the unit.
 * @return KF_E_MALFORMED, KF_E_TRUNCATED for a bad record; KF_E_NO_MEMORY; KF_E_BACKEND.
 */
KF_MUST_USE kf_err otar_unit_new(const otar_unit_config *config, const otar_store *store,
                                 const otar_watch *watch, const kf_rng *rng, kf_slice record,
                                 otar_unit **out);
void otar_unit_free(otar_unit **unit);

/**
 * Install a key by other means than OTAR: key fill, or a UKEK that came the 3GPP way.
 * @param where    keyset, SLN, ALGID, KID, is_kek. A UKEK: keyset OTAR_KEK_KEYSET, SLN from F000.
 * @param material taken.
 * @return as otar_keys_put(); what the store says.
 */
KF_MUST_USE kf_err otar_unit_load(otar_unit *unit, const otar_key *where, kf_secret **material);

/**
 * Add a group RSI; messages to it start at number 0. Nothing happens when it is there already.
 * @return KF_E_MALFORMED for 0, our own RSI or the KMF's; KF_E_NO_SPACE; the store's.
 */
KF_MUST_USE kf_err otar_unit_join(otar_unit *unit, uint32_t group_rsi);

/**
 * A datagram from the network.
 * @param out the answer, if any: nothing is appended when there is none. KF_E_NO_SPACE needs
 *            P25_DLI_DATAGRAM_MAX octets of room.
 * @return KF_OK also when the datagram was refused or dropped (the watch is told); KF_E_STATE when
 * the machine has stopped; what the store says; KF_E_NO_MEMORY; KF_E_BACKEND.
 */
KF_MUST_USE kf_err otar_unit_receive(otar_unit *unit, kf_time now, kf_slice datagram,
                                     kf_writer *out);

/** A Hello; the flag (rekey request with or without a UKEK) follows from the keys when rekey. */
KF_MUST_USE kf_err otar_unit_hello(otar_unit *unit, bool rekey, kf_writer *out);
/** A Registration or Deregistration command. */
KF_MUST_USE kf_err otar_unit_register(otar_unit *unit, bool on, kf_writer *out);
/** Let time pass: a temporary key that is too old is erased. */
void otar_unit_tick(otar_unit *unit, kf_time now);

bool otar_unit_is_registered(const otar_unit *unit);
uint32_t otar_unit_rsi(const otar_unit *unit);
/** What a channel strapped to that SLN sends with; NULL: none. A loan until the next call. */
const otar_key *otar_unit_current(const otar_unit *unit, uint16_t sln);
/** What a receiver of (ALGID, KID) opens with, in any keyset; NULL: none. */
const otar_key *otar_unit_named(const otar_unit *unit, uint8_t algid, uint16_t kid);
/** All keys, to read. */
const otar_keys *otar_unit_keys(const otar_unit *unit);

#endif

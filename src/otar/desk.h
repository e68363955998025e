/**
 * @file desk.h One subscriber's conversation on its own: a KMF of one unit, made from what a data
 * base holds and put away again after each step. For a KMF whose units and keys are many and live
 * elsewhere: any process can take any step, and nothing is kept in memory between two.
 *
 * Unlike the records of kmf.h, this one holds the conversation whole, with the command that waits
 * for its answer and the temporary key of a warm start, so that the next step goes on exactly
 * where the last one ended. It holds keys: wrap it at rest.
 */
#ifndef OTAR_DESK_H
#define OTAR_DESK_H

#include "otar/kmf.h"

/** A storage location, and whether the unit is to have its keys. */
typedef struct otar_desk_group {
    uint16_t sln;
    bool is_member;
} otar_desk_group;

/** A key of a location: slot 0 or 1 of its crypto group. AES-256. Borrowed. */
typedef struct otar_desk_key {
    uint16_t sln;
    uint8_t slot;
    uint16_t kid;
    const kf_secret *material;
} otar_desk_key;

/** What the data base says. Everything borrowed. */
typedef struct otar_desk {
    otar_kmf_config config; /**< ahead is taken as 1: the record is saved at every step */
    otar_watch watch;
    const kf_rng *rng;
    uint32_t rsi;
    p25_level level;
    const kf_secret *ukek; /**< NULL: none */
    uint16_t ukek_kid;
    bool is_lost;       /**< to be zeroized, and then served no more */
    bool is_registered; /**< known to be there by other means than a Registration */
    uint16_t warm_kid;  /**< a KID that nobody has, should a warm start be needed */
    size_t group_count; /**< at most OTAR_GROUPS_MAX together with those of the record */
    const otar_desk_group *groups;
    size_t key_count;
    const otar_desk_key *keys;
    uint8_t active[OTAR_CRYPTO_GROUPS]; /**< slot */
    bool is_staged[OTAR_CRYPTO_GROUPS];
} otar_desk;

/** Longest record in octets. */
#define OTAR_DESK_RECORD_MAX (512u + P25_DLI_DATAGRAM_MAX + OTAR_GROUPS_MAX * 8u)

/**
 * Take up a conversation. Then otar_kmf_receive(), otar_kmf_next() and what an operator may ask are
 * used as ever, with the one RSI.
 * @param record empty: it begins.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED, KF_E_UNSUPPORTED for a bad record;
 * KF_E_NO_SPACE for too many groups; what otar_keys_put() returns; KF_E_NO_MEMORY, KF_E_BACKEND.
 */
KF_MUST_USE kf_err otar_desk_open(const otar_desk *desk, kf_slice record, otar_kmf **out);

/** Append the record. It must be durable before a datagram made since goes out. */
void otar_desk_write(const otar_kmf *kmf, kf_writer *out);

/** What the unit acknowledged: KID of (SLN, slot), 0: none. */
uint16_t otar_desk_held(const otar_kmf *kmf, uint16_t sln, unsigned slot);
/** When the next step is due by itself: a retry. false: when something happens. */
bool otar_desk_due(const otar_kmf *kmf, kf_time *due);
/** Is the temporary KID in use (so that another one is needed for the next warm start)? */
bool otar_desk_took_kid(const otar_kmf *kmf, uint16_t kid);

#endif

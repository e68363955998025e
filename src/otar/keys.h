/**
 * @file keys.h The keys of one side: keysets, the active keyset of each crypto group, look-ups by
 * storage location (SLN) and by (ALGID, KID). Source: project facts 1.7.7.
 */
#ifndef OTAR_KEYS_H
#define OTAR_KEYS_H

#include "base/reader.h"
#include "base/secret.h"
#include "base/writer.h"
#include "p25/mac.h"
#include "p25/wrap.h"

/** Stored keys: both keysets of every group a KMF serves, and key encryption keys. */
#define OTAR_KEYS_MAX      160u
#define OTAR_CRYPTO_GROUPS 16u
/** The usual keyset of key encryption keys. */
#define OTAR_KEK_KEYSET 255u
/** Octets that one key takes in a record, at most. */
#define OTAR_KEY_RECORD_OCTETS 41u

/** A key and where it is stored. material is owned. */
typedef struct otar_key {
    uint8_t keyset;
    uint16_t sln;
    uint8_t algid;
    uint16_t kid;
    bool is_kek;
    bool is_temporary; /**< of a warm start: in no keyset, never stored */
    kf_secret *material;
    p25_tek *tek; /**< NULL where no KMM can be protected with it */
    p25_kek *kek; /**< NULL for a TEK, unless temporary */
    struct otar_key *next;
} otar_key;

typedef struct otar_keys {
    otar_key *first;
    otar_key *buried; /**< removed, alive until otar_keys_bury(): an answer may need one */
    size_t count;
    uint8_t active[OTAR_CRYPTO_GROUPS]; /**< keyset ID; 0: none */
} otar_keys;

/**
 * Store a key; one in the same place is removed. The first keyset of a crypto group becomes active.
 * @param where    everything but the material and the contexts.
 * @param material taken.
 * @return KF_E_MALFORMED for a keyset or KID of 0, a keyset of another crypto group than the SLN,
 * or a KEK among TEKs and the reverse; KF_E_NO_SPACE when full; what p25_tek_new() and
 * p25_kek_new() return for a bad key.
 */
KF_MUST_USE kf_err otar_keys_put(otar_keys *keys, const otar_key *where, kf_secret **material);

/** The key in a place, or NULL. */
otar_key *otar_keys_at(const otar_keys *keys, uint8_t keyset, uint16_t sln);
/** The TEK (or KEK) of that name in any keyset, active or not; NULL. */
otar_key *otar_keys_named(const otar_keys *keys, bool is_kek, uint8_t algid, uint16_t kid);
/** What a channel strapped to that SLN sends with, or NULL. */
otar_key *otar_keys_current(const otar_keys *keys, uint16_t sln);
/** The temporary key of a warm start, or NULL. */
otar_key *otar_keys_temporary(const otar_keys *keys);
/** Has the keyset a key? */
bool otar_keys_has_keyset(const otar_keys *keys, uint8_t keyset);
bool otar_keys_is_active(const otar_keys *keys, const otar_key *key);
/** Make a keyset the active one of its crypto group. false: it has no key. */
bool otar_keys_activate(otar_keys *keys, uint8_t keyset);
/** Take a key out; it lives until otar_keys_bury(). */
void otar_keys_remove(otar_keys *keys, otar_key *key);
/** Remove all. */
void otar_keys_remove_all(otar_keys *keys);
/** Wipe and free what was removed. */
void otar_keys_bury(otar_keys *keys);
/** Wipe and free everything. May be called twice. */
void otar_keys_clear(otar_keys *keys);

/** Append to a record; without the temporary key. The record then holds secrets. */
void otar_keys_write(const otar_keys *keys, kf_writer *w);
/** Read back into an empty object. @return also what otar_keys_put() returns. */
KF_MUST_USE kf_err otar_keys_read(otar_keys *keys, kf_reader *r);

#endif

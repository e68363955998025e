/**
 * @file verify.h The check of an exported chain of events (`audit export`), away from the vault:
 * no store, no secret. Pages go in one after the other; the first thing that is wrong sticks.
 *
 * Found: an event altered, left out, put in, moved; an end cut off (the last event must be the one
 * that the head signs); a head or checkpoint that the key did not sign; pages of another vault or
 * key; a checkpoint left out; and with an earlier checkpoint, that the store was put back to an
 * older state or is another chain.
 */
#ifndef VAULT_VERIFY_H
#define VAULT_VERIFY_H

#include "crypto/sign.h"
#include "vault/audit.h"

/** A checkpoint as exported; octets borrowed. */
typedef struct vault_signed {
    int64_t seq;
    kf_time at;
    kf_slice hash, signature;
} vault_signed;

/** An event with the hash that was exported. */
typedef struct vault_exported {
    vault_event event;
    kf_slice hash;
} vault_exported;

/** One answer of `audit export`; all borrowed. */
typedef struct vault_page {
    kf_slice vault_id, audit_public;
    size_t head_count, checkpoint_count, event_count;
    const vault_signed *heads, *checkpoints;
    const vault_exported *events;
} vault_page;

/** A point of the chain that was verified before. */
typedef struct vault_point {
    int64_t seq;
    uint8_t hash[32];
} vault_point;

typedef struct vault_verifier {
    bool has_begun, has_earlier, has_passed_earlier, is_pinned;
    uint8_t id[SEAL_ID_OCTETS], key[KF_ED25519_KEY_OCTETS];
    vault_point earlier, now, head; /**< now: the last event; head: the newest signed end */
    kf_time at, head_at;            /**< of the last event; of the newest signed end */
    int64_t first, events, checkpoints;
    int64_t bad;     /**< the event where it goes wrong; 0: no one event */
    const char *why; /**< NULL while all is well */
} vault_verifier;

/**
 * @param key     the vault's public audit key, as it was told when the vault was made; NULL: take
 *                the one in the export, which proves only that the pages fit one another.
 * @param earlier a point of an earlier check; NULL: none. The pages begin at event 1, or behind it.
 */
void vault_verify_begin(vault_verifier *v, const uint8_t *key, const vault_point *earlier);
/** @return KF_E_AUTH: see v->bad, v->why. KF_E_BACKEND, KF_E_NO_MEMORY: not judged. */
KF_MUST_USE kf_err vault_verify_page(vault_verifier *v, const vault_page *page);
/** After the last page. @return as above. */
KF_MUST_USE kf_err vault_verify_end(vault_verifier *v);

#endif

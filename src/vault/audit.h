/**
 * @file audit.h The chain of events: how one is hashed, what a checkpoint signs, and the check of
 * an exported chain, which needs neither a vault nor a key that is secret.
 *
 * hash(n) = SHA-256("keyferry-event" || hash(n-1) || seq 8 || time 8 || role 1 || for each of
 * actor, verb, subject, outcome, detail: length 2 and octets); hash(0) = SHA-256("keyferry-events"
 * || vault ID). A checkpoint is an Ed25519 signature of "keyferry-checkpoint" || vault ID || seq 8
 * || time 8
 * || hash.
 */
#ifndef VAULT_AUDIT_H
#define VAULT_AUDIT_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "seal/seal.h"

#define VAULT_EVENT_TEXTS 5u

/** An event; texts borrowed: actor, verb, subject, outcome, detail. */
typedef struct vault_event {
    int64_t seq;
    kf_time at;
    uint8_t role;
    kf_slice texts[VAULT_EVENT_TEXTS];
} vault_event;

KF_MUST_USE kf_err vault_event_first(const uint8_t id[SEAL_ID_OCTETS], uint8_t hash[32]);
/** @param hash in: of the event before; out: of this one. */
KF_MUST_USE kf_err vault_event_hash(const vault_event *event, uint8_t hash[32]);

/** The verb of the event that a checkpoint signs: a chain with such an event and without its
 * checkpoint lacks a row. */
#define VAULT_CHECKPOINT_VERB "audit checkpoint"

#define VAULT_CHECKPOINT_OCTETS (19u + SEAL_ID_OCTETS + 8u + 8u + 32u)
/** What a checkpoint signs. */
void vault_checkpoint_octets(const uint8_t id[SEAL_ID_OCTETS], int64_t seq, kf_time at,
                             const uint8_t hash[32], uint8_t out[VAULT_CHECKPOINT_OCTETS]);

#endif

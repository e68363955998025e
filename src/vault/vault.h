/**
 * @file vault.h The vault of one organization: keys, groups, units, policy, outbox, audit. Requests
 * go in as maps (wire/record.h), results come out as maps; what leaves as a key leaves sealed.
 *
 * A request passes: verb known, role allowed, fields checked, vault unsealed, clock sane; then one
 * transaction holds the act, its deliveries and its audit event; only after the commit is it
 * answered. `plan` in a request rolls the transaction back at the end, so a plan is the act itself.
 * Boxes are sealed after the act, in the background, in transactions of their own that a crash
 * merely delays. One vault object is for one thread; it has threads of its own for sealing.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/time.h"
#include "seal/token.h"
#include "store/store.h"
#include "wire/record.h"
#include "wire/server.h"

typedef struct vault vault;

/** Who asks. A peer has exactly one role. */
typedef enum vault_role {
    VAULT_OFFICER = 1u << 0,
    VAULT_AUDITOR = 1u << 1,
    VAULT_COURIER = 1u << 2,
    VAULT_KMS = 1u << 3,   /**< the KMS face */
    VAULT_MEDIA = 1u << 4, /**< a media process, by name */
    VAULT_CALL = 1u << 5,  /**< call control */
} vault_role;
#define VAULT_ANYBODY 0x3fu

/** "officer", ...; NULL. */
const char *vault_role_name(unsigned role);
/** 0 when there is no such name. */
unsigned vault_role_named(kf_slice name);

#define VAULT_NAME_MAX 64u

typedef struct vault_caller {
    vault_role role;
    char name[VAULT_NAME_MAX]; /**< the person or process, as the configuration names it */
} vault_caller;

typedef struct vault_config {
    const char *organization;
    const char *store;  /**< as store_open() */
    const char *anchor; /**< directory outside the store, for what a roll-back would undo */
    const seal_token_config *token; /**< NULL: none */
    unsigned threads;               /**< that seal; 0: as many as there are cores */
    uint32_t kmf_rsi;               /**< RSI of the vault as a KMF; 0: 9,999,999 */
    kf_clock clock;
    const kf_rng *rng;
    const kf_log *log;
} vault_config;

/**
 * Open the store and bring its schema up to date. The vault is sealed, or not initialised.
 * @param why a sentence, safe to show.
 */
KF_MUST_USE kf_err vault_new(const vault_config *config, vault **out, char *why, size_t size);
/** Seals first. */
void vault_free(vault **v);

/** A refusal with texts of its own. */
typedef struct vault_refusal {
    char code[32], field[WIRE_NAME_MAX + 1];
    char what[240], why[240], remedy[240];
} vault_refusal;

/**
 * Carry out a request.
 * @param out a new builder with one map: the result (on KF_OK) or more about the refusal (else; it
 *            may be empty). Caller frees; NULL when memory is short.
 * @return KF_OK: done and durable. Anything else: refused, nothing changed, see refusal.
 */
KF_MUST_USE kf_err vault_do(vault *v, const vault_caller *who, const wire_value *request,
                            wire_builder **out, vault_refusal *refusal);

/**
 * Background work: seal what is planned, step OTAR conversations, end what has an end, sign
 * checkpoints, probe the token. Does a bounded amount.
 * @param more was something left that could be done at once?
 * @return KF_OK also while sealed; what the store said otherwise (try again later).
 */
KF_MUST_USE kf_err vault_work(vault *v, bool *more);

bool vault_is_unsealed(const vault *v);

/** The schema of its store, for who checks and restores backups. */
extern const store_migration vault_schema[];
extern const size_t vault_schema_count;

#endif

/**
 * @file parts.h Inside the vault: what its nouns share. A noun is one file, with a table of verbs.
 */
#ifndef VAULT_PARTS_H
#define VAULT_PARTS_H

#include "mcsec/domain.h"
#include "seal/seal.h"
#include "vault/vault.h"
#include "vault/verbs.h"

/* ---- acts ---- */

/** A request under way. */
struct vault_act {
    vault *v;
    store *db;
    const vault_caller *who;
    const vault_caller *second; /**< who approved; NULL: nobody had to */
    const vault_verb *verb;
    const wire_value *in;
    wire_builder *out; /**< the result map is open: put fields */
    kf_time now;
    bool is_plan;
    vault_refusal *refusal;
    char subject[160]; /**< for the audit event: what it was about; verbs set it with vault_about()
                        */
    char detail[480];  /**< for the audit event: text, never secret; vault_note() appends */
};

/** Refuse: fills act->refusal and returns err. Texts are printf-like; nothing secret. */
kf_err vault_refuse(vault_act *act, kf_err err, const char *code, const char *field,
                    const char *what, const char *why, const char *remedy);
/** The same with a text built from values: "%s" of safe text. */
kf_err vault_refuse_f(vault_act *act, kf_err err, const char *code, const char *field,
                      const char *remedy, const char *what, ...) KF_PRINTF(6, 7);
/** Refuse when a plan is asked of a verb that has none. */
kf_err vault_check_plan(vault_act *act, const vault_verb *verb);
/** Make text of text that was cut: what is no UTF-8 becomes '?'. */
void vault_mend(char *text);
void vault_about(vault_act *act, const char *format, ...) KF_PRINTF(2, 3);
void vault_note(vault_act *act, const char *format, ...) KF_PRINTF(2, 3);

/* Statements of an act: on failure the refusal is filled in from the store's reason. */
kf_err vault_sql(vault_act *act, const store_sql *sql, const store_value *in, size_t count);
kf_err vault_rows(vault_act *act, const store_sql *sql, const store_value *in, size_t count,
                  store_row *row, void *ctx);
/** The first column of the first row; found = false without one. */
kf_err vault_int(vault_act *act, const store_sql *sql, const store_value *in, size_t count,
                 int64_t *out, bool *found);
#define VAULT_IN(...)                                                                              \
    (const store_value[]){ __VA_ARGS__ }, KF_COUNT(((const store_value[]){ __VA_ARGS__ }))

/** Take n fresh row IDs: out, out + 1, ... IDs are unique in the whole store and never used again.
 */
kf_err vault_take_ids(vault_act *act, size_t n, int64_t *out);

/* ---- keys at rest ---- */

/** Room for a wrapped secret of len octets. */
#define VAULT_WRAPPED(len) ((len) + 1u + 12u + 16u)
/**
 * Wrap a secret for one place: AES-256-GCM under the vault key, bound to vault, table, column and
 * row, so that rows cannot be swapped. Appended to out.
 */
kf_err vault_wrap(const vault *v, const char *place, int64_t row, kf_slice secret, kf_writer *out);
/** The inverse; KF_E_AUTH when the row was altered or moved. Caller frees *out. */
kf_err vault_unwrap(const vault *v, const char *place, int64_t row, kf_slice wrapped,
                    kf_secret **out);

/* ---- audit ---- */

#define VAULT_HASH_OCTETS 32u
/** Append an event in the open transaction. outcome: "done", "refused", "planned". */
kf_err vault_audit(vault *v, store *db, kf_time now, const vault_caller *who, const char *verb,
                   const char *subject, const char *outcome, const char *detail);
/** Sign a checkpoint over the last event, in the open transaction. */
kf_err vault_checkpoint(vault *v, store *db, kf_time now);

/* ---- the key table ---- */

typedef enum vault_key_kind {
    VAULT_TEK = 1,
    VAULT_KEK = 2,
    VAULT_UKEK = 3,
    VAULT_GMK = 4,
    VAULT_PCK = 5,
    VAULT_CONTEXT = 6, /**< of a MIKEY-SAKKE context with a client, tag of a PCK [P] */
} vault_key_kind;

typedef enum vault_key_state { /* SP 800-57 part 1, 7: computed, never stored */
                               VAULT_PRE_ACTIVATION,
                               VAULT_ACTIVE,
                               VAULT_SUSPENDED,
                               VAULT_DEACTIVATED,
                               VAULT_COMPROMISED,
                               VAULT_DESTROYED,
} vault_key_state;

const char *vault_key_kind_name(unsigned kind);
unsigned vault_key_kind_named(kf_slice name);
const char *vault_key_state_name(vault_key_state state);

/** A row of the key table without its material. -1: not given. */
typedef struct vault_key {
    int64_t id;
    vault_key_kind kind;
    int64_t algid, kid;  /**< kid: KID of P25, K-ID of 33.180 */
    int64_t sln, slot;   /**< TEK: storage location, and keyset 0 or 1 of its crypto group */
    int64_t unit, group; /**< UKEK, context: whose; GMK: of which group */
    int64_t created, activates, deactivates;   /**< deactivates INT64_MAX: open */
    int64_t suspended, compromised, destroyed; /**< 0, or since when */
    char name[VAULT_NAME_MAX], origin[16];     /**< origin: "generated", "imported" */
} vault_key;

vault_key_state vault_key_state_at(const vault_key *key, kf_time now);
/** Insert with fresh material of the kind's length (random), or imported material (borrowed). Does
 * the clash checks. key->id is set. */
kf_err vault_key_put(vault_act *act, vault_key *key, const kf_secret *material);
/** Read a row; found = false when there is none. */
kf_err vault_key_get(vault_act *act, int64_t id, vault_key *out, bool *found);
/** Its material, unwrapped. KF_E_STATE (refused) when it was destroyed. Caller frees. */
kf_err vault_key_material(vault_act *act, int64_t id, kf_secret **out);
/** A KID that no live TEK of the vault has, and no reservation of partners takes. */
kf_err vault_take_kid(vault_act *act, int64_t *kid);
/** Destroy the material (kept: the row). */
kf_err vault_key_destroy(vault_act *act, int64_t id);

/* ---- deliveries ---- */

typedef enum vault_delivery_kind {
    VAULT_BOX_KMM = 1,    /**< a DLI datagram for a unit */
    VAULT_BOX_GMK = 2,    /**< an I_MESSAGE with a GMK */
    VAULT_BOX_UKEK = 3,   /**< an I_MESSAGE with a context, and a protected payload under it */
    VAULT_BOX_KEYSET = 4, /**< keys for a client without UKEK: protected payload under a context */
    VAULT_BOX_GMK_REVOKE = 5,
    VAULT_BOX_CALL = 6, /**< an I_MESSAGE with a PCK */
} vault_delivery_kind;

typedef enum vault_delivery_state {
    VAULT_PLANNED = 1, /**< to be sealed */
    VAULT_QUEUED = 2,
    VAULT_CLAIMED = 3,
    VAULT_SENT = 4, /**< the courier handed it over; an answer is awaited */
    VAULT_ACKNOWLEDGED = 5,
    VAULT_REFUSED = 6,
    VAULT_EXPIRED = 7,
    VAULT_CANCELLED = 8,
} vault_delivery_state;

const char *vault_delivery_kind_name(unsigned kind);
const char *vault_delivery_state_name(unsigned state);

/** What to deliver. Priority: 0 first. -1 in key and group: none. */
typedef struct vault_delivery {
    int64_t id, unit, group, key;
    int64_t identity; /**< who signs; 0: nobody */
    vault_delivery_kind kind;
    int64_t priority, expires;
} vault_delivery;
#define VAULT_PRIORITY_ZEROIZE 0
#define VAULT_PRIORITY_CALL    10
#define VAULT_PRIORITY_REVOKE  20
#define VAULT_PRIORITY_REKEY   50

/** Queue one: planned when box is empty (it will be sealed in the background), else queued. */
kf_err vault_deliver(vault_act *act, vault_delivery *delivery, kf_slice box);
/** Cancel what is not yet acknowledged of a unit, group or key (-1: any); count comes back. */
kf_err vault_cancel(vault_act *act, int64_t unit, int64_t group, int64_t key, int64_t *count);

/* ---- background work of the nouns: each does a bounded amount in a transaction of its own ---- */

typedef struct vault_worker {
    const char *name;
    kf_err (*run)(vault *v, kf_time now, bool *more);
} vault_worker;
/** End the next call whose time is up. */
kf_err vault_call_end_next(vault_act *act, void *more);

extern const vault_worker vault_work_sealing; /**< boxes of 33.180 */
extern const vault_worker vault_work_otar;    /**< conversations with units */
extern const vault_worker vault_work_ends;    /**< temporary groups, calls, grants, deliveries */

/** The caller that background work acts as: role 0, "vault". */
extern const vault_caller vault_itself;

/** Run something in a write transaction as the vault itself, with its event; retried when the store
 * says STORE_AGAIN. */
kf_err vault_by_itself(vault *v, const char *verb, kf_err (*run)(vault_act *act, void *ctx),
                       void *ctx);

/* ---- the vault ---- */

/** A signing identity that is ready for use; kept while unsealed. */
typedef struct vault_identity_keys vault_identity_keys;

struct vault {
    vault_config config;
    store *db;
    uint8_t id[SEAL_ID_OCTETS];
    bool is_initialised;
    kf_secret *key;       /**< the vault key; NULL while sealed */
    kf_secret *audit_key; /**< Ed25519 private key, 32 octets */
    seal_quorum *quorum;  /**< while shares come in */
    seal_token *token;
    kf_time checkpointed; /**< time of the last checkpoint */
    kf_time swept;        /**< when ends were looked for last */
    int64_t events_since; /**< events after it */
    int64_t head_seq;     /**< the last event this process wrote, perhaps not yet committed */
    uint8_t head_hash[VAULT_HASH_OCTETS];
    struct vault_pool *pool; /**< sealing threads */
    struct vault_ring *ring; /**< domains and identities in use (identity.c) */
};

/** The anchor: what is known outside the store. Written after each commit that has events. */
kf_err vault_anchor_write(const vault *v, int64_t seq, const uint8_t hash[VAULT_HASH_OCTETS]);
/** @return KF_E_DENIED when the store is older than the anchor; KF_OK without an anchor yet. */
kf_err vault_anchor_check(const vault *v);

#endif

/**
 * @file verbs.h The verbs of the vault as a table: who may ask, what they take, what they are for.
 * The dispatcher, the command line, its help and its manual pages are all made from it.
 */
#ifndef VAULT_VERBS_H
#define VAULT_VERBS_H

#include "vault/vault.h"

typedef struct vault_act vault_act;

typedef enum vault_access {
    VAULT_READS,         /**< a read transaction, no audit event */
    VAULT_READS_AUDITED, /**< a write transaction with its event, and no plan: what is answered, a
                              secret or a sealed box, goes out for good */
    VAULT_WRITES,        /**< a write transaction with its audit event; knows `plan` */
    VAULT_OUTSIDE,       /**< no transaction of the dispatcher's: seal and unseal */
} vault_access;

typedef struct vault_verb {
    const char *name; /**< "key generate" */
    unsigned roles;   /**< vault_role bits: the allow-list */
    vault_access access;
    bool while_sealed;        /**< may be asked of a sealed vault */
    bool needs_second;        /**< dangerous: a second officer must approve */
    const wire_field *fields; /**< beside verb and plan; NULL: none */
    kf_err (*run)(vault_act *act);
    const char *help;
} vault_verb;

/** The verbs of a noun. */
typedef struct vault_noun {
    const char *name, *help;
    const vault_verb *verbs;
    size_t count;
} vault_noun;

extern const vault_noun vault_noun_vault, vault_noun_identity, vault_noun_kms, vault_noun_key,
    vault_noun_unit, vault_noun_group, vault_noun_call, vault_noun_media, vault_noun_outbox,
    vault_noun_inbox, vault_noun_audit, vault_noun_proposal, vault_noun_partner;

const vault_verb *vault_verb_named(kf_slice name);
/** The i-th noun; NULL past the last. */
const vault_noun *vault_noun_at(size_t i);

#endif

/** @file unit.h What other nouns need of units. */
#ifndef VAULT_UNIT_H
#define VAULT_UNIT_H

#include "vault/parts.h"

#define VAULT_URI_MAX 512u

typedef enum vault_unit_state {
    VAULT_UNIT_SERVED = 1,
    VAULT_UNIT_LOST = 2,
    VAULT_UNIT_REMOVED = 3,
} vault_unit_state;

/** A row of the unit table; -1: not given. */
typedef struct vault_unit {
    int64_t id, rsi, level; /**< level 0 basic, 1 enhanced */
    vault_unit_state state;
    int64_t ukek, context; /**< keys */
    int64_t otar_due, last_heard, created, lost;
    char name[VAULT_NAME_MAX];
    char uri[VAULT_URI_MAX];
} vault_unit;

kf_err vault_unit_get(vault_act *act, int64_t id, vault_unit *out, bool *found);
/** By name, MC service ID or RSI; refused when there is none. */
kf_err vault_unit_named(vault_act *act, kf_slice name, vault_unit *out);
/** Give it another UKEK; given NULL: a fresh one with a KID of its own (kid -1). */
kf_err vault_unit_give_ukek(vault_act *act, vault_unit *unit, const kf_secret *given, int64_t kid);

#endif

/** @file group.h What the nouns about groups share. */
#ifndef VAULT_GROUP_H
#define VAULT_GROUP_H

#include "vault/parts.h"
#include "vault/unit.h"

typedef enum vault_group_state {
    VAULT_GROUP_ACTIVE = 1,
    VAULT_GROUP_DISSOLVING = 2, /**< temporary: keys are being withdrawn */
    VAULT_GROUP_ENDED = 3,
} vault_group_state;

typedef struct vault_group {
    int64_t id;
    char name[VAULT_NAME_MAX];
    bool is_temporary, wants_gmk;
    vault_group_state state;
    int64_t ends, identity, created; /**< -1: none */
} vault_group;

/** By name; refused when there is none. */
kf_err vault_group_named(vault_act *act, kf_slice name, vault_group *out);
kf_err vault_group_get(vault_act *act, int64_t id, vault_group *out, bool *found);
/** Insert; group->id is set. URIs are added by the caller. */
kf_err vault_group_put(vault_act *act, vault_group *group);
kf_err vault_group_add_uri(vault_act *act, int64_t group, kf_slice uri);
/** Give the group an SLN; when no group has it yet, its first key is made in the active keyset. */
kf_err vault_group_add_sln(vault_act *act, int64_t group, int64_t sln);
/** Make a unit a member and plan what brings it the keys. Fine when it is one already. */
kf_err vault_group_join(vault_act *act, const vault_group *group, const vault_unit *unit);
/** No longer a member: its TEKs of the group are erased by OTAR, its GMK revoked. */
kf_err vault_group_leave(vault_act *act, const vault_group *group, int64_t unit);
/** A fresh GMK for the group, one box planned for each member with an MC service ID. The GMK before
 * is retired. count: boxes. */
kf_err vault_group_new_gmk(vault_act *act, const vault_group *group, int64_t *count);
/** The GMK that is to be used now; -1: none. */
kf_err vault_group_gmk(vault_act *act, int64_t group, int64_t *key);
/** Plan a revocation of the group's GMK for every member who was sent it. */
kf_err vault_group_revoke(vault_act *act, const vault_group *group, int64_t *count);
/** OTAR has something to do for the members of the group. */
kf_err vault_group_wake(vault_act *act, int64_t group);
/** An SLN that no group and no partner has, for a temporary group or a call. */
kf_err vault_take_sln(vault_act *act, int64_t low, int64_t high, int64_t *sln);
/** Which slot of a crypto group is active; a crypto group comes into being with slot 0. */
kf_err vault_crypto_group(vault_act *act, int64_t number, int64_t *active, bool *is_staged);

/** The identity of the request's field "identity"; -1 when it is not given. */
kf_err vault_group_signer(vault_act *act, int64_t *id);

/** Row IDs that a query gave. items is owned. */
typedef struct vault_ids {
    size_t count, cap;
    int64_t *items;
} vault_ids;
/** A store_row: append the first column; ctx is a vault_ids. */
kf_err vault_note_id(void *ctx, const store_value *columns, size_t count);

/* temporary.c */
kf_err vault_run_combine(vault_act *act);
kf_err vault_run_dissolve(vault_act *act);
/** Begin to withdraw a temporary group. */
kf_err vault_group_dissolve(vault_act *act, const vault_group *group);

#endif

/*
 * Temporary groups (TS 23.283 5.1 c): members of all constituents, keys and an end of their own.
 * Every phase is a state in the store, so a restart goes on where it was: active, dissolving (keys
 * are being withdrawn), ended (nobody holds them, or could be reached).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault/group.h"

#define SLN_FIRST 0x0800 /* of temporary groups: crypto group 0, above what plans usually name */
#define SLN_LAST  0x0eff

/* ---- combine ---- */

static kf_err add_constituents(vault_act *act, int64_t id)
{
    static const store_sql insert = { "INSERT INTO constituent (temporary, grp) VALUES ($1, $2)" };
    kf_err err = KF_OK;
    for (const wire_value *c = wire_get(act->in, "of")->first; err == KF_OK && c != NULL;
         c = c->next) {
        vault_group g;
        err = vault_group_named(act, c->octets, &g);
        if (err == KF_OK && (g.is_temporary || g.state != VAULT_GROUP_ACTIVE))
            err = vault_refuse_f(act, KF_E_DENIED, "bad-constituent", "of",
                                 "name groups that stand for themselves",
                                 "%s is temporary, or has ended", g.name);
        if (err == KF_OK)
            err = vault_sql(act, &insert, VAULT_IN(store_int(id), store_int(g.id)));
    }
    return err;
}

/* The union of the constituents' members. */
static kf_err add_members(vault_act *act, const vault_group *g, int64_t *count)
{
    static const store_sql insert = {
        "INSERT INTO member (grp, unit, joined) SELECT DISTINCT $1, m.unit, $2 FROM member m"
        " JOIN constituent c ON c.grp = m.grp JOIN unit u ON u.id = m.unit"
        " WHERE c.temporary = $1 AND u.state = 1"
    };
    kf_err err = vault_sql(act, &insert, VAULT_IN(store_int(g->id), store_int(act->now)));
    *count = err == KF_OK ? store_changes(act->db) : 0;
    return err;
}

kf_err vault_run_combine(vault_act *act)
{
    const kf_slice name = wire_get_text(act->in, "group");
    const wire_value *uris = wire_get(act->in, "uris");
    vault_group g = { .is_temporary = true, .ends = wire_get_int(act->in, "ends", 0) };
    int64_t members = 0, boxes = 0, sln = 0;
    snprintf(g.name, sizeof g.name, "%.*s", (int)name.len, (const char *)name.ptr);
    vault_about(act, "group %s", g.name);
    if (g.ends <= act->now)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "ends", "that time has passed", NULL,
                            "give an end in the future");
    kf_err err = vault_group_signer(act, &g.identity);
    g.wants_gmk = g.identity >= 0;
    if (err == KF_OK)
        err = vault_group_put(act, &g);
    for (const wire_value *u = uris == NULL ? NULL : uris->first; err == KF_OK && u != NULL;
         u = u->next)
        err = vault_group_add_uri(act, g.id, u->octets);
    if (err == KF_OK)
        err = add_constituents(act, g.id);
    if (err == KF_OK)
        err = add_members(act, &g, &members);
    if (err == KF_OK && wire_get_bool(act->in, "lmr", false)) {
        err = vault_take_sln(act, SLN_FIRST, SLN_LAST, &sln);
        if (err == KF_OK)
            err = vault_group_add_sln(act, g.id, sln);
        wire_put_int(act->out, "sln", sln);
    }
    if (err == KF_OK)
        err = vault_group_new_gmk(act, &g, &boxes);
    vault_note(act, "%lld members, until %lld", (long long)members, (long long)g.ends);
    wire_put_int(act->out, "group", g.id);
    wire_put_int(act->out, "members", members);
    wire_put_int(act->out, "boxes", boxes);
    wire_put_int(act->out, "ends", g.ends);
    return err;
}

/* ---- dissolve ---- */

kf_err vault_group_dissolve(vault_act *act, const vault_group *g)
{
    static const store_sql mark = { "UPDATE mcgroup SET state = 2, ends = NULL WHERE id = $1" };
    static const store_sql cancel = { "UPDATE delivery SET state = 8, box = NULL, settled = $2"
                                      " WHERE grp = $1 AND state < 3" };
    static const store_sql leave = { "DELETE FROM member WHERE grp = $1" };
    static const store_sql end = { "UPDATE vkey SET deactivates = $2 WHERE destroyed IS NULL AND "
                                   "(grp = $1 OR (kind = 1 AND sln IN"
                                   " (SELECT sln FROM group_sln WHERE grp = $1)))" };
    int64_t boxes = 0;
    kf_err err = vault_sql(act, &cancel, VAULT_IN(store_int(g->id), store_int(act->now)));
    const int64_t cancelled = err == KF_OK ? store_changes(act->db) : 0;
    if (err == KF_OK)
        err = vault_group_revoke(act, g, &boxes);
    if (err == KF_OK)
        err = vault_group_wake(act, g->id);
    if (err == KF_OK)
        err = vault_sql(act, &leave, VAULT_IN(store_int(g->id)));
    if (err == KF_OK)
        err = vault_sql(act, &end, VAULT_IN(store_int(g->id), store_int(act->now)));
    if (err == KF_OK)
        err = vault_sql(act, &mark, VAULT_IN(store_int(g->id)));
    vault_note(act, "%lld revocations, %lld boxes cancelled", (long long)boxes,
               (long long)cancelled);
    wire_put_int(act->out, "revocations", boxes);
    wire_put_int(act->out, "cancelled", cancelled);
    return err;
}

kf_err vault_run_dissolve(vault_act *act)
{
    vault_group g;
    kf_err err = vault_group_named(act, wire_get_text(act->in, "group"), &g);
    if (err != KF_OK)
        return err;
    vault_about(act, "group %s", g.name);
    if (!g.is_temporary)
        return vault_refuse(act, KF_E_DENIED, "not-temporary", "group",
                            "that group is not temporary", NULL, "take its members out instead");
    if (g.state != VAULT_GROUP_ACTIVE)
        return vault_refuse(act, KF_E_STATE, "group-ended", "group",
                            "it is being dissolved already", NULL, "keyferry group show");
    return vault_group_dissolve(act, &g);
}

/* ---- in the background ---- */

static kf_err dissolve_next(vault_act *act, void *ctx)
{
    static const store_sql due = { "SELECT id FROM mcgroup WHERE state = 1 AND ends IS NOT NULL "
                                   "AND ends <= $1 ORDER BY ends LIMIT 1" };
    bool *more = ctx;
    int64_t id = 0;
    bool found = false, is_there = false;
    vault_group g;
    kf_err err = vault_int(act, &due, VAULT_IN(store_int(act->now)), &id, &found);
    if (err != KF_OK || !found)
        return err;
    *more = true;
    err = vault_group_get(act, id, &g, &is_there);
    vault_about(act, "group %s", g.name);
    return err == KF_OK ? vault_group_dissolve(act, &g) : err;
}

/* Ended: nobody holds its keys any more and no revocation is open, or time is up. */
static kf_err finish_next(vault_act *act, void *ctx)
{
    static const store_sql done = {
        "SELECT g.id FROM mcgroup g WHERE g.state = 2 AND NOT EXISTS (SELECT 1 FROM delivery d"
        " WHERE d.grp = g.id AND d.kind = 5 AND d.state < 5) AND NOT EXISTS (SELECT 1 FROM holds h"
        " JOIN group_sln s ON s.sln = h.sln JOIN unit u ON u.id = h.unit WHERE s.grp = g.id AND "
        "u.state < 3)"
        " ORDER BY g.id LIMIT 1"
    };
    static const store_sql keys = {
        "SELECT id FROM vkey WHERE destroyed IS NULL AND (grp = $1 OR (kind = 1 AND sln IN (SELECT "
        "sln"
        " FROM group_sln WHERE grp = $1 AND NOT EXISTS (SELECT 1 FROM group_sln o WHERE o.sln ="
        " group_sln.sln AND o.grp <> $1))))"
    };
    static const store_sql mark = {
        "UPDATE mcgroup SET state = 3, name = name || ' (ended ' || $2 || ')'"
        " WHERE id = $1"
    };
    static const store_sql free_sln = { "DELETE FROM group_sln WHERE grp = $1" };
    bool *more = ctx;
    int64_t id = 0;
    bool found = false;
    char stamp[24];
    vault_ids l = { 0, 0, NULL };
    kf_err err = vault_int(act, &done, NULL, 0, &id, &found);
    if (err != KF_OK || !found)
        return err;
    *more = true;
    vault_about(act, "group %lld ended", (long long)id);
    err = vault_rows(act, &keys, VAULT_IN(store_int(id)), vault_note_id, &l);
    for (size_t i = 0; err == KF_OK && i < l.count; i++)
        err = vault_key_destroy(act, l.items[i]);
    vault_note(act, "%zu keys destroyed", l.count);
    free(l.items);
    if (err == KF_OK)
        err = vault_sql(act, &free_sln, VAULT_IN(store_int(id)));
    snprintf(stamp, sizeof stamp, "%lld", (long long)id);
    return err == KF_OK ? vault_sql(act, &mark, VAULT_IN(store_int(id), store_text_z(stamp))) : err;
}

/* Leases that ran out go back to the queue; boxes past their time are dropped. */
static kf_err sweep(vault_act *act, void *ctx)
{
    static const store_sql leases = {
        "UPDATE delivery SET state = 2, claimed_by = NULL, claim = NULL"
        " WHERE state = 3 AND claim_until < $1"
    };
    static const store_sql expired = { "UPDATE delivery SET state = 7, box = NULL, settled = $1 "
                                       "WHERE state < 5 AND expires IS NOT NULL"
                                       " AND expires <= $1" };
    (void)ctx;
    kf_err err = vault_sql(act, &leases, VAULT_IN(store_int(act->now)));
    return err == KF_OK ? vault_sql(act, &expired, VAULT_IN(store_int(act->now))) : err;
}

static bool is_due(vault *v, kf_time now)
{
    if (v->swept == now)
        return false;
    v->swept = now;
    return true;
}

static kf_err work(vault *v, kf_time now, bool *more)
{
    if (!is_due(v, now)) /* once a second will do */
        return KF_OK;
    kf_err err = vault_by_itself(v, "outbox sweep", sweep, NULL);
    if (err == KF_OK)
        err = vault_by_itself(v, "group dissolve", dissolve_next, more);
    if (err == KF_OK)
        err = vault_by_itself(v, "group end", finish_next, more);
    if (err == KF_OK)
        err = vault_by_itself(v, "call end", vault_call_end_next, more);
    if (*more)
        v->swept = 0;
    return err;
}

const vault_worker vault_work_ends = { "ends", work };

/* Groups: members, keys by storage location (SLN), GMKs, rekey and changeover. */
#include "vault/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p25/ids.h"
#include "vault/identity.h"

#define COLUMNS     "id, name, temporary, state, ends, identity, wants_gmk, created"
#define SLN_KEK     0xf000
#define NAMES_MAX   1000
#define REASON_MAX  200
#define GMK_OVERLAP 86400 /* seconds in which the GMK before may still be used to receive */

/* ---- rows ---- */

static int64_t number(const store_value *column)
{
    return column->type == STORE_INT ? column->number : -1;
}

static bool take_group(const store_value *c, size_t count, vault_group *g)
{
    if (count < 8)
        return false;
    *g = (vault_group){ .id = c[0].number,
                        .is_temporary = c[2].number != 0,
                        .state = (vault_group_state)c[3].number,
                        .ends = number(&c[4]),
                        .identity = number(&c[5]),
                        .wants_gmk = c[6].number != 0,
                        .created = c[7].number };
    snprintf(g->name, sizeof g->name, "%.*s", (int)c[1].octets.len, (const char *)c[1].octets.ptr);
    return true;
}

typedef struct one_group {
    vault_group *group;
    bool found;
} one_group;

static kf_err take_one(void *ctx, const store_value *columns, size_t count)
{
    one_group *one = ctx;
    one->found = take_group(columns, count, one->group);
    return one->found ? KF_OK : KF_E_MALFORMED;
}

kf_err vault_group_get(vault_act *act, int64_t id, vault_group *out, bool *found)
{
    static const store_sql get = { "SELECT " COLUMNS " FROM mcgroup WHERE id = $1" };
    one_group one = { out, false };
    *out = (vault_group){ .id = -1 };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), take_one, &one);
    *found = one.found;
    return err;
}

kf_err vault_group_named(vault_act *act, kf_slice name, vault_group *out)
{
    static const store_sql get = { "SELECT " COLUMNS " FROM mcgroup WHERE name = $1" };
    one_group one = { out, false };
    *out = (vault_group){ .id = -1 };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_text(name)), take_one, &one);
    if (err == KF_OK && !one.found)
        return vault_refuse_f(act, KF_E_STATE, "no-such-group", "group", "keyferry group list",
                              "there is no group %.*s", (int)(name.len < 80 ? name.len : 80),
                              (const char *)name.ptr);
    return err;
}

kf_err vault_group_put(vault_act *act, vault_group *g)
{
    static const store_sql insert = {
        "INSERT INTO mcgroup (id, name, temporary, state, ends, identity, wants_gmk, created)"
        " VALUES ($1, $2, $3, 1, $4, $5, $6, $7)"
    };
    kf_err err = vault_take_ids(act, 1, &g->id);
    g->state = VAULT_GROUP_ACTIVE;
    g->created = act->now;
    return err == KF_OK
               ? vault_sql(act, &insert,
                           VAULT_IN(store_int(g->id), store_text_z(g->name),
                                    store_int(g->is_temporary),
                                    g->ends < 0 ? store_null() : store_int(g->ends),
                                    g->identity < 0 ? store_null() : store_int(g->identity),
                                    store_int(g->wants_gmk), store_int(act->now)))
               : err;
}

kf_err vault_group_add_uri(vault_act *act, int64_t group, kf_slice uri)
{
    static const store_sql insert = { "INSERT INTO group_uri (grp, uri) VALUES ($1, $2)" };
    return vault_sql(act, &insert, VAULT_IN(store_int(group), store_text(uri)));
}

/* ---- crypto groups and SLNs ---- */

typedef struct slots {
    int64_t active, staged;
    bool found;
} slots;

static kf_err take_slots(void *ctx, const store_value *columns, size_t count)
{
    if (count != 2)
        return KF_E_MALFORMED;
    *(slots *)ctx = (slots){ columns[0].number, columns[1].number, true };
    return KF_OK;
}

kf_err vault_crypto_group(vault_act *act, int64_t cg, int64_t *active, bool *is_staged)
{
    static const store_sql get = { "SELECT active, staged FROM crypto_group WHERE number = $1" };
    static const store_sql insert = {
        "INSERT INTO crypto_group (number, active, staged) VALUES ($1, 0, 0)"
    };
    slots s = { 0, 0, false };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(cg)), take_slots, &s);
    if (err == KF_OK && !s.found)
        err = vault_sql(act, &insert, VAULT_IN(store_int(cg)));
    *active = s.active;
    *is_staged = s.staged != 0;
    return err;
}

kf_err vault_take_sln(vault_act *act, int64_t low, int64_t high, int64_t *sln)
{
    /* The first free one: 0 below the range, or behind one that is taken. */
    static const store_sql first = {
        "SELECT min(c) FROM (SELECT $1 AS c UNION SELECT sln + 1 FROM group_sln UNION"
        " SELECT high + 1 FROM partner WHERE what = 'sln' UNION"
        " SELECT sln + 1 FROM vkey WHERE kind = 1 AND sln IS NOT NULL AND destroyed IS NULL) AS x"
        " WHERE c >= $1 AND c <= $2 AND NOT EXISTS (SELECT 1 FROM group_sln s WHERE s.sln = c)"
        " AND NOT EXISTS (SELECT 1 FROM vkey k WHERE k.kind = 1 AND k.sln = c AND k.destroyed IS "
        "NULL)"
        " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.sln = c)"
        " AND NOT EXISTS (SELECT 1 FROM partner p WHERE p.what = 'sln' AND p.low <= c AND p.high "
        ">= c)"
    };
    bool found = false;
    kf_err err = vault_int(act, &first, VAULT_IN(store_int(low), store_int(high)), sln, &found);
    if (err == KF_OK && !found)
        return vault_refuse(act, KF_E_NO_SPACE, "no-sln", NULL, "no storage location is free", NULL,
                            "end groups and calls that are no longer needed");
    return err;
}

/* A fresh TEK in a place; what was there is destroyed. */
static kf_err fill_place(vault_act *act, int64_t sln, int64_t slot, bool is_active)
{
    static const store_sql there = {
        "SELECT id FROM vkey WHERE kind = 1 AND sln = $1 AND slot = $2 AND destroyed IS NULL"
    };
    vault_key k = { .kind = VAULT_TEK,
                    .algid = P25_ALGID_AES256,
                    .kid = -1,
                    .sln = sln,
                    .slot = slot,
                    .unit = -1,
                    .group = -1,
                    .activates = is_active ? act->now : INT64_C(1) << 40,
                    .deactivates = INT64_MAX,
                    .origin = "generated" };
    int64_t old = 0;
    bool found = false;
    snprintf(k.name, sizeof k.name, "sln %lld", (long long)sln);
    kf_err err = vault_int(act, &there, VAULT_IN(store_int(sln), store_int(slot)), &old, &found);
    if (err == KF_OK && found)
        err = vault_key_destroy(act, old);
    return err == KF_OK ? vault_key_put(act, &k, NULL) : err;
}

kf_err vault_group_add_sln(vault_act *act, int64_t group, int64_t sln)
{
    static const store_sql insert = { "INSERT INTO group_sln (grp, sln) VALUES ($1, $2)" };
    static const store_sql there = {
        "SELECT id FROM vkey WHERE kind = 1 AND sln = $1 AND slot = $2 AND destroyed IS NULL"
    };
    static const store_sql reserved = {
        "SELECT 1 FROM partner WHERE what = 'sln' AND low <= $1 AND high >= $1"
    };
    int64_t active = 0, unused = 0;
    bool is_staged = false, has_key = false, has_next = false, is_reserved = false;
    if (sln < 1 || sln >= SLN_KEK)
        return vault_refuse(act, KF_E_MALFORMED, "sln-range", "slns",
                            "SLNs of traffic keys are 1 to 61439",
                            "those from 61440 are for key encryption keys", "use 1 to 4095");
    kf_err err = vault_int(act, &reserved, VAULT_IN(store_int(sln)), &unused, &is_reserved);
    if (err == KF_OK && is_reserved)
        return vault_refuse_f(act, KF_E_DENIED, "sln-reserved", "slns", "keyferry partner list",
                              "SLN %lld is reserved for a partner", (long long)sln);
    if (err == KF_OK)
        err = vault_sql(act, &insert, VAULT_IN(store_int(group), store_int(sln)));
    if (err == KF_OK)
        err = vault_crypto_group(act, sln >> 12, &active, &is_staged);
    if (err == KF_OK)
        err =
            vault_int(act, &there, VAULT_IN(store_int(sln), store_int(active)), &unused, &has_key);
    if (err == KF_OK && !has_key)
        err = fill_place(act, sln, active, true);
    if (err == KF_OK && is_staged) /* the next key set is made already: this SLN belongs to it */
        err = vault_int(act, &there, VAULT_IN(store_int(sln), store_int(active ^ 1)), &unused,
                        &has_next);
    if (err == KF_OK && is_staged && !has_next)
        err = fill_place(act, sln, active ^ 1, false);
    return err == KF_OK ? vault_group_wake(act, group) : err;
}

kf_err vault_group_wake(vault_act *act, int64_t group)
{
    static const store_sql wake = {
        "UPDATE unit SET otar_due = $2 WHERE rsi IS NOT NULL AND state = 1"
        " AND id IN (SELECT unit FROM member WHERE grp = $1)"
    };
    return vault_sql(act, &wake, VAULT_IN(store_int(group), store_int(act->now)));
}

/* ---- GMKs ---- */

kf_err vault_group_gmk(vault_act *act, int64_t group, int64_t *key)
{
    static const store_sql get = {
        "SELECT id FROM vkey WHERE grp = $1 AND kind = 4 AND destroyed IS NULL AND compromised IS "
        "NULL"
        " AND (deactivates IS NULL OR deactivates > $2) ORDER BY activates DESC, id DESC LIMIT 1"
    };
    bool found = false;
    kf_err err = vault_int(act, &get, VAULT_IN(store_int(group), store_int(act->now)), key, &found);
    if (err != KF_OK || !found)
        *key = -1;
    return err;
}

kf_err vault_note_id(void *ctx, const store_value *columns, size_t count)
{
    vault_ids *l = ctx;
    if (count != 1)
        return KF_E_MALFORMED;
    if (l->count == l->cap) {
        const size_t cap = l->cap == 0 ? 256 : 2 * l->cap;
        int64_t *items = realloc(l->items, cap * sizeof *items);
        if (items == NULL)
            return KF_E_NO_MEMORY;
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = columns[0].number;
    return KF_OK;
}

typedef struct planning {
    vault_act *act;
    const vault_group *group;
    int64_t key;
    vault_delivery_kind kind;
    vault_ids units;
} planning;

/* Plan one box for each unit that was noted: two statements for all of them. */
static kf_err plan_boxes(planning *p, int64_t priority)
{
    static const store_sql advance = { "UPDATE unit SET next_seq = next_seq + 1 WHERE id = $1" };
    static const store_sql insert = {
        "INSERT INTO delivery (id, unit, seq, kind, grp, vkey, identity, priority, state, created,"
        " attempts) SELECT $1, id, next_seq - 1, $3, $4, $5, $6, $7, 1, $8, 0 FROM unit WHERE id = "
        "$2"
    };
    int64_t first = 0;
    store_value *ids = NULL, *rows = NULL;
    if (p->units.count == 0)
        return KF_OK;
    kf_err err = vault_take_ids(p->act, p->units.count, &first);
    if (err == KF_OK) {
        ids = calloc(p->units.count, sizeof *ids);
        rows = calloc(p->units.count, 8 * sizeof *rows);
        err = ids == NULL || rows == NULL ? KF_E_NO_MEMORY : KF_OK;
    }
    for (size_t i = 0; err == KF_OK && i < p->units.count; i++) {
        ids[i] = store_int(p->units.items[i]);
        const store_value row[8] = { store_int(first + (int64_t)i),
                                     store_int(p->units.items[i]),
                                     store_int(p->kind),
                                     store_int(p->group->id),
                                     store_int(p->key),
                                     store_int(p->group->identity),
                                     store_int(priority),
                                     store_int(p->act->now) };
        memcpy(&rows[8 * i], row, sizeof row);
    }
    if (err == KF_OK)
        err = store_run_many(p->act->db, &advance, ids, p->units.count, 1);
    if (err == KF_OK)
        err = store_run_many(p->act->db, &insert, rows, p->units.count, 8);
    free(ids);
    free(rows);
    return err;
}

static kf_err plan_for(vault_act *act, const vault_group *g, int64_t key, vault_delivery_kind kind,
                       const store_sql *who, int64_t priority, int64_t *count)
{
    planning p = { .act = act, .group = g, .key = key, .kind = kind };
    kf_err err = vault_rows(act, who, VAULT_IN(store_int(g->id)), vault_note_id, &p.units);
    if (err == KF_OK)
        err = plan_boxes(&p, priority);
    *count = (int64_t)p.units.count;
    free(p.units.items);
    return err;
}

kf_err vault_group_new_gmk(vault_act *act, const vault_group *g, int64_t *count)
{
    static const store_sql members = {
        "SELECT u.id FROM member m JOIN unit u ON u.id = m.unit WHERE m.grp = $1"
        " AND u.uri IS NOT NULL AND u.state = 1 ORDER BY u.id"
    };
    static const store_sql retire = { "UPDATE vkey SET deactivates = $2 WHERE grp = $1 AND kind = 4"
                                      " AND (deactivates IS NULL OR deactivates > $2)" };
    vault_key k = { .kind = VAULT_GMK,
                    .kid = -1,
                    .sln = -1,
                    .slot = -1,
                    .unit = -1,
                    .group = g->id,
                    .activates = act->now,
                    .deactivates = INT64_MAX,
                    .origin = "generated" };
    *count = 0;
    if (!g->wants_gmk)
        return KF_OK;
    snprintf(k.name, sizeof k.name, "%s", g->name);
    kf_err err =
        vault_sql(act, &retire, VAULT_IN(store_int(g->id), store_int(act->now + GMK_OVERLAP)));
    if (err == KF_OK)
        err = vault_key_put(act, &k, NULL);
    return err == KF_OK
               ? plan_for(act, g, k.id, VAULT_BOX_GMK, &members, VAULT_PRIORITY_REKEY, count)
               : err;
}

kf_err vault_group_revoke(vault_act *act, const vault_group *g, int64_t *count)
{
    static const store_sql sent = {
        "SELECT DISTINCT d.unit FROM delivery d JOIN unit u ON u.id = d.unit WHERE d.grp = $1"
        " AND d.kind = 2 AND d.state IN (3, 4, 5) AND u.state = 1 AND u.uri IS NOT NULL ORDER BY 1"
    };
    int64_t key = -1;
    *count = 0;
    kf_err err = vault_group_gmk(act, g->id, &key);
    if (err != KF_OK || key < 0)
        return err;
    return plan_for(act, g, key, VAULT_BOX_GMK_REVOKE, &sent, VAULT_PRIORITY_REVOKE, count);
}

/* ---- members ---- */

static kf_err plan_gmk_for(vault_act *act, const vault_group *g, const vault_unit *u)
{
    vault_delivery d = { .unit = u->id,
                         .group = g->id,
                         .identity = g->identity,
                         .kind = VAULT_BOX_GMK,
                         .priority = VAULT_PRIORITY_REKEY };
    kf_err err = u->uri[0] == '\0' || !g->wants_gmk ? KF_OK : vault_group_gmk(act, g->id, &d.key);
    if (err != KF_OK || u->uri[0] == '\0' || !g->wants_gmk || d.key < 0)
        return err;
    return vault_deliver(act, &d, (kf_slice){ NULL, 0 });
}

kf_err vault_group_join(vault_act *act, const vault_group *g, const vault_unit *u)
{
    static const store_sql insert = { "INSERT INTO member (grp, unit, joined) VALUES ($1, $2, $3)"
                                      " ON CONFLICT (grp, unit) DO NOTHING" };
    static const store_sql wake = {
        "UPDATE unit SET otar_due = $2 WHERE id = $1 AND rsi IS NOT NULL"
    };
    if (u->state != VAULT_UNIT_SERVED)
        return vault_refuse_f(act, KF_E_DENIED, "not-served", "add", "leave it out",
                              "the unit %s is barred", u->name);
    kf_err err =
        vault_sql(act, &insert, VAULT_IN(store_int(g->id), store_int(u->id), store_int(act->now)));
    if (err != KF_OK || store_changes(act->db) == 0)
        return err;
    err = vault_sql(act, &wake, VAULT_IN(store_int(u->id), store_int(act->now)));
    return err == KF_OK ? plan_gmk_for(act, g, u) : err;
}

kf_err vault_group_leave(vault_act *act, const vault_group *g, int64_t unit)
{
    static const store_sql remove = { "DELETE FROM member WHERE grp = $1 AND unit = $2" };
    static const store_sql wake = {
        "UPDATE unit SET otar_due = $2 WHERE id = $1 AND rsi IS NOT NULL"
    };
    /* +grp: by the unit's few boxes, not by the group's many. */
    static const store_sql cancel = { "UPDATE delivery SET state = 8, box = NULL, settled = $3"
                                      " WHERE +grp = $1 AND unit = $2 AND state < 4" };
    kf_err err = vault_sql(act, &remove, VAULT_IN(store_int(g->id), store_int(unit)));
    if (err == KF_OK)
        err = vault_sql(act, &cancel,
                        VAULT_IN(store_int(g->id), store_int(unit), store_int(act->now)));
    return err == KF_OK ? vault_sql(act, &wake, VAULT_IN(store_int(unit), store_int(act->now)))
                        : err;
}

/* ---- verbs ---- */

static kf_err asked(vault_act *act, vault_group *g)
{
    kf_err err = vault_group_named(act, wire_get_text(act->in, "group"), g);
    if (err == KF_OK)
        vault_about(act, "group %s", g->name);
    if (err == KF_OK && g->state != VAULT_GROUP_ACTIVE && act->verb->access == VAULT_WRITES)
        return vault_refuse(act, KF_E_STATE, "group-ended", "group",
                            "the group is ending, or has ended", NULL, NULL);
    return err;
}

kf_err vault_group_signer(vault_act *act, int64_t *id)
{
    const kf_slice uri = wire_get_text(act->in, "identity");
    *id = -1;
    return uri.len == 0 ? KF_OK : vault_identity_named(act, uri, "identity", id);
}

static kf_err run_create(vault_act *act)
{
    const kf_slice name = wire_get_text(act->in, "group");
    const wire_value *uris = wire_get(act->in, "uris"), *slns = wire_get(act->in, "slns");
    vault_group g = { .ends = -1 };
    int64_t boxes = 0;
    snprintf(g.name, sizeof g.name, "%.*s", (int)name.len, (const char *)name.ptr);
    vault_about(act, "group %s", g.name);
    kf_err err = vault_group_signer(act, &g.identity);
    g.wants_gmk = g.identity >= 0;
    if (err == KF_OK && g.wants_gmk && (uris == NULL || uris->count == 0))
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "uris",
                            "a group with a GMK needs its MC group ID", NULL, NULL);
    if (err == KF_OK)
        err = vault_group_put(act, &g);
    for (const wire_value *u = uris == NULL ? NULL : uris->first; err == KF_OK && u != NULL;
         u = u->next)
        err = vault_group_add_uri(act, g.id, u->octets);
    for (const wire_value *s = slns == NULL ? NULL : slns->first; err == KF_OK && s != NULL;
         s = s->next)
        err = vault_group_add_sln(act, g.id, s->number);
    if (err == KF_OK)
        err = vault_group_new_gmk(act, &g, &boxes);
    wire_put_int(act->out, "group", g.id);
    return err;
}

static kf_err run_members(vault_act *act)
{
    const wire_value *add = wire_get(act->in, "add"), *remove = wire_get(act->in, "remove");
    vault_group g;
    vault_unit u;
    int64_t joined = 0, left = 0;
    kf_err err = asked(act, &g);
    for (const wire_value *m = add == NULL ? NULL : add->first; err == KF_OK && m != NULL;
         m = m->next) {
        err = vault_unit_named(act, m->octets, &u);
        if (err == KF_OK)
            err = vault_group_join(act, &g, &u);
        joined++;
    }
    for (const wire_value *m = remove == NULL ? NULL : remove->first; err == KF_OK && m != NULL;
         m = m->next) {
        err = vault_unit_named(act, m->octets, &u);
        if (err == KF_OK)
            err = vault_group_leave(act, &g, u.id);
        left++;
    }
    vault_note(act, "%lld joined, %lld left", (long long)joined, (long long)left);
    wire_put_int(act->out, "joined", joined);
    wire_put_int(act->out, "left", left);
    if (left > 0) /* who left still knows what was said and can hear what will be */
        wire_put_text_z(act->out, "next", "keyferry group rekey");
    return err;
}

/* ---- rekey: what P25 changes together is one crypto group ---- */

#define CRYPTO_GROUPS 16u

static kf_err note_crypto_group(void *ctx, const store_value *columns, size_t count)
{
    if (count != 1)
        return KF_E_MALFORMED;
    *(unsigned *)ctx |= 1u << (columns[0].number >> 12 & 15);
    return KF_OK;
}

typedef struct slns {
    size_t count;
    int64_t items[4096];
} slns;

static kf_err note_sln(void *ctx, const store_value *columns, size_t count)
{
    slns *s = ctx;
    if (count != 1 || s->count == KF_COUNT(s->items))
        return KF_E_NO_SPACE;
    s->items[s->count++] = columns[0].number;
    return KF_OK;
}

static kf_err stage(vault_act *act, int64_t cg, int64_t *made)
{
    static const store_sql of = {
        "SELECT DISTINCT s.sln FROM group_sln s JOIN mcgroup g ON g.id = s.grp"
        " WHERE s.sln >= $1 AND s.sln < $2 AND g.state = 1 ORDER BY 1"
    };
    static const store_sql mark = { "UPDATE crypto_group SET staged = 1 WHERE number = $1" };
    int64_t active = 0;
    bool is_staged = false;
    slns *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    kf_err err = vault_crypto_group(act, cg, &active, &is_staged);
    if (err == KF_OK)
        err = vault_rows(act, &of, VAULT_IN(store_int(cg << 12), store_int((cg + 1) << 12)),
                         note_sln, s);
    for (size_t i = 0; err == KF_OK && i < s->count; i++)
        err = fill_place(act, s->items[i], active ^ 1, false);
    if (err == KF_OK)
        err = vault_sql(act, &mark, VAULT_IN(store_int(cg)));
    *made += (int64_t)s->count;
    free(s);
    return err;
}

static kf_err put_name(void *ctx, const store_value *columns, size_t count)
{
    if (count >= 1)
        wire_put_text(((vault_act *)ctx)->out, NULL, columns[0].octets);
    return KF_OK;
}

static kf_err wake_crypto_group(vault_act *act, int64_t cg)
{
    static const store_sql wake = {
        "UPDATE unit SET otar_due = $3 WHERE rsi IS NOT NULL AND state = 1 AND id IN (SELECT m.unit"
        " FROM member m JOIN group_sln s ON s.grp = m.grp WHERE s.sln >= $1 AND s.sln < $2)"
    };
    return vault_sql(act, &wake,
                     VAULT_IN(store_int(cg << 12), store_int((cg + 1) << 12), store_int(act->now)));
}

static kf_err crypto_groups_of(vault_act *act, int64_t group, unsigned *bits)
{
    static const store_sql of = { "SELECT sln FROM group_sln WHERE grp = $1" };
    *bits = 0;
    return vault_rows(act, &of, VAULT_IN(store_int(group)), note_crypto_group, bits);
}

static kf_err tell_also(vault_act *act, const vault_group *g)
{
    static const store_sql also = {
        "SELECT DISTINCT o.name FROM group_sln a JOIN group_sln b ON a.sln / 4096 = b.sln / 4096"
        " JOIN mcgroup o ON o.id = b.grp WHERE a.grp = $1 AND b.grp <> $1 AND o.state = 1 ORDER BY "
        "1"
    };
    wire_open_list(act->out, "also");
    kf_err err = vault_rows(act, &also, VAULT_IN(store_int(g->id)), put_name, act);
    wire_close(act->out);
    return err;
}

static kf_err run_rekey(vault_act *act)
{
    vault_group g;
    unsigned bits = 0;
    int64_t made = 0, boxes = 0;
    kf_err err = asked(act, &g);
    if (err == KF_OK)
        err = crypto_groups_of(act, g.id, &bits);
    for (unsigned cg = 0; err == KF_OK && cg < CRYPTO_GROUPS; cg++)
        if ((bits >> cg & 1u) != 0) {
            err = stage(act, cg, &made);
            if (err == KF_OK)
                err = wake_crypto_group(act, cg);
        }
    if (err == KF_OK && bits != 0)
        err = tell_also(act, &g);
    if (err == KF_OK)
        err = vault_group_new_gmk(act, &g, &boxes);
    vault_note(act, "%lld traffic keys, %lld boxes planned", (long long)made, (long long)boxes);
    wire_put_int(act->out, "traffic_keys", made);
    wire_put_int(act->out, "boxes", boxes);
    if (bits != 0)
        wire_put_text_z(act->out, "next", "keyferry group changeover");
    return err;
}

/* ---- changeover ---- */

typedef struct not_ready {
    vault_act *act;
    int64_t count;
} not_ready;

static kf_err put_not_ready(void *ctx, const store_value *columns, size_t count)
{
    not_ready *n = ctx;
    if (count != 1)
        return KF_E_MALFORMED;
    n->count++;
    if (n->count <= NAMES_MAX)
        wire_put_text(n->act->out, NULL, columns[0].octets);
    return KF_OK;
}

/* Members who have not acknowledged the staged key of an SLN they should have. */
static kf_err find_not_ready(vault_act *act, int64_t cg, int64_t slot, not_ready *n)
{
    static const store_sql who = {
        "SELECT DISTINCT u.name FROM member m JOIN group_sln s ON s.grp = m.grp"
        " JOIN mcgroup g ON g.id = m.grp JOIN unit u ON u.id = m.unit"
        " JOIN vkey k ON k.kind = 1 AND k.sln = s.sln AND k.slot = $3 AND k.destroyed IS NULL"
        " WHERE s.sln >= $1 AND s.sln < $2 AND u.state = 1 AND u.rsi IS NOT NULL AND g.state = 1"
        " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.unit = u.id AND h.sln = s.sln AND h.slot = "
        "$3"
        " AND h.kid = k.kid) ORDER BY 1"
    };
    return vault_rows(act, &who,
                      VAULT_IN(store_int(cg << 12), store_int((cg + 1) << 12), store_int(slot)),
                      put_not_ready, n);
}

static kf_err switch_over(vault_act *act, int64_t cg, int64_t slot)
{
    static const store_sql set = {
        "UPDATE crypto_group SET active = $2, staged = 0 WHERE number = $1"
    };
    static const store_sql begin = { "UPDATE vkey SET activates = $4 WHERE kind = 1 AND slot = $3"
                                     " AND sln >= $1 AND sln < $2 AND destroyed IS NULL" };
    static const store_sql end = { "UPDATE vkey SET deactivates = $4 WHERE kind = 1 AND slot <> $3"
                                   " AND sln >= $1 AND sln < $2 AND destroyed IS NULL" };
    kf_err err = vault_sql(act, &set, VAULT_IN(store_int(cg), store_int(slot)));
    if (err == KF_OK)
        err = vault_sql(act, &begin,
                        VAULT_IN(store_int(cg << 12), store_int((cg + 1) << 12), store_int(slot),
                                 store_int(act->now)));
    if (err == KF_OK)
        err = vault_sql(act, &end,
                        VAULT_IN(store_int(cg << 12), store_int((cg + 1) << 12), store_int(slot),
                                 store_int(act->now)));
    return err == KF_OK ? wake_crypto_group(act, cg) : err;
}

static kf_err run_changeover(vault_act *act)
{
    const kf_slice reason = wire_get_text(act->in, "override");
    vault_group g;
    unsigned bits = 0, staged = 0;
    not_ready n = { act, 0 };
    int64_t active[CRYPTO_GROUPS] = { 0 };
    kf_err err = asked(act, &g);
    if (err == KF_OK)
        err = crypto_groups_of(act, g.id, &bits);
    wire_open_list(act->out, "not_ready");
    for (unsigned cg = 0; err == KF_OK && cg < CRYPTO_GROUPS; cg++) {
        bool is_staged = false;
        if ((bits >> cg & 1u) == 0)
            continue;
        err = vault_crypto_group(act, cg, &active[cg], &is_staged);
        staged |= is_staged ? 1u << cg : 0u;
        if (err == KF_OK && is_staged)
            err = find_not_ready(act, cg, active[cg] ^ 1, &n);
    }
    wire_close(act->out);
    wire_put_int(act->out, "not_ready_count", n.count);
    if (err != KF_OK)
        return err;
    if (staged == 0)
        return vault_refuse(act, KF_E_STATE, "nothing-staged", "group", "there are no new keys",
                            NULL, "keyferry group rekey");
    if (n.count > 0 && reason.len == 0)
        return vault_refuse_f(
            act, KF_E_DENIED, "not-ready", "group", "wait for them, or give override with a reason",
            "%lld members have not acknowledged the new keys", (long long)n.count);
    for (unsigned cg = 0; err == KF_OK && cg < CRYPTO_GROUPS; cg++)
        if ((staged >> cg & 1u) != 0)
            err = switch_over(act, cg, active[cg] ^ 1);
    if (n.count > 0)
        vault_note(act, "%lld not ready, overridden: %.*s", (long long)n.count, (int)reason.len,
                   (const char *)reason.ptr);
    return err;
}

/* ---- look ---- */

static void put_group(wire_builder *b, const char *name, const vault_group *g)
{
    wire_open_map(b, name);
    wire_put_int(b, "group", g->id);
    wire_put_text_z(b, "name", g->name);
    wire_put_text_z(b, "state",
                    g->state == VAULT_GROUP_ACTIVE       ? "active"
                    : g->state == VAULT_GROUP_DISSOLVING ? "dissolving"
                                                         : "ended");
    wire_put_bool(b, "temporary", g->is_temporary);
    if (g->ends >= 0)
        wire_put_int(b, "ends", g->ends);
    wire_close(b);
}

static kf_err list_row(void *ctx, const store_value *columns, size_t count)
{
    vault_group g;
    if (!take_group(columns, count, &g))
        return KF_E_MALFORMED;
    put_group(((vault_act *)ctx)->out, NULL, &g);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = { "SELECT " COLUMNS
                                   " FROM mcgroup WHERE state < 3 ORDER BY name LIMIT 10000" };
    wire_open_list(act->out, "groups");
    kf_err err = vault_rows(act, &all, NULL, 0, list_row, act);
    wire_close(act->out);
    return err;
}

static kf_err put_key(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 5)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "key", c[0].number);
    wire_put_text_z(b, "kind", vault_key_kind_name((unsigned)c[1].number));
    wire_put_int(b, "kid", c[2].number);
    if (c[3].type == STORE_INT) {
        wire_put_int(b, "sln", c[3].number);
        wire_put_int(b, "keyset", (c[3].number >> 12) * 16 + 1 + c[4].number);
    }
    wire_close(b);
    return KF_OK;
}

static kf_err run_keys(vault_act *act)
{
    static const store_sql all = {
        "SELECT id, kind, kid, sln, slot FROM vkey WHERE destroyed IS NULL AND (grp = $1 OR (kind "
        "= 1"
        " AND sln IN (SELECT sln FROM group_sln WHERE grp = $1))) ORDER BY kind, sln, slot, id"
    };
    vault_group g;
    kf_err err = asked(act, &g);
    if (err != KF_OK)
        return err;
    wire_open_list(act->out, "keys");
    err = vault_rows(act, &all, VAULT_IN(store_int(g.id)), put_key, act);
    wire_close(act->out);
    return err;
}

typedef struct progress {
    vault_act *act;
    int64_t done, open, failed;
} progress;

static kf_err count_state(void *ctx, const store_value *c, size_t count)
{
    progress *p = ctx;
    if (count != 2)
        return KF_E_MALFORMED;
    if (c[0].number == VAULT_ACKNOWLEDGED)
        p->done += c[1].number;
    else if (c[0].number < VAULT_ACKNOWLEDGED)
        p->open += c[1].number;
    else if (c[0].number != VAULT_CANCELLED)
        p->failed += c[1].number;
    return KF_OK;
}

static kf_err run_show(vault_act *act)
{
    static const store_sql uris = { "SELECT uri FROM group_uri WHERE grp = $1 ORDER BY uri" };
    static const store_sql members = { "SELECT u.name FROM member m JOIN unit u ON u.id = m.unit"
                                       " WHERE m.grp = $1 ORDER BY u.name LIMIT 1000" };
    static const store_sql count = { "SELECT count(*) FROM member WHERE grp = $1" };
    static const store_sql states = {
        "SELECT state, count(*) FROM delivery WHERE grp = $1 AND vkey = $2 GROUP BY state"
    };
    vault_group g;
    progress p = { act, 0, 0, 0 };
    int64_t n = 0, gmk = -1;
    kf_err err = asked(act, &g);
    if (err != KF_OK)
        return err;
    put_group(act->out, "group", &g);
    wire_open_list(act->out, "uris");
    err = vault_rows(act, &uris, VAULT_IN(store_int(g.id)), put_name, act);
    wire_close(act->out);
    wire_open_list(act->out, "members");
    if (err == KF_OK)
        err = vault_rows(act, &members, VAULT_IN(store_int(g.id)), put_name, act);
    wire_close(act->out);
    if (err == KF_OK)
        err = vault_int(act, &count, VAULT_IN(store_int(g.id)), &n, NULL);
    wire_put_int(act->out, "member_count", n);
    if (err == KF_OK)
        err = vault_group_gmk(act, g.id, &gmk);
    if (err == KF_OK && gmk >= 0)
        err = vault_rows(act, &states, VAULT_IN(store_int(g.id), store_int(gmk)), count_state, &p);
    if (gmk >= 0) {
        wire_put_int(act->out, "boxes_acknowledged", p.done);
        wire_put_int(act->out, "boxes_open", p.open);
        wire_put_int(act->out, "boxes_failed", p.failed);
    }
    return err;
}

#define FIELD_GROUP                                                                                \
    {                                                                                              \
        .name = "group", .type = WIRE_TEXT, .is_required = true, .min = 1,                         \
        .max = VAULT_NAME_MAX - 1, .help = "its name"                                              \
    }
static const wire_field create_fields[] = {
    FIELD_GROUP,
    { .name = "uris",
      .type = WIRE_LIST,
      .min = 0,
      .max = 32,
      .of = WIRE_TEXT,
      .help = "MC group IDs" },
    { .name = "slns",
      .type = WIRE_LIST,
      .min = 0,
      .max = 32,
      .of = WIRE_INT,
      .help = "storage locations of its LMR keys" },
    { .name = "identity",
      .type = WIRE_TEXT,
      .min = 1,
      .max = 1024,
      .help = "who signs its GMK; without it the group has none" },
    { .name = NULL },
};
static const wire_field members_fields[] = {
    FIELD_GROUP,
    { .name = "add", .type = WIRE_LIST, .min = 0, .max = 50000, .of = WIRE_TEXT, .help = "units" },
    { .name = "remove",
      .type = WIRE_LIST,
      .min = 0,
      .max = 50000,
      .of = WIRE_TEXT,
      .help = "units" },
    { .name = NULL },
};
static const wire_field changeover_fields[] = {
    FIELD_GROUP,
    { .name = "override",
      .type = WIRE_TEXT,
      .min = 1,
      .max = REASON_MAX,
      .help = "go on although members are not ready: the reason, for the record" },
    { .name = NULL },
};
static const wire_field combine_fields[] = {
    FIELD_GROUP,
    { .name = "of",
      .type = WIRE_LIST,
      .is_required = true,
      .min = 1,
      .max = 64,
      .of = WIRE_TEXT,
      .help = "the constituents" },
    { .name = "uris",
      .type = WIRE_LIST,
      .min = 0,
      .max = 32,
      .of = WIRE_TEXT,
      .help = "MC group IDs" },
    { .name = "identity", .type = WIRE_TEXT, .min = 1, .max = 1024, .help = "who signs its GMK" },
    { .name = "ends",
      .type = WIRE_INT,
      .is_required = true,
      .min = 0,
      .max = INT64_C(1) << 40,
      .help = "Unix time" },
    { .name = "lmr", .type = WIRE_BOOL, .help = "with an LMR traffic key" },
    { .name = NULL },
};
static const wire_field group_fields[] = { FIELD_GROUP, { .name = NULL } };

static const vault_verb verbs[] = {
    { "group create", VAULT_OFFICER, VAULT_WRITES, false, false, create_fields, run_create,
      "make a group with its keys" },
    { "group members", VAULT_OFFICER, VAULT_WRITES, false, false, members_fields, run_members,
      "add and remove members" },
    { "group keys", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, group_fields,
      run_keys, "list its keys" },
    { "group rekey", VAULT_OFFICER, VAULT_WRITES, false, false, group_fields, run_rekey,
      "make new keys and convey them" },
    { "group changeover", VAULT_OFFICER, VAULT_WRITES, false, false, changeover_fields,
      run_changeover, "make the new keys the ones in use" },
    { "group show", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, group_fields,
      run_show, "one group: members and how far its boxes are" },
    { "group list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, NULL, run_list,
      "list groups" },
    { "group combine", VAULT_OFFICER, VAULT_WRITES, false, false, combine_fields, vault_run_combine,
      "make a temporary group of groups, with keys and an end of its own" },
    { "group dissolve", VAULT_OFFICER, VAULT_WRITES, false, false, group_fields, vault_run_dissolve,
      "end a temporary group: its keys are withdrawn" },
};

const vault_noun vault_noun_group = { "group", "groups, their members and keys", verbs,
                                      KF_COUNT(verbs) };

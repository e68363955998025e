/* Keys: the table, its states, its clash checks, and the verbs. */
#include <stdio.h>
#include <string.h>

#include "keyfill/box.h"
#include "keyfill/check.h"
#include "mcsec/keyid.h"
#include "p25/ids.h"
#include "vault/parts.h"

#define KEY_OCTETS_MAX 64u
#define LIST_MAX       1000
#define KEK_SLN_FIRST  0xf000

static const struct {
    vault_key_kind kind;
    const char *name;
    size_t octets; /* of a fresh one; 0: by its algorithm */
    int purpose;   /* of its K-ID; -1: it has a KID */
} kinds[] = {
    { VAULT_TEK, "tek", 0, -1 },         { VAULT_KEK, "kek", 0, -1 },
    { VAULT_UKEK, "ukek", 0, -1 },       { VAULT_GMK, "gmk", 16, MCSEC_GMK },
    { VAULT_PCK, "pck", 16, MCSEC_PCK }, { VAULT_CONTEXT, "context", 16, MCSEC_PCK },
};

static const char *const state_names[] = { "pre-activation", "active",      "suspended",
                                           "deactivated",    "compromised", "destroyed" };

const char *vault_key_kind_name(unsigned kind)
{
    for (size_t i = 0; i < KF_COUNT(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "unknown";
}

unsigned vault_key_kind_named(kf_slice name)
{
    for (size_t i = 0; i < KF_COUNT(kinds); i++)
        if (name.len == strlen(kinds[i].name) && memcmp(name.ptr, kinds[i].name, name.len) == 0)
            return kinds[i].kind;
    return 0;
}

const char *vault_key_state_name(vault_key_state state)
{
    return state_names[state];
}

vault_key_state vault_key_state_at(const vault_key *key, kf_time now)
{
    if (key->destroyed != 0)
        return VAULT_DESTROYED;
    if (key->compromised != 0)
        return VAULT_COMPROMISED;
    if (now >= key->deactivates)
        return VAULT_DEACTIVATED;
    if (key->suspended != 0)
        return VAULT_SUSPENDED;
    return now < key->activates ? VAULT_PRE_ACTIVATION : VAULT_ACTIVE;
}

/* ---- rows ---- */

#define COLUMNS                                                                                    \
    "id, kind, algid, kid, sln, slot, unit, grp, name, origin, created, activates, deactivates,"   \
    " suspended, compromised, destroyed"
#define COLUMN_COUNT 16u

static int64_t number(const store_value *column, int64_t absent)
{
    return column->type == STORE_INT ? column->number : absent;
}

static void text(const store_value *column, char *out, size_t size)
{
    const size_t len = column->octets.len < size - 1 ? column->octets.len : size - 1;
    memcpy(out, column->octets.len > 0 ? column->octets.ptr : (const uint8_t *)"", len);
    out[len] = '\0';
}

static bool take_key(const store_value *c, size_t count, vault_key *k)
{
    if (count < COLUMN_COUNT)
        return false;
    *k = (vault_key){ .id = c[0].number,
                      .kind = (vault_key_kind)c[1].number,
                      .algid = c[2].number,
                      .kid = c[3].number,
                      .sln = number(&c[4], -1),
                      .slot = number(&c[5], -1),
                      .unit = number(&c[6], -1),
                      .group = number(&c[7], -1),
                      .created = c[10].number,
                      .activates = c[11].number,
                      .deactivates = number(&c[12], INT64_MAX),
                      .suspended = number(&c[13], 0),
                      .compromised = number(&c[14], 0),
                      .destroyed = number(&c[15], 0) };
    text(&c[8], k->name, sizeof k->name);
    text(&c[9], k->origin, sizeof k->origin);
    return true;
}

typedef struct one_key {
    vault_key *key;
    bool found;
} one_key;

static kf_err take_one(void *ctx, const store_value *columns, size_t count)
{
    one_key *one = ctx;
    one->found = take_key(columns, count, one->key);
    return one->found ? KF_OK : KF_E_MALFORMED;
}

kf_err vault_key_get(vault_act *act, int64_t id, vault_key *out, bool *found)
{
    static const store_sql get = { "SELECT " COLUMNS " FROM vkey WHERE id = $1" };
    one_key one = { out, false };
    *out = (vault_key){ .id = -1 };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), take_one, &one);
    *found = one.found;
    return err;
}

typedef struct material {
    const vault *v;
    int64_t id;
    kf_secret *out;
} material;

static kf_err take_material(void *ctx, const store_value *columns, size_t count)
{
    material *m = ctx;
    if (count != 1 || columns[0].type != STORE_BLOB)
        return KF_E_STATE;
    return vault_unwrap(m->v, "vkey.material", m->id, columns[0].octets, &m->out);
}

kf_err vault_key_material(vault_act *act, int64_t id, kf_secret **out)
{
    static const store_sql get = {
        "SELECT material FROM vkey WHERE id = $1 AND destroyed IS NULL"
    };
    material m = { act->v, id, NULL };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), take_material, &m);
    *out = m.out;
    if (err == KF_E_AUTH)
        return vault_refuse_f(act, err, "altered-row", NULL, "restore the last backup",
                              "the row of key %lld was altered or moved", (long long)id);
    if (err == KF_OK && m.out == NULL)
        return vault_refuse_f(act, KF_E_STATE, "destroyed", "key", "generate another one",
                              "key %lld is destroyed, or was never there", (long long)id);
    return err;
}

kf_err vault_key_destroy(vault_act *act, int64_t id)
{
    static const store_sql destroy = {
        "UPDATE vkey SET material = NULL, destroyed = $2 WHERE id = $1 AND destroyed IS NULL"
    };
    return vault_sql(act, &destroy, VAULT_IN(store_int(id), store_int(act->now)));
}

/* ---- KIDs ---- */

static const store_sql kid_taken = {
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM vkey WHERE kind = 1 AND kid = $1 AND destroyed IS NULL)"
    " OR EXISTS (SELECT 1 FROM partner WHERE what = 'kid' AND low <= $1 AND high >= $1)"
};

kf_err vault_take_kid(vault_act *act, int64_t *kid)
{
    static const store_sql next = {
        "UPDATE counter SET value = CASE WHEN value >= 65535 THEN 1 ELSE"
        " value + 1 END WHERE name = 'kid' RETURNING value"
    };
    for (unsigned i = 0; i < 65536; i++) {
        int64_t unused;
        bool is_taken = true;
        kf_err err = vault_int(act, &next, NULL, 0, kid, NULL);
        if (err == KF_OK)
            err = vault_int(act, &kid_taken, VAULT_IN(store_int(*kid)), &unused, &is_taken);
        if (err != KF_OK || !is_taken)
            return err;
    }
    return vault_refuse(act, KF_E_NO_SPACE, "no-kid", NULL, "every key ID is in use", NULL,
                        "destroy keys that are no longer needed");
}

static kf_err take_key_id(vault_act *act, int purpose, int64_t *kid)
{
    static const store_sql taken = {
        "SELECT 1 FROM vkey WHERE kind > 3 AND kid = $1 AND destroyed IS NULL"
    };
    for (;;) {
        uint32_t id = 0;
        int64_t unused;
        bool is_taken = true;
        kf_err err = mcsec_keyid_new((mcsec_purpose)purpose, act->v->config.rng, &id);
        *kid = id;
        if (err == KF_OK)
            err = vault_int(act, &taken, VAULT_IN(store_int(*kid)), &unused, &is_taken);
        if (err != KF_OK || !is_taken)
            return err;
    }
}

/* ---- what is wrong with a key ---- */

static kf_err clash_of_kid(vault_act *act, const vault_key *key)
{
    int64_t unused;
    bool is_taken = false;
    if (key->kind != VAULT_TEK)
        return KF_OK;
    kf_err err = vault_int(act, &kid_taken, VAULT_IN(store_int(key->kid)), &unused, &is_taken);
    if (err == KF_OK && is_taken)
        return vault_refuse_f(act, KF_E_DENIED, "kid-clash", "kid",
                              "choose another KID, or leave it out to have one chosen",
                              "KID %04llX belongs to another key, or is reserved for a partner",
                              (unsigned long long)key->kid);
    return err;
}

static kf_err clash_of_place(vault_act *act, const vault_key *key)
{
    static const store_sql taken = {
        "SELECT kid FROM vkey WHERE kind = 1 AND sln = $1 AND slot = $2"
        " AND destroyed IS NULL"
    };
    static const store_sql reserved = {
        "SELECT 1 FROM partner WHERE what = 'sln' AND low <= $1 AND high >= $1"
    };
    int64_t other = 0;
    bool is_taken = false;
    if (key->kind != VAULT_TEK || key->sln < 0)
        return KF_OK;
    kf_err err = vault_int(act, &reserved, VAULT_IN(store_int(key->sln)), &other, &is_taken);
    if (err == KF_OK && is_taken)
        return vault_refuse_f(act, KF_E_DENIED, "sln-reserved", "sln", "keyferry partner list",
                              "SLN %lld is reserved for a partner", (long long)key->sln);
    if (err == KF_OK)
        err = vault_int(act, &taken, VAULT_IN(store_int(key->sln), store_int(key->slot)), &other,
                        &is_taken);
    if (err == KF_OK && is_taken)
        return vault_refuse_f(act, KF_E_DENIED, "place-clash", "sln",
                              "rekey the group, or destroy that key first",
                              "SLN %lld holds key %04llX in that keyset", (long long)key->sln,
                              (unsigned long long)other);
    return err;
}

/* The checks of the room keyfill, in a technician's words. */
static kf_err judge_material(vault_act *act, const vault_key *key, const kf_secret *octets)
{
    keyfill_findings findings = { 0 };
    keyfill_entry entry = {
        .id = 1,
        .keyset = key->slot < 0 ? 1 : (uint32_t)((key->sln >> 12) * 16 + 1 + key->slot),
        .is_active = key->slot < 0,
        .sln = key->sln < 0 ? (key->kind == VAULT_TEK ? 1 : KEK_SLN_FIRST) : (uint32_t)key->sln,
        .kid = (uint32_t)key->kid,
        .algid = (uint32_t)key->algid,
        .kind = key->kind == VAULT_TEK ? KEYFILL_KIND_TEK : KEYFILL_KIND_KEK
    };
    kf_err err = key->kind > VAULT_UKEK ? KF_OK : kf_secret_dup(octets, &entry.material);
    if (err != KF_OK || entry.material == NULL)
        return err;
    err = keyfill_check_entry(&entry, KEYFILL_NOWHERE, &findings);
    for (size_t i = 0; err == KF_OK && i < findings.count; i++) {
        const keyfill_problem p = findings.items[i].problem;
        if (keyfill_problem_severity(p) == KEYFILL_REFUSE)
            err = vault_refuse(act, KF_E_MALFORMED, keyfill_problem_code(p), "key",
                               keyfill_problem_text(p), NULL, "use another key");
        else
            vault_note(act, "warning %s", keyfill_problem_code(p));
    }
    keyfill_findings_clear(&findings);
    kf_secret_free(&entry.material);
    return err;
}

/* ---- putting one in ---- */

static size_t kind_place(vault_key_kind kind)
{
    size_t i = 0;
    while (i + 1 < KF_COUNT(kinds) && kinds[i].kind != kind)
        i++;
    return i;
}

static kf_err fresh(vault_act *act, const vault_key *key, kf_secret **out)
{
    const size_t octets = kinds[kind_place(key->kind)].octets;
    if (octets == 0 && key->algid != P25_ALGID_AES256)
        return vault_refuse(
            act, KF_E_UNSUPPORTED, "weak-algorithm", "algid", "fresh keys are AES-256 (ALGID 84)",
            "older algorithms can be imported from a partner, not made", "leave algid out");
    return kf_secret_new_random(act->v->config.rng, octets == 0 ? 32 : octets, out);
}

static store_value or_null(int64_t n, int64_t absent)
{
    return n == absent ? store_null() : store_int(n);
}

static kf_err insert(vault_act *act, vault_key *key, const kf_secret *octets)
{
    static const store_sql sql = {
        "INSERT INTO vkey (id, kind, algid, kid, sln, slot, unit, grp, name, origin, created,"
        " activates, deactivates, material)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    };
    uint8_t wrapped[VAULT_WRAPPED(KEY_OCTETS_MAX)];
    kf_writer w = kf_writer_init(wrapped, sizeof wrapped);
    kf_err err = vault_take_ids(act, 1, &key->id);
    if (err == KF_OK)
        err = vault_wrap(act->v, "vkey.material", key->id, kf_secret_view(octets), &w);
    if (err != KF_OK)
        return err;
    return vault_sql(
        act, &sql,
        VAULT_IN(store_int(key->id), store_int(key->kind), store_int(key->algid),
                 store_int(key->kid), or_null(key->sln, -1), or_null(key->slot, -1),
                 or_null(key->unit, -1), or_null(key->group, -1), store_text_z(key->name),
                 store_text_z(key->origin), store_int(key->created), store_int(key->activates),
                 or_null(key->deactivates, INT64_MAX), store_blob(kf_writer_slice(&w))));
}

kf_err vault_key_put(vault_act *act, vault_key *key, const kf_secret *given)
{
    const int purpose = kinds[kind_place(key->kind)].purpose;
    kf_secret *made = NULL;
    kf_err err = KF_OK;
    key->created = act->now;
    vault_mend(key->name); /* it may be cut from a longer one */
    if (key->kid < 0)
        err = purpose >= 0 ? take_key_id(act, purpose, &key->kid) : vault_take_kid(act, &key->kid);
    else
        err = clash_of_kid(act, key);
    if (err == KF_OK)
        err = clash_of_place(act, key);
    if (err == KF_OK && given == NULL)
        err = fresh(act, key, &made);
    if (err == KF_OK && given != NULL)
        err = judge_material(act, key, given);
    if (err == KF_OK)
        err = insert(act, key, given == NULL ? made : given);
    kf_secret_free(&made);
    return err;
}

/* ---- verbs ---- */

static void put_key(vault_act *act, const char *name, const vault_key *k)
{
    wire_builder *b = act->out;
    wire_open_map(b, name);
    wire_put_int(b, "key", k->id);
    wire_put_text_z(b, "kind", vault_key_kind_name(k->kind));
    wire_put_text_z(b, "name", k->name);
    wire_put_text_z(b, "state", vault_key_state_name(vault_key_state_at(k, act->now)));
    wire_put_int(b, "algid", k->algid);
    wire_put_int(b, "kid", k->kid);
    if (k->sln >= 0)
        wire_put_int(b, "sln", k->sln);
    if (k->slot >= 0 && k->sln >= 0)
        wire_put_int(b, "keyset", (k->sln >> 12) * 16 + 1 + k->slot);
    if (k->unit >= 0)
        wire_put_int(b, "unit", k->unit);
    if (k->group >= 0)
        wire_put_int(b, "group", k->group);
    wire_put_text_z(b, "origin", k->origin);
    wire_put_int(b, "created", k->created);
    wire_put_int(b, "activates", k->activates);
    if (k->deactivates != INT64_MAX)
        wire_put_int(b, "deactivates", k->deactivates);
    wire_close(b);
}

/* What generate and import have in common. */
static kf_err read_key(vault_act *act, vault_key *k)
{
    const kf_slice kind = wire_get_text(act->in, "kind"), name = wire_get_text(act->in, "name");
    *k = (vault_key){ .kind = (vault_key_kind)vault_key_kind_named(kind),
                      .algid = wire_get_int(act->in, "algid", P25_ALGID_AES256),
                      .kid = wire_get_int(act->in, "kid", -1),
                      .sln = wire_get_int(act->in, "sln", -1),
                      .slot = wire_get_int(act->in, "slot", -1),
                      .unit = -1,
                      .group = -1,
                      .activates = wire_get_int(act->in, "activates", act->now),
                      .deactivates = wire_get_int(act->in, "deactivates", INT64_MAX) };
    snprintf(k->name, sizeof k->name, "%.*s", (int)name.len, (const char *)name.ptr);
    if (k->kind != VAULT_TEK && k->kind != VAULT_KEK)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "kind", "kind is tek or kek",
                            "UKEKs belong to units, GMKs to groups: they are made there",
                            "keyferry unit provision; keyferry group rekey");
    if (k->deactivates <= k->activates)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "deactivates",
                            "the key would end before it begins", NULL, NULL);
    if (k->kind == VAULT_TEK && (k->sln < 0) != (k->slot < 0))
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "slot", "sln and slot go together",
                            NULL, "leave both out for a key that is stored and not yet placed");
    if (k->kind == VAULT_TEK && k->sln >= KEK_SLN_FIRST)
        return vault_refuse(act, KF_E_MALFORMED, "sln-range", "sln",
                            "SLNs from 61440 are for key encryption keys", NULL,
                            "use 1 to 4095, or another crypto group below 15");
    return KF_OK;
}

static kf_err tell_put(vault_act *act, vault_key *k, const kf_secret *octets, const char *origin)
{
    snprintf(k->origin, sizeof k->origin, "%s", origin);
    kf_err err = vault_key_put(act, k, octets);
    if (err != KF_OK)
        return err;
    vault_about(act, "key %lld %s KID %04llX", (long long)k->id, vault_key_kind_name(k->kind),
                (unsigned long long)k->kid);
    put_key(act, "made", k);
    return KF_OK;
}

static kf_err run_generate(vault_act *act)
{
    vault_key k;
    kf_err err = read_key(act, &k);
    return err == KF_OK ? tell_put(act, &k, NULL, "generated") : err;
}

static kf_err run_import(vault_act *act)
{
    vault_key k;
    kf_secret *octets = NULL;
    kf_err err = read_key(act, &k);
    if (err == KF_OK)
        err = kf_secret_new_copy(wire_get_octets(act->in, "material"), &octets);
    if (err == KF_OK)
        err = tell_put(act, &k, octets, "imported");
    kf_secret_free(&octets);
    return err;
}

typedef struct listing {
    vault_act *act;
    int64_t last, count;
} listing;

static kf_err list_row(void *ctx, const store_value *columns, size_t count)
{
    listing *l = ctx;
    vault_key k;
    if (!take_key(columns, count, &k))
        return KF_E_MALFORMED;
    put_key(l->act, NULL, &k);
    l->last = k.id;
    l->count++;
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = { "SELECT " COLUMNS
                                   " FROM vkey WHERE id > $1 AND ($2 = 0 OR kind = $2)"
                                   " ORDER BY id LIMIT $3" };
    const kf_slice kind = wire_get_text(act->in, "kind");
    const int64_t limit = wire_get_int(act->in, "limit", 100);
    listing l = { act, 0, 0 };
    wire_open_list(act->out, "keys");
    kf_err err = vault_rows(act, &all,
                            VAULT_IN(store_int(wire_get_int(act->in, "after", 0)),
                                     store_int(kind.len == 0 ? 0 : vault_key_kind_named(kind)),
                                     store_int(limit)),
                            list_row, &l);
    wire_close(act->out);
    if (l.count == limit)
        wire_put_int(act->out, "after", l.last);
    return err;
}

/* The key that a request names, which must exist. */
static kf_err named(vault_act *act, vault_key *k)
{
    const int64_t id = wire_get_int(act->in, "key", 0);
    bool found = false;
    kf_err err = vault_key_get(act, id, k, &found);
    if (err == KF_OK && !found)
        return vault_refuse_f(act, KF_E_STATE, "no-such-key", "key", "keyferry key list",
                              "there is no key %lld", (long long)id);
    vault_about(act, "key %lld %s KID %04llX", (long long)id, vault_key_kind_name(k->kind),
                (unsigned long long)k->kid);
    return err;
}

static kf_err put_holder(void *ctx, const store_value *columns, size_t count)
{
    vault_act *act = ctx;
    if (count == 1)
        wire_put_text(act->out, NULL, columns[0].octets);
    return KF_OK;
}

static kf_err run_show(vault_act *act)
{
    static const store_sql holders = {
        "SELECT u.name FROM holds h JOIN unit u ON u.id = h.unit WHERE h.sln = $1 AND h.slot = $2"
        " AND h.kid = $3 ORDER BY u.id LIMIT 1000"
    };
    vault_key k;
    kf_err err = named(act, &k);
    if (err != KF_OK)
        return err;
    put_key(act, "key", &k);
    wire_open_list(act->out, "held_by");
    if (k.kind == VAULT_TEK && k.sln >= 0)
        err = vault_rows(act, &holders,
                         VAULT_IN(store_int(k.sln), store_int(k.slot), store_int(k.kid)),
                         put_holder, act);
    wire_close(act->out);
    return err;
}

static kf_err run_retire(vault_act *act)
{
    static const store_sql retire = { "UPDATE vkey SET deactivates = $2 WHERE id = $1" };
    vault_key k;
    kf_err err = named(act, &k);
    const int64_t at = wire_get_int(act->in, "at", act->now);
    if (err == KF_OK && at < act->now)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "at", "that time has passed", NULL,
                            "leave it out for now");
    if (err == KF_OK)
        err = vault_sql(act, &retire, VAULT_IN(store_int(k.id), store_int(at)));
    k.deactivates = at;
    put_key(act, "key", &k);
    return err;
}

/* Suspended: not to be used until it is resumed (SP 800-57 part 1, 7.3). */
static kf_err set_suspended(vault_act *act, bool is_suspended)
{
    static const store_sql set = { "UPDATE vkey SET suspended = $2 WHERE id = $1" };
    vault_key k;
    kf_err err = named(act, &k);
    if (err == KF_OK && (k.suspended != 0) == is_suspended)
        return vault_refuse(
            act, KF_E_STATE, "no-change", "key",
            is_suspended ? "the key is suspended already" : "the key is not suspended", NULL, NULL);
    if (err == KF_OK)
        err =
            vault_sql(act, &set,
                      VAULT_IN(store_int(k.id), is_suspended ? store_int(act->now) : store_null()));
    k.suspended = is_suspended ? act->now : 0;
    put_key(act, "key", &k);
    return err;
}

static kf_err run_suspend(vault_act *act)
{
    return set_suspended(act, true);
}

static kf_err run_resume(vault_act *act)
{
    return set_suspended(act, false);
}

static kf_err run_compromise(vault_act *act)
{
    static const store_sql mark = {
        "UPDATE vkey SET compromised = coalesce(compromised, $2) WHERE id = $1"
    };
    vault_key k;
    kf_err err = named(act, &k);
    if (err == KF_OK)
        err = vault_sql(act, &mark, VAULT_IN(store_int(k.id), store_int(act->now)));
    k.compromised = act->now;
    put_key(act, "key", &k);
    if (k.sln >= 0)
        wire_put_text_z(act->out, "next", "keyferry group rekey");
    return err;
}

static kf_err run_destroy(vault_act *act)
{
    static const store_sql used = { "SELECT count(*) FROM group_sln s JOIN member m ON m.grp = "
                                    "s.grp JOIN mcgroup g ON g.id = s.grp"
                                    " WHERE s.sln = $1 AND g.state = 1" };
    vault_key k;
    int64_t members = 0, cancelled = 0;
    kf_err err = named(act, &k);
    if (err == KF_OK && k.kind == VAULT_TEK && k.sln >= 0)
        err = vault_int(act, &used, VAULT_IN(store_int(k.sln)), &members, NULL);
    const vault_key_state state = vault_key_state_at(&k, act->now);
    if (err == KF_OK && members > 0 && state <= VAULT_SUSPENDED)
        return vault_refuse_f(act, KF_E_DENIED, "in-use", "key",
                              "rekey and change over first; then it is replaced and may go",
                              "%lld memberships rest on it", (long long)members);
    if (err == KF_OK)
        err = vault_cancel(act, -1, -1, k.id, &cancelled);
    if (err == KF_OK)
        err = vault_key_destroy(act, k.id);
    wire_put_int(act->out, "cancelled", cancelled);
    k.destroyed = act->now;
    put_key(act, "key", &k);
    return err;
}

/* ---- export: sealed for a partner, with a second officer's approval ---- */

#define EXPORT_MAX 256u

static kf_err add_entry(vault_act *act, keyfill_file *file, int64_t id)
{
    vault_key k;
    bool found = false;
    keyfill_entry entry = { .material = NULL };
    kf_err err = vault_key_get(act, id, &k, &found);
    if (err == KF_OK && (!found || k.kind > VAULT_UKEK))
        return vault_refuse_f(act, KF_E_STATE, "no-such-key", "keys", "keyferry key list",
                              "there is no P25 key %lld", (long long)id);
    if (err != KF_OK)
        return err;
    entry.id = keyfill_file_next_entry_id(file);
    entry.is_active = k.slot < 0;
    entry.keyset = k.slot < 0 ? 0 : (uint32_t)((k.sln >> 12) * 16 + 1 + k.slot);
    entry.sln = k.sln < 0 ? 0 : (uint32_t)k.sln;
    entry.kid = (uint32_t)k.kid;
    entry.algid = (uint32_t)k.algid;
    entry.kind = k.kind == VAULT_TEK ? KEYFILL_KIND_TEK : KEYFILL_KIND_KEK;
    const kf_slice name = { (const uint8_t *)k.name, strlen(k.name) };
    err = keyfill_name_set(&entry.name, name);
    if (err == KF_OK)
        err = vault_key_material(act, id, &entry.material);
    return err == KF_OK ? keyfill_file_take_entry(file, &entry) : err;
}

static kf_err seal_export(vault_act *act, const keyfill_file *file)
{
    kf_secret *room = NULL;
    kf_err err = kf_secret_new(keyfill_box_octets(file), &room);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(room), kf_secret_len(room));
    err = keyfill_box_seal(file, wire_get_octets(act->in, "passphrase"), KF_SCRYPT_DEFAULT,
                           act->v->config.rng, &w);
    if (err == KF_OK)
        wire_put_octets(act->out, "keyfile", kf_writer_slice(&w));
    kf_secret_free(&room);
    return err;
}

static kf_err run_export(vault_act *act)
{
    keyfill_file file = { .entries = NULL };
    kf_err err = KF_OK;
    vault_about(act, "%u keys", wire_get(act->in, "keys")->count);
    for (const wire_value *k = wire_get(act->in, "keys")->first; err == KF_OK && k != NULL;
         k = k->next) {
        err = add_entry(act, &file, k->number);
        vault_note(act, "key %lld", (long long)k->number);
    }
    if (err == KF_OK)
        err = seal_export(act, &file);
    keyfill_file_clear(&file);
    return err;
}

#define FIELD_KEY                                                                                  \
    {                                                                                              \
        .name = "key", .type = WIRE_INT, .is_required = true, .min = 1, .max = INT64_MAX,          \
        .help = "its number"                                                                       \
    }
#define FIELDS_OF_A_KEY                                                                            \
    { .name = "kind",                                                                              \
      .type = WIRE_TEXT,                                                                           \
      .is_required = true,                                                                         \
      .min = 1,                                                                                    \
      .max = 8,                                                                                    \
      .words = "tek|kek",                                                                          \
      .help = "traffic or key encryption key" },                                                   \
        { .name = "name",                                                                          \
          .type = WIRE_TEXT,                                                                       \
          .min = 1,                                                                                \
          .max = VAULT_NAME_MAX - 1,                                                               \
          .help = "for people" },                                                                  \
        { .name = "kid", .type = WIRE_INT, .min = 1, .max = 0xffff, .help = "key ID" },            \
        { .name = "sln", .type = WIRE_INT, .min = 0, .max = 0xffff, .help = "storage location" },  \
        { .name = "slot",                                                                          \
          .type = WIRE_INT,                                                                        \
          .min = 0,                                                                                \
          .max = 1,                                                                                \
          .help = "keyset 0 or 1 of its crypto group" },                                           \
        { .name = "algid",                                                                         \
          .type = WIRE_INT,                                                                        \
          .min = 0,                                                                                \
          .max = 0xff,                                                                             \
          .help = "algorithm, else 84" },                                                          \
        { .name = "activates",                                                                     \
          .type = WIRE_INT,                                                                        \
          .min = 0,                                                                                \
          .max = INT64_C(1) << 40,                                                                 \
          .help = "Unix time, else now" },                                                         \
    {                                                                                              \
        .name = "deactivates", .type = WIRE_INT, .min = 0, .max = INT64_C(1) << 40,                \
        .help = "Unix time, else open"                                                             \
    }

static const wire_field generate_fields[] = { FIELDS_OF_A_KEY, { .name = NULL } };
static const wire_field import_fields[] = { FIELDS_OF_A_KEY,
                                            { .name = "material",
                                              .type = WIRE_OCTETS,
                                              .is_required = true,
                                              .min = 5,
                                              .max = 32,
                                              .help = "the key" },
                                            { .name = NULL } };
static const wire_field list_fields[] = {
    { .name = "kind",
      .type = WIRE_TEXT,
      .min = 1,
      .max = 8,
      .words = "tek|kek|ukek|gmk|pck|context",
      .help = "only these" },
    { .name = "after", .type = WIRE_INT, .min = 0, .max = INT64_MAX, .help = "go on after" },
    { .name = "limit", .type = WIRE_INT, .min = 1, .max = LIST_MAX, .help = "at most, else 100" },
    { .name = NULL },
};
static const wire_field key_fields[] = { FIELD_KEY, { .name = NULL } };
static const wire_field retire_fields[] = { FIELD_KEY,
                                            { .name = "at",
                                              .type = WIRE_INT,
                                              .min = 0,
                                              .max = INT64_C(1) << 40,
                                              .help = "Unix time, else now" },
                                            { .name = NULL } };

static const wire_field export_fields[] = {
    { .name = "keys",
      .type = WIRE_LIST,
      .is_required = true,
      .min = 1,
      .max = EXPORT_MAX,
      .of = WIRE_INT,
      .help = "their numbers" },
    { .name = "passphrase",
      .type = WIRE_OCTETS,
      .is_required = true,
      .min = 8,
      .max = 1024,
      .help = "of the key file that is made, at least 8 octets" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "key generate", VAULT_OFFICER, VAULT_WRITES, false, false, generate_fields, run_generate,
      "make a fresh key" },
    { "key import", VAULT_OFFICER, VAULT_WRITES, false, false, import_fields, run_import,
      "take in a key that was made elsewhere" },
    { "key list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, list_fields, run_list,
      "list keys, never their octets" },
    { "key show", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, key_fields, run_show,
      "one key and who holds it" },
    { "key retire", VAULT_OFFICER, VAULT_WRITES, false, false, retire_fields, run_retire,
      "end its crypto period" },
    { "key suspend", VAULT_OFFICER, VAULT_WRITES, false, false, key_fields, run_suspend,
      "not to be used for a while" },
    { "key resume", VAULT_OFFICER, VAULT_WRITES, false, false, key_fields, run_resume,
      "to be used again" },
    { "key export", VAULT_OFFICER, VAULT_WRITES, false, true, export_fields, run_export,
      "give P25 keys to a partner, in a sealed key file" },
    { "key compromise", VAULT_OFFICER, VAULT_WRITES, false, false, key_fields, run_compromise,
      "mark it as known to others" },
    { "key destroy", VAULT_OFFICER, VAULT_WRITES, false, false, key_fields, run_destroy,
      "erase its octets; the row stays" },
};

const vault_noun vault_noun_key = { "key", "keys of every kind", verbs, KF_COUNT(verbs) };

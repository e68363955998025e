/* Units: radios and LMR-aware clients. */
#include "vault/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "p25/ids.h"
#include "vault/identity.h"

#define COLUMNS                                                                                    \
    "id, name, rsi, uri, level, state, ukek, context, otar_due, last_heard, created, lost"
#define UKEK_SLN 0xf001

static void copy_text(const store_value *column, char *out, size_t size)
{
    const size_t len = column->octets.len < size - 1 ? column->octets.len : size - 1;
    if (len > 0)
        memcpy(out, column->octets.ptr, len);
    out[len] = '\0';
}

static int64_t number(const store_value *column)
{
    return column->type == STORE_INT ? column->number : -1;
}

typedef struct one_unit {
    vault_unit *unit;
    bool found;
} one_unit;

static bool take_unit(const store_value *c, size_t count, vault_unit *u)
{
    if (count < 12)
        return false;
    *u = (vault_unit){ .id = c[0].number,
                       .rsi = number(&c[2]),
                       .level = c[4].number,
                       .state = (vault_unit_state)c[5].number,
                       .ukek = number(&c[6]),
                       .context = number(&c[7]),
                       .otar_due = number(&c[8]),
                       .last_heard = number(&c[9]),
                       .created = c[10].number,
                       .lost = number(&c[11]) };
    copy_text(&c[1], u->name, sizeof u->name);
    copy_text(&c[3], u->uri, sizeof u->uri);
    return true;
}

static kf_err take_one(void *ctx, const store_value *columns, size_t count)
{
    one_unit *one = ctx;
    one->found = take_unit(columns, count, one->unit);
    return one->found ? KF_OK : KF_E_MALFORMED;
}

kf_err vault_unit_get(vault_act *act, int64_t id, vault_unit *out, bool *found)
{
    static const store_sql get = { "SELECT " COLUMNS " FROM unit WHERE id = $1" };
    one_unit one = { out, false };
    *out = (vault_unit){ .id = -1 };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), take_one, &one);
    *found = one.found;
    return err;
}

kf_err vault_unit_named(vault_act *act, kf_slice name, vault_unit *out)
{
    static const store_sql by_name = { "SELECT " COLUMNS " FROM unit WHERE name = $1" };
    static const store_sql by_rsi = { "SELECT " COLUMNS " FROM unit WHERE rsi = $1" };
    static const store_sql by_uri = { "SELECT " COLUMNS " FROM unit WHERE uri = $1" };
    one_unit one = { out, false };
    uint64_t rsi = 0;
    *out = (vault_unit){ .id = -1 };
    kf_err err = vault_rows(act, &by_name, VAULT_IN(store_text(name)), take_one, &one);
    if (err == KF_OK && !one.found)
        err = vault_rows(act, &by_uri, VAULT_IN(store_text(name)), take_one, &one);
    if (err == KF_OK && !one.found && kf_decimal_read(name, &rsi) == KF_OK && rsi <= 0xffffff)
        err = vault_rows(act, &by_rsi, VAULT_IN(store_int((int64_t)rsi)), take_one, &one);
    if (err == KF_OK && !one.found)
        return vault_refuse_f(act, KF_E_STATE, "no-such-unit", "unit", "keyferry unit list",
                              "there is no unit %.*s", (int)(name.len < 80 ? name.len : 80),
                              (const char *)name.ptr);
    return err;
}

static const char *state_name(vault_unit_state state)
{
    return state == VAULT_UNIT_SERVED ? "served" : state == VAULT_UNIT_LOST ? "lost" : "removed";
}

static void put_unit(wire_builder *b, const char *name, const vault_unit *u)
{
    wire_open_map(b, name);
    wire_put_int(b, "unit", u->id);
    wire_put_text_z(b, "name", u->name);
    if (u->rsi >= 0)
        wire_put_int(b, "rsi", u->rsi);
    if (u->uri[0] != '\0')
        wire_put_text_z(b, "uri", u->uri);
    wire_put_text_z(b, "level", u->level == 0 ? "basic" : "enhanced");
    wire_put_text_z(b, "state", state_name(u->state));
    wire_put_bool(b, "has_ukek", u->ukek >= 0);
    if (u->last_heard >= 0)
        wire_put_int(b, "last_heard", u->last_heard);
    if (u->lost >= 0)
        wire_put_int(b, "lost", u->lost);
    wire_close(b);
}

/* ---- UKEKs ---- */

kf_err vault_unit_give_ukek(vault_act *act, vault_unit *u, const kf_secret *given, int64_t kid)
{
    static const store_sql set = { "UPDATE unit SET ukek = $2, otar_due = $3 WHERE id = $1" };
    vault_key k = { .kind = VAULT_UKEK,
                    .algid = P25_ALGID_AES256,
                    .kid = kid,
                    .sln = UKEK_SLN,
                    .slot = -1,
                    .unit = u->id,
                    .group = -1,
                    .activates = act->now,
                    .deactivates = INT64_MAX };
    snprintf(k.name, sizeof k.name, "%.40s", u->name);
    snprintf(k.origin, sizeof k.origin, "%s", given == NULL ? "generated" : "imported");
    kf_err err = vault_key_put(act, &k, given);
    if (err == KF_OK && u->ukek >= 0)
        err = vault_key_destroy(act, u->ukek);
    if (err == KF_OK)
        err = vault_sql(act, &set,
                        VAULT_IN(store_int(u->id), store_int(k.id),
                                 u->rsi >= 0 ? store_int(act->now) : store_null()));
    u->ukek = k.id;
    return err;
}

/* ---- add ---- */

static kf_err insert_unit(vault_act *act, vault_unit *u)
{
    static const store_sql insert = {
        "INSERT INTO unit (id, name, rsi, uri, level, state, next_seq, created)"
        " VALUES ($1, $2, $3, $4, $5, 1, 1, $6)"
    };
    kf_err err = vault_take_ids(act, 1, &u->id);
    return err == KF_OK
               ? vault_sql(act, &insert,
                           VAULT_IN(store_int(u->id), store_text_z(u->name),
                                    u->rsi >= 0 ? store_int(u->rsi) : store_null(),
                                    u->uri[0] != '\0' ? store_text_z(u->uri) : store_null(),
                                    store_int(u->level), store_int(act->now)))
               : err;
}

static kf_err reserved_rsi(vault_act *act, int64_t rsi)
{
    static const store_sql reserved = {
        "SELECT 1 FROM partner WHERE what = 'rsi' AND low <= $1 AND high >= $1"
    };
    int64_t unused;
    bool is_taken = false;
    kf_err err = vault_int(act, &reserved, VAULT_IN(store_int(rsi)), &unused, &is_taken);
    return err == KF_OK && is_taken
               ? vault_refuse_f(act, KF_E_DENIED, "rsi-reserved", "rsi", "keyferry partner list",
                                "RSI %lld is reserved for a partner", (long long)rsi)
               : err;
}

static kf_err run_add(vault_act *act)
{
    const kf_slice name = wire_get_text(act->in, "name"), uri = wire_get_text(act->in, "uri");
    const kf_slice ukek = wire_get_octets(act->in, "ukek");
    vault_unit u = { .rsi = wire_get_int(act->in, "rsi", -1),
                     .ukek = -1,
                     .context = -1,
                     .last_heard = -1,
                     .lost = -1,
                     .state = VAULT_UNIT_SERVED };
    kf_secret *given = NULL;
    snprintf(u.name, sizeof u.name, "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(u.uri, sizeof u.uri, "%.*s", (int)uri.len, (const char *)uri.ptr);
    u.level = wire_get_text(act->in, "level").len == 8 ? 1 : 0; /* "enhanced" */
    vault_about(act, "unit %s", u.name);
    if (u.rsi < 0 && u.uri[0] == '\0')
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "rsi",
                            "a unit has an RSI, an MC service ID, or both", NULL,
                            "give rsi for what speaks OTAR, uri for an MC client");
    if (ukek.len > 0 && (u.rsi < 0 || wire_get(act->in, "ukek_kid") == NULL))
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "ukek_kid",
                            "a UKEK needs its KID, and a unit with an RSI", NULL, NULL);
    kf_err err = u.rsi >= 0 ? reserved_rsi(act, u.rsi) : KF_OK;
    if (err == KF_OK)
        err = insert_unit(act, &u);
    if (err == KF_OK && ukek.len > 0)
        err = kf_secret_new_copy(ukek, &given);
    if (err == KF_OK && given != NULL)
        err = vault_unit_give_ukek(act, &u, given, wire_get_int(act->in, "ukek_kid", 0));
    kf_secret_free(&given);
    put_unit(act->out, "added", &u);
    return err;
}

/* ---- provision: a UKEK, sealed to one MC client ---- */

static kf_err served_unit(vault_act *act, vault_unit *u)
{
    kf_err err = vault_unit_named(act, wire_get_text(act->in, "unit"), u);
    if (err == KF_OK)
        vault_about(act, "unit %s", u->name);
    if (err == KF_OK && u->state != VAULT_UNIT_SERVED)
        return vault_refuse_f(act, KF_E_STATE, "not-served", "unit",
                              "add it anew when it was found and is clean", "the unit is %s",
                              state_name(u->state));
    return err;
}

static kf_err run_provision(vault_act *act)
{
    static const store_sql set = { "UPDATE unit SET context = $2 WHERE id = $1" };
    const kf_slice from = wire_get_text(act->in, "identity");
    vault_unit u;
    vault_delivery d = { .group = -1, .kind = VAULT_BOX_UKEK, .priority = VAULT_PRIORITY_REKEY };
    vault_key context = { .kind = VAULT_CONTEXT,
                          .algid = 0,
                          .kid = -1,
                          .sln = -1,
                          .slot = -1,
                          .group = -1,
                          .activates = act->now,
                          .deactivates = INT64_MAX };
    int64_t id = 0, cancelled = 0;
    kf_err err = served_unit(act, &u);
    if (err == KF_OK && (u.uri[0] == '\0' || u.rsi < 0))
        return vault_refuse(act, KF_E_STATE, "no-client", "unit",
                            "it has no MC service ID, or no RSI",
                            "a UKEK is provisioned to an MC client that speaks OTAR",
                            "a radio gets its UKEK by key fill: give it with unit add");
    if (err == KF_OK)
        err = vault_identity_named(act, from, "identity", &id);
    if (err == KF_OK && u.ukek >= 0) /* the box with the UKEK before is of no use any more */
        err = vault_cancel(act, u.id, -1, u.ukek, &cancelled);
    if (err == KF_OK)
        err = vault_unit_give_ukek(act, &u, NULL, -1);
    context.unit = u.id;
    snprintf(context.name, sizeof context.name, "%.*s", (int)(from.len < 60 ? from.len : 60),
             (const char *)from.ptr);
    snprintf(context.origin, sizeof context.origin, "generated");
    if (err == KF_OK)
        err = vault_key_put(act, &context, NULL);
    if (err == KF_OK && u.context >= 0)
        err = vault_key_destroy(act, u.context);
    if (err == KF_OK)
        err = vault_sql(act, &set, VAULT_IN(store_int(u.id), store_int(context.id)));
    d.unit = u.id;
    d.key = u.ukek;
    d.identity = id;
    if (err == KF_OK)
        err = vault_deliver(act, &d, (kf_slice){ NULL, 0 });
    vault_note(act, "ukek key %lld", (long long)u.ukek);
    wire_put_int(act->out, "delivery", d.id);
    wire_put_int(act->out, "key", u.ukek);
    return err;
}

/* ---- look ---- */

typedef struct listing {
    vault_act *act;
    int64_t last, count;
} listing;

static kf_err list_row(void *ctx, const store_value *columns, size_t count)
{
    listing *l = ctx;
    vault_unit u;
    if (!take_unit(columns, count, &u))
        return KF_E_MALFORMED;
    put_unit(l->act->out, NULL, &u);
    l->last = u.id;
    l->count++;
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = { "SELECT " COLUMNS
                                   " FROM unit WHERE id > $1 AND state < 3 ORDER BY id LIMIT $2" };
    const int64_t limit = wire_get_int(act->in, "limit", 100);
    listing l = { act, 0, 0 };
    wire_open_list(act->out, "units");
    kf_err err = vault_rows(
        act, &all, VAULT_IN(store_int(wire_get_int(act->in, "after", 0)), store_int(limit)),
        list_row, &l);
    wire_close(act->out);
    if (l.count == limit)
        wire_put_int(act->out, "after", l.last);
    return err;
}

static kf_err put_group(void *ctx, const store_value *c, size_t count)
{
    if (count == 1)
        wire_put_text(((vault_act *)ctx)->out, NULL, c[0].octets);
    return KF_OK;
}

static kf_err put_held(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 3)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "sln", c[0].number);
    wire_put_int(b, "keyset", (c[0].number >> 12) * 16 + 1 + c[1].number);
    wire_put_int(b, "kid", c[2].number);
    wire_close(b);
    return KF_OK;
}

static kf_err put_standing(vault_act *act, int64_t id)
{
    static const store_sql groups = { "SELECT g.name FROM member m JOIN mcgroup g ON g.id = m.grp"
                                      " WHERE m.unit = $1 ORDER BY g.name" };
    static const store_sql held = {
        "SELECT sln, slot, kid FROM holds WHERE unit = $1 ORDER BY 1, 2"
    };
    wire_open_list(act->out, "groups");
    kf_err err = vault_rows(act, &groups, VAULT_IN(store_int(id)), put_group, act);
    wire_close(act->out);
    wire_open_list(act->out, "holds");
    if (err == KF_OK)
        err = vault_rows(act, &held, VAULT_IN(store_int(id)), put_held, act);
    wire_close(act->out);
    return err;
}

static kf_err run_show(vault_act *act)
{
    static const store_sql open = { "SELECT count(*) FROM delivery WHERE unit = $1 AND state < 5" };
    vault_unit u;
    int64_t n = 0;
    kf_err err = vault_unit_named(act, wire_get_text(act->in, "unit"), &u);
    if (err != KF_OK)
        return err;
    put_unit(act->out, "unit", &u);
    err = put_standing(act, u.id);
    if (err == KF_OK)
        err = vault_int(act, &open, VAULT_IN(store_int(u.id)), &n, NULL);
    wire_put_int(act->out, "deliveries_open", n);
    return err;
}

/* ---- lost ---- */

static kf_err put_exposed(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 4)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "key", c[0].number);
    wire_put_text_z(b, "kind", vault_key_kind_name((unsigned)c[1].number));
    wire_put_int(b, "kid", c[2].number);
    if (c[3].type == STORE_INT)
        wire_put_int(b, "sln", c[3].number);
    wire_close(b);
    return KF_OK;
}

/* Every key it holds, was sent, or may have received by now: what a finder could use. Of a KMM that
 * is on its way, each traffic key of the unit's groups may be inside. */
static kf_err list_exposed(vault_act *act, int64_t id)
{
    static const store_sql exposed = {
        "SELECT k.id, k.kind, k.kid, k.sln FROM vkey k WHERE k.destroyed IS NULL AND (k.unit = $1"
        " OR EXISTS (SELECT 1 FROM holds h WHERE h.unit = $1 AND h.sln = k.sln AND h.kid = k.kid)"
        " OR EXISTS (SELECT 1 FROM delivery d WHERE d.unit = $1 AND d.vkey = k.id AND"
        " d.attempts > 0)" /* a courier had it, whatever it said then */
        " OR (k.kind = 1 AND EXISTS (SELECT 1 FROM delivery d WHERE d.unit = $1 AND d.kind = 1 AND"
        " d.attempts > 0 AND d.state <> 5) AND k.sln IN (SELECT s.sln FROM member m JOIN group_sln "
        "s"
        " ON s.grp = m.grp WHERE m.unit = $1)))"
        " ORDER BY k.id"
    };
    wire_open_list(act->out, "exposed");
    kf_err err = vault_rows(act, &exposed, VAULT_IN(store_int(id)), put_exposed, act);
    wire_close(act->out);
    return err;
}

static kf_err run_lost(vault_act *act)
{
    static const store_sql mark = {
        "UPDATE unit SET state = 2, lost = $2, otar_due = $3 WHERE id = $1"
    };
    static const store_sql leave = { "DELETE FROM member WHERE unit = $1" };
    static const store_sql spoil = { "UPDATE vkey SET compromised = coalesce(compromised, $2) "
                                     "WHERE unit = $1 AND destroyed IS NULL" };
    vault_unit u;
    int64_t cancelled = 0;
    kf_err err = served_unit(act, &u);
    if (err == KF_OK)
        err = list_exposed(act, u.id);
    if (err == KF_OK) /* after that: what is cancelled no longer says that it was on its way */
        err = vault_cancel(act, u.id, -1, -1, &cancelled);
    wire_open_list(act->out, "rekey");
    static const store_sql groups = { "SELECT g.name FROM member m JOIN mcgroup g ON g.id = m.grp"
                                      " WHERE m.unit = $1 ORDER BY g.name" };
    if (err == KF_OK)
        err = vault_rows(act, &groups, VAULT_IN(store_int(u.id)), put_group, act);
    wire_close(act->out);
    if (err == KF_OK)
        err = vault_sql(act, &leave, VAULT_IN(store_int(u.id)));
    if (err == KF_OK)
        err = vault_sql(act, &spoil, VAULT_IN(store_int(u.id), store_int(act->now)));
    if (err == KF_OK)
        err = vault_sql(act, &mark,
                        VAULT_IN(store_int(u.id), store_int(act->now),
                                 u.rsi >= 0 ? store_int(act->now) : store_null()));
    wire_put_int(act->out, "cancelled", cancelled);
    wire_put_bool(act->out, "zeroize", u.rsi >= 0);
    return err;
}

/* Every unit, as if each were lost: for when all of them may be. */
static kf_err run_zeroize_all(vault_act *act)
{
    static const store_sql leave = { "DELETE FROM member" };
    static const store_sql mark = { "UPDATE unit SET lost = $1, otar_due = CASE WHEN rsi IS NULL "
                                    "THEN NULL ELSE $1 END, state = 2"
                                    " WHERE state = 1" };
    int64_t cancelled = 0;
    kf_err err = vault_cancel(act, -1, -1, -1, &cancelled);
    if (err == KF_OK)
        err = vault_sql(act, &leave, NULL, 0);
    if (err == KF_OK)
        err = vault_sql(act, &mark, VAULT_IN(store_int(act->now)));
    const int64_t units = err == KF_OK ? store_changes(act->db) : 0;
    vault_about(act, "%lld units", (long long)units);
    wire_put_int(act->out, "units", units);
    wire_put_int(act->out, "cancelled", cancelled);
    return err;
}

static kf_err run_remove(vault_act *act)
{
    static const store_sql in_group = { "SELECT count(*) FROM member WHERE unit = $1" };
    static const store_sql holds = { "SELECT count(*) FROM holds WHERE unit = $1" };
    static const store_sql mark = {
        "UPDATE unit SET state = 3, rsi = NULL, uri = NULL, otar = NULL,"
        " otar_due = NULL, name = name || ' (removed ' || $2 || ')'"
        " WHERE id = $1"
    };
    vault_unit u;
    int64_t groups = 0, held = 0, cancelled = 0;
    char stamp[24];
    kf_err err = vault_unit_named(act, wire_get_text(act->in, "unit"), &u);
    if (err == KF_OK)
        vault_about(act, "unit %s", u.name);
    if (err == KF_OK)
        err = vault_int(act, &in_group, VAULT_IN(store_int(u.id)), &groups, NULL);
    if (err == KF_OK)
        err = vault_int(act, &holds, VAULT_IN(store_int(u.id)), &held, NULL);
    if (err == KF_OK && groups > 0)
        return vault_refuse_f(act, KF_E_DENIED, "in-use", "unit", "take it out of them first",
                              "it is a member of %lld groups", (long long)groups);
    if (err == KF_OK && held > 0 && !wire_get_bool(act->in, "force", false))
        return vault_refuse_f(act, KF_E_DENIED, "holds-keys", "unit",
                              "wait for the erasures, or say force: its keys stay in it",
                              "it still holds %lld keys", (long long)held);
    if (err == KF_OK)
        err = vault_cancel(act, u.id, -1, -1, &cancelled);
    if (err == KF_OK && u.ukek >= 0)
        err = vault_key_destroy(act, u.ukek);
    if (err == KF_OK && u.context >= 0)
        err = vault_key_destroy(act, u.context);
    snprintf(stamp, sizeof stamp, "%lld", (long long)u.id);
    return err == KF_OK ? vault_sql(act, &mark, VAULT_IN(store_int(u.id), store_text_z(stamp)))
                        : err;
}

/* ---- verbs ---- */

#define FIELD_UNIT                                                                                 \
    {                                                                                              \
        .name = "unit", .type = WIRE_TEXT, .is_required = true, .min = 1, .max = 1024,             \
        .help = "its name, RSI or MC service ID"                                                   \
    }
static const wire_field add_fields[] = {
    { .name = "name",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = VAULT_NAME_MAX - 1,
      .help = "for people" },
    { .name = "rsi", .type = WIRE_INT, .min = 1, .max = 0x98967f, .help = "address in OTAR" },
    { .name = "uri",
      .type = WIRE_TEXT,
      .min = 1,
      .max = VAULT_URI_MAX - 1,
      .help = "MC service ID" },
    { .name = "level",
      .type = WIRE_TEXT,
      .min = 5,
      .max = 8,
      .words = "basic|enhanced",
      .help = "protection, else basic" },
    { .name = "ukek",
      .type = WIRE_OCTETS,
      .min = 32,
      .max = 32,
      .help = "that it got by key fill" },
    { .name = "ukek_kid", .type = WIRE_INT, .min = 1, .max = 0xffff, .help = "KID of the UKEK" },
    { .name = NULL },
};
static const wire_field provision_fields[] = { FIELD_UNIT,
                                               { .name = "identity",
                                                 .type = WIRE_TEXT,
                                                 .is_required = true,
                                                 .min = 1,
                                                 .max = 1024,
                                                 .help = "MC service ID that signs" },
                                               { .name = NULL } };
static const wire_field unit_fields[] = { FIELD_UNIT, { .name = NULL } };
static const wire_field remove_fields[] = {
    FIELD_UNIT,
    { .name = "force", .type = WIRE_BOOL, .help = "although it holds keys" },
    { .name = NULL }
};
static const wire_field list_fields[] = {
    { .name = "after", .type = WIRE_INT, .min = 0, .max = INT64_MAX, .help = "go on after" },
    { .name = "limit", .type = WIRE_INT, .min = 1, .max = 1000, .help = "at most, else 100" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "unit add", VAULT_OFFICER, VAULT_WRITES, false, false, add_fields, run_add,
      "add a radio or an LMR-aware client" },
    { "unit provision", VAULT_OFFICER, VAULT_WRITES, false, false, provision_fields, run_provision,
      "make a UKEK and seal it to one MC client" },
    { "unit list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, list_fields, run_list,
      "list units" },
    { "unit show", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, unit_fields, run_show,
      "one unit: its groups and what it holds" },
    { "unit lost", VAULT_OFFICER, VAULT_WRITES, false, false, unit_fields, run_lost,
      "bar it, queue its zeroize, list the exposed keys" },
    { "unit zeroize-all", VAULT_OFFICER, VAULT_WRITES, false, true, NULL, run_zeroize_all,
      "bar every unit and have all its keys destroyed" },
    { "unit remove", VAULT_OFFICER, VAULT_WRITES, false, false, remove_fields, run_remove,
      "forget a unit that is clean" },
};

const vault_noun vault_noun_unit = { "unit", "radios and LMR-aware clients", verbs,
                                     KF_COUNT(verbs) };

/* Media grants (TS 23.283 5.1 e): which process may have the keys of which group, until when. */
#include <stdio.h>
#include <string.h>

#include "vault/group.h"

#define SECONDS_MAX (30 * 86400)

static kf_err run_grant(vault_act *act)
{
    static const store_sql insert = {
        "INSERT INTO media_grant (id, grp, process, officer, begins, ends)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
    };
    const kf_slice process = wire_get_text(act->in, "process");
    const int64_t ends = wire_get_int(act->in, "ends", 0);
    vault_group g;
    int64_t id = 0;
    kf_err err = vault_group_named(act, wire_get_text(act->in, "group"), &g);
    if (err != KF_OK)
        return err;
    vault_about(act, "group %s to %.*s", g.name, (int)process.len, (const char *)process.ptr);
    if (ends <= act->now || ends > act->now + SECONDS_MAX)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "ends",
                            "the end is not within the next 30 days",
                            "a grant is for an operation, not for ever", "give an earlier end");
    if (g.state != VAULT_GROUP_ACTIVE)
        return vault_refuse(act, KF_E_STATE, "group-ended", "group", "the group has ended", NULL,
                            NULL);
    err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err =
            vault_sql(act, &insert,
                      VAULT_IN(store_int(id), store_int(g.id), store_text(process),
                               store_text_z(act->who->name), store_int(act->now), store_int(ends)));
    wire_put_int(act->out, "grant", id);
    return err;
}

static kf_err run_revoke(vault_act *act)
{
    static const store_sql mark = {
        "UPDATE media_grant SET revoked = $2 WHERE id = $1 AND revoked IS NULL"
    };
    const int64_t id = wire_get_int(act->in, "grant", 0);
    vault_about(act, "grant %lld", (long long)id);
    kf_err err = vault_sql(act, &mark, VAULT_IN(store_int(id), store_int(act->now)));
    if (err == KF_OK && store_changes(act->db) == 0)
        return vault_refuse(act, KF_E_STATE, "no-such-grant", "grant", "no such grant is in force",
                            NULL, "keyferry media list");
    return err;
}

static kf_err put_grant(void *ctx, const store_value *c, size_t count)
{
    vault_act *act = ctx;
    if (count != 7)
        return KF_E_MALFORMED;
    wire_open_map(act->out, NULL);
    wire_put_int(act->out, "grant", c[0].number);
    wire_put_text(act->out, "group", c[1].octets);
    wire_put_text(act->out, "process", c[2].octets);
    wire_put_text(act->out, "officer", c[3].octets);
    wire_put_int(act->out, "begins", c[4].number);
    wire_put_int(act->out, "ends", c[5].number);
    wire_put_text_z(act->out, "state",
                    c[6].type == STORE_INT    ? "revoked"
                    : c[5].number <= act->now ? "ended"
                                              : "in force");
    wire_close(act->out);
    return KF_OK;
}

/* A media process sees its own grants, an officer all. */
static kf_err run_list(vault_act *act)
{
    static const store_sql all = {
        "SELECT m.id, g.name, m.process, m.officer, m.begins, m.ends, m.revoked FROM media_grant m"
        " JOIN mcgroup g ON g.id = m.grp WHERE $1 = '' OR m.process = $1 ORDER BY m.id DESC LIMIT "
        "1000"
    };
    const bool is_media = act->who->role == VAULT_MEDIA;
    wire_open_list(act->out, "grants");
    kf_err err = vault_rows(act, &all, VAULT_IN(store_text_z(is_media ? act->who->name : "")),
                            put_grant, act);
    wire_close(act->out);
    return err;
}

/* ---- what a granted process gets ---- */

typedef struct fetching {
    vault_act *act;
    size_t count;
} fetching;

static kf_err put_key(void *ctx, const store_value *c, size_t count)
{
    fetching *f = ctx;
    wire_builder *b = f->act->out;
    kf_secret *material = NULL;
    if (count != 7)
        return KF_E_MALFORMED;
    kf_err err = vault_unwrap(f->act->v, "vkey.material", c[0].number, c[6].octets, &material);
    if (err != KF_OK)
        return err;
    f->count++;
    wire_open_map(b, NULL);
    wire_put_text_z(b, "kind", vault_key_kind_name((unsigned)c[1].number));
    wire_put_int(b, "algid", c[2].number);
    wire_put_int(b, "kid", c[3].number);
    if (c[4].type == STORE_INT)
        wire_put_int(b, "sln", c[4].number);
    if (c[5].type == STORE_INT)
        wire_put_int(b, "slot", c[5].number);
    wire_put_octets(b, "material", kf_secret_view(material));
    wire_close(b);
    kf_secret_free(&material);
    return KF_OK;
}

#define USABLE                                                                                     \
    "k.destroyed IS NULL AND k.compromised IS NULL AND k.suspended IS NULL"                        \
    " AND (k.deactivates IS NULL OR k.deactivates > $2)"

static kf_err fetch_group(vault_act *act)
{
    static const store_sql granted = {
        "SELECT m.id FROM media_grant m WHERE m.grp = $1 AND m.process = $2 AND m.revoked IS NULL"
        " AND m.begins <= $3 AND m.ends > $3 LIMIT 1"
    };
    static const store_sql keys = {
        "SELECT k.id, k.kind, k.algid, k.kid, k.sln, k.slot, k.material FROM vkey k WHERE " USABLE
        " AND (k.grp = $1 OR (k.kind = 1 AND k.sln IN (SELECT sln FROM group_sln WHERE grp = $1)))"
        " ORDER BY k.id"
    };
    fetching f = { act, 0 };
    vault_group g;
    int64_t grant = 0;
    bool found = false;
    kf_err err = vault_group_named(act, wire_get_text(act->in, "group"), &g);
    if (err == KF_OK)
        err =
            vault_int(act, &granted,
                      VAULT_IN(store_int(g.id), store_text_z(act->who->name), store_int(act->now)),
                      &grant, &found);
    if (err == KF_OK && !found)
        return vault_refuse(act, KF_E_DENIED, "no-grant", "group",
                            "this process has no grant for that group", NULL,
                            "an officer gives one: keyferry media grant");
    vault_about(act, "group %s under grant %lld", g.name, (long long)grant);
    wire_open_list(act->out, "keys");
    if (err == KF_OK)
        err = vault_rows(act, &keys, VAULT_IN(store_int(g.id), store_int(act->now)), put_key, &f);
    wire_close(act->out);
    vault_note(act, "%zu keys", f.count);
    return err;
}

static kf_err fetch_call(vault_act *act)
{
    static const store_sql keys = {
        "SELECT k.id, k.kind, k.algid, k.kid, k.sln, k.slot, k.material FROM vkey k JOIN call c"
        " ON c.pck = k.id OR c.tek = k.id WHERE c.id = $1 AND " USABLE " AND c.process = $3"
        " AND c.mode = 2 AND c.ended IS NULL AND c.ends > $2 ORDER BY k.id"
    };
    fetching f = { act, 0 };
    const int64_t id = wire_get_int(act->in, "call", 0);
    vault_about(act, "call %lld", (long long)id);
    wire_open_list(act->out, "keys");
    kf_err err = vault_rows(
        act, &keys, VAULT_IN(store_int(id), store_int(act->now), store_text_z(act->who->name)),
        put_key, &f);
    wire_close(act->out);
    if (err == KF_OK && f.count == 0)
        return vault_refuse(act, KF_E_DENIED, "no-grant", "call",
                            "this process has no grant for that call", NULL,
                            "call control names the process when the call begins");
    return err;
}

static kf_err run_fetch(vault_act *act)
{
    const bool has_group = wire_get(act->in, "group") != NULL;
    if (has_group == (wire_get(act->in, "call") != NULL))
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "group", "give group or call",
                            NULL, NULL);
    return has_group ? fetch_group(act) : fetch_call(act);
}

#define FIELD_GROUP(required)                                                                      \
    {                                                                                              \
        .name = "group", .type = WIRE_TEXT, .is_required = (required), .min = 1,                   \
        .max = VAULT_NAME_MAX - 1, .help = "its name"                                              \
    }
static const wire_field grant_fields[] = {
    FIELD_GROUP(true),
    { .name = "process",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = VAULT_NAME_MAX - 1,
      .help = "name of the media process" },
    { .name = "ends",
      .type = WIRE_INT,
      .is_required = true,
      .min = 0,
      .max = INT64_C(1) << 40,
      .help = "Unix time" },
    { .name = NULL },
};
static const wire_field revoke_fields[] = { { .name = "grant",
                                              .type = WIRE_INT,
                                              .is_required = true,
                                              .min = 1,
                                              .max = INT64_MAX,
                                              .help = "its number" },
                                            { .name = NULL } };
static const wire_field fetch_fields[] = {
    FIELD_GROUP(false),
    { .name = "call", .type = WIRE_INT, .min = 1, .max = INT64_MAX, .help = "number of a call" },
    { .name = NULL }
};

static const vault_verb verbs[] = {
    { "media grant", VAULT_OFFICER, VAULT_WRITES, false, false, grant_fields, run_grant,
      "let a media process have the keys of a group, until an end" },
    { "media revoke", VAULT_OFFICER, VAULT_WRITES, false, false, revoke_fields, run_revoke,
      "end a grant" },
    { "media list", VAULT_OFFICER | VAULT_AUDITOR | VAULT_MEDIA, VAULT_READS, false, false, NULL,
      run_list, "list grants" },
    { "media fetch", VAULT_MEDIA, VAULT_READS_AUDITED, false, false, fetch_fields, run_fetch,
      "get the session keys of a granted group or call" },
};

const vault_noun vault_noun_media = { "media", "who may transcrypt which group", verbs,
                                      KF_COUNT(verbs) };

/* The vault as a whole: made, unsealed, sealed, looked at; and its background work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "vault/parts.h"
#include "vault/pool.h"
#include "vault/ring.h"

#define LABEL_MAX 64u

/* ---- meta ---- */

typedef struct meta {
    size_t cap, len;
    uint8_t *octets;
} meta;

static kf_err take_meta(void *ctx, const store_value *columns, size_t count)
{
    meta *m = ctx;
    if (count != 1 || columns[0].type != STORE_BLOB || columns[0].octets.len > m->cap)
        return KF_E_MALFORMED;
    m->len = columns[0].octets.len;
    memcpy(m->octets, columns[0].octets.ptr, m->len);
    return KF_OK;
}

/* @return its length; 0 when there is none. Inside a transaction. */
static kf_err meta_get(store *db, const char *name, uint8_t *out, size_t cap, size_t *len)
{
    static const store_sql get = { "SELECT value FROM meta WHERE name = $1" };
    meta m = { cap, 0, out };
    kf_err err = store_run(db, &get, VAULT_IN(store_text_z(name)), take_meta, &m);
    *len = m.len;
    return err;
}

static kf_err meta_put(store *db, const char *name, kf_slice value)
{
    static const store_sql put = { "INSERT INTO meta (name, value) VALUES ($1, $2)"
                                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value" };
    return store_run(db, &put, VAULT_IN(store_text_z(name), store_blob(value)), NULL, NULL);
}

static kf_err load_identity(vault *v)
{
    size_t len = 0;
    kf_err err = store_begin(v->db, STORE_READ);
    if (err == KF_OK)
        err = meta_get(v->db, "vault_id", v->id, sizeof v->id, &len);
    store_rollback(v->db);
    v->is_initialised = err == KF_OK && len == sizeof v->id;
    return err;
}

kf_err vault_new(const vault_config *config, vault **out, char *why, size_t size)
{
    store_fault fault = { 0 };
    vault *v = calloc(1, sizeof *v);
    *out = NULL;
    if (v == NULL)
        return KF_E_NO_MEMORY;
    v->config = *config;
    kf_err err = store_open(config->store, &v->db, &fault);
    if (err == KF_OK)
        err = store_migrate(v->db, vault_schema, vault_schema_count);
    if (err == KF_OK)
        err = load_identity(v);
    if (err != KF_OK)
        snprintf(why, size, "the store: %s",
                 v->db == NULL ? fault.text : store_last_fault(v->db)->text);
    struct stat st;
    if (err == KF_OK && (stat(config->anchor, &st) != 0 || !S_ISDIR(st.st_mode))) {
        snprintf(why, size, "the anchor %s is no directory", config->anchor);
        err = KF_E_BACKEND;
    }
    if (err == KF_OK && config->token != NULL)
        err = seal_token_new(config->token, &v->token);
    if (err == KF_OK)
        err = vault_pool_new(config->threads, &v->pool);
    if (err == KF_OK)
        err = vault_ring_new(&v->ring);
    if (err != KF_OK)
        vault_free(&v);
    *out = v;
    return err;
}

static void forget(vault *v)
{
    vault_ring_clear(v->ring);
    kf_secret_free(&v->key);
    kf_secret_free(&v->audit_key);
    seal_quorum_free(&v->quorum);
}

void vault_free(vault **vp)
{
    vault *v = *vp;
    *vp = NULL;
    if (v == NULL)
        return;
    if (v->ring != NULL)
        forget(v);
    vault_ring_free(&v->ring);
    vault_pool_free(&v->pool);
    seal_token_free(&v->token);
    store_close(&v->db);
    free(v);
}

bool vault_is_unsealed(const vault *v)
{
    return v->key != NULL;
}

/* ---- ways to seal ---- */

/* A slot in the making: what the request gives, and the blob. */
typedef struct way {
    seal_kind kind;
    const char *label;
    uint8_t needed, total;
    kf_slice passphrases[SEAL_SHARES_MAX];
    seal_share shares[SEAL_SHARES_MAX];
    uint8_t blob[SEAL_BLOB_MAX];
    size_t len;
} way;

static const wire_field way_fields[] = {
    { .name = "label", .type = WIRE_TEXT, .min = 1, .max = LABEL_MAX, .help = "name of the way" },
    { .name = "passphrase", .type = WIRE_OCTETS, .min = 1, .max = 1024, .help = "one to remember" },
    { .name = "key_file",
      .type = WIRE_OCTETS,
      .min = SEAL_KEY_OCTETS,
      .max = SEAL_KEY_OCTETS,
      .help = "content of a key file" },
    { .name = "token", .type = WIRE_BOOL, .help = "the token of the configuration" },
    { .name = "needed",
      .type = WIRE_INT,
      .min = 2,
      .max = SEAL_SHARES_MAX,
      .help = "quorum: shares needed" },
    { .name = "passphrases",
      .type = WIRE_LIST,
      .min = 2,
      .max = SEAL_SHARES_MAX,
      .of = WIRE_OCTETS,
      .help = "quorum: one for each officer" },
    { .name = "scrypt_log2n", .type = WIRE_INT, .min = 10, .max = 18, .help = "cost of guessing" },
    { .name = NULL },
};

static kf_err read_way(vault_act *act, way *w)
{
    const wire_value *list = wire_get(act->in, "passphrases");
    const kf_slice label = wire_get_text(act->in, "label");
    const bool has_passphrase = wire_get_octets(act->in, "passphrase").len > 0;
    const bool has_file = wire_get_octets(act->in, "key_file").len > 0;
    const bool has_token = wire_get_bool(act->in, "token", false);
    (void)label;
    *w = (way){ .kind = has_passphrase ? SEAL_PASSPHRASE
                        : has_file     ? SEAL_KEY_FILE
                        : has_token    ? SEAL_TOKEN
                                       : SEAL_QUORUM };
    if ((has_passphrase ? 1 : 0) + (has_file ? 1 : 0) + (has_token ? 1 : 0) +
            (list != NULL ? 1 : 0) !=
        1)
        return vault_refuse(act, KF_E_MALFORMED, "one-way", NULL,
                            "give exactly one of passphrase, key_file, token, passphrases", NULL,
                            "choose how the vault is to be sealed");
    if (w->kind == SEAL_TOKEN && act->v->token == NULL)
        return vault_refuse(act, KF_E_STATE, "no-token", "token", "no token is configured", NULL,
                            "name one in the vault's configuration");
    for (const wire_value *p = list == NULL ? NULL : list->first; p != NULL; p = p->next)
        w->passphrases[w->total++] = p->octets;
    w->needed = (uint8_t)wire_get_int(act->in, "needed", 0);
    if (w->kind == SEAL_QUORUM && (w->needed < 2 || w->needed > w->total))
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "needed",
                            "needed is not between 2 and the number of officers", NULL, NULL);
    return KF_OK;
}

static kf_err refuse_token(vault_act *act, kf_err err)
{
    const seal_token_state state = seal_token_state_of(act->v->token);
    return vault_refuse_f(act, err, "token", "token", seal_token_state_remedy(state),
                          "the token did not do it: %s", seal_token_state_name(state));
}

static kf_err make_token_slot(vault_act *act, const kf_secret *key, kf_writer *out)
{
    const seal_token_config *c = act->v->config.token;
    uint8_t wrapped[512];
    kf_writer w = kf_writer_init(wrapped, sizeof wrapped);
    kf_secret *secret = NULL;
    kf_err err = seal_token_make_key(act->v->token);
    if (err == KF_E_STATE)
        err = KF_OK; /* it is there already */
    if (err == KF_OK)
        err = kf_secret_new_random(act->v->config.rng, SEAL_KEY_OCTETS, &secret);
    if (err == KF_OK)
        err = seal_token_wrap(act->v->token, secret, &w);
    if (err != KF_OK) {
        kf_secret_free(&secret);
        return refuse_token(act, err);
    }
    const kf_slice token = { (const uint8_t *)c->token, strlen(c->token) };
    const kf_slice label = { (const uint8_t *)c->key, strlen(c->key) };
    err = seal_secret_make(SEAL_TOKEN, act->v->id, key, secret, kf_writer_slice(&w), token, label,
                           act->v->config.rng, out);
    kf_secret_free(&secret);
    return err;
}

static kf_err make_way(vault_act *act, way *w, const kf_secret *key)
{
    const vault *v = act->v;
    kf_scrypt_cost cost = KF_SCRYPT_DEFAULT;
    cost.log2_n = (uint8_t)wire_get_int(act->in, "scrypt_log2n", cost.log2_n);
    kf_writer out = kf_writer_init(w->blob, sizeof w->blob);
    const kf_slice none = { NULL, 0 };
    kf_secret *secret = NULL;
    kf_err err = KF_OK;
    switch (w->kind) {
    case SEAL_PASSPHRASE:
        err = seal_passphrase_make(v->id, key, wire_get_octets(act->in, "passphrase"), cost,
                                   v->config.rng, &out);
        break;
    case SEAL_KEY_FILE:
        err = kf_secret_new_copy(wire_get_octets(act->in, "key_file"), &secret);
        if (err == KF_OK)
            err = seal_secret_make(SEAL_KEY_FILE, v->id, key, secret, none, none, none,
                                   v->config.rng, &out);
        break;
    case SEAL_TOKEN:
        if (!act->is_plan) /* what is made in a token cannot be rolled back */
            err = make_token_slot(act, key, &out);
        break;
    case SEAL_QUORUM:
        err = seal_quorum_make(v->id, key, w->needed, w->total, w->passphrases, cost, v->config.rng,
                               w->shares, &out);
        break;
    }
    kf_secret_free(&secret);
    w->len = out.len;
    return err;
}

static kf_err put_way(vault_act *act, const way *w)
{
    static const store_sql insert = {
        "INSERT INTO seal_slot (id, kind, label, blob, created) VALUES ($1, $2, $3, $4, $5)"
    };
    const kf_slice label = wire_get_text(act->in, "label");
    int64_t id = 0;
    kf_err err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = vault_sql(
            act, &insert,
            VAULT_IN(store_int(id), store_int(w->kind),
                     label.len > 0 ? store_text(label) : store_text_z(seal_kind_name(w->kind)),
                     store_blob((kf_slice){ w->blob, w->len }), store_int(act->now)));
    if (err != KF_OK || w->kind != SEAL_QUORUM)
        return err;
    wire_open_list(act->out, "shares");
    for (size_t i = 0; i < w->total; i++)
        wire_put_octets(act->out, NULL, (kf_slice){ w->shares[i].octets, w->shares[i].len });
    wire_close(act->out);
    return KF_OK;
}

/* ---- init ---- */

static kf_err put_audit_key(vault_act *act)
{
    vault *v = act->v;
    uint8_t public_key[KF_ED25519_KEY_OCTETS], wrapped[VAULT_WRAPPED(KF_ED25519_KEY_OCTETS)];
    kf_writer w = kf_writer_init(wrapped, sizeof wrapped);
    kf_err err = kf_ed25519_new(v->config.rng, &v->audit_key, public_key);
    if (err == KF_OK)
        err = vault_wrap(v, "meta.audit_key", 0, kf_secret_view(v->audit_key), &w);
    if (err == KF_OK)
        err = meta_put(v->db, "audit_key", kf_writer_slice(&w));
    if (err == KF_OK)
        err = meta_put(v->db, "audit_public", (kf_slice){ public_key, sizeof public_key });
    wire_put_octets(act->out, "audit_public", (kf_slice){ public_key, sizeof public_key });
    return err;
}

static kf_err init_rows(vault_act *act, way *w)
{
    vault *v = act->v;
    size_t len = 0;
    kf_err err = meta_get(v->db, "vault_id", w->blob, sizeof w->blob, &len);
    if (err == KF_OK && len > 0)
        return vault_refuse(act, KF_E_STATE, "initialised", NULL,
                            "this vault is initialised already", NULL,
                            "unseal it, or name another store");
    if (err == KF_OK)
        err = kf_rng_fill(v->config.rng, v->id, sizeof v->id);
    if (err == KF_OK)
        err = kf_secret_new_random(v->config.rng, SEAL_KEY_OCTETS, &v->key);
    if (err == KF_OK)
        err = make_way(act, w, v->key);
    if (err == KF_OK)
        err = put_way(act, w);
    if (err == KF_OK)
        err = meta_put(v->db, "vault_id", (kf_slice){ v->id, sizeof v->id });
    if (err == KF_OK)
        err = meta_put(
            v->db, "organization",
            (kf_slice){ (const uint8_t *)v->config.organization, strlen(v->config.organization) });
    if (err == KF_OK)
        err = put_audit_key(act);
    if (err == KF_OK)
        err = vault_audit(v, v->db, act->now, act->who, "vault init", v->config.organization,
                          "done", seal_kind_name(w->kind));
    return err == KF_OK ? vault_checkpoint(v, v->db, act->now) : err;
}

static kf_err finish(vault_act *act, kf_err err)
{
    vault *v = act->v;
    if (err == KF_OK)
        err = store_commit(v->db);
    store_rollback(v->db);
    if (err == KF_OK && vault_anchor_write(v, v->head_seq, v->head_hash) != KF_OK)
        KF_LOG(v->config.log, KF_LOG_ERROR, "anchor-not-written",
               kf_log_number("seq", v->head_seq));
    return err; /* what is committed is done; the anchor follows with the next event */
}

static kf_err run_init(vault_act *act)
{
    static way w;
    vault *v = act->v;
    if (v->is_initialised)
        return vault_refuse(act, KF_E_STATE, "initialised", NULL,
                            "this vault is initialised already", NULL,
                            "unseal it, or name another store");
    kf_err err = read_way(act, &w);
    if (err != KF_OK)
        return err;
    err = store_begin(v->db, STORE_WRITE);
    if (err == KF_OK)
        err = init_rows(act, &w);
    err = finish(act, err);
    kf_wipe(&w, sizeof w);
    v->is_initialised = err == KF_OK;
    if (err != KF_OK)
        forget(v);
    else
        v->checkpointed = act->now;
    wire_put_octets(act->out, "vault_id", (kf_slice){ v->id, sizeof v->id });
    return err;
}

/* ---- unseal ---- */

typedef struct opening {
    vault_act *act;
    seal_kind kind;
    kf_secret *key;
    bool is_seen; /* a slot of that kind */
    kf_err err;
} opening;

static kf_err open_token(opening *o, kf_slice blob, kf_fault *fault)
{
    seal_slot slot;
    kf_secret *secret = NULL;
    kf_err err = seal_parse(blob, &slot, fault);
    if (err == KF_OK) {
        err = seal_token_unwrap(o->act->v->token, slot.wrapped, &secret);
        if (err != KF_OK)
            refuse_token(o->act, err);
    }
    if (err == KF_OK)
        err = seal_secret_open(blob, secret, &o->key, fault);
    kf_secret_free(&secret);
    return err;
}

static kf_err open_share(opening *o, kf_slice blob, kf_fault *fault)
{
    vault *v = o->act->v;
    kf_err err = v->quorum == NULL ? seal_quorum_new(blob, &v->quorum, fault) : KF_OK;
    if (err == KF_OK)
        err = seal_quorum_add(v->quorum, wire_get_octets(o->act->in, "share"),
                              wire_get_octets(o->act->in, "passphrase"));
    if (err != KF_OK)
        return err;
    err = seal_quorum_open(v->quorum, &o->key);
    if (err == KF_E_AUTH) /* a set that does not fit is thrown away */
        seal_quorum_free(&v->quorum);
    return err == KF_E_STATE ? KF_OK : err; /* more are needed */
}

static kf_err try_slot(void *ctx, const store_value *columns, size_t count)
{
    opening *o = ctx;
    kf_secret *secret = NULL;
    kf_fault fault;
    if (count != 2 || columns[0].number != (int64_t)o->kind || o->key != NULL)
        return KF_OK;
    o->is_seen = true;
    const kf_slice blob = columns[1].octets;
    switch (o->kind) {
    case SEAL_PASSPHRASE:
        o->err =
            seal_passphrase_open(blob, wire_get_octets(o->act->in, "passphrase"), &o->key, &fault);
        break;
    case SEAL_KEY_FILE:
        o->err = kf_secret_new_copy(wire_get_octets(o->act->in, "key_file"), &secret);
        if (o->err == KF_OK)
            o->err = seal_secret_open(blob, secret, &o->key, &fault);
        break;
    case SEAL_TOKEN:
        o->err = open_token(o, blob, &fault);
        break;
    case SEAL_QUORUM:
        o->err = open_share(o, blob, &fault);
        break;
    }
    kf_secret_free(&secret);
    return KF_OK;
}

static kf_err open_slots(vault_act *act, opening *o)
{
    static const store_sql all = { "SELECT kind, blob FROM seal_slot ORDER BY id" };
    kf_err err = store_begin(act->db, STORE_READ);
    if (err == KF_OK)
        err = vault_rows(act, &all, NULL, 0, try_slot, o);
    store_rollback(act->db);
    if (err != KF_OK)
        return err;
    if (!o->is_seen)
        return vault_refuse_f(act, KF_E_STATE, "no-such-seal", NULL,
                              "keyferry vault status lists the ways",
                              "the vault has no seal of the kind %s", seal_kind_name(o->kind));
    if (o->err != KF_OK && act->refusal->code[0] == '\0')
        return vault_refuse(act, o->err, "wrong-seal", NULL, "that does not open the vault",
                            o->err == KF_E_DENIED  ? "the share is of an older split"
                            : o->err == KF_E_STATE ? "that share is there already"
                                                   : "a wrong secret, or a damaged seal",
                            "check what was given");
    return o->err;
}

static kf_err take_time(void *ctx, const store_value *columns, size_t count)
{
    if (count == 1 && columns[0].type == STORE_INT)
        *(kf_time *)ctx = columns[0].number;
    return KF_OK;
}

/* What lies under the vault key; a wrong one was noticed before. */
static kf_err wake(vault *v)
{
    static const store_sql last = { "SELECT at FROM checkpoint ORDER BY seq DESC LIMIT 1" };
    uint8_t wrapped[VAULT_WRAPPED(KF_ED25519_KEY_OCTETS)];
    size_t len = 0;
    kf_err err = store_begin(v->db, STORE_READ);
    if (err == KF_OK)
        err = meta_get(v->db, "audit_key", wrapped, sizeof wrapped, &len);
    if (err == KF_OK)
        err = store_run(v->db, &last, NULL, 0, take_time, &v->checkpointed);
    store_rollback(v->db);
    if (err == KF_OK)
        err = vault_unwrap(v, "meta.audit_key", 0, (kf_slice){ wrapped, len }, &v->audit_key);
    return err;
}

static kf_err judge_anchor(vault_act *act, kf_err err)
{
    switch (err) {
    case KF_OK:
        return KF_OK;
    case KF_E_DENIED:
        return vault_refuse(act, err, "rolled-back", NULL,
                            "the store is older than what this vault has done",
                            "the last event in the anchor is not in the store, or is another one",
                            "find the newer store; to go on with this one on purpose, move the "
                            "anchor's file head away and write down why");
    default:
        return vault_refuse(act, err, "bad-anchor", NULL,
                            "the anchor cannot be read or was altered", NULL,
                            "restore the anchor's file head from a backup");
    }
}

static kf_err tell_unsealed(vault_act *act)
{
    vault *v = act->v;
    kf_err err = store_begin(v->db, STORE_WRITE);
    if (err == KF_OK)
        err = vault_audit(v, v->db, act->now, act->who, "vault unseal", v->config.organization,
                          "done", "");
    return finish(act, err);
}

static kf_err run_unseal(vault_act *act)
{
    vault *v = act->v;
    opening o = { .act = act,
                  .kind = wire_get_octets(act->in, "share").len > 0      ? SEAL_QUORUM
                          : wire_get_octets(act->in, "key_file").len > 0 ? SEAL_KEY_FILE
                          : wire_get_bool(act->in, "token", false)       ? SEAL_TOKEN
                                                                         : SEAL_PASSPHRASE };
    if (!v->is_initialised)
        return vault_refuse(act, KF_E_STATE, "not-initialised", NULL, "the vault is empty", NULL,
                            "keyferry vault init");
    if (v->key != NULL)
        return vault_refuse(act, KF_E_STATE, "unsealed", NULL, "the vault is unsealed already",
                            NULL, NULL);
    if (o.kind == SEAL_TOKEN && v->token == NULL)
        return vault_refuse(act, KF_E_STATE, "no-token", "token", "no token is configured", NULL,
                            "name one in the vault's configuration");
    kf_err err = open_slots(act, &o);
    if (err == KF_OK && o.key == NULL) {
        wire_put_bool(act->out, "unsealed", false);
        wire_put_int(act->out, "shares", (int64_t)seal_quorum_count(v->quorum));
        return KF_OK;
    }
    v->key = o.key;
    if (err == KF_OK)
        err = wake(v);
    if (err == KF_OK)
        err = judge_anchor(act, vault_anchor_check(v));
    if (err == KF_OK && act->now < v->checkpointed)
        err = vault_refuse(act, KF_E_STATE, "clock-behind", NULL,
                           "the clock is behind the last signed checkpoint", NULL,
                           "set the clock of this machine");
    if (err == KF_OK)
        err = tell_unsealed(act);
    if (err != KF_OK && o.key == NULL) /* shares that came before are kept */
        return err;
    seal_quorum_free(&v->quorum);
    if (err != KF_OK)
        forget(v);
    wire_put_bool(act->out, "unsealed", err == KF_OK);
    return err;
}

static kf_err run_seal(vault_act *act)
{
    vault *v = act->v;
    kf_err err = store_begin(v->db, STORE_WRITE);
    if (err == KF_OK)
        err = vault_audit(v, v->db, act->now, act->who, "vault seal", v->config.organization,
                          "done", "");
    if (err == KF_OK)
        err = vault_checkpoint(v, v->db, act->now);
    err = finish(act, err);
    forget(v); /* in any case */
    wire_put_bool(act->out, "unsealed", false);
    return err;
}

/* ---- custody changes ---- */

static kf_err run_add_seal(vault_act *act)
{
    static way w;
    kf_err err = read_way(act, &w);
    if (err == KF_OK)
        err = make_way(act, &w, act->v->key);
    if (err == KF_OK)
        err = put_way(act, &w);
    vault_about(act, "seal %s", seal_kind_name(w.kind));
    kf_wipe(&w, sizeof w);
    return err;
}

static kf_err run_remove_seal(vault_act *act)
{
    static const store_sql remove = { "DELETE FROM seal_slot WHERE label = $1" };
    static const store_sql left = { "SELECT count(*) FROM seal_slot" };
    const kf_slice label = wire_get_text(act->in, "label");
    int64_t count = 0;
    kf_err err = vault_sql(act, &remove, VAULT_IN(store_text(label)));
    if (err == KF_OK && store_changes(act->db) == 0)
        return vault_refuse(act, KF_E_STATE, "no-such-seal", "label", "no seal has that label",
                            NULL, "keyferry vault status lists them");
    if (err == KF_OK)
        err = vault_int(act, &left, NULL, 0, &count, NULL);
    if (err == KF_OK && count == 0)
        return vault_refuse(act, KF_E_DENIED, "last-seal", "label",
                            "it is the last seal: the vault could never be opened again", NULL,
                            "add another one first");
    vault_about(act, "seal %.*s", (int)label.len, (const char *)label.ptr);
    return err;
}

/* ---- status ---- */

static kf_err put_slot(void *ctx, const store_value *columns, size_t count)
{
    vault_act *act = ctx;
    seal_slot slot;
    kf_fault fault;
    if (count != 3)
        return KF_E_MALFORMED;
    wire_open_map(act->out, NULL);
    const char *name = seal_kind_name((unsigned)columns[0].number);
    wire_put_text_z(act->out, "kind", name == NULL ? "unknown" : name);
    wire_put_text(act->out, "label", columns[1].octets);
    if (columns[0].number == SEAL_QUORUM && seal_parse(columns[2].octets, &slot, &fault) == KF_OK) {
        wire_put_int(act->out, "needed", slot.needed);
        wire_put_int(act->out, "total", slot.total);
    }
    wire_close(act->out);
    return KF_OK;
}

static kf_err run_status(vault_act *act)
{
    static const store_sql slots = { "SELECT kind, label, blob FROM seal_slot ORDER BY id" };
    static const store_sql events = { "SELECT coalesce(max(seq), 0) FROM event" };
    static const store_sql work = { "SELECT count(*) FROM delivery WHERE state < 5" };
    vault *v = act->v;
    int64_t n = 0;
    wire_put_text_z(act->out, "organization", v->config.organization);
    wire_put_bool(act->out, "initialised", v->is_initialised);
    wire_put_bool(act->out, "unsealed", v->key != NULL);
    if (v->is_initialised)
        wire_put_octets(act->out, "vault_id", (kf_slice){ v->id, sizeof v->id });
    wire_put_text_z(act->out, "store",
                    store_kind_of(v->db) == STORE_SQLITE ? "sqlite" : "postgresql");
    if (v->token != NULL) {
        const seal_token_state state = seal_token_state_of(v->token);
        wire_put_text_z(act->out, "token", seal_token_state_name(state));
        wire_put_text_z(act->out, "token_remedy", seal_token_state_remedy(state));
    }
    if (v->quorum != NULL)
        wire_put_int(act->out, "shares", (int64_t)seal_quorum_count(v->quorum));
    wire_open_list(act->out, "seals");
    kf_err err = vault_rows(act, &slots, NULL, 0, put_slot, act);
    wire_close(act->out);
    if (err == KF_OK)
        err = vault_int(act, &events, NULL, 0, &n, NULL);
    wire_put_int(act->out, "events", n);
    if (err == KF_OK)
        err = vault_int(act, &work, NULL, 0, &n, NULL);
    wire_put_int(act->out, "deliveries_open", n);
    wire_put_int(act->out, "checkpoint", v->checkpointed);
    return err;
}

static kf_err run_backup(vault_act *act)
{
    char path[1024];
    const kf_slice text = wire_get_text(act->in, "path");
    snprintf(path, sizeof path, "%.*s", (int)text.len, (const char *)text.ptr);
    kf_err err = store_begin(act->db, STORE_WRITE);
    if (err == KF_OK) /* known before there is a copy */
        err = vault_audit(act->v, act->db, act->now, act->who, "vault backup", path, "done", "");
    err = finish(act, err);
    if (err == KF_OK)
        err = store_backup(act->db, path, vault_schema, vault_schema_count);
    if (err != KF_OK)
        return vault_refuse(act, err, "backup", "path", "the backup was not made",
                            store_last_fault(act->db)->text,
                            "name a file that does not exist, on the vault's machine");
    wire_put_text(act->out, "path", text);
    return KF_OK;
}

static const wire_field unseal_fields[] = {
    { .name = "passphrase", .type = WIRE_OCTETS, .min = 1, .max = 1024, .help = "the passphrase" },
    { .name = "key_file",
      .type = WIRE_OCTETS,
      .min = SEAL_KEY_OCTETS,
      .max = SEAL_KEY_OCTETS,
      .help = "content of the key file" },
    { .name = "token", .type = WIRE_BOOL, .help = "by the token of the configuration" },
    { .name = "share",
      .type = WIRE_OCTETS,
      .min = 1,
      .max = SEAL_SHARE_MAX,
      .help = "an officer's share; passphrase is that officer's" },
    { .name = NULL },
};

static const wire_field label_fields[] = {
    { .name = "label",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = LABEL_MAX,
      .help = "name of the seal" },
    { .name = NULL },
};

static const wire_field path_fields[] = {
    { .name = "path",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = 1000,
      .help = "file to make, on the vault's machine" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "vault init", VAULT_OFFICER, VAULT_OUTSIDE, true, false, way_fields, run_init,
      "make the vault key and seal it in one way" },
    { "vault unseal", VAULT_OFFICER, VAULT_OUTSIDE, true, false, unseal_fields, run_unseal,
      "open the vault" },
    { "vault seal", VAULT_OFFICER, VAULT_OUTSIDE, false, false, NULL, run_seal,
      "forget the vault key" },
    { "vault status", VAULT_ANYBODY, VAULT_READS, true, false, NULL, run_status,
      "tell how the vault is" },
    { "vault add-seal", VAULT_OFFICER, VAULT_WRITES, false, true, way_fields, run_add_seal,
      "add a way to open the vault" },
    { "vault remove-seal", VAULT_OFFICER, VAULT_WRITES, false, true, label_fields, run_remove_seal,
      "remove a way to open the vault" },
    { "vault backup", VAULT_OFFICER, VAULT_OUTSIDE, false, false, path_fields, run_backup,
      "copy the store; the copy is useless without a seal's other half" },
};

const vault_noun vault_noun_vault = { "vault", "the vault as a whole", verbs, KF_COUNT(verbs) };

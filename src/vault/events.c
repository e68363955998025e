/* Looking at the chain of events: list, verify, export. */
#include <stdio.h>
#include <string.h>

#include "crypto/sign.h"
#include "vault/audit.h"
#include "vault/parts.h"

#define PAGE_MAX 1000

static kf_err put_event(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 9)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "seq", c[0].number);
    wire_put_int(b, "at", c[1].number);
    wire_put_int(b, "role", c[2].number);
    wire_put_text(b, "actor", c[3].octets);
    wire_put_text(b, "verb", c[4].octets);
    wire_put_text(b, "subject", c[5].octets);
    wire_put_text(b, "outcome", c[6].octets);
    wire_put_text(b, "detail", c[7].octets);
    wire_put_octets(b, "hash", c[8].octets);
    wire_close(b);
    return KF_OK;
}

static kf_err put_checkpoint(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 4)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "seq", c[0].number);
    wire_put_int(b, "at", c[1].number);
    wire_put_octets(b, "hash", c[2].octets);
    wire_put_octets(b, "signature", c[3].octets);
    wire_close(b);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql page = { "SELECT seq, at, role, actor, verb, subject, outcome, detail, "
                                    "hash FROM event WHERE seq > $1"
                                    " ORDER BY seq LIMIT $2" };
    wire_open_list(act->out, "events");
    kf_err err = vault_rows(act, &page,
                            VAULT_IN(store_int(wire_get_int(act->in, "after", 0)),
                                     store_int(wire_get_int(act->in, "limit", 100))),
                            put_event, act);
    wire_close(act->out);
    return err;
}

/* ---- verify, within the vault ---- */

typedef struct chain {
    const vault *v;
    uint8_t hash[32], public_key[KF_ED25519_KEY_OCTETS];
    int64_t seq, bad, checkpoints;
    const char *why;
    uint8_t at_checkpoint[32];
} chain;

static kf_err take_public(void *ctx, const store_value *c, size_t count)
{
    chain *k = ctx;
    if (count != 1 || c[0].octets.len != sizeof k->public_key)
        return KF_E_MALFORMED;
    memcpy(k->public_key, c[0].octets.ptr, sizeof k->public_key);
    return KF_OK;
}

static void fail(chain *k, int64_t seq, const char *why)
{
    if (k->why == NULL) {
        k->bad = seq;
        k->why = why;
    }
}

static kf_err link_event(void *ctx, const store_value *c, size_t count)
{
    chain *k = ctx;
    vault_event e = { .seq = c[0].number, .at = c[1].number, .role = (uint8_t)c[2].number };
    if (count != 9)
        return KF_E_MALFORMED;
    for (size_t i = 0; i < VAULT_EVENT_TEXTS; i++)
        e.texts[i] = c[3 + i].octets;
    if (e.seq != k->seq + 1)
        fail(k, k->seq + 1, "an event is missing");
    if (c[2].number != e.role)
        fail(k, e.seq, "an event was altered");
    kf_err err = vault_event_hash(&e, k->hash);
    if (err == KF_OK && (c[8].octets.len != sizeof k->hash ||
                         memcmp(c[8].octets.ptr, k->hash, sizeof k->hash) != 0))
        fail(k, e.seq, "an event was altered");
    k->seq = e.seq;
    return err;
}

/* Checkpoints are joined to the event they sign. */
static kf_err check_checkpoint(void *ctx, const store_value *c, size_t count)
{
    chain *k = ctx;
    uint8_t octets[VAULT_CHECKPOINT_OCTETS];
    if (count != 5 || c[2].octets.len != 32)
        return KF_E_MALFORMED;
    k->checkpoints++;
    vault_checkpoint_octets(k->v->id, c[0].number, c[1].number, c[2].octets.ptr, octets);
    if (kf_ed25519_verify(k->public_key, (kf_slice){ octets, sizeof octets }, c[3].octets) != KF_OK)
        fail(k, c[0].number, "a checkpoint's signature is wrong");
    if (c[4].octets.len != 32 || memcmp(c[4].octets.ptr, c[2].octets.ptr, 32) != 0)
        fail(k, c[0].number, "a checkpoint does not fit its event");
    return KF_OK;
}

static kf_err run_verify(vault_act *act)
{
    static const store_sql key = { "SELECT value FROM meta WHERE name = 'audit_public'" };
    static const store_sql all = {
        "SELECT seq, at, role, actor, verb, subject, outcome, detail, hash FROM event ORDER BY seq"
    };
    static const store_sql checkpoints = {
        "SELECT c.seq, c.at, c.hash, c.signature, e.hash FROM checkpoint c LEFT JOIN event e"
        " ON e.seq = c.seq ORDER BY c.seq"
    };
    static const store_sql missing = {
        "SELECT e.seq FROM event e WHERE e.verb = '" VAULT_CHECKPOINT_VERB "' AND NOT EXISTS"
        " (SELECT 1 FROM checkpoint c WHERE c.seq = e.seq) ORDER BY e.seq LIMIT 1"
    };
    chain k = { .v = act->v };
    int64_t lacking = 0;
    bool lacks = false;
    kf_err err = vault_event_first(act->v->id, k.hash);
    if (err == KF_OK)
        err = vault_rows(act, &key, NULL, 0, take_public, &k);
    if (err == KF_OK)
        err = vault_rows(act, &all, NULL, 0, link_event, &k);
    if (err == KF_OK)
        err = vault_rows(act, &checkpoints, NULL, 0, check_checkpoint, &k);
    if (err == KF_OK)
        err = vault_int(act, &missing, NULL, 0, &lacking, &lacks);
    if (err != KF_OK)
        return err;
    if (lacks)
        fail(&k, lacking, "a checkpoint is missing");
    if (k.why != NULL)
        return vault_refuse_f(act, KF_E_AUTH, "audit-broken", NULL,
                              "keep the store as it is and find out who could write to it",
                              "%s at event %lld", k.why, (long long)k.bad);
    wire_put_bool(act->out, "good", true);
    wire_put_int(act->out, "events", k.seq);
    wire_put_int(act->out, "checkpoints", k.checkpoints);
    return KF_OK;
}

/* ---- export: pages that end in a signed event ---- */

/* Was anything signed behind that event? */
static kf_err needs_signature(vault_act *act, int64_t after, bool *needs)
{
    static const store_sql behind = { "SELECT 1 FROM checkpoint WHERE seq > $1 LIMIT 1" };
    int64_t unused;
    bool found = false;
    kf_err err = vault_int(act, &behind, VAULT_IN(store_int(after)), &unused, &found);
    *needs = after == 0 || !found;
    return err;
}

/* Nothing goes out that the head does not sign. */
static kf_err run_export(vault_act *act)
{
    static const store_sql page = { "SELECT seq, at, role, actor, verb, subject, outcome, detail, "
                                    "hash FROM event WHERE seq > $1"
                                    " AND seq <= (SELECT coalesce(max(seq), 0) FROM checkpoint)"
                                    " ORDER BY seq LIMIT $2" };
    static const store_sql key = { "SELECT value FROM meta WHERE name = 'audit_public'" };
    static const store_sql last = {
        "SELECT seq, at, hash, signature FROM checkpoint ORDER BY seq DESC LIMIT 1"
    };
    static const store_sql signed_in = { "SELECT seq, at, hash, signature FROM checkpoint WHERE "
                                         "seq > $1 AND seq <= $2 ORDER BY seq" };
    const int64_t after = wire_get_int(act->in, "after", 0);
    const int64_t limit = wire_get_int(act->in, "limit", PAGE_MAX);
    const int64_t last_of_page = after > INT64_MAX - limit ? INT64_MAX : after + limit;
    chain k = { .v = act->v };
    bool signs = false;
    kf_err err = needs_signature(act, after, &signs);
    if (err == KF_OK && signs)
        err = vault_checkpoint(act->v, act->db, act->now);
    if (err == KF_OK)
        err = vault_rows(act, &key, NULL, 0, take_public, &k);
    wire_put_octets(act->out, "vault_id", (kf_slice){ act->v->id, sizeof act->v->id });
    wire_put_octets(act->out, "audit_public", (kf_slice){ k.public_key, sizeof k.public_key });
    wire_open_list(act->out, "head");
    if (err == KF_OK)
        err = vault_rows(act, &last, NULL, 0, put_checkpoint, act);
    wire_close(act->out);
    wire_open_list(act->out, "checkpoints");
    if (err == KF_OK)
        err = vault_rows(act, &signed_in, VAULT_IN(store_int(after), store_int(last_of_page)),
                         put_checkpoint, act);
    wire_close(act->out);
    wire_open_list(act->out, "events");
    if (err == KF_OK)
        err = vault_rows(act, &page, VAULT_IN(store_int(after), store_int(limit)), put_event, act);
    wire_close(act->out);
    vault_about(act, "events after %lld", (long long)after);
    return err;
}

static const wire_field page_fields[] = {
    { .name = "after",
      .type = WIRE_INT,
      .min = 0,
      .max = INT64_MAX,
      .help = "go on after this seq" },
    { .name = "limit", .type = WIRE_INT, .min = 1, .max = PAGE_MAX, .help = "at most" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "audit list", VAULT_AUDITOR | VAULT_OFFICER, VAULT_READS, false, false, page_fields, run_list,
      "list events" },
    { "audit verify", VAULT_AUDITOR | VAULT_OFFICER, VAULT_READS, false, false, NULL, run_verify,
      "check the whole chain and its checkpoints" },
    { "audit export", VAULT_AUDITOR | VAULT_OFFICER, VAULT_WRITES, false, false, page_fields,
      run_export, "events with a signed end, to be verified elsewhere" },
};

const vault_noun vault_noun_audit = { "audit", "what was done, by whom", verbs, KF_COUNT(verbs) };

/* The outbox: sealed boxes on their way. A courier claims, carries, settles; it cannot address. */
#include <stdio.h>
#include <string.h>

#include "vault/parts.h"

#define CLAIM_MAX     500
#define LEASE_DEFAULT 60
#define ATTEMPTS_MAX  50

static const char *const kind_names[] = {
    NULL, "kmm", "gmk", "ukek", "keyset", "gmk-revoke", "call"
};
static const char *const state_names[] = { NULL,           "planned", "queued",  "claimed",  "sent",
                                           "acknowledged", "refused", "expired", "cancelled" };

const char *vault_delivery_kind_name(unsigned kind)
{
    return kind > 0 && kind < KF_COUNT(kind_names) ? kind_names[kind] : "unknown";
}

const char *vault_delivery_state_name(unsigned state)
{
    return state > 0 && state < KF_COUNT(state_names) ? state_names[state] : "unknown";
}

static store_value or_null(int64_t n)
{
    return n < 0 ? store_null() : store_int(n);
}

kf_err vault_deliver(vault_act *act, vault_delivery *d, kf_slice box)
{
    static const store_sql next = {
        "UPDATE unit SET next_seq = next_seq + 1 WHERE id = $1 RETURNING next_seq - 1"
    };
    static const store_sql insert = {
        "INSERT INTO delivery (id, unit, seq, kind, grp, vkey, priority, state, box, created, "
        "expires,"
        " identity, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)"
    };
    int64_t seq = 0;
    bool found = false;
    kf_err err = vault_int(act, &next, VAULT_IN(store_int(d->unit)), &seq, &found);
    if (err == KF_OK && !found)
        return vault_refuse(act, KF_E_STATE, "no-such-unit", "unit", "there is no such unit", NULL,
                            NULL);
    if (err == KF_OK)
        err = vault_take_ids(act, 1, &d->id);
    if (err != KF_OK)
        return err;
    return vault_sql(
        act, &insert,
        VAULT_IN(store_int(d->id), store_int(d->unit), store_int(seq), store_int(d->kind),
                 or_null(d->group), or_null(d->key), store_int(d->priority),
                 store_int(box.len == 0 ? VAULT_PLANNED : VAULT_QUEUED),
                 box.len == 0 ? store_null() : store_blob(box), store_int(act->now),
                 d->expires <= 0 ? store_null() : store_int(d->expires), store_int(d->identity)));
}

kf_err vault_cancel(vault_act *act, int64_t unit, int64_t group, int64_t key, int64_t *count)
{
    static const store_sql cancel = {
        "UPDATE delivery SET state = 8, box = NULL, settled = $4 WHERE state < 5"
        " AND ($1 < 0 OR unit = $1) AND ($2 < 0 OR grp = $2) AND ($3 < 0 OR vkey = $3)"
    };
    kf_err err =
        vault_sql(act, &cancel,
                  VAULT_IN(store_int(unit), store_int(group), store_int(key), store_int(act->now)));
    *count = err == KF_OK ? store_changes(act->db) : 0;
    return err;
}

/* ---- claim ---- */

typedef struct claiming {
    vault_act *act;
    int64_t claim, count;
} claiming;

static kf_err put_claimed(void *ctx, const store_value *c, size_t count)
{
    claiming *k = ctx;
    wire_builder *b = k->act->out;
    if (count != 9)
        return KF_E_MALFORMED;
    k->count++;
    wire_open_map(b, NULL);
    wire_put_int(b, "delivery", c[0].number);
    wire_put_text_z(b, "kind", vault_delivery_kind_name((unsigned)c[1].number));
    wire_put_int(b, "seq", c[2].number);
    wire_put_int(b, "priority", c[3].number);
    wire_put_int(b, "attempts", c[4].number);
    wire_put_octets(b, "box", c[5].octets);
    if (c[6].type == STORE_INT)
        wire_put_int(b, "rsi", c[6].number);
    if (c[7].type == STORE_TEXT)
        wire_put_text(b, "uri", c[7].octets);
    wire_put_text(b, "unit", c[8].octets);
    wire_close(b);
    return KF_OK;
}

static kf_err run_claim(vault_act *act)
{
    /* Order for each recipient: an earlier box that has not gone out holds back the later ones. */
    static const store_sql take = {
        "UPDATE delivery SET state = 3, claimed_by = $1, claim = $2, claim_until = $3,"
        " attempts = attempts + 1 WHERE id IN (SELECT d.id FROM delivery d WHERE d.state = 2"
        " AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.unit = d.unit AND e.seq < d.seq"
        " AND e.state < 4 AND e.state < 5) ORDER BY d.priority, d.id LIMIT $4{pg: FOR UPDATE OF d "
        "SKIP LOCKED})"
    };
    static const store_sql read = {
        "SELECT d.id, d.kind, d.seq, d.priority, d.attempts, d.box, u.rsi, u.uri, u.name"
        " FROM delivery d JOIN unit u ON u.id = d.unit WHERE d.claim = $1 ORDER BY d.priority, d.id"
    };
    claiming k = { .act = act };
    const int64_t lease = wire_get_int(act->in, "lease", LEASE_DEFAULT);
    const int64_t limit = wire_get_int(act->in, "limit", 50);
    kf_err err = vault_take_ids(act, 1, &k.claim);
    if (err == KF_OK)
        err = vault_sql(act, &take,
                        VAULT_IN(store_text_z(act->who->name), store_int(k.claim),
                                 store_int(act->now + lease), store_int(limit)));
    wire_put_int(act->out, "claim", k.claim);
    wire_put_int(act->out, "until", act->now + lease);
    wire_open_list(act->out, "boxes");
    if (err == KF_OK)
        err = vault_rows(act, &read, VAULT_IN(store_int(k.claim)), put_claimed, &k);
    wire_close(act->out);
    vault_about(act, "claim %lld", (long long)k.claim);
    vault_note(act, "%lld boxes", (long long)k.count);
    return err;
}

/* ---- settle ---- */

typedef struct settling {
    bool found, is_theirs;
    int64_t state, kind, unit, attempts, claim;
} settling;

typedef struct settling_of {
    settling *s;
    const char *name;
} settling_of;

static kf_err take_settling(void *ctx, const store_value *c, size_t count)
{
    settling_of *of = ctx;
    if (count != 6)
        return KF_E_MALFORMED;
    *of->s = (settling){ .found = true,
                         .is_theirs = c[4].octets.len == strlen(of->name) &&
                                      memcmp(c[4].octets.ptr, of->name, c[4].octets.len) == 0,
                         .state = c[0].number,
                         .kind = c[1].number,
                         .unit = c[2].number,
                         .attempts = c[3].number,
                         .claim = c[5].type == STORE_INT ? c[5].number : -1 };
    return KF_OK;
}

/* What becomes of a claimed box. An answer to a KMM comes through the inbox. */
static int64_t next_state(const settling *s, kf_slice outcome)
{
    switch (outcome.ptr[0]) {
    case 'd': /* delivered */
        return s->kind == VAULT_BOX_KMM ? VAULT_SENT : VAULT_ACKNOWLEDGED;
    case 'r': /* refused */
        return VAULT_REFUSED;
    default: /* failed */
        return s->attempts >= ATTEMPTS_MAX ? VAULT_EXPIRED : VAULT_QUEUED;
    }
}

static kf_err run_settle(vault_act *act)
{
    static const store_sql get = {
        "SELECT state, kind, unit, attempts, claimed_by, claim FROM delivery WHERE id = $1"
    };
    static const store_sql set = {
        "UPDATE delivery SET state = $2, reason = $3, settled = $4,"
        " box = CASE WHEN $2 IN (5, 6, 7) THEN NULL ELSE box END WHERE id = $1"
    };
    const int64_t id = wire_get_int(act->in, "delivery", 0);
    const int64_t claim = wire_get_int(act->in, "claim", 0);
    const kf_slice outcome = wire_get_text(act->in, "outcome");
    settling s = { .found = false };
    settling_of of = { &s, act->who->name };
    vault_about(act, "delivery %lld", (long long)id);
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), take_settling, &of);
    if (err == KF_OK && (!s.found || !s.is_theirs || s.claim != claim))
        return vault_refuse(act, KF_E_DENIED, "not-claimed", "delivery",
                            "that box is not claimed by this courier under this claim",
                            "the lease may have ended, and another courier has it",
                            "drop it: whoever has it settles it");
    if (err != KF_OK)
        return err;
    if (s.state != VAULT_CLAIMED) { /* settled before: the answer was lost */
        wire_put_text_z(act->out, "state", vault_delivery_state_name((unsigned)s.state));
        return KF_OK;
    }
    const int64_t state = next_state(&s, outcome);
    err = vault_sql(act, &set,
                    VAULT_IN(store_int(id), store_int(state),
                             store_text(wire_get_text(act->in, "reason")),
                             state == VAULT_QUEUED || state == VAULT_SENT ? store_null()
                                                                          : store_int(act->now)));
    vault_note(act, "%s", vault_delivery_state_name((unsigned)state));
    wire_put_text_z(act->out, "state", vault_delivery_state_name((unsigned)state));
    return err;
}

/* ---- look ---- */

static kf_err put_delivery(void *ctx, const store_value *c, size_t count)
{
    claiming *k = ctx;
    wire_builder *b = k->act->out;
    if (count != 9)
        return KF_E_MALFORMED;
    k->count++;
    k->claim = c[0].number;
    wire_open_map(b, NULL);
    wire_put_int(b, "delivery", c[0].number);
    wire_put_text(b, "unit", c[1].octets);
    wire_put_text_z(b, "kind", vault_delivery_kind_name((unsigned)c[2].number));
    wire_put_text_z(b, "state", vault_delivery_state_name((unsigned)c[3].number));
    wire_put_int(b, "seq", c[4].number);
    wire_put_int(b, "attempts", c[5].number);
    wire_put_int(b, "created", c[6].number);
    if (c[7].type == STORE_TEXT && c[7].octets.len > 0)
        wire_put_text(b, "reason", c[7].octets);
    if (c[8].type == STORE_INT)
        wire_put_int(b, "settled", c[8].number);
    wire_close(b);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = {
        "SELECT d.id, u.name, d.kind, d.state, d.seq, d.attempts, d.created, d.reason, d.settled"
        " FROM delivery d JOIN unit u ON u.id = d.unit WHERE d.id > $1 AND ($2 = 0 OR d.state < 5)"
        " ORDER BY d.id LIMIT $3"
    };
    claiming k = { .act = act };
    const int64_t limit = wire_get_int(act->in, "limit", 100);
    wire_open_list(act->out, "deliveries");
    kf_err err =
        vault_rows(act, &all,
                   VAULT_IN(store_int(wire_get_int(act->in, "after", 0)),
                            store_int(wire_get_bool(act->in, "open", false)), store_int(limit)),
                   put_delivery, &k);
    wire_close(act->out);
    if (k.count == limit)
        wire_put_int(act->out, "after", k.claim);
    return err;
}

static const wire_field claim_fields[] = {
    { .name = "limit", .type = WIRE_INT, .min = 1, .max = CLAIM_MAX, .help = "boxes, else 50" },
    { .name = "lease", .type = WIRE_INT, .min = 1, .max = 3600, .help = "seconds, else 60" },
    { .name = NULL },
};
static const wire_field settle_fields[] = {
    { .name = "delivery",
      .type = WIRE_INT,
      .is_required = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "its number" },
    { .name = "claim",
      .type = WIRE_INT,
      .is_required = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "the claim it came with" },
    { .name = "outcome",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = 16,
      .words = "delivered|failed|refused",
      .help = "what became of it" },
    { .name = "reason", .type = WIRE_TEXT, .min = 0, .max = 200, .help = "in the peer's words" },
    { .name = NULL },
};
static const wire_field list_fields[] = {
    { .name = "open", .type = WIRE_BOOL, .help = "only those not yet settled" },
    { .name = "after", .type = WIRE_INT, .min = 0, .max = INT64_MAX, .help = "go on after" },
    { .name = "limit", .type = WIRE_INT, .min = 1, .max = 1000, .help = "at most, else 100" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "outbox claim", VAULT_COURIER, VAULT_READS_AUDITED, false, false, claim_fields, run_claim,
      "take boxes to carry, for the time of a lease" },
    { "outbox settle", VAULT_COURIER, VAULT_WRITES, false, false, settle_fields, run_settle,
      "tell what became of a box" },
    { "outbox list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, list_fields,
      run_list, "list deliveries" },
};

const vault_noun vault_noun_outbox = { "outbox", "sealed boxes on their way", verbs,
                                       KF_COUNT(verbs) };

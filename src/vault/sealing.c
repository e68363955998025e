/*
 * Boxes of 33.180 are sealed here, in the background: a batch is leased, sealed on all threads, and
 * stored in one transaction with its event. While the threads seal one batch, the caller stores the
 * one before and leases the one after, in one transaction. A crash leaves planned boxes, which are
 * sealed anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/hash.h"
#include "mcdata/interworking.h"
#include "mcdata/protected_payload.h"
#include "mikey/mikey.h"
#include "p25/seal.h"
#include "vault/group.h"
#include "vault/pool.h"
#include "vault/ring.h"
#include "vault/sealing.h"

#define BATCH_SHARE 64u /* boxes that a thread seals of each batch: some 40 ms */
#define BATCH_MAX   1024u
#define ROUNDS      4u    /* batches of one call: others wait for the vault meanwhile */
#define ROUNDS_MS   100.0 /* no further batch after that */
#define LEASE       60    /* seconds in which no other process seals the same boxes */
#define BOX_ROOM    6144u
#define URIS_MAX    32u
#define RAND_OCTETS 16u
#define UKEK_SLN    0xf001
#define UKEK_KEYSET 255
#define UKEK_OCTETS 32u
#define KMF_RSI     9999999u
#define INNER_ROOM  1024u

/* One box of a batch. */
typedef struct item {
    int64_t id, unit, group, key, identity;
    vault_delivery_kind kind;
    char uri[VAULT_URI_MAX];
    const mcsec_user_keys *from;
    const mcsec_domain *domain;
    const struct content *content;
    uint32_t rsi;
    kf_err err;
    kf_fault fault;
    size_t len;
    uint8_t octets[BOX_ROOM];
} item;

/* What boxes of one key have in common. */
typedef struct content {
    int64_t key, group;
    bool is_revoked;
    vault_key facts;
    kf_secret *material;
    uint8_t rand[RAND_OCTETS];
    size_t uri_count;
    char uris[URIS_MAX][VAULT_URI_MAX];
    mikey_key_params params;
} content;

typedef struct batch {
    vault *v;
    kf_time now;
    size_t room, count, content_count;
    item *items;
    content *contents;
    const mcsec_domain *domain; /* of all users; NULL: not looked up yet */
} batch;

uint32_t vault_kmf_rsi(const vault *v)
{
    return v->config.kmf_rsi == 0 ? KMF_RSI : v->config.kmf_rsi;
}

/* ---- leasing a batch ---- */

static void empty_batch(batch *b)
{
    for (size_t i = 0; i < b->content_count; i++)
        kf_secret_free(&b->contents[i].material);
    b->count = b->content_count = 0;
    b->domain = NULL;
}

static int64_t number(const store_value *column)
{
    return column->type == STORE_INT ? column->number : -1;
}

static kf_err take_item(void *ctx, const store_value *c, size_t count)
{
    batch *b = ctx;
    if (count != 8 || b->count == b->room)
        return KF_E_MALFORMED;
    item *i = &b->items[b->count++];
    i->id = c[0].number;
    i->kind = (vault_delivery_kind)c[1].number;
    i->unit = c[2].number;
    i->group = number(&c[3]);
    i->key = number(&c[4]);
    i->identity = number(&c[5]);
    i->rsi = c[7].type == STORE_INT ? (uint32_t)c[7].number : 0;
    i->from = NULL;
    i->domain = NULL;
    i->content = NULL;
    i->err = KF_OK;
    i->fault = (kf_fault){ .field = NULL };
    i->len = 0;
    snprintf(i->uri, sizeof i->uri, "%.*s", (int)c[6].octets.len, (const char *)c[6].octets.ptr);
    return KF_OK;
}

static kf_err lease(vault_act *act, batch *b)
{
    static const store_sql mark = {
        "UPDATE delivery SET claim_until = $1 WHERE id IN (SELECT id FROM delivery"
        " WHERE state = 1 AND (claim_until IS NULL OR claim_until <= $2) ORDER BY priority, id"
        " LIMIT $3{pg: FOR UPDATE SKIP LOCKED}) RETURNING id, kind, unit, grp, vkey, identity,"
        " (SELECT u.uri FROM unit u WHERE u.id = delivery.unit),"
        " (SELECT u.rsi FROM unit u WHERE u.id = delivery.unit)"
    };
    empty_batch(b);
    return vault_rows(
        act, &mark,
        VAULT_IN(store_int(act->now + LEASE), store_int(act->now), store_int((int64_t)b->room)),
        take_item, b);
}

/* ---- what the boxes of a key have in common ---- */

static kf_err take_uri(void *ctx, const store_value *c, size_t count)
{
    content *k = ctx;
    if (count != 1 || k->uri_count == URIS_MAX)
        return KF_E_NO_SPACE;
    snprintf(k->uris[k->uri_count++], VAULT_URI_MAX, "%.*s", (int)c[0].octets.len,
             (const char *)c[0].octets.ptr);
    return KF_OK;
}

static kf_slice text_of(const char *text)
{
    return (kf_slice){ (const uint8_t *)text, strlen(text) };
}

/* All members must be given the same RAND with a GMK: it follows from the vault key and the row. */
static kf_err rand_of(const vault *v, int64_t key, uint8_t out[RAND_OCTETS])
{
    static const char label[] = "keyferry-rand";
    uint8_t row[8], mac[KF_HASH_MAX_OCTETS];
    kf_writer w = kf_writer_init(row, sizeof row);
    kf_write_u64(&w, (uint64_t)key);
    const kf_slice parts[] = { { (const uint8_t *)label, sizeof label - 1 }, { row, sizeof row } };
    kf_err err = kf_hmac_parts(&KF_SHA256, kf_secret_view(v->key), parts, 2, mac);
    memcpy(out, mac, RAND_OCTETS);
    return err;
}

static void make_params(content *k)
{
    k->params = (mikey_key_params){ .key_type = k->facts.kind == VAULT_GMK ? MCSEC_GMK : MCSEC_PCK,
                                    .status = k->is_revoked ? 0 : MIKEY_STATUS_NOT_REVOKED,
                                    .activation = (uint64_t)k->facts.activates,
                                    .text = text_of(k->facts.name) };
    if (k->facts.deactivates != INT64_MAX)
        k->params.expiry = (uint64_t)k->facts.deactivates;
    for (size_t i = 0; k->facts.kind == VAULT_GMK && i < k->uri_count; i++)
        k->params.groups[k->params.group_count++] = text_of(k->uris[i]);
}

/* A key goes out only before and in its period. A box whose key has had its time is given up: it
 * would hold back the later ones of its unit for ever. */
static kf_err usable(const vault_key *k, kf_time now)
{
    const vault_key_state state = vault_key_state_at(k, now);
    return state == VAULT_PRE_ACTIVATION || state == VAULT_ACTIVE ? KF_OK : KF_E_DENIED;
}

static kf_err load_content(vault_act *act, content *k)
{
    static const store_sql uris = { "SELECT uri FROM group_uri WHERE grp = $1 ORDER BY uri" };
    bool found = false;
    kf_err err = vault_key_get(act, k->key, &k->facts, &found);
    if (err == KF_OK && !found)
        err = KF_E_DENIED;
    if (err == KF_OK && (!k->is_revoked || k->facts.destroyed != 0))
        err = usable(&k->facts, act->now);
    if (err == KF_OK)
        err = vault_key_material(act, k->key, &k->material);
    if (err == KF_OK && k->group >= 0)
        err = vault_rows(act, &uris, VAULT_IN(store_int(k->group)), take_uri, k);
    if (err == KF_OK)
        err = rand_of(act->v, k->key, k->rand);
    if (err == KF_OK)
        make_params(k);
    return err;
}

static kf_err content_of(vault_act *act, batch *b, int64_t key, int64_t group, bool is_revoked,
                         const content **out)
{
    for (size_t i = 0; i < b->content_count; i++)
        if (b->contents[i].key == key && b->contents[i].is_revoked == is_revoked) {
            *out = &b->contents[i];
            return KF_OK;
        }
    content *k = &b->contents[b->content_count];
    memset(k, 0, sizeof *k);
    k->key = key;
    k->group = group;
    k->is_revoked = is_revoked;
    kf_err err = load_content(act, k);
    b->content_count += err == KF_OK ? 1u : 0u;
    if (err != KF_OK)
        kf_secret_free(&k->material);
    *out = k;
    return err;
}

/* The context that a UKEK travels under. */
static kf_err context_of(vault_act *act, int64_t unit, int64_t *key)
{
    static const store_sql get = { "SELECT context FROM unit WHERE id = $1" };
    bool found = false;
    kf_err err = vault_int(act, &get, VAULT_IN(store_int(unit)), key, &found);
    return err == KF_OK && !found ? KF_E_STATE : err;
}

/* Who signs, and the domain of the recipient: as for the box before, if it has the same signer. All
 * users are of one domain. */
static kf_err parties_of(vault_act *act, batch *b, item *i)
{
    const item *before = i == b->items ? NULL : i - 1;
    if (i->identity < 0)
        return KF_E_STATE;
    if (before != NULL && before->from != NULL && before->identity == i->identity)
        i->from = before->from;
    kf_err err = i->from == NULL ? vault_ring_keys(act, i->identity, act->now, &i->from) : KF_OK;
    if (err == KF_OK && b->domain == NULL)
        err = vault_ring_domain_of(act, text_of(i->uri), &b->domain);
    i->domain = b->domain;
    return err;
}

static kf_err prepare_item(vault_act *act, batch *b, item *i)
{
    int64_t key = i->key;
    kf_err err = parties_of(act, b, i);
    if (err == KF_OK && i->kind == VAULT_BOX_UKEK)
        err = context_of(act, i->unit, &key);
    if (err == KF_OK)
        err = content_of(act, b, key, i->group, i->kind == VAULT_BOX_GMK_REVOKE, &i->content);
    return err;
}

static kf_err prepare(vault_act *act, batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        b->items[i].err = prepare_item(act, b, &b->items[i]);
        if (b->items[i].err == KF_E_BACKEND || b->items[i].err == KF_E_NO_MEMORY)
            return b->items[i].err;
    }
    return KF_OK;
}

/* ---- sealing ---- */

static kf_err seal_message(const batch *b, item *i, kf_writer *out)
{
    const content *k = i->content;
    const mikey_seal what = { .from = i->from,
                              .to_domain = i->domain,
                              .to_uri = text_of(i->uri),
                              .purpose = k->facts.kind == VAULT_GMK ? MCSEC_GMK : MCSEC_PCK,
                              .key = k->material,
                              .key_id = (uint32_t)k->facts.kid,
                              .now = b->now,
                              .rand = { k->rand, RAND_OCTETS },
                              .params = &k->params };
    return mikey_seal_message(&what, b->v->config.rng, out, &i->fault);
}

/* [P] The UKEK as a key fill message in clear, inside a Protected Payload under the context. */
static kf_err ukek_datagram(const batch *b, const item *i, const kf_secret *ukek, uint16_t kid,
                            kf_writer *out)
{
    const p25_seal clear = { .mac = NULL };
    p25_kmm kmm = { .side = P25_SIDE_KEYFILL };
    kmm.frame.message_id = P25_KMM_MODIFY_KEY_CMD;
    kmm.frame.response_kind = P25_RK3_IMMEDIATE;
    kmm.frame.source_rsi = vault_kmf_rsi(b->v);
    kmm.frame.destination_rsi = i->rsi;
    p25_modify_key *m = &kmm.body.modify_key;
    m->decryption.algid = P25_ALGID_CLEAR;
    m->keyset = UKEK_KEYSET;
    m->algid = P25_ALGID_AES256;
    m->key_octets = UKEK_OCTETS;
    m->item_count = 1;
    m->items[0] =
        (p25_key_item){ .is_kek = true, .sln = UKEK_SLN, .kid = kid, .key = kf_secret_view(ukek) };
    return p25_seal_dli(&clear, &kmm, b->v->config.rng, out);
}

typedef struct ukek {
    vault_key facts;
    kf_secret *material;
} ukek;

static kf_err protect_ukek(const batch *b, const item *i, const ukek *u, kf_writer *out)
{
    kf_secret *inner = NULL;
    kf_err err = kf_secret_new(INNER_ROOM, &inner);
    kf_writer w = kf_writer_init(kf_secret_edit(inner), kf_secret_len(inner));
    if (err == KF_OK)
        err = ukek_datagram(b, i, u->material, (uint16_t)u->facts.kid, &w);
    const mcdata_protect what = { .message_type = MCDATA_TYPE_DATA_PAYLOAD,
                                  .date_time = (uint64_t)b->now,
                                  .payload_id = (uint32_t)i->id,
                                  .dppk = i->content->material,
                                  .dppk_id = (uint32_t)i->content->facts.kid,
                                  .content = kf_writer_slice(&w) };
    if (err == KF_OK)
        err = mcdata_protected_seal(&what, b->v->config.rng, out);
    kf_secret_free(&inner);
    return err;
}

static kf_err put_box(item *i, kf_slice message, kf_slice interworking)
{
    wire_builder *box = NULL;
    kf_slice octets;
    kf_err err = wire_builder_new(&box);
    if (err != KF_OK)
        return err;
    wire_open_map(box, NULL);
    wire_put_octets(box, "mikey", message);
    wire_put_octets(box, "interworking", interworking);
    wire_close(box);
    err = wire_builder_done(box, &octets);
    if (err == KF_OK && octets.len > sizeof i->octets)
        err = KF_E_NO_SPACE;
    if (err == KF_OK) {
        memcpy(i->octets, octets.ptr, octets.len);
        i->len = octets.len;
    }
    wire_builder_free(&box);
    return err;
}

static kf_err seal_ukek(const batch *b, item *i, const ukek *u)
{
    uint8_t message[BOX_ROOM], payload[2 * INNER_ROOM],
        interworking[2 * INNER_ROOM + VAULT_URI_MAX];
    kf_writer m = kf_writer_init(message, sizeof message);
    kf_writer p = kf_writer_init(payload, sizeof payload);
    kf_writer d = kf_writer_init(interworking, sizeof interworking);
    kf_err err = seal_message(b, i, &m);
    if (err == KF_OK)
        err = protect_ukek(b, i, u, &p);
    const mcdata_interworking data = { .type = MCDATA_INTERWORKING_REQUEST,
                                       .lmr_type = MCDATA_LMR_P25,
                                       .entity_uri = mcsec_user_keys_uri(i->from),
                                       .payload = kf_writer_slice(&p) };
    if (err == KF_OK) {
        mcdata_interworking_encode(&data, &d);
        err = d.err;
    }
    return err == KF_OK ? put_box(i, kf_writer_slice(&m), kf_writer_slice(&d)) : err;
}

static void seal_one(void *ctx, size_t n)
{
    const batch *b = ctx;
    item *i = &b->items[n];
    if (i->err != KF_OK || i->kind == VAULT_BOX_UKEK)
        return;
    kf_writer w = kf_writer_init(i->octets, sizeof i->octets);
    i->err = seal_message(b, i, &w);
    i->len = i->err == KF_OK ? w.len : 0;
}

/* UKEKs are few and each has its own: one after the other. */
static void seal_ukeks(vault_act *act, batch *b)
{
    for (size_t n = 0; n < b->count; n++) {
        item *i = &b->items[n];
        ukek u = { .material = NULL };
        bool found = false;
        if (i->err != KF_OK || i->kind != VAULT_BOX_UKEK)
            continue;
        i->err = vault_key_get(act, i->key, &u.facts, &found);
        if (i->err == KF_OK)
            i->err = found ? usable(&u.facts, act->now) : KF_E_DENIED;
        if (i->err == KF_OK)
            i->err = vault_key_material(act, i->key, &u.material);
        if (i->err == KF_OK)
            i->err = seal_ukek(b, i, &u);
        kf_secret_free(&u.material);
    }
}

/* ---- storing ---- */

static bool is_hopeless(kf_err err)
{
    return err != KF_OK && err != KF_E_STATE && err != KF_E_NO_MEMORY && err != KF_E_BACKEND;
}

static kf_err store_boxes(vault_act *act, const batch *b)
{
    static const store_sql put = { "UPDATE delivery SET state = 2, box = $2,"
                                   " claim_until = NULL WHERE id = $1 AND state = 1" };
    static const store_sql give_up = {
        "UPDATE delivery SET state = 6, reason = $2, settled = $3 WHERE id = $1 AND state = 1"
    };
    size_t sealed = 0, failed = 0;
    store_value *rows = calloc(b->count == 0 ? 1 : b->count, 2 * sizeof *rows);
    if (rows == NULL)
        return KF_E_NO_MEMORY;
    for (size_t n = 0; n < b->count; n++) {
        const item *i = &b->items[n];
        if (i->err != KF_OK)
            continue;
        rows[2 * sealed] = store_int(i->id);
        rows[2 * sealed + 1] = store_blob((kf_slice){ i->octets, i->len });
        sealed++;
    }
    kf_err err = sealed == 0 ? KF_OK : store_run_many(act->db, &put, rows, sealed, 2);
    for (size_t n = 0; err == KF_OK && n < b->count; n++)
        if (is_hopeless(b->items[n].err)) {
            failed++;
            err = vault_sql(
                act, &give_up,
                VAULT_IN(store_int(b->items[n].id),
                         store_text_z(b->items[n].fault.field == NULL ? kf_err_name(b->items[n].err)
                                                                      : b->items[n].fault.field),
                         store_int(act->now)));
        }
    free(rows);
    if (sealed + failed > 0)
        vault_about(act, "%zu boxes", sealed);
    if (failed > 0)
        vault_note(act, "%zu could not be sealed", failed);
    return err;
}

/* ---- rounds ---- */

/* A transaction: what was sealed is stored, what is to be sealed next is leased. It may be run
 * again when the store says so: done stays as it is. */
typedef struct turn {
    batch *done, *next; /* either may be NULL */
} turn;

static kf_err take_turn(vault_act *act, void *ctx)
{
    const turn *t = ctx;
    kf_err err = KF_OK;
    if (t->done != NULL) {
        seal_ukeks(act, t->done);
        err = store_boxes(act, t->done);
    }
    if (err == KF_OK && t->next != NULL)
        err = lease(act, t->next);
    return err == KF_OK && t->next != NULL ? prepare(act, t->next) : err;
}

static kf_err lease_next(vault *v, batch *next)
{
    return vault_by_itself(v, "outbox lease", take_turn, &(turn){ NULL, next });
}

static bool is_full(const batch *b)
{
    return b->count == b->room;
}

static double now_ms(void)
{
    struct timespec t = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Batch n is sealed while batch n - 1 is stored and batch n + 1 leased. */
static kf_err run_rounds(vault *v, batch b[3], bool *more)
{
    const double end = now_ms() + ROUNDS_MS;
    kf_err err = lease_next(v, &b[0]);
    vault_pool_begin(v->pool, err == KF_OK ? b[0].count : 0, seal_one, &b[0]);
    if (err == KF_OK && is_full(&b[0]))
        err = lease_next(v, &b[1]);
    for (unsigned n = 0; err == KF_OK && b[n % 3].count > 0; n++) {
        batch *done = &b[n % 3], *next = &b[(n + 1) % 3];
        vault_pool_wait(v->pool);
        vault_pool_begin(v->pool, next->count, seal_one, next);
        *more = is_full(done);
        const bool goes_on = is_full(next) && n + 2 < ROUNDS && now_ms() < end;
        turn t = { done, goes_on ? &b[(n + 2) % 3] : NULL };
        err = vault_by_itself(v, "outbox seal", take_turn, &t);
        empty_batch(done);
    }
    vault_pool_wait(v->pool);
    return err;
}

static kf_err work(vault *v, kf_time now, bool *more)
{
    const size_t share = BATCH_SHARE * (size_t)vault_pool_threads(v->pool);
    batch b[3];
    kf_err err = KF_OK;
    for (size_t i = 0; i < 3; i++) {
        b[i] = (batch){ .v = v, .now = now, .room = share < BATCH_MAX ? share : BATCH_MAX };
        b[i].items = malloc(b[i].room * sizeof *b[i].items);
        b[i].contents = calloc(b[i].room, sizeof *b[i].contents);
        if (b[i].items == NULL || b[i].contents == NULL)
            err = KF_E_NO_MEMORY;
    }
    *more = false;
    if (err == KF_OK)
        err = run_rounds(v, b, more);
    *more = *more && err == KF_OK;
    for (size_t i = 0; i < 3; i++) {
        empty_batch(&b[i]);
        free(b[i].contents);
        free(b[i].items);
    }
    return err;
}

const vault_worker vault_work_sealing = { "sealing", work };

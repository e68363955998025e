/* The vault on both stores: sealing a rekey against the raw rate of sealing, and how a vault with
 * very many units and keys answers. What is measured and why it is fair: README.md. */
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_ibc.h"
#include "crypto/random.h"
#include "mcsec/keyid.h"
#include "vault/parts.h"
#include "vault/pool.h"

#define IDENTITY     "sip:iwf@county.example"
#define NOW          INT64_C(1800000000)
#define ROWS         2000u /* filled in by one transaction */
#define RAW_MS       600.0 /* of each sample of the raw rate */
#define CALLS        61u   /* of each verb */
#define WANT_RATIO   0.85
#define MOST_MS      50.0
#define MOST_KIB     307200 /* 300 MiB */
#define FLAT         1.5    /* dearest member over cheapest, of 1,000 members and more */
#define LIVE_TEKS    50000u
#define MEMBERS_MOST 50000u
#define RESULTS_MAX  64u

static const vault_caller officer = { VAULT_OFFICER, "olga" };
static const vault_caller courier = { VAULT_COURIER, "courier" };

typedef struct options {
    bool json, check, is_long, is_quick, help;
    const char *postgresql;
} options;

/* One line of the report. */
typedef struct result {
    char op[64], store[12];
    double ratio_busy; /* over the raw rate of all cores at once, as others left them to us */
    double per_s, raw_per_s, ratio, us, ms, worst_ms, kib; /* 0: not of this line */
    double want_ratio, most_ms, most_kib;
    bool met;
} result;

static struct {
    options o;
    size_t count;
    result results[RESULTS_MAX];
} all;

typedef struct site {
    const char *name; /* of the store */
    char directory[64], where[512];
    int64_t units, keys; /* so many are in it */
    int64_t first_unit, first_key;
    vault *v;
} site;

static double now_ms(void)
{
    struct timespec t = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static kf_time stand_still(void *ctx)
{
    (void)ctx;
    return NOW;
}

static void tell_progress(const char *what)
{
    if (!all.o.json)
        (void)fprintf(stderr, "\r%-78s", what);
}

static result *add_result(const site *s, const char *op)
{
    result *r = &all.results[all.count < RESULTS_MAX - 1 ? all.count++ : RESULTS_MAX - 1];
    *r = (result){ .met = true };
    snprintf(r->op, sizeof r->op, "%s", op);
    snprintf(r->store, sizeof r->store, "%s", s->name);
    return r;
}

/* ---- asking ---- */

typedef struct request {
    wire_builder *b;
} request;

static request begin(const char *verb)
{
    request r = { NULL };
    if (wire_builder_new(&r.b) != KF_OK)
        abort();
    wire_open_map(r.b, NULL);
    wire_put_text_z(r.b, "verb", verb);
    return r;
}

/* Ask, and wait for the answer. @return false after saying why it was refused. */
static bool ask(const site *s, const vault_caller *who, request r)
{
    wire_tree *tree = NULL;
    wire_builder *out = NULL;
    vault_refusal refusal = { 0 };
    kf_slice octets;
    kf_fault fault;
    wire_close(r.b);
    kf_err err = wire_builder_done(r.b, &octets);
    if (err == KF_OK)
        err = wire_tree_parse(octets, &tree, &fault);
    if (err == KF_OK)
        err = vault_do(s->v, who, wire_tree_root(tree), &out, &refusal);
    if (err != KF_OK)
        (void)fprintf(stderr, "bench_vault: %s: %s (%s)\n", s->name, refusal.what, refusal.why);
    wire_tree_free(&tree);
    wire_builder_free(&out);
    wire_builder_free(&r.b);
    return err == KF_OK;
}

/* ---- a vault ---- */

static bool make_schema(site *s, const char *conninfo)
{
    char sql[64];
    const store_sql create = { sql };
    store *db = NULL;
    store_fault fault = { 0 };
    snprintf(s->where, sizeof s->where, "postgresql:%.300s", conninfo);
    snprintf(sql, sizeof sql, "CREATE SCHEMA kf_bench_%ld", (long)getpid());
    bool ok = store_open(s->where, &db, &fault) == KF_OK && store_begin(db, STORE_WRITE) == KF_OK &&
              store_run(db, &create, NULL, 0, NULL, NULL) == KF_OK && store_commit(db) == KF_OK;
    store_close(&db);
    snprintf(s->where, sizeof s->where,
             "postgresql:%.300s options='-c search_path=kf_bench_%ld -c client_min_messages=error'",
             conninfo, (long)getpid());
    return bench_check(ok, "a schema in the data base");
}

static void drop_schema(const site *s)
{
    char sql[64];
    const store_sql drop = { sql };
    store *db = NULL;
    store_fault fault = { 0 };
    snprintf(sql, sizeof sql, "DROP SCHEMA kf_bench_%ld CASCADE", (long)getpid());
    if (store_open(s->where, &db, &fault) != KF_OK || store_begin(db, STORE_WRITE) != KF_OK ||
        store_run(db, &drop, NULL, 0, NULL, NULL) != KF_OK || store_commit(db) != KF_OK)
        (void)fprintf(stderr, "bench_vault: this stays in the data base: %s\n", sql);
    store_close(&db);
}

static bool start_vault(site *s)
{
    char why[256] = "";
    const vault_config config = { .organization = "county",
                                  .store = s->where,
                                  .anchor = s->directory,
                                  .clock = { stand_still, NULL },
                                  .rng = kf_random() };
    if (vault_new(&config, &s->v, why, sizeof why) != KF_OK)
        return bench_check(false, why);
    request r = begin("vault init");
    wire_put_octets(r.b, "passphrase", kf_slice_str("a passphrase for a benchmark"));
    wire_put_int(r.b, "scrypt_log2n", 10);
    bool ok = ask(s, &officer, r);
    r = begin("kms create");
    wire_put_text_z(r.b, "uri", "kms.county.example");
    ok = ok && ask(s, &officer, r);
    r = begin("kms identity");
    wire_put_text_z(r.b, "uri", IDENTITY);
    return ok && ask(s, &officer, r);
}

static bool open_site(site *s, const char *name, const char *conninfo)
{
    *s = (site){ .name = name };
    snprintf(s->directory, sizeof s->directory, "/var/tmp/keyferry-bench.XXXXXX");
    if (!bench_check(mkdtemp(s->directory) != NULL, "a directory in /var/tmp"))
        return false;
    if (conninfo == NULL)
        snprintf(s->where, sizeof s->where, "sqlite:%s/store", s->directory);
    else if (!make_schema(s, conninfo))
        return false;
    return start_vault(s);
}

static void close_site(site *s)
{
    static const char *const files[] = { "store", "store-wal", "store-shm", "head", "head.new" };
    char path[128];
    vault_free(&s->v);
    if (strncmp(s->where, "postgresql:", 11) == 0)
        drop_schema(s);
    for (size_t i = 0; i < KF_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", s->directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(s->directory);
}

/* ---- filling, past the verbs, since a vault grows so over years ---- */

/* IDs of its own for n rows. */
static bool take_ids(const site *s, int64_t n, int64_t *first)
{
    static const store_sql take = {
        "UPDATE counter SET value = value + $1 WHERE name = 'id' RETURNING value"
    };
    store *db = s->v->db;
    bool ok = store_begin(db, STORE_WRITE) == KF_OK &&
              store_get_int(db, &take, VAULT_IN(store_int(n)), first) == KF_OK &&
              store_commit(db) == KF_OK;
    *first -= n;
    return bench_check(ok, "taking row IDs");
}

/* Rows are written into values and texts, count columns each. */
typedef struct filling {
    const site *s;
    size_t count;
    int64_t first, total;
    store_value values[ROWS * 9];
    char texts[ROWS][2][48];
    uint8_t wrapped[ROWS][VAULT_WRAPPED(32)];
} filling;

typedef bool fill_row(filling *f, size_t at, int64_t i);

static bool fill(filling *f, const store_sql *sql, fill_row *row)
{
    store *db = f->s->v->db;
    bool ok = true;
    for (int64_t done = 0; ok && done < f->total;) {
        const size_t n = f->total - done < (int64_t)ROWS ? (size_t)(f->total - done) : ROWS;
        for (size_t i = 0; ok && i < n; i++)
            ok = row(f, i, done + (int64_t)i);
        ok = ok && store_begin(db, STORE_WRITE) == KF_OK &&
             store_run_many(db, sql, f->values, n, f->count) == KF_OK && store_commit(db) == KF_OK;
        done += (int64_t)n;
        if (!ok)
            (void)fprintf(stderr, "bench_vault: %s\n", store_last_fault(db)->text);
    }
    return bench_check(ok, "filling the store");
}

static bool unit_row(filling *f, size_t at, int64_t i)
{
    store_value *v = &f->values[at * f->count];
    snprintf(f->texts[at][0], sizeof f->texts[at][0], "u%07lld", (long long)i);
    snprintf(f->texts[at][1], sizeof f->texts[at][1], "sip:u%07lld@mc.example", (long long)i);
    v[0] = store_int(f->first + i);
    v[1] = store_text_z(f->texts[at][0]);
    v[2] = store_int(i + 1);
    v[3] = store_text_z(f->texts[at][1]);
    return true;
}

/* The first TEKs live, as many as there are KIDs for; then each unit's UKEK, keys of calls, and
 * destroyed TEKs. */
static bool key_row(filling *f, size_t at, int64_t i)
{
    const site *s = f->s;
    const bool is_live_tek = i < (int64_t)LIVE_TEKS, is_ukek = !is_live_tek && i % 8 == 0,
               is_destroyed = !is_live_tek && i % 8 == 1;
    const bool is_call = !is_live_tek && !is_ukek && !is_destroyed;
    const uint8_t material[32] = { 1, (uint8_t)i };
    store_value *v = &f->values[at * f->count];
    kf_writer w = kf_writer_init(f->wrapped[at], sizeof f->wrapped[at]);
    if (vault_wrap(s->v, "vkey.material", f->first + i, (kf_slice){ material, is_call ? 16u : 32u },
                   &w) != KF_OK)
        return false;
    v[0] = store_int(f->first + i);
    v[1] = store_int(is_ukek ? VAULT_UKEK : is_call ? VAULT_PCK : VAULT_TEK);
    v[2] = store_int(is_call ? 0 : 0x84);
    v[3] = store_int(is_call ? INT64_C(0x10000000) + i : 1 + i % LIVE_TEKS);
    v[4] = is_live_tek ? store_int(2 * 4096 + i % 20000) : store_null();
    v[5] = is_live_tek && i < 40000 ? store_int(i / 20000) : store_null();
    v[6] = is_ukek ? store_int(s->first_unit + i % s->units) : store_null();
    v[7] = is_destroyed ? store_int(NOW - 5) : store_null();
    v[8] = is_destroyed ? store_null() : store_blob(kf_writer_slice(&w));
    if (v[5].type == STORE_NULL)
        v[4] = store_null();
    return true;
}

static bool fill_site(site *s, int64_t units, int64_t keys)
{
    static const store_sql put_unit = {
        "INSERT INTO unit (id, name, rsi, uri, level, state, next_seq, created)"
        " VALUES ($1, $2, $3, $4, 1, 1, 1, 1)"
    };
    static const store_sql put_key = {
        "INSERT INTO vkey (id, kind, algid, kid, sln, slot, unit, destroyed, material, name,"
        " origin, created, activates) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'k',"
        " 'generated', 1, 1)"
    };
    filling *f = calloc(1, sizeof *f);
    s->units = units;
    s->keys = keys;
    tell_progress("filling in units and keys");
    bool ok = f != NULL && take_ids(s, units, &s->first_unit) && take_ids(s, keys, &s->first_key);
    if (ok) {
        *f = (filling){ .s = s, .count = 4, .first = s->first_unit, .total = units };
        ok = fill(f, &put_unit, unit_row);
        f->count = 9;
        f->first = s->first_key;
        f->total = keys;
        ok = ok && fill(f, &put_key, key_row);
    }
    free(f);
    return ok;
}

/* A group of the first n units. */
static bool make_group(const site *s, const char *name, int64_t n, bool has_lmr)
{
    static const store_sql join = {
        "INSERT INTO member (grp, unit, joined) SELECT g.id, u.id, 1 FROM mcgroup g, unit u"
        " WHERE g.name = $1 AND u.id >= $2 AND u.id < $3"
    };
    char uri[80];
    store *db = s->v->db;
    request r = begin("group create");
    snprintf(uri, sizeof uri, "sip:%s@mc.example", name);
    wire_put_text_z(r.b, "group", name);
    wire_open_list(r.b, "uris");
    wire_put_text_z(r.b, NULL, uri);
    wire_close(r.b);
    if (has_lmr) {
        wire_open_list(r.b, "slns");
        wire_put_int(r.b, NULL, 1);
        wire_close(r.b);
    }
    wire_put_text_z(r.b, "identity", IDENTITY);
    const store_value in[] = { store_text_z(name), store_int(s->first_unit),
                               store_int(s->first_unit + n) };
    return ask(s, &officer, r) &&
           bench_check(store_begin(db, STORE_WRITE) == KF_OK &&
                           store_run(db, &join, in, 3, NULL, NULL) == KF_OK &&
                           store_commit(db) == KF_OK,
                       "members");
}

/* ---- the raw rate ---- */

typedef struct raw {
    double one, every; /* messages a second: of one thread, of all threads of the pool */
} raw;

static atomic_bool has_failed;

/* bench_ibc's operation. */
static void seal_raw(void *ctx, size_t i)
{
    if (!create_message(*(size_t *)ctx + i))
        atomic_store(&has_failed, true);
}

/* Adds half of a sample: one is taken before, one after what it is compared with. */
static bool sample_raw(const site *s, raw *sum)
{
    static size_t turn;
    double start = now_ms();
    size_t n = 0;
    for (; now_ms() - start < RAW_MS; n++)
        seal_raw(&turn, n);
    turn += n;
    sum->one += (double)n * 500 / (now_ms() - start);
    n *= vault_pool_threads(s->v->pool);
    start = now_ms();
    vault_pool_begin(s->v->pool, n, seal_raw, &turn);
    vault_pool_wait(s->v->pool);
    turn += n;
    sum->every += (double)n * 500 / (now_ms() - start);
    return bench_check(!atomic_load(&has_failed), "sealing a message");
}

/* ---- sealing ---- */

/* Background work until all is sealed. @return false: the store failed, or boxes were given up. */
static bool seal_all(const site *s, int64_t boxes, double *longest)
{
    static const store_sql left = { "SELECT count(*) FROM delivery WHERE state = 1" };
    store *db = s->v->db;
    char text[96];
    int64_t open = boxes;
    bool more = true;
    *longest = 0;
    for (int64_t calls = 0; more; calls++) {
        const double start = now_ms();
        if (vault_work(s->v, &more) != KF_OK)
            return bench_check(false, store_last_fault(db)->text);
        const double took = now_ms() - start;
        *longest = took > *longest ? took : *longest;
        if (calls % 8 != 7 && more)
            continue;
        if (store_begin(db, STORE_READ) != KF_OK ||
            store_get_int(db, &left, NULL, 0, &open) != KF_OK)
            return bench_check(false, store_last_fault(db)->text);
        store_rollback(db);
        snprintf(text, sizeof text, "%s: %lld of %lld boxes sealed", s->name,
                 (long long)(boxes - open), (long long)boxes);
        tell_progress(text);
    }
    return bench_check(open == 0, "sealing all boxes");
}

/* Boxes that are sealed and durable, as against the planned ones. */
static bool count_queued(const site *s, const char *group, int64_t *n)
{
    static const store_sql queued = { "SELECT count(*) FROM delivery d JOIN mcgroup g ON g.id ="
                                      " d.grp WHERE g.name = $1 AND d.state = 2" };
    store *db = s->v->db;
    bool ok = store_begin(db, STORE_READ) == KF_OK &&
              store_get_int(db, &queued, VAULT_IN(store_text_z(group)), n) == KF_OK;
    store_rollback(db);
    return ok;
}

static bool rekey(const site *s, int64_t members, double *us_of_member)
{
    char group[32], op[64];
    double longest = 0;
    raw rate = { 0, 0 };
    int64_t sealed = 0;
    bool more = true;
    snprintf(group, sizeof group, "members%lld", (long long)members);
    if (!make_group(s, group, members, false) || vault_work(s->v, &more) != KF_OK ||
        !sample_raw(s, &rate))
        return false;
    const double start = now_ms();
    request r = begin("group rekey");
    wire_put_text_z(r.b, "group", group);
    bool ok = ask(s, &officer, r);
    const double planned = now_ms();
    ok = ok && seal_all(s, members, &longest);
    const double end = now_ms();
    ok = ok && sample_raw(s, &rate) && count_queued(s, group, &sealed) &&
         bench_check(sealed == members, "a box for each member");
    snprintf(op, sizeof op, "rekey of %lld members, sealed and durable", (long long)members);
    result *x = add_result(s, op);
    x->per_s = (double)members * 1e3 / (end - start);
    x->raw_per_s = rate.one * vault_pool_threads(s->v->pool);
    x->ratio_busy = x->per_s / rate.every;
    x->ratio = x->per_s / x->raw_per_s;
    x->us = (end - start) * 1e3 / (double)members;
    x->ms = planned - start;
    x->worst_ms = longest;
    x->want_ratio = members == 5000 ? WANT_RATIO : 0;
    x->met = x->want_ratio <= x->ratio || x->want_ratio <= x->ratio_busy;
    *us_of_member = x->us * rate.every; /* in raw messages of that moment */
    return ok;
}

static bool rekeys(const site *s)
{
    static const int64_t sizes[] = { 100, 1000, 5000, MEMBERS_MOST };
    double cost[KF_COUNT(sizes)] = { 0 }, least = 0, most = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < KF_COUNT(sizes); i++) {
        if (sizes[i] == (int64_t)MEMBERS_MOST && !all.o.is_long)
            continue;
        ok = rekey(s, sizes[i], &cost[i]);
        least = least == 0 || cost[i] < least ? cost[i] : least;
        most = cost[i] > most ? cost[i] : most;
    }
    result *r = add_result(s, "dearest member over cheapest");
    r->ratio = ok && least > 0 ? most / least : 0;
    r->met = r->ratio <= FLAT;
    return ok;
}

/* ---- verbs on a large vault ---- */

typedef request make_request(const site *s, unsigned turn);

static int64_t some(unsigned turn, int64_t of)
{
    return (int64_t)((turn * UINT64_C(2654435761)) % (uint64_t)of);
}

static request show_key(const site *s, unsigned turn)
{
    request r = begin("key show");
    wire_put_int(r.b, "key", s->first_key + some(turn, s->keys));
    return r;
}

static request plan_rekey(const site *s, unsigned turn)
{
    request r = begin("group rekey");
    (void)s;
    (void)turn;
    wire_put_text_z(r.b, "group", "small");
    wire_put_bool(r.b, "plan", true);
    return r;
}

/* The clash check with a KID to be found, and with one and a place that are free. */
static request plan_key(const site *s, unsigned turn)
{
    request r = begin("key generate");
    (void)s;
    wire_put_text_z(r.b, "kind", "tek");
    wire_put_text_z(r.b, "name", "new");
    if (turn % 2 == 0) {
        wire_put_int(r.b, "kid", 60000);
        wire_put_int(r.b, "sln", 4000);
        wire_put_int(r.b, "slot", 0);
    }
    wire_put_bool(r.b, "plan", true);
    return r;
}

static request show_unit(const site *s, unsigned turn)
{
    char name[32];
    request r = begin("unit show");
    snprintf(name, sizeof name, "u%07lld", (long long)some(turn, s->units));
    wire_put_text_z(r.b, "unit", name);
    return r;
}

static request list_units(const site *s, unsigned turn)
{
    request r = begin("unit list");
    wire_put_int(r.b, "after", s->first_unit + some(turn, s->units));
    return r;
}

static request list_keys(const site *s, unsigned turn)
{
    request r = begin("key list");
    wire_put_int(r.b, "after", s->first_key + some(turn, s->keys));
    return r;
}

static request show_group(const site *s, unsigned turn)
{
    request r = begin("group show");
    (void)s;
    (void)turn;
    wire_put_text_z(r.b, "group", "members5000");
    return r;
}

static request claim_boxes(const site *s, unsigned turn)
{
    request r = begin("outbox claim");
    (void)s;
    (void)turn;
    wire_put_int(r.b, "limit", 50);
    return r;
}

static request ask_status(const site *s, unsigned turn)
{
    (void)s;
    (void)turn;
    return begin("vault status");
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool time_verb(const site *s, const char *op, const vault_caller *who, make_request *make,
                      double most_ms)
{
    double took[CALLS];
    tell_progress(op);
    for (unsigned i = 0; i < CALLS; i++) {
        const request r = make(s, i + 1);
        const double start = now_ms();
        if (!ask(s, who, r))
            return false;
        took[i] = now_ms() - start;
    }
    qsort(took, CALLS, sizeof took[0], compare);
    result *x = add_result(s, op);
    x->ms = took[CALLS / 2];
    x->worst_ms = took[CALLS - 1];
    x->most_ms = most_ms;
    x->met = most_ms == 0 || x->ms <= most_ms;
    return true;
}

static bool time_verbs(const site *s)
{
    return make_group(s, "small", 10, true) &&
           time_verb(s, "key show", &officer, show_key, MOST_MS) &&
           time_verb(s, "group rekey --plan, 10 members", &officer, plan_rekey, MOST_MS) &&
           time_verb(s, "key generate --plan (clash check)", &officer, plan_key, MOST_MS) &&
           time_verb(s, "unit show", &officer, show_unit, 0) &&
           time_verb(s, "unit list, 100", &officer, list_units, 0) &&
           time_verb(s, "key list, 100", &officer, list_keys, 0) &&
           time_verb(s, "group show, 5,000 members", &officer, show_group, 0) &&
           time_verb(s, "outbox claim, 50", &courier, claim_boxes, 0) &&
           time_verb(s, "vault status", &officer, ask_status, 0);
}

/* 50,000 names in one request, all of which get a group key and an LMR key; then who is not ready.
 */
static bool large_group(const site *s)
{
    char name[32];
    request r = begin("group create");
    wire_put_text_z(r.b, "group", "all");
    wire_open_list(r.b, "slns");
    wire_put_int(r.b, NULL, 2);
    wire_close(r.b);
    if (!ask(s, &officer, r))
        return false;
    r = begin("group members");
    wire_put_text_z(r.b, "group", "all");
    wire_open_list(r.b, "add");
    for (unsigned i = 0; i < MEMBERS_MOST; i++) {
        snprintf(name, sizeof name, "u%07u", i);
        wire_put_text_z(r.b, NULL, name);
    }
    wire_close(r.b);
    tell_progress("group members, 50,000 names");
    double start = now_ms();
    if (!ask(s, &officer, r))
        return false;
    add_result(s, "group members, 50,000 added")->ms = now_ms() - start;
    r = begin("group rekey");
    wire_put_text_z(r.b, "group", "all");
    start = now_ms();
    if (!ask(s, &officer, r))
        return false;
    add_result(s, "group rekey, 50,000 radios staged")->ms = now_ms() - start;
    r = begin("group changeover");
    wire_put_text_z(r.b, "group", "all");
    wire_put_text_z(r.b, "override", "measured");
    wire_put_bool(r.b, "plan", true);
    start = now_ms();
    if (!ask(s, &officer, r))
        return false;
    add_result(s, "group changeover --plan, 50,000 not ready")->ms = now_ms() - start;
    return true;
}

/* ---- memory ---- */

static double kib_of(const char *name)
{
    char line[128];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name) + 1, NULL);
    if (f != NULL)
        (void)fclose(f);
    return kib;
}

static void tell_memory(const site *s)
{
    static const char *const names[] = { "VmRSS", "VmHWM" };
    for (size_t i = 0; i < KF_COUNT(names); i++) {
        char op[64];
        snprintf(op, sizeof op, "memory of this process, %s", names[i]);
        result *r = add_result(s, op);
        r->kib = kib_of(names[i]);
        r->most_kib = MOST_KIB;
        r->met = r->kib > 0 && r->kib <= MOST_KIB;
    }
}

/* ---- report ---- */

static void print_result(const result *r)
{
    char text[160] = "";
    if (r->per_s > 0)
        snprintf(
            text, sizeof text,
            "%5.0f/s, raw on all cores %5.0f/s: %3.0f %% (busy machine: %3.0f %%); %.0f us each, "
            "plan %.0f ms, work <= %.0f ms",
            r->per_s, r->raw_per_s, 100 * r->ratio, 100 * r->ratio_busy, r->us, r->ms, r->worst_ms);
    else if (r->kib > 0)
        snprintf(text, sizeof text, "%6.1f MiB", r->kib / 1024);
    else if (r->ratio > 0)
        snprintf(text, sizeof text, "%6.2f", r->ratio);
    else if (r->worst_ms > 0)
        snprintf(text, sizeof text, "%6.2f ms, longest %.2f ms", r->ms, r->worst_ms);
    else
        snprintf(text, sizeof text, "%6.0f ms", r->ms);
    (void)printf("%-11s %-44s %s%s\n", r->store, r->op, text, r->met ? "" : "  MISSED");
}

static json_t *real_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *result_json(const result *r)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
                     "op", r->op, "store", r->store, "ours_per_s", real_or_null(r->per_s), "peer",
                     r->raw_per_s > 0 ? json_string("raw sealing on every core") : json_null(),
                     "peer_per_s", real_or_null(r->raw_per_s), "ratio", real_or_null(r->ratio),
                     "ratio_busy", real_or_null(r->ratio_busy), "us_each", real_or_null(r->us),
                     "ms", real_or_null(r->ms), "worst_ms", real_or_null(r->worst_ms), "kib",
                     real_or_null(r->kib), "want_ratio", real_or_null(r->want_ratio), "most_ms",
                     real_or_null(r->most_ms), "most_kib", real_or_null(r->most_kib), "met",
                     r->met);
}

static bool print_json(void)
{
    json_t *list = json_array();
    int bad = 0;
    for (size_t i = 0; i < all.count; i++)
        bad |= json_array_append_new(list, result_json(&all.results[i]));
    json_t *top = json_pack("{s:s, s:I, s:o}", "bench", "bench_vault", "cores",
                            (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "results", list);
    bad |= top == NULL || json_dumpf(top, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0;
    (void)printf("\n");
    json_decref(top);
    return bench_check(bad == 0, "writing JSON");
}

static void print_help(FILE *out)
{
    (void)fprintf(
        out, "usage: bench_vault [--json] [--quick|--long] [--check] [--postgresql CONNINFO]\n"
             "\n"
             "A vault on SQLite, and on PostgreSQL if there is one: rekeys, look-ups, memory.\n"
             "\n"
             "  --json                 one JSON object on stdout; results is an array\n"
             "  --long                 1,000,000 keys on PostgreSQL too, and 50,000 members\n"
             "  --check                exit 1 when a target is missed\n"
             "  --postgresql CONNINFO  the data base, else $KF_POSTGRESQL; a schema is made\n"
             "                         in it, and dropped\n"
             "  --help                 this\n"
             "\n"
             "example: build/bin/bench_vault --json\n");
}

static bool parse_options(int argc, char **argv, options *o)
{
    *o = (options){ .postgresql = getenv("KF_POSTGRESQL") };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            o->check = true;
        } else if (strcmp(argv[i], "--long") == 0) {
            o->is_long = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            o->is_quick = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            o->help = true;
        } else if (strcmp(argv[i], "--postgresql") == 0 && i + 1 < argc) {
            o->postgresql = argv[++i];
        } else {
            (void)fprintf(stderr, "unknown option or missing value: %s\n", argv[i]);
            return false;
        }
    }
    return true;
}

/* Lines are shown as they come: the whole takes a minute and more. */
static void print_new(void)
{
    static size_t printed;
    if (all.o.json)
        return;
    tell_progress("");
    (void)fprintf(stderr, "\r");
    for (; printed < all.count; printed++)
        print_result(&all.results[printed]);
    (void)fflush(stdout);
}

static bool measure(const char *name, const char *conninfo)
{
    site s;
    const bool is_large = !all.o.is_quick && (conninfo == NULL || all.o.is_long);
    bool ok = open_site(&s, name, conninfo) &&
              fill_site(&s, is_large ? 100000 : 20000, is_large ? 1000000 : 100000) && rekeys(&s);
    print_new();
    ok = ok && time_verbs(&s);
    print_new();
    ok = ok && (!all.o.is_long || large_group(&s));
    if (ok)
        tell_memory(&s);
    print_new();
    close_site(&s);
    return ok;
}

int main(int argc, char **argv)
{
    if (!parse_options(argc, argv, &all.o)) {
        print_help(stderr);
        return 2;
    }
    if (all.o.help) {
        print_help(stdout);
        return 0;
    }
    bool ok = mikey_prepare_inputs() && measure("sqlite", NULL);
    if (ok && all.o.postgresql != NULL)
        ok = measure("postgresql", all.o.postgresql);
    if (all.o.json)
        ok = print_json() && ok;
    for (size_t i = 0; ok && all.o.check && i < all.count; i++)
        ok = all.results[i].met;
    return ok ? 0 : 1;
}

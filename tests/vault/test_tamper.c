/*
 * Somebody with the store in hand alters the chain of events: edits, deletes, reorders, truncates,
 * puts an older state back, and hides it as well as one can without the vault's keys. `audit
 * verify` finds it, or the anchor does when the vault is unsealed the next time.
 */
#include "vault/audit.h"
#include "vault/fixture.h"

#define EVENTS_MAX 256u

/* ---- the store in hand ---- */

typedef struct thief {
    store *db;
    testing_rng r;
    int64_t events, checkpoints;
    uint8_t vault_id[SEAL_ID_OCTETS];
    size_t by_verify, by_anchor;
} thief;

#define IN(...)                                                                                    \
    (const store_value[]){ __VA_ARGS__ }, KF_COUNT(((const store_value[]){ __VA_ARGS__ }))

static void run(thief *t, const store_sql *sql, const store_value *in, size_t count)
{
    if (store_run(t->db, sql, in, count, NULL, NULL) != KF_OK)
        fail_msg("%s: %s", sql->text, store_last_fault(t->db)->text);
}

static int64_t number(thief *t, const store_sql *sql, const store_value *in, size_t count)
{
    int64_t n = 0;
    if (store_get_int(t->db, sql, in, count, &n) != KF_OK)
        fail_msg("%s: %s", sql->text, store_last_fault(t->db)->text);
    return n;
}

static int64_t below(thief *t, int64_t limit)
{
    return (int64_t)testing_rng_below(&t->r, (size_t)limit);
}

static int64_t any_event(thief *t)
{
    return 1 + below(t, t->events);
}

static int64_t any_checkpoint(thief *t)
{
    static const store_sql nth = {
        "SELECT max(seq) FROM (SELECT seq FROM checkpoint ORDER BY seq LIMIT $1) AS x"
    };
    return number(t, &nth, IN(store_int(1 + below(t, t->checkpoints))));
}

/* ---- one row ---- */

static void edit_text(thief *t)
{
    static const store_sql edits[] = {
        { "UPDATE event SET actor = actor || 'x' WHERE seq = $1" },
        { "UPDATE event SET actor = 'mallory' WHERE seq = $1" },
        { "UPDATE event SET verb = verb || ' ' WHERE seq = $1" },
        { "UPDATE event SET verb = 'key show' WHERE seq = $1" },
        { "UPDATE event SET subject = subject || '0' WHERE seq = $1" },
        { "UPDATE event SET subject = 'key 1' WHERE seq = $1" },
        { "UPDATE event SET outcome = 'planned' WHERE seq = $1" },
        { "UPDATE event SET outcome = outcome || '.' WHERE seq = $1" },
        { "UPDATE event SET detail = detail || '.' WHERE seq = $1" },
        { "UPDATE event SET actor = actor || verb, verb = '' WHERE seq = $1" },
        { "UPDATE event SET verb = verb || subject, subject = '' , detail = 'x' WHERE seq = $1" },
    };
    run(t, &edits[below(t, KF_COUNT(edits))], IN(store_int(any_event(t))));
}

static void edit_number(thief *t)
{
    static const store_sql edits[] = {
        { "UPDATE event SET at = at + $2 WHERE seq = $1" },
        { "UPDATE event SET at = at - $2 WHERE seq = $1" },
        { "UPDATE event SET role = role + $2 WHERE seq = $1" },
        { "UPDATE event SET role = role + 256 * $2 WHERE seq = $1" },
        { "UPDATE event SET at = at + 4294967296 * $2 WHERE seq = $1" },
        { "UPDATE event SET seq = seq + 100000 + $2 WHERE seq = $1" },
        { "UPDATE event SET seq = -$2 WHERE seq = $1" },
    };
    run(t, &edits[below(t, KF_COUNT(edits))],
        IN(store_int(any_event(t)), store_int(1 + below(t, 1000))));
}

typedef struct blob {
    size_t len;
    uint8_t octets[128];
} blob;

static kf_err take_blob(void *ctx, const store_value *c, size_t count)
{
    blob *b = ctx;
    assert_int_equal(count, 1);
    assert_true(c[0].octets.len <= sizeof b->octets);
    b->len = c[0].octets.len;
    memcpy(b->octets, c[0].octets.ptr, b->len);
    return KF_OK;
}

/* Flip a bit, or cut. */
static void edit_blob(thief *t)
{
    static const struct {
        store_sql get, put;
    } places[] = {
        { { "SELECT hash FROM event WHERE seq = $1" },
          { "UPDATE event SET hash = $2 WHERE seq = $1" } },
        { { "SELECT hash FROM checkpoint WHERE seq = $1" },
          { "UPDATE checkpoint SET hash = $2 WHERE seq = $1" } },
        { { "SELECT signature FROM checkpoint WHERE seq = $1" },
          { "UPDATE checkpoint SET signature = $2 WHERE seq = $1" } },
    };
    const size_t i = (size_t)below(t, KF_COUNT(places));
    const int64_t seq = i == 0 ? any_event(t) : any_checkpoint(t);
    blob b = { 0, { 0 } };
    if (store_run(t->db, &places[i].get, IN(store_int(seq)), take_blob, &b) != KF_OK)
        fail_msg("%s", store_last_fault(t->db)->text);
    assert_true(b.len > 0);
    if (below(t, 8) == 0)
        b.len = (size_t)below(t, (int64_t)b.len);
    else
        b.octets[below(t, (int64_t)b.len)] ^= (uint8_t)(1 << below(t, 8));
    run(t, &places[i].put, IN(store_int(seq), store_blob((kf_slice){ b.octets, b.len })));
}

static void edit_checkpoint(thief *t)
{
    static const store_sql edits[] = {
        { "UPDATE checkpoint SET at = at + 1 WHERE seq = $1" },
        { "UPDATE checkpoint SET at = at - 1000000 WHERE seq = $1" },
        { "UPDATE checkpoint SET seq = seq + 100000 WHERE seq = $1" },
        { "UPDATE checkpoint SET seq = -seq WHERE seq = $1" },
        { "DELETE FROM checkpoint WHERE seq = $1" },
        { "DELETE FROM checkpoint WHERE seq >= $1" },
        { "DELETE FROM checkpoint WHERE seq <= $1" },
    };
    run(t, &edits[below(t, KF_COUNT(edits))], IN(store_int(any_checkpoint(t))));
}

/* ---- many rows ---- */

static void delete_some(thief *t)
{
    static const store_sql one = { "DELETE FROM event WHERE seq = $1" };
    static const store_sql range = { "DELETE FROM event WHERE seq >= $1 AND seq <= $1 + $2" };
    static const store_sql close = { "UPDATE event SET seq = seq - 1 WHERE seq > $1" };
    const int64_t seq = any_event(t);
    if (below(t, 2) == 0) {
        run(t, &range, IN(store_int(seq), store_int(below(t, 5))));
        return;
    }
    run(t, &one, IN(store_int(seq)));
    if (seq == t->events - 1 || (below(t, 2) == 0 && seq == t->events))
        run(t, &close, IN(store_int(seq))); /* no gap is left */
}

static void reorder(thief *t)
{
    static const store_sql move = { "UPDATE event SET seq = $2 WHERE seq = $1" };
    const int64_t a = any_event(t);
    int64_t b = any_event(t);
    if (a == b)
        b = a == t->events ? 1 : a + 1;
    run(t, &move, IN(store_int(a), store_int(-1)));
    run(t, &move, IN(store_int(b), store_int(a)));
    run(t, &move, IN(store_int(-1), store_int(b)));
}

/* As the store was after some event: nothing inside it is wrong. */
static void put_back(thief *t)
{
    static const store_sql events = { "DELETE FROM event WHERE seq > $1" };
    static const store_sql checkpoints = { "DELETE FROM checkpoint WHERE seq > $1" };
    const int64_t last = below(t, t->events);
    run(t, &events, IN(store_int(last)));
    run(t, &checkpoints, IN(store_int(last)));
}

static void truncate_only_events(thief *t)
{
    static const store_sql events = { "DELETE FROM event WHERE seq > $1" };
    run(t, &events, IN(store_int(below(t, t->events))));
}

/* ---- with the chain made anew: the hashes need no key ---- */

typedef struct chain {
    uint8_t hash[32];
    size_t count;
    int64_t seqs[EVENTS_MAX];
    uint8_t hashes[EVENTS_MAX][32];
} chain;

static kf_err link_on(void *ctx, const store_value *c, size_t count)
{
    chain *k = ctx;
    vault_event e = { .seq = c[0].number, .at = c[1].number, .role = (uint8_t)c[2].number };
    assert_int_equal(count, 8);
    assert_true(k->count < EVENTS_MAX);
    for (size_t i = 0; i < VAULT_EVENT_TEXTS; i++)
        e.texts[i] = c[3 + i].octets;
    assert_ok(vault_event_hash(&e, k->hash));
    memcpy(k->hashes[k->count], k->hash, 32);
    k->seqs[k->count++] = e.seq;
    return KF_OK;
}

static void forge(thief *t)
{
    static const store_sql edit = { "UPDATE event SET actor = actor || 'x' WHERE seq = $1" };
    static const store_sql all = { "SELECT seq, at, role, actor, verb, subject, outcome, detail"
                                   " FROM event ORDER BY seq" };
    static const store_sql put = { "UPDATE event SET hash = $2 WHERE seq = $1" };
    static const store_sql unsign = { "DELETE FROM checkpoint WHERE seq >= $1" };
    static const store_sql hide = { "UPDATE event SET verb = 'vault status' WHERE seq >= $1 AND"
                                    " verb = '" VAULT_CHECKPOINT_VERB "'" };
    static chain k;
    const int64_t seq = any_event(t), depth = below(t, 3);
    run(t, &edit, IN(store_int(seq)));
    if (depth >= 1)
        run(t, &unsign, IN(store_int(seq)));
    if (depth >= 2)
        run(t, &hide, IN(store_int(seq)));
    k.count = 0;
    assert_ok(vault_event_first(t->vault_id, k.hash));
    if (store_run(t->db, &all, NULL, 0, link_on, &k) != KF_OK)
        fail_msg("%s", store_last_fault(t->db)->text);
    for (size_t i = 0; i < k.count; i++)
        run(t, &put, IN(store_int(k.seqs[i]), store_blob((kf_slice){ k.hashes[i], 32 })));
}

static void (*const tampers[])(thief *t) = { edit_text,       edit_number,          edit_blob,
                                             edit_checkpoint, delete_some,          reorder,
                                             put_back,        truncate_only_events, forge };
static const char *const names[] = { "edit_text",       "edit_number",          "edit_blob",
                                     "edit_checkpoint", "delete_some",          "reorder",
                                     "put_back",        "truncate_only_events", "forge" };

/* ---- the campaign ---- */

static const store_sql keeping[] = {
    { "CREATE TABLE kept_event AS SELECT * FROM event" },
    { "CREATE TABLE kept_checkpoint AS SELECT * FROM checkpoint" },
};
static const store_sql restoring[] = {
    { "DELETE FROM event" },
    { "DELETE FROM checkpoint" },
    { "INSERT INTO event SELECT * FROM kept_event" },
    { "INSERT INTO checkpoint SELECT * FROM kept_checkpoint" },
};

static void change(thief *t, const store_sql *statements, size_t count)
{
    assert_ok(store_begin(t->db, STORE_WRITE));
    for (size_t i = 0; i < count; i++)
        run(t, &statements[i], NULL, 0);
    assert_ok(store_commit(t->db));
}

/* A vault that has done something for hours, and was sealed and unsealed. */
static void fill(scene *s)
{
    for (int n = 0; n < 40; n++) {
        DONE(s, &officer, "key generate", "kind", 's', "tek");
        s->now += 400;
        if (n % 5 == 0)
            work(s);
        if (n % 17 == 16) {
            DONE(s, &officer, "vault seal");
            unseal(s);
        }
        if (n % 7 == 0)
            REFUSED(s, "denied", &courier, "key list");
    }
    DONE(s, &auditor, "audit verify");
    assert_true(wire_get_int(s->out, "checkpoints", 0) >= 4);
}

static void open_hand(thief *t, const scene *s)
{
    static const store_sql events = { "SELECT count(*) FROM event" };
    static const store_sql checkpoints = { "SELECT count(*) FROM checkpoint" };
    static const store_sql id = { "SELECT value FROM meta WHERE name = 'vault_id'" };
    store_fault fault;
    blob b = { 0, { 0 } };
    memset(t, 0, sizeof *t);
    testing_rng_init(&t->r, "tamper");
    assert_ok(store_open(s->store, &t->db, &fault));
    change(t, keeping, KF_COUNT(keeping));
    assert_ok(store_begin(t->db, STORE_READ));
    t->events = number(t, &events, NULL, 0);
    t->checkpoints = number(t, &checkpoints, NULL, 0);
    assert_ok(store_run(t->db, &id, NULL, 0, take_blob, &b));
    store_rollback(t->db);
    assert_int_equal(b.len, sizeof t->vault_id);
    memcpy(t->vault_id, b.octets, sizeof t->vault_id);
}

/* The same vault, started and unsealed anew: does the anchor refuse it? */
static bool is_found_by_anchor(const scene *s)
{
    const kf_slice passphrase = octets_of(PASSPHRASE);
    scene again = *s;
    again.v = NULL;
    again.tree = NULL;
    again.built = NULL;
    scene_start(&again);
    const kf_err err = ask(&again, &officer, "vault unseal", "passphrase", 'o', &passphrase, NULL);
    const bool found = err != KF_OK && strcmp(again.refusal.code, "rolled-back") == 0 &&
                       !vault_is_unsealed(again.v);
    scene_stop(&again);
    return found;
}

static void every_tamper_is_found(void **state)
{
    const size_t count = testing_count(200, 10000);
    scene s;
    thief t;
    (void)state;
    scene_open(&s);
    fill(&s);
    open_hand(&t, &s);
    for (size_t i = 0; i < count; i++) {
        const size_t kind = i % KF_COUNT(tampers);
        assert_ok(store_begin(t.db, STORE_WRITE));
        tampers[kind](&t);
        assert_ok(store_commit(t.db));
        if (ask(&s, &auditor, "audit verify", NULL) != KF_OK)
            t.by_verify++;
        else if (is_found_by_anchor(&s))
            t.by_anchor++;
        else
            fail_msg("tamper %zu (%s) is not found", i, names[kind]);
        change(&t, restoring, KF_COUNT(restoring));
        if (i % 50 == 0)
            DONE(&s, &auditor, "audit verify");
    }
    print_message("%zu tampers found: %zu by audit verify, %zu by the anchor\n", count, t.by_verify,
                  t.by_anchor);
    assert_true(t.by_verify > 0 && t.by_anchor > 0);
    DONE(&s, &auditor, "audit verify");
    DONE(&s, &officer, "key generate", "kind", 's', "tek"); /* put right, it goes on */
    store_close(&t.db);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tamper_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

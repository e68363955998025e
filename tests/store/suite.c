/* One suite for both backends: SQLite, or PostgreSQL where KF_POSTGRESQL has a conninfo. */
#include "support/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

#define IN(...)                                                                                    \
    (const store_value[]){ __VA_ARGS__ }, KF_COUNT(((const store_value[]){ __VA_ARGS__ }))

static const char *conninfo; /* NULL: SQLite */
static char dir[] = "/tmp/kfstore-test.XXXXXX";
static const char *self;
static unsigned made; /* stores so far: each has a file or a PostgreSQL schema of its own */

/* ---- stores ---- */

static void admin(const char *sql)
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(res);
    PQfinish(conn);
}

typedef struct place {
    char where[512];
} place;

static place new_lite(void)
{
    place p;
    snprintf(p.where, sizeof p.where, "sqlite:%s/store-%u", dir, ++made);
    return p;
}

static place new_place(void)
{
    place p;
    char sql[64];
    if (conninfo == NULL)
        return new_lite();
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%u", ++made);
    admin(sql);
    snprintf(p.where, sizeof p.where, "postgresql:%s options='-c search_path=t%u'", conninfo, made);
    return p;
}

static store *open_at(const place *p)
{
    store *s = NULL;
    store_fault fault;
    const kf_err err = store_open(p->where, &s, &fault);
    if (err != KF_OK)
        fail_msg("%s: %s", p->where, fault.text);
    return s;
}

static const store_migration steps[] = {
    { "people", "CREATE TABLE person (id {serial}, name TEXT NOT NULL UNIQUE, boss BIGINT"
                " REFERENCES person(id), age BIGINT CHECK (age >= 0), face {blob});\n"
                "INSERT INTO person (id, name, age) VALUES (1000, 'the first', 99);\n" },
    { "things", "CREATE TABLE thing (id BIGINT PRIMARY KEY, owner BIGINT REFERENCES person(id),"
                " label TEXT, octets {blob});\n"
                "CREATE UNIQUE INDEX thing_label ON thing (label) WHERE label <> 'same';\n"
                "CREATE TABLE job (id BIGINT PRIMARY KEY, worker BIGINT);\n"
                "CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);\n"
                "INSERT INTO counter (name, value) VALUES ('n', 0);\n" },
};
#define STEPS steps, KF_COUNT(steps)

/* A new, migrated store. */
static store *fresh(place *p)
{
    *p = new_place();
    store *s = open_at(p);
    assert_ok(store_migrate(s, STEPS));
    return s;
}

static void must(store *s, kf_err err, const char *what)
{
    if (err != KF_OK)
        fail_msg("%s: %s: %s", what, kf_err_name(err), store_last_fault(s)->text);
}
#define MUST(s, call) must((s), (call), #call)

static const store_sql put_thing = {
    "INSERT INTO thing (id, owner, label, octets) VALUES ($1, $2, $3, $4)"
};
static const store_sql get_thing = { "SELECT id, owner, label, octets FROM thing WHERE id = $1" };
static const store_sql count_things = { "SELECT count(*) FROM thing" };
static const store_sql add_one = { "UPDATE counter SET value = value + 1 WHERE name = 'n'" };
static const store_sql get_counter = { "SELECT value FROM counter WHERE name = 'n'" };

static int64_t number_of(store *s, const store_sql *sql)
{
    int64_t n = -1;
    const bool own = !store_is_open(s);
    if (own)
        MUST(s, store_begin(s, STORE_READ));
    MUST(s, store_get_int(s, sql, NULL, 0, &n));
    if (own)
        MUST(s, store_commit(s));
    return n;
}

static kf_err put(store *s, int64_t id, store_value label, store_value octets)
{
    return store_run(s, &put_thing, IN(store_int(id), store_null(), label, octets), NULL, NULL);
}

/* ---- values ---- */

typedef struct row_want {
    store_value label, octets;
    int rows;
} row_want;

static kf_err expect_row(void *ctx, const store_value *columns, size_t count)
{
    row_want *want = ctx;
    want->rows++;
    assert_int_equal(count, 4);
    assert_int_equal(columns[0].type, STORE_INT);
    assert_int_equal(columns[1].type, STORE_NULL);
    assert_int_equal(columns[2].type, want->label.type);
    assert_slice_equal(columns[2].octets, want->label.octets);
    assert_int_equal(columns[3].type, want->octets.type);
    assert_slice_equal(columns[3].octets, want->octets.octets);
    return KF_OK;
}

static void round_trip(store *s, int64_t id, store_value label, store_value octets)
{
    row_want want = { label, octets, 0 };
    MUST(s, put(s, id, label, octets));
    assert_int_equal(store_changes(s), 1);
    MUST(s, store_run(s, &get_thing, IN(store_int(id)), expect_row, &want));
    assert_int_equal(store_changes(s), 0);
    assert_int_equal(want.rows, 1);
}

static void test_values(void **state)
{
    (void)state;
    place p;
    static uint8_t big[1u << 20], all[256];
    static const uint8_t nothing = 0;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    round_trip(s, 0, store_null(), store_null());
    round_trip(s, 1, store_text_z(""), store_blob((kf_slice){ NULL, 0 }));
    round_trip(s, INT64_MAX, store_text_z("a"), store_blob((kf_slice){ &nothing, 1 }));
    round_trip(s, INT64_MIN, store_text_z("'; DROP TABLE thing; --"), store_blob(KF_SLICE_OF(all)));
    round_trip(s, -1, store_text_z("\xc3\xa9\xf0\x9f\x94\x91"), store_blob(KF_SLICE_OF(big)));
    round_trip(s, 2, store_null(), store_blob((kf_slice){ big, 0 }));
    MUST(s, store_commit(s));
    int64_t id = 0;
    static const store_sql least = { "SELECT min(id) FROM thing" };
    static const store_sql most = { "SELECT max(id) FROM thing" };
    static const store_sql sum = { "SELECT sum(id) FROM thing WHERE id > 0 AND id < 3" };
    static const store_sql big_sum = { "SELECT sum(id) FROM thing WHERE id < 0 AND id > -5" };
    static const store_sql huge = { "SELECT sum(v) FROM (SELECT 9007199254740993 AS v) q" };
    static const store_sql lowest = { "SELECT {pg:CAST(-9223372036854775808 AS numeric)}"
                                      "{lite:-9223372036854775808}" };
    static const store_sql highest = { "SELECT {pg:CAST(9223372036854775807 AS numeric)}"
                                       "{lite:9223372036854775807}" };
    static const store_sql round = { "SELECT {pg:CAST(-1200000000 AS numeric)}{lite:-1200000000}" };
    static const store_sql zero = { "SELECT {pg:CAST(0 AS numeric)}{lite:0}" };
    static const store_sql over = { "SELECT {pg:CAST(9223372036854775808 AS numeric)}{lite:1.5}" };
    static const store_sql under = {
        "SELECT {pg:CAST(-9223372036854775809 AS numeric)}{lite:1.5}"
    };
    static const store_sql part = { "SELECT {pg:CAST(1.5 AS numeric)}{lite:1.5}" };
    static const store_sql *const not_ours[] = { &over, &under, &part };
    static const store_sql is_so = { "SELECT EXISTS (SELECT 1 FROM thing WHERE id = 0)" };
    id = number_of(s, &least);
    assert_true(id == INT64_MIN);
    assert_true(number_of(s, &most) == INT64_MAX);
    assert_int_equal(number_of(s, &sum), 3);
    assert_int_equal(number_of(s, &big_sum), -1);
    assert_true(number_of(s, &huge) == INT64_C(9007199254740993));
    assert_int_equal(number_of(s, &is_so), 1);
    assert_true(number_of(s, &lowest) == INT64_MIN);
    assert_true(number_of(s, &highest) == INT64_MAX);
    assert_int_equal(number_of(s, &round), -1200000000);
    assert_int_equal(number_of(s, &zero), 0);
    for (size_t i = 0; i < KF_COUNT(not_ours); i++) {
        MUST(s, store_begin(s, STORE_READ));
        assert_err(store_get_int(s, not_ours[i], NULL, 0, &id), KF_E_BACKEND);
        store_rollback(s);
    }
    store_close(&s);
}

/* What is no text for one backend is none for the other. */
static void test_bad_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"
    };
    place p;
    store *s = fresh(&p);
    for (size_t i = 0; i <= KF_COUNT(bad); i++) {
        const kf_slice text =
            i < KF_COUNT(bad) ? kf_slice_str(bad[i]) : (kf_slice){ (const uint8_t *)"a\0b", 3 };
        MUST(s, store_begin(s, STORE_WRITE));
        assert_err(put(s, 1, store_text(text), store_null()), KF_E_BACKEND);
        assert_int_equal(store_last_fault(s)->reason, STORE_BROKEN);
        store_rollback(s);
    }
    store_close(&s);
}

/* A parameter that was only NULL gets its type later; names count, not order. */
static void test_parameters(void **state)
{
    (void)state;
    static const store_sql maybe = { "SELECT count(*) FROM thing WHERE ($1 {pg:::bigint} IS NULL OR"
                                     " owner = $1)" };
    static const store_sql turned = { "SELECT count(*) FROM thing WHERE label = $2 AND id = $1" };
    static const store_sql five = { "SELECT $1 {pg:::bigint} LIMIT $2" };
    place p;
    int64_t n = 0;
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, put(s, 7, store_text_z("x"), store_null()));
    MUST(s, put(s, 8, store_null(), store_blob(kf_slice_str("later"))));
    MUST(s, store_get_int(s, &maybe, IN(store_null()), &n));
    assert_int_equal(n, 2);
    MUST(s, store_get_int(s, &maybe, IN(store_int(1000)), &n));
    assert_int_equal(n, 0);
    MUST(s, store_get_int(s, &maybe, IN(store_null()), &n));
    assert_int_equal(n, 2);
    MUST(s, store_get_int(s, &turned, IN(store_int(7), store_text_z("x")), &n));
    assert_int_equal(n, 1);
    MUST(s, store_get_int(s, &five, IN(store_int(5), store_int(1)), &n));
    assert_int_equal(n, 5);
    assert_err(store_get_int(s, &five, IN(store_int(5), store_int(0)), &n), KF_E_STATE);
    assert_int_equal(n, 0);
    MUST(s, store_commit(s));
    MUST(s, store_begin(s, STORE_WRITE));
    assert_err(store_get_int(s, &turned, IN(store_int(7)), &n), KF_E_BACKEND);
    store_rollback(s);
    store_close(&s);
}

/* ---- transactions ---- */

/* A clash is named, holds no value, and leaves nothing but rolling back. */
static void test_clash(void **state)
{
    (void)state;
    static const store_sql put_person = {
        "INSERT INTO person (name, boss, age) VALUES ($1, $2, $3)"
    };
    static const store_sql drop_first = { "DELETE FROM person WHERE id = 1000" };
    static const char secret[] = "do-not-show-77777";
    const store_value name = store_text_z(secret), other = store_text_z("other");
    const struct {
        store_value in[3];
    } clashes[] = {
        { { name, store_null(), store_int(1) } },             /* unique */
        { { other, store_int(77777), store_int(1) } },        /* foreign key */
        { { other, store_null(), store_int(-77777) } },       /* check */
        { { store_null(), store_null(), store_int(77777) } }, /* not null */
    };
    place p;
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, store_run(s, &put_person, IN(name, store_int(1000), store_int(1)), NULL, NULL));
    MUST(s, store_commit(s));
    for (size_t i = 0; i <= KF_COUNT(clashes); i++) {
        MUST(s, store_begin(s, STORE_WRITE));
        MUST(s, put(s, 5, store_null(), store_null()));
        assert_err(i < KF_COUNT(clashes) ? store_run(s, &put_person, clashes[i].in, 3, NULL, NULL)
                                         : store_run(s, &drop_first, NULL, 0, NULL, NULL),
                   KF_E_DENIED);
        assert_int_equal(store_last_fault(s)->reason, STORE_CLASH);
        assert_null(strstr(store_last_fault(s)->text, "77777"));
        assert_true(strlen(store_last_fault(s)->text) > 0);
        assert_err(put(s, 6, store_null(), store_null()), KF_E_STATE);
        assert_err(store_commit(s), KF_E_STATE);
        assert_false(store_is_open(s));
        assert_int_equal(store_last_fault(s)->reason, STORE_CLASH);
        assert_int_equal(number_of(s, &count_things), 0);
    }
    store_close(&s);
}

/* An error of the server that quotes its input does not reach the fault. */
static void test_fault_is_mute(void **state)
{
    (void)state;
    static const store_sql cast = { "SELECT {pg:CAST($1 AS TEXT)::bigint}{lite:abs($1)}" };
    static const store_sql wrong = { "SELECT nothing FROM nowhere" };
    static const store_sql two = { "SELECT 1; SELECT 2" };
    static const store_sql marker = { "SELECT {mysql:1}" };
    const store_sql *const broken[] = { &wrong, &two, &marker };
    place p;
    store *s = fresh(&p);
    if (conninfo != NULL) {
        MUST(s, store_begin(s, STORE_READ));
        assert_err(store_run(s, &cast, IN(store_text_z("secret-88")), NULL, NULL), KF_E_BACKEND);
        assert_null(strstr(store_last_fault(s)->text, "secret"));
        assert_int_equal(store_last_fault(s)->reason, STORE_BROKEN);
        store_rollback(s);
    }
    for (size_t i = 0; i < KF_COUNT(broken); i++) {
        MUST(s, store_begin(s, STORE_READ));
        assert_err(store_run(s, broken[i], NULL, 0, NULL, NULL), KF_E_BACKEND);
        assert_int_equal(store_last_fault(s)->reason, STORE_BROKEN);
        store_rollback(s);
    }
    store_close(&s);
}

static void test_order(void **state)
{
    (void)state;
    place p;
    size_t version = 9;
    store *s = fresh(&p);
    assert_err(put(s, 1, store_null(), store_null()), KF_E_STATE);
    assert_err(store_commit(s), KF_E_STATE);
    store_rollback(s);
    MUST(s, store_begin(s, STORE_WRITE));
    assert_true(store_is_open(s));
    assert_err(store_begin(s, STORE_READ), KF_E_STATE);
    assert_err(store_migrate(s, STEPS), KF_E_STATE);
    assert_err(store_backup(s, "/tmp/never", STEPS), KF_E_STATE);
    assert_err(store_restore(s, "/tmp/never", STEPS), KF_E_STATE);
    MUST(s, put(s, 1, store_null(), store_null()));
    store_rollback(s);
    assert_int_equal(number_of(s, &count_things), 0);
    MUST(s, store_begin(s, STORE_READ));
    MUST(s, store_schema_version(s, &version));
    assert_int_equal(version, 2);
    assert_err(put(s, 1, store_null(), store_null()), KF_E_BACKEND);
    assert_int_equal(store_last_fault(s)->reason, STORE_BROKEN);
    store_rollback(s);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, put(s, 1, store_null(), store_null()));
    store_close(&s); /* rolls back */
    s = open_at(&p);
    assert_int_equal(number_of(s, &count_things), 0);
    store_close(&s);
}

/* A reader sees the moment of its first look. */
static void test_snapshot(void **state)
{
    (void)state;
    place p;
    store *a = fresh(&p), *b = open_at(&p);
    MUST(a, store_begin(a, STORE_READ));
    assert_int_equal(number_of(a, &count_things), 0);
    MUST(b, store_begin(b, STORE_WRITE));
    MUST(b, put(b, 1, store_null(), store_null()));
    MUST(b, store_commit(b));
    assert_int_equal(number_of(a, &count_things), 0);
    MUST(a, store_commit(a));
    assert_int_equal(number_of(a, &count_things), 1);
    store_close(&a);
    store_close(&b);
}

/* ---- rows ---- */

static const store_sql list = { "SELECT id FROM thing ORDER BY id" };

typedef struct walk {
    store *s;
    int rows, stop_at;
    bool same;
} walk;

static kf_err walk_row(void *ctx, const store_value *columns, size_t count)
{
    walk *w = ctx;
    int64_t n = 0;
    (void)columns;
    assert_int_equal(count, 1);
    if (++w->rows == w->stop_at)
        return KF_E_NO_SPACE;
    if (w->same)
        return store_get_int(w->s, &list, NULL, 0, &n);
    MUST(w->s, store_get_int(w->s, &count_things, NULL, 0, &n));
    return KF_OK;
}

static void test_rows(void **state)
{
    (void)state;
    static const store_sql insert_all = { "INSERT INTO thing (id) SELECT id + 10 FROM thing"
                                          " RETURNING id" };
    place p;
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    for (int64_t i = 0; i < 5; i++)
        MUST(s, put(s, i, store_null(), store_null()));
    walk w = { .s = s, .stop_at = 3 };
    assert_err(store_run(s, &list, NULL, 0, walk_row, &w), KF_E_NO_SPACE);
    assert_int_equal(w.rows, 3);
    w = (walk){ .s = s };
    MUST(s, store_run(s, &list, NULL, 0, walk_row, &w)); /* runs others for each row */
    assert_int_equal(w.rows, 5);
    w = (walk){ .s = s, .stop_at = 1 };
    assert_err(store_run(s, &insert_all, NULL, 0, walk_row, &w), KF_E_NO_SPACE);
    assert_int_equal(number_of(s, &count_things), 10); /* what it wrote stays */
    MUST(s, store_commit(s));
    MUST(s, store_begin(s, STORE_READ));
    w = (walk){ .s = s, .same = true };
    assert_err(store_run(s, &list, NULL, 0, walk_row, &w), KF_E_BACKEND);
    store_rollback(s);
    assert_int_equal(number_of(s, &count_things), 10);
    store_close(&s);
}

static void fill_many(store_value *values, size_t rows)
{
    static const uint8_t octets[64] = { 1, 2, 3 };
    for (size_t i = 0; i < rows; i++) {
        values[4 * i] = store_int((int64_t)i);
        values[4 * i + 1] = i % 2 == 0 ? store_null() : store_int(1000);
        values[4 * i + 2] = i % 3 == 0 ? store_null() : store_text_z("same");
        values[4 * i + 3] = store_blob(KF_SLICE_OF(octets));
    }
}

static void test_many(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    place p;
    store *s = fresh(&p);
    store_value *values = calloc(4 * ROWS, sizeof *values);
    assert_non_null(values);
    fill_many(values, ROWS);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, store_run_many(s, &put_thing, values, ROWS, 4));
    assert_int_equal(store_changes(s), ROWS);
    MUST(s, store_run_many(s, &put_thing, values, 0, 4));
    assert_int_equal(number_of(s, &count_things), ROWS);
    store_rollback(s);
    values[4 * 7000] = store_int(3); /* one in the middle clashes */
    MUST(s, store_begin(s, STORE_WRITE));
    assert_err(store_run_many(s, &put_thing, values, ROWS, 4), KF_E_DENIED);
    assert_err(store_commit(s), KF_E_STATE);
    assert_int_equal(number_of(s, &count_things), 0);
    free(values);
    store_close(&s);
}

/* ---- schema ---- */

static void test_migrate(void **state)
{
    (void)state;
    static const store_migration longer[] = { { "people", "-" },
                                              { "things", "-" },
                                              { "more", "CREATE TABLE more (id BIGINT)" } };
    static const store_migration other[] = { { "people", "-" }, { "birds", "-" } };
    static const store_migration failing[] = {
        { "people", "-" },
        { "things", "-" },
        { "bad", "CREATE TABLE half (id BIGINT);\nINSERT INTO half VALUES (1);\n"
                 "INSERT INTO nowhere VALUES (1);\n" }
    };
    static const store_sql half = { "SELECT count(*) FROM half" };
    place p = new_place();
    size_t version = 9;
    store *s = open_at(&p);
    MUST(s, store_schema_version(s, &version));
    assert_int_equal(version, 0);
    MUST(s, store_migrate(s, steps, 1));
    MUST(s, store_migrate(s, STEPS));
    MUST(s, store_migrate(s, STEPS));
    assert_err(store_migrate(s, failing, 3), KF_E_BACKEND);
    MUST(s, store_schema_version(s, &version));
    assert_int_equal(version, 2);
    MUST(s, store_begin(s, STORE_READ));
    assert_err(store_run(s, &half, NULL, 0, NULL, NULL), KF_E_BACKEND); /* no such table */
    store_rollback(s);
    assert_err(store_migrate(s, other, 2), KF_E_UNSUPPORTED);
    assert_int_equal(store_last_fault(s)->reason, STORE_OTHER_FORMAT);
    MUST(s, store_migrate(s, longer, 3));
    assert_err(store_migrate(s, STEPS), KF_E_UNSUPPORTED);
    assert_int_equal(store_last_fault(s)->reason, STORE_OTHER_FORMAT);
    MUST(s, store_schema_version(s, &version));
    assert_int_equal(version, 3);
    store_close(&s);
}

static void *migrate_thread(void *arg)
{
    store *s = NULL;
    store_fault fault;
    kf_err err = store_open(((const place *)arg)->where, &s, &fault);
    if (err == KF_OK)
        err = store_migrate(s, STEPS);
    if (err != KF_OK)
        fprintf(stderr, "%s\n", s == NULL ? fault.text : store_last_fault(s)->text);
    store_close(&s);
    return err == KF_OK ? arg : NULL;
}

static void test_migrate_together(void **state)
{
    (void)state;
    for (size_t round = 0; round < testing_count(10, 300); round++) {
        place p = new_place();
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, migrate_thread, &p), 0);
        for (size_t i = 0; i < 4; i++) {
            void *ok = NULL;
            assert_int_equal(pthread_join(threads[i], &ok), 0);
            assert_non_null(ok);
        }
    }
}

/* ---- several at once ---- */

typedef struct worker {
    const place *p;
    int64_t number, done, again;
    size_t rounds;
    kf_err err;
} worker;

static void *count_thread(void *arg)
{
    worker *w = arg;
    store *s = NULL;
    store_fault fault;
    w->err = store_open(w->p->where, &s, &fault);
    for (size_t i = 0; w->err == KF_OK && i < w->rounds; i++) {
        int64_t before = 0;
        w->err = store_begin(s, STORE_WRITE);
        if (w->err == KF_OK)
            w->err = store_get_int(s, &get_counter, NULL, 0, &before);
        if (w->err == KF_OK)
            w->err = store_run(s, &add_one, NULL, 0, NULL, NULL);
        if (w->err == KF_OK)
            w->err = store_commit(s);
    }
    store_close(&s);
    return NULL;
}

static void run_workers(worker *workers, size_t count, void *(*act)(void *))
{
    pthread_t threads[8];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, act, &workers[i]), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Writers follow one another: none is told to try again. */
static void test_writers(void **state)
{
    (void)state;
    place p;
    store *s = fresh(&p);
    const size_t rounds = testing_count(40, 2000);
    worker w[3] = { 0 };
    for (size_t i = 0; i < 3; i++)
        w[i] = (worker){ .p = &p, .rounds = rounds };
    run_workers(w, 3, count_thread);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w[i].err, KF_OK);
    assert_int_equal(number_of(s, &get_counter), 3 * (int64_t)rounds);
    store_close(&s);
}

static void *claim_thread(void *arg)
{
    static const store_sql claim = {
        "UPDATE job SET worker = $1 WHERE id IN (SELECT id FROM job WHERE worker IS NULL"
        " ORDER BY id LIMIT $2 {pg:FOR UPDATE SKIP LOCKED}) AND worker IS NULL"
    };
    worker *w = arg;
    store *s = NULL;
    store_fault fault;
    int64_t got = 1;
    w->err = store_open(w->p->where, &s, &fault);
    while (w->err == KF_OK && got > 0) {
        w->err = store_begin(s, STORE_CLAIM);
        if (w->err == KF_OK)
            w->err = store_run(s, &claim, IN(store_int(w->number), store_int(7)), NULL, NULL);
        got = store_changes(s);
        if (w->err == KF_OK)
            w->err = store_commit(s);
        w->done += w->err == KF_OK ? got : 0;
    }
    store_close(&s);
    return NULL;
}

static void test_claims(void **state)
{
    (void)state;
    static const store_sql put_job = { "INSERT INTO job (id) VALUES ($1)" };
    static const store_sql left = { "SELECT count(*) FROM job WHERE worker IS NULL" };
    const size_t jobs = testing_count(500, 20000);
    place p;
    store *s = fresh(&p);
    store_value *ids = calloc(jobs, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < jobs; i++)
        ids[i] = store_int((int64_t)i);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, store_run_many(s, &put_job, ids, jobs, 1));
    MUST(s, store_commit(s));
    free(ids);
    worker w[3] = { 0 };
    int64_t done = 0;
    for (size_t i = 0; i < 3; i++)
        w[i] = (worker){ .p = &p, .number = (int64_t)i + 1 };
    run_workers(w, 3, claim_thread);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(w[i].err, KF_OK);
        done += w[i].done;
    }
    assert_int_equal(done, (int64_t)jobs);
    /* A worker may find everything locked and leave; then some is left for the next. */
    assert_int_equal(number_of(s, &left), 0);
    store_close(&s);
}

/* A lock that does not come is a matter of seconds. */
static void test_waits_end(void **state)
{
    (void)state;
    if (testing_count(0, 1) == 0)
        skip(); /* takes five seconds: with KF_CAMPAIGN only */
    place p;
    store *a = fresh(&p), *b = open_at(&p);
    MUST(a, store_begin(a, STORE_WRITE));
    MUST(a, put(a, 1, store_null(), store_null()));
    assert_err(store_begin(b, STORE_WRITE), KF_E_BACKEND);
    assert_int_equal(store_last_fault(b)->reason, STORE_AGAIN);
    MUST(a, store_commit(a));
    MUST(b, store_begin(b, STORE_WRITE));
    store_close(&a);
    store_close(&b);
}

/* ---- connections ---- */

static const store_sql kill_me = { "SELECT {pg:pg_backend_pid()}{lite:0}" };

static void kill_backend(store *s)
{
    char sql[64];
    const int64_t pid = number_of(s, &kill_me);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld, 5000)", (long long)pid);
    admin(sql);
}

static void test_lost(void **state)
{
    (void)state;
    place p;
    if (conninfo == NULL)
        skip(); /* SQLite has no connection */
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, put(s, 1, store_null(), store_null()));
    kill_backend(s);
    assert_err(put(s, 2, store_null(), store_null()), KF_E_BACKEND);
    assert_int_equal(store_last_fault(s)->reason, STORE_LOST);
    assert_err(store_commit(s), KF_E_STATE);
    MUST(s, store_begin(s, STORE_WRITE)); /* anew, with its statements */
    assert_int_equal(number_of(s, &count_things), 0);
    MUST(s, put(s, 3, store_null(), store_null()));
    kill_backend(s);
    assert_err(store_commit(s), KF_E_BACKEND);
    assert_int_equal(store_last_fault(s)->reason, STORE_LOST);
    assert_false(store_is_open(s));
    assert_int_equal(number_of(s, &count_things), 0);
    kill_backend(s); /* while idle: nobody is told */
    MUST(s, store_begin(s, STORE_WRITE));
    store_value values[4 * 100];
    fill_many(values, 100);
    MUST(s, store_run_many(s, &put_thing, values, 50, 4));
    kill_backend(s);
    assert_err(store_run_many(s, &put_thing, values + 200, 50, 4), KF_E_BACKEND);
    assert_int_equal(store_last_fault(s)->reason, STORE_LOST);
    store_rollback(s);
    assert_int_equal(number_of(s, &count_things), 0);
    store_close(&s);
}

static void refused(const char *where, kf_err err, store_reason reason)
{
    store *s = NULL;
    store_fault fault;
    assert_err(store_open(where, &s, &fault), err);
    assert_null(s);
    if (fault.reason != reason)
        fail_msg("%s: %s: %s", where, store_reason_name(fault.reason), fault.text);
    assert_null(strstr(fault.text, "hunter2"));
}

static void make_file(const char *path, const char *octets)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(octets, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void test_open(void **state)
{
    (void)state;
    static const char *const malformed[] = { "",        "mysql:x",         "sqlite",
                                             "sqlite:", "sqlite::memory:", "postgres:x" };
    char path[256], where[300];
    for (size_t i = 0; i < KF_COUNT(malformed); i++)
        refused(malformed[i], KF_E_MALFORMED, STORE_BROKEN);
    refused("postgresql:user=x password=two words hunter2", KF_E_BACKEND, STORE_BROKEN);
    refused("postgresql:host=/nowhere user=x password=hunter2", KF_E_BACKEND, STORE_LOST);
    refused("postgresql://x:hunter2@%2fnowhere/db", KF_E_BACKEND, STORE_LOST);
    refused("sqlite:/nowhere/at/all", KF_E_BACKEND, STORE_LOST);
    snprintf(path, sizeof path, "%s/text", dir);
    snprintf(where, sizeof where, "sqlite:%s", path);
    make_file(path, "This is not a database, but a text that is long enough to be looked at as one,"
                    " since a header has 100 octets and more than that are here.");
    refused(where, KF_E_BACKEND, STORE_CORRUPT);
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/foreign", dir);
    snprintf(where, sizeof where, "sqlite:%s", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refused(where, KF_E_BACKEND, STORE_OTHER_FORMAT);
    if (conninfo != NULL) {
        char weak[512];
        snprintf(weak, sizeof weak, "postgresql:%s options='-c synchronous_commit=off'", conninfo);
        refused(weak, KF_E_BACKEND, STORE_BROKEN);
    }
}

static void assert_mode(const char *path, const char *tail)
{
    char name[600];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, tail);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_modes(void **state)
{
    (void)state;
    char backup[256];
    const mode_t before = umask(0);
    place p;
    store *s = fresh(&p);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, put(s, 1, store_null(), store_null()));
    MUST(s, store_commit(s));
    if (conninfo == NULL) {
        assert_mode(p.where + strlen("sqlite:"), "");
        assert_mode(p.where + strlen("sqlite:"), "-wal");
        assert_mode(p.where + strlen("sqlite:"), "-shm");
    }
    snprintf(backup, sizeof backup, "%s/modes.backup", dir);
    MUST(s, store_backup(s, backup, STEPS));
    assert_mode(backup, "");
    (void)umask(before);
    store_close(&s);
}

/* ---- backup ---- */

static void put_samples(store *s)
{
    static const store_sql put_person = {
        "INSERT INTO person (name, boss, age, face) VALUES ($1, $2, $3, $4)"
    };
    static const store_sql boss = { "UPDATE person SET boss = $1 WHERE id = 1000" };
    static const store_sql last = { "SELECT id FROM person WHERE name = 'second'" };
    static const store_sql leaves = { "DELETE FROM person WHERE name = 'leaves'" };
    store_value *values = calloc(4 * 700, sizeof *values);
    int64_t id = 0;
    assert_non_null(values);
    fill_many(values, 700);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, store_run_many(s, &put_thing, values, 700, 4));
    MUST(s, store_run(s, &put_person,
                      IN(store_text_z("second"), store_int(1000), store_null(),
                         store_blob(kf_slice_str("face"))),
                      NULL, NULL));
    /* A cycle, which no order of inserting satisfies. */
    MUST(s, store_get_int(s, &last, NULL, 0, &id));
    MUST(s, store_run(s, &boss, IN(store_int(id)), NULL, NULL));
    MUST(s, store_run(s, &put_person,
                      IN(store_text_z("leaves"), store_null(), store_null(), store_null()), NULL,
                      NULL));
    MUST(s, store_run(s, &leaves, NULL, 0, NULL, NULL));
    MUST(s, store_run(s, &add_one, NULL, 0, NULL, NULL));
    MUST(s, store_commit(s));
    free(values);
}

typedef struct numbers {
    int64_t things, counter, face, cycle, next;
} numbers;

static numbers look(store *s)
{
    static const store_sql face = { "SELECT count(*) FROM person WHERE face = $1 AND age IS NULL" };
    static const store_sql cycle = { "SELECT count(*) FROM person a JOIN person b"
                                     " ON a.boss = b.id AND b.boss = a.id" };
    static const store_sql next = { "INSERT INTO person (name) VALUES ('next') RETURNING id" };
    numbers n;
    n.things = number_of(s, &count_things);
    n.counter = number_of(s, &get_counter);
    MUST(s, store_begin(s, STORE_WRITE));
    MUST(s, store_get_int(s, &face, IN(store_blob(kf_slice_str("face"))), &n.face));
    MUST(s, store_get_int(s, &cycle, NULL, 0, &n.cycle));
    MUST(s, store_get_int(s, &next, NULL, 0, &n.next));
    store_rollback(s);
    return n;
}

static void check_copy(const place *p, const char *backup)
{
    store *s = open_at(p);
    MUST(s, store_migrate(s, STEPS));
    MUST(s, store_restore(s, backup, STEPS));
    const numbers n = look(s);
    assert_int_equal(n.things, 700);
    assert_int_equal(n.counter, 1);
    assert_int_equal(n.face, 1);
    assert_int_equal(n.cycle, 2);
    assert_true(n.next > 2); /* the number of the one who left is not given again */
    assert_err(store_restore(s, backup, STEPS), KF_E_STATE);
    assert_int_equal(number_of(s, &count_things), 700);
    MUST(s, store_begin(s, STORE_WRITE)); /* foreign keys are watched at once again */
    assert_err(store_run(s, &put_thing, IN(store_int(-5), store_int(4), store_null(), store_null()),
                         NULL, NULL),
               KF_E_DENIED);
    store_close(&s);
}

static void test_backup(void **state)
{
    (void)state;
    char backup[256];
    store_fault fault;
    place p;
    struct stat st;
    store *s = fresh(&p);
    put_samples(s);
    const int64_t next = look(s).next;
    snprintf(backup, sizeof backup, "%s/%u.backup", dir, made);
    MUST(s, store_backup(s, backup, STEPS));
    if (store_verify(backup, STEPS, &fault) != KF_OK)
        fail_msg("%s", fault.text);
    assert_err(store_backup(s, backup, STEPS), KF_E_DENIED); /* is there */
    assert_int_equal(store_last_fault(s)->reason, STORE_CLASH);
    assert_err(store_verify(backup, steps, 1, &fault), KF_E_UNSUPPORTED);
    assert_int_equal(fault.reason, STORE_OTHER_FORMAT);
    strcat(backup, "-wal");
    assert_int_equal(stat(backup, &st), -1);
    backup[strlen(backup) - 4] = '\0';
    assert_true(next > 2);
    place lite = new_lite();
    check_copy(&lite, backup);
    if (conninfo != NULL) {
        place pg = new_place();
        check_copy(&pg, backup);
    }
    store_close(&s);
}

/* Between backends, both ways. */
static void test_cross(void **state)
{
    (void)state;
    char first[256], second[256];
    place p = new_lite();
    if (conninfo == NULL)
        skip(); /* needs both */
    store *s = open_at(&p);
    MUST(s, store_migrate(s, STEPS));
    put_samples(s);
    const numbers n = look(s);
    snprintf(first, sizeof first, "%s/first.backup", dir);
    snprintf(second, sizeof second, "%s/second.backup", dir);
    MUST(s, store_backup(s, first, STEPS));
    store_close(&s);
    place pg = new_place();
    s = open_at(&pg);
    MUST(s, store_migrate(s, STEPS));
    MUST(s, store_restore(s, first, STEPS));
    numbers m = look(s); /* takes a number, which rolling back does not give back here */
    assert_int_equal(m.next, n.next);
    MUST(s, store_backup(s, second, STEPS));
    store_close(&s);
    p = new_lite();
    s = open_at(&p);
    MUST(s, store_migrate(s, STEPS));
    MUST(s, store_restore(s, second, STEPS));
    m = look(s);
    assert_int_equal(m.next, n.next + 1);
    assert_int_equal(m.cycle, n.cycle);
    store_close(&s);
}

static void test_older_backup(void **state)
{
    (void)state;
    static const store_migration newer[] = {
        { "people", "-" },
        { "things", "-" },
        { "note", "ALTER TABLE thing ADD COLUMN note TEXT;\nUPDATE thing SET note = label;\n" },
    };
    static const store_sql notes = { "SELECT count(*) FROM thing WHERE note = 'same'" };
    store_migration all[3] = { steps[0], steps[1], newer[2] };
    char backup[256];
    place p;
    store *s = fresh(&p);
    put_samples(s);
    snprintf(backup, sizeof backup, "%s/older-%u.backup", dir, made);
    MUST(s, store_backup(s, backup, STEPS));
    store_close(&s);
    p = new_place();
    s = open_at(&p);
    MUST(s, store_migrate(s, all, 3));
    MUST(s, store_restore(s, backup, all, 3));
    assert_int_equal(number_of(s, &notes), 466);
    store_close(&s);
}

typedef struct writer {
    const place *p;
    volatile bool stop;
    int64_t done;
    kf_err err;
} writer;

/* Two rows in each transaction: an odd count is half of one. */
static void *write_pairs(void *arg)
{
    writer *w = arg;
    store *s = NULL;
    store_fault fault;
    w->err = store_open(w->p->where, &s, &fault);
    while (w->err == KF_OK && !w->stop) {
        const int64_t id = 10000 + 2 * w->done;
        w->err = store_begin(s, STORE_WRITE);
        for (int64_t k = 0; w->err == KF_OK && k < 2; k++)
            w->err = put(s, id + k, store_text_z("same"), store_null());
        if (w->err == KF_OK)
            w->err = store_commit(s);
        w->done++;
    }
    store_close(&s);
    return NULL;
}

static void test_backup_while_writing(void **state)
{
    (void)state;
    place p;
    pthread_t thread;
    store *s = fresh(&p);
    put_samples(s);
    writer w = { .p = &p };
    assert_int_equal(pthread_create(&thread, NULL, write_pairs, &w), 0);
    for (size_t i = 0; i < testing_count(4, 100); i++) {
        char backup[256];
        place copy = new_lite();
        snprintf(backup, sizeof backup, "%s/busy-%zu.backup", dir, i);
        MUST(s, store_backup(s, backup, STEPS));
        store *back = open_at(&copy);
        MUST(back, store_migrate(back, STEPS));
        MUST(back, store_restore(back, backup, STEPS));
        assert_int_equal(number_of(back, &count_things) % 2, 0);
        store_close(&back);
        assert_int_equal(unlink(backup), 0);
    }
    w.stop = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w.err, KF_OK);
    assert_true(w.done > 0);
    store_close(&s);
}

/* Any octet of the file that is changed is found, and so is a file that is cut. */
static void test_damage(void **state)
{
    (void)state;
    char backup[256];
    store_fault fault;
    struct stat st;
    place p;
    testing_rng rng;
    testing_rng_init(&rng, "damage");
    store *s = fresh(&p);
    put_samples(s);
    snprintf(backup, sizeof backup, "%s/damage.backup", dir);
    MUST(s, store_backup(s, backup, STEPS));
    store_close(&s);
    const int fd = open(backup, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    for (size_t i = 0; i < testing_count(300, 20000); i++) {
        const off_t at = i < 100 ? (off_t)i : (off_t)testing_rng_below(&rng, (size_t)st.st_size);
        uint8_t octet = 0, flipped;
        assert_int_equal(pread(fd, &octet, 1, at), 1);
        flipped = octet ^ (uint8_t)(1u << (i % 8));
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        if (store_verify(backup, STEPS, &fault) == KF_OK)
            fail_msg("octet %lld", (long long)at);
        assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    }
    assert_ok(store_verify(backup, STEPS, &fault));
    p = new_place();
    s = open_at(&p);
    MUST(s, store_migrate(s, STEPS));
    assert_int_equal(ftruncate(fd, st.st_size - 4096), 0);
    assert_err(store_verify(backup, STEPS, &fault), KF_E_BACKEND);
    assert_int_equal(fault.reason, STORE_CORRUPT);
    assert_err(store_restore(s, backup, STEPS), KF_E_BACKEND);
    assert_int_equal(store_last_fault(s)->reason, STORE_CORRUPT);
    assert_int_equal(number_of(s, &count_things), 0);
    close(fd);
    store_close(&s);
}

/* A schema that is not what the steps make is refused, a right checksum or none. */
static void test_foreign_schema(void **state)
{
    (void)state;
    char path[256];
    store_fault fault;
    sqlite3 *db = NULL;
    place p;
    store *s = fresh(&p);
    snprintf(path, sizeof path, "%s/trigger.backup", dir);
    MUST(s, store_backup(s, path, STEPS));
    store_close(&s);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER spy AFTER INSERT ON thing BEGIN DELETE FROM job;"
                                  "END; PRAGMA user_version = 0",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_err(store_verify(path, STEPS, &fault), KF_E_BACKEND);
    assert_int_equal(fault.reason, STORE_OTHER_FORMAT);
}

/* ---- crashes ---- */

/* What a child does: every fail point of the room lies on its way. It says on its output what it
 * has been told is done. */
static int act(const char *where, const char *other, const char *backup)
{
    store *s = NULL, *t = NULL;
    store_fault fault;
    store_value values[4 * 100];
    fill_many(values, 100);
    kf_err err = store_open(where, &s, &fault);
    if (err == KF_OK)
        err = store_migrate(s, STEPS);
    if (err == KF_OK)
        err = store_begin(s, STORE_WRITE);
    if (err == KF_OK)
        err = store_run(s, &add_one, NULL, 0, NULL, NULL);
    if (err == KF_OK)
        err = store_run_many(s, &put_thing, values, 100, 4);
    if (err == KF_OK)
        err = store_commit(s);
    if (err == KF_OK && write(STDOUT_FILENO, "C", 1) != 1)
        return 99;
    if (err == KF_OK)
        err = store_backup(s, backup, STEPS);
    if (err == KF_OK && write(STDOUT_FILENO, "B", 1) != 1)
        return 99;
    if (err == KF_OK)
        err = store_open(other, &t, &fault);
    if (err == KF_OK)
        err = store_migrate(t, STEPS);
    if (err == KF_OK)
        err = store_restore(t, backup, STEPS);
    if (err == KF_OK && write(STDOUT_FILENO, "R", 1) != 1)
        return 99;
    const bool unknown = s != NULL && store_last_fault(s)->reason == STORE_LOST;
    store_close(&s);
    store_close(&t);
    return err == KF_OK ? 0 : unknown ? 2 : 1;
}

typedef struct child {
    int status;
    char said[8];
} child;

static child run_child(const char *where, const char *other, const char *backup, const char *plan,
                       const char *log)
{
    int pipes[2];
    child c = { 0 };
    assert_int_equal(pipe(pipes), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(pipes[1], STDOUT_FILENO);
        setenv("KEYFERRY_FAILPOINT", plan, 1);
        setenv("KEYFERRY_FAILPOINT_LOG", log, 1);
        execl(self, self, "act", where, other, backup, (char *)NULL);
        _exit(98);
    }
    close(pipes[1]);
    for (size_t n = 0; n < sizeof c.said - 1;) {
        const ssize_t got = read(pipes[0], c.said + n, 1);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(pipes[0]);
    assert_int_equal(waitpid(pid, &c.status, 0), pid);
    assert_true(WIFEXITED(c.status));
    return c;
}

/* All or nothing of the transaction, of the backup, of the restore; and what was promised. */
static void check_after(const place *p, const place *other, const char *backup, const child *c)
{
    store_fault fault;
    struct stat st;
    store *s = open_at(p), *t = open_at(other);
    MUST(s, store_migrate(s, STEPS));
    MUST(t, store_migrate(t, STEPS));
    const int64_t things = number_of(s, &count_things), copied = number_of(t, &count_things);
    assert_true(things == 0 || things == 100);
    assert_int_equal(number_of(s, &get_counter), things / 100);
    assert_true(copied == 0 || copied == 100);
    assert_int_equal(number_of(t, &get_counter), copied / 100);
    assert_true(strchr(c->said, 'C') == NULL || things == 100);
    assert_true(strchr(c->said, 'R') == NULL || copied == 100);
    if (WEXITSTATUS(c->status) == 1 && strchr(c->said, 'C') == NULL)
        assert_int_equal(things, 0); /* it was told that it failed */
    const bool is_there = stat(backup, &st) == 0;
    assert_true(is_there || strchr(c->said, 'B') == NULL);
    if (is_there)
        assert_ok(store_verify(backup, STEPS, &fault));
    else if (things == 100) {
        MUST(s, store_backup(s, backup, STEPS)); /* what is left of the last one is no obstacle */
        assert_ok(store_verify(backup, STEPS, &fault));
    }
    store_close(&s);
    store_close(&t);
}

/* @return did the plan strike? */
static bool crash_at(const char *name, unsigned hit, const char *how)
{
    char plan[200], backup[256];
    const place p = new_place(), other = new_place();
    snprintf(plan, sizeof plan, "%s:%u:%s", name, hit, how);
    snprintf(backup, sizeof backup, "%s/crash-%u.backup", dir, made);
    const child c = run_child(p.where, other.where, backup, plan, "");
    const int status = WEXITSTATUS(c.status);
    if (status != 0 && status != (strcmp(how, "exit") == 0 ? 86 : 1) && status != 2)
        fail_msg("%s: status %d", plan, status);
    check_after(&p, &other, backup, &c);
    return status != 0;
}

static void test_crashes(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "store.begin",           "store.run",
        "store.run_many",        "store.commit.before",
        "store.commit.after",    "store.migrate.step",
        "store.backup.begin",    "store.backup.checksum",
        "store.backup.rename",   "store.backup.sync",
        "store.restore.rows",    "store.copy",
        "store.restore.compare",
    };
    char log[256], backup[256], name[128];
    unsigned seen = 0, struck = 0;
    const place p = new_place(), other = new_place();
    snprintf(log, sizeof log, "%s/failpoints", dir);
    snprintf(backup, sizeof backup, "%s/whole.backup", dir);
    const child whole = run_child(p.where, other.where, backup, "", log);
    assert_int_equal(WEXITSTATUS(whole.status), 0);
    assert_string_equal(whole.said, "CBR");
    check_after(&p, &other, backup, &whole);
    FILE *names = fopen(log, "r");
    assert_non_null(names);
    while (fgets(name, sizeof name, names) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        for (size_t i = 0; i < KF_COUNT(wanted); i++)
            seen += strcmp(name, wanted[i]) == 0 ? 1u : 0u;
        for (unsigned hit = 1; hit <= testing_count(2, 20); hit++) {
            if (!crash_at(name, hit, "exit"))
                break;
            (void)crash_at(name, hit, "error");
            struck++;
        }
    }
    fclose(names);
    assert_int_equal(seen, KF_COUNT(wanted));
    print_message("%u places and hits, each as a crash and as an error\n", struck);
}

/* A disk that is full: here, a file that may not grow. */
static void test_full(void **state)
{
    (void)state;
    place p;
    int status = -1;
    if (conninfo != NULL) {
        print_message("not on PostgreSQL: it would need a file system of the server's own\n");
        skip();
    }
    store *s = fresh(&p);
    store_close(&s);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = { 400000, 400000 };
        static uint8_t octets[60000];
        store_fault fault;
        kf_err err = KF_OK;
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || store_open(p.where, &s, &fault) != KF_OK ||
            store_begin(s, STORE_WRITE) != KF_OK)
            _exit(1);
        for (int64_t i = 0; err == KF_OK && i < 100; i++)
            err = put(s, i, store_null(), store_blob(KF_SLICE_OF(octets)));
        if (err == KF_OK)
            err = store_commit(s);
        const bool right = err == KF_E_BACKEND && store_last_fault(s)->reason == STORE_FULL;
        store_rollback(s);
        /* And what still fits goes on. */
        const bool goes_on = store_begin(s, STORE_WRITE) == KF_OK &&
                             put(s, 1, store_null(), store_null()) == KF_OK &&
                             store_commit(s) == KF_OK;
        _exit(right && goes_on ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    s = open_at(&p);
    assert_int_equal(number_of(s, &count_things), 1);
    store_close(&s);
}

static int clean_up(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "act") == 0)
        return act(argv[2], argv[3], argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_clash),
        cmocka_unit_test(test_fault_is_mute),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_migrate),
        cmocka_unit_test(test_migrate_together),
        cmocka_unit_test(test_writers),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_waits_end),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_cross),
        cmocka_unit_test(test_older_backup),
        cmocka_unit_test(test_backup_while_writing),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_foreign_schema),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_full),
    };
    conninfo = getenv("KF_POSTGRESQL");
    if (conninfo != NULL && conninfo[0] == '\0')
        conninfo = NULL;
    self = argv[0];
    if (mkdtemp(dir) == NULL)
        return 1;
    return cmocka_run_group_tests_name(conninfo == NULL ? "sqlite" : "postgresql", tests, NULL,
                                       clean_up);
}

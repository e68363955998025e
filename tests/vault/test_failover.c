/*
 * PostgreSQL under a vault: the server is stopped as by a power cut in the middle of rekeys and
 * started again, and two vault processes' worth of work goes on at once. KF_POSTGRESQL_CTL names
 * the script that makes a server; without it, or without a server program, nothing is done.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "vault/requests.h"

#define BOXES_MAX 20000u

static char cluster[32];
static const char *ctl;

static int control(const char *what, const char *mode)
{
    char command[1400];
    snprintf(command, sizeof command, "'%.1000s' %s %s %s >/dev/null 2>&1", ctl, what, cluster,
             mode);
    return system(command);
}

static void server_must(const char *what, const char *mode)
{
    if (control(what, mode) != 0)
        fail_msg("the server did not %s", what);
}

/* A vault on a schema of the cluster. */
static void open_there(scene *s)
{
    char conninfo[128];
    snprintf(conninfo, sizeof conninfo, "host=%s/socket dbname=keyferry user=keyferry", cluster);
    assert_int_equal(setenv("KF_POSTGRESQL", conninfo, 1), 0);
    scene_open(s);
    DONE(s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, 3, -1);
    DONE(s, &officer, "unit add", "name", 's', "e1", "rsi", 'i', 1001LL);
    DONE(s, &officer, "group members", "group", 's', "fire", "add", 'S', "e1", NULL);
}

static void pause_ms(long ms)
{
    const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

/* ---- power cuts ---- */

static atomic_bool is_cutting;

static void *cut_power(void *ctx)
{
    const size_t cuts = *(const size_t *)ctx;
    testing_rng r;
    testing_rng_init(&r, "cuts");
    for (size_t i = 0; i < cuts; i++) {
        pause_ms(60 + (long)testing_rng_below(&r, 300));
        (void)control("stop", "immediate");
        (void)control("start", "");
    }
    atomic_store(&is_cutting, false);
    return NULL;
}

typedef struct history {
    size_t done, unknown; /* of one verb */
} history;

/* Lost connections are tried again; whether the act at hand was done, nobody knows. */
static void insist(scene *s, history *h, const char *verb)
{
    for (unsigned i = 0; i < 3000; i++) {
        if (ask(s, &officer, verb, "group", 's', "fire",
                strcmp(verb, "group changeover") == 0 ? "override" : NULL, 's', "a test",
                NULL) == KF_OK) {
            h->done++;
            return;
        }
        if (strcmp(s->refusal.code, "nothing-staged") == 0)
            return; /* the one that nobody knew of was done */
        if (strcmp(s->refusal.code, "not-committed") == 0)
            h->unknown++;
        else if (s->err != KF_E_BACKEND)
            fail_msg("%s: %s: %s", verb, s->refusal.code, s->refusal.what);
        pause_ms(10);
    }
    fail_msg("%s: the server does not come back", verb);
}

static void one_key_in_each_place(const scene *s)
{
    assert_int_equal(
        store_number(
            s, "SELECT count(*) FROM (SELECT sln FROM vkey WHERE kind = 1 AND"
               " sln IS NOT NULL AND destroyed IS NULL GROUP BY sln, slot HAVING count(*) > 1)"
               " AS x"),
        0);
    assert_int_equal(store_number(s, "SELECT count(*) FROM group_sln s JOIN crypto_group c ON"
                                     " c.number = s.sln / 4096 WHERE NOT EXISTS (SELECT 1 FROM vkey"
                                     " k WHERE k.kind = 1 AND k.sln = s.sln AND k.slot = c.active"
                                     " AND k.destroyed IS NULL)"),
                     0);
    assert_int_equal(store_number(s, "SELECT count(*) FROM (SELECT kid FROM vkey WHERE kind = 1"
                                     " GROUP BY kid HAVING count(*) > 1) AS x"),
                     0); /* not even of destroyed keys: so few were made */
    /* At no time did two keys of a place have overlapping periods of use. */
    assert_int_equal(
        store_number(s,
                     "SELECT count(*) FROM vkey a JOIN vkey b ON a.sln = b.sln AND a.id < b.id"
                     " AND a.kind = 1 AND b.kind = 1 WHERE a.destroyed IS NULL AND"
                     " b.destroyed IS NULL AND a.activates < coalesce(b.deactivates, 1099511627776)"
                     " AND b.activates < coalesce(a.deactivates, 1099511627776)"
                     " AND b.activates < 1099511627776 AND a.activates < 1099511627776"),
        0);
}

static int64_t times_done(const scene *s, const char *sql)
{
    return store_number(s, sql);
}

static void power_cuts_lose_nothing(void **state)
{
    const size_t cuts = testing_count(2, 40);
    history rekeys = { 0, 0 }, changeovers = { 0, 0 };
    pthread_t cutter;
    scene s;
    (void)state;
    if (ctl == NULL)
        skip();
    open_there(&s);
    atomic_store(&is_cutting, true);
    assert_int_equal(pthread_create(&cutter, NULL, cut_power, (void *)(uintptr_t)&cuts), 0);
    while (atomic_load(&is_cutting)) {
        insist(&s, &rekeys, "group rekey");
        insist(&s, &changeovers, "group changeover");
        s.now += 10;
    }
    pthread_join(cutter, NULL);
    const int64_t r = times_done(&s, "SELECT count(*) FROM event WHERE verb = 'group rekey' AND"
                                     " outcome = 'done'");
    const int64_t c = times_done(&s, "SELECT count(*) FROM event WHERE verb = 'group changeover'"
                                     " AND outcome = 'done'");
    assert_in_range(r, rekeys.done, rekeys.done + rekeys.unknown);
    assert_in_range(c, changeovers.done, changeovers.done + changeovers.unknown);
    one_key_in_each_place(&s);
    DONE(&s, &auditor, "audit verify");
    scene_stop(&s);
    scene_start(&s);
    unseal(&s);
    insist(&s, &rekeys, "group rekey");
    print_message("%zu power cuts; %zu rekeys and %zu changeovers answered, %zu unknown\n", cuts,
                  rekeys.done, changeovers.done, rekeys.unknown + changeovers.unknown);
    scene_close(&s);
}

/* ---- two at once ---- */

typedef struct worker {
    scene s;
    vault_caller courier;
    size_t rounds, boxes;
    int64_t claimed[BOXES_MAX];
    const char *failed;
} worker;

static bool asks(worker *w, kf_err err)
{
    if (err != KF_OK && w->s.err == KF_E_BACKEND)
        return false; /* busy: another time */
    if (err != KF_OK)
        w->failed = w->s.refusal.what;
    return err == KF_OK;
}

static void *work_along(void *ctx)
{
    worker *w = ctx;
    bool more;
    for (size_t i = 0; i < w->rounds && w->failed == NULL; i++) {
        if (i % 4 == 0)
            asks(w, ask(&w->s, &officer, "group rekey", "group", 's', "gmk", NULL));
        if (i % 4 == 1)
            asks(w, ask(&w->s, &officer, "key generate", "kind", 's', "tek", NULL));
        if (vault_work(w->s.v, &more) != KF_OK)
            continue;
        if (!asks(w, ask(&w->s, &w->courier, "outbox claim", "limit", 'i', 7LL, NULL)))
            continue;
        const long long claim = wire_get_int(w->s.out, "claim", 0);
        const size_t first = w->boxes;
        for (const wire_value *b = wire_get(w->s.out, "boxes")->first;
             b != NULL && w->boxes < BOXES_MAX; b = b->next)
            w->claimed[w->boxes++] = wire_get_int(b, "delivery", 0);
        for (size_t n = first; n < w->boxes && w->failed == NULL; n++)
            asks(w,
                 ask(&w->s, &w->courier, "outbox settle", "delivery", 'i', (long long)w->claimed[n],
                     "claim", 'i', claim, "outcome", 's', "delivered", NULL));
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void two_work_on_one_store(void **state)
{
    static worker w[2];
    static int64_t all[2 * BOXES_MAX];
    static char second[64];
    pthread_t threads[2];
    char name[16], uri[32];
    (void)state;
    if (ctl == NULL)
        skip();
    open_there(&w[0].s);
    DONE(&w[0].s, &officer, "kms create", "uri", 's', "kms.county.example");
    DONE(&w[0].s, &officer, "kms identity", "uri", 's', "sip:iwf@county", "periods", 'i', 2LL);
    DONE(&w[0].s, &officer, "group create", "group", 's', "gmk", "identity", 's', "sip:iwf@county",
         "uris", 'S', "sip:gmk@mc", NULL);
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(uri, sizeof uri, "sip:c%d@mc", i);
        DONE(&w[0].s, &officer, "unit add", "name", 's', name, "uri", 's', uri);
        DONE(&w[0].s, &officer, "group members", "group", 's', "gmk", "add", 'S', name, NULL);
    }
    w[1].s = w[0].s; /* the same store, an anchor of its own */
    w[1].s.v = NULL;
    w[1].s.tree = NULL;
    w[1].s.built = NULL;
    snprintf(second, sizeof second, "/tmp/keyferry-second.XXXXXX");
    assert_non_null(mkdtemp(second));
    snprintf(w[1].s.anchor, sizeof w[1].s.anchor, "%s", second);
    scene_start(&w[1].s);
    unseal(&w[1].s);
    for (size_t i = 0; i < 2; i++) {
        w[i].rounds = testing_count(30, 600);
        w[i].courier = (vault_caller){ .role = VAULT_COURIER };
        snprintf(w[i].courier.name, sizeof w[i].courier.name, "courier%zu", i);
        assert_int_equal(pthread_create(&threads[i], NULL, work_along, &w[i]), 0);
    }
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        if (w[i].failed != NULL)
            fail_msg("worker %zu: %s", i, w[i].failed);
        memcpy(all + count, w[i].claimed, w[i].boxes * sizeof *all);
        count += w[i].boxes;
    }
    qsort(all, count, sizeof *all, by_number);
    for (size_t i = 1; i < count; i++)
        assert_int_not_equal(all[i - 1], all[i]); /* nothing was claimed by both */
    one_key_in_each_place(&w[0].s);
    assert_int_equal(store_number(&w[0].s, "SELECT count(*) FROM (SELECT unit FROM delivery GROUP"
                                           " BY unit, seq HAVING count(*) > 1) AS x"),
                     0);
    DONE(&w[0].s, &auditor, "audit verify");
    DONE(&w[1].s, &auditor, "audit verify");
    print_message("%zu and %zu boxes claimed by two at once, none by both\n", w[0].boxes,
                  w[1].boxes);
    assert_true(w[0].boxes > 0 && w[1].boxes > 0);
    scene_close(&w[1].s); /* removes the directory that both name: the anchors */
    scene_stop(&w[0].s);
    snprintf(w[0].s.directory, sizeof w[0].s.directory, "%.60s", second);
    scene_close(&w[0].s);
}

static int begin_server(void **state)
{
    (void)state;
    ctl = getenv("KF_POSTGRESQL_CTL");
    if (ctl == NULL || ctl[0] == '\0') {
        ctl = NULL;
        return 0;
    }
    snprintf(cluster, sizeof cluster, "/tmp/kffo.%ld", (long)getpid());
    const int status = control("start", "");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        ctl = NULL;
    else if (status != 0)
        return -1;
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    if (ctl != NULL)
        server_must("remove", "");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cuts_lose_nothing),
        cmocka_unit_test(two_work_on_one_store),
    };
    return cmocka_run_group_tests(tests, begin_server, end_server);
}

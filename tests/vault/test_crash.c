/*
 * A vault that dies at every write point of its main works, and what is there when it is opened
 * again. The members, the courier and the officer are this process, and outlive it. One store goes
 * through all of it, so that what must never repeat is looked for over many lives.
 */
#include "vault/crash.h"

#include "otar/keys.h"
#include "p25/seal.h"

#include <sys/stat.h>
#include <time.h>

#define NAMES_MAX  32u
#define RADIOS     2u
#define SEQS_MAX   65536u
#define VERBS_MAX  96u
#define LEASE_OVER 61

#ifdef KF_SANITIZED /* processes start slowly then */
#define SAMPLE 4u
#else
#define SAMPLE 2u
#endif

/* What of one unit must never repeat with another content. */
typedef struct numbers {
    char unit[32];
    uint64_t by_mn[65536];
    int64_t by_seq[SEQS_MAX];
} numbers;

typedef struct life {
    scene s;
    store *eye; /* the test's own look into the store */
    radio radios[RADIOS];
    unsigned number; /* of the workload's run: names are made of it */
    char backup[96], group[32], unit[32];
    size_t deaths, boxes, with_mn, refusals;
    bool may_refuse; /* an error is injected in this life, and has not shown itself */
    int64_t answered[VERBS_MAX], in_flight[VERBS_MAX];
    numbers seen[RADIOS];
} life;

typedef struct workload {
    const char *name;
    void (*run)(life *l);
    void (*after)(life *l); /* when it ran to its end */
} workload;

static life the_life;

/* ---- looking into the store ---- */

static int64_t count_of(life *l, const char *text, const store_value *in, size_t count)
{
    const store_sql sql = { text };
    int64_t n = -1;
    store_fault fault;
    assert_ok(store_open(l->s.store, &l->eye, &fault));
    assert_ok(store_begin(l->eye, STORE_READ));
    if (store_get_int(l->eye, &sql, in, count, &n) != KF_OK)
        fail_msg("%s: %s", text, store_last_fault(l->eye)->text);
    store_rollback(l->eye);
    store_close(&l->eye);
    return n;
}

static int64_t count(life *l, const char *text)
{
    return count_of(l, text, NULL, 0);
}

static int64_t count_named(life *l, const char *text, const char *name)
{
    const store_value in[] = { store_text_z(name) };
    return count_of(l, text, in, 1);
}

/* ---- what was answered ---- */

static size_t verb_index(const char *verb)
{
    size_t at = 0;
    for (size_t n = 0; vault_noun_at(n) != NULL; n++)
        for (size_t i = 0; i < vault_noun_at(n)->count; i++, at++)
            if (strcmp(vault_noun_at(n)->verbs[i].name, verb) == 0)
                return at;
    fail_msg("no verb %s", verb);
    return 0;
}

/* @return go on? Refusals are fine when tolerated names their code. */
static bool judged(life *l, kf_err err, const char *tolerated, const char *verb, int line)
{
    const size_t at = verb_index(verb);
    assert_true(at < VERBS_MAX);
    if (the_keeper.is_dead) {
        l->in_flight[at]++;
        return false;
    }
    if (err == KF_OK)
        l->answered[at]++;
    else if (strstr(tolerated, l->s.refusal.code) == NULL)
        fail_msg("line %d: %s: %s: %s (%s)", line, verb, l->s.refusal.code, l->s.refusal.what,
                 l->s.refusal.why);
    return true;
}

/* The one error that is injected: the request is refused, and made again. */
static bool is_injected(life *l, kf_err err, const char *verb)
{
    if (err != KF_E_BACKEND || the_keeper.is_dead || !l->may_refuse)
        return false;
    l->may_refuse = false;
    l->refusals++;
    l->in_flight[verb_index(verb)]++; /* on a lost connection nobody knows */
    return true;
}

#define STEP(l, tolerated, who, verb, ...)                                                         \
    do {                                                                                           \
        kf_err step_err = ask(&(l)->s, (who), (verb), __VA_ARGS__);                                \
        if (is_injected((l), step_err, (verb)))                                                    \
            step_err = ask(&(l)->s, (who), (verb), __VA_ARGS__);                                   \
        if (!judged((l), step_err, (tolerated), (verb), __LINE__))                                 \
            return false;                                                                          \
    } while (0)
#define RUN(call)                                                                                  \
    do {                                                                                           \
        if (!(call))                                                                               \
            return;                                                                                \
    } while (0)

static void pass_time(life *l, int seconds)
{
    l->s.now += seconds;
    the_keeper.now = l->s.now;
}

/* ---- the courier ---- */

static uint64_t print_of(kf_slice octets)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < octets.len; i++)
        h = (h ^ octets.ptr[i]) * UINT64_C(0x100000001b3);
    return h | 1;
}

static p25_tek *tek_of(void *ctx, uint8_t algid, uint16_t kid)
{
    const otar_key *key = otar_keys_named(otar_unit_keys(ctx), false, algid, kid);
    return key == NULL ? NULL : key->tek;
}

static bool no_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    (void)ctx;
    (void)frame;
    (void)out;
    return false; /* the frame is all that is wanted */
}

/* A message number goes with one message only, a place in the queue with one delivery. */
static void note_numbers(life *l, size_t radio_at, int64_t seq, int64_t delivery, kf_slice box)
{
    numbers *n = &l->seen[radio_at];
    const p25_opener with = { l->radios[radio_at].unit, tek_of, NULL, no_peer };
    static p25_opened opened;
    kf_fault fault;
    assert_in_range(seq, 0, SEQS_MAX - 1);
    if (n->by_seq[seq] != 0)
        assert_int_equal(n->by_seq[seq], delivery);
    n->by_seq[seq] = delivery;
    l->boxes++;
    memset(&opened, 0, sizeof opened);
    assert_true(p25_open_dli(&with, P25_SIDE_OTAR, box, &opened, &fault) != KF_OK);
    const bool has_mn = opened.step >= P25_STEP_PEER && opened.frame.has_mn;
    const uint16_t mn = opened.frame.mn;
    p25_opened_clear(&opened);
    if (!has_mn)
        return;
    l->with_mn++;
    const uint64_t print = print_of(box);
    if (n->by_mn[mn] != 0 && n->by_mn[mn] != print)
        fail_msg("%s was sent two messages with number %u", n->unit, mn);
    n->by_mn[mn] = print;
}

typedef struct box {
    int64_t delivery, claim, seq;
    char unit[64];
    bool is_kmm;
    size_t len;
    uint8_t octets[8192];
} box;

static bool work_until_done(void)
{
    bool more = true;
    for (unsigned i = 0; more; i++) {
        const kf_err err = crash_work(NULL, &more);
        if (err == KF_E_BACKEND && !the_keeper.is_dead && the_life.may_refuse) {
            the_life.may_refuse = false;
            the_life.refusals++;
            more = true; /* tried again */
        } else if (err != KF_OK) {
            assert_true(the_keeper.is_dead);
            return false;
        }
        assert_true(i < 1000);
    }
    return !the_keeper.is_dead;
}

static bool hand_in(life *l, const radio *r, kf_slice datagram)
{
    char from[32];
    snprintf(from, sizeof from, "%u", r->rsi);
    STEP(l, "", &courier, "inbox put", "from", 's', from, "datagram", 'o', &datagram, NULL);
    return true;
}

static bool deliver(life *l, const box *b)
{
    uint8_t room[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(room, sizeof room);
    for (size_t i = 0; b->is_kmm && i < RADIOS; i++) {
        radio *r = &l->radios[i];
        const kf_slice octets = { b->octets, b->len };
        if (strcmp(r->name, b->unit) != 0)
            continue;
        note_numbers(l, i, b->seq, b->delivery, octets);
        assert_ok(otar_unit_receive(r->unit, l->s.now, octets, &out));
    }
    STEP(l, "", &courier, "outbox settle", "delivery", 'i', (long long)b->delivery, "claim", 'i',
         (long long)b->claim, "outcome", 's', "delivered", NULL);
    for (size_t i = 0; out.len > 0 && i < RADIOS; i++)
        if (strcmp(l->radios[i].name, b->unit) == 0)
            return hand_in(l, &l->radios[i], kf_writer_slice(&out));
    return true;
}

/* One round: @return false when the vault died. */
static bool carry(life *l, size_t *carried)
{
    static box boxes[50];
    *carried = 0;
    if (!work_until_done())
        return false;
    STEP(l, "", &courier, "outbox claim", "limit", 'i', 50LL, NULL);
    const int64_t claim = wire_get_int(l->s.out, "claim", 0);
    for (const wire_value *v = wire_get(l->s.out, "boxes")->first; v != NULL; v = v->next) {
        box *b = &boxes[(*carried)++];
        const kf_slice unit = wire_get_text(v, "unit"), octets = wire_get_octets(v, "box");
        *b = (box){ .delivery = wire_get_int(v, "delivery", 0),
                    .claim = claim,
                    .seq = wire_get_int(v, "seq", -1),
                    .is_kmm = wire_get_text(v, "kind").ptr[0] == 'k' &&
                              wire_get_text(v, "kind").ptr[1] == 'm',
                    .len = octets.len };
        assert_true(octets.len <= sizeof b->octets);
        memcpy(b->octets, octets.ptr, octets.len);
        snprintf(b->unit, sizeof b->unit, "%.*s", (int)unit.len, (const char *)unit.ptr);
    }
    for (size_t i = 0; i < *carried; i++)
        if (!deliver(l, &boxes[i]))
            return false;
    return true;
}

static bool carry_all(life *l)
{
    size_t carried = 1;
    for (unsigned i = 0; carried > 0; i++) {
        if (!carry(l, &carried))
            return false;
        assert_true(i < 200);
    }
    return true;
}

/* ---- works ---- */

static bool group_rekey(life *l)
{
    STEP(l, "", &officer, "group rekey", "group", 's', "fire", NULL);
    return carry_all(l);
}

static void run_rekey(life *l)
{
    RUN(group_rekey(l));
}

static bool changeover(life *l)
{
    STEP(l, "nothing-staged not-ready", &officer, "group changeover", "group", 's', "fire", NULL);
    return carry_all(l);
}

static void run_changeover(life *l)
{
    RUN(group_rekey(l));
    for (int i = 0; i < 3; i++, pass_time(l, 21))
        RUN(changeover(l));
}

static bool combine(life *l)
{
    STEP(l, "clash", &officer, "group combine", "group", 's', l->group, "of", 'S', "fire", "ems",
         NULL, "ends", 'i', (long long)l->s.now + 100000, "lmr", 'b', 1, "identity", 's', IWF,
         "uris", 'S', "sip:temporary@mc", NULL, NULL);
    return carry_all(l);
}

static bool dissolve(life *l)
{
    STEP(l, "group-ended no-such-group", &officer, "group dissolve", "group", 's', l->group, NULL);
    return carry_all(l);
}

static void run_combine(life *l)
{
    RUN(combine(l));
}

static void after_combine(life *l)
{
    assert_int_equal(
        count_named(l, "SELECT count(*) FROM mcgroup WHERE name = $1 AND state = 1", l->group), 1);
    assert_int_equal(count_named(l,
                                 "SELECT count(*) FROM member m JOIN mcgroup g ON g.id = m.grp"
                                 " WHERE g.name = $1",
                                 l->group),
                     4);
    assert_true(dissolve(l)); /* leave room for the next */
}

static void run_dissolve(life *l)
{
    RUN(combine(l));
    RUN(dissolve(l));
}

static void after_dissolve(life *l)
{
    /* Once ended it has another name; until then its keys are being withdrawn. */
    for (unsigned i = 0; i < 20; i++, pass_time(l, 21))
        assert_true(carry_all(l));
    assert_int_equal(count_named(l, "SELECT count(*) FROM mcgroup WHERE name = $1", l->group), 0);
    assert_int_equal(count(l, "SELECT count(*) FROM vkey k JOIN mcgroup g ON g.id = k.grp WHERE"
                              " g.state = 3 AND k.destroyed IS NULL"),
                     0);
}

static bool provision(life *l)
{
    STEP(l, "", &officer, "unit provision", "unit", 's', "pr", "identity", 's', IWF, NULL);
    return carry_all(l);
}

static void run_provision(life *l)
{
    RUN(provision(l));
}

static void after_provision(life *l)
{
    /* one live UKEK and one live context, whose box is out */
    assert_int_equal(count(l, "SELECT count(*) FROM vkey k JOIN unit u ON u.ukek = k.id WHERE"
                              " u.name = 'pr' AND k.destroyed IS NULL"),
                     1);
    assert_int_equal(count(l, "SELECT count(*) FROM vkey k JOIN unit u ON u.id = k.unit WHERE"
                              " u.name = 'pr' AND k.kind = 6 AND k.destroyed IS NULL"),
                     1);
    assert_int_equal(count(l, "SELECT count(*) FROM delivery d JOIN unit u ON u.ukek = d.vkey WHERE"
                              " u.name = 'pr' AND d.kind = 3 AND d.state = 5"),
                     1);
}

static bool lose(life *l)
{
    uint8_t ukek[32];
    const kf_slice octets = { ukek, sizeof ukek };
    assert_ok(kf_rng_fill(kf_random(), ukek, sizeof ukek));
    STEP(l, "clash", &officer, "unit add", "name", 's', l->unit, "rsi", 'i',
         (long long)(10000 + l->number), "ukek", 'o', &octets, "ukek_kid", 'i',
         (long long)(0x300 + l->number), NULL);
    STEP(l, "not-served", &officer, "group members", "group", 's', "fire", "add", 'S', l->unit,
         NULL, NULL);
    STEP(l, "not-served", &officer, "unit lost", "unit", 's', l->unit, NULL);
    return carry_all(l);
}

static void run_lost(life *l)
{
    RUN(lose(l));
}

static void after_lost(life *l)
{
    assert_int_equal(
        count_named(l, "SELECT count(*) FROM unit WHERE name = $1 AND state = 2", l->unit), 1);
    assert_int_equal(count_named(l,
                                 "SELECT count(*) FROM member m JOIN unit u ON u.id = m.unit"
                                 " WHERE u.name = $1",
                                 l->unit),
                     0);
}

static bool import(life *l)
{
    uint8_t key[32];
    const kf_slice octets = { key, sizeof key };
    assert_ok(kf_rng_fill(kf_random(), key, sizeof key));
    STEP(l, "kid-clash", &officer, "key import", "kind", 's', "tek", "kid", 'i',
         (long long)(0x4000 + l->number), "material", 'o', &octets, NULL);
    return carry_all(l);
}

static void run_import(life *l)
{
    RUN(import(l));
}

static void after_import(life *l)
{
    const store_value in[] = { store_int(0x4000 + l->number) };
    assert_int_equal(
        count_of(l, "SELECT count(*) FROM vkey WHERE kid = $1 AND destroyed IS NULL", in, 1), 1);
}

static bool back_up(life *l)
{
    struct stat st;
    STEP(l, stat(l->backup, &st) == 0 ? "backup" : "", &officer, "vault backup", "path", 's',
         l->backup, NULL);
    return true;
}

static void run_backup(life *l)
{
    RUN(back_up(l));
}

extern const store_migration vault_schema[];
extern const size_t vault_schema_count;

static void after_backup(life *l)
{
    store_fault fault;
    if (store_verify(l->backup, vault_schema, vault_schema_count, &fault) != KF_OK)
        fail_msg("%s: %s", l->backup, fault.text);
    assert_int_equal(unlink(l->backup), 0);
}

static const workload works[] = {
    { "rekey", run_rekey, NULL },
    { "combine", run_combine, after_combine },
    { "dissolve", run_dissolve, after_dissolve },
    { "provision", run_provision, after_provision },
    { "lost", run_lost, after_lost },
    { "import", run_import, after_import },
    { "changeover", run_changeover, NULL },
    { "backup", run_backup, after_backup },
};

/* ---- what must hold whenever it is opened ---- */

static void is_zero(life *l, const char *what, const char *sql)
{
    const int64_t n = count(l, sql);
    if (n != 0)
        fail_msg("%s: %lld", what, (long long)n);
}

static void key_sets_are_whole(life *l)
{
    static const char places[] =
        "SELECT count(*) FROM crypto_group c JOIN group_sln s ON s.sln / 4096 = c.number"
        " JOIN mcgroup g ON g.id = s.grp WHERE g.state = 1";
    char sql[512];
    snprintf(sql, sizeof sql,
             "%s AND c.staged = 1 AND NOT EXISTS (SELECT 1 FROM vkey k WHERE k.kind = 1 AND k.sln ="
             " s.sln AND k.slot = 1 - c.active AND k.destroyed IS NULL)",
             places);
    is_zero(l, "SLNs without a staged key", sql);
    snprintf(sql, sizeof sql,
             "%s AND NOT EXISTS (SELECT 1 FROM vkey k WHERE k.kind = 1 AND k.sln ="
             " s.sln AND k.slot = c.active AND k.destroyed IS NULL)",
             places);
    is_zero(l, "SLNs without a key in use", sql);
    is_zero(l, "places with several keys",
            "SELECT count(*) FROM (SELECT sln FROM vkey WHERE kind = 1 AND sln IS NOT NULL AND"
            " destroyed IS NULL GROUP BY sln, slot HAVING count(*) > 1) AS x");
    is_zero(l, "KIDs of several live keys",
            "SELECT count(*) FROM (SELECT kid FROM vkey WHERE kind = 1 AND destroyed IS NULL"
            " GROUP BY kid HAVING count(*) > 1) AS x");
    is_zero(l, "K-IDs of several live keys",
            "SELECT count(*) FROM (SELECT kid FROM vkey WHERE kind > 3 AND destroyed IS NULL"
            " GROUP BY kid HAVING count(*) > 1) AS x");
    is_zero(l, "boxes without content",
            "SELECT count(*) FROM delivery WHERE state IN (2, 3, 4) AND"
            " box IS NULL");
}

/* Every act that was answered is there, and at most what was in flight beside. */
static void nothing_answered_is_lost(life *l)
{
    for (size_t n = 0; vault_noun_at(n) != NULL; n++)
        for (size_t i = 0; i < vault_noun_at(n)->count; i++) {
            const vault_verb *verb = &vault_noun_at(n)->verbs[i];
            const size_t at = verb_index(verb->name);
            if (verb->access != VAULT_WRITES)
                continue;
            const int64_t there = count_named(
                l, "SELECT count(*) FROM event WHERE verb = $1 AND outcome = 'done'", verb->name);
            if (there < l->answered[at] || there > l->answered[at] + l->in_flight[at])
                fail_msg("%s: %lld answered, %lld in flight, %lld there", verb->name,
                         (long long)l->answered[at], (long long)l->in_flight[at], (long long)there);
            l->answered[at] = there;
            l->in_flight[at] = 0;
        }
}

static void check_all(life *l)
{
    DONE(&l->s, &auditor, "audit verify");
    key_sets_are_whole(l);
}

static void members_are_keyed(life *l)
{
    for (int sln = 1; sln <= 2; sln++) {
        const store_value in[] = { store_int(sln) };
        const int64_t kid = count_of(l,
                                     "SELECT k.kid FROM vkey k JOIN crypto_group c ON c.number = 0"
                                     " WHERE k.kind = 1 AND k.sln = $1 AND k.slot = c.active AND"
                                     " k.destroyed IS NULL",
                                     in, 1);
        for (size_t i = 0; i < RADIOS; i++)
            assert_int_equal(radio_kid(&l->radios[i], (uint16_t)sln), kid);
    }
}

/* ---- lives ---- */

static bool open_seal(life *l)
{
    const kf_slice passphrase = octets_of(PASSPHRASE);
    STEP(l, "", &officer, "vault unseal", "passphrase", 'o', &passphrase, NULL);
    return true;
}

static void name_things(life *l)
{
    l->number++;
    snprintf(l->backup, sizeof l->backup, "%.63s/backup%u", l->s.directory, l->number);
    snprintf(l->group, sizeof l->group, "mayday%u", l->number);
    snprintf(l->unit, sizeof l->unit, "x%u", l->number);
}

static void end_of_life(life *l)
{
    scene_forget(&l->s);
    keeper_stop();
    if (!WIFEXITED(the_keeper.status) || WEXITSTATUS(the_keeper.status) != 0)
        fail_msg("the vault ended with %#x", (unsigned)the_keeper.status);
}

/* With everything said and done. */
static void live_to_the_end(life *l, const workload *w)
{
    keeper_start(&l->s, NULL, NULL);
    assert_true(open_seal(l));
    check_all(l);
    w->run(l);
    assert_false(the_keeper.is_dead);
    if (w->after != NULL)
        w->after(l);
    pass_time(l, 21);
    assert_true(carry_all(l));
    check_all(l);
    members_are_keyed(l);
    end_of_life(l);
}

/* @return did it die where it should? */
static bool die_once(life *l, const workload *w, const char *plan)
{
    name_things(l);
    keeper_start(&l->s, plan, NULL);
    if (open_seal(l))
        w->run(l);
    if (!the_keeper.is_dead) {
        end_of_life(l);
        nothing_answered_is_lost(l);
        live_to_the_end(l, w);
        return false;
    }
    if (!WIFEXITED(the_keeper.status) || WEXITSTATUS(the_keeper.status) != CRASH_STATUS)
        fail_msg("%s at %s: the vault ended with %#x", w->name, plan, (unsigned)the_keeper.status);
    l->deaths++;
    pass_time(l, LEASE_OVER);
    nothing_answered_is_lost(l);
    live_to_the_end(l, w);
    return true;
}

/* The same with an error in place of the death. @return did it show itself? */
static bool refuse_once(life *l, const workload *w, const char *plan)
{
    name_things(l);
    keeper_start(&l->s, plan, NULL);
    l->may_refuse = true;
    const size_t before = l->refusals;
    if (open_seal(l))
        w->run(l);
    l->may_refuse = false;
    if (the_keeper.is_dead) { /* it could not even start */
        assert_true(WIFEXITED(the_keeper.status) && WEXITSTATUS(the_keeper.status) == 5);
        l->refusals++;
    } else {
        end_of_life(l);
    }
    pass_time(l, LEASE_OVER);
    nothing_answered_is_lost(l);
    live_to_the_end(l, w);
    return l->refusals > before;
}

/* ---- the campaign ---- */

typedef struct places {
    size_t count;
    char names[NAMES_MAX][64];
} places;

/* Which fail points a workload passes. */
static void look_for_places(life *l, const workload *w, places *p)
{
    char log[96];
    snprintf(log, sizeof log, "%.63s/places", l->s.directory);
    unlink(log);
    name_things(l);
    keeper_start(&l->s, NULL, log);
    assert_true(open_seal(l));
    w->run(l);
    if (w->after != NULL)
        w->after(l);
    end_of_life(l);
    FILE *f = fopen(log, "r");
    assert_non_null(f);
    for (p->count = 0; fscanf(f, "%63s", p->names[p->count]) == 1; p->count++)
        assert_true(p->count + 1 < NAMES_MAX);
    fclose(f);
    assert_true(p->count >= 4);
}

static void kill_everywhere(life *l, const workload *w)
{
    places p;
    char plan[96];
    testing_rng r;
    const bool all = testing_count(0, 1) > 0;
    testing_rng_init(&r, w->name);
    look_for_places(l, w, &p);
    const size_t before = l->deaths, refusals = l->refusals;
    /* A server that syncs every commit takes its time. */
    const size_t stride = strncmp(l->s.store, "sqlite:", 7) == 0 ? SAMPLE : 3 * SAMPLE;
    const size_t turn = (size_t)(w - works); /* of a sample: every workload takes other places */
    for (size_t i = all ? 0 : turn % stride; i < p.count; i += all ? 1 : stride)
        for (unsigned at = 1;; at++) {
            const size_t far = testing_rng_below(&r, 24);
            snprintf(plan, sizeof plan, "%s:%u:exit", p.names[i],
                     all || testing_rng_below(&r, 2) == 0 ? at : 1 + (unsigned)far);
            if (!die_once(l, w, plan) || !all)
                break;
        }
    for (size_t i = all ? 0 : turn % stride; i < p.count; i += all ? 1 : 2 * stride)
        for (unsigned at = 1, missed = 0; missed < 3; at++) {
            snprintf(plan, sizeof plan, "%s:%u:error", p.names[i],
                     all ? at : 1 + (unsigned)testing_rng_below(&r, 8));
            missed += refuse_once(l, w, plan) ? 0 : 1;
            if (!all)
                break;
        }
    print_message("%s: %zu deaths and %zu refusals at %zu places\n", w->name, l->deaths - before,
                  l->refusals - refusals, p.count);
}

static void begin_life(life *l)
{
    const kf_slice passphrase = octets_of(PASSPHRASE);
    const char *conninfo = getenv("KF_POSTGRESQL");
    scene *s = &l->s;
    memset(l, 0, sizeof *l);
    pass_time(l, 1800000000);
    snprintf(s->directory, sizeof s->directory, "%s/keyferry-crash.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(s->directory));
    snprintf(s->anchor, sizeof s->anchor, "%s", s->directory);
    if (conninfo != NULL && conninfo[0] != '\0')
        make_schema(s, conninfo);
    else
        snprintf(s->store, sizeof s->store, "sqlite:%s/store", s->directory);
    keeper_start(s, NULL, NULL);
    DONE(s, &officer, "vault init", "passphrase", 'o', &passphrase, "scrypt_log2n", 'i', 10LL);
    DONE(s, &officer, "kms create", "uri", 's', "kms.county.example");
    DONE(s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL);
}

static bool populate(life *l)
{
    static const char *const names[RADIOS] = { "e1", "e2" };
    uint8_t room[P25_DLI_DATAGRAM_MAX];
    STEP(l, "", &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1, "identity",
         's', IWF, "uris", 'S', "sip:fire@mc", NULL, NULL);
    STEP(l, "", &officer, "group create", "group", 's', "ems", "slns", 'I', 5, -1, NULL);
    for (size_t i = 0; i < RADIOS; i++) {
        radio *r = &l->radios[i];
        *r = (radio){ .name = names[i],
                      .rsi = 1001 + (uint32_t)i,
                      .ukek_kid = (uint16_t)(0x100 + i) };
        snprintf(l->seen[i].unit, sizeof l->seen[i].unit, "%s", names[i]);
        radio_make(r);
        const kf_slice ukek = { r->ukek, sizeof r->ukek };
        STEP(l, "", &officer, "unit add", "name", 's', r->name, "rsi", 'i', (long long)r->rsi,
             "ukek", 'o', &ukek, "ukek_kid", 'i', (long long)r->ukek_kid, NULL);
    }
    STEP(l, "", &officer, "unit add", "name", 's', "al", "uri", 's', "sip:al@mc", NULL);
    STEP(l, "", &officer, "unit add", "name", 's', "bo", "uri", 's', "sip:bo@mc", NULL);
    STEP(l, "", &officer, "unit add", "name", 's', "pr", "uri", 's', "sip:pr@mc", "rsi", 'i',
         2001LL, NULL);
    STEP(l, "", &officer, "group members", "group", 's', "fire", "add", 'S', "e1", "e2", "al", NULL,
         NULL);
    STEP(l, "", &officer, "group members", "group", 's', "ems", "add", 'S', "e2", "bo", NULL, NULL);
    for (size_t i = 0; i < RADIOS; i++) {
        kf_writer out = kf_writer_init(room, sizeof room);
        assert_ok(otar_unit_register(l->radios[i].unit, true, &out));
        assert_true(hand_in(l, &l->radios[i], kf_writer_slice(&out)));
    }
    return carry_all(l);
}

static void nothing_is_lost_wherever_it_dies(void **state)
{
    life *l = &the_life;
    char command[128];
    (void)state;
    begin_life(l);
    memset(l->answered, 0, sizeof l->answered);
    l->answered[verb_index("kms create")] = l->answered[verb_index("kms identity")] = 1;
    assert_true(populate(l));
    members_are_keyed(l);
    end_of_life(l);
    nothing_answered_is_lost(l);
    for (size_t i = 0; i < KF_COUNT(works); i++)
        kill_everywhere(l, &works[i]);
    print_message("%zu deaths survived, %zu errors; %zu messages to radios, %zu numbers compared\n",
                  l->deaths, l->refusals, l->boxes, l->with_mn);
    assert_true(l->deaths > 4);
    assert_true(l->with_mn > l->boxes / 2);
    for (size_t i = 0; i < RADIOS; i++)
        otar_unit_free(&l->radios[i].unit);
    snprintf(command, sizeof command, "rm -rf %.63s", l->s.directory);
    assert_int_equal(system(command), 0);
}

/* An SLN that has a key already joins a crypto group whose next key set is made already. */
static void a_late_sln_leaves_no_set_half_made(void **state)
{
    life *l = &the_life;
    uint8_t key[32];
    const kf_slice octets = { key, sizeof key };
    char command[128];
    (void)state;
    begin_life(l);
    assert_ok(kf_rng_fill(kf_random(), key, sizeof key));
    DONE(&l->s, &officer, "key import", "kind", 's', "tek", "sln", 'i', 3LL, "slot", 'i', 0LL,
         "material", 'o', &octets);
    DONE(&l->s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, -1);
    DONE(&l->s, &officer, "group rekey", "group", 's', "fire");
    DONE(&l->s, &officer, "group create", "group", 's', "late", "slns", 'I', 3, -1);
    key_sets_are_whole(l);
    DONE(&l->s, &officer, "group changeover", "group", 's', "fire");
    key_sets_are_whole(l);
    end_of_life(l);
    snprintf(command, sizeof command, "rm -rf %.63s", l->s.directory);
    assert_int_equal(system(command), 0);
}

/* ---- ready again ---- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* With many keys and work under way, killed; how long until it answers again, unsealed. */
static void is_ready_again_soon(void **state)
{
    const size_t keys = testing_count(2000, 100000);
    static const store_sql copy = {
        "INSERT INTO vkey (id, kind, algid, kid, sln, slot, unit, grp, name, origin, created,"
        " activates, deactivates, material) SELECT 1000000 + $1, kind, algid, 1000000 + $1, NULL,"
        " NULL, NULL, NULL, name, origin, created, activates, deactivates, material FROM vkey"
        " WHERE kind = 2 AND id < 1000000"
    };
    life *l = &the_life;
    store *db = NULL;
    store_fault fault;
    char command[128];
    (void)state;
    begin_life(l);
    DONE(&l->s, &officer, "key generate", "kind", 's', "kek");
    DONE(&l->s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1);
    assert_ok(store_open(l->s.store, &db, &fault));
    assert_ok(store_begin(db, STORE_WRITE));
    store_value *rows = calloc(keys, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < keys; i++)
        rows[i] = store_int((int64_t)i);
    assert_ok(store_run_many(db, &copy, rows, keys, 1));
    assert_ok(store_commit(db));
    free(rows);
    store_close(&db);
    assert_true(work_until_done());
    DONE(&l->s, &officer, "group rekey", "group", 's', "fire");
    scene_forget(&l->s);
    assert_int_equal(kill(the_keeper.pid, SIGKILL), 0);
    keeper_reap(&the_keeper);
    const double start = seconds_now();
    keeper_start(&l->s, NULL, NULL);
    assert_true(open_seal(l));
    DONE(&l->s, &officer, "group rekey", "group", 's', "fire");
    const double took = seconds_now() - start;
    print_message("ready again after %.3f s with %zu keys\n", took, keys);
    assert_true(count(l, "SELECT count(*) FROM vkey") >= (int64_t)keys);
    end_of_life(l);
    if (testing_count(0, 1) > 0)
        assert_true(took <= 2.0);
    snprintf(command, sizeof command, "rm -rf %.63s", l->s.directory);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "serve") == 0)
        return keeper_serve(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_wherever_it_dies),
        cmocka_unit_test(a_late_sln_leaves_no_set_half_made),
        cmocka_unit_test(is_ready_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An export is checked without the vault: whatever is done to it is found. */
#include "vault/fixture.h"
#include "vault/verify.h"

#define PAGES  8u
#define EVENTS 64u

/* An export as a list of pages; octets are borrowed from the answers, or from what tampers with it.
 */
typedef struct export
{
    size_t count;
    struct {
        kf_slice vault_id, audit_public;
        size_t heads, checkpoints, events;
        vault_signed head[2], checkpoint[EVENTS];
        vault_exported event[EVENTS];
    } page[PAGES];
}
export;

typedef struct world {
    scene s;
    uint8_t key[KF_ED25519_KEY_OCTETS];
    size_t tree_count;
    wire_tree *trees[PAGES * 4];
    wire_builder *built[PAGES * 4];
    export whole, pages, older;
} world;

static world w;

static vault_signed signed_of(const wire_value *v)
{
    return (vault_signed){ wire_get_int(v, "seq", 0), wire_get_int(v, "at", 0),
                           wire_get_octets(v, "hash"), wire_get_octets(v, "signature") };
}

static vault_exported event_of(const wire_value *v)
{
    static const char *const names[] = { "actor", "verb", "subject", "outcome", "detail" };
    vault_exported e = { { .seq = wire_get_int(v, "seq", 0),
                           .at = wire_get_int(v, "at", 0),
                           .role = (uint8_t)wire_get_int(v, "role", 0) },
                         wire_get_octets(v, "hash") };
    for (size_t i = 0; i < VAULT_EVENT_TEXTS; i++)
        e.event.texts[i] = wire_get_text(v, names[i]);
    return e;
}

/* One page more. @return the last seq of it. */
static int64_t take_page(export *x, long long after, long long limit)
{
    int64_t last = after;
    DONE(&w.s, &auditor, "audit export", "after", 'i', after, "limit", 'i', limit);
    const size_t i = x->count++;
    assert_true(i < PAGES);
    x->page[i].vault_id = wire_get_octets(w.s.out, "vault_id");
    x->page[i].audit_public = wire_get_octets(w.s.out, "audit_public");
    for (const wire_value *v = wire_get(w.s.out, "head")->first; v != NULL; v = v->next)
        x->page[i].head[x->page[i].heads++] = signed_of(v);
    for (const wire_value *v = wire_get(w.s.out, "checkpoints")->first; v != NULL; v = v->next)
        x->page[i].checkpoint[x->page[i].checkpoints++] = signed_of(v);
    for (const wire_value *v = wire_get(w.s.out, "events")->first; v != NULL; v = v->next) {
        assert_true(x->page[i].events < EVENTS);
        x->page[i].event[x->page[i].events] = event_of(v);
        last = x->page[i].event[x->page[i].events++].event.seq;
    }
    w.trees[w.tree_count] = w.s.tree; /* they live on */
    w.built[w.tree_count++] = w.s.built;
    w.s.tree = NULL;
    w.s.built = NULL;
    return last;
}

static kf_err check_with(const export *x, const uint8_t *key, const vault_point *earlier,
                         vault_verifier *v)
{
    kf_err err = KF_OK;
    vault_verify_begin(v, key, earlier);
    for (size_t i = 0; err == KF_OK && i < x->count; i++) {
        const vault_page page = { .vault_id = x->page[i].vault_id,
                                  .audit_public = x->page[i].audit_public,
                                  .head_count = x->page[i].heads,
                                  .heads = x->page[i].head,
                                  .checkpoint_count = x->page[i].checkpoints,
                                  .checkpoints = x->page[i].checkpoint,
                                  .event_count = x->page[i].events,
                                  .events = x->page[i].event };
        err = vault_verify_page(v, &page);
    }
    if (err == KF_OK)
        err = vault_verify_end(v);
    assert_true((err == KF_OK) == (v->why == NULL));
    return err;
}

static kf_err check(const export *x)
{
    vault_verifier v;
    return check_with(x, w.key, NULL, &v);
}

static int set_up(void **state)
{
    (void)state;
    scene_open(&w.s);
    memcpy(w.key, wire_get_octets(w.s.out, "audit_public").ptr, sizeof w.key);
    for (int i = 0; i < 6; i++)
        DONE(&w.s, &officer, "key generate", "kind", 's', "tek", "name", 's', "k");
    REFUSED(&w.s, "denied", &courier, "key list");
    take_page(&w.older, 0, 1000);
    for (int i = 0; i < 5; i++) {
        w.s.now += 1800;
        DONE(&w.s, &officer, "key generate", "kind", 's', "tek");
        work(&w.s); /* a checkpoint when an hour is over */
    }
    take_page(&w.whole, 0, 1000);
    int64_t last = 0, end = w.whole.page[0].head[0].seq;
    for (last = take_page(&w.pages, 0, 5); last < w.pages.page[0].head[0].seq;)
        last = take_page(&w.pages, last, 5);
    assert_true(last >= end && w.pages.count >= 3);
    assert_true(w.whole.page[0].checkpoints >= 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < w.tree_count; i++) {
        wire_tree_free(&w.trees[i]);
        wire_builder_free(&w.built[i]);
    }
    scene_close(&w.s);
    return 0;
}

static void an_export_is_good(void **state)
{
    const export *const all[] = { &w.whole, &w.pages, &w.older };
    vault_verifier v;
    (void)state;
    for (size_t i = 0; i < KF_COUNT(all); i++) {
        assert_ok(check_with(all[i], w.key, NULL, &v));
        assert_true(v.is_pinned && v.events >= 8 && v.checkpoints >= 2 && v.first == 1);
        assert_int_equal(v.now.seq, v.head.seq);
        assert_ok(check_with(all[i], NULL, NULL, &v));
        assert_false(v.is_pinned);
    }
}

static vault_point point_of(const vault_verifier *v)
{
    return v->now;
}

/* What was checked once is held against what comes later. */
static void an_earlier_point_finds_a_roll_back(void **state)
{
    vault_verifier v;
    vault_point before, now;
    (void)state;
    assert_ok(check_with(&w.older, w.key, NULL, &v));
    before = point_of(&v);
    assert_ok(check_with(&w.pages, w.key, &before, &v));
    now = point_of(&v);
    assert_true(now.seq > before.seq);
    assert_err(KF_E_AUTH, check_with(&w.older, w.key, &now, &v));
    assert_non_null(strstr(v.why, "earlier"));
    before.hash[7] ^= 1;
    assert_err(KF_E_AUTH, check_with(&w.pages, w.key, &before, &v));
    assert_int_equal(v.bad, before.seq);
    /* Only what is new, behind that point. */
    static export news;
    before.hash[7] ^= 1;
    int64_t last = take_page(&news, before.seq, 1000);
    assert_int_equal(news.page[0].event[0].event.seq, before.seq + 1);
    assert_ok(check_with(&news, w.key, &before, &v));
    assert_int_equal(v.now.seq, last);
    assert_err(KF_E_AUTH, check_with(&news, w.key, NULL, &v));
    before.hash[0] ^= 1;
    assert_err(KF_E_AUTH, check_with(&news, w.key, &before, &v));
    before.seq++;
    assert_err(KF_E_AUTH, check_with(&news, w.key, &before, &v));
}

/* ---- tampering ---- */

static uint8_t rooms[8][1200], hashes[PAGES * EVENTS][32];
static size_t room_count;
static uint64_t seed = 1;

static size_t any(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % n;
}

/* Octets that differ: a bit, one less, one more. */
static void spoil(kf_slice *octets)
{
    uint8_t *room = rooms[room_count++ % KF_COUNT(rooms)];
    const size_t how = octets->len == 0 ? 2 : any(4);
    assert_true(octets->len < sizeof rooms[0]);
    if (octets->len > 0)
        memcpy(room, octets->ptr, octets->len);
    octets->ptr = room;
    if (how == 1)
        octets->len--;
    else if (how == 2)
        room[octets->len++] = 'x';
    else
        room[any(octets->len)] ^= (uint8_t)(1u << any(8));
}

static int64_t other(int64_t n)
{
    static const int64_t steps[] = { 1, -1, 256, INT64_C(1) << 40 };
    return n + steps[any(KF_COUNT(steps))];
}

static void spoil_signed(vault_signed *s)
{
    switch (any(4)) {
    case 0:
        s->seq = other(s->seq);
        break;
    case 1:
        s->at = other(s->at);
        break;
    case 2:
        spoil(&s->hash);
        break;
    default:
        spoil(&s->signature);
    }
}

static void spoil_event(vault_exported *e)
{
    switch (any(5)) {
    case 0:
        e->event.seq = other(e->event.seq);
        break;
    case 1:
        e->event.at = other(e->event.at);
        break;
    case 2:
        e->event.role ^= (uint8_t)(1u << any(8));
        break;
    case 3:
        spoil(&e->hash);
        break;
    default:
        spoil(&e->event.texts[any(VAULT_EVENT_TEXTS)]);
    }
}

/* As somebody without the key would: every hash behind it made anew, in events and checkpoints. */
static void make_hashes(export *x)
{
    uint8_t hash[32];
    size_t n = 0;
    assert_ok(vault_event_first(x->page[0].vault_id.ptr, hash));
    for (size_t p = 0; p < x->count; p++)
        for (size_t i = 0; i < x->page[p].events; i++, n++) {
            vault_exported *e = &x->page[p].event[i];
            e->event.seq = (int64_t)n + 1;
            assert_ok(vault_event_hash(&e->event, hash));
            memcpy(hashes[n], hash, 32);
            e->hash = (kf_slice){ hashes[n], 32 };
        }
    for (size_t p = 0; p < x->count; p++) {
        for (size_t i = 0; i < x->page[p].checkpoints; i++)
            if ((size_t)x->page[p].checkpoint[i].seq <= n)
                x->page[p].checkpoint[i].hash =
                    (kf_slice){ hashes[x->page[p].checkpoint[i].seq - 1], 32 };
        x->page[p].head[0].seq = (int64_t)n;
        x->page[p].head[0].hash = (kf_slice){ hashes[n - 1], 32 };
    }
}

static void remove_event(export *x, size_t p, size_t i)
{
    memmove(&x->page[p].event[i], &x->page[p].event[i + 1],
            (--x->page[p].events - i) * sizeof(vault_exported));
}

static void insert_event(export *x, size_t p, size_t i, vault_exported e)
{
    assert_true(x->page[p].events < EVENTS);
    memmove(&x->page[p].event[i + 1], &x->page[p].event[i],
            (x->page[p].events++ - i) * sizeof(vault_exported));
    x->page[p].event[i] = e;
}

static void swap_events(export *x, size_t p)
{
    const size_t a = any(x->page[p].events - 1);
    const size_t b = a + 1 + any(x->page[p].events - a - 1);
    const vault_exported e = x->page[p].event[a];
    x->page[p].event[a] = x->page[p].event[b];
    x->page[p].event[b] = e;
}

static void cut_end(export *x)
{
    const size_t p = x->count - 1, n = 1 + any(x->page[p].events);
    x->page[p].events -= n;
    const int64_t last =
        x->page[p].events == 0 ? 0 : x->page[p].event[x->page[p].events - 1].event.seq;
    while (x->page[p].checkpoints > 0 &&
           x->page[p].checkpoint[x->page[p].checkpoints - 1].seq > last)
        x->page[p].checkpoints--;
}

static void remove_page(export *x)
{
    const size_t p = any(x->count);
    memmove(&x->page[p], &x->page[p + 1], (--x->count - p) * sizeof x->page[0]);
}

/* @return what was done. */
static unsigned tamper(export *x)
{
    size_t p = any(x->count);
    while (x->page[p].events < 2)
        p = (p + 1) % x->count;
    const size_t i = any(x->page[p].events);
    const unsigned how = (unsigned)any(14);
    switch (how) {
    case 0:
    case 1:
        spoil_event(&x->page[p].event[i]);
        break;
    case 2:
        remove_event(x, p, i);
        break;
    case 3:
        swap_events(x, p);
        break;
    case 4:
        insert_event(x, p, i, x->page[p].event[any(x->page[p].events)]);
        break;
    case 5:
        cut_end(x);
        break;
    case 6:
        spoil_signed(&x->page[p].head[0]);
        break;
    case 7:
        x->page[p].heads = any(2) * 2;
        x->page[p].head[1] = x->page[p].head[0];
        break;
    case 8:
        if (x->page[p].checkpoints == 0)
            x->page[p].heads = 0;
        else if (any(3) == 0)
            x->page[p].checkpoints--;
        else
            spoil_signed(&x->page[p].checkpoint[any(x->page[p].checkpoints)]);
        break;
    case 9:
        spoil(any(2) == 0 ? &x->page[p].vault_id : &x->page[p].audit_public);
        break;
    case 10:
        remove_page(x);
        break;
    case 11: /* cleverly: one event altered */
        spoil(&x->page[p].event[i].event.texts[any(VAULT_EVENT_TEXTS)]);
        make_hashes(x);
        break;
    case 12: /* one left out */
        remove_event(x, p, i);
        make_hashes(x);
        break;
    default: /* one put in */
        insert_event(x, p, i, x->page[p].event[i]);
        make_hashes(x);
    }
    return how;
}

static void every_tamper_is_found(void **state)
{
    static export x;
    const size_t count = getenv("KF_CAMPAIGN") == NULL ? 2000 : 10000;
    (void)state;
    for (size_t n = 0; n < count; n++) {
        x = n % 2 == 0 ? w.whole : w.pages;
        const unsigned how = tamper(&x);
        if (check(&x) == KF_OK)
            fail_msg("tamper %zu of kind %u was not found", n, how);
    }
    assert_ok(check(&w.whole));
    assert_ok(check(&w.pages));
}

/* Every event and every end, one by one. */
static void each_event_counts(void **state)
{
    static export x;
    vault_verifier v;
    (void)state;
    for (size_t i = 0; i < w.whole.page[0].events; i++) {
        x = w.whole;
        x.page[0].event[i].event.at++;
        assert_err(KF_E_AUTH, check_with(&x, w.key, NULL, &v));
        assert_int_equal(v.bad, i + 1);
        assert_string_equal(v.why, "an event was altered");
        x = w.whole;
        remove_event(&x, 0, i);
        assert_err(KF_E_AUTH, check_with(&x, w.key, NULL, &v));
        assert_int_equal(v.bad, i + 1);
        x = w.whole;
        x.page[0].events = i;
        while (x.page[0].checkpoints > 0 &&
               x.page[0].checkpoint[x.page[0].checkpoints - 1].seq > (int64_t)i)
            x.page[0].checkpoints--;
        assert_err(KF_E_AUTH, check_with(&x, w.key, NULL, &v));
        assert_int_equal(v.bad, i + 1);
    }
}

static void another_key_is_not_taken(void **state)
{
    static export x;
    uint8_t key[KF_ED25519_KEY_OCTETS];
    vault_verifier v;
    (void)state;
    memcpy(key, w.key, sizeof key);
    key[0] ^= 1;
    assert_err(KF_E_AUTH, check_with(&w.whole, key, NULL, &v));
    x = w.whole;
    x.page[0].audit_public = (kf_slice){ key, sizeof key };
    assert_err(KF_E_AUTH, check_with(&x, w.key, NULL, &v));
    assert_err(KF_E_AUTH, check_with(&x, NULL, NULL, &v)); /* it did not sign */
    x.count = 0;
    assert_err(KF_E_AUTH, check_with(&x, w.key, NULL, &v));
}

/* A head that is older, and an end cut to it, is what the store was: only an earlier check tells.
 */
static void an_older_end_needs_an_earlier_point(void **state)
{
    static export x;
    vault_verifier v;
    vault_point now;
    (void)state;
    assert_ok(check_with(&w.whole, w.key, NULL, &v));
    now = point_of(&v);
    x = w.whole;
    x.page[0].checkpoints -= 1;
    x.page[0].head[0] = x.page[0].checkpoint[x.page[0].checkpoints - 1];
    x.page[0].events = (size_t)x.page[0].head[0].seq;
    assert_ok(check(&x));
    assert_err(KF_E_AUTH, check_with(&x, w.key, &now, &v));
    x.page[0].events++; /* and nothing may follow it */
    assert_err(KF_E_AUTH, check(&x));
}

/* As it comes: an export reads nothing past what it signs, however it is asked. */
static void odd_questions_are_answered(void **state)
{
    (void)state;
    DONE(&w.s, &auditor, "audit export", "after", 'i', (long long)INT64_MAX);
    assert_int_equal(wire_get(w.s.out, "events")->count, 0);
    DONE(&w.s, &auditor, "audit export", "after", 'i', (long long)INT64_MAX - 5, "limit", 'i',
         1000LL);
    DONE(&w.s, &auditor, "audit verify");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_export_is_good),
        cmocka_unit_test(an_earlier_point_finds_a_roll_back),
        cmocka_unit_test(every_tamper_is_found),
        cmocka_unit_test(each_event_counts),
        cmocka_unit_test(another_key_is_not_taken),
        cmocka_unit_test(an_older_end_needs_an_earlier_point),
        cmocka_unit_test(odd_questions_are_answered),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

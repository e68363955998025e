/*
 * Who may not, cannot: roles against verbs with right and random content, couriers against boxes
 * that are not theirs, and what belongs to one organization against the vault of another.
 */
#include "mikey/mikey.h"
#include "vault/members.h"
#include "vault/requests.h"

static void populate(scene *s)
{
    scene_open(s);
    DONE(s, &officer, "kms create", "uri", 's', "kms.county.example");
    DONE(s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL);
    DONE(s, &officer, "unit add", "name", 's', "al", "uri", 's', "sip:al@mc");
    DONE(s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1, "identity", 's',
         IWF, "uris", 'S', "sip:fire@mc", NULL);
    DONE(s, &officer, "group members", "group", 's', "fire", "add", 'S', "al", NULL);
    work(s);
}

static const vault_verb *any_verb(testing_rng *r)
{
    size_t nouns = 0;
    while (vault_noun_at(nouns) != NULL)
        nouns++;
    const vault_noun *noun = vault_noun_at(testing_rng_below(r, nouns));
    return &noun->verbs[testing_rng_below(r, noun->count)];
}

/* What a refused attempt must not change. */
static int64_t state_of(const scene *s)
{
    return store_number(s, "SELECT (SELECT sum(value) FROM counter) + (SELECT count(*) FROM vkey)"
                           " * 1000000 + (SELECT coalesce(sum(state), 0) FROM delivery) * 1000 +"
                           " (SELECT count(*) FROM proposal) + (SELECT count(*) FROM unit)");
}

/* ---- roles ---- */

static void no_role_does_what_is_anothers(void **state)
{
    static const unsigned odd[] = { 0, 1u << 6, 1u << 31 };
    const size_t count = testing_count(600, 10000);
    size_t refused = 0;
    testing_rng r;
    scene s;
    (void)state;
    populate(&s);
    testing_rng_init(&r, "roles");
    const int64_t before = state_of(&s);
    while (refused < count) {
        const vault_verb *verb = any_verb(&r);
        const vault_caller *who = caller_for(verb, &r, false);
        vault_caller nobody = { (vault_role)odd[testing_rng_below(&r, KF_COUNT(odd))], "nobody" };
        if (who == NULL || testing_rng_below(&r, 10) == 0)
            who = &nobody;
        request q = request_for(verb, &r, testing_rng_below(&r, 2) == 0);
        if (ask_request(&s, who, &q) != KF_E_DENIED || strcmp(s.refusal.code, "denied") != 0)
            fail_msg("%s may %s: %s", who->name, verb->name, s.refusal.code);
        request_free(&q);
        refused++;
        if (refused % 500 == 0)
            assert_int_equal(state_of(&s), before);
    }
    assert_int_equal(state_of(&s), before);
    DONE(&s, &auditor, "audit verify"); /* each is an event */
    assert_true(wire_get_int(s.out, "events", 0) >= (int64_t)count);
    print_message("%zu attempts in a wrong role refused\n", refused);
    scene_close(&s);
}

/* ---- couriers ---- */

static void no_courier_settles_what_it_did_not_claim(void **state)
{
    static const vault_caller other = { VAULT_COURIER, "courier2" };
    static const char *const outcomes[] = { "delivered", "failed", "refused" };
    const size_t count = testing_count(200, 3000);
    testing_rng r;
    scene s;
    (void)state;
    populate(&s);
    testing_rng_init(&r, "settle");
    DONE(&s, &courier, "outbox claim", "lease", 'i', 3600LL);
    const long long claim = wire_get_int(s.out, "claim", 0);
    const wire_value *box = wire_get(s.out, "boxes")->first;
    assert_non_null(box);
    const long long delivery = wire_get_int(box, "delivery", 0);
    const int64_t before = state_of(&s);
    for (size_t i = 0; i < count; i++) {
        const bool is_other = testing_rng_below(&r, 2) == 0;
        long long a = delivery, b = claim;
        if (!is_other || testing_rng_below(&r, 2) == 0) {
            if (testing_rng_below(&r, 2) == 0)
                a = 1 + (long long)testing_rng_below(&r, 200);
            else
                b = 1 + (long long)testing_rng_below(&r, 200);
        }
        if (!is_other && a == delivery && b == claim)
            continue;
        REFUSED(&s, "not-claimed", is_other ? &other : &courier, "outbox settle", "delivery", 'i',
                a, "claim", 'i', b, "outcome", 's', outcomes[testing_rng_below(&r, 3)]);
    }
    assert_int_equal(state_of(&s), before);
    DONE(&s, &courier, "outbox settle", "delivery", 'i', delivery, "claim", 'i', claim, "outcome",
         's', "delivered");
    scene_close(&s);
}

/* ---- two organizations ---- */

typedef struct taken {
    size_t len;
    uint8_t octets[8192];
} taken;

static kf_err take(void *ctx, const store_value *c, size_t count)
{
    taken *t = ctx;
    if (count == 1 && c[0].octets.len <= sizeof t->octets) {
        t->len = c[0].octets.len;
        memcpy(t->octets, c[0].octets.ptr, t->len);
    }
    return KF_OK;
}

/* One column of one row of one store, put into another store. */
static void transplant(const scene *from, const scene *to, const store_sql *get,
                       const store_sql *put)
{
    static taken t;
    store *db = NULL;
    store_fault fault;
    t.len = 0;
    assert_ok(store_open(from->store, &db, &fault));
    assert_ok(store_begin(db, STORE_READ));
    assert_ok(store_run(db, get, NULL, 0, take, &t));
    store_rollback(db);
    store_close(&db);
    assert_true(t.len > 0);
    const store_value in = store_blob((kf_slice){ t.octets, t.len });
    assert_ok(store_open(to->store, &db, &fault));
    assert_ok(store_begin(db, STORE_WRITE));
    if (store_run(db, put, &in, 1, NULL, NULL) != KF_OK)
        fail_msg("%s: %s", put->text, store_last_fault(db)->text);
    assert_true(store_changes(db) > 0);
    assert_ok(store_commit(db));
    store_close(&db);
}

static void nothing_of_one_organization_serves_another(void **state)
{
    static const store_sql get_key = { "SELECT material FROM vkey WHERE kind = 1 AND sln = 1" };
    static const store_sql put_key = { "UPDATE vkey SET material = $1 WHERE kind = 1 AND sln = 1" };
    static const store_sql get_slot = { "SELECT blob FROM seal_slot ORDER BY id LIMIT 1" };
    static const store_sql put_slot = { "UPDATE seal_slot SET blob = $1" };
    static const store_sql get_audit = { "SELECT value FROM meta WHERE name = 'audit_key'" };
    static const store_sql put_audit = { "UPDATE meta SET value = $1 WHERE name = 'audit_key'" };
    const kf_slice passphrase = octets_of(PASSPHRASE);
    scene a, b;
    char mixed[96];
    (void)state;
    populate(&a);
    populate(&b);

    /* a box of A is nothing to B, nor is a claim */
    DONE(&a, &courier, "outbox claim");
    const long long claim = wire_get_int(a.out, "claim", 0);
    const wire_value *box = wire_get(a.out, "boxes")->first;
    const long long delivery = wire_get_int(box, "delivery", 0);
    const kf_slice octets = wire_get_octets(box, "box");
    REFUSED(&b, "not-claimed", &courier, "outbox settle", "delivery", 'i', delivery, "claim", 'i',
            claim, "outcome", 's', "delivered");
    REFUSED(&b, "bad-message", &call_control, "call open", "lmr", 's', IWF, "mc", 's', "sip:al@mc",
            "mode", 's', "transcrypted", "i_message", 'o', &octets);
    REFUSED(&b, "bad-message", &courier, "inbox put", "from", 's', "al", "interworking", 'o',
            &octets);

    /* a key of A in a row of B does not open */
    DONE(&b, &officer, "media grant", "group", 's', "fire", "process", 's', "media1", "ends", 'i',
         (long long)b.now + 100);
    DONE(&b, &media, "media fetch", "group", 's', "fire");
    transplant(&a, &b, &get_key, &put_key);
    assert_int_not_equal(ask(&b, &media, "media fetch", "group", 's', "fire", NULL), KF_OK);

    /* nor its audit key, nor its way to unseal: the same passphrase, another vault */
    transplant(&a, &b, &get_audit, &put_audit);
    scene_stop(&b);
    scene_start(&b);
    assert_int_not_equal(ask(&b, &officer, "vault unseal", "passphrase", 'o', &passphrase, NULL),
                         KF_OK);
    assert_false(vault_is_unsealed(b.v));
    transplant(&a, &b, &get_slot, &put_slot);
    assert_int_not_equal(ask(&b, &officer, "vault unseal", "passphrase", 'o', &passphrase, NULL),
                         KF_OK);
    assert_false(vault_is_unsealed(b.v));

    /* and the store of A beside the anchor of B is not taken for B's */
    snprintf(mixed, sizeof mixed, "%s", a.anchor);
    snprintf(a.anchor, sizeof a.anchor, "%s", b.anchor);
    scene_stop(&a);
    scene_start(&a);
    REFUSED(&a, "bad-anchor", &officer, "vault unseal", "passphrase", 'o', &passphrase);
    assert_false(vault_is_unsealed(a.v));
    snprintf(a.anchor, sizeof a.anchor, "%s", mixed);
    scene_close(&a);
    scene_close(&b);
}

/* A radio of A speaks to B, where there is a unit of the same address with a key of its own. */
static void a_foreign_radio_is_not_believed(void **state)
{
    const size_t count = testing_count(100, 3000);
    uint8_t room[P25_DLI_DATAGRAM_MAX], other[32];
    radio r = { .name = "e1", .rsi = 1001, .ukek_kid = 0x101 };
    const kf_slice octets = { other, sizeof other };
    testing_rng rng;
    scene b;
    (void)state;
    scene_open(&b);
    radio_make(&r);
    testing_rng_init(&rng, "foreign");
    testing_rng_octets(&rng, other, sizeof other);
    DONE(&b, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, -1);
    DONE(&b, &officer, "unit add", "name", 's', "e1", "rsi", 'i', 1001LL, "ukek", 'o', &octets,
         "ukek_kid", 'i', 0x101LL);
    DONE(&b, &officer, "group members", "group", 's', "fire", "add", 'S', "e1", NULL);
    for (size_t i = 0; i < count; i++) {
        kf_writer out = kf_writer_init(room, sizeof room);
        if (i % 2 == 0)
            assert_ok(otar_unit_register(r.unit, true, &out));
        else
            assert_ok(otar_unit_hello(r.unit, true, &out));
        for (size_t flips = testing_rng_below(&rng, 3); out.len > 0 && flips > 0; flips--)
            room[testing_rng_below(&rng, out.len)] ^= (uint8_t)(1u << testing_rng_below(&rng, 8));
        const kf_slice said = kf_writer_slice(&out);
        if (said.len > 0) /* handed in, or refused: it must make no difference */
            ask(&b, &courier, "inbox put", "from", 's', "1001", "datagram", 'o', &said, NULL);
        if (i % 25 == 0)
            work(&b);
    }
    assert_int_equal(store_number(&b, "SELECT count(*) FROM holds"), 0);
    assert_int_equal(store_number(&b, "SELECT count(*) FROM delivery WHERE state = 5"), 0);
    DONE(&b, &auditor, "audit verify");
    otar_unit_free(&r.unit);
    scene_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_role_does_what_is_anothers),
        cmocka_unit_test(no_courier_settles_what_it_did_not_claim),
        cmocka_unit_test(nothing_of_one_organization_serves_another),
        cmocka_unit_test(a_foreign_radio_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

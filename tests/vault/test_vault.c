/* The vault as a whole: sealing, roles, plans, the chain of events. */
#include "vault/fixture.h"

#include "keyfill/box.h"

static void seals_and_unseals(void **state)
{
    scene s;
    const kf_slice wrong = octets_of("wrong"), right = octets_of(PASSPHRASE);
    (void)state;
    scene_open(&s);
    assert_true(vault_is_unsealed(s.v));
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "name", 's', "first");
    DONE(&s, &officer, "vault seal");
    REFUSED(&s, "sealed", &officer, "key list");
    DONE(&s, &auditor, "vault status");
    assert_false(wire_get_bool(s.out, "unsealed", true));
    REFUSED(&s, "wrong-seal", &officer, "vault unseal", "passphrase", 'o', &wrong);
    DONE(&s, &officer, "vault unseal", "passphrase", 'o', &right);
    DONE(&s, &officer, "key list");
    assert_int_equal(wire_get(s.out, "keys")->count, 1);
    REFUSED(&s, "unsealed", &officer, "vault unseal", "passphrase", 'o', &right);
    REFUSED(&s, "initialised", &officer, "vault init", "passphrase", 'o', &right);
    scene_close(&s);
}

static void survives_a_restart(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "kid", 'i', 0x1234LL);
    scene_stop(&s);
    scene_start(&s);
    assert_false(vault_is_unsealed(s.v));
    unseal(&s);
    DONE(&s, &officer, "key list");
    assert_int_equal(wire_get_int(wire_get(s.out, "keys")->first, "kid", 0), 0x1234);
    scene_close(&s);
}

static void quorum_opens_with_enough_shares(void **state)
{
    scene s;
    const kf_slice one = octets_of("one"), two = octets_of("two"), three = octets_of("three");
    kf_secret *shares[3] = { NULL };
    size_t n = 0;
    (void)state;
    scene_open(&s);
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    assert_ok(wire_builder_new(&b));
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", "vault add-seal");
    wire_put_int(b, "needed", 2);
    wire_put_int(b, "scrypt_log2n", 10);
    wire_open_list(b, "passphrases");
    wire_put_octets(b, NULL, one);
    wire_put_octets(b, NULL, two);
    wire_put_octets(b, NULL, three);
    wire_close(b);
    wire_close(b);
    assert_ok(wire_builder_done(b, &octets));
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    scene_forget(&s);
    assert_ok(vault_do(s.v, &officer, wire_tree_root(tree), &s.built, &s.refusal));
    wire_tree_free(&tree);
    wire_builder_free(&b);
    DONE(&s, &officer, "proposal list");
    const long long id = wire_get_int(wire_get(s.out, "proposals")->first, "proposal", 0);
    REFUSED(&s, "same-officer", &officer, "proposal approve", "proposal", 'i', id);
    DONE(&s, &second_officer, "proposal approve", "proposal", 'i', id);
    for (const wire_value *v = wire_get(s.out, "shares")->first; v != NULL; v = v->next)
        assert_ok(kf_secret_new_copy(v->octets, &shares[n++]));
    assert_int_equal(n, 3);
    DONE(&s, &officer, "vault seal");
    const kf_slice first = kf_secret_view(shares[0]), last = kf_secret_view(shares[2]);
    DONE(&s, &officer, "vault unseal", "share", 'o', &first, "passphrase", 'o', &one);
    assert_false(wire_get_bool(s.out, "unsealed", true));
    assert_int_equal(wire_get_int(s.out, "shares", 0), 1);
    REFUSED(&s, "wrong-seal", &second_officer, "vault unseal", "share", 'o', &last, "passphrase",
            'o', &one);
    DONE(&s, &second_officer, "vault unseal", "share", 'o', &last, "passphrase", 'o', &three);
    assert_true(wire_get_bool(s.out, "unsealed", false));
    for (size_t i = 0; i < 3; i++)
        kf_secret_free(&shares[i]);
    scene_close(&s);
}

/* Every verb, for every role that may not: refused before anything is looked at. */
static void roles_are_kept_apart(void **state)
{
    static const vault_caller *const callers[] = { &officer,  &auditor, &courier,
                                                   &kms_face, &media,   &call_control };
    scene s;
    size_t refused = 0;
    (void)state;
    scene_open(&s);
    for (size_t n = 0; vault_noun_at(n) != NULL; n++)
        for (size_t i = 0; i < vault_noun_at(n)->count; i++)
            for (size_t c = 0; c < KF_COUNT(callers); c++) {
                const vault_verb *verb = &vault_noun_at(n)->verbs[i];
                if ((verb->roles & (unsigned)callers[c]->role) != 0)
                    continue;
                REFUSED(&s, "denied", callers[c], verb->name);
                refused++;
            }
    assert_true(refused > 150);
    REFUSED(&s, "no-such-verb", &officer, "key steal");
    REFUSED(&s, "unknown-field", &officer, "key generate", "kind", 's', "tek", "colour", 's',
            "red");
    REFUSED(&s, "missing-field", &officer, "key generate");
    REFUSED(&s, "bad-field", &officer, "key generate", "kind", 's', "umbrella");
    REFUSED(&s, "bad-field", &officer, "key generate", "kind", 'i', 1LL);
    scene_close(&s);
}

static void a_plan_changes_nothing(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "vault status");
    const long long events = wire_get_int(s.out, "events", -1);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "kid", 'i', 5LL, "plan", 'b', 1);
    assert_true(wire_get_bool(s.out, "plan", false));
    assert_int_equal(wire_get_int(wire_get(s.out, "made"), "kid", 0), 5);
    DONE(&s, &officer, "key list");
    assert_int_equal(wire_get(s.out, "keys")->count, 0);
    DONE(&s, &officer, "vault status");
    assert_int_equal(wire_get_int(s.out, "events", -1), events);
    scene_close(&s);
}

static void clashes_are_refused(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "kid", 'i', 7LL, "sln", 'i', 3LL, "slot",
         'i', 0LL);
    REFUSED(&s, "kid-clash", &officer, "key generate", "kind", 's', "tek", "kid", 'i', 7LL);
    REFUSED(&s, "place-clash", &officer, "key generate", "kind", 's', "tek", "sln", 'i', 3LL,
            "slot", 'i', 0LL);
    DONE(&s, &officer, "partner reserve", "name", 's', "state", "what", 's', "kid", "low", 'i',
         100LL, "high", 'i', 200LL);
    REFUSED(&s, "kid-clash", &officer, "key generate", "kind", 's', "tek", "kid", 'i', 150LL);
    DONE(&s, &officer, "unit add", "name", 's', "e7", "rsi", 'i', 1001LL);
    REFUSED(&s, "clash", &officer, "unit add", "name", 's', "e8", "rsi", 'i', 1001LL);
    DONE(&s, &officer, "vault status"); /* goes on after a clash */
    scene_close(&s);
}

static void states_follow_the_clock(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "activates", 'i', (long long)s.now + 100,
         "deactivates", 'i', (long long)s.now + 200);
    const long long id = wire_get_int(wire_get(s.out, "made"), "key", 0);
    static const struct {
        int after;
        const char *state;
    } steps[] = { { 0, "pre-activation" }, { 100, "active" }, { 200, "deactivated" } };
    const kf_time start = s.now;
    for (size_t i = 0; i < KF_COUNT(steps); i++) {
        s.now = start + steps[i].after;
        DONE(&s, &auditor, "key show", "key", 'i', id);
        const kf_slice text = wire_get_text(wire_get(s.out, "key"), "state");
        assert_int_equal(text.len, strlen(steps[i].state));
        assert_memory_equal(text.ptr, steps[i].state, text.len);
    }
    DONE(&s, &officer, "key destroy", "key", 'i', id);
    DONE(&s, &auditor, "key show", "key", 'i', id);
    assert_int_equal(wire_get_text(wire_get(s.out, "key"), "state").ptr[2], 's'); /* destroyed */
    scene_close(&s);
}

static void acts_only_after_the_last_checkpoint(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    s.now -= 10 * 365 * 86400;
    REFUSED(&s, "clock-behind", &officer, "key generate", "kind", 's', "tek");
    DONE(&s, &auditor, "key list"); /* looking is fine */
    s.now += 10 * 365 * 86400;
    DONE(&s, &officer, "key generate", "kind", 's', "tek");
    scene_close(&s);
}

static long long propose(scene *s)
{
    const long long id = wire_get_int(s->out, "proposal", 0);
    assert_true(id > 0);
    return id;
}

static void dangerous_verbs_wait_for_a_second_officer(void **state)
{
    scene s;
    const kf_slice passphrase = octets_of("a partner's passphrase");
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "sln", 'i', 5LL, "slot", 'i', 0LL,
         "name", 's', "fire");
    const int key = (int)wire_get_int(wire_get(s.out, "made"), "key", 0);
    DONE(&s, &officer, "unit add", "name", 's', "e7", "rsi", 'i', 1001LL);

    DONE(&s, &officer, "key export", "keys", 'I', key, -1, "passphrase", 'o', &passphrase);
    assert_null(wire_get(s.out, "keyfile"));
    const long long export = propose(&s);
    REFUSED(&s, "same-officer", &officer, "proposal approve", "proposal", 'i', export);
    DONE(&s, &second_officer, "proposal approve", "proposal", 'i', export);
    keyfill_file file;
    kf_fault fault;
    assert_ok(keyfill_box_open(wire_get_octets(s.out, "keyfile"), passphrase, &file, &fault));
    assert_int_equal(file.entry_count, 1);
    assert_int_equal(file.entries[0].sln, 5);
    assert_int_equal(file.entries[0].keyset, 1);
    keyfill_file_clear(&file);
    REFUSED(&s, "no-such-proposal", &second_officer, "proposal approve", "proposal", 'i', export);

    DONE(&s, &officer, "unit zeroize-all");
    const long long all = propose(&s);
    DONE(&s, &second_officer, "proposal refuse", "proposal", 'i', all);
    REFUSED(&s, "no-such-proposal", &second_officer, "proposal approve", "proposal", 'i', all);
    DONE(&s, &officer, "unit zeroize-all");
    DONE(&s, &second_officer, "proposal approve", "proposal", 'i', propose(&s));
    DONE(&s, &auditor, "unit show", "unit", 's', "e7");
    assert_int_equal(wire_get_text(wire_get(s.out, "unit"), "state").ptr[0], 'l');

    DONE(&s, &officer, "unit zeroize-all");
    const long long late = propose(&s);
    s.now += 2 * 86400;
    REFUSED(&s, "too-old", &second_officer, "proposal approve", "proposal", 'i', late);
    scene_close(&s);
}

static void a_suspended_key_is_not_given_out(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "group create", "group", 's', "x", "slns", 'I', 1, -1);
    DONE(&s, &officer, "media grant", "group", 's', "x", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 100);
    DONE(&s, &auditor, "group keys", "group", 's', "x");
    const long long key = wire_get_int(wire_get(s.out, "keys")->first, "key", 0);
    DONE(&s, &officer, "key suspend", "key", 'i', key);
    REFUSED(&s, "no-change", &officer, "key suspend", "key", 'i', key);
    DONE(&s, &media, "media fetch", "group", 's', "x");
    assert_int_equal(wire_get(s.out, "keys")->count, 0);
    DONE(&s, &officer, "key resume", "key", 'i', key);
    DONE(&s, &media, "media fetch", "group", 's', "x");
    assert_int_equal(wire_get(s.out, "keys")->count, 1);
    scene_close(&s);
}

/* ---- tampering, behind the vault's back ---- */

static void behind_its_back(const scene *s, const char *sql)
{
    store *db = NULL;
    store_fault fault;
    const store_sql statement = { sql };
    assert_ok(store_open(s->store, &db, &fault));
    assert_ok(store_begin(db, STORE_WRITE));
    if (store_run(db, &statement, NULL, 0, NULL, NULL) != KF_OK)
        fail_msg("%s: %s", sql, store_last_fault(db)->text);
    assert_true(store_changes(db) > 0);
    assert_ok(store_commit(db));
    store_close(&db);
}

static void tampering_with_events_is_found(void **state)
{
    static const char *const tampers[] = {
        "UPDATE event SET actor = 'mallory' WHERE seq = 3",
        "UPDATE event SET at = at + 1 WHERE seq = 2",
        "UPDATE event SET outcome = 'refused' WHERE seq = 4",
        "DELETE FROM event WHERE seq = 3",
        "UPDATE event SET seq = 100 WHERE seq = 4",
        "UPDATE checkpoint SET at = at + 1",
        "UPDATE event SET detail = detail || ' ' WHERE seq = 5",
    };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(tampers); i++) {
        scene s;
        scene_open(&s);
        for (int n = 0; n < 6; n++)
            DONE(&s, &officer, "key generate", "kind", 's', "tek");
        DONE(&s, &auditor, "audit verify");
        assert_true(wire_get_int(s.out, "events", 0) >= 7);
        behind_its_back(&s, tampers[i]);
        REFUSED(&s, "audit-broken", &auditor, "audit verify");
        scene_close(&s);
    }
}

static void swapped_keys_are_noticed(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1);
    DONE(&s, &officer, "unit add", "name", 's', "m", "rsi", 'i', 1LL);
    DONE(&s, &officer, "media grant", "group", 's', "fire", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 100);
    DONE(&s, &media, "media fetch", "group", 's', "fire");
    assert_int_equal(wire_get(s.out, "keys")->count, 2);
    behind_its_back(&s,
                    "UPDATE vkey SET material = (SELECT material FROM vkey x WHERE x.kind = 1 AND"
                    " x.sln = 2) WHERE kind = 1 AND sln = 1");
    ask(&s, &media, "media fetch", "group", 's', "fire", NULL);
    assert_int_not_equal(s.err, KF_OK);
    scene_close(&s);
}

static void an_older_store_is_refused(void **state)
{
    scene s;
    char command[512];
    const kf_slice right = octets_of(PASSPHRASE);
    (void)state;
    scene_open(&s);
    if (strncmp(s.store, "sqlite:", 7) != 0) {
        scene_close(&s);
        skip();
    }
    scene_stop(&s);
    snprintf(command, sizeof command, "cp -a %s/store %s/older", s.directory, s.directory);
    assert_int_equal(system(command), 0);
    scene_start(&s);
    unseal(&s);
    DONE(&s, &officer, "key generate", "kind", 's', "tek");
    scene_stop(&s);
    snprintf(command, sizeof command, "rm -f %s/store*; cp -a %s/older %s/store", s.directory,
             s.directory, s.directory);
    assert_int_equal(system(command), 0);
    scene_start(&s);
    REFUSED(&s, "rolled-back", &officer, "vault unseal", "passphrase", 'o', &right);
    assert_false(vault_is_unsealed(s.v));
    scene_close(&s);
}

static void a_grant_opens_only_what_it_says(void **state)
{
    static const vault_caller other = { VAULT_MEDIA, "media2" };
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "group create", "group", 's', "x", "slns", 'I', 1, -1);
    DONE(&s, &officer, "group create", "group", 's', "y", "slns", 'I', 2, -1);
    REFUSED(&s, "no-grant", &media, "media fetch", "group", 's', "x");
    DONE(&s, &officer, "media grant", "group", 's', "x", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 100);
    const long long grant = wire_get_int(s.out, "grant", 0);
    DONE(&s, &media, "media fetch", "group", 's', "x");
    assert_int_equal(wire_get(s.out, "keys")->count, 1);
    REFUSED(&s, "no-grant", &media, "media fetch", "group", 's', "y");
    REFUSED(&s, "no-grant", &other, "media fetch", "group", 's', "x");
    DONE(&s, &officer, "media revoke", "grant", 'i', grant);
    REFUSED(&s, "no-grant", &media, "media fetch", "group", 's', "x");
    DONE(&s, &officer, "media grant", "group", 's', "x", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 100);
    s.now += 100;
    REFUSED(&s, "no-grant", &media, "media fetch", "group", 's', "x");
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_and_unseals),
        cmocka_unit_test(survives_a_restart),
        cmocka_unit_test(quorum_opens_with_enough_shares),
        cmocka_unit_test(roles_are_kept_apart),
        cmocka_unit_test(a_plan_changes_nothing),
        cmocka_unit_test(clashes_are_refused),
        cmocka_unit_test(states_follow_the_clock),
        cmocka_unit_test(acts_only_after_the_last_checkpoint),
        cmocka_unit_test(dangerous_verbs_wait_for_a_second_officer),
        cmocka_unit_test(a_suspended_key_is_not_given_out),
        cmocka_unit_test(tampering_with_events_is_found),
        cmocka_unit_test(swapped_keys_are_noticed),
        cmocka_unit_test(an_older_store_is_refused),
        cmocka_unit_test(a_grant_opens_only_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

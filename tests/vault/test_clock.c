/* The clock jumps ten years, either way: no key is used outside its period, and nothing is done
 * before the last signed checkpoint. */
#include "vault/requests.h"

#define IWF       "sip:iwf@county.example"
#define TEN_YEARS (10LL * 365 * 86400)

static void populate(scene *s)
{
    scene_open(s);
    DONE(s, &officer, "kms create", "uri", 's', "kms.county.example");
    DONE(s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL);
    DONE(s, &officer, "unit add", "name", 's', "al", "uri", 's', "sip:al@mc");
    DONE(s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, -1, "identity", 's',
         IWF, "uris", 'S', "sip:fire@mc", NULL);
    DONE(s, &officer, "group members", "group", 's', "fire", "add", 'S', "al", NULL);
    DONE(s, &officer, "key generate", "kind", 's', "tek", "deactivates", 'i',
         (long long)s->now + 86400);
}

static int64_t events(const scene *s)
{
    return store_number(s, "SELECT coalesce(max(seq), 0) FROM event");
}

/* Every verb that writes, from those who may ask it. */
static void nothing_is_done_before_the_last_checkpoint(void **state)
{
    const size_t rounds = testing_count(3, 200);
    const kf_slice passphrase = octets_of(PASSPHRASE);
    testing_rng r;
    scene s;
    size_t refused = 0;
    (void)state;
    populate(&s);
    testing_rng_init(&r, "clock");
    const int64_t before = events(&s);
    for (size_t round = 0; round < rounds; round++)
        for (size_t n = 0; vault_noun_at(n) != NULL; n++)
            for (size_t i = 0; i < vault_noun_at(n)->count; i++) {
                const vault_verb *verb = &vault_noun_at(n)->verbs[i];
                if (verb->access == VAULT_READS || verb->while_sealed)
                    continue;
                const long long back = 1 + (long long)testing_rng_below(&r, (size_t)TEN_YEARS);
                request q = request_for(verb, &r, round == 0);
                s.now -= back;
                assert_int_not_equal(ask_request(&s, caller_for(verb, &r, true), &q), KF_OK);
                s.now += back;
                if (strcmp(s.refusal.code, "clock-behind") != 0)
                    fail_msg("%s: %s: %s", verb->name, s.refusal.code, s.refusal.what);
                request_free(&q);
                refused++;
            }
    s.now -= TEN_YEARS;
    work(&s);
    assert_int_equal(store_number(&s, "SELECT count(*) FROM delivery WHERE state <> 1"), 0);
    scene_stop(&s);
    scene_start(&s);
    REFUSED(&s, "clock-behind", &officer, "vault unseal", "passphrase", 'o', &passphrase);
    assert_false(vault_is_unsealed(s.v));
    s.now += TEN_YEARS;
    assert_int_equal(events(&s), before);
    unseal(&s);
    work(&s);
    assert_int_equal(store_number(&s, "SELECT count(*) FROM delivery WHERE state = 2"), 1);
    print_message("%zu acts refused before the last checkpoint\n", refused);
    scene_close(&s);
}

static void no_key_is_used_outside_its_period(void **state)
{
    scene s;
    (void)state;
    populate(&s);
    DONE(&s, &officer, "media grant", "group", 's', "fire", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 86400);
    DONE(&s, &media, "media fetch", "group", 's', "fire");
    assert_true(wire_get(s.out, "keys")->count >= 2);
    DONE(&s, &call_control, "call seal", "lmr", 's', IWF, "mc", 's', "sip:al@mc", "mode", 's',
         "transcrypted", "media", 's', "media1");
    const long long call = wire_get_int(s.out, "call", 0);
    DONE(&s, &media, "media fetch", "call", 'i', call);
    DONE(&s, &officer, "group combine", "group", 's', "mayday", "of", 'S', "fire", NULL, "ends",
         'i', (long long)s.now + 600, "lmr", 'b', 1);
    DONE(&s, &officer, "key list", "kind", 's', "tek");

    s.now += TEN_YEARS; /* the boxes of the GMK were never sealed */
    REFUSED(&s, "no-grant", &media, "media fetch", "group", 's', "fire");
    REFUSED(&s, "no-grant", &media, "media fetch", "call", 'i', call);
    REFUSED(&s, "no-identity-keys", &call_control, "call seal", "lmr", 's', IWF, "mc", 's',
            "sip:al@mc", "mode", 's', "transcrypted");
    DONE(&s, &officer, "group rekey", "group", 's', "fire");
    work(&s);
    assert_int_equal(store_number(&s, "SELECT count(*) FROM delivery WHERE box IS NOT NULL"), 0);
    REFUSED(&s, "no-such-call", &call_control, "call end", "call", 'i', call); /* it has ended */
    assert_int_equal(store_number(&s, "SELECT count(*) FROM vkey WHERE kind = 5 AND destroyed IS"
                                      " NULL"),
                     0);
    assert_int_equal(
        store_number(&s, "SELECT count(*) FROM mcgroup WHERE name = 'mayday' AND state = 1"), 0);

    /* The GMK before has had its time: with keys of this period only the new one goes out. */
    s.now += 2 * 86400;
    DONE(&s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL);
    work(&s);
    assert_int_equal(store_number(&s, "SELECT count(*) FROM delivery WHERE box IS NOT NULL"), 1);
    assert_int_equal(store_number(&s, "SELECT count(*) FROM delivery d JOIN vkey k ON k.id = d.vkey"
                                      " WHERE d.state = 6 AND k.deactivates IS NOT NULL"),
                     1);
    DONE(&s, &officer, "media grant", "group", 's', "fire", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 86400);
    DONE(&s, &media, "media fetch", "group", 's', "fire");
    for (const wire_value *k = wire_get(s.out, "keys")->first; k != NULL; k = k->next)
        if (wire_get_text(k, "kind").ptr[0] == 'g')
            assert_int_equal(
                store_number(&s, "SELECT kid FROM vkey WHERE kind = 4 AND grp = (SELECT id FROM"
                                 " mcgroup WHERE name = 'fire') ORDER BY id DESC LIMIT 1"),
                wire_get_int(k, "kid", -1));

    /* What was signed in the future binds: back again, nothing is done. */
    s.now += 4000;
    work(&s);
    s.now -= TEN_YEARS;
    REFUSED(&s, "clock-behind", &officer, "group rekey", "group", 's', "fire");
    REFUSED(&s, "clock-behind", &media, "media fetch", "group", 's', "fire");
    scene_close(&s);
}

static void what_waits_for_approval_waits_a_day(void **state)
{
    const kf_slice passphrase = octets_of("another one");
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "vault add-seal", "label", 's', "spare", "passphrase", 'o', &passphrase,
         "scrypt_log2n", 'i', 10LL);
    const long long id = wire_get_int(s.out, "proposal", 0);
    s.now += TEN_YEARS;
    REFUSED(&s, "too-old", &second_officer, "proposal approve", "proposal", 'i', id);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_before_the_last_checkpoint),
        cmocka_unit_test(no_key_is_used_outside_its_period),
        cmocka_unit_test(what_waits_for_approval_waits_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A plan is an act taken back: nothing that counts may come of it. And texts that are cut. */
#include "kms/response.h"
#include "vault/fixture.h"

/* What goes out for good, and what is done outside a transaction, cannot be planned. */
static void what_cannot_be_taken_back_has_no_plan(void **state)
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
                if (verb->access == VAULT_WRITES || (verb->roles & (unsigned)callers[c]->role) == 0)
                    continue;
                REFUSED(&s, "no-plan", callers[c], verb->name, "plan", 'b', 1);
                refused++;
            }
    assert_true(refused > 25);
    assert_true(vault_is_unsealed(s.v)); /* `vault seal` was among them */
    scene_close(&s);
}

static void a_plan_of_another_type_is_no_act(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    REFUSED(&s, "bad-field", &officer, "key generate", "kind", 's', "tek", "plan", 'i', 1LL);
    REFUSED(&s, "bad-field", &officer, "key generate", "kind", 's', "tek", "plan", 's', "yes");
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "plan", 'b', 0);
    DONE(&s, &officer, "key list");
    assert_int_equal(wire_get(s.out, "keys")->count, 1);
    scene_close(&s);
}

/* One officer alone must not get anybody's key set by asking what would come of it. */
static void a_plan_hands_out_no_keys(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "kms create", "uri", 's', "kms.example.org");
    REFUSED(&s, "no-plan", &officer, "kms hand-out", "uri", 's', "sip:a@example.org", "plan", 'b',
            1);
    REFUSED(&s, "no-plan", &kms_face, "kms issue", "uri", 's', "sip:a@example.org", "plan", 'b', 1);
    DONE(&s, &officer, "kms hand-out", "uri", 's', "sip:a@example.org");
    assert_null(wire_get(s.out, "keyset"));
    const long long id = wire_get_int(s.out, "proposal", 0);
    REFUSED(&s, "no-plan", &second_officer, "proposal approve", "proposal", 'i', id, "plan", 'b',
            1);
    if (s.out != NULL)
        assert_null(wire_get(s.out, "keyset"));
    DONE(&s, &second_officer, "proposal approve", "proposal", 'i', id);
    assert_true(wire_get_octets(s.out, "keyset").len > 0);
    scene_close(&s);
}

static void media_fetches_leave_a_trace(void **state)
{
    scene s;
    (void)state;
    scene_open(&s);
    DONE(&s, &officer, "group create", "group", 's', "x", "slns", 'I', 1, -1);
    DONE(&s, &officer, "media grant", "group", 's', "x", "process", 's', "media1", "ends", 'i',
         (long long)s.now + 100);
    REFUSED(&s, "no-plan", &media, "media fetch", "group", 's', "x", "plan", 'b', 1);
    DONE(&s, &officer, "vault status");
    const long long before = wire_get_int(s.out, "events", -1);
    DONE(&s, &media, "media fetch", "group", 's', "x");
    DONE(&s, &officer, "vault status");
    assert_int_equal(wire_get_int(s.out, "events", -1), before + 1);
    scene_close(&s);
}

/* Names of as many octets as may be, cut inside a character wherever the vault cuts. */
static void long_names_stay_text(void **state)
{
    char name[64], uri[200];
    scene s;
    (void)state;
    scene_open(&s);
    for (size_t shift = 0; shift < 2; shift++) {
        memset(name, 'n', sizeof name);
        memset(uri, 'u', sizeof uri);
        for (size_t i = shift; i + 1 < sizeof name - 1; i += 2)
            memcpy(name + i, "\xc3\xa9", 2);
        name[62] = shift == 0 ? 'n' : name[62];
        memcpy(uri, "sip:", 4);
        for (size_t i = 4 + shift; i + 1 < sizeof uri - 1; i += 2)
            memcpy(uri + i, "\xc3\xa9", 2);
        name[63 - (shift == 0)] = '\0';
        uri[198 - shift] = '\0';
        if (shift == 0) {
            DONE(&s, &officer, "kms create", "uri", 's', "kms.example.org");
        }
        DONE(&s, &officer, "kms identity", "uri", 's', "sip:iwf@example.org");
        DONE(&s, &officer, "unit add", "name", 's', name, "rsi", 'i', 1001LL + (long long)shift,
             "uri", 's', uri);
        DONE(&s, &officer, "unit provision", "unit", 's', name, "identity", 's',
             "sip:iwf@example.org");
        DONE(&s, &officer, "unit lost", "unit", 's', name);
        DONE(&s, &officer, "key list");
        DONE(&s, &auditor, "audit list");
        DONE(&s, &auditor, "audit verify");
        ask(&s, &call_control, "call seal", "lmr", 's', "sip:iwf@example.org", "mc", 's', uri,
            "mode", 's', "transcrypted", NULL);
        ask(&s, &officer, "unit show", "unit", 's', uri + 4, NULL);
        assert_true(s.err != KF_OK);
        for (const char *t = s.refusal.what; *t != '\0'; t++) /* no half character at the end */
            assert_true((unsigned char)*t != 0xc3 || (unsigned char)t[1] == 0xa9);
        DONE(&s, &auditor, "audit list");
        DONE(&s, &auditor, "audit export");
    }
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_taken_back_has_no_plan),
        cmocka_unit_test(a_plan_of_another_type_is_no_act),
        cmocka_unit_test(a_plan_hands_out_no_keys),
        cmocka_unit_test(media_fetches_leave_a_trace),
        cmocka_unit_test(long_names_stay_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

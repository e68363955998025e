/* A lost unit: what a finder could use is listed, also what was on its way. */
#include "vault/fixture.h"

static bool is_exposed(const scene *s, const char *kind)
{
    for (const wire_value *v = wire_get(s->out, "exposed")->first; v != NULL; v = v->next)
        if (kf_slice_equal(wire_get_text(v, "kind"), octets_of(kind)))
            return true;
    return false;
}

/* Carried and perhaps delivered, but nobody has said so yet. */
static void what_is_on_its_way_is_exposed(void **state)
{
    static const kf_slice ukek = { (const uint8_t *)"0123456789abcdef0123456789ABCDEF", 32 };
    static const struct {
        bool is_carried, is_given_back, has_gmk, has_tek;
    } cases[] = { { false, false, false, false },
                  { true, false, true, true },
                  { true, true, true, true } };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        scene s;
        scene_open(&s);
        DONE(&s, &officer, "kms create", "uri", 's', "kms.example.org");
        DONE(&s, &officer, "kms identity", "uri", 's', "sip:iwf@example.org");
        DONE(&s, &officer, "unit add", "name", 's', "a", "uri", 's', "sip:a@example.org");
        DONE(&s, &officer, "unit add", "name", 's', "b", "rsi", 'i', 1002LL, "uri", 's',
             "sip:b@example.org", "ukek", 'o', &ukek, "ukek_kid", 'i', 9LL);
        DONE(&s, &officer, "group create", "group", 's', "g", "uris", 'S', "sip:g@example.org",
             NULL, "identity", 's', "sip:iwf@example.org");
        DONE(&s, &officer, "group create", "group", 's', "p", "slns", 'I', 1, -1);
        DONE(&s, &officer, "group members", "group", 's', "g", "add", 'S', "a", NULL);
        DONE(&s, &officer, "group members", "group", 's', "p", "add", 'S', "b", NULL);
        work(&s);
        if (cases[i].is_carried)
            DONE(&s, &courier, "outbox claim", "lease", 'i', 5LL);
        if (cases[i].is_given_back) { /* the lease ran out */
            s.now += 10;
            work(&s);
        }
        DONE(&s, &officer, "unit lost", "unit", 's', "a");
        assert_int_equal(is_exposed(&s, "gmk"), cases[i].has_gmk);
        DONE(&s, &officer, "unit lost", "unit", 's', "b");
        assert_true(is_exposed(&s, "ukek"));
        assert_int_equal(is_exposed(&s, "tek"), cases[i].has_tek);
        scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_on_its_way_is_exposed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

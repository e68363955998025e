/* A vault on a token that fails on demand (tests/seal/module_faulty.c): its state is shown, what is
 * unsealed goes on working, and a token that is well again is taken up by itself. */
#include "seal/faulty.h"
#include "vault/fixture.h"

static void start(scene *s)
{
    char why[256] = "";
    static seal_token_config token; /* the vault keeps the pointer */
    token = (seal_token_config){ getenv("KF_TOKEN_BROKER"), getenv("KF_TOKEN_FAULTY"), "county",
                                 "vault of county",         softhsm_pin_file,          PATIENT_MS };
    const vault_config config = { .organization = "county",
                                  .store = s->store,
                                  .anchor = s->anchor,
                                  .token = &token,
                                  .threads = 2,
                                  .clock = { scene_now, s },
                                  .rng = kf_random() };
    if (vault_new(&config, &s->v, why, sizeof why) != KF_OK)
        fail_msg("%s", why);
}

/* The state in `vault status`, after background work and nothing else. */
static void status_becomes(scene *s, const char *wanted)
{
    const int64_t end = broker_now_ms() + 20000;
    for (;;) {
        work(s);
        DONE(s, &auditor, "vault status");
        const kf_slice state = wire_get_text(s->out, "token");
        if (kf_slice_equal(state, kf_slice_str(wanted)))
            break;
        if (broker_now_ms() > end)
            fail_msg("%.*s instead of %s", (int)state.len, (const char *)state.ptr, wanted);
        usleep(20000);
    }
    assert_true(wire_get_text(s->out, "token_remedy").len > 0);
}

static void token_comes_and_goes(void **state)
{
    (void)state;
    scene s;
    scene_open(&s);
    scene_stop(&s);
    start(&s);
    unseal(&s);
    DONE(&s, &officer, "vault add-seal", "token", 'b', 1, "label", 's', "token");
    const long long proposal = wire_get_int(s.out, "proposal", 0);
    DONE(&s, &second_officer, "proposal approve", "proposal", 'i', proposal);
    DONE(&s, &officer, "vault seal");
    status_becomes(&s, "ready"); /* while sealed too */
    DONE(&s, &officer, "vault unseal", "token", 'b', 1);
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "name", 's', "first");

    order("C_GetSessionInfo 0x32\nC_OpenSession 0xe0\n"); /* pulled out */
    status_becomes(&s, "absent");
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "name", 's', "second");
    work(&s);
    DONE(&s, &officer, "vault seal");
    REFUSED(&s, "token", &officer, "vault unseal", "token", 'b', 1);
    assert_false(vault_is_unsealed(s.v));
    order(NULL); /* put back */
    status_becomes(&s, "ready");
    DONE(&s, &officer, "vault unseal", "token", 'b', 1);
    DONE(&s, &officer, "key list");
    assert_int_equal(wire_get(s.out, "keys")->count, 2);

    order("C_GetSessionInfo crash"); /* at each probe: the vault does not mind */
    status_becomes(&s, "crashed");
    DONE(&s, &officer, "key generate", "kind", 's', "tek", "name", 's', "third");
    order(NULL);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(token_comes_and_goes) };
    if (!softhsm_is_there())
        return 0;
    return cmocka_run_group_tests(tests, faulty_setup, softhsm_teardown);
}

/* The watch: a token is asked after without waiting, whatever it does. */
#include "seal/faulty.h"

/* The state that the watch comes to; it never waits. */
static void watch_until(seal_token *t, seal_token_state wanted)
{
    int64_t end = broker_now_ms() + 15000;
    for (;;) {
        int64_t begin = broker_now_ms();
        seal_token_state got = seal_token_watch(t);
        assert_true(broker_now_ms() - begin < 1000);
        if (got == wanted)
            return;
        assert_true(begin < end);
        usleep(10000);
    }
}

/* Nobody uses the token, and yet its state is known, and it is taken up again by itself. */
static void test_watch(void **state)
{
    (void)state;
    seal_token *t = faulty(SHORT_MS);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_UNKNOWN);
    watch_until(t, SEAL_TOKEN_READY);
    order("C_GetSessionInfo 0x32\nC_OpenSession 0xe0\n");
    watch_until(t, SEAL_TOKEN_ABSENT);
    order("C_GetTokenInfo hang");
    watch_until(t, SEAL_TOKEN_SLOW);
    order(NULL);
    watch_until(t, SEAL_TOKEN_READY);
    seal_token_free(&t);

    /* A call in the middle of a probe gets its own answer. */
    t = faulty(PATIENT_MS);
    assert_int_equal(seal_token_watch(t), SEAL_TOKEN_UNKNOWN);
    assert_ok(unwrap(t));
    seal_token_free(&t);
    t = faulty(PATIENT_MS);
    order("C_Initialize crash once");
    assert_int_equal(seal_token_watch(t), SEAL_TOKEN_UNKNOWN);
    assert_ok(unwrap(t)); /* by the second broker */
    seal_token_free(&t);
    t = faulty(PATIENT_MS);
    order("C_Initialize hang");
    assert_int_equal(seal_token_watch(t), SEAL_TOKEN_UNKNOWN);
    int64_t begin = broker_now_ms();
    seal_token_free(&t); /* does not wait for it for long */
    assert_true(broker_now_ms() - begin < 5000);
    order(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_watch) };
    if (!softhsm_is_there())
        return 0;
    return cmocka_run_group_tests(tests, faulty_setup, softhsm_teardown);
}

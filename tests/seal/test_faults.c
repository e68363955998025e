/* Tokens that hang, crash, lose sessions, lock PINs and are pulled out: what the vault's side makes
 * of it, and that it recovers by itself where that is safe. */
#include "seal/faulty.h"

#include <signal.h>

static void test_hang(void **state)
{
    (void)state;
    seal_token *t = faulty(SHORT_MS);
    order("C_UnwrapKey hang");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_READY);
    int pid = seal_token_broker(t);
    int64_t begin = broker_now_ms();
    assert_err(unwrap(t), KF_E_BACKEND);
    int64_t took = broker_now_ms() - begin;
    assert_in_range(took, SHORT_MS, 2 * SHORT_MS);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_SLOW);
    assert_int_equal(seal_token_broker(t), 0);
    assert_true(kill(pid, 0) != 0 && errno == ESRCH); /* ended, and reaped */
    order(NULL);
    assert_ok(unwrap(t)); /* by a new one, at once */
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_READY);
    assert_true(seal_token_broker(t) > 0 && seal_token_broker(t) != pid);
    seal_token_free(&t);
}

static void test_crash(void **state)
{
    (void)state;
    static const char *const where[] = { "C_UnwrapKey", "C_Login", "C_Initialize",
                                         "C_GetTokenInfo" };
    for (size_t i = 0; i < KF_COUNT(where); i++) {
        char text[64];
        seal_token *t = faulty(PATIENT_MS);
        snprintf(text, sizeof text, "%s crash once", where[i]);
        order(text);
        assert_err(unwrap(t), KF_E_BACKEND);
        assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_CRASHED);
        assert_int_equal(seal_token_broker(t), 0);
        assert_ok(unwrap(t));
        assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_READY);
        seal_token_free(&t);
    }
}

/* A broker that dies again and again is started at once, then after 250 ms, 500 ms, 1 s: read from
 * when the module was initialized. In a pause a call fails at once. */
static void test_pauses_grow(void **state)
{
    (void)state;
    static const long long least[] = { 0, 0, 250, 500, 1000 };
    long long died = 0;
    size_t starts = 0;
    seal_token *t = faulty(PATIENT_MS);
    order("C_FindObjectsInit crash");
    while (starts < KF_COUNT(least)) {
        long long at = 0;
        int64_t begin = broker_now_ms();
        assert_int_equal(seal_token_probe(t), SEAL_TOKEN_CRASHED);
        int64_t end = broker_now_ms();
        size_t now = calls("C_Initialize", &at);
        if (now == starts) { /* a pause */
            assert_true(end - begin < 250);
            usleep(5000);
            continue;
        }
        assert_int_equal(now, starts + 1);
        assert_true(starts == 0 || at - died >= least[starts]);
        died = end - 1;
        starts = now;
    }
    order(NULL);
    assert_err(unwrap(t), KF_E_BACKEND); /* 2 s of a pause */
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_CRASHED);
    seal_token_retry(t); /* an officer has seen to it */
    assert_ok(unwrap(t));
    seal_token_free(&t);
}

/* No PIN that was refused is given again, whatever ends the broker: only another PIN, or an
 * officer's word. */
static void refused_pin(const char *text, uint32_t rv, seal_token_state expected)
{
    char pin[32];
    softhsm_get_pin(pin, sizeof pin);
    seal_token *t = faulty(PATIENT_MS);
    order(text);
    assert_int_equal(seal_token_probe(t), expected);
    assert_int_equal(seal_token_rv(t), rv);
    assert_int_equal(calls("C_Login", NULL), 1);
    order(NULL); /* the token would take it now, but nobody knows */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seal_token_probe(t), expected);
        assert_err(unwrap(t), KF_E_BACKEND);
        assert_int_equal(seal_token_rv(t), 0);
        assert_int_equal(kill(seal_token_broker(t), SIGKILL), 0);
        assert_int_equal(seal_token_probe(t), SEAL_TOKEN_CRASHED);
        usleep(1000);
        while (seal_token_probe(t) == SEAL_TOKEN_CRASHED)
            usleep(10000);
        assert_int_equal(seal_token_state_of(t), expected);
    }
    assert_int_equal(calls("C_Login", NULL), 1);
    seal_token_retry(t);
    assert_ok(unwrap(t));
    assert_int_equal(calls("C_Login", NULL), 2);
    seal_token_free(&t);

    /* Another PIN needs nobody's word; one try of it is all there is. */
    t = faulty(PATIENT_MS);
    order(text);
    assert_int_equal(seal_token_probe(t), expected);
    order(NULL);
    softhsm_put(softhsm_pin_file, "00000");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(calls("C_Login", NULL), 2);
    softhsm_put(softhsm_pin_file, pin);
    assert_ok(unwrap(t));
    assert_int_equal(calls("C_Login", NULL), 3);
    seal_token_free(&t);
}

static void test_pin_locked(void **state)
{
    (void)state;
    refused_pin("C_Login 0xa4", 0xa4, SEAL_TOKEN_PIN_LOCKED);
}

static void test_pin_incorrect(void **state)
{
    (void)state;
    refused_pin("C_Login 0xa0", 0xa0, SEAL_TOKEN_PIN_WRONG);
}

/* A session that went away, before or in the middle of a call, costs a login and nothing else. */
static void test_session_lost(void **state)
{
    (void)state;
    static const char *const losses[] = {
        "C_GetSessionInfo 0xb3 once", "C_GetSessionInfo public once", "C_FindObjectsInit 0xb3 once",
        "C_UnwrapKey 0xb3 once",      "C_UnwrapKey 0x101 once",
    };
    for (size_t i = 0; i < KF_COUNT(losses); i++) {
        seal_token *t = faulty(PATIENT_MS);
        assert_ok(unwrap(t));
        int pid = seal_token_broker(t);
        order(losses[i]);
        assert_ok(unwrap(t));
        assert_int_equal(calls("C_Login", NULL), 2);
        assert_int_equal(seal_token_broker(t), pid);
        assert_true(access(control, F_OK) != 0); /* it did happen */
        seal_token_free(&t);
    }
    seal_token *t = faulty(PATIENT_MS);
    order("C_UnwrapKey 0xb3"); /* always */
    assert_err(unwrap(t), KF_E_BACKEND);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_LOGGED_OUT);
    order(NULL);
    assert_ok(unwrap(t));
    seal_token_free(&t);
}

static void test_pulled_out_and_put_back(void **state)
{
    (void)state;
    seal_token *t = faulty(PATIENT_MS);
    assert_ok(unwrap(t));
    order("C_GetSessionInfo 0x32\nC_OpenSession 0xe0\n");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_ABSENT);
    assert_err(unwrap(t), KF_E_BACKEND);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_ABSENT);
    order("C_GetTokenInfo 0xe0"); /* its slot is empty */
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_ABSENT);
    order(NULL);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_READY);
    order("C_UnwrapKey 0x32\nC_OpenSession 0x32\n"); /* in the middle of a call */
    assert_err(unwrap(t), KF_E_BACKEND);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_ABSENT);
    order(NULL);
    assert_ok(unwrap(t));
    seal_token_free(&t);
}

/* A token that refuses is not a slot that is damaged: nobody throws a good slot away. */
static void test_refusal_is_not_damage(void **state)
{
    (void)state;
    seal_token *t = faulty(PATIENT_MS);
    order("C_UnwrapKey 0x5"); /* general error, whatever it is given */
    assert_err(unwrap(t), KF_E_BACKEND);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_REFUSED);
    assert_int_equal(seal_token_rv(t), 5);
    order("C_UnwrapKey 0x5 once"); /* for these octets only */
    assert_err(unwrap(t), KF_E_AUTH);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_READY);
    seal_token_free(&t);
}

/* What is no broker at all: never READY, nothing hangs. */
static void test_not_a_broker(void **state)
{
    (void)state;
    static const char *const programs[] = { "/nonexistent", "/bin/false", "/bin/true" };
    for (size_t i = 0; i < KF_COUNT(programs); i++) {
        seal_token *t = NULL;
        seal_token_config c = { programs[i], NULL, "county", "vault", softhsm_pin_file, SHORT_MS };
        assert_ok(seal_token_new(&c, &t));
        seal_token_state got = seal_token_probe(t);
        assert_true(got == SEAL_TOKEN_CRASHED || got == SEAL_TOKEN_SLOW);
        assert_int_equal(seal_token_broker(t), 0);
        seal_token_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_pin_locked),
        cmocka_unit_test(test_pin_incorrect),
        cmocka_unit_test(test_session_lost),
        cmocka_unit_test(test_pulled_out_and_put_back),
        cmocka_unit_test(test_refusal_is_not_damage),
        cmocka_unit_test(test_not_a_broker),
    };
    if (!softhsm_is_there())
        return 0;
    return cmocka_run_group_tests(tests, faulty_setup, softhsm_teardown);
}

/* A real token behind the real broker: SoftHSM2, and openCryptoki as seal.token_opencryptoki. */
#include "seal/softhsm.h"

#include <signal.h>

static seal_token *token(const char *label, const char *key)
{
    return softhsm_token(softhsm_module(), label, key, 10000);
}

/* The whole life: no key, make, wrap, another broker, unwrap, damage, a killed broker. */
static void test_life(void **state)
{
    (void)state;
    uint8_t buf[512];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kf_secret *secret = softhsm_secret("token"), *back = NULL;
    seal_token *t = token("county", "vault");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_NO_KEY);
    assert_ok(seal_token_make_key(t));
    assert_err(seal_token_make_key(t), KF_E_STATE);
    assert_ok(seal_token_wrap(t, secret, &w));
    printf("%s: way %u, %zu octets\n", softhsm_module(), buf[0], w.len);
    seal_token_free(&t);
    t = token("county", "vault");
    assert_ok(seal_token_unwrap(t, kf_writer_slice(&w), &back));
    assert_true(kf_secret_equal(secret, back));
    kf_secret_free(&back);
    for (size_t i = 0; i < w.len; i++) {
        buf[i] ^= 0x40;
        assert_err(seal_token_unwrap(t, kf_writer_slice(&w), &back), KF_E_AUTH);
        assert_null(back);
        buf[i] ^= 0x40;
    }
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_READY);
    assert_int_equal(kill(seal_token_broker(t), SIGKILL), 0);
    usleep(50000);
    assert_err(seal_token_unwrap(t, kf_writer_slice(&w), &back), KF_E_BACKEND);
    assert_int_equal(seal_token_state_of(t), SEAL_TOKEN_CRASHED);
    assert_ok(seal_token_unwrap(t, kf_writer_slice(&w), &back));
    kf_secret_free(&back);
    kf_secret_free(&secret);
    seal_token_free(&t);
}

static void test_absent_then_there(void **state)
{
    (void)state;
    if (!softhsm_is_it())
        skip(); /* no second token can be made there */
    seal_token *t = token("state", "vault");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_ABSENT);
    softhsm_script("make", "state");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_NO_KEY);
    seal_token_free(&t);
}

static void test_wrong_pin_is_not_tried_again(void **state)
{
    (void)state;
    char pin[32];
    softhsm_get_pin(pin, sizeof pin);
    seal_token *t = token("county", "vault");
    softhsm_put(softhsm_pin_file, "9999\n");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0xa0); /* the token said so */
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0); /* it was not asked again */
    assert_int_equal(kill(seal_token_broker(t), SIGKILL), 0);
    usleep(50000);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_CRASHED);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0); /* nor by a new broker */
    softhsm_put(softhsm_pin_file, pin);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_READY);
    seal_token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_absent_then_there),
        cmocka_unit_test(test_wrong_pin_is_not_tried_again),
    };
    if (!softhsm_is_there())
        return 0;
    return cmocka_run_group_tests(tests, softhsm_setup, softhsm_teardown);
}

/* A real token behind the real broker: SoftHSM2 in a directory of its own. */
#include "support/testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal/token.h"

static char dir[64], pin_file[96];
static const char module[] = "/usr/lib/softhsm/libsofthsm2.so";

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int setup(void **state)
{
    char path[96], text[256];
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kf-token-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokens", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/conf", dir);
    snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir);
    put(path, text);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    snprintf(pin_file, sizeof pin_file, "%s/pin", dir);
    put(pin_file, "1234\n");
    return system("softhsm2-util --init-token --free --label county --so-pin 5678 --pin 1234 "
                  ">/dev/null");
}

static int teardown(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static seal_token *token(const char *label, const char *key)
{
    seal_token *t = NULL;
    seal_token_config c = { getenv("KF_TOKEN_BROKER"), module, label, key, pin_file, 10000 };
    assert_non_null(c.broker);
    assert_ok(seal_token_new(&c, &t));
    return t;
}

static kf_secret *fresh(void)
{
    testing_rng rng;
    kf_secret *s = NULL;
    testing_rng_init(&rng, "token");
    assert_ok(kf_secret_new_random(&rng.rng, 32, &s));
    return s;
}

/* The whole life: no key, make, wrap, another broker, unwrap, damage, a killed broker. */
static void test_life(void **state)
{
    (void)state;
    uint8_t buf[512];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kf_secret *secret = fresh(), *back = NULL;
    seal_token *t = token("county", "vault");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_NO_KEY);
    assert_ok(seal_token_make_key(t));
    assert_err(seal_token_make_key(t), KF_E_STATE);
    assert_ok(seal_token_wrap(t, secret, &w));
    printf("SoftHSM2: way %u, %zu octets\n", buf[0], w.len);
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
    seal_token *t = token("state", "vault");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_ABSENT);
    assert_int_equal(system("softhsm2-util --init-token --free --label state --so-pin 5678 "
                            "--pin 1234 >/dev/null"),
                     0);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_NO_KEY);
    seal_token_free(&t);
}

static void test_wrong_pin_is_not_tried_again(void **state)
{
    (void)state;
    seal_token *t = token("county", "vault");
    put(pin_file, "9999\n");
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0xa0); /* the token said so */
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0); /* it was not asked again */
    assert_int_equal(kill(seal_token_broker(t), SIGKILL), 0);
    usleep(50000);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_CRASHED);
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_PIN_WRONG);
    assert_int_equal(seal_token_rv(t), 0); /* nor by a new broker */
    put(pin_file, "1234\n");
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
    if (access(module, R_OK) != 0) {
        puts("skipped: the package softhsm2 is not installed");
        return 0;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}

/**
 * A token "county" behind the real broker: of a throw-away SoftHSM2 (tests/support/token), or, when
 * KF_TOKEN_MODULE and KF_TOKEN_PIN_FILE name another one (tests/support/opencryptoki), of that.
 */
#ifndef TESTS_SEAL_SOFTHSM_H
#define TESTS_SEAL_SOFTHSM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seal/token.h"
#include "support/testing.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"

static char softhsm_dir[64], softhsm_pin_file[96];

/** tests/support/token VERB DIR ARGUMENT. */
static inline void softhsm_script(const char *verb, const char *argument)
{
    char command[512];
    snprintf(command, sizeof command, "'%s' %s '%s' %s", KF_TOKEN_SCRIPT, verb, softhsm_dir,
             argument);
    assert_int_equal(system(command), 0);
}

/** Put a text into a file that only we can read. */
static inline void softhsm_put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

/** The module under test. */
static inline const char *softhsm_module(void)
{
    const char *other = getenv("KF_TOKEN_MODULE");
    return other != NULL ? other : SOFTHSM_MODULE;
}

static inline bool softhsm_is_it(void)
{
    return getenv("KF_TOKEN_MODULE") == NULL;
}

/** Group set-up: a token "county". */
static inline int softhsm_setup(void **state)
{
    char path[96];
    const char *pin_file = getenv("KF_TOKEN_PIN_FILE");
    (void)state;
    if (!softhsm_is_it()) {
        assert_non_null(pin_file);
        snprintf(softhsm_pin_file, sizeof softhsm_pin_file, "%s", pin_file);
        return 0;
    }
    snprintf(softhsm_dir, sizeof softhsm_dir, "/tmp/kf-token-XXXXXX");
    assert_non_null(mkdtemp(softhsm_dir));
    softhsm_script("make", "county");
    snprintf(path, sizeof path, "%s/softhsm2.conf", softhsm_dir);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    snprintf(softhsm_pin_file, sizeof softhsm_pin_file, "%s/pin", softhsm_dir);
    return 0;
}

static inline int softhsm_teardown(void **state)
{
    (void)state;
    if (softhsm_is_it())
        softhsm_script("remove", "");
    return 0;
}

/** Read the PIN file. */
static inline void softhsm_get_pin(char *out, int size)
{
    FILE *f = fopen(softhsm_pin_file, "r");
    assert_non_null(f);
    assert_non_null(fgets(out, size, f));
    fclose(f);
}

/** Behind this module; caller frees. */
static inline seal_token *softhsm_token(const char *module, const char *label, const char *key,
                                        unsigned timeout_ms)
{
    seal_token *t = NULL;
    seal_token_config c = { getenv("KF_TOKEN_BROKER"), module,    label, key,
                            softhsm_pin_file,          timeout_ms };
    assert_non_null(c.broker);
    assert_ok(seal_token_new(&c, &t));
    return t;
}

/** 32 octets that are always the same for a label; caller frees. */
static inline kf_secret *softhsm_secret(const char *label)
{
    testing_rng rng;
    kf_secret *s = NULL;
    testing_rng_init(&rng, label);
    assert_ok(kf_secret_new_random(&rng.rng, 32, &s));
    return s;
}

/** Is the module there? Says what is skipped when it is not. */
static inline bool softhsm_is_there(void)
{
    if (access(softhsm_module(), R_OK) == 0)
        return true;
    puts("skipped: the package softhsm2 is not installed");
    return false;
}

#endif

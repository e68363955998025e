/** SoftHSM2 that fails on demand (module_faulty.c), and a secret that it has wrapped. */
#ifndef TESTS_SEAL_FAULTY_H
#define TESTS_SEAL_FAULTY_H

#include <errno.h>

#include "seal/broker.h"
#include "seal/softhsm.h"

#define PATIENT_MS 20000u
#define SHORT_MS   1500u

static char control[96], journal[112];
static uint8_t wrapped[512];
static size_t wrapped_len;

/* What the module does from now on; NULL: behave. */
static inline void order(const char *text)
{
    if (text != NULL)
        softhsm_put(control, text);
    else
        assert_true(unlink(control) == 0 || errno == ENOENT);
}

/* How often the module's function was called since the last forget(); when, in *last. */
static inline size_t calls(const char *function, long long *last)
{
    char line[96], name[64];
    long long ms;
    size_t count = 0;
    FILE *f = fopen(journal, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%63s %lld", name, &ms) == 2 && strcmp(name, function) == 0) {
            count++;
            if (last != NULL)
                *last = ms;
        }
    if (f != NULL)
        fclose(f);
    return count;
}

static inline void forget(void)
{
    assert_true(unlink(journal) == 0 || errno == ENOENT);
}

static inline seal_token *faulty(unsigned timeout_ms)
{
    forget();
    return softhsm_token(getenv("KF_TOKEN_FAULTY"), "county", "vault", timeout_ms);
}

static inline kf_err unwrap(seal_token *t)
{
    kf_secret *back = NULL, *secret = softhsm_secret("faults");
    kf_err err = seal_token_unwrap(t, (kf_slice){ wrapped, wrapped_len }, &back);
    assert_true((err == KF_OK) == (back != NULL));
    assert_true(back == NULL || kf_secret_equal(back, secret));
    kf_secret_free(&back);
    kf_secret_free(&secret);
    return err;
}

/* The environment, and a wrapped secret, with a module that behaves. */
static inline int faulty_setup(void **state)
{
    (void)softhsm_setup(state);
    snprintf(control, sizeof control, "%s/control", softhsm_dir);
    snprintf(journal, sizeof journal, "%s.log", control);
    assert_int_equal(setenv("PKCS11_MODULE_CONF", control, 1), 0);
    assert_non_null(getenv("KF_TOKEN_FAULTY"));
    seal_token *t = faulty(PATIENT_MS);
    kf_secret *secret = softhsm_secret("faults");
    kf_writer w = kf_writer_init(wrapped, sizeof wrapped);
    assert_ok(seal_token_make_key(t));
    assert_ok(seal_token_wrap(t, secret, &w));
    wrapped_len = w.len;
    kf_secret_free(&secret);
    seal_token_free(&t);
    return 0;
}

#endif

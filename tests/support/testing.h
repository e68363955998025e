/**
 * @file testing.h What cmocka tests share. Include this instead of cmocka.h.
 *
 * Environment: KF_VECTORS names the directory of known answers; KF_CAMPAIGN asks for large counts
 * (testing_count); KF_SEED replaces the default seed of every generator and is printed when a test
 * program fails.
 */
#ifndef TESTS_SUPPORT_TESTING_H
#define TESTS_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"
#include "selftest/vectors.h"

/** The directory of known answers: KF_VECTORS, else the one of the source tree. */
const char *testing_vectors_dir(void);

/** Load a file of that directory; the test fails when it cannot. Clear with vectors_clear(). */
void testing_vectors_load(const char *file_name, vectors_file *out);

/** The case of that name; the test fails when there is none. */
vectors_case *testing_case(vectors_file *file, const char *name);

/** A hex field of a case, in buf; the test fails when it is missing, bad or longer than cap. */
kf_slice testing_field(vectors_case *c, const char *name, uint8_t *buf, size_t cap);

/** A hex literal, blanks allowed anywhere between octets, in buf. The test fails for a bad one. */
kf_slice testing_hex(const char *hex, uint8_t *buf, size_t cap);

/** A secret from a hex literal. Caller frees. */
kf_secret *testing_secret_hex(const char *hex);

/** A secret from octets. Caller frees. */
kf_secret *testing_secret(kf_slice octets);

/** A reproducible generator: SHA-256 of seed, label and a counter. Not for more than tests. */
typedef struct testing_rng {
    kf_rng rng;    /**< pass &r.rng; the struct must not move after init */
    size_t budget; /**< octets it still gives before it fails with KF_E_BACKEND; SIZE_MAX: no end */
    const char *label;
    uint64_t counter;
    uint8_t block[32];
    size_t used; /**< octets of block given out */
} testing_rng;

/** Start the stream of that label (a literal). Equal seed and label give an equal stream. */
void testing_rng_init(testing_rng *r, const char *label);

/** The next 64 bits as an integer. */
uint64_t testing_rng_u64(testing_rng *r);

/** An integer below limit (limit > 0); the bias is of no account for tests. */
size_t testing_rng_below(testing_rng *r, size_t limit);

/** Octets into out; the test fails when the budget is short. */
void testing_rng_octets(testing_rng *r, uint8_t *out, size_t len);

/**
 * How many rounds a random test makes: `sample` normally, `full` when KF_CAMPAIGN is set, n times
 * `full` when KF_CAMPAIGN is a number n above 1. Unset, empty and 0 mean normal.
 */
size_t testing_count(size_t sample, size_t full);

/** Fail with both names and the expression unless got is want. */
void testing_assert_err(kf_err got, kf_err want, const char *expression, const char *file,
                        int line);
#define assert_err(expression, want)                                                               \
    testing_assert_err((expression), (want), #expression, __FILE__, __LINE__)
#define assert_ok(expression) assert_err(expression, KF_OK)

/** Fail with a hex dump unless both slices hold the same octets. */
void testing_assert_slices(kf_slice got, kf_slice want, const char *expression, const char *file,
                           int line);
#define assert_slice_equal(got, want)                                                              \
    testing_assert_slices((got), (want), #got " == " #want, __FILE__, __LINE__)

#endif

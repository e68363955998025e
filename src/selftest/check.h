/**
 * @file check.h Inside this room: one case of a known-answer file under check.
 *
 * A check fetches the fields it needs and compares those it computes. The first thing that is wrong
 * sticks; a field that nobody fetched or compared is wrong too.
 */
#ifndef SELFTEST_CHECK_H
#define SELFTEST_CHECK_H

#include "base/secret.h"
#include "selftest/vectors.h"

#define CHECK_BUFFERS_MAX 64u

typedef struct check {
    vectors_case *c;
    const char *wrong; /**< a literal: the field or the step; NULL while all is well */
    size_t compared;   /**< comparisons and refusals made */
    bool expect_fail;  /**< expect = fail */
    size_t buffer_count;
    uint8_t *buffers[CHECK_BUFFERS_MAX];
    size_t secret_count;
    kf_secret *secrets[CHECK_BUFFERS_MAX];
} check;

/** What one kind of file checks. */
typedef void check_fn(check *k);
check_fn check_eccsi, check_sakke, check_uid, check_derive, check_imessage;

/** Run one case. @return NULL when all agree, else what is wrong: a literal or the name of a field
 * (in the case's text, not terminated: see len). */
kf_slice check_case(vectors_case *c, check_fn *fn);

void check_fail(check *k, const char *what);
bool check_ok(const check *k);

/** A hex field; ptr NULL when the case lacks it. */
kf_slice check_hex(check *k, const char *name);
/** A hex field that must be there. */
kf_slice check_need(check *k, const char *name);
/** A hex field as a secret; NULL when the case lacks it. Owned by k. */
kf_secret *check_secret(check *k, const char *name);
/** A text field; ptr NULL when the case lacks it. */
kf_slice check_text(check *k, const char *name);
/** A decimal field that must be there. */
uint64_t check_decimal(check *k, const char *name);

/** k owns the secret from now on. @return it. */
kf_secret *check_take(check *k, kf_secret *secret);

/** Compare with a field, when the case has it. */
void check_same(check *k, const char *name, kf_slice got);
/** The same for a 32-bit identifier in hex. */
void check_same_id(check *k, const char *name, uint32_t got);
/** A step that must have worked. */
void check_done(check *k, kf_err err, const char *step);
/** A step that must have worked, or been refused when expect = fail. @return did it work? */
bool check_outcome(check *k, kf_err err, const char *step);

#endif

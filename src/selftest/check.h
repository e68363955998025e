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
    vectors_file *file; /**< the case's; a setup record gives parameters to other cases */
    vectors_case *c;
    kf_slice wrong;   /**< a literal, or the case's own name of the field; ptr NULL: all is well */
    size_t compared;  /**< comparisons and refusals made */
    bool expect_fail; /**< expect = fail */
    size_t buffer_count;
    uint8_t *buffers[CHECK_BUFFERS_MAX];
    size_t secret_count;
    kf_secret *secrets[CHECK_BUFFERS_MAX];
} check;

/** What one kind of file checks. */
typedef void check_fn(check *k);
check_fn check_eccsi, check_sakke, check_uid, check_derive, check_imessage;
check_fn check_p25_keywrap, check_p25_mac, check_p25_rekey, check_p25_examples, check_p25_dialogue;
check_fn check_voice_mi, check_voice_fdma, check_voice_tdma, check_voice_pack, check_voice_es;
check_fn check_issi, check_keyfill_crc, check_ekc;

/** Run one case. @return NULL when all agree, else what is wrong: a literal or the name of a field
 * (in the case's text, not terminated: see len). */
kf_slice check_case(vectors_file *file, vectors_case *c, check_fn *fn);

/** @param what a literal, or the name of a field that the case has. */
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
/** A decimal field that must be there; 0 when it is wrong. */
uint64_t check_decimal(check *k, const char *name);

/** A field of 1 to 8 hex digits that must be there and at most max; 0 when it is wrong. */
uint32_t check_hex_number(check *k, const char *name, uint32_t max);
/** The message indicator in a field that must be there: 9 octets, the last one 00. */
void check_mi(check *k, const char *name, uint8_t mi[9]);

/** The record `PREFIX-setup` of the case named `PREFIX-...`, for its fields; NULL without one. */
vectors_case *check_setup(check *k);
/** Is the case itself a setup record? */
bool check_is_setup(const check *k);

/** k owns the secret from now on. @return it. */
kf_secret *check_take(check *k, kf_secret *secret);

/** Compare with a field, when the case has it. */
void check_same(check *k, const char *name, kf_slice got);
/** The same for a 32-bit identifier in hex. */
void check_same_id(check *k, const char *name, uint32_t got);
/** Compare with a field, when the case has it: the text, in which letters have no case. */
void check_says(check *k, const char *name, const char *fmt, ...) KF_PRINTF(3, 4);
/** A step that must have worked. */
void check_done(check *k, kf_err err, const char *step);
/** A step that must have worked, or been refused when expect = fail. @return did it work? */
bool check_outcome(check *k, kf_err err, const char *step);

#endif

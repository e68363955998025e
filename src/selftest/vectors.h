/**
 * @file vectors.h Reader of known-answer files: `#` comments, `[case]` opens a record, `name =
 * value`. The format is described in tests/vectors/README.md.
 */
#ifndef SELFTEST_VECTORS_H
#define SELFTEST_VECTORS_H

#include "base/err.h"
#include "base/slice.h"

/** One `name = value` line. Text is borrowed from the file's octets. */
typedef struct vectors_field {
    kf_slice name;
    kf_slice value;
    size_t line; /**< 1-based */
    bool used;   /**< set by the lookups; a checker refuses a case with an unused field */
} vectors_field;

/** One `[case]`. */
typedef struct vectors_case {
    kf_slice name;
    vectors_field *fields;
    size_t count;
    size_t line;
} vectors_case;

typedef struct vectors_file {
    vectors_case *cases;
    size_t count;
    vectors_field *fields; /**< storage of all cases */
    uint8_t *text;         /**< storage of all slices */
} vectors_file;

/**
 * Parse a copy of text.
 * @param fault at = line number, 1-based, of what is wrong.
 * @return KF_E_MALFORMED, KF_E_NO_MEMORY. On success the caller calls vectors_clear().
 */
KF_MUST_USE kf_err vectors_parse(kf_slice text, vectors_file *out, kf_fault *fault);

/** Read and parse a file of at most 16 MiB. @return also KF_E_BACKEND when it cannot be read. */
KF_MUST_USE kf_err vectors_load(const char *path, vectors_file *out, kf_fault *fault);

void vectors_clear(vectors_file *file);

/** The case of that name, or NULL. */
vectors_case *vectors_case_named(vectors_file *file, const char *name);

/** The value of a field, marked used; ptr is NULL when the case lacks it. The first of several. */
kf_slice vectors_text(vectors_case *c, const char *name);

/** Does the case have the field? Does not mark it. */
bool vectors_has(const vectors_case *c, const char *name);

/**
 * A hex value as octets in a new buffer, which the caller frees with free().
 * @return KF_E_STATE when the field is missing, KF_E_MALFORMED when it is not hex.
 */
KF_MUST_USE kf_err vectors_hex(vectors_case *c, const char *name, uint8_t **out, size_t *len);

/** A decimal value. @return KF_E_STATE when missing, KF_E_MALFORMED. */
KF_MUST_USE kf_err vectors_decimal(vectors_case *c, const char *name, uint64_t *out);

#endif

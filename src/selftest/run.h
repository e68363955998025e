/**
 * @file run.h Runs known-answer files, and the few known answers that are compiled in.
 * The rules are those of tests/vectors/README.md: every field of a case is used or agrees, an
 * unknown field is a miss, an unknown file is an error.
 */
#ifndef SELFTEST_RUN_H
#define SELFTEST_RUN_H

#include "base/err.h"
#include "base/slice.h"

typedef struct selftest_count {
    size_t passed, total; /**< cases */
} selftest_count;

/** Told of each case that missed: its name, and the field or step where it did. */
typedef void selftest_miss(void *ctx, kf_slice case_name, kf_slice what);

/** Does this program know files of that name (without its directory)? */
bool selftest_vectors_known(const char *file_name);

/**
 * Run every case of a file; what its cases check follows from its name.
 * @param miss may be NULL.
 * @param fault at = line number of a file that cannot be parsed.
 * @return KF_OK also when cases missed: compare the counts. KF_E_UNSUPPORTED for a file of another
 * name, KF_E_MALFORMED when it cannot be parsed or has no case, KF_E_BACKEND when it cannot be
 * read, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err selftest_vectors_file(const char *path, selftest_miss *miss, void *ctx,
                                         selftest_count *out, kf_fault *fault);

/** Told the result of each group of compiled-in answers. */
typedef void selftest_group(void *ctx, const char *name, const selftest_count *count);

/** Compute the compiled-in answers of ECCSI, SAKKE, UIDs and MIKEY derivations.
 * @return KF_E_BACKEND when any is wrong. */
KF_MUST_USE kf_err selftest_builtin(selftest_group *group, selftest_miss *miss, void *ctx);

#endif

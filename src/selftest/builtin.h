/** @file builtin.h Inside this room: known answers that are part of the program. */
#ifndef SELFTEST_BUILTIN_H
#define SELFTEST_BUILTIN_H

#include <stddef.h>

/** Cases in the form of a known-answer file. */
typedef struct selftest_builtin_text {
    const char *name; /**< for people */
    const char *file; /**< the file whose rules apply */
    const char *text;
} selftest_builtin_text;

extern const selftest_builtin_text selftest_builtin_texts[];
extern const size_t selftest_builtin_count;

#endif

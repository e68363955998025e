/** @file attr.h Compiler extensions we use, in the one place that may name them. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/** The caller must look at the result. */
#define KF_MUST_USE __attribute__((warn_unused_result))

/** printf-like: argument fmt is the format, its values start at argument first. */
#define KF_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/** The function does not return. */
#define KF_NORETURN __attribute__((noreturn))

/** Number of elements of a true array. */
#define KF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif

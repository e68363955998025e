/** @file selftest.h Known answers of every algorithm of this room, run at start-up. */
#ifndef CRYPTO_SELFTEST_H
#define CRYPTO_SELFTEST_H

#include "base/err.h"

/** Told the result of each algorithm. */
typedef void kf_selftest_report(void *ctx, const char *algorithm, kf_err result);

/**
 * Compute every known answer. A program that gets anything but KF_OK must not go on.
 * @param report may be NULL.
 * @return KF_OK, or KF_E_BACKEND when any answer is wrong.
 */
KF_MUST_USE kf_err kf_crypto_selftest(kf_selftest_report *report, void *ctx);

#endif

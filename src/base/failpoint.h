/**
 * @file failpoint.h Named places where a test can make this process fail: end at once, or have the
 * operation refused. Every place where state is about to be, or was just, written has one.
 *
 * Armed only by the environment of whoever starts the process, read once:
 * KEYFERRY_FAILPOINT=NAME:N:exit (or :error) fails at the N-th hit of NAME, counted from 1.
 * KEYFERRY_FAILPOINT_LOG=FILE appends the name of each place at its first hit, so that a campaign
 * can enumerate them. Unarmed it costs one comparison.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include "base/err.h"

/**
 * @param name a literal, "store.commit.before".
 * @return KF_OK; KF_E_BACKEND when this hit is to be refused. Does not return when it is to end the
 * process (status 86, nothing flushed, no handlers: as a crash).
 */
KF_MUST_USE kf_err kf_failpoint(const char *name);

#endif

/** @file time.h Time is an argument: Unix seconds, NTP timestamps, and their text form. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/** Seconds since 1970-01-01T00:00:00Z, leap seconds not counted. */
typedef int64_t kf_time;

/** Seconds from 1900-01-01 (NTP era 0) to 1970-01-01. */
#define KF_NTP_UNIX_OFFSET INT64_C(2208988800)

/** Octets of kf_time_format() with its NUL. */
#define KF_TIME_TEXT_OCTETS 48u

/** Where the time comes from; the real one is in apps, tests bring their own. */
typedef struct kf_clock {
    kf_time (*now)(void *ctx);
    void *ctx;
} kf_clock;

/** Seconds since 1900-01-01, all eras: not cut to 32 bits. */
int64_t kf_time_to_ntp(kf_time t);
kf_time kf_time_from_ntp(int64_t ntp_seconds);

/**
 * The time that a 32-bit NTP seconds field means: of all eras, the one nearest to a reference, so
 * that the roll-over of 2036-02-07 is no event. Source: RFC 5905 clause 6.
 */
kf_time kf_time_unfold_ntp32(uint32_t ntp_seconds, kf_time near);

/** "2026-11-23T09:30:00Z" (RFC 3339, UTC). text has KF_TIME_TEXT_OCTETS octets. */
void kf_time_format(kf_time t, char *text);

/**
 * Read "YYYY-MM-DDTHH:MM:SSZ", also with a fraction (dropped) and a +hh:mm offset (applied), or
 * plain decimal Unix seconds. @return KF_E_MALFORMED for anything else.
 */
KF_MUST_USE kf_err kf_time_parse(kf_slice text, kf_time *out);

#endif

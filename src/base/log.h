/** @file log.h Structured log: `key=value`, one event a line, peer text escaped. Secrets have no
 * way in. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

typedef enum kf_log_level { KF_LOG_DEBUG, KF_LOG_INFO, KF_LOG_WARN, KF_LOG_ERROR } kf_log_level;

typedef enum kf_log_kind { KF_LOG_TEXT, KF_LOG_NUMBER, KF_LOG_ID32 } kf_log_kind;

/** One key=value pair. Made by the three functions below. */
typedef struct kf_log_pair {
    const char *key; /**< a literal */
    kf_log_kind kind;
    kf_slice text;
    int64_t number;
} kf_log_pair;

kf_log_pair kf_log_text(const char *key, kf_slice text);
kf_log_pair kf_log_number(const char *key, int64_t number);
/** A 32-bit identifier such as a K-ID, as eight hex digits. */
kf_log_pair kf_log_id32(const char *key, uint32_t id);

/** Where lines go. */
typedef struct kf_log {
    kf_log_level least; /**< events below are dropped */
    kf_clock clock;
    /** line ends in a newline and holds no other; len octets. */
    void (*write)(void *ctx, const char *line, size_t len);
    void *ctx;
} kf_log;

/** Longest line in octets; a longer event is cut and ends in `cut=1`. */
#define KF_LOG_LINE_MAX 1024u

/** Write `time=… level=… event=… key=value…`. log may be NULL: nothing happens. */
void kf_log_event(const kf_log *log, kf_log_level level, const char *event,
                  const kf_log_pair *pairs, size_t count);

/** Short form: kf_log_event with an array literal. */
#define KF_LOG(log, level, event, ...)                                                             \
    kf_log_event((log), (level), (event), (const kf_log_pair[]){ __VA_ARGS__ },                    \
                 KF_COUNT(((const kf_log_pair[]){ __VA_ARGS__ })))

#endif

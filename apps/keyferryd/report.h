/** @file report.h What the daemon says: its log, and why it does not start. */
#ifndef REPORT_H
#define REPORT_H

#include "base/log.h"

/** Log lines on standard error: key=value or, as JSON, an object a line; for a journal with the
 * priority in front. */
void report_start(kf_log *log, bool as_json);

/** Why the program ends: what, why, what to do. Texts are safe to show; why may be "". */
void report_refusal(bool as_json, const char *code, const char *what, const char *why,
                    const char *remedy);

kf_time report_now(void *ctx);

#endif

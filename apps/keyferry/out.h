/**
 * @file out.h Data on stdout, talk on stderr; with --json exactly one document on stdout.
 *
 * Text of a peer is escaped before it is shown. Nothing here takes a kf_secret: what may be shown
 * is the handler's decision, made where the option --reveal is read.
 */
#ifndef OUT_H
#define OUT_H

#include <stdarg.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

typedef struct out_sink {
    FILE *data; /**< stdout */
    FILE *talk; /**< stderr */
    bool json;
} out_sink;

#define OUT_TEXT_MAX 600u

/** What went wrong, why, and what to do next. Texts are for a person; code and field for a program.
 */
typedef struct out_error {
    const char *code;  /**< "truncated", "usage", ... */
    const char *field; /**< a literal; NULL when there is none */
    size_t at;         /**< octet offset */
    bool has_at;
    char what[OUT_TEXT_MAX], why[OUT_TEXT_MAX], remedy[OUT_TEXT_MAX];
} out_error;

/** Start an error of a code. */
out_error out_error_of(kf_err code);
/** Start an error from the fault of a parse or check; why is the meaning of its code. */
out_error out_error_fault(const kf_fault *fault);

/** Fill in one text; control characters and broken UTF-8 in it are escaped. */
void out_what(out_error *e, const char *fmt, ...) KF_PRINTF(2, 3);
void out_why(out_error *e, const char *fmt, ...) KF_PRINTF(2, 3);
void out_do(out_error *e, const char *fmt, ...) KF_PRINTF(2, 3);

/** Report: one JSON document on stdout with --json, else lines on stderr. */
void out_report(const out_sink *o, const out_error *e);

/** {"code", "field", "at", "what", "why", "do"} */
json_t *out_error_json(const out_error *e);

/** One line of talk on stderr, escaped. */
void out_say(const out_sink *o, const char *fmt, ...) KF_PRINTF(2, 3);

/** Print a JSON document and free it. NULL (out of memory) is reported. @return did it work? */
bool out_json(const out_sink *o, json_t *document);

/** One `name: value` line; value escaped. */
void out_line(const out_sink *o, const char *name, const char *fmt, ...) KF_PRINTF(3, 4);

/** The same for octets, in hex. */
void out_hex_line(const out_sink *o, const char *name, kf_slice octets);

/** Text of a peer, escaped, in a buffer of size octets; cut with "..." when too long. @return buf.
 */
const char *out_escape(kf_slice text, char *buf, size_t size);

/** The same as a JSON string. */
json_t *out_json_text(kf_slice text);
/** Octets in hex as a JSON string. */
json_t *out_json_hex(kf_slice octets);
/** A time as a JSON string. */
json_t *out_json_time(int64_t t);

/** Flush; did everything reach stdout? */
bool out_finish(const out_sink *o);

#endif

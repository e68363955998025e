/**
 * @file trouble.h What went wrong in a lab node, for a person (what, why, what to do) and for a
 * program (code, field, place): how a start fails and how a request is refused.
 */
#ifndef LAB_TROUBLE_H
#define LAB_TROUBLE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"

#define LAB_TEXT_MAX 320u

typedef struct lab_trouble {
    const char *code; /**< a literal: "denied", "config", ... */
    char field[96];   /**< "" when there is none */
    size_t at;        /**< line of a file, octet of a request */
    bool has_at;
    char what[LAB_TEXT_MAX], why[LAB_TEXT_MAX], remedy[LAB_TEXT_MAX];
} lab_trouble;

/**
 * Fill one in.
 * @param field, remedy may be "".
 * @return code, for the caller to return.
 */
kf_err lab_trouble_set(lab_trouble *t, kf_err code, const char *field, const char *what,
                       const char *why, const char *remedy);

/** Replace the reason, or what to do, by a formatted text; too much is cut. */
void lab_trouble_why(lab_trouble *t, const char *fmt, ...) KF_PRINTF(2, 3);
void lab_trouble_do(lab_trouble *t, const char *fmt, ...) KF_PRINTF(2, 3);

/** {"ok": false, "code", "field", "at", "what", "why", "do"}; NULL: out of memory. */
json_t *lab_trouble_json(const lab_trouble *t);

#endif

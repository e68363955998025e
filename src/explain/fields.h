/** @file fields.h Inside this room: what each field of the decoders means, and where it is written.
 */
#ifndef EXPLAIN_FIELDS_H
#define EXPLAIN_FIELDS_H

#include "base/time.h"
#include "base/writer.h"
#include "explain/explain.h"

/** What was read before and decides what comes next. */
typedef struct fields_context {
    kf_time near;
    uint8_t idr_role;
    uint8_t sp_type;
    uint8_t genext_type;
    bool legacy; /**< key type is stored one higher */
} fields_context;

/** Describe one traced field. Texts go to the two buffers of EXPLAIN_TEXT_MAX octets each. */
void fields_describe(fields_context *context, const char *field, size_t at, kf_slice octets,
                     char *value, char *meaning, explain_field *out);

/** printf into w; what does not fit is dropped whole. */
void fields_put(kf_writer *w, const char *fmt, ...) KF_PRINTF(2, 3);

/** Octets as hex, cut after 24 with the number of the rest. */
void fields_put_hex(kf_writer *w, kf_slice octets);

#endif

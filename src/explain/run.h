/** @file run.h Inside this room: one explanation under way. */
#ifndef EXPLAIN_RUN_H
#define EXPLAIN_RUN_H

#include "base/reader.h"
#include "explain/explain.h"
#include "explain/fields.h"

typedef struct run {
    kf_trace trace; /**< first: the decoders call it */
    const explain_options *options;
    explain_sink *sink;
    kf_fault *fault;
    fields_context context;
    size_t base;   /**< offset of the reader's octet 0 in the layer */
    size_t shown;  /**< fields told */
    size_t hidden; /**< fields over the cap */
} run;

/** Tell one field; counts it only when the cap is reached. */
void run_field(run *r, const explain_field *field);

/** Tell a note, printf-like. */
void run_note(run *r, const char *fmt, ...) KF_PRINTF(2, 3);

/** Does the table of elements have this fault literal of kms/? For tests. */
bool explain_knows_element(const char *field);

/** Explain an annex D document (xml.c). */
kf_err run_xml(run *r, kf_slice document);

#endif

/** @file escape.h Text of strangers, made safe to show: no control characters, valid UTF-8. */
#ifndef EXPLAIN_ESCAPE_H
#define EXPLAIN_ESCAPE_H

#include "base/slice.h"
#include "base/writer.h"

/**
 * Append text: well-formed UTF-8 passes, except controls, separators and marks that change the
 * direction of writing; these and all other octets become \xNN, a backslash becomes two.
 * Stops before max octets of output are exceeded and then ends in "..."; w must have room for max.
 */
void explain_escape(kf_slice text, size_t max, kf_writer *w);

/** Octets of the well-formed, harmless UTF-8 character at the start of text; 0 when there is none.
 */
size_t explain_character(kf_slice text);

#endif

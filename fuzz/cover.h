/**
 * @file cover.h What fuzz targets share: a check that stops the run, and a trace that sees whether
 * the fields of a message cover every octet exactly once, in order.
 */
#ifndef FUZZ_COVER_H
#define FUZZ_COVER_H

#include <stdlib.h>

#include "base/reader.h"

typedef struct cover {
    kf_trace trace;
    size_t next; /**< where the next field must start; the length read so far */
} cover;

static inline void same(bool equal)
{
    if (!equal)
        abort();
}

static inline void add(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    cover *c = (void *)trace;
    same(field != NULL && at == c->next);
    c->next = at + octets.len;
}

#endif

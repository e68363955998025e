/**
 * @file memory.h libxml2's heap: wiped when freed, and capped while one of our parses runs.
 * For the rooms that read XML.
 */
#ifndef XML_MEMORY_H
#define XML_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/** Give libxml2 our allocators and start it, once in a process. @return KF_E_BACKEND. */
KF_MUST_USE kf_err xml_memory_setup(void);

/** From here to the end, what libxml2 allocates in this thread counts, and cap octets is the most
 * it gets. */
void xml_memory_begin(size_t cap);
void xml_memory_end(void);

/** The most octets that were in use at once between the last begin and end in this thread. */
size_t xml_memory_peak(void);

/** Octets still in use from the last begin and end in this thread: 0 unless something leaked. */
size_t xml_memory_in_use(void);

/** Was an allocation refused because of the cap since the last begin in this thread? */
bool xml_memory_was_capped(void);

#endif

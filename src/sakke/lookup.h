/** @file lookup.h Table look-up that touches every entry. */
#ifndef SAKKE_LOOKUP_H
#define SAKKE_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

/**
 * Copy entry index of a table of count entries of size octets each, a multiple of 128.
 * Reads the whole table, so time and addresses do not depend on index.
 */
void sakke_lookup(void *out, const void *table, size_t size, size_t count, uint64_t index);

#endif

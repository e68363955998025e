/** @file dialect.h Statements in one spelling for both backends: markers become what one takes. */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include "store/store.h"

/**
 * Resolve the markers of a statement or script: {pg:X} and {lite:X} become X or nothing, {blob} and
 * {serial} the backend's word. X may hold `{` and `}` in pairs, but no marker. Braces within '...'
 * and "..." are left as they are.
 * @return KF_E_MALFORMED for an unknown or unfinished marker; KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err store_dialect(const char *text, store_kind kind, char **out);

/** Does it write, as far as its first word says? WITH counts as writing. */
bool store_dialect_writes(const char *text);

#endif

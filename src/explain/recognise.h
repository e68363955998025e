/** @file recognise.h Inside this room: what is this? By fixed rules, tried in a fixed order. */
#ifndef EXPLAIN_RECOGNISE_H
#define EXPLAIN_RECOGNISE_H

#include "explain/explain.h"

/** Find the text form and where the message is in it. Sets form, form_because, at and len. */
void explain_find_form(kf_slice input, explain_found *found);

/** What octets are. Sets kind and kind_because. */
void explain_find_kind(kf_slice octets, explain_found *found);

/** Is c white space of a text file? */
bool explain_is_space(uint8_t c);

#endif

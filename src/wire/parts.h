/** @file parts.h What record.c, build.c, frame.c, server.c and client.c share; not for other rooms.
 */
#ifndef WIRE_PARTS_H
#define WIRE_PARTS_H

#include "wire/frame.h"
#include "wire/record.h"

/** [a-z][a-z0-9_]*, 1 to WIRE_NAME_MAX octets? */
bool wire_name_is_good(kf_slice name);

/** UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF) without NUL? */
bool wire_text_is_good(kf_slice text);

/** Octets that a tree takes beside those it was parsed from. */
size_t wire_tree_cost(const wire_tree *tree);

/**
 * The value as a frame: the builder keeps room for a frame's head in front of the value, so that
 * nothing is copied. A loan, and as wire_builder_done() otherwise.
 */
KF_MUST_USE kf_err wire_builder_frame(wire_builder *b, wire_kind kind, uint32_t number,
                                      kf_slice *out);

/** The buffer behind it moves to the caller; the builder is then as good as freed (KF_E_STATE). */
kf_secret *wire_builder_take(wire_builder *b);

/** The longest frame, head included, that fits the 4-octet length's limit. */
#define WIRE_FRAME_OCTETS_MAX (4u + (size_t)WIRE_FRAME_MAX)

#endif

/**
 * @file record.h Values of the vault protocol: a tree of named, typed values, strict and bounded.
 *
 * octets   field
 *  1       type (wire_type)
 * and by type
 *  bool    1: 00 or 01
 *  int     8: two's complement
 *  text    4 + n: UTF-8 without NUL
 *  octets  4 + n
 *  list    4: count; then the values
 *  map     2: count; then for each 1 + n name ([a-z][a-z0-9_]*, at most 32) and the value; a name
 *          occurs once
 *
 * At most WIRE_DEPTH_MAX lists and maps inside one another. A tree is read in place: text and
 * octets are borrowed from the frame, which is locked memory, since some requests carry keys.
 */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include "base/reader.h"
#include "base/secret.h"
#include "base/slice.h"

#define WIRE_DEPTH_MAX  8u
#define WIRE_NAME_MAX   32u
#define WIRE_VALUES_MAX 200000u /**< nodes of one tree */
#define WIRE_FIELDS_MAX 128u    /**< of one map */

typedef enum wire_type {
    WIRE_BOOL = 1,
    WIRE_INT = 2,
    WIRE_TEXT = 3,
    WIRE_OCTETS = 4,
    WIRE_LIST = 5,
    WIRE_MAP = 6,
} wire_type;

/** "bool", "int", ... ; NULL. */
const char *wire_type_name(unsigned type);

/** A value. Children of a list or map follow each other through next. */
typedef struct wire_value {
    wire_type type;
    bool truth;
    int64_t number;
    kf_slice octets; /**< text, octets */
    kf_slice name;   /**< inside a map; else empty */
    uint32_t count;  /**< list, map */
    const struct wire_value *first, *next;
} wire_value;

/** A parsed tree; owns its nodes, not the octets. */
typedef struct wire_tree wire_tree;

/**
 * Parse a value that fills the octets.
 * @param fault field: "record.type" and the like, at: offset.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED, KF_E_NO_SPACE (too deep, too many),
 * KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err wire_tree_parse(kf_slice octets, wire_tree **out, kf_fault *fault);
void wire_tree_free(wire_tree **tree);
const wire_value *wire_tree_root(const wire_tree *tree);

/** The value of that name in a map; NULL: none, or value is no map (or NULL). */
const wire_value *wire_get(const wire_value *map, const char *name);
/* The same by type; the fallback when there is none of that name and type. */
int64_t wire_get_int(const wire_value *map, const char *name, int64_t fallback);
bool wire_get_bool(const wire_value *map, const char *name, bool fallback);
kf_slice wire_get_text(const wire_value *map, const char *name);   /**< empty */
kf_slice wire_get_octets(const wire_value *map, const char *name); /**< empty */

/* ---- building ---- */

/** Grows in locked memory; the first failure sticks. Names are literals, NULL inside a list. */
typedef struct wire_builder wire_builder;
KF_MUST_USE kf_err wire_builder_new(wire_builder **out);
void wire_builder_free(wire_builder **b);
void wire_put_bool(wire_builder *b, const char *name, bool truth);
void wire_put_int(wire_builder *b, const char *name, int64_t number);
void wire_put_text(wire_builder *b, const char *name, kf_slice text);
void wire_put_text_z(wire_builder *b, const char *name, const char *text);
void wire_put_octets(wire_builder *b, const char *name, kf_slice octets);
void wire_open_map(wire_builder *b, const char *name);
void wire_open_list(wire_builder *b, const char *name);
void wire_close(wire_builder *b);
/** Append a value with its children. */
void wire_put_value(wire_builder *b, const char *name, const wire_value *value);
/** The octets: one value, all opened closed. A loan. @return the sticky failure: KF_E_NO_SPACE,
 * KF_E_NO_MEMORY, KF_E_MALFORMED (a name or text that has no encoding), KF_E_STATE (not closed). */
KF_MUST_USE kf_err wire_builder_done(wire_builder *b, kf_slice *out);

/* ---- what a verb takes ---- */

/** A field of a map, for checking requests before a verb sees them. */
typedef struct wire_field {
    const char *name;
    wire_type type;
    bool is_required;
    int64_t min, max;  /**< int: bounds; text, octets: bounds of the length; list: of the count;
                            both 0: none */
    wire_type of;      /**< list: type of its elements, 0: any */
    const char *words; /**< text: one of these, separated by |; NULL: any */
    const char *help;  /**< for people */
} wire_field;

/**
 * Does a map have exactly these fields, each in bounds? An unknown name is refused.
 * @param fields ends at a NULL name.
 * @param field  name of the offending field (WIRE_NAME_MAX + 1 octets).
 * @return KF_E_TRUNCATED (missing), KF_E_TRAILING (unknown), KF_E_MALFORMED (type or bounds).
 */
KF_MUST_USE kf_err wire_check(const wire_value *map, const wire_field *fields, char *field);

#endif

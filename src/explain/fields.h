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
    bool legacy;         /**< key type is stored one higher */
    bool keys_are_clear; /**< P25: or not known to be wrapped; then no key octet is shown */
    bool
        layout_is_wrong; /**< P25: the instruction names no key that wraps: all after it is doubt */
    uint8_t frame_type;  /**< P25: of the voice block */
} fields_context;

/** Writes what octets mean; may look at and change what is known. */
typedef void fields_say_fn(fields_context *context, kf_slice octets, kf_writer *w);
fields_say_fn fields_say_number, fields_say_octets, fields_say_text, fields_say_nothing;

/** Whether the octets of a field are shown. */
typedef enum fields_show {
    FIELDS_SHOW,
    FIELDS_HIDE,      /**< never: explained below, or may hold a key */
    FIELDS_HIDE_KEY,  /**< not unless keys are wrapped */
    FIELDS_HIDE_BODY, /**< not when the layout is in doubt: octets of a key might be here */
} fields_show;

/** What a field is. */
typedef struct fields_row {
    const char *field, *clause;
    fields_say_fn *say;
    fields_show show;
} fields_row;

/** Rows of the P25 decoders (fields_p25.c). */
extern const fields_row fields_p25[];
extern const size_t fields_p25_count;

/** A number and what it stands for. */
typedef struct fields_word {
    uint64_t number;
    const char *text;
} fields_word;

/** The text of a number; of another one, that it is not known. */
void fields_put_word(kf_writer *w, const fields_word *words, size_t count, uint64_t number);
#define FIELDS_PUT_WORD(w, words, number) fields_put_word((w), (words), KF_COUNT(words), (number))

/** At most 8 octets as a number. */
uint64_t fields_integer(kf_slice octets);

/** Describe one traced field. Texts go to the two buffers of EXPLAIN_TEXT_MAX octets each. */
void fields_describe(fields_context *context, const char *field, size_t at, kf_slice octets,
                     char *value, char *meaning, explain_field *out);

/** printf into w; what does not fit is dropped whole. */
void fields_put(kf_writer *w, const char *fmt, ...) KF_PRINTF(2, 3);

/** Octets as hex, cut after 24 with the number of the rest. */
void fields_put_hex(kf_writer *w, kf_slice octets);

#endif

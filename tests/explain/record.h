/** @file record.h A sink that keeps what it is told and checks that ranges are what they should be.
 */
#ifndef TESTS_EXPLAIN_RECORD_H
#define TESTS_EXPLAIN_RECORD_H

#include <stdio.h>
#include <string.h>

#include "explain/explain.h"
#include "support/testing.h"

#define RECORD_FIELDS_MAX 4096u
#define RECORD_NOTES_MAX  128u

typedef struct record {
    explain_sink sink; /* first */
    explain_found found;
    size_t layers, fields, notes, faults;
    char layer_names[8][64];
    size_t layer_octets; /* of the layer told last */
    const char *names[RECORD_FIELDS_MAX];
    size_t at[RECORD_FIELDS_MAX], len[RECORD_FIELDS_MAX];
    size_t layer_of[RECORD_FIELDS_MAX];
    char values[RECORD_FIELDS_MAX][96], meanings[RECORD_FIELDS_MAX][96];
    size_t octets_told[8]; /* by layer */
    size_t next;           /* first octet after the last range of this layer */
    char note_texts[RECORD_NOTES_MAX][EXPLAIN_TEXT_MAX];
    kf_fault fault;
} record;

static inline void record_found(explain_sink *sink, const explain_found *found)
{
    ((record *)sink)->found = *found;
}

static inline void record_layer(explain_sink *sink, const explain_layer *layer)
{
    record *r = (record *)sink;
    assert_true(r->layers < 8);
    assert_true(layer->decrypted || layer->depth == 0 ||
                layer->base + layer->octets.len <= r->layer_octets);
    snprintf(r->layer_names[r->layers], sizeof r->layer_names[0], "%s", layer->name);
    r->layer_octets = layer->octets.len;
    r->layers++;
    r->next = 0;
}

static inline void record_field(explain_sink *sink, const explain_field *f)
{
    record *r = (record *)sink;
    assert_true(r->fields < RECORD_FIELDS_MAX && r->layers > 0);
    assert_true(f->len > 0 && f->at >= r->next && f->at + f->len <= r->layer_octets);
    assert_true(strlen(f->value) < EXPLAIN_TEXT_MAX && strlen(f->meaning) < EXPLAIN_TEXT_MAX);
    r->next = f->at + f->len;
    r->names[r->fields] = f->field;
    r->at[r->fields] = f->at;
    r->len[r->fields] = f->len;
    r->layer_of[r->fields] = r->layers - 1;
    snprintf(r->values[r->fields], sizeof r->values[0], "%s", f->value);
    snprintf(r->meanings[r->fields], sizeof r->meanings[0], "%s", f->meaning);
    r->octets_told[r->layers - 1] += f->len;
    r->fields++;
}

static inline void record_note(explain_sink *sink, const char *text)
{
    record *r = (record *)sink;
    assert_true(strlen(text) > 0 && r->notes < RECORD_NOTES_MAX);
    snprintf(r->note_texts[r->notes++], EXPLAIN_TEXT_MAX, "%s", text);
}

static inline void record_fault(explain_sink *sink, const kf_fault *fault, const char *meaning)
{
    record *r = (record *)sink;
    assert_true(strlen(meaning) > 0);
    r->fault = *fault;
    r->faults++;
}

/** A record for one explanation. */
static inline record *record_start(void)
{
    static record r;
    memset(&r, 0, sizeof r);
    r.sink = (explain_sink){ record_found, record_layer, record_field, record_note, record_fault };
    return &r;
}

/** Explain into a fresh record, which the next call overwrites; checks that the answer and the
 * fault told agree. */
static inline record *record_explain(kf_slice input, const explain_options *options, kf_err *err)
{
    record *r = record_start();
    kf_fault fault;
    *err = explain_message(input, options, &r->sink, &fault);
    assert_int_equal(r->faults, *err != KF_OK);
    assert_int_equal(fault.code, *err);
    if (*err != KF_OK) {
        assert_int_equal(r->fault.at, fault.at);
        assert_non_null(fault.field);
    }
    return r;
}

/** Was a note told that has this text in it? */
static inline bool record_says(const record *r, const char *text)
{
    for (size_t i = 0; i < r->notes; i++)
        if (strstr(r->note_texts[i], text) != NULL)
            return true;
    return false;
}

/** The first field of that name, or -1. */
static inline int record_find(const record *r, const char *name)
{
    for (size_t i = 0; i < r->fields; i++)
        if (strcmp(r->names[i], name) == 0)
            return (int)i;
    return -1;
}

#endif

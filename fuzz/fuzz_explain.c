/*
 * explain, whatever the input is. Oracle: the ranges told of one layer lie inside it and do not
 * overlap, texts and their number are bounded, a fault is told exactly when the answer is one, and
 * a second run gives the same text. The same is asked of a reading as each kind there is.
 */
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* FNV-1a over the text, and a checker between explain and the renderer. */
typedef struct run {
    explain_sink sink; /* first */
    explain_text text;
    uint64_t hash;
    size_t layer_octets, next, fields, faults, layers;
} run;

static void add(void *ctx, const char *text, size_t len)
{
    run *r = ctx;
    for (size_t i = 0; i < len; i++)
        r->hash = (r->hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
}

static void on_found(explain_sink *sink, const explain_found *found)
{
    run *r = (run *)sink;
    must(found->form_because != NULL && found->kind_because != NULL);
    r->text.sink.found(&r->text.sink, found);
}

static void on_layer(explain_sink *sink, const explain_layer *layer)
{
    run *r = (run *)sink;
    must(layer->depth == 0 || layer->decrypted ||
         (layer->base <= r->layer_octets && layer->octets.len <= r->layer_octets - layer->base));
    r->layer_octets = layer->octets.len;
    r->next = 0;
    r->layers++;
    r->text.sink.layer(&r->text.sink, layer);
}

static void on_field(explain_sink *sink, const explain_field *f)
{
    run *r = (run *)sink;
    must(r->layers > 0 && f->len > 0 && f->at >= r->next);
    must(f->at <= r->layer_octets && f->len <= r->layer_octets - f->at);
    must(strlen(f->value) < EXPLAIN_TEXT_MAX && strlen(f->meaning) < EXPLAIN_TEXT_MAX);
    must(++r->fields <= EXPLAIN_FIELDS_MAX);
    r->next = f->at + f->len;
    r->text.sink.field(&r->text.sink, f);
}

static void on_note(explain_sink *sink, const char *text)
{
    run *r = (run *)sink;
    must(strlen(text) < EXPLAIN_TEXT_MAX);
    r->text.sink.note(&r->text.sink, text);
}

static void on_fault(explain_sink *sink, const kf_fault *fault, const char *meaning)
{
    run *r = (run *)sink;
    must(fault->code != KF_OK && fault->field != NULL);
    r->faults++;
    r->text.sink.fault(&r->text.sink, fault, meaning);
}

static uint64_t explain(kf_slice input, explain_kind as)
{
    const explain_options options = { .as = as, .near = INT64_C(1795426200) };
    run r = { .sink = { on_found, on_layer, on_field, on_note, on_fault },
              .hash = UINT64_C(0xcbf29ce484222325) };
    kf_fault fault;
    explain_text_init(&r.text, add, &r);
    kf_err err = explain_message(input, &options, &r.sink, &fault);
    must(r.faults == (err == KF_OK ? 0u : 1u) && fault.code == err);
    return r.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice input = { in, len };
    must(explain(input, EXPLAIN_UNKNOWN) == explain(input, EXPLAIN_UNKNOWN));
    for (int kind = EXPLAIN_UNKNOWN + 1; kind < (int)EXPLAIN_KINDS; kind++)
        (void)explain(input, (explain_kind)kind);
    return 0;
}

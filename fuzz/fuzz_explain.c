/*
 * explain, whatever the input is. Oracle: the ranges told of one layer lie inside it and do not
 * overlap, texts and their number are bounded, a fault is told exactly when the answer is one, and
 * a second run gives the same text. The same is asked of a reading as each kind there is, and of
 * one with keys: those of the seeds, so that what is behind an outer layer is reached. With keys no
 * reading gets shorter: what opens only adds.
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

static uint64_t explain(kf_slice input, explain_kind as, const keyfill_file *keys, size_t *layers)
{
    const explain_options options = { .as = as, .near = INT64_C(1795426200), .keys = keys };
    run r = { .sink = { on_found, on_layer, on_field, on_note, on_fault },
              .hash = UINT64_C(0xcbf29ce484222325) };
    kf_fault fault;
    explain_text_init(&r.text, add, &r);
    kf_err err = explain_message(input, &options, &r.sink, &fault);
    must(r.faults == (err == KF_OK ? 0u : 1u) && fault.code == err);
    *layers = r.layers;
    return r.hash;
}

/* Keys of the dialogue in tests/vectors, and one of every other algorithm under numbers of ours. */
static const struct {
    uint8_t algid, octets;
    uint16_t kid;
    keyfill_kind kind;
    uint32_t rsi;
    uint8_t key[32];
} table[] = {
    { 0x84,
      32,
      0xf5a0,
      KEYFILL_KIND_KEK,
      74565,
      { 0xe7, 0xee, 0xe7, 0x61, 0x5e, 0xf3, 0x5f, 0x30, 0xe4, 0x9b, 0x48,
        0x2e, 0x15, 0xca, 0xe7, 0x50, 0x07, 0x20, 0x1e, 0x12, 0x61, 0x7b,
        0x0f, 0xed, 0xa7, 0xe1, 0x64, 0x77, 0x96, 0xff, 0x02, 0x2b } },
    { 0x84, 32, 0x7a31, KEYFILL_KIND_TEK, 0, { 0xea, 0x8e, 0xd0, 0x2a, 0x82, 0xa1, 0x75, 0x93,
                                               0x0f, 0x23, 0x37, 0xcd, 0x37, 0x94, 0xc5, 0x22,
                                               0x08, 0x00, 0x6d, 0x6b, 0x1a, 0xf0, 0xc0, 0xcb,
                                               0xd6, 0x25, 0x65, 0x8a, 0xac, 0x2c, 0x9f, 0xaa } },
    { 0x84, 32, 0x7a31, KEYFILL_KIND_TEK, 0, { 1, 2, 3 } }, /* another one of that number */
    { 0x83, 24, 0x0003, KEYFILL_KIND_TEK, 0, { 0x13, 0x57, 0x9b } },
    { 0x81, 8, 0x0001, KEYFILL_KIND_TEK, 0, { 0x13, 0x57, 0x9b } },
    { 0xaa, 5, 0x0005, KEYFILL_KIND_TEK, 0, { 0x3d } },
    { 0x84, 7, 0x0004, KEYFILL_KIND_TEK, 0, { 0x3d } }, /* too short */
};

static const keyfill_file *the_keys(void)
{
    static keyfill_file keys;
    for (size_t i = 0; keys.entry_count < KF_COUNT(table); i++) {
        keyfill_entry e = { .id = (uint32_t)i + 1,
                            .keyset = 1,
                            .sln = 1,
                            .kid = table[i].kid,
                            .algid = table[i].algid,
                            .kind = table[i].kind,
                            .has_rsi = table[i].rsi != 0,
                            .rsi = table[i].rsi };
        must(kf_secret_new_copy((kf_slice){ table[i].key, table[i].octets }, &e.material) == KF_OK);
        must(keyfill_file_take_entry(&keys, &e) == KF_OK);
    }
    return &keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice input = { in, len };
    const keyfill_file *keys = the_keys();
    size_t layers = 0, again = 0;
    must(explain(input, EXPLAIN_UNKNOWN, NULL, &layers) ==
         explain(input, EXPLAIN_UNKNOWN, NULL, &again));
    must(layers == again);
    must(explain(input, EXPLAIN_UNKNOWN, keys, &again) ==
         explain(input, EXPLAIN_UNKNOWN, keys, &again));
    must(again >= layers);
    for (int kind = EXPLAIN_UNKNOWN + 1; kind < (int)EXPLAIN_KINDS; kind++) {
        (void)explain(input, (explain_kind)kind, NULL, &layers);
        (void)explain(input, (explain_kind)kind, keys, &again);
        must(again >= layers);
    }
    return 0;
}

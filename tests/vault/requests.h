/** A request for any verb, made from its own table of fields: right in form, random in content. */
#ifndef TESTS_VAULT_REQUESTS_H
#define TESTS_VAULT_REQUESTS_H

#include "vault/fixture.h"

#define REQUEST_OCTETS_MAX 4096u

static inline size_t size_between(testing_rng *r, int64_t min, int64_t max)
{
    const int64_t low = min < 1 ? 1 : min;
    int64_t high = max < low ? low : max;
    if (high > low + 40)
        high = low + 40;
    return (size_t)(low + (int64_t)testing_rng_below(r, (size_t)(high - low + 1)));
}

static inline void put_words(wire_builder *b, testing_rng *r, const char *name, const char *words)
{
    char word[64];
    size_t n = 1;
    for (const char *c = words; *c != '\0'; c++)
        n += *c == '|' ? 1u : 0u;
    for (size_t skip = testing_rng_below(r, n); skip > 0; skip--)
        words = strchr(words, '|') + 1;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(words, "|"), words);
    wire_put_text_z(b, name, word);
}

static inline void put_octets(wire_builder *b, testing_rng *r, const char *name, bool is_text,
                              size_t len)
{
    uint8_t octets[REQUEST_OCTETS_MAX];
    assert_true(len <= sizeof octets);
    for (size_t i = 0; i < len; i++)
        octets[i] = is_text ? (uint8_t)('a' + testing_rng_below(r, 26))
                            : (uint8_t)testing_rng_below(r, 256);
    if (is_text)
        wire_put_text(b, name, (kf_slice){ octets, len });
    else
        wire_put_octets(b, name, (kf_slice){ octets, len });
}

static inline void put_field(wire_builder *b, testing_rng *r, const wire_field *f)
{
    const bool bounded = f->min != 0 || f->max != 0;
    switch (f->type) {
    case WIRE_BOOL:
        wire_put_bool(b, f->name, testing_rng_below(r, 2) == 0);
        break;
    case WIRE_INT:
        wire_put_int(b, f->name,
                     !bounded ? 1
                     : f->max - f->min > 40
                         ? f->min + (int64_t)testing_rng_below(r, 40)
                         : f->min + (int64_t)testing_rng_below(r, (size_t)(f->max - f->min + 1)));
        break;
    case WIRE_TEXT:
        if (f->words != NULL)
            put_words(b, r, f->name, f->words);
        else
            put_octets(b, r, f->name, true, size_between(r, f->min, f->max));
        break;
    case WIRE_OCTETS:
        put_octets(b, r, f->name, false, size_between(r, f->min, f->max));
        break;
    default:
        wire_open_list(b, f->name);
        for (size_t n = f->min < 1 ? 1 : (size_t)f->min; n > 0; n--)
            if (f->of == WIRE_INT)
                wire_put_int(b, NULL, 1 + (int64_t)testing_rng_below(r, 4000));
            else
                put_octets(b, r, NULL, f->of == WIRE_TEXT, 8);
        wire_close(b);
    }
}

/** The tree rests on the builder's octets. */
typedef struct request {
    wire_builder *built;
    wire_tree *tree;
} request;

static inline void request_free(request *q)
{
    wire_tree_free(&q->tree);
    wire_builder_free(&q->built);
}

/** Required fields, and optional ones by chance. Caller frees. */
static inline request request_for(const vault_verb *verb, testing_rng *r, bool only_required)
{
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    assert_ok(wire_builder_new(&b));
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", verb->name);
    for (const wire_field *f = verb->fields; f != NULL && f->name != NULL; f++)
        if (f->is_required || (!only_required && testing_rng_below(r, 2) == 0))
            put_field(b, r, f);
    wire_close(b);
    assert_ok(wire_builder_done(b, &octets));
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    return (request){ b, tree };
}

/** Ask it. @return what the vault said; s->refusal is set. */
static inline kf_err ask_request(scene *s, const vault_caller *who, const request *q)
{
    scene_forget(s);
    s->err = vault_do(s->v, who, wire_tree_root(q->tree), &s->built, &s->refusal);
    return s->err;
}

static const vault_caller *const request_callers[] = { &officer,  &auditor, &courier,
                                                       &kms_face, &media,   &call_control };

/** Somebody whose role may, or may not; NULL: there is nobody. */
static inline const vault_caller *caller_for(const vault_verb *verb, testing_rng *r, bool may)
{
    const size_t start = testing_rng_below(r, KF_COUNT(request_callers));
    for (size_t i = 0; i < KF_COUNT(request_callers); i++) {
        const vault_caller *c = request_callers[(start + i) % KF_COUNT(request_callers)];
        if (((verb->roles & (unsigned)c->role) != 0) == may)
            return c;
    }
    return NULL;
}

/** A number out of the store. */
static inline int64_t store_number(const scene *s, const char *text)
{
    const store_sql sql = { text };
    store *db = NULL;
    store_fault fault;
    int64_t n = -1;
    assert_ok(store_open(s->store, &db, &fault));
    assert_ok(store_begin(db, STORE_READ));
    if (store_get_int(db, &sql, NULL, 0, &n) != KF_OK)
        fail_msg("%s: %s", text, store_last_fault(db)->text);
    store_rollback(db);
    store_close(&db);
    return n;
}

#endif

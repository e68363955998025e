#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/parts.h"

/* The first buffer comes from the pool of locked slots, which is cheap; growth doubles. */
#define FIRST_OCTETS KF_SECRET_POOL_MAX

/* A list or map that is open. */
typedef struct level {
    size_t count_at; /* offset of its count */
    uint32_t count;
    wire_type type;
    uint32_t names[WIRE_FIELDS_MAX]; /* map: offsets of its names so far */
} level;

struct wire_builder {
    kf_secret *octets; /* room for a frame's head, then the value */
    kf_writer w;
    uint32_t values;
    unsigned depth;
    level levels[WIRE_DEPTH_MAX]; /* written before read, level by level */
};

kf_err wire_builder_new(wire_builder **out)
{
    *out = NULL;
    wire_builder *b = malloc(sizeof *b);
    if (b == NULL)
        return KF_E_NO_MEMORY;
    b->octets = NULL;
    b->values = 0;
    b->depth = 0;
    kf_err err = kf_secret_new(FIRST_OCTETS, &b->octets);
    if (err != KF_OK) {
        free(b);
        return err;
    }
    b->w = kf_writer_init(kf_secret_edit(b->octets), FIRST_OCTETS);
    b->w.len = WIRE_HEAD_OCTETS;
    *out = b;
    return KF_OK;
}

void wire_builder_free(wire_builder **b)
{
    if (b == NULL || *b == NULL)
        return;
    kf_secret_free(&(*b)->octets);
    free(*b);
    *b = NULL;
}

/* Make room for len more octets. Two generations are locked while one is copied to the next. */
static void reserve(wire_builder *b, size_t len)
{
    kf_writer *w = &b->w;
    if (w->err != KF_OK || len <= w->cap - w->len)
        return;
    if (len > WIRE_FRAME_OCTETS_MAX - w->len) {
        kf_writer_fail(w, KF_E_NO_SPACE);
        return;
    }
    size_t cap = w->cap;
    while (cap - w->len < len)
        cap *= 2;
    if (cap > WIRE_FRAME_OCTETS_MAX)
        cap = WIRE_FRAME_OCTETS_MAX;
    kf_secret *bigger = NULL;
    kf_err err = kf_secret_new(cap, &bigger);
    if (err != KF_OK) {
        kf_writer_fail(w, err);
        return;
    }
    kf_writer next = kf_writer_init(kf_secret_edit(bigger), cap);
    kf_write_octets(&next, w->buf, w->len);
    *w = next;
    kf_secret_free(&b->octets);
    b->octets = bigger;
}

static bool name_is_taken(const wire_builder *b, const level *l, kf_slice name)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const uint8_t *at = b->w.buf + l->names[i];
        if (kf_slice_equal((kf_slice){ at + 1, at[0] }, name))
            return true;
    }
    return false;
}

static void put_name(wire_builder *b, level *l, kf_slice name)
{
    if (l->count == WIRE_FIELDS_MAX) {
        kf_writer_fail(&b->w, KF_E_NO_SPACE);
        return;
    }
    if (!wire_name_is_good(name) || name_is_taken(b, l, name)) {
        kf_writer_fail(&b->w, KF_E_MALFORMED);
        return;
    }
    l->names[l->count] = (uint32_t)b->w.len;
    kf_write_u8(&b->w, (uint8_t)name.len);
    kf_write_slice(&b->w, name);
}

/* What comes before every value: its name where it has one, and the type. octets: what follows. */
static void begin(wire_builder *b, kf_slice name, wire_type type, size_t octets)
{
    if (octets > WIRE_FRAME_MAX || b->values == WIRE_VALUES_MAX)
        kf_writer_fail(&b->w, KF_E_NO_SPACE);
    if (b->depth == 0 && b->values > 0) /* one value only */
        kf_writer_fail(&b->w, KF_E_STATE);
    reserve(b, 1 + name.len + 1 + octets);
    if (b->w.err != KF_OK)
        return;
    level *l = b->depth == 0 ? NULL : &b->levels[b->depth - 1];
    if (l != NULL && l->type == WIRE_MAP)
        put_name(b, l, name);
    else if (name.len > 0)
        kf_writer_fail(&b->w, KF_E_MALFORMED);
    if (l != NULL)
        l->count++;
    b->values++;
    kf_write_u8(&b->w, (uint8_t)type);
}

static void put_truth(wire_builder *b, kf_slice name, bool truth)
{
    begin(b, name, WIRE_BOOL, 1);
    kf_write_u8(&b->w, truth ? 1 : 0);
}

static void put_number(wire_builder *b, kf_slice name, int64_t number)
{
    begin(b, name, WIRE_INT, 8);
    kf_write_u64(&b->w, (uint64_t)number);
}

static void put_run(wire_builder *b, kf_slice name, wire_type type, kf_slice octets)
{
    if (type == WIRE_TEXT && !wire_text_is_good(octets))
        kf_writer_fail(&b->w, KF_E_MALFORMED);
    begin(b, name, type, octets.len <= WIRE_FRAME_MAX ? 4 + octets.len : octets.len);
    kf_write_u32(&b->w, (uint32_t)octets.len);
    kf_write_slice(&b->w, octets);
}

static void open_container(wire_builder *b, kf_slice name, wire_type type)
{
    if (b->depth == WIRE_DEPTH_MAX)
        kf_writer_fail(&b->w, KF_E_NO_SPACE);
    begin(b, name, type, 4);
    if (b->w.err != KF_OK)
        return;
    level *l = &b->levels[b->depth++];
    l->count_at = b->w.len;
    l->count = 0;
    l->type = type;
    if (type == WIRE_LIST)
        kf_write_u32(&b->w, 0);
    else
        kf_write_u16(&b->w, 0);
}

void wire_close(wire_builder *b)
{
    if (b->w.err == KF_OK && b->depth == 0)
        kf_writer_fail(&b->w, KF_E_STATE);
    if (b->w.err != KF_OK)
        return;
    const level *l = &b->levels[--b->depth];
    kf_writer count = kf_writer_init(b->w.buf + l->count_at, 4);
    if (l->type == WIRE_LIST)
        kf_write_u32(&count, l->count);
    else
        kf_write_u16(&count, (uint16_t)l->count);
}

static kf_slice literal(const char *name)
{
    return name == NULL ? (kf_slice){ NULL, 0 } : kf_slice_str(name);
}

void wire_put_bool(wire_builder *b, const char *name, bool truth)
{
    put_truth(b, literal(name), truth);
}

void wire_put_int(wire_builder *b, const char *name, int64_t number)
{
    put_number(b, literal(name), number);
}

void wire_put_text(wire_builder *b, const char *name, kf_slice text)
{
    put_run(b, literal(name), WIRE_TEXT, text);
}

void wire_put_text_z(wire_builder *b, const char *name, const char *text)
{
    put_run(b, literal(name), WIRE_TEXT, kf_slice_str(text));
}

void wire_put_octets(wire_builder *b, const char *name, kf_slice octets)
{
    put_run(b, literal(name), WIRE_OCTETS, octets);
}

void wire_open_map(wire_builder *b, const char *name)
{
    open_container(b, literal(name), WIRE_MAP);
}

void wire_open_list(wire_builder *b, const char *name)
{
    open_container(b, literal(name), WIRE_LIST);
}

/* Recursion ends with the depth that open_container() allows. */
static void put_value(wire_builder *b, kf_slice name, const wire_value *value)
{
    if (b->w.err != KF_OK)
        return;
    switch (value->type) {
    case WIRE_BOOL:
        put_truth(b, name, value->truth);
        return;
    case WIRE_INT:
        put_number(b, name, value->number);
        return;
    case WIRE_TEXT:
    case WIRE_OCTETS:
        put_run(b, name, value->type, value->octets);
        return;
    case WIRE_LIST:
    case WIRE_MAP:
        open_container(b, name, value->type);
        for (const wire_value *v = value->first; v != NULL; v = v->next)
            put_value(b, v->name, v);
        wire_close(b);
        return;
    }
}

void wire_put_value(wire_builder *b, const char *name, const wire_value *value)
{
    put_value(b, literal(name), value);
}

kf_err wire_builder_done(wire_builder *b, kf_slice *out)
{
    *out = (kf_slice){ NULL, 0 };
    if (b->w.err != KF_OK)
        return b->w.err;
    if (b->depth > 0 || b->values == 0)
        return KF_E_STATE;
    *out = (kf_slice){ b->w.buf + WIRE_HEAD_OCTETS, b->w.len - WIRE_HEAD_OCTETS };
    return KF_OK;
}

kf_err wire_builder_frame(wire_builder *b, wire_kind kind, uint32_t number, kf_slice *out)
{
    kf_slice value;
    kf_err err = wire_builder_done(b, &value);
    *out = (kf_slice){ NULL, 0 };
    if (err != KF_OK)
        return err;
    kf_writer head = kf_writer_init(b->w.buf, WIRE_HEAD_OCTETS);
    kf_write_u32(&head, (uint32_t)(b->w.len - 4));
    kf_write_u8(&head, WIRE_VERSION);
    kf_write_u8(&head, (uint8_t)kind);
    kf_write_u32(&head, number);
    *out = (kf_slice){ b->w.buf, b->w.len };
    return head.err;
}

kf_secret *wire_builder_take(wire_builder *b)
{
    kf_secret *octets = b->octets;
    b->octets = NULL;
    b->w = (kf_writer){ .err = KF_E_STATE };
    return octets;
}

#include "wire/record.h"

#include <stdlib.h>
#include <string.h>

#include "wire/parts.h"

/*
 * Nodes come from chunks that double, so that a tree costs no more than a fixed multiple of the
 * octets that were really there, whatever a count claims. The first chunk is part of the tree: a
 * usual request takes one allocation.
 */
#define NODES_FIRST   16u
#define NODES_DOUBLED 8192u /* chunks stop growing here */

typedef struct chunk {
    struct chunk *next;
    wire_value nodes[];
} chunk;

struct wire_tree {
    chunk *chunks;
    wire_value *idle; /* the current chunk's unused nodes */
    size_t left, chunk_nodes;
    size_t used, cost;
    const wire_value *root;
    wire_value first[NODES_FIRST];
};

static const char *const type_names[] = {
    [WIRE_BOOL] = "bool",     [WIRE_INT] = "int",   [WIRE_TEXT] = "text",
    [WIRE_OCTETS] = "octets", [WIRE_LIST] = "list", [WIRE_MAP] = "map",
};

const char *wire_type_name(unsigned type)
{
    return type < KF_COUNT(type_names) ? type_names[type] : NULL;
}

bool wire_name_is_good(kf_slice name)
{
    if (name.len == 0 || name.len > WIRE_NAME_MAX || name.ptr[0] < 'a' || name.ptr[0] > 'z')
        return false;
    for (size_t i = 1; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

/* Octets of the character that starts with this octet of 80 or above; 0: none does. */
static size_t character_octets(uint8_t lead)
{
    return lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

/* spec: RFC 3629 §4 - the second octet's range depends on the first; the rest are 80 to bf. */
static bool character_is_good(const uint8_t *c, size_t octets)
{
    uint8_t low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < low || c[1] > high)
        return false;
    for (size_t i = 2; i < octets; i++)
        if ((c[i] & 0xc0u) != 0x80)
            return false;
    return true;
}

bool wire_text_is_good(kf_slice text)
{
    size_t at = 0;
    while (at < text.len) {
        uint8_t c = text.ptr[at];
        if (c == 0)
            return false;
        size_t octets = c < 0x80 ? 1 : character_octets(c);
        if (octets == 0 || octets > text.len - at)
            return false;
        if (octets > 1 && !character_is_good(text.ptr + at, octets))
            return false;
        at += octets;
    }
    return true;
}

/* ---- parsing ---- */

typedef struct parser {
    kf_reader r;
    wire_tree *tree;
} parser;

static wire_value *node_new(parser *p)
{
    wire_tree *t = p->tree;
    if (t->used == WIRE_VALUES_MAX) {
        kf_reader_fail(&p->r, KF_E_NO_SPACE, "record.values");
        return NULL;
    }
    if (t->left == 0) {
        size_t count = t->chunk_nodes < NODES_DOUBLED ? t->chunk_nodes * 2 : NODES_DOUBLED;
        size_t octets = sizeof(chunk) + count * sizeof(wire_value);
        chunk *c = malloc(octets);
        if (c == NULL) {
            kf_reader_fail(&p->r, KF_E_NO_MEMORY, "record.values");
            return NULL;
        }
        c->next = t->chunks;
        t->chunks = c;
        t->idle = c->nodes;
        t->left = t->chunk_nodes = count;
        t->cost += octets;
    }
    t->used++;
    t->left--;
    wire_value *v = t->idle++;
    memset(v, 0, sizeof *v);
    return v;
}

static wire_value *value_decode(parser *p, unsigned depth);

static bool name_is_taken(const wire_value *map, kf_slice name)
{
    for (const wire_value *v = map->first; v != NULL; v = v->next)
        if (kf_slice_equal(v->name, name))
            return true;
    return false;
}

static kf_slice name_decode(parser *p, const wire_value *map)
{
    size_t at = p->r.off;
    kf_slice name = kf_read_slice(&p->r, kf_read_u8(&p->r, "record.name"), "record.name");
    if (!wire_name_is_good(name) || name_is_taken(map, name))
        kf_reader_fail_at(&p->r, at, KF_E_MALFORMED, "record.name");
    return name;
}

/* A count that lies ends the loop at the first value that is not there. */
static void children_decode(parser *p, wire_value *parent, unsigned depth)
{
    wire_value *last = NULL;
    for (uint32_t i = 0; i < parent->count && kf_reader_ok(&p->r); i++) {
        kf_slice name = { NULL, 0 };
        if (parent->type == WIRE_MAP)
            name = name_decode(p, parent);
        wire_value *v = value_decode(p, depth);
        if (v == NULL)
            return;
        v->name = name;
        if (last == NULL)
            parent->first = v;
        else
            last->next = v;
        last = v;
    }
}

static void container_decode(parser *p, wire_value *v, unsigned depth)
{
    size_t at = p->r.off;
    v->count = v->type == WIRE_LIST ? kf_read_u32(&p->r, "record.count")
                                    : kf_read_u16(&p->r, "record.count");
    if (depth == WIRE_DEPTH_MAX)
        kf_reader_fail_at(&p->r, at, KF_E_NO_SPACE, "record.depth");
    if (v->count > (v->type == WIRE_LIST ? WIRE_VALUES_MAX : WIRE_FIELDS_MAX))
        kf_reader_fail_at(&p->r, at, KF_E_NO_SPACE, "record.count");
    children_decode(p, v, depth + 1);
}

static void bool_decode(parser *p, wire_value *v)
{
    size_t at = p->r.off;
    uint8_t octet = kf_read_u8(&p->r, "record.bool");
    if (octet > 1)
        kf_reader_fail_at(&p->r, at, KF_E_MALFORMED, "record.bool");
    v->truth = octet == 1;
}

static void text_decode(parser *p, wire_value *v)
{
    size_t at = p->r.off;
    v->octets = kf_read_slice(&p->r, kf_read_u32(&p->r, "record.length"), "record.text");
    if (!wire_text_is_good(v->octets))
        kf_reader_fail_at(&p->r, at, KF_E_MALFORMED, "record.text");
}

/* depth: how many containers it is inside. NULL after a failure. */
static wire_value *value_decode(parser *p, unsigned depth)
{
    size_t at = p->r.off;
    uint8_t type = kf_read_u8(&p->r, "record.type");
    wire_value *v = kf_reader_ok(&p->r) ? node_new(p) : NULL;
    if (v == NULL)
        return NULL;
    switch (type) {
    case WIRE_BOOL:
        bool_decode(p, v);
        break;
    case WIRE_INT:
        v->number = (int64_t)kf_read_u64(&p->r, "record.int");
        break;
    case WIRE_TEXT:
        text_decode(p, v);
        break;
    case WIRE_OCTETS:
        v->octets = kf_read_slice(&p->r, kf_read_u32(&p->r, "record.length"), "record.octets");
        break;
    case WIRE_LIST:
    case WIRE_MAP:
        v->type = (wire_type)type;
        container_decode(p, v, depth);
        break;
    default:
        kf_reader_fail_at(&p->r, at, KF_E_MALFORMED, "record.type");
    }
    v->type = (wire_type)type;
    return kf_reader_ok(&p->r) ? v : NULL;
}

kf_err wire_tree_parse(kf_slice octets, wire_tree **out, kf_fault *fault)
{
    *out = NULL;
    parser p = { .r = kf_reader_init(octets, fault), .tree = malloc(sizeof *p.tree) };
    if (p.tree == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, "record.values");
    wire_tree *t = p.tree;
    t->chunks = NULL;
    t->idle = t->first;
    t->left = t->chunk_nodes = NODES_FIRST;
    t->used = 0;
    t->cost = sizeof *t;
    t->root = value_decode(&p, 0);
    kf_err err = kf_reader_end(&p.r, "record.end");
    if (err != KF_OK)
        wire_tree_free(&t);
    *out = t;
    return err;
}

void wire_tree_free(wire_tree **tree)
{
    if (tree == NULL || *tree == NULL)
        return;
    chunk *c = (*tree)->chunks;
    while (c != NULL) {
        chunk *next = c->next;
        free(c);
        c = next;
    }
    free(*tree);
    *tree = NULL;
}

const wire_value *wire_tree_root(const wire_tree *tree)
{
    return tree == NULL ? NULL : tree->root;
}

size_t wire_tree_cost(const wire_tree *tree)
{
    return tree == NULL ? 0 : tree->cost;
}

/* ---- looking up ---- */

const wire_value *wire_get(const wire_value *map, const char *name)
{
    if (map == NULL || map->type != WIRE_MAP)
        return NULL;
    kf_slice wanted = kf_slice_str(name);
    for (const wire_value *v = map->first; v != NULL; v = v->next)
        if (kf_slice_equal(v->name, wanted))
            return v;
    return NULL;
}

static const wire_value *get_typed(const wire_value *map, const char *name, wire_type type)
{
    const wire_value *v = wire_get(map, name);
    return v != NULL && v->type == type ? v : NULL;
}

int64_t wire_get_int(const wire_value *map, const char *name, int64_t fallback)
{
    const wire_value *v = get_typed(map, name, WIRE_INT);
    return v == NULL ? fallback : v->number;
}

bool wire_get_bool(const wire_value *map, const char *name, bool fallback)
{
    const wire_value *v = get_typed(map, name, WIRE_BOOL);
    return v == NULL ? fallback : v->truth;
}

kf_slice wire_get_text(const wire_value *map, const char *name)
{
    const wire_value *v = get_typed(map, name, WIRE_TEXT);
    return v == NULL ? (kf_slice){ NULL, 0 } : v->octets;
}

kf_slice wire_get_octets(const wire_value *map, const char *name)
{
    const wire_value *v = get_typed(map, name, WIRE_OCTETS);
    return v == NULL ? (kf_slice){ NULL, 0 } : v->octets;
}

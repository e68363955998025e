#include "keyfill/ekc_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_MAX 2048u

enum {
    ROOT,
    KEYS,
    KEY_ITEM,
    KEY_ITEM_ID,
    KEY_NAME,
    ACTIVE_KEYSET,
    KEYSET_ID,
    SLN,
    TYPE_AUTO,
    TYPE_TEK,
    TYPE_KEK,
    KEY_ID,
    ALGORITHM_ID,
    KEY,
    NEXT_KEY,
    GROUPS,
    GROUP_ITEM,
    GROUP_ID,
    GROUP_NAME,
    GROUP_KEYS,
    MEMBER,
    NEXT_GROUP,
    NODE_COUNT,
};

#define TREE(parent, name, repeats, required, attribute, field)                                    \
    {                                                                                              \
        name, NULL, parent, false, repeats, required, attribute, field                             \
    }
#define TEXT(parent, name, repeats, required, field)                                               \
    {                                                                                              \
        name, NULL, parent, true, repeats, required, NULL, field                                   \
    }

/* spec: project facts 6.2 - a key's own fields may be missing, which is reported at its end */
static const keyfill_xml_node nodes[NODE_COUNT] = {
    [ROOT] = TREE(KEYFILL_XML_ROOT, "InnerContainer", false, true, "version", "InnerContainer"),
    [KEYS] = TREE(ROOT, "Keys", false, true, NULL, "Keys"),
    [KEY_ITEM] = TREE(KEYS, "KeyItem", true, false, NULL, "KeyItem"),
    [KEY_ITEM_ID] = TEXT(KEY_ITEM, "Id", false, false, "KeyItem.Id"),
    [KEY_NAME] = TEXT(KEY_ITEM, "Name", false, false, "KeyItem.Name"),
    [ACTIVE_KEYSET] = TEXT(KEY_ITEM, "ActiveKeyset", false, false, "KeyItem.ActiveKeyset"),
    [KEYSET_ID] = TEXT(KEY_ITEM, "KeysetId", false, false, "KeyItem.KeysetId"),
    [SLN] = TEXT(KEY_ITEM, "Sln", false, false, "KeyItem.Sln"),
    [TYPE_AUTO] = TEXT(KEY_ITEM, "KeyTypeAuto", false, false, "KeyItem.KeyTypeAuto"),
    [TYPE_TEK] = TEXT(KEY_ITEM, "KeyTypeTek", false, false, "KeyItem.KeyTypeTek"),
    [TYPE_KEK] = TEXT(KEY_ITEM, "KeyTypeKek", false, false, "KeyItem.KeyTypeKek"),
    [KEY_ID] = TEXT(KEY_ITEM, "KeyId", false, false, "KeyItem.KeyId"),
    [ALGORITHM_ID] = TEXT(KEY_ITEM, "AlgorithmId", false, false, "KeyItem.AlgorithmId"),
    [KEY] = TEXT(KEY_ITEM, "Key", false, false, "KeyItem.Key"),
    [NEXT_KEY] = TEXT(ROOT, "NextKeyNumber", false, false, "NextKeyNumber"),
    [GROUPS] = TREE(ROOT, "Groups", false, false, NULL, "Groups"),
    [GROUP_ITEM] = TREE(GROUPS, "GroupItem", true, false, NULL, "GroupItem"),
    [GROUP_ID] = TEXT(GROUP_ITEM, "Id", false, true, "GroupItem.Id"),
    [GROUP_NAME] = TEXT(GROUP_ITEM, "Name", false, false, "GroupItem.Name"),
    [GROUP_KEYS] = TREE(GROUP_ITEM, "Keys", false, false, NULL, "GroupItem.Keys"),
    [MEMBER] = TEXT(GROUP_KEYS, "int", true, false, "GroupItem.Keys.int"),
    [NEXT_GROUP] = TEXT(ROOT, "NextGroupNumber", false, false, "NextGroupNumber"),
};

/* A group as it was read: its members are looked up when all keys are known. */
typedef struct raw_group {
    uint32_t id;
    keyfill_name name;
    size_t first, count; /* of raw members */
} raw_group;

typedef struct reader {
    keyfill_file *file;
    keyfill_findings *findings;
    size_t items;   /* KeyItem elements so far */
    uint32_t given; /* a bit for each field of the open KeyItem that is filled in */
    uint32_t types; /* and for each KeyType* that is true */
    keyfill_entry entry;
    raw_group *groups; /* KEYFILL_GROUPS_MAX of them, once there is one */
    size_t group_count;
    uint32_t *members; /* KEYFILL_MEMBERS_MAX */
    size_t member_count;
} reader;

static uint32_t bit(size_t node)
{
    return UINT32_C(1) << node;
}

/* ---- values ---- */

static kf_err read_number(kf_slice text, uint32_t *out)
{
    uint64_t value = 0;
    if (kf_decimal_read(text, &value) != KF_OK || value > UINT32_MAX)
        return KF_E_MALFORMED;
    *out = (uint32_t)value;
    return KF_OK;
}

static kf_err read_boolean(kf_slice text, bool *out)
{
    *out = kf_slice_equal(text, kf_slice_str("true"));
    return *out || kf_slice_equal(text, kf_slice_str("false")) ? KF_OK : KF_E_MALFORMED;
}

static kf_err read_type(reader *r, size_t node, kf_slice text)
{
    bool is_it = false;
    kf_err err = read_boolean(text, &is_it);
    if (is_it)
        r->types |= bit(node);
    return err;
}

static kf_err read_key(kf_slice text, kf_secret **out)
{
    if (text.len % 2 != 0 || text.len > 2 * KEYFILL_MATERIAL_MAX)
        return KF_E_MALFORMED;
    kf_err err = kf_secret_new(text.len / 2, out);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(*out), text.len / 2);
    return kf_hex_read(text, &w);
}

static kf_err read_member(reader *r, kf_slice text)
{
    if (r->members == NULL)
        r->members = malloc(KEYFILL_MEMBERS_MAX * sizeof *r->members);
    if (r->members == NULL)
        return KF_E_NO_MEMORY;
    if (r->member_count >= KEYFILL_MEMBERS_MAX)
        return KF_E_NO_SPACE;
    r->groups[r->group_count - 1].count++;
    return read_number(text, &r->members[r->member_count++]);
}

static kf_err on_text(void *ctx, size_t node, kf_slice text)
{
    reader *r = ctx;
    uint32_t unused = 0;

    if (text.len > 0 || node == KEY_NAME) /* an empty name is a name */
        r->given |= bit(node);
    else if (node > KEY_ITEM && node <= KEY)
        return KF_OK; /* reported at the end of the KeyItem */
    switch (node) {
    case KEY_ITEM_ID:
        return read_number(text, &r->entry.id);
    case KEY_NAME:
        return keyfill_name_set(&r->entry.name, text);
    case ACTIVE_KEYSET:
        return read_boolean(text, &r->entry.is_active);
    case KEYSET_ID:
        return read_number(text, &r->entry.keyset);
    case SLN:
        return read_number(text, &r->entry.sln);
    case TYPE_AUTO:
    case TYPE_TEK:
    case TYPE_KEK:
        return read_type(r, node, text);
    case KEY_ID:
        return read_number(text, &r->entry.kid);
    case ALGORITHM_ID:
        return read_number(text, &r->entry.algid);
    case KEY:
        return read_key(text, &r->entry.material);
    case GROUP_ID:
        return read_number(text, &r->groups[r->group_count - 1].id);
    case GROUP_NAME:
        return keyfill_name_set(&r->groups[r->group_count - 1].name, text);
    case MEMBER:
        return read_member(r, text);
    default: /* NextKeyNumber and NextGroupNumber: we count for ourselves */
        return read_number(text, &unused);
    }
}

/* ---- keys and groups ---- */

/* The field that is not filled in, or NULL. */
static const char *missing_field(const reader *r)
{
    for (size_t node = KEY_ITEM_ID; node <= KEY; node++) {
        bool is_idle = node == KEYSET_ID && r->entry.is_active;
        bool is_type = node == TYPE_AUTO || node == TYPE_TEK || node == TYPE_KEK;
        if ((r->given & bit(node)) == 0 && !is_idle && !is_type)
            return nodes[node].field;
    }
    return r->types == 0 ? "KeyItem.KeyType" : NULL;
}

static kf_err close_key(reader *r)
{
    keyfill_entry *e = &r->entry;
    const char *missing = missing_field(r);
    size_t at = r->items++;

    if (missing != NULL) {
        keyfill_finding finding = { KEYFILL_ENTRY_INCOMPLETE, at, KEYFILL_NOWHERE, e->id, missing };
        kf_secret_free(&e->material);
        return keyfill_findings_add(r->findings, finding);
    }
    if (r->types == bit(TYPE_AUTO))
        e->kind = KEYFILL_KIND_AUTO;
    else if (r->types == bit(TYPE_TEK))
        e->kind = KEYFILL_KIND_TEK;
    else if (r->types == bit(TYPE_KEK))
        e->kind = KEYFILL_KIND_KEK;
    else
        return KF_E_MALFORMED; /* two at once */
    kf_err err = keyfill_file_take_entry(r->file, e);
    return err == KF_E_STATE ? KF_E_MALFORMED : err; /* the id was there before */
}

static kf_err open_group(reader *r)
{
    if (r->groups == NULL)
        r->groups = calloc(KEYFILL_GROUPS_MAX, sizeof *r->groups);
    if (r->groups == NULL)
        return KF_E_NO_MEMORY;
    if (r->group_count >= KEYFILL_GROUPS_MAX)
        return KF_E_NO_SPACE;
    r->groups[r->group_count++].first = r->member_count;
    return KF_OK;
}

static kf_err resolve_group(reader *r, const raw_group *raw)
{
    keyfill_group *group = NULL;
    kf_err err = keyfill_file_add_group(r->file, raw->id, &raw->name, &group);
    for (size_t i = 0; i < raw->count && err == KF_OK; i++) {
        uint32_t id = r->members[raw->first + i];
        if (keyfill_file_find(r->file, id) != NULL)
            err = keyfill_file_add_member(r->file, group, id);
        else
            err = keyfill_findings_add(r->findings,
                                       (keyfill_finding){ KEYFILL_MEMBER_MISSING, KEYFILL_NOWHERE,
                                                          KEYFILL_NOWHERE, raw->id, NULL });
    }
    return err == KF_E_STATE ? KF_E_MALFORMED : err; /* an id twice */
}

static kf_err resolve_groups(reader *r)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < r->group_count && err == KF_OK; i++)
        err = resolve_group(r, &r->groups[i]);
    return err;
}

static kf_err on_open(void *ctx, size_t node)
{
    reader *r = ctx;
    if (node == KEY_ITEM) {
        kf_secret_free(&r->entry.material);
        r->entry = (keyfill_entry){ 0 };
        r->given = r->types = 0;
    }
    return node == GROUP_ITEM ? open_group(r) : KF_OK;
}

static kf_err on_close(void *ctx, size_t node)
{
    switch (node) {
    case KEY_ITEM:
        return close_key(ctx);
    case ROOT:
        return resolve_groups(ctx);
    default:
        return KF_OK;
    }
}

bool keyfill_ekc_version_is_1(kf_slice text, uint64_t *minor)
{
    *minor = 0;
    return kf_slice_equal(kf_slice_part(text, 0, 2), kf_slice_str("1.")) &&
           kf_decimal_read(kf_slice_part(text, 2, text.len), minor) == KF_OK;
}

static kf_err on_attribute(void *ctx, size_t node, kf_slice value)
{
    uint64_t minor = 0;
    (void)ctx;
    (void)node; /* only the root has one */
    return keyfill_ekc_version_is_1(value, &minor) ? KF_OK : KF_E_UNSUPPORTED;
}

kf_err keyfill_ekc_inner_read(kf_slice document, size_t octets_max, keyfill_file *out,
                              keyfill_findings *findings, kf_fault *fault)
{
    reader r = { .file = out, .findings = findings };
    keyfill_xml_visitor visitor = { .nodes = nodes,
                                    .node_count = NODE_COUNT,
                                    .on_open = on_open,
                                    .on_attribute = on_attribute,
                                    .on_text = on_text,
                                    .on_close = on_close,
                                    .ctx = &r,
                                    .text_max = TEXT_MAX };
    memset(out, 0, sizeof *out);
    kf_err err = keyfill_xml_parse(document, octets_max, &visitor, fault);
    kf_secret_free(&r.entry.material);
    free(r.groups);
    free(r.members);
    if (err != KF_OK)
        keyfill_file_clear(out);
    return err;
}

/* ---- out ---- */

#define KEY_OCTETS    512u /* more than all tags and numbers of a KeyItem */
#define GROUP_OCTETS  128u
#define MEMBER_OCTETS 24u
#define HEAD_OCTETS   256u
#define ESCAPE_OCTETS 5u /* &amp; */

size_t keyfill_ekc_inner_octets_max(const keyfill_file *file)
{
    size_t octets = HEAD_OCTETS + MEMBER_OCTETS * file->member_count;
    for (size_t i = 0; i < file->entry_count; i++)
        octets += KEY_OCTETS + ESCAPE_OCTETS * file->entries[i].name.len +
                  2 * kf_secret_len(file->entries[i].material);
    for (size_t i = 0; i < file->group_count; i++)
        octets += GROUP_OCTETS + ESCAPE_OCTETS * file->groups[i].name.len;
    return octets;
}

static void put(kf_writer *w, const char *text)
{
    kf_write_slice(w, kf_slice_str(text));
}

static void put_number(kf_writer *w, const char *tag, uint32_t value)
{
    char text[96];
    snprintf(text, sizeof text, "<%s>%u</%s>", tag, (unsigned)value, tag);
    put(w, text);
}

static void put_boolean(kf_writer *w, const char *tag, bool value)
{
    char text[96];
    snprintf(text, sizeof text, "<%s>%s</%s>", tag, value ? "true" : "false", tag);
    put(w, text);
}

static void put_name(kf_writer *w, const keyfill_name *name)
{
    put(w, "<Name>");
    for (size_t i = 0; i < name->len; i++) {
        switch (name->octets[i]) {
        case '&':
            put(w, "&amp;");
            break;
        case '<':
            put(w, "&lt;");
            break;
        case '>':
            put(w, "&gt;");
            break;
        default:
            kf_write_u8(w, name->octets[i]);
        }
    }
    put(w, "</Name>");
}

/* Upper-case digits, as KFDtool writes them; no branch and no index from the key. */
static void put_key(kf_writer *w, const kf_secret *key)
{
    put(w, "<Key>");
    size_t from = w->len;
    kf_hex_write(w, kf_secret_view(key));
    for (size_t i = from; i < w->len && w->err == KF_OK; i++)
        w->buf[i] = (uint8_t)(w->buf[i] & ~((unsigned)w->buf[i] >> 1 & 0x20u));
    put(w, "</Key>");
}

static void put_entry(kf_writer *w, const keyfill_entry *e)
{
    if (!keyfill_entry_is_in_range(e))
        kf_writer_fail(w, KF_E_MALFORMED);
    put(w, "<KeyItem>");
    put_number(w, "Id", e->id);
    put_name(w, &e->name);
    put_boolean(w, "ActiveKeyset", e->is_active);
    put_number(w, "KeysetId", e->keyset);
    put_number(w, "Sln", e->sln);
    put_boolean(w, "KeyTypeAuto", e->kind == KEYFILL_KIND_AUTO);
    put_boolean(w, "KeyTypeTek", e->kind == KEYFILL_KIND_TEK);
    put_boolean(w, "KeyTypeKek", e->kind == KEYFILL_KIND_KEK);
    put_number(w, "KeyId", e->kid);
    put_number(w, "AlgorithmId", e->algid);
    put_key(w, e->material);
    put(w, "</KeyItem>");
}

static void put_group(kf_writer *w, const keyfill_group *g)
{
    put(w, "<GroupItem>");
    put_number(w, "Id", g->id);
    put_name(w, &g->name);
    put(w, "<Keys>");
    for (size_t i = 0; i < g->member_count; i++)
        put_number(w, "int", g->members[i]);
    put(w, "</Keys></GroupItem>");
}

void keyfill_ekc_inner_write(kf_writer *w, const keyfill_file *file)
{
    put(w, "<InnerContainer version=\"1.0\"><Keys>");
    for (size_t i = 0; i < file->entry_count; i++)
        put_entry(w, &file->entries[i]);
    put(w, "</Keys>");
    put_number(w, "NextKeyNumber", keyfill_file_next_entry_id(file));
    put(w, "<Groups>");
    for (size_t i = 0; i < file->group_count; i++)
        put_group(w, &file->groups[i]);
    put(w, "</Groups>");
    put_number(w, "NextGroupNumber", keyfill_file_next_group_id(file));
    put(w, "</InnerContainer>");
}

#include "keyfill/xml.h"

#include <libxml/xmlerror.h>
#include <string.h>

#include "base/secret.h"
#include "xml/drive.h"
#include "xml/memory.h"

#define TAG_OCTETS_MAX  4096u
#define MEMORY_MAX      ((size_t)8 << 20)
#define ATTRIBUTE_WORDS 5 /* libxml2: local name, prefix, URI, value, end of value */

typedef struct frame {
    size_t node;
    uint32_t seen; /* a bit for each child element that was there */
} frame;

typedef struct reader {
    xml_drive drive; /* first: it is what libxml2 is given */
    const keyfill_xml_visitor *v;
    bool has_root;
    frame frames[KEYFILL_XML_DEPTH_MAX];
    size_t depth;
    kf_secret *text;
    size_t text_len, text_max;
} reader;

static bool is_good(const reader *r)
{
    return xml_drive_is_good(&r->drive);
}

static void fail(reader *r, kf_err code, const char *field)
{
    xml_drive_fail(&r->drive, code, field);
}

static frame *top(reader *r)
{
    return &r->frames[r->depth - 1];
}

static const keyfill_xml_node *node_of(const reader *r, size_t node)
{
    return &r->v->nodes[node];
}

/* Of all fault literals, the one for where we are. */
static const char *here(reader *r)
{
    return r->depth > 0 ? node_of(r, top(r)->node)->field : r->v->nodes[0].field;
}

static bool is_name(const xmlChar *name, const char *want)
{
    if (name == NULL || want == NULL)
        return (const char *)name == want;
    return strcmp((const char *)name, want) == 0;
}

/* ---- events ---- */

static void read_attributes(reader *r, size_t node, int count, const xmlChar **words)
{
    const keyfill_xml_node *n = node_of(r, node);
    if (count != (n->attribute != NULL)) {
        fail(r, KF_E_MALFORMED, n->field);
        return;
    }
    if (count == 0)
        return;
    kf_slice value = { words[3], (size_t)(words[4] - words[3]) };
    kf_err err = KF_E_MALFORMED;
    if (is_name(words[0], n->attribute) && words[2] == NULL)
        err = r->v->on_attribute(r->v->ctx, node, value);
    if (err != KF_OK)
        fail(r, err, n->field);
}

static void open_element(reader *r, size_t node)
{
    const keyfill_xml_node *n = node_of(r, node);
    if (r->depth == KEYFILL_XML_DEPTH_MAX) {
        fail(r, KF_E_NO_SPACE, "xml.depth");
        return;
    }
    if (r->depth > 0) {
        uint32_t bit = UINT32_C(1) << node;
        if ((top(r)->seen & bit) != 0 && !n->may_repeat)
            fail(r, KF_E_MALFORMED, n->field);
        top(r)->seen |= bit;
    }
    r->frames[r->depth++] = (frame){ node, 0 };
    r->text_len = 0;
    r->has_root = true;
    kf_err err = KF_OK;
    if (is_good(r) && !n->is_simple && r->v->on_open != NULL)
        err = r->v->on_open(r->v->ctx, node);
    if (err != KF_OK)
        fail(r, err, n->field);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted, const xmlChar **attributes)
{
    reader *r = ctx;
    (void)prefix;
    (void)namespace_count; /* what they name is in uri */
    (void)namespaces;
    (void)defaulted; /* only a DTD has defaults */
    if (!is_good(r))
        return;
    if (r->drive.is_fed) { /* libxml2 makes do with a tag that the end of the document cut */
        fail(r, KF_E_TRUNCATED, here(r));
        return;
    }
    size_t parent = r->depth > 0 ? top(r)->node : KEYFILL_XML_ROOT;
    for (size_t i = 0; i < r->v->node_count; i++) {
        const keyfill_xml_node *n = node_of(r, i);
        if (n->parent == parent && is_name(name, n->name) && is_name(uri, n->name_space)) {
            open_element(r, i);
            if (is_good(r))
                read_attributes(r, i, attribute_count, attributes);
            return;
        }
    }
    fail(r, KF_E_MALFORMED, here(r));
}

static void require_children(reader *r)
{
    for (size_t i = 0; i < r->v->node_count; i++) {
        const keyfill_xml_node *n = node_of(r, i);
        if (n->parent == top(r)->node && n->is_required && (top(r)->seen >> i & 1u) == 0)
            fail(r, KF_E_MALFORMED, n->field);
    }
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    reader *r = ctx;
    kf_err err = KF_OK;
    (void)name; /* libxml2 has matched it with the start tag */
    (void)prefix;
    (void)uri;
    if (!is_good(r))
        return;
    size_t node = top(r)->node;
    const keyfill_xml_node *n = node_of(r, node);
    if (n->is_simple) {
        err =
            r->v->on_text(r->v->ctx, node, (kf_slice){ kf_secret_view(r->text).ptr, r->text_len });
    } else {
        require_children(r);
        if (is_good(r) && r->v->on_close != NULL)
            err = r->v->on_close(r->v->ctx, node);
    }
    if (err != KF_OK)
        fail(r, err, n->field);
    r->depth--;
    r->text_len = 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    reader *r = ctx;
    if (!is_good(r) || len <= 0)
        return;
    size_t n = (size_t)len;
    if (r->depth > 0 && node_of(r, top(r)->node)->is_simple) {
        if (n > r->text_max - r->text_len) {
            fail(r, KF_E_NO_SPACE, here(r));
            return;
        }
        memcpy(kf_secret_edit(r->text) + r->text_len, text, n);
        r->text_len += n;
        return;
    }
    for (size_t i = 0; i < n && is_good(r); i++)
        if (!is_space(text[i]))
            fail(r, KF_E_MALFORMED, here(r));
}

static void on_reference(void *ctx, const xmlChar *name)
{
    (void)name;
    fail(ctx, KF_E_MALFORMED, "xml.entity");
}

/* libxml2 does not like it. Its message is not kept: it may quote the document. */
static void on_error(void *ctx, xmlErrorPtr error)
{
    reader *r = ctx;
    if (!is_good(r) || error == NULL || error->level == XML_ERR_WARNING)
        return;
    if (xml_memory_was_capped())
        fail(r, KF_E_NO_SPACE, "xml.memory");
    else if (error->code == XML_ERR_NO_MEMORY)
        fail(r, KF_E_NO_MEMORY, "xml.memory");
    else if (error->code == XML_ERR_UNDECLARED_ENTITY)
        fail(r, KF_E_MALFORMED, "xml.entity");
    else if (r->has_root && r->depth == 0)
        fail(r, KF_E_TRAILING, "xml.root");
    else
        fail(r, r->drive.is_fed ? KF_E_TRUNCATED : KF_E_MALFORMED, here(r));
}

/* ---- before libxml2 sees anything ---- */

/* Size, no octet of UTF-16, only tags and one XML declaration, and tags of a bounded length. */
static kf_err check_shape(kf_slice d, size_t octets_max, kf_fault *fault)
{
    static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
    size_t tag = 0;
    bool in_tag = false;

    if (d.len > octets_max)
        return kf_fault_set(fault, KF_E_NO_SPACE, octets_max, "xml.size");
    size_t start =
        kf_slice_equal(kf_slice_part(d, 0, sizeof bom), KF_SLICE_OF(bom)) ? sizeof bom : 0;
    if (d.len == start)
        return kf_fault_set(fault, KF_E_TRUNCATED, start, "xml");
    if (d.ptr[start] != '<')
        return kf_fault_set(fault, KF_E_MALFORMED, start, "xml");
    for (size_t i = start; i < d.len; i++) {
        uint8_t c = d.ptr[i], next = i + 1 < d.len ? d.ptr[i + 1] : 0;
        if (c == 0)
            return kf_fault_set(fault, KF_E_MALFORMED, i, "xml.utf8");
        if (c == '<' && (next == '!' || (next == '?' && i > start)))
            return kf_fault_set(fault, KF_E_MALFORMED, i, "xml.markup");
        if (c == '<')
            tag = i;
        in_tag = c == '<' || (in_tag && c != '>');
        if (in_tag && i - tag > TAG_OCTETS_MAX)
            return kf_fault_set(fault, KF_E_NO_SPACE, i, "xml.tag");
    }
    return KF_OK;
}

/* ---- all of it ---- */

static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .reference = on_reference,
    .serror = on_error,
};

static bool is_whole(void *ctx)
{
    const reader *r = ctx;
    return r->has_root && r->depth == 0;
}

static const char *where(void *ctx)
{
    return here(ctx);
}

kf_err keyfill_xml_parse(kf_slice document, size_t octets_max, const keyfill_xml_visitor *visitor,
                         kf_fault *fault)
{
    *fault = (kf_fault){ KF_OK, 0, NULL };
    kf_err err = check_shape(document, octets_max, fault);
    if (err != KF_OK)
        return err;
    reader r = { .drive = { .fault = fault }, .v = visitor, .text_max = visitor->text_max };
    if (r.text_max > document.len) /* text is never longer than what it is written as */
        r.text_max = document.len;
    if ((err = xml_memory_setup()) != KF_OK ||
        (err = kf_secret_new_guarded(r.text_max, &r.text)) != KF_OK)
        kf_fault_set(fault, err, 0, "xml.memory");
    else
        xml_drive_run(&r.drive, &handlers, &r, MEMORY_MAX, document, is_whole, where);
    kf_secret_free(&r.text);
    return fault->code;
}

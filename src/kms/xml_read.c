#include "kms/xml_read.h"

#include <libxml/xmlerror.h>
#include <string.h>

#include "kms/xml_store.h"
#include "kms/xml_table.h"
#include "kms/xml_text.h"
#include "kms/xml_value.h"
#include "xml/drive.h"
#include "xml/memory.h"

/*
 * libxml2 tells us of tags and text as it meets them (SAX2) and builds no tree. We follow the
 * tables of xml_table.c and stop it at the first thing that is not in them, so that whatever might
 * grow, such as entities, is refused where it begins.
 */

#define XSI_NAMESPACE  "http://www.w3.org/2001/XMLSchema-instance"
#define XENC_NAMESPACE "http://www.w3.org/2001/04/xmlenc#"

#define VALUE_OCTETS    2048u /* longest text with the white space around it */
#define PREFIXES_MAX    32u
#define ATTRIBUTE_WORDS 5 /* libxml2: local name, prefix, URI, value, end of value */

/* An open element with child elements. */
typedef struct frame {
    const kms_xml_type *type;
    void *object;    /* what its children fill */
    size_t at;       /* item that the newest child was */
    unsigned count;  /* how often in a row */
    unsigned chosen; /* children among the alternatives */
} frame;

/* A namespace prefix in scope, for the QName in xsi:type. Names are libxml2's, from its
 * dictionary, and live as long as its context. */
typedef struct prefix {
    const xmlChar *name; /* NULL: the default namespace */
    bool is_ours;
    size_t depth;
} prefix;

typedef struct reader {
    xml_drive drive; /* first: it is what libxml2 is given */
    kms_response *response;
    kms_store *store;
    frame frames[KMS_XML_DEPTH_MAX];
    size_t depth; /* open elements with children */
    bool has_root;
    const kms_xml_item *value; /* the open simple element, or NULL */
    void *object;              /* what it fills */
    kf_secret *text;           /* its text so far; locked, as it may be a key */
    size_t text_len;
    prefix prefixes[PREFIXES_MAX];
    size_t prefix_count;
} reader;

static void fail(reader *r, kf_err code, const char *field)
{
    xml_drive_fail(&r->drive, code, field);
}

static bool is_good(const reader *r)
{
    return xml_drive_is_good(&r->drive);
}

static frame *top(reader *r)
{
    return &r->frames[r->depth - 1];
}

static bool is_name(const xmlChar *name, const char *want)
{
    return name != NULL && strcmp((const char *)name, want) == 0;
}

/* Of all fault literals, the one for where we are. */
static const char *here(reader *r)
{
    if (r->value != NULL)
        return r->value->field;
    return r->depth > 0 ? top(r)->type->unknown : "xml.root";
}

/* ---- attributes ---- */

static void remember_prefixes(reader *r, int count, const xmlChar **namespaces)
{
    for (int i = 0; i < count; i++) {
        if (r->prefix_count >= PREFIXES_MAX) {
            fail(r, KF_E_NO_SPACE, "xml.namespace");
            return;
        }
        r->prefixes[r->prefix_count++] =
            (prefix){ namespaces[2 * i], is_name(namespaces[2 * i + 1], KMS_XML_NAMESPACE),
                      r->depth };
    }
}

static void forget_prefixes(reader *r)
{
    while (r->prefix_count > 0 && r->prefixes[r->prefix_count - 1].depth >= r->depth)
        r->prefix_count--;
}

static bool prefix_is_ours(const reader *r, kf_slice name)
{
    for (size_t i = r->prefix_count; i > 0; i--) {
        const prefix *p = &r->prefixes[i - 1];
        kf_slice known =
            p->name == NULL ? (kf_slice){ NULL, 0 } : kf_slice_str((const char *)p->name);
        if (kf_slice_equal(known, name))
            return p->is_ours;
    }
    return false;
}

/* Is the QName that type of our namespace? */
static bool is_qname(const reader *r, kf_slice qname, const char *type)
{
    kf_slice name = { NULL, 0 };
    const uint8_t *colon = qname.len == 0 ? NULL : memchr(qname.ptr, ':', qname.len);
    if (type == NULL)
        return false;
    if (colon != NULL) {
        name = (kf_slice){ qname.ptr, (size_t)(colon - qname.ptr) };
        qname = kf_slice_part(qname, name.len + 1, qname.len);
        if (name.len == 0)
            return false;
    }
    return kf_slice_equal(qname, kf_slice_str(type)) && prefix_is_ours(r, name);
}

static void read_xsi_type(reader *r, const kms_xml_item *item, kf_slice qname)
{
    const char *extended = item->type == NULL ? NULL : item->type->extended;
    qname = kms_text_trim(qname);
    if (item->key_content && is_qname(r, qname, "EncKeyContentType"))
        fail(r, KF_E_UNSUPPORTED, item->field); /* transport keys: step 4 */
    else if (!is_qname(r, qname, item->key_content ? "KeyContentType" : extended))
        fail(r, KF_E_MALFORMED, item->field);
}

static void read_attribute(reader *r, const kms_xml_item *item, void *object,
                           const xmlChar **attribute)
{
    const char *field = item->type == NULL ? item->field : item->type->unknown;
    kf_slice value = { attribute[3], (size_t)(attribute[4] - attribute[3]) };

    if (is_name(attribute[2], XSI_NAMESPACE)) {
        if (is_name(attribute[0], "type"))
            read_xsi_type(r, item, value);
        else if (!is_name(attribute[0], "schemaLocation")) /* a hint; we have our own tables */
            fail(r, KF_E_MALFORMED, field);
        return;
    }
    for (size_t i = 0; item->type != NULL && i < item->type->attr_count; i++) {
        const kms_xml_item *known = &item->type->attrs[i];
        if (attribute[2] == NULL && is_name(attribute[0], known->name)) {
            kf_err err = kms_xml_value_read(known, object, value, r->store);
            if (err != KF_OK)
                fail(r, err, known->field);
            return;
        }
    }
    fail(r, KF_E_MALFORMED, field);
}

/* ---- elements ---- */

/* No item of that name may come now: one before it is missing, or it is late, or unknown. */
static void refuse_item(reader *r, const xmlChar *name, size_t missing)
{
    const kms_xml_type *type = top(r)->type;
    for (size_t i = 0; i < type->item_count; i++) {
        if (is_name(name, type->items[i].name)) {
            fail(r, KF_E_MALFORMED, type->items[i > missing ? missing : i].field);
            return;
        }
    }
    fail(r, KF_E_MALFORMED, type->unknown);
}

/* Move to the item of that name; every mandatory one passed over must have been there. */
static const kms_xml_item *next_item(reader *r, const xmlChar *name)
{
    frame *f = top(r);
    size_t i = f->at;
    for (; i < f->type->item_count; i++) {
        const kms_xml_item *item = &f->type->items[i];
        unsigned count = i == f->at ? f->count : 0;
        if (is_name(name, item->name)) {
            f->at = i;
            f->count = count + 1;
            f->chosen += i >= f->type->choice;
            if (f->count > item->max || f->chosen > 1)
                fail(r, KF_E_MALFORMED, item->field);
            return item;
        }
        if (count < item->min)
            break;
    }
    refuse_item(r, name, i);
    return NULL;
}

/* The struct that the children of an element fill. */
static void *owner(reader *r, const kms_xml_item *item, void *parent)
{
    kms_cert *cert = NULL;
    kms_keyset *keyset = NULL;
    kf_err err = KF_OK;

    switch (item->owner) {
    case KMS_XML_SAME:
        return parent;
    case KMS_XML_NEW_CERT:
        err = kms_store_cert(r->store, &cert);
        break;
    case KMS_XML_NEW_KEYSET:
        err = kms_store_keyset(r->store, &keyset);
        break;
    }
    if (err != KF_OK)
        fail(r, err, item->field);
    return cert != NULL ? (void *)cert : (void *)keyset;
}

static void open_item(reader *r, const kms_xml_item *item, void *parent)
{
    if (item->kind == KMS_XML_STEP_4) {
        fail(r, KF_E_UNSUPPORTED, item->field);
    } else if (item->kind != KMS_XML_COMPLEX) {
        r->value = item;
        r->object = parent;
        r->text_len = 0;
    } else if (r->depth == KMS_XML_DEPTH_MAX) {
        fail(r, KF_E_NO_SPACE, "xml.depth");
    } else {
        r->frames[r->depth++] = (frame){ .type = item->type, .object = owner(r, item, parent) };
        for (unsigned k = KMS_RESPONSE_INIT; k <= KMS_RESPONSE_ERROR; k++)
            if (item->kinds == KMS_XML_IN(k))
                r->response->kind = (kms_response_kind)k;
    }
}

static const kms_xml_item *item_of(reader *r, const xmlChar *name, const xmlChar *uri)
{
    if (r->value != NULL) {
        bool is_wrapped = r->value->key_content && is_name(uri, XENC_NAMESPACE);
        fail(r, is_wrapped ? KF_E_UNSUPPORTED : KF_E_MALFORMED, r->value->field);
        return NULL;
    }
    if (!is_name(uri, KMS_XML_NAMESPACE)) {
        fail(r, KF_E_MALFORMED, "xml.namespace");
        return NULL;
    }
    if (r->depth > 0)
        return next_item(r, name);
    if (is_name(name, kms_xml_root.name))
        return &kms_xml_root;
    /* spec: TS 33.180 D.3.0 - the signed form; signatures are step 4 */
    bool is_signed = is_name(name, "SignedKmsResponse");
    fail(r, is_signed ? KF_E_UNSUPPORTED : KF_E_MALFORMED, "xml.root");
    return NULL;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *pre, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted, const xmlChar **attributes)
{
    reader *r = ctx;
    (void)pre;
    (void)defaulted; /* only a DTD has defaults */
    if (!is_good(r))
        return;
    const kms_xml_item *item = item_of(r, name, uri);
    if (item == NULL || !is_good(r))
        return;
    void *parent = r->depth == 0 ? r->response : top(r)->object;
    remember_prefixes(r, namespace_count, namespaces);
    r->has_root = true;
    open_item(r, item, parent);
    void *object = item->kind == KMS_XML_COMPLEX && r->depth > 0 ? top(r)->object : parent;
    for (int i = 0; i < attribute_count && is_good(r); i++)
        read_attribute(r, item, object, attributes + ATTRIBUTE_WORDS * i);
}

static void close_value(reader *r)
{
    kf_slice text = kf_slice_part(kf_secret_view(r->text), 0, r->text_len);
    kf_err err = kms_xml_value_read(r->value, r->object, text, r->store);
    if (err != KF_OK)
        fail(r, err, r->value->field);
    r->value = NULL;
    r->text_len = 0;
}

/* Everything that must be there was there. */
static void close_frame(reader *r)
{
    frame *f = top(r);
    for (size_t i = f->at; i < f->type->item_count; i++) {
        if ((i == f->at ? f->count : 0) < f->type->items[i].min) {
            fail(r, KF_E_MALFORMED, f->type->items[i].field);
            return;
        }
    }
    if (f->type->choice < f->type->item_count && f->chosen == 0)
        fail(r, KF_E_MALFORMED, f->type->unknown);
    r->depth--;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *pre, const xmlChar *uri)
{
    reader *r = ctx;
    (void)name; /* libxml2 has matched it with the start tag */
    (void)pre;
    (void)uri;
    if (!is_good(r))
        return;
    if (r->value != NULL)
        close_value(r);
    else
        close_frame(r);
    forget_prefixes(r);
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    reader *r = ctx;
    if (!is_good(r) || len <= 0)
        return;
    size_t n = (size_t)len;
    if (r->value != NULL) {
        if (n > VALUE_OCTETS - r->text_len) {
            fail(r, KF_E_MALFORMED, r->value->field);
            return;
        }
        memcpy(kf_secret_edit(r->text) + r->text_len, text, n);
        r->text_len += n;
        return;
    }
    for (size_t i = 0; i < n && is_good(r); i++)
        if (!kms_text_is_space(text[i]))
            fail(r, KF_E_MALFORMED, here(r));
}

/* ---- what a document may not have ---- */

static void on_comment(void *ctx, const xmlChar *text)
{
    reader *r = ctx;
    (void)text;
    if (is_good(r) && r->value != NULL) /* between elements it says nothing, inside it hides */
        fail(r, KF_E_MALFORMED, r->value->field);
}

static void on_cdata(void *ctx, const xmlChar *text, int len)
{
    reader *r = ctx;
    (void)text;
    (void)len;
    if (is_good(r))
        fail(r, KF_E_MALFORMED, r->value != NULL ? r->value->field : "xml.cdata");
}

static void on_pi(void *ctx, const xmlChar *target, const xmlChar *text)
{
    reader *r = ctx;
    (void)target;
    (void)text;
    if (is_good(r))
        fail(r, KF_E_MALFORMED, r->value != NULL ? r->value->field : "xml.pi");
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    reader *r = ctx;
    (void)name;
    (void)public_id;
    (void)system_id;
    if (is_good(r))
        fail(r, KF_E_MALFORMED, "xml.doctype");
}

static void on_reference(void *ctx, const xmlChar *name)
{
    reader *r = ctx;
    (void)name;
    if (is_good(r))
        fail(r, KF_E_MALFORMED, "xml.entity");
}

/* libxml2 looks for the end of a reference up to the end of the document, and only then complains.
 */
static bool is_bad_reference(int code)
{
    return code == XML_ERR_ENTITYREF_SEMICOL_MISSING || code == XML_ERR_NAME_REQUIRED ||
           code == XML_ERR_INVALID_CHARREF;
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
    else if (r->drive.is_fed && !is_bad_reference(error->code))
        fail(r, KF_E_TRUNCATED, here(r));
    else
        fail(r, KF_E_MALFORMED, "xml");
}

/* ---- before libxml2 sees anything ---- */

/* Where the XML declaration, if there is one, names the encoding; empty when it does not. */
static kf_slice declared_encoding(kf_slice document)
{
    static const char word[] = "encoding";
    kf_slice none = { NULL, 0 };
    size_t at = 5, end = at;

    if (!kf_slice_equal(kf_slice_part(document, 0, at), kf_slice_str("<?xml")))
        return none;
    while (end < document.len && document.ptr[end] != '>')
        end++;
    for (; at + sizeof word < end; at++) {
        if (memcmp(document.ptr + at, word, sizeof word - 1) != 0)
            continue;
        at += sizeof word - 1;
        while (at < end && (kms_text_is_space(document.ptr[at]) || document.ptr[at] == '='))
            at++;
        size_t quote = at++;
        while (at < end && document.ptr[at] != document.ptr[quote])
            at++;
        return kf_slice_part(document, quote + 1, at - quote - 1);
    }
    return none;
}

static bool is_utf8_name(kf_slice name)
{
    static const char want[] = "utf-8";
    if (name.len != sizeof want - 1)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != want[i])
            return false;
    }
    return true;
}

/* Size, characters, encoding, and the distance between tags, which bounds attributes and text. */
static kf_err check_shape(kf_slice document, kf_fault *fault)
{
    static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
    size_t last = 0, tags = 0;

    if (document.len > KMS_XML_OCTETS_MAX)
        return kf_fault_set(fault, KF_E_NO_SPACE, KMS_XML_OCTETS_MAX, "xml.size");
    if (document.len == 0)
        return kf_fault_set(fault, KF_E_TRUNCATED, 0, "xml");
    if (!kms_text_is_xml(document)) /* also what is UTF-16 or has a NUL */
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "xml.utf8");
    for (size_t i = 0; i < document.len; i++) {
        if (document.ptr[i] == '<') {
            last = i;
            tags++;
        }
        if (i - last > KMS_XML_SPAN_MAX)
            return kf_fault_set(fault, KF_E_NO_SPACE, i, "xml.span");
        if (tags > KMS_XML_TAGS_MAX)
            return kf_fault_set(fault, KF_E_NO_SPACE, i, "xml.tags");
    }
    bool has_bom = kf_slice_equal(kf_slice_part(document, 0, sizeof bom), KF_SLICE_OF(bom));
    kf_slice name =
        declared_encoding(kf_slice_part(document, has_bom ? sizeof bom : 0, document.len));
    if (name.ptr != NULL && !is_utf8_name(name))
        return kf_fault_set(fault, KF_E_UNSUPPORTED, (size_t)(name.ptr - document.ptr),
                            "xml.encoding");
    return KF_OK;
}

/* ---- all of it ---- */

static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_cdata,
    .comment = on_comment,
    .processingInstruction = on_pi,
    .internalSubset = on_doctype,
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

kf_err kms_xml_parse(kf_slice document, size_t memory_max, kms_response *out, kf_fault *fault)
{
    kf_err err;

    memset(out, 0, sizeof *out);
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if ((err = check_shape(document, fault)) != KF_OK)
        return err;
    reader r = { .drive = { .fault = fault }, .response = out };
    if ((err = xml_memory_setup()) != KF_OK ||
        (err = kms_store_new(document.len, &r.store)) != KF_OK ||
        (err = kf_secret_new_guarded(VALUE_OCTETS, &r.text)) != KF_OK)
        kf_fault_set(fault, err, 0, "xml.memory");
    else
        xml_drive_run(&r.drive, &handlers, &r, memory_max, document, is_whole, where);
    kf_secret_free(&r.text);
    if (fault->code != KF_OK) {
        kms_store_free(&r.store);
        memset(out, 0, sizeof *out);
        return fault->code;
    }
    out->certs = r.store->certs;
    out->cert_count = r.store->cert_count;
    out->keysets = r.store->keysets;
    out->keyset_count = r.store->keyset_count;
    out->store = r.store;
    return KF_OK;
}

kf_err kms_response_parse(kf_slice document, kms_response *out, kf_fault *fault)
{
    return kms_xml_parse(document, KMS_XML_MEMORY_MAX, out, fault);
}

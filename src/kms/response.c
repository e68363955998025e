#include "kms/response.h"

#include <string.h>

#include "kms/xml_store.h"
#include "kms/xml_table.h"
#include "kms/xml_text.h"
#include "kms/xml_value.h"

#define XSI_ATTRIBUTE " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
#define INDENT        2u

void kms_response_clear(kms_response *response)
{
    if (response == NULL)
        return;
    kms_store_free(&response->store);
    memset(response, 0, sizeof *response);
}

/* ---- the objects that an item of a table stands for ---- */

/* How many times an item occurs in this response, and the object of its i-th occurrence. */
static size_t occurrences(const kms_xml_item *item, const kms_response *response,
                          const void *object)
{
    const kms_cert *cert = object;

    if (item->kind == KMS_XML_DOMAIN)
        return cert->domain_count;
    if (item->kind != KMS_XML_COMPLEX)
        return kms_xml_value_is_given(item, object) ? 1 : 0;
    if (item->owner == KMS_XML_NEW_CERT)
        return response->cert_count;
    if (item->owner == KMS_XML_NEW_KEYSET)
        return response->keyset_count;
    if (item->kinds != 0)
        return (item->kinds & KMS_XML_IN(response->kind)) != 0 ? 1 : 0;
    /* KmsDomainList, the one optional element that is there when its list is not empty */
    return item->min > 0 || cert->domain_count > 0 ? 1 : 0;
}

static const void *occurrence(const kms_xml_item *item, const kms_response *response,
                              const void *object, size_t i)
{
    if (item->kind == KMS_XML_COMPLEX && item->owner == KMS_XML_NEW_CERT)
        return &response->certs[i];
    if (item->kind == KMS_XML_COMPLEX && item->owner == KMS_XML_NEW_KEYSET)
        return &response->keysets[i];
    return object;
}

/* ---- writing ---- */

typedef struct writer {
    const kms_response *response;
    kms_xml_sink sink;
    size_t depth;
} writer;

/* Each item of a type, depth first; the tables are the whole grammar, and not deep. */
static void write_item(writer *w, const kms_xml_item *item, const void *object, size_t i);

static void new_line(writer *w)
{
    kms_xml_put_str(&w->sink, "\n");
    for (size_t i = 0; i < INDENT * w->depth; i++)
        kms_xml_put_str(&w->sink, " ");
}

static void write_attributes(writer *w, const kms_xml_item *item, const void *object)
{
    if (item == &kms_xml_root)
        kms_xml_put_str(&w->sink, " xmlns=\"" KMS_XML_NAMESPACE "\"" XSI_ATTRIBUTE);
    if (item->key_content)
        kms_xml_put_str(&w->sink, " xsi:type=\"KeyContentType\"");
    for (size_t i = 0; item->type != NULL && i < item->type->attr_count; i++) {
        const kms_xml_item *attr = &item->type->attrs[i];
        if (!kms_xml_value_is_given(attr, object))
            continue;
        kms_xml_put_str(&w->sink, " ");
        kms_xml_put_str(&w->sink, attr->name);
        kms_xml_put_str(&w->sink, "=\"");
        kms_xml_value_write(attr, object, &w->sink);
        kms_xml_put_str(&w->sink, "\"");
    }
}

static void write_children(writer *w, const kms_xml_type *type, const void *object)
{
    w->depth++;
    for (size_t i = 0; i < type->item_count; i++) {
        size_t count = occurrences(&type->items[i], w->response, object);
        for (size_t k = 0; k < count; k++)
            write_item(w, &type->items[i], occurrence(&type->items[i], w->response, object, k), k);
    }
    w->depth--;
    new_line(w);
}

static void write_item(writer *w, const kms_xml_item *item, const void *object, size_t i)
{
    const kms_cert *cert = object;

    new_line(w);
    kms_xml_put_str(&w->sink, "<");
    kms_xml_put_str(&w->sink, item->name);
    write_attributes(w, item, object);
    kms_xml_put_str(&w->sink, ">");
    if (item->kind == KMS_XML_COMPLEX)
        write_children(w, item->type, object);
    else if (item->kind == KMS_XML_DOMAIN)
        kms_xml_put_escaped(&w->sink, cert->domains[i]);
    else
        kms_xml_value_write(item, object, &w->sink);
    kms_xml_put_str(&w->sink, "</");
    kms_xml_put_str(&w->sink, item->name);
    kms_xml_put_str(&w->sink, ">");
}

/* @return the octets of the document, written when out is not NULL. */
static size_t write_document(const kms_response *response, kf_writer *out)
{
    writer w = { .response = response, .sink = { out, 0 } };
    kms_xml_put_str(&w.sink, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    write_item(&w, &kms_xml_root, response, 0);
    kms_xml_put_str(&w.sink, "\n");
    return w.sink.octets;
}

/* ---- judging what is to be written ---- */

static kf_err check_item(const kms_xml_item *item, const kms_response *response, const void *object,
                         kf_fault *fault);

static kf_err check_type(const kms_xml_type *type, const kms_response *response, const void *object,
                         kf_fault *fault)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < type->attr_count && err == KF_OK; i++)
        if (kms_xml_value_is_given(&type->attrs[i], object) &&
            !kms_xml_value_is_writable(&type->attrs[i], object))
            err = kf_fault_set(fault, KF_E_MALFORMED, 0, type->attrs[i].field);
    for (size_t i = 0; i < type->item_count && err == KF_OK; i++)
        err = check_item(&type->items[i], response, object, fault);
    return err;
}

static kf_err check_item(const kms_xml_item *item, const kms_response *response, const void *object,
                         kf_fault *fault)
{
    const kms_cert *cert = object;
    size_t count = occurrences(item, response, object);
    kf_err err = KF_OK;

    if (count < item->min || count > item->max)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, item->field);
    for (size_t i = 0; i < count && err == KF_OK; i++) {
        bool is_good = true;
        if (item->kind == KMS_XML_COMPLEX)
            err = check_type(item->type, response, occurrence(item, response, object, i), fault);
        else if (item->kind == KMS_XML_DOMAIN)
            is_good = kms_text_is_uri(cert->domains[i]);
        else
            is_good = kms_xml_value_is_writable(item, object);
        if (!is_good)
            err = kf_fault_set(fault, KF_E_MALFORMED, 0, item->field);
    }
    return err;
}

static bool kind_is_known(kms_response_kind kind)
{
    return kind >= KMS_RESPONSE_INIT && kind <= KMS_RESPONSE_ERROR;
}

kf_err kms_response_write(const kms_response *response, kf_secret **out, kf_fault *fault)
{
    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if (!kind_is_known(response->kind))
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "response.KmsMessage");
    kf_err err = check_item(&kms_xml_root, response, response, fault);
    if (err != KF_OK)
        return err;
    size_t octets = write_document(response, NULL);
    if (octets > KMS_XML_OCTETS_MAX)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "xml.size");
    if ((err = kf_secret_new_guarded(octets, out)) != KF_OK)
        return kf_fault_set(fault, err, 0, NULL);
    kf_writer w = kf_writer_init(kf_secret_edit(*out), octets);
    write_document(response, &w);
    if (w.err != KF_OK || w.len != octets) {
        kf_secret_free(out);
        return kf_fault_set(fault, KF_E_BACKEND, 0, "xml.size");
    }
    return KF_OK;
}

/* ---- comparing ---- */

static bool types_equal(const kms_xml_type *type, const kms_response *a, const void *one,
                        const kms_response *b, const void *two);

static bool items_equal(const kms_xml_item *item, const kms_response *a, const void *one,
                        const kms_response *b, const void *two)
{
    const kms_cert *c1 = one, *c2 = two;
    size_t count = occurrences(item, a, one);
    bool same = count == occurrences(item, b, two);

    for (size_t i = 0; i < count && same; i++) {
        if (item->kind == KMS_XML_COMPLEX)
            same = types_equal(item->type, a, occurrence(item, a, one, i), b,
                               occurrence(item, b, two, i));
        else if (item->kind == KMS_XML_DOMAIN)
            same = kf_slice_equal(c1->domains[i], c2->domains[i]);
        else
            same = kms_xml_value_equal(item, one, two);
    }
    return same;
}

static bool types_equal(const kms_xml_type *type, const kms_response *a, const void *one,
                        const kms_response *b, const void *two)
{
    bool same = true;
    for (size_t i = 0; i < type->attr_count && same; i++)
        same = kms_xml_value_equal(&type->attrs[i], one, two);
    for (size_t i = 0; i < type->item_count && same; i++)
        same = items_equal(&type->items[i], a, one, b, two);
    return same;
}

bool kms_response_equal(const kms_response *a, const kms_response *b)
{
    return a->kind == b->kind && types_equal(kms_xml_root.type, a, a, b, b);
}

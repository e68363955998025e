/** @file xml_value.h One simple value: text to struct and back, by its kind. Internal to the room.
 */
#ifndef KMS_XML_VALUE_H
#define KMS_XML_VALUE_H

#include "base/writer.h"
#include "kms/xml_store.h"
#include "kms/xml_table.h"

/** Where text goes: counts, and writes too when there is a writer. */
typedef struct kms_xml_sink {
    kf_writer *w; /* NULL: count only */
    size_t octets;
} kms_xml_sink;

void kms_xml_put(kms_xml_sink *sink, kf_slice text);
void kms_xml_put_str(kms_xml_sink *sink, const char *text);

/**
 * Store the text of an element or attribute in the struct it belongs to.
 * @return KF_E_MALFORMED, KF_E_UNSUPPORTED, KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err kms_xml_value_read(const kms_xml_item *item, void *object, kf_slice text,
                                      kms_store *store);

/** Is the optional value there? */
bool kms_xml_value_is_given(const kms_xml_item *item, const void *object);

/** Could kms_xml_value_read() have read this value? */
bool kms_xml_value_is_writable(const kms_xml_item *item, const void *object);

/** Write the value, escaped. */
void kms_xml_value_write(const kms_xml_item *item, const void *object, kms_xml_sink *sink);

/** Escape and write text. */
void kms_xml_put_escaped(kms_xml_sink *sink, kf_slice text);

bool kms_xml_value_equal(const kms_xml_item *item, const void *a, const void *b);

#endif

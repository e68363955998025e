#include "kms/xml_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kms/xml_text.h"

#define NUMBER_TEXT_OCTETS 24u

void kms_xml_put(kms_xml_sink *sink, kf_slice text)
{
    sink->octets += text.len;
    if (sink->w != NULL)
        kf_write_slice(sink->w, text);
}

void kms_xml_put_str(kms_xml_sink *sink, const char *text)
{
    kms_xml_put(sink, kf_slice_str(text));
}

void kms_xml_put_escaped(kms_xml_sink *sink, kf_slice text)
{
    static const struct {
        char octet;
        const char *reference;
    } escapes[] = {
        { '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
        { '"', "&quot;" }, { '\r', "&#13;" }, /* a bare return would come back as a line feed */
    };
    for (size_t i = 0; i < text.len; i++) {
        const char *reference = NULL;
        for (size_t k = 0; k < KF_COUNT(escapes); k++)
            if (text.ptr[i] == (uint8_t)escapes[k].octet)
                reference = escapes[k].reference;
        if (reference != NULL)
            kms_xml_put_str(sink, reference);
        else
            kms_xml_put(sink, kf_slice_part(text, i, 1));
    }
}

/* ---- reading ---- */

static kf_err read_text(kf_slice text, bool is_good, kms_store *store, kf_slice *out)
{
    return is_good ? kms_store_text(store, text, out) : KF_E_MALFORMED;
}

static kf_err read_version(kf_slice text)
{
    if (kms_text_is_version(text))
        return KF_OK;
    return kms_text_is_string(text, false) ? KF_E_UNSUPPORTED : KF_E_MALFORMED;
}

static kf_err read_flag(kf_slice text, kms_flag *out)
{
    /* spec: XML Schema part 2 §3.2.2 - both forms of boolean */
    static const struct {
        const char *text;
        kms_flag value;
    } forms[] = {
        { "true", KMS_TRUE }, { "1", KMS_TRUE }, { "false", KMS_FALSE }, { "0", KMS_FALSE }
    };
    for (size_t i = 0; i < KF_COUNT(forms); i++) {
        if (kf_slice_equal(text, kf_slice_str(forms[i].text))) {
            *out = forms[i].value;
            return KF_OK;
        }
    }
    return KF_E_MALFORMED;
}

static const char *const role_names[] = {
    [KMS_ROLE_ROOT] = "Root",
    [KMS_ROLE_EXTERNAL] = "External",
};

static kf_err read_role(kf_slice text, kms_role *out)
{
    for (size_t i = KMS_ROLE_ROOT; i < KF_COUNT(role_names); i++) {
        if (kf_slice_equal(text, kf_slice_str(role_names[i]))) {
            *out = (kms_role)i;
            return KF_OK;
        }
    }
    return KF_E_MALFORMED;
}

static kf_err read_octets(kf_slice text, size_t octets, uint8_t *out)
{
    kf_writer w = kf_writer_init(out, octets);
    return text.len == 2 * octets ? kf_hex_read(text, &w) : KF_E_MALFORMED;
}

static kf_err read_secret(kf_slice text, size_t octets, kf_secret **out)
{
    kf_err err = kf_secret_new(octets, out);
    if (err != KF_OK)
        return err;
    err = read_octets(text, octets, kf_secret_edit(*out));
    if (err != KF_OK)
        kf_secret_free(out);
    return err;
}

static kf_err read_uid(kf_slice text, uint8_t *out)
{
    kf_writer w = kf_writer_init(out, MCSEC_UID_OCTETS);
    /* Both forms are in use, and their lengths differ: facts 11.5. */
    if (text.len == 2 * MCSEC_UID_OCTETS)
        return kf_hex_read(text, &w);
    return text.len == KF_BASE64_CHARS(MCSEC_UID_OCTETS) && kf_base64_read(text, &w) == KF_OK &&
                   w.len == MCSEC_UID_OCTETS
               ? KF_OK
               : KF_E_MALFORMED;
}

static void *member(const kms_xml_item *item, void *object)
{
    return (uint8_t *)object + item->offset;
}

static const void *member_of(const kms_xml_item *item, const void *object)
{
    return (const uint8_t *)object + item->offset;
}

kf_err kms_xml_value_read(const kms_xml_item *item, void *object, kf_slice raw, kms_store *store)
{
    void *to = member(item, object);
    kms_number *number = to;
    kf_slice text = kms_text_trim(raw);

    switch (item->kind) {
    case KMS_XML_DOMAIN:
        return kms_text_is_uri(text) ? kms_store_domain(store, text) : KF_E_MALFORMED;
    case KMS_XML_TOKEN:
        return read_text(text, kms_text_is_uri(text), store, to);
    case KMS_XML_STRING: /* xsd:string keeps its white space */
        return read_text(raw, kms_text_is_string(raw, true), store, to);
    case KMS_XML_VERSION: {
        kf_err err = read_version(text);
        return err == KF_OK ? kms_store_text(store, text, to) : err;
    }
    case KMS_XML_DROPPED:
        return read_version(text);
    case KMS_XML_TIME:
    case KMS_XML_VALID_FROM:
    case KMS_XML_VALID_TO:
        return kms_text_time(text, to);
    case KMS_XML_FLAG:
        return read_flag(text, to);
    case KMS_XML_ROLE:
        return read_role(text, to);
    case KMS_XML_UNSIGNED:
        return kf_decimal_read(text, to);
    case KMS_XML_NUMBER:
        number->given = true;
        return kf_decimal_read(text, &number->value);
    case KMS_XML_SIGNED:
        return kms_text_signed(text, to);
    case KMS_XML_OCTETS:
        return read_octets(text, item->octets, to);
    case KMS_XML_SECRET:
        return read_secret(text, item->octets, to);
    case KMS_XML_UID:
        return read_uid(text, to);
    case KMS_XML_STEP_4:
        return KF_E_UNSUPPORTED;
    case KMS_XML_COMPLEX:
        break;
    }
    return KF_E_STATE;
}

/* ---- judging ---- */

bool kms_xml_value_is_given(const kms_xml_item *item, const void *object)
{
    const void *at = member_of(item, object);
    const kf_slice *text = at;
    const kf_time *time = at;
    const kms_flag *flag = at;
    const kms_role *role = at;
    const kms_number *number = at;

    switch (item->kind) {
    case KMS_XML_TOKEN:
    case KMS_XML_STRING:
    case KMS_XML_VERSION:
        return text->ptr != NULL;
    case KMS_XML_VALID_FROM:
        return *time != KMS_NO_VALID_FROM;
    case KMS_XML_VALID_TO:
        return *time != KMS_NO_VALID_TO;
    case KMS_XML_FLAG:
        return *flag != KMS_ABSENT;
    case KMS_XML_ROLE:
        return *role != KMS_ROLE_ABSENT;
    case KMS_XML_NUMBER:
        return number->given;
    case KMS_XML_TIME:
    case KMS_XML_UNSIGNED:
    case KMS_XML_SIGNED:
    case KMS_XML_OCTETS:
    case KMS_XML_SECRET:
    case KMS_XML_UID:
        return true;
    case KMS_XML_DROPPED:
    case KMS_XML_STEP_4:
    case KMS_XML_COMPLEX: /* the writer's business */
    case KMS_XML_DOMAIN:
        break;
    }
    return false;
}

bool kms_xml_value_is_writable(const kms_xml_item *item, const void *object)
{
    const void *at = member_of(item, object);
    const kf_slice *text = at;
    const kf_time *time = at;
    const kms_flag *flag = at;
    const kms_role *role = at;
    const int64_t *number = at;
    kf_secret *const *secret = at;

    switch (item->kind) {
    case KMS_XML_TOKEN:
        return kms_text_is_uri(*text);
    case KMS_XML_STRING:
        return kms_text_is_string(*text, true);
    case KMS_XML_VERSION:
        return kms_text_is_version(*text);
    case KMS_XML_TIME:
    case KMS_XML_VALID_FROM:
    case KMS_XML_VALID_TO:
        return kms_time_is_writable(*time);
    case KMS_XML_FLAG:
        return *flag == KMS_FALSE || *flag == KMS_TRUE;
    case KMS_XML_ROLE:
        return *role == KMS_ROLE_ROOT || *role == KMS_ROLE_EXTERNAL;
    case KMS_XML_SIGNED:
        return *number != INT64_MIN;
    case KMS_XML_SECRET:
        return kf_secret_len(*secret) == item->octets;
    case KMS_XML_UNSIGNED:
    case KMS_XML_NUMBER:
    case KMS_XML_OCTETS:
    case KMS_XML_UID:
        return true;
    case KMS_XML_DROPPED:
    case KMS_XML_STEP_4:
    case KMS_XML_COMPLEX:
    case KMS_XML_DOMAIN:
        break;
    }
    return false;
}

bool kms_xml_value_equal(const kms_xml_item *item, const void *a, const void *b)
{
    const void *one = member_of(item, a), *two = member_of(item, b);
    const kms_number *n1 = one, *n2 = two;
    const kf_slice *t1 = one, *t2 = two;
    kf_secret *const *s1 = one, *const *s2 = two;

    switch (item->kind) {
    case KMS_XML_TOKEN:
    case KMS_XML_STRING:
    case KMS_XML_VERSION:
        return (t1->ptr == NULL) == (t2->ptr == NULL) && kf_slice_equal(*t1, *t2);
    case KMS_XML_TIME:
    case KMS_XML_VALID_FROM:
    case KMS_XML_VALID_TO:
    case KMS_XML_SIGNED:
    case KMS_XML_UNSIGNED:
        return memcmp(one, two, sizeof(uint64_t)) == 0;
    case KMS_XML_FLAG:
        return memcmp(one, two, sizeof(kms_flag)) == 0;
    case KMS_XML_ROLE:
        return memcmp(one, two, sizeof(kms_role)) == 0;
    case KMS_XML_NUMBER:
        return n1->given == n2->given && (!n1->given || n1->value == n2->value);
    case KMS_XML_SECRET:
        return kf_secret_equal(*s1, *s2);
    case KMS_XML_OCTETS:
        return memcmp(one, two, item->octets) == 0;
    case KMS_XML_UID:
        return memcmp(one, two, MCSEC_UID_OCTETS) == 0;
    case KMS_XML_DROPPED:
        return true;
    case KMS_XML_STEP_4:
    case KMS_XML_COMPLEX:
    case KMS_XML_DOMAIN:
        break;
    }
    return false;
}

/* ---- writing ---- */

static void put_hex(kms_xml_sink *sink, kf_slice octets)
{
    sink->octets += 2 * octets.len;
    if (sink->w != NULL)
        kf_hex_write(sink->w, octets);
}

static void put_base64(kms_xml_sink *sink, kf_slice octets)
{
    sink->octets += KF_BASE64_CHARS(octets.len);
    if (sink->w != NULL)
        kf_base64_write(sink->w, octets);
}

static void put_time(kms_xml_sink *sink, kf_time time)
{
    char text[KF_TIME_TEXT_OCTETS];
    kf_time_format(time, text);
    kms_xml_put_str(sink, text);
}

static void put_unsigned(kms_xml_sink *sink, uint64_t value)
{
    char text[NUMBER_TEXT_OCTETS];
    snprintf(text, sizeof text, "%" PRIu64, value);
    kms_xml_put_str(sink, text);
}

static void put_signed(kms_xml_sink *sink, int64_t value)
{
    char text[NUMBER_TEXT_OCTETS];
    snprintf(text, sizeof text, "%" PRId64, value);
    kms_xml_put_str(sink, text);
}

void kms_xml_value_write(const kms_xml_item *item, const void *object, kms_xml_sink *sink)
{
    const void *at = member_of(item, object);
    const kf_slice *text = at;
    const kf_time *time = at;
    const kms_flag *flag = at;
    const kms_role *role = at;
    const uint64_t *count = at;
    const kms_number *number = at;
    const int64_t *integer = at;
    kf_secret *const *secret = at;

    switch (item->kind) {
    case KMS_XML_TOKEN:
    case KMS_XML_STRING:
    case KMS_XML_VERSION:
        kms_xml_put_escaped(sink, *text);
        break;
    case KMS_XML_TIME:
    case KMS_XML_VALID_FROM:
    case KMS_XML_VALID_TO:
        put_time(sink, *time);
        break;
    case KMS_XML_FLAG:
        kms_xml_put_str(sink, *flag == KMS_TRUE ? "true" : "false");
        break;
    case KMS_XML_ROLE:
        kms_xml_put_str(sink, role_names[*role]);
        break;
    case KMS_XML_UNSIGNED:
        put_unsigned(sink, *count);
        break;
    case KMS_XML_NUMBER:
        put_unsigned(sink, number->value);
        break;
    case KMS_XML_SIGNED:
        put_signed(sink, *integer);
        break;
    case KMS_XML_OCTETS:
        put_hex(sink, (kf_slice){ at, item->octets });
        break;
    case KMS_XML_SECRET:
        put_hex(sink, kf_secret_view(*secret));
        break;
    case KMS_XML_UID:
        put_base64(sink, (kf_slice){ at, MCSEC_UID_OCTETS });
        break;
    case KMS_XML_DROPPED:
    case KMS_XML_STEP_4:
    case KMS_XML_COMPLEX:
    case KMS_XML_DOMAIN:
        break;
    }
}

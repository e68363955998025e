#include "kms/xml_text.h"

#include <string.h>

#include "base/text.h"
#include "base/writer.h"
#include "kms/kms.h"

#define VERSION_MAX 16u
#define DATE_MIN    19u /* YYYY-MM-DDThh:mm:ss */

/* Octets that follow a first octet, and the smallest code point they may encode. */
static bool utf8_lead(uint8_t c, size_t *more, uint32_t *least, uint32_t *value)
{
    static const struct {
        uint8_t mask, lead;
        uint8_t more;
        uint32_t least;
    } forms[] = {
        { 0x80, 0x00, 0, 0 },
        { 0xe0, 0xc0, 1, 0x80 },
        { 0xf0, 0xe0, 2, 0x800 },
        { 0xf8, 0xf0, 3, 0x10000 },
    };
    for (size_t i = 0; i < KF_COUNT(forms); i++) {
        if ((c & forms[i].mask) == forms[i].lead) {
            *more = forms[i].more;
            *least = forms[i].least;
            *value = (uint32_t)(c & (uint8_t)~forms[i].mask);
            return true;
        }
    }
    return false;
}

/* spec: XML 1.0 §2.2 - the characters of a document. */
static bool is_xml_char(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    return c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff) && c != 0xfffe && c != 0xffff;
}

/* The next character, or UINT32_MAX when it is not one. */
static uint32_t next_char(kf_slice text, size_t *at)
{
    size_t more = 0;
    uint32_t least = 0, value = 0;
    if (!utf8_lead(text.ptr[(*at)++], &more, &least, &value) || more > text.len - *at)
        return UINT32_MAX;
    for (; more > 0; more--) {
        uint8_t c = text.ptr[(*at)++];
        if ((c & 0xc0u) != 0x80u)
            return UINT32_MAX;
        value = value << 6 | (c & 0x3fu);
    }
    return value >= least && is_xml_char(value) ? value : UINT32_MAX;
}

bool kms_text_is_xml(kf_slice text)
{
    for (size_t at = 0; at < text.len;)
        if (next_char(text, &at) == UINT32_MAX)
            return false;
    return true;
}

bool kms_text_is_string(kf_slice text, bool lines)
{
    if (text.len > KMS_TEXT_MAX)
        return false;
    for (size_t at = 0; at < text.len;) {
        uint32_t c = next_char(text, &at);
        if (c == UINT32_MAX || (c < 0x20 && !lines) || (c >= 0x7f && c <= 0x9f))
            return false;
    }
    return true;
}

bool kms_text_is_uri(kf_slice text)
{
    if (text.len == 0 || !kms_text_is_string(text, false))
        return false;
    return memchr(text.ptr, ' ', text.len) == NULL;
}

bool kms_text_is_version(kf_slice text)
{
    if (text.len < 3 || text.len > VERSION_MAX || text.ptr[0] != '1' || text.ptr[1] != '.')
        return false;
    for (size_t i = 2; i < text.len; i++)
        if (text.ptr[i] != '.' && (text.ptr[i] < '0' || text.ptr[i] > '9'))
            return false;
    return true;
}

bool kms_text_is_space(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r';
}

kf_slice kms_text_trim(kf_slice text)
{
    while (text.len > 0 && kms_text_is_space(text.ptr[0]))
        text = (kf_slice){ text.ptr + 1, text.len - 1 };
    while (text.len > 0 && kms_text_is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

kf_err kms_text_signed(kf_slice text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t size = 0;

    *out = 0;
    if (negative)
        text = (kf_slice){ text.ptr + 1, text.len - 1 };
    if (kf_decimal_read(text, &size) != KF_OK || size > INT64_MAX)
        return KF_E_MALFORMED; /* INT64_MIN too: nobody's error code */
    *out = negative ? -(int64_t)size : (int64_t)size;
    return KF_OK;
}

bool kms_time_is_writable(kf_time t)
{
    static const kf_time first = INT64_C(-62135596800), last = INT64_C(253402300799);
    return t >= first && t <= last;
}

kf_err kms_text_time(kf_slice text, kf_time *out)
{
    uint8_t zoned[KF_TIME_TEXT_OCTETS];
    kf_writer w = kf_writer_init(zoned, sizeof zoned);

    *out = 0;
    if (text.len < DATE_MIN || text.ptr[10] != 'T')
        return KF_E_MALFORMED; /* kf_time_parse() takes plain seconds too */
    kf_slice tail = kf_slice_part(text, DATE_MIN, text.len - DATE_MIN);
    bool has_zone = false;
    for (size_t i = 0; i < tail.len; i++)
        has_zone = has_zone || tail.ptr[i] == 'Z' || tail.ptr[i] == '+' || tail.ptr[i] == '-';
    kf_write_slice(&w, text);
    if (!has_zone)
        kf_write_u8(&w, 'Z');
    kf_time t = 0;
    if (w.err != KF_OK || kf_time_parse(kf_writer_slice(&w), &t) != KF_OK ||
        !kms_time_is_writable(t))
        return KF_E_MALFORMED;
    *out = t;
    return KF_OK;
}

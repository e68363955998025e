#include "explain/recognise.h"

#include <string.h>

#include "mcdata/protected_payload.h"

bool explain_is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static kf_slice trim(kf_slice s)
{
    while (s.len > 0 && explain_is_space(s.ptr[0]))
        s = (kf_slice){ s.ptr + 1, s.len - 1 };
    while (s.len > 0 && explain_is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool starts(kf_slice s, const char *text)
{
    size_t len = strlen(text);
    return s.len >= len && memcmp(s.ptr, text, len) == 0;
}

/* --- text form -------------------------------------------------------------------------------- */

static bool is_hex_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_base64_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '/' || c == '=';
}

/* Are all characters of a kind or white space, and how many are of the kind? */
static bool all_of(kf_slice s, bool (*is)(uint8_t), size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (is(s.ptr[i]))
            (*count)++;
        else if (!explain_is_space(s.ptr[i]))
            return false;
    }
    return *count > 0;
}

/* The rest of the line after a prefix, when a line starts with it. */
static kf_slice after_prefix(kf_slice input, const char *prefix)
{
    kf_slice s = input;
    while (s.len > 0) {
        const uint8_t *end = memchr(s.ptr, '\n', s.len);
        kf_slice line = { s.ptr, end == NULL ? s.len : (size_t)(end - s.ptr) };
        if (starts(line, prefix))
            return trim(kf_slice_part(line, strlen(prefix), line.len));
        s = kf_slice_part(s, line.len + 1, s.len);
    }
    return (kf_slice){ NULL, 0 };
}

static void set_form(explain_found *found, kf_slice input, kf_slice part, explain_form form,
                     const char *because)
{
    found->form = form;
    found->form_because = because;
    found->at = part.len == 0 ? 0 : (size_t)(part.ptr - input.ptr);
    found->len = part.len;
}

void explain_find_form(kf_slice input, explain_found *found)
{
    static const struct {
        const char *prefix, *because;
    } lines[] = {
        { "a=key-mgmt:mikey ", "a line starts with a=key-mgmt:mikey (RFC 4567)" },
        { "key-mgmt:mikey ", "a line starts with key-mgmt:mikey (RFC 4567)" },
        { "mikey ", "a line starts with the word mikey (RFC 4567)" },
    };
    kf_slice text = trim(input);
    size_t count = 0;

    for (size_t i = 0; i < KF_COUNT(lines); i++) {
        kf_slice part = after_prefix(input, lines[i].prefix);
        if (part.len > 0 && all_of(part, is_base64_char, &count)) {
            set_form(found, input, part, EXPLAIN_KEY_MGMT, lines[i].because);
            return;
        }
    }
    if (starts(text, "<") || starts(text, "\xef\xbb\xbf<"))
        set_form(found, input, text, EXPLAIN_XML, "it starts with <");
    else if (all_of(text, is_hex_char, &count) && count % 2 == 0)
        set_form(found, input, text, EXPLAIN_HEX, "it is an even number of hex digits");
    else if (all_of(text, is_base64_char, &count) && count % 4 == 0)
        set_form(found, input, text, EXPLAIN_BASE64,
                 "all characters are base64, and their number is a multiple of four");
    else
        set_form(found, input, input, EXPLAIN_BINARY, "it is neither XML nor hex nor base64");
}

/* --- kind ------------------------------------------------------------------------------------- */

static bool is_container(kf_slice s)
{
    return starts(s, "KFSEALED");
}

static bool is_i_message(kf_slice s)
{
    return s.len >= 2 && s.ptr[0] == MIKEY_VERSION_1 && s.ptr[1] == MIKEY_DATA_TYPE_SAKKE;
}

/* Enough of a common header to say that the rest of it is wrong. */
static bool is_mikey_like(kf_slice s)
{
    if (s.len < 10)
        return false;
    return (s.ptr[0] == MIKEY_VERSION_1 && s.ptr[1] <= MIKEY_DATA_TYPE_SAKKE &&
            s.ptr[2] == MIKEY_PAYLOAD_T) ||
           (s.ptr[1] == MIKEY_DATA_TYPE_SAKKE && s.ptr[2] == MIKEY_PAYLOAD_T);
}

static bool is_protected(kf_slice s)
{
    return s.len >= 12 && (s.ptr[0] & MCDATA_TYPE_PROTECTED) != 0 &&
           (s.ptr[0] & MCDATA_TYPE_MASK) >= 1 && (s.ptr[0] & MCDATA_TYPE_MASK) <= 20 &&
           s.ptr[11] >= 1 && s.ptr[11] <= 4;
}

static bool is_key_params(kf_slice s)
{
    return s.len >= 17 && s.ptr[0] <= MCSEC_MUSIK && s.ptr[1] == 0 && s.ptr[2] == 0 &&
           s.ptr[3] == 0 && s.ptr[4] <= 3;
}

static bool is_xml(kf_slice s)
{
    return starts(trim(s), "<") || starts(s, "\xef\xbb\xbf<");
}

void explain_find_kind(kf_slice octets, explain_found *found)
{
    static const struct {
        bool (*is)(kf_slice s);
        explain_kind kind;
        const char *because;
    } rules[] = {
        { is_container, EXPLAIN_CONTAINER, "it starts with KFSEALED" },
        { is_i_message, EXPLAIN_I_MESSAGE, "version 1 and data type 26 (SAKKE) come first" },
        { is_mikey_like, EXPLAIN_I_MESSAGE, "most of a MIKEY common header comes first" },
        { is_protected, EXPLAIN_PROTECTED,
          "the protected bit is set and octet 11 is an algorithm of a Protected Payload" },
        { is_key_params, EXPLAIN_KEY_PARAMS,
          "a key type comes first, then a status whose upper 30 bits are zero" },
        { is_xml, EXPLAIN_KMS_XML, "it is XML, and annex D is the XML we speak" },
    };
    for (size_t i = 0; i < KF_COUNT(rules); i++)
        if (rules[i].is(octets)) {
            found->kind = rules[i].kind;
            found->kind_because = rules[i].because;
            return;
        }
    found->kind = EXPLAIN_UNKNOWN;
    found->kind_because = "no message we speak starts like this";
}

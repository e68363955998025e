#include "explain/recognise.h"

#include <string.h>

#include "keyfill/threewire.h"
#include "mcdata/interworking.h"
#include "mcdata/protected_payload.h"
#include "p25/dli.h"
#include "p25/kmm.h"
#include "voice/rtp.h"

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

static bool is_ekc(kf_slice s)
{
    return s.len >= 7 && s.ptr[4] == 0x1f && s.ptr[5] == 0x8b && s.ptr[6] == 8;
}

static bool is_three_wire(kf_slice s)
{
    keyfill_wire wire;
    kf_fault fault;
    return keyfill_wire_parse(s, &wire, &fault) == KF_OK;
}

static size_t u16_at(kf_slice s, size_t at)
{
    return (size_t)s.ptr[at] << 8 | s.ptr[at + 1];
}

/* A frame of the length it states, whatever its CRC. */
static bool is_three_wire_like(kf_slice s)
{
    return s.len > KEYFILL_WIRE_OVERHEAD && s.ptr[0] == KEYFILL_WIRE_KMM &&
           u16_at(s, 1) + 3 == s.len;
}

/* A request or response whose URI is one. */
static bool is_interworking(kf_slice s)
{
    if (s.len < 5 || s.ptr[0] < MCDATA_INTERWORKING_REQUEST ||
        s.ptr[0] > MCDATA_INTERWORKING_RESPONSE || s.ptr[1] > MCDATA_LMR_TETRA)
        return false;
    kf_slice uri = kf_slice_part(s, 4, u16_at(s, 2));
    if (uri.len != u16_at(s, 2) || uri.len > MCDATA_INTERWORKING_URI_MAX)
        return false;
    for (size_t i = 0; i < uri.len; i++)
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~')
            return false;
    return uri.len > 0 && memchr(uri.ptr, ':', uri.len) != NULL;
}

static bool is_algid_of_outer(uint8_t algid)
{
    return algid == P25_ALGID_CLEAR || algid == P25_ALGID_DES || algid == P25_ALGID_TDEA ||
           algid == P25_ALGID_AES256;
}

/* Clear is all zeros after it; otherwise the last octet of the MI is. */
static bool is_dli(kf_slice s)
{
    static const uint8_t zeros[P25_DLI_OCTETS - 3];
    return s.len >= P25_DLI_OCTETS + P25_KMM_OCTETS_MIN && s.ptr[0] == 0 &&
           (s.ptr[1] == P25_MFID_STANDARD || s.ptr[1] == P25_MFID_MOTOROLA) &&
           is_algid_of_outer(s.ptr[2]) && s.ptr[P25_DLI_OCTETS - 1] == 0 &&
           (s.ptr[2] != P25_ALGID_CLEAR || memcmp(s.ptr + 3, zeros, sizeof zeros) == 0);
}

static bool is_dld(kf_slice s)
{
    return s.len >= P25_DLD_SYNC_OCTETS + P25_KMM_OCTETS_MIN && s.ptr[P25_MI_OCTETS - 1] == 0 &&
           is_algid_of_outer(s.ptr[P25_MI_OCTETS]) && s.ptr[P25_MI_OCTETS] != P25_ALGID_CLEAR &&
           s.ptr[P25_DLD_SYNC_OCTETS - 1] == (0xc0u | P25_SAP_KMM);
}

/* A named message other than Null, a length that can be, and codes that are not reserved. */
static bool is_kmm_like(kf_slice s)
{
    if (s.len < P25_KMM_OCTETS_MIN || s.ptr[0] == P25_KMM_NULL ||
        p25_message_name(s.ptr[0]) == NULL)
        return false;
    size_t length = u16_at(s, 1);
    unsigned format = s.ptr[3];
    return length >= P25_KMM_OCTETS_MIN - 3 && length <= P25_KMM_OCTETS_MAX - 3 &&
           format >> 6 != 3 && (format & 0x10) == 0 && (format >> 2 & 3) != 1 && (format & 2) == 0;
}

static bool is_kmm(kf_slice s)
{
    return is_kmm_like(s) && u16_at(s, 1) + 3 == s.len;
}

static bool is_issi(kf_slice s)
{
    return s.len > VOICE_RTP_OCTETS && s.ptr[0] == 0x80 &&
           (s.ptr[1] & 0x7f) == VOICE_RTP_PT_FULL_RATE;
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
        { is_ekc, EXPLAIN_EKC, "a gzip stream starts at octet 4" },
        { is_three_wire, EXPLAIN_THREE_WIRE,
          "it is an opcode of three-wire key fill, or a frame whose length and CRC are right" },
        { is_i_message, EXPLAIN_I_MESSAGE, "version 1 and data type 26 (SAKKE) come first" },
        { is_mikey_like, EXPLAIN_I_MESSAGE, "most of a MIKEY common header comes first" },
        { is_dld, EXPLAIN_DLD, "an encryption sync and the SAP of KMMs come first" },
        { is_protected, EXPLAIN_PROTECTED,
          "the protected bit is set and octet 11 is an algorithm of a Protected Payload" },
        { is_key_params, EXPLAIN_KEY_PARAMS,
          "a key type comes first, then a status whose upper 30 bits are zero" },
        { is_interworking, EXPLAIN_INTERWORKING,
          "a request or response comes first, then an LMR type and a URI" },
        { is_dli, EXPLAIN_DLI,
          "version 0, an MFID and an ALGID of KMMs come first, and MI or zeros after them" },
        { is_kmm, EXPLAIN_KMM,
          "message ID and format of a KMM come first, and its length is that of the input" },
        { is_issi, EXPLAIN_ISSI, "an RTP header of payload type 100 comes first" },
        { is_three_wire_like, EXPLAIN_THREE_WIRE,
          "opcode C2 comes first, and its length is that of the input" },
        { is_kmm_like, EXPLAIN_KMM, "message ID, length and format of a KMM come first" },
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

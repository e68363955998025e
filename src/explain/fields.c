#include "explain/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/container.h"
#include "explain/escape.h"
#include "mcdata/protected_payload.h"
#include "mikey/key_params.h"
#include "mikey/message.h"
#include "p25/wrap.h"

#define HEX_SHOWN  24u
#define TEXT_SHOWN 240u

void fields_put(kf_writer *w, const char *fmt, ...)
{
    char text[EXPLAIN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof text && (size_t)n <= w->cap - w->len)
        kf_write_slice(w, kf_slice_str(text));
}

void fields_put_hex(kf_writer *w, kf_slice octets)
{
    kf_hex_write(w, kf_slice_part(octets, 0, HEX_SHOWN));
    if (octets.len > HEX_SHOWN)
        fields_put(w, "... (%zu octets)", octets.len);
}

uint64_t fields_integer(kf_slice s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.len && i < 8; i++)
        v = v << 8 | s.ptr[i];
    return v;
}

/* --- meanings --------------------------------------------------------------------------------- */

void fields_put_word(kf_writer *w, const fields_word *words, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].number == number) {
            fields_put(w, "%s", words[i].text);
            return;
        }
    fields_put(w, "%llu: not known to us", (unsigned long long)number);
}

void fields_say_number(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%llu", (unsigned long long)fields_integer(octets));
}

void fields_say_octets(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    uint64_t n = fields_integer(octets);
    fields_put(w, "%llu octet%s follow%s", (unsigned long long)n, n == 1 ? "" : "s",
               n == 1 ? "s" : "");
}

void fields_say_text(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    explain_escape(octets, TEXT_SHOWN, w);
}

void fields_say_nothing(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    (void)w;
}

static void say_unix_time(fields_context *context, kf_slice octets, kf_writer *w)
{
    char text[KF_TIME_TEXT_OCTETS];
    (void)context;
    kf_time_format((kf_time)fields_integer(octets), text);
    fields_put(w, "%s", text);
}

static void say_activation(fields_context *context, kf_slice octets, kf_writer *w)
{
    if (fields_integer(octets) == 0)
        fields_put(w, "from the time in T");
    else
        say_unix_time(context, octets, w);
}

static void say_expiry(fields_context *context, kf_slice octets, kf_writer *w)
{
    if (fields_integer(octets) == 0)
        fields_put(w, "never, but not beyond the KMS key period");
    else
        say_unix_time(context, octets, w);
}

static void say_ntp(fields_context *context, kf_slice octets, kf_writer *w)
{
    char text[KF_TIME_TEXT_OCTETS];
    uint64_t ntp = fields_integer(octets);
    kf_time_format(kf_time_unfold_ntp32((uint32_t)(ntp >> 32), context->near), text);
    fields_put(w, "%s", text);
    if ((ntp & UINT32_MAX) != 0)
        fields_put(w, " and %llu/2^32 s", (unsigned long long)(ntp & UINT32_MAX));
}

static void say_key_id(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint32_t id = (uint32_t)fields_integer(octets);
    const char *name = mcsec_purpose_name(mcsec_keyid_tag(id));
    (void)context;
    fields_put(w, "purpose tag %u (%s), 28 bits %07x%s", mcsec_keyid_tag(id),
               name == NULL ? "not known to us" : name, (unsigned)(id & MCSEC_KEYID_MASK),
               mcsec_purpose_is_diverse(mcsec_keyid_tag(id))
                   ? "; GUK-ID: the GMK-ID with the receiver's salt"
                   : "");
}

static void say_dppk_id(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "key identifier %08x", (unsigned)fields_integer(octets));
}

static void say_data_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0, "pre-shared key" }, { 1, "pre-shared key, answer" },
        { 2, "public key" },     { 3, "public key, answer" },
        { 4, "Diffie-Hellman" }, { 5, "Diffie-Hellman, answer" },
        { 6, "error" },          { MIKEY_DATA_TYPE_SAKKE, "SAKKE I_MESSAGE" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_next(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { MIKEY_PAYLOAD_LAST, "none: the last payload" },
        { 1, "KEMAC" },
        { 2, "PKE" },
        { 3, "DH" },
        { MIKEY_PAYLOAD_SIGN, "SIGN, signature" },
        { MIKEY_PAYLOAD_T, "T, timestamp" },
        { 6, "ID" },
        { 7, "CERT" },
        { 8, "CHASH" },
        { 9, "V" },
        { MIKEY_PAYLOAD_SP, "SP, security policy" },
        { MIKEY_PAYLOAD_RAND, "RAND" },
        { 12, "ERR" },
        { MIKEY_PAYLOAD_IDR, "IDR, identity with a role" },
        { 20, "key data" },
        { MIKEY_PAYLOAD_GENEXT, "general extension" },
        { MIKEY_PAYLOAD_SAKKE, "SAKKE, encapsulated key" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_v_prf(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s; PRF %llu, %s", (v & 0x80) != 0 ? "V: asks for an answer" : "no answer asked",
               (unsigned long long)(v & 0x7f),
               (v & 0x7f) == MIKEY_PRF_HMAC_SHA256 ? "HMAC-SHA-256" : "not known to us");
}

static void say_map_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { MIKEY_MAP_SRTP_ID, "SRTP-ID (an older layout of one implementation)" },
        { MIKEY_MAP_EMPTY, "empty map: the default profile applies" },
        { MIKEY_MAP_GENERIC_ID, "GENERIC-ID" },
    };
    context->legacy = fields_integer(octets) == MIKEY_MAP_SRTP_ID;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_cs_id(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0, "MCPTT private call, initiator" },
        { 1, "MCPTT private call, receiver" },
        { 2, "MCVideo private call, initiator" },
        { 3, "MCVideo private call, receiver" },
        { 4, "MCPTT group call" },
        { 5, "MCVideo group call" },
        { 6, "CSK, SRTCP of MCPTT" },
        { 7, "MuSiK, SRTCP of MCPTT" },
        { 8, "CSK, SRTCP of MCVideo" },
        { 9, "MuSiK, SRTCP of MCVideo" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_prot_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { MIKEY_PROT_SRTP, "SRTP" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_s_policies(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%llu polic%s; %s", (unsigned long long)(v & 0x7f), (v & 0x7f) == 1 ? "y" : "ies",
               (v & 0x80) != 0 ? "session data holds ROC and SEQ" : "no ROC");
}

static void say_spi(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    if (octets.len == 8)
        fields_put(w, "MKI: GMK-ID %08x, GUK-ID %08x",
                   (unsigned)fields_integer(kf_slice_part(octets, 0, 4)),
                   (unsigned)fields_integer(kf_slice_part(octets, 4, 4)));
    else if (octets.len == 4)
        fields_put(w, "MKI: key identifier %08x", (unsigned)fields_integer(octets));
    else
        fields_put(w, "MKI");
}

static void say_ts_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { MIKEY_TS_NTP_UTC, "NTP-UTC" },
                                         { 1, "NTP" },
                                         { 2, "counter" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_role(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { MIKEY_ROLE_INITIATOR, "IDRi, initiator" },
        { MIKEY_ROLE_RESPONDER, "IDRr, responder" },
        { 3, "IDRkms" },
        { MIKEY_ROLE_INITIATOR_KMS, "IDRkmsi, KMS of the initiator" },
        { MIKEY_ROLE_RESPONDER_KMS, "IDRkmsr, KMS of the responder" },
        { MIKEY_ROLE_INITIATOR_UID, "IDRuidi, hidden initiator" },
        { MIKEY_ROLE_RESPONDER_UID, "IDRuidr, hidden responder" },
    };
    context->idr_role = (uint8_t)fields_integer(octets);
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_id_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { 0, "NAI" },
                                         { MIKEY_ID_TYPE_URI, "URI" },
                                         { MIKEY_ID_TYPE_OCTETS, "octet string" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_id(fields_context *context, kf_slice octets, kf_writer *w)
{
    if (context->idr_role == MIKEY_ROLE_INITIATOR_UID ||
        context->idr_role == MIKEY_ROLE_RESPONDER_UID)
        fields_put(w, "UID: hash of URI, KMS URI and key period");
    else
        explain_escape(octets, TEXT_SHOWN, w);
}

static void say_sp_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0, "encryption algorithm" },
        { 1, "session encryption key length" },
        { 2, "authentication algorithm" },
        { 3, "session authentication key length" },
        { 4, "session salt length" },
        { 5, "SRTP pseudo-random function" },
        { 6, "key derivation rate" },
        { 7, "SRTP encryption" },
        { 8, "SRTCP encryption" },
        { 9, "order of forward error correction" },
        { 10, "SRTP authentication" },
        { 11, "authentication tag length" },
        { 12, "SRTP prefix length" },
        { 13, "ROC transmission rate" },
        { 18, "SRTP authentication tag length" },
        { 19, "SRTCP authentication tag length" },
        { 20, "AEAD authentication tag length" },
    };
    context->sp_type = (uint8_t)fields_integer(octets);
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_sp_value(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word ciphers[] = {
        { 0, "none" }, { 1, "AES-CM" }, { 2, "AES-F8" }, { 6, "AES-GCM" }
    };
    static const fields_word macs[] = { { 0, "none" },
                                        { 1, "HMAC-SHA-1" },
                                        { 4, "RCCm3: only the ROC" } };
    static const fields_word prfs[] = { { 0, "AES-CM" } };
    switch (context->sp_type) {
    case 0:
        FIELDS_PUT_WORD(w, ciphers, fields_integer(octets));
        break;
    case 2:
        FIELDS_PUT_WORD(w, macs, fields_integer(octets));
        break;
    case 5:
        FIELDS_PUT_WORD(w, prfs, fields_integer(octets));
        break;
    case 13:
        fields_put(w, "the ROC in one of %llu packets", (unsigned long long)fields_integer(octets));
        break;
    default:
        fields_say_number(context, octets, w);
    }
}

static void say_sakke_params(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { MIKEY_SAKKE_PARAMS_1, "parameter set 1 of RFC 6509" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_id_scheme(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { 1, "tel URI with monthly keys" },
                                         { MIKEY_ID_SCHEME_3GPP, "3GPP MCX hashed UID" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_sed(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    if (octets.len > SAKKE_POINT_OCTETS)
        fields_put(w, "R_bS, a point of %u octets, then H, %zu octets: a key of %zu bits",
                   SAKKE_POINT_OCTETS, octets.len - SAKKE_POINT_OCTETS,
                   (octets.len - SAKKE_POINT_OCTETS) * 8);
}

static void say_genext(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { 0, "vendor ID" },
                                         { 1, "SDP IDs" },
                                         { MIKEY_GENEXT_TO_SELF, "SAKKE-to-self" },
                                         { MIKEY_GENEXT_PARAMS, "3GPP key parameters" } };
    context->genext_type = (uint8_t)fields_integer(octets);
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_key_params(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)octets;
    fields_put(w, context->legacy ? "key parameters in clear (older layout)"
                                  : "an MCData Protected Payload, explained below");
}

static void say_sign(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "type %llu (%s), %llu octets follow", (unsigned long long)(v >> 12),
               v >> 12 == MIKEY_SIGN_ECCSI ? "ECCSI" : "not known to us",
               (unsigned long long)(v & 0xfff));
}

static void say_signature(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "r, s (32 octets each) and PVT (65), over all octets before it");
}

static void say_key_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    const char *name = mcsec_purpose_name((unsigned)fields_integer(octets));
    (void)context;
    fields_put(w, "%s", name == NULL ? "not known to us" : name);
}

static void say_status(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s%s", (v & MIKEY_STATUS_NOT_REVOKED) != 0 ? "not revoked" : "REVOKED",
               (v & MIKEY_STATUS_SHARED_SEGY) != 0 ? ", shared with a security gateway" : "");
}

static void say_message_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 1, "SDS signalling payload" },
        { 2, "FD signalling payload" },
        { 3, "data payload" },
        { 5, "SDS notification" },
        { 6, "FD notification" },
        { 7, "SDS off-network message" },
        { 8, "SDS off-network notification" },
        { 9, "FD network notification" },
        { 10, "communication release" },
    };
    uint64_t v = fields_integer(octets);
    (void)context;
    FIELDS_PUT_WORD(w, words, v & MCDATA_TYPE_MASK);
    fields_put(w, "%s%s", (v & MCDATA_TYPE_PROTECTED) != 0 ? ", protected" : ", not protected",
               (v & MCDATA_TYPE_AUTHENTICATED) != 0 ? ", authenticated" : "");
}

static void say_algorithm(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { MCDATA_ALG_AES_128_GCM, "AEAD_AES_128_GCM" },
                                         { MCDATA_ALG_AES_256_GCM, "AEAD_AES_256_GCM" },
                                         { 3, "AEAD_AES_128_CCM" },
                                         { 4, "AEAD_AES_256_CCM" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_ciphertext(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    if (octets.len >= MCDATA_TAG_OCTETS)
        fields_put(w, "ciphertext, %zu octets, then a tag of %u", octets.len - MCDATA_TAG_OCTETS,
                   MCDATA_TAG_OCTETS);
}

static void say_container_kind(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { KF_CONTAINER_KMS_DOMAIN,
                                           "master secrets of a KMS domain" },
                                         { KF_CONTAINER_KEY_FILE, "P25 keys and their groups" },
                                         { KF_CONTAINER_STATE_KEY, "state key of a lab node" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_log2_n(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "scrypt N = 2^%llu", (unsigned long long)fields_integer(octets));
}

/* --- the table -------------------------------------------------------------------------------- */

static const fields_row rows[] = {
    { "HDR.version", "RFC 3830 6.1", fields_say_number, FIELDS_SHOW },
    { "HDR.data_type", "RFC 3830 6.1, RFC 6509 4.1", say_data_type, FIELDS_SHOW },
    { "HDR.next_payload", "RFC 3830 6.1", say_next, FIELDS_SHOW },
    { "HDR.v_prf", "RFC 3830 6.1, RFC 6043 6.1", say_v_prf, FIELDS_SHOW },
    { "HDR.csb_id", "RFC 3830 6.1, TS 33.180 annex G", say_key_id, FIELDS_SHOW },
    { "HDR.cs_count", "RFC 3830 6.1", fields_say_number, FIELDS_SHOW },
    { "HDR.cs_map_type", "RFC 3830 6.1, RFC 6043 6.1", say_map_type, FIELDS_SHOW },
    { "HDR.srtp_id_map", "RFC 3830 6.1.1", fields_say_nothing, FIELDS_SHOW },
    { "HDR.cs.id", "TS 33.180 E.1.3", say_cs_id, FIELDS_SHOW },
    { "HDR.cs.prot_type", "RFC 6043 6.1.1", say_prot_type, FIELDS_SHOW },
    { "HDR.cs.s_policies", "RFC 6043 6.1.1", say_s_policies, FIELDS_SHOW },
    { "HDR.cs.policy_no", "RFC 6043 6.1.1", fields_say_number, FIELDS_SHOW },
    { "HDR.cs.data_length", "RFC 6043 6.1.1", fields_say_octets, FIELDS_SHOW },
    { "HDR.cs.data", "RFC 6043 6.1.1", fields_say_nothing, FIELDS_SHOW },
    { "HDR.cs.spi_length", "RFC 6043 6.1.1", fields_say_octets, FIELDS_SHOW },
    { "HDR.cs.spi", "RFC 6043 6.1.1, TS 33.180 7.4", say_spi, FIELDS_SHOW },
    { "T.next_payload", "RFC 3830 6.6", say_next, FIELDS_SHOW },
    { "T.ts_type", "RFC 3830 6.6", say_ts_type, FIELDS_SHOW },
    { "T.ts_value", "RFC 3830 6.6", say_ntp, FIELDS_SHOW },
    { "RAND.next_payload", "RFC 3830 6.11", say_next, FIELDS_SHOW },
    { "RAND.length", "RFC 3830 6.11", fields_say_octets, FIELDS_SHOW },
    { "RAND.rand", "RFC 3830 6.11", fields_say_nothing, FIELDS_SHOW },
    { "IDR.next_payload", "RFC 6043 6.6", say_next, FIELDS_SHOW },
    { "IDR.role", "RFC 6043 6.6, RFC 6509 4.4, TS 33.180 E.7", say_role, FIELDS_SHOW },
    { "IDR.type", "RFC 6043 6.6", say_id_type, FIELDS_SHOW },
    { "IDR.length", "RFC 6043 6.6", fields_say_octets, FIELDS_SHOW },
    { "IDR.id", "RFC 6043 6.6, TS 33.180 E.7", say_id, FIELDS_SHOW },
    { "SP.next_payload", "RFC 3830 6.10", say_next, FIELDS_SHOW },
    { "SP.policy_no", "RFC 3830 6.10", fields_say_number, FIELDS_SHOW },
    { "SP.prot_type", "RFC 3830 6.10", say_prot_type, FIELDS_SHOW },
    { "SP.length", "RFC 3830 6.10", fields_say_octets, FIELDS_SHOW },
    { "SP.params", "RFC 3830 6.10", fields_say_nothing, FIELDS_SHOW },
    { "SP.param.type", "RFC 3830 6.10.1", say_sp_type, FIELDS_SHOW },
    { "SP.param.length", "RFC 3830 6.10.1", fields_say_octets, FIELDS_SHOW },
    { "SP.param.value", "RFC 3830 6.10.1, TS 33.180 E.2.2", say_sp_value, FIELDS_SHOW },
    { "SAKKE.next_payload", "RFC 6509 4.2", say_next, FIELDS_SHOW },
    { "SAKKE.params", "RFC 6509 4.2", say_sakke_params, FIELDS_SHOW },
    { "SAKKE.id_scheme", "RFC 6509 4.2, TS 33.180 E.1.2", say_id_scheme, FIELDS_SHOW },
    { "SAKKE.length", "RFC 6509 4.2", fields_say_octets, FIELDS_SHOW },
    { "SAKKE.sed", "RFC 6508 4, RFC 6509 4.2", say_sed, FIELDS_SHOW },
    { "GENEXT.next_payload", "RFC 3830 6.15", say_next, FIELDS_SHOW },
    { "GENEXT.type", "RFC 3830 6.15, TS 33.180 E.5, E.6.1", say_genext, FIELDS_SHOW },
    { "GENEXT.length", "RFC 3830 6.15", fields_say_octets, FIELDS_SHOW },
    { "GENEXT.data", "RFC 3830 6.15", fields_say_nothing, FIELDS_SHOW },
    { "GENEXT.key_params", "TS 33.180 E.6.1", say_key_params, FIELDS_SHOW },
    { "SIGN.type_length", "RFC 3830 6.5, RFC 6509 4.3", say_sign, FIELDS_SHOW },
    { "SIGN.signature", "RFC 6507 3.3, RFC 6509 4.3", say_signature, FIELDS_SHOW },
    { "PARAMS.iei", "TS 33.180 E.6.1", fields_say_number, FIELDS_SHOW },
    { "PARAMS.length", "TS 33.180 E.6.1", fields_say_octets, FIELDS_SHOW },
    { "PARAMS.key_type", "TS 33.180 E.6.11", say_key_type, FIELDS_SHOW },
    { "PARAMS.status", "TS 33.180 E.6.9", say_status, FIELDS_SHOW },
    { "PARAMS.activation", "TS 33.180 E.6.4", say_activation, FIELDS_SHOW },
    { "PARAMS.expiry", "TS 33.180 E.6.10", say_expiry, FIELDS_SHOW },
    { "PARAMS.text_length", "TS 33.180 E.6.5", fields_say_octets, FIELDS_SHOW },
    { "PARAMS.text", "TS 33.180 E.6.5", fields_say_text, FIELDS_SHOW },
    { "PARAMS.groups_length", "TS 33.180 E.6.3", fields_say_octets, FIELDS_SHOW },
    { "PARAMS.groups", "TS 33.180 E.6.3", fields_say_nothing, FIELDS_SHOW },
    { "PARAMS.group_count", "TS 33.180 E.6.3", fields_say_number, FIELDS_SHOW },
    { "PARAMS.group_iei", "TS 33.180 E.6.3, TS 24.282 15.2.14", fields_say_number, FIELDS_SHOW },
    { "PARAMS.group_length", "TS 33.180 E.6.3", fields_say_octets, FIELDS_SHOW },
    { "PARAMS.group_id", "TS 33.180 E.6.3", fields_say_text, FIELDS_SHOW },
    { "PROTECTED.message_type", "TS 33.180 8.5.4, TS 24.282 15.2.2", say_message_type,
      FIELDS_SHOW },
    { "PROTECTED.date_time", "TS 33.180 8.5.4", say_unix_time, FIELDS_SHOW },
    { "PROTECTED.payload_id", "TS 33.180 8.5.4", fields_say_number, FIELDS_SHOW },
    { "PROTECTED.sequence", "TS 33.180 8.5.4", fields_say_number, FIELDS_SHOW },
    { "PROTECTED.algorithm", "TS 33.180 8.5.4, RFC 5116", say_algorithm, FIELDS_SHOW },
    { "PROTECTED.iv", "TS 33.180 8.5.4", fields_say_nothing, FIELDS_SHOW },
    { "PROTECTED.dppk_id", "TS 33.180 8.5.4, E.6.1", say_dppk_id, FIELDS_SHOW },
    { "PROTECTED.payload_iei", "TS 33.180 8.5.4", fields_say_number, FIELDS_SHOW },
    { "PROTECTED.payload_length", "TS 33.180 8.5.4", fields_say_octets, FIELDS_SHOW },
    { "PROTECTED.payload", "TS 33.180 8.5.4, F.1.5", say_ciphertext, FIELDS_SHOW },
    { "container.magic", "crypto/container.h", fields_say_text, FIELDS_SHOW },
    { "container.version", "crypto/container.h", fields_say_number, FIELDS_SHOW },
    { "container.kind", "crypto/container.h", say_container_kind, FIELDS_SHOW },
    { "container.scrypt_log2_n", "RFC 7914 2", say_log2_n, FIELDS_SHOW },
    { "container.scrypt_r", "RFC 7914 2", fields_say_number, FIELDS_SHOW },
    { "container.scrypt_p", "RFC 7914 2", fields_say_number, FIELDS_SHOW },
    { "container.salt", "RFC 7914 2", fields_say_nothing, FIELDS_SHOW },
    { "container.nonce", "NIST SP 800-38D 5.2.1.1", fields_say_nothing, FIELDS_SHOW },
    { "container.length", "crypto/container.h", fields_say_octets, FIELDS_SHOW },
    { "container.sealed", "NIST SP 800-38D 7.1", say_ciphertext, FIELDS_SHOW },
};

static const fields_row *row_in(const fields_row *list, size_t count, const char *field)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].field, field) == 0)
            return &list[i];
    return NULL;
}

static const fields_row *row_of(const char *field)
{
    const fields_row *row = row_in(rows, KF_COUNT(rows), field);
    return row != NULL ? row : row_in(fields_p25, fields_p25_count, field);
}

bool explain_knows_field(const char *field)
{
    return row_of(field) != NULL;
}

/* Whatever the message says of it: 32 octets may be an AES key as it is. */
static bool is_wrapped_length(size_t len)
{
    return len == p25_wrapped_octets(P25_ALGID_AES256) ||
           len == p25_wrapped_octets(P25_ALGID_TDEA) || len == p25_wrapped_octets(P25_ALGID_DES);
}

static bool is_shown(const fields_context *context, const fields_row *row, size_t len)
{
    switch (row->show) {
    case FIELDS_SHOW:
        return true;
    case FIELDS_HIDE:
        return false;
    case FIELDS_HIDE_KEY:
        return !context->keys_are_clear && is_wrapped_length(len);
    case FIELDS_HIDE_BODY:
        return !context->layout_is_wrong;
    }
    return false;
}

void fields_describe(fields_context *context, const char *field, size_t at, kf_slice octets,
                     char *value, char *meaning, explain_field *out)
{
    const fields_row *row = row_of(field);
    kf_writer v = kf_writer_init((uint8_t *)value, EXPLAIN_TEXT_MAX - 1);
    kf_writer m = kf_writer_init((uint8_t *)meaning, EXPLAIN_TEXT_MAX - 1);

    if (row == NULL || is_shown(context, row, octets.len)) {
        fields_put_hex(&v, octets);
        if (row != NULL)
            row->say(context, octets, &m);
    } else {
        fields_put(&v, "(%zu octet%s, not shown)", octets.len, octets.len == 1 ? "" : "s");
        if (row->show != FIELDS_HIDE_BODY)
            row->say(context, octets, &m);
    }
    value[v.len] = '\0';
    meaning[m.len] = '\0';
    *out = (explain_field){ field, at, octets.len, value, meaning, row == NULL ? "" : row->clause };
}

/* What the fields of P25 messages mean: KMMs and what they travel in, voice over RTP, key fill. */
#include <string.h>

#include "explain/fields.h"
#include "mcdata/interworking.h"
#include "p25/dli.h"
#include "p25/kmm.h"
#include "voice/issi.h"

#define AACA   "TIA-102.AACA"
#define AACA_C "TIA-102.AACA-C"
#define AACA_D "TIA-102.AACA-D"
#define AACD   "TIA-102.AACD-A"
#define ALGIDS "TIA-102.BAAC-D 2.8"
#define AAAD   "TIA-102.AAAD"
#define BACA   "TIA-102.BACA-B"
#define BOX    "keyfill/box.h"
#define SD     "TS 29.379 14.2.1 (provisional layout)"

/* --- numbers of P25 --------------------------------------------------------------------------- */

static void say_algid(fields_context *context, kf_slice octets, kf_writer *w)
{
    const char *name = p25_algid_name((unsigned)fields_integer(octets));
    (void)context;
    fields_put(w, "%s", name == NULL ? "not known to us" : name);
}

static void say_algids(fields_context *context, kf_slice octets, kf_writer *w)
{
    for (size_t i = 0; i < octets.len && i < 16; i++) {
        fields_put(w, "%s", i == 0 ? "" : ", ");
        say_algid(context, kf_slice_part(octets, i, 1), w);
    }
}

static void say_kid(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t kid = fields_integer(octets);
    (void)context;
    fields_put(w, kid == 0 ? "none: clear, or not known by number" : "key ID %04X", (unsigned)kid);
}

static void say_mi(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%s",
               fields_integer(octets) == 0 ? "none"
                                           : "message indicator; the last octet is not used");
}

static void say_rsi(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0, "none" },
        { 0x98967f, "9999999, the usual RSI of a KMF" },
        { 0xfffffc, "16777212, the KMF of one implementation" },
        { 0xffffff, "everybody, or not known" },
    };
    uint64_t rsi = fields_integer(octets);
    (void)context;
    for (size_t i = 0; i < KF_COUNT(words); i++)
        if (words[i].number == rsi) {
            fields_put(w, "%s", words[i].text);
            return;
        }
    fields_put(w, "%llu", (unsigned long long)rsi);
}

static void say_sln(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint16_t sln = (uint16_t)fields_integer(octets);
    (void)context;
    fields_put(w, "SLN (CKR) %u: crypto group %u, key number %u", sln, p25_sln_crypto_group(sln),
               sln & 0xfffu);
}

static void say_keyset(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint8_t keyset = (uint8_t)fields_integer(octets);
    (void)context;
    if (keyset == 0)
        fields_put(w, "keyset 0 is reserved");
    else
        fields_put(w, "keyset %u of crypto group %u", keyset, p25_keyset_crypto_group(keyset));
}

static void say_status(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%s", p25_status_name((unsigned)fields_integer(octets)));
}

static void say_mfid(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { P25_MFID_STANDARD, "standard" },
                                         { P25_MFID_MOTOROLA, "Motorola" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_message(fields_context *context, kf_slice octets, kf_writer *w)
{
    const char *name = p25_message_name((unsigned)fields_integer(octets));
    (void)context;
    fields_put(w, "%s", name == NULL ? "not known to us" : name);
}

static void say_messages(fields_context *context, kf_slice octets, kf_writer *w)
{
    for (size_t i = 0; i < octets.len && i < 8; i++) {
        fields_put(w, "%s", i == 0 ? "" : ", ");
        say_message(context, kf_slice_part(octets, i, 1), w);
    }
    if (octets.len > 8)
        fields_put(w, ", and %zu more", octets.len - 8);
}

/* --- frame ------------------------------------------------------------------------------------ */

static void say_message_id(fields_context *context, kf_slice octets, kf_writer *w)
{
    context->keys_are_clear = true; /* until an instruction says that they are wrapped */
    context->layout_is_wrong = false;
    say_message(context, octets, w);
}

static void say_kmm_length(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t n = fields_integer(octets);
    (void)context;
    fields_put(w, "%llu octets follow, %llu in all", (unsigned long long)n,
               (unsigned long long)n + 3);
}

static void say_format(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const char *const kinds[] = { "RK1: no response", "RK2: delayed response",
                                         "RK3: immediate response", "response kind 3 is not used" };
    static const char *const numbers[] = { "no message number", "reserved number code",
                                           "message number", "reserved number code" };
    static const char *const macs[] = { "no MAC", "reserved MAC code", "enhanced MAC", "DES MAC" };
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s; %s; %s; %s%s", kinds[v >> 6 & 3], numbers[v >> 4 & 3], macs[v >> 2 & 3],
               (v & 1) != 0 ? "D: more messages follow (or, by another source, the last one)"
                            : "the last or only message",
               (v & 2) != 0 ? "; reserved bit set" : "");
}

static void say_mac(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "MAC of %zu octets over all of the message but itself", octets.len);
}

static void say_mac_format(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0x00, "CBC-MAC, without the old derived-key bit" },
        { P25_MAC_FORMAT_CBC, "version 0: CBC-MAC" },
        { 0x01, "CMAC, without the old derived-key bit" },
        { P25_MAC_FORMAT_CMAC, "version 1: CMAC (key derivation of revision C or D)" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_below(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "explained below, unless it is encrypted");
}

static void say_not_public(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "layout not known to us; might hold a key");
}

/* --- keys ------------------------------------------------------------------------------------- */

static void say_decryption(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%s", (fields_integer(octets) & 0x40) != 0 ? "an MI follows the KEK" : "no MI");
}

static void say_kek_algid(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t algid = fields_integer(octets);
    bool wraps = algid == P25_ALGID_AES256 || algid == P25_ALGID_TDEA || algid == P25_ALGID_DES;
    context->keys_are_clear = !wraps;
    context->layout_is_wrong = !wraps && algid != P25_ALGID_CLEAR;
    if (algid == P25_ALGID_CLEAR)
        fields_put(w, "keys are NOT wrapped: for key fill only");
    else
        fields_put(w, "%s%s", wraps ? "wrapped by " : "no algorithm that wraps keys: ",
                   p25_algid_name((unsigned)algid) == NULL ? "one not known to us"
                                                           : p25_algid_name((unsigned)algid));
}

static void say_key(fields_context *context, kf_slice octets, kf_writer *w)
{
    fields_put(w, context->keys_are_clear ? "key in clear, %zu octets" : "wrapped key, %zu octets",
               octets.len);
}

static void say_key_format(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s%s; name of %u octets", (v & 0x80) != 0 ? "KEK" : "TEK",
               (v & 0x20) != 0 ? ", ERASE" : "", (unsigned)(v & 0x1f));
}

static void say_key_length(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%llu octets for each key as it travels",
               (unsigned long long)fields_integer(octets));
}

static void say_keyset_format(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s keyset%s%s; name of %u octets", (v & 0x80) != 0 ? "KEK" : "TEK",
               (v & 0x40) != 0 ? "; 3 reserved octets" : "",
               (v & 0x20) != 0 ? "; activation time" : "", (unsigned)(v & 0x0f));
}

static void say_date(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%04u-%02u-%02u", (unsigned)(2000 + (v & 0x7f)), (unsigned)(v >> 12),
               (unsigned)(v >> 7 & 0x1f));
}

static void say_time(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%02u:%02u:%02u", (unsigned)(v >> 19), (unsigned)(v >> 13 & 0x3f),
               (unsigned)(v >> 7 & 0x3f));
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void say_hello(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { P25_HELLO_IDENTIFY, "identification only" },
        { P25_HELLO_REKEY, "asks for keys, and has a UKEK" },
        { P25_HELLO_REKEY_NO_UKEK, "asks for keys, and has no UKEK" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_inventory(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { P25_INVENTORY_NULL, "null" },
        { P25_INVENTORY_DATE_TIME, "send the date and time" },
        { P25_INVENTORY_ACTIVE_KEYSETS, "active keyset IDs" },
        { P25_INVENTORY_INACTIVE_KEYSETS, "inactive keyset IDs" },
        { P25_INVENTORY_ACTIVE_KIDS, "active key IDs" },
        { P25_INVENTORY_INACTIVE_KIDS, "inactive key IDs" },
        { P25_INVENTORY_ALL_TAGS, "all keyset tagging information" },
        { 0x07, "all unique key information (layout not public)" },
        { 0x08, "key assignments of channel selector positions (layout not public)" },
        { 0x09, "key assignments of talkgroups (layout not public)" },
        { 0x0a, "key assignments of logical link IDs (layout not public)" },
        { P25_INVENTORY_RSIS, "RSI items: own RSI first, then group RSIs" },
        { P25_INVENTORY_ACTIVE_SUID, "active SUID" },
        { P25_INVENTORY_SUIDS, "SUID items" },
        { P25_INVENTORY_KEYSET_TAGS, "keyset tagging" },
        { P25_INVENTORY_ACTIVE_KEYS, "active keys, by pages" },
        { P25_INVENTORY_MNP, "message number period" },
        { P25_INVENTORY_KMF_RSI, "RSI of the KMF" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_marker(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%s",
               fields_integer(octets) == 0 ? "the first page, or no more pages"
                                           : "the page to ask for or sent");
}

static void say_services(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0x01, "time of day" }, { 0x06, "message numbers" }, { 0x0a, "enhanced MAC" },
        { 0x0b, "DES MAC" },     { 0x0c, "key names" },       { 0x0d, "keyset names" },
        { 0x1f, "CMAC" },
    };
    (void)context;
    for (size_t i = 0; i < octets.len && i < 10; i++) {
        fields_put(w, "%s", i == 0 ? "" : ", ");
        FIELDS_PUT_WORD(w, words, octets.ptr[i]);
    }
}

static void say_registration(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s%s", (v & 0x80) != 0 ? "a TEK is transported" : "no TEK is transported",
               (v & 0x40) != 0 ? "; bit 6 set: sources disagree on its meaning" : "");
}

static void say_session(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { P25_SESSION_READY_REQUEST, "ready request" },
        { P25_SESSION_READY_GENERAL, "ready, general mode" },
        { P25_SESSION_TRANSFER_DONE, "transfer done" },
        { P25_SESSION_END, "end of session" },
        { P25_SESSION_END_ACK, "end of session acknowledged" },
        { P25_SESSION_DISCONNECT, "disconnect" },
        { P25_SESSION_DISCONNECT_ACK, "disconnect acknowledged" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_source(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { 1, "key fill device" }, { 2, "subscriber" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_instruction(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s", (v & 2) != 0 ? "all SUIDs" : (v & 1) != 0 ? "one SUID" : "no SUID named");
}

static void say_sap(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "11, then SAP %02X%s", (unsigned)(v & 0x3f),
               (v & 0x3f) == P25_SAP_KMM ? ": a KMM" : "");
}

/* --- Interworking Security Data --------------------------------------------------------------- */

static void say_sd_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = { { MCDATA_INTERWORKING_REQUEST, "request" },
                                         { MCDATA_INTERWORKING_RESPONSE, "response" } };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_lmr(fields_context *context, kf_slice octets, kf_writer *w)
{
    const char *name = mcdata_lmr_type_name((unsigned)fields_integer(octets));
    (void)context;
    fields_put(w, "%s", name == NULL ? "not known to us" : name);
}

static void say_carried(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "key management message of the LMR system, carried untouched");
}

/* --- RTP -------------------------------------------------------------------------------------- */

static void say_flags(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "version %u", (unsigned)(fields_integer(octets) >> 6));
}

static void say_pt(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%u%s%s", (unsigned)(v & 0x7f),
               (v & 0x7f) == VOICE_RTP_PT_FULL_RATE ? ", full-rate IMBE" : "",
               (v & 0x80) != 0 ? "; marker" : "");
}

static void say_ssrc(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { VOICE_RTP_SSRC_HOME, "group call, from the home RFSS" },
        { VOICE_RTP_SSRC_SERVING, "group call, from the serving RFSS" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_control(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s; %s headers; %u blocks", (v & 0x80) != 0 ? "S: transmitting" : "S clear",
               (v & 0x40) != 0 ? "compact" : "verbose", (unsigned)(v & 0x3f));
}

static void say_block_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { VOICE_ISSI_IMBE, "IMBE voice" },
        { VOICE_ISSI_PACKET_TYPE, "packet type" },
        { VOICE_ISSI_HEADER_WORD, "ISSI header word" },
        { VOICE_ISSI_PTT_CONTROL, "PTT control word" },
        { VOICE_ISSI_CONSOLE_PTT, "console PTT control word" },
    };
    uint64_t v = fields_integer(octets) & 0x7f;
    (void)context;
    if (v >= VOICE_ISSI_MANUFACTURER)
        fields_put(w, "%llu: of a manufacturer, skipped by its length", (unsigned long long)v);
    else
        FIELDS_PUT_WORD(w, words, v);
}

static void say_offset_length(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "timestamp offset %u (units of 125 us), %u octets", (unsigned)(v >> 10),
               (unsigned)(v & 0x3ff));
}

static void say_packet_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    const char *name = voice_packet_type_name((unsigned)(v & 0x7f));
    (void)context;
    fields_put(w, "%s%s", name == NULL ? "not known to us" : name,
               (v & 0x80) != 0 ? "; M: mute" : "");
}

static void say_options(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s%s%s%spriority %u", (v & VOICE_SO_EMERGENCY) != 0 ? "EMERGENCY, " : "",
               (v & VOICE_SO_PROTECTED) != 0 ? "protected, " : "not protected, ",
               (v & VOICE_SO_DUPLEX) != 0 ? "duplex, " : "",
               (v & VOICE_SO_PACKET_MODE) != 0 ? "packet mode, " : "",
               (unsigned)(v & VOICE_SO_PRIORITY));
}

static void say_tsn(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "talk spurt %u%s", (unsigned)(v >> 1), (v & 1) != 0 ? "; losing audio" : "");
}

static void say_seconds(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    fields_put(w, "%llu s", (unsigned long long)fields_integer(octets));
}

static void say_wacn_system(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "WACN %05X, system %03X", (unsigned)(v >> 12), (unsigned)(v & 0xfff));
}

static void say_priority(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "type %u, level %u", (unsigned)(v >> 4), (unsigned)(v & 15));
}

static void say_nid(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "NAC %03X, DUID %X", (unsigned)(v >> 4), (unsigned)(v & 15));
}

static void say_ignored(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "superframe, busy bits, reserved: differs between senders, ignored");
}

static void say_frame_type(fields_context *context, kf_slice octets, kf_writer *w)
{
    context->frame_type = (uint8_t)fields_integer(octets);
    const voice_frame_type *t = voice_frame_type_find(context->frame_type);
    if (t == NULL)
        fields_put(w, "not known to us");
    else
        fields_put(w, "voice frame %u of 18, LDU%u%s", t->frame + 1u,
                   t->frame < VOICE_FRAMES / 2 ? 1u : 2u,
                   t->kind == VOICE_BLOCK_ES    ? ", with encryption sync"
                   : t->kind == VOICE_BLOCK_LC  ? ", with link control"
                   : t->kind == VOICE_BLOCK_LSD ? ", with low-speed data"
                                                : "");
}

static void say_imbe(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "u0 to u7, encrypted when the call is");
}

static void say_errors(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "Et %u, Er %u%s%s", (unsigned)(v >> 5), (unsigned)(v >> 2 & 7),
               (v & 2) != 0 ? "; mute" : "", (v & 1) != 0 ? "; LOST" : "");
}

static void say_superframe(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "E4 %u, E1 %u, superframe counter %u", (unsigned)(v >> 7), (unsigned)(v >> 4 & 7),
               (unsigned)(v >> 2 & 3));
}

static void say_es(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const char *const parts[] = {
        "MI octets 0 to 2 of the next superframe",
        "MI octets 3 to 5",
        "MI octets 6 to 8",
        "ALGID and KID",
        "parity, words 1 to 4 of RS(24,16,9)",
        "parity, words 5 to 8",
    };
    const voice_frame_type *t = voice_frame_type_find(context->frame_type);
    size_t at = t == NULL ? 0 : (size_t)t->frame - 11u;
    if (at >= KF_COUNT(parts))
        return;
    fields_put(w, "%s", parts[at]);
    if (at == 3 && octets.len == 3) {
        fields_put(w, ": ");
        say_algid(context, kf_slice_part(octets, 0, 1), w);
        fields_put(w, ", key ID %04X", (unsigned)fields_integer(kf_slice_part(octets, 1, 2)));
    }
}

/* --- key fill --------------------------------------------------------------------------------- */

static void say_opcode(fields_context *context, kf_slice octets, kf_writer *w)
{
    static const fields_word words[] = {
        { 0x90, "disconnect acknowledged" },
        { 0x92, "disconnect" },
        { 0xc0, "ready request, after the key signature" },
        { 0xc1, "transfer done" },
        { 0xc2, "a KMM" },
        { 0xd0, "ready, subscriber unit" },
        { 0xd1, "ready, key loader" },
    };
    (void)context;
    FIELDS_PUT_WORD(w, words, fields_integer(octets));
}

static void say_crc(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "CRC-16 over control, RSI and KMM, low octet first");
}

static void say_little_endian(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = 0;
    (void)context;
    for (size_t i = octets.len; i > 0 && octets.len <= 8; i--)
        v = v << 8 | octets.ptr[i - 1];
    fields_put(w, "%llu octets of XML, least significant octet first", (unsigned long long)v);
}

static void say_packed(fields_context *context, kf_slice octets, kf_writer *w)
{
    (void)context;
    (void)octets;
    fields_put(w, "the XML, packed; what it says of itself is below");
}

/* --- our key file ----------------------------------------------------------------------------- */

static void say_entry_flags(fields_context *context, kf_slice octets, kf_writer *w)
{
    uint64_t v = fields_integer(octets);
    (void)context;
    fields_put(w, "%s%s%s",
               (v & 2) != 0   ? "TEK"
               : (v & 4) != 0 ? "KEK"
                              : "TEK or KEK by its SLN",
               (v & 1) != 0 ? "; for the active keyset" : "", (v & 8) != 0 ? "; of one RSI" : "");
}

static void say_entry_keyset(fields_context *context, kf_slice octets, kf_writer *w)
{
    if (fields_integer(octets) == 0) /* allowed with the flag only */
        fields_put(w, "the active keyset");
    else
        say_keyset(context, octets, w);
}

/* --- the table -------------------------------------------------------------------------------- */

#define N fields_say_number
#define X fields_say_nothing

/* One row a line. */
/* clang-format off */
const fields_row fields_p25[] = {
    { "KMM.message_id", AACA, say_message_id, FIELDS_SHOW },
    { "KMM.length", AACA, say_kmm_length, FIELDS_SHOW },
    { "KMM.format", AACA, say_format, FIELDS_SHOW },
    { "KMM.destination_rsi", AACA, say_rsi, FIELDS_SHOW },
    { "KMM.source_rsi", AACA, say_rsi, FIELDS_SHOW },
    { "KMM.mn", AACA, N, FIELDS_SHOW },
    { "KMM.body", AACA, X, FIELDS_HIDE },
    { "KMM.opaque", AACA, say_not_public, FIELDS_HIDE },
    { "KMM.mac", AACA_C " 14.3.5.1, " AACA_D " 14.3", say_mac, FIELDS_SHOW },
    { "KMM.mac_length", AACA, N, FIELDS_SHOW },
    { "KMM.mac_algid", AACA_D " 13.5, " ALGIDS, say_algid, FIELDS_SHOW },
    { "KMM.mac_kid", AACA_D " 13.5", say_kid, FIELDS_SHOW },
    { "KMM.mac_format", AACA, say_mac_format, FIELDS_SHOW },
    { "DLI.version", AACA_D, N, FIELDS_SHOW },
    { "DLI.mfid", AACA_D, say_mfid, FIELDS_SHOW },
    { "DLI.algid", AACA_D ", " ALGIDS, say_algid, FIELDS_SHOW },
    { "DLI.kid", AACA_D, say_kid, FIELDS_SHOW },
    { "DLI.mi", AACA_D ", " AAAD, say_mi, FIELDS_SHOW },
    { "DLI.kmm", AACA_D, say_below, FIELDS_HIDE },
    { "DLD.mi", AACA ", " AAAD, say_mi, FIELDS_SHOW },
    { "DLD.algid", AACA ", " ALGIDS, say_algid, FIELDS_SHOW },
    { "DLD.kid", AACA, say_kid, FIELDS_SHOW },
    { "DLD.sap", AACA, say_sap, FIELDS_SHOW },
    { "DLD.kmm", AACA, say_below, FIELDS_HIDE },
    { "DECRYPTION.format", AACA, say_decryption, FIELDS_SHOW },
    { "DECRYPTION.extended", AACD, N, FIELDS_SHOW },
    { "DECRYPTION.algid", AACA_D " table 81, " ALGIDS, say_kek_algid, FIELDS_SHOW },
    { "DECRYPTION.kid", AACA, say_kid, FIELDS_SHOW },
    { "DECRYPTION.mi", AACA, say_mi, FIELDS_HIDE_BODY },
    { "KEY.format", AACA_D " table 70", say_key_format, FIELDS_HIDE_BODY },
    { "KEY.sln", AACA, say_sln, FIELDS_HIDE_BODY },
    { "KEY.kid", AACA, say_kid, FIELDS_HIDE_BODY },
    { "KEY.key", AACA_C " 14.3.3", say_key, FIELDS_HIDE_KEY },
    { "KEY.name", AACA, fields_say_text, FIELDS_HIDE_BODY },
    { "KEYSET.format", AACA, say_keyset_format, FIELDS_HIDE_BODY },
    { "KEYSET.id", AACA_C " 6.1", say_keyset, FIELDS_HIDE_BODY },
    { "KEYSET.zero", AACA, N, FIELDS_HIDE_BODY },
    { "KEYSET.reserved", AACA, X, FIELDS_HIDE_BODY },
    { "KEYSET.name", AACA, fields_say_text, FIELDS_HIDE_BODY },
    { "KEYSET.algid", ALGIDS, say_algid, FIELDS_HIDE_BODY },
    { "KEYSET.key_length", AACA, say_key_length, FIELDS_HIDE_BODY },
    { "KEYSET.key_count", AACA, N, FIELDS_HIDE_BODY },
    { "DATE_TIME.date", AACA, say_date, FIELDS_HIDE_BODY },
    { "DATE_TIME.time", AACA, say_time, FIELDS_HIDE_BODY },
    { "REKEY.keyset_count", AACA, N, FIELDS_HIDE_BODY },
    { "MODIFY_KEY.keyset", AACA_C " 6.1", say_keyset, FIELDS_HIDE_BODY },
    { "MODIFY_KEY.algid", ALGIDS, say_algid, FIELDS_HIDE_BODY },
    { "MODIFY_KEY.key_length", AACA, say_key_length, FIELDS_HIDE_BODY },
    { "MODIFY_KEY.key_count", AACA, N, FIELDS_HIDE_BODY },
    { "MODIFY_KEYSET.count", AACA, N, FIELDS_SHOW },
    { "MODIFY_KEYSET.keyset", AACA_C " 6.1", say_keyset, FIELDS_SHOW },
    { "MODIFY_KEYSET.status", AACA, say_status, FIELDS_SHOW },
    { "WARM_START.key_length", AACA, say_key_length, FIELDS_HIDE_BODY },
    { "WARM_START.algid", ALGIDS, say_algid, FIELDS_HIDE_BODY },
    { "WARM_START.key_format", AACA_D " table 70", say_key_format, FIELDS_HIDE_BODY },
    { "WARM_START.sln", AACA, say_sln, FIELDS_HIDE_BODY },
    { "WARM_START.kid", AACA, say_kid, FIELDS_HIDE_BODY },
    { "WARM_START.key", AACA, say_key, FIELDS_HIDE_KEY },
    { "AUTH_KEY.instruction", AACD, say_instruction, FIELDS_HIDE_BODY },
    { "AUTH_KEY.suid", AACD, X, FIELDS_HIDE_BODY },
    { "AUTH_KEY.algid", ALGIDS, say_algid, FIELDS_HIDE_BODY },
    { "AUTH_KEY.key_length", AACD, say_key_length, FIELDS_HIDE_BODY },
    { "AUTH_KEY.key", AACD, say_key, FIELDS_HIDE_KEY },
    { "HELLO.flag", AACA, say_hello, FIELDS_SHOW },
    { "CAPABILITIES.algid_count", AACA, N, FIELDS_SHOW },
    { "CAPABILITIES.algids", ALGIDS, say_algids, FIELDS_SHOW },
    { "CAPABILITIES.service_count", AACA, N, FIELDS_SHOW },
    { "CAPABILITIES.services", AACA, say_services, FIELDS_SHOW },
    { "CAPABILITIES.message_count", AACA, N, FIELDS_SHOW },
    { "CAPABILITIES.messages", AACA, say_messages, FIELDS_SHOW },
    { "CHANGE_RSI.count", AACA, N, FIELDS_SHOW },
    { "CHANGE_RSI.old_rsi", AACA, say_rsi, FIELDS_SHOW },
    { "CHANGE_RSI.new_rsi", AACA, say_rsi, FIELDS_SHOW },
    { "CHANGE_RSI.mn", AACA, N, FIELDS_SHOW },
    { "CHANGE_RSI.status", AACA, say_status, FIELDS_SHOW },
    { "CHANGEOVER.count", AACA, N, FIELDS_SHOW },
    { "CHANGEOVER.superseded", AACA_C " 6.1", say_keyset, FIELDS_SHOW },
    { "CHANGEOVER.activated", AACA_C " 6.1", say_keyset, FIELDS_SHOW },
    { "NACK.acked_id", AACA, say_message, FIELDS_SHOW },
    { "NACK.mn", AACA, N, FIELDS_SHOW },
    { "NACK.status", AACA, say_status, FIELDS_SHOW },
    { "REKEY_ACK.acked_id", AACA, say_message, FIELDS_SHOW },
    { "REKEY_ACK.count", AACA, N, FIELDS_SHOW },
    { "REKEY_ACK.algid", ALGIDS, say_algid, FIELDS_SHOW },
    { "REKEY_ACK.kid", AACA, say_kid, FIELDS_SHOW },
    { "REKEY_ACK.status", AACA, say_status, FIELDS_SHOW },
    { "REGISTRATION.format", AACA_D, say_registration, FIELDS_SHOW },
    { "REGISTRATION.kmf_rsi", AACA_D, say_rsi, FIELDS_SHOW },
    { "REGISTRATION.transported", AACA_D, say_not_public, FIELDS_HIDE },
    { "REGISTRATION.status", AACA_D, say_status, FIELDS_SHOW },
    { "UTD.format", AACA, N, FIELDS_SHOW },
    { "UTD.mfid", AACA, say_mfid, FIELDS_SHOW },
    { "UTD.algid", ALGIDS, say_algid, FIELDS_SHOW },
    { "UTD.kid", AACA, say_kid, FIELDS_SHOW },
    { "UTD.status", AACA, say_status, FIELDS_SHOW },
    { "UTD.tail", AACA, say_not_public, FIELDS_HIDE },
    { "SESSION.version", AACD, N, FIELDS_SHOW },
    { "SESSION.opcode", AACD, say_session, FIELDS_SHOW },
    { "SESSION.source", AACD, say_source, FIELDS_SHOW },
    { "LOAD_CONFIG.kmf_rsi", AACD, say_rsi, FIELDS_SHOW },
    { "LOAD_CONFIG.mnp", AACD, N, FIELDS_SHOW },
    { "LOAD_CONFIG.status", AACD, say_status, FIELDS_SHOW },
    { "ZEROIZE.filler", AACA, N, FIELDS_SHOW },
    { "INVENTORY.type", AACA, say_inventory, FIELDS_SHOW },
    { "INVENTORY.marker", AACA, say_marker, FIELDS_SHOW },
    { "INVENTORY.max_items", AACA, N, FIELDS_SHOW },
    { "INVENTORY.count", AACA, N, FIELDS_SHOW },
    { "INVENTORY.keyset", AACA_C " 6.1", say_keyset, FIELDS_SHOW },
    { "INVENTORY.algid", ALGIDS, say_algid, FIELDS_SHOW },
    { "INVENTORY.sln", AACA, say_sln, FIELDS_SHOW },
    { "INVENTORY.kid", AACA, say_kid, FIELDS_SHOW },
    { "INVENTORY.kid_count", AACA, N, FIELDS_SHOW },
    { "INVENTORY.rsi", AACA, say_rsi, FIELDS_SHOW },
    { "INVENTORY.mn", AACA, N, FIELDS_SHOW },
    { "INVENTORY.mnp", AACA, N, FIELDS_SHOW },
    { "INVENTORY.kmf_rsi", AACA, say_rsi, FIELDS_SHOW },
    { "INVENTORY.opaque", AACA, say_not_public, FIELDS_HIDE },
    { "INTERSD.message_type", SD ", TS 23.283 10.12.1", say_sd_type, FIELDS_SHOW },
    { "INTERSD.lmr_type", SD ", TS 23.283 10.12.1", say_lmr, FIELDS_SHOW },
    { "INTERSD.uri_length", SD, fields_say_octets, FIELDS_SHOW },
    { "INTERSD.uri", SD ", TS 23.283 10.12.1", fields_say_text, FIELDS_SHOW },
    { "INTERSD.payload_length", SD, fields_say_octets, FIELDS_SHOW },
    { "INTERSD.payload", SD ", TS 23.283 10.12.1", say_carried, FIELDS_HIDE },
    { "RTP.flags", "RFC 3550 5.1", say_flags, FIELDS_SHOW },
    { "RTP.payload_type", "RFC 3550 5.1, " BACA, say_pt, FIELDS_SHOW },
    { "RTP.sequence", "RFC 3550 5.1", N, FIELDS_SHOW },
    { "RTP.timestamp", "RFC 3550 5.1", N, FIELDS_SHOW },
    { "RTP.ssrc", "RFC 3550 5.1, " BACA, say_ssrc, FIELDS_SHOW },
    { "ISSI.control", BACA, say_control, FIELDS_SHOW },
    { "ISSI.header.type", BACA, say_block_type, FIELDS_SHOW },
    { "ISSI.header.offset_length", BACA, say_offset_length, FIELDS_SHOW },
    { "ISSI.block", BACA, X, FIELDS_SHOW },
    { "ISSI.skipped", BACA, X, FIELDS_SHOW },
    { "ISSI.packet_type", BACA, say_packet_type, FIELDS_SHOW },
    { "ISSI.service_options", BACA, say_options, FIELDS_SHOW },
    { "ISSI.tsn", BACA, say_tsn, FIELDS_SHOW },
    { "ISSI.interval", BACA, say_seconds, FIELDS_SHOW },
    { "ISSI.ptt.wacn_system", BACA, say_wacn_system, FIELDS_SHOW },
    { "ISSI.ptt.unit", BACA, N, FIELDS_SHOW },
    { "ISSI.ptt.priority", BACA, say_priority, FIELDS_SHOW },
    { "ISSI.word.mi", BACA ", " AAAD, say_mi, FIELDS_SHOW },
    { "ISSI.word.algid", ALGIDS, say_algid, FIELDS_SHOW },
    { "ISSI.word.kid", BACA, say_kid, FIELDS_SHOW },
    { "ISSI.word.mfid", BACA, say_mfid, FIELDS_SHOW },
    { "ISSI.word.group", BACA, N, FIELDS_SHOW },
    { "ISSI.word.nid", BACA, say_nid, FIELDS_SHOW },
    { "ISSI.word.last", BACA, say_ignored, FIELDS_SHOW },
    { "ISSI.voice.frame_type", BACA, say_frame_type, FIELDS_SHOW },
    { "ISSI.voice.imbe", BACA ", " AAAD, say_imbe, FIELDS_SHOW },
    { "ISSI.voice.errors", BACA, say_errors, FIELDS_SHOW },
    { "ISSI.voice.superframe", BACA, say_superframe, FIELDS_SHOW },
    { "ISSI.voice.link_control", BACA, X, FIELDS_SHOW },
    { "ISSI.voice.lsd", BACA, X, FIELDS_SHOW },
    { "ISSI.voice.es", BACA ", " AAAD, say_es, FIELDS_SHOW },
    { "ISSI.voice.status", BACA, N, FIELDS_SHOW },
    { "threewire.opcode", AACD, say_opcode, FIELDS_SHOW },
    { "threewire.length", AACD, fields_say_octets, FIELDS_SHOW },
    { "threewire.control", AACD, N, FIELDS_SHOW },
    { "threewire.rsi", AACD, say_rsi, FIELDS_SHOW },
    { "threewire.kmm", AACD, say_below, FIELDS_HIDE },
    { "threewire.crc", AACD " annex A", say_crc, FIELDS_SHOW },
    { "ekc.length", "keyfill/ekc.h", say_little_endian, FIELDS_SHOW },
    { "ekc.gzip", "RFC 1952", say_packed, FIELDS_HIDE },
    { "keyfile.version", BOX, N, FIELDS_SHOW },
    { "keyfile.entries", BOX, N, FIELDS_SHOW },
    { "keyfile.groups", BOX, N, FIELDS_SHOW },
    { "keyfile.entry_id", BOX, N, FIELDS_SHOW },
    { "keyfile.flags", BOX, say_entry_flags, FIELDS_SHOW },
    { "keyfile.keyset", BOX, say_entry_keyset, FIELDS_SHOW },
    { "keyfile.sln", BOX, say_sln, FIELDS_SHOW },
    { "keyfile.algid", BOX ", " ALGIDS, say_algid, FIELDS_SHOW },
    { "keyfile.kid", BOX, say_kid, FIELDS_SHOW },
    { "keyfile.rsi", BOX, say_rsi, FIELDS_SHOW },
    { "keyfile.name_length", BOX, fields_say_octets, FIELDS_SHOW },
    { "keyfile.entry_name", BOX, fields_say_text, FIELDS_SHOW },
    { "keyfile.key_length", BOX, fields_say_octets, FIELDS_SHOW },
    { "keyfile.key", BOX, X, FIELDS_HIDE },
    { "keyfile.group_id", BOX, N, FIELDS_SHOW },
    { "keyfile.group_name", BOX, fields_say_text, FIELDS_SHOW },
    { "keyfile.members", BOX, N, FIELDS_SHOW },
    { "keyfile.member", BOX, N, FIELDS_SHOW },
};
/* clang-format on */
const size_t fields_p25_count = KF_COUNT(fields_p25);

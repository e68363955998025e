/* The frame of a KMM and the table of its bodies: facts 1.1 to 1.3, 1.6. */
#include "p25/kmm.h"

#include <string.h>

#include "p25/kmm_body.h"

#define LENGTH_END        3u /* octets up to and including the length field */
#define FORMAT_KIND_SHIFT 6
#define FORMAT_MN_SHIFT   4
#define FORMAT_MAC_SHIFT  2
#define FORMAT_CODE       3u /* each of the three is two bits */
#define FORMAT_RESERVED   0x02u
#define FORMAT_MORE       0x01u
#define MN_ABSENT         0u
#define MN_PRESENT        2u
#define KIND_UNUSED       3u
#define MAC_RESERVED      1u

#define ENHANCED_TRAILER 5u /* MAC length, ALGID, KID (2), MAC format */
#define DES_TRAILER      3u /* ALGID, KID (2) */
#define MAC_SHORT        4u

static const struct {
    uint8_t id;
    const char *name;
    p25_body_decode_fn *decode; /* NULL: the layout is not public */
    p25_body_encode_fn *encode;
} messages[] = {
    { P25_KMM_NULL, "Null", NULL, NULL },
    { P25_KMM_CAPABILITIES_CMD, "Capabilities-Command", p25_empty_decode, p25_empty_encode },
    { P25_KMM_CAPABILITIES_RSP, "Capabilities-Response", p25_capabilities_decode,
      p25_capabilities_encode },
    { P25_KMM_CHANGE_RSI_CMD, "Change-RSI-Command", p25_change_rsi_decode, p25_change_rsi_encode },
    { P25_KMM_CHANGE_RSI_RSP, "Change-RSI-Response", p25_change_rsi_decode, p25_change_rsi_encode },
    { P25_KMM_CHANGEOVER_CMD, "Changeover-Command", p25_changeover_decode, p25_changeover_encode },
    { P25_KMM_CHANGEOVER_RSP, "Changeover-Response", p25_changeover_decode, p25_changeover_encode },
    { P25_KMM_DELAYED_ACK, "Delayed-Acknowledgment", NULL, NULL },
    { P25_KMM_DELETE_KEY_CMD, "Delete-Key-Command", NULL, NULL },
    { P25_KMM_DELETE_KEY_RSP, "Delete-Key-Response", NULL, NULL },
    { P25_KMM_DELETE_KEYSET_CMD, "Delete-Keyset-Command", NULL, NULL },
    { P25_KMM_DELETE_KEYSET_RSP, "Delete-Keyset-Response", NULL, NULL },
    { P25_KMM_HELLO, "Hello", p25_hello_decode, p25_hello_encode },
    { P25_KMM_INVENTORY_CMD, "Inventory-Command", p25_inventory_cmd_decode,
      p25_inventory_cmd_encode },
    { P25_KMM_INVENTORY_RSP, "Inventory-Response", p25_inventory_rsp_decode,
      p25_inventory_rsp_encode },
    { P25_KMM_KEY_ASSIGNMENT_CMD, "Key-Assignment-Command", NULL, NULL },
    { P25_KMM_KEY_ASSIGNMENT_RSP, "Key-Assignment-Response", NULL, NULL },
    { P25_KMM_MODIFY_KEY_CMD, "Modify-Key-Command", p25_modify_key_decode, p25_modify_key_encode },
    { P25_KMM_MODIFY_KEYSET_CMD, "Modify-Keyset-Attributes-Command", p25_modify_keyset_decode,
      p25_modify_keyset_encode },
    { P25_KMM_MODIFY_KEYSET_RSP, "Modify-Keyset-Attributes-Response", p25_keyset_statuses_decode,
      p25_keyset_statuses_encode },
    { P25_KMM_NEGATIVE_ACK, "Negative-Acknowledgment", p25_negative_ack_decode,
      p25_negative_ack_encode },
    { P25_KMM_NO_SERVICE, "No-Service", p25_empty_decode, p25_empty_encode },
    { P25_KMM_REKEY_ACK, "Rekey-Acknowledgment", p25_rekey_ack_decode, p25_rekey_ack_encode },
    { P25_KMM_REKEY_CMD, "Rekey-Command", p25_rekey_decode, p25_rekey_encode },
    { P25_KMM_SET_DATE_TIME, "Set-Date-Time", p25_set_date_time_decode, p25_set_date_time_encode },
    { P25_KMM_WARM_START_CMD, "Warm-Start-Command", p25_warm_start_decode, p25_warm_start_encode },
    { P25_KMM_ZEROIZE_CMD, "Zeroize-Command", p25_zeroize_decode, p25_empty_encode },
    { P25_KMM_ZEROIZE_RSP, "Zeroize-Response", p25_empty_decode, p25_empty_encode },
    { P25_KMM_DEREGISTRATION_CMD, "Deregistration-Command", p25_registration_decode,
      p25_registration_encode },
    { P25_KMM_DEREGISTRATION_RSP, "Deregistration-Response", p25_status_decode, p25_status_encode },
    { P25_KMM_REGISTRATION_CMD, "Registration-Command", p25_registration_decode,
      p25_registration_encode },
    { P25_KMM_REGISTRATION_RSP, "Registration-Response", p25_status_decode, p25_status_encode },
    { P25_KMM_UNABLE_TO_DECRYPT, "Unable-to-Decrypt", p25_utd_decode, p25_utd_encode },
    { P25_KMM_LOAD_AUTH_KEY_CMD, "Load-Authentication-Key-Command", p25_load_auth_key_decode,
      p25_load_auth_key_encode },
    { P25_KMM_LOAD_AUTH_KEY_RSP, "Load-Authentication-Key-Response", NULL, NULL },
    { P25_KMM_DELETE_AUTH_KEY_CMD, "Delete-Authentication-Key-Command", p25_delete_auth_key_decode,
      p25_delete_auth_key_encode },
    { P25_KMM_DELETE_AUTH_KEY_RSP, "Delete-Authentication-Key-Response", NULL, NULL },
    { P25_KMM_SESSION_CONTROL, "Session-Control", p25_session_decode, p25_session_encode },
    { P25_KMM_LOAD_CONFIG_RSP, "Load-Config-Response", p25_load_config_decode,
      p25_load_config_encode },
    { P25_KMM_LOAD_CONFIG_CMD, "Load-Config-Command", p25_load_config_decode,
      p25_load_config_encode },
};

static size_t find(unsigned id)
{
    size_t i = 0;
    while (i < KF_COUNT(messages) && messages[i].id != id)
        i++;
    return i;
}

const char *p25_message_name(unsigned message_id)
{
    size_t i = find(message_id);
    return i < KF_COUNT(messages) ? messages[i].name : NULL;
}

bool p25_message_is_known(unsigned message_id)
{
    size_t i = find(message_id);
    return i < KF_COUNT(messages) && messages[i].decode != NULL;
}

const p25_deviation_fact *p25_deviation_facts(size_t *count)
{
    static const p25_deviation_fact facts[] = {
        { P25_DEV_SHORT_NACK, "Negative-Acknowledgment without the message number",
          "an APX900 over DLI; omahacommsys/KFDtool issue 42" },
        { P25_DEV_ZEROIZE_OCTET, "one 00 octet as the body of a Zeroize-Command",
          "KFDweb; project facts 1.9" },
        { P25_DEV_REGISTRATION_KEK, "body format bit 6 of a (De)registration-Command",
          "dvmhost, with two contradicting meanings; project facts 8, C4" },
    };
    *count = KF_COUNT(facts);
    return facts;
}

size_t p25_mac_block_octets(const p25_kmm_mac *mac)
{
    switch (mac->kind) {
    case P25_MAC_NONE:
        return 0;
    case P25_MAC_ENHANCED:
        return (size_t)mac->len + ENHANCED_TRAILER;
    case P25_MAC_DES:
        return MAC_SHORT + DES_TRAILER;
    }
    return 0;
}

static void decode_format(kf_reader *r, p25_kmm_frame *f)
{
    uint8_t format = kf_read_u8(r, "KMM.format");
    unsigned kind = (unsigned)format >> FORMAT_KIND_SHIFT & FORMAT_CODE;
    unsigned mn = (unsigned)format >> FORMAT_MN_SHIFT & FORMAT_CODE;
    unsigned mac = (unsigned)format >> FORMAT_MAC_SHIFT & FORMAT_CODE;
    p25_expect(r, kind != KIND_UNUSED, 1, KF_E_MALFORMED, "KMM.format");
    p25_expect(r, mn == MN_ABSENT || mn == MN_PRESENT, 1, KF_E_MALFORMED, "KMM.format");
    p25_expect(r, mac != MAC_RESERVED, 1, KF_E_MALFORMED, "KMM.format");
    p25_expect(r, (format & FORMAT_RESERVED) == 0, 1, KF_E_MALFORMED, "KMM.format");
    if (!kf_reader_ok(r))
        return;
    f->response_kind = (p25_response_kind)kind;
    f->has_mn = mn == MN_PRESENT;
    f->mac.kind = (p25_mac_kind)mac;
    f->more_follows = (format & FORMAT_MORE) != 0;
}

static void encode_format(const p25_kmm_frame *f, kf_writer *w)
{
    unsigned kind = f->response_kind, mac = f->mac.kind;
    p25_require(w, kind < KIND_UNUSED && mac <= FORMAT_CODE && mac != MAC_RESERVED);
    unsigned format = (kind & FORMAT_CODE) << FORMAT_KIND_SHIFT |
                      (f->has_mn ? MN_PRESENT : MN_ABSENT) << FORMAT_MN_SHIFT |
                      (mac & FORMAT_CODE) << FORMAT_MAC_SHIFT | (f->more_follows ? FORMAT_MORE : 0);
    kf_write_u8(w, (uint8_t)format);
}

/* The length counts what follows it, and nothing may follow that. */
static void check_length(kf_reader *r, size_t length)
{
    size_t left = kf_reader_left(r);
    p25_expect(r, length >= P25_KMM_OCTETS_MIN - LENGTH_END, 2, KF_E_MALFORMED, "KMM.length");
    p25_expect(r, length <= P25_KMM_OCTETS_MAX - LENGTH_END, 2, KF_E_UNSUPPORTED, "KMM.length");
    p25_expect(r, length <= left, 2, KF_E_TRUNCATED, "KMM.length");
    p25_expect(r, length >= left, 2, KF_E_TRAILING, "KMM.length");
}

/* Everything before the body. */
static void decode_head(kf_reader *r, p25_kmm_frame *f)
{
    f->message_id = kf_read_u8(r, "KMM.message_id");
    size_t length = kf_read_u16(r, "KMM.length");
    check_length(r, length);
    decode_format(r, f);
    f->destination_rsi = kf_read_u24(r, "KMM.destination_rsi");
    f->source_rsi = kf_read_u24(r, "KMM.source_rsi");
    if (f->has_mn)
        f->mn = kf_read_u16(r, "KMM.mn");
}

/* The MAC block is found from the end; then the body is what lies before it. */
static size_t measure_body(const kf_reader *r, p25_kmm_mac *mac)
{
    kf_reader peek = *r;
    peek.trace = NULL;
    size_t left = kf_reader_left(r);
    if (mac->kind == P25_MAC_ENHANCED) {
        if (left < ENHANCED_TRAILER)
            kf_reader_fail(&peek, KF_E_TRUNCATED, "KMM.mac");
        else
            (void)kf_read_slice(&peek, left - ENHANCED_TRAILER, "KMM.mac");
        mac->len = kf_read_u8(&peek, "KMM.mac_length");
        p25_expect(&peek, mac->len == MAC_SHORT || mac->len == P25_MAC_OCTETS_MAX, 1,
                   KF_E_MALFORMED, "KMM.mac_length");
    } else if (mac->kind == P25_MAC_DES) {
        mac->len = MAC_SHORT;
    }
    size_t block = p25_mac_block_octets(mac);
    if (block > left)
        kf_reader_fail(&peek, KF_E_TRUNCATED, "KMM.mac");
    return kf_reader_ok(&peek) ? left - block : 0;
}

static void decode_mac(kf_reader *r, p25_kmm_mac *mac)
{
    if (!kf_reader_ok(r) || mac->kind == P25_MAC_NONE)
        return;
    kf_read_octets(r, mac->octets, mac->len, "KMM.mac");
    if (mac->kind == P25_MAC_ENHANCED)
        (void)kf_read_u8(r, "KMM.mac_length"); /* known since measure_body() */
    mac->algid = kf_read_u8(r, "KMM.mac_algid");
    mac->kid = kf_read_u16(r, "KMM.mac_kid");
    if (mac->kind == P25_MAC_ENHANCED)
        mac->format = kf_read_u8(r, "KMM.mac_format");
}

static void encode_mac(const p25_kmm_mac *mac, kf_writer *w)
{
    if (mac->kind == P25_MAC_NONE)
        return;
    bool is_enhanced = mac->kind == P25_MAC_ENHANCED;
    if (mac->len != MAC_SHORT && !(is_enhanced && mac->len == P25_MAC_OCTETS_MAX)) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    kf_write_octets(w, mac->octets, mac->len);
    if (is_enhanced)
        kf_write_u8(w, mac->len);
    kf_write_u8(w, mac->algid);
    kf_write_u16(w, mac->kid);
    if (is_enhanced)
        kf_write_u8(w, mac->format);
}

/* The slices of the frame, taken without telling the trace. */
static void keep_slices(const kf_reader *start, size_t body_at, size_t body_octets,
                        p25_kmm_frame *f)
{
    kf_reader quiet = *start;
    quiet.trace = NULL;
    f->octets = kf_read_rest(&quiet, "KMM");
    f->body = kf_slice_part(f->octets, body_at, body_octets);
    f->mac_at = body_at + body_octets;
}

kf_err p25_kmm_frame_parse(kf_slice octets, p25_kmm_frame *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    const kf_reader start = r;
    *out = (p25_kmm_frame){ 0 };
    decode_head(&r, out);
    size_t body_at = r.off;
    size_t body_octets = measure_body(&r, &out->mac);
    (void)kf_read_slice(&r, body_octets, "KMM.body");
    decode_mac(&r, &out->mac);
    keep_slices(&start, body_at, body_octets, out);
    kf_err err = kf_reader_end(&r, "KMM");
    if (err != KF_OK)
        *out = (p25_kmm_frame){ 0 };
    return err;
}

static void decode_body(kf_reader *r, p25_kmm *m)
{
    size_t i = find(m->frame.message_id);
    if (i < KF_COUNT(messages) && messages[i].decode != NULL)
        messages[i].decode(r, m);
    else
        p25_opaque_decode(r, m);
}

static void encode_body(const p25_kmm *m, kf_writer *w)
{
    size_t i = find(m->frame.message_id);
    if (m->is_opaque)
        p25_opaque_encode(m, w);
    else if (i < KF_COUNT(messages) && messages[i].encode != NULL)
        messages[i].encode(m, w);
    else
        kf_writer_fail(w, KF_E_MALFORMED);
}

void p25_kmm_decode(kf_reader *r, p25_side side, p25_kmm *out)
{
    const kf_reader start = *r;
    memset(out, 0, sizeof *out);
    out->side = side;
    decode_head(r, &out->frame);
    size_t body_at = r->off - start.off;
    size_t body_octets = measure_body(r, &out->frame.mac);
    kf_reader sub = kf_read_sub(r, body_octets, "KMM.body");
    if (kf_reader_ok(r))
        decode_body(&sub, out);
    kf_reader_close(&sub, "KMM.body");
    decode_mac(r, &out->frame.mac);
    keep_slices(&start, body_at, body_octets, &out->frame);
}

kf_err p25_kmm_parse(kf_slice octets, p25_side side, kf_trace *trace, p25_kmm *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    r.trace = trace;
    p25_kmm_decode(&r, side, out);
    kf_err err = kf_reader_end(&r, "KMM");
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return err;
}

void p25_kmm_encode(const p25_kmm *kmm, kf_writer *w)
{
    const p25_kmm_frame *f = &kmm->frame;
    size_t start = w->len;
    kf_write_u8(w, f->message_id);
    size_t mark = kf_write_len16_begin(w);
    encode_format(f, w);
    p25_rsi_encode(w, f->destination_rsi);
    p25_rsi_encode(w, f->source_rsi);
    if (f->has_mn)
        kf_write_u16(w, f->mn);
    encode_body(kmm, w);
    encode_mac(&f->mac, w);
    if (w->err == KF_OK && w->len - start > P25_KMM_OCTETS_MAX)
        kf_writer_fail(w, KF_E_NO_SPACE);
    kf_write_len16_end(w, mark);
}

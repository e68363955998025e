/* Bodies of a few octets: facts 1.9. Deviations accepted here are listed in kmm.c. */
#include "p25/kmm_body.h"

#define REGISTRATION_TRANSPORTED 0x80u
#define REGISTRATION_KEK         0x40u
#define CHANGE_RSI_COUNT         1u
#define SHORT_NACK_OCTETS        2u

/* Layout not public, or identifier unknown: kept as it is. */
void p25_opaque_decode(kf_reader *r, p25_kmm *m)
{
    m->is_opaque = true;
    m->body.opaque = kf_read_rest(r, "KMM.opaque");
}

void p25_opaque_encode(const p25_kmm *m, kf_writer *w)
{
    kf_write_slice(w, m->body.opaque);
}

void p25_empty_decode(kf_reader *r, p25_kmm *m)
{
    (void)r; /* that nothing is left is checked for every body */
    (void)m;
}

void p25_empty_encode(const p25_kmm *m, kf_writer *w)
{
    (void)m;
    (void)w;
}

void p25_zeroize_decode(kf_reader *r, p25_kmm *m)
{
    if (kf_reader_left(r) == 0)
        return;
    p25_expect(r, kf_read_u8(r, "ZEROIZE.filler") == 0, 1, KF_E_MALFORMED, "ZEROIZE.filler");
    m->deviations |= P25_DEV_ZEROIZE_OCTET;
}

void p25_hello_decode(kf_reader *r, p25_kmm *m)
{
    m->body.hello = kf_read_u8(r, "HELLO.flag");
    p25_expect(r, m->body.hello <= P25_HELLO_REKEY_NO_UKEK, 1, KF_E_MALFORMED, "HELLO.flag");
}

void p25_hello_encode(const p25_kmm *m, kf_writer *w)
{
    p25_require(w, m->body.hello <= P25_HELLO_REKEY_NO_UKEK);
    kf_write_u8(w, m->body.hello);
}

void p25_capabilities_decode(kf_reader *r, p25_kmm *m)
{
    p25_capabilities *b = &m->body.capabilities;
    size_t algids = kf_read_u8(r, "CAPABILITIES.algid_count");
    b->algids = kf_read_slice(r, algids, "CAPABILITIES.algids");
    size_t services = kf_read_u8(r, "CAPABILITIES.service_count");
    b->services = kf_read_slice(r, services, "CAPABILITIES.services");
    size_t messages = kf_read_u8(r, "CAPABILITIES.message_count");
    b->messages = kf_read_slice(r, messages, "CAPABILITIES.messages");
}

static void encode_list(kf_slice list, kf_writer *w)
{
    p25_require(w, list.len <= UINT8_MAX);
    kf_write_u8(w, (uint8_t)list.len);
    kf_write_slice(w, list);
}

void p25_capabilities_encode(const p25_kmm *m, kf_writer *w)
{
    encode_list(m->body.capabilities.algids, w);
    encode_list(m->body.capabilities.services, w);
    encode_list(m->body.capabilities.messages, w);
}

/* Command and response differ in what ends them. */
void p25_change_rsi_decode(kf_reader *r, p25_kmm *m)
{
    p25_change_rsi *b = &m->body.change_rsi;
    p25_expect(r, kf_read_u8(r, "CHANGE_RSI.count") == CHANGE_RSI_COUNT, 1, KF_E_UNSUPPORTED,
               "CHANGE_RSI.count");
    b->old_rsi = kf_read_u24(r, "CHANGE_RSI.old_rsi");
    b->new_rsi = kf_read_u24(r, "CHANGE_RSI.new_rsi");
    if (m->frame.message_id == P25_KMM_CHANGE_RSI_CMD)
        b->mn = kf_read_u16(r, "CHANGE_RSI.mn");
    else
        b->status = kf_read_u8(r, "CHANGE_RSI.status");
}

void p25_change_rsi_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_change_rsi *b = &m->body.change_rsi;
    kf_write_u8(w, CHANGE_RSI_COUNT);
    p25_rsi_encode(w, b->old_rsi);
    p25_rsi_encode(w, b->new_rsi);
    if (m->frame.message_id == P25_KMM_CHANGE_RSI_CMD)
        kf_write_u16(w, b->mn);
    else
        kf_write_u8(w, b->status);
}

void p25_changeover_decode(kf_reader *r, p25_kmm *m)
{
    p25_changeover *b = &m->body.changeover;
    b->count = p25_count_u8(r, P25_CHANGEOVERS_MAX, "CHANGEOVER.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        b->pairs[i].superseded = kf_read_u8(r, "CHANGEOVER.superseded");
        b->pairs[i].activated = kf_read_u8(r, "CHANGEOVER.activated");
    }
}

void p25_changeover_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_changeover *b = &m->body.changeover;
    p25_require(w, b->count <= P25_CHANGEOVERS_MAX);
    kf_write_u8(w, b->count);
    for (size_t i = 0; w->err == KF_OK && i < b->count; i++) {
        kf_write_u8(w, b->pairs[i].superseded);
        kf_write_u8(w, b->pairs[i].activated);
    }
}

void p25_negative_ack_decode(kf_reader *r, p25_kmm *m)
{
    p25_negative_ack *b = &m->body.negative_ack;
    if (kf_reader_left(r) == SHORT_NACK_OCTETS)
        m->deviations |= P25_DEV_SHORT_NACK;
    b->acked_id = kf_read_u8(r, "NACK.acked_id");
    if ((m->deviations & P25_DEV_SHORT_NACK) == 0)
        b->mn = kf_read_u16(r, "NACK.mn");
    b->status = kf_read_u8(r, "NACK.status");
}

void p25_negative_ack_encode(const p25_kmm *m, kf_writer *w)
{
    kf_write_u8(w, m->body.negative_ack.acked_id);
    kf_write_u16(w, m->body.negative_ack.mn);
    kf_write_u8(w, m->body.negative_ack.status);
}

void p25_rekey_ack_decode(kf_reader *r, p25_kmm *m)
{
    p25_rekey_ack *b = &m->body.rekey_ack;
    b->acked_id = kf_read_u8(r, "REKEY_ACK.acked_id");
    b->count = p25_count_u8(r, P25_STATUSES_MAX, "REKEY_ACK.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        b->keys[i].algid = kf_read_u8(r, "REKEY_ACK.algid");
        b->keys[i].kid = kf_read_u16(r, "REKEY_ACK.kid");
        b->keys[i].status = kf_read_u8(r, "REKEY_ACK.status");
    }
}

void p25_rekey_ack_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_rekey_ack *b = &m->body.rekey_ack;
    p25_require(w, b->count <= P25_STATUSES_MAX);
    kf_write_u8(w, b->acked_id);
    kf_write_u8(w, b->count);
    for (size_t i = 0; w->err == KF_OK && i < b->count; i++) {
        kf_write_u8(w, b->keys[i].algid);
        kf_write_u16(w, b->keys[i].kid);
        kf_write_u8(w, b->keys[i].status);
    }
}

void p25_set_date_time_decode(kf_reader *r, p25_kmm *m)
{
    p25_date_time_decode(r, &m->body.date_time);
    p25_expect(r, p25_date_time_is_valid(&m->body.date_time), 5, KF_E_MALFORMED, "DATE_TIME");
}

void p25_set_date_time_encode(const p25_kmm *m, kf_writer *w)
{
    p25_require(w, p25_date_time_is_valid(&m->body.date_time));
    p25_date_time_encode(&m->body.date_time, w);
}

void p25_registration_decode(kf_reader *r, p25_kmm *m)
{
    p25_registration *b = &m->body.registration;
    uint8_t format = kf_read_u8(r, "REGISTRATION.format");
    p25_expect(r, (format & ~(REGISTRATION_TRANSPORTED | REGISTRATION_KEK)) == 0, 1, KF_E_MALFORMED,
               "REGISTRATION.format");
    if ((format & REGISTRATION_KEK) != 0)
        m->deviations |= P25_DEV_REGISTRATION_KEK;
    b->kmf_rsi = kf_read_u24(r, "REGISTRATION.kmf_rsi");
    if ((format & REGISTRATION_TRANSPORTED) == 0)
        return;
    if (kf_reader_left(r) == 0)
        kf_reader_fail(r, KF_E_TRUNCATED, "REGISTRATION.transported");
    b->transported = kf_read_rest(r, "REGISTRATION.transported");
}

void p25_registration_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_registration *b = &m->body.registration;
    kf_write_u8(w, b->transported.len > 0 ? REGISTRATION_TRANSPORTED : 0);
    p25_rsi_encode(w, b->kmf_rsi);
    kf_write_slice(w, b->transported);
}

void p25_status_decode(kf_reader *r, p25_kmm *m)
{
    m->body.status = kf_read_u8(r, "REGISTRATION.status");
}

void p25_status_encode(const p25_kmm *m, kf_writer *w)
{
    kf_write_u8(w, m->body.status);
}

void p25_utd_decode(kf_reader *r, p25_kmm *m)
{
    p25_unable_to_decrypt *b = &m->body.utd;
    b->body_format = kf_read_u8(r, "UTD.format");
    b->mfid = kf_read_u8(r, "UTD.mfid");
    b->algid = kf_read_u8(r, "UTD.algid");
    b->kid = kf_read_u16(r, "UTD.kid");
    b->status = kf_read_u8(r, "UTD.status");
    b->tail = kf_read_rest(r, "UTD.tail");
}

void p25_utd_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_unable_to_decrypt *b = &m->body.utd;
    kf_write_u8(w, b->body_format);
    kf_write_u8(w, b->mfid);
    kf_write_u8(w, b->algid);
    kf_write_u16(w, b->kid);
    kf_write_u8(w, b->status);
    kf_write_slice(w, b->tail);
}

static bool session_is_known(const p25_session_control *b)
{
    return b->opcode >= P25_SESSION_READY_REQUEST && b->opcode <= P25_SESSION_DISCONNECT_ACK &&
           (b->source == 1 || b->source == 2);
}

/* The layout is public for version 0 only; one vendor sends a version 1. */
void p25_session_decode(kf_reader *r, p25_kmm *m)
{
    kf_reader peek = *r;
    peek.trace = NULL;
    if (kf_read_u8(&peek, "SESSION.version") != 0) {
        p25_opaque_decode(r, m);
        return;
    }
    (void)kf_read_u8(r, "SESSION.version");
    m->body.session.opcode = kf_read_u8(r, "SESSION.opcode");
    m->body.session.source = kf_read_u8(r, "SESSION.source");
    p25_expect(r, session_is_known(&m->body.session), 2, KF_E_MALFORMED, "SESSION.opcode");
}

void p25_session_encode(const p25_kmm *m, kf_writer *w)
{
    p25_require(w, session_is_known(&m->body.session));
    kf_write_u8(w, 0);
    kf_write_u8(w, m->body.session.opcode);
    kf_write_u8(w, m->body.session.source);
}

void p25_load_config_decode(kf_reader *r, p25_kmm *m)
{
    p25_load_config *b = &m->body.load_config;
    b->kmf_rsi = kf_read_u24(r, "LOAD_CONFIG.kmf_rsi");
    b->mnp = kf_read_u16(r, "LOAD_CONFIG.mnp");
    if (m->frame.message_id == P25_KMM_LOAD_CONFIG_RSP)
        b->status = kf_read_u8(r, "LOAD_CONFIG.status");
}

void p25_load_config_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_load_config *b = &m->body.load_config;
    p25_rsi_encode(w, b->kmf_rsi);
    kf_write_u16(w, b->mnp);
    if (m->frame.message_id == P25_KMM_LOAD_CONFIG_RSP)
        kf_write_u8(w, b->status);
}

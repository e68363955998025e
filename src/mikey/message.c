#include "mikey/message.h"

#include <string.h>

#include "base/text.h"
#include "eccsi/eccsi.h"
#include "sakke/sakke.h"

#define UID_OCTETS       32u
#define URI_MAX_OCTETS   1024u
#define SRTP_MAP_OCTETS  9u /* policy number, SSRC, ROC */
#define GENEXT_VENDOR_ID 0u
#define GENEXT_SDP_IDS   1u

/* Payloads that may come once only, as bits of a set; IDR roles follow. */
enum {
    SEEN_T = 1u << 0,
    SEEN_RAND = 1u << 1,
    SEEN_SAKKE = 1u << 2,
    SEEN_TO_SELF = 1u << 3,
    SEEN_PARAMS = 1u << 4
};

/* Where a payload starts, what may still come. */
typedef struct walk {
    kf_reader r;
    unsigned seen;
    size_t at;    /* offset of the payload being read */
    uint8_t next; /* type of the payload that follows */
} walk;

static void once(walk *w, unsigned bit, const char *field)
{
    if ((w->seen & bit) != 0)
        kf_reader_fail_at(&w->r, w->at, KF_E_MALFORMED, field);
    w->seen |= bit;
}

/* Fail at the octet just read unless it has the one value we know. */
static void expect_u8(kf_reader *r, uint8_t got, uint8_t want, const char *field)
{
    if (got != want)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, field);
}

/* RFC 6043 6.1.1 */
static void decode_generic_id(kf_reader *r, mikey_session *s)
{
    s->cs_id = kf_read_u8(r, "HDR.cs.id");
    s->prot_type = kf_read_u8(r, "HDR.cs.prot_type");
    expect_u8(r, s->prot_type, MIKEY_PROT_SRTP, "HDR.cs.prot_type");
    uint8_t s_count = kf_read_u8(r, "HDR.cs.s_policies");
    s->has_roc = (s_count & 0x80u) != 0;
    s->policy_count = s_count & 0x7fu;
    if (s->policy_count > MIKEY_POLICIES_MAX) {
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "HDR.cs.s_policies");
        s->policy_count = 0;
    }
    for (size_t i = 0; i < s->policy_count; i++)
        s->policies[i] = kf_read_u8(r, "HDR.cs.policy_no");
    size_t data_len = kf_read_u16(r, "HDR.cs.data_length");
    s->data = kf_read_slice(r, data_len, "HDR.cs.data");
    size_t spi_len = kf_read_u8(r, "HDR.cs.spi_length");
    s->spi = kf_read_slice(r, spi_len, "HDR.cs.spi");
}

static void decode_map(kf_reader *r, uint8_t cs_count, mikey_message *m)
{
    size_t at = r->off - 1; /* the map type */
    switch (m->map_type) {
    case MIKEY_MAP_EMPTY: /* spec: RFC 6509 §4.1 - no crypto sessions */
        if (cs_count != 0)
            kf_reader_fail_at(r, at, KF_E_MALFORMED, "HDR.cs_map_type");
        break;
    case MIKEY_MAP_SRTP_ID:
        m->srtp_map = kf_read_slice(r, (size_t)cs_count * SRTP_MAP_OCTETS, "HDR.srtp_id_map");
        break;
    case MIKEY_MAP_GENERIC_ID:
        if (cs_count == 0)
            kf_reader_fail_at(r, at, KF_E_MALFORMED, "HDR.cs_map_type");
        if (cs_count > MIKEY_SESSIONS_MAX)
            kf_reader_fail_at(r, at - 1, KF_E_UNSUPPORTED, "HDR.cs_count");
        for (size_t i = 0; kf_reader_ok(r) && i < cs_count; i++)
            decode_generic_id(r, &m->sessions[m->session_count++]);
        break;
    default:
        kf_reader_fail_at(r, at, KF_E_UNSUPPORTED, "HDR.cs_map_type");
    }
}

/* RFC 3830 6.1 */
static void decode_hdr(walk *w, mikey_message *m)
{
    kf_reader *r = &w->r;
    expect_u8(r, kf_read_u8(r, "HDR.version"), MIKEY_VERSION_1, "HDR.version");
    m->data_type = kf_read_u8(r, "HDR.data_type");
    expect_u8(r, m->data_type, MIKEY_DATA_TYPE_SAKKE, "HDR.data_type");
    w->next = kf_read_u8(r, "HDR.next_payload");
    uint8_t v_prf = kf_read_u8(r, "HDR.v_prf");
    m->wants_verify = (v_prf & 0x80u) != 0;
    m->prf = v_prf & 0x7fu;
    if (m->wants_verify) /* spec: TS 33.180 E.1.2 - V is not set */
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "HDR.v_prf");
    expect_u8(r, m->prf, MIKEY_PRF_HMAC_SHA256, "HDR.v_prf");
    m->csb_id = kf_read_u32(r, "HDR.csb_id");
    uint8_t cs_count = kf_read_u8(r, "HDR.cs_count");
    m->map_type = kf_read_u8(r, "HDR.cs_map_type");
    if (kf_reader_ok(r))
        decode_map(r, cs_count, m);
}

/* RFC 3830 6.6 */
static void decode_t(walk *w, mikey_message *m)
{
    once(w, SEEN_T, "T");
    w->next = kf_read_u8(&w->r, "T.next_payload");
    expect_u8(&w->r, kf_read_u8(&w->r, "T.ts_type"), MIKEY_TS_NTP_UTC, "T.ts_type");
    m->ntp = kf_read_u64(&w->r, "T.ts_value");
}

/* RFC 3830 6.11 */
static void decode_rand(walk *w, mikey_message *m)
{
    once(w, SEEN_RAND, "RAND");
    w->next = kf_read_u8(&w->r, "RAND.next_payload");
    size_t len = kf_read_u8(&w->r, "RAND.length");
    if (len < MIKEY_RAND_MIN_OCTETS)
        kf_reader_fail_at(&w->r, w->r.off - 1, KF_E_MALFORMED, "RAND.length");
    m->rand = kf_read_slice(&w->r, len, "RAND.rand");
}

static bool is_uid_role(uint8_t role)
{
    return role == MIKEY_ROLE_INITIATOR_UID || role == MIKEY_ROLE_RESPONDER_UID;
}

static bool is_role(uint8_t role)
{
    return role == MIKEY_ROLE_INITIATOR || role == MIKEY_ROLE_RESPONDER ||
           role == MIKEY_ROLE_INITIATOR_KMS || role == MIKEY_ROLE_RESPONDER_KMS ||
           is_uid_role(role);
}

/* RFC 6043 6.6, RFC 6509 4.4, TS 33.180 E.7 */
static void decode_idr(walk *w, mikey_message *m)
{
    w->next = kf_read_u8(&w->r, "IDR.next_payload");
    uint8_t role = kf_read_u8(&w->r, "IDR.role");
    if (!is_role(role)) {
        kf_reader_fail_at(&w->r, w->r.off - 1, KF_E_UNSUPPORTED, "IDR.role");
        return;
    }
    mikey_idr *idr = &m->idr[role];
    if (idr->type != 0)
        kf_reader_fail_at(&w->r, w->at, KF_E_MALFORMED, "IDR");
    idr->type = kf_read_u8(&w->r, "IDR.type");
    if (idr->type != MIKEY_ID_TYPE_URI && !(is_uid_role(role) && idr->type == MIKEY_ID_TYPE_OCTETS))
        kf_reader_fail_at(&w->r, w->r.off - 1, KF_E_UNSUPPORTED, "IDR.type");
    size_t len = kf_read_u16(&w->r, "IDR.length");
    size_t at = w->r.off;
    idr->id = kf_read_slice(&w->r, len, "IDR.id");
    if (is_uid_role(role) ? idr->id.len != UID_OCTETS : !kf_text_is_uri(idr->id, URI_MAX_OCTETS))
        kf_reader_fail_at(&w->r, at, KF_E_MALFORMED, "IDR.id");
}

/* RFC 3830 6.10 */
static void decode_sp(walk *w, mikey_message *m)
{
    w->next = kf_read_u8(&w->r, "SP.next_payload");
    if (m->sp_count == MIKEY_POLICIES_MAX) {
        kf_reader_fail_at(&w->r, w->at, KF_E_UNSUPPORTED, "SP");
        return;
    }
    mikey_sp *sp = &m->sp[m->sp_count];
    sp->policy_no = kf_read_u8(&w->r, "SP.policy_no");
    for (size_t i = 0; i < m->sp_count; i++)
        if (m->sp[i].policy_no == sp->policy_no)
            kf_reader_fail_at(&w->r, w->at, KF_E_MALFORMED, "SP.policy_no");
    m->sp_count++;
    sp->prot_type = kf_read_u8(&w->r, "SP.prot_type");
    expect_u8(&w->r, sp->prot_type, MIKEY_PROT_SRTP, "SP.prot_type");
    size_t len = kf_read_u16(&w->r, "SP.length");
    kf_reader sub = kf_read_sub(&w->r, len, "SP.params");
    while (kf_reader_more(&sub)) {
        mikey_sp_param p = { .type = kf_read_u8(&sub, "SP.param.type") };
        for (size_t i = 0; i < sp->count; i++)
            if (sp->params[i].type == p.type)
                kf_reader_fail_at(&sub, sub.off - 1, KF_E_MALFORMED, "SP.param.type");
        if (sp->count == MIKEY_PARAMS_IN_SP) {
            kf_reader_fail(&sub, KF_E_UNSUPPORTED, "SP.params");
            return;
        }
        size_t param_len = kf_read_u8(&sub, "SP.param.length");
        p.value = kf_read_slice(&sub, param_len, "SP.param.value");
        sp->params[sp->count++] = p;
    }
}

/* RFC 6509 4.2, after the next-payload octet */
static void decode_sakke_body(kf_reader *r, mikey_sakke *s)
{
    s->at = r->off - 1;
    s->params = kf_read_u8(r, "SAKKE.params");
    expect_u8(r, s->params, MIKEY_SAKKE_PARAMS_1, "SAKKE.params");
    s->id_scheme = kf_read_u8(r, "SAKKE.id_scheme");
    expect_u8(r, s->id_scheme, MIKEY_ID_SCHEME_3GPP, "SAKKE.id_scheme");
    size_t len = kf_read_u16(r, "SAKKE.length");
    if (len != SAKKE_SED_OCTETS(16) && len != SAKKE_SED_OCTETS(32))
        kf_reader_fail_at(r, r->off - 2, KF_E_MALFORMED, "SAKKE.length");
    s->sed = kf_read_slice(r, len, "SAKKE.sed");
}

static void decode_sakke(walk *w, mikey_message *m)
{
    once(w, SEEN_SAKKE, "SAKKE");
    w->next = kf_read_u8(&w->r, "SAKKE.next_payload");
    decode_sakke_body(&w->r, &m->sakke);
}

/* spec: TS 33.180 E.5 - one whole SAKKE payload whose next-payload octet is ignored */
static void decode_to_self(walk *w, size_t len, mikey_message *m)
{
    once(w, SEEN_TO_SELF, "GENEXT");
    kf_reader sub = kf_read_sub(&w->r, len, "GENEXT.data");
    (void)kf_read_u8(&sub, "SAKKE.next_payload");
    decode_sakke_body(&sub, &m->to_self);
    kf_reader_close(&sub, "GENEXT.data");
}

/* RFC 3830 6.15 */
static void decode_genext(walk *w, mikey_message *m)
{
    w->next = kf_read_u8(&w->r, "GENEXT.next_payload");
    uint8_t type = kf_read_u8(&w->r, "GENEXT.type");
    size_t type_at = w->r.off - 1;
    size_t len = kf_read_u16(&w->r, "GENEXT.length");
    if (!kf_reader_ok(&w->r))
        return;
    switch (type) {
    case MIKEY_GENEXT_TO_SELF:
        decode_to_self(w, len, m);
        break;
    case MIKEY_GENEXT_PARAMS:
        once(w, SEEN_PARAMS, "GENEXT");
        m->key_params_at = w->r.off;
        m->key_params = kf_read_slice(&w->r, len, "GENEXT.key_params");
        if (len == 0)
            kf_reader_fail(&w->r, KF_E_TRUNCATED, "GENEXT.key_params");
        break;
    case GENEXT_VENDOR_ID:
    case GENEXT_SDP_IDS: /* nothing in them changes what a key is */
        (void)kf_read_slice(&w->r, len, "GENEXT.data");
        break;
    default:
        kf_reader_fail_at(&w->r, type_at, KF_E_UNSUPPORTED, "GENEXT.type");
    }
}

/* RFC 3830 6.5, RFC 6509 4.3 */
static void decode_sign(walk *w, mikey_message *m)
{
    m->sign_header = w->r.off;
    uint16_t header = kf_read_u16(&w->r, "SIGN.type_length");
    m->signed_len = w->r.off;
    if (header != (MIKEY_SIGN_ECCSI << 12 | ECCSI_SIGNATURE_OCTETS))
        kf_reader_fail_at(&w->r, m->sign_header, KF_E_UNSUPPORTED, "SIGN.type_length");
    m->signature = kf_read_slice(&w->r, ECCSI_SIGNATURE_OCTETS, "SIGN.signature");
}

static void decode_payloads(walk *w, mikey_message *m)
{
    while (kf_reader_ok(&w->r)) {
        w->at = w->r.off;
        switch (w->next) {
        case MIKEY_PAYLOAD_T:
            decode_t(w, m);
            break;
        case MIKEY_PAYLOAD_RAND:
            decode_rand(w, m);
            break;
        case MIKEY_PAYLOAD_IDR:
            decode_idr(w, m);
            break;
        case MIKEY_PAYLOAD_SP:
            decode_sp(w, m);
            break;
        case MIKEY_PAYLOAD_SAKKE:
            decode_sakke(w, m);
            break;
        case MIKEY_PAYLOAD_GENEXT:
            decode_genext(w, m);
            break;
        case MIKEY_PAYLOAD_SIGN: /* has no next payload: always the last */
            decode_sign(w, m);
            return;
        case MIKEY_PAYLOAD_LAST:
            kf_reader_fail(&w->r, KF_E_MALFORMED, "SIGN");
            return;
        default:
            kf_reader_fail(&w->r, KF_E_UNSUPPORTED, "next_payload");
        }
    }
}

/* spec: TS 33.180 E.1.2 - payloads that must be there; E.7 - a role or its hidden form, not both */
static void check_complete(walk *w, const mikey_message *m)
{
    const struct {
        bool present;
        const char *field;
    } needed[] = {
        { (w->seen & SEEN_T) != 0, "T" },
        { (w->seen & SEEN_RAND) != 0, "RAND" },
        { (m->idr[MIKEY_ROLE_INITIATOR].type != 0) != (m->idr[MIKEY_ROLE_INITIATOR_UID].type != 0),
          "IDRi" },
        { (m->idr[MIKEY_ROLE_RESPONDER].type != 0) != (m->idr[MIKEY_ROLE_RESPONDER_UID].type != 0),
          "IDRr" },
        { m->idr[MIKEY_ROLE_INITIATOR_KMS].type != 0, "IDRkmsi" },
        { m->idr[MIKEY_ROLE_RESPONDER_KMS].type != 0, "IDRkmsr" },
        { (w->seen & SEEN_SAKKE) != 0, "SAKKE" },
    };
    for (size_t i = 0; i < KF_COUNT(needed); i++)
        if (!needed[i].present)
            kf_reader_fail_at(&w->r, m->sign_header, KF_E_MALFORMED, needed[i].field);
}

kf_err mikey_message_parse(kf_slice octets, kf_trace *trace, mikey_message *out, kf_fault *fault)
{
    walk w = { .r = kf_reader_init(octets, fault) };
    w.r.trace = trace;
    memset(out, 0, sizeof *out);
    decode_hdr(&w, out);
    decode_payloads(&w, out);
    kf_err err = kf_reader_end(&w.r, "SIGN");
    if (err == KF_OK) {
        check_complete(&w, out);
        err = fault->code;
    }
    return err;
}

static void encode_map(const mikey_message *m, kf_writer *w)
{
    for (size_t i = 0; i < m->session_count; i++) {
        const mikey_session *s = &m->sessions[i];
        kf_write_u8(w, s->cs_id);
        kf_write_u8(w, s->prot_type);
        kf_write_u8(w, (uint8_t)((s->has_roc ? 0x80u : 0u) | s->policy_count));
        kf_write_octets(w, s->policies, s->policy_count);
        size_t mark = kf_write_len16_begin(w);
        kf_write_slice(w, s->data);
        kf_write_len16_end(w, mark);
        kf_write_u8(w, (uint8_t)s->spi.len);
        kf_write_slice(w, s->spi);
    }
}

/* Each payload starts with the type of the one after it: written as 0 and patched when that comes.
 */
typedef struct chain {
    kf_writer *w;
    size_t next_at;
} chain;

static void link_payload(chain *c, uint8_t type)
{
    if (c->w->err == KF_OK)
        c->w->buf[c->next_at] = type;
    c->next_at = c->w->len;
    if (type != MIKEY_PAYLOAD_SIGN)
        kf_write_u8(c->w, MIKEY_PAYLOAD_LAST);
}

static void encode_idr(chain *c, uint8_t role, const mikey_idr *idr)
{
    if (idr->type == 0)
        return;
    link_payload(c, MIKEY_PAYLOAD_IDR);
    kf_write_u8(c->w, role);
    kf_write_u8(c->w, idr->type);
    size_t mark = kf_write_len16_begin(c->w);
    kf_write_slice(c->w, idr->id);
    kf_write_len16_end(c->w, mark);
}

static void encode_sp(chain *c, const mikey_sp *sp)
{
    link_payload(c, MIKEY_PAYLOAD_SP);
    kf_write_u8(c->w, sp->policy_no);
    kf_write_u8(c->w, sp->prot_type);
    size_t mark = kf_write_len16_begin(c->w);
    for (size_t i = 0; i < sp->count; i++) {
        kf_write_u8(c->w, sp->params[i].type);
        kf_write_u8(c->w, (uint8_t)sp->params[i].value.len);
        kf_write_slice(c->w, sp->params[i].value);
    }
    kf_write_len16_end(c->w, mark);
}

static void encode_sakke_body(kf_writer *w, const mikey_sakke *s)
{
    kf_write_u8(w, s->params);
    kf_write_u8(w, s->id_scheme);
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, s->sed);
    kf_write_len16_end(w, mark);
}

static void encode_hdr(const mikey_message *m, kf_writer *w)
{
    size_t cs_count =
        m->map_type == MIKEY_MAP_SRTP_ID ? m->srtp_map.len / SRTP_MAP_OCTETS : m->session_count;
    kf_write_u8(w, MIKEY_VERSION_1);
    kf_write_u8(w, m->data_type);
    kf_write_u8(w, MIKEY_PAYLOAD_LAST);
    kf_write_u8(w, (uint8_t)((m->wants_verify ? 0x80u : 0u) | m->prf));
    kf_write_u32(w, m->csb_id);
    kf_write_u8(w, (uint8_t)cs_count);
    kf_write_u8(w, m->map_type);
    kf_write_slice(w, m->srtp_map);
    encode_map(m, w);
}

static void encode_genexts(chain *c, const mikey_message *m)
{
    if (m->key_params.len > 0) {
        link_payload(c, MIKEY_PAYLOAD_GENEXT);
        kf_write_u8(c->w, MIKEY_GENEXT_PARAMS);
        size_t mark = kf_write_len16_begin(c->w);
        kf_write_slice(c->w, m->key_params);
        kf_write_len16_end(c->w, mark);
    }
    if (m->to_self.sed.len > 0) {
        link_payload(c, MIKEY_PAYLOAD_GENEXT);
        kf_write_u8(c->w, MIKEY_GENEXT_TO_SELF);
        size_t mark = kf_write_len16_begin(c->w);
        kf_write_u8(c->w, MIKEY_PAYLOAD_LAST);
        encode_sakke_body(c->w, &m->to_self);
        kf_write_len16_end(c->w, mark);
    }
}

void mikey_message_encode_unsigned(const mikey_message *m, kf_writer *w)
{
    static const uint8_t idr_order[] = {
        MIKEY_ROLE_INITIATOR,     MIKEY_ROLE_INITIATOR_UID, MIKEY_ROLE_RESPONDER,
        MIKEY_ROLE_RESPONDER_UID, MIKEY_ROLE_INITIATOR_KMS, MIKEY_ROLE_RESPONDER_KMS,
    };
    chain c = { w, w->len + 2 }; /* HDR: version, data type, next payload */

    encode_hdr(m, w);
    link_payload(&c, MIKEY_PAYLOAD_T);
    kf_write_u8(w, MIKEY_TS_NTP_UTC);
    kf_write_u64(w, m->ntp);
    link_payload(&c, MIKEY_PAYLOAD_RAND);
    kf_write_u8(w, (uint8_t)m->rand.len);
    kf_write_slice(w, m->rand);
    for (size_t i = 0; i < KF_COUNT(idr_order); i++)
        encode_idr(&c, idr_order[i], &m->idr[idr_order[i]]);
    for (size_t i = 0; i < m->sp_count; i++)
        encode_sp(&c, &m->sp[i]);
    link_payload(&c, MIKEY_PAYLOAD_SAKKE);
    encode_sakke_body(w, &m->sakke);
    encode_genexts(&c, m);
    link_payload(&c, MIKEY_PAYLOAD_SIGN);
    kf_write_u16(w, (uint16_t)(MIKEY_SIGN_ECCSI << 12 | ECCSI_SIGNATURE_OCTETS));
}

#include "mcdata/interworking.h"

#include <string.h>

#include "base/text.h"

const char *mcdata_lmr_type_name(unsigned lmr_type)
{
    static const char *const names[] = { "unspecified", "P25", "TETRA" };
    return lmr_type < KF_COUNT(names) ? names[lmr_type] : NULL;
}

static bool is_type(unsigned type)
{
    return type == MCDATA_INTERWORKING_REQUEST || type == MCDATA_INTERWORKING_RESPONSE;
}

void mcdata_interworking_decode(kf_reader *r, mcdata_interworking *out)
{
    memset(out, 0, sizeof *out);
    unsigned type = kf_read_u8(r, "INTERSD.message_type");
    if (!is_type(type))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "INTERSD.message_type");
    unsigned lmr_type = kf_read_u8(r, "INTERSD.lmr_type");
    if (mcdata_lmr_type_name(lmr_type) == NULL)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "INTERSD.lmr_type");
    size_t len = kf_read_u16(r, "INTERSD.uri_length");
    size_t at = r->off;
    kf_slice uri = kf_read_slice(r, len, "INTERSD.uri");
    if (kf_reader_ok(r) && !kf_text_is_uri(uri, MCDATA_INTERWORKING_URI_MAX))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "INTERSD.uri");
    kf_slice payload = { NULL, 0 };
    if (kf_reader_ok(r) && type == MCDATA_INTERWORKING_REQUEST) {
        len = kf_read_u16(r, "INTERSD.payload_length");
        if (kf_reader_ok(r) && len == 0)
            kf_reader_fail_at(r, r->off - 2, KF_E_MALFORMED, "INTERSD.payload_length");
        payload = kf_read_slice(r, len, "INTERSD.payload");
    }
    if (kf_reader_ok(r))
        *out = (mcdata_interworking){ (mcdata_interworking_type)type, (mcdata_lmr_type)lmr_type,
                                      uri, payload };
}

kf_err mcdata_interworking_parse(kf_slice octets, mcdata_interworking *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    mcdata_interworking_decode(&r, out);
    kf_err err = kf_reader_end(&r, "INTERSD");
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return err;
}

void mcdata_interworking_encode(const mcdata_interworking *m, kf_writer *w)
{
    bool request = m->type == MCDATA_INTERWORKING_REQUEST;
    if (!is_type(m->type) || mcdata_lmr_type_name(m->lmr_type) == NULL ||
        !kf_text_is_uri(m->entity_uri, MCDATA_INTERWORKING_URI_MAX) ||
        request != (m->payload.len > 0)) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    kf_write_u8(w, (uint8_t)m->type);
    kf_write_u8(w, (uint8_t)m->lmr_type);
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, m->entity_uri);
    kf_write_len16_end(w, mark);
    if (!request)
        return;
    mark = kf_write_len16_begin(w);
    kf_write_slice(w, m->payload);
    kf_write_len16_end(w, mark);
}

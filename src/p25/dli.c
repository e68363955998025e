/* The two outer headers of a KMM: facts 1.4.1 and 1.4.2. */
#include "p25/dli.h"

#include <string.h>

#define DLI_VERSION 0x00u
#define SAP_MARK    0xc0u /* the two bits in front of the SAP */
#define SAP_MASK    0x3fu

static bool is_zero(const uint8_t *octets, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any = (uint8_t)(any | octets[i]);
    return any == 0;
}

/* Clear means no key and no MI. */
static bool sync_is_consistent(const p25_outer_sync *s)
{
    return s->algid != P25_ALGID_CLEAR || (s->kid == 0 && is_zero(s->mi, sizeof s->mi));
}

/* What is left is the KMM: at least one octet, at most max. */
static kf_slice decode_kmm(kf_reader *r, size_t max, const char *field)
{
    size_t left = kf_reader_left(r);
    if (kf_reader_ok(r) && left == 0)
        kf_reader_fail(r, KF_E_TRUNCATED, field);
    if (left > max)
        kf_reader_fail(r, KF_E_UNSUPPORTED, field);
    return kf_read_rest(r, field);
}

void p25_dli_preamble_decode(kf_reader *r, p25_dli *out)
{
    *out = (p25_dli){ 0 };
    size_t at = r->off;
    if (kf_read_u8(r, "DLI.version") != DLI_VERSION)
        kf_reader_fail_at(r, at, KF_E_UNSUPPORTED, "DLI.version");
    out->mfid = kf_read_u8(r, "DLI.mfid");
    out->sync.algid = kf_read_u8(r, "DLI.algid");
    out->sync.kid = kf_read_u16(r, "DLI.kid");
    kf_read_octets(r, out->sync.mi, sizeof out->sync.mi, "DLI.mi");
    if (!sync_is_consistent(&out->sync))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "DLI.algid");
}

void p25_dli_decode(kf_reader *r, p25_dli *out)
{
    p25_dli_preamble_decode(r, out);
    out->kmm = decode_kmm(r, P25_DLI_KMM_MAX, "DLI.kmm");
}

void p25_dli_encode(const p25_dli *d, kf_writer *w)
{
    if (!sync_is_consistent(&d->sync))
        kf_writer_fail(w, KF_E_MALFORMED);
    if (d->kmm.len > P25_DLI_KMM_SEND_MAX)
        kf_writer_fail(w, KF_E_NO_SPACE);
    kf_write_u8(w, DLI_VERSION);
    kf_write_u8(w, d->mfid);
    kf_write_u8(w, d->sync.algid);
    kf_write_u16(w, d->sync.kid);
    kf_write_octets(w, d->sync.mi, sizeof d->sync.mi);
    kf_write_slice(w, d->kmm);
}

kf_err p25_dli_parse(kf_slice octets, kf_trace *trace, p25_dli *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    r.trace = trace;
    p25_dli_decode(&r, out);
    kf_err err = kf_reader_end(&r, "DLI");
    if (err != KF_OK)
        *out = (p25_dli){ 0 };
    return err;
}

void p25_dld_decode(kf_reader *r, p25_dld *out)
{
    *out = (p25_dld){ 0 };
    size_t at = r->off;
    kf_read_octets(r, out->sync.mi, sizeof out->sync.mi, "DLD.mi");
    out->sync.algid = kf_read_u8(r, "DLD.algid");
    out->sync.kid = kf_read_u16(r, "DLD.kid");
    uint8_t sap = kf_read_u8(r, "DLD.sap");
    out->sap = sap & SAP_MASK;
    if (kf_reader_ok(r) && (sap & SAP_MARK) != SAP_MARK)
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "DLD.sap");
    if (!sync_is_consistent(&out->sync))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "DLD.algid");
    out->kmm = decode_kmm(r, P25_DLD_KMM_MAX, "DLD.kmm");
}

void p25_dld_encode(const p25_dld *d, kf_writer *w)
{
    if (!sync_is_consistent(&d->sync) || d->sap > SAP_MASK)
        kf_writer_fail(w, KF_E_MALFORMED);
    if (d->kmm.len > P25_DLD_KMM_MAX)
        kf_writer_fail(w, KF_E_NO_SPACE);
    kf_write_octets(w, d->sync.mi, sizeof d->sync.mi);
    kf_write_u8(w, d->sync.algid);
    kf_write_u16(w, d->sync.kid);
    kf_write_u8(w, (uint8_t)(SAP_MARK | (d->sap & SAP_MASK)));
    kf_write_slice(w, d->kmm);
}

kf_err p25_dld_parse(kf_slice octets, kf_trace *trace, p25_dld *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    r.trace = trace;
    p25_dld_decode(&r, out);
    kf_err err = kf_reader_end(&r, "DLD");
    if (err != KF_OK)
        *out = (p25_dld){ 0 };
    return err;
}

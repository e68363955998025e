#include "mcdata/protected_payload.h"

#include <string.h>

#include "crypto/aead.h"
#include "mcsec/keyid.h"

static const kf_aead *aead_of(uint8_t algorithm)
{
    switch (algorithm) {
    case MCDATA_ALG_AES_128_GCM:
        return &KF_AES_128_GCM;
    case MCDATA_ALG_AES_256_GCM:
        return &KF_AES_256_GCM;
    default:
        return NULL;
    }
}

static uint8_t algorithm_of(size_t key_octets)
{
    return key_octets == KF_AES_128_GCM.key_octets   ? MCDATA_ALG_AES_128_GCM
           : key_octets == KF_AES_256_GCM.key_octets ? MCDATA_ALG_AES_256_GCM
                                                     : 0;
}

/* spec: TS 33.180 8.5.4 - field 6 (signalling algorithm) is optional; nobody sends it and its
 * presence condition is not known, so an encoding with it is not accepted. */
void mcdata_protected_decode(kf_reader *r, mcdata_protected *out)
{
    size_t start = r->off;
    memset(out, 0, sizeof *out);
    out->message_type = kf_read_u8(r, "PROTECTED.message_type");
    if ((out->message_type & MCDATA_TYPE_AUTHENTICATED) != 0)
        kf_reader_fail_at(r, start, KF_E_UNSUPPORTED, "PROTECTED.message_type");
    if ((out->message_type & MCDATA_TYPE_PROTECTED) == 0)
        kf_reader_fail_at(r, start, KF_E_MALFORMED, "PROTECTED.message_type");
    out->date_time = kf_read_u40(r, "PROTECTED.date_time");
    out->payload_id = kf_read_u32(r, "PROTECTED.payload_id");
    out->sequence = kf_read_u8(r, "PROTECTED.sequence");
    out->algorithm = kf_read_u8(r, "PROTECTED.algorithm");
    if (aead_of(out->algorithm) == NULL)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "PROTECTED.algorithm");
    out->iv = kf_read_slice(r, MCDATA_IV_OCTETS, "PROTECTED.iv");
    out->dppk_id = kf_read_u32(r, "PROTECTED.dppk_id");
    if (kf_reader_ok(r))
        out->ad = (kf_slice){ r->msg + start, r->off - start };
    out->iei = kf_read_u8(r, "PROTECTED.payload_iei");
    size_t len = kf_read_u16(r, "PROTECTED.payload_length");
    if (kf_reader_ok(r) && len < MCDATA_TAG_OCTETS)
        kf_reader_fail_at(r, r->off - 2, KF_E_MALFORMED, "PROTECTED.payload_length");
    out->sealed = kf_read_slice(r, len, "PROTECTED.payload");
}

kf_err mcdata_protected_parse(kf_slice octets, mcdata_protected *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    mcdata_protected_decode(&r, out);
    return kf_reader_end(&r, "PROTECTED");
}

kf_err mcdata_protected_seal(const mcdata_protect *what, const kf_rng *rng, kf_writer *out)
{
    uint8_t iv[MCDATA_IV_OCTETS];
    kf_secret *dpck = NULL;

    uint8_t algorithm = algorithm_of(kf_secret_len(what->dppk));
    if (algorithm == 0 || (what->message_type & ~MCDATA_TYPE_MASK) != 0)
        return KF_E_MALFORMED;
    kf_err err = kf_rng_fill(rng, iv, sizeof iv);
    if (err == KF_OK)
        err = mcsec_dpck(what->dppk, what->dppk_id, &dpck);
    if (err != KF_OK)
        return err;
    size_t start = out->len;
    kf_write_u8(out, (uint8_t)(what->message_type | MCDATA_TYPE_PROTECTED));
    kf_write_u40(out, what->date_time);
    kf_write_u32(out, what->payload_id);
    kf_write_u8(out, what->sequence);
    kf_write_u8(out, algorithm);
    kf_write_octets(out, iv, sizeof iv);
    kf_write_u32(out, what->dppk_id);
    kf_slice ad = { out->buf + start, out->len - start };
    kf_write_u8(out, what->iei);
    size_t mark = kf_write_len16_begin(out);
    err = out->err;
    if (err == KF_OK)
        err = kf_aead_seal(aead_of(algorithm), kf_secret_view(dpck), KF_SLICE_OF(iv), ad,
                           what->content, out);
    kf_write_len16_end(out, mark);
    kf_secret_free(&dpck);
    return err != KF_OK ? err : out->err;
}

kf_err mcdata_protected_open(const mcdata_protected *m, const kf_secret *dppk, kf_secret **out)
{
    kf_secret *dpck = NULL;

    *out = NULL;
    if (algorithm_of(kf_secret_len(dppk)) == 0)
        return KF_E_MALFORMED;
    if (algorithm_of(kf_secret_len(dppk)) != m->algorithm)
        return KF_E_AUTH;
    kf_err err = mcsec_dpck(dppk, m->dppk_id, &dpck);
    if (err == KF_OK)
        err =
            kf_aead_open(aead_of(m->algorithm), kf_secret_view(dpck), m->iv, m->ad, m->sealed, out);
    kf_secret_free(&dpck);
    return err;
}

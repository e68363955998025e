#include "mikey/key_params.h"

#include <string.h>

#define IEI_GROUP_ID 0x7bu /* spec: TS 24.282 15.2.14 - MCData group ID */
#define URI_MAX      1024u
#define TIME_MAX     ((UINT64_C(1) << 40) - 1)
#define KEY_TYPE_MAX MCSEC_MUSIK

static bool has_groups(unsigned key_type)
{
    return key_type == MCSEC_GMK || key_type == MCSEC_MKFC || key_type == MCSEC_MUSIK;
}

static void decode_groups(kf_reader *r, mikey_key_params *out)
{
    size_t len = kf_read_u16(r, "PARAMS.groups_length");
    kf_reader sub = kf_read_sub(r, len, "PARAMS.groups");
    size_t count = kf_read_u8(&sub, "PARAMS.group_count");
    for (size_t i = 0; kf_reader_ok(&sub) && i < count; i++) {
        if (kf_read_u8(&sub, "PARAMS.group_iei") != IEI_GROUP_ID)
            kf_reader_fail_at(&sub, sub.off - 1, KF_E_UNSUPPORTED, "PARAMS.group_iei");
        size_t uri_len = kf_read_u16(&sub, "PARAMS.group_length");
        if (kf_reader_ok(&sub) && (uri_len == 0 || uri_len > URI_MAX))
            kf_reader_fail_at(&sub, sub.off - 2, KF_E_MALFORMED, "PARAMS.group_length");
        out->groups[i] = kf_read_slice(&sub, uri_len, "PARAMS.group_id");
        out->group_count = i + 1;
    }
    kf_reader_close(&sub, "PARAMS.groups");
}

/*
 * spec: TS 33.180 E.6.1 - the content is a type 6 IE. The form in use encrypts the value alone;
 * read literally the clause lets IEI and length be encrypted too. [P]: that form is accepted when
 * the first octet is no key type and the length fits exactly.
 */
static void skip_ie_header(kf_reader *r)
{
    size_t left = kf_reader_left(r);
    if (left < 3)
        return;
    const uint8_t *at = r->msg + r->off;
    if (at[0] <= KEY_TYPE_MAX || ((size_t)at[1] << 8 | at[2]) != left - 3)
        return;
    (void)kf_read_u8(r, "PARAMS.iei");
    (void)kf_read_u16(r, "PARAMS.length");
}

void mikey_key_params_decode(kf_reader *r, mikey_key_params *out)
{
    memset(out, 0, sizeof *out);
    skip_ie_header(r);
    out->key_type = kf_read_u8(r, "PARAMS.key_type");
    if (out->key_type > KEY_TYPE_MAX)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "PARAMS.key_type");
    out->status = kf_read_u32(r, "PARAMS.status");
    out->activation = kf_read_u40(r, "PARAMS.activation");
    out->expiry = kf_read_u40(r, "PARAMS.expiry");
    size_t len = kf_read_u16(r, "PARAMS.text_length");
    out->text = kf_read_slice(r, len, "PARAMS.text");
    if (kf_reader_ok(r) && has_groups(out->key_type))
        decode_groups(r, out);
    if (!kf_reader_ok(r))
        memset(out, 0, sizeof *out);
}

kf_err mikey_key_params_parse(kf_slice octets, mikey_key_params *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    mikey_key_params_decode(&r, out);
    kf_err err = kf_reader_end(&r, "PARAMS");
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return err;
}

static void encode_groups(const mikey_key_params *params, kf_writer *w)
{
    size_t mark = kf_write_len16_begin(w);
    kf_write_u8(w, (uint8_t)params->group_count);
    for (size_t i = 0; i < params->group_count; i++) {
        if (params->groups[i].len == 0 || params->groups[i].len > URI_MAX)
            kf_writer_fail(w, KF_E_MALFORMED);
        kf_write_u8(w, IEI_GROUP_ID);
        size_t group_mark = kf_write_len16_begin(w);
        kf_write_slice(w, params->groups[i]);
        kf_write_len16_end(w, group_mark);
    }
    kf_write_len16_end(w, mark);
}

void mikey_key_params_encode(const mikey_key_params *params, kf_writer *w)
{
    if (params->key_type > KEY_TYPE_MAX || params->activation > TIME_MAX ||
        params->expiry > TIME_MAX || params->group_count > MIKEY_PARAMS_GROUPS_MAX ||
        (params->group_count > 0 && !has_groups(params->key_type))) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    kf_write_u8(w, (uint8_t)params->key_type);
    kf_write_u32(w, params->status);
    kf_write_u40(w, params->activation);
    kf_write_u40(w, params->expiry);
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, params->text);
    kf_write_len16_end(w, mark);
    if (has_groups(params->key_type))
        encode_groups(params, w);
}

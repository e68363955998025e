#include <string.h>

#include "base/text.h"
#include "mcdata/protected_payload.h"
#include "mikey/mikey.h"
#include "mikey/profile.h"

#define RAND_OCTETS 16u

/* Storage that the message under construction borrows from. */
typedef struct draft {
    mikey_message m;
    uint8_t rand[RAND_OCTETS];
    uint8_t from_uid[MCSEC_UID_OCTETS], to_uid[MCSEC_UID_OCTETS];
    uint8_t spi[PROFILE_SPI_MAX];
    uint8_t sed[SAKKE_SED_MAX], self_sed[SAKKE_SED_MAX];
    uint8_t params[MIKEY_PARAMS_MAX + MCDATA_PROTECTED_OVERHEAD];
} draft;

static kf_err fail(kf_fault *fault, kf_err err, const char *field)
{
    return kf_fault_set(fault, err, 0, field);
}

static kf_err check(const mikey_seal *what, kf_fault *fault)
{
    const mcsec_domain *home = mcsec_user_keys_domain(what->from);
    size_t key_octets = kf_secret_len(what->key);

    if (!profile_exists(what->purpose))
        return fail(fault, KF_E_UNSUPPORTED, "seal.purpose");
    if (mcsec_keyid_tag(what->key_id) != what->purpose)
        return fail(fault, KF_E_MALFORMED, "seal.key_id");
    if (key_octets != 16 && key_octets != 32)
        return fail(fault, KF_E_MALFORMED, "seal.key");
    if (what->rand.len != 0 &&
        (what->rand.len < MIKEY_RAND_MIN_OCTETS || what->rand.len > UINT8_MAX))
        return fail(fault, KF_E_MALFORMED, "seal.rand");
    if (!kf_text_is_uri(what->to_uri, MCSEC_URI_MAX))
        return fail(fault, KF_E_MALFORMED, "seal.to_uri");
    if (what->params != NULL && what->params->key_type != what->purpose)
        return fail(fault, KF_E_MALFORMED, "seal.params.key_type");
    if (mcsec_user_keys_period(what->from) !=
        mcsec_period_number(mcsec_domain_period(home), what->now))
        return fail(fault, KF_E_STATE, "seal.from.period");
    if (!mcsec_domain_is_usable_at(home, what->now))
        return fail(fault, KF_E_STATE, "seal.from.domain");
    if (!mcsec_domain_is_usable_at(what->to_domain, what->now))
        return fail(fault, KF_E_STATE, "seal.to_domain");
    return KF_OK;
}

static void set_identities(const mikey_seal *what, draft *d)
{
    const mcsec_domain *home = mcsec_user_keys_domain(what->from);
    mikey_idr *idr = d->m.idr;

    memcpy(d->from_uid, mcsec_user_keys_uid(what->from).ptr, sizeof d->from_uid);
    if (what->hide) { /* spec: TS 33.180 E.7 */
        idr[MIKEY_ROLE_INITIATOR_UID] = (mikey_idr){ MIKEY_ID_TYPE_URI, KF_SLICE_OF(d->from_uid) };
        idr[MIKEY_ROLE_RESPONDER_UID] = (mikey_idr){ MIKEY_ID_TYPE_URI, KF_SLICE_OF(d->to_uid) };
    } else {
        idr[MIKEY_ROLE_INITIATOR] =
            (mikey_idr){ MIKEY_ID_TYPE_URI, mcsec_user_keys_uri(what->from) };
        idr[MIKEY_ROLE_RESPONDER] = (mikey_idr){ MIKEY_ID_TYPE_URI, what->to_uri };
    }
    idr[MIKEY_ROLE_INITIATOR_KMS] = (mikey_idr){ MIKEY_ID_TYPE_URI, mcsec_domain_kms_uri(home) };
    idr[MIKEY_ROLE_RESPONDER_KMS] =
        (mikey_idr){ MIKEY_ID_TYPE_URI, mcsec_domain_kms_uri(what->to_domain) };
}

/* One SAKKE payload: the key for a UID of a domain. */
static kf_err encapsulate(const mikey_seal *what, const mcsec_domain *domain,
                          const uint8_t uid[MCSEC_UID_OCTETS], uint8_t *sed, mikey_sakke *out)
{
    mcsec_id id =
        mcsec_id_of(uid, (what->compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID);
    sakke_variant variant =
        (what->compat & MIKEY_COMPAT_SSV256_L2) != 0 ? SAKKE_L2 : SAKKE_STANDARD;
    out->params = MIKEY_SAKKE_PARAMS_1;
    out->id_scheme = MIKEY_ID_SCHEME_3GPP;
    out->sed = (kf_slice){ sed, SAKKE_SED_OCTETS(kf_secret_len(what->key)) };
    return sakke_encapsulate(mcsec_domain_sakke(domain), mcsec_id_slice(&id), what->key, variant,
                             sed);
}

/* spec: TS 33.180 E.6.1 - key parameters are an MCData Protected Payload under the key itself */
static kf_err protect_params(const mikey_seal *what, const kf_rng *rng, draft *d, kf_fault *fault)
{
    uint8_t content[MIKEY_PARAMS_MAX];
    kf_writer w = kf_writer_init(content, sizeof content);
    mikey_key_params_encode(what->params, &w);
    if (w.err != KF_OK)
        return fail(fault, w.err, "seal.params");
    const mcdata_protect p = {
        .message_type = MCDATA_TYPE_DATA_PAYLOAD,
        .date_time = (uint64_t)what->now,
        .dppk = what->key,
        .dppk_id = d->m.csb_id,
        .content = kf_writer_slice(&w),
    };
    kf_writer sealed = kf_writer_init(d->params, sizeof d->params);
    kf_err err = mcdata_protected_seal(&p, rng, &sealed);
    d->m.key_params = kf_writer_slice(&sealed);
    return err == KF_OK ? KF_OK : fail(fault, err, "seal.params");
}

static kf_err fill(const mikey_seal *what, const kf_rng *rng, draft *d, kf_fault *fault)
{
    const mcsec_domain *home = mcsec_user_keys_domain(what->from);
    mcsec_period period = mcsec_domain_period(what->to_domain);
    kf_err err;

    d->m.data_type = MIKEY_DATA_TYPE_SAKKE;
    d->m.prf = MIKEY_PRF_HMAC_SHA256;
    d->m.csb_id = what->key_id;
    d->m.ntp = ((uint64_t)kf_time_to_ntp(what->now) & UINT32_MAX) << 32;
    d->m.rand = what->rand.len > 0 ? what->rand : KF_SLICE_OF(d->rand);
    err = kf_rng_fill(rng, d->rand, sizeof d->rand);
    if (err == KF_OK && mcsec_purpose_is_diverse(what->purpose)) /* spec: TS 33.180 5.2.3 */
        err = mcsec_ukid(what->key, what->to_uri, what->key_id, &d->m.csb_id);
    if (err == KF_OK)
        err = mcsec_uid(what->to_uri, mcsec_domain_kms_uri(what->to_domain), period,
                        mcsec_period_number(period, what->now), d->to_uid);
    if (err != KF_OK)
        return fail(fault, err, "seal");
    set_identities(what, d);
    profile_apply(what->purpose, what->key_id, d->m.csb_id, d->spi, &d->m);
    err = encapsulate(what, what->to_domain, d->to_uid, d->sed, &d->m.sakke);
    if (err == KF_OK && what->to_self) /* spec: TS 33.180 E.5 */
        err = encapsulate(what, home, d->from_uid, d->self_sed, &d->m.to_self);
    if (err != KF_OK)
        return fail(fault, err, "seal.key");
    return what->params == NULL ? KF_OK : protect_params(what, rng, d, fault);
}

kf_err mikey_seal_message(const mikey_seal *what, const kf_rng *rng, kf_writer *out,
                          kf_fault *fault)
{
    draft d;

    *fault = (kf_fault){ KF_OK, 0, NULL };
    memset(&d, 0, sizeof d);
    kf_err err = check(what, fault);
    if (err == KF_OK)
        err = fill(what, rng, &d, fault);
    if (err != KF_OK)
        return err;
    size_t start = out->len;
    mikey_message_encode_unsigned(&d.m, out);
    if (out->err != KF_OK)
        return fail(fault, out->err, "seal.out");
    kf_slice covered = { out->buf + start, out->len - start };
    if ((what->compat & MIKEY_COMPAT_SIGN_NO_HEADER) != 0)
        covered.len -= 2;
    uint8_t *signature = kf_write_space(out, ECCSI_SIGNATURE_OCTETS);
    err = signature == NULL
              ? out->err
              : eccsi_sign(mcsec_user_keys_signer(what->from), covered, rng, signature);
    if (err == KF_OK)
        return KF_OK;
    out->len = start;
    return fail(fault, err, "seal.out");
}

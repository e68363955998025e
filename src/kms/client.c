#include "kms/kms.h"

static kf_err judge_cert(const kms_cert *cert, kf_fault *fault)
{
    /* spec: TS 33.180 5.3.5, F.2.1 - another format would make other UIDs */
    if (!kf_slice_equal(cert->user_id_format, kf_slice_str(KMS_USER_ID_FORMAT)))
        return kf_fault_set(fault, KF_E_UNSUPPORTED, 0, "cert.UserIdFormat");
    if (cert->parameter_set.given && cert->parameter_set.value != KMS_PARAMETER_SET)
        return kf_fault_set(fault, KF_E_UNSUPPORTED, 0, "cert.ParameterSet");
    if (cert->user_key_period == 0)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "cert.UserKeyPeriod");
    if (cert->user_key_offset >= cert->user_key_period)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "cert.UserKeyOffset");
    if (cert->valid_from > cert->valid_to)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "cert.ValidTo");
    return KF_OK;
}

kf_err kms_cert_to_domain(const kms_cert *cert, sakke_tables tables, mcsec_domain **out,
                          kf_fault *fault)
{
    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    kf_err err = judge_cert(cert, fault);
    if (err != KF_OK)
        return err;
    mcsec_domain_facts facts = {
        .kms_uri = cert->kms_uri,
        .period = { cert->user_key_period, cert->user_key_offset },
        .pub_enc_key = KF_SLICE_OF(cert->pub_enc_key),
        .pub_auth_key = KF_SLICE_OF(cert->pub_auth_key),
        .valid_from = cert->valid_from,
        .valid_to = cert->valid_to,
        .revoked = cert->revoked == KMS_TRUE,
    };
    return mcsec_domain_new(&facts, tables, out, fault);
}

/* The validity must meet the key period. Equality is not asked for: servers round to whole days. */
static kf_err judge_validity(const kms_keyset *set, mcsec_period period, kf_fault *fault)
{
    if (set->valid_from >= mcsec_period_end(period, set->key_period_no))
        return kf_fault_set(fault, KF_E_AUTH, 0, "keyset.ValidFrom");
    if (set->valid_to < mcsec_period_start(period, set->key_period_no) ||
        set->valid_to < set->valid_from)
        return kf_fault_set(fault, KF_E_AUTH, 0, "keyset.ValidTo");
    return KF_OK;
}

static kf_err judge_keyset(const kms_keyset *set, const mcsec_domain *domain, kf_fault *fault)
{
    uint8_t uid[MCSEC_UID_OCTETS];
    mcsec_period period = mcsec_domain_period(domain);

    if (!kf_slice_equal(set->kms_uri, mcsec_domain_kms_uri(domain)))
        return kf_fault_set(fault, KF_E_AUTH, 0, "keyset.KmsUri");
    if (set->revoked == KMS_TRUE)
        return kf_fault_set(fault, KF_E_DENIED, 0, "keyset.Revoked");
    if (set->user_uri.len == 0 || set->user_uri.len > MCSEC_URI_MAX)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "keyset.UserUri");
    kf_err err =
        mcsec_uid(set->user_uri, mcsec_domain_kms_uri(domain), period, set->key_period_no, uid);
    if (err != KF_OK)
        return kf_fault_set(fault, err, 0, "keyset.UserID");
    /* spec: TS 33.180 F.2.1 - a UID of another user or period does not match */
    if (!kf_slice_equal(KF_SLICE_OF(uid), KF_SLICE_OF(set->user_id)))
        return kf_fault_set(fault, KF_E_AUTH, 0, "keyset.UserID");
    return judge_validity(set, period, fault);
}

/* Is PVT a point of P-256 at all? So that the fault can tell it from a wrong SSK. */
static kf_err judge_pvt(const kms_keyset *set, kf_fault *fault)
{
    eccsi_public *point = NULL;
    kf_err err = eccsi_public_new(KF_SLICE_OF(set->user_pub_token_pvt), &point);
    eccsi_public_free(&point);
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, 0, "keyset.UserPubTokenPVT");
}

kf_err kms_keyset_to_user_keys(const kms_keyset *set, const mcsec_domain *domain,
                               mcsec_id_form form, sakke_tables tables, mcsec_user_keys **out,
                               kf_fault *fault)
{
    kf_err err;

    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if ((err = judge_keyset(set, domain, fault)) != KF_OK || (err = judge_pvt(set, fault)) != KF_OK)
        return err;
    mcsec_user_facts facts = {
        .uri = set->user_uri,
        .period_number = set->key_period_no,
        .rsk = set->user_decrypt_key,
        .ssk = set->user_signing_key_ssk,
        .pvt = KF_SLICE_OF(set->user_pub_token_pvt),
    };
    return mcsec_user_keys_new(domain, &facts, form, tables, out, fault);
}

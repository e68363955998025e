#include "mcsec/domain.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct mcsec_domain {
    mcsec_domain_facts facts; /* its slices point into this object */
    uint8_t kms_uri[MCSEC_URI_MAX];
    sakke_public *sakke;
    eccsi_public *eccsi;
};

struct mcsec_user_keys {
    const mcsec_domain *domain;
    uint8_t uri[MCSEC_URI_MAX];
    size_t uri_len;
    uint8_t uid[MCSEC_UID_OCTETS];
    uint64_t period_number;
    sakke_rsk *rsk;
    eccsi_signer *signer;
};

kf_err mcsec_domain_new(const mcsec_domain_facts *facts, sakke_tables tables, mcsec_domain **out,
                        kf_fault *fault)
{
    kf_err err;

    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if (facts->kms_uri.len == 0 || facts->kms_uri.len > MCSEC_URI_MAX)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "cert.KmsUri");
    if (!mcsec_period_is_valid(facts->period))
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "cert.UserKeyPeriod");
    mcsec_domain *d = calloc(1, sizeof *d);
    if (d == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, NULL);
    d->facts = *facts;
    memcpy(d->kms_uri, facts->kms_uri.ptr, facts->kms_uri.len);
    d->facts.kms_uri.ptr = d->kms_uri;
    if ((err = sakke_public_new(facts->pub_enc_key, tables, &d->sakke)) != KF_OK)
        kf_fault_set(fault, err, 0, "cert.PubEncKey");
    else if ((err = eccsi_public_new(facts->pub_auth_key, &d->eccsi)) != KF_OK)
        kf_fault_set(fault, err, 0, "cert.PubAuthKey");
    if (err != KF_OK) {
        mcsec_domain_free(&d);
        return err;
    }
    d->facts.pub_enc_key = sakke_public_point(d->sakke);
    d->facts.pub_auth_key = eccsi_public_point(d->eccsi);
    *out = d;
    return KF_OK;
}

void mcsec_domain_free(mcsec_domain **domain)
{
    if (domain == NULL || *domain == NULL)
        return;
    sakke_public_free(&(*domain)->sakke);
    eccsi_public_free(&(*domain)->eccsi);
    free(*domain);
    *domain = NULL;
}

kf_slice mcsec_domain_kms_uri(const mcsec_domain *domain)
{
    return domain->facts.kms_uri;
}

mcsec_period mcsec_domain_period(const mcsec_domain *domain)
{
    return domain->facts.period;
}

const sakke_public *mcsec_domain_sakke(const mcsec_domain *domain)
{
    return domain->sakke;
}

const eccsi_public *mcsec_domain_eccsi(const mcsec_domain *domain)
{
    return domain->eccsi;
}

bool mcsec_domain_is_usable_at(const mcsec_domain *domain, kf_time t)
{
    return !domain->facts.revoked && domain->facts.valid_from <= t && t <= domain->facts.valid_to;
}

mcsec_id mcsec_id_of(const uint8_t uid[MCSEC_UID_OCTETS], mcsec_id_form form)
{
    mcsec_id id = { .len = 0 };
    kf_writer w = kf_writer_init(id.octets, sizeof id.octets);
    kf_slice raw = { uid, MCSEC_UID_OCTETS };
    if (form == MCSEC_ID_HEX)
        kf_hex_write(&w, raw);
    else
        kf_write_slice(&w, raw);
    id.len = w.len;
    return id;
}

kf_slice mcsec_id_slice(const mcsec_id *id)
{
    return (kf_slice){ id->octets, id->len };
}

kf_err mcsec_user_keys_new(const mcsec_domain *domain, const mcsec_user_facts *facts,
                           mcsec_id_form form, sakke_tables tables, mcsec_user_keys **out,
                           kf_fault *fault)
{
    kf_err err;

    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    if (facts->uri.len == 0 || facts->uri.len > MCSEC_URI_MAX)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "keyset.UserUri");
    mcsec_user_keys *k = calloc(1, sizeof *k);
    if (k == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, NULL);
    k->domain = domain;
    k->period_number = facts->period_number;
    k->uri_len = facts->uri.len;
    memcpy(k->uri, facts->uri.ptr, facts->uri.len);
    err = mcsec_uid(facts->uri, domain->facts.kms_uri, domain->facts.period, facts->period_number,
                    k->uid);
    mcsec_id id = mcsec_id_of(k->uid, form);
    if (err != KF_OK)
        kf_fault_set(fault, err, 0, "keyset.UserID");
    else if ((err = eccsi_signer_new(domain->eccsi, mcsec_id_slice(&id), facts->ssk, facts->pvt,
                                     &k->signer)) != KF_OK)
        kf_fault_set(fault, err, 0, "keyset.UserSigningKeySSK");
    else if ((err = sakke_rsk_new(domain->sakke, mcsec_id_slice(&id), facts->rsk, tables,
                                  &k->rsk)) != KF_OK)
        kf_fault_set(fault, err, 0, "keyset.UserDecryptKey");
    if (err != KF_OK)
        mcsec_user_keys_free(&k);
    *out = k;
    return err;
}

void mcsec_user_keys_free(mcsec_user_keys **keys)
{
    if (keys == NULL || *keys == NULL)
        return;
    sakke_rsk_free(&(*keys)->rsk);
    eccsi_signer_free(&(*keys)->signer);
    free(*keys);
    *keys = NULL;
}

const mcsec_domain *mcsec_user_keys_domain(const mcsec_user_keys *keys)
{
    return keys->domain;
}

kf_slice mcsec_user_keys_uri(const mcsec_user_keys *keys)
{
    return (kf_slice){ keys->uri, keys->uri_len };
}

kf_slice mcsec_user_keys_uid(const mcsec_user_keys *keys)
{
    return KF_SLICE_OF(keys->uid);
}

uint64_t mcsec_user_keys_period(const mcsec_user_keys *keys)
{
    return keys->period_number;
}

const sakke_rsk *mcsec_user_keys_rsk(const mcsec_user_keys *keys)
{
    return keys->rsk;
}

const eccsi_signer *mcsec_user_keys_signer(const mcsec_user_keys *keys)
{
    return keys->signer;
}

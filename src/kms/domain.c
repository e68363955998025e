#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/xml_text.h"

#define CONTENT_VERSION 1u
#define Z_OCTETS        128u
#define KSAK_OCTETS     32u

struct kms_domain {
    uint8_t uri[MCSEC_URI_MAX];
    size_t uri_len;
    mcsec_period period;
    kf_time created;
    kf_secret *z;
    kf_secret *ksak;
    uint8_t z_point[SAKKE_POINT_OCTETS];
    uint8_t kpak[ECCSI_POINT_OCTETS];
};

void kms_domain_free(kms_domain **domain)
{
    if (domain == NULL || *domain == NULL)
        return;
    kf_secret_free(&(*domain)->z);
    kf_secret_free(&(*domain)->ksak);
    free(*domain);
    *domain = NULL;
}

kf_slice kms_domain_uri(const kms_domain *domain)
{
    return (kf_slice){ domain->uri, domain->uri_len };
}

mcsec_period kms_domain_period(const kms_domain *domain)
{
    return domain->period;
}

kf_time kms_domain_created(const kms_domain *domain)
{
    return domain->created;
}

/* The facts that are no secrets; the secrets are still to come. */
static kf_err domain_with(kf_slice uri, mcsec_period period, kf_time created, kms_domain **out,
                          kf_fault *fault)
{
    *out = NULL;
    if (!kms_text_is_uri(uri) || uri.len > MCSEC_URI_MAX)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "domain.uri");
    if (!mcsec_period_is_valid(period))
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "domain.period");
    if (!kms_time_is_writable(created))
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "domain.created");
    kms_domain *d = calloc(1, sizeof *d);
    if (d == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, NULL);
    memcpy(d->uri, uri.ptr, uri.len);
    d->uri_len = uri.len;
    d->period = period;
    d->created = created;
    *out = d;
    return KF_OK;
}

/* Public keys from the master secrets, which are checked by that. */
static kf_err publish(kms_domain *d, kf_fault *fault)
{
    kf_err err;
    if ((err = sakke_master_public(d->z, d->z_point)) != KF_OK)
        return kf_fault_set(fault, err, 0, "domain.z");
    if ((err = eccsi_ksak_public(d->ksak, d->kpak)) != KF_OK)
        return kf_fault_set(fault, err, 0, "domain.ksak");
    return KF_OK;
}

kf_err kms_domain_new(kf_slice kms_uri, mcsec_period period, kf_time created, const kf_rng *rng,
                      kms_domain **out)
{
    kf_fault fault = { KF_OK, 0, NULL };
    kms_domain *d = NULL;

    *out = NULL;
    kf_err err = domain_with(kms_uri, period, created, &d, &fault);
    if (err == KF_OK)
        err = sakke_master_new(rng, &d->z);
    if (err == KF_OK)
        err = eccsi_ksak_new(rng, &d->ksak);
    if (err == KF_OK)
        err = publish(d, &fault);
    if (err != KF_OK)
        kms_domain_free(&d);
    *out = d;
    return err;
}

/* ---- at rest ---- */

kf_err kms_domain_seal(const kms_domain *domain, kf_slice passphrase, kf_scrypt_cost cost,
                       const kf_rng *rng, kf_writer *out)
{
    kf_secret *content = NULL;

    kf_err err = kf_secret_new_guarded(KMS_DOMAIN_CONTENT_MAX, &content);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(content), KMS_DOMAIN_CONTENT_MAX);
    kf_write_u8(&w, CONTENT_VERSION);
    kf_write_u64(&w, (uint64_t)domain->created);
    kf_write_u64(&w, domain->period.length_s);
    kf_write_u64(&w, domain->period.offset_s);
    kf_write_u16(&w, (uint16_t)domain->uri_len);
    kf_write_slice(&w, kms_domain_uri(domain));
    kf_write_slice(&w, kf_secret_view(domain->z));
    kf_write_slice(&w, kf_secret_view(domain->ksak));
    err = w.err;
    if (err == KF_OK)
        err = kf_container_seal(KF_CONTAINER_KMS_DOMAIN, passphrase, cost, kf_writer_slice(&w), rng,
                                out);
    kf_secret_free(&content);
    return err;
}

static kf_err decode(kf_slice content, kms_domain **out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(content, fault);
    kms_domain *d = NULL;

    if (kf_read_u8(&r, "domain.version") != CONTENT_VERSION)
        kf_reader_fail_at(&r, 0, KF_E_UNSUPPORTED, "domain.version");
    kf_time created = (kf_time)kf_read_u64(&r, "domain.created");
    mcsec_period period = { .length_s = kf_read_u64(&r, "domain.period") };
    period.offset_s = kf_read_u64(&r, "domain.offset");
    kf_slice uri = kf_read_slice(&r, kf_read_u16(&r, "domain.uri_length"), "domain.uri");
    kf_slice z = kf_read_slice(&r, Z_OCTETS, "domain.z");
    kf_slice ksak = kf_read_slice(&r, KSAK_OCTETS, "domain.ksak");
    kf_err err = kf_reader_end(&r, "domain");
    if (err == KF_OK)
        err = domain_with(uri, period, created, &d, fault);
    if (err == KF_OK && ((err = kf_secret_new_copy(z, &d->z)) != KF_OK ||
                         (err = kf_secret_new_copy(ksak, &d->ksak)) != KF_OK))
        kf_fault_set(fault, err, 0, NULL);
    if (err == KF_OK)
        err = publish(d, fault);
    if (err != KF_OK)
        kms_domain_free(&d);
    *out = d;
    return err;
}

kf_err kms_domain_open(kf_slice passphrase, kf_slice octets, kms_domain **out, kf_fault *fault)
{
    kf_secret *content = NULL;

    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    kf_err err = kf_container_open(KF_CONTAINER_KMS_DOMAIN, passphrase, octets, &content, fault);
    if (err == KF_OK)
        err = decode(kf_secret_view(content), out, fault);
    kf_secret_free(&content);
    return err;
}

/* ---- what it gives out ---- */

void kms_domain_certificate(const kms_domain *domain, kms_cert *out)
{
    *out = (kms_cert){
        .version = kf_slice_str(KMS_CERT_VERSION),
        .role = KMS_ROLE_ROOT,
        .kms_uri = kms_domain_uri(domain),
        .valid_from = KMS_NO_VALID_FROM,
        .valid_to = KMS_NO_VALID_TO,
        .user_id_format = kf_slice_str(KMS_USER_ID_FORMAT),
        .user_key_period = domain->period.length_s,
        .user_key_offset = domain->period.offset_s,
        .parameter_set = { true, KMS_PARAMETER_SET },
    };
    memcpy(out->pub_enc_key, domain->z_point, sizeof out->pub_enc_key);
    memcpy(out->pub_auth_key, domain->kpak, sizeof out->pub_auth_key);
}

void kms_keyset_clear(kms_keyset *set)
{
    if (set == NULL)
        return;
    kf_secret_free(&set->user_decrypt_key);
    kf_secret_free(&set->user_signing_key_ssk);
    memset(set, 0, sizeof *set);
}

static kf_err issue_keys(const kms_domain *domain, mcsec_id_form form, const kf_rng *rng,
                         kms_keyset *out)
{
    mcsec_id id = mcsec_id_of(out->user_id, form);
    kf_err err = sakke_rsk_extract(domain->z, mcsec_id_slice(&id), &out->user_decrypt_key);
    if (err != KF_OK)
        return err;
    return eccsi_issue(domain->ksak, mcsec_id_slice(&id), rng, &out->user_signing_key_ssk,
                       out->user_pub_token_pvt);
}

kf_err kms_domain_issue(const kms_domain *domain, kf_slice user_uri, uint64_t period,
                        mcsec_id_form form, const kf_rng *rng, kms_keyset *out)
{
    memset(out, 0, sizeof *out);
    kf_time from = mcsec_period_start(domain->period, period);
    kf_time next = mcsec_period_end(domain->period, period);
    if (!kms_text_is_uri(user_uri) || !kms_time_is_writable(from) || !kms_time_is_writable(next))
        return KF_E_MALFORMED;
    *out = (kms_keyset){
        .version = kf_slice_str(KMS_KEYSET_VERSION),
        .kms_uri = kms_domain_uri(domain),
        .user_uri = user_uri,
        .valid_from = from,
        .valid_to = next - 1,
        .key_period_no = period,
    };
    kf_err err = mcsec_uid(user_uri, kms_domain_uri(domain), domain->period, period, out->user_id);
    if (err == KF_OK)
        err = issue_keys(domain, form, rng, out);
    if (err != KF_OK)
        kms_keyset_clear(out);
    return err;
}

#include "support/world.h"

void world_domain_init(world_domain *d, const char *kms_uri, mcsec_period period)
{
    uint8_t z_point[SAKKE_POINT_OCTETS], kpak[ECCSI_POINT_OCTETS];
    testing_rng rng;
    kf_fault fault;

    testing_rng_init(&rng, kms_uri);
    *d = (world_domain){ NULL, NULL, NULL };
    assert_ok(sakke_master_new(&rng.rng, &d->z));
    assert_ok(eccsi_ksak_new(&rng.rng, &d->ksak));
    assert_ok(sakke_master_public(d->z, z_point));
    assert_ok(eccsi_ksak_public(d->ksak, kpak));
    const mcsec_domain_facts facts = {
        .kms_uri = kf_slice_str(kms_uri),
        .period = period,
        .pub_enc_key = KF_SLICE_OF(z_point),
        .pub_auth_key = KF_SLICE_OF(kpak),
        .valid_from = INT64_MIN,
        .valid_to = INT64_MAX,
    };
    assert_ok(mcsec_domain_new(&facts, SAKKE_SMALL, &d->domain, &fault));
}

void world_domain_clear(world_domain *d)
{
    mcsec_domain_free(&d->domain);
    kf_secret_free(&d->z);
    kf_secret_free(&d->ksak);
}

mcsec_user_keys *world_user(const world_domain *d, const char *uri, uint64_t period_number,
                            mcsec_id_form form)
{
    uint8_t uid[MCSEC_UID_OCTETS], pvt[ECCSI_POINT_OCTETS];
    kf_secret *rsk = NULL, *ssk = NULL;
    mcsec_user_keys *keys = NULL;
    testing_rng rng;
    kf_fault fault;

    testing_rng_init(&rng, uri);
    assert_ok(mcsec_uid(kf_slice_str(uri), mcsec_domain_kms_uri(d->domain),
                        mcsec_domain_period(d->domain), period_number, uid));
    mcsec_id id = mcsec_id_of(uid, form);
    assert_ok(sakke_rsk_extract(d->z, mcsec_id_slice(&id), &rsk));
    assert_ok(eccsi_issue(d->ksak, mcsec_id_slice(&id), &rng.rng, &ssk, pvt));
    const mcsec_user_facts facts = { kf_slice_str(uri), period_number, rsk, ssk, KF_SLICE_OF(pvt) };
    assert_ok(mcsec_user_keys_new(d->domain, &facts, form, SAKKE_SMALL, &keys, &fault));
    kf_secret_free(&rsk);
    kf_secret_free(&ssk);
    return keys;
}

uint64_t world_period(const world_domain *d, kf_time t)
{
    return mcsec_period_number(mcsec_domain_period(d->domain), t);
}

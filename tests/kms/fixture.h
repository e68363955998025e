/** @file fixture.h A small KMS that the tests of this folder share. */
#ifndef TESTS_KMS_FIXTURE_H
#define TESTS_KMS_FIXTURE_H

#include "kms/response.h"
#include "support/testing.h"

#define FIXTURE_KMS_URI  "kms.example.org"
#define FIXTURE_USER_URI "sip:user@example.org"
#define FIXTURE_PERIOD   UINT64_C(1512) /* 2592000 s each: in 2024 */

static const mcsec_period fixture_period = { 2592000, 0 };
static const kf_time fixture_time = INT64_C(1735689600); /* 2025-01-01T00:00:00Z */

/** A new domain from the stream of that label. Caller frees. */
static inline kms_domain *fixture_domain(const char *uri, mcsec_period period, const char *label)
{
    testing_rng rng;
    kms_domain *domain = NULL;
    testing_rng_init(&rng, label);
    assert_ok(kms_domain_new(kf_slice_str(uri), period, fixture_time, &rng.rng, &domain));
    return domain;
}

/** Its certificate, validated. Caller frees. */
static inline mcsec_domain *fixture_client(const kms_domain *domain)
{
    kms_cert cert;
    mcsec_domain *client = NULL;
    kf_fault fault;
    kms_domain_certificate(domain, &cert);
    assert_ok(kms_cert_to_domain(&cert, SAKKE_SMALL, &client, &fault));
    return client;
}

/** A key set. Caller clears. user must outlive it. */
static inline kms_keyset fixture_issue(const kms_domain *domain, const char *user, uint64_t period,
                                       mcsec_id_form form)
{
    testing_rng rng;
    kms_keyset set;
    testing_rng_init(&rng, user);
    assert_ok(kms_domain_issue(domain, kf_slice_str(user), period, form, &rng.rng, &set));
    return set;
}

/** A response around whatever the caller adds. */
static inline kms_response fixture_response(kms_response_kind kind)
{
    return (kms_response){
        .id = kf_slice_str("resp1"),
        .version = kf_slice_str(KMS_RESPONSE_VERSION),
        .user_uri = kf_slice_str("user@example.org"),
        .kms_uri = kf_slice_str(FIXTURE_KMS_URI),
        .time = fixture_time,
        .kms_id = kf_slice_str("KMS <1> & \"co\""),
        .client_req_url =
            kf_slice_str("https://kms.example.org/keymanagement/identity/v1/init?a=1&b='2'"),
        .kind = kind,
    };
}

#endif

/**
 * @file world.h A small world for tests: security domains with their KMS secrets, and users with
 * keys.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "mcsec/domain.h"
#include "support/testing.h"

/** 2026-11-23T09:30:00Z, in the middle of a key period of both domains. */
#define WORLD_NOW     INT64_C(1795426200)
#define WORLD_PERIOD  UINT64_C(2592000)
#define WORLD_IWF     "sip:iwf@lmr.example"
#define WORLD_ALICE   "sip:alice@mc.example"
#define WORLD_BOB     "sip:bob@mc.example"
#define WORLD_MALLORY "sip:mallory@mc.example"

/** A domain with the secrets that only its KMS would have. */
typedef struct world_domain {
    kf_secret *z, *ksak;
    mcsec_domain *domain;
} world_domain;

/** Make a domain from a label, reproducibly. Free with world_domain_clear(). */
void world_domain_init(world_domain *d, const char *kms_uri, mcsec_period period);
void world_domain_clear(world_domain *d);

/** Keys of a user for one period, issued and validated. Caller frees. */
mcsec_user_keys *world_user(const world_domain *d, const char *uri, uint64_t period_number,
                            mcsec_id_form form);

/** The number of the period of d that holds t. */
uint64_t world_period(const world_domain *d, kf_time t);

#endif

/**
 * @file ring.h Domains and signing identities in use: made ready (tables, validated) on first use
 * after unsealing and kept until sealing or until they are replaced. Immutable once made, so the
 * sealing threads share them.
 */
#ifndef VAULT_RING_H
#define VAULT_RING_H

#include "vault/parts.h"

typedef struct vault_ring vault_ring;

KF_MUST_USE kf_err vault_ring_new(vault_ring **out);
/** Forget all keys. */
void vault_ring_clear(vault_ring *ring);
void vault_ring_free(vault_ring **ring);
/** Forget one identity, or one domain: it was refreshed. */
void vault_ring_drop(vault_ring *ring, int64_t id);

/** The domain of that row, ready. A loan until it is dropped. Refuses. */
kf_err vault_ring_domain(vault_act *act, int64_t id, const mcsec_domain **out);
/** The domain that serves a user: the own one [P: a partner's when its domain list names it]. */
kf_err vault_ring_domain_of(vault_act *act, kf_slice user_uri, const mcsec_domain **out);
/**
 * The keys of an identity for the period that holds t. A loan until it is dropped.
 * @return KF_E_STATE, refused, when there are none for that period.
 */
kf_err vault_ring_keys(vault_act *act, int64_t identity, kf_time t, const mcsec_user_keys **out);

#endif

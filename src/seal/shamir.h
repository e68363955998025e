/** @file shamir.h Shamir's scheme over libgfshare, which has one generator for the whole process
 * and no way to say that it failed: both are put right here. Thread safe. */
#ifndef SEAL_SHAMIR_H
#define SEAL_SHAMIR_H

#include "base/rng.h"
#include "base/secret.h"

/**
 * Split a secret into total shares of its length; share i (from 0) has the index i + 1.
 * @param shares total of them on KF_OK, the caller frees each; NULL on failure.
 */
KF_MUST_USE kf_err shamir_split(const kf_secret *secret, uint8_t needed, uint8_t total,
                                const kf_rng *rng, kf_secret **shares);

/**
 * Put shares together. With too few, or with one that does not belong, the result is some other
 * octets: the caller checks. @param total slots in shares; NULL where there is none.
 */
KF_MUST_USE kf_err shamir_join(kf_secret *const *shares, uint8_t total, kf_secret **secret);

#endif

/**
 * @file eccsi.h Elliptic-curve certificateless signatures for identity-based encryption, RFC 6507,
 * on NIST P-256 with SHA-256 (RFC 6509 clause 2.1.1).
 */
#ifndef ECCSI_ECCSI_H
#define ECCSI_ECCSI_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"

#define ECCSI_SCALAR_OCTETS    32u
#define ECCSI_POINT_OCTETS     65u  /**< 04 || x || y: KPAK, PVT */
#define ECCSI_SIGNATURE_OCTETS 129u /**< r || s || PVT */

/** The public authentication key KPAK of a KMS, validated. Immutable: threads may share. */
typedef struct eccsi_public eccsi_public;

/** A user's signing key (SSK, PVT) bound to its identifier and KMS, validated. */
typedef struct eccsi_signer eccsi_signer;

/** A new KMS secret authentication key KSAK, uniform in [1, q-1], 32 octets. */
KF_MUST_USE kf_err eccsi_ksak_new(const kf_rng *rng, kf_secret **ksak);

/** KPAK = [KSAK]G. @return KF_E_MALFORMED when KSAK is out of range; KF_E_BACKEND. */
KF_MUST_USE kf_err eccsi_ksak_public(const kf_secret *ksak, uint8_t kpak[ECCSI_POINT_OCTETS]);

/**
 * Issue (SSK, PVT) for an identifier. RFC 6507 clause 5.1.1.
 * @param rng draws v; a v that gives SSK = 0 or HS = 0 is drawn again.
 * @param ssk 32 octets. Caller frees.
 */
KF_MUST_USE kf_err eccsi_issue(const kf_secret *ksak, kf_slice id, const kf_rng *rng,
                               kf_secret **ssk, uint8_t pvt[ECCSI_POINT_OCTETS]);

/** Accept a KPAK. @return KF_E_TRUNCATED / KF_E_TRAILING / KF_E_MALFORMED for a bad point. */
KF_MUST_USE kf_err eccsi_public_new(kf_slice kpak, eccsi_public **out);
void eccsi_public_free(eccsi_public **pub);

/** KPAK as received, 65 octets, borrowed from pub. */
kf_slice eccsi_public_point(const eccsi_public *pub);

/**
 * Accept a signing key: PVT on the curve and KPAK = [SSK]G - [HS]PVT. RFC 6507 clause 5.1.2.
 * @param pub borrowed; must outlive *out.
 * @param id  copied.
 * @return KF_E_MALFORMED for bad octets; KF_E_AUTH when it is not the key of this identifier.
 */
KF_MUST_USE kf_err eccsi_signer_new(const eccsi_public *pub, kf_slice id, const kf_secret *ssk,
                                    kf_slice pvt, eccsi_signer **out);
void eccsi_signer_free(eccsi_signer **signer);

/**
 * Sign. RFC 6507 clause 5.2.1. Constant time in SSK and j.
 * @param rng draws j.
 */
KF_MUST_USE kf_err eccsi_sign(const eccsi_signer *signer, kf_slice message, const kf_rng *rng,
                              uint8_t signature[ECCSI_SIGNATURE_OCTETS]);

/**
 * Verify. RFC 6507 clause 5.2.2.
 * @param signature 129 octets.
 * @return KF_E_AUTH when it is not a signature of this identifier over this message, for whatever
 * reason; KF_E_BACKEND, KF_E_NO_MEMORY. Not constant time: everything here is public.
 */
KF_MUST_USE kf_err eccsi_verify(const eccsi_public *pub, kf_slice id, kf_slice message,
                                kf_slice signature);

#endif

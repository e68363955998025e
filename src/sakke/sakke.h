/**
 * @file sakke.h Sakai-Kasahara key encryption, RFC 6508, with parameter set 1 of RFC 6509.
 *
 * A KMS holds a master secret z and publishes Z = [z]P. A user with identifier b gets the receiver
 * secret key RSK = K_b = [(b+z)^-1]P. Anyone encapsulates a shared secret value (SSV) to (b, Z).
 */
#ifndef SAKKE_SAKKE_H
#define SAKKE_SAKKE_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"

#define SAKKE_FIELD_OCTETS 128u /**< an element of F_p */
#define SAKKE_POINT_OCTETS 257u /**< 04 || x || y: Z, RSK, R_bS */
#define SAKKE_SSV_MAX      32u  /**< octets of the longest SSV */
/** Octets of encapsulated data for an SSV of ssv_octets: R_bS || H. */
#define SAKKE_SED_OCTETS(ssv_octets) (SAKKE_POINT_OCTETS + (ssv_octets))
#define SAKKE_SED_MAX                SAKKE_SED_OCTETS(SAKKE_SSV_MAX)

/** How H masks a 256-bit SSV. A 128-bit SSV has l = 1 in both. */
typedef enum sakke_variant {
    SAKKE_STANDARD, /**< l = ceil(lg(2^n)/256) = 1, RFC 6508 clause 5.1 */
    SAKKE_L2,       /**< interop: l = 2, what some implementations send for n = 256 */
} sakke_variant;

/** How much to compute ahead. */
typedef enum sakke_tables {
    SAKKE_SMALL, /**< quick to make: for one or a few operations */
    SAKKE_FULL,  /**< fastest operations: for a KMS or a user that is met often; under 1 MiB */
} sakke_tables;

/** The public key Z of a KMS, validated, with its fixed-base table. Immutable: threads may share.
 */
typedef struct sakke_public sakke_public;

/** A receiver secret key bound to its identifier and KMS, validated. Immutable: threads may share.
 */
typedef struct sakke_rsk sakke_rsk;

/** A new master secret z, uniform in [2, q-1], 128 octets. @return KF_E_BACKEND, KF_E_NO_MEMORY. */
KF_MUST_USE kf_err sakke_master_new(const kf_rng *rng, kf_secret **z);

/**
 * Z = [z]P. Constant time in z. RFC 6508 clause 6.1.1 (KMS set-up in 2.2).
 * @param z 1 to 128 octets, big-endian, value in [2, q-1].
 * @return KF_E_MALFORMED when z is out of range.
 */
KF_MUST_USE kf_err sakke_master_public(const kf_secret *z, uint8_t z_point[SAKKE_POINT_OCTETS]);

/**
 * RSK of an identifier: [(b+z)^-1 mod q]P. Constant time in z. RFC 6508 clause 6.1.1.
 * @param id  identifier b, 1 to 128 octets, as an integer big-endian (3GPP: the 32-octet UID).
 * @param rsk 257 octets, 04 || x || y. Caller frees.
 * @return KF_E_MALFORMED when z or id is out of range or b + z = 0 mod q; KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err sakke_rsk_extract(const kf_secret *z, kf_slice id, kf_secret **rsk);

/**
 * Accept a KMS public key: on the curve, not infinity, of order q.
 * @param z_point 257 octets as received.
 * @return KF_E_TRUNCATED / KF_E_TRAILING for a wrong length, KF_E_MALFORMED for a bad point,
 * KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err sakke_public_new(kf_slice z_point, sakke_tables tables, sakke_public **out);
void sakke_public_free(sakke_public **pub);

/** Z as received, 257 octets, borrowed from pub. */
kf_slice sakke_public_point(const sakke_public *pub);

/**
 * Accept a receiver secret key: on the curve, of order q, and <[b]P + Z, K_b> = g.
 * @param pub borrowed; must outlive *out.
 * @param id  copied.
 * @param rsk 257 octets. Borrowed.
 * @return KF_E_TRUNCATED / KF_E_TRAILING / KF_E_MALFORMED for a bad point, KF_E_AUTH when it is not
 * the key of this identifier and KMS, KF_E_NO_MEMORY. Caller frees *out.
 *
 * The precomputed lines of SAKKE_FULL give the key away, so they too live in locked memory.
 * Source: RFC 6508 clause 6.1.2.
 */
KF_MUST_USE kf_err sakke_rsk_new(const sakke_public *pub, kf_slice id, const kf_secret *rsk,
                                 sakke_tables tables, sakke_rsk **out);
void sakke_rsk_free(sakke_rsk **rsk);

/**
 * Encapsulate an SSV to an identifier.
 * @param ssv 16 or 32 octets. Constant time in it and in r.
 * @param sed SAKKE_SED_OCTETS(ssv length) octets.
 * @return KF_E_MALFORMED for an SSV or identifier of a wrong length, or when the pair (id, ssv)
 * cannot be encapsulated (r = 0 or [b]P + Z infinity: practically never). sed is zero on failure.
 * Source: RFC 6508 clause 6.2.1.
 */
KF_MUST_USE kf_err sakke_encapsulate(const sakke_public *pub, kf_slice id, const kf_secret *ssv,
                                     sakke_variant variant, uint8_t *sed);

/**
 * Open encapsulated data: pairing, SSV, and the mandatory check R = [r]([b]P + Z).
 * @param sed exactly as received: 273 octets for a 128-bit SSV, 289 for 256 bits.
 * @param ssv 16 or 32 octets on KF_OK, else NULL. Caller frees.
 * @return KF_E_TRUNCATED / KF_E_TRAILING for a wrong length; KF_E_MALFORMED when R is not a point
 * of the curve or is infinity; KF_E_AUTH when the check fails; KF_E_NO_MEMORY.
 * Constant time in the RSK and the SSV. Source: RFC 6508 clause 6.2.2.
 */
KF_MUST_USE kf_err sakke_decapsulate(const sakke_rsk *rsk, kf_slice sed, sakke_variant variant,
                                     kf_secret **ssv);

/** Octets of memory that the tables of this object use. */
size_t sakke_public_table_octets(const sakke_public *pub);
size_t sakke_rsk_table_octets(const sakke_rsk *rsk);

/** Build the tables that all KMS share (for P and g) now rather than at first use. Thread safe. */
KF_MUST_USE kf_err sakke_prepare(void);

#endif

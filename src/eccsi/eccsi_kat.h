/**
 * @file eccsi_kat.h Entry points with a given nonce, and every intermediate value. FOR KNOWN
 * ANSWERS ONLY: a nonce that is used twice or that anyone can guess gives the signing key away.
 */
#ifndef ECCSI_ECCSI_KAT_H
#define ECCSI_ECCSI_KAT_H

#include "eccsi/eccsi.h"

/** HS = SHA-256(G || KPAK || ID || PVT). RFC 6507 clause 5.1.1 step 3. @return KF_E_BACKEND. */
KF_MUST_USE kf_err eccsi_kat_hs(kf_slice kpak, kf_slice id, kf_slice pvt,
                                uint8_t hs[ECCSI_SCALAR_OCTETS]);

/** What eccsi_issue() makes on its way, and the secret that it gives. */
typedef struct eccsi_kat_issued {
    uint8_t pvt[ECCSI_POINT_OCTETS];
    uint8_t hs[ECCSI_SCALAR_OCTETS];
    kf_secret *ssk; /**< caller frees */
} eccsi_kat_issued;

/**
 * Issue with a given v.
 * @return as eccsi_issue(); KF_E_MALFORMED also for v out of range; KF_E_STATE for a v that has to
 * be drawn again.
 */
KF_MUST_USE kf_err eccsi_kat_issue(const kf_secret *ksak, kf_slice id, const kf_secret *v,
                                   eccsi_kat_issued *out);

/** What eccsi_sign() makes on its way. r, s and PVT are parts of the signature. */
typedef struct eccsi_kat_signed {
    uint8_t j_point[ECCSI_POINT_OCTETS];
    uint8_t he[ECCSI_SCALAR_OCTETS];
    uint8_t s_prime[ECCSI_SCALAR_OCTETS];
    uint8_t signature[ECCSI_SIGNATURE_OCTETS];
} eccsi_kat_signed;

/** Sign with a given j. @return as eccsi_sign(); KF_E_MALFORMED also for j out of range;
 * KF_E_STATE for a j that has to be drawn again. */
KF_MUST_USE kf_err eccsi_kat_sign(const eccsi_signer *signer, kf_slice message, const kf_secret *j,
                                  eccsi_kat_signed *out);

#endif

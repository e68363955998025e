/**
 * @file keyid.h Key identifiers, end-point diversity, and the derivations of annex F.1.
 * Source: 3GPP TS 33.180 annexes F and G, clauses 5.2.3 and 8.5.4.
 */
#ifndef MCSEC_KEYID_H
#define MCSEC_KEYID_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"

/** Purpose tags, the 4 most significant bits of a K-ID; also the key types of E.6.11. */
typedef enum mcsec_purpose {
    MCSEC_GMK = 0,   /**< group master key */
    MCSEC_PCK = 1,   /**< private call key */
    MCSEC_CSK = 2,   /**< client-server key */
    MCSEC_SPK = 3,   /**< signalling protection key */
    MCSEC_MKFC = 4,  /**< multicast floor control key */
    MCSEC_MSCCK = 5, /**< MBMS subchannel control key */
    MCSEC_MUSIK = 6, /**< multicast signalling key */
} mcsec_purpose;

/** The 28 bits of a K-ID below its purpose tag. */
#define MCSEC_KEYID_MASK UINT32_C(0x0fffffff)

/** "GMK", "PCK", ...; NULL for a tag that is not assigned. */
const char *mcsec_purpose_name(unsigned tag);

/** The purpose tag of a K-ID, 0 to 15. */
unsigned mcsec_keyid_tag(uint32_t key_id);

/** A new K-ID: the tag and 28 random bits. @return KF_E_BACKEND. */
KF_MUST_USE kf_err mcsec_keyid_new(mcsec_purpose purpose, const kf_rng *rng, uint32_t *key_id);

/** Does end-point diversity apply to a key of this purpose? Only to a GMK (5.7.1). */
bool mcsec_purpose_is_diverse(unsigned tag);

/**
 * UK-ID from K-ID, and K-ID from UK-ID: the low 28 bits XORed with the user salt of a URI.
 * @param gmk 16 or 32 octets. @param uri exactly as in IDRr.
 * Source: F.1.3, FC 0x50; 5.2.3.
 */
KF_MUST_USE kf_err mcsec_ukid(const kf_secret *gmk, kf_slice uri, uint32_t key_id, uint32_t *uk_id);

/**
 * DPCK of a DPPK: as long as the DPPK, 16 or 32 octets. Caller frees.
 * @return KF_E_MALFORMED for another length.
 * Source: F.1.5, FC 0x53.
 */
KF_MUST_USE kf_err mcsec_dpck(const kf_secret *dppk, uint32_t dppk_id, kf_secret **dpck);

#endif

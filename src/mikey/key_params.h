/**
 * @file key_params.h 3GPP key parameters, the content that travels with a key.
 * Source: 3GPP TS 33.180 E.6; project facts section 7.
 */
#ifndef MIKEY_KEY_PARAMS_H
#define MIKEY_KEY_PARAMS_H

#include "base/reader.h"
#include "base/time.h"
#include "base/writer.h"
#include "mcsec/keyid.h"

#define MIKEY_PARAMS_GROUPS_MAX 255u
/** Longest encoded content, octets. */
#define MIKEY_PARAMS_MAX 8192u

#define MIKEY_STATUS_NOT_REVOKED UINT32_C(0x00000001)
#define MIKEY_STATUS_SHARED_SEGY UINT32_C(0x00000002) /**< shared with a security gateway */

/** Decoded content. Slices are borrowed. */
typedef struct mikey_key_params {
    unsigned key_type;                        /**< E.6.11: an mcsec_purpose */
    uint32_t status;                          /**< bits above; others kept as read */
    uint64_t activation;                      /**< seconds since 1970 (40 bits); 0: the time in T */
    uint64_t expiry;                          /**< same; 0: never, bounded by the KMS key period */
    kf_slice text;                            /**< UTF-8 name for people, may be empty */
    size_t group_count;                       /**< only for GMK, MKFC, MuSiK */
    kf_slice groups[MIKEY_PARAMS_GROUPS_MAX]; /**< MC group IDs (URIs) */
} mikey_key_params;

/**
 * Decode a content that fills the reader, with or without the header of a type 6 IE in front; stops
 * at the first fault of r.
 */
void mikey_key_params_decode(kf_reader *r, mikey_key_params *out);

/** Decode a whole content. @return the first failure. */
KF_MUST_USE kf_err mikey_key_params_parse(kf_slice octets, mikey_key_params *out, kf_fault *fault);

/** Encode; the inverse of decode. Sticky errors in w: KF_E_MALFORMED for a field out of range. */
void mikey_key_params_encode(const mikey_key_params *params, kf_writer *w);

#endif

/**
 * @file uid.h Key periods and the MIKEY-SAKKE UID.
 * Source: 3GPP TS 33.180 annex F.2.1, clause 5.3.5; project facts 11.7.
 */
#ifndef MCSEC_UID_H
#define MCSEC_UID_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

#define MCSEC_UID_OCTETS 32u

/** How a domain cuts time into key periods. */
typedef struct mcsec_period {
    uint64_t length_s; /**< UserKeyPeriod, seconds, at least 1 */
    uint64_t offset_s; /**< UserKeyOffset, seconds, less than the length */
} mcsec_period;

/** Positive length, offset less than it, both below 2^40? */
bool mcsec_period_is_valid(mcsec_period period);

/** Number of the period that holds t: floor((NTP seconds - offset) / length); 0 before the first.
 */
uint64_t mcsec_period_number(mcsec_period period, kf_time t);

/** First second of period number n, and the first second after it. */
kf_time mcsec_period_start(mcsec_period period, uint64_t n);
kf_time mcsec_period_end(mcsec_period period, uint64_t n);

/**
 * UID = SHA-256 of the encoded identifier, KMS URI and key period.
 * @param uri     MC service ID or server URI, UTF-8 as sent; at most 65,535 octets.
 * @param kms_uri KmsUri of its security domain.
 * @return KF_E_MALFORMED when a string is empty or too long; KF_E_BACKEND.
 */
KF_MUST_USE kf_err mcsec_uid(kf_slice uri, kf_slice kms_uri, mcsec_period period, uint64_t number,
                             uint8_t uid[MCSEC_UID_OCTETS]);

#endif

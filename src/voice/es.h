/**
 * @file es.h The encryption sync: algorithm, key and message indicator, and its RS(24,16,9) parity.
 * Source: TIA-102.BAAA, AAAD; project facts 3.1, 4.2.
 *
 * Sixteen 6-bit words (MI, ALGID, KID) and eight of parity over GF(64), polynomial x^6+x+1, roots
 * alpha^1 to alpha^8: up to four wrong words are corrected.
 */
#ifndef VOICE_ES_H
#define VOICE_ES_H

#include "base/err.h"
#include "base/slice.h"
#include "p25/ids.h"

#define VOICE_ES_OCTETS     12u /**< MI, ALGID, KID */
#define VOICE_PARITY_OCTETS 6u
#define VOICE_ES_PROTECTED  (VOICE_ES_OCTETS + VOICE_PARITY_OCTETS)
#define VOICE_ES_CORRECTED  4u /**< wrong 6-bit words that can be corrected */

typedef struct voice_es {
    uint8_t mi[P25_MI_OCTETS];
    uint8_t algid;
    uint16_t kid;
} voice_es;

/** Same algorithm, key and MI? */
bool voice_es_equal(const voice_es *a, const voice_es *b);

/** The ES of clear speech. */
voice_es voice_es_clear(void);

/** Is it clear speech? Only after voice_es_check(). */
bool voice_es_is_clear(const voice_es *es);

/**
 * Rules between fields: clear has KID 0 and MI 0; every other algorithm an MI that is not zero; for
 * those that we have an engine for its last octet is 00.
 * @return KF_E_MALFORMED.
 */
KF_MUST_USE kf_err voice_es_check(const voice_es *es);

/** The 18 octets with parity. */
void voice_es_encode(const voice_es *es, uint8_t octets[VOICE_ES_PROTECTED]);

/**
 * Correct up to four wrong words, decode, check the rules.
 * @param corrected how many words were wrong.
 * @return KF_E_MALFORMED when it cannot be corrected or breaks a rule; then *out is all zero, which
 * no rule admits.
 */
KF_MUST_USE kf_err voice_es_decode(const uint8_t octets[VOICE_ES_PROTECTED], voice_es *out,
                                   unsigned *corrected);

#endif

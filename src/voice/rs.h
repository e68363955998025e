/** @file rs.h Inside this room only: RS(24,16,9) over GF(64), x^6+x+1, roots alpha^1 to alpha^8. */
#ifndef VOICE_RS_H
#define VOICE_RS_H

#include "base/err.h"

#include <stdint.h>

#define VOICE_RS_WORDS  24u
#define VOICE_RS_DATA   16u
#define VOICE_RS_PARITY 8u

/** Fill words 16 to 23 with the parity of words 0 to 15, each below 64. */
void voice_rs_encode(uint8_t words[VOICE_RS_WORDS]);

/**
 * Correct at most four wrong words in place.
 * @param corrected how many; 0 on failure.
 * @return KF_E_MALFORMED when no codeword is that near; then words are as they were.
 */
KF_MUST_USE kf_err voice_rs_correct(uint8_t words[VOICE_RS_WORDS], unsigned *corrected);

#endif

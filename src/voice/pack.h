/**
 * @file pack.h Vocoder words and octets, silence, and what a vocoder cannot have said.
 * Source: TIA-102.BABA (full rate), BABA-A (half rate); project facts 3.3.
 */
#ifndef VOICE_PACK_H
#define VOICE_PACK_H

#include "voice/stream.h"

#define VOICE_FULL_WORDS 8u
#define VOICE_HALF_WORDS 4u

/** u0 to u3 (12 bits), u4 to u6 (11), u7 (7) to 88 bits. @return KF_E_MALFORMED: word too large. */
KF_MUST_USE kf_err voice_full_pack(const uint16_t words[VOICE_FULL_WORDS],
                                   uint8_t octets[VOICE_FULL_OCTETS]);

/** The reverse; every 88 bits are words. */
void voice_full_unpack(const uint8_t octets[VOICE_FULL_OCTETS], uint16_t words[VOICE_FULL_WORDS]);

/** u0, u1 (12 bits), u2 (11), u3 (14) and 7 zero bits. @return KF_E_MALFORMED: word too large. */
KF_MUST_USE kf_err voice_half_pack(const uint16_t words[VOICE_HALF_WORDS],
                                   uint8_t octets[VOICE_HALF_OCTETS]);

/** The reverse. @return KF_E_MALFORMED when padding is not zero; words are filled all the same. */
KF_MUST_USE kf_err voice_half_unpack(const uint8_t octets[VOICE_HALF_OCTETS],
                                     uint16_t words[VOICE_HALF_WORDS]);

/** Octets of a frame of that phase. */
size_t voice_frame_octets(voice_phase phase);

/** A frame that a vocoder plays as silence. A literal. */
kf_slice voice_silence(voice_phase phase);

/**
 * Could a vocoder have made this full-rate frame? Its pitch index takes 212 of 256 values (0 to
 * 207, and 216 to 219 for silence), so of random octets one frame in six is none.
 */
bool voice_full_is_plausible(const uint8_t octets[VOICE_FULL_OCTETS]);

#endif

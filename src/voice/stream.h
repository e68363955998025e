/**
 * @file stream.h The P25 voice cipher: keystream of one superframe and the mask of each frame in
 * it. Source: TIA-102.AAAD; project facts 3.1 to 3.3.
 *
 * A stream is one key in one direction of one call. Nothing is allocated after it is made: the key
 * schedule and the working space are kept. One stream is for one thread; different streams may be
 * used by different threads.
 */
#ifndef VOICE_STREAM_H
#define VOICE_STREAM_H

#include "base/secret.h"
#include "p25/ids.h"

/** Voice frames of a superframe (LDU1 and LDU2, or 4V 4V 4V 4V 2V): 360 ms. */
#define VOICE_FRAMES 18u

/** Information octets of a frame: 88 bits, and 49 bits with 7 bits of padding. */
#define VOICE_FULL_OCTETS 11u
#define VOICE_HALF_OCTETS 7u
#define VOICE_FRAME_MAX   VOICE_FULL_OCTETS

/** Octets of low-speed data of each half of a Phase 1 superframe, and protected link control. */
#define VOICE_LSD_OCTETS 2u
#define VOICE_LC_OCTETS  8u

/** The air interface: which keystream octets mask which frame. */
typedef enum voice_phase {
    VOICE_PHASE1, /**< FDMA, full rate, 213 octets a superframe */
    VOICE_PHASE2, /**< TDMA, half rate, 126 octets a superframe */
} voice_phase;

/** Octets of keystream of a superframe. */
#define VOICE_PHASE1_KEYSTREAM 213u
#define VOICE_PHASE2_KEYSTREAM 126u

/** A cipher: facts only; what runs it is inside. */
typedef struct voice_alg {
    uint8_t algid;
    size_t key_octets;
    size_t block_octets; /**< of the block cipher; 0 for a stream cipher */
    size_t skip_octets;  /**< of keystream thrown away before the first used one */
} voice_alg;

/** The cipher of an algorithm identifier; NULL for clear and for those without an engine. */
const voice_alg *voice_alg_find(unsigned algid);

typedef struct voice_stream voice_stream;

/**
 * Prepare a key. Caller frees *out.
 * @param key borrowed for this call, key_octets of the algorithm. Parity bits of DES are ignored.
 * @return KF_E_UNSUPPORTED for an algorithm without an engine, KF_E_MALFORMED for a wrong key
 * length, KF_E_NO_MEMORY, KF_E_BACKEND. *out is NULL on failure.
 */
KF_MUST_USE kf_err voice_stream_new(voice_phase phase, unsigned algid, const kf_secret *key,
                                    voice_stream **out);

/** Wipe, free, set to NULL. NULL and a pointer to NULL are fine. */
void voice_stream_free(voice_stream **s);

/**
 * Make the keystream of the superframe of this MI; its first 8 octets are used.
 * @return KF_E_MALFORMED for an MI of zeros (spec: 3.1 - invalid with an algorithm), KF_E_BACKEND.
 * After a failure the stream has no keystream and masking is refused.
 */
KF_MUST_USE kf_err voice_stream_start(voice_stream *s, const uint8_t mi[P25_MI_OCTETS]);

/**
 * Mask one frame in place: encrypts and decrypts.
 * @param frame  0 to 17, the position in the superframe, never a count of frames received.
 * @param octets VOICE_FULL_OCTETS or VOICE_HALF_OCTETS by phase; the 7 bits of padding of a half
 * rate frame come out as zero.
 * @return KF_E_STATE without a keystream, KF_E_MALFORMED for another frame number. Then octets are
 * as they were: the caller must not play them.
 */
KF_MUST_USE kf_err voice_stream_mask(const voice_stream *s, unsigned frame, uint8_t *octets);

/**
 * Mask low-speed data of half 0 (LDU1) or 1 (LDU2), Phase 1 only. No peer known to us does.
 * @return as voice_stream_mask().
 */
KF_MUST_USE kf_err voice_stream_mask_lsd(const voice_stream *s, unsigned half,
                                         uint8_t octets[VOICE_LSD_OCTETS]);

/** Mask octets 1 to 8 of a link control that is marked protected, Phase 1 only. */
KF_MUST_USE kf_err voice_stream_mask_lc(const voice_stream *s, uint8_t octets[VOICE_LC_OCTETS]);

/** The keystream: a loan until the next start. Empty when there is none. A secret. */
kf_slice voice_stream_keystream(const voice_stream *s);

#endif

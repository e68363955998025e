/**
 * @file transmit.h The sending end of a protected talk spurt. Source: TIA-102.AAAD; project facts
 * 3.1, 3.3, 3.4. No I/O, no clock; randomness is an argument.
 */
#ifndef VOICE_TRANSMIT_H
#define VOICE_TRANSMIT_H

#include "base/rng.h"
#include "voice/block.h"
#include "voice/es.h"

/** The first frame, 0 to 17, with a part of the ES, and octets of each part. */
#define VOICE_ES_FIRST_FRAME 11u
#define VOICE_ES_PARTS       6u
#define VOICE_ES_PART_OCTETS 3u

typedef struct voice_tx voice_tx;

/** Where a frame is, and the sync that goes with it. */
typedef struct voice_tx_place {
    uint64_t superframe; /**< counted from 0 within the spurt */
    unsigned frame;      /**< 0 to 17 */
    voice_es next;       /**< the ES of the superframe that follows: sent in frames 12 to 17 */
} voice_tx_place;

/** A sender without a key: its spurts are refused until one is set or clear is asked for. Caller
 * frees. */
KF_MUST_USE kf_err voice_tx_new(voice_phase phase, voice_tx **out);

/** Wipe, free, set to NULL. NULL and a pointer to NULL are fine. */
void voice_tx_free(voice_tx **tx);

/**
 * The key of the next spurt; a spurt that is under way keeps the key it began with.
 * @param key borrowed for this call.
 * @return as voice_stream_new(); then the key is the one set before.
 */
KF_MUST_USE kf_err voice_tx_set_key(voice_tx *tx, unsigned algid, uint16_t kid,
                                    const kf_secret *key);

/** The next spurt is clear. */
void voice_tx_set_clear(voice_tx *tx);

/**
 * Begin a spurt, ending the one before.
 * @param rng   draws the MI.
 * @param first the ES of the first superframe, for the header word.
 * @return KF_E_STATE when neither a key nor clear was ever set, KF_E_BACKEND.
 */
KF_MUST_USE kf_err voice_tx_begin(voice_tx *tx, const kf_rng *rng, voice_es *first);

/**
 * Encrypt the next frame in place.
 * @param octets VOICE_FULL_OCTETS or VOICE_HALF_OCTETS; after a failure silence, never the clear
 * frame.
 * @return KF_E_STATE outside a spurt, KF_E_BACKEND.
 */
KF_MUST_USE kf_err voice_tx_frame(voice_tx *tx, uint8_t *octets, voice_tx_place *place);

/**
 * Mask the low-speed data that goes with the frame just encrypted (the 9th or the 18th), in place.
 * Receivers in the field do not unmask it: only for peers that are known to.
 * @return KF_E_STATE outside a spurt or after another frame; then lsd is zero.
 */
KF_MUST_USE kf_err voice_tx_lsd(voice_tx *tx, uint8_t lsd[VOICE_LSD_OCTETS]);

/** End the spurt. A key set meanwhile counts from the next one on. */
void voice_tx_end(voice_tx *tx);

/**
 * Make the voice block of a frame just encrypted: frame type, superframe counter, and in frames 12
 * to 17 the part of the ES. Error figures and low-speed data are zero.
 * @param type from voice_frame_type_issi() or voice_frame_type_dfsi() for place->frame.
 */
void voice_tx_block(const voice_tx_place *place, const voice_frame_type *type,
                    const uint8_t octets[VOICE_FULL_OCTETS], voice_block *out);

#endif

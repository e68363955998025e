/**
 * @file receive.h The receiving end of a talk spurt: a state machine from encryption syncs and
 * frames to speech or silence. Source: TIA-102.AAAD; project facts 3.1, 3.4. No I/O, no clock.
 *
 * Nothing is played before a validated ES says what it is. An ES that says something else than the
 * spurt so far counts only when the next one agrees, so that one damaged ES never turns a call from
 * clear to encrypted or back. An encrypted call without its key, or with a wrong one, is silence.
 *
 * A wrong key cannot be told from an ES. A key that has not proven itself is therefore on trial:
 * its frames are silence until VOICE_TRIAL_FRAMES of them in a row could come from a vocoder. A
 * trial goes on in the next spurt under the same identifier, so short spurts prove a key too: make
 * a new receiver when the store has put other octets under an identifier.
 */
#ifndef VOICE_RECEIVE_H
#define VOICE_RECEIVE_H

#include "voice/transmit.h"

/** A key on trial passes after so many plausible frames in a row (1.08 s): random octets do so once
 * in 25,000 attempts. It fails at the VOICE_TRIAL_FAULTS-th implausible one. */
#define VOICE_TRIAL_FRAMES 54u
#define VOICE_TRIAL_FAULTS 3u

/** A hole of more superframes than this (5.8 s) is a new beginning. */
#define VOICE_GAP_MAX 16u

/** What the key store says of a key. */
typedef struct voice_rx_key {
    const kf_secret *key; /**< a loan until the function that asked returns */
    bool proven;          /**< has made speech before: no trial */
} voice_rx_key;

typedef enum voice_rx_event {
    VOICE_RX_CLEAR,   /**< the spurt is clear */
    VOICE_RX_SECURE,  /**< encrypted, and we have a key of that identifier */
    VOICE_RX_NO_KEY,  /**< encrypted, and we have none, or may not use it: silence */
    VOICE_RX_PROVEN,  /**< the key on trial makes speech */
    VOICE_RX_WRONG,   /**< the key on trial makes noise: silence to the end of the spurt */
    VOICE_RX_MOVED,   /**< the MI is not the one that follows: the received one was taken */
    VOICE_RX_ES_LOST, /**< no ES for this superframe: stepped on our own */
    VOICE_RX_ES_BAD,  /**< an ES came and was not valid */
    VOICE_RX_DOUBT,   /**< an ES contradicts the spurt: waiting for the next one */
} voice_rx_event;

/** Names of events for logs: "clear", "no-key", ... */
const char *voice_rx_event_name(voice_rx_event event);

typedef struct voice_rx_config {
    voice_phase phase; /**< keys of VOICE_PHASE2 are not put on trial: too few frames are telling */
    /** Find a key. KF_OK and *out; KF_E_DENIED when this group may not use it; any other: none. */
    kf_err (*find)(void *ctx, unsigned algid, uint16_t kid, voice_rx_key *out);
    /** Told what happened; why is what find or the cipher said, else KF_OK. NULL for none. */
    void (*event)(void *ctx, voice_rx_event event, uint64_t superframe, const voice_es *es,
                  kf_err why);
    void *ctx;
} voice_rx_config;

/** What is in the octets after voice_rx_frame(). */
typedef enum voice_rx_sound {
    VOICE_RX_SILENCE,
    VOICE_RX_SPEECH_CLEAR, /**< came clear */
    VOICE_RX_SPEECH,       /**< decrypted */
} voice_rx_sound;

typedef struct voice_rx voice_rx;

/** A receiver at the beginning of a spurt. config is copied. Caller frees. */
KF_MUST_USE kf_err voice_rx_new(const voice_rx_config *config, voice_rx **out);

/** Wipe, free, set to NULL. NULL and a pointer to NULL are fine. */
void voice_rx_free(voice_rx **rx);

/** Another spurt begins: forget everything about the last one but the trial of its key. */
void voice_rx_begin(voice_rx *rx);

/**
 * An ES that a lower layer has validated: of the header word, of Phase 2 MAC_PTT or ESS.
 * @param superframe the one that its MI is for.
 * @return KF_E_MALFORMED when it breaks a rule of voice_es_check(), KF_E_STATE when it is for a
 * superframe that has begun; it is then not used.
 */
KF_MUST_USE kf_err voice_rx_sync(voice_rx *rx, uint64_t superframe, const voice_es *es);

/**
 * One of the six parts of the ES that superframe carries for the next one. The sixth completes it.
 * @param frame VOICE_ES_FIRST_FRAME and on, 0-based; others are KF_E_MALFORMED.
 */
KF_MUST_USE kf_err voice_rx_es_part(voice_rx *rx, uint64_t superframe, unsigned frame,
                                    const uint8_t part[VOICE_ES_PART_OCTETS]);

/**
 * Turn a frame into what may be played, in place. Frames of a superframe may come in any order.
 * @param frame 0 to 17: its place, never a count.
 * @return KF_E_MALFORMED for another frame, KF_E_STATE for a superframe that has passed,
 * KF_E_BACKEND; the octets are silence then too.
 */
KF_MUST_USE kf_err voice_rx_frame(voice_rx *rx, uint64_t superframe, unsigned frame,
                                  uint8_t *octets, voice_rx_sound *sound);

/**
 * Both of an IMBE block: the frame into octets, and its part of the ES when it has one.
 * @return as voice_rx_frame(); KF_E_UNSUPPORTED for no frame type.
 */
KF_MUST_USE kf_err voice_rx_block(voice_rx *rx, uint64_t superframe, const voice_block *block,
                                  uint8_t octets[VOICE_FULL_OCTETS], voice_rx_sound *sound);

/**
 * Unmask low-speed data of the current superframe, in place: half 0 with frame 9, 1 with frame 18.
 * @return KF_E_STATE when the superframe is not the current one or speech is not played; then lsd
 * is zero.
 */
KF_MUST_USE kf_err voice_rx_lsd(voice_rx *rx, uint64_t superframe, unsigned half,
                                uint8_t lsd[VOICE_LSD_OCTETS]);

/** From the 2-bit counter of blocks to superframe numbers. Zero it at the start of a spurt. */
typedef struct voice_clock {
    bool started, counts; /**< counts: the sender has shown another value than its first */
    uint8_t sf;
    unsigned frame;
    uint64_t superframe;
} voice_clock;

/**
 * The superframe of a block; blocks come in the order of RTP, late ones dropped by the caller. A
 * hole of four superframes and more is not seen. A sender whose counter stands still is followed by
 * its frame numbers.
 */
uint64_t voice_clock_at(voice_clock *clock, unsigned sf, unsigned frame);

#endif

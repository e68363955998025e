/**
 * @file speech.h P25 voice of a subscriber: files of IMBE frames (11 octets each) as talk spurts in
 * ISSI packets, and packets back into a file. No sockets and no clock: the caller sends a packet
 * each 60 ms and hands in what arrives.
 *
 * One spurt is sent at a time, and one source is listened to at a time. A file that is listened
 * into keeps time: what was lost or may not be heard is silence. Source: TIA-102.BACA; project
 * facts 3.1, 3.4, 4.2.
 */
#ifndef LAB_SPEECH_H
#define LAB_SPEECH_H

#include <netinet/in.h>

#include <jansson.h>

#include "base/rng.h"
#include "base/time.h"
#include "lab/trouble.h"
#include "otar/unit.h"

#define LAB_SPEECH_TARGETS    4u
#define LAB_SPEECH_PACKET_MS  60
#define LAB_SPEECH_FRAMES_MAX 15000u  /**< of a spurt: five minutes */
#define LAB_SPEECH_HEARD_MAX  180000u /**< of a file that is listened into: an hour */
/** Seconds without a packet after which a spurt is over. */
#define LAB_SPEECH_SILENT_SECONDS 2

typedef struct lab_speech lab_speech;

typedef struct lab_speech_io {
    const otar_unit *unit; /**< whose keys are used; borrowed */
    const kf_rng *rng;
    void (*send)(void *ctx, const struct sockaddr_in *to, kf_slice packet);
    void (*emit)(void *ctx, json_t *event); /**< takes the event */
    void *ctx;
} lab_speech_io;

/** Frames counted. */
typedef struct lab_speech_counts {
    uint64_t speech, speech_clear, silence; /**< silence: as played, also for the next two */
    uint64_t lost;                          /**< frames that never came */
    uint64_t ignored;                       /**< packets: bad, late, of another source */
} lab_speech_counts;

KF_MUST_USE kf_err lab_speech_new(const lab_speech_io *io, lab_speech **out);
void lab_speech_free(lab_speech **speech);

/**
 * Begin a spurt.
 * @param sln     the channel; its current key is used to the end of the spurt.
 * @param clear   no encryption; then sln means nothing.
 * @param frames  taken; 11 octets each.
 * @return KF_E_STATE (a spurt is under way, no key), KF_E_MALFORMED (the file), with trouble.
 */
KF_MUST_USE kf_err lab_speech_speak(lab_speech *s, uint16_t sln, bool clear, kf_secret **frames,
                                    const struct sockaddr_in *targets, size_t count,
                                    lab_trouble *trouble);
/** Send the next packet. @return false when that was the last one, or nothing is under way. */
bool lab_speech_step(lab_speech *s);
bool lab_speech_is_speaking(const lab_speech *s);
/** Frames of the spurt, or of the last one, that were sent. */
uint64_t lab_speech_sent(const lab_speech *s);

/** Listen into a file, made anew with mode 0600. @return KF_E_STATE, KF_E_BACKEND, with trouble. */
KF_MUST_USE kf_err lab_speech_listen(lab_speech *s, const char *path, lab_trouble *trouble);
bool lab_speech_is_listening(const lab_speech *s);
/** A packet arrived. */
void lab_speech_hear(lab_speech *s, kf_time now, const struct sockaddr_in *from, kf_slice packet);
/** Time passes: a spurt that fell silent is over. */
void lab_speech_tick(lab_speech *s, kf_time now);
/** Spurts that ended since listening began, and what was heard. */
uint64_t lab_speech_spurts(const lab_speech *s);
const lab_speech_counts *lab_speech_heard(const lab_speech *s);
/** End both sending and listening. */
void lab_speech_stop(lab_speech *s);

/**
 * The unit's keys may have changed: what uses a key that is gone ends at once, and no key counts as
 * proven any more when is_reloaded (other octets may be under the same identifier).
 */
void lab_speech_keys_changed(lab_speech *s, bool is_reloaded);

#endif

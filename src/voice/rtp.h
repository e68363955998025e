/** @file rtp.h The RTP header of P25 voice: 12 octets, no padding, no extension, no sources.
 * Source: RFC 3550 section 5.1, TIA-102.BACA, BAHA; project facts 4.2, 4.3. */
#ifndef VOICE_RTP_H
#define VOICE_RTP_H

#include "base/reader.h"
#include "base/writer.h"

#define VOICE_RTP_OCTETS       12u
#define VOICE_RTP_PT_FULL_RATE 100u
#define VOICE_RTP_SSRC_HOME    1u /**< group call, from the home RFSS */
#define VOICE_RTP_SSRC_SERVING 2u /**< group call, from the serving RFSS */

typedef struct voice_rtp {
    bool marker; /**< not set by anybody known, taken when it is */
    uint8_t pt;
    uint16_t seq;
    uint32_t timestamp; /**< not to be trusted: peers add 480 or 1 for a packet */
    uint32_t ssrc;
} voice_rtp;

/** Decode a header; another version, padding, extension, sources, payload type: KF_E_UNSUPPORTED.
 */
void voice_rtp_decode(kf_reader *r, voice_rtp *out);

/** Append a header. */
void voice_rtp_encode(const voice_rtp *rtp, kf_writer *w);

#endif

/**
 * @file dfsi.h The DFSI voice packet with compact block headers: RTP header, control octet, one
 * octet a block, blocks. Both ways. Source: TIA-102.BAHA-A as seen in implementations; project
 * facts 4.3.
 *
 * Field names given to the reader are "RTP.x" and "DFSI.x".
 */
#ifndef VOICE_DFSI_H
#define VOICE_DFSI_H

#include "voice/block.h"
#include "voice/rtp.h"

/** Block types that have a layout known to us. A compact header does not say how long a block is,
 * so every other type ends the reading of a packet. */
typedef enum voice_dfsi_block {
    VOICE_DFSI_VOICE = 0,
    VOICE_DFSI_START = 9,
    VOICE_DFSI_END = 10, /**< has no octets */
} voice_dfsi_block;

/** Deviation that is accepted; the encoder never writes it. */
enum { VOICE_DFSI_QUIRK_E_BIT = 1u << 0 }; /**< E of a block header is 0 */

typedef struct voice_dfsi_start {
    uint16_t nid;     /**< NAC and DUID */
    uint8_t errors;   /**< 4 bits */
    uint8_t reserved; /**< the upper 4 bits of that octet */
} voice_dfsi_start;

#define VOICE_DFSI_VOICE_MAX 3u
/** Longest packet that we write. */
#define VOICE_DFSI_MAX (VOICE_RTP_OCTETS + 1u + 5u + 3u + VOICE_DFSI_VOICE_MAX * VOICE_BLOCK_MAX)

/** A packet: start of stream, voice, end of stream, in that order, each may be missing. */
typedef struct voice_dfsi {
    voice_rtp rtp;
    bool signal;
    bool has_start, has_end;
    voice_dfsi_start start;
    size_t voice_count; /**< 0 to 3 */
    voice_block voice[VOICE_DFSI_VOICE_MAX];
    unsigned quirks;
} voice_dfsi;

/** Decode a packet that fills the reader; stops at the first fault. */
void voice_dfsi_decode(kf_reader *r, voice_dfsi *out);

/**
 * Decode one datagram.
 * @param trace NULL, or sees every octet once.
 * @param fault where and why on failure.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED (no block, too many, wrong order),
 * KF_E_UNSUPPORTED (verbose headers, another block or frame type).
 */
KF_MUST_USE kf_err voice_dfsi_parse(kf_slice octets, kf_trace *trace, voice_dfsi *out,
                                    kf_fault *fault);

/** Append a packet. KF_E_MALFORMED in the writer: no block, a field too large. */
void voice_dfsi_encode(const voice_dfsi *p, kf_writer *w);

#endif

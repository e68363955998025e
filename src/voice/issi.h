/**
 * @file issi.h The ISSI RTP packet: header, control octet, block headers, blocks. Both ways.
 * Source: TIA-102.BACA-B as seen in captures; project facts 4.2, conflict C12.
 *
 * Field names given to the reader are "RTP.x" and "ISSI.x".
 */
#ifndef VOICE_ISSI_H
#define VOICE_ISSI_H

#include "voice/block.h"
#include "voice/es.h"
#include "voice/rtp.h"

/** Block types that have a layout known to us. */
typedef enum voice_issi_block {
    VOICE_ISSI_IMBE = 0,
    VOICE_ISSI_PACKET_TYPE = 1, /**< always first */
    VOICE_ISSI_HEADER_WORD = 5,
    VOICE_ISSI_PTT_CONTROL = 11,
    VOICE_ISSI_CONSOLE_PTT = 15, /**< named, layout not known: skipped */
} voice_issi_block;
#define VOICE_ISSI_MANUFACTURER 63u /**< this and all above: skipped by length */

typedef enum voice_packet_type {
    VOICE_PTT_REQUEST = 0,
    VOICE_PTT_GRANT = 1,
    VOICE_PTT_PROGRESS = 2,
    VOICE_PTT_END = 3,
    VOICE_PTT_START = 4,
    VOICE_PTT_MUTE = 5,
    VOICE_PTT_UNMUTE = 6,
    VOICE_PTT_WAIT = 7,
    VOICE_PTT_DENY = 8,
    VOICE_PTT_HEARTBEAT = 9,
    VOICE_PTT_HEARTBEAT_QUERY = 10,
} voice_packet_type;

/** Service options. */
#define VOICE_SO_EMERGENCY   0x80u
#define VOICE_SO_PROTECTED   0x40u
#define VOICE_SO_DUPLEX      0x20u
#define VOICE_SO_PACKET_MODE 0x10u
#define VOICE_SO_PRIORITY    0x07u

/** Deviations that are accepted; the encoder never writes them. */
enum {
    VOICE_ISSI_QUIRK_E_BIT = 1u << 0,   /**< E of a block header is 0 where we write 1 */
    VOICE_ISSI_QUIRK_ORDER = 1u << 1,   /**< blocks in another order than ours */
    VOICE_ISSI_QUIRK_SKIPPED = 1u << 2, /**< a block of a manufacturer, or a console's PTT word */
};

typedef struct voice_ptt_control {
    uint32_t wacn;    /**< 20 bits */
    uint16_t system;  /**< 12 bits */
    uint32_t unit;    /**< 24 bits */
    uint8_t priority; /**< type 4 bits, level 4 bits */
} voice_ptt_control;

typedef struct voice_header_word {
    voice_es es; /**< as received: voice_es_check() is the reader's duty */
    uint8_t mfid;
    uint16_t group;
    uint16_t nid; /**< NAC and DUID */
    uint8_t last; /**< superframe, busy bits, reserved: varies between senders, to be ignored */
} voice_header_word;

#define VOICE_ISSI_IMBE_MAX   3u
#define VOICE_ISSI_PLACES     (3u + VOICE_ISSI_IMBE_MAX)
#define VOICE_ISSI_BLOCKS_MAX 8u
/** Longest packet that we write. */
#define VOICE_ISSI_MAX                                                                             \
    (VOICE_RTP_OCTETS + 1u + 6u * 4u + 4u + 8u + 18u + VOICE_ISSI_IMBE_MAX * VOICE_BLOCK_MAX)

typedef struct voice_issi {
    voice_rtp rtp;
    bool signal; /**< set while the sender transmits */
    bool mute;
    uint8_t packet_type;     /**< voice_packet_type */
    uint8_t service_options; /**< VOICE_SO_* */
    uint8_t tsn;             /**< transmission sequence number, 7 bits: one talk spurt */
    bool losing_audio;
    uint8_t interval; /**< seconds */
    bool has_ptt, has_header;
    voice_ptt_control ptt;
    voice_header_word header;
    size_t imbe_count; /**< 0 to 3 */
    voice_block imbe[VOICE_ISSI_IMBE_MAX];
    /** Timestamp offsets, 14 bits: packet type, PTT control, header word, voice 1 to 3. */
    uint16_t offset[VOICE_ISSI_PLACES];
    unsigned quirks;
} voice_issi;

/** Decode a packet that fills the reader; stops at the first fault. */
void voice_issi_decode(kf_reader *r, voice_issi *out);

/**
 * Decode one datagram.
 * @param trace NULL, or sees every octet once.
 * @param fault where and why on failure.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED (block length, block twice, first block),
 * KF_E_UNSUPPORTED (compact headers, another block, packet or frame type).
 */
KF_MUST_USE kf_err voice_issi_parse(kf_slice octets, kf_trace *trace, voice_issi *out,
                                    kf_fault *fault);

/** Append a packet. KF_E_MALFORMED in the writer: a field too large. Quirks are not written. */
void voice_issi_encode(const voice_issi *p, kf_writer *w);

/** "PTT progress", ...; NULL for no such type. */
const char *voice_packet_type_name(unsigned type);

#endif

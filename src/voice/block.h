/**
 * @file block.h The IMBE voice block that ISSI and DFSI share: one frame, its error figures, and
 * the supplementary data of its place in the superframe. Source: TIA-102.BACA, BAHA; project facts
 * 4.2.
 */
#ifndef VOICE_BLOCK_H
#define VOICE_BLOCK_H

#include "base/reader.h"
#include "base/writer.h"
#include "voice/stream.h"

#define VOICE_BLOCK_MIN      14u
#define VOICE_BLOCK_MAX      18u
#define VOICE_BLOCK_DATA_MAX 4u

/** What octets 14 and on are. */
typedef enum voice_block_kind {
    VOICE_BLOCK_PLAIN, /**< nothing */
    VOICE_BLOCK_LC,    /**< frames 3 to 8: 3 octets of link control, status */
    VOICE_BLOCK_LSD,   /**< frames 9 and 18: low-speed data 2 octets, status */
    VOICE_BLOCK_ES,    /**< frames 12 to 17: 3 octets of encryption sync, status */
} voice_block_kind;

/** A frame type octet: place in the superframe and what the block has. */
typedef struct voice_frame_type {
    uint8_t type;
    uint8_t frame; /**< 0 to 17 */
    voice_block_kind kind;
} voice_frame_type;

/** The row of a frame type; NULL when there is none. */
const voice_frame_type *voice_frame_type_find(unsigned type);

/** The ISSI or the DFSI frame type of a frame, 0 to 17; NULL for another number. */
const voice_frame_type *voice_frame_type_issi(unsigned frame);
const voice_frame_type *voice_frame_type_dfsi(unsigned frame);

/** Octets of a block of that kind: 14, 17 or 18. */
size_t voice_block_octets(voice_block_kind kind);

typedef struct voice_block {
    uint8_t type;                    /**< frame type */
    uint8_t imbe[VOICE_FULL_OCTETS]; /**< encrypted when the call is */
    uint8_t et, er;                  /**< total errors, error rate: 3 bits each */
    bool mute, lost;
    uint8_t e4, e1;   /**< errors in u4 (1 bit) and u1 (3 bits) */
    uint8_t sf;       /**< superframe counter, 2 bits */
    uint8_t reserved; /**< 2 bits */
    uint8_t data[3];  /**< link control, ES, or 2 octets of low-speed data */
    uint8_t status;   /**< where kind is not plain */
} voice_block;

/** Field names for faults and traces: the format that the block is in. */
typedef struct voice_block_names {
    const char *frame_type, *imbe, *errors, *superframe, *link_control, *lsd, *es, *status;
} voice_block_names;

/** Decode one block; the frame type says how long it is. KF_E_UNSUPPORTED: no such frame type. */
void voice_block_decode(kf_reader *r, const voice_block_names *names, voice_block *out);

/** Append a block. KF_E_MALFORMED in the writer: a field too large, no such frame type. */
void voice_block_encode(const voice_block *block, kf_writer *w);

#endif

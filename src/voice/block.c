#include "voice/block.h"

#include <string.h>

#define PLAIN VOICE_BLOCK_PLAIN
#define LC    VOICE_BLOCK_LC
#define LSD   VOICE_BLOCK_LSD
#define ES    VOICE_BLOCK_ES

/* spec: 4.2 - a row a frame: what ISSI writes, and what DFSI and CSSI write */
static const voice_frame_type types[VOICE_FRAMES][2] = {
    { { 0xc2, 0, PLAIN }, { 0x62, 0, PLAIN } },   { { 0xc3, 1, PLAIN }, { 0x63, 1, PLAIN } },
    { { 0xc4, 2, PLAIN }, { 0x64, 2, LC } },      { { 0xc5, 3, PLAIN }, { 0x65, 3, LC } },
    { { 0xc6, 4, PLAIN }, { 0x66, 4, LC } },      { { 0xc7, 5, PLAIN }, { 0x67, 5, LC } },
    { { 0xc8, 6, PLAIN }, { 0x68, 6, LC } },      { { 0xc9, 7, PLAIN }, { 0x69, 7, LC } },
    { { 0x6a, 8, LSD }, { 0x6a, 8, LSD } },       { { 0xcb, 9, PLAIN }, { 0x6b, 9, PLAIN } },
    { { 0xcc, 10, PLAIN }, { 0x6c, 10, PLAIN } }, { { 0x6d, 11, ES }, { 0x6d, 11, ES } },
    { { 0x6e, 12, ES }, { 0x6e, 12, ES } },       { { 0x6f, 13, ES }, { 0x6f, 13, ES } },
    { { 0x70, 14, ES }, { 0x70, 14, ES } },       { { 0x71, 15, ES }, { 0x71, 15, ES } },
    { { 0x72, 16, ES }, { 0x72, 16, ES } },       { { 0x73, 17, LSD }, { 0x73, 17, LSD } },
};

const voice_frame_type *voice_frame_type_find(unsigned type)
{
    for (size_t i = 0; i < VOICE_FRAMES; i++)
        for (size_t k = 0; k < 2; k++)
            if (types[i][k].type == type)
                return &types[i][k];
    return NULL;
}

const voice_frame_type *voice_frame_type_issi(unsigned frame)
{
    return frame < VOICE_FRAMES ? &types[frame][0] : NULL;
}

const voice_frame_type *voice_frame_type_dfsi(unsigned frame)
{
    return frame < VOICE_FRAMES ? &types[frame][1] : NULL;
}

static size_t data_octets(voice_block_kind kind)
{
    static const size_t octets[] = { [PLAIN] = 0, [LC] = 3, [LSD] = 2, [ES] = 3 };
    return octets[kind];
}

size_t voice_block_octets(voice_block_kind kind)
{
    return VOICE_BLOCK_MIN + (kind == PLAIN ? 0 : data_octets(kind) + 1);
}

static const char *data_name(voice_block_kind kind, const voice_block_names *names)
{
    return kind == LC ? names->link_control : kind == LSD ? names->lsd : names->es;
}

void voice_block_decode(kf_reader *r, const voice_block_names *names, voice_block *out)
{
    memset(out, 0, sizeof *out);
    out->type = kf_read_u8(r, names->frame_type);
    const voice_frame_type *t = voice_frame_type_find(out->type);
    if (t == NULL) {
        if (kf_reader_ok(r))
            kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, names->frame_type);
        return;
    }
    kf_read_octets(r, out->imbe, VOICE_FULL_OCTETS, names->imbe);
    uint8_t errors = kf_read_u8(r, names->errors);
    out->et = errors >> 5;
    out->er = errors >> 2 & 7u;
    out->mute = (errors & 2u) != 0;
    out->lost = (errors & 1u) != 0;
    uint8_t place = kf_read_u8(r, names->superframe);
    out->e4 = place >> 7;
    out->e1 = place >> 4 & 7u;
    out->sf = place >> 2 & 3u;
    out->reserved = place & 3u;
    if (t->kind == PLAIN)
        return;
    kf_read_octets(r, out->data, data_octets(t->kind), data_name(t->kind, names));
    out->status = kf_read_u8(r, names->status);
}

void voice_block_encode(const voice_block *b, kf_writer *w)
{
    const voice_frame_type *t = voice_frame_type_find(b->type);
    if (t == NULL || b->et > 7 || b->er > 7 || b->e4 > 1 || b->e1 > 7 || b->sf > 3 ||
        b->reserved > 3) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    kf_write_u8(w, b->type);
    kf_write_octets(w, b->imbe, VOICE_FULL_OCTETS);
    kf_write_u8(w, (uint8_t)(b->et << 5 | b->er << 2 | (b->mute ? 2 : 0) | (b->lost ? 1 : 0)));
    kf_write_u8(w, (uint8_t)(b->e4 << 7 | b->e1 << 4 | b->sf << 2 | b->reserved));
    if (t->kind == PLAIN)
        return;
    kf_write_octets(w, b->data, data_octets(t->kind));
    kf_write_u8(w, b->status);
}

#include "voice/dfsi.h"

#include <string.h>

#define CONTROL_SIGNAL  0x80u
#define CONTROL_COMPACT 0x40u
#define CONTROL_COUNT   0x3fu
#define E_BIT           0x80u
#define BLOCKS_MAX      (VOICE_DFSI_VOICE_MAX + 2u)

static const voice_block_names names = {
    "DFSI.voice.frame_type",   "DFSI.voice.imbe", "DFSI.voice.errors", "DFSI.voice.superframe",
    "DFSI.voice.link_control", "DFSI.voice.lsd",  "DFSI.voice.es",     "DFSI.voice.status",
};

/* Block types in the order of a packet, and how often each may come. */
static const struct {
    uint8_t type, most;
} rules[] = {
    { VOICE_DFSI_START, 1 },
    { VOICE_DFSI_VOICE, VOICE_DFSI_VOICE_MAX },
    { VOICE_DFSI_END, 1 },
};

/* The types of a packet's blocks. */
typedef struct heads {
    uint8_t types[BLOCKS_MAX];
    size_t count;
} heads;

static void decode_head(kf_reader *r, uint8_t *type, size_t *rank, unsigned *quirks)
{
    uint8_t octet = kf_read_u8(r, "DFSI.header.type");
    size_t i = 0;
    *type = octet & 0x7fu;
    if (!kf_reader_ok(r))
        return;
    if ((octet & E_BIT) == 0)
        *quirks |= VOICE_DFSI_QUIRK_E_BIT;
    while (i < KF_COUNT(rules) && rules[i].type != *type)
        i++;
    if (i == KF_COUNT(rules)) /* of unknown length: nothing after it can be found */
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "DFSI.header.type");
    else if (i < *rank)
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "DFSI.header.type");
    *rank = i;
}

static void decode_heads(kf_reader *r, voice_dfsi *p, heads *h)
{
    uint8_t control = kf_read_u8(r, "DFSI.control");
    size_t rank = 0;
    p->signal = (control & CONTROL_SIGNAL) != 0;
    h->count = control & CONTROL_COUNT;
    if (!kf_reader_ok(r))
        return;
    if ((control & CONTROL_COMPACT) == 0)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "DFSI.control");
    else if (h->count == 0 || h->count > BLOCKS_MAX)
        kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "DFSI.control");
    for (size_t i = 0; kf_reader_ok(r) && i < h->count; i++) {
        unsigned same = 0;
        decode_head(r, &h->types[i], &rank, &p->quirks);
        for (size_t k = 0; k <= i; k++)
            same += h->types[k] == h->types[i];
        if (kf_reader_ok(r) && same > rules[rank].most)
            kf_reader_fail_at(r, r->off - 1, KF_E_MALFORMED, "DFSI.header.type");
    }
}

static void decode_start(kf_reader *r, voice_dfsi *p)
{
    p->has_start = true;
    p->start.nid = kf_read_u16(r, "DFSI.start.nid");
    uint8_t errors = kf_read_u8(r, "DFSI.start.errors");
    p->start.errors = errors & 0x0fu;
    p->start.reserved = errors >> 4;
}

void voice_dfsi_decode(kf_reader *r, voice_dfsi *out)
{
    heads h = { .count = 0 };
    memset(out, 0, sizeof *out);
    voice_rtp_decode(r, &out->rtp);
    decode_heads(r, out, &h);
    for (size_t i = 0; kf_reader_ok(r) && i < h.count; i++) {
        if (h.types[i] == VOICE_DFSI_START)
            decode_start(r, out);
        else if (h.types[i] == VOICE_DFSI_END)
            out->has_end = true;
        else
            voice_block_decode(r, &names, &out->voice[out->voice_count++]);
    }
}

kf_err voice_dfsi_parse(kf_slice octets, kf_trace *trace, voice_dfsi *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    r.trace = trace;
    voice_dfsi_decode(&r, out);
    return kf_reader_end(&r, "DFSI.packet");
}

void voice_dfsi_encode(const voice_dfsi *p, kf_writer *w)
{
    size_t count = p->voice_count + (p->has_start ? 1 : 0) + (p->has_end ? 1 : 0);
    if (count == 0 || p->voice_count > VOICE_DFSI_VOICE_MAX || p->start.errors > 0x0f ||
        p->start.reserved > 0x0f) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    voice_rtp_encode(&p->rtp, w);
    kf_write_u8(w, (uint8_t)((p->signal ? CONTROL_SIGNAL : 0u) | CONTROL_COMPACT | count));
    if (p->has_start)
        kf_write_u8(w, E_BIT | VOICE_DFSI_START);
    for (size_t i = 0; i < p->voice_count; i++)
        kf_write_u8(w, E_BIT | VOICE_DFSI_VOICE);
    if (p->has_end)
        kf_write_u8(w, E_BIT | VOICE_DFSI_END);
    if (p->has_start) {
        kf_write_u16(w, p->start.nid);
        kf_write_u8(w, (uint8_t)(p->start.reserved << 4 | p->start.errors));
    }
    for (size_t i = 0; i < p->voice_count; i++)
        voice_block_encode(&p->voice[i], w);
}

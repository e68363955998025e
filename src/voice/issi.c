#include "voice/issi.h"

#include <string.h>

#define CONTROL_SIGNAL  0x80u
#define CONTROL_COMPACT 0x40u
#define CONTROL_COUNT   0x3fu
#define E_BIT           0x80u
#define SKIP            0xffu

static const voice_block_names names = {
    "ISSI.voice.frame_type",   "ISSI.voice.imbe", "ISSI.voice.errors", "ISSI.voice.superframe",
    "ISSI.voice.link_control", "ISSI.voice.lsd",  "ISSI.voice.es",     "ISSI.voice.status",
};

const char *voice_packet_type_name(unsigned type)
{
    static const char *const text[] = {
        "PTT request", "PTT grant", "PTT progress", "PTT end",   "PTT start",       "PTT mute",
        "PTT unmute",  "PTT wait",  "PTT deny",     "heartbeat", "heartbeat query",
    };
    return type < KF_COUNT(text) ? text[type] : NULL;
}

/* A block type: its place in the order we write, its length (0: the frame type says), how often. */
typedef struct block_rule {
    uint8_t type, rank, octets;
    size_t most;
} block_rule;

static const block_rule rules[] = {
    { VOICE_ISSI_PACKET_TYPE, 0, 4, 1 },
    { VOICE_ISSI_PTT_CONTROL, 1, 8, 1 },
    { VOICE_ISSI_HEADER_WORD, 2, 18, 1 },
    { VOICE_ISSI_IMBE, 3, 0, VOICE_ISSI_IMBE_MAX },
};
static const block_rule skipped = { SKIP, SKIP, 0, VOICE_ISSI_BLOCKS_MAX };

static const block_rule *rule_of(uint8_t type)
{
    for (size_t i = 0; i < KF_COUNT(rules); i++)
        if (rules[i].type == type)
            return &rules[i];
    return type == VOICE_ISSI_CONSOLE_PTT || type >= VOICE_ISSI_MANUFACTURER ? &skipped : NULL;
}

/* A block header as read. */
typedef struct head {
    const block_rule *rule;
    uint16_t offset;
    size_t len;
} head;

typedef struct heads {
    head list[VOICE_ISSI_BLOCKS_MAX];
    size_t count;
} heads;

static void decode_head(kf_reader *r, head *h, unsigned *quirks)
{
    size_t at = r->off;
    uint8_t type = kf_read_u8(r, "ISSI.header.type");
    uint32_t rest = kf_read_u24(r, "ISSI.header.offset_length");
    if (!kf_reader_ok(r))
        return;
    if ((type & E_BIT) == 0) /* spec: C12 - senders with E 0 everywhere are in service */
        *quirks |= VOICE_ISSI_QUIRK_E_BIT;
    h->rule = rule_of(type & 0x7fu);
    h->offset = (uint16_t)(rest >> 10);
    h->len = rest & 0x3ffu;
    if (h->rule == NULL)
        kf_reader_fail_at(r, at, KF_E_UNSUPPORTED, "ISSI.header.type");
    else if (h->rule->octets != 0 && h->len != h->rule->octets)
        kf_reader_fail_at(r, at + 1, KF_E_MALFORMED, "ISSI.header.offset_length");
    if (h->rule == &skipped)
        *quirks |= VOICE_ISSI_QUIRK_SKIPPED;
}

/* Rules between headers: the first is the packet type, none comes too often. */
static void check_heads(kf_reader *r, const heads *h, size_t at, unsigned *quirks)
{
    uint8_t rank = 0;
    if (h->list[0].rule->type != VOICE_ISSI_PACKET_TYPE)
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "ISSI.header.type");
    for (size_t i = 0; i < h->count; i++) {
        size_t same = 0;
        for (size_t k = 0; k <= i; k++)
            same += h->list[k].rule == h->list[i].rule;
        if (same > h->list[i].rule->most)
            kf_reader_fail_at(r, at + 4 * i, KF_E_MALFORMED, "ISSI.header.type");
        if (h->list[i].rule->rank < rank)
            *quirks |= VOICE_ISSI_QUIRK_ORDER;
        rank = h->list[i].rule->rank;
    }
}

static void decode_heads(kf_reader *r, voice_issi *p, heads *h)
{
    uint8_t control = kf_read_u8(r, "ISSI.control");
    size_t at = r->off;
    p->signal = (control & CONTROL_SIGNAL) != 0;
    h->count = control & CONTROL_COUNT;
    if (!kf_reader_ok(r))
        return;
    if ((control & CONTROL_COMPACT) != 0 || h->count > VOICE_ISSI_BLOCKS_MAX)
        kf_reader_fail_at(r, at - 1, KF_E_UNSUPPORTED, "ISSI.control");
    else if (h->count == 0)
        kf_reader_fail_at(r, at - 1, KF_E_MALFORMED, "ISSI.control");
    for (size_t i = 0; kf_reader_ok(r) && i < h->count; i++)
        decode_head(r, &h->list[i], &p->quirks);
    if (kf_reader_ok(r))
        check_heads(r, h, at, &p->quirks);
}

static void decode_packet_type(kf_reader *r, voice_issi *p)
{
    uint8_t type = kf_read_u8(r, "ISSI.packet_type");
    p->mute = (type & 0x80u) != 0;
    p->packet_type = type & 0x7fu;
    if (voice_packet_type_name(p->packet_type) == NULL)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "ISSI.packet_type");
    p->service_options = kf_read_u8(r, "ISSI.service_options");
    uint8_t tsn = kf_read_u8(r, "ISSI.tsn");
    p->tsn = tsn >> 1;
    p->losing_audio = (tsn & 1u) != 0;
    p->interval = kf_read_u8(r, "ISSI.interval");
}

static void decode_ptt(kf_reader *r, voice_issi *p)
{
    p->has_ptt = true;
    uint32_t wacn_system = kf_read_u32(r, "ISSI.ptt.wacn_system");
    p->ptt.wacn = wacn_system >> 12;
    p->ptt.system = wacn_system & 0xfffu;
    p->ptt.unit = kf_read_u24(r, "ISSI.ptt.unit");
    p->ptt.priority = kf_read_u8(r, "ISSI.ptt.priority");
}

static void decode_header_word(kf_reader *r, voice_issi *p)
{
    voice_header_word *h = &p->header;
    p->has_header = true;
    kf_read_octets(r, h->es.mi, P25_MI_OCTETS, "ISSI.word.mi");
    h->es.algid = kf_read_u8(r, "ISSI.word.algid");
    h->es.kid = kf_read_u16(r, "ISSI.word.kid");
    h->mfid = kf_read_u8(r, "ISSI.word.mfid");
    h->group = kf_read_u16(r, "ISSI.word.group");
    h->nid = kf_read_u16(r, "ISSI.word.nid");
    h->last = kf_read_u8(r, "ISSI.word.last");
}

/* Where the timestamp offset of a block goes: voice comes last, so its rank is where it starts. */
static size_t place_of(const voice_issi *p, const block_rule *rule)
{
    return rule->rank + (rule->type == VOICE_ISSI_IMBE ? p->imbe_count : 0);
}

static void decode_block(kf_reader *r, const head *h, voice_issi *p)
{
    if (h->rule == &skipped) {
        (void)kf_read_slice(r, h->len, "ISSI.skipped");
        return;
    }
    p->offset[place_of(p, h->rule)] = h->offset;
    kf_reader sub = kf_read_sub(r, h->len, "ISSI.block");
    switch (h->rule->type) {
    case VOICE_ISSI_PACKET_TYPE:
        decode_packet_type(&sub, p);
        break;
    case VOICE_ISSI_PTT_CONTROL:
        decode_ptt(&sub, p);
        break;
    case VOICE_ISSI_HEADER_WORD:
        decode_header_word(&sub, p);
        break;
    default:
        voice_block_decode(&sub, &names, &p->imbe[p->imbe_count++]);
    }
    kf_reader_close(&sub, "ISSI.header.offset_length");
}

void voice_issi_decode(kf_reader *r, voice_issi *out)
{
    heads h = { .count = 0 };
    memset(out, 0, sizeof *out);
    voice_rtp_decode(r, &out->rtp);
    decode_heads(r, out, &h);
    for (size_t i = 0; kf_reader_ok(r) && i < h.count; i++)
        decode_block(r, &h.list[i], out);
}

kf_err voice_issi_parse(kf_slice octets, kf_trace *trace, voice_issi *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    r.trace = trace;
    voice_issi_decode(&r, out);
    return kf_reader_end(&r, "ISSI.packet");
}

/* --- the other way ---------------------------------------------------------------------------- */

static bool is_encodable(const voice_issi *p)
{
    bool ok = voice_packet_type_name(p->packet_type) != NULL && p->tsn <= 0x7f &&
              p->imbe_count <= VOICE_ISSI_IMBE_MAX && p->ptt.wacn <= 0xfffff &&
              p->ptt.system <= 0xfff && p->ptt.unit <= 0xffffff;
    for (size_t i = 0; i < VOICE_ISSI_PLACES; i++)
        ok = ok && p->offset[i] <= 0x3fff;
    return ok;
}

static void encode_head(const voice_issi *p, voice_issi_block type, size_t place, size_t len,
                        kf_writer *w)
{
    kf_write_u8(w, (uint8_t)(E_BIT | type));
    kf_write_u24(w, (uint32_t)p->offset[place] << 10 | (uint32_t)len);
}

static void encode_heads(const voice_issi *p, kf_writer *w)
{
    size_t count = 1u + (p->has_ptt ? 1 : 0) + (p->has_header ? 1 : 0) + p->imbe_count;
    kf_write_u8(w, (uint8_t)((p->signal ? CONTROL_SIGNAL : 0u) | count));
    encode_head(p, VOICE_ISSI_PACKET_TYPE, 0, 4, w);
    if (p->has_ptt)
        encode_head(p, VOICE_ISSI_PTT_CONTROL, 1, 8, w);
    if (p->has_header)
        encode_head(p, VOICE_ISSI_HEADER_WORD, 2, 18, w);
    for (size_t i = 0; i < p->imbe_count; i++) {
        const voice_frame_type *t = voice_frame_type_find(p->imbe[i].type);
        if (t == NULL)
            kf_writer_fail(w, KF_E_MALFORMED);
        else
            encode_head(p, VOICE_ISSI_IMBE, 3 + i, voice_block_octets(t->kind), w);
    }
}

static void encode_ptt(const voice_ptt_control *ptt, kf_writer *w)
{
    kf_write_u32(w, ptt->wacn << 12 | ptt->system);
    kf_write_u24(w, ptt->unit);
    kf_write_u8(w, ptt->priority);
}

static void encode_header_word(const voice_header_word *h, kf_writer *w)
{
    kf_write_octets(w, h->es.mi, P25_MI_OCTETS);
    kf_write_u8(w, h->es.algid);
    kf_write_u16(w, h->es.kid);
    kf_write_u8(w, h->mfid);
    kf_write_u16(w, h->group);
    kf_write_u16(w, h->nid);
    kf_write_u8(w, h->last);
}

void voice_issi_encode(const voice_issi *p, kf_writer *w)
{
    if (!is_encodable(p)) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    voice_rtp_encode(&p->rtp, w);
    encode_heads(p, w);
    kf_write_u8(w, (uint8_t)((p->mute ? 0x80u : 0u) | p->packet_type));
    kf_write_u8(w, p->service_options);
    kf_write_u8(w, (uint8_t)(p->tsn << 1 | (p->losing_audio ? 1 : 0)));
    kf_write_u8(w, p->interval);
    if (p->has_ptt)
        encode_ptt(&p->ptt, w);
    if (p->has_header)
        encode_header_word(&p->header, w);
    for (size_t i = 0; i < p->imbe_count; i++)
        voice_block_encode(&p->imbe[i], w);
}

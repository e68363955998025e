/* p25-rtp-issi.txt: packets as they are, and a talk spurt decrypted in order. */
#include <stdio.h>
#include <string.h>

#include "p25/mi.h"
#include "selftest/check.h"
#include "voice/issi.h"

/* --- one packet ------------------------------------------------------------------------------- */

/* Decode the field `rtp`; what deviates from nothing encodes to the same octets. */
static bool decode(check *k, voice_issi *p, size_t *blocks)
{
    uint8_t again[VOICE_ISSI_MAX];
    kf_fault fault;
    kf_slice octets = check_need(k, "rtp");
    if (!check_ok(k) || !check_outcome(k, voice_issi_parse(octets, NULL, p, &fault), "rtp"))
        return false;
    *blocks = octets.ptr[VOICE_RTP_OCTETS] & 0x3fu;
    check_says(k, "compact", "%u", octets.ptr[VOICE_RTP_OCTETS] >> 6 & 1u);
    if (p->quirks == 0) {
        kf_writer w = kf_writer_init(again, sizeof again);
        voice_issi_encode(p, &w);
        check_done(k, w.err, "rtp");
        check_same(k, "rtp", kf_writer_slice(&w));
    }
    return check_ok(k);
}

static void packet_fields(check *k, const voice_issi *p, size_t blocks)
{
    check_says(k, "pt", "%u", p->rtp.pt);
    check_says(k, "seq", "%u", p->rtp.seq);
    check_says(k, "ssrc", "%u", (unsigned)p->rtp.ssrc);
    check_says(k, "signal", "%d", p->signal);
    check_says(k, "blocks", "%zu", blocks);
    check_says(k, "packet_type", "%u", p->packet_type);
    check_says(k, "so", "%02X", p->service_options);
    check_says(k, "tsn", "%u", p->tsn);
    check_says(k, "losing", "%d", p->losing_audio);
    check_says(k, "interval", "%u", p->interval);
    check_says(k, "kind", "%s%s", voice_packet_type_name(p->packet_type),
               p->has_header ? " with ISSI header word" : "");
}

static void ptt_fields(check *k, const voice_ptt_control *ptt)
{
    check_says(k, "wacn", "%05X", (unsigned)ptt->wacn);
    check_says(k, "system", "%03X", ptt->system);
    check_says(k, "unit", "%06X", (unsigned)ptt->unit);
    check_says(k, "priority", "%02X", ptt->priority);
}

static void header_fields(check *k, const voice_header_word *h)
{
    check_same(k, "mi", KF_SLICE_OF(h->es.mi));
    check_says(k, "alg", "%02X", h->es.algid);
    check_says(k, "kid", "%04X", h->es.kid);
    check_says(k, "mfid", "%02X", h->mfid);
    check_says(k, "group", "%04X", h->group);
    check_says(k, "nid", "%04X", h->nid);
    check_says(k, "last_octet", "%02X", h->last);
}

/* ES words have the number of the voice frame that carries them. */
static void voice_fields(check *k, const voice_issi *p)
{
    char types[3 * VOICE_ISSI_IMBE_MAX + 1] = "", name[16];
    for (unsigned i = 0; i < p->imbe_count; i++) {
        const voice_block *b = &p->imbe[i];
        const voice_frame_type *t = voice_frame_type_find(b->type);
        snprintf(types + strlen(types), sizeof types - strlen(types), "%s%02X", i == 0 ? "" : " ",
                 b->type);
        snprintf(name, sizeof name, "imbe%u", i + 1);
        check_same(k, name, KF_SLICE_OF(b->imbe));
        snprintf(name, sizeof name, "es_words_%u", t->frame + 1u);
        if (t->kind == VOICE_BLOCK_ES)
            check_same(k, name, KF_SLICE_OF(b->data));
    }
    check_says(k, "frame_types", "%s", types);
}

/* --- the talk spurt --------------------------------------------------------------------------- */

/* What the setup record says of it. */
typedef struct spurt {
    voice_es es; /**< of the first superframe */
    uint16_t group;
    uint64_t superframes;
    const kf_secret *key;
    voice_stream *stream;
} spurt;

static bool read_spurt(check *k, vectors_case *setup, spurt *s)
{
    vectors_case *own = k->c;
    k->c = setup;
    s->es.algid = (uint8_t)check_hex_number(k, "alg", 0xff);
    s->es.kid = (uint16_t)check_hex_number(k, "kid", 0xffff);
    s->key = check_secret(k, "key");
    check_mi(k, "mi", s->es.mi);
    s->superframes = check_decimal(k, "superframes");
    s->group = (uint16_t)check_hex_number(k, "group", 0xffff);
    if (s->key == NULL)
        check_fail(k, "key");
    if (check_ok(k))
        check_done(k, voice_es_check(&s->es), "mi");
    if (check_ok(k))
        check_done(k, voice_stream_new(VOICE_PHASE1, s->es.algid, s->key, &s->stream), "key");
    k->c = own;
    return check_ok(k);
}

/* Superframe n of the case's name PREFIX-sfN-pM. */
static bool superframe_of(check *k, const spurt *s, unsigned *n)
{
    char name[32], again[32];
    unsigned packet = 0;
    kf_slice text = k->c->name;
    snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.ptr);
    const char *part = strchr(name, '-');
    if (part == NULL || sscanf(part, "-sf%2u-p%2u", n, &packet) != 2)
        return false;
    snprintf(again, sizeof again, "-sf%u-p%u", *n, packet);
    if (strcmp(part, again) != 0 || *n >= s->superframes)
        check_fail(k, "superframes");
    return check_ok(k);
}

/* The ES that frames 12 to 17 of this superframe carry: the next MI, and parity. */
static void next_sync(const spurt *s, const uint8_t mi[P25_MI_OCTETS],
                      uint8_t octets[VOICE_ES_PROTECTED])
{
    voice_es next = s->es;
    p25_mi_next(mi, next.mi);
    voice_es_encode(&next, octets);
}

/* A block as a sender makes it: its superframe counter, nothing lost, nothing reserved. */
static bool is_fresh(const voice_block *b, unsigned superframe)
{
    return b->sf == (superframe & 3u) && b->et == 0 && b->er == 0 && b->e4 == 0 && b->e1 == 0 &&
           !b->mute && !b->lost && b->reserved == 0 && b->status == 0;
}

static void low_speed_data(check *k, const spurt *s, const voice_block *b, unsigned half)
{
    uint8_t clear[VOICE_LSD_OCTETS];
    memcpy(clear, b->data, sizeof clear);
    check_done(k, voice_stream_mask_lsd(s->stream, half, clear), "rtp");
    check_same(k, half == 0 ? "lsd12" : "lsd34", KF_SLICE_OF(clear));
}

static void decrypt(check *k, const spurt *s, const voice_issi *p, unsigned superframe,
                    const uint8_t *mi)
{
    uint8_t sync[VOICE_ES_PROTECTED];
    char name[16];
    next_sync(s, mi, sync);
    for (size_t i = 0; check_ok(k) && i < p->imbe_count; i++) {
        const voice_block *b = &p->imbe[i];
        const voice_frame_type *t = voice_frame_type_find(b->type);
        if (!is_fresh(b, superframe))
            check_fail(k, "rtp");
        uint8_t clear[VOICE_FULL_OCTETS];
        memcpy(clear, b->imbe, sizeof clear);
        check_done(k, voice_stream_mask(s->stream, t->frame, clear), "rtp");
        snprintf(name, sizeof name, "clear%u", t->frame + 1u);
        check_same(k, name, KF_SLICE_OF(clear));
        if (t->kind == VOICE_BLOCK_LSD)
            low_speed_data(k, s, b, t->frame < VOICE_FRAMES / 2 ? 0 : 1);
        if (t->kind == VOICE_BLOCK_ES && memcmp(b->data, sync + 3 * (t->frame - 11u), 3) != 0)
            check_fail(k, "rtp");
    }
    uint8_t next[P25_MI_OCTETS];
    p25_mi_next(mi, next);
    check_same(k, "es_next_mi", KF_SLICE_OF(next));
}

/* A packet of the spurt: its header word is the setup's, its voice opens with the key. */
static void check_spurt(check *k, spurt *s, const voice_issi *p)
{
    unsigned n = 0;
    uint8_t mi[P25_MI_OCTETS];
    if (p->has_header && (p->header.group != s->group || p->header.last != 0 ||
                          !voice_es_equal(&p->header.es, &s->es)))
        check_fail(k, "rtp");
    if ((p->service_options & VOICE_SO_PROTECTED) == 0)
        check_fail(k, "rtp");
    if (p->imbe_count == 0 || !superframe_of(k, s, &n))
        return;
    memcpy(mi, s->es.mi, sizeof mi);
    for (unsigned i = 0; i < n; i++) {
        uint8_t next[P25_MI_OCTETS];
        p25_mi_next(mi, next);
        memcpy(mi, next, sizeof mi);
    }
    check_done(k, voice_stream_start(s->stream, mi), "rtp");
    if (check_ok(k))
        decrypt(k, s, p, n, mi);
}

/* The setup is right when it says how many superframes there are. */
static void check_setup_record(check *k, const spurt *s)
{
    vectors_case *own = k->c;
    unsigned most = 0, n = 0;
    for (size_t i = 0; i < k->file->count; i++) {
        k->c = &k->file->cases[i];
        if (check_setup(k) == own && superframe_of(k, s, &n) && n + 1u > most)
            most = n + 1u;
    }
    k->c = own;
    k->compared++;
    if (check_ok(k) && most != s->superframes)
        check_fail(k, "superframes");
}

void check_issi(check *k)
{
    spurt s = { .stream = NULL };
    voice_issi p;
    size_t blocks = 0;
    vectors_case *setup = check_setup(k);
    if (setup != NULL && !read_spurt(k, setup, &s)) {
        voice_stream_free(&s.stream);
        return;
    }
    if (check_is_setup(k)) {
        check_setup_record(k, &s);
    } else if (decode(k, &p, &blocks)) {
        packet_fields(k, &p, blocks);
        if (p.has_ptt)
            ptt_fields(k, &p.ptt);
        if (p.has_header)
            header_fields(k, &p.header);
        voice_fields(k, &p);
        if (setup != NULL)
            check_spurt(k, &s, &p);
    }
    voice_stream_free(&s.stream);
}

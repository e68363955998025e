#include "lab/speech.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/config.h"
#include "lab/events.h"
#include "voice/issi.h"
#include "voice/pack.h"
#include "voice/receive.h"

#define FRAMES_PER_PACKET VOICE_ISSI_IMBE_MAX
#define CLOCK_OF_FRAME    160u /* 20 ms in units of 125 us */
#define TSN_MASK          0x7fu
#define PROVEN_MAX        16u
#define GAP_FRAMES_MAX    (VOICE_GAP_MAX * VOICE_FRAMES)
#define SEQ_BEHIND        0x8000u

/* The spurt that is being sent. */
typedef struct sending {
    voice_tx *tx; /* NULL: none */
    kf_secret *frames;
    size_t total, next; /* frames */
    bool has_started, has_header;
    voice_es first;
    struct sockaddr_in targets[LAB_SPEECH_TARGETS];
    size_t target_count;
    uint16_t seq;
    uint32_t timestamp;
    uint8_t tsn;
} sending;

/* The file that is listened into, and the spurt that is being heard. */
typedef struct hearing {
    int fd; /* -1: not listening */
    voice_rx *rx;
    bool is_stale; /* rx must be made anew before the next spurt */
    bool in_spurt;
    struct sockaddr_in from;
    uint32_t ssrc;
    uint8_t tsn;
    uint16_t seq;
    kf_time last;
    voice_clock clock;
    bool has_place;
    uint64_t next_place; /* superframe * 18 + frame that comes next */
    voice_es es;         /* of the key at work, when is_secure */
    bool is_secure;
    uint64_t written, spurts;
    lab_speech_counts all, now;
} hearing;

struct lab_speech {
    lab_speech_io io;
    sending out;
    uint64_t sent;
    hearing in;
    voice_es proven[PROVEN_MAX]; /* ALGID and KID of keys that made speech */
    size_t proven_count;
};

/* ---- sending ---- */

static void end_sending(lab_speech *s)
{
    s->sent = s->out.next;
    voice_tx_free(&s->out.tx);
    kf_secret_free(&s->out.frames);
}

bool lab_speech_is_speaking(const lab_speech *s)
{
    return s->out.tx != NULL;
}

uint64_t lab_speech_sent(const lab_speech *s)
{
    return lab_speech_is_speaking(s) ? s->out.next : s->sent;
}

static kf_err make_tx(lab_speech *s, uint16_t sln, bool clear, lab_trouble *trouble)
{
    const otar_key *key = clear ? NULL : otar_unit_current(s->io.unit, sln);
    if (!clear && key == NULL) {
        (void)lab_trouble_set(trouble, KF_E_STATE, "sln", "nothing is sent", "",
                              "get a key (register, hello), or say so: speak-clear");
        lab_trouble_why(trouble, "there is no current key at SLN %u", (unsigned)sln);
        return KF_E_STATE;
    }
    kf_err err = voice_tx_new(VOICE_PHASE1, &s->out.tx);
    if (err == KF_OK && clear)
        voice_tx_set_clear(s->out.tx);
    else if (err == KF_OK)
        err = voice_tx_set_key(s->out.tx, key->algid, key->kid, key->material);
    if (err == KF_OK)
        err = voice_tx_begin(s->out.tx, s->io.rng, &s->out.first);
    if (err == KF_OK)
        return KF_OK;
    voice_tx_free(&s->out.tx);
    return lab_trouble_set(trouble, err, "sln", "nothing is sent", kf_err_text(err),
                           err == KF_E_UNSUPPORTED ? "the key's algorithm is not one for voice"
                                                   : "run: keyferry selftest");
}

static kf_err check_speech(const lab_speech *s, const kf_secret *frames, lab_trouble *trouble)
{
    const size_t len = kf_secret_len(frames);
    if (lab_speech_is_speaking(s))
        return lab_trouble_set(trouble, KF_E_STATE, "", "nothing is sent", "a spurt is under way",
                               "wait spoken, or stop");
    if (len > 0 && len % VOICE_FULL_OCTETS == 0 && len / VOICE_FULL_OCTETS <= LAB_SPEECH_FRAMES_MAX)
        return KF_OK;
    return lab_trouble_set(trouble, KF_E_MALFORMED, "file", "nothing is sent",
                           "the file is no row of IMBE frames: it needs 1 to 15,000 of 11 octets",
                           "give a file of IMBE frames");
}

static void tell_speaking(lab_speech *s, const char *name, const char *say)
{
    const bool clear = voice_es_is_clear(&s->out.first);
    json_t *event = lab_event_say(name, "%s", say);
    if (event == NULL)
        return;
    (void)json_object_set_new(event, "protected", json_boolean(!clear));
    if (!clear) {
        (void)json_object_set_new(event, "algid", json_integer(s->out.first.algid));
        (void)json_object_set_new(event, "kid", lab_kid_json(s->out.first.kid));
    }
    (void)json_object_set_new(event, "frames", json_integer((json_int_t)s->out.next));
    s->io.emit(s->io.ctx, event);
}

kf_err lab_speech_speak(lab_speech *s, uint16_t sln, bool clear, kf_secret **frames,
                        const struct sockaddr_in *targets, size_t count, lab_trouble *trouble)
{
    kf_err err = check_speech(s, *frames, trouble);
    if (err == KF_OK)
        err = make_tx(s, sln, clear, trouble);
    if (err != KF_OK) {
        kf_secret_free(frames);
        return err;
    }
    s->out.frames = *frames;
    *frames = NULL;
    s->out.total = kf_secret_len(s->out.frames) / VOICE_FULL_OCTETS;
    s->out.next = 0;
    s->out.has_started = s->out.has_header = false;
    s->out.target_count = count < LAB_SPEECH_TARGETS ? count : LAB_SPEECH_TARGETS;
    memcpy(s->out.targets, targets, s->out.target_count * sizeof *targets);
    s->out.tsn = (s->out.tsn + 1u) & TSN_MASK;
    tell_speaking(s, "speaking",
                  clear ? "speaks in clear" : "speaks, encrypted with the current key");
    return KF_OK;
}

static void send_packet(lab_speech *s, voice_issi *p)
{
    uint8_t octets[VOICE_ISSI_MAX];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    p->rtp = (voice_rtp){ .pt = VOICE_RTP_PT_FULL_RATE,
                          .seq = s->out.seq++,
                          .timestamp = s->out.timestamp,
                          .ssrc = VOICE_RTP_SSRC_HOME };
    p->service_options = voice_es_is_clear(&s->out.first) ? 0 : VOICE_SO_PROTECTED;
    p->tsn = s->out.tsn;
    voice_issi_encode(p, &w);
    for (size_t i = 0; w.err == KF_OK && i < s->out.target_count; i++)
        s->io.send(s->io.ctx, &s->out.targets[i], kf_writer_slice(&w));
}

static void add_header(const lab_speech *s, voice_issi *p)
{
    p->has_header = true;
    p->header.es = s->out.first;
}

/* Who talks, and the ES of the first superframe: two packets, before the voice. */
static void send_start(lab_speech *s)
{
    voice_issi p = { .signal = true, .packet_type = VOICE_PTT_START, .has_ptt = true };
    p.ptt.unit = otar_unit_rsi(s->io.unit);
    send_packet(s, &p);
    p = (voice_issi){ .signal = true, .packet_type = VOICE_PTT_PROGRESS };
    add_header(s, &p);
    send_packet(s, &p);
    s->out.has_started = true;
}

static void send_end(lab_speech *s)
{
    voice_issi p = { .packet_type = VOICE_PTT_END };
    voice_tx_end(s->out.tx);
    send_packet(s, &p);
    end_sending(s);
}

static kf_err add_frame(lab_speech *s, voice_issi *p)
{
    uint8_t octets[VOICE_FULL_OCTETS];
    voice_tx_place place;
    const kf_slice said = kf_slice_part(kf_secret_view(s->out.frames),
                                        s->out.next * VOICE_FULL_OCTETS, VOICE_FULL_OCTETS);
    memcpy(octets, said.ptr, sizeof octets);
    const kf_err err = voice_tx_frame(s->out.tx, octets, &place);
    if (err == KF_OK) {
        const size_t i = p->imbe_count++;
        voice_tx_block(&place, voice_frame_type_issi(place.frame), octets, &p->imbe[i]);
        p->offset[3u + i] = (uint16_t)(i * CLOCK_OF_FRAME);
        s->out.next++;
    }
    kf_wipe(octets, sizeof octets);
    return err;
}

bool lab_speech_step(lab_speech *s)
{
    voice_issi p = { .signal = true, .packet_type = VOICE_PTT_PROGRESS };
    kf_err err = KF_OK;
    if (!lab_speech_is_speaking(s))
        return false;
    if (!s->out.has_started)
        send_start(s);
    else if (s->out.next < VOICE_FRAMES)
        add_header(s, &p); /* again, for whom the first one did not reach */
    while (err == KF_OK && p.imbe_count < FRAMES_PER_PACKET && s->out.next < s->out.total)
        err = add_frame(s, &p);
    if (err == KF_OK && p.imbe_count > 0)
        send_packet(s, &p);
    s->out.timestamp += FRAMES_PER_PACKET * CLOCK_OF_FRAME;
    if (err == KF_OK && s->out.next < s->out.total)
        return true;
    send_end(s);
    tell_speaking(s, err == KF_OK ? "spoken" : "speech-failed",
                  err == KF_OK ? "has spoken" : "stopped speaking: the cipher failed");
    return false;
}

/* ---- hearing: keys and events ---- */

static bool same_key(const voice_es *a, const voice_es *b)
{
    return a->algid == b->algid && a->kid == b->kid;
}

static bool is_proven(const lab_speech *s, unsigned algid, uint16_t kid)
{
    const voice_es wanted = { .algid = (uint8_t)algid, .kid = kid };
    for (size_t i = 0; i < s->proven_count; i++)
        if (same_key(&s->proven[i], &wanted))
            return true;
    return false;
}

static void note_proven(lab_speech *s, const voice_es *es)
{
    if (is_proven(s, es->algid, es->kid))
        return;
    if (s->proven_count == PROVEN_MAX)
        s->proven_count = 0; /* they prove themselves anew */
    s->proven[s->proven_count++] = *es;
}

static kf_err find_key(void *ctx, unsigned algid, uint16_t kid, voice_rx_key *out)
{
    const lab_speech *s = ctx;
    const otar_key *key = algid > 0xff ? NULL : otar_unit_named(s->io.unit, (uint8_t)algid, kid);
    if (key == NULL)
        return KF_E_STATE;
    *out = (voice_rx_key){ key->material, is_proven(s, algid, kid) };
    return KF_OK;
}

static const char *say_of(voice_rx_event event)
{
    switch (event) {
    case VOICE_RX_CLEAR:
        return "hears clear speech";
    case VOICE_RX_SECURE:
        return "hears encrypted speech and has its key";
    case VOICE_RX_NO_KEY:
        return "hears encrypted speech and has no key for it: silence";
    case VOICE_RX_PROVEN:
        return "the key makes speech: it is played";
    case VOICE_RX_WRONG:
        return "the key makes noise: silence to the end of the spurt";
    case VOICE_RX_MOVED:
        return "the encryption sync moved: followed";
    case VOICE_RX_ES_LOST:
        return "an encryption sync was lost: went on without";
    case VOICE_RX_ES_BAD:
        return "an encryption sync was damaged";
    case VOICE_RX_DOUBT:
        return "an encryption sync contradicts the spurt: waiting for the next one";
    }
    return "";
}

static void on_voice(void *ctx, voice_rx_event event, uint64_t superframe, const voice_es *es,
                     kf_err why)
{
    lab_speech *s = ctx;
    char name[32];
    (void)why;
    s->in.is_secure = s->in.is_secure || event == VOICE_RX_SECURE;
    if (event == VOICE_RX_SECURE)
        s->in.es = *es;
    if (event == VOICE_RX_CLEAR || event == VOICE_RX_NO_KEY)
        s->in.is_secure = false;
    if (event == VOICE_RX_PROVEN)
        note_proven(s, es);
    (void)snprintf(name, sizeof name, "voice-%s", voice_rx_event_name(event));
    json_t *json = lab_event_say(name, "%s", say_of(event));
    if (json == NULL)
        return;
    (void)json_object_set_new(json, "superframe", json_integer((json_int_t)superframe));
    (void)json_object_set_new(json, "algid", json_integer(es->algid));
    (void)json_object_set_new(json, "kid", lab_kid_json(es->kid));
    s->io.emit(s->io.ctx, json);
}

static kf_err make_rx(lab_speech *s)
{
    const voice_rx_config config = { VOICE_PHASE1, find_key, on_voice, s };
    voice_rx_free(&s->in.rx);
    s->in.is_stale = s->in.is_secure = false;
    return voice_rx_new(&config, &s->in.rx);
}

/* ---- hearing: the file ---- */

static void write_frame(lab_speech *s, const uint8_t *octets, voice_rx_sound sound)
{
    lab_speech_counts *n = &s->in.now;
    n->silence += sound == VOICE_RX_SILENCE ? 1u : 0u;
    n->speech_clear += sound == VOICE_RX_SPEECH_CLEAR ? 1u : 0u;
    n->speech += sound == VOICE_RX_SPEECH ? 1u : 0u;
    if (s->in.written < LAB_SPEECH_HEARD_MAX &&
        write(s->in.fd, octets, VOICE_FULL_OCTETS) == (ssize_t)VOICE_FULL_OCTETS)
        s->in.written++;
}

/* Frames that never came, so that the file keeps time. */
static void write_gap(lab_speech *s, uint64_t place)
{
    if (s->in.has_place && place > s->in.next_place && place - s->in.next_place <= GAP_FRAMES_MAX)
        for (; s->in.next_place < place; s->in.next_place++) {
            write_frame(s, voice_silence(VOICE_PHASE1).ptr, VOICE_RX_SILENCE);
            s->in.now.lost++;
        }
    s->in.has_place = true;
    s->in.next_place = place + 1;
}

/* ---- hearing: spurts ---- */

static void add_counts(lab_speech_counts *to, const lab_speech_counts *n)
{
    to->speech += n->speech;
    to->speech_clear += n->speech_clear;
    to->silence += n->silence;
    to->lost += n->lost;
}

static void end_spurt(lab_speech *s)
{
    const lab_speech_counts *n = &s->in.now;
    if (!s->in.in_spurt)
        return;
    s->in.in_spurt = false;
    s->in.spurts++;
    add_counts(&s->in.all, n);
    json_t *event = lab_event_say(
        "voice-ended",
        "a spurt ended: %llu frames of speech, %llu of clear speech, %llu of silence, %llu lost",
        (unsigned long long)n->speech, (unsigned long long)n->speech_clear,
        (unsigned long long)n->silence, (unsigned long long)n->lost);
    if (event != NULL) {
        (void)json_object_set_new(event, "speech", json_integer((json_int_t)n->speech));
        (void)json_object_set_new(event, "speech_clear", json_integer((json_int_t)n->speech_clear));
        (void)json_object_set_new(event, "silence", json_integer((json_int_t)n->silence));
        (void)json_object_set_new(event, "lost", json_integer((json_int_t)n->lost));
    }
    s->io.emit(s->io.ctx, event);
}

static bool begin_spurt(lab_speech *s, kf_time now, const struct sockaddr_in *from,
                        const voice_issi *p)
{
    char text[LAB_ADDRESS_TEXT];
    end_spurt(s);
    if (s->in.is_stale && make_rx(s) != KF_OK)
        return false;
    voice_rx_begin(s->in.rx);
    s->in.is_secure = false;
    s->in.in_spurt = true;
    s->in.from = *from;
    s->in.ssrc = p->rtp.ssrc;
    s->in.tsn = p->tsn;
    s->in.seq = (uint16_t)(p->rtp.seq - 1u);
    s->in.last = now;
    s->in.clock = (voice_clock){ 0 };
    s->in.has_place = false;
    s->in.now = (lab_speech_counts){ 0 };
    s->io.emit(s->io.ctx,
               lab_event_say("voice-began", "a spurt from %s", lab_address_text(from, text)));
    return true;
}

static bool is_of_spurt(const lab_speech *s, const struct sockaddr_in *from, const voice_issi *p)
{
    return s->in.in_spurt && s->in.from.sin_port == from->sin_port &&
           s->in.from.sin_addr.s_addr == from->sin_addr.s_addr && s->in.ssrc == p->rtp.ssrc;
}

/* Which spurt a packet belongs to. false: to none. */
static bool place_packet(lab_speech *s, kf_time now, const struct sockaddr_in *from,
                         const voice_issi *p)
{
    const bool has_voice = p->imbe_count > 0 || p->has_header || p->packet_type == VOICE_PTT_START;
    if (s->in.in_spurt && !is_of_spurt(s, from, p))
        return false; /* the first one who talks is heard out */
    if (s->in.in_spurt && s->in.tsn == p->tsn) {
        if ((uint16_t)(p->rtp.seq - s->in.seq - 1u) >= SEQ_BEHIND)
            return false;
        s->in.seq = p->rtp.seq;
        s->in.last = now;
        return true;
    }
    if (!has_voice || p->packet_type == VOICE_PTT_END || !begin_spurt(s, now, from, p))
        return false;
    s->in.seq = p->rtp.seq;
    return true;
}

static void hear_header(lab_speech *s, const voice_issi *p)
{
    uint64_t superframe = 0;
    if (!p->has_header || voice_es_check(&p->header.es) != KF_OK)
        return;
    if (p->imbe_count > 0) {
        const voice_frame_type *t = voice_frame_type_find(p->imbe[0].type);
        voice_clock peek = s->in.clock;
        superframe = voice_clock_at(&peek, p->imbe[0].sf, t == NULL ? 0 : t->frame);
    } else if (s->in.clock.started) {
        superframe = s->in.clock.superframe;
    }
    const kf_err err = voice_rx_sync(s->in.rx, superframe, &p->header.es);
    (void)err; /* it came before: this one is for whom it did not reach */
}

static void hear_voice(lab_speech *s, const voice_block *block)
{
    const voice_frame_type *t = voice_frame_type_find(block->type);
    uint8_t octets[VOICE_FULL_OCTETS];
    voice_rx_sound sound = VOICE_RX_SILENCE;
    if (t == NULL)
        return;
    const uint64_t superframe = voice_clock_at(&s->in.clock, block->sf, t->frame);
    const uint64_t place = superframe * VOICE_FRAMES + t->frame;
    if (s->in.has_place && place < s->in.next_place)
        return;
    write_gap(s, place);
    const kf_err err = voice_rx_block(s->in.rx, superframe, block, octets, &sound);
    (void)err; /* then it is silence */
    write_frame(s, octets, sound);
    kf_wipe(octets, sizeof octets);
}

void lab_speech_hear(lab_speech *s, kf_time now, const struct sockaddr_in *from, kf_slice packet)
{
    voice_issi p;
    kf_fault fault;
    if (!lab_speech_is_listening(s))
        return;
    if (voice_issi_parse(packet, NULL, &p, &fault) != KF_OK || !place_packet(s, now, from, &p)) {
        s->in.all.ignored++;
        return;
    }
    hear_header(s, &p);
    for (size_t i = 0; i < p.imbe_count; i++)
        hear_voice(s, &p.imbe[i]);
    if (p.packet_type == VOICE_PTT_END)
        end_spurt(s);
}

void lab_speech_tick(lab_speech *s, kf_time now)
{
    if (s->in.in_spurt && (now < s->in.last || now - s->in.last > LAB_SPEECH_SILENT_SECONDS))
        end_spurt(s);
}

/* ---- life ---- */

bool lab_speech_is_listening(const lab_speech *s)
{
    return s->in.fd >= 0;
}

uint64_t lab_speech_spurts(const lab_speech *s)
{
    return s->in.spurts;
}

const lab_speech_counts *lab_speech_heard(const lab_speech *s)
{
    return &s->in.all;
}

static void end_listening(lab_speech *s)
{
    end_spurt(s);
    if (s->in.fd >= 0)
        (void)close(s->in.fd);
    s->in.fd = -1;
    voice_rx_free(&s->in.rx);
}

kf_err lab_speech_listen(lab_speech *s, const char *path, lab_trouble *trouble)
{
    const uint8_t tsn = s->in.tsn;
    if (lab_speech_is_listening(s))
        return lab_trouble_set(trouble, KF_E_STATE, "", "not listening into another file",
                               "there is one already", "first: stop");
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)lab_trouble_set(trouble, KF_E_BACKEND, "file", "cannot make the file", "",
                              "check the name, and that you may write there");
        trouble->code = "file";
        lab_trouble_why(trouble, "%.200s: %s", path, strerror(errno));
        return KF_E_BACKEND;
    }
    s->in = (hearing){ .fd = fd, .tsn = tsn };
    const kf_err err = make_rx(s);
    if (err == KF_OK)
        return KF_OK;
    end_listening(s);
    return lab_trouble_set(trouble, err, "", "cannot listen", kf_err_text(err), "");
}

void lab_speech_stop(lab_speech *s)
{
    if (lab_speech_is_speaking(s)) {
        send_end(s);
        tell_speaking(s, "spoken", "stopped speaking");
    }
    end_listening(s);
}

void lab_speech_keys_changed(lab_speech *s, bool is_reloaded)
{
    const voice_es *out = &s->out.first;
    if (lab_speech_is_speaking(s) && !voice_es_is_clear(out) &&
        otar_unit_named(s->io.unit, out->algid, out->kid) == NULL) {
        send_end(s);
        tell_speaking(s, "spoken", "stopped speaking: the key is gone");
    }
    if (is_reloaded)
        s->proven_count = 0;
    if (!lab_speech_is_listening(s))
        return;
    s->in.is_stale = true;
    if (s->in.is_secure && otar_unit_named(s->io.unit, s->in.es.algid, s->in.es.kid) == NULL) {
        voice_rx_begin(s->in.rx); /* silence until an ES says more, and then there is no key */
        s->in.is_secure = false;
    }
}

kf_err lab_speech_new(const lab_speech_io *io, lab_speech **out)
{
    lab_speech *s = calloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return KF_E_NO_MEMORY;
    s->io = *io;
    s->in.fd = -1;
    return KF_OK;
}

void lab_speech_free(lab_speech **pointer)
{
    lab_speech *s = *pointer;
    *pointer = NULL;
    if (s == NULL)
        return;
    voice_tx_free(&s->out.tx);
    kf_secret_free(&s->out.frames);
    if (s->in.fd >= 0)
        (void)close(s->in.fd);
    voice_rx_free(&s->in.rx);
    free(s);
}

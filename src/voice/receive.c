#include "voice/receive.h"

#include <stdlib.h>
#include <string.h>

#include "p25/mi.h"
#include "voice/pack.h"

/*
 * Noise is taken for an ES with up to four words corrected 6 times in 10,000, with up to two 4
 * times in 10^9. So more than two count where they confirm, not where they contradict.
 */
#define WEAK_ABOVE 2u

typedef enum rx_state {
    RX_IDLE,   /* nothing validated yet */
    RX_CLEAR,  /* clear speech */
    RX_SECURE, /* decrypting */
    RX_MUTED,  /* encrypted, no key */
    RX_WRONG,  /* encrypted, the key makes noise */
} rx_state;

/* What a superframe begins with. */
typedef enum rx_on {
    ON_LOST,   /* no valid ES */
    ON_SAME,   /* as expected */
    ON_MOVED,  /* same key, another MI */
    ON_DOUBT,  /* contradicts the spurt, not confirmed */
    ON_CLEAR,  /* decided: clear */
    ON_KEY,    /* decided: encrypted, key at hand */
    ON_NO_KEY, /* decided: encrypted, none */
} rx_on;

struct voice_rx {
    voice_rx_config config;
    rx_state state;
    bool started;
    uint64_t superframe; /* the current one */
    voice_es es;         /* of the current superframe, received or predicted */
    voice_stream *stream;
    bool made; /* the stream has the keystream of this superframe */
    kf_err why;

    bool has_next; /* an ES came for next_for */
    uint64_t next_for;
    voice_es next;
    bool next_weak;        /* so much was corrected that it does not overrule what we expect */
    voice_stream *offered; /* its key, opened */
    bool offered_proven;

    bool has_doubt;
    voice_es doubt; /* stepped with the superframes */

    bool on_trial;
    voice_es tried; /* whose key good and bad are about */
    unsigned good, bad;

    unsigned parts; /* a bit a part */
    uint64_t parts_of;
    uint8_t part[VOICE_ES_PROTECTED];
};

const char *voice_rx_event_name(voice_rx_event event)
{
    static const char *const names[] = {
        [VOICE_RX_CLEAR] = "clear",     [VOICE_RX_SECURE] = "secure", [VOICE_RX_NO_KEY] = "no-key",
        [VOICE_RX_PROVEN] = "proven",   [VOICE_RX_WRONG] = "wrong",   [VOICE_RX_MOVED] = "moved",
        [VOICE_RX_ES_LOST] = "es-lost", [VOICE_RX_ES_BAD] = "es-bad", [VOICE_RX_DOUBT] = "doubt",
    };
    return names[event];
}

static void tell(voice_rx *rx, voice_rx_event event, const voice_es *es, kf_err why)
{
    if (rx->config.event != NULL)
        rx->config.event(rx->config.ctx, event, rx->superframe, es, why);
}

kf_err voice_rx_new(const voice_rx_config *config, voice_rx **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return KF_E_NO_MEMORY;
    (*out)->config = *config;
    return KF_OK;
}

void voice_rx_begin(voice_rx *rx)
{
    voice_stream_free(&rx->stream);
    voice_stream_free(&rx->offered);
    *rx = (voice_rx){ .config = rx->config, .tried = rx->tried, .good = rx->good, .bad = rx->bad };
}

void voice_rx_free(voice_rx **rx)
{
    if (rx == NULL || *rx == NULL)
        return;
    voice_rx_begin(*rx);
    free(*rx);
    *rx = NULL;
}

/* --- what an ES means ------------------------------------------------------------------------- */

static bool same_key(const voice_es *a, const voice_es *b)
{
    return a->algid == b->algid && a->kid == b->kid;
}

static void step(voice_es *es)
{
    if (!voice_es_is_clear(es))
        p25_mi_next(es->mi, es->mi);
}

/* Look the key of an ES up and open it. */
static rx_on decide(voice_rx *rx, const voice_es *es)
{
    voice_rx_key key = { NULL, false };
    if (voice_es_is_clear(es))
        return ON_CLEAR;
    voice_stream_free(&rx->offered);
    rx->why = rx->config.find(rx->config.ctx, es->algid, es->kid, &key);
    if (rx->why == KF_OK)
        rx->why = voice_stream_new(rx->config.phase, es->algid, key.key, &rx->offered);
    rx->offered_proven = key.proven;
    return rx->why == KF_OK ? ON_KEY : ON_NO_KEY;
}

/* rx->es is already what this superframe should have. */
static rx_on classify(voice_rx *rx)
{
    if (!rx->has_next || rx->next_for != rx->superframe)
        return ON_LOST;
    const voice_es *es = &rx->next;
    if (rx->state == RX_IDLE)
        return decide(rx, es);
    if (same_key(es, &rx->es)) {
        if (rx->state == RX_MUTED && decide(rx, es) == ON_KEY) /* it may have come meanwhile */
            return ON_KEY;
        if (voice_es_equal(es, &rx->es))
            return ON_SAME;
        return rx->next_weak ? ON_LOST : ON_MOVED;
    }
    if (rx->has_doubt && voice_es_equal(es, &rx->doubt))
        return decide(rx, es);
    return ON_DOUBT;
}

/* --- the machine ------------------------------------------------------------------------------ */

typedef void rx_action(voice_rx *rx);

static void stay(voice_rx *rx)
{
    (void)rx;
}

static void lost(voice_rx *rx)
{
    tell(rx, VOICE_RX_ES_LOST, &rx->es, KF_OK);
}

static void agree(voice_rx *rx)
{
    rx->has_doubt = false;
}

static void move(voice_rx *rx)
{
    rx->has_doubt = false;
    rx->es = rx->next;
    tell(rx, VOICE_RX_MOVED, &rx->es, KF_OK);
}

static void doubt(voice_rx *rx)
{
    rx->has_doubt = true;
    rx->doubt = rx->next;
    tell(rx, VOICE_RX_DOUBT, &rx->doubt, KF_OK);
}

static void take(voice_rx *rx, voice_rx_event event)
{
    voice_stream_free(&rx->stream);
    rx->has_doubt = false;
    rx->es = rx->next;
    tell(rx, event, &rx->es, event == VOICE_RX_NO_KEY ? rx->why : KF_OK);
}

static void take_clear(voice_rx *rx)
{
    take(rx, VOICE_RX_CLEAR);
}

static void take_none(voice_rx *rx)
{
    take(rx, VOICE_RX_NO_KEY);
}

static void take_key(voice_rx *rx)
{
    take(rx, VOICE_RX_SECURE);
    rx->stream = rx->offered;
    rx->offered = NULL;
    if (!same_key(&rx->tried, &rx->es) || rx->bad >= VOICE_TRIAL_FAULTS) {
        rx->tried = rx->es;
        rx->good = rx->bad = 0;
    }
    rx->on_trial =
        !rx->offered_proven && rx->config.phase == VOICE_PHASE1 && rx->good < VOICE_TRIAL_FRAMES;
}

static const struct {
    rx_state from;
    rx_on on;
    rx_action *act;
    rx_state to;
} rules[] = {
    /* spec: 3.1 - late entry: nothing until an ES, then from its superframe on */
    { RX_IDLE, ON_LOST, stay, RX_IDLE },
    { RX_IDLE, ON_CLEAR, take_clear, RX_CLEAR },
    { RX_IDLE, ON_KEY, take_key, RX_SECURE },
    { RX_IDLE, ON_NO_KEY, take_none, RX_MUTED },
    /* spec: 3.4 - one ES does not flip a call */
    { RX_CLEAR, ON_LOST, lost, RX_CLEAR },
    { RX_CLEAR, ON_SAME, agree, RX_CLEAR },
    { RX_CLEAR, ON_DOUBT, doubt, RX_CLEAR },
    { RX_CLEAR, ON_KEY, take_key, RX_SECURE },
    { RX_CLEAR, ON_NO_KEY, take_none, RX_MUTED },
    /* spec: 3.1 - a lost ES is stepped; where they differ the received one is taken */
    { RX_SECURE, ON_LOST, lost, RX_SECURE },
    { RX_SECURE, ON_SAME, agree, RX_SECURE },
    { RX_SECURE, ON_MOVED, move, RX_SECURE },
    { RX_SECURE, ON_DOUBT, doubt, RX_SECURE },
    { RX_SECURE, ON_CLEAR, take_clear, RX_CLEAR },
    { RX_SECURE, ON_KEY, take_key, RX_SECURE },
    { RX_SECURE, ON_NO_KEY, take_none, RX_MUTED },
    { RX_MUTED, ON_LOST, lost, RX_MUTED },
    { RX_MUTED, ON_SAME, agree, RX_MUTED },
    { RX_MUTED, ON_MOVED, move, RX_MUTED },
    { RX_MUTED, ON_DOUBT, doubt, RX_MUTED },
    { RX_MUTED, ON_CLEAR, take_clear, RX_CLEAR },
    { RX_MUTED, ON_KEY, take_key, RX_SECURE },
    { RX_MUTED, ON_NO_KEY, take_none, RX_MUTED },
    { RX_WRONG, ON_LOST, lost, RX_WRONG },
    { RX_WRONG, ON_SAME, agree, RX_WRONG },
    { RX_WRONG, ON_MOVED, move, RX_WRONG },
    { RX_WRONG, ON_DOUBT, doubt, RX_WRONG },
    { RX_WRONG, ON_CLEAR, take_clear, RX_CLEAR },
    { RX_WRONG, ON_KEY, take_key, RX_SECURE },
    { RX_WRONG, ON_NO_KEY, take_none, RX_MUTED },
};

/* A superframe begins. What the table lacks cannot happen, and would be silence. */
static void enter(voice_rx *rx, uint64_t superframe)
{
    rx->superframe = superframe;
    rx->made = false;
    rx_on on = classify(rx);
    rx->has_next = rx->has_next && rx->next_for > superframe;
    for (size_t i = 0; i < KF_COUNT(rules); i++)
        if (rules[i].from == rx->state && rules[i].on == on) {
            rx->state = rules[i].to;
            rules[i].act(rx);
            return;
        }
    rx->state = RX_IDLE;
}

static void advance(voice_rx *rx, uint64_t superframe)
{
    if (rx->started && superframe > rx->superframe && superframe - rx->superframe > VOICE_GAP_MAX) {
        bool keep = rx->has_next && rx->next_for == superframe;
        voice_es next = rx->next;
        voice_rx_begin(rx);
        rx->has_next = keep;
        rx->next_for = superframe;
        rx->next = next;
    }
    if (!rx->started) { /* an ES of the header word counts though its superframe was lost */
        bool earlier =
            rx->has_next && rx->next_for < superframe && superframe - rx->next_for <= VOICE_GAP_MAX;
        rx->started = true;
        enter(rx, earlier ? rx->next_for : superframe);
    }
    while (rx->superframe < superframe) {
        step(&rx->es);
        step(&rx->doubt);
        enter(rx, rx->superframe + 1);
    }
}

/* --- inputs ----------------------------------------------------------------------------------- */

kf_err voice_rx_sync(voice_rx *rx, uint64_t superframe, const voice_es *es)
{
    kf_err err = voice_es_check(es);
    if (err != KF_OK)
        return err;
    bool late = rx->started && superframe == rx->superframe && rx->state == RX_IDLE;
    if (rx->started && superframe <= rx->superframe && !late)
        return KF_E_STATE;
    rx->has_next = true;
    rx->next_for = superframe;
    rx->next = *es;
    rx->next_weak = false;
    if (late) /* its first frames came before it */
        enter(rx, superframe);
    return KF_OK;
}

kf_err voice_rx_es_part(voice_rx *rx, uint64_t superframe, unsigned frame,
                        const uint8_t part[VOICE_ES_PART_OCTETS])
{
    voice_es es;
    unsigned corrected;
    if (frame < VOICE_ES_FIRST_FRAME || frame >= VOICE_ES_FIRST_FRAME + VOICE_ES_PARTS)
        return KF_E_MALFORMED;
    if (rx->parts_of != superframe)
        rx->parts = 0;
    rx->parts_of = superframe;
    unsigned i = frame - VOICE_ES_FIRST_FRAME;
    memcpy(rx->part + i * VOICE_ES_PART_OCTETS, part, VOICE_ES_PART_OCTETS);
    rx->parts |= 1u << i;
    if (rx->parts != (1u << VOICE_ES_PARTS) - 1)
        return KF_OK;
    rx->parts = 0;
    kf_err err = voice_es_decode(rx->part, &es, &corrected);
    if (err != KF_OK) {
        tell(rx, VOICE_RX_ES_BAD, &es, err);
        return KF_OK; /* noise on the air is no fault of the caller */
    }
    err = voice_rx_sync(rx, superframe + 1, &es);
    rx->next_weak = err == KF_OK && corrected > WEAK_ABOVE;
    return err;
}

/* A frame of a key on trial. */
static void judge(voice_rx *rx, const uint8_t *octets)
{
    if (!voice_full_is_plausible(octets)) {
        rx->good = 0;
        rx->bad++;
    } else {
        rx->good++;
    }
    if (rx->bad == VOICE_TRIAL_FAULTS) {
        rx->state = RX_WRONG;
        voice_stream_free(&rx->stream);
        tell(rx, VOICE_RX_WRONG, &rx->es, KF_OK);
    } else if (rx->good == VOICE_TRIAL_FRAMES) {
        rx->on_trial = false;
        tell(rx, VOICE_RX_PROVEN, &rx->es, KF_OK);
    }
}

static kf_err decrypt(voice_rx *rx, unsigned frame, uint8_t *octets, voice_rx_sound *sound)
{
    kf_err err = rx->made ? KF_OK : voice_stream_start(rx->stream, rx->es.mi);
    rx->made = err == KF_OK;
    if (err == KF_OK)
        err = voice_stream_mask(rx->stream, frame, octets);
    if (err != KF_OK)
        return err;
    if (rx->on_trial)
        judge(rx, octets);
    else
        *sound = VOICE_RX_SPEECH;
    return KF_OK;
}

static kf_err play(voice_rx *rx, uint64_t superframe, unsigned frame, uint8_t *octets,
                   voice_rx_sound *sound)
{
    if (frame >= VOICE_FRAMES)
        return KF_E_MALFORMED;
    advance(rx, superframe);
    if (superframe < rx->superframe)
        return KF_E_STATE;
    if (rx->state == RX_SECURE)
        return decrypt(rx, frame, octets, sound);
    if (rx->state == RX_CLEAR)
        *sound = VOICE_RX_SPEECH_CLEAR;
    return KF_OK;
}

kf_err voice_rx_frame(voice_rx *rx, uint64_t superframe, unsigned frame, uint8_t *octets,
                      voice_rx_sound *sound)
{
    *sound = VOICE_RX_SILENCE;
    kf_err err = play(rx, superframe, frame, octets, sound);
    if (*sound == VOICE_RX_SILENCE) {
        kf_slice silence = voice_silence(rx->config.phase);
        memcpy(octets, silence.ptr, silence.len);
    }
    return err;
}

kf_err voice_rx_block(voice_rx *rx, uint64_t superframe, const voice_block *block,
                      uint8_t octets[VOICE_FULL_OCTETS], voice_rx_sound *sound)
{
    const voice_frame_type *t = voice_frame_type_find(block->type);
    *sound = VOICE_RX_SILENCE;
    memcpy(octets, voice_silence(VOICE_PHASE1).ptr, VOICE_FULL_OCTETS);
    if (t == NULL || rx->config.phase != VOICE_PHASE1)
        return KF_E_UNSUPPORTED;
    memcpy(octets, block->imbe, VOICE_FULL_OCTETS);
    kf_err err = voice_rx_frame(rx, superframe, t->frame, octets, sound);
    if (err == KF_OK && t->kind == VOICE_BLOCK_ES)
        err = voice_rx_es_part(rx, superframe, t->frame, block->data);
    return err;
}

kf_err voice_rx_lsd(voice_rx *rx, uint64_t superframe, unsigned half, uint8_t lsd[VOICE_LSD_OCTETS])
{
    kf_err err = KF_E_STATE;
    if (rx->started && superframe == rx->superframe) {
        if (rx->state == RX_CLEAR)
            err = KF_OK;
        else if (rx->state == RX_SECURE && rx->made && !rx->on_trial)
            err = voice_stream_mask_lsd(rx->stream, half, lsd);
    }
    if (err != KF_OK)
        memset(lsd, 0, VOICE_LSD_OCTETS);
    return err;
}

uint64_t voice_clock_at(voice_clock *clock, unsigned sf, unsigned frame)
{
    unsigned ahead = (sf - clock->sf) & 3u;
    if (!clock->started)
        ahead = 0;
    else if (ahead != 0)
        clock->counts = true;
    else if (frame < clock->frame) /* the same value, from the front again */
        ahead = clock->counts ? 4 : 1;
    clock->started = true;
    clock->sf = (uint8_t)(sf & 3u);
    clock->frame = frame;
    clock->superframe += ahead;
    return clock->superframe;
}

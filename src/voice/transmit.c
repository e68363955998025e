#include "voice/transmit.h"

#include <stdlib.h>
#include <string.h>

#include "p25/mi.h"
#include "voice/pack.h"

/* What a spurt is protected with. stream is NULL for clear. */
typedef struct setting {
    bool set;
    voice_stream *stream;
    uint8_t algid;
    uint16_t kid;
} setting;

struct voice_tx {
    voice_phase phase;
    setting now;  /* of the spurt under way, or of the last one */
    setting next; /* for the next one, when set */
    bool speaking;
    voice_es es; /* of this superframe */
    uint64_t superframe;
    unsigned frame; /* the next to be sent */
};

static void setting_clear(setting *s)
{
    voice_stream_free(&s->stream);
    *s = (setting){ .set = false };
}

kf_err voice_tx_new(voice_phase phase, voice_tx **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return KF_E_NO_MEMORY;
    (*out)->phase = phase;
    return KF_OK;
}

void voice_tx_free(voice_tx **tx)
{
    if (tx == NULL || *tx == NULL)
        return;
    setting_clear(&(*tx)->now);
    setting_clear(&(*tx)->next);
    free(*tx);
    *tx = NULL;
}

kf_err voice_tx_set_key(voice_tx *tx, unsigned algid, uint16_t kid, const kf_secret *key)
{
    setting s = { .set = true, .algid = (uint8_t)algid, .kid = kid };
    kf_err err = voice_stream_new(tx->phase, algid, key, &s.stream);
    if (err != KF_OK)
        return err;
    setting_clear(&tx->next);
    tx->next = s;
    return KF_OK;
}

void voice_tx_set_clear(voice_tx *tx)
{
    setting_clear(&tx->next);
    tx->next = (setting){ .set = true, .algid = P25_ALGID_CLEAR };
}

kf_err voice_tx_begin(voice_tx *tx, const kf_rng *rng, voice_es *first)
{
    voice_es es = voice_es_clear();
    const setting *s = tx->next.set ? &tx->next : &tx->now;

    *first = es;
    tx->speaking = false;
    if (!s->set)
        return KF_E_STATE;
    if (s->stream != NULL) {
        es.algid = s->algid;
        es.kid = s->kid;
        kf_err err = p25_mi_random(rng, es.mi);
        if (err != KF_OK)
            return err;
    }
    if (tx->next.set) {
        setting_clear(&tx->now);
        tx->now = tx->next;
        tx->next = (setting){ .set = false };
    }
    tx->es = es;
    tx->superframe = 0;
    tx->frame = 0;
    tx->speaking = true;
    *first = es;
    return KF_OK;
}

static kf_err encrypt(voice_tx *tx, uint8_t *octets)
{
    if (!tx->speaking)
        return KF_E_STATE;
    if (tx->now.stream == NULL)
        return KF_OK;
    kf_err err = tx->frame == 0 ? voice_stream_start(tx->now.stream, tx->es.mi) : KF_OK;
    return err != KF_OK ? err : voice_stream_mask(tx->now.stream, tx->frame, octets);
}

/* spec: 3.2 - the MI steps every superframe; that of clear speech stays zero */
static voice_es es_after(const voice_es *es)
{
    voice_es next = *es;
    if (!voice_es_is_clear(es))
        p25_mi_next(es->mi, next.mi);
    return next;
}

kf_err voice_tx_frame(voice_tx *tx, uint8_t *octets, voice_tx_place *place)
{
    kf_err err = encrypt(tx, octets);
    *place = (voice_tx_place){ tx->superframe, tx->frame, es_after(&tx->es) };
    if (err != KF_OK) {
        kf_slice silence = voice_silence(tx->phase);
        memcpy(octets, silence.ptr, silence.len);
        tx->speaking = false; /* never goes on under a mask that was not made */
        return err;
    }
    if (++tx->frame == VOICE_FRAMES) {
        tx->frame = 0;
        tx->superframe++;
        tx->es = place->next;
    }
    return KF_OK;
}

kf_err voice_tx_lsd(voice_tx *tx, uint8_t lsd[VOICE_LSD_OCTETS])
{
    /* The frame after it is the next to be sent, and the keystream is not yet the next one's. */
    bool whole = tx->frame == 0 && tx->superframe > 0;
    kf_err err = KF_E_STATE;
    if (tx->speaking && (tx->frame == VOICE_FRAMES / 2 || whole))
        err = tx->now.stream == NULL ? KF_OK
                                     : voice_stream_mask_lsd(tx->now.stream, whole ? 1 : 0, lsd);
    if (err != KF_OK)
        memset(lsd, 0, VOICE_LSD_OCTETS);
    return err;
}

void voice_tx_end(voice_tx *tx)
{
    tx->speaking = false;
}

void voice_tx_block(const voice_tx_place *place, const voice_frame_type *type,
                    const uint8_t octets[VOICE_FULL_OCTETS], voice_block *out)
{
    uint8_t es[VOICE_ES_PROTECTED];
    *out = (voice_block){ .type = type->type, .sf = (uint8_t)(place->superframe & 3u) };
    memcpy(out->imbe, octets, VOICE_FULL_OCTETS);
    if (type->kind != VOICE_BLOCK_ES)
        return;
    voice_es_encode(&place->next, es);
    memcpy(out->data, es + (type->frame - VOICE_ES_FIRST_FRAME) * VOICE_ES_PART_OCTETS,
           VOICE_ES_PART_OCTETS);
}

/* P25 voice: message indicators, masks of both phases, vocoder words, encryption sync. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "p25/mi.h"
#include "selftest/check.h"
#include "voice/es.h"
#include "voice/pack.h"
#include "voice/stream.h"

#define NTH_MAX 1000000u /* intervals stepped through for one field */

static void mi_fields(check *k, const uint8_t mi[P25_MI_OCTETS])
{
    uint8_t next[P25_MI_OCTETS], iv[P25_IV_OCTETS];
    p25_mi_next(mi, next);
    check_same(k, "next_mi", KF_SLICE_OF(next));
    p25_mi_iv(mi, iv);
    check_same(k, "iv128", KF_SLICE_OF(iv));
}

/* --- p25-voice-mi.txt ------------------------------------------------------------------------- */

/* The field name is a prefix and a number: the MI after so many superframes. */
static void nth_field(check *k, const uint8_t mi[P25_MI_OCTETS], const vectors_field *f)
{
    static const char *const prefixes[] = { "next_mi_", "nth." };
    char name[32];
    uint8_t now[P25_MI_OCTETS];
    for (size_t i = 0; i < KF_COUNT(prefixes); i++) {
        uint64_t n = 0;
        size_t len = strlen(prefixes[i]);
        if (f->name.len >= sizeof name ||
            !kf_slice_equal(kf_slice_part(f->name, 0, len), kf_slice_str(prefixes[i])) ||
            kf_decimal_read(kf_slice_part(f->name, len, f->name.len), &n) != KF_OK || n > NTH_MAX)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)f->name.len, (const char *)f->name.ptr);
        memcpy(now, mi, sizeof now);
        for (uint64_t step = 0; step < n; step++) {
            uint8_t next[P25_MI_OCTETS];
            p25_mi_next(now, next);
            memcpy(now, next, sizeof now);
        }
        check_same(k, name, KF_SLICE_OF(now));
    }
}

void check_voice_mi(check *k)
{
    uint8_t mi[P25_MI_OCTETS];
    check_mi(k, "mi", mi);
    if (!check_ok(k))
        return;
    mi_fields(k, mi);
    for (size_t i = 0; i < k->c->count; i++)
        nth_field(k, mi, &k->c->fields[i]);
}

/* --- p25-voice-fdma.txt, p25-voice-tdma.txt --------------------------------------------------- */

/* What masking zeros gives is the mask. */
static void frame_masks(check *k, const voice_stream *s, voice_phase phase, const char *prefix)
{
    for (unsigned i = 0; i < VOICE_FRAMES; i++) {
        uint8_t mask[VOICE_FRAME_MAX] = { 0 };
        char name[16];
        snprintf(name, sizeof name, "%s%u", prefix, i + 1);
        check_done(k, voice_stream_mask(s, i, mask), "mask");
        check_same(k, name, (kf_slice){ mask, voice_frame_octets(phase) });
    }
}

static void other_masks(check *k, const voice_stream *s)
{
    uint8_t lsd12[VOICE_LSD_OCTETS] = { 0 }, lsd34[VOICE_LSD_OCTETS] = { 0 };
    uint8_t lc[VOICE_LC_OCTETS] = { 0 };
    check_done(k, voice_stream_mask_lsd(s, 0, lsd12), "lsd12");
    check_same(k, "lsd12", KF_SLICE_OF(lsd12));
    check_done(k, voice_stream_mask_lsd(s, 1, lsd34), "lsd34");
    check_same(k, "lsd34", KF_SLICE_OF(lsd34));
    check_done(k, voice_stream_mask_lc(s, lc), "lc_mask");
    check_same(k, "lc_mask", KF_SLICE_OF(lc));
}

static void masks(check *k, voice_phase phase, const char *prefix)
{
    voice_stream *s = NULL;
    uint8_t mi[P25_MI_OCTETS];
    unsigned alg = check_hex_number(k, "alg", 0xff);
    const kf_secret *key = check_secret(k, "key");
    check_mi(k, "mi", mi);
    if (key == NULL)
        check_fail(k, "key");
    if (!check_ok(k))
        return;
    mi_fields(k, mi);
    check_done(k, voice_stream_new(phase, alg, key, &s), "key");
    if (check_ok(k) && check_outcome(k, voice_stream_start(s, mi), "mi")) {
        check_same(k, "keystream", voice_stream_keystream(s));
        frame_masks(k, s, phase, prefix);
        if (phase == VOICE_PHASE1)
            other_masks(k, s);
    }
    voice_stream_free(&s);
}

void check_voice_fdma(check *k)
{
    masks(k, VOICE_PHASE1, "voice");
}

void check_voice_tdma(check *k)
{
    masks(k, VOICE_PHASE2, "frame");
}

/* --- p25-voice-pack.txt ----------------------------------------------------------------------- */

static void read_words(check *k, uint16_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        static const char *const names[] = { "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7" };
        words[i] = (uint16_t)check_hex_number(k, names[i], 0xffff);
    }
}

static void full_rate(check *k)
{
    uint16_t words[VOICE_FULL_WORDS], back[VOICE_FULL_WORDS];
    uint8_t octets[VOICE_FULL_OCTETS];
    read_words(k, words, VOICE_FULL_WORDS);
    if (!check_ok(k) || !check_outcome(k, voice_full_pack(words, octets), "words"))
        return;
    check_same(k, "octets", KF_SLICE_OF(octets));
    voice_full_unpack(octets, back);
    if (memcmp(words, back, sizeof words) != 0)
        check_fail(k, "octets");
}

static void half_rate(check *k)
{
    uint16_t words[VOICE_HALF_WORDS], back[VOICE_HALF_WORDS];
    uint8_t octets[VOICE_HALF_OCTETS];
    read_words(k, words, VOICE_HALF_WORDS);
    if (!check_ok(k) || !check_outcome(k, voice_half_pack(words, octets), "words"))
        return;
    check_same(k, "octets", KF_SLICE_OF(octets));
    check_done(k, voice_half_unpack(octets, back), "octets");
    if (memcmp(words, back, sizeof words) != 0)
        check_fail(k, "octets");
}

void check_voice_pack(check *k)
{
    if (vectors_has(k->c, "u4"))
        full_rate(k);
    else
        half_rate(k);
}

/* --- p25-es-parity.txt ------------------------------------------------------------------------ */

void check_voice_es(check *k)
{
    voice_es es = { .algid = (uint8_t)check_hex_number(k, "alg", 0xff),
                    .kid = (uint16_t)check_hex_number(k, "kid", 0xffff) };
    voice_es back;
    uint8_t octets[VOICE_ES_PROTECTED];
    unsigned corrected = 0;

    check_mi(k, "mi", es.mi);
    if (!check_ok(k) || !check_outcome(k, voice_es_check(&es), "mi"))
        return;
    voice_es_encode(&es, octets);
    check_same(k, "parity", (kf_slice){ octets + VOICE_ES_OCTETS, VOICE_PARITY_OCTETS });
    check_done(k, voice_es_decode(octets, &back, &corrected), "parity");
    if (corrected != 0 || !voice_es_equal(&es, &back))
        check_fail(k, "parity");
}

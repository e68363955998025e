#include "voice/es.h"

#include <string.h>

#include "voice/rs.h"

bool voice_es_equal(const voice_es *a, const voice_es *b)
{
    return a->algid == b->algid && a->kid == b->kid && memcmp(a->mi, b->mi, P25_MI_OCTETS) == 0;
}

voice_es voice_es_clear(void)
{
    return (voice_es){ { 0 }, P25_ALGID_CLEAR, 0 };
}

bool voice_es_is_clear(const voice_es *es)
{
    return es->algid == P25_ALGID_CLEAR;
}

kf_err voice_es_check(const voice_es *es)
{
    static const uint8_t zero[P25_MI_OCTETS];
    bool mi_zero = memcmp(es->mi, zero, P25_MI_OCTETS - 1) == 0;
    bool last_zero = es->mi[P25_MI_OCTETS - 1] == 0;
    if (voice_es_is_clear(es)) /* spec: 3.1 - clear has KID 0, MI 0 */
        return mi_zero && last_zero && es->kid == 0 ? KF_OK : KF_E_MALFORMED;
    if (mi_zero)
        return KF_E_MALFORMED;
    return last_zero || p25_algid_key_octets(es->algid) == 0 ? KF_OK : KF_E_MALFORMED;
}

/* Octets to 6-bit words and back: three octets are four words. */
static void to_words(const uint8_t *octets, size_t count, uint8_t *words)
{
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * 6;
        unsigned two = (unsigned)octets[bit / 8] << 8;
        if (bit % 8 > 2)
            two |= octets[bit / 8 + 1];
        words[i] = (uint8_t)(two >> (10 - bit % 8) & 0x3fu);
    }
}

static void from_words(const uint8_t *words, size_t count, uint8_t *octets)
{
    for (size_t i = 0; i < count; i += 4, octets += 3) {
        octets[0] = (uint8_t)(words[i] << 2 | words[i + 1] >> 4);
        octets[1] = (uint8_t)(words[i + 1] << 4 | words[i + 2] >> 2);
        octets[2] = (uint8_t)(words[i + 2] << 6 | words[i + 3]);
    }
}

void voice_es_encode(const voice_es *es, uint8_t octets[VOICE_ES_PROTECTED])
{
    uint8_t words[VOICE_RS_WORDS];
    memcpy(octets, es->mi, P25_MI_OCTETS);
    octets[9] = es->algid;
    octets[10] = (uint8_t)(es->kid >> 8);
    octets[11] = (uint8_t)es->kid;
    to_words(octets, VOICE_RS_DATA, words);
    voice_rs_encode(words);
    from_words(words + VOICE_RS_DATA, VOICE_RS_PARITY, octets + VOICE_ES_OCTETS);
}

kf_err voice_es_decode(const uint8_t octets[VOICE_ES_PROTECTED], voice_es *out, unsigned *corrected)
{
    uint8_t words[VOICE_RS_WORDS], data[VOICE_ES_OCTETS];
    memset(out, 0, sizeof *out);
    to_words(octets, VOICE_RS_WORDS, words);
    kf_err err = voice_rs_correct(words, corrected);
    if (err != KF_OK)
        return err;
    from_words(words, VOICE_RS_DATA, data);
    voice_es es = { .algid = data[9], .kid = (uint16_t)(data[10] << 8 | data[11]) };
    memcpy(es.mi, data, P25_MI_OCTETS);
    err = voice_es_check(&es);
    if (err == KF_OK)
        *out = es;
    return err;
}

#include "voice/pack.h"

#include <string.h>

#include "base/bits.h"

static const uint8_t full_bits[VOICE_FULL_WORDS] = { 12, 12, 12, 12, 11, 11, 11, 7 };
static const uint8_t half_bits[VOICE_HALF_WORDS] = { 12, 12, 11, 14 };

static kf_err pack(const uint16_t *words, const uint8_t *bits, size_t count, uint8_t *octets,
                   size_t len)
{
    memset(octets, 0, len);
    for (size_t i = 0; i < count; i++)
        if (words[i] >> bits[i] != 0)
            return KF_E_MALFORMED;
    kf_bit_writer w = kf_bit_writer_init(octets, len);
    for (size_t i = 0; i < count; i++)
        kf_bits_put(&w, bits[i], words[i]);
    return w.err;
}

static void unpack(kf_slice octets, const uint8_t *bits, size_t count, uint16_t *words)
{
    kf_fault fault = { KF_OK, 0, NULL };
    kf_bits b = kf_bits_init(octets, &fault);
    for (size_t i = 0; i < count; i++)
        words[i] = (uint16_t)kf_bits_take(&b, bits[i], "u");
}

kf_err voice_full_pack(const uint16_t words[VOICE_FULL_WORDS], uint8_t octets[VOICE_FULL_OCTETS])
{
    return pack(words, full_bits, VOICE_FULL_WORDS, octets, VOICE_FULL_OCTETS);
}

void voice_full_unpack(const uint8_t octets[VOICE_FULL_OCTETS], uint16_t words[VOICE_FULL_WORDS])
{
    unpack((kf_slice){ octets, VOICE_FULL_OCTETS }, full_bits, VOICE_FULL_WORDS, words);
}

kf_err voice_half_pack(const uint16_t words[VOICE_HALF_WORDS], uint8_t octets[VOICE_HALF_OCTETS])
{
    return pack(words, half_bits, VOICE_HALF_WORDS, octets, VOICE_HALF_OCTETS);
}

kf_err voice_half_unpack(const uint8_t octets[VOICE_HALF_OCTETS], uint16_t words[VOICE_HALF_WORDS])
{
    unpack((kf_slice){ octets, VOICE_HALF_OCTETS }, half_bits, VOICE_HALF_WORDS, words);
    return (octets[VOICE_HALF_OCTETS - 1] & 0x7fu) == 0 ? KF_OK : KF_E_MALFORMED;
}

size_t voice_frame_octets(voice_phase phase)
{
    return phase == VOICE_PHASE1 ? VOICE_FULL_OCTETS : VOICE_HALF_OCTETS;
}

kf_slice voice_silence(voice_phase phase)
{
    /* What repeaters and gateways in the field send for silence. */
    static const uint8_t full[VOICE_FULL_OCTETS] = { 0x04, 0x0c, 0xfd, 0x7b, 0xfb, 0x7d,
                                                     0xf2, 0x7b, 0x3d, 0x9e, 0x45 };
    static const uint8_t half[VOICE_HALF_OCTETS] = { 0xf8, 0x01, 0xa9, 0x9f, 0x8c, 0xe0, 0x80 };
    return phase == VOICE_PHASE1 ? KF_SLICE_OF(full) : KF_SLICE_OF(half);
}

/* The pitch index: the six bits that come first, then bits 2 and 1 of u7. */
bool voice_full_is_plausible(const uint8_t octets[VOICE_FULL_OCTETS])
{
    unsigned pitch = (octets[0] & 0xfcu) | (octets[VOICE_FULL_OCTETS - 1] >> 1 & 3u);
    return pitch <= 207 || (pitch >= 216 && pitch <= 219);
}

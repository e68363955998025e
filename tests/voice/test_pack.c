/* Vocoder words and octets, silence, and the encryption sync with its parity. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "voice/es.h"
#include "voice/pack.h"
#include "voice/rs.h"

/* A word is a hexadecimal number of any count of digits. */
static uint16_t word(vectors_case *c, size_t i)
{
    char name[4], text[8];
    snprintf(name, sizeof name, "u%zu", i);
    kf_slice value = vectors_text(c, name);
    assert_true(value.len > 0 && value.len < sizeof text);
    memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    return (uint16_t)strtoul(text, NULL, 16);
}

static void test_vectors(void **state)
{
    vectors_file file;
    uint8_t want[VOICE_FULL_OCTETS], got[VOICE_FULL_OCTETS];
    uint16_t words[VOICE_FULL_WORDS], back[VOICE_FULL_WORDS];
    (void)state;
    testing_vectors_load("p25-voice-pack.txt", &file);
    assert_int_equal(file.count, 5);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        kf_slice octets = testing_field(c, "octets", want, sizeof want);
        bool full = octets.len == VOICE_FULL_OCTETS;
        size_t count = full ? VOICE_FULL_WORDS : VOICE_HALF_WORDS;
        for (size_t k = 0; k < count; k++)
            words[k] = word(c, k);
        if (full) {
            assert_ok(voice_full_pack(words, got));
            voice_full_unpack(got, back);
        } else {
            assert_ok(voice_half_pack(words, got));
            assert_ok(voice_half_unpack(got, back));
        }
        assert_slice_equal(((kf_slice){ got, octets.len }), octets);
        assert_memory_equal(words, back, count * sizeof words[0]);
    }
    vectors_clear(&file);
}

static void test_pack_refuses(void **state)
{
    static const uint16_t full_limit[] = { 0xfff, 0xfff, 0xfff, 0xfff, 0x7ff, 0x7ff, 0x7ff, 0x7f };
    static const uint16_t half_limit[] = { 0xfff, 0xfff, 0x7ff, 0x3fff };
    uint16_t words[VOICE_FULL_WORDS];
    uint8_t octets[VOICE_FULL_OCTETS];
    (void)state;
    for (size_t i = 0; i < VOICE_FULL_WORDS; i++) {
        memcpy(words, full_limit, sizeof full_limit);
        assert_ok(voice_full_pack(words, octets));
        words[i]++;
        assert_err(voice_full_pack(words, octets), KF_E_MALFORMED);
    }
    for (size_t i = 0; i < VOICE_HALF_WORDS; i++) {
        memcpy(words, half_limit, sizeof half_limit);
        assert_ok(voice_half_pack(words, octets));
        words[i]++;
        assert_err(voice_half_pack(words, octets), KF_E_MALFORMED);
    }
    for (unsigned bit = 0; bit < 7; bit++) {
        uint8_t half[VOICE_HALF_OCTETS] = { [6] = (uint8_t)(1u << bit) };
        assert_err(voice_half_unpack(half, words), KF_E_MALFORMED);
    }
}

/* Every pitch index: which of them a vocoder has. */
static void test_plausible(void **state)
{
    (void)state;
    for (unsigned pitch = 0; pitch < 256; pitch++) {
        uint8_t octets[VOICE_FULL_OCTETS] = { (uint8_t)(pitch & 0xfcu) };
        octets[10] = (uint8_t)((pitch & 3u) << 1 | 0xf9u);
        bool want = pitch < 208 || (pitch > 215 && pitch < 220);
        assert_int_equal(voice_full_is_plausible(octets), want);
    }
    kf_slice full = voice_silence(VOICE_PHASE1), half = voice_silence(VOICE_PHASE2);
    uint16_t words[VOICE_HALF_WORDS];
    assert_int_equal(full.len, voice_frame_octets(VOICE_PHASE1));
    assert_int_equal(half.len, voice_frame_octets(VOICE_PHASE2));
    assert_true(voice_full_is_plausible(full.ptr));
    assert_ok(voice_half_unpack(half.ptr, words));
}

static voice_es es_of(vectors_case *c)
{
    voice_es es = { .kid = 0 };
    uint8_t two[2];
    assert_int_equal(testing_field(c, "mi", es.mi, sizeof es.mi).len, P25_MI_OCTETS);
    es.algid = testing_field(c, "alg", two, 1).ptr[0];
    testing_field(c, "kid", two, 2);
    es.kid = (uint16_t)(two[0] << 8 | two[1]);
    return es;
}

static void test_parity_vectors(void **state)
{
    vectors_file file;
    uint8_t octets[VOICE_ES_PROTECTED], want[VOICE_PARITY_OCTETS];
    voice_es back;
    unsigned corrected = 9;
    (void)state;
    testing_vectors_load("p25-es-parity.txt", &file);
    assert_int_equal(file.count, 2);
    for (size_t i = 0; i < file.count; i++) {
        voice_es es = es_of(&file.cases[i]);
        voice_es_encode(&es, octets);
        assert_slice_equal(((kf_slice){ octets + VOICE_ES_OCTETS, VOICE_PARITY_OCTETS }),
                           testing_field(&file.cases[i], "parity", want, sizeof want));
        assert_ok(voice_es_decode(octets, &back, &corrected));
        assert_true(voice_es_equal(&es, &back));
        assert_int_equal(corrected, 0);
    }
    vectors_clear(&file);
}

static void random_codeword(testing_rng *rng, uint8_t words[VOICE_RS_WORDS])
{
    for (size_t i = 0; i < VOICE_RS_DATA; i++)
        words[i] = (uint8_t)testing_rng_below(rng, 64);
    voice_rs_encode(words);
}

/* Change count different words. */
static void damage(testing_rng *rng, uint8_t words[VOICE_RS_WORDS], unsigned count)
{
    bool hit[VOICE_RS_WORDS] = { false };
    while (count > 0) {
        size_t at = testing_rng_below(rng, VOICE_RS_WORDS);
        if (hit[at])
            continue;
        hit[at] = true;
        words[at] = (uint8_t)(words[at] ^ (1 + testing_rng_below(rng, 63)));
        count--;
    }
}

static void test_rs_single(void **state)
{
    uint8_t words[VOICE_RS_WORDS], bad[VOICE_RS_WORDS];
    unsigned corrected;
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "rs single");
    random_codeword(&rng, words);
    for (size_t at = 0; at < VOICE_RS_WORDS; at++)
        for (uint8_t e = 1; e < 64; e++) {
            memcpy(bad, words, sizeof bad);
            bad[at] ^= e;
            assert_ok(voice_rs_correct(bad, &corrected));
            assert_memory_equal(bad, words, sizeof bad);
            assert_int_equal(corrected, 1);
        }
}

static void test_rs_up_to_four(void **state)
{
    uint8_t words[VOICE_RS_WORDS], bad[VOICE_RS_WORDS];
    unsigned corrected;
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "rs four");
    size_t rounds = testing_count(20000, 1000000);
    for (size_t n = 0; n < rounds; n++) {
        unsigned count = (unsigned)(n % (VOICE_ES_CORRECTED + 1));
        random_codeword(&rng, words);
        memcpy(bad, words, sizeof bad);
        damage(&rng, bad, count);
        assert_ok(voice_rs_correct(bad, &corrected));
        assert_memory_equal(bad, words, sizeof bad);
        assert_int_equal(corrected, count);
    }
}

/*
 * More than four: what is accepted is a codeword within four words of what came, and no more often
 * than the share of space that such spheres fill: sum of C(24,i) 63^i for i to 4, by 64^8: 6 in
 * 10,000.
 */
static void test_rs_too_many(void **state)
{
    uint8_t words[VOICE_RS_WORDS], bad[VOICE_RS_WORDS], fixed[VOICE_RS_WORDS];
    unsigned corrected;
    size_t accepted = 0;
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "rs many");
    size_t rounds = testing_count(40000, 2000000);
    for (size_t n = 0; n < rounds; n++) {
        random_codeword(&rng, words);
        memcpy(bad, words, sizeof bad);
        damage(&rng, bad, 5 + (unsigned)testing_rng_below(&rng, VOICE_RS_WORDS - 4));
        memcpy(fixed, bad, sizeof fixed);
        if (voice_rs_correct(fixed, &corrected) != KF_OK) {
            assert_memory_equal(fixed, bad, sizeof bad);
            assert_int_equal(corrected, 0);
            continue;
        }
        unsigned apart = 0;
        for (size_t i = 0; i < VOICE_RS_WORDS; i++)
            apart += fixed[i] != bad[i];
        assert_int_equal(apart, corrected);
        assert_in_range(apart, 0, VOICE_ES_CORRECTED);
        memcpy(words, fixed, sizeof words);
        voice_rs_encode(words);
        assert_memory_equal(words, fixed, sizeof words);
        accepted++;
    }
    assert_true(accepted <= rounds / 1000);
}

static void test_es_rules(void **state)
{
    static const struct {
        voice_es es;
        kf_err want;
    } cases[] = {
        { { { 0 }, P25_ALGID_CLEAR, 0 }, KF_OK },
        { { { 0 }, P25_ALGID_CLEAR, 1 }, KF_E_MALFORMED },
        { { { 1 }, P25_ALGID_CLEAR, 0 }, KF_E_MALFORMED },
        { { { [8] = 1 }, P25_ALGID_CLEAR, 0 }, KF_E_MALFORMED },
        { { { 0 }, P25_ALGID_AES256, 1 }, KF_E_MALFORMED },
        { { { 1 }, P25_ALGID_AES256, 1 }, KF_OK },
        { { { 1 }, P25_ALGID_AES256, 0 }, KF_OK },
        { { { [8] = 1 }, P25_ALGID_AES256, 1 }, KF_E_MALFORMED },
        { { { [0] = 1, [8] = 1 }, P25_ALGID_AES256, 1 }, KF_E_MALFORMED },
        { { { [0] = 1, [8] = 1 }, 0x04, 1 }, KF_OK }, /* another's algorithm, another's MI */
        { { { 0 }, 0, 0 }, KF_E_MALFORMED },
    };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t octets[VOICE_ES_PROTECTED];
        voice_es back;
        unsigned corrected;
        assert_err(voice_es_check(&cases[i].es), cases[i].want);
        voice_es_encode(&cases[i].es, octets);
        assert_err(voice_es_decode(octets, &back, &corrected), cases[i].want);
        assert_int_equal(voice_es_equal(&back, &cases[i].es),
                         cases[i].want == KF_OK || i == KF_COUNT(cases) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_pack_refuses),
        cmocka_unit_test(test_plausible),   cmocka_unit_test(test_parity_vectors),
        cmocka_unit_test(test_rs_single),   cmocka_unit_test(test_rs_up_to_four),
        cmocka_unit_test(test_rs_too_many), cmocka_unit_test(test_es_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Masks of every frame against the vectors, and what a stream refuses. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p25/mi.h"
#include "voice/pack.h"

#define KEY_MAX 32u

static unsigned algid_of(vectors_case *c)
{
    uint8_t alg[1];
    assert_int_equal(testing_field(c, "alg", alg, sizeof alg).len, 1);
    return alg[0];
}

static voice_stream *open_case(vectors_case *c, voice_phase phase)
{
    uint8_t key[KEY_MAX], mi[P25_MI_OCTETS];
    voice_stream *s = NULL;
    kf_secret *secret = testing_secret(testing_field(c, "key", key, sizeof key));
    testing_field(c, "mi", mi, sizeof mi);
    assert_ok(voice_stream_new(phase, algid_of(c), secret, &s));
    kf_secret_free(&secret);
    assert_ok(voice_stream_start(s, mi));
    return s;
}

/* A mask field: zeros come out of the masking function as it. */
static void check_mask(vectors_case *c, const voice_stream *s, voice_phase phase, unsigned frame)
{
    char name[32];
    uint8_t want[VOICE_FRAME_MAX], got[VOICE_FRAME_MAX] = { 0 };
    size_t len = voice_frame_octets(phase);
    snprintf(name, sizeof name, phase == VOICE_PHASE1 ? "voice%u" : "frame%u", frame + 1);
    assert_ok(voice_stream_mask(s, frame, got));
    assert_slice_equal(((kf_slice){ got, len }), testing_field(c, name, want, sizeof want));
}

static void check_case(vectors_case *c, voice_phase phase)
{
    uint8_t keystream[VOICE_PHASE1_KEYSTREAM], mi[P25_MI_OCTETS], next[P25_MI_OCTETS];
    voice_stream *s = open_case(c, phase);
    assert_slice_equal(voice_stream_keystream(s),
                       testing_field(c, "keystream", keystream, sizeof keystream));
    for (unsigned frame = 0; frame < VOICE_FRAMES; frame++)
        check_mask(c, s, phase, frame);
    p25_mi_next(testing_field(c, "mi", mi, sizeof mi).ptr, next);
    assert_slice_equal(KF_SLICE_OF(next), testing_field(c, "next_mi", mi, sizeof mi));
    voice_stream_free(&s);
    assert_null(s);
}

static void test_phase1(void **state)
{
    vectors_file file;
    uint8_t want[VOICE_LC_OCTETS];
    (void)state;
    testing_vectors_load("p25-voice-fdma.txt", &file);
    assert_int_equal(file.count, 4);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        uint8_t lsd[2][VOICE_LSD_OCTETS] = { { 0 } }, lc[VOICE_LC_OCTETS] = { 0 };
        check_case(c, VOICE_PHASE1);
        voice_stream *s = open_case(c, VOICE_PHASE1);
        assert_ok(voice_stream_mask_lsd(s, 0, lsd[0]));
        assert_ok(voice_stream_mask_lsd(s, 1, lsd[1]));
        assert_ok(voice_stream_mask_lc(s, lc));
        assert_slice_equal(KF_SLICE_OF(lsd[0]), testing_field(c, "lsd12", want, sizeof want));
        assert_slice_equal(KF_SLICE_OF(lsd[1]), testing_field(c, "lsd34", want, sizeof want));
        assert_slice_equal(KF_SLICE_OF(lc), testing_field(c, "lc_mask", want, sizeof want));
        voice_stream_free(&s);
    }
    vectors_clear(&file);
}

static void test_phase2(void **state)
{
    vectors_file file;
    uint8_t octets[VOICE_LC_OCTETS] = { 0 };
    (void)state;
    testing_vectors_load("p25-voice-tdma.txt", &file);
    assert_int_equal(file.count, 4);
    for (size_t i = 0; i < file.count; i++) {
        check_case(&file.cases[i], VOICE_PHASE2);
        voice_stream *s = open_case(&file.cases[i], VOICE_PHASE2);
        assert_err(voice_stream_mask_lsd(s, 0, octets), KF_E_MALFORMED);
        assert_err(voice_stream_mask_lc(s, octets), KF_E_MALFORMED);
        voice_stream_free(&s);
    }
    vectors_clear(&file);
}

/* A stream that has done other superframes gives what a fresh one gives. */
static void test_reuse(void **state)
{
    static const unsigned algids[] = { P25_ALGID_AES256, P25_ALGID_TDEA, P25_ALGID_DES,
                                       P25_ALGID_ADP };
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "reuse");
    for (size_t i = 0; i < KF_COUNT(algids) * 2; i++) {
        voice_phase phase = i % 2 == 0 ? VOICE_PHASE1 : VOICE_PHASE2;
        unsigned algid = algids[i / 2];
        kf_secret *key = NULL;
        voice_stream *kept = NULL, *fresh = NULL;
        assert_ok(kf_secret_new_random(&rng.rng, voice_alg_find(algid)->key_octets, &key));
        assert_ok(voice_stream_new(phase, algid, key, &kept));
        uint8_t mi[P25_MI_OCTETS] = { 0 };
        for (size_t n = 0; n < 40; n++) {
            if (n % 7 == 0) /* else the next superframe, which may be at hand */
                testing_rng_octets(&rng, mi, sizeof mi);
            else
                p25_mi_next(mi, mi);
            assert_ok(voice_stream_new(phase, algid, key, &fresh));
            assert_ok(voice_stream_start(fresh, mi));
            assert_ok(voice_stream_start(kept, mi));
            assert_slice_equal(voice_stream_keystream(kept), voice_stream_keystream(fresh));
            voice_stream_free(&fresh);
        }
        voice_stream_free(&kept);
        kf_secret_free(&key);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        unsigned algid;
        size_t key_octets;
        kf_err want;
    } cases[] = {
        { P25_ALGID_CLEAR, 0, KF_E_UNSUPPORTED },
        { P25_ALGID_AES128, 16, KF_E_UNSUPPORTED },
        { 0x9f, 8, KF_E_UNSUPPORTED },
        { P25_ALGID_AES256, 31, KF_E_MALFORMED },
        { P25_ALGID_AES256, 33, KF_E_MALFORMED },
        { P25_ALGID_AES256, 0, KF_E_MALFORMED },
        { P25_ALGID_TDEA, 16, KF_E_MALFORMED },
        { P25_ALGID_DES, 7, KF_E_MALFORMED },
        { P25_ALGID_ADP, 13, KF_E_MALFORMED },
        { P25_ALGID_DES, 8, KF_OK },
        { P25_ALGID_ADP | 0x100u, 5, KF_E_UNSUPPORTED },
    };
    static const uint8_t zero_mi[P25_MI_OCTETS] = { [8] = 1 }, mi[P25_MI_OCTETS] = { 1 };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_secret *key = NULL;
        voice_stream *s = NULL;
        uint8_t frame[VOICE_FULL_OCTETS] = { 7 }, same[VOICE_FULL_OCTETS] = { 7 };
        assert_ok(kf_secret_new(cases[i].key_octets, &key));
        assert_err(voice_stream_new(VOICE_PHASE1, cases[i].algid, key, &s), cases[i].want);
        assert_int_equal(s == NULL, cases[i].want != KF_OK);
        kf_secret_free(&key);
        if (s == NULL)
            continue;
        assert_err(voice_stream_mask(s, 0, frame), KF_E_STATE);
        assert_int_equal(voice_stream_keystream(s).len, 0);
        assert_err(voice_stream_start(s, zero_mi), KF_E_MALFORMED);
        assert_ok(voice_stream_start(s, mi));
        assert_err(voice_stream_mask(s, VOICE_FRAMES, frame), KF_E_MALFORMED);
        assert_err(voice_stream_mask_lsd(s, 2, frame), KF_E_MALFORMED);
        assert_err(voice_stream_start(s, zero_mi), KF_E_MALFORMED); /* and forgets the last one */
        assert_err(voice_stream_mask(s, 0, frame), KF_E_STATE);
        assert_memory_equal(frame, same, sizeof same);
        voice_stream_free(&s);
    }
    voice_stream_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phase1),
        cmocka_unit_test(test_phase2),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

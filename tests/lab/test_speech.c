/* Talk spurts of the lab's subscribers: from one machine's file into another's. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/speech.h"
#include "voice/pack.h"

#define FRAMES  162u
#define PACKETS 64u
#define KID     0x1234u

typedef struct kept {
    uint8_t octets[512];
    size_t len;
} kept;

/* A subscriber with voice, and what it sent and told. */
typedef struct party {
    testing_rng rng;
    otar_unit *unit;
    lab_speech *speech;
    size_t count;
    kept packets[PACKETS];
    size_t no_key, proven, wrong, ended;
} party;

static kf_err forget(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

static void keep(void *ctx, const struct sockaddr_in *to, kf_slice packet)
{
    party *p = ctx;
    assert_int_equal(to->sin_family, AF_INET);
    assert_true(p->count < PACKETS && packet.len <= sizeof p->packets[0].octets);
    memcpy(p->packets[p->count].octets, packet.ptr, packet.len);
    p->packets[p->count++].len = packet.len;
}

static void count_event(void *ctx, json_t *event)
{
    party *p = ctx;
    const char *name = json_string_value(json_object_get(event, "event"));
    assert_non_null(name);
    p->no_key += strcmp(name, "voice-no-key") == 0 ? 1u : 0u;
    p->proven += strcmp(name, "voice-proven") == 0 ? 1u : 0u;
    p->wrong += strcmp(name, "voice-wrong") == 0 ? 1u : 0u;
    p->ended += strcmp(name, "voice-ended") == 0 ? 1u : 0u;
    json_decref(event);
}

/* filler: of the key at SLN 1; 0: none. */
static party *new_party(uint32_t rsi, uint8_t filler)
{
    party *p = calloc(1, sizeof *p);
    uint8_t octets[32];
    assert_non_null(p);
    testing_rng_init(&p->rng, "speech");
    const otar_unit_config config = { .rsi = rsi, .kmf_rsi = 9999999 };
    const otar_store store = { forget, NULL };
    const otar_watch watch = { NULL, NULL };
    assert_ok(otar_unit_new(&config, &store, &watch, &p->rng.rng, (kf_slice){ NULL, 0 }, &p->unit));
    if (filler != 0) {
        const otar_key where = { .keyset = 1, .sln = 1, .algid = P25_ALGID_AES256, .kid = KID };
        memset(octets, filler, sizeof octets);
        kf_secret *key = testing_secret(KF_SLICE_OF(octets));
        assert_ok(otar_unit_load(p->unit, &where, &key));
    }
    const lab_speech_io io = { p->unit, &p->rng.rng, keep, count_event, p };
    assert_ok(lab_speech_new(&io, &p->speech));
    return p;
}

static void end_party(party *p)
{
    lab_speech_free(&p->speech);
    otar_unit_free(&p->unit);
    free(p);
}

static uint8_t said[FRAMES][VOICE_FULL_OCTETS];

static kf_secret *speech_file(void)
{
    testing_rng rng;
    testing_rng_init(&rng, "said");
    for (size_t i = 0; i < FRAMES; i++)
        do
            testing_rng_octets(&rng, said[i], VOICE_FULL_OCTETS);
        while (!voice_full_is_plausible(said[i]));
    return testing_secret((kf_slice){ said[0], sizeof said });
}

static const struct sockaddr_in target = { .sin_family = AF_INET, .sin_port = 1 };

static void speak(party *p, bool clear)
{
    lab_trouble t;
    kf_secret *frames = speech_file();
    assert_ok(lab_speech_speak(p->speech, 1, clear, &frames, &target, 1, &t));
    assert_null(frames);
    while (lab_speech_step(p->speech))
        assert_true(lab_speech_is_speaking(p->speech));
    assert_int_equal(lab_speech_sent(p->speech), FRAMES);
    assert_int_equal(p->count, 2 + FRAMES / 3 + 1);
}

/* All packets but one, from one on. */
static void play(party *from, party *to, size_t first, size_t missing)
{
    for (size_t i = first; i < from->count; i++)
        if (i != missing)
            lab_speech_hear(to->speech, 100, &target,
                            (kf_slice){ from->packets[i].octets, from->packets[i].len });
}

static size_t read_back(const char *path, uint8_t *out, size_t size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t len = fread(out, 1, size, f);
    (void)fclose(f);
    return len;
}

static void listen_into(party *p, char path[32])
{
    lab_trouble t;
    (void)snprintf(path, 32, "/tmp/kf-speech-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_ok(lab_speech_listen(p->speech, path, &t));
    assert_err(lab_speech_listen(p->speech, path, &t), KF_E_STATE);
}

/* filler of the listener's key; what must come out. */
static const struct {
    const char *name;
    bool clear;
    uint8_t filler;
    size_t first, missing;
    size_t speech, speech_clear, silence, lost, no_key, proven, wrong;
} cases[] = {
    { "clear", true, 0, 0, 999, 0, 162, 0, 0, 0, 0, 0 },
    { "the key, from the start", false, 7, 0, 999, 108, 0, 54, 0, 0, 1, 0 },
    { "no start", false, 7, 1, 999, 108, 0, 54, 0, 0, 1, 0 },
    { "late entry: 24 frames too late", false, 7, 10, 999, 72, 0, 66, 0, 0, 1, 0 },
    { "a packet lost", false, 7, 0, 40, 105, 0, 57, 3, 0, 1, 0 },
    { "no key", false, 0, 0, 999, 0, 0, 162, 0, 1, 0, 0 },
    { "another key", false, 8, 0, 999, 0, 0, 162, 0, 0, 0, 1 },
};

static void check_file(const char *path, size_t first, size_t frames)
{
    static uint8_t heard[FRAMES * VOICE_FULL_OCTETS];
    const kf_slice silence = voice_silence(VOICE_PHASE1);
    assert_int_equal(read_back(path, heard, sizeof heard), frames * VOICE_FULL_OCTETS);
    for (size_t i = 0; i < frames; i++) {
        const kf_slice got = { heard + i * VOICE_FULL_OCTETS, VOICE_FULL_OCTETS };
        if (!kf_slice_equal(got, silence))
            assert_slice_equal(got, KF_SLICE_OF(said[first + i]));
    }
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        party *from = new_party(1001, 7), *to = new_party(1002, cases[i].filler);
        char path[32];
        speak(from, cases[i].clear);
        listen_into(to, path);
        play(from, to, cases[i].first, cases[i].missing);
        const lab_speech_counts *n = lab_speech_heard(to->speech);
        if (n->speech != cases[i].speech || n->silence != cases[i].silence)
            print_message("%s: %zu %zu\n", cases[i].name, (size_t)n->speech, (size_t)n->silence);
        assert_int_equal(n->speech, cases[i].speech);
        assert_int_equal(n->speech_clear, cases[i].speech_clear);
        assert_int_equal(n->silence, cases[i].silence);
        assert_int_equal(n->lost, cases[i].lost);
        assert_int_equal(to->no_key, cases[i].no_key);
        assert_int_equal(to->proven, cases[i].proven);
        assert_int_equal(to->wrong, cases[i].wrong);
        assert_int_equal(lab_speech_spurts(to->speech), 1);
        assert_int_equal(to->ended, 1);
        lab_speech_stop(to->speech);
        check_file(path, cases[i].first < 2 ? 0 : (cases[i].first - 2) * 3,
                   cases[i].first < 2 ? FRAMES : FRAMES - (cases[i].first - 2) * 3);
        (void)unlink(path);
        end_party(from);
        end_party(to);
    }
}

static void test_refused(void **state)
{
    party *p = new_party(1001, 0), *q = new_party(1002, 7);
    const uint8_t odd[12] = { 0 };
    lab_trouble t;
    (void)state;
    kf_secret *frames = speech_file();
    assert_err(lab_speech_speak(p->speech, 1, false, &frames, &target, 1, &t), KF_E_STATE);
    assert_null(frames);
    assert_string_equal(t.field, "sln");
    frames = testing_secret(KF_SLICE_OF(odd));
    assert_err(lab_speech_speak(q->speech, 1, false, &frames, &target, 1, &t), KF_E_MALFORMED);
    frames = speech_file();
    assert_ok(lab_speech_speak(q->speech, 1, false, &frames, &target, 1, &t));
    frames = speech_file();
    assert_err(lab_speech_speak(q->speech, 1, false, &frames, &target, 1, &t), KF_E_STATE);
    assert_int_equal(p->count, 0);
    end_party(p);
    end_party(q);
}

/* Packets of another source, replayed ones and noise are not heard; silence ends a spurt. */
static void test_strangers(void **state)
{
    party *from = new_party(1001, 7), *to = new_party(1002, 7);
    struct sockaddr_in other = target;
    char path[32];
    (void)state;
    other.sin_port = 2;
    speak(from, false);
    listen_into(to, path);
    for (size_t i = 0; i < 10; i++) {
        const kf_slice packet = { from->packets[i].octets, from->packets[i].len };
        lab_speech_hear(to->speech, 100, &target, packet);
        lab_speech_hear(to->speech, 100, &target, packet);
        lab_speech_hear(to->speech, 100, &other, packet);
        lab_speech_hear(to->speech, 100, &target, kf_slice_part(packet, 0, packet.len - 1));
    }
    assert_int_equal(lab_speech_heard(to->speech)->ignored, 30);
    lab_speech_tick(to->speech, 102);
    assert_int_equal(lab_speech_spurts(to->speech), 0);
    lab_speech_tick(to->speech, 103);
    assert_int_equal(lab_speech_spurts(to->speech), 1);
    assert_int_equal(lab_speech_heard(to->speech)->silence, 24);
    (void)unlink(path);
    end_party(from);
    end_party(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whole talk spurts: from the sender to a receiver that joins late, loses packets and syncs, has no
 * key or a wrong one. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p25/mi.h"
#include "voice/issi.h"
#include "voice/pack.h"
#include "voice/receive.h"

#define SUPERFRAMES 6u
#define KID         0x1234u
#define OTHER_KID   0x4321u

/* A spurt as sent: blocks, what was said, and the first ES. */
typedef struct spurt {
    voice_es first;
    voice_block block[SUPERFRAMES][VOICE_FRAMES];
    uint8_t said[SUPERFRAMES][VOICE_FRAMES][VOICE_FULL_OCTETS];
} spurt;

typedef struct store {
    kf_secret *key; /* NULL: none */
    uint16_t kid;
    bool proven;
    kf_err refusal; /* KF_OK: none */
    size_t asked;
    unsigned events[VOICE_RX_DOUBT + 1];
} store;

static kf_err find(void *ctx, unsigned algid, uint16_t kid, voice_rx_key *out)
{
    store *s = ctx;
    s->asked++;
    if (s->refusal != KF_OK)
        return s->refusal;
    if (s->key == NULL || algid != P25_ALGID_AES256 || kid != s->kid)
        return KF_E_STATE;
    *out = (voice_rx_key){ s->key, s->proven };
    return KF_OK;
}

static void count_event(void *ctx, voice_rx_event event, uint64_t superframe, const voice_es *es,
                        kf_err why)
{
    store *s = ctx;
    (void)superframe;
    assert_non_null(es);
    assert_non_null(voice_rx_event_name(event));
    assert_int_equal(why != KF_OK, event == VOICE_RX_NO_KEY || event == VOICE_RX_ES_BAD);
    s->events[event]++;
}

static voice_rx *receiver(store *s, voice_phase phase)
{
    voice_rx_config config = { phase, find, count_event, s };
    voice_rx *rx = NULL;
    assert_ok(voice_rx_new(&config, &rx));
    return rx;
}

static kf_secret *key_of(uint8_t filler)
{
    uint8_t octets[32];
    memset(octets, filler, sizeof octets);
    return testing_secret(KF_SLICE_OF(octets));
}

/* Octets that a vocoder could have made: a pitch index below 208. */
static void speak(testing_rng *rng, uint8_t octets[VOICE_FULL_OCTETS])
{
    do
        testing_rng_octets(rng, octets, VOICE_FULL_OCTETS);
    while (!voice_full_is_plausible(octets));
}

static void record(voice_tx *tx, testing_rng *rng, spurt *out)
{
    voice_tx_place place;
    assert_ok(voice_tx_begin(tx, &rng->rng, &out->first));
    for (unsigned s = 0; s < SUPERFRAMES; s++)
        for (unsigned f = 0; f < VOICE_FRAMES; f++) {
            uint8_t octets[VOICE_FULL_OCTETS];
            speak(rng, octets);
            memcpy(out->said[s][f], octets, sizeof octets);
            assert_ok(voice_tx_frame(tx, octets, &place));
            assert_int_equal(place.superframe, s);
            assert_int_equal(place.frame, f);
            voice_tx_block(&place, voice_frame_type_issi(f), octets, &out->block[s][f]);
            assert_int_equal(out->block[s][f].sf, s % 4);
        }
    voice_tx_end(tx);
}

static void record_with(const kf_secret *key, uint16_t kid, const char *label, spurt *out)
{
    testing_rng rng;
    voice_tx *tx = NULL;
    testing_rng_init(&rng, label);
    assert_ok(voice_tx_new(VOICE_PHASE1, &tx));
    if (key == NULL)
        voice_tx_set_clear(tx);
    else
        assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, kid, key));
    record(tx, &rng, out);
    voice_tx_free(&tx);
    assert_null(tx);
}

/* Give one block to the receiver; true when what was said comes out, else it must be silence. */
static bool hear(voice_rx *rx, const spurt *sp, unsigned s, unsigned f)
{
    uint8_t octets[VOICE_FULL_OCTETS];
    voice_rx_sound sound;
    assert_ok(voice_rx_block(rx, s, &sp->block[s][f], octets, &sound));
    if (sound == VOICE_RX_SILENCE) {
        assert_slice_equal(KF_SLICE_OF(octets), voice_silence(VOICE_PHASE1));
        return false;
    }
    assert_slice_equal(KF_SLICE_OF(octets), KF_SLICE_OF(sp->said[s][f]));
    return true;
}

static size_t hear_all(voice_rx *rx, const spurt *sp, unsigned from)
{
    size_t heard = 0;
    for (unsigned n = from; n < SUPERFRAMES * VOICE_FRAMES; n++)
        heard += hear(rx, sp, n / VOICE_FRAMES, n % VOICE_FRAMES);
    return heard;
}

static const spurt *secure_spurt(void)
{
    static spurt sp;
    kf_secret *key = key_of(1);
    record_with(key, KID, "secure", &sp);
    kf_secret_free(&key);
    return &sp;
}

static void test_from_start(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        assert_ok(voice_rx_sync(rx, 0, &sp->first));
        assert_int_equal(hear_all(rx, sp, 0), SUPERFRAMES * VOICE_FRAMES);
        voice_rx_begin(rx);
    }
    assert_int_equal(s.events[VOICE_RX_SECURE], 2);
    assert_int_equal(s.events[VOICE_RX_ES_LOST] + s.events[VOICE_RX_MOVED], 0);
    for (unsigned f = 0; f < VOICE_FRAMES; f++) /* and it was encrypted on the way */
        assert_memory_not_equal(sp->block[0][f].imbe, sp->said[0][f], VOICE_FULL_OCTETS);
    voice_rx_free(&rx);
    assert_null(rx);
    kf_secret_free(&s.key);
}

/* Silence until a whole ES has come, everything from the next superframe on. */
static void test_late_entry(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    (void)state;
    for (unsigned from = 0; from < SUPERFRAMES * VOICE_FRAMES; from++) {
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        bool whole = from % VOICE_FRAMES <= VOICE_ES_FIRST_FRAME;
        unsigned first = (from / VOICE_FRAMES + (whole ? 1 : 2)) * VOICE_FRAMES;
        unsigned all = SUPERFRAMES * VOICE_FRAMES;
        assert_int_equal(hear_all(rx, sp, from), first < all ? all - first : 0);
        voice_rx_free(&rx);
    }
    kf_secret_free(&s.key);
}

/* The header word comes after the first frames it is for. */
static void test_late_header(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    assert_false(hear(rx, sp, 0, 0));
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_true(hear(rx, sp, 0, 1));
    assert_err(voice_rx_sync(rx, 0, &sp->first), KF_E_STATE);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* Any block may be lost: what arrives is heard in its place. */
static void test_lost_blocks(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "loss");
    size_t rounds = testing_count(50, 5000);
    for (size_t n = 0; n < rounds; n++) {
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &sp->first));
        for (unsigned i = 0; i < SUPERFRAMES * VOICE_FRAMES; i++)
            if (testing_rng_below(&rng, 10) >= n % 10)
                assert_true(hear(rx, sp, i / VOICE_FRAMES, i % VOICE_FRAMES));
        voice_rx_free(&rx);
    }
    assert_true(s.events[VOICE_RX_ES_LOST] > 0);
    assert_int_equal(s.events[VOICE_RX_MOVED] + s.events[VOICE_RX_DOUBT], 0);
    kf_secret_free(&s.key);
}

/* Bits of an ES are damaged: up to four words are mended, more is a lost ES; nothing is misheard.
 */
static void test_corrupt_es(void **state)
{
    static spurt clear;
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    testing_rng rng;
    (void)state;
    testing_rng_init(&rng, "corrupt");
    record_with(NULL, 0, "clear", &clear);
    size_t rounds = testing_count(200, 20000);
    for (size_t n = 0; n < rounds; n++) {
        spurt bad = n % 2 == 0 ? *secure_spurt() : clear;
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &bad.first));
        for (size_t flips = n % 40; flips > 0; flips--) {
            size_t part = testing_rng_below(&rng, VOICE_ES_PARTS);
            bad.block[1][VOICE_ES_FIRST_FRAME + part].data[testing_rng_below(&rng, 3)] ^=
                (uint8_t)(1u << testing_rng_below(&rng, 8));
        }
        assert_int_equal(hear_all(rx, &bad, 0), SUPERFRAMES * VOICE_FRAMES);
        voice_rx_free(&rx);
    }
    assert_true(s.events[VOICE_RX_ES_BAD] > 0);
    kf_secret_free(&s.key);
}

/* Write a whole, valid ES into superframe n of a spurt. */
static void plant(spurt *sp, unsigned n, const voice_es *es)
{
    uint8_t octets[VOICE_ES_PROTECTED];
    voice_es_encode(es, octets);
    for (unsigned i = 0; i < VOICE_ES_PARTS; i++)
        memcpy(sp->block[n][VOICE_ES_FIRST_FRAME + i].data, octets + i * VOICE_ES_PART_OCTETS,
               VOICE_ES_PART_OCTETS);
}

/* One ES that says otherwise is doubted, whatever it says; the spurt goes on. */
static void test_one_es_never_flips(void **state)
{
    static spurt clear;
    voice_es lies[] = { voice_es_clear(),
                        { { 1 }, P25_ALGID_AES256, OTHER_KID },
                        { { 1 }, P25_ALGID_AES256, KID },
                        { { 1 }, 0x04, 1 } };
    (void)state;
    record_with(NULL, 0, "clear", &clear);
    for (size_t i = 0; i < KF_COUNT(lies) * 2; i++) {
        store s = { .key = key_of(1), .kid = KID, .proven = true };
        spurt sp = i % 2 == 0 ? *secure_spurt() : clear;
        if (lies[i / 2].algid == sp.first.algid && lies[i / 2].kid == sp.first.kid) {
            kf_secret_free(&s.key);
            continue;
        }
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &sp.first));
        plant(&sp, 2, &lies[i / 2]);
        assert_int_equal(hear_all(rx, &sp, 0), SUPERFRAMES * VOICE_FRAMES);
        assert_int_equal(s.events[VOICE_RX_DOUBT], 1);
        assert_int_equal(s.events[VOICE_RX_SECURE] + s.events[VOICE_RX_CLEAR], 1);
        voice_rx_free(&rx);
        kf_secret_free(&s.key);
    }
}

/* Two that agree do: from the superframe of the second on. */
static void test_two_es_do(void **state)
{
    static spurt clear;
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    spurt sp = *secure_spurt();
    (void)state;
    record_with(NULL, 0, "clear", &clear);
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    assert_ok(voice_rx_sync(rx, 0, &clear.first));
    for (unsigned n = 0; n < SUPERFRAMES; n++)
        for (unsigned f = 0; f < VOICE_FRAMES; f++) {
            const spurt *from = n < 2 ? &clear : &sp;
            if (n >= 2 && n < 4) { /* clear is assumed: cipher text would be played as speech */
                uint8_t octets[VOICE_FULL_OCTETS];
                voice_rx_sound sound;
                assert_ok(voice_rx_block(rx, n, &from->block[n][f], octets, &sound));
                assert_int_equal(sound, VOICE_RX_SPEECH_CLEAR);
            } else {
                assert_true(hear(rx, from, n, f));
            }
        }
    assert_int_equal(s.events[VOICE_RX_DOUBT], 1);
    assert_int_equal(s.events[VOICE_RX_SECURE], 1);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* The MI jumps (another talker under the same key): the received one is taken. */
static void test_mi_moves(void **state)
{
    static spurt second;
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    spurt sp = *secure_spurt();
    (void)state;
    record_with(s.key, KID, "second", &second);
    plant(&sp, 2, &second.first);
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    assert_ok(voice_rx_sync(rx, 0, &sp.first));
    for (unsigned i = 0; i < 3 * VOICE_FRAMES; i++)
        assert_true(hear(rx, &sp, i / VOICE_FRAMES, i % VOICE_FRAMES));
    for (unsigned i = 0; i < 2 * VOICE_FRAMES; i++) {
        uint8_t octets[VOICE_FULL_OCTETS];
        voice_rx_sound sound;
        unsigned n = i / VOICE_FRAMES, f = i % VOICE_FRAMES;
        assert_ok(voice_rx_block(rx, 3 + n, &second.block[n][f], octets, &sound));
        assert_slice_equal(KF_SLICE_OF(octets), KF_SLICE_OF(second.said[n][f]));
    }
    assert_int_equal(s.events[VOICE_RX_MOVED], 1);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* An ES of another MI that needed three corrections does not overrule the one that we expect. */
static void test_weak_es(void **state)
{
    (void)state;
    for (unsigned errors = 0; errors <= VOICE_ES_CORRECTED + 1; errors++) {
        store s = { .key = key_of(1), .kid = KID, .proven = true };
        spurt sp = *secure_spurt();
        voice_es other = { { 7 }, P25_ALGID_AES256, KID };
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &sp.first));
        plant(&sp, 0, &other);
        for (unsigned i = 0; i < errors; i++) /* one word in each part */
            sp.block[0][VOICE_ES_FIRST_FRAME + i].data[0] ^= 0x80u;
        for (unsigned f = 0; f < VOICE_FRAMES; f++)
            assert_true(hear(rx, &sp, 0, f));
        if (errors > 2)
            assert_true(hear(rx, &sp, 1, 0));
        else
            assert_ok(voice_rx_frame(rx, 1, 0, (uint8_t[VOICE_FULL_OCTETS]){ 0 },
                                     &(voice_rx_sound){ VOICE_RX_SILENCE }));
        assert_int_equal(s.events[VOICE_RX_MOVED], errors <= 2);
        assert_int_equal(s.events[VOICE_RX_ES_BAD], errors > VOICE_ES_CORRECTED);
        voice_rx_free(&rx);
        kf_secret_free(&s.key);
    }
}

static void test_no_key(void **state)
{
    static const kf_err refusals[] = { KF_OK, KF_E_DENIED };
    const spurt *sp = secure_spurt();
    (void)state;
    for (size_t i = 0; i < KF_COUNT(refusals); i++) {
        store s = { .refusal = refusals[i] };
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &sp->first));
        assert_int_equal(hear_all(rx, sp, 0), 0);
        assert_int_equal(s.events[VOICE_RX_NO_KEY], 1);
        assert_int_equal(s.events[VOICE_RX_SECURE], 0);
        voice_rx_free(&rx);
    }
}

/* A store that gives a key of another length: no engine for it, silence. */
static void test_key_of_wrong_length(void **state)
{
    uint8_t octets[8] = { 1 };
    store s = { .key = testing_secret(KF_SLICE_OF(octets)), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_int_equal(hear_all(rx, sp, 0), 0);
    assert_int_equal(s.events[VOICE_RX_NO_KEY], 1);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* The key comes during the spurt: heard from the next superframe on. */
static void test_key_arrives(void **state)
{
    store s = { .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    for (unsigned i = 0; i < SUPERFRAMES * VOICE_FRAMES; i++) {
        if (i == 2 * VOICE_FRAMES + 5)
            s.key = key_of(1);
        assert_int_equal(hear(rx, sp, i / VOICE_FRAMES, i % VOICE_FRAMES), i >= 3 * VOICE_FRAMES);
    }
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* Another key under the same identifier: not one frame is played. */
static void test_wrong_key(void **state)
{
    const spurt *sp = secure_spurt();
    (void)state;
    for (uint8_t filler = 2; filler < 22; filler++) {
        store s = { .key = key_of(filler), .kid = KID };
        voice_rx *rx = receiver(&s, VOICE_PHASE1);
        assert_ok(voice_rx_sync(rx, 0, &sp->first));
        assert_int_equal(hear_all(rx, sp, 0), 0);
        assert_int_equal(s.events[VOICE_RX_WRONG], 1);
        assert_int_equal(s.events[VOICE_RX_PROVEN], 0);
        voice_rx_free(&rx);
        kf_secret_free(&s.key);
    }
}

/* The right key on trial: silence for three superframes, then speech, in the next spurt at once. */
static void test_trial(void **state)
{
    store s = { .key = key_of(1), .kid = KID };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_int_equal(hear_all(rx, sp, 0), SUPERFRAMES * VOICE_FRAMES - VOICE_TRIAL_FRAMES);
    assert_int_equal(s.events[VOICE_RX_PROVEN], 1);
    assert_int_equal(s.events[VOICE_RX_WRONG], 0);
    voice_rx_begin(rx);
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_int_equal(hear_all(rx, sp, 0), SUPERFRAMES * VOICE_FRAMES);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* Spurts of one superframe: the trial goes on from one to the next, not to another key. */
static void test_trial_of_short_spurts(void **state)
{
    static spurt other;
    store s = { .key = key_of(1), .kid = KID };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    record_with(s.key, OTHER_KID, "other", &other);
    for (unsigned n = 0; n < 5; n++) {
        voice_rx_begin(rx);
        assert_ok(voice_rx_sync(rx, 0, &sp->first));
        for (unsigned f = 0; f < VOICE_FRAMES; f++)
            assert_int_equal(hear(rx, sp, 0, f), n >= VOICE_TRIAL_FRAMES / VOICE_FRAMES);
    }
    s.kid = OTHER_KID;
    voice_rx_begin(rx);
    assert_ok(voice_rx_sync(rx, 0, &other.first));
    assert_false(hear(rx, &other, 0, 0));
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* The store had a wrong key and now has the right one: it gets a trial of its own. */
static void test_trial_again(void **state)
{
    store s = { .key = key_of(2), .kid = KID };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    (void)state;
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_int_equal(hear_all(rx, sp, 0), 0);
    assert_int_equal(s.events[VOICE_RX_WRONG], 1);
    kf_secret_free(&s.key);
    s.key = key_of(1);
    voice_rx_begin(rx);
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_int_equal(hear_all(rx, sp, 0), SUPERFRAMES * VOICE_FRAMES - VOICE_TRIAL_FRAMES);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* A hole: a small one is stepped over, a large one is a new beginning. */
static void test_gap(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    const spurt *sp = secure_spurt();
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    uint8_t octets[VOICE_FULL_OCTETS];
    voice_rx_sound sound;
    (void)state;
    assert_ok(voice_rx_sync(rx, 0, &sp->first));
    assert_true(hear(rx, sp, 0, 3));
    assert_true(hear(rx, sp, 5, 4));
    assert_err(voice_rx_block(rx, 4, &sp->block[4][0], octets, &sound), KF_E_STATE);
    assert_slice_equal(KF_SLICE_OF(octets), voice_silence(VOICE_PHASE1));
    assert_ok(voice_rx_frame(rx, UINT64_MAX, 0, octets, &sound));
    assert_int_equal(sound, VOICE_RX_SILENCE);
    voice_rx_begin(rx);
    assert_err(voice_rx_frame(rx, 0, VOICE_FRAMES, octets, &sound), KF_E_MALFORMED);
    assert_err(voice_rx_es_part(rx, 0, VOICE_ES_FIRST_FRAME - 1, octets), KF_E_MALFORMED);
    assert_err(voice_rx_es_part(rx, 0, VOICE_ES_FIRST_FRAME + 6, octets), KF_E_MALFORMED);
    voice_rx_free(&rx);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

/* A changeover during a spurt: KID and key stay to its end, the next spurt has the new ones. */
static void test_changeover(void **state)
{
    testing_rng rng;
    voice_tx *tx = NULL;
    voice_es first, second;
    voice_tx_place place;
    uint8_t octets[VOICE_FULL_OCTETS] = { 0 };
    kf_secret *a = key_of(1), *b = key_of(2);
    (void)state;
    testing_rng_init(&rng, "changeover");
    assert_ok(voice_tx_new(VOICE_PHASE1, &tx));
    assert_err(voice_tx_begin(tx, &rng.rng, &first), KF_E_STATE);
    assert_err(voice_tx_frame(tx, octets, &place), KF_E_STATE);
    assert_slice_equal(KF_SLICE_OF(octets), voice_silence(VOICE_PHASE1));
    assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, KID, a));
    assert_ok(voice_tx_begin(tx, &rng.rng, &first));
    assert_int_equal(first.kid, KID);
    assert_false(p25_mi_is_zero(first.mi));
    for (unsigned n = 0; n < 3 * VOICE_FRAMES; n++) {
        if (n == 20)
            assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, OTHER_KID, b));
        if (n == 30)
            assert_err(voice_tx_set_key(tx, P25_ALGID_DES, 1, b), KF_E_MALFORMED);
        assert_ok(voice_tx_frame(tx, octets, &place));
        assert_int_equal(place.next.kid, KID);
    }
    voice_tx_end(tx);
    assert_err(voice_tx_frame(tx, octets, &place), KF_E_STATE);
    assert_ok(voice_tx_begin(tx, &rng.rng, &second));
    assert_int_equal(second.kid, OTHER_KID);
    assert_memory_not_equal(first.mi, second.mi, P25_MI_OCTETS);
    voice_tx_set_clear(tx);
    assert_ok(voice_tx_frame(tx, octets, &place));
    assert_int_equal(place.next.kid, OTHER_KID);
    assert_ok(voice_tx_begin(tx, &rng.rng, &first));
    assert_true(voice_es_is_clear(&first));
    voice_tx_free(&tx);
    kf_secret_free(&a);
    kf_secret_free(&b);
}

/* Without randomness there is no spurt. */
static void test_no_random(void **state)
{
    testing_rng rng;
    voice_tx *tx = NULL;
    voice_es first;
    voice_tx_place place;
    uint8_t octets[VOICE_FULL_OCTETS] = { 1 };
    kf_secret *key = key_of(1);
    (void)state;
    testing_rng_init(&rng, "none");
    rng.budget = 0;
    assert_ok(voice_tx_new(VOICE_PHASE1, &tx));
    assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, KID, key));
    assert_err(voice_tx_begin(tx, &rng.rng, &first), KF_E_BACKEND);
    assert_err(voice_tx_frame(tx, octets, &place), KF_E_STATE);
    assert_slice_equal(KF_SLICE_OF(octets), voice_silence(VOICE_PHASE1));
    voice_tx_free(&tx);
    kf_secret_free(&key);
}

/* Half rate, the ES from the lower layer. */
static void test_phase2(void **state)
{
    store s = { .key = key_of(1), .kid = KID };
    testing_rng rng;
    voice_tx *tx = NULL;
    voice_rx *rx = receiver(&s, VOICE_PHASE2);
    voice_es first;
    (void)state;
    testing_rng_init(&rng, "half");
    assert_ok(voice_tx_new(VOICE_PHASE2, &tx));
    assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, KID, s.key));
    assert_ok(voice_tx_begin(tx, &rng.rng, &first));
    assert_ok(voice_rx_sync(rx, 0, &first));
    for (unsigned n = 0; n < 4 * VOICE_FRAMES; n++) {
        uint8_t said[VOICE_HALF_OCTETS], octets[VOICE_HALF_OCTETS];
        voice_tx_place place;
        voice_rx_sound sound;
        testing_rng_octets(&rng, said, sizeof said);
        said[6] &= 0x80u;
        memcpy(octets, said, sizeof said);
        assert_ok(voice_tx_frame(tx, octets, &place));
        if (n % 5 == 1) /* bursts get lost; the rest stays in its place */
            continue;
        if (place.frame == VOICE_FRAMES - 1)
            assert_ok(voice_rx_sync(rx, place.superframe + 1, &place.next));
        assert_ok(voice_rx_frame(rx, place.superframe, place.frame, octets, &sound));
        assert_int_equal(sound, VOICE_RX_SPEECH);
        assert_slice_equal(KF_SLICE_OF(octets), KF_SLICE_OF(said));
    }
    voice_tx_free(&tx);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

static void test_clock(void **state)
{
    static const struct {
        unsigned sf, frame;
        uint64_t want;
    } cases[] = {
        { 2, 0, 0 }, { 2, 5, 0 }, { 3, 0, 1 },  { 3, 17, 1 },  { 0, 2, 2 },   { 3, 2, 5 },
        { 3, 1, 9 }, { 3, 1, 9 }, { 0, 0, 10 }, { 0, 17, 10 }, { 1, 17, 11 },
    };
    voice_clock counting = { .started = false }, still = { .started = false };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++)
        assert_int_equal(voice_clock_at(&counting, cases[i].sf, cases[i].frame), cases[i].want);
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(voice_clock_at(&still, 0, n % VOICE_FRAMES), n / VOICE_FRAMES);
}

/* --- the constructed spurt of the vectors ----------------------------------------------------- */

static void check_packet(vectors_case *c, const voice_issi *p, voice_rx *rx, voice_clock *clock)
{
    for (size_t i = 0; i < p->imbe_count; i++) {
        const voice_frame_type *t = voice_frame_type_find(p->imbe[i].type);
        uint64_t at = voice_clock_at(clock, p->imbe[i].sf, t->frame);
        uint8_t octets[VOICE_FULL_OCTETS], want[VOICE_FULL_OCTETS], lsd[2];
        char name[16];
        voice_rx_sound sound;
        assert_ok(voice_rx_block(rx, at, &p->imbe[i], octets, &sound));
        assert_int_equal(sound, VOICE_RX_SPEECH);
        snprintf(name, sizeof name, "clear%u", t->frame + 1);
        assert_slice_equal(KF_SLICE_OF(octets), testing_field(c, name, want, sizeof want));
        if (t->kind != VOICE_BLOCK_LSD)
            continue;
        unsigned half = t->frame / 9;
        memcpy(lsd, p->imbe[i].data, sizeof lsd);
        assert_ok(voice_rx_lsd(rx, at, half, lsd));
        assert_slice_equal(KF_SLICE_OF(lsd),
                           testing_field(c, half == 0 ? "lsd12" : "lsd34", want, sizeof want));
    }
}

static void test_vector_spurt(void **state)
{
    vectors_file file;
    uint8_t octets[256];
    voice_clock clock = { .started = false };
    size_t voice = 0;
    (void)state;
    testing_vectors_load("p25-rtp-issi.txt", &file);
    vectors_case *setup = testing_case(&file, "enc-setup");
    store s = { .key = testing_secret(testing_field(setup, "key", octets, 32)),
                .kid = KID,
                .proven = true };
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        voice_issi p;
        kf_fault fault;
        if (c->name.len < 4 || memcmp(c->name.ptr, "enc-", 4) != 0 || !vectors_has(c, "rtp"))
            continue;
        assert_ok(
            voice_issi_parse(testing_field(c, "rtp", octets, sizeof octets), NULL, &p, &fault));
        if (p.has_header)
            assert_ok(voice_rx_sync(rx, 0, &p.header.es));
        check_packet(c, &p, rx, &clock);
        voice += p.imbe_count;
    }
    assert_int_equal(voice, 2 * VOICE_FRAMES);
    assert_int_equal(s.events[VOICE_RX_SECURE], 1);
    assert_int_equal(s.events[VOICE_RX_MOVED] + s.events[VOICE_RX_ES_LOST], 0);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
    vectors_clear(&file);
}

/* Low-speed data there and back. */
static void test_lsd(void **state)
{
    store s = { .key = key_of(1), .kid = KID, .proven = true };
    testing_rng rng;
    voice_tx *tx = NULL;
    voice_rx *rx = receiver(&s, VOICE_PHASE1);
    voice_es first;
    (void)state;
    testing_rng_init(&rng, "lsd");
    assert_ok(voice_tx_new(VOICE_PHASE1, &tx));
    assert_ok(voice_tx_set_key(tx, P25_ALGID_AES256, KID, s.key));
    assert_ok(voice_tx_begin(tx, &rng.rng, &first));
    assert_ok(voice_rx_sync(rx, 0, &first));
    for (unsigned n = 0; n < 2 * VOICE_FRAMES; n++) {
        uint8_t octets[VOICE_FULL_OCTETS] = { 0 }, lsd[2] = { 0xab, 0xcd };
        voice_tx_place place;
        voice_rx_sound sound;
        assert_ok(voice_tx_frame(tx, octets, &place));
        bool has_lsd = n % 9 == 8;
        assert_err(voice_tx_lsd(tx, lsd), has_lsd ? KF_OK : KF_E_STATE);
        assert_memory_not_equal(lsd, "\xab\xcd", 2);
        assert_ok(voice_rx_frame(rx, place.superframe, place.frame, octets, &sound));
        if (has_lsd) {
            assert_ok(voice_rx_lsd(rx, place.superframe, n % 18 / 9, lsd));
            assert_memory_equal(lsd, "\xab\xcd", 2);
            assert_err(voice_rx_lsd(rx, place.superframe + 1, 0, lsd), KF_E_STATE);
        }
    }
    voice_tx_free(&tx);
    voice_rx_free(&rx);
    kf_secret_free(&s.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_start),
        cmocka_unit_test(test_late_entry),
        cmocka_unit_test(test_late_header),
        cmocka_unit_test(test_lost_blocks),
        cmocka_unit_test(test_corrupt_es),
        cmocka_unit_test(test_one_es_never_flips),
        cmocka_unit_test(test_two_es_do),
        cmocka_unit_test(test_mi_moves),
        cmocka_unit_test(test_weak_es),
        cmocka_unit_test(test_no_key),
        cmocka_unit_test(test_key_of_wrong_length),
        cmocka_unit_test(test_key_arrives),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_trial),
        cmocka_unit_test(test_trial_of_short_spurts),
        cmocka_unit_test(test_trial_again),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_changeover),
        cmocka_unit_test(test_no_random),
        cmocka_unit_test(test_phase2),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_vector_spurt),
        cmocka_unit_test(test_lsd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

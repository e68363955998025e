#include "voice/stream.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "p25/mi.h"
#include "voice/rc4.h"

#define MI_USED         8u /* the ninth octet is 00 on the air */
#define BLOCK_MAX       P25_IV_OCTETS
#define RC4_KEY_OCTETS  (5u + MI_USED)
#define RC4_SKIP        256u
#define TDEA_KEY_OCTETS 24u

/* Working space, all of it secret and small enough for the pool: the output (keystream and what is
 * thrown away before it); behind it what goes into a block cipher, or for RC4 the key with room for
 * the MI, and the table. */
#define OUT_MAX ((BLOCK_MAX + VOICE_PHASE1_KEYSTREAM + BLOCK_MAX - 1) / BLOCK_MAX * BLOCK_MAX)
enum { AT_OUT = 0, AT_RC4_KEY = 240, AT_IN = 256, AT_RC4_TABLE = 256, WORK_OCTETS = 512 };
_Static_assert(OUT_MAX <= AT_IN && AT_IN + OUT_MAX <= WORK_OCTETS, "a chain has room");
_Static_assert(VOICE_PHASE1_KEYSTREAM <= AT_RC4_KEY, "RC4 has room");
_Static_assert(RC4_KEY_OCTETS <= AT_RC4_TABLE - AT_RC4_KEY, "the RC4 key has room");
_Static_assert(WORK_OCTETS <= KF_SECRET_POOL_MAX, "no pages of its own");

/*
 * AES: the MI of later superframes is known, so the keystreams of four are made side by side, which
 * the processor does in the time of one.
 */
#define AHEAD_LANES 4u
#define AHEAD_PARTS 2u
#define AHEAD_SLOT  (AHEAD_LANES * BLOCK_MAX)
#define AHEAD_SLOTS (KF_SECRET_POOL_MAX / AHEAD_SLOT) /* in one part */
_Static_assert(OUT_MAX / BLOCK_MAX <= AHEAD_PARTS * AHEAD_SLOTS, "the slots are enough");

typedef struct engine engine;
struct engine {
    voice_alg alg;
    kf_err (*open)(voice_stream *s, kf_slice key);
    kf_err (*run)(voice_stream *s, const uint8_t mi[P25_MI_OCTETS]);
    const EVP_CIPHER *(*cipher)(void);
};

struct voice_stream {
    const engine *engine;
    EVP_CIPHER_CTX *ctx; /* NULL for RC4 */
    kf_secret *work;
    kf_secret *ahead[AHEAD_PARTS];                /* AES: outputs, a slot a step, a block a lane */
    uint8_t ahead_mi[AHEAD_LANES][P25_MI_OCTETS]; /* public */
    bool ahead_made;
    voice_phase phase;
    size_t octets; /* of keystream in a superframe */
    bool ready;
    bool broken; /* the chain was lost: no keystream any more */
};

/* --- block ciphers ---------------------------------------------------------------------------- */

/*
 * TDEA and DES. Output feedback is cipher block chaining of zeros: each output is the encryption of
 * the one before. So a superframe is one call of CBC, and the chain left by the last superframe is
 * turned into the new IV, the MI, by the first block of input (last output XOR IV), without setting
 * up the context again. The first output block is the one that the standard throws away.
 */
static kf_err chain_run(voice_stream *s, const uint8_t mi[P25_MI_OCTETS])
{
    uint8_t *work = kf_secret_edit(s->work);
    size_t block = s->engine->alg.block_octets;
    size_t len = (s->octets + block + block - 1) / block * block;
    int n = 0;

    const uint8_t *last = work + AT_OUT + len - block; /* zero before the first superframe */
    for (size_t i = 0; i < block; i++)
        work[AT_IN + i] = (uint8_t)(last[i] ^ mi[i]);
    if (EVP_EncryptUpdate(s->ctx, work + AT_OUT, &n, work + AT_IN, (int)len) == 1 &&
        (size_t)n == len)
        return KF_OK;
    return KF_E_BACKEND;
}

static kf_err chain_open(voice_stream *s, kf_slice key)
{
    static const uint8_t zero[BLOCK_MAX];
    s->ctx = EVP_CIPHER_CTX_new();
    if (s->ctx == NULL)
        return KF_E_NO_MEMORY;
    if (EVP_EncryptInit_ex(s->ctx, s->engine->cipher(), NULL, key.ptr, zero) != 1 ||
        EVP_CIPHER_CTX_set_padding(s->ctx, 0) != 1)
        return KF_E_BACKEND;
    return KF_OK;
}

/* Single DES is three-key TDEA with one key thrice: encrypt, decrypt, encrypt. */
static kf_err des_open(voice_stream *s, kf_slice key)
{
    uint8_t thrice[TDEA_KEY_OCTETS];
    for (size_t i = 0; i < sizeof thrice; i += key.len)
        memcpy(thrice + i, key.ptr, key.len);
    kf_err err = chain_open(s, KF_SLICE_OF(thrice));
    kf_wipe(thrice, sizeof thrice);
    return err;
}

/* --- AES -------------------------------------------------------------------------------------- */

static kf_err aes_open(voice_stream *s, kf_slice key)
{
    kf_err err = chain_open(s, key);
    for (size_t i = 0; err == KF_OK && i < AHEAD_PARTS; i++)
        err = kf_secret_new(AHEAD_SLOTS * AHEAD_SLOT, &s->ahead[i]);
    return err;
}

static uint8_t *slot_of(voice_stream *s, size_t step)
{
    return kf_secret_edit(s->ahead[step / AHEAD_SLOTS]) + step % AHEAD_SLOTS * AHEAD_SLOT;
}

/* Output feedback of four superframes from this MI on: each slot is the encryption of the last. */
static kf_err aes_make(voice_stream *s, const uint8_t mi[P25_MI_OCTETS], size_t steps)
{
    uint8_t ivs[AHEAD_SLOT];
    const uint8_t *in = ivs;
    int n = 0;

    memcpy(s->ahead_mi[0], mi, P25_MI_OCTETS);
    for (size_t lane = 0; lane < AHEAD_LANES; lane++) {
        if (lane > 0)
            p25_mi_next(s->ahead_mi[lane - 1], s->ahead_mi[lane]);
        p25_mi_iv(s->ahead_mi[lane], ivs + lane * BLOCK_MAX);
    }
    s->ahead_made = false;
    for (size_t step = 0; step < steps; step++) {
        uint8_t *out = slot_of(s, step);
        if (EVP_EncryptUpdate(s->ctx, out, &n, in, AHEAD_SLOT) != 1 || n != (int)AHEAD_SLOT)
            return KF_E_BACKEND;
        in = out;
    }
    s->ahead_made = true;
    return KF_OK;
}

static kf_err aes_run(voice_stream *s, const uint8_t mi[P25_MI_OCTETS])
{
    size_t steps = (s->octets + BLOCK_MAX + BLOCK_MAX - 1) / BLOCK_MAX, lane = 0;
    uint8_t *out = kf_secret_edit(s->work) + AT_OUT;
    while (lane < AHEAD_LANES && memcmp(s->ahead_mi[lane], mi, MI_USED) != 0)
        lane++;
    if (!s->ahead_made || lane == AHEAD_LANES) {
        kf_err err = aes_make(s, mi, steps);
        if (err != KF_OK)
            return err;
        lane = 0;
    }
    for (size_t part = 0; part < AHEAD_PARTS; part++) {
        const uint8_t *from = kf_secret_edit(s->ahead[part]) + lane * BLOCK_MAX;
        for (size_t i = 0; i < AHEAD_SLOTS && part * AHEAD_SLOTS + i < steps; i++, out += BLOCK_MAX)
            memcpy(out, from + i * AHEAD_SLOT, BLOCK_MAX);
    }
    return KF_OK;
}

/* --- ADP -------------------------------------------------------------------------------------- */

static kf_err adp_open(voice_stream *s, kf_slice key)
{
    memcpy(kf_secret_edit(s->work) + AT_RC4_KEY, key.ptr, key.len);
    return KF_OK;
}

/* spec: 3.2 - the RC4 key is the 5 key octets and the 8 of the MI */
static kf_err adp_run(voice_stream *s, const uint8_t mi[P25_MI_OCTETS])
{
    uint8_t *work = kf_secret_edit(s->work);
    size_t key_octets = s->engine->alg.key_octets;
    memcpy(work + AT_RC4_KEY + key_octets, mi, MI_USED);
    voice_rc4((kf_slice){ work + AT_RC4_KEY, key_octets + MI_USED }, RC4_SKIP, work + AT_RC4_TABLE,
              work + AT_OUT, s->octets);
    return KF_OK;
}

/* --- the table -------------------------------------------------------------------------------- */

static const engine engines[] = {
    { { P25_ALGID_AES256, 32, 16, 16 }, aes_open, aes_run, EVP_aes_256_ecb },
    { { P25_ALGID_TDEA, 24, 8, 8 }, chain_open, chain_run, EVP_des_ede3_cbc },
    { { P25_ALGID_DES, 8, 8, 8 }, des_open, chain_run, EVP_des_ede3_cbc },
    { { P25_ALGID_ADP, 5, 0, RC4_SKIP }, adp_open, adp_run, NULL },
};

static const engine *engine_find(unsigned algid)
{
    for (size_t i = 0; i < KF_COUNT(engines); i++)
        if (engines[i].alg.algid == algid)
            return &engines[i];
    return NULL;
}

const voice_alg *voice_alg_find(unsigned algid)
{
    const engine *e = engine_find(algid);
    return e == NULL ? NULL : &e->alg;
}

kf_err voice_stream_new(voice_phase phase, unsigned algid, const kf_secret *key, voice_stream **out)
{
    const engine *e = engine_find(algid);
    *out = NULL;
    if (e == NULL)
        return KF_E_UNSUPPORTED;
    if (kf_secret_len(key) != e->alg.key_octets)
        return KF_E_MALFORMED;
    voice_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    s->engine = e;
    s->phase = phase;
    s->octets = phase == VOICE_PHASE1 ? VOICE_PHASE1_KEYSTREAM : VOICE_PHASE2_KEYSTREAM;
    kf_err err = kf_secret_new(WORK_OCTETS, &s->work);
    if (err == KF_OK)
        err = e->open(s, kf_secret_view(key));
    if (err != KF_OK)
        voice_stream_free(&s);
    *out = s;
    return err;
}

void voice_stream_free(voice_stream **s)
{
    if (s == NULL || *s == NULL)
        return;
    EVP_CIPHER_CTX_free((*s)->ctx);
    kf_secret_free(&(*s)->work);
    for (size_t i = 0; i < AHEAD_PARTS; i++)
        kf_secret_free(&(*s)->ahead[i]);
    free(*s);
    *s = NULL;
}

kf_err voice_stream_start(voice_stream *s, const uint8_t mi[P25_MI_OCTETS])
{
    s->ready = false;
    if (p25_mi_is_zero(mi))
        return KF_E_MALFORMED;
    if (s->broken)
        return KF_E_BACKEND;
    kf_err err = s->engine->run(s, mi);
    s->ready = err == KF_OK;
    s->broken = err != KF_OK;
    return err;
}

kf_slice voice_stream_keystream(const voice_stream *s)
{
    if (!s->ready)
        return (kf_slice){ NULL, 0 };
    return kf_slice_part(kf_secret_view(s->work), AT_OUT + s->engine->alg.block_octets, s->octets);
}

/* XOR of 8 octets or more by whole words: the last word overlaps the one before it. */
static void xor_words(uint8_t *octets, const uint8_t *key, size_t len)
{
    uint64_t a, b, tail, key_tail;
    memcpy(&tail, octets + len - sizeof tail, sizeof tail); /* before the overlap is written */
    memcpy(&key_tail, key + len - sizeof tail, sizeof tail);
    for (size_t i = 0; i + sizeof a <= len; i += sizeof a) {
        memcpy(&a, octets + i, sizeof a);
        memcpy(&b, key + i, sizeof b);
        a ^= b;
        memcpy(octets + i, &a, sizeof a);
    }
    tail ^= key_tail;
    memcpy(octets + len - sizeof tail, &tail, sizeof tail);
}

/* at + len is inside the keystream of the phase: the callers' formulas see to it. */
static kf_err mask(const voice_stream *s, size_t at, uint8_t *octets, size_t len)
{
    if (!s->ready)
        return KF_E_STATE;
    const uint8_t *key = kf_secret_view(s->work).ptr + AT_OUT + s->engine->alg.block_octets + at;
    if (len >= sizeof(uint64_t)) {
        xor_words(octets, key, len);
        return KF_OK;
    }
    for (size_t i = 0; i < len; i++)
        octets[i] ^= key[i];
    return KF_OK;
}

/* spec: 3.3 - Phase 1: each LDU has 101 octets, the ninth voice frame comes after low-speed data */
#define LDU_FRAMES 9u
#define LDU_OCTETS 101u
#define LC_AT      3u
#define VOICE_AT   11u
#define LSD_AT     (VOICE_AT + 8u * VOICE_FULL_OCTETS)

static size_t phase1_at(unsigned frame)
{
    size_t in_ldu = frame % LDU_FRAMES;
    return VOICE_AT + frame / LDU_FRAMES * LDU_OCTETS + in_ldu * VOICE_FULL_OCTETS +
           (in_ldu == LDU_FRAMES - 1 ? VOICE_LSD_OCTETS : 0);
}

kf_err voice_stream_mask(const voice_stream *s, unsigned frame, uint8_t *octets)
{
    if (frame >= VOICE_FRAMES)
        return KF_E_MALFORMED;
    if (s->phase == VOICE_PHASE1)
        return mask(s, phase1_at(frame), octets, VOICE_FULL_OCTETS);
    kf_err err = mask(s, (size_t)frame * VOICE_HALF_OCTETS, octets, VOICE_HALF_OCTETS);
    if (err == KF_OK)
        octets[VOICE_HALF_OCTETS - 1] &= 0x80u; /* 49 bits */
    return err;
}

kf_err voice_stream_mask_lsd(const voice_stream *s, unsigned half, uint8_t octets[VOICE_LSD_OCTETS])
{
    if (half > 1 || s->phase != VOICE_PHASE1)
        return KF_E_MALFORMED;
    return mask(s, LSD_AT + half * LDU_OCTETS, octets, VOICE_LSD_OCTETS);
}

kf_err voice_stream_mask_lc(const voice_stream *s, uint8_t octets[VOICE_LC_OCTETS])
{
    if (s->phase != VOICE_PHASE1)
        return KF_E_MALFORMED;
    return mask(s, LC_AT, octets, VOICE_LC_OCTETS);
}

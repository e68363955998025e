/* P25: a Rekey with four AES keys through every layer, key wrap against OpenSSL's, the voice cipher
 * against OpenSSL EVP with a fresh context for each superframe, and a fleet of 10,000 subscribers
 * rekeyed by one KMF. What is measured: README.md.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/attr.h"
#include "bench.h"
#include "crypto/random.h"
#include "fleet/fleet.h"
#include "p25/mi.h"
#include "p25/seal.h"
#include "voice/stream.h"

#define UNIT 0x643ba8u
#define KMF  0x98967fu
#define KEYS 4u

static struct {
    kf_secret *kek_key, *tek_key, *keys[KEYS], *opened_keys[KEYS];
    p25_kek *kek;
    p25_tek *tek;
    p25_mac_peer mac;
    uint8_t wrapped[KEYS * P25_WRAPPED_MAX];
    uint8_t datagram[512];
    size_t datagram_len;
    EVP_CIPHER_CTX *peer_wrap;
    voice_stream *stream;
    uint8_t mi[P25_MI_OCTETS];
    uint8_t frames[VOICE_FRAMES][VOICE_FULL_OCTETS];
} w;

static p25_tek *find_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    (void)ctx;
    (void)kid;
    return algid == P25_ALGID_AES256 ? w.tek : NULL;
}

static bool find_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    (void)ctx;
    *out = (p25_peer){ &w.mac, NULL, P25_LEVEL_ENHANCED, true };
    return frame->destination_rsi == UNIT;
}

static bool seal_rekey(uint8_t *out, size_t cap, size_t *len)
{
    static p25_kmm kmm;
    const kf_secret *const keys[KEYS] = { w.keys[0], w.keys[1], w.keys[2], w.keys[3] };
    if (p25_wrap_keys(w.kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, keys, KEYS, w.wrapped) !=
        KF_OK)
        return false;
    kmm.side = P25_SIDE_OTAR;
    kmm.frame = (p25_kmm_frame){ .message_id = P25_KMM_REKEY_CMD,
                                 .response_kind = P25_RK3_IMMEDIATE,
                                 .destination_rsi = UNIT,
                                 .source_rsi = KMF,
                                 .has_mn = true,
                                 .mn = 1 };
    p25_rekey *r = &kmm.body.rekey;
    r->decryption = (p25_decryption){ .algid = P25_ALGID_AES256, .kid = 0x50bc };
    r->keyset_count = 1;
    r->keysets[0] = (p25_rekey_keyset){
        .tag = { .keyset = 2 }, .algid = P25_ALGID_AES256, .key_octets = 40, .count = KEYS
    };
    r->item_count = KEYS;
    for (size_t i = 0; i < KEYS; i++)
        r->items[i] = (p25_key_item){ .sln = (uint16_t)(i + 1),
                                      .kid = (uint16_t)(0x100 + i),
                                      .key = { w.wrapped + 40 * i, 40 } };
    const p25_seal how = { w.tek, P25_MAC_CMAC_D, w.tek, P25_WEAK_RECEIVE_ONLY };
    kf_writer out_w = kf_writer_init(out, cap);
    bool ok = p25_seal_dli(&how, &kmm, kf_random(), &out_w) == KF_OK;
    *len = out_w.len;
    return ok;
}

static bool build_rekey(size_t turn)
{
    (void)turn;
    uint8_t out[512];
    size_t len = 0;
    return seal_rekey(out, sizeof out, &len) && len == w.datagram_len;
}

static bool open_rekey(size_t turn)
{
    static p25_opened opened;
    (void)turn;
    const p25_opener with = { NULL, find_tek, NULL, find_peer };
    kf_fault fault;
    if (p25_open_dli(&with, P25_SIDE_OTAR, (kf_slice){ w.datagram, w.datagram_len }, &opened,
                     &fault) != KF_OK)
        return false;
    p25_unwrap_item items[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        items[i] =
            (p25_unwrap_item){ opened.kmm.body.rekey.items[i].key, w.opened_keys[i], KF_E_STATE };
    bool ok = p25_unwrap_keys(w.kek, P25_ALGID_AES256, items, KEYS) == KF_OK;
    for (size_t i = 0; ok && i < KEYS; i++)
        ok = items[i].result == KF_OK && kf_secret_equal(w.opened_keys[i], w.keys[i]);
    p25_opened_clear(&opened);
    return ok;
}

static bool wrap_key(size_t turn)
{
    uint8_t out[P25_WRAPPED_MAX];
    const kf_secret *const key = w.keys[turn % KEYS];
    return p25_wrap_keys(w.kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &key, 1, out) == KF_OK;
}

static bool peer_wrap_key(size_t turn)
{
    uint8_t out[64];
    int n = 0;
    kf_slice key = kf_secret_view(w.keys[turn % KEYS]);
    return EVP_EncryptInit_ex(w.peer_wrap, NULL, NULL, NULL, NULL) == 1 &&
           EVP_EncryptUpdate(w.peer_wrap, out, &n, key.ptr, (int)key.len) == 1 && n == 40;
}

static void next_mi(void)
{
    uint8_t next[P25_MI_OCTETS];
    p25_mi_next(w.mi, next);
    memcpy(w.mi, next, sizeof next);
}

static bool superframe(size_t turn)
{
    (void)turn;
    if (voice_stream_start(w.stream, w.mi) != KF_OK)
        return false;
    for (unsigned f = 0; f < VOICE_FRAMES; f++)
        if (voice_stream_mask(w.stream, f, w.frames[f]) != KF_OK)
            return false;
    next_mi();
    return true;
}

/* The same work, as one would write it on EVP: IV, context, keystream, 18 frames. */
static bool peer_superframe(size_t turn)
{
    static const uint8_t zeros[16 + VOICE_PHASE1_KEYSTREAM];
    uint8_t stream[sizeof zeros], iv[16];
    int n = 0;
    (void)turn;
    p25_mi_iv(w.mi, iv);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok =
        ctx != NULL &&
        EVP_EncryptInit_ex(ctx, EVP_aes_256_ofb(), NULL, kf_secret_view(w.tek_key).ptr, iv) == 1 &&
        EVP_EncryptUpdate(ctx, stream, &n, zeros, sizeof zeros) == 1;
    EVP_CIPHER_CTX_free(ctx);
    for (unsigned f = 0; f < VOICE_FRAMES; f++)
        for (unsigned i = 0; i < VOICE_FULL_OCTETS; i++)
            w.frames[f][i] ^= stream[16 + 11 + 11 * f + (f >= 8 ? 2 : 0) + (f == 17 ? 2 : 0) + i];
    next_mi();
    return ok;
}

/* Both sides must make the same speech of the same superframe. */
static bool voices_agree(void)
{
    uint8_t mi[P25_MI_OCTETS], ours[sizeof w.frames];
    memset(w.frames, 0, sizeof w.frames);
    memcpy(mi, w.mi, sizeof mi);
    if (!superframe(0))
        return false;
    memcpy(ours, w.frames, sizeof ours);
    memset(w.frames, 0, sizeof w.frames);
    memcpy(w.mi, mi, sizeof mi);
    return peer_superframe(0) && memcmp(ours, w.frames, sizeof ours) == 0;
}

static bool wraps_agree(void)
{
    uint8_t ours[P25_WRAPPED_MAX], theirs[64];
    int n = 0;
    const kf_secret *const key = w.keys[0];
    return p25_wrap_keys(w.kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &key, 1, ours) == KF_OK &&
           EVP_EncryptUpdate(w.peer_wrap, theirs, &n, kf_secret_view(key).ptr, 32) == 1 &&
           n == 40 && memcmp(ours, theirs, 40) == 0;
}

static bool prepare_keys(void)
{
    for (size_t i = 0; i < KEYS; i++)
        if (kf_secret_new_random(kf_random(), 32, &w.keys[i]) != KF_OK ||
            kf_secret_new(32, &w.opened_keys[i]) != KF_OK)
            return false;
    return kf_secret_new_random(kf_random(), 32, &w.kek_key) == KF_OK &&
           kf_secret_new_random(kf_random(), 32, &w.tek_key) == KF_OK &&
           p25_kek_new(P25_ALGID_AES256, 0x50bc, w.kek_key, &w.kek) == KF_OK &&
           p25_tek_new(P25_ALGID_AES256, 0x2f62, w.tek_key, &w.tek) == KF_OK &&
           p25_mi_random(kf_random(), w.mi) == KF_OK &&
           voice_stream_new(VOICE_PHASE1, P25_ALGID_AES256, w.tek_key, &w.stream) == KF_OK;
}

static bool prepare(void)
{
    p25_mac_peer_init(&w.mac, P25_MAC_AUTO, P25_MAC_CMAC_D);
    w.peer_wrap = EVP_CIPHER_CTX_new();
    if (!bench_check(kf_process_harden() == KF_OK, "harden this process") ||
        !bench_check(w.peer_wrap != NULL && prepare_keys(), "keys"))
        return false;
    EVP_CIPHER_CTX_set_flags(w.peer_wrap, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return bench_check(EVP_EncryptInit_ex(w.peer_wrap, EVP_aes_256_wrap(), NULL,
                                          kf_secret_view(w.kek_key).ptr, NULL) == 1,
                       "OpenSSL's key wrap") &&
           bench_check(seal_rekey(w.datagram, sizeof w.datagram, &w.datagram_len) && open_rekey(0),
                       "a Rekey opens") &&
           bench_check(wraps_agree(), "both wrap a key alike") &&
           bench_check(voices_agree(), "both mask a superframe alike");
}

static const char *peer_name(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

static const bench_op ops[] = {
    { "Rekey of four AES keys built, all layers", build_rekey, NULL, 0, 100000 },
    { "Rekey of four AES keys opened and unwrapped", open_rekey, NULL, 0, 80000 },
    { "AES key wrap of 32 octets, one at a time", wrap_key, peer_wrap_key, 1, 0 },
    { "Phase 1 superframe masked, AES-256", superframe, peer_superframe, 3, 0 },
};

/* 10,000 subscribers, 5 % of datagrams lost, 30 % of units off the air for a while: rekeyed,
 * changed over, caught up; every one checked. */
static bool rekey_fleet(size_t turn)
{
    fleet_config config = fleet_config_usual();
    fleet_result *r = NULL;
    config.units = 10000;
    config.seed = turn + 1;
    bool ok = fleet_run(&config, NULL, &r) == KF_OK && r->all_reached &&
              r->states[FLEET_CURRENT] == config.units && r->went_off_air > 2700;
    fleet_result_free(&r);
    return ok;
}

/* The most that this process had at any time: the fleet, which is nearly all of it. */
static size_t fleet_octets(void)
{
    struct rusage usage = { 0 };
    (void)getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

static const bench_setup setups[] = {
    { "fleet of 10,000 units rekeyed", rekey_fleet, fleet_octets, 60000, (size_t)1 << 30 },
};

int main(int argc, char **argv)
{
    static const bench_plan plan = {
        .name = "bench_p25",
        .about = "Key management messages and the voice cipher of P25, operations a second on one "
                 "core; a fleet rekeyed.",
        .peer = peer_name,
        .prepare = prepare,
        .ops = ops,
        .op_count = KF_COUNT(ops),
        .setups = setups,
        .setup_count = KF_COUNT(setups),
    };
    return bench_main(argc, argv, &plan);
}

/**
 * @file rig.h A subscriber on a bench: its store, its watch, and a KMF that we play ourselves with
 * one common TEK and the UKEK, so that every octet is in our hand.
 */
#ifndef TESTS_OTAR_RIG_H
#define TESTS_OTAR_RIG_H

#include <string.h>

#include "otar/unit.h"
#include "support/testing.h"

#define KMF_RSI   0x98967fu
#define SU_RSI    0x012345u
#define GROUP_RSI 0x777777u
#define TEK_KID   0x1001u
#define UKEK_KID  0xf5a0u
#define UKEK_SLN  0xf001u

/* Octet of the key that stands for each; the key is 32 of it. */
#define TEK_FILL  1
#define UKEK_FILL 2

typedef struct rig {
    testing_rng rng;
    otar_unit_config config;
    otar_unit *unit;
    kf_time now;
    size_t record_len, saves;
    uint8_t record[8192];
    bool store_fails;
    size_t answer_len;
    uint8_t answer[P25_DLI_DATAGRAM_MAX];
    p25_tek *tek;
    p25_kek *kek;
    p25_mac_scheme scheme; /* of what we seal */
    p25_mac_peer peer;     /* of what we open */
    unsigned told[OTAR_EV_SETTLED + 1];
    otar_event last;
} rig;

static inline kf_err rig_save(void *ctx, uint32_t slot, kf_slice record)
{
    rig *r = ctx;
    assert_int_equal(slot, 0);
    r->saves++;
    if (r->store_fails)
        return KF_E_BACKEND;
    assert_true(record.len <= sizeof r->record);
    memcpy(r->record, record.ptr, record.len);
    r->record_len = record.len;
    return KF_OK;
}

static inline void rig_watch(void *ctx, const otar_event *e)
{
    ((rig *)ctx)->told[e->kind]++;
    ((rig *)ctx)->last = *e;
}

/* From the last record, if there is one. */
static inline void rig_start(rig *r)
{
    assert_ok(otar_unit_new(&r->config, &(otar_store){ rig_save, r }, &(otar_watch){ rig_watch, r },
                            &r->rng.rng, (kf_slice){ r->record, r->record_len }, &r->unit));
}

static inline void rig_restart(rig *r)
{
    otar_unit_free(&r->unit);
    rig_start(r);
}

static inline void rig_open(rig *r, p25_level level)
{
    memset(r, 0, sizeof *r);
    testing_rng_init(&r->rng, "otar unit");
    r->now = 1000;
    r->config = (otar_unit_config){
        .rsi = SU_RSI, .kmf_rsi = KMF_RSI, .level = level, .first_scheme = P25_MAC_CBC
    };
    r->scheme = P25_MAC_CBC;
    p25_mac_peer_init(&r->peer, P25_MAC_AUTO, P25_MAC_CBC);
    rig_start(r);
}

static inline void rig_close(rig *r)
{
    otar_unit_free(&r->unit);
    p25_tek_free(&r->tek);
    p25_kek_free(&r->kek);
}

static inline kf_secret *rig_key(uint8_t fill)
{
    uint8_t octets[32];
    memset(octets, fill, sizeof octets);
    return testing_secret(KF_SLICE_OF(octets));
}

static inline void rig_load(rig *r, uint8_t keyset, uint16_t sln, uint16_t kid, uint8_t fill)
{
    const otar_key where = { .keyset = keyset,
                             .sln = sln,
                             .algid = P25_ALGID_AES256,
                             .kid = kid,
                             .is_kek = keyset == OTAR_KEK_KEYSET };
    kf_secret *key = rig_key(fill);
    assert_ok(otar_unit_load(r->unit, &where, &key));
}

/* Both ends get the TEK (keyset 1, SLN 1) and the UKEK. */
static inline void rig_play_kmf(rig *r)
{
    kf_secret *tek = rig_key(TEK_FILL), *kek = rig_key(UKEK_FILL);
    rig_load(r, 1, 1, TEK_KID, TEK_FILL);
    rig_load(r, OTAR_KEK_KEYSET, UKEK_SLN, UKEK_KID, UKEK_FILL);
    assert_ok(p25_tek_new(P25_ALGID_AES256, TEK_KID, tek, &r->tek));
    assert_ok(p25_kek_new(P25_ALGID_AES256, UKEK_KID, kek, &r->kek));
    kf_secret_free(&tek);
    kf_secret_free(&kek);
}

/* A unit with keys, ready to be commanded. */
static inline void rig_open_keyed(rig *r, p25_level level)
{
    rig_open(r, level);
    rig_play_kmf(r);
}

/* The answer, empty when there is none. */
static inline kf_slice rig_give(rig *r, kf_slice datagram)
{
    kf_writer out = kf_writer_init(r->answer, sizeof r->answer);
    assert_ok(otar_unit_receive(r->unit, r->now, datagram, &out));
    r->answer_len = out.len;
    return kf_writer_slice(&out);
}

static inline p25_kmm rig_command(uint8_t id)
{
    return (p25_kmm){ .frame = { .message_id = id, .response_kind = P25_RK3_IMMEDIATE } };
}

/* The message as our KMF sends it; addresses that are 0 are the usual ones. */
static inline kf_slice rig_seal_by(rig *r, p25_tek *mac, p25_tek *outer, p25_kmm *kmm, uint8_t *buf)
{
    const p25_seal how = { .mac = mac, .scheme = r->scheme, .outer = outer };
    kf_writer w = kf_writer_init(buf, P25_DLI_DATAGRAM_MAX);
    if (kmm->frame.destination_rsi == 0)
        kmm->frame.destination_rsi = SU_RSI;
    if (kmm->frame.source_rsi == 0)
        kmm->frame.source_rsi = KMF_RSI;
    assert_ok(p25_seal_dli(&how, kmm, &r->rng.rng, &w));
    return kf_writer_slice(&w);
}

static inline kf_slice rig_seal(rig *r, p25_kmm *kmm, uint16_t mn, uint8_t *buf)
{
    kmm->frame.has_mn = true;
    kmm->frame.mn = mn;
    return rig_seal_by(r, r->tek, r->tek, kmm, buf);
}

/* The message without any layer, whatever the rules say. */
static inline kf_slice rig_bare(p25_kmm *kmm, uint8_t *buf)
{
    kf_writer w = kf_writer_init(buf, P25_DLI_DATAGRAM_MAX);
    if (kmm->frame.destination_rsi == 0)
        kmm->frame.destination_rsi = SU_RSI;
    if (kmm->frame.source_rsi == 0)
        kmm->frame.source_rsi = KMF_RSI;
    p25_dli_encode(&(p25_dli){ .sync.algid = P25_ALGID_CLEAR }, &w);
    p25_kmm_encode(kmm, &w);
    assert_ok(w.err);
    return kf_writer_slice(&w);
}

static inline p25_tek *rig_find_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    const rig *r = ctx;
    return r->tek != NULL && algid == P25_ALGID_AES256 && kid == p25_tek_kid(r->tek) ? r->tek
                                                                                     : NULL;
}

static inline bool rig_find_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    (void)frame;
    *out = (p25_peer){ &((rig *)ctx)->peer, NULL, P25_LEVEL_BASIC, true };
    return true;
}

/* What the unit said, as our KMF reads it; clear with p25_opened_clear(). */
static inline void rig_read(rig *r, kf_slice datagram, p25_opened *out)
{
    const p25_opener with = { r, rig_find_tek, NULL, rig_find_peer };
    kf_fault fault;
    assert_true(datagram.len > 0);
    assert_ok(p25_open_dli(&with, P25_SIDE_OTAR, datagram, out, &fault));
}

/* Ask, and read the answer, which has our number. */
static inline void rig_ask(rig *r, p25_kmm *kmm, uint16_t mn, p25_opened *answer)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    rig_read(r, rig_give(r, rig_seal(r, kmm, mn, buf)), answer);
    assert_int_equal(answer->frame.mn, mn);
    assert_true(answer->authenticated);
}

/* The datagram is answered with a Negative-Ack of that status, of that message. */
static inline void rig_expect_nack(rig *r, kf_slice datagram, uint8_t message_id, uint8_t status)
{
    static p25_opened in;
    rig_read(r, rig_give(r, datagram), &in);
    assert_int_equal(in.frame.message_id, P25_KMM_NEGATIVE_ACK);
    assert_int_equal(in.kmm.body.negative_ack.acked_id, message_id);
    assert_int_equal(in.kmm.body.negative_ack.status, status);
    p25_opened_clear(&in);
}

/* A Rekey of one keyset; add items with rig_add_key(). */
static inline p25_kmm rig_rekey(uint8_t keyset, uint8_t algid)
{
    p25_kmm kmm = rig_command(P25_KMM_REKEY_CMD);
    p25_rekey *b = &kmm.body.rekey;
    b->decryption = (p25_decryption){ .algid = P25_ALGID_AES256, .kid = UKEK_KID };
    b->keyset_count = 1;
    b->keysets[0] = (p25_rekey_keyset){ .tag.keyset = keyset,
                                        .algid = algid,
                                        .key_octets = (uint8_t)p25_wrapped_octets(algid) };
    return kmm;
}

/* wrapped: P25_WRAPPED_MAX octets that live as long as the message. */
static inline void rig_add_key(rig *r, p25_kmm *kmm, uint16_t sln, uint16_t kid, uint8_t fill,
                               uint8_t *wrapped)
{
    p25_rekey *b = &kmm->body.rekey;
    kf_secret *key = rig_key(fill);
    const kf_secret *one = key;
    assert_ok(p25_wrap_keys(r->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &one, 1, wrapped));
    kf_secret_free(&key);
    b->items[b->item_count++] =
        (p25_key_item){ .sln = sln, .kid = kid, .key = { wrapped, P25_WRAPPED_MAX } };
    b->keysets[0].count = b->item_count;
}

/* A Warm-Start under the UKEK with a temporary TEK, which the caller frees. */
static inline kf_slice rig_warm_start(rig *r, uint16_t kid, uint8_t fill, uint16_t mn,
                                      p25_tek **tek, uint8_t *buf)
{
    uint8_t wrapped[P25_WRAPPED_MAX];
    kf_secret *key = rig_key(fill);
    const kf_secret *one = key;
    p25_kmm kmm = rig_command(P25_KMM_WARM_START_CMD);
    assert_ok(p25_wrap_keys(r->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &one, 1, wrapped));
    assert_ok(p25_tek_new(P25_ALGID_AES256, kid, key, tek));
    kf_secret_free(&key);
    kmm.body.warm_start =
        (p25_warm_start){ .decryption = { .algid = P25_ALGID_AES256, .kid = UKEK_KID },
                          .algid = P25_ALGID_AES256,
                          .kid = kid,
                          .key = KF_SLICE_OF(wrapped) };
    kmm.frame.has_mn = true;
    kmm.frame.mn = mn;
    return rig_seal_by(r, *tek, NULL, &kmm, buf);
}

#endif

/* Whole messages: the published Rekey through every layer, and what must not open. */
#include "support/testing.h"

#include <string.h>

#include "p25/seal.h"

#define UNIT 0x643ba8u
#define KMF  0x712b1du
#define MN   6002u
#define TEK  0x2f62u
#define UKEK 0x50bcu

/* A receiver and the keys it has. */
typedef struct world {
    testing_rng rng;
    kf_secret *tek_key, *kek_key, *keys[4];
    p25_tek *tek, *des;
    p25_kek *kek;
    p25_mac_peer mac;
    p25_mn_state mn;
    p25_level level;
    bool has_tek, has_kek, knows_peer, judges_numbers;
    p25_opener opener;
    uint8_t wrapped[4 * P25_WRAPPED_MAX];
} world;

static p25_tek *find_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    world *w = ctx;
    if (w->has_tek && algid == P25_ALGID_AES256 && kid == TEK)
        return w->tek;
    return algid == P25_ALGID_DES && kid == 1 ? w->des : NULL;
}

static p25_kek *find_kek(void *ctx, uint8_t algid, uint16_t kid)
{
    world *w = ctx;
    return w->has_kek && algid == P25_ALGID_AES256 && kid == UKEK ? w->kek : NULL;
}

static bool find_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    world *w = ctx;
    *out = (p25_peer){ &w->mac, w->judges_numbers ? &w->mn : NULL, w->level, w->has_tek };
    return w->knows_peer && frame->source_rsi == KMF && frame->destination_rsi == UNIT;
}

static void world_open(world *w)
{
    memset(w, 0, sizeof *w);
    testing_rng_init(&w->rng, "seal");
    w->tek_key =
        testing_secret_hex("168562453B3E7F618D68B387E0B997E1FB0F264FA83B74E43B172917BD39339F");
    w->kek_key =
        testing_secret_hex("494002BF163132A421FBEF117F985A0CAADDC250A4C21947D593E6C067DE402C");
    kf_secret *des = testing_secret_hex("133457799bbcdff1");
    assert_ok(p25_tek_new(P25_ALGID_AES256, TEK, w->tek_key, &w->tek));
    assert_ok(p25_tek_new(P25_ALGID_DES, 1, des, &w->des));
    assert_ok(p25_kek_new(P25_ALGID_AES256, UKEK, w->kek_key, &w->kek));
    kf_secret_free(&des);
    for (size_t i = 0; i < 4; i++)
        assert_ok(kf_secret_new_random(&w->rng.rng, 32, &w->keys[i]));
    const kf_secret *view[] = { w->keys[0], w->keys[1], w->keys[2], w->keys[3] };
    assert_ok(p25_wrap_keys(w->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, view, 4, w->wrapped));
    p25_mac_peer_init(&w->mac, P25_MAC_AUTO, P25_MAC_CMAC_D);
    p25_mn_state_init(&w->mn, MN - 1, 1000);
    w->has_tek = w->has_kek = w->knows_peer = w->judges_numbers = true;
    w->opener = (p25_opener){ w, find_tek, find_kek, find_peer };
}

static void world_close(world *w)
{
    kf_secret_free(&w->tek_key);
    kf_secret_free(&w->kek_key);
    for (size_t i = 0; i < 4; i++)
        kf_secret_free(&w->keys[i]);
    p25_tek_free(&w->tek);
    p25_tek_free(&w->des);
    p25_kek_free(&w->kek);
}

static p25_kmm new_kmm(uint8_t message_id)
{
    p25_kmm kmm = { .side = P25_SIDE_OTAR };
    kmm.frame = (p25_kmm_frame){ .message_id = message_id,
                                 .response_kind = P25_RK3_IMMEDIATE,
                                 .destination_rsi = UNIT,
                                 .source_rsi = KMF,
                                 .has_mn = true,
                                 .mn = MN };
    return kmm;
}

/* A Rekey with count AES keys. */
static p25_kmm new_rekey(world *w, size_t count)
{
    p25_kmm kmm = new_kmm(P25_KMM_REKEY_CMD);
    p25_rekey *r = &kmm.body.rekey;
    r->decryption = (p25_decryption){ .algid = P25_ALGID_AES256, .kid = UKEK };
    r->keyset_count = 1;
    r->keysets[0] = (p25_rekey_keyset){
        .tag = { .keyset = 1 }, .algid = P25_ALGID_AES256, .key_octets = 40, .count = (uint8_t)count
    };
    r->item_count = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        r->items[i] = (p25_key_item){ .sln = (uint16_t)(i + 1),
                                      .kid = (uint16_t)(0x4983 + i),
                                      .key = { w->wrapped + 40 * i, 40 } };
    return kmm;
}

static p25_kmm new_warm_start(world *w)
{
    p25_kmm kmm = new_kmm(P25_KMM_WARM_START_CMD);
    kmm.body.warm_start =
        (p25_warm_start){ .decryption = { .algid = P25_ALGID_AES256, .kid = UKEK },
                          .algid = P25_ALGID_AES256,
                          .kid = 0x7001,
                          .key = { w->wrapped, 40 } };
    return kmm;
}

static p25_seal both_layers(world *w, p25_mac_scheme scheme)
{
    return (p25_seal){ w->tek, scheme, w->tek, P25_WEAK_RECEIVE_ONLY };
}

/* Opens, and gives everything back. @return also how far it came. */
static kf_err try_open(world *w, kf_slice datagram, p25_step *step, uint8_t *status)
{
    static p25_opened opened;
    kf_fault fault;
    kf_err err = p25_open_dli(&w->opener, P25_SIDE_OTAR, datagram, &opened, &fault);
    assert_int_equal(fault.code, err);
    assert_int_equal(opened.step == P25_STEP_DONE, err == KF_OK);
    if (err != KF_OK)
        assert_null(opened.warm_key);
    if (step != NULL)
        *step = opened.step;
    if (status != NULL)
        *status = opened.status;
    p25_opened_clear(&opened);
    return err;
}

/* Gives an MI that the test chose. */
static kf_err fixed_fill(void *ctx, uint8_t *out, size_t len)
{
    memcpy(out, ctx, len);
    return KF_OK;
}

static void assert_hex_field(vectors_case *c, const char *name, uint64_t value)
{
    uint8_t octets[8];
    kf_slice s = testing_field(c, name, octets, sizeof octets);
    uint64_t want = 0;
    for (size_t i = 0; i < s.len; i++)
        want = want << 8 | s.ptr[i];
    assert_int_equal(value, want);
}

static void assert_decimal_field(vectors_case *c, const char *name, uint64_t value)
{
    uint64_t want = 0;
    assert_ok(vectors_decimal(c, name, &want));
    assert_int_equal(value, want);
}

static void check_rekey_fields(vectors_case *c, const p25_opened *opened)
{
    const p25_kmm *kmm = &opened->kmm;
    const p25_rekey *r = &kmm->body.rekey;
    uint8_t want[64];
    assert_hex_field(c, "message_id", kmm->frame.message_id);
    assert_decimal_field(c, "length", kmm->frame.octets.len - 3);
    assert_decimal_field(c, "response_kind", kmm->frame.response_kind + 1u);
    assert_true(kmm->frame.has_mn);
    assert_hex_field(c, "dst_rsi", kmm->frame.destination_rsi);
    assert_hex_field(c, "src_rsi", kmm->frame.source_rsi);
    assert_hex_field(c, "kek_alg", r->decryption.algid);
    assert_hex_field(c, "kek_kid", r->decryption.kid);
    assert_false(r->decryption.has_mi); /* decrypt_format = 00 */
    assert_hex_field(c, "decrypt_format", 0);
    assert_decimal_field(c, "keysets", r->keyset_count);
    assert_decimal_field(c, "ks0.id", r->keysets[0].tag.keyset);
    assert_hex_field(c, "ks0.alg", r->keysets[0].algid);
    assert_decimal_field(c, "ks0.keylen", r->keysets[0].key_octets);
    assert_decimal_field(c, "ks0.keys", r->keysets[0].count);
    assert_decimal_field(c, "ks0.k0.sln", r->items[0].sln);
    assert_hex_field(c, "ks0.k0.kid", r->items[0].kid);
    assert_slice_equal(r->items[0].key, testing_field(c, "ks0.k0.wrapped", want, sizeof want));
    assert_hex_field(c, "ks0.format", r->keysets[0].tag.is_kek || r->keysets[0].tag.has_activation);
    assert_hex_field(c, "ks0.k0.format", r->items[0].is_kek || r->items[0].erase);
    assert_slice_equal(vectors_text(c, "mac_type"), kf_slice_str("enhanced"));
    assert_int_equal(kmm->frame.mac.kind, P25_MAC_ENHANCED);
    assert_hex_field(c, "mac_alg", kmm->frame.mac.algid);
    assert_hex_field(c, "mac_kid", kmm->frame.mac.kid);
    assert_hex_field(c, "mac_format", kmm->frame.mac.format);
}

/* spec: TIA-102.AACA-C example - every layer open, then every layer built again. */
static void test_published_rekey(void **state)
{
    (void)state;
    world w;
    static p25_opened opened;
    kf_fault fault;
    vectors_file file;
    uint8_t dli[256], kmm[256], want[256], outer[256], again[256], mi[9];
    kf_secret *key = NULL;
    world_open(&w);
    testing_vectors_load("p25-kmm-rekey.txt", &file);
    vectors_case *c = testing_case(&file, "rekey-cbc");
    kf_slice datagram = testing_field(c, "dli", dli, sizeof dli);
    kf_slice clear = testing_field(c, "kmm", kmm, sizeof kmm);
    assert_decimal_field(c, "mn", MN);
    assert_slice_equal(kf_secret_view(w.kek_key), testing_field(c, "kek", want, sizeof want));
    assert_slice_equal(kf_secret_view(w.tek_key), testing_field(c, "outer_tek", want, sizeof want));
    assert_ok(p25_open_dli(&w.opener, P25_SIDE_OTAR, datagram, &opened, &fault));
    assert_true(opened.authenticated);
    assert_int_equal(opened.number, P25_MN_FRESH);
    assert_int_equal(opened.sync.algid, P25_ALGID_AES256);
    assert_slice_equal(KF_SLICE_OF(opened.sync.mi), testing_field(c, "outer_mi", mi, sizeof mi));
    assert_slice_equal(opened.frame.octets, clear);
    assert_int_equal(w.mac.scheme, P25_MAC_CBC);
    check_rekey_fields(c, &opened);
    assert_ok(p25_unwrap_key(w.kek, P25_ALGID_AES256, opened.kmm.body.rekey.items[0].key, &key));
    assert_slice_equal(kf_secret_view(key), testing_field(c, "ks0.k0.key", want, sizeof want));
    kf_secret_free(&key);

    kf_rng rng = { fixed_fill, mi };
    p25_seal how = both_layers(&w, P25_MAC_CBC);
    kf_writer out = kf_writer_init(again, sizeof again);
    assert_ok(p25_seal_dli(&how, &opened.kmm, &rng, &out));
    assert_slice_equal(kf_writer_slice(&out), datagram);
    p25_dld dld = { .sap = P25_SAP_KMM };
    out = kf_writer_init(again, sizeof again);
    assert_ok(p25_seal_kmm(&how, &opened.kmm, &rng, &dld.sync, &out));
    dld.kmm = testing_field(c, "outer", outer, sizeof outer);
    assert_slice_equal(kf_writer_slice(&out), dld.kmm);
    uint8_t pdu[256];
    out = kf_writer_init(pdu, sizeof pdu);
    p25_dld_encode(&dld, &out);
    assert_slice_equal(kf_slice_part(kf_writer_slice(&out), 0, P25_DLD_SYNC_OCTETS),
                       testing_field(c, "dld_header", want, sizeof want));
    p25_opened_clear(&opened);
    assert_ok(p25_open_kmm(&w.opener, P25_SIDE_OTAR, &dld.sync, dld.kmm, &opened, &fault));
    p25_opened_clear(&opened);
    p25_opened_clear(&opened);
    for (size_t i = 0; i < c->count; i++) /* every field of the case has been compared */
        assert_true(c->fields[i].used);
    vectors_clear(&file);
    world_close(&w);
}

/* Four keys, each MAC: opens to what went in; the answer is in kind. */
static void test_round_trips(void **state)
{
    (void)state;
    world w;
    static p25_opened opened;
    kf_fault fault;
    uint8_t buf[512];
    world_open(&w);
    for (int scheme = P25_MAC_CBC; scheme <= P25_MAC_CMAC_D; scheme++) {
        p25_kmm kmm = new_rekey(&w, 4);
        p25_seal how = both_layers(&w, (p25_mac_scheme)scheme);
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &out));
        assert_ok(p25_open_dli(&w.opener, P25_SIDE_OTAR, kf_writer_slice(&out), &opened, &fault));
        assert_int_equal(w.mac.scheme, scheme);
        assert_int_equal(opened.kmm.body.rekey.item_count, 4);
        for (size_t i = 0; i < 4; i++) {
            kf_secret *key = NULL;
            assert_ok(
                p25_unwrap_key(w.kek, P25_ALGID_AES256, opened.kmm.body.rekey.items[i].key, &key));
            assert_true(kf_secret_equal(key, w.keys[i]));
            kf_secret_free(&key);
        }
        p25_opened_clear(&opened);
    }
    world_close(&w);
}

/* Octet 0 of the preamble has reserved bits, octet 13 is ignored: everything else counts. */
static bool bit_counts(size_t bit)
{
    return !(bit / 8 == 0 && bit % 8 >= 5) && bit / 8 != 13;
}

static void test_every_bit_and_prefix(void **state)
{
    (void)state;
    world w;
    uint8_t buf[512];
    world_open(&w);
    p25_kmm kmm = new_rekey(&w, 2), warm = new_warm_start(&w);
    p25_tek *warm_tek = NULL;
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x7001, w.keys[0], &warm_tek));
    for (int scheme = P25_MAC_CBC; scheme <= P25_MAC_CMAC_D; scheme++)
        for (size_t is_warm = 0; is_warm < 2; is_warm++) {
            p25_seal how = both_layers(&w, (p25_mac_scheme)scheme);
            if (is_warm) {
                how.mac = warm_tek;
                how.outer = NULL;
            }
            kf_writer out = kf_writer_init(buf, sizeof buf);
            assert_ok(p25_seal_dli(&how, is_warm ? &warm : &kmm, &w.rng.rng, &out));
            kf_slice all = kf_writer_slice(&out);
            assert_ok(try_open(&w, all, NULL, NULL));
            for (size_t bit = 0; bit < 8 * all.len; bit++) {
                if (!bit_counts(bit))
                    continue;
                buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (try_open(&w, all, NULL, NULL) == KF_OK)
                    fail_msg("bit %zu of scheme %d, warm start %zu", bit, scheme, is_warm);
                buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            for (size_t len = 0; len < all.len; len++)
                assert_int_not_equal(try_open(&w, (kf_slice){ buf, len }, NULL, NULL), KF_OK);
            buf[all.len] = 0;
            assert_int_not_equal(try_open(&w, (kf_slice){ buf, all.len + 1 }, NULL, NULL), KF_OK);
        }
    p25_tek_free(&warm_tek);
    world_close(&w);
}

/* What the receiver lacks, and what it is told. */
static const struct {
    const char *name;
    bool has_tek, has_kek, knows_peer;
    uint16_t last;
    bool is_warm;
    kf_err want;
    p25_step step;
    uint8_t status;
} lacks[] = {
    { "nothing", true, true, true, MN - 1, false, KF_OK, P25_STEP_DONE, 0xff },
    { "the outer TEK", false, true, true, MN - 1, false, KF_E_STATE, P25_STEP_OUTER, 0x08 },
    { "the sender", true, true, false, MN - 1, false, KF_E_DENIED, P25_STEP_PEER, 0xff },
    { "a number yet to come", true, true, true, MN, false, KF_E_AUTH, P25_STEP_NUMBER, 0x07 },
    { "window", true, true, true, MN - 1001, false, KF_E_AUTH, P25_STEP_NUMBER, 0x07 },
    { "warm start, nothing", false, true, true, MN - 1, true, KF_OK, P25_STEP_DONE, 0xff },
    { "warm start, UKEK", false, false, true, MN - 1, true, KF_E_STATE, P25_STEP_MAC, 0x08 },
    { "warm start, replayed", false, true, true, MN, true, KF_E_AUTH, P25_STEP_NUMBER, 0x07 },
};

static void test_what_is_lacking(void **state)
{
    (void)state;
    world w;
    uint8_t buf[512];
    world_open(&w);
    p25_tek *warm_tek = NULL;
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x7001, w.keys[0], &warm_tek));
    for (size_t i = 0; i < KF_COUNT(lacks); i++) {
        p25_kmm kmm = lacks[i].is_warm ? new_warm_start(&w) : new_rekey(&w, 1);
        p25_seal how = both_layers(&w, P25_MAC_CMAC_C);
        if (lacks[i].is_warm)
            how = (p25_seal){ warm_tek, P25_MAC_CMAC_C, NULL, P25_WEAK_RECEIVE_ONLY };
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &out));
        w.has_tek = lacks[i].has_tek;
        w.has_kek = lacks[i].has_kek;
        w.knows_peer = lacks[i].knows_peer;
        p25_mn_state_init(&w.mn, lacks[i].last, 1000);
        p25_step step;
        uint8_t status;
        kf_err err = try_open(&w, kf_writer_slice(&out), &step, &status);
        if (err != lacks[i].want || step != lacks[i].step || status != lacks[i].status)
            fail_msg("%s: %s, step %d, status %02x", lacks[i].name, kf_err_name(err), (int)step,
                     status);
    }
    p25_tek_free(&warm_tek);
    world_close(&w);
}

/* spec: facts 2.5 - KID 0000 in the trailer; the transported key comes out, verified; another key
 * in the MAC, a UKEK of somebody else: nothing comes out. */
static void test_warm_start(void **state)
{
    (void)state;
    world w;
    static p25_opened opened;
    kf_fault fault;
    uint8_t buf[512];
    p25_tek *right = NULL, *wrong = NULL;
    world_open(&w);
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x7001, w.keys[0], &right));
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x7001, w.keys[1], &wrong));
    for (size_t i = 0; i < 3; i++) {
        p25_kmm kmm = new_warm_start(&w);
        p25_seal how = { i == 1 ? wrong : right, P25_MAC_CBC, NULL, P25_WEAK_RECEIVE_ONLY };
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &out));
        if (i == 2) {
            p25_kek_free(&w.kek);
            assert_ok(p25_kek_new(P25_ALGID_AES256, UKEK, w.keys[3], &w.kek));
        }
        kf_err err = p25_open_dli(&w.opener, P25_SIDE_OTAR, kf_writer_slice(&out), &opened, &fault);
        assert_err(err, i == 0 ? KF_OK : KF_E_AUTH);
        assert_int_equal(opened.frame.mac.kid, 0);
        if (i == 0)
            assert_true(kf_secret_equal(opened.warm_key, w.keys[0]));
        else
            assert_null(opened.warm_key);
        assert_int_equal(opened.kmm.body.warm_start.kid, i == 0 ? 0x7001 : 0);
        p25_opened_clear(&opened);
    }
    p25_tek_free(&right);
    p25_tek_free(&wrong);
    world_close(&w);
}

/* A retry is told from a replay and from other octets under the same number. */
static void test_retries(void **state)
{
    (void)state;
    world w;
    static p25_opened opened;
    kf_fault fault;
    uint8_t first[512], other[512];
    world_open(&w);
    p25_kmm kmm = new_rekey(&w, 1), changed = new_rekey(&w, 2);
    p25_seal how = both_layers(&w, P25_MAC_CMAC_D);
    kf_writer a = kf_writer_init(first, sizeof first), b = kf_writer_init(other, sizeof other);
    assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &a));
    assert_ok(p25_seal_dli(&how, &changed, &w.rng.rng, &b));
    assert_ok(p25_open_dli(&w.opener, P25_SIDE_OTAR, kf_writer_slice(&a), &opened, &fault));
    assert_int_equal(opened.number, P25_MN_FRESH);
    p25_mn_accept(&w.mn, opened.frame.mn, opened.digest);
    p25_opened_clear(&opened);
    assert_ok(p25_open_dli(&w.opener, P25_SIDE_OTAR, kf_writer_slice(&a), &opened, &fault));
    assert_int_equal(opened.number, P25_MN_RETRY);
    p25_opened_clear(&opened);
    p25_step step;
    uint8_t status;
    assert_err(try_open(&w, kf_writer_slice(&b), &step, &status), KF_E_AUTH);
    assert_int_equal(step, P25_STEP_NUMBER);
    assert_int_equal(status, 0x07);
    kmm.frame.has_mn = false; /* and no number at all will not do */
    a = kf_writer_init(first, sizeof first);
    assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &a));
    assert_err(try_open(&w, kf_writer_slice(&a), &step, &status), KF_E_AUTH);
    assert_int_equal(status, 0x07);
    w.judges_numbers = false; /* a KMF compares the number of a response itself */
    assert_ok(try_open(&w, kf_writer_slice(&a), &step, &status));
    world_close(&w);
}

/* spec: facts 1.5 - who may go without what. Sealed by a sender without scruples: on the key fill
 * side nothing is asked. */
static const struct {
    uint8_t message_id;
    bool clear_ok, bare_ok, enhanced_clear_ok;
} table[] = {
    { P25_KMM_HELLO, true, true, false },
    { P25_KMM_NO_SERVICE, true, true, true },
    { P25_KMM_REGISTRATION_CMD, true, true, false },
    { P25_KMM_REGISTRATION_RSP, true, true, false },
    { P25_KMM_DEREGISTRATION_CMD, true, true, false },
    { P25_KMM_DEREGISTRATION_RSP, true, true, false },
    { P25_KMM_CAPABILITIES_CMD, false, false, false },
    { P25_KMM_CHANGEOVER_CMD, false, false, false },
    { P25_KMM_ZEROIZE_CMD, false, false, false },
    { P25_KMM_ZEROIZE_RSP, false, false, false },
    { P25_KMM_REKEY_ACK, false, false, false },
    { P25_KMM_NEGATIVE_ACK, false, false, false },
};

static void check_protection(world *w, size_t row, bool outer, bool mac, p25_level level)
{
    uint8_t buf[512];
    p25_kmm kmm = new_kmm(table[row].message_id);
    p25_seal how = both_layers(w, P25_MAC_CMAC_D);
    how.outer = outer ? how.outer : NULL;
    how.mac = mac ? how.mac : NULL;
    bool permitted = (outer || table[row].clear_ok) && (mac || table[row].bare_ok);
    bool accepted =
        permitted && (level == P25_LEVEL_BASIC || table[row].enhanced_clear_ok || (outer && mac));
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_err(p25_seal_dli(&how, &kmm, &w->rng.rng, &out), permitted ? KF_OK : KF_E_DENIED);
    if (!permitted) {
        assert_int_equal(out.len, 0);
        kmm.side = P25_SIDE_KEYFILL;
        assert_ok(p25_seal_dli(&how, &kmm, &w->rng.rng, &out));
    }
    p25_step step;
    w->level = level;
    kf_err err = try_open(w, kf_writer_slice(&out), &step, NULL);
    if (err != (accepted ? KF_OK : KF_E_DENIED))
        fail_msg("message %02x, outer %d, MAC %d, level %d: %s", table[row].message_id, outer, mac,
                 (int)level, kf_err_name(err));
    assert_int_equal(step, accepted ? P25_STEP_DONE : P25_STEP_PROTECTION);
}

static void test_protection(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    for (size_t row = 0; row < KF_COUNT(table); row++)
        for (unsigned i = 0; i < 8; i++)
            check_protection(&w, row, i & 1, i & 2, i & 4 ? P25_LEVEL_ENHANCED : P25_LEVEL_BASIC);
    p25_tek *warm_tek = NULL; /* a Warm-Start always is clear, and never bare */
    uint8_t buf[512];
    p25_kmm warm = new_warm_start(&w);
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x7001, w.keys[0], &warm_tek));
    kf_writer out = kf_writer_init(buf, sizeof buf);
    p25_seal sealed = { warm_tek, P25_MAC_CMAC_D, w.tek, P25_WEAK_RECEIVE_ONLY };
    p25_seal bare = { NULL, P25_MAC_CMAC_D, NULL, P25_WEAK_RECEIVE_ONLY };
    assert_err(p25_seal_dli(&sealed, &warm, &w.rng.rng, &out), KF_E_DENIED);
    assert_err(p25_seal_dli(&bare, &warm, &w.rng.rng, &out), KF_E_DENIED);
    p25_tek_free(&warm_tek);
    world_close(&w);
}

/* A number that nobody vouches for is not looked at: a forged Hello moves no window. */
static void test_bare_number(void **state)
{
    (void)state;
    world w;
    static p25_opened opened;
    kf_fault fault;
    uint8_t buf[64];
    world_open(&w);
    p25_kmm hello = new_kmm(P25_KMM_HELLO);
    hello.frame.mn = MN - 500;
    p25_seal how = { NULL, P25_MAC_CMAC_D, NULL, P25_WEAK_RECEIVE_ONLY };
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_ok(p25_seal_dli(&how, &hello, &w.rng.rng, &out));
    assert_ok(p25_open_dli(&w.opener, P25_SIDE_OTAR, kf_writer_slice(&out), &opened, &fault));
    assert_false(opened.authenticated);
    assert_int_equal(opened.number, P25_MN_ABSENT);
    p25_opened_clear(&opened);
    world_close(&w);
}

/* Rekey with keys of `key` under `kek`, inside an outer layer of `outer`. The MAC is AES. */
static const struct {
    const char *name;
    uint8_t key, kek, outer;
    p25_weak weak;
    bool erases;
    kf_err seal, open;
} strengths[] = {
    { "AES all through", 0x84, 0x84, 0x84, P25_WEAK_RECEIVE_ONLY, false, KF_OK, KF_OK },
    { "AES key, TDEA KEK", 0x84, 0x83, 0x84, P25_WEAK_ALLOWED, false, KF_E_DENIED, KF_E_DENIED },
    { "AES key, DES outer", 0x84, 0x84, 0x81, P25_WEAK_ALLOWED, false, KF_E_DENIED, KF_E_DENIED },
    { "AES key, no wrap", 0x84, 0x80, 0x84, P25_WEAK_ALLOWED, false, KF_E_DENIED, KF_E_DENIED },
    { "DES key, by policy", 0x81, 0x81, 0x84, P25_WEAK_RECEIVE_ONLY, false, KF_E_DENIED, KF_OK },
    { "DES key, allowed", 0x81, 0x81, 0x81, P25_WEAK_ALLOWED, false, KF_OK, KF_OK },
    { "DES outer, by policy", 0x84, 0x84, 0x81, P25_WEAK_RECEIVE_ONLY, true, KF_E_DENIED, KF_OK },
    { "erasing a DES key", 0x81, 0x80, 0x84, P25_WEAK_RECEIVE_ONLY, true, KF_OK, KF_OK },
    { "TDEA under AES: no form known, a status of its own", 0x83, 0x84, 0x84, P25_WEAK_RECEIVE_ONLY,
      false, KF_E_UNSUPPORTED, KF_OK },
};

static void test_strength(void **state)
{
    (void)state;
    world w;
    uint8_t buf[512];
    world_open(&w);
    for (size_t i = 0; i < KF_COUNT(strengths); i++) {
        p25_kmm kmm = new_rekey(&w, 1);
        p25_rekey *r = &kmm.body.rekey;
        r->decryption.algid = strengths[i].kek;
        if (strengths[i].kek == P25_ALGID_CLEAR)
            r->decryption.kid = 0;
        r->keysets[0].algid = strengths[i].key;
        r->items[0].erase = strengths[i].erases;
        p25_seal how = both_layers(&w, P25_MAC_CMAC_D);
        how.outer = strengths[i].outer == P25_ALGID_DES ? w.des : w.tek;
        how.weak = strengths[i].weak;
        kf_writer out = kf_writer_init(buf, sizeof buf);
        kf_err err = p25_seal_dli(&how, &kmm, &w.rng.rng, &out);
        if (err != strengths[i].seal)
            fail_msg("%s: seal %s", strengths[i].name, kf_err_name(err));
        if (err != KF_OK) { /* the same from a sender without scruples */
            kmm.side = P25_SIDE_KEYFILL;
            how.weak = P25_WEAK_ALLOWED;
            assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &out));
        }
        err = try_open(&w, kf_writer_slice(&out), NULL, NULL);
        if (err != strengths[i].open)
            fail_msg("%s: open %s", strengths[i].name, kf_err_name(err));
    }
    world_close(&w);
}

/* No randomness, no room, too long, a MAC that is not AES: refused, and nothing is left behind. */
static void test_sealing_fails(void **state)
{
    (void)state;
    world w;
    uint8_t buf[600], before[600];
    p25_outer_sync sync;
    world_open(&w);
    p25_kmm kmm = new_rekey(&w, 4);
    p25_seal how = both_layers(&w, P25_MAC_CMAC_D);
    memset(buf, 0, sizeof buf);
    memset(before, 0, sizeof before);
    for (size_t budget = 0; budget < 8; budget++) {
        w.rng.budget = budget;
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_err(p25_seal_dli(&how, &kmm, &w.rng.rng, &out), KF_E_BACKEND);
        assert_int_equal(out.len, 0);
        assert_err(p25_seal_kmm(&how, &kmm, &w.rng.rng, &sync, &out), KF_E_BACKEND);
        assert_int_equal(sync.algid, 0);
        assert_memory_equal(buf, before, sizeof buf);
    }
    w.rng.budget = SIZE_MAX;
    kf_writer whole = kf_writer_init(buf, sizeof buf);
    assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &whole));
    for (size_t cap = 0; cap < whole.len; cap++) {
        kf_writer out = kf_writer_init(buf, cap);
        assert_err(p25_seal_dli(&how, &kmm, &w.rng.rng, &out), KF_E_NO_SPACE);
        assert_int_equal(out.len, 0);
    }
    how.mac = w.des; /* spec: facts 2.4 - no DES MAC; and it is weaker than the keys anyway */
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_err(p25_seal_dli(&how, &kmm, &w.rng.rng, &out), KF_E_DENIED);
    p25_kmm zeroize = new_kmm(P25_KMM_ZEROIZE_CMD);
    assert_err(p25_seal_dli(&how, &zeroize, &w.rng.rng, &out), KF_E_UNSUPPORTED);
    assert_int_equal(out.len, 0);
    world_close(&w);
}

/* spec: facts C2 - 462 octets are sent over the DLI, one more is not. */
static void test_longest(void **state)
{
    (void)state;
    world w;
    static uint8_t body[512];
    uint8_t buf[600];
    world_open(&w);
    for (size_t total = 460; total <= 466; total++) {
        p25_kmm kmm = new_kmm(P25_KMM_KEY_ASSIGNMENT_CMD);
        kmm.is_opaque = true;
        kmm.body.opaque = (kf_slice){ body, total - 12 - 13 };
        p25_seal how = both_layers(&w, P25_MAC_CMAC_D);
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_err(p25_seal_dli(&how, &kmm, &w.rng.rng, &out),
                   total <= 462 ? KF_OK : KF_E_NO_SPACE);
        assert_int_equal(out.len, total <= 462 ? total + 14 : 0);
        if (total <= 462)
            assert_ok(try_open(&w, kf_writer_slice(&out), NULL, NULL));
    }
    world_close(&w);
}

/* The preamble: another vendor's, an MI of zeros, an algorithm nobody has. */
static const struct {
    const char *name;
    size_t at, count;
    uint8_t value;
    kf_err want;
    p25_step step;
    uint8_t status;
} preambles[] = {
    { "MFID", 1, 1, 0x90, KF_E_UNSUPPORTED, P25_STEP_DATAGRAM, 0x0a },
    { "MI", 5, 8, 0x00, KF_E_MALFORMED, P25_STEP_OUTER, 0x0c },
    { "ALGID", 2, 1, 0x02, KF_E_UNSUPPORTED, P25_STEP_OUTER, 0x09 },
    { "KID", 3, 2, 0x77, KF_E_STATE, P25_STEP_OUTER, 0x08 },
    { "another MI", 5, 8, 0x01, KF_E_AUTH, P25_STEP_FRAME, 0x06 },
};

static void test_preambles(void **state)
{
    (void)state;
    world w;
    uint8_t buf[512];
    world_open(&w);
    for (size_t i = 0; i < KF_COUNT(preambles); i++) {
        p25_kmm kmm = new_rekey(&w, 1);
        p25_seal how = both_layers(&w, P25_MAC_CMAC_D);
        kf_writer out = kf_writer_init(buf, sizeof buf);
        assert_ok(p25_seal_dli(&how, &kmm, &w.rng.rng, &out));
        memset(buf + preambles[i].at, preambles[i].value, preambles[i].count);
        p25_step step;
        uint8_t status;
        kf_err err = try_open(&w, kf_writer_slice(&out), &step, &status);
        if (step == P25_STEP_FRAME && preambles[i].step == step) /* nonsense: any refusal */
            assert_int_not_equal(err, KF_OK);
        else
            assert_err(err, preambles[i].want);
        assert_int_equal(step, preambles[i].step);
        assert_int_equal(status, preambles[i].status);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_rekey),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_every_bit_and_prefix),
        cmocka_unit_test(test_what_is_lacking),
        cmocka_unit_test(test_warm_start),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_protection),
        cmocka_unit_test(test_bare_number),
        cmocka_unit_test(test_strength),
        cmocka_unit_test(test_sealing_fails),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_preambles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

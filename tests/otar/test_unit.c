/* The subscriber against the recorded dialogue, and on its own: refusals, retries, inventories. */
#include <string.h>

#include "otar/unit.h"
#include "support/testing.h"

#define KMF_RSI 0x98967fu
#define SU_RSI  0x012345u

/* A subscriber with a tape of its last record. */
typedef struct rig {
    testing_rng rng;
    otar_unit *unit;
    size_t record_len;
    uint8_t record[8192];
    bool store_fails;
    size_t saves;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out;
    p25_tek *tek; /* of the KMF we play */
    p25_kek *kek;
    unsigned refusals;
} rig;

static kf_err save(void *ctx, uint32_t slot, kf_slice record)
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

static void watch(void *ctx, const otar_event *e)
{
    if (e->kind == OTAR_EV_REFUSED)
        ((rig *)ctx)->refusals++;
}

static void rig_start(rig *r)
{
    const otar_unit_config config = { .rsi = SU_RSI,
                                      .kmf_rsi = KMF_RSI,
                                      .first_scheme = P25_MAC_CBC };
    assert_ok(otar_unit_new(&config, &(otar_store){ save, r }, &(otar_watch){ watch, r },
                            &r->rng.rng, (kf_slice){ r->record, r->record_len }, &r->unit));
}

static void rig_open(rig *r)
{
    memset(r, 0, sizeof *r);
    testing_rng_init(&r->rng, "otar unit");
    rig_start(r);
}

static void rig_close(rig *r)
{
    otar_unit_free(&r->unit);
    p25_tek_free(&r->tek);
    p25_kek_free(&r->kek);
}

static kf_slice give(rig *r, kf_slice datagram)
{
    r->out = kf_writer_init(r->buf, sizeof r->buf);
    assert_ok(otar_unit_receive(r->unit, 1000, datagram, &r->out));
    return kf_writer_slice(&r->out);
}

static void load(rig *r, uint8_t keyset, uint16_t sln, uint16_t kid, uint8_t fill)
{
    uint8_t octets[32];
    kf_secret *key = NULL;
    const otar_key where = { .keyset = keyset,
                             .sln = sln,
                             .algid = P25_ALGID_AES256,
                             .kid = kid,
                             .is_kek = keyset == OTAR_KEK_KEYSET };
    memset(octets, fill, sizeof octets);
    assert_ok(kf_secret_new_from(octets, sizeof octets, &key));
    assert_ok(otar_unit_load(r->unit, &where, &key));
}

/* The KMF we play, with a common TEK 0x1001 (01..01) and the UKEK F5A0 (02..02). */
static void play_kmf(rig *r)
{
    kf_secret *tek =
        testing_secret_hex("0101010101010101010101010101010101010101010101010101010101010101");
    kf_secret *kek =
        testing_secret_hex("0202020202020202020202020202020202020202020202020202020202020202");
    load(r, 1, 1, 0x1001, 1);
    load(r, OTAR_KEK_KEYSET, 0xf001, 0xf5a0, 2);
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x1001, tek, &r->tek));
    assert_ok(p25_kek_new(P25_ALGID_AES256, 0xf5a0, kek, &r->kek));
    kf_secret_free(&tek);
    kf_secret_free(&kek);
}

static kf_slice seal(rig *r, p25_kmm *kmm, uint16_t mn, uint8_t *buf)
{
    const p25_seal how = { .mac = r->tek, .scheme = P25_MAC_CBC, .outer = r->tek };
    kf_writer w = kf_writer_init(buf, P25_DLI_DATAGRAM_MAX);
    if (kmm->frame.destination_rsi == 0)
        kmm->frame.destination_rsi = SU_RSI;
    kmm->frame.source_rsi = KMF_RSI;
    kmm->frame.has_mn = true;
    kmm->frame.mn = mn;
    assert_ok(p25_seal_dli(&how, kmm, &r->rng.rng, &w));
    return kf_writer_slice(&w);
}

static p25_tek *our_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    rig *r = ctx;
    return algid == P25_ALGID_AES256 && kid == 0x1001 ? r->tek : NULL;
}

static p25_mac_peer any_mac;

static bool any_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    (void)ctx;
    (void)frame;
    *out = (p25_peer){ &any_mac, NULL, P25_LEVEL_BASIC, true };
    return true;
}

/* The answer, opened; clear with p25_opened_clear(). */
static void ask(rig *r, p25_kmm *kmm, uint16_t mn, p25_opened *answer)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    const p25_opener with = { r, our_tek, NULL, any_peer };
    kf_fault fault;
    kmm->frame.response_kind = P25_RK3_IMMEDIATE;
    kf_slice got = give(r, seal(r, kmm, mn, buf));
    assert_true(got.len > 0);
    assert_ok(p25_open_dli(&with, P25_SIDE_OTAR, got, answer, &fault));
    assert_int_equal(answer->frame.mn, mn);
}

/* ---- the recorded dialogue ---- */

/* Our answer under our MI, without its outer layer, is octet for octet the recorded one. */
static void assert_answer(kf_slice got, kf_slice want, kf_secret *key, uint16_t kid)
{
    uint8_t clear[P25_KMM_OCTETS_MAX];
    p25_tek *tek = NULL;
    p25_dli dli;
    kf_fault fault;
    assert_ok(p25_dli_parse(got, NULL, &dli, &fault));
    assert_int_equal(dli.sync.kid, kid);
    memcpy(clear, dli.kmm.ptr, dli.kmm.len);
    assert_ok(p25_tek_new(P25_ALGID_AES256, kid, key, &tek));
    assert_ok(p25_outer_apply(tek, dli.sync.mi, clear, dli.kmm.len));
    p25_tek_free(&tek);
    assert_slice_equal(((kf_slice){ clear, dli.kmm.len }), want);
}

static void step(rig *r, vectors_file *f, const char *command, const char *answer, const char *key,
                 uint16_t kid)
{
    uint8_t in[P25_DLI_DATAGRAM_MAX], want[P25_KMM_OCTETS_MAX], first[P25_DLI_DATAGRAM_MAX];
    kf_slice dli = testing_field(testing_case(f, command), "dli", in, sizeof in);
    kf_slice got = give(r, dli);
    if (answer == NULL) {
        assert_int_equal(got.len, 0);
        return;
    }
    kf_secret *secret = testing_secret_hex(key);
    assert_answer(got, testing_field(testing_case(f, answer), "kmm", want, sizeof want), secret,
                  kid);
    kf_secret_free(&secret);
    /* A retry, after a restart too, is answered identically. */
    memcpy(first, got.ptr, got.len);
    const size_t len = got.len;
    assert_slice_equal(give(r, dli), ((kf_slice){ first, len }));
    otar_unit_free(&r->unit);
    rig_start(r);
    assert_slice_equal(give(r, dli), ((kf_slice){ first, len }));
}

static void load_dialogue_ukek(rig *r, vectors_file *f)
{
    uint8_t buf[32];
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a0,
                             .is_kek = true };
    kf_secret *ukek =
        testing_secret(testing_field(testing_case(f, "cbc-setup"), "ukek", buf, sizeof buf));
    assert_ok(otar_unit_load(r->unit, &where, &ukek));
}

#define KEY_1001 "07D13C447E33051EEEF95A60E56143D6C43BCAD76C008A9B0A6B5FC933154A6D"
#define KEY_1101 "353713827AC883D7FB9659234074F5258F6C68082389D2E47F1E175A90BC432F"
#define KEY_7A31 "EA8ED02A82A175930F2337CD3794C52208006D6B1AF0C0CBD625658AAC2C9FAA"

static void dialogue(void **state)
{
    static rig r;
    vectors_file f;
    uint8_t want[64];
    (void)state;
    rig_open(&r);
    testing_vectors_load("p25-kmm-dialogue.txt", &f);
    load_dialogue_ukek(&r, &f);
    r.out = kf_writer_init(r.buf, sizeof r.buf);
    assert_ok(otar_unit_register(r.unit, true, &r.out));
    kf_slice recorded =
        testing_field(testing_case(&f, "cbc-01-registration-cmd"), "dli", want, sizeof want);
    assert_slice_equal(kf_writer_slice(&r.out), recorded);
    step(&r, &f, "cbc-02-registration-rsp", NULL, NULL, 0);
    assert_true(otar_unit_is_registered(r.unit));
    r.out = kf_writer_init(r.buf, sizeof r.buf);
    assert_ok(otar_unit_hello(r.unit, true, &r.out));
    recorded = testing_field(testing_case(&f, "cbc-03-hello"), "dli", want, sizeof want);
    assert_slice_equal(kf_writer_slice(&r.out), recorded);

    /* No restart here: a temporary key does not outlive one. */
    uint8_t in[P25_DLI_DATAGRAM_MAX];
    kf_slice dli = testing_field(testing_case(&f, "cbc-04-warm-start"), "dli", in, sizeof in);
    kf_secret *temporary = testing_secret_hex(KEY_7A31);
    kf_slice got = give(&r, dli);
    assert_answer(got, testing_field(testing_case(&f, "cbc-05-rekey-ack"), "kmm", want, 64),
                  temporary, 0x7a31);
    kf_secret_free(&temporary);
    assert_non_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    step(&r, &f, "cbc-06-rekey-cmd", "cbc-07-rekey-ack", KEY_1001, 0x1001);
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x1001);
    assert_int_equal(otar_unit_current(r.unit, 2)->kid, 0x1002);
    step(&r, &f, "cbc-08-changeover-cmd", "cbc-09-changeover-rsp", KEY_1001, 0x1001);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x1101);
    assert_non_null(otar_unit_named(r.unit, P25_ALGID_AES256, 0x1001));
    step(&r, &f, "cbc-10-zeroize-cmd", "cbc-11-zeroize-rsp", KEY_1101, 0x1101);
    assert_int_equal(otar_unit_keys(r.unit)->count, 0);
    vectors_clear(&f);
    rig_close(&r);
}

/* ---- refusals ---- */

static void expect_nack(rig *r, kf_slice datagram, uint8_t status)
{
    const p25_opener with = { r, our_tek, NULL, any_peer };
    static p25_opened in;
    kf_fault fault;
    kf_slice got = give(r, datagram);
    assert_true(got.len > 0);
    assert_ok(p25_open_dli(&with, P25_SIDE_OTAR, got, &in, &fault));
    assert_int_equal(in.frame.message_id, P25_KMM_NEGATIVE_ACK);
    assert_int_equal(in.kmm.body.negative_ack.status, status);
    p25_opened_clear(&in);
}

static p25_kmm command(uint8_t id)
{
    return (p25_kmm){ .frame = { .message_id = id, .response_kind = P25_RK3_IMMEDIATE } };
}

static void refusals(void **state)
{
    static rig r;
    static p25_opened in;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r);
    play_kmf(&r);
    p25_kmm kmm = command(P25_KMM_CAPABILITIES_CMD);
    ask(&r, &kmm, 5, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_CAPABILITIES_RSP);
    p25_opened_clear(&in);
    /* same number, other octets; a number of the past; one beyond the window */
    kmm = command(P25_KMM_ZEROIZE_CMD);
    expect_nack(&r, seal(&r, &kmm, 5, buf), 0x07);
    expect_nack(&r, seal(&r, &kmm, 4, buf), 0x07);
    expect_nack(&r, seal(&r, &kmm, 5 + P25_MNP_DEFAULT + 1, buf), 0x07);
    assert_non_null(otar_unit_current(r.unit, 1));
    /* a message whose body nobody knows */
    kmm = command(P25_KMM_DELETE_KEYSET_CMD);
    kmm.is_opaque = true;
    expect_nack(&r, seal(&r, &kmm, 6, buf), 0x03);
    /* each bit of the MAC, through the outer layer */
    kmm = command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = seal(&r, &kmm, 7, buf);
    for (size_t bit = 0; bit < 64; bit++) {
        buf[good.len - 13 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_nack(&r, good, 0x04);
        buf[good.len - 13 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* the key named by the MAC is unknown: its KID stands before the last octet */
    buf[good.len - 2] ^= 0x40;
    expect_nack(&r, good, 0x02);
    /* an outer key we do not have: Unable-to-Decrypt, in the clear */
    buf[4] ^= 0x40;
    kf_slice got = give(&r, good);
    assert_true(got.len > P25_DLI_OCTETS);
    assert_int_equal(got.ptr[2], P25_ALGID_CLEAR);
    assert_int_equal(got.ptr[P25_DLI_OCTETS], P25_KMM_UNABLE_TO_DECRYPT);
    assert_non_null(otar_unit_current(r.unit, 1));
    rig_close(&r);
}

/* A clear or bare command is dropped, and so is every truncation; none of it may touch a key. */
static void dropped(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r);
    play_kmf(&r);
    /* a Zeroize without layers, from the codec alone */
    p25_kmm kmm = command(P25_KMM_ZEROIZE_CMD);
    kmm.frame.source_rsi = KMF_RSI;
    kmm.frame.destination_rsi = SU_RSI;
    kmm.frame.has_mn = true;
    kmm.frame.mn = 1;
    kf_writer w = kf_writer_init(buf, sizeof buf);
    p25_dli_encode(&(p25_dli){ .sync.algid = P25_ALGID_CLEAR }, &w);
    p25_kmm_encode(&kmm, &w);
    assert_ok(w.err);
    assert_int_equal(give(&r, kf_writer_slice(&w)).len, 0);
    /* a Hello that asks for an answer it must not get, and must not stop us */
    p25_kmm hello = command(P25_KMM_HELLO);
    hello.frame.source_rsi = KMF_RSI;
    hello.frame.destination_rsi = SU_RSI;
    w = kf_writer_init(buf, sizeof buf);
    p25_dli_encode(&(p25_dli){ .sync.algid = P25_ALGID_CLEAR }, &w);
    p25_kmm_encode(&hello, &w);
    assert_int_equal(give(&r, kf_writer_slice(&w)).len, 0);
    kmm = command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = seal(&r, &kmm, 1, buf);
    for (size_t len = 0; len < good.len; len++)
        (void)give(&r, (kf_slice){ buf, len });
    assert_int_equal(otar_unit_keys(r.unit)->count, 2);
    assert_true(give(&r, good).len > 0);
    assert_int_equal(otar_unit_keys(r.unit)->count, 0);
    rig_close(&r);
}

/* Group-addressed: carried out, never answered, each RSI with its own numbers. */
static void group_is_silent(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r);
    play_kmf(&r);
    load(&r, 2, 1, 0x1101, 3);
    assert_ok(otar_unit_join(r.unit, 0x777777));
    p25_kmm kmm = command(P25_KMM_CHANGEOVER_CMD);
    kmm.frame.destination_rsi = 0x777777;
    kmm.body.changeover.count = 1;
    kmm.body.changeover.pairs[0].superseded = 1;
    kmm.body.changeover.pairs[0].activated = 2;
    assert_int_equal(give(&r, seal(&r, &kmm, 1, buf)).len, 0);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x1101);
    assert_int_equal(give(&r, seal(&r, &kmm, 1, buf)).len, 0); /* refused in silence too */
    kmm.frame.destination_rsi = 0x777778;                      /* not ours */
    assert_int_equal(give(&r, seal(&r, &kmm, 2, buf)).len, 0);
    rig_close(&r);
}

/* When the record cannot be written, nothing goes out and the machine stops; the record is whole.
 */
static void store_failure(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r);
    play_kmf(&r);
    p25_kmm kmm = command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = seal(&r, &kmm, 1, buf);
    r.store_fails = true;
    r.out = kf_writer_init(r.buf, sizeof r.buf);
    assert_err(otar_unit_receive(r.unit, 1000, good, &r.out), KF_E_BACKEND);
    assert_int_equal(r.out.len, 0);
    assert_err(otar_unit_receive(r.unit, 1000, good, &r.out), KF_E_STATE);
    r.store_fails = false;
    otar_unit_free(&r.unit);
    rig_start(&r);
    assert_int_equal(otar_unit_keys(r.unit)->count, 2);
    assert_true(give(&r, good).len > 0);
    rig_close(&r);
    /* every truncated record is refused */
    for (size_t len = 1; len < r.record_len; len++) {
        const otar_unit_config config = { .rsi = SU_RSI, .kmf_rsi = KMF_RSI };
        otar_unit *unit = NULL;
        assert_int_not_equal(otar_unit_new(&config, &(otar_store){ save, &r }, &(otar_watch){ 0 },
                                           &r.rng.rng, (kf_slice){ r.record, len }, &unit),
                             KF_OK);
        assert_null(unit);
    }
}

static void inventory_in_pages(void **state)
{
    static rig r;
    static p25_opened in;
    (void)state;
    rig_open(&r);
    play_kmf(&r);
    for (uint16_t i = 0; i < 99; i++)
        load(&r, 1, (uint16_t)(100 + i), (uint16_t)(0x2000 + i), 9);
    uint32_t marker = 0;
    size_t seen = 0, pages = 0;
    do {
        p25_kmm kmm = command(P25_KMM_INVENTORY_CMD);
        kmm.body.inventory_cmd.type = P25_INVENTORY_ACTIVE_KEYS;
        kmm.body.inventory_cmd.marker = marker;
        kmm.body.inventory_cmd.max_items = 75;
        ask(&r, &kmm, (uint16_t)(1 + pages), &in);
        const p25_active_keys *keys = &in.kmm.body.inventory_rsp.of.keys;
        assert_true(keys->count <= 75);
        for (size_t i = 0; i < keys->count; i++)
            if (seen + i > 1 && keys->keys[i].keyset == 1)
                assert_int_equal(keys->keys[i].sln, 98 + seen + i);
        seen += keys->count;
        marker = keys->marker;
        pages++;
        p25_opened_clear(&in);
    } while (marker != 0 && pages < 9);
    assert_int_equal(seen, 101); /* the UKEK's keyset is always active */
    assert_int_equal(pages, 2);
    p25_kmm kmm = command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = P25_INVENTORY_RSIS;
    ask(&r, &kmm, 9, &in);
    assert_int_equal(in.kmm.body.inventory_rsp.of.rsis.count, 1);
    assert_int_equal(in.kmm.body.inventory_rsp.of.rsis.items[0].rsi, SU_RSI);
    p25_opened_clear(&in);
    rig_close(&r);
}

int main(void)
{
    p25_mac_peer_init(&any_mac, P25_MAC_AUTO, P25_MAC_CBC);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialogue),      cmocka_unit_test(refusals),
        cmocka_unit_test(dropped),       cmocka_unit_test(group_is_silent),
        cmocka_unit_test(store_failure), cmocka_unit_test(inventory_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

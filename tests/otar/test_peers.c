/*
 * Mistakes and habits of peers that are known (project facts 2.7, 7 and 8): what each machine does
 * when it meets one. A row names its fact. Rows that the codec can only see as a whole machine
 * sees them are here; octet by octet the codec has its own tests.
 */
#include "otar/pair.h"
#include "otar/rig.h"

static p25_opened in;

typedef struct peer_row {
    const char *fact;
    unsigned deviation; /* p25_deviation bit that it is, or 0 */
    void (*meet)(void);
} peer_row;

static rig r;

static void open_unit(void)
{
    rig_open_keyed(&r, P25_LEVEL_BASIC);
}

static size_t unit_keys(void)
{
    return otar_unit_keys(r.unit)->count;
}

/* Seal octets that our encoder would never make: a frame with the right MAC around any body. */
static kf_slice seal_octets(uint8_t id, kf_slice body, uint16_t mn, uint8_t *buf)
{
    p25_kmm kmm = rig_command(id);
    kmm.is_opaque = true;
    kmm.body.opaque = body;
    return rig_seal(&r, &kmm, mn, buf);
}

/* ---- what a subscriber meets ---- */

static void kek_as_mac_key(void)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_secret *key = rig_key(UKEK_FILL);
    p25_tek *wrong = NULL;
    assert_ok(p25_tek_new(P25_ALGID_AES256, UKEK_KID, key, &wrong));
    kf_secret_free(&key);
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kmm.frame.has_mn = true;
    kmm.frame.mn = 1;
    rig_expect_nack(&r, rig_seal_by(&r, wrong, r.tek, &kmm, buf), P25_KMM_ZEROIZE_CMD, 0x02);
    assert_int_equal(unit_keys(), 2);
    p25_tek_free(&wrong);
}

/* A TEK flagged as KEK is not put among the TEKs, where it would never be used. */
static void tek_flagged_as_kek(void)
{
    uint8_t wrapped[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    kmm.body.rekey.items[0].is_kek = true;
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.rekey_ack.keys[0].status, 0x01);
    p25_opened_clear(&in);
    assert_null(otar_unit_current(r.unit, 2));
}

/* The version octet left out, so that the MI stands one octet early. */
static void mi_one_octet_early(void)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], early[P25_DLI_DATAGRAM_MAX];
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = rig_seal(&r, &kmm, 1, buf);
    memcpy(early, buf, good.len);
    memmove(early + 4, buf + 5, 8);
    early[12] = 0;
    const kf_slice got = rig_give(&r, (kf_slice){ early, good.len });
    if (got.len > 0) { /* nonsense under a key of another name */
        rig_read(&r, got, &in);
        assert_int_equal(in.frame.message_id, P25_KMM_UNABLE_TO_DECRYPT);
        p25_opened_clear(&in);
    }
    assert_int_equal(unit_keys(), 2);
}

/* Types one too low would ask for something else: we answer the type that was asked. */
static void inventory_one_too_low(void)
{
    p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = P25_INVENTORY_ACTIVE_KIDS - 1;
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.inventory_rsp.type, P25_INVENTORY_INACTIVE_KEYSETS);
    p25_opened_clear(&in);
}

/* More than 255 octets under one keystream; the mistake garbled all from 240 on. */
static void long_message(void)
{
    static uint8_t wrapped[8][P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    for (uint16_t i = 0; i < 8; i++)
        rig_add_key(&r, &kmm, (uint16_t)(10 + i), (uint16_t)(0x2000 + i), 7, wrapped[i]);
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.rekey_ack.count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(in.kmm.body.rekey_ack.keys[i].status, 0x00);
    p25_opened_clear(&in);
    assert_int_equal(otar_unit_current(r.unit, 17)->kid, 0x2007);
}

static void number_zero(void)
{
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    uint32_t mn = 0;
    while (mn < 65536) { /* once round, to where 0 is the next number */
        mn = mn + P25_MNP_DEFAULT < 65536 ? mn + P25_MNP_DEFAULT : 65536;
        rig_ask(&r, &kmm, (uint16_t)mn, &in);
        assert_true(in.frame.has_mn);
        p25_opened_clear(&in);
    }
}

/* The acknowledged message has its own field; the frame's identifier is that of the answer. */
static void acknowledged_identifier(void)
{
    uint8_t wrapped[P25_WRAPPED_MAX], buf[P25_DLI_DATAGRAM_MAX];
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.frame.octets.ptr[0], P25_KMM_REKEY_ACK);
    assert_int_equal(in.frame.body.ptr[0], P25_KMM_REKEY_CMD);
    p25_opened_clear(&in);
    kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    rig_read(&r, rig_give(&r, rig_seal(&r, &kmm, 1, buf)), &in);
    assert_int_equal(in.frame.octets.ptr[0], P25_KMM_NEGATIVE_ACK);
    assert_int_equal(in.frame.body.ptr[0], P25_KMM_ZEROIZE_CMD);
    assert_int_equal(in.frame.body.len, 4); /* the long form is what we send */
    p25_opened_clear(&in);
}

/* Counts that do not match the length: nothing is taken, not even the keys that are whole. */
static void wrong_counts(void)
{
    static const uint8_t changeovers[][5] = { { 2, 1, 2 }, { 0, 1, 2 }, { 1, 1, 2, 1, 2 } };
    static const size_t lens[] = { 3, 3, 5 };
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    rig_load(&r, 2, 1, 0x1101, 3);
    for (size_t i = 0; i < 3; i++) {
        kf_slice datagram =
            seal_octets(P25_KMM_CHANGEOVER_CMD, (kf_slice){ changeovers[i], lens[i] }, 1, buf);
        assert_int_equal(rig_give(&r, datagram).len, 0);
        assert_int_equal(otar_unit_current(r.unit, 1)->kid, TEK_KID);
    }
    assert_true(
        rig_give(&r, seal_octets(P25_KMM_CHANGEOVER_CMD, (kf_slice){ changeovers[2], 3 }, 1, buf))
            .len > 0);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x1101);
}

static void erase_flag_is_seen(void)
{
    static const uint8_t zeros[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    kmm.body.rekey.item_count = kmm.body.rekey.keysets[0].count = 1;
    kmm.body.rekey.items[0] =
        (p25_key_item){ .erase = true, .sln = 1, .kid = TEK_KID, .key = KF_SLICE_OF(zeros) };
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.rekey_ack.keys[0].status, 0x00);
    p25_opened_clear(&in);
    assert_null(otar_unit_current(r.unit, 1));
}

static void zeroize_with_an_octet(void)
{
    static const uint8_t one = 0;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    rig_read(&r, rig_give(&r, seal_octets(P25_KMM_ZEROIZE_CMD, (kf_slice){ &one, 1 }, 1, buf)),
             &in);
    assert_int_equal(in.frame.message_id, P25_KMM_ZEROIZE_RSP);
    p25_opened_clear(&in);
    assert_int_equal(unit_keys(), 0);
}

/* A key loader asks for the RSIs before anything else. */
static void rsis_first(void)
{
    p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = P25_INVENTORY_RSIS;
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.inventory_rsp.of.rsis.items[0].rsi, SU_RSI);
    p25_opened_clear(&in);
}

/* The D bit means one thing or the other (C1): nothing depends on it. */
static void continuation_bit(void)
{
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    kmm.frame.more_follows = true;
    rig_ask(&r, &kmm, 1, &in);
    assert_false(in.frame.more_follows); /* ours: 0 on single messages */
    p25_opened_clear(&in);
}

/* A keyset of another crypto group than its keys: the whole item is refused, nothing stored. */
static void impossible_place(void)
{
    uint8_t wrapped[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(2, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 0x1001, 0x1004, 4, wrapped);
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.kmm.body.rekey_ack.keys[0].status, 0x01);
    p25_opened_clear(&in);
    assert_int_equal(unit_keys(), 2);
}

/* Motorola's manufacturer's octet in the preamble: not ours to read, and not to act on. */
static void another_mfid(void)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = rig_seal(&r, &kmm, 1, buf);
    buf[1] = P25_MFID_MOTOROLA;
    assert_int_equal(rig_give(&r, good).len, 0);
    assert_int_equal(unit_keys(), 2);
    assert_int_equal(r.last.status, 0x0a);
}

/* ---- what a KMF meets ---- */

static pair p;

static p25_kmm from_unit(uint8_t id)
{
    return (p25_kmm){ .frame = {
                          .message_id = id, .source_rsi = PAIR_RSI, .destination_rsi = KMF_RSI } };
}

static kf_slice next_of_kmf(uint8_t *buf)
{
    kf_writer out = kf_writer_init(buf, P25_DLI_DATAGRAM_MAX);
    uint32_t rsi = 0;
    assert_ok(otar_kmf_next(p.kmf, p.now, &rsi, &out));
    return kf_writer_slice(&out);
}

/* A radio that answers with a Negative-Ack of two octets, without the number. */
static void short_negative_ack(void)
{
    static const uint8_t body[] = { P25_KMM_INVENTORY_CMD, 0x01 };
    uint8_t buf[P25_DLI_DATAGRAM_MAX], sealed[P25_DLI_DATAGRAM_MAX];
    pair_open(&p, P25_LEVEL_BASIC);
    join(&p, 1);
    register_unit(&p);
    run(&p);
    assert_ok(otar_kmf_inventory(p.kmf, PAIR_RSI));
    assert_true(next_of_kmf(buf).len > 0);
    const unsigned before = p.told[OTAR_EV_REFUSED];
    p25_tek *tek = otar_kmf_key(p.kmf, 1, true)->tek;
    const p25_seal how = { .mac = tek, .scheme = P25_MAC_CMAC_D, .outer = tek };
    p25_kmm kmm = from_unit(P25_KMM_NEGATIVE_ACK);
    kmm.is_opaque = true;
    kmm.body.opaque = KF_SLICE_OF(body);
    kmm.frame.has_mn = true;
    for (uint16_t mn = 1; p.told[OTAR_EV_REFUSED] == before || mn < 12; mn++) {
        kf_writer w = kf_writer_init(sealed, sizeof sealed);
        assert_true(mn < 12);
        kmm.frame.mn = mn;
        assert_ok(p25_seal_dli(&how, &kmm, &p.rng.rng, &w));
        tell_kmf(&p, kf_writer_slice(&w));
        if (next_of_kmf(buf).len > 0) /* taken: it goes on at once instead of waiting for a retry */
            break;
    }
    run(&p);
    p.now += 5; /* the question that the sealed answer replaced is asked again */
    run(&p);
    assert_true(is_settled(&p));
    pair_close(&p);
}

/* Body format bit 6 of a Registration (C4): accepted, and its disputed meaning not used. */
static void registration_bit(void)
{
    static const uint8_t body[] = { 0x40, 0x98, 0x96, 0x7f };
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    otar_unit_status s;
    pair_open(&p, P25_LEVEL_BASIC);
    p25_kmm kmm = from_unit(P25_KMM_REGISTRATION_CMD);
    kmm.frame.response_kind = P25_RK3_IMMEDIATE;
    kmm.is_opaque = true;
    kmm.body.opaque = KF_SLICE_OF(body);
    tell_kmf(&p, rig_bare(&kmm, buf));
    assert_ok(otar_kmf_status(p.kmf, PAIR_RSI, &s));
    assert_true(s.is_registered);
    assert_true(otar_unit_is_registered(p.unit));
    pair_close(&p);
}

/* A delayed response is dropped, and so is a clear acknowledgment. */
static void unprotected_acknowledgment(void)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], bare[P25_DLI_DATAGRAM_MAX];
    pair_open(&p, P25_LEVEL_BASIC);
    join(&p, 1);
    register_unit(&p);
    assert_true(next_of_kmf(buf).len > 0); /* the warm start */
    for (unsigned kind = P25_RK1_NONE; kind <= P25_RK3_IMMEDIATE; kind++) {
        p25_kmm kmm = from_unit(P25_KMM_REKEY_ACK);
        kmm.frame.response_kind = (p25_response_kind)kind;
        kmm.frame.has_mn = true;
        kmm.frame.mn = 1;
        kmm.body.rekey_ack.acked_id = P25_KMM_WARM_START_CMD;
        tell_kmf(&p, rig_bare(&kmm, bare));
    }
    assert_int_equal(p.told[OTAR_EV_ACKNOWLEDGED], 0);
    assert_int_equal(next_of_kmf(buf).len, 0); /* it still waits */
    pair_close(&p);
}

/* Not registered yet: a Hello counts for nothing over IP (facts 1.4.2). */
static void hello_before_registration(void)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    pair_open(&p, P25_LEVEL_BASIC);
    join(&p, 1);
    assert_ok(otar_unit_hello(p.unit, true, &out));
    tell_kmf(&p, kf_writer_slice(&out));
    assert_int_equal(next_of_kmf(buf).len, 0);
    assert_int_equal(p.told[OTAR_EV_HEARD], 0);
    pair_close(&p);
}

static const peer_row unit_rows[] = {
    { "2.7: KEK as MAC key", 0, kek_as_mac_key },
    { "2.7: TEK key format 80", 0, tek_flagged_as_kek },
    { "2.7: DLI MI offset", 0, mi_one_octet_early },
    { "2.7, C5: inventory types one too low", 0, inventory_one_too_low },
    { "2.7: 8-bit length, keystream wrap at 240", 0, long_message },
    { "2.7: message number 0 taken for none", 0, number_zero },
    { "2.7: acknowledged identifier in the wrong field", 0, acknowledged_identifier },
    { "2.7: counts that do not match the length", 0, wrong_counts },
    { "2.7: erase flag never seen", 0, erase_flag_is_seen },
    { "1.9: Zeroize with one octet", P25_DEV_ZEROIZE_OCTET, zeroize_with_an_octet },
    { "7, KFDtool 17: RSIs are asked for first", 0, rsis_first },
    { "C1: continuation bit", 0, continuation_bit },
    { "7, okfd 21: impossible SLN and keyset", 0, impossible_place },
    { "9: MFID 90", 0, another_mfid },
};

static const peer_row kmf_rows[] = {
    { "7, okfd 42: short Negative-Ack", P25_DEV_SHORT_NACK, short_negative_ack },
    { "C4: Registration bit 6", P25_DEV_REGISTRATION_KEK, registration_bit },
    { "1.5: acknowledgment without protection", 0, unprotected_acknowledgment },
    { "1.4.2: Hello before Registration", 0, hello_before_registration },
};

static void subscriber(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unit_rows / sizeof unit_rows[0]; i++) {
        print_message("  %s\n", unit_rows[i].fact);
        open_unit();
        unit_rows[i].meet();
        rig_close(&r);
    }
}

static void facility(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kmf_rows / sizeof kmf_rows[0]; i++) {
        print_message("  %s\n", kmf_rows[i].fact);
        kmf_rows[i].meet();
    }
}

/* Every deviation that the codec lets pass is met by a machine here. */
static void deviations_are_covered(void **state)
{
    unsigned met = 0;
    size_t count = 0;
    const p25_deviation_fact *facts = p25_deviation_facts(&count);
    (void)state;
    for (size_t i = 0; i < sizeof unit_rows / sizeof unit_rows[0]; i++)
        met |= unit_rows[i].deviation;
    for (size_t i = 0; i < sizeof kmf_rows / sizeof kmf_rows[0]; i++)
        met |= kmf_rows[i].deviation;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_true((met & facts[i].bit) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscriber),
        cmocka_unit_test(facility),
        cmocka_unit_test(deviations_are_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

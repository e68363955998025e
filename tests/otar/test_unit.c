/* What a subscriber must not do: forged, damaged, old, misdirected and unprotected messages; and
 * what it must do twice the same: answer a retry. */
#include "otar/rig.h"

static p25_opened in;

/* Nothing of what the unit keeps has changed. */
typedef struct snapshot {
    size_t saves, keys, kid;
} snapshot;

static snapshot look(const rig *r)
{
    const otar_key *key = otar_unit_current(r->unit, 1);
    return (snapshot){ r->saves, otar_unit_keys(r->unit)->count, key == NULL ? 0 : key->kid };
}

static void unmoved(const rig *r, const snapshot *before)
{
    const snapshot now = look(r);
    assert_memory_equal(&now, before, sizeof now);
}

/* Refused or not understood: at most one of the two messages that say so. */
static void is_refusal(rig *r, kf_slice answer)
{
    if (answer.len == 0)
        return;
    rig_read(r, answer, &in);
    assert_true(in.frame.message_id == P25_KMM_NEGATIVE_ACK ||
                in.frame.message_id == P25_KMM_UNABLE_TO_DECRYPT);
    p25_opened_clear(&in);
}

/* Octets of the preamble that mean nothing: the last one of the MI (facts 2.3). */
static bool is_ignored(size_t octet)
{
    return octet == P25_DLI_OCTETS - 1;
}

static void flip_all_bits(rig *r, kf_slice good)
{
    uint8_t bad[P25_DLI_DATAGRAM_MAX];
    const snapshot before = look(r);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        if (is_ignored(bit / 8))
            continue;
        memcpy(bad, good.ptr, good.len);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        is_refusal(r, rig_give(r, (kf_slice){ bad, good.len }));
        unmoved(r, &before);
    }
    for (size_t len = 0; len < good.len; len++) {
        is_refusal(r, rig_give(r, (kf_slice){ good.ptr, len }));
        unmoved(r, &before);
    }
    memcpy(bad, good.ptr, good.len);
    bad[good.len] = 0;
    is_refusal(r, rig_give(r, (kf_slice){ bad, good.len + 1 }));
    unmoved(r, &before);
}

/* Each command that would take or give keys, under each MAC. */
static void every_bit(void **state)
{
    static const uint8_t ids[] = { P25_KMM_ZEROIZE_CMD, P25_KMM_REKEY_CMD, P25_KMM_CHANGEOVER_CMD,
                                   P25_KMM_CHANGE_RSI_CMD, P25_KMM_LOAD_CONFIG_CMD };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], wrapped[P25_WRAPPED_MAX];
    (void)state;
    for (unsigned scheme = P25_MAC_CBC; scheme <= P25_MAC_CMAC_D; scheme++)
        for (size_t i = 0; i < sizeof ids; i++) {
            rig_open_keyed(&r, P25_LEVEL_BASIC);
            r.scheme = (p25_mac_scheme)scheme;
            rig_load(&r, 2, 1, 0x1101, 3);
            p25_kmm kmm = rig_command(ids[i]);
            if (ids[i] == P25_KMM_REKEY_CMD) {
                kmm = rig_rekey(1, P25_ALGID_AES256);
                rig_add_key(&r, &kmm, 1, 0x1004, 4, wrapped);
            }
            if (ids[i] == P25_KMM_CHANGEOVER_CMD) {
                kmm.body.changeover.count = 1;
                kmm.body.changeover.pairs[0].activated = 2;
            }
            if (ids[i] == P25_KMM_CHANGE_RSI_CMD)
                kmm.body.change_rsi = (p25_change_rsi){ SU_RSI, 0x2002, 1, 0 };
            if (ids[i] == P25_KMM_LOAD_CONFIG_CMD)
                kmm.body.load_config = (p25_load_config){ 0x2002, 5, 0 };
            kf_slice good = rig_seal(&r, &kmm, 7, buf);
            flip_all_bits(&r, good);
            const size_t saves = r.saves; /* and the whole one is taken */
            rig_read(&r, rig_give(&r, good), &in);
            assert_int_equal(in.frame.message_id, ids[i] == P25_KMM_REKEY_CMD ? P25_KMM_REKEY_ACK
                                                  : ids[i] == P25_KMM_LOAD_CONFIG_CMD
                                                      ? P25_KMM_LOAD_CONFIG_RSP
                                                      : ids[i] + 1);
            p25_opened_clear(&in);
            assert_int_equal(r.saves, saves + 1);
            rig_close(&r);
        }
}

/* A Warm-Start has no outer layer: its MAC, with the key inside, is all there is. */
static void every_bit_of_a_warm_start(void **state)
{
    static rig r;
    p25_tek *temporary = NULL;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    kf_slice good = rig_warm_start(&r, 0x7a31, 0x33, 1, &temporary, buf);
    uint8_t bad[P25_DLI_DATAGRAM_MAX];
    const snapshot before = look(&r);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        const size_t octet = bit / 8;
        /* the trailer's KID is "undefined" here, yet the MAC covers it */
        memcpy(bad, good.ptr, good.len);
        bad[octet] ^= (uint8_t)(1u << bit % 8);
        is_refusal(&r, rig_give(&r, (kf_slice){ bad, good.len }));
        assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
        unmoved(&r, &before);
    }
    assert_true(rig_give(&r, good).len > 0);
    assert_non_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    p25_tek_free(&temporary);
    rig_close(&r);
}

static void last_octet_of_mi(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    kf_slice good = rig_seal(&r, &kmm, 1, buf);
    assert_int_equal(buf[P25_DLI_OCTETS - 1], 0);
    buf[P25_DLI_OCTETS - 1] = 0x5a;
    rig_read(&r, rig_give(&r, good), &in);
    assert_int_equal(in.frame.message_id, P25_KMM_CAPABILITIES_RSP);
    p25_opened_clear(&in);
    rig_close(&r);
}

static void refusals(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = rig_seal(&r, &kmm, 7, buf);
    const snapshot before = look(&r);
    for (size_t bit = 0; bit < 64; bit++) { /* of the MAC */
        buf[good.len - 13 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        rig_expect_nack(&r, good, P25_KMM_ZEROIZE_CMD, 0x04);
        buf[good.len - 13 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* the key named by the MAC is unknown: its KID stands before the last octet */
    buf[good.len - 2] ^= 0x40;
    rig_expect_nack(&r, good, P25_KMM_ZEROIZE_CMD, 0x02);
    buf[good.len - 2] ^= 0x40;
    /* an outer key we do not have: Unable-to-Decrypt, in the clear */
    buf[4] ^= 0x40;
    rig_read(&r, rig_give(&r, good), &in);
    assert_int_equal(in.sync.algid, P25_ALGID_CLEAR);
    assert_int_equal(in.frame.message_id, P25_KMM_UNABLE_TO_DECRYPT);
    p25_opened_clear(&in);
    unmoved(&r, &before);
    /* no number where one is needed */
    kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    rig_expect_nack(&r, rig_seal_by(&r, r.tek, r.tek, &kmm, buf), P25_KMM_ZEROIZE_CMD, 0x07);
    unmoved(&r, &before);
    rig_close(&r);
}

/* ---- numbers ---- */

static void numbers(rig *r)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    const snapshot before = look(r);
    /* the same number with other octets; one of the past; one beyond the window */
    rig_expect_nack(r, rig_seal(r, &kmm, 5, buf), P25_KMM_ZEROIZE_CMD, 0x07);
    rig_expect_nack(r, rig_seal(r, &kmm, 4, buf), P25_KMM_ZEROIZE_CMD, 0x07);
    rig_expect_nack(r, rig_seal(r, &kmm, 0, buf), P25_KMM_ZEROIZE_CMD, 0x07);
    rig_expect_nack(r, rig_seal(r, &kmm, 5 + P25_MNP_DEFAULT + 1, buf), P25_KMM_ZEROIZE_CMD, 0x07);
    unmoved(r, &before);
}

static void replays(void **state)
{
    static rig r;
    uint8_t old[P25_DLI_DATAGRAM_MAX], buf[P25_DLI_DATAGRAM_MAX], wrapped[P25_WRAPPED_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    kf_slice first = rig_seal(&r, &kmm, 4, old);
    assert_true(rig_give(&r, first).len > 0);
    kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    assert_true(rig_give(&r, rig_seal(&r, &kmm, 5, buf)).len > 0);
    for (unsigned i = 0; i < 2; i++) {
        const snapshot before = look(&r);
        rig_expect_nack(&r, first, P25_KMM_REKEY_CMD, 0x07); /* recorded, and sent again */
        unmoved(&r, &before);
        numbers(&r);
        rig_restart(&r);
    }
    /* the recorded body under a number of the attacker's: he has no key for the MAC */
    memcpy(buf, old, first.len);
    buf[P25_DLI_OCTETS + 11] ^= 4 ^ 6; /* through the outer layer: number 6 */
    rig_expect_nack(&r, (kf_slice){ buf, first.len }, P25_KMM_REKEY_CMD, 0x04);
    /* the number goes round */
    kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    for (uint32_t mn = 5 + P25_MNP_DEFAULT; mn <= 66000; mn += P25_MNP_DEFAULT) {
        rig_ask(&r, &kmm, (uint16_t)mn, &in);
        p25_opened_clear(&in);
    }
    rig_close(&r);
}

/* The same octets bring the same octets, sealed anew too, and nothing is done again. */
static void retries(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], other[P25_DLI_DATAGRAM_MAX], first[P25_DLI_DATAGRAM_MAX];
    uint8_t wrapped[P25_WRAPPED_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    kf_slice command = rig_seal(&r, &kmm, 1, buf), again = rig_seal(&r, &kmm, 1, other);
    assert_memory_not_equal(buf, other, command.len);
    kf_slice answer = rig_give(&r, command);
    const size_t len = answer.len;
    memcpy(first, answer.ptr, len);
    for (unsigned i = 0; i < 3; i++) {
        const snapshot before = look(&r);
        assert_slice_equal(rig_give(&r, command), ((kf_slice){ first, len }));
        assert_slice_equal(rig_give(&r, again), ((kf_slice){ first, len }));
        unmoved(&r, &before);
        assert_int_equal(r.told[OTAR_EV_RETRY], 2 * (i + 1));
        rig_restart(&r);
    }
    assert_int_equal(r.told[OTAR_EV_ACTED], 1);
    rig_close(&r);
}

/* ---- not for us ---- */

static void addresses(void **state)
{
    static const struct {
        uint32_t from, to;
    } rows[] = { { KMF_RSI + 1, SU_RSI }, { SU_RSI, SU_RSI },    { SU_RSI, KMF_RSI },
                 { KMF_RSI, SU_RSI + 1 }, { KMF_RSI, 0xffffff }, { KMF_RSI, GROUP_RSI } };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    const snapshot before = look(&r);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
        kmm.frame.source_rsi = rows[i].from;
        kmm.frame.destination_rsi = rows[i].to;
        assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, 1, buf)).len, 0);
        unmoved(&r, &before);
    }
    rig_close(&r);
}

/* A clear or bare command is dropped without a word. */
static void unprotected_commands(void **state)
{
    static const uint8_t ids[] = { P25_KMM_ZEROIZE_CMD,      P25_KMM_REKEY_CMD,
                                   P25_KMM_CHANGEOVER_CMD,   P25_KMM_INVENTORY_CMD,
                                   P25_KMM_CAPABILITIES_CMD, P25_KMM_SET_DATE_TIME,
                                   P25_KMM_LOAD_CONFIG_CMD,  P25_KMM_CHANGE_RSI_CMD,
                                   P25_KMM_MODIFY_KEY_CMD,   P25_KMM_WARM_START_CMD };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    const uint8_t body[P25_WRAPPED_MAX] = { 0 };
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    const snapshot before = look(&r);
    for (size_t i = 0; i < sizeof ids; i++) {
        p25_kmm kmm = rig_command(ids[i]);
        kmm.frame.has_mn = true;
        kmm.frame.mn = 1;
        kmm.is_opaque = true; /* nobody looks so far */
        kmm.body.opaque = KF_SLICE_OF(body);
        assert_int_equal(rig_give(&r, rig_bare(&kmm, buf)).len, 0);
        unmoved(&r, &before);
    }
    /* with one of the two layers only: the outer one is XOR, so it can be put on and taken off */
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = rig_seal(&r, &kmm, 1, buf);
    uint8_t mi[P25_MI_OCTETS];
    memcpy(mi, buf + 5, sizeof mi);
    assert_ok(p25_outer_apply(r.tek, mi, buf + P25_DLI_OCTETS, good.len - P25_DLI_OCTETS));
    memset(buf + 2, 0, P25_DLI_OCTETS - 2);
    buf[2] = P25_ALGID_CLEAR;
    assert_int_equal(rig_give(&r, good).len, 0);
    kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    good = rig_bare(&kmm, buf);
    memcpy(buf + 5, mi, sizeof mi);
    buf[2] = P25_ALGID_AES256;
    buf[3] = TEK_KID >> 8;
    buf[4] = TEK_KID & 0xff;
    assert_ok(p25_outer_apply(r.tek, mi, buf + P25_DLI_OCTETS, good.len - P25_DLI_OCTETS));
    assert_int_equal(rig_give(&r, good).len, 0);
    unmoved(&r, &before);
    rig_close(&r);
}

/* ---- the record ---- */

/* When it cannot be written, nothing goes out and the machine stops; the last one is whole. */
static void store_failure(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kf_slice good = rig_seal(&r, &kmm, 1, buf);
    r.store_fails = true;
    kf_writer out = kf_writer_init(r.answer, sizeof r.answer);
    assert_err(otar_unit_receive(r.unit, r.now, good, &out), KF_E_BACKEND);
    assert_int_equal(out.len, 0);
    assert_err(otar_unit_receive(r.unit, r.now, good, &out), KF_E_STATE);
    assert_err(otar_unit_hello(r.unit, true, &out), KF_E_STATE);
    assert_err(otar_unit_register(r.unit, true, &out), KF_E_STATE);
    assert_err(otar_unit_join(r.unit, GROUP_RSI), KF_E_STATE);
    assert_int_equal(out.len, 0);
    r.store_fails = false;
    rig_restart(&r);
    assert_int_equal(otar_unit_keys(r.unit)->count, 2);
    assert_true(rig_give(&r, good).len > 0);
    rig_close(&r);
}

static void bad_records(void **state)
{
    static rig r;
    otar_unit *unit = NULL;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_ok(otar_unit_join(r.unit, GROUP_RSI));
    for (size_t len = 1; len < r.record_len; len++) {
        assert_int_not_equal(otar_unit_new(&r.config, &(otar_store){ rig_save, &r },
                                           &(otar_watch){ 0 }, &r.rng.rng,
                                           (kf_slice){ r.record, len }, &unit),
                             KF_OK);
        assert_null(unit);
    }
    r.record[r.record_len] = 0; /* one octet too many */
    assert_err(otar_unit_new(&r.config, &(otar_store){ rig_save, &r }, &(otar_watch){ 0 },
                             &r.rng.rng, (kf_slice){ r.record, r.record_len + 1 }, &unit),
               KF_E_TRAILING);
    assert_null(unit);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit),        cmocka_unit_test(every_bit_of_a_warm_start),
        cmocka_unit_test(last_octet_of_mi), cmocka_unit_test(refusals),
        cmocka_unit_test(replays),          cmocka_unit_test(retries),
        cmocka_unit_test(addresses),        cmocka_unit_test(unprotected_commands),
        cmocka_unit_test(store_failure),    cmocka_unit_test(bad_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every command to a subscriber, as a KMF of our own gives it: what it does, what it answers, and
 * what remains after a restart. */
#include "otar/rig.h"

#define ALL_MESSAGE_IDS 256u

static p25_opened in; /* the answer at hand: too large for a stack */

static unsigned key_count(const rig *r)
{
    return (unsigned)otar_unit_keys(r->unit)->count;
}

/* ---- messages that are never answered ---- */

static void no_service(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_NO_SERVICE);
    kmm.frame.response_kind = P25_RK1_NONE;
    assert_int_equal(rig_give(&r, rig_bare(&kmm, buf)).len, 0);
    assert_int_equal(r.told[OTAR_EV_NO_SERVICE], 1);
    assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, 1, buf)).len, 0);
    assert_int_equal(r.told[OTAR_EV_NO_SERVICE], 2);
    assert_int_equal(key_count(&r), 2);
    rig_close(&r);
}

/* What anybody can write must neither stop the machine nor wear its storage out, whatever kind of
 * answer it asks for. */
static void unprotected(void **state)
{
    static const uint8_t ids[] = { P25_KMM_HELLO,
                                   P25_KMM_NO_SERVICE,
                                   P25_KMM_REGISTRATION_CMD,
                                   P25_KMM_REGISTRATION_RSP,
                                   P25_KMM_DEREGISTRATION_CMD,
                                   P25_KMM_DEREGISTRATION_RSP,
                                   P25_KMM_UNABLE_TO_DECRYPT };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    const size_t saves = r.saves;
    for (size_t i = 0; i < sizeof ids; i++)
        for (unsigned kind = P25_RK1_NONE; kind <= P25_RK3_IMMEDIATE; kind++) {
            p25_kmm kmm = rig_command(ids[i]);
            kmm.frame.response_kind = (p25_response_kind)kind;
            kmm.frame.has_mn = true;
            kmm.frame.mn = 500;
            kmm.body.registration.kmf_rsi =
                ids[i] == P25_KMM_REGISTRATION_CMD || ids[i] == P25_KMM_DEREGISTRATION_CMD ? KMF_RSI
                                                                                           : 0;
            if (ids[i] == P25_KMM_REGISTRATION_RSP || ids[i] == P25_KMM_DEREGISTRATION_RSP)
                kmm.body.status = 1;
            assert_int_equal(rig_give(&r, rig_bare(&kmm, buf)).len, 0);
        }
    assert_int_equal(r.saves, saves);
    /* the unit lives, and the number in the clear moved nothing */
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_ask(&r, &kmm, 1, &in);
    p25_opened_clear(&in);
    rig_close(&r);
}

static void date_time(void **state)
{
    static const struct {
        p25_date_time t;
        bool is_told;
    } rows[] = {
        { { 2026, 11, 24, 23, 59, 59 }, true }, { { 2024, 2, 29, 0, 0, 0 }, true },
        { { 2026, 0, 1, 0, 0, 0 }, false },     { { 2026, 2, 29, 0, 0, 0 }, false },
        { { 2026, 1, 1, 24, 0, 0 }, false },    { { 2026, 1, 1, 0, 60, 0 }, false },
    };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const unsigned before = r.told[OTAR_EV_DATE_TIME];
        p25_kmm kmm = rig_command(P25_KMM_SET_DATE_TIME);
        kmm.frame.response_kind = P25_RK1_NONE;
        kmm.body.date_time = rows[i].t;
        kf_writer probe = kf_writer_init(buf, sizeof buf);
        p25_kmm_encode(&kmm, &probe);
        if (probe.err != KF_OK) /* no encoding: then no peer can say it either */
            continue;
        assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, (uint16_t)(i + 1), buf)).len, 0);
        assert_int_equal(r.told[OTAR_EV_DATE_TIME] - before, rows[i].is_told ? 1 : 0);
    }
    assert_int_equal(r.told[OTAR_EV_DATE_TIME], 2);
    rig_close(&r);
}

/* A number that was taken without an answer leaves no other message's answer to be repeated. */
static void retry_of_the_unanswered(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], again[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_ask(&r, &kmm, 1, &in);
    p25_opened_clear(&in);
    p25_kmm hello = rig_command(P25_KMM_HELLO);
    assert_int_equal(rig_give(&r, rig_seal(&r, &hello, 2, buf)).len, 0);
    assert_int_equal(rig_give(&r, rig_seal(&r, &hello, 2, again)).len, 0);
    rig_restart(&r);
    assert_int_equal(rig_give(&r, rig_seal(&r, &hello, 2, again)).len, 0);
    rig_close(&r);
}

/* ---- registration ---- */

static void registration_answer(rig *r, uint8_t id, uint8_t status, bool expected)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    p25_kmm kmm = rig_command(id);
    kmm.frame.response_kind = P25_RK1_NONE;
    kmm.body.status = status;
    assert_int_equal(rig_give(r, rig_bare(&kmm, buf)).len, 0);
    assert_int_equal(otar_unit_is_registered(r->unit), expected);
    rig_restart(r);
    assert_int_equal(otar_unit_is_registered(r->unit), expected);
}

static void registration(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r, P25_LEVEL_BASIC);
    for (unsigned on = 0; on < 2; on++) {
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_ok(otar_unit_register(r.unit, on == 1, &w));
        rig_read(&r, kf_writer_slice(&w), &in);
        assert_int_equal(in.frame.message_id,
                         on ? P25_KMM_REGISTRATION_CMD : P25_KMM_DEREGISTRATION_CMD);
        assert_int_equal(in.kmm.body.registration.kmf_rsi, KMF_RSI);
        assert_int_equal(in.frame.response_kind, P25_RK3_IMMEDIATE);
        p25_opened_clear(&in);
    }
    registration_answer(&r, P25_KMM_REGISTRATION_RSP, 1, false);
    registration_answer(&r, P25_KMM_REGISTRATION_RSP, 0, true);
    registration_answer(&r, P25_KMM_DEREGISTRATION_RSP, 1, true);
    registration_answer(&r, P25_KMM_DEREGISTRATION_RSP, 0, false);
    rig_close(&r);
}

/* ---- configuration ---- */

static uint8_t load_config(rig *r, uint32_t kmf_rsi, uint16_t mnp, uint16_t mn)
{
    p25_kmm kmm = rig_command(P25_KMM_LOAD_CONFIG_CMD);
    kmm.body.load_config = (p25_load_config){ .kmf_rsi = kmf_rsi, .mnp = mnp };
    rig_ask(r, &kmm, mn, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_LOAD_CONFIG_RSP);
    assert_int_equal(in.kmm.body.load_config.kmf_rsi, kmf_rsi);
    assert_int_equal(in.kmm.body.load_config.mnp, mnp);
    const uint8_t status = in.kmm.body.load_config.status;
    p25_opened_clear(&in);
    return status;
}

static void window_of_numbers(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_int_equal(load_config(&r, KMF_RSI, 10, 1), 0);
    rig_restart(&r);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_expect_nack(&r, rig_seal(&r, &kmm, 12, buf), P25_KMM_CAPABILITIES_CMD, 0x07);
    rig_ask(&r, &kmm, 11, &in);
    p25_opened_clear(&in);
    /* nothing that would leave the unit deaf */
    assert_int_equal(load_config(&r, KMF_RSI, 0, 12), 1);
    assert_int_equal(load_config(&r, 0, 10, 13), 1);
    assert_int_equal(load_config(&r, SU_RSI, 10, 14), 1);
    assert_int_equal(load_config(&r, 0xffffff, 10, 15), 1);
    /* 65535 switches the check off, but for the very message before */
    assert_int_equal(load_config(&r, KMF_RSI, P25_MNP_OFF, 16), 0);
    rig_ask(&r, &kmm, 9, &in);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* Another KMF: its numbers begin with 1; the former one is heard no more. */
static void another_kmf(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_int_equal(load_config(&r, 0x222222, 1000, 700), 0);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, 701, buf)).len, 0);
    rig_restart(&r);
    kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    kmm.frame.source_rsi = 0x222222;
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.frame.destination_rsi, 0x222222);
    p25_opened_clear(&in);
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_ok(otar_unit_register(r.unit, true, &w));
    rig_read(&r, kf_writer_slice(&w), &in);
    assert_int_equal(in.kmm.body.registration.kmf_rsi, 0x222222);
    p25_opened_clear(&in);
    rig_close(&r);
}

static void modify_keyset(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_MODIFY_KEYSET_CMD);
    kmm.body.modify_keyset.count = 2;
    kmm.body.modify_keyset.tags[0] =
        (p25_keyset_tag){ .keyset = 1, .name = { (const uint8_t *)"DAY", 3 } };
    kmm.body.modify_keyset.tags[1] = (p25_keyset_tag){ .keyset = 2,
                                                       .has_activation = true,
                                                       .activation = { 2026, 11, 24, 0, 0, 0 } };
    rig_ask(&r, &kmm, 1, &in);
    const p25_keyset_statuses *s = &in.kmm.body.keyset_statuses;
    assert_int_equal(in.frame.message_id, P25_KMM_MODIFY_KEYSET_RSP);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->keysets[0].keyset, 1);
    assert_int_equal(s->keysets[0].status, 0x01);
    assert_int_equal(s->keysets[1].keyset, 2);
    assert_int_equal(s->keysets[1].status, 0x02);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* It can do what it says it can: no message it lists for a unit is answered with 03. */
static void capabilities(void **state)
{
    static const uint8_t commands[] = { P25_KMM_CAPABILITIES_CMD, P25_KMM_CHANGEOVER_CMD,
                                        P25_KMM_INVENTORY_CMD, P25_KMM_MODIFY_KEYSET_CMD };
    static rig r;
    uint8_t listed[ALL_MESSAGE_IDS];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_ask(&r, &kmm, 1, &in);
    const p25_capabilities *c = &in.kmm.body.capabilities;
    assert_true(memchr(c->algids.ptr, P25_ALGID_AES256, c->algids.len) != NULL);
    assert_true(memchr(c->services.ptr, 0x1f, c->services.len) != NULL);
    const size_t count = c->messages.len;
    assert_true(count > 0 && count <= sizeof listed);
    memcpy(listed, c->messages.ptr, count);
    p25_opened_clear(&in);
    assert_true(memchr(listed, P25_KMM_ZEROIZE_CMD, count) != NULL);
    for (size_t i = 0; i < sizeof commands; i++) {
        assert_true(memchr(listed, commands[i], count) != NULL);
        kmm = rig_command(commands[i]);
        rig_ask(&r, &kmm, (uint16_t)(2 + i), &in);
        assert_int_equal(in.frame.message_id, commands[i] + 1);
        p25_opened_clear(&in);
    }
    rig_close(&r);
}

/* Bodies that are not public, identifiers nobody knows, commands of key fill and messages of the
 * other direction. */
static void not_for_us(void **state)
{
    static const uint8_t known[] = { P25_KMM_LOAD_AUTH_KEY_CMD, P25_KMM_DELETE_AUTH_KEY_CMD,
                                     P25_KMM_SESSION_CONTROL,   P25_KMM_CHANGEOVER_RSP,
                                     P25_KMM_REKEY_ACK,         P25_KMM_NEGATIVE_ACK };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], key[16] = { 1 };
    uint16_t mn = 0;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    for (unsigned id = 0; id < ALL_MESSAGE_IDS; id++) {
        if (p25_message_is_known(id))
            continue;
        p25_kmm kmm = rig_command((uint8_t)id);
        kmm.is_opaque = true;
        kmm.body.opaque = KF_SLICE_OF(key);
        rig_expect_nack(&r, rig_seal(&r, &kmm, ++mn, buf), (uint8_t)id, 0x03);
    }
    assert_true(mn > 200);
    for (size_t i = 0; i < sizeof known; i++) {
        p25_kmm kmm = rig_command(known[i]);
        if (known[i] == P25_KMM_LOAD_AUTH_KEY_CMD) {
            kmm.body.load_auth_key.decryption.algid = P25_ALGID_CLEAR;
            kmm.body.load_auth_key.algid = P25_ALGID_AES128;
            kmm.body.load_auth_key.key = KF_SLICE_OF(key);
        }
        if (known[i] == P25_KMM_SESSION_CONTROL)
            kmm.body.session = (p25_session_control){ P25_SESSION_END, 1 };
        rig_expect_nack(&r, rig_seal(&r, &kmm, ++mn, buf), known[i], 0x03);
    }
    assert_int_equal(key_count(&r), 2);
    rig_close(&r);
}

/* ---- keys ---- */

static uint8_t rekey_status(rig *r, p25_kmm *kmm, uint16_t mn)
{
    rig_ask(r, kmm, mn, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_REKEY_ACK);
    assert_int_equal(in.kmm.body.rekey_ack.acked_id, kmm->frame.message_id);
    assert_int_equal(in.kmm.body.rekey_ack.count, kmm->body.rekey.item_count);
    const uint8_t status = in.kmm.body.rekey_ack.keys[0].status;
    assert_int_equal(in.kmm.body.rekey_ack.keys[0].kid, kmm->body.rekey.items[0].kid);
    p25_opened_clear(&in);
    return status;
}

static uint8_t put(rig *r, uint8_t keyset, uint16_t sln, uint16_t kid, uint16_t mn)
{
    uint8_t wrapped[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(keyset, P25_ALGID_AES256);
    rig_add_key(r, &kmm, sln, kid, (uint8_t)kid, wrapped);
    kmm.body.rekey.items[0].is_kek = keyset == OTAR_KEK_KEYSET;
    return rekey_status(r, &kmm, mn);
}

static uint8_t erase(rig *r, uint8_t keyset, uint16_t sln, uint16_t kid, uint16_t mn)
{
    static const uint8_t zeros[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(keyset, P25_ALGID_AES256);
    kmm.body.rekey.item_count = kmm.body.rekey.keysets[0].count = 1;
    kmm.body.rekey.items[0] =
        (p25_key_item){ .erase = true, .sln = sln, .kid = kid, .key = KF_SLICE_OF(zeros) };
    return rekey_status(r, &kmm, mn);
}

static void places_of_keys(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_int_equal(put(&r, 1, 2, 0x1002, 1), 0x00);
    assert_int_equal(put(&r, 0, 3, 0x1003, 2), 0x01);        /* keyset 0 is reserved */
    assert_int_equal(put(&r, 17, 3, 0x1003, 3), 0x01);       /* another crypto group */
    assert_int_equal(put(&r, 1, 3, 0, 4), 0x01);             /* KID 0 goes with clear */
    assert_int_equal(put(&r, 255, 0xf002, 0xf5a2, 5), 0x00); /* a KEK among KEKs */
    uint8_t wrapped[P25_WRAPPED_MAX];
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    kmm.body.rekey.items[0].is_kek = true; /* in the place of a TEK */
    assert_int_equal(rekey_status(&r, &kmm, 6), 0x01);
    kmm = rig_rekey(OTAR_KEK_KEYSET, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, UKEK_SLN, 0x1004, 4, wrapped); /* a TEK in the place of the UKEK */
    assert_int_equal(rekey_status(&r, &kmm, 7), 0x01);
    kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    wrapped[20] ^= 1; /* the key inside does not come out */
    assert_int_equal(rekey_status(&r, &kmm, 8), 0x06);
    kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 2, 0x1004, 4, wrapped);
    kmm.body.rekey.decryption.kid = 0x4444; /* under a KEK we do not have */
    assert_int_equal(rekey_status(&r, &kmm, 9), 0x06);
    assert_int_equal(otar_unit_current(r.unit, 2)->kid, 0x1002);
    assert_int_equal(key_count(&r), 4);
    rig_close(&r);
}

/* Delete-Key is done with the erase flag: the key of that name, there, and no other. */
static void erasure(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_int_equal(put(&r, 1, 2, 0x1002, 1), 0x00);
    assert_int_equal(put(&r, 2, 2, 0x1102, 2), 0x00);
    assert_int_equal(erase(&r, 1, 2, 0x1102, 3), 0x02);
    assert_int_equal(erase(&r, 1, 3, 0x1002, 4), 0x02);
    assert_int_equal(erase(&r, 2, 2, 0x1002, 5), 0x02);
    assert_int_equal(erase(&r, OTAR_KEK_KEYSET, UKEK_SLN, UKEK_KID, 6), 0x02); /* not a TEK */
    assert_int_equal(key_count(&r), 4);
    assert_int_equal(erase(&r, 1, 2, 0x1002, 7), 0x00);
    assert_int_equal(erase(&r, 1, 2, 0x1002, 8), 0x02);
    assert_null(otar_unit_current(r.unit, 2));
    assert_non_null(otar_unit_named(r.unit, P25_ALGID_AES256, 0x1102));
    rig_restart(&r);
    assert_null(otar_unit_named(r.unit, P25_ALGID_AES256, 0x1002));
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, TEK_KID);
    rig_close(&r);
}

/* As many keys as there is room for, one more is refused, and all can be told. */
static void full(void **state)
{
    static rig r;
    uint16_t mn = 0;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    for (uint16_t i = 0; i < OTAR_KEYS_MAX - 2; i++) /* by turns into two keysets of a group */
        rig_load(&r, (uint8_t)(1 + i % 2), (uint16_t)(100 + i), (uint16_t)(0x2000 + i), 9);
    assert_int_equal(key_count(&r), OTAR_KEYS_MAX);
    assert_int_equal(put(&r, 1, 999, 0x3001, ++mn), 0x05);
    assert_int_equal(put(&r, 1, 100, 0x3001, ++mn), 0x00); /* in place of another */
    for (unsigned inactive = 0; inactive < 2; inactive++) {
        p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
        kmm.body.inventory_cmd.type =
            inactive ? P25_INVENTORY_INACTIVE_KIDS : P25_INVENTORY_ACTIVE_KIDS;
        rig_ask(&r, &kmm, ++mn, &in);
        assert_int_equal(in.frame.message_id, P25_KMM_INVENTORY_RSP);
        assert_int_equal(in.kmm.body.inventory_rsp.of.kids.count, inactive ? 1 : 2);
        assert_int_equal(in.kmm.body.inventory_rsp.of.kids.kid_count,
                         inactive ? OTAR_KEYS_MAX / 2 - 1 : OTAR_KEYS_MAX / 2 + 1);
        p25_opened_clear(&in);
    }
    /* a temporary key takes the place of none */
    p25_tek *temporary = NULL;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    assert_true(rig_give(&r, rig_warm_start(&r, 0x7a31, 0x33, ++mn, &temporary, buf)).len > 0);
    p25_tek_free(&temporary);
    assert_int_equal(erase(&r, 1, 100, 0x3001, ++mn), 0x00);
    assert_non_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_int_equal(put(&r, 1, 100, 0x3002, ++mn), 0x00);
    rig_restart(&r);
    assert_int_equal(key_count(&r), OTAR_KEYS_MAX);
    rig_close(&r);
}

static bool record_has(const rig *r, uint8_t fill)
{
    size_t run = 0;
    for (size_t i = 0; i < r->record_len; i++) {
        run = r->record[i] == fill ? run + 1 : 0;
        if (run == 32)
            return true;
    }
    return false;
}

/* The answer is made before the keys go, and they are gone before it is out. */
static void zeroize(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_true(record_has(&r, TEK_FILL) && record_has(&r, UKEK_FILL));
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    rig_ask(&r, &kmm, 1, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_ZEROIZE_RSP);
    p25_opened_clear(&in);
    assert_int_equal(r.told[OTAR_EV_ZEROIZED], 1);
    assert_int_equal(key_count(&r), 0);
    assert_false(record_has(&r, TEK_FILL) || record_has(&r, UKEK_FILL));
    rig_restart(&r);
    assert_int_equal(key_count(&r), 0);
    /* a new unit, to be filled by hand: it says it has no UKEK */
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_ok(otar_unit_hello(r.unit, true, &w));
    rig_read(&r, kf_writer_slice(&w), &in);
    assert_int_equal(in.kmm.body.hello, P25_HELLO_REKEY_NO_UKEK);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* ---- warm start ---- */

static void warm_key_expires(void **state)
{
    static rig r;
    p25_tek *temporary = NULL;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_true(rig_give(&r, rig_warm_start(&r, 0x7a31, 0x33, 1, &temporary, buf)).len > 0);
    assert_false(record_has(&r, 0x33)); /* never stored */
    otar_unit_tick(r.unit, r.now + OTAR_WARM_SECONDS - 1);
    assert_non_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    otar_unit_tick(r.unit, r.now + OTAR_WARM_SECONDS);
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_int_equal(r.told[OTAR_EV_WARM_EXPIRED], 1);
    otar_unit_tick(r.unit, r.now + 2 * OTAR_WARM_SECONDS);
    assert_int_equal(r.told[OTAR_EV_WARM_EXPIRED], 1);
    /* too late: the outer layer does not come off */
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    kmm.frame.has_mn = true;
    kmm.frame.mn = 2;
    rig_read(&r, rig_give(&r, rig_seal_by(&r, temporary, temporary, &kmm, buf)), &in);
    assert_int_equal(in.frame.message_id, P25_KMM_UNABLE_TO_DECRYPT);
    assert_int_equal(in.kmm.body.utd.kid, 0x7a31);
    p25_opened_clear(&in);
    p25_tek_free(&temporary);
    rig_close(&r);
}

/* The temporary name is one of a stored key: refused under the transported key, which both ends
 * know; nothing is lost and nothing stops. */
static void warm_key_name_is_taken(void **state)
{
    static rig r;
    p25_tek *temporary = NULL, *own = NULL;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    kf_slice got = rig_give(&r, rig_warm_start(&r, TEK_KID, 0x33, 1, &temporary, buf));
    own = r.tek;
    r.tek = temporary; /* of the same name */
    rig_read(&r, got, &in);
    r.tek = own;
    assert_true(in.authenticated);
    assert_int_equal(in.frame.message_id, P25_KMM_REKEY_ACK);
    assert_int_equal(in.kmm.body.rekey_ack.keys[0].status, 0x01);
    p25_opened_clear(&in);
    p25_tek_free(&temporary);
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_ask(&r, &kmm, 2, &in);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* A new warm start replaces the key of the last; a Rekey that fails ends it too. */
static void warm_start_ends(void **state)
{
    static rig r;
    p25_tek *first = NULL, *second = NULL;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], wrapped[P25_WRAPPED_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_true(rig_give(&r, rig_warm_start(&r, 0x7a31, 0x33, 1, &first, buf)).len > 0);
    assert_true(rig_give(&r, rig_warm_start(&r, 0x7a32, 0x34, 2, &second, buf)).len > 0);
    assert_null(otar_unit_named(r.unit, P25_ALGID_AES256, 0x7a31));
    assert_int_equal(otar_keys_temporary(otar_unit_keys(r.unit))->kid, 0x7a32);
    p25_kmm kmm = rig_rekey(1, P25_ALGID_AES256);
    rig_add_key(&r, &kmm, 1, 0x1004, 4, wrapped); /* under the UKEK, yet named as under the other */
    kmm.body.rekey.decryption.kid = 0x7a32;
    assert_int_equal(rekey_status(&r, &kmm, 3), 0x06);
    assert_null(otar_keys_temporary(otar_unit_keys(r.unit)));
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, TEK_KID);
    p25_tek_free(&first);
    p25_tek_free(&second);
    rig_close(&r);
}

/* ---- keysets ---- */

static void changeover(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    rig_load(&r, 2, 1, 0x1101, 3);
    rig_load(&r, 17, 0x1001, 0x2001, 4);
    p25_kmm kmm = rig_command(P25_KMM_CHANGEOVER_CMD);
    p25_changeover *c = &kmm.body.changeover;
    c->count = 4;
    c->pairs[0].superseded = 1;
    c->pairs[0].activated = 2;
    c->pairs[1].superseded = 17;
    c->pairs[1].activated = 18; /* without a key */
    c->pairs[2].superseded = 1;
    c->pairs[2].activated = 0; /* no keyset */
    c->pairs[3].superseded = 18;
    c->pairs[3].activated = 17;
    rig_ask(&r, &kmm, 1, &in);
    const p25_changeover *done = &in.kmm.body.changeover;
    assert_int_equal(in.frame.message_id, P25_KMM_CHANGEOVER_RSP);
    assert_int_equal(done->count, 2); /* what was really done */
    assert_int_equal(done->pairs[0].activated, 2);
    assert_int_equal(done->pairs[1].activated, 17);
    p25_opened_clear(&in);
    rig_restart(&r);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x1101);
    assert_int_equal(otar_unit_current(r.unit, 0x1001)->kid, 0x2001);
    rig_close(&r);
}

/* ---- addresses ---- */

static uint8_t change_rsi(rig *r, uint32_t old_rsi, uint32_t new_rsi, uint16_t new_mn, uint16_t mn)
{
    p25_kmm kmm = rig_command(P25_KMM_CHANGE_RSI_CMD);
    kmm.frame.destination_rsi = otar_unit_rsi(r->unit);
    kmm.body.change_rsi = (p25_change_rsi){ old_rsi, new_rsi, new_mn, 0 };
    rig_ask(r, &kmm, mn, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_CHANGE_RSI_RSP);
    assert_int_equal(in.kmm.body.change_rsi.old_rsi, old_rsi);
    assert_int_equal(in.kmm.body.change_rsi.new_rsi, new_rsi);
    assert_int_equal(in.frame.source_rsi, kmm.frame.destination_rsi);
    const uint8_t status = in.kmm.body.change_rsi.status;
    p25_opened_clear(&in);
    return status;
}

static bool hears(rig *r, uint32_t rsi, uint16_t mn)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    const unsigned before = r->told[OTAR_EV_DATE_TIME];
    p25_kmm kmm = rig_command(P25_KMM_SET_DATE_TIME);
    kmm.frame.destination_rsi = rsi;
    kmm.frame.response_kind = P25_RK1_NONE;
    kmm.body.date_time = (p25_date_time){ 2026, 11, 24, 1, 2, 3 };
    assert_int_equal(rig_give(r, rig_seal(r, &kmm, mn, buf)).len, 0);
    return r->told[OTAR_EV_DATE_TIME] > before;
}

static void own_address(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_ok(otar_unit_join(r.unit, GROUP_RSI));
    assert_int_equal(change_rsi(&r, SU_RSI, 0, 1, 1), 0x01);
    assert_int_equal(change_rsi(&r, SU_RSI, KMF_RSI, 1, 2), 0x01);
    assert_int_equal(change_rsi(&r, SU_RSI, 0xffffff, 1, 3), 0x01);
    assert_int_equal(change_rsi(&r, SU_RSI, GROUP_RSI, 1, 4), 0x01);
    assert_int_equal(change_rsi(&r, GROUP_RSI, SU_RSI, 1, 5), 0x01);
    assert_int_equal(change_rsi(&r, 0, 0, 1, 6), 0x01);
    assert_int_equal(change_rsi(&r, SU_RSI, 0x2002, 900, 7), 0x00);
    rig_restart(&r);
    assert_int_equal(otar_unit_rsi(r.unit), 0x2002);
    assert_false(hears(&r, SU_RSI, 8));
    assert_false(hears(&r, 0x2002, 900)); /* the last one accepted, by decree */
    assert_true(hears(&r, 0x2002, 901));
    rig_close(&r);
}

static size_t groups(rig *r, uint16_t mn, uint32_t *first)
{
    p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = P25_INVENTORY_RSIS;
    rig_ask(r, &kmm, mn, &in);
    const p25_rsi_items *items = &in.kmm.body.inventory_rsp.of.rsis;
    assert_int_equal(items->items[0].rsi, SU_RSI);
    assert_int_equal(items->items[0].mn, mn); /* this message's is the last one */
    const size_t count = items->count - 1u;
    *first = count > 0 ? items->items[1].rsi : 0;
    p25_opened_clear(&in);
    return count;
}

static void group_addresses(void **state)
{
    static rig r;
    uint32_t first = 0;
    uint16_t mn = 0;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_int_equal(change_rsi(&r, 0, GROUP_RSI, 50, ++mn), 0x00);
    assert_true(hears(&r, GROUP_RSI, 51));
    assert_false(hears(&r, GROUP_RSI, 51));
    /* again: its numbers start anew, and it is there once */
    assert_int_equal(change_rsi(&r, 0, GROUP_RSI, 60, ++mn), 0x00);
    assert_int_equal(groups(&r, ++mn, &first), 1);
    assert_false(hears(&r, GROUP_RSI, 60));
    assert_true(hears(&r, GROUP_RSI, 61));
    assert_int_equal(change_rsi(&r, 0, 0x888888, 0, ++mn), 0x00);
    assert_int_equal(change_rsi(&r, GROUP_RSI, 0x888888, 0, ++mn), 0x01);
    assert_int_equal(change_rsi(&r, 0x123123, 0x456456, 0, ++mn), 0x02);
    assert_int_equal(change_rsi(&r, 0x888888, 0x999999, 7, ++mn), 0x00);
    assert_true(hears(&r, 0x999999, 8));
    assert_int_equal(change_rsi(&r, GROUP_RSI, 0, 0, ++mn), 0x00);
    assert_false(hears(&r, GROUP_RSI, 62));
    rig_restart(&r);
    assert_int_equal(groups(&r, ++mn, &first), 1);
    assert_int_equal(first, 0x999999);
    for (uint32_t i = 0; i + 1 < OTAR_UNIT_GROUPS_MAX; i++)
        assert_int_equal(change_rsi(&r, 0, 0xa00000 + i, 0, ++mn), 0x00);
    assert_int_equal(change_rsi(&r, 0, 0xb00000, 0, ++mn), 0x05);
    assert_err(otar_unit_join(r.unit, 0xb00000), KF_E_NO_SPACE);
    assert_ok(otar_unit_join(r.unit, 0x999999));
    assert_err(otar_unit_join(r.unit, SU_RSI), KF_E_MALFORMED);
    assert_err(otar_unit_join(r.unit, 0), KF_E_MALFORMED);
    rig_close(&r);
}

/* A command to a group that moves the groups themselves: each keeps its own numbers. */
static void group_moves_groups(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_ok(otar_unit_join(r.unit, GROUP_RSI));
    assert_ok(otar_unit_join(r.unit, 0x888888));
    p25_kmm kmm = rig_command(P25_KMM_CHANGE_RSI_CMD);
    kmm.frame.destination_rsi = GROUP_RSI;
    kmm.body.change_rsi = (p25_change_rsi){ GROUP_RSI, 0, 0, 0 };
    assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, 500, buf)).len, 0);
    assert_false(hears(&r, GROUP_RSI, 501));
    assert_true(hears(&r, 0x888888, 1));
    rig_close(&r);
}

/* Carried out, never answered, whatever the command and whatever comes of it. */
static void group_is_silent(void **state)
{
    static const uint8_t ids[] = {
        P25_KMM_CAPABILITIES_CMD,  P25_KMM_CHANGE_RSI_CMD,  P25_KMM_CHANGEOVER_CMD,
        P25_KMM_DELETE_KEYSET_CMD, P25_KMM_INVENTORY_CMD,   P25_KMM_REKEY_CMD,
        P25_KMM_MODIFY_KEYSET_CMD, P25_KMM_LOAD_CONFIG_CMD, P25_KMM_REKEY_ACK,
        P25_KMM_REGISTRATION_RSP,  P25_KMM_HELLO,
    };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    assert_ok(otar_unit_join(r.unit, GROUP_RSI));
    for (size_t i = 0; i < sizeof ids; i++) {
        p25_kmm kmm = rig_command(ids[i]);
        kmm.is_opaque = ids[i] == P25_KMM_DELETE_KEYSET_CMD;
        if (ids[i] == P25_KMM_REKEY_CMD)
            kmm = rig_rekey(1, P25_ALGID_AES256);
        kmm.frame.destination_rsi = GROUP_RSI;
        assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, (uint16_t)(i + 1), buf)).len, 0);
        assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, (uint16_t)(i + 1), buf)).len, 0);
        kmm.frame.destination_rsi = 0x777778; /* not ours */
        assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, (uint16_t)(i + 1), buf)).len, 0);
    }
    p25_kmm kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kmm.frame.destination_rsi = GROUP_RSI;
    assert_int_equal(rig_give(&r, rig_seal(&r, &kmm, 900, buf)).len, 0);
    assert_int_equal(key_count(&r), 0);
    rig_close(&r);
}

/* ---- inventories ---- */

static void inventory(rig *r, uint8_t type, uint16_t mn)
{
    p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = type;
    rig_ask(r, &kmm, mn, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_INVENTORY_RSP);
    assert_int_equal(in.kmm.body.inventory_rsp.type, type);
}

static void expect_keysets(const uint8_t *ids, size_t count)
{
    const p25_keyset_ids *k = &in.kmm.body.inventory_rsp.of.keysets;
    assert_int_equal(k->count, count);
    assert_memory_equal(k->ids, ids, count);
    p25_opened_clear(&in);
}

static void expect_kids(size_t at, uint8_t keyset, uint16_t first, uint8_t count)
{
    const p25_kid_lists *k = &in.kmm.body.inventory_rsp.of.kids;
    assert_true(at < k->count);
    assert_int_equal(k->lists[at].keyset, keyset);
    assert_int_equal(k->lists[at].algid, P25_ALGID_AES256);
    assert_int_equal(k->lists[at].count, count);
    assert_int_equal(k->kids[k->lists[at].first], first);
}

static void inventories(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    rig_load(&r, 2, 1, 0x1101, 3);
    rig_load(&r, 1, 2, 0x1002, 4);
    rig_load(&r, 17, 0x1001, 0x2001, 5);
    inventory(&r, P25_INVENTORY_NULL, 1);
    p25_opened_clear(&in);
    inventory(&r, P25_INVENTORY_ACTIVE_KEYSETS, 2);
    expect_keysets((const uint8_t[]){ 1, 17, 255 }, 3);
    inventory(&r, P25_INVENTORY_INACTIVE_KEYSETS, 3);
    expect_keysets((const uint8_t[]){ 2 }, 1);
    inventory(&r, P25_INVENTORY_ACTIVE_KIDS, 4);
    assert_int_equal(in.kmm.body.inventory_rsp.of.kids.count, 3);
    expect_kids(0, 1, TEK_KID, 2);
    expect_kids(1, 255, UKEK_KID, 1);
    expect_kids(2, 17, 0x2001, 1);
    p25_opened_clear(&in);
    inventory(&r, P25_INVENTORY_INACTIVE_KIDS, 5);
    assert_int_equal(in.kmm.body.inventory_rsp.of.kids.count, 1);
    expect_kids(0, 2, 0x1101, 1);
    p25_opened_clear(&in);
    for (unsigned i = 0; i < 2; i++) {
        inventory(&r, i ? P25_INVENTORY_KEYSET_TAGS : P25_INVENTORY_ALL_TAGS, (uint16_t)(6 + i));
        const p25_keyset_tags *t = &in.kmm.body.inventory_rsp.of.tags;
        assert_int_equal(t->count, 4);
        assert_int_equal(t->tags[1].keyset, 2);
        assert_false(t->tags[1].is_kek);
        assert_int_equal(t->tags[3].keyset, 255);
        assert_true(t->tags[3].is_kek);
        p25_opened_clear(&in);
    }
    inventory(&r, P25_INVENTORY_MNP, 8);
    assert_int_equal(in.kmm.body.inventory_rsp.of.mnp, P25_MNP_DEFAULT);
    p25_opened_clear(&in);
    inventory(&r, P25_INVENTORY_KMF_RSI, 9);
    assert_int_equal(in.kmm.body.inventory_rsp.of.kmf_rsi, KMF_RSI);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* Types without a public layout, or that we have nothing for: 01, and no silence. */
static void inventories_refused(void **state)
{
    static const uint8_t types[] = { 0x01, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x80, 0xf7, 0xf8, 0xfc };
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    for (size_t i = 0; i < sizeof types; i++) {
        p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
        kmm.body.inventory_cmd.type = types[i];
        kf_slice command = rig_seal(&r, &kmm, (uint16_t)(i + 1), buf);
        rig_expect_nack(&r, command, P25_KMM_INVENTORY_CMD, 0x01);
    }
    rig_close(&r);
}

static void inventory_in_pages(void **state)
{
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_BASIC);
    for (uint16_t i = 0; i < 99; i++)
        rig_load(&r, 1, (uint16_t)(100 + i), (uint16_t)(0x2000 + i), 9);
    for (uint16_t most = 0; most <= 75; most = (uint16_t)(most + 15)) {
        uint32_t marker = 0;
        size_t seen = 0, pages = 0,
               expected = most == 0 || most > 70 ? 2 : (101u + most - 1) / most;
        do {
            p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
            kmm.body.inventory_cmd.type = P25_INVENTORY_ACTIVE_KEYS;
            kmm.body.inventory_cmd.marker = marker;
            kmm.body.inventory_cmd.max_items = most;
            rig_ask(&r, &kmm, (uint16_t)(1 + most * 10u + pages), &in);
            const p25_active_keys *keys = &in.kmm.body.inventory_rsp.of.keys;
            assert_true(keys->count > 0 && (most == 0 || keys->count <= most));
            for (size_t i = 0; i < keys->count; i++)
                if (seen + i > 1)
                    assert_int_equal(keys->keys[i].sln, 98 + seen + i);
            seen += keys->count;
            marker = keys->marker;
            pages++;
            p25_opened_clear(&in);
        } while (marker != 0 && pages < 20);
        assert_int_equal(seen, 101); /* the UKEK's keyset is always active */
        assert_int_equal(pages, expected);
    }
    /* beyond the end: an empty page, and the last */
    p25_kmm kmm = rig_command(P25_KMM_INVENTORY_CMD);
    kmm.body.inventory_cmd.type = P25_INVENTORY_ACTIVE_KEYS;
    kmm.body.inventory_cmd.marker = 0xffffff;
    rig_ask(&r, &kmm, 900, &in);
    assert_int_equal(in.kmm.body.inventory_rsp.of.keys.count, 0);
    assert_int_equal(in.kmm.body.inventory_rsp.of.keys.marker, 0);
    p25_opened_clear(&in);
    rig_close(&r);
}

/* ---- the enhanced policy ---- */

static bool speaks_sealed(rig *r, bool hello)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_ok(hello ? otar_unit_hello(r->unit, true, &w) : otar_unit_register(r->unit, true, &w));
    rig_read(r, kf_writer_slice(&w), &in);
    const bool is_sealed = in.authenticated && in.sync.algid == P25_ALGID_AES256;
    assert_int_equal(is_sealed, in.authenticated || in.sync.algid != P25_ALGID_CLEAR);
    p25_opened_clear(&in);
    return is_sealed;
}

static void enhanced(void **state)
{
    static rig r;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    (void)state;
    rig_open(&r, P25_LEVEL_ENHANCED);
    /* without a key everything is clear, and a clear answer counts */
    assert_false(speaks_sealed(&r, false));
    registration_answer(&r, P25_KMM_REGISTRATION_RSP, 0, true);
    registration_answer(&r, P25_KMM_DEREGISTRATION_RSP, 0, false);
    /* with one, neither */
    rig_play_kmf(&r);
    assert_true(speaks_sealed(&r, true));
    registration_answer(&r, P25_KMM_REGISTRATION_RSP, 0, false);
    p25_kmm kmm = rig_command(P25_KMM_REGISTRATION_RSP);
    kmm.frame.response_kind = P25_RK1_NONE;
    assert_int_equal(rig_give(&r, rig_seal_by(&r, r.tek, r.tek, &kmm, buf)).len, 0);
    assert_true(otar_unit_is_registered(r.unit));
    rig_restart(&r);
    assert_true(otar_unit_is_registered(r.unit));
    /* a Unable-to-Decrypt too */
    p25_tek *stranger = NULL;
    kf_secret *key = rig_key(0x55);
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x5555, key, &stranger));
    kf_secret_free(&key);
    kmm = rig_command(P25_KMM_ZEROIZE_CMD);
    kmm.frame.has_mn = true;
    kmm.frame.mn = 1;
    rig_read(&r, rig_give(&r, rig_seal_by(&r, stranger, stranger, &kmm, buf)), &in);
    assert_int_equal(in.frame.message_id, P25_KMM_UNABLE_TO_DECRYPT);
    assert_int_equal(in.kmm.body.utd.status, 0x08);
    assert_true(in.authenticated);
    p25_opened_clear(&in);
    p25_tek_free(&stranger);
    rig_close(&r);
}

/* The KID of what protects the next request; 0: nothing. The KMF we play knows one key only. */
static uint16_t speaks_under(rig *r, bool hello)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kf_fault fault;
    p25_dli dli;
    assert_ok(hello ? otar_unit_hello(r->unit, true, &w) : otar_unit_register(r->unit, true, &w));
    assert_ok(p25_dli_parse(kf_writer_slice(&w), NULL, &dli, &fault));
    return dli.sync.kid;
}

/* A key we have may be one that the KMF has no more: while it is silent, each keyset has its turn,
 * with a Hello and with a Registration, then its older keys; and one turn is clear. */
static void enhanced_tries_its_keys(void **state)
{
    static const uint16_t turns[] = { 0x1002,  0x1002,  0x2001, 0x2001, 0x1101, 0x1101, 0, 0,
                                      TEK_KID, TEK_KID, 0x2001, 0x2001, 0x1101, 0x1101, 0, 0 };
    static rig r;
    (void)state;
    rig_open_keyed(&r, P25_LEVEL_ENHANCED);
    rig_load(&r, 1, 2, 0x1002, 3);
    rig_load(&r, 2, 1, 0x1101, 4);
    rig_load(&r, 17, 0x1001, 0x2001, 5);
    for (size_t i = 0; i < 36; i++)
        assert_int_equal(speaks_under(&r, i % 2 == 0), turns[i % 16]);
    p25_kmm kmm = rig_command(P25_KMM_CAPABILITIES_CMD);
    rig_ask(&r, &kmm, 1, &in); /* the KMF is heard: no reason any more */
    p25_opened_clear(&in);
    assert_int_equal(speaks_under(&r, true), 0x1002);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_service),
        cmocka_unit_test(unprotected),
        cmocka_unit_test(date_time),
        cmocka_unit_test(retry_of_the_unanswered),
        cmocka_unit_test(registration),
        cmocka_unit_test(window_of_numbers),
        cmocka_unit_test(another_kmf),
        cmocka_unit_test(modify_keyset),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(not_for_us),
        cmocka_unit_test(places_of_keys),
        cmocka_unit_test(erasure),
        cmocka_unit_test(full),
        cmocka_unit_test(zeroize),
        cmocka_unit_test(warm_key_expires),
        cmocka_unit_test(warm_key_name_is_taken),
        cmocka_unit_test(warm_start_ends),
        cmocka_unit_test(changeover),
        cmocka_unit_test(own_address),
        cmocka_unit_test(group_addresses),
        cmocka_unit_test(group_moves_groups),
        cmocka_unit_test(group_is_silent),
        cmocka_unit_test(inventories),
        cmocka_unit_test(inventories_refused),
        cmocka_unit_test(inventory_in_pages),
        cmocka_unit_test(enhanced),
        cmocka_unit_test(enhanced_tries_its_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

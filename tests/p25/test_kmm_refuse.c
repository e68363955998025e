/* What the KMM codec refuses: malformed frames and bodies, length lies, oversize counts; and values
 * that have no encoding. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>

#include "p25/kmm.h"

#define H "80 012345 98967f " /* format and RSIs of a message without number and MAC */

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
    p25_side side;
} cases[] = {
    { "nothing", "", KF_E_TRUNCATED, "KMM.message_id", 0 },
    { "length field cut", "0c 00", KF_E_TRUNCATED, "KMM.length", 0 },
    { "nine octets", "0c 0006 80 012345 9896", KF_E_MALFORMED, "KMM.length", 0 },
    { "length one more", "0c 0009 " H "00", KF_E_TRUNCATED, "KMM.length", 0 },
    { "length one less", "0c 0008 " H "00 00", KF_E_TRAILING, "KMM.length", 0 },
    { "length counts everything", "0c 000b " H "00", KF_E_TRUNCATED, "KMM.length", 0 },
    { "length over the limit", "0c 01fe " H "00", KF_E_UNSUPPORTED, "KMM.length", 0 },
    { "largest length", "0c ffff " H "00", KF_E_UNSUPPORTED, "KMM.length", 0 },
    { "response kind 3", "0c 0008 c0 012345 98967f 00", KF_E_MALFORMED, "KMM.format", 0 },
    { "message number code 1", "0c 0008 90 012345 98967f 00", KF_E_MALFORMED, "KMM.format", 0 },
    { "message number code 3", "0c 000a b0 012345 98967f 0001 00", KF_E_MALFORMED, "KMM.format",
      0 },
    { "MAC code 1", "0c 0008 84 012345 98967f 00", KF_E_MALFORMED, "KMM.format", 0 },
    { "reserved bit", "0c 0008 82 012345 98967f 00", KF_E_MALFORMED, "KMM.format", 0 },
    { "no room for the number", "0c 0008 a0 012345 98967f 00", KF_E_TRUNCATED, "KMM.mn", 0 },
    { "no room for a trailer", "17 000b 88 012345 98967f 08840000", KF_E_TRUNCATED, "KMM.mac", 0 },
    { "MAC block one short", "17 0013 88 012345 98967f 00000000000000 0884000040", KF_E_TRUNCATED,
      "KMM.mac", 0 },
    { "MAC of five octets", "17 0014 88 012345 98967f 0000000000000000 0584000040", KF_E_MALFORMED,
      "KMM.mac_length", 0 },
    { "MAC of 255 octets", "17 0014 88 012345 98967f 0000000000000000 ff84000040", KF_E_MALFORMED,
      "KMM.mac_length", 0 },
    { "DES MAC one short", "17 000d 8c 012345 98967f 000000 810001", KF_E_TRUNCATED, "KMM.mac", 0 },
    { "MAC taken from the body", "0c 0014 88 012345 98967f 0000000000000000 0884000040",
      KF_E_TRUNCATED, "HELLO.flag", 0 },

    { "body in No-Service", "17 0008 " H "00", KF_E_TRAILING, "KMM.body", 0 },
    { "body in Capabilities", "01 0008 " H "00", KF_E_TRAILING, "KMM.body", 0 },
    { "Zeroize with 01", "21 0008 " H "01", KF_E_MALFORMED, "ZEROIZE.filler", 0 },
    { "Zeroize with 0000", "21 0009 " H "0000", KF_E_TRAILING, "KMM.body", 0 },
    { "Zeroize response with 00", "22 0008 " H "00", KF_E_TRAILING, "KMM.body", 0 },
    { "Hello 3", "0c 0008 " H "03", KF_E_MALFORMED, "HELLO.flag", 0 },
    { "Hello with a tail", "0c 0009 " H "0000", KF_E_TRAILING, "KMM.body", 0 },
    { "Hello without a flag", "0c 0007 80 012345 98967f", KF_E_TRUNCATED, "HELLO.flag", 0 },
    { "capabilities overrun", "02 000b " H "02818400", KF_E_TRUNCATED, "CAPABILITIES.message_count",
      0 },
    { "Change-RSI of two", "03 0010 " H "02 012345 012346 b999", KF_E_UNSUPPORTED,
      "CHANGE_RSI.count", 0 },
    { "Change-RSI without number", "03 000f " H "01 012345 012346 b9", KF_E_TRUNCATED,
      "CHANGE_RSI.mn", 0 },
    { "Changeover lies low", "05 000c " H "01 01020304", KF_E_TRAILING, "KMM.body", 0 },
    { "Changeover lies high", "05 000a " H "02 0102", KF_E_TRUNCATED, "CHANGEOVER.superseded", 0 },
    { "Changeover of 17", "05 000a " H "11 0102", KF_E_UNSUPPORTED, "CHANGEOVER.count", 0 },
    { "Negative-Ack of one octet", "16 0008 " H "0d", KF_E_TRUNCATED, "NACK.mn", 0 },
    { "Negative-Ack of three octets", "16 000a " H "0d0001", KF_E_TRUNCATED, "NACK.status", 0 },
    { "Negative-Ack of five octets", "16 000c " H "0d00010000", KF_E_TRAILING, "KMM.body", 0 },
    { "Rekey-Ack count times size only", "1d 0009 " H "1e 04", KF_E_TRUNCATED, "REKEY_ACK.algid",
      0 },
    { "Rekey-Ack lies high", "1d 000d " H "1e 02 84100100", KF_E_TRUNCATED, "REKEY_ACK.algid", 0 },
    { "Rekey-Ack lies low", "1d 000d " H "1e 00 84100100", KF_E_TRAILING, "KMM.body", 0 },
    { "Rekey-Ack of 129", "1d 0009 " H "1e 81", KF_E_UNSUPPORTED, "REKEY_ACK.count", 0 },
    { "date 31 April", "1f 000c " H "4f9a 000000", KF_E_MALFORMED, "DATE_TIME", 0 },
    { "low bits of the time", "1f 000c " H "379a 733201", KF_E_MALFORMED, "DATE_TIME.time", 0 },
    { "hour 24", "1f 000c " H "379a c00000", KF_E_MALFORMED, "DATE_TIME", 0 },
    { "Registration reserved bits", "25 000b " H "01 98967f", KF_E_MALFORMED, "REGISTRATION.format",
      0 },
    { "Registration with a tail", "25 000c " H "00 98967f 00", KF_E_TRAILING, "KMM.body", 0 },
    { "Registration without its key", "25 000b " H "80 98967f", KF_E_TRUNCATED,
      "REGISTRATION.transported", 0 },
    { "Registration response of two", "26 0009 " H "0000", KF_E_TRAILING, "KMM.body", 0 },
    { "UTD cut", "27 000c " H "00 00 84 0001", KF_E_TRUNCATED, "UTD.status", 0 },
    { "Session opcode 8", "31 000a " H "00 08 01", KF_E_MALFORMED, "SESSION.opcode", 0 },
    { "Session opcode 0", "31 000a " H "00 00 01", KF_E_MALFORMED, "SESSION.opcode", 0 },
    { "Session source 3", "31 000a " H "00 01 03", KF_E_MALFORMED, "SESSION.opcode", 0 },
    { "Session of nothing", "31 0007 80 012345 98967f", KF_E_TRUNCATED, "SESSION.version", 0 },
    { "Load-Config with status", "fd 000d " H "98967f ffff 00", KF_E_TRAILING, "KMM.body", 0 },
    { "Load-Config response without", "fc 000c " H "98967f ffff", KF_E_TRUNCATED,
      "LOAD_CONFIG.status", 0 },

    { "decryption format 80", "1e 000c " H "80 84f5a0 00", KF_E_MALFORMED, "DECRYPTION.format", 0 },
    { "MI missing", "1e 000c " H "40 84f5a0 00", KF_E_TRUNCATED, "DECRYPTION.mi", 0 },
    { "17 keysets", "1e 000c " H "00 84f5a0 11", KF_E_UNSUPPORTED, "REKEY.keyset_count", 0 },
    { "keyset missing", "1e 000c " H "00 84f5a0 01", KF_E_TRUNCATED, "KEYSET.format", 0 },
    { "keyset name of 16", "1e 0011 " H "00 84f5a0 01 1001842800", KF_E_UNSUPPORTED,
      "KEYSET.format", 0 },
    { "keys of no octets", "1e 0011 " H "00 84f5a0 01 0001840000", KF_E_MALFORMED,
      "KEYSET.key_length", 0 },
    { "65 keys", "1e 0011 " H "00 84f5a0 01 0001840141", KF_E_UNSUPPORTED, "KEYSET.key_count", 0 },
    { "key missing", "1e 0011 " H "00 84f5a0 01 0001840101", KF_E_TRUNCATED, "KEY.format", 0 },
    { "key longer than there is", "1e 0017 " H "00 84f5a0 01 0001840201 0000010001 aa",
      KF_E_TRUNCATED, "KEY.key", 0 },
    { "key format bit 6", "1e 0017 " H "00 84f5a0 01 0001840101 4000010001 aa", KF_E_MALFORMED,
      "KEY.format", 0 },
    { "key name missing", "1e 0017 " H "00 84f5a0 01 0001840101 0100010001 aa", KF_E_TRUNCATED,
      "KEY.name", 0 },
    { "octet after the last key", "1e 0018 " H "00 84f5a0 01 0001840101 0000010001 aa bb",
      KF_E_TRAILING, "KMM.body", 0 },
    { "Modify-Key of 65", "13 000f " H "00 84f5a0 01 84 01 41", KF_E_UNSUPPORTED,
      "MODIFY_KEY.key_count", 0 },
    { "Modify-Key length 0", "13 000f " H "00 84f5a0 01 84 00 01", KF_E_MALFORMED,
      "MODIFY_KEY.key_length", 0 },
    { "key fill, extended format 1", "13 0010 " H "00 01 800000 01 84 20 00", KF_E_UNSUPPORTED,
      "DECRYPTION.extended", P25_SIDE_KEYFILL },
    { "warm start key of no octets", "20 0012 " H "00 84f5a0 00 84 00 0000 7a31", KF_E_MALFORMED,
      "WARM_START.key_length", 0 },
    { "warm start erases", "20 0013 " H "00 84f5a0 01 84 20 0000 7a31 aa", KF_E_MALFORMED,
      "WARM_START.key_format", 0 },
    { "warm start with a tail", "20 0014 " H "00 84f5a0 01 84 00 0000 7a31 aa bb", KF_E_TRAILING,
      "KMM.body", 0 },
    { "authentication key of no octets", "28 0015 " H "00 800000 01 00000000000000 85 00",
      KF_E_MALFORMED, "AUTH_KEY.key_length", 0 },
    { "SUID cut", "2a 000e " H "01 000000000000", KF_E_TRUNCATED, "AUTH_KEY.suid", 0 },

    { "65 keyset attributes", "14 0008 " H "41", KF_E_UNSUPPORTED, "MODIFY_KEYSET.count", 0 },
    { "keyset third octet", "14 000b " H "01 00 09 01", KF_E_MALFORMED, "KEYSET.zero", 0 },
    { "keyset name cut", "14 000c " H "01 02 09 00 41", KF_E_TRUNCATED, "KEYSET.name", 0 },
    { "activation cut", "14 000f " H "01 20 09 00 379a7332", KF_E_TRUNCATED, "DATE_TIME.time", 0 },
    { "129 keyset statuses", "15 0008 " H "81", KF_E_UNSUPPORTED, "MODIFY_KEYSET.count", 0 },
    { "inventory without a type", "0d 0007 80 012345 98967f", KF_E_TRUNCATED, "INVENTORY.type", 0 },
    { "plain inventory with a marker", "0d 000d " H "02 000000 004e", KF_E_TRAILING, "KMM.body",
      0 },
    { "paged inventory without", "0d 0008 " H "fd", KF_E_TRUNCATED, "INVENTORY.marker", 0 },
    { "paged SUIDs without a maximum", "0d 000b " H "f8 000000", KF_E_TRUNCATED,
      "INVENTORY.max_items", 0 },
    { "256 keysets", "0e 000a " H "02 0100", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "keysets lie", "0e 000b " H "02 0002 09", KF_E_TRUNCATED, "INVENTORY.keyset", 0 },
    { "65 lists of key IDs", "0e 000a " H "04 0041", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "key IDs lie", "0e 000f " H "04 0001 09 84 02 daa0", KF_E_TRUNCATED, "INVENTORY.kid", 0 },
    { "65 tags", "0e 000a " H "f9 0041", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "101 RSIs", "0e 000a " H "0b 0065", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "85 active keys", "0e 000d " H "fd 000000 0055", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "65535 active keys", "0e 000d " H "fd 000000 ffff", KF_E_UNSUPPORTED, "INVENTORY.count", 0 },
    { "MNP of three octets", "0e 000b " H "fe 000690", KF_E_TRAILING, "KMM.body", 0 },
    { "null with content", "0e 0009 " H "00 00", KF_E_TRAILING, "KMM.body", 0 },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[128];
        kf_fault fault;
        p25_kmm m;
        static const p25_kmm empty;
        kf_slice kmm = testing_hex(cases[i].hex, buf, sizeof buf);
        kf_err got = p25_kmm_parse(kmm, cases[i].side, NULL, &m, &fault);
        if (got != cases[i].want || strcmp(fault.field, cases[i].field) != 0)
            fail_msg("%s: got %s at %zu, field %s", cases[i].name, kf_err_name(got), fault.at,
                     fault.field == NULL ? "-" : fault.field);
        assert_memory_equal(&m, &empty, sizeof m);
    }
}

/* Layout not public or identifier unknown: whatever the body, it comes out as it went in. */
static void test_opaque(void **state)
{
    (void)state;
    uint8_t body[40] = { 0 };
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7);
    for (unsigned id = 0; id < 256; id++) {
        uint8_t buf[64], again[64];
        kf_fault fault;
        p25_kmm m;
        if (p25_message_is_known(id))
            continue;
        kf_writer w = kf_writer_init(buf, sizeof buf);
        kf_write_u8(&w, (uint8_t)id);
        kf_write_u16(&w, (uint16_t)(7 + id % sizeof body));
        kf_write_octets(&w, (const uint8_t[]){ 0x80, 1, 2, 3, 4, 5, 6 }, 7);
        kf_write_octets(&w, body, id % sizeof body);
        assert_ok(p25_kmm_parse(kf_writer_slice(&w), P25_SIDE_OTAR, NULL, &m, &fault));
        assert_true(m.is_opaque);
        assert_int_equal(m.body.opaque.len, id % sizeof body);
        kf_writer back = kf_writer_init(again, sizeof again);
        p25_kmm_encode(&m, &back);
        assert_slice_equal(kf_writer_slice(&back), kf_writer_slice(&w));
    }
}

static p25_kmm new_message(uint8_t id)
{
    p25_kmm m;
    memset(&m, 0, sizeof m);
    m.frame.message_id = id;
    m.frame.destination_rsi = 1;
    m.frame.source_rsi = 2;
    return m;
}

static void check_no_encoding(const p25_kmm *m, kf_err want)
{
    uint8_t buf[2 * P25_KMM_OCTETS_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    p25_kmm_encode(m, &w);
    assert_int_equal(w.err, want);
    assert_int_equal(kf_writer_slice(&w).len, 0);
}

static void test_frames_without_encoding(void **state)
{
    (void)state;
    p25_kmm m = new_message(P25_KMM_NO_SERVICE);
    m.frame.destination_rsi = 0x1000000;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_NO_SERVICE);
    m.frame.response_kind = (p25_response_kind)3;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_NO_SERVICE);
    m.frame.mac.kind = (p25_mac_kind)1;
    check_no_encoding(&m, KF_E_MALFORMED);
    m.frame.mac.kind = P25_MAC_ENHANCED;
    m.frame.mac.len = 5;
    check_no_encoding(&m, KF_E_MALFORMED);
    m.frame.mac.len = 255;
    check_no_encoding(&m, KF_E_MALFORMED);
    m.frame.mac.kind = P25_MAC_DES;
    m.frame.mac.len = 8;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_DELETE_KEY_CMD); /* a body that nobody knows */
    check_no_encoding(&m, KF_E_MALFORMED);
    uint8_t much[P25_KMM_OCTETS_MAX] = { 0 };
    m.is_opaque = true;
    m.body.opaque = (kf_slice){ much, P25_KMM_OCTETS_MAX - P25_KMM_OCTETS_MIN + 1 };
    check_no_encoding(&m, KF_E_NO_SPACE);
}

static void test_keys_without_encoding(void **state)
{
    (void)state;
    static const uint8_t octets[64];
    p25_kmm good = new_message(P25_KMM_REKEY_CMD);
    good.body.rekey.keyset_count = 1;
    good.body.rekey.item_count = 1;
    good.body.rekey.keysets[0] = (p25_rekey_keyset){ .key_octets = 8, .count = 1 };
    good.body.rekey.items[0].key = (kf_slice){ octets, 8 };
    p25_kmm m = good;
    m.body.rekey.items[0].key.len = 9;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.items[0].name = (kf_slice){ octets, P25_KEY_NAME_OCTETS_MAX + 1 };
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.keysets[0].tag.name = (kf_slice){ octets, P25_KEYSET_NAME_OCTETS_MAX + 1 };
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.keyset_count = P25_KEYSETS_MAX + 1;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.keysets[0].count = 2;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.keysets[0].first = 1;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = good;
    m.body.rekey.keysets[0].key_octets = 0;
    m.body.rekey.items[0].key.len = 0;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_MODIFY_KEY_CMD);
    m.body.modify_key.item_count = P25_KEY_ITEMS_MAX + 1;
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_WARM_START_CMD);
    check_no_encoding(&m, KF_E_MALFORMED);
    m = new_message(P25_KMM_LOAD_AUTH_KEY_CMD);
    check_no_encoding(&m, KF_E_MALFORMED);
}

static void test_lists_without_encoding(void **state)
{
    static const struct {
        uint8_t id, type;
    } lists[] = {
        { P25_KMM_INVENTORY_RSP, P25_INVENTORY_ACTIVE_KIDS },
        { P25_KMM_INVENTORY_RSP, P25_INVENTORY_KEYSET_TAGS },
        { P25_KMM_INVENTORY_RSP, P25_INVENTORY_RSIS },
        { P25_KMM_INVENTORY_RSP, P25_INVENTORY_ACTIVE_KEYS },
    };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(lists); i++) {
        p25_kmm m = new_message(lists[i].id);
        memset(&m.body, 0xff, sizeof m.body); /* counts of 255, everything else too large */
        m.body.inventory_rsp.type = lists[i].type;
        check_no_encoding(&m, KF_E_MALFORMED);
    }
    static const uint8_t ids[] = { P25_KMM_CHANGEOVER_CMD,    P25_KMM_REKEY_ACK,
                                   P25_KMM_MODIFY_KEYSET_CMD, P25_KMM_MODIFY_KEYSET_RSP,
                                   P25_KMM_CHANGE_RSI_CMD,    P25_KMM_SET_DATE_TIME,
                                   P25_KMM_SESSION_CONTROL,   P25_KMM_HELLO };
    for (size_t i = 0; i < KF_COUNT(ids); i++) {
        p25_kmm m = new_message(ids[i]);
        memset(&m.body, 0xff, sizeof m.body);
        check_no_encoding(&m, KF_E_MALFORMED);
    }
}

/* A buffer that is too small by any number of octets. */
static void test_no_space(void **state)
{
    (void)state;
    uint8_t buf[32];
    p25_kmm m = new_message(P25_KMM_NEGATIVE_ACK);
    m.frame.has_mn = true;
    m.frame.mac = (p25_kmm_mac){ .kind = P25_MAC_ENHANCED, .len = 8 };
    for (size_t cap = 0; cap <= 29; cap++) {
        kf_writer w = kf_writer_init(buf, cap);
        p25_kmm_encode(&m, &w);
        assert_int_equal(w.err, cap < 29 ? KF_E_NO_SPACE : KF_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_frames_without_encoding),
        cmocka_unit_test(test_keys_without_encoding),
        cmocka_unit_test(test_lists_without_encoding),
        cmocka_unit_test(test_no_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

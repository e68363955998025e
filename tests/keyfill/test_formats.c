/* Our own container, CSV and the three-wire frames. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/container.h"
#include "keyfill/box.h"
#include "keyfill/csv.h"
#include "keyfill/threewire.h"

static const kf_scrypt_cost quick = { 4, 1, 1 };

/* ---- our own container ---- */

static kf_slice boxed(const keyfill_file *file, uint8_t *buf, size_t cap)
{
    testing_rng rng;
    testing_rng_init(&rng, "box");
    kf_writer w = kf_writer_init(buf, cap);
    assert_ok(keyfill_box_seal(file, kf_slice_str("pass"), quick, &rng.rng, &w));
    assert_int_equal(w.len, keyfill_box_octets(file));
    return kf_writer_slice(&w);
}

static kf_err unbox(const char *pass, kf_slice in, keyfill_file *out)
{
    kf_fault fault;
    memset(out, 0xa5, sizeof *out);
    kf_err err = keyfill_box_open(in, kf_slice_str(pass), out, &fault);
    assert_int_equal(err, fault.code);
    assert_true(err == KF_OK || (fixture_is_empty(out) && fault.field != NULL));
    return err;
}

static void box_round_trip(void **state)
{
    (void)state;
    uint8_t buf[1024];
    keyfill_file file, again;
    fixture_file(&file);
    kf_slice box = boxed(&file, buf, sizeof buf);
    assert_ok(unbox("pass", box, &again));
    assert_true(keyfill_file_equal(&file, &again));
    keyfill_file_clear(&again);
    assert_err(unbox("Pass", box, &again), KF_E_AUTH);
    for (size_t len = 0; len < box.len; len++)
        assert_int_not_equal(unbox("pass", (kf_slice){ buf, len }, &again), KF_OK);
    for (size_t bit = 8 * 29; bit < 8 * box.len; bit++) { /* nonce, length, content, tag */
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(unbox("pass", box, &again), KF_OK);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    file.entries[0].kid = 65536;
    testing_rng rng;
    testing_rng_init(&rng, "box");
    kf_writer w = kf_writer_init(buf, sizeof buf);
    assert_err(keyfill_box_seal(&file, kf_slice_str("pass"), quick, &rng.rng, &w), KF_E_MALFORMED);
    assert_int_equal(w.len, 0);
    keyfill_file_clear(&file);
}

/* The layout of the header, by hand; then one change each. */
#define BOX_ENTRY "00000001 09 ff f000 84 f5a0 012345 01 41 02 0102"
#define BOX_GROUP "00000007 01 47 0001 00000001"

static const struct {
    const char *name, *hex;
    kf_err want;
} boxes[] = {
    { "good", "01 0001 0001" BOX_ENTRY BOX_GROUP, KF_OK },
    { "empty", "01 0000 0000", KF_OK },
    { "version", "02 0000 0000", KF_E_UNSUPPORTED },
    { "trailing", "01 0000 0000 00", KF_E_TRAILING },
    { "id twice", "01 0002 0000" BOX_ENTRY BOX_ENTRY, KF_E_MALFORMED },
    { "TEK and KEK", "01 0001 0000 00000001 06 01 0001 84 0001 00 01 01", KF_E_MALFORMED },
    { "unknown flag", "01 0001 0000 00000001 10 01 0001 84 0001 00 01 01", KF_E_MALFORMED },
    { "keyset 0", "01 0001 0000 00000001 00 00 0001 84 0001 00 01 01", KF_E_MALFORMED },
    { "no key", "01 0001 0000 00000001 00 01 0001 84 0001 00 00", KF_E_MALFORMED },
    { "bad name", "01 0001 0000 00000001 00 01 0001 84 0001 01 80 01 01", KF_E_MALFORMED },
    { "control in name", "01 0001 0000 00000001 00 01 0001 84 0001 01 0a 01 01", KF_E_MALFORMED },
    { "overlong name", "01 0001 0000 00000001 00 01 0001 84 0001 02 c0af 01 01", KF_E_MALFORMED },
    { "surrogate", "01 0001 0000 00000001 00 01 0001 84 0001 03 eda080 01 01", KF_E_MALFORMED },
    { "group twice", "01 0001 0002" BOX_ENTRY BOX_GROUP BOX_GROUP, KF_E_MALFORMED },
    { "stranger", "01 0001 0001" BOX_ENTRY "00000007 00 0001 00000002", KF_E_MALFORMED },
    { "member twice", "01 0001 0001" BOX_ENTRY "00000007 00 0002 00000001 00000001",
      KF_E_MALFORMED },
};

static void box_contents(void **state)
{
    (void)state;
    uint8_t buf[256];
    keyfill_file file;
    kf_fault fault;
    for (size_t i = 0; i < KF_COUNT(boxes); i++) {
        kf_slice in = testing_hex(boxes[i].hex, buf, sizeof buf);
        kf_err err = keyfill_box_parse(in, &file, &fault);
        if (err != boxes[i].want)
            fail_msg("%s: %s", boxes[i].name, kf_err_name(err));
        for (size_t len = 0; err == KF_OK && len < in.len; len++) {
            keyfill_file none;
            assert_err(keyfill_box_parse((kf_slice){ in.ptr, len }, &none, &fault), KF_E_TRUNCATED);
            assert_true(fixture_is_empty(&none));
        }
        if (i == 0) {
            assert_int_equal(file.entries[0].keyset, 255);
            assert_true(file.entries[0].is_active && file.entries[0].has_rsi);
            assert_int_equal(file.entries[0].sln, 0xf000);
            assert_int_equal(file.entries[0].algid, 0x84);
            assert_int_equal(file.entries[0].kid, 0xf5a0);
            assert_int_equal(file.entries[0].rsi, 0x012345);
            assert_int_equal(file.groups[0].members[0], 1);
        }
        keyfill_file_clear(&file);
    }
}

/* ---- CSV ---- */

#define HEAD "name,keyset,sln,type,kid,algid,key,rsi,group\n"

static kf_err read_csv(const char *text, keyfill_file *file, keyfill_csv_fault *fault)
{
    keyfill_findings findings = { 0 };
    memset(file, 0xa5, sizeof *file);
    kf_err err = keyfill_csv_read(kf_slice_str(text), file, &findings, fault);
    assert_int_equal(err, fault->fault.code);
    assert_int_equal(keyfill_findings_count(&findings, KEYFILL_CLEAR_KEYS), err == KF_OK);
    assert_true(err == KF_OK || (fixture_is_empty(file) && fault->why != NULL));
    keyfill_findings_clear(&findings);
    return err;
}

static void csv_good(void **state)
{
    (void)state;
    keyfill_file file, other;
    keyfill_csv_fault fault;
    assert_ok(read_csv(HEAD "\"TAC, \"\"1\"\"\",active,1,,1001,AES-256," FIXTURE_KEY ",,ALL\r\n\n"
                            "UKEK, 255 ,61440,kek,F5A0,84," FIXTURE_KEY ",74565,ALL\n"
                            ",1,70000,TEK,00a0,adp,0102030405,,",
                       &file, &fault));
    assert_int_equal(file.entry_count, 3);
    assert_slice_equal(keyfill_name_view(&file.entries[0].name), kf_slice_str("TAC, \"1\""));
    assert_true(file.entries[0].is_active);
    assert_int_equal(file.entries[0].kid, 0x1001);
    assert_int_equal(file.entries[0].algid, 0x84);
    assert_int_equal(kf_secret_len(file.entries[0].material), 32);
    assert_int_equal(file.entries[1].keyset, 255);
    assert_int_equal(file.entries[1].kind, KEYFILL_KIND_KEK);
    assert_int_equal(file.entries[1].kid, 0xf5a0);
    assert_true(file.entries[1].has_rsi);
    assert_int_equal(file.entries[1].rsi, 74565);
    assert_int_equal(file.entries[2].sln, 70000); /* left to the checks */
    assert_int_equal(file.entries[2].kid, 0x00a0);
    assert_int_equal(file.entries[2].algid, 0xaa);
    assert_int_equal(file.group_count, 1);
    assert_int_equal(file.groups[0].member_count, 2);
    keyfill_file_clear(&file);
    assert_ok(read_csv("\xef\xbb\xbfKEY;KID;AlgId;CKR;Keyset\r\n0102030405;0001;AA;7;2\r\n", &file,
                       &fault));
    assert_ok(read_csv("key\tkid\talgid\tsln\tkeyset\n0102030405\t0001\taa\t7\t2", &other, &fault));
    assert_true(keyfill_file_equal(&file, &other));
    keyfill_file_clear(&file);
    keyfill_file_clear(&other);
}

#define SHORT "kid,keyset,sln,algid,key\n"

static const struct {
    const char *text;
    kf_err want;
    const char *field;
    size_t line, column;
} bad_csv[] = {
    { "", KF_E_TRUNCATED, "csv.header", 0, 1 },
    { "key\n", KF_E_MALFORMED, "csv.keyset", 1, 1 },
    { "kid,keyset,sln,algid\n", KF_E_MALFORMED, "csv.key", 1, 1 },
    { "kid,keyset,sln,algid,key,colour\n", KF_E_MALFORMED, "csv.header", 1, 26 },
    { "kid,keyset,sln,ckr,algid,key\n", KF_E_MALFORMED, "csv.header", 1, 16 },
    { ",,,,,,,,,,,,,,,,,,,\n", KF_E_MALFORMED, "csv", 1, 17 },
    { SHORT "0001,1,1,84\n", KF_E_MALFORMED, "csv", 2, 1 },
    { SHORT "0001,1,1,84,00,\n", KF_E_MALFORMED, "csv", 2, 1 },
    { SHORT "1,1,1,84,00\n", KF_E_MALFORMED, "csv.kid", 2, 1 },
    { SHORT "00001,1,1,84,00\n", KF_E_MALFORMED, "csv.kid", 2, 1 },
    { SHORT "0x01,1,1,84,00\n", KF_E_MALFORMED, "csv.kid", 2, 1 },
    { SHORT "1E+3,1,1,84,00\n", KF_E_MALFORMED, "csv.kid", 2, 1 },
    { SHORT "\n\n0001,one,1,84,00\n", KF_E_MALFORMED, "csv.keyset", 4, 6 },
    { SHORT "0001,,1,84,00\n", KF_E_MALFORMED, "csv.keyset", 2, 6 },
    { SHORT "0001,1,-1,84,00\n", KF_E_MALFORMED, "csv.sln", 2, 8 },
    { SHORT "0001,1,99999999999,84,00\n", KF_E_MALFORMED, "csv.sln", 2, 8 },
    { SHORT "0001,1,1,DES?,00\n", KF_E_MALFORMED, "csv.algid", 2, 10 },
    { SHORT "0001,1,1,4,00\n", KF_E_MALFORMED, "csv.algid", 2, 10 },
    { SHORT "0001,1,1,84,\n", KF_E_MALFORMED, "csv.key", 2, 13 },
    { SHORT "0001,1,1,84,0\n", KF_E_MALFORMED, "csv.key", 2, 13 },
    { SHORT "0001,1,1,84,0g\n", KF_E_MALFORMED, "csv.key", 2, 13 },
    { SHORT "0001,1,1,84,00 11\n", KF_E_MALFORMED, "csv.key", 2, 13 },
    { SHORT "0001,1,1,84,\"00\n", KF_E_TRUNCATED, "csv", 2, 14 },
    { SHORT "0001,1,1,84,\"00\"11\n", KF_E_MALFORMED, "csv", 2, 17 },
    { SHORT "0001,1,1,84,0\"0\n", KF_E_MALFORMED, "csv", 2, 14 },
    { SHORT "0001,1,1,84,\"0\"\"0\"\n", KF_E_MALFORMED, "csv.key", 2, 14 },
    { HEAD "\x80,1,1,,0001,84,00,,\n", KF_E_MALFORMED, "csv.name", 2, 1 },
    { HEAD "n,1,1,both,0001,84,00,,\n", KF_E_MALFORMED, "csv.type", 2, 7 },
    { HEAD "n,1,1,,0001,84,00,x,\n", KF_E_MALFORMED, "csv.rsi", 2, 19 },
    { HEAD "n,1,1,,0001,84,00,,\x01\n", KF_E_MALFORMED, "csv.group", 2, 20 },
};

static void csv_bad(void **state)
{
    (void)state;
    keyfill_file file;
    keyfill_csv_fault fault;
    for (size_t i = 0; i < KF_COUNT(bad_csv); i++) {
        kf_err err = read_csv(bad_csv[i].text, &file, &fault);
        if (err != bad_csv[i].want || strcmp(fault.fault.field, bad_csv[i].field) != 0 ||
            fault.line != bad_csv[i].line || fault.column != bad_csv[i].column)
            fail_msg("%zu: %s at %s, line %zu, column %zu: %s", i, kf_err_name(err),
                     fault.fault.field, fault.line, fault.column, bad_csv[i].text);
    }
    size_t most = KEYFILL_CSV_OCTETS_MAX + 1;
    uint8_t *huge = calloc(1, most);
    keyfill_findings findings = { 0 };
    assert_non_null(huge);
    assert_err(keyfill_csv_read((kf_slice){ huge, most }, &file, &findings, &fault), KF_E_NO_SPACE);
    free(huge);
}

/* ---- three-wire ---- */

static void wire_vectors(void **state)
{
    (void)state;
    vectors_file vectors;
    static const char *const names[] = { "dead", "frame" };
    testing_vectors_load("p25-keyfill-crc.txt", &vectors);
    for (size_t i = 0; i < KF_COUNT(names); i++) {
        uint8_t data[64], crc[2];
        vectors_case *c = testing_case(&vectors, names[i]);
        kf_slice in = testing_field(c, "data", data, sizeof data);
        testing_field(c, "crc", crc, sizeof crc);
        assert_int_equal(keyfill_wire_crc(in), crc[0] | crc[1] << 8);
        if (i == 0)
            continue;
        uint8_t frame[64];
        kf_writer w = kf_writer_init(frame, sizeof frame);
        kf_write_u8(&w, 0xc2);
        kf_write_u16(&w, (uint16_t)(in.len + 2));
        kf_write_slice(&w, in);
        kf_write_octets(&w, crc, sizeof crc);
        keyfill_wire wire;
        kf_fault fault;
        assert_ok(keyfill_wire_parse(kf_writer_slice(&w), &wire, &fault));
        assert_int_equal(wire.opcode, KEYFILL_WIRE_KMM);
        assert_int_equal(wire.control, 0);
        assert_int_equal(wire.rsi, 0x98967f);
        assert_slice_equal(wire.kmm, kf_slice_part(in, 4, in.len));
    }
    vectors_clear(&vectors);
}

static void wire_round_trip_and_damage(void **state)
{
    (void)state;
    static uint8_t kmm[KEYFILL_WIRE_KMM_MAX + 1], buf[KEYFILL_WIRE_KMM_MAX + 16];
    static const size_t lengths[] = { 1, 2, 11, 512 };
    keyfill_wire again;
    kf_fault fault;
    testing_rng rng;
    testing_rng_init(&rng, "wire");
    testing_rng_octets(&rng, kmm, sizeof kmm);
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        keyfill_wire wire = { KEYFILL_WIRE_KMM, 0, 0xffffff, { kmm, lengths[i] } };
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_ok(keyfill_wire_build(&wire, &w));
        assert_int_equal(w.len, lengths[i] + KEYFILL_WIRE_OVERHEAD);
        assert_ok(keyfill_wire_parse(kf_writer_slice(&w), &again, &fault));
        assert_slice_equal(again.kmm, wire.kmm);
        assert_int_equal(again.rsi, 0xffffff);
        for (size_t len = 0; len < w.len; len++)
            assert_err(keyfill_wire_parse((kf_slice){ buf, len }, &again, &fault), KF_E_TRUNCATED);
        assert_err(keyfill_wire_parse((kf_slice){ buf, w.len + 1 }, &again, &fault), KF_E_TRAILING);
        for (size_t bit = 0; bit < 8 * w.len; bit++) {
            buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(keyfill_wire_parse(kf_writer_slice(&w), &again, &fault), KF_OK);
            buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        kf_writer tight = kf_writer_init(buf, lengths[i] + KEYFILL_WIRE_OVERHEAD - 1);
        assert_err(keyfill_wire_build(&wire, &tight), KF_E_NO_SPACE);
    }
    keyfill_wire bad[] = {
        { KEYFILL_WIRE_KMM, 0, 1, { kmm, 513 } },
        { KEYFILL_WIRE_KMM, 0, 1, { kmm, 0 } },
        { KEYFILL_WIRE_KMM, 0, 1u << 24, { kmm, 5 } },
        { KEYFILL_WIRE_DISCONNECT, 0, 0, { kmm, 5 } },
        { (keyfill_wire_opcode)0x55, 0, 0, { kmm, 0 } },
    };
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_err(keyfill_wire_build(&bad[i], &w), KF_E_MALFORMED);
        assert_int_equal(w.len, 0);
    }
}

static const struct {
    const char *hex;
    kf_err want;
} wires[] = {
    { "c0", KF_OK },
    { "d0", KF_OK },
    { "d1", KF_OK },
    { "c1", KF_OK },
    { "92", KF_OK },
    { "90", KF_OK },
    { "", KF_E_TRUNCATED },
    { "c3", KF_E_UNSUPPORTED },
    { "c0 00", KF_E_TRAILING },
    { "c2 0000", KF_E_MALFORMED },
    { "c2 0006 00 ffffff 0000", KF_E_MALFORMED },
    { "c2 0207", KF_E_MALFORMED },
    { "c2 ffff", KF_E_MALFORMED },
    { "c2 0007 00 ffffff 01 0000", KF_E_AUTH },
};

static void wire_octets(void **state)
{
    (void)state;
    uint8_t buf[64];
    keyfill_wire wire;
    kf_fault fault;
    for (size_t i = 0; i < KF_COUNT(wires); i++)
        assert_err(keyfill_wire_parse(testing_hex(wires[i].hex, buf, sizeof buf), &wire, &fault),
                   wires[i].want);
    assert_int_equal(keyfill_wire_keys_per_kmm(32), 13);
    assert_int_equal(keyfill_wire_keys_per_kmm(8), 37);
    assert_int_equal(keyfill_wire_keys_per_kmm(513), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_round_trip), cmocka_unit_test(box_contents),
        cmocka_unit_test(csv_good),       cmocka_unit_test(csv_bad),
        cmocka_unit_test(wire_vectors),   cmocka_unit_test(wire_round_trip_and_damage),
        cmocka_unit_test(wire_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

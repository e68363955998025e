/* Reader, writer, bits, text: the ways octets come in and go out. */
#include "support/testing.h"

#include <string.h>

#include "base/bits.h"
#include "base/reader.h"
#include "base/text.h"
#include "base/writer.h"

static void test_reader_reads_in_order(void **state)
{
    (void)state;
    static const uint8_t msg[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                   13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };
    kf_fault fault;
    kf_reader r = kf_reader_init(KF_SLICE_OF(msg), &fault);
    uint8_t copy[1];
    assert_int_equal(kf_read_u8(&r, "a"), 0x01);
    assert_int_equal(kf_read_u16(&r, "b"), 0x0203);
    assert_int_equal(kf_read_u24(&r, "c"), 0x040506);
    assert_int_equal(kf_read_u32(&r, "d"), 0x0708090a);
    assert_true(kf_read_u40(&r, "e") == UINT64_C(0x0b0c0d0e0f));
    assert_true(kf_read_u64(&r, "f") == UINT64_C(0x1011121314151617));
    kf_read_octets(&r, copy, 1, "g");
    assert_int_equal(copy[0], 24);
    assert_false(kf_reader_more(&r));
    assert_ok(kf_reader_end(&r, "end"));
}

static void test_reader_first_failure_sticks(void **state)
{
    (void)state;
    static const uint8_t msg[] = { 1, 2, 3 };
    kf_fault fault;
    kf_reader r = kf_reader_init(KF_SLICE_OF(msg), &fault);
    uint8_t copy[2] = { 9, 9 };
    assert_int_equal(kf_read_u8(&r, "first"), 1);
    assert_int_equal(kf_read_u32(&r, "second"), 0);
    assert_int_equal(kf_read_u8(&r, "third"), 0);
    kf_read_octets(&r, copy, 2, "fourth");
    assert_int_equal(copy[0] | copy[1], 0);
    assert_int_equal(kf_read_rest(&r, "fifth").len, 0);
    assert_int_equal(kf_reader_left(&r), 0);
    kf_reader_fail(&r, KF_E_MALFORMED, "sixth");
    assert_err(kf_reader_end(&r, "end"), KF_E_TRUNCATED);
    assert_int_equal(fault.at, 1);
    assert_string_equal(fault.field, "second");
}

static void test_reader_sub_shares_the_fault(void **state)
{
    (void)state;
    static const uint8_t msg[] = { 2, 0xaa, 0xbb, 0xcc };
    kf_fault fault;
    kf_reader r = kf_reader_init(KF_SLICE_OF(msg), &fault);
    kf_reader sub = kf_read_sub(&r, kf_read_u8(&r, "len"), "sub");
    assert_int_equal(kf_read_u8(&sub, "in"), 0xaa);
    kf_reader_close(&sub, "sub");
    assert_int_equal(kf_read_u8(&r, "after"), 0); /* the outer reader stands still too */
    assert_err(kf_reader_end(&r, "end"), KF_E_TRAILING);
    assert_int_equal(fault.at, 2);
    assert_string_equal(fault.field, "sub");

    r = kf_reader_init(KF_SLICE_OF(msg), &fault);
    sub = kf_read_sub(&r, 5, "too long");
    assert_int_equal(kf_reader_left(&sub), 0);
    assert_err(kf_reader_end(&r, "end"), KF_E_TRUNCATED);
}

static void test_reader_huge_length(void **state)
{
    (void)state;
    static const uint8_t msg[] = { 1, 2, 3 };
    static const size_t lengths[] = { 4, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 };
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        kf_fault fault;
        kf_reader r = kf_reader_init(KF_SLICE_OF(msg), &fault);
        (void)kf_read_u8(&r, "one");
        assert_int_equal(kf_read_slice(&r, lengths[i], "long").len, 0);
        assert_int_equal(fault.code, KF_E_TRUNCATED);
    }
}

typedef struct counter {
    kf_trace trace;
    size_t calls, octets;
} counter;

static void count_field(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    counter *c = (void *)trace;
    assert_non_null(field);
    assert_int_equal(at, c->octets);
    c->calls++;
    c->octets += octets.len;
}

static void test_trace_sees_every_octet_once(void **state)
{
    (void)state;
    static const uint8_t msg[] = { 1, 2, 3, 4, 5, 6, 7 };
    kf_fault fault;
    counter c = { { count_field }, 0, 0 };
    kf_reader r = kf_reader_init(KF_SLICE_OF(msg), &fault);
    r.trace = &c.trace;
    (void)kf_read_u16(&r, "a");
    kf_reader sub = kf_read_sub(&r, 3, "sub");
    (void)kf_read_u8(&sub, "b");
    (void)kf_read_u16(&sub, "c");
    kf_reader_close(&sub, "sub");
    (void)kf_read_rest(&r, "d");
    assert_int_equal(c.calls, 4);
    assert_int_equal(c.octets, sizeof msg);
}

static void test_writer(void **state)
{
    (void)state;
    uint8_t buf[64];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kf_write_u8(&w, 0x01);
    size_t mark = kf_write_len16_begin(&w);
    kf_write_u24(&w, 0xa1a2a3);
    kf_write_u40(&w, UINT64_C(0xb1b2b3b4b5));
    kf_write_len16_end(&w, mark);
    kf_write_u64(&w, UINT64_C(0x0102030405060708));
    uint8_t want[64];
    assert_slice_equal(kf_writer_slice(&w),
                       testing_hex("01 0008 a1a2a3 b1b2b3b4b5 0102030405060708", want, 64));
}

static void test_writer_full_sticks_and_keeps_inside(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 12; cap++) {
        uint8_t buf[16];
        memset(buf, 0xee, sizeof buf);
        kf_writer w = kf_writer_init(buf, cap);
        kf_write_u32(&w, 1);
        size_t mark = kf_write_len16_begin(&w);
        kf_write_u32(&w, 2);
        kf_write_len16_end(&w, mark);
        kf_write_u16(&w, 3);
        assert_int_equal(w.err, KF_E_NO_SPACE);
        assert_int_equal(kf_writer_slice(&w).len, 0);
        for (size_t i = cap; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0xee);
    }
}

static void test_writer_length_over_16_bits(void **state)
{
    (void)state;
    static uint8_t buf[70000];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    size_t mark = kf_write_len16_begin(&w);
    (void)kf_write_space(&w, 65536);
    kf_write_len16_end(&w, mark);
    assert_int_equal(w.err, KF_E_NO_SPACE);
}

static void test_bits_round_trip(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "bits");
    for (size_t round = 0; round < testing_count(200, 100000); round++) {
        uint8_t buf[64] = { 0 };
        uint64_t values[16];
        unsigned widths[16];
        kf_bit_writer w = kf_bit_writer_init(buf, sizeof buf);
        size_t n = 0;
        for (; n < 16 && w.at < 400; n++) {
            widths[n] = (unsigned)testing_rng_below(&rng, 64) + 1;
            values[n] = testing_rng_u64(&rng) >> (64 - widths[n]);
            kf_bits_put(&w, widths[n], values[n]);
        }
        assert_ok(w.err);
        kf_fault fault = { KF_OK, 0, NULL };
        kf_bits b = kf_bits_init((kf_slice){ buf, (w.at + 7) / 8 }, &fault);
        for (size_t i = 0; i < n; i++)
            assert_true(kf_bits_take(&b, widths[i], "v") == values[i]);
        if (w.at % 8 == 0)
            assert_ok(kf_bits_end(&b, "end"));
        else
            assert_err(kf_bits_end(&b, "end"), KF_E_TRAILING);
    }
}

static void test_bits_limits(void **state)
{
    (void)state;
    uint8_t one[1] = { 0xa5 };
    kf_fault fault = { KF_OK, 0, NULL };
    kf_bits b = kf_bits_init(KF_SLICE_OF(one), &fault);
    assert_int_equal(kf_bits_take(&b, 4, "high"), 0xa);
    assert_int_equal(kf_bits_take(&b, 5, "over"), 0);
    assert_int_equal(fault.code, KF_E_TRUNCATED);
    kf_bit_writer w = kf_bit_writer_init(one, 1);
    kf_bits_put(&w, 9, 0);
    assert_int_equal(w.err, KF_E_NO_SPACE);
}

static const struct {
    const char *text, *hex;
} base64_good[] = {
    /* RFC 4648 section 10 */
    { "", "" },
    { "Zg==", "66" },
    { "Zm8=", "666f" },
    { "Zm9v", "666f6f" },
    { "Zm9vYg==", "666f6f62" },
    { "Zm9vYmE=", "666f6f6261" },
    { "Zm9vYmFy", "666f6f626172" },
    { "+/+/", "fbffbf" },
};

static const char *const base64_bad[] = {
    "Z",    "Zg",   "Zg=",    "Zg===", "Zh==", "Zm9=",       "Zg==Zg==", "====",
    "=Zg=", "Zm 9", "Zm9v\n", "Zm9_",  "Zm9-", "Z\xc3\xa9=", "Zm=v",     "Zm9v====",
};

static void test_base64(void **state)
{
    (void)state;
    uint8_t buf[64], want[64];
    for (size_t i = 0; i < KF_COUNT(base64_good); i++) {
        kf_slice octets = testing_hex(base64_good[i].hex, want, sizeof want);
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_ok(kf_base64_read(kf_slice_str(base64_good[i].text), &w));
        assert_slice_equal(kf_writer_slice(&w), octets);
        w = kf_writer_init(buf, sizeof buf);
        kf_base64_write(&w, octets);
        assert_slice_equal(kf_writer_slice(&w), kf_slice_str(base64_good[i].text));
    }
    for (size_t i = 0; i < KF_COUNT(base64_bad); i++) {
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_err(kf_base64_read(kf_slice_str(base64_bad[i]), &w), KF_E_MALFORMED);
        assert_int_equal(w.len, 0);
    }
    kf_writer small = kf_writer_init(buf, 2);
    assert_err(kf_base64_read(kf_slice_str("Zm9v"), &small), KF_E_NO_SPACE);
}

static void test_every_octet_as_text(void **state)
{
    (void)state;
    uint8_t all[256], text[512], back[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof all; len++) {
        kf_slice in = { all, len };
        kf_writer w = kf_writer_init(text, sizeof text), b = kf_writer_init(back, sizeof back);
        kf_hex_write(&w, in);
        assert_ok(kf_hex_read(kf_writer_slice(&w), &b));
        assert_slice_equal(kf_writer_slice(&b), in);
        w = kf_writer_init(text, sizeof text);
        b = kf_writer_init(back, sizeof back);
        kf_base64_write(&w, in);
        assert_ok(kf_base64_read(kf_writer_slice(&w), &b));
        assert_slice_equal(kf_writer_slice(&b), in);
    }
}

static void test_hex_digits(void **state)
{
    (void)state;
    static const char good[] = "0123456789abcdefABCDEF";
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[2] = { (uint8_t)c, '0' }, out[1];
        kf_writer w = kf_writer_init(out, 1);
        bool want = c != 0 && strchr(good, (int)c) != NULL;
        assert_err(kf_hex_read(KF_SLICE_OF(text), &w), want ? KF_OK : KF_E_MALFORMED);
    }
    uint8_t out[4];
    kf_writer w = kf_writer_init(out, sizeof out);
    assert_err(kf_hex_read(kf_slice_str("abc"), &w), KF_E_MALFORMED);
}

static const struct {
    const char *text;
    kf_err want;
    uint64_t value;
} decimals[] = {
    { "0", KF_OK, 0 },
    { "007", KF_OK, 7 },
    { "18446744073709551615", KF_OK, UINT64_MAX },
    { "18446744073709551616", KF_E_MALFORMED, 0 },
    { "99999999999999999999999", KF_E_MALFORMED, 0 },
    { "", KF_E_MALFORMED, 0 },
    { "+1", KF_E_MALFORMED, 0 },
    { "-1", KF_E_MALFORMED, 0 },
    { " 1", KF_E_MALFORMED, 0 },
    { "1x", KF_E_MALFORMED, 0 },
};

static void test_uri(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        bool want;
    } cases[] = { { "sip:a@b", 7, true }, { "sip:\xc3\xa9", 6, true }, { "", 0, false },
                  { "a b", 3, false },    { "a\tb", 3, false },        { "a\0b", 3, false },
                  { "a\x7f", 2, false },  { "12345678", 8, true },     { "123456789", 9, false } };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_slice text = { (const uint8_t *)cases[i].text, cases[i].len };
        assert_int_equal(kf_text_is_uri(text, 8), cases[i].want);
    }
}

static void test_decimal(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(decimals); i++) {
        uint64_t value = 1;
        assert_err(kf_decimal_read(kf_slice_str(decimals[i].text), &value), decimals[i].want);
        assert_true(value == decimals[i].value);
    }
}

static void test_constant_time_equal(void **state)
{
    (void)state;
    uint8_t a[33] = { 0 }, b[33] = { 0 };
    assert_true(kf_ct_equal(KF_SLICE_OF(a), KF_SLICE_OF(b)));
    assert_false(kf_ct_equal(KF_SLICE_OF(a), (kf_slice){ b, 32 }));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] = (uint8_t)(1u << bit % 8);
        assert_false(kf_ct_equal(KF_SLICE_OF(a), KF_SLICE_OF(b)));
        assert_false(kf_slice_equal(KF_SLICE_OF(a), KF_SLICE_OF(b)));
        b[bit / 8] = 0;
    }
    assert_true(kf_ct_equal((kf_slice){ NULL, 0 }, (kf_slice){ a, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_in_order),
        cmocka_unit_test(test_reader_first_failure_sticks),
        cmocka_unit_test(test_reader_sub_shares_the_fault),
        cmocka_unit_test(test_reader_huge_length),
        cmocka_unit_test(test_trace_sees_every_octet_once),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_full_sticks_and_keeps_inside),
        cmocka_unit_test(test_writer_length_over_16_bits),
        cmocka_unit_test(test_bits_round_trip),
        cmocka_unit_test(test_bits_limits),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_every_octet_as_text),
        cmocka_unit_test(test_hex_digits),
        cmocka_unit_test(test_uri),
        cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_constant_time_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

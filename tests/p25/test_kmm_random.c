/*
 * Random valid messages of every body, written octet by octet from a grammar of their own (not by
 * the encoder): they are accepted, the trace covers them, and they come out as they went in. Then
 * cut, lengthened and bent ones: what is accepted comes out as it went in, or is a known deviation.
 */
#include "support/testing.h"

#include <string.h>

#include "base/writer.h"
#include "p25/kmm.h"

typedef struct cover {
    kf_trace trace;
    size_t next;
} cover;

static void add(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    cover *c = (void *)trace;
    assert_non_null(field);
    assert_int_equal(at, c->next);
    c->next = at + octets.len;
}

/* len random octets */
static void any(testing_rng *g, kf_writer *w, size_t len)
{
    uint8_t octets[256];
    testing_rng_octets(g, octets, len);
    kf_write_octets(w, octets, len);
}

static uint8_t below(testing_rng *g, size_t limit)
{
    return (uint8_t)testing_rng_below(g, limit);
}

static void date_time(testing_rng *g, kf_writer *w)
{
    kf_write_u16(w, (uint16_t)((1 + below(g, 12)) << 12 | (1 + below(g, 28)) << 7 | below(g, 128)));
    kf_write_u24(w, (uint32_t)below(g, 24) << 19 | (uint32_t)below(g, 60) << 13 |
                        (uint32_t)below(g, 60) << 7);
}

static void decryption(testing_rng *g, kf_writer *w, bool is_extended)
{
    bool has_mi = below(g, 2) == 1;
    kf_write_u8(w, has_mi ? 0x40 : 0);
    if (is_extended)
        kf_write_u8(w, 0);
    any(g, w, 3);
    if (has_mi)
        any(g, w, 9);
}

/* Key length, number of keys, keys; with what stands in front of the length. */
static void keys(testing_rng *g, kf_writer *w, size_t before)
{
    uint8_t key_octets = (uint8_t)(1 + below(g, 40)), count = below(g, 5);
    any(g, w, before);
    kf_write_u8(w, key_octets);
    kf_write_u8(w, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t name = below(g, 4) == 0 ? below(g, 32) : 0;
        kf_write_u8(w, (uint8_t)((testing_rng_u64(g) & 0xa0) | name));
        any(g, w, 4 + (size_t)key_octets + name);
    }
}

/* The format octet of a keyset; returns it. */
static uint8_t tag_format(testing_rng *g, kf_writer *w)
{
    uint8_t format = (uint8_t)(testing_rng_u64(g) & 0xef);
    kf_write_u8(w, format);
    return format;
}

static void tag_options(testing_rng *g, kf_writer *w, uint8_t format)
{
    if ((format & 0x40) != 0)
        any(g, w, 3);
    if ((format & 0x20) != 0)
        date_time(g, w);
}

static void rekey(testing_rng *g, kf_writer *w)
{
    uint8_t count = below(g, 3);
    decryption(g, w, false);
    kf_write_u8(w, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t format = tag_format(g, w);
        any(g, w, 1);
        tag_options(g, w, format);
        keys(g, w, 1);
        any(g, w, format & 0x0f);
    }
}

static void modify_key(testing_rng *g, kf_writer *w)
{
    decryption(g, w, false);
    keys(g, w, 2);
}

static void modify_key_fill(testing_rng *g, kf_writer *w)
{
    decryption(g, w, true);
    keys(g, w, 2);
}

static void warm_start(testing_rng *g, kf_writer *w)
{
    uint8_t key_octets = (uint8_t)(1 + below(g, 60));
    decryption(g, w, false);
    kf_write_u8(w, key_octets);
    any(g, w, 1);
    kf_write_u8(w, 0);
    any(g, w, 4 + (size_t)key_octets);
}

static void load_auth_key(testing_rng *g, kf_writer *w)
{
    uint8_t key_octets = (uint8_t)(1 + below(g, 60));
    decryption(g, w, false);
    any(g, w, 9);
    kf_write_u8(w, key_octets);
    any(g, w, key_octets);
}

static void octets8(testing_rng *g, kf_writer *w)
{
    any(g, w, 8);
}

static void empty(testing_rng *g, kf_writer *w)
{
    (void)g;
    (void)w;
}

static void hello(testing_rng *g, kf_writer *w)
{
    kf_write_u8(w, below(g, 3));
}

static void three_lists(testing_rng *g, kf_writer *w)
{
    for (size_t i = 0; i < 3; i++) {
        uint8_t count = below(g, 60);
        kf_write_u8(w, count);
        any(g, w, count);
    }
}

static void change_rsi_cmd(testing_rng *g, kf_writer *w)
{
    kf_write_u8(w, 1);
    any(g, w, 8);
}

static void change_rsi_rsp(testing_rng *g, kf_writer *w)
{
    kf_write_u8(w, 1);
    any(g, w, 7);
}

/* An octet of count, then that many elements of some octets. */
static void list(testing_rng *g, kf_writer *w, size_t max, size_t octets)
{
    uint8_t count = below(g, max + 1);
    kf_write_u8(w, count);
    for (size_t i = 0; i < count; i++)
        any(g, w, octets);
}

static void changeover(testing_rng *g, kf_writer *w)
{
    list(g, w, P25_CHANGEOVERS_MAX, 2);
}

static void rekey_ack(testing_rng *g, kf_writer *w)
{
    any(g, w, 1);
    list(g, w, 100, 4);
}

static void octets4(testing_rng *g, kf_writer *w)
{
    any(g, w, 4);
}

static void registration(testing_rng *g, kf_writer *w)
{
    bool has_key = below(g, 2) == 1;
    kf_write_u8(w, has_key ? 0x80 : 0);
    any(g, w, 3 + (has_key ? 1 + testing_rng_below(g, 100) : 0));
}

static void one_octet(testing_rng *g, kf_writer *w)
{
    any(g, w, 1);
}

static void utd(testing_rng *g, kf_writer *w)
{
    any(g, w, 6 + testing_rng_below(g, 60));
}

static void session(testing_rng *g, kf_writer *w)
{
    kf_write_u8(w, 0);
    kf_write_u8(w, (uint8_t)(1 + below(g, 7)));
    kf_write_u8(w, (uint8_t)(1 + below(g, 2)));
}

static void octets5(testing_rng *g, kf_writer *w)
{
    any(g, w, 5);
}

static void octets6(testing_rng *g, kf_writer *w)
{
    any(g, w, 6);
}

static void tags(testing_rng *g, kf_writer *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t format = tag_format(g, w);
        any(g, w, 1);
        kf_write_u8(w, 0);
        tag_options(g, w, format);
        any(g, w, format & 0x0f);
    }
}

static void modify_keyset(testing_rng *g, kf_writer *w)
{
    uint8_t count = below(g, 16);
    kf_write_u8(w, count);
    tags(g, w, count);
}

static void keyset_statuses(testing_rng *g, kf_writer *w)
{
    list(g, w, P25_STATUSES_MAX, 2);
}

static void inventory_cmd(testing_rng *g, kf_writer *w)
{
    uint8_t type = below(g, 256);
    kf_write_u8(w, type);
    if (type == 0xfd || type == 0xf8)
        any(g, w, 5);
    else if (!(type <= 6 || type == 0x0b || type == 0xf7 || type == 0xf9 || type >= 0xfe))
        any(g, w, testing_rng_below(g, 9));
}

static void key_ids(testing_rng *g, kf_writer *w)
{
    uint8_t count = below(g, 6);
    kf_write_u16(w, count);
    for (size_t i = 0; i < count; i++) {
        any(g, w, 2);
        list(g, w, 30, 2);
    }
}

/* A count of two octets, then elements of some octets. */
static void long_list(testing_rng *g, kf_writer *w, size_t max, size_t octets)
{
    uint8_t count = below(g, max + 1);
    kf_write_u16(w, count);
    for (size_t i = 0; i < count; i++)
        any(g, w, octets);
}

static void inventory_rsp(testing_rng *g, kf_writer *w)
{
    static const uint8_t types[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                     0x0a, 0x0b, 0x55, 0xf7, 0xf8, 0xf9, 0xfd, 0xfe, 0xff };
    uint8_t type = types[testing_rng_below(g, KF_COUNT(types))];
    kf_write_u8(w, type);
    if (type == 0x02 || type == 0x03) {
        long_list(g, w, P25_KEYSET_IDS_MAX, 1);
    } else if (type == 0x04 || type == 0x05) {
        key_ids(g, w);
    } else if (type == 0x06 || type == 0xf9) {
        uint8_t count = below(g, 16);
        kf_write_u16(w, count);
        tags(g, w, count);
    } else if (type == 0x0b) {
        long_list(g, w, 90, 5);
    } else if (type == 0xfd) {
        any(g, w, 3);
        long_list(g, w, 78, 6);
    } else if (type == 0xfe) {
        any(g, w, 2);
    } else if (type == 0xff) {
        any(g, w, 3);
    } else if (type != 0x00) {
        any(g, w, testing_rng_below(g, 60));
    }
}

static void opaque(testing_rng *g, kf_writer *w)
{
    any(g, w, testing_rng_below(g, 100));
}

static const struct {
    uint8_t id;
    p25_side side;
    void (*write)(testing_rng *g, kf_writer *w);
} bodies[] = {
    { 0x00, P25_SIDE_OTAR, opaque },
    { 0x01, P25_SIDE_OTAR, empty },
    { 0x02, P25_SIDE_OTAR, three_lists },
    { 0x03, P25_SIDE_OTAR, change_rsi_cmd },
    { 0x04, P25_SIDE_OTAR, change_rsi_rsp },
    { 0x05, P25_SIDE_OTAR, changeover },
    { 0x06, P25_SIDE_OTAR, changeover },
    { 0x07, P25_SIDE_OTAR, opaque },
    { 0x08, P25_SIDE_OTAR, opaque },
    { 0x0c, P25_SIDE_OTAR, hello },
    { 0x0d, P25_SIDE_OTAR, inventory_cmd },
    { 0x0e, P25_SIDE_OTAR, inventory_rsp },
    { 0x0f, P25_SIDE_OTAR, opaque },
    { 0x11, P25_SIDE_OTAR, opaque },
    { 0x13, P25_SIDE_OTAR, modify_key },
    { 0x13, P25_SIDE_KEYFILL, modify_key_fill },
    { 0x14, P25_SIDE_OTAR, modify_keyset },
    { 0x15, P25_SIDE_OTAR, keyset_statuses },
    { 0x16, P25_SIDE_OTAR, octets4 },
    { 0x17, P25_SIDE_OTAR, empty },
    { 0x1d, P25_SIDE_OTAR, rekey_ack },
    { 0x1e, P25_SIDE_OTAR, rekey },
    { 0x1f, P25_SIDE_OTAR, date_time },
    { 0x20, P25_SIDE_OTAR, warm_start },
    { 0x21, P25_SIDE_OTAR, empty },
    { 0x22, P25_SIDE_OTAR, empty },
    { 0x23, P25_SIDE_OTAR, registration },
    { 0x24, P25_SIDE_OTAR, one_octet },
    { 0x25, P25_SIDE_OTAR, registration },
    { 0x26, P25_SIDE_OTAR, one_octet },
    { 0x27, P25_SIDE_OTAR, utd },
    { 0x28, P25_SIDE_KEYFILL, load_auth_key },
    { 0x2a, P25_SIDE_KEYFILL, octets8 },
    { 0x31, P25_SIDE_KEYFILL, session },
    { 0xfc, P25_SIDE_KEYFILL, octets6 },
    { 0xfd, P25_SIDE_KEYFILL, octets5 },
    { 0xa0, P25_SIDE_OTAR, opaque },
};

/* A whole message around a random body. */
static kf_slice message(testing_rng *g, size_t body, uint8_t *buf, size_t cap)
{
    static const uint8_t kinds[] = { 0x00, 0x40, 0x80 }, macs[] = { 0x00, 0x08, 0x0c };
    kf_writer w = kf_writer_init(buf, cap);
    uint8_t mac = macs[testing_rng_below(g, 3)], mn = below(g, 2) == 1 ? 0x20 : 0;
    kf_write_u8(&w, bodies[body].id);
    size_t mark = kf_write_len16_begin(&w);
    kf_write_u8(&w, (uint8_t)(kinds[testing_rng_below(g, 3)] | mn | mac | below(g, 2)));
    any(g, &w, 6 + (mn != 0 ? 2 : 0));
    bodies[body].write(g, &w);
    if (mac == 0x08) {
        uint8_t len = below(g, 2) == 1 ? 8 : 4;
        any(g, &w, len);
        kf_write_u8(&w, len);
        any(g, &w, 4);
    } else if (mac == 0x0c) {
        any(g, &w, 7);
    }
    kf_write_len16_end(&w, mark);
    assert_int_equal(w.err, KF_OK);
    return kf_writer_slice(&w);
}

/* Accepted means covered by the trace and encoded as it came, unless a deviation says otherwise. */
static bool accept(kf_slice octets, p25_side side)
{
    uint8_t again[2 * P25_KMM_OCTETS_MAX];
    cover c = { { add }, 0 };
    kf_fault fault;
    p25_kmm m;
    if (p25_kmm_parse(octets, side, &c.trace, &m, &fault) != KF_OK) {
        assert_true(fault.field != NULL && fault.at <= octets.len);
        assert_null(m.frame.octets.ptr);
        return false;
    }
    assert_int_equal(c.next, octets.len);
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_kmm_encode(&m, &w);
    assert_int_equal(w.err, KF_OK);
    if (m.deviations == 0)
        assert_slice_equal(kf_writer_slice(&w), octets);
    return true;
}

static void set_length(uint8_t *buf, size_t len)
{
    buf[1] = (uint8_t)((len - 3) >> 8);
    buf[2] = (uint8_t)((len - 3) & 0xff);
}

static void test_round_trips(void **state)
{
    testing_rng g;
    (void)state;
    testing_rng_init(&g, "kmm round trips");
    size_t rounds = testing_count(400, 20000), accepted = 0;
    for (size_t i = 0; i < rounds; i++)
        for (size_t b = 0; b < KF_COUNT(bodies); b++) {
            uint8_t buf[4096];
            kf_slice m = message(&g, b, buf, sizeof buf);
            bool fits = m.len <= P25_KMM_OCTETS_MAX;
            if (accept(m, bodies[b].side) != fits)
                fail_msg("message %02x, %zu octets", bodies[b].id, m.len);
            accepted += fits;
        }
    assert_true(accepted > rounds * KF_COUNT(bodies) * 9 / 10);
}

/* Cut with the length made to fit, one octet more, one bit turned. */
static void test_bent(void **state)
{
    testing_rng g;
    (void)state;
    testing_rng_init(&g, "kmm bent");
    size_t rounds = testing_count(20, 400);
    for (size_t i = 0; i < rounds; i++)
        for (size_t b = 0; b < KF_COUNT(bodies); b++) {
            uint8_t buf[4096], bent[4096];
            kf_slice m = message(&g, b, buf, sizeof buf);
            memcpy(bent, buf, m.len);
            for (size_t cut = 3; cut < m.len; cut++) {
                set_length(bent, cut);
                (void)accept((kf_slice){ bent, cut }, bodies[b].side);
            }
            set_length(bent, m.len + 1);
            bent[m.len] = below(&g, 256);
            (void)accept((kf_slice){ bent, m.len + 1 }, bodies[b].side);
            for (size_t n = 0; n < 64; n++) {
                size_t bit = testing_rng_below(&g, m.len * 8);
                memcpy(bent, buf, m.len);
                bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
                (void)accept((kf_slice){ bent, m.len }, bodies[b].side);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_bent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

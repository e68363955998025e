/* The KMM codec against known answers: every field of every example is compared, and everything is
 * encoded back. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>

#include "p25/kmm.h"

#define TEXT_MAX 256u

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

static void parse_all(kf_slice octets, p25_side side, p25_kmm *m)
{
    kf_fault fault;
    cover c = { { add }, 0 };
    assert_ok(p25_kmm_parse(octets, side, &c.trace, m, &fault));
    assert_int_equal(c.next, octets.len);
}

static void check_encoding(const p25_kmm *m, kf_slice want)
{
    uint8_t buf[P25_KMM_OCTETS_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    p25_kmm_encode(m, &w);
    assert_int_equal(w.err, KF_OK);
    assert_slice_equal(kf_writer_slice(&w), want);
}

static void put_hex(char *out, kf_slice s, const char *between)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s.len; i++)
        used +=
            (size_t)snprintf(out + used, TEXT_MAX - used, "%s%02X", i > 0 ? between : "", s.ptr[i]);
}

static void put_text(char *out, kf_slice s)
{
    snprintf(out, TEXT_MAX, "%.*s", (int)s.len, (const char *)s.ptr);
}

static void put_rsi(char *out, uint32_t rsi)
{
    snprintf(out, TEXT_MAX, "%06X", rsi);
}

static void put_octet(char *out, unsigned octet)
{
    snprintf(out, TEXT_MAX, "%02X", octet);
}

static void put_kid(char *out, unsigned kid)
{
    snprintf(out, TEXT_MAX, "%04X", kid);
}

static void put_number(char *out, unsigned number)
{
    snprintf(out, TEXT_MAX, "%u", number);
}

/* The functions below write a field of a decoded message the way the vectors do; false: no such. */

static bool put_change_rsi(const p25_change_rsi *b, const char *name, char *out)
{
    if (strcmp(name, "old") == 0)
        put_rsi(out, b->old_rsi);
    else if (strcmp(name, "new") == 0)
        put_rsi(out, b->new_rsi);
    else if (strcmp(name, "new_mn") == 0)
        put_number(out, b->mn);
    else if (strcmp(name, "status") == 0)
        put_octet(out, b->status);
    else
        return false;
    return true;
}

static bool put_capabilities(const p25_capabilities *b, const char *name, char *out)
{
    if (strcmp(name, "algs") == 0)
        put_hex(out, b->algids, " ");
    else if (strcmp(name, "services") == 0)
        put_hex(out, b->services, " ");
    else if (strcmp(name, "messages") == 0)
        put_hex(out, b->messages, " ");
    else
        return false;
    return true;
}

static bool put_tag(const p25_keyset_tags *b, const char *name, char *out)
{
    assert_int_equal(b->count, 1);
    if (strcmp(name, "keyset") == 0)
        put_number(out, b->tags[0].keyset);
    else if (strcmp(name, "name") == 0)
        put_text(out, b->tags[0].name);
    else if (strcmp(name, "format") == 0)
        put_octet(out, (unsigned)b->tags[0].name.len);
    else
        return false;
    return true;
}

static bool put_kids(const p25_kid_lists *b, const char *name, char *out)
{
    assert_int_equal(b->count, 1);
    if (strcmp(name, "keyset") == 0)
        put_number(out, b->lists[0].keyset);
    else if (strcmp(name, "alg") == 0)
        put_octet(out, b->lists[0].algid);
    else if (strcmp(name, "kids") == 0 && b->lists[0].count == 2 && b->kid_count == 2)
        snprintf(out, TEXT_MAX, "%04X %04X", b->kids[0], b->kids[1]);
    else
        return false;
    return true;
}

static bool put_active_keys(const p25_active_keys *b, const char *name, char *out)
{
    if (strcmp(name, "marker") == 0)
        put_rsi(out, b->marker);
    else if (strcmp(name, "count") == 0)
        put_number(out, b->count);
    else if (strcmp(name, "keyset") == 0)
        put_number(out, b->keys[0].keyset);
    else if (strcmp(name, "sln") == 0)
        put_number(out, b->keys[0].sln);
    else if (strcmp(name, "alg") == 0)
        put_octet(out, b->keys[0].algid);
    else if (strcmp(name, "kid") == 0)
        put_kid(out, b->keys[0].kid);
    else
        return false;
    return true;
}

static bool put_rsis(const p25_rsi_items *b, const char *name, char *out)
{
    unsigned i = 0;
    if (sscanf(name, "rsi%u", &i) == 1 && i < b->count)
        put_rsi(out, b->items[i].rsi);
    else if (sscanf(name, "mn%u", &i) == 1 && i < b->count)
        put_number(out, b->items[i].mn);
    else
        return false;
    return true;
}

static bool put_inventory(const p25_inventory_rsp *b, const char *name, char *out)
{
    switch (b->type) {
    case P25_INVENTORY_ACTIVE_KEYSETS:
        assert_string_equal(name, "items");
        snprintf(out, TEXT_MAX, "%u %u", b->of.keysets.ids[0], b->of.keysets.ids[1]);
        return b->of.keysets.count == 2;
    case P25_INVENTORY_ACTIVE_KIDS:
        return put_kids(&b->of.kids, name, out);
    case P25_INVENTORY_RSIS:
        return put_rsis(&b->of.rsis, name, out);
    case P25_INVENTORY_KEYSET_TAGS:
        return put_tag(&b->of.tags, name, out);
    case P25_INVENTORY_ACTIVE_KEYS:
        return put_active_keys(&b->of.keys, name, out);
    case P25_INVENTORY_MNP:
        put_number(out, b->of.mnp);
        return strcmp(name, "mnp") == 0;
    case P25_INVENTORY_KMF_RSI:
        put_rsi(out, b->of.kmf_rsi);
        return strcmp(name, "kmf_rsi") == 0;
    default:
        return false;
    }
}

static bool put_inventory_cmd(const p25_inventory_cmd *b, const char *name, char *out)
{
    if (strcmp(name, "type") == 0)
        put_octet(out, b->type);
    else if (strcmp(name, "marker") == 0)
        put_rsi(out, b->marker);
    else if (strcmp(name, "max") == 0)
        put_number(out, b->max_items);
    else
        return false;
    return true;
}

static bool put_modify_key(const p25_modify_key *b, const char *name, char *out)
{
    assert_int_equal(b->item_count, 1);
    assert_int_equal(b->decryption.algid, P25_ALGID_CLEAR);
    assert_int_equal(b->decryption.kid, 0);
    if (strcmp(name, "keyset") == 0)
        put_number(out, b->keyset);
    else if (strcmp(name, "alg") == 0)
        put_octet(out, b->algid);
    else if (strcmp(name, "keylen") == 0)
        put_number(out, b->key_octets);
    else if (strcmp(name, "sln") == 0)
        put_number(out, b->items[0].sln);
    else if (strcmp(name, "kid") == 0)
        put_kid(out, b->items[0].kid);
    else if (strcmp(name, "key") == 0)
        put_hex(out, b->items[0].key, "");
    else
        return false;
    return true;
}

static bool put_rekey_ack(const p25_rekey_ack *b, const char *name, char *out)
{
    unsigned i = 0;
    if (strcmp(name, "acked") == 0)
        put_octet(out, b->acked_id);
    else if (sscanf(name, "k%u", &i) == 1 && i < b->count)
        snprintf(out, TEXT_MAX, "%02X %04X %02X", b->keys[i].algid, b->keys[i].kid,
                 b->keys[i].status);
    else
        return false;
    return true;
}

static bool put_nack(const p25_negative_ack *b, const char *name, char *out)
{
    if (strcmp(name, "acked") == 0)
        put_octet(out, b->acked_id);
    else if (strcmp(name, "mn") == 0)
        put_number(out, b->mn);
    else if (strcmp(name, "status") == 0)
        put_octet(out, b->status);
    else
        return false;
    return true;
}

static bool put_date_time(const p25_date_time *t, const char *name, char *out)
{
    if (strcmp(name, "date") == 0)
        snprintf(out, TEXT_MAX, "%04u-%02u-%02u", t->year, t->month, t->day);
    else if (strcmp(name, "time") == 0)
        snprintf(out, TEXT_MAX, "%02u:%02u:%02u", t->hour, t->minute, t->second);
    else
        return false;
    return true;
}

static bool put_registration(const p25_kmm *m, const char *name, char *out)
{
    const p25_registration *b = &m->body.registration;
    if (strcmp(name, "body_format") == 0)
        put_octet(out, b->transported.len > 0 ? 0x80u : 0u);
    else if (strcmp(name, "kmf_rsi") == 0)
        put_rsi(out, b->kmf_rsi);
    else
        return false;
    return true;
}

static bool put_load_config(const p25_load_config *b, const char *name, char *out)
{
    if (strcmp(name, "kmf_rsi") == 0)
        put_rsi(out, b->kmf_rsi);
    else if (strcmp(name, "mnp") == 0)
        put_number(out, b->mnp);
    else if (strcmp(name, "status") == 0)
        put_octet(out, b->status);
    else
        return false;
    return true;
}

static bool put_changeover(const p25_changeover *b, const char *name, char *out)
{
    assert_int_equal(b->count, 1);
    if (strcmp(name, "superseded") == 0)
        put_number(out, b->pairs[0].superseded);
    else if (strcmp(name, "activated") == 0)
        put_number(out, b->pairs[0].activated);
    else
        return false;
    return true;
}

static bool put_keyset_status(const p25_keyset_statuses *b, const char *name, char *out)
{
    assert_int_equal(b->count, 1);
    if (strcmp(name, "keyset") == 0)
        put_number(out, b->keysets[0].keyset);
    else if (strcmp(name, "status") == 0)
        put_octet(out, b->keysets[0].status);
    else
        return false;
    return true;
}

static bool put_body(const p25_kmm *m, const char *name, char *out)
{
    switch (m->frame.message_id) {
    case P25_KMM_HELLO:
        put_number(out, m->body.hello);
        return strcmp(name, "flag") == 0;
    case P25_KMM_CAPABILITIES_RSP:
        return put_capabilities(&m->body.capabilities, name, out);
    case P25_KMM_CHANGE_RSI_CMD:
    case P25_KMM_CHANGE_RSI_RSP:
        return put_change_rsi(&m->body.change_rsi, name, out);
    case P25_KMM_CHANGEOVER_CMD:
        return put_changeover(&m->body.changeover, name, out);
    case P25_KMM_INVENTORY_CMD:
        return put_inventory_cmd(&m->body.inventory_cmd, name, out);
    case P25_KMM_INVENTORY_RSP:
        return put_inventory(&m->body.inventory_rsp, name, out);
    case P25_KMM_MODIFY_KEY_CMD:
        return put_modify_key(&m->body.modify_key, name, out);
    case P25_KMM_MODIFY_KEYSET_CMD:
        return put_tag(&m->body.modify_keyset, name, out);
    case P25_KMM_MODIFY_KEYSET_RSP:
        return put_keyset_status(&m->body.keyset_statuses, name, out);
    case P25_KMM_NEGATIVE_ACK:
        return put_nack(&m->body.negative_ack, name, out);
    case P25_KMM_REKEY_ACK:
        return put_rekey_ack(&m->body.rekey_ack, name, out);
    case P25_KMM_SET_DATE_TIME:
        return put_date_time(&m->body.date_time, name, out);
    case P25_KMM_REGISTRATION_CMD:
        return put_registration(m, name, out);
    case P25_KMM_REGISTRATION_RSP:
    case P25_KMM_DEREGISTRATION_RSP:
        put_octet(out, m->body.status);
        return strcmp(name, "status") == 0;
    case P25_KMM_LOAD_CONFIG_CMD:
    case P25_KMM_LOAD_CONFIG_RSP:
        return put_load_config(&m->body.load_config, name, out);
    default:
        return false;
    }
}

static bool is_prose(const char *name)
{
    return strcmp(name, "basis") == 0 || strcmp(name, "note") == 0 || strcmp(name, "kmm") == 0 ||
           strcmp(name, "variant") == 0;
}

static void check_field(const p25_kmm *m, const vectors_field *field)
{
    char name[32], got[TEXT_MAX] = "", want[TEXT_MAX];
    put_text(want, field->value);
    snprintf(name, sizeof name, "%.*s", (int)field->name.len, (const char *)field->name.ptr);
    if (is_prose(name))
        return;
    if (strcmp(name, "body") == 0)
        put_hex(got, m->frame.body, "");
    else if (!put_body(m, name, got))
        fail_msg("message %02x has no field %s", m->frame.message_id, name);
    assert_string_equal(got, want);
}

/* Every example: all fields, all octets covered by the trace, encoded back, every prefix refused.
 */
static void test_examples(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("p25-kmm-examples.txt", &file);
    assert_int_equal(file.count, 36);
    for (size_t i = 0; i < file.count; i++) {
        uint8_t buf[P25_KMM_OCTETS_MAX];
        vectors_case *c = &file.cases[i];
        kf_slice kmm = testing_field(c, "kmm", buf, sizeof buf);
        bool is_short_nack = kf_slice_equal(c->name, kf_slice_str("negative-ack-short"));
        p25_side side = vectors_has(c, "variant") ? P25_SIDE_KEYFILL : P25_SIDE_OTAR;
        p25_kmm m;
        kf_fault fault;
        parse_all(kmm, side, &m);
        assert_false(m.is_opaque);
        assert_int_equal(m.deviations, is_short_nack ? P25_DEV_SHORT_NACK : 0);
        for (size_t f = 0; f < c->count; f++)
            check_field(&m, &c->fields[f]);
        if (!is_short_nack)
            check_encoding(&m, kmm);
        for (size_t cut = 0; cut < kmm.len; cut++) {
            assert_err(p25_kmm_parse((kf_slice){ buf, cut }, side, NULL, &m, &fault),
                       KF_E_TRUNCATED);
            assert_null(m.frame.octets.ptr);
        }
    }
    vectors_clear(&file);
}

/* Messages with message number and MAC: whole dialogues and the examples of the standard. */
static void test_protected(void **state)
{
    static const char *const files[] = { "p25-kmm-dialogue.txt", "p25-kmm-rekey.txt",
                                         "p25-kmm-mac.txt" };
    (void)state;
    size_t seen = 0;
    for (size_t n = 0; n < KF_COUNT(files); n++) {
        vectors_file file;
        testing_vectors_load(files[n], &file);
        for (size_t i = 0; i < file.count; i++) {
            uint8_t buf[P25_KMM_OCTETS_MAX], mac[16];
            if (!vectors_has(&file.cases[i], "kmm"))
                continue;
            kf_slice kmm = testing_field(&file.cases[i], "kmm", buf, sizeof buf);
            p25_kmm m;
            p25_kmm_frame frame;
            kf_fault fault;
            parse_all(kmm, P25_SIDE_OTAR, &m);
            assert_false(m.is_opaque);
            check_encoding(&m, kmm);
            assert_ok(p25_kmm_frame_parse(kmm, &frame, &fault));
            assert_int_equal(frame.mac_at + p25_mac_block_octets(&frame.mac), kmm.len);
            assert_int_equal(frame.mac_at, m.frame.mac_at);
            assert_slice_equal(frame.body, m.frame.body);
            assert_slice_equal(frame.octets, kmm);
            if (vectors_has(&file.cases[i], "mac")) {
                kf_slice want = testing_field(&file.cases[i], "mac", mac, sizeof mac);
                assert_slice_equal(((kf_slice){ frame.mac.octets, frame.mac.len }), want);
            }
            for (size_t cut = 0; cut < kmm.len; cut++) {
                assert_err(p25_kmm_parse((kf_slice){ buf, cut }, P25_SIDE_OTAR, NULL, &m, &fault),
                           KF_E_TRUNCATED);
                assert_err(p25_kmm_frame_parse((kf_slice){ buf, cut }, &frame, &fault),
                           KF_E_TRUNCATED);
            }
            seen++;
        }
        vectors_clear(&file);
    }
    assert_true(seen >= 15);
}

static void test_rekey_fields(void **state)
{
    (void)state;
    uint8_t buf[P25_KMM_OCTETS_MAX], wrapped[64];
    vectors_file file;
    testing_vectors_load("p25-kmm-rekey.txt", &file);
    vectors_case *c = testing_case(&file, "rekey-cbc");
    kf_slice kmm = testing_field(c, "kmm", buf, sizeof buf);
    p25_kmm m;
    parse_all(kmm, P25_SIDE_OTAR, &m);
    assert_int_equal(m.frame.message_id, P25_KMM_REKEY_CMD);
    assert_int_equal(m.frame.response_kind, P25_RK3_IMMEDIATE);
    assert_false(m.frame.more_follows);
    assert_true(m.frame.has_mn);
    assert_int_equal(m.frame.mn, 6002);
    assert_int_equal(m.frame.destination_rsi, 0x643ba8);
    assert_int_equal(m.frame.source_rsi, 0x712b1d);
    assert_int_equal(m.frame.mac.kind, P25_MAC_ENHANCED);
    assert_int_equal(m.frame.mac.len, 8);
    assert_int_equal(m.frame.mac.algid, P25_ALGID_AES256);
    assert_int_equal(m.frame.mac.kid, 0x2f62);
    assert_int_equal(m.frame.mac.format, P25_MAC_FORMAT_CBC);
    const p25_rekey *b = &m.body.rekey;
    assert_false(b->decryption.has_mi);
    assert_int_equal(b->decryption.algid, P25_ALGID_AES256);
    assert_int_equal(b->decryption.kid, 0x50bc);
    assert_int_equal(b->keyset_count, 1);
    assert_int_equal(b->item_count, 1);
    assert_int_equal(b->keysets[0].tag.keyset, 1);
    assert_int_equal(b->keysets[0].algid, P25_ALGID_AES256);
    assert_int_equal(b->keysets[0].key_octets, 40);
    assert_false(b->items[0].is_kek || b->items[0].erase);
    assert_int_equal(b->items[0].sln, 0);
    assert_int_equal(b->items[0].kid, 0x4983);
    kf_slice want = testing_field(c, "ks0.k0.wrapped", wrapped, sizeof wrapped);
    assert_slice_equal(b->items[0].key, want);
    vectors_clear(&file);
}

/* Options of a Rekey that no public message shows: two keysets, a KEK one with everything. */
static void test_rekey_options(void **state)
{
    (void)state;
    uint8_t buf[128];
    kf_slice kmm =
        testing_hex("1e 0047 80 012345 98967f 40 84 f5a0 010203040506070800 02"
                    "00 01 84 05 02  00 0001 1001 1111111111  23 0002 1002 2222222222 414243"
                    "e2 ff 0a0b0c 379a733200 81 02 01  80 f001 2001 3333  4b31",
                    buf, sizeof buf);
    p25_kmm m;
    parse_all(kmm, P25_SIDE_OTAR, &m);
    const p25_rekey *b = &m.body.rekey;
    assert_true(b->decryption.has_mi);
    assert_int_equal(b->decryption.mi[7], 8);
    assert_int_equal(b->keyset_count, 2);
    assert_int_equal(b->item_count, 3);
    assert_int_equal(b->keysets[1].first, 2);
    assert_int_equal(b->keysets[1].count, 1);
    assert_false(b->keysets[0].tag.is_kek || b->items[0].erase || b->items[0].is_kek);
    assert_true(b->items[1].erase);
    assert_slice_equal(b->items[1].name, kf_slice_str("ABC"));
    assert_true(b->keysets[1].tag.is_kek && b->keysets[1].tag.has_reserved);
    assert_int_equal(b->keysets[1].tag.reserved[2], 0x0c);
    assert_true(b->keysets[1].tag.has_activation);
    assert_int_equal(b->keysets[1].tag.activation.year, 2026);
    assert_int_equal(b->keysets[1].tag.keyset, 255);
    assert_slice_equal(b->keysets[1].tag.name, kf_slice_str("K1"));
    assert_true(b->items[2].is_kek);
    assert_int_equal(b->items[2].sln, 0xf001);
    check_encoding(&m, kmm);
}

static void test_key_fill_bodies(void **state)
{
    (void)state;
    uint8_t buf[128];
    p25_kmm m;
    kf_slice kmm = testing_hex("28 0025 80 012345 98967f 00 80 0000 01 11223344556677 85 10"
                               "000102030405060708090a0b0c0d0e0f",
                               buf, sizeof buf);
    parse_all(kmm, P25_SIDE_KEYFILL, &m);
    assert_int_equal(m.body.load_auth_key.instruction, 1);
    assert_int_equal(m.body.load_auth_key.suid[6], 0x77);
    assert_int_equal(m.body.load_auth_key.algid, P25_ALGID_AES128);
    assert_int_equal(m.body.load_auth_key.key.len, 16);
    check_encoding(&m, kmm);
    kmm = testing_hex("2a 000f 80 012345 98967f 02 00000000000000", buf, sizeof buf);
    parse_all(kmm, P25_SIDE_KEYFILL, &m);
    assert_int_equal(m.body.delete_auth_key.instruction, 2);
    check_encoding(&m, kmm);
    kmm = testing_hex("31 000a 00 ffffff 98967f 00 03 01", buf, sizeof buf);
    parse_all(kmm, P25_SIDE_KEYFILL, &m);
    assert_int_equal(m.body.session.opcode, P25_SESSION_TRANSFER_DONE);
    assert_int_equal(m.body.session.source, 1);
    check_encoding(&m, kmm);
    kmm = testing_hex("31 000b 00 ffffff 98967f 01 03 01 00", buf, sizeof buf);
    parse_all(kmm, P25_SIDE_KEYFILL, &m);
    assert_true(m.is_opaque);
    check_encoding(&m, kmm);
}

/* One octet string means two things; the decoder is told which. */
static void test_modify_key_sides(void **state)
{
    (void)state;
    uint8_t buf[64];
    p25_kmm m;
    kf_fault fault;
    kf_slice otar = testing_hex("13 0015 80 012345 98967f 00 84 f5a0 09 81 01 01 00 0001 1001 aa",
                                buf, sizeof buf);
    parse_all(otar, P25_SIDE_OTAR, &m);
    assert_int_equal(m.body.modify_key.decryption.kid, 0xf5a0);
    assert_err(p25_kmm_parse(otar, P25_SIDE_KEYFILL, NULL, &m, &fault), KF_E_UNSUPPORTED);
    assert_string_equal(fault.field, "DECRYPTION.extended");
}

static void test_warm_start(void **state)
{
    (void)state;
    uint8_t buf[P25_KMM_OCTETS_MAX];
    vectors_file file;
    testing_vectors_load("p25-kmm-dialogue.txt", &file);
    kf_slice kmm = testing_field(testing_case(&file, "cbc-04-warm-start"), "kmm", buf, sizeof buf);
    p25_kmm m;
    parse_all(kmm, P25_SIDE_OTAR, &m);
    assert_int_equal(m.body.warm_start.decryption.kid, 0xf5a0);
    assert_int_equal(m.body.warm_start.algid, P25_ALGID_AES256);
    assert_int_equal(m.body.warm_start.kid, 0x7a31);
    assert_int_equal(m.body.warm_start.key.len, 40);
    assert_int_equal(m.frame.mac.kid, 0);
    vectors_clear(&file);
}

static void test_deviations(void **state)
{
    static const struct {
        const char *hex;
        unsigned want;
        const char *encoded;
    } cases[] = {
        { "16 0009 00 98967f 012345 0d 01", P25_DEV_SHORT_NACK,
          "16 000b 00 98967f 012345 0d 0000 01" },
        { "21 0008 80 012345 98967f 00", P25_DEV_ZEROIZE_OCTET, "21 0007 80 012345 98967f" },
        { "25 000b 80 98967f 012345 40 98967f", P25_DEV_REGISTRATION_KEK,
          "25 000b 80 98967f 012345 00 98967f" },
        { "23 000d c0 98967f 012345 c0 98967f aabb", 0, NULL }, /* response kind 3 unused */
        { "23 000d 80 98967f 012345 c0 98967f aabb", P25_DEV_REGISTRATION_KEK,
          "23 000d 80 98967f 012345 80 98967f aabb" },
    };
    (void)state;
    size_t count = 0;
    const p25_deviation_fact *facts = p25_deviation_facts(&count);
    unsigned listed = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(facts[i].what != NULL && facts[i].source != NULL);
        listed |= facts[i].bit;
    }
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[64], again[64];
        kf_fault fault;
        p25_kmm m;
        kf_slice kmm = testing_hex(cases[i].hex, buf, sizeof buf);
        if (cases[i].encoded == NULL) {
            assert_err(p25_kmm_parse(kmm, P25_SIDE_OTAR, NULL, &m, &fault), KF_E_MALFORMED);
            continue;
        }
        parse_all(kmm, P25_SIDE_OTAR, &m);
        assert_int_equal(m.deviations, cases[i].want);
        assert_int_equal(m.deviations & ~listed, 0);
        check_encoding(&m, testing_hex(cases[i].encoded, again, sizeof again));
    }
}

/* What peers got wrong (facts 2.7), as far as octets go; counts that lie are in test_kmm_refuse. */
static void test_mistakes_of_peers(void **state)
{
    (void)state;
    uint8_t buf[64];
    p25_kmm m;
    /* Number 0 is a number: the format octet says whether there is one. */
    parse_all(testing_hex("0c 000a 20 98967f 012345 0000 01", buf, sizeof buf), P25_SIDE_OTAR, &m);
    assert_true(m.frame.has_mn);
    assert_int_equal(m.frame.mn, 0);
    check_encoding(&m, m.frame.octets);
    parse_all(testing_hex("0c 0008 00 98967f 012345 01", buf, sizeof buf), P25_SIDE_OTAR, &m);
    assert_false(m.frame.has_mn);
    /* The acknowledged message is another field than the message. */
    parse_all(testing_hex("16 000b 00 98967f 012345 1e 0001 04", buf, sizeof buf), P25_SIDE_OTAR,
              &m);
    assert_int_equal(m.frame.message_id, P25_KMM_NEGATIVE_ACK);
    assert_int_equal(m.body.negative_ack.acked_id, P25_KMM_REKEY_CMD);
    parse_all(testing_hex("1d 0009 00 98967f 012345 13 00", buf, sizeof buf), P25_SIDE_OTAR, &m);
    assert_int_equal(m.frame.message_id, P25_KMM_REKEY_ACK);
    assert_int_equal(m.body.rekey_ack.acked_id, P25_KMM_MODIFY_KEY_CMD);
    /* Key format 80 is a KEK, 20 erases, and neither hides behind the length of the name. */
    parse_all(testing_hex("13 0017 80 012345 98967f 00 84 f5a0 09 81 01 01 a2 0001 1001 aa 4b31",
                          buf, sizeof buf),
              P25_SIDE_OTAR, &m);
    assert_true(m.body.modify_key.items[0].is_kek && m.body.modify_key.items[0].erase);
    assert_int_equal(m.body.modify_key.items[0].name.len, 2);
    /* Inventory type 01 is not a list of keysets, and 03 is not one of key IDs. */
    parse_all(testing_hex("0e 000b 00 98967f 012345 01 000109", buf, sizeof buf), P25_SIDE_OTAR,
              &m);
    assert_int_equal(m.body.inventory_rsp.of.opaque.len, 3);
    parse_all(testing_hex("0e 000b 00 98967f 012345 03 000109", buf, sizeof buf), P25_SIDE_OTAR,
              &m);
    assert_int_equal(m.body.inventory_rsp.of.keysets.ids[0], 9);
}

/* The DES block has no length and no format octet (one peer reads it as if it had). */
static void test_mac_blocks(void **state)
{
    static const struct {
        const char *hex;
        p25_mac_kind kind;
        uint8_t len;
        size_t block;
        uint8_t algid;
    } blocks[] = {
        { "17 0010 2c 012345 98967f 0001 b74424c7 811313", P25_MAC_DES, 4, 7, P25_ALGID_DES },
        { "17 0012 28 012345 98967f 0001 b74424c7 0483131340", P25_MAC_ENHANCED, 4, 9,
          P25_ALGID_TDEA },
        { "17 0016 28 012345 98967f 0001 b74424c7b74424c7 0884131341", P25_MAC_ENHANCED, 8, 13,
          P25_ALGID_AES256 },
        { "17 0009 20 012345 98967f 0001", P25_MAC_NONE, 0, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(blocks); i++) {
        uint8_t buf[64];
        p25_kmm m;
        kf_slice kmm = testing_hex(blocks[i].hex, buf, sizeof buf);
        parse_all(kmm, P25_SIDE_OTAR, &m);
        assert_int_equal(m.frame.mac.kind, blocks[i].kind);
        assert_int_equal(m.frame.mac.len, blocks[i].len);
        assert_int_equal(m.frame.mac.algid, blocks[i].algid);
        assert_int_equal(m.frame.mac.kid, blocks[i].kind == P25_MAC_NONE ? 0 : 0x1313);
        assert_int_equal(p25_mac_block_octets(&m.frame.mac), blocks[i].block);
        assert_int_equal(m.frame.mac_at, kmm.len - blocks[i].block);
        check_encoding(&m, kmm);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(p25_message_name(P25_KMM_REKEY_CMD), "Rekey-Command");
    assert_string_equal(p25_message_name(P25_KMM_LOAD_CONFIG_RSP), "Load-Config-Response");
    assert_string_equal(p25_message_name(P25_KMM_DELETE_KEY_CMD), "Delete-Key-Command");
    assert_null(p25_message_name(0x11));
    assert_null(p25_message_name(0x100));
    assert_true(p25_message_is_known(P25_KMM_WARM_START_CMD));
    assert_false(p25_message_is_known(P25_KMM_KEY_ASSIGNMENT_CMD));
    assert_false(p25_message_is_known(0xa0));
}

static void test_date_time(void **state)
{
    static const struct {
        p25_date_time t;
        bool want;
    } cases[] = {
        { { 2026, 2, 28, 23, 59, 59 }, true }, { { 2026, 2, 29, 0, 0, 0 }, false },
        { { 2028, 2, 29, 0, 0, 0 }, true },    { { 2100, 2, 29, 0, 0, 0 }, false },
        { { 2000, 1, 1, 0, 0, 0 }, true },     { { 2026, 0, 1, 0, 0, 0 }, false },
        { { 2026, 13, 1, 0, 0, 0 }, false },   { { 2026, 4, 31, 0, 0, 0 }, false },
        { { 2026, 4, 0, 0, 0, 0 }, false },    { { 2026, 4, 1, 24, 0, 0 }, false },
        { { 2026, 4, 1, 0, 60, 0 }, false },   { { 2026, 4, 1, 0, 0, 60 }, false },
        { { 1999, 12, 31, 0, 0, 0 }, false },  { { 2127, 12, 31, 23, 59, 59 }, true },
    };
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++)
        assert_int_equal(p25_date_time_is_valid(&cases[i].t), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),        cmocka_unit_test(test_protected),
        cmocka_unit_test(test_rekey_fields),    cmocka_unit_test(test_rekey_options),
        cmocka_unit_test(test_key_fill_bodies), cmocka_unit_test(test_modify_key_sides),
        cmocka_unit_test(test_warm_start),      cmocka_unit_test(test_deviations),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_mistakes_of_peers),
        cmocka_unit_test(test_mac_blocks),      cmocka_unit_test(test_date_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ISSI and DFSI packets: captures field by field, both ways, and a table of what is refused. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "voice/dfsi.h"
#include "voice/issi.h"

#define PACKET_MAX 256u

typedef struct cover {
    kf_trace trace;
    size_t next;
} cover;

static void add(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    cover *c = (void *)trace;
    assert_true(strncmp(field, "RTP.", 4) == 0 || strncmp(field, "ISSI.", 5) == 0 ||
                strncmp(field, "DFSI.", 5) == 0);
    assert_int_equal(at, c->next);
    c->next = at + octets.len;
}

static void encode_is(const voice_issi *p, kf_slice want)
{
    uint8_t buf[VOICE_ISSI_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    voice_issi_encode(p, &w);
    assert_ok(w.err);
    assert_slice_equal(kf_writer_slice(&w), want);
    for (size_t cap = 0; cap < want.len; cap++) {
        w = kf_writer_init(buf, cap);
        voice_issi_encode(p, &w);
        assert_err(w.err, KF_E_NO_SPACE);
    }
}

static void check_decimal(vectors_case *c, const char *name, uint64_t got)
{
    uint64_t want;
    if (!vectors_has(c, name))
        return;
    assert_ok(vectors_decimal(c, name, &want));
    assert_int_equal(got, want);
}

/* A number in hex digits, five for a WACN. */
static void check_hex(vectors_case *c, const char *name, uint64_t got)
{
    char text[24];
    if (!vectors_has(c, name))
        return;
    kf_slice value = vectors_text(c, name);
    assert_true(value.len < sizeof text);
    memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    assert_int_equal(got, strtoull(text, NULL, 16));
}

static void check_octets(vectors_case *c, const char *name, kf_slice got)
{
    uint8_t want[64];
    if (vectors_has(c, name))
        assert_slice_equal(got, testing_field(c, name, want, sizeof want));
}

static void check_voice(vectors_case *c, const voice_issi *p)
{
    char types[16] = "";
    for (size_t i = 0; i < p->imbe_count; i++) {
        char name[16];
        snprintf(types + strlen(types), sizeof types - strlen(types), i == 0 ? "%02X" : " %02X",
                 p->imbe[i].type);
        snprintf(name, sizeof name, "imbe%zu", i + 1);
        check_octets(c, name, KF_SLICE_OF(p->imbe[i].imbe));
        const voice_frame_type *t = voice_frame_type_find(p->imbe[i].type);
        snprintf(name, sizeof name, "es_words_%u", t->frame + 1);
        check_octets(c, name, KF_SLICE_OF(p->imbe[i].data));
    }
    if (vectors_has(c, "frame_types"))
        assert_slice_equal(kf_slice_str(types), vectors_text(c, "frame_types"));
}

static void check_fields(vectors_case *c, const voice_issi *p, kf_slice rtp)
{
    check_decimal(c, "pt", p->rtp.pt);
    check_decimal(c, "seq", p->rtp.seq);
    check_decimal(c, "ssrc", p->rtp.ssrc);
    check_decimal(c, "signal", p->signal);
    check_decimal(c, "compact", 0); /* compact headers are refused */
    check_decimal(c, "blocks", rtp.ptr[VOICE_RTP_OCTETS] & 0x3fu);
    check_decimal(c, "packet_type", p->packet_type);
    check_hex(c, "so", p->service_options);
    check_decimal(c, "tsn", p->tsn);
    check_decimal(c, "losing", p->losing_audio);
    check_decimal(c, "interval", p->interval);
    check_hex(c, "wacn", p->ptt.wacn);
    check_hex(c, "system", p->ptt.system);
    check_hex(c, "unit", p->ptt.unit);
    check_hex(c, "priority", p->ptt.priority);
    check_octets(c, "mi", KF_SLICE_OF(p->header.es.mi));
    check_hex(c, "alg", p->header.es.algid);
    check_hex(c, "kid", p->header.es.kid);
    check_hex(c, "mfid", p->header.mfid);
    check_hex(c, "group", p->header.group);
    check_hex(c, "nid", p->header.nid);
    check_hex(c, "last_octet", p->header.last);
    check_voice(c, p);
}

static void prefixes_refused(kf_slice rtp)
{
    voice_issi p;
    kf_fault fault;
    for (size_t len = 0; len < rtp.len; len++) {
        assert_err(voice_issi_parse((kf_slice){ rtp.ptr, len }, NULL, &p, &fault), KF_E_TRUNCATED);
        assert_non_null(fault.field);
    }
}

/* A flip is refused, or accepted and written as it came: nothing is read as something else. */
static void flips(kf_slice rtp)
{
    uint8_t bad[PACKET_MAX], buf[VOICE_ISSI_MAX];
    voice_issi p;
    kf_fault fault;
    memcpy(bad, rtp.ptr, rtp.len);
    for (size_t bit = 0; bit < rtp.len * 8; bit++) {
        bad[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
        if (voice_issi_parse((kf_slice){ bad, rtp.len }, NULL, &p, &fault) == KF_OK &&
            p.quirks == 0) {
            kf_writer w = kf_writer_init(buf, sizeof buf);
            voice_issi_encode(&p, &w);
            assert_slice_equal(kf_writer_slice(&w), ((kf_slice){ bad, rtp.len }));
        }
        bad[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
    }
}

static void test_captures(void **state)
{
    vectors_file file;
    uint8_t octets[PACKET_MAX];
    size_t packets = 0;
    (void)state;
    testing_vectors_load("p25-rtp-issi.txt", &file);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        voice_issi p;
        kf_fault fault;
        cover seen = { { add }, 0 };
        if (!vectors_has(c, "rtp"))
            continue;
        kf_slice rtp = testing_field(c, "rtp", octets, sizeof octets);
        assert_ok(voice_issi_parse(rtp, &seen.trace, &p, &fault));
        assert_int_equal(seen.next, rtp.len);
        assert_int_equal(p.quirks, 0);
        check_fields(c, &p, rtp);
        encode_is(&p, rtp);
        prefixes_refused(rtp);
        flips(rtp);
        packets++;
    }
    assert_int_equal(packets, 19);
    vectors_clear(&file);
}

#define RTP_HEX   "80640001 00000000 00000001 "
#define TYPE_BODY "02400602 "
#define IMBE_BODY "c2 0102030405060708090a0b 0000 "

typedef struct refusal {
    const char *name, *hex;
    kf_err want;
    const char *field;
    unsigned quirks;
} refusal;

static const refusal issi_cases[] = {
    { "smallest", RTP_HEX "81 81000004 " TYPE_BODY, KF_OK, NULL, 0 },
    { "marker", "80e40001 00000000 00000001 81 81000004 " TYPE_BODY, KF_OK, NULL, 0 },
    { "E is 0 everywhere", RTP_HEX "82 01000004 0000000e " TYPE_BODY IMBE_BODY, KF_OK, NULL,
      VOICE_ISSI_QUIRK_E_BIT },
    { "manufacturer's block", RTP_HEX "82 81000004 bf000002 " TYPE_BODY "aabb", KF_OK, NULL,
      VOICE_ISSI_QUIRK_SKIPPED },
    { "empty manufacturer's block", RTP_HEX "82 81000004 ff000000 " TYPE_BODY, KF_OK, NULL,
      VOICE_ISSI_QUIRK_SKIPPED },
    { "console PTT word", RTP_HEX "82 81000004 8f000003 " TYPE_BODY "010203", KF_OK, NULL,
      VOICE_ISSI_QUIRK_SKIPPED },
    { "voice before PTT word",
      RTP_HEX "83 81000004 8000000e 8b000008 " TYPE_BODY IMBE_BODY "bee0853400717a04", KF_OK, NULL,
      VOICE_ISSI_QUIRK_ORDER },

    { "version 1", "40640001 00000000 00000001 81 81000004 " TYPE_BODY, KF_E_UNSUPPORTED,
      "RTP.flags", 0 },
    { "padding", "a0640001 00000000 00000001 81 81000004 " TYPE_BODY, KF_E_UNSUPPORTED, "RTP.flags",
      0 },
    { "extension", "90640001 00000000 00000001 81 81000004 " TYPE_BODY, KF_E_UNSUPPORTED,
      "RTP.flags", 0 },
    { "sources", "81640001 00000000 00000001 81 81000004 " TYPE_BODY, KF_E_UNSUPPORTED, "RTP.flags",
      0 },
    { "half rate", "80650001 00000000 00000001 81 81000004 " TYPE_BODY, KF_E_UNSUPPORTED,
      "RTP.payload_type", 0 },
    { "compact headers", RTP_HEX "c1 81 " TYPE_BODY, KF_E_UNSUPPORTED, "ISSI.control", 0 },
    { "no block", RTP_HEX "80", KF_E_MALFORMED, "ISSI.control", 0 },
    { "nine blocks", RTP_HEX "89", KF_E_UNSUPPORTED, "ISSI.control", 0 },
    { "voice first", RTP_HEX "82 8000000e 81000004 " IMBE_BODY TYPE_BODY, KF_E_MALFORMED,
      "ISSI.header.type", 0 },
    { "packet type twice", RTP_HEX "82 81000004 81000004 " TYPE_BODY TYPE_BODY, KF_E_MALFORMED,
      "ISSI.header.type", 0 },
    { "four voice blocks",
      RTP_HEX "85 81000004 8000000e 8000000e 8000000e 8000000e " TYPE_BODY IMBE_BODY IMBE_BODY
          IMBE_BODY IMBE_BODY,
      KF_E_MALFORMED, "ISSI.header.type", 0 },
    { "unknown block", RTP_HEX "82 81000004 82000002 " TYPE_BODY "aabb", KF_E_UNSUPPORTED,
      "ISSI.header.type", 0 },
    { "packet type of 5", RTP_HEX "81 81000005 " TYPE_BODY "00", KF_E_MALFORMED,
      "ISSI.header.offset_length", 0 },
    { "packet type of 3", RTP_HEX "81 81000003 024006", KF_E_MALFORMED, "ISSI.header.offset_length",
      0 },
    { "PTT word of 7", RTP_HEX "82 81000004 8b000007 " TYPE_BODY "bee0853400717a", KF_E_MALFORMED,
      "ISSI.header.offset_length", 0 },
    { "header word of 17",
      RTP_HEX "82 81000004 85000011 " TYPE_BODY "0000000000000000008000000003330000",
      KF_E_MALFORMED, "ISSI.header.offset_length", 0 },
    { "voice of 13", RTP_HEX "82 81000004 8000000d " TYPE_BODY "c2 0102030405060708090a0b 00",
      KF_E_TRUNCATED, "ISSI.voice.superframe", 0 },
    { "voice of 15", RTP_HEX "82 81000004 8000000f " TYPE_BODY IMBE_BODY "00", KF_E_TRAILING,
      "ISSI.header.offset_length", 0 },
    { "LSD block of 18",
      RTP_HEX "82 81000004 80000012 " TYPE_BODY "6a 0102030405060708090a0b 0000 00000000",
      KF_E_TRAILING, "ISSI.header.offset_length", 0 },
    { "frame type c1", RTP_HEX "82 81000004 8000000e " TYPE_BODY "c1 0102030405060708090a0b 0000",
      KF_E_UNSUPPORTED, "ISSI.voice.frame_type", 0 },
    { "packet type 11", RTP_HEX "81 81000004 0b400602", KF_E_UNSUPPORTED, "ISSI.packet_type", 0 },
    { "octet too many", RTP_HEX "81 81000004 " TYPE_BODY "00", KF_E_TRAILING, "ISSI.packet", 0 },
    { "block longer than packet", RTP_HEX "82 81000004 bf0003ff " TYPE_BODY "00", KF_E_TRUNCATED,
      "ISSI.skipped", 0 },
    { "nothing", "", KF_E_TRUNCATED, "RTP.flags", 0 },
};

static void test_issi_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(issi_cases); i++) {
        uint8_t octets[PACKET_MAX];
        const refusal *c = &issi_cases[i];
        kf_fault fault;
        voice_issi p;
        kf_slice in = testing_hex(c->hex, octets, sizeof octets);
        kf_err err = voice_issi_parse(in, NULL, &p, &fault);
        if (err != c->want || (c->field != NULL && strcmp(c->field, fault.field) != 0))
            print_error("%s: %s at %s\n", c->name, kf_err_name(err), fault.field);
        assert_int_equal(err, c->want);
        if (c->field != NULL)
            assert_string_equal(fault.field, c->field);
        else
            assert_int_equal(p.quirks, c->quirks);
    }
}

#define VOICE_BODY "62 0102030405060708090a0b 0000 "

static const refusal dfsi_cases[] = {
    { "voice", RTP_HEX "c1 80 " VOICE_BODY, KF_OK, NULL, 0 },
    { "link control", RTP_HEX "c1 80 64 0102030405060708090a0b 0000 010203 00", KF_OK, NULL, 0 },
    { "low-speed data", RTP_HEX "41 80 73 0102030405060708090a0b 0000 0102 00", KF_OK, NULL, 0 },
    { "start", RTP_HEX "c1 89 f7e5 a3", KF_OK, NULL, 0 },
    { "end", RTP_HEX "41 8a", KF_OK, NULL, 0 },
    { "start, three voices, end",
      RTP_HEX "c5 89 80 80 80 8a f7e5 03 " VOICE_BODY VOICE_BODY VOICE_BODY, KF_OK, NULL, 0 },
    { "E is 0", RTP_HEX "c1 00 " VOICE_BODY, KF_OK, NULL, VOICE_DFSI_QUIRK_E_BIT },

    { "verbose headers", RTP_HEX "81 8000000e " VOICE_BODY, KF_E_UNSUPPORTED, "DFSI.control", 0 },
    { "no block", RTP_HEX "c0", KF_E_MALFORMED, "DFSI.control", 0 },
    { "six blocks", RTP_HEX "c6 80 80 80 80 80 80", KF_E_MALFORMED, "DFSI.control", 0 },
    { "four voices", RTP_HEX "c4 80 80 80 80 " VOICE_BODY VOICE_BODY VOICE_BODY VOICE_BODY,
      KF_E_MALFORMED, "DFSI.header.type", 0 },
    { "start twice", RTP_HEX "c2 89 89 000000 000000", KF_E_MALFORMED, "DFSI.header.type", 0 },
    { "end before voice", RTP_HEX "c2 8a 80 " VOICE_BODY, KF_E_MALFORMED, "DFSI.header.type", 0 },
    { "a block of unknown length", RTP_HEX "c2 80 86 " VOICE_BODY, KF_E_UNSUPPORTED,
      "DFSI.header.type", 0 },
    { "frame type 61", RTP_HEX "c1 80 61 0102030405060708090a0b 0000", KF_E_UNSUPPORTED,
      "DFSI.voice.frame_type", 0 },
    { "octet too many", RTP_HEX "c1 80 " VOICE_BODY "00", KF_E_TRAILING, "DFSI.packet", 0 },
    { "link control cut", RTP_HEX "c1 80 64 0102030405060708090a0b 0000 010203", KF_E_TRUNCATED,
      "DFSI.voice.status", 0 },
    { "PCM", "80000001 00000000 00000001 c1 80 " VOICE_BODY, KF_E_UNSUPPORTED, "RTP.payload_type",
      0 },
};

static void dfsi_round_trip(kf_slice in, const voice_dfsi *p)
{
    uint8_t buf[VOICE_DFSI_MAX];
    voice_dfsi back;
    kf_fault fault;
    kf_writer w = kf_writer_init(buf, sizeof buf);
    voice_dfsi_encode(p, &w);
    assert_ok(w.err);
    if (p->quirks == 0)
        assert_slice_equal(kf_writer_slice(&w), in);
    for (size_t len = 0; len < in.len; len++) {
        assert_err(voice_dfsi_parse((kf_slice){ in.ptr, len }, NULL, &back, &fault),
                   KF_E_TRUNCATED);
        w = kf_writer_init(buf, len);
        voice_dfsi_encode(p, &w);
        assert_err(w.err, KF_E_NO_SPACE);
    }
}

static void test_dfsi_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(dfsi_cases); i++) {
        uint8_t octets[PACKET_MAX];
        const refusal *c = &dfsi_cases[i];
        cover seen = { { add }, 0 };
        kf_fault fault;
        voice_dfsi p;
        kf_slice in = testing_hex(c->hex, octets, sizeof octets);
        kf_err err = voice_dfsi_parse(in, &seen.trace, &p, &fault);
        if (err != c->want || (c->field != NULL && strcmp(c->field, fault.field) != 0))
            print_error("%s: %s at %s\n", c->name, kf_err_name(err), fault.field);
        assert_int_equal(err, c->want);
        if (c->field != NULL) {
            assert_string_equal(fault.field, c->field);
            continue;
        }
        assert_int_equal(p.quirks, c->quirks);
        assert_int_equal(seen.next, in.len);
        dfsi_round_trip(in, &p);
    }
}

static void test_dfsi_fields(void **state)
{
    uint8_t octets[PACKET_MAX];
    voice_dfsi p;
    kf_fault fault;
    (void)state;
    kf_slice in =
        testing_hex(RTP_HEX "c3 89 80 8a f7e5 a3 64 0102030405060708090a0b b6 9b 0c0d0e 77", octets,
                    sizeof octets);
    assert_ok(voice_dfsi_parse(in, NULL, &p, &fault));
    assert_true(p.signal && p.has_start && p.has_end);
    assert_int_equal(p.start.nid, 0xf7e5);
    assert_int_equal(p.start.errors, 3);
    assert_int_equal(p.start.reserved, 0xa);
    assert_int_equal(p.voice_count, 1);
    const voice_block *b = &p.voice[0];
    assert_int_equal(b->type, 0x64);
    assert_int_equal(b->et, 5);
    assert_int_equal(b->er, 5);
    assert_true(b->mute);
    assert_false(b->lost);
    assert_int_equal(b->e4, 1);
    assert_int_equal(b->e1, 1);
    assert_int_equal(b->sf, 2);
    assert_int_equal(b->reserved, 3);
    assert_memory_equal(b->data, "\x0c\x0d\x0e", 3);
    assert_int_equal(b->status, 0x77);
}

/* A field too large is refused by the encoder, never cut. */
static void test_encode_refuses(void **state)
{
    static const voice_issi good = { .rtp = { .pt = 100 },
                                     .imbe_count = 1,
                                     .imbe = { { .type = 0xc2 } } };
    uint8_t buf[VOICE_ISSI_MAX];
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        voice_issi p = good;
        kf_writer w = kf_writer_init(buf, sizeof buf);
        p.rtp.pt = i == 1 ? 128 : p.rtp.pt;
        p.packet_type = i == 2 ? 11 : 0;
        p.tsn = i == 3 ? 128 : 0;
        p.ptt.wacn = i == 4 ? 0x100000 : 0;
        p.ptt.system = i == 5 ? 0x1000 : 0;
        p.ptt.unit = i == 6 ? 0x1000000 : 0;
        p.offset[5] = i == 7 ? 0x4000 : 0;
        p.imbe_count = i == 8 ? 4 : 1;
        p.imbe[0].type = i == 9 ? 0xc1 : 0xc2;
        p.imbe[0].et = i == 10 ? 8 : 0;
        p.imbe[0].er = i == 11 ? 8 : 0;
        p.imbe[0].e4 = i == 12 ? 2 : 0;
        p.imbe[0].e1 = i == 13 ? 8 : 0;
        p.imbe[0].sf = i == 14 ? 4 : 0;
        p.imbe[0].reserved = i == 15 ? 4 : 0;
        voice_issi_encode(&p, &w);
        assert_err(w.err, i == 0 || i == 16 ? KF_OK : KF_E_MALFORMED);
    }
    for (unsigned i = 0; i < 4; i++) {
        voice_dfsi p = { .rtp = { .pt = 100 }, .has_end = i != 0 };
        kf_writer w = kf_writer_init(buf, sizeof buf);
        p.voice_count = i == 1 ? 4 : 0;
        p.start.errors = i == 2 ? 16 : 0;
        voice_dfsi_encode(&p, &w);
        assert_err(w.err, i == 3 ? KF_OK : KF_E_MALFORMED);
    }
}

/* The tables of frame types: 18 places, two spellings, lengths of the facts. */
static void test_frame_types(void **state)
{
    size_t known = 0;
    (void)state;
    for (unsigned frame = 0; frame < VOICE_FRAMES; frame++) {
        const voice_frame_type *d = voice_frame_type_dfsi(frame);
        const voice_frame_type *s = voice_frame_type_issi(frame);
        assert_int_equal(d->type, 0x62 + frame);
        bool high = s->kind == VOICE_BLOCK_PLAIN; /* C2 for 62 and so on */
        assert_int_equal(s->type, high ? 0xc2 + frame : 0x62 + frame);
        assert_int_equal(high, frame < 8 || frame == 9 || frame == 10);
        size_t want = frame < 2 || frame == 9 || frame == 10 ? 14 : frame % 9 == 8 ? 17 : 18;
        assert_int_equal(voice_block_octets(d->kind), want);
        assert_int_equal(voice_block_octets(s->kind), frame < 8 ? 14 : want);
        assert_true(d->frame == frame && s->frame == frame);
    }
    assert_null(voice_frame_type_issi(VOICE_FRAMES));
    assert_null(voice_frame_type_dfsi(VOICE_FRAMES));
    for (unsigned type = 0; type < 256; type++)
        known += voice_frame_type_find(type) != NULL;
    assert_int_equal(known, 18 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures),       cmocka_unit_test(test_issi_table),
        cmocka_unit_test(test_dfsi_table),     cmocka_unit_test(test_dfsi_fields),
        cmocka_unit_test(test_encode_refuses), cmocka_unit_test(test_frame_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

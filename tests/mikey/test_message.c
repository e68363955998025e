/* The octets of an I_MESSAGE: a table of what the decoder refuses, and what it reads from a good
 * one. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mikey/message.h"

#define MESSAGE_MAX 4096u

/* A payload in the making: its type and everything after its next-payload octet, blanks allowed. */
typedef struct part {
    uint8_t type;
    const char *hex;
    size_t filler; /* zero octets that follow */
} part;

#define T_PART                                                                                     \
    {                                                                                              \
        5, "00 ec8989a800000000", 0                                                                \
    }
#define RAND_PART                                                                                  \
    {                                                                                              \
        11, "10 000102030405060708090a0b0c0d0e0f", 0                                               \
    }
#define IDR_I                                                                                      \
    {                                                                                              \
        14, "01 01 0003 613a62", 0                                                                 \
    }
#define IDR_R                                                                                      \
    {                                                                                              \
        14, "02 01 0003 613a63", 0                                                                 \
    }
#define IDR_KI                                                                                     \
    {                                                                                              \
        14, "06 01 0003 6b2e62", 0                                                                 \
    }
#define IDR_KR                                                                                     \
    {                                                                                              \
        14, "07 01 0003 6b2e63", 0                                                                 \
    }
#define SAKKE_PART                                                                                 \
    {                                                                                              \
        26, "01 02 0111", 273                                                                      \
    }
#define SIGN_PART                                                                                  \
    {                                                                                              \
        4, "2081", 129                                                                             \
    }
#define EMPTY_HDR "01 1a NN 01 12345678 00 01"
#define GROUP_HDR "01 1a NN 01 06a12aea 01 02 04 00 01 00 0000 08 0df9bc3906a12aea"

/* Octets of a message from its header ("NN": next payload) and parts, linked in order. */
static kf_slice build(const char *hdr, const part *parts, size_t count, uint8_t *buf, size_t cap)
{
    char text[1024];
    const char *mark = strstr(hdr, "NN");
    assert_non_null(mark);
    snprintf(text, sizeof text, "%.*s%02x%s", (int)(mark - hdr), hdr, count > 0 ? parts[0].type : 0,
             mark + 2);
    size_t len = testing_hex(text, buf, cap).len;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].type != 4)
            buf[len++] = i + 1 < count ? parts[i + 1].type : 0;
        len += testing_hex(parts[i].hex, buf + len, cap - len).len;
        assert_true(parts[i].filler < cap - len);
        memset(buf + len, 0, parts[i].filler);
        len += parts[i].filler;
    }
    return (kf_slice){ buf, len };
}

#define PARTS_MAX 16u
static const struct {
    const char *name, *hdr;
    part parts[PARTS_MAX]; /* ends at type 0 */
    size_t extra;          /* octets after the last */
    kf_err want;
    const char *field;
} cases[] = {
    { "smallest",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_OK,
      NULL },
    { "any order before SIGN",
      EMPTY_HDR,
      { SAKKE_PART, IDR_KR, IDR_R, RAND_PART, T_PART, IDR_KI, IDR_I, SIGN_PART },
      0,
      KF_OK,
      NULL },
    { "GENERIC-ID map",
      GROUP_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_OK,
      NULL },
    { "256-bit SSV",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, { 26, "01 02 0121", 289 }, SIGN_PART },
      0,
      KF_OK,
      NULL },
    { "UIDs in place of identities",
      EMPTY_HDR,
      { T_PART,
        RAND_PART,
        { 14, "08 01 0020", 32 },
        { 14, "09 02 0020", 32 },
        IDR_KI,
        IDR_KR,
        SAKKE_PART,
        SIGN_PART },
      0,
      KF_OK,
      NULL },
    { "vendor ID and SDP IDs are skipped",
      EMPTY_HDR,
      { T_PART,
        RAND_PART,
        IDR_I,
        IDR_R,
        IDR_KI,
        IDR_KR,
        SAKKE_PART,
        { 21, "00 0002 aabb", 0 },
        { 21, "01 0000", 0 },
        SIGN_PART },
      0,
      KF_OK,
      NULL },

    { "version 2", "02 1a NN 01 12345678 00 01", { T_PART }, 0, KF_E_UNSUPPORTED, "HDR.version" },
    { "another data type",
      "01 00 NN 01 12345678 00 01",
      { T_PART },
      0,
      KF_E_UNSUPPORTED,
      "HDR.data_type" },
    { "V set", "01 1a NN 81 12345678 00 01", { T_PART }, 0, KF_E_MALFORMED, "HDR.v_prf" },
    { "another PRF", "01 1a NN 00 12345678 00 01", { T_PART }, 0, KF_E_UNSUPPORTED, "HDR.v_prf" },
    { "empty map with sessions",
      "01 1a NN 01 12345678 01 01",
      { T_PART },
      0,
      KF_E_MALFORMED,
      "HDR.cs_map_type" },
    { "GENERIC-ID without sessions",
      "01 1a NN 01 12345678 00 02",
      { T_PART },
      0,
      KF_E_MALFORMED,
      "HDR.cs_map_type" },
    { "map type 3",
      "01 1a NN 01 12345678 01 03",
      { T_PART },
      0,
      KF_E_UNSUPPORTED,
      "HDR.cs_map_type" },
    { "255 sessions",
      "01 1a NN 01 12345678 ff 02",
      { T_PART },
      0,
      KF_E_UNSUPPORTED,
      "HDR.cs_count" },
    { "#P overrun",
      "01 1a NN 01 12345678 01 02 04 00 7f",
      { T_PART },
      0,
      KF_E_UNSUPPORTED,
      "HDR.cs.s_policies" },
    { "session data overrun",
      "01 1a NN 01 12345678 01 02 04 00 01 00 ffff",
      { T_PART },
      0,
      KF_E_TRUNCATED,
      "HDR.cs.data" },
    { "SPI overrun",
      "01 1a NN 01 12345678 01 02 04 00 01 00 0000 ff",
      { T_PART },
      0,
      KF_E_TRUNCATED,
      "HDR.cs.spi" },
    { "session not SRTP",
      "01 1a NN 01 12345678 01 02 04 01 00 0000 00",
      { T_PART },
      0,
      KF_E_UNSUPPORTED,
      "HDR.cs.prot_type" },

    { "no payload at all", EMPTY_HDR, { { 0, NULL, 0 } }, 0, KF_E_MALFORMED, "SIGN" },
    { "no SIGN",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART },
      0,
      KF_E_MALFORMED,
      "SIGN" },
    { "SIGN not last",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SIGN_PART, SAKKE_PART },
      0,
      KF_E_TRAILING,
      "SIGN" },
    { "octet after SIGN",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      1,
      KF_E_TRAILING,
      "SIGN" },
    { "payload type 3",
      EMPTY_HDR,
      { T_PART, { 3, "00", 0 }, SIGN_PART },
      0,
      KF_E_UNSUPPORTED,
      "next_payload" },
    { "KEMAC", EMPTY_HDR, { { 1, "00", 0 } }, 0, KF_E_UNSUPPORTED, "next_payload" },

    { "two T", EMPTY_HDR, { T_PART, T_PART }, 0, KF_E_MALFORMED, "T" },
    { "two RAND", EMPTY_HDR, { RAND_PART, RAND_PART }, 0, KF_E_MALFORMED, "RAND" },
    { "two SAKKE", EMPTY_HDR, { SAKKE_PART, SAKKE_PART }, 0, KF_E_MALFORMED, "SAKKE" },
    { "two IDRi", EMPTY_HDR, { IDR_I, IDR_I }, 0, KF_E_MALFORMED, "IDR" },
    { "two IDRkmsr", EMPTY_HDR, { IDR_KR, IDR_KR }, 0, KF_E_MALFORMED, "IDR" },
    { "two key parameters",
      EMPTY_HDR,
      { { 21, "07 0001 00", 0 }, { 21, "07 0001 00", 0 } },
      0,
      KF_E_MALFORMED,
      "GENEXT" },
    { "two SAKKE-to-self",
      EMPTY_HDR,
      { { 21, "06 0116 00 01 02 0111", 273 }, { 21, "06 0116 00 01 02 0111", 273 } },
      0,
      KF_E_MALFORMED,
      "GENEXT" },
    { "no T",
      EMPTY_HDR,
      { RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "T" },
    { "no RAND",
      EMPTY_HDR,
      { T_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "RAND" },
    { "no IDRi",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_R, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "IDRi" },
    { "no IDRr",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_KI, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "IDRr" },
    { "no IDRkmsi",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KR, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "IDRkmsi" },
    { "no IDRkmsr",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, SAKKE_PART, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "IDRkmsr" },
    { "no SAKKE",
      EMPTY_HDR,
      { T_PART, RAND_PART, IDR_I, IDR_R, IDR_KI, IDR_KR, SIGN_PART },
      0,
      KF_E_MALFORMED,
      "SAKKE" },
    { "IDRi and IDRuidi",
      EMPTY_HDR,
      { T_PART,
        RAND_PART,
        IDR_I,
        { 14, "08 01 0020", 32 },
        IDR_R,
        IDR_KI,
        IDR_KR,
        SAKKE_PART,
        SIGN_PART },
      0,
      KF_E_MALFORMED,
      "IDRi" },

    { "timestamp not NTP-UTC",
      EMPTY_HDR,
      { { 5, "02 00000001", 0 } },
      0,
      KF_E_UNSUPPORTED,
      "T.ts_type" },
    { "RAND of 15 octets", EMPTY_HDR, { { 11, "0f", 15 } }, 0, KF_E_MALFORMED, "RAND.length" },
    { "RAND of 8 octets", EMPTY_HDR, { { 11, "08", 8 } }, 0, KF_E_MALFORMED, "RAND.length" },
    { "RAND overrun", EMPTY_HDR, { { 11, "ff 00", 0 } }, 0, KF_E_TRUNCATED, "RAND.rand" },
    { "IDR role 3", EMPTY_HDR, { { 14, "03 01 0001 61", 0 } }, 0, KF_E_UNSUPPORTED, "IDR.role" },
    { "IDR role 200", EMPTY_HDR, { { 14, "c8 01 0001 61", 0 } }, 0, KF_E_UNSUPPORTED, "IDR.role" },
    { "IDR type NAI", EMPTY_HDR, { { 14, "01 00 0001 61", 0 } }, 0, KF_E_UNSUPPORTED, "IDR.type" },
    { "URI as octets", EMPTY_HDR, { { 14, "01 02 0001 61", 0 } }, 0, KF_E_UNSUPPORTED, "IDR.type" },
    { "empty URI", EMPTY_HDR, { { 14, "01 01 0000", 0 } }, 0, KF_E_MALFORMED, "IDR.id" },
    { "URI with NUL", EMPTY_HDR, { { 14, "01 01 0003 610062", 0 } }, 0, KF_E_MALFORMED, "IDR.id" },
    { "URI with a line feed",
      EMPTY_HDR,
      { { 14, "01 01 0003 610a62", 0 } },
      0,
      KF_E_MALFORMED,
      "IDR.id" },
    { "UID of 31 octets", EMPTY_HDR, { { 14, "08 01 001f", 31 } }, 0, KF_E_MALFORMED, "IDR.id" },
    { "IDR overrun", EMPTY_HDR, { { 14, "01 01 ffff 61", 0 } }, 0, KF_E_TRUNCATED, "IDR.id" },
    { "SP overrun", EMPTY_HDR, { { 10, "00 00 ffff 00", 0 } }, 0, KF_E_TRUNCATED, "SP.params" },
    { "SP parameter overrun",
      EMPTY_HDR,
      { { 10, "00 00 0003 000206", 0 } },
      0,
      KF_E_TRUNCATED,
      "SP.param.value" },
    { "SP half a parameter",
      EMPTY_HDR,
      { { 10, "00 00 0001 00", 0 } },
      0,
      KF_E_TRUNCATED,
      "SP.param.length" },
    { "SP parameter twice",
      EMPTY_HDR,
      { { 10, "00 00 0006 000106000106", 0 } },
      0,
      KF_E_MALFORMED,
      "SP.param.type" },
    { "SP policy twice",
      EMPTY_HDR,
      { { 10, "00 00 0000", 0 }, { 10, "00 00 0000", 0 } },
      0,
      KF_E_MALFORMED,
      "SP.policy_no" },
    { "SP not SRTP", EMPTY_HDR, { { 10, "00 01 0000", 0 } }, 0, KF_E_UNSUPPORTED, "SP.prot_type" },
    { "SAKKE parameter set 2",
      EMPTY_HDR,
      { { 26, "02 02 0111", 273 } },
      0,
      KF_E_UNSUPPORTED,
      "SAKKE.params" },
    { "ID scheme 1",
      EMPTY_HDR,
      { { 26, "01 01 0111", 273 } },
      0,
      KF_E_UNSUPPORTED,
      "SAKKE.id_scheme" },
    { "SED an octet short",
      EMPTY_HDR,
      { { 26, "01 02 0110", 272 } },
      0,
      KF_E_MALFORMED,
      "SAKKE.length" },
    { "SED empty", EMPTY_HDR, { { 26, "01 02 0000", 0 } }, 0, KF_E_MALFORMED, "SAKKE.length" },
    { "SED overrun", EMPTY_HDR, { { 26, "01 02 0111", 272 } }, 0, KF_E_TRUNCATED, "SAKKE.sed" },
    { "general extension 9",
      EMPTY_HDR,
      { { 21, "09 0001 00", 0 } },
      0,
      KF_E_UNSUPPORTED,
      "GENEXT.type" },
    { "general extension overrun",
      EMPTY_HDR,
      { { 21, "07 ffff 00", 0 } },
      0,
      KF_E_TRUNCATED,
      "GENEXT.key_params" },
    { "empty key parameters",
      EMPTY_HDR,
      { { 21, "07 0000", 0 } },
      0,
      KF_E_TRUNCATED,
      "GENEXT.key_params" },
    { "SAKKE-to-self with more inside",
      EMPTY_HDR,
      { { 21, "06 0117 00 01 02 0111", 274 } },
      0,
      KF_E_TRAILING,
      "GENEXT.data" },
    { "SAKKE-to-self too short",
      EMPTY_HDR,
      { { 21, "06 0115 00 01 02 0111", 272 } },
      0,
      KF_E_TRUNCATED,
      "SAKKE.sed" },
    { "signature of RSA",
      EMPTY_HDR,
      { { 4, "0081", 129 } },
      0,
      KF_E_UNSUPPORTED,
      "SIGN.type_length" },
    { "signature length 32",
      EMPTY_HDR,
      { { 4, "2020", 32 } },
      0,
      KF_E_UNSUPPORTED,
      "SIGN.type_length" },
    { "signature an octet short",
      EMPTY_HDR,
      { { 4, "2081", 128 } },
      0,
      KF_E_TRUNCATED,
      "SIGN.signature" },
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[MESSAGE_MAX];
        mikey_message m;
        kf_fault fault;
        size_t count = 0;
        while (count < PARTS_MAX && cases[i].parts[count].type != 0)
            count++;
        kf_slice octets = build(cases[i].hdr, cases[i].parts, count, buf, sizeof buf);
        memset(buf + octets.len, 0, cases[i].extra);
        octets.len += cases[i].extra;
        kf_err err = mikey_message_parse(octets, NULL, &m, &fault);
        if (err != cases[i].want || (err != KF_OK && strcmp(fault.field, cases[i].field) != 0))
            fail_msg("%s: %s at %zu in %s", cases[i].name, kf_err_name(err), fault.at,
                     fault.field == NULL ? "-" : fault.field);
        assert_true(fault.at <= octets.len);
    }
}

/* A decoder that reads at all must read exactly: the same octets in a buffer of their own size. */
static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    uint8_t buf[MESSAGE_MAX];
    static const part parts[] = { T_PART, RAND_PART, IDR_I,      IDR_R,
                                  IDR_KI, IDR_KR,    SAKKE_PART, SIGN_PART };
    kf_slice octets = build(GROUP_HDR, parts, KF_COUNT(parts), buf, sizeof buf);
    for (size_t len = 0; len < octets.len; len++) {
        uint8_t *exact = malloc(len + 1);
        mikey_message m;
        kf_fault fault;
        assert_non_null(exact);
        memcpy(exact, octets.ptr, len);
        assert_err(mikey_message_parse((kf_slice){ exact, len }, NULL, &m, &fault), KF_E_TRUNCATED);
        assert_true(fault.at <= len);
        free(exact);
    }
}

typedef struct sum {
    kf_trace trace;
    size_t next;
} sum;

static void add_up(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    sum *s = (void *)trace;
    assert_non_null(field);
    assert_int_equal(at, s->next);
    s->next = at + octets.len;
}

static void test_encode_is_the_inverse(void **state)
{
    (void)state;
    static const part parts[] = {
        T_PART,
        RAND_PART,
        IDR_I,
        IDR_R,
        IDR_KI,
        IDR_KR,
        { 10, "00 00 0009 000106 010110 05010a", 0 },
        SAKKE_PART,
        { 21, "07 0003 010203", 0 },
        { 21, "06 0116 00 01 02 0111", 273 },
        SIGN_PART,
    };
    uint8_t buf[MESSAGE_MAX], again[MESSAGE_MAX];
    mikey_message m;
    kf_fault fault;
    sum s = { { add_up }, 0 };
    kf_slice octets = build(GROUP_HDR, parts, KF_COUNT(parts), buf, sizeof buf);
    assert_ok(mikey_message_parse(octets, &s.trace, &m, &fault));
    assert_int_equal(s.next, octets.len); /* every octet belongs to a field, none to two */
    kf_writer w = kf_writer_init(again, sizeof again);
    mikey_message_encode_unsigned(&m, &w);
    assert_int_equal(w.len, m.signed_len);
    kf_write_slice(&w, m.signature);
    assert_slice_equal(kf_writer_slice(&w), octets);

    assert_int_equal(m.session_count, 1);
    assert_int_equal(m.sessions[0].cs_id, 4);
    assert_int_equal(m.sessions[0].spi.len, 8);
    assert_int_equal(m.sp[0].count, 3);
    assert_int_equal(m.key_params.len, 3);
    assert_int_equal(m.to_self.sed.len, 273);
    assert_int_equal(m.sign_header + 2, m.signed_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_encode_is_the_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

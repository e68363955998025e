/* The DLI preamble and the DLD encryption-sync header. */
#include "support/testing.h"

#include <string.h>

#include "p25/dli.h"
#include "p25/kmm.h"

#define DATAGRAM_MAX 600u

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

static void check_dli(vectors_case *c)
{
    uint8_t buf[DATAGRAM_MAX], mi[16], kmm[DATAGRAM_MAX], again[DATAGRAM_MAX];
    kf_slice datagram = testing_field(c, "dli", buf, sizeof buf);
    cover trace = { { add }, 0 };
    kf_fault fault;
    p25_dli d;
    assert_ok(p25_dli_parse(datagram, &trace.trace, &d, &fault));
    assert_int_equal(trace.next, datagram.len);
    assert_int_equal(d.mfid, P25_MFID_STANDARD);
    if (d.sync.algid == P25_ALGID_CLEAR && vectors_has(c, "kmm"))
        assert_slice_equal(d.kmm, testing_field(c, "kmm", kmm, sizeof kmm));
    if (vectors_has(c, "mi"))
        assert_slice_equal(KF_SLICE_OF(d.sync.mi), testing_field(c, "mi", mi, sizeof mi));
    if (vectors_has(c, "tek_kid")) {
        kf_slice kid = testing_field(c, "tek_kid", mi, sizeof mi);
        assert_int_equal(d.sync.algid, P25_ALGID_AES256);
        assert_int_equal(d.sync.kid, kid.ptr[0] << 8 | kid.ptr[1]);
    }
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_dli_encode(&d, &w);
    assert_int_equal(w.err, KF_OK);
    assert_slice_equal(kf_writer_slice(&w), datagram);
    for (size_t cut = 0; cut <= P25_DLI_OCTETS; cut++)
        assert_err(p25_dli_parse((kf_slice){ buf, cut }, NULL, &d, &fault), KF_E_TRUNCATED);
}

static void check_dld(vectors_case *c)
{
    uint8_t buf[DATAGRAM_MAX], mi[16], again[DATAGRAM_MAX], dli[DATAGRAM_MAX];
    kf_slice pdu = testing_field(c, "dld", buf, sizeof buf);
    kf_slice datagram = testing_field(c, "dli", dli, sizeof dli);
    cover trace = { { add }, 0 };
    kf_fault fault;
    p25_dld d;
    assert_ok(p25_dld_parse(pdu, &trace.trace, &d, &fault));
    assert_int_equal(trace.next, pdu.len);
    assert_int_equal(d.sap, P25_SAP_KMM);
    assert_slice_equal(KF_SLICE_OF(d.sync.mi), testing_field(c, "mi", mi, sizeof mi));
    assert_slice_equal(d.kmm, kf_slice_part(datagram, P25_DLI_OCTETS, datagram.len));
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_dld_encode(&d, &w);
    assert_int_equal(w.err, KF_OK);
    assert_slice_equal(kf_writer_slice(&w), pdu);
    for (size_t cut = 0; cut <= P25_DLD_SYNC_OCTETS; cut++)
        assert_err(p25_dld_parse((kf_slice){ buf, cut }, NULL, &d, &fault), KF_E_TRUNCATED);
}

static void test_vectors(void **state)
{
    static const char *const files[] = { "p25-kmm-dialogue.txt", "p25-kmm-rekey.txt" };
    size_t dlis = 0, dlds = 0;
    (void)state;
    for (size_t n = 0; n < KF_COUNT(files); n++) {
        vectors_file file;
        testing_vectors_load(files[n], &file);
        for (size_t i = 0; i < file.count; i++) {
            if (vectors_has(&file.cases[i], "dli")) {
                check_dli(&file.cases[i]);
                dlis++;
            }
            if (vectors_has(&file.cases[i], "dld")) {
                check_dld(&file.cases[i]);
                dlds++;
            }
        }
        vectors_clear(&file);
    }
    assert_true(dlis >= 12 && dlds >= 7);
}

static void test_dld_header_of_the_example(void **state)
{
    (void)state;
    uint8_t buf[DATAGRAM_MAX], want[32];
    vectors_file file;
    testing_vectors_load("p25-kmm-rekey.txt", &file);
    vectors_case *c = testing_case(&file, "rekey-cbc");
    kf_slice datagram = testing_field(c, "dli", buf, sizeof buf);
    kf_fault fault;
    p25_dli d;
    assert_ok(p25_dli_parse(datagram, NULL, &d, &fault));
    uint8_t out[32];
    kf_writer w = kf_writer_init(out, sizeof out);
    p25_dld_encode(&(p25_dld){ .sync = d.sync, .sap = P25_SAP_KMM }, &w);
    assert_slice_equal(kf_writer_slice(&w), testing_field(c, "dld_header", want, sizeof want));
    vectors_clear(&file);
}

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
} dli_cases[] = {
    { "clear", "00 00 80 0000 000000000000000000 0c", KF_OK, NULL },
    { "vendor MFID", "00 90 84 0001 010203040506070800 0c", KF_OK, NULL },
    { "ninth octet of the MI", "00 00 84 0001 0102030405060708ff 0c", KF_OK, NULL },
    { "MI of zeros: for the receiver", "00 00 84 0001 000000000000000000 0c", KF_OK, NULL },
    { "version 1", "01 00 80 0000 000000000000000000 0c", KF_E_UNSUPPORTED, "DLI.version" },
    { "reserved bits", "20 00 80 0000 000000000000000000 0c", KF_E_UNSUPPORTED, "DLI.version" },
    { "clear with a KID", "00 00 80 0001 000000000000000000 0c", KF_E_MALFORMED, "DLI.algid" },
    { "clear with an MI", "00 00 80 0000 000000000000000001 0c", KF_E_MALFORMED, "DLI.algid" },
    { "no KMM", "00 00 80 0000 000000000000000000", KF_E_TRUNCATED, "DLI.kmm" },
    { "MI one octet early", "00 00 80 0000 0000000000000000", KF_E_TRUNCATED, "DLI.mi" },
};

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
} dld_cases[] = {
    { "encrypted KMM", "010203040506070800 84 0001 e8 0c", KF_OK, NULL },
    { "clear with a KID", "000000000000000000 80 0001 e8 0c", KF_E_MALFORMED, "DLD.algid" },
    { "bits before the SAP", "010203040506070800 84 0001 a8 0c", KF_E_MALFORMED, "DLD.sap" },
    { "no bits before the SAP", "010203040506070800 84 0001 28 0c", KF_E_MALFORMED, "DLD.sap" },
    { "no KMM", "010203040506070800 84 0001 e8", KF_E_TRUNCATED, "DLD.kmm" },
};

static void test_refused(void **state)
{
    (void)state;
    uint8_t buf[64];
    kf_fault fault;
    for (size_t i = 0; i < KF_COUNT(dli_cases); i++) {
        p25_dli d;
        kf_slice in = testing_hex(dli_cases[i].hex, buf, sizeof buf);
        kf_err got = p25_dli_parse(in, NULL, &d, &fault);
        if (got != dli_cases[i].want ||
            (got != KF_OK && strcmp(fault.field, dli_cases[i].field) != 0))
            fail_msg("%s: %s", dli_cases[i].name, kf_err_name(got));
        assert_true(got == KF_OK || d.kmm.ptr == NULL);
    }
    for (size_t i = 0; i < KF_COUNT(dld_cases); i++) {
        p25_dld d;
        kf_slice in = testing_hex(dld_cases[i].hex, buf, sizeof buf);
        kf_err got = p25_dld_parse(in, NULL, &d, &fault);
        if (got != dld_cases[i].want ||
            (got != KF_OK && strcmp(fault.field, dld_cases[i].field) != 0))
            fail_msg("%s: %s", dld_cases[i].name, kf_err_name(got));
        assert_true(got == KF_OK || d.kmm.ptr == NULL);
    }
}

/* 465 are accepted and 462 are sent; 512 both ways over the data link. */
static void test_limits(void **state)
{
    (void)state;
    uint8_t buf[DATAGRAM_MAX] = { 0, 0, P25_ALGID_CLEAR }, out[DATAGRAM_MAX];
    kf_fault fault;
    p25_dli d;
    p25_dld l;
    assert_ok(p25_dli_parse((kf_slice){ buf, P25_DLI_DATAGRAM_MAX }, NULL, &d, &fault));
    assert_err(p25_dli_parse((kf_slice){ buf, P25_DLI_DATAGRAM_MAX + 1 }, NULL, &d, &fault),
               KF_E_UNSUPPORTED);
    memset(buf, 0xff, sizeof buf);
    assert_ok(p25_dld_parse((kf_slice){ buf, P25_DLD_SYNC_OCTETS + 512 }, NULL, &l, &fault));
    assert_err(p25_dld_parse((kf_slice){ buf, P25_DLD_SYNC_OCTETS + 513 }, NULL, &l, &fault),
               KF_E_UNSUPPORTED);
    static const struct {
        size_t dli, dld;
        kf_err want;
    } sizes[] = { { 462, 512, KF_OK }, { 463, 513, KF_E_NO_SPACE } };
    for (size_t i = 0; i < KF_COUNT(sizes); i++) {
        kf_writer w = kf_writer_init(out, sizeof out);
        p25_dli_encode(&(p25_dli){ .sync.algid = 0x84, .kmm = { buf, sizes[i].dli } }, &w);
        assert_int_equal(w.err, sizes[i].want);
        w = kf_writer_init(out, sizeof out);
        p25_dld_encode(&(p25_dld){ .sync.algid = 0x84, .sap = 40, .kmm = { buf, sizes[i].dld } },
                       &w);
        assert_int_equal(w.err, sizes[i].want);
    }
}

static void test_no_encoding(void **state)
{
    (void)state;
    uint8_t out[64];
    kf_writer w = kf_writer_init(out, sizeof out);
    p25_dli_encode(&(p25_dli){ .sync = { .algid = P25_ALGID_CLEAR, .kid = 1 } }, &w);
    assert_int_equal(w.err, KF_E_MALFORMED);
    w = kf_writer_init(out, sizeof out);
    p25_dld_encode(&(p25_dld){ .sync = { .algid = 0x84 }, .sap = 64 }, &w);
    assert_int_equal(w.err, KF_E_MALFORMED);
    w = kf_writer_init(out, P25_DLI_OCTETS - 1);
    p25_dli_encode(&(p25_dli){ .sync = { .algid = 0x84 } }, &w);
    assert_int_equal(w.err, KF_E_NO_SPACE);
}

/* A clear datagram read in one go: the fields of preamble and message cover it once. */
static void test_in_place(void **state)
{
    (void)state;
    uint8_t buf[64];
    kf_slice in = testing_hex("00 00 80 0000 000000000000000000 25 000b 80 98967f 012345 00 98967f",
                              buf, sizeof buf);
    cover c = { { add }, 0 };
    kf_fault fault;
    p25_dli d;
    p25_kmm m;
    kf_reader r = kf_reader_init(in, &fault);
    r.trace = &c.trace;
    p25_dli_preamble_decode(&r, &d);
    p25_kmm_decode(&r, P25_SIDE_OTAR, &m);
    assert_ok(kf_reader_end(&r, "DLI"));
    assert_int_equal(c.next, in.len);
    assert_int_equal(m.body.registration.kmf_rsi, 0x98967f);
    assert_int_equal(m.frame.mac_at, in.len - P25_DLI_OCTETS);
    assert_slice_equal(m.frame.octets, kf_slice_part(in, P25_DLI_OCTETS, in.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_dld_header_of_the_example),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_encoding), cmocka_unit_test(test_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* P25: every message of the known answers is explained to the last octet, faults are those of the
 * parsers, and no octet of a clear key is told, not even by a reading in the wrong layout. */
#include <stdlib.h>

#include "crypto/container.h"
#include "explain/record.h"
#include "keyfill/threewire.h"
#include "mcdata/interworking.h"
#include "p25/dli.h"
#include "p25/kmm.h"

static const explain_options plain = { .near = 0 };

/* --- all known answers ------------------------------------------------------------------------ */

static size_t explain_fields_named(const char *file_name, const char *field, explain_kind kind)
{
    vectors_file file;
    size_t done = 0;
    testing_vectors_load(file_name, &file);
    for (size_t i = 0; i < file.count; i++) {
        uint8_t *octets = NULL;
        size_t len = 0;
        kf_err err = KF_OK;
        vectors_case *c = &file.cases[i];
        if (!vectors_has(c, field))
            continue;
        assert_ok(vectors_hex(c, field, &octets, &len));
        explain_options options = plain;
        if (vectors_has(c, "variant"))
            options.as = EXPLAIN_KMM_FILL;
        record *r = record_explain((kf_slice){ octets, len }, &options, &err);
        if (err != KF_OK)
            fail_msg("%s [%.*s]: %s", file_name, (int)c->name.len, (const char *)c->name.ptr,
                     r->fault.field);
        assert_int_equal(r->found.kind, vectors_has(c, "variant") ? EXPLAIN_KMM_FILL : kind);
        assert_int_equal(r->octets_told[0], len);
        assert_int_equal(r->octets_told[r->layers - 1], r->layer_octets);
        free(octets);
        done++;
    }
    vectors_clear(&file);
    return done;
}

static void known_answers_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *file, *field;
        explain_kind kind;
        size_t least;
    } files[] = {
        { "p25-kmm-examples.txt", "kmm", EXPLAIN_KMM, 36 },
        { "p25-kmm-dialogue.txt", "kmm", EXPLAIN_KMM, 11 },
        { "p25-kmm-dialogue.txt", "dli", EXPLAIN_DLI, 11 },
        { "p25-kmm-dialogue.txt", "dld", EXPLAIN_DLD, 7 },
        { "p25-kmm-mac.txt", "kmm", EXPLAIN_KMM, 3 },
        { "p25-kmm-rekey.txt", "dli", EXPLAIN_DLI, 1 },
        { "p25-rtp-issi.txt", "rtp", EXPLAIN_ISSI, 19 },
    };
    for (size_t i = 0; i < KF_COUNT(files); i++)
        assert_int_equal(explain_fields_named(files[i].file, files[i].field, files[i].kind),
                         files[i].least);
}

static record *explain_hex(const char *hex, explain_kind as, kf_err want)
{
    static uint8_t octets[1024];
    const explain_options options = { .as = as };
    kf_err err = KF_OK;
    record *r = record_explain(testing_hex(hex, octets, sizeof octets), &options, &err);
    assert_err(err, want);
    return r;
}

static void meanings(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *field, *meaning;
    } cases[] = {
        { "1600090098967F0123450D01", "NACK.acked_id", "Inventory-Command" },
        { "1600090098967F0123450D01", "NACK.status", "not performed" },
        { "0C00080098967F01234502", "HELLO.flag", "asks for keys, and has no UKEK" },
        { "0D00088001234598967F0B", "INVENTORY.type", "RSI items: own RSI first, then group RSIs" },
        { "0D00088001234598967F0B", "KMM.format",
          "RK3: immediate response; no message number; no MAC; the last or only message" },
        { "05000A8001234598967F01090A", "CHANGEOVER.activated", "keyset 10 of crypto group 0" },
        { "1F000C0001234598967F379A733200", "DATE_TIME.date", "2026-03-15" },
        { "1F000C0001234598967F379A733200", "DATE_TIME.time", "14:25:36" },
        { "0200110098967F012345028184020A1F030C131E", "CAPABILITIES.algids", "DES-OFB, AES-256" },
        { "0200110098967F012345028184020A1F030C131E", "CAPABILITIES.services",
          "enhanced MAC, CMAC" },
        { "0E00130098967F012345FD00000000010900EF84DAA0", "INVENTORY.sln",
          "SLN (CKR) 239: crypto group 0, key number 239" },
        { "8064000E0000168000000001818100000403440200", "ISSI.packet_type", "PTT end" },
        { "8064000E0000168000000001818100000403440200", "ISSI.service_options",
          "protected, priority 4" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        record *r = explain_hex(cases[i].hex, EXPLAIN_UNKNOWN, KF_OK);
        int at = record_find(r, cases[i].field);
        assert_true(at >= 0);
        assert_string_equal(r->meanings[at], cases[i].meaning);
    }
}

static void notes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        explain_kind as;
        size_t notes;
    } cases[] = {
        { "nothing to say", "16000B0001234598967F0DB99903", EXPLAIN_UNKNOWN, 0 },
        { "short Negative-Ack", "1600090098967F0123450D01", EXPLAIN_UNKNOWN, 1 },
        { "Zeroize with an octet", "2100088001234598967F00", EXPLAIN_UNKNOWN, 1 },
        { "Registration with bit 6", "25000B8098967F0123454098967F", EXPLAIN_UNKNOWN, 1 },
        { "a body that is not public", "0800088001234598967F00", EXPLAIN_UNKNOWN, 1 },
        { "encrypted", "00008410010F9E2CF60B7539FE00FCB8312DC7ABBA3D02292537", EXPLAIN_UNKNOWN, 1 },
        { "another MFID", "00908410010F9E2CF60B7539FE00FCB8312DC7ABBA3D02292537", EXPLAIN_UNKNOWN,
          2 },
        { "an MI of zeros", "0000841001000000000000000000FCB8312DC7ABBA3D02292537", EXPLAIN_UNKNOWN,
          2 },
        { "E is 0", "8064000E0000168000000001810100000403440200", EXPLAIN_UNKNOWN, 1 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        print_message("%s\n", cases[i].name);
        assert_int_equal(explain_hex(cases[i].hex, cases[i].as, KF_OK)->notes, cases[i].notes);
    }
}

/* --- layers ----------------------------------------------------------------------------------- */

#define CLEAR_DLI "00008000000000000000000000000C00080098967F01234501"

static record *explain_interworking(mcdata_interworking_type type, mcdata_lmr_type lmr,
                                    const char *payload, kf_err want)
{
    static uint8_t octets[512], inner[512];
    const mcdata_interworking m = { type, lmr, kf_slice_str("sip:kmf@lmr.example"),
                                    testing_hex(payload, inner, sizeof inner) };
    kf_writer w = kf_writer_init(octets, sizeof octets);
    kf_err err = KF_OK;
    mcdata_interworking_encode(&m, &w);
    assert_ok(w.err);
    record *r = record_explain(kf_writer_slice(&w), &plain, &err);
    assert_err(err, want);
    assert_int_equal(r->found.kind, EXPLAIN_INTERWORKING);
    assert_int_equal(r->octets_told[0], w.len);
    return r;
}

static void interworking_payloads(void **state)
{
    (void)state;
    record *r = explain_interworking(MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, CLEAR_DLI, KF_OK);
    assert_int_equal(r->layers, 3);
    assert_string_equal(r->meanings[record_find(r, "KMM.message_id")], "Hello");
    assert_string_equal(r->meanings[record_find(r, "INTERSD.uri")], "sip:kmf@lmr.example");
    r = explain_interworking(MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_TETRA, CLEAR_DLI, KF_OK);
    assert_int_equal(r->layers, 1); /* never looked into */
    assert_int_equal(r->notes, 2);
    r = explain_interworking(MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_UNSPECIFIED, CLEAR_DLI, KF_OK);
    assert_int_equal(r->layers, 1);
    r = explain_interworking(MCDATA_INTERWORKING_RESPONSE, MCDATA_LMR_P25, "", KF_OK);
    assert_int_equal(r->layers, 1);
    r = explain_interworking(MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, "00", KF_E_TRUNCATED);
    assert_int_equal(r->layers, 2);
    r = explain_interworking(MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, "43000000",
                             KF_E_TRUNCATED);
    assert_string_equal(r->layer_names[1], "MCData Protected Payload");
}

static void a_three_wire_frame_has_a_kmm(void **state)
{
    (void)state;
    record *r = explain_hex("C200110098967F0C00080098967F00000100CA55", EXPLAIN_UNKNOWN, KF_OK);
    assert_int_equal(r->layers, 2);
    assert_int_equal(r->octets_told[0], 20);
    assert_int_equal(r->octets_told[1], 11);
    r = explain_hex("C200110098967F0C00080098967F00000100CA56", EXPLAIN_UNKNOWN, KF_E_AUTH);
    assert_int_equal(r->layers, 1);
    r = explain_hex("C0", EXPLAIN_UNKNOWN, KF_OK);
    assert_int_equal(r->fields, 1);
}

static void our_key_file_is_named(void **state)
{
    (void)state;
    uint8_t octets[KF_CONTAINER_OVERHEAD + 5];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    testing_rng rng;
    kf_err err = KF_OK;
    testing_rng_init(&rng, "key file");
    const kf_scrypt_cost cheap = { 1, 1, 1 };
    assert_ok(kf_container_seal(KF_CONTAINER_KEY_FILE, kf_slice_str("pass"), cheap,
                                kf_slice_str("inner"), &rng.rng, &w));
    kf_slice sealed = kf_writer_slice(&w);
    record *r = record_explain(sealed, &plain, &err);
    assert_ok(err);
    assert_int_equal(r->found.kind, EXPLAIN_CONTAINER);
    assert_int_equal(r->octets_told[0], sealed.len);
    assert_string_equal(r->meanings[record_find(r, "container.kind")], "P25 keys and their groups");
}

static void key_containers(void **state)
{
    (void)state;
    vectors_file file;
    uint8_t *octets = NULL;
    size_t len = 0;
    kf_err err = KF_OK;
    testing_vectors_load("p25-ekc.txt", &file);
    assert_ok(vectors_hex(testing_case(&file, "two-keys"), "file", &octets, &len));
    record *r = record_explain((kf_slice){ octets, len }, &plain, &err);
    assert_ok(err);
    assert_int_equal(r->found.kind, EXPLAIN_EKC);
    assert_int_equal(r->layers, 1);
    assert_int_equal(r->octets_told[0], len);
    assert_true(record_says(r, "version 1.0; "));
    assert_true(record_says(r, "SHA-512, 100000 iterations, a salt of 32 octets"));
    assert_int_equal(r->notes, 3);
    for (size_t cut = 7; cut < len; cut++) {
        uint8_t *exact = malloc(cut);
        assert_non_null(exact);
        memcpy(exact, octets, cut);
        r = record_explain((kf_slice){ exact, cut }, &plain, &err);
        assert_int_not_equal(err, KF_OK);
        free(exact);
    }
    octets[3] = 0x7f; /* a bomb, by its own word */
    r = record_explain((kf_slice){ octets, len }, &plain, &err);
    assert_err(err, KF_E_NO_SPACE);
    assert_string_equal(r->fault.field, "ekc.length");
    free(octets);
    vectors_clear(&file);
}

/* --- faults ----------------------------------------------------------------------------------- */

static void compare_kmm(kf_slice octets)
{
    p25_kmm kmm;
    kf_fault fault;
    kf_err err = KF_OK, want = p25_kmm_parse(octets, P25_SIDE_OTAR, NULL, &kmm, &fault);
    const explain_options options = { .as = EXPLAIN_KMM };
    record *r = record_explain(octets, &options, &err);
    if (r->found.form != EXPLAIN_BINARY)
        return; /* what looks like text is read as text */
    assert_int_equal(err, want);
    if (want != KF_OK) {
        assert_int_equal(r->fault.at, fault.at);
        assert_string_equal(r->fault.field, fault.field);
    }
}

static void faults_are_those_of_the_parser(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("p25-kmm-dialogue.txt", &file);
    for (size_t i = 0; i < file.count; i++) {
        uint8_t *octets = NULL;
        size_t len = 0;
        if (!vectors_has(&file.cases[i], "kmm"))
            continue;
        assert_ok(vectors_hex(&file.cases[i], "kmm", &octets, &len));
        for (size_t bit = 0; bit < 8 * len; bit++) {
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
            compare_kmm((kf_slice){ octets, len });
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *exact = malloc(cut == 0 ? 1 : cut);
            assert_non_null(exact);
            memcpy(exact, octets, cut);
            compare_kmm((kf_slice){ exact, cut });
            free(exact);
        }
        free(octets);
    }
    vectors_clear(&file);
}

/* --- keys in clear ---------------------------------------------------------------------------- */

#define KEYS_MAX 12u

/* A Modify-Key of so many clear keys, every octet of them A5. */
static kf_slice modify_key(p25_side side, uint8_t key_octets, uint8_t count, kf_writer *w)
{
    static uint8_t key[255];
    static p25_kmm kmm;
    memset(key, 0xa5, sizeof key);
    memset(&kmm, 0, sizeof kmm);
    kmm.side = side;
    kmm.frame.message_id = P25_KMM_MODIFY_KEY_CMD;
    p25_modify_key *b = &kmm.body.modify_key;
    b->decryption.algid = P25_ALGID_CLEAR;
    b->keyset = 1;
    b->algid = P25_ALGID_AES256;
    b->key_octets = key_octets;
    b->item_count = count;
    for (size_t i = 0; i < count; i++)
        b->items[i] =
            (p25_key_item){ .sln = (uint16_t)(i + 1), .kid = 1, .key = { key, key_octets } };
    p25_kmm_encode(&kmm, w);
    return kf_writer_slice(w);
}

static void no_key_is_in(const record *r)
{
    for (size_t i = 0; i < r->fields; i++)
        if (strcmp(r->names[i], "KMM.length") == 0)
            continue; /* 165 octets may follow */
        else if (strstr(r->values[i], "a5") != NULL || strstr(r->values[i], "A5") != NULL ||
                 strstr(r->meanings[i], "a5") != NULL || strstr(r->meanings[i], "A5") != NULL ||
                 strstr(r->meanings[i], "165") != NULL || strstr(r->meanings[i], "42405") != NULL)
            fail_msg("told in %s: %s = %s", r->names[i], r->values[i], r->meanings[i]);
}

static void clear_keys_are_never_told(void **state)
{
    (void)state;
    static const explain_kind kinds[] = { EXPLAIN_KMM, EXPLAIN_KMM_FILL };
    for (int side = P25_SIDE_OTAR; side <= P25_SIDE_KEYFILL; side++)
        for (unsigned len = 1; len <= 255; len++)
            for (unsigned count = 1; count <= KEYS_MAX; count++) {
                uint8_t octets[P25_KMM_OCTETS_MAX];
                kf_err err = KF_OK;
                kf_writer w = kf_writer_init(octets, sizeof octets);
                kf_slice kmm = modify_key((p25_side)side, (uint8_t)len, (uint8_t)count, &w);
                if (w.err != KF_OK)
                    continue; /* more than a message holds */
                for (size_t k = 0; k < KF_COUNT(kinds); k++) {
                    const explain_options options = { .as = kinds[k] };
                    record *r = record_explain(kmm, &options, &err);
                    if (len != 0xa5)
                        no_key_is_in(r);
                    if ((k == 0) == (side == P25_SIDE_OTAR))
                        assert_ok(err);
                }
            }
}

static void clear_keys_are_not_told_by_outer_layers(void **state)
{
    (void)state;
    uint8_t octets[P25_KMM_OCTETS_MAX], outer[1024];
    kf_err err = KF_OK;
    kf_writer w = kf_writer_init(octets, sizeof octets);
    kf_slice kmm = modify_key(P25_SIDE_KEYFILL, 32, 2, &w);

    kf_writer o = kf_writer_init(outer, sizeof outer);
    const keyfill_wire wire = { .opcode = KEYFILL_WIRE_KMM, .rsi = 0xffffff, .kmm = kmm };
    assert_ok(keyfill_wire_build(&wire, &o));
    record *r = record_explain(kf_writer_slice(&o), &plain, &err);
    assert_ok(err);
    assert_string_equal(r->meanings[record_find(r, "KEY.key")], "key in clear, 32 octets");
    no_key_is_in(r);

    w = kf_writer_init(octets, sizeof octets);
    kmm = modify_key(P25_SIDE_OTAR, 32, 2, &w);
    o = kf_writer_init(outer, sizeof outer);
    const p25_dli dli = { .sync = { .algid = P25_ALGID_CLEAR }, .kmm = kmm };
    p25_dli_encode(&dli, &o);
    assert_ok(o.err);
    r = record_explain(kf_writer_slice(&o), &plain, &err);
    assert_ok(err);
    assert_int_equal(r->layers, 2);
    no_key_is_in(r);
    /* an authentication key */
    r = explain_hex("28002480012345FFFFFF"
                    "0080000001010203040506078510"
                    "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5",
                    EXPLAIN_KMM_FILL, KF_E_TRAILING);
    no_key_is_in(r);
    r = explain_hex("28002580012345FFFFFF"
                    "0080000001010203040506078510"
                    "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5",
                    EXPLAIN_KMM_FILL, KF_OK);
    assert_string_equal(r->meanings[record_find(r, "AUTH_KEY.key")], "key in clear, 16 octets");
    no_key_is_in(r);
}

static void what_is_called_wrapped_and_is_too_short_is_not_told(void **state)
{
    (void)state;
    record *r = explain_hex("1300348001234598967F0084F5A0098420010000000001"
                            "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5",
                            EXPLAIN_KMM, KF_OK);
    assert_true(record_find(r, "KEY.key") >= 0);
    no_key_is_in(r);
}

static void wrapped_keys_are_told(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("p25-kmm-mac.txt", &file);
    uint8_t *octets = NULL;
    size_t len = 0;
    kf_err err = KF_OK;
    assert_ok(vectors_hex(testing_case(&file, "rekey-cbc"), "kmm", &octets, &len));
    record *r = record_explain((kf_slice){ octets, len }, &plain, &err);
    assert_ok(err);
    int at = record_find(r, "KEY.key");
    assert_true(at >= 0);
    assert_memory_equal(r->values[at], "80289cf635fb", 12);
    assert_string_equal(r->meanings[at], "wrapped key, 40 octets");
    free(octets);
    vectors_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_are_explained),
        cmocka_unit_test(meanings),
        cmocka_unit_test(notes_are_told),
        cmocka_unit_test(interworking_payloads),
        cmocka_unit_test(a_three_wire_frame_has_a_kmm),
        cmocka_unit_test(our_key_file_is_named),
        cmocka_unit_test(key_containers),
        cmocka_unit_test(faults_are_those_of_the_parser),
        cmocka_unit_test(clear_keys_are_never_told),
        cmocka_unit_test(clear_keys_are_not_told_by_outer_layers),
        cmocka_unit_test(what_is_called_wrapped_and_is_too_short_is_not_told),
        cmocka_unit_test(wrapped_keys_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

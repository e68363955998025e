/* Validation: every problem has a case, the weak keys are counted, pairs are compared. */
#include "fixture.h"

#include "keyfill/weak.h"

#define NONE KEYFILL_PROBLEM_COUNT
#define A32  "abababababababababababababababababababababababababababababababab"

static const struct {
    const char *name;
    uint32_t keyset, sln, kid, algid;
    keyfill_kind kind;
    const char *rsi, *key;
    keyfill_problem want; /* NONE: nothing at all */
    keyfill_severity severity;
} cases[] = {
    { "good AES", 1, 1, 1, 0x84, 0, NULL, FIXTURE_KEY, NONE, 0 },
    { "good KEK", 255, 61440, 1, 0x84, 0, "1", FIXTURE_KEY, NONE, 0 },
    { "good middle group", 33, 8192, 1, 0x84, 0, NULL, FIXTURE_KEY, NONE, 0 },
    { "good DES", 16, 4095, 0xffff, 0x81, 0, NULL, "13579bdf02468ace", KEYFILL_ALGID_WEAK,
      KEYFILL_WARN },
    { "good ADP", 2, 7, 9, 0xaa, 0, NULL, "3d8a51f00c", KEYFILL_ALGID_WEAK, KEYFILL_WARN },
    { "good TDEA", 2, 7, 9, 0x83, 0, NULL, "13579bdf02468acef81c2a4c6d8fb0d31f2f4f5e6d7c8a9b", NONE,
      0 },
    { "opaque key", 2, 7, 9, 0x9f, 0, NULL, "3d8a51f00c", NONE, 0 },
    { "keyset 0", 0, 1, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_KEYSET_RANGE, KEYFILL_REFUSE },
    { "keyset 256", 256, 1, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_KEYSET_RANGE, KEYFILL_REFUSE },
    { "SLN 65536", 1, 65536, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_SLN_RANGE, KEYFILL_REFUSE },
    { "SLN 0", 1, 0, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_SLN_ZERO, KEYFILL_WARN },
    { "group 0 and 1", 17, 4095, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_SLN_KEYSET_GROUP,
      KEYFILL_REFUSE },
    { "group 1 and 0", 16, 4096, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_SLN_KEYSET_GROUP,
      KEYFILL_REFUSE },
    { "KEK in a TEK keyset", 1, 61440, 1, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_SLN_KEYSET_GROUP,
      KEYFILL_REFUSE },
    { "KEK below", 1, 1, 1, 0x84, KEYFILL_KIND_KEK, NULL, FIXTURE_KEY, KEYFILL_KIND_SLN_GROUP,
      KEYFILL_WARN },
    { "TEK above", 255, 65535, 1, 0x84, KEYFILL_KIND_TEK, NULL, FIXTURE_KEY, KEYFILL_KIND_SLN_GROUP,
      KEYFILL_WARN },
    { "KID 65536", 1, 1, 65536, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_KID_RANGE, KEYFILL_REFUSE },
    { "KID 0", 1, 1, 0, 0x84, 0, NULL, FIXTURE_KEY, KEYFILL_KID_ZERO, KEYFILL_WARN },
    { "ALGID 256", 1, 1, 1, 256, 0, NULL, FIXTURE_KEY, KEYFILL_ALGID_RANGE, KEYFILL_REFUSE },
    { "clear", 1, 1, 1, 0x80, 0, NULL, FIXTURE_KEY, KEYFILL_ALGID_CLEAR, KEYFILL_REFUSE },
    { "unknown", 1, 1, 1, 0x77, 0, NULL, FIXTURE_KEY, KEYFILL_ALGID_UNKNOWN, KEYFILL_WARN },
    { "RSI", 255, 61440, 1, 0x84, 0, "16777216", FIXTURE_KEY, KEYFILL_RSI_RANGE, KEYFILL_REFUSE },
    { "RSI 0", 255, 61440, 1, 0x84, 0, "0", FIXTURE_KEY, KEYFILL_RSI_NOT_INDIVIDUAL, KEYFILL_WARN },
    { "RSI high", 255, 61440, 1, 0x84, 0, "10000000", FIXTURE_KEY, KEYFILL_RSI_NOT_INDIVIDUAL,
      KEYFILL_WARN },
    { "RSI of a TEK", 1, 1, 1, 0x84, 0, "5", FIXTURE_KEY, KEYFILL_RSI_NOT_KEK, KEYFILL_WARN },
    { "AES short", 1, 1, 1, 0x84, 0, NULL, "13579bdf02468ace", KEYFILL_KEY_LENGTH, KEYFILL_REFUSE },
    { "DES long", 1, 1, 1, 0x81, 0, NULL, FIXTURE_KEY, KEYFILL_KEY_LENGTH, KEYFILL_REFUSE },
    { "TDEA short", 1, 1, 1, 0x83, 0, NULL, "13579bdf02468ace13579bdf02468acf", KEYFILL_KEY_LENGTH,
      KEYFILL_REFUSE },
    { "ADP long", 1, 1, 1, 0xaa, 0, NULL, "3d8a51f00c11", KEYFILL_KEY_LENGTH, KEYFILL_REFUSE },
    { "DES parity", 1, 1, 1, 0x81, 0, NULL, "13579bdf02468acf", KEYFILL_DES_PARITY,
      KEYFILL_REFUSE },
    { "DES even parity", 1, 1, 1, 0x81, 0, NULL, "12569ade03478bcf", KEYFILL_DES_PARITY,
      KEYFILL_REFUSE },
    { "DES weak", 1, 1, 1, 0x81, 0, NULL, "1f1f1f1f0e0e0e0e", KEYFILL_DES_WEAK, KEYFILL_REFUSE },
    { "DES semi-weak", 1, 1, 1, 0x81, 0, NULL, "01fe01fe01fe01fe", KEYFILL_DES_SEMI_WEAK,
      KEYFILL_REFUSE },
    { "DES possibly weak", 1, 1, 1, 0x81, 0, NULL, "01011f1f01010e0e", KEYFILL_DES_POSSIBLY_WEAK,
      KEYFILL_WARN },
    { "TDEA parity", 1, 1, 1, 0x83, 0, NULL, "12579bdf02468acef81c2a4c6d8fb1d31f2f4f5e6d7c8a9b",
      KEYFILL_TDEA_PARITY, KEYFILL_WARN },
    { "TDEA weak", 1, 1, 1, 0x83, 0, NULL, "13579bdf02468acef81c2a4c6d8fb0d30101010101010101",
      KEYFILL_TDEA_WEAK_PART, KEYFILL_WARN },
    { "TDEA K1 = K2", 1, 1, 1, 0x83, 0, NULL, "13579bdf02468ace13579bdf02468ace1f2f4f5e6d7c8a9b",
      KEYFILL_TDEA_EQUAL_PARTS, KEYFILL_WARN },
    { "TDEA K2 = K3", 1, 1, 1, 0x83, 0, NULL, "1f2f4f5e6d7c8a9b13579bdf02468ace13579bdf02468ace",
      KEYFILL_TDEA_EQUAL_PARTS, KEYFILL_WARN },
    { "AES zeros", 1, 1, 1, 0x84, 0, NULL,
      "0000000000000000000000000000000000000000000000000000000000000000", KEYFILL_KEY_PATTERN,
      KEYFILL_WARN },
    { "AES one octet", 1, 1, 1, 0x84, 0, NULL, A32, KEYFILL_KEY_PATTERN, KEYFILL_WARN },
    { "AES typed", 1, 1, 1, 0x84, 0, NULL,
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", KEYFILL_KEY_PATTERN,
      KEYFILL_WARN },
    { "AES counted", 1, 1, 1, 0x84, 0, NULL,
      "f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f1011121314151617", KEYFILL_KEY_PATTERN,
      KEYFILL_WARN },
    { "AES halves", 1, 1, 1, 0x84, 0, NULL,
      "7f1d3c5b9a08e6d4c2b0a18f7e6d5c4b7f1d3c5b9a08e6d4c2b0a18f7e6d5c4b", KEYFILL_KEY_PATTERN,
      KEYFILL_WARN },
    { "ADP steps", 1, 1, 1, 0xaa, 0, NULL, "1122334455", KEYFILL_KEY_PATTERN, KEYFILL_WARN },
    { "opaque pattern", 2, 7, 9, 0x9f, 0, NULL, "ffffff", KEYFILL_KEY_PATTERN, KEYFILL_WARN },
};

static keyfill_entry entry_of(size_t i)
{
    keyfill_entry e = { .id = 9,
                        .keyset = cases[i].keyset,
                        .sln = cases[i].sln,
                        .kid = cases[i].kid,
                        .algid = cases[i].algid,
                        .kind = cases[i].kind,
                        .has_rsi = cases[i].rsi != NULL,
                        .material = testing_secret_hex(cases[i].key) };
    for (const char *p = cases[i].rsi; p != NULL && *p != 0; p++)
        e.rsi = e.rsi * 10 + (uint32_t)(*p - '0');
    return e;
}

static void one_entry(void **state)
{
    (void)state;
    bool seen[KEYFILL_PROBLEM_COUNT] = { false };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        keyfill_findings findings = { 0 };
        keyfill_entry e = entry_of(i);
        assert_ok(keyfill_check_entry(&e, 4, &findings));
        if (cases[i].want == NONE && findings.count != 0)
            fail_msg("%s: %s", cases[i].name, keyfill_problem_code(findings.items[0].problem));
        if (cases[i].want != NONE) {
            seen[cases[i].want] = true;
            if (keyfill_findings_count(&findings, cases[i].want) != 1)
                fail_msg("%s: not found", cases[i].name);
            assert_int_equal(findings.items[0].entry, 4);
            assert_int_equal(findings.items[0].id, 9);
            assert_int_equal(keyfill_problem_severity(cases[i].want), cases[i].severity);
            if (cases[i].severity == KEYFILL_REFUSE)
                assert_true(keyfill_findings_refuse(&findings));
        }
        kf_secret_free(&e.material);
        keyfill_findings_clear(&findings);
    }
    for (size_t p = 0; p < KEYFILL_KID_CLASH; p++)
        assert_true(seen[p]);
}

static void codes_are_distinct_and_texts_are_sentences(void **state)
{
    (void)state;
    for (keyfill_problem p = 0; p < KEYFILL_PROBLEM_COUNT; p++) {
        const char *text = keyfill_problem_text(p);
        assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
        for (keyfill_problem q = 0; q < p; q++)
            assert_string_not_equal(keyfill_problem_code(p), keyfill_problem_code(q));
    }
}

/* ---- weak DES keys ---- */

static const struct {
    const char *key;
    keyfill_des_class want;
} listed[] = {
    { "0101010101010101", KEYFILL_DES_CLASS_WEAK },
    { "fefefefefefefefe", KEYFILL_DES_CLASS_WEAK },
    { "e0e0e0e0f1f1f1f1", KEYFILL_DES_CLASS_WEAK },
    { "1f1f1f1f0e0e0e0e", KEYFILL_DES_CLASS_WEAK },
    { "0000000000000000", KEYFILL_DES_CLASS_WEAK }, /* parity bits do not count */
    { "011f011f010e010e", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "1f011f010e010e01", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "01e001e001f101f1", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "e001e001f101f101", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "01fe01fe01fe01fe", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "fe01fe01fe01fe01", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "1fe01fe00ef10ef1", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "e01fe01ff10ef10e", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "1ffe1ffe0efe0efe", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "fe1ffe1ffe0efe0e", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "e0fee0fef1fef1fe", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "fee0fee0fef1fef1", KEYFILL_DES_CLASS_SEMI_WEAK },
    { "01011f1f01010e0e", KEYFILL_DES_CLASS_POSSIBLY_WEAK },
    { "1f1f01010e0e0101", KEYFILL_DES_CLASS_POSSIBLY_WEAK },
    { "e0e01f1ff1f10e0e", KEYFILL_DES_CLASS_POSSIBLY_WEAK },
    { "e0fe011ff1fe010e", KEYFILL_DES_CLASS_POSSIBLY_WEAK },
    { "01fefe0101fefe01", KEYFILL_DES_CLASS_POSSIBLY_WEAK },
    { "0123456789abcdef", KEYFILL_DES_CLASS_GOOD },
    { "0101010101010102", KEYFILL_DES_CLASS_GOOD },
};

/* All keys of the octets that occur in the lists: 4, 12 and 48 of them are bad. */
static void weak_des_keys(void **state)
{
    (void)state;
    static const uint8_t octets[] = { 0x01, 0x0e, 0x1f, 0xe0, 0xf1, 0xfe };
    size_t counts[4] = { 0 };
    uint8_t key[KEYFILL_DES_OCTETS];
    for (size_t i = 0; i < KF_COUNT(listed); i++) {
        testing_hex(listed[i].key, key, sizeof key);
        if (keyfill_des_class_of(key) != listed[i].want)
            fail_msg("%s", listed[i].key);
    }
    for (size_t n = 0; n < 6u * 6 * 6 * 6 * 6 * 6 * 6 * 6; n++) {
        size_t rest = n;
        for (size_t i = 0; i < sizeof key; i++, rest /= 6)
            key[i] = octets[rest % 6];
        counts[keyfill_des_class_of(key)]++;
    }
    assert_int_equal(counts[KEYFILL_DES_CLASS_WEAK], 4);
    assert_int_equal(counts[KEYFILL_DES_CLASS_SEMI_WEAK], 12);
    assert_int_equal(counts[KEYFILL_DES_CLASS_POSSIBLY_WEAK], 48);
}

static void random_keys_are_good(void **state)
{
    (void)state;
    testing_rng rng;
    uint8_t key[32];
    testing_rng_init(&rng, "good");
    for (size_t i = 0; i < testing_count(2000, 1000000); i++) {
        testing_rng_octets(&rng, key, sizeof key);
        assert_false(keyfill_key_is_pattern(KF_SLICE_OF(key)));
        assert_int_equal(keyfill_des_class_of(key), KEYFILL_DES_CLASS_GOOD);
    }
}

/* ---- pairs ---- */

static size_t found(keyfill_file *file, keyfill_problem problem)
{
    keyfill_findings findings = { 0 };
    assert_ok(keyfill_check(file, &findings));
    size_t count = keyfill_findings_count(&findings, problem);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].problem == problem) {
            assert_int_equal(findings.items[i].entry, 0);
            assert_int_equal(findings.items[i].other, 1);
        }
    keyfill_findings_clear(&findings);
    return count;
}

static void pairs(void **state)
{
    (void)state;
    keyfill_file file = { 0 };
    keyfill_entry *b;
    fixture_add(&file, "a", 1, 5, 7, FIXTURE_KEY);
    b = fixture_add(&file, "b", 1, 6, 7, FIXTURE_KEY);
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 0); /* the same key twice is no clash */
    kf_secret_edit(b->material)[31] ^= 1;
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 1);
    b->algid = 0x85;
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 0);
    b->algid = 0x84;
    b->kid = 8;
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 0);
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 0);
    b->sln = 5;
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 1);
    b->keyset = 2;
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 0);
    b->is_active = true;
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 0);
    file.entries[0].is_active = true; /* then the number says nothing */
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 1);
    for (size_t i = 0; i < 2; i++) { /* the UKEKs of two radios look alike, and may */
        file.entries[i].has_rsi = true;
        file.entries[i].rsi = 1000 + (uint32_t)i;
        file.entries[i].kid = 0xf5a0;
    }
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 0);
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 0);
    file.entries[1].rsi = 1000;
    assert_int_equal(found(&file, KEYFILL_PLACE_CLASH), 1);
    assert_int_equal(found(&file, KEYFILL_KID_CLASH), 1);
    keyfill_file_clear(&file);
    keyfill_file_clear(&file);
}

static void findings_are_bounded(void **state)
{
    (void)state;
    keyfill_findings findings = { 0 };
    keyfill_finding one = { KEYFILL_SLN_ZERO, 0, KEYFILL_NOWHERE, 0, NULL };
    for (size_t i = 0; i < KEYFILL_FINDINGS_MAX; i++)
        assert_ok(keyfill_findings_add(&findings, one));
    assert_false(findings.is_cut);
    assert_ok(keyfill_findings_add(&findings, one));
    assert_true(findings.is_cut);
    assert_int_equal(findings.count, KEYFILL_FINDINGS_MAX);
    assert_false(keyfill_findings_refuse(&findings));
    keyfill_findings_clear(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_entry),
        cmocka_unit_test(codes_are_distinct_and_texts_are_sentences),
        cmocka_unit_test(weak_des_keys),
        cmocka_unit_test(random_keys_are_good),
        cmocka_unit_test(pairs),
        cmocka_unit_test(findings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

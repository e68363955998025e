/* Fresh keys: what they must be, and generators that give what they must not. Taking entries out.
 */
#include "fixture.h"

#include "keyfill/generate.h"
#include "keyfill/weak.h"
#include "p25/ids.h"

static const uint8_t algids[] = { P25_ALGID_AES256, P25_ALGID_AES128, P25_ALGID_TDEA, P25_ALGID_DES,
                                  P25_ALGID_ADP };

static void keys_have_nothing_said_of_them(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "generate");
    for (size_t a = 0; a < KF_COUNT(algids); a++)
        for (size_t i = testing_count(200, 20000); i > 0; i--) {
            keyfill_entry e = { .keyset = 1, .sln = 1, .kid = 1, .algid = algids[a] };
            keyfill_findings findings = { 0 };
            assert_ok(keyfill_generate(algids[a], &rng.rng, &e.material));
            assert_int_equal(kf_secret_len(e.material), p25_algid_key_octets(algids[a]));
            assert_ok(keyfill_check_entry(&e, 0, &findings));
            assert_int_equal(findings.count, keyfill_findings_count(&findings, KEYFILL_ALGID_WEAK));
            kf_secret_free(&e.material);
            keyfill_findings_clear(&findings);
        }
}

/* A generator that gives a text, then zeros with a count in the last octets. */
typedef struct script {
    const char *hex;
    unsigned calls;
} script;

static kf_err give(void *ctx, uint8_t *out, size_t len)
{
    script *s = ctx;
    uint8_t octets[32];
    if (s->calls++ == 0) {
        kf_slice first = testing_hex(s->hex, octets, sizeof octets);
        assert_int_equal(first.len, len);
        memcpy(out, first.ptr, len);
    } else {
        for (size_t i = 0; i < len; i++)
            out[i] = (uint8_t)(i * i * 37 + 11 * s->calls);
    }
    return KF_OK;
}

static void bad_draws_are_drawn_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        uint8_t algid;
        unsigned calls;
    } cases[] = {
        { "good", "13579bdf02468ace", P25_ALGID_DES, 1 },
        { "parity is made", "12569ade03478bcf", P25_ALGID_DES, 1 },
        { "weak", "1f1f1f1f0e0e0e0e", P25_ALGID_DES, 2 },
        { "weak but for parity", "0000000000000000", P25_ALGID_DES, 2 },
        { "semi-weak", "01fe01fe01fe01fe", P25_ALGID_DES, 2 },
        { "possibly weak", "01011f1f01010e0e", P25_ALGID_DES, 2 },
        { "1 = 2", "13579bdf02468ace13579bdf02468ace1f2f4f5e6d7c8a9b", P25_ALGID_TDEA, 2 },
        { "1 = 3", "13579bdf02468ace1f2f4f5e6d7c8a9b13579bdf02468ace", P25_ALGID_TDEA, 2 },
        { "1 = 3 but for parity", "13579bdf02468ace1f2f4f5e6d7c8a9b12569ade03478bcf",
          P25_ALGID_TDEA, 2 },
        { "weak third", "13579bdf02468acef81c2a4c6d8fb0d30101010101010101", P25_ALGID_TDEA, 2 },
        { "steps", "1122334455", P25_ALGID_ADP, 2 },
        { "zeros", "0000000000000000000000000000000000000000000000000000000000000000",
          P25_ALGID_AES256, 2 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        script s = { .hex = cases[i].hex };
        const kf_rng rng = { give, &s };
        kf_secret *key = NULL;
        assert_ok(keyfill_generate(cases[i].algid, &rng, &key));
        if (s.calls != cases[i].calls)
            fail_msg("%s: %u draws", cases[i].name, s.calls);
        if (cases[i].algid == P25_ALGID_DES || cases[i].algid == P25_ALGID_TDEA)
            assert_true(keyfill_parity_is_odd(kf_secret_view(key)));
        kf_secret_free(&key);
    }
}

static kf_err give_zeros(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    memset(out, 0, len);
    return KF_OK;
}

static void broken_generators_give_no_key(void **state)
{
    (void)state;
    const kf_rng zeros = { give_zeros, NULL };
    for (size_t a = 0; a < KF_COUNT(algids); a++) {
        testing_rng rng;
        kf_secret *key = NULL;
        assert_err(keyfill_generate(algids[a], &zeros, &key), KF_E_BACKEND);
        assert_null(key);
        testing_rng_init(&rng, "short");
        rng.budget = 3;
        assert_err(keyfill_generate(algids[a], &rng.rng, &key), KF_E_BACKEND);
        assert_null(key);
    }
    kf_secret *key = NULL;
    assert_err(keyfill_generate(P25_ALGID_CLEAR, &zeros, &key), KF_E_UNSUPPORTED);
    assert_err(keyfill_generate(0x9f, &zeros, &key), KF_E_UNSUPPORTED);
    assert_err(keyfill_generate(0x184, &zeros, &key), KF_E_UNSUPPORTED);
}

static void entries_and_groups_can_be_taken_out(void **state)
{
    (void)state;
    keyfill_file file;
    fixture_file(&file); /* entries 1, 2, 3; group 1 has 3 and 1, group 7 nothing */
    keyfill_file_remove_entry(&file, 99);
    keyfill_file_remove_group(&file, 99);
    assert_int_equal(file.entry_count, 3);
    keyfill_file_remove_entry(&file, 1);
    assert_int_equal(file.entry_count, 2);
    assert_int_equal(file.entries[0].id, 2);
    assert_int_equal(file.entries[1].id, 3);
    assert_int_equal(file.groups[0].member_count, 1);
    assert_int_equal(file.groups[0].members[0], 3);
    assert_int_equal(file.member_count, 1);
    keyfill_file_remove_group(&file, 1);
    assert_int_equal(file.group_count, 1);
    assert_int_equal(file.groups[0].id, 7);
    assert_int_equal(file.member_count, 0);
    keyfill_file_remove_entry(&file, 3);
    keyfill_file_remove_entry(&file, 2);
    assert_int_equal(file.entry_count, 0);
    fixture_add(&file, "again", 1, 1, 1, FIXTURE_KEY);
    assert_int_equal(file.entry_count, 1);
    keyfill_file_clear(&file);
    assert_true(fixture_is_empty(&file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_nothing_said_of_them),
        cmocka_unit_test(bad_draws_are_drawn_again),
        cmocka_unit_test(broken_generators_give_no_key),
        cmocka_unit_test(entries_and_groups_can_be_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SRTP master keys and salts. The vector file is run by tests/selftest; here are the properties. */
#include "support/testing.h"

#include "mikey/mikey.h"

static void test_every_input_matters(void **state)
{
    (void)state;
    kf_secret *tgk = testing_secret_hex("fcfe65cd967c58d260b603ccb9a887a9");
    kf_secret *other = testing_secret_hex("fcfe65cd967c58d260b603ccb9a887a8");
    uint8_t a[16] = { 1 }, b[16] = { 2 };
    const struct {
        const kf_secret *tgk;
        mikey_derived what;
        uint8_t cs_id;
        uint32_t csb_id;
        kf_slice rand;
    } inputs[] = {
        { tgk, MIKEY_DERIVE_TEK, 4, 7, KF_SLICE_OF(a) },
        { other, MIKEY_DERIVE_TEK, 4, 7, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_SALT, 4, 7, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_ENCR, 4, 7, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_AUTH, 4, 7, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_TEK, 5, 7, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_TEK, 4, 8, KF_SLICE_OF(a) },
        { tgk, MIKEY_DERIVE_TEK, 4, 7, KF_SLICE_OF(b) },
    };
    kf_secret *out[KF_COUNT(inputs)] = { NULL };
    for (size_t i = 0; i < KF_COUNT(inputs); i++) {
        assert_ok(mikey_derive(inputs[i].tgk, inputs[i].what, inputs[i].cs_id, inputs[i].csb_id,
                               inputs[i].rand, 16, &out[i]));
        for (size_t k = 0; k < i; k++)
            assert_false(kf_secret_equal(out[i], out[k]));
    }
    for (size_t i = 0; i < KF_COUNT(inputs); i++)
        kf_secret_free(&out[i]);
    kf_secret_free(&tgk);
    kf_secret_free(&other);
}

/* A shorter output is a prefix of a longer one: RFC 3830 4.1.2 cuts the same stream. */
static void test_lengths(void **state)
{
    (void)state;
    uint8_t rand[16] = { 3 }, key[48] = { 9 };
    kf_secret *tgk = testing_secret(KF_SLICE_OF(key)), *whole = NULL;
    assert_ok(mikey_derive(tgk, MIKEY_DERIVE_TEK, 0, 0, KF_SLICE_OF(rand), 255 * 32, &whole));
    static const size_t lengths[] = { 1, 12, 16, 31, 32, 33, 64, 100, 255 * 32 };
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        kf_secret *part = NULL;
        assert_ok(mikey_derive(tgk, MIKEY_DERIVE_TEK, 0, 0, KF_SLICE_OF(rand), lengths[i], &part));
        assert_slice_equal(kf_secret_view(part),
                           kf_slice_part(kf_secret_view(whole), 0, lengths[i]));
        kf_secret_free(&part);
    }
    kf_secret *none = NULL;
    assert_err(mikey_derive(tgk, MIKEY_DERIVE_TEK, 0, 0, KF_SLICE_OF(rand), 0, &none),
               KF_E_MALFORMED);
    assert_err(mikey_derive(tgk, MIKEY_DERIVE_TEK, 0, 0, KF_SLICE_OF(rand), 255 * 32 + 1, &none),
               KF_E_MALFORMED);
    assert_err(mikey_derive(tgk, MIKEY_DERIVE_TEK, 0, 0, (kf_slice){ rand, 15 }, 16, &none),
               KF_E_MALFORMED);
    assert_err(mikey_derive(NULL, MIKEY_DERIVE_TEK, 0, 0, KF_SLICE_OF(rand), 16, &none),
               KF_E_MALFORMED);
    kf_secret_free(&whole);
    kf_secret_free(&tgk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input_matters),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

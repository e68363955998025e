/* The table over OpenSSL: known answers, round trips, refusals. The container is in
 * test_container.c. */
#include "support/testing.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keywrap.h"
#include "crypto/mac.h"
#include "crypto/ofb.h"
#include "crypto/random.h"
#include "crypto/scrypt.h"
#include "crypto/selftest.h"

static void count_report(void *ctx, const char *algorithm, kf_err result)
{
    assert_non_null(algorithm);
    assert_ok(result);
    ++*(size_t *)ctx;
}

static void test_known_answers(void **state)
{
    (void)state;
    size_t seen = 0;
    assert_ok(kf_crypto_selftest(count_report, &seen));
    assert_int_equal(seen, 19);
    assert_ok(kf_crypto_selftest(NULL, NULL));
}

/* RFC 4231 cases 2, 3, 6 (a key longer than a block), 7 */
static const struct {
    const char *key, *in, *want;
} hmacs[] = {
    { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "dddddddddddddddddddddddddddddddddddddddddddddddddd"
      "dddddddddddddddddddddddddddddddddddddddddddddddddd",
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b"
      "6579204669727374",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
};

static void test_hmac(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(hmacs); i++) {
        uint8_t key[256], in[256], want[64], out[KF_SHA256_OCTETS];
        kf_slice k = testing_hex(hmacs[i].key, key, sizeof key);
        kf_slice m = testing_hex(hmacs[i].in, in, sizeof in);
        for (size_t cut = 0; cut <= m.len; cut++) { /* however it is split */
            const kf_slice parts[] = { kf_slice_part(m, 0, cut), kf_slice_part(m, cut, m.len) };
            assert_ok(kf_hmac_parts(&KF_SHA256, k, parts, 2, out));
            assert_slice_equal(KF_SLICE_OF(out), testing_hex(hmacs[i].want, want, sizeof want));
        }
    }
}

static void test_kdf_limits(void **state)
{
    (void)state;
    static uint8_t big[65536];
    uint8_t out[KF_SHA256_OCTETS], key[16] = { 1 };
    kf_slice many[9] = { { NULL, 0 } }, fits = { big, 65535 }, over = { big, 65536 };
    assert_ok(kf_kdf_33220(KF_SLICE_OF(key), 1, &fits, 1, out));
    assert_err(kf_kdf_33220(KF_SLICE_OF(key), 1, &over, 1, out), KF_E_MALFORMED);
    assert_ok(kf_kdf_33220(KF_SLICE_OF(key), 1, many, 8, out));
    assert_err(kf_kdf_33220(KF_SLICE_OF(key), 1, many, 9, out), KF_E_MALFORMED);
}

static const struct {
    uint64_t value;
    const char *hex;
} integers[] = {
    { 0, "00" },     { 1, "01" },           { 255, "ff" },
    { 256, "0100" }, { 2592000, "278d00" }, { UINT64_MAX, "ffffffffffffffff" },
};

static void test_kdf_integer(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(integers); i++) {
        uint8_t out[8], want[8];
        kf_slice got = { out, kf_kdf_integer(integers[i].value, out) };
        assert_slice_equal(got, testing_hex(integers[i].hex, want, sizeof want));
    }
}

static void test_aead_every_bit(void **state)
{
    (void)state;
    static const kf_aead *const algs[] = { &KF_AES_128_GCM, &KF_AES_256_GCM };
    for (size_t a = 0; a < KF_COUNT(algs); a++) {
        uint8_t all[32 + 16 + 20 + 24 + 16]; /* key, nonce, ad, sealed content */
        testing_rng rng;
        testing_rng_init(&rng, "aead");
        testing_rng_octets(&rng, all, sizeof all);
        size_t k = algs[a]->key_octets;
        kf_slice key = { all, k }, nonce = { all + 32, 16 }, ad = { all + 48, 20 };
        uint8_t plain[24];
        memcpy(plain, all + 68, sizeof plain);
        kf_writer w = kf_writer_init(all + 68, 40);
        assert_ok(kf_aead_seal(algs[a], key, nonce, ad, KF_SLICE_OF(plain), &w));
        kf_slice sealed = { all + 68, 40 };
        kf_secret *out = NULL;
        for (size_t bit = 0; bit < 8 * sizeof all; bit++) {
            if (bit / 8 >= k && bit / 8 < 32)
                continue; /* not part of this algorithm's key */
            all[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_err(kf_aead_open(algs[a], key, nonce, ad, sealed, &out), KF_E_AUTH);
            assert_null(out);
            all[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = 0; len < sealed.len; len++) {
            kf_err err = kf_aead_open(algs[a], key, nonce, ad, (kf_slice){ sealed.ptr, len }, &out);
            assert_err(err, len < 16 ? KF_E_TRUNCATED : KF_E_AUTH);
        }
        assert_ok(kf_aead_open(algs[a], key, nonce, ad, sealed, &out));
        assert_slice_equal(kf_secret_view(out), KF_SLICE_OF(plain));
        kf_secret_free(&out);
        kf_writer small = kf_writer_init(plain, 10);
        assert_err(kf_aead_seal(algs[a], key, nonce, ad, KF_SLICE_OF(plain), &small),
                   KF_E_NO_SPACE);
        kf_slice short_key = { all, k - 1 }, short_nonce = { all + 32, 11 };
        assert_err(kf_aead_open(algs[a], short_key, nonce, ad, sealed, &out), KF_E_MALFORMED);
        assert_err(kf_aead_open(algs[a], key, short_nonce, ad, sealed, &out), KF_E_MALFORMED);
    }
}

static void test_keywrap(void **state)
{
    (void)state;
    uint8_t kek[32], key[512], out[600];
    testing_rng rng;
    testing_rng_init(&rng, "wrap");
    testing_rng_octets(&rng, kek, sizeof kek);
    testing_rng_octets(&rng, key, sizeof key);
    for (size_t form = KF_KEYWRAP_PLAIN; form <= KF_KEYWRAP_PADDED; form++)
        for (size_t len = 0; len <= sizeof key; len++) {
            bool fits = len > 0 && (form == KF_KEYWRAP_PADDED || (len % 8 == 0 && len >= 16));
            kf_writer w = kf_writer_init(out, sizeof out);
            kf_slice k = { key, len };
            assert_err(kf_keywrap_seal((kf_keywrap_form)form, KF_SLICE_OF(kek), k, &w),
                       fits ? KF_OK : KF_E_MALFORMED);
            if (!fits)
                continue;
            kf_secret *back = NULL;
            kf_slice wrapped = kf_writer_slice(&w);
            assert_ok(kf_keywrap_open((kf_keywrap_form)form, KF_SLICE_OF(kek), wrapped, &back));
            assert_slice_equal(kf_secret_view(back), k);
            kf_secret_free(&back);
            out[len % wrapped.len] ^= 0x10;
            assert_err(kf_keywrap_open((kf_keywrap_form)form, KF_SLICE_OF(kek), wrapped, &back),
                       KF_E_AUTH);
            assert_null(back);
        }
    kf_secret *back = NULL;
    assert_err(kf_keywrap_open(KF_KEYWRAP_PLAIN, KF_SLICE_OF(kek), (kf_slice){ out, 16 }, &back),
               KF_E_MALFORMED);
    assert_err(
        kf_keywrap_open(KF_KEYWRAP_PLAIN, (kf_slice){ kek, 17 }, (kf_slice){ out, 24 }, &back),
        KF_E_MALFORMED);
}

/* RFC 4493 section 4, examples 1, 3, 4 */
static void test_cmac(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *want;
    } cases[] = { { 0, "bb1d6929e95937287fa37d129b756746" },
                  { 40, "dfa66747de9ae63030ca32611497c827" },
                  { 64, "51f0bebf7e3b9d92fc49741779363cfe" } };
    uint8_t key[16], in[64], want[16], out[16];
    kf_slice k = testing_hex("2b7e151628aed2a6abf7158809cf4f3c", key, 16);
    kf_slice m = testing_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                             "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
                             in, 64);
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_slice part = kf_slice_part(m, 0, cases[i].len);
        assert_ok(kf_aes_cmac(k, &part, 1, out));
        assert_slice_equal(KF_SLICE_OF(out), testing_hex(cases[i].want, want, 16));
    }
    assert_err(kf_aes_cmac((kf_slice){ key, 15 }, &m, 1, out), KF_E_MALFORMED);
    assert_err(kf_aes_cbc_mac(k, (kf_slice){ in, 17 }, out), KF_E_MALFORMED);
    assert_err(kf_aes_cbc_mac(k, (kf_slice){ in, 0 }, out), KF_E_MALFORMED);
}

static void test_ofb_is_its_own_inverse(void **state)
{
    (void)state;
    uint8_t key[32] = { 7 }, iv[16] = { 9 }, in[100], once[100], twice[100];
    memset(in, 0x31, sizeof in);
    for (size_t k = 16; k <= 32; k += 8) {
        kf_writer a = kf_writer_init(once, sizeof once), b = kf_writer_init(twice, sizeof twice);
        kf_slice slice = { key, k };
        assert_ok(kf_aes_ofb(slice, KF_SLICE_OF(iv), KF_SLICE_OF(in), &a));
        assert_memory_not_equal(once, in, sizeof in);
        assert_ok(kf_aes_ofb(slice, KF_SLICE_OF(iv), KF_SLICE_OF(once), &b));
        assert_memory_equal(twice, in, sizeof in);
    }
    kf_writer w = kf_writer_init(once, sizeof once);
    assert_err(kf_aes_ofb(KF_SLICE_OF(key), (kf_slice){ iv, 15 }, KF_SLICE_OF(in), &w),
               KF_E_MALFORMED);
}

static void test_scrypt_bounds(void **state)
{
    (void)state;
    static const kf_scrypt_cost bad[] = { { 0, 8, 1 },  { 19, 8, 1 }, { 10, 0, 1 },
                                          { 10, 9, 1 }, { 10, 8, 0 }, { 10, 8, 5 } };
    kf_secret *out = NULL;
    for (size_t i = 0; i < KF_COUNT(bad); i++)
        assert_err(kf_scrypt(kf_slice_str("p"), kf_slice_str("s"), bad[i], 32, &out),
                   KF_E_MALFORMED);
    assert_true(kf_scrypt_cost_is_bounded(KF_SCRYPT_DEFAULT));
}

static void test_random_is_not_constant(void **state)
{
    (void)state;
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    assert_ok(kf_rng_fill(kf_random(), a, sizeof a));
    assert_ok(kf_rng_fill(kf_random(), b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),  cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_kdf_limits),     cmocka_unit_test(test_kdf_integer),
        cmocka_unit_test(test_aead_every_bit), cmocka_unit_test(test_keywrap),
        cmocka_unit_test(test_cmac),           cmocka_unit_test(test_ofb_is_its_own_inverse),
        cmocka_unit_test(test_scrypt_bounds),  cmocka_unit_test(test_random_is_not_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

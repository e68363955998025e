/* Message indicators, and the outer layer that they start. */
#include "support/testing.h"

#include <string.h>

#include "crypto/block.h"
#include "p25/outer.h"

static void test_mi_vectors(void **state)
{
    (void)state;
    static const char *const names[] = { "next_mi", "next_mi_2", "next_mi_3" };
    vectors_file file;
    testing_vectors_load("p25-voice-mi.txt", &file);
    vectors_case *c = testing_case(&file, "tia");
    uint8_t mi[9], want[16], iv[16];
    testing_field(c, "mi", mi, sizeof mi);
    p25_mi_iv(mi, iv);
    assert_slice_equal(KF_SLICE_OF(iv), testing_field(c, "iv128", want, sizeof want));
    for (size_t i = 0; i < KF_COUNT(names); i++) {
        p25_mi_next(mi, mi); /* in place too */
        assert_slice_equal(KF_SLICE_OF(mi), testing_field(c, names[i], want, sizeof want));
    }
    vectors_clear(&file);
}

/* Against the register as the standard draws it, one bit at a time. */
static void test_mi_bit_by_bit(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "mi");
    for (size_t n = 0; n < testing_count(2000, 1000000); n++) {
        uint64_t s = testing_rng_u64(&rng);
        uint8_t mi[9] = { 0 }, next[9], want[9] = { 0 }, iv[16];
        for (size_t i = 0; i < 8; i++)
            mi[i] = (uint8_t)(s >> (56 - 8 * i));
        mi[8] = 0x5a; /* ignored */
        for (size_t i = 0; i < 64; i++) {
            uint64_t bit = s >> 63 ^ s >> 61 ^ s >> 45 ^ s >> 37 ^ s >> 26 ^ s >> 14;
            s = s << 1 | (bit & 1);
        }
        for (size_t i = 0; i < 8; i++)
            want[i] = (uint8_t)(s >> (56 - 8 * i));
        p25_mi_next(mi, next);
        assert_memory_equal(next, want, 9);
        p25_mi_iv(mi, iv);
        assert_memory_equal(iv, mi, 8);
        assert_memory_equal(iv + 8, want, 8);
    }
}

/* A generator that gives zeros a number of times, then ones; or fails. */
typedef struct odd_rng {
    size_t zeros, calls;
    bool fails;
} odd_rng;

static kf_err odd_fill(void *ctx, uint8_t *out, size_t len)
{
    odd_rng *o = ctx;
    memset(out, o->calls++ < o->zeros ? 0 : 0x11, len);
    return o->fails ? KF_E_BACKEND : KF_OK;
}

static const struct {
    odd_rng rng;
    kf_err want;
} draws[] = {
    { { 0, 0, false }, KF_OK },       { { 1, 0, false }, KF_OK },
    { { 3, 0, false }, KF_OK },       { { SIZE_MAX, 0, false }, KF_E_BACKEND }, /* and it ends */
    { { 0, 0, true }, KF_E_BACKEND },
};

static void test_mi_random(void **state)
{
    (void)state;
    static const uint8_t ones[9] = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0 }, zero[9];
    for (size_t i = 0; i < KF_COUNT(draws); i++) {
        odd_rng o = draws[i].rng;
        kf_rng rng = { odd_fill, &o };
        uint8_t mi[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
        assert_err(p25_mi_random(&rng, mi), draws[i].want);
        assert_memory_equal(mi, draws[i].want == KF_OK ? ones : zero, 9);
    }
    uint8_t last_only[9] = { 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    assert_true(p25_mi_is_zero(last_only));
    assert_false(p25_mi_is_zero(ones));
}

static const struct {
    uint8_t algid;
    kf_block_cipher cipher;
    size_t key_octets;
} engines[] = {
    { P25_ALGID_AES256, KF_BLOCK_AES256, 32 },
    { P25_ALGID_TDEA, KF_BLOCK_TDEA, 24 },
    { P25_ALGID_DES, KF_BLOCK_DES, 8 },
};

/* Every length up to the longest KMM, against the definition: block after block, the first thrown
 * away. No wrap-around anywhere (facts 2.7: a peer's at octet 240). */
static void test_keystream(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "outer");
    for (size_t e = 0; e < KF_COUNT(engines); e++) {
        uint8_t key[32], mi[9], reg[16], stream[P25_KMM_OCTETS_MAX + 16], out[P25_KMM_OCTETS_MAX];
        p25_tek *tek = NULL;
        kf_block *b = NULL;
        testing_rng_octets(&rng, key, sizeof key);
        testing_rng_octets(&rng, mi, sizeof mi);
        kf_slice k = { key, engines[e].key_octets };
        kf_secret *secret = testing_secret(k);
        size_t block = kf_block_octets(engines[e].cipher);
        assert_ok(p25_tek_new(engines[e].algid, 7, secret, &tek));
        assert_ok(kf_block_new(engines[e].cipher, KF_BLOCK_USE_ENCRYPT, k, &b));
        p25_mi_iv(mi, reg);
        assert_ok(kf_block_encrypt(b, reg, block));
        for (size_t at = 0; at < P25_KMM_OCTETS_MAX; at += block) {
            assert_ok(kf_block_encrypt(b, reg, block));
            memcpy(stream + at, reg, block);
        }
        for (size_t len = 0; len <= P25_KMM_OCTETS_MAX; len++) {
            memset(out, 0, sizeof out);
            mi[8] = (uint8_t)len; /* ignored */
            assert_ok(p25_outer_apply(tek, mi, out, len));
            assert_memory_equal(out, stream, len);
            assert_true(len == sizeof out || out[len] == 0);
            assert_ok(p25_outer_apply(tek, mi, out, len));
            for (size_t i = 0; i < len; i++)
                assert_int_equal(out[i], 0);
        }
        uint8_t none[9] = { 0, 0, 0, 0, 0, 0, 0, 0, 1 };
        assert_err(p25_outer_apply(tek, none, out, 5), KF_E_MALFORMED);
        assert_err(p25_outer_apply(tek, mi, out, P25_KMM_OCTETS_MAX + 1), KF_E_MALFORMED);
        kf_block_free(&b);
        p25_tek_free(&tek);
        kf_secret_free(&secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mi_vectors),
        cmocka_unit_test(test_mi_bit_by_bit),
        cmocka_unit_test(test_mi_random),
        cmocka_unit_test(test_keystream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The inner layer: known answers, every bit, every length, the strength matrix. */
#include "support/testing.h"

#include <string.h>

#include "crypto/keywrap.h"
#include "p25/wrap.h"

#define KEYS_MAX 40u /* more than go through the cipher at once, twice over */

static const uint8_t engines[] = { P25_ALGID_AES256, P25_ALGID_TDEA, P25_ALGID_DES };

/* A random key of that algorithm, with the parity that DES wants. */
static kf_secret *random_key(testing_rng *rng, unsigned algid)
{
    uint8_t octets[32];
    size_t len = p25_algid_key_octets(algid);
    testing_rng_octets(rng, octets, len);
    for (size_t i = 0; algid != P25_ALGID_AES256 && i < len; i++)
        if (!p25_parity_is_odd((kf_slice){ octets + i, 1 }))
            octets[i] ^= 1;
    return testing_secret((kf_slice){ octets, len });
}

static p25_kek *new_kek(unsigned algid, const kf_secret *key)
{
    p25_kek *kek = NULL;
    assert_ok(p25_kek_new((uint8_t)algid, 0x50bc, key, &kek));
    return kek;
}

static void test_known_answers(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("p25-keywrap.txt", &file);
    assert_int_equal(file.count, 3);
    for (size_t i = 0; i < file.count; i++) {
        vectors_case *c = &file.cases[i];
        uint8_t alg[1], kek_octets[32], key_octets[32], wrapped[40], out[40];
        kf_secret *back = NULL;
        testing_field(c, "alg", alg, 1);
        kf_secret *kek_key = testing_secret(testing_field(c, "kek", kek_octets, 32));
        kf_secret *key = testing_secret(testing_field(c, "key", key_octets, 32));
        kf_slice want = testing_field(c, "wrapped", wrapped, 40);
        p25_kek *kek = new_kek(alg[0], kek_key);
        assert_int_equal(want.len, p25_wrapped_octets(alg[0]));
        const kf_secret *one[] = { key };
        assert_ok(p25_wrap_keys(kek, P25_WEAK_ALLOWED, alg[0], one, 1, out));
        assert_slice_equal(((kf_slice){ out, want.len }), want);
        assert_ok(p25_unwrap_key(kek, alg[0], want, &back));
        assert_true(kf_secret_equal(back, key));
        assert_int_equal(p25_kek_algid(kek), alg[0]);
        assert_int_equal(p25_kek_kid(kek), 0x50bc);
        kf_secret_free(&back);
        kf_secret_free(&key);
        kf_secret_free(&kek_key);
        p25_kek_free(&kek);
        p25_kek_free(&kek);
    }
    vectors_clear(&file);
}

/* Any number of keys side by side gives what each gives alone; AES agrees with OpenSSL's wrap. */
static void test_many_at_once(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "wrap many");
    for (size_t e = 0; e < KF_COUNT(engines); e++) {
        kf_secret *kek_key = random_key(&rng, engines[e]);
        p25_kek *kek = new_kek(engines[e], kek_key);
        kf_secret *keys[KEYS_MAX], *back[KEYS_MAX];
        const kf_secret *view[KEYS_MAX];
        p25_unwrap_item items[KEYS_MAX];
        uint8_t out[KEYS_MAX * P25_WRAPPED_MAX], alone[P25_WRAPPED_MAX];
        size_t each = p25_wrapped_octets(engines[e]);
        for (size_t i = 0; i < KEYS_MAX; i++) {
            view[i] = keys[i] = random_key(&rng, engines[e]);
            assert_ok(kf_secret_new(kf_secret_len(keys[i]), &back[i]));
            items[i] = (p25_unwrap_item){ { out + i * each, each }, back[i], KF_E_STATE };
        }
        assert_ok(p25_wrap_keys(kek, P25_WEAK_ALLOWED, engines[e], view, KEYS_MAX, out));
        for (size_t i = 0; i < KEYS_MAX; i++) {
            kf_writer w = kf_writer_init(alone, sizeof alone);
            if (engines[e] == P25_ALGID_AES256)
                assert_ok(kf_keywrap_seal(KF_KEYWRAP_PLAIN, kf_secret_view(kek_key),
                                          kf_secret_view(keys[i]), &w));
            else
                assert_ok(p25_wrap_keys(kek, P25_WEAK_ALLOWED, engines[e], view + i, 1, alone));
            assert_memory_equal(alone, out + i * each, each);
        }
        items[3].wrapped.len--; /* one bad length and one bad octet leave the others alone */
        out[20 * each + 1] ^= 0x80;
        assert_ok(p25_unwrap_keys(kek, engines[e], items, KEYS_MAX));
        for (size_t i = 0; i < KEYS_MAX; i++) {
            bool may_differ = i == 20 && engines[e] == P25_ALGID_DES; /* parity: chance 1 in 256 */
            if (!may_differ)
                assert_err(items[i].result, i == 3 ? KF_E_MALFORMED : i == 20 ? KF_E_AUTH : KF_OK);
            if (i != 3 && i != 20)
                assert_true(kf_secret_equal(keys[i], back[i]));
        }
        for (size_t i = 0; i < KEYS_MAX; i++) {
            kf_secret_free(&keys[i]);
            kf_secret_free(&back[i]);
        }
        kf_secret_free(&kek_key);
        p25_kek_free(&kek);
    }
}

/* Every bit of a wrapped key, every length but its own, another KEK: nothing comes out. */
static void test_refusals(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "wrap refusals");
    for (size_t e = 0; e < 2; e++) { /* DES has no integrity check to speak of */
        kf_secret *kek_key = random_key(&rng, engines[e]),
                  *other_key = random_key(&rng, engines[e]);
        kf_secret *key = random_key(&rng, engines[e]), *out = NULL;
        p25_kek *kek = new_kek(engines[e], kek_key), *other = new_kek(engines[e], other_key);
        uint8_t wrapped[64] = { 0 };
        const kf_secret *one[] = { key };
        size_t each = p25_wrapped_octets(engines[e]);
        assert_ok(p25_wrap_keys(kek, P25_WEAK_RECEIVE_ONLY, engines[e], one, 1, wrapped));
        for (size_t bit = 0; bit < 8 * each; bit++) {
            wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_err(p25_unwrap_key(kek, engines[e], (kf_slice){ wrapped, each }, &out),
                       KF_E_AUTH);
            assert_null(out);
            wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = 0; len <= sizeof wrapped; len++)
            if (len != each)
                assert_err(p25_unwrap_key(kek, engines[e], (kf_slice){ wrapped, len }, &out),
                           KF_E_MALFORMED);
        assert_err(p25_unwrap_key(other, engines[e], (kf_slice){ wrapped, each }, &out), KF_E_AUTH);
        kf_secret *small = testing_secret((kf_slice){ wrapped, 7 });
        p25_unwrap_item item = { { wrapped, each }, small, KF_OK };
        assert_ok(p25_unwrap_keys(kek, engines[e], &item, 1));
        assert_err(item.result, KF_E_MALFORMED);
        const kf_secret *bad[] = { key, small };
        uint8_t two[2 * P25_WRAPPED_MAX];
        memset(two, 1, sizeof two);
        assert_err(p25_wrap_keys(kek, P25_WEAK_ALLOWED, engines[e], bad, 2, two), KF_E_MALFORMED);
        for (size_t i = 0; i < 2 * each; i++)
            assert_int_equal(two[i], 0);
        kf_secret_free(&small);
        kf_secret_free(&key);
        kf_secret_free(&kek_key);
        kf_secret_free(&other_key);
        p25_kek_free(&kek);
        p25_kek_free(&other);
    }
}

/* key, KEK: result for sending by policy, for sending with the switch, for receiving */
static const struct {
    uint8_t key, kek;
    kf_err send, send_allowed, receive;
} matrix[] = {
    { 0x84, 0x84, KF_OK, KF_OK, KF_OK },
    { 0x84, 0x83, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0x84, 0x81, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0x84, 0xaa, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0x84, 0x80, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0x83, 0x84, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0x83, 0x83, KF_OK, KF_OK, KF_OK },
    { 0x83, 0x81, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0x81, 0x84, KF_E_DENIED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0x81, 0x83, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0x81, 0x81, KF_E_DENIED, KF_OK, KF_OK },
    { 0x81, 0xaa, KF_E_DENIED, KF_E_DENIED, KF_E_DENIED },
    { 0xaa, 0x84, KF_E_DENIED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0xaa, 0xaa, KF_E_DENIED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0x00, 0x84, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
    { 0x85, 0x84, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED, KF_E_UNSUPPORTED },
};

static void test_strength(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "wrap strength");
    for (size_t i = 0; i < KF_COUNT(matrix); i++) {
        unsigned key = matrix[i].key, kek = matrix[i].kek;
        assert_err(p25_wrap_permitted(key, kek, P25_SEND, P25_WEAK_RECEIVE_ONLY), matrix[i].send);
        assert_err(p25_wrap_permitted(key, kek, P25_SEND, P25_WEAK_ALLOWED),
                   matrix[i].send_allowed);
        assert_err(p25_wrap_permitted(key, kek, P25_RECEIVE, P25_WEAK_RECEIVE_ONLY),
                   matrix[i].receive);
        if (p25_wrapped_octets(kek) == 0 || p25_wrapped_octets(key) == 0)
            continue; /* and the functions do as the rule says */
        kf_secret *kek_key = random_key(&rng, kek), *secret = random_key(&rng, key), *out = NULL;
        p25_kek *k = new_kek(kek, kek_key);
        const kf_secret *one[] = { secret };
        uint8_t wrapped[P25_WRAPPED_MAX] = { 0 };
        assert_err(p25_wrap_keys(k, P25_WEAK_RECEIVE_ONLY, key, one, 1, wrapped), matrix[i].send);
        assert_err(p25_wrap_keys(k, P25_WEAK_ALLOWED, key, one, 1, wrapped),
                   matrix[i].send_allowed);
        kf_slice in = { wrapped, p25_wrapped_octets(key) };
        assert_err(p25_unwrap_key(k, key, in, &out), matrix[i].receive);
        kf_secret_free(&out);
        kf_secret_free(&secret);
        kf_secret_free(&kek_key);
        p25_kek_free(&k);
    }
    kf_secret *aes = random_key(&rng, P25_ALGID_AES256);
    p25_kek *none = NULL;
    assert_err(p25_kek_new(P25_ALGID_ADP, 1, aes, &none), KF_E_UNSUPPORTED);
    assert_err(p25_kek_new(P25_ALGID_TDEA, 1, aes, &none), KF_E_MALFORMED);
    assert_null(none);
    kf_secret_free(&aes);
}

/* spec: facts C6 - odd. A DES key of even parity is no DES key. */
static void test_des_parity(void **state)
{
    (void)state;
    kf_secret *kek_key = testing_secret_hex("1313131313131313"), *out = NULL;
    kf_secret *even = testing_secret_hex("1212121212121212");
    p25_kek *kek = new_kek(P25_ALGID_DES, kek_key);
    const kf_secret *one[] = { even };
    uint8_t wrapped[8];
    assert_ok(p25_wrap_keys(kek, P25_WEAK_ALLOWED, P25_ALGID_DES, one, 1, wrapped));
    assert_err(p25_unwrap_key(kek, P25_ALGID_DES, KF_SLICE_OF(wrapped), &out), KF_E_AUTH);
    assert_null(out);
    for (unsigned v = 0; v < 256; v++) {
        uint8_t octet = (uint8_t)v;
        assert_int_equal(p25_parity_is_odd((kf_slice){ &octet, 1 }), __builtin_popcount(v) % 2);
    }
    kf_secret_free(&kek_key);
    kf_secret_free(&even);
    p25_kek_free(&kek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_strength),
        cmocka_unit_test(test_des_parity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

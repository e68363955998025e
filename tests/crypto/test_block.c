/* Block ciphers with a key kept: against the one-shot functions, against definitions, refusals. */
#include "support/testing.h"

#include <string.h>

#include "crypto/block.h"
#include "crypto/hash.h"
#include "crypto/mac.h"
#include "crypto/ofb.h"

#define ALL_USES (KF_BLOCK_USE_ENCRYPT | KF_BLOCK_USE_DECRYPT | KF_BLOCK_USE_CHAIN)

static kf_block *new_block(kf_block_cipher cipher, unsigned uses, kf_slice key)
{
    kf_block *b = NULL;
    assert_ok(kf_block_new(cipher, uses, key, &b));
    return b;
}

/* Every length: CMAC and OFB as the one-shot functions compute them, with one object throughout. */
static void test_against_one_shot(void **state)
{
    (void)state;
    uint8_t key[32], iv[16], in[200];
    testing_rng rng;
    testing_rng_init(&rng, "block");
    testing_rng_octets(&rng, key, sizeof key);
    testing_rng_octets(&rng, iv, sizeof iv);
    testing_rng_octets(&rng, in, sizeof in);
    kf_block *b = new_block(KF_BLOCK_AES256, ALL_USES, KF_SLICE_OF(key));
    for (size_t len = 0; len <= sizeof in; len++) {
        uint8_t got[16], want[16], stream[200], once[200];
        kf_slice part = { in, len };
        assert_ok(kf_block_cmac(b, part, got));
        assert_ok(kf_aes_cmac(KF_SLICE_OF(key), &part, 1, want));
        assert_memory_equal(got, want, 16);
        for (size_t skip = 0; skip <= len; skip += 7) {
            memcpy(stream, in, sizeof stream);
            kf_writer w = kf_writer_init(once, sizeof once);
            assert_ok(kf_aes_ofb(KF_SLICE_OF(key), KF_SLICE_OF(iv), part, &w));
            assert_ok(kf_block_ofb(b, iv, skip, stream, len - skip));
            for (size_t i = 0; i < len - skip; i++)
                assert_int_equal(stream[i] ^ in[i], once[i + skip] ^ in[i + skip]);
            assert_memory_equal(stream + len - skip, in + len - skip, sizeof in - len + skip);
        }
        if (len == 0)
            continue;
        uint8_t padded[208] = { 0 };
        memcpy(padded, in, len);
        assert_ok(kf_block_cbc_mac(b, part, got));
        assert_ok(
            kf_aes_cbc_mac(KF_SLICE_OF(key), (kf_slice){ padded, (len + 15) / 16 * 16 }, want));
        assert_memory_equal(got, want, 16);
    }
    kf_block_free(&b);
    kf_block_free(&b);
    assert_null(b);
}

/* DES is TDEA with three equal keys; TDEA is encrypt, decrypt, encrypt; parity does not matter. */
static void test_des_and_tdea(void **state)
{
    (void)state;
    uint8_t keys[24], one[8], three[8];
    testing_rng rng;
    testing_rng_init(&rng, "des");
    for (size_t n = 0; n < 100; n++) {
        testing_rng_octets(&rng, keys, sizeof keys);
        testing_rng_octets(&rng, one, sizeof one);
        memcpy(three, one, sizeof one);
        kf_block *tdea = new_block(KF_BLOCK_TDEA, ALL_USES, KF_SLICE_OF(keys));
        for (size_t i = 0; i < 3; i++) {
            kf_block *des = new_block(KF_BLOCK_DES, ALL_USES, (kf_slice){ keys + 8 * i, 8 });
            assert_ok(i == 1 ? kf_block_decrypt(des, one, 8) : kf_block_encrypt(des, one, 8));
            kf_block_free(&des);
        }
        assert_ok(kf_block_encrypt(tdea, three, 8));
        assert_memory_equal(one, three, 8);
        for (size_t i = 0; i < sizeof keys; i++)
            keys[i] ^= 1;
        assert_ok(kf_block_rekey(tdea, KF_SLICE_OF(keys)));
        assert_ok(kf_block_decrypt(tdea, three, 8));
        assert_ok(kf_block_encrypt(tdea, three, 8));
        assert_memory_equal(one, three, 8);
        kf_block_free(&tdea);
    }
}

/* Blocks side by side are blocks alone, and another key is another cipher. */
static void test_many_blocks_and_rekey(void **state)
{
    (void)state;
    static const kf_block_cipher ciphers[] = { KF_BLOCK_AES256, KF_BLOCK_TDEA, KF_BLOCK_DES };
    uint8_t key[32] = { 1, 2, 3 }, other[32] = { 9, 2, 3 };
    for (size_t c = 0; c < KF_COUNT(ciphers); c++) {
        uint8_t many[256], alone[256], before[256];
        size_t block = kf_block_octets(ciphers[c]), k = kf_block_key_octets(ciphers[c]);
        memset(before, 0x5c, sizeof before);
        for (size_t i = 0; i < sizeof before; i += block)
            before[i] = (uint8_t)i;
        memcpy(many, before, sizeof many);
        memcpy(alone, before, sizeof alone);
        kf_block *b = new_block(ciphers[c], ALL_USES, (kf_slice){ key, k });
        assert_ok(kf_block_encrypt(b, many, sizeof many));
        for (size_t i = 0; i < sizeof alone; i += block)
            assert_ok(kf_block_encrypt(b, alone + i, block));
        assert_memory_equal(many, alone, sizeof many);
        assert_ok(kf_block_rekey(b, (kf_slice){ other, k }));
        assert_ok(kf_block_decrypt(b, alone, sizeof alone));
        assert_memory_not_equal(alone, before, sizeof alone);
        assert_ok(kf_block_rekey(b, (kf_slice){ key, k }));
        assert_ok(kf_block_decrypt(b, many, sizeof many));
        assert_memory_equal(many, before, sizeof many);
        kf_block_free(&b);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static uint8_t big[KF_BLOCK_CHAIN_MAX + 16];
    uint8_t key[33] = { 1 }, out[16];
    kf_block *b = NULL;
    for (size_t len = 0; len <= sizeof key; len++) {
        kf_slice k = { key, len };
        assert_err(kf_block_new(KF_BLOCK_AES256, ALL_USES, k, &b),
                   len == 32 ? KF_OK : KF_E_MALFORMED);
        kf_block_free(&b);
        assert_err(kf_block_new(KF_BLOCK_DES, ALL_USES, k, &b), len == 8 ? KF_OK : KF_E_MALFORMED);
        kf_block_free(&b);
    }
    kf_slice k = { key, 32 }, longest = { big, KF_BLOCK_CHAIN_MAX };
    kf_slice over = { big, KF_BLOCK_CHAIN_MAX + 1 };
    b = new_block(KF_BLOCK_AES256, KF_BLOCK_USE_CHAIN, k);
    assert_err(kf_block_encrypt(b, big, 16), KF_E_STATE); /* was not asked for */
    assert_err(kf_block_decrypt(b, big, 16), KF_E_STATE);
    assert_ok(kf_block_cbc_mac(b, longest, out));
    assert_err(kf_block_cbc_mac(b, over, out), KF_E_MALFORMED);
    assert_err(kf_block_cbc_mac(b, (kf_slice){ big, 0 }, out), KF_E_MALFORMED);
    assert_ok(kf_block_cmac(b, longest, out));
    assert_err(kf_block_cmac(b, over, out), KF_E_MALFORMED);
    assert_ok(kf_block_ofb(b, out, 16, big, KF_BLOCK_CHAIN_MAX - 16));
    assert_err(kf_block_ofb(b, out, 16, big, KF_BLOCK_CHAIN_MAX - 15), KF_E_MALFORMED);
    assert_err(kf_block_ofb(b, out, SIZE_MAX, big, 1), KF_E_MALFORMED);
    assert_err(kf_block_rekey(b, (kf_slice){ key, 31 }), KF_E_MALFORMED);
    assert_err(kf_block_cmac(b, longest, out), KF_E_STATE); /* the old key is gone */
    kf_block_free(&b);
    b = new_block(KF_BLOCK_AES256, KF_BLOCK_USE_ENCRYPT, k);
    assert_err(kf_block_encrypt(b, big, 15), KF_E_MALFORMED);
    assert_err(kf_block_encrypt(b, big, 0), KF_E_MALFORMED);
    assert_err(kf_block_cmac(b, longest, out), KF_E_STATE);
    kf_block_free(&b);
}

/* An HMAC key kept gives what the one-shot gives, again and again. */
static void test_hmac_key(void **state)
{
    (void)state;
    uint8_t key[200] = { 7 }, got[KF_HASH_MAX_OCTETS], want[KF_HASH_MAX_OCTETS];
    static const kf_hash *const hashes[] = { &KF_SHA256, &KF_SHA384, &KF_SHA512 };
    for (size_t h = 0; h < KF_COUNT(hashes); h++)
        for (size_t len = 0; len <= sizeof key; len += 8) {
            kf_hmac_key *k = NULL;
            assert_ok(kf_hmac_key_new(hashes[h], (kf_slice){ key, len }, &k));
            for (uint8_t n = 0; n < 3; n++) {
                const kf_slice parts[] = { { &n, 1 }, { key, len } };
                assert_ok(kf_hmac_key_parts(k, parts, 2, got));
                assert_ok(kf_hmac_parts(hashes[h], (kf_slice){ key, len }, parts, 2, want));
                assert_memory_equal(got, want, hashes[h]->octets);
            }
            kf_hmac_key_free(&k);
            kf_hmac_key_free(&k);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_one_shot),
        cmocka_unit_test(test_des_and_tdea),
        cmocka_unit_test(test_many_blocks_and_rekey),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hmac_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

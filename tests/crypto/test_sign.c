/* Ed25519 against RFC 8032 section 7.1, and what must be refused. */
#include <string.h>

#include "base/text.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "support/testing.h"

static const struct {
    const char *key, *public_key, *message, *signature;
} examples[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
      "b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
      "1d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
      "c6594a7c15e9716ed28dc027beceea1ec40a" },
};

static kf_slice hex(const char *text, uint8_t *buf, size_t cap)
{
    kf_writer w = kf_writer_init(buf, cap);
    assert_ok(kf_hex_read((kf_slice){ (const uint8_t *)text, strlen(text) }, &w));
    return (kf_slice){ buf, w.len };
}

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(examples); i++) {
        uint8_t k[32], p[32], m[8], s[64], public_key[32], signature[64];
        kf_secret *key = NULL;
        assert_ok(kf_secret_new_copy(hex(examples[i].key, k, sizeof k), &key));
        hex(examples[i].public_key, p, sizeof p);
        kf_slice message = hex(examples[i].message, m, sizeof m);
        hex(examples[i].signature, s, sizeof s);
        assert_ok(kf_ed25519_public(key, public_key));
        assert_memory_equal(public_key, p, sizeof p);
        assert_ok(kf_ed25519_sign(key, message, signature));
        assert_memory_equal(signature, s, sizeof s);
        assert_ok(kf_ed25519_verify(p, message, (kf_slice){ s, sizeof s }));
        kf_secret_free(&key);
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    uint8_t public_key[32], signature[64], message[40] = "a checkpoint";
    kf_secret *key = NULL;
    (void)state;
    assert_ok(kf_ed25519_new(kf_random(), &key, public_key));
    assert_ok(kf_ed25519_sign(key, (kf_slice){ message, sizeof message }, signature));
    for (size_t bit = 0; bit < 8 * (sizeof message + sizeof signature); bit++) {
        uint8_t *octet =
            bit / 8 < sizeof message ? &message[bit / 8] : &signature[bit / 8 - sizeof message];
        *octet ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(kf_ed25519_verify(public_key, (kf_slice){ message, sizeof message },
                                           (kf_slice){ signature, sizeof signature }),
                         KF_E_AUTH);
        *octet ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof signature; len++)
        assert_int_equal(kf_ed25519_verify(public_key, (kf_slice){ message, sizeof message },
                                           (kf_slice){ signature, len }),
                         KF_E_AUTH);
    kf_secret_free(&key);
}

static void a_key_of_another_length_is_refused(void **state)
{
    uint8_t out[64];
    kf_secret *key = NULL;
    (void)state;
    assert_ok(kf_secret_new(31, &key));
    assert_int_equal(kf_ed25519_public(key, out), KF_E_MALFORMED);
    assert_int_equal(kf_ed25519_sign(key, (kf_slice){ NULL, 0 }, out), KF_E_MALFORMED);
    kf_secret_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_key_of_another_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

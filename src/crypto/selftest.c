#include "crypto/selftest.h"

#include <string.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/block.h"
#include "crypto/hash.h"
#include "crypto/keywrap.h"
#include "crypto/mac.h"
#include "crypto/ofb.h"
#include "crypto/scrypt.h"

#define OCTETS_MAX 64u

/* One known answer: octets as hex. What a field means is the algorithm's; the source stands beside.
 */
typedef struct answer {
    const char *algorithm;
    bool (*compute)(const struct answer *a);
    const void *detail; /* of the algorithm: a kf_hash, kf_aead ... */
    const char *key, *nonce, *in, *want;
} answer;

typedef struct octets {
    uint8_t buf[OCTETS_MAX];
    size_t len;
} octets;

static octets unhex(const char *hex)
{
    octets o = { .len = 0 };
    kf_writer w = kf_writer_init(o.buf, sizeof o.buf);
    if (kf_hex_read(kf_slice_str(hex), &w) == KF_OK)
        o.len = w.len;
    return o;
}

static kf_slice view(const octets *o)
{
    return (kf_slice){ o->buf, o->len };
}

static bool matches(const answer *a, kf_slice got)
{
    octets want = unhex(a->want);
    return want.len > 0 && kf_slice_equal(view(&want), got);
}

static bool hash_answer(const answer *a)
{
    const kf_hash *alg = a->detail;
    octets in = unhex(a->in);
    uint8_t out[KF_HASH_MAX_OCTETS];
    kf_slice part = view(&in);
    return kf_hash_parts(alg, &part, 1, out) == KF_OK && matches(a, (kf_slice){ out, alg->octets });
}

static bool hmac_answer(const answer *a)
{
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_SHA256_OCTETS];
    kf_slice part = view(&in);
    return kf_hmac_parts(&KF_SHA256, view(&key), &part, 1, out) == KF_OK &&
           matches(a, KF_SLICE_OF(out));
}

static bool kdf_answer(const answer *a)
{
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_SHA256_OCTETS];
    kf_slice part = view(&in);
    return kf_kdf_33220(view(&key), 0x50, &part, 1, out) == KF_OK && matches(a, KF_SLICE_OF(out));
}

static bool aead_answer(const answer *a)
{
    const kf_aead *alg = a->detail;
    octets key = unhex(a->key), nonce = unhex(a->nonce), in = unhex(a->in);
    uint8_t out[OCTETS_MAX];
    kf_secret *back = NULL;
    kf_writer w = kf_writer_init(out, sizeof out);
    const kf_slice none = { NULL, 0 };
    bool ok =
        kf_aead_seal(alg, view(&key), view(&nonce), none, view(&in), &w) == KF_OK &&
        matches(a, kf_writer_slice(&w)) &&
        kf_aead_open(alg, view(&key), view(&nonce), none, kf_writer_slice(&w), &back) == KF_OK &&
        kf_slice_equal(kf_secret_view(back), view(&in));
    kf_secret_free(&back);
    out[0] ^= 1; /* and a wrong tag must be seen */
    ok = ok &&
         kf_aead_open(alg, view(&key), view(&nonce), none, kf_writer_slice(&w), &back) == KF_E_AUTH;
    kf_secret_free(&back);
    return ok;
}

static bool keywrap_answer(const answer *a)
{
    kf_keywrap_form form = a->detail == NULL ? KF_KEYWRAP_PLAIN : KF_KEYWRAP_PADDED;
    octets kek = unhex(a->key), key = unhex(a->in), want = unhex(a->want);
    uint8_t out[OCTETS_MAX];
    kf_secret *back = NULL;
    kf_writer w = kf_writer_init(out, sizeof out);
    bool ok = kf_keywrap_seal(form, view(&kek), view(&key), &w) == KF_OK &&
              matches(a, kf_writer_slice(&w)) &&
              kf_keywrap_open(form, view(&kek), view(&want), &back) == KF_OK &&
              kf_slice_equal(kf_secret_view(back), view(&key));
    kf_secret_free(&back);
    return ok;
}

static bool ofb_answer(const answer *a)
{
    octets key = unhex(a->key), iv = unhex(a->nonce), in = unhex(a->in);
    uint8_t out[OCTETS_MAX];
    kf_writer w = kf_writer_init(out, sizeof out);
    return kf_aes_ofb(view(&key), view(&iv), view(&in), &w) == KF_OK &&
           matches(a, kf_writer_slice(&w));
}

static bool cmac_answer(const answer *a)
{
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_AES_BLOCK_OCTETS];
    kf_slice part = view(&in);
    return kf_aes_cmac(view(&key), &part, 1, out) == KF_OK && matches(a, KF_SLICE_OF(out));
}

static bool cbc_mac_answer(const answer *a)
{
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_AES_BLOCK_OCTETS];
    return kf_aes_cbc_mac(view(&key), view(&in), out) == KF_OK && matches(a, KF_SLICE_OF(out));
}

/* One block there and back, and OFB from it: the keystream is that very block. */
static bool block_answer(const answer *a)
{
    kf_block_cipher cipher = *(const kf_block_cipher *)a->detail;
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t zero[KF_BLOCK_OCTETS_MAX] = { 0 };
    octets work = in;
    kf_block *b = NULL;
    unsigned uses = KF_BLOCK_USE_ENCRYPT | KF_BLOCK_USE_DECRYPT | KF_BLOCK_USE_CHAIN;
    bool ok = kf_block_new(cipher, uses, view(&key), &b) == KF_OK &&
              kf_block_encrypt(b, work.buf, work.len) == KF_OK && matches(a, view(&work)) &&
              kf_block_decrypt(b, work.buf, work.len) == KF_OK &&
              kf_slice_equal(view(&work), view(&in)) &&
              kf_block_ofb(b, in.buf, 0, zero, in.len) == KF_OK &&
              matches(a, (kf_slice){ zero, in.len });
    kf_block_free(&b);
    return ok;
}

static bool block_cbc_mac_answer(const answer *a)
{
    kf_block_cipher cipher = *(const kf_block_cipher *)a->detail;
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_BLOCK_OCTETS_MAX];
    kf_block *b = NULL;
    bool ok = kf_block_new(cipher, KF_BLOCK_USE_CHAIN, view(&key), &b) == KF_OK &&
              kf_block_cbc_mac(b, view(&in), out) == KF_OK &&
              matches(a, (kf_slice){ out, kf_block_octets(cipher) });
    kf_block_free(&b);
    return ok;
}

static bool block_cmac_answer(const answer *a)
{
    kf_block_cipher cipher = *(const kf_block_cipher *)a->detail;
    octets key = unhex(a->key), in = unhex(a->in);
    uint8_t out[KF_BLOCK_OCTETS_MAX];
    kf_block *b = NULL;
    bool ok = kf_block_new(cipher, KF_BLOCK_USE_CHAIN, view(&key), &b) == KF_OK &&
              kf_block_cmac(b, view(&in), out) == KF_OK &&
              matches(a, (kf_slice){ out, kf_block_octets(cipher) });
    kf_block_free(&b);
    return ok;
}

static bool scrypt_answer(const answer *a)
{
    const kf_scrypt_cost cost = { 4, 1, 1 };
    const kf_slice none = { NULL, 0 };
    kf_secret *out = NULL;
    bool ok = kf_scrypt(none, none, cost, 64, &out) == KF_OK && matches(a, kf_secret_view(out));
    kf_secret_free(&out);
    return ok;
}

#define ZERO_128 "00000000000000000000000000000000"
#define SP_KEY   "2b7e151628aed2a6abf7158809cf4f3c"
#define SP_BLOCK "6bc1bee22e409f96e93d7e117393172a"

static const kf_block_cipher aes256 = KF_BLOCK_AES256, tdea = KF_BLOCK_TDEA, des = KF_BLOCK_DES;

static const answer answers[] = {
    /* FIPS 180-4 examples: "abc" */
    { "SHA-256", hash_answer, &KF_SHA256, "", "", "616263",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "SHA-384", hash_answer, &KF_SHA384, "", "", "616263",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
      "8086072ba1e7cc2358baeca134c825a7" },
    { "SHA-512", hash_answer, &KF_SHA512, "", "", "616263",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    /* RFC 4231 case 1 */
    { "HMAC-SHA-256", hmac_answer, NULL, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
      "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    /* tests/vectors/mikey-derive.txt guk-1: the last 28 bits are its GMK-ID XOR GUK-ID */
    { "KDF-33.220", kdf_answer, NULL, "fcfe65cd967c58d260b603ccb9a887a9", "",
      "7369703a703235757365723031406574686572737461636b2e636f6d",
      "0496277227ea8e43da9b6e0953c44b20321aefa4d43f1623b603c427e877434c" },
    /* NIST GCM specification, test cases 2 and 14 */
    { "AES-128-GCM", aead_answer, &KF_AES_128_GCM, ZERO_128, "000000000000000000000000", ZERO_128,
      "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf" },
    { "AES-256-GCM", aead_answer, &KF_AES_256_GCM, ZERO_128 ZERO_128, "000000000000000000000000",
      ZERO_128, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    /* RFC 3394 4.1, RFC 5649 section 6 */
    { "AES-KW", keywrap_answer, NULL, "000102030405060708090a0b0c0d0e0f", "",
      "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" },
    { "AES-KWP", keywrap_answer, "", "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "",
      "c37b7e6492584340bed12207808941155068f738",
      "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a" },
    /* NIST SP 800-38A F.4.1, SP 800-38B D.1 (RFC 4493), SP 800-38A F.1.1 */
    { "AES-OFB", ofb_answer, NULL, SP_KEY, "000102030405060708090a0b0c0d0e0f", SP_BLOCK,
      "3b3fd92eb72dad20333449f8e83cfb4a" },
    { "AES-CMAC", cmac_answer, NULL, SP_KEY, "", SP_BLOCK, "070a16b46b4d4144f79bdd9dd04a287c" },
    { "AES-CBC-MAC", cbc_mac_answer, NULL, SP_KEY, "", SP_BLOCK,
      "3ad77bb40d7a3660a89ecaf32466ef97" },
    /* FIPS 197 C.3; SP 800-67 appendix B (first block); the DES example that textbooks share */
    { "AES-256", block_answer, &aes256,
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "",
      "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089" },
    { "TDEA", block_answer, &tdea, "0123456789abcdef23456789abcdef01456789abcdef0123", "",
      "5468652071756663", "a826fd8ce53b855f" },
    { "DES", block_answer, &des, "133457799bbcdff1", "", "0123456789abcdef", "85e813540f0ab405" },
    /* FIPS 113 appendix: "7654321 Now is the time for " under DES; SP 800-38B D.3, D.4 */
    { "DES-CBC-MAC", block_cbc_mac_answer, &des, "0123456789abcdef", "",
      "37363534333231204e6f77206973207468652074696d6520666f7220", "f1d30f6849312ca4" },
    { "AES-256-CMAC", block_cmac_answer, &aes256,
      "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "",
      SP_BLOCK "ae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
      "aaf3d8f1de5640c232f5b169b9c911e6" },
    { "TDEA-CMAC", block_cmac_answer, &tdea, "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5", "",
      "6bc1bee22e409f96e93d7e117393172aae2d8a57", "743ddbe0ce2dc2ed" },
    /* RFC 7914 section 12 */
    { "scrypt", scrypt_answer, NULL, "", "", "",
      "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
      "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906" },
};

kf_err kf_crypto_selftest(kf_selftest_report *report, void *ctx)
{
    kf_err all = KF_OK;
    for (size_t i = 0; i < KF_COUNT(answers); i++) {
        kf_err result = answers[i].compute(&answers[i]) ? KF_OK : KF_E_BACKEND;
        if (report != NULL)
            report(ctx, answers[i].algorithm, result);
        if (result != KF_OK)
            all = result;
    }
    return all;
}

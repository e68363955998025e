/* The MAC of a KMM: known answers of the three schemes, every bit, auto detection. */
#include "support/testing.h"

#include <string.h>

#include "crypto/hash.h"
#include "p25/mac.h"

static const struct {
    const char *name;
    p25_mac_scheme scheme;
    p25_mac_setting only;
    uint8_t format;
} schemes[] = {
    { "rekey-cbc", P25_MAC_CBC, P25_MAC_ONLY_CBC, 0x40 },
    { "rekey-cmac-c", P25_MAC_CMAC_C, P25_MAC_ONLY_CMAC_C, 0x41 },
    { "rekey-cmac-d", P25_MAC_CMAC_D, P25_MAC_ONLY_CMAC_D, 0x41 },
};

/* One case of the file: its octets and its key. */
typedef struct example {
    uint8_t kmm[256];
    size_t len;
    p25_tek *tek;
} example;

static vectors_file file;

static int load(void **state)
{
    (void)state;
    testing_vectors_load("p25-kmm-mac.txt", &file);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    vectors_clear(&file);
    return 0;
}

static void example_open(size_t i, example *e)
{
    uint8_t key[32];
    vectors_case *c = testing_case(&file, schemes[i].name);
    e->len = testing_field(c, "kmm", e->kmm, sizeof e->kmm).len;
    kf_secret *secret = testing_secret(testing_field(c, "mac_tek", key, sizeof key));
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x2f62, secret, &e->tek));
    kf_secret_free(&secret);
}

static kf_err verify(p25_tek *tek, p25_mac_peer *peer, kf_slice kmm)
{
    p25_kmm_frame f;
    kf_fault fault;
    kf_err err = p25_kmm_frame_parse(kmm, &f, &fault);
    return err == KF_OK ? p25_mac_verify(tek, peer, &f) : err;
}

static void test_known_answers(void **state)
{
    (void)state;
    assert_int_equal(file.count, KF_COUNT(schemes));
    for (size_t i = 0; i < KF_COUNT(schemes); i++) {
        example e;
        uint8_t want[32], mac[8];
        kf_secret *derived = NULL;
        p25_mac_peer peer;
        vectors_case *c = testing_case(&file, schemes[i].name);
        example_open(i, &e);
        kf_slice kmm = { e.kmm, e.len };
        assert_ok(p25_mac_derive(e.tek, schemes[i].scheme, kmm, &derived));
        assert_slice_equal(kf_secret_view(derived), testing_field(c, "mac_key", want, 32));
        kf_secret_free(&derived);
        p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CMAC_D);
        assert_ok(verify(e.tek, &peer, kmm));
        assert_int_equal(peer.scheme, schemes[i].scheme);
        uint8_t *at = e.kmm + e.len - 13;
        testing_field(c, "mac", mac, 8);
        assert_memory_equal(at, mac, 8);
        memset(at, 0, 8);
        assert_ok(p25_mac_fill(e.tek, schemes[i].scheme, e.kmm, e.len));
        assert_memory_equal(at, mac, 8);
        assert_int_equal(p25_mac_format(schemes[i].scheme), schemes[i].format);
        p25_tek_free(&e.tek);
    }
}

/* Any bit, any prefix, an octet more, another key. */
static void test_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(schemes); i++) {
        example e;
        p25_mac_peer peer;
        example_open(i, &e);
        p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CMAC_D);
        for (size_t bit = 0; bit < 8 * e.len; bit++) {
            e.kmm[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(verify(e.tek, &peer, (kf_slice){ e.kmm, e.len }), KF_OK);
            assert_int_equal(peer.scheme, P25_MAC_CMAC_D);
            e.kmm[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = 0; len < e.len; len++)
            assert_int_not_equal(verify(e.tek, &peer, (kf_slice){ e.kmm, len }), KF_OK);
        e.kmm[e.len] = 0;
        assert_int_not_equal(verify(e.tek, &peer, (kf_slice){ e.kmm, e.len + 1 }), KF_OK);
        kf_secret *wrong =
            testing_secret_hex("168562453B3E7F618D68B387E0B997E1FB0F264FA83B74E43B172917BD39339E");
        p25_tek *other = NULL;
        assert_ok(p25_tek_new(P25_ALGID_AES256, 0x2f62, wrong, &other));
        assert_err(verify(other, &peer, (kf_slice){ e.kmm, e.len }), KF_E_AUTH);
        assert_ok(verify(e.tek, &peer, (kf_slice){ e.kmm, e.len }));
        p25_tek_free(&other);
        kf_secret_free(&wrong);
        p25_tek_free(&e.tek);
    }
}

/* A fixed setting takes its own scheme and no other; auto learns, and answers in kind. */
static void test_settings(void **state)
{
    (void)state;
    p25_mac_peer learned;
    p25_mac_peer_init(&learned, P25_MAC_AUTO, P25_MAC_CBC);
    assert_int_equal(learned.scheme, P25_MAC_CBC);
    for (size_t i = 0; i < KF_COUNT(schemes); i++) {
        example e;
        example_open(i, &e);
        for (size_t only = 0; only < KF_COUNT(schemes); only++) {
            p25_mac_peer peer;
            p25_mac_peer_init(&peer, schemes[only].only, P25_MAC_CBC);
            assert_int_equal(peer.scheme, schemes[only].scheme);
            assert_err(verify(e.tek, &peer, (kf_slice){ e.kmm, e.len }),
                       only == i ? KF_OK : KF_E_AUTH);
            assert_int_equal(peer.scheme, schemes[only].scheme);
        }
        assert_ok(verify(e.tek, &learned, (kf_slice){ e.kmm, e.len }));
        assert_int_equal(learned.scheme, schemes[i].scheme);
        p25_tek_free(&e.tek);
    }
}

/* spec: facts 2.4 C7 - lengths that are no multiple of a block; each is bound, and agrees with
 * itself. A KMM without a number has a derivation of its own. */
static void test_every_length(void **state)
{
    (void)state;
    example e;
    example_open(0, &e);
    for (size_t with_mn = 0; with_mn < 2; with_mn++)
        for (size_t body = 0; body <= 300; body++)
            for (size_t i = 0; i < KF_COUNT(schemes); i++) {
                uint8_t kmm[340] = {
                    0x1e, 0, 0, (uint8_t)(with_mn ? 0xa8 : 0x88), 0, 0, 1, 0, 0, 2
                };
                size_t len = 10 + 2 * with_mn + body + 13;
                kmm[1] = (uint8_t)((len - 3) >> 8);
                kmm[2] = (uint8_t)(len - 3);
                const uint8_t trailer[] = { 8, 0x84, 0x2f, 0x62, schemes[i].format };
                memcpy(kmm + len - 5, trailer, 5);
                p25_mac_peer peer;
                p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CMAC_D);
                assert_ok(p25_mac_fill(e.tek, schemes[i].scheme, kmm, len));
                assert_ok(verify(e.tek, &peer, (kf_slice){ kmm, len }));
                assert_int_equal(peer.scheme, schemes[i].scheme);
                kmm[9] ^= 1;
                assert_err(verify(e.tek, &peer, (kf_slice){ kmm, len }), KF_E_AUTH);
            }
    p25_tek_free(&e.tek);
}

/* spec: facts 2.4 - the context of the CMAC key is the header through the number: 10 or 12 octets.
 */
static void test_derivation_context(void **state)
{
    (void)state;
    static const uint8_t counter_c[] = "\0\0\0\1OTAR MAC", counter_d[] = "\1OTAR MAC",
                         bits[] = { 1, 0 };
    example e;
    uint8_t tek[32], want[32];
    example_open(2, &e);
    kf_slice key = testing_field(testing_case(&file, "rekey-cmac-d"), "mac_tek", tek, sizeof tek);
    for (size_t with_mn = 0; with_mn < 2; with_mn++)
        for (size_t is_c = 0; is_c < 2; is_c++) {
            kf_secret *derived = NULL;
            e.kmm[3] = with_mn ? 0xa8 : 0x88;
            const kf_slice parts[] = {
                is_c ? KF_SLICE_OF(counter_c) : KF_SLICE_OF(counter_d), /* its NUL is the 00 */
                { e.kmm, with_mn ? 12 : 10 },
                KF_SLICE_OF(bits),
            };
            assert_ok(kf_hmac_parts(&KF_SHA256, key, parts, KF_COUNT(parts), want));
            assert_ok(p25_mac_derive(e.tek, is_c ? P25_MAC_CMAC_C : P25_MAC_CMAC_D,
                                     (kf_slice){ e.kmm, e.len }, &derived));
            assert_slice_equal(kf_secret_view(derived), KF_SLICE_OF(want));
            kf_secret_free(&derived);
        }
    p25_tek_free(&e.tek);
}

/* What stands in the trailer: length, ALGID, format. -1: left as it is. */
static const struct {
    const char *name;
    int mac_octets, algid, format;
    kf_err want;
} trailers[] = {
    { "as it is", -1, -1, -1, KF_OK },
    { "derived-key bit clear: looked past, but under the MAC", -1, -1, 0x00, KF_E_AUTH },
    { "a version to come", -1, -1, 0x42, KF_E_UNSUPPORTED },
    { "another algorithm", -1, 0x83, -1, KF_E_UNSUPPORTED },
    { "a MAC of four octets", 4, -1, -1, KF_E_UNSUPPORTED },
};

static void test_trailers(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(trailers); i++) {
        example e;
        p25_mac_peer peer;
        example_open(0, &e);
        p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CBC);
        uint8_t *t = e.kmm + e.len - 5;
        t[0] = trailers[i].mac_octets < 0 ? t[0] : (uint8_t)trailers[i].mac_octets;
        t[1] = trailers[i].algid < 0 ? t[1] : (uint8_t)trailers[i].algid;
        t[4] = trailers[i].format < 0 ? t[4] : (uint8_t)trailers[i].format;
        assert_err(verify(e.tek, &peer, (kf_slice){ e.kmm, e.len }), trailers[i].want);
        assert_err(p25_mac_fill(e.tek, P25_MAC_CBC, e.kmm, e.len),
                   trailers[i].want == KF_OK ? KF_OK : KF_E_MALFORMED);
        p25_tek_free(&e.tek);
    }
}

/* Only AES makes MACs; no TEK without an engine for KMMs. */
static void test_other_ciphers(void **state)
{
    (void)state;
    example e;
    p25_tek *tek = NULL;
    p25_mac_peer peer;
    example_open(0, &e);
    p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CBC);
    kf_secret *key = testing_secret_hex("1313131313131313"), *derived = NULL;
    assert_ok(p25_tek_new(P25_ALGID_DES, 1, key, &tek));
    assert_int_equal(p25_tek_algid(tek), P25_ALGID_DES);
    assert_int_equal(p25_tek_kid(tek), 1);
    assert_err(verify(tek, &peer, (kf_slice){ e.kmm, e.len }), KF_E_UNSUPPORTED);
    assert_err(p25_mac_fill(tek, P25_MAC_CBC, e.kmm, e.len), KF_E_UNSUPPORTED);
    assert_err(p25_mac_derive(tek, P25_MAC_CBC, (kf_slice){ e.kmm, e.len }, &derived),
               KF_E_UNSUPPORTED);
    p25_tek_free(&tek);
    assert_err(p25_tek_new(P25_ALGID_ADP, 1, key, &tek), KF_E_UNSUPPORTED);
    assert_err(p25_tek_new(P25_ALGID_AES256, 1, key, &tek), KF_E_MALFORMED);
    assert_null(tek);
    kf_secret_free(&key);
    p25_tek_free(&e.tek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),      cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_settings),           cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_derivation_context), cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_other_ciphers),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

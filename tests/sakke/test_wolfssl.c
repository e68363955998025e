/* Against an independent implementation, wolfSSL: keys, and boxes in both directions. */
#include "support/testing.h"

#include <string.h>

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/sakke.h>

#include "sakke/sakke.h"

static testing_rng rng;

/* One KMS and one of its users, on both sides. */
typedef struct pair {
    uint8_t id[128], point[SAKKE_POINT_OCTETS];
    kf_slice name;
    kf_secret *rsk_octets;
    sakke_public *pub;
    sakke_rsk *rsk;
    SakkeKey theirs; /* holds z, Z, the RSK and the identity */
} pair;

/* wolfSSL reads z || Z; the RSK must come out the same on both sides. */
static void pair_make(pair *p, size_t round)
{
    kf_secret *z = NULL;
    uint8_t private_key[3 * SAKKE_FIELD_OCTETS], raw[2 * SAKKE_FIELD_OCTETS];
    word32 raw_octets = sizeof raw;

    memset(p, 0, sizeof *p);
    p->name = (kf_slice){ p->id, round % 4 == 3 ? 1 + testing_rng_below(&rng, 128) : 32 };
    testing_rng_octets(&rng, p->id, sizeof p->id);
    assert_ok(sakke_master_new(&rng.rng, &z));
    assert_ok(sakke_master_public(z, p->point));
    assert_ok(sakke_rsk_extract(z, p->name, &p->rsk_octets));

    assert_int_equal(wc_InitSakkeKey_ex(&p->theirs, 128, ECC_SAKKE_1, NULL, INVALID_DEVID), 0);
    memcpy(private_key, kf_secret_view(z).ptr, SAKKE_FIELD_OCTETS);
    memcpy(private_key + SAKKE_FIELD_OCTETS, p->point + 1, 2 * SAKKE_FIELD_OCTETS);
    assert_int_equal(wc_ImportSakkeKey(&p->theirs, private_key, sizeof private_key), 0);
    ecc_point *rsk = wc_ecc_new_point();
    assert_non_null(rsk);
    assert_int_equal(wc_MakeSakkeRsk(&p->theirs, p->id, (word16)p->name.len, rsk), 0);
    assert_int_equal(wc_EncodeSakkeRsk(&p->theirs, rsk, raw, &raw_octets, 1), 0);
    assert_slice_equal(((kf_slice){ raw, raw_octets }),
                       kf_slice_part(kf_secret_view(p->rsk_octets), 1, SIZE_MAX));
    assert_int_equal(wc_SetSakkeRsk(&p->theirs, rsk, NULL, 0), 0);
    assert_int_equal(wc_SetSakkeIdentity(&p->theirs, p->id, (word16)p->name.len), 0);
    assert_int_equal(wc_MakeSakkePointI(&p->theirs, p->id, (word16)p->name.len), 0);
    wc_ecc_del_point(rsk);

    const sakke_tables tables = round & 1 ? SAKKE_FULL : SAKKE_SMALL;
    assert_ok(sakke_public_new(KF_SLICE_OF(p->point), tables, &p->pub));
    assert_ok(sakke_rsk_new(p->pub, p->name, p->rsk_octets, tables, &p->rsk));
    kf_secret_free(&z);
}

static void pair_clear(pair *p)
{
    sakke_rsk_free(&p->rsk);
    sakke_public_free(&p->pub);
    kf_secret_free(&p->rsk_octets);
    wc_FreeSakkeKey(&p->theirs);
}

/* Keys of their making: z and the Z that belongs to it. */
static void test_public_key(void **state)
{
    (void)state;
    WC_RNG random;
    assert_int_equal(wc_InitRng(&random), 0);
    for (size_t round = 0; round < testing_count(3, 100); round++) {
        SakkeKey key;
        uint8_t z[SAKKE_FIELD_OCTETS], raw[2 * SAKKE_FIELD_OCTETS], point[SAKKE_POINT_OCTETS];
        word32 z_octets = sizeof z, raw_octets = sizeof raw;
        assert_int_equal(wc_InitSakkeKey_ex(&key, 128, ECC_SAKKE_1, NULL, INVALID_DEVID), 0);
        assert_int_equal(wc_MakeSakkeKey(&key, &random), 0);
        assert_int_equal(wc_ExportSakkePrivateKey(&key, z, &z_octets), 0);
        assert_int_equal(wc_ExportSakkePublicKey(&key, raw, &raw_octets, 1), 0);
        kf_secret *secret = testing_secret((kf_slice){ z, z_octets });
        assert_ok(sakke_master_public(secret, point));
        assert_slice_equal(((kf_slice){ raw, raw_octets }),
                           ((kf_slice){ point + 1, 2 * SAKKE_FIELD_OCTETS }));
        kf_secret_free(&secret);
        wc_FreeSakkeKey(&key);
    }
    wc_FreeRng(&random);
}

static void check_both_ways(pair *p, size_t ssv_octets)
{
    uint8_t sed[SAKKE_SED_MAX], theirs[SAKKE_SSV_MAX];
    word16 auth_octets = SAKKE_POINT_OCTETS;
    kf_secret *ssv = NULL, *opened = NULL;

    /* ours, opened by them */
    assert_ok(kf_secret_new_random(&rng.rng, ssv_octets, &ssv));
    assert_ok(sakke_encapsulate(p->pub, p->name, ssv, SAKKE_STANDARD, sed));
    memcpy(theirs, sed + SAKKE_POINT_OCTETS, ssv_octets);
    assert_int_equal(wc_DeriveSakkeSSV(&p->theirs, WC_HASH_TYPE_SHA256, theirs, (word16)ssv_octets,
                                       sed, SAKKE_POINT_OCTETS),
                     0);
    assert_slice_equal(((kf_slice){ theirs, ssv_octets }), kf_secret_view(ssv));

    /* theirs, opened by us */
    testing_rng_octets(&rng, theirs, ssv_octets);
    memcpy(sed + SAKKE_POINT_OCTETS, theirs, ssv_octets);
    assert_int_equal(wc_MakeSakkeEncapsulatedSSV(&p->theirs, WC_HASH_TYPE_SHA256,
                                                 sed + SAKKE_POINT_OCTETS, (word16)ssv_octets, sed,
                                                 &auth_octets),
                     0);
    assert_int_equal(auth_octets, SAKKE_POINT_OCTETS);
    assert_ok(sakke_decapsulate(p->rsk, (kf_slice){ sed, SAKKE_SED_OCTETS(ssv_octets) },
                                SAKKE_STANDARD, &opened));
    assert_slice_equal(kf_secret_view(opened), ((kf_slice){ theirs, ssv_octets }));
    kf_secret_free(&opened);
    kf_secret_free(&ssv);
}

static void test_both_directions(void **state)
{
    (void)state;
    for (size_t round = 0; round < testing_count(20, 2000); round++) {
        pair p;
        pair_make(&p, round);
        check_both_ways(&p, round % 3 == 2 ? 32 : 16);
        pair_clear(&p);
    }
}

static int set_up(void **state)
{
    (void)state;
    testing_rng_init(&rng, "sakke wolfssl");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_key),
        cmocka_unit_test(test_both_directions),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

/* An independent implementation, wolfSSL: keys and signatures cross in both directions. */
#include <wolfssl/options.h>
/* wolfSSL's options come before its headers. */
#include <wolfssl/wolfcrypt/eccsi.h>
#include <wolfssl/wolfcrypt/random.h>

#include "support/testing.h"

#include <string.h>

#include "eccsi/eccsi.h"

static WC_RNG wolf_rng;

static int open_rng(void **state)
{
    (void)state;
    return wc_InitRng(&wolf_rng);
}

static int close_rng(void **state)
{
    (void)state;
    return wc_FreeRng(&wolf_rng);
}

#define assert_wolf(call) assert_int_equal((call), 0)

/* Everything of one round, on both sides. */
typedef struct round {
    testing_rng rng;
    kf_secret *ksak, *ssk;
    uint8_t kpak[ECCSI_POINT_OCTETS], pvt[ECCSI_POINT_OCTETS];
    uint8_t id_octets[64], message_octets[800];
    kf_slice id, message;
    eccsi_public *pub;

    EccsiKey kms;  /* wolfSSL with the private key */
    EccsiKey user; /* wolfSSL with the public key only */
} round;

static void round_init(round *r, size_t number, testing_rng *lengths)
{
    *r = (round){ .ksak = NULL };
    testing_rng_init(&r->rng, "wolfssl");
    r->rng.counter = UINT64_C(1) << 32 | number << 8; /* a stretch of the stream for each round */
    r->id = (kf_slice){ r->id_octets, 1 + testing_rng_below(lengths, sizeof r->id_octets) };
    r->message =
        (kf_slice){ r->message_octets, 1 + testing_rng_below(lengths, sizeof r->message_octets) };
    testing_rng_octets(&r->rng, r->id_octets, sizeof r->id_octets);
    testing_rng_octets(&r->rng, r->message_octets, sizeof r->message_octets);
    assert_wolf(wc_InitEccsiKey(&r->kms, NULL, INVALID_DEVID));
    assert_wolf(wc_InitEccsiKey(&r->user, NULL, INVALID_DEVID));
}

static void round_clear(round *r)
{
    kf_secret_free(&r->ksak);
    kf_secret_free(&r->ssk);
    eccsi_public_free(&r->pub);
    wc_FreeEccsiKey(&r->kms);
    wc_FreeEccsiKey(&r->user);
}

/* wolfSSL's raw points lack the leading 04. */
static void wolf_import_kpak(round *r)
{
    assert_wolf(wc_ImportEccsiPublicKey(&r->user, r->kpak + 1, ECCSI_POINT_OCTETS - 1, 0));
}

static void our_kms(round *r)
{
    assert_ok(eccsi_ksak_new(&r->rng.rng, &r->ksak));
    assert_ok(eccsi_ksak_public(r->ksak, r->kpak));
    assert_ok(eccsi_public_new(KF_SLICE_OF(r->kpak), &r->pub));
    wolf_import_kpak(r);
}

static void their_kms(round *r)
{
    word32 len = ECCSI_POINT_OCTETS - 1;
    assert_wolf(wc_MakeEccsiKey(&r->kms, &wolf_rng));
    r->kpak[0] = 0x04;
    assert_wolf(wc_ExportEccsiPublicKey(&r->kms, r->kpak + 1, &len, 1));
    assert_int_equal(len, ECCSI_POINT_OCTETS - 1);
    assert_ok(eccsi_public_new(KF_SLICE_OF(r->kpak), &r->pub));
    wolf_import_kpak(r);

    uint8_t key[3 * ECCSI_SCALAR_OCTETS]; /* private, then public x and y */
    len = sizeof key;
    assert_wolf(wc_ExportEccsiKey(&r->kms, key, &len));
    assert_int_equal(len, sizeof key);
    assert_memory_equal(key + ECCSI_SCALAR_OCTETS, r->kpak + 1, ECCSI_POINT_OCTETS - 1);
    r->ksak = testing_secret((kf_slice){ key, ECCSI_SCALAR_OCTETS });
    uint8_t kpak[ECCSI_POINT_OCTETS];
    assert_ok(eccsi_ksak_public(r->ksak, kpak)); /* their key pair is one by our arithmetic */
    assert_memory_equal(kpak, r->kpak, sizeof kpak);
}

/* SSK and PVT as wolfSSL's types. */
typedef struct pair {
    mp_int ssk;
    ecc_point *pvt;
} pair;

static void pair_init(pair *p)
{
    assert_wolf(mp_init(&p->ssk));
    p->pvt = wc_ecc_new_point();
    assert_non_null(p->pvt);
}

static void pair_clear(pair *p)
{
    mp_free(&p->ssk);
    wc_ecc_del_point(p->pvt);
}

static void issue_ours(round *r, pair *theirs)
{
    assert_ok(eccsi_issue(r->ksak, r->id, &r->rng.rng, &r->ssk, r->pvt));
    assert_wolf(
        wc_DecodeEccsiSsk(&r->user, kf_secret_view(r->ssk).ptr, ECCSI_SCALAR_OCTETS, &theirs->ssk));
    assert_wolf(wc_DecodeEccsiPvt(&r->user, r->pvt + 1, ECCSI_POINT_OCTETS - 1, theirs->pvt));
}

static void issue_theirs(round *r, pair *theirs)
{
    uint8_t ssk[ECCSI_SCALAR_OCTETS];
    word32 len = sizeof ssk;
    assert_wolf(wc_MakeEccsiPair(&r->kms, &wolf_rng, WC_HASH_TYPE_SHA256, r->id.ptr,
                                 (word32)r->id.len, &theirs->ssk, theirs->pvt));
    assert_wolf(wc_EncodeEccsiSsk(&r->kms, &theirs->ssk, ssk, &len));
    assert_int_equal(len, sizeof ssk);
    r->ssk = testing_secret(KF_SLICE_OF(ssk));
    len = ECCSI_POINT_OCTETS - 1;
    r->pvt[0] = 0x04;
    assert_wolf(wc_EncodeEccsiPvt(&r->kms, theirs->pvt, r->pvt + 1, &len, 1));
    assert_int_equal(len, ECCSI_POINT_OCTETS - 1);
}

static void they_validate(round *r, pair *theirs)
{
    int valid = 0;
    assert_wolf(wc_ValidateEccsiPair(&r->user, WC_HASH_TYPE_SHA256, r->id.ptr, (word32)r->id.len,
                                     &theirs->ssk, theirs->pvt, &valid));
    assert_int_equal(valid, 1);
}

static void we_sign_they_verify(round *r, const eccsi_signer *signer, pair *theirs)
{
    uint8_t signature[ECCSI_SIGNATURE_OCTETS], hash[WC_MAX_DIGEST_SIZE];
    byte hash_len = 0;
    assert_ok(eccsi_sign(signer, r->message, &r->rng.rng, signature));
    assert_wolf(wc_DecodeEccsiPvtFromSig(&r->user, signature, sizeof signature, theirs->pvt));
    assert_wolf(wc_HashEccsiId(&r->user, WC_HASH_TYPE_SHA256, r->id.ptr, (word32)r->id.len,
                               theirs->pvt, hash, &hash_len));
    assert_wolf(wc_SetEccsiHash(&r->user, hash, hash_len));
    for (int flip = 0; flip < 2; flip++) { /* once as it is, once with a changed message */
        int verified = -1;
        r->message_octets[0] ^= (uint8_t)flip;
        assert_wolf(wc_VerifyEccsiHash(&r->user, WC_HASH_TYPE_SHA256, r->message.ptr,
                                       (word32)r->message.len, signature, sizeof signature,
                                       &verified));
        r->message_octets[0] ^= (uint8_t)flip;
        assert_int_equal(verified, 1 - flip);
    }
}

static void they_sign_we_verify(round *r, pair *theirs)
{
    uint8_t signature[ECCSI_SIGNATURE_OCTETS], hash[WC_MAX_DIGEST_SIZE];
    byte hash_len = 0;
    word32 len = sizeof signature;
    assert_wolf(wc_HashEccsiId(&r->user, WC_HASH_TYPE_SHA256, r->id.ptr, (word32)r->id.len,
                               theirs->pvt, hash, &hash_len));
    assert_wolf(wc_SetEccsiHash(&r->user, hash, hash_len));
    assert_wolf(wc_SetEccsiPair(&r->user, &theirs->ssk, theirs->pvt));
    assert_wolf(wc_SignEccsiHash(&r->user, &wolf_rng, WC_HASH_TYPE_SHA256, r->message.ptr,
                                 (word32)r->message.len, signature, &len));
    assert_int_equal(len, sizeof signature);
    assert_ok(eccsi_verify(r->pub, r->id, r->message, KF_SLICE_OF(signature)));
    signature[testing_rng_below(&r->rng, sizeof signature)] ^=
        (uint8_t)(1u << testing_rng_below(&r->rng, 8));
    assert_err(eccsi_verify(r->pub, r->id, r->message, KF_SLICE_OF(signature)), KF_E_AUTH);
}

typedef void make_kms(round *r);
typedef void issue_pair(round *r, pair *theirs);

static void run_rounds(make_kms *kms, issue_pair *issue)
{
    testing_rng lengths;
    testing_rng_init(&lengths, "lengths");
    for (size_t i = 0, n = testing_count(25, 2000); i < n; i++) {
        round r;
        pair theirs;
        eccsi_signer *signer = NULL;
        round_init(&r, i, &lengths);
        pair_init(&theirs);
        kms(&r);
        issue(&r, &theirs);
        they_validate(&r, &theirs);
        assert_ok(eccsi_signer_new(r.pub, r.id, r.ssk, KF_SLICE_OF(r.pvt), &signer));
        they_sign_we_verify(&r, &theirs);
        we_sign_they_verify(&r, signer, &theirs);
        eccsi_signer_free(&signer);
        pair_clear(&theirs);
        round_clear(&r);
    }
}

static void our_keys(void **state)
{
    (void)state;
    run_rounds(our_kms, issue_ours);
}

static void their_keys(void **state)
{
    (void)state;
    run_rounds(their_kms, issue_theirs);
}

static void their_kms_key_our_issue(void **state)
{
    (void)state;
    run_rounds(their_kms, issue_ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_keys),
        cmocka_unit_test(their_keys),
        cmocka_unit_test(their_kms_key_our_issue),
    };
    return cmocka_run_group_tests(tests, open_rng, close_rng);
}

/* RFC 6507's example field by field, round trips, and everything that has to be refused. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>

#include "eccsi/eccsi.h"
#include "eccsi/eccsi_kat.h"

static const char ORDER_HEX[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char PRIME_HEX[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
static const char ZERO_HEX[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* A KMS, one user, one good signature. */
typedef struct scene {
    testing_rng rng;
    kf_secret *ksak, *ssk;
    uint8_t kpak[ECCSI_POINT_OCTETS], pvt[ECCSI_POINT_OCTETS];
    uint8_t id[32], message[48];
    uint8_t signature[ECCSI_SIGNATURE_OCTETS];
    eccsi_public *pub;
    eccsi_signer *signer;
} scene;

static void scene_init(scene *s, const char *label)
{
    *s = (scene){ .ksak = NULL };
    testing_rng_init(&s->rng, label);
    testing_rng_octets(&s->rng, s->id, sizeof s->id);
    testing_rng_octets(&s->rng, s->message, sizeof s->message);
    assert_ok(eccsi_ksak_new(&s->rng.rng, &s->ksak));
    assert_ok(eccsi_ksak_public(s->ksak, s->kpak));
    assert_ok(eccsi_public_new(KF_SLICE_OF(s->kpak), &s->pub));
    assert_slice_equal(eccsi_public_point(s->pub), KF_SLICE_OF(s->kpak));
    assert_ok(eccsi_issue(s->ksak, KF_SLICE_OF(s->id), &s->rng.rng, &s->ssk, s->pvt));
    assert_ok(
        eccsi_signer_new(s->pub, KF_SLICE_OF(s->id), s->ssk, KF_SLICE_OF(s->pvt), &s->signer));
    assert_ok(eccsi_sign(s->signer, KF_SLICE_OF(s->message), &s->rng.rng, s->signature));
}

static kf_err scene_verify(const scene *s)
{
    return eccsi_verify(s->pub, KF_SLICE_OF(s->id), KF_SLICE_OF(s->message),
                        KF_SLICE_OF(s->signature));
}

static void scene_clear(scene *s)
{
    kf_secret_free(&s->ksak);
    kf_secret_free(&s->ssk);
    eccsi_public_free(&s->pub);
    eccsi_signer_free(&s->signer);
    assert_null(s->pub);
    assert_null(s->signer);
    eccsi_public_free(&s->pub); /* twice is fine */
    eccsi_signer_free(&s->signer);
    eccsi_public_free(NULL);
    eccsi_signer_free(NULL);
}

/* Fields of one case of eccsi.txt; a point is the longest but for message and signature. */
typedef struct field {
    uint8_t buf[256];
    kf_slice octets;
} field;

static kf_slice get(vectors_case *c, const char *name, field *f)
{
    f->octets = testing_field(c, name, f->buf, sizeof f->buf);
    return f->octets;
}

static void check_field(vectors_case *c, const char *name, const uint8_t *got, size_t len)
{
    field want;
    print_message("  %s\n", name);
    assert_slice_equal(((kf_slice){ got, len }), get(c, name, &want));
}

static void known_answer_issue(vectors_case *c)
{
    field f, id;
    kf_secret *ksak = testing_secret(get(c, "ksak", &f));
    kf_secret *v = testing_secret(get(c, "v", &f));
    uint8_t kpak[ECCSI_POINT_OCTETS];
    eccsi_kat_issued issued;

    assert_ok(eccsi_ksak_public(ksak, kpak));
    check_field(c, "kpak", kpak, sizeof kpak);
    assert_ok(eccsi_kat_issue(ksak, get(c, "id", &id), v, &issued));
    check_field(c, "pvt", issued.pvt, sizeof issued.pvt);
    check_field(c, "hs", issued.hs, sizeof issued.hs);
    check_field(c, "ssk", kf_secret_view(issued.ssk).ptr, kf_secret_len(issued.ssk));
    kf_secret_free(&issued.ssk);
    kf_secret_free(&ksak);
    kf_secret_free(&v);
}

static void known_answer_sign(vectors_case *c)
{
    field f, id, pvt, message;
    kf_secret *ssk = testing_secret(get(c, "ssk", &f));
    kf_secret *j = testing_secret(get(c, "j", &f));
    eccsi_public *pub;
    eccsi_signer *signer;
    eccsi_kat_signed made;
    uint8_t hs[32];

    assert_ok(eccsi_public_new(get(c, "kpak", &f), &pub));
    assert_ok(eccsi_signer_new(pub, get(c, "id", &id), ssk, get(c, "pvt", &pvt), &signer));
    assert_ok(eccsi_kat_hs(f.octets, id.octets, pvt.octets, hs));
    check_field(c, "hs", hs, sizeof hs);
    assert_ok(eccsi_kat_sign(signer, get(c, "message", &message), j, &made));
    check_field(c, "j_point", made.j_point, sizeof made.j_point);
    check_field(c, "he", made.he, sizeof made.he);
    check_field(c, "s_prime", made.s_prime, sizeof made.s_prime);
    check_field(c, "r", made.signature, 32);
    check_field(c, "s", made.signature + 32, 32);
    check_field(c, "signature", made.signature, sizeof made.signature);
    assert_ok(eccsi_verify(pub, id.octets, message.octets, get(c, "signature", &f)));
    kf_secret_free(&ssk);
    kf_secret_free(&j);
    eccsi_public_free(&pub);
    eccsi_signer_free(&signer);
}

static void known_answers(void **state)
{
    (void)state;
    vectors_file file;
    testing_vectors_load("eccsi.txt", &file);
    assert_true(file.count > 0);
    for (size_t i = 0; i < file.count; i++) {
        known_answer_issue(&file.cases[i]);
        known_answer_sign(&file.cases[i]);
        for (size_t k = 0; k < file.cases[i].count; k++)
            assert_true(file.cases[i].fields[k].used);
    }
    vectors_clear(&file);
}

static void round_trips(void **state)
{
    (void)state;
    for (size_t i = testing_count(20, 2000); i > 0; i--) {
        scene s;
        char label[32];
        (void)snprintf(label, sizeof label, "round %zu", i);
        scene_init(&s, label);
        assert_ok(scene_verify(&s));
        scene_clear(&s);
    }
}

static void any_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 800, 16384 };
    static uint8_t octets[16384];
    scene s;
    scene_init(&s, "lengths");
    testing_rng_octets(&s.rng, octets, sizeof octets);
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        kf_slice text = { octets, lengths[i] };
        kf_secret *ssk = NULL;
        uint8_t pvt[ECCSI_POINT_OCTETS], signature[ECCSI_SIGNATURE_OCTETS];
        eccsi_signer *signer = NULL;
        assert_ok(eccsi_issue(s.ksak, text, &s.rng.rng, &ssk, pvt));
        assert_ok(eccsi_signer_new(s.pub, text, ssk, KF_SLICE_OF(pvt), &signer));
        assert_ok(eccsi_sign(signer, text, &s.rng.rng, signature));
        assert_ok(eccsi_verify(s.pub, text, text, KF_SLICE_OF(signature)));
        if (lengths[i] > 0) { /* an octet may not move between identifier and message */
            kf_slice shorter = { octets, lengths[i] - 1 };
            assert_err(eccsi_verify(s.pub, shorter, text, KF_SLICE_OF(signature)), KF_E_AUTH);
            assert_err(eccsi_verify(s.pub, text, shorter, KF_SLICE_OF(signature)), KF_E_AUTH);
        }
        kf_secret_free(&ssk);
        eccsi_signer_free(&signer);
    }
    scene_clear(&s);
}

static void every_bit_counts(void **state)
{
    (void)state;
    scene s;
    scene_init(&s, "bits");
    struct {
        const char *name;
        uint8_t *octets;
        size_t len;
    } parts[] = { { "signature", s.signature, sizeof s.signature },
                  { "id", s.id, sizeof s.id },
                  { "message", s.message, sizeof s.message } };
    for (size_t p = 0; p < KF_COUNT(parts); p++) {
        print_message("  %s\n", parts[p].name);
        for (size_t bit = 0; bit < 8 * parts[p].len; bit++) {
            parts[p].octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_err(scene_verify(&s), KF_E_AUTH);
            parts[p].octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_ok(scene_verify(&s));
    scene_clear(&s);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    scene s;
    uint8_t longer[ECCSI_SIGNATURE_OCTETS + 1] = { 0 };
    scene_init(&s, "prefix");
    for (size_t len = 0; len < ECCSI_SIGNATURE_OCTETS; len++)
        assert_err(eccsi_verify(s.pub, KF_SLICE_OF(s.id), KF_SLICE_OF(s.message),
                                (kf_slice){ s.signature, len }),
                   KF_E_AUTH);
    memcpy(longer, s.signature, sizeof s.signature);
    assert_err(eccsi_verify(s.pub, KF_SLICE_OF(s.id), KF_SLICE_OF(s.message), KF_SLICE_OF(longer)),
               KF_E_AUTH);
    scene_clear(&s);
}

static void signature_values_out_of_range(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        const char *hex;
    } cases[] = {
        { "r = 0", 0, ZERO_HEX },
        { "r = q", 0, ORDER_HEX },
        { "r = p", 0, PRIME_HEX },
        { "r all ones", 0, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { "s = 0", 32, ZERO_HEX },
        { "s = q", 32, ORDER_HEX },
        { "s all ones", 32, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { "r = s = 0", 0,
          "0000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000000" },
        { "PVT compressed tag", 64, "02" },
        { "PVT hybrid tag, even", 64, "06" },
        { "PVT hybrid tag, odd", 64, "07" },
        { "PVT infinity tag", 64, "00" },
        { "PVT.x = p", 65, PRIME_HEX },
        { "PVT.x = 0", 65, ZERO_HEX },
        { "PVT.y = 0", 97, ZERO_HEX },
        { "PVT all zero", 64,
          "00"
          "0000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000000" },
    };
    scene s;
    scene_init(&s, "range");
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t kept[ECCSI_SIGNATURE_OCTETS];
        print_message("  %s\n", cases[i].name);
        memcpy(kept, s.signature, sizeof kept);
        (void)testing_hex(cases[i].hex, s.signature + cases[i].at,
                          sizeof s.signature - cases[i].at);
        assert_err(scene_verify(&s), KF_E_AUTH);
        memcpy(s.signature, kept, sizeof kept);
    }
    assert_ok(scene_verify(&s));
    scene_clear(&s);
}

/* s and q - s give J and -J, which have the same x, so the RFC's rule accepts both: anybody can
 * make a second signature of the same message. Nothing may take a signature's octets for an
 * identifier. */
static void negated_s_is_the_same_signature(void **state)
{
    (void)state;
    scene s;
    uint8_t order[32];
    scene_init(&s, "negated");
    (void)testing_hex(ORDER_HEX, order, sizeof order);
    int borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        int d = order[i] - s.signature[32 + i] - borrow;
        borrow = d < 0;
        s.signature[32 + i] = (uint8_t)(d & 0xff);
    }
    assert_ok(scene_verify(&s));
    scene_clear(&s);
}

static void bad_public_keys(void **state)
{
    (void)state;
    scene s;
    eccsi_public *pub = NULL;
    scene_init(&s, "public");
    for (size_t len = 0; len < ECCSI_POINT_OCTETS; len++) {
        assert_err(eccsi_public_new((kf_slice){ s.kpak, len }, &pub), KF_E_TRUNCATED);
        assert_null(pub);
    }
    uint8_t longer[ECCSI_POINT_OCTETS + 1] = { 0 };
    memcpy(longer, s.kpak, sizeof s.kpak);
    assert_err(eccsi_public_new(KF_SLICE_OF(longer), &pub), KF_E_TRAILING);
    for (size_t bit = 0; bit < 8 * sizeof s.kpak; bit++) {
        s.kpak[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(eccsi_public_new(KF_SLICE_OF(s.kpak), &pub), KF_E_MALFORMED);
        assert_null(pub);
        s.kpak[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    scene_clear(&s);
}

static kf_err try_signer(const scene *s, kf_slice id, const kf_secret *ssk, kf_slice pvt)
{
    eccsi_signer *signer = NULL;
    kf_err err = eccsi_signer_new(s->pub, id, ssk, pvt, &signer);
    assert_true((signer != NULL) == (err == KF_OK));
    eccsi_signer_free(&signer);
    return err;
}

static void wrong_signing_keys(void **state)
{
    (void)state;
    scene s, other;
    scene_init(&s, "one");
    scene_init(&other, "two");
    kf_slice id = KF_SLICE_OF(s.id), pvt = KF_SLICE_OF(s.pvt);
    assert_ok(try_signer(&s, id, s.ssk, pvt));
    assert_err(try_signer(&s, KF_SLICE_OF(other.id), s.ssk, pvt), KF_E_AUTH);
    assert_err(try_signer(&s, (kf_slice){ NULL, 0 }, s.ssk, pvt), KF_E_AUTH);
    assert_err(try_signer(&s, id, other.ssk, pvt), KF_E_AUTH);
    assert_err(try_signer(&s, id, s.ssk, KF_SLICE_OF(other.pvt)), KF_E_AUTH);
    assert_err(try_signer(&s, id, s.ssk, KF_SLICE_OF(s.kpak)), KF_E_AUTH);
    assert_err(try_signer(&other, id, s.ssk, pvt), KF_E_AUTH); /* another KMS */
    for (size_t bit = 0; bit < 256; bit++) {
        kf_secret *flipped = testing_secret(kf_secret_view(s.ssk));
        kf_secret_edit(flipped)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        kf_err err = try_signer(&s, id, flipped, pvt);
        assert_true(err == KF_E_AUTH || (err == KF_E_MALFORMED && bit < 64)); /* now above q */
        kf_secret_free(&flipped);
    }
    scene_clear(&s);
    scene_clear(&other);
}

static void malformed_signing_keys(void **state)
{
    (void)state;
    static const char *const keys[] = { "", "01", ZERO_HEX, ORDER_HEX,
                                        "0000000000000000000000000000000000000000000000000000"
                                        "00000000000101" };
    scene s;
    scene_init(&s, "malformed");
    kf_slice id = KF_SLICE_OF(s.id);
    for (size_t i = 0; i < KF_COUNT(keys); i++) {
        kf_secret *ssk = testing_secret_hex(keys[i]);
        assert_err(try_signer(&s, id, ssk, KF_SLICE_OF(s.pvt)), KF_E_MALFORMED);
        kf_secret_free(&ssk);
    }
    assert_err(try_signer(&s, id, NULL, KF_SLICE_OF(s.pvt)), KF_E_MALFORMED);
    for (size_t len = 0; len < ECCSI_POINT_OCTETS; len++)
        assert_err(try_signer(&s, id, s.ssk, (kf_slice){ s.pvt, len }), KF_E_MALFORMED);
    for (size_t bit = 0; bit < 8 * ECCSI_POINT_OCTETS; bit++) { /* off the curve, or no point */
        s.pvt[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(try_signer(&s, id, s.ssk, KF_SLICE_OF(s.pvt)), KF_E_MALFORMED);
        s.pvt[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    scene_clear(&s);
}

static void bad_kms_keys(void **state)
{
    (void)state;
    static const char *const keys[] = { "", "01", ZERO_HEX, ORDER_HEX };
    scene s;
    scene_init(&s, "kms");
    for (size_t i = 0; i < KF_COUNT(keys); i++) {
        kf_secret *bad = testing_secret_hex(keys[i]), *ssk = s.ksak;
        uint8_t point[ECCSI_POINT_OCTETS], zero[ECCSI_POINT_OCTETS] = { 0 };
        eccsi_kat_issued issued;
        eccsi_kat_signed made;
        memset(point, 1, sizeof point);
        assert_err(eccsi_ksak_public(bad, point), KF_E_MALFORMED);
        assert_memory_equal(point, zero, sizeof zero);
        memset(point, 1, sizeof point);
        assert_err(eccsi_issue(bad, KF_SLICE_OF(s.id), &s.rng.rng, &ssk, point), KF_E_MALFORMED);
        assert_null(ssk);
        assert_memory_equal(point, zero, sizeof zero);
        assert_err(eccsi_kat_issue(s.ksak, KF_SLICE_OF(s.id), bad, &issued), KF_E_MALFORMED);
        assert_null(issued.ssk);
        assert_err(eccsi_kat_sign(s.signer, KF_SLICE_OF(s.message), bad, &made), KF_E_MALFORMED);
        kf_secret_free(&bad);
    }
    scene_clear(&s);
}

/* When the generator fails, so do we, with empty outputs. */
static void no_randomness(void **state)
{
    (void)state;
    scene s;
    scene_init(&s, "dry");
    kf_secret *out = s.ksak;
    uint8_t pvt[ECCSI_POINT_OCTETS], signature[ECCSI_SIGNATURE_OCTETS];
    static const uint8_t zero[ECCSI_SIGNATURE_OCTETS];
    memset(pvt, 1, sizeof pvt);
    memset(signature, 1, sizeof signature);
    s.rng.budget = 31;
    assert_err(eccsi_ksak_new(&s.rng.rng, &out), KF_E_BACKEND);
    assert_null(out);
    out = s.ksak;
    assert_err(eccsi_issue(s.ksak, KF_SLICE_OF(s.id), &s.rng.rng, &out, pvt), KF_E_BACKEND);
    assert_null(out);
    assert_memory_equal(pvt, zero, sizeof pvt);
    assert_err(eccsi_sign(s.signer, KF_SLICE_OF(s.message), &s.rng.rng, signature), KF_E_BACKEND);
    assert_memory_equal(signature, zero, sizeof signature);
    scene_clear(&s);
}

/* Two signatures of one message draw twice. */
static void a_fresh_nonce_each_time(void **state)
{
    (void)state;
    scene s;
    uint8_t again[ECCSI_SIGNATURE_OCTETS];
    scene_init(&s, "nonce");
    assert_ok(eccsi_sign(s.signer, KF_SLICE_OF(s.message), &s.rng.rng, again));
    assert_memory_not_equal(again, s.signature, 32);
    assert_memory_not_equal(again + 32, s.signature + 32, 32);
    assert_memory_equal(again + 64, s.signature + 64, 65);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(any_lengths),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(signature_values_out_of_range),
        cmocka_unit_test(negated_s_is_the_same_signature),
        cmocka_unit_test(bad_public_keys),
        cmocka_unit_test(wrong_signing_keys),
        cmocka_unit_test(malformed_signing_keys),
        cmocka_unit_test(bad_kms_keys),
        cmocka_unit_test(no_randomness),
        cmocka_unit_test(a_fresh_nonce_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

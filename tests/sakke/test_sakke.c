/* The scheme: known answers field by field, and everything that must be refused. */
#include "support/testing.h"

#include <string.h>

#include "sakke/comb.h"
#include "sakke/params.h"
#include "sakke/range.h"
#include "sakke/sakke.h"
#include "sakke/shared.h"

/* One case of sakke.txt as octets. Missing fields are empty. */
typedef struct answer {
    uint8_t buf[16][300];
    kf_slice z, z_point, id, rsk, ssv, r, r_point, g_r, w, mask, h, sed;
    bool fails;
} answer;

static vectors_file file;
static testing_rng rng;

static int set_up(void **state)
{
    (void)state;
    testing_vectors_load("sakke.txt", &file);
    testing_rng_init(&rng, "sakke");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vectors_clear(&file);
    return 0;
}

static kf_slice optional(vectors_case *c, const char *name, uint8_t *buf)
{
    return vectors_has(c, name) ? testing_field(c, name, buf, 300) : (kf_slice){ NULL, 0 };
}

static void answer_load(answer *a, vectors_case *c)
{
    memset(a, 0, sizeof *a);
    a->z = optional(c, "z", a->buf[0]);
    a->z_point = optional(c, "z_point", a->buf[1]);
    a->id = optional(c, "id", a->buf[2]);
    a->rsk = optional(c, "rsk", a->buf[3]);
    a->ssv = optional(c, "ssv", a->buf[4]);
    a->r = optional(c, "r", a->buf[5]);
    a->r_point = optional(c, "r_point", a->buf[6]);
    a->g_r = optional(c, "g_r", a->buf[7]);
    a->w = optional(c, "w", a->buf[8]);
    a->mask = optional(c, "mask", a->buf[9]);
    a->h = optional(c, "h", a->buf[10]);
    a->sed = optional(c, "sed", a->buf[11]);
    a->fails = vectors_has(c, "expect");
}

/* A user: the public key of a KMS and a checked RSK. */
typedef struct user {
    answer a;
    sakke_public *pub;
    sakke_rsk *rsk;
} user;

static void user_open(user *u, const char *case_name, sakke_tables tables)
{
    answer_load(&u->a, testing_case(&file, case_name));
    kf_secret *octets = testing_secret(u->a.rsk);
    u->pub = NULL;
    u->rsk = NULL;
    assert_ok(sakke_public_new(u->a.z_point, tables, &u->pub));
    assert_ok(sakke_rsk_new(u->pub, u->a.id, octets, tables, &u->rsk));
    kf_secret_free(&octets);
}

static void user_close(user *u)
{
    sakke_rsk_free(&u->rsk);
    sakke_public_free(&u->pub);
    assert_null(u->rsk);
    assert_null(u->pub);
}

/* Decapsulation must give want, and no SSV unless that is KF_OK. */
static void assert_open(const user *u, kf_slice sed, sakke_variant variant, kf_err want,
                        const char *what, size_t at)
{
    kf_secret *ssv = NULL;
    kf_err got = sakke_decapsulate(u->rsk, sed, variant, &ssv);
    const bool empty = ssv == NULL;
    kf_secret_free(&ssv);
    if (got != want || empty != (want != KF_OK))
        fail_msg("%s at %zu: %s, not %s", what, at, kf_err_name(got), kf_err_name(want));
}

static void test_constants(void **state)
{
    (void)state;
    vectors_case *c = testing_case(&file, "parameter-set-1");
    uint8_t buf[300], octets[128];
    assert_slice_equal(testing_field(c, "P", buf, sizeof buf), KF_SLICE_OF(SAKKE_P_POINT));
    assert_slice_equal(testing_field(c, "g", buf, sizeof buf), KF_SLICE_OF(SAKKE_G));
    sakke_limbs_to_octets(octets, SAKKE_Q);
    assert_slice_equal(testing_field(c, "q", buf, sizeof buf), KF_SLICE_OF(octets));
    /* p: itself refused, p - 1 accepted, and 1 - (p - 1) = 2 */
    kf_slice p = testing_field(c, "p", buf, sizeof buf);
    sakke_fp minus_one, one, two;
    assert_int_equal(p.len, SAKKE_FIELD_OCTETS);
    assert_false(sakke_field_get()->from_octets(&minus_one, p.ptr, 1));
    buf[127]--;
    assert_true(sakke_field_get()->from_octets(&minus_one, p.ptr, 1));
    fp_set_one(&one);
    fp_sub(&minus_one, &one, &minus_one, 1);
    fp_add(&two, &one, &one, 1);
    assert_true(fp_equal(&minus_one, &two));
}

static void check_key_issue(const answer *a)
{
    uint8_t z_point[SAKKE_POINT_OCTETS];
    kf_secret *z = testing_secret(a->z), *rsk = NULL;
    assert_ok(sakke_master_public(z, z_point));
    assert_slice_equal(KF_SLICE_OF(z_point), a->z_point);
    assert_ok(sakke_rsk_extract(z, a->id, &rsk));
    assert_slice_equal(kf_secret_view(rsk), a->rsk);
    kf_secret_free(&rsk);
    kf_secret_free(&z);
}

/* The values inside an encapsulation: r, g^r and the mask. */
static void check_intermediate(const answer *a)
{
    const kf_slice parts[2] = { a->ssv, a->id };
    uint8_t blocks[128], octets[128];
    const sakke_shared *shared;
    sakke_scalar r;
    sakke_pfp power;
    assert_ok(sakke_hash_blocks(parts, 2, 4, blocks));
    assert_ok(sakke_scalar_reduce(KF_SLICE_OF(blocks), &r));
    sakke_scalar_to_octets(octets, &r);
    assert_slice_equal(KF_SLICE_OF(octets), a->r);
    assert_ok(sakke_shared_get(&shared));
    sakke_power_comb_raise(&power, &shared->g, &r);
    fp_inv(&power.a, &power.a);
    fp_mul(&power.b, &power.b, &power.a, 1);
    sakke_field_get()->to_octets(octets, &power.b, 1);
    assert_slice_equal(KF_SLICE_OF(octets), a->g_r);
    if (a->w.len > 0)
        assert_slice_equal(a->w, a->g_r);
    assert_ok(sakke_hash_blocks(&a->g_r, 1, 1, blocks));
    assert_slice_equal(((kf_slice){ blocks + 32 - a->ssv.len, a->ssv.len }), a->mask);
    for (size_t i = 0; i < a->h.len; i++)
        assert_int_equal(a->h.ptr[i], a->ssv.ptr[i] ^ a->mask.ptr[i]);
    assert_slice_equal(kf_slice_part(a->sed, 0, SAKKE_POINT_OCTETS), a->r_point);
    assert_slice_equal(kf_slice_part(a->sed, SAKKE_POINT_OCTETS, 32), a->h);
}

static void check_seal_and_open(const user *u)
{
    uint8_t sed[SAKKE_SED_MAX];
    kf_secret *ssv = testing_secret(u->a.ssv), *opened = NULL;
    assert_ok(sakke_encapsulate(u->pub, u->a.id, ssv, SAKKE_STANDARD, sed));
    assert_slice_equal(((kf_slice){ sed, SAKKE_SED_OCTETS(u->a.ssv.len) }), u->a.sed);
    assert_ok(sakke_decapsulate(u->rsk, u->a.sed, SAKKE_STANDARD, &opened));
    assert_slice_equal(kf_secret_view(opened), u->a.ssv);
    kf_secret_free(&opened);
    kf_secret_free(&ssv);
}

static void test_vectors(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < file.count; i++) {
        char name[64] = { 0 };
        memcpy(name, file.cases[i].name.ptr, file.cases[i].name.len);
        if (strcmp(name, "parameter-set-1") == 0)
            continue;
        for (int tables = SAKKE_SMALL; tables <= SAKKE_FULL; tables++) {
            user u;
            user_open(&u, name, (sakke_tables)tables);
            if (u.a.z.len > 0)
                check_key_issue(&u.a);
            if (u.a.fails) {
                assert_open(&u, u.a.sed, SAKKE_STANDARD, KF_E_AUTH, name, 0);
                assert_open(&u, u.a.sed, SAKKE_L2, KF_OK, name, 0);
            } else {
                check_intermediate(&u.a);
                check_seal_and_open(&u);
            }
            user_close(&u);
            checked++;
        }
    }
    assert_int_equal(checked, 6);
}

/* Own round trips: both lengths, both variants, all mixtures of tables, identifiers of any length.
 */
static void test_round_trips(void **state)
{
    (void)state;
    for (size_t round = 0; round < testing_count(6, 500); round++) {
        uint8_t id[128], point[SAKKE_POINT_OCTETS], sed[SAKKE_SED_MAX];
        const kf_slice name = { id, 1 + round * 31 % 128 };
        const size_t ssv_octets = round & 1 ? 32 : 16;
        const sakke_variant variant = round & 2 ? SAKKE_L2 : SAKKE_STANDARD;
        kf_secret *z = NULL, *octets = NULL, *ssv = NULL, *opened = NULL;
        sakke_public *pub = NULL;
        sakke_rsk *rsk = NULL;
        testing_rng_octets(&rng, id, sizeof id);
        assert_ok(sakke_master_new(&rng.rng, &z));
        assert_int_equal(kf_secret_len(z), 128);
        assert_ok(sakke_master_public(z, point));
        assert_ok(sakke_rsk_extract(z, name, &octets));
        assert_ok(sakke_public_new(KF_SLICE_OF(point), round & 1 ? SAKKE_FULL : SAKKE_SMALL, &pub));
        assert_slice_equal(sakke_public_point(pub), KF_SLICE_OF(point));
        assert_ok(sakke_rsk_new(pub, name, octets, round % 3 ? SAKKE_FULL : SAKKE_SMALL, &rsk));
        assert_ok(kf_secret_new_random(&rng.rng, ssv_octets, &ssv));
        assert_ok(sakke_encapsulate(pub, name, ssv, variant, sed));
        const kf_slice sent = { sed, SAKKE_SED_OCTETS(ssv_octets) };
        assert_ok(sakke_decapsulate(rsk, sent, variant, &opened));
        assert_true(kf_secret_equal(ssv, opened));
        kf_secret_free(&opened);
        if (ssv_octets == 32) /* the two variants differ for 256 bits only */
            assert_err(sakke_decapsulate(rsk, sent, variant ^ SAKKE_L2, &opened), KF_E_AUTH);
        else
            assert_ok(sakke_decapsulate(rsk, sent, variant ^ SAKKE_L2, &opened));
        kf_secret_free(&opened);
        assert_true(sakke_public_table_octets(pub) <= 1u << 20);
        assert_true(sakke_rsk_table_octets(rsk) <= 1u << 20);
        sakke_rsk_free(&rsk);
        sakke_public_free(&pub);
        kf_secret_free(&z);
        kf_secret_free(&octets);
        kf_secret_free(&ssv);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    user u;
    uint8_t longer[SAKKE_SED_MAX + 1] = { 0 };
    user_open(&u, "rfc6508-a", SAKKE_FULL);
    memcpy(longer, u.a.sed.ptr, u.a.sed.len);
    for (size_t len = 0; len < SAKKE_SED_MAX; len++)
        if (len != u.a.sed.len)
            assert_open(&u, (kf_slice){ longer, len }, SAKKE_STANDARD, KF_E_TRUNCATED, "prefix",
                        len);
    assert_open(&u, KF_SLICE_OF(longer), SAKKE_STANDARD, KF_E_TRAILING, "longer", 0);
    assert_open(&u, (kf_slice){ longer, SAKKE_SED_MAX }, SAKKE_STANDARD, KF_E_AUTH, "16 more", 0);
    user_close(&u);
}

/* A flip in H is a wrong SSV; a flip in R is no point of the curve. */
static void test_bit_flips(void **state)
{
    (void)state;
    for (int tables = SAKKE_SMALL; tables <= SAKKE_FULL; tables++) {
        user u;
        uint8_t sed[SAKKE_SED_MAX];
        user_open(&u, "rfc6508-a", (sakke_tables)tables);
        const kf_slice sent = { sed, u.a.sed.len };
        memcpy(sed, u.a.sed.ptr, sent.len);
        for (size_t bit = 0; bit < 8 * sent.len; bit++) {
            const bool in_r = bit < 8 * SAKKE_POINT_OCTETS;
            if (in_r && bit % 7 != 0 && testing_count(1, 2) == 1)
                continue;
            if (!in_r && tables == SAKKE_SMALL && bit % 16 != 0)
                continue; /* the whole of H once, with FULL tables */
            sed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_open(&u, sent, SAKKE_STANDARD, in_r ? KF_E_MALFORMED : KF_E_AUTH, "bit", bit);
            sed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_open(&u, sent, SAKKE_STANDARD, KF_OK, "unchanged", 0);
        user_close(&u);
    }
}

/* (0, 0) has order 2: a point of order 2q is a point of order q plus it. */
static void add_two_torsion(uint8_t octets[SAKKE_POINT_OCTETS])
{
    sakke_affine a, sum;
    sakke_proj p, torsion = { { { 0 } }, { { 0 } }, { { 0 } } }, r;
    assert_ok(sakke_affine_read((kf_slice){ octets, SAKKE_POINT_OCTETS }, &a));
    sakke_proj_from_affine(&p, &a);
    sakke_proj_from_affine(&torsion, &(sakke_affine){ torsion.x, torsion.y });
    sakke_proj_add(&r, &p, &torsion);
    assert_int_equal(sakke_proj_to_affine(&sum, &r), 1);
    sakke_affine_write(octets, &sum);
    assert_ok(sakke_affine_read((kf_slice){ octets, SAKKE_POINT_OCTETS }, &a)); /* on the curve */
}

static void test_bad_points(void **state)
{
    (void)state;
    user u;
    uint8_t sed[SAKKE_SED_MAX], other[SAKKE_POINT_OCTETS];
    user_open(&u, "rfc6508-a", SAKKE_FULL);
    const kf_slice sent = { sed, u.a.sed.len };
    const struct {
        const char *name;
        size_t from, len;
        uint8_t fill;
    } cases[] = {
        { "all zero", 0, SAKKE_POINT_OCTETS, 0x00 },
        { "compressed form", 0, 1, 0x02 },
        { "hybrid form", 0, 1, 0x06 },
        { "infinity octet", 0, 1, 0x00 },
        { "x = 0", 1, SAKKE_FIELD_OCTETS, 0x00 },
        { "y = 0", 1 + SAKKE_FIELD_OCTETS, SAKKE_FIELD_OCTETS, 0x00 },
        { "x above p", 1, SAKKE_FIELD_OCTETS, 0xff },
        { "y above p", 1 + SAKKE_FIELD_OCTETS, SAKKE_FIELD_OCTETS, 0xff },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        memcpy(sed, u.a.sed.ptr, sent.len);
        memset(sed + cases[i].from, cases[i].fill, cases[i].len);
        assert_open(&u, sent, SAKKE_STANDARD, KF_E_MALFORMED, cases[i].name, i);
    }
    memcpy(sed, u.a.sed.ptr, sent.len);
    memset(sed + 1, 0, SAKKE_POINT_OCTETS - 1); /* (0, 0): on the curve, order 2 */
    assert_open(&u, sent, SAKKE_STANDARD, KF_E_AUTH, "order 2", 0);

    /* R + (0, 0): the pairing does not see the difference, the check of R does */
    memcpy(sed, u.a.sed.ptr, sent.len);
    add_two_torsion(sed);
    assert_open(&u, sent, SAKKE_STANDARD, KF_E_AUTH, "order 2q", 0);

    /* -R and another multiple */
    memcpy(sed, u.a.sed.ptr, sent.len);
    sakke_affine a;
    assert_ok(sakke_affine_read(kf_slice_part(sent, 0, SAKKE_POINT_OCTETS), &a));
    fp_neg(&a.y, &a.y);
    sakke_affine_write(other, &a);
    memcpy(sed, other, sizeof other);
    assert_open(&u, sent, SAKKE_STANDARD, KF_E_AUTH, "-R", 0);
    memcpy(sed, SAKKE_P_POINT, sizeof SAKKE_P_POINT);
    assert_open(&u, sent, SAKKE_STANDARD, KF_E_AUTH, "P", 0);
    user_close(&u);
}

static void test_bad_public_keys(void **state)
{
    (void)state;
    answer a;
    uint8_t octets[SAKKE_POINT_OCTETS + 1] = { 0 };
    sakke_public *pub = NULL;
    answer_load(&a, testing_case(&file, "rfc6508-a"));
    memcpy(octets, a.z_point.ptr, a.z_point.len);
    for (size_t len = 0; len < SAKKE_POINT_OCTETS; len++)
        assert_err(sakke_public_new((kf_slice){ octets, len }, SAKKE_SMALL, &pub), KF_E_TRUNCATED);
    assert_err(sakke_public_new(KF_SLICE_OF(octets), SAKKE_SMALL, &pub), KF_E_TRAILING);
    const kf_slice point = { octets, SAKKE_POINT_OCTETS };
    octets[100] ^= 1;
    assert_err(sakke_public_new(point, SAKKE_SMALL, &pub), KF_E_MALFORMED);
    octets[100] ^= 1;
    add_two_torsion(octets);
    assert_err(sakke_public_new(point, SAKKE_SMALL, &pub), KF_E_MALFORMED);
    assert_err(sakke_public_new(point, SAKKE_FULL, &pub), KF_E_MALFORMED);
    memset(octets + 1, 0, SAKKE_POINT_OCTETS - 1);
    assert_err(sakke_public_new(point, SAKKE_FULL, &pub), KF_E_MALFORMED);
    assert_null(pub);
    sakke_public_free(&pub);
    sakke_public_free(NULL);
}

static void test_bad_rsk(void **state)
{
    (void)state;
    user u;
    sakke_rsk *rsk = NULL;
    uint8_t octets[SAKKE_POINT_OCTETS + 1] = { 0 };
    user_open(&u, "rfc6508-a", SAKKE_FULL);
    const struct {
        const char *name;
        size_t len, flip; /* octet whose last bit is flipped, 0 for none */
        bool torsion, p;
        kf_err want;
    } cases[] = {
        { "as issued", SAKKE_POINT_OCTETS, 0, false, false, KF_OK },
        { "short", SAKKE_POINT_OCTETS - 1, 0, false, false, KF_E_TRUNCATED },
        { "empty", 0, 0, false, false, KF_E_TRUNCATED },
        { "long", SAKKE_POINT_OCTETS + 1, 0, false, false, KF_E_TRAILING },
        { "off the curve", SAKKE_POINT_OCTETS, 9, false, false, KF_E_MALFORMED },
        { "order 2q", SAKKE_POINT_OCTETS, 0, true, false, KF_E_MALFORMED },
        { "another key", SAKKE_POINT_OCTETS, 0, false, true, KF_E_AUTH },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        for (int tables = SAKKE_SMALL; tables <= SAKKE_FULL; tables++) {
            memcpy(octets, cases[i].p ? SAKKE_P_POINT : u.a.rsk.ptr, SAKKE_POINT_OCTETS);
            octets[cases[i].flip] ^= cases[i].flip > 0;
            if (cases[i].torsion)
                add_two_torsion(octets);
            kf_secret *secret = testing_secret((kf_slice){ octets, cases[i].len });
            kf_err got = sakke_rsk_new(u.pub, u.a.id, secret, (sakke_tables)tables, &rsk);
            if (got != cases[i].want || (rsk == NULL) != (got != KF_OK))
                fail_msg("%s: %s", cases[i].name, kf_err_name(got));
            sakke_rsk_free(&rsk);
            kf_secret_free(&secret);
        }
    }
    /* the right key for another identifier, or none */
    kf_secret *secret = testing_secret(u.a.rsk);
    uint8_t id[129] = { 1 };
    assert_err(sakke_rsk_new(u.pub, (kf_slice){ id, 32 }, secret, SAKKE_SMALL, &rsk), KF_E_AUTH);
    assert_err(sakke_rsk_new(u.pub, (kf_slice){ id, 0 }, secret, SAKKE_SMALL, &rsk),
               KF_E_MALFORMED);
    assert_err(sakke_rsk_new(u.pub, KF_SLICE_OF(id), secret, SAKKE_SMALL, &rsk), KF_E_MALFORMED);
    kf_secret_free(&secret);
    user_close(&u);
    sakke_rsk_free(NULL);
}

/* Data for one identifier does not open with the key of another, of the same KMS. */
static void test_other_receiver(void **state)
{
    (void)state;
    user u;
    uint8_t sed[SAKKE_SED_MAX], id[32] = { 7 };
    user_open(&u, "rfc6508-a", SAKKE_SMALL);
    kf_secret *ssv = testing_secret(u.a.ssv);
    assert_ok(sakke_encapsulate(u.pub, KF_SLICE_OF(id), ssv, SAKKE_STANDARD, sed));
    assert_open(&u, (kf_slice){ sed, SAKKE_SED_OCTETS(16) }, SAKKE_STANDARD, KF_E_AUTH, "other", 0);
    kf_secret_free(&ssv);
    user_close(&u);
}

static void assert_all_zero(const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(octets[i], 0);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 1, 15, 17, 24, 31, 33, 64 };
    user u;
    uint8_t octets[129] = { 1 }, sed[SAKKE_SED_OCTETS(64)];
    kf_secret *secret = NULL, *out = NULL;
    user_open(&u, "rfc6508-a", SAKKE_SMALL);
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        assert_ok(kf_secret_new(lengths[i], &secret));
        assert_err(sakke_encapsulate(u.pub, u.a.id, secret, SAKKE_STANDARD, sed), KF_E_MALFORMED);
        kf_secret_free(&secret);
    }
    assert_ok(kf_secret_new(16, &secret));
    memset(sed, 0xa5, sizeof sed);
    assert_err(sakke_encapsulate(u.pub, KF_SLICE_OF(octets), secret, SAKKE_STANDARD, sed),
               KF_E_MALFORMED);
    assert_all_zero(sed, SAKKE_SED_OCTETS(16));
    memset(sed, 0xa5, sizeof sed);
    assert_err(sakke_encapsulate(u.pub, (kf_slice){ octets, 0 }, secret, SAKKE_STANDARD, sed),
               KF_E_MALFORMED);
    assert_all_zero(sed, SAKKE_SED_OCTETS(16));
    kf_secret_free(&secret);
    user_close(&u);

    /* z = 0, 1, q are no master secrets; nor is 129 octets of anything */
    uint8_t q[128];
    sakke_limbs_to_octets(q, SAKKE_Q);
    const kf_slice bad[] = {
        { octets + 1, 1 }, { octets, 1 }, KF_SLICE_OF(q), KF_SLICE_OF(octets), { octets, 0 }
    };
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        secret = testing_secret(bad[i]);
        memset(sed, 0xa5, sizeof sed);
        assert_err(sakke_master_public(secret, sed), KF_E_MALFORMED);
        assert_all_zero(sed, SAKKE_POINT_OCTETS);
        assert_err(sakke_rsk_extract(secret, (kf_slice){ octets, 1 }, &out), KF_E_MALFORMED);
        assert_null(out);
        kf_secret_free(&secret);
    }
}

/* b + z = 0 mod q: no key, and nothing can be sealed to b. */
static void test_identifier_without_key(void **state)
{
    (void)state;
    uint8_t z[128], point[SAKKE_POINT_OCTETS], sed[SAKKE_SED_MAX];
    const uint8_t b[1] = { 5 };
    sakke_public *pub = NULL;
    sakke_rsk *rsk = NULL;
    kf_secret *out = NULL, *ssv = testing_secret((kf_slice){ SAKKE_G, 16 });
    sakke_limbs_to_octets(z, SAKKE_Q);
    z[127] = (uint8_t)(z[127] - 5); /* q ends in fb */
    kf_secret *secret = testing_secret(KF_SLICE_OF(z));
    assert_err(sakke_rsk_extract(secret, KF_SLICE_OF(b), &out), KF_E_MALFORMED);
    assert_ok(sakke_master_public(secret, point));
    for (int tables = SAKKE_SMALL; tables <= SAKKE_FULL; tables++) {
        assert_ok(sakke_public_new(KF_SLICE_OF(point), (sakke_tables)tables, &pub));
        memset(sed, 0xa5, sizeof sed);
        assert_err(sakke_encapsulate(pub, KF_SLICE_OF(b), ssv, SAKKE_STANDARD, sed),
                   KF_E_MALFORMED);
        assert_all_zero(sed, SAKKE_SED_OCTETS(16));
        kf_secret *p = testing_secret(KF_SLICE_OF(SAKKE_P_POINT));
        assert_err(sakke_rsk_new(pub, KF_SLICE_OF(b), p, SAKKE_SMALL, &rsk), KF_E_AUTH);
        kf_secret_free(&p);
        sakke_public_free(&pub);
    }
    kf_secret_free(&secret);
    kf_secret_free(&ssv);
}

/* b + z with z = 1 .. q - 1 and identifiers at the edges of 128 octets: b counts mod q. */
static void test_identifier_mod_q(void **state)
{
    (void)state;
    uint8_t z[1] = { 3 }, b[1] = { 9 }, wide[128];
    sakke_scalar q = { { 0 } };
    memcpy(q.w, SAKKE_Q, sizeof q.w);
    q.w[0] += 9; /* no carry: q ends in ...fb */
    sakke_scalar_to_octets(wide, &q);
    kf_secret *secret = testing_secret(KF_SLICE_OF(z)), *one = NULL, *other = NULL;
    assert_ok(sakke_rsk_extract(secret, KF_SLICE_OF(b), &one));
    assert_ok(sakke_rsk_extract(secret, KF_SLICE_OF(wide), &other));
    assert_true(kf_secret_equal(one, other));
    kf_secret_free(&one);
    kf_secret_free(&other);
    kf_secret_free(&secret);
}

static kf_err fill_ones(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    memset(out, 0xff, len);
    return KF_OK;
}

static void test_failing_generator(void **state)
{
    (void)state;
    testing_rng dry;
    kf_secret *z = NULL;
    testing_rng_init(&dry, "dry");
    dry.budget = 100;
    assert_err(sakke_master_new(&dry.rng, &z), KF_E_BACKEND);
    assert_null(z);
    const kf_rng stuck = { fill_ones, NULL };
    assert_err(sakke_master_new(&stuck, &z), KF_E_BACKEND);
    assert_null(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_bit_flips),
        cmocka_unit_test(test_bad_points),
        cmocka_unit_test(test_bad_public_keys),
        cmocka_unit_test(test_bad_rsk),
        cmocka_unit_test(test_other_receiver),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_identifier_without_key),
        cmocka_unit_test(test_identifier_mod_q),
        cmocka_unit_test(test_failing_generator),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

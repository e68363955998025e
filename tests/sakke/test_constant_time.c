/*
 * No branch and no address may depend on a secret. Under valgrind's memcheck every secret is marked
 * as undefined before it is used, and memcheck then reports each jump and each address made from
 * it. Without valgrind the program only checks that the operations still give the right answers.
 *
 * Run it as: valgrind -q --error-exitcode=1 --suppressions=tests/sakke/constant_time.supp PROGRAM.
 * The suppressions are for verdicts, which are public: see the file.
 */
#include "support/testing.h"

#include <string.h>

#include "sakke/comb.h"
#include "sakke/pairing.h"
#include "sakke/params.h"
#include "sakke/sakke.h"
#include "sakke/shared.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define SECRET(object) VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define PUBLIC(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))
/* Does memcheck still hold some of it for secret? Then what was computed came from the secret. */
static bool is_secret(const void *object, size_t octets)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
    const bool defined = VALGRIND_CHECK_MEM_IS_DEFINED(object, octets) == 0;
    VALGRIND_ENABLE_ERROR_REPORTING;
    return !defined || RUNNING_ON_VALGRIND == 0;
}
#define IS_SECRET(object) is_secret(&(object), sizeof(object))
#else
#define SECRET(object)    ((void)&(object))
#define PUBLIC(object)    ((void)&(object))
#define IS_SECRET(object) true
#endif

static testing_rng rng;
static const sakke_shared *shared;

static int set_up(void **state)
{
    (void)state;
    testing_rng_init(&rng, "sakke constant time");
    return sakke_shared_get(&shared) == KF_OK ? 0 : -1;
}

static void random_scalar(sakke_scalar *k)
{
    uint8_t octets[SAKKE_SCALAR_OCTETS];
    testing_rng_octets(&rng, octets, sizeof octets);
    assert_ok(sakke_scalar_reduce(KF_SLICE_OF(octets), k));
}

static void random_fp(sakke_fp *a)
{
    uint8_t octets[SAKKE_FP_OCTETS];
    testing_rng_octets(&rng, octets, sizeof octets);
    octets[0] &= 0x7f;
    assert_true(sakke_field_get()->from_octets(a, octets, 1));
}

/* mul, sqr, mul2, mul3, add, sub, selection, inversion, octets. */
static void test_field(void **state)
{
    (void)state;
    sakke_fp a, b, x, y, one;
    uint8_t octets[SAKKE_FP_OCTETS];
    random_fp(&a);
    b = a;
    SECRET(a);
    fp_sqr(&x, &a, 1);
    fp_mul(&y, &a, &a, 1);
    fp_sub(&x, &x, &y, 1); /* 0 */
    fp_mul3(&y, &a, &a, &x, &a, &x, &x, 1);
    fp_mul2(&y, &y, &a, &x, &x, 1); /* a^3 */
    fp_inv(&x, &a);
    fp_mul(&y, &y, &x, 1);
    fp_mul(&y, &y, &x, 1); /* a */
    fp_add(&x, &y, &x, 1);
    fp_select(&x, sakke_mask(fp_equal(&y, &a)), &y, &x);
    sakke_field_get()->to_octets(octets, &x, 1);
    assert_true(IS_SECRET(octets));
    PUBLIC(x);
    assert_true(fp_equal(&x, &b));
    fp_set_one(&one);
    fp_inv(&x, &one);
    assert_true(fp_equal(&x, &one));
}

static void test_scalar(void **state)
{
    (void)state;
    sakke_scalar a, b, product, sum;
    random_scalar(&a);
    random_scalar(&b);
    SECRET(a);
    SECRET(b);
    sakke_scalar_mul(&product, &a, &b);
    sakke_scalar_inv(&b, &b);
    sakke_scalar_mul(&product, &product, &b);
    sakke_scalar_add(&sum, &product, &a);
    assert_true(IS_SECRET(sum));
    PUBLIC(product);
    PUBLIC(a);
    assert_true(sakke_limbs_equal(product.w, a.w));
}

/* [k]P and g^k. */
static void test_comb(void **state)
{
    (void)state;
    sakke_scalar k, copy;
    sakke_proj r, again;
    sakke_pfp power, power_again;
    random_scalar(&k);
    copy = k;
    SECRET(k);
    sakke_comb_mul(&r, &(const sakke_comb *){ &shared->p }, &(const sakke_scalar *){ &k }, 1);
    sakke_power_comb_raise(&power, &shared->g, &k);
    assert_true(IS_SECRET(r));
    assert_true(IS_SECRET(power));
    PUBLIC(r);
    PUBLIC(power);
    sakke_comb_mul(&again, &(const sakke_comb *){ &shared->p }, &(const sakke_scalar *){ &copy },
                   1);
    sakke_power_comb_raise(&power_again, &shared->g, &copy);
    assert_memory_equal(&r, &again, sizeof r);
    assert_memory_equal(&power, &power_again, sizeof power);
}

static void test_pairing(void **state)
{
    (void)state;
    static const sakke_lines_kind kinds[] = { SAKKE_LINES_SINGLE, SAKKE_LINES_MERGED };
    for (size_t i = 0; i < KF_COUNT(kinds); i++) {
        sakke_affine p;
        sakke_lines lines;
        sakke_fp w;
        assert_ok(sakke_affine_read(KF_SLICE_OF(SAKKE_P_POINT), &p));
        assert_ok(sakke_lines_init(&lines, &p, kinds[i]));
        sakke_fp *table = (sakke_fp *)(void *)kf_secret_edit(lines.coefficients);
        for (size_t j = 0; j < kf_secret_len(lines.coefficients) / sizeof *table; j++)
            SECRET(table[j]);
        sakke_pair(&w, &lines, &p);
        assert_true(IS_SECRET(w));
        PUBLIC(w);
        assert_true(fp_equal(&w, &shared->g_value));
        for (size_t j = 0; j < kf_secret_len(lines.coefficients) / sizeof *table; j++)
            PUBLIC(table[j]);
        sakke_lines_clear(&lines);
    }
}

static void hide(kf_secret *s)
{
    uint8_t *octets = kf_secret_edit(s);
    for (size_t i = 0; i < kf_secret_len(s); i++)
        SECRET(octets[i]);
}

static void show(kf_secret *s)
{
    uint8_t *octets = kf_secret_edit(s);
    for (size_t i = 0; i < kf_secret_len(s); i++)
        PUBLIC(octets[i]);
}

#define PUBLIC_OK(call)                                                                            \
    do {                                                                                           \
        kf_err verdict = (call);                                                                   \
        PUBLIC(verdict);                                                                           \
        assert_ok(verdict);                                                                        \
    } while (0)

/* The whole scheme with z, the RSK and the SSV hidden. Its verdicts are public: z in range, a key
 * valid, R equal. */
static void test_scheme(void **state)
{
    (void)state;
    const uint8_t id[32] = { 1, 2, 3 };
    uint8_t point[SAKKE_POINT_OCTETS], sed[SAKKE_SED_OCTETS(16)];
    kf_secret *z = NULL, *octets = NULL, *ssv = NULL, *opened = NULL;
    sakke_public *pub = NULL;
    sakke_rsk *rsk = NULL;
    assert_ok(sakke_master_new(&rng.rng, &z));
    hide(z);
    PUBLIC_OK(sakke_master_public(z, point));
    PUBLIC(point);
    PUBLIC_OK(sakke_rsk_extract(z, KF_SLICE_OF(id), &octets));
    assert_ok(sakke_public_new(KF_SLICE_OF(point), SAKKE_FULL, &pub));
    assert_ok(kf_secret_new_random(&rng.rng, 16, &ssv));
    hide(ssv);
    PUBLIC_OK(sakke_encapsulate(pub, KF_SLICE_OF(id), ssv, SAKKE_STANDARD, sed));
    assert_true(IS_SECRET(sed));
    PUBLIC(sed);
    PUBLIC_OK(sakke_rsk_new(pub, KF_SLICE_OF(id), octets, SAKKE_FULL, &rsk));
    PUBLIC_OK(sakke_decapsulate(rsk, KF_SLICE_OF(sed), SAKKE_STANDARD, &opened));
    show(ssv);
    show(opened);
    assert_true(kf_secret_equal(ssv, opened));
    sakke_rsk_free(&rsk);
    sakke_public_free(&pub);
    kf_secret_free(&z);
    kf_secret_free(&octets);
    kf_secret_free(&ssv);
    kf_secret_free(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field),   cmocka_unit_test(test_scalar), cmocka_unit_test(test_comb),
        cmocka_unit_test(test_pairing), cmocka_unit_test(test_scheme),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

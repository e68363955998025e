/* F_p against an independent implementation: OpenSSL's BIGNUM. */
#include "support/testing.h"

#include <openssl/bn.h>
#include <string.h>

#include "sakke/fp.h"
#include "sakke/scalar.h"

#define OPERANDS 6
#define OCTETS   SAKKE_FP_OCTETS

static BIGNUM *p, *q;
static BN_CTX *ctx;
static testing_rng rng;

static int set_up(void **state)
{
    (void)state;
    testing_rng_init(&rng, "sakke fp");
    ctx = BN_CTX_new();
    p = BN_new();
    q = BN_new();
    uint8_t octets[OCTETS];
    sakke_limbs_to_octets(octets, SAKKE_Q);
    BN_bin2bn(octets, OCTETS, q);
    BN_copy(p, q);
    BN_mul_word(p, 4); /* p = 4q - 1 */
    BN_sub_word(p, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    BN_free(p);
    BN_free(q);
    BN_CTX_free(ctx);
    return 0;
}

static void random_below(BIGNUM *out, const BIGNUM *modulus)
{
    uint8_t octets[OCTETS];
    testing_rng_octets(&rng, octets, sizeof octets);
    BN_bin2bn(octets, OCTETS, out);
    BN_mod(out, out, modulus, ctx);
}

/* Values where carries and reductions have their corners; then random ones. */
static void choose(BIGNUM *out, size_t round, size_t operand, const BIGNUM *modulus)
{
    static const int corners = 9;
    size_t pick = round / (operand + 1) + 3 * operand;
    if (round < 200 && pick % 3 != 0) {
        BN_zero(out);
        switch (pick % (size_t)corners) {
        case 0:
            break;
        case 1:
            BN_one(out);
            break;
        case 2:
            BN_copy(out, modulus);
            BN_sub_word(out, 1);
            break;
        case 3:
            BN_copy(out, modulus);
            BN_sub_word(out, 2);
            break;
        case 4:
            BN_rshift1(out, modulus);
            break;
        case 5:
            BN_set_bit(out, 1023);
            BN_mod(out, out, modulus, ctx);
            break;
        case 6:
            BN_set_bit(out, (int)(round * 5 % 1020));
            break;
        case 7:
            BN_set_bit(out, 960);
            BN_sub_word(out, 1);
            break;
        default:
            BN_set_bit(out, 64);
            break;
        }
        return;
    }
    random_below(out, modulus);
}

static void load(sakke_fp *r, const BIGNUM *value)
{
    uint8_t octets[OCTETS];
    assert_int_equal(BN_bn2binpad(value, octets, OCTETS), OCTETS);
    assert_true(sakke_field_get()->from_octets(r, octets, 1));
}

static void assert_same(const sakke_fp *got, const BIGNUM *want, const char *what)
{
    uint8_t octets[OCTETS], expected[OCTETS];
    BIGNUM *reduced = BN_new();
    BN_nnmod(reduced, want, p, ctx);
    BN_bn2binpad(reduced, expected, OCTETS);
    sakke_field_get()->to_octets(octets, got, 1);
    if (memcmp(octets, expected, OCTETS) != 0)
        fail_msg("%s differs", what);
    BN_free(reduced);
}

/* w = x[0] x[1] + x[2] x[3] + ... of count products */
static void sum_of_products(BIGNUM *w, BIGNUM **x, int count)
{
    BIGNUM *t = BN_new();
    BN_zero(w);
    for (int i = 0; i < count; i++) {
        BN_mul(t, x[2 * i], x[2 * i + 1], ctx);
        BN_add(w, w, t);
    }
    BN_free(t);
}

static void test_operations(void **state)
{
    (void)state;
    BIGNUM *x[OPERANDS], *w = BN_new();
    sakke_fp a[OPERANDS], r;
    for (int i = 0; i < OPERANDS; i++)
        x[i] = BN_new();
    for (size_t round = 0; round < testing_count(1200, 100000); round++) {
        for (size_t i = 0; i < OPERANDS; i++) {
            choose(x[i], round, i, p);
            load(&a[i], x[i]);
        }
        fp_mul(&r, &a[0], &a[1], 1);
        sum_of_products(w, x, 1);
        assert_same(&r, w, "mul");
        fp_mul2(&r, &a[0], &a[1], &a[2], &a[3], 1);
        sum_of_products(w, x, 2);
        assert_same(&r, w, "mul2");
        fp_mul3(&r, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], 1);
        sum_of_products(w, x, 3);
        assert_same(&r, w, "mul3");
        fp_sqr(&r, &a[0], 1);
        BN_sqr(w, x[0], ctx);
        assert_same(&r, w, "sqr");
        fp_add(&r, &a[0], &a[1], 1);
        BN_add(w, x[0], x[1]);
        assert_same(&r, w, "add");
        fp_sub(&r, &a[0], &a[1], 1);
        BN_sub(w, x[0], x[1]);
        assert_same(&r, w, "sub");
        fp_neg(&r, &a[0]);
        BN_copy(w, x[0]);
        BN_set_negative(w, 1);
        assert_same(&r, w, "neg");
        assert_int_equal(fp_is_zero(&a[0]), BN_is_zero(x[0]));
        assert_int_equal(fp_equal(&a[0], &a[1]), BN_cmp(x[0], x[1]) == 0);
    }
    for (int i = 0; i < OPERANDS; i++)
        BN_free(x[i]);
    BN_free(w);
}

/* The largest sums of products that residues allow. */
static void test_largest_sums(void **state)
{
    (void)state;
    BIGNUM *most = BN_dup(p), *x[OPERANDS], *w = BN_new();
    BN_sub_word(most, 1);
    sakke_fp a, r;
    load(&a, most);
    /* the residue whose Montgomery form is p - 1 is what fills the limbs */
    BIGNUM *factor = BN_new();
    BN_zero(factor);
    BN_set_bit(factor, 1024);
    BN_mod_inverse(factor, factor, p, ctx);
    BN_mod_mul(most, most, factor, p, ctx);
    load(&a, most);
    for (int i = 0; i < OPERANDS; i++)
        x[i] = most;
    fp_mul(&r, &a, &a, 1);
    sum_of_products(w, x, 1);
    assert_same(&r, w, "mul");
    fp_sqr(&r, &a, 1);
    assert_same(&r, w, "sqr");
    fp_mul2(&r, &a, &a, &a, &a, 1);
    sum_of_products(w, x, 2);
    assert_same(&r, w, "mul2");
    fp_mul3(&r, &a, &a, &a, &a, &a, &a, 1);
    sum_of_products(w, x, 3);
    assert_same(&r, w, "mul3");
    BN_free(most);
    BN_free(factor);
    BN_free(w);
}

static void test_aliasing(void **state)
{
    (void)state;
    BIGNUM *x = BN_new();
    sakke_fp a, b, want, r;
    random_below(x, p);
    load(&a, x);
    random_below(x, p);
    load(&b, x);
    fp_mul(&want, &a, &b, 1);
    r = a;
    fp_mul(&r, &r, &b, 1);
    assert_memory_equal(&r, &want, sizeof r);
    r = b;
    fp_mul(&r, &a, &r, 1);
    assert_memory_equal(&r, &want, sizeof r);
    fp_mul2(&want, &a, &b, &b, &b, 1);
    r = b;
    fp_mul2(&r, &a, &r, &r, &r, 1);
    assert_memory_equal(&r, &want, sizeof r);
    fp_sub(&want, &a, &b, 1);
    r = b;
    fp_sub(&r, &a, &r, 1);
    assert_memory_equal(&r, &want, sizeof r);
    BN_free(x);
}

static void test_inversion(void **state)
{
    (void)state;
    BIGNUM *x = BN_new(), *w = BN_new();
    sakke_fp a, r;
    for (size_t round = 0; round < testing_count(400, 20000); round++) {
        choose(x, round, 0, p);
        load(&a, x);
        fp_inv(&r, &a);
        if (BN_is_zero(x))
            BN_zero(w);
        else
            assert_non_null(BN_mod_inverse(w, x, p, ctx));
        assert_same(&r, w, "inv");
    }
    BN_free(x);
    BN_free(w);
}

static void test_inversion_of_many(void **state)
{
    (void)state;
    sakke_fp a[40], r[40], scratch[40], one, t;
    BIGNUM *x = BN_new();
    fp_set_one(&one);
    for (size_t n = 1; n <= 40; n++) {
        for (size_t i = 0; i < n; i++) {
            random_below(x, p);
            load(&a[i], x);
        }
        assert_int_equal(fp_inv_batch(r, a, scratch, n), 1);
        for (size_t i = 0; i < n; i++) {
            fp_mul(&t, &r[i], &a[i], 1);
            assert_true(fp_equal(&t, &one));
        }
        memcpy(r, a, sizeof a);
        assert_int_equal(fp_inv_batch(r, r, scratch, n), 1); /* in place */
        for (size_t i = 0; i < n; i++) {
            fp_mul(&t, &r[i], &a[i], 1);
            assert_true(fp_equal(&t, &one));
        }
        fp_set_zero(&a[n / 2], 1);
        assert_int_equal(fp_inv_batch(r, a, scratch, n), 0);
    }
    BN_free(x);
}

static void test_octets(void **state)
{
    (void)state;
    uint8_t octets[OCTETS], back[OCTETS];
    sakke_fp a;
    BIGNUM *x = BN_dup(p);
    BN_bn2binpad(x, octets, OCTETS);
    assert_false(sakke_field_get()->from_octets(&a, octets, 1)); /* p itself */
    BN_add_word(x, 1);
    BN_bn2binpad(x, octets, OCTETS);
    assert_false(sakke_field_get()->from_octets(&a, octets, 1));
    memset(octets, 0xff, OCTETS);
    assert_false(sakke_field_get()->from_octets(&a, octets, 1));
    BN_sub_word(x, 2);
    BN_bn2binpad(x, octets, OCTETS);
    assert_true(sakke_field_get()->from_octets(&a, octets, 1));
    sakke_field_get()->to_octets(back, &a, 1);
    assert_memory_equal(back, octets, OCTETS);
    BN_free(x);
}

static void load_scalar(sakke_scalar *r, const BIGNUM *value)
{
    uint8_t octets[OCTETS];
    BN_bn2binpad(value, octets, OCTETS);
    assert_err(sakke_scalar_read(KF_SLICE_OF(octets), 0, r), KF_OK);
}

static void assert_same_scalar(const sakke_scalar *got, const BIGNUM *want, const char *what)
{
    uint8_t octets[OCTETS], expected[OCTETS];
    sakke_scalar_to_octets(octets, got);
    BN_bn2binpad(want, expected, OCTETS);
    if (memcmp(octets, expected, OCTETS) != 0)
        fail_msg("scalar %s differs", what);
}

static void test_scalars(void **state)
{
    (void)state;
    BIGNUM *x = BN_new(), *y = BN_new(), *w = BN_new();
    sakke_scalar a, b, r;
    uint8_t wide[OCTETS];
    for (size_t round = 0; round < testing_count(400, 20000); round++) {
        choose(x, round, 0, q);
        choose(y, round, 1, q);
        load_scalar(&a, x);
        load_scalar(&b, y);
        sakke_scalar_add(&r, &a, &b);
        BN_mod_add(w, x, y, q, ctx);
        assert_same_scalar(&r, w, "sum");
        sakke_scalar_mul(&r, &a, &b);
        BN_mod_mul(w, x, y, q, ctx);
        assert_same_scalar(&r, w, "product");
        sakke_scalar_inv(&r, &a);
        if (BN_is_zero(x))
            BN_zero(w);
        else
            assert_non_null(BN_mod_inverse(w, x, q, ctx));
        assert_same_scalar(&r, w, "inverse");
        testing_rng_octets(&rng, wide, sizeof wide);
        if (round % 4 == 0)
            memset(wide, 0xff, sizeof wide);
        size_t len = 1 + round % sizeof wide;
        assert_err(sakke_scalar_reduce((kf_slice){ wide, len }, &r), KF_OK);
        BN_bin2bn(wide, (int)len, w);
        BN_mod(w, w, q, ctx);
        assert_same_scalar(&r, w, "reduction");
    }
    BN_free(x);
    BN_free(y);
    BN_free(w);
}

static void test_scalar_range(void **state)
{
    (void)state;
    uint8_t octets[OCTETS + 1] = { 0 };
    sakke_scalar r;
    assert_err(sakke_scalar_read((kf_slice){ octets, 0 }, 0, &r), KF_E_MALFORMED);
    assert_err(sakke_scalar_read((kf_slice){ octets, OCTETS + 1 }, 0, &r), KF_E_MALFORMED);
    assert_err(sakke_scalar_reduce((kf_slice){ octets, 0 }, &r), KF_E_MALFORMED);
    assert_err(sakke_scalar_reduce((kf_slice){ octets, OCTETS + 1 }, &r), KF_E_MALFORMED);
    octets[0] = 1;
    assert_err(sakke_scalar_read((kf_slice){ octets, 1 }, 2, &r), KF_E_MALFORMED);
    octets[0] = 2;
    assert_err(sakke_scalar_read((kf_slice){ octets, 1 }, 2, &r), KF_OK);
    BN_bn2binpad(q, octets, OCTETS);
    assert_err(sakke_scalar_read((kf_slice){ octets, OCTETS }, 2, &r), KF_E_MALFORMED);
    octets[OCTETS - 1]--; /* q is odd: q - 1 */
    assert_err(sakke_scalar_read((kf_slice){ octets, OCTETS }, 2, &r), KF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),        cmocka_unit_test(test_largest_sums),
        cmocka_unit_test(test_aliasing),          cmocka_unit_test(test_inversion),
        cmocka_unit_test(test_inversion_of_many), cmocka_unit_test(test_octets),
        cmocka_unit_test(test_scalars),           cmocka_unit_test(test_scalar_range),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

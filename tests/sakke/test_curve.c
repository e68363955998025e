/* Points, combs and the pairing: one way of computing against another, and the exceptional cases.
 */
#include "support/testing.h"

#include "sakke/comb.h"
#include "sakke/pairing.h"
#include "sakke/params.h"
#include "sakke/sakke.h"
#include "sakke/shared.h"

static const sakke_shared *shared;
static sakke_affine generator;
static testing_rng rng;

static int set_up(void **state)
{
    (void)state;
    testing_rng_init(&rng, "sakke curve");
    if (sakke_shared_get(&shared) != KF_OK)
        return -1;
    return sakke_affine_read(KF_SLICE_OF(SAKKE_P_POINT), &generator) == KF_OK ? 0 : -1;
}

static void random_scalar(sakke_scalar *k)
{
    uint8_t octets[SAKKE_SCALAR_OCTETS];
    testing_rng_octets(&rng, octets, sizeof octets);
    assert_err(sakke_scalar_reduce(KF_SLICE_OF(octets), k), KF_OK);
}

/* [k]B bit by bit. */
static void plain_mul(sakke_proj *r, const sakke_affine *base, const sakke_scalar *k)
{
    sakke_proj b;
    sakke_proj_from_affine(&b, base);
    sakke_proj_set_infinity(r);
    for (int i = 1023; i >= 0; i--) {
        sakke_proj_double(r, r);
        if (k->w[i / 64] >> (i % 64) & 1u)
            sakke_proj_add(r, r, &b);
    }
}

static bool same_point(const sakke_proj *a, const sakke_proj *b)
{
    sakke_fp left, right;
    bool same = fp_is_zero(&a->z) == fp_is_zero(&b->z);
    fp_mul(&left, &a->x, &b->z, 1);
    fp_mul(&right, &b->x, &a->z, 1);
    same = same && fp_equal(&left, &right);
    fp_mul(&left, &a->y, &b->z, 1);
    fp_mul(&right, &b->y, &a->z, 1);
    same = same && fp_equal(&left, &right);
    return same && !(fp_is_zero(&a->z) && fp_is_zero(&a->y)) &&
           !(fp_is_zero(&b->z) && fp_is_zero(&b->y));
}

static bool is_infinity(const sakke_proj *a)
{
    return fp_is_zero(&a->z) && fp_is_zero(&a->x) && !fp_is_zero(&a->y);
}

/* Scalars with structure, then random ones. @return false when there are no more. */
static bool next_scalar(sakke_scalar *k, size_t n)
{
    *k = (sakke_scalar){ { 0 } };
    if (n < 3) {
        k->w[0] = n;
        return true;
    }
    n -= 3;
    if (n < 1021) { /* 2^n */
        k->w[n / 64] = UINT64_C(1) << (n % 64);
        return true;
    }
    n -= 1021;
    if (n < 1021) { /* q - 2^n */
        uint64_t power[SAKKE_LIMBS] = { 0 };
        power[n / 64] = UINT64_C(1) << (n % 64);
        (void)sakke_limbs_sub(k->w, SAKKE_Q, power);
        return true;
    }
    n -= 1021;
    if (n < testing_count(20, 1000)) {
        random_scalar(k);
        return true;
    }
    return false;
}

static void test_complete_addition(void **state)
{
    (void)state;
    sakke_proj p, minus, infinity, r, twice;
    sakke_proj_from_affine(&p, &generator);
    minus = p;
    fp_neg(&minus.y, &p.y);
    sakke_proj_set_infinity(&infinity);
    sakke_proj_double(&twice, &p);
    sakke_proj_add(&r, &p, &p);
    assert_true(same_point(&r, &twice));
    sakke_proj_add(&r, &p, &minus);
    assert_true(is_infinity(&r));
    sakke_proj_add(&r, &p, &infinity);
    assert_true(same_point(&r, &p));
    sakke_proj_add(&r, &infinity, &p);
    assert_true(same_point(&r, &p));
    sakke_proj_add(&r, &infinity, &infinity);
    assert_true(is_infinity(&r));
    sakke_proj_double(&r, &infinity);
    assert_true(is_infinity(&r));
    sakke_proj_add(&r, &twice, &minus);
    assert_true(sakke_proj_equals_affine(&r, &generator));
    assert_false(sakke_proj_equals_affine(&twice, &generator));
    assert_false(sakke_proj_equals_affine(&infinity, &generator));
    sakke_affine none;
    assert_int_equal(sakke_proj_to_affine(&none, &infinity), 0);
}

/* Every structured scalar; by default every seventh. */
static void compare_combs(const sakke_comb *comb, const sakke_affine *base)
{
    const size_t step = testing_count(37, 1);
    sakke_scalar k;
    sakke_proj fast, slow;
    for (size_t n = 0; next_scalar(&k, n); n += n < 10 ? 1 : step) {
        const sakke_scalar *scalars[1] = { &k };
        sakke_comb_mul(&fast, &comb, scalars, 1);
        plain_mul(&slow, base, &k);
        if (!same_point(&fast, &slow))
            fail_msg("scalar %zu", n);
    }
}

static void test_comb_full(void **state)
{
    (void)state;
    compare_combs(&shared->p, &generator);
}

static void test_comb_small(void **state)
{
    (void)state;
    sakke_comb comb;
    assert_err(sakke_comb_init(&comb, &generator, &SAKKE_COMB_SMALL), KF_OK);
    compare_combs(&comb, &generator);
    sakke_comb_clear(&comb);
}

/* Two combs of one base make equal and opposite points meet: the slow path. */
static void test_comb_collisions(void **state)
{
    (void)state;
    const sakke_comb *both[2] = { &shared->p, &shared->p };
    for (size_t round = 0; round < testing_count(3, 100); round++) {
        sakke_scalar k, other, sum;
        sakke_proj fast, slow;
        random_scalar(&k);
        sakke_comb_mul(&fast, both, (const sakke_scalar *const[]){ &k, &k }, 2); /* equal points */
        sakke_scalar_add(&sum, &k, &k);
        plain_mul(&slow, &generator, &sum);
        assert_true(same_point(&fast, &slow));

        (void)sakke_limbs_sub(other.w, SAKKE_Q, k.w);
        sakke_comb_mul(&fast, both, (const sakke_scalar *const[]){ &k, &other }, 2);
        assert_true(is_infinity(&fast));

        random_scalar(&other); /* nothing in common */
        sakke_comb_mul(&fast, both, (const sakke_scalar *const[]){ &k, &other }, 2);
        sakke_scalar_add(&sum, &k, &other);
        plain_mul(&slow, &generator, &sum);
        assert_true(same_point(&fast, &slow));
    }
}

static void ratio_of(sakke_fp *r, const sakke_pfp *v)
{
    sakke_fp inv;
    fp_inv(&inv, &v->a);
    fp_mul(r, &v->b, &inv, 1);
}

static void test_powers_of_g(void **state)
{
    (void)state;
    sakke_scalar k;
    for (size_t n = 0; next_scalar(&k, n); n += n < 10 ? 1 : testing_count(37, 1)) {
        sakke_pfp fast, slow, g;
        sakke_fp left, right;
        sakke_power_comb_raise(&fast, &shared->g, &k);
        sakke_pfp_set_one(&slow);
        sakke_pfp_set_one(&g);
        g.b = shared->g_value;
        for (int i = 1023; i >= 0; i--) {
            sakke_pfp_sqr(&slow, &slow);
            if (k.w[i / 64] >> (i % 64) & 1u)
                sakke_pfp_mul(&slow, &slow, &g);
        }
        fp_mul(&left, &fast.a, &slow.b, 1);
        fp_mul(&right, &fast.b, &slow.a, 1);
        if (!fp_equal(&left, &right))
            fail_msg("scalar %zu", n);
    }
}

static void multiple(sakke_affine *r, const sakke_scalar *k)
{
    sakke_proj t;
    sakke_comb_mul(&t, &(const sakke_comb *){ &shared->p }, &k, 1);
    assert_int_equal(sakke_proj_to_affine(r, &t), 1);
}

/* <P, P> = g, and <[a]P, [b]P> = g^(ab) both ways round and with both kinds of lines. */
static void test_pairing(void **state)
{
    (void)state;
    static const sakke_lines_kind kinds[] = { SAKKE_LINES_SINGLE, SAKKE_LINES_MERGED };
    for (size_t kind = 0; kind < KF_COUNT(kinds); kind++) {
        sakke_lines lines;
        sakke_fp w, want;
        assert_err(sakke_lines_init(&lines, &generator, kinds[kind]), KF_OK);
        sakke_pair(&w, &lines, &generator);
        assert_true(fp_equal(&w, &shared->g_value));
        sakke_lines_clear(&lines);
        for (size_t round = 0; round < testing_count(2, 200); round++) {
            sakke_scalar a, b, ab;
            sakke_affine pa, pb;
            sakke_pfp power;
            random_scalar(&a);
            random_scalar(&b);
            sakke_scalar_mul(&ab, &a, &b);
            multiple(&pa, &a);
            multiple(&pb, &b);
            sakke_power_comb_raise(&power, &shared->g, &ab);
            ratio_of(&want, &power);
            assert_err(sakke_lines_init(&lines, &pa, kinds[kind]), KF_OK);
            sakke_pair(&w, &lines, &pb);
            sakke_lines_clear(&lines);
            assert_true(fp_equal(&w, &want));
            assert_err(sakke_lines_init(&lines, &pb, kinds[kind]), KF_OK);
            sakke_pair(&w, &lines, &pa);
            sakke_lines_clear(&lines);
            assert_true(fp_equal(&w, &want));
        }
    }
}

/* A curve point outside the group of P: y^2 = x^3 - 3x for some small x; its order divides 4q, and
 * is not q for three such points of four. */
static bool small_x_point(sakke_affine *r, uint64_t x)
{
    uint8_t octets[SAKKE_POINT_OCTETS] = { 0x04 };
    sakke_fp right, three;
    sakke_scalar exponent;
    for (unsigned i = 0; i < 8; i++)
        octets[SAKKE_FP_OCTETS - i] = (uint8_t)(x >> (8 * i));
    assert_true(sakke_field_get()->from_octets(&r->x, octets + 1, 1));
    fp_sqr(&right, &r->x, 1);
    fp_set_one(&three);
    fp_sub(&right, &right, &three, 1);
    fp_sub(&right, &right, &three, 1);
    fp_sub(&right, &right, &three, 1);
    fp_mul(&right, &right, &r->x, 1);
    memcpy(exponent.w, SAKKE_Q,
           sizeof exponent.w); /* p = 4q - 1: a root is the power (p+1)/4 = q */
    fp_set_one(&r->y);
    for (int i = 1023; i >= 0; i--) {
        fp_sqr(&r->y, &r->y, 1);
        if (exponent.w[i / 64] >> (i % 64) & 1u)
            fp_mul(&r->y, &r->y, &right, 1);
    }
    sakke_affine_write(octets, r);
    return sakke_affine_read(KF_SLICE_OF(octets), r) == KF_OK;
}

/* Points of order 2, 4, 2q, 4q are refused by both kinds of tables; [4]X of any X is welcome. */
static void test_wrong_order(void **state)
{
    (void)state;
    static const sakke_affine two_torsion; /* (0, 0) */
    sakke_comb comb;
    sakke_lines lines;
    unsigned refused = 0, accepted = 0;
    assert_err(sakke_comb_init(&comb, &two_torsion, &SAKKE_COMB_SMALL), KF_E_MALFORMED);
    assert_err(sakke_comb_init(&comb, &two_torsion, &SAKKE_COMB_FULL), KF_E_MALFORMED);
    assert_err(sakke_lines_init(&lines, &two_torsion, SAKKE_LINES_SINGLE), KF_E_MALFORMED);
    for (uint64_t x = 1; refused + accepted < 12; x++) {
        sakke_affine point, four_times;
        sakke_proj t;
        sakke_scalar order;
        if (!small_x_point(&point, x))
            continue;
        memcpy(order.w, SAKKE_Q, sizeof order.w);
        plain_mul(&t, &point, &order);
        const bool in_group = is_infinity(&t);
        const kf_err want = in_group ? KF_OK : KF_E_MALFORMED;
        if (in_group)
            accepted++;
        else
            refused++;
        assert_err(sakke_comb_init(&comb, &point, &SAKKE_COMB_SMALL), want);
        sakke_comb_clear(&comb);
        assert_err(sakke_lines_init(&lines, &point, SAKKE_LINES_SINGLE), want);
        sakke_lines_clear(&lines);
        sakke_proj_from_affine(&t, &point);
        sakke_proj_double(&t, &t);
        sakke_proj_double(&t, &t);
        assert_int_equal(sakke_proj_to_affine(&four_times, &t), 1);
        assert_err(sakke_comb_init(&comb, &four_times, &SAKKE_COMB_SMALL), KF_OK);
        sakke_comb_clear(&comb);
        if (in_group)
            continue;
        sakke_affine torsion; /* [q]X has order 2 or 4 */
        plain_mul(&t, &point, &order);
        assert_int_equal(sakke_proj_to_affine(&torsion, &t), 1);
        assert_err(sakke_comb_init(&comb, &torsion, &SAKKE_COMB_SMALL), KF_E_MALFORMED);
        assert_err(sakke_lines_init(&lines, &torsion, SAKKE_LINES_MERGED), KF_E_MALFORMED);
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_addition), cmocka_unit_test(test_comb_full),
        cmocka_unit_test(test_comb_small),        cmocka_unit_test(test_comb_collisions),
        cmocka_unit_test(test_powers_of_g),       cmocka_unit_test(test_pairing),
        cmocka_unit_test(test_wrong_order),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

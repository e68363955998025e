/* Arithmetic modulo q against OpenSSL's BIGNUM, on edge values and on random ones. */
#include "support/testing.h"

#include <openssl/bn.h>
#include <string.h>

#include "eccsi/scalar.h"

static const char ORDER_HEX[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/* As 32 octets; several are q or above, which reduction has to bring down. */
static const char *const edges[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000001",
    "0000000000000000000000000000000000000000000000000000000000000002",
    "000000000000000000000000000000000000000000000000ffffffffffffffff",
    "0000000000000000000000000000000000000000000000010000000000000000",
    "00000000000000000000000000000001ffffffffffffffffffffffffffffffff",
    "0000000000000000ffffffffffffffffffffffffffffffffffffffffffffffff",
    "8000000000000000000000000000000000000000000000000000000000000000",
    "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8", /* (q-1)/2 */
    "00000000ffffffff00000000000000004319055258e8617b0c46353d039cdaaf", /* 2^256 - q */
    "66e12d94f3d956202845b2392b6bec594699799c49bd6fa683244c95be79eea2", /* 2^512 mod q */
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f", /* q-2 */
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", /* q-1 */
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", /* q */
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", /* q+1 */
    "ffffffff00000000ffffffffffffffffbce6faada7179e850000000000000000",
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", /* p */
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

typedef struct oracle {
    BN_CTX *ctx;
    BIGNUM *q, *a, *b, *c;
} oracle;

static void oracle_init(oracle *o)
{
    *o = (oracle){ BN_CTX_new(), NULL, BN_new(), BN_new(), BN_new() };
    assert_true(BN_hex2bn(&o->q, ORDER_HEX) > 0);
    assert_non_null(o->ctx);
    assert_true(o->a != NULL && o->b != NULL && o->c != NULL);
}

static void oracle_clear(oracle *o)
{
    BN_free(o->q);
    BN_free(o->a);
    BN_free(o->b);
    BN_free(o->c);
    BN_CTX_free(o->ctx);
}

static void assert_is(const eccsi_scalar *got, const BIGNUM *want)
{
    uint8_t got_octets[32], want_octets[32];
    eccsi_scalar_encode(got, got_octets);
    assert_int_equal(BN_bn2binpad(want, want_octets, 32), 32);
    assert_slice_equal(KF_SLICE_OF(got_octets), KF_SLICE_OF(want_octets));
}

/* Every operation on one pair of values. */
static void check_pair(oracle *o, const uint8_t a_octets[32], const uint8_t b_octets[32])
{
    eccsi_scalar a, b, out, again;

    assert_non_null(BN_bin2bn(a_octets, 32, o->a));
    assert_non_null(BN_bin2bn(b_octets, 32, o->b));
    bool in_range = !BN_is_zero(o->a) && BN_cmp(o->a, o->q) < 0;
    assert_int_equal(eccsi_scalar_decode(a_octets, &again), in_range);
    eccsi_scalar_reduce(a_octets, &a);
    eccsi_scalar_reduce(b_octets, &b);
    assert_memory_equal(&again, &a, sizeof a);
    assert_true(BN_nnmod(o->a, o->a, o->q, o->ctx) && BN_nnmod(o->b, o->b, o->q, o->ctx));
    assert_is(&a, o->a);
    assert_int_equal(eccsi_scalar_is_zero(&a), BN_is_zero(o->a));

    assert_true(BN_mod_add(o->c, o->a, o->b, o->q, o->ctx));
    eccsi_scalar_add(&a, &b, &out);
    assert_is(&out, o->c);

    assert_true(BN_mod_mul(o->c, o->a, o->b, o->q, o->ctx));
    eccsi_scalar_multiply(&a, &b, &out);
    assert_is(&out, o->c);

    if (BN_is_zero(o->a))
        BN_zero(o->c);
    else
        assert_true(BN_mod_inverse(o->c, o->a, o->q, o->ctx) != NULL);
    eccsi_scalar_invert(&a, &out);
    assert_is(&out, o->c);

    BN_zero(o->c);
    assert_true(BN_mod_sub(o->c, o->c, o->a, o->q, o->ctx));
    eccsi_scalar_negate(&a, &out);
    assert_is(&out, o->c);
}

static void edge_values(void **state)
{
    (void)state;
    oracle o;
    uint8_t a[32], b[32];
    oracle_init(&o);
    for (size_t i = 0; i < KF_COUNT(edges); i++) {
        for (size_t k = 0; k < KF_COUNT(edges); k++) {
            (void)testing_hex(edges[i], a, sizeof a);
            (void)testing_hex(edges[k], b, sizeof b);
            check_pair(&o, a, b);
        }
    }
    oracle_clear(&o);
}

static void random_values(void **state)
{
    (void)state;
    oracle o;
    testing_rng rng;
    uint8_t a[32], b[32];
    oracle_init(&o);
    testing_rng_init(&rng, "scalar");
    for (size_t i = testing_count(1000, 200000); i > 0; i--) {
        testing_rng_octets(&rng, a, sizeof a);
        testing_rng_octets(&rng, b, sizeof b);
        /* Runs of ones and zeros find more carries than plain random values do. */
        if (i % 2 == 0) {
            memset(a + testing_rng_below(&rng, 17), i % 4 == 0 ? 0xff : 0, 16);
            memset(b + testing_rng_below(&rng, 17), i % 8 < 4 ? 0xff : 0, 16);
        }
        check_pair(&o, a, b);
    }
    oracle_clear(&o);
}

static void outputs_may_be_inputs(void **state)
{
    (void)state;
    eccsi_scalar a, b, want, got;
    uint8_t octets[32];
    eccsi_scalar_reduce(testing_hex(edges[10], octets, 32).ptr, &a);
    eccsi_scalar_reduce(testing_hex(edges[9], octets, 32).ptr, &b);

    eccsi_scalar_add(&a, &b, &want);
    got = a;
    eccsi_scalar_add(&got, &b, &got);
    assert_memory_equal(&got, &want, sizeof want);
    got = b;
    eccsi_scalar_add(&a, &got, &got);
    assert_memory_equal(&got, &want, sizeof want);

    eccsi_scalar_multiply(&a, &a, &want);
    got = a;
    eccsi_scalar_multiply(&got, &got, &got);
    assert_memory_equal(&got, &want, sizeof want);

    eccsi_scalar_invert(&a, &want);
    got = a;
    eccsi_scalar_invert(&got, &got);
    assert_memory_equal(&got, &want, sizeof want);

    eccsi_scalar_negate(&a, &want);
    got = a;
    eccsi_scalar_negate(&got, &got);
    assert_memory_equal(&got, &want, sizeof want);
}

static void secrets(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        kf_err want;
    } cases[] = {
        { "", KF_E_MALFORMED },
        { "01", KF_E_MALFORMED },
        { "00000000000000000000000000000000000000000000000000000000000001", KF_E_MALFORMED },
        { "000000000000000000000000000000000000000000000000000000000000000001", KF_E_MALFORMED },
        { "0000000000000000000000000000000000000000000000000000000000000000", KF_E_MALFORMED },
        { "0000000000000000000000000000000000000000000000000000000000000001", KF_OK },
        { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", KF_OK },
        { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", KF_E_MALFORMED },
        { "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", KF_E_MALFORMED },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_secret *in = testing_secret_hex(cases[i].hex), *back = NULL;
        eccsi_scalar a;
        assert_err(eccsi_scalar_of_secret(in, &a), cases[i].want);
        if (cases[i].want == KF_OK) {
            assert_ok(eccsi_scalar_to_secret(&a, &back));
            assert_true(kf_secret_equal(in, back));
        } else {
            assert_true(eccsi_scalar_is_zero(&a));
        }
        kf_secret_free(&in);
        kf_secret_free(&back);
    }
    eccsi_scalar a;
    assert_err(eccsi_scalar_of_secret(NULL, &a), KF_E_MALFORMED);
}

/* A generator that gives one octet over and over, and counts the draws. */
typedef struct stuck {
    uint8_t octet;
    size_t until; /* draws; then 01 */
    size_t draws;
} stuck;

static kf_err stuck_fill(void *ctx, uint8_t *out, size_t len)
{
    stuck *s = ctx;
    memset(out, s->draws++ < s->until ? s->octet : 0x01, len);
    return KF_OK;
}

static void draws(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        stuck source;
        kf_err want;
        size_t draws;
    } cases[] = {
        { "good at once", { 0x00, 0, 0 }, KF_OK, 1 },
        { "zero, then good", { 0x00, 1, 0 }, KF_OK, 2 },
        { "above q twice, then good", { 0xff, 2, 0 }, KF_OK, 3 },
        { "always zero", { 0x00, SIZE_MAX, 0 }, KF_E_BACKEND, 8 },
        { "always above q", { 0xff, SIZE_MAX, 0 }, KF_E_BACKEND, 8 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        stuck source = cases[i].source;
        kf_rng rng = { stuck_fill, &source };
        eccsi_scalar a = { { 7 } };
        print_message("  %s\n", cases[i].name);
        assert_err(eccsi_scalar_draw(&rng, &a), cases[i].want);
        assert_int_equal(source.draws, cases[i].draws);
        uint8_t octets[32];
        eccsi_scalar_encode(&a, octets);
        for (size_t k = 0; k < sizeof octets; k++)
            assert_int_equal(octets[k], cases[i].want == KF_OK ? 1 : 0);
    }
    testing_rng broken;
    testing_rng_init(&broken, "draws");
    broken.budget = 31;
    eccsi_scalar a;
    assert_err(eccsi_scalar_draw(&broken.rng, &a), KF_E_BACKEND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_values),
        cmocka_unit_test(random_values),
        cmocka_unit_test(outputs_may_be_inputs),
        cmocka_unit_test(secrets),
        cmocka_unit_test(draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

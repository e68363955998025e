/*
 * No branch and no address of ours may depend on KSAK, v, SSK or j. Under valgrind's memcheck they
 * are marked as undefined before use; memcheck then reports each jump and each address made from
 * them. Without valgrind the program only checks that the operations still give the right answers.
 *
 * Run it as: valgrind -q --error-exitcode=1 --suppressions=tests/eccsi/constant_time.supp PROGRAM.
 * What happens inside OpenSSL is OpenSSL's promise, and suppressed: see the file.
 */
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

#include "eccsi/eccsi.h"
#include "eccsi/scalar.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define SECRET(at, octets) VALGRIND_MAKE_MEM_UNDEFINED((at), (octets))
#define PUBLIC(at, octets) VALGRIND_MAKE_MEM_DEFINED((at), (octets))
#else
#define SECRET(at, octets) ((void)(at))
#define PUBLIC(at, octets) ((void)(at))
#endif

static testing_rng source;

static kf_err secret_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    kf_err err = kf_rng_fill(&source.rng, out, len);
    SECRET(out, len);
    return err;
}

static const kf_rng secret_rng = { secret_fill, NULL };

static void mark(const kf_secret *s)
{
    SECRET(kf_secret_view(s).ptr, kf_secret_len(s));
}

static void test_scalars(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        eccsi_scalar a, b, c, one;
        uint8_t octets[ECCSI_SCALAR_OCTETS], want[ECCSI_SCALAR_OCTETS] = { 0 };
        testing_rng_octets(&source, octets, sizeof octets);
        SECRET(octets, sizeof octets);
        eccsi_scalar_reduce(octets, &a);
        eccsi_scalar_invert(&a, &b);
        eccsi_scalar_multiply(&a, &b, &one); /* 1 */
        eccsi_scalar_add(&a, &one, &c);
        eccsi_scalar_negate(&a, &a);
        eccsi_scalar_add(&c, &a, &c); /* 1 again */
        eccsi_scalar_multiply(&c, &one, &c);
        eccsi_scalar_encode(&c, octets);
        PUBLIC(octets, sizeof octets);
        want[sizeof want - 1] = 1;
        assert_memory_equal(octets, want, sizeof want);
    }
}

static void test_whole_scheme(void **state)
{
    (void)state;
    const kf_slice id = kf_slice_str("an identifier"), message = kf_slice_str("a message");
    uint8_t kpak[ECCSI_POINT_OCTETS], pvt[ECCSI_POINT_OCTETS], sig[ECCSI_SIGNATURE_OCTETS];
    kf_secret *ksak = NULL, *ssk = NULL;
    eccsi_public *pub = NULL;
    eccsi_signer *signer = NULL;
    assert_ok(eccsi_ksak_new(&secret_rng, &ksak));
    mark(ksak);
    assert_ok(eccsi_ksak_public(ksak, kpak));
    PUBLIC(kpak, sizeof kpak);
    assert_ok(eccsi_public_new(KF_SLICE_OF(kpak), &pub));
    assert_ok(eccsi_issue(ksak, id, &secret_rng, &ssk, pvt));
    PUBLIC(pvt, sizeof pvt);
    mark(ssk);
    assert_ok(eccsi_signer_new(pub, id, ssk, KF_SLICE_OF(pvt), &signer));
    for (int i = 0; i < 3; i++) {
        assert_ok(eccsi_sign(signer, message, &secret_rng, sig));
        PUBLIC(sig, sizeof sig);
        assert_ok(eccsi_verify(pub, id, message, KF_SLICE_OF(sig)));
    }
    eccsi_signer_free(&signer);
    eccsi_public_free(&pub);
    kf_secret_free(&ssk);
    kf_secret_free(&ksak);
}

/* The control: with KF_LEAK set the program does branch on a secret, and memcheck must say so. */
static void test_control(void **state)
{
    (void)state;
    uint8_t octets[1] = { 1 };
    SECRET(octets, sizeof octets);
    volatile int seen = 0;
    if (getenv("KF_LEAK") != NULL && octets[0] != 0)
        seen = 1;
    PUBLIC(octets, sizeof octets);
    assert_int_equal(seen, getenv("KF_LEAK") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_whole_scheme),
        cmocka_unit_test(test_control),
    };
    testing_rng_init(&source, "eccsi constant time");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Every truncation and every single-bit flip of good I_MESSAGEs is refused, with a field and an
 * offset, and never at the cost of a pairing. The linker puts __wrap_sakke_decapsulate in front of
 * the real one.
 */
#include "mikey/mikey.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

kf_err __real_sakke_decapsulate(const sakke_rsk *rsk, kf_slice sed, sakke_variant variant,
                                kf_secret **ssv);
kf_err __wrap_sakke_decapsulate(const sakke_rsk *rsk, kf_slice sed, sakke_variant variant,
                                kf_secret **ssv);

static size_t pairings;

kf_err __wrap_sakke_decapsulate(const sakke_rsk *rsk, kf_slice sed, sakke_variant variant,
                                kf_secret **ssv)
{
    pairings++;
    return __real_sakke_decapsulate(rsk, sed, variant, ssv);
}

typedef struct sample {
    mcsec_purpose purpose;
    bool to_self, hide;
} sample;

static const sample samples[] = {
    { MCSEC_GMK, false, false },
    { MCSEC_PCK, true, false },
    { MCSEC_CSK, false, true },
};

static kf_slice make(scene *s, const sample *how, uint8_t *buf)
{
    mikey_key_params p = { .key_type = how->purpose, .status = MIKEY_STATUS_NOT_REVOKED };
    mikey_seal what = scene_seal(s, how->purpose);
    what.params = &p;
    what.to_self = how->to_self;
    what.hide = how->hide;
    kf_slice msg = scene_make(s, &what);
    memcpy(buf, msg.ptr, msg.len);
    return (kf_slice){ buf, msg.len };
}

static void expect_refusal(const mikey_receiver *r, kf_slice msg)
{
    mikey_opened out;
    kf_fault fault;
    kf_err err = mikey_open_message(r, msg, &out, &fault);
    assert_int_not_equal(err, KF_OK);
    assert_int_equal(fault.code, err);
    assert_non_null(fault.field);
    assert_true(fault.at <= msg.len);
    assert_null(out.key);
}

static void test_every_truncation(void **state)
{
    (void)state;
    scene *s = scene_get();
    for (size_t i = 0; i < KF_COUNT(samples); i++) {
        uint8_t buf[MIKEY_MESSAGE_MAX];
        kf_slice msg = make(s, &samples[i], buf);
        mikey_receiver r = scene_receiver(s, s->alice);
        pairings = 0;
        for (size_t len = 0; len < msg.len; len++) {
            uint8_t *exact = malloc(len + 1);
            assert_non_null(exact);
            memcpy(exact, msg.ptr, len);
            expect_refusal(&r, (kf_slice){ exact, len });
            free(exact);
        }
        buf[msg.len] = 0;
        expect_refusal(&r, (kf_slice){ buf, msg.len + 1 });
        assert_int_equal(pairings, 0);
    }
}

static void test_every_bit(void **state)
{
    (void)state;
    scene *s = scene_get();
    for (size_t i = 0; i < KF_COUNT(samples); i++) {
        uint8_t buf[MIKEY_MESSAGE_MAX];
        kf_slice msg = make(s, &samples[i], buf);
        mikey_receiver r = scene_receiver(s, s->alice);
        r.compat = MIKEY_COMPAT_SIGN_NO_HEADER | MIKEY_COMPAT_SW_LEGACY | MIKEY_COMPAT_HEX_ID |
                   MIKEY_COMPAT_SSV256_L2; /* not even with every switch on */
        pairings = 0;
        for (size_t bit = 0; bit < 8 * msg.len; bit++) {
            buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_refusal(&r, msg);
            buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(pairings, 0);
        mikey_opened out;
        kf_fault fault;
        assert_ok(mikey_open_message(&r, msg, &out, &fault)); /* the untouched one still opens */
        assert_true(pairings > 0);
        mikey_opened_clear(&out);
    }
}

/* Sign what should never have been signed: the SAKKE payload of a bad point must fail after a good
 * signature, without a key. */
static void test_bad_points_under_a_good_signature(void **state)
{
    (void)state;
    scene *s = scene_get();
    for (int kind = 0; kind < 4; kind++) {
        uint8_t buf[MIKEY_MESSAGE_MAX], sed[SAKKE_SED_OCTETS(16)], again[MIKEY_MESSAGE_MAX];
        kf_slice msg = make(s, &samples[1], buf);
        mikey_message m;
        kf_fault fault;
        assert_ok(mikey_message_parse(msg, NULL, &m, &fault));
        memcpy(sed, m.sakke.sed.ptr, sizeof sed);
        if (kind == 0)
            sed[100] ^= 1; /* off the curve */
        else if (kind == 1)
            memset(sed, 0, SAKKE_POINT_OCTETS); /* infinity by another name */
        else if (kind == 2)
            sed[0] = 0x02; /* compressed */
        else
            sed[sizeof sed - 1] ^= 1; /* H: a good point, another SSV */
        m.sakke.sed = KF_SLICE_OF(sed);
        kf_writer w = kf_writer_init(again, sizeof again);
        mikey_message_encode_unsigned(&m, &w);
        kf_slice covered = kf_writer_slice(&w);
        uint8_t *signature = kf_write_space(&w, ECCSI_SIGNATURE_OCTETS);
        assert_ok(eccsi_sign(mcsec_user_keys_signer(s->iwf), covered, &s->rng.rng, signature));
        mikey_receiver r = scene_receiver(s, s->alice);
        mikey_opened out;
        kf_err err = mikey_open_message(&r, kf_writer_slice(&w), &out, &fault);
        assert_err(err, kind == 3 ? KF_E_AUTH : KF_E_MALFORMED);
        assert_string_equal(fault.field, "SAKKE");
        assert_null(out.key);
    }
}

static void test_oversize(void **state)
{
    (void)state;
    scene *s = scene_get();
    static uint8_t big[MIKEY_MESSAGE_MAX + 1];
    mikey_receiver r = scene_receiver(s, s->alice);
    mikey_opened out;
    kf_fault fault;
    assert_err(mikey_open_message(&r, KF_SLICE_OF(big), &out, &fault), KF_E_UNSUPPORTED);
}

/* Random nonsense, and good messages with random octets changed, moved and cut out. */
static void test_mutations(void **state)
{
    (void)state;
    scene *s = scene_get();
    mikey_receiver r = scene_receiver(s, s->alice);
    for (size_t round = 0; round < testing_count(2000, 1000000); round++) {
        uint8_t buf[MIKEY_MESSAGE_MAX];
        static uint8_t good[MIKEY_MESSAGE_MAX];
        static size_t good_len;
        if (round % 1000 == 0)
            good_len = make(s, &samples[round / 1000 % KF_COUNT(samples)], good).len;
        memcpy(buf, good, good_len);
        size_t len = good_len, changes = 1 + testing_rng_below(&s->rng, 4);
        for (size_t c = 0; c < changes; c++) {
            size_t at = testing_rng_below(&s->rng, len);
            size_t cut = 1 + testing_rng_below(&s->rng, 16);
            if (testing_rng_below(&s->rng, 3) == 0 && at + cut < len) {
                memmove(buf + at, buf + at + cut, len - at - cut);
                len -= cut;
            } else {
                buf[at] = (uint8_t)(buf[at] + 1 + testing_rng_below(&s->rng, 255));
            }
        }
        if (len != good_len || memcmp(buf, good, len) != 0)
            expect_refusal(&r, (kf_slice){ buf, len });
    }
}

static int tear_down(void **state)
{
    (void)state;
    scene_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_bad_points_under_a_good_signature),
        cmocka_unit_test(test_oversize),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}

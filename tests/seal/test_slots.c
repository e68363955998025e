/* Every way of keeping a vault key: round trip, wrong other half, every prefix, every flipped bit.
 */
#include "support/testing.h"

#include <string.h>

#include "seal/hkdf.h"
#include "seal/seal.h"

static const uint8_t vault[SEAL_ID_OCTETS] = { 1, 2, 3 }, other[SEAL_ID_OCTETS] = { 9 };
static const kf_scrypt_cost quick = { 1, 1, 1 };
static const kf_slice none = { NULL, 0 };

typedef struct world {
    testing_rng rng;
    kf_secret *key, *secret;
    uint8_t buf[SEAL_BLOB_MAX];
    seal_share shares[5];
    kf_slice pass[5];
} world;

static void begin(world *w)
{
    static const char *const words[] = { "a", "b", "c", "d", "e" };
    testing_rng_init(&w->rng, "seal");
    assert_ok(kf_secret_new_random(&w->rng.rng, 32, &w->key));
    assert_ok(kf_secret_new_random(&w->rng.rng, 32, &w->secret));
    for (size_t i = 0; i < 5; i++)
        w->pass[i] = kf_slice_str(words[i]);
}

static void end(world *w)
{
    kf_secret_free(&w->key);
    kf_secret_free(&w->secret);
}

static kf_slice make(world *w, seal_kind kind)
{
    kf_writer out = kf_writer_init(w->buf, sizeof w->buf);
    switch (kind) {
    case SEAL_PASSPHRASE:
        assert_ok(seal_passphrase_make(vault, w->key, w->pass[0], quick, &w->rng.rng, &out));
        break;
    case SEAL_KEY_FILE:
        assert_ok(
            seal_secret_make(kind, vault, w->key, w->secret, none, none, none, &w->rng.rng, &out));
        break;
    case SEAL_TOKEN:
        assert_ok(seal_secret_make(kind, vault, w->key, w->secret, kf_slice_str("wrapped"),
                                   kf_slice_str("pkcs11:token=t"), kf_slice_str("our key"),
                                   &w->rng.rng, &out));
        break;
    case SEAL_QUORUM:
        assert_ok(
            seal_quorum_make(vault, w->key, 3, 5, w->pass, quick, &w->rng.rng, w->shares, &out));
        break;
    }
    return kf_writer_slice(&out);
}

static kf_slice share(const world *w, size_t i)
{
    return (kf_slice){ w->shares[i].octets, w->shares[i].len };
}

static kf_err open_quorum(const world *w, kf_slice blob, kf_secret **key, kf_fault *fault)
{
    seal_quorum *q = NULL;
    *key = NULL;
    kf_err err = seal_quorum_new(blob, &q, fault);
    for (size_t i = 1; err == KF_OK && i < 4; i++)
        err = seal_quorum_add(q, share(w, i), w->pass[i]);
    if (err == KF_OK)
        err = seal_quorum_open(q, key);
    seal_quorum_free(&q);
    return err;
}

static kf_err open_it(const world *w, seal_kind kind, kf_slice blob, kf_secret **key)
{
    kf_fault fault;
    if (kind == SEAL_PASSPHRASE)
        return seal_passphrase_open(blob, w->pass[0], key, &fault);
    if (kind == SEAL_QUORUM)
        return open_quorum(w, blob, key, &fault);
    return seal_secret_open(blob, w->secret, key, &fault);
}

static void test_every_kind(void **state)
{
    (void)state;
    for (unsigned kind = SEAL_PASSPHRASE; kind <= SEAL_QUORUM; kind++) {
        world w;
        kf_secret *key = NULL;
        kf_fault fault;
        seal_slot slot;
        begin(&w);
        kf_slice blob = make(&w, (seal_kind)kind);
        assert_ok(seal_parse(blob, &slot, &fault));
        assert_int_equal(slot.kind, kind);
        assert_memory_equal(slot.vault_id, vault, sizeof vault);
        assert_ok(open_it(&w, (seal_kind)kind, blob, &key));
        assert_true(kf_secret_equal(key, w.key));
        kf_secret_free(&key);
        for (size_t len = 0; len < blob.len; len++) {
            assert_int_not_equal(open_it(&w, (seal_kind)kind, (kf_slice){ blob.ptr, len }, &key),
                                 KF_OK);
            assert_null(key);
        }
        for (size_t bit = 0; bit < 8 * blob.len; bit++) {
            if (kind == SEAL_PASSPHRASE && bit / 8 >= 36 && bit / 8 < 39)
                continue; /* a dearer scrypt: refused as well, and slow */
            w.buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(open_it(&w, (seal_kind)kind, blob, &key), KF_OK);
            assert_null(key);
            w.buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        w.buf[blob.len] = 0;
        assert_err(open_it(&w, (seal_kind)kind, (kf_slice){ blob.ptr, blob.len + 1 }, &key),
                   KF_E_TRAILING);
        end(&w);
    }
}

static void test_wrong_half_and_wrong_kind(void **state)
{
    (void)state;
    world w;
    kf_secret *key = NULL, *wrong = NULL;
    kf_fault fault;
    begin(&w);
    assert_ok(kf_secret_new_random(&w.rng.rng, 32, &wrong));
    kf_slice blob = make(&w, SEAL_KEY_FILE);
    assert_err(seal_secret_open(blob, wrong, &key, &fault), KF_E_AUTH);
    assert_err(seal_passphrase_open(blob, w.pass[0], &key, &fault), KF_E_STATE);
    blob = make(&w, SEAL_PASSPHRASE);
    assert_err(seal_passphrase_open(blob, w.pass[1], &key, &fault), KF_E_AUTH);
    assert_err(seal_secret_open(blob, w.secret, &key, &fault), KF_E_STATE);
    kf_secret_free(&wrong);
    end(&w);
}

/* Each refusal of a share has its name. */
static void test_shares(void **state)
{
    (void)state;
    world w, old, stranger;
    seal_quorum *q = NULL;
    kf_secret *key = NULL;
    kf_fault fault;
    begin(&w);
    old = w;
    old.rng.counter += 1000;
    stranger = old;
    stranger.rng.counter += 1000;
    (void)make(&old, SEAL_QUORUM);
    kf_writer out = kf_writer_init(stranger.buf, sizeof stranger.buf);
    assert_ok(seal_quorum_make(other, w.key, 3, 5, w.pass, quick, &stranger.rng.rng,
                               stranger.shares, &out));
    assert_ok(seal_quorum_new(make(&w, SEAL_QUORUM), &q, &fault));
    assert_ok(seal_quorum_add(q, share(&w, 0), w.pass[0]));
    assert_err(seal_quorum_add(q, share(&w, 0), w.pass[0]), KF_E_STATE);
    assert_err(seal_quorum_add(q, share(&w, 1), w.pass[0]), KF_E_AUTH);
    assert_err(seal_quorum_add(q, share(&old, 1), w.pass[1]), KF_E_DENIED);
    assert_err(seal_quorum_add(q, share(&stranger, 1), w.pass[1]), KF_E_AUTH);
    assert_int_equal(seal_quorum_count(q), 1);
    assert_ok(seal_quorum_add(q, share(&w, 4), w.pass[4]));
    assert_err(seal_quorum_open(q, &key), KF_E_STATE);
    for (size_t len = 0; len < w.shares[2].len; len++)
        assert_int_not_equal(seal_quorum_add(q, kf_slice_part(share(&w, 2), 0, len), w.pass[2]),
                             KF_OK);
    assert_ok(seal_quorum_add(q, share(&w, 2), w.pass[2]));
    assert_ok(seal_quorum_open(q, &key));
    assert_true(kf_secret_equal(key, w.key));
    kf_secret_free(&key);
    assert_ok(seal_quorum_add(q, share(&w, 1), w.pass[1])); /* one more than needed */
    assert_ok(seal_quorum_open(q, &key));
    kf_secret_free(&key);
    seal_quorum_free(&q);
    end(&w);
}

/* A generator that fails anywhere leaves nothing behind. */
static void test_generator_fails(void **state)
{
    (void)state;
    for (size_t budget = 0; budget < 400; budget += 7) {
        world w;
        begin(&w);
        w.rng.budget = budget;
        kf_writer out = kf_writer_init(w.buf, sizeof w.buf);
        kf_err err =
            seal_quorum_make(vault, w.key, 3, 5, w.pass, quick, &w.rng.rng, w.shares, &out);
        if (err != KF_OK) {
            assert_int_equal(err, KF_E_BACKEND);
            assert_int_equal(out.len, 0);
            for (size_t i = 0; i < 5; i++)
                assert_int_equal(w.shares[i].len, 0);
        }
        end(&w);
    }
}

/* RFC 5869 A.1: the first block of its output. */
static void test_hkdf(void **state)
{
    (void)state;
    uint8_t a[64], b[64], c[64], d[64];
    kf_secret *okm = NULL;
    kf_slice info = testing_hex("f0f1f2f3f4f5f6f7f8f9", c, sizeof c);
    assert_ok(seal_hkdf(testing_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", a, sizeof a),
                        testing_hex("000102030405060708090a0b0c", b, sizeof b), &info, 1, &okm));
    assert_slice_equal(kf_secret_view(okm), testing_hex("3cb25f25faacd57a90434f64d0362f2a"
                                                        "2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
                                                        d, sizeof d));
    kf_secret_free(&okm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind), cmocka_unit_test(test_wrong_half_and_wrong_kind),
        cmocka_unit_test(test_shares),     cmocka_unit_test(test_generator_fails),
        cmocka_unit_test(test_hkdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

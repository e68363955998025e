/*
 * After a document with keys was read and everything was freed, no writable memory of the process
 * holds the text of a key any more: neither libxml2's buffers, nor its stack, nor ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "support/residue.h"

/* A document with a fresh key in it; masked remembers digits from the middle of the key. */
static kf_secret *document_with_key(void)
{
    testing_rng rng;
    kf_secret *rsk = NULL, *ssk = NULL, *document = NULL;
    uint8_t digits[PATTERN];
    kf_fault fault;
    testing_rng_init(&rng, "residue");
    assert_ok(kf_secret_new_random(&rng.rng, SAKKE_POINT_OCTETS, &rsk));
    assert_ok(kf_secret_new_random(&rng.rng, ECCSI_SCALAR_OCTETS, &ssk));
    kf_writer w = kf_writer_init(digits, sizeof digits);
    kf_hex_write(&w, kf_slice_part(kf_secret_view(rsk), 100, PATTERN / 2));
    for (size_t i = 0; i < PATTERN; i++)
        masked[i] = digits[i] ^ MASK;
    kf_wipe(digits, sizeof digits);
    kms_keyset set = { .kms_uri = kf_slice_str("kms"),
                       .user_uri = kf_slice_str("user"),
                       .valid_from = KMS_NO_VALID_FROM,
                       .valid_to = KMS_NO_VALID_TO,
                       .user_decrypt_key = rsk,
                       .user_signing_key_ssk = ssk };
    kms_response keys = fixture_response(KMS_RESPONSE_KEY_PROV);
    keys.keysets = &set;
    keys.keyset_count = 1;
    assert_ok(kms_response_write(&keys, &document, &fault));
    kms_keyset_clear(&set);
    return document;
}

static void no_key_text_stays_behind(void **state)
{
    (void)state;
    kms_response r;
    kf_fault fault;
    kf_secret *document = document_with_key();
    assert_int_equal(copies_in_memory(), 1); /* the document: the search does find things */
    assert_ok(kms_response_parse(kf_secret_view(document), &r, &fault));
    assert_int_equal(r.keyset_count, 1);
    assert_int_equal(copies_in_memory(), 1);
    kms_response_clear(&r);
    kf_secret_free(&document);
    assert_int_equal(copies_in_memory(), 0);
}

/* The same for a document that is refused after the key. */
static void no_key_text_stays_behind_a_refusal(void **state)
{
    (void)state;
    kms_response r;
    kf_fault fault;
    kf_secret *document = document_with_key();
    kf_slice cut = kf_slice_part(kf_secret_view(document), 0, kf_secret_len(document) - 3);
    assert_err(kms_response_parse(cut, &r, &fault), KF_E_TRUNCATED);
    assert_int_equal(copies_in_memory(), 1);
    kf_secret_free(&document);
    assert_int_equal(copies_in_memory(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_text_stays_behind),
        cmocka_unit_test(no_key_text_stays_behind_a_refusal),
    };
    return cmocka_run_group_tests(tests, residue_setup, NULL);
}

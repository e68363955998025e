/*
 * After a key file was read and written and everything was freed, no writable memory of the process
 * holds a key any more, neither as text nor as octets: not libxml2's buffers, nor OpenSSL's, nor
 * ours. The same method as in tests/kms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "keyfill/box.h"
#include "keyfill/ekc.h"
#include "keyfill/ekc_inner.h"
#include "support/residue.h"

/* A file with one fresh key; masked remembers what to look for. */
static void file_with_key(keyfill_file *file, bool as_text)
{
    testing_rng rng;
    kf_secret *key = NULL;
    uint8_t digits[2 * PATTERN];
    memset(file, 0, sizeof *file);
    testing_rng_init(&rng, "residue");
    assert_ok(kf_secret_new_random(&rng.rng, 32, &key));
    kf_wipe(rng.block, sizeof rng.block);
    kf_slice part = kf_slice_part(kf_secret_view(key), 4, PATTERN);
    kf_writer w = kf_writer_init(digits, sizeof digits);
    kf_hex_write(&w, part);
    for (size_t i = 0; i < PATTERN; i++) {
        uint8_t upper = digits[i] >= 'a' ? (uint8_t)(digits[i] - 'a' + 'A') : digits[i];
        masked[i] = (as_text ? upper : part.ptr[i]) ^ MASK;
    }
    kf_wipe(digits, sizeof digits);
    keyfill_entry e = { .id = 1, .keyset = 1, .sln = 1, .kid = 1, .algid = 0x84, .material = key };
    assert_ok(keyfill_file_take_entry(file, &e));
}

static uint8_t octets[8192]; /* sealed: no key in it */

static kf_slice written(const keyfill_file *file)
{
    testing_rng rng;
    keyfill_findings findings = { 0 };
    testing_rng_init(&rng, "write");
    kf_writer w = kf_writer_init(octets, sizeof octets);
    assert_ok(keyfill_ekc_write(file, kf_slice_str("pass"), 3, &rng.rng, &findings, &w));
    return kf_writer_slice(&w);
}

static void read_back(kf_slice sealed, kf_err want, size_t copies)
{
    keyfill_file again;
    keyfill_findings findings = { 0 };
    kf_fault fault;
    assert_err(keyfill_ekc_read(sealed, kf_slice_str("pass"), 3, &again, &findings, &fault), want);
    assert_int_equal(copies_in_memory(), copies);
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&again);
}

/* The search does find digits: the clear XML has them once. */
static void digits_are_found(const keyfill_file *file)
{
    kf_secret *clear = NULL;
    assert_ok(kf_secret_new_guarded(keyfill_ekc_inner_octets_max(file), &clear));
    kf_writer w = kf_writer_init(kf_secret_edit(clear), kf_secret_len(clear));
    keyfill_ekc_inner_write(&w, file);
    assert_ok(w.err);
    assert_int_equal(copies_in_memory(), 1);
    kf_secret_free(&clear);
}

static void nothing_stays_of(bool as_text)
{
    keyfill_file file;
    file_with_key(&file, as_text);
    size_t own = as_text ? 0 : 1;
    if (as_text)
        digits_are_found(&file);
    assert_int_equal(copies_in_memory(), own); /* octets: the search does find things */
    kf_slice sealed = written(&file);
    assert_int_equal(copies_in_memory(), own);
    keyfill_file_clear(&file);
    assert_int_equal(copies_in_memory(), 0);
    read_back(sealed, KF_OK, own);
    assert_int_equal(copies_in_memory(), 0);
    octets[sealed.len] = 0;
    read_back((kf_slice){ sealed.ptr, sealed.len + 1 }, KF_E_TRAILING, 0);
}

static void no_octets_stay_behind(void **state)
{
    (void)state;
    nothing_stays_of(false);
}

static void no_digits_stay_behind(void **state)
{
    (void)state;
    nothing_stays_of(true);
}

static void nothing_stays_of_the_box(void **state)
{
    (void)state;
    keyfill_file file, again;
    kf_fault fault;
    testing_rng rng;
    testing_rng_init(&rng, "write");
    file_with_key(&file, false);
    kf_writer w = kf_writer_init(octets, sizeof octets);
    kf_scrypt_cost cost = { 4, 1, 1 };
    assert_ok(keyfill_box_seal(&file, kf_slice_str("pass"), cost, &rng.rng, &w));
    keyfill_file_clear(&file);
    assert_int_equal(copies_in_memory(), 0);
    assert_ok(keyfill_box_open(kf_writer_slice(&w), kf_slice_str("pass"), &again, &fault));
    assert_int_equal(copies_in_memory(), 1);
    keyfill_file_clear(&again);
    assert_int_equal(copies_in_memory(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_octets_stay_behind),
        cmocka_unit_test(no_digits_stay_behind),
        cmocka_unit_test(nothing_stays_of_the_box),
    };
    return cmocka_run_group_tests(tests, residue_setup, NULL);
}

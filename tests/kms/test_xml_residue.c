/*
 * After a document with keys was read and everything was freed, no writable memory of the process
 * holds the text of a key any more: neither libxml2's buffers, nor its stack, nor ours.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "fixture.h"

#define MASK         0x5au
#define PATTERN      24u /* digits of the key to look for */
#define WINDOW       ((size_t)1 << 20)
#define REGION_LIMIT ((size_t)1 << 30) /* a larger mapping is a sanitizer's shadow */

static uint8_t masked[PATTERN]; /* the pattern itself must not be in memory */
static uint8_t *window;         /* a mapping of its own, not looked into */

static bool is_pattern(const uint8_t *at)
{
    for (size_t i = 0; i < PATTERN; i++)
        if ((at[i] ^ MASK) != masked[i])
            return false;
    return true;
}

/* Read through the kernel, so that no sanitizer objects. */
static size_t count_in(int mem, size_t from, size_t to)
{
    size_t found = 0;
    for (size_t at = from; at + PATTERN <= to; at += WINDOW - PATTERN) {
        size_t want = to - at < WINDOW ? to - at : WINDOW;
        ssize_t got = pread(mem, window, want, (off_t)at);
        for (ssize_t i = 0; i + (ssize_t)PATTERN <= got; i++)
            found += is_pattern(window + i);
        if (to - at <= WINDOW)
            break;
    }
    memset(window, 0, WINDOW);
    return found;
}

static size_t copies_in_memory(void)
{
    char line[512], rights[8];
    size_t from = 0, to = 0, found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        assert_int_equal(sscanf(line, "%zx-%zx %7s", &from, &to, rights), 3);
        bool is_window = from <= (uintptr_t)window && (uintptr_t)window < to;
        if (rights[0] == 'r' && rights[1] == 'w' && to - from < REGION_LIMIT && !is_window)
            found += count_in(mem, from, to);
    }
    fclose(maps);
    close(mem);
    return found;
}

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

static int group_setup(void **state)
{
    (void)state;
    window = mmap(NULL, WINDOW + REGION_LIMIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (window == MAP_FAILED)
        return 1;
    /* inside a mapping of its own, so that the kernel merges it with no neighbour */
    window += REGION_LIMIT / 2;
    return mprotect(window, WINDOW, PROT_READ | PROT_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_text_stays_behind),
        cmocka_unit_test(no_key_text_stays_behind_a_refusal),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}

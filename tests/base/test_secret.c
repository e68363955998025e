/* Secrets: locked, undumpable, guarded, wiped. Looks at the kernel's own account of the pages. */
#include "support/testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer turns mlock() into nothing; everything else holds under it too. */
#ifdef KF_SANITIZED
#define MLOCK_WORKS false
#else
#define MLOCK_WORKS true
#endif

/* Does the mapping that holds p have this VmFlags word in /proc/self/smaps? */
static bool has_flag(const void *p, const char *flag)
{
    char line[1024], word[8];
    bool inside = false, found = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    snprintf(word, sizeof word, " %s", flag);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long from = 0, to = 0;
        char rest[8];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rest) == 3)
            inside = (uintptr_t)p >= from && (uintptr_t)p < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, word) != NULL;
    }
    fclose(f);
    return found;
}

static void test_pages_are_locked_undumpable_and_wiped_on_fork(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 16, 64, 65, 128, 257, 512, 513, 5000, 100000 };
    for (size_t i = 0; i < KF_COUNT(lengths); i++) {
        kf_secret *s = NULL;
        assert_ok(kf_secret_new(lengths[i], &s));
        assert_int_equal(kf_secret_len(s), lengths[i]);
        const uint8_t *p = kf_secret_view(s).ptr;
        memset(kf_secret_edit(s), 0x5a, lengths[i]);
        assert_true(has_flag(p, "lo") || !MLOCK_WORKS);
        assert_true(has_flag(p, "dd"));
        assert_true(has_flag(p, "wf"));
        pid_t child = fork();
        if (child == 0)
            _exit(p[0] == 0 && p[lengths[i] - 1] == 0 ? 0 : 1);
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(p[0], 0x5a);
        kf_secret_free(&s);
        assert_null(s);
    }
}

/* Child touches one octet; did it die of it? */
static bool kills(volatile const uint8_t *p)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the test */
        (void)*p;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

static void test_guard_pages(void **state)
{
    (void)state;
    kf_secret *s = NULL;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    assert_ok(kf_secret_new_guarded(page, &s));
    const uint8_t *p = kf_secret_view(s).ptr;
    assert_false(kills(p));
    assert_false(kills(p + page - 1));
    assert_true(kills(p - 1));
    assert_true(kills(p + page));
    kf_secret_free(&s);
}

static void test_pool_slot_is_wiped_before_reuse(void **state)
{
    (void)state;
    kf_secret *s = NULL;
    assert_ok(kf_secret_new(64, &s));
    uint8_t *p = kf_secret_edit(s);
    memset(p, 0xc3, 64);
    kf_secret_free(&s);
    for (size_t i = sizeof(void *); i < 64; i++) /* the first octets link the free list */
        assert_int_equal(p[i], 0);
    assert_ok(kf_secret_new(64, &s));
    static const uint8_t zero[64];
    assert_slice_equal(kf_secret_view(s), KF_SLICE_OF(zero));
    kf_secret_free(&s);
}

static void test_many_are_distinct(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static kf_secret *all[MANY];
    for (size_t i = 0; i < MANY; i++) {
        assert_ok(kf_secret_new(16, &all[i]));
        memcpy(kf_secret_edit(all[i]), &i, sizeof i);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_memory_equal(kf_secret_view(all[i]).ptr, &i, sizeof i);
        kf_secret_free(&all[i]);
    }
}

static void test_sources_are_wiped(void **state)
{
    (void)state;
    uint8_t src[16];
    memset(src, 0x77, sizeof src);
    kf_secret *s = NULL, *copy = NULL;
    assert_ok(kf_secret_new_from(src, sizeof src, &s));
    static const uint8_t zero[16];
    assert_memory_equal(src, zero, sizeof src);
    assert_ok(kf_secret_dup(s, &copy));
    assert_true(kf_secret_equal(s, copy));
    kf_secret_edit(copy)[15] ^= 1;
    assert_false(kf_secret_equal(s, copy));
    kf_secret_free(&s);
    kf_secret_free(&copy);
    kf_secret_free(&s);
    kf_secret_free(NULL);
    assert_int_equal(kf_secret_view(NULL).len, 0);
}

static void test_failing_generator_gives_nothing(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "short");
    rng.budget = 8;
    kf_secret *s = NULL;
    assert_err(kf_secret_new_random(&rng.rng, 16, &s), KF_E_BACKEND);
    assert_null(s);
}

static void test_unlockable_memory_is_refused(void **state)
{
    (void)state;
    if (!MLOCK_WORKS)
        skip();
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        kf_secret *s = NULL;
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
            _exit(2);
        if (geteuid() == 0 && setuid(65534) != 0) /* root may lock whatever the limit says */
            _exit(3);
        kf_err err = kf_secret_new_guarded(100000, &s);
        _exit(err == KF_E_NO_MEMORY && s == NULL ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_harden(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit core = { 1, 1 };
        if (kf_process_harden() != KF_OK || getrlimit(RLIMIT_CORE, &core) != 0)
            _exit(1);
#ifndef KF_SANITIZED
        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
            _exit(2);
#endif
        _exit(core.rlim_max == 0 ? 0 : 3);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_locked_undumpable_and_wiped_on_fork),
        cmocka_unit_test(test_guard_pages),
        cmocka_unit_test(test_pool_slot_is_wiped_before_reuse),
        cmocka_unit_test(test_many_are_distinct),
        cmocka_unit_test(test_sources_are_wiped),
        cmocka_unit_test(test_failing_generator_gives_nothing),
        cmocka_unit_test(test_unlockable_memory_is_refused),
        cmocka_unit_test(test_harden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

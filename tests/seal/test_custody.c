/* What is in the broker's memory after it wrapped and unwrapped: not the secret, and the vault key
 * at no time. Reads /proc/PID/mem, so root only. */
#include "seal/softhsm.h"

#include <fcntl.h>

#include "crypto/random.h"
#include "seal/seal.h"

#define CHUNK (1u << 16)

/* How often the needle lies in what fd has from..to; 1 chunk at a time, overlapping. */
static size_t hits_in(int fd, uint64_t from, uint64_t to, kf_slice needle)
{
    static uint8_t window[CHUNK];
    size_t hits = 0;
    while (from < to) {
        size_t want = to - from < sizeof window ? (size_t)(to - from) : sizeof window;
        ssize_t got = pread(fd, window, want, (off_t)from);
        if (got < (ssize_t)needle.len)
            break; /* a mapping that cannot be read, as [vvar] */
        const uint8_t *at = window, *end = window + got;
        while ((at = memmem(at, (size_t)(end - at), needle.ptr, needle.len)) != NULL) {
            hits++;
            at++;
        }
        if ((size_t)got < sizeof window)
            break;
        from += (uint64_t)got - (needle.len - 1);
    }
    return hits;
}

/* The copies in all readable memory of a process, and how much there was; SIZE_MAX: not allowed to
 * look. Our own scan buffer is not looked at. */
static size_t copies(int pid, kf_slice needle, uint64_t *octets)
{
    char path[64], line[512], mode[5];
    unsigned long long from, to;
    size_t hits = 0;
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    *octets = 0;
    if (fd < 0 || maps == NULL)
        hits = SIZE_MAX;
    while (hits != SIZE_MAX && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%llx-%llx %4s", &from, &to, mode) != 3 || mode[0] != 'r' ||
            strstr(line, "[vsyscall]") != NULL || to - from > (1ull << 32)) /* shadow memory */
            continue;
        hits += hits_in(fd, from, to, needle);
        *octets += to - from;
    }
    if (maps != NULL)
        fclose(maps);
    if (fd >= 0)
        close(fd);
    return hits;
}

/* Whole, and either half: a copy that is partly written over tells as well. */
static void must_not_have(int pid, const char *what, kf_slice secret)
{
    const kf_slice parts[] = { secret, kf_slice_part(secret, 0, secret.len / 2),
                               kf_slice_part(secret, secret.len / 2, secret.len) };
    for (size_t i = 0; i < KF_COUNT(parts); i++) {
        uint64_t octets;
        size_t hits = copies(pid, parts[i], &octets);
        printf("%s, part %zu: %zu copies in %llu octets of the broker\n", what, i, hits,
               (unsigned long long)octets);
        assert_true(octets > (1u << 20));
        assert_int_equal(hits, 0);
    }
}

/* An answer is read here while the broker still wipes what it sent; at the next request it has. */
static int settled(seal_token *t)
{
    assert_int_equal(seal_token_probe(t), SEAL_TOKEN_READY);
    return seal_token_broker(t);
}

static bool may_look(int pid)
{
    uint64_t octets;
    return copies(pid, kf_slice_str("x"), &octets) != SIZE_MAX && octets > 0;
}

static void test_memory_of_the_broker(void **state)
{
    (void)state;
    static const uint8_t vault_id[SEAL_ID_OCTETS] = { 1 };
    uint8_t wrapped[512], blob[SEAL_BLOB_MAX];
    kf_writer w = kf_writer_init(wrapped, sizeof wrapped), b = kf_writer_init(blob, sizeof blob);
    kf_secret *secret = softhsm_secret("custody"), *key = softhsm_secret("vault key");
    kf_secret *back = NULL, *opened = NULL;
    uint64_t octets;
    kf_fault fault;

    seal_token *t = softhsm_token(softhsm_module(), "county", "vault", 0);
    assert_ok(seal_token_make_key(t));
    if (!may_look(seal_token_broker(t))) {
        puts("skipped: only root may read the broker's memory");
        seal_token_free(&t);
        skip();
    }
    assert_ok(seal_token_wrap(t, secret, &w));
    must_not_have(settled(t), "secret after wrapping", kf_secret_view(secret));
    assert_ok(seal_secret_make(SEAL_TOKEN, vault_id, key, secret, kf_writer_slice(&w),
                               kf_slice_str("pkcs11:token=county"), kf_slice_str("vault"),
                               kf_random(), &b));
    seal_token_free(&t);

    t = softhsm_token(softhsm_module(), "county", "vault", 0); /* one that never saw it */
    assert_ok(seal_token_unwrap(t, kf_writer_slice(&w), &back));
    assert_ok(seal_secret_open(kf_writer_slice(&b), back, &opened, &fault));
    assert_true(kf_secret_equal(opened, key));
    must_not_have(settled(t), "secret after unwrapping", kf_secret_view(secret));
    must_not_have(seal_token_broker(t), "vault key", kf_secret_view(opened));
    char pin[32];
    softhsm_get_pin(pin, sizeof pin);
    kf_slice digits = { (const uint8_t *)pin, strcspn(pin, "\n") };
    size_t pins = copies(seal_token_broker(t), digits, &octets);
    printf("PIN: %zu copies\n", pins);
    assert_true(pins <= (softhsm_is_it() ? 0 : 1)); /* openCryptoki keeps one for itself */

    /* The scanner can see: our own copies, and what the broker does have. */
    assert_true(copies((int)getpid(), kf_secret_view(secret), &octets) >= 2);
    assert_true(copies((int)getpid(), kf_secret_view(opened), &octets) >= 2);
    assert_true(copies(seal_token_broker(t), kf_slice_str(softhsm_pin_file), &octets) >= 1);
    kf_secret_free(&opened);
    kf_secret_free(&back);
    kf_secret_free(&key);
    kf_secret_free(&secret);
    seal_token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory_of_the_broker) };
    if (!softhsm_is_there())
        return 0;
    return cmocka_run_group_tests(tests, softhsm_setup, softhsm_teardown);
}

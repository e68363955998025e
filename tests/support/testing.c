#include "support/testing.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/writer.h"
#include "crypto/hash.h"

#define DEFAULT_SEED UINT64_C(20260101)

const char *testing_vectors_dir(void)
{
    static char beside_us[4096];
    const char *dir = getenv("KF_VECTORS");
    if (dir != NULL && dir[0] != '\0')
        return dir;
    /* This file is tests/support/testing.c, known by the path the compiler was given. */
    const char *slash = strrchr(__FILE__, '/');
    int len = slash == NULL ? 0 : (int)(slash - __FILE__);
    (void)snprintf(beside_us, sizeof beside_us, "%.*s/../vectors", len, __FILE__);
    return beside_us;
}

void testing_vectors_load(const char *file_name, vectors_file *out)
{
    char path[4400];
    kf_fault fault = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", testing_vectors_dir(), file_name);
    kf_err err = vectors_load(path, out, &fault);
    if (err != KF_OK)
        fail_msg("%s: %s, line %zu, %s", path, kf_err_name(err), fault.at,
                 fault.field == NULL ? "" : fault.field);
}

vectors_case *testing_case(vectors_file *file, const char *name)
{
    vectors_case *c = vectors_case_named(file, name);
    if (c == NULL)
        fail_msg("no case [%s]", name);
    return c;
}

kf_slice testing_field(vectors_case *c, const char *name, uint8_t *buf, size_t cap)
{
    kf_slice text = vectors_text(c, name);
    kf_writer w = kf_writer_init(buf, cap);
    if (text.ptr == NULL)
        fail_msg("[%.*s] has no field %s", (int)c->name.len, (const char *)c->name.ptr, name);
    if (kf_hex_read(text, &w) != KF_OK)
        fail_msg("field %s is not hex of at most %zu octets", name, cap);
    return (kf_slice){ buf, w.len };
}

kf_slice testing_hex(const char *hex, uint8_t *buf, size_t cap)
{
    kf_writer w = kf_writer_init(buf, cap);
    for (const char *at = hex; *at != '\0';) {
        if (*at == ' ' || *at == '\n') {
            at++;
            continue;
        }
        if (at[1] == '\0' || kf_hex_read((kf_slice){ (const uint8_t *)at, 2 }, &w) != KF_OK)
            fail_msg("bad hex literal, or longer than %zu octets: %s", cap, hex);
        at += 2;
    }
    return (kf_slice){ buf, w.len };
}

kf_secret *testing_secret(kf_slice octets)
{
    kf_secret *s = NULL;
    if (kf_secret_new_copy(octets, &s) != KF_OK)
        fail_msg("no memory for a secret of %zu octets", octets.len);
    return s;
}

kf_secret *testing_secret_hex(const char *hex)
{
    uint8_t buf[1024];
    return testing_secret(testing_hex(hex, buf, sizeof buf));
}

static void tell_seed(int status, void *seed)
{
    if (status != 0)
        (void)fprintf(stderr, "repeat with KF_SEED=%" PRIu64 "\n", *(const uint64_t *)seed);
}

static uint64_t process_seed(void)
{
    static bool known;
    static uint64_t seed = DEFAULT_SEED;
    if (!known) {
        const char *text = getenv("KF_SEED");
        if (text != NULL && text[0] != '\0')
            seed = strtoull(text, NULL, 0);
        known = true;
        (void)on_exit(tell_seed, &seed); /* on failure only costs us the message */
    }
    return seed;
}

static void refill(testing_rng *r)
{
    uint8_t numbers[16];
    kf_writer w = kf_writer_init(numbers, sizeof numbers);
    kf_write_u64(&w, process_seed());
    kf_write_u64(&w, r->counter++);
    kf_slice parts[] = { KF_SLICE_OF(numbers), kf_slice_str(r->label) };
    if (kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), r->block) != KF_OK)
        fail_msg("SHA-256 is not there");
    r->used = 0;
}

static kf_err fill(void *ctx, uint8_t *out, size_t len)
{
    testing_rng *r = ctx;
    if (len > r->budget)
        return KF_E_BACKEND;
    if (r->budget != SIZE_MAX)
        r->budget -= len;
    for (size_t i = 0; i < len; i++) {
        if (r->used == sizeof r->block)
            refill(r);
        out[i] = r->block[r->used++];
    }
    return KF_OK;
}

void testing_rng_init(testing_rng *r, const char *label)
{
    *r = (testing_rng){ .budget = SIZE_MAX, .label = label, .used = sizeof r->block };
    r->rng = (kf_rng){ fill, r };
    (void)process_seed();
}

void testing_rng_octets(testing_rng *r, uint8_t *out, size_t len)
{
    if (fill(r, out, len) != KF_OK)
        fail_msg("the test generator %s is exhausted", r->label);
}

uint64_t testing_rng_u64(testing_rng *r)
{
    uint64_t value;
    testing_rng_octets(r, (uint8_t *)&value, sizeof value);
    return value;
}

size_t testing_rng_below(testing_rng *r, size_t limit)
{
    return (size_t)(testing_rng_u64(r) % limit);
}

size_t testing_count(size_t sample, size_t full)
{
    const char *text = getenv("KF_CAMPAIGN");
    if (text == NULL || text[0] == '\0' || strcmp(text, "0") == 0)
        return sample;
    unsigned long times = strtoul(text, NULL, 10);
    return times > 1 ? full * (size_t)times : full;
}

void testing_assert_err(kf_err got, kf_err want, const char *expression, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s: got %s, want %s\n", expression, kf_err_name(got), kf_err_name(want));
    _fail(file, line);
}

static void print_octets(const char *label, kf_slice s)
{
    print_error("%s (%zu octets) ", label, s.len);
    for (size_t i = 0; i < s.len; i++)
        print_error("%02x", s.ptr[i]);
    print_error("\n");
}

void testing_assert_slices(kf_slice got, kf_slice want, const char *expression, const char *file,
                           int line)
{
    if (kf_slice_equal(got, want))
        return;
    print_error("%s\n", expression);
    print_octets("got ", got);
    print_octets("want", want);
    _fail(file, line);
}

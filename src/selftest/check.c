#include "selftest/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void check_fail(check *k, const char *what)
{
    kf_slice wrong = kf_slice_str(what);
    if (!check_ok(k))
        return;
    for (size_t i = 0; i < k->c->count; i++) /* the caller's text may be gone before it is told */
        if (kf_slice_equal(k->c->fields[i].name, wrong))
            wrong = k->c->fields[i].name;
    k->wrong = wrong;
}

bool check_ok(const check *k)
{
    return k->wrong.ptr == NULL;
}

kf_slice check_hex(check *k, const char *name)
{
    uint8_t *octets = NULL;
    size_t len = 0;
    if (!vectors_has(k->c, name))
        return (kf_slice){ NULL, 0 };
    if (k->buffer_count == CHECK_BUFFERS_MAX || vectors_hex(k->c, name, &octets, &len) != KF_OK) {
        check_fail(k, name);
        return (kf_slice){ NULL, 0 };
    }
    k->buffers[k->buffer_count++] = octets;
    return (kf_slice){ octets, len };
}

kf_slice check_need(check *k, const char *name)
{
    kf_slice s = check_hex(k, name);
    if (s.ptr == NULL)
        check_fail(k, name);
    return s;
}

kf_secret *check_take(check *k, kf_secret *secret)
{
    if (secret == NULL)
        return NULL;
    if (k->secret_count == CHECK_BUFFERS_MAX) {
        kf_secret_free(&secret);
        check_fail(k, "memory");
        return NULL;
    }
    k->secrets[k->secret_count++] = secret;
    return secret;
}

kf_secret *check_secret(check *k, const char *name)
{
    kf_secret *secret = NULL;
    kf_slice octets = check_hex(k, name);
    if (octets.ptr != NULL && kf_secret_new_copy(octets, &secret) != KF_OK)
        check_fail(k, "memory");
    return check_take(k, secret);
}

kf_slice check_text(check *k, const char *name)
{
    return vectors_text(k->c, name);
}

uint64_t check_decimal(check *k, const char *name)
{
    uint64_t value = 0;
    if (vectors_decimal(k->c, name, &value) != KF_OK)
        check_fail(k, name);
    return value;
}

uint32_t check_hex_number(check *k, const char *name, uint32_t max)
{
    kf_slice text = vectors_text(k->c, name);
    uint32_t value = 0;
    bool good = text.len >= 1 && text.len <= 8;
    for (size_t i = 0; good && i < text.len; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *at = text.ptr[i] == '\0' ? NULL : strchr(digits, text.ptr[i]);
        good = at != NULL;
        value = value << 4 | (good ? (uint32_t)(at - digits) % 16 : 0);
    }
    if (!good || value > max) {
        check_fail(k, name);
        return 0;
    }
    return value;
}

void check_mi(check *k, const char *name, uint8_t mi[9])
{
    kf_slice octets = check_need(k, name);
    memset(mi, 0, 9);
    if (octets.len == 9 && octets.ptr[8] == 0)
        memcpy(mi, octets.ptr, 9);
    else
        check_fail(k, name);
}

/* The name up to its first hyphen. */
static kf_slice prefix_of(kf_slice name)
{
    size_t len = 0;
    while (len < name.len && name.ptr[len] != '-')
        len++;
    return kf_slice_part(name, 0, len);
}

static bool is_setup(kf_slice name)
{
    kf_slice prefix = prefix_of(name);
    return kf_slice_equal(kf_slice_part(name, prefix.len, name.len), kf_slice_str("-setup"));
}

bool check_is_setup(const check *k)
{
    return is_setup(k->c->name);
}

vectors_case *check_setup(check *k)
{
    for (size_t i = 0; i < k->file->count; i++) {
        kf_slice name = k->file->cases[i].name;
        if (is_setup(name) && kf_slice_equal(prefix_of(name), prefix_of(k->c->name)))
            return &k->file->cases[i];
    }
    return NULL;
}

void check_same(check *k, const char *name, kf_slice got)
{
    if (!vectors_has(k->c, name))
        return;
    kf_slice want = check_hex(k, name);
    k->compared++;
    if (want.ptr == NULL || !kf_slice_equal(want, got))
        check_fail(k, name);
}

void check_same_id(check *k, const char *name, uint32_t got)
{
    const uint8_t octets[] = { (uint8_t)(got >> 24), (uint8_t)(got >> 16), (uint8_t)(got >> 8),
                               (uint8_t)got };
    check_same(k, name, KF_SLICE_OF(octets));
}

void check_says(check *k, const char *name, const char *fmt, ...)
{
    char text[1024];
    if (!vectors_has(k->c, name))
        return;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    kf_slice want = vectors_text(k->c, name);
    k->compared++;
    if (n < 0 || (size_t)n >= sizeof text || want.len != (size_t)n ||
        strncasecmp((const char *)want.ptr, text, want.len) != 0)
        check_fail(k, name);
    kf_wipe(text, sizeof text);
}

void check_done(check *k, kf_err err, const char *step)
{
    if (err != KF_OK)
        check_fail(k, step);
}

/* Running out of memory or a broken library is no refusal. */
static bool is_refusal(kf_err err)
{
    return err != KF_OK && err != KF_E_NO_MEMORY && err != KF_E_BACKEND && err != KF_E_NO_SPACE;
}

bool check_outcome(check *k, kf_err err, const char *step)
{
    k->compared++;
    if (k->expect_fail ? !is_refusal(err) : err != KF_OK)
        check_fail(k, step);
    return err == KF_OK;
}

static void read_expect(check *k)
{
    kf_slice expect = vectors_text(k->c, "expect");
    (void)vectors_text(k->c, "note");
    (void)vectors_text(k->c, "basis");
    k->expect_fail = kf_slice_equal(expect, kf_slice_str("fail"));
    if (expect.ptr != NULL && !k->expect_fail)
        check_fail(k, "expect");
}

kf_slice check_case(vectors_file *file, vectors_case *c, check_fn *fn)
{
    check *k = calloc(1, sizeof *k);
    kf_slice wrong = kf_slice_str("memory");
    if (k == NULL)
        return wrong;
    k->file = file;
    k->c = c;
    read_expect(k);
    if (check_ok(k))
        fn(k);
    if (check_ok(k) && k->compared == 0)
        check_fail(k, "nothing to check");
    wrong = k->wrong;
    for (size_t i = 0; check_ok(k) && i < c->count && wrong.ptr == NULL; i++)
        if (!c->fields[i].used)
            wrong = c->fields[i].name; /* not known, or given twice */
    for (size_t i = 0; i < k->buffer_count; i++)
        free(k->buffers[i]);
    for (size_t i = 0; i < k->secret_count; i++)
        kf_secret_free(&k->secrets[i]);
    free(k);
    return wrong;
}

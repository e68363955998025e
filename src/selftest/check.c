#include "selftest/check.h"

#include <stdlib.h>
#include <string.h>

void check_fail(check *k, const char *what)
{
    if (k->wrong == NULL)
        k->wrong = what;
}

bool check_ok(const check *k)
{
    return k->wrong == NULL;
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

kf_slice check_case(vectors_case *c, check_fn *fn)
{
    check *k = calloc(1, sizeof *k);
    kf_slice wrong = kf_slice_str("memory");
    if (k == NULL)
        return wrong;
    k->c = c;
    read_expect(k);
    if (check_ok(k))
        fn(k);
    if (check_ok(k) && k->compared == 0)
        check_fail(k, "nothing to check");
    wrong = k->wrong == NULL ? (kf_slice){ NULL, 0 } : kf_slice_str(k->wrong);
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

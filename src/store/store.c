#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "store/dialect.h"
#include "store/parts.h"

/* ---- what failed ---- */

static const char *const reason_names[] = {
    [STORE_FINE] = "fine",           [STORE_CLASH] = "clash",
    [STORE_AGAIN] = "again",         [STORE_FULL] = "full",
    [STORE_READ_ONLY] = "read-only", [STORE_LOST] = "lost",
    [STORE_CORRUPT] = "corrupt",     [STORE_OTHER_FORMAT] = "other-format",
    [STORE_BROKEN] = "broken",
};

const char *store_reason_name(store_reason reason)
{
    return (size_t)reason < KF_COUNT(reason_names) ? reason_names[reason] : "unknown";
}

void store_fault_write(store_fault *fault, store_reason reason, const char *text)
{
    size_t len = strcspn(text, "\r\n");
    if (len >= sizeof fault->text)
        len = sizeof fault->text - 1;
    fault->reason = reason;
    memmove(fault->text, text, len);
    fault->text[len] = '\0';
}

kf_err store_fail(store *s, store_reason reason, const char *text)
{
    store_fault_write(&s->fault, reason, text);
    s->failed = true;
    s->is_lost = s->is_lost || reason == STORE_LOST;
    return reason == STORE_CLASH ? KF_E_DENIED : KF_E_BACKEND;
}

kf_err store_fail_memory(store *s)
{
    (void)store_fail(s, STORE_BROKEN, "out of memory");
    return KF_E_NO_MEMORY;
}

const store_fault *store_last_fault(const store *s)
{
    return &s->fault;
}

/* ---- open and close ---- */

static const struct {
    const char *scheme;
    const store_backend *backend;
} schemes[] = {
    { "sqlite:", &store_backend_sqlite },
    { "postgresql:", &store_backend_postgresql },
};

static store *make(const store_backend *backend, const char *where)
{
    store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->backend = backend;
    s->where = strdup(where);
    if (s->where == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

static kf_err connect_made(store *s, store **out, store_fault *fault)
{
    if (s == NULL) {
        store_fault_write(fault, STORE_BROKEN, "out of memory");
        return KF_E_NO_MEMORY;
    }
    kf_err err = s->backend->connect(s);
    *fault = s->fault;
    if (err == KF_OK)
        *out = s;
    else
        store_close(&s);
    return err;
}

kf_err store_open(const char *where, store **out, store_fault *fault)
{
    *out = NULL;
    *fault = (store_fault){ STORE_FINE, "" };
    for (size_t i = 0; i < KF_COUNT(schemes); i++) {
        const size_t len = strlen(schemes[i].scheme);
        const store_backend *backend = schemes[i].backend;
        if (strncmp(where, schemes[i].scheme, len) != 0)
            continue;
        const char *rest = where + len;
        if (backend->kind == STORE_SQLITE && (rest[0] == '\0' || rest[0] == ':'))
            break; /* what SQLite takes for a store in memory */
        if (backend->kind == STORE_POSTGRESQL && strncmp(rest, "//", 2) == 0)
            rest = where; /* a URI in libpq's own form */
        return connect_made(make(backend, rest), out, fault);
    }
    store_fault_write(fault, STORE_BROKEN, "a store is sqlite:PATH or postgresql:CONNINFO");
    return KF_E_MALFORMED;
}

kf_err store_open_inner(const char *path, store **out, store_fault *fault)
{
    *out = NULL;
    return connect_made(make(&store_backend_sqlite, path), out, fault);
}

void store_close(store **s)
{
    if (s == NULL || *s == NULL)
        return;
    store_rollback(*s);
    (*s)->backend->disconnect(*s);
    free((*s)->where);
    free(*s);
    *s = NULL;
}

store_kind store_kind_of(const store *s)
{
    return s->backend->kind;
}

/* ---- transactions ---- */

/* What a fail point refuses looks like something that nobody foresaw. */
kf_err store_may_fail(store *s, const char *failpoint)
{
    if (kf_failpoint(failpoint) == KF_OK)
        return KF_OK;
    return store_fail(s, STORE_BROKEN, "refused by a fail point");
}

static kf_err reconnect(store *s)
{
    if (s->is_lost) {
        s->backend->disconnect(s);
        s->is_lost = false;
    }
    return s->link != NULL ? KF_OK : s->backend->connect(s);
}

/* A connection may have died while nobody used it. Nothing was begun, so that is done anew, once.
 */
static kf_err begin(store *s, kf_err (*act)(store *s, store_mode mode), store_mode mode)
{
    kf_err err = reconnect(s);
    if (err == KF_OK)
        err = act(s, mode);
    if (err == KF_OK || !s->is_lost || s->link == NULL)
        return err;
    err = reconnect(s);
    return err == KF_OK ? act(s, mode) : err;
}

static kf_err open_transaction(store *s, kf_err (*act)(store *s, store_mode mode), store_mode mode)
{
    if (s->is_open)
        return KF_E_STATE;
    s->fault = (store_fault){ STORE_FINE, "" };
    kf_err err = store_may_fail(s, "store.begin");
    if (err == KF_OK)
        err = begin(s, act, mode);
    s->failed = false;
    if (err != KF_OK)
        return err;
    s->fault = (store_fault){ STORE_FINE, "" };
    s->mode = mode;
    s->is_open = true;
    return KF_OK;
}

kf_err store_begin(store *s, store_mode mode)
{
    return open_transaction(s, s->backend->begin, mode);
}

kf_err store_begin_schema(store *s)
{
    return open_transaction(s, s->backend->begin_schema, STORE_WRITE);
}

static void end(store *s)
{
    s->is_open = false;
    s->failed = false;
}

/* After the commit the power to refuse is gone: what can still happen is that nobody hears of it,
 * and that only where there is a connection to lose. */
static kf_err may_lose_answer(store *s)
{
    if (kf_failpoint("store.commit.after") == KF_OK || s->backend->kind == STORE_SQLITE)
        return KF_OK;
    return store_fail(s, STORE_LOST, "connection lost by a fail point");
}

kf_err store_commit(store *s)
{
    if (!s->is_open)
        return KF_E_STATE;
    if (s->failed) {
        store_rollback(s);
        return KF_E_STATE;
    }
    kf_err err = KF_OK;
    if (s->mode != STORE_READ)
        err = store_may_fail(s, "store.commit.before");
    if (err == KF_OK)
        err = s->backend->commit(s);
    if (err != KF_OK)
        s->backend->rollback(s);
    else if (s->mode != STORE_READ)
        err = may_lose_answer(s);
    end(s);
    return err;
}

void store_rollback(store *s)
{
    if (!s->is_open)
        return;
    s->backend->rollback(s);
    end(s);
}

bool store_is_open(const store *s)
{
    return s->is_open;
}

/* ---- values ---- */

store_value store_null(void)
{
    return (store_value){ .type = STORE_NULL };
}

store_value store_int(int64_t number)
{
    return (store_value){ .type = STORE_INT, .number = number };
}

store_value store_text(kf_slice text)
{
    return (store_value){ .type = STORE_TEXT, .octets = text };
}

store_value store_text_z(const char *text)
{
    return store_text(kf_slice_str(text));
}

store_value store_blob(kf_slice octets)
{
    return (store_value){ .type = STORE_BLOB, .octets = octets };
}

/* Octets of the character at p, of which left octets are there; 0 when it is none. spec: RFC 3629
 * section 4 - the table of well-formed sequences; NUL is left out. */
static size_t character(const uint8_t *p, size_t left)
{
    static const struct {
        uint8_t first, last, low, high; /* of the first octet, of the second */
        size_t len;
    } rows[] = {
        { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < KF_COUNT(rows); i++) {
        const size_t len = rows[i].len;
        if (p[0] < rows[i].first || p[0] > rows[i].last)
            continue;
        if (left < len || (len > 1 && (p[1] < rows[i].low || p[1] > rows[i].high)))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((p[k] & 0xc0u) != 0x80u)
                return 0;
        return len;
    }
    return 0;
}

static bool is_text(kf_slice octets)
{
    for (size_t at = 0; at < octets.len;) {
        const size_t len = character(octets.ptr + at, octets.len - at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* ---- statements ---- */

/* PostgreSQL refuses text that is none; SQLite would take it: so that both do the same, here. */
static kf_err check_values(store *s, const store_value *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (in[i].type == STORE_TEXT && !is_text(in[i].octets))
            return store_fail(s, STORE_BROKEN, "a text is not UTF-8, or holds a NUL");
    return KF_OK;
}

static kf_err check_run(store *s, const store_sql *sql, size_t count, const char *failpoint)
{
    if (!s->is_open || s->failed)
        return KF_E_STATE;
    if (count > STORE_PARAMETERS_MAX)
        return store_fail(s, STORE_BROKEN, "more parameters than a statement may have");
    if (s->mode == STORE_READ || !store_dialect_writes(sql->text))
        return KF_OK;
    return store_may_fail(s, failpoint);
}

kf_err store_run(store *s, const store_sql *sql, const store_value *in, size_t count,
                 store_row *row, void *ctx)
{
    kf_err err = check_run(s, sql, count, "store.run");
    if (err == KF_OK)
        err = check_values(s, in, count);
    return err == KF_OK ? s->backend->run(s, sql, in, count, row, ctx) : err;
}

int64_t store_changes(const store *s)
{
    return s->changes;
}

kf_err store_run_many(store *s, const store_sql *sql, const store_value *values, size_t rows,
                      size_t count)
{
    int64_t changes = 0;
    if (!s->is_open || s->failed)
        return KF_E_STATE;
    for (size_t done = 0; done < rows; done += STORE_CHUNK_ROWS) {
        const size_t n = rows - done < STORE_CHUNK_ROWS ? rows - done : STORE_CHUNK_ROWS;
        kf_err err = check_run(s, sql, count, "store.run_many");
        if (err == KF_OK)
            err = check_values(s, values + done * count, n * count);
        if (err == KF_OK)
            err = s->backend->run_many(s, sql, values + done * count, n, count);
        if (err != KF_OK)
            return err;
        changes += s->changes;
    }
    s->changes = changes;
    return KF_OK;
}

typedef struct one_int {
    int64_t value;
    size_t rows;
} one_int;

static kf_err take_int(void *ctx, const store_value *columns, size_t count)
{
    one_int *one = ctx;
    if (one->rows++ > 0 || count == 0 || columns[0].type != STORE_INT)
        return KF_E_STATE;
    one->value = columns[0].number;
    return KF_OK;
}

kf_err store_get_int(store *s, const store_sql *sql, const store_value *in, size_t count,
                     int64_t *out)
{
    one_int one = { 0, 0 };
    *out = 0;
    kf_err err = store_run(s, sql, in, count, take_int, &one);
    if (err == KF_OK && one.rows != 1)
        err = KF_E_STATE;
    if (err == KF_OK)
        *out = one.value;
    return err;
}

/* SQLite: one file, its write-ahead log beside it, one writer at a time. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/dialect.h"
#include "store/parts.h"

static sqlite3 *db_of(const store *s)
{
    return s->link;
}

void *store_sqlite_link(store *s)
{
    return s->link;
}

/* ---- what failed ---- */

static const struct {
    int code;
    store_reason reason;
} codes[] = {
    /* extended codes first, then the primary ones */
    { SQLITE_IOERR_CORRUPTFS, STORE_CORRUPT },
    { SQLITE_IOERR_DATA, STORE_CORRUPT },
    { SQLITE_IOERR_SHORT_READ, STORE_CORRUPT },
    { SQLITE_IOERR_BLOCKED, STORE_AGAIN },
    { SQLITE_CONSTRAINT, STORE_CLASH },
    { SQLITE_BUSY, STORE_AGAIN },
    { SQLITE_LOCKED, STORE_AGAIN },
    { SQLITE_INTERRUPT, STORE_AGAIN },
    { SQLITE_FULL, STORE_FULL },
    { SQLITE_READONLY, STORE_READ_ONLY },
    { SQLITE_PERM, STORE_READ_ONLY },
    { SQLITE_AUTH, STORE_READ_ONLY },
    { SQLITE_CORRUPT, STORE_CORRUPT },
    { SQLITE_NOTADB, STORE_CORRUPT },
    { SQLITE_FORMAT, STORE_CORRUPT },
    { SQLITE_IOERR, STORE_LOST },
    { SQLITE_CANTOPEN, STORE_LOST },
    { SQLITE_PROTOCOL, STORE_LOST },
    { SQLITE_NOLFS, STORE_FULL },
};

/* The operating system knows better than "I/O error". */
static store_reason reason_of_system(int number, store_reason otherwise)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STORE_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return STORE_READ_ONLY;
    default:
        return otherwise;
    }
}

static store_reason reason_of(int extended, int system)
{
    for (size_t i = 0; i < KF_COUNT(codes); i++)
        if (codes[i].code == extended || codes[i].code == (extended & 0xff)) {
            const bool is_system = codes[i].reason == STORE_LOST;
            return is_system ? reason_of_system(system, STORE_LOST) : codes[i].reason;
        }
    return STORE_BROKEN;
}

/* SQLite's messages name tables and columns, never values. */
static kf_err fail(store *s)
{
    const int number = errno;
    sqlite3 *db = db_of(s);
    char text[256];
    if (sqlite3_errcode(db) == SQLITE_NOMEM)
        return store_fail_memory(s);
    const int extended = sqlite3_extended_errcode(db);
    /* SQLite keeps the number for some calls only; ours is set to 0 before each. */
    const int system = sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : number;
    const store_reason reason = reason_of(extended, system);
    const bool tells = system != 0 && (reason == STORE_LOST || (extended & 0xff) == SQLITE_IOERR ||
                                       (extended & 0xff) == SQLITE_CANTOPEN);
    snprintf(text, sizeof text, "%s%s%s (SQLite %d)", sqlite3_errmsg(db), tells ? ": " : "",
             tells ? strerror(system) : "", extended);
    return store_fail(s, reason, text);
}

/* ---- scripts ---- */

static kf_err script(store *s, const char *text)
{
    errno = 0;
    return sqlite3_exec(db_of(s), text, NULL, NULL, NULL) == SQLITE_OK ? KF_OK : fail(s);
}

/* First column of the first row of a pragma or query, as text. */
static kf_err ask(store *s, const char *text, char *out, size_t size)
{
    sqlite3_stmt *st = NULL;
    out[0] = '\0';
    if (sqlite3_prepare_v2(db_of(s), text, -1, &st, NULL) != SQLITE_OK)
        return fail(s);
    const int rc = sqlite3_step(st);
    const unsigned char *got = rc == SQLITE_ROW ? sqlite3_column_text(st, 0) : NULL;
    if (got != NULL)
        snprintf(out, size, "%s", (const char *)got);
    kf_err err = rc == SQLITE_ROW || rc == SQLITE_DONE ? KF_OK : fail(s);
    (void)sqlite3_finalize(st);
    return err;
}

/* ---- connection ---- */

static kf_err fail_system(store *s, const char *what, int number)
{
    char text[256];
    snprintf(text, sizeof text, "%s: %s", what, strerror(number));
    return store_fail(s, reason_of_system(number, STORE_LOST), text);
}

/* The name of a new file is durable when its directory is. */
static kf_err sync_directory(store *s)
{
    char *copy = strdup(s->where);
    if (copy == NULL)
        return store_fail_memory(s);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok = fd >= 0 && fsync(fd) == 0;
    const int number = errno;
    free(copy);
    if (fd >= 0)
        (void)close(fd);
    return ok ? KF_OK : fail_system(s, "the directory of the store", number);
}

/* SQLite would make it as the umask says; its companions -wal and -shm get the mode of the file. */
static kf_err make_file(store *s)
{
    if (s->where[0] == ':')
        return KF_OK; /* in memory */
    const int fd = open(s->where, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? KF_OK : fail_system(s, "the file of the store", errno);
    (void)close(fd);
    return sync_directory(s);
}

/* A file that has tables and not our mark belongs to another program. Mark and tables are of one
 * moment: others may be making the same new store. */
static kf_err check_mark(store *s)
{
    char found[16], text[256];
    snprintf(text, sizeof text,
             "SELECT CASE WHEN application_id = %d THEN 'ours' WHEN application_id <> 0 OR"
             " EXISTS (SELECT 1 FROM sqlite_schema) THEN 'other' ELSE 'new' END"
             " FROM pragma_application_id",
             STORE_APPLICATION_ID);
    kf_err err = ask(s, text, found, sizeof found);
    if (err != KF_OK || strcmp(found, "ours") == 0)
        return err;
    if (strcmp(found, "new") != 0)
        return store_fail(s, STORE_OTHER_FORMAT, "the file is a database of another program");
    snprintf(text, sizeof text, "PRAGMA application_id = %d", STORE_APPLICATION_ID);
    return script(s, text);
}

/* A backup has its checksum in user_version; one that is put to use as a store has none. */
static kf_err clear_checksum(store *s)
{
    char version[32];
    kf_err err = ask(s, "PRAGMA user_version", version, sizeof version);
    if (err == KF_OK && strcmp(version, "0") != 0)
        err = script(s, "PRAGMA user_version = 0");
    return err;
}

/* The change to a write-ahead log does not wait for others that open the same new file: it is told
 * to try again, and does. */
static kf_err begin_wal(store *s, char *answer, size_t size)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    kf_err err = ask(s, "PRAGMA journal_mode = WAL", answer, size);
    for (int i = 0; err != KF_OK && s->fault.reason == STORE_AGAIN && i < STORE_LOCK_WAIT_MS / 5;
         i++) {
        (void)nanosleep(&pause, NULL);
        err = ask(s, "PRAGMA journal_mode = WAL", answer, size);
    }
    if (err == KF_OK)
        s->fault = (store_fault){ STORE_FINE, "" };
    return err;
}

static kf_err set_up(store *s)
{
    sqlite3 *db = db_of(s);
    char answer[32];
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, STORE_LOCK_WAIT_MS);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    static const struct {
        int option, value;
    } options[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },   { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },     { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
    };
    for (size_t i = 0; i < KF_COUNT(options); i++) {
        int now = -1;
        if (sqlite3_db_config(db, options[i].option, options[i].value, &now) != SQLITE_OK ||
            now != options[i].value)
            return store_fail(s, STORE_BROKEN, "this SQLite lacks a setting that is needed");
    }
    /* Temporary tables stay in memory: what a sort holds is not to be found on disk. */
    kf_err err = script(s, "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
                           "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;"
                           "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864");
    if (err == KF_OK)
        err = check_mark(s);
    if (err == KF_OK)
        err = begin_wal(s, answer, sizeof answer);
    if (err == KF_OK && strcmp(answer, "wal") != 0 && strcmp(answer, "memory") != 0)
        err = store_fail(s, STORE_READ_ONLY, "a write-ahead log cannot be kept beside the file");
    return err == KF_OK ? clear_checksum(s) : err;
}

static void disconnect(store *s);

static kf_err connect(store *s)
{
    sqlite3 *db = NULL;
    kf_err err = make_file(s);
    if (err != KF_OK)
        return err;
    errno = 0;
    const int rc =
        sqlite3_open_v2(s->where, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (db == NULL)
        return store_fail_memory(s);
    s->link = db;
    err = rc == SQLITE_OK ? set_up(s) : fail(s);
    if (err != KF_OK)
        disconnect(s);
    return err;
}

static void release(void *ctx, store_entry *entry)
{
    (void)ctx;
    (void)sqlite3_finalize(entry->handle);
}

static void disconnect(store *s)
{
    store_cache_empty(&s->cache, release, NULL);
    (void)sqlite3_close_v2(db_of(s));
    s->link = NULL;
}

/* ---- transactions ---- */

static kf_err begin(store *s, store_mode mode)
{
    return script(s, mode == STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}

static kf_err begin_schema(store *s, store_mode mode)
{
    (void)mode;
    (void)sqlite3_busy_timeout(db_of(s), STORE_SCHEMA_WAIT_MS);
    kf_err err = script(s, "BEGIN IMMEDIATE");
    (void)sqlite3_busy_timeout(db_of(s), STORE_LOCK_WAIT_MS);
    return err;
}

static void rollback(store *s)
{
    /* Some failures have rolled back already; and what cannot be rolled back goes with the
     * connection. */
    if (s->link != NULL && sqlite3_get_autocommit(db_of(s)) == 0 &&
        sqlite3_exec(db_of(s), "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        s->is_lost = true;
}

static kf_err commit(store *s)
{
    kf_err err = script(s, "COMMIT");
    if (err != KF_OK)
        rollback(s);
    return err;
}

/* ---- statements ---- */

static void forget(store *s, const store_sql *sql)
{
    store_entry *entry = store_cache_find(&s->cache, sql);
    if (entry == NULL)
        return;
    release(NULL, entry);
    store_cache_remove(&s->cache, entry);
}

static kf_err prepare(store *s, const store_sql *sql, sqlite3_stmt **out)
{
    char *text = NULL;
    const char *rest = NULL;
    kf_err err = store_dialect(sql->text, STORE_SQLITE, &text);
    if (err == KF_E_NO_MEMORY)
        return store_fail_memory(s);
    if (err != KF_OK)
        return store_fail(s, STORE_BROKEN, "a statement has an unknown {marker}");
    if (sqlite3_prepare_v3(db_of(s), text, -1, SQLITE_PREPARE_PERSISTENT, out, &rest) != SQLITE_OK)
        err = fail(s);
    else if (*out == NULL || rest[strspn(rest, " \t\r\n;")] != '\0')
        err = store_fail(s, STORE_BROKEN, "not exactly one statement");
    free(text);
    if (err != KF_OK)
        (void)sqlite3_finalize(*out);
    return err;
}

static kf_err entry_for(store *s, const store_sql *sql, store_entry **out)
{
    sqlite3_stmt *st = NULL;
    *out = store_cache_find(&s->cache, sql);
    if (*out != NULL && (*out)->in_use)
        return store_fail(s, STORE_BROKEN, "a statement is run by its own row");
    if (*out != NULL && (*out)->text == sql->text)
        return KF_OK;
    forget(s, sql);
    kf_err err = prepare(s, sql, &st);
    if (err != KF_OK)
        return err;
    *out = store_cache_add(&s->cache, sql);
    if (*out == NULL) {
        (void)sqlite3_finalize(st);
        return store_fail_memory(s);
    }
    (*out)->handle = st;
    return KF_OK;
}

static int bind_one(sqlite3_stmt *st, int at, const store_value *v)
{
    /* A NULL pointer would be SQL's NULL, which an empty value is not. */
    const void *octets = v->octets.len == 0 ? "" : (const void *)v->octets.ptr;
    switch (v->type) {
    case STORE_NULL:
        return sqlite3_bind_null(st, at);
    case STORE_INT:
        return sqlite3_bind_int64(st, at, v->number);
    case STORE_TEXT:
        return sqlite3_bind_text64(st, at, octets, v->octets.len, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BLOB:
        return sqlite3_bind_blob64(st, at, octets, v->octets.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* SQLite counts $5 as the first parameter when it is used first: go by the names. */
static kf_err bind(store *s, sqlite3_stmt *st, const store_value *in, size_t count)
{
    if ((size_t)sqlite3_bind_parameter_count(st) != count)
        return store_fail(s, STORE_BROKEN, "a statement has another number of parameters");
    for (int at = 1; at <= (int)count; at++) {
        const char *name = sqlite3_bind_parameter_name(st, at);
        const long number = name == NULL || name[0] != '$' ? 0 : strtol(name + 1, NULL, 10);
        if (number < 1 || (size_t)number > count)
            return store_fail(s, STORE_BROKEN, "parameters are not named $1, $2, ...");
        const int rc = bind_one(st, at, &in[number - 1]);
        if (rc != SQLITE_OK)
            return fail(s);
    }
    return KF_OK;
}

static bool column(sqlite3_stmt *st, int at, store_value *out)
{
    *out = (store_value){ .type = STORE_NULL, .octets = { (const uint8_t *)"", 0 } };
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_INTEGER:
        out->type = STORE_INT;
        out->number = sqlite3_column_int64(st, at);
        return true;
    case SQLITE_TEXT:
        out->type = STORE_TEXT;
        out->octets.ptr = sqlite3_column_text(st, at);
        break;
    case SQLITE_BLOB:
        out->type = STORE_BLOB;
        out->octets.ptr = sqlite3_column_blob(st, at);
        break;
    default:
        return false;
    }
    out->octets.len = (size_t)sqlite3_column_bytes(st, at);
    if (out->octets.len == 0)
        out->octets.ptr = (const uint8_t *)"";
    return out->octets.ptr != NULL;
}

static kf_err give_row(store *s, sqlite3_stmt *st, store_row *row, void *ctx)
{
    store_value columns[STORE_COLUMNS_MAX];
    const int count = sqlite3_column_count(st);
    if (row == NULL)
        return KF_OK;
    if ((size_t)count > STORE_COLUMNS_MAX)
        return store_fail(s, STORE_BROKEN, "more columns than a row may have");
    for (int i = 0; i < count; i++)
        if (!column(st, i, &columns[i]))
            return store_fail(s, STORE_BROKEN, "a column is of a type that is not one of ours");
    return row(ctx, columns, (size_t)count);
}

/* To the end even when a row said stop: what the statement writes does not depend on that. */
static kf_err step_all(store *s, sqlite3_stmt *st, store_row *row, void *ctx)
{
    kf_err err = KF_OK;
    for (;;) {
        errno = 0;
        const int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
            return err;
        if (rc != SQLITE_ROW)
            return fail(s);
        if (err == KF_OK)
            err = give_row(s, st, row, ctx);
        if (err != KF_OK && sqlite3_stmt_readonly(st))
            return err;
    }
}

/* Bound, stepped, and of its borrowed parameters nothing kept. */
static kf_err run_bound(store *s, sqlite3_stmt *st, const store_value *in, size_t count,
                        store_row *row, void *ctx)
{
    if (s->mode == STORE_READ && s->is_open && !sqlite3_stmt_readonly(st))
        return store_fail(s, STORE_BROKEN, "a statement that writes in a transaction that reads");
    kf_err err = bind(s, st, in, count);
    if (err == KF_OK)
        err = step_all(s, st, row, ctx);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err;
}

static kf_err run(store *s, const store_sql *sql, const store_value *in, size_t count,
                  store_row *row, void *ctx)
{
    store_entry *entry = NULL;
    kf_err err = entry_for(s, sql, &entry);
    if (err != KF_OK)
        return err;
    entry->in_use = true;
    err = run_bound(s, entry->handle, in, count, row, ctx);
    entry->in_use = false;
    s->changes = sqlite3_stmt_readonly(entry->handle) ? 0 : sqlite3_changes64(db_of(s));
    return err;
}

static kf_err run_many(store *s, const store_sql *sql, const store_value *values, size_t rows,
                       size_t count)
{
    store_entry *entry = NULL;
    int64_t changes = 0;
    kf_err err = entry_for(s, sql, &entry);
    for (size_t i = 0; err == KF_OK && i < rows; i++) {
        err = run_bound(s, entry->handle, values + i * count, count, NULL, NULL);
        changes += sqlite3_stmt_readonly(entry->handle) ? 0 : sqlite3_changes64(db_of(s));
    }
    s->changes = changes;
    return err;
}

static kf_err scan(store *s, const char *text, store_row *row, void *ctx)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db_of(s), text, -1, &st, NULL) != SQLITE_OK)
        return fail(s);
    kf_err err = step_all(s, st, row, ctx);
    (void)sqlite3_finalize(st);
    return err;
}

const store_backend store_backend_sqlite = {
    .kind = STORE_SQLITE,
    .connect = connect,
    .disconnect = disconnect,
    .begin = begin,
    .begin_schema = begin_schema,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .run_many = run_many,
    .script = script,
    .scan = scan,
    .forget = forget,
};

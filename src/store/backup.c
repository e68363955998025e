/* A backup is one SQLite file, whatever it was taken from. It is made under another name and gets
 * its own when it is whole and on disk. Its checksum, over the whole file, is in the four octets
 * that the format leaves to applications. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "store/parts.h"

#define PAGES_AT_ONCE 256
/* The SQLite file format, 1.3: "user version" in the header, 4 octets, most significant first. */
#define CHECKSUM_AT 60u

/* ---- files ---- */

static kf_err fail_file(store *s, const char *what)
{
    char text[256];
    const store_reason reason = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? STORE_FULL
                                : errno == EACCES || errno == EPERM || errno == EROFS
                                    ? STORE_READ_ONLY
                                : errno == EEXIST ? STORE_CLASH
                                                  : STORE_LOST;
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    return store_fail(s, reason, text);
}

static bool sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    const bool ok = fd >= 0 && fsync(fd) == 0;
    const int number = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = number;
    return ok;
}

static bool sync_parent(const char *path)
{
    char *copy = strdup(path);
    const bool ok = copy != NULL && sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
    free(copy);
    return ok;
}

/* ---- checksum ---- */

/* CRC-32 of the file with its own place as zeros; never 0, which means that there is none. */
static bool checksum(int fd, uint32_t *sum, uint32_t *stored)
{
    uint8_t buf[65536];
    uLong crc = crc32(0, NULL, 0);
    *stored = 0;
    for (off_t at = 0;;) {
        const ssize_t n = pread(fd, buf, sizeof buf, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        if (at == 0 && n >= (ssize_t)CHECKSUM_AT + 4) {
            for (size_t i = 0; i < 4; i++)
                *stored = *stored << 8 | buf[CHECKSUM_AT + i];
            memset(buf + CHECKSUM_AT, 0, 4);
        }
        crc = crc32(crc, buf, (uInt)n);
        at += n;
    }
    *sum = crc == 0 ? UINT32_MAX : (uint32_t)crc;
    return true;
}

static bool write_checksum(int fd)
{
    uint32_t sum = 0, before = 0;
    if (!checksum(fd, &sum, &before))
        return false;
    const uint8_t octets[] = { (uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
                               (uint8_t)sum };
    return pwrite(fd, octets, 4, CHECKSUM_AT) == 4 && fsync(fd) == 0;
}

/* ---- backup ---- */

/* The file without its write-ahead log, closed, with its checksum. */
static kf_err finish_file(store *s, const char *part, store **file)
{
    sqlite3 *db = store_sqlite_link(*file);
    const int rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return store_fail(s, STORE_LOST, sqlite3_errmsg(db));
    store_close(file);
    kf_err err = store_may_fail(s, "store.backup.checksum");
    if (err != KF_OK)
        return err;
    const int fd = open(part, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail_file(s, "the backup");
    if (!write_checksum(fd))
        err = fail_file(s, "the backup");
    (void)close(fd);
    return err;
}

/* Pages, all of the snapshot of the transaction that is open on the source. */
static kf_err copy_pages(store *s, store *file)
{
    sqlite3 *to = store_sqlite_link(file);
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", store_sqlite_link(s), "main");
    if (copy == NULL)
        return store_fail(s, STORE_BROKEN, sqlite3_errmsg(to));
    int rc = SQLITE_OK;
    kf_err err = KF_OK;
    while (err == KF_OK && rc == SQLITE_OK) {
        err = store_may_fail(s, "store.backup.pages");
        rc = sqlite3_backup_step(copy, PAGES_AT_ONCE);
    }
    rc = sqlite3_backup_finish(copy);
    if (err == KF_OK && rc != SQLITE_OK)
        err =
            store_fail(s, (rc & 0xff) == SQLITE_FULL ? STORE_FULL : STORE_LOST, sqlite3_errmsg(to));
    return err;
}

/* What failed in the other store is told by this one. */
static kf_err adopt(store *s, const store *other, kf_err err)
{
    if (err != KF_OK && other != NULL && s->fault.reason == STORE_FINE)
        s->fault = other->fault;
    return err;
}

static kf_err copy_rows(store *s, store *file, const store_migration *steps, size_t version)
{
    kf_err err = store_migrate(file, steps, version);
    if (err == KF_OK)
        err = store_begin(file, STORE_WRITE);
    if (err == KF_OK)
        err = store_may_fail(s, "store.backup.rows");
    if (err == KF_OK)
        err = store_copy(s, file, file);
    if (err == KF_OK)
        err = store_commit(file);
    return adopt(s, file, err);
}

/* Everything of one moment into the file. */
static kf_err fill(store *s, store *file, const store_migration *steps, size_t count)
{
    size_t version = 0;
    kf_err err = store_begin(s, STORE_READ);
    if (err == KF_OK)
        err = store_check_steps(s, steps, count, &version);
    if (err == KF_OK)
        err = s->backend->kind == STORE_SQLITE ? copy_pages(s, file)
                                               : copy_rows(s, file, steps, version);
    store_rollback(s);
    return err;
}

static void remove_part(const char *part)
{
    static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
    char name[4096];
    for (size_t i = 0; i < KF_COUNT(tails); i++)
        if (snprintf(name, sizeof name, "%s%s", part, tails[i]) < (int)sizeof name)
            (void)unlink(name);
}

static kf_err make_part(store *s, const char *part, const store_migration *steps, size_t count)
{
    store *file = NULL;
    store_fault fault;
    kf_err err = store_may_fail(s, "store.backup.begin");
    if (err != KF_OK)
        return err;
    err = store_open_inner(part, &file, &fault);
    if (err != KF_OK) {
        s->fault = fault;
        return err;
    }
    err = fill(s, file, steps, count);
    if (err == KF_OK)
        err = finish_file(s, part, &file);
    store_close(&file);
    return err;
}

/* RENAME_NOREPLACE: a file that is there is never overwritten, not even in a race. */
static kf_err give_name(store *s, const char *part, const char *path)
{
    kf_err err = store_may_fail(s, "store.backup.rename");
    if (err != KF_OK)
        return err;
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
        return fail_file(s, "the backup");
    err = store_may_fail(s, "store.backup.sync");
    if (err == KF_OK && !sync_parent(path))
        err = fail_file(s, "the directory of the backup");
    if (err != KF_OK)
        (void)unlink(path);
    return err;
}

kf_err store_backup(store *s, const char *path, const store_migration *steps, size_t count)
{
    char part[4096];
    struct stat st;
    if (s->is_open)
        return KF_E_STATE;
    s->fault = (store_fault){ STORE_FINE, "" };
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part - 16 || path[0] == '\0' ||
        path[0] == ':')
        return store_fail(s, STORE_BROKEN, "not a path for a backup");
    if (lstat(path, &st) == 0) {
        errno = EEXIST;
        return fail_file(s, "the backup");
    }
    remove_part(part); /* of one that was interrupted */
    kf_err err = make_part(s, part, steps, count);
    if (err == KF_OK)
        err = give_name(s, part, path);
    if (err != KF_OK)
        remove_part(part);
    s->failed = false;
    return err;
}

/* ---- verify ---- */

static kf_err take_verdict(void *ctx, const store_value *columns, size_t count)
{
    bool *ok = ctx;
    *ok = *ok && count == 1 && columns[0].type == STORE_TEXT &&
          kf_slice_equal(columns[0].octets, kf_slice_str("ok"));
    return KF_OK;
}

static kf_err take_violation(void *ctx, const store_value *columns, size_t count)
{
    bool *ok = ctx;
    (void)columns;
    (void)count;
    *ok = false;
    return KF_OK;
}

/* A fresh store in memory at a step. */
static kf_err make_model(const store_migration *steps, size_t version, store **out,
                         store_fault *fault)
{
    kf_err err = store_open_inner(":memory:", out, fault);
    if (err == KF_OK)
        err = store_migrate(*out, steps, version);
    if (err != KF_OK && *out != NULL)
        *fault = (*out)->fault;
    return err;
}

static kf_err schema_print(store *s, char **out)
{
    sqlite3_stmt *st = NULL;
    static const char sql[] = "SELECT group_concat(type || ' ' || name || ' ' || tbl_name || ' ' ||"
                              " coalesce(sql, ''), char(10)) FROM (SELECT * FROM sqlite_schema "
                              "WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name)";
    *out = NULL;
    if (sqlite3_prepare_v2(store_sqlite_link(s), sql, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0) != NULL)
        *out = strdup((const char *)sqlite3_column_text(st, 0));
    (void)sqlite3_finalize(st);
    return *out != NULL ? KF_OK : store_fail(s, STORE_CORRUPT, "the schema cannot be read");
}

/* Nothing but what the steps make: no trigger, no view, no table of somebody else's. */
static kf_err check_schema(store *file, const store_migration *steps, size_t version)
{
    store *model = NULL;
    char *a = NULL, *b = NULL;
    kf_err err = make_model(steps, version, &model, &file->fault);
    if (err == KF_OK)
        err = schema_print(file, &a);
    if (err == KF_OK)
        err = schema_print(model, &b);
    if (err == KF_OK && strcmp(a, b) != 0)
        err = store_fail(file, STORE_OTHER_FORMAT, "the schema is not what its steps make");
    free(a);
    free(b);
    store_close(&model);
    return err;
}

static kf_err check_file(store *file, const store_migration *steps, size_t count, size_t *version)
{
    bool whole = true, referring = true;
    kf_err err = file->backend->scan(file, "PRAGMA integrity_check(1)", take_verdict, &whole);
    if (err == KF_OK && !whole)
        err = store_fail(file, STORE_CORRUPT, "integrity_check found damage");
    if (err == KF_OK)
        err = file->backend->scan(file, "PRAGMA foreign_key_check", take_violation, &referring);
    if (err == KF_OK && !referring)
        err = store_fail(file, STORE_CORRUPT, "a foreign key refers to nothing");
    if (err == KF_OK)
        err = store_check_steps(file, steps, count, version);
    return err == KF_OK ? check_schema(file, steps, *version) : err;
}

static kf_err check_sum(const char *path, store_fault *fault)
{
    uint32_t sum = 0, stored = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool ok = fd >= 0 && checksum(fd, &sum, &stored);
    const int number = errno;
    if (fd >= 0)
        (void)close(fd);
    if (!ok) {
        store_fault_write(fault, number == EACCES ? STORE_READ_ONLY : STORE_LOST, strerror(number));
        return KF_E_BACKEND;
    }
    if (stored == 0 || stored == sum)
        return KF_OK;
    store_fault_write(fault, STORE_CORRUPT, "the checksum of the file is wrong");
    return KF_E_BACKEND;
}

/* Open for reading only, which a backup allows: it has no log beside it. */
static kf_err open_file(const char *path, store **out, store_fault *fault)
{
    sqlite3 *db = NULL;
    *out = NULL;
    const int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    store *s = calloc(1, sizeof *s);
    if (s == NULL || rc != SQLITE_OK) {
        store_fault_write(fault, STORE_LOST, rc != SQLITE_OK ? sqlite3_errstr(rc) : "no memory");
        (void)sqlite3_close_v2(db);
        free(s);
        return KF_E_BACKEND;
    }
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_extended_result_codes(db, 1);
    s->backend = &store_backend_sqlite;
    s->link = db;
    *out = s;
    return KF_OK;
}

static kf_err take_mark(void *ctx, const store_value *columns, size_t count)
{
    *(bool *)ctx = count == 1 && columns[0].number == STORE_APPLICATION_ID;
    return KF_OK;
}

/* A verified file, inside a read transaction. */
static kf_err open_verified(const char *path, const store_migration *steps, size_t count,
                            store **out, size_t *version, store_fault *fault)
{
    bool ours = false;
    *out = NULL;
    kf_err err = check_sum(path, fault);
    if (err == KF_OK)
        err = open_file(path, out, fault);
    if (err != KF_OK)
        return err;
    err = store_begin(*out, STORE_READ);
    if (err == KF_OK)
        err = (*out)->backend->scan(*out, "PRAGMA application_id", take_mark, &ours);
    if (err == KF_OK && !ours)
        err = store_fail(*out, STORE_OTHER_FORMAT, "the file is not one of ours");
    if (err == KF_OK)
        err = check_file(*out, steps, count, version);
    if (err == KF_OK)
        return KF_OK;
    *fault = (*out)->fault;
    store_close(out);
    return err;
}

kf_err store_verify(const char *path, const store_migration *steps, size_t count,
                    store_fault *fault)
{
    store *file = NULL;
    size_t version = 0;
    *fault = (store_fault){ STORE_FINE, "" };
    kf_err err = open_verified(path, steps, count, &file, &version, fault);
    store_close(&file);
    return err;
}

/* ---- restore ---- */

/* Rows of an older program: the steps since then are made on a copy in memory. */
static kf_err bring_up(store **file, const store_migration *steps, size_t count, store_fault *fault)
{
    store *copy = NULL;
    kf_err err = store_open_inner(":memory:", &copy, fault);
    if (err == KF_OK)
        err = copy_pages(*file, copy);
    if (err != KF_OK && copy != NULL)
        *fault = (*file)->fault;
    if (err == KF_OK && (err = store_migrate(copy, steps, count)) != KF_OK)
        *fault = copy->fault;
    if (err == KF_OK)
        err = store_begin(copy, STORE_READ);
    store_close(file);
    *file = copy;
    return err;
}

/* Empty is what the steps leave: they may put rows of their own. */
static kf_err check_empty(store *s, const store_migration *steps, size_t count, store **model)
{
    size_t version = 0;
    bool same = false;
    kf_err err = store_check_steps(s, steps, count, &version);
    if (err == KF_OK && version != count)
        return KF_E_STATE;
    if (err == KF_OK)
        err = make_model(steps, count, model, &s->fault);
    if (err == KF_OK)
        err = adopt(s, *model, store_begin(*model, STORE_READ));
    if (err == KF_OK)
        err = adopt(s, *model, store_same(s, *model, *model, &same));
    return err == KF_OK && !same ? KF_E_STATE : err;
}

static kf_err pour(store *s, store *file, const store_migration *steps, size_t count)
{
    store *model = NULL;
    bool same = false;
    kf_err err = check_empty(s, steps, count, &model);
    if (err == KF_OK)
        err = store_may_fail(s, "store.restore.rows");
    if (err == KF_OK)
        err = adopt(s, file, store_copy(file, s, file));
    if (err == KF_OK)
        err = store_may_fail(s, "store.restore.compare");
    if (err == KF_OK)
        err = adopt(s, file, store_same(s, file, file, &same));
    if (err == KF_OK && !same)
        err = store_fail(s, STORE_BROKEN, "what was restored is not what the backup has");
    store_close(&model);
    return err;
}

kf_err store_restore(store *s, const char *path, const store_migration *steps, size_t count)
{
    store *file = NULL;
    size_t version = 0;
    store_fault fault = { STORE_FINE, "" };
    if (s->is_open)
        return KF_E_STATE;
    kf_err err = open_verified(path, steps, count, &file, &version, &fault);
    if (err == KF_OK && version < count)
        err = bring_up(&file, steps, count, &fault);
    if (err != KF_OK)
        s->fault = fault;
    if (err == KF_OK)
        err = store_begin(s, STORE_WRITE);
    if (err == KF_OK)
        err = pour(s, file, steps, count);
    if (err == KF_OK)
        err = store_commit(s);
    store_rollback(s);
    store_close(&file);
    return err;
}

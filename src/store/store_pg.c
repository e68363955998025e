/* PostgreSQL through libpq: everything binary, rows of run_many in pipeline mode. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/dialect.h"
#include "store/parts.h"

/* Types of columns and parameters: object identifiers that PostgreSQL never changes. */
#define OID_BOOL    16u
#define OID_BYTEA   17u
#define OID_NAME    19u
#define OID_INT8    20u
#define OID_INT2    21u
#define OID_INT4    23u
#define OID_TEXT    25u
#define OID_UNKNOWN 705u
#define OID_VARCHAR 1043u
#define OID_NUMERIC 1700u

/* Migrations of one database follow one another by this lock: "kfst". */
#define MIGRATION_LOCK "1801876340"

typedef struct pg_link {
    PGconn *conn;
    unsigned prepared;   /* statements so far: their names */
    bool has_step_table; /* seen: it is there for good */
} pg_link;

static pg_link *link_of(const store *s)
{
    return s->link;
}

/* ---- what failed ---- */

static const struct {
    const char *state; /* a class of two characters, or a whole SQLSTATE */
    store_reason reason;
} states[] = {
    { "40001", STORE_AGAIN },     { "40P01", STORE_AGAIN },     { "55P03", STORE_AGAIN },
    { "57014", STORE_AGAIN },     { "53200", STORE_AGAIN },     { "0A000", STORE_AGAIN },
    { "26000", STORE_AGAIN },     { "53100", STORE_FULL },      { "53300", STORE_LOST },
    { "42501", STORE_READ_ONLY }, { "25006", STORE_READ_ONLY }, { "57P01", STORE_LOST },
    { "57P02", STORE_LOST },      { "57P03", STORE_LOST },      { "57P04", STORE_LOST },
    { "57P05", STORE_LOST },      { "25P03", STORE_LOST },      { "XX001", STORE_CORRUPT },
    { "XX002", STORE_CORRUPT },   { "58030", STORE_LOST },      { "23", STORE_CLASH },
    { "08", STORE_LOST },
};

/* Classes whose first message line names objects of the schema or the server, never a value. */
static const char *const plain_classes[] = { "08", "0A", "23", "25", "26", "28", "40",
                                             "42", "53", "55", "57", "58", "XX" };

static store_reason reason_of(const store *s, const char *state)
{
    if (strcmp(state, "25006") == 0 && s->is_open && s->mode == STORE_READ)
        return STORE_BROKEN; /* our own READ ONLY, not the server's */
    for (size_t i = 0; i < KF_COUNT(states); i++)
        if (strncmp(states[i].state, state, strlen(states[i].state)) == 0)
            return states[i].reason;
    return STORE_BROKEN;
}

static bool is_plain(const char *state)
{
    for (size_t i = 0; i < KF_COUNT(plain_classes); i++)
        if (strncmp(plain_classes[i], state, 2) == 0)
            return true;
    return false;
}

static kf_err fail_connection(store *s)
{
    const char *text = PQerrorMessage(link_of(s)->conn);
    return store_fail(s, STORE_LOST, text[0] == '\0' ? "no connection" : text);
}

/* spec: PostgreSQL's protocol - DETAIL, HINT and CONTEXT may quote rows and are never looked at. */
static kf_err fail(store *s, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    char text[256];
    if (state == NULL)
        return PQstatus(link_of(s)->conn) == CONNECTION_BAD
                   ? fail_connection(s)
                   : store_fail(s, STORE_BROKEN, "an answer that libpq does not know");
    const bool tells = said != NULL && is_plain(state);
    snprintf(text, sizeof text, "%.200s (SQLSTATE %.5s)",
             tells ? said : "the server refused the statement", state);
    const store_reason reason =
        PQstatus(link_of(s)->conn) == CONNECTION_BAD ? STORE_LOST : reason_of(s, state);
    if (reason == STORE_AGAIN && (state[0] == '0' || state[0] == '2'))
        s->is_lost = true; /* its prepared statements are out of date: have new ones */
    return store_fail(s, reason, text);
}

/* Judge a result and keep or clear it: on failure it is cleared and NULL. */
static kf_err judge(store *s, PGresult **res)
{
    kf_err err = KF_OK;
    if (*res == NULL) {
        err = PQstatus(link_of(s)->conn) == CONNECTION_BAD ? fail_connection(s)
                                                           : store_fail_memory(s);
    } else {
        const ExecStatusType status = PQresultStatus(*res);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            err = fail(s, *res);
    }
    if (err != KF_OK) {
        PQclear(*res);
        *res = NULL;
    }
    return err;
}

static kf_err script(store *s, const char *text)
{
    PGresult *res = PQexec(link_of(s)->conn, text);
    kf_err err = judge(s, &res);
    PQclear(res);
    return err;
}

/* ---- connection ---- */

static void no_notice(void *ctx, const PGresult *res)
{
    (void)ctx;
    (void)res; /* libpq would print it */
}

static kf_err ask(store *s, const char *text, char *out, size_t size)
{
    PGresult *res = PQexec(link_of(s)->conn, text);
    kf_err err = judge(s, &res);
    if (err == KF_OK)
        snprintf(out, size, "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    return err;
}

/* A commit must be on disk when it returns, or nothing that this room promises holds. */
static kf_err check_durable(store *s)
{
    char commit[32], fsync[32], encoding[32];
    kf_err err = ask(s, "SHOW synchronous_commit", commit, sizeof commit);
    if (err == KF_OK)
        err = ask(s, "SHOW fsync", fsync, sizeof fsync);
    if (err == KF_OK)
        err = ask(s, "SHOW server_encoding", encoding, sizeof encoding);
    if (err != KF_OK)
        return err;
    if (strcmp(commit, "on") != 0 && strcmp(commit, "remote_apply") != 0)
        return store_fail(s, STORE_BROKEN, "the server's synchronous_commit is not on");
    if (strcmp(fsync, "on") != 0)
        return store_fail(s, STORE_BROKEN, "the server's fsync is not on");
    if (strcmp(encoding, "UTF8") != 0)
        return store_fail(s, STORE_BROKEN, "the database is not encoded in UTF8");
    return KF_OK;
}

/* A writer that stands still must not keep all others waiting: the server ends it after a minute.
 */
static kf_err set_up(store *s)
{
    char settings[256];
    snprintf(
        settings, sizeof settings,
        "SET lock_timeout = %d; SET idle_in_transaction_session_timeout = 60000; SET jit = off",
        STORE_LOCK_WAIT_MS);
    (void)PQsetNoticeReceiver(link_of(s)->conn, no_notice, NULL);
    kf_err err = script(s, settings);
    return err == KF_OK ? check_durable(s) : err;
}

/* libpq's complaint about the text might quote a part of a password: it is not shown. */
static bool is_conninfo(const char *text)
{
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &complaint);
    const bool ok = options != NULL;
    PQconninfoFree(options);
    PQfreemem(complaint);
    return ok;
}

static void release(void *ctx, store_entry *entry)
{
    (void)ctx;
    (void)entry; /* goes with the connection */
}

static void disconnect(store *s)
{
    pg_link *l = link_of(s);
    store_cache_empty(&s->cache, release, NULL);
    if (l != NULL)
        PQfinish(l->conn);
    free(l);
    s->link = NULL;
}

static kf_err connect(store *s)
{
    /* What stands before dbname it may override; what stands behind it may not. An empty text would
     * be taken for a database name: then there is none, and libpq's defaults hold. */
    const bool is_empty = s->where[0] == '\0';
    static const char *const keys[] = { "fallback_application_name",
                                        "connect_timeout",
                                        "keepalives_idle",
                                        "tcp_user_timeout",
                                        "dbname",
                                        "client_encoding",
                                        NULL };
    const char *const values[] = { "keyferry", "5", "30", "15000", is_empty ? NULL : s->where,
                                   "UTF8",     NULL };
    if (!is_conninfo(s->where))
        return store_fail(s, STORE_BROKEN, "not a connection string as libpq takes it");
    pg_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return store_fail_memory(s);
    s->link = l;
    l->conn = PQconnectdbParams(keys, values, 1);
    kf_err err = l->conn == NULL ? store_fail_memory(s) : KF_OK;
    if (err == KF_OK)
        err = PQstatus(l->conn) == CONNECTION_OK ? set_up(s) : fail_connection(s);
    if (err != KF_OK)
        disconnect(s);
    return err;
}

/* ---- transactions ---- */

static kf_err see_step_table(store *s)
{
    char there[8];
    kf_err err =
        ask(s, "SELECT to_regclass('" STORE_STEP_TABLE "') IS NOT NULL", there, sizeof there);
    link_of(s)->has_step_table = err == KF_OK && strcmp(there, "t") == 0;
    return err;
}

/*
 * Writers queue at the table of steps, which is otherwise only read. LOCK TABLE takes no snapshot,
 * so the one that the first statement takes is of after the wait, and serialization failures among
 * writers do not happen. Claims go past this lock: they lock single rows.
 */
static kf_err begin(store *s, store_mode mode)
{
    if (mode == STORE_READ)
        return script(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (mode == STORE_CLAIM)
        return script(s, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    kf_err err = link_of(s)->has_step_table ? KF_OK : see_step_table(s);
    if (err != KF_OK)
        return err;
    err = script(s, link_of(s)->has_step_table ? "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE;"
                                                 "LOCK TABLE " STORE_STEP_TABLE " IN EXCLUSIVE MODE"
                                               : "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE");
    if (err != KF_OK && !s->is_lost)
        PQclear(PQexec(link_of(s)->conn, "ROLLBACK"));
    return err;
}

static kf_err begin_schema(store *s, store_mode mode)
{
    char text[256];
    (void)mode;
    snprintf(text, sizeof text,
             "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = %d;"
             "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")",
             STORE_SCHEMA_WAIT_MS);
    kf_err err = script(s, text);
    if (err != KF_OK && !s->is_lost)
        PQclear(PQexec(link_of(s)->conn, "ROLLBACK"));
    return err;
}

static void rollback(store *s)
{
    if (s->link == NULL || PQtransactionStatus(link_of(s)->conn) == PQTRANS_IDLE)
        return;
    PGresult *res = PQexec(link_of(s)->conn, "ROLLBACK");
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        s->is_lost = true;
    PQclear(res);
}

/* The server answers COMMIT of a failed transaction with ROLLBACK, and no error. */
static kf_err commit(store *s)
{
    PGresult *res = PQexec(link_of(s)->conn, "COMMIT");
    kf_err err = judge(s, &res);
    if (err == KF_OK && strcmp(PQcmdStatus(res), "COMMIT") != 0)
        err = store_fail(s, STORE_BROKEN, "the server rolled back");
    PQclear(res);
    return err;
}

/* ---- parameters ---- */

typedef struct arguments {
    const char *values[STORE_COLUMNS_MAX];
    int lengths[STORE_COLUMNS_MAX], formats[STORE_COLUMNS_MAX];
    uint8_t numbers[STORE_COLUMNS_MAX][8];
} arguments;

static void put_number(uint8_t out[8], int64_t number)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static bool fill(arguments *a, const store_value *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        a->formats[i] = 1;
        a->values[i] = NULL;
        a->lengths[i] = 0;
        if (in[i].type == STORE_INT) {
            put_number(a->numbers[i], in[i].number);
            a->values[i] = (const char *)a->numbers[i];
            a->lengths[i] = 8;
        } else if (in[i].type != STORE_NULL) {
            if (in[i].octets.len > INT32_MAX)
                return false;
            /* A NULL pointer would be SQL's NULL, which an empty value is not. */
            a->values[i] = in[i].octets.len == 0 ? "" : (const char *)in[i].octets.ptr;
            a->lengths[i] = (int)in[i].octets.len;
        }
    }
    return true;
}

static Oid oid_of(store_type type)
{
    switch (type) {
    case STORE_INT:
        return OID_INT8;
    case STORE_TEXT:
        return OID_TEXT;
    case STORE_BLOB:
        return OID_BYTEA;
    case STORE_NULL:
        break;
    }
    return 0; /* as the server infers */
}

/* ---- prepared statements ---- */

static void name_of(unsigned number, char out[16])
{
    snprintf(out, 16, "s%u", number);
}

static kf_err prepare(store *s, store_entry *entry, size_t count)
{
    Oid types[STORE_COLUMNS_MAX];
    char name[16], *text = NULL;
    kf_err err = store_dialect(entry->text, STORE_POSTGRESQL, &text);
    if (err == KF_E_NO_MEMORY)
        return store_fail_memory(s);
    if (err != KF_OK)
        return store_fail(s, STORE_BROKEN, "a statement has an unknown {marker}");
    for (size_t i = 0; i < count; i++)
        types[i] = oid_of(entry->seen[i]);
    entry->number = ++link_of(s)->prepared;
    name_of(entry->number, name);
    PGresult *res = PQprepare(link_of(s)->conn, name, text, (int)count, types);
    err = judge(s, &res);
    PQclear(res);
    free(text);
    return err;
}

static void forget(store *s, const store_sql *sql)
{
    store_entry *entry = store_cache_find(&s->cache, sql);
    char name[16], text[32];
    if (entry == NULL)
        return;
    name_of(entry->number, name);
    snprintf(text, sizeof text, "DEALLOCATE %s", name);
    if (PQtransactionStatus(link_of(s)->conn) != PQTRANS_INERROR)
        PQclear(PQexec(link_of(s)->conn, text));
    store_cache_remove(&s->cache, entry);
}

/* Take note of the types of these values. @return whether there was something new. */
static kf_err learn(store *s, store_entry *entry, const store_value *in, size_t count, bool *news)
{
    for (size_t i = 0; i < count; i++) {
        if (in[i].type == STORE_NULL || in[i].type == entry->seen[i])
            continue;
        if (entry->seen[i] != STORE_NULL)
            return store_fail(s, STORE_BROKEN, "a parameter is of another type than before");
        entry->seen[i] = in[i].type;
        *news = true;
    }
    return KF_OK;
}

/* The statement, prepared with the types that its parameters have had in any of these rows. One
 * that was only NULL so far, and now is not, is prepared again: the server may have inferred
 * another type. */
static kf_err entry_for(store *s, const store_sql *sql, const store_value *in, size_t rows,
                        size_t count, store_entry **out)
{
    store_entry *entry = store_cache_find(&s->cache, sql);
    if (entry != NULL && entry->in_use)
        return store_fail(s, STORE_BROKEN, "a statement is run by its own row");
    if (entry != NULL && entry->text != sql->text) {
        forget(s, sql);
        entry = NULL;
    }
    bool news = entry == NULL;
    if (entry == NULL && (entry = store_cache_add(&s->cache, sql)) == NULL)
        return store_fail_memory(s);
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < rows; i++)
        err = learn(s, entry, in + i * count, count, &news);
    if (err == KF_OK && news)
        err = prepare(s, entry, count);
    if (err != KF_OK)
        store_cache_remove(&s->cache, entry);
    *out = err == KF_OK ? entry : NULL;
    return err;
}

/* ---- rows ---- */

static int64_t get_number(const uint8_t *p, size_t len)
{
    uint64_t v = (p[0] & 0x80u) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* sum() of big integers is a numeric: digits of base 10,000, the first of weight 10,000^weight. */
static bool get_numeric(kf_slice in, int64_t *out)
{
    if (in.len < 8)
        return false;
    const size_t digits = get16(in.ptr);
    const int weight = (int16_t)get16(in.ptr + 2);
    const uint16_t sign = get16(in.ptr + 4);
    if (in.len != 8 + 2 * digits || (sign != 0 && sign != 0x4000) || (int)digits > weight + 1)
        return false;
    int64_t v = 0; /* counted downwards: the least number has no positive counterpart */
    for (int i = 0; digits > 0 && i <= weight; i++) {
        const int64_t digit = (size_t)i < digits ? get16(in.ptr + 8 + 2 * i) : 0;
        if (v < (INT64_MIN + digit) / 10000)
            return false;
        v = v * 10000 - digit;
    }
    if (sign == 0 && v == INT64_MIN)
        return false;
    v = sign == 0 ? -v : v;
    *out = v;
    return true;
}

static bool column(const PGresult *res, int row, int at, store_value *out)
{
    const kf_slice raw = { (const uint8_t *)PQgetvalue(res, row, at),
                           (size_t)PQgetlength(res, row, at) };
    *out = (store_value){ .type = STORE_NULL, .octets = { (const uint8_t *)"", 0 } };
    if (PQgetisnull(res, row, at))
        return true;
    switch (PQftype(res, at)) {
    case OID_BOOL:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        out->type = STORE_INT;
        out->number = raw.len == 1 ? raw.ptr[0] : get_number(raw.ptr, raw.len);
        return true;
    case OID_NUMERIC:
        out->type = STORE_INT;
        return get_numeric(raw, &out->number);
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_NAME:
    case OID_UNKNOWN:
        out->type = STORE_TEXT;
        out->octets = raw;
        return true;
    case OID_BYTEA:
        out->type = STORE_BLOB;
        out->octets = raw;
        return true;
    default:
        return false;
    }
}

static kf_err give_rows(store *s, const PGresult *res, store_row *row, void *ctx)
{
    store_value columns[STORE_COLUMNS_MAX];
    const int count = PQnfields(res);
    kf_err err = KF_OK;
    if ((size_t)count > STORE_COLUMNS_MAX)
        return store_fail(s, STORE_BROKEN, "more columns than a row may have");
    for (int r = 0; err == KF_OK && r < PQntuples(res); r++) {
        for (int i = 0; i < count; i++)
            if (!column(res, r, i, &columns[i]))
                return store_fail(s, STORE_BROKEN, "a column is of a type that is not one of ours");
        err = row(ctx, columns, (size_t)count);
    }
    return err;
}

/* Rows read are no changes, though the server counts them too. */
static int64_t changes_of(PGresult *res)
{
    const char *status = PQcmdStatus(res);
    return strncmp(status, "SELECT", 6) == 0 ? 0 : strtoll(PQcmdTuples(res), NULL, 10);
}

static kf_err run(store *s, const store_sql *sql, const store_value *in, size_t count,
                  store_row *row, void *ctx)
{
    store_entry *entry = NULL;
    arguments a;
    char name[16];
    kf_err err = entry_for(s, sql, in, 1, count, &entry);
    if (err != KF_OK)
        return err;
    if (!fill(&a, in, count))
        return store_fail(s, STORE_BROKEN, "a value is too long");
    name_of(entry->number, name);
    PGresult *res =
        PQexecPrepared(link_of(s)->conn, name, (int)count, a.values, a.lengths, a.formats, 1);
    err = judge(s, &res);
    if (err != KF_OK)
        return err;
    s->changes = changes_of(res);
    entry->in_use = true;
    if (row != NULL)
        err = give_rows(s, res, row, ctx);
    entry->in_use = false;
    PQclear(res);
    return err;
}

/* ---- many rows ---- */

static kf_err send_rows(store *s, const char *name, const store_value *values, size_t rows,
                        size_t count, size_t *sent)
{
    arguments a;
    PGconn *conn = link_of(s)->conn;
    for (*sent = 0; *sent < rows; (*sent)++) {
        if (!fill(&a, values + *sent * count, count))
            return store_fail(s, STORE_BROKEN, "a value is too long");
        if (PQsendQueryPrepared(conn, name, (int)count, a.values, a.lengths, a.formats, 1) != 1)
            return fail_connection(s);
    }
    return KF_OK;
}

/* The results of what was sent, each ended by a NULL; the first failure is the one to tell. */
static kf_err take_results(store *s, size_t sent, kf_err err)
{
    PGconn *conn = link_of(s)->conn;
    for (size_t i = 0; i < sent; i++) {
        PGresult *res = PQgetResult(conn);
        if (res == NULL)
            return err != KF_OK ? err : fail_connection(s);
        const ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
            s->changes += changes_of(res);
        else if (err == KF_OK)
            err = fail(s, res);
        PQclear(res);
        while ((res = PQgetResult(conn)) != NULL)
            PQclear(res);
        if (PQstatus(conn) == CONNECTION_BAD)
            return err != KF_OK ? err : fail_connection(s);
    }
    return err;
}

static kf_err take_sync(store *s, kf_err err)
{
    PGresult *res = PQgetResult(link_of(s)->conn);
    const bool ok = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
    PQclear(res);
    return ok || err != KF_OK ? err : fail_connection(s);
}

static kf_err run_many(store *s, const store_sql *sql, const store_value *values, size_t rows,
                       size_t count)
{
    store_entry *entry = NULL;
    char name[16];
    size_t sent = 0;
    PGconn *conn = link_of(s)->conn;
    s->changes = 0;
    kf_err err = entry_for(s, sql, values, rows, count, &entry);
    if (err != KF_OK)
        return err;
    name_of(entry->number, name);
    if (PQenterPipelineMode(conn) != 1)
        return fail_connection(s);
    err = send_rows(s, name, values, rows, count, &sent);
    if (PQpipelineSync(conn) != 1 && err == KF_OK)
        err = fail_connection(s);
    err = take_results(s, sent, err);
    err = take_sync(s, err);
    if (PQexitPipelineMode(conn) != 1) {
        s->is_lost = true; /* out of step with the server */
        err = err != KF_OK ? err : fail_connection(s);
    }
    return err;
}

/* ---- a query of any length ---- */

static kf_err scan_rows(store *s, store_row *row, void *ctx)
{
    PGconn *conn = link_of(s)->conn;
    kf_err err = KF_OK;
    for (PGresult *res; (res = PQgetResult(conn)) != NULL; PQclear(res)) {
        const ExecStatusType status = PQresultStatus(res);
        if (err != KF_OK)
            continue; /* read on: the connection must come to rest */
        if (status == PGRES_SINGLE_TUPLE)
            err = give_rows(s, res, row, ctx);
        else if (status != PGRES_TUPLES_OK)
            err = fail(s, res);
    }
    return err;
}

static kf_err scan(store *s, const char *text, store_row *row, void *ctx)
{
    PGconn *conn = link_of(s)->conn;
    if (PQsendQueryParams(conn, text, 0, NULL, NULL, NULL, NULL, 1) != 1 ||
        PQsetSingleRowMode(conn) != 1)
        return fail_connection(s);
    return scan_rows(s, row, ctx);
}

const store_backend store_backend_postgresql = {
    .kind = STORE_POSTGRESQL,
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

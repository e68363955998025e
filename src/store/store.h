/**
 * @file store.h Tables on SQLite or PostgreSQL behind one narrow interface: transactions, prepared
 * statements, rows. The room knows no nouns: statements belong to its callers.
 *
 * Statements are written once, for both: parameters are $1 to $16 in order of first use, types are
 * the three of store_type (BIGINT, TEXT, and a blob, which a schema spells STORE_BLOB_SQL), and
 * `INSERT ... ON CONFLICT`, `RETURNING`, partial indexes and common table expressions may be used.
 * What only one has is marked in the text: the engine removes `{pg:...}` or `{lite:...}` of the
 * other.
 *
 * One store is for one thread; open one for each. A store that lost its connection fails the
 * transaction at hand with STORE_LOST and connects anew at the next begin.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/slice.h"

typedef struct store store;

/** What a backend said, in classes that a caller can act on. */
typedef enum store_reason {
    STORE_FINE,
    STORE_CLASH,        /**< a unique or foreign key, or a check, forbids it */
    STORE_AGAIN,        /**< serialization failure or lock time-out: run the transaction again */
    STORE_FULL,         /**< no space */
    STORE_READ_ONLY,    /**< no permission to write */
    STORE_LOST,         /**< no connection */
    STORE_CORRUPT,      /**< the file is not a database, or damaged */
    STORE_OTHER_FORMAT, /**< the schema is of a newer version, or of something else */
    STORE_BROKEN,       /**< anything else: our mistake */
} store_reason;

/** "clash", "again", ... */
const char *store_reason_name(store_reason reason);

/** The last failure; holds no parameter and no row, so it is safe to show. */
typedef struct store_fault {
    store_reason reason;
    char text[256]; /**< what the backend said, its details removed */
} store_fault;

typedef enum store_kind { STORE_SQLITE, STORE_POSTGRESQL } store_kind;

/**
 * Open (and for SQLite make, mode 0600) a store.
 * @param where "sqlite:PATH", or "postgresql:CONNINFO" with CONNINFO as libpq takes it (key=value
 * pairs or a URI).
 * SQLite: WAL, synchronous=FULL, foreign keys on, busy time-out 5 s, secure_delete on, and trusted
 * schema off. PostgreSQL: synchronous_commit on is required, else refused.
 * @return KF_E_MALFORMED for another kind; KF_E_BACKEND, see fault; KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err store_open(const char *where, store **out, store_fault *fault);
void store_close(store **s);

store_kind store_kind_of(const store *s);
const store_fault *store_last_fault(const store *s);

/* ---- schema ---- */

/** One step of the schema; steps are numbered from 1 in order and never changed once released. */
typedef struct store_migration {
    const char *name; /**< "units" */
    const char *sql;  /**< statements separated by `;` and a line end; {pg:} and {lite:} apply */
} store_migration;

/** Spell a blob column {blob} in a schema, and a big integer primary key that counts itself
 * {serial}. */

/**
 * Bring the schema to the last step, each step in a transaction with its record; safe when several
 * processes do it at once.
 * @return KF_E_UNSUPPORTED when the store has steps that are not in the list (a newer program's).
 */
KF_MUST_USE kf_err store_migrate(store *s, const store_migration *steps, size_t count);
/** Steps that were applied; 0: none. */
KF_MUST_USE kf_err store_schema_version(store *s, size_t *out);

/* ---- transactions ---- */

typedef enum store_mode { STORE_READ, STORE_WRITE, STORE_CLAIM } store_mode;

/**
 * Begin. STORE_READ sees one snapshot and cannot write.
 * STORE_WRITE takes the write lock at once on both (SQLite: BEGIN IMMEDIATE; PostgreSQL:
 * SERIALIZABLE behind a table lock), so such transactions of all processes follow one another, and
 * none fails because of another; one that waited 5 s fails with STORE_AGAIN.
 * STORE_CLAIM is for taking and settling work by several processes at once: on PostgreSQL it is
 * READ COMMITTED without that lock, so it may write only rows that its own statements locked
 * (`... {pg:FOR UPDATE SKIP LOCKED}`) and must not decide by rows that it did not lock. On SQLite
 * it is STORE_WRITE.
 * @return KF_E_STATE inside a transaction; KF_E_BACKEND.
 */
KF_MUST_USE kf_err store_begin(store *s, store_mode mode);
/** Durable when it returns KF_OK. On failure the transaction is over and nothing of it stays; but
 * for STORE_LOST on PostgreSQL, when it is unknown whether it stays. */
KF_MUST_USE kf_err store_commit(store *s);
/** Fine without a transaction too. */
void store_rollback(store *s);
bool store_is_open(const store *s); /**< inside a transaction? */

/* ---- statements ---- */

typedef enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB } store_type;

/** A parameter or column. Octets are borrowed: of the caller, or for the time of the callback. */
typedef struct store_value {
    store_type type;
    int64_t number;
    kf_slice octets;
} store_value;

store_value store_null(void);
store_value store_int(int64_t number);
store_value store_text(kf_slice text);
store_value store_text_z(const char *text);
store_value store_blob(kf_slice octets);

#define STORE_PARAMETERS_MAX 16u
#define STORE_COLUMNS_MAX    32u

/**
 * A statement: a static object, prepared once for each store at first use and kept.
 *     static const store_sql insert_unit = { "INSERT INTO unit (rsi, uri) VALUES ($1, $2)" };
 */
typedef struct store_sql {
    const char *text;
} store_sql;

/** A row. @return KF_OK to go on; anything else ends the statement (what it wrote stays in the
 * transaction) and is its result. It may run other statements of the same store, not its own. */
typedef kf_err store_row(void *ctx, const store_value *columns, size_t count);

/**
 * Run a statement inside a transaction.
 * @param row NULL: rows are ignored.
 * @return KF_E_STATE outside a transaction; KF_E_DENIED for STORE_CLASH; KF_E_BACKEND for the
 * rest; what row returned. After KF_E_DENIED and KF_E_BACKEND the transaction can only be rolled
 * back.
 */
KF_MUST_USE kf_err store_run(store *s, const store_sql *sql, const store_value *in, size_t count,
                             store_row *row, void *ctx);

/** Rows that the last store_run() inserted, updated or deleted. */
int64_t store_changes(const store *s);

/**
 * Run a statement once for each of `rows` sets of parameters, in values[rows * count], as fast as
 * the backend can (PostgreSQL: pipeline mode).
 */
KF_MUST_USE kf_err store_run_many(store *s, const store_sql *sql, const store_value *values,
                                  size_t rows, size_t count);

/** First column of the only row. @return KF_E_STATE when there is none (or several). */
KF_MUST_USE kf_err store_get_int(store *s, const store_sql *sql, const store_value *in,
                                 size_t count, int64_t *out);

/* ---- backup ---- */

/**
 * A copy of everything at one moment, while others work: SQLite's backup interface into a new
 * SQLite file; from PostgreSQL every table (of the migrated schema) in one snapshot into a new
 * SQLite file with the same tables, so that a backup is one file of one kind, checked in one way.
 * @param path must not exist; made with mode 0600, synced.
 */
KF_MUST_USE kf_err store_backup(store *s, const char *path, const store_migration *steps,
                                size_t count);
/** Integrity of a SQLite file (integrity_check, foreign keys, schema version). */
KF_MUST_USE kf_err store_verify(const char *path, const store_migration *steps, size_t count,
                                store_fault *fault);
/** Fill an empty, migrated store from a backup file, in one transaction. KF_E_STATE: not empty. */
KF_MUST_USE kf_err store_restore(store *s, const char *path, const store_migration *steps,
                                 size_t count);

#endif

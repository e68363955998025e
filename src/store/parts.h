/** @file parts.h Inside the room: what a backend is, and what both need. */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include "store/cache.h"
#include "store/store.h"

/** Milliseconds that a transaction waits for a lock before STORE_AGAIN. */
#define STORE_LOCK_WAIT_MS 5000
/** The same of a migration, which may wait for one that rewrites tables. */
#define STORE_SCHEMA_WAIT_MS 60000

/** Rows of run_many that a backend gets at once. */
#define STORE_CHUNK_ROWS 512u

/** Marks our SQLite files (PRAGMA application_id): "KFst". */
#define STORE_APPLICATION_ID 0x4b467374

/**
 * A backend. Every function but close and rollback returns KF_OK, or reports through store_fail().
 * Up to STORE_COLUMNS_MAX parameters, since a backup copies whole rows.
 */
typedef struct store_backend {
    store_kind kind;
    kf_err (*connect)(store *s);
    void (*disconnect)(store *s);
    kf_err (*begin)(store *s, store_mode mode);
    /** A write transaction that excludes other migrations, and sees what they committed. */
    kf_err (*begin_schema)(store *s, store_mode mode);
    kf_err (*commit)(store *s);
    void (*rollback)(store *s);
    kf_err (*run)(store *s, const store_sql *sql, const store_value *in, size_t count,
                  store_row *row, void *ctx);
    /** At most STORE_CHUNK_ROWS rows. */
    kf_err (*run_many)(store *s, const store_sql *sql, const store_value *values, size_t rows,
                       size_t count);
    /** Statements without parameters and rows, resolved already. */
    kf_err (*script)(store *s, const char *text);
    /** A query without parameters, row by row, however many; row must leave this store alone. */
    kf_err (*scan)(store *s, const char *text, store_row *row, void *ctx);
    /** Drop a prepared statement; fine when there is none. */
    void (*forget)(store *s, const store_sql *sql);
} store_backend;

extern const store_backend store_backend_sqlite, store_backend_postgresql;

struct store {
    const store_backend *backend;
    void *link;  /**< the backend's connection; NULL while there is none */
    char *where; /**< without its scheme */
    store_mode mode;
    bool is_open; /**< in a transaction */
    bool failed;  /**< it can only be rolled back */
    bool is_lost; /**< connect anew at the next begin */
    int64_t changes;
    store_fault fault;
    store_cache cache;
};

/** Record what failed: what was refused can only be rolled back. @return KF_E_DENIED for
 * STORE_CLASH, else KF_E_BACKEND. */
kf_err store_fail(store *s, store_reason reason, const char *text);
/** The same, without memory. @return KF_E_NO_MEMORY. */
kf_err store_fail_memory(store *s);
/** Into a fault: the first line of a text, cut to what fits. */
void store_fault_write(store_fault *fault, store_reason reason, const char *text);

/** A store of the room's own: a SQLite file as named (":memory:" too), nothing in it yet. */
kf_err store_open_inner(const char *path, store **out, store_fault *fault);
/** A loan of the SQLite connection, a `sqlite3 *`. */
void *store_sqlite_link(store *s);

/** Pass a fail point; what it refuses is reported as STORE_BROKEN. */
kf_err store_may_fail(store *s, const char *failpoint);
/** store_begin(), by begin_schema. */
kf_err store_begin_schema(store *s);

/* ---- copying between stores (copy.c) ---- */

/** Name of the table that records migrations. */
#define STORE_STEP_TABLE "store_step"

/** Is step 1 to version of the store's records what the list has? Inside a transaction. */
kf_err store_check_steps(store *s, const store_migration *steps, size_t count, size_t *version);

/**
 * Both inside transactions. Replace all rows of `to` by those of `from`; tables and columns are
 * those of model, a SQLite store, and counters of {serial} are carried over.
 */
kf_err store_copy(store *from, store *to, store *model);

/** Same rows in all tables of model? Both inside transactions. */
kf_err store_same(store *a, store *b, store *model, bool *same);

#endif

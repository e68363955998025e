/* Rows from one store to another, and whether two stores hold the same. Tables and columns are read
 * off a SQLite store, the model, so that no list of them is kept by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/parts.h"

#define BATCH_ROWS   256u
#define BATCH_OCTETS (1u << 20)
#define NAME_SIZE    64u
#define SQL_SIZE     8192u

/* ---- names ---- */

typedef struct names {
    char (*at)[NAME_SIZE];
    size_t count;
} names;

static kf_err take_name(void *ctx, const store_value *columns, size_t count)
{
    names *n = ctx;
    const kf_slice name = columns[0].octets;
    /* Names go into statements between double quotes: a plain name only. */
    if (count != 1 || columns[0].type != STORE_TEXT || name.len == 0 || name.len >= NAME_SIZE ||
        memchr(name.ptr, '"', name.len) != NULL || memchr(name.ptr, '\'', name.len) != NULL)
        return KF_E_UNSUPPORTED;
    void *more = realloc(n->at, (n->count + 1) * sizeof n->at[0]);
    if (more == NULL)
        return KF_E_NO_MEMORY;
    n->at = more;
    memcpy(n->at[n->count], name.ptr, name.len);
    n->at[n->count++][name.len] = '\0';
    return KF_OK;
}

static void names_clear(names *n)
{
    free(n->at);
    *n = (names){ 0 };
}

static kf_err table_names(store *model, names *out)
{
    return model->backend->scan(model,
                                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
                                "LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '" STORE_STEP_TABLE
                                "' ORDER BY name",
                                take_name, out);
}

static kf_err column_names(store *model, const char *table, names *out)
{
    static const store_sql columns = { "SELECT name FROM pragma_table_info($1) ORDER BY cid" };
    const store_value in[] = { store_text_z(table) };
    kf_err err = model->backend->run(model, &columns, in, 1, take_name, out);
    return err == KF_OK && (out->count == 0 || out->count > STORE_COLUMNS_MAX) ? KF_E_UNSUPPORTED
                                                                               : err;
}

/* Do something for each table. */
typedef kf_err per_table(void *ctx, const char *table, const names *columns);

static kf_err each_table(store *model, per_table *act, void *ctx)
{
    names tables = { 0 };
    kf_err err = table_names(model, &tables);
    for (size_t i = 0; err == KF_OK && i < tables.count; i++) {
        names columns = { 0 };
        err = column_names(model, tables.at[i], &columns);
        if (err == KF_OK)
            err = act(ctx, tables.at[i], &columns);
        names_clear(&columns);
    }
    names_clear(&tables);
    return err;
}

/* ---- statements ---- */

typedef struct sql_text {
    char text[SQL_SIZE];
    size_t len;
} sql_text;

/* A statement of 32 names of 63 characters fits; what does not is cut, and refused by the server.
 */
static void add(sql_text *t, const char *piece)
{
    const int n = snprintf(t->text + t->len, sizeof t->text - t->len, "%s", piece);
    t->len += (size_t)n < sizeof t->text - t->len ? (size_t)n : 0;
}

static void add_columns(sql_text *t, const names *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        add(t, i == 0 ? "\"" : ", \"");
        add(t, columns->at[i]);
        add(t, "\"");
    }
}

static void select_text(sql_text *t, const char *table, const names *columns)
{
    t->len = 0;
    add(t, "SELECT ");
    add_columns(t, columns);
    add(t, " FROM \"");
    add(t, table);
    add(t, "\"");
}

static void insert_text(sql_text *t, const char *table, const names *columns)
{
    char number[32];
    t->len = 0;
    add(t, "INSERT INTO \"");
    add(t, table);
    add(t, "\" (");
    add_columns(t, columns);
    add(t, ") VALUES (");
    for (size_t i = 0; i < columns->count; i++) {
        snprintf(number, sizeof number, "%s$%zu", i == 0 ? "" : ", ", i + 1);
        add(t, number);
    }
    add(t, ")");
}

/* ---- one table ---- */

typedef struct batch {
    store *to;
    const store_sql *insert;
    store_value *values; /* BATCH_ROWS times columns; octets.ptr unset until flush */
    size_t *offsets;     /* of their octets */
    uint8_t *octets;
    size_t rows, len, cap;
    size_t columns;
} batch;

static kf_err flush(batch *b)
{
    for (size_t i = 0; i < b->rows * b->columns; i++)
        b->values[i].octets.ptr = b->octets + b->offsets[i];
    if (b->rows == 0)
        return KF_OK;
    kf_err err = store_may_fail(b->to, "store.copy");
    if (err == KF_OK)
        err = b->to->backend->run_many(b->to, b->insert, b->values, b->rows, b->columns);
    b->rows = 0;
    b->len = 0;
    return err;
}

static bool make_room(batch *b, size_t more)
{
    if (b->cap - b->len >= more && b->octets != NULL)
        return true;
    const size_t cap = (b->len + more) * 2 + 4096;
    uint8_t *octets = realloc(b->octets, cap);
    if (octets == NULL)
        return false;
    b->octets = octets;
    b->cap = cap;
    return true;
}

static kf_err take_row(void *ctx, const store_value *columns, size_t count)
{
    batch *b = ctx;
    if (count != b->columns)
        return KF_E_UNSUPPORTED;
    for (size_t i = 0; i < count; i++) {
        const size_t at = b->rows * b->columns + i, len = columns[i].octets.len;
        if (!make_room(b, len))
            return store_fail_memory(b->to);
        b->values[at] = columns[i];
        b->offsets[at] = b->len;
        if (len > 0)
            memcpy(b->octets + b->len, columns[i].octets.ptr, len);
        b->len += len;
    }
    b->rows++;
    return b->rows == BATCH_ROWS || b->len >= BATCH_OCTETS ? flush(b) : KF_OK;
}

typedef struct copying {
    store *from, *to;
} copying;

static kf_err copy_table(void *ctx, const char *table, const names *columns)
{
    const copying *c = ctx;
    sql_text select, insert;
    select_text(&select, table, columns);
    insert_text(&insert, table, columns);
    const store_sql sql = { insert.text };
    batch b = { .to = c->to, .insert = &sql, .columns = columns->count };
    b.values = calloc(BATCH_ROWS * columns->count, sizeof b.values[0]);
    b.offsets = calloc(BATCH_ROWS * columns->count, sizeof b.offsets[0]);
    kf_err err = b.values != NULL && b.offsets != NULL ? KF_OK : store_fail_memory(c->to);
    if (err == KF_OK)
        err = c->from->backend->scan(c->from, select.text, take_row, &b);
    if (err == KF_OK)
        err = flush(&b);
    c->to->backend->forget(c->to, &sql); /* its text ends here */
    free(b.values);
    free(b.offsets);
    free(b.octets);
    return err;
}

static kf_err clear_table(void *ctx, const char *table, const names *columns)
{
    store *to = ctx;
    char text[NAME_SIZE + 32];
    (void)columns;
    snprintf(text, sizeof text, "DELETE FROM \"%s\"", table);
    return to->backend->script(to, text);
}

/* ---- foreign keys wait for the end ---- */

typedef struct scripts {
    sql_text all;
    bool is_cut;
} scripts;

static kf_err take_script(void *ctx, const store_value *columns, size_t count)
{
    scripts *all = ctx;
    char piece[512];
    if (count != 1 || columns[0].octets.len + 2 >= sizeof piece)
        return KF_E_UNSUPPORTED;
    snprintf(piece, sizeof piece, "%.*s;", (int)columns[0].octets.len,
             (const char *)columns[0].octets.ptr);
    all->is_cut = all->is_cut || all->all.len + strlen(piece) >= sizeof all->all.text;
    add(&all->all, piece);
    return KF_OK;
}

/* PostgreSQL: change every foreign key of the schema, as its owner may, within the transaction. */
static kf_err change_constraints(store *to, const char *deferrable, const char *how)
{
    scripts *all = calloc(1, sizeof *all);
    char text[512];
    if (all == NULL)
        return store_fail_memory(to);
    snprintf(text, sizeof text,
             "SELECT format('ALTER TABLE %%s ALTER CONSTRAINT %%I %s', conrelid::regclass, conname)"
             " FROM pg_constraint WHERE contype = 'f' AND condeferrable = %s"
             " AND connamespace = current_schema()::regnamespace",
             how, deferrable);
    kf_err err = to->backend->scan(to, text, take_script, all);
    if (err == KF_OK && all->is_cut)
        err = store_fail(to, STORE_BROKEN, "more foreign keys than a restore can handle");
    if (err == KF_OK)
        err = to->backend->script(to, all->all.text);
    free(all);
    return err;
}

static kf_err loosen(store *to)
{
    return to->backend->kind == STORE_SQLITE
               ? to->backend->script(to, "PRAGMA defer_foreign_keys = ON")
               : change_constraints(to, "false", "DEFERRABLE INITIALLY DEFERRED");
}

static kf_err tighten(store *to)
{
    if (to->backend->kind == STORE_SQLITE)
        return KF_OK; /* by itself, at the commit */
    kf_err err = to->backend->script(to, "SET CONSTRAINTS ALL IMMEDIATE");
    return err == KF_OK ? change_constraints(to, "true", "NOT DEFERRABLE") : err;
}

/* ---- counters of {serial} ---- */

typedef struct counter {
    char table[NAME_SIZE], column[NAME_SIZE];
    int64_t value;
} counter;

typedef struct counters {
    counter *at;
    size_t count;
} counters;

static bool take_text(const store_value *v, char out[NAME_SIZE])
{
    if (v->type != STORE_TEXT || v->octets.len >= NAME_SIZE)
        return false;
    memcpy(out, v->octets.ptr, v->octets.len);
    out[v->octets.len] = '\0';
    return true;
}

static kf_err take_counter(void *ctx, const store_value *columns, size_t count)
{
    counters *all = ctx;
    counter *more = realloc(all->at, (all->count + 1) * sizeof *more);
    if (more == NULL)
        return KF_E_NO_MEMORY;
    all->at = more;
    counter *c = &all->at[all->count];
    if (count != 3 || !take_text(&columns[0], c->table) || !take_text(&columns[1], c->column))
        return KF_E_UNSUPPORTED;
    c->value = columns[2].type == STORE_INT ? columns[2].number : 0;
    all->count++;
    return KF_OK;
}

/* The columns that count themselves, by the model: only there is AUTOINCREMENT. */
static kf_err find_counters(store *model, counters *all)
{
    return model->backend->scan(
        model,
        "SELECT t.name, c.name, NULL FROM sqlite_schema t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND t.sql LIKE '%AUTOINCREMENT%' AND c.pk = 1",
        take_counter, all);
}

static kf_err take_number(void *ctx, const store_value *columns, size_t count)
{
    int64_t *out = ctx;
    *out = count == 1 && columns[0].type == STORE_INT ? columns[0].number : 0;
    return KF_OK;
}

static kf_err read_counter(store *from, counter *c)
{
    static const store_sql sql = {
        "SELECT {lite:seq FROM sqlite_sequence WHERE name = $1}"
        "{pg:pg_sequence_last_value(pg_get_serial_sequence(quote_ident($1), $2)::regclass)}"
    };
    const store_value in[] = { store_text_z(c->table), store_text_z(c->column) };
    c->value = 0;
    const size_t count = from->backend->kind == STORE_SQLITE ? 1 : 2;
    return from->backend->run(from, &sql, in, count, take_number, &c->value);
}

static kf_err write_counter(store *to, const counter *c)
{
    static const store_sql lite_clear = { "DELETE FROM sqlite_sequence WHERE name = $1" };
    static const store_sql lite_put = { "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)" };
    static const store_sql pg_put = {
        "SELECT setval(pg_get_serial_sequence(quote_ident($1), $2), $3)"
    };
    const store_value lite[] = { store_text_z(c->table), store_int(c->value) };
    const store_value pg[] = { store_text_z(c->table), store_text_z(c->column),
                               store_int(c->value) };
    if (c->value < 1)
        return KF_OK;
    if (to->backend->kind == STORE_POSTGRESQL)
        return to->backend->run(to, &pg_put, pg, 3, NULL, NULL);
    kf_err err = to->backend->run(to, &lite_clear, lite, 1, NULL, NULL);
    return err == KF_OK ? to->backend->run(to, &lite_put, lite, 2, NULL, NULL) : err;
}

static kf_err copy_counters(store *from, store *to, store *model)
{
    counters all = { 0 };
    kf_err err = find_counters(model, &all);
    for (size_t i = 0; err == KF_OK && i < all.count; i++) {
        err = read_counter(from, &all.at[i]);
        if (err == KF_OK)
            err = write_counter(to, &all.at[i]);
    }
    free(all.at);
    return err;
}

/* ---- the whole ---- */

kf_err store_copy(store *from, store *to, store *model)
{
    copying c = { from, to };
    kf_err err = loosen(to);
    if (err == KF_OK)
        err = each_table(model, clear_table, to);
    if (err == KF_OK)
        err = each_table(model, copy_table, &c);
    if (err == KF_OK)
        err = copy_counters(from, to, model);
    return err == KF_OK ? tighten(to) : err;
}

/* ---- comparing ---- */

/* The rows of a table in no order: a sum over a hash (FNV-1a) of each. Against mistakes, not
 * against anybody who means harm. */
typedef struct print {
    uint64_t rows, sum;
} print;

static uint64_t hash(uint64_t h, const void *octets, size_t len)
{
    const uint8_t *p = octets;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static kf_err add_row(void *ctx, const store_value *columns, size_t count)
{
    print *p = ctx;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        const uint64_t head[] = { columns[i].type, (uint64_t)columns[i].number,
                                  columns[i].octets.len };
        h = hash(h, head, sizeof head);
        h = hash(h, columns[i].octets.ptr, columns[i].octets.len);
    }
    p->rows++;
    p->sum += h;
    return KF_OK;
}

typedef struct comparing {
    store *a, *b;
    bool same;
} comparing;

static kf_err compare_table(void *ctx, const char *table, const names *columns)
{
    comparing *c = ctx;
    sql_text select;
    print a = { 0, 0 }, b = { 0, 0 };
    select_text(&select, table, columns);
    kf_err err = c->a->backend->scan(c->a, select.text, add_row, &a);
    if (err == KF_OK)
        err = c->b->backend->scan(c->b, select.text, add_row, &b);
    c->same = c->same && a.rows == b.rows && a.sum == b.sum;
    return err;
}

kf_err store_same(store *a, store *b, store *model, bool *same)
{
    comparing c = { a, b, true };
    kf_err err = each_table(model, compare_table, &c);
    *same = err == KF_OK && c.same;
    return err;
}

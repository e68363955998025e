/* The schema, step by step. The record of a step is in its transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/dialect.h"
#include "store/parts.h"

static const char make_record[] =
    "CREATE TABLE IF NOT EXISTS " STORE_STEP_TABLE " (step BIGINT PRIMARY KEY, name TEXT NOT NULL)";

static const store_sql has_record = {
    "SELECT {pg:CASE WHEN to_regclass('" STORE_STEP_TABLE "') IS NULL THEN 0 ELSE 1 END}"
    "{lite:count(*) FROM sqlite_schema WHERE type = 'table' AND name = '" STORE_STEP_TABLE "'}"
};
static const store_sql all_steps = { "SELECT step, name FROM " STORE_STEP_TABLE " ORDER BY step" };
static const store_sql count_steps = { "SELECT count(*) FROM " STORE_STEP_TABLE };
static const store_sql put_step = { "INSERT INTO " STORE_STEP_TABLE " (step, name) "
                                    "VALUES ($1, $2)" };

typedef struct comparison {
    const store_migration *steps;
    size_t count, seen;
    bool differs;
} comparison;

static kf_err compare_step(void *ctx, const store_value *columns, size_t count)
{
    comparison *c = ctx;
    const size_t at = c->seen++;
    if (count != 2 || columns[0].type != STORE_INT || columns[1].type != STORE_TEXT ||
        columns[0].number != (int64_t)at + 1 || at >= c->count ||
        !kf_slice_equal(columns[1].octets, kf_slice_str(c->steps[at].name)))
        c->differs = true;
    return KF_OK;
}

kf_err store_check_steps(store *s, const store_migration *steps, size_t count, size_t *version)
{
    comparison c = { .steps = steps, .count = count };
    *version = 0;
    kf_err err = s->backend->run(s, &all_steps, NULL, 0, compare_step, &c);
    if (err != KF_OK)
        return err;
    if (c.differs) {
        (void)store_fail(s, STORE_OTHER_FORMAT,
                         c.seen > count ? "the store was made by a newer program"
                                        : "the store has another schema");
        return KF_E_UNSUPPORTED;
    }
    *version = c.seen;
    return KF_OK;
}

static kf_err apply(store *s, const store_migration *step, size_t number)
{
    char *text = NULL;
    kf_err err = store_may_fail(s, "store.migrate.step");
    if (err != KF_OK)
        return err;
    err = store_dialect(step->sql, s->backend->kind, &text);
    if (err == KF_E_NO_MEMORY)
        return store_fail_memory(s);
    if (err != KF_OK)
        return store_fail(s, STORE_BROKEN, "a step has an unknown {marker}");
    err = s->backend->script(s, text);
    free(text);
    const store_value in[] = { store_int((int64_t)number), store_text_z(step->name) };
    return err == KF_OK ? s->backend->run(s, &put_step, in, 2, NULL, NULL) : err;
}

/* The next step, in the open transaction. */
static kf_err next_step(store *s, const store_migration *steps, size_t count, bool *done)
{
    size_t version = 0;
    kf_err err = s->backend->script(s, make_record);
    if (err == KF_OK)
        err = store_check_steps(s, steps, count, &version);
    *done = version >= count;
    return err == KF_OK && !*done ? apply(s, &steps[version], version + 1) : err;
}

kf_err store_migrate(store *s, const store_migration *steps, size_t count)
{
    bool done = false;
    if (s->is_open)
        return KF_E_STATE;
    while (!done) {
        kf_err err = store_begin_schema(s);
        if (err == KF_OK)
            err = next_step(s, steps, count, &done);
        if (err == KF_OK)
            err = store_commit(s);
        store_rollback(s);
        if (err != KF_OK)
            return err == KF_E_DENIED ? KF_E_BACKEND : err;
    }
    return KF_OK;
}

kf_err store_schema_version(store *s, size_t *out)
{
    int64_t version = 0;
    const bool own = !s->is_open;
    *out = 0;
    kf_err err = own ? store_begin(s, STORE_READ) : KF_OK;
    if (err == KF_OK)
        err = store_get_int(s, &has_record, NULL, 0, &version);
    if (err == KF_OK && version != 0)
        err = store_get_int(s, &count_steps, NULL, 0, &version);
    if (own)
        store_rollback(s);
    if (err == KF_OK)
        *out = (size_t)version;
    return err;
}

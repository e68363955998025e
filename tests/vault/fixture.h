/** A vault on a store of its own, asked as its peers ask, with a clock that stands still. */
#ifndef TESTS_VAULT_FIXTURE_H
#define TESTS_VAULT_FIXTURE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/random.h"
#include "store/store.h"
#include "support/testing.h"
#include "vault/vault.h"
#include "vault/verbs.h"

#define PASSPHRASE "correct horse battery staple"

typedef struct scene {
    char directory[64], store[512], anchor[96];
    kf_time now;
    vault *v;
    /* the last answer */
    kf_err err;
    vault_refusal refusal;
    wire_builder *built;
    wire_tree *tree;
    const wire_value *out;
} scene;

static const vault_caller officer = { VAULT_OFFICER, "olga" };
static const vault_caller second_officer = { VAULT_OFFICER, "sven" };
static const vault_caller auditor = { VAULT_AUDITOR, "anna" };
static const vault_caller courier = { VAULT_COURIER, "courier" };
static const vault_caller kms_face = { VAULT_KMS, "kms" };
static const vault_caller media = { VAULT_MEDIA, "media1" };
static const vault_caller call_control = { VAULT_CALL, "calls" };

static inline kf_time scene_now(void *ctx)
{
    return ((scene *)ctx)->now;
}

static inline void scene_start(scene *s)
{
    char why[256] = "";
    const vault_config config = { .organization = "county",
                                  .store = s->store,
                                  .anchor = s->anchor,
                                  .threads = 2,
                                  .clock = { scene_now, s },
                                  .rng = kf_random() };
    kf_err err = vault_new(&config, &s->v, why, sizeof why);
    if (err != KF_OK)
        fail_msg("%s", why);
}

static inline void scene_forget(scene *s)
{
    wire_tree_free(&s->tree);
    wire_builder_free(&s->built);
    s->out = NULL;
}

static inline void scene_stop(scene *s)
{
    scene_forget(s);
    vault_free(&s->v);
}

/* Fields: name, type letter (i int, s text, o slice pointer, b bool, S list of texts, I list of
 * ints: both ended by NULL or -1), value. */
static inline kf_err ask(scene *s, const vault_caller *who, const char *verb, ...)
{
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    va_list list;
    const char *name;

    scene_forget(s);
    assert_ok(wire_builder_new(&b));
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", verb);
    va_start(list, verb);
    while ((name = va_arg(list, const char *)) != NULL) {
        switch (va_arg(list, int)) {
        case 'i':
            wire_put_int(b, name, va_arg(list, long long));
            break;
        case 's':
            wire_put_text_z(b, name, va_arg(list, const char *));
            break;
        case 'o':
            wire_put_octets(b, name, *va_arg(list, const kf_slice *));
            break;
        case 'b':
            wire_put_bool(b, name, va_arg(list, int) != 0);
            break;
        case 'S':
            wire_open_list(b, name);
            for (const char *t = va_arg(list, const char *); t != NULL;
                 t = va_arg(list, const char *))
                wire_put_text_z(b, NULL, t);
            wire_close(b);
            break;
        case 'I':
            wire_open_list(b, name);
            for (int n = va_arg(list, int); n >= 0; n = va_arg(list, int))
                wire_put_int(b, NULL, n);
            wire_close(b);
            break;
        default:
            fail_msg("bad field type of %s", name);
        }
    }
    va_end(list);
    wire_close(b);
    assert_ok(wire_builder_done(b, &octets));
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    s->err = vault_do(s->v, who, wire_tree_root(tree), &s->built, &s->refusal);
    wire_tree_free(&tree);
    wire_builder_free(&b);
    if (s->built != NULL) {
        assert_ok(wire_builder_done(s->built, &octets));
        assert_ok(wire_tree_parse(octets, &s->tree, &fault));
        s->out = wire_tree_root(s->tree);
    }
    return s->err;
}

/* It must be done. */
#define DONE(s, ...)                                                                               \
    do {                                                                                           \
        if (ask((s), __VA_ARGS__, NULL) != KF_OK)                                                  \
            fail_msg("line %d: %s: %s (%s)", __LINE__, (s)->refusal.code, (s)->refusal.what,       \
                     (s)->refusal.why);                                                            \
    } while (0)

/* It must be refused with that code. */
#define REFUSED(s, expected, ...)                                                                  \
    do {                                                                                           \
        if (ask((s), __VA_ARGS__, NULL) == KF_OK)                                                  \
            fail_msg("line %d: not refused (%s expected)", __LINE__, expected);                    \
        if (strcmp((s)->refusal.code, expected) != 0)                                              \
            fail_msg("line %d: %s (%s) instead of %s", __LINE__, (s)->refusal.code,                \
                     (s)->refusal.what, expected);                                                 \
    } while (0)

static inline void work(scene *s)
{
    bool more = true;
    for (unsigned i = 0; more; i++) {
        assert_ok(vault_work(s->v, &more));
        assert_true(i < 1000);
    }
}

static inline kf_slice octets_of(const char *text)
{
    return (kf_slice){ (const uint8_t *)text, strlen(text) };
}

/* With KF_POSTGRESQL (a CONNINFO) the store is a schema of its own in that data base. */
static inline void make_schema(scene *s, const char *conninfo)
{
    static unsigned count;
    char where[512], sql[96];
    const store_sql statement = { sql };
    store *db = NULL;
    store_fault fault;
    snprintf(sql, sizeof sql, "CREATE SCHEMA kf_%ld_%u", (long)getpid(), ++count);
    snprintf(where, sizeof where, "postgresql:%s", conninfo);
    snprintf(s->store, sizeof s->store, "%.380s options='-c search_path=kf_%ld_%u'", where,
             (long)getpid(), count);
    assert_ok(store_open(where, &db, &fault));
    assert_ok(store_begin(db, STORE_WRITE));
    assert_ok(store_run(db, &statement, NULL, 0, NULL, NULL));
    assert_ok(store_commit(db));
    store_close(&db);
}

static inline void scene_open(scene *s)
{
    const kf_slice passphrase = octets_of(PASSPHRASE);
    const char *conninfo = getenv("KF_POSTGRESQL");
    memset(s, 0, sizeof *s);
    s->now = 1800000000;
    snprintf(s->directory, sizeof s->directory, "/tmp/keyferry-vault.XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    snprintf(s->anchor, sizeof s->anchor, "%s", s->directory);
    if (conninfo != NULL)
        make_schema(s, conninfo);
    else
        snprintf(s->store, sizeof s->store, "sqlite:%s/store", s->directory);
    scene_start(s);
    DONE(s, &officer, "vault init", "passphrase", 'o', &passphrase, "scrypt_log2n", 'i', 10LL);
}

static inline void scene_close(scene *s)
{
    char command[128];
    scene_stop(s);
    snprintf(command, sizeof command, "rm -rf %s", s->directory);
    assert_int_equal(system(command), 0);
}

static inline void unseal(scene *s)
{
    const kf_slice passphrase = octets_of(PASSPHRASE);
    DONE(s, &officer, "vault unseal", "passphrase", 'o', &passphrase);
}

#endif

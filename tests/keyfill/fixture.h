/* What the tests of key files share. */
#ifndef TESTS_KEYFILL_FIXTURE_H
#define TESTS_KEYFILL_FIXTURE_H

#include "support/testing.h"

#include <string.h>

#include "keyfill/check.h"
#include "keyfill/file.h"

#define FIXTURE_KEY "7f1d3c5b9a08e6d4c2b0a18f7e6d5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b"

/* Add an entry with a good AES-256 key; change what is returned as needed. */
static inline keyfill_entry *fixture_add(keyfill_file *file, const char *name, uint32_t keyset,
                                         uint32_t sln, uint32_t kid, const char *key)
{
    keyfill_entry e = { .id = keyfill_file_next_entry_id(file),
                        .keyset = keyset,
                        .sln = sln,
                        .kid = kid,
                        .algid = 0x84,
                        .material = testing_secret_hex(key) };
    assert_ok(keyfill_name_set(&e.name, kf_slice_str(name)));
    assert_ok(keyfill_file_take_entry(file, &e));
    assert_null(e.material);
    return &file->entries[file->entry_count - 1];
}

/* Three entries and two groups, every optional thing in use. */
static inline void fixture_file(keyfill_file *file)
{
    keyfill_name name;
    keyfill_group *group = NULL;
    memset(file, 0, sizeof *file);
    fixture_add(file, "TAC 1 <\"&'> \xc3\xa9", 1, 1, 0x1001, FIXTURE_KEY)->is_active = true;
    fixture_add(file, "", 16, 4095, 0x1002, "00ff00ff01")->kind = KEYFILL_KIND_TEK;
    keyfill_entry *ukek = fixture_add(file, "UKEK", 255, 61440, 0xf5a0, FIXTURE_KEY);
    ukek->kind = KEYFILL_KIND_KEK;
    ukek->has_rsi = true;
    ukek->rsi = 74565;
    assert_ok(keyfill_name_set(&name, kf_slice_str("ALL")));
    assert_ok(keyfill_file_add_group(file, 1, &name, &group));
    assert_ok(keyfill_file_add_member(file, group, 3));
    assert_ok(keyfill_file_add_member(file, group, 1));
    assert_err(keyfill_file_add_member(file, group, 1), KF_E_STATE);
    assert_err(keyfill_file_add_member(file, group, 9), KF_E_MALFORMED);
    assert_ok(keyfill_name_set(&name, kf_slice_str("none")));
    assert_ok(keyfill_file_add_group(file, 7, &name, &group));
}

static inline bool fixture_is_empty(const keyfill_file *file)
{
    static const keyfill_file empty;
    return memcmp(file, &empty, sizeof empty) == 0;
}

#endif

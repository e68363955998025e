/**
 * @file vault_cli.h Commands that ask a vault: made from its own table of verbs (vault/verbs.h), so
 * that options, help, manual pages and completion are never behind it.
 */
#ifndef VAULT_CLI_H
#define VAULT_CLI_H

#include "cli.h"
#include "vault/verbs.h"
#include "wire/client.h"

/** An example of that verb that runs after those before it, or NULL. */
const char *vault_cli_example(const char *verb);

/** Is the number of this field a time? */
bool vault_cli_is_time(const wire_field *field);

/** The handler of them all. */
cli_status vault_cli_run(const cli_call *call);

/* vault_cli_show.c */

/** Octets of an answer that were written to a file. */
typedef struct vault_saved {
    const wire_value *value;
    char *path;
} vault_saved;
typedef struct vault_answer {
    const cli_call *call;
    const wire_value *map;
    size_t count;
    vault_saved *saved; /**< owned */
} vault_answer;

/** Write octets to files as --out and --out-dir say. */
cli_status vault_answer_save(vault_answer *a);
/** Print what there is: one JSON document, or lines and tables. */
cli_status vault_answer_show(const vault_answer *a);
void vault_answer_clear(vault_answer *a);
/** A map in lines and tables, as further words on a refusal. */
void vault_show_map(const vault_answer *a, FILE *to, const wire_value *map);
json_t *vault_json_of(const vault_answer *a, const wire_value *value);

#endif

/**
 * @file cli.h One command table feeds the parser, the help, the man pages and the completion.
 *
 * A command is a path of words (noun, then verb), arguments, options, an example that runs, and a
 * handler. Exit status: 0 done, 1 refused, 2 usage.
 */
#ifndef CLI_H
#define CLI_H

#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "out.h"

typedef enum cli_status { CLI_DONE = 0, CLI_REFUSED = 1, CLI_USAGE = 2 } cli_status;

/** What the value of an option is. Everything but text is checked before the handler runs. */
typedef enum cli_kind {
    CLI_FLAG,   /**< takes no value */
    CLI_TEXT,   /**< not empty */
    CLI_FILE,   /**< a file name; `-` where the help says so */
    CLI_NUMBER, /**< decimal, 0 to 2^40 - 1 */
    CLI_TIME,   /**< RFC 3339 or Unix seconds */
    CLI_CHOICE, /**< one of the words in `value`, separated by | */
} cli_kind;

typedef struct cli_option {
    const char *name;  /**< without the dashes */
    const char *value; /**< placeholder, such as "FILE"; for CLI_CHOICE "a|b"; NULL for a flag */
    cli_kind kind;
    bool required;
    bool repeatable;
    const char *fallback; /**< value when not given, or NULL */
    const char *help;
} cli_option;

typedef struct cli_argument {
    const char *name; /**< placeholder, such as "DOMAIN" */
    bool required;
    bool repeatable; /**< only the last one may be */
    const char *help;
} cli_argument;

#define CLI_OPTIONS_MAX   24u
#define CLI_ARGUMENTS_MAX 4u
#define CLI_VALUES_MAX    64u /**< values of all options together, and arguments */

typedef struct cli_call cli_call;
typedef struct cli_command {
    const char *path;    /**< "mikey seal" */
    const char *summary; /**< one line */
    const char *about;   /**< paragraphs, separated by an empty line; may be NULL */
    const char *example; /**< shell lines that run, in table order, in one directory */
    cli_argument arguments[CLI_ARGUMENTS_MAX]; /**< ends at a NULL name */
    cli_option options[CLI_OPTIONS_MAX];       /**< ends at a NULL name */
    bool plain; /**< needs no crypto: runs even when the known answers fail */
    cli_status (*run)(const cli_call *call);
    bool needs_vault;              /**< the example needs a vault that runs, or a backup of one */
    const struct vault_verb *verb; /**< asks a vault, and has the options cli_to_vault; or NULL */
} cli_command;

/** Options that every command has. */
extern const cli_option cli_common[];
/** Options that every command to a vault has. */
extern const cli_option cli_to_vault[];
/** A group of commands that share their first word. */
typedef struct cli_noun {
    const char *name, *summary, *example;
} cli_noun;

/** The commands of one noun (or of none: single words), in the order in which the examples run. */
typedef struct cli_section {
    cli_noun noun;
    const cli_command *commands;
    size_t count;
} cli_section;
extern const cli_section cli_kms, cli_mikey, cli_keys, cli_p25, cli_vault_files, cli_audit_files;

/** All sections as one table; i below the count. */
const cli_command *cli_command_at(size_t i);
size_t cli_command_count(void);
/** Those that are not made from the verbs of the vault. */
const cli_command *cli_static_at(size_t i);
size_t cli_static_count(void);
const cli_noun *cli_noun_at(size_t i);
size_t cli_noun_count(void);
/** What the examples assume: shell lines to run before the first one. */
extern const char cli_example_setup[];

/** One given option or argument. */
typedef struct cli_value {
    const cli_option *option; /**< NULL: an argument */
    const char *text;
} cli_value;

/** A parsed command line. Text is borrowed from argv. */
struct cli_call {
    const cli_command *command;
    const out_sink *out;
    size_t count;
    cli_value values[CLI_VALUES_MAX];
};

/** Parse, then help or run. @return the exit status of the process. */
cli_status cli_main(int argc, char *const argv[]);

/** The value of an option or its default; NULL when there is neither. The name must be in the table
 * (our own mistake otherwise). */
const char *cli_text(const cli_call *call, const char *name);
/** The same as a slice; empty when there is none. */
kf_slice cli_slice(const cli_call *call, const char *name);
bool cli_flag(const cli_call *call, const char *name);
/** Was it given (not: does it have a default)? */
bool cli_given(const cli_call *call, const char *name);
/** A CLI_NUMBER or CLI_TIME; `otherwise` when neither given nor defaulted. */
uint64_t cli_number(const cli_call *call, const char *name, uint64_t otherwise);
kf_time cli_time(const cli_call *call, const char *name, kf_time otherwise);
/** The i-th value of a repeatable option; NULL past the last. */
const char *cli_each(const cli_call *call, const char *name, size_t i);
/** The i-th argument; NULL past the last. */
const char *cli_argument_at(const cli_call *call, size_t i);

/** A usage error found by a handler. @return CLI_USAGE. */
cli_status cli_misuse(const cli_call *call, const char *field, const char *what, const char *why,
                      const char *remedy);

/** Something outside the request failed (memory, a library). @return CLI_REFUSED. */
cli_status cli_give_up(const cli_call *call, const char *field, kf_err code);

/* vault_cli.c: sections made from the verbs of the vault, one for each noun, at first use. */
size_t vault_cli_count(void);
const cli_section *vault_cli_section(size_t i);
/** The command of a verb by the vault's own name for it, also when a command on files has that
 * name; NULL. */
const cli_command *vault_cli_named(const char *verb);

/** The command of that path, or NULL. */
const cli_command *cli_command_named(const char *path);
/** Is word the first word of path (or all of it)? */
bool cli_path_starts(const char *path, const char *word);

/** Letters to change, add or drop to make one word of the other; stops counting at 32. */
size_t cli_distance(const char *a, const char *b);

/* help.c */
void cli_help_top(const out_sink *o);
void cli_help_noun(const out_sink *o, const cli_noun *noun);
void cli_help_command(const out_sink *o, const cli_command *command);
/** "--cert FILE", in buf. @return buf. */
const char *cli_option_text(const cli_option *option, char *buf, size_t size);
cli_status cli_run_help(const cli_call *call);

/* man.c, completion.c */
void cli_man_program(FILE *to);
void cli_man_command(const cli_command *command, FILE *to);
void cli_man_noun(const cli_noun *noun, FILE *to);
/** "keyferry-kms-new", in buf. @return buf. */
const char *cli_man_name(const cli_command *command, char *buf, size_t size);
void cli_complete_bash(FILE *to);
void cli_complete_zsh(FILE *to);
void cli_complete_fish(FILE *to);

/* commands/ handlers */
cli_status run_uid(const cli_call *call);
cli_status run_kms_new(const cli_call *call);
cli_status run_kms_cert(const cli_call *call);
cli_status run_kms_issue(const cli_call *call);
cli_status run_kms_check(const cli_call *call);
cli_status run_mikey_seal(const cli_call *call);
cli_status run_mikey_open(const cli_call *call);
cli_status run_mikey_unbox(const cli_call *call);
cli_status run_mikey_srtp(const cli_call *call);
cli_status run_explain(const cli_call *call);
cli_status run_keys_generate(const cli_call *call);
cli_status run_keys_check(const cli_call *call);
cli_status run_keys_export(const cli_call *call);
cli_status run_keys_import(const cli_call *call);
cli_status run_p25_kmf(const cli_call *call);
cli_status run_p25_unit(const cli_call *call);
cli_status run_p25_ctl(const cli_call *call);
cli_status run_p25_fleet(const cli_call *call);
cli_status run_selftest(const cli_call *call);
cli_status run_vault_keyfile(const cli_call *call);
cli_status run_vault_verify(const cli_call *call);
cli_status run_vault_restore(const cli_call *call);
cli_status run_audit_check(const cli_call *call);

#endif

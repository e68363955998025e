#include "cli.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "crypto/selftest.h"

/* --- looking things up ------------------------------------------------------------------------ */

const cli_command *cli_command_named(const char *path)
{
    for (size_t i = 0; i < cli_command_count(); i++)
        if (strcmp(cli_command_at(i)->path, path) == 0)
            return cli_command_at(i);
    return NULL;
}

bool cli_path_starts(const char *path, const char *word)
{
    size_t len = strlen(word);
    return strncmp(path, word, len) == 0 && (path[len] == '\0' || path[len] == ' ');
}

static const cli_noun *noun_named(const char *name)
{
    for (size_t i = 0; i < cli_noun_count(); i++)
        if (strcmp(cli_noun_at(i)->name, name) == 0)
            return cli_noun_at(i);
    return NULL;
}

static const cli_option *option_in(const cli_option *options, const char *name, size_t len)
{
    for (; options->name != NULL; options++)
        if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
            return options;
    return NULL;
}

static const cli_option *option_of(const cli_command *command, const char *name, size_t len)
{
    const cli_option *option = command == NULL ? NULL : option_in(command->options, name, len);
    if (option == NULL && (command == NULL || command->verb != NULL))
        option = option_in(cli_to_vault, name, len);
    return option != NULL ? option : option_in(cli_common, name, len);
}

size_t cli_distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    size_t row[MOST + 1], la = strnlen(a, MOST), lb = strnlen(b, MOST);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[lb];
}

/* The nearest of the names seen so far, when it is near enough to be what was meant. */
typedef struct nearest {
    const char *wanted, *name;
    size_t distance;
} nearest;

static void nearest_try(nearest *n, const char *name)
{
    size_t d = cli_distance(n->wanted, name);
    if (n->name == NULL || d < n->distance) {
        n->name = name;
        n->distance = d;
    }
}

static const char *nearest_found(const nearest *n)
{
    return n->name != NULL && n->distance * 2 <= strlen(n->wanted) ? n->name : NULL;
}

static const char *nearest_option(const cli_command *command, const char *wanted)
{
    nearest n = { wanted, NULL, 0 };
    if (command != NULL)
        for (const cli_option *o = command->options; o->name != NULL; o++)
            nearest_try(&n, o->name);
    if (command == NULL || command->verb != NULL)
        for (const cli_option *o = cli_to_vault; o->name != NULL; o++)
            nearest_try(&n, o->name);
    for (const cli_option *o = cli_common; o->name != NULL; o++)
        nearest_try(&n, o->name);
    return nearest_found(&n);
}

static const char *nearest_command(const char *wanted)
{
    nearest n = { wanted, NULL, 0 };
    for (size_t i = 0; i < cli_command_count(); i++)
        nearest_try(&n, cli_command_at(i)->path);
    for (size_t i = 0; i < cli_noun_count(); i++)
        nearest_try(&n, cli_noun_at(i)->name);
    return nearest_found(&n);
}

/* --- usage errors ----------------------------------------------------------------------------- */

static out_error usage(const char *field)
{
    out_error e = out_error_of(KF_OK);
    e.code = "usage";
    e.field = field;
    return e;
}

static void hint(out_error *e, const cli_command *command)
{
    if (command == NULL)
        out_do(e, "see: keyferry --help");
    else
        out_do(e, "see: keyferry %s --help", command->path);
}

cli_status cli_misuse(const cli_call *call, const char *field, const char *what, const char *why,
                      const char *remedy)
{
    out_error e = usage(field);
    out_what(&e, "%s", what);
    out_why(&e, "%s", why);
    if (remedy != NULL)
        out_do(&e, "%s", remedy);
    else
        hint(&e, call->command);
    out_report(call->out, &e);
    return CLI_USAGE;
}

cli_status cli_give_up(const cli_call *call, const char *field, kf_err code)
{
    out_error e = out_error_of(code);
    e.field = field;
    out_what(&e, "keyferry %s cannot go on", call->command->path);
    out_why(&e, "%s", kf_err_text(code));
    out_do(&e, "%s",
           code == KF_E_NO_MEMORY ? "raise the limit of locked memory (ulimit -l)"
                                  : "run: keyferry selftest");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status unknown_command(const out_sink *o, const char *typed)
{
    out_error e = usage(NULL);
    const char *near = nearest_command(typed);
    out_what(&e, "'%s' is not a command", typed);
    out_why(&e, "the command table has no such path");
    if (near != NULL)
        out_do(&e, "did you mean: keyferry %s", near);
    else
        hint(&e, NULL);
    out_report(o, &e);
    return CLI_USAGE;
}

static cli_status unknown_option(const out_sink *o, const cli_command *command, const char *typed)
{
    out_error e = usage(NULL);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed, "="), typed);
    const char *near = nearest_option(command, name + strspn(name, "-"));
    out_what(&e, "unknown option %s", name);
    out_why(&e, "%s%s does not have it", command == NULL ? "keyferry" : "keyferry ",
            command == NULL ? "" : command->path);
    if (near != NULL)
        out_do(&e, "did you mean: --%s", near);
    else
        hint(&e, command);
    out_report(o, &e);
    return CLI_USAGE;
}

/* --- parsing ---------------------------------------------------------------------------------- */

typedef struct parse {
    out_sink *out;
    cli_call *call;
    bool want_help, want_version;
} parse;

static cli_status option_error(const parse *p, const cli_option *option, const char *what,
                               const char *why)
{
    out_error e = usage(option->name);
    out_what(&e, "option --%s %s", option->name, what);
    out_why(&e, "%s", why);
    hint(&e, p->call->command);
    out_report(p->out, &e);
    return CLI_USAGE;
}

static bool number_parse(const char *text, uint64_t *out)
{
    return kf_decimal_read(kf_slice_str(text), out) == KF_OK && *out < UINT64_C(1) << 40;
}

static bool choice_has(const char *choices, const char *word)
{
    size_t len = strlen(word);
    while (len > 0 && *choices != '\0') {
        size_t n = strcspn(choices, "|");
        if (n == len && strncmp(choices, word, n) == 0)
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

/* NULL when the value is one of its kind, else why it is not. */
static const char *value_fault(const cli_option *option, const char *text)
{
    uint64_t number = 0;
    kf_time time = 0;
    switch (option->kind) {
    case CLI_FLAG:
        return NULL;
    case CLI_TEXT:
    case CLI_FILE:
        return *text == '\0' ? "the value is empty" : NULL;
    case CLI_NUMBER:
        return number_parse(text, &number) ? NULL : "the value must be a decimal number below 2^40";
    case CLI_TIME:
        return kf_time_parse(kf_slice_str(text), &time) == KF_OK
                   ? NULL
                   : "the value must be a time such as 2026-01-31T12:00:00Z, or Unix seconds";
    case CLI_CHOICE:
        return choice_has(option->value, text) ? NULL : "the value must be one of the listed words";
    }
    return NULL;
}

static bool call_add(cli_call *call, const cli_option *option, const char *text)
{
    if (call->count == CLI_VALUES_MAX)
        return false;
    call->values[call->count++] = (cli_value){ option, text };
    return true;
}

static bool common_take(parse *p, const cli_option *option)
{
    if (strcmp(option->name, "json") == 0)
        p->out->json = true;
    else if (strcmp(option->name, "help") == 0)
        p->want_help = true;
    else if (strcmp(option->name, "version") == 0)
        p->want_version = true;
    else
        return false;
    return true;
}

/* One option; *i moves past its value. */
static cli_status take_option(parse *p, int argc, char *const argv[], int *i)
{
    const char *name = argv[*i] + 2;
    size_t len = strcspn(name, "=");
    const cli_option *option = option_of(p->call->command, name, len);

    if (strncmp(argv[*i], "--", 2) != 0 || option == NULL)
        return unknown_option(p->out, p->call->command, argv[*i]);
    const char *text = name[len] == '=' ? name + len + 1 : NULL;
    if (option->kind == CLI_FLAG && text != NULL)
        return option_error(p, option, "takes no value", "it is a switch");
    if (option->kind != CLI_FLAG && text == NULL) {
        /* `--name --other` is a forgotten value, not a value that looks like an option. */
        if (*i + 1 >= argc || (argv[*i + 1][0] == '-' && argv[*i + 1][1] != '\0'))
            return option_error(p, option, "lacks its value",
                                "it is the last word or another option follows");
        text = argv[++*i];
    }
    if (text != NULL && value_fault(option, text) != NULL)
        return option_error(p, option, "has a bad value", value_fault(option, text));
    if (!option->repeatable && cli_given(p->call, option->name))
        return option_error(p, option, "is given twice", "it has one value");
    if (!call_add(p->call, option, text == NULL ? "" : text))
        return option_error(p, option, "is one too many", "a command line has at most 64 values");
    common_take(p, option);
    return CLI_DONE;
}

static size_t argument_room(const cli_command *command)
{
    size_t n = 0;
    while (n < CLI_ARGUMENTS_MAX && command->arguments[n].name != NULL)
        n++;
    return n > 0 && command->arguments[n - 1].repeatable ? CLI_VALUES_MAX : n;
}

static cli_status take_argument(parse *p, const char *text)
{
    size_t have = 0;
    while (cli_argument_at(p->call, have) != NULL)
        have++;
    if (have >= argument_room(p->call->command) || !call_add(p->call, NULL, text)) {
        out_error e = usage(NULL);
        out_what(&e, "one argument too many"); /* not echoed: it may be a secret */
        out_why(&e, "keyferry %s takes %zu", p->call->command->path, have);
        hint(&e, p->call->command);
        out_report(p->out, &e);
        return CLI_USAGE;
    }
    return CLI_DONE;
}

static cli_status take_words(parse *p, int argc, char *const argv[], int from)
{
    bool options_end = false;
    for (int i = from; i < argc; i++) {
        bool dash = argv[i][0] == '-' && argv[i][1] != '\0' && !options_end;
        cli_status status = CLI_DONE;
        if (dash && strcmp(argv[i], "--") == 0)
            options_end = true;
        else if (dash)
            status = take_option(p, argc, argv, &i);
        else
            status = take_argument(p, argv[i]);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

static cli_status check_required(const parse *p)
{
    const cli_command *command = p->call->command;
    for (const cli_option *o = command->options; o->name != NULL; o++)
        if (o->required && !cli_given(p->call, o->name))
            return option_error(p, o, "is missing", "the command cannot do without it");
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && command->arguments[i].name != NULL; i++)
        if (command->arguments[i].required && cli_argument_at(p->call, i) == NULL) {
            out_error e = usage(command->arguments[i].name);
            out_what(&e, "argument %s is missing", command->arguments[i].name);
            out_why(&e, "the command cannot do without it: %s", command->arguments[i].help);
            hint(&e, command);
            out_report(p->out, &e);
            return CLI_USAGE;
        }
    return CLI_DONE;
}

/* --- values ----------------------------------------------------------------------------------- */

static const cli_option *declared(const cli_call *call, const char *name)
{
    const cli_option *option = option_of(call->command, name, strlen(name));
    assert(option != NULL);
    return option;
}

const char *cli_each(const cli_call *call, const char *name, size_t i)
{
    const cli_option *option = declared(call, name);
    for (size_t k = 0; k < call->count; k++)
        if (call->values[k].option == option && i-- == 0)
            return call->values[k].text;
    return NULL;
}

bool cli_given(const cli_call *call, const char *name)
{
    return cli_each(call, name, 0) != NULL;
}

const char *cli_text(const cli_call *call, const char *name)
{
    const char *text = cli_each(call, name, 0);
    return text != NULL ? text : declared(call, name)->fallback;
}

kf_slice cli_slice(const cli_call *call, const char *name)
{
    const char *text = cli_text(call, name);
    return text == NULL ? (kf_slice){ NULL, 0 } : kf_slice_str(text);
}

bool cli_flag(const cli_call *call, const char *name)
{
    return cli_given(call, name);
}

uint64_t cli_number(const cli_call *call, const char *name, uint64_t otherwise)
{
    const char *text = cli_text(call, name);
    uint64_t value = 0;
    return text != NULL && number_parse(text, &value) ? value : otherwise;
}

kf_time cli_time(const cli_call *call, const char *name, kf_time otherwise)
{
    kf_time value = 0;
    const char *text = cli_text(call, name);
    return text != NULL && kf_time_parse(kf_slice_str(text), &value) == KF_OK ? value : otherwise;
}

const char *cli_argument_at(const cli_call *call, size_t i)
{
    for (size_t k = 0; k < call->count; k++)
        if (call->values[k].option == NULL && i-- == 0)
            return call->values[k].text;
    return NULL;
}

/* --- the way in ------------------------------------------------------------------------------- */

/* Common options may stand before the command. @return the first word after them. */
static cli_status take_leading(parse *p, int argc, char *const argv[], int *at)
{
    for (*at = 1; *at < argc && argv[*at][0] == '-'; (*at)++) {
        cli_status status = take_option(p, argc, argv, at);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

/* Is a vault named on the line? Then its verbs come before commands on files of the same name. */
static bool asks_vault(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--vault") == 0 || strncmp(argv[i], "--vault=", 8) == 0)
            return true;
    return false;
}

/* The command of one or two words at argv[*at]; *at moves past it. */
static const cli_command *find_command(int argc, char *const argv[], int *at, char *typed,
                                       size_t size)
{
    const cli_command *command = NULL;
    if (*at + 1 < argc) {
        snprintf(typed, size, "%s %s", argv[*at], argv[*at + 1]);
        command = asks_vault(argc, argv) ? vault_cli_named(typed) : NULL;
        if (command == NULL)
            command = cli_command_named(typed);
    }
    if (command != NULL) {
        *at += 2;
        return command;
    }
    if (noun_named(argv[*at]) == NULL || *at + 1 >= argc)
        snprintf(typed, size, "%s", argv[*at]);
    command = cli_command_named(argv[*at]);
    *at += command != NULL;
    return command;
}

/* --vault and its like were taken before the command was known. */
static cli_status check_leading(const parse *p)
{
    const cli_call *call = p->call;
    for (size_t i = 0; call->command->verb == NULL && i < call->count; i++)
        for (const cli_option *o = cli_to_vault; o->name != NULL; o++)
            if (call->values[i].option == o)
                return unknown_option(p->out, call->command, o->name);
    return CLI_DONE;
}

static cli_status version(const out_sink *o)
{
    if (o->json)
        out_json(o, json_pack("{s:s, s:s}", "program", "keyferry", "version", KEYFERRY_VERSION));
    else
        fprintf(o->data, "keyferry %s\n", KEYFERRY_VERSION);
    return CLI_DONE;
}

/* No command was named: help or version of the program, or of one noun. */
static cli_status without_command(parse *p, int argc, char *const argv[], int at, const char *typed)
{
    const cli_noun *noun = at < argc ? noun_named(argv[at]) : NULL;
    for (int i = at; i < argc; i++)
        p->want_help = p->want_help || strcmp(argv[i], "--help") == 0;
    if (p->want_version)
        return version(p->out);
    if (at >= argc && p->want_help) {
        cli_help_top(p->out);
        return CLI_DONE;
    }
    if (noun != NULL && p->want_help) {
        cli_help_noun(p->out, noun);
        return CLI_DONE;
    }
    if (at < argc && noun == NULL)
        return unknown_command(p->out, typed);
    if (noun != NULL && at + 1 < argc && argv[at + 1][0] != '-')
        return unknown_command(p->out, typed);
    out_error e = usage(NULL);
    out_what(&e, "no command given%s%s", noun == NULL ? "" : " after ",
             noun == NULL ? "" : noun->name);
    out_why(&e, "there is nothing to do");
    out_do(&e, "see: keyferry %s%s--help", noun == NULL ? "" : noun->name, noun == NULL ? "" : " ");
    out_report(p->out, &e);
    return CLI_USAGE;
}

/* `--json` counts wherever it stands, so that an error in front of it is machine-readable too. */
static bool asks_json(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* No crypto before every known answer came out right on this machine. */
static cli_status run(const cli_call *call)
{
    if (call->command->plain || kf_crypto_selftest(NULL, NULL) == KF_OK)
        return call->command->run(call);
    out_error e = out_error_of(KF_E_BACKEND);
    out_what(&e, "the cryptography of this machine gives wrong answers");
    out_why(&e, "a known answer of the start-up self-test did not come out");
    out_do(&e, "use no key made here; run: keyferry selftest, then check the OpenSSL installation");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status parse_and_run(parse *p, int argc, char *const argv[])
{
    char typed[128] = "";
    int at = 1;
    cli_status status = take_leading(p, argc, argv, &at);
    if (status != CLI_DONE)
        return status;
    if (at < argc)
        p->call->command = find_command(argc, argv, &at, typed, sizeof typed);
    if (p->call->command == NULL)
        return without_command(p, argc, argv, at, typed);
    for (int i = at; i < argc && strcmp(argv[i], "--") != 0; i++)
        p->want_help = p->want_help || strcmp(argv[i], "--help") == 0;
    if (p->want_help) {
        cli_help_command(p->out, p->call->command);
        return CLI_DONE;
    }
    if (p->want_version)
        return version(p->out);
    if ((status = check_leading(p)) != CLI_DONE ||
        (status = take_words(p, argc, argv, at)) != CLI_DONE ||
        (status = check_required(p)) != CLI_DONE)
        return status;
    return run(p->call);
}

cli_status cli_main(int argc, char *const argv[])
{
    out_sink o = { stdout, stderr, asks_json(argc, argv) };
    cli_call call = { NULL, &o, 0, { { NULL, NULL } } };
    parse p = { &o, &call, false, false };
    cli_status status = parse_and_run(&p, argc, argv);
    if (!out_finish(&o) && status == CLI_DONE) {
        out_error e = out_error_of(KF_E_BACKEND);
        o.json = false; /* stdout is what failed */
        out_what(&e, "the output could not be written");
        out_why(&e, "standard output is closed or full");
        out_do(&e, "send it elsewhere and run the command again");
        out_report(&o, &e);
        return CLI_REFUSED;
    }
    return status;
}

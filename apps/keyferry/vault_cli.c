/* From the vault's verbs to commands. */
#include "vault_cli.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_to_vault[] = {
    { "vault", "ADDRESS", CLI_TEXT, false, false, NULL,
      "the vault: unix:PATH or tls:HOST:PORT; else the environment's KEYFERRY_VAULT" },
    { "tls-cert", "FILE", CLI_FILE, false, false, NULL, "TLS: our certificate, PEM" },
    { "tls-key", "FILE", CLI_FILE, false, false, NULL, "TLS: its private key, PEM" },
    { "tls-ca", "FILE", CLI_FILE, false, false, NULL, "TLS: who may certify the vault, PEM" },
    { "tls-name", "NAME", CLI_TEXT, false, false, NULL,
      "TLS: name in the vault's certificate (else: HOST)" },
    { .name = NULL },
};

static const cli_option plan_option = {
    "plan", NULL, CLI_FLAG, false, false, NULL, "do it, tell what came of it, and take it all back"
};
static const cli_option out_option = { "out",
                                       "NAME=FILE",
                                       CLI_TEXT,
                                       false,
                                       true,
                                       NULL,
                                       "write the result's field NAME to FILE, mode 0600" };
static const cli_option dir_option = {
    "out-dir",
    "DIR",
    CLI_FILE,
    false,
    false,
    NULL,
    "write shares, boxes and other octets of the result to files there"
};

typedef struct table {
    size_t count;
    cli_section *sections;
} table;

static KF_PRINTF(1, 2) char *text_of(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    const int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        fputs("keyferry: refused: out of memory\n", stderr);
        exit(CLI_REFUSED);
    }
    return text;
}

static char *dashed(const char *name)
{
    char *text = text_of("%s", name);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '_' ? '-' : *c;
    return text;
}

bool vault_cli_is_time(const wire_field *field)
{
    return field->type == WIRE_INT && field->help != NULL &&
           strncmp(field->help, "Unix time", 9) == 0;
}

static cli_kind kind_of(const wire_field *field)
{
    const wire_type type = field->type == WIRE_LIST ? field->of : field->type;
    switch (type) {
    case WIRE_BOOL:
        return CLI_FLAG;
    case WIRE_INT:
        return vault_cli_is_time(field) ? CLI_TIME : CLI_NUMBER;
    case WIRE_TEXT:
        return field->words != NULL ? CLI_CHOICE : CLI_TEXT;
    case WIRE_OCTETS:
    case WIRE_LIST:
    case WIRE_MAP:
        break;
    }
    return CLI_FILE;
}

static cli_option option_of_field(const wire_field *field)
{
    static const char *const values[] = {
        [CLI_FLAG] = NULL,  [CLI_TEXT] = "TEXT", [CLI_FILE] = "FILE",
        [CLI_NUMBER] = "N", [CLI_TIME] = "TIME", [CLI_CHOICE] = NULL
    };
    const cli_kind kind = kind_of(field);
    const bool is_list = field->type == WIRE_LIST;
    const char *help = field->help == NULL ? field->name : field->help;
    if (vault_cli_is_time(field))
        help = text_of("time such as 2026-01-31T12:00:00Z%s", field->help + 9);
    if (is_list && field->of == WIRE_TEXT)
        help = text_of("%s; @FILE: one a line", help);
    return (cli_option){ .name = dashed(field->name),
                         .value = kind == CLI_CHOICE ? field->words : values[kind],
                         .kind = kind,
                         .required = field->is_required,
                         .repeatable = is_list,
                         .help = help };
}

static bool is_taken(const char *path)
{
    for (size_t i = 0; i < cli_static_count(); i++)
        if (strcmp(cli_static_at(i)->path, path) == 0)
            return true;
    return false;
}

/* "officer, auditor" */
static void role_names(unsigned roles, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned bit = 1; bit != 0 && bit <= VAULT_ANYBODY; bit <<= 1)
        if ((roles & bit) != 0 && vault_role_name(bit) != NULL && n < size)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n == 0 ? "" : ", ",
                                  vault_role_name(bit));
}

static const char *about_of(const vault_verb *verb, bool clashes)
{
    char roles[128], clash[256] = "";
    role_names(verb->roles, roles, sizeof roles);
    if (clashes)
        (void)snprintf(clash, sizeof clash,
                       "\n\nWith --vault on the command line, `keyferry %s` is this command;\n"
                       "without it that is a command on files.",
                       verb->name);
    return text_of("Asks a vault. Roles that may: %s.%s%s%s", roles,
                   verb->needs_second ? "\nA second officer must approve it: see proposal list and "
                                        "proposal approve."
                                      : "",
                   verb->while_sealed ? "\nCan be asked of a sealed vault." : "", clash);
}

/* A value of an option's kind, for an example. */
static void sample(const cli_option *o, char *out, size_t size)
{
    static const char *const samples[] = { [CLI_FLAG] = "",
                                           [CLI_TEXT] = "example",
                                           [CLI_FILE] = "passphrase",
                                           [CLI_NUMBER] = "1",
                                           [CLI_TIME] = "2030-01-01T00:00:00Z",
                                           [CLI_CHOICE] = "" };
    if (o->kind == CLI_CHOICE)
        (void)snprintf(out, size, "%.*s", (int)strcspn(o->value, "|"), o->value);
    else
        (void)snprintf(out, size, "%s", samples[o->kind]);
}

/* The form, with values of the right kind, for a verb without an example of its own. */
static const char *form_of(const vault_verb *verb, const cli_command *command)
{
    char value[64];
    char *text = text_of("keyferry --vault unix:vault.sock %s", verb->name);
    for (const cli_option *o = command->options; o->name != NULL; o++)
        if (o->required) {
            sample(o, value, sizeof value);
            char *more = text_of("%s --%s %s", text, o->name, value);
            free(text);
            text = more;
        }
    return text;
}

static void fill_command(const vault_noun *noun, const vault_verb *verb, cli_command *out)
{
    size_t n = 0;
    const bool clashes = is_taken(verb->name);
    const size_t len = strlen(noun->name);
    for (const wire_field *f = verb->fields; f != NULL && f->name != NULL; f++) {
        assert(n + 4 < CLI_OPTIONS_MAX);
        out->options[n++] = option_of_field(f);
    }
    if (verb->access == VAULT_WRITES)
        out->options[n++] = plan_option;
    out->options[n++] = out_option;
    out->options[n++] = dir_option;
    out->path = clashes ? text_of("%s vault-%s", noun->name, verb->name + len + 1) : verb->name;
    out->summary = verb->help;
    out->about = about_of(verb, clashes);
    out->verb = verb;
    out->needs_vault = true;
    out->run = vault_cli_run;
    const char *example = vault_cli_example(verb->name);
    out->example = example != NULL ? example : form_of(verb, out);
}

static void fill_section(const vault_noun *noun, cli_section *out)
{
    cli_command *commands = calloc(noun->count, sizeof *commands);
    if (commands == NULL)
        free(text_of("%s", "")); /* says so, and ends */
    for (size_t i = 0; commands != NULL && i < noun->count; i++)
        fill_command(noun, &noun->verbs[i], &commands[i]);
    *out = (cli_section){ { noun->name, noun->help, "" }, commands, noun->count };
    if (noun->count > 0 && commands != NULL)
        out->noun.example = commands[0].example;
}

static const table *the_table(void)
{
    static table t;
    if (t.sections != NULL)
        return &t;
    while (vault_noun_at(t.count) != NULL)
        t.count++;
    t.sections = calloc(t.count, sizeof *t.sections);
    for (size_t i = 0; t.sections != NULL && i < t.count; i++)
        fill_section(vault_noun_at(i), &t.sections[i]);
    return &t;
}

size_t vault_cli_count(void)
{
    return the_table()->sections == NULL ? 0 : the_table()->count;
}

const cli_section *vault_cli_section(size_t i)
{
    return &the_table()->sections[i];
}

const cli_command *vault_cli_named(const char *verb)
{
    for (size_t s = 0; s < vault_cli_count(); s++)
        for (size_t i = 0; i < vault_cli_section(s)->count; i++)
            if (strcmp(vault_cli_section(s)->commands[i].verb->name, verb) == 0)
                return &vault_cli_section(s)->commands[i];
    return NULL;
}

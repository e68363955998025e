#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define INDENT 26

const char *cli_option_text(const cli_option *option, char *buf, size_t size)
{
    snprintf(buf, size, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
             option->value == NULL ? "" : option->value);
    return buf;
}

static void synopsis(FILE *to, const cli_command *command)
{
    char text[96];
    fprintf(to, "keyferry %s", command->path);
    for (const cli_option *o = command->options; o->name != NULL; o++)
        if (o->required)
            fprintf(to, " %s%s", cli_option_text(o, text, sizeof text), o->repeatable ? "..." : "");
    fputs(command->options[0].name == NULL ? "" : " [OPTION]...", to);
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && command->arguments[i].name != NULL; i++)
        fprintf(to, command->arguments[i].required ? " %s%s" : " [%s]%s",
                command->arguments[i].name, command->arguments[i].repeatable ? "..." : "");
    fputc('\n', to);
}

/* A word, then text broken at blanks into a column. */
static void entry(FILE *to, const char *word, const char *text)
{
    enum { WIDTH = 96 - INDENT };
    int used = fprintf(to, "  %s", word);
    if (used >= INDENT) {
        fputc('\n', to);
        used = 0;
    }
    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > WIDTH) {
            len = WIDTH;
            while (len > 1 && text[len] != ' ')
                len--;
        }
        fprintf(to, "%*s%.*s\n", INDENT - used, "", (int)len, text);
        used = 0;
        text += len + strspn(text + len, " ");
    }
}

static void option_entry(FILE *to, const cli_option *o)
{
    char word[96], text[512];
    snprintf(text, sizeof text, "%s%s%s%s%s%s", o->help, o->required ? " (required)" : "",
             o->repeatable ? " (may be repeated)" : "", o->fallback == NULL ? "" : " (default ",
             o->fallback == NULL ? "" : o->fallback, o->fallback == NULL ? "" : ")");
    entry(to, cli_option_text(o, word, sizeof word), text);
}

static void options(FILE *to, const char *title, const cli_option *list)
{
    if (list->name == NULL)
        return;
    fprintf(to, "\n%s:\n", title);
    for (; list->name != NULL; list++)
        option_entry(to, list);
}

/* Lines with two blanks in front. */
static void lines(FILE *to, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        fprintf(to, "  %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void example(FILE *to, const char *text)
{
    fputs("\nExample:\n", to);
    lines(to, text);
}

static void commands(FILE *to, const char *noun)
{
    fputs("\nCommands:\n", to);
    for (size_t i = 0; i < cli_command_count(); i++)
        if (noun == NULL || cli_path_starts(cli_command_at(i)->path, noun))
            entry(to, cli_command_at(i)->path, cli_command_at(i)->summary);
}

/* --- as JSON ---------------------------------------------------------------------------------- */

static json_t *maybe(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *option_json(const cli_option *o)
{
    static const char *const kinds[] = {
        [CLI_FLAG] = "flag",     [CLI_TEXT] = "text", [CLI_FILE] = "file",
        [CLI_NUMBER] = "number", [CLI_TIME] = "time", [CLI_CHOICE] = "choice"
    };
    return json_pack("{s:s, s:o, s:s, s:b, s:b, s:o, s:s}", "name", o->name, "value",
                     maybe(o->value), "kind", kinds[o->kind], "required", o->required, "repeatable",
                     o->repeatable, "default", maybe(o->fallback), "help", o->help);
}

static json_t *command_json(const cli_command *c)
{
    json_t *arguments = json_array(), *list = json_array();
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && c->arguments[i].name != NULL; i++)
        json_array_append_new(arguments,
                              json_pack("{s:s, s:b, s:b, s:s}", "name", c->arguments[i].name,
                                        "required", c->arguments[i].required, "repeatable",
                                        c->arguments[i].repeatable, "help", c->arguments[i].help));
    for (const cli_option *o = c->options; o->name != NULL; o++)
        json_array_append_new(list, option_json(o));
    for (const cli_option *o = cli_to_vault; c->verb != NULL && o->name != NULL; o++)
        json_array_append_new(list, option_json(o));
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:o, s:o}", "command", c->path, "summary",
                     c->summary, "about", maybe(c->about), "example", c->example, "needs_vault",
                     c->needs_vault, "arguments", arguments, "options", list);
}

static void table_json(const out_sink *o, const char *noun)
{
    json_t *list = json_array(), *common = json_array();
    for (size_t i = 0; i < cli_command_count(); i++)
        if (noun == NULL || cli_path_starts(cli_command_at(i)->path, noun))
            json_array_append_new(list, command_json(cli_command_at(i)));
    for (const cli_option *c = cli_common; c->name != NULL; c++)
        json_array_append_new(common, option_json(c));
    out_json(o, json_pack("{s:s, s:s, s:o, s:o}", "version", KEYFERRY_VERSION, "example_setup",
                          cli_example_setup, "common_options", common, "commands", list));
}

/* --- as text ---------------------------------------------------------------------------------- */

void cli_help_top(const out_sink *o)
{
    if (o->json) {
        table_json(o, NULL);
        return;
    }
    fprintf(o->data, "keyferry %s: keys across Mission Critical (3GPP) and land mobile radio\n\n",
            KEYFERRY_VERSION);
    fputs("Usage: keyferry COMMAND [OPTION]... [ARGUMENT]...\n", o->data);
    commands(o->data, NULL);
    options(o->data, "Options of every command", cli_common);
    options(o->data, "Options of every command to a vault", cli_to_vault);
    fputs(
        "\nExit status: 0 done, 1 refused, 2 usage. Data goes to standard output, talk to "
        "standard\n"
        "error. `keyferry COMMAND --help` tells more, with an example that runs; the examples, in\n"
        "the order of the commands above, assume one directory and:\n",
        o->data);
    lines(o->data, cli_example_setup);
    example(o->data, cli_command_at(0)->example);
}

void cli_help_noun(const out_sink *o, const cli_noun *noun)
{
    if (o->json) {
        table_json(o, noun->name);
        return;
    }
    fprintf(o->data, "keyferry %s: %s\n", noun->name, noun->summary);
    commands(o->data, noun->name);
    bool asks_vault = false;
    for (size_t i = 0; i < cli_command_count(); i++)
        asks_vault = asks_vault || (cli_command_at(i)->verb != NULL &&
                                    cli_path_starts(cli_command_at(i)->path, noun->name));
    if (asks_vault)
        options(o->data, "Options of every command to a vault", cli_to_vault);
    options(o->data, "Options of every command", cli_common);
    example(o->data, noun->example);
}

void cli_help_command(const out_sink *o, const cli_command *command)
{
    if (o->json) {
        out_json(o, command_json(command));
        return;
    }
    fprintf(o->data, "keyferry %s: %s\n\nUsage: ", command->path, command->summary);
    synopsis(o->data, command);
    if (command->about != NULL)
        fprintf(o->data, "\n%s\n", command->about);
    if (command->arguments[0].name != NULL)
        fputs("\nArguments:\n", o->data);
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && command->arguments[i].name != NULL; i++)
        entry(o->data, command->arguments[i].name, command->arguments[i].help);
    options(o->data, "Options", command->options);
    if (command->verb != NULL)
        options(o->data, "Options of every command to a vault", cli_to_vault);
    options(o->data, "Options of every command", cli_common);
    example(o->data, command->example);
}

/* --- keyferry help ---------------------------------------------------------------------------- */

static cli_status page_fails(const cli_call *call, const char *path)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "file";
    e.field = "man-dir";
    out_what(&e, "cannot write %s", path);
    out_why(&e, "%s", strerror(errno));
    out_do(&e, "make the directory, or give one that you may write to");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* A manual page is no secret: an ordinary file. command NULL: the page of the program. */
static cli_status write_page(const cli_call *call, const char *dir, const cli_command *command)
{
    char path[4096], name[96];
    snprintf(path, sizeof path, "%s/%s.1", dir,
             command == NULL ? "keyferry" : cli_man_name(command, name, sizeof name));
    FILE *page = fopen(path, "we");
    if (page == NULL)
        return page_fails(call, path);
    if (command == NULL)
        cli_man_program(page);
    else
        cli_man_command(command, page);
    bool ok = ferror(page) == 0;
    return fclose(page) == 0 && ok ? CLI_DONE : page_fails(call, path);
}

static cli_status write_noun(const cli_call *call, const char *dir, const cli_noun *noun)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/keyferry-%s.1", dir, noun->name);
    FILE *page = fopen(path, "we");
    if (page == NULL)
        return page_fails(call, path);
    cli_man_noun(noun, page);
    bool ok = ferror(page) == 0;
    return fclose(page) == 0 && ok ? CLI_DONE : page_fails(call, path);
}

static cli_status write_pages(const cli_call *call, const char *dir)
{
    cli_status status = write_page(call, dir, NULL);
    for (size_t i = 0; status == CLI_DONE && i < cli_command_count(); i++)
        status = write_page(call, dir, cli_command_at(i));
    for (size_t i = 0; status == CLI_DONE && i < cli_noun_count(); i++)
        status = write_noun(call, dir, cli_noun_at(i));
    if (status == CLI_DONE && call->out->json)
        out_json(call->out, json_pack("{s:s, s:i}", "directory", dir, "pages",
                                      (int)(cli_command_count() + cli_noun_count()) + 1));
    return status;
}

/* A generated file, as it is or as one JSON string. */
static cli_status generated(const cli_call *call, const char *name,
                            void (*make)(const cli_command *, FILE *), const cli_command *command)
{
    if (!call->out->json) {
        make(command, call->out->data);
        return CLI_DONE;
    }
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (memory == NULL)
        return cli_give_up(call, NULL, KF_E_NO_MEMORY);
    make(command, memory);
    cli_status status = CLI_REFUSED;
    if (fclose(memory) == 0 && out_json(call->out, json_pack("{s:s%}", name, text, len)))
        status = CLI_DONE;
    free(text);
    return status;
}

static void make_man(const cli_command *command, FILE *to)
{
    if (command == NULL)
        cli_man_program(to);
    else
        cli_man_command(command, to);
}

static void make_bash(const cli_command *command, FILE *to)
{
    (void)command;
    cli_complete_bash(to);
}

static void make_zsh(const cli_command *command, FILE *to)
{
    (void)command;
    cli_complete_zsh(to);
}

static void make_fish(const cli_command *command, FILE *to)
{
    (void)command;
    cli_complete_fish(to);
}

static const struct {
    const char *shell;
    void (*make)(const cli_command *, FILE *);
} shells[] = { { "bash", make_bash }, { "zsh", make_zsh }, { "fish", make_fish } };

static cli_status help_about(const cli_call *call, const char *path, const cli_command *command)
{
    for (size_t i = 0; i < cli_noun_count(); i++)
        if (command == NULL && strcmp(cli_noun_at(i)->name, path) == 0) {
            cli_help_noun(call->out, cli_noun_at(i));
            return CLI_DONE;
        }
    if (command != NULL)
        cli_help_command(call->out, command);
    else if (path[0] == '\0')
        cli_help_top(call->out);
    else
        return cli_misuse(call, "COMMAND", "there is no such command",
                          "the command table has no such path", "see: keyferry --help");
    return CLI_DONE;
}

cli_status cli_run_help(const cli_call *call)
{
    char path[128] = "";
    const char *word = NULL, *shell = cli_text(call, "completion"),
               *dir = cli_text(call, "man-dir");
    for (size_t i = 0; (word = cli_argument_at(call, i)) != NULL; i++) {
        size_t used = strlen(path);
        snprintf(path + used, sizeof path - used, "%s%s", i == 0 ? "" : " ", word);
    }
    const cli_command *command = cli_command_named(path);
    if (cli_flag(call, "man") + (shell != NULL) + (dir != NULL) > 1)
        return cli_misuse(call, NULL, "more than one of --man, --man-dir and --completion",
                          "each is a document of its own", NULL);
    if (dir != NULL)
        return write_pages(call, dir);
    if (cli_flag(call, "man") && (path[0] == '\0' || command != NULL))
        return generated(call, "man", make_man, command);
    for (size_t i = 0; shell != NULL && i < KF_COUNT(shells); i++)
        if (strcmp(shells[i].shell, shell) == 0)
            return generated(call, "completion", shells[i].make, NULL);
    return help_about(call, path, command);
}

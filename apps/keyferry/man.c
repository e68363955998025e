#include <string.h>

#include "cli.h"

const char *cli_man_name(const cli_command *command, char *buf, size_t size)
{
    snprintf(buf, size, "keyferry-%s", command->path);
    for (char *c = buf; *c != '\0'; c++)
        if (*c == ' ')
            *c = '-';
    return buf;
}

/* Text as roff shows it literally: no escapes, no requests, and `-` as the character typed. */
static void text(FILE *to, const char *s)
{
    bool line_start = true;
    for (; *s != '\0'; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            fputs("\\&", to);
        if (*s == '\\')
            fputs("\\e", to);
        else if (*s == '-')
            fputs("\\-", to);
        else if (*s == '`' || *s == '^' || *s == '~')
            fprintf(to, "\\(%s", *s == '`' ? "ga" : *s == '^' ? "ha" : "ti");
        else
            fputc(*s, to);
        line_start = *s == '\n';
    }
}

static void header(FILE *to, const char *name)
{
    fputs(".TH ", to);
    for (; *name != '\0'; name++)
        fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, to);
    fprintf(to, " 1 \"\" \"keyferry %s\" \"Keyferry\"\n.SH NAME\n", KEYFERRY_VERSION);
}

static void tagged(FILE *to, const char *tag, const char *value, const char *help,
                   const char *fallback)
{
    fputs(".TP\n\\fB", to);
    text(to, tag);
    fputs("\\fR", to);
    if (value != NULL) {
        fputs(" \\fI", to);
        text(to, value);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    text(to, help);
    if (fallback != NULL) {
        fputs(" (default ", to);
        text(to, fallback);
        fputc(')', to);
    }
    fputc('\n', to);
}

static void options(FILE *to, const char *title, const cli_option *list)
{
    char tag[80];
    if (list->name == NULL)
        return;
    fprintf(to, ".SH %s\n", title);
    for (; list->name != NULL; list++) {
        snprintf(tag, sizeof tag, "--%s", list->name);
        tagged(to, tag, list->value, list->help, list->fallback);
    }
}

static void example(FILE *to, const char *setup, const char *lines)
{
    fputs(".SH EXAMPLE\n", to);
    if (setup != NULL)
        fputs("The examples of all commands run in one directory, in the order of\n"
              ".BR keyferry (1),\nafter:\n.PP\n.nf\n.RS\n",
              to);
    else
        fputs(".nf\n.RS\n", to);
    if (setup != NULL) {
        text(to, setup);
        fputs("\n.RE\n.fi\n.PP\nThis one:\n.PP\n.nf\n.RS\n", to);
    }
    text(to, lines);
    fputs("\n.RE\n.fi\n", to);
}

static void status(FILE *to)
{
    fputs(".SH EXIT STATUS\n", to);
    tagged(to, "0", NULL, "Done.", NULL);
    tagged(to, "1", NULL, "Refused: the input, a key or the system did not allow it.", NULL);
    tagged(to, "2", NULL, "Usage: the command line makes no sense.", NULL);
}

static void paragraphs(FILE *to, const char *about)
{
    for (const char *s = about; *s != '\0';) {
        const char *end = strstr(s, "\n\n");
        size_t len = end == NULL ? strlen(s) : (size_t)(end - s);
        char one[4096];
        snprintf(one, sizeof one, "%.*s", (int)len, s);
        fputs(".PP\n", to);
        text(to, one);
        fputc('\n', to);
        s += len + (end == NULL ? 0 : 2);
    }
}

void cli_man_program(FILE *to)
{
    char name[96];
    header(to, "keyferry");
    fputs("keyferry \\- keys across Mission Critical (3GPP) and land mobile radio\n"
          ".SH SYNOPSIS\n.B keyferry\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
          ".SH DESCRIPTION\nIssues identity\\-based keys, seals keys to Mission Critical users in\n"
          "MIKEY\\-SAKKE messages, opens such messages and explains them octet by octet.\n"
          "Data goes to standard output, talk to standard error. Secrets come from files or\n"
          "standard input only, never from the command line or the environment.\n"
          ".SH COMMANDS\n",
          to);
    for (size_t i = 0; i < cli_command_count(); i++)
        tagged(to, cli_command_at(i)->path, NULL, cli_command_at(i)->summary, NULL);
    options(to, "OPTIONS OF EVERY COMMAND", cli_common);
    status(to);
    example(to, cli_example_setup, cli_command_at(0)->example);
    fputs(".SH SEE ALSO\n", to);
    for (size_t i = 0; i < cli_command_count(); i++) {
        fputs(".BR ", to);
        text(to, cli_man_name(cli_command_at(i), name, sizeof name));
        fprintf(to, " (1)%s\n", i + 1 < cli_command_count() ? "," : "");
    }
}

void cli_man_command(const cli_command *c, FILE *to)
{
    char name[96];
    cli_man_name(c, name, sizeof name);
    header(to, name);
    text(to, name);
    fputs(" \\- ", to);
    text(to, c->summary);
    fputs("\n.SH SYNOPSIS\n.B keyferry ", to);
    text(to, c->path);
    fputc('\n', to);
    for (const cli_option *o = c->options; o->name != NULL; o++) {
        fputs(o->required ? "\\fB\\-\\-" : "[\\fB\\-\\-", to);
        text(to, o->name);
        fputs("\\fR", to);
        if (o->value != NULL) {
            fputs(" \\fI", to);
            text(to, o->value);
            fputs("\\fR", to);
        }
        fprintf(to, "%s%s\n", o->required ? "" : "]", o->repeatable ? "..." : "");
    }
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && c->arguments[i].name != NULL; i++)
        fprintf(to, "\\fI%s\\fR%s\n", c->arguments[i].name,
                c->arguments[i].repeatable ? "..." : "");
    if (c->about != NULL) {
        fputs(".SH DESCRIPTION\n", to);
        paragraphs(to, c->about);
    }
    if (c->arguments[0].name != NULL)
        fputs(".SH ARGUMENTS\n", to);
    for (size_t i = 0; i < CLI_ARGUMENTS_MAX && c->arguments[i].name != NULL; i++)
        tagged(to, c->arguments[i].name, NULL, c->arguments[i].help, NULL);
    options(to, "OPTIONS", c->options);
    if (c->verb != NULL)
        options(to, "OPTIONS OF EVERY COMMAND TO A VAULT", cli_to_vault);
    options(to, "OPTIONS OF EVERY COMMAND", cli_common);
    status(to);
    example(to, cli_example_setup, c->example);
    fputs(".SH SEE ALSO\n.BR keyferry (1)\n", to);
}

void cli_man_noun(const cli_noun *noun, FILE *to)
{
    char name[96], of_vault[80];
    bool has_verbs = false;
    snprintf(of_vault, sizeof of_vault, "keyferry-%s", noun->name);
    header(to, of_vault);
    text(to, of_vault);
    fputs(" \\- ", to);
    text(to, noun->summary);
    fputs("\n.SH SYNOPSIS\n.B keyferry ", to);
    text(to, noun->name);
    fputs("\n\\fIVERB\\fR [\\fIOPTION\\fR]...\n.SH COMMANDS\n", to);
    for (size_t i = 0; i < cli_command_count(); i++)
        if (cli_path_starts(cli_command_at(i)->path, noun->name)) {
            has_verbs = has_verbs || cli_command_at(i)->verb != NULL;
            tagged(to, cli_command_at(i)->path, NULL, cli_command_at(i)->summary, NULL);
        }
    if (has_verbs)
        options(to, "OPTIONS OF EVERY COMMAND TO A VAULT", cli_to_vault);
    options(to, "OPTIONS OF EVERY COMMAND", cli_common);
    status(to);
    example(to, NULL, noun->example);
    fputs(".SH SEE ALSO\n", to);
    for (size_t i = 0; i < cli_command_count(); i++)
        if (cli_path_starts(cli_command_at(i)->path, noun->name)) {
            fputs(".BR ", to);
            text(to, cli_man_name(cli_command_at(i), name, sizeof name));
            fputs(" (1),\n", to);
        }
    fputs(".BR keyferry (1)\n", to);
}

#include <string.h>

#include "cli.h"

/* Text inside single quotes of a shell; `special` is escaped with a backslash too. */
static void quoted(FILE *to, const char *s, const char *special)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            fputs("'\\''", to);
        else if (strchr(special, *s) != NULL)
            fprintf(to, "\\%c", *s);
        else
            fputc(*s, to);
    }
}

/* "a|b" with blanks. */
static void choices(FILE *to, const char *value)
{
    for (; *value != '\0'; value++)
        fputc(*value == '|' ? ' ' : *value, to);
}

/* Every path and every first word as alternatives of a shell pattern. */
static void path_pattern(FILE *to)
{
    for (size_t i = 0; i < cli_command_count(); i++)
        fprintf(to, "%s'%s'", i == 0 ? "" : "|", cli_command_at(i)->path);
    for (size_t i = 0; i < cli_noun_count(); i++)
        fprintf(to, "|'%s'", cli_noun_at(i)->name);
}

/* First words; each once. */
static void first_words(FILE *to)
{
    for (size_t i = 0; i < cli_noun_count(); i++)
        fprintf(to, "%s ", cli_noun_at(i)->name);
    for (size_t i = 0; i < cli_command_count(); i++)
        if (strchr(cli_command_at(i)->path, ' ') == NULL)
            fprintf(to, "%s ", cli_command_at(i)->path);
}

static void second_words(FILE *to, const char *noun)
{
    for (size_t i = 0; i < cli_command_count(); i++)
        if (cli_path_starts(cli_command_at(i)->path, noun))
            fprintf(to, "%s ", cli_command_at(i)->path + strlen(noun) + 1);
}

static void option_words(FILE *to, const cli_option *list)
{
    for (; list->name != NULL; list++)
        fprintf(to, "--%s ", list->name);
}

/* --- bash ------------------------------------------------------------------------------------- */

static void bash_values(FILE *to, const cli_command *c)
{
    for (const cli_option *o = c->options; o->name != NULL; o++) {
        if (o->kind == CLI_FLAG)
            continue;
        fprintf(to, "    '%s:--%s') ", c->path, o->name);
        if (o->kind == CLI_CHOICE) {
            fputs("COMPREPLY=($(compgen -W '", to);
            choices(to, o->value);
            fputs("' -- \"$cur\")); ", to);
        } else if (o->kind == CLI_FILE) {
            fputs("COMPREPLY=($(compgen -f -- \"$cur\")); ", to);
        }
        fputs("return ;;\n", to);
    }
}

void cli_complete_bash(FILE *to)
{
    fputs("# bash completion of keyferry; made by: keyferry help --completion bash\n"
          "_keyferry()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local cmd='' i\n    COMPREPLY=()\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case \"${cmd:+$cmd }${COMP_WORDS[i]}\" in\n        ",
          to);
    path_pattern(to);
    fputs(") cmd=\"${cmd:+$cmd }${COMP_WORDS[i]}\" ;;\n        esac\n    done\n"
          "    case \"$cmd:$prev\" in\n",
          to);
    for (size_t i = 0; i < cli_command_count(); i++)
        bash_values(to, cli_command_at(i));
    fputs("    esac\n    case \"$cmd\" in\n    '') COMPREPLY=($(compgen -W '", to);
    first_words(to);
    option_words(to, cli_common);
    fputs("' -- \"$cur\")); return ;;\n", to);
    for (size_t i = 0; i < cli_noun_count(); i++) {
        fprintf(to, "    '%s') COMPREPLY=($(compgen -W '", cli_noun_at(i)->name);
        second_words(to, cli_noun_at(i)->name);
        option_words(to, cli_common);
        fputs("' -- \"$cur\")); return ;;\n", to);
    }
    for (size_t i = 0; i < cli_command_count(); i++) {
        fprintf(to, "    '%s') [[ $cur == -* ]] && COMPREPLY=($(compgen -W '",
                cli_command_at(i)->path);
        option_words(to, cli_command_at(i)->options);
        if (cli_command_at(i)->verb != NULL)
            option_words(to, cli_to_vault);
        option_words(to, cli_common);
        fputs("' -- \"$cur\")) && return ;;\n", to);
    }
    fputs("    esac\n    COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
          "complete -o filenames -F _keyferry keyferry\n",
          to);
}

/* --- zsh -------------------------------------------------------------------------------------- */

static void zsh_option(FILE *to, const cli_option *o)
{
    fprintf(to, " \\\n            '%s--%s%s[", o->repeatable ? "*" : "", o->name,
            o->kind == CLI_FLAG ? "" : "=");
    quoted(to, o->help, "[]:\\");
    fputc(']', to);
    if (o->kind == CLI_CHOICE) {
        fputs(":word:(", to);
        choices(to, o->value);
        fputc(')', to);
    } else if (o->kind != CLI_FLAG) {
        fprintf(to, ":%s:%s", o->value, o->kind == CLI_FILE ? "_files" : " ");
    }
    fputc('\'', to);
}

void cli_complete_zsh(FILE *to)
{
    fputs("#compdef keyferry\n# made by: keyferry help --completion zsh\n"
          "_keyferry()\n{\n    local cmd='' word\n    integer used=1\n"
          "    for word in ${words[2,CURRENT-1]}; do\n"
          "        case \"${cmd:+$cmd }$word\" in\n        ",
          to);
    path_pattern(to);
    fputs(") cmd=\"${cmd:+$cmd }$word\"; (( used++ )) ;;\n        *) break ;;\n        esac\n"
          "    done\n    words=(keyferry \"${(@)words[used+1,-1]}\")\n"
          "    (( CURRENT -= used - 1 ))\n    case $cmd in\n    '') compadd -- ",
          to);
    first_words(to);
    option_words(to, cli_common);
    fputs(";;\n", to);
    for (size_t i = 0; i < cli_noun_count(); i++) {
        fprintf(to, "    '%s') compadd -- ", cli_noun_at(i)->name);
        second_words(to, cli_noun_at(i)->name);
        fputs(";;\n", to);
    }
    for (size_t i = 0; i < cli_command_count(); i++) {
        fprintf(to, "    '%s')\n        _arguments", cli_command_at(i)->path);
        for (const cli_option *o = cli_command_at(i)->options; o->name != NULL; o++)
            zsh_option(to, o);
        for (const cli_option *o = cli_to_vault; cli_command_at(i)->verb != NULL && o->name != NULL;
             o++)
            zsh_option(to, o);
        for (const cli_option *o = cli_common; o->name != NULL; o++)
            zsh_option(to, o);
        fputs(" \\\n            '*:file:_files' ;;\n", to);
    }
    fputs("    esac\n}\nif [[ $funcstack[1] == _keyferry ]]; then _keyferry \"$@\"; "
          "else compdef _keyferry keyferry; fi\n",
          to);
}

/* --- fish ------------------------------------------------------------------------------------- */

static void fish_option(FILE *to, const char *path, const cli_option *o)
{
    fputs("complete -c keyferry", to);
    if (path != NULL) {
        const char *verb = strchr(path, ' ');
        fprintf(to, " -n '__fish_seen_subcommand_from %.*s",
                (int)(verb == NULL ? strlen(path) : (size_t)(verb - path)), path);
        if (verb != NULL)
            fprintf(to, "; and __fish_seen_subcommand_from %s", verb + 1);
        fputc('\'', to);
    }
    fprintf(to, " -l %s%s -d '", o->name,
            o->kind == CLI_FLAG   ? ""
            : o->kind == CLI_FILE ? " -r -F"
                                  : " -x");
    for (const char *s = o->help; *s != '\0'; s++)
        fprintf(to, *s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
    fputc('\'', to);
    if (o->kind == CLI_CHOICE) {
        fputs(" -a '", to);
        choices(to, o->value);
        fputc('\'', to);
    }
    fputc('\n', to);
}

void cli_complete_fish(FILE *to)
{
    fputs("# made by: keyferry help --completion fish\n"
          "complete -c keyferry -n __fish_use_subcommand -f -a '",
          to);
    first_words(to);
    fputs("'\n", to);
    for (size_t i = 0; i < cli_noun_count(); i++) {
        fprintf(to, "complete -c keyferry -n '__fish_seen_subcommand_from %s' -f -a '",
                cli_noun_at(i)->name);
        second_words(to, cli_noun_at(i)->name);
        fputs("'\n", to);
    }
    for (const cli_option *o = cli_common; o->name != NULL; o++)
        fish_option(to, NULL, o);
    for (const cli_option *o = cli_to_vault; o->name != NULL; o++)
        fish_option(to, NULL, o);
    for (size_t i = 0; i < cli_command_count(); i++)
        for (const cli_option *o = cli_command_at(i)->options; o->name != NULL; o++)
            fish_option(to, cli_command_at(i)->path, o);
}

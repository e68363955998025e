#include <string.h>

#include "cli.h"
#include "options.h"

/* The one table, in sections. Examples run in this order, in one directory, after
 * cli_example_setup. */

const char cli_example_setup[] = "umask 077\n"
                                 "echo 'correct horse battery staple' > passphrase\n"
                                 "echo 'another passphrase' > passphrase2";

const cli_option cli_common[] = {
    { "json", NULL, CLI_FLAG, false, false, NULL, "print one JSON document, errors included" },
    { "help", NULL, CLI_FLAG, false, false, NULL, "tell about this command and do nothing else" },
    { "version", NULL, CLI_FLAG, false, false, NULL, "print the version and do nothing else" },
    { .name = NULL },
};

static const cli_command first_words[] = {
    { .path = "uid",
      .summary = "compute the UID of a user in a key period",
      .about = "The identifier that the identity-based algorithms take: the hash of URI, KMS URI\n"
               "and key period (TS 33.180 F.2.1).",
      .example = "keyferry uid --user sip:user@example.org --kms kms.example.org --period-no 1",
      .options = { { "user", "URI", CLI_TEXT, true, false, NULL, "MC service ID, as it is sent" },
                   { "kms", "URI", CLI_TEXT, true, false, NULL, "KmsUri of its security domain" },
                   OPT_LENGTH,
                   OPT_OFFSET,
                   { "period-no", "N", CLI_NUMBER, false, false, NULL,
                     "number of the key period (else: the current one)" } },
      .run = run_uid },
};

static const cli_command last_words[] = {
    { .path = "explain",
      .summary = "show any message we speak, octet by octet",
      .about =
          "Recognises MIKEY-SAKKE I_MESSAGEs (binary, hex, base64, SDP), 3GPP key parameters,\n"
          "MCData Protected Payloads, KMS documents, sealed files; and of P25: KMMs, DLI\n"
          "datagrams, DLD data, Interworking Security Data, ISSI voice packets, three-wire key\n"
          "fill, .ekc key files. Says what it took it for and why. Of a bad message it shows\n"
          "what was read, where it went wrong, and exits with 1. Keys in clear are never shown.\n"
          "With --cert and --keys it also opens MIKEY messages. With --keys alone, a file of P25\n"
          "keys (sealed, .ekc or CSV), it opens P25 layers, checks MACs, and says of each key\n"
          "inside whether it opens. With --passphrase-file a sealed key file or .ekc is opened.",
      .example = "keyferry explain alice.mikey\n"
                 "keyferry explain --cert example.cert --keys alice.keys alice.mikey\n"
                 "keyferry explain --passphrase-file passphrase fleet.keyfile",
      .arguments = { { "FILE", true, false, "the message; - for standard input" } },
      .options = { { "as", "KIND", CLI_TEXT, false, false, NULL,
                     "do not recognise: it is this; one of i-message, protected-payload, "
                     "key-parameters, kms-xml, container, kmm, kmm-keyfill, dli, dld, "
                     "interworking, issi-rtp, ekc, three-wire" },
                   { "cert", "FILE", CLI_FILE, false, true, NULL,
                     "certificate of a KMS, to open the message" },
                   { "keys", "FILE", CLI_FILE, false, false, NULL,
                     "our key sets with --cert, else a file of P25 keys, to open the message" },
                   OPT_PASSPHRASE,
                   OPT_COMPAT,
                   OPT_NOW },
      .run = run_explain },

    { .path = "selftest",
      .summary = "compute the known answers",
      .about =
          "Without --vectors: those built in, of every algorithm. With it: every *.txt in the\n"
          "directory, one line per file, `name passed/total`; a miss or a file that is not\n"
          "known exits with 1. The format is that of tests/vectors/README.md.",
      .example = "keyferry selftest",
      .options = { { "vectors", "DIR", CLI_FILE, false, false, NULL,
                     "directory of known-answer files" } },
      .plain = true,
      .run = run_selftest },

    { .path = "help",
      .summary = "tell about commands; print manual pages and shell completion",
      .about = "keyferry help --completion bash > /etc/bash_completion.d/keyferry\n"
               "keyferry help --man | man -l -",
      .example = "keyferry help mikey seal\n"
                 "keyferry help --completion bash > keyferry.bash",
      .arguments = { { "COMMAND", false, true, "the command, one or two words" } },
      .options = { { "man", NULL, CLI_FLAG, false, false, NULL, "print the manual page, in roff" },
                   { "man-dir", "DIR", CLI_FILE, false, false, NULL,
                     "write keyferry.1 and a page for each command there" },
                   { "completion", "bash|zsh|fish", CLI_CHOICE, false, false, NULL,
                     "print the completion of that shell" } },
      .plain = true,
      .run = cli_run_help },
};

static const cli_section first = { { .name = NULL }, first_words, KF_COUNT(first_words) };
static const cli_section last = { { .name = NULL }, last_words, KF_COUNT(last_words) };

static const cli_section *const sections[] = { &first,          &cli_kms, &cli_mikey,
                                               &cli_keys,       &cli_p25, &cli_vault_files,
                                               &cli_audit_files };

/* The sections above, then the vault's, then the last words; NULL past the end. */
static const cli_section *section_at(size_t i)
{
    const size_t fixed = KF_COUNT(sections), count = vault_cli_count();
    return i < fixed            ? sections[i]
           : i < fixed + count  ? vault_cli_section(i - fixed)
           : i == fixed + count ? &last
                                : NULL;
}

size_t cli_static_count(void)
{
    size_t count = last.count;
    for (size_t i = 0; i < KF_COUNT(sections); i++)
        count += sections[i]->count;
    return count;
}

const cli_command *cli_static_at(size_t i)
{
    for (size_t s = 0; s < KF_COUNT(sections); s++) {
        if (i < sections[s]->count)
            return &sections[s]->commands[i];
        i -= sections[s]->count;
    }
    return &last.commands[i];
}

size_t cli_command_count(void)
{
    size_t count = 0;
    for (size_t i = 0; section_at(i) != NULL; i++)
        count += section_at(i)->count;
    return count;
}

const cli_command *cli_command_at(size_t i)
{
    size_t s = 0;
    while (i >= section_at(s)->count)
        i -= section_at(s++)->count;
    return &section_at(s)->commands[i];
}

/* A noun may have a section of commands on files and one of the vault; the first names it. */
static bool is_first_of_noun(size_t s)
{
    const char *name = section_at(s)->noun.name;
    for (size_t i = 0; name != NULL && i < s; i++)
        if (section_at(i)->noun.name != NULL && strcmp(section_at(i)->noun.name, name) == 0)
            return false;
    return name != NULL;
}

size_t cli_noun_count(void)
{
    size_t count = 0;
    for (size_t i = 0; section_at(i) != NULL; i++)
        count += is_first_of_noun(i) ? 1u : 0u;
    return count;
}

const cli_noun *cli_noun_at(size_t i)
{
    size_t s = 0;
    for (;; s++)
        if (is_first_of_noun(s) && i-- == 0)
            return &section_at(s)->noun;
}

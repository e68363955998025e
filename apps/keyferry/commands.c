#include "cli.h"
#include "options.h"

/* The one table, in sections. Examples run in this order, in one directory, after
 * cli_example_setup. */

const char cli_example_setup[] = "umask 077\n"
                                 "echo 'correct horse battery staple' > passphrase";

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
          "With --cert and --keys it also opens what they open, which no P25 layer is.",
      .example = "keyferry explain alice.mikey\n"
                 "keyferry explain --cert example.cert --keys alice.keys alice.mikey",
      .arguments = { { "FILE", true, false, "the message; - for standard input" } },
      .options = { { "as", "KIND", CLI_TEXT, false, false, NULL,
                     "do not recognise: it is this; one of i-message, protected-payload, "
                     "key-parameters, kms-xml, container, kmm, kmm-keyfill, dli, dld, "
                     "interworking, issi-rtp, ekc, three-wire" },
                   { "cert", "FILE", CLI_FILE, false, true, NULL,
                     "certificate of a KMS, to open the message" },
                   { "keys", "FILE", CLI_FILE, false, false, NULL,
                     "our key sets, to open the message" },
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

static const cli_section *const sections[] = { &first, &cli_kms, &cli_mikey, &last };

size_t cli_command_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < KF_COUNT(sections); i++)
        count += sections[i]->count;
    return count;
}

const cli_command *cli_command_at(size_t i)
{
    size_t s = 0;
    while (i >= sections[s]->count)
        i -= sections[s++]->count;
    return &sections[s]->commands[i];
}

size_t cli_noun_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < KF_COUNT(sections); i++)
        count += sections[i]->noun.name == NULL ? 0u : 1u;
    return count;
}

const cli_noun *cli_noun_at(size_t i)
{
    size_t s = 0;
    for (;; s++)
        if (sections[s]->noun.name != NULL && i-- == 0)
            return &sections[s]->noun;
}

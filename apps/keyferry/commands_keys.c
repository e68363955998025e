#include "cli.h"
#include "keystore.h"
#include "options.h"

#define OPT_AS                                                                                     \
    {                                                                                              \
        "as", KEYSTORE_FORMATS, CLI_CHOICE, false, false, NULL,                                    \
            "the format of FILE (else: told from its content)"                                     \
    }
#define OPT_ONLY_GOOD                                                                              \
    {                                                                                              \
        "only-good", NULL, CLI_FLAG, false, false, NULL,                                           \
            "leave out keys that must not be loaded, and name them, instead of stopping"           \
    }
#define OPT_COST                                                                                   \
    {                                                                                              \
        "scrypt-log2n", "N", CLI_NUMBER, false, false, "17",                                       \
            "cost of guessing the passphrase, 10 to 18; memory is 2^N KiB"                         \
    }

static const cli_command commands[] = {
    { .path = "keys generate",
      .summary = "make fresh random keys, into a new or an existing sealed file",
      .about =
          "DES and TDEA keys get odd parity, and none is weak or a pattern. With --count each\n"
          "key takes the next SLN and key ID; with --rsi there is one KEK for each radio (UKEK),\n"
          "all at the same SLN, each with the next key ID. `keys export --only-rsi` splits out\n"
          "what one radio gets. A new key never shares a place or a key ID with another one of\n"
          "the file that the same radio may hold.",
      .example = "keyferry keys generate --out fleet.keyfile --name UKEK --keyset 255 \\\n"
                 "    --sln 61440 --kid A000 --rsi 1001-1003 --passphrase-file passphrase\n"
                 "keyferry keys generate --add-to fleet.keyfile --name FIRE --keyset 1 \\\n"
                 "    --sln 1 --kid 1001 --count 2 --passphrase-file passphrase",
      .options = { { "out", "FILE", CLI_FILE, false, false, NULL, "file to make, mode 0600" },
                   { "add-to", "FILE", CLI_FILE, false, false, NULL,
                     "sealed file of ours to add to; its passphrase stays" },
                   { "name", "TEXT", CLI_TEXT, false, false, NULL, "name for people" },
                   { "keyset", "N|active", CLI_TEXT, true, false, NULL, "keyset, 1 to 255" },
                   { "sln", "N", CLI_NUMBER, true, false, NULL,
                     "SLN (CKR), 0 to 65535; KEKs from 61440 on" },
                   { "kid", "HEX", CLI_TEXT, true, false, NULL, "first key ID, four hex digits" },
                   { "algid", "aes-256|tdea|des|adp|aes-128", CLI_CHOICE, false, false, "aes-256",
                     "algorithm" },
                   { "rsi", "N|N-N", CLI_TEXT, false, true, NULL,
                     "the radio whose KEK it is, or a range of them" },
                   { "count", "N", CLI_NUMBER, false, false, "1", "how many keys" },
                   OPT_COST,
                   OPT_PASSPHRASE },
      .run = run_keys_generate },

    { .path = "keys check",
      .summary = "list the keys of a file, without the keys, and what is wrong with them",
      .about = "Reads our sealed container, KFDtool's .ekc and CSV. A warning is told; a finding\n"
               "that refuses exits with 1. The word in brackets is a code that does not change.",
      .example = "keyferry keys check fleet.keyfile --passphrase-file passphrase",
      .arguments = { { "FILE", true, false, "the key file; - for standard input" } },
      .options = { OPT_AS, OPT_PASSPHRASE },
      .run = run_keys_check },

    { .path = "keys export",
      .summary = "write keys as .ekc, or as a sealed file under another passphrase",
      .about = "A .ekc has no place for RSIs and nothing that protects it against alteration:\n"
               "both are told. --only-rsi keeps the keys of these radios and no others.",
      .example = "keyferry keys export fleet.keyfile --to ekc --out fleet.ekc \\\n"
                 "    --passphrase-file passphrase --new-passphrase-file passphrase2\n"
                 "keyferry keys export fleet.keyfile --to container --out radio1001.keyfile \\\n"
                 "    --only-rsi 1001 --passphrase-file passphrase \\\n"
                 "    --new-passphrase-file passphrase2",
      .arguments = { { "FILE", true, false, "the key file, of any format" } },
      .options = { { "out", "FILE", CLI_FILE, true, false, NULL, "file to make, mode 0600" },
                   { "to", "ekc|container", CLI_CHOICE, true, false, NULL, "what to write" },
                   { "only-rsi", "N|N-N", CLI_TEXT, false, true, NULL,
                     "keep the keys of this radio, or of a range of them" },
                   OPT_ONLY_GOOD,
                   OPT_AS,
                   OPT_PASSPHRASE,
                   { "new-passphrase-file", "FILE", CLI_FILE, true, false, NULL,
                     "the passphrase of what is written, one line" },
                   OPT_COST },
      .run = run_keys_export },

    { .path = "keys import",
      .summary = "read a key file of another format into a sealed file of ours",
      .about =
          "Formats: KFDtool's .ekc; CSV, whose keys anybody can read, which is said loudly; our\n"
          "own. CSV has a first line of column names in any order: keyset, sln (or ckr), kid\n"
          "(four hex digits), algid (two, or a name), key (hex), and if you like name, type\n"
          "(TEK, KEK), rsi, group. Every key is checked before anything is written; one that\n"
          "must not be loaded stops the import.",
      .example = "keyferry keys import fleet.ekc --source-passphrase-file passphrase2 \\\n"
                 "    --out imported.keyfile --passphrase-file passphrase",
      .arguments = { { "FILE", true, false, "the key file; - for standard input" } },
      .options = { { "out", "FILE", CLI_FILE, true, false, NULL, "file to make, mode 0600" },
                   { "source-passphrase-file", "FILE", CLI_FILE, false, false, NULL,
                     "the passphrase of FILE, one line; needed unless it is CSV" },
                   OPT_ONLY_GOOD,
                   OPT_AS,
                   OPT_PASSPHRASE,
                   OPT_COST },
      .run = run_keys_import },
};

const cli_section cli_keys = { { "keys", "files of P25 keys: make, check, import, export",
                                 "keyferry keys check fleet.keyfile --passphrase-file passphrase" },
                               commands,
                               KF_COUNT(commands) };

#include "cli.h"
#include "options.h"

static const cli_command commands[] = {
    { .path = "kms new",
      .summary = "make a KMS domain: fresh master secrets, sealed under a passphrase",
      .about =
          "The file holds the SAKKE and ECCSI master secrets, encrypted with AES-256-GCM under\n"
          "a key that scrypt derives from the passphrase. Whoever has both can issue keys of\n"
          "every user: keep them apart.",
      .example = "keyferry kms new --uri kms.example.org --out example.kms \\\n"
                 "    --passphrase-file passphrase",
      .options = { { "uri", "URI", CLI_TEXT, true, false, NULL, "KmsUri of the new domain" },
                   { "out", "DOMAIN", CLI_FILE, true, false, NULL, "file to make, mode 0600" },
                   OPT_LENGTH,
                   OPT_OFFSET,
                   OPT_PASSPHRASE,
                   { "scrypt-log2n", "N", CLI_NUMBER, false, false, "17",
                     "cost of guessing the passphrase, 10 to 18; memory is 2^N KiB" } },
      .run = run_kms_new },

    { .path = "kms cert",
      .summary = "print the certificate of a domain (annex D KmsInit)",
      .about = "Public: every client of the domain, and of domains it talks to, needs it.",
      .example = "keyferry kms cert example.kms --passphrase-file passphrase > example.cert",
      .arguments = { { "DOMAIN", true, false, "what `kms new` made" } },
      .options = { OPT_PASSPHRASE },
      .run = run_kms_cert },

    { .path = "kms issue",
      .summary = "issue the key sets of one user (annex D KmsKeyProv)",
      .about = "Secret: for that user only. A client that holds the sets of neighbouring periods\n"
               "goes on working while clocks and periods turn; see --periods.",
      .example = "keyferry kms issue example.kms --passphrase-file passphrase \\\n"
                 "    --user sip:iwf@example.org --to-file iwf.keys\n"
                 "keyferry kms issue example.kms --passphrase-file passphrase \\\n"
                 "    --user sip:alice@example.org --to-file alice.keys --periods 2",
      .arguments = { { "DOMAIN", true, false, "what `kms new` made" } },
      .options = { { "user", "URI", CLI_TEXT, true, false, NULL, "MC service ID of the user" },
                   { "period", "N", CLI_NUMBER, false, false, NULL,
                     "first key period (else: the current one)" },
                   { "periods", "COUNT", CLI_NUMBER, false, false, "1",
                     "how many periods from there, at most 64" },
                   { "to-file", "FILE", CLI_FILE, false, false, NULL,
                     "make this file, mode 0600, instead of printing" },
                   OPT_COMPAT,
                   OPT_NOW,
                   OPT_PASSPHRASE },
      .run = run_kms_issue },

    { .path = "kms check",
      .summary = "check a certificate and key sets as a client must before using them",
      .about = "UID, SSK with PVT (RFC 6507 5.1.2) and RSK by pairing (RFC 6508 6.1.2).",
      .example = "keyferry kms check example.cert alice.keys",
      .arguments = { { "CERT", true, false, "what `kms cert` printed" },
                     { "KEYSET", true, false, "what `kms issue` printed" } },
      .options = { OPT_COMPAT, OPT_NOW },
      .run = run_kms_check },
};

const cli_section cli_kms = { { "kms",
                                "a key management server: its secrets, certificates and key sets",
                                "keyferry kms check example.cert alice.keys" },
                              commands,
                              KF_COUNT(commands) };

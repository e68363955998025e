#include "cli.h"

/* The one table. Examples run in this order, in one directory, after cli_example_setup. */

const char cli_example_setup[] = "umask 077\n"
                                 "echo 'correct horse battery staple' > passphrase";

const cli_noun cli_nouns[] = {
    { "kms", "a key management server: its secrets, certificates and key sets",
      "keyferry kms check example.cert alice.keys" },
    { "mikey", "keys sealed to one Mission Critical user",
      "keyferry mikey open --cert example.cert --keys alice.keys alice.mikey" },
};
const size_t cli_noun_count = KF_COUNT(cli_nouns);

const cli_option cli_common[] = {
    { "json", NULL, CLI_FLAG, false, false, NULL, "print one JSON document, errors included" },
    { "help", NULL, CLI_FLAG, false, false, NULL, "tell about this command and do nothing else" },
    { "version", NULL, CLI_FLAG, false, false, NULL, "print the version and do nothing else" },
    { .name = NULL },
};

/* Options that several commands share. */
#define OPT_PASSPHRASE                                                                             \
    {                                                                                              \
        "passphrase-file", "FILE", CLI_FILE, false, false, NULL,                                   \
            "the passphrase, one line; without it standard input is read"                          \
    }
#define OPT_CERT                                                                                   \
    {                                                                                              \
        "cert", "FILE", CLI_FILE, true, false, NULL, "certificate of our own KMS"                  \
    }
#define OPT_COMPAT                                                                                 \
    {                                                                                              \
        "compat", "NAME", CLI_TEXT, false, true, NULL,                                             \
            "interop switch: sign-no-header, hex-id, streamwide-legacy, ssv256-l2"                 \
    }
#define OPT_NOW                                                                                    \
    {                                                                                              \
        "now", "TIME", CLI_TIME, false, false, NULL, "act as if it were then (else: the clock)"    \
    }
#define OPT_LENGTH                                                                                 \
    {                                                                                              \
        "period-length", "SECONDS", CLI_NUMBER, false, false, "2592000", "length of a key period"  \
    }
#define OPT_OFFSET                                                                                 \
    {                                                                                              \
        "period-offset", "SECONDS", CLI_NUMBER, false, false, "0",                                 \
            "how late periods start, less than the length"                                         \
    }

const cli_command cli_commands[] = {
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

    { .path = "mikey seal",
      .summary = "seal a key to one user: print a MIKEY-SAKKE I_MESSAGE in base64",
      .about =
          "Without --key-file a fresh random key is sealed; --out keeps it and its identifiers\n"
          "for the next member, for a revocation, and for `mikey srtp`. To key a group, seal\n"
          "the first member with --out and the others with --key-file.",
      .example =
          "keyferry mikey seal --cert example.cert --keys iwf.keys --to sip:alice@example.org \\\n"
          "    --kind gmk --group sip:fire@example.org --out group.key > alice.mikey",
      .options = { OPT_CERT,
                   { "keys", "FILE", CLI_FILE, true, false, NULL, "our key sets: the initiator's" },
                   { "to", "URI", CLI_TEXT, true, false, NULL, "MC service ID of the recipient" },
                   { "kind", "gmk|pck|csk", CLI_CHOICE, true, false, NULL,
                     "group master key, private call key or client-server key" },
                   { "from", "URI", CLI_TEXT, false, false, NULL,
                     "initiator, when --keys has several users" },
                   { "peer-cert", "FILE", CLI_FILE, false, false, NULL,
                     "certificate of the recipient's KMS, when it is another" },
                   { "key-file", "FILE", CLI_FILE, false, false, NULL,
                     "seal this key: what --out made, or 16 or 32 octets, raw or hex" },
                   { "key-id", "HEX", CLI_TEXT, false, false, NULL,
                     "key identifier, eight hex digits (else: that of --key-file, or a new one)" },
                   { "key-bits", "128|256", CLI_CHOICE, false, false, "128",
                     "length of a fresh key" },
                   { "out", "FILE", CLI_FILE, false, false, NULL,
                     "keep key and identifiers, mode 0600" },
                   { "group", "URI", CLI_TEXT, false, true, NULL, "MC group ID that a GMK is for" },
                   { "activate", "TIME", CLI_TIME, false, false, NULL,
                     "not to be transmitted with before (else: at once)" },
                   { "expire", "TIME", CLI_TIME, false, false, NULL,
                     "not to be used from then on (else: the end of the key period)" },
                   { "text", "TEXT", CLI_TEXT, false, false, NULL, "name of the key for people" },
                   { "revoked", NULL, CLI_FLAG, false, false, NULL, "say that the key is revoked" },
                   { "no-params", NULL, CLI_FLAG, false, false, NULL,
                     "send no 3GPP key parameters" },
                   { "to-self", NULL, CLI_FLAG, false, false, NULL,
                     "let the initiator's other devices open it too" },
                   { "hide", NULL, CLI_FLAG, false, false, NULL,
                     "send UIDs in place of both identities" },
                   OPT_COMPAT,
                   OPT_NOW },
      .run = run_mikey_seal },

    { .path = "mikey open",
      .summary = "open an I_MESSAGE and tell everything learned; the key only with --reveal",
      .about =
          "Reads binary, hex, base64, a line `a=key-mgmt:mikey ...` or a whole SDP. A revoked or\n"
          "expired key is told and refused (exit status 1); one that is not yet active is done.",
      .example = "keyferry mikey open --cert example.cert --keys alice.keys alice.mikey\n"
                 "keyferry mikey open --cert example.cert --keys alice.keys \\\n"
                 "    --allow gmk=sip:iwf@example.org --out alice.gmk alice.mikey",
      .arguments = { { "FILE", true, false, "the message; - for standard input" } },
      .options = { OPT_CERT,
                   { "keys", "FILE", CLI_FILE, true, false, NULL, "our key sets" },
                   { "peer-cert", "FILE", CLI_FILE, false, true, NULL,
                     "certificate of another KMS whose users may write to us" },
                   { "from", "URI", CLI_TEXT, false, false, NULL,
                     "initiator that the transport proved" },
                   { "allow", "KIND=URI", CLI_TEXT, false, true, NULL,
                     "who may send keys of a kind (else: anyone with a valid signature)" },
                   { "window", "SECONDS", CLI_NUMBER, false, false, "300",
                     "how far the time in the message may be off" },
                   { "any-time", NULL, CLI_FLAG, false, false, NULL,
                     "do not check the time in the message" },
                   { "out", "FILE", CLI_FILE, false, false, NULL,
                     "keep key and identifiers, mode 0600" },
                   { "reveal", NULL, CLI_FLAG, false, false, NULL,
                     "print the key and the SRTP keys of this message" },
                   OPT_COMPAT,
                   OPT_NOW },
      .run = run_mikey_open },

    { .path = "mikey srtp",
      .summary = "derive the SRTP master key and salt of one sender",
      .about = "For a GMK the sender's GUK-ID is the CSB ID, so every member derives the same for\n"
               "one sender and something else for each other (TS 33.180 7.4.2). Printed is a\n"
               "fingerprint by which processes can compare; the keys only with --reveal.",
      .example = "keyferry mikey srtp --key-file group.key --sender sip:iwf@example.org\n"
                 "keyferry mikey srtp --key-file alice.gmk --sender sip:iwf@example.org",
      .options = { { "key-file", "FILE", CLI_FILE, true, false, NULL,
                     "what --out of `mikey seal` or `mikey open` made" },
                   { "sender", "URI", CLI_TEXT, false, false, NULL,
                     "who transmits; needed for a GMK" },
                   { "cs-id", "N", CLI_NUMBER, false, false, NULL,
                     "crypto session (else: 4 for a GMK, 0 for a PCK, 6 for a CSK)" },
                   { "rand", "HEX", CLI_TEXT, false, false, NULL,
                     "RAND of the I_MESSAGE (else: that of --key-file)" },
                   { "reveal", NULL, CLI_FLAG, false, false, NULL, "print the keys" } },
      .run = run_mikey_srtp },

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
const size_t cli_command_count = KF_COUNT(cli_commands);

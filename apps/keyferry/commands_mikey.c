#include "cli.h"
#include "options.h"

/* What receiver_init() reads, for every command that opens a message. */
#define OPTS_RECEIVER                                                                              \
    OPT_CERT, { "keys", "FILE", CLI_FILE, true, false, NULL, "our key sets" },                     \
        { "peer-cert",                                                                             \
          "FILE",                                                                                  \
          CLI_FILE,                                                                                \
          false,                                                                                   \
          true,                                                                                    \
          NULL,                                                                                    \
          "certificate of another KMS whose users may write to us" },                              \
        { "from", "URI", CLI_TEXT, false, false, NULL, "initiator that the transport proved" },    \
        { "allow",                                                                                 \
          "KIND=URI",                                                                              \
          CLI_TEXT,                                                                                \
          false,                                                                                   \
          true,                                                                                    \
          NULL,                                                                                    \
          "who may send keys of a kind (else: anyone with a valid signature)" },                   \
        { "window",                                                                                \
          "SECONDS",                                                                               \
          CLI_NUMBER,                                                                              \
          false,                                                                                   \
          false,                                                                                   \
          "300",                                                                                   \
          "how far the time in the message may be off" },                                          \
    {                                                                                              \
        "any-time", NULL, CLI_FLAG, false, false, NULL, "do not check the time in the message"     \
    }

static const cli_command commands[] = {
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
      .options = { OPTS_RECEIVER,
                   { "out", "FILE", CLI_FILE, false, false, NULL,
                     "keep key and identifiers, mode 0600" },
                   { "reveal", NULL, CLI_FLAG, false, false, NULL,
                     "print the key and the SRTP keys of this message" },
                   OPT_COMPAT,
                   OPT_NOW },
      .run = run_mikey_open },

    { .path = "mikey unbox",
      .summary = "open a vault's box with the UKEK of this client: make a P25 key file of it",
      .about =
          "The box of `unit provision`: an I_MESSAGE with a context, and Interworking Security\n"
          "Data under it. `keyferry p25 unit` loads the file.",
      .example = "keyferry mikey unbox --cert example.cert --keys alice.keys delivery-12.box \\\n"
                 "    --out alice.keyfile --passphrase-file passphrase",
      .arguments = { { "BOX", true, false, "what `outbox claim` gave" } },
      .options = { OPTS_RECEIVER,
                   { "out", "FILE", CLI_FILE, true, false, NULL, "key file to make, mode 0600" },
                   OPT_PASSPHRASE,
                   OPT_COMPAT,
                   OPT_NOW },
      .needs_vault = true,
      .run = run_mikey_unbox },

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
};

const cli_section cli_mikey = {
    { "mikey", "keys sealed to one Mission Critical user",
      "keyferry mikey open --cert example.cert --keys alice.keys alice.mikey" },
    commands,
    KF_COUNT(commands)
};

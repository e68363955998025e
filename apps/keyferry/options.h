/** @file options.h Options that several commands share. */
#ifndef OPTIONS_H
#define OPTIONS_H

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

#endif

/**
 * @file keystore.h Files of P25 keys for any command: our sealed container, KFDtool's .ekc, CSV.
 *
 * The format is told from the content. Every function reports what went wrong, why and what to do.
 * Nothing here shows a key, and there is no option that would.
 */
#ifndef KEYSTORE_H
#define KEYSTORE_H

#include "cli.h"
#include "keyfill/check.h"
#include "keyfill/file.h"

typedef enum keystore_format {
    KEYSTORE_BY_CONTENT,
    KEYSTORE_CONTAINER,
    KEYSTORE_EKC,
    KEYSTORE_CSV,
} keystore_format;

/** "container|ekc|csv", for an option that names one. */
#define KEYSTORE_FORMATS "container|ekc|csv"

/** "container", "ekc", "csv". */
const char *keystore_format_name(keystore_format format);
/** The format of that word; KEYSTORE_BY_CONTENT for NULL. */
keystore_format keystore_format_named(const char *word);

/** A file as loaded. All zero is empty. */
typedef struct keystore {
    keystore_format format;
    keyfill_file file;
    keyfill_findings findings; /**< of reading, then of keyfill_check() */
    size_t of_reading;         /**< how many of them; they stay when entries are taken out */
    kf_secret *passphrase;     /**< what opened it; NULL for CSV */
} keystore;

/** Free and wipe everything; may be called twice. */
void keystore_clear(keystore *store);

/**
 * Load a file and check it; what was found is for the caller to tell and to act on.
 * @param field the option or argument that named it, for the error.
 * @param passphrase_option "passphrase-file": where --passphrase-file or standard input or a
 *              terminal gives the passphrase when the format needs one; any other option must be
 *              given then and name a file.
 * Caller clears *out, which is empty on failure.
 */
cli_status keystore_load(const cli_call *call, const char *field, const char *path,
                         keystore_format as, const char *passphrase_option, keystore *out);

/** Check again, after entries were added or taken out. */
cli_status keystore_check(const cli_call *call, keystore *store);

/**
 * The passphrase in the file that an option names: one line that is not empty. The option must have
 * been given; else that is a usage error with this purpose ("the new file"). Caller frees *out.
 */
cli_status keystore_passphrase(const cli_call *call, const char *option, const char *purpose,
                               kf_secret **out);

/** "FIRE 1" of a key in quotes and escaped, or its number when it has no name. @return buf. */
const char *keystore_title(const keyfill_file *file, size_t entry, char *buf, size_t size);
#define KEYSTORE_TITLE_MAX 96u

#endif

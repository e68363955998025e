/**
 * @file file.h Files of the command line: reads with a cap, writes that are whole or not at all.
 *
 * Every function reports what went wrong, why and what to do, and returns CLI_DONE or CLI_REFUSED.
 */
#ifndef FILE_H
#define FILE_H

#include "base/secret.h"
#include "cli.h"

/** Longest file that any command reads, octets. */
#define FILE_MAX (1u << 20)

/**
 * Read a whole file, or standard input for "-", into locked memory.
 * @param field the option or argument that named it, for the error.
 * @param max   more octets than this are refused.
 * Caller frees *out; it is NULL on failure.
 */
cli_status file_read(const cli_call *call, const char *field, const char *path, size_t max,
                     kf_secret **out);

/** Warn on stderr when others may read a file that holds keys. */
void file_warn_if_open(const cli_call *call, const char *path);

typedef enum file_exists { FILE_KEEP, FILE_REPLACE } file_exists;

/**
 * Create a file with mode 0600: written beside its place, synced, then moved there in one step, so
 * that there is never half a file. FILE_KEEP refuses when the name is taken.
 */
cli_status file_write(const cli_call *call, const char *field, const char *path, kf_slice content,
                      file_exists exists);

/** Refuse early when file_write(FILE_KEEP) would refuse at the end. */
cli_status file_check_free(const cli_call *call, const char *field, const char *path);

/**
 * The passphrase: the one line of --passphrase-file, else of standard input, which is prompted for
 * without echo when it is a terminal. An empty one is refused. Caller frees *out.
 * @param twice ask again on a terminal, for a new passphrase.
 */
cli_status file_passphrase(const cli_call *call, bool twice, kf_secret **out);
/** The one line of that file, or of standard input for "-". */
cli_status file_passphrase_at(const cli_call *call, const char *field, const char *path,
                              kf_secret **out);

#endif

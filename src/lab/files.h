/** @file files.h What a lab node reads when it starts: passphrases, its state, its key file. */
#ifndef LAB_FILES_H
#define LAB_FILES_H

#include "keyfill/file.h"
#include "lab/config.h"
#include "lab/state.h"
#include "lab/trouble.h"

/**
 * The one line of a passphrase file. Caller frees *out.
 * @param field of the configuration that named it.
 */
KF_MUST_USE kf_err lab_passphrase_read(const char *path, const char *field, kf_secret **out,
                                       lab_trouble *trouble);

/** Open the state that a configuration names; lab_state_open() with words for people. */
KF_MUST_USE kf_err lab_files_state(const lab_node_config *config, kf_scrypt_cost cost,
                                   const kf_rng *rng, lab_state **out, lab_trouble *trouble);

/** Read the key file that a configuration names; empty when it names none. Caller clears *out. */
KF_MUST_USE kf_err lab_files_keys(const lab_node_config *config, keyfill_file *out,
                                  lab_trouble *trouble);

/** A whole file of at most max octets into locked memory. Caller frees *out. */
KF_MUST_USE kf_err lab_file_read(const char *path, size_t max, const char *field, kf_secret **out,
                                 lab_trouble *trouble);

#endif

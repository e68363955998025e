/** @file vaultd.h The vault daemon: peers in, acts, answers out, and background work between. */
#ifndef VAULTD_H
#define VAULTD_H

#include <stdbool.h>

typedef struct vaultd_options {
    const char *path; /**< of the configuration */
    bool as_json;
    bool allow_root;
} vaultd_options;

/** Run until told to stop. @return the exit status of the process. */
int vaultd_run(const vaultd_options *options);

#endif

/**
 * @file state.h Records of a machine of the room otar in a directory, sealed at rest.
 *
 *     state.key    container (scrypt, AES-256-GCM) of the state key, kind KF_CONTAINER_STATE_KEY
 *     slot-N       a record: version octet, 12 octets of nonce, AES-256-GCM of the octets under the
 *                  state key with "keyferry-lab-state" and N as associated data
 *     lock         held by flock() while the state is open: two processes never share one
 *
 * A record is written beside its place, synced, then moved there, and the directory is synced: it
 * is whole or not there. A record cannot be moved to another slot unnoticed; that an older one was
 * put back is not noticed, which is why this is for labs.
 */
#ifndef LAB_STATE_H
#define LAB_STATE_H

#include "base/rng.h"
#include "base/secret.h"
#include "crypto/scrypt.h"

typedef struct lab_state lab_state;

/** Why a state could not be opened: a path under the directory and a literal sentence. */
typedef struct lab_state_fault {
    char file[32];   /**< "state.key", "slot-3", "lock", "" for the directory itself */
    int system;      /**< errno of KF_E_BACKEND, or 0 */
    const char *why; /**< a literal; NULL after success */
} lab_state_fault;

/**
 * Open a state, or begin one when the directory does not exist or is empty: it is made with mode
 * 0700, files with 0600.
 * @param cost of a new state; one that exists has its own.
 * @param rng borrowed for the life of the state.
 * @return KF_E_AUTH for a wrong passphrase or altered key file; KF_E_STATE when another process
 * holds it, when there are slots and no key, or files that are no state; KF_E_DENIED when other
 * users may enter the directory or own it; KF_E_BACKEND what the system said; KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err lab_state_open(const char *directory, kf_slice passphrase, kf_scrypt_cost cost,
                                  const kf_rng *rng, lab_state **out, lab_state_fault *fault);
/** Release and wipe. */
void lab_state_close(lab_state **state);

/** As otar_store's save: ctx is a lab_state. @return KF_E_BACKEND, errno set; KF_E_NO_MEMORY. */
KF_MUST_USE kf_err lab_state_save(void *ctx, uint32_t slot, kf_slice record);

/**
 * Read a slot. Caller frees *out.
 * @return KF_E_DENIED when there is no such slot; KF_E_AUTH, KF_E_TRUNCATED, KF_E_UNSUPPORTED,
 * KF_E_BACKEND, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err lab_state_load(const lab_state *state, uint32_t slot, kf_secret **out);

#endif

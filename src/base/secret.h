/**
 * @file secret.h The one type that may hold a secret.
 *
 * Octets sit in memory that is locked (never swapped), excluded from core dumps, wiped in a forked
 * child, and wiped on free. A guarded secret has pages of its own between inaccessible ones: for
 * long-term keys and large tables. A pooled secret shares locked pages with its peers: for session
 * keys, of which there are many. Not thread safe per object; different objects may be used by
 * different threads.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"

typedef struct kf_secret kf_secret;

/** Largest pooled secret in octets; a longer one becomes a guarded one by itself. */
#define KF_SECRET_POOL_MAX 512u

/**
 * len octets of zero, pooled. len may be 0.
 * @return KF_E_NO_MEMORY when memory is short or cannot be locked. Caller frees *out.
 */
KF_MUST_USE kf_err kf_secret_new(size_t len, kf_secret **out);

/** The same in pages of its own between guard pages. */
KF_MUST_USE kf_err kf_secret_new_guarded(size_t len, kf_secret **out);

/** A copy of src, which is wiped on success and on failure. */
KF_MUST_USE kf_err kf_secret_new_from(uint8_t *src, size_t len, kf_secret **out);

/** A copy of octets that belong to somebody else, who wipes them. */
KF_MUST_USE kf_err kf_secret_new_copy(kf_slice octets, kf_secret **out);

/** len random octets. @return KF_E_BACKEND when the generator fails. */
KF_MUST_USE kf_err kf_secret_new_random(const kf_rng *rng, size_t len, kf_secret **out);

/** A new, separate owner of the same octets. */
KF_MUST_USE kf_err kf_secret_dup(const kf_secret *s, kf_secret **out);

/** The octets: a loan for this block only. NULL gives an empty slice. */
kf_slice kf_secret_view(const kf_secret *s);

/** The octets, to be filled in. A loan for this block only. NULL for NULL. */
uint8_t *kf_secret_edit(kf_secret *s);

/** Length in octets; 0 for NULL. */
size_t kf_secret_len(const kf_secret *s);

/** Same length and octets, in constant time for a given length. */
bool kf_secret_equal(const kf_secret *a, const kf_secret *b);

/** Wipe, free, set to NULL. NULL and a pointer to NULL are fine. */
void kf_secret_free(kf_secret **s);

/** Overwrite octets in a way the compiler keeps. For stack copies in arithmetic. */
void kf_wipe(void *octets, size_t len);

/**
 * Make this process hard to look into: no core dumps, not traceable by its own user, as much
 * lockable memory as the hard limit allows. Call first thing in main().
 * @return KF_E_BACKEND when the system refuses.
 */
KF_MUST_USE kf_err kf_process_harden(void);

#endif

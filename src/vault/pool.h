/** @file pool.h Threads that seal: one list of like items at a time, each item on any thread. */
#ifndef VAULT_POOL_H
#define VAULT_POOL_H

#include <stddef.h>

#include "base/err.h"

typedef struct vault_pool vault_pool;

/** @param threads 0: one for each core. @return KF_E_NO_MEMORY, KF_E_BACKEND. */
KF_MUST_USE kf_err vault_pool_new(unsigned threads, vault_pool **out);
void vault_pool_free(vault_pool **pool);
/** Call work(ctx, i) for i in 0 to count - 1, on all threads; returns at once. The caller has other
 * things to do meanwhile, such as waiting for a disk; it must wait before it begins again. */
void vault_pool_begin(vault_pool *pool, size_t count, void (*work)(void *ctx, size_t i), void *ctx);
/** Until all are done; at once when nothing was begun. */
void vault_pool_wait(vault_pool *pool);
unsigned vault_pool_threads(const vault_pool *pool);

#endif

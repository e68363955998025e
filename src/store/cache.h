/** @file cache.h Prepared statements of one store, found by the address of their store_sql. */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include "store/store.h"

/** A prepared statement. The backend says what its fields mean. */
typedef struct store_entry {
    const store_sql *sql; /**< NULL: a free place */
    const char *text;     /**< sql->text when it was prepared */
    void *handle;
    unsigned number;
    bool in_use;                        /**< its rows are being given out */
    store_type seen[STORE_COLUMNS_MAX]; /**< types its parameters had; STORE_NULL: none so far */
} store_entry;

/** Entries keep their address until the cache is emptied. All zero is an empty cache. */
typedef struct store_cache {
    store_entry **places;
    size_t size, used; /**< size is a power of two, or 0 */
} store_cache;

/** The entry of a statement; NULL. */
store_entry *store_cache_find(const store_cache *cache, const store_sql *sql);
/** A new entry with sql and text set; NULL without memory. There must be none yet. */
store_entry *store_cache_add(store_cache *cache, const store_sql *sql);
/** Forget one; what it holds is the caller's to release before. */
void store_cache_remove(store_cache *cache, store_entry *entry);
/** Forget all, each after release(ctx, entry) (NULL: none). */
void store_cache_empty(store_cache *cache, void (*release)(void *ctx, store_entry *entry),
                       void *ctx);

#endif

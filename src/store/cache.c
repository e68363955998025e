#include "store/cache.h"

#include <stdint.h>
#include <stdlib.h>

static size_t home(const store_cache *cache, const store_sql *sql)
{
    const uint64_t mixed = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (cache->size - 1);
}

/* Where sql is, or the free place where it would be. There is always a free one. */
static size_t place(const store_cache *cache, const store_sql *sql)
{
    size_t i = home(cache, sql);
    while (cache->places[i] != NULL && cache->places[i]->sql != sql)
        i = (i + 1) & (cache->size - 1);
    return i;
}

store_entry *store_cache_find(const store_cache *cache, const store_sql *sql)
{
    return cache->size == 0 ? NULL : cache->places[place(cache, sql)];
}

static bool grow(store_cache *cache)
{
    store_cache bigger = { .size = cache->size == 0 ? 64 : cache->size * 2, .used = cache->used };
    bigger.places = calloc(bigger.size, sizeof(store_entry *));
    if (bigger.places == NULL)
        return false;
    for (size_t i = 0; i < cache->size; i++)
        if (cache->places[i] != NULL)
            bigger.places[place(&bigger, cache->places[i]->sql)] = cache->places[i];
    free(cache->places);
    *cache = bigger;
    return true;
}

store_entry *store_cache_add(store_cache *cache, const store_sql *sql)
{
    if ((cache->used + 1) * 2 > cache->size && !grow(cache))
        return NULL;
    store_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->sql = sql;
    entry->text = sql->text;
    cache->places[place(cache, sql)] = entry;
    cache->used++;
    return entry;
}

void store_cache_remove(store_cache *cache, store_entry *entry)
{
    size_t hole = place(cache, entry->sql);
    free(cache->places[hole]);
    cache->places[hole] = NULL;
    cache->used--;
    /* What stood behind it may have been pushed there by it: put each in its place again. */
    for (size_t i = (hole + 1) & (cache->size - 1); cache->places[i] != NULL;
         i = (i + 1) & (cache->size - 1)) {
        store_entry *moved = cache->places[i];
        cache->places[i] = NULL;
        cache->places[place(cache, moved->sql)] = moved;
    }
}

void store_cache_empty(store_cache *cache, void (*release)(void *ctx, store_entry *entry),
                       void *ctx)
{
    for (size_t i = 0; i < cache->size; i++) {
        if (cache->places[i] != NULL && release != NULL)
            release(ctx, cache->places[i]);
        free(cache->places[i]);
    }
    free(cache->places);
    *cache = (store_cache){ 0 };
}

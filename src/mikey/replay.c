#include "mikey/replay.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

typedef struct entry {
    replay_tag tag;
    kf_time until;
    bool used;
} entry;

/* Open addressing with linear probing; at most half full, so that probes stay short. */
struct mikey_replay {
    size_t capacity; /* most live entries */
    size_t slots;    /* a power of two, at least twice the capacity */
    size_t count;
    entry *table;
};

kf_err mikey_replay_new(size_t capacity, mikey_replay **out)
{
    *out = NULL;
    if (capacity == 0 || capacity > SIZE_MAX / 4 / sizeof(entry))
        return KF_E_NO_MEMORY;
    mikey_replay *c = calloc(1, sizeof *c);
    if (c == NULL)
        return KF_E_NO_MEMORY;
    c->capacity = capacity;
    for (c->slots = 2; c->slots < 2 * capacity;)
        c->slots *= 2;
    c->table = calloc(c->slots, sizeof *c->table);
    if (c->table == NULL)
        mikey_replay_free(&c);
    *out = c;
    return c == NULL ? KF_E_NO_MEMORY : KF_OK;
}

void mikey_replay_free(mikey_replay **cache)
{
    if (cache == NULL || *cache == NULL)
        return;
    free((*cache)->table);
    free(*cache);
    *cache = NULL;
}

kf_err replay_tag_of(const uint8_t uid[MCSEC_UID_OCTETS], kf_slice signed_octets, replay_tag *tag)
{
    const kf_slice parts[] = { { uid, MCSEC_UID_OCTETS }, signed_octets };
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), tag->octets);
}

/* The slot of a tag, or the free slot where it would go. */
static entry *find(const mikey_replay *c, const replay_tag *tag)
{
    size_t at = 0;
    memcpy(&at, tag->octets, sizeof at); /* the tag is a hash: any part of it spreads well */
    for (at &= c->slots - 1;; at = (at + 1) & (c->slots - 1)) {
        entry *e = &c->table[at];
        if (!e->used || memcmp(e->tag.octets, tag->octets, sizeof tag->octets) == 0)
            return e;
    }
}

bool replay_has(const mikey_replay *cache, const replay_tag *tag)
{
    return find(cache, tag)->used;
}

/* Build the table anew with the live entries. */
static kf_err purge(mikey_replay *c, kf_time now)
{
    entry *old = c->table;
    entry *table = calloc(c->slots, sizeof *table);
    if (table == NULL)
        return KF_E_NO_MEMORY;
    c->table = table;
    c->count = 0;
    for (size_t i = 0; i < c->slots; i++)
        if (old[i].used && old[i].until >= now) {
            *find(c, &old[i].tag) = old[i];
            c->count++;
        }
    free(old);
    return KF_OK;
}

kf_err replay_add(mikey_replay *cache, const replay_tag *tag, kf_time until, kf_time now)
{
    entry *e = find(cache, tag);
    if (e->used)
        return KF_E_STATE;
    if (cache->count == cache->capacity) {
        kf_err err = purge(cache, now);
        if (err != KF_OK)
            return err;
        if (cache->count == cache->capacity)
            return KF_E_NO_SPACE;
        e = find(cache, tag);
    }
    *e = (entry){ *tag, until, true };
    cache->count++;
    return KF_OK;
}

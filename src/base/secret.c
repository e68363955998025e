#include "base/secret.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Pooled secrets share slabs: one locked mapping cut into slots of one size class. A slab that
 * empties stays, since session keys come and go all day; the pool grows with the most that were
 * alive at once.
 */
#define SLAB_OCTETS 16384u
static const size_t slot_octets[] = { 64, 128, KF_SECRET_POOL_MAX };

typedef struct slot {
    struct slot *next;
} slot;

static struct {
    pthread_mutex_t lock;
    slot *idle[KF_COUNT(slot_octets)];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct kf_secret {
    uint8_t *octets;
    size_t len;
    size_t mapped;    /* guarded: octets of the whole mapping with its guards; 0 for pooled */
    size_t slot_kind; /* pooled: index into slot_octets */
};

void kf_wipe(void *octets, size_t len)
{
    if (len > 0)
        explicit_bzero(octets, len);
}

static size_t page_octets(void)
{
    long n = sysconf(_SC_PAGESIZE);
    return n > 0 ? (size_t)n : 4096u;
}

/* Pages that are locked, left out of core dumps, and zero in a child. */
static uint8_t *map_locked(size_t len, size_t guard)
{
    size_t whole = len + 2 * guard;
    uint8_t *all = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    uint8_t *inner = all + guard;
    if (mprotect(inner, len, PROT_READ | PROT_WRITE) != 0 || mlock(inner, len) != 0 ||
        madvise(inner, len, MADV_DONTDUMP) != 0 || madvise(inner, len, MADV_WIPEONFORK) != 0) {
        munmap(all, whole);
        return NULL;
    }
    return inner;
}

static bool pool_grow(size_t kind)
{
    uint8_t *slab = map_locked(SLAB_OCTETS, 0);
    if (slab == NULL)
        return false;
    for (size_t off = 0; off + slot_octets[kind] <= SLAB_OCTETS; off += slot_octets[kind]) {
        slot *s = (void *)(slab + off);
        s->next = pool.idle[kind];
        pool.idle[kind] = s;
    }
    return true;
}

static uint8_t *pool_take(size_t kind)
{
    pthread_mutex_lock(&pool.lock);
    if (pool.idle[kind] == NULL && !pool_grow(kind)) {
        pthread_mutex_unlock(&pool.lock);
        return NULL;
    }
    slot *s = pool.idle[kind];
    pool.idle[kind] = s->next;
    s->next = NULL;
    pthread_mutex_unlock(&pool.lock);
    return (uint8_t *)s;
}

static void pool_give(size_t kind, uint8_t *octets)
{
    kf_wipe(octets, slot_octets[kind]);
    slot *s = (void *)octets;
    pthread_mutex_lock(&pool.lock);
    s->next = pool.idle[kind];
    pool.idle[kind] = s;
    pthread_mutex_unlock(&pool.lock);
}

kf_err kf_secret_new(size_t len, kf_secret **out)
{
    *out = NULL;
    if (len > KF_SECRET_POOL_MAX)
        return kf_secret_new_guarded(len, out);
    size_t kind = 0;
    while (slot_octets[kind] < len)
        kind++;
    kf_secret *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    *s = (kf_secret){ pool_take(kind), len, 0, kind };
    if (s->octets == NULL) {
        free(s);
        return KF_E_NO_MEMORY;
    }
    *out = s;
    return KF_OK;
}

kf_err kf_secret_new_guarded(size_t len, kf_secret **out)
{
    size_t page = page_octets();

    *out = NULL;
    if (len > SIZE_MAX / 2)
        return KF_E_NO_MEMORY;
    size_t body = len == 0 ? page : (len + page - 1) / page * page;
    kf_secret *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    uint8_t *inner = map_locked(body, page);
    if (inner == NULL) {
        free(s);
        return KF_E_NO_MEMORY;
    }
    /* The octets start a page, so that tables of vectors are aligned; an overrun of a length that
     * is not a multiple of the page is not caught at once, an underrun always is. */
    *s = (kf_secret){ inner, len, body + 2 * page, 0 };
    *out = s;
    return KF_OK;
}

void kf_secret_free(kf_secret **s)
{
    if (s == NULL || *s == NULL)
        return;
    kf_secret *old = *s;
    if (old->mapped > 0) {
        size_t page = page_octets();
        kf_wipe(old->octets, old->mapped - 2 * page);
        munmap(old->octets - page, old->mapped);
    } else {
        pool_give(old->slot_kind, old->octets);
    }
    kf_wipe(old, sizeof *old);
    free(old);
    *s = NULL;
}

kf_err kf_secret_new_copy(kf_slice octets, kf_secret **out)
{
    kf_err err = kf_secret_new(octets.len, out);
    if (err == KF_OK && octets.len > 0)
        memcpy((*out)->octets, octets.ptr, octets.len);
    return err;
}

kf_err kf_secret_new_from(uint8_t *src, size_t len, kf_secret **out)
{
    kf_err err = kf_secret_new_copy((kf_slice){ src, len }, out);
    kf_wipe(src, len);
    return err;
}

kf_err kf_secret_new_random(const kf_rng *rng, size_t len, kf_secret **out)
{
    kf_err err = kf_secret_new(len, out);
    if (err != KF_OK)
        return err;
    err = kf_rng_fill(rng, (*out)->octets, len);
    if (err != KF_OK)
        kf_secret_free(out);
    return err;
}

kf_err kf_secret_dup(const kf_secret *s, kf_secret **out)
{
    return kf_secret_new_copy(kf_secret_view(s), out);
}

kf_slice kf_secret_view(const kf_secret *s)
{
    return s == NULL ? (kf_slice){ NULL, 0 } : (kf_slice){ s->octets, s->len };
}

uint8_t *kf_secret_edit(kf_secret *s)
{
    return s == NULL ? NULL : s->octets;
}

size_t kf_secret_len(const kf_secret *s)
{
    return s == NULL ? 0 : s->len;
}

bool kf_secret_equal(const kf_secret *a, const kf_secret *b)
{
    return kf_ct_equal(kf_secret_view(a), kf_secret_view(b));
}

kf_err kf_process_harden(void)
{
    struct rlimit none = { 0, 0 };
    struct rlimit locked;
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return KF_E_BACKEND;
#ifndef KF_SANITIZED /* the leak checker must be able to trace the process */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return KF_E_BACKEND;
#endif
    if (getrlimit(RLIMIT_MEMLOCK, &locked) != 0)
        return KF_E_BACKEND;
    locked.rlim_cur = locked.rlim_max;
    return setrlimit(RLIMIT_MEMLOCK, &locked) == 0 ? KF_OK : KF_E_BACKEND;
}

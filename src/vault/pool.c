#include "vault/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 64u

struct vault_pool {
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    unsigned round; /* counts lists, so that a thread takes part once in each */
    unsigned busy;
    bool stops;
    void (*work)(void *ctx, size_t i);
    void *ctx;
    size_t count;
    atomic_size_t next;
    unsigned threads;
    pthread_t ids[THREADS_MAX];
};

static void drain(vault_pool *p)
{
    for (;;) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->count)
            return;
        p->work(p->ctx, i);
    }
}

static void *thread(void *ctx)
{
    vault_pool *p = ctx;
    unsigned seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stops && p->round == seen)
            pthread_cond_wait(&p->begin, &p->lock);
        if (p->stops)
            break;
        seen = p->round;
        pthread_mutex_unlock(&p->lock);
        drain(p);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->end);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

kf_err vault_pool_new(unsigned threads, vault_pool **out)
{
    vault_pool *p = calloc(1, sizeof *p);
    *out = p;
    if (p == NULL)
        return KF_E_NO_MEMORY;
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores < 1 ? 1 : (unsigned)cores;
    }
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begin, NULL);
    pthread_cond_init(&p->end, NULL);
    for (; p->threads < threads; p->threads++)
        if (pthread_create(&p->ids[p->threads], NULL, thread, p) != 0)
            break; /* fewer will do */
    if (p->threads == 0)
        vault_pool_free(out);
    return *out == NULL ? KF_E_BACKEND : KF_OK;
}

void vault_pool_free(vault_pool **pool)
{
    vault_pool *p = *pool;
    *pool = NULL;
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stops = true;
    pthread_cond_broadcast(&p->begin);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->ids[i], NULL);
    pthread_cond_destroy(&p->end);
    pthread_cond_destroy(&p->begin);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void vault_pool_begin(vault_pool *p, size_t count, void (*work)(void *ctx, size_t i), void *ctx)
{
    pthread_mutex_lock(&p->lock);
    p->work = work;
    p->ctx = ctx;
    p->count = count;
    atomic_store(&p->next, 0);
    p->busy = p->threads;
    p->round++;
    pthread_cond_broadcast(&p->begin);
    pthread_mutex_unlock(&p->lock);
}

void vault_pool_wait(vault_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->busy > 0)
        pthread_cond_wait(&p->end, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

unsigned vault_pool_threads(const vault_pool *p)
{
    return p->threads;
}

/** @file shared.c The tables for P and g. */
#include "sakke/shared.h"

#include <pthread.h>
#include <stdatomic.h>

#include "sakke/params.h"
#include "sakke/sakke.h"

static kf_err make(sakke_shared *s)
{
    sakke_affine p;
    kf_err err = sakke_affine_read(KF_SLICE_OF(SAKKE_P_POINT), &p);
    if (err != KF_OK)
        return err;
    if (!sakke_field_get()->from_octets(&s->g_value, SAKKE_G, 1))
        return KF_E_MALFORMED;
    if ((err = sakke_comb_init(&s->p, &p, &SAKKE_COMB_FULL)) != KF_OK)
        return err;
    if ((err = sakke_power_comb_init(&s->g, &s->g_value, &SAKKE_COMB_FULL)) != KF_OK)
        sakke_comb_clear(&s->p);
    return err;
}

kf_err sakke_shared_get(const sakke_shared **out)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static sakke_shared tables;
    static atomic_bool ready;
    kf_err err = KF_OK;

    *out = &tables;
    if (atomic_load_explicit(&ready, memory_order_acquire))
        return KF_OK;
    if (pthread_mutex_lock(&lock) != 0)
        return KF_E_BACKEND;
    if (!atomic_load_explicit(&ready, memory_order_relaxed)) {
        err = make(&tables);
        if (err == KF_OK)
            atomic_store_explicit(&ready, true, memory_order_release);
    }
    (void)pthread_mutex_unlock(&lock);
    return err;
}

kf_err sakke_prepare(void)
{
    const sakke_shared *shared;
    return sakke_shared_get(&shared);
}

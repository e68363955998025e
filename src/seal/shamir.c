#include "seal/shamir.h"

#include <libgfshare.h>
#include <pthread.h>

#define TOTAL_MAX 255u

/* While a split or join is under way: where libgfshare's randomness comes from. With no generator
 * octets are wiped: that is how the library clears what it frees. */
static struct {
    pthread_mutex_t lock;
    const kf_rng *rng;
    kf_err err;
} hook = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void fill(unsigned char *out, unsigned int len)
{
    if (hook.rng != NULL && hook.err == KF_OK)
        hook.err = kf_rng_fill(hook.rng, out, len);
    if (hook.rng == NULL || hook.err != KF_OK)
        kf_wipe(out, len);
}

static void hook_take(const kf_rng *rng)
{
    pthread_mutex_lock(&hook.lock);
    hook.rng = rng;
    hook.err = KF_OK;
    gfshare_fill_rand = fill;
}

static void hook_give(gfshare_ctx *ctx)
{
    hook.rng = NULL;
    if (ctx != NULL)
        gfshare_ctx_free(ctx);
    pthread_mutex_unlock(&hook.lock);
}

static kf_err split(gfshare_ctx *ctx, const kf_secret *secret, uint8_t total, kf_secret **shares)
{
    kf_secret *copy = NULL; /* the library takes no const */
    kf_err err = kf_secret_dup(secret, &copy);
    if (err != KF_OK)
        return err;
    gfshare_ctx_enc_setsecret(ctx, kf_secret_edit(copy));
    kf_secret_free(&copy);
    if (hook.err != KF_OK) /* coefficients of zero would give the secret away */
        return hook.err;
    for (uint8_t i = 0; err == KF_OK && i < total; i++) {
        err = kf_secret_new(kf_secret_len(secret), &shares[i]);
        if (err == KF_OK)
            gfshare_ctx_enc_getshare(ctx, i, kf_secret_edit(shares[i]));
    }
    return err;
}

kf_err shamir_split(const kf_secret *secret, uint8_t needed, uint8_t total, const kf_rng *rng,
                    kf_secret **shares)
{
    unsigned char indexes[TOTAL_MAX];
    kf_err err = KF_E_NO_MEMORY;

    for (uint8_t i = 0; i < total; i++) {
        shares[i] = NULL;
        indexes[i] = (unsigned char)(i + 1); /* the share of index 0 would be the secret itself */
    }
    if (needed < 2 || needed > total)
        return KF_E_MALFORMED;
    hook_take(rng);
    gfshare_ctx *ctx =
        gfshare_ctx_init_enc(indexes, total, needed, (unsigned int)kf_secret_len(secret));
    if (ctx != NULL)
        err = split(ctx, secret, total, shares);
    hook_give(ctx);
    for (uint8_t i = 0; err != KF_OK && i < total; i++)
        kf_secret_free(&shares[i]);
    return err;
}

kf_err shamir_join(kf_secret *const *shares, uint8_t total, kf_secret **secret)
{
    unsigned char indexes[TOTAL_MAX];
    uint8_t count = 0;
    size_t len = 0;

    *secret = NULL;
    for (uint8_t i = 0; i < total; i++)
        if (shares[i] != NULL) {
            indexes[count++] = (unsigned char)(i + 1);
            len = kf_secret_len(shares[i]);
        }
    if (count == 0)
        return KF_E_STATE;
    kf_err err = kf_secret_new(len, secret);
    if (err != KF_OK)
        return err;
    hook_take(NULL);
    gfshare_ctx *ctx = gfshare_ctx_init_dec(indexes, count, (unsigned int)len);
    if (ctx != NULL) {
        uint8_t at = 0;
        for (uint8_t i = 0; i < total; i++)
            if (shares[i] != NULL)
                gfshare_ctx_dec_giveshare(ctx, at++, kf_secret_edit(shares[i]));
        gfshare_ctx_dec_extract(ctx, kf_secret_edit(*secret));
    }
    hook_give(ctx);
    if (ctx == NULL)
        kf_secret_free(secret);
    return ctx == NULL ? KF_E_NO_MEMORY : KF_OK;
}

/* Background work: looked for in one read, done only where there is some. */
#include "vault/parts.h"

#define CHECKPOINT_EVENTS  1000
#define CHECKPOINT_SECONDS 3600

static kf_err sign_if_due(vault *v, kf_time now)
{
    if (v->events_since == 0 ||
        (v->events_since < CHECKPOINT_EVENTS && now - v->checkpointed < CHECKPOINT_SECONDS))
        return KF_OK;
    kf_err err = store_begin(v->db, STORE_WRITE);
    if (err == KF_OK)
        err = vault_checkpoint(v, v->db, now);
    if (err == KF_OK)
        err = store_commit(v->db);
    store_rollback(v->db);
    if (err == KF_OK) {
        v->checkpointed = now;
        v->events_since = 0;
        if (vault_anchor_write(v, v->head_seq, v->head_hash) != KF_OK)
            KF_LOG(v->config.log, KF_LOG_ERROR, "anchor-not-written",
                   kf_log_number("seq", v->head_seq));
    }
    return err;
}

/* Which workers have something to do, a bit for each. An idle vault writes nothing. */
static kf_err take_due(void *ctx, const store_value *columns, size_t count)
{
    unsigned *due = ctx;
    for (size_t i = 0; i < count; i++)
        *due |= columns[i].number != 0 ? 1u << i : 0u;
    return KF_OK;
}

static kf_err look(vault *v, kf_time now, unsigned *due)
{
    static const store_sql sql = {
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM delivery WHERE state = 3 AND claim_until < $1)"
        " OR EXISTS (SELECT 1 FROM delivery WHERE state < 5 AND expires IS NOT NULL AND expires <= "
        "$1)"
        " OR EXISTS (SELECT 1 FROM mcgroup WHERE state = 2 OR (state = 1 AND ends <= $1))"
        " OR EXISTS (SELECT 1 FROM call WHERE ended IS NULL AND ends <= $1) THEN 1 ELSE 0 END,"
        " CASE WHEN EXISTS (SELECT 1 FROM unit WHERE otar_due <= $1 AND rsi IS NOT NULL)"
        " THEN 1 ELSE 0 END,"
        " CASE WHEN EXISTS (SELECT 1 FROM delivery WHERE state = 1"
        " AND (claim_until IS NULL OR claim_until <= $1)) THEN 1 ELSE 0 END"
    };
    *due = 0;
    kf_err err = store_begin(v->db, STORE_READ);
    if (err == KF_OK)
        err = store_run(v->db, &sql, VAULT_IN(store_int(now)), take_due, due);
    store_rollback(v->db);
    return err;
}

kf_err vault_work(vault *v, bool *more)
{
    static const vault_worker *const workers[] = { &vault_work_ends, &vault_work_otar,
                                                   &vault_work_sealing };
    const kf_time now = v->config.clock.now(v->config.clock.ctx);
    *more = false;
    if (v->token != NULL) /* sealed or not: an officer wants to know before it is needed */
        (void)seal_token_watch(v->token);
    if (v->key == NULL || now < v->checkpointed)
        return KF_OK;
    unsigned due = 0;
    kf_err err = sign_if_due(v, now);
    if (err == KF_OK)
        err = look(v, now, &due);
    for (size_t i = 0; err == KF_OK && i < KF_COUNT(workers); i++) {
        bool left = false;
        if ((due >> i & 1u) == 0)
            continue;
        err = workers[i]->run(v, now, &left);
        *more = *more || left;
    }
    return err;
}

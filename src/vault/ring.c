#include "vault/ring.h"

#include <stdlib.h>
#include <string.h>

#include "kms/response.h"

#define RING_MAX 64u

/* One thing that is ready: a domain, or an identity's keys of one period. */
typedef struct ready {
    int64_t id;     /* of the domain or the identity */
    int64_t period; /* identities */
    mcsec_domain *domain;
    mcsec_user_keys *keys;
} ready;

struct vault_ring {
    size_t count;
    ready items[RING_MAX];
};

kf_err vault_ring_new(vault_ring **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? KF_E_NO_MEMORY : KF_OK;
}

static void drop_at(vault_ring *ring, size_t i)
{
    mcsec_user_keys_free(&ring->items[i].keys);
    mcsec_domain_free(&ring->items[i].domain);
    ring->items[i] = ring->items[--ring->count];
}

void vault_ring_clear(vault_ring *ring)
{
    /* keys borrow their domain, so they go first */
    for (size_t i = 0; i < ring->count; i++)
        mcsec_user_keys_free(&ring->items[i].keys);
    while (ring->count > 0)
        drop_at(ring, ring->count - 1);
}

void vault_ring_free(vault_ring **ring)
{
    if (*ring != NULL)
        vault_ring_clear(*ring);
    free(*ring);
    *ring = NULL;
}

void vault_ring_drop(vault_ring *ring, int64_t id)
{
    bool is_domain = false;
    for (size_t i = 0; i < ring->count; i++)
        is_domain = is_domain || (ring->items[i].id == id && ring->items[i].domain != NULL);
    if (is_domain) {
        vault_ring_clear(ring);
        return;
    }
    for (size_t i = ring->count; i-- > 0;)
        if (ring->items[i].id == id)
            drop_at(ring, i);
}

static ready *room(vault_ring *ring)
{
    if (ring->count == RING_MAX) /* keys may rest on any domain: begin anew */
        vault_ring_clear(ring);
    ready *r = &ring->items[ring->count++];
    *r = (ready){ .id = -1 };
    return r;
}

typedef struct making {
    vault_act *act;
    const mcsec_domain *domain; /* of the keys */
    int64_t row;
    bool is_found;
    mcsec_domain *made_domain;
    mcsec_user_keys *made_keys;
} making;

static kf_err make_domain(void *ctx, const store_value *columns, size_t count)
{
    making *m = ctx;
    kms_response r;
    kf_fault fault;
    if (count != 1)
        return KF_E_MALFORMED;
    m->is_found = true;
    kf_err err = kms_response_parse(columns[0].octets, &r, &fault);
    if (err == KF_OK && r.cert_count == 1)
        err = kms_cert_to_domain(&r.certs[0], SAKKE_FULL, &m->made_domain, &fault);
    kms_response_clear(&r);
    return err;
}

kf_err vault_ring_domain(vault_act *act, int64_t id, const mcsec_domain **out)
{
    static const store_sql get = { "SELECT certificate FROM domain WHERE id = $1" };
    vault_ring *ring = act->v->ring;
    making m = { .act = act };
    *out = NULL;
    for (size_t i = 0; i < ring->count; i++)
        if (ring->items[i].id == id && ring->items[i].domain != NULL) {
            *out = ring->items[i].domain;
            return KF_OK;
        }
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(id)), make_domain, &m);
    if (err != KF_OK || m.made_domain == NULL)
        return vault_refuse(act, err == KF_OK ? KF_E_STATE : err, "no-domain", NULL,
                            "the certificate of the security domain cannot be used", NULL,
                            "keyferry identity add, with the certificate of the KMS");
    ready *r = room(ring);
    r->id = id;
    r->domain = m.made_domain;
    *out = r->domain;
    return KF_OK;
}

kf_err vault_ring_domain_of(vault_act *act, kf_slice user_uri, const mcsec_domain **out)
{
    static const store_sql own = { "SELECT id FROM domain WHERE is_own = 1 ORDER BY id LIMIT 1" };
    int64_t id = 0;
    bool found = false;
    (void)user_uri;
    *out = NULL;
    kf_err err = vault_int(act, &own, NULL, 0, &id, &found);
    if (err == KF_OK && !found)
        return vault_refuse(act, KF_E_STATE, "no-domain", NULL,
                            "the vault knows no security domain of its own", NULL,
                            "keyferry identity add, with the certificate of the KMS");
    return err == KF_OK ? vault_ring_domain(act, id, out) : err;
}

static kf_err make_keys(void *ctx, const store_value *columns, size_t count)
{
    making *m = ctx;
    kms_response r = { .store = NULL };
    kf_secret *text = NULL;
    kf_fault fault;
    if (count != 2)
        return KF_E_MALFORMED;
    m->is_found = true;
    kf_err err = vault_unwrap(m->act->v, "identity_keys.keyset", columns[0].number,
                              columns[1].octets, &text);
    if (err == KF_OK)
        err = kms_response_parse(kf_secret_view(text), &r, &fault);
    if (err == KF_OK && r.keyset_count == 1)
        err = kms_keyset_to_user_keys(&r.keysets[0], m->domain, MCSEC_ID_UID, SAKKE_FULL,
                                      &m->made_keys, &fault);
    kms_response_clear(&r);
    kf_secret_free(&text);
    return err;
}

kf_err vault_ring_keys(vault_act *act, int64_t identity, kf_time t, const mcsec_user_keys **out)
{
    static const store_sql domain_of = { "SELECT domain FROM identity WHERE id = $1" };
    static const store_sql get = {
        "SELECT id, keyset FROM identity_keys WHERE identity = $1 AND period = $2"
    };
    vault_ring *ring = act->v->ring;
    making m = { .act = act };
    int64_t domain = 0;
    bool found = false;
    *out = NULL;
    kf_err err = vault_int(act, &domain_of, VAULT_IN(store_int(identity)), &domain, &found);
    if (err == KF_OK && !found)
        return vault_refuse(act, KF_E_STATE, "no-such-identity", "identity",
                            "there is no such identity", NULL, "keyferry identity list");
    if (err == KF_OK)
        err = vault_ring_domain(act, domain, &m.domain);
    if (err != KF_OK)
        return err;
    const int64_t period = (int64_t)mcsec_period_number(mcsec_domain_period(m.domain), t);
    for (size_t i = 0; i < ring->count; i++)
        if (ring->items[i].id == identity && ring->items[i].period == period &&
            ring->items[i].keys != NULL) {
            *out = ring->items[i].keys;
            return KF_OK;
        }
    err = vault_rows(act, &get, VAULT_IN(store_int(identity), store_int(period)), make_keys, &m);
    if (err == KF_OK && m.made_keys == NULL)
        return vault_refuse_f(act, KF_E_STATE, "no-identity-keys", "identity",
                              "keyferry identity refresh, with a key set of this period",
                              "the identity has no keys for key period %lld", (long long)period);
    if (err != KF_OK)
        return vault_refuse(act, err, "bad-identity-keys", "identity",
                            "the stored key set cannot be used", kf_err_text(err),
                            "keyferry identity refresh");
    if (ring->count == RING_MAX) /* never with items that m.domain is one of: make room first */
        return vault_refuse(act, KF_E_NO_SPACE, "ring-full", NULL, "too many identities in use",
                            NULL, "seal and unseal the vault");
    ready *r = room(ring);
    r->id = identity;
    r->period = period;
    r->keys = m.made_keys;
    *out = r->keys;
    return KF_OK;
}

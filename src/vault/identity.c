/* MC service IDs that the vault signs as, and the security domains it knows. */
#include <stdio.h>
#include <string.h>

#include "kms/response.h"
#include "vault/identity.h"
#include "vault/ring.h"

#define DOCUMENT_MAX (1u << 18)

/* ---- documents of annex D ---- */

static kf_err bad_document(vault_act *act, kf_err err, const char *field, const kf_fault *fault)
{
    return vault_refuse_f(act, err, "bad-document", field, "show it to keyferry explain",
                          "the document is not usable: %s at octet %zu: %s",
                          fault->field == NULL ? "?" : fault->field, fault->at, kf_err_text(err));
}

/* ---- domains ---- */

static kf_err find_domain(vault_act *act, kf_slice kms_uri, int64_t *id, bool *found)
{
    static const store_sql get = { "SELECT id FROM domain WHERE kms_uri = $1" };
    return vault_int(act, &get, VAULT_IN(store_text(kms_uri)), id, found);
}

/* Store the one certificate of a document; an older one of the same KMS is replaced. */
kf_err vault_domain_put(vault_act *act, kf_slice document, bool is_own, int64_t *id)
{
    static const store_sql insert = {
        "INSERT INTO domain (id, kms_uri, certificate, is_own, created) VALUES ($1, $2, $3, $4, $5)"
    };
    static const store_sql replace = {
        "UPDATE domain SET certificate = $2, is_own = $3 WHERE id = $1"
    };
    kms_response r = { .store = NULL };
    mcsec_domain *domain = NULL;
    kf_fault fault = { 0 };
    bool found = false;
    kf_err err = kms_response_parse(document, &r, &fault);
    if (err == KF_OK && r.cert_count != 1) {
        fault = (kf_fault){ KF_E_STATE, 0, "KmsInit" };
        err = KF_E_STATE;
    }
    if (err == KF_OK)
        err = kms_cert_to_domain(&r.certs[0], SAKKE_SMALL, &domain, &fault);
    if (err != KF_OK)
        err = bad_document(act, err, "certificate", &fault);
    mcsec_domain_free(&domain);
    if (err == KF_OK)
        err = find_domain(act, r.certs[0].kms_uri, id, &found);
    if (err == KF_OK && !found)
        err = vault_take_ids(act, 1, id);
    if (err == KF_OK)
        err =
            found
                ? vault_sql(act, &replace,
                            VAULT_IN(store_int(*id), store_blob(document), store_int(is_own)))
                : vault_sql(act, &insert,
                            VAULT_IN(store_int(*id), store_text(r.certs[0].kms_uri),
                                     store_blob(document), store_int(is_own), store_int(act->now)));
    kms_response_clear(&r);
    if (err == KF_OK && found)
        vault_ring_drop(act->v->ring, *id);
    return err;
}

/* ---- key sets ---- */

static kf_err write_one(const kms_keyset *set, kf_time now, kf_secret **out, kf_fault *fault)
{
    const kms_response one = { .version = VAULT_KMS_VERSION,
                               .user_uri = set->user_uri,
                               .kms_uri = set->kms_uri,
                               .time = now,
                               .client_req_url = set->kms_uri,
                               .kind = KMS_RESPONSE_KEY_PROV,
                               .keysets = set,
                               .keyset_count = 1 };
    return kms_response_write(&one, out, fault);
}

static kf_err store_keyset(vault_act *act, int64_t identity, const kms_keyset *set)
{
    static const store_sql drop = {
        "DELETE FROM identity_keys WHERE identity = $1 AND period = $2"
    };
    static const store_sql insert = {
        "INSERT INTO identity_keys (id, identity, period, valid_from, valid_to, keyset)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
    };
    kf_secret *text = NULL, *room = NULL;
    kf_fault fault = { 0 };
    int64_t id = 0;
    const int64_t period = (int64_t)set->key_period_no;
    kf_err err = write_one(set, act->now, &text, &fault);
    if (err == KF_OK)
        err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = kf_secret_new(VAULT_WRAPPED(kf_secret_len(text)), &room);
    if (err == KF_OK) {
        kf_writer w = kf_writer_init(kf_secret_edit(room), kf_secret_len(room));
        err = vault_wrap(act->v, "identity_keys.keyset", id, kf_secret_view(text), &w);
        if (err == KF_OK)
            err = vault_sql(act, &drop, VAULT_IN(store_int(identity), store_int(period)));
        if (err == KF_OK)
            err = vault_sql(act, &insert,
                            VAULT_IN(store_int(id), store_int(identity), store_int(period),
                                     store_int(set->valid_from), store_int(set->valid_to),
                                     store_blob(kf_writer_slice(&w))));
    }
    kf_secret_free(&text);
    kf_secret_free(&room);
    return err;
}

/* Validate each set against its domain before it is stored (5.3.6). */
static kf_err take_keyset(vault_act *act, int64_t identity, kf_slice uri, const kms_keyset *set,
                          const mcsec_domain *domain)
{
    mcsec_user_keys *keys = NULL;
    kf_fault fault = { 0 };
    if (set->user_uri.len != uri.len || memcmp(set->user_uri.ptr, uri.ptr, uri.len) != 0)
        return vault_refuse(act, KF_E_DENIED, "other-user", "keyset",
                            "the key set is of another MC service ID", NULL,
                            "ask the KMS for the one of this identity");
    kf_err err = kms_keyset_to_user_keys(set, domain, MCSEC_ID_UID, SAKKE_SMALL, &keys, &fault);
    mcsec_user_keys_free(&keys);
    if (err != KF_OK)
        return bad_document(act, err, "keyset", &fault);
    vault_note(act, "key period %llu", (unsigned long long)set->key_period_no);
    return store_keyset(act, identity, set);
}

/* All key sets of a document. */
kf_err vault_identity_take(vault_act *act, int64_t identity, kf_slice uri, int64_t domain_id,
                           kf_slice document)
{
    const mcsec_domain *domain = NULL;
    kms_response r = { .store = NULL };
    kf_fault fault = { 0 };
    kf_err err = kms_response_parse(document, &r, &fault);
    if (err == KF_OK && r.keyset_count == 0) {
        fault = (kf_fault){ KF_E_STATE, 0, "KmsKeyProv" };
        err = KF_E_STATE;
    }
    if (err != KF_OK) {
        kms_response_clear(&r);
        return bad_document(act, err, "keyset", &fault);
    }
    err = vault_ring_domain(act, domain_id, &domain);
    for (size_t i = 0; err == KF_OK && i < r.keyset_count; i++)
        err = take_keyset(act, identity, uri, &r.keysets[i], domain);
    kms_response_clear(&r);
    vault_ring_drop(act->v->ring, identity);
    return err;
}

kf_err vault_identity_named(vault_act *act, kf_slice uri, const char *field, int64_t *id)
{
    static const store_sql get = { "SELECT id FROM identity WHERE uri = $1" };
    bool found = false;
    kf_err err = vault_int(act, &get, VAULT_IN(store_text(uri)), id, &found);
    return err == KF_OK && !found
               ? vault_refuse(act, KF_E_STATE, "no-such-identity", field,
                              "the vault has no such identity", NULL, "keyferry identity list")
               : err;
}

/* ---- verbs ---- */

static kf_err own_domain(vault_act *act, int64_t *id)
{
    static const store_sql own = { "SELECT id FROM domain WHERE is_own = 1 ORDER BY id LIMIT 1" };
    const kf_slice certificate = wire_get_octets(act->in, "certificate");
    bool found = false;
    if (certificate.len > 0)
        return vault_domain_put(act, certificate, true, id);
    kf_err err = vault_int(act, &own, NULL, 0, id, &found);
    return err == KF_OK && !found
               ? vault_refuse(act, KF_E_STATE, "no-domain", "certificate",
                              "the vault knows no security domain yet", NULL,
                              "give the certificate of the KMS with the first identity")
               : err;
}

static kf_err run_add(vault_act *act)
{
    static const store_sql insert = {
        "INSERT INTO identity (id, uri, domain, created) VALUES ($1, $2, $3, $4)"
    };
    const kf_slice uri = wire_get_text(act->in, "uri");
    int64_t id = 0, domain = 0;
    vault_about(act, "identity %.*s", (int)uri.len, (const char *)uri.ptr);
    kf_err err = own_domain(act, &domain);
    if (err == KF_OK)
        err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = vault_sql(
            act, &insert,
            VAULT_IN(store_int(id), store_text(uri), store_int(domain), store_int(act->now)));
    if (err == KF_OK)
        err = vault_identity_take(act, id, uri, domain, wire_get_octets(act->in, "keyset"));
    wire_put_int(act->out, "identity", id);
    return err;
}

typedef struct identity_row {
    int64_t id, domain;
    bool found;
} identity_row;

static kf_err take_identity(void *ctx, const store_value *columns, size_t count)
{
    if (count != 2)
        return KF_E_MALFORMED;
    *(identity_row *)ctx = (identity_row){ columns[0].number, columns[1].number, true };
    return KF_OK;
}

static kf_err run_refresh(vault_act *act)
{
    static const store_sql get = { "SELECT id, domain FROM identity WHERE uri = $1" };
    const kf_slice uri = wire_get_text(act->in, "uri");
    const kf_slice certificate = wire_get_octets(act->in, "certificate");
    identity_row row = { 0, 0, false };
    int64_t replaced = 0;
    vault_about(act, "identity %.*s", (int)uri.len, (const char *)uri.ptr);
    kf_err err = vault_rows(act, &get, VAULT_IN(store_text(uri)), take_identity, &row);
    if (err == KF_OK && !row.found)
        return vault_refuse(act, KF_E_STATE, "no-such-identity", "uri",
                            "the vault has no such identity", NULL, "keyferry identity list");
    if (err == KF_OK && certificate.len > 0)
        err = vault_domain_put(act, certificate, true, &replaced);
    if (err == KF_OK)
        err = vault_identity_take(act, row.id, uri, row.domain, wire_get_octets(act->in, "keyset"));
    wire_put_int(act->out, "identity", row.id);
    return err;
}

kf_err vault_identity_from_kms(vault_act *act, kf_slice uri, kf_slice document, int64_t *id)
{
    static const store_sql get = { "SELECT id, domain FROM identity WHERE uri = $1" };
    static const store_sql insert = {
        "INSERT INTO identity (id, uri, domain, created) VALUES ($1, $2, $3, $4)"
    };
    identity_row row = { 0, 0, false };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_text(uri)), take_identity, &row);
    if (err == KF_OK && !row.found) {
        err = own_domain(act, &row.domain);
        if (err == KF_OK)
            err = vault_take_ids(act, 1, &row.id);
        if (err == KF_OK)
            err = vault_sql(act, &insert,
                            VAULT_IN(store_int(row.id), store_text(uri), store_int(row.domain),
                                     store_int(act->now)));
    }
    *id = row.id;
    return err == KF_OK ? vault_identity_take(act, row.id, uri, row.domain, document) : err;
}

static kf_err put_identity(void *ctx, const store_value *c, size_t count)
{
    vault_act *act = ctx;
    if (count != 5)
        return KF_E_MALFORMED;
    wire_open_map(act->out, NULL);
    wire_put_int(act->out, "identity", c[0].number);
    wire_put_text(act->out, "uri", c[1].octets);
    wire_put_text(act->out, "kms", c[2].octets);
    wire_put_int(act->out, "periods", c[3].number);
    if (c[4].type == STORE_INT)
        wire_put_int(act->out, "keys_until", c[4].number);
    wire_close(act->out);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = {
        "SELECT i.id, i.uri, d.kms_uri, count(k.id), max(k.valid_to) FROM identity i"
        " JOIN domain d ON d.id = i.domain LEFT JOIN identity_keys k ON k.identity = i.id"
        " GROUP BY i.id, i.uri, d.kms_uri ORDER BY i.uri"
    };
    wire_open_list(act->out, "identities");
    kf_err err = vault_rows(act, &all, NULL, 0, put_identity, act);
    wire_close(act->out);
    return err;
}

#define FIELD_URI                                                                                  \
    {                                                                                              \
        .name = "uri", .type = WIRE_TEXT, .is_required = true, .min = 1, .max = MCSEC_URI_MAX,     \
        .help = "MC service ID"                                                                    \
    }
#define FIELD_CERTIFICATE                                                                          \
    {                                                                                              \
        .name = "certificate", .type = WIRE_OCTETS, .min = 1, .max = DOCUMENT_MAX,                 \
        .help = "annex D KmsInit of its KMS"                                                       \
    }
#define FIELD_KEYSET                                                                               \
    {                                                                                              \
        .name = "keyset", .type = WIRE_OCTETS, .is_required = true, .min = 1, .max = DOCUMENT_MAX, \
        .help = "annex D KmsKeyProv: its key sets"                                                 \
    }
static const wire_field add_fields[] = {
    FIELD_URI, FIELD_CERTIFICATE, FIELD_KEYSET, { .name = NULL }
};

static const vault_verb verbs[] = {
    { "identity add", VAULT_OFFICER, VAULT_WRITES, false, false, add_fields, run_add,
      "take in an MC service ID with its key sets" },
    { "identity refresh", VAULT_OFFICER | VAULT_KMS, VAULT_WRITES, false, false, add_fields,
      run_refresh, "take in key sets of further periods" },
    { "identity list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, NULL, run_list,
      "list the identities and how long their keys last" },
};

const vault_noun vault_noun_identity = { "identity", "MC service IDs that the vault signs as",
                                         verbs, KF_COUNT(verbs) };

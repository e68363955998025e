/* The vault as a 3GPP KMS: master secrets of a security domain, and key issue (TS 33.180 annex D).
 */
#include <stdio.h>
#include <string.h>

#include "kms/response.h"
#include "vault/identity.h"
#include "vault/parts.h"

#define PERIODS_MAX    16u
#define PERIOD_DEFAULT 2592000

/* The sealed form of kms_domain serves as its octets; what protects it is the vault's wrap. */
static const kf_slice inner = { (const uint8_t *)"wrapped by the vault", 20 };
static const kf_scrypt_cost inner_cost = { .log2_n = 1, .r = 1, .p = 1 };

static kf_err put_domain(vault_act *act, int64_t id, const kms_domain *domain, kf_secret **octets)
{
    kf_secret *sealed = NULL;
    kf_err err = kf_secret_new(KMS_DOMAIN_SEALED_MAX, &sealed);
    kf_writer w = kf_writer_init(kf_secret_edit(sealed), kf_secret_len(sealed));
    if (err == KF_OK)
        err = kms_domain_seal(domain, inner, inner_cost, act->v->config.rng, &w);
    if (err == KF_OK)
        err = kf_secret_new(VAULT_WRAPPED(w.len), octets);
    if (err == KF_OK) {
        kf_writer out = kf_writer_init(kf_secret_edit(*octets), kf_secret_len(*octets));
        err = vault_wrap(act->v, "kms.secret", id, kf_writer_slice(&w), &out);
    }
    kf_secret_free(&sealed);
    return err;
}

typedef struct loading {
    const vault *v;
    int64_t id;
    kms_domain *domain;
} loading;

static kf_err take_domain(void *ctx, const store_value *columns, size_t count)
{
    loading *l = ctx;
    kf_secret *sealed = NULL;
    kf_fault fault;
    if (count != 2)
        return KF_E_MALFORMED;
    l->id = columns[0].number;
    kf_err err = vault_unwrap(l->v, "kms.secret", l->id, columns[1].octets, &sealed);
    if (err == KF_OK)
        err = kms_domain_open(inner, kf_secret_view(sealed), &l->domain, &fault);
    kf_secret_free(&sealed);
    return err;
}

/* The domain of this vault; there is one at most. */
static kf_err load(vault_act *act, loading *l)
{
    static const store_sql get = { "SELECT id, secret FROM kms ORDER BY id LIMIT 1" };
    *l = (loading){ .v = act->v };
    kf_err err = vault_rows(act, &get, NULL, 0, take_domain, l);
    if (err == KF_OK && l->domain == NULL)
        return vault_refuse(act, KF_E_STATE, "no-kms", NULL, "this vault is no KMS", NULL,
                            "keyferry kms create, or give key sets of another KMS");
    return err;
}

/* Documents go out as annex D has them. */
static kf_err certificate_of(vault_act *act, const kms_domain *domain, kf_secret **out)
{
    kms_cert cert;
    kf_fault fault;
    kms_domain_certificate(domain, &cert);
    const kms_response r = { .version = VAULT_KMS_VERSION,
                             .user_uri = kms_domain_uri(domain),
                             .kms_uri = kms_domain_uri(domain),
                             .time = act->now,
                             .client_req_url = kms_domain_uri(domain),
                             .kind = KMS_RESPONSE_INIT,
                             .certs = &cert,
                             .cert_count = 1 };
    return kms_response_write(&r, out, &fault);
}

static kf_err run_create(vault_act *act)
{
    static const store_sql insert = {
        "INSERT INTO kms (id, kms_uri, secret, created) VALUES ($1, $2, $3, $4)"
    };
    static const store_sql any = { "SELECT 1 FROM kms" };
    const kf_slice uri = wire_get_text(act->in, "uri");
    const mcsec_period period = { .length_s = (uint64_t)wire_get_int(act->in, "period_length",
                                                                     PERIOD_DEFAULT),
                                  .offset_s = (uint64_t)wire_get_int(act->in, "period_offset", 0) };
    kms_domain *domain = NULL;
    kf_secret *octets = NULL, *document = NULL;
    int64_t id = 0, unused, domain_id = 0;
    bool found = false;
    vault_about(act, "kms %.*s", (int)uri.len, (const char *)uri.ptr);
    kf_err err = vault_int(act, &any, NULL, 0, &unused, &found);
    if (err == KF_OK && found)
        return vault_refuse(act, KF_E_STATE, "kms-exists", NULL, "this vault is a KMS already",
                            NULL, NULL);
    if (err == KF_OK)
        err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = kms_domain_new(uri, period, act->now, act->v->config.rng, &domain);
    if (err == KF_OK)
        err = put_domain(act, id, domain, &octets);
    if (err == KF_OK)
        err = vault_sql(act, &insert,
                        VAULT_IN(store_int(id), store_text(uri), store_blob(kf_secret_view(octets)),
                                 store_int(act->now)));
    if (err == KF_OK)
        err = certificate_of(act, domain, &document);
    if (err == KF_OK)
        err = vault_domain_put(act, kf_secret_view(document), true, &domain_id);
    wire_put_octets(act->out, "certificate", kf_secret_view(document));
    kf_secret_free(&document);
    kf_secret_free(&octets);
    kms_domain_free(&domain);
    return err;
}

static kf_err run_certificate(vault_act *act)
{
    kf_secret *document = NULL;
    loading l;
    kf_err err = load(act, &l);
    if (err == KF_OK)
        err = certificate_of(act, l.domain, &document);
    wire_put_octets(act->out, "certificate", kf_secret_view(document));
    kf_secret_free(&document);
    kms_domain_free(&l.domain);
    return err;
}

static kf_err record_issue(vault_act *act, int64_t kms, kf_slice user, uint64_t period)
{
    static const store_sql insert = {
        "INSERT INTO kms_issue (id, kms, user_uri, period, issued) VALUES ($1, $2, $3, $4, $5)"
    };
    int64_t id = 0;
    kf_err err = vault_take_ids(act, 1, &id);
    return err == KF_OK ? vault_sql(act, &insert,
                                    VAULT_IN(store_int(id), store_int(kms), store_text(user),
                                             store_int((int64_t)period), store_int(act->now)))
                        : err;
}

/* A KmsKeyProv with the sets of count periods. */
static kf_err issue(vault_act *act, const loading *l, kf_slice user, uint64_t first, size_t count,
                    kf_secret **out)
{
    kms_keyset sets[PERIODS_MAX] = { 0 };
    kf_fault fault;
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < count; i++) {
        err = kms_domain_issue(l->domain, user, first + i, MCSEC_ID_UID, act->v->config.rng,
                               &sets[i]);
        if (err == KF_OK)
            err = record_issue(act, l->id, user, first + i);
    }
    const kms_response r = { .version = VAULT_KMS_VERSION,
                             .user_uri = user,
                             .kms_uri = kms_domain_uri(l->domain),
                             .time = act->now,
                             .client_req_url = kms_domain_uri(l->domain),
                             .kind = KMS_RESPONSE_KEY_PROV,
                             .keysets = sets,
                             .keyset_count = count };
    if (err == KF_OK)
        err = kms_response_write(&r, out, &fault);
    for (size_t i = 0; i < count; i++)
        kms_keyset_clear(&sets[i]);
    return err;
}

static kf_err issue_asked(vault_act *act, kf_slice user, kf_secret **out)
{
    loading l;
    *out = NULL;
    kf_err err = load(act, &l);
    if (err != KF_OK)
        return err;
    const uint64_t now = mcsec_period_number(kms_domain_period(l.domain), act->now);
    const int64_t first = wire_get_int(act->in, "period", (int64_t)now);
    vault_about(act, "keys of %.*s", (int)user.len, (const char *)user.ptr);
    vault_note(act, "from key period %lld", (long long)first);
    err = issue(act, &l, user, (uint64_t)first, (size_t)wire_get_int(act->in, "periods", 1), out);
    kms_domain_free(&l.domain);
    return err;
}

static kf_err run_issue(vault_act *act)
{
    kf_secret *document = NULL;
    kf_err err = issue_asked(act, wire_get_text(act->in, "uri"), &document);
    wire_put_octets(act->out, "keyset", kf_secret_view(document));
    kf_secret_free(&document);
    return err;
}

/* Keys of an identity of this vault never leave it. */
static kf_err run_identity(vault_act *act)
{
    const kf_slice uri = wire_get_text(act->in, "uri");
    kf_secret *document = NULL;
    int64_t id = 0;
    kf_err err = issue_asked(act, uri, &document);
    if (err == KF_OK)
        err = vault_identity_from_kms(act, uri, kf_secret_view(document), &id);
    kf_secret_free(&document);
    wire_put_int(act->out, "identity", id);
    return err;
}

static const wire_field create_fields[] = {
    { .name = "uri",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = MCSEC_URI_MAX,
      .help = "KmsUri of the domain" },
    { .name = "period_length",
      .type = WIRE_INT,
      .min = 60,
      .max = INT64_C(1) << 32,
      .help = "seconds of a key period, else 2592000" },
    { .name = "period_offset",
      .type = WIRE_INT,
      .min = 0,
      .max = INT64_C(1) << 32,
      .help = "how late periods start" },
    { .name = NULL },
};
static const wire_field issue_fields[] = {
    { .name = "uri",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = MCSEC_URI_MAX,
      .help = "MC service ID of the user" },
    { .name = "period",
      .type = WIRE_INT,
      .min = 0,
      .max = INT64_C(1) << 40,
      .help = "first key period, else the current one" },
    { .name = "periods",
      .type = WIRE_INT,
      .min = 1,
      .max = PERIODS_MAX,
      .help = "how many, else 1" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "kms create", VAULT_OFFICER, VAULT_WRITES, false, false, create_fields, run_create,
      "make the master secrets of a security domain" },
    { "kms certificate", VAULT_ANYBODY, VAULT_READS, false, false, NULL, run_certificate,
      "the domain's certificate, public" },
    { "kms issue", VAULT_KMS, VAULT_READS_AUDITED, false, false, issue_fields, run_issue,
      "issue a user's key sets to the KMS face" },
    { "kms hand-out", VAULT_OFFICER, VAULT_READS_AUDITED, false, true, issue_fields, run_issue,
      "issue a user's key sets to an officer, for a client without KMS access" },
    { "kms identity", VAULT_OFFICER, VAULT_WRITES, false, false, issue_fields, run_identity,
      "make an identity of this vault with keys from its own KMS" },
};

const vault_noun vault_noun_kms = { "kms", "the vault as a 3GPP KMS", verbs, KF_COUNT(verbs) };

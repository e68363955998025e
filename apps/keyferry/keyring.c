#include "keyring.h"

#include <string.h>
#include <time.h>

#include "file.h"
#include "kms/response.h"
#include "mikey/mikey.h"

void keyring_clear(keyring *ring)
{
    for (size_t i = 0; i < ring->key_count; i++)
        mcsec_user_keys_free(&ring->keys[i]);
    for (size_t i = 0; i < ring->domain_count; i++)
        mcsec_domain_free(&ring->domains[i]);
    memset(ring, 0, sizeof *ring);
}

kf_time keyring_now(void)
{
    return (kf_time)time(NULL);
}

const mcsec_domain *keyring_domain(const keyring *ring, kf_slice kms_uri)
{
    for (size_t i = 0; i < ring->domain_count; i++)
        if (kf_slice_equal(mcsec_domain_kms_uri(ring->domains[i]), kms_uri))
            return ring->domains[i];
    return NULL;
}

cli_status keyring_compat(const cli_call *call, unsigned *compat)
{
    const char *name = NULL;
    *compat = 0;
    for (size_t i = 0; (name = cli_each(call, "compat", i)) != NULL; i++) {
        unsigned bit = mikey_compat_by_name(kf_slice_str(name));
        if (bit == 0) {
            char all[256] = "";
            for (unsigned k = 0; mikey_compat_name(k) != NULL; k++) {
                size_t used = strlen(all);
                snprintf(all + used, sizeof all - used, "%s%s", k == 0 ? "one of: " : ", ",
                         mikey_compat_name(k));
            }
            return cli_misuse(call, "compat", "there is no interop switch of that name",
                              "--compat takes a name from a fixed list", all);
        }
        *compat |= bit;
    }
    return CLI_DONE;
}

/* --- reports ---------------------------------------------------------------------------------- */

/* What to do about a fault in a document, by the start of its field. */
static const char *document_remedy(const kf_fault *fault, bool want_keys)
{
    if (fault->field != NULL && strcmp(fault->field, "keyset.UserID") == 0)
        return "the key set is of another user, period or KMS than it says: ask the KMS again";
    if (fault->code == KF_E_AUTH)
        return "discard the key set and ask the KMS for a new one (TS 33.180 5.3.6)";
    return want_keys
               ? "give a key set as `keyferry kms issue` writes it; see: keyferry explain FILE"
               : "give a certificate as `keyferry kms cert` writes it; see: keyferry explain "
                 "FILE";
}

static cli_status bad_document(const cli_call *call, const char *path, const kf_fault *fault,
                               bool want_keys)
{
    out_error e = out_error_fault(fault);
    e.has_at = fault->at > 0; /* what was read well and judged bad has no offset */
    out_what(&e, "%s is not a usable %s", path, want_keys ? "key set" : "certificate");
    if (fault->code == KF_E_NO_SPACE)
        out_why(&e, "it is larger or more deeply nested than any such document");
    out_do(&e, "%s", document_remedy(fault, want_keys));
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status wrong_kind(const cli_call *call, const char *field, const char *path,
                             bool want_keys)
{
    out_error e = out_error_of(KF_E_STATE);
    e.field = field;
    out_what(&e, "%s holds no %s", path, want_keys ? "key set" : "certificate");
    out_why(&e, "it is another kind of KMS document");
    out_do(&e, want_keys ? "give what `keyferry kms issue` writes"
                         : "give what `keyferry kms cert` writes");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status ring_full(const cli_call *call, const char *field)
{
    out_error e = out_error_of(KF_E_NO_SPACE);
    e.field = field;
    out_what(&e, "too many certificates or key sets");
    out_why(&e, "at most 64 of each are loaded");
    out_do(&e, "give only those that the command needs");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status unknown_domain(const cli_call *call, const char *path, kf_slice kms_uri)
{
    char uri[256];
    out_error e = out_error_of(KF_E_STATE);
    e.field = "keyset.KmsUri";
    out_what(&e, "the keys in %s are of %s", path, out_escape(kms_uri, uri, sizeof uri));
    out_why(&e, "no certificate of that KMS was given, so they cannot be checked");
    out_do(&e, "give its certificate with --cert");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* --- loading ---------------------------------------------------------------------------------- */

static cli_status read_document(const cli_call *call, const char *field, const char *path,
                                bool want_keys, kms_response *response)
{
    kf_secret *text = NULL;
    kf_fault fault;
    cli_status status = file_read(call, field, path, KMS_XML_OCTETS_MAX, &text);
    if (status == CLI_DONE && kms_response_parse(kf_secret_view(text), response, &fault) != KF_OK)
        status = bad_document(call, path, &fault, want_keys);
    kf_secret_free(&text);
    return status;
}

cli_status keyring_add_domains(const cli_call *call, const char *field, const char *path,
                               keyring *ring)
{
    kms_response r;
    kf_fault fault;
    cli_status status = read_document(call, field, path, false, &r);
    if (status != CLI_DONE)
        return status;
    if (r.cert_count == 0)
        status = wrong_kind(call, field, path, false);
    for (size_t i = 0; status == CLI_DONE && i < r.cert_count; i++) {
        mcsec_domain *domain = NULL;
        if (ring->domain_count == KEYRING_DOMAINS_MAX)
            status = ring_full(call, field);
        else if (kms_cert_to_domain(&r.certs[i], SAKKE_SMALL, &domain, &fault) != KF_OK)
            status = bad_document(call, path, &fault, false);
        else
            ring->domains[ring->domain_count++] = domain;
    }
    kms_response_clear(&r);
    return status;
}

cli_status keyring_add_keys(const cli_call *call, const char *field, const char *path,
                            mcsec_id_form form, keyring *ring)
{
    kms_response r;
    kf_fault fault;
    file_warn_if_open(call, path);
    cli_status status = read_document(call, field, path, true, &r);
    if (status != CLI_DONE)
        return status;
    if (r.keyset_count == 0)
        status = wrong_kind(call, field, path, true);
    for (size_t i = 0; status == CLI_DONE && i < r.keyset_count; i++) {
        const mcsec_domain *domain = keyring_domain(ring, r.keysets[i].kms_uri);
        mcsec_user_keys *keys = NULL;
        if (ring->key_count == KEYRING_KEYS_MAX)
            status = ring_full(call, field);
        else if (domain == NULL)
            status = unknown_domain(call, path, r.keysets[i].kms_uri);
        else if (kms_keyset_to_user_keys(&r.keysets[i], domain, form, SAKKE_SMALL, &keys, &fault) !=
                 KF_OK)
            status = bad_document(call, path, &fault, true);
        else
            ring->keys[ring->key_count++] = keys;
    }
    kms_response_clear(&r);
    return status;
}

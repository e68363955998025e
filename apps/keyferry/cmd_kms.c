#include <string.h>

#include "cli.h"
#include "crypto/random.h"
#include "file.h"
#include "keyring.h"
#include "kms/response.h"
#include "mikey/mikey.h"

#define DOMAIN_READ_MAX 65536u /* more than any domain, so that the parser tells what is wrong */
#define PERIODS_MAX     64u
#define SCRYPT_LOW      10u
#define SCRYPT_HIGH     18u
#define URL_OCTETS      (3u * MCSEC_URI_MAX + 64u)
#define RESOURCE_ROOT   "/keymanagement/identity/v1/"

/* --- kms new ---------------------------------------------------------------------------------- */

static cli_status seal_domain(const cli_call *call, const kms_domain *domain, uint8_t log2n)
{
    uint8_t sealed[KMS_DOMAIN_SEALED_MAX];
    kf_writer w = kf_writer_init(sealed, sizeof sealed);
    kf_scrypt_cost cost = KF_SCRYPT_DEFAULT;
    kf_secret *passphrase = NULL;

    cli_status status = file_passphrase(call, true, &passphrase);
    if (status != CLI_DONE)
        return status;
    cost.log2_n = log2n;
    kf_err err = kms_domain_seal(domain, kf_secret_view(passphrase), cost, kf_random(), &w);
    kf_secret_free(&passphrase);
    if (err != KF_OK)
        return cli_give_up(call, "out", err);
    return file_write(call, "out", cli_text(call, "out"), kf_writer_slice(&w), FILE_KEEP);
}

static cli_status told_new(const cli_call *call, mcsec_period period)
{
    const char *path = cli_text(call, "out");
    if (call->out->json)
        return out_json(call->out, json_pack("{s:o, s:o, s:I, s:I}", "domain",
                                             out_json_text(kf_slice_str(path)), "kms_uri",
                                             out_json_text(cli_slice(call, "uri")), "period_length",
                                             (json_int_t)period.length_s, "period_offset",
                                             (json_int_t)period.offset_s))
                   ? CLI_DONE
                   : CLI_REFUSED;
    out_say(call->out, "made %s for %s; keep the passphrase elsewhere", path,
            cli_text(call, "uri"));
    out_say(call->out, "next: keyferry kms cert %s", path);
    return CLI_DONE;
}

cli_status run_kms_new(const cli_call *call)
{
    kms_domain *domain = NULL;
    const mcsec_period period = { cli_number(call, "period-length", 0),
                                  cli_number(call, "period-offset", 0) };
    uint64_t log2n = cli_number(call, "scrypt-log2n", 0);

    if (!mcsec_period_is_valid(period))
        return cli_misuse(call, "period-length", "these are not key periods",
                          "the length must be 1 or more and the offset less than it", NULL);
    if (log2n < SCRYPT_LOW || log2n > SCRYPT_HIGH)
        return cli_misuse(call, "scrypt-log2n", "this cost is not accepted",
                          "less than 10 is guessed too fast, more than 18 needs too much memory",
                          NULL);
    cli_status status = file_check_free(call, "out", cli_text(call, "out"));
    if (status != CLI_DONE)
        return status;
    kf_err err =
        kms_domain_new(cli_slice(call, "uri"), period, keyring_now(), kf_random(), &domain);
    if (err == KF_E_MALFORMED)
        return cli_misuse(call, "uri", "this cannot be the URI of a KMS",
                          "it has 1 to 1,024 octets of text without white space", NULL);
    if (err != KF_OK)
        return cli_give_up(call, NULL, err);
    status = seal_domain(call, domain, (uint8_t)log2n);
    kms_domain_free(&domain);
    return status == CLI_DONE ? told_new(call, period) : status;
}

/* --- opening a domain ------------------------------------------------------------------------- */

static cli_status domain_refused(const cli_call *call, const char *path, const kf_fault *fault)
{
    out_error e = out_error_fault(fault);
    out_what(&e, "cannot open %s", path);
    if (fault->code == KF_E_AUTH) {
        out_why(&e, "the passphrase is wrong, or the file was altered");
        out_do(&e, "try again with the passphrase given to `keyferry kms new`, or a backup");
    } else {
        out_do(&e, "give the file that `keyferry kms new` made; see: keyferry explain %s", path);
    }
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status open_domain(const cli_call *call, kms_domain **domain)
{
    const char *path = cli_argument_at(call, 0);
    kf_secret *sealed = NULL, *passphrase = NULL;
    kf_fault fault = { KF_OK, 0, NULL };
    kf_container clear;

    cli_status status = file_read(call, "DOMAIN", path, DOMAIN_READ_MAX, &sealed);
    if (status == CLI_DONE && kf_container_parse(kf_secret_view(sealed), &clear, &fault) != KF_OK)
        status = domain_refused(call, path, &fault); /* before asking for a passphrase */
    if (status == CLI_DONE)
        status = file_passphrase(call, false, &passphrase);
    if (status == CLI_DONE && kms_domain_open(kf_secret_view(passphrase), kf_secret_view(sealed),
                                              domain, &fault) != KF_OK)
        status = domain_refused(call, path, &fault);
    kf_secret_free(&sealed);
    kf_secret_free(&passphrase);
    return status;
}

/* --- writing documents ------------------------------------------------------------------------ */

static cli_status print_document(const cli_call *call, const kms_response *response,
                                 const char *to_file)
{
    kf_secret *xml = NULL;
    kf_fault fault;
    if (kms_response_write(response, &xml, &fault) != KF_OK) {
        out_error e = out_error_fault(&fault);
        out_what(&e, "this cannot be written as a KMS document");
        out_do(&e, "check the URIs on the command line: text without white space");
        out_report(call->out, &e);
        return CLI_REFUSED;
    }
    kf_slice text = kf_secret_view(xml);
    cli_status status = CLI_DONE;
    if (to_file != NULL) {
        status = file_write(call, "to-file", to_file, text, FILE_KEEP);
        if (status == CLI_DONE && call->out->json)
            out_json(call->out, json_pack("{s:o}", "file", out_json_text(kf_slice_str(to_file))));
    } else if (call->out->json) {
        json_t *document = json_pack("{s:s%}", "xml", (const char *)text.ptr, text.len);
        status = out_json(call->out, document) ? CLI_DONE : CLI_REFUSED;
    } else {
        fwrite(text.ptr, 1, text.len, call->out->data);
    }
    kf_secret_free(&xml);
    return status;
}

/* The resource that a client would have asked for, its user percent-encoded (facts 11.2). */
static void request_url(const char *resource, kf_slice user, char *url)
{
    static const char hex[] = "0123456789ABCDEF";
    kf_writer w = kf_writer_init((uint8_t *)url, URL_OCTETS - 1);
    kf_write_slice(&w, kf_slice_str(RESOURCE_ROOT));
    kf_write_slice(&w, kf_slice_str(resource));
    for (size_t i = 0; i < user.len; i++) {
        uint8_t c = user.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            kf_write_u8(&w, c);
        } else {
            kf_write_u8(&w, '%');
            kf_write_u8(&w, (uint8_t)hex[c >> 4]);
            kf_write_u8(&w, (uint8_t)hex[c & 0xfu]);
        }
    }
    url[w.err == KF_OK ? w.len : 0] = '\0';
}

static kms_response response_of(const kms_domain *domain, kms_response_kind kind, kf_slice user,
                                const char *url)
{
    return (kms_response){
        .version = kf_slice_str(KMS_RESPONSE_VERSION),
        .user_uri = user,
        .kms_uri = kms_domain_uri(domain),
        .time = keyring_now(),
        .client_req_url = kf_slice_str(url),
        .kind = kind,
    };
}

/* A file for everybody: no user asked, so UserUri names the KMS itself. */
cli_status run_kms_cert(const cli_call *call)
{
    kms_domain *domain = NULL;
    kms_cert cert;
    char url[URL_OCTETS];

    cli_status status = open_domain(call, &domain);
    if (status != CLI_DONE)
        return status;
    kms_domain_certificate(domain, &cert);
    request_url("init", (kf_slice){ NULL, 0 }, url);
    kms_response response = response_of(domain, KMS_RESPONSE_INIT, kms_domain_uri(domain), url);
    response.certs = &cert;
    response.cert_count = 1;
    status = print_document(call, &response, NULL);
    kms_domain_free(&domain);
    return status;
}

static cli_status issue(const cli_call *call, const kms_domain *domain, mcsec_id_form form)
{
    kms_keyset sets[PERIODS_MAX];
    size_t count = 0, wanted = (size_t)cli_number(call, "periods", 1);
    kf_slice user = cli_slice(call, "user");
    uint64_t first = cli_number(
        call, "period",
        mcsec_period_number(kms_domain_period(domain), cli_time(call, "now", keyring_now())));
    char url[URL_OCTETS];
    kf_err err = KF_OK;
    cli_status status = CLI_DONE;

    while (err == KF_OK && count < wanted) {
        err = kms_domain_issue(domain, user, first + count, form, kf_random(), &sets[count]);
        count += err == KF_OK;
    }
    if (err == KF_E_MALFORMED)
        status = cli_misuse(call, "user", "no keys for this user and period",
                            "a URI has 1 to 1,024 octets of text without white space, and the "
                            "period must be one the calendar reaches",
                            NULL);
    else if (err != KF_OK)
        status = cli_give_up(call, NULL, err);
    if (status == CLI_DONE) {
        request_url("keyprov/", user, url);
        kms_response response = response_of(domain, KMS_RESPONSE_KEY_PROV, user, url);
        response.keysets = sets;
        response.keyset_count = count;
        status = print_document(call, &response, cli_text(call, "to-file"));
    }
    for (size_t i = 0; i < count; i++)
        kms_keyset_clear(&sets[i]);
    return status;
}

cli_status run_kms_issue(const cli_call *call)
{
    kms_domain *domain = NULL;
    unsigned compat = 0;
    uint64_t wanted = cli_number(call, "periods", 1);
    const char *path = cli_text(call, "to-file");

    if (wanted < 1 || wanted > PERIODS_MAX)
        return cli_misuse(call, "periods", "this many key sets are not issued at once",
                          "one document holds 1 to 64", NULL);
    cli_status status = keyring_compat(call, &compat);
    if (status == CLI_DONE && path != NULL)
        status = file_check_free(call, "to-file", path);
    if (status == CLI_DONE)
        status = open_domain(call, &domain);
    if (status != CLI_DONE)
        return status;
    status = issue(call, domain, (compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID);
    kms_domain_free(&domain);
    return status;
}

/* --- kms check -------------------------------------------------------------------------------- */

static const char *const cert_checks[] = {
    "document: annex D.3, every element in its place",
    "UserIdFormat 2, parameter set 1, key period and offset",
    "PubEncKey: on the curve, not infinity, of order q",
    "PubAuthKey: on P-256",
};
static const char *const key_checks[] = {
    "KmsUri is that of the certificate, not revoked, validity meets the period",
    "UserID is the UID of user, KMS and period (TS 33.180 F.2.1)",
    "SSK and PVT: KPAK = [SSK]G - [HS]PVT (RFC 6507 5.1.2)",
    "RSK: <[b]P + Z, RSK> = g (RFC 6508 6.1.2)",
};

static json_t *checks_json(const char *const *checks, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(checks[i]));
    return list;
}

static json_t *key_json(const mcsec_user_keys *k, kf_time now)
{
    mcsec_period period = mcsec_domain_period(mcsec_user_keys_domain(k));
    uint64_t n = mcsec_user_keys_period(k);
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:b}", "user",
                     out_json_text(mcsec_user_keys_uri(k)), "uid",
                     out_json_hex(mcsec_user_keys_uid(k)), "period", (json_int_t)n, "from",
                     out_json_time(mcsec_period_start(period, n)), "to",
                     out_json_time(mcsec_period_end(period, n)), "current",
                     n == mcsec_period_number(period, now));
}

static bool check_json(const cli_call *call, const keyring *ring, kf_time now)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < ring->key_count; i++)
        json_array_append_new(keys, key_json(ring->keys[i], now));
    return out_json(
        call->out,
        json_pack("{s:o, s:b, s:o, s:o, s:o}", "kms_uri",
                  out_json_text(mcsec_domain_kms_uri(ring->domains[0])), "certificate_usable",
                  mcsec_domain_is_usable_at(ring->domains[0], now), "certificate_checks",
                  checks_json(cert_checks, KF_COUNT(cert_checks)), "key_sets", keys,
                  "key_set_checks", checks_json(key_checks, KF_COUNT(key_checks))));
}

static void check_text(const cli_call *call, const keyring *ring, kf_time now)
{
    kf_slice kms = mcsec_domain_kms_uri(ring->domains[0]);
    out_line(call->out, "certificate", "%.*s", (int)kms.len, (const char *)kms.ptr);
    for (size_t i = 0; i < KF_COUNT(cert_checks); i++)
        out_line(call->out, "  good", "%s", cert_checks[i]);
    for (size_t i = 0; i < ring->key_count; i++) {
        kf_slice uri = mcsec_user_keys_uri(ring->keys[i]);
        mcsec_period period = mcsec_domain_period(mcsec_user_keys_domain(ring->keys[i]));
        uint64_t n = mcsec_user_keys_period(ring->keys[i]);
        char from[KF_TIME_TEXT_OCTETS], to[KF_TIME_TEXT_OCTETS];
        kf_time_format(mcsec_period_start(period, n), from);
        kf_time_format(mcsec_period_end(period, n), to);
        out_line(call->out, "key set", "%.*s, period %llu, %s to %s%s", (int)uri.len,
                 (const char *)uri.ptr, (unsigned long long)n, from, to,
                 n == mcsec_period_number(period, now) ? " (now)" : "");
        for (size_t k = 0; k < KF_COUNT(key_checks); k++)
            out_line(call->out, "  good", "%s", key_checks[k]);
    }
}

static cli_status cert_not_usable(const cli_call *call)
{
    out_error e = out_error_of(KF_E_STATE);
    e.field = "cert.ValidTo";
    out_what(&e, "the certificate may not be used now");
    out_why(&e, "it is revoked, or the time is outside ValidFrom and ValidTo");
    out_do(&e, "get the present certificate of that KMS");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

cli_status run_kms_check(const cli_call *call)
{
    keyring ring = { .domain_count = 0 };
    unsigned compat = 0;
    kf_time now = cli_time(call, "now", keyring_now());

    cli_status status = keyring_compat(call, &compat);
    if (status == CLI_DONE)
        status = keyring_add_domains(call, "CERT", cli_argument_at(call, 0), &ring);
    if (status == CLI_DONE)
        status = keyring_add_keys(call, "KEYSET", cli_argument_at(call, 1),
                                  (compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID,
                                  &ring);
    if (status == CLI_DONE && !mcsec_domain_is_usable_at(ring.domains[0], now))
        status = cert_not_usable(call);
    else if (status == CLI_DONE && call->out->json)
        status = check_json(call, &ring, now) ? CLI_DONE : CLI_REFUSED;
    else if (status == CLI_DONE)
        check_text(call, &ring, now);
    keyring_clear(&ring);
    return status;
}

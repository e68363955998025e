#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "wire/link.h"

#define CHAIN_DEPTH_MAX  4
#define CHAIN_OCTETS_MAX 65536
static const char suites[] = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

void wire_tls_reason(const SSL *ssl, char *why, size_t size)
{
    long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verdict != X509_V_OK)
        reason = X509_verify_cert_error_string(verdict);
    snprintf(why, size, "%s", reason == NULL ? "the connection was cut" : reason);
    ERR_clear_error();
}

/* Say what failed with a file. */
static kf_err blame(const char *what, const char *path, char *why, size_t size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(why, size, "%s %s: %s", what, path == NULL ? "(not given)" : path,
             reason == NULL ? "cannot be used" : reason);
    ERR_clear_error();
    return KF_E_BACKEND;
}

/* A key under a passphrase is refused: nobody is there to be asked. */
static int no_passphrase(char *out, int size, int is_writing, void *ctx)
{
    (void)out, (void)size, (void)is_writing, (void)ctx;
    return 0;
}

/*
 * No resumption: every connection shows its certificate, and no ticket keys wait in memory.
 * Plaintext that OpenSSL held is cleansed once we have it, and its buffers are given back.
 */
static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *c = SSL_CTX_new(method);
    if (c == NULL)
        return NULL;
    SSL_CTX_set_options(c, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                               SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(c, no_passphrase);
    SSL_CTX_set_max_cert_list(c, CHAIN_OCTETS_MAX);
    SSL_CTX_set_verify_depth(c, CHAIN_DEPTH_MAX);
    if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(c, suites) != 1 || SSL_CTX_set_num_tickets(c, 0) != 1) {
        SSL_CTX_free(c);
        return NULL;
    }
    return c;
}

static kf_err load_own(SSL_CTX *c, const char *cert, const char *key, char *why, size_t size)
{
    if (cert == NULL || SSL_CTX_use_certificate_chain_file(c, cert) != 1)
        return blame("the certificate", cert, why, size);
    if (key == NULL || SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
        return blame("the private key", key, why, size);
    if (SSL_CTX_check_private_key(c) != 1)
        return blame("the private key does not belong to the certificate:", key, why, size);
    return KF_OK;
}

static kf_err load_authority(SSL_CTX *c, const char *ca, char *why, size_t size)
{
    if (ca == NULL || SSL_CTX_load_verify_file(c, ca) != 1)
        return blame("the certificate authority", ca, why, size);
    return KF_OK;
}

/* With a list of revoked certificates, every authority of a chain must have one that is current. */
static kf_err load_revoked(SSL_CTX *c, const char *path, char *why, size_t size)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == NULL || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1 ||
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
        return blame("the list of revoked certificates", path, why, size);
    return KF_OK;
}

kf_err wire_tls_server(const wire_server_config *config, SSL_CTX **out, char *why, size_t size)
{
    *out = NULL;
    SSL_CTX *c = context_new(TLS_server_method());
    if (c == NULL)
        return blame("TLS", "1.3", why, size);
    kf_err err = load_own(c, config->tls_cert, config->tls_key, why, size);
    if (err == KF_OK)
        err = load_authority(c, config->tls_client_ca, why, size);
    if (err == KF_OK && config->tls_crl != NULL)
        err = load_revoked(c, config->tls_crl, why, size);
    if (err != KF_OK) {
        SSL_CTX_free(c);
        return err;
    }
    SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(config->tls_client_ca));
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    ERR_clear_error();
    *out = c;
    return KF_OK;
}

kf_err wire_tls_client(const wire_client_config *config, SSL_CTX **out, char *why, size_t size)
{
    *out = NULL;
    SSL_CTX *c = context_new(TLS_client_method());
    if (c == NULL)
        return blame("TLS", "1.3", why, size);
    kf_err err = load_own(c, config->cert, config->key, why, size);
    if (err == KF_OK)
        err = load_authority(c, config->ca, why, size);
    if (err != KF_OK) {
        SSL_CTX_free(c);
        return err;
    }
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    *out = c;
    return KF_OK;
}

/* The one common name, as text that fits and holds no control character. */
static bool common_name(const X509 *certificate, char out[WIRE_SUBJECT_MAX])
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return false;
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool is_good = len > 0 && (unsigned)len < WIRE_SUBJECT_MAX;
    for (int i = 0; is_good && i < len; i++)
        is_good = text[i] >= 0x20 && text[i] != 0x7f;
    if (is_good) {
        memcpy(out, text, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(text);
    return is_good;
}

kf_err wire_tls_identify(const SSL *ssl, wire_peer *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    *out = (wire_peer){ .is_tls = true };
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
        !common_name(certificate, out->subject) ||
        X509_digest(certificate, EVP_sha256(), digest, &len) != 1) {
        *out = (wire_peer){ .is_tls = true };
        return KF_E_AUTH;
    }
    kf_writer w = kf_writer_init((uint8_t *)out->fingerprint, sizeof out->fingerprint - 1);
    kf_hex_write(&w, (kf_slice){ digest, len });
    return w.err;
}

kf_err wire_split_address(const char *text, char host[WIRE_HOST_MAX], char port[6])
{
    const char *colon = strrchr(text, ':'), *from = text;
    if (colon == NULL)
        return KF_E_MALFORMED;
    size_t len = (size_t)(colon - text), digits = strlen(colon + 1);
    bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (is_bracketed) {
        from++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return KF_E_MALFORMED; /* IPv6 without brackets: where would the port start? */
    }
    if (len == 0 || len >= WIRE_HOST_MAX || digits == 0 || digits > 5 ||
        strspn(colon + 1, "0123456789") != digits)
        return KF_E_MALFORMED;
    memcpy(host, from, len);
    host[len] = '\0';
    memcpy(port, colon + 1, digits + 1);
    return KF_OK;
}

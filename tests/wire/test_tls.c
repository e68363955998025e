/* The server over TLS 1.3: who is let in, and who is not. */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>

static char dir[] = "/tmp/kf-certs-XXXXXX";

static const char *in_dir(const char *name, char path[96])
{
    if (name != NULL)
        snprintf(path, 96, "%s/%s", dir, name);
    return name == NULL ? NULL : path;
}

static int make_certificates(void **state)
{
    char command[256];
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(command, sizeof command, "%s %s officer courier", KF_CERTS, dir);
    return system(command);
}

static int remove_certificates(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void start(rig *r, const char *crl, const char *server)
{
    char cert[96], key[96], ca[96], list[96], name[40], key_name[40];
    snprintf(name, sizeof name, "%s.pem", server);
    snprintf(key_name, sizeof key_name, "%s.key", server);
    rig_start(r, (wire_server_config){ .tls_listen = "127.0.0.1:0",
                                       .tls_cert = in_dir(name, cert),
                                       .tls_key = in_dir(key_name, key),
                                       .tls_client_ca = in_dir("ca.pem", ca),
                                       .tls_crl = in_dir(crl, list) });
    snprintf(r->address, sizeof r->address, "tls:127.0.0.1:%u", wire_server_tls_port(r->server));
}

/* Connect and ask as a client of that certificate. */
static kf_err attempt(const rig *r, const char *who, const char *ca, const char *name, char *why,
                      size_t size)
{
    char cert[96], key[96], ca_path[96], cert_name[40], key_name[40];
    wire_client *c = NULL;
    wire_outcome o;
    snprintf(cert_name, sizeof cert_name, "%s.pem", who);
    snprintf(key_name, sizeof key_name, "%s.key", who);
    kf_err err = wire_connect(&(wire_client_config){ .address = r->address,
                                                     .cert = in_dir(cert_name, cert),
                                                     .key = in_dir(key_name, key),
                                                     .ca = in_dir(ca, ca_path),
                                                     .server_name = name,
                                                     .timeout_ms = 5000 },
                              &c, why, size);
    if (err != KF_OK)
        return err;
    err = rig_ask(c, "echo", 4, &o);
    snprintf(why, size, "%s", wire_client_why(c));
    if (err == KF_OK)
        assert_int_equal(wire_get_int(o.map, "octets", 0), 4);
    wire_outcome_clear(&o);
    wire_disconnect(&c);
    return err;
}

static void test_who_is_let_in(void **state)
{
    (void)state;
    static const struct {
        const char *server, *crl, *who, *ca, *name;
        bool is_let_in;
    } cases[] = {
        { "server", NULL, "officer", "ca.pem", NULL, true }, /* by address */
        { "server", NULL, "courier", "ca.pem", "vault.test", true },
        { "server", "ca.none.crl.pem", "revoked", "ca.pem", NULL, true },
        { "server", "ca.crl.pem", "officer", "ca.pem", NULL, true },
        { "server", "ca.crl.pem", "revoked", "ca.pem", NULL, false },
        { "server", NULL, "expired", "ca.pem", NULL, false },
        { "server", NULL, "stranger", "ca.pem", NULL, false },
        { "server", NULL, "nameless", "ca.pem", NULL, false },
        { "server", NULL, "server", "ca.pem", NULL, false }, /* a server's is no client's */
        { "server", NULL, "officer", "other-ca.pem", NULL, false },
        { "server", NULL, "officer", "ca.pem", "other.test", false },
        { "other-server", NULL, "officer", "ca.pem", NULL, false },
        { "other-server", NULL, "officer", "ca.pem", "other.test", true },
        { "officer", NULL, "officer", "ca.pem", NULL, false }, /* nor a client's a server's */
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        rig r;
        char why[200] = "";
        start(&r, cases[i].crl, cases[i].server);
        kf_err err = attempt(&r, cases[i].who, cases[i].ca, cases[i].name, why, sizeof why);
        if (err != (cases[i].is_let_in ? KF_OK : KF_E_BACKEND) || (err != KF_OK && why[0] == '\0'))
            fail_msg("case %zu (%s): %s %s", i, cases[i].who, kf_err_name(err), why);
        if (cases[i].is_let_in) {
            assert_true(r.last.is_tls);
            assert_string_equal(r.last.subject, cases[i].who[0] == 'c' ? "courier" : "officer");
            assert_int_equal(strlen(r.last.fingerprint), 64);
        }
        assert_int_equal(atomic_load(&r.requests), cases[i].is_let_in ? 1 : 0);
        assert_int_equal(atomic_load(&r.opened), cases[i].is_let_in ? 1 : 0);
        rig_stop(&r);
    }
}

static int tcp(const rig *r)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)wire_server_tls_port(r->server)),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* A handshake of another make. @return whether an octet could be read after it. */
static bool shake(const rig *r, int version, bool has_certificate)
{
    char cert[96], key[96];
    uint8_t octet;
    int fd = tcp(r);
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    assert_non_null(c);
    assert_int_equal(SSL_CTX_set_max_proto_version(c, version), 1);
    if (has_certificate) {
        assert_int_equal(SSL_CTX_use_certificate_file(c, in_dir("officer.pem", cert), 1), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(c, in_dir("officer.key", key), 1), 1);
    }
    SSL *ssl = SSL_new(c);
    SSL_set_fd(ssl, fd);
    bool is_in = SSL_connect(ssl) == 1;
    uint8_t frame[128];
    kf_slice request = rig_frame(frame, sizeof frame, 1, "echo", 0);
    is_in =
        is_in && SSL_write(ssl, request.ptr, (int)request.len) > 0 && SSL_read(ssl, &octet, 1) == 1;
    SSL_free(ssl);
    SSL_CTX_free(c);
    close(fd);
    return is_in;
}

static void test_tls_1_3_and_a_certificate_are_needed(void **state)
{
    (void)state;
    rig r;
    char why[200];
    start(&r, NULL, "server");
    assert_true(shake(&r, TLS1_3_VERSION, true));
    assert_false(shake(&r, TLS1_2_VERSION, true));
    assert_false(shake(&r, TLS1_3_VERSION, false));
    int plain = tcp(&r);
    uint8_t frame[128], octets[64];
    rig_send(plain, rig_frame(frame, sizeof frame, 1, "echo", 0));
    while (recv(plain, octets, sizeof octets, 0) > 0)
        ; /* an alert at most */
    close(plain);
    assert_int_equal(atomic_load(&r.requests), 1);
    assert_ok(attempt(&r, "officer", "ca.pem", NULL, why, sizeof why));
    rig_stop(&r);
}

static void test_large_messages(void **state)
{
    (void)state;
    rig r;
    char cert[96], key[96], ca[96], why[200];
    wire_client *c = NULL;
    wire_outcome o;
    start(&r, NULL, "server");
    assert_ok(wire_connect(&(wire_client_config){ .address = r.address,
                                                  .cert = in_dir("officer.pem", cert),
                                                  .key = in_dir("officer.key", key),
                                                  .ca = in_dir("ca.pem", ca) },
                           &c, why, sizeof why));
    for (int64_t size = 100; size < 3000000; size = size * 7 + 13) {
        assert_ok(rig_ask(c, "large", size, &o));
        assert_int_equal(wire_get_octets(o.map, "octets").len, size);
        wire_outcome_clear(&o);
    }
    wire_disconnect(&c);
    rig_stop(&r);
}

/* Whoever connects and says nothing is let go, and holds up nobody. */
static void test_silent_handshakes(void **state)
{
    (void)state;
    enum { SILENT = 20 };
    rig r;
    int fds[SILENT];
    char why[200], cert[96], key[96], ca[96], octet;
    rig_start(&r, (wire_server_config){ .tls_listen = "127.0.0.1:0",
                                        .tls_cert = in_dir("server.pem", cert),
                                        .tls_key = in_dir("server.key", key),
                                        .tls_client_ca = in_dir("ca.pem", ca),
                                        .clients_max = 16,
                                        .idle_seconds = 1 });
    snprintf(r.address, sizeof r.address, "tls:127.0.0.1:%u", wire_server_tls_port(r.server));
    for (size_t i = 0; i < SILENT; i++)
        fds[i] = tcp(&r);
    assert_ok(attempt(&r, "officer", "ca.pem", NULL, why, sizeof why));
    for (size_t i = 0; i < SILENT; i++) {
        assert_true(recv(fds[i], &octet, 1, 0) <= 0);
        close(fds[i]);
    }
    rig_stop(&r);
}

static void test_bad_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *ca, *crl, *named;
    } cases[] = {
        { "none.pem", "server.key", "ca.pem", NULL, "none.pem" },
        { "server.pem", "none.key", "ca.pem", NULL, "none.key" },
        { "server.pem", "officer.key", "ca.pem", NULL, "officer.key" },
        { "server.pem", "server.key", "none.pem", NULL, "none.pem" },
        { "server.pem", "server.key", NULL, NULL, "authority" },
        { "server.pem", "server.key", "ca.pem", "ca.pem", "revoked" },
    };
    struct event_base *base = event_base_new();
    const wire_handler handler = { rig_opened, rig_request, rig_closed, NULL };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        char cert[96], key[96], ca[96], crl[96], why[200];
        wire_server *s = NULL;
        wire_server_config config = { .tls_listen = "127.0.0.1:0",
                                      .tls_cert = in_dir(cases[i].cert, cert),
                                      .tls_key = in_dir(cases[i].key, key),
                                      .tls_client_ca = in_dir(cases[i].ca, ca),
                                      .tls_crl = in_dir(cases[i].crl, crl) };
        assert_err(wire_server_new(base, &config, &handler, &s, why, sizeof why), KF_E_BACKEND);
        assert_null(s);
        if (strstr(why, cases[i].named) == NULL)
            fail_msg("case %zu: %s", i, why);
    }
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_let_in),
        cmocka_unit_test(test_tls_1_3_and_a_certificate_are_needed),
        cmocka_unit_test(test_large_messages),
        cmocka_unit_test(test_silent_handshakes),
        cmocka_unit_test(test_bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}

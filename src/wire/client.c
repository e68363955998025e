#include "wire/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "wire/link.h"
#include "wire/parts.h"

#define TIMEOUT_USUAL_MS 30000u
#define SOCKET_FLAGS     (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define WHY_OCTETS       200u

struct wire_client {
    wire_link link;
    SSL_CTX *tls;
    wire_inbox in;
    uint32_t number; /* of the last request */
    unsigned timeout_ms;
    bool is_broken; /* what the next octets mean is not known any more */
    char why[WHY_OCTETS];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait for the socket until a deadline. @return false: the time is over. */
static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = deadline - now_ms();
        if (left < 0)
            return false;
        int n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

/* ---- connecting ---- */

static kf_err connect_one(const struct sockaddr *address, socklen_t len, int64_t deadline, int *out)
{
    int error = 0;
    socklen_t size = sizeof error;
    int fd = socket(address->sa_family, SOCKET_FLAGS, 0);
    if (fd < 0)
        return KF_E_BACKEND;
    bool is_good = connect(fd, address, len) == 0;
    /* EAGAIN: a Unix socket whose backlog is full; it never becomes ready by itself */
    while (!is_good && errno == EAGAIN && now_ms() < deadline) {
        const struct timespec moment = { 0, 5000000 };
        nanosleep(&moment, NULL);
        is_good = connect(fd, address, len) == 0;
    }
    if (!is_good && errno == EINPROGRESS) {
        if (!wait_for(fd, POLLOUT, deadline))
            error = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        is_good = error == 0;
        errno = error;
    }
    if (!is_good) {
        error = errno;
        close(fd);
        errno = error;
        return KF_E_BACKEND;
    }
    *out = fd;
    return KF_OK;
}

static kf_err connect_unix(const char *path, int64_t deadline, int *fd, char *why, size_t size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof address.sun_path) {
        snprintf(why, size, "a socket's path has 1 to %zu characters", sizeof address.sun_path - 1);
        return KF_E_MALFORMED;
    }
    memcpy(address.sun_path, path, len);
    kf_err err = connect_one((const struct sockaddr *)&address, sizeof address, deadline, fd);
    if (err != KF_OK)
        snprintf(why, size, "%s: %s", path, strerror(errno));
    return err;
}

static kf_err connect_tcp(const char *host, const char *port, int64_t deadline, int *fd, char *why,
                          size_t size)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        snprintf(why, size, "%s: %s", host, gai_strerror(failure));
        return KF_E_BACKEND;
    }
    kf_err err = KF_E_BACKEND;
    for (const struct addrinfo *a = found; a != NULL && err != KF_OK; a = a->ai_next)
        err = connect_one(a->ai_addr, a->ai_addrlen, deadline, fd);
    freeaddrinfo(found);
    const int on = 1;
    if (err != KF_OK)
        snprintf(why, size, "%s port %s: %s", host, port, strerror(errno));
    else if (setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        errno = 0; /* only slower */
    return err;
}

/* The certificate must be of that name, or of that address. */
static bool expect_name(SSL *ssl, const char *name)
{
    struct in6_addr ip;
    char host[WIRE_HOST_MAX]; /* the library's macro takes no const */
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
    if (inet_pton(AF_INET, name, &ip) == 1 || inet_pton(AF_INET6, name, &ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1;
    if (snprintf(host, sizeof host, "%s", name) >= (int)sizeof host)
        return false;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

static kf_err shake(wire_client *c, int64_t deadline, char *why, size_t size)
{
    char reason[WHY_OCTETS];
    for (;;) {
        wire_link_state state = wire_link_shake(&c->link);
        if (state == WIRE_LINK_DONE)
            return KF_OK;
        if (state == WIRE_LINK_END || state == WIRE_LINK_BROKEN) {
            wire_tls_reason(c->link.ssl, reason, sizeof reason);
            snprintf(why, size, "no TLS with the vault: %s", reason);
            return KF_E_BACKEND;
        }
        if (!wait_for(c->link.fd, state == WIRE_LINK_WANT_READ ? POLLIN : POLLOUT, deadline)) {
            snprintf(why, size, "no TLS with the vault: it did not answer in time");
            return KF_E_BACKEND;
        }
    }
}

static kf_err open_tls(wire_client *c, const wire_client_config *config, const char *address,
                       int64_t deadline, char *why, size_t size)
{
    char host[WIRE_HOST_MAX], port[6];
    if (wire_split_address(address, host, port) != KF_OK) {
        snprintf(why, size, "the address is not tls:HOST:PORT");
        return KF_E_MALFORMED;
    }
    kf_err err = wire_tls_client(config, &c->tls, why, size);
    if (err == KF_OK)
        err = connect_tcp(host, port, deadline, &c->link.fd, why, size);
    if (err != KF_OK)
        return err;
    err = wire_link_start(&c->link, c->tls, c->link.fd, false);
    const char *name = config->server_name == NULL ? host : config->server_name;
    if (err == KF_OK && !expect_name(c->link.ssl, name))
        err = KF_E_MALFORMED;
    if (err != KF_OK) {
        snprintf(why, size, "no TLS for the name %s", name);
        return err;
    }
    return shake(c, deadline, why, size);
}

static kf_err open_link(wire_client *c, const wire_client_config *config, char *why, size_t size)
{
    const int64_t deadline = now_ms() + c->timeout_ms;
    const char *a = config->address == NULL ? "" : config->address;
    if (strncmp(a, "unix:", 5) == 0)
        return connect_unix(a + 5, deadline, &c->link.fd, why, size);
    if (strncmp(a, "tls:", 4) == 0)
        return open_tls(c, config, a + 4, deadline, why, size);
    snprintf(why, size, "an address starts with unix: or tls:");
    return KF_E_MALFORMED;
}

kf_err wire_connect(const wire_client_config *config, wire_client **out, char *why, size_t size)
{
    *out = NULL;
    if (size > 0)
        why[0] = '\0';
    wire_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return KF_E_NO_MEMORY;
    c->link.fd = -1;
    c->timeout_ms = config->timeout_ms == 0 ? TIMEOUT_USUAL_MS : config->timeout_ms;
    kf_err err = open_link(c, config, why, size);
    if (err != KF_OK) {
        wire_disconnect(&c);
        return err;
    }
    *out = c;
    return KF_OK;
}

void wire_disconnect(wire_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    wire_client *c = *client;
    if (c->link.fd >= 0)
        wire_link_finish(&c->link);
    wire_link_close(&c->link);
    SSL_CTX_free(c->tls);
    wire_inbox_clear(&c->in);
    free(c);
    *client = NULL;
}

const char *wire_client_why(const wire_client *client)
{
    return client->why;
}

/* ---- asking ---- */

static kf_err fail(wire_client *c, kf_err err, const char *why)
{
    c->is_broken = true;
    snprintf(c->why, sizeof c->why, "%s", why);
    return err;
}

static kf_err broken(wire_client *c, const char *what)
{
    char reason[WHY_OCTETS / 2] = "the connection was cut";
    if (c->link.ssl != NULL)
        wire_tls_reason(c->link.ssl, reason, sizeof reason);
    c->is_broken = true;
    snprintf(c->why, sizeof c->why, "%s: %s", what, reason);
    return KF_E_BACKEND;
}

/* Wait for what the link wants. */
static kf_err wait_link(wire_client *c, wire_link_state state)
{
    short events = state == WIRE_LINK_WANT_READ ? POLLIN : POLLOUT;
    if (wait_for(c->link.fd, events, now_ms() + c->timeout_ms))
        return KF_OK;
    return fail(c, KF_E_BACKEND, "the vault did not answer in time");
}

/*
 * A vault that lets us go may have said why before it closed, so that a write that fails is no
 * failure yet: the reading finds out.
 */
static kf_err write_all(wire_client *c, kf_slice octets)
{
    while (octets.len > 0) {
        size_t put = 0;
        wire_link_state state = wire_link_write(&c->link, &octets, 1, &put);
        if (state == WIRE_LINK_END || state == WIRE_LINK_BROKEN)
            return KF_OK;
        octets = kf_slice_part(octets, put, octets.len);
        if (state != WIRE_LINK_DONE) {
            kf_err err = wait_link(c, state);
            if (err != KF_OK)
                return err;
        }
    }
    return KF_OK;
}

static kf_err read_some(wire_client *c, size_t want)
{
    uint8_t *at = NULL;
    size_t cap = 0, grown = 0, got = 0;
    if (wire_inbox_space(&c->in, want, &at, &cap, &grown) != KF_OK)
        return fail(c, KF_E_NO_MEMORY, "no memory that can be locked for the answer");
    wire_link_state state = wire_link_read(&c->link, at, cap, &got);
    c->in.len += got;
    switch (state) {
    case WIRE_LINK_DONE:
        return KF_OK;
    case WIRE_LINK_WANT_READ:
    case WIRE_LINK_WANT_WRITE:
        return wait_link(c, state);
    case WIRE_LINK_END:
        return fail(c, KF_E_BACKEND, "the vault closed the connection");
    case WIRE_LINK_BROKEN:
        break;
    }
    return broken(c, "no answer from the vault");
}

/* The next frame, whole: the first *len octets of *out. */
static kf_err read_frame(wire_client *c, kf_secret **out, size_t *len)
{
    for (;;) {
        kf_err err = wire_inbox_want(&c->in, len);
        if (err != KF_OK)
            return fail(c, KF_E_MALFORMED, "the answer is no frame of the vault protocol");
        if (*len > 0 && c->in.len >= *len) {
            err = wire_inbox_take(&c->in, *len, out);
            return err == KF_OK ? KF_OK : fail(c, err, "no memory that can be locked");
        }
        err = read_some(c, *len);
        if (err != KF_OK)
            return err;
    }
}

static void tell_progress(const wire_value *map, wire_on_progress *progress, void *ctx)
{
    if (progress != NULL)
        progress(ctx, (uint64_t)wire_get_int(map, "done", 0),
                 (uint64_t)wire_get_int(map, "total", 0), wire_get_text(map, "text"));
}

/* Is this a frame that may come now? */
static bool is_expected(const wire_client *c, const wire_frame *frame, const wire_value *map)
{
    if (map == NULL || map->type != WIRE_MAP || frame->kind == WIRE_REQUEST)
        return false;
    return frame->number == c->number || (frame->number == 0 && frame->kind == WIRE_FAILURE);
}

/* One frame: news are told, the outcome is kept. @param is_last it was the outcome. */
static kf_err hear(wire_client *c, wire_on_progress *progress, void *ctx, wire_outcome *out,
                   bool *is_last)
{
    wire_frame frame;
    kf_fault fault;
    size_t len = 0;
    wire_outcome o = { .is_done = false };
    kf_err err = read_frame(c, &o.octets, &len);
    if (err != KF_OK)
        return err;
    err = wire_frame_parse((kf_slice){ kf_secret_view(o.octets).ptr, len }, &frame, &fault);
    if (err == KF_OK)
        err = wire_tree_parse(frame.body, &o.tree, &fault);
    o.map = wire_tree_root(o.tree);
    if (err != KF_OK || !is_expected(c, &frame, o.map)) {
        wire_outcome_clear(&o);
        return err == KF_E_NO_MEMORY
                   ? fail(c, err, "no memory for the answer")
                   : fail(c, KF_E_MALFORMED, "the other end does not speak the vault protocol");
    }
    if (frame.kind == WIRE_PROGRESS) {
        tell_progress(o.map, progress, ctx);
        wire_outcome_clear(&o);
        return KF_OK;
    }
    if (frame.number == 0) /* about the connection, which ends */
        c->is_broken = true;
    o.is_done = frame.kind == WIRE_ANSWER;
    *out = o;
    *is_last = true;
    return KF_OK;
}

kf_err wire_ask(wire_client *client, wire_builder *request, wire_on_progress *progress, void *ctx,
                wire_outcome *out)
{
    wire_client *c = client;
    kf_slice frame;
    *out = (wire_outcome){ .is_done = false };
    if (c->is_broken)
        return KF_E_BACKEND;
    c->why[0] = '\0';
    c->number = c->number == UINT32_MAX ? 1 : c->number + 1;
    kf_err err = wire_builder_frame(request, WIRE_REQUEST, c->number, &frame);
    if (err != KF_OK) {
        snprintf(c->why, sizeof c->why, "the request has no encoding: %s", kf_err_text(err));
        return err;
    }
    err = write_all(c, frame);
    for (bool is_last = false; err == KF_OK && !is_last;)
        err = hear(c, progress, ctx, out, &is_last);
    return err;
}

void wire_outcome_clear(wire_outcome *outcome)
{
    wire_tree_free(&outcome->tree);
    kf_secret_free(&outcome->octets);
    *outcome = (wire_outcome){ .is_done = false };
}

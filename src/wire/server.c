#include "wire/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire/peer.h"

#define CLIENTS_USUAL 256u
#define IDLE_USUAL    300u
#define IDLE_MOST     (7u * 86400u)
#define MODE_USUAL    0660u
#define MEMORY_USUAL  ((size_t)64 << 20)
#define TURN_ACCEPTS  32u
#define SHAKING_LEAST 8u /* handshakes at once; a quarter of the clients where that is more */
#define LAST_MS       1000

static unsigned shaking_max(const wire_server *s)
{
    unsigned quarter = s->clients_max / 4;
    return quarter > SHAKING_LEAST ? quarter : SHAKING_LEAST;
}

/*
 * Strangers wait in the backlog while as many as may be are in their handshake: whoever is proven
 * keeps most of the places. A Unix peer's proof takes no time.
 */
static bool may_accept(const wire_server *s, bool is_tls)
{
    return !is_tls || (s->shaking_count < shaking_max(s) && s->peers_count < s->clients_max);
}

void server_listen_again(wire_server *s)
{
    if (s->on_tls != NULL && may_accept(s, true))
        event_add(s->on_tls, NULL);
}

/* No place: a Unix client is told, as far as one write goes. */
static void turn_away(int fd)
{
    kf_slice frame;
    wire_builder *b =
        call_refusal(&(wire_refusal){ .code = "busy",
                                      .what = "the vault takes no more connections",
                                      .why = "as many clients as it serves at once are connected",
                                      .remedy = "try again, or raise the number in its settings" },
                     NULL);
    if (b != NULL && wire_builder_frame(b, WIRE_FAILURE, 0, &frame) == KF_OK &&
        send(fd, frame.ptr, frame.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        errno = 0; /* it will see the end */
    wire_builder_free(&b);
    close(fd);
}

/* Out of descriptors or memory: asking again at once would spin. */
static void pause_accepting(wire_server *s)
{
    const struct timeval second = { 1, 0 };
    if (s->on_unix != NULL)
        event_del(s->on_unix);
    if (s->on_tls != NULL)
        event_del(s->on_tls);
    event_add(s->on_retry, &second);
}

static void accept_some(wire_server *s, const wire_listener *listener, bool is_tls)
{
    for (unsigned i = 0; i < TURN_ACCEPTS; i++) {
        if (!may_accept(s, is_tls)) {
            event_del(s->on_tls);
            return;
        }
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && s->peers_count >= s->clients_max) {
            turn_away(fd);
        } else if (fd >= 0) {
            peer_accept(s, fd, is_tls);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(s);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else that connection failed before we had it */
    }
}

static void on_unix(evutil_socket_t fd, short what, void *ctx)
{
    wire_server *s = ctx;
    (void)fd, (void)what;
    accept_some(s, &s->unix_listener, false);
}

static void on_tls(evutil_socket_t fd, short what, void *ctx)
{
    wire_server *s = ctx;
    (void)fd, (void)what;
    accept_some(s, &s->tls_listener, true);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    wire_server *s = ctx;
    (void)fd, (void)what;
    if (s->on_unix != NULL)
        event_add(s->on_unix, NULL);
    server_listen_again(s);
}

static bool make_event(wire_server *s, const wire_listener *listener, event_callback_fn call,
                       struct event **out)
{
    *out = event_new(s->base, listener->fd, EV_READ | EV_PERSIST, call, s);
    return *out != NULL && event_add(*out, NULL) == 0;
}

static kf_err start(wire_server *s, const wire_server_config *config, char *why, size_t size)
{
    kf_err err = KF_OK;
    s->on_retry = event_new(s->base, -1, 0, on_retry, s);
    bool is_good = s->on_retry != NULL;
    if (config->tls_listen != NULL) {
        err = wire_tls_server(config, &s->tls, why, size);
        if (err == KF_OK)
            err = wire_listen_tcp(config->tls_listen, &s->tls_listener, why, size);
        is_good = is_good && (err != KF_OK || make_event(s, &s->tls_listener, on_tls, &s->on_tls));
    }
    if (err == KF_OK && config->unix_path != NULL) {
        unsigned mode = config->unix_mode == 0 ? MODE_USUAL : config->unix_mode;
        err = wire_listen_unix(config->unix_path, mode, &s->unix_listener, why, size);
        is_good =
            is_good && (err != KF_OK || make_event(s, &s->unix_listener, on_unix, &s->on_unix));
    }
    if (err == KF_OK && !is_good) {
        snprintf(why, size, "no memory to listen");
        err = KF_E_NO_MEMORY;
    }
    return err;
}

kf_err wire_server_new(struct event_base *base, const wire_server_config *config,
                       const wire_handler *handler, wire_server **out, char *why, size_t size)
{
    *out = NULL;
    if (size > 0)
        why[0] = '\0';
    unsigned idle = config->idle_seconds == 0 ? IDLE_USUAL : config->idle_seconds;
    wire_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    *s = (wire_server){
        .base = base,
        .handler = *handler,
        .clients_max = config->clients_max == 0 ? CLIENTS_USUAL : config->clients_max,
        .idle_ms = (idle < IDLE_MOST ? idle : IDLE_MOST) * 1000,
        .frame_max = config->frame_max == 0 || config->frame_max > WIRE_FRAME_MAX
                         ? WIRE_FRAME_MAX
                         : config->frame_max,
        .memory_max = config->memory_max == 0 ? MEMORY_USUAL : config->memory_max,
        .unix_listener = { .fd = -1 },
        .tls_listener = { .fd = -1 },
    };
    kf_err err = start(s, config, why, size);
    if (err != KF_OK) {
        wire_server_free(&s);
        return err;
    }
    *out = s;
    return KF_OK;
}

unsigned wire_server_tls_port(const wire_server *server)
{
    return wire_listener_port(&server->tls_listener);
}

kf_err wire_server_reload_tls(wire_server *server, const wire_server_config *config, char *why,
                              size_t size)
{
    SSL_CTX *fresh = NULL;
    if (server->tls == NULL)
        return KF_OK;
    kf_err err = wire_tls_server(config, &fresh, why, size);
    if (err != KF_OK)
        return err;
    SSL_CTX_free(server->tls); /* peers that are connected hold on to theirs */
    server->tls = fresh;
    return KF_OK;
}

static void free_event(struct event **event)
{
    if (*event != NULL)
        event_free(*event);
    *event = NULL;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Write where there is something to write, until all is written or the time is over. */
static void drain(wire_server *s)
{
    const int64_t end = now_ms() + LAST_MS;
    int64_t left = LAST_MS;
    struct pollfd *fds = calloc(s->peers_count + 1, sizeof *fds);
    while (fds != NULL && left > 0) {
        nfds_t count = 0;
        for (peer *p = s->peers; p != NULL; p = p->next) {
            peer_flush(p);
            if (p->state != PEER_LOST && p->state != PEER_SHAKING && p->out_first != NULL)
                fds[count++] = (struct pollfd){ .fd = p->link.fd, .events = POLLOUT };
        }
        if (count == 0)
            break;
        poll(fds, count, (int)left);
        left = end - now_ms();
    }
    free(fds);
}

void wire_server_free(wire_server **server)
{
    if (server == NULL || *server == NULL)
        return;
    wire_server *s = *server;
    *server = NULL;
    free_event(&s->on_unix);
    free_event(&s->on_tls);
    free_event(&s->on_retry);
    wire_listener_close(&s->unix_listener);
    wire_listener_close(&s->tls_listener);
    drain(s);
    while (s->peers != NULL) {
        assert(!s->peers->is_busy); /* not from below a handler */
        if (s->peers->state != PEER_SHAKING && s->peers->state != PEER_LOST)
            wire_link_finish(&s->peers->link);
        peer_free(s->peers);
    }
    for (wire_call *c = s->orphans; c != NULL; c = c->next)
        c->server = NULL;
    SSL_CTX_free(s->tls);
    free(s);
}

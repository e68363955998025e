/**
 * @file rig.h A server in a thread of its own with verbs to test with, and raw peers.
 *
 * Verbs: "echo" answers the request; "fail"; "steps" tells three times how far it is; "large"
 * answers with `octets` octets; "hold" waits until `of` calls are held, then answers them in order
 * of falling number; "keep" is answered when the test lets go (rig_release), or at the end.
 */
#ifndef TESTS_WIRE_RIG_H
#define TESTS_WIRE_RIG_H

#include "support/testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "wire/client.h"
#include "wire/server.h"

#define RIG_CALLS_MAX 4096u

typedef struct rig {
    struct event_base *base;
    struct event *stop, *release;
    wire_server *server;
    pthread_t thread;
    int pipe_stop[2], pipe_release[2];
    char dir[64], path[96], address[112];
    bool denies;
    wire_call *held[RIG_CALLS_MAX], *kept[RIG_CALLS_MAX];
    uint32_t order[RIG_CALLS_MAX];
    size_t held_count, kept_count;
    wire_peer last; /* read after the peer had an answer */
    atomic_uint opened, closed, requests;
} rig;

static inline kf_err rig_opened(void *ctx, const wire_peer *who, void **session)
{
    rig *r = ctx;
    r->last = *who;
    *session = r;
    if (r->denies)
        return KF_E_DENIED;
    atomic_fetch_add(&r->opened, 1);
    return KF_OK;
}

static inline void rig_closed(void *ctx, void *session)
{
    rig *r = ctx;
    if (session != ctx)
        abort();
    atomic_fetch_add(&r->closed, 1);
}

static inline void rig_echo(wire_call *call)
{
    wire_builder *b = NULL;
    if (wire_builder_new(&b) == KF_OK)
        wire_put_value(b, NULL, wire_call_request(call));
    wire_answer(call, b);
    wire_builder_free(&b);
}

static inline void rig_large(wire_call *call)
{
    wire_builder *b = NULL;
    size_t len = (size_t)wire_get_int(wire_call_request(call), "octets", 0);
    uint8_t *octets = calloc(1, len + 1);
    if (octets != NULL && wire_builder_new(&b) == KF_OK) {
        wire_open_map(b, NULL);
        wire_put_octets(b, "octets", (kf_slice){ octets, len });
        wire_close(b);
    }
    wire_answer(call, b);
    wire_builder_free(&b);
    free(octets);
}

static inline void rig_hold(rig *r, wire_call *call)
{
    size_t of = (size_t)wire_get_int(wire_call_request(call), "of", 1);
    r->held[r->held_count++] = call;
    if (r->held_count < of)
        return;
    for (size_t i = r->held_count; i > 0; i--)
        rig_echo(r->held[i - 1]);
    r->held_count = 0;
}

static inline void rig_request(void *ctx, void *session, wire_call *call)
{
    rig *r = ctx;
    kf_slice verb = wire_get_text(wire_call_request(call), "verb");
    (void)session;
    atomic_fetch_add(&r->requests, 1);
    if (kf_slice_equal(verb, kf_slice_str("hold"))) {
        rig_hold(r, call);
    } else if (kf_slice_equal(verb, kf_slice_str("keep"))) {
        r->kept[r->kept_count++] = call;
    } else if (kf_slice_equal(verb, kf_slice_str("large"))) {
        rig_large(call);
    } else if (kf_slice_equal(verb, kf_slice_str("fail"))) {
        wire_fail(call,
                  &(wire_refusal){
                      .code = "not-ready", .field = "kid", .what = "a", .why = "b", .remedy = "c" },
                  NULL);
    } else {
        for (uint64_t i = 1; kf_slice_equal(verb, kf_slice_str("steps")) && i <= 3; i++)
            wire_progress(call, i, 3, "sealing");
        rig_echo(call);
    }
}

static inline void rig_let_go(rig *r)
{
    for (size_t i = 0; i < r->kept_count; i++)
        rig_echo(r->kept[i]);
    r->kept_count = 0;
}

static inline void rig_on_stop(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    event_base_loopbreak(((rig *)ctx)->base);
}

static inline void rig_on_release(evutil_socket_t fd, short what, void *ctx)
{
    char octet;
    (void)what;
    if (read(fd, &octet, 1) == 1)
        rig_let_go(ctx);
}

static inline void *rig_run(void *ctx)
{
    event_base_dispatch(((rig *)ctx)->base);
    return NULL;
}

/* Fills in the path of a socket in a directory of its own when the configuration asks for none. */
static inline void rig_start(rig *r, wire_server_config config)
{
    char why[200];
    memset(r, 0, sizeof *r);
    strcpy(r->dir, "/tmp/kf-wire-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof r->path, "%s/vault.sock", r->dir);
    snprintf(r->address, sizeof r->address, "unix:%s", r->path);
    config.unix_path = r->path;
    r->base = event_base_new();
    assert_non_null(r->base);
    const wire_handler handler = { rig_opened, rig_request, rig_closed, r };
    kf_err err = wire_server_new(r->base, &config, &handler, &r->server, why, sizeof why);
    if (err != KF_OK)
        fail_msg("%s: %s", kf_err_name(err), why);
    assert_int_equal(pipe(r->pipe_stop), 0);
    assert_int_equal(pipe(r->pipe_release), 0);
    r->stop = event_new(r->base, r->pipe_stop[0], EV_READ, rig_on_stop, r);
    r->release = event_new(r->base, r->pipe_release[0], EV_READ | EV_PERSIST, rig_on_release, r);
    event_add(r->stop, NULL);
    event_add(r->release, NULL);
    assert_int_equal(pthread_create(&r->thread, NULL, rig_run, r), 0);
}

static inline void rig_release(rig *r)
{
    assert_int_equal(write(r->pipe_release[1], "x", 1), 1);
}

/* Wait until the loop has counted that many. */
static inline void rig_await(atomic_uint *counter, unsigned count)
{
    for (unsigned i = 0; i < 5000 && atomic_load(counter) < count; i++)
        usleep(1000);
    assert_int_equal(atomic_load(counter), count);
}

static inline void rig_stop(rig *r)
{
    assert_int_equal(write(r->pipe_stop[1], "x", 1), 1);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    wire_server_free(&r->server);
    assert_int_equal(atomic_load(&r->closed), atomic_load(&r->opened));
    rig_let_go(r); /* to nobody: peers and server are gone */
    for (size_t i = 0; i < r->held_count; i++)
        rig_echo(r->held[i]);
    event_free(r->stop);
    event_free(r->release);
    event_base_free(r->base);
    for (int i = 0; i < 2; i++) {
        close(r->pipe_stop[i]);
        close(r->pipe_release[i]);
    }
    assert_int_not_equal(access(r->path, F_OK), 0);
    assert_int_equal(rmdir(r->dir), 0);
}

/* ---- peers ---- */

static inline wire_client *rig_connect(const rig *r)
{
    char why[200];
    wire_client *c = NULL;
    kf_err err = wire_connect(&(wire_client_config){ .address = r->address, .timeout_ms = 5000 },
                              &c, why, sizeof why);
    if (err != KF_OK)
        fail_msg("%s: %s", kf_err_name(err), why);
    return c;
}

static inline wire_builder *rig_verb(const char *verb, const char *name, int64_t number)
{
    wire_builder *b = NULL;
    assert_ok(wire_builder_new(&b));
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", verb);
    if (name != NULL)
        wire_put_int(b, name, number);
    wire_close(b);
    return b;
}

static inline kf_err rig_ask(wire_client *c, const char *verb, int64_t number, wire_outcome *out)
{
    wire_builder *b = rig_verb(verb, "octets", number);
    kf_err err = wire_ask(c, b, NULL, NULL, out);
    wire_builder_free(&b);
    return err;
}

static inline int rig_raw(const rig *r)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strcpy(a.sun_path, r->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* A request frame in buf. */
static inline kf_slice rig_frame(uint8_t *buf, size_t cap, uint32_t number, const char *verb,
                                 int64_t of)
{
    wire_builder *b = rig_verb(verb, "of", of);
    kf_slice body;
    assert_ok(wire_builder_done(b, &body));
    kf_writer w = kf_writer_init(buf, cap);
    wire_frame_write(&w, &(wire_frame){ WIRE_REQUEST, number, body });
    wire_builder_free(&b);
    assert_ok(w.err);
    return kf_writer_slice(&w);
}

static inline void rig_send(int fd, kf_slice octets)
{
    assert_int_equal(send(fd, octets.ptr, octets.len, MSG_NOSIGNAL), octets.len);
}

/* The next frame from a raw peer; false at its end. Body in buf. */
static inline bool rig_receive(int fd, uint8_t *buf, size_t cap, wire_frame *out)
{
    size_t want = 0;
    kf_fault fault;
    if (recv(fd, buf, 4, MSG_WAITALL) != 4)
        return false;
    assert_ok(wire_frame_octets((kf_slice){ buf, 4 }, &want));
    assert_true(want <= cap);
    if (recv(fd, buf + 4, want - 4, MSG_WAITALL) != (ssize_t)(want - 4))
        return false;
    assert_ok(wire_frame_parse((kf_slice){ buf, want }, out, &fault));
    return true;
}

#endif

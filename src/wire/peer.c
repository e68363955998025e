#include "wire/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct timeval from_ms(unsigned ms)
{
    return (struct timeval){ ms / 1000, (suseconds_t)(ms % 1000) * 1000 };
}

static void turn_soon(peer *p)
{
    static const struct timeval now = { 0, 0 };
    event_add(p->on_turn, &now); /* after the loop has looked at everybody's sockets */
}

void peer_lose(peer *p)
{
    if (p->state == PEER_SHAKING)
        p->server->shaking_count--;
    p->state = PEER_LOST;
    if (!p->is_busy)
        turn_soon(p);
}

/* ---- out ---- */

static void out_pop(peer *p)
{
    out_frame *f = p->out_first;
    p->out_first = f->next;
    if (p->out_first == NULL)
        p->out_last = NULL;
    kf_secret_free(&f->octets);
    free(f);
}

/* A peer that asks and does not read what it gets is let go before it holds all our memory. */
static void out_push(peer *p, kf_secret *octets, size_t len)
{
    out_frame *f = malloc(sizeof *f);
    if (f == NULL || p->out_octets + len > 2 * (p->server->frame_max + PEER_OUT_HIGH)) {
        free(f);
        kf_secret_free(&octets);
        peer_lose(p);
        return;
    }
    *f = (out_frame){ NULL, octets, len, 0 };
    if (p->out_last == NULL)
        p->out_first = f;
    else
        p->out_last->next = f;
    p->out_last = f;
    p->out_octets += len;
}

static void send_unsendable(peer *p, uint32_t number, kf_err err)
{
    const bool is_large = err == KF_E_NO_SPACE;
    kf_slice frame;
    wire_builder *b = call_refusal(
        &(wire_refusal){ .code = is_large ? "too-large" : "internal",
                         .what = "the request was carried out, but its answer cannot be sent",
                         .why = is_large ? "it is longer than a frame can be" : kf_err_text(err),
                         .remedy = is_large ? "ask for less at a time" : "tell the operator" },
        NULL);
    if (b == NULL || wire_builder_frame(b, WIRE_FAILURE, number, &frame) != KF_OK)
        peer_lose(p);
    else
        out_push(p, wire_builder_take(b), frame.len);
    wire_builder_free(&b);
}

void peer_send(peer *p, wire_kind kind, uint32_t number, wire_builder *b)
{
    kf_slice frame = { NULL, 0 };
    if (p->state == PEER_LOST)
        return;
    kf_err err = b == NULL ? KF_E_NO_MEMORY : wire_builder_frame(b, kind, number, &frame);
    if (err == KF_OK && frame.len > 4 + p->server->frame_max)
        err = KF_E_NO_SPACE;
    if (err == KF_OK && frame.ptr[WIRE_HEAD_OCTETS] != WIRE_MAP)
        err = KF_E_MALFORMED;
    if (err == KF_OK)
        out_push(p, wire_builder_take(b), frame.len);
    else
        send_unsendable(p, number, err);
}

static void out_sent(peer *p, size_t octets)
{
    p->out_octets -= octets;
    while (octets > 0) {
        out_frame *f = p->out_first;
        size_t n = f->len - f->sent < octets ? f->len - f->sent : octets;
        f->sent += n;
        octets -= n;
        if (f->sent == f->len)
            out_pop(p);
    }
}

static bool write_some(peer *p)
{
    kf_slice parts[TURN_WRITES];
    size_t count = 0, put = 0;
    for (const out_frame *f = p->out_first; f != NULL && count < TURN_WRITES; f = f->next)
        parts[count++] = (kf_slice){ kf_secret_view(f->octets).ptr + f->sent, f->len - f->sent };
    switch (wire_link_write(&p->link, parts, count, &put)) {
    case WIRE_LINK_DONE:
        out_sent(p, put);
        p->wait = WAIT_ANEW; /* it moves */
        return true;
    case WIRE_LINK_WANT_READ:
    case WIRE_LINK_WANT_WRITE:
        return false;
    case WIRE_LINK_END:
    case WIRE_LINK_BROKEN:
        break;
    }
    peer_lose(p);
    return false;
}

static void watch_time(peer *p);

void peer_flush(peer *p)
{
    if (p->state == PEER_SHAKING || p->state == PEER_LOST)
        return;
    const bool had = p->out_first != NULL;
    for (unsigned i = 0; p->out_first != NULL && i < 2 * TURN_WRITES; i++)
        if (!write_some(p))
            break;
    if (p->state == PEER_LOST)
        return;
    if (p->out_first != NULL) {
        event_add(p->on_write, NULL);
    } else if (!p->read_wants_write) {
        event_del(p->on_write);
    }
    if (had && p->out_first == NULL && p->state == PEER_LEAVING)
        wire_link_finish(&p->link);
    if (p->state == PEER_ENDED && p->out_first == NULL && p->calls == NULL)
        peer_lose(p);
    watch_time(p);
}

/* ---- time ---- */

static peer_wait wait_of(const peer *p)
{
    if (p->state == PEER_SHAKING)
        return WAIT_SHAKE;
    if (p->state == PEER_LEAVING)
        return WAIT_LEAVE;
    if (p->out_first != NULL)
        return WAIT_READER;
    if (p->in.len > 0 && !p->is_paused && p->state == PEER_OPEN)
        return WAIT_FRAME;
    return p->calls == NULL ? WAIT_REQUEST : WAIT_NOTHING;
}

/* The time of a wait runs from its start; single octets do not stretch it. */
static void watch_time(peer *p)
{
    peer_wait wait = wait_of(p);
    if (p->state == PEER_LOST || wait == p->wait)
        return;
    p->wait = wait;
    if (wait == WAIT_NOTHING) {
        event_del(p->on_time);
        return;
    }
    struct timeval t = from_ms(wait == WAIT_REQUEST ? p->server->idle_ms : p->server->idle_ms / 10);
    event_add(p->on_time, &t);
}

/* ---- in ---- */

static bool has_room_for_a_call(const peer *p)
{
    return p->calls_count < PEER_CALLS_MAX && p->out_octets < PEER_OUT_HIGH &&
           (p->calls == NULL || p->calls_octets < PEER_CALLS_OCTETS);
}

void peer_resume(peer *p)
{
    if (!p->is_paused || p->state != PEER_OPEN || !has_room_for_a_call(p))
        return;
    p->is_paused = false;
    event_add(p->on_read, NULL);
    turn_soon(p);
}

static void pause_reading(peer *p)
{
    p->is_paused = true;
    event_del(p->on_read);
}

/* The other end writes no more. A Unix socket also tells whether it still reads. */
static void end_of_input(peer *p)
{
    struct pollfd poll_fd = { .fd = p->link.fd };
    event_del(p->on_read);
    if (p->state != PEER_OPEN || (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0)) {
        peer_lose(p);
        return;
    }
    p->state = PEER_ENDED; /* what is left of a frame stays unfinished */
    wire_inbox_clear(&p->in);
}

static void forget_growth(peer *p)
{
    p->server->cost -= p->in_grown;
    p->in_grown = 0;
}

/* @return whether something came. */
static bool read_some(peer *p, size_t want)
{
    uint8_t *at = NULL;
    size_t cap = 0, grown = 0, got = 0;
    if (wire_inbox_space(&p->in, want, &at, &cap, &grown) != KF_OK) {
        peer_lose(p);
        return false;
    }
    p->in_grown += grown;
    p->server->cost += grown;
    if (grown > 0 && p->server->cost > p->server->memory_max) {
        peer_lose(p);
        return false;
    }
    switch (wire_link_read(&p->link, at, cap, &got)) {
    case WIRE_LINK_DONE:
        p->in.len += got;
        return true;
    case WIRE_LINK_WANT_READ:
        break;
    case WIRE_LINK_WANT_WRITE:
        p->read_wants_write = true;
        event_add(p->on_write, NULL);
        break;
    case WIRE_LINK_END:
        end_of_input(p);
        break;
    case WIRE_LINK_BROKEN:
        peer_lose(p);
        break;
    }
    return false;
}

static void take_request(peer *p, size_t want)
{
    kf_secret *octets = NULL;
    kf_err err = wire_inbox_take(&p->in, want, &octets);
    forget_growth(p);
    p->wait = WAIT_ANEW;
    if (err == KF_OK)
        err = call_take(p, octets, want);
    if (err != KF_OK)
        peer_lose(p);
}

/* Requests of one turn: a peer that always has more comes again after the others. */
static void read_requests(peer *p)
{
    unsigned requests = 0, reads = 0;
    while (p->state == PEER_OPEN) {
        size_t want = 0;
        if (!has_room_for_a_call(p)) {
            pause_reading(p);
            return;
        }
        if (requests == TURN_REQUESTS || reads == TURN_READS) {
            turn_soon(p);
            return;
        }
        if (wire_inbox_want(&p->in, &want) != KF_OK || want > 4 + p->server->frame_max) {
            peer_lose(p);
        } else if (want > 0 && p->in.len >= want) {
            take_request(p, want);
            requests++;
        } else if (read_some(p, want)) {
            reads++;
        } else {
            return;
        }
    }
}

/* Whoever was refused is heard no more; when it goes, we go. */
static void read_nothing(peer *p)
{
    for (unsigned i = 0; i < TURN_READS && p->state == PEER_LEAVING; i++) {
        p->in.len = 0;
        if (!read_some(p, 0))
            return;
    }
    if (p->state == PEER_LEAVING && wire_link_has_more(&p->link))
        turn_soon(p);
}

/* ---- coming and going ---- */

static void tell_denied(peer *p)
{
    wire_builder *b = call_refusal(
        &(wire_refusal){ .code = "denied",
                         .what = "the vault does not talk to you",
                         .why = p->who.is_tls ? "the certificate's name has no role here"
                                              : "the user of this process has no role here",
                         .remedy = "ask the operator of the vault for a role" },
        NULL);
    p->state = PEER_LEAVING;
    peer_send(p, WIRE_FAILURE, 0, b);
    wire_builder_free(&b);
}

static void open_session(peer *p)
{
    const wire_handler *h = &p->server->handler;
    p->state = PEER_OPEN;
    kf_err err = h->opened(h->ctx, &p->who, &p->session);
    if (err == KF_OK)
        p->has_session = true;
    else if (err == KF_E_DENIED)
        tell_denied(p);
    else
        peer_lose(p);
}

static void shake(peer *p)
{
    switch (wire_link_shake(&p->link)) {
    case WIRE_LINK_WANT_READ:
        event_del(p->on_write);
        return;
    case WIRE_LINK_WANT_WRITE:
        event_add(p->on_write, NULL);
        return;
    case WIRE_LINK_END:
    case WIRE_LINK_BROKEN:
        peer_lose(p);
        return;
    case WIRE_LINK_DONE:
        break;
    }
    event_del(p->on_write);
    p->server->shaking_count--;
    p->state = PEER_OPEN;
    if (p->link.ssl != NULL && wire_tls_identify(p->link.ssl, &p->who) != KF_OK)
        peer_lose(p);
    else
        open_session(p);
    server_listen_again(p->server);
}

/* A turn: everything that an event of this peer can lead to. */
static void turn(peer *p)
{
    p->is_busy = true;
    p->read_wants_write = false;
    if (p->state == PEER_SHAKING)
        shake(p);
    peer_flush(p);
    if (p->state == PEER_OPEN && !p->is_paused)
        read_requests(p);
    else if (p->state == PEER_LEAVING)
        read_nothing(p);
    peer_flush(p);
    peer_resume(p);
    p->is_busy = false;
    peer_settle(p);
}

void peer_settle(peer *p)
{
    if (p->state == PEER_LOST)
        peer_free(p);
    else
        watch_time(p);
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    turn(ctx);
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    peer *p = ctx;
    (void)fd, (void)what;
    peer_lose(p);
    peer_settle(p);
}

static bool make_events(peer *p, int fd)
{
    struct event_base *base = p->server->base;
    p->on_read = event_new(base, fd, EV_READ | EV_PERSIST, on_socket, p);
    p->on_write = event_new(base, fd, EV_WRITE | EV_PERSIST, on_socket, p);
    p->on_time = event_new(base, -1, 0, on_time, p);
    p->on_turn = event_new(base, -1, 0, on_socket, p);
    return p->on_read != NULL && p->on_write != NULL && p->on_time != NULL && p->on_turn != NULL;
}

static void free_events(peer *p)
{
    struct event *const all[] = { p->on_read, p->on_write, p->on_time, p->on_turn };
    for (size_t i = 0; i < KF_COUNT(all); i++)
        if (all[i] != NULL)
            event_free(all[i]);
}

static bool identify_unix(int fd, wire_peer *out)
{
    struct ucred ids;
    socklen_t len = sizeof ids;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ids, &len) != 0 || len != sizeof ids)
        return false;
    *out = (wire_peer){ .uid = ids.uid, .gid = ids.gid, .pid = ids.pid };
    return true;
}

static void discard(peer *p, int fd)
{
    free_events(p);
    free(p);
    close(fd);
}

void peer_accept(struct wire_server *s, int fd, bool is_tls)
{
    peer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        close(fd);
        return;
    }
    p->server = s;
    p->link.fd = fd;
    const int on = 1;
    if (is_tls && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        errno = 0; /* only slower */
    bool is_good = make_events(p, fd) && event_add(p->on_read, NULL) == 0;
    if (is_good && is_tls)
        is_good = wire_link_start(&p->link, s->tls, fd, true) == KF_OK;
    else if (is_good)
        is_good = identify_unix(fd, &p->who);
    if (!is_good) {
        discard(p, fd);
        return;
    }
    p->next = s->peers;
    if (s->peers != NULL)
        s->peers->prev = p;
    s->peers = p;
    s->peers_count++;
    s->shaking_count++;
    turn(p);
}

void peer_free(peer *p)
{
    struct wire_server *s = p->server;
    if (p->state == PEER_SHAKING)
        s->shaking_count--;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        s->peers = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    s->peers_count--;
    free_events(p);
    calls_orphan(p);
    while (p->out_first != NULL)
        out_pop(p);
    forget_growth(p);
    wire_inbox_clear(&p->in);
    wire_link_close(&p->link);
    if (p->has_session)
        s->handler.closed(s->handler.ctx, p->session);
    free(p);
    server_listen_again(s);
}

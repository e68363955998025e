#include "lab/node.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lab/pcap.h"

#define PORTS_MAX       2u
#define RECEIVE_AT_ONCE 64u /* datagrams before others have their turn */
#define IDLE_SECONDS    30  /* of a connection that asks nothing */
#define SEND_SECONDS    10  /* of one that does not read its answer */
#define RECEIVE_BUFFER  (4 << 20)

typedef struct port {
    lab_node *node;
    unsigned number;
    int fd;
    struct sockaddr_in address;
    struct event *event;
} port;

/* A connection to the control socket. */
typedef struct client {
    lab_node *node;
    struct bufferevent *bev; /* NULL: free */
    bool is_waiting, is_ending;
    char line[LAB_CONTROL_LINE_MAX];
    lab_request request; /* borrows from line */
    int64_t since;
} client;

struct lab_node {
    const lab_node_config *config;
    lab_role role;
    lab_listener listener;
    struct event_base *base;
    struct event *second, *soon, *after, *terminate, *interrupt, *accept;
    void (*after_fn)(void *ctx);
    void *after_ctx;
    lab_pcap *pcap;
    port ports[PORTS_MAX];
    unsigned port_count;
    int control;
    bool has_path; /* the control socket's file is ours */
    client clients[LAB_CLIENTS_MAX];
    bool has_failed;
    lab_trouble trouble;
    uint8_t datagram[LAB_DATAGRAM_MAX];
};

/* ---- time ---- */

static kf_time wall(struct timespec *at)
{
    (void)clock_gettime(CLOCK_REALTIME, at);
    return (kf_time)at->tv_sec;
}

static kf_time now_of(void)
{
    struct timespec at;
    return wall(&at);
}

int64_t lab_node_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* ---- events ---- */

void lab_node_emit(lab_node *node, json_t *event)
{
    char text[KF_TIME_TEXT_OCTETS];
    kf_time_format(now_of(), text);
    if (event != NULL && json_object_set_new(event, "time", json_string(text)) == 0 &&
        node->listener.event != NULL)
        node->listener.event(node->listener.ctx, event);
    json_decref(event);
}

/* ---- the control socket: answers ---- */

static void client_free(client *c)
{
    if (c->bev != NULL)
        bufferevent_free(c->bev);
    c->bev = NULL;
    c->is_waiting = c->is_ending = false;
}

/* Takes the answer. */
static void reply(client *c, json_t *answer)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    const char *line = text == NULL ? "{\"ok\":false,\"code\":\"no-memory\"}" : text;
    const struct timeval read_for = { IDLE_SECONDS, 0 }, write_for = { SEND_SECONDS, 0 };
    json_decref(answer);
    c->is_waiting = false;
    bufferevent_set_timeouts(c->bev, &read_for, &write_for);
    if (bufferevent_write(c->bev, line, strlen(line)) != 0 ||
        bufferevent_write(c->bev, "\n", 1) != 0)
        c->is_ending = true;
    free(text);
}

static json_t *help_of(const lab_verb *verbs)
{
    json_t *list = json_array();
    char usage[256];
    for (const lab_verb *v = verbs; v->name != NULL; v++)
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "request",
                                                    lab_verb_usage(v, usage, sizeof usage),
                                                    "summary", v->summary));
    return json_pack("{s:b, s:o}", "ok", 1, "requests", list);
}

/* Ask the role, once more or for the first time. */
static void ask(client *c, bool is_first)
{
    lab_node *node = c->node;
    const lab_asked asked = { &c->request, is_first, lab_node_ms() - c->since };
    json_t *answer = NULL;
    if (strcmp(c->request.verb->name, "help") == 0) {
        answer = help_of(node->role.verbs);
    } else if (strcmp(c->request.verb->name, "quit") == 0) {
        answer = json_pack("{s:b}", "ok", 1);
        c->is_ending = true;
        lab_node_stop(node, NULL);
    } else {
        answer = node->role.answer(node->role.ctx, now_of(), &asked);
        if (answer == NULL) {
            bufferevent_set_timeouts(c->bev, NULL, NULL); /* the request has its own end */
            c->is_waiting = true;
            return;
        }
    }
    reply(c, answer);
    lab_node_wake(node);
}

static json_t *bad_request(const lab_verb *verbs, kf_slice line, const kf_fault *fault)
{
    lab_trouble t;
    char usage[256];
    (void)lab_trouble_set(&t, fault->code, fault->field == NULL ? "" : fault->field,
                          "the request is not understood", "", "ask: help");
    t.at = fault->at;
    t.has_at = true;
    lab_trouble_why(&t, "%s", kf_err_text(fault->code));
    if (fault->code == KF_E_UNSUPPORTED)
        lab_trouble_why(&t, "there is no such request here");
    for (const lab_verb *v = verbs; v->name != NULL; v++) {
        const size_t len = strlen(v->name);
        if (line.len >= len && memcmp(line.ptr, v->name, len) == 0 &&
            (line.len == len || line.ptr[len] == ' '))
            lab_trouble_do(&t, "write it as: %s", lab_verb_usage(v, usage, sizeof usage));
    }
    return lab_trouble_json(&t);
}

static void take_line(client *c, size_t len)
{
    kf_fault fault = { .code = KF_OK };
    const kf_slice line = { (const uint8_t *)c->line, len };
    const kf_err err = lab_request_parse(line, c->node->role.verbs, &c->request, &fault);
    c->since = lab_node_ms();
    if (err == KF_OK) {
        ask(c, true);
        return;
    }
    fault.code = err;
    reply(c, bad_request(c->node->role.verbs, line, &fault));
}

static void too_long(client *c)
{
    lab_trouble t;
    (void)lab_trouble_set(&t, KF_E_NO_SPACE, "control.verb", "the request is not understood",
                          "it is longer than 1,023 characters", "ask: help");
    reply(c, lab_trouble_json(&t));
    c->is_ending = true;
}

/* One request at a time: the next one is looked at when this one was answered. */
static void read_requests(client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    while (!c->is_waiting && !c->is_ending) {
        const struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
        if (end.pos < 0 ? evbuffer_get_length(in) >= LAB_CONTROL_LINE_MAX
                        : (size_t)end.pos >= LAB_CONTROL_LINE_MAX) {
            too_long(c);
        } else if (end.pos < 0) {
            return;
        } else {
            const size_t len = (size_t)end.pos;
            (void)evbuffer_remove(in, c->line, len);
            (void)evbuffer_drain(in, 1);
            take_line(c, len);
        }
    }
}

/* Free it when there is nothing left to say. */
static void finish(client *c)
{
    if (c->bev != NULL && c->is_ending && !c->is_waiting &&
        evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
        client_free(c);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    client *c = ctx;
    (void)bev;
    read_requests(c);
    finish(c);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    finish(ctx);
}

static void on_end(struct bufferevent *bev, short what, void *ctx)
{
    client *c = ctx;
    (void)bev;
    if ((what & BEV_EVENT_EOF) == 0) {
        client_free(c); /* broken, or idle for too long */
        return;
    }
    /* It asks no more, and may still wait for an answer. */
    c->is_ending = true;
    finish(c);
}

/* ---- the control socket: connections ---- */

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void on_accept(evutil_socket_t listener, short what, void *ctx)
{
    lab_node *node = ctx;
    const struct timeval idle = { IDLE_SECONDS, 0 };
    const int fd = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    client *c = NULL;
    (void)what;
    if (fd < 0)
        return;
    for (size_t i = 0; c == NULL && i < LAB_CLIENTS_MAX; i++)
        c = node->clients[i].bev == NULL ? &node->clients[i] : NULL;
    if (c == NULL || !is_ours(fd) ||
        (c->bev = bufferevent_socket_new(node->base, fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
        (void)close(fd);
        return;
    }
    c->node = node;
    c->is_waiting = c->is_ending = false;
    bufferevent_setwatermark(c->bev, EV_READ, 0, LAB_CONTROL_LINE_MAX);
    bufferevent_setcb(c->bev, on_read, on_written, on_end, c);
    bufferevent_set_timeouts(c->bev, &idle, NULL);
    (void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void ask_again(lab_node *node)
{
    for (size_t i = 0; i < LAB_CLIENTS_MAX; i++) {
        client *c = &node->clients[i];
        if (c->bev == NULL || !c->is_waiting)
            continue;
        ask(c, false);
        if (!c->is_waiting)
            read_requests(c);
        finish(c);
    }
}

/* ---- turns ---- */

static void turn(lab_node *node)
{
    if (node->role.turn(node->role.ctx, now_of()))
        lab_node_wake(node);
    ask_again(node);
}

static void on_soon(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    turn(ctx);
}

static void on_after(evutil_socket_t fd, short what, void *ctx)
{
    lab_node *node = ctx;
    (void)fd;
    (void)what;
    if (node->after_fn != NULL)
        node->after_fn(node->after_ctx);
    lab_node_wake(node);
}

void lab_node_wake(lab_node *node)
{
    const struct timeval now = { 0, 0 };
    if (evtimer_pending(node->soon, NULL) == 0)
        (void)evtimer_add(node->soon, &now);
}

void lab_node_after(lab_node *node, int64_t ms, void (*fn)(void *ctx), void *ctx)
{
    const int64_t wait = ms < 0 ? 0 : ms;
    const struct timeval in = { (time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000) };
    node->after_fn = fn;
    node->after_ctx = ctx;
    (void)evtimer_add(node->after, &in);
}

/* ---- UDP ---- */

static void capture(lab_node *node, const struct sockaddr_in *from, const struct sockaddr_in *to,
                    kf_slice octets)
{
    struct timespec at;
    const kf_time now = wall(&at);
    if (node->pcap != NULL)
        lab_pcap_add(node->pcap, from, to, now, (uint32_t)(at.tv_nsec / 1000), octets);
}

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
    port *p = ctx;
    lab_node *node = p->node;
    (void)what;
    for (unsigned i = 0; i < RECEIVE_AT_ONCE; i++) {
        struct sockaddr_in from = { .sin_family = AF_INET };
        socklen_t len = sizeof from;
        const ssize_t n = recvfrom((int)fd, node->datagram, sizeof node->datagram, 0,
                                   (struct sockaddr *)&from, &len);
        if (n < 0)
            break;
        if (len < sizeof from || from.sin_family != AF_INET)
            continue;
        const kf_slice octets = { node->datagram, (size_t)n };
        capture(node, &from, &p->address, octets);
        node->role.datagram(node->role.ctx, p->number, now_of(), &from, octets);
    }
    turn(node);
}

void lab_node_send(lab_node *node, unsigned number, const struct sockaddr_in *to, kf_slice octets)
{
    const port *p = &node->ports[number];
    if (number >= node->port_count || to->sin_port == 0)
        return;
    const ssize_t n = sendto(p->fd, octets.ptr, octets.len, MSG_DONTWAIT,
                             (const struct sockaddr *)to, sizeof *to);
    if (n >= 0 && (size_t)n == octets.len)
        capture(node, &p->address, to, octets);
}

static kf_err no_port(const struct sockaddr_in *address, const char *field, int system,
                      lab_trouble *trouble)
{
    char text[LAB_ADDRESS_TEXT];
    (void)lab_trouble_set(trouble, KF_E_BACKEND, field, "a UDP port cannot be opened", "",
                          system == EADDRINUSE
                              ? "stop the process that has it, or choose another address"
                              : "give an address of this machine");
    trouble->code = "network";
    lab_trouble_why(trouble, "%s: %s", lab_address_text(address, text), strerror(system));
    return KF_E_BACKEND;
}

static kf_err open_port(lab_node *node, const struct sockaddr_in *address, const char *field,
                        lab_trouble *trouble)
{
    port *p = &node->ports[node->port_count];
    const int room = RECEIVE_BUFFER;
    *p = (port){ .node = node, .number = node->port_count, .address = *address };
    p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        return no_port(address, field, errno, trouble);
    if (bind(p->fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        const int saved = errno;
        (void)close(p->fd);
        return no_port(address, field, saved, trouble);
    }
    (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    node->port_count++;
    p->event = event_new(node->base, p->fd, EV_READ | EV_PERSIST, on_datagram, p);
    if (p->event == NULL || event_add(p->event, NULL) != 0)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, field, "a UDP port cannot be opened",
                               kf_err_text(KF_E_NO_MEMORY), "");
    return KF_OK;
}

kf_err lab_node_second_port(lab_node *node, const struct sockaddr_in *address, const char *field,
                            lab_trouble *trouble)
{
    return open_port(node, address, field, trouble);
}

/* ---- making the control socket ---- */

static kf_err no_control(const lab_node *node, int system, lab_trouble *trouble)
{
    (void)lab_trouble_set(trouble, KF_E_BACKEND, "control", "the control socket cannot be made", "",
                          "check the directory, or move away what has that name");
    trouble->code = "file";
    lab_trouble_why(trouble, "%s: %s", node->config->control, strerror(system));
    return KF_E_BACKEND;
}

/* Does a process serve it? A socket file that none does was left by a crash, and is removed. */
static kf_err clear_path(const lab_node *node, const struct sockaddr_un *name, lab_trouble *trouble)
{
    struct stat st;
    if (lstat(name->sun_path, &st) != 0)
        return errno == ENOENT ? KF_OK : no_control(node, errno, trouble);
    if (!S_ISSOCK(st.st_mode))
        return no_control(node, EEXIST, trouble);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return no_control(node, errno, trouble);
    const bool is_dead =
        connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    if (is_dead)
        return unlink(name->sun_path) == 0 ? KF_OK : no_control(node, errno, trouble);
    (void)lab_trouble_set(trouble, KF_E_STATE, "control", "the control socket is in use", "",
                          "stop the other process (`quit`), or give this one another socket");
    lab_trouble_why(trouble, "%s: a process listens there", node->config->control);
    return KF_E_STATE;
}

static kf_err open_control(lab_node *node, lab_trouble *trouble)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", node->config->control);
    kf_err err = clear_path(node, &name, trouble);
    if (err != KF_OK)
        return err;
    node->control = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The mode of the file is that of the socket when it is bound: it is never open to others. */
    if (node->control < 0 || fchmod(node->control, 0600) != 0 ||
        bind(node->control, (const struct sockaddr *)&name, sizeof name) != 0)
        return no_control(node, errno, trouble);
    node->has_path = true;
    if (listen(node->control, (int)LAB_CLIENTS_MAX) != 0)
        return no_control(node, errno, trouble);
    node->accept = event_new(node->base, node->control, EV_READ | EV_PERSIST, on_accept, node);
    if (node->accept == NULL || event_add(node->accept, NULL) != 0)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, "control",
                               "the control socket cannot be made", kf_err_text(KF_E_NO_MEMORY),
                               "");
    return KF_OK;
}

/* ---- life ---- */

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)number;
    (void)what;
    lab_node_stop(ctx, NULL);
}

static kf_err make_loop(lab_node *node, lab_trouble *trouble)
{
    const struct timeval second = { 1, 0 };
    node->base = event_base_new();
    if (node->base != NULL) {
        node->second = event_new(node->base, -1, EV_PERSIST, on_soon, node);
        node->soon = evtimer_new(node->base, on_soon, node);
        node->after = evtimer_new(node->base, on_after, node);
        node->terminate = evsignal_new(node->base, SIGTERM, on_signal, node);
        node->interrupt = evsignal_new(node->base, SIGINT, on_signal, node);
    }
    if (node->base == NULL || node->second == NULL || node->soon == NULL || node->after == NULL ||
        node->terminate == NULL || node->interrupt == NULL ||
        event_add(node->second, &second) != 0 || event_add(node->terminate, NULL) != 0 ||
        event_add(node->interrupt, NULL) != 0)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, "", "the event loop cannot be made",
                               kf_err_text(KF_E_NO_MEMORY), "");
    return KF_OK;
}

static kf_err open_capture(lab_node *node, lab_trouble *trouble)
{
    if (node->config->capture[0] == '\0' ||
        lab_pcap_open(node->config->capture, &node->pcap) == KF_OK)
        return KF_OK;
    (void)lab_trouble_set(trouble, KF_E_BACKEND, "capture", "the capture cannot be made", "",
                          "check that its directory exists and that you may write there");
    trouble->code = "file";
    lab_trouble_why(trouble, "%.200s: %s", node->config->capture, strerror(errno));
    return KF_E_BACKEND;
}

kf_err lab_node_new(const lab_node_config *config, const lab_role *role,
                    const lab_listener *listener, lab_node **out, lab_trouble *trouble)
{
    lab_node *node = calloc(1, sizeof *node);
    *out = NULL;
    if (node == NULL)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, "", "the event loop cannot be made",
                               kf_err_text(KF_E_NO_MEMORY), "");
    node->config = config;
    node->role = *role;
    node->listener = *listener;
    node->control = -1;
    (void)signal(SIGPIPE, SIG_IGN); /* a listener that went away is no reason to die */
    kf_err err = make_loop(node, trouble);
    if (err == KF_OK)
        err = open_port(node, &config->listen, "listen", trouble);
    if (err == KF_OK)
        err = open_capture(node, trouble);
    if (err == KF_OK)
        err = open_control(node, trouble);
    if (err != KF_OK)
        lab_node_free(&node);
    *out = node;
    return err;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void lab_node_free(lab_node **pointer)
{
    lab_node *node = *pointer;
    *pointer = NULL;
    if (node == NULL)
        return;
    for (size_t i = 0; i < LAB_CLIENTS_MAX; i++)
        client_free(&node->clients[i]);
    for (unsigned i = 0; i < node->port_count; i++) {
        free_event(node->ports[i].event);
        (void)close(node->ports[i].fd);
    }
    free_event(node->accept);
    if (node->has_path)
        (void)unlink(node->config->control);
    if (node->control >= 0)
        (void)close(node->control);
    free_event(node->second);
    free_event(node->soon);
    free_event(node->after);
    free_event(node->terminate);
    free_event(node->interrupt);
    if (node->base != NULL)
        event_base_free(node->base);
    (void)lab_pcap_close(&node->pcap);
    free(node);
}

void lab_node_stop(lab_node *node, const lab_trouble *trouble)
{
    const struct timeval soon = { 0, 20000 }; /* what was answered may still go out */
    if (trouble != NULL && !node->has_failed) {
        node->has_failed = true;
        node->trouble = *trouble;
    }
    (void)event_base_loopexit(node->base, &soon);
}

kf_err lab_node_run(lab_node *node, uint32_t seconds, lab_trouble *trouble)
{
    const struct timeval end = { (time_t)seconds, 0 };
    if (seconds > 0)
        (void)event_base_loopexit(node->base, &end);
    lab_node_wake(node);
    const int ran = node->has_failed ? 0 : event_base_dispatch(node->base);
    if (!node->has_failed && ran >= 0 && lab_pcap_close(&node->pcap) == KF_OK)
        return KF_OK;
    if (node->has_failed)
        *trouble = node->trouble;
    else if (ran < 0)
        (void)lab_trouble_set(trouble, KF_E_BACKEND, "", "the event loop broke",
                              kf_err_text(KF_E_BACKEND), "");
    else
        (void)lab_trouble_set(trouble, KF_E_BACKEND, "capture", "the capture is not whole",
                              "the disk did not take all of it", "make room");
    return KF_E_BACKEND;
}

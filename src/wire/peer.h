/**
 * @file peer.h A server's inside: its peers and their calls; not for other rooms.
 *
 * Who may free what: a peer ends only at the top of an event (peer_settle), never below a handler;
 * whatever finds it lost marks it so (peer_lose) and the next event ends it. A call lives until it
 * is answered, longer than its peer and longer than the server if need be.
 */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <event2/event.h>

#include "wire/link.h"
#include "wire/listen.h"
#include "wire/parts.h"
#include "wire/server.h"

/* What one peer may hold; beyond it is not read until it has its answers. */
#define PEER_CALLS_MAX    32u
#define PEER_CALLS_OCTETS ((size_t)1 << 20) /* of requests; one may be larger */
#define PEER_OUT_HIGH     ((size_t)256 << 10)
/* What one turn of a peer may take, so that the others have theirs. */
#define TURN_REQUESTS 16u
#define TURN_READS    16u
#define TURN_WRITES   16u

typedef struct wire_side wire_side; /* a way in: Unix or TLS */
typedef struct peer peer;

struct wire_call {
    struct wire_call *prev, *next; /* of its peer, or of the server's orphans */
    struct wire_server *server;    /* NULL: gone */
    peer *peer;                    /* NULL: gone */
    uint32_t number;
    size_t cost; /* octets it holds */
    kf_secret *octets;
    wire_tree *tree;
};

/* A frame on its way out. */
typedef struct out_frame {
    struct out_frame *next;
    kf_secret *octets;
    size_t len, sent;
} out_frame;

typedef enum peer_state {
    PEER_SHAKING, /* handshake */
    PEER_OPEN,
    PEER_ENDED,   /* it asks no more, and waits for answers */
    PEER_LEAVING, /* was told why, and is to go */
    PEER_LOST,    /* to be freed */
} peer_state;

/* What a peer is waited for; each has its time. */
typedef enum peer_wait {
    WAIT_ANEW, /* look again, and start its time anew */
    WAIT_NOTHING,
    WAIT_SHAKE,
    WAIT_LEAVE,
    WAIT_READER, /* it is to read what we sent */
    WAIT_FRAME,  /* the rest of a frame */
    WAIT_REQUEST,
} peer_wait;

struct peer {
    struct peer *prev, *next;
    struct wire_server *server;
    wire_link link;
    wire_peer who;
    void *session;
    bool has_session, is_busy, is_paused;
    bool read_wants_write; /* TLS has something to say before it can read on */
    peer_state state;
    peer_wait wait;
    wire_inbox in;
    size_t in_grown;
    struct wire_call *calls;
    size_t calls_count, calls_octets;
    out_frame *out_first, *out_last;
    size_t out_octets;
    struct event *on_read, *on_write, *on_time, *on_turn;
};

struct wire_server {
    struct event_base *base;
    wire_handler handler;
    unsigned clients_max, idle_ms;
    size_t frame_max, memory_max;
    wire_listener unix_listener, tls_listener;
    struct event *on_unix, *on_tls, *on_retry;
    SSL_CTX *tls;
    peer *peers;
    unsigned peers_count, shaking_count;
    struct wire_call *orphans;
    size_t cost; /* octets that requests and half-read frames hold */
};

/** Take over a connected socket; fd is closed on failure. */
void peer_accept(struct wire_server *s, int fd, bool is_tls);
/** The end of every event: write, watch the time, free what is lost. */
void peer_settle(peer *p);
/** It is to go; from anywhere. */
void peer_lose(peer *p);
/** Close and free. The handler hears of it. */
void peer_free(peer *p);
/** Send a frame of a builder; a builder that failed becomes a failure. */
void peer_send(peer *p, wire_kind kind, uint32_t number, wire_builder *b);
/** Write what can be written now. */
void peer_flush(peer *p);
/** Room again: go on reading if that was stopped. */
void peer_resume(peer *p);

/** Make a call of a frame; octets are taken. @return an error that costs the peer its connection.
 */
KF_MUST_USE kf_err call_take(peer *p, kf_secret *octets, size_t len);
/** The peer is gone; its calls stay with the server until they are answered. */
void calls_orphan(peer *p);
/** A map of a refusal. NULL: out of memory. */
wire_builder *call_refusal(const wire_refusal *refusal, wire_builder *more);

/** A place was given back: listeners that were paused listen again. */
void server_listen_again(struct wire_server *s);

#endif

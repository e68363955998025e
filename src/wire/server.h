/**
 * @file server.h The listening end of the vault protocol, over libevent: a Unix socket, where the
 * kernel says who is there, and TLS 1.3 with client certificates. A frame that is malformed or too
 * long costs the peer its connection.
 */
#ifndef WIRE_SERVER_H
#define WIRE_SERVER_H

#include "base/err.h"
#include "wire/frame.h"
#include "wire/record.h"

struct event_base;

#define WIRE_SUBJECT_MAX 256u

/** Who is on the other end, proven by the kernel or by TLS. */
typedef struct wire_peer {
    bool is_tls;
    uint32_t uid, gid;              /**< Unix */
    int32_t pid;                    /**< Unix; for the record only */
    char subject[WIRE_SUBJECT_MAX]; /**< TLS: common name of the certificate */
    char fingerprint[65];           /**< TLS: SHA-256 of the certificate, hex */
} wire_peer;

typedef struct wire_server_config {
    const char *unix_path;          /**< NULL: none */
    unsigned unix_mode;             /**< 0: 0660 */
    const char *tls_listen;         /**< "127.0.0.1:7443", "[::1]:7443"; NULL: none */
    const char *tls_cert, *tls_key; /**< PEM files */
    const char *tls_client_ca;      /**< PEM file: who may sign clients */
    const char *tls_crl;            /**< PEM file; NULL: none */
    unsigned clients_max;           /**< 0: 256 */
    unsigned idle_seconds; /**< 0: 300: without a request, and for a handshake a tenth of it */
    size_t frame_max;      /**< 0: WIRE_FRAME_MAX */
    size_t memory_max; /**< 0: 64 MiB: for requests under way and half-read frames of all peers */
} wire_server_config;

typedef struct wire_server wire_server;
typedef struct wire_call wire_call;

typedef struct wire_handler {
    /** A peer is there. @return KF_OK and a session; KF_E_DENIED: it is told so and let go. */
    kf_err (*opened)(void *ctx, const wire_peer *peer, void **session);
    /** A request. It is answered now or later, by wire_answer() or wire_fail(), once. */
    void (*request)(void *ctx, void *session, wire_call *call);
    /** The peer is gone. Its calls that were not answered are still to be answered (to nobody). */
    void (*closed)(void *ctx, void *session);
    void *ctx;
} wire_handler;

/** @param why a sentence about what failed (file, address), safe to show; size octets. */
KF_MUST_USE kf_err wire_server_new(struct event_base *base, const wire_server_config *config,
                                   const wire_handler *handler, wire_server **out, char *why,
                                   size_t size);
/** The port of the TLS listener, for a configuration that says 0; 0: none. */
unsigned wire_server_tls_port(const wire_server *server);
/** Read certificate, key, authority and revocations anew; peers that are connected stay. On failure
 * nothing changes. */
KF_MUST_USE kf_err wire_server_reload_tls(wire_server *server, const wire_server_config *config,
                                          char *why, size_t size);
/** Not from below a handler. Stop listening, let answers under way go out for at most a second,
 * free. */
void wire_server_free(wire_server **server);

/** The map of the request; a loan until the call is answered. */
const wire_value *wire_call_request(const wire_call *call);
/** Answer with what is in the builder (one map), and end the call. The builder stays the caller's
 * to free, and is empty after. */
void wire_answer(wire_call *call, wire_builder *result);
/** Tell how far it is. */
void wire_progress(wire_call *call, uint64_t done, uint64_t total, const char *text);

/** A refusal, as a person needs it. Texts are literals or safe to show. */
typedef struct wire_refusal {
    const char *code;  /**< "denied", "not-ready", ... stable */
    const char *field; /**< NULL: none */
    const char *what, *why, *remedy;
} wire_refusal;
/** Refuse, and end the call. @param more a map with further facts (names of units); NULL. */
void wire_fail(wire_call *call, const wire_refusal *refusal, wire_builder *more);

#endif

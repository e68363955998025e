/** @file client.h The asking end of the vault protocol: blocking, one thread at a time. */
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "base/err.h"
#include "wire/frame.h"
#include "wire/record.h"

typedef struct wire_client wire_client;

typedef struct wire_client_config {
    const char *address;         /**< "unix:PATH" or "tls:HOST:PORT" */
    const char *cert, *key, *ca; /**< TLS: PEM files */
    const char *server_name;     /**< TLS: expected name in the server's certificate; NULL: HOST */
    unsigned timeout_ms;         /**< without any octet from the vault; 0: 30,000 */
} wire_client_config;

/** @param why a sentence about what failed, safe to show. */
KF_MUST_USE kf_err wire_connect(const wire_client_config *config, wire_client **out, char *why,
                                size_t size);
void wire_disconnect(wire_client **client);

/** The outcome of a call; tree and octets are owned. */
typedef struct wire_outcome {
    bool is_done;          /**< answer (true) or failure (false) */
    const wire_value *map; /**< the result or the failure */
    wire_tree *tree;
    kf_secret *octets;
} wire_outcome;
void wire_outcome_clear(wire_outcome *outcome);

typedef void wire_on_progress(void *ctx, uint64_t done, uint64_t total, kf_slice text);

/**
 * Ask and wait for the answer.
 * @param request a map with "verb"; stays the caller's, and may be asked again.
 * @return KF_OK when there is an outcome, also a failure; KF_E_BACKEND: the connection broke or
 * timed out; KF_E_MALFORMED: the other end does not speak the protocol.
 */
KF_MUST_USE kf_err wire_ask(wire_client *client, wire_builder *request, wire_on_progress *progress,
                            void *ctx, wire_outcome *out);

/** What failed in the last wire_ask(), safe to show; a loan, empty when nothing did. With TLS 1.3 a
 * client that the vault does not let in learns of it here, not from wire_connect(). */
const char *wire_client_why(const wire_client *client);

#endif

/**
 * @file node.h The loop of a lab process: UDP sockets, the control socket, seconds, signals, the
 * capture, and the events that are told. What is done with a datagram or a request is a role's.
 *
 * One thread. Everything a role is told comes with the time: the wall clock in seconds, read once
 * for each event.
 */
#ifndef LAB_NODE_H
#define LAB_NODE_H

#include "base/time.h"
#include "lab/config.h"
#include "lab/control.h"
#include "lab/trouble.h"

/** Octets of the longest datagram that is taken. */
#define LAB_DATAGRAM_MAX 65535u
/** Connections to the control socket at a time. */
#define LAB_CLIENTS_MAX 16u

typedef struct lab_node lab_node;

/** Told of every event: a JSON object with "time", "event" and "say", borrowed. NULL: nobody. */
typedef struct lab_listener {
    void (*event)(void *ctx, const json_t *event);
    void *ctx;
} lab_listener;

/** A request on the control socket. */
typedef struct lab_asked {
    const lab_request *request;
    bool is_first;     /**< false: asked again, for it was not answered yet */
    int64_t waited_ms; /**< since it came */
} lab_asked;

/** What a node does. Functions return to the loop at once. */
typedef struct lab_role {
    const lab_verb *verbs; /**< with "help" and "quit", which the loop answers itself */
    /** A datagram arrived at a port. */
    void (*datagram)(void *ctx, unsigned port, kf_time now, const struct sockaddr_in *from,
                     kf_slice octets);
    /** Something happened, or a second passed. true: there is more to do, call again soon. */
    bool (*turn)(void *ctx, kf_time now);
    /** Answer a request. NULL: not yet, ask again after the next turn. */
    json_t *(*answer)(void *ctx, kf_time now, const lab_asked *asked);
    void *ctx;
} lab_role;

/**
 * Make a node: opens the capture and the UDP port `listen` (port 0 of the role), then the control
 * socket, mode 0600. A socket file that nobody serves is replaced.
 * @param config borrowed for the life of the node; role and listener are copied.
 * @return KF_E_BACKEND, KF_E_STATE (in use), KF_E_NO_MEMORY, with trouble.
 */
KF_MUST_USE kf_err lab_node_new(const lab_node_config *config, const lab_role *role,
                                const lab_listener *listener, lab_node **out, lab_trouble *trouble);
void lab_node_free(lab_node **node);

/** Open another UDP port: number 1. */
KF_MUST_USE kf_err lab_node_second_port(lab_node *node, const struct sockaddr_in *address,
                                        const char *field, lab_trouble *trouble);

/** Send from a port. What the network does not take is lost, as on the air. */
void lab_node_send(lab_node *node, unsigned port, const struct sockaddr_in *to, kf_slice octets);

/** Tell of an event; the time is added. Taken; NULL (out of memory) is fine. */
void lab_node_emit(lab_node *node, json_t *event);

/** Call fn once after that many milliseconds (0: soon), instead of what was set before. */
void lab_node_after(lab_node *node, int64_t ms, void (*fn)(void *ctx), void *ctx);
/** Milliseconds of a clock that only goes forward. */
int64_t lab_node_ms(void);

/** The turn is due although nothing arrived. */
void lab_node_wake(lab_node *node);

/** Leave the loop. @param trouble NULL: all is well. */
void lab_node_stop(lab_node *node, const lab_trouble *trouble);

/**
 * Run until SIGTERM, SIGINT, `quit`, lab_node_stop() or the end of time.
 * @param seconds 0: no end.
 * @return KF_OK, or KF_E_BACKEND with what lab_node_stop() was given.
 */
KF_MUST_USE kf_err lab_node_run(lab_node *node, uint32_t seconds, lab_trouble *trouble);

#endif

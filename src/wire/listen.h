/** @file listen.h Sockets that others connect to; not for other rooms. */
#ifndef WIRE_LISTEN_H
#define WIRE_LISTEN_H

#include <sys/types.h>

#include "base/err.h"

/** A listening, non-blocking socket. A Unix one remembers its file, so that only that is removed.
 */
typedef struct wire_listener {
    int fd; /**< -1: none */
    char *path;
    dev_t device;
    ino_t inode;
} wire_listener;

/**
 * Listen at a path. What a server that is gone left there is replaced; one that answers is not, nor
 * is anything that is no socket. Nobody can connect before the mode is set.
 */
KF_MUST_USE kf_err wire_listen_unix(const char *path, unsigned mode, wire_listener *out, char *why,
                                    size_t size);
/** Listen at a numeric "host:port"; port 0 takes a free one. */
KF_MUST_USE kf_err wire_listen_tcp(const char *address, wire_listener *out, char *why, size_t size);
/** The port of a TCP listener. */
unsigned wire_listener_port(const wire_listener *listener);
/** Close, and remove the file. */
void wire_listener_close(wire_listener *listener);

#endif

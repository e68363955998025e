/**
 * @file link.h Octets to and from a peer, plain or through TLS, into memory of ours; and the
 * collecting of frames. For server and client; not for other rooms.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <openssl/ssl.h>

#include "base/secret.h"
#include "wire/client.h"
#include "wire/server.h"

/** A connected, non-blocking socket; ssl is NULL for a plain one. */
typedef struct wire_link {
    int fd;
    SSL *ssl;
} wire_link;

/** What an operation on a link came to. */
typedef enum wire_link_state {
    WIRE_LINK_DONE,       /**< some octets went */
    WIRE_LINK_WANT_READ,  /**< none; again when the socket can be read */
    WIRE_LINK_WANT_WRITE, /**< none; again when it can be written */
    WIRE_LINK_END,        /**< the other end writes no more */
    WIRE_LINK_BROKEN,
} wire_link_state;

/** Start TLS on fd, which stays the caller's on failure. */
KF_MUST_USE kf_err wire_link_start(wire_link *link, SSL_CTX *tls, int fd, bool is_server);
/** The handshake; plain links are done at once. */
wire_link_state wire_link_shake(wire_link *link);
wire_link_state wire_link_read(wire_link *link, uint8_t *out, size_t cap, size_t *got);
wire_link_state wire_link_write(wire_link *link, const kf_slice *parts, size_t count, size_t *put);
/** Octets that are here already, so that the socket will not report them? */
bool wire_link_has_more(const wire_link *link);
/** We write no more. */
void wire_link_finish(wire_link *link);
void wire_link_close(wire_link *link);

/** Frames being collected, in locked memory that grows only as octets come. */
typedef struct wire_inbox {
    kf_secret *octets;
    size_t len;
} wire_inbox;

/** Octets of the frame at the front, as wire_frame_octets(), 0 while unknown. */
KF_MUST_USE kf_err wire_inbox_want(const wire_inbox *in, size_t *want);
/** Room to read into, at least one octet: never past a frame that outgrew the first buffer.
 * @param grown octets by which the buffer grew past the first one. */
KF_MUST_USE kf_err wire_inbox_space(wire_inbox *in, size_t want, uint8_t **at, size_t *cap,
                                    size_t *grown);
/** Remove the whole frame at the front: want octets, the first of *out. Caller frees. */
KF_MUST_USE kf_err wire_inbox_take(wire_inbox *in, size_t want, kf_secret **out);
void wire_inbox_clear(wire_inbox *in);

/** Octets of an inbox's first buffer. */
#define WIRE_INBOX_FIRST ((size_t)KF_SECRET_POOL_MAX)

/** TLS 1.3 and nothing else. @param why a sentence with the file it is about. */
KF_MUST_USE kf_err wire_tls_server(const wire_server_config *config, SSL_CTX **out, char *why,
                                   size_t size);
KF_MUST_USE kf_err wire_tls_client(const wire_client_config *config, SSL_CTX **out, char *why,
                                   size_t size);
/** The certificate's name and fingerprint. @return KF_E_AUTH: it has not one clear common name. */
KF_MUST_USE kf_err wire_tls_identify(const SSL *ssl, wire_peer *out);
/** Why TLS failed, a sentence's end; forgets the library's errors. */
void wire_tls_reason(const SSL *ssl, char *why, size_t size);

#define WIRE_HOST_MAX 256u
/** "host:port", "[v6]:port". @return KF_E_MALFORMED. */
KF_MUST_USE kf_err wire_split_address(const char *text, char host[WIRE_HOST_MAX], char port[6]);

#endif

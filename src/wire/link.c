#include "wire/link.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#define PARTS_MAX 16u

/* ---- a BIO of our own: OpenSSL's would raise SIGPIPE ---- */

static BIO_METHOD *socket_method;
static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;

static int bio_fd(BIO *b)
{
    return ((const wire_link *)BIO_get_data(b))->fd;
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int bio_write(BIO *b, const char *octets, int len)
{
    BIO_clear_retry_flags(b);
    ssize_t n = send(bio_fd(b), octets, (size_t)len, MSG_NOSIGNAL);
    if (n < 0 && is_passing(errno))
        BIO_set_retry_write(b);
    return (int)n;
}

static int bio_read(BIO *b, char *out, int len)
{
    BIO_clear_retry_flags(b);
    ssize_t n = recv(bio_fd(b), out, (size_t)len, 0);
    if (n < 0 && is_passing(errno))
        BIO_set_retry_read(b);
    return (int)n;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    (void)b, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static void socket_method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keyferry socket");
    if (m == NULL || BIO_meth_set_write(m, bio_write) != 1 || BIO_meth_set_read(m, bio_read) != 1 ||
        BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
        BIO_meth_free(m);
        return;
    }
    socket_method = m; /* for the life of the process */
}

kf_err wire_link_start(wire_link *link, SSL_CTX *tls, int fd, bool is_server)
{
    pthread_once(&socket_method_once, socket_method_make);
    SSL *ssl = SSL_new(tls);
    BIO *bio = socket_method == NULL ? NULL : BIO_new(socket_method);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return KF_E_NO_MEMORY;
    }
    *link = (wire_link){ fd, ssl };
    BIO_set_data(bio, link); /* so a link does not move */
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return KF_OK;
}

/* ---- octets ---- */

static wire_link_state plain_state(ssize_t n, wire_link_state want)
{
    if (n >= 0)
        return WIRE_LINK_DONE;
    return is_passing(errno) ? want : WIRE_LINK_BROKEN;
}

static wire_link_state tls_state(const wire_link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_NONE:
        return WIRE_LINK_DONE;
    case SSL_ERROR_WANT_READ:
        return WIRE_LINK_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return WIRE_LINK_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_LINK_END;
    default: /* also an end without close_notify: somebody cut it */
        return WIRE_LINK_BROKEN;
    }
}

wire_link_state wire_link_shake(wire_link *link)
{
    if (link->ssl == NULL)
        return WIRE_LINK_DONE;
    ERR_clear_error();
    return tls_state(link, SSL_do_handshake(link->ssl));
}

wire_link_state wire_link_read(wire_link *link, uint8_t *out, size_t cap, size_t *got)
{
    *got = 0;
    if (link->ssl != NULL) {
        ERR_clear_error();
        return tls_state(link, SSL_read_ex(link->ssl, out, cap, got));
    }
    ssize_t n = recv(link->fd, out, cap, 0);
    if (n == 0)
        return WIRE_LINK_END;
    if (n > 0)
        *got = (size_t)n;
    return plain_state(n, WIRE_LINK_WANT_READ);
}

static wire_link_state plain_write(wire_link *link, const kf_slice *parts, size_t count,
                                   size_t *put)
{
    struct iovec iov[PARTS_MAX];
    size_t used = 0;
    for (; used < count && used < PARTS_MAX; used++) {
        iov[used].iov_len = parts[used].len;
        memcpy(&iov[used].iov_base, &parts[used].ptr, sizeof(void *)); /* iovec knows no const */
    }
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = used };
    ssize_t n = sendmsg(link->fd, &message, MSG_NOSIGNAL);
    if (n > 0)
        *put = (size_t)n;
    return plain_state(n, WIRE_LINK_WANT_WRITE);
}

wire_link_state wire_link_write(wire_link *link, const kf_slice *parts, size_t count, size_t *put)
{
    *put = 0;
    if (count == 0)
        return WIRE_LINK_DONE;
    if (link->ssl == NULL)
        return plain_write(link, parts, count, put);
    ERR_clear_error();
    return tls_state(link, SSL_write_ex(link->ssl, parts[0].ptr, parts[0].len, put));
}

bool wire_link_has_more(const wire_link *link)
{
    return link->ssl != NULL && SSL_has_pending(link->ssl);
}

void wire_link_finish(wire_link *link)
{
    if (link->ssl != NULL && SSL_is_init_finished(link->ssl)) {
        ERR_clear_error();
        SSL_shutdown(link->ssl); /* best effort: the other end may be gone */
        ERR_clear_error();
    }
    shutdown(link->fd, SHUT_WR);
}

void wire_link_close(wire_link *link)
{
    SSL_free(link->ssl);
    link->ssl = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

/* ---- frames being collected ---- */

kf_err wire_inbox_want(const wire_inbox *in, size_t *want)
{
    return wire_frame_octets((kf_slice){ kf_secret_view(in->octets).ptr, in->len }, want);
}

/*
 * The first buffer may hold several frames. A frame that does not fit gets a buffer that doubles
 * up to just that frame, so that it can be handed on without a copy, and so that a peer that
 * announces much and sends little locks little.
 */
kf_err wire_inbox_space(wire_inbox *in, size_t want, uint8_t **at, size_t *cap, size_t *grown)
{
    size_t have = kf_secret_len(in->octets);
    *grown = 0;
    if (in->len == have) {
        size_t next = have == 0 ? WIRE_INBOX_FIRST : have * 2;
        if (have > 0 && next > want)
            next = want;
        kf_secret *bigger = NULL;
        kf_err err = kf_secret_new(next, &bigger);
        if (err != KF_OK)
            return err;
        if (in->len > 0)
            memcpy(kf_secret_edit(bigger), kf_secret_view(in->octets).ptr, in->len);
        kf_secret_free(&in->octets);
        in->octets = bigger;
        *grown = have == 0 ? 0 : next - have;
        have = next;
    }
    *at = kf_secret_edit(in->octets) + in->len;
    *cap = have - in->len;
    return KF_OK;
}

kf_err wire_inbox_take(wire_inbox *in, size_t want, kf_secret **out)
{
    if (in->len == want) {
        *out = in->octets;
        *in = (wire_inbox){ NULL, 0 };
        return KF_OK;
    }
    uint8_t *octets = kf_secret_edit(in->octets);
    kf_err err = kf_secret_new_copy((kf_slice){ octets, want }, out);
    if (err != KF_OK)
        return err;
    memmove(octets, octets + want, in->len - want);
    kf_wipe(octets + in->len - want, want);
    in->len -= want;
    return KF_OK;
}

void wire_inbox_clear(wire_inbox *in)
{
    kf_secret_free(&in->octets);
    in->len = 0;
}

#include "wire/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/link.h"

#define BACKLOG      128
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static kf_err blame(const char *what, const char *where, char *why, size_t size)
{
    snprintf(why, size, "%s %s: %s", what, where, strerror(errno));
    return KF_E_BACKEND;
}

static bool fill_unix(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path, len);
    return true;
}

/* Is the place free, or a socket that nobody listens at? */
static kf_err check_place(const char *path, const struct sockaddr_un *address, char *why,
                          size_t size)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? KF_OK : blame("cannot look at", path, why, size);
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(why, size, "%s is there and is no socket", path);
        return KF_E_STATE;
    }
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0)
        return blame("no socket for", path, why, size);
    bool is_stale = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                    (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    if (is_stale)
        return KF_OK;
    snprintf(why, size, "%s is in use: another process listens there", path);
    return KF_E_STATE;
}

/* Bound under a name of its own, given its mode, and moved to its place when all is done. */
static kf_err place(int fd, const char *path, unsigned mode, struct stat *st, char *why,
                    size_t size)
{
    struct sockaddr_un address;
    char fresh[sizeof address.sun_path];
    int len = snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof fresh || !fill_unix(fresh, &address)) {
        snprintf(why, size, "%s is too long for a socket", path);
        return KF_E_NO_SPACE;
    }
    if (unlink(fresh) != 0 && errno != ENOENT)
        return blame("cannot remove", fresh, why, size);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return blame("cannot make", fresh, why, size);
    if (chmod(fresh, (mode_t)mode) == 0 && listen(fd, BACKLOG) == 0 && lstat(fresh, st) == 0 &&
        rename(fresh, path) == 0)
        return KF_OK;
    kf_err err = blame("cannot listen at", path, why, size);
    unlink(fresh);
    return err;
}

kf_err wire_listen_unix(const char *path, unsigned mode, wire_listener *out, char *why, size_t size)
{
    struct sockaddr_un address;
    struct stat st;
    *out = (wire_listener){ .fd = -1 };
    if (!fill_unix(path, &address)) {
        snprintf(why, size, "%s is too long for a socket", path);
        return KF_E_NO_SPACE;
    }
    kf_err err = check_place(path, &address, why, size);
    if (err != KF_OK)
        return err;
    char *copy = strdup(path);
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (copy == NULL || fd < 0)
        err = blame("no socket for", path, why, size);
    else
        err = place(fd, path, mode, &st, why, size);
    if (err != KF_OK) {
        free(copy);
        if (fd >= 0)
            close(fd);
        return err;
    }
    *out = (wire_listener){ fd, copy, st.st_dev, st.st_ino };
    return KF_OK;
}

kf_err wire_listen_tcp(const char *address, wire_listener *out, char *why, size_t size)
{
    char host[WIRE_HOST_MAX], port[6];
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    *out = (wire_listener){ .fd = -1 };
    if (wire_split_address(address, host, port) != KF_OK ||
        getaddrinfo(host, port, &hints, &found) != 0) {
        snprintf(why, size, "%s is not a numeric address and a port", address);
        return KF_E_MALFORMED;
    }
    const int on = 1;
    int fd = socket(found->ai_family, SOCKET_FLAGS, 0);
    bool is_good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    freeaddrinfo(found);
    if (!is_good) {
        kf_err err = blame("cannot listen at", address, why, size);
        if (fd >= 0)
            close(fd);
        return err;
    }
    out->fd = fd;
    return KF_OK;
}

unsigned wire_listener_port(const wire_listener *listener)
{
    struct sockaddr_storage any = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof any;
    char port[6] = "0";
    if (listener->fd < 0 || getsockname(listener->fd, (struct sockaddr *)&any, &len) != 0 ||
        getnameinfo((const struct sockaddr *)&any, len, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return 0;
    return (unsigned)strtoul(port, NULL, 10);
}

void wire_listener_close(wire_listener *listener)
{
    struct stat st;
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
        st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(listener->path);
    free(listener->path);
    *listener = (wire_listener){ .fd = -1 };
}

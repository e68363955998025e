#include "seal/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENV_MAX 16u

/* All of our environment that the broker gets: where modules look for their configuration. */
static const char *const allowed[] = {
    "HOME",        "SOFTHSM2_CONF",       "TPM2_PKCS11_STORE",  "TPM2_PKCS11_TCTI",
    "OPENSC_CONF", "YUBIHSM_PKCS11_CONF", "PKCS11_MODULE_CONF",
};
_Static_assert(KF_COUNT(allowed) + 3 <= ENV_MAX, "room for all, two of ours, and NULL");

int64_t broker_now_ms(void)
{
    struct timespec t = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pick_environment(char **out)
{
    static char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C.UTF-8";
    size_t count = 0;
    for (char **e = environ; *e != NULL; e++)
        for (size_t i = 0; i < KF_COUNT(allowed); i++) {
            size_t len = strlen(allowed[i]);
            if (count < ENV_MAX - 3 && strncmp(*e, allowed[i], len) == 0 && (*e)[len] == '=')
                out[count++] = *e;
        }
    out[count++] = path;
    out[count++] = locale;
    out[count] = NULL;
}

/* In the child: only what is safe after fork() in a program with threads. */
static KF_NORETURN void become(int fd, pid_t parent, char *const *argv, char *const *env)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_WRONLY);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent || null < 0 ||
        dup2(fd, 0) < 0 || dup2(null, 1) < 0 || close_range(3, ~0u, 0) != 0)
        _exit(127);
    execve(argv[0], argv, env);
    _exit(127);
}

kf_err broker_start(broker *b, const char *const *argv)
{
    int fds[2];
    char *env[ENV_MAX];
    union {
        const char *const *in;
        char *const *out;
    } args = { .in = argv }; /* execve() writes to neither, and says otherwise */

    pick_environment(env);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return KF_E_BACKEND;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(fds[1], parent, args.out, env);
    close(fds[1]);
    if (pid < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
        close(fds[0]);
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        return KF_E_BACKEND;
    }
    *b = (broker){ pid, fds[0] };
    return KF_OK;
}

static broker_result wait_for(const broker *b, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - broker_now_ms();
        if (left <= 0)
            return BROKER_LATE;
        struct pollfd p = { b->fd, events, 0 };
        int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0)
            return BROKER_ANSWERED;
        if (n < 0 && errno != EINTR)
            return BROKER_DIED;
    }
}

static broker_result send_all(const broker *b, const uint8_t *octets, size_t len,
                              int64_t deadline_ms)
{
    while (len > 0) {
        broker_result ready = wait_for(b, POLLOUT, deadline_ms);
        if (ready != BROKER_ANSWERED)
            return ready;
        ssize_t n = send(b->fd, octets, len, MSG_NOSIGNAL);
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return BROKER_DIED;
        }
    }
    return BROKER_ANSWERED;
}

static broker_result receive_all(const broker *b, uint8_t *octets, size_t len, int64_t deadline_ms)
{
    while (len > 0) {
        broker_result ready = wait_for(b, POLLIN, deadline_ms);
        if (ready != BROKER_ANSWERED)
            return ready;
        ssize_t n = recv(b->fd, octets, len, 0);
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            return BROKER_DIED;
        }
    }
    return BROKER_ANSWERED;
}

broker_result broker_send(broker *b, kf_secret *buffer, size_t len, int64_t deadline_ms)
{
    broker_result result = send_all(b, kf_secret_view(buffer).ptr, len, deadline_ms);
    kf_wipe(kf_secret_edit(buffer), kf_secret_len(buffer));
    return result;
}

bool broker_has_answer(const broker *b)
{
    struct pollfd p = { b->fd, POLLIN, 0 };
    return poll(&p, 1, 0) > 0;
}

broker_result broker_receive(broker *b, kf_secret *buffer, int64_t deadline_ms, kf_slice *message)
{
    uint8_t frame[TOKEN_FRAME_OCTETS];
    size_t len = 0;

    *message = (kf_slice){ NULL, 0 };
    broker_result result = receive_all(b, frame, sizeof frame, deadline_ms);
    if (result != BROKER_ANSWERED)
        return result;
    if (token_frame_read(frame, &len) != KF_OK || len > kf_secret_len(buffer))
        return BROKER_DIED; /* whatever this is, it is no broker of ours */
    result = receive_all(b, kf_secret_edit(buffer), len, deadline_ms);
    if (result == BROKER_ANSWERED)
        *message = kf_slice_part(kf_secret_view(buffer), 0, len);
    return result;
}

void broker_end(broker *b, int64_t patience_ms)
{
    if (b->pid == 0)
        return;
    close(b->fd); /* its sign to log out and leave */
    int64_t until = broker_now_ms() + patience_ms;
    pid_t reaped = 0;
    while (patience_ms > 0 && (reaped = waitpid(b->pid, NULL, WNOHANG)) == 0 &&
           broker_now_ms() < until)
        nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
    if (reaped == 0) {
        kill(b->pid, SIGKILL); /* a child of ours that nobody has reaped: the ID is still its own */
        while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    *b = (broker){ 0, -1 };
}

/* The filter of the daemon, in processes of their own: what it allows, refuses, and ends. */
#include "support/testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#ifndef KF_SANITIZED

static const sandbox_needs alone = { false, false, false };
static const sandbox_needs with_network = { true, false, false };
static const sandbox_needs with_notify = { false, true, false };
static const sandbox_needs with_broker = { false, false, true };

/* Each ends the process with 0 when the system gave what was asked, with errno otherwise. */

static int use_files(void)
{
    char path[] = "/tmp/kf-sandbox-XXXXXX";
    const int fd = mkstemp(path);
    const bool fine = fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && unlink(path) == 0;
    return fine ? 0 : errno;
}

static void *idle(void *ctx)
{
    return ctx;
}

static int use_thread(void)
{
    pthread_t thread;
    const int bad = pthread_create(&thread, NULL, idle, NULL);
    return bad == 0 ? pthread_join(thread, NULL) : bad;
}

static int use_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && mlock(p, 4096) == 0 && munmap(p, 4096) == 0 ? 0 : errno;
}

static int run_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int make_runnable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int local_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 ? 0 : errno;
}

static int network_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int start_program(void)
{
    char name[] = "true";
    char *const argv[] = { name, NULL };
    char *const env[] = { NULL };
    (void)execve("/bin/true", argv, env);
    return errno;
}

static int kill_parent(void)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int become_root(void)
{
    return setuid(0) == 0 ? 0 : errno;
}

#define ENDED (-SIGSYS)

static const struct {
    const char *name;
    const sandbox_needs *needs;
    int (*act)(void);
    int want; /* exit status, or minus the signal that ended it */
} cases[] = {
    { "files", &alone, use_files, 0 },
    { "threads", &alone, use_thread, 0 },
    { "memory", &alone, use_memory, 0 },
    { "memory that can be run", &alone, run_memory, EACCES },
    { "memory made to be run", &alone, make_runnable, EACCES },
    { "a local socket", &alone, local_socket, EACCES },
    { "a local socket to notify", &with_notify, local_socket, 0 },
    { "a network socket", &alone, network_socket, ENDED },
    { "a network socket, to notify", &with_notify, network_socket, ENDED },
    { "a network socket to the store", &with_network, network_socket, 0 },
    { "runnable memory with the network", &with_network, run_memory, EACCES },
    { "a program", &alone, start_program, ENDED },
    { "a program with the network", &with_network, start_program, ENDED },
    { "the broker", &with_broker, start_program, 0 },
    { "a signal to another process", &alone, kill_parent, ENDED },
    { "another user", &alone, become_root, ENDED },
    { "another user, with a broker", &with_broker, become_root, ENDED },
};

static int outcome(size_t i)
{
    const pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        const bool is_in = sandbox_enter(cases[i].needs) == KF_OK;
        _exit(is_in ? cases[i].act() : 255);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        const int got = outcome(i);
        if (got != cases[i].want)
            fail_msg("%s: %d, not %d", cases[i].name, got, cases[i].want);
    }
}

/* A thread that was there before is under the filter too. */
static pthread_barrier_t entered;

static void *late(void *ctx)
{
    (void)pthread_barrier_wait(&entered);
    (void)socket(AF_INET, SOCK_STREAM, 0);
    return ctx;
}

static void test_threads(void **state)
{
    (void)state;
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        (void)pthread_barrier_init(&entered, NULL, 2);
        if (pthread_create(&thread, NULL, late, NULL) != 0 || sandbox_enter(&alone) != KF_OK)
            _exit(1);
        (void)pthread_barrier_wait(&entered);
        (void)pthread_join(thread, NULL);
        _exit(2);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* sanitizers need what the filter forbids: there is none */
}

#endif

/**
 * A vault in a process of its own that may die at any write: the test is officer, courier and
 * members, and outlives it. Every request of the fixture's ask() goes there and back over a socket.
 */
#ifndef TESTS_VAULT_CRASH_H
#define TESTS_VAULT_CRASH_H

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vault/vault.h"

/** Instead of vault_do() and vault_work(), in this program only. */
kf_err crash_do(vault *v, const vault_caller *who, const wire_value *request, wire_builder **out,
                vault_refusal *refusal);
kf_err crash_work(vault *v, bool *more);
#define vault_do   crash_do
#define vault_work crash_work
#include "vault/members.h"
#undef vault_do
#undef vault_work

#define CRASH_STATUS 86
#define FRAME_MAX    (1u << 20)

/** The process that is the vault. */
typedef struct keeper {
    pid_t pid;
    int fd;
    bool is_dead; /* it died in the middle of a request */
    int status;
    kf_time now;
} keeper;

static keeper the_keeper = { .pid = 0, .fd = -1 };

typedef struct crash_head {
    uint32_t op, len; /* of a request: 1 do, 2 work */
    kf_err err;
    bool more, has_result;
    kf_time now;
    vault_caller who;
    vault_refusal refusal;
} crash_head;

static inline bool send_all(int fd, const void *octets, size_t len)
{
    const uint8_t *at = octets;
    while (len > 0) {
        const ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool receive_all(int fd, void *octets, size_t len)
{
    uint8_t *at = octets;
    while (len > 0) {
        const ssize_t n = recv(fd, at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* ---- the side of the test ---- */

static inline void keeper_reap(keeper *k)
{
    if (k->pid <= 0)
        return;
    close(k->fd);
    while (waitpid(k->pid, &k->status, 0) < 0 && errno == EINTR)
        continue;
    k->pid = 0;
    k->fd = -1;
}

static inline kf_err keeper_died(keeper *k, vault_refusal *refusal)
{
    keeper_reap(k);
    k->is_dead = true;
    if (refusal != NULL)
        snprintf(refusal->code, sizeof refusal->code, "died");
    return KF_E_BACKEND;
}

/* One exchange; the result's octets in a static room. */
static inline kf_err exchange(keeper *k, crash_head *head, kf_slice octets, kf_slice *result)
{
    static uint8_t room[FRAME_MAX];
    head->len = (uint32_t)octets.len;
    head->now = k->now;
    if (k->is_dead || k->pid == 0)
        return keeper_died(k, &head->refusal);
    if (!send_all(k->fd, head, sizeof *head) || !send_all(k->fd, octets.ptr, octets.len) ||
        !receive_all(k->fd, head, sizeof *head) || head->len > sizeof room ||
        !receive_all(k->fd, room, head->len))
        return keeper_died(k, &head->refusal);
    *result = (kf_slice){ room, head->len };
    return head->err;
}

static inline void copy_value(kf_slice octets, wire_builder **out)
{
    wire_tree *tree = NULL;
    kf_fault fault;
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    assert_ok(wire_builder_new(out));
    wire_put_value(*out, NULL, wire_tree_root(tree));
    wire_tree_free(&tree);
}

kf_err crash_do(vault *v, const vault_caller *who, const wire_value *request, wire_builder **out,
                vault_refusal *refusal)
{
    crash_head head = { .op = 1, .who = *who };
    wire_builder *b = NULL;
    kf_slice octets, result = { NULL, 0 };
    (void)v;
    *out = NULL;
    assert_ok(wire_builder_new(&b));
    wire_put_value(b, NULL, request);
    assert_ok(wire_builder_done(b, &octets));
    kf_err err = exchange(&the_keeper, &head, octets, &result);
    wire_builder_free(&b);
    *refusal = head.refusal;
    if (!the_keeper.is_dead && head.has_result)
        copy_value(result, out);
    return err;
}

kf_err crash_work(vault *v, bool *more)
{
    crash_head head = { .op = 2 };
    kf_slice result;
    (void)v;
    *more = false;
    kf_err err = exchange(&the_keeper, &head, (kf_slice){ NULL, 0 }, &result);
    *more = !the_keeper.is_dead && head.more;
    return err;
}

/** Start the vault of a scene; plan: what KEYFERRY_FAILPOINT gets, log: KEYFERRY_FAILPOINT_LOG. */
static inline void keeper_start(scene *s, const char *plan, const char *log)
{
    int ends[2];
    char fd[16];
    keeper *k = &the_keeper;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    snprintf(fd, sizeof fd, "%d", ends[1]);
    k->pid = fork();
    assert_true(k->pid >= 0);
    if (k->pid == 0) {
        close(ends[0]);
        setenv("KEYFERRY_FAILPOINT", plan == NULL ? "" : plan, 1);
        setenv("KEYFERRY_FAILPOINT_LOG", log == NULL ? "" : log, 1);
        execl("/proc/self/exe", "vault", "serve", fd, s->store, s->anchor, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    k->fd = ends[0];
    k->is_dead = false;
}

static inline void keeper_stop(void)
{
    if (the_keeper.pid > 0)
        shutdown(the_keeper.fd, SHUT_RDWR);
    keeper_reap(&the_keeper);
}

/* ---- the side of the vault ---- */

static kf_time keeper_time;

static inline kf_time keeper_now(void *ctx)
{
    (void)ctx;
    return keeper_time;
}

static inline void keeper_answer(int fd, crash_head *head, wire_builder *built)
{
    kf_slice octets = { NULL, 0 };
    head->has_result = built != NULL && wire_builder_done(built, &octets) == KF_OK;
    head->len = head->has_result ? (uint32_t)octets.len : 0;
    if (!send_all(fd, head, sizeof *head) || !send_all(fd, octets.ptr, head->len))
        _exit(3);
}

static inline void keeper_do(vault *v, int fd, crash_head *head, kf_slice octets)
{
    wire_tree *tree = NULL;
    wire_builder *built = NULL;
    kf_fault fault;
    if (wire_tree_parse(octets, &tree, &fault) != KF_OK)
        _exit(4);
    head->err = vault_do(v, &head->who, wire_tree_root(tree), &built, &head->refusal);
    keeper_answer(fd, head, built);
    wire_tree_free(&tree);
    wire_builder_free(&built);
}

/** main() of the vault's process. */
static inline int keeper_serve(char **argv)
{
    static uint8_t room[FRAME_MAX];
    char why[256] = "";
    const int fd = atoi(argv[2]);
    const vault_config config = { .organization = "county",
                                  .store = argv[3],
                                  .anchor = argv[4],
                                  .threads = 2,
                                  .clock = { keeper_now, NULL },
                                  .rng = kf_random() };
    crash_head head;
    vault *v = NULL;
    if (vault_new(&config, &v, why, sizeof why) != KF_OK) {
        fprintf(stderr, "%s\n", why);
        return 5;
    }
    while (receive_all(fd, &head, sizeof head) && head.len <= sizeof room &&
           receive_all(fd, room, head.len)) {
        keeper_time = head.now;
        if (head.op == 1) {
            keeper_do(v, fd, &head, (kf_slice){ room, head.len });
        } else {
            head.err = vault_work(v, &head.more);
            keeper_answer(fd, &head, NULL);
        }
    }
    vault_free(&v);
    return 0;
}

#endif

#include "base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRASH_STATUS 86
#define NAMES_MAX    512u

enum { UNREAD, UNARMED, ARMED };

/* What the environment says. Written once, before state leaves UNREAD. */
static struct {
    char name[128]; /* "" when nothing is to fail */
    uint64_t at;
    bool ends;
    int log_fd; /* -1: no log */
} plan = { .log_fd = -1 };

static atomic_int state = UNREAD;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over what follows */
static uint64_t hits;
static const char *logged[NAMES_MAX];
static size_t logged_count;

/* A campaign with a mistake in its plan would pass without having tested anything: end instead. */
static KF_NORETURN void refuse(const char *what)
{
    fprintf(stderr, "keyferry: %s is not of the form this program knows\n", what);
    _exit(2);
}

static void read_plan(const char *text)
{
    const char *first = strchr(text, ':');
    const char *second = first == NULL ? NULL : strchr(first + 1, ':');
    if (second == NULL || first == text || (size_t)(first - text) >= sizeof plan.name)
        refuse("KEYFERRY_FAILPOINT");
    char *end = NULL;
    errno = 0;
    const unsigned long long at = strtoull(first + 1, &end, 10);
    if (errno != 0 || end != second || at == 0 || first[1] < '0' || first[1] > '9')
        refuse("KEYFERRY_FAILPOINT");
    plan.ends = strcmp(second, ":exit") == 0;
    if (!plan.ends && strcmp(second, ":error") != 0)
        refuse("KEYFERRY_FAILPOINT");
    memcpy(plan.name, text, (size_t)(first - text));
    plan.at = at;
}

static void read_environment(void)
{
    const char *text = secure_getenv("KEYFERRY_FAILPOINT");
    const char *path = secure_getenv("KEYFERRY_FAILPOINT_LOG");
    if (text != NULL && text[0] != '\0')
        read_plan(text);
    if (path != NULL && path[0] != '\0') {
        plan.log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (plan.log_fd < 0)
            refuse("KEYFERRY_FAILPOINT_LOG");
    }
    atomic_store(&state, plan.name[0] != '\0' || plan.log_fd >= 0 ? ARMED : UNARMED);
}

static void log_first_hit(const char *name)
{
    for (size_t i = 0; i < logged_count; i++)
        if (strcmp(logged[i], name) == 0)
            return;
    if (logged_count == NAMES_MAX)
        refuse("KEYFERRY_FAILPOINT_LOG");
    logged[logged_count++] = name;
    char line[160];
    const int len = snprintf(line, sizeof line, "%s\n", name);
    if (len < 0 || (size_t)len >= sizeof line || write(plan.log_fd, line, (size_t)len) != len)
        refuse("KEYFERRY_FAILPOINT_LOG");
}

static kf_err hit(const char *name)
{
    kf_err err = KF_OK;
    (void)pthread_mutex_lock(&lock);
    if (plan.log_fd >= 0)
        log_first_hit(name);
    if (strcmp(plan.name, name) == 0 && ++hits == plan.at) {
        if (plan.ends)
            _exit(CRASH_STATUS);
        err = KF_E_BACKEND;
    }
    (void)pthread_mutex_unlock(&lock);
    return err;
}

kf_err kf_failpoint(const char *name)
{
    const int now = atomic_load_explicit(&state, memory_order_acquire);
    if (now == UNARMED)
        return KF_OK;
    if (now == UNREAD)
        (void)pthread_once(&once, read_environment);
    return atomic_load(&state) == ARMED ? hit(name) : KF_OK;
}

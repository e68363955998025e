/* Fail points: each plan in a process of its own, since the environment is read once. */
#include "support/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"

static char log_path[] = "/tmp/kf-failpoint.XXXXXX";

/* What happens on the way a, b, a, b, ... : which hit is refused, as the exit status; 0: none. */
static int walk(void)
{
    for (int i = 1; i <= 6; i++)
        if (kf_failpoint(i % 2 == 1 ? "test.a" : "test.b") != KF_OK)
            return i;
    return 0;
}

static int status_with(const char *plan, const char *log)
{
    int status = -1;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, STDERR_FILENO); /* it says what is wrong with a plan */
        (void)setenv("KEYFERRY_FAILPOINT", plan, 1);
        (void)setenv("KEYFERRY_FAILPOINT_LOG", log, 1);
        _exit(walk());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_plans(void **state)
{
    (void)state;
    static const struct {
        const char *plan;
        int status;
    } plans[] = {
        { "", 0 },
        { "test.a:1:error", 1 },
        { "test.a:3:error", 5 },
        { "test.b:2:error", 4 },
        { "test.a:4:error", 0 },
        { "test:1:error", 0 },
        { "test.a:1:exit", 86 },
        { "test.b:3:exit", 86 },
        { "test.b:4:exit", 0 },
        /* what is not a plan ends the process: a campaign must not pass for having tested nothing
         */
        { "test.a", 2 },
        { "test.a:1", 2 },
        { "test.a:0:exit", 2 },
        { "test.a:-1:exit", 2 },
        { "test.a: 1:exit", 2 },
        { "test.a:1x:exit", 2 },
        { "test.a:99999999999999999999:exit", 2 },
        { "test.a:1:crash", 2 },
        { ":1:exit", 2 },
    };
    for (size_t i = 0; i < KF_COUNT(plans); i++)
        if (status_with(plans[i].plan, "") != plans[i].status)
            fail_msg("%s: not %d", plans[i].plan, plans[i].status);
}

static void test_log(void **state)
{
    (void)state;
    char text[256] = "";
    const int fd = mkstemp(log_path);
    assert_true(fd >= 0);
    assert_int_equal(status_with("", log_path), 0);
    assert_int_equal(status_with("test.a:2:error", log_path), 3);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "test.a\ntest.b\ntest.a\ntest.b\n"); /* first hits, two processes */
    assert_int_equal(status_with("", "/nowhere/log"), 2);
    close(fd);
    unlink(log_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_plans), cmocka_unit_test(test_log) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

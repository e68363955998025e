/* A KMF node starts, runs, and says why it cannot. The whole story is in tests/apps/test_p25.sh. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/random.h"
#include "lab/kmf_node.h"

typedef struct world {
    char directory[32];
    lab_kmf_config config;
    lab_setup setup;
    size_t events;
} world;

static void count(void *ctx, const json_t *event)
{
    world *w = ctx;
    assert_non_null(json_string_value(json_object_get(event, "event")));
    assert_non_null(json_string_value(json_object_get(event, "say")));
    assert_non_null(json_string_value(json_object_get(event, "time")));
    w->events++;
}

/* An address that no other process has. */
static void write_config(world *w, const char *more)
{
    char yaml[1024], path[64];
    lab_config_fault fault;
    const unsigned id = (unsigned)getpid();
    (void)snprintf(path, sizeof path, "%s/pass", w->directory);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("a passphrase\n", f);
    (void)fclose(f);
    (void)snprintf(yaml, sizeof yaml,
                   "rsi: 9999999\nlisten: 127.%u.%u.%u:64414\ncontrol: kmf.sock\nstate: state\n"
                   "passphrase_file: pass\ngroups: [ { sln: 1, name: fire } ]\n%s",
                   128 + id / 62500 % 64, id / 250 % 250 + 1, id % 250 + 1, more);
    lab_kmf_config_clear(&w->config);
    assert_ok(lab_kmf_config_read(kf_slice_str(yaml), w->directory, &w->config, &fault));
}

static void begin(world *w)
{
    memset(w, 0, sizeof *w);
    (void)snprintf(w->directory, sizeof w->directory, "/tmp/kf-node-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    w->setup = (lab_setup){ { 4, 8, 1 }, kf_random(), { count, w } };
    write_config(w, "units: [ { rsi: 1001, groups: [1] }, { rsi: 1002 } ]\n");
}

static void end(world *w)
{
    char command[64];
    lab_kmf_config_clear(&w->config);
    (void)snprintf(command, sizeof command, "rm -r %s", w->directory);
    assert_int_equal(system(command), 0);
}

static lab_kmf_node *start(world *w)
{
    lab_kmf_node *kn = NULL;
    lab_trouble t;
    const kf_err err = lab_kmf_node_new(&w->config, &w->setup, &kn, &t);
    if (err != KF_OK)
        print_message("%s: %s\n", t.what, t.why);
    assert_ok(err);
    return kn;
}

/* It runs, ends by itself, leaves no socket, and is taken up again with fewer units. */
static void test_runs(void **state)
{
    world w;
    struct stat st;
    lab_trouble t;
    (void)state;
    begin(&w);
    lab_kmf_node *kn = start(&w);
    assert_int_equal(stat(w.config.node.control, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(lab_kmf_node_run(kn, 1, &t));
    lab_kmf_node_free(&kn);
    assert_int_not_equal(stat(w.config.node.control, &st), 0);
    assert_int_equal(w.events, 2); /* listening, stopped */
    write_config(&w, "units: [ { rsi: 1002, groups: [1] } ]\n");
    w.events = 0;
    kn = start(&w);
    assert_int_equal(w.events, 2); /* one left out, listening */
    lab_kmf_node_free(&kn);
    end(&w);
}

static void refused(world *w, kf_err want, const char *field)
{
    lab_kmf_node *kn = NULL;
    lab_trouble t;
    assert_err(lab_kmf_node_new(&w->config, &w->setup, &kn, &t), want);
    assert_null(kn);
    assert_string_equal(t.field, field);
    assert_true(t.what[0] != '\0' && t.why[0] != '\0' && t.remedy[0] != '\0');
}

static void test_refused(void **state)
{
    world w;
    char path[64];
    (void)state;
    begin(&w);
    lab_kmf_node *kn = start(&w);
    refused(&w, KF_E_STATE, "state");
    lab_kmf_node_free(&kn);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(
        bind(fd, (struct sockaddr *)&w.config.node.listen, sizeof w.config.node.listen), 0);
    refused(&w, KF_E_BACKEND, "listen");
    (void)close(fd);
    /* Records of units that are gone are no new beginning. */
    (void)snprintf(path, sizeof path, "%s/state/slot-2", w.directory);
    assert_int_equal(unlink(path), 0);
    refused(&w, KF_E_STATE, "state");
    (void)snprintf(path, sizeof path, "%s/pass", w.directory);
    assert_int_equal(unlink(path), 0);
    refused(&w, KF_E_BACKEND, "passphrase_file");
    end(&w);
}

/* A socket file that nobody serves is replaced; one that is served, or a file, is not. */
static void test_socket(void **state)
{
    world w;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    (void)state;
    begin(&w);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", w.config.node.control);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, 1), 0);
    refused(&w, KF_E_STATE, "control");
    (void)close(fd);
    lab_kmf_node *kn = start(&w);
    lab_kmf_node_free(&kn);
    FILE *f = fopen(w.config.node.control, "w");
    assert_non_null(f);
    (void)fclose(f);
    refused(&w, KF_E_BACKEND, "control");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

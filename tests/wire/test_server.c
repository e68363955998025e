/* The server over its Unix socket: calls in any order, and every way a peer can misbehave. */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void assert_serves(const rig *r)
{
    wire_client *c = rig_connect(r);
    wire_outcome o;
    assert_ok(rig_ask(c, "echo", 5, &o));
    assert_true(o.is_done);
    assert_int_equal(wire_get_int(o.map, "octets", 0), 5);
    wire_outcome_clear(&o);
    wire_disconnect(&c);
}

typedef struct steps {
    unsigned count;
    uint64_t last;
} steps;

static void on_step(void *ctx, uint64_t done, uint64_t total, kf_slice text)
{
    steps *s = ctx;
    assert_int_equal(total, 3);
    assert_slice_equal(text, kf_slice_str("sealing"));
    s->count++;
    s->last = done;
}

static void test_answers_failures_and_progress(void **state)
{
    (void)state;
    rig r;
    wire_outcome o;
    steps s = { 0, 0 };
    struct stat st;
    rig_start(&r, (wire_server_config){ .unix_mode = 0600 });
    assert_int_equal(stat(r.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    wire_client *c = rig_connect(&r);
    for (int64_t i = 0; i < 100; i++) {
        assert_ok(rig_ask(c, "echo", i, &o));
        assert_true(o.is_done);
        assert_int_equal(wire_get_int(o.map, "octets", -1), i);
        wire_outcome_clear(&o);
    }
    assert_int_equal(r.last.uid, getuid());
    assert_int_equal(r.last.gid, getgid());
    assert_int_equal(r.last.pid, getpid());
    assert_false(r.last.is_tls);
    assert_ok(rig_ask(c, "fail", 0, &o));
    assert_false(o.is_done);
    assert_slice_equal(wire_get_text(o.map, "code"), kf_slice_str("not-ready"));
    assert_slice_equal(wire_get_text(o.map, "field"), kf_slice_str("kid"));
    assert_slice_equal(wire_get_text(o.map, "do"), kf_slice_str("c"));
    wire_outcome_clear(&o);
    wire_builder *b = rig_verb("steps", NULL, 0);
    assert_ok(wire_ask(c, b, on_step, &s, &o));
    assert_true(o.is_done);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.last, 3);
    wire_outcome_clear(&o);
    wire_builder_free(&b);
    wire_disconnect(&c);
    rig_stop(&r);
}

static void test_large_answers_and_too_large_ones(void **state)
{
    (void)state;
    static const int64_t sizes[] = { 400, 500, 600, 5000, 70000, 1000000, WIRE_FRAME_MAX - 100 };
    rig r;
    wire_outcome o;
    rig_start(&r, (wire_server_config){ 0 });
    wire_client *c = rig_connect(&r);
    for (size_t i = 0; i < KF_COUNT(sizes); i++) {
        assert_ok(rig_ask(c, "large", sizes[i], &o));
        assert_int_equal(wire_get_octets(o.map, "octets").len, sizes[i]);
        wire_outcome_clear(&o);
    }
    assert_ok(rig_ask(c, "large", WIRE_FRAME_MAX, &o));
    assert_false(o.is_done);
    assert_slice_equal(wire_get_text(o.map, "code"), kf_slice_str("too-large"));
    wire_outcome_clear(&o);
    wire_disconnect(&c);
    rig_stop(&r);
}

static void test_large_requests(void **state)
{
    (void)state;
    static const size_t sizes[] = { 450, 600, 5000, 300000, 1000000 };
    rig r;
    wire_outcome o;
    rig_start(&r, (wire_server_config){ .frame_max = 900000 });
    wire_client *c = rig_connect(&r);
    for (size_t i = 0; i < KF_COUNT(sizes); i++) {
        wire_builder *b = NULL;
        uint8_t *octets = malloc(sizes[i]);
        assert_non_null(octets);
        memset(octets, (int)i, sizes[i]);
        assert_ok(wire_builder_new(&b));
        wire_open_map(b, NULL);
        wire_put_text_z(b, "verb", "echo");
        wire_put_octets(b, "key", (kf_slice){ octets, sizes[i] });
        wire_close(b);
        kf_err err = wire_ask(c, b, NULL, NULL, &o);
        if (sizes[i] > 900000) { /* the frame costs the connection */
            assert_err(err, KF_E_BACKEND);
            assert_true(strlen(wire_client_why(c)) > 0);
        } else {
            assert_err(err, KF_OK);
            assert_slice_equal(wire_get_octets(o.map, "key"), ((kf_slice){ octets, sizes[i] }));
        }
        wire_outcome_clear(&o);
        wire_builder_free(&b);
        free(octets);
    }
    wire_disconnect(&c);
    assert_serves(&r);
    rig_stop(&r);
}

static void test_pipelined_calls_are_answered_in_any_order(void **state)
{
    (void)state;
    enum { CALLS = 20 };
    uint8_t buf[256];
    wire_frame f;
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    int fd = rig_raw(&r);
    for (uint32_t i = 1; i <= CALLS; i++)
        rig_send(fd, rig_frame(buf, sizeof buf, i, "hold", CALLS));
    for (uint32_t i = CALLS; i > 0; i--) {
        assert_true(rig_receive(fd, buf, sizeof buf, &f));
        assert_int_equal(f.kind, WIRE_ANSWER);
        assert_int_equal(f.number, i);
    }
    close(fd);
    rig_stop(&r);
}

/* More than may be under way: the rest waits in the socket, and comes when there is room. */
static void test_requests_under_way_are_bounded(void **state)
{
    (void)state;
    enum { CALLS = 100, MOST = 32 };
    uint8_t buf[256];
    wire_frame f;
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    int fd = rig_raw(&r);
    for (uint32_t i = 1; i <= CALLS; i++)
        rig_send(fd, rig_frame(buf, sizeof buf, i, "keep", 0));
    rig_await(&r.requests, MOST);
    usleep(20000);
    assert_int_equal(atomic_load(&r.requests), MOST);
    assert_serves(&r); /* others are not held up */
    for (uint32_t got = 0; got < CALLS; got++) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        while (poll(&p, 1, 20) == 0)
            rig_release(&r);
        assert_true(rig_receive(fd, buf, sizeof buf, &f));
    }
    close(fd);
    rig_stop(&r);
}

static void test_half_close_still_gets_answers(void **state)
{
    (void)state;
    uint8_t buf[256];
    wire_frame f;
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    int fd = rig_raw(&r);
    rig_send(fd, rig_frame(buf, sizeof buf, 1, "keep", 0));
    rig_send(fd, rig_frame(buf, sizeof buf, 2, "echo", 0));
    shutdown(fd, SHUT_WR);
    assert_true(rig_receive(fd, buf, sizeof buf, &f));
    assert_int_equal(f.number, 2);
    rig_release(&r);
    assert_true(rig_receive(fd, buf, sizeof buf, &f));
    assert_int_equal(f.number, 1);
    assert_false(rig_receive(fd, buf, sizeof buf, &f));
    close(fd);
    rig_await(&r.closed, 1);
    rig_stop(&r);
}

static void test_peers_that_vanish(void **state)
{
    (void)state;
    enum { PEERS = 50 };
    uint8_t buf[256];
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    for (unsigned i = 0; i < PEERS; i++) {
        int fd = rig_raw(&r);
        kf_slice frame = rig_frame(buf, sizeof buf, 1, "keep", 0);
        rig_send(fd, frame);
        rig_send(fd, (kf_slice){ frame.ptr, i % frame.len }); /* and part of another */
        close(fd);
    }
    rig_await(&r.closed, PEERS);
    rig_release(&r); /* answered to nobody */
    assert_serves(&r);
    rig_stop(&r);
}

static void test_calls_outlive_the_server(void **state)
{
    (void)state;
    uint8_t buf[256];
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    int fd = rig_raw(&r);
    rig_send(fd, rig_frame(buf, sizeof buf, 1, "keep", 0));
    rig_await(&r.requests, 1);
    rig_stop(&r);
    close(fd);
}

static bool is_closed_within(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char octet;
    return poll(&p, 1, ms) == 1 && recv(fd, &octet, 1, 0) <= 0;
}

static void test_slow_peers_are_let_go(void **state)
{
    (void)state;
    uint8_t buf[256];
    rig r;
    rig_start(&r, (wire_server_config){ .idle_seconds = 1 });
    int loris = rig_raw(&r), idle = rig_raw(&r), waiting = rig_raw(&r);
    kf_slice frame = rig_frame(buf, sizeof buf, 1, "echo", 0);
    bool is_gone = false;
    for (size_t i = 0; i < frame.len - 1 && !is_gone;
         i++) { /* an octet now and then is no request */
        send(loris, frame.ptr + i, 1, MSG_NOSIGNAL);
        is_gone = is_closed_within(loris, 15);
    }
    assert_true(is_gone);
    rig_send(waiting, rig_frame(buf, sizeof buf, 1, "keep", 0));
    assert_true(is_closed_within(idle, 3000));
    assert_false(is_closed_within(waiting, 200)); /* a call under way is no idleness */
    assert_serves(&r);
    close(loris);
    close(idle);
    close(waiting);
    rig_stop(&r);
}

/* Asks for much and reads nothing. */
static void test_a_peer_that_does_not_read_is_dropped(void **state)
{
    (void)state;
    uint8_t buf[256];
    rig r;
    rig_start(&r, (wire_server_config){ .idle_seconds = 1 });
    int fd = rig_raw(&r);
    wire_builder *b = rig_verb("large", "octets", 3000000);
    kf_slice body;
    assert_ok(wire_builder_done(b, &body));
    for (uint32_t i = 1; i <= 100; i++) {
        kf_writer w = kf_writer_init(buf, sizeof buf);
        wire_frame_write(&w, &(wire_frame){ WIRE_REQUEST, i, body });
        if (send(fd, buf, w.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    }
    wire_builder_free(&b);
    rig_await(&r.closed, 1);
    assert_serves(&r);
    close(fd);
    rig_stop(&r);
}

static void test_malformed_frames_cost_only_their_connections(void **state)
{
    (void)state;
    testing_rng rng;
    uint8_t frame[256], bad[256];
    rig r;
    wire_outcome o;
    testing_rng_init(&rng, "malformed frames");
    rig_start(&r, (wire_server_config){ 0 });
    wire_client *witness = rig_connect(&r);
    size_t len = rig_frame(frame, sizeof frame, 1, "echo", 0).len;
    for (size_t i = 0; i < testing_count(10000, 200000); i++) {
        int fd = rig_raw(&r);
        size_t n = len;
        memcpy(bad, frame, len);
        switch (i % 4) {
        case 0: /* garbage */
            testing_rng_octets(&rng, bad, n);
            bad[0] |= 1; /* too long */
            break;
        case 1: /* version, kind, number 0, or no map */
            bad[(const uint8_t[]){ 4, 5, 10, 11 }[i / 4 % 4]] ^= 0x40;
            break;
        case 2: /* the verb has another name */
            bad[14] = 'X';
            break;
        default: /* octets after the map */
            bad[3]++;
            bad[n++] = 0;
        }
        rig_send(fd, (kf_slice){ bad, n });
        if (!is_closed_within(fd, 5000))
            fail_msg("frame %zu was not refused", i);
        close(fd);
        if (i % 500 == 0) {
            assert_ok(rig_ask(witness, "echo", 1, &o));
            wire_outcome_clear(&o);
        }
    }
    rig_await(&r.closed, atomic_load(&r.opened) - 1);
    wire_disconnect(&witness);
    rig_stop(&r);
}

/* One bit of a request flipped: refused, or answered with the same request. */
static void test_bit_flips(void **state)
{
    (void)state;
    uint8_t frame[256], buf[512];
    wire_frame f;
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    size_t len = rig_frame(frame, sizeof frame, 1, "echo", 0).len;
    for (size_t bit = 0; bit < len * 8; bit++) {
        int fd = rig_raw(&r);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        send(fd, frame, len, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        if (rig_receive(fd, buf, sizeof buf, &f)) {
            assert_int_equal(f.kind, WIRE_ANSWER);
            assert_slice_equal(f.body,
                               ((kf_slice){ frame + WIRE_HEAD_OCTETS, len - WIRE_HEAD_OCTETS }));
        }
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        close(fd);
    }
    assert_serves(&r);
    rig_stop(&r);
}

static void test_200_clients_at_once(void **state)
{
    (void)state;
    enum { CLIENTS = 200, ROUNDS = 5 };
    static wire_client *all[CLIENTS];
    rig r;
    wire_outcome o;
    rig_start(&r, (wire_server_config){ 0 });
    for (size_t i = 0; i < CLIENTS; i++)
        all[i] = rig_connect(&r);
    for (size_t i = 0; i < CLIENTS * ROUNDS; i++) {
        assert_ok(rig_ask(all[i % CLIENTS], "echo", (int64_t)i, &o));
        assert_int_equal(wire_get_int(o.map, "octets", -1), i);
        wire_outcome_clear(&o);
    }
    assert_int_equal(atomic_load(&r.opened), CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        wire_disconnect(&all[i]);
    rig_stop(&r);
}

static void test_one_client_too_many_is_told(void **state)
{
    (void)state;
    rig r;
    wire_outcome o;
    rig_start(&r, (wire_server_config){ .clients_max = 2 });
    wire_client *a = rig_connect(&r), *b = rig_connect(&r);
    assert_ok(rig_ask(a, "echo", 1, &o));
    wire_outcome_clear(&o);
    assert_ok(rig_ask(b, "echo", 1, &o));
    wire_outcome_clear(&o);
    wire_client *c = rig_connect(&r);
    assert_ok(rig_ask(c, "echo", 1, &o));
    assert_false(o.is_done);
    assert_slice_equal(wire_get_text(o.map, "code"), kf_slice_str("busy"));
    wire_outcome_clear(&o);
    wire_disconnect(&c);
    wire_disconnect(&a);
    rig_await(&r.closed, 1);
    assert_serves(&r);
    wire_disconnect(&b);
    rig_stop(&r);
}

static void test_denied_is_told(void **state)
{
    (void)state;
    rig r;
    wire_outcome o;
    rig_start(&r, (wire_server_config){ 0 });
    r.denies = true;
    wire_client *c = rig_connect(&r);
    assert_ok(rig_ask(c, "echo", 1, &o));
    assert_false(o.is_done);
    assert_slice_equal(wire_get_text(o.map, "code"), kf_slice_str("denied"));
    wire_outcome_clear(&o);
    assert_err(rig_ask(c, "echo", 1, &o), KF_E_BACKEND);
    wire_disconnect(&c);
    assert_int_equal(atomic_load(&r.requests), 0);
    rig_stop(&r);
}

static void test_requests_share_the_memory_set_aside(void **state)
{
    (void)state;
    uint8_t buf[256];
    wire_frame f;
    rig r;
    rig_start(&r, (wire_server_config){ .memory_max = 20000 });
    int fd = rig_raw(&r);
    uint32_t busy = 0;
    for (uint32_t i = 1; i <= 20; i++)
        rig_send(fd, rig_frame(buf, sizeof buf, i, "keep", 0));
    assert_true(rig_receive(fd, buf, sizeof buf, &f));
    assert_int_equal(f.kind, WIRE_FAILURE);
    busy = f.number;
    assert_true(busy > 2);
    rig_release(&r);
    close(fd);
    rig_stop(&r);
}

static void test_the_socket_file(void **state)
{
    (void)state;
    char why[200];
    wire_server *second = NULL;
    struct event_base *base = event_base_new();
    const wire_handler handler = { rig_opened, rig_request, rig_closed, NULL };
    rig r;
    rig_start(&r, (wire_server_config){ 0 });
    wire_server_config config = { .unix_path = r.path };
    assert_err(wire_server_new(base, &config, &handler, &second, why, sizeof why), KF_E_STATE);
    assert_non_null(strstr(why, "in use"));
    assert_serves(&r);
    rig_stop(&r);

    assert_int_equal(mkdir(r.dir, 0700), 0);
    FILE *file = fopen(r.path, "w"); /* no socket: not ours to remove */
    assert_non_null(file);
    fclose(file);
    assert_err(wire_server_new(base, &config, &handler, &second, why, sizeof why), KF_E_STATE);
    assert_int_equal(unlink(r.path), 0);

    struct sockaddr_un a = { .sun_family = AF_UNIX }; /* left by a process that was killed */
    strcpy(a.sun_path, r.path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (const struct sockaddr *)&a, sizeof a), 0);
    close(stale);
    assert_ok(wire_server_new(base, &config, &handler, &second, why, sizeof why));
    assert_int_equal(access(r.path, F_OK), 0);
    wire_server_free(&second);
    assert_int_not_equal(access(r.path, F_OK), 0);
    assert_int_equal(rmdir(r.dir), 0);
    event_base_free(base);
}

/* The other end of a connection that is no vault. */
static void test_client_refuses_what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        kf_err want;
    } cases[] = {
        { "00000009 01 02 00000001 060000", KF_OK },
        { "00000009 01 03 00000001 060000", KF_OK },
        { "00000009 01 04 00000001 060000 00000009 01 02 00000001 060000", KF_OK },
        { "00000009 01 03 00000000 060000", KF_OK },
        { "00000009 01 02 00000000 060000", KF_E_MALFORMED }, /* an answer to nothing */
        { "00000009 01 02 00000002 060000", KF_E_MALFORMED },
        { "00000009 01 01 00000001 060000", KF_E_MALFORMED },
        { "00000009 02 02 00000001 060000", KF_E_MALFORMED },
        { "0000000b 01 02 00000001 0500000000", KF_E_MALFORMED },
        { "48545450", KF_E_MALFORMED },
        { "00000009 01 02 00000001", KF_E_BACKEND },
        { "", KF_E_BACKEND },
    };
    char dir[] = "/tmp/kf-wire-XXXXXX", address[64], why[200];
    assert_non_null(mkdtemp(dir));
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof a.sun_path, "%s/s", dir);
    snprintf(address, sizeof address, "unix:%s/s", dir);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 5), 0);
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[64];
        wire_client *c = NULL;
        wire_outcome o;
        assert_ok(wire_connect(&(wire_client_config){ .address = address, .timeout_ms = 2000 }, &c,
                               why, sizeof why));
        int fd = accept(listener, NULL, NULL);
        rig_send(fd, testing_hex(cases[i].hex, buf, sizeof buf));
        shutdown(fd, SHUT_WR);
        kf_err got = rig_ask(c, "echo", 1, &o);
        if (got != cases[i].want || (got == KF_OK) != (o.map != NULL) ||
            (got != KF_OK && wire_client_why(c)[0] == '\0'))
            fail_msg("%s: %s", cases[i].hex, kf_err_name(got));
        wire_outcome_clear(&o);
        wire_disconnect(&c);
        close(fd);
    }
    wire_client *c = NULL;
    wire_outcome o;
    assert_ok(wire_connect(&(wire_client_config){ .address = address, .timeout_ms = 50 }, &c, why,
                           sizeof why));
    assert_err(rig_ask(c, "echo", 1, &o), KF_E_BACKEND); /* nobody answers */
    assert_non_null(strstr(wire_client_why(c), "in time"));
    wire_disconnect(&c);
    close(listener);
    unlink(a.sun_path);
    rmdir(dir);
    static const char *const bad[] = { "",         "http://x", "unix:",
                                       "tls:host", "tls::1:7", "unix:/none/x" };
    for (size_t i = 0; i < KF_COUNT(bad); i++) {
        assert_int_not_equal(
            wire_connect(&(wire_client_config){ .address = bad[i] }, &c, why, sizeof why), KF_OK);
        assert_null(c);
        assert_true(strlen(why) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_failures_and_progress),
        cmocka_unit_test(test_large_answers_and_too_large_ones),
        cmocka_unit_test(test_large_requests),
        cmocka_unit_test(test_pipelined_calls_are_answered_in_any_order),
        cmocka_unit_test(test_requests_under_way_are_bounded),
        cmocka_unit_test(test_half_close_still_gets_answers),
        cmocka_unit_test(test_peers_that_vanish),
        cmocka_unit_test(test_calls_outlive_the_server),
        cmocka_unit_test(test_slow_peers_are_let_go),
        cmocka_unit_test(test_a_peer_that_does_not_read_is_dropped),
        cmocka_unit_test(test_malformed_frames_cost_only_their_connections),
        cmocka_unit_test(test_bit_flips),
        cmocka_unit_test(test_200_clients_at_once),
        cmocka_unit_test(test_one_client_too_many_is_told),
        cmocka_unit_test(test_denied_is_told),
        cmocka_unit_test(test_requests_share_the_memory_set_aside),
        cmocka_unit_test(test_the_socket_file),
        cmocka_unit_test(test_client_refuses_what_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

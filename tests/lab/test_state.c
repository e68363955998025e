/*
 * Records at rest: what is put in comes out, nothing else does; the machine may die at every step.
 *
 * The functions of the system that state.c writes with are defined here too, in front of the C
 * library's, so that a test can count them, make one fail, or die at one.
 */
#include "support/testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/container.h"
#include "lab/state.h"

static const kf_scrypt_cost quick = { 1, 1, 1 };
static const char passphrase[] = "correct horse";
static char root[] = "/tmp/kf-test-state-XXXXXX";
static char dir[64];
static testing_rng rng;

/* ---- the system, with faults ---- */

typedef enum mishap { NONE, FAIL, DIE, DIE_HALF } mishap;

static struct {
    mishap what;
    unsigned at, steps; /**< which step; how many there were */
} fault_plan;

static bool strikes(void)
{
    return fault_plan.steps++ == fault_plan.at && fault_plan.what != NONE;
}

static long step(long (*go)(const long *), const long *arguments)
{
    if (!strikes())
        return go(arguments);
    if (fault_plan.what != FAIL)
        _exit(77);
    errno = ENOSPC;
    return -1;
}

static long go_write(const long *a)
{
    return syscall(SYS_write, a[0], a[1], a[2]);
}

static long go_fsync(const long *a)
{
    return syscall(SYS_fsync, a[0]);
}

static long go_rename(const long *a)
{
    return syscall(SYS_renameat, a[0], a[1], a[2], a[3]);
}

ssize_t write(int fd, const void *octets, size_t len)
{
    const long a[] = { fd, (long)octets, (long)len };
    if (fault_plan.what == DIE_HALF && fault_plan.steps == fault_plan.at)
        (void)syscall(SYS_write, a[0], a[1], a[2] / 2);
    return step(go_write, a);
}

int fsync(int fd)
{
    const long a[] = { fd };
    return (int)step(go_fsync, a);
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
    const long a[] = { old_dir, (long)old, new_dir, (long)new };
    return (int)step(go_rename, a);
}

/* ---- fixture ---- */

static int make_root(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL)
        return 1;
    (void)snprintf(dir, sizeof dir, "%s/state", root);
    return 0;
}

/** Remove what is in the directory and the directory. */
static void sweep(void)
{
    char path[400];
    DIR *d = opendir(dir);
    if (d == NULL)
        return;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.' && unlink(path) != 0)
            (void)rmdir(path);
    }
    closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static int remove_root(void **state)
{
    (void)state;
    return rmdir(root);
}

static int begin(void **state)
{
    (void)state;
    memset(&fault_plan, 0, sizeof fault_plan);
    testing_rng_init(&rng, "state");
    return 0;
}

static int end(void **state)
{
    (void)state;
    memset(&fault_plan, 0, sizeof fault_plan);
    sweep();
    return 0;
}

static const char *in_dir(const char *name)
{
    static char path[2][128];
    static unsigned turn;
    turn ^= 1u;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(in_dir(name), &st) == 0;
}

static void put(const char *name, kf_slice octets)
{
    FILE *f = fopen(in_dir(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(octets.ptr, 1, octets.len, f), octets.len);
    assert_int_equal(fclose(f), 0);
}

static kf_slice get(const char *name, uint8_t *buf, size_t cap)
{
    FILE *f = fopen(in_dir(name), "rb");
    assert_non_null(f);
    const size_t len = fread(buf, 1, cap, f);
    assert_int_equal(fclose(f), 0);
    return (kf_slice){ buf, len };
}

static kf_err try_open(const char *pass, lab_state **out, lab_state_fault *fault)
{
    const kf_err err = lab_state_open(dir, kf_slice_str(pass), quick, &rng.rng, out, fault);
    assert_true((err == KF_OK) == (*out != NULL));
    assert_true((err == KF_OK) == (fault->why == NULL));
    return err;
}

static lab_state *open_good(void)
{
    lab_state *s = NULL;
    lab_state_fault fault;
    assert_ok(try_open(passphrase, &s, &fault));
    return s;
}

static void assert_refused(const char *pass, kf_err want, const char *file, int system)
{
    lab_state *s = NULL;
    lab_state_fault fault;
    assert_err(try_open(pass, &s, &fault), want);
    assert_string_equal(fault.file, file);
    assert_int_equal(fault.system, system);
}

static void assert_holds(const lab_state *s, uint32_t slot, const char *want)
{
    kf_secret *got = NULL;
    assert_ok(lab_state_load(s, slot, &got));
    assert_slice_equal(kf_secret_view(got), kf_slice_str(want));
    kf_secret_free(&got);
}

static void assert_load(const lab_state *s, uint32_t slot, kf_err want)
{
    kf_secret *got = (kf_secret *)&got;
    assert_err(lab_state_load(s, slot, &got), want);
    assert_null(got);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777u;
}

/* ---- use ---- */

static void test_records_survive(void **state)
{
    static const uint32_t slots[] = { 0, 1, 9, 10, 20000, UINT32_MAX };
    char text[32];
    (void)state;
    lab_state *s = open_good();
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        assert_load(s, slots[i], KF_E_DENIED);
        (void)snprintf(text, sizeof text, "record %zu", i);
        assert_ok(lab_state_save(s, slots[i], kf_slice_str("an older, longer record")));
        assert_ok(lab_state_save(s, slots[i], kf_slice_str(text)));
    }
    assert_ok(lab_state_save(s, 7, (kf_slice){ NULL, 0 }));
    lab_state_close(&s);
    assert_null(s);
    lab_state_close(&s);
    s = open_good();
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        (void)snprintf(text, sizeof text, "record %zu", i);
        assert_holds(s, slots[i], text);
    }
    assert_holds(s, 7, "");
    lab_state_close(&s);
    assert_int_equal(mode_of(dir), 0700);
    assert_int_equal(mode_of(in_dir("state.key")), 0600);
    assert_int_equal(mode_of(in_dir("slot-4294967295")), 0600);
    assert_int_equal(mode_of(in_dir("lock")), 0600);
}

static void test_a_large_record(void **state)
{
    const size_t len = 2u << 20;
    uint8_t *octets = malloc(len);
    kf_secret *got = NULL;
    (void)state;
    assert_non_null(octets);
    testing_rng_octets(&rng, octets, 4096);
    for (size_t i = 4096; i < len; i++)
        octets[i] = (uint8_t)(octets[i - 4096] + i / 4096);
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 0, (kf_slice){ octets, len }));
    assert_err(lab_state_save(s, 0, (kf_slice){ octets, (16u << 20) - 28 }), KF_E_BACKEND);
    assert_int_equal(errno, EFBIG);
    const kf_err err = lab_state_load(s, 0, &got);
    if (err != KF_E_NO_MEMORY) { /* a small limit on locked memory */
        assert_ok(err);
        assert_true(kf_slice_equal(kf_secret_view(got), (kf_slice){ octets, len }));
    }
    kf_secret_free(&got);
    lab_state_close(&s);
    free(octets);
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    lab_state *s = open_good();
    assert_refused(passphrase, KF_E_STATE, "lock", 0);
    assert_ok(lab_state_save(s, 1, kf_slice_str("still works")));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        lab_state *other = NULL;
        lab_state_fault fault;
        _exit(lab_state_open(dir, kf_slice_str(passphrase), quick, &rng.rng, &other, &fault) ==
                      KF_E_STATE
                  ? 0
                  : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    lab_state_close(&s);
    s = open_good();
    lab_state_close(&s);
}

/* ---- refusals ---- */

static void test_wrong_passphrase(void **state)
{
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("x")));
    lab_state_close(&s);
    assert_refused("correct horsf", KF_E_AUTH, "state.key", 0);
    assert_refused("", KF_E_AUTH, "state.key", 0);
    assert_refused("correct horse ", KF_E_AUTH, "state.key", 0);
    s = open_good();
    assert_holds(s, 1, "x");
    lab_state_close(&s);
}

static void test_an_altered_key(void **state)
{
    uint8_t key[256], bad[256];
    (void)state;
    lab_state *s = open_good();
    lab_state_close(&s);
    const kf_slice good = get("state.key", key, sizeof key);
    assert_int_equal(good.len, KF_CONTAINER_OVERHEAD + 32);
    for (size_t bit = 0; bit < 8 * good.len; bit++) {
        const size_t at = bit / 8;
        memcpy(bad, key, good.len);
        bad[at] ^= (uint8_t)(1u << bit % 8);
        if (at == 10 && bad[at] > 12)
            continue; /* a cost that is only slow to refuse */
        put("state.key", (kf_slice){ bad, good.len });
        assert_refused(passphrase, KF_E_AUTH, "state.key", 0);
    }
    for (size_t len = 0; len < good.len; len++) {
        put("state.key", kf_slice_part(good, 0, len));
        assert_refused(passphrase, KF_E_AUTH, "state.key", 0);
    }
    memcpy(bad, key, good.len);
    bad[good.len] = 0;
    put("state.key", (kf_slice){ bad, good.len + 1 });
    assert_refused(passphrase, KF_E_AUTH, "state.key", 0);
    put("state.key", good);
    s = open_good();
    lab_state_close(&s);
}

/** A container of another kind, or of something that is no key, is no state key. */
static void test_another_container(void **state)
{
    static const struct {
        kf_container_kind kind;
        size_t octets;
    } cases[] = { { KF_CONTAINER_KEY_FILE, 32 },
                  { KF_CONTAINER_KMS_DOMAIN, 32 },
                  { KF_CONTAINER_STATE_KEY, 31 },
                  { KF_CONTAINER_STATE_KEY, 0 } };
    static const uint8_t content[32];
    (void)state;
    lab_state *s = open_good();
    lab_state_close(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t buf[256];
        kf_writer w = kf_writer_init(buf, sizeof buf);
        assert_ok(kf_container_seal(cases[i].kind, kf_slice_str(passphrase), quick,
                                    (kf_slice){ content, cases[i].octets }, &rng.rng, &w));
        put("state.key", kf_writer_slice(&w));
        assert_refused(passphrase, KF_E_AUTH, "state.key", 0);
    }
}

static void test_altered_records(void **state)
{
    uint8_t good[128], bad[128], other[128];
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("of slot one")));
    assert_ok(lab_state_save(s, 12, kf_slice_str("of slot 12!")));
    const kf_slice one = get("slot-1", good, sizeof good);
    const kf_slice twelve = get("slot-12", other, sizeof other);
    assert_int_equal(one.len, 1 + 12 + 11 + 16);
    for (size_t bit = 0; bit < 8 * one.len; bit++) {
        memcpy(bad, good, one.len);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put("slot-1", (kf_slice){ bad, one.len });
        assert_load(s, 1, bit < 8 ? KF_E_UNSUPPORTED : KF_E_AUTH);
    }
    for (size_t len = 0; len < one.len; len++) {
        put("slot-1", kf_slice_part(one, 0, len));
        assert_load(s, 1, len < 29 ? KF_E_TRUNCATED : KF_E_AUTH);
    }
    put("slot-1", twelve); /* a record of ours, elsewhere */
    put("slot-12", one);
    assert_load(s, 1, KF_E_AUTH);
    assert_load(s, 12, KF_E_AUTH);
    put("slot-1", one);
    put("slot-12", twelve);
    assert_holds(s, 1, "of slot one");
    assert_holds(s, 12, "of slot 12!");
    lab_state_close(&s);
}

/** The same slot of another state is under another key. */
static void test_a_record_of_another_state(void **state)
{
    uint8_t record[128];
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("x")));
    const kf_slice one = get("slot-1", record, sizeof record);
    lab_state_close(&s);
    sweep();
    s = open_good();
    put("slot-1", one);
    assert_load(s, 1, KF_E_AUTH);
    lab_state_close(&s);
}

static void test_odd_files(void **state)
{
    (void)state;
    lab_state *s = open_good();
    assert_int_equal(mkfifo(in_dir("slot-1"), 0600), 0);
    assert_load(s, 1, KF_E_BACKEND); /* and does not wait for a writer */
    assert_int_equal(symlink("state.key", in_dir("slot-2")), 0);
    assert_load(s, 2, KF_E_BACKEND);
    assert_int_equal(mkdir(in_dir("slot-3"), 0700), 0);
    assert_load(s, 3, KF_E_BACKEND);
    assert_err(lab_state_save(s, 3, kf_slice_str("x")), KF_E_BACKEND);
    assert_false(exists("slot-3.new"));
    put("slot-4", (kf_slice){ NULL, 0 });
    assert_int_equal(truncate(in_dir("slot-4"), (off_t)1 << 40), 0);
    assert_load(s, 4, KF_E_BACKEND);
    assert_ok(lab_state_save(s, 2, kf_slice_str("x"))); /* replaces the link, not what it names */
    assert_holds(s, 2, "x");
    lab_state_close(&s);
    s = open_good();
    lab_state_close(&s);
}

static void test_bad_directories(void **state)
{
    uint8_t buf[256];
    lab_state *s = NULL;
    lab_state_fault fault;
    (void)state;
    assert_err(lab_state_open("/nonexistent/state", kf_slice_str("x"), quick, &rng.rng, &s, &fault),
               KF_E_BACKEND);
    assert_int_equal(fault.system, ENOENT);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_refused(passphrase, KF_E_DENIED, "", 0);
    assert_int_equal(chmod(dir, 0710), 0);
    assert_refused(passphrase, KF_E_DENIED, "", 0);
    assert_false(exists("lock")); /* nothing was made in it */
    assert_int_equal(chmod(dir, 0700), 0);
    if (geteuid() == 0) { /* only root can give a directory away */
        assert_int_equal(chown(dir, 65533, 65533), 0);
        assert_refused(passphrase, KF_E_DENIED, "", 0);
        assert_int_equal(chown(dir, 0, 0), 0);
    }
    put("letter.txt", kf_slice_str("of somebody"));
    assert_refused(passphrase, KF_E_STATE, "", 0);
    assert_false(exists("lock"));
    assert_int_equal(unlink(in_dir("letter.txt")), 0);
    s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("x")));
    lab_state_close(&s);
    const kf_slice key = get("state.key", buf, sizeof buf);
    assert_int_equal(unlink(in_dir("state.key")), 0); /* must not begin anew over records */
    assert_refused(passphrase, KF_E_STATE, "state.key", 0);
    assert_true(exists("slot-1"));
    put("state.key", key);
    s = open_good();
    assert_holds(s, 1, "x");
    lab_state_close(&s);
}

/* ---- what goes wrong half way ---- */

static void test_leftovers_are_removed(void **state)
{
    static const char *const ours[] = { "slot-1.new", "slot-4294967295.new", "state.key.new" };
    static const char *const others[] = {
        "slot-01.new", "slot-4294967296.new", "slot-.new", "slot-1.new.new", "lock.new",
        "notes.new",   "slot-1.newer",        ".new",      "slot--1.new"
    };
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("x")));
    lab_state_close(&s);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        put(ours[i], kf_slice_str("half"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        put(others[i], kf_slice_str("half"));
    s = open_good();
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_false(exists(ours[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(exists(others[i]));
    assert_int_equal(unlink(in_dir(".new")), 0);
    assert_holds(s, 1, "x");
    lab_state_close(&s);
}

/** Save in a process of its own, which dies at a step. @return did it live? */
static bool save_in_child(mishap what, unsigned at, uint32_t slot, const char *record)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        lab_state *s = NULL;
        lab_state_fault fault;
        if (lab_state_open(dir, kf_slice_str(passphrase), quick, &rng.rng, &s, &fault) != KF_OK)
            _exit(1);
        fault_plan.what = what;
        fault_plan.at = at;
        fault_plan.steps = 0;
        const kf_err err = lab_state_save(s, slot, kf_slice_str(record));
        _exit(err == KF_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
    return WEXITSTATUS(status) == 0;
}

/** Write, sync, rename, sync: whichever is the last, the old record or the new one is there. */
static void test_death_at_every_step(void **state)
{
    static const mishap ways[] = { DIE, DIE_HALF };
    (void)state;
    for (size_t way = 0; way < 2; way++) {
        bool lived = false;
        unsigned olds = 0, news = 0;
        for (unsigned at = 0; !lived; at++) {
            assert_in_range(at, 0, 20);
            lab_state *s = open_good();
            assert_ok(lab_state_save(s, 1, kf_slice_str("old")));
            lab_state_close(&s);
            (void)unlink(in_dir("slot-2"));
            lived = save_in_child(ways[way], at, 1, "new, longer");
            (void)save_in_child(ways[way], at, 2, "first");
            s = open_good();
            kf_secret *one = NULL, *two = NULL;
            assert_ok(lab_state_load(s, 1, &one));
            const bool is_new = kf_secret_len(one) == strlen("new, longer");
            assert_slice_equal(kf_secret_view(one), kf_slice_str(is_new ? "new, longer" : "old"));
            assert_err(lab_state_load(s, 2, &two), is_new ? KF_OK : KF_E_DENIED);
            assert_false(exists("slot-1.new") || exists("slot-2.new"));
            olds += !is_new;
            news += is_new;
            assert_true(!lived || is_new);
            kf_secret_free(&one);
            kf_secret_free(&two);
            lab_state_close(&s);
        }
        assert_int_equal(olds, 3); /* write, sync, rename */
        assert_int_equal(news, 2); /* sync of the directory; none */
    }
}

/** A new state that died is begun again, or is there. */
static void test_death_while_beginning(void **state)
{
    (void)state;
    bool lived = false;
    unsigned deaths = 0;
    for (; !lived; deaths++) {
        assert_in_range(deaths, 0, 20);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            lab_state *s = NULL;
            lab_state_fault fault;
            fault_plan.what = DIE;
            fault_plan.at = deaths;
            fault_plan.steps = 0;
            const kf_err err =
                lab_state_open(dir, kf_slice_str(passphrase), quick, &rng.rng, &s, &fault);
            _exit(err == KF_OK ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
        lived = WEXITSTATUS(status) == 0;
        lab_state *s = open_good();
        assert_ok(lab_state_save(s, 0, kf_slice_str("x")));
        assert_holds(s, 0, "x");
        assert_false(exists("state.key.new"));
        lab_state_close(&s);
        sweep();
    }
    assert_int_equal(deaths, 5 + 1); /* parent's sync, write, sync, rename, sync; none */
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void test_failure_at_every_step(void **state)
{
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("old")));
    for (unsigned at = 0; at < 4; at++) {
        fault_plan.what = FAIL;
        fault_plan.at = at;
        fault_plan.steps = 0;
        errno = 0;
        assert_err(lab_state_save(s, 1, kf_slice_str("new")), KF_E_BACKEND);
        assert_int_equal(errno, ENOSPC);
        fault_plan.what = NONE;
        assert_false(exists("slot-1.new"));
        assert_holds(s, 1, at < 3 ? "old" : "new"); /* the last is the directory's sync */
    }
    lab_state_close(&s);
    sweep();
    for (unsigned at = 0; at < 5; at++) {
        lab_state_fault fault;
        fault_plan.what = FAIL;
        fault_plan.at = at;
        fault_plan.steps = 0;
        assert_err(try_open(passphrase, &s, &fault), KF_E_BACKEND);
        assert_int_equal(fault.system, ENOSPC);
        assert_string_equal(fault.file, at == 0 ? "" : "state.key");
        fault_plan.what = NONE;
        s = open_good();
        lab_state_close(&s);
        sweep();
    }
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void test_a_real_limit(void **state)
{
    uint8_t big[8192] = { 1 };
    struct rlimit was, small;
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("old")));
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const kf_err err = lab_state_save(s, 1, KF_SLICE_OF(big));
    const int system = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    (void)signal(SIGXFSZ, handler);
    assert_err(err, KF_E_BACKEND);
    assert_int_equal(system, EFBIG);
    assert_false(exists("slot-1.new"));
    assert_holds(s, 1, "old");
    lab_state_close(&s);
}

static void test_no_randomness_no_record(void **state)
{
    lab_state_fault fault;
    (void)state;
    lab_state *s = open_good();
    assert_ok(lab_state_save(s, 1, kf_slice_str("old")));
    rng.budget = 11;
    assert_err(lab_state_save(s, 1, kf_slice_str("new")), KF_E_BACKEND);
    assert_holds(s, 1, "old");
    lab_state_close(&s);
    sweep();
    for (size_t budget = 0; budget < 60; budget += 7) {
        rng.budget = budget;
        assert_err(try_open(passphrase, &s, &fault), KF_E_BACKEND);
        assert_string_equal(fault.file, "state.key");
        assert_false(exists("state.key") || exists("state.key.new"));
    }
}

/* ---- what is on the disk ---- */

/** Is a run of 8 octets of the needle in any file? */
static size_t residues(kf_slice needle)
{
    static uint8_t file[1u << 16];
    size_t found = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        const kf_slice octets = get(e->d_name, file, sizeof file);
        for (size_t i = 0; i + 8 <= needle.len; i++)
            found += memmem(octets.ptr, octets.len, needle.ptr + i, 8) != NULL;
    }
    closedir(d);
    return found;
}

static void test_nothing_clear_on_disk(void **state)
{
    uint8_t record[300], same[2][400], key[32];
    (void)state;
    lab_state *s = open_good();
    testing_rng probe = rng; /* the state key is the first thing drawn from the generator */
    testing_rng_init(&probe, "state");
    testing_rng_octets(&probe, key, sizeof key);
    testing_rng_octets(&rng, record, sizeof record);
    assert_ok(lab_state_save(s, 1, KF_SLICE_OF(record)));
    const kf_slice first = get("slot-1", same[0], sizeof same[0]);
    assert_ok(lab_state_save(s, 1, KF_SLICE_OF(record)));
    const kf_slice second = get("slot-1", same[1], sizeof same[1]);
    assert_int_equal(residues(KF_SLICE_OF(record)), 0);
    assert_int_equal(residues(KF_SLICE_OF(key)), 0);
    assert_int_equal(residues(kf_slice_str(passphrase)), 0);
    assert_false(kf_slice_equal(kf_slice_part(first, 1, 12), kf_slice_part(second, 1, 12)));
    put("slot-99", KF_SLICE_OF(record)); /* the search finds what is there */
    put("slot-98", KF_SLICE_OF(key));
    assert_int_equal(residues(KF_SLICE_OF(record)), sizeof record - 7);
    assert_int_equal(residues(KF_SLICE_OF(key)), sizeof key - 7);
    lab_state_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_survive),
        TEST(test_a_large_record),
        TEST(test_one_at_a_time),
        TEST(test_wrong_passphrase),
        TEST(test_an_altered_key),
        TEST(test_another_container),
        TEST(test_altered_records),
        TEST(test_a_record_of_another_state),
        TEST(test_odd_files),
        TEST(test_bad_directories),
        TEST(test_leftovers_are_removed),
        TEST(test_death_at_every_step),
        TEST(test_death_while_beginning),
        TEST(test_failure_at_every_step),
        TEST(test_a_real_limit),
        TEST(test_no_randomness_no_record),
        TEST(test_nothing_clear_on_disk),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}

/*
 * Memory and disk that run out at the N-th time, for every N: an act is done, or refused with
 * nothing changed, and the next try works. Allocations of our own code are counted by the linker's
 * --wrap; those of the libraries under it are not ours to fail.
 */
#include <stdatomic.h>

#include "vault/vault.h"

/* Instead of vault_do() and vault_work(): the only places where something fails. */
kf_err faulty_do(vault *v, const vault_caller *who, const wire_value *request, wire_builder **out,
                 vault_refusal *refusal);
#define vault_do faulty_do
#include "vault/members.h"
#undef vault_do

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- memory ---- */

static atomic_long allocations_left = -1; /* -1: for ever */
static atomic_bool has_failed;

static bool is_refused(void)
{
    if (atomic_load(&allocations_left) < 0)
        return false;
    if (atomic_fetch_sub(&allocations_left, 1) != 0)
        return false;
    atomic_store(&has_failed, true); /* once: later ones see a negative number */
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __real_realloc(old, size);
}

static long plan = -1; /* which allocation of the next request fails */

kf_err faulty_do(vault *v, const vault_caller *who, const wire_value *request, wire_builder **out,
                 vault_refusal *refusal)
{
    atomic_store(&has_failed, false);
    atomic_store(&allocations_left, plan);
    kf_err err = vault_do(v, who, request, out, refusal);
    atomic_store(&allocations_left, -1);
    return err;
}

/* ---- what a refusal must leave as it was ---- */

typedef struct sums {
    int64_t n[12];
} sums;

static sums sums_of(const scene *s)
{
    static const store_sql sql[] = {
        { "SELECT coalesce(max(seq), 0) FROM event" },
        { "SELECT count(*) FROM checkpoint" },
        { "SELECT count(*) + coalesce(sum(coalesce(destroyed, 0)), 0) FROM vkey" },
        { "SELECT count(*) * 1000 + coalesce(sum(state), 0) FROM delivery" },
        { "SELECT count(*) * 1000 + coalesce(sum(state), 0) FROM unit" },
        { "SELECT count(*) * 1000 + coalesce(sum(state), 0) FROM mcgroup" },
        { "SELECT count(*) FROM member" },
        { "SELECT sum(value) FROM counter" },
        { "SELECT count(*) FROM seal_slot" },
        { "SELECT count(*) * 1000 + coalesce(sum(state), 0) FROM proposal" },
        { "SELECT count(*) FROM call WHERE ended IS NULL" },
        { "SELECT count(*) FROM media_grant WHERE revoked IS NULL" },
    };
    sums out;
    store *db = NULL;
    store_fault fault;
    assert_ok(store_open(s->store, &db, &fault));
    assert_ok(store_begin(db, STORE_READ));
    for (size_t i = 0; i < KF_COUNT(sql); i++)
        assert_ok(store_get_int(db, &sql[i], NULL, 0, &out.n[i]));
    store_rollback(db);
    store_close(&db);
    return out;
}

static size_t refusals, verbs_tried;

/* Until a try meets no failure: refused and unchanged, or done. */
#define TRY(s, who, verb, ...)                                                                     \
    do {                                                                                           \
        verbs_tried++;                                                                             \
        for (plan = 0;; plan++) {                                                                  \
            const sums before = sums_of(s);                                                        \
            if (ask((s), (who), (verb), __VA_ARGS__) == KF_OK)                                     \
                break;                                                                             \
            if (!atomic_load(&has_failed))                                                         \
                fail_msg("line %d: %s: %s: %s", __LINE__, (verb), (s)->refusal.code,               \
                         (s)->refusal.what);                                                       \
            refusals++;                                                                            \
            const sums after = sums_of(s);                                                         \
            for (size_t i = 0; i < KF_COUNT(before.n); i++)                                        \
                if (before.n[i] != after.n[i])                                                     \
                    fail_msg("line %d: %s refused at allocation %ld, but count %zu changed",       \
                             __LINE__, (verb), plan, i);                                           \
            assert_true(plan < 100000);                                                            \
        }                                                                                          \
        plan = -1;                                                                                 \
    } while (0)

/* The background, with its N-th allocation failing; then without. */
static void work_at_every_failure(scene *s)
{
    for (long n = 0;; n++) {
        bool more = false;
        atomic_store(&has_failed, false);
        atomic_store(&allocations_left, n);
        const kf_err err = vault_work(s->v, &more);
        atomic_store(&allocations_left, -1);
        if (!atomic_load(&has_failed))
            break;
        refusals += err != KF_OK ? 1u : 0u;
        s->now += 61; /* what was leased comes back */
        assert_true(n < 100000);
    }
    s->now += 61;
    work(s);
}

static void memory_may_run_out_anywhere(void **state)
{
    scene s;
    radio r = { .name = "e1", .rsi = 1001, .ukek_kid = 0x101 };
    uint8_t room[P25_DLI_DATAGRAM_MAX], key[32];
    const kf_slice material = { key, sizeof key }, passphrase = octets_of(PASSPHRASE);
    (void)state;
    scene_open(&s);
    radio_make(&r);
    const kf_slice ukek = { r.ukek, sizeof r.ukek };
    assert_ok(kf_rng_fill(kf_random(), key, sizeof key));
    TRY(&s, &officer, "kms create", "uri", 's', "kms.county.example", NULL);
    TRY(&s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL, NULL);
    TRY(&s, &kms_face, "kms issue", "uri", 's', "sip:al@mc", NULL);
    TRY(&s, &auditor, "identity list", NULL);
    TRY(&s, &officer, "key generate", "kind", 's', "tek", "kid", 'i', 0x777LL, NULL);
    const long long made = wire_get_int(wire_get(s.out, "made"), "key", 0);
    TRY(&s, &officer, "key import", "kind", 's', "tek", "material", 'o', &material, NULL);
    TRY(&s, &officer, "key compromise", "key", 'i', made, NULL);
    TRY(&s, &officer, "key destroy", "key", 'i', made, NULL);
    TRY(&s, &auditor, "key list", NULL);
    TRY(&s, &officer, "partner reserve", "name", 's', "state", "what", 's', "kid", "low", 'i',
        100LL, "high", 'i', 200LL, NULL);
    TRY(&s, &officer, "unit add", "name", 's', "e1", "rsi", 'i', 1001LL, "ukek", 'o', &ukek,
        "ukek_kid", 'i', 0x101LL, NULL);
    TRY(&s, &officer, "unit add", "name", 's', "al", "uri", 's', "sip:al@mc", "rsi", 'i', 1002LL,
        NULL);
    TRY(&s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1, "identity", 's',
        IWF, "uris", 'S', "sip:fire@mc", NULL, NULL);
    TRY(&s, &officer, "group members", "group", 's', "fire", "add", 'S', "e1", "al", NULL, NULL);
    work_at_every_failure(&s);
    kf_writer out = kf_writer_init(room, sizeof room);
    assert_ok(otar_unit_register(r.unit, true, &out));
    const kf_slice said = kf_writer_slice(&out);
    TRY(&s, &courier, "inbox put", "from", 's', "1001", "datagram", 'o', &said, NULL);
    work_at_every_failure(&s);
    TRY(&s, &courier, "outbox claim", NULL);
    const long long claim = wire_get_int(s.out, "claim", 0);
    const wire_value *box = wire_get(s.out, "boxes")->first;
    assert_non_null(box);
    const long long delivery = wire_get_int(box, "delivery", 0);
    TRY(&s, &courier, "outbox settle", "delivery", 'i', delivery, "claim", 'i', claim, "outcome",
        's', "delivered", NULL);
    TRY(&s, &auditor, "outbox list", NULL);
    TRY(&s, &officer, "group rekey", "group", 's', "fire", NULL);
    work_at_every_failure(&s);
    TRY(&s, &officer, "group changeover", "group", 's', "fire", "override", 's', "a test", NULL);
    TRY(&s, &officer, "group combine", "group", 's', "mayday", "of", 'S', "fire", NULL, "ends", 'i',
        (long long)s.now + 100000, "lmr", 'b', 1, "identity", 's', IWF, "uris", 'S', "sip:t@mc",
        NULL, NULL);
    TRY(&s, &officer, "group dissolve", "group", 's', "mayday", NULL);
    TRY(&s, &officer, "unit provision", "unit", 's', "al", "identity", 's', IWF, NULL);
    work_at_every_failure(&s);
    TRY(&s, &call_control, "call seal", "lmr", 's', IWF, "mc", 's', "sip:al@mc", "mode", 's',
        "end-to-end", "unit", 's', "e1", NULL);
    const long long call = wire_get_int(s.out, "call", 0);
    TRY(&s, &call_control, "call list", NULL);
    TRY(&s, &call_control, "call end", "call", 'i', call, NULL);
    TRY(&s, &officer, "media grant", "group", 's', "fire", "process", 's', "media1", "ends", 'i',
        (long long)s.now + 1000, NULL);
    TRY(&s, &media, "media fetch", "group", 's', "fire", NULL);
    assert_true(wire_get(s.out, "keys")->count >= 3);
    TRY(&s, &officer, "unit lost", "unit", 's', "e1", NULL);
    TRY(&s, &officer, "vault add-seal", "label", 's', "spare", "passphrase", 'o', &passphrase,
        "scrypt_log2n", 'i', 10LL, NULL);
    const long long proposal = wire_get_int(s.out, "proposal", 0);
    TRY(&s, &second_officer, "proposal approve", "proposal", 'i', proposal, NULL);
    TRY(&s, &auditor, "group show", "group", 's', "fire", NULL);
    TRY(&s, &auditor, "unit show", "unit", 's', "al", NULL);
    TRY(&s, &auditor, "audit list", NULL);
    TRY(&s, &auditor, "audit verify", NULL);
    TRY(&s, &auditor, "audit export", NULL);
    TRY(&s, &auditor, "vault status", NULL);
    DONE(&s, &officer, "vault seal");
    TRY(&s, &officer, "vault unseal", "passphrase", 'o', &passphrase, NULL);
    assert_true(vault_is_unsealed(s.v));
    DONE(&s, &auditor, "audit verify");
    print_message("%zu requests, %zu refusals for lack of memory\n", verbs_tried, refusals);
    assert_true(refusals > 100);
    otar_unit_free(&r.unit);
    scene_close(&s);
}

/* ---- disk ---- */

static void limit_files(rlim_t octets)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = octets;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t size_of(const scene *s, const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%.63s/%s", s->directory, name);
    return stat(path, &st) == 0 ? (rlim_t)st.st_size : 0;
}

/* No file may grow past some size: what is refused has changed nothing, and with room it works. */
static void disk_may_run_out_anywhere(void **state)
{
    const size_t rounds = testing_count(12, 400);
    size_t refused = 0, done = 0;
    testing_rng rng;
    scene s;
    (void)state;
    scene_open(&s);
    if (strncmp(s.store, "sqlite:", 7) != 0) {
        scene_close(&s);
        skip();
    }
    testing_rng_init(&rng, "disk");
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    DONE(&s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1);
    for (size_t i = 0; i < rounds; i++) {
        const rlim_t store_size = size_of(&s, "store"), wal = size_of(&s, "store-wal");
        const rlim_t now = wal > store_size ? wal : store_size;
        limit_files(now + testing_rng_below(&rng, 60000));
        for (int n = 0; n < 40; n++) {
            const sums before = sums_of(&s);
            if (ask(&s, &officer, "group rekey", "group", 's', "fire", NULL) == KF_OK) {
                done++;
                continue;
            }
            refused++;
            const sums after = sums_of(&s);
            assert_memory_equal(&before, &after, sizeof before);
        }
        limit_files(RLIM_INFINITY);
        DONE(&s, &officer, "group rekey", "group", 's', "fire");
        DONE(&s, &auditor, "audit verify");
        if (i % 4 == 0) {
            scene_stop(&s);
            scene_start(&s);
            unseal(&s);
        }
    }
    print_message("%zu rekeys refused by a full disk, %zu done\n", refused, done);
    assert_true(refused > 0 && done > 0);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(disk_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

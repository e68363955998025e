/*
 * Requests to a vault: the first octet says who asks, the rest is a value of the vault protocol.
 * The vault has a group, units, keys, boxes and a KMS, so that much can be reached.
 *
 * Oracle: what is answered has an encoding; a refusal has a code and texts that have one too; a
 * request that was refused changed nothing but, for want of a right, the count of events by one; a
 * plan and a question change nothing; the chain of events stays whole.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cover.h"
#include "script.h"
#include "vault/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define RESTART_AFTER 200u /* requests, so that no input rests on too many before it */

static const vault_caller callers[] = {
    { VAULT_OFFICER, "olga" }, { VAULT_OFFICER, "sven" }, { VAULT_AUDITOR, "anna" },
    { VAULT_COURIER, "carl" }, { VAULT_KMS, "kms" },      { VAULT_MEDIA, "media1" },
    { VAULT_CALL, "calls" },
};

static vault *v;
static char directory[] = "/tmp/keyferry-fuzz.XXXXXX";
static uint64_t noise = 1;
static const kf_rng rng = { script_fill, &noise };

static kf_time now(void *ctx)
{
    (void)ctx;
    return 1800000000;
}

/* What must not change. */
typedef struct digest {
    int64_t rows, sum, events;
} digest;

static kf_err take_digest(void *ctx, const store_value *c, size_t count)
{
    same(count == 3);
    *(digest *)ctx = (digest){ c[0].number, c[1].number, c[2].number };
    return KF_OK;
}

static digest look(void)
{
    static const store_sql sql = {
        "SELECT (SELECT count(*) FROM vkey) + (SELECT count(*) FROM unit) * 1000 +"
        " (SELECT count(*) FROM delivery) * 1000000 + (SELECT count(*) FROM member) * 1000000000 +"
        " (SELECT count(*) FROM identity_keys) + (SELECT count(*) FROM seal_slot) * 7 +"
        " (SELECT count(*) FROM proposal) * 11 + (SELECT count(*) FROM media_grant) * 13 +"
        " (SELECT count(*) FROM call) * 17 + (SELECT count(*) FROM partner) * 19 +"
        " (SELECT count(*) FROM group_sln) * 23 + (SELECT count(*) FROM mcgroup) * 29,"
        " (SELECT sum(value) FROM counter) + (SELECT coalesce(sum(state), 0) FROM delivery) +"
        " (SELECT coalesce(sum(state), 0) FROM unit) + (SELECT coalesce(sum(destroyed), 0) FROM "
        "vkey),"
        " (SELECT count(*) FROM event)"
    };
    digest d = { 0, 0, 0 };
    same(store_begin(v->db, STORE_READ) == KF_OK);
    same(store_run(v->db, &sql, NULL, 0, take_digest, &d) == KF_OK);
    store_rollback(v->db);
    return d;
}

static bool is_text(const char *text)
{
    wire_builder *b = NULL;
    kf_slice octets;
    same(wire_builder_new(&b) == KF_OK);
    wire_put_text_z(b, NULL, text);
    const bool good = wire_builder_done(b, &octets) == KF_OK;
    wire_builder_free(&b);
    return good;
}

static kf_err ask(const vault_caller *who, const wire_value *request)
{
    wire_builder *out = NULL;
    vault_refusal r;
    kf_slice octets;
    kf_err err = vault_do(v, who, request, &out, &r);
    if (err == KF_OK)
        same(out != NULL && wire_builder_done(out, &octets) == KF_OK);
    else
        same(r.code[0] != '\0' && is_text(r.what) && is_text(r.why) && is_text(r.remedy));
    wire_builder_free(&out);
    return err;
}

/* One request in text: "verb|name=i5|name=stext|name=llist element". */
static kf_err say(const vault_caller *who, const char *line)
{
    char text[256], *at = text, *part;
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    snprintf(text, sizeof text, "%s", line);
    same(wire_builder_new(&b) == KF_OK);
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", strsep(&at, "|"));
    while ((part = strsep(&at, "|")) != NULL) {
        char *value = strchr(part, '=');
        *value++ = '\0';
        if (*value == 'l' || *value == 'n')
            wire_open_list(b, part);
        if (*value == 'i' || *value == 'n')
            wire_put_int(b, *value == 'n' ? NULL : part, atoll(value + 1));
        else if (*value == 'o')
            wire_put_octets(b, part, kf_slice_str(value + 1));
        else
            wire_put_text_z(b, *value == 'l' ? NULL : part, value + 1);
        if (*value == 'l' || *value == 'n')
            wire_close(b);
    }
    wire_close(b);
    same(wire_builder_done(b, &octets) == KF_OK);
    same(wire_tree_parse(octets, &tree, &fault) == KF_OK);
    kf_err err = ask(who, wire_tree_root(tree));
    wire_tree_free(&tree);
    wire_builder_free(&b);
    return err;
}

static void furnish(void)
{
    static const char *const lines[] = {
        "vault init|passphrase=opass|scrypt_log2n=i10",
        "kms create|uri=skms.example.org",
        "kms identity|uri=ssip:iwf@example.org",
        "unit add|name=sa|rsi=i1001|uri=ssip:a@example.org",
        "unit add|name=sb|rsi=i1002|ukek=o0123456789abcdef0123456789abcdef|ukek_kid=i9",
        "group create|group=sg|uris=lsip:g@example.org|slns=n1|identity=ssip:iwf@example.org",
        "group members|group=sg|add=la",
        "media grant|group=sg|process=smedia1|ends=i1800000100",
        "unit provision|unit=sa|identity=ssip:iwf@example.org",
    };
    for (size_t i = 0; i < KF_COUNT(lines); i++)
        same(say(&callers[0], lines[i]) == KF_OK);
    bool more = true;
    for (unsigned i = 0; more && i < 20; i++)
        same(vault_work(v, &more) == KF_OK);
}

static void sweep(void)
{
    static const char *const names[] = { "store", "store-wal", "store-shm", "head", "head.new" };
    char path[64];
    for (size_t i = 0; i < KF_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
}

static void leave(void)
{
    vault_free(&v);
    sweep();
    (void)rmdir(directory);
}

static void start(void)
{
    static char where[80], why[256];
    static bool is_made;
    vault_free(&v);
    if (!is_made) {
        same(mkdtemp(directory) != NULL && atexit(leave) == 0);
        is_made = true;
    }
    sweep();
    noise = 1;
    snprintf(where, sizeof where, "sqlite:%s/store", directory);
    const vault_config config = { .organization = "county",
                                  .store = where,
                                  .anchor = directory,
                                  .threads = 1,
                                  .clock = { now, NULL },
                                  .rng = &rng };
    same(vault_new(&config, &v, why, sizeof why) == KF_OK);
    furnish();
}

/* A file that a request names would be made by us: not while we are fuzzed. A dear guess at a
 * passphrase or a whole split costs the run its time. */
static bool is_left_out(const wire_value *request)
{
    const kf_slice verb = wire_get_text(request, "verb");
    return kf_slice_equal(verb, kf_slice_str("vault backup")) ||
           wire_get_int(request, "scrypt_log2n", 10) != 10 ||
           (kf_slice_equal(verb, kf_slice_str("vault add-seal")) &&
            wire_get(request, "scrypt_log2n") == NULL);
}

static void judge(const vault_caller *who, const wire_value *request)
{
    const vault_verb *verb = vault_verb_named(wire_get_text(request, "verb"));
    const digest before = look();
    const kf_err err = ask(who, request);
    const digest after = look();
    const bool is_still = before.rows == after.rows && before.sum == after.sum;
    const int64_t events = after.events - before.events;
    if (err != KF_OK)
        same(is_still && events <= (err == KF_E_DENIED ? 1 : 0));
    else if (verb->access == VAULT_READS || wire_get_bool(request, "plan", false))
        same(is_still && events == 0);
    else
        same(verb->access == VAULT_OUTSIDE || events == 1 ||
             (events == 2 && strcmp(verb->name, "audit export") == 0)); /* and its checkpoint */
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static unsigned asked;
    wire_tree *tree = NULL;
    kf_fault fault;
    if (len < 1 || wire_tree_parse((kf_slice){ in + 1, len - 1 }, &tree, &fault) != KF_OK)
        return 0;
    if (v == NULL || v->key == NULL || ++asked % RESTART_AFTER == 0)
        start();
    if (!is_left_out(wire_tree_root(tree))) {
        judge(&callers[in[0] % KF_COUNT(callers)], wire_tree_root(tree));
        same(v->key == NULL || say(&callers[2], "audit verify") == KF_OK);
        same(v->key == NULL || say(&callers[2], "audit list|limit=i1000") == KF_OK);
        same(v->key == NULL || say(&callers[2], "key list|limit=i1000") == KF_OK);
    }
    wire_tree_free(&tree);
    return 0;
}

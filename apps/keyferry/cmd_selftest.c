#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "crypto/selftest.h"
#include "selftest/run.h"

#define FILES_MAX 4096u

/* What one run found, for both renderings. */
typedef struct tally {
    const cli_call *call;
    json_t *lines, *misses;
    const char *name; /* the file or group at work */
    size_t bad;
} tally;

static void on_miss(void *ctx, kf_slice case_name, kf_slice what)
{
    tally *t = (tally *)ctx;
    char name[128], where[128];
    out_escape(case_name, name, sizeof name);
    out_escape(what, where, sizeof where);
    if (t->call->out->json)
        json_array_append_new(
            t->misses, json_pack("{s:s, s:s, s:s}", "file", t->name, "case", name, "field", where));
    else
        out_say(t->call->out, "%s: [%s] misses at %s", t->name, name, where);
}

static void on_count(tally *t, const char *name, const selftest_count *count)
{
    t->bad += count->total == 0 || count->passed != count->total;
    if (t->call->out->json)
        json_array_append_new(t->lines, json_pack("{s:s, s:I, s:I}", "name", name, "passed",
                                                  (json_int_t)count->passed, "total",
                                                  (json_int_t)count->total));
    else
        fprintf(t->call->out->data, "%s %zu/%zu\n", name, count->passed, count->total);
}

static cli_status finish(tally *t, const char *why, const char *remedy)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "selftest";
    out_what(&e, "%zu of the checks did not pass", t->bad);
    out_why(&e, "%s", why);
    out_do(&e, "%s", remedy);
    if (t->call->out->json) {
        json_t *document = json_pack("{s:O, s:O, s:b}", "results", t->lines, "misses", t->misses,
                                     "passed", t->bad == 0);
        if (t->bad > 0)
            json_object_set_new(document, "error", out_error_json(&e));
        return out_json(t->call->out, document) && t->bad == 0 ? CLI_DONE : CLI_REFUSED;
    }
    if (t->bad > 0)
        out_report(t->call->out, &e);
    return t->bad == 0 ? CLI_DONE : CLI_REFUSED;
}

/* --- built in --------------------------------------------------------------------------------- */

static void on_algorithm(void *ctx, const char *algorithm, kf_err result)
{
    const selftest_count count = { result == KF_OK, 1 };
    on_count((tally *)ctx, algorithm, &count);
}

static void on_group(void *ctx, const char *name, const selftest_count *count)
{
    on_count((tally *)ctx, name, count);
}

static cli_status run_builtin(tally *t)
{
    t->name = "built in";
    kf_err err = kf_crypto_selftest(on_algorithm, t);
    kf_err ours = selftest_builtin(on_group, on_miss, t);
    t->bad += t->bad == 0 && (err != KF_OK || ours != KF_OK);
    return finish(t, "an algorithm gives wrong answers on this machine",
                  "use no key made here; check the OpenSSL installation and this program");
}

/* --- a directory ------------------------------------------------------------------------------ */

static int is_vector_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static void run_file(tally *t, const char *dir, const char *name)
{
    char path[4096];
    selftest_count count;
    kf_fault fault;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);

    t->name = name;
    kf_err err = n > 0 && (size_t)n < sizeof path
                     ? selftest_vectors_file(path, on_miss, t, &count, &fault)
                     : KF_E_BACKEND;
    if (err == KF_OK) {
        on_count(t, name, &count);
        return;
    }
    t->bad++;
    const char *why = err == KF_E_UNSUPPORTED ? "not known to this program" : kf_err_text(err);
    if (t->call->out->json)
        json_array_append_new(t->lines, json_pack("{s:s, s:s}", "name", name, "refused", why));
    else if (err == KF_E_MALFORMED)
        fprintf(t->call->out->data, "%s refused: line %zu: %s\n", name, fault.at, why);
    else
        fprintf(t->call->out->data, "%s refused: %s\n", name, why);
}

static cli_status no_directory(const cli_call *call, const char *dir, const char *why)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "file";
    e.field = "vectors";
    out_what(&e, "cannot use %s", dir);
    out_why(&e, "%s", why);
    out_do(&e, "give a directory of known-answer files (*.txt)");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status run_directory(tally *t, const char *dir)
{
    struct dirent **list = NULL;
    int count = scandir(dir, &list, is_vector_file, alphasort);
    if (count <= 0) {
        free(list);
        return no_directory(t->call, dir, count < 0 ? strerror(errno) : "it holds no *.txt file");
    }
    for (int i = 0; i < count; i++) {
        run_file(t, dir, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return finish(t, "a case missed, or a file is not known to this program or cannot be read",
                  "the lines above name the file, the case and the field");
}

cli_status run_selftest(const cli_call *call)
{
    const char *dir = cli_text(call, "vectors");
    tally t = { .call = call, .lines = json_array(), .misses = json_array() };
    cli_status status = CLI_DONE;

    if (dir != NULL && kf_crypto_selftest(NULL, NULL) != KF_OK)
        dir = NULL; /* its own known answers come first, and say what is wrong */
    status = dir == NULL ? run_builtin(&t) : run_directory(&t, dir);
    json_decref(t.lines);
    json_decref(t.misses);
    return status;
}

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/random.h"
#include "file.h"
#include "keyfill/box.h"
#include "keyfill/ekc.h"
#include "keyfill/generate.h"
#include "keystore.h"
#include "p25/ids.h"

#define SCRYPT_LOW  10u
#define SCRYPT_HIGH 18u
#define RSI_UNITS   9999999u /* of single radios: 1 to this */
#define RSIS_MAX    KEYFILL_ENTRIES_MAX
#define ABOUT_MAX   (2u * KEYSTORE_TITLE_MAX + 16u)

/* --- telling ---------------------------------------------------------------------------------- */

static const char *algorithm_of(const keyfill_entry *e)
{
    const char *name = p25_algid_name(e->algid);
    return name == NULL ? "not known" : name;
}

static const char *kind_of(const keyfill_entry *e)
{
    return keyfill_entry_is_kek(e) ? "KEK" : "TEK";
}

static json_t *hex_number(unsigned digits, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%0*X", (int)digits, (unsigned)value);
    return json_string(text);
}

static json_t *entry_json(const keyfill_entry *e)
{
    json_t *rsi = e->has_rsi ? json_integer((json_int_t)e->rsi) : json_null();
    json_t *keyset = e->is_active ? json_string("active") : json_integer((json_int_t)e->keyset);
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:s, s:s, s:o, s:I}", "name",
                     out_json_text(keyfill_name_view(&e->name)), "keyset", keyset, "sln",
                     (json_int_t)e->sln, "kid", hex_number(4, e->kid), "algid",
                     hex_number(2, e->algid), "algorithm", algorithm_of(e), "kind", kind_of(e),
                     "rsi", rsi, "octets", (json_int_t)kf_secret_len(e->material));
}

static void entry_line(const cli_call *call, const keyfill_file *file, size_t i)
{
    const keyfill_entry *e = &file->entries[i];
    char label[24], name[4 * KEYFILL_NAME_MAX + 1], keyset[24], rsi[24] = "";
    snprintf(label, sizeof label, "key %zu", i + 1);
    snprintf(keyset, sizeof keyset, e->is_active ? "active" : "%u", (unsigned)e->keyset);
    if (e->has_rsi)
        snprintf(rsi, sizeof rsi, ", RSI %u", (unsigned)e->rsi);
    fprintf(call->out->data, "%-14s \"%s\", keyset %s, SLN %u, KID %04X, ALGID %02X (%s), %s%s\n",
            label, out_escape(keyfill_name_view(&e->name), name, sizeof name), keyset,
            (unsigned)e->sln, (unsigned)e->kid, (unsigned)e->algid, algorithm_of(e), kind_of(e),
            rsi);
}

static json_t *entries_json(const keyfill_file *file, size_t first)
{
    json_t *list = json_array();
    for (size_t i = first; i < file->entry_count; i++)
        json_array_append_new(list, entry_json(&file->entries[i]));
    return list;
}

static size_t place_of(const keyfill_file *file, uint32_t id)
{
    size_t at = 0;
    while (at < file->entry_count && file->entries[at].id != id)
        at++;
    return at;
}

/* Members by their place among the keys, from 1. */
static json_t *groups_json(const keyfill_file *file)
{
    json_t *list = json_array();
    for (size_t i = 0; i < file->group_count; i++) {
        const keyfill_group *g = &file->groups[i];
        json_t *keys = json_array();
        for (size_t k = 0; k < g->member_count; k++)
            json_array_append_new(keys,
                                  json_integer((json_int_t)place_of(file, g->members[k]) + 1));
        json_array_append_new(list,
                              json_pack("{s:o, s:o}", "name",
                                        out_json_text(keyfill_name_view(&g->name)), "keys", keys));
    }
    return list;
}

static void group_lines(const cli_call *call, const keyfill_file *file)
{
    for (size_t i = 0; i < file->group_count; i++) {
        char name[4 * KEYFILL_NAME_MAX + 1];
        const keyfill_group *g = &file->groups[i];
        fprintf(call->out->data, "%-14s \"%s\":", "group",
                out_escape(keyfill_name_view(&g->name), name, sizeof name));
        for (size_t k = 0; k < g->member_count; k++)
            fprintf(call->out->data, "%s key %zu", k == 0 ? "" : ",",
                    place_of(file, g->members[k]) + 1);
        fprintf(call->out->data, "\n");
    }
}

static const char *severity_of(keyfill_problem problem)
{
    return keyfill_problem_severity(problem) == KEYFILL_REFUSE ? "refused" : "warning";
}

/* Which keys a finding is about; those of reading count the items of the file as it was. */
static const char *about(const keystore *store, size_t i, char *buf, size_t size)
{
    const keyfill_finding *f = &store->findings.items[i];
    char one[KEYSTORE_TITLE_MAX], other[KEYSTORE_TITLE_MAX];
    buf[0] = '\0';
    if (i < store->of_reading) {
        if (f->entry != KEYFILL_NOWHERE)
            snprintf(buf, size, "item %zu as read%s%s: ", f->entry + 1,
                     f->field == NULL ? "" : ", ", f->field == NULL ? "" : f->field);
    } else if (f->other < store->file.entry_count) {
        snprintf(buf, size, "%s and %s: ", keystore_title(&store->file, f->entry, one, sizeof one),
                 keystore_title(&store->file, f->other, other, sizeof other));
    } else if (f->entry < store->file.entry_count) {
        snprintf(buf, size, "%s: ", keystore_title(&store->file, f->entry, one, sizeof one));
    }
    return buf;
}

static json_t *place_json(size_t place)
{
    return place == KEYFILL_NOWHERE ? json_null() : json_integer((json_int_t)place + 1);
}

static json_t *findings_json(const keystore *store)
{
    json_t *list = json_array();
    for (size_t i = 0; i < store->findings.count; i++) {
        const keyfill_finding *f = &store->findings.items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?, s:b}", "severity",
                                              severity_of(f->problem), "code",
                                              keyfill_problem_code(f->problem), "text",
                                              keyfill_problem_text(f->problem), "key",
                                              place_json(f->entry), "other", place_json(f->other),
                                              "field", f->field, "as_read", i < store->of_reading));
    }
    return list;
}

/* On stdout for a command whose result they are, else as talk. */
static void finding_lines(const cli_call *call, const keystore *store, size_t first, bool is_result)
{
    for (size_t i = first; i < store->findings.count; i++) {
        keyfill_problem problem = store->findings.items[i].problem;
        const char *text = keyfill_problem_text(problem), *code = keyfill_problem_code(problem);
        char which[ABOUT_MAX];
        about(store, i, which, sizeof which);
        if (is_result)
            fprintf(call->out->data, "%-14s %s%s [%s]\n", severity_of(problem), which, text, code);
        else
            fprintf(call->out->talk, "keyferry: %s: %s%s [%s]\n", severity_of(problem), which, text,
                    code);
    }
    if (store->findings.is_cut)
        out_say(call->out, "more was found than the %u told", KEYFILL_FINDINGS_MAX);
}

/* What every command of this noun tells in JSON. */
static json_t *store_json(const keystore *store)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:b}", "format", keystore_format_name(store->format),
                     "keys", entries_json(&store->file, 0), "groups", groups_json(&store->file),
                     "findings", findings_json(store), "findings_cut", store->findings.is_cut);
}

/* --- refusing --------------------------------------------------------------------------------- */

/* The first finding that refuses, or NULL. */
static const keyfill_finding *first_refusal(const keystore *store)
{
    for (size_t i = 0; i < store->findings.count; i++)
        if (keyfill_problem_severity(store->findings.items[i].problem) == KEYFILL_REFUSE)
            return &store->findings.items[i];
    return NULL;
}

static cli_status refuse(const cli_call *call, const keystore *store, const char *path,
                         const keyfill_finding *why, const char *remedy)
{
    out_error e = out_error_of(KF_E_DENIED);
    char which[ABOUT_MAX];
    about(store, (size_t)(why - store->findings.items), which, sizeof which);
    e.field = keyfill_problem_code(why->problem);
    out_what(&e, "%s: keys that must not be loaded", path);
    out_why(&e, "%s%s", which, keyfill_problem_text(why->problem));
    out_do(&e, "%s", remedy);
    if (call->out->json) {
        json_t *document = store_json(store);
        json_object_set_new(document, "error", out_error_json(&e));
        (void)out_json(call->out, document);
    } else {
        out_report(call->out, &e);
    }
    return CLI_REFUSED;
}

static cli_status nothing_left(const cli_call *call, const char *path)
{
    out_error e = out_error_of(KF_E_STATE);
    e.field = "keys";
    out_what(&e, "no key of %s is left to write", path);
    out_why(&e, "it has none, or all were left out");
    out_do(&e, "see what it has: keyferry keys check %s", path);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* --- leaving out ------------------------------------------------------------------------------ */

/* Take an entry out, and groups of which it is the last member; those that were empty stay. */
static void take_out(const cli_call *call, keyfill_file *file, size_t at)
{
    uint32_t id = file->entries[at].id;
    for (size_t i = file->group_count; i > 0; i--) {
        const keyfill_group *g = &file->groups[i - 1];
        char name[4 * KEYFILL_NAME_MAX + 1];
        if (g->member_count != 1 || g->members[0] != id)
            continue;
        if (!call->out->json)
            out_say(call->out, "left out: group \"%s\", which has no key any more",
                    out_escape(keyfill_name_view(&g->name), name, sizeof name));
        keyfill_file_remove_group(file, g->id);
    }
    keyfill_file_remove_entry(file, id);
}

/* --only-good: entries that a finding refuses, each named. */
static cli_status leave_out_refused(const cli_call *call, keystore *store, json_t *left)
{
    for (size_t i = store->findings.count; i > store->of_reading; i--) {
        const keyfill_finding f = store->findings.items[i - 1];
        size_t at = place_of(&store->file, f.id);
        char title[KEYSTORE_TITLE_MAX];
        if (keyfill_problem_severity(f.problem) != KEYFILL_REFUSE ||
            at == store->file.entry_count) /* gone for another reason already */
            continue;
        keystore_title(&store->file, at, title, sizeof title);
        json_array_append_new(
            left,
            json_pack("{s:I, s:o, s:s, s:s}", "key", (json_int_t)f.entry + 1, "name",
                      out_json_text(keyfill_name_view(&store->file.entries[at].name)), "code",
                      keyfill_problem_code(f.problem), "text", keyfill_problem_text(f.problem)));
        if (!call->out->json)
            fprintf(call->out->talk, "keyferry: left out: %s: %s [%s]\n", title,
                    keyfill_problem_text(f.problem), keyfill_problem_code(f.problem));
        take_out(call, &store->file, at);
    }
    return keystore_check(call, store);
}

/* Tell, and either leave out or refuse what must not go on. */
static cli_status judge(const cli_call *call, keystore *store, const char *path, json_t *left)
{
    cli_status status = CLI_DONE;
    if (cli_flag(call, "only-good"))
        status = leave_out_refused(call, store, left);
    if (status != CLI_DONE)
        return status;
    if (!call->out->json)
        finding_lines(call, store, 0, false);
    const keyfill_finding *why = first_refusal(store);
    if (why != NULL)
        return refuse(call, store, path, why,
                      "mend it where the keys come from, or leave such keys out with --only-good");
    return store->file.entry_count == 0 ? nothing_left(call, path) : CLI_DONE;
}

/* --- RSIs ------------------------------------------------------------------------------------- */

typedef struct rsi_list {
    uint32_t rsis[RSIS_MAX];
    size_t count;
} rsi_list;

static bool one_rsi(kf_slice text, uint32_t *rsi)
{
    uint64_t value = 0;
    bool good = kf_decimal_read(text, &value) == KF_OK && value >= 1 && value <= RSI_UNITS;
    *rsi = good ? (uint32_t)value : 0;
    return good;
}

/* "1001" or "1001-1010". */
static bool add_rsis(rsi_list *list, kf_slice text)
{
    uint32_t from = 0, to = 0;
    const uint8_t *dash = memchr(text.ptr, '-', text.len);
    size_t len = dash == NULL ? text.len : (size_t)(dash - text.ptr);
    if (!one_rsi(kf_slice_part(text, 0, len), &from))
        return false;
    to = from;
    if (dash != NULL && (!one_rsi(kf_slice_part(text, len + 1, text.len), &to) || to < from))
        return false;
    if (to - from >= RSIS_MAX - list->count)
        return false;
    for (uint32_t rsi = from; rsi <= to; rsi++)
        list->rsis[list->count++] = rsi;
    return true;
}

static bool has_rsi(const rsi_list *list, uint32_t rsi)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->rsis[i] == rsi)
            return true;
    return false;
}

static cli_status rsis_of(const cli_call *call, const char *option, rsi_list *list)
{
    const char *text = NULL;
    list->count = 0;
    for (size_t i = 0; (text = cli_each(call, option, i)) != NULL; i++)
        if (!add_rsis(list, kf_slice_str(text)))
            return cli_misuse(call, option, "this is no RSI of a radio, or too many",
                              "an RSI of a single radio is 1 to 9999999; a range is FROM-TO, and a "
                              "file holds at most 1,024 keys",
                              NULL);
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < i; k++)
            if (list->rsis[i] == list->rsis[k])
                return cli_misuse(call, option, "an RSI is given twice",
                                  "each radio gets its keys once", NULL);
    return CLI_DONE;
}

static cli_status rsi_missing(const cli_call *call, const char *path, uint32_t rsi)
{
    out_error e = out_error_of(KF_E_STATE);
    e.field = "only-rsi";
    out_what(&e, "%s has no key of RSI %u", path, (unsigned)rsi);
    out_why(&e, "nothing was written, so that no radio is forgotten");
    out_do(&e, "see what it has: keyferry keys check %s", path);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* Keep the keys of some radios only. */
static cli_status keep_rsis(const cli_call *call, keystore *store, const char *path,
                            const rsi_list *list, size_t *others)
{
    *others = 0;
    if (list->count == 0)
        return CLI_DONE;
    for (size_t i = 0; i < list->count; i++) {
        size_t at = 0;
        while (at < store->file.entry_count &&
               (!store->file.entries[at].has_rsi || store->file.entries[at].rsi != list->rsis[i]))
            at++;
        if (at == store->file.entry_count)
            return rsi_missing(call, path, list->rsis[i]);
    }
    for (size_t at = store->file.entry_count; at > 0; at--) {
        const keyfill_entry *e = &store->file.entries[at - 1];
        if (!e->has_rsi || !has_rsi(list, e->rsi)) {
            take_out(call, &store->file, at - 1);
            ++*others;
        }
    }
    if (!call->out->json)
        out_say(call->out, "left out: %zu keys of other radios or of none", *others);
    return keystore_check(call, store);
}

/* --- writing ---------------------------------------------------------------------------------- */

static cli_status cost_of(const cli_call *call, kf_scrypt_cost *cost)
{
    uint64_t log2n = cli_number(call, "scrypt-log2n", 0);
    if (log2n < SCRYPT_LOW || log2n > SCRYPT_HIGH)
        return cli_misuse(call, "scrypt-log2n", "this cost is not accepted",
                          "less than 10 is guessed too fast, more than 18 needs too much memory",
                          NULL);
    *cost = KF_SCRYPT_DEFAULT;
    cost->log2_n = (uint8_t)log2n;
    return CLI_DONE;
}

static kf_err build(keystore *store, keystore_format to, kf_slice passphrase, kf_scrypt_cost cost,
                    kf_writer *w)
{
    if (to != KEYSTORE_EKC)
        return keyfill_box_seal(&store->file, passphrase, cost, kf_random(), w);
    /* What it says of lost RSIs is about entries as they are, so it goes with the checks. */
    return keyfill_ekc_write(&store->file, passphrase, KEYFILL_EKC_ITERATIONS, kf_random(),
                             &store->findings, w);
}

static cli_status write_store(const cli_call *call, keystore *store, keystore_format to,
                              const kf_secret *passphrase, kf_scrypt_cost cost, const char *option,
                              file_exists exists)
{
    size_t room = to == KEYSTORE_EKC ? keyfill_ekc_octets_max(&store->file)
                                     : keyfill_box_octets(&store->file);
    uint8_t *octets = malloc(room);
    if (octets == NULL)
        return cli_give_up(call, option, KF_E_NO_MEMORY);
    kf_writer w = kf_writer_init(octets, room);
    kf_err err = build(store, to, kf_secret_view(passphrase), cost, &w);
    cli_status status =
        err == KF_OK ? file_write(call, option, cli_text(call, option), kf_writer_slice(&w), exists)
                     : cli_give_up(call, option, err);
    free(octets);
    return status;
}

/* What was written, after all that was told on the way. */
static cli_status told_written(const cli_call *call, const keystore *store, const char *path,
                               keystore_format to, json_t *left, size_t others)
{
    if (!call->out->json) {
        out_say(call->out, "wrote %s (%s): %zu key%s, %zu group%s", path, keystore_format_name(to),
                store->file.entry_count, store->file.entry_count == 1 ? "" : "s",
                store->file.group_count, store->file.group_count == 1 ? "" : "s");
        return CLI_DONE;
    }
    json_t *document = store_json(store);
    json_object_set_new(document, "out", out_json_text(kf_slice_str(path)));
    json_object_set_new(document, "out_format", json_string(keystore_format_name(to)));
    json_object_set(document, "left_out", left);
    json_object_set_new(document, "left_out_other_rsi", json_integer((json_int_t)others));
    return out_json(call->out, document) ? CLI_DONE : CLI_REFUSED;
}

/* --- keys check ------------------------------------------------------------------------------- */

static cli_status load(const cli_call *call, const char *passphrase_option, keystore *store)
{
    return keystore_load(call, "FILE", cli_argument_at(call, 0),
                         keystore_format_named(cli_text(call, "as")), passphrase_option, store);
}

cli_status run_keys_check(const cli_call *call)
{
    static const char remedy[] = "mend it where the keys come from; `keyferry keys import "
                                 "--only-good` leaves such keys out";
    const char *path = cli_argument_at(call, 0);
    keystore store;
    cli_status status = load(call, "passphrase-file", &store);
    if (status != CLI_DONE)
        return status;
    const keyfill_finding *why = first_refusal(&store);
    if (!call->out->json) {
        out_line(call->out, "format", "%s", keystore_format_name(store.format));
        for (size_t i = 0; i < store.file.entry_count; i++)
            entry_line(call, &store.file, i);
        group_lines(call, &store.file);
        finding_lines(call, &store, 0, true);
        fflush(call->out->data);
    }
    if (why != NULL)
        status = refuse(call, &store, path, why, remedy);
    else if (call->out->json)
        status = out_json(call->out, store_json(&store)) ? CLI_DONE : CLI_REFUSED;
    keystore_clear(&store);
    return status;
}

/* --- keys import ------------------------------------------------------------------------------ */

cli_status run_keys_import(const cli_call *call)
{
    keystore store = { .of_reading = 0 };
    kf_scrypt_cost cost;
    kf_secret *passphrase = NULL;
    json_t *left = json_array();

    cli_status status = cost_of(call, &cost);
    if (status == CLI_DONE)
        status = file_check_free(call, "out", cli_text(call, "out"));
    if (status == CLI_DONE)
        status = load(call, "source-passphrase-file", &store);
    if (status == CLI_DONE)
        status = judge(call, &store, cli_argument_at(call, 0), left);
    if (status == CLI_DONE)
        status = file_passphrase(call, true, &passphrase);
    if (status == CLI_DONE)
        status = write_store(call, &store, KEYSTORE_CONTAINER, passphrase, cost, "out", FILE_KEEP);
    if (status == CLI_DONE)
        status = told_written(call, &store, cli_text(call, "out"), KEYSTORE_CONTAINER, left, 0);
    kf_secret_free(&passphrase);
    json_decref(left);
    keystore_clear(&store);
    return status;
}

/* --- keys export ------------------------------------------------------------------------------ */

/* A .ekc cannot say which radio a KEK is for: with several in it a loader gives a radio them all.
 */
static void warn_of_fleet(const cli_call *call, const keyfill_file *file)
{
    const keyfill_entry *first = NULL;
    for (size_t i = 0; i < file->entry_count; i++) {
        const keyfill_entry *e = &file->entries[i];
        if (first != NULL && e->has_rsi && e->rsi != first->rsi) {
            out_say(call->out, "warning: keys of several radios are in one .ekc, which cannot tell "
                               "them apart; write one for each with --only-rsi");
            return;
        }
        if (e->has_rsi)
            first = e;
    }
}

static cli_status export_to(const cli_call *call, keystore *store, keystore_format to,
                            const rsi_list *only, json_t *left)
{
    const char *path = cli_argument_at(call, 0);
    kf_scrypt_cost cost;
    kf_secret *passphrase = NULL;
    size_t others = 0, before = 0;
    cli_status status = cost_of(call, &cost);
    if (status == CLI_DONE)
        status = keep_rsis(call, store, path, only, &others);
    if (status == CLI_DONE)
        status = judge(call, store, path, left);
    if (status == CLI_DONE)
        status = keystore_passphrase(call, "new-passphrase-file", "what is written is encrypted",
                                     &passphrase);
    before = store->findings.count;
    if (status == CLI_DONE)
        status = write_store(call, store, to, passphrase, cost, "out", FILE_KEEP);
    kf_secret_free(&passphrase);
    if (status != CLI_DONE)
        return status;
    if (!call->out->json)
        finding_lines(call, store, before, false);
    if (to == KEYSTORE_EKC)
        warn_of_fleet(call, &store->file);
    return told_written(call, store, cli_text(call, "out"), to, left, others);
}

cli_status run_keys_export(const cli_call *call)
{
    static rsi_list only;
    keystore store = { .of_reading = 0 };
    json_t *left = json_array();
    cli_status status = rsis_of(call, "only-rsi", &only);
    if (status == CLI_DONE)
        status = file_check_free(call, "out", cli_text(call, "out"));
    if (status == CLI_DONE)
        status = load(call, "passphrase-file", &store);
    if (status == CLI_DONE)
        status = export_to(call, &store, keystore_format_named(cli_text(call, "to")), &only, left);
    json_decref(left);
    keystore_clear(&store);
    return status;
}

/* --- keys generate ---------------------------------------------------------------------------- */

/* What the new keys have in common, and how many there are. */
typedef struct recipe {
    keyfill_entry first; /* without material */
    kf_slice name;
    size_t count;
} recipe;

static unsigned algid_of(const cli_call *call)
{
    static const struct {
        const char *word;
        uint8_t algid;
    } words[] = {
        { "aes-256", P25_ALGID_AES256 }, { "tdea", P25_ALGID_TDEA },      { "des", P25_ALGID_DES },
        { "adp", P25_ALGID_ADP },        { "aes-128", P25_ALGID_AES128 },
    };
    const char *word = cli_text(call, "algid");
    for (size_t i = 0; i < KF_COUNT(words); i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].algid;
    return P25_ALGID_CLEAR; /* not reached: the option lists the words */
}

static bool read_keyset(kf_slice text, keyfill_entry *e)
{
    uint64_t value = 0;
    e->is_active = kf_slice_equal(text, kf_slice_str("active"));
    if (e->is_active)
        return true;
    if (kf_decimal_read(text, &value) != KF_OK || value < 1 || value > UINT8_MAX)
        return false;
    e->keyset = (uint32_t)value;
    return true;
}

static bool read_kid(kf_slice text, uint32_t *kid)
{
    uint8_t octets[2];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    if (text.len != 4 || kf_hex_read(text, &w) != KF_OK)
        return false;
    *kid = (uint32_t)octets[0] << 8 | octets[1];
    return true;
}

static cli_status recipe_of(const cli_call *call, const rsi_list *rsis, recipe *out)
{
    uint64_t sln = cli_number(call, "sln", 0), count = cli_number(call, "count", 1);
    keyfill_name name;
    *out = (recipe){ .name = cli_slice(call, "name") };
    out->first.algid = algid_of(call);
    if (rsis->count > 0 && cli_given(call, "count"))
        return cli_misuse(call, "count", "--count and --rsi do not go together",
                          "with --rsi there is one key for each radio", NULL);
    out->count = rsis->count > 0 ? rsis->count : (size_t)count;
    if (count < 1 || count > KEYFILL_ENTRIES_MAX)
        return cli_misuse(call, "count", "this many keys do not go into a file",
                          "a file holds 1 to 1,024 keys", NULL);
    if (!read_keyset(cli_slice(call, "keyset"), &out->first))
        return cli_misuse(call, "keyset", "this is no keyset", "it is 1 to 255, or the word active",
                          NULL);
    if (!read_kid(cli_slice(call, "kid"), &out->first.kid))
        return cli_misuse(call, "kid", "this is no key ID", "it has exactly four hex digits", NULL);
    if (out->first.kid + out->count - 1 > UINT16_MAX)
        return cli_misuse(call, "kid", "there are not enough key IDs from there on",
                          "each new key takes the next one, up to FFFF", NULL);
    if (sln > UINT16_MAX || (rsis->count == 0 && sln + out->count - 1 > UINT16_MAX))
        return cli_misuse(call, "sln", "this is no SLN (CKR), or not enough follow it",
                          "it is 0 to 65535, and each new key takes the next one", NULL);
    if (out->name.len + 8 > KEYFILL_NAME_MAX || keyfill_name_set(&name, out->name) != KF_OK)
        return cli_misuse(call, "name", "this name is not accepted",
                          "it has at most 120 octets of UTF-8 without control characters", NULL);
    out->first.sln = (uint32_t)sln;
    return CLI_DONE;
}

/* The name of the i-th of several: with its RSI or its number. */
static kf_err name_of(const recipe *of, size_t i, keyfill_entry *e)
{
    char text[KEYFILL_NAME_MAX + 16];
    unsigned number = e->has_rsi ? (unsigned)e->rsi : (unsigned)i + 1;
    if (of->count == 1)
        return keyfill_name_set(&e->name, of->name);
    snprintf(text, sizeof text, "%.*s%s%u", (int)of->name.len, (const char *)of->name.ptr,
             of->name.len == 0 ? "" : " ", number);
    return keyfill_name_set(&e->name, kf_slice_str(text));
}

static kf_err add_keys(keyfill_file *file, const recipe *of, const rsi_list *rsis)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < of->count && err == KF_OK; i++) {
        keyfill_entry e = of->first;
        e.id = keyfill_file_next_entry_id(file);
        e.kid += (uint32_t)i;
        e.has_rsi = rsis->count > 0;
        if (e.has_rsi)
            e.rsi = rsis->rsis[i];
        else
            e.sln += (uint32_t)i;
        err = name_of(of, i, &e);
        if (err == KF_OK)
            err = keyfill_generate(e.algid, kf_random(), &e.material);
        if (err == KF_OK)
            err = keyfill_file_take_entry(file, &e);
    }
    return err;
}

/* A new key that a radio cannot tell from another one, or that takes its place: NULL when none. */
static const keyfill_finding *new_clash(const keystore *store, size_t first_new)
{
    for (size_t i = store->of_reading; i < store->findings.count; i++) {
        const keyfill_finding *f = &store->findings.items[i];
        bool is_new = f->other != KEYFILL_NOWHERE && f->other >= first_new;
        if (is_new && (f->problem == KEYFILL_KID_CLASH || f->problem == KEYFILL_PLACE_CLASH))
            return f;
    }
    return NULL;
}

static cli_status make_keys(const cli_call *call, keystore *store, const recipe *of,
                            const rsi_list *rsis, const char *path)
{
    size_t first_new = store->file.entry_count;
    kf_err err = add_keys(&store->file, of, rsis);
    if (err == KF_E_NO_SPACE)
        return cli_misuse(call, "count", "this many keys do not go into the file",
                          "a file holds at most 1,024 keys", NULL);
    if (err != KF_OK)
        return cli_give_up(call, NULL, err);
    cli_status status = keystore_check(call, store);
    if (status != CLI_DONE)
        return status;
    if (!call->out->json)
        finding_lines(call, store, 0, false);
    const keyfill_finding *why = first_refusal(store);
    if (why == NULL)
        why = new_clash(store, first_new);
    return why == NULL ? CLI_DONE
                       : refuse(call, store, path, why,
                                "choose another --kid, --sln or --keyset; nothing was written");
}

static cli_status told_generated(const cli_call *call, const keystore *store, size_t first_new,
                                 const char *path)
{
    if (!call->out->json) {
        for (size_t i = first_new; i < store->file.entry_count; i++)
            entry_line(call, &store->file, i);
        out_say(call->out, "wrote %s (container): %zu new, %zu in all", path,
                store->file.entry_count - first_new, store->file.entry_count);
        return CLI_DONE;
    }
    json_t *document =
        json_pack("{s:o, s:o, s:I, s:o}", "out", out_json_text(kf_slice_str(path)), "keys",
                  entries_json(&store->file, first_new), "keys_in_file",
                  (json_int_t)store->file.entry_count, "findings", findings_json(store));
    return out_json(call->out, document) ? CLI_DONE : CLI_REFUSED;
}

static cli_status not_ours(const cli_call *call, const char *path)
{
    out_error e = out_error_of(KF_E_UNSUPPORTED);
    e.field = "add-to";
    out_what(&e, "will not add keys to %s", path);
    out_why(&e, "only our own container is changed in place");
    out_do(&e, "import it first: keyferry keys import %s --out FILE", path);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* The file to add to, or an empty one with a new passphrase. */
static cli_status start_store(const cli_call *call, const char *to, keystore *store)
{
    if (cli_given(call, "add-to")) {
        cli_status status =
            keystore_load(call, "add-to", to, KEYSTORE_BY_CONTENT, "passphrase-file", store);
        return status == CLI_DONE && store->format != KEYSTORE_CONTAINER ? not_ours(call, to)
                                                                         : status;
    }
    store->format = KEYSTORE_CONTAINER;
    cli_status status = file_check_free(call, "out", to);
    return status == CLI_DONE ? file_passphrase(call, true, &store->passphrase) : status;
}

cli_status run_keys_generate(const cli_call *call)
{
    static rsi_list rsis;
    const bool adds = cli_given(call, "add-to");
    const char *option = adds ? "add-to" : "out";
    keystore store = { .of_reading = 0 };
    kf_scrypt_cost cost;
    recipe of;
    size_t first_new = 0;

    if (adds == cli_given(call, "out"))
        return cli_misuse(call, option, "give either --out or --add-to",
                          "new keys go into a new file or into one that is there", NULL);
    cli_status status = rsis_of(call, "rsi", &rsis);
    if (status == CLI_DONE)
        status = recipe_of(call, &rsis, &of);
    if (status == CLI_DONE)
        status = cost_of(call, &cost);
    if (status == CLI_DONE)
        status = start_store(call, cli_text(call, option), &store);
    first_new = store.file.entry_count;
    if (status == CLI_DONE)
        status = make_keys(call, &store, &of, &rsis, cli_text(call, option));
    if (status == CLI_DONE)
        status = write_store(call, &store, KEYSTORE_CONTAINER, store.passphrase, cost, option,
                             adds ? FILE_REPLACE : FILE_KEEP);
    if (status == CLI_DONE)
        status = told_generated(call, &store, first_new, cli_text(call, option));
    keystore_clear(&store);
    return status;
}

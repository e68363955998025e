/* An exported chain of events, checked without the vault. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "vault/verify.h"

#define PAGE_MAX (64u << 20) /* octets of a page: 1000 events need less than a tenth */

static const cli_command commands[] = {
    { .path = "audit check",
      .summary = "check exported events, without the vault and without any secret",
      .about =
          "FILE is what `keyferry audit export --json` printed, one file for each page, in order.\n"
          "Finds every event that was altered, left out, put in or moved, and an end that was cut\n"
          "off. Without --key the key in the export is taken, so that somebody who made all of it\n"
          "up is not found: --key is audit_public, as `vault init` told it. With --earlier, which\n"
          "an earlier check printed as `point`, a vault that was put back is found too.",
      .example = "keyferry audit export --json > events.json\n"
                 "keyferry audit check events.json",
      .arguments = { { "FILE", true, true, "a page, JSON; - for standard input" } },
      .options = { { "key", "HEX", CLI_TEXT, false, false, NULL,
                     "the vault's public audit key, 64 digits" },
                   { "earlier", "POINT", CLI_TEXT, false, false, NULL,
                     "SEQ:HASH of an earlier check; the pages may begin behind it" } },
      .needs_vault = true,
      .run = run_audit_check },
};

const cli_section cli_audit_files = { { "audit", "what was done, by whom",
                                        "keyferry audit check events.json" },
                                      commands,
                                      KF_COUNT(commands) };

/* ---- one page ---- */

/* A page, with room for what its slices name. */
typedef struct page {
    vault_page content;
    json_t *json;
    vault_signed *heads, *checkpoints;
    vault_exported *events;
    uint8_t *octets;
    size_t used, size;
    const char *field; /**< what is not as it should be */
} page;

static void clear(page *p)
{
    json_decref(p->json);
    free(p->heads);
    free(p->checkpoints);
    free(p->events);
    free(p->octets);
    *p = (page){ .json = NULL };
}

static bool bad(page *p, const char *field)
{
    p->field = p->field == NULL ? field : p->field;
    return false;
}

static bool get_hex(page *p, const json_t *from, const char *name, kf_slice *out)
{
    const json_t *value = json_object_get(from, name);
    const kf_slice text = { (const uint8_t *)json_string_value(value), json_string_length(value) };
    kf_writer w = kf_writer_init(p->octets + p->used, p->size - p->used);
    if (!json_is_string(value) || kf_hex_read(text, &w) != KF_OK)
        return bad(p, name);
    *out = kf_writer_slice(&w);
    p->used += w.len;
    return true;
}

static bool get_int(page *p, const json_t *from, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(from, name);
    *out = json_integer_value(value);
    return json_is_integer(value) || bad(p, name);
}

/* No text and an empty one are the same. */
static bool get_text(page *p, const json_t *from, const char *name, kf_slice *out)
{
    const json_t *value = json_object_get(from, name);
    *out = (kf_slice){ (const uint8_t *)json_string_value(value), json_string_length(value) };
    return value == NULL || json_is_string(value) || bad(p, name);
}

static bool get_signed(page *p, const json_t *from, vault_signed *out)
{
    return get_int(p, from, "seq", &out->seq) && get_int(p, from, "at", &out->at) &&
           get_hex(p, from, "hash", &out->hash) && get_hex(p, from, "signature", &out->signature);
}

static bool get_event(page *p, const json_t *from, vault_exported *out)
{
    static const char *const names[VAULT_EVENT_TEXTS] = { "actor", "verb", "subject", "outcome",
                                                          "detail" };
    int64_t role = 0;
    bool fine = get_int(p, from, "seq", &out->event.seq) &&
                get_int(p, from, "at", &out->event.at) && get_int(p, from, "role", &role);
    if (fine && (role < 0 || role > UINT8_MAX))
        fine = bad(p, "role");
    out->event.role = (uint8_t)role;
    for (size_t i = 0; fine && i < VAULT_EVENT_TEXTS; i++)
        fine = get_text(p, from, names[i], &out->event.texts[i]);
    return fine && get_hex(p, from, "hash", &out->hash);
}

static bool get_all_signed(page *p, const char *name, vault_signed **out, size_t *count)
{
    const json_t *list = json_object_get(p->json, name);
    *count = json_array_size(list);
    *out = calloc(*count + 1, sizeof **out);
    if (!json_is_array(list) || *out == NULL)
        return bad(p, name);
    for (size_t i = 0; i < *count; i++)
        if (!get_signed(p, json_array_get(list, i), &(*out)[i]))
            return false;
    return true;
}

static bool get_events(page *p)
{
    const json_t *list = json_object_get(p->json, "events");
    p->content.event_count = json_array_size(list);
    p->events = calloc(p->content.event_count + 1, sizeof *p->events);
    if (!json_is_array(list) || p->events == NULL)
        return bad(p, "events");
    for (size_t i = 0; i < p->content.event_count; i++)
        if (!get_event(p, json_array_get(list, i), &p->events[i]))
            return false;
    return true;
}

static bool get_page(page *p)
{
    const bool fine =
        get_hex(p, p->json, "vault_id", &p->content.vault_id) &&
        get_hex(p, p->json, "audit_public", &p->content.audit_public) &&
        get_all_signed(p, "head", &p->heads, &p->content.head_count) &&
        get_all_signed(p, "checkpoints", &p->checkpoints, &p->content.checkpoint_count) &&
        get_events(p);
    p->content.heads = p->heads;
    p->content.checkpoints = p->checkpoints;
    p->content.events = p->events;
    return fine;
}

static cli_status refuse_file(const cli_call *call, const char *path, const char *what,
                              const char *why)
{
    out_error e = out_error_of(KF_E_MALFORMED);
    e.field = "FILE";
    out_what(&e, "%s: %s", path, what);
    out_why(&e, "%s", why);
    out_do(&e, "give what `keyferry audit export --json` printed, a file for each page");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* The whole file, with a NUL behind it. */
static char *read_text(const char *path, size_t *len)
{
    const bool is_input = strcmp(path, "-") == 0;
    FILE *f = is_input ? stdin : fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0;
    *len = 0;
    while (f != NULL && *len < PAGE_MAX) {
        if (*len + 1 >= cap) {
            cap = cap == 0 ? 65536 : 2 * cap;
            char *more = realloc(text, cap);
            if (more == NULL)
                break;
            text = more;
        }
        const size_t n = fread(text + *len, 1, cap - 1 - *len, f);
        *len += n;
        if (n == 0)
            break;
    }
    const bool fine = f != NULL && !ferror(f) && feof(f);
    if (f != NULL && !is_input)
        (void)fclose(f);
    if (fine && text != NULL)
        return text;
    errno = errno == 0 ? EFBIG : errno;
    free(text);
    return NULL;
}

static cli_status read_page(const cli_call *call, const char *path, page *p)
{
    json_error_t fault;
    size_t len = 0;
    errno = 0;
    char *text = read_text(path, &len);
    *p = (page){ .json = NULL };
    if (text == NULL)
        return refuse_file(call, path, "it cannot be read", strerror(errno));
    p->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
    free(text);
    if (p->json == NULL)
        return refuse_file(call, path, "it is no JSON document", fault.text);
    p->size = len / 2 + 1;
    p->octets = malloc(p->size);
    if (p->octets == NULL)
        return cli_give_up(call, "FILE", KF_E_NO_MEMORY);
    return get_page(p) ? CLI_DONE
                       : refuse_file(call, path, "it is no page of an export",
                                     p->field == NULL ? "something is missing" : p->field);
}

/* ---- the command ---- */

static cli_status take_key(const cli_call *call, uint8_t key[KF_ED25519_KEY_OCTETS])
{
    kf_writer w = kf_writer_init(key, KF_ED25519_KEY_OCTETS);
    return kf_hex_read(cli_slice(call, "key"), &w) == KF_OK && w.len == KF_ED25519_KEY_OCTETS
               ? CLI_DONE
               : cli_misuse(call, "key", "option --key has a bad value",
                            "a public audit key is 64 hex digits", NULL);
}

static cli_status take_point(const cli_call *call, vault_point *point)
{
    const kf_slice text = cli_slice(call, "earlier");
    const uint8_t *colon = memchr(text.ptr, ':', text.len);
    const size_t at = colon == NULL ? text.len : (size_t)(colon - text.ptr);
    kf_writer w = kf_writer_init(point->hash, sizeof point->hash);
    uint64_t seq = 0;
    const bool fine = colon != NULL && kf_decimal_read(kf_slice_part(text, 0, at), &seq) == KF_OK &&
                      seq > 0 && seq < INT64_MAX &&
                      kf_hex_read(kf_slice_part(text, at + 1, text.len), &w) == KF_OK &&
                      w.len == sizeof point->hash;
    point->seq = (int64_t)seq;
    return fine ? CLI_DONE
                : cli_misuse(call, "earlier", "option --earlier has a bad value",
                             "it is SEQ:HASH, as an earlier check printed it", NULL);
}

static cli_status broken(const cli_call *call, const vault_verifier *v, const char *path)
{
    out_error e = out_error_of(KF_E_AUTH);
    e.code = "audit-broken";
    e.field = "FILE";
    out_what(&e, "%s", v->why);
    if (v->bad > 0)
        out_why(&e, "%s: event %lld", path, (long long)v->bad);
    else
        out_why(&e, "%s", path);
    out_do(&e, "give all pages in order; when they are whole, keep the vault's store as it is and "
               "find out who could write to it");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status check_files(const cli_call *call, vault_verifier *v)
{
    const char *path = NULL, *last = "";
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && (path = cli_argument_at(call, i)) != NULL; i++) {
        page p;
        last = path;
        cli_status status = read_page(call, path, &p);
        if (status == CLI_DONE)
            err = vault_verify_page(v, &p.content);
        clear(&p);
        if (status != CLI_DONE)
            return status;
    }
    if (err == KF_OK)
        err = vault_verify_end(v);
    if (err == KF_E_AUTH)
        return broken(call, v, last);
    return err == KF_OK ? CLI_DONE : cli_give_up(call, "FILE", err);
}

static void hex_text(const uint8_t *octets, size_t len, char *out)
{
    kf_writer w = kf_writer_init((uint8_t *)out, 2 * len);
    kf_hex_write(&w, (kf_slice){ octets, len });
    out[2 * len] = '\0';
}

static cli_status tell(const cli_call *call, const vault_verifier *v)
{
    char hash[65], point[96], id[2 * SEAL_ID_OCTETS + 1], key[65], time[KF_TIME_TEXT_OCTETS];
    hex_text(v->now.hash, sizeof v->now.hash, hash);
    hex_text(v->id, sizeof v->id, id);
    hex_text(v->key, sizeof v->key, key);
    (void)snprintf(point, sizeof point, "%lld:%s", (long long)v->now.seq, hash);
    if (call->out->json)
        return out_json(call->out,
                        json_pack("{s:b, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:s}", "good", 1,
                                  "vault_id", id, "audit_public", key, "key_given",
                                  (int)v->is_pinned, "events", (json_int_t)v->events, "first",
                                  (json_int_t)v->first, "last", (json_int_t)v->now.seq,
                                  "checkpoints", (json_int_t)v->checkpoints, "signed",
                                  out_json_time(v->head_at), "point", point))
                   ? CLI_DONE
                   : CLI_REFUSED;
    kf_time_format(v->head_at, time);
    out_line(call->out, "good", "%lld events, %lld to %lld", (long long)v->events,
             (long long)v->first, (long long)v->now.seq);
    out_line(call->out, "vault", "%s", id);
    out_line(call->out, "key", "%s%s", key, v->is_pinned ? "" : " (from the export itself)");
    out_line(call->out, "signed", "%s", time);
    out_line(call->out, "point", "%s", point);
    if (!v->is_pinned)
        out_say(call->out, "warning: without --key this proves only that the pages fit one "
                           "another, not that the vault made them");
    return CLI_DONE;
}

cli_status run_audit_check(const cli_call *call)
{
    uint8_t key[KF_ED25519_KEY_OCTETS];
    vault_verifier v;
    vault_point earlier;
    const bool has_key = cli_given(call, "key"), has_earlier = cli_given(call, "earlier");
    cli_status status = has_key ? take_key(call, key) : CLI_DONE;
    if (status == CLI_DONE && has_earlier)
        status = take_point(call, &earlier);
    if (status != CLI_DONE)
        return status;
    vault_verify_begin(&v, has_key ? key : NULL, has_earlier ? &earlier : NULL);
    status = check_files(call, &v);
    return status == CLI_DONE ? tell(call, &v) : status;
}

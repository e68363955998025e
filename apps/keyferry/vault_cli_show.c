/* What a vault answers: to files, as JSON, or as lines and tables. In JSON octets are hex. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "file.h"
#include "vault_cli.h"

#define CELL_MAX    96u
#define COLUMNS_MAX 16u
#define LONG_OCTETS 64u
#define PATH_OCTETS 4096u

static bool is_named(const wire_value *v, const char *name)
{
    return v->name.len == strlen(name) && memcmp(v->name.ptr, name, v->name.len) == 0;
}

/* ---- files ---- */

static const char *path_of(const vault_answer *a, const wire_value *value)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->saved[i].value == value)
            return a->saved[i].path;
    return NULL;
}

static cli_status save(vault_answer *a, const wire_value *value, const char *path,
                       file_exists exists)
{
    vault_saved *more = realloc(a->saved, (a->count + 1) * sizeof *more);
    if (more == NULL)
        return cli_give_up(a->call, "out", KF_E_NO_MEMORY);
    a->saved = more;
    cli_status status = file_write(a->call, "out", path, value->octets, exists);
    if (status == CLI_DONE)
        a->saved[a->count++] = (vault_saved){ value, strdup(path) };
    return status;
}

/* FILE, or FILE-1, FILE-2, ... of a list. */
static cli_status save_as(vault_answer *a, const wire_value *value, const char *path)
{
    char numbered[PATH_OCTETS];
    cli_status status = CLI_DONE;
    size_t i = 1;
    if (value->type == WIRE_OCTETS || value->type == WIRE_TEXT)
        return save(a, value, path, FILE_KEEP);
    for (const wire_value *v = value->first; status == CLI_DONE && v != NULL; v = v->next, i++) {
        (void)snprintf(numbered, sizeof numbered, "%s-%zu", path, i);
        if (v->type == WIRE_OCTETS || v->type == WIRE_TEXT)
            status = save(a, v, numbered, FILE_KEEP);
    }
    return status;
}

static cli_status save_named(vault_answer *a, const char *text)
{
    char name[WIRE_NAME_MAX + 1];
    const char *equals = strchr(text, '=');
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    const wire_value *value = wire_get(a->map, name);
    if (value != NULL)
        return save_as(a, value, equals + 1);
    out_say(a->call->out, "warning: the answer has no field %s; nothing was written to %s", name,
            equals + 1);
    return CLI_DONE;
}

/* What a courier must know of a box. */
static cli_status save_note(const vault_answer *a, const wire_value *row, const char *path)
{
    char *text = NULL;
    json_t *note = json_object();
    const wire_value *claim = wire_get(a->map, "claim"), *until = wire_get(a->map, "until");
    for (const wire_value *v = row->first; v != NULL; v = v->next)
        if (v->type != WIRE_OCTETS) {
            char name[WIRE_NAME_MAX + 1];
            (void)snprintf(name, sizeof name, "%.*s", (int)v->name.len, (const char *)v->name.ptr);
            (void)json_object_set_new(note, name, vault_json_of(a, v));
        }
    if (claim != NULL)
        (void)json_object_set_new(note, "claim", vault_json_of(a, claim));
    if (until != NULL)
        (void)json_object_set_new(note, "until", vault_json_of(a, until));
    text = json_dumps(note, JSON_INDENT(2));
    json_decref(note);
    if (text == NULL)
        return cli_give_up(a->call, "out-dir", KF_E_NO_MEMORY);
    cli_status status = file_write(a->call, "out-dir", path, kf_slice_str(text), FILE_REPLACE);
    free(text);
    return status;
}

/* A box of the outbox; claimed again it is the same box. */
static cli_status save_box(vault_answer *a, const wire_value *row, const wire_value *box,
                           const char *dir)
{
    char path[PATH_OCTETS];
    const long long id = (long long)wire_get_int(row, "delivery", 0);
    (void)snprintf(path, sizeof path, "%s/delivery-%lld.box", dir, id);
    cli_status status = save(a, box, path, FILE_REPLACE);
    (void)snprintf(path, sizeof path, "%s/delivery-%lld.json", dir, id);
    return status == CLI_DONE ? save_note(a, row, path) : status;
}

static cli_status save_rows(vault_answer *a, const wire_value *list, const char *dir)
{
    cli_status status = CLI_DONE;
    char path[PATH_OCTETS];
    size_t i = 1;
    for (const wire_value *row = list->first; row != NULL; row = row->next, i++) {
        const wire_value *box = wire_get(row, "box");
        if (status == CLI_DONE && box != NULL && wire_get(row, "delivery") != NULL)
            status = save_box(a, row, box, dir);
        for (const wire_value *v = row->type == WIRE_MAP ? row->first : NULL; v != NULL;
             v = v->next) {
            if (status != CLI_DONE || v == box || v->type != WIRE_OCTETS ||
                v->octets.len <= LONG_OCTETS)
                continue;
            (void)snprintf(path, sizeof path, "%s/%.*s-%zu.%.*s", dir, (int)list->name.len,
                           (const char *)list->name.ptr, i, (int)v->name.len,
                           (const char *)v->name.ptr);
            status = save(a, v, path, FILE_KEEP);
        }
    }
    return status;
}

static cli_status save_all(vault_answer *a, const char *dir)
{
    char path[PATH_OCTETS];
    cli_status status = CLI_DONE;
    for (const wire_value *v = a->map->first; status == CLI_DONE && v != NULL; v = v->next) {
        (void)snprintf(path, sizeof path, "%s/%.*s", dir, (int)v->name.len,
                       (const char *)v->name.ptr);
        const bool is_octets = v->type == WIRE_OCTETS && v->octets.len > LONG_OCTETS;
        const wire_type of = v->type == WIRE_LIST && v->first != NULL ? v->first->type : WIRE_BOOL;
        if (path_of(a, v) == NULL && (is_octets || of == WIRE_OCTETS))
            status = save_as(a, v, path);
        else if (of == WIRE_MAP)
            status = save_rows(a, v, dir);
    }
    return status;
}

cli_status vault_answer_save(vault_answer *a)
{
    const char *text = NULL, *dir = cli_text(a->call, "out-dir");
    cli_status status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && (text = cli_each(a->call, "out", i)) != NULL; i++)
        status = save_named(a, text);
    return status == CLI_DONE && dir != NULL ? save_all(a, dir) : status;
}

void vault_answer_clear(vault_answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->saved[i].path);
    free(a->saved);
    *a = (vault_answer){ .call = a->call };
}

/* ---- JSON ---- */

static json_t *hex_json(kf_slice octets)
{
    const size_t size = 2 * octets.len + 1;
    kf_secret *text = NULL;
    if (kf_secret_new(size, &text) != KF_OK)
        return json_null();
    kf_writer w = kf_writer_init(kf_secret_edit(text), size);
    kf_hex_write(&w, octets);
    const kf_slice hex = kf_secret_view(text);
    json_t *json = json_stringn((const char *)hex.ptr, size - 1);
    kf_secret_free(&text);
    return json;
}

static json_t *container_json(const vault_answer *a, const wire_value *value)
{
    char name[WIRE_NAME_MAX + 1];
    json_t *json = value->type == WIRE_LIST ? json_array() : json_object();
    for (const wire_value *v = value->first; v != NULL; v = v->next) {
        (void)snprintf(name, sizeof name, "%.*s", (int)v->name.len, (const char *)v->name.ptr);
        if (value->type == WIRE_LIST)
            (void)json_array_append_new(json, vault_json_of(a, v));
        else
            (void)json_object_set_new(json, name, vault_json_of(a, v));
    }
    return json;
}

json_t *vault_json_of(const vault_answer *a, const wire_value *value)
{
    const char *path = path_of(a, value);
    if (path != NULL)
        return json_pack("{s:s, s:I}", "file", path, "octets", (json_int_t)value->octets.len);
    switch (value->type) {
    case WIRE_BOOL:
        return json_boolean(value->truth);
    case WIRE_INT:
        return json_integer(value->number);
    case WIRE_TEXT:
        return json_stringn((const char *)value->octets.ptr, value->octets.len);
    case WIRE_OCTETS:
        return hex_json(value->octets);
    case WIRE_LIST:
    case WIRE_MAP:
        return container_json(a, value);
    }
    return json_null();
}

/* ---- text ---- */

/* Numbers that are times, by the names that the vault gives them. */
static bool is_time(const wire_value *v)
{
    static const char *const names[] = { "at",         "created", "activates", "deactivates",
                                         "suspended",  "settled", "ends",      "begins",
                                         "until",      "issued",  "decided",   "compromised",
                                         "keys_until", "lost",    "destroyed", "checkpoint",
                                         "last_heard", "expires" };
    for (size_t i = 0; i < KF_COUNT(names); i++)
        if (is_named(v, names[i]))
            return v->number > 0;
    return false;
}

static const char *cell(const vault_answer *a, const wire_value *v, char *out, size_t size)
{
    char time[KF_TIME_TEXT_OCTETS];
    const char *path = path_of(a, v);
    size_t n = 0;
    out[0] = '\0';
    if (path != NULL) {
        (void)snprintf(out, size, "%zu octets in %s", v->octets.len, path);
        return out;
    }
    switch (v->type) {
    case WIRE_BOOL:
        (void)snprintf(out, size, "%s", v->truth ? "yes" : "no");
        break;
    case WIRE_INT:
        if (is_time(v)) {
            kf_time_format(v->number, time);
            (void)snprintf(out, size, "%s", time);
        } else {
            (void)snprintf(out, size, "%lld", (long long)v->number);
        }
        break;
    case WIRE_TEXT:
        (void)out_escape(v->octets, out, size);
        break;
    case WIRE_OCTETS:
        for (; n < v->octets.len && 2 * n + 4 < size && n < 8; n++)
            (void)snprintf(out + 2 * n, 3, "%02x", v->octets.ptr[n]);
        if (n < v->octets.len)
            (void)snprintf(out + 2 * n, size - 2 * n, "..");
        break;
    case WIRE_LIST:
    case WIRE_MAP:
        for (const wire_value *e = v->first; e != NULL && n + 4 < size; e = e->next) {
            char one[CELL_MAX];
            n += (size_t)snprintf(out + n, size - n, "%s%s", n == 0 ? "" : ",",
                                  cell(a, e, one, sizeof one));
        }
        break;
    }
    return out;
}

typedef struct columns {
    size_t count;
    kf_slice names[COLUMNS_MAX];
    int widths[COLUMNS_MAX];
} columns;

static size_t column_of(columns *c, kf_slice name)
{
    size_t i = 0;
    while (i < c->count &&
           (c->names[i].len != name.len || memcmp(c->names[i].ptr, name.ptr, name.len) != 0))
        i++;
    if (i == c->count && i < COLUMNS_MAX) {
        c->names[i] = name;
        c->widths[i] = (int)name.len;
        c->count++;
    }
    return i;
}

static void measure(const vault_answer *a, const wire_value *list, columns *c)
{
    char text[CELL_MAX];
    for (const wire_value *row = list->first; row != NULL; row = row->next)
        for (const wire_value *v = row->first; v != NULL; v = v->next) {
            const size_t i = column_of(c, v->name);
            const int len = (int)strlen(cell(a, v, text, sizeof text));
            if (i < c->count && len > c->widths[i])
                c->widths[i] = len;
        }
}

static void show_row(const vault_answer *a, FILE *to, const wire_value *row, const columns *c)
{
    char text[CELL_MAX], name[WIRE_NAME_MAX + 1];
    for (size_t i = 0; i < c->count; i++) {
        (void)snprintf(name, sizeof name, "%.*s", (int)c->names[i].len,
                       (const char *)c->names[i].ptr);
        const wire_value *v = row == NULL ? NULL : wire_get(row, name);
        const char *shown = row == NULL ? name : v == NULL ? "-" : cell(a, v, text, sizeof text);
        fprintf(to, "%s%-*s", i == 0 ? "  " : "  ", i + 1 == c->count ? 0 : c->widths[i], shown);
    }
    fputc('\n', to);
}

static void show_rows(const vault_answer *a, FILE *to, const wire_value *list)
{
    columns c = { .count = 0 };
    measure(a, list, &c);
    fprintf(to, "%.*s (%u):\n", (int)list->name.len, (const char *)list->name.ptr, list->count);
    show_row(a, to, NULL, &c);
    for (const wire_value *row = list->first; row != NULL; row = row->next)
        show_row(a, to, row, &c);
}

static void show_octets(FILE *to, kf_slice octets)
{
    for (size_t i = 0; i < octets.len; i++)
        fprintf(to, "%02x", octets.ptr[i]);
    fputc('\n', to);
}

static void show_value(const vault_answer *a, FILE *to, const wire_value *v)
{
    char text[4096];
    fprintf(to, "%.*s:%*s", (int)v->name.len, (const char *)v->name.ptr,
            v->name.len < 16 ? (int)(16 - v->name.len) : 1, "");
    if (v->type == WIRE_OCTETS && path_of(a, v) == NULL)
        show_octets(to, v->octets);
    else
        fprintf(to, "%s\n", cell(a, v, text, sizeof text));
}

static void show_list(const vault_answer *a, FILE *to, const wire_value *list)
{
    char text[4096];
    fprintf(to, "%.*s (%u):\n", (int)list->name.len, (const char *)list->name.ptr, list->count);
    for (const wire_value *v = list->first; v != NULL; v = v->next) {
        fputs("  ", to);
        if (v->type == WIRE_OCTETS && path_of(a, v) == NULL)
            show_octets(to, v->octets);
        else
            fprintf(to, "%s\n", cell(a, v, text, sizeof text));
    }
}

void vault_show_map(const vault_answer *a, FILE *to, const wire_value *map)
{
    for (const wire_value *v = map->first; v != NULL; v = v->next) {
        if (v->type == WIRE_LIST && v->first != NULL && v->first->type == WIRE_MAP)
            show_rows(a, to, v);
        else if (v->type == WIRE_LIST)
            show_list(a, to, v);
        else if (v->type == WIRE_MAP)
            vault_show_map(a, to, v);
        else
            show_value(a, to, v);
    }
}

cli_status vault_answer_show(const vault_answer *a)
{
    if (a->call->out->json)
        return out_json(a->call->out, vault_json_of(a, a->map)) ? CLI_DONE : CLI_REFUSED;
    vault_show_map(a, a->call->out->data, a->map);
    return CLI_DONE;
}

#include "yaml/strict.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/text.h"

#define DEPTH_MAX 6u
#define KEYS_MAX  32u
#define KEY_MAX   32u

/** A mapping or a list that is open. */
typedef struct frame {
    bool is_mapping;
    bool has_key; /**< mapping: the next node is the value of the last key */
    size_t count; /**< mapping: keys so far; list: entries begun */
    char keys[KEYS_MAX][KEY_MAX + 1];
} frame;

/** A walk over the events of one text. */
typedef struct walk {
    const kf_yaml_number *numbers;
    kf_yaml_fault *fault;
    const char *wanted; /**< a field to be found; NULL: none */
    size_t found;       /**< its line */
    size_t documents;
    size_t depth;
    frame frames[DEPTH_MAX];
} walk;

kf_err kf_yaml_say(kf_yaml_fault *fault, size_t line, const char *field, const char *why)
{
    if (fault->why[0] == '\0') {
        fault->line = line;
        (void)snprintf(fault->field, sizeof fault->field, "%s", field);
        (void)snprintf(fault->why, sizeof fault->why, "%s", why);
    }
    return KF_E_MALFORMED;
}

/** "units[3].rsi": where the walk stands. Cut when it is too long. */
static void path_of(const walk *w, char out[sizeof((kf_yaml_fault *)0)->field])
{
    const size_t size = sizeof w->fault->field;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < w->depth && len < size; i++) {
        const frame *f = &w->frames[i];
        int n = 0;
        if (!f->is_mapping)
            n = snprintf(out + len, size - len, "[%zu]", f->count - (f->count > 0));
        else if (f->count > 0)
            n = snprintf(out + len, size - len, "%s%s", i == 0 ? "" : ".", f->keys[f->count - 1]);
        len += n > 0 ? (size_t)n : 0;
    }
}

static kf_err refuse(const walk *w, size_t line, const char *why)
{
    char path[sizeof w->fault->field];
    path_of(w, path);
    return kf_yaml_say(w->fault, line, path, why);
}

/** Is this the place that is looked for? The first line counts: that of a key, not of its value. */
static void find_wanted(walk *w, size_t line)
{
    char path[sizeof w->fault->field];
    if (w->wanted == NULL || w->found != 0)
        return;
    path_of(w, path);
    if (strcmp(path, w->wanted) == 0)
        w->found = line;
}

static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

/** The key whose value or list is being read; NULL at the top. */
static const char *key_above(const walk *w)
{
    for (size_t i = w->depth; i > 0; i--) {
        const frame *f = &w->frames[i - 1];
        if (f->is_mapping)
            return f->count == 0 ? NULL : f->keys[f->count - 1];
    }
    return NULL;
}

static bool is_plain_text(kf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

/** Letters, digits, _ and -: what a key of ours can be made of, and what is safe to show. */
static bool is_key_text(kf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i], lower = c | 0x20u;
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return text.len > 0;
}

/** A key that cannot be shown: the place is its mapping. */
static kf_err refuse_key(walk *w, size_t line)
{
    w->frames[w->depth - 1].count = 0;
    return refuse(w, line, "a key is made of letters, digits, _ and -");
}

static kf_err add_key(walk *w, size_t line, kf_slice text)
{
    frame *f = &w->frames[w->depth - 1];
    if (!is_key_text(text))
        return refuse_key(w, line);
    f->count += f->count == KEYS_MAX ? 0 : 1;
    char *key = f->keys[f->count - 1];
    (void)snprintf(key, KEY_MAX + 1, "%.*s", (int)(text.len < KEY_MAX ? text.len : KEY_MAX),
                   (const char *)text.ptr);
    if (f->count == KEYS_MAX || text.len > KEY_MAX)
        return refuse(w, line, "there is no such key");
    for (size_t i = 0; i + 1 < f->count; i++)
        if (strcmp(f->keys[i], key) == 0)
            return refuse(w, line, "this key is given twice");
    f->has_key = true;
    find_wanted(w, line);
    return KF_OK;
}

static const kf_yaml_number *number_of(const walk *w)
{
    const char *key = key_above(w);
    for (const kf_yaml_number *n = w->numbers; n != NULL && n->key != NULL; n++)
        if (key != NULL && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

/** One way to write a number: YAML would also take signs, 0x and octal, and the radio's world
 * writes leading zeros. */
static kf_err check_number(const walk *w, size_t line, kf_slice text, bool is_plain)
{
    char why[sizeof w->fault->why];
    uint64_t value = 0;
    const kf_yaml_number *n = number_of(w);
    if (n == NULL)
        return KF_OK;
    if (is_plain && (text.len == 1 || (text.len > 1 && text.ptr[0] != '0')) &&
        kf_decimal_read(text, &value) == KF_OK && value >= n->min && value <= n->max)
        return KF_OK;
    (void)snprintf(why, sizeof why, "this must be a decimal number from %lu to %lu",
                   (unsigned long)n->min, (unsigned long)n->max);
    return refuse(w, line, why);
}

/** A node begins: count it in its list, or use up the key. */
static void begin_node(walk *w, size_t line)
{
    if (w->depth > 0) {
        frame *f = &w->frames[w->depth - 1];
        if (f->is_mapping)
            f->has_key = false;
        else
            f->count++;
    }
    find_wanted(w, line);
}

static bool wants_key(const walk *w)
{
    return w->depth > 0 && w->frames[w->depth - 1].is_mapping && !w->frames[w->depth - 1].has_key;
}

static kf_err see_scalar(walk *w, const yaml_event_t *e)
{
    const size_t line = line_of(e);
    const kf_slice text = { e->data.scalar.value, e->data.scalar.length };
    if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL)
        return refuse(w, line, "anchors and tags are not used here");
    if (wants_key(w))
        return add_key(w, line, text);
    begin_node(w, line);
    if (!is_plain_text(text))
        return refuse(w, line, "a value has no control characters");
    return check_number(w, line, text, e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
}

static kf_err open_frame(walk *w, const yaml_event_t *e, bool is_mapping, bool is_marked)
{
    if (is_marked)
        return refuse(w, line_of(e), "anchors and tags are not used here");
    if (wants_key(w))
        return refuse_key(w, line_of(e));
    begin_node(w, line_of(e));
    if (w->depth == DEPTH_MAX)
        return refuse(w, line_of(e), "this is nested too deep");
    frame *f = &w->frames[w->depth++];
    f->is_mapping = is_mapping;
    f->has_key = false;
    f->count = 0;
    return KF_OK;
}

static kf_err see_document(walk *w, const yaml_event_t *e)
{
    if (w->documents++ > 0)
        return refuse(w, line_of(e), "there is more than one document");
    if (e->data.document_start.version_directive != NULL ||
        e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
        return refuse(w, line_of(e), "directives are not used here");
    return KF_OK;
}

static kf_err see(walk *w, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return see_document(w, e);
    case YAML_ALIAS_EVENT:
        return refuse(w, line_of(e), "aliases are not used here");
    case YAML_SCALAR_EVENT:
        return see_scalar(w, e);
    case YAML_SEQUENCE_START_EVENT:
        return open_frame(w, e, false,
                          e->data.sequence_start.anchor != NULL ||
                              e->data.sequence_start.tag != NULL);
    case YAML_MAPPING_START_EVENT:
        return open_frame(
            w, e, true, e->data.mapping_start.anchor != NULL || e->data.mapping_start.tag != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        w->depth--;
        return KF_OK;
    case YAML_STREAM_END_EVENT:
        return w->documents == 1 ? KF_OK : refuse(w, 0, "the file is empty");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return KF_OK;
}

/** The line is exact; the walk is behind the scanner, so there is no field to name. */
static kf_err bad_yaml(const walk *w, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return KF_E_NO_MEMORY;
    if (parser->error == YAML_READER_ERROR)
        return kf_yaml_say(w->fault, parser->mark.line + 1, "", "this is not UTF-8 text");
    const yaml_mark_t *mark = parser->error == YAML_SCANNER_ERROR && parser->context != NULL
                                  ? &parser->context_mark /* where the quote began */
                                  : &parser->problem_mark;
    return kf_yaml_say(w->fault, mark->line + 1, "",
                       "this is not YAML: look at indentation, quotes and brackets");
}

static kf_err walk_all(walk *w, kf_slice yaml)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_last = false;
    kf_err err = KF_OK;

    if (yaml_parser_initialize(&parser) == 0)
        return KF_E_NO_MEMORY;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, yaml.ptr, yaml.len);
    while (err == KF_OK && !is_last) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            err = bad_yaml(w, &parser);
            break;
        }
        is_last = event.type == YAML_STREAM_END_EVENT;
        err = see(w, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return err;
}

kf_err kf_yaml_check(kf_slice yaml, const kf_yaml_number *numbers, kf_yaml_fault *fault)
{
    walk w = { .numbers = numbers, .fault = fault };
    if (yaml.len > KF_YAML_MAX) {
        (void)kf_yaml_say(fault, 0, "", "the file is too large");
        return KF_E_NO_SPACE;
    }
    if (yaml.len == 0)
        return kf_yaml_say(fault, 0, "", "the file is empty");
    return walk_all(&w, yaml);
}

size_t kf_yaml_line_of(kf_slice yaml, const char *field)
{
    kf_yaml_fault ignored = { 0 };
    walk w = { .fault = &ignored, .wanted = field };
    return walk_all(&w, yaml) == KF_OK ? w.found : 0;
}

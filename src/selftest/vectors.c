#include "selftest/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/writer.h"

#define FILE_OCTETS_MAX ((size_t)16 << 20)

/* What a line can be. */
typedef enum line_kind { LINE_BLANK, LINE_CASE, LINE_FIELD, LINE_BAD } line_kind;

typedef struct line {
    line_kind kind;
    kf_slice name;    /* of the case or the field */
    kf_slice value;   /* of the field; may be empty */
    const char *what; /* is wrong */
} line;

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static kf_slice trim(kf_slice s)
{
    while (s.len > 0 && is_space(s.ptr[0]))
        s = (kf_slice){ s.ptr + 1, s.len - 1 };
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Take the next line off *rest, without its newline. */
static kf_slice next_line(kf_slice *rest)
{
    const uint8_t *newline = memchr(rest->ptr, '\n', rest->len);
    size_t len = newline == NULL ? rest->len : (size_t)(newline - rest->ptr);
    kf_slice found = { rest->ptr, len };
    size_t used = newline == NULL ? len : len + 1;
    *rest = (kf_slice){ rest->ptr + used, rest->len - used };
    return found;
}

static bool has_control_characters(kf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < 0x20 && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Names are words: no white space inside, no bracket. */
static bool is_name(kf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_space(text.ptr[i]) || text.ptr[i] == '[' || text.ptr[i] == ']')
            return false;
    return text.len > 0;
}

static line classify_case(kf_slice text)
{
    if (text.ptr[text.len - 1] != ']')
        return (line){ .kind = LINE_BAD, .what = "vectors.case" };
    kf_slice name = { text.ptr + 1, text.len - 2 };
    if (!is_name(name))
        return (line){ .kind = LINE_BAD, .what = "vectors.case" };
    return (line){ .kind = LINE_CASE, .name = name };
}

static line classify(kf_slice text)
{
    if (has_control_characters(text))
        return (line){ .kind = LINE_BAD, .what = "vectors.character" };
    text = trim(text);
    if (text.len == 0 || text.ptr[0] == '#')
        return (line){ .kind = LINE_BLANK };
    if (text.ptr[0] == '[')
        return text.len < 2 ? (line){ .kind = LINE_BAD, .what = "vectors.case" }
                            : classify_case(text);
    const uint8_t *equals = memchr(text.ptr, '=', text.len);
    if (equals == NULL)
        return (line){ .kind = LINE_BAD, .what = "vectors.line" };
    size_t at = (size_t)(equals - text.ptr);
    line l = { .kind = LINE_FIELD,
               .name = trim((kf_slice){ text.ptr, at }),
               .value = trim((kf_slice){ equals + 1, text.len - at - 1 }) };
    if (!is_name(l.name))
        return (line){ .kind = LINE_BAD, .what = "vectors.name" };
    return l;
}

/* First pass: count what the second will store, so that memory follows content. */
static kf_err count_lines(kf_slice text, size_t *cases, size_t *fields, kf_fault *fault)
{
    *cases = *fields = 0;
    for (size_t number = 1; text.len > 0; number++) {
        line l = classify(next_line(&text));
        if (l.kind == LINE_BAD)
            return kf_fault_set(fault, KF_E_MALFORMED, number, l.what);
        if (l.kind == LINE_FIELD && *cases == 0)
            return kf_fault_set(fault, KF_E_MALFORMED, number, "vectors.field_before_case");
        *cases += l.kind == LINE_CASE;
        *fields += l.kind == LINE_FIELD;
    }
    return KF_OK;
}

/* Second pass, over lines that count_lines() found good. */
static void store_lines(kf_slice text, vectors_file *out)
{
    vectors_field *next = out->fields;
    for (size_t number = 1; text.len > 0; number++) {
        line l = classify(next_line(&text));
        if (l.kind == LINE_CASE) {
            out->cases[out->count++] = (vectors_case){ l.name, next, 0, number };
        } else if (l.kind == LINE_FIELD) {
            *next++ = (vectors_field){ l.name, l.value, number, false };
            out->cases[out->count - 1].count++;
        }
    }
}

/* By name, then by line, so that the later of two equal names comes second. */
static int compare_cases(const void *a, const void *b)
{
    const vectors_case *x = *(vectors_case *const *)a, *y = *(vectors_case *const *)b;
    size_t common = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.ptr, y->name.ptr, common);
    if (order == 0)
        order = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static kf_err refuse_duplicates(const vectors_file *file, kf_fault *fault)
{
    if (file->count < 2)
        return KF_OK;
    const vectors_case **sorted = calloc(file->count, sizeof *sorted);
    if (sorted == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, "vectors");
    for (size_t i = 0; i < file->count; i++)
        sorted[i] = &file->cases[i];
    qsort(sorted, file->count, sizeof *sorted, compare_cases);
    const vectors_case *first_repeat = NULL;
    for (size_t i = 1; i < file->count; i++)
        if (kf_slice_equal(sorted[i - 1]->name, sorted[i]->name) &&
            (first_repeat == NULL || sorted[i]->line < first_repeat->line))
            first_repeat = sorted[i];
    free(sorted);
    if (first_repeat != NULL)
        return kf_fault_set(fault, KF_E_MALFORMED, first_repeat->line, "vectors.duplicate_case");
    return KF_OK;
}

/* Takes text, on failure too. */
static kf_err parse_taken(uint8_t *text, size_t len, vectors_file *out, kf_fault *fault)
{
    kf_slice all = { text, len };
    size_t cases, fields;

    *out = (vectors_file){ .text = text };
    kf_err err = count_lines(all, &cases, &fields, fault);
    if (err != KF_OK)
        goto failed;
    out->cases = calloc(cases + 1, sizeof *out->cases);
    out->fields = calloc(fields + 1, sizeof *out->fields);
    if (out->cases == NULL || out->fields == NULL) {
        err = kf_fault_set(fault, KF_E_NO_MEMORY, 0, "vectors");
        goto failed;
    }
    store_lines(all, out);
    if ((err = refuse_duplicates(out, fault)) != KF_OK)
        goto failed;
    return KF_OK;
failed:
    vectors_clear(out);
    return err;
}

kf_err vectors_parse(kf_slice text, vectors_file *out, kf_fault *fault)
{
    *out = (vectors_file){ 0 };
    *fault = (kf_fault){ 0 };
    uint8_t *copy = malloc(text.len + 1);
    if (copy == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, "vectors");
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return parse_taken(copy, text.len, out, fault);
}

/* All of a file, or up to the limit and one more octet. */
static kf_err read_all(FILE *in, uint8_t **text, size_t *len)
{
    size_t cap = 0;

    *text = NULL;
    *len = 0;
    do {
        cap = cap == 0 ? 65536 : 2 * cap;
        uint8_t *more = realloc(*text, cap);
        if (more == NULL) {
            free(*text);
            *text = NULL;
            return KF_E_NO_MEMORY;
        }
        *text = more;
        *len += fread(*text + *len, 1, cap - *len, in);
    } while (*len == cap && *len <= FILE_OCTETS_MAX);
    if (ferror(in)) {
        free(*text);
        *text = NULL;
        return KF_E_BACKEND;
    }
    return KF_OK;
}

kf_err vectors_load(const char *path, vectors_file *out, kf_fault *fault)
{
    uint8_t *text = NULL;
    size_t len = 0;

    *out = (vectors_file){ 0 };
    *fault = (kf_fault){ 0 };
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return kf_fault_set(fault, KF_E_BACKEND, 0, "vectors.open");
    kf_err err = read_all(in, &text, &len);
    (void)fclose(in); /* read only: nothing can be lost */
    if (err != KF_OK)
        return kf_fault_set(fault, err, 0, "vectors.read");
    if (len > FILE_OCTETS_MAX) {
        free(text);
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "vectors.size");
    }
    return parse_taken(text, len, out, fault);
}

void vectors_clear(vectors_file *file)
{
    if (file == NULL)
        return;
    free(file->cases);
    free(file->fields);
    free(file->text);
    *file = (vectors_file){ 0 };
}

vectors_case *vectors_case_named(vectors_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (kf_slice_equal(file->cases[i].name, kf_slice_str(name)))
            return &file->cases[i];
    return NULL;
}

static vectors_field *find(const vectors_case *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (kf_slice_equal(c->fields[i].name, kf_slice_str(name)))
            return &c->fields[i];
    return NULL;
}

kf_slice vectors_text(vectors_case *c, const char *name)
{
    vectors_field *field = find(c, name);
    if (field == NULL)
        return (kf_slice){ NULL, 0 };
    field->used = true;
    return field->value;
}

bool vectors_has(const vectors_case *c, const char *name)
{
    return find(c, name) != NULL;
}

kf_err vectors_hex(vectors_case *c, const char *name, uint8_t **out, size_t *len)
{
    *out = NULL;
    *len = 0;
    kf_slice text = vectors_text(c, name);
    if (text.ptr == NULL)
        return KF_E_STATE;
    uint8_t *octets = malloc(text.len / 2 + 1);
    if (octets == NULL)
        return KF_E_NO_MEMORY;
    kf_writer w = kf_writer_init(octets, text.len / 2 + 1);
    kf_err err = kf_hex_read(text, &w);
    if (err != KF_OK) {
        free(octets);
        return err;
    }
    *out = octets;
    *len = w.len;
    return KF_OK;
}

kf_err vectors_decimal(vectors_case *c, const char *name, uint64_t *out)
{
    *out = 0;
    kf_slice text = vectors_text(c, name);
    if (text.ptr == NULL)
        return KF_E_STATE;
    return kf_decimal_read(text, out);
}

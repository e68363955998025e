#include "keyfill/csv.h"

#include <string.h>

#include "base/text.h"
#include "p25/ids.h"

#define FIELDS_MAX   16u
#define FIELD_OCTETS 1024u
#define KID_DIGITS   4u
#define ALGID_DIGITS 2u
#define ALGIDS       256u

typedef enum column {
    COLUMN_NAME,
    COLUMN_KEYSET,
    COLUMN_SLN,
    COLUMN_TYPE,
    COLUMN_KID,
    COLUMN_ALGID,
    COLUMN_KEY,
    COLUMN_RSI,
    COLUMN_GROUP,
    COLUMN_COUNT,
} column;

static const struct {
    const char *name, *alias, *field;
    bool is_required;
} columns[COLUMN_COUNT] = {
    [COLUMN_NAME] = { "name", NULL, "csv.name", false },
    [COLUMN_KEYSET] = { "keyset", NULL, "csv.keyset", true },
    [COLUMN_SLN] = { "sln", "ckr", "csv.sln", true },
    [COLUMN_TYPE] = { "type", NULL, "csv.type", false },
    [COLUMN_KID] = { "kid", NULL, "csv.kid", true },
    [COLUMN_ALGID] = { "algid", NULL, "csv.algid", true },
    [COLUMN_KEY] = { "key", NULL, "csv.key", true },
    [COLUMN_RSI] = { "rsi", NULL, "csv.rsi", false },
    [COLUMN_GROUP] = { "group", NULL, "csv.group", false },
};

/* A field of the line, as it stands in the file. */
typedef struct cell {
    kf_slice raw; /* without the quotes around it */
    size_t at;    /* octet offset in the file */
    bool is_quoted;
} cell;

typedef struct reader {
    kf_slice octets;
    size_t at;      /* start of the next line */
    size_t line;    /* the current one, from 1 */
    size_t line_at; /* its start */
    kf_slice text;  /* and its octets, without the line end */
    uint8_t separator;
    cell cells[FIELDS_MAX];
    size_t cell_count;
    size_t place[COLUMN_COUNT]; /* which cell of a line; FIELDS_MAX: no such column */
    size_t width;               /* cells that every line must have */
    keyfill_csv_fault *fault;
} reader;

static kf_err fail(reader *r, kf_err code, size_t at, const char *field, const char *why)
{
    if (r->fault->fault.code == KF_OK) {
        kf_fault_set(&r->fault->fault, code, at, field);
        r->fault->line = r->line;
        r->fault->column = at - r->line_at + 1;
        r->fault->why = why;
    }
    return r->fault->fault.code;
}

/* ---- lines and cells ---- */

static bool next_line(reader *r)
{
    if (r->at >= r->octets.len)
        return false;
    size_t end = r->at;
    while (end < r->octets.len && r->octets.ptr[end] != '\n')
        end++;
    r->line++;
    r->line_at = r->at;
    r->text = kf_slice_part(r->octets, r->at, end - r->at);
    if (r->text.len > 0 && r->text.ptr[r->text.len - 1] == '\r')
        r->text.len--;
    r->at = end + 1;
    return true;
}

/* From an opening quote at *pos to past the closing one. */
static kf_err quoted_cell(reader *r, size_t *pos, cell *out)
{
    size_t from = ++*pos;
    for (; *pos < r->text.len; ++*pos) {
        if (r->text.ptr[*pos] != '"')
            continue;
        if (*pos + 1 < r->text.len && r->text.ptr[*pos + 1] == '"') {
            ++*pos;
            continue;
        }
        *out = (cell){ kf_slice_part(r->text, from, *pos - from), r->line_at + from, true };
        ++*pos;
        if (*pos < r->text.len && r->text.ptr[*pos] != r->separator)
            return fail(r, KF_E_MALFORMED, r->line_at + *pos, "csv",
                        "Something follows the closing quote of a field.");
        return KF_OK;
    }
    return fail(r, KF_E_TRUNCATED, r->line_at + from, "csv",
                "The quote that opens this field is not closed on its line.");
}

static kf_err plain_cell(reader *r, size_t *pos, cell *out)
{
    size_t from = *pos;
    for (; *pos < r->text.len && r->text.ptr[*pos] != r->separator; ++*pos)
        if (r->text.ptr[*pos] == '"')
            return fail(r, KF_E_MALFORMED, r->line_at + *pos, "csv",
                        "A quote stands in the middle of a field.");
    *out = (cell){ kf_slice_part(r->text, from, *pos - from), r->line_at + from, false };
    return KF_OK;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static void trim(cell *c)
{
    while (c->raw.len > 0 && is_blank(c->raw.ptr[0])) {
        c->raw = kf_slice_part(c->raw, 1, c->raw.len);
        c->at++;
    }
    while (c->raw.len > 0 && is_blank(c->raw.ptr[c->raw.len - 1]))
        c->raw.len--;
}

static kf_err split(reader *r)
{
    size_t pos = 0;
    r->cell_count = 0;
    for (;;) {
        if (r->cell_count == FIELDS_MAX)
            return fail(r, KF_E_MALFORMED, r->line_at + pos, "csv",
                        "The line has too many fields.");
        cell *c = &r->cells[r->cell_count++];
        bool is_quoted = pos < r->text.len && r->text.ptr[pos] == '"';
        kf_err err = is_quoted ? quoted_cell(r, &pos, c) : plain_cell(r, &pos, c);
        if (err != KF_OK)
            return err;
        if (!is_quoted)
            trim(c);
        if (pos >= r->text.len)
            return KF_OK;
        pos++;
    }
}

/* ASCII letters of either case are the same. */
static bool is_word(kf_slice text, const char *word)
{
    if (word == NULL || text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned a = text.ptr[i], b = (unsigned char)word[i];
        a += a >= 'A' && a <= 'Z' ? 'a' - 'A' : 0u;
        b += b >= 'A' && b <= 'Z' ? 'a' - 'A' : 0u;
        if (a != b)
            return false;
    }
    return true;
}

/* ---- the line that names the columns ---- */

static void choose_separator(reader *r)
{
    r->separator = ',';
    for (size_t i = 0; i < r->text.len; i++) {
        uint8_t c = r->text.ptr[i];
        if (c == ',' || c == ';' || c == '\t') {
            r->separator = c;
            return;
        }
    }
}

static kf_err name_column(reader *r, size_t at)
{
    const cell *c = &r->cells[at];
    for (size_t k = 0; k < COLUMN_COUNT; k++) {
        if (!is_word(c->raw, columns[k].name) && !is_word(c->raw, columns[k].alias))
            continue;
        if (r->place[k] != FIELDS_MAX)
            return fail(r, KF_E_MALFORMED, c->at, "csv.header", "A column is there twice.");
        r->place[k] = at;
        return KF_OK;
    }
    return fail(r, KF_E_MALFORMED, c->at, "csv.header",
                "No column has this name; known are name, keyset, sln (or ckr), type, kid, algid, "
                "key, rsi and group.");
}

static kf_err read_header(reader *r)
{
    static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
    if (kf_slice_equal(kf_slice_part(r->octets, 0, sizeof bom), KF_SLICE_OF(bom)))
        r->at = sizeof bom;
    for (size_t k = 0; k < COLUMN_COUNT; k++)
        r->place[k] = FIELDS_MAX;
    if (!next_line(r))
        return fail(r, KF_E_TRUNCATED, r->octets.len, "csv.header", "The file is empty.");
    choose_separator(r);
    kf_err err = split(r);
    for (size_t i = 0; i < r->cell_count && err == KF_OK; i++)
        err = name_column(r, i);
    r->width = r->cell_count;
    for (size_t k = 0; k < COLUMN_COUNT && err == KF_OK; k++)
        if (columns[k].is_required && r->place[k] == FIELDS_MAX)
            err = fail(r, KF_E_MALFORMED, r->line_at, columns[k].field,
                       "A column is missing; needed are keyset, sln (or ckr), kid, algid and key.");
    return err;
}

/* ---- a line with a key ---- */

static const cell *cell_of(const reader *r, column k)
{
    static const cell none = { { NULL, 0 }, 0, false };
    return r->place[k] == FIELDS_MAX ? &none : &r->cells[r->place[k]];
}

static kf_err refuse(reader *r, column k, const char *why)
{
    return fail(r, KF_E_MALFORMED, cell_of(r, k)->at, columns[k].field, why);
}

static kf_err read_number(reader *r, column k, const char *why, uint32_t *out)
{
    uint64_t value = 0;
    *out = 0;
    if (kf_decimal_read(cell_of(r, k)->raw, &value) != KF_OK || value > UINT32_MAX)
        return refuse(r, k, why);
    *out = (uint32_t)value;
    return KF_OK;
}

/* Exactly so many hexadecimal digits, at most four. */
static bool read_hex(kf_slice text, size_t digits, uint32_t *out)
{
    uint8_t octets[KID_DIGITS / 2];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    if (text.len != digits || kf_hex_read(text, &w) != KF_OK)
        return false;
    *out = digits == KID_DIGITS ? (uint32_t)octets[0] << 8 | octets[1] : octets[0];
    return true;
}

static kf_err read_name(reader *r, column k, keyfill_name *out)
{
    uint8_t text[FIELD_OCTETS];
    const cell *c = cell_of(r, k);
    size_t len = 0;
    for (size_t i = 0; i < c->raw.len && len < sizeof text; i++) {
        text[len++] = c->raw.ptr[i];
        if (c->is_quoted && c->raw.ptr[i] == '"') /* split() has seen that it is doubled */
            i++;
    }
    switch (keyfill_name_set(out, (kf_slice){ text, len })) {
    case KF_OK:
        return KF_OK;
    case KF_E_NO_SPACE:
        return refuse(r, k, "The name is too long.");
    default:
        return refuse(r, k, "The name is not plain UTF-8 text.");
    }
}

static kf_err read_keyset(reader *r, keyfill_entry *e)
{
    e->is_active = is_word(cell_of(r, COLUMN_KEYSET)->raw, "active");
    if (e->is_active)
        return KF_OK;
    return read_number(r, COLUMN_KEYSET, "The keyset must be a number or the word active.",
                       &e->keyset);
}

static kf_err read_type(reader *r, keyfill_entry *e)
{
    kf_slice text = cell_of(r, COLUMN_TYPE)->raw;
    if (is_word(text, "tek"))
        e->kind = KEYFILL_KIND_TEK;
    else if (is_word(text, "kek"))
        e->kind = KEYFILL_KIND_KEK;
    else if (text.len == 0 || is_word(text, "auto"))
        e->kind = KEYFILL_KIND_AUTO;
    else
        return refuse(r, COLUMN_TYPE, "The type must be TEK, KEK or auto.");
    return KF_OK;
}

static kf_err read_algid(reader *r, keyfill_entry *e)
{
    kf_slice text = cell_of(r, COLUMN_ALGID)->raw;
    for (unsigned algid = 0; algid < ALGIDS; algid++) {
        if (is_word(text, p25_algid_name(algid))) {
            e->algid = algid;
            return KF_OK;
        }
    }
    if (!read_hex(text, ALGID_DIGITS, &e->algid))
        return refuse(r, COLUMN_ALGID,
                      "The algorithm must be two hexadecimal digits, such as 84, or its name.");
    return KF_OK;
}

static kf_err read_key(reader *r, keyfill_entry *e)
{
    kf_slice text = cell_of(r, COLUMN_KEY)->raw;
    if (text.len == 0)
        return refuse(r, COLUMN_KEY, "The key is missing.");
    if (text.len > 2 * KEYFILL_MATERIAL_MAX)
        return refuse(r, COLUMN_KEY, "The key is too long.");
    if (text.len % 2 != 0)
        return refuse(r, COLUMN_KEY, "The key has an odd number of digits: one is missing.");
    kf_err err = kf_secret_new(text.len / 2, &e->material);
    if (err != KF_OK)
        return fail(r, err, cell_of(r, COLUMN_KEY)->at, "csv.key", "Out of memory.");
    kf_writer w = kf_writer_init(kf_secret_edit(e->material), text.len / 2);
    if (kf_hex_read(text, &w) != KF_OK)
        return refuse(r, COLUMN_KEY, "The key has something else than hexadecimal digits.");
    return KF_OK;
}

static kf_err read_fields(reader *r, keyfill_entry *e)
{
    kf_err err = read_name(r, COLUMN_NAME, &e->name);
    if (err == KF_OK)
        err = read_keyset(r, e);
    if (err == KF_OK)
        err = read_number(r, COLUMN_SLN, "The SLN must be a number.", &e->sln);
    if (err == KF_OK)
        err = read_type(r, e);
    if (err == KF_OK && !read_hex(cell_of(r, COLUMN_KID)->raw, KID_DIGITS, &e->kid))
        err = refuse(r, COLUMN_KID,
                     "The key ID must be four hexadecimal digits, zeros in front included.");
    if (err == KF_OK)
        err = read_algid(r, e);
    e->has_rsi = cell_of(r, COLUMN_RSI)->raw.len > 0;
    if (err == KF_OK && e->has_rsi)
        err = read_number(r, COLUMN_RSI, "The RSI must be a number.", &e->rsi);
    if (err == KF_OK)
        err = read_key(r, e);
    return err;
}

/* Put an entry that is in the file into the group that its line names, if it does. */
static kf_err join_group(reader *r, keyfill_file *file, uint32_t id)
{
    keyfill_name name;
    kf_err err = read_name(r, COLUMN_GROUP, &name);
    if (err != KF_OK || name.len == 0)
        return err;
    keyfill_group *group = keyfill_file_find_group(file, keyfill_name_view(&name));
    if (group == NULL)
        err = keyfill_file_add_group(file, keyfill_file_next_group_id(file), &name, &group);
    if (err == KF_OK)
        err = keyfill_file_add_member(file, group, id);
    if (err != KF_OK)
        return fail(r, err, cell_of(r, COLUMN_GROUP)->at, "csv.group",
                    "There are too many groups.");
    return KF_OK;
}

static kf_err read_line(reader *r, keyfill_file *file)
{
    keyfill_entry e = { .id = keyfill_file_next_entry_id(file) };
    kf_err err = split(r);
    if (err == KF_OK && r->cell_count != r->width)
        err = fail(r, KF_E_MALFORMED, r->line_at, "csv",
                   "The line has another number of fields than the line that names the columns.");
    if (err == KF_OK)
        err = read_fields(r, &e);
    if (err != KF_OK) {
        kf_secret_free(&e.material);
        return err;
    }
    uint32_t id = e.id;
    err = keyfill_file_take_entry(file, &e);
    if (err != KF_OK)
        return fail(r, err, r->line_at, "csv", "There are too many keys.");
    return join_group(r, file, id);
}

static kf_err read_all(reader *r, keyfill_file *file)
{
    if (r->octets.len > KEYFILL_CSV_OCTETS_MAX)
        return fail(r, KF_E_NO_SPACE, r->line_at, "csv", "The file is too large.");
    kf_err err = read_header(r);
    while (err == KF_OK && next_line(r))
        if (r->text.len > 0)
            err = read_line(r, file);
    return err;
}

kf_err keyfill_csv_read(kf_slice octets, keyfill_file *out, keyfill_findings *findings,
                        keyfill_csv_fault *fault)
{
    reader r = { .octets = octets, .fault = fault };
    memset(out, 0, sizeof *out);
    memset(fault, 0, sizeof *fault);
    kf_err err = read_all(&r, out);
    if (err == KF_OK) {
        err = keyfill_findings_add(findings, (keyfill_finding){ KEYFILL_CLEAR_KEYS, KEYFILL_NOWHERE,
                                                                KEYFILL_NOWHERE, 0, NULL });
        if (err != KF_OK)
            err = fail(&r, err, octets.len, "csv", "Out of memory.");
    }
    if (err != KF_OK)
        keyfill_file_clear(out);
    return err;
}

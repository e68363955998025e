#include "keyfile.h"

#include <string.h>

#include "base/reader.h"
#include "base/text.h"
#include "file.h"

#define KEYFILE_OCTETS_MAX 4096u

static const char first_line[] = "keyferry-key 1";

void keyfile_clear(keyfile *f)
{
    kf_secret_free(&f->key);
    memset(f, 0, sizeof *f);
}

const char *keyfile_kind_name(unsigned purpose)
{
    return purpose == MCSEC_GMK   ? "gmk"
           : purpose == MCSEC_PCK ? "pck"
           : purpose == MCSEC_CSK ? "csk"
                                  : NULL;
}

int keyfile_kind_named(kf_slice word)
{
    for (unsigned p = MCSEC_GMK; p <= MCSEC_CSK; p++)
        if (kf_slice_equal(word, kf_slice_str(keyfile_kind_name(p))))
            return (int)p;
    return -1;
}

bool keyfile_id_parse(kf_slice text, uint32_t *id)
{
    uint8_t octets[4];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    if (text.len != 8 || kf_hex_read(text, &w) != KF_OK)
        return false;
    *id = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
          octets[3];
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_key_length(size_t octets)
{
    return octets == 16 || octets == 32;
}

static kf_slice trim(kf_slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = (kf_slice){ s.ptr + 1, s.len - 1 };
    while (s.len > 0 && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL && s.ptr[s.len - 1] != 0)
        s.len--;
    return s;
}

/* The next line without its end; *rest moves past it. */
static kf_slice next_line(kf_slice *rest)
{
    const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
    kf_slice line = { rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr) };
    *rest = kf_slice_part(*rest, line.len + 1, rest->len);
    return trim(line);
}

static bool hex_key(kf_slice text, kf_secret **out)
{
    kf_secret *key = NULL;
    if (text.len % 2 != 0 || !is_key_length(text.len / 2) ||
        kf_secret_new(text.len / 2, &key) != KF_OK)
        return false;
    kf_writer w = kf_writer_init(kf_secret_edit(key), text.len / 2);
    if (kf_hex_read(text, &w) != KF_OK)
        kf_secret_free(&key);
    *out = key;
    return key != NULL;
}

typedef struct reading {
    keyfile *f;
    bool has_kind, has_id, has_rand;
} reading;

/* One `name = value` line. @return NULL, or what is wrong with it. */
static const char *take_field(reading *r, kf_slice name, kf_slice value)
{
    int purpose = -1;
    kf_writer w = kf_writer_init(r->f->rand, sizeof r->f->rand);

    if (kf_slice_equal(name, kf_slice_str("kind")) && !r->has_kind) {
        purpose = keyfile_kind_named(value);
        r->has_kind = true;
        r->f->purpose = purpose < 0 ? MCSEC_GMK : (mcsec_purpose)purpose;
        return purpose < 0 ? "kind" : NULL;
    }
    if (kf_slice_equal(name, kf_slice_str("key_id")) && !r->has_id) {
        r->has_id = true;
        return keyfile_id_parse(value, &r->f->key_id) ? NULL : "key_id";
    }
    if (kf_slice_equal(name, kf_slice_str("rand")) && !r->has_rand) {
        r->has_rand = true;
        bool good = kf_hex_read(value, &w) == KF_OK && w.len >= 16;
        r->f->rand_len = good ? w.len : 0;
        return good ? NULL : "rand";
    }
    if (kf_slice_equal(name, kf_slice_str("key")) && r->f->key == NULL)
        return hex_key(value, &r->f->key) ? NULL : "key";
    return "line";
}

/* The structured form. @return NULL, or the field that is wrong; *at is its offset. */
static const char *parse_fields(kf_slice text, keyfile *f, size_t *at)
{
    reading r = { .f = f };
    kf_slice rest = text;
    (void)next_line(&rest);
    while (rest.len > 0) {
        *at = (size_t)(rest.ptr - text.ptr);
        kf_slice line = next_line(&rest);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        const uint8_t *equals = memchr(line.ptr, '=', line.len);
        size_t name_len = equals == NULL ? line.len : (size_t)(equals - line.ptr);
        const char *wrong = take_field(&r, trim(kf_slice_part(line, 0, name_len)),
                                       trim(kf_slice_part(line, name_len + 1, line.len)));
        if (wrong != NULL)
            return wrong;
    }
    *at = text.len;
    f->complete = true;
    if (!r.has_kind || !r.has_id || f->key == NULL)
        return !r.has_kind ? "kind" : !r.has_id ? "key_id" : "key";
    return mcsec_keyid_tag(f->key_id) == f->purpose ? NULL : "key_id";
}

static const char *parse(kf_slice text, keyfile *f, size_t *at)
{
    size_t len = sizeof first_line - 1;
    *at = 0;
    if (text.len > len && memcmp(text.ptr, first_line, len) == 0 &&
        (text.ptr[len] == '\n' || text.ptr[len] == '\r'))
        return parse_fields(text, f, at);
    if (hex_key(trim(text), &f->key))
        return NULL;
    if (is_key_length(text.len) && kf_secret_new_copy(text, &f->key) == KF_OK)
        return NULL;
    return "key";
}

cli_status keyfile_read(const cli_call *call, const char *field, const char *path, keyfile *out)
{
    kf_secret *text = NULL;
    size_t at = 0;

    memset(out, 0, sizeof *out);
    file_warn_if_open(call, path);
    cli_status status = file_read(call, field, path, KEYFILE_OCTETS_MAX, &text);
    if (status != CLI_DONE)
        return status;
    const char *wrong = parse(kf_secret_view(text), out, &at);
    kf_secret_free(&text);
    if (wrong == NULL)
        return CLI_DONE;
    keyfile_clear(out);
    out_error e = out_error_of(KF_E_MALFORMED);
    e.field = wrong;
    e.at = at;
    e.has_at = true;
    out_what(&e, "%s is not a key file", path);
    out_why(&e, "it is neither the form that --out writes nor 16 or 32 octets, raw or in hex; or "
                "this field of it is missing, doubled or wrong");
    out_do(&e, "give a file that `keyferry mikey seal --out` wrote");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* --- writing ---------------------------------------------------------------------------------- */

cli_status keyfile_write(const cli_call *call, const char *field, const char *path,
                         const keyfile *f)
{
    kf_secret *text = NULL;
    char head[96];
    if (kf_secret_new(KEYFILE_OCTETS_MAX, &text) != KF_OK)
        return cli_give_up(call, field, KF_E_NO_MEMORY);
    kf_writer w = kf_writer_init(kf_secret_edit(text), KEYFILE_OCTETS_MAX);
    snprintf(head, sizeof head, "%s\nkind = %s\nkey_id = %08x\n", first_line,
             keyfile_kind_name(f->purpose), (unsigned)f->key_id);
    kf_write_slice(&w, kf_slice_str(head));
    if (f->rand_len > 0) {
        kf_write_slice(&w, kf_slice_str("rand = "));
        kf_hex_write(&w, (kf_slice){ f->rand, f->rand_len });
        kf_write_u8(&w, '\n');
    }
    kf_write_slice(&w, kf_slice_str("key = "));
    kf_hex_write(&w, kf_secret_view(f->key));
    kf_write_u8(&w, '\n');
    cli_status status = w.err == KF_OK
                            ? file_write(call, field, path, kf_writer_slice(&w), FILE_KEEP)
                            : cli_give_up(call, field, w.err);
    kf_secret_free(&text);
    return status;
}

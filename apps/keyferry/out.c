#include "out.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "explain/escape.h"

out_error out_error_of(kf_err code)
{
    out_error e = { .code = kf_err_name(code) };
    return e;
}

out_error out_error_fault(const kf_fault *fault)
{
    out_error e = out_error_of(fault->code);
    e.field = fault->field;
    e.at = fault->at;
    e.has_at = fault->field != NULL;
    out_why(&e, "%s", kf_err_text(fault->code));
    return e;
}

const char *out_escape(kf_slice text, char *buf, size_t size)
{
    kf_writer w = kf_writer_init((uint8_t *)buf, size - 1);
    explain_escape(text, size - 1, &w);
    buf[w.len] = '\0';
    return buf;
}

static void format(char *to, size_t size, const char *fmt, va_list args)
{
    char raw[OUT_TEXT_MAX];
    vsnprintf(raw, sizeof raw, fmt, args);
    out_escape(kf_slice_str(raw), to, size);
}

void out_what(out_error *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    format(e->what, sizeof e->what, fmt, args);
    va_end(args);
}

void out_why(out_error *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    format(e->why, sizeof e->why, fmt, args);
    va_end(args);
}

void out_do(out_error *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    format(e->remedy, sizeof e->remedy, fmt, args);
    va_end(args);
}

json_t *out_error_json(const out_error *e)
{
    json_t *field = e->field == NULL ? json_null() : json_string(e->field);
    json_t *at = e->has_at ? json_integer((json_int_t)e->at) : json_null();
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s}", "code", e->code, "field", field, "at", at,
                     "what", e->what, "why", e->why, "do", e->remedy);
}

void out_report(const out_sink *o, const out_error *e)
{
    if (o->json) {
        out_json(o, json_pack("{s:o}", "error", out_error_json(e)));
        return;
    }
    fprintf(o->talk, "keyferry: %s: %s\n", strcmp(e->code, "usage") == 0 ? "usage" : "refused",
            e->what);
    if (e->field != NULL)
        fprintf(o->talk, "  field: %s", e->field);
    if (e->has_at)
        fprintf(o->talk, "%s octet %zu", e->field == NULL ? "  at:" : ",", e->at);
    if (e->field != NULL || e->has_at)
        fprintf(o->talk, " (%s)\n", e->code);
    if (e->why[0] != '\0')
        fprintf(o->talk, "  why: %s\n", e->why);
    if (e->remedy[0] != '\0')
        fprintf(o->talk, "  do:  %s\n", e->remedy);
}

void out_say(const out_sink *o, const char *fmt, ...)
{
    char text[OUT_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    format(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(o->talk, "keyferry: %s\n", text);
}

bool out_json(const out_sink *o, json_t *document)
{
    bool ok = document != NULL && json_dumpf(document, o->data, JSON_INDENT(2)) == 0 &&
              fputc('\n', o->data) != EOF;
    if (document == NULL)
        fprintf(o->talk, "keyferry: refused: out of memory\n");
    json_decref(document);
    return ok;
}

void out_line(const out_sink *o, const char *name, const char *fmt, ...)
{
    char text[2 * OUT_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char safe[4 * sizeof text];
    fprintf(o->data, "%-14s %s\n", name, out_escape(kf_slice_str(text), safe, sizeof safe));
}

void out_hex_line(const out_sink *o, const char *name, kf_slice octets)
{
    char buf[1024];
    kf_writer w = kf_writer_init((uint8_t *)buf, sizeof buf);
    kf_hex_write(&w, octets);
    fprintf(o->data, "%-14s %.*s\n", name, (int)w.len, buf);
    kf_wipe(buf, sizeof buf);
}

json_t *out_json_text(kf_slice text)
{
    static const size_t most = 4096;
    char buf[4096 + 1];
    kf_writer w = kf_writer_init((uint8_t *)buf, most);
    explain_escape(text, most, &w);
    buf[w.len] = '\0';
    return json_string(buf);
}

json_t *out_json_hex(kf_slice octets)
{
    char buf[1024 + 1];
    kf_writer w = kf_writer_init((uint8_t *)buf, sizeof buf - 1);
    kf_hex_write(&w, octets);
    json_t *json = w.err == KF_OK ? json_stringn(buf, w.len) : NULL;
    kf_wipe(buf, sizeof buf);
    return json;
}

json_t *out_json_time(int64_t t)
{
    char text[KF_TIME_TEXT_OCTETS];
    kf_time_format(t, text);
    return json_string(text);
}

bool out_finish(const out_sink *o)
{
    return fflush(o->data) == 0 && ferror(o->data) == 0;
}

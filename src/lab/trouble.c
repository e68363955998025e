#include "lab/trouble.h"

#include <stdarg.h>
#include <stdio.h>

kf_err lab_trouble_set(lab_trouble *t, kf_err code, const char *field, const char *what,
                       const char *why, const char *remedy)
{
    *t = (lab_trouble){ .code = kf_err_name(code) };
    (void)snprintf(t->field, sizeof t->field, "%s", field);
    (void)snprintf(t->what, sizeof t->what, "%s", what);
    (void)snprintf(t->why, sizeof t->why, "%s", why);
    (void)snprintf(t->remedy, sizeof t->remedy, "%s", remedy);
    return code;
}

void lab_trouble_why(lab_trouble *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(t->why, sizeof t->why, fmt, args);
    va_end(args);
}

void lab_trouble_do(lab_trouble *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(t->remedy, sizeof t->remedy, fmt, args);
    va_end(args);
}

json_t *lab_trouble_json(const lab_trouble *t)
{
    json_t *field = t->field[0] == '\0' ? json_null() : json_string(t->field);
    json_t *at = t->has_at ? json_integer((json_int_t)t->at) : json_null();
    return json_pack("{s:b, s:s, s:o, s:o, s:s, s:s, s:s}", "ok", 0, "code", t->code, "field",
                     field, "at", at, "what", t->what, "why", t->why, "do", t->remedy);
}

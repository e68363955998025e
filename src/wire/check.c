#include <string.h>

#include "wire/record.h"

static const wire_field *field_named(const wire_field *fields, kf_slice name)
{
    for (const wire_field *f = fields; f->name != NULL; f++)
        if (kf_slice_equal(kf_slice_str(f->name), name))
            return f;
    return NULL;
}

static bool is_one_of(kf_slice text, const char *words)
{
    if (text.len == 0 || memchr(text.ptr, '|', text.len) != NULL)
        return false;
    for (const char *at = words; at != NULL;) {
        const char *bar = strchr(at, '|');
        size_t len = bar == NULL ? strlen(at) : (size_t)(bar - at);
        if (kf_slice_equal((kf_slice){ (const uint8_t *)at, len }, text))
            return true;
        at = bar == NULL ? NULL : bar + 1;
    }
    return false;
}

static bool is_within(const wire_field *f, int64_t n)
{
    return (f->min == 0 && f->max == 0) || (n >= f->min && n <= f->max);
}

static bool elements_are(const wire_value *list, wire_type type)
{
    for (const wire_value *v = list->first; v != NULL; v = v->next)
        if (v->type != type)
            return false;
    return true;
}

static bool value_fits(const wire_field *f, const wire_value *v)
{
    if (v->type != f->type)
        return false;
    switch (f->type) {
    case WIRE_BOOL:
    case WIRE_MAP:
        return true;
    case WIRE_INT:
        return is_within(f, v->number);
    case WIRE_TEXT:
        return is_within(f, (int64_t)v->octets.len) &&
               (f->words == NULL || is_one_of(v->octets, f->words));
    case WIRE_OCTETS:
        return is_within(f, (int64_t)v->octets.len);
    case WIRE_LIST:
        return is_within(f, v->count) && (f->of == 0 || elements_are(v, f->of));
    }
    return false;
}

static kf_err blame(kf_err err, kf_slice name, char *field)
{
    size_t len = name.len < WIRE_NAME_MAX ? name.len : WIRE_NAME_MAX;
    if (len > 0)
        memcpy(field, name.ptr, len);
    field[len] = '\0';
    return err;
}

kf_err wire_check(const wire_value *map, const wire_field *fields, char *field)
{
    field[0] = '\0';
    if (map == NULL || map->type != WIRE_MAP)
        return KF_E_MALFORMED;
    for (const wire_value *v = map->first; v != NULL; v = v->next) {
        const wire_field *f = field_named(fields, v->name);
        if (f == NULL)
            return blame(KF_E_TRAILING, v->name, field);
        if (!value_fits(f, v))
            return blame(KF_E_MALFORMED, v->name, field);
    }
    for (const wire_field *f = fields; f->name != NULL; f++)
        if (f->is_required && wire_get(map, f->name) == NULL)
            return blame(KF_E_TRUNCATED, kf_slice_str(f->name), field);
    return KF_OK;
}

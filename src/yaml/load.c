#include "yaml/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((size_t)64 << 20)

/** What is at hand while a text is read. */
typedef struct reading {
    kf_slice yaml;
    kf_yaml_fault *fault;
    size_t memory; /**< octets libcyaml holds */
    bool is_short; /**< memory was refused */
    char said[96]; /**< the name in libcyaml's message, if any */
    char path[96]; /**< of its backtrace */
    unsigned levels;
} reading;

kf_err kf_yaml_refuse(kf_slice yaml, kf_yaml_fault *fault, const char *field, const char *why)
{
    return kf_yaml_say(fault, kf_yaml_line_of(yaml, field), field, why);
}

/** What stands before each block that libcyaml gets. */
typedef union block {
    size_t size;
    max_align_t align;
} block;

static size_t size_of(const block *b)
{
    return b == NULL ? 0 : b->size;
}

/** libcyaml grows a list by one entry at a time: we grow it by halves, up to a bound in all. */
static void *lend(void *ctx, void *ptr, size_t size)
{
    reading *r = ctx;
    block *old = ptr == NULL ? NULL : (block *)ptr - 1;
    const size_t had = size_of(old);
    if (size == 0) {
        r->memory -= had;
        free(old);
        return NULL;
    }
    if (size <= had)
        return ptr;
    const size_t want = old == NULL ? size : size + size / 2;
    block *b = want - had > MEMORY_MAX - r->memory ? NULL : realloc(old, sizeof *b + want);
    if (b == NULL) {
        r->is_short = true;
        return NULL;
    }
    r->memory += want - had;
    b->size = want;
    return b + 1;
}

/** The word between two marks of a message, cut to size. */
static bool word_after(const char *line, const char *before, const char *end, char *out,
                       size_t size)
{
    const size_t skip = strlen(before);
    if (strncmp(line, before, skip) != 0)
        return false;
    (void)snprintf(out, size, "%.*s", (int)strcspn(line + skip, end), line + skip);
    return true;
}

/** Put a step in front of the path: the backtrace comes innermost first. */
static void prepend(reading *r, const char *step)
{
    char rest[sizeof r->path];
    memcpy(rest, r->path, sizeof rest);
    const char *dot = rest[0] == '\0' || rest[0] == '[' ? "" : ".";
    (void)snprintf(r->path, sizeof r->path, "%.40s%s%.50s", step, dot, rest);
}

/**
 * Listen to libcyaml: which name it does not like and where it was. A missing or unknown key is not
 * in the backtrace, whose first step then is the last key of the same mapping that it knew.
 */
static void __attribute__((format(printf, 3, 0)))
hear(cyaml_log_t level, void *ctx, const char *format, va_list arguments)
{
    reading *r = ctx;
    char line[256], step[48], entry[48];
    (void)level;
    (void)vsnprintf(line, sizeof line, format, arguments);
    if (word_after(line, "Load: Missing required mapping field: ", "\n", r->said, sizeof r->said) ||
        word_after(line, "Load: Unexpected key: ", "\n", r->said, sizeof r->said))
        return;
    if (strncmp(line, "  in ", 5) != 0 || (r->levels++ == 0 && r->said[0] != '\0'))
        return;
    if (word_after(line, "  in mapping field '", "'", step, sizeof step))
        prepend(r, step);
    if (word_after(line, "  in sequence entry '", "'", step, sizeof step)) { /* from 1 */
        (void)snprintf(entry, sizeof entry, "[%lu]", strtoul(step, NULL, 10) - 1);
        prepend(r, entry);
    }
}

static const char *why_of(cyaml_err_t err)
{
    switch ((int)err) {
    case CYAML_ERR_INVALID_KEY:
        return "there is no such key";
    case CYAML_ERR_MAPPING_FIELD_MISSING:
        return "this key is missing";
    case CYAML_ERR_STRING_LENGTH_MIN:
        return "this must not be empty";
    case CYAML_ERR_STRING_LENGTH_MAX:
        return "this is too long";
    case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
        return "there are too many entries in this list";
    default:
        return "this is not what this key takes";
    }
}

/** The text is good YAML, or libcyaml had not been asked: libyaml can lack nothing but memory. */
static bool is_shortage(cyaml_err_t err)
{
    return err == CYAML_ERR_OOM || err == CYAML_ERR_LIBYAML_PARSER ||
           err == CYAML_ERR_LIBYAML_PARSER_INIT || err == CYAML_ERR_LIBYAML_EVENT_INIT;
}

static kf_err complain(reading *r, cyaml_err_t err)
{
    char field[sizeof r->fault->field];
    if (r->is_short || is_shortage(err))
        return KF_E_NO_MEMORY;
    char *entry = strrchr(r->path, '[');
    if (err == CYAML_ERR_SEQUENCE_ENTRIES_MAX && entry != NULL) /* it is the list that is wrong */
        *entry = '\0';
    if (r->said[0] == '\0')
        return kf_yaml_refuse(r->yaml, r->fault, r->path, why_of(err));
    (void)snprintf(field, sizeof field, "%.60s%s%.32s", r->path, r->path[0] == '\0' ? "" : ".",
                   r->said);
    const char *place = err == CYAML_ERR_MAPPING_FIELD_MISSING ? r->path : field;
    return kf_yaml_say(r->fault, kf_yaml_line_of(r->yaml, place), field, why_of(err));
}

static cyaml_config_t library_of(reading *r)
{
    return (cyaml_config_t){ .log_fn = hear,
                             .log_ctx = r,
                             .mem_fn = lend,
                             .mem_ctx = r,
                             .log_level = CYAML_LOG_ERROR,
                             .flags = CYAML_CFG_NO_ALIAS };
}

kf_err kf_yaml_load(kf_slice yaml, const kf_yaml_number *numbers,
                    const cyaml_schema_value_t *schema, void **out, kf_yaml_fault *fault)
{
    reading r = { .yaml = yaml, .fault = fault };
    const cyaml_config_t library = library_of(&r);
    cyaml_data_t *loaded = NULL;
    *out = NULL;
    kf_err err = kf_yaml_check(yaml, numbers, fault);
    if (err != KF_OK)
        return err;
    const cyaml_err_t said = cyaml_load_data(yaml.ptr, yaml.len, &library, schema, &loaded, NULL);
    if (said != CYAML_OK || loaded == NULL)
        return complain(&r, said);
    *out = loaded;
    return KF_OK;
}

void kf_yaml_unload(const cyaml_schema_value_t *schema, void **loaded)
{
    reading r = { .memory = MEMORY_MAX };
    const cyaml_config_t library = library_of(&r);
    if (*loaded != NULL)
        (void)cyaml_free(&library, schema, *loaded, 0);
    *loaded = NULL;
}

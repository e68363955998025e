#include "lab/config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "p25/dli.h"
#include "yaml/load.h"

#define RSI_INDIVIDUAL_MAX 9999999u
#define RSI_ADDRESS_MAX    0xfffffeu /* FFFFFF is everybody */
#define SLN_TRAFFIC_MAX    0xefffu   /* from F000: crypto group 15, key encryption keys */
#define ADDRESS_MAX        32u

/* ---- what libcyaml fills in; the same struct for both kinds of file ---- */

typedef struct raw_group {
    uint32_t sln;
    char name[LAB_NAME_MAX];
} raw_group;

typedef struct raw_unit {
    uint32_t rsi;
    int level;
    uint32_t *groups;
    unsigned groups_count;
    char address[ADDRESS_MAX];
} raw_unit;

typedef struct raw_config {
    uint32_t rsi, kmf_rsi, retry_seconds, tries, mnp, warm_seconds;
    int mac, level;
    int first_scheme; /**< one more than p25_mac_scheme; 0: not given */
    char listen[ADDRESS_MAX], kmf[ADDRESS_MAX], voice[ADDRESS_MAX];
    char control[LAB_PATH_MAX], state[LAB_PATH_MAX], passphrase_file[LAB_PATH_MAX];
    char key_file[LAB_PATH_MAX], key_passphrase_file[LAB_PATH_MAX], capture[LAB_PATH_MAX];
    raw_group *groups;
    unsigned groups_count;
    raw_unit *units;
    unsigned units_count;
    uint32_t *group_rsis;
    unsigned group_rsis_count;
} raw_config;

static const cyaml_strval_t levels[] = { { "basic", P25_LEVEL_BASIC },
                                         { "enhanced", P25_LEVEL_ENHANCED } };
static const cyaml_strval_t macs[] = { { "auto", P25_MAC_AUTO },
                                       { "cbc", P25_MAC_ONLY_CBC },
                                       { "cmac-c", P25_MAC_ONLY_CMAC_C },
                                       { "cmac-d", P25_MAC_ONLY_CMAC_D } };
static const cyaml_strval_t schemes[] = { { "cbc", P25_MAC_CBC + 1 },
                                          { "cmac-c", P25_MAC_CMAC_C + 1 },
                                          { "cmac-d", P25_MAC_CMAC_D + 1 } };

#define MUST  CYAML_FLAG_DEFAULT
#define MAY   CYAML_FLAG_OPTIONAL
#define WORDS (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define LIST  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

static const cyaml_schema_value_t number_schema = { CYAML_VALUE_UINT(MUST, uint32_t) };

static const cyaml_schema_field_t group_fields[] = {
    CYAML_FIELD_UINT("sln", MUST, raw_group, sln),
    CYAML_FIELD_STRING("name", MAY, raw_group, name, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t group_schema = { CYAML_VALUE_MAPPING(MUST, raw_group,
                                                                       group_fields) };

static const cyaml_schema_field_t unit_fields[] = {
    CYAML_FIELD_UINT("rsi", MUST, raw_unit, rsi),
    CYAML_FIELD_ENUM("level", WORDS, raw_unit, level, levels, CYAML_ARRAY_LEN(levels)),
    CYAML_FIELD_SEQUENCE("groups", LIST, raw_unit, groups, &number_schema, 0, OTAR_GROUPS_MAX),
    CYAML_FIELD_STRING("address", MAY, raw_unit, address, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t unit_schema = { CYAML_VALUE_MAPPING(MUST, raw_unit,
                                                                      unit_fields) };

/* clang-format off */
#define NODE_FIELDS                                                                                \
    CYAML_FIELD_UINT("rsi", MUST, raw_config, rsi),                                                \
    CYAML_FIELD_STRING("listen", MUST, raw_config, listen, 1),                                     \
    CYAML_FIELD_STRING("control", MUST, raw_config, control, 1),                                   \
    CYAML_FIELD_STRING("state", MUST, raw_config, state, 1),                                       \
    CYAML_FIELD_STRING("passphrase_file", MUST, raw_config, passphrase_file, 1),                   \
    CYAML_FIELD_STRING("key_file", MAY, raw_config, key_file, 1),                                  \
    CYAML_FIELD_STRING("key_passphrase_file", MAY, raw_config, key_passphrase_file, 1),            \
    CYAML_FIELD_STRING("capture", MAY, raw_config, capture, 1),                                    \
    CYAML_FIELD_ENUM("mac", WORDS, raw_config, mac, macs, CYAML_ARRAY_LEN(macs)),                  \
    CYAML_FIELD_ENUM("first_scheme", WORDS, raw_config, first_scheme, schemes,                     \
                     CYAML_ARRAY_LEN(schemes))
/* clang-format on */

static const cyaml_schema_field_t kmf_fields[] = {
    NODE_FIELDS,
    CYAML_FIELD_UINT("retry_seconds", MAY, raw_config, retry_seconds),
    CYAML_FIELD_UINT("tries", MAY, raw_config, tries),
    CYAML_FIELD_SEQUENCE("groups", LIST, raw_config, groups, &group_schema, 0, OTAR_GROUPS_MAX),
    CYAML_FIELD_SEQUENCE("units", LIST, raw_config, units, &unit_schema, 0, LAB_UNITS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t kmf_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_config,
                                                                     kmf_fields) };

static const cyaml_schema_field_t subscriber_fields[] = {
    NODE_FIELDS,
    CYAML_FIELD_UINT("kmf_rsi", MUST, raw_config, kmf_rsi),
    CYAML_FIELD_STRING("kmf", MUST, raw_config, kmf, 1),
    CYAML_FIELD_ENUM("level", WORDS, raw_config, level, levels, CYAML_ARRAY_LEN(levels)),
    CYAML_FIELD_UINT("mnp", MAY, raw_config, mnp),
    CYAML_FIELD_UINT("warm_seconds", MAY, raw_config, warm_seconds),
    CYAML_FIELD_SEQUENCE("group_rsis", LIST, raw_config, group_rsis, &number_schema, 0,
                         OTAR_UNIT_GROUPS_MAX),
    CYAML_FIELD_STRING("voice", MAY, raw_config, voice, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t subscriber_schema = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_POINTER, raw_config, subscriber_fields) };

/** Ranges hold wherever the key stands; a unit's RSI is narrower and is judged with the units. */
static const kf_yaml_number numbers[] = {
    { "rsi", 1, RSI_ADDRESS_MAX },
    { "kmf_rsi", 1, RSI_ADDRESS_MAX },
    { "group_rsis", 1, RSI_ADDRESS_MAX },
    { "sln", 0, SLN_TRAFFIC_MAX },
    { "groups", 0, SLN_TRAFFIC_MAX },
    { "retry_seconds", 1, 3600 },
    { "tries", 1, 100 },
    { "mnp", 1, 65535 },
    { "warm_seconds", 1, 86400 },
    { NULL, 0, 0 },
};

/* ---- one read ---- */

/** What is at hand while a text is read. */
typedef struct reading {
    kf_slice yaml;
    const char *directory;
    lab_config_fault *fault;
} reading;

static kf_err refuse(const reading *r, const char *field, const char *why)
{
    return kf_yaml_refuse(r->yaml, r->fault, field, why);
}

/** "units[3].rsi" @return buf */
static const char *item(char buf[96], const char *list, size_t i, const char *key)
{
    (void)snprintf(buf, 96, "%s[%zu]%s%s", list, i, key[0] == '\0' ? "" : ".", key);
    return buf;
}

static kf_err load(const reading *r, const cyaml_schema_value_t *schema, raw_config **out)
{
    void *loaded = NULL;
    const kf_err err = kf_yaml_load(r->yaml, numbers, schema, &loaded, r->fault);
    *out = loaded;
    return err;
}

static void unload(const cyaml_schema_value_t *schema, raw_config *raw)
{
    void *loaded = raw;
    kf_yaml_unload(schema, &loaded);
}

/* ---- addresses ---- */

bool lab_address_parse(kf_slice text, uint16_t fallback, struct sockaddr_in *out)
{
    char host[INET_ADDRSTRLEN];
    uint64_t port = fallback;

    memset(out, 0, sizeof *out);
    const uint8_t *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
    const size_t len = colon == NULL ? text.len : (size_t)(colon - text.ptr);
    if (len == 0 || len >= sizeof host)
        return false;
    memcpy(host, text.ptr, len);
    host[len] = '\0';
    if (colon != NULL && (kf_decimal_read(kf_slice_part(text, len + 1, text.len), &port) != KF_OK ||
                          text.ptr[len + 1] == '0'))
        return false;
    struct sockaddr_in address = { .sin_family = AF_INET };
    if (strlen(host) != len || port < 1 || port > 65535 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return false;
    address.sin_port = htons((uint16_t)port);
    *out = address;
    return true;
}

const char *lab_address_text(const struct sockaddr_in *address, char buf[LAB_ADDRESS_TEXT])
{
    const uint32_t a = ntohl(address->sin_addr.s_addr);
    (void)snprintf(buf, LAB_ADDRESS_TEXT, "%u.%u.%u.%u:%u", a >> 24, a >> 16 & 0xffu,
                   a >> 8 & 0xffu, a & 0xffu, (unsigned)ntohs(address->sin_port));
    return buf;
}

/** An address, or nothing when the text is empty. */
static kf_err take_address(const reading *r, const char *field, const char *text, uint16_t fallback,
                           struct sockaddr_in *out)
{
    memset(out, 0, sizeof *out);
    if (text[0] == '\0' || lab_address_parse(kf_slice_str(text), fallback, out))
        return KF_OK;
    return refuse(r, field,
                  fallback == 0 ? "this must be an IPv4 address and a port, as 127.0.0.2:50000"
                                : "this must be an IPv4 address and a port, as 127.0.0.1:64414; "
                                  "the port may be left out");
}

/** The same for somebody else's, to whom we send. */
static kf_err take_peer(const reading *r, const char *field, const char *text, uint16_t fallback,
                        struct sockaddr_in *out)
{
    const kf_err err = take_address(r, field, text, fallback, out);
    const uint32_t a = ntohl(out->sin_addr.s_addr);
    if (err == KF_OK && out->sin_port != 0 && (a >> 24 == 0 || a >> 28 >= 0xe))
        return refuse(r, field, "nobody can be reached at this address");
    return err;
}

/* ---- what both files have ---- */

static kf_err take_path(const reading *r, const char *field, const char *name, char *out,
                        size_t size)
{
    const size_t dir = name[0] == '\0' || name[0] == '/' ? 0 : strlen(r->directory);
    const char *slash = dir == 0 || r->directory[dir - 1] == '/' ? "" : "/";
    if (dir + strlen(slash) + strlen(name) >= size)
        return refuse(r, field,
                      "this path is too long, with the directory of the configuration before it");
    (void)snprintf(out, size, "%.*s%s%s", (int)dir, r->directory, slash, name);
    return KF_OK;
}

/** No two of the paths that are written, or hold keys, may be one: a capture would replace them. */
static kf_err check_paths(const reading *r, const lab_node_config *node)
{
    const struct {
        const char *key, *path;
    } paths[] = { { "control", node->control },
                  { "state", node->state },
                  { "passphrase_file", node->passphrase_file },
                  { "key_file", node->key_file },
                  { "key_passphrase_file", node->key_passphrase_file },
                  { "capture", node->capture } };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t j = 0; j < i; j++) {
            const bool both_passphrases = j == 2 && i == 4;
            if (paths[i].path[0] != '\0' && !both_passphrases &&
                strcmp(paths[i].path, paths[j].path) == 0)
                return refuse(r, paths[i].key, "this is the same file as one of another key");
        }
    if ((node->key_file[0] == '\0') != (node->key_passphrase_file[0] == '\0'))
        return refuse(r, node->key_file[0] == '\0' ? "key_passphrase_file" : "key_file",
                      "key_file and key_passphrase_file are given together or not at all");
    return KF_OK;
}

static kf_err take_node(const reading *r, const raw_config *raw, lab_node_config *out)
{
    const struct {
        const char *key, *name;
        char *path;
        size_t size;
    } paths[] = { { "control", raw->control, out->control, sizeof out->control },
                  { "state", raw->state, out->state, LAB_PATH_MAX },
                  { "passphrase_file", raw->passphrase_file, out->passphrase_file, LAB_PATH_MAX },
                  { "key_file", raw->key_file, out->key_file, LAB_PATH_MAX },
                  { "key_passphrase_file", raw->key_passphrase_file, out->key_passphrase_file,
                    LAB_PATH_MAX },
                  { "capture", raw->capture, out->capture, LAB_PATH_MAX } };
    kf_err err = take_address(r, "listen", raw->listen, P25_DLI_PORT, &out->listen);
    for (size_t i = 0; err == KF_OK && i < sizeof paths / sizeof *paths; i++)
        err = take_path(r, paths[i].key, paths[i].name, paths[i].path, paths[i].size);
    return err == KF_OK ? check_paths(r, out) : err;
}

/** A fixed MAC is also what is begun with. */
static kf_err take_mac(const reading *r, const raw_config *raw, p25_mac_setting *setting,
                       p25_mac_scheme *first)
{
    static const p25_mac_scheme only[] = { [P25_MAC_AUTO] = P25_MAC_CMAC_D,
                                           [P25_MAC_ONLY_CBC] = P25_MAC_CBC,
                                           [P25_MAC_ONLY_CMAC_C] = P25_MAC_CMAC_C,
                                           [P25_MAC_ONLY_CMAC_D] = P25_MAC_CMAC_D };
    *setting = (p25_mac_setting)raw->mac;
    *first = raw->first_scheme == 0 ? only[*setting] : (p25_mac_scheme)(raw->first_scheme - 1);
    if (*setting != P25_MAC_AUTO && *first != only[*setting])
        return refuse(r, "first_scheme", "this is another scheme than the one that mac fixes");
    return KF_OK;
}

/* ---- the KMF's ---- */

static kf_err take_groups(const reading *r, const raw_config *raw, lab_kmf_config *out)
{
    char field[96];
    out->group_count = raw->groups_count;
    for (size_t i = 0; i < raw->groups_count; i++) {
        out->groups[i].sln = (uint16_t)raw->groups[i].sln;
        memcpy(out->groups[i].name, raw->groups[i].name, LAB_NAME_MAX);
        for (size_t j = 0; j < i; j++)
            if (out->groups[j].sln == out->groups[i].sln)
                return refuse(r, item(field, "groups", i, "sln"),
                              "there is another group with this SLN");
    }
    return KF_OK;
}

static kf_err take_members(const reading *r, const lab_kmf_config *config, const raw_unit *raw,
                           size_t at, uint64_t *out)
{
    char list[48], field[96];
    (void)snprintf(list, sizeof list, "units[%zu].groups", at);
    for (size_t i = 0; i < raw->groups_count; i++) {
        size_t g = 0;
        while (g < config->group_count && config->groups[g].sln != raw->groups[i])
            g++;
        if (g == config->group_count)
            return refuse(r, item(field, list, i, ""), "there is no group with this SLN");
        if ((*out >> g & 1u) != 0)
            return refuse(r, item(field, list, i, ""), "this group is given twice");
        *out |= UINT64_C(1) << g;
    }
    return KF_OK;
}

static kf_err take_unit(const reading *r, const lab_kmf_config *config, const raw_unit *raw,
                        size_t at, lab_member_config *out)
{
    char field[96];
    out->rsi = raw->rsi;
    out->level = (p25_level)raw->level;
    if (raw->rsi > RSI_INDIVIDUAL_MAX)
        return refuse(r, item(field, "units", at, "rsi"), "a unit's RSI is from 1 to 9999999");
    if (raw->rsi == config->kmf.rsi)
        return refuse(r, item(field, "units", at, "rsi"), "this is the RSI of the KMF");
    const kf_err err = take_members(r, config, raw, at, &out->groups);
    if (err != KF_OK)
        return err;
    return take_peer(r, item(field, "units", at, "address"), raw->address, P25_DLI_PORT,
                     &out->address);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/** The first unit, in the order of the file, whose RSI was given before. */
static kf_err check_twins(const reading *r, const lab_kmf_config *config)
{
    char field[96];
    uint64_t *order = calloc(config->unit_count + 1, sizeof *order);
    if (order == NULL)
        return KF_E_NO_MEMORY;
    for (size_t i = 0; i < config->unit_count; i++)
        order[i] = (uint64_t)config->units[i].rsi << 32 | i;
    qsort(order, config->unit_count, sizeof *order, compare_numbers);
    uint64_t first = config->unit_count;
    for (size_t i = 1; i < config->unit_count; i++)
        if (order[i] >> 32 == order[i - 1] >> 32 && (uint32_t)order[i] < first)
            first = (uint32_t)order[i];
    free(order);
    if (first == config->unit_count)
        return KF_OK;
    return refuse(r, item(field, "units", first, "rsi"), "there is another unit with this RSI");
}

static kf_err take_units(const reading *r, const raw_config *raw, lab_kmf_config *out)
{
    if (raw->units_count == 0)
        return KF_OK;
    if ((out->units = calloc(raw->units_count, sizeof *out->units)) == NULL)
        return KF_E_NO_MEMORY;
    out->unit_count = raw->units_count;
    for (size_t i = 0; i < raw->units_count; i++) {
        const kf_err err = take_unit(r, out, &raw->units[i], i, &out->units[i]);
        if (err != KF_OK)
            return err;
    }
    return check_twins(r, out);
}

static kf_err take_kmf(const reading *r, const raw_config *raw, lab_kmf_config *out)
{
    kf_err err = take_node(r, raw, &out->node);
    out->kmf.rsi = raw->rsi;
    out->kmf.retry_seconds = raw->retry_seconds;
    out->kmf.tries = raw->tries;
    if (err == KF_OK)
        err = take_mac(r, raw, &out->kmf.mac, &out->kmf.first_scheme);
    if (err == KF_OK)
        err = take_groups(r, raw, out);
    return err == KF_OK ? take_units(r, raw, out) : err;
}

static reading begin(kf_slice yaml, const char *directory, lab_config_fault *fault)
{
    memset(fault, 0, sizeof *fault);
    return (reading){ .yaml = yaml, .directory = directory, .fault = fault };
}

/** Every failure has words. */
static kf_err finish(const reading *r, kf_err err)
{
    if (err == KF_E_NO_MEMORY)
        (void)kf_yaml_say(r->fault, 0, "", "there is not enough memory");
    return err;
}

kf_err lab_kmf_config_read(kf_slice yaml, const char *directory, lab_kmf_config *out,
                           lab_config_fault *fault)
{
    reading r = begin(yaml, directory, fault);
    raw_config *raw = NULL;

    memset(out, 0, sizeof *out);
    kf_err err = load(&r, &kmf_schema, &raw);
    if (err == KF_OK)
        err = take_kmf(&r, raw, out);
    unload(&kmf_schema, raw);
    if (err != KF_OK)
        lab_kmf_config_clear(out);
    return finish(&r, err);
}

void lab_kmf_config_clear(lab_kmf_config *config)
{
    free(config->units);
    memset(config, 0, sizeof *config);
}

/* ---- the subscriber's ---- */

static kf_err take_group_rsis(const reading *r, const raw_config *raw, lab_unit_config *out)
{
    char field[96];
    out->group_rsi_count = raw->group_rsis_count;
    for (size_t i = 0; i < raw->group_rsis_count; i++) {
        bool is_known = raw->group_rsis[i] == raw->rsi || raw->group_rsis[i] == raw->kmf_rsi;
        for (size_t j = 0; j < i; j++)
            is_known |= raw->group_rsis[j] == raw->group_rsis[i];
        if (is_known)
            return refuse(r, item(field, "group_rsis", i, ""), "this RSI is in use already");
        out->group_rsis[i] = raw->group_rsis[i];
    }
    return KF_OK;
}

static kf_err take_subscriber(const reading *r, const raw_config *raw, lab_unit_config *out)
{
    out->unit.rsi = raw->rsi;
    out->unit.kmf_rsi = raw->kmf_rsi;
    out->unit.mnp = (uint16_t)raw->mnp;
    out->unit.level = (p25_level)raw->level;
    out->unit.warm_seconds = raw->warm_seconds;
    if (raw->rsi > RSI_INDIVIDUAL_MAX)
        return refuse(r, "rsi", "a unit's RSI is from 1 to 9999999");
    if (raw->rsi == raw->kmf_rsi)
        return refuse(r, "kmf_rsi", "this is the RSI of the unit itself");
    kf_err err = take_node(r, raw, &out->node);
    if (err == KF_OK)
        err = take_mac(r, raw, &out->unit.mac, &out->unit.first_scheme);
    if (err == KF_OK)
        err = take_peer(r, "kmf", raw->kmf, P25_DLI_PORT, &out->kmf);
    if (err == KF_OK)
        err = take_address(r, "voice", raw->voice, 0, &out->voice);
    return err == KF_OK ? take_group_rsis(r, raw, out) : err;
}

kf_err lab_unit_config_read(kf_slice yaml, const char *directory, lab_unit_config *out,
                            lab_config_fault *fault)
{
    reading r = begin(yaml, directory, fault);
    raw_config *raw = NULL;

    memset(out, 0, sizeof *out);
    kf_err err = load(&r, &subscriber_schema, &raw);
    if (err == KF_OK)
        err = take_subscriber(&r, raw, out);
    unload(&subscriber_schema, raw);
    if (err != KF_OK)
        memset(out, 0, sizeof *out);
    return finish(&r, err);
}

/*
 * Configuration files of lab nodes; each input is tried as a KMF's and as a subscriber's. Oracle:
 * a refusal has a sentence, and a line within the text; what is accepted, written again in a form
 * of our own, reads as the same configuration, octet by octet.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cover.h"
#include "lab/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define TEXT_MAX (1u << 20)

static char text[TEXT_MAX];
static size_t used;

static void __attribute__((format(printf, 1, 2))) put(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    same(n >= 0 && (size_t)n < sizeof text - used);
    used += (size_t)n;
}

/** "key: 'text'", a quote doubled; nothing for an empty one. */
static void put_text(const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    put("%s: '", key);
    for (; *value != '\0'; value++)
        put(*value == '\'' ? "''" : "%c", *value);
    put("'\n");
}

static void put_number(const char *key, uint32_t value)
{
    if (value != 0)
        put("%s: %lu\n", key, (unsigned long)value);
}

static void put_address(const char *key, const struct sockaddr_in *address)
{
    char buf[LAB_ADDRESS_TEXT];
    if (address->sin_port != 0)
        put("%s: %s\n", key, lab_address_text(address, buf));
}

static void put_node(const lab_node_config *node, p25_mac_setting mac, p25_mac_scheme first)
{
    static const char *const macs[] = { "auto", "cbc", "cmac-c", "cmac-d" };
    put_address("listen", &node->listen);
    put_text("control", node->control);
    put_text("state", node->state);
    put_text("passphrase_file", node->passphrase_file);
    put_text("key_file", node->key_file);
    put_text("key_passphrase_file", node->key_passphrase_file);
    put_text("capture", node->capture);
    put("mac: %s\nfirst_scheme: %s\n", macs[mac], macs[first + 1]);
}

static void put_kmf(const lab_kmf_config *c)
{
    used = 0;
    put_number("rsi", c->kmf.rsi);
    put_node(&c->node, c->kmf.mac, c->kmf.first_scheme);
    put_number("retry_seconds", c->kmf.retry_seconds);
    put_number("tries", c->kmf.tries);
    put(c->group_count == 0 ? "groups: []\n" : "groups:\n");
    for (size_t i = 0; i < c->group_count; i++) {
        put("- sln: %u\n", (unsigned)c->groups[i].sln);
        put_text("  name", c->groups[i].name);
    }
    put(c->unit_count == 0 ? "units: []\n" : "units:\n");
    for (size_t i = 0; i < c->unit_count; i++) {
        const lab_member_config *u = &c->units[i];
        put("- rsi: %lu\n  level: %s\n", (unsigned long)u->rsi,
            u->level == P25_LEVEL_BASIC ? "basic" : "enhanced");
        put_address("  address", &u->address);
        put("  groups: [");
        for (size_t g = 0; g < OTAR_GROUPS_MAX; g++)
            if ((u->groups >> g & 1u) != 0)
                put("%u,", (unsigned)c->groups[g].sln);
        put("]\n");
    }
}

static void put_unit(const lab_unit_config *c)
{
    used = 0;
    put_number("rsi", c->unit.rsi);
    put_number("kmf_rsi", c->unit.kmf_rsi);
    put_node(&c->node, c->unit.mac, c->unit.first_scheme);
    put_address("kmf", &c->kmf);
    put_address("voice", &c->voice);
    put("level: %s\n", c->unit.level == P25_LEVEL_BASIC ? "basic" : "enhanced");
    put_number("mnp", c->unit.mnp);
    put_number("warm_seconds", c->unit.warm_seconds);
    put("group_rsis: [");
    for (size_t i = 0; i < c->group_rsi_count; i++)
        put("%lu,", (unsigned long)c->group_rsis[i]);
    put("]\n");
}

static size_t lines_of(const uint8_t *in, size_t len)
{
    size_t lines = 1;
    for (size_t i = 0; i < len; i++) /* YAML also counts CR, and U+0085, U+2028, U+2029 */
        lines += in[i] == '\n' || in[i] == '\r' || in[i] == 0x85 || in[i] == 0xa8 || in[i] == 0xa9;
    return lines;
}

static void check_fault(kf_err err, const lab_config_fault *fault, const uint8_t *in, size_t len)
{
    same((err == KF_OK) == (fault->why[0] == '\0'));
    same(fault->line <= lines_of(in, len) + 1);
    for (const char *p = fault->field; *p != '\0'; p++)
        same(*p > ' ' && *p < 0x7f);
}

static bool same_node(const lab_node_config *a, const lab_node_config *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void try_kmf(const uint8_t *in, size_t len)
{
    static lab_kmf_config c, again;
    lab_config_fault fault;
    const kf_err err = lab_kmf_config_read((kf_slice){ in, len }, "/d", &c, &fault);
    check_fault(err, &fault, in, len);
    if (err != KF_OK)
        return;
    put_kmf(&c);
    same(lab_kmf_config_read(kf_slice_str(text), "", &again, &fault) == KF_OK);
    same(same_node(&c.node, &again.node) && memcmp(&c.kmf, &again.kmf, sizeof c.kmf) == 0);
    same(c.group_count == again.group_count && c.unit_count == again.unit_count);
    same(memcmp(c.groups, again.groups, sizeof c.groups) == 0);
    for (size_t i = 0; i < c.unit_count; i++)
        same(memcmp(&c.units[i], &again.units[i], sizeof c.units[i]) == 0);
    lab_kmf_config_clear(&c);
    lab_kmf_config_clear(&again);
}

static void try_unit(const uint8_t *in, size_t len)
{
    static lab_unit_config c, again;
    lab_config_fault fault;
    const kf_err err = lab_unit_config_read((kf_slice){ in, len }, "/d", &c, &fault);
    check_fault(err, &fault, in, len);
    if (err != KF_OK)
        return;
    put_unit(&c);
    same(lab_unit_config_read(kf_slice_str(text), "", &again, &fault) == KF_OK);
    same(memcmp(&c, &again, sizeof c) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    if (len > TEXT_MAX / 16) /* room to write it again */
        return 0;
    try_kmf(in, len);
    try_unit(in, len);
    return 0;
}

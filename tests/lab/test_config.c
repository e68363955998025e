/* Configuration files: what good ones say, what bad ones are refused for, with line and field. */
#include "support/testing.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/config.h"

static const char kmf_text[] = "# a KMF\n"
                               "rsi: 9999999\n"
                               "listen: 127.0.0.1\n"
                               "control: kmf.sock\n"
                               "state: kmf-state\n"
                               "passphrase_file: /etc/kmf.pass\n"
                               "mac: cmac-c\n"
                               "retry_seconds: 7\n"
                               "tries: 3\n"
                               "key_file: fleet.keys\n"
                               "key_passphrase_file: fleet.pass\n"
                               "capture: otar.pcap\n"
                               "groups:\n"
                               "  - { sln: 1, name: fire }\n"
                               "  - sln: 61439\n"
                               "units:\n"
                               "  - rsi: 1001\n"
                               "    level: enhanced\n"
                               "    groups: [61439, 1]\n"
                               "    address: \"127.0.0.2:64415\"\n"
                               "  - { rsi: 1, groups: [61439] }\n"
                               "  - { rsi: 9999998 }\n";

static const char unit_text[] = "rsi: 1001\n"
                                "kmf_rsi: 16777212\n"
                                "listen: 127.0.0.2:64414\n"
                                "kmf: 127.0.0.1:64414\n"
                                "control: unit.sock\n"
                                "state: unit-state\n"
                                "passphrase_file: unit.pass\n"
                                "key_file: unit.keys\n"
                                "key_passphrase_file: unit.pass\n"
                                "level: enhanced\n"
                                "mac: auto\n"
                                "first_scheme: cbc\n"
                                "mnp: 65535\n"
                                "warm_seconds: 60\n"
                                "group_rsis: [ 5001, 16777214 ]\n"
                                "voice: 127.0.0.2:50000\n"
                                "capture: unit.pcap\n";

static void assert_address(const struct sockaddr_in *address, const char *want)
{
    char buf[LAB_ADDRESS_TEXT];
    assert_int_equal(address->sin_family, AF_INET);
    assert_string_equal(lab_address_text(address, buf), want);
}

static void test_a_kmf(void **state)
{
    lab_kmf_config c;
    lab_config_fault fault;
    (void)state;
    assert_ok(lab_kmf_config_read(kf_slice_str(kmf_text), "/srv/lab", &c, &fault));
    assert_string_equal(fault.why, "");
    assert_int_equal(c.kmf.rsi, 9999999);
    assert_int_equal(c.kmf.mac, P25_MAC_ONLY_CMAC_C);
    assert_int_equal(c.kmf.first_scheme, P25_MAC_CMAC_C);
    assert_int_equal(c.kmf.retry_seconds, 7);
    assert_int_equal(c.kmf.tries, 3);
    assert_int_equal(c.kmf.ahead, 0);
    assert_address(&c.node.listen, "127.0.0.1:64414");
    assert_string_equal(c.node.control, "/srv/lab/kmf.sock");
    assert_string_equal(c.node.state, "/srv/lab/kmf-state");
    assert_string_equal(c.node.passphrase_file, "/etc/kmf.pass");
    assert_string_equal(c.node.key_file, "/srv/lab/fleet.keys");
    assert_string_equal(c.node.key_passphrase_file, "/srv/lab/fleet.pass");
    assert_string_equal(c.node.capture, "/srv/lab/otar.pcap");
    assert_int_equal(c.group_count, 2);
    assert_int_equal(c.groups[0].sln, 1);
    assert_string_equal(c.groups[0].name, "fire");
    assert_int_equal(c.groups[1].sln, 61439);
    assert_string_equal(c.groups[1].name, "");
    assert_int_equal(c.unit_count, 3);
    assert_int_equal(c.units[0].rsi, 1001);
    assert_int_equal(c.units[0].level, P25_LEVEL_ENHANCED);
    assert_int_equal(c.units[0].groups, 3);
    assert_address(&c.units[0].address, "127.0.0.2:64415");
    assert_int_equal(c.units[1].level, P25_LEVEL_BASIC);
    assert_int_equal(c.units[1].groups, 2);
    assert_int_equal(c.units[1].address.sin_port, 0);
    assert_int_equal(c.units[2].groups, 0);
    lab_kmf_config_clear(&c);
    assert_null(c.units);
    lab_kmf_config_clear(&c);
}

static void test_a_unit(void **state)
{
    lab_unit_config c;
    lab_config_fault fault;
    (void)state;
    assert_ok(lab_unit_config_read(kf_slice_str(unit_text), "", &c, &fault));
    assert_int_equal(c.unit.rsi, 1001);
    assert_int_equal(c.unit.kmf_rsi, 16777212);
    assert_int_equal(c.unit.mnp, 65535);
    assert_int_equal(c.unit.level, P25_LEVEL_ENHANCED);
    assert_int_equal(c.unit.mac, P25_MAC_AUTO);
    assert_int_equal(c.unit.first_scheme, P25_MAC_CBC);
    assert_int_equal(c.unit.warm_seconds, 60);
    assert_address(&c.node.listen, "127.0.0.2:64414");
    assert_address(&c.kmf, "127.0.0.1:64414");
    assert_address(&c.voice, "127.0.0.2:50000");
    assert_string_equal(c.node.control, "unit.sock");
    assert_string_equal(c.node.key_passphrase_file, "unit.pass");
    assert_int_equal(c.group_rsi_count, 2);
    assert_int_equal(c.group_rsis[1], 16777214);
}

static void test_smallest(void **state)
{
    static const char text[] = "{rsi: 2, listen: 127.0.0.1, control: c, state: s, "
                               "passphrase_file: p}";
    lab_kmf_config c;
    lab_config_fault fault;
    (void)state;
    assert_ok(lab_kmf_config_read(kf_slice_str(text), "d/", &c, &fault));
    assert_string_equal(c.node.control, "d/c");
    assert_string_equal(c.node.capture, "");
    assert_int_equal(c.kmf.mac, P25_MAC_AUTO);
    assert_int_equal(c.kmf.first_scheme, P25_MAC_CMAC_D);
    assert_int_equal(c.kmf.tries, 0);
    assert_int_equal(c.unit_count + c.group_count, 0);
    assert_null(c.units);
    lab_kmf_config_clear(&c);
}

/** A change of a good text: from is replaced by to; an empty from: to is appended. */
typedef struct change {
    const char *from, *to;
    size_t line;
    const char *field, *why; /**< why: a part of it */
} change;

static char *changed(const char *text, const change *c)
{
    const size_t len = strlen(text);
    const char *at = c->from[0] == '\0' ? text + len : strstr(text, c->from);
    assert_non_null(at);
    char *out = calloc(1, len + strlen(c->to) + 1);
    assert_non_null(out);
    memcpy(out, text, (size_t)(at - text));
    strcat(out, c->to);
    strcat(out, at + strlen(c->from));
    return out;
}

static kf_err read_either(bool is_kmf, const char *text, lab_config_fault *fault)
{
    static const lab_unit_config no_unit;
    static const lab_kmf_config no_kmf;
    lab_unit_config unit;
    lab_kmf_config kmf;
    kf_err err;
    if (is_kmf) {
        err = lab_kmf_config_read(kf_slice_str(text), "/srv", &kmf, fault);
        assert_true(err == KF_OK || memcmp(&kmf, &no_kmf, sizeof kmf) == 0);
        lab_kmf_config_clear(&kmf);
        return err;
    }
    err = lab_unit_config_read(kf_slice_str(text), "/srv", &unit, fault);
    assert_true(err == KF_OK || memcmp(&unit, &no_unit, sizeof unit) == 0);
    return err;
}

static void refuse_all(bool is_kmf, const change *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lab_config_fault fault;
        char *text = changed(is_kmf ? kmf_text : unit_text, &cases[i]);
        const kf_err err = read_either(is_kmf, text, &fault);
        if (err != KF_E_MALFORMED || fault.line != cases[i].line ||
            strcmp(fault.field, cases[i].field) != 0 || strstr(fault.why, cases[i].why) == NULL)
            fail_msg("%s -> %s: %s, line %zu, \"%s\", %s", cases[i].from, cases[i].to,
                     kf_err_name(err), fault.line, fault.field, fault.why);
        free(text);
    }
}

static void test_bad_kmfs(void **state)
{
    static const change cases[] = {
        /* keys */
        { "", "colour: red\n", 23, "colour", "no such key" },
        { "tries: 3", "tires: 3", 9, "tires", "no such key" },
        { "level: enhanced", "levle: enhanced", 18, "units[0].levle", "no such key" },
        { "{ rsi: 1,", "{ rsi: 1, name: x,", 21, "units[1].name", "no such key" },
        { "", "kmf_rsi: 5\n", 23, "kmf_rsi", "no such key" },
        { "", "Rsi: 5\n", 23, "Rsi", "no such key" },
        { "", "rsi: 5\n", 23, "rsi", "twice" },
        { "{ rsi: 1,", "{ rsi: 1, rsi: 1,", 21, "units[1].rsi", "twice" },
        { "", "groups: []\n", 23, "groups", "twice" },
        { "listen: 127.0.0.1\n", "", 2, "listen", "missing" },
        { "rsi: 9999999\n", "", 2, "rsi", "missing" },
        { "{ rsi: 9999998 }", "{ level: basic }", 22, "units[2].rsi", "missing" },
        { "- sln: 61439", "- name: x", 15, "groups[1].sln", "missing" },
        { "", "? [a]\n: b\n", 23, "", "a key is made of" },
        { "", "\"a\\x1b\": b\n", 23, "", "a key is made of" },
        { "", "\"\": b\n", 23, "", "a key is made of" },
        { "", "a_key_that_is_much_longer_than_any_of_ours: b\n", 23,
          "a_key_that_is_much_longer_than_a", "no such key" },
        /* numbers */
        { "rsi: 9999999", "rsi: 0", 2, "rsi", "from 1 to 16777214" },
        { "rsi: 9999999", "rsi: 16777215", 2, "rsi", "from 1 to" },
        { "rsi: 9999999", "rsi: 4294967297", 2, "rsi", "from 1 to" },
        { "rsi: 9999999", "rsi: 99999999999999999999", 2, "rsi", "from 1 to" },
        { "rsi: 9999999", "rsi: -1", 2, "rsi", "from 1 to" },
        { "rsi: 9999999", "rsi: +1", 2, "rsi", "from 1 to" },
        { "rsi: 9999999", "rsi: 0x10", 2, "rsi", "decimal" },
        { "rsi: 9999999", "rsi: 010", 2, "rsi", "decimal" },
        { "rsi: 9999999", "rsi: 1e3", 2, "rsi", "decimal" },
        { "rsi: 9999999", "rsi: '7'", 2, "rsi", "decimal" },
        { "rsi: 9999999", "rsi:", 2, "rsi", "decimal" },
        { "rsi: 9999999", "rsi: [9999999]", 2, "rsi", "not what this key takes" },
        { "rsi: 9999999", "rsi: {a: 1}", 2, "rsi", "not what this key takes" },
        { "sln: 61439", "sln: 61440", 15, "groups[1].sln", "from 0 to 61439" },
        { "retry_seconds: 7", "retry_seconds: 0", 8, "retry_seconds", "from 1 to 3600" },
        { "retry_seconds: 7", "retry_seconds: 3601", 8, "retry_seconds", "from 1 to 3600" },
        { "tries: 3", "tries: 101", 9, "tries", "from 1 to 100" },
        { "[61439, 1]", "[61439, one]", 19, "units[0].groups[1]", "decimal" },
        { "[61439, 1]", "[61439, 65536]", 19, "units[0].groups[1]", "from 0 to 61439" },
        /* words */
        { "mac: cmac-c", "mac: cmac", 7, "mac", "not what this key takes" },
        { "mac: cmac-c", "mac: 2", 7, "mac", "not what this key takes" },
        { "mac: cmac-c", "mac: CBC", 7, "mac", "not what this key takes" },
        { "mac: cmac-c", "mac: cbc\nfirst_scheme: cmac-c", 8, "first_scheme", "mac fixes" },
        { "mac: cmac-c", "first_scheme: auto", 7, "first_scheme", "not what this key takes" },
        { "level: enhanced", "level: high", 18, "units[0].level", "not what this key takes" },
        /* addresses */
        { "listen: 127.0.0.1", "listen: localhost", 3, "listen", "IPv4" },
        { "listen: 127.0.0.1", "listen: 127.0.0.1:0", 3, "listen", "IPv4" },
        { "listen: 127.0.0.1", "listen: 127.0.0.1:65536", 3, "listen", "IPv4" },
        { "listen: 127.0.0.1", "listen: ''", 3, "listen", "empty" },
        { "listen: 127.0.0.1", "listen: 127.0.0.1:11111111111111111111111", 3, "listen",
          "too long" },
        { "\"127.0.0.2:64415\"", "0.0.0.0", 20, "units[0].address", "nobody" },
        { "\"127.0.0.2:64415\"", "224.0.0.1:5", 20, "units[0].address", "nobody" },
        { "\"127.0.0.2:64415\"", "127.0.0.2:x", 20, "units[0].address", "IPv4" },
        /* paths */
        { "control: kmf.sock", "control: ''", 4, "control", "empty" },
        { "control: kmf.sock", "control: [a]", 4, "control", "not what this key takes" },
        { "control: kmf.sock", "control: \"a\\0b\"", 4, "control", "control characters" },
        { "control: kmf.sock", "control: \"a\\nb\"", 4, "control", "control characters" },
        { "control: kmf.sock",
          "control: "
          "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
          "890123456789012",
          4, "control", "too long" },
        { "capture: otar.pcap", "capture: fleet.keys", 12, "capture", "same file" },
        { "capture: otar.pcap", "capture: /etc/kmf.pass", 12, "capture", "same file" },
        { "state: kmf-state", "state: kmf.sock", 5, "state", "same file" },
        { "key_file: fleet.keys\n", "", 10, "key_passphrase_file", "together" },
        { "key_passphrase_file: fleet.pass\n", "", 10, "key_file", "together" },
        /* groups and units */
        { "sln: 61439", "sln: 1", 15, "groups[1].sln", "another group" },
        { "name: fire", "name: ''", 14, "groups[0].name", "empty" },
        { "name: fire", "name: [a]", 14, "groups[0].name", "not what this key takes" },
        { "name: fire", "name: 0123456789012345678901234567890123456789012345678901234567890123",
          14, "groups[0].name", "too long" },
        { "[61439, 1]", "[61439, 2]", 19, "units[0].groups[1]", "no group with this SLN" },
        { "[61439, 1]", "[61439, 1, 61439]", 19, "units[0].groups[2]", "twice" },
        { "[61439, 1]", "1", 19, "units[0].groups", "not what this key takes" },
        { "[61439, 1]", "[[1]]", 19, "units[0].groups[0]", "not what this key takes" },
        { "rsi: 9999998", "rsi: 10000000", 22, "units[2].rsi", "from 1 to 9999999" },
        { "rsi: 9999998", "rsi: 9999999", 22, "units[2].rsi", "of the KMF" },
        { "rsi: 9999998", "rsi: 1001", 22, "units[2].rsi", "another unit" },
        { "{ rsi: 1,", "{ rsi: 9999998,", 22, "units[2].rsi", "another unit" },
        { "  - { rsi: 9999998 }", "  - 5", 22, "units[2]", "not what this key takes" },
        { "groups:\n", "groups: 7\nothers:\n", 13, "groups", "not what this key takes" },
        /* YAML itself */
        { "mac: cmac-c", "mac: &a cmac-c", 7, "mac", "anchors" },
        { "mac: cmac-c", "mac: !!str cmac-c", 7, "mac", "anchors and tags" },
        { "groups: [61439, 1]", "groups: &a [61439, 1]", 19, "units[0].groups", "anchors" },
        { "groups: [61439, 1]", "groups: *a", 19, "units[0].groups", "aliases" },
        { "- { rsi: 9999998 }", "- !unit { rsi: 9999998 }", 22, "units[1]", "anchors" },
        { "", "---\nrsi: 5\n", 23, "", "more than one document" },
        { "# a KMF\n", "%YAML 1.1\n---\n", 1, "", "directives" },
        { "", "x: [[[[[[[1]]]]]]]\n", 23, "x[0][0][0][0][0]", "too deep" },
        { "", "x: {", 24, "", "not YAML" },
        { "", "\tx: 1\n", 23, "", "not YAML" },
        { "mac: cmac-c", "mac: \"cmac", 20, "", "not YAML" }, /* the next quote ends it */
        { "rsi: 9999998 }", "rsi: \"9999998 }", 22, "", "not YAML" },
        { "tries: 3", "tries 3", 9, "", "not YAML" },
        { "name: fire", "name: \xc3(", 1, "", "UTF-8" },
        { "name: fire", "name: \x01", 1, "", "UTF-8" },
    };
    (void)state;
    refuse_all(true, cases, sizeof cases / sizeof *cases);
}

static void test_bad_units(void **state)
{
    static const change cases[] = {
        { "rsi: 1001", "rsi: 10000000", 1, "rsi", "from 1 to 9999999" },
        { "kmf_rsi: 16777212", "kmf_rsi: 1001", 2, "kmf_rsi", "of the unit itself" },
        { "kmf_rsi: 16777212", "kmf_rsi: 16777215", 2, "kmf_rsi", "from 1 to 16777214" },
        { "kmf_rsi: 16777212\n", "", 1, "kmf_rsi", "missing" },
        { "kmf: 127.0.0.1:64414\n", "", 1, "kmf", "missing" },
        { "kmf: 127.0.0.1:64414", "kmf: 0.0.0.0", 4, "kmf", "nobody" },
        { "kmf: 127.0.0.1:64414", "kmf: kmf.example", 4, "kmf", "IPv4" },
        { "voice: 127.0.0.2:50000", "voice: 127.0.0.2", 16, "voice", "IPv4" },
        { "mnp: 65535", "mnp: 65536", 13, "mnp", "from 1 to 65535" },
        { "mnp: 65535", "mnp: 0", 13, "mnp", "from 1 to 65535" },
        { "warm_seconds: 60", "warm_seconds: 0", 14, "warm_seconds", "from 1 to 86400" },
        { "16777214 ]", "16777215 ]", 15, "group_rsis[1]", "from 1 to 16777214" },
        { "16777214 ]", "5001 ]", 15, "group_rsis[1]", "in use" },
        { "5001,", "1001,", 15, "group_rsis[0]", "in use" },
        { "5001,", "16777212,", 15, "group_rsis[0]", "in use" },
        { "5001,", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,", 15, "group_rsis", "too many" },
        { "", "units: []\n", 18, "units", "no such key" },
        { "", "tries: 3\n", 18, "tries", "no such key" },
        { "first_scheme: cbc", "first_scheme: cmac", 12, "first_scheme", "not what" },
        { "capture: unit.pcap", "capture: unit.pass", 17, "capture", "same file" },
    };
    (void)state;
    refuse_all(false, cases, sizeof cases / sizeof *cases);
}

static void test_not_a_mapping(void **state)
{
    static const char *const texts[] = {
        "", "\n\n", "# nothing\n", "[]", "- rsi: 1\n", "word", "---\n", "{}", "\xff\xfer\0s\0",
    };
    lab_config_fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_err(read_either(true, texts[i], &fault), KF_E_MALFORMED);
        assert_true(fault.why[0] != '\0');
        assert_err(read_either(false, texts[i], &fault), KF_E_MALFORMED);
    }
}

/** Cut anywhere: refused, or a shorter text that is good by itself; never anything else. */
static void test_every_prefix(void **state)
{
    lab_config_fault fault;
    lab_kmf_config c;
    size_t good = 0;
    (void)state;
    for (size_t len = 0; len < strlen(kmf_text); len++) {
        const kf_slice part = kf_slice_part(kf_slice_str(kmf_text), 0, len);
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, part.ptr, len);
        const kf_err err = lab_kmf_config_read((kf_slice){ exact, len }, "", &c, &fault);
        assert_true(err == KF_OK || err == KF_E_MALFORMED);
        assert_true((err == KF_OK) == (fault.why[0] == '\0'));
        good += err == KF_OK;
        lab_kmf_config_clear(&c);
        free(exact);
    }
    assert_in_range(good, 1, strlen(kmf_text));
}

static void test_paths_must_fit(void **state)
{
    char directory[600];
    lab_kmf_config c;
    lab_config_fault fault;
    (void)state;
    /* "kmf.sock" and a slash and a NUL in the 108 octets of a socket's name */
    for (size_t len = 95; len < 110; len++) {
        memset(directory, 'd', len);
        directory[len] = '\0';
        const kf_err err = lab_kmf_config_read(kf_slice_str(kmf_text), directory, &c, &fault);
        assert_err(err, len <= 98 ? KF_OK : KF_E_MALFORMED);
        assert_string_equal(fault.field, len <= 98 ? "" : "control");
        assert_int_equal(fault.line, len <= 98 ? 0 : 4);
        lab_kmf_config_clear(&c);
    }
    memset(directory, 'd', sizeof directory - 1);
    directory[sizeof directory - 1] = '\0';
    char *text = changed(kmf_text, &(change){ .from = "kmf.sock", .to = "/run/kmf.sock" });
    assert_err(lab_kmf_config_read(kf_slice_str(text), directory, &c, &fault), KF_E_MALFORMED);
    assert_string_equal(fault.field, "state");
    free(text);
}

#ifndef KF_SANITIZED
/* ---- allocations made to fail, counted. In front of the C library's; a sanitizer has its own.
 * ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static struct {
    bool is_on;
    size_t at, made; /**< which one fails; how many were asked for */
    long live;       /**< made and not freed */
} heap;

static bool heap_fails(void)
{
    return heap.is_on && heap.made++ == heap.at;
}

static void *heap_made(void *ptr)
{
    heap.live += heap.is_on && ptr != NULL;
    return ptr;
}

void *malloc(size_t size)
{
    return heap_fails() ? NULL : heap_made(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return heap_fails() ? NULL : heap_made(__libc_calloc(count, size));
}

void *realloc(void *ptr, size_t size)
{
    if (heap_fails())
        return NULL;
    return ptr == NULL ? heap_made(__libc_realloc(NULL, size)) : __libc_realloc(ptr, size);
}

void free(void *ptr)
{
    heap.live -= heap.is_on && ptr != NULL;
    __libc_free(ptr);
}

/** Each allocation fails in turn: said as such, nothing kept, nothing leaked. */
static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned is_kmf = 0; is_kmf < 2; is_kmf++) {
        lab_kmf_config kmf;
        lab_unit_config unit;
        lab_config_fault fault;
        kf_err err = KF_E_NO_MEMORY;
        size_t at = 0;
        for (; err != KF_OK; at++) {
            heap.at = at;
            heap.made = 0;
            heap.live = 0;
            heap.is_on = true;
            if (is_kmf != 0) {
                err = lab_kmf_config_read(kf_slice_str(kmf_text), "", &kmf, &fault);
                lab_kmf_config_clear(&kmf);
            } else {
                err = lab_unit_config_read(kf_slice_str(unit_text), "", &unit, &fault);
            }
            heap.is_on = false;
            assert_int_equal(heap.live, 0);
            if (heap.made > at) {
                assert_err(err, KF_E_NO_MEMORY);
                assert_true(fault.why[0] != '\0' && fault.line == 0);
            }
        }
        print_message("%zu allocations\n", at - 1);
        assert_true(at > 20);
    }
}
#endif

static double seconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/** A file with that many units, as people write them; for free(). */
static char *fleet(size_t units, size_t twin)
{
    const size_t cap = 8000 + units * 80;
    char *text = malloc(cap);
    assert_non_null(text);
    size_t len = (size_t)snprintf(text, cap,
                                  "rsi: 9999999\nlisten: 127.0.0.1\ncontrol: c\nstate: s\n"
                                  "passphrase_file: p\ngroups:\n");
    for (unsigned i = 0; i < OTAR_GROUPS_MAX; i++)
        len += (size_t)snprintf(text + len, cap - len, "  - { sln: %u, name: g%u }\n", i, i);
    len += (size_t)snprintf(text + len, cap - len, "units:\n");
    for (size_t i = 0; i < units; i++)
        len += (size_t)snprintf(
            text + len, cap - len,
            "  - { rsi: %zu, level: basic, groups: [%zu, 63], address: \"10.0.%zu.%zu:64414\" }\n",
            i == twin ? 1 : i + 1, i % 63, i / 250, i % 250 + 1);
    return text;
}

static void test_a_large_fleet(void **state)
{
    lab_kmf_config c;
    lab_config_fault fault;
    (void)state;
    char *text = fleet(LAB_UNITS_MAX, SIZE_MAX);
    const double start = seconds_now();
    assert_ok(lab_kmf_config_read(kf_slice_str(text), "", &c, &fault));
    const double took = seconds_now() - start;
    print_message("%u units, %zu octets: %.3f s\n", LAB_UNITS_MAX, strlen(text), took);
    assert_true(took < 10); /* far more than it takes even under a sanitizer: see it is no square */
    assert_int_equal(c.unit_count, LAB_UNITS_MAX);
    assert_int_equal(c.units[19999].rsi, 20000);
    assert_int_equal(c.units[19999].groups, UINT64_C(1) << 63 | UINT64_C(1) << 19999 % 63);
    lab_kmf_config_clear(&c);
    free(text);

    text = fleet(LAB_UNITS_MAX, 19998);
    assert_err(lab_kmf_config_read(kf_slice_str(text), "", &c, &fault), KF_E_MALFORMED);
    assert_string_equal(fault.field, "units[19998].rsi");
    assert_int_equal(fault.line, 6 + 64 + 1 + 19999);
    free(text);

    text = fleet(LAB_UNITS_MAX + 1, SIZE_MAX);
    assert_err(lab_kmf_config_read(kf_slice_str(text), "", &c, &fault), KF_E_MALFORMED);
    assert_string_equal(fault.field, "units");
    assert_int_equal(fault.line, 6 + 64 + 1);
    free(text);
}

static void test_too_large(void **state)
{
    lab_kmf_config c;
    lab_config_fault fault;
    char *text = malloc(LAB_CONFIG_MAX + 1);
    (void)state;
    assert_non_null(text);
    memset(text, '\n', LAB_CONFIG_MAX + 1);
    memcpy(text, kmf_text, sizeof kmf_text - 1);
    assert_err(
        lab_kmf_config_read((kf_slice){ (uint8_t *)text, LAB_CONFIG_MAX + 1 }, "", &c, &fault),
        KF_E_NO_SPACE);
    assert_string_equal(fault.why, "the file is too large");
    assert_err(lab_kmf_config_read((kf_slice){ (uint8_t *)text, LAB_CONFIG_MAX }, "", &c, &fault),
               KF_OK);
    lab_kmf_config_clear(&c);
    free(text);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        uint16_t fallback;
        const char *want; /**< NULL: refused */
    } cases[] = {
        { "127.0.0.1:64414", 0, "127.0.0.1:64414" },
        { "0.0.0.0:1", 5, "0.0.0.0:1" },
        { "255.255.255.255:65535", 5, "255.255.255.255:65535" },
        { "10.1.2.3", 5, "10.1.2.3:5" },
        { "10.1.2.3", 0, NULL },
        { "10.1.2.3:", 5, NULL },
        { "10.1.2.3:0", 5, NULL },
        { "10.1.2.3:05", 5, NULL },
        { "10.1.2.3:65536", 5, NULL },
        { "10.1.2.3:99999999999999999999999", 5, NULL },
        { "10.1.2.3:-1", 5, NULL },
        { "10.1.2.3:5 ", 5, NULL },
        { "10.1.2.3:5:6", 5, NULL },
        { " 10.1.2.3", 5, NULL },
        { "10.1.2", 5, NULL },
        { "10.1.2.256", 5, NULL },
        { "010.1.2.3", 5, NULL },
        { "", 5, NULL },
        { ":5", 5, NULL },
        { "[::1]:5", 5, NULL },
        { "1000.1000.1000.1000", 5, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_in a;
        char buf[LAB_ADDRESS_TEXT];
        memset(&a, 0xff, sizeof a);
        const bool good = lab_address_parse(kf_slice_str(cases[i].text), cases[i].fallback, &a);
        assert_int_equal(good, cases[i].want != NULL);
        assert_int_equal(a.sin_family, good ? AF_INET : 0);
        if (good)
            assert_string_equal(lab_address_text(&a, buf), cases[i].want);
    }
    struct sockaddr_in a;
    assert_false(lab_address_parse((kf_slice){ (const uint8_t *)"1.2.3.4\0:5", 10 }, 5, &a));
    assert_false(lab_address_parse((kf_slice){ NULL, 0 }, 5, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kmf),         cmocka_unit_test(test_a_unit),
        cmocka_unit_test(test_smallest),      cmocka_unit_test(test_bad_kmfs),
        cmocka_unit_test(test_bad_units),     cmocka_unit_test(test_not_a_mapping),
        cmocka_unit_test(test_every_prefix),  cmocka_unit_test(test_paths_must_fit),
#ifndef KF_SANITIZED
        cmocka_unit_test(test_no_memory),
#endif
        cmocka_unit_test(test_a_large_fleet), cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

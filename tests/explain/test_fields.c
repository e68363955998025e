/* Every field literal of the decoders is in the tables: one that is not would be shown without a
 * meaning. The literals are read from the sources themselves. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/run.h"
#include "support/testing.h"

#define SOURCE_MAX (1u << 18)

static char source[SOURCE_MAX];

static void load(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/../../src/%s", testing_vectors_dir(), name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("cannot read %s", path);
    size_t len = fread(source, 1, sizeof source - 1, f);
    fclose(f);
    assert_true(len < sizeof source - 1);
    source[len] = '\0';
}

/* "WORD.word", the shape of a field literal; the word's length, or 0. */
static size_t literal(const char *quote)
{
    size_t len = strcspn(quote + 1, "\"");
    const char *dot = memchr(quote + 1, '.', len);
    if (dot == NULL || len > 60)
        return 0;
    for (size_t i = 1; i <= len; i++)
        if (!isalnum((unsigned char)quote[i]) && quote[i] != '.' && quote[i] != '_')
            return 0;
    return len;
}

/* Every literal after a call whose name starts with a prefix, up to the end of the statement. */
static size_t check_literals(const char *call, bool (*knows)(const char *field))
{
    size_t count = 0;
    for (const char *at = strstr(source, call); at != NULL; at = strstr(at + 1, call)) {
        const char *end = strchr(at, ';');
        for (const char *q = strchr(at, '"'); q != NULL && q < end; q = strchr(q, '"')) {
            char name[64];
            size_t len = literal(q);
            snprintf(name, sizeof name, "%.*s", (int)len, q + 1);
            q += strcspn(q + 1, "\"") + 2;
            if (len == 0)
                continue;
            if (!knows(name))
                fail_msg("%s is not in the table", name);
            count++;
        }
    }
    return count;
}

static void every_decoder_field_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t least;
    } files[] = { { "mikey/message.c", 40 },
                  { "mikey/key_params.c", 12 },
                  { "mcdata/protected_payload.c", 10 },
                  { "mcdata/interworking.c", 6 },
                  { "crypto/container.c", 9 },
                  { "p25/kmm.c", 12 },
                  { "p25/kmm_body_keys.c", 25 },
                  { "p25/kmm_body_lists.c", 16 },
                  { "p25/kmm_body_small.c", 30 },
                  { "p25/kmm_element.c", 7 },
                  { "p25/dli.c", 8 },
                  { "voice/rtp.c", 5 },
                  { "voice/issi.c", 26 },
                  { "keyfill/threewire.c", 7 },
                  { "keyfill/box.c", 18 } };
    /* names are also given through helpers and tables */
    static const char *const calls[] = { "kf_read_", "p25_count_", "decode_key_octets(r",
                                         "decode_kmm(r", "voice_block_names names" };
    for (size_t i = 0; i < KF_COUNT(files); i++) {
        size_t count = 0;
        load(files[i].file);
        for (size_t k = 0; k < KF_COUNT(calls); k++)
            count += check_literals(calls[k], explain_knows_field);
        if (count < files[i].least)
            fail_msg("%s: only %zu literals found: has its form changed?", files[i].file, count);
    }
}

static void every_element_is_known(void **state)
{
    (void)state;
    size_t count = 0;
    load("kms/xml_table.c");
    for (const char *q = strchr(source, '"'); q != NULL; q = strchr(q, '"')) {
        char name[64];
        size_t len = literal(q);
        snprintf(name, sizeof name, "%.*s", (int)len, q + 1);
        q += strcspn(q + 1, "\"") + 2;
        /* "kms/xml_table.h" has no such shape; "cert" and "keyset" alone have no dot */
        if (len == 0)
            continue;
        if (!explain_knows_element(name))
            fail_msg("%s is not in the table", name);
        count++;
    }
    assert_true(count > 40);
}

static void unknown_fields_are_told_from_known_ones(void **state)
{
    (void)state;
    assert_true(explain_knows_field("HDR.version"));
    assert_false(explain_knows_field("HDR.versio"));
    assert_false(explain_knows_field(""));
    assert_false(explain_knows_element("cert.versio"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_decoder_field_is_known),
        cmocka_unit_test(every_element_is_known),
        cmocka_unit_test(unknown_fields_are_told_from_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

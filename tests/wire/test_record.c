/* Values: round trips, refusals by table, lies about lengths and counts, what a verb takes. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/record.h"

static const struct {
    const char *name, *hex;
    kf_err want;
    const char *field;
} parse_cases[] = {
    { "bool", "01 01", KF_OK, NULL },
    { "int", "02 ff ff ff ff ff ff ff fe", KF_OK, NULL },
    { "text", "03 00 00 00 02 c3 a9", KF_OK, NULL },
    { "empty text", "03 00 00 00 00", KF_OK, NULL },
    { "octets", "04 00 00 00 01 00", KF_OK, NULL },
    { "list", "05 00 00 00 02 01 00 01 01", KF_OK, NULL },
    { "map", "06 00 01 01 61 01 01", KF_OK, NULL },
    { "nothing", "", KF_E_TRUNCATED, "record.type" },
    { "type 0", "00", KF_E_MALFORMED, "record.type" },
    { "type 7", "07 00", KF_E_MALFORMED, "record.type" },
    { "bool 2", "01 02", KF_E_MALFORMED, "record.bool" },
    { "octet too many", "01 01 00", KF_E_TRAILING, "record.end" },
    { "text longer than there is", "03 00 00 00 05 61", KF_E_TRUNCATED, "record.text" },
    { "text of 4 GiB", "03 ff ff ff ff 61", KF_E_TRUNCATED, "record.text" },
    { "octets of 4 GiB", "04 ff ff ff ff 61", KF_E_TRUNCATED, "record.octets" },
    { "NUL", "03 00 00 00 01 00", KF_E_MALFORMED, "record.text" },
    { "overlong", "03 00 00 00 02 c0 af", KF_E_MALFORMED, "record.text" },
    { "overlong of three", "03 00 00 00 03 e0 9f bf", KF_E_MALFORMED, "record.text" },
    { "overlong of four", "03 00 00 00 04 f0 8f bf bf", KF_E_MALFORMED, "record.text" },
    { "surrogate", "03 00 00 00 03 ed a0 80", KF_E_MALFORMED, "record.text" },
    { "past U+10FFFF", "03 00 00 00 04 f4 90 80 80", KF_E_MALFORMED, "record.text" },
    { "the last character", "03 00 00 00 04 f4 8f bf bf", KF_OK, NULL },
    { "cut character", "03 00 00 00 02 e2 82", KF_E_MALFORMED, "record.text" },
    { "continuation alone", "03 00 00 00 01 80", KF_E_MALFORMED, "record.text" },
    { "list that lies", "05 00 03 0d 40 01 00", KF_E_TRUNCATED, "record.type" },
    { "list past the limit", "05 00 03 0d 41 01 00", KF_E_NO_SPACE, "record.count" },
    { "list of 4 G", "05 ff ff ff ff 01 00", KF_E_NO_SPACE, "record.count" },
    { "map that lies", "06 00 02 01 61 01 01", KF_E_TRUNCATED, "record.name" },
    { "map past the limit", "06 00 81 01 61 01 01", KF_E_NO_SPACE, "record.count" },
    { "name twice", "06 00 02 01 61 01 01 01 61 01 00", KF_E_MALFORMED, "record.name" },
    { "name empty", "06 00 01 00 01 01", KF_E_MALFORMED, "record.name" },
    { "name upper case", "06 00 01 01 41 01 01", KF_E_MALFORMED, "record.name" },
    { "name starts with a digit", "06 00 01 01 31 01 01", KF_E_MALFORMED, "record.name" },
    { "8 deep",
      "05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 "
      "00000000",
      KF_OK, NULL },
    { "9 deep",
      "05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 00000001 05 "
      "00000001 "
      "05 00000000",
      KF_E_NO_SPACE, "record.depth" },
};

static kf_err encode(const wire_value *v, uint8_t *out, size_t cap, size_t *len)
{
    wire_builder *b = NULL;
    kf_slice octets;
    assert_ok(wire_builder_new(&b));
    wire_put_value(b, NULL, v);
    kf_err err = wire_builder_done(b, &octets);
    assert_true(octets.len <= cap);
    if (octets.len > 0)
        memcpy(out, octets.ptr, octets.len);
    *len = octets.len;
    wire_builder_free(&b);
    return err;
}

/* Refused, or parsed to what encodes to the same octets. */
static kf_err parse_and_encode(kf_slice octets)
{
    wire_tree *tree = NULL;
    kf_fault fault;
    size_t len = 0;
    kf_err err = wire_tree_parse(octets, &tree, &fault);
    assert_int_equal(err, fault.code);
    if (err == KF_OK) {
        uint8_t *again = malloc(octets.len);
        assert_non_null(again);
        assert_ok(encode(wire_tree_root(tree), again, octets.len, &len));
        assert_slice_equal(((kf_slice){ again, len }), octets);
        free(again);
    } else {
        assert_null(tree);
        assert_non_null(fault.field);
        assert_true(fault.at <= octets.len);
    }
    wire_tree_free(&tree);
    return err;
}

static void test_parse_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(parse_cases); i++) {
        uint8_t buf[256];
        wire_tree *tree = NULL;
        kf_fault fault;
        kf_slice in = testing_hex(parse_cases[i].hex, buf, sizeof buf);
        kf_err got = wire_tree_parse(in, &tree, &fault);
        if (got != parse_cases[i].want ||
            (got != KF_OK && strcmp(fault.field, parse_cases[i].field) != 0))
            fail_msg("%s: %s at %zu in %s", parse_cases[i].name, kf_err_name(got), fault.at,
                     fault.field == NULL ? "-" : fault.field);
        wire_tree_free(&tree);
        parse_and_encode(in);
    }
}

/* ---- random trees ---- */

static void put_random(testing_rng *r, wire_builder *b, const char *name, unsigned depth);

static void put_children(testing_rng *r, wire_builder *b, bool is_map, unsigned depth)
{
    size_t count = testing_rng_below(r, 6);
    for (size_t i = 0; i < count; i++) {
        char name[WIRE_NAME_MAX + 1];
        snprintf(name, sizeof name, "n%zu_%zu", i, testing_rng_below(r, 1000));
        put_random(r, b, is_map ? name : NULL, depth);
    }
    wire_close(b);
}

static void put_random(testing_rng *r, wire_builder *b, const char *name, unsigned depth)
{
    uint8_t octets[700];
    size_t kind = testing_rng_below(r, depth == WIRE_DEPTH_MAX ? 4 : 6);
    size_t len = testing_rng_below(r, testing_rng_below(r, 8) == 0 ? sizeof octets : 20);
    testing_rng_octets(r, octets, len);
    switch (kind) {
    case 0:
        wire_put_bool(b, name, (octets[0] & 1) != 0);
        return;
    case 1:
        wire_put_int(b, name, (int64_t)testing_rng_u64(r));
        return;
    case 2:
        for (size_t i = 0; i < len; i++)
            octets[i] = (uint8_t)(octets[i] % 0x7f + 1);
        wire_put_text(b, name, (kf_slice){ octets, len });
        return;
    case 3:
        wire_put_octets(b, name, (kf_slice){ octets, len });
        return;
    case 4:
        wire_open_list(b, name);
        put_children(r, b, false, depth + 1);
        return;
    default:
        wire_open_map(b, name);
        put_children(r, b, true, depth + 1);
    }
}

static void test_random_trees_round_trip(void **state)
{
    (void)state;
    testing_rng rng;
    testing_rng_init(&rng, "wire trees");
    for (size_t i = 0; i < testing_count(400, 100000); i++) {
        wire_builder *b = NULL;
        kf_slice octets;
        assert_ok(wire_builder_new(&b));
        wire_open_map(b, NULL);
        put_children(&rng, b, true, 1);
        assert_ok(wire_builder_done(b, &octets));
        assert_ok(parse_and_encode(octets));
        wire_builder_free(&b);
    }
}

static void build_sample(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_put_text_z(b, "verb", "key list");
    wire_put_int(b, "limit", -5);
    wire_put_bool(b, "plan", true);
    wire_open_list(b, "of");
    wire_put_text_z(b, NULL, "t\xc3\xa9k");
    wire_open_map(b, NULL);
    wire_put_octets(b, "key", kf_slice_str("\x01\x02\x03"));
    wire_close(b);
    wire_close(b);
    wire_close(b);
}

static void test_prefixes_and_bit_flips(void **state)
{
    (void)state;
    wire_builder *b = NULL;
    kf_slice octets;
    assert_ok(wire_builder_new(&b));
    build_sample(b);
    assert_ok(wire_builder_done(b, &octets));
    for (size_t len = 0; len < octets.len; len++) {
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, octets.ptr, len);
        assert_err(parse_and_encode((kf_slice){ exact, len }), KF_E_TRUNCATED);
        free(exact);
    }
    uint8_t flipped[256];
    assert_true(octets.len <= sizeof flipped);
    for (size_t bit = 0; bit < octets.len * 8; bit++) {
        memcpy(flipped, octets.ptr, octets.len);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)parse_and_encode((kf_slice){ flipped, octets.len });
    }
    wire_builder_free(&b);
}

static void test_values_are_found_by_name_and_type(void **state)
{
    (void)state;
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    assert_ok(wire_builder_new(&b));
    build_sample(b);
    assert_ok(wire_builder_done(b, &octets));
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    const wire_value *map = wire_tree_root(tree);
    assert_slice_equal(wire_get_text(map, "verb"), kf_slice_str("key list"));
    assert_int_equal(wire_get_int(map, "limit", 9), -5);
    assert_int_equal(wire_get_int(map, "verb", 9), 9);
    assert_int_equal(wire_get_int(map, "none", 9), 9);
    assert_true(wire_get_bool(map, "plan", false));
    assert_int_equal(wire_get_octets(map, "verb").len, 0);
    const wire_value *list = wire_get(map, "of");
    assert_int_equal(list->count, 2);
    assert_int_equal(wire_get_octets(list->first->next, "key").len, 3);
    assert_null(wire_get(list, "key"));
    assert_null(wire_get(NULL, "key"));
    assert_string_equal(wire_type_name(WIRE_MAP), "map");
    assert_null(wire_type_name(0));
    assert_null(wire_type_name(7));
    wire_tree_free(&tree);
    wire_builder_free(&b);
}

/* ---- builder ---- */

static void bad_name(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_put_bool(b, "Not", true);
    wire_close(b);
}
static void long_name(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_put_bool(b, "a23456789012345678901234567890123", true);
    wire_close(b);
}
static void no_name(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_put_bool(b, NULL, true);
    wire_close(b);
}
static void name_in_list(wire_builder *b)
{
    wire_open_list(b, NULL);
    wire_put_bool(b, "a", true);
    wire_close(b);
}
static void name_twice(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_put_bool(b, "a", true);
    wire_put_bool(b, "a", true);
    wire_close(b);
}
static void bad_text(wire_builder *b)
{
    wire_put_text_z(b, NULL, "\xff");
}
static void not_closed(wire_builder *b)
{
    wire_open_map(b, NULL);
}
static void closed_twice(wire_builder *b)
{
    wire_open_map(b, NULL);
    wire_close(b);
    wire_close(b);
}
static void two_values(wire_builder *b)
{
    wire_put_bool(b, NULL, true);
    wire_put_bool(b, NULL, true);
}
static void nothing(wire_builder *b)
{
    (void)b;
}
static void too_deep(wire_builder *b)
{
    for (unsigned i = 0; i <= WIRE_DEPTH_MAX; i++)
        wire_open_list(b, NULL);
    for (unsigned i = 0; i <= WIRE_DEPTH_MAX; i++)
        wire_close(b);
}
static void too_many(wire_builder *b)
{
    wire_open_list(b, NULL);
    for (unsigned i = 0; i < WIRE_VALUES_MAX; i++)
        wire_put_bool(b, NULL, true);
    wire_close(b);
}
static void too_long(wire_builder *b)
{
    static uint8_t mebi[1u << 20];
    wire_open_list(b, NULL);
    for (unsigned i = 0; i < 4; i++)
        wire_put_octets(b, NULL, KF_SLICE_OF(mebi));
    wire_close(b);
}

static void test_builder_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*build)(wire_builder *b);
        kf_err want;
    } cases[] = {
        { "bad name", bad_name, KF_E_MALFORMED },
        { "long name", long_name, KF_E_MALFORMED },
        { "no name", no_name, KF_E_MALFORMED },
        { "name in a list", name_in_list, KF_E_MALFORMED },
        { "name twice", name_twice, KF_E_MALFORMED },
        { "bad text", bad_text, KF_E_MALFORMED },
        { "not closed", not_closed, KF_E_STATE },
        { "closed twice", closed_twice, KF_E_STATE },
        { "two values", two_values, KF_E_STATE },
        { "nothing", nothing, KF_E_STATE },
        { "too deep", too_deep, KF_E_NO_SPACE },
        { "too many", too_many, KF_E_NO_SPACE },
        { "too long", too_long, KF_E_NO_SPACE },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        wire_builder *b = NULL;
        kf_slice octets;
        assert_ok(wire_builder_new(&b));
        cases[i].build(b);
        kf_err got = wire_builder_done(b, &octets);
        if (got != cases[i].want || octets.len != 0)
            fail_msg("%s: %s", cases[i].name, kf_err_name(got));
        wire_builder_free(&b);
    }
    wire_builder_free(NULL);
}

static void test_builder_grows(void **state)
{
    (void)state;
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    const uint32_t count = WIRE_VALUES_MAX - 1;
    assert_ok(wire_builder_new(&b));
    wire_open_list(b, NULL);
    for (uint32_t i = 0; i < count; i++)
        wire_put_int(b, NULL, i);
    wire_close(b);
    assert_ok(wire_builder_done(b, &octets));
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    const wire_value *v = wire_tree_root(tree)->first;
    for (uint32_t i = 0; i < count; i++, v = v->next)
        assert_int_equal(v->number, i);
    assert_null(v);
    wire_tree_free(&tree);
    wire_builder_free(&b);
}

/* ---- what a verb takes ---- */

static const wire_field fields[] = {
    { .name = "kid", .type = WIRE_INT, .is_required = true, .min = 0, .max = 65535 },
    { .name = "kind", .type = WIRE_TEXT, .min = 1, .max = 8, .words = "tek|kek" },
    { .name = "name", .type = WIRE_TEXT, .min = 1, .max = 4 },
    { .name = "key", .type = WIRE_OCTETS, .min = 2, .max = 2 },
    { .name = "of", .type = WIRE_LIST, .min = 1, .max = 2, .of = WIRE_INT },
    { .name = "any", .type = WIRE_INT },
    { .name = NULL },
};

static void test_check_table(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        kf_err want;
        const char *field;
    } cases[] = {
        { "all it needs", "06 0001 03 6b6964 02 000000000000ffff", KF_OK, "" },
        { "missing", "06 0000", KF_E_TRUNCATED, "kid" },
        { "unknown", "06 0001 03 6b6965 02 0000000000000000", KF_E_TRAILING, "kie" },
        { "above", "06 0001 03 6b6964 02 0000000000010000", KF_E_MALFORMED, "kid" },
        { "below", "06 0001 03 6b6964 02 ffffffffffffffff", KF_E_MALFORMED, "kid" },
        { "type", "06 0001 03 6b6964 01 01", KF_E_MALFORMED, "kid" },
        { "word", "06 0002 03 6b6964 02 0000000000000000 04 6b696e64 03 00000003 6b656b", KF_OK,
          "" },
        { "no word", "06 0002 03 6b6964 02 0000000000000000 04 6b696e64 03 00000003 6b6567",
          KF_E_MALFORMED, "kind" },
        { "part of a word", "06 0002 03 6b6964 02 0000000000000000 04 6b696e64 03 00000002 6b65",
          KF_E_MALFORMED, "kind" },
        { "two words",
          "06 0002 03 6b6964 02 0000000000000000 04 6b696e64 03 00000007 74656b7c6b656b",
          KF_E_MALFORMED, "kind" },
        { "text too long",
          "06 0002 03 6b6964 02 0000000000000000 04 6e616d65 03 00000005 6161616161",
          KF_E_MALFORMED, "name" },
        { "text empty", "06 0002 03 6b6964 02 0000000000000000 04 6e616d65 03 00000000",
          KF_E_MALFORMED, "name" },
        { "octets short", "06 0002 03 6b6964 02 0000000000000000 03 6b6579 04 00000001 00",
          KF_E_MALFORMED, "key" },
        { "list empty", "06 0002 03 6b6964 02 0000000000000000 02 6f66 05 00000000", KF_E_MALFORMED,
          "of" },
        { "list of others", "06 0002 03 6b6964 02 0000000000000000 02 6f66 05 00000001 01 01",
          KF_E_MALFORMED, "of" },
        { "no bounds", "06 0002 03 6b6964 02 0000000000000000 03 616e79 02 8000000000000000", KF_OK,
          "" },
        { "no map", "01 01", KF_E_MALFORMED, "" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[128];
        char field[WIRE_NAME_MAX + 1];
        wire_tree *tree = NULL;
        kf_fault fault;
        assert_ok(wire_tree_parse(testing_hex(cases[i].hex, buf, sizeof buf), &tree, &fault));
        kf_err got = wire_check(wire_tree_root(tree), fields, field);
        if (got != cases[i].want || strcmp(field, cases[i].field) != 0)
            fail_msg("%s: %s %s", cases[i].name, kf_err_name(got), field);
        wire_tree_free(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_table),
        cmocka_unit_test(test_random_trees_round_trip),
        cmocka_unit_test(test_prefixes_and_bit_flips),
        cmocka_unit_test(test_values_are_found_by_name_and_type),
        cmocka_unit_test(test_builder_refuses),
        cmocka_unit_test(test_builder_grows),
        cmocka_unit_test(test_check_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

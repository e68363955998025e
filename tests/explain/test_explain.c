/* Whole messages: every octet told once, the fault where the decoder found it, bounds. */
#include <stdlib.h>

#include "crypto/container.h"
#include "explain/record.h"
#include "mcdata/protected_payload.h"
#include "mikey/mikey.h"
#include "support/world.h"

static world_domain home;
static mcsec_user_keys *iwf, *alice;
static uint8_t message[MIKEY_MESSAGE_MAX];
static size_t message_len;
static const explain_options plain = { .near = WORLD_NOW };

static void seal(bool hide, unsigned compat)
{
    testing_rng rng;
    kf_fault fault;
    kf_writer w = kf_writer_init(message, sizeof message);
    kf_secret *key = testing_secret_hex("07d1a1677ac36d8e81620484689b3c2d");
    mikey_key_params params = { .key_type = MCSEC_GMK,
                                .status = MIKEY_STATUS_NOT_REVOKED,
                                .text = kf_slice_str("structure fire"),
                                .group_count = 1 };
    params.groups[0] = kf_slice_str("sip:fire@mc.example");
    const mikey_seal what = { .from = iwf,
                              .to_domain = home.domain,
                              .to_uri = kf_slice_str(WORLD_ALICE),
                              .purpose = MCSEC_GMK,
                              .key = key,
                              .key_id = UINT32_C(0x0df9bc39),
                              .now = WORLD_NOW,
                              .params = &params,
                              .to_self = true,
                              .hide = hide,
                              .compat = compat };
    testing_rng_init(&rng, "explain");
    assert_ok(mikey_seal_message(&what, &rng.rng, &w, &fault));
    message_len = w.len;
    kf_secret_free(&key);
}

static int set_up(void **state)
{
    (void)state;
    world_domain_init(&home, "kms.example.org", (mcsec_period){ WORLD_PERIOD, 0 });
    uint64_t n = world_period(&home, WORLD_NOW);
    iwf = world_user(&home, WORLD_IWF, n, MCSEC_ID_UID);
    alice = world_user(&home, WORLD_ALICE, n, MCSEC_ID_UID);
    seal(false, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcsec_user_keys_free(&iwf);
    mcsec_user_keys_free(&alice);
    world_domain_clear(&home);
    return 0;
}

static kf_slice good(void)
{
    return (kf_slice){ message, message_len };
}

static void every_octet_is_told_once(void **state)
{
    (void)state;
    kf_err err = KF_OK;
    record *r = record_explain(good(), &plain, &err);
    assert_int_equal(err, KF_OK);
    assert_int_equal(r->found.kind, EXPLAIN_I_MESSAGE);
    assert_int_equal(r->layers, 2);
    assert_int_equal(r->octets_told[0], message_len);
    int params = record_find(r, "GENEXT.key_params");
    assert_true(params >= 0);
    assert_int_equal(r->octets_told[1], r->len[params]);
    assert_string_equal(r->meanings[record_find(r, "T.ts_value")], "2026-11-23T09:30:00Z");
    assert_string_equal(r->meanings[record_find(r, "IDR.id")], WORLD_IWF);
    assert_int_equal(r->at[record_find(r, "HDR.csb_id")], 4);
}

static mikey_receiver receiver_of(const mcsec_user_keys *const *keys,
                                  const mcsec_domain *const *domains, const mikey_rule *rule)
{
    return (mikey_receiver){ .keys = keys,
                             .key_count = 1,
                             .domains = domains,
                             .domain_count = 1,
                             .rules = rule,
                             .rule_count = 1,
                             .now = WORLD_NOW,
                             .window_s = MIKEY_WINDOW_S };
}

static void keys_open_the_third_layer(void **state)
{
    (void)state;
    const mcsec_user_keys *const keys[] = { alice };
    const mcsec_domain *const domains[] = { home.domain };
    const mikey_rule rule = { MCSEC_GMK, { NULL, 0 } };
    const mikey_receiver receiver = receiver_of(keys, domains, &rule);
    const explain_options options = { .near = WORLD_NOW, .receiver = &receiver };
    kf_err err = KF_OK;
    record *r = record_explain(good(), &options, &err);
    assert_int_equal(err, KF_OK);
    assert_int_equal(r->layers, 3);
    assert_int_equal(r->notes, 2);
    assert_int_equal(r->octets_told[2], r->layer_octets);
    assert_string_equal(r->meanings[record_find(r, "PARAMS.text")], "structure fire");
    assert_string_equal(r->meanings[record_find(r, "PARAMS.group_id")], "sip:fire@mc.example");

    /* A message that its receiver refuses is bad, however well it is formed. */
    const mikey_rule other = { MCSEC_GMK, kf_slice_str("sip:somebody@else") };
    const mikey_receiver strict = receiver_of(keys, domains, &other);
    const explain_options refusing = { .near = WORLD_NOW, .receiver = &strict };
    r = record_explain(good(), &refusing, &err);
    assert_int_equal(err, KF_E_DENIED);
    assert_int_equal(r->octets_told[0], message_len);
}

/* Explaining a bad message gives the fault of its parser and the fields before it. */
static void compare_with_parser(kf_slice octets)
{
    mikey_message m;
    mcdata_protected p;
    kf_fault fault, inner;
    const explain_options options = { .as = EXPLAIN_I_MESSAGE, .near = WORLD_NOW };
    kf_err err = KF_OK, want = mikey_message_parse(octets, NULL, &m, &fault);
    record *r = record_explain(octets, &options, &err);
    if (want == KF_OK && m.key_params.len > 0) {
        want = mcdata_protected_parse(m.key_params, &p, &inner);
        fault = inner;
    }
    if (r->found.form != EXPLAIN_BINARY)
        return; /* what looks like text is read as text */
    assert_int_equal(err, want);
    if (want != KF_OK) {
        assert_int_equal(r->fault.at, fault.at);
        assert_string_equal(r->fault.field, fault.field);
    }
}

static void every_prefix_ends_where_the_parser_ends(void **state)
{
    (void)state;
    for (size_t len = 0; len <= message_len; len++) {
        uint8_t *exact = malloc(len == 0 ? 1 : len);
        assert_non_null(exact);
        memcpy(exact, message, len);
        compare_with_parser((kf_slice){ exact, len });
        free(exact);
    }
}

static void every_bit_flip_is_the_parsers_fault(void **state)
{
    (void)state;
    size_t step = testing_count(7, 1); /* every 7th bit, or all */
    step = step > 7 ? 1 : step;
    for (size_t bit = 0; bit < 8 * message_len; bit += step) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        compare_with_parser(good());
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* --- the other kinds -------------------------------------------------------------------------- */

static void container_fields_are_those_of_its_parser(void **state)
{
    (void)state;
    uint8_t octets[KF_CONTAINER_OVERHEAD + 40];
    kf_writer w = kf_writer_init(octets, sizeof octets);
    testing_rng rng;
    testing_rng_init(&rng, "container");
    const kf_scrypt_cost cheap = { 1, 1, 1 };
    assert_ok(kf_container_seal(KF_CONTAINER_KMS_DOMAIN, kf_slice_str("pass"), cheap,
                                (kf_slice){ message, 40 }, &rng.rng, &w));
    kf_err err = KF_OK;
    record *r = record_explain(kf_writer_slice(&w), &plain, &err);
    assert_int_equal(err, KF_OK);
    assert_int_equal(r->found.kind, EXPLAIN_CONTAINER);
    assert_int_equal(r->octets_told[0], w.len);
    assert_int_equal(r->fields, 10);

    /* Where the octets end is where the parser misses one: the field there is the one that follows
     * those told. */
    static const char *const order[] = {
        "container.magic",    "container.version",  "container.kind", "container.scrypt_log2_n",
        "container.scrypt_r", "container.scrypt_p", "container.salt", "container.nonce",
        "container.length",   "container.sealed",
    };
    const explain_options as = { .as = EXPLAIN_CONTAINER, .near = WORLD_NOW };
    for (size_t len = 1; len < w.len; len++) {
        r = record_explain((kf_slice){ octets, len }, &as, &err);
        if (r->found.form != EXPLAIN_BINARY)
            continue;
        assert_int_equal(err, KF_E_TRUNCATED);
        assert_true(r->fields < KF_COUNT(order));
        for (size_t i = 0; i < r->fields; i++)
            assert_string_equal(r->names[i], order[i]);
        assert_string_equal(r->fault.field, order[r->fields]);
        assert_int_equal(r->octets_told[0], r->fault.at);
    }
}

static const char key_set[] =
    "<?xml version=\"1.0\"?>\n<KmsResponse xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\" "
    "Version=\"1.0.0\"><UserUri>sip:a@b</UserUri><KmsUri>kms</KmsUri>"
    "<Time>2026-11-23T09:30:00Z</Time><ClientReqUrl>/x</ClientReqUrl>"
    "<KmsError><ErrorCode>404</ErrorCode><ErrorMsg>no such certificate</ErrorMsg></KmsError>"
    "</KmsResponse>";

static void xml_shows_elements_and_stops_at_the_fault(void **state)
{
    (void)state;
    kf_err err = KF_OK;
    record *r = record_explain(kf_slice_str(key_set), &plain, &err);
    assert_int_equal(err, KF_OK);
    assert_int_equal(r->found.kind, EXPLAIN_KMS_XML);
    assert_true(record_find(r, "response.ErrorMsg") >= 0);
    assert_memory_equal(key_set + r->at[record_find(r, "response.UserUri")], "sip:a@b", 7);
    for (size_t len = 1; len < sizeof key_set - 1; len++) {
        r = record_explain((kf_slice){ (const uint8_t *)key_set, len }, &plain, &err);
        assert_int_not_equal(err, KF_OK);
    }
}

static void secrets_in_xml_are_not_told(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "<KmsResponse><KmsKeySet><UserDecryptKey>deadbeefcafe</UserDecryptKey>",
        "<KmsResponse><KmsKeySet><UserDecryptKeys>deadbeefcafe</UserDecryptKeys>",
        "<KmsResponse><KmsKeySet><UserSigningKeySSK a='deadbeefcafe'>deadbeefcafe<x/>",
        "<KmsResponse><KmsKeySet><!-- deadbeefcafe --><![CDATA[deadbeefcafe]]>deadbeefcafe",
        "<KmsResponse Idd='deadbeefcafe'>",
        "<NewTransportKey>deadbeefcafe",
    };
    for (size_t i = 0; i < KF_COUNT(documents); i++) {
        kf_err err = KF_OK;
        record *r = record_explain(kf_slice_str(documents[i]), &plain, &err);
        assert_int_not_equal(err, KF_OK);
        for (size_t k = 0; k < r->fields; k++)
            if (strstr(r->values[k], "deadbeef") != NULL ||
                strstr(r->meanings[k], "deadbeef") != NULL)
                fail_msg("told of document %zu: %s = %s", i, r->values[k], r->meanings[k]);
    }
}

static void public_parts_of_xml_are_told(void **state)
{
    (void)state;
    kf_err err = KF_OK;
    record *r = record_explain(kf_slice_str(key_set), &plain, &err);
    assert_int_equal(err, KF_OK);
    assert_string_equal(r->values[record_find(r, "response.ErrorMsg")], "no such certificate");
    assert_string_equal(r->values[record_find(r, "response.Version")], "1.0.0");
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void output_is_bounded(void **state)
{
    (void)state;
    size_t most = EXPLAIN_INPUT_MAX + 1;
    uint8_t *big = malloc(most);
    kf_err err = KF_OK;
    assert_non_null(big);
    /* as many elements as the parser takes before it says no */
    size_t len = (size_t)snprintf((char *)big, most, "<KmsResponse>");
    while (len + 8 < EXPLAIN_INPUT_MAX)
        len += (size_t)snprintf((char *)big + len, most - len, "<a b='c'>d");
    record *r = record_explain((kf_slice){ big, len }, &plain, &err);
    assert_int_not_equal(err, KF_OK);
    assert_true(r->fields <= EXPLAIN_FIELDS_MAX);
    memset(big, 'A', most);
    r = record_explain((kf_slice){ big, most }, &plain, &err);
    assert_int_equal(err, KF_E_NO_SPACE);
    r = record_explain((kf_slice){ big, most - 1 }, &plain, &err);
    assert_int_equal(err, KF_E_UNSUPPORTED);
    assert_int_equal(r->fields, 0);
    free(big);
}

typedef struct text {
    char octets[1u << 18];
    size_t len;
} text;

static void append(void *ctx, const char *octets, size_t len)
{
    text *t = ctx;
    assert_true(t->len + len < sizeof t->octets);
    memcpy(t->octets + t->len, octets, len);
    t->len += len;
}

static void text_of_hostile_strings_is_harmless(void **state)
{
    (void)state;
    static text t;
    explain_text render;
    kf_fault fault;
    /* An identity full of what a terminal would act on: escape, newline, right-to-left override. */
    int at = -1;
    kf_err err = KF_OK;
    record *r = record_explain(good(), &plain, &err);
    at = (int)r->at[record_find(r, "IDR.id")];
    static const uint8_t hostile[] = { 0x1b, '[', '2', 'J', '\n', 0xe2, 0x80, 0xae, 0xff, 0xc0 };
    seal(false, 0);
    memcpy(message + at, hostile, sizeof hostile);
    explain_text_init(&render, append, &t);
    assert_err(explain_message(good(), &plain, &render.sink, &fault), KF_E_MALFORMED);
    seal(false, 0);
    assert_true(t.len > 0);
    for (size_t i = 0; i < t.len; i++)
        assert_true(t.octets[i] == '\n' || (t.octets[i] >= ' ' && t.octets[i] <= '~'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_octet_is_told_once),
        cmocka_unit_test(keys_open_the_third_layer),
        cmocka_unit_test(every_prefix_ends_where_the_parser_ends),
        cmocka_unit_test(every_bit_flip_is_the_parsers_fault),
        cmocka_unit_test(container_fields_are_those_of_its_parser),
        cmocka_unit_test(xml_shows_elements_and_stops_at_the_fault),
        cmocka_unit_test(secrets_in_xml_are_not_told),
        cmocka_unit_test(public_parts_of_xml_are_told),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(text_of_hostile_strings_is_harmless),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

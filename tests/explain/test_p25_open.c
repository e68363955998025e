/* Keys of a file open P25 layers: every known answer, every bit wrong, wrong and missing keys. */
#include <stdlib.h>

#include "explain/record.h"
#include "keyfill/box.h"
#include "keyfill/ekc.h"
#include "mcdata/interworking.h"
#include "p25/seal.h"

#define AES P25_ALGID_AES256

static uint32_t add_key(keyfill_file *file, const char *name, keyfill_kind kind, uint8_t algid,
                        uint16_t kid, kf_slice key)
{
    keyfill_entry e = { .id = keyfill_file_next_entry_id(file),
                        .keyset = kind == KEYFILL_KIND_KEK ? 255 : 1,
                        .sln = kind == KEYFILL_KIND_KEK ? 61440 : 1,
                        .kid = kid,
                        .algid = algid,
                        .kind = kind,
                        .material = testing_secret(key) };
    uint32_t id = e.id;
    assert_ok(keyfill_name_set(&e.name, kf_slice_str(name)));
    assert_ok(keyfill_file_take_entry(file, &e));
    return id;
}

/* The field of a case that is "sln=1 kid=1001 HEX" or HEX, as an entry. */
static void add_field(keyfill_file *file, vectors_case *c, const char *field, keyfill_kind kind,
                      uint16_t kid)
{
    uint8_t key[32];
    char text[256];
    kf_slice written = vectors_text(c, field);
    snprintf(text, sizeof text, "%.*s", (int)written.len, (const char *)written.ptr);
    const char *hex = strrchr(text, ' ') == NULL ? text : strrchr(text, ' ') + 1;
    add_key(file, field, kind, AES, kid, testing_hex(hex, key, sizeof key));
}

/* All keys of the dialogue, and of the published examples. */
static void dialogue_keys(keyfill_file *keys)
{
    vectors_file file;
    memset(keys, 0, sizeof *keys);
    testing_vectors_load("p25-kmm-dialogue.txt", &file);
    vectors_case *c = testing_case(&file, "cbc-setup");
    add_field(keys, c, "ukek", KEYFILL_KIND_KEK, 0xf5a0);
    add_field(keys, c, "ws_tek", KEYFILL_KIND_TEK, 0x7a31);
    add_field(keys, c, "keyset1.key0", KEYFILL_KIND_TEK, 0x1001);
    add_field(keys, c, "keyset1.key1", KEYFILL_KIND_TEK, 0x1002);
    add_field(keys, c, "keyset2.key0", KEYFILL_KIND_TEK, 0x1101);
    vectors_clear(&file);
}

static kf_slice message(const char *file_name, const char *name, const char *field, uint8_t *buf,
                        size_t cap)
{
    vectors_file file;
    testing_vectors_load(file_name, &file);
    kf_slice octets = testing_field(testing_case(&file, name), field, buf, cap);
    vectors_clear(&file);
    return octets;
}

static record *open_with(const keyfill_file *keys, kf_slice octets, kf_err want)
{
    const explain_options options = { .keys = keys };
    kf_err err = KF_OK;
    record *r = record_explain(octets, &options, &err);
    assert_err(err, want);
    return r;
}

/* No octet of any key of the file is in what was told, but for those that stand for numbers. */
static void no_key_is_told(const record *r, const keyfill_file *keys)
{
    for (size_t k = 0; k < keys->entry_count; k++) {
        kf_slice key = kf_secret_view(keys->entries[k].material);
        for (size_t at = 0; at + 4 <= key.len; at++) {
            char lower[9];
            snprintf(lower, sizeof lower, "%02x%02x%02x%02x", key.ptr[at], key.ptr[at + 1],
                     key.ptr[at + 2], key.ptr[at + 3]);
            for (size_t i = 0; i < r->fields; i++)
                assert_null(strstr(r->values[i], lower));
            for (size_t i = 0; i < r->notes; i++)
                assert_null(strstr(r->note_texts[i], lower));
        }
    }
}

static void every_layer_of_the_dialogue_is_opened(void **state)
{
    (void)state;
    static const struct {
        const char *name, *field, *inner;
        const char *says[4];
    } cases[] = {
        { "cbc-01-registration-cmd", "dli", "Registration-Command", { "there is no MAC" } },
        { "cbc-04-warm-start",
          "dli",
          "Warm-Start-Command",
          { "opened with \"ukek\" of the file; 32 octets, not shown",
            "it is the key \"ws_tek\" of the file",
            "the MAC verifies with the temporary key inside: CBC-MAC" } },
        { "cbc-05-rekey-ack",
          "dli",
          "Rekey-Acknowledgment",
          { "opened with the key \"ws_tek\" of the file",
            "the MAC verifies with the key \"ws_tek\" of the file: CBC-MAC" } },
        { "cbc-06-rekey-cmd",
          "dli",
          "Rekey-Command",
          { "opened with the key \"ws_tek\"",
            "key ID 1001 for SLN 1 (AES-256): opened with \"ws_tek\" of the file; 32 octets",
            "it is the key \"keyset2.key0\" of the file",
            "key ID 1102 for SLN 2 (AES-256): opened with \"ws_tek\"" } },
        { "cbc-06-rekey-cmd", "dld", "Rekey-Command", { "the MAC verifies", "key ID 1102" } },
        { "cbc-07-rekey-ack",
          "dld",
          "Rekey-Acknowledgment",
          { "\"keyset1.key0\" of the file: CBC-MAC" } },
        { "cbc-08-changeover-cmd", "dli", "Changeover-Command", { "verifies" } },
        { "cbc-09-changeover-rsp", "dli", "Changeover-Response", { "verifies" } },
        { "cbc-10-zeroize-cmd", "dld", "Zeroize-Command", { "\"keyset2.key0\"" } },
        { "cbc-11-zeroize-rsp", "dli", "Zeroize-Response", { "verifies" } },
    };
    keyfill_file keys;
    dialogue_keys(&keys);
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[1024], clear[1024];
        kf_slice octets =
            message("p25-kmm-dialogue.txt", cases[i].name, cases[i].field, buf, sizeof buf);
        kf_slice kmm = message("p25-kmm-dialogue.txt", cases[i].name, "kmm", clear, sizeof clear);
        print_message("%s %s\n", cases[i].name, cases[i].field);
        record *r = open_with(&keys, octets, KF_OK);
        assert_int_equal(r->layers, 2);
        assert_int_equal(r->layer_octets, kmm.len);
        assert_int_equal(r->octets_told[1], kmm.len);
        assert_string_equal(r->meanings[record_find(r, "KMM.message_id")], cases[i].inner);
        for (size_t k = 0; k < 4 && cases[i].says[k] != NULL; k++)
            if (!record_says(r, cases[i].says[k]))
                fail_msg("not told: %s", cases[i].says[k]);
        no_key_is_told(r, &keys);
    }
    keyfill_file_clear(&keys);
}

static void every_scheme_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *name, *scheme;
    } cases[] = {
        { "rekey-cbc", ": CBC-MAC" },
        { "rekey-cmac-c", ": CMAC, key derivation of revision C" },
        { "rekey-cmac-d", ": CMAC, key derivation of revision D" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        uint8_t buf[512], key[32];
        keyfill_file keys = { 0 };
        p25_kmm_frame frame;
        kf_fault fault;
        kf_slice kmm = message("p25-kmm-mac.txt", cases[i].name, "kmm", buf, sizeof buf);
        assert_ok(p25_kmm_frame_parse(kmm, &frame, &fault));
        add_key(&keys, "K", KEYFILL_KIND_TEK, AES, frame.mac.kid,
                message("p25-kmm-mac.txt", cases[i].name, "mac_tek", key, sizeof key));
        record *r = open_with(&keys, kmm, KF_OK);
        if (!record_says(r, cases[i].scheme))
            fail_msg("%s: not told: %s", cases[i].name, r->note_texts[0]);
        assert_true(record_says(r, "no key of the file fits; what would: AES-256, key ID"));
        keyfill_file_clear(&keys);
    }
}

static void every_bit_of_a_message_counts(void **state)
{
    (void)state;
    keyfill_file keys;
    uint8_t buf[1024];
    dialogue_keys(&keys);
    kf_slice octets =
        message("p25-kmm-dialogue.txt", "cbc-08-changeover-cmd", "dli", buf, sizeof buf);
    for (size_t bit = 8 * P25_DLI_OCTETS; bit < 8 * octets.len; bit++) {
        const explain_options options = { .as = EXPLAIN_DLI, .keys = &keys };
        kf_err err = KF_OK;
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        record *r = record_explain(octets, &options, &err);
        /* another key ID or no MAC block: then it is said that the MAC was not checked */
        if (err == KF_OK)
            assert_false(record_says(r, "verifies"));
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    octets = message("p25-kmm-dialogue.txt", "cbc-08-changeover-cmd", "kmm", buf, sizeof buf);
    kf_fault fault;
    p25_kmm_frame frame;
    assert_ok(p25_kmm_frame_parse(octets, &frame, &fault));
    for (size_t bit = 8 * frame.mac_at; bit < 8 * (frame.mac_at + 8); bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        record *r = open_with(&keys, octets, KF_E_AUTH);
        assert_string_equal(r->fault.field, "KMM.mac");
        assert_int_equal(r->fault.at, frame.mac_at);
        assert_true(record_says(r, "does NOT verify"));
        assert_int_equal(r->octets_told[0], octets.len); /* all the same everything is shown */
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    keyfill_file_clear(&keys);
}

static void replace(keyfill_file *keys, size_t at, const char *hex)
{
    kf_secret_free(&keys->entries[at].material);
    keys->entries[at].material = testing_secret_hex(hex);
}

#define OTHER "168562453B3E7F618D68B387E0B997E1FB0F264FA83B74E43B172917BD39339F"

static void wrong_keys_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
        size_t wrong; /* place of the key that is another one */
        const char *field, *says;
    } cases[] = {
        { "outer", "cbc-06-rekey-cmd", 1, "outer", "makes no message of it" },
        { "KEK of a warm start", "cbc-04-warm-start", 0, "KEY.key", "was not checked" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        keyfill_file keys;
        uint8_t buf[1024];
        print_message("%s\n", cases[i].name);
        dialogue_keys(&keys);
        replace(&keys, cases[i].wrong, OTHER);
        record *r = open_with(
            &keys, message("p25-kmm-dialogue.txt", cases[i].message, "dli", buf, sizeof buf),
            KF_E_AUTH);
        assert_string_equal(r->fault.field, cases[i].field);
        assert_true(record_says(r, cases[i].says));
        no_key_is_told(r, &keys);
        keyfill_file_clear(&keys);
    }
    /* The published example: the KEK is another one, the rest is right. */
    keyfill_file example = { 0 };
    uint8_t octets[512], material[32];
    add_key(&example, "outer", KEYFILL_KIND_TEK, AES, 0x2f62,
            message("p25-kmm-rekey.txt", "rekey-cbc", "outer_tek", material, sizeof material));
    add_key(&example, "kek", KEYFILL_KIND_KEK, AES, 0x50bc,
            message("p25-kmm-rekey.txt", "rekey-cbc", "kek", material, sizeof material));
    kf_slice rekey = message("p25-kmm-rekey.txt", "rekey-cbc", "dli", octets, sizeof octets);
    record *whole = open_with(&example, rekey, KF_OK);
    assert_true(record_says(whole, "key ID 4983 for SLN 0 (AES-256): opened with \"kek\""));
    replace(&example, 1, OTHER);
    whole = open_with(&example, rekey, KF_E_AUTH);
    assert_string_equal(whole->fault.field, "KEY.key");
    assert_true(record_says(whole, "the MAC verifies with the key \"outer\""));
    assert_true(record_says(whole, "NOT opened: the KEK of the file is another"));
    keyfill_file_clear(&example);
    /* A traffic key of the file that is not the one that came out. */
    keyfill_file keys;
    uint8_t buf[1024];
    dialogue_keys(&keys);
    replace(&keys, 2, OTHER);
    record *r = open_with(
        &keys, message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "dli", buf, sizeof buf), KF_OK);
    assert_true(record_says(r, "it is NOT the key \"keyset1.key0\" of the file"));
    /* Two of one number: the one that fits is found. */
    uint8_t key[32];
    keyfill_file two = { 0 };
    add_key(&two, "first", KEYFILL_KIND_TEK, AES, 0x7a31, testing_hex(OTHER, key, sizeof key));
    add_key(&two, "second", KEYFILL_KIND_TEK, AES, 0x7a31,
            kf_secret_view(keys.entries[1].material));
    r = open_with(&two, message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "dli", buf, sizeof buf),
                  KF_OK);
    assert_int_equal(r->layers, 2);
    assert_true(record_says(r, "opened with the key \"second\""));
    keyfill_file_clear(&two);
    keyfill_file_clear(&keys);
}

static void missing_keys_are_named(void **state)
{
    (void)state;
    keyfill_file none = { 0 }, keys;
    uint8_t buf[1024];
    kf_slice octets = message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "dli", buf, sizeof buf);
    record *r = open_with(&none, octets, KF_OK);
    assert_int_equal(r->layers, 1);
    assert_true(record_says(r, "not opened: no key of the file fits; what would: AES-256, key ID "
                               "7A31"));
    octets = message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "kmm", buf, sizeof buf);
    r = open_with(&none, octets, KF_OK);
    assert_true(record_says(r, "the MAC was not checked: no key of the file fits; what would: "
                               "AES-256, key ID 7A31"));
    assert_true(record_says(r, "what would: AES-256, key ID 7A31, of RSI 74565 or its group"));
    octets = message("p25-kmm-dialogue.txt", "cbc-04-warm-start", "dli", buf, sizeof buf);
    r = open_with(&none, octets, KF_OK);
    assert_true(record_says(r, "so it was not checked"));
    /* The UKEK of another radio is not ours, even under the same number. */
    dialogue_keys(&keys);
    keys.entries[0].has_rsi = true;
    keys.entries[0].rsi = 1001;
    r = open_with(&keys, octets, KF_OK);
    assert_true(record_says(r, "so it was not checked"));
    keys.entries[0].rsi = 0x012345;
    r = open_with(&keys, octets, KF_OK);
    assert_true(record_says(r, "the MAC verifies with the temporary key"));
    /* A KEK does not open an outer layer. */
    keys.entries[1].kind = KEYFILL_KIND_KEK;
    octets = message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "dli", buf, sizeof buf);
    r = open_with(&keys, octets, KF_OK);
    assert_int_equal(r->layers, 1);
    /* A key that is too short for what it says it is. */
    keys.entries[1].kind = KEYFILL_KIND_TEK;
    replace(&keys, 1, "0011");
    r = open_with(&keys, octets, KF_OK);
    assert_true(record_says(r, "wrong length"));
    keyfill_file_clear(&keys);
}

static void interworking_payloads_are_opened(void **state)
{
    (void)state;
    keyfill_file keys;
    uint8_t buf[1024], octets[1200];
    dialogue_keys(&keys);
    const mcdata_interworking m = {
        MCDATA_INTERWORKING_REQUEST, MCDATA_LMR_P25, kf_slice_str("sip:kmf@lmr.example"),
        message("p25-kmm-dialogue.txt", "cbc-06-rekey-cmd", "dli", buf, sizeof buf)
    };
    kf_writer w = kf_writer_init(octets, sizeof octets);
    mcdata_interworking_encode(&m, &w);
    assert_ok(w.err);
    record *r = open_with(&keys, kf_writer_slice(&w), KF_OK);
    assert_int_equal(r->layers, 3);
    assert_true(record_says(r, "the MAC verifies with the key \"ws_tek\""));
    no_key_is_told(r, &keys);
    keyfill_file_clear(&keys);
}

static void voice_keys_are_looked_for(void **state)
{
    (void)state;
    keyfill_file keys = { 0 };
    uint8_t buf[512], key[32];
    kf_slice rtp = message("p25-rtp-issi.txt", "enc-header", "rtp", buf, sizeof buf);
    assert_true(record_says(open_with(&keys, rtp, KF_OK), "what would: AES-256, key ID 1234"));
    add_key(&keys, "talk", KEYFILL_KIND_TEK, AES, 0x1234, testing_hex(OTHER, key, sizeof key));
    assert_true(record_says(open_with(&keys, rtp, KF_OK), "the file has that key: \"talk\""));
    keyfill_file_clear(&keys);
}

/* A key that travels in clear stays unseen when the layer around it is opened. */
static void clear_keys_in_opened_layers_are_not_told(void **state)
{
    (void)state;
    static p25_kmm kmm;
    static const uint8_t secret[32] = { 0xa5, 0x5a, 0x77, 0x13, 0xa5, 0x5a, 0x77, 0x13 };
    uint8_t octets[P25_DLI_DATAGRAM_MAX], clear[P25_KMM_OCTETS_MAX];
    keyfill_file keys;
    dialogue_keys(&keys);
    memset(&kmm, 0, sizeof kmm);
    kmm.frame.message_id = P25_KMM_MODIFY_KEY_CMD;
    p25_modify_key *b = &kmm.body.modify_key;
    b->decryption.algid = P25_ALGID_CLEAR;
    b->keyset = 1;
    b->algid = AES;
    b->key_octets = sizeof secret;
    b->item_count = 1;
    b->items[0] = (p25_key_item){ .sln = 1, .kid = 0x1001, .key = KF_SLICE_OF(secret) };
    kf_writer inner = kf_writer_init(clear, sizeof clear);
    p25_kmm_encode(&kmm, &inner);
    assert_ok(inner.err);
    p25_dli dli = { .sync = { AES, 0x7a31, { 1, 2, 3, 4, 5, 6, 7, 8, 0 } } };
    p25_tek *tek = NULL;
    assert_ok(p25_tek_new(AES, 0x7a31, keys.entries[1].material, &tek));
    assert_ok(p25_outer_apply(tek, dli.sync.mi, clear, inner.len));
    p25_tek_free(&tek);
    dli.kmm = (kf_slice){ clear, inner.len };
    kf_writer w = kf_writer_init(octets, sizeof octets);
    p25_dli_encode(&dli, &w);
    record *r = open_with(&keys, kf_writer_slice(&w), KF_OK);
    assert_int_equal(r->layers, 2);
    assert_string_equal(r->meanings[record_find(r, "KEY.key")], "key in clear, 32 octets");
    for (size_t i = 0; i < r->fields; i++)
        assert_null(strstr(r->values[i], "a55a"));
    for (size_t i = 0; i < r->notes; i++)
        assert_null(strstr(r->note_texts[i], "a55a"));
    keyfill_file_clear(&keys);
}

/* --- key files -------------------------------------------------------------------------------- */

static void our_key_file_is_opened(void **state)
{
    (void)state;
    keyfill_file keys;
    keyfill_group *group = NULL;
    keyfill_name name;
    uint8_t octets[4096];
    testing_rng rng;
    kf_err err = KF_OK;
    const kf_scrypt_cost cheap = { 1, 1, 1 };
    testing_rng_init(&rng, "key file");
    dialogue_keys(&keys);
    assert_ok(keyfill_name_set(&name, kf_slice_str("ALL")));
    assert_ok(keyfill_file_add_group(&keys, 1, &name, &group));
    assert_ok(keyfill_file_add_member(&keys, group, 2));
    keys.entries[1].has_rsi = true; /* a warning */
    kf_writer w = kf_writer_init(octets, sizeof octets);
    assert_ok(keyfill_box_seal(&keys, kf_slice_str("pass"), cheap, &rng.rng, &w));
    explain_options options = { .passphrase = kf_slice_str("pass") };
    record *r = record_explain(kf_writer_slice(&w), &options, &err);
    assert_ok(err);
    assert_int_equal(r->layers, 2);
    assert_int_equal(r->octets_told[1], r->layer_octets);
    assert_string_equal(r->meanings[record_find(r, "keyfile.kid")], "key ID F5A0");
    assert_string_equal(r->meanings[record_find(r, "keyfile.group_name")], "ALL");
    assert_string_equal(r->values[record_find(r, "keyfile.key")], "(32 octets, not shown)");
    assert_true(record_says(r, "warning, key 2 \"ws_tek\": An RSI says whose KEK"));
    no_key_is_told(r, &keys);
    options.passphrase = kf_slice_str("word");
    r = record_explain(kf_writer_slice(&w), &options, &err);
    assert_err(err, KF_E_AUTH);
    assert_int_equal(r->layers, 1);
    keyfill_file_clear(&keys);
}

static void an_ekc_is_opened(void **state)
{
    (void)state;
    uint8_t buf[4096];
    kf_err err = KF_OK;
    explain_options options = { .passphrase = kf_slice_str("correct horse") };
    kf_slice octets = message("p25-ekc.txt", "two-keys", "file", buf, sizeof buf);
    record *r = record_explain(octets, &options, &err);
    assert_ok(err);
    assert_true(record_says(r, "key 1 \""));
    assert_true(record_says(r, "key 2 \""));
    assert_true(record_says(r, "KEK; not shown"));
    assert_true(record_says(r, "This format does not protect its content"));
    options.passphrase = kf_slice_str("wrong horse");
    r = record_explain(octets, &options, &err);
    assert_err(err, KF_E_AUTH);
    assert_string_equal(r->fault.field, "ekc.password");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_of_the_dialogue_is_opened),
        cmocka_unit_test(every_scheme_verifies),
        cmocka_unit_test(every_bit_of_a_message_counts),
        cmocka_unit_test(wrong_keys_are_told),
        cmocka_unit_test(missing_keys_are_named),
        cmocka_unit_test(interworking_payloads_are_opened),
        cmocka_unit_test(voice_keys_are_looked_for),
        cmocka_unit_test(clear_keys_in_opened_layers_are_not_told),
        cmocka_unit_test(our_key_file_is_opened),
        cmocka_unit_test(an_ekc_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

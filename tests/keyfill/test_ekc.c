/* KFDtool's container: known answer, round trip, and what is wrong or means harm. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "keyfill/ekc.h"
#include "keyfill/ekc_inner.h"
#include "xml/memory.h"

#define PASSWORD "correct horse"
#define QUICK    3u /* iterations */
#define FILE_MAX (4u << 20)

static kf_err read_as(kf_slice octets, const char *password, keyfill_file *file, kf_fault *fault)
{
    keyfill_findings findings = { 0 };
    memset(file, 0xa5, sizeof *file);
    kf_err err = keyfill_ekc_read(octets, kf_slice_str(password), KEYFILL_EKC_ITERATIONS_MAX, file,
                                  &findings, fault);
    assert_int_equal(err, fault->code);
    if (err != KF_OK) {
        assert_true(fixture_is_empty(file));
        assert_non_null(fault->field);
        assert_int_equal(findings.count, 0);
    } else {
        assert_int_equal(keyfill_findings_count(&findings, KEYFILL_NO_INTEGRITY), 1);
    }
    assert_int_equal(xml_memory_in_use(), 0);
    keyfill_findings_clear(&findings);
    return err;
}

/* ---- the vector ---- */

static void field_agrees(const char *line, const char *name, const char *value)
{
    char want[300];
    snprintf(want, sizeof want, "%s=%s", name, value);
    const char *at = strstr(line, want);
    if (at == NULL || (at[strlen(want)] != ' ' && at[strlen(want)] != 0))
        fail_msg("%s is not in: %s", want, line);
}

static void entry_agrees(const keyfill_entry *e, kf_slice record)
{
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)record.len, (const char *)record.ptr);
    static const char *const kinds[] = { "auto", "tek", "kek" };
    char text[300], hex[2 * KEYFILL_MATERIAL_MAX + 1] = { 0 };
    snprintf(text, sizeof text, "\"%.*s\"", e->name.len, (const char *)e->name.octets);
    field_agrees(line, "name", text);
    field_agrees(line, "active", e->is_active ? "true" : "false");
    snprintf(text, sizeof text, "%u", e->keyset);
    field_agrees(line, "keyset", text);
    snprintf(text, sizeof text, "%u", e->sln);
    field_agrees(line, "sln", text);
    field_agrees(line, "type", kinds[e->kind]);
    snprintf(text, sizeof text, "%04X", e->kid);
    field_agrees(line, "kid", text);
    snprintf(text, sizeof text, "%02X", e->algid);
    field_agrees(line, "alg", text);
    for (size_t i = 0; i < kf_secret_len(e->material); i++)
        snprintf(hex + 2 * i, 3, "%02X", kf_secret_view(e->material).ptr[i]);
    field_agrees(line, "material", hex);
}

static kf_slice vector(vectors_file *file, vectors_case **c, uint8_t *buf, size_t cap)
{
    testing_vectors_load("p25-ekc.txt", file);
    *c = testing_case(file, "two-keys");
    return testing_field(*c, "file", buf, cap);
}

static void the_vector_field_by_field(void **state)
{
    (void)state;
    static uint8_t buf[4096];
    vectors_file vectors;
    vectors_case *c = NULL;
    keyfill_file file;
    kf_fault fault;
    kf_slice octets = vector(&vectors, &c, buf, sizeof buf);
    assert_ok(read_as(octets, PASSWORD, &file, &fault));
    assert_int_equal(file.entry_count, 2);
    const char *names[] = { "key1", "key2" };
    for (size_t i = 0; i < 2; i++)
        entry_agrees(&file.entries[i], vectors_text(c, names[i]));
    assert_int_equal(file.entries[0].id, 1);
    assert_int_equal(file.entries[1].id, 2);
    assert_false(keyfill_entry_is_kek(&file.entries[0]));
    assert_true(keyfill_entry_is_kek(&file.entries[1]));
    assert_int_equal(file.group_count, 1);
    assert_slice_equal(vectors_text(c, "group1"), kf_slice_str("name=\"ALL\" keys=1,2"));
    assert_slice_equal(keyfill_name_view(&file.groups[0].name), kf_slice_str("ALL"));
    assert_int_equal(file.groups[0].member_count, 2);
    assert_int_equal(file.groups[0].members[0], 1);
    assert_int_equal(file.groups[0].members[1], 2);
    keyfill_file_clear(&file);
    keyfill_ekc_outer outer;
    uint8_t salt[KEYFILL_EKC_SALT_MAX];
    assert_ok(keyfill_ekc_read_outer(octets, &outer, &fault));
    assert_int_equal(outer.minor, 0);
    assert_int_equal(outer.iterations, 100000);
    assert_slice_equal(((kf_slice){ outer.salt, outer.salt_octets }),
                       testing_field(c, "salt", salt, sizeof salt));
    assert_true(outer.sealed_octets > 32 && outer.sealed_octets % 16 == 0);
    assert_err(read_as(octets, "wrong horse", &file, &fault), KF_E_AUTH);
    assert_err(read_as(octets, "", &file, &fault), KF_E_AUTH);
    vectors_clear(&vectors);
}

/* ---- round trip ---- */

static kf_slice written(const keyfill_file *file, uint8_t *buf)
{
    testing_rng rng;
    keyfill_findings findings = { 0 };
    testing_rng_init(&rng, "ekc");
    kf_writer w = kf_writer_init(buf, FILE_MAX);
    assert_true(keyfill_ekc_octets_max(file) <= FILE_MAX);
    assert_ok(keyfill_ekc_write(file, kf_slice_str(PASSWORD), QUICK, &rng.rng, &findings, &w));
    size_t lost = 0;
    for (size_t i = 0; i < file->entry_count; i++)
        lost += file->entries[i].has_rsi;
    assert_int_equal(keyfill_findings_count(&findings, KEYFILL_RSI_LOST), lost);
    keyfill_findings_clear(&findings);
    assert_true(w.len <= keyfill_ekc_octets_max(file));
    return kf_writer_slice(&w);
}

static uint8_t *big;

static void round_trip_prefixes_and_space(void **state)
{
    (void)state;
    keyfill_file file, again;
    kf_fault fault;
    keyfill_findings findings = { 0 };
    testing_rng rng;
    fixture_file(&file);
    kf_slice octets = written(&file, big);
    assert_ok(read_as(octets, PASSWORD, &again, &fault));
    assert_false(keyfill_file_equal(&file, &again));
    again.entries[2].has_rsi = true; /* what the format loses */
    again.entries[2].rsi = 74565;
    assert_true(keyfill_file_equal(&file, &again));
    keyfill_file_clear(&again);
    assert_err(read_as(octets, "Correct horse", &again, &fault), KF_E_AUTH);
    for (size_t len = 0; len < octets.len; len++) {
        kf_err err = read_as((kf_slice){ octets.ptr, len }, PASSWORD, &again, &fault);
        bool is_ratio = err == KF_E_NO_SPACE && strcmp(fault.field, "ekc.ratio") == 0;
        assert_true(err == KF_E_TRUNCATED || (is_ratio && len < 64));
        keyfill_ekc_outer outer;
        kf_fault same;
        assert_err(keyfill_ekc_read_outer((kf_slice){ octets.ptr, len }, &outer, &same), err);
        assert_int_equal(same.at, fault.at);
        assert_int_equal(outer.iterations, 0);
    }
    big[octets.len] = 0;
    assert_err(read_as((kf_slice){ octets.ptr, octets.len + 1 }, PASSWORD, &again, &fault),
               KF_E_TRAILING);
    testing_rng_init(&rng, "ekc");
    kf_writer w = kf_writer_init(big, octets.len - 1);
    assert_err(keyfill_ekc_write(&file, kf_slice_str(PASSWORD), QUICK, &rng.rng, &findings, &w),
               KF_E_NO_SPACE);
    assert_int_equal(w.len, 0);
    w = kf_writer_init(big, FILE_MAX);
    assert_err(keyfill_ekc_write(&file, kf_slice_str(PASSWORD), 0, &rng.rng, &findings, &w),
               KF_E_MALFORMED);
    file.entries[0].sln = 65536;
    assert_err(keyfill_ekc_write(&file, kf_slice_str(PASSWORD), QUICK, &rng.rng, &findings, &w),
               KF_E_MALFORMED);
    rng.budget = 10;
    assert_err(keyfill_ekc_write(&file, kf_slice_str(PASSWORD), QUICK, &rng.rng, &findings, &w),
               KF_E_BACKEND);
    assert_int_equal(findings.count, 0);
    keyfill_file_clear(&file);
}

static void the_largest_file(void **state)
{
    (void)state;
    keyfill_file file = { 0 }, again;
    kf_fault fault;
    for (uint32_t i = 0; i < KEYFILL_ENTRIES_MAX; i++)
        fixture_add(&file, "a name of some length", 1, i + 1, i + 1, FIXTURE_KEY);
    keyfill_entry more = { .id = 5000, .material = testing_secret_hex("00") };
    assert_err(keyfill_file_take_entry(&file, &more), KF_E_NO_SPACE);
    assert_ok(read_as(written(&file, big), PASSWORD, &again, &fault));
    assert_true(keyfill_file_equal(&file, &again));
    keyfill_file_clear(&again);
    keyfill_file_clear(&file);
}

/* ---- bad documents ---- */

/* text with the first `find` replaced, in a buffer of this function's. */
static const char *replaced(const char *text, const char *find, const char *with)
{
    static char out[8192];
    const char *at = strstr(text, find);
    if (at == NULL)
        fail_msg("the document has no %s", find);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, with, at + strlen(find));
    return out;
}

#define ITEM                                                                                       \
    "<KeyItem><Id>1</Id><Name>n</Name><ActiveKeyset>false</ActiveKeyset><KeysetId>1</KeysetId>"    \
    "<Sln>5</Sln><KeyTypeAuto>true</KeyTypeAuto><KeyTypeTek>false</KeyTypeTek>"                    \
    "<KeyTypeKek>false</KeyTypeKek><KeyId>6</KeyId><AlgorithmId>132</AlgorithmId>"                 \
    "<Key>00FF11</Key></KeyItem>"
#define INNER                                                                                      \
    "<InnerContainer version=\"1.0\"><Keys>" ITEM "</Keys><NextKeyNumber>2</NextKeyNumber>"        \
    "<Groups><GroupItem><Id>1</Id><Name>g</Name><Keys><int>1</int></Keys></GroupItem></Groups>"    \
    "<NextGroupNumber>2</NextGroupNumber></InnerContainer>"
#define BAD  KF_E_MALFORMED
#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *find, *with;
    kf_err want;
    const char *field;
} inner_changes[] = {
    { "version=\"1.0\"", "", BAD, "InnerContainer" },
    { "version=\"1.0\"", "version=\"2.0\"", KF_E_UNSUPPORTED, "InnerContainer" },
    { "version=\"1.0\"", "version=\"1\"", KF_E_UNSUPPORTED, "InnerContainer" },
    { "version=\"1.0\"", "version=\"1.0\" more=\"1\"", BAD, "InnerContainer" },
    { "<Inner", "<!DOCTYPE a [<!ENTITY b \"c\">]><Inner", BAD, "xml.markup" },
    { "<Keys>", "<Keys><!-- -->", BAD, "xml.markup" },
    { "<Keys>", "<Keys><?a b?>", BAD, "xml.markup" },
    { "<Name>n", "<Name><![CDATA[n]]>", BAD, "xml.markup" },
    { "<Name>n", "<Name>&n;", BAD, "xml.entity" },
    { "<Name>n", "<Name>&#1;", BAD, NULL },
    { "<Name>n", "<Name>&#10;", BAD, "KeyItem.Name" },
    { "<Name>n", "<Name>" LONG LONG, KF_E_NO_SPACE, "KeyItem.Name" },
    { "<Name>n", "<Name>\xff", BAD, NULL },
    { "<Name>n", "<Name><b/>n", BAD, "KeyItem.Name" },
    { "<Name>n", "<Name x=\"1\">n", BAD, "KeyItem.Name" },
    { "<Keys>", "<Keys>text", BAD, "Keys" },
    { "<Keys>", "<Keys><Other/>", BAD, "Keys" },
    { "<Keys>", "<Keys xmlns=\"urn:x\">", BAD, "InnerContainer" },
    { "<Keys>" ITEM "</Keys>", "", BAD, "Keys" },
    { "</Keys>", "</Keys><Keys/>", BAD, "Keys" },
    { "</KeyItem>", "</KeyItem>" ITEM, BAD, "KeyItem" },
    { "<Sln>5", "<Sln>-5", BAD, "KeyItem.Sln" },
    { "<Sln>5", "<Sln>0x5", BAD, "KeyItem.Sln" },
    { "<Sln>5", "<Sln>99999999999", BAD, "KeyItem.Sln" },
    { "</Sln>", "</Sln><Sln>5</Sln>", BAD, "KeyItem.Sln" },
    { "<ActiveKeyset>false", "<ActiveKeyset>maybe", BAD, "KeyItem.ActiveKeyset" },
    { "<KeyTypeTek>false", "<KeyTypeTek>true", BAD, "KeyItem" },
    { "<Key>00FF11", "<Key>00FF1", BAD, "KeyItem.Key" },
    { "<Key>00FF11", "<Key>00FF1g", BAD, "KeyItem.Key" },
    { "<Key>00FF11", "<Key>00 FF 11", BAD, "KeyItem.Key" },
    { "<NextKeyNumber>2", "<NextKeyNumber>two", BAD, "NextKeyNumber" },
    { "<GroupItem><Id>1</Id>", "<GroupItem>", BAD, "GroupItem.Id" },
    { "</GroupItem>", "</GroupItem><GroupItem><Id>1</Id></GroupItem>", BAD, "InnerContainer" },
    { "<int>1</int>", "<int>1</int><int>1</int>", BAD, "InnerContainer" },
    { "<int>1</int>", "<int></int>", BAD, "GroupItem.Keys.int" },
    { "</InnerContainer>", "", KF_E_TRUNCATED, NULL },
    { "</InnerContainer>", "</InnerContainer><a/>", KF_E_TRAILING, NULL },
    { "</InnerContainer>", "</InnerContainer>x", KF_E_TRAILING, NULL },
    { "</KeyItem>", "</Keyitem>", BAD, NULL },
    { "<Inner", " <Inner", BAD, "xml" },
};

static void inner_refused(const char *document, kf_err want, const char *field)
{
    keyfill_file file;
    keyfill_findings findings = { 0 };
    kf_fault fault;
    kf_err err = keyfill_ekc_inner_read(kf_slice_str(document), KEYFILL_EKC_XML_MAX, &file,
                                        &findings, &fault);
    if (err != want || fault.code != want || (field != NULL && strcmp(fault.field, field) != 0))
        fail_msg("%s at %s, not %s: %s", kf_err_name(err), fault.field, field, document);
    assert_true(fixture_is_empty(&file));
    assert_int_equal(xml_memory_in_use(), 0);
    keyfill_findings_clear(&findings);
}

static void bad_inner_documents(void **state)
{
    (void)state;
    char cut[sizeof INNER];
    for (size_t i = 0; i < KF_COUNT(inner_changes); i++)
        inner_refused(replaced(INNER, inner_changes[i].find, inner_changes[i].with),
                      inner_changes[i].want, inner_changes[i].field);
    for (size_t len = 1; len < strlen(INNER); len++) {
        snprintf(cut, sizeof cut, "%.*s", (int)len, INNER);
        inner_refused(cut, KF_E_TRUNCATED, NULL);
    }
}

/* ---- keys that are only partly filled in ---- */

static const struct {
    const char *find, *with, *field;
} incomplete[] = {
    { "<Id>1</Id>", "", "KeyItem.Id" },
    { "<Name>n</Name>", "", "KeyItem.Name" },
    { "<ActiveKeyset>false</ActiveKeyset>", "", "KeyItem.ActiveKeyset" },
    { "<KeysetId>1</KeysetId>", "<KeysetId/>", "KeyItem.KeysetId" },
    { "<Sln>5</Sln>", "<Sln></Sln>", "KeyItem.Sln" },
    { "<KeyTypeAuto>true", "<KeyTypeAuto>false", "KeyItem.KeyType" },
    { "<KeyId>6</KeyId>", "", "KeyItem.KeyId" },
    { "<AlgorithmId>132</AlgorithmId>", "", "KeyItem.AlgorithmId" },
    { "<Key>00FF11</Key>", "<Key/>", "KeyItem.Key" },
};

static void incomplete_keys_are_reported(void **state)
{
    (void)state;
    keyfill_file file;
    kf_fault fault;
    for (size_t i = 0; i < KF_COUNT(incomplete); i++) {
        keyfill_findings findings = { 0 };
        const char *document = replaced(INNER, incomplete[i].find, incomplete[i].with);
        assert_ok(keyfill_ekc_inner_read(kf_slice_str(document), KEYFILL_EKC_XML_MAX, &file,
                                         &findings, &fault));
        assert_int_equal(file.entry_count, 0);
        assert_int_equal(findings.count, 2);
        assert_int_equal(findings.items[0].problem, KEYFILL_ENTRY_INCOMPLETE);
        assert_string_equal(findings.items[0].field, incomplete[i].field);
        assert_int_equal(findings.items[0].entry, 0);
        assert_int_equal(findings.items[1].problem, KEYFILL_MEMBER_MISSING);
        assert_int_equal(file.groups[0].member_count, 0);
        keyfill_findings_clear(&findings);
        keyfill_file_clear(&file);
    }
    keyfill_findings findings = { 0 };
    const char *active = replaced(INNER, "<ActiveKeyset>false</ActiveKeyset><KeysetId>1</KeysetId>",
                                  "<ActiveKeyset>true</ActiveKeyset>");
    assert_ok(keyfill_ekc_inner_read(kf_slice_str(active), KEYFILL_EKC_XML_MAX, &file, &findings,
                                     &fault));
    assert_int_equal(findings.count, 0);
    assert_true(file.entries[0].is_active);
    keyfill_file_clear(&file);
}

/* ---- the outer document, the gzip stream, bombs ---- */

/* length and gzip of a document, with a length that may lie. */
static kf_slice packed(const uint8_t *xml, size_t len, size_t declared)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, xml, len);
    z.next_in = copy;
    z.avail_in = (uInt)len;
    z.next_out = big + 4;
    z.avail_out = FILE_MAX - 4;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    for (unsigned i = 0; i < 4; i++)
        big[i] = (uint8_t)(declared >> 8 * i);
    kf_slice out = { big, 4 + z.total_out };
    deflateEnd(&z);
    free(copy);
    return out;
}

#define OUTER                                                                                      \
    "<OuterContainer version=\"1.0\"><KeyDerivation>"                                              \
    "<DerivationAlgorithm>PBKDF2</DerivationAlgorithm><HashAlgorithm>SHA512</HashAlgorithm>"       \
    "<Salt>AAECAwQFBgcICQoLDA0ODw==</Salt><IterationCount>3</IterationCount>"                      \
    "<KeyLength>32</KeyLength></KeyDerivation><EncryptedData "                                     \
    "Type=\"http://www.w3.org/2001/04/xmlenc#Element\" "                                           \
    "xmlns=\"http://www.w3.org/2001/04/xmlenc#\"><EncryptionMethod "                               \
    "Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\" /><CipherData><CipherValue>"        \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="                                                 \
    "</CipherValue></CipherData></EncryptedData></OuterContainer>"

static const struct {
    const char *find, *with;
    kf_err want;
    const char *field;
} outer_changes[] = {
    { "PBKDF2<", "PBKDF2<", KF_E_AUTH, "ekc.password" }, /* as it stands: 32 octets of no key */
    { "version=\"1.0\"", "version=\"2.0\"", KF_E_UNSUPPORTED, "OuterContainer" },
    { "PBKDF2<", "PBKDF1<", KF_E_UNSUPPORTED, "DerivationAlgorithm" },
    { "SHA512", "SHA1", KF_E_UNSUPPORTED, "HashAlgorithm" },
    { "<Salt>AAEC", "<Salt>AAE", BAD, "Salt" },
    { "AAECAwQFBgcICQoLDA0ODw==", "AAEC", BAD, "Salt" },
    { ">3<", ">0<", BAD, "IterationCount" },
    { ">3<", ">-3<", BAD, "IterationCount" },
    { ">3<", ">10000001<", KF_E_NO_SPACE, "IterationCount" },
    { ">3<", ">99999999999999999999999<", BAD, "IterationCount" },
    { ">32<", ">16<", KF_E_UNSUPPORTED, "KeyLength" },
    { "#Element", "#Content", KF_E_UNSUPPORTED, "EncryptedData" },
    { "aes256-cbc", "aes128-cbc", KF_E_UNSUPPORTED, "EncryptionMethod" },
    { " xmlns=", " xmlns:x=", BAD, "OuterContainer" },
    { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAA", BAD, "CipherValue" },
    { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "", BAD, "CipherValue" },
    { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "\n*", BAD, "CipherValue" },
    { "AAAAAAAAAA", "AAAA\r\nAAAAAA", KF_E_AUTH, "ekc.password" }, /* line breaks are fine */
    { "<KeyLength>32</KeyLength>", "", BAD, "KeyLength" },
    { "<Outer", "<!DOCTYPE b SYSTEM \"file:///etc/passwd\"><Outer", BAD, "xml.markup" },
    { "</OuterContainer>", "", KF_E_TRUNCATED, NULL },
    { "<Outer", "<a><Outer", BAD, "OuterContainer" },
};

static void bad_outer_documents(void **state)
{
    (void)state;
    keyfill_file file;
    kf_fault fault;
    for (size_t i = 0; i < KF_COUNT(outer_changes); i++) {
        const char *text = replaced(OUTER, outer_changes[i].find, outer_changes[i].with);
        size_t len = strlen(text);
        kf_err err = read_as(packed((const uint8_t *)text, len, len), PASSWORD, &file, &fault);
        if (err != outer_changes[i].want ||
            (outer_changes[i].field != NULL && strcmp(fault.field, outer_changes[i].field) != 0))
            fail_msg("%s -> %s: %s at %s", outer_changes[i].find, outer_changes[i].with,
                     kf_err_name(err), fault.field);
    }
}

static void lengths_and_bombs(void **state)
{
    (void)state;
    keyfill_file file;
    kf_fault fault;
    size_t len = strlen(OUTER);
    const uint8_t *outer = (const uint8_t *)OUTER;
    assert_err(read_as(packed(outer, len, len - 1), PASSWORD, &file, &fault), BAD);
    assert_err(read_as(packed(outer, len, len + 1), PASSWORD, &file, &fault), BAD);
    assert_string_equal(fault.field, "ekc.gzip");
    assert_err(read_as(packed(outer, len, 0), PASSWORD, &file, &fault), BAD);
    assert_err(read_as(packed(outer, len, 0xffffffff), PASSWORD, &file, &fault), KF_E_NO_SPACE);
    assert_string_equal(fault.field, "ekc.length");
    size_t most = KEYFILL_EKC_XML_MAX;
    uint8_t *zeros = calloc(1, 64 * most);
    assert_non_null(zeros);
    assert_err(read_as(packed(zeros, 64 * most, 64 * most), PASSWORD, &file, &fault),
               KF_E_NO_SPACE);
    assert_err(read_as(packed(zeros, most, most), PASSWORD, &file, &fault), KF_E_NO_SPACE);
    assert_string_equal(fault.field, "ekc.ratio");
    /* a bomb that understates its size is unpacked no further than that */
    assert_err(read_as(packed(zeros, 64 * most, 1000), PASSWORD, &file, &fault), BAD);
    assert_string_equal(fault.field, "ekc.gzip");
    for (size_t i = 0; i < most; i++) /* what packs badly gets past the ratio, and no further */
        zeros[i] = (uint8_t)(i * i >> 7 ^ i >> 3) | 1;
    assert_err(read_as(packed(zeros, most, most), PASSWORD, &file, &fault), BAD);
    assert_string_equal(fault.field, "xml");
    free(zeros);
    kf_slice good = packed(outer, len, len);
    for (size_t at = 4; at < good.len; at++) { /* gzip notices, or the result is another refusal */
        big[at] ^= 0x10;
        assert_int_not_equal(read_as(good, PASSWORD, &file, &fault), KF_OK);
        big[at] ^= 0x10;
    }
}

static int group_setup(void **state)
{
    (void)state;
    big = malloc(FILE_MAX);
    return big == NULL;
}

static int group_teardown(void **state)
{
    (void)state;
    free(big);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_field_by_field),
        cmocka_unit_test(round_trip_prefixes_and_space),
        cmocka_unit_test(the_largest_file),
        cmocka_unit_test(bad_inner_documents),
        cmocka_unit_test(incomplete_keys_are_reported),
        cmocka_unit_test(bad_outer_documents),
        cmocka_unit_test(lengths_and_bombs),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

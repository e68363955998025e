/* Documents that are wrong, or mean harm: refused with a clear fault, little memory, nothing kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "fixture.h"
#include "kms/xml_read.h"
#include "xml/memory.h"

static bool is_zero(const void *object, size_t len)
{
    const uint8_t *octets = object;
    for (size_t i = 0; i < len; i++)
        if (octets[i] != 0)
            return false;
    return true;
}

/* Parse, and see to it that a refusal leaves nothing behind. */
static kf_err parse(kf_slice document, kf_fault *fault)
{
    kms_response r;
    memset(&r, 0xa5, sizeof r);
    kf_err err = kms_response_parse(document, &r, fault);
    assert_int_equal(err, fault->code);
    if (err != KF_OK) {
        assert_true(is_zero(&r, sizeof r));
        assert_non_null(fault->field);
        assert_true(fault->at <= document.len);
    }
    assert_true(xml_memory_peak() <= KMS_XML_MEMORY_MAX);
    assert_int_equal(xml_memory_in_use(), 0);
    kms_response_clear(&r);
    return err;
}

static void refuse(const char *name, kf_slice document, kf_err want, const char *field)
{
    kf_fault fault;
    kf_err err = parse(document, &fault);
    if (err != want || (field != NULL && strcmp(fault.field, field) != 0))
        fail_msg("%s: %s at %s, octet %zu", name, kf_err_name(err),
                 fault.field == NULL ? "-" : fault.field, fault.at);
}

/* ---- one change to a good document ---- */

/* text with the first `find` replaced. Caller frees. */
static char *replaced(const char *text, const char *find, const char *with)
{
    const char *at = strstr(text, find);
    if (at == NULL)
        fail_msg("the document has no %s", find);
    size_t before = (size_t)(at - text);
    size_t size = strlen(text) + strlen(with) + 1;
    char *out = malloc(size);
    assert_non_null(out);
    snprintf(out, size, "%.*s%s%s", (int)before, text, with, at + strlen(find));
    return out;
}

#define DTD_BOMB                                                                                   \
    "<!DOCTYPE b [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"                \
    "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"    \
    "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;\">"    \
    "<!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\"><!ENTITY h "                                    \
    "\"&g;&g;&g;&g;&g;&g;&g;&g;&g;\">]>\n"
#define ROOT      "<KmsResponse xmlns"
#define DECL      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define MALFORMED KF_E_MALFORMED

static const struct {
    const char *name, *document, *find, *with;
    kf_err want;
    const char *field;
} changes[] = {
    /* DTDs and entities */
    { "laughs", DOC_INIT, ROOT, DTD_BOMB ROOT, MALFORMED, "xml.doctype" },
    { "external entity", DOC_INIT, ROOT,
      "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" ROOT, MALFORMED, "xml.doctype" },
    { "external DTD", DOC_INIT, ROOT, "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\">" ROOT,
      MALFORMED, "xml.doctype" },
    { "public DTD", DOC_INIT, ROOT, "<!DOCTYPE x PUBLIC \"-//X//Y\" \"x.dtd\">" ROOT, MALFORMED,
      "xml.doctype" },
    { "parameter entity", DOC_INIT, ROOT,
      "<!DOCTYPE x [<!ENTITY % p SYSTEM \"file:///etc/passwd\">%p;]>" ROOT, MALFORMED,
      "xml.doctype" },
    { "empty DTD", DOC_INIT, ROOT, "<!DOCTYPE KmsResponse>" ROOT, MALFORMED, "xml.doctype" },
    { "undeclared entity in text", DOC_INIT, ">user@", ">&who;user@", MALFORMED, "xml.entity" },
    { "undeclared entity in attribute", DOC_INIT, "Id=\"r7", "Id=\"&who;r7", MALFORMED,
      "xml.entity" },
    { "reference to U+0000", DOC_INIT, ">user@", ">&#0;user@", MALFORMED, "xml" },
    { "reference to U+0001", DOC_INIT, ">user@", ">&#1;user@", MALFORMED, "xml" },
    /* encoding */
    { "Latin-1", DOC_INIT, "UTF-8", "ISO-8859-1", KF_E_UNSUPPORTED, "xml.encoding" },
    { "UTF-16 in name", DOC_INIT, "UTF-8", "UTF-16", KF_E_UNSUPPORTED, "xml.encoding" },
    { "UTF-7", DOC_INIT, "\"UTF-8\"", "'UTF-7'", KF_E_UNSUPPORTED, "xml.encoding" },
    { "no encoding name", DOC_INIT, "\"UTF-8\"", "\"\"", KF_E_UNSUPPORTED, "xml.encoding" },
    { "encoding hidden in standalone", DOC_INIT, "encoding=\"UTF-8\"",
      "standalone='encoding=\"UTF-8\"' encoding=\"EBCDIC-CP-US\"", MALFORMED, "xml" },
    { "octet that is no UTF-8", DOC_INIT, "user@",
      "us\xff"
      "er@",
      MALFORMED, "xml.utf8" },
    { "overlong UTF-8", DOC_INIT, "user@",
      "us\xc0\xaf"
      "er@",
      MALFORMED, "xml.utf8" },
    { "surrogate", DOC_INIT, "user@",
      "us\xed\xa0\x80"
      "er@",
      MALFORMED, "xml.utf8" },
    { "U+FFFE", DOC_INIT, "user@",
      "us\xef\xbf\xbe"
      "er@",
      MALFORMED, "xml.utf8" },
    { "XML 1.1", DOC_INIT, "version=\"1.0\" enc", "version=\"2.0\" enc", MALFORMED, "xml" },
    /* root and namespace */
    { "no namespace", DOC_INIT, " xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"", "", MALFORMED,
      "xml.namespace" },
    { "wrong namespace", DOC_INIT, "Interface:1.0", "Interface:2.0", MALFORMED, "xml.namespace" },
    { "child of no namespace", DOC_INIT, "<KmsMessage>", "<KmsMessage xmlns=\"\">", MALFORMED,
      "xml.namespace" },
    { "undefined prefix", DOC_INIT, "<UserUri>", "<x:UserUri>", MALFORMED, "xml" },
    { "other root", "<KmsCertificate xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"/>", "/>", "/>",
      MALFORMED, "xml.root" },
    { "signed response", "<SignedKmsResponse xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"/>", "/>",
      "/>", KF_E_UNSUPPORTED, "xml.root" },
    { "two roots", DOC_NO_KEYS, DOC_END, DOC_END "<KmsResponse/>", KF_E_TRAILING, "xml.root" },
    { "text after the root", DOC_NO_KEYS, DOC_END, DOC_END "more", KF_E_TRAILING, "xml.root" },
    { "octet after the root", DOC_NO_KEYS, DOC_END, DOC_END "x", KF_E_TRAILING, "xml.root" },
    { "text before the root", DOC_INIT, ROOT, "more" ROOT, MALFORMED, "xml" },
    { "empty root", DOC_NO_KEYS, ROOT,
      "<KmsResponse xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\"/>" ROOT, MALFORMED,
      "response.UserUri" },
    /* attributes */
    { "unknown attribute", DOC_INIT, "<KmsCertificate ", "<KmsCertificate Fancy=\"1\" ", MALFORMED,
      "cert" },
    { "unknown attribute of a value", DOC_INIT, "<UserKeyPeriod>", "<UserKeyPeriod unit=\"min\">",
      MALFORMED, "cert.UserKeyPeriod" },
    { "unknown attribute of the root", DOC_INIT, "Id=\"r7", "id=\"r7", MALFORMED, "response" },
    { "attribute twice", DOC_INIT, "Id=\"r7\"", "Id=\"r7\" Id=\"r8\"", MALFORMED, "xml" },
    { "attribute in a namespace", DOC_INIT, "Id=\"r7\"", "xsi:Id=\"r7\"", MALFORMED, "response" },
    { "version 2", DOC_INIT, "Version=\"1.0.0\"", "Version=\"2.0.0\"", KF_E_UNSUPPORTED,
      "response.Version" },
    { "certificate version", DOC_INIT, "Version=\"1.1.0\"", "Version=\"11.0\"", KF_E_UNSUPPORTED,
      "cert.Version" },
    { "role", DOC_INIT, "\"Root\"", "\"root\"", MALFORMED, "cert.Role" },
    { "gateway flag", DOC_INIT, "Gateway=\"false\"", "Gateway=\"no\"", MALFORMED,
      "cert.IsSecurityGateway" },
    { "cache number", DOC_CACHE, "CacheNum=\"18\"", "CacheNum=\"-1\"", MALFORMED,
      "response.CacheNum" },
    { "type of the message", DOC_INIT, "<KmsInit>", "<KmsInit xsi:type=\"Other\">", MALFORMED,
      "response.KmsInit" },
    { "type where there is none", DOC_INIT, "<KmsUri>", "<KmsUri xsi:type=\"KmsUri\">", MALFORMED,
      "response.KmsUri" },
    { "nil", DOC_INIT, "<KmsUri>", "<KmsUri xsi:nil=\"true\">", MALFORMED, "response.KmsUri" },
    /* elements: missing, twice, out of order, unknown */
    { "UserUri missing", DOC_INIT, "  <UserUri>user@example.org</UserUri>\n", "", MALFORMED,
      "response.UserUri" },
    { "Time missing", DOC_INIT, "<Time>2014-01-26T10:05:52</Time>", "", MALFORMED,
      "response.Time" },
    { "Time twice", DOC_INIT, "<KmsId>", "<Time>2014-01-26T10:05:52</Time><KmsId>", MALFORMED,
      "response.Time" },
    { "KmsUri twice", DOC_INIT, "<Time>", "<KmsUri>kms.example.org</KmsUri><Time>", MALFORMED,
      "response.KmsUri" },
    { "Time first", DOC_INIT, "<UserUri>", "<Time>2014-01-26T10:05:52</Time><UserUri>", MALFORMED,
      "response.UserUri" },
    { "unknown element", DOC_INIT, "<KmsMessage>", "<Extra/><KmsMessage>", MALFORMED, "response" },
    { "unknown element in a certificate", DOC_INIT, "<UserIdFormat>", "<X/><UserIdFormat>",
      MALFORMED, "cert" },
    { "unknown element in a key set", DOC_KEYS, "</KmsKeySet>", "<X/></KmsKeySet>", MALFORMED,
      "keyset" },
    { "element in a value", DOC_INIT, "user@", "<b/>user@", MALFORMED, "response.UserUri" },
    { "text between elements", DOC_INIT, "<KmsMessage>", "text<KmsMessage>", MALFORMED,
      "response" },
    { "no message", DOC_START DOC_END, DOC_END, DOC_END, MALFORMED, "response" },
    { "empty message", DOC_START "<KmsMessage/>" DOC_END, DOC_END, DOC_END, MALFORMED,
      "response.KmsMessage" },
    { "message and error", DOC_INIT, "</KmsMessage>",
      "</KmsMessage><KmsError><ErrorCode>1</ErrorCode><ErrorMsg/></KmsError>", MALFORMED,
      "response.KmsError" },
    { "error and message", DOC_ERROR, "</KmsError>",
      "</KmsError><KmsMessage><KmsKeyProv/></KmsMessage>", MALFORMED, "response.KmsMessage" },
    { "two kinds of message", DOC_INIT, "</KmsInit>", "</KmsInit><KmsKeyProv/>", MALFORMED,
      "response.KmsKeyProv" },
    { "two messages", DOC_NO_KEYS, "<KmsMessage>",
      "<KmsMessage><KmsKeyProv/></KmsMessage><KmsMessage>", MALFORMED, "response.KmsMessage" },
    { "init without certificate", DOC_START "<KmsMessage><KmsInit/></KmsMessage>" DOC_END, DOC_END,
      DOC_END, MALFORMED, "response.KmsCertificate" },
    { "init with two certificates", DOC_INIT, "</KmsInit>", DOC_LEAN_CERT "</KmsInit>", MALFORMED,
      "response.KmsCertificate" },
    { "key set in init", DOC_INIT, "</KmsInit>", DOC_KEYSET "</KmsInit>", MALFORMED,
      "response.KmsInit" },
    { "certificate in keys", DOC_KEYS, "</KmsKeyProv>", DOC_LEAN_CERT "</KmsKeyProv>", MALFORMED,
      "response.KmsKeyProv" },
    { "no UserIdFormat", DOC_INIT, "<UserIdFormat>2</UserIdFormat>", "", MALFORMED,
      "cert.UserIdFormat" },
    { "no PubAuthKey", DOC_INIT, "<PubAuthKey>04" HEX_64 "</PubAuthKey>", "", MALFORMED,
      "cert.PubAuthKey" },
    { "nothing after PubEncKey", DOC_CACHE, "<PubAuthKey>04" HEX_64 "</PubAuthKey></KmsCert",
      "</KmsCert", MALFORMED, "cert.PubAuthKey" },
    { "empty domain list", DOC_INIT,
      "<KmsDomain>sec1.example.org</KmsDomain>"
      "<KmsDomain> sec2.example.org\n</KmsDomain>",
      "", MALFORMED, "cert.KmsDomain" },
    { "empty domain", DOC_INIT, "sec1.example.org", " ", MALFORMED, "cert.KmsDomain" },
    { "no RSK", DOC_KEYS,
      "<UserDecryptKey xsi:type=\"KeyContentType\">04" HEX_256 "</UserDecryptKey>", "", MALFORMED,
      "keyset.UserDecryptKey" },
    { "no PVT", DOC_KEYS, "<UserPubTokenPVT>04" HEX_64 "</UserPubTokenPVT>", "", MALFORMED,
      "keyset.UserPubTokenPVT" },
    { "no KeyPeriodNo", DOC_KEYS, "<KeyPeriodNo>1514</KeyPeriodNo>", "", MALFORMED,
      "keyset.KeyPeriodNo" },
    { "error without text", DOC_ERROR, "<ErrorCode>", "<ErrorMsg/><ErrorCode>", MALFORMED,
      "response.ErrorCode" },
    { "error without code", DOC_ERROR, "<ErrorCode>-404</ErrorCode>", "", MALFORMED,
      "response.ErrorCode" },
    /* step 4 */
    { "wrapped key by type", DOC_KEYS, "<UserDecryptKey xsi:type=\"Key",
      "<UserDecryptKey xsi:type=\"EncKey", KF_E_UNSUPPORTED, "keyset.UserDecryptKey" },
    { "wrapped key by child", DOC_KEYS, "KeyContentType\">04",
      "KeyContentType\"><e:EncryptedKey xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\"/>04",
      KF_E_UNSUPPORTED, "keyset.UserDecryptKey" },
    { "transport key", DOC_KEYS, "</KmsKeyProv>", "<NewTransportKey/></KmsKeyProv>",
      KF_E_UNSUPPORTED, "response.NewTransportKey" },
    { "integrity key", DOC_INIT, "</KmsInit>", "<NewIntegrityKey/></KmsInit>", KF_E_UNSUPPORTED,
      "response.NewIntegrityKey" },
    { "type of a key", DOC_KEYS, "<UserDecryptKey xsi:type=\"Key", "<UserDecryptKey xsi:type=\"X",
      MALFORMED, "keyset.UserDecryptKey" },
    { "type of a key elsewhere", DOC_KEYS, "<UserDecryptKey xsi:type=\"",
      "<UserDecryptKey xmlns:o=\"urn:o\" xsi:type=\"o:", MALFORMED, "keyset.UserDecryptKey" },
    { "type of a key, prefix gone", DOC_KEYS, "<UserSigningKeySSK>",
      "<UserSigningKeySSK xsi:type=\"nope:KeyContentType\">", MALFORMED,
      "keyset.UserSigningKeySSK" },
    /* values */
    { "RSK with a letter", DOC_KEYS, "04" HEX_8, "04g123456789abcde", MALFORMED,
      "keyset.UserDecryptKey" },
    { "RSK of odd digits", DOC_KEYS, "04" HEX_8, "4" HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "RSK too long", DOC_KEYS, "04" HEX_8, "0404" HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "RSK too short", DOC_KEYS, "04" HEX_8, HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "RSK empty", DOC_KEYS, "KeyContentType\">04" HEX_256, "KeyContentType\">", MALFORMED,
      "keyset.UserDecryptKey" },
    { "RSK with a blank", DOC_KEYS, "04" HEX_8, "04 " HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "RSK of 0x", DOC_KEYS, "04" HEX_8, "0x04" HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "RSK far too long", DOC_KEYS, "04" HEX_8, "04" HEX_256 HEX_256 HEX_256 HEX_256 HEX_256 HEX_8,
      MALFORMED, "keyset.UserDecryptKey" },
    { "comment in RSK", DOC_KEYS, "04" HEX_8, "04<!-- -->" HEX_8, MALFORMED,
      "keyset.UserDecryptKey" },
    { "CDATA in RSK", DOC_KEYS, "04" HEX_8, "<![CDATA[04]]>" HEX_8, MALFORMED,
      "keyset.UserDecryptKey" },
    { "PI in RSK", DOC_KEYS, "04" HEX_8, "04<?x y?>" HEX_8, MALFORMED, "keyset.UserDecryptKey" },
    { "SSK with a letter", DOC_KEYS, "\n    " HEX_8, "z" HEX_8, MALFORMED,
      "keyset.UserSigningKeySSK" },
    { "PVT too short", DOC_KEYS, "<UserPubTokenPVT>04", "<UserPubTokenPVT>", MALFORMED,
      "keyset.UserPubTokenPVT" },
    { "UserID of 31 octets", DOC_KEYS, UID_BASE64,
      "dOKvgDq11yhBu87QzjGf/mT2/iPIii0liqvPasVljg==", MALFORMED, "keyset.UserID" },
    { "UserID of other base64", DOC_KEYS, UID_BASE64,
      "dOKvgDq11yhBu87QzjGf_mT2_iPIii0liqvPasVljvQ=", MALFORMED, "keyset.UserID" },
    { "UserID of short hex", DOC_KEYS, UID_HEX, HEX_8, MALFORMED, "keyset.UserID" },
    { "KeyPeriodNo negative", DOC_KEYS, ">1514<", ">-1514<", MALFORMED, "keyset.KeyPeriodNo" },
    { "KeyPeriodNo over 64 bits", DOC_KEYS, ">1514<", ">18446744073709551616<", MALFORMED,
      "keyset.KeyPeriodNo" },
    { "KeyPeriodNo empty", DOC_KEYS, ">1514<", "><", MALFORMED, "keyset.KeyPeriodNo" },
    { "KeyPeriodNo of hex", DOC_KEYS, ">1514<", ">0x5ea<", MALFORMED, "keyset.KeyPeriodNo" },
    { "PubEncKey too long", DOC_INIT, "<PubEncKey>", "<PubEncKey>00", MALFORMED, "cert.PubEncKey" },
    { "PubAuthKey with a letter", DOC_INIT, "<PubAuthKey>04", "<PubAuthKey>O4", MALFORMED,
      "cert.PubAuthKey" },
    { "UserKeyPeriod fraction", DOC_INIT, ">2592000<", ">2592000.0<", MALFORMED,
      "cert.UserKeyPeriod" },
    { "Revoked in capitals", DOC_INIT, "<Revoked>false", "<Revoked>False", MALFORMED,
      "cert.Revoked" },
    { "date of no calendar", DOC_INIT, "2000-01-26T", "2000-02-30T", MALFORMED, "cert.ValidFrom" },
    { "date of seconds", DOC_INIT, "2000-01-26T00:00:00", "948844800", MALFORMED,
      "cert.ValidFrom" },
    { "date without time", DOC_INIT, "2000-01-26T00:00:00", "2000-01-26", MALFORMED,
      "cert.ValidFrom" },
    { "date of hour 25", DOC_INIT, "T10:05:52", "T25:05:52", MALFORMED, "response.Time" },
    { "date before year 1", DOC_INIT, "2000-01-26T00:00:00", "0001-01-01T00:00:00+01:00", MALFORMED,
      "cert.ValidFrom" },
    { "date of bad zone", DOC_INIT, "+01:00", "+1:00", MALFORMED, "cert.ValidTo" },
    { "URI empty", DOC_INIT, ">user@example.org<", "> <", MALFORMED, "response.UserUri" },
    { "URI with a blank", DOC_INIT, ">user@example.org<", ">user@ example.org<", MALFORMED,
      "response.UserUri" },
    { "URI with a comment", DOC_INIT, ">user@", "><!--x-->user@", MALFORMED, "response.UserUri" },
    { "URI with C1 control", DOC_INIT, ">user@",
      ">us\xc2\x85"
      "er@",
      MALFORMED, "response.UserUri" },
    { "URI too long", DOC_INIT, ">user@", ">" HEX_256 HEX_256 "u", MALFORMED, "response.UserUri" },
    { "error code over 63 bits", DOC_ERROR, ">-404<", ">9223372036854775808<", MALFORMED,
      "response.ErrorCode" },
    /* constructs */
    { "PI", DOC_INIT, "<KmsMessage>", "<?php x?><KmsMessage>", MALFORMED, "xml.pi" },
    { "style sheet", DOC_INIT, ROOT, "<?xml-stylesheet href=\"x\"?>" ROOT, MALFORMED, "xml.pi" },
    { "blank CDATA", DOC_INIT, "<KmsMessage>", "<![CDATA[ ]]><KmsMessage>", MALFORMED,
      "xml.cdata" },
    { "wrong end tag", DOC_INIT, "</Time>", "</Tine>", MALFORMED, "xml" },
    { "bare ampersand", DOC_INIT, "&amp;b", "&b", MALFORMED, "xml" },
    { "bare less-than", DOC_INIT, "user@", "us<er@", MALFORMED, "xml" },
    { "declaration late", DOC_INIT, DECL, " " DECL, MALFORMED, "xml" },
};

static void changed_documents_are_refused(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < KF_COUNT(changes); i++) {
        kf_fault fault;
        char *bad = replaced(changes[i].document, changes[i].find, changes[i].with);
        kf_err err = parse(kf_slice_str(bad), &fault);
        if (err != changes[i].want || fault.field == NULL ||
            strcmp(fault.field, changes[i].field) != 0) {
            print_error("%s: %s at %s, octet %zu\n", changes[i].name, kf_err_name(err),
                        fault.field == NULL ? "-" : fault.field, fault.at);
            wrong++;
        }
        free(bad);
    }
    print_message("%zu documents\n", KF_COUNT(changes));
    assert_int_equal(wrong, 0);
}

/* Forms that differ and are still good. */
static void harmless_changes_are_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *document, *find, *with;
    } cases[] = {
        { DOC_INIT, DECL, "" },
        { DOC_INIT, DECL, "\xef\xbb\xbf" DECL },
        { DOC_INIT, "encoding=\"UTF-8\"", "encoding = 'utf-8' standalone='yes'" },
        { DOC_INIT, " encoding=\"UTF-8\"", "" },
        { DOC_INIT, "<KmsMessage>", "<!-- a comment --><KmsMessage>" },
        { DOC_INIT, ROOT, "<!-- before -->" ROOT },
        { DOC_NO_KEYS, DOC_END, DOC_END "\n<!-- after -->\n" },
        { DOC_INIT, ">2592000<", ">\t002592000\n<" },
        { DOC_INIT, "kms.example.org", "kms&#46;example&#x2e;org" },
        { DOC_INIT, " Id=\"r7\"", " Id=\"r7\" xsi:schemaLocation=\"urn:x x.xsd\"" },
        { DOC_INIT, "<KmsInit>", "<KmsInit xsi:type=\"KmsInitTkIkType\">" },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_fault fault;
        char *good = replaced(cases[i].document, cases[i].find, cases[i].with);
        if (parse(kf_slice_str(good), &fault) != KF_OK)
            fail_msg("%s: %s at %s", cases[i].with, kf_err_name(fault.code), fault.field);
        free(good);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    static const char *const documents[] = { DOC_INIT, DOC_KEYS, DOC_CACHE, DOC_ERROR };
    for (size_t i = 0; i < KF_COUNT(documents); i++) {
        for (size_t len = 0; len < strlen(documents[i]); len++) {
            kf_fault fault;
            kf_slice prefix = kf_slice_part(kf_slice_str(documents[i]), 0, len);
            if (parse(prefix, &fault) == KF_OK)
                fail_msg("document %zu, %zu octets", i, len);
        }
    }
}

/* Cut inside an element: it says so. */
static void cut_documents_are_truncated(void **state)
{
    (void)state;
    const char *end = strstr(DOC_KEYS, "</KmsKeyProv>");
    refuse("cut", (kf_slice){ (const uint8_t *)DOC_KEYS, 0 }, KF_E_TRUNCATED, "xml");
    size_t len = strlen(DOC_KEYS) - strlen(end);
    refuse("cut", kf_slice_part(kf_slice_str(DOC_KEYS), 0, len), KF_E_TRUNCATED,
           "response.KmsKeyProv");
    refuse("cut", kf_slice_part(kf_slice_str(DOC_KEYS), 0, len + 3), KF_E_TRUNCATED,
           "response.KmsKeyProv");
}

/* The place is the octet where the reader stood. */
static void fault_tells_the_place(void **state)
{
    (void)state;
    kf_fault fault;
    char *bad = replaced(DOC_CACHE, "<UserKeyOffset>17<", "<UserKeyOffset>x17<");
    size_t at = (size_t)(strstr(bad, "x17") - bad);
    assert_err(parse(kf_slice_str(bad), &fault), KF_E_MALFORMED);
    assert_in_range(fault.at, at, at + strlen("x17</UserKeyOffset>"));
    free(bad);
}

static void nul_octets_and_wide_encodings_are_refused(void **state)
{
    (void)state;
    static const char good[] = DOC_INIT;
    uint8_t *wide = calloc(sizeof good, 4);
    assert_non_null(wide);
    for (size_t i = 0; i + 1 < sizeof good; i++) { /* UTF-16BE, then LE, then UTF-32BE */
        wide[2 * i + 1] = (uint8_t)good[i];
    }
    refuse("UTF-16BE", (kf_slice){ wide, 2 * sizeof good - 2 }, KF_E_MALFORMED, "xml.utf8");
    refuse("UTF-16LE", (kf_slice){ wide + 1, 2 * sizeof good - 3 }, KF_E_MALFORMED, "xml.utf8");
    memmove(wide + 2, wide, 2 * sizeof good - 2);
    wide[0] = 0xfe;
    wide[1] = 0xff;
    refuse("UTF-16 with mark", (kf_slice){ wide, 2 * sizeof good }, KF_E_MALFORMED, "xml.utf8");
    memcpy(wide, good, sizeof good);
    refuse("NUL at the end", (kf_slice){ wide, sizeof good }, KF_E_MALFORMED, "xml.utf8");
    for (size_t at = 0; at + 1 < sizeof good; at += 7) {
        wide[at] = 0;
        refuse("NUL inside", (kf_slice){ wide, sizeof good - 1 }, KF_E_MALFORMED, "xml.utf8");
        wide[at] = (uint8_t)good[at];
    }
    free(wide);
}

/* Any octet changed to any of a few: refused or read, never worse; what is read is written. */
static void changed_octets_do_no_harm(void **state)
{
    (void)state;
    static const char good[] = DOC_CACHE;
    static const char tries[] = "<>&\"/ x!?]\x7f\xc3";
    size_t step = testing_count(3, 1);
    char *bad = malloc(sizeof good);
    assert_non_null(bad);
    for (size_t at = 0; at + 1 < sizeof good; at += step) {
        for (size_t k = 0; k + 1 < sizeof tries; k++) {
            memcpy(bad, good, sizeof good);
            bad[at] = tries[k];
            kms_response r, again;
            kf_fault fault;
            if (kms_response_parse(kf_slice_str(bad), &r, &fault) != KF_OK)
                continue;
            kf_secret *document = NULL;
            assert_ok(kms_response_write(&r, &document, &fault));
            assert_ok(kms_response_parse(kf_secret_view(document), &again, &fault));
            assert_true(kms_response_equal(&r, &again));
            kf_secret_free(&document);
            kms_response_clear(&again);
            kms_response_clear(&r);
        }
    }
    free(bad);
}

/* ---- size ---- */

/* head, then body as often as it takes to pass octets, then tail. Caller frees. */
static kf_slice repeated(const char *head, const char *body, const char *tail, size_t octets)
{
    size_t count = octets / strlen(body) + 1;
    size_t len = strlen(head) + count * strlen(body) + strlen(tail);
    char *out = malloc(len + 1), *to = out;
    assert_non_null(out);
    to = stpcpy(to, head);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, body);
    stpcpy(to, tail);
    return (kf_slice){ (uint8_t *)out, len };
}

static void free_slice(kf_slice s)
{
    union {
        const uint8_t *loan;
        void *own;
    } u = { .loan = s.ptr };
    free(u.own);
}

#define MIB ((size_t)1 << 20)

static void ten_megabytes_are_refused_unread(void **state)
{
    (void)state;
    kf_slice big = repeated(DOC_START "<KmsMessage><KmsKeyProv>", DOC_LEAN_KEYSET, "", 10 * MIB);
    xml_memory_begin(KMS_XML_MEMORY_MAX);
    xml_memory_end();
    refuse("10 MB", big, KF_E_NO_SPACE, "xml.size");
    assert_int_equal(xml_memory_peak(), 0); /* libxml2 was not even asked */
    free_slice(big);
}

/* Just under the size cap, every way to make a parser work hard. */
static void large_documents_stay_small_in_memory(void **state)
{
    (void)state;
    static const struct {
        const char *name, *head, *body, *tail;
        size_t octets;
        kf_err want;
        const char *field;
    } cases[] = {
        { "text", DOC_START "<KmsMessage>", "x", "", MIB - 4096, KF_E_NO_SPACE, "xml.span" },
        { "blank text", DOC_START, "                ", "", 16000, KF_E_TRUNCATED, "response" },
        { "URI", "<KmsResponse xmlns=\"" KMS_XML_NAMESPACE "\"><UserUri>", "u", "</UserUri>", 16000,
          KF_E_MALFORMED, "response.UserUri" },
        { "attribute", "<KmsResponse Id=\"", "x", "\"/>", MIB - 4096, KF_E_NO_SPACE, "xml.span" },
        { "attribute, shorter", "<KmsResponse xmlns=\"" KMS_XML_NAMESPACE "\" Id=\"", "x", "\"/>",
          16000, KF_E_MALFORMED, "response.Id" },
        { "attributes", "<KmsResponse", " a='b'", "/>", MIB - 4096, KF_E_NO_SPACE, "xml.span" },
        { "depth", "", "<a>", "", 80000, KF_E_MALFORMED, "xml.namespace" },
        { "depth of our own", "", "<KmsResponse xmlns=\"" KMS_XML_NAMESPACE "\">", "", 80000,
          KF_E_MALFORMED, "response" },
        { "tags", DOC_START, "<a/>", "", MIB - 4096, KF_E_NO_SPACE, "xml.tags" },
        { "comments", DOC_START, "<!---->", "", 200000, KF_E_TRUNCATED, "response" },
        { "comment", DOC_START "<!--", "x", "-->", MIB - 4096, KF_E_NO_SPACE, "xml.span" },
        { "DTD in pieces", "<!DOCTYPE x [", "<!ENTITY a 'b'>", "]><x/>", 400000, KF_E_MALFORMED,
          "xml.doctype" },
        { "key sets", DOC_START "<KmsMessage><KmsKeyProv>", DOC_LEAN_KEYSET,
          "</KmsKeyProv></KmsMessage>" DOC_END, 500000, KF_E_MALFORMED, "response.KmsKeySet" },
        { "certificates", DOC_START "<KmsMessage><KmsCertCache>", DOC_LEAN_CERT,
          "</KmsCertCache></KmsMessage>" DOC_END, 500000, KF_E_MALFORMED,
          "response.KmsCertificate" },
        { "domains",
          DOC_START "<KmsMessage><KmsInit><KmsCertificate><KmsUri>k</KmsUri>"
                    "<UserIdFormat>2</UserIdFormat><UserKeyPeriod>1</UserKeyPeriod>"
                    "<UserKeyOffset>0</UserKeyOffset><PubEncKey>04" HEX_256
                    "</PubEncKey><PubAuthKey>04" HEX_64 "</PubAuthKey><KmsDomainList>",
          "<KmsDomain>d</KmsDomain>",
          "</KmsDomainList></KmsCertificate></KmsInit></KmsMessage>" DOC_END, 10000, KF_E_MALFORMED,
          "cert.KmsDomain" },
        { "name", "<", "x", "/>", 16000, KF_E_MALFORMED, "xml.namespace" },
    };
    size_t most = 0;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_slice big = repeated(cases[i].head, cases[i].body, cases[i].tail, cases[i].octets);
        refuse(cases[i].name, big, cases[i].want, cases[i].field);
        if (xml_memory_peak() > most)
            most = xml_memory_peak();
        free_slice(big);
    }
    char prefixes[4096], *to = stpcpy(prefixes, "<KmsResponse xmlns=\"" KMS_XML_NAMESPACE "\"");
    for (int i = 0; i < 40; i++)
        to += sprintf(to, " xmlns:p%d=\"urn:%d\"", i, i);
    stpcpy(to, "/>");
    refuse("prefixes", kf_slice_str(prefixes), KF_E_NO_SPACE, "xml.namespace");
    print_message("libxml2 used at most %zu octets\n", most);
    assert_true(most < MIB);
}

/* The largest document that is good: full of certificates. */
static void full_cache_is_read(void **state)
{
    (void)state;
    size_t octets = strlen(DOC_LEAN_CERT) * (KMS_XML_CERTS_MAX - 1);
    kf_slice big = repeated(DOC_START "<KmsMessage><KmsCertCache>", DOC_LEAN_CERT,
                            "</KmsCertCache></KmsMessage>" DOC_END, octets);
    kms_response r;
    kf_fault fault;
    assert_ok(kms_response_parse(big, &r, &fault));
    assert_int_equal(r.cert_count, KMS_XML_CERTS_MAX);
    assert_true(xml_memory_peak() < MIB);
    kms_response_clear(&r);
    free_slice(big);
}

/* Every cap on libxml2's heap from nothing to enough: a clear refusal, and nothing is lost. */
static void short_memory_is_a_clear_refusal(void **state)
{
    (void)state;
    kf_slice document = kf_slice_str(DOC_KEYS);
    size_t step = testing_count(97, 8);
    size_t cap = 0;
    kf_err err = KF_E_NO_SPACE;
    for (; cap < MIB && err != KF_OK; cap += step) {
        kms_response r;
        kf_fault fault;
        err = kms_xml_parse(document, cap, &r, &fault);
        if (err != KF_OK) {
            assert_int_equal(err, KF_E_NO_SPACE);
            assert_string_equal(fault.field, "xml.memory");
            assert_true(is_zero(&r, sizeof r));
        }
        assert_true(xml_memory_peak() <= cap);
        assert_int_equal(xml_memory_in_use(), 0);
        kms_response_clear(&r);
    }
    assert_int_equal(err, KF_OK);
    print_message("enough: %zu octets\n", cap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_documents_are_refused),
        cmocka_unit_test(harmless_changes_are_accepted),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(cut_documents_are_truncated),
        cmocka_unit_test(fault_tells_the_place),
        cmocka_unit_test(nul_octets_and_wide_encodings_are_refused),
        cmocka_unit_test(changed_octets_do_no_harm),
        cmocka_unit_test(ten_megabytes_are_refused_unread),
        cmocka_unit_test(large_documents_stay_small_in_memory),
        cmocka_unit_test(full_cache_is_read),
        cmocka_unit_test(short_memory_is_a_clear_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

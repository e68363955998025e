#include <string.h>

#include "explain/escape.h"
#include "explain/run.h"
#include "kms/response.h"

#define VALUE_SHOWN 64u

/* Elements and attributes of annex D. The parser of kms/ judges the document; this only says where
 * things are and what they mean. What is not in the table is named but its content is not shown: it
 * might be a key. */
typedef struct xml_row {
    const char *owner, *name; /* the part that it belongs to, its local name */
    const char *field, *clause;
    const char *meaning;
    bool secret;
} xml_row;

static const char part_clause[] = "TS 33.180 D.3";
static const char cert_clause[] = "TS 33.180 D.3.2.2";
static const char keyset_clause[] = "TS 33.180 D.3.3.2";

static const xml_row rows[] = {
    { "response", "KmsResponse", "xml.root", part_clause, "answer of a KMS", false },
    { "response", "Id", "response.Id", part_clause, "", false },
    { "response", "Version", "response.Version", part_clause, "version of the format", false },
    { "response", "UserUri", "response.UserUri", part_clause, "who asked", false },
    { "response", "KmsUri", "response.KmsUri", part_clause, "the KMS that answers", false },
    { "response", "Time", "response.Time", part_clause, "when it answered", false },
    { "response", "KmsId", "response.KmsId", part_clause, "", false },
    { "response", "ClientReqUrl", "response.ClientReqUrl", part_clause, "what was asked", false },
    { "response", "KmsMessage", "response.KmsMessage", part_clause, "", false },
    { "response", "KmsInit", "response.KmsInit", "TS 33.180 D.3.2", "the root certificate", false },
    { "response", "KmsKeyProv", "response.KmsKeyProv", "TS 33.180 D.3.3", "key sets", false },
    { "response", "KmsCertCache", "response.KmsCertCache", "TS 33.180 D.3.4",
      "certificates of other domains", false },
    { "response", "CacheNum", "response.CacheNum", "TS 33.180 D.3.4", "", false },
    { "response", "KmsError", "response.KmsError", part_clause, "", false },
    { "response", "ErrorCode", "response.ErrorCode", part_clause, "", false },
    { "response", "ErrorMsg", "response.ErrorMsg", part_clause, "", false },
    { "response", "KmsCertificate", "response.KmsCertificate", cert_clause, "", false },
    { "response", "KmsKeySet", "response.KmsKeySet", keyset_clause, "", false },
    { "response", "NewTransportKey", "response.NewTransportKey", part_clause,
      "a key that wraps later answers", true },
    { "response", "NewIntegrityKey", "response.NewIntegrityKey", part_clause,
      "a key that signs later messages", true },
    { "response", "type", "xml.type", "XML Schema 1, 2.6.1", "which form the content has", false },
    { "cert", "Id", "cert.Id", cert_clause, "", false },
    { "cert", "Version", "cert.Version", cert_clause, "version of the format", false },
    { "cert", "Role", "cert.Role", cert_clause, "Root: own domain, External: another", false },
    { "cert", "IsSecurityGateway", "cert.IsSecurityGateway", cert_clause, "", false },
    { "cert", "CertUri", "cert.CertUri", cert_clause, "a newer one of this name replaces it",
      false },
    { "cert", "KmsUri", "cert.KmsUri", cert_clause, "the security domain; goes into every UID",
      false },
    { "cert", "Issuer", "cert.Issuer", cert_clause, "", false },
    { "cert", "ValidFrom", "cert.ValidFrom", cert_clause, "", false },
    { "cert", "ValidTo", "cert.ValidTo", cert_clause, "", false },
    { "cert", "Revoked", "cert.Revoked", cert_clause, "", false },
    { "cert", "UserIdFormat", "cert.UserIdFormat", cert_clause, "2: the UID of F.2.1", false },
    { "cert", "UserKeyPeriod", "cert.UserKeyPeriod", cert_clause, "seconds that a key set lasts",
      false },
    { "cert", "UserKeyOffset", "cert.UserKeyOffset", cert_clause, "seconds that periods start late",
      false },
    { "cert", "PubEncKey", "cert.PubEncKey", cert_clause, "SAKKE public key Z, a point", false },
    { "cert", "PubAuthKey", "cert.PubAuthKey", cert_clause, "ECCSI public key KPAK, a point",
      false },
    { "cert", "ParameterSet", "cert.ParameterSet", cert_clause, "SAKKE parameter set of RFC 6509",
      false },
    { "cert", "KmsDomainList", "cert.KmsDomainList", cert_clause, "", false },
    { "cert", "KmsDomain", "cert.KmsDomain", cert_clause, "a domain it covers", false },
    { "keyset", "Version", "keyset.Version", keyset_clause, "version of the format", false },
    { "keyset", "KmsUri", "keyset.KmsUri", keyset_clause, "the security domain", false },
    { "keyset", "CertUri", "keyset.CertUri", keyset_clause, "", false },
    { "keyset", "Issuer", "keyset.Issuer", keyset_clause, "", false },
    { "keyset", "UserUri", "keyset.UserUri", keyset_clause, "whose keys these are", false },
    { "keyset", "UserID", "keyset.UserID", keyset_clause, "UID: hash of URI, KMS URI and period",
      false },
    { "keyset", "ValidFrom", "keyset.ValidFrom", keyset_clause, "", false },
    { "keyset", "ValidTo", "keyset.ValidTo", keyset_clause, "", false },
    { "keyset", "KeyPeriodNo", "keyset.KeyPeriodNo", keyset_clause, "the key period", false },
    { "keyset", "Revoked", "keyset.Revoked", keyset_clause, "", false },
    { "keyset", "UserDecryptKey", "keyset.UserDecryptKey", keyset_clause,
      "receiver secret key RSK of RFC 6508", true },
    { "keyset", "UserSigningKeySSK", "keyset.UserSigningKeySSK", keyset_clause,
      "secret signing key SSK of RFC 6507", true },
    { "keyset", "UserPubTokenPVT", "keyset.UserPubTokenPVT", keyset_clause,
      "public validation token PVT of RFC 6507", false },
};

static bool same(kf_slice s, const char *text)
{
    return kf_slice_equal(s, kf_slice_str(text));
}

/* A part's own names first, then those of the response around it. */
static const xml_row *row_of(const char *owner, kf_slice name)
{
    for (size_t i = 0; i < KF_COUNT(rows); i++)
        if (strcmp(rows[i].owner, owner) == 0 && same(name, rows[i].name))
            return &rows[i];
    return strcmp(owner, "response") == 0 ? NULL : row_of("response", name);
}

bool explain_knows_element(const char *field)
{
    for (size_t i = 0; i < KF_COUNT(rows); i++)
        if (strcmp(rows[i].field, field) == 0)
            return true;
    return false;
}

typedef struct scan {
    run *run;
    kf_slice doc;
    size_t at;
    size_t stop;        /* where the parser found a fault; the end if it found none */
    const char *owner;  /* the part we are in */
    const xml_row *row; /* the element whose start tag came last; NULL: not known */
    bool quiet;         /* look ahead: tell nothing */
    bool open;          /* that tag was the last thing but text */
} scan;

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_name(uint8_t c)
{
    return is_space(c) || c == '>' || c == '/' || c == '=';
}

static kf_slice local_name(kf_slice name)
{
    const uint8_t *colon = name.len == 0 ? NULL : memchr(name.ptr, ':', name.len);
    return colon == NULL ? name : kf_slice_part(name, (size_t)(colon + 1 - name.ptr), name.len);
}

static void tell(scan *s, const xml_row *row, kf_slice name, kf_slice range, bool is_name)
{
    char value[EXPLAIN_TEXT_MAX], meaning[EXPLAIN_TEXT_MAX];
    kf_writer v = kf_writer_init((uint8_t *)value, sizeof value - 1);
    kf_writer m = kf_writer_init((uint8_t *)meaning, sizeof meaning - 1);
    size_t at = (size_t)(range.ptr - s->doc.ptr);

    if (s->quiet || range.len == 0 || at + range.len > s->stop)
        return;
    if (is_name || (row != NULL && !row->secret))
        explain_escape(range, VALUE_SHOWN, &v);
    else
        fields_put(&v, "(%zu octets%s)", range.len,
                   row == NULL ? ", not shown" : ", a secret: not shown");
    if (row != NULL)
        fields_put(&m, "%s", row->meaning);
    else if (!is_name)
        explain_escape(name, VALUE_SHOWN, &m);
    value[v.len] = '\0';
    meaning[m.len] = '\0';
    const explain_field field = { row == NULL ? "xml.unknown" : row->field,
                                  at,
                                  range.len,
                                  value,
                                  meaning,
                                  row == NULL ? "" : row->clause };
    run_field(s->run, &field);
}

static void skip_space(scan *s)
{
    while (s->at < s->doc.len && is_space(s->doc.ptr[s->at]))
        s->at++;
}

static kf_slice take_name(scan *s)
{
    size_t from = s->at;
    while (s->at < s->doc.len && !ends_name(s->doc.ptr[s->at]))
        s->at++;
    return kf_slice_part(s->doc, from, s->at - from);
}

/* One attribute; its range is its value. Always moves on. */
static void attribute(scan *s)
{
    size_t from = s->at;
    kf_slice name = take_name(s);
    skip_space(s);
    if (s->at >= s->doc.len || s->doc.ptr[s->at] != '=') {
        s->at += s->at == from;
        return;
    }
    s->at++;
    skip_space(s);
    uint8_t quote = s->at < s->doc.len ? s->doc.ptr[s->at] : 0;
    if (quote != '"' && quote != '\'')
        return;
    const uint8_t *end = memchr(s->doc.ptr + s->at + 1, quote, s->doc.len - s->at - 1);
    if (end == NULL) {
        s->at = s->doc.len;
        return;
    }
    kf_slice value = kf_slice_part(s->doc, s->at + 1, (size_t)(end - s->doc.ptr) - s->at - 1);
    s->at = (size_t)(end - s->doc.ptr) + 1;
    bool is_namespace = name.len >= 5 && memcmp(name.ptr, "xmlns", 5) == 0;
    if (!is_namespace)
        tell(s, row_of(s->owner, local_name(name)), name, value, false);
}

/* Attributes up to the end of the tag. */
static void attributes(scan *s)
{
    skip_space(s);
    while (s->at < s->doc.len && s->doc.ptr[s->at] != '>') {
        if (s->doc.ptr[s->at] == '/')
            s->at++;
        else
            attribute(s);
        skip_space(s);
    }
    s->open = s->at < s->doc.len && s->doc.ptr[s->at - 1] != '/';
    s->at += s->at < s->doc.len;
}

/* Is there text between this tag and the next? Then the text stands for the element. */
static bool has_text(const scan *from)
{
    scan ahead = *from;
    ahead.quiet = true;
    attributes(&ahead);
    skip_space(&ahead);
    return ahead.open && ahead.at < ahead.doc.len && ahead.doc.ptr[ahead.at] != '<';
}

static void start_tag(scan *s)
{
    s->at++; /* < */
    kf_slice full = take_name(s);
    kf_slice name = local_name(full);
    s->owner = same(name, "KmsCertificate") ? "cert"
               : same(name, "KmsKeySet")    ? "keyset"
               : same(name, "KmsResponse")  ? "response"
                                            : s->owner;
    s->row = row_of(s->owner, name);
    if (s->row == NULL || !has_text(s))
        tell(s, s->row, name, full, true);
    attributes(s);
}

/* Past the next occurrence of a text, or to the end. */
static void skip_past(scan *s, const char *text)
{
    const uint8_t *found = memmem(s->doc.ptr + s->at, s->doc.len - s->at, text, strlen(text));
    s->at = found == NULL ? s->doc.len : (size_t)(found - s->doc.ptr) + strlen(text);
}

static bool here(const scan *s, const char *text)
{
    size_t len = strlen(text);
    return s->doc.len - s->at >= len && memcmp(s->doc.ptr + s->at, text, len) == 0;
}

/* Text up to the next tag; white space between tags is nothing. */
static void text(scan *s)
{
    const uint8_t *end = memchr(s->doc.ptr + s->at, '<', s->doc.len - s->at);
    size_t to = end == NULL ? s->doc.len : (size_t)(end - s->doc.ptr);
    kf_slice t = kf_slice_part(s->doc, s->at, to - s->at);
    s->at = to;
    while (t.len > 0 && is_space(t.ptr[0]))
        t = (kf_slice){ t.ptr + 1, t.len - 1 };
    while (t.len > 0 && is_space(t.ptr[t.len - 1]))
        t.len--;
    if (t.len > 0 && s->open)
        tell(s, s->row, kf_slice_str("text"), t, false);
}

static void end_tag(scan *s)
{
    s->at += 2; /* </ */
    kf_slice name = local_name(take_name(s));
    if (same(name, "KmsCertificate") || same(name, "KmsKeySet"))
        s->owner = "response";
    s->open = false;
    skip_past(s, ">");
}

static void scan_document(scan *s)
{
    while (s->at < s->stop) {
        if (here(s, "<!--"))
            skip_past(s, "-->");
        else if (here(s, "<![CDATA["))
            skip_past(s, "]]>");
        else if (here(s, "<?"))
            skip_past(s, "?>");
        else if (here(s, "<!"))
            return; /* a DTD: nothing of it is read */
        else if (here(s, "</"))
            end_tag(s);
        else if (here(s, "<"))
            start_tag(s);
        else
            text(s);
    }
}

kf_err run_xml(run *r, kf_slice document)
{
    kms_response response;
    kf_err err = kms_response_parse(document, &response, r->fault);
    size_t stop = document.len;
    if (err != KF_OK && r->fault->at < stop)
        stop = r->fault->at;
    scan s = { .run = r, .doc = document, .stop = stop, .owner = "response" };
    scan_document(&s);
    if (err == KF_OK)
        kms_response_clear(&response);
    return err;
}

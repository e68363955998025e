#include "kms/xml_table.h"

/* spec: TS 33.180 D.3, facts 11.3 to 11.5 - which element, in which order, how often. */

#define MANY                  0xffffffffu
#define AT(structure, member) offsetof(structure, member)
#define TYPE(u, x, a, e, c)                                                                        \
    {                                                                                              \
        .unknown = (u), .extended = (x), .attrs = (a), .attr_count = KF_COUNT(a), .items = (e),    \
        .item_count = KF_COUNT(e), .choice = (c)                                                   \
    }
#define SEQUENCE MANY

/* A type without attributes of its own has the empty table below. */
#define NO_ATTRS(u, x, e, c)                                                                       \
    {                                                                                              \
        .unknown = (u), .extended = (x), .items = (e), .item_count = KF_COUNT(e), .choice = (c)    \
    }

/* One simple element: name, fault literal, kind, occurrence, member. */
#define ONE(n, f, k, lo, s, m)                                                                     \
    {                                                                                              \
        .name = (n), .field = (f), .kind = (k), .min = (lo), .max = 1, .offset = AT(s, m)          \
    }
#define HEX(n, f, s, m, len)                                                                       \
    {                                                                                              \
        .name = (n), .field = (f), .kind = KMS_XML_OCTETS, .min = 1, .max = 1, .offset = AT(s, m), \
        .octets = (len)                                                                            \
    }
#define KEY(n, f, k, s, m, len)                                                                    \
    {                                                                                              \
        .name = (n), .field = (f), .kind = (k), .min = 1, .max = 1, .offset = AT(s, m),            \
        .octets = (len), .key_content = true                                                       \
    }
#define PART(n, f, lo, hi, t, o, in)                                                               \
    {                                                                                              \
        .name = (n), .field = (f), .kind = KMS_XML_COMPLEX, .min = (lo), .max = (hi),              \
        .type = &(t), .owner = (o), .kinds = (in)                                                  \
    }
#define LATER(n, f)                                                                                \
    {                                                                                              \
        .name = (n), .field = (f), .kind = KMS_XML_STEP_4, .min = 0, .max = MANY                   \
    }

/* ---- certificate: facts 11.4 ---- */

static const kms_xml_item domain_list_items[] = {
    { .name = "KmsDomain",
      .field = "cert.KmsDomain",
      .kind = KMS_XML_DOMAIN,
      .min = 1,
      .max = KMS_XML_DOMAINS_MAX },
};
static const kms_xml_type domain_list =
    NO_ATTRS("cert.KmsDomainList", NULL, domain_list_items, SEQUENCE);

static const kms_xml_item cert_attrs[] = {
    ONE("Id", "cert.Id", KMS_XML_TOKEN, 0, kms_cert, id),
    ONE("Version", "cert.Version", KMS_XML_VERSION, 0, kms_cert, version),
    ONE("Role", "cert.Role", KMS_XML_ROLE, 0, kms_cert, role),
    ONE("IsSecurityGateway", "cert.IsSecurityGateway", KMS_XML_FLAG, 0, kms_cert,
        is_security_gateway),
};
static const kms_xml_item cert_items[] = {
    ONE("CertUri", "cert.CertUri", KMS_XML_TOKEN, 0, kms_cert, cert_uri),
    ONE("KmsUri", "cert.KmsUri", KMS_XML_TOKEN, 1, kms_cert, kms_uri),
    ONE("Issuer", "cert.Issuer", KMS_XML_STRING, 0, kms_cert, issuer),
    ONE("ValidFrom", "cert.ValidFrom", KMS_XML_VALID_FROM, 0, kms_cert, valid_from),
    ONE("ValidTo", "cert.ValidTo", KMS_XML_VALID_TO, 0, kms_cert, valid_to),
    ONE("Revoked", "cert.Revoked", KMS_XML_FLAG, 0, kms_cert, revoked),
    ONE("UserIdFormat", "cert.UserIdFormat", KMS_XML_TOKEN, 1, kms_cert, user_id_format),
    ONE("UserKeyPeriod", "cert.UserKeyPeriod", KMS_XML_UNSIGNED, 1, kms_cert, user_key_period),
    ONE("UserKeyOffset", "cert.UserKeyOffset", KMS_XML_UNSIGNED, 1, kms_cert, user_key_offset),
    HEX("PubEncKey", "cert.PubEncKey", kms_cert, pub_enc_key, SAKKE_POINT_OCTETS),
    HEX("PubAuthKey", "cert.PubAuthKey", kms_cert, pub_auth_key, ECCSI_POINT_OCTETS),
    ONE("ParameterSet", "cert.ParameterSet", KMS_XML_NUMBER, 0, kms_cert, parameter_set),
    PART("KmsDomainList", "cert.KmsDomainList", 0, 1, domain_list, KMS_XML_SAME, 0),
};
static const kms_xml_type cert = TYPE("cert", NULL, cert_attrs, cert_items, SEQUENCE);

/* ---- key set: facts 11.5 ---- */

static const kms_xml_item keyset_attrs[] = {
    ONE("Version", "keyset.Version", KMS_XML_VERSION, 0, kms_keyset, version),
};
static const kms_xml_item keyset_items[] = {
    ONE("KmsUri", "keyset.KmsUri", KMS_XML_TOKEN, 1, kms_keyset, kms_uri),
    ONE("CertUri", "keyset.CertUri", KMS_XML_TOKEN, 0, kms_keyset, cert_uri),
    ONE("Issuer", "keyset.Issuer", KMS_XML_STRING, 0, kms_keyset, issuer),
    ONE("UserUri", "keyset.UserUri", KMS_XML_TOKEN, 1, kms_keyset, user_uri),
    ONE("UserID", "keyset.UserID", KMS_XML_UID, 1, kms_keyset, user_id),
    ONE("ValidFrom", "keyset.ValidFrom", KMS_XML_VALID_FROM, 0, kms_keyset, valid_from),
    ONE("ValidTo", "keyset.ValidTo", KMS_XML_VALID_TO, 0, kms_keyset, valid_to),
    ONE("KeyPeriodNo", "keyset.KeyPeriodNo", KMS_XML_UNSIGNED, 1, kms_keyset, key_period_no),
    ONE("Revoked", "keyset.Revoked", KMS_XML_FLAG, 0, kms_keyset, revoked),
    KEY("UserDecryptKey", "keyset.UserDecryptKey", KMS_XML_SECRET, kms_keyset, user_decrypt_key,
        SAKKE_POINT_OCTETS),
    KEY("UserSigningKeySSK", "keyset.UserSigningKeySSK", KMS_XML_SECRET, kms_keyset,
        user_signing_key_ssk, ECCSI_SCALAR_OCTETS),
    KEY("UserPubTokenPVT", "keyset.UserPubTokenPVT", KMS_XML_OCTETS, kms_keyset, user_pub_token_pvt,
        ECCSI_POINT_OCTETS),
};
static const kms_xml_type keyset = TYPE("keyset", NULL, keyset_attrs, keyset_items, SEQUENCE);

/* ---- the response around them: facts 11.3 ---- */

/* Version is on these three in the examples of the annex; its value tells us nothing new. */
static const kms_xml_item part_attrs[] = {
    { .name = "Version", .field = "response.Version", .kind = KMS_XML_DROPPED },
};

static const kms_xml_item init_items[] = {
    PART("KmsCertificate", "response.KmsCertificate", 1, 1, cert, KMS_XML_NEW_CERT, 0),
    LATER("NewTransportKey", "response.NewTransportKey"),
    LATER("NewIntegrityKey", "response.NewIntegrityKey"),
};
static const kms_xml_type init =
    TYPE("response.KmsInit", "KmsInitTkIkType", part_attrs, init_items, SEQUENCE);

static const kms_xml_item key_prov_items[] = {
    PART("KmsKeySet", "response.KmsKeySet", 0, KMS_XML_KEYSETS_MAX, keyset, KMS_XML_NEW_KEYSET, 0),
    LATER("NewTransportKey", "response.NewTransportKey"),
    LATER("NewIntegrityKey", "response.NewIntegrityKey"),
};
static const kms_xml_type key_prov =
    TYPE("response.KmsKeyProv", "KmsKeyProvTkIkType", part_attrs, key_prov_items, SEQUENCE);

static const kms_xml_item cert_cache_attrs[] = {
    { .name = "Version", .field = "response.Version", .kind = KMS_XML_DROPPED },
    ONE("CacheNum", "response.CacheNum", KMS_XML_NUMBER, 0, kms_response, cache_num),
};
static const kms_xml_item cert_cache_items[] = {
    PART("KmsCertificate", "response.KmsCertificate", 0, KMS_XML_CERTS_MAX, cert, KMS_XML_NEW_CERT,
         0),
};
static const kms_xml_type cert_cache =
    TYPE("response.KmsCertCache", NULL, cert_cache_attrs, cert_cache_items, SEQUENCE);

static const kms_xml_item message_items[] = {
    PART("KmsInit", "response.KmsInit", 0, 1, init, KMS_XML_SAME, KMS_XML_IN(KMS_RESPONSE_INIT)),
    PART("KmsKeyProv", "response.KmsKeyProv", 0, 1, key_prov, KMS_XML_SAME,
         KMS_XML_IN(KMS_RESPONSE_KEY_PROV)),
    PART("KmsCertCache", "response.KmsCertCache", 0, 1, cert_cache, KMS_XML_SAME,
         KMS_XML_IN(KMS_RESPONSE_CERT_CACHE)),
};
static const kms_xml_type message = NO_ATTRS("response.KmsMessage", NULL, message_items, 0);

static const kms_xml_item error_items[] = {
    ONE("ErrorCode", "response.ErrorCode", KMS_XML_SIGNED, 1, kms_response, error_code),
    ONE("ErrorMsg", "response.ErrorMsg", KMS_XML_STRING, 1, kms_response, error_msg),
};
static const kms_xml_type error = NO_ATTRS("response.KmsError", NULL, error_items, SEQUENCE);

static const kms_xml_item response_attrs[] = {
    ONE("Id", "response.Id", KMS_XML_TOKEN, 0, kms_response, id),
    ONE("Version", "response.Version", KMS_XML_VERSION, 0, kms_response, version),
};
#define RESPONSE_CHOICE 5u
static const kms_xml_item response_items[] = {
    ONE("UserUri", "response.UserUri", KMS_XML_TOKEN, 1, kms_response, user_uri),
    ONE("KmsUri", "response.KmsUri", KMS_XML_TOKEN, 1, kms_response, kms_uri),
    ONE("Time", "response.Time", KMS_XML_TIME, 1, kms_response, time),
    ONE("KmsId", "response.KmsId", KMS_XML_STRING, 0, kms_response, kms_id),
    ONE("ClientReqUrl", "response.ClientReqUrl", KMS_XML_TOKEN, 1, kms_response, client_req_url),
    PART("KmsMessage", "response.KmsMessage", 0, 1, message, KMS_XML_SAME,
         KMS_XML_IN(KMS_RESPONSE_INIT) | KMS_XML_IN(KMS_RESPONSE_KEY_PROV) |
             KMS_XML_IN(KMS_RESPONSE_CERT_CACHE)),
    PART("KmsError", "response.KmsError", 0, 1, error, KMS_XML_SAME,
         KMS_XML_IN(KMS_RESPONSE_ERROR)),
};
static const kms_xml_type response =
    TYPE("response", NULL, response_attrs, response_items, RESPONSE_CHOICE);

const kms_xml_item kms_xml_root = PART("KmsResponse", "xml.root", 1, 1, response, KMS_XML_SAME, 0);

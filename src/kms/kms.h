/**
 * @file kms.h The key management server of identity-based keys: its master secrets, the
 * certificates and key sets it gives out, and what a client checks before it uses them.
 * Source: 3GPP TS 33.180 clauses 5.3 and 5.4, annexes D and F.2.1.
 *
 * The documents themselves are in kms/response.h.
 */
#ifndef KMS_KMS_H
#define KMS_KMS_H

#include "base/rng.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "crypto/container.h"
#include "mcsec/domain.h"

/** UserIdFormat of the UID generation of F.2.1, the only one there is. */
#define KMS_USER_ID_FORMAT "2"
/** ParameterSet of SAKKE parameter set 1 (RFC 6509). */
#define KMS_PARAMETER_SET UINT64_C(1)
/** Versions we write. */
#define KMS_RESPONSE_VERSION "1.0.0"
#define KMS_CERT_VERSION     "1.1.0"
#define KMS_KEYSET_VERSION   "1.1.0"

/** kf_time of an absent ValidFrom and ValidTo: no bound. */
#define KMS_NO_VALID_FROM INT64_MIN
#define KMS_NO_VALID_TO   INT64_MAX

/** Longest text of any element or attribute, octets. */
#define KMS_TEXT_MAX MCSEC_URI_MAX

/** An optional xsd:boolean. */
typedef enum kms_flag { KMS_ABSENT, KMS_FALSE, KMS_TRUE } kms_flag;

/** An optional xsd:integer. */
typedef struct kms_number {
    bool given;
    uint64_t value;
} kms_number;

/** Attribute Role of a certificate. */
typedef enum kms_role {
    KMS_ROLE_ABSENT,
    KMS_ROLE_ROOT,     /**< the client's own domain */
    KMS_ROLE_EXTERNAL, /**< another domain */
} kms_role;

/**
 * A KMS certificate (5.3.5, D.3.2.2). A plain value: every slice is borrowed, from the kms_domain
 * or the kms_response it came from. An absent optional text has ptr NULL.
 */
typedef struct kms_cert {
    kf_slice id;                  /**< @Id, optional */
    kf_slice version;             /**< @Version, optional; 1.x */
    kms_role role;                /**< @Role, optional */
    kms_flag is_security_gateway; /**< @IsSecurityGateway, optional */
    kf_slice cert_uri;            /**< optional: a newer one with the same name replaces */
    kf_slice kms_uri;             /**< the domain; hashed into every UID */
    kf_slice issuer;              /**< optional */
    kf_time valid_from;           /**< KMS_NO_VALID_FROM when absent */
    kf_time valid_to;             /**< inclusive; KMS_NO_VALID_TO when absent */
    kms_flag revoked;             /**< optional */
    kf_slice user_id_format;      /**< KMS_USER_ID_FORMAT */
    uint64_t user_key_period;     /**< seconds */
    uint64_t user_key_offset;     /**< seconds, less than the period */
    uint8_t pub_enc_key[SAKKE_POINT_OCTETS];  /**< SAKKE Z */
    uint8_t pub_auth_key[ECCSI_POINT_OCTETS]; /**< ECCSI KPAK */
    kms_number parameter_set;                 /**< optional: KMS_PARAMETER_SET */
    const kf_slice *domains;                  /**< KmsDomainList, optional: domains covered */
    size_t domain_count;                      /**< 0 when the list is absent */
} kms_cert;

/**
 * A key set of one user in one key period (5.3.6, D.3.3.2). Slices are borrowed as in kms_cert; the
 * two secrets belong to the set.
 */
typedef struct kms_keyset {
    kf_slice version; /**< @Version, optional; 1.x */
    kf_slice kms_uri;
    kf_slice cert_uri; /**< optional */
    kf_slice issuer;   /**< optional */
    kf_slice user_uri;
    uint8_t user_id[MCSEC_UID_OCTETS]; /**< UID of F.2.1 */
    kf_time valid_from;                /**< KMS_NO_VALID_FROM when absent */
    kf_time valid_to;                  /**< inclusive; KMS_NO_VALID_TO when absent */
    uint64_t key_period_no;
    kms_flag revoked;                               /**< optional */
    kf_secret *user_decrypt_key;                    /**< RSK, 257 octets */
    kf_secret *user_signing_key_ssk;                /**< SSK, 32 octets */
    uint8_t user_pub_token_pvt[ECCSI_POINT_OCTETS]; /**< PVT */
} kms_keyset;

/** Free the secrets of a set and zero it. May be called twice; NULL is fine. */
void kms_keyset_clear(kms_keyset *set);

/* ---- the server's side ---- */

/** A KMS: its URI, key period, and the master secrets z (SAKKE) and KSAK (ECCSI). Immutable:
 * threads may share it. */
typedef struct kms_domain kms_domain;

/**
 * A new domain with fresh master secrets.
 * @param kms_uri copied; 1 to MCSEC_URI_MAX octets of UTF-8 without white space or controls.
 * @param created when, for the record.
 * @return KF_E_MALFORMED for a URI or period out of range; KF_E_BACKEND, KF_E_NO_MEMORY. Caller
 * frees *out.
 */
KF_MUST_USE kf_err kms_domain_new(kf_slice kms_uri, mcsec_period period, kf_time created,
                                  const kf_rng *rng, kms_domain **out);
void kms_domain_free(kms_domain **domain);

kf_slice kms_domain_uri(const kms_domain *domain);
mcsec_period kms_domain_period(const kms_domain *domain);
kf_time kms_domain_created(const kms_domain *domain);

/** Octets of the content of a domain container for the longest URI. */
#define KMS_DOMAIN_CONTENT_MAX (1u + 8u + 8u + 8u + 2u + MCSEC_URI_MAX + 128u + 32u)
/** Octets of the longest sealed domain: a buffer of this size always suffices. */
#define KMS_DOMAIN_SEALED_MAX (KF_CONTAINER_OVERHEAD + KMS_DOMAIN_CONTENT_MAX)

/**
 * Seal the domain under a passphrase into a container of kind KF_CONTAINER_KMS_DOMAIN, appended to
 * out. Content of the container, our own layout:
 *
 * octets  field
 *  1      version, 1
 *  8      creation time, Unix seconds, two's complement
 *  8      length of a key period, seconds
 *  8      offset of a key period, seconds
 *  2      length n of the KMS URI, 1 to 1024
 *  n      KMS URI
 *  128    z, the SAKKE master secret, in [2, q-1]
 *  32     KSAK, the ECCSI secret authentication key, in [1, q-1]
 *
 * @return KF_E_NO_SPACE, KF_E_NO_MEMORY, KF_E_BACKEND; KF_E_MALFORMED for a cost out of bounds.
 */
KF_MUST_USE kf_err kms_domain_seal(const kms_domain *domain, kf_slice passphrase,
                                   kf_scrypt_cost cost, const kf_rng *rng, kf_writer *out);

/**
 * Open a sealed domain.
 * @param fault where and why; at counts in the container, or in its content for "domain.*".
 * @return KF_E_AUTH for a wrong passphrase or altered octets; KF_E_UNSUPPORTED for another version
 * or kind; KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED. Caller frees *out.
 */
KF_MUST_USE kf_err kms_domain_open(kf_slice passphrase, kf_slice octets, kms_domain **out,
                                   kf_fault *fault);

/** The domain's own root certificate, without optional names or validity: the caller may add them.
 * Slices are borrowed from the domain. */
void kms_domain_certificate(const kms_domain *domain, kms_cert *out);

/**
 * Issue the keys of one user for one key period, valid for exactly that period.
 *
 * @param user_uri borrowed by *out, which must not outlive it; limits as for kms_uri.
 * @param period   number of the key period, see mcsec_period_number().
 * @param form     identifier that the keys are bound to; MCSEC_ID_UID unless for an interop peer.
 * @param rng      draws the ECCSI v.
 * @param out      empty on failure; else the caller calls kms_keyset_clear().
 * @return KF_E_MALFORMED for a URI or period out of range; KF_E_BACKEND, KF_E_NO_MEMORY.
 *
 * Constant time in the master secrets as far as sakke_rsk_extract() and eccsi_issue() are.
 * Source: TS 33.180 5.3.6, F.2.1; RFC 6508 6.1.1; RFC 6507 5.1.1.
 */
KF_MUST_USE kf_err kms_domain_issue(const kms_domain *domain, kf_slice user_uri, uint64_t period,
                                    mcsec_id_form form, const kf_rng *rng, kms_keyset *out);

/* ---- the client's side ---- */

/**
 * Validate a certificate and make it ready for use. Whether it is revoked or outside its validity
 * at some time is for mcsec_domain_is_usable_at().
 *
 * @param fault "cert.UserIdFormat", "cert.ParameterSet", "cert.UserKeyOffset", "cert.PubEncKey",
 * ...
 * @return KF_E_UNSUPPORTED for a UserIdFormat or ParameterSet we do not know; KF_E_MALFORMED;
 * KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err kms_cert_to_domain(const kms_cert *cert, sakke_tables tables, mcsec_domain **out,
                                      kf_fault *fault);

/**
 * Validate a key set against its domain and make it ready for use: same KMS, UID recomputed,
 * validity that meets the key period, SSK and PVT, RSK by pairing. A set that fails is to be
 * discarded (5.3.6).
 *
 * @param domain borrowed; must outlive *out.
 * @param fault  names the element: "keyset.KmsUri", "keyset.UserID", "keyset.ValidFrom",
 *               "keyset.Revoked", "keyset.UserPubTokenPVT" (not a point),
 * "keyset.UserSigningKeySSK" (SSK and PVT do not belong together, or not to this user),
 * "keyset.UserDecryptKey".
 * @return KF_E_AUTH when it is not of this user, period and domain; KF_E_DENIED when revoked;
 * KF_E_MALFORMED; KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err kms_keyset_to_user_keys(const kms_keyset *set, const mcsec_domain *domain,
                                           mcsec_id_form form, sakke_tables tables,
                                           mcsec_user_keys **out, kf_fault *fault);

#endif

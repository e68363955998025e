/**
 * @file response.h The XML document that a KMS answers with, both ways.
 * Source: 3GPP TS 33.180 annex D.3; project facts 11.3 to 11.5.
 */
#ifndef KMS_RESPONSE_H
#define KMS_RESPONSE_H

#include "kms/kms.h"

/** Namespace of every element. */
#define KMS_XML_NAMESPACE "urn:3gpp:ns:mcsecKMSInterface:1.0"

/** Caps on a document: beyond them it is refused. */
#define KMS_XML_OCTETS_MAX  (1u << 20) /**< of the whole document; checked before anything else */
#define KMS_XML_MEMORY_MAX  (8u << 20) /**< of libxml2's heap during one parse */
#define KMS_XML_SPAN_MAX    16384u     /**< from one '<' to the next: a tag and the text after it */
#define KMS_XML_TAGS_MAX    32768u     /**< start tags, end tags, comments */
#define KMS_XML_DEPTH_MAX   16u
#define KMS_XML_CERTS_MAX   256u /**< certificates in one document */
#define KMS_XML_KEYSETS_MAX 64u  /**< key sets in one document */
#define KMS_XML_DOMAINS_MAX 64u  /**< KmsDomain elements in one certificate */

/** What a response brings: one child of KmsMessage, or KmsError. */
typedef enum kms_response_kind {
    KMS_RESPONSE_INIT = 1,   /**< KmsInit: exactly one certificate, the root */
    KMS_RESPONSE_KEY_PROV,   /**< KmsKeyProv: any number of key sets */
    KMS_RESPONSE_CERT_CACHE, /**< KmsCertCache: any number of certificates */
    KMS_RESPONSE_ERROR,      /**< KmsError */
} kms_response_kind;

/** What a parsed response owns. */
typedef struct kms_store kms_store;

/**
 * A KmsResponse. A parsed one owns everything it points to, until kms_response_clear(). One made by
 * hand for writing borrows everything and has store = NULL; kms_response_clear() then only zeroes.
 * An absent optional text has ptr NULL.
 */
typedef struct kms_response {
    kf_slice id;             /**< @Id, optional */
    kf_slice version;        /**< @Version, optional; 1.x; KMS_RESPONSE_VERSION */
    kf_slice user_uri;       /**< UserUri */
    kf_slice kms_uri;        /**< KmsUri */
    kf_time time;            /**< Time */
    kf_slice kms_id;         /**< KmsId, optional */
    kf_slice client_req_url; /**< ClientReqUrl */
    kms_response_kind kind;
    const kms_cert *certs; /**< INIT: 1; CERT_CACHE: 0 to KMS_XML_CERTS_MAX */
    size_t cert_count;
    const kms_keyset *keysets; /**< KEY_PROV: 0 to KMS_XML_KEYSETS_MAX */
    size_t keyset_count;
    kms_number cache_num; /**< CERT_CACHE: @CacheNum, optional */
    int64_t error_code;   /**< ERROR: ErrorCode */
    kf_slice error_msg;   /**< ERROR: ErrorMsg */
    kms_store *store;     /**< NULL unless parsed */
} kms_response;

/**
 * Read a document. No DTD, no entities but the five predefined ones, no network, no encoding but
 * UTF-8; every element and attribute is on a list, in its order, as often as it may be.
 *
 * @param document may hold keys: the caller's to wipe.
 * @param fault    at: octet offset in the document, at or shortly after the place; field: a literal
 *                 such as "keyset.UserDecryptKey", "xml" for what is not well formed,
 * "xml.doctype".
 * @param out      empty on failure; else the caller calls kms_response_clear().
 * @return KF_E_NO_SPACE for a document beyond a cap; KF_E_MALFORMED; KF_E_UNSUPPORTED for another
 * encoding or version, signed documents and encrypted keys; KF_E_TRUNCATED when it ends early;
 * KF_E_NO_MEMORY.
 *
 * Thread safe. The first call in a process gives libxml2 our own allocators (xmlMemSetup), which
 * wipe what they free.
 */
KF_MUST_USE kf_err kms_response_parse(kf_slice document, kms_response *out, kf_fault *fault);

/**
 * Write a document; kms_response_parse() reads it back to the same values.
 * @param fault which element cannot be written.
 * @return KF_E_MALFORMED when a mandatory value is missing, too long or not text; KF_E_NO_MEMORY.
 * Caller frees *out: UTF-8 without a NUL, in locked memory because key sets hold keys.
 */
KF_MUST_USE kf_err kms_response_write(const kms_response *response, kf_secret **out,
                                      kf_fault *fault);

/** Free what a parsed response owns, and zero it. May be called twice; NULL is fine. */
void kms_response_clear(kms_response *response);

/** Same values in every field? Keys in constant time, the rest not. */
bool kms_response_equal(const kms_response *a, const kms_response *b);

#endif

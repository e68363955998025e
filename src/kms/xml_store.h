/** @file xml_store.h What a parsed response owns. Internal to the room. */
#ifndef KMS_XML_STORE_H
#define KMS_XML_STORE_H

#include "kms/response.h"

struct kms_store {
    uint8_t *text; /* all slices of the response; as large as the document, so never full */
    size_t text_cap, text_len;
    kms_cert *certs; /* room for KMS_XML_CERTS_MAX, once there is one */
    size_t cert_count;
    kms_keyset *keysets; /* room for KMS_XML_KEYSETS_MAX, once there is one */
    size_t keyset_count;
    kf_slice *domains[KMS_XML_CERTS_MAX]; /* room for KMS_XML_DOMAINS_MAX, of each certificate */
};

/** For a document of that many octets. Caller frees. */
KF_MUST_USE kf_err kms_store_new(size_t document_octets, kms_store **out);
/** With all certificates and key sets, and the secrets of these. */
void kms_store_free(kms_store **store);

/** A copy of text in the store; its ptr is never NULL. @return KF_E_NO_SPACE when full. */
KF_MUST_USE kf_err kms_store_text(kms_store *store, kf_slice text, kf_slice *out);

/** Another certificate or key set with everything absent; KF_E_NO_SPACE beyond the maximum. */
KF_MUST_USE kf_err kms_store_cert(kms_store *store, kms_cert **out);
KF_MUST_USE kf_err kms_store_keyset(kms_store *store, kms_keyset **out);

/** Another KmsDomain of the newest certificate. */
KF_MUST_USE kf_err kms_store_domain(kms_store *store, kf_slice text);

#endif

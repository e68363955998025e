/**
 * @file xml_table.h The grammar of annex D.3 as tables, which the reader, the writer and the
 * comparison all follow. Internal to the room.
 */
#ifndef KMS_XML_TABLE_H
#define KMS_XML_TABLE_H

#include "kms/response.h"

/** What a value is, in the document and in the struct. */
typedef enum kms_xml_kind {
    KMS_XML_COMPLEX,    /**< child elements: see type */
    KMS_XML_DOMAIN,     /**< anyURI, one of kms_cert.domains */
    KMS_XML_TOKEN,      /**< kf_slice; not empty, no white space inside: anyURI, Id */
    KMS_XML_STRING,     /**< kf_slice; string, possibly empty */
    KMS_XML_VERSION,    /**< kf_slice; 1.x */
    KMS_XML_TIME,       /**< kf_time; dateTime */
    KMS_XML_VALID_FROM, /**< kf_time; dateTime, KMS_NO_VALID_FROM when absent */
    KMS_XML_VALID_TO,   /**< kf_time; dateTime, KMS_NO_VALID_TO when absent */
    KMS_XML_FLAG,       /**< kms_flag; boolean */
    KMS_XML_ROLE,       /**< kms_role */
    KMS_XML_UNSIGNED,   /**< uint64_t; integer */
    KMS_XML_NUMBER,     /**< kms_number; integer */
    KMS_XML_SIGNED,     /**< int64_t; integer */
    KMS_XML_OCTETS,     /**< uint8_t[octets]; hexBinary of exactly that length */
    KMS_XML_SECRET,     /**< kf_secret * of octets; hexBinary of exactly that length */
    KMS_XML_UID,        /**< uint8_t[32]; base64, also read as hexadecimal */
    KMS_XML_DROPPED,    /**< like VERSION, but checked only and kept nowhere */
    KMS_XML_STEP_4,     /**< known, and not ours to handle yet */
} kms_xml_kind;

/** Which struct the children of a complex element fill. */
typedef enum kms_xml_owner {
    KMS_XML_SAME,       /**< the one of the parent element */
    KMS_XML_NEW_CERT,   /**< another of kms_response.certs */
    KMS_XML_NEW_KEYSET, /**< another of kms_response.keysets */
} kms_xml_owner;

/** A set of kms_response_kind. */
#define KMS_XML_IN(kind) (1u << (kind))

typedef struct kms_xml_type kms_xml_type;

/** An element or attribute. */
typedef struct kms_xml_item {
    const char *name;
    const char *field; /**< the literal for faults */
    kms_xml_kind kind;
    unsigned min, max;        /**< occurrence; attributes are all optional */
    size_t offset;            /**< of the value in its struct */
    size_t octets;            /**< OCTETS and SECRET */
    bool key_content;         /**< may carry xsi:type: KeyContentType, or EncKeyContentType */
    const kms_xml_type *type; /**< COMPLEX */
    kms_xml_owner owner;      /**< COMPLEX */
    unsigned kinds;           /**< COMPLEX: only in responses of these kinds; 0: in all */
} kms_xml_item;

/** A complex type: a sequence, of which the last items may be alternatives. */
struct kms_xml_type {
    const char *unknown;  /**< fault literal for what is not on the list */
    const char *extended; /**< the one xsi:type we accept; NULL for none */
    const kms_xml_item *attrs;
    size_t attr_count;
    const kms_xml_item *items;
    size_t item_count;
    size_t choice; /**< exactly one of the items from here on; item_count when all is sequence */
};

/** The document element, KmsResponse; it fills a kms_response. */
extern const kms_xml_item kms_xml_root;

#endif

/** @file xml_read.h The reader with the cap on libxml2's heap as an argument. Internal to the room.
 */
#ifndef KMS_XML_READ_H
#define KMS_XML_READ_H

#include "kms/response.h"

/** kms_response_parse() with memory_max octets instead of KMS_XML_MEMORY_MAX. */
KF_MUST_USE kf_err kms_xml_parse(kf_slice document, size_t memory_max, kms_response *out,
                                 kf_fault *fault);

#endif

/** @file xml_text.h What counts as text, and the simple types of XML schema. Internal to the room.
 */
#ifndef KMS_XML_TEXT_H
#define KMS_XML_TEXT_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/time.h"

/** Well-formed UTF-8 (RFC 3629) of characters that XML 1.0 allows. */
bool kms_text_is_xml(kf_slice text);

/** What we take for a URI: 1 to KMS_TEXT_MAX octets of XML text, no white space, no controls. Its
 * scheme and syntax are nobody's business here: it is hashed as it stands. */
bool kms_text_is_uri(kf_slice text);

/** XML text without controls other than, where lines are allowed, tab, line feed, return. */
bool kms_text_is_string(kf_slice text, bool lines);

/** "1." and digits or points after it; at most 16 octets. */
bool kms_text_is_version(kf_slice text);

bool kms_text_is_space(uint8_t octet);

/** Without the white space at both ends. */
kf_slice kms_text_trim(kf_slice text);

/** xsd:long. @return KF_E_MALFORMED. */
KF_MUST_USE kf_err kms_text_signed(kf_slice text, int64_t *out);

/** Years 1 to 9999: what we can write as we read it. */
bool kms_time_is_writable(kf_time t);

/**
 * xsd:dateTime. Without a time zone it means UTC, as the examples of the annex have it.
 * @return KF_E_MALFORMED.
 */
KF_MUST_USE kf_err kms_text_time(kf_slice text, kf_time *out);

#endif

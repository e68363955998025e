/**
 * @file interworking.h Interworking Security Data: LMR key management messages inside the MC
 * system.
 *
 * PROVISIONAL [P]: the octet layout of 3GPP TS 29.379 clause 14.2.1 was not readable. This layout
 * and every constant of it are our own proposal and stand in this header only. What is certain is
 * what the messages must carry, from TS 23.283 clause 10.12.
 *
 *     1     message type: 1 request, 2 response
 *     1     LMR type: 0 unspecified, 1 P25, 2 TETRA
 *     2 + n URI of the LMR security functional entity, UTF-8, 1 to 1,024 octets
 *     2 + n payload, opaque, 1 to 65,535 octets; only in a request
 *
 * The MC service ID, mandatory in both, is not repeated here: it is the mcptt-request-uri of the
 * mcptt-info body that travels in the same SIP MESSAGE (29.379 14.1.1). A P25 payload is exactly a
 * DLI datagram, or an MCData Protected Payload with one inside; a TETRA payload is never looked
 * into.
 */
#ifndef MCDATA_INTERWORKING_H
#define MCDATA_INTERWORKING_H

#include "base/reader.h"
#include "base/writer.h"

/** Media type of the SIP body. */
#define MCDATA_INTERWORKING_MEDIA_TYPE "application/vnd.3gpp.interworking-data"

#define MCDATA_INTERWORKING_URI_MAX 1024u

typedef enum mcdata_interworking_type {
    MCDATA_INTERWORKING_REQUEST = 1,  /**< Non-3GPP security message request, 10.12.1.1 */
    MCDATA_INTERWORKING_RESPONSE = 2, /**< Non-3GPP security message response, 10.12.1.2 */
} mcdata_interworking_type;

typedef enum mcdata_lmr_type {
    MCDATA_LMR_UNSPECIFIED = 0,
    MCDATA_LMR_P25 = 1,
    MCDATA_LMR_TETRA = 2,
} mcdata_lmr_type;

/** "unspecified", "P25", "TETRA"; NULL for another value. */
const char *mcdata_lmr_type_name(unsigned lmr_type);

/** A message as read. Slices are borrowed. */
typedef struct mcdata_interworking {
    mcdata_interworking_type type;
    mcdata_lmr_type lmr_type;
    kf_slice entity_uri; /**< URI of the LMR security functional entity */
    kf_slice payload;    /**< opaque; empty in a response */
} mcdata_interworking;

/** Decode one message; stops at the first fault of r. */
void mcdata_interworking_decode(kf_reader *r, mcdata_interworking *out);

/**
 * Decode a whole message.
 * @return KF_E_UNSUPPORTED for an unknown message or LMR type, KF_E_MALFORMED for a URI that is
 * empty, too long or holds white space, or an empty payload; KF_E_TRUNCATED, KF_E_TRAILING.
 */
KF_MUST_USE kf_err mcdata_interworking_parse(kf_slice octets, mcdata_interworking *out,
                                             kf_fault *fault);

/** Encode; the inverse of decode. KF_E_MALFORMED in w for what decode would refuse. */
void mcdata_interworking_encode(const mcdata_interworking *m, kf_writer *w);

#endif

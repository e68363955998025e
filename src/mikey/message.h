/**
 * @file message.h The octets of a MIKEY-SAKKE I_MESSAGE: decode and encode, no rules between
 * fields. Source: RFC 3830 section 6, RFC 6043 section 6, RFC 6509 section 4; 3GPP TS 33.180 annex
 * E.
 *
 * Field names given to the reader (and so shown by faults and by `keyferry explain`) are
 * "PAYLOAD.field", such as "HDR.version", "T.ts_type", "IDR.length", "SAKKE.sed".
 */
#ifndef MIKEY_MESSAGE_H
#define MIKEY_MESSAGE_H

#include "base/reader.h"
#include "base/writer.h"

#define MIKEY_VERSION_1       1u
#define MIKEY_DATA_TYPE_SAKKE 26u
#define MIKEY_PRF_HMAC_SHA256 1u

/** Payload types: the values of "next payload". */
typedef enum mikey_payload {
    MIKEY_PAYLOAD_LAST = 0,
    MIKEY_PAYLOAD_SIGN = 4,
    MIKEY_PAYLOAD_T = 5,
    MIKEY_PAYLOAD_SP = 10,
    MIKEY_PAYLOAD_RAND = 11,
    MIKEY_PAYLOAD_IDR = 14,
    MIKEY_PAYLOAD_GENEXT = 21,
    MIKEY_PAYLOAD_SAKKE = 26,
} mikey_payload;

/** CS ID map types. */
typedef enum mikey_map_type {
    MIKEY_MAP_SRTP_ID = 0, /**< only in an older layout of one implementation */
    MIKEY_MAP_EMPTY = 1,
    MIKEY_MAP_GENERIC_ID = 2,
} mikey_map_type;

/** Roles of an identity payload. */
typedef enum mikey_role {
    MIKEY_ROLE_INITIATOR = 1,
    MIKEY_ROLE_RESPONDER = 2,
    MIKEY_ROLE_INITIATOR_KMS = 6,
    MIKEY_ROLE_RESPONDER_KMS = 7,
    MIKEY_ROLE_INITIATOR_UID = 8,
    MIKEY_ROLE_RESPONDER_UID = 9,
} mikey_role;
#define MIKEY_ROLE_MAX 9u

#define MIKEY_ID_TYPE_URI    1u
#define MIKEY_ID_TYPE_OCTETS 2u

#define MIKEY_TS_NTP_UTC      0u
#define MIKEY_SAKKE_PARAMS_1  1u
#define MIKEY_ID_SCHEME_3GPP  2u /**< 3GPP MCX hashed UID */
#define MIKEY_SIGN_ECCSI      2u
#define MIKEY_GENEXT_TO_SELF  6u /**< SAKKE-to-self */
#define MIKEY_GENEXT_PARAMS   7u /**< 3GPP key parameters */
#define MIKEY_RAND_MIN_OCTETS 16u
#define MIKEY_PROT_SRTP       0u

#define MIKEY_SESSIONS_MAX 16u /**< crypto sessions in one map */
#define MIKEY_POLICIES_MAX 8u  /**< SP payloads, and policy numbers of one session */
#define MIKEY_PARAMS_IN_SP 32u /**< parameters in one SP */

/** One crypto session of the CS ID map (GENERIC-ID, RFC 6043 6.1.1). */
typedef struct mikey_session {
    uint8_t cs_id;
    uint8_t prot_type;
    bool has_roc; /**< S: session data holds ROC and SEQ */
    size_t policy_count;
    uint8_t policies[MIKEY_POLICIES_MAX];
    kf_slice data;
    kf_slice spi; /**< for SRTP the MKI */
} mikey_session;

/** One parameter of a security policy. */
typedef struct mikey_sp_param {
    uint8_t type;
    kf_slice value;
} mikey_sp_param;

/** A security policy payload (RFC 3830 6.10). */
typedef struct mikey_sp {
    uint8_t policy_no;
    uint8_t prot_type;
    size_t count;
    mikey_sp_param params[MIKEY_PARAMS_IN_SP];
} mikey_sp;

/** An identity payload (RFC 6043 6.6); absent when type is 0. */
typedef struct mikey_idr {
    uint8_t type;
    kf_slice id;
} mikey_idr;

/** A SAKKE payload (RFC 6509 4.2). */
typedef struct mikey_sakke {
    uint8_t params;
    uint8_t id_scheme;
    kf_slice sed;
    size_t at; /**< offset of the payload, for faults */
} mikey_sakke;

/** A whole message. Slices are borrowed from its octets. */
typedef struct mikey_message {
    /* HDR, RFC 3830 6.1 */
    uint8_t data_type;
    bool wants_verify; /**< V */
    uint8_t prf;
    uint32_t csb_id;
    uint8_t map_type;
    size_t session_count; /**< #CS */
    mikey_session sessions[MIKEY_SESSIONS_MAX];
    kf_slice srtp_map; /**< the raw map for MIKEY_MAP_SRTP_ID */

    uint64_t ntp; /**< T: 64-bit NTP timestamp */
    kf_slice rand;
    mikey_idr idr[MIKEY_ROLE_MAX + 1]; /**< by role */
    size_t sp_count;
    mikey_sp sp[MIKEY_POLICIES_MAX];
    mikey_sakke sakke;
    mikey_sakke to_self;  /**< sed empty when absent */
    kf_slice key_params;  /**< data of general extension 7; empty when absent */
    size_t key_params_at; /**< its offset, for faults */
    kf_slice signature;
    size_t signed_len;  /**< octets covered, with the 2-octet SIGN header */
    size_t sign_header; /**< offset of that header */
} mikey_message;

/**
 * Decode a whole message: strict, every payload at most once (except SP and general extensions of
 * other types), HDR first, SIGN last, nothing after it. Unknown payloads and general extensions
 * are refused (KF_E_UNSUPPORTED), except vendor ID and SDP IDs extensions, which are skipped.
 * @param trace may be NULL; sees every field.
 * @return the first failure, with its field and offset in fault.
 */
KF_MUST_USE kf_err mikey_message_parse(kf_slice octets, kf_trace *trace, mikey_message *out,
                                       kf_fault *fault);

/**
 * Encode everything up to and including the 2-octet SIGN header, for a signature of 129 octets that
 * the caller appends. Payload order: HDR T RAND IDRi IDRr IDRkmsi IDRkmsr SP SAKKE GENEXT SIGN.
 */
void mikey_message_encode_unsigned(const mikey_message *m, kf_writer *w);

#endif

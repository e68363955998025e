/**
 * @file protected_payload.h The MCData Protected Payload message: octets and cipher.
 *
 * Layout (offsets in octets): 0 message type, 1 date and time (5), 6 payload ID (4), 10 payload
 * sequence number, 11 payload algorithm, 12 IV (16), 28 DPPK-ID (4), then one TLV-E with the
 * ciphertext and its 16-octet tag. The first 32 octets are the associated data.
 * Source: 3GPP TS 33.180 clause 8.5.4 and annex F.1.5; project facts section 10.
 */
#ifndef MCDATA_PROTECTED_PAYLOAD_H
#define MCDATA_PROTECTED_PAYLOAD_H

#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/writer.h"

#define MCDATA_TYPE_PROTECTED     0x40u /**< bit 7 of the message type */
#define MCDATA_TYPE_AUTHENTICATED 0x80u /**< bit 8 */
#define MCDATA_TYPE_MASK          0x3fu /**< the 24.282 message type */
#define MCDATA_TYPE_DATA_PAYLOAD  0x03u

#define MCDATA_ALG_AES_128_GCM 1u
#define MCDATA_ALG_AES_256_GCM 2u

#define MCDATA_IV_OCTETS  16u
#define MCDATA_TAG_OCTETS 16u
/** Octets that the message adds to its content. */
#define MCDATA_PROTECTED_OVERHEAD (32u + 3u + MCDATA_TAG_OCTETS)

/** A message as read. Slices are borrowed. */
typedef struct mcdata_protected {
    uint8_t message_type;
    uint64_t date_time; /**< UTC seconds, 40 bits */
    uint32_t payload_id;
    uint8_t sequence;
    uint8_t algorithm; /**< 1 or 2 */
    kf_slice iv;       /**< 16 octets */
    uint32_t dppk_id;
    uint8_t iei;
    kf_slice sealed; /**< ciphertext and tag */
    kf_slice ad;     /**< the associated data: the 32 octets before the TLV-E */
} mcdata_protected;

/**
 * Decode one message that fills the reader. Refuses messages that are not protected
 * (KF_E_MALFORMED), authenticated ones and other algorithms (KF_E_UNSUPPORTED), octets after the
 * payload (KF_E_TRAILING: the on-network form carries no I_MESSAGE).
 */
void mcdata_protected_decode(kf_reader *r, mcdata_protected *out);

/** Decode a whole message. @return the first failure. */
KF_MUST_USE kf_err mcdata_protected_parse(kf_slice octets, mcdata_protected *out, kf_fault *fault);

/** What to protect. */
typedef struct mcdata_protect {
    uint8_t message_type; /**< of 24.282, without the protection bits */
    uint64_t date_time;
    uint32_t payload_id;
    uint8_t sequence;
    uint8_t iei;
    const kf_secret *dppk; /**< 16 octets give AES-128-GCM, 32 give AES-256-GCM */
    uint32_t dppk_id;
    kf_slice content; /**< at most 65,519 octets */
} mcdata_protect;

/**
 * Encrypt; the message is appended to out.
 * @param rng draws the IV.
 * @return KF_E_MALFORMED for a DPPK of another length; KF_E_NO_SPACE; KF_E_BACKEND.
 */
KF_MUST_USE kf_err mcdata_protected_seal(const mcdata_protect *what, const kf_rng *rng,
                                         kf_writer *out);

/**
 * Decrypt a parsed message into a new secret. Caller frees *out.
 * @return KF_E_AUTH when the key or any octet is wrong, also when the algorithm does not fit the
 * length of the DPPK; KF_E_MALFORMED for a DPPK of another length.
 */
KF_MUST_USE kf_err mcdata_protected_open(const mcdata_protected *m, const kf_secret *dppk,
                                         kf_secret **out);

#endif

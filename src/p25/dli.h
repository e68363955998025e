/**
 * @file dli.h What a KMM travels behind: the data-link independent preamble (UDP port 64414, and
 * the LMR payload inside the MC system) and the data-link dependent encryption-sync header.
 *
 * DLI: version, MFID, ALGID, KID (2), MI (9), KMM. DLD with encryption: MI (9), ALGID, KID (2), one
 * octet 11 + inner SAP, KMM. No cryptography here.
 * Source: TIA-102.AACA; project facts 1.4.1, 1.4.2, 8 (C2, C11).
 */
#ifndef P25_DLI_H
#define P25_DLI_H

#include "base/reader.h"
#include "base/writer.h"
#include "p25/ids.h"

#define P25_DLI_PORT         64414u
#define P25_DLI_OCTETS       14u /**< of the preamble */
#define P25_DLI_KMM_SEND_MAX 462u
#define P25_DLI_KMM_MAX      465u /**< accepted */
#define P25_DLI_DATAGRAM_MAX (P25_DLI_OCTETS + P25_DLI_KMM_MAX)

#define P25_MFID_STANDARD 0x00u
#define P25_MFID_MOTOROLA 0x90u

#define P25_DLD_SYNC_OCTETS 13u
#define P25_DLD_KMM_MAX     512u
#define P25_SAP_KMM         0x28u /**< unencrypted KMM */
#define P25_SAP_KMM_SECURE  0x29u /**< encrypted: the sync header comes first */

/** Which key and sync the outer layer used. */
typedef struct p25_outer_sync {
    uint8_t algid; /**< P25_ALGID_CLEAR: the KMM is not encrypted */
    uint16_t kid;
    uint8_t mi[P25_MI_OCTETS]; /**< as on the wire; only the first 8 octets count */
} p25_outer_sync;

/** A DLI datagram. */
typedef struct p25_dli {
    uint8_t mfid; /**< any: the receiver answers status 0A to one it does not know */
    p25_outer_sync sync;
    kf_slice kmm; /**< borrowed; encrypted unless sync.algid is P25_ALGID_CLEAR */
} p25_dli;

/** The preamble alone; the reader is left at the KMM, for a caller that decodes it in place. */
void p25_dli_preamble_decode(kf_reader *r, p25_dli *out);

/**
 * Decode a datagram that fills the reader. With ALGID clear, KID and MI must be zero. An all-zero
 * MI with another ALGID is for the receiver to refuse (status 0C).
 */
void p25_dli_decode(kf_reader *r, p25_dli *out);

/**
 * Decode a whole datagram.
 * @return KF_E_TRUNCATED, also without a KMM; KF_E_UNSUPPORTED for another version or a KMM of more
 * than P25_DLI_KMM_MAX octets; KF_E_MALFORMED; *out is zeroed on failure.
 */
KF_MUST_USE kf_err p25_dli_parse(kf_slice octets, kf_trace *trace, p25_dli *out, kf_fault *fault);

/**
 * Append a datagram; d->kmm may be empty, and then the caller appends the KMM itself. w->err:
 * KF_E_NO_SPACE, also for a KMM of more than P25_DLI_KMM_SEND_MAX; KF_E_MALFORMED for a clear one
 * with a KID or an MI.
 */
void p25_dli_encode(const p25_dli *d, kf_writer *w);

/** An encrypted data PDU of SAP 29, without CAI framing. */
typedef struct p25_dld {
    p25_outer_sync sync;
    uint8_t sap;  /**< of the content, 6 bits: P25_SAP_KMM */
    kf_slice kmm; /**< borrowed; encrypted */
} p25_dld;

/** Decode a PDU that fills the reader. */
void p25_dld_decode(kf_reader *r, p25_dld *out);

/**
 * Decode a whole PDU.
 * @return KF_E_TRUNCATED; KF_E_MALFORMED for the wrong two bits before the SAP; KF_E_UNSUPPORTED
 * for more than P25_DLD_KMM_MAX octets of KMM; *out is zeroed on failure.
 */
KF_MUST_USE kf_err p25_dld_parse(kf_slice octets, kf_trace *trace, p25_dld *out, kf_fault *fault);

/** Append a PDU; as p25_dli_encode(), with P25_DLD_KMM_MAX; KF_E_MALFORMED for a SAP over 63. */
void p25_dld_encode(const p25_dld *d, kf_writer *w);

#endif

/**
 * @file seal.h A whole KMM with its layers, both ways: body (with keys already wrapped), MAC, outer
 * layer, DLI preamble; and back in the order outer layer, lengths, MAC, message number, body.
 *
 * No key is unwrapped here before the MAC has verified, but the one of a Warm-Start, whose MAC is
 * made with it. Source: TIA-102.AACA; project facts 1.5, 1.10, 2.
 */
#ifndef P25_SEAL_H
#define P25_SEAL_H

#include "p25/dli.h"
#include "p25/kmm.h"
#include "p25/mac.h"
#include "p25/number.h"
#include "p25/outer.h"
#include "p25/wrap.h"

/** How a message must be protected, facts 1.5. */
typedef struct p25_protection {
    bool may_be_clear; /**< no outer layer needed */
    bool may_lack_mac;
    bool is_always_clear;      /**< an outer layer is not possible */
    bool is_strict_if_keyed;   /**< with P25_LEVEL_ENHANCED and a common key: needs both */
    bool names_no_mac_key_kid; /**< the MAC key is transported in it: KID 0000 in the trailer */
} p25_protection;

/** The row of a message; every identifier has one. */
const p25_protection *p25_protection_of(unsigned message_id);

/** Policy of a unit. */
typedef enum p25_level {
    P25_LEVEL_BASIC,    /**< unprotected wherever the table allows it */
    P25_LEVEL_ENHANCED, /**< requests and registration protected as soon as there is a key */
} p25_level;

/** How to seal. */
typedef struct p25_seal {
    p25_tek *mac; /**< NULL: no MAC */
    p25_mac_scheme scheme;
    p25_tek *outer; /**< NULL: clear */
    p25_weak weak;
} p25_seal;

/**
 * Append the KMM with MAC and outer layer to out; sync says what the receiver must be told.
 *
 * @param kmm its frame.mac is filled in here.
 * @return KF_E_DENIED when facts 1.5 or the strength rule forbid it (a layer that is missing or
 * weaker than a key inside, keys that are not wrapped, a weak key for sending); KF_E_MALFORMED for
 * a value without an encoding; KF_E_UNSUPPORTED for a MAC that is not AES; KF_E_NO_SPACE;
 * KF_E_BACKEND, also when no randomness is to be had. out is unchanged and sync zero on failure.
 *
 * Messages of the key fill side carry no protection by design, and none is asked of them.
 */
KF_MUST_USE kf_err p25_seal_kmm(const p25_seal *how, p25_kmm *kmm, const kf_rng *rng,
                                p25_outer_sync *sync, kf_writer *out);

/** The same with the DLI preamble in front: a whole datagram. KF_E_NO_SPACE over 462 octets. */
KF_MUST_USE kf_err p25_seal_dli(const p25_seal *how, p25_kmm *kmm, const kf_rng *rng,
                                kf_writer *out);

/** What a receiver keeps of one peer. */
typedef struct p25_peer {
    p25_mac_peer *mac;      /**< updated when a CMAC verified */
    const p25_mn_state *mn; /**< NULL: numbers are not judged (responses, at a KMF) */
    p25_level level;
    bool has_common_key; /**< we share a TEK with it */
} p25_peer;

/** What a receiver has. Keys found are borrowed for the call. */
typedef struct p25_opener {
    void *ctx;
    /** The TEK, or NULL. */
    p25_tek *(*tek)(void *ctx, uint8_t algid, uint16_t kid);
    /** The KEK, or NULL; may be NULL itself where Warm-Start is not expected. */
    p25_kek *(*kek)(void *ctx, uint8_t algid, uint16_t kid);
    /** The peer by the RSIs of the frame; false: not for us, or nobody we know: dropped. */
    bool (*peer)(void *ctx, const p25_kmm_frame *frame, p25_peer *out);
} p25_opener;

/** How far opening went; each needs all before it. */
typedef enum p25_step {
    P25_STEP_DATAGRAM,   /**< not a DLI datagram, or another MFID (status 0A) */
    P25_STEP_OUTER,      /**< no key for the outer layer, or an MI of zeros */
    P25_STEP_FRAME,      /**< lengths and codes; after a wrong outer key too */
    P25_STEP_PEER,       /**< not for us */
    P25_STEP_PROTECTION, /**< less than the message needs: dropped without an answer */
    P25_STEP_MAC,
    P25_STEP_NUMBER,
    P25_STEP_BODY,
    P25_STEP_DONE,
} p25_step;

/** No status belongs to the failure: drop. */
#define P25_STATUS_NONE 0xffu

/** An opened message, or how far it came. Do not move: slices point inside. */
typedef struct p25_opened {
    p25_step step;
    uint8_t status;      /**< for an answer when opening failed; or P25_STATUS_NONE */
    p25_outer_sync sync; /**< of the outer layer; set from P25_STEP_OUTER on */
    p25_kmm_frame frame; /**< set from P25_STEP_PEER on */
    bool authenticated;  /**< the MAC verified */
    p25_mn_verdict number;
    uint8_t digest[P25_MN_DIGEST_OCTETS]; /**< for p25_mn_accept() when number is not ABSENT */
    p25_kmm kmm;                          /**< whole on success only */
    kf_secret *warm_key;                  /**< the temporary TEK of a Warm-Start, verified */
    uint8_t clear[P25_KMM_OCTETS_MAX];    /**< the KMM without its outer layer */
} p25_opened;

/** Forget the content; owned secrets are freed. May be called twice, and on a zeroed object. */
void p25_opened_clear(p25_opened *opened);

/**
 * Open a KMM that was sent with that sync (ALGID clear: no outer layer).
 *
 * @param opened what came out. The caller calls p25_opened_clear() whatever is returned.
 * @param fault  where and why.
 * @return KF_OK with every check passed, also for a retry (opened->number says so; ABSENT too for a
 * number that no MAC vouches for). KF_E_DENIED (peer, protection, a layer weaker than a key
 * inside); KF_E_STATE (no key: opened->step is OUTER or MAC); KF_E_AUTH (MAC, and a message number
 * that is refused: step tells); what p25_kmm_parse() returns; KF_E_UNSUPPORTED; KF_E_NO_MEMORY;
 * KF_E_BACKEND.
 */
KF_MUST_USE kf_err p25_open_kmm(const p25_opener *with, p25_side side, const p25_outer_sync *sync,
                                kf_slice kmm, p25_opened *opened, kf_fault *fault);

/** Open a whole DLI datagram. @return also what p25_dli_parse() returns. */
KF_MUST_USE kf_err p25_open_dli(const p25_opener *with, p25_side side, kf_slice datagram,
                                p25_opened *opened, kf_fault *fault);

#endif

/**
 * @file mac.h Traffic encryption keys in their two uses on a KMM, and the first of them: the
 * message authentication code. Only AES-256 makes and checks MACs; the MACs of DES and TDEA have
 * no published example and are not built (README).
 * Source: TIA-102.AACA-C and -D; project facts 1.3, 2.4.
 */
#ifndef P25_MAC_H
#define P25_MAC_H

#include "base/secret.h"
#include "crypto/block.h"
#include "p25/kmm.h"

/** Octets of an AES MAC. */
#define P25_MAC_OCTETS 8u

/** A traffic encryption key, set up once. One thread at a time. */
typedef struct p25_tek p25_tek;

/**
 * @param key of the algorithm's length. Borrowed for this call.
 * @return KF_E_UNSUPPORTED unless AES-256, TDEA or DES; KF_E_MALFORMED for a wrong length;
 * KF_E_NO_MEMORY; KF_E_BACKEND. Caller frees *out, which is NULL on failure.
 */
KF_MUST_USE kf_err p25_tek_new(uint8_t algid, uint16_t kid, const kf_secret *key, p25_tek **out);
void p25_tek_free(p25_tek **tek);
uint8_t p25_tek_algid(const p25_tek *tek);
uint16_t p25_tek_kid(const p25_tek *tek);
/** For OFB and the like. A loan. */
kf_block *p25_tek_block(p25_tek *tek);

/** The three MACs of AES; the two CMACs look the same on the wire. */
typedef enum p25_mac_scheme {
    P25_MAC_CBC,    /**< format 40 */
    P25_MAC_CMAC_C, /**< format 41, key derivation of AACA-C */
    P25_MAC_CMAC_D, /**< format 41, key derivation of AACA-D */
} p25_mac_scheme;

/** The format octet that a sender writes: 40 or 41. */
uint8_t p25_mac_format(p25_mac_scheme scheme);

/** Which MACs a peer may use. */
typedef enum p25_mac_setting {
    P25_MAC_AUTO, /**< any; what it used last is what it is answered with */
    P25_MAC_ONLY_CBC,
    P25_MAC_ONLY_CMAC_C,
    P25_MAC_ONLY_CMAC_D,
} p25_mac_setting;

/** What is known of a peer. Plain, so that it can be stored. */
typedef struct p25_mac_peer {
    p25_mac_setting setting;
    p25_mac_scheme scheme; /**< for our messages to it */
} p25_mac_peer;

/** @param first the scheme of our first message when the setting is AUTO; else it is implied. */
void p25_mac_peer_init(p25_mac_peer *peer, p25_mac_setting setting, p25_mac_scheme first);

/**
 * Compute and fill in the MAC of a KMM that is complete but for the MAC's own 8 octets.
 * @return KF_E_MALFORMED when the KMM has no MAC block as the scheme and the TEK want it;
 * KF_E_UNSUPPORTED for a TEK that is not AES; KF_E_BACKEND.
 */
KF_MUST_USE kf_err p25_mac_fill(p25_tek *tek, p25_mac_scheme scheme, uint8_t *kmm, size_t len);

/**
 * Verify, and remember in peer which CMAC it was. At most two are tried: the one last seen first,
 * at the start revision D. Comparison in constant time.
 * @param tek   the key that the MAC block names, except for a warm start, where the caller knows
 *              it.
 * @param frame of p25_kmm_frame_parse().
 * @return KF_E_AUTH for a wrong MAC, for none, and for a scheme the setting excludes;
 * KF_E_UNSUPPORTED for another format, MAC length or algorithm; KF_E_BACKEND. peer is unchanged on
 * failure.
 */
KF_MUST_USE kf_err p25_mac_verify(p25_tek *tek, p25_mac_peer *peer, const p25_kmm_frame *frame);

/**
 * The key that a scheme derives for one KMM (with its MAC block), for known answers. Caller frees.
 * @return as p25_mac_fill(); KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err p25_mac_derive(p25_tek *tek, p25_mac_scheme scheme, kf_slice kmm,
                                  kf_secret **out);

#endif

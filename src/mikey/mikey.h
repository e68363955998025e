/**
 * @file mikey.h Make and open MIKEY-SAKKE I_MESSAGEs: a GMK, PCK or CSK sealed to one MC user.
 *
 * mikey/message.h has the octets; this file has the rules. Neither knows I/O or a clock.
 * Source: RFC 3830, 6043, 6509; 3GPP TS 33.180 clause 5.2.2 and annex E.
 */
#ifndef MIKEY_MIKEY_H
#define MIKEY_MIKEY_H

#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/writer.h"
#include "mcsec/domain.h"
#include "mcsec/keyid.h"
#include "mikey/key_params.h"
#include "mikey/message.h"

/** Interop switches, all off in the standard. */
typedef enum mikey_compat {
    MIKEY_COMPAT_SIGN_NO_HEADER = 1u << 0, /**< signature does not cover the SIGN type and length */
    MIKEY_COMPAT_HEX_ID = 1u << 1,         /**< identifiers are the hex text of the UID */
    MIKEY_COMPAT_SW_LEGACY = 1u << 2,      /**< accept Streamwide's older GMK layout; never sent */
    MIKEY_COMPAT_SSV256_L2 = 1u << 3,      /**< 256-bit SSV masked with l = 2 */
} mikey_compat;

/** A switch by its command-line name ("sign-no-header", "hex-id", "streamwide-legacy",
 * "ssv256-l2"); 0 when there is no such name. */
unsigned mikey_compat_by_name(kf_slice name);
/** Name of the switch in bit position i, or NULL past the last. */
const char *mikey_compat_name(unsigned i);

/** What to seal, for whom. Everything borrowed. */
typedef struct mikey_seal {
    const mcsec_user_keys *from;   /**< initiator; its period must hold `now` */
    const mcsec_domain *to_domain; /**< the recipient's security domain */
    kf_slice to_uri;               /**< the recipient's MC service ID */
    mcsec_purpose purpose;         /**< GMK, PCK or CSK */
    const kf_secret *key;          /**< 16 or 32 octets */
    uint32_t key_id;               /**< K-ID with the tag of the purpose; not the UK-ID */
    kf_time now;                   /**< goes into T */
    /** Empty: a fresh RAND. SRTP keys derive from it, so all members of a group must be given the
     * same one with the same GMK: 16 to 255 octets, from the first message. */
    kf_slice rand;
    const mikey_key_params *params; /**< NULL: no key parameters */
    bool to_self;                   /**< add the SAKKE-to-self extension */
    bool hide;                      /**< UIDs in place of the identities (roles 8 and 9) */
    unsigned compat;                /**< mikey_compat bits */
} mikey_seal;

/** Longest I_MESSAGE that we make or accept, octets. */
#define MIKEY_MESSAGE_MAX 16384u

/**
 * Make an I_MESSAGE; it is appended to out.
 * @param fault the offending field on failure, such as "seal.key_id".
 * @return KF_E_MALFORMED for a bad field; KF_E_STATE when the period of `from` does not hold `now`
 * or a domain is not usable then; KF_E_NO_SPACE, KF_E_NO_MEMORY, KF_E_BACKEND.
 * Source: 33.180 5.2.2, 6.14 of the project facts.
 */
KF_MUST_USE kf_err mikey_seal_message(const mikey_seal *what, const kf_rng *rng, kf_writer *out,
                                      kf_fault *fault);

/** Who may send keys of a purpose. An empty uri means anyone with a valid signature. */
typedef struct mikey_rule {
    mcsec_purpose purpose;
    kf_slice initiator_uri;
} mikey_rule;

/** Remembers accepted messages for as long as their T is inside the window. */
typedef struct mikey_replay mikey_replay;

/** A cache of at most capacity messages. Caller frees. @return KF_E_NO_MEMORY. */
KF_MUST_USE kf_err mikey_replay_new(size_t capacity, mikey_replay **out);
void mikey_replay_free(mikey_replay **cache);

/** Default for window_s, seconds either way [P]. */
#define MIKEY_WINDOW_S 300

/** The receiving side's situation. Everything borrowed. */
typedef struct mikey_receiver {
    const mcsec_user_keys *const *keys; /**< ours: identities and periods */
    size_t key_count;
    const mcsec_domain *const *domains; /**< whose initiators we can verify; ours included */
    size_t domain_count;
    const mikey_rule *rules; /**< none: everything refused */
    size_t rule_count;
    kf_slice authenticated; /**< initiator that the transport proved; empty: not known. Must match
                                 IDRi, or for a hidden initiator give its UID */
    kf_time now;
    int64_t window_s;     /**< T may differ from now by this much; negative: not checked */
    mikey_replay *replay; /**< NULL: not checked */
    unsigned compat;      /**< mikey_compat bits that are accepted */
} mikey_receiver;

/** State of an opened key at the receiver's now. */
typedef enum mikey_key_state {
    MIKEY_KEY_USABLE,
    MIKEY_KEY_NOT_YET, /**< activation time lies ahead: keep, do not transmit with it */
    MIKEY_KEY_EXPIRED,
    MIKEY_KEY_REVOKED,
} mikey_key_state;

/** "usable", "not-yet-active", "expired", "revoked". */
const char *mikey_key_state_name(mikey_key_state state);

/** What an I_MESSAGE gave. Slices are borrowed from the message; key is owned. */
typedef struct mikey_opened {
    mikey_message message;  /**< every field as read */
    kf_secret *key;         /**< 16 or 32 octets; NULL when the state is expired or revoked */
    unsigned purpose;       /**< purpose tag */
    uint32_t key_id;        /**< K-ID; salt removed */
    kf_time sent;           /**< T */
    kf_slice initiator_uri; /**< empty when hidden and the transport gave none */
    uint8_t initiator_uid[MCSEC_UID_OCTETS];
    const mcsec_user_keys *used; /**< which of our keys opened it */
    bool via_self;               /**< opened by its initiator through SAKKE-to-self */
    bool has_params;
    mikey_key_params params;
    kf_secret *params_text; /**< storage of params' slices; may be NULL */
    mikey_key_state state;
    kf_time active_from;  /**< activation, or T when it was 0 */
    kf_time expires;      /**< expiry, bounded by the end of our key period */
    unsigned compat_used; /**< switches without which it would have been refused */
} mikey_opened;

/**
 * Open and check an I_MESSAGE: strict parse, window, replay, rule, signature, then decapsulation.
 * No pairing is computed unless the signature was good.
 * @param fault field and octet offset on failure. For KF_E_AUTH the field says only "SIGN" or
 *              "SAKKE".
 * @return KF_OK also for a key that is revoked, expired or not yet active: look at out->state.
 * KF_E_DENIED when no rule allows it; KF_E_STATE outside the window, for a replay, or when we hold
 * no key of that identity and period; KF_E_AUTH; parse errors. On failure *out is empty.
 * The caller calls mikey_opened_clear().
 */
KF_MUST_USE kf_err mikey_open_message(const mikey_receiver *receiver, kf_slice octets,
                                      mikey_opened *out, kf_fault *fault);
void mikey_opened_clear(mikey_opened *opened);

/** Which part of RFC 3830 4.1.3/4.1.4 to derive: the constant in front of the label. */
typedef enum mikey_derived {
    MIKEY_DERIVE_TEK,  /**< SRTP master key */
    MIKEY_DERIVE_SALT, /**< SRTP master salt */
    MIKEY_DERIVE_ENCR,
    MIKEY_DERIVE_AUTH,
} mikey_derived;

/**
 * PRF-HMAC-SHA-256 of RFC 3830 4.1.2 (as RFC 6043 6.1 names it): an SRTP master key (16 octets) or
 * salt (12) from a TGK.
 * @param rand   16 octets or more. @param octets 1 to 255 * 32. Caller frees *out.
 */
KF_MUST_USE kf_err mikey_derive(const kf_secret *tgk, mikey_derived what, uint8_t cs_id,
                                uint32_t csb_id, kf_slice rand, size_t octets, kf_secret **out);

#endif

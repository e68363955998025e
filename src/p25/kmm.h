/**
 * @file kmm.h P25 key management messages (KMM): octets to a plain value and back.
 *
 * Frame (offsets in octets): 0 message ID, 1 length of what follows it (total = length + 3), 3
 * message format, 4 destination RSI (3), 7 source RSI (3), 10 message number (2, when present),
 * body, MAC block (when present, always last). No cryptography here: MAC and wrapped keys are
 * octets to the codec. Slices of a decoded value are borrowed from the message.
 * Source: TIA-102.AACA; project facts 1.1 to 1.9, 2.7 and 8.
 */
#ifndef P25_KMM_H
#define P25_KMM_H

#include "base/reader.h"
#include "base/writer.h"
#include "p25/ids.h"

/** Largest message accepted or written (data-link dependent; the DLI allows less, see dli.h). */
#define P25_KMM_OCTETS_MAX 512u
/** Smallest: a header and nothing else. */
#define P25_KMM_OCTETS_MIN 10u

/** Most elements of one message; a longer list is refused as unsupported. */
#define P25_KEY_ITEMS_MAX   64u /**< of all keysets of a Rekey together */
#define P25_KEYSETS_MAX     16u /**< in a Rekey */
#define P25_CHANGEOVERS_MAX 16u /**< one pair for each crypto group */
#define P25_STATUSES_MAX    128u
#define P25_TAGS_MAX        64u
#define P25_KEYSET_IDS_MAX  255u
#define P25_KID_LISTS_MAX   64u
#define P25_KIDS_MAX        255u /**< of all lists of an inventory together */
#define P25_RSI_ITEMS_MAX   100u
#define P25_ACTIVE_KEYS_MAX 84u

#define P25_KEY_NAME_OCTETS_MAX    31u
#define P25_KEYSET_NAME_OCTETS_MAX 15u
#define P25_SUID_OCTETS            7u

/** Message identifiers of facts table 1.6. */
typedef enum p25_message_id {
    P25_KMM_NULL = 0x00,
    P25_KMM_CAPABILITIES_CMD = 0x01,
    P25_KMM_CAPABILITIES_RSP = 0x02,
    P25_KMM_CHANGE_RSI_CMD = 0x03,
    P25_KMM_CHANGE_RSI_RSP = 0x04,
    P25_KMM_CHANGEOVER_CMD = 0x05,
    P25_KMM_CHANGEOVER_RSP = 0x06,
    P25_KMM_DELAYED_ACK = 0x07,
    P25_KMM_DELETE_KEY_CMD = 0x08,
    P25_KMM_DELETE_KEY_RSP = 0x09,
    P25_KMM_DELETE_KEYSET_CMD = 0x0a,
    P25_KMM_DELETE_KEYSET_RSP = 0x0b,
    P25_KMM_HELLO = 0x0c,
    P25_KMM_INVENTORY_CMD = 0x0d,
    P25_KMM_INVENTORY_RSP = 0x0e,
    P25_KMM_KEY_ASSIGNMENT_CMD = 0x0f,
    P25_KMM_KEY_ASSIGNMENT_RSP = 0x10,
    P25_KMM_MODIFY_KEY_CMD = 0x13,
    P25_KMM_MODIFY_KEYSET_CMD = 0x14, /**< Modify-Keyset-Attributes */
    P25_KMM_MODIFY_KEYSET_RSP = 0x15,
    P25_KMM_NEGATIVE_ACK = 0x16,
    P25_KMM_NO_SERVICE = 0x17,
    P25_KMM_REKEY_ACK = 0x1d,
    P25_KMM_REKEY_CMD = 0x1e,
    P25_KMM_SET_DATE_TIME = 0x1f,
    P25_KMM_WARM_START_CMD = 0x20,
    P25_KMM_ZEROIZE_CMD = 0x21,
    P25_KMM_ZEROIZE_RSP = 0x22,
    P25_KMM_DEREGISTRATION_CMD = 0x23,
    P25_KMM_DEREGISTRATION_RSP = 0x24,
    P25_KMM_REGISTRATION_CMD = 0x25,
    P25_KMM_REGISTRATION_RSP = 0x26,
    P25_KMM_UNABLE_TO_DECRYPT = 0x27,
    P25_KMM_LOAD_AUTH_KEY_CMD = 0x28,
    P25_KMM_LOAD_AUTH_KEY_RSP = 0x29,
    P25_KMM_DELETE_AUTH_KEY_CMD = 0x2a,
    P25_KMM_DELETE_AUTH_KEY_RSP = 0x2b,
    P25_KMM_SESSION_CONTROL = 0x31,
    P25_KMM_LOAD_CONFIG_RSP = 0xfc, /**< note the order */
    P25_KMM_LOAD_CONFIG_CMD = 0xfd,
} p25_message_id;

/** Which conversation the message belongs to: Modify-Key has another layout in each. */
typedef enum p25_side {
    P25_SIDE_OTAR,    /**< KMF and subscriber, over the air or over IP */
    P25_SIDE_KEYFILL, /**< key fill device and subscriber */
} p25_side;

/** Response kind, format octet bits 7 to 6. */
typedef enum p25_response_kind {
    P25_RK1_NONE = 0,
    P25_RK2_DELAYED = 1,
    P25_RK3_IMMEDIATE = 2,
} p25_response_kind;

/** Kind of MAC block, format octet bits 3 to 2. */
typedef enum p25_mac_kind {
    P25_MAC_NONE = 0,
    P25_MAC_ENHANCED = 2,
    P25_MAC_DES = 3,
} p25_mac_kind;

#define P25_MAC_OCTETS_MAX  8u
#define P25_MAC_FORMAT_CBC  0x40u
#define P25_MAC_FORMAT_CMAC 0x41u

/** The MAC block. */
typedef struct p25_kmm_mac {
    p25_mac_kind kind;
    uint8_t octets[P25_MAC_OCTETS_MAX]; /**< zeros: to be patched in at the returned offset */
    uint8_t len;                        /**< enhanced: 8 or 4; DES: 4; none: 0 */
    uint8_t algid;
    uint16_t kid;
    uint8_t format; /**< enhanced only, as on the wire */
} p25_kmm_mac;

/** Everything around the body. */
typedef struct p25_kmm_frame {
    uint8_t message_id;
    p25_response_kind response_kind;
    bool more_follows; /**< D bit; never depend on it (facts C1) */
    uint32_t destination_rsi;
    uint32_t source_rsi;
    bool has_mn; /**< the format octet says so; 0 is a legal number */
    uint16_t mn;
    p25_kmm_mac mac;
    kf_slice octets; /**< the whole message; set by the decoder, ignored by the encoder */
    kf_slice body;   /**< the same */
    size_t mac_at;   /**< the same: offset of the MAC block, the end when there is none */
} p25_kmm_frame;

/** Date and time, facts 1.7.6. Local or UTC is the KMF's business. */
typedef struct p25_date_time {
    uint16_t year; /**< 2000 to 2127 */
    uint8_t month, day, hour, minute, second;
} p25_date_time;

/** Decryption instruction, facts 1.7.5: how the keys of the message are wrapped. */
typedef struct p25_decryption {
    uint8_t algid; /**< of the KEK; P25_ALGID_CLEAR: keys are not wrapped */
    uint16_t kid;
    bool has_mi;
    uint8_t mi[P25_MI_OCTETS];
} p25_decryption;

/** One key. */
typedef struct p25_key_item {
    bool is_kek;
    bool erase;
    uint16_t sln;
    uint16_t kid;
    kf_slice key;  /**< as transported, usually wrapped; borrowed. Secret when it is not wrapped */
    kf_slice name; /**< at most 31 octets */
} p25_key_item;

/** Keyset format octet, facts 1.7.4, with the ID and the optional parts. */
typedef struct p25_keyset_tag {
    bool is_kek;
    bool has_reserved;
    uint8_t reserved[3];
    bool has_activation;
    p25_date_time activation; /**< as sent: the parts may be out of range */
    uint8_t keyset;
    kf_slice name; /**< at most 15 octets */
} p25_keyset_tag;

/** One keyset of a Rekey: items[first] to items[first + count - 1]. */
typedef struct p25_rekey_keyset {
    p25_keyset_tag tag;
    uint8_t algid;
    uint8_t key_octets; /**< transported length of every key of this entry, at least 1 */
    uint8_t first;
    uint8_t count;
} p25_rekey_keyset;

typedef struct p25_rekey {
    p25_decryption decryption;
    uint8_t keyset_count;
    p25_rekey_keyset keysets[P25_KEYSETS_MAX];
    uint8_t item_count; /**< sum of the counts, in order */
    p25_key_item items[P25_KEY_ITEMS_MAX];
} p25_rekey;

typedef struct p25_modify_key {
    p25_decryption decryption;
    uint8_t keyset;
    uint8_t algid;
    uint8_t key_octets;
    uint8_t item_count;
    p25_key_item items[P25_KEY_ITEMS_MAX];
} p25_modify_key;

typedef struct p25_warm_start {
    p25_decryption decryption; /**< the KEK is the subscriber's UKEK */
    uint8_t algid;             /**< of the temporary TEK */
    uint16_t sln;
    uint16_t kid;
    kf_slice key; /**< wrapped; borrowed */
} p25_warm_start;

/** Status of one key in a Rekey-Acknowledgment. */
typedef struct p25_key_status {
    uint8_t algid;
    uint16_t kid;
    uint8_t status;
} p25_key_status;

typedef struct p25_rekey_ack {
    uint8_t acked_id;
    uint8_t count;
    p25_key_status keys[P25_STATUSES_MAX];
} p25_rekey_ack;

typedef struct p25_negative_ack {
    uint8_t acked_id;
    uint16_t mn; /**< of the rejected message; 0 in the short form (P25_DEV_SHORT_NACK) */
    uint8_t status;
} p25_negative_ack;

typedef struct p25_change_rsi {
    uint32_t old_rsi; /**< 0 adds */
    uint32_t new_rsi; /**< 0 removes */
    uint16_t mn;      /**< command: of the new RSI */
    uint8_t status;   /**< response */
} p25_change_rsi;

typedef struct p25_changeover {
    uint8_t count;
    struct {
        uint8_t superseded, activated;
    } pairs[P25_CHANGEOVERS_MAX];
} p25_changeover;

/** Lists of a Capabilities response; one octet for each identifier. */
typedef struct p25_capabilities {
    kf_slice algids;
    kf_slice services;
    kf_slice messages;
} p25_capabilities;

#define P25_HELLO_IDENTIFY      0u /**< identification only */
#define P25_HELLO_REKEY         1u /**< rekey request, the sender has a UKEK */
#define P25_HELLO_REKEY_NO_UKEK 2u /**< rekey request, it has none */

/** Registration and Deregistration command. */
typedef struct p25_registration {
    uint32_t kmf_rsi;
    kf_slice transported; /**< "reverse warm start", layout not public: opaque; empty: absent */
} p25_registration;

typedef struct p25_unable_to_decrypt {
    uint8_t body_format;
    uint8_t mfid;
    uint8_t algid;
    uint16_t kid;
    uint8_t status;
    kf_slice tail; /**< layout not public: opaque */
} p25_unable_to_decrypt;

/** Load-Authentication-Key command. */
typedef struct p25_load_auth_key {
    p25_decryption decryption;
    uint8_t instruction; /**< bit 0: for one SUID */
    uint8_t suid[P25_SUID_OCTETS];
    uint8_t algid;
    kf_slice key; /**< borrowed. Secret when it is not wrapped */
} p25_load_auth_key;

typedef struct p25_delete_auth_key {
    uint8_t instruction; /**< bit 0: one SUID, bit 1: all */
    uint8_t suid[P25_SUID_OCTETS];
} p25_delete_auth_key;

/** Session-Control version 0. */
typedef struct p25_session_control {
    uint8_t opcode; /**< 1 to 7, P25_SESSION_* */
    uint8_t source; /**< 1 key fill device, 2 subscriber */
} p25_session_control;

#define P25_SESSION_READY_REQUEST  1u
#define P25_SESSION_READY_GENERAL  2u
#define P25_SESSION_TRANSFER_DONE  3u
#define P25_SESSION_END            4u
#define P25_SESSION_END_ACK        5u
#define P25_SESSION_DISCONNECT     6u
#define P25_SESSION_DISCONNECT_ACK 7u

typedef struct p25_load_config {
    uint32_t kmf_rsi;
    uint16_t mnp;
    uint8_t status; /**< response */
} p25_load_config;

/** Modify-Keyset-Attributes command, and keyset tagging inventories. */
typedef struct p25_keyset_tags {
    uint8_t count;
    p25_keyset_tag tags[P25_TAGS_MAX];
} p25_keyset_tags;

typedef struct p25_keyset_statuses {
    uint8_t count;
    struct {
        uint8_t keyset, status;
    } keysets[P25_STATUSES_MAX];
} p25_keyset_statuses;

/** Inventory types whose response has a known layout; the others decode as opaque. */
typedef enum p25_inventory_type {
    P25_INVENTORY_NULL = 0x00,
    P25_INVENTORY_DATE_TIME = 0x01, /**< response: opaque */
    P25_INVENTORY_ACTIVE_KEYSETS = 0x02,
    P25_INVENTORY_INACTIVE_KEYSETS = 0x03,
    P25_INVENTORY_ACTIVE_KIDS = 0x04,
    P25_INVENTORY_INACTIVE_KIDS = 0x05,
    P25_INVENTORY_ALL_TAGS = 0x06, /**< form of KEYSET_TAGS */
    P25_INVENTORY_RSIS = 0x0b,     /**< own RSI first, then group RSIs */
    P25_INVENTORY_ACTIVE_SUID = 0xf7,
    P25_INVENTORY_SUIDS = 0xf8, /**< paged */
    P25_INVENTORY_KEYSET_TAGS = 0xf9,
    P25_INVENTORY_ACTIVE_KEYS = 0xfd, /**< paged */
    P25_INVENTORY_MNP = 0xfe,
    P25_INVENTORY_KMF_RSI = 0xff,
} p25_inventory_type;

typedef struct p25_inventory_cmd {
    uint8_t type;
    uint32_t marker;    /**< paged types: 0 first, then what the last response returned; 24 bits */
    uint16_t max_items; /**< paged types */
    kf_slice opaque;    /**< types 07 to 0a and unknown ones: what follows the type */
} p25_inventory_cmd;

typedef struct p25_keyset_ids {
    uint8_t count;
    uint8_t ids[P25_KEYSET_IDS_MAX];
} p25_keyset_ids;

/** Key IDs by keyset and algorithm: kids[first] to kids[first + count - 1]. */
typedef struct p25_kid_list {
    uint8_t keyset;
    uint8_t algid;
    uint8_t first;
    uint8_t count;
} p25_kid_list;

typedef struct p25_kid_lists {
    uint8_t count;
    p25_kid_list lists[P25_KID_LISTS_MAX];
    uint8_t kid_count; /**< sum of the counts, in order */
    uint16_t kids[P25_KIDS_MAX];
} p25_kid_lists;

typedef struct p25_rsi_items {
    uint8_t count;
    struct {
        uint32_t rsi;
        uint16_t mn;
    } items[P25_RSI_ITEMS_MAX];
} p25_rsi_items;

/** One page of active keys. */
typedef struct p25_active_keys {
    uint32_t marker; /**< to ask for the next page with; 0: that was the last */
    uint8_t count;
    struct {
        uint8_t keyset;
        uint16_t sln;
        uint8_t algid;
        uint16_t kid;
    } keys[P25_ACTIVE_KEYS_MAX];
} p25_active_keys;

/** The member is named by the type. */
typedef struct p25_inventory_rsp {
    uint8_t type;
    union {
        p25_keyset_ids keysets; /**< 02, 03 */
        p25_kid_lists kids;     /**< 04, 05 */
        p25_keyset_tags tags;   /**< 06, F9 */
        p25_rsi_items rsis;     /**< 0B */
        p25_active_keys keys;   /**< FD */
        uint16_t mnp;           /**< FE */
        uint32_t kmf_rsi;       /**< FF */
        kf_slice opaque;        /**< every other type but 00 */
    } of;
} p25_inventory_rsp;

/** Deviations of peers that are accepted, as bits of a set; the encoder never produces one. */
typedef enum p25_deviation {
    P25_DEV_SHORT_NACK = 1u << 0,       /**< Negative-Ack without the message number */
    P25_DEV_ZEROIZE_OCTET = 1u << 1,    /**< one 00 octet as the body of a Zeroize command */
    P25_DEV_REGISTRATION_KEK = 1u << 2, /**< body format bit 6, whose meaning is disputed */
} p25_deviation;

/** A row of the table of deviations. */
typedef struct p25_deviation_fact {
    p25_deviation bit;
    const char *what;   /**< for people */
    const char *source; /**< who sends it, and where that is written */
} p25_deviation_fact;

/** All of them; *count rows. */
const p25_deviation_fact *p25_deviation_facts(size_t *count);

/** A whole message. The member of body is named by frame.message_id, unless is_opaque. */
typedef struct p25_kmm {
    p25_side side; /**< set by the decoder's caller; the encoder uses it too */
    p25_kmm_frame frame;
    unsigned deviations; /**< p25_deviation bits; set by the decoder, ignored by the encoder */
    bool is_opaque;      /**< the body's layout is unknown or not public: body.opaque holds it */
    union {
        kf_slice opaque;
        p25_capabilities capabilities;       /**< 02 */
        p25_change_rsi change_rsi;           /**< 03, 04 */
        p25_changeover changeover;           /**< 05, 06 */
        uint8_t hello;                       /**< 0C, P25_HELLO_* */
        p25_inventory_cmd inventory_cmd;     /**< 0D */
        p25_inventory_rsp inventory_rsp;     /**< 0E */
        p25_modify_key modify_key;           /**< 13 */
        p25_keyset_tags modify_keyset;       /**< 14 */
        p25_keyset_statuses keyset_statuses; /**< 15 */
        p25_negative_ack negative_ack;       /**< 16 */
        p25_rekey_ack rekey_ack;             /**< 1D */
        p25_rekey rekey;                     /**< 1E */
        p25_date_time date_time;             /**< 1F */
        p25_warm_start warm_start;           /**< 20 */
        p25_registration registration;       /**< 23, 25 */
        uint8_t status;                      /**< 24, 26 */
        p25_unable_to_decrypt utd;           /**< 27 */
        p25_load_auth_key load_auth_key;     /**< 28 */
        p25_delete_auth_key delete_auth_key; /**< 2A */
        p25_session_control session;         /**< 31 */
        p25_load_config load_config;         /**< FC, FD */
    } body;                                  /**< 01, 17, 21, 22 have none */
} p25_kmm;

/** "Rekey-Command", ...; NULL for an identifier that facts table 1.6 does not name. */
const char *p25_message_name(unsigned message_id);

/** Does the codec know the body of this message? (Not the same as: is this one decodable.) */
bool p25_message_is_known(unsigned message_id);

/** Are all parts in range, as a calendar has it? */
bool p25_date_time_is_valid(const p25_date_time *t);

/** Octets of the MAC block: 13, 9, 7 or 0. */
size_t p25_mac_block_octets(const p25_kmm_mac *mac);

/**
 * Decode the frame only, as a receiver does before the MAC has been verified: exact length, MN and
 * MAC block fit, body left as octets.
 * @return KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED (reserved bits and codes),
 * KF_E_UNSUPPORTED (more than P25_KMM_OCTETS_MAX); *out is zeroed on failure.
 */
KF_MUST_USE kf_err p25_kmm_frame_parse(kf_slice octets, p25_kmm_frame *out, kf_fault *fault);

/** Decode one message that fills the reader; failures are in the reader's fault. */
void p25_kmm_decode(kf_reader *r, p25_side side, p25_kmm *out);

/**
 * Decode a whole message, frame and body. A body whose layout is not public, and one of an unknown
 * identifier, is_opaque and not refused: the caller answers Negative-Ack 03.
 * @param trace sees every octet once, in order; NULL for none.
 * @return the first failure, as p25_kmm_frame_parse(), and KF_E_UNSUPPORTED for a list longer than
 * its P25_*_MAX; *out is zeroed on failure.
 */
KF_MUST_USE kf_err p25_kmm_parse(kf_slice octets, p25_side side, kf_trace *trace, p25_kmm *out,
                                 kf_fault *fault);

/**
 * Append the message to a writer, which may hold something (a preamble) already. The MAC octets are
 * written as they stand; compute and patch them at (start + frame.mac_at of p25_kmm_frame_parse()).
 * A failure is in w->err: KF_E_NO_SPACE, also for more than P25_KMM_OCTETS_MAX; KF_E_MALFORMED for
 * a value that has no encoding (a name too long, a key of another length than its keyset's, ...).
 */
void p25_kmm_encode(const p25_kmm *kmm, kf_writer *w);

#endif

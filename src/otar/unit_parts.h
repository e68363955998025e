/** @file unit_parts.h Inside the subscriber: its state, and the commands it carries out. */
#ifndef OTAR_UNIT_PARTS_H
#define OTAR_UNIT_PARTS_H

#include "otar/unit.h"

#define OTAR_STATUS_PERFORMED      0x00u
#define OTAR_STATUS_NOT_PERFORMED  0x01u
#define OTAR_STATUS_DOES_NOT_EXIST 0x02u
#define OTAR_STATUS_INVALID_ID     0x03u
#define OTAR_STATUS_NO_MEMORY      0x05u
#define OTAR_STATUS_COULD_NOT_OPEN 0x06u
#define OTAR_STATUS_INVALID_NUMBER 0x07u
#define OTAR_STATUS_INVALID_ALGID  0x09u

/** An RSI of ours and the numbers that came to it. */
typedef struct unit_address {
    uint32_t rsi;
    p25_mn_state mn;
} unit_address;

struct otar_unit {
    otar_unit_config config;
    otar_store store;
    otar_watch watch;
    const kf_rng *rng;
    bool has_stopped; /* the store failed: memory may be ahead of it */
    bool is_registered;
    otar_keys keys;
    p25_mac_peer mac;
    unit_address own;
    size_t group_count;
    unit_address groups[OTAR_UNIT_GROUPS_MAX];
    kf_time warm_since;
    unsigned unheard; /* messages of ours since the KMF was heard, with a MAC */
    uint8_t last_digest[P25_MN_DIGEST_OCTETS]; /* of the last datagram that was answered */
    size_t answer_len;                         /* 0: none yet */
    uint8_t answer[P25_DLI_DATAGRAM_MAX];
};

/** A command on its way through. */
typedef struct unit_request {
    otar_unit *unit;
    kf_time now;
    p25_opened *in;
    unit_address *to;
    p25_tek *seal_with; /* of the answer; NULL: there can be none */
    p25_tek *own_seal;  /* the same, when it is a key we do not keep; freed after the answer */
    p25_kmm answer;
    bool forget_all;  /* after the answer is sealed: Zeroize */
    bool forget_warm; /* the same: the warm start is over */
} unit_request;

/** Carries out a command and fills in the answer's identifier and body. */
typedef void unit_action(unit_request *q);

/** What to do with a message of that identifier; NULL: nothing we know. */
unit_action *unit_action_of(unsigned message_id);

/** Answer with a Negative-Ack. */
void unit_refuse(unit_request *q, uint8_t status);

/** The Inventory command. */
void unit_inventory(unit_request *q);

#endif

/** @file unit_node_parts.h Inside the subscriber's node: its state, shared by its files. */
#ifndef LAB_UNIT_NODE_PARTS_H
#define LAB_UNIT_NODE_PARTS_H

#include "lab/speech.h"
#include "lab/state.h"
#include "lab/unit_node.h"

/** Times that a request to the KMF is sent, and seconds between. */
#define UNIT_TRIES         4u
#define UNIT_RETRY_SECONDS 3

struct lab_unit_node {
    const lab_unit_config *config;
    lab_setup setup;
    lab_node *node;
    lab_state *state;
    otar_unit *unit;
    lab_speech *speech; /* NULL: no voice address */
    bool is_off_air;
    bool is_asking, asks_on; /* a registration or its end waits for an answer */
    unsigned tries_left;
    kf_time next_try;
    int64_t speech_start_ms;
    uint64_t speech_packets;
    uint64_t foreign; /* datagrams that were not the KMF's */
};

/** Send what the machine wrote to the KMF, unless off the air. */
void unit_send(lab_unit_node *un, kf_slice octets);
/** Begin to register, or the reverse. */
KF_MUST_USE kf_err unit_ask_registration(lab_unit_node *un, kf_time now, bool on);
/** Begin to send the spurt that was prepared. */
void unit_start_speech(lab_unit_node *un);
/** Read the key file into the machine. @param count keys that were loaded. */
KF_MUST_USE kf_err unit_load_keys(lab_unit_node *un, size_t *count, lab_trouble *trouble);
/** The machine or the store has failed: leave, saying why. */
void unit_node_fail(lab_unit_node *un, kf_err err);
/** The answer to a request. */
json_t *unit_answer(void *ctx, kf_time now, const lab_asked *asked);

#endif

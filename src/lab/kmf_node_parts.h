/** @file kmf_node_parts.h Inside the KMF node: its state, shared by its files. */
#ifndef LAB_KMF_NODE_PARTS_H
#define LAB_KMF_NODE_PARTS_H

#include "crypto/hash.h"
#include "lab/kmf_node.h"
#include "lab/state.h"

/** The slot of the node's own record; the machine's count from 0. */
#define KMF_NODE_SLOT UINT32_MAX

/** A unit as the node knows it. */
typedef struct kmf_peer {
    uint32_t config_rsi; /* in the configuration that added it */
    uint32_t rsi;        /* now */
    uint32_t new_rsi;    /* a Change-RSI was asked for; 0: none */
    bool has_ukek;
    uint8_t ukek[KF_SHA256_OCTETS]; /* digest of the UKEK that was taken, with its KID */
    uint64_t members;               /* bit i: of groups[i] */
    struct sockaddr_in proven, claimed;
    kf_time heard;  /* not stored; 0: not yet */
    bool is_listed; /* in the configuration; not stored */
} kmf_peer;

/** Tokens of a source that we do not know. */
typedef struct kmf_bucket {
    int64_t at_ms;
    uint32_t tokens;
} kmf_bucket;

#define KMF_BUCKETS 256u

struct lab_kmf_node {
    const lab_kmf_config *config;
    lab_setup setup;
    lab_node *node;
    lab_state *state;
    otar_kmf *kmf;
    size_t group_count;
    uint16_t groups[OTAR_GROUPS_MAX];
    size_t peer_count;
    kmf_peer *peers;
    bool is_dirty;                    /* the record is behind */
    const struct sockaddr_in *sender; /* of the datagram at work */
    kf_time second;
    uint32_t hash_seed;
    kmf_bucket buckets[KMF_BUCKETS], everybody;
    uint64_t limited, oversized; /* datagrams dropped */
};

/** The unit that has or will have this RSI; NULL. */
kmf_peer *kmf_peer_of(lab_kmf_node *kn, uint32_t rsi);

/** Load and save the node's record. */
KF_MUST_USE kf_err kmf_roster_load(lab_kmf_node *kn, lab_trouble *trouble);
KF_MUST_USE kf_err kmf_roster_save(lab_kmf_node *kn);
/** Make what is as the configuration says. */
KF_MUST_USE kf_err kmf_roster_apply(lab_kmf_node *kn, lab_trouble *trouble);

/** What reading the key file again did. */
typedef struct kmf_key_news {
    size_t taken, unchanged, without; /* units */
} kmf_key_news;
KF_MUST_USE kf_err kmf_roster_keys(lab_kmf_node *kn, kmf_key_news *news, lab_trouble *trouble);

/** The answer to a request of an operator. */
json_t *kmf_answer(void *ctx, kf_time now, const lab_asked *asked);

/** The machine or the store has failed: leave, saying why. */
void kmf_node_fail(lab_kmf_node *kn, kf_err err);

#endif

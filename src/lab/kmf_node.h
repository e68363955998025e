/**
 * @file kmf_node.h A KMF as a process: otar_kmf on a UDP port, its state in a directory, its
 * operator on a control socket.
 *
 * Where a unit's messages go. An address is proven when it is in the configuration, or when an
 * authenticated answer came from it. A registration or a hello may be clear, so its sender only
 * claims to be the unit: what we send goes to the claimed address too (beside the proven one) until
 * an authenticated answer tells which it is. So a unit that moved is served at once, and nobody can
 * lead a unit's messages away; who forges registrations gets copies of what he can hear anyway.
 *
 * The configuration is what shall be: units and groups that are not there are added, membership
 * follows it, a unit that is no longer in it is taken out of its groups. A unit's level is that of
 * when it was added. Source: project facts 1.4.2, 1.10.
 */
#ifndef LAB_KMF_NODE_H
#define LAB_KMF_NODE_H

#include "base/rng.h"
#include "crypto/scrypt.h"
#include "lab/config.h"
#include "lab/node.h"

/** What a process brings to its node. */
typedef struct lab_setup {
    kf_scrypt_cost cost; /**< of a new state */
    const kf_rng *rng;
    lab_listener listener;
} lab_setup;

typedef struct lab_kmf_node lab_kmf_node;

/** Requests it understands. Ends at a NULL name. */
extern const lab_verb lab_kmf_verbs[];

/**
 * Open the state and the ports, take up where a former run stopped, apply the configuration.
 * @param config borrowed for the life of the node.
 */
KF_MUST_USE kf_err lab_kmf_node_new(const lab_kmf_config *config, const lab_setup *setup,
                                    lab_kmf_node **out, lab_trouble *trouble);
/** @param seconds 0: until it is stopped. */
KF_MUST_USE kf_err lab_kmf_node_run(lab_kmf_node *kn, uint32_t seconds, lab_trouble *trouble);
void lab_kmf_node_free(lab_kmf_node **kn);

#endif

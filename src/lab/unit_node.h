/**
 * @file unit_node.h A subscriber as a process: otar_unit on a UDP port, its state in a directory, a
 * control socket in place of its buttons, and P25 voice.
 *
 * Only datagrams from the configured address of the KMF are looked at. Registration and
 * deregistration are repeated while they are not answered.
 */
#ifndef LAB_UNIT_NODE_H
#define LAB_UNIT_NODE_H

#include "lab/config.h"
#include "lab/kmf_node.h"

typedef struct lab_unit_node lab_unit_node;

/** Requests it understands. Ends at a NULL name. */
extern const lab_verb lab_unit_verbs[];

/**
 * Open the state and the ports, take up where a former run stopped; a new state is given the keys
 * of the key file.
 * @param config borrowed for the life of the node.
 */
KF_MUST_USE kf_err lab_unit_node_new(const lab_unit_config *config, const lab_setup *setup,
                                     lab_unit_node **out, lab_trouble *trouble);
/** @param seconds 0: until it is stopped. */
KF_MUST_USE kf_err lab_unit_node_run(lab_unit_node *un, uint32_t seconds, lab_trouble *trouble);
void lab_unit_node_free(lab_unit_node **un);

#endif

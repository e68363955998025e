/** @file replay.h Inside this room: the memory of accepted messages. */
#ifndef MIKEY_REPLAY_H
#define MIKEY_REPLAY_H

#include "mikey/mikey.h"

/**
 * Name of a message in the cache: a hash of the initiator's UID and of every octet under its
 * signature, so of CSB-ID, T and RAND among them. Not of the signature: ECCSI has two valid ones
 * for each.
 */
typedef struct replay_tag {
    uint8_t octets[32];
} replay_tag;

/** @return KF_E_BACKEND. */
KF_MUST_USE kf_err replay_tag_of(const uint8_t uid[MCSEC_UID_OCTETS], kf_slice signed_octets,
                                 replay_tag *tag);

/** Has this message been accepted before? */
bool replay_has(const mikey_replay *cache, const replay_tag *tag);

/**
 * Remember a message until `until`; entries whose time has passed at `now` make room.
 * @return KF_E_STATE when it is there already, KF_E_NO_SPACE when the cache is full of live ones.
 */
KF_MUST_USE kf_err replay_add(mikey_replay *cache, const replay_tag *tag, kf_time until,
                              kf_time now);

#endif

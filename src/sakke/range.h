/** @file range.h HashToIntegerRange of RFC 6508 clause 5.1, with SHA-256. */
#ifndef SAKKE_RANGE_H
#define SAKKE_RANGE_H

#include "base/err.h"
#include "base/slice.h"

/**
 * The l blocks v_1 || ... || v_l of 32 octets each, before the reduction mod n.
 * @param parts the string that is hashed, in count parts.
 * @param out   32 l octets, l at most 4; a secret if the string is.
 * @return KF_E_BACKEND.
 */
KF_MUST_USE kf_err sakke_hash_blocks(const kf_slice *parts, size_t count, unsigned l, uint8_t *out);

#endif

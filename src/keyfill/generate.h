/** @file generate.h Fresh keys of an algorithm. Source: project facts 6.5, conflict C6 (parity). */
#ifndef KEYFILL_GENERATE_H
#define KEYFILL_GENERATE_H

#include "base/rng.h"
#include "base/secret.h"

/**
 * A random key: of DES and TDEA with odd parity, and never one that keyfill_check_entry() has
 * anything to say about (weak, semi-weak, possibly weak, equal parts, a pattern). Caller frees
 * *out, NULL on failure.
 * @return KF_E_UNSUPPORTED for an algorithm whose key length is not known; KF_E_BACKEND when the
 * generator fails, or gives such keys again and again; KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err keyfill_generate(unsigned algid, const kf_rng *rng, kf_secret **out);

#endif

/** @file hkdf.h HKDF-SHA-256 (RFC 5869), one block of output. */
#ifndef SEAL_HKDF_H
#define SEAL_HKDF_H

#include "base/secret.h"
#include "base/slice.h"

/**
 * Extract, then expand to the 32 octets of the first block.
 * @param salt of at least one octet. @param parts the info, in count parts; at most 4.
 * @param out on KF_OK a secret that the caller frees.
 * @return KF_E_MALFORMED for too many parts; KF_E_NO_MEMORY, KF_E_BACKEND.
 *
 * Source: RFC 5869 clauses 2.2, 2.3.
 */
KF_MUST_USE kf_err seal_hkdf(kf_slice secret, kf_slice salt, const kf_slice *parts, size_t count,
                             kf_secret **out);

#endif

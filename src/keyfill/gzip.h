/** @file gzip.h One gzip stream of a known size, over zlib. Internal to the room. */
#ifndef KEYFILL_GZIP_H
#define KEYFILL_GZIP_H

#include "base/slice.h"
#include "base/writer.h"

/**
 * Unpack a stream that must give exactly `len` octets and then end. No more than that is ever
 * produced, so a bomb goes nowhere.
 * @return KF_E_TRUNCATED, KF_E_TRAILING (octets after it), KF_E_MALFORMED (not gzip, checksum,
 * another size), KF_E_NO_MEMORY. out holds no defined octets then.
 */
KF_MUST_USE kf_err keyfill_gunzip(kf_slice packed, uint8_t *out, size_t len);

/** The most octets that keyfill_gzip() makes of len. */
size_t keyfill_gzip_max(size_t len);

/** Pack; appended to out. @return KF_E_NO_SPACE, KF_E_NO_MEMORY. */
KF_MUST_USE kf_err keyfill_gzip(kf_slice octets, kf_writer *out);

#endif

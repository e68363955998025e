/**
 * @file box.h Our own key file: a sealed container (crypto/container.h: scrypt, AES-256-GCM) of
 * kind KF_CONTAINER_KEY_FILE. Unlike the formats of others it cannot be altered unnoticed. Inside:
 *
 * octets   field
 *  1       version, 1
 *  2       number of entries
 *  2       number of groups
 * and for each entry
 *  4       id, unique
 *  1       flags: 01 active keyset, 02 TEK, 04 KEK (neither: by SLN), 08 RSI follows; others zero
 *  1       keyset, 1 to 255; 0 only with flag 01
 *  2       SLN
 *  1       ALGID
 *  2       KID
 *  0 or 3  RSI
 *  1 + n   name, UTF-8, at most 128 octets
 *  1 + n   key, 1 to 255 octets
 * and for each group
 *  4       id, unique
 *  1 + n   name
 *  2       number of members
 *  4 each  ids of entries, each once
 */
#ifndef KEYFILL_BOX_H
#define KEYFILL_BOX_H

#include "base/reader.h"
#include "base/rng.h"
#include "base/writer.h"
#include "crypto/scrypt.h"
#include "keyfill/file.h"

/** Octets that keyfill_box_seal() writes. */
size_t keyfill_box_octets(const keyfill_file *file);

/**
 * Seal a file under a passphrase; the container is appended to out.
 * @return KF_E_MALFORMED when an entry is out of range (keyfill_entry_is_in_range) or the cost out
 * of bounds, KF_E_NO_SPACE, KF_E_NO_MEMORY, KF_E_BACKEND. Nothing is written on failure.
 */
KF_MUST_USE kf_err keyfill_box_seal(const keyfill_file *file, kf_slice passphrase,
                                    kf_scrypt_cost cost, const kf_rng *rng, kf_writer *out);

/**
 * Open one. Caller clears *out, which is empty on failure.
 * @return as kf_container_open(): KF_E_AUTH for a wrong passphrase or altered octets; for the
 * inside KF_E_TRUNCATED, KF_E_TRAILING, KF_E_MALFORMED, KF_E_UNSUPPORTED (version), KF_E_NO_SPACE,
 * and then fault.at counts from the start of the inside.
 */
KF_MUST_USE kf_err keyfill_box_open(kf_slice octets, kf_slice passphrase, keyfill_file *out,
                                    kf_fault *fault);

/** The inside alone, for tests and tools. Caller clears *out, which is empty on failure. */
KF_MUST_USE kf_err keyfill_box_parse(kf_slice content, keyfill_file *out, kf_fault *fault);

/** Decode the inside at the front of a reader; stops at the first fault. Caller clears *out. */
void keyfill_box_decode(kf_reader *r, keyfill_file *out);

#endif

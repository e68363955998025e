/** @file ekc_inner.h The InnerContainer element of a .ekc: the keys themselves. Internal to the
 * room. */
#ifndef KEYFILL_EKC_INNER_H
#define KEYFILL_EKC_INNER_H

#include "base/writer.h"
#include "keyfill/check.h"
#include "keyfill/file.h"
#include "keyfill/xml.h"

/** Read it. Findings are appended also on failure. Caller clears *out, empty on failure. */
KF_MUST_USE kf_err keyfill_ekc_inner_read(kf_slice document, size_t octets_max, keyfill_file *out,
                                          keyfill_findings *findings, kf_fault *fault);

/** Octets that are enough for keyfill_ekc_inner_write(). */
size_t keyfill_ekc_inner_octets_max(const keyfill_file *file);

/** Write it. KF_E_MALFORMED in w->err when an entry is out of range. */
void keyfill_ekc_inner_write(kf_writer *w, const keyfill_file *file);

/** "1.0", "1.2", ...: is it a version whose major number is 1? *minor is the other one, or 0. */
bool keyfill_ekc_version_is_1(kf_slice text, uint64_t *minor);

#endif

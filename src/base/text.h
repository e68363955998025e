/** @file text.h Octets and numbers as text and back, strictly: hexadecimal, base64 (RFC 4648),
 * decimal.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

/** Characters of base64 for len octets, without a NUL. */
#define KF_BASE64_CHARS(len) (((len) + 2u) / 3u * 4u)

/** Lower-case hexadecimal, two characters an octet, no NUL. Constant time in the octets. */
void kf_hex_write(kf_writer *w, kf_slice octets);

/**
 * Read hexadecimal of either case, nothing else: no prefix, no white space, an even count.
 * Constant time in the digits when they are all valid.
 * @return KF_E_MALFORMED; KF_E_NO_SPACE (in w->err too).
 */
KF_MUST_USE kf_err kf_hex_read(kf_slice text, kf_writer *w);

/** Base64 with padding, one line, no NUL. Constant time in the octets. */
void kf_base64_write(kf_writer *w, kf_slice octets);

/**
 * Read base64: padding required, unused bits zero, no white space inside.
 * @return KF_E_MALFORMED; KF_E_NO_SPACE (in w->err too).
 */
KF_MUST_USE kf_err kf_base64_read(kf_slice text, kf_writer *w);

/**
 * Can these octets stand for a URI: 1 to most of them, no control character, no white space? Octets
 * above 7e are left to whoever knows the encoding. Nothing else of RFC 3986 is checked.
 */
bool kf_text_is_uri(kf_slice text, size_t most);

/**
 * Read a decimal integer: one digit or more, nothing else; leading zeros are allowed.
 * @return KF_E_MALFORMED, also when it does not fit; then *out is 0.
 */
KF_MUST_USE kf_err kf_decimal_read(kf_slice text, uint64_t *out);

#endif

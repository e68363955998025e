/** @file writer.h Octets out: the caller's buffer, sticky KF_E_NO_SPACE, length prefixes patched.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/err.h"
#include "base/slice.h"

typedef struct kf_writer {
    uint8_t *buf; /**< the caller's */
    size_t cap;   /**< its size in octets */
    size_t len;   /**< octets written */
    kf_err err;   /**< the first failure */
} kf_writer;

kf_writer kf_writer_init(uint8_t *buf, size_t cap);

void kf_writer_fail(kf_writer *w, kf_err code);

/** What was written so far; empty after a failure. */
kf_slice kf_writer_slice(const kf_writer *w);

void kf_write_slice(kf_writer *w, kf_slice octets);
void kf_write_octets(kf_writer *w, const uint8_t *octets, size_t len);
void kf_write_u8(kf_writer *w, uint8_t value);
void kf_write_u16(kf_writer *w, uint16_t value);
void kf_write_u24(kf_writer *w, uint32_t value);
void kf_write_u32(kf_writer *w, uint32_t value);
void kf_write_u40(kf_writer *w, uint64_t value);
void kf_write_u64(kf_writer *w, uint64_t value);

/** len octets to be filled by the caller; NULL when they do not fit. */
uint8_t *kf_write_space(kf_writer *w, size_t len);

/** Leave room for a 2-octet length of what follows. @return a mark for the matching end. */
size_t kf_write_len16_begin(kf_writer *w);

/** Patch the length; KF_E_NO_SPACE when more than 65,535 octets followed. */
void kf_write_len16_end(kf_writer *w, size_t mark);

#endif

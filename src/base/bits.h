/** @file bits.h Bit-packed fields, most significant bit first: the reader and the writer. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/err.h"
#include "base/slice.h"

/** Reads bits; the first failure sticks and later reads return zero. */
typedef struct kf_bits {
    kf_slice octets;
    size_t at; /**< next bit, 0 is the most significant bit of octet 0 */
    kf_fault *fault;
} kf_bits;

/** A bit reader over borrowed octets. Does not clear the fault, which may be a kf_reader's. */
kf_bits kf_bits_init(kf_slice octets, kf_fault *fault);

/** The next count bits (at most 64) as an integer. KF_E_TRUNCATED when there are fewer. */
uint64_t kf_bits_take(kf_bits *b, unsigned count, const char *field);

/** Every bit used? KF_E_TRAILING if not. @return the first failure. */
KF_MUST_USE kf_err kf_bits_end(kf_bits *b, const char *field);

/** Writes bits into the caller's octets, which must be zero at the start. */
typedef struct kf_bit_writer {
    uint8_t *buf;
    size_t cap; /**< octets */
    size_t at;  /**< next bit */
    kf_err err;
} kf_bit_writer;

kf_bit_writer kf_bit_writer_init(uint8_t *buf, size_t cap);

/** Append the low count bits (at most 64) of value. KF_E_NO_SPACE when they do not fit. */
void kf_bits_put(kf_bit_writer *w, unsigned count, uint64_t value);

#endif

/**
 * @file reader.h The one way octets come in.
 *
 * The first failure sticks and later reads return zero, so a decoder is a straight list of fields.
 * Sub-readers share the fault, so no error is dropped on the way up. An optional trace sees each
 * field as it is read: `keyferry explain` is the real decoder with a trace attached.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/err.h"
#include "base/slice.h"

/** Sees every field in the order it is read. */
typedef struct kf_trace {
    void (*field)(struct kf_trace *trace, const char *field, size_t at, kf_slice octets);
} kf_trace;

typedef struct kf_reader {
    const uint8_t *msg; /**< the whole message, shared by sub-readers */
    size_t off;         /**< invariant: off <= end <= message length */
    size_t end;
    kf_fault *fault;
    kf_trace *trace; /**< NULL for none */
} kf_reader;

/** A reader of a whole message. Clears the fault. msg and fault are borrowed. */
kf_reader kf_reader_init(kf_slice msg, kf_fault *fault);

/** Record a failure at the current offset; the first one wins. */
void kf_reader_fail(kf_reader *r, kf_err code, const char *field);

/** Record a failure at an octet offset of the message; the first one wins. */
void kf_reader_fail_at(kf_reader *r, size_t at, kf_err code, const char *field);

/** Has nothing failed so far? */
bool kf_reader_ok(const kf_reader *r);

/** More octets, and no fault: the condition of every loop over input. */
bool kf_reader_more(const kf_reader *r);

/** Octets left; 0 after a fault. */
size_t kf_reader_left(const kf_reader *r);

/** The next len octets, borrowed from the message; empty after a fault (KF_E_TRUNCATED). */
kf_slice kf_read_slice(kf_reader *r, size_t len, const char *field);

/** All octets that are left, possibly none. */
kf_slice kf_read_rest(kf_reader *r, const char *field);

/** Copy the next len octets to out; zeros after a fault. */
void kf_read_octets(kf_reader *r, uint8_t *out, size_t len, const char *field);

uint8_t kf_read_u8(kf_reader *r, const char *field);
uint16_t kf_read_u16(kf_reader *r, const char *field);
uint32_t kf_read_u24(kf_reader *r, const char *field);
uint32_t kf_read_u32(kf_reader *r, const char *field);
uint64_t kf_read_u40(kf_reader *r, const char *field);
uint64_t kf_read_u64(kf_reader *r, const char *field);

/** The next len octets as a reader of their own; kf_reader_close() checks all were used. */
kf_reader kf_read_sub(kf_reader *r, size_t len, const char *field);

/** A sub-reader must be used up: KF_E_TRAILING in the shared fault if it is not. */
void kf_reader_close(kf_reader *sub, const char *field);

/** All octets used? KF_E_TRAILING if not. @return the first failure of the whole message. */
KF_MUST_USE kf_err kf_reader_end(kf_reader *r, const char *field);

#endif

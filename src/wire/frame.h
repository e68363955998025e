/**
 * @file frame.h Frames of the vault protocol.
 *
 * octets   field
 *  4       length of what follows, at most WIRE_FRAME_MAX
 *  1       version, 1
 *  1       kind (wire_kind)
 *  4       number of the request, chosen by the client; answers repeat it. Not 0: that
 *          is the connection itself, in a failure that ends it
 *  n       a map (record.h)
 *
 * A request map has "verb" and the verb's fields. A client may send the next request before the
 * answer to the last. Any number of progress frames come before the one answer.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/reader.h"
#include "base/writer.h"

#define WIRE_VERSION     1u
#define WIRE_HEAD_OCTETS 10u
#define WIRE_FRAME_MAX   (4u << 20)

typedef enum wire_kind {
    WIRE_REQUEST = 1,
    WIRE_ANSWER = 2,   /**< done: the result */
    WIRE_FAILURE = 3,  /**< refused: code, what, why, do, field, more (a map) */
    WIRE_PROGRESS = 4, /**< done, total, text */
} wire_kind;

typedef struct wire_frame {
    wire_kind kind;
    uint32_t number;
    kf_slice body;
} wire_frame;

/** Octets of the whole frame that starts here; 0: more than these four octets are needed to know.
 * @return KF_E_NO_SPACE when it is too long, KF_E_MALFORMED when too short. */
KF_MUST_USE kf_err wire_frame_octets(kf_slice octets, size_t *out);
/** Parse a whole frame. @return KF_E_UNSUPPORTED for another version, KF_E_MALFORMED, ... */
KF_MUST_USE kf_err wire_frame_parse(kf_slice octets, wire_frame *out, kf_fault *fault);
/** Append a frame. */
void wire_frame_write(kf_writer *w, const wire_frame *frame);

#endif

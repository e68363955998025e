#include "wire/frame.h"

#include "wire/parts.h"

#define LENGTH_OCTETS 4u
#define LENGTH_LEAST  (WIRE_HEAD_OCTETS - LENGTH_OCTETS)

kf_err wire_frame_octets(kf_slice octets, size_t *out)
{
    *out = 0;
    if (octets.len < LENGTH_OCTETS)
        return KF_OK;
    kf_fault fault;
    kf_reader r = kf_reader_init(octets, &fault);
    uint32_t length = kf_read_u32(&r, "frame.length");
    if (length > WIRE_FRAME_MAX)
        return KF_E_NO_SPACE;
    if (length < LENGTH_LEAST)
        return KF_E_MALFORMED;
    *out = LENGTH_OCTETS + length;
    return KF_OK;
}

kf_err wire_frame_parse(kf_slice octets, wire_frame *out, kf_fault *fault)
{
    *out = (wire_frame){ .number = 0 };
    kf_reader r = kf_reader_init(octets, fault);
    uint32_t length = kf_read_u32(&r, "frame.length");
    if (length > WIRE_FRAME_MAX)
        kf_reader_fail_at(&r, 0, KF_E_NO_SPACE, "frame.length");
    else if (length < LENGTH_LEAST)
        kf_reader_fail_at(&r, 0, KF_E_MALFORMED, "frame.length");
    kf_reader in = kf_read_sub(&r, length, "frame.length");
    if (kf_read_u8(&in, "frame.version") != WIRE_VERSION)
        kf_reader_fail_at(&in, 4, KF_E_UNSUPPORTED, "frame.version");
    uint8_t kind = kf_read_u8(&in, "frame.kind");
    if (kind < WIRE_REQUEST || kind > WIRE_PROGRESS)
        kf_reader_fail_at(&in, 5, KF_E_MALFORMED, "frame.kind");
    uint32_t number = kf_read_u32(&in, "frame.number");
    kf_slice body = kf_read_rest(&in, "frame.body");
    kf_err err = kf_reader_end(&r, "frame.end");
    if (err == KF_OK)
        *out = (wire_frame){ (wire_kind)kind, number, body };
    return err;
}

void wire_frame_write(kf_writer *w, const wire_frame *frame)
{
    if (frame->body.len > WIRE_FRAME_MAX - LENGTH_LEAST) {
        kf_writer_fail(w, KF_E_NO_SPACE);
        return;
    }
    kf_write_u32(w, (uint32_t)(LENGTH_LEAST + frame->body.len));
    kf_write_u8(w, WIRE_VERSION);
    kf_write_u8(w, (uint8_t)frame->kind);
    kf_write_u32(w, frame->number);
    kf_write_slice(w, frame->body);
}

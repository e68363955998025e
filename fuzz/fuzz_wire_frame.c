/*
 * Frames of the vault protocol, one after another as they come from a peer. Oracle: the length that
 * is known from the first octets is the one that parses, and what parses is written the same.
 */
#include "cover.h"

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void check_whole(kf_slice octets)
{
    wire_frame frame;
    kf_fault fault;
    kf_err err = wire_frame_parse(octets, &frame, &fault);
    same(err == fault.code);
    same(err != KF_E_TRUNCATED && err != KF_E_TRAILING && err != KF_E_NO_SPACE);
    if (err != KF_OK)
        return;
    uint8_t *again = malloc(octets.len);
    same(again != NULL);
    kf_writer w = kf_writer_init(again, octets.len);
    wire_frame_write(&w, &frame);
    same(kf_slice_equal(kf_writer_slice(&w), octets));
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    wire_frame frame;
    kf_fault fault;
    size_t octets = 0;
    for (size_t at = 0; at < len; at += octets) {
        kf_slice rest = { in + at, len - at };
        kf_err err = wire_frame_octets(rest, &octets);
        if (err != KF_OK || octets == 0 || octets > rest.len) {
            same(wire_frame_parse(rest, &frame, &fault) != KF_OK);
            return 0;
        }
        check_whole((kf_slice){ rest.ptr, octets });
    }
    return 0;
}

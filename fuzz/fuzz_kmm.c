/*
 * KMM, from both sides. Oracle: an accepted message encodes to the same octets unless a deviation
 * is flagged, and then to a message without one that is accepted too; the fields cover every octet
 * exactly once; the frame alone is accepted as well and says the same.
 */
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "p25/kmm.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void check_frame(kf_slice octets, const p25_kmm *m)
{
    p25_kmm_frame frame;
    kf_fault fault;
    same(p25_kmm_frame_parse(octets, &frame, &fault) == KF_OK);
    same(frame.message_id == m->frame.message_id && frame.mn == m->frame.mn);
    same(frame.mac_at == m->frame.mac_at && kf_slice_equal(frame.body, m->frame.body));
    same(frame.mac_at + p25_mac_block_octets(&frame.mac) == octets.len);
    same(memcmp(frame.mac.octets, m->frame.mac.octets, sizeof frame.mac.octets) == 0);
}

static void check_side(kf_slice octets, p25_side side)
{
    static p25_kmm m, back;
    uint8_t again[P25_KMM_OCTETS_MAX + 2]; /* a short Negative-Ack comes out two octets longer */
    kf_fault fault;
    cover c = { { add }, 0 };
    if (p25_kmm_parse(octets, side, &c.trace, &m, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= octets.len);
        same(m.frame.octets.ptr == NULL);
        return;
    }
    same(c.next == octets.len);
    check_frame(octets, &m);
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_kmm_encode(&m, &w);
    same(w.err == KF_OK);
    if (m.deviations == 0) {
        same(kf_slice_equal(kf_writer_slice(&w), octets));
    } else {
        same(p25_kmm_parse(kf_writer_slice(&w), side, NULL, &back, &fault) == KF_OK);
        same(back.deviations == 0 && back.frame.message_id == m.frame.message_id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    check_side((kf_slice){ in, len }, P25_SIDE_OTAR);
    check_side((kf_slice){ in, len }, P25_SIDE_KEYFILL);
    return 0;
}

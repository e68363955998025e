/*
 * ISSI RTP packet. Oracle: the fields of an accepted packet cover every octet exactly once; without
 * a quirk it is encoded to the same octets, with one to a packet without that means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "voice/issi.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    voice_issi p, back;
    kf_fault fault;
    cover c = { { add }, 0 };
    uint8_t buf[VOICE_ISSI_MAX], again[VOICE_ISSI_MAX];
    if (voice_issi_parse((kf_slice){ in, len }, &c.trace, &p, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= len);
        return 0;
    }
    same(c.next == len);
    kf_writer w = kf_writer_init(buf, sizeof buf);
    voice_issi_encode(&p, &w);
    same(w.err == KF_OK);
    if (p.quirks == 0) {
        same(kf_slice_equal(kf_writer_slice(&w), (kf_slice){ in, len }));
        return 0;
    }
    same(voice_issi_parse(kf_writer_slice(&w), NULL, &back, &fault) == KF_OK && back.quirks == 0);
    same(back.imbe_count == p.imbe_count && back.has_ptt == p.has_ptt);
    kf_writer w2 = kf_writer_init(again, sizeof again);
    voice_issi_encode(&back, &w2);
    same(kf_slice_equal(kf_writer_slice(&w), kf_writer_slice(&w2)));
    return 0;
}

#include "voice/rtp.h"

#define FLAGS_PLAIN 0x80u /* version 2 and nothing else */
#define MARKER      0x80u

void voice_rtp_decode(kf_reader *r, voice_rtp *out)
{
    if (kf_read_u8(r, "RTP.flags") != FLAGS_PLAIN && kf_reader_ok(r))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "RTP.flags");
    uint8_t pt = kf_read_u8(r, "RTP.payload_type");
    out->marker = (pt & MARKER) != 0;
    out->pt = pt & 0x7fu;
    if (out->pt != VOICE_RTP_PT_FULL_RATE && kf_reader_ok(r))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "RTP.payload_type");
    out->seq = kf_read_u16(r, "RTP.sequence");
    out->timestamp = kf_read_u32(r, "RTP.timestamp");
    out->ssrc = kf_read_u32(r, "RTP.ssrc");
}

void voice_rtp_encode(const voice_rtp *rtp, kf_writer *w)
{
    if (rtp->pt > 0x7f)
        kf_writer_fail(w, KF_E_MALFORMED);
    kf_write_u8(w, FLAGS_PLAIN);
    kf_write_u8(w, (uint8_t)(rtp->pt | (rtp->marker ? MARKER : 0u)));
    kf_write_u16(w, rtp->seq);
    kf_write_u32(w, rtp->timestamp);
    kf_write_u32(w, rtp->ssrc);
}

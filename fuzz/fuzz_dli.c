/* DLI datagram and DLD PDU. Oracle: what is accepted encodes to the same octets, unless it is
 * longer than what we send; the fields cover every octet exactly once. */
#include <stdlib.h>

#include "cover.h"
#include "p25/dli.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void check_dli(kf_slice octets)
{
    uint8_t again[P25_DLI_DATAGRAM_MAX];
    cover c = { { add }, 0 };
    kf_fault fault;
    p25_dli d;
    if (p25_dli_parse(octets, &c.trace, &d, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= octets.len);
        return;
    }
    same(c.next == octets.len && d.kmm.len + P25_DLI_OCTETS == octets.len);
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_dli_encode(&d, &w);
    if (d.kmm.len > P25_DLI_KMM_SEND_MAX)
        same(w.err == KF_E_NO_SPACE);
    else
        same(kf_slice_equal(kf_writer_slice(&w), octets));
}

static void check_dld(kf_slice octets)
{
    uint8_t again[P25_DLD_SYNC_OCTETS + P25_DLD_KMM_MAX];
    cover c = { { add }, 0 };
    kf_fault fault;
    p25_dld d;
    if (p25_dld_parse(octets, &c.trace, &d, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= octets.len);
        return;
    }
    same(c.next == octets.len && d.kmm.len + P25_DLD_SYNC_OCTETS == octets.len);
    kf_writer w = kf_writer_init(again, sizeof again);
    p25_dld_encode(&d, &w);
    same(kf_slice_equal(kf_writer_slice(&w), octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    check_dli((kf_slice){ in, len });
    check_dld((kf_slice){ in, len });
    return 0;
}

/* Three-wire octets. Oracle: what is accepted is built again to the same octets. */
#include <stdlib.h>

#include "keyfill/threewire.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    uint8_t again[KEYFILL_WIRE_KMM_MAX + KEYFILL_WIRE_OVERHEAD];
    keyfill_wire wire;
    kf_fault fault;
    kf_err err = keyfill_wire_parse((kf_slice){ in, len }, &wire, &fault);
    if (err != KF_OK) {
        if (fault.code != err || fault.field == NULL || fault.at > len)
            abort();
        return 0;
    }
    kf_writer w = kf_writer_init(again, sizeof again);
    if (keyfill_wire_build(&wire, &w) != KF_OK ||
        !kf_slice_equal(kf_writer_slice(&w), (kf_slice){ in, len }))
        abort();
    return 0;
}

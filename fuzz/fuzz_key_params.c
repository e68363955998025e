/* 3GPP key parameters. Oracle: what is accepted is what we would have written. */
#include <stdlib.h>

#include "mikey/key_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static mikey_key_params p;
    kf_fault fault;
    kf_slice octets = { in, len };
    if (mikey_key_params_parse(octets, &p, &fault) != KF_OK) {
        if (fault.code == KF_OK || fault.field == NULL || fault.at > len)
            abort();
        return 0;
    }
    if (in[0] > MCSEC_MUSIK) /* the form with IEI and length in front */
        octets = kf_slice_part(octets, 3, len);
    uint8_t *again = malloc(len);
    if (again == NULL)
        return 0;
    kf_writer w = kf_writer_init(again, len);
    mikey_key_params_encode(&p, &w);
    if (!kf_slice_equal(kf_writer_slice(&w), octets))
        abort();
    free(again);
    return 0;
}

/* Interworking Security Data. Oracle: what is accepted is what we would have written. */
#include <stdlib.h>

#include "mcdata/interworking.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    mcdata_interworking m;
    kf_fault fault;
    if (mcdata_interworking_parse((kf_slice){ in, len }, &m, &fault) != KF_OK) {
        if (fault.code == KF_OK || fault.field == NULL || fault.at > len)
            abort();
        return 0;
    }
    uint8_t *again = malloc(len);
    if (again == NULL)
        return 0;
    kf_writer w = kf_writer_init(again, len);
    mcdata_interworking_encode(&m, &w);
    if (!kf_slice_equal(kf_writer_slice(&w), (kf_slice){ in, len }))
        abort();
    free(again);
    return 0;
}

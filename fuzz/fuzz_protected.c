/* MCData Protected Payload. Oracle: the parts make up the whole again; opening never succeeds with
 * a key that nobody sealed with. */
#include <stdlib.h>

#include "mcdata/protected_payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    mcdata_protected m;
    kf_fault fault;
    kf_secret *key = NULL, *out = NULL;
    if (mcdata_protected_parse((kf_slice){ in, len }, &m, &fault) != KF_OK) {
        if (fault.code == KF_OK || fault.field == NULL || fault.at > len)
            abort();
        return 0;
    }
    if (m.ad.len != 32 || m.ad.ptr != in || m.ad.len + 3 + m.sealed.len != len ||
        m.iv.len != MCDATA_IV_OCTETS)
        abort();
    if (kf_secret_new(m.algorithm == MCDATA_ALG_AES_128_GCM ? 16 : 32, &key) != KF_OK)
        return 0;
    kf_secret_edit(key)[0] = 0x5a;
    if (mcdata_protected_open(&m, key, &out) == KF_OK || out != NULL)
        abort();
    kf_secret_free(&key);
    return 0;
}

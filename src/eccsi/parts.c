#include "eccsi/parts.h"

#include "crypto/hash.h"
#include "eccsi/point.h"

kf_err eccsi_hash_identity(kf_slice kpak, kf_slice id, kf_slice pvt,
                           uint8_t hs[ECCSI_SCALAR_OCTETS])
{
    const kf_slice parts[] = { KF_SLICE_OF(ECCSI_BASE_POINT), kpak, id, pvt };
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), hs);
}

kf_err eccsi_hash_message(const uint8_t hs[ECCSI_SCALAR_OCTETS],
                          const uint8_t r[ECCSI_SCALAR_OCTETS], kf_slice message,
                          uint8_t he[ECCSI_SCALAR_OCTETS])
{
    const kf_slice parts[] = { { hs, ECCSI_SCALAR_OCTETS }, { r, ECCSI_SCALAR_OCTETS }, message };
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), he);
}

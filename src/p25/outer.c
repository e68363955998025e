#include "p25/outer.h"

kf_err p25_outer_apply(p25_tek *tek, const uint8_t mi[P25_MI_OCTETS], uint8_t *octets, size_t len)
{
    uint8_t iv[P25_IV_OCTETS];
    if (p25_mi_is_zero(mi) || len > P25_KMM_OCTETS_MAX)
        return KF_E_MALFORMED;
    /* DES and TDEA take the MI itself, which is the first half. The first block is thrown away. */
    p25_mi_iv(mi, iv);
    size_t first = p25_tek_algid(tek) == P25_ALGID_AES256 ? 16 : 8;
    return kf_block_ofb(p25_tek_block(tek), iv, first, octets, len);
}

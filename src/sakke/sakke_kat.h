/**
 * @file sakke_kat.h Constants and intermediate values. FOR KNOWN ANSWERS ONLY: secrets come and go
 * in plain octets here.
 */
#ifndef SAKKE_SAKKE_KAT_H
#define SAKKE_SAKKE_KAT_H

#include "sakke/sakke.h"

/** Parameter set 1 as this room uses it. */
typedef struct sakke_kat_params {
    uint8_t p[SAKKE_FIELD_OCTETS];
    uint8_t q[SAKKE_FIELD_OCTETS];
    uint8_t generator[SAKKE_POINT_OCTETS]; /**< P */
    uint8_t g[SAKKE_FIELD_OCTETS];         /**< <P, P> */
} sakke_kat_params;

void sakke_kat_params_get(sakke_kat_params *out);

/** Is 4 q = p + 1? */
bool sakke_kat_cofactor_is_4(void);

/** r = HashToIntegerRange(SSV || b, q). RFC 6508 clause 6.2.1 step 2. @return KF_E_BACKEND. */
KF_MUST_USE kf_err sakke_kat_r(kf_slice ssv, kf_slice id, uint8_t r[SAKKE_FIELD_OCTETS]);

/** g^r as an element of F_p. r has 128 octets. @return KF_E_MALFORMED when r is no scalar. */
KF_MUST_USE kf_err sakke_kat_g_r(kf_slice r, uint8_t g_r[SAKKE_FIELD_OCTETS]);

/** w = <K, R> for two points of 257 octets. @return KF_E_MALFORMED for bad points, ... */
KF_MUST_USE kf_err sakke_kat_pair(kf_slice k, kf_slice r_point, uint8_t w[SAKKE_FIELD_OCTETS]);

/** HashToIntegerRange(w, 2^(8 octets)), octets 16 or 32. RFC 6508 clause 6.2.1 step 4. */
KF_MUST_USE kf_err sakke_kat_mask(kf_slice w, size_t octets, sakke_variant variant, uint8_t *mask);

#endif

#include "mcsec/uid.h"

#include "crypto/hash.h"

/* Far beyond any real period, small enough that period arithmetic cannot overflow. */
#define PERIOD_MAX (UINT64_C(1) << 40)

bool mcsec_period_is_valid(mcsec_period period)
{
    return period.length_s > 0 && period.length_s < PERIOD_MAX && period.offset_s < period.length_s;
}

uint64_t mcsec_period_number(mcsec_period period, kf_time t)
{
    int64_t ntp = kf_time_to_ntp(t);
    if (period.length_s == 0 || ntp < (int64_t)period.offset_s)
        return 0;
    return ((uint64_t)ntp - period.offset_s) / period.length_s;
}

kf_time mcsec_period_start(mcsec_period period, uint64_t n)
{
    uint64_t limit = ((uint64_t)INT64_MAX - period.offset_s) / period.length_s;
    if (n > limit)
        n = limit;
    return kf_time_from_ntp((int64_t)(period.offset_s + n * period.length_s));
}

kf_time mcsec_period_end(mcsec_period period, uint64_t n)
{
    return mcsec_period_start(period, n + 1);
}

#define UID_FC     0x00u /* spec: TS 33.180 F.2.1 - a dummy, the KDF is not used */
#define UID_PARAMS 6u

kf_err mcsec_uid(kf_slice uri, kf_slice kms_uri, mcsec_period period, uint64_t number,
                 uint8_t uid[MCSEC_UID_OCTETS])
{
    static const uint8_t fc = UID_FC;
    uint8_t integers[3][8], lengths[UID_PARAMS][2];
    kf_slice parts[1 + 2 * UID_PARAMS];

    if (uri.len == 0 || uri.len > UINT16_MAX || kms_uri.len == 0 || kms_uri.len > UINT16_MAX)
        return KF_E_MALFORMED;
    const kf_slice params[UID_PARAMS] = {
        kf_slice_str("MIKEY-SAKKE-UID"),
        uri,
        kms_uri,
        { integers[0], kf_kdf_integer(period.length_s, integers[0]) },
        { integers[1], kf_kdf_integer(period.offset_s, integers[1]) },
        { integers[2], kf_kdf_integer(number, integers[2]) },
    };
    parts[0] = (kf_slice){ &fc, 1 };
    for (size_t i = 0; i < UID_PARAMS; i++) {
        lengths[i][0] = (uint8_t)(params[i].len >> 8);
        lengths[i][1] = (uint8_t)(params[i].len & 0xffu);
        parts[1 + 2 * i] = params[i];
        parts[2 + 2 * i] = (kf_slice){ lengths[i], 2 };
    }
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), uid);
}

#include "seal/hkdf.h"

#include <string.h>

#include "crypto/hash.h"

#define PARTS_MAX 4u

kf_err seal_hkdf(kf_slice secret, kf_slice salt, const kf_slice *parts, size_t count,
                 kf_secret **out)
{
    static const uint8_t first_block = 1;
    kf_slice info[PARTS_MAX + 1];
    kf_secret *prk = NULL, *okm = NULL;

    *out = NULL;
    if (count > PARTS_MAX)
        return KF_E_MALFORMED;
    memcpy(info, parts, count * sizeof *parts);
    info[count] = (kf_slice){ &first_block, 1 };
    kf_err err = kf_secret_new(KF_SHA256_OCTETS, &prk);
    if (err == KF_OK)
        err = kf_secret_new(KF_SHA256_OCTETS, &okm);
    if (err == KF_OK)
        err = kf_hmac_parts(&KF_SHA256, salt, &secret, 1, kf_secret_edit(prk));
    if (err == KF_OK)
        err = kf_hmac_parts(&KF_SHA256, kf_secret_view(prk), info, count + 1, kf_secret_edit(okm));
    if (err == KF_OK) {
        *out = okm;
        okm = NULL;
    }
    kf_secret_free(&okm);
    kf_secret_free(&prk);
    return err;
}

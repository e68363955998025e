#include "mcsec/keyid.h"

#include "base/writer.h"
#include "crypto/hash.h"

#define FC_USER_SALT 0x50u /* spec: TS 33.180 F.1.3 */
#define FC_DPCK      0x53u /* spec: TS 33.180 F.1.5 */

#define KEY_OCTETS_128 16u
#define KEY_OCTETS_256 32u

const char *mcsec_purpose_name(unsigned tag)
{
    static const char *const names[] = { "GMK", "PCK", "CSK", "SPK", "MKFC", "MSCCK", "MuSiK" };
    return tag < KF_COUNT(names) ? names[tag] : NULL;
}

unsigned mcsec_keyid_tag(uint32_t key_id)
{
    return key_id >> 28;
}

kf_err mcsec_keyid_new(mcsec_purpose purpose, const kf_rng *rng, uint32_t *key_id)
{
    uint8_t octets[4];
    *key_id = 0;
    kf_err err = kf_rng_fill(rng, octets, sizeof octets);
    if (err != KF_OK)
        return err;
    uint32_t bits = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
                    (uint32_t)octets[2] << 8 | octets[3];
    *key_id = (uint32_t)purpose << 28 | (bits & MCSEC_KEYID_MASK);
    return KF_OK;
}

bool mcsec_purpose_is_diverse(unsigned tag)
{
    return tag == MCSEC_GMK;
}

kf_err mcsec_ukid(const kf_secret *gmk, kf_slice uri, uint32_t key_id, uint32_t *uk_id)
{
    uint8_t mac[KF_SHA256_OCTETS];
    *uk_id = 0;
    kf_err err = kf_kdf_33220(kf_secret_view(gmk), FC_USER_SALT, &uri, 1, mac);
    if (err != KF_OK)
        return err;
    uint32_t salt =
        (uint32_t)mac[28] << 24 | (uint32_t)mac[29] << 16 | (uint32_t)mac[30] << 8 | mac[31];
    kf_wipe(mac, sizeof mac);
    *uk_id = key_id ^ (salt & MCSEC_KEYID_MASK);
    return KF_OK;
}

kf_err mcsec_dpck(const kf_secret *dppk, uint32_t dppk_id, kf_secret **dpck)
{
    uint8_t id[4], full[KF_SHA256_OCTETS];
    size_t len = kf_secret_len(dppk);

    *dpck = NULL;
    if (len != KEY_OCTETS_128 && len != KEY_OCTETS_256)
        return KF_E_MALFORMED;
    kf_writer w = kf_writer_init(id, sizeof id);
    kf_write_u32(&w, dppk_id);
    kf_err err = kf_kdf_33220(kf_secret_view(dppk), FC_DPCK, &KF_SLICE_OF(id), 1, full);
    if (err == KF_OK) /* spec: F.1.5 - the least significant bits, as many as the DPPK has */
        err = kf_secret_new_from(full + sizeof full - len, len, dpck);
    kf_wipe(full, sizeof full);
    return err;
}

#include <string.h>

#include "crypto/hash.h"
#include "mikey/mikey.h"

#define BLOCK_OCTETS KF_SHA256_OCTETS
#define LABEL_HEAD   9u /* constant, CS ID, CSB ID */
#define BLOCKS_MAX   255u

/* spec: RFC 3830 §4.1.3, §4.1.4 - the constant in front of the label */
static const uint32_t constants[] = {
    [MIKEY_DERIVE_TEK] = 0x2ad01c64u,
    [MIKEY_DERIVE_SALT] = 0x39a2c14bu,
    [MIKEY_DERIVE_ENCR] = 0x15798cefu,
    [MIKEY_DERIVE_AUTH] = 0x1b5c7973u,
};

/*
 * XOR P(s, label, m) into out. spec: RFC 3830 §4.1.2 - A_0 = label, A_i = HMAC(s, A_(i-1)),
 * P = HMAC(s, A_1 || label) || HMAC(s, A_2 || label) ...
 */
static kf_err xor_p(kf_slice s, const kf_slice label[2], uint8_t *out, size_t octets)
{
    uint8_t a[BLOCK_OCTETS], block[BLOCK_OCTETS];
    kf_err err = kf_hmac_parts(&KF_SHA256, s, label, 2, a);
    for (size_t off = 0; err == KF_OK && off < octets; off += BLOCK_OCTETS) {
        const kf_slice parts[] = { KF_SLICE_OF(a), label[0], label[1] };
        if ((err = kf_hmac_parts(&KF_SHA256, s, parts, KF_COUNT(parts), block)) != KF_OK)
            break;
        for (size_t i = 0; i < BLOCK_OCTETS && off + i < octets; i++)
            out[off + i] ^= block[i];
        uint8_t next[BLOCK_OCTETS];
        err = kf_hmac_parts(&KF_SHA256, s, &KF_SLICE_OF(a), 1, next);
        memcpy(a, next, sizeof a);
        kf_wipe(next, sizeof next);
    }
    kf_wipe(a, sizeof a);
    kf_wipe(block, sizeof block);
    return err;
}

kf_err mikey_derive(const kf_secret *tgk, mikey_derived what, uint8_t cs_id, uint32_t csb_id,
                    kf_slice rand, size_t octets, kf_secret **out)
{
    uint8_t head[LABEL_HEAD];
    kf_secret *key = NULL;

    *out = NULL;
    if (kf_secret_len(tgk) == 0 || octets == 0 || octets > BLOCKS_MAX * BLOCK_OCTETS ||
        rand.len < MIKEY_RAND_MIN_OCTETS)
        return KF_E_MALFORMED;
    kf_err err = kf_secret_new(octets, &key);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(head, sizeof head);
    kf_write_u32(&w, constants[what]);
    kf_write_u8(&w, cs_id);
    kf_write_u32(&w, csb_id);
    const kf_slice label[2] = { KF_SLICE_OF(head), rand };
    for (size_t off = 0; err == KF_OK && off < kf_secret_len(tgk); off += BLOCK_OCTETS)
        err = xor_p(kf_slice_part(kf_secret_view(tgk), off, BLOCK_OCTETS), label,
                    kf_secret_edit(key), octets);
    if (err != KF_OK)
        kf_secret_free(&key);
    *out = key;
    return err;
}

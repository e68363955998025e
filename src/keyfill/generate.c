#include "keyfill/generate.h"

#include "keyfill/weak.h"
#include "p25/ids.h"

/* Such a key comes once in millions of draws; a generator that gives several in a row is broken. */
#define TRIES_MAX 4u

/* Bit 0 of each octet such that the number of ones is odd; no branch from the key. */
static void make_parity_odd(uint8_t *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned ones = key[i] & 0xfeu;
        ones ^= ones >> 4;
        ones ^= ones >> 2;
        ones ^= ones >> 1;
        key[i] = (uint8_t)((key[i] & 0xfeu) | (~ones & 1u));
    }
}

/* Every part is a good DES key, and no two of them are equal. */
static bool parts_are_good(kf_slice key)
{
    bool good = true;
    for (size_t at = 0; at < key.len; at += KEYFILL_DES_OCTETS) {
        good &= keyfill_des_class_of(key.ptr + at) == KEYFILL_DES_CLASS_GOOD;
        for (size_t before = 0; before < at; before += KEYFILL_DES_OCTETS)
            good &= !kf_ct_equal(kf_slice_part(key, at, KEYFILL_DES_OCTETS),
                                 kf_slice_part(key, before, KEYFILL_DES_OCTETS));
    }
    return good;
}

kf_err keyfill_generate(unsigned algid, const kf_rng *rng, kf_secret **out)
{
    const bool has_parity = algid == P25_ALGID_DES || algid == P25_ALGID_TDEA;
    const size_t len = p25_algid_key_octets(algid);
    kf_err err = KF_OK;

    *out = NULL;
    if (len == 0)
        return KF_E_UNSUPPORTED;
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        if ((err = kf_secret_new_random(rng, len, out)) != KF_OK)
            return err;
        if (has_parity)
            make_parity_odd(kf_secret_edit(*out), len);
        kf_slice key = kf_secret_view(*out);
        if (!keyfill_key_is_pattern(key) && (!has_parity || parts_are_good(key)))
            return KF_OK;
        kf_secret_free(out);
    }
    return KF_E_BACKEND;
}

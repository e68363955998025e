#include "p25/wrap.h"

#include <stdlib.h>
#include <string.h>

/* half: octets of a half block, the unit of the wrap; 0: the DES form, one block as it is. */
static const struct wrap_form {
    uint8_t algid;
    kf_block_cipher cipher;
    size_t half, key_octets, wrapped_octets;
} forms[] = {
    { P25_ALGID_AES256, KF_BLOCK_AES256, 8, 32, 40 },
    { P25_ALGID_TDEA, KF_BLOCK_TDEA, 4, 24, 28 },
    { P25_ALGID_DES, KF_BLOCK_DES, 0, 8, 8 },
};

#define ROUNDS        6u
#define INITIAL_OCTET 0xa6u
#define LANES_MAX     16u /* keys that go through the cipher side by side */

struct p25_kek {
    const struct wrap_form *form;
    uint16_t kid;
    kf_block *block;
};

static const struct wrap_form *form_of(unsigned algid)
{
    for (size_t i = 0; i < KF_COUNT(forms); i++)
        if (forms[i].algid == algid)
            return &forms[i];
    return NULL;
}

size_t p25_wrapped_octets(unsigned key_algid)
{
    const struct wrap_form *form = form_of(key_algid);
    return form == NULL ? 0 : form->wrapped_octets;
}

kf_err p25_kek_new(uint8_t algid, uint16_t kid, const kf_secret *key, p25_kek **out)
{
    const struct wrap_form *form = form_of(algid);

    *out = NULL;
    if (form == NULL)
        return KF_E_UNSUPPORTED;
    p25_kek *kek = calloc(1, sizeof *kek);
    if (kek == NULL)
        return KF_E_NO_MEMORY;
    *kek = (p25_kek){ .form = form, .kid = kid };
    kf_err err = kf_block_new(form->cipher, KF_BLOCK_USE_ENCRYPT | KF_BLOCK_USE_DECRYPT,
                              kf_secret_view(key), &kek->block);
    if (err != KF_OK)
        p25_kek_free(&kek);
    *out = kek;
    return err;
}

void p25_kek_free(p25_kek **kek)
{
    if (kek == NULL || *kek == NULL)
        return;
    kf_block_free(&(*kek)->block);
    free(*kek);
    *kek = NULL;
}

uint8_t p25_kek_algid(const p25_kek *kek)
{
    return kek->form->algid;
}

uint16_t p25_kek_kid(const p25_kek *kek)
{
    return kek->kid;
}

bool p25_layer_is_strong_enough(unsigned key_algid, unsigned layer_algid)
{
    int key = p25_algid_strength(key_algid), layer = p25_algid_strength(layer_algid);
    /* spec: TIA-102.AACA-D table 81 - DES keys go under DES or AES, TDEA is not named for them */
    if (key_algid == P25_ALGID_DES && layer_algid == P25_ALGID_TDEA)
        return false;
    return key >= 0 && layer >= key;
}

kf_err p25_wrap_permitted(unsigned key_algid, unsigned kek_algid, p25_direction direction,
                          p25_weak weak)
{
    const int weak_strength = p25_algid_strength(P25_ALGID_DES);
    int key = p25_algid_strength(key_algid), kek = p25_algid_strength(kek_algid);
    if (key < 0 || kek < 0)
        return KF_E_UNSUPPORTED;
    if (!p25_layer_is_strong_enough(key_algid, kek_algid))
        return KF_E_DENIED;
    if (direction == P25_SEND && weak != P25_WEAK_ALLOWED && key <= weak_strength)
        return KF_E_DENIED;
    /* spec: facts 2.2 - the one form known of each cipher is for a key of its own kind */
    return key_algid == kek_algid && form_of(key_algid) != NULL ? KF_OK : KF_E_UNSUPPORTED;
}

/*
 * spec: SP 800-38F 6.1 - the wrapping function W, and its inverse, over lanes independent inputs at
 * once. Each lane is the check register and then the halves of its key.
 */
static kf_err wrap_lanes(kf_block *b, const struct wrap_form *f, bool seal, uint8_t *lane0,
                         size_t lanes)
{
    uint8_t blocks[LANES_MAX * KF_BLOCK_OCTETS_MAX];
    const size_t half = f->half, halves = f->key_octets / half, steps = ROUNDS * halves;
    kf_err err = KF_OK;

    for (size_t s = 0; err == KF_OK && s < steps; s++) {
        const size_t t = seal ? s + 1 : steps - s; /* at most 36: one octet */
        const size_t at = half + (t - 1) % halves * half;
        for (size_t l = 0; l < lanes; l++) {
            uint8_t *lane = lane0 + l * f->wrapped_octets, *block = blocks + l * 2 * half;
            memcpy(block, lane, half);
            memcpy(block + half, lane + at, half);
            if (!seal)
                block[half - 1] ^= (uint8_t)t;
        }
        err = seal ? kf_block_encrypt(b, blocks, lanes * 2 * half)
                   : kf_block_decrypt(b, blocks, lanes * 2 * half);
        for (size_t l = 0; l < lanes; l++) {
            uint8_t *lane = lane0 + l * f->wrapped_octets, *block = blocks + l * 2 * half;
            if (seal)
                block[half - 1] ^= (uint8_t)t;
            memcpy(lane, block, half);
            memcpy(lane + at, block + half, half);
        }
    }
    kf_wipe(blocks, sizeof blocks);
    return err;
}

/* Through the cipher, in place: a wrap, or for DES each block by itself. */
static kf_err run_lanes(kf_block *b, const struct wrap_form *f, bool seal, uint8_t *lanes,
                        size_t count)
{
    if (f->half > 0)
        return wrap_lanes(b, f, seal, lanes, count);
    return seal ? kf_block_encrypt(b, lanes, count * f->wrapped_octets)
                : kf_block_decrypt(b, lanes, count * f->wrapped_octets);
}

static kf_err wrap_some(p25_kek *kek, const kf_secret *const *keys, size_t count, uint8_t *out)
{
    const struct wrap_form *f = kek->form;
    uint8_t work[LANES_MAX * P25_WRAPPED_MAX];
    for (size_t i = 0; i < count; i++) {
        uint8_t *lane = work + i * f->wrapped_octets;
        memset(lane, INITIAL_OCTET, f->half);
        memcpy(lane + f->half, kf_secret_view(keys[i]).ptr, f->key_octets);
    }
    kf_err err = run_lanes(kek->block, f, true, work, count);
    if (err == KF_OK)
        memcpy(out, work, count * f->wrapped_octets);
    kf_wipe(work, sizeof work);
    return err;
}

kf_err p25_wrap_keys(p25_kek *kek, p25_weak weak, unsigned key_algid, const kf_secret *const *keys,
                     size_t count, uint8_t *out)
{
    const size_t each = p25_wrapped_octets(key_algid);
    kf_err err = p25_wrap_permitted(key_algid, p25_kek_algid(kek), P25_SEND, weak);
    for (size_t i = 0; err == KF_OK && i < count; i++)
        if (kf_secret_len(keys[i]) != kek->form->key_octets)
            err = KF_E_MALFORMED;
    for (size_t i = 0; err == KF_OK && i < count; i += LANES_MAX) {
        size_t some = count - i < LANES_MAX ? count - i : LANES_MAX;
        err = wrap_some(kek, keys + i, some, out + i * each);
    }
    if (err != KF_OK && count > 0)
        memset(out, 0, count * each);
    return err;
}

bool p25_parity_is_odd(kf_slice key)
{
    unsigned even = 0;
    for (size_t i = 0; i < key.len; i++) {
        unsigned x = key.ptr[i];
        x ^= x >> 4;
        x ^= x >> 2;
        x ^= x >> 1;
        even |= ~x & 1u;
    }
    return even == 0;
}

/* The check of one lane, in constant time. */
static bool lane_is_good(const struct wrap_form *f, const uint8_t *lane)
{
    static const uint8_t initial[] = { INITIAL_OCTET, INITIAL_OCTET, INITIAL_OCTET, INITIAL_OCTET,
                                       INITIAL_OCTET, INITIAL_OCTET, INITIAL_OCTET, INITIAL_OCTET };
    if (f->half == 0)
        return p25_parity_is_odd((kf_slice){ lane, f->key_octets });
    return kf_ct_equal((kf_slice){ lane, f->half }, (kf_slice){ initial, f->half });
}

static void refuse_item(p25_unwrap_item *item, kf_err err)
{
    item->result = err;
    if (kf_secret_len(item->key) > 0)
        kf_wipe(kf_secret_edit(item->key), kf_secret_len(item->key));
}

static kf_err unwrap_some(p25_kek *kek, p25_unwrap_item *items, size_t count)
{
    const struct wrap_form *f = kek->form;
    uint8_t work[LANES_MAX * P25_WRAPPED_MAX] = { 0 };
    for (size_t i = 0; i < count; i++) {
        p25_unwrap_item *item = &items[i];
        bool fits =
            item->wrapped.len == f->wrapped_octets && kf_secret_len(item->key) == f->key_octets;
        refuse_item(item, fits ? KF_OK : KF_E_MALFORMED);
        if (fits)
            memcpy(work + i * f->wrapped_octets, item->wrapped.ptr, f->wrapped_octets);
    }
    kf_err err = run_lanes(kek->block, f, false, work, count);
    for (size_t i = 0; err == KF_OK && i < count; i++) {
        const uint8_t *lane = work + i * f->wrapped_octets;
        if (items[i].result != KF_OK)
            continue;
        if (lane_is_good(f, lane))
            memcpy(kf_secret_edit(items[i].key), lane + f->half, f->key_octets);
        else
            items[i].result = KF_E_AUTH;
    }
    kf_wipe(work, sizeof work);
    return err;
}

kf_err p25_unwrap_keys(p25_kek *kek, unsigned key_algid, p25_unwrap_item *items, size_t count)
{
    kf_err err =
        p25_wrap_permitted(key_algid, p25_kek_algid(kek), P25_RECEIVE, P25_WEAK_RECEIVE_ONLY);
    for (size_t i = 0; err == KF_OK && i < count; i += LANES_MAX)
        err = unwrap_some(kek, items + i, count - i < LANES_MAX ? count - i : LANES_MAX);
    for (size_t i = 0; err != KF_OK && i < count; i++)
        refuse_item(&items[i], err);
    return err;
}

kf_err p25_unwrap_key(p25_kek *kek, unsigned key_algid, kf_slice wrapped, kf_secret **out)
{
    p25_unwrap_item item = { .wrapped = wrapped };

    *out = NULL;
    kf_err err = kf_secret_new(p25_algid_key_octets(key_algid), &item.key);
    if (err != KF_OK)
        return err;
    err = p25_unwrap_keys(kek, key_algid, &item, 1);
    if (err == KF_OK)
        err = item.result;
    if (err == KF_OK)
        *out = item.key;
    else
        kf_secret_free(&item.key);
    return err;
}

kf_err p25_wrap_with_initial(kf_block *block, const uint8_t initial[8], kf_slice key,
                             uint8_t out[P25_WRAPPED_MAX])
{
    const struct wrap_form *f = form_of(P25_ALGID_AES256);
    kf_err err = KF_E_MALFORMED;
    memset(out, 0, P25_WRAPPED_MAX);
    if (key.len == f->key_octets) {
        memcpy(out, initial, f->half);
        memcpy(out + f->half, key.ptr, key.len);
        err = wrap_lanes(block, f, true, out, 1);
    }
    if (err != KF_OK)
        kf_wipe(out, P25_WRAPPED_MAX);
    return err;
}

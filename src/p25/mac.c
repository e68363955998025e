#include "p25/mac.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "p25/wrap.h"

#define HEADER_OCTETS  10u /* and two more with a message number */
#define TRAILER_OCTETS 5u  /* MAC length, ALGID, KID, MAC format */
#define MAC_KEY_OCTETS 32u

struct p25_tek {
    uint8_t algid;
    uint16_t kid;
    kf_block *block;
    /* Of AES only, for the MAC: */
    kf_secret *key;
    kf_hmac_key *hmac;  /* under the TEK */
    kf_secret *derived; /* a wrap result or an HMAC: the MAC key is its last 32 octets */
    kf_block *mac;      /* under the MAC key of the message at hand */
    uint8_t joined[P25_KMM_OCTETS_MAX];
};

static const struct {
    uint8_t algid;
    kf_block_cipher cipher;
} ciphers[] = {
    { P25_ALGID_AES256, KF_BLOCK_AES256 },
    { P25_ALGID_TDEA, KF_BLOCK_TDEA },
    { P25_ALGID_DES, KF_BLOCK_DES },
};

static kf_err tek_open_mac(p25_tek *tek, const kf_secret *key)
{
    static const uint8_t none[MAC_KEY_OCTETS];
    kf_err err;
    if ((err = kf_secret_dup(key, &tek->key)) != KF_OK ||
        (err = kf_secret_new(P25_WRAPPED_MAX, &tek->derived)) != KF_OK ||
        (err = kf_hmac_key_new(&KF_SHA256, kf_secret_view(key), &tek->hmac)) != KF_OK)
        return err;
    return kf_block_new(KF_BLOCK_AES256, KF_BLOCK_USE_CHAIN, KF_SLICE_OF(none), &tek->mac);
}

kf_err p25_tek_new(uint8_t algid, uint16_t kid, const kf_secret *key, p25_tek **out)
{
    size_t i = 0;

    *out = NULL;
    while (i < KF_COUNT(ciphers) && ciphers[i].algid != algid)
        i++;
    if (i == KF_COUNT(ciphers))
        return KF_E_UNSUPPORTED;
    p25_tek *tek = calloc(1, sizeof *tek);
    if (tek == NULL)
        return KF_E_NO_MEMORY;
    tek->algid = algid;
    tek->kid = kid;
    kf_err err = kf_block_new(ciphers[i].cipher, KF_BLOCK_USE_ENCRYPT | KF_BLOCK_USE_CHAIN,
                              kf_secret_view(key), &tek->block);
    if (err == KF_OK && algid == P25_ALGID_AES256)
        err = tek_open_mac(tek, key);
    if (err != KF_OK)
        p25_tek_free(&tek);
    *out = tek;
    return err;
}

void p25_tek_free(p25_tek **tek)
{
    if (tek == NULL || *tek == NULL)
        return;
    kf_block_free(&(*tek)->block);
    kf_block_free(&(*tek)->mac);
    kf_hmac_key_free(&(*tek)->hmac);
    kf_secret_free(&(*tek)->key);
    kf_secret_free(&(*tek)->derived);
    free(*tek);
    *tek = NULL;
}

uint8_t p25_tek_algid(const p25_tek *tek)
{
    return tek->algid;
}

uint16_t p25_tek_kid(const p25_tek *tek)
{
    return tek->kid;
}

kf_block *p25_tek_block(p25_tek *tek)
{
    return tek->block;
}

uint8_t p25_mac_format(p25_mac_scheme scheme)
{
    return scheme == P25_MAC_CBC ? P25_MAC_FORMAT_CBC : P25_MAC_FORMAT_CMAC;
}

void p25_mac_peer_init(p25_mac_peer *peer, p25_mac_setting setting, p25_mac_scheme first)
{
    static const p25_mac_scheme implied[] = {
        [P25_MAC_ONLY_CBC] = P25_MAC_CBC,
        [P25_MAC_ONLY_CMAC_C] = P25_MAC_CMAC_C,
        [P25_MAC_ONLY_CMAC_D] = P25_MAC_CMAC_D,
    };
    *peer = (p25_mac_peer){ setting, setting == P25_MAC_AUTO ? first : implied[setting] };
}

/* The KMM without the MAC's own octets: header, MN, body, then the trailer. */
static kf_slice join(p25_tek *tek, const p25_kmm_frame *f)
{
    memcpy(tek->joined, f->octets.ptr, f->mac_at);
    memcpy(tek->joined + f->mac_at, f->octets.ptr + f->mac_at + P25_MAC_OCTETS, TRAILER_OCTETS);
    return (kf_slice){ tek->joined, f->mac_at + TRAILER_OCTETS };
}

static bool has_aes_mac(const p25_kmm_frame *f)
{
    return f->mac.kind == P25_MAC_ENHANCED && f->mac.len == P25_MAC_OCTETS;
}

/* spec: facts 2.4 - wrap of the TEK under itself, the message's octets as the initial value. */
static kf_err derive_cbc(p25_tek *tek, kf_slice joined, kf_slice *mac_key)
{
    uint8_t initial[8] = { 0 };
    initial[6] = (uint8_t)(joined.len >> 8);
    initial[7] = (uint8_t)joined.len;
    kf_err err = p25_wrap_with_initial(tek->block, initial, kf_secret_view(tek->key),
                                       kf_secret_edit(tek->derived));
    *mac_key = kf_slice_part(kf_secret_view(tek->derived), P25_WRAPPED_MAX - MAC_KEY_OCTETS,
                             MAC_KEY_OCTETS);
    return err;
}

/* spec: facts 2.4 - counter || label || 00 || context || 256 in 16 bits; C and D differ in the
 * counter's width. */
static kf_err derive_cmac(p25_tek *tek, bool is_c, kf_slice header, kf_slice *mac_key)
{
    static const uint8_t counter[] = { 0, 0, 0, 1 }, zero[] = { 0 }, bits[] = { 1, 0 };
    const kf_slice parts[] = {
        is_c ? KF_SLICE_OF(counter) : (kf_slice){ counter + 3, 1 },
        kf_slice_str("OTAR MAC"),
        KF_SLICE_OF(zero),
        header,
        KF_SLICE_OF(bits),
    };
    *mac_key = kf_slice_part(kf_secret_view(tek->derived), 0, MAC_KEY_OCTETS);
    return kf_hmac_key_parts(tek->hmac, parts, KF_COUNT(parts), kf_secret_edit(tek->derived));
}

static kf_err derive(p25_tek *tek, p25_mac_scheme scheme, const p25_kmm_frame *f, kf_slice joined,
                     kf_slice *mac_key)
{
    if (scheme == P25_MAC_CBC)
        return derive_cbc(tek, joined, mac_key);
    kf_slice header = kf_slice_part(joined, 0, HEADER_OCTETS + (f->has_mn ? 2u : 0u));
    return derive_cmac(tek, scheme == P25_MAC_CMAC_C, header, mac_key);
}

static kf_err compute(p25_tek *tek, p25_mac_scheme scheme, const p25_kmm_frame *f,
                      uint8_t out[KF_BLOCK_OCTETS_MAX])
{
    kf_slice joined = join(tek, f), mac_key;
    kf_err err = derive(tek, scheme, f, joined, &mac_key);
    if (err == KF_OK)
        err = kf_block_rekey(tek->mac, mac_key);
    if (err == KF_OK)
        err = scheme == P25_MAC_CBC ? kf_block_cbc_mac(tek->mac, joined, out)
                                    : kf_block_cmac(tek->mac, joined, out);
    kf_wipe(kf_secret_edit(tek->derived), kf_secret_len(tek->derived));
    kf_wipe(tek->joined, joined.len);
    return err;
}

kf_err p25_mac_fill(p25_tek *tek, p25_mac_scheme scheme, uint8_t *kmm, size_t len)
{
    uint8_t mac[KF_BLOCK_OCTETS_MAX] = { 0 };
    p25_kmm_frame f;
    kf_fault fault;

    if (tek->mac == NULL)
        return KF_E_UNSUPPORTED;
    if (p25_kmm_frame_parse((kf_slice){ kmm, len }, &f, &fault) != KF_OK || !has_aes_mac(&f) ||
        f.mac.algid != tek->algid || f.mac.format != p25_mac_format(scheme))
        return KF_E_MALFORMED;
    kf_err err = compute(tek, scheme, &f, mac);
    memcpy(kmm + f.mac_at, mac, P25_MAC_OCTETS);
    return err;
}

static kf_err verify_one(p25_tek *tek, p25_mac_scheme scheme, const p25_kmm_frame *f)
{
    uint8_t mac[KF_BLOCK_OCTETS_MAX] = { 0 };
    kf_err err = compute(tek, scheme, f, mac);
    if (err == KF_OK && !kf_ct_equal((kf_slice){ mac, P25_MAC_OCTETS },
                                     (kf_slice){ f->octets.ptr + f->mac_at, P25_MAC_OCTETS }))
        err = KF_E_AUTH;
    kf_wipe(mac, sizeof mac); /* of a forgery it would be the right answer */
    return err;
}

/* The schemes to try for a format octet, in order. @return their number, 0 to 2. */
static size_t candidates(const p25_mac_peer *peer, bool is_cmac, p25_mac_scheme out[2])
{
    if (peer->setting != P25_MAC_AUTO) {
        out[0] = peer->scheme;
        return (peer->scheme != P25_MAC_CBC) == is_cmac ? 1 : 0;
    }
    if (!is_cmac) {
        out[0] = P25_MAC_CBC;
        return 1;
    }
    bool c_first = peer->scheme == P25_MAC_CMAC_C;
    out[0] = c_first ? P25_MAC_CMAC_C : P25_MAC_CMAC_D;
    out[1] = c_first ? P25_MAC_CMAC_D : P25_MAC_CMAC_C;
    return 2;
}

kf_err p25_mac_verify(p25_tek *tek, p25_mac_peer *peer, const p25_kmm_frame *frame)
{
    p25_mac_scheme tries[2];
    /* spec: facts 1.3 - the 4 is set and not looked at; only versions 0 and 1 are known */
    unsigned version = frame->mac.format & 0xbfu;

    if (frame->mac.kind == P25_MAC_NONE)
        return KF_E_AUTH;
    if (tek->mac == NULL || !has_aes_mac(frame) || frame->mac.algid != tek->algid || version > 1)
        return KF_E_UNSUPPORTED;
    kf_err err = KF_E_AUTH;
    size_t count = candidates(peer, version == 1, tries);
    for (size_t i = 0; err == KF_E_AUTH && i < count; i++) {
        err = verify_one(tek, tries[i], frame);
        if (err == KF_OK)
            peer->scheme = tries[i];
    }
    return err;
}

kf_err p25_mac_derive(p25_tek *tek, p25_mac_scheme scheme, kf_slice kmm, kf_secret **out)
{
    kf_slice mac_key;
    p25_kmm_frame f;
    kf_fault fault;

    *out = NULL;
    if (tek->mac == NULL)
        return KF_E_UNSUPPORTED;
    if (p25_kmm_frame_parse(kmm, &f, &fault) != KF_OK || !has_aes_mac(&f))
        return KF_E_MALFORMED;
    kf_err err = derive(tek, scheme, &f, join(tek, &f), &mac_key);
    if (err == KF_OK)
        err = kf_secret_new_copy(mac_key, out);
    kf_wipe(kf_secret_edit(tek->derived), kf_secret_len(tek->derived));
    return err;
}

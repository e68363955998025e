#include "selftest/check_kmm.h"

#include <string.h>

#include "p25/outer.h"

p25_mac_scheme check_scheme(check *k)
{
    static const char *const names[] = {
        [P25_MAC_CBC] = "cbc", [P25_MAC_CMAC_C] = "cmac-c", [P25_MAC_CMAC_D] = "cmac-d"
    };
    kf_slice text = check_text(k, "scheme");
    for (size_t i = 0; i < KF_COUNT(names); i++)
        if (kf_slice_equal(text, kf_slice_str(names[i])))
            return (p25_mac_scheme)i;
    check_fail(k, "scheme");
    return P25_MAC_CBC;
}

bool check_decode(check *k, p25_side side, p25_kmm *kmm)
{
    uint8_t again[P25_KMM_OCTETS_MAX];
    kf_fault fault;
    kf_slice octets = check_need(k, "kmm");
    if (!check_ok(k) || !check_outcome(k, p25_kmm_parse(octets, side, NULL, kmm, &fault), "kmm"))
        return false;
    if (kmm->deviations == 0) {
        kf_writer w = kf_writer_init(again, sizeof again);
        p25_kmm_encode(kmm, &w);
        check_done(k, w.err, "kmm");
        check_same(k, "kmm", kf_writer_slice(&w));
    }
    return check_ok(k);
}

p25_tek *check_tek(check *k, const char *name, uint8_t algid, uint16_t kid, const kf_secret *key)
{
    p25_tek *tek = NULL;
    if (key == NULL)
        check_fail(k, name);
    if (check_ok(k))
        check_done(k, p25_tek_new(algid, kid, key, &tek), name);
    return tek;
}

/* The setting that admits one scheme only. */
static p25_mac_setting only(p25_mac_scheme scheme)
{
    static const p25_mac_setting settings[] = { [P25_MAC_CBC] = P25_MAC_ONLY_CBC,
                                                [P25_MAC_CMAC_C] = P25_MAC_ONLY_CMAC_C,
                                                [P25_MAC_CMAC_D] = P25_MAC_ONLY_CMAC_D };
    return settings[scheme];
}

void check_mac(check *k, p25_tek *tek, const p25_mac_scheme *scheme, const p25_kmm_frame *kmm)
{
    uint8_t made[P25_KMM_OCTETS_MAX];
    p25_mac_peer peer;

    if (!check_ok(k))
        return;
    p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CMAC_D); /* as a receiver that knows nothing */
    if (!check_outcome(k, p25_mac_verify(tek, &peer, kmm), "mac"))
        return;
    p25_mac_scheme found = scheme == NULL ? peer.scheme : *scheme;
    if (peer.scheme != found)
        check_fail(k, "scheme");
    p25_mac_peer_init(&peer, only(found), found);
    check_done(k, p25_mac_verify(tek, &peer, kmm), "mac");
    memcpy(made, kmm->octets.ptr, kmm->octets.len);
    memset(made + kmm->mac_at, 0, kmm->mac.len);
    check_done(k, p25_mac_fill(tek, found, made, kmm->octets.len), "mac");
    if (!kf_slice_equal((kf_slice){ made, kmm->octets.len }, kmm->octets))
        check_fail(k, "mac");
    k->compared++;
}

static void apply(check *k, const char *name, p25_tek *tek, const uint8_t mi[P25_MI_OCTETS],
                  kf_slice from, kf_slice to)
{
    uint8_t octets[P25_KMM_OCTETS_MAX];
    if (!check_ok(k) || from.len > sizeof octets) {
        check_fail(k, name);
        return;
    }
    memcpy(octets, from.ptr, from.len);
    check_done(k, p25_outer_apply(tek, mi, octets, from.len), name);
    if (!kf_slice_equal((kf_slice){ octets, from.len }, to))
        check_fail(k, name);
    k->compared++;
}

void check_outer(check *k, const char *name, p25_tek *tek, const uint8_t mi[P25_MI_OCTETS],
                 kf_slice kmm, kf_slice octets)
{
    apply(k, name, tek, mi, kmm, octets);
    apply(k, name, tek, mi, octets, kmm);
}

unsigned check_item_format(const p25_key_item *item)
{
    return (item->is_kek ? 0x80u : 0u) | (item->erase ? 0x20u : 0u) | (unsigned)item->name.len;
}

unsigned check_tag_format(const p25_keyset_tag *tag)
{
    return (tag->is_kek ? 0x80u : 0u) | (tag->has_reserved ? 0x40u : 0u) |
           (tag->has_activation ? 0x20u : 0u) | (unsigned)tag->name.len;
}

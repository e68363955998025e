#include <stdio.h>
#include <string.h>

#include "p25/wrap.h"
#include "selftest/check_kmm.h"

/* --- p25-keywrap.txt -------------------------------------------------------------------------- */

void check_p25_keywrap(check *k)
{
    p25_kek *kek = NULL;
    kf_secret *got = NULL;
    uint8_t made[P25_WRAPPED_MAX];
    uint8_t alg = (uint8_t)check_hex_number(k, "alg", 0xff);
    kf_secret *kek_octets = check_secret(k, "kek");
    const kf_secret *key = check_secret(k, "key");
    kf_slice wrapped = check_need(k, "wrapped");

    if (kek_octets == NULL)
        check_fail(k, "kek");
    if (check_ok(k))
        check_done(k, p25_kek_new(alg, 0, kek_octets, &kek), "kek");
    if (check_ok(k) && key != NULL && !k->expect_fail) {
        check_done(k, p25_wrap_keys(kek, P25_WEAK_ALLOWED, alg, &key, 1, made), "key");
        check_same(k, "wrapped", (kf_slice){ made, p25_wrapped_octets(alg) });
    }
    if (check_ok(k) && check_outcome(k, p25_unwrap_key(kek, alg, wrapped, &got), "wrapped"))
        check_same(k, "key", kf_secret_view(got));
    kf_secret_free(&got);
    p25_kek_free(&kek);
}

/* --- p25-kmm-mac.txt -------------------------------------------------------------------------- */

void check_p25_mac(check *k)
{
    p25_kmm_frame frame = { .mac = { .kind = P25_MAC_NONE } };
    kf_fault fault;
    kf_secret *derived = NULL;
    p25_mac_scheme scheme = check_scheme(k);
    kf_slice kmm = check_need(k, "kmm");
    const kf_secret *key = check_secret(k, "mac_tek");

    if (check_ok(k) && p25_kmm_frame_parse(kmm, &frame, &fault) != KF_OK)
        check_fail(k, "kmm");
    p25_tek *tek = check_tek(k, "mac_tek", frame.mac.algid, frame.mac.kid, key);
    check_same(k, "mac", (kf_slice){ frame.mac.octets, frame.mac.len });
    if (check_ok(k) && vectors_has(k->c, "mac_key")) {
        check_done(k, p25_mac_derive(tek, scheme, kmm, &derived), "mac_key");
        check_same(k, "mac_key", kf_secret_view(derived));
    }
    check_mac(k, tek, &scheme, &frame);
    kf_secret_free(&derived);
    p25_tek_free(&tek);
}

/* --- p25-kmm-rekey.txt ------------------------------------------------------------------------ */

static void frame_fields(check *k, const p25_kmm_frame *f)
{
    static const char *const macs[] = { "none", "", "enhanced", "des" };
    check_says(k, "message_id", "%02X", f->message_id);
    check_says(k, "length", "%zu", f->octets.len - 3);
    check_says(k, "response_kind", "%d", (int)f->response_kind + 1);
    check_says(k, "dst_rsi", "%06X", f->destination_rsi);
    check_says(k, "src_rsi", "%06X", f->source_rsi);
    if (f->has_mn)
        check_says(k, "mn", "%u", f->mn);
    check_says(k, "mac_type", "%s", macs[f->mac.kind & 3]);
    check_says(k, "mac_alg", "%02X", f->mac.algid);
    check_says(k, "mac_kid", "%04X", f->mac.kid);
    check_says(k, "mac_format", "%02X", f->mac.format);
}

/* A field of keyset s, and of key n in it. The text is good until the next call. */
static const char *of_keyset(char name[32], unsigned s, const char *field)
{
    snprintf(name, 32, "ks%u.%s", s, field);
    return name;
}

static const char *of_key(char name[32], unsigned s, unsigned n, const char *field)
{
    snprintf(name, 32, "ks%u.k%u.%s", s, n, field);
    return name;
}

static void key_fields(check *k, p25_kek *kek, unsigned algid, unsigned s, unsigned n,
                       const p25_key_item *item)
{
    char name[32];
    kf_secret *key = NULL;
    check_says(k, of_key(name, s, n, "format"), "%02X", check_item_format(item));
    check_says(k, of_key(name, s, n, "sln"), "%u", item->sln);
    check_says(k, of_key(name, s, n, "kid"), "%04X", item->kid);
    check_same(k, of_key(name, s, n, "wrapped"), item->key);
    of_key(name, s, n, "key");
    if (!check_ok(k) || !vectors_has(k->c, name) || kek == NULL)
        return;
    check_done(k, p25_unwrap_key(kek, algid, item->key, &key), name);
    check_same(k, name, kf_secret_view(key));
    if (check_ok(k)) { /* and the other way: the same octets on the wire */
        uint8_t made[P25_WRAPPED_MAX];
        const kf_secret *one = key;
        check_done(k, p25_wrap_keys(kek, P25_WEAK_ALLOWED, algid, &one, 1, made), name);
        check_same(k, of_key(name, s, n, "wrapped"), (kf_slice){ made, p25_wrapped_octets(algid) });
    }
    kf_secret_free(&key);
}

static void rekey_fields(check *k, const p25_rekey *b)
{
    char name[32];
    p25_kek *kek = NULL;
    const kf_secret *octets = check_secret(k, "kek");
    check_says(k, "decrypt_format", "%02X", b->decryption.has_mi ? 0x40u : 0u);
    check_says(k, "kek_alg", "%02X", b->decryption.algid);
    check_says(k, "kek_kid", "%04X", b->decryption.kid);
    check_says(k, "keysets", "%u", b->keyset_count);
    if (check_ok(k) && octets != NULL)
        check_done(k, p25_kek_new(b->decryption.algid, b->decryption.kid, octets, &kek), "kek");
    for (unsigned s = 0; s < b->keyset_count; s++) {
        const p25_rekey_keyset *set = &b->keysets[s];
        check_says(k, of_keyset(name, s, "format"), "%02X", check_tag_format(&set->tag));
        check_says(k, of_keyset(name, s, "id"), "%u", set->tag.keyset);
        check_says(k, of_keyset(name, s, "alg"), "%02X", set->algid);
        check_says(k, of_keyset(name, s, "keylen"), "%u", set->key_octets);
        check_says(k, of_keyset(name, s, "keys"), "%u", set->count);
        for (unsigned n = 0; n < set->count; n++)
            key_fields(k, kek, set->algid, s, n, &b->items[set->first + n]);
    }
    p25_kek_free(&kek);
}

/* What travels: the outer layer, and what stands before it. */
static void carriage(check *k, p25_tek *tek, const p25_kmm_frame *f, kf_slice outer)
{
    uint8_t made[CHECK_KMM_MAX];
    p25_outer_sync sync = { .algid = p25_tek_algid(tek), .kid = p25_tek_kid(tek) };
    kf_fault fault;
    p25_dli back;

    check_mi(k, "outer_mi", sync.mi);
    if (!check_ok(k))
        return;
    check_outer(k, "outer", tek, sync.mi, f->octets, outer);
    const p25_dli dli = { P25_MFID_STANDARD, sync, outer };
    kf_writer w = kf_writer_init(made, sizeof made);
    p25_dli_encode(&dli, &w);
    check_done(k, w.err, "dli");
    check_same(k, "dli", kf_writer_slice(&w));
    check_done(k, p25_dli_parse(kf_writer_slice(&w), NULL, &back, &fault), "dli");
    if (!kf_slice_equal(back.kmm, outer) || back.sync.kid != sync.kid)
        check_fail(k, "dli");
    const p25_dld dld = { sync, P25_SAP_KMM, outer };
    w = kf_writer_init(made, sizeof made);
    p25_dld_encode(&dld, &w);
    check_done(k, w.err, "dld_header");
    check_same(k, "dld_header", kf_slice_part(kf_writer_slice(&w), 0, P25_DLD_SYNC_OCTETS));
}

void check_p25_rekey(check *k)
{
    p25_kmm kmm;
    if (!check_decode(k, P25_SIDE_OTAR, &kmm))
        return;
    if (kmm.frame.message_id != P25_KMM_REKEY_CMD || kmm.is_opaque) {
        check_fail(k, "message_id");
        return;
    }
    const p25_kmm_mac *mac = &kmm.frame.mac;
    frame_fields(k, &kmm.frame);
    rekey_fields(k, &kmm.body.rekey);
    const kf_secret *outer_key = check_secret(k, "outer_tek"),
                    *mac_key = check_secret(k, "mac_tek");
    p25_tek *outer = NULL, *own = NULL;
    if (outer_key != NULL)
        outer = check_tek(k, "outer_tek", mac->algid, mac->kid, outer_key);
    if (mac_key != NULL)
        own = check_tek(k, "mac_tek", mac->algid, mac->kid, mac_key);
    if (check_ok(k) && (own != NULL || outer != NULL))
        check_mac(k, own != NULL ? own : outer, NULL, &kmm.frame);
    if (check_ok(k) && outer != NULL && vectors_has(k->c, "outer_mi"))
        carriage(k, outer, &kmm.frame, check_need(k, "outer"));
    p25_tek_free(&own);
    p25_tek_free(&outer);
}

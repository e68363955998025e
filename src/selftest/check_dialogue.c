/* p25-kmm-dialogue.txt: an exchange message by message, each as its sender makes it and as its
 * receiver opens it. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "p25/wrap.h"
#include "selftest/check_kmm.h"

#define TEKS_MAX 17u

typedef struct tek {
    unsigned keyset; /* 0: the temporary one of the warm start */
    unsigned sln;
    uint16_t kid;
    const kf_secret *key;
} tek;

/* What both ends know: the setup record. */
typedef struct parties {
    p25_mac_scheme scheme;
    uint32_t su, kmf;
    uint16_t ukek_kid;
    const kf_secret *ukek;
    tek teks[TEKS_MAX];
    size_t tek_count;
} parties;

/* --- the setup record ------------------------------------------------------------------------- */

static void read_key(check *k, const vectors_field *f, parties *p)
{
    char name[32], value[128], hex[65], again[32];
    uint8_t octets[32];
    unsigned set = 0, number = 0, sln = 0, kid = 0;
    kf_secret *key = NULL;
    snprintf(name, sizeof name, "%.*s", (int)f->name.len, (const char *)f->name.ptr);
    if (sscanf(name, "keyset%3u.key%3u", &set, &number) != 2)
        return;
    snprintf(again, sizeof again, "keyset%u.key%u", set, number);
    kf_slice text = check_text(k, name);
    snprintf(value, sizeof value, "%.*s", (int)text.len, (const char *)text.ptr);
    kf_writer w = kf_writer_init(octets, sizeof octets);
    if (strcmp(again, name) != 0 || set == 0 || p->tek_count == TEKS_MAX ||
        sscanf(value, "sln=%5u kid=%4x %64[0-9A-Fa-f]", &sln, &kid, hex) != 3 ||
        kf_hex_read(kf_slice_str(hex), &w) != KF_OK || w.len != sizeof octets)
        check_fail(k, name);
    else if (kf_secret_new_from(octets, sizeof octets, &key) != KF_OK)
        check_fail(k, "memory");
    else
        p->teks[p->tek_count++] = (tek){ set, sln, (uint16_t)kid, check_take(k, key) };
}

static void read_parties(check *k, vectors_case *setup, parties *p)
{
    vectors_case *own = k->c;
    memset(p, 0, sizeof *p);
    k->c = setup;
    p->scheme = check_scheme(k);
    p->su = check_hex_number(k, "su_rsi", 0xffffff);
    p->kmf = check_hex_number(k, "kmf_rsi", 0xffffff);
    p->ukek_kid = (uint16_t)check_hex_number(k, "ukek_kid", 0xffff);
    p->ukek = check_secret(k, "ukek");
    p->teks[0] = (tek){ 0, 0, (uint16_t)check_hex_number(k, "ws_tek_kid", 0xffff),
                        check_secret(k, "ws_tek") };
    p->tek_count = 1;
    if (p->ukek == NULL || p->teks[0].key == NULL)
        check_fail(k, p->ukek == NULL ? "ukek" : "ws_tek");
    for (size_t i = 0; check_ok(k) && i < setup->count; i++)
        read_key(k, &setup->fields[i], p);
    k->compared++;
    k->c = own;
}

static const tek *tek_of(check *k, const parties *p, const char *name, uint32_t kid)
{
    for (size_t i = 0; i < p->tek_count; i++)
        if (p->teks[i].kid == kid)
            return &p->teks[i];
    check_fail(k, name);
    return NULL;
}

/* --- the message before ----------------------------------------------------------------------- */

/* False when the case is the first. */
static bool before(check *k, p25_kmm *kmm)
{
    kf_fault fault;
    vectors_case *own = k->c;
    if (own == k->file->cases || !vectors_has(own - 1, "kmm"))
        return false;
    k->c = own - 1;
    kf_slice octets = check_need(k, "kmm");
    k->c = own;
    return p25_kmm_parse(octets, P25_SIDE_OTAR, NULL, kmm, &fault) == KF_OK;
}

/* An answer has the number of what it answers, a command the next one. */
static void check_order(check *k, const p25_kmm *now)
{
    p25_kmm last;
    if (!before(k, &last))
        return;
    bool answer = now->frame.response_kind == P25_RK1_NONE;
    uint16_t next = last.frame.has_mn ? last.frame.mn : 0;
    if (now->frame.has_mn && now->frame.mn != (uint16_t)(answer ? next : next + 1))
        check_fail(k, "kmm");
    if (answer && (now->frame.source_rsi != last.frame.destination_rsi ||
                   now->frame.destination_rsi != last.frame.source_rsi))
        check_fail(k, "kmm");
    if (now->frame.message_id == P25_KMM_REKEY_ACK &&
        now->body.rekey_ack.acked_id != last.frame.message_id)
        check_fail(k, "kmm");
    if (now->frame.message_id == P25_KMM_CHANGEOVER_RSP &&
        (now->body.changeover.count != last.body.changeover.count ||
         memcmp(now->body.changeover.pairs, last.body.changeover.pairs,
                now->body.changeover.count * sizeof now->body.changeover.pairs[0]) != 0))
        check_fail(k, "kmm");
}

/* --- the inner layer -------------------------------------------------------------------------- */

/* The wrapped key is this TEK's, and wrapping it gives the same octets. */
static void check_wrapped(check *k, p25_kek *kek, const tek *t, kf_slice wrapped)
{
    kf_secret *got = NULL;
    uint8_t made[P25_WRAPPED_MAX];
    if (!check_ok(k))
        return;
    check_done(k, p25_unwrap_key(kek, P25_ALGID_AES256, wrapped, &got), "kmm");
    if (got == NULL || !kf_secret_equal(got, t->key))
        check_fail(k, "kmm");
    kf_secret_free(&got);
    check_done(k, p25_wrap_keys(kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &t->key, 1, made),
               "kmm");
    if (!kf_slice_equal(KF_SLICE_OF(made), wrapped))
        check_fail(k, "kmm");
    k->compared++;
}

static p25_kek *kek_of(check *k, const p25_decryption *d, uint16_t kid, const kf_secret *key)
{
    p25_kek *kek = NULL;
    if (d->kid != kid || d->algid != P25_ALGID_AES256)
        check_fail(k, "kmm");
    if (check_ok(k))
        check_done(k, p25_kek_new(d->algid, d->kid, key, &kek), "kmm");
    return kek;
}

static void check_warm_start(check *k, const parties *p, const p25_warm_start *b)
{
    const tek *t = tek_of(k, p, "kmm", b->kid);
    p25_kek *kek = kek_of(k, &b->decryption, p->ukek_kid, p->ukek);
    if (check_ok(k) && (t != &p->teks[0] || b->algid != P25_ALGID_AES256))
        check_fail(k, "kmm");
    if (check_ok(k))
        check_wrapped(k, kek, t, b->key);
    p25_kek_free(&kek);
}

static void check_rekey(check *k, const parties *p, const p25_rekey *b)
{
    p25_kek *kek = kek_of(k, &b->decryption, p->teks[0].kid, p->teks[0].key);
    for (size_t s = 0; check_ok(k) && s < b->keyset_count; s++) {
        const p25_rekey_keyset *set = &b->keysets[s];
        for (size_t n = 0; check_ok(k) && n < set->count; n++) {
            const p25_key_item *item = &b->items[set->first + n];
            const tek *t = tek_of(k, p, "kmm", item->kid);
            if (t != NULL && (t->keyset != set->tag.keyset || t->sln != item->sln))
                check_fail(k, "kmm");
            if (check_ok(k))
                check_wrapped(k, kek, t, item->key);
        }
    }
    p25_kek_free(&kek);
}

/* --- around it -------------------------------------------------------------------------------- */

static void check_from(check *k, const parties *p, const p25_kmm_frame *f)
{
    kf_slice from = check_text(k, "from");
    bool kmf = kf_slice_equal(from, kf_slice_str("kmf"));
    k->compared++;
    if (!kmf && !kf_slice_equal(from, kf_slice_str("su")))
        check_fail(k, "from");
    else if (f->source_rsi != (kmf ? p->kmf : p->su) ||
             f->destination_rsi != (kmf ? p->su : p->kmf))
        check_fail(k, "from");
}

static void check_authenticated(check *k, const parties *p, const p25_kmm *kmm)
{
    const p25_kmm_mac *mac = &kmm->frame.mac;
    bool warm = kmm->frame.message_id == P25_KMM_WARM_START_CMD;
    const tek *t = &p->teks[0];
    if (mac->kind == P25_MAC_NONE) {
        if (vectors_has(k->c, "tek_kid"))
            check_fail(k, "tek_kid");
        return;
    }
    if (!warm)
        t = tek_of(k, p, "tek_kid", check_hex_number(k, "tek_kid", 0xffff));
    if (!check_ok(k))
        return;
    if (mac->kid != (warm ? 0 : t->kid)) /* a warm start: the key is not known by number yet */
        check_fail(k, "kmm");
    p25_tek *key = check_tek(k, "tek_kid", mac->algid, t->kid, t->key);
    check_mac(k, key, &p->scheme, &kmm->frame);
    p25_tek_free(&key);
}

static void check_dli(check *k, const p25_outer_sync *sync, kf_slice octets)
{
    uint8_t made[CHECK_KMM_MAX];
    kf_fault fault;
    p25_dli back;
    const p25_dli dli = { P25_MFID_STANDARD, *sync, octets };
    kf_writer w = kf_writer_init(made, sizeof made);
    p25_dli_encode(&dli, &w);
    check_done(k, w.err, "dli");
    check_same(k, "dli", kf_writer_slice(&w));
    check_done(k, p25_dli_parse(kf_writer_slice(&w), NULL, &back, &fault), "dli");
    if (!kf_slice_equal(back.kmm, octets))
        check_fail(k, "dli");
}

static void check_dld(check *k, const p25_outer_sync *sync, kf_slice octets)
{
    uint8_t made[CHECK_KMM_MAX];
    kf_fault fault;
    p25_dld back;
    const p25_dld dld = { *sync, P25_SAP_KMM, octets };
    kf_writer w = kf_writer_init(made, sizeof made);
    p25_dld_encode(&dld, &w);
    check_done(k, w.err, "dld");
    check_same(k, "dld", kf_writer_slice(&w));
    check_done(k, p25_dld_parse(kf_writer_slice(&w), NULL, &back, &fault), "dld");
    if (!kf_slice_equal(back.kmm, octets))
        check_fail(k, "dld");
}

static void check_carried(check *k, const parties *p, kf_slice kmm)
{
    p25_outer_sync sync = { .algid = P25_ALGID_CLEAR };
    if (!vectors_has(k->c, "mi")) {
        check_dli(k, &sync, kmm);
        return;
    }
    const tek *t = tek_of(k, p, "tek_kid", check_hex_number(k, "tek_kid", 0xffff));
    kf_slice octets = kf_slice_part(check_need(k, "dli"), P25_DLI_OCTETS, SIZE_MAX);
    check_mi(k, "mi", sync.mi);
    if (!check_ok(k))
        return;
    sync.algid = P25_ALGID_AES256;
    sync.kid = t->kid;
    p25_tek *key = check_tek(k, "tek_kid", sync.algid, sync.kid, t->key);
    if (check_ok(k))
        check_outer(k, "dli", key, sync.mi, kmm, octets);
    check_dli(k, &sync, octets);
    check_dld(k, &sync, octets);
    p25_tek_free(&key);
}

void check_p25_dialogue(check *k)
{
    parties p;
    p25_kmm kmm;
    vectors_case *setup = check_setup(k);
    if (setup == NULL) {
        check_fail(k, "setup");
        return;
    }
    read_parties(k, setup, &p);
    if (check_is_setup(k) || !check_ok(k) || !check_decode(k, P25_SIDE_OTAR, &kmm))
        return;
    check_from(k, &p, &kmm.frame);
    check_order(k, &kmm);
    if (kmm.frame.message_id == P25_KMM_WARM_START_CMD)
        check_warm_start(k, &p, &kmm.body.warm_start);
    if (kmm.frame.message_id == P25_KMM_REKEY_CMD)
        check_rekey(k, &p, &kmm.body.rekey);
    check_authenticated(k, &p, &kmm);
    if (check_ok(k))
        check_carried(k, &p, kmm.frame.octets);
}

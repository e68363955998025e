/*
 * What the keys of a file open in P25 messages: outer layer, MAC, wrapped keys. Only verdicts are
 * told, never an octet of a key.
 */
#include <stdio.h>

#include "explain/escape.h"
#include "explain/run.h"
#include "p25/mac.h"
#include "p25/outer.h"
#include "p25/wrap.h"

#define NAME_SHOWN 60u
#define TITLE_MAX  128u

/* --- which key -------------------------------------------------------------------------------- */

/* A key as a message names it. */
typedef struct wanted {
    uint8_t algid;
    uint16_t kid;
    bool may_be_kek;
    bool is_for_unit; /* a KEK of another unit than rsi is not it */
    uint32_t rsi;
} wanted;

static bool is_wanted(const wanted *w, const keyfill_entry *e)
{
    return e->algid == w->algid && e->kid == w->kid &&
           (w->may_be_kek || !keyfill_entry_is_kek(e)) &&
           (!w->is_for_unit || !e->has_rsi || e->rsi == w->rsi);
}

/* The next one at or after *at, which moves past it; NULL when there is none. */
static const keyfill_entry *next_key(const run *r, const wanted *w, size_t *at)
{
    const keyfill_file *keys = r->options->keys;
    while (*at < keys->entry_count) {
        const keyfill_entry *e = &keys->entries[(*at)++];
        if (is_wanted(w, e))
            return e;
    }
    return NULL;
}

/* "AES-256, key ID 1001" */
static const char *number_text(uint8_t algid, uint16_t kid, char text[TITLE_MAX])
{
    const char *name = p25_algid_name(algid);
    if (name == NULL)
        snprintf(text, TITLE_MAX, "algorithm %02X, key ID %04X", algid, kid);
    else
        snprintf(text, TITLE_MAX, "%s, key ID %04X", name, kid);
    return text;
}

/* The key's name for people, in quotes. */
static const char *title(const keyfill_entry *e, char text[TITLE_MAX])
{
    char name[NAME_SHOWN + 1];
    kf_writer w = kf_writer_init((uint8_t *)name, NAME_SHOWN);
    explain_escape(keyfill_name_view(&e->name), NAME_SHOWN, &w);
    snprintf(text, TITLE_MAX, "\"%.*s\"", (int)w.len, name);
    return text;
}

static void say_nothing_fits(run *r, const char *what, const wanted *w)
{
    char number[TITLE_MAX];
    number_text(w->algid, w->kid, number);
    if (w->is_for_unit)
        run_note(r, "%s: no key of the file fits; what would: %s, of RSI %u or its group", what,
                 number, (unsigned)w->rsi);
    else
        run_note(r, "%s: no key of the file fits; what would: %s", what, number);
}

static void say_unusable(run *r, const keyfill_entry *e, kf_err err)
{
    char name[TITLE_MAX];
    run_note(r, "the key %s of the file cannot be used for this: %s", title(e, name),
             err == KF_E_MALFORMED ? "it has the wrong length for its algorithm"
                                   : kf_err_text(err));
}

void run_say_voice_key(run *r, uint8_t algid, uint16_t kid)
{
    const wanted w = { .algid = algid, .kid = kid };
    char text[TITLE_MAX];
    size_t at = 0;
    if (r->options->keys == NULL)
        return;
    const keyfill_entry *e = next_key(r, &w, &at);
    if (e == NULL)
        say_nothing_fits(r, "the speech", &w);
    else
        run_note(r, "the file has that key: %s", title(e, text));
}

/* --- outer layer ------------------------------------------------------------------------------ */

/* The octets under one key; KF_E_AUTH when they are no KMM then. */
static kf_err open_outer_with(const keyfill_entry *e, const p25_outer_sync *sync, kf_slice sealed,
                              kf_secret **clear)
{
    p25_tek *tek = NULL;
    p25_kmm_frame frame;
    kf_fault ignored = { KF_OK, 0, NULL };
    kf_err err = p25_tek_new(sync->algid, sync->kid, e->material, &tek);
    if (err == KF_OK)
        err = kf_secret_new_copy(sealed, clear);
    if (err == KF_OK)
        err = p25_outer_apply(tek, sync->mi, kf_secret_edit(*clear), sealed.len);
    if (err == KF_OK && p25_kmm_frame_parse(kf_secret_view(*clear), &frame, &ignored) != KF_OK)
        err = KF_E_AUTH;
    p25_tek_free(&tek);
    if (err != KF_OK)
        kf_secret_free(clear);
    return err;
}

kf_err run_open_outer(run *r, const p25_outer_sync *sync, kf_slice sealed, unsigned depth)
{
    const wanted w = { .algid = sync->algid, .kid = sync->kid };
    char name[TITLE_MAX];
    bool found = false, tried = false;
    size_t at = 0;
    for (const keyfill_entry *e; (e = next_key(r, &w, &at)) != NULL; found = true) {
        kf_secret *clear = NULL;
        kf_err err = open_outer_with(e, sync, sealed, &clear);
        tried |= err == KF_OK || err == KF_E_AUTH;
        if (err == KF_OK) {
            run_note(r, "opened with the key %s of the file", title(e, name));
            err = run_kmm(r, kf_secret_view(clear), P25_SIDE_OTAR, depth, 0, true);
            kf_secret_free(&clear);
            return err;
        }
        if (err == KF_E_AUTH)
            run_note(r,
                     "the key %s of the file makes no message of it: it is another key of that "
                     "number, or octets were altered",
                     title(e, name));
        else
            say_unusable(r, e, err);
    }
    if (tried)
        return kf_fault_set(r->fault, KF_E_AUTH, 0, "outer");
    if (!found)
        say_nothing_fits(r, "not opened", &w);
    return KF_OK;
}

/* --- MAC -------------------------------------------------------------------------------------- */

static kf_err bad_mac(run *r, const p25_kmm_frame *f)
{
    run_note(r, "the MAC does NOT verify: octets were altered, or it is another key of that "
                "number");
    return kf_fault_set(r->fault, KF_E_AUTH, f->mac_at, "KMM.mac");
}

/* Under a key with a title. KF_E_AUTH when it does not verify; anything else was told. */
static kf_err verify(run *r, const p25_kmm_frame *f, p25_tek *tek, const char *of)
{
    static const char *const schemes[] = {
        [P25_MAC_CBC] = "CBC-MAC",
        [P25_MAC_CMAC_C] = "CMAC, key derivation of revision C",
        [P25_MAC_CMAC_D] = "CMAC, key derivation of revision D",
    };
    p25_mac_peer peer;
    p25_mac_peer_init(&peer, P25_MAC_AUTO, P25_MAC_CMAC_D);
    kf_err err = p25_mac_verify(tek, &peer, f);
    if (err == KF_OK)
        run_note(r, "the MAC verifies with %s: %s", of, schemes[peer.scheme]);
    else if (err != KF_E_AUTH)
        run_note(r, "the MAC was not checked: %s",
                 err == KF_E_UNSUPPORTED ? "only those of AES-256 are" : kf_err_text(err));
    return err;
}

static kf_err check_mac(run *r, const p25_kmm *kmm)
{
    const p25_kmm_frame *f = &kmm->frame;
    const wanted w = { .algid = f->mac.algid, .kid = f->mac.kid };
    bool found = false, failed = false;
    size_t at = 0;
    if (f->mac.kind == P25_MAC_NONE) {
        if (kmm->side == P25_SIDE_OTAR)
            run_note(r, "there is no MAC: nothing vouches for this message");
        return KF_OK;
    }
    for (const keyfill_entry *e; (e = next_key(r, &w, &at)) != NULL; found = true) {
        char name[TITLE_MAX], of[TITLE_MAX + 32];
        p25_tek *tek = NULL;
        kf_err err = p25_tek_new(w.algid, w.kid, e->material, &tek);
        snprintf(of, sizeof of, "the key %s of the file", title(e, name));
        if (err != KF_OK)
            say_unusable(r, e, err);
        else
            err = verify(r, f, tek, of);
        p25_tek_free(&tek);
        if (err == KF_OK)
            return KF_OK;
        failed |= err == KF_E_AUTH;
    }
    if (failed)
        return bad_mac(r, f);
    if (!found)
        say_nothing_fits(r, "the MAC was not checked", &w);
    return KF_OK;
}

/* --- wrapped keys ----------------------------------------------------------------------------- */

/* One key that travels, and what is around it. */
typedef struct wrapped {
    uint8_t algid;
    bool has_number; /* SLN and KID */
    uint16_t sln, kid;
    kf_slice octets;
} wrapped;

static const char *wrapped_text(const wrapped *k, char text[TITLE_MAX])
{
    const char *name = p25_algid_name(k->algid);
    if (k->has_number)
        snprintf(text, TITLE_MAX, "key ID %04X for SLN %u (%s)", k->kid, k->sln,
                 name == NULL ? "algorithm not known" : name);
    else
        snprintf(text, TITLE_MAX, "authentication key (%s)",
                 name == NULL ? "algorithm not known" : name);
    return text;
}

/* Is the key that came out one that the file has too? */
static void say_known(run *r, const wrapped *k, const kf_secret *key)
{
    const wanted w = { .algid = k->algid, .kid = k->kid, .may_be_kek = true };
    const keyfill_entry *other = NULL;
    char name[TITLE_MAX];
    size_t at = 0;
    if (!k->has_number)
        return;
    for (const keyfill_entry *e; (e = next_key(r, &w, &at)) != NULL; other = e)
        if (kf_secret_equal(e->material, key)) {
            run_note(r, "  it is the key %s of the file", title(e, name));
            return;
        }
    if (other != NULL)
        run_note(r, "  it is NOT the key %s of the file, which has the same number",
                 title(other, name));
}

/* Under one KEK. Caller frees *key. */
static kf_err unwrap_with(const keyfill_entry *e, const wrapped *k, kf_secret **key)
{
    p25_kek *kek = NULL;
    kf_err err = p25_kek_new((uint8_t)e->algid, (uint16_t)e->kid, e->material, &kek);
    if (err == KF_OK)
        err = p25_unwrap_key(kek, k->algid, k->octets, key);
    p25_kek_free(&kek);
    return err;
}

/*
 * Open one key with whichever KEK of that number fits, and tell. Caller frees *key, NULL when no
 * key fits. @return KF_E_AUTH (set as the fault) when there is a KEK of that number and it does not
 * open it.
 */
static kf_err unwrap(run *r, const p25_kmm_frame *f, const wanted *w, const wrapped *k,
                     kf_secret **key)
{
    char what[TITLE_MAX], name[TITLE_MAX];
    kf_err err = KF_E_STATE, worst = KF_E_STATE;
    size_t at = 0;
    *key = NULL;
    wrapped_text(k, what);
    for (const keyfill_entry *e; (e = next_key(r, w, &at)) != NULL;) {
        err = unwrap_with(e, k, key);
        if (err == KF_OK) {
            run_note(r, "%s: opened with %s of the file; %zu octets, not shown", what,
                     title(e, name), kf_secret_len(*key));
            say_known(r, k, *key);
            return KF_OK;
        }
        worst = worst == KF_E_AUTH ? worst : err;
    }
    if (worst == KF_E_STATE) {
        say_nothing_fits(r, what, w);
        return KF_OK;
    }
    run_note(r, "%s: NOT opened: %s", what,
             worst == KF_E_AUTH ? "the KEK of the file is another one of that number, or octets "
                                  "were altered"
             : worst == KF_E_DENIED ? "a key must not travel under a weaker one"
                                    : kf_err_text(worst));
    return worst == KF_E_AUTH ? kf_fault_set(r->fault, KF_E_AUTH,
                                             (size_t)(k->octets.ptr - f->octets.ptr), "KEY.key")
                              : KF_OK;
}

static wanted kek_of(const p25_decryption *d, const p25_kmm_frame *f)
{
    return (wanted){ .algid = d->algid,
                     .kid = d->kid,
                     .may_be_kek = true,
                     .is_for_unit = true,
                     .rsi = f->destination_rsi };
}

/* The items of one algorithm; the first fault stays. */
static void unwrap_items(run *r, const p25_kmm_frame *f, const p25_decryption *d, uint8_t algid,
                         const p25_key_item *items, size_t count)
{
    const wanted w = kek_of(d, f);
    for (size_t i = 0; i < count; i++) {
        const wrapped k = { algid, true, items[i].sln, items[i].kid, items[i].key };
        kf_secret *key = NULL;
        if (items[i].erase)
            continue;
        (void)unwrap(r, f, &w, &k, &key); /* its fault is the run's */
        kf_secret_free(&key);
    }
}

static void unwrap_rekey(run *r, const p25_kmm_frame *f, const p25_rekey *b)
{
    if (b->decryption.algid == P25_ALGID_CLEAR)
        return;
    for (size_t i = 0; i < b->keyset_count; i++)
        unwrap_items(r, f, &b->decryption, b->keysets[i].algid, b->items + b->keysets[i].first,
                     b->keysets[i].count);
}

static void unwrap_auth_key(run *r, const p25_kmm_frame *f, const p25_load_auth_key *b)
{
    const wanted w = kek_of(&b->decryption, f);
    const wrapped k = { .algid = b->algid, .octets = b->key };
    kf_secret *key = NULL;
    if (b->decryption.algid == P25_ALGID_CLEAR)
        return;
    (void)unwrap(r, f, &w, &k, &key);
    kf_secret_free(&key);
}

/* spec: facts 2.5 - the MAC of a Warm-Start is made with the key inside it. */
static kf_err open_warm_start(run *r, const p25_kmm *kmm)
{
    const p25_kmm_frame *f = &kmm->frame;
    const p25_warm_start *b = &kmm->body.warm_start;
    const wanted w = kek_of(&b->decryption, f);
    const wrapped k = { b->algid, true, b->sln, b->kid, b->key };
    kf_secret *key = NULL;
    p25_tek *tek = NULL;
    if (b->decryption.algid == P25_ALGID_CLEAR)
        return KF_OK;
    kf_err err = unwrap(r, f, &w, &k, &key);
    if (key == NULL)
        run_note(r, "the MAC is made with the temporary key inside, so it was not checked");
    else if (f->mac.kind == P25_MAC_NONE)
        run_note(r, "there is no MAC: nothing vouches for this message");
    else if ((err = p25_tek_new(b->algid, b->kid, key, &tek)) != KF_OK)
        run_note(r, "the temporary key makes no MACs: %s", kf_err_text(err));
    else
        err = verify(r, f, tek, "the temporary key inside");
    if (err == KF_E_AUTH && key != NULL)
        err = bad_mac(r, f);
    p25_tek_free(&tek);
    kf_secret_free(&key);
    return r->fault->code;
}

kf_err run_open_kmm(run *r, const p25_kmm *kmm)
{
    const p25_modify_key *m = &kmm->body.modify_key;
    bool is_otar = kmm->side == P25_SIDE_OTAR;
    if (is_otar && !kmm->is_opaque && kmm->frame.message_id == P25_KMM_WARM_START_CMD)
        return open_warm_start(r, kmm);
    kf_err err = check_mac(r, kmm);
    if (err != KF_OK || kmm->is_opaque)
        return err;
    if (kmm->frame.message_id == P25_KMM_REKEY_CMD)
        unwrap_rekey(r, &kmm->frame, &kmm->body.rekey);
    else if (kmm->frame.message_id == P25_KMM_MODIFY_KEY_CMD &&
             m->decryption.algid != P25_ALGID_CLEAR)
        unwrap_items(r, &kmm->frame, &m->decryption, m->algid, m->items, m->item_count);
    else if (kmm->frame.message_id == P25_KMM_LOAD_AUTH_KEY_CMD)
        unwrap_auth_key(r, &kmm->frame, &kmm->body.load_auth_key);
    return r->fault->code;
}

#include "otar/keys.h"

#include <stdlib.h>
#include <string.h>

static void key_free(otar_key *key)
{
    p25_tek_free(&key->tek);
    p25_kek_free(&key->kek);
    kf_secret_free(&key->material);
    free(key);
}

/* An algorithm without an engine for KMMs is stored all the same, for the voice path. */
static kf_err make_contexts(otar_key *key)
{
    kf_err err = KF_OK;
    if (!key->is_kek)
        err = p25_tek_new(key->algid, key->kid, key->material, &key->tek);
    if (err == KF_E_UNSUPPORTED)
        err = KF_OK;
    if (err == KF_OK && (key->is_kek || key->is_temporary))
        err = p25_kek_new(key->algid, key->kid, key->material, &key->kek);
    return err;
}

/* The temporary key takes nobody's place. */
static size_t stored_count(const otar_keys *keys)
{
    return keys->count - (otar_keys_temporary(keys) == NULL ? 0 : 1);
}

static kf_err place_is_valid(const otar_keys *keys, const otar_key *where)
{
    if (where->kid == 0)
        return KF_E_MALFORMED;
    if (where->is_temporary)
        return KF_OK;
    if (where->keyset == 0 ||
        p25_sln_crypto_group(where->sln) != p25_keyset_crypto_group(where->keyset))
        return KF_E_MALFORMED;
    /* spec: facts 1.7.7 - a keyset holds keys of one kind */
    for (const otar_key *k = keys->first; k != NULL; k = k->next)
        if (!k->is_temporary && k->keyset == where->keyset && k->is_kek != where->is_kek)
            return KF_E_MALFORMED;
    bool replaces = otar_keys_at(keys, where->keyset, where->sln) != NULL;
    return stored_count(keys) < OTAR_KEYS_MAX || replaces ? KF_OK : KF_E_NO_SPACE;
}

static void append(otar_keys *keys, otar_key *key)
{
    otar_key **at = &keys->first;
    while (*at != NULL)
        at = &(*at)->next;
    *at = key;
    keys->count++;
}

static void replace(otar_keys *keys, otar_key *key)
{
    otar_key *old =
        key->is_temporary ? otar_keys_temporary(keys) : otar_keys_at(keys, key->keyset, key->sln);
    if (old != NULL)
        otar_keys_remove(keys, old);
    append(keys, key);
    if (key->is_temporary)
        return;
    /* spec: facts 1.7.7 - the first keyset loaded becomes active by itself */
    uint8_t *active = &keys->active[p25_keyset_crypto_group(key->keyset)];
    if (*active == 0)
        *active = key->keyset;
}

kf_err otar_keys_put(otar_keys *keys, const otar_key *where, kf_secret **material)
{
    otar_key *key = NULL;
    kf_err err = place_is_valid(keys, where);
    if (err == KF_OK && (key = calloc(1, sizeof *key)) == NULL)
        err = KF_E_NO_MEMORY;
    if (err != KF_OK) {
        kf_secret_free(material);
        return err;
    }
    *key = (otar_key){ .keyset = where->keyset,
                       .sln = where->sln,
                       .algid = where->algid,
                       .kid = where->kid,
                       .is_kek = where->is_kek,
                       .is_temporary = where->is_temporary,
                       .material = *material };
    *material = NULL;
    err = make_contexts(key);
    if (err == KF_OK)
        replace(keys, key);
    else
        key_free(key);
    return err;
}

otar_key *otar_keys_at(const otar_keys *keys, uint8_t keyset, uint16_t sln)
{
    for (otar_key *k = keys->first; k != NULL; k = k->next)
        if (!k->is_temporary && k->keyset == keyset && k->sln == sln)
            return k;
    return NULL;
}

otar_key *otar_keys_named(const otar_keys *keys, bool is_kek, uint8_t algid, uint16_t kid)
{
    for (otar_key *k = keys->first; k != NULL; k = k->next)
        if ((is_kek ? k->kek != NULL : !k->is_kek) && k->algid == algid && k->kid == kid)
            return k;
    return NULL;
}

otar_key *otar_keys_current(const otar_keys *keys, uint16_t sln)
{
    uint8_t keyset = keys->active[p25_sln_crypto_group(sln)];
    return keyset == 0 ? NULL : otar_keys_at(keys, keyset, sln);
}

otar_key *otar_keys_temporary(const otar_keys *keys)
{
    for (otar_key *k = keys->first; k != NULL; k = k->next)
        if (k->is_temporary)
            return k;
    return NULL;
}

bool otar_keys_has_keyset(const otar_keys *keys, uint8_t keyset)
{
    for (otar_key *k = keys->first; k != NULL; k = k->next)
        if (!k->is_temporary && k->keyset == keyset)
            return true;
    return false;
}

bool otar_keys_is_active(const otar_keys *keys, const otar_key *key)
{
    return !key->is_temporary && keys->active[p25_keyset_crypto_group(key->keyset)] == key->keyset;
}

bool otar_keys_activate(otar_keys *keys, uint8_t keyset)
{
    if (keyset == 0 || !otar_keys_has_keyset(keys, keyset))
        return false;
    keys->active[p25_keyset_crypto_group(keyset)] = keyset;
    return true;
}

void otar_keys_remove(otar_keys *keys, otar_key *key)
{
    otar_key **at = &keys->first;
    while (*at != key)
        at = &(*at)->next;
    *at = key->next;
    key->next = keys->buried;
    keys->buried = key;
    keys->count--;
    if (key->is_temporary || otar_keys_has_keyset(keys, key->keyset))
        return;
    uint8_t *active = &keys->active[p25_keyset_crypto_group(key->keyset)];
    if (*active == key->keyset)
        *active = 0;
}

void otar_keys_remove_all(otar_keys *keys)
{
    while (keys->first != NULL)
        otar_keys_remove(keys, keys->first);
}

void otar_keys_bury(otar_keys *keys)
{
    while (keys->buried != NULL) {
        otar_key *key = keys->buried;
        keys->buried = key->next;
        key_free(key);
    }
}

void otar_keys_clear(otar_keys *keys)
{
    otar_keys_remove_all(keys);
    otar_keys_bury(keys);
}

void otar_keys_write(const otar_keys *keys, kf_writer *w)
{
    kf_write_octets(w, keys->active, sizeof keys->active);
    kf_write_u8(w, (uint8_t)stored_count(keys));
    for (const otar_key *k = keys->first; k != NULL; k = k->next) {
        if (k->is_temporary)
            continue;
        kf_slice material = kf_secret_view(k->material);
        kf_write_u8(w, k->keyset);
        kf_write_u16(w, k->sln);
        kf_write_u8(w, k->algid);
        kf_write_u16(w, k->kid);
        kf_write_u8(w, k->is_kek ? 1 : 0);
        kf_write_u8(w, (uint8_t)material.len);
        kf_write_slice(w, material);
    }
}

static kf_err read_key(otar_keys *keys, kf_reader *r)
{
    otar_key where = { .keyset = kf_read_u8(r, "key.keyset") };
    kf_secret *material = NULL;
    where.sln = kf_read_u16(r, "key.sln");
    where.algid = kf_read_u8(r, "key.algid");
    where.kid = kf_read_u16(r, "key.kid");
    where.is_kek = kf_read_u8(r, "key.is_kek") != 0;
    kf_slice octets = kf_read_slice(r, kf_read_u8(r, "key.octets"), "key.material");
    if (!kf_reader_ok(r))
        return r->fault->code;
    kf_err err = kf_secret_new_copy(octets, &material);
    return err == KF_OK ? otar_keys_put(keys, &where, &material) : err;
}

kf_err otar_keys_read(otar_keys *keys, kf_reader *r)
{
    uint8_t active[OTAR_CRYPTO_GROUPS];
    kf_err err = KF_OK;
    kf_read_octets(r, active, sizeof active, "keys.active");
    size_t count = kf_read_u8(r, "keys.count");
    for (size_t i = 0; err == KF_OK && i < count; i++)
        err = read_key(keys, r);
    memcpy(keys->active, active, sizeof active);
    return err != KF_OK ? err : r->fault->code;
}

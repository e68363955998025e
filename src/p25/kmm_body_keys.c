/* Bodies that carry keys: facts 1.7.2, 1.7.3, 1.7.5, 1.9. */
#include "p25/kmm_body.h"

#define KEY_KEK         0x80u
#define KEY_RESERVED    0x40u
#define KEY_ERASE       0x20u
#define KEY_NAME_OCTETS 0x1fu

#define DECRYPTION_MI 0x40u

/* Decryption instruction; the key fill form has one more octet after the format. */
static void decode_decryption(kf_reader *r, bool is_extended, p25_decryption *d)
{
    uint8_t format = kf_read_u8(r, "DECRYPTION.format");
    p25_expect(r, (format & ~DECRYPTION_MI) == 0, 1, KF_E_MALFORMED, "DECRYPTION.format");
    if (is_extended)
        p25_expect(r, kf_read_u8(r, "DECRYPTION.extended") == 0, 1, KF_E_UNSUPPORTED,
                   "DECRYPTION.extended");
    d->algid = kf_read_u8(r, "DECRYPTION.algid");
    d->kid = kf_read_u16(r, "DECRYPTION.kid");
    d->has_mi = (format & DECRYPTION_MI) != 0;
    if (d->has_mi)
        kf_read_octets(r, d->mi, sizeof d->mi, "DECRYPTION.mi");
}

static void encode_decryption(const p25_decryption *d, bool is_extended, kf_writer *w)
{
    kf_write_u8(w, d->has_mi ? DECRYPTION_MI : 0);
    if (is_extended)
        kf_write_u8(w, 0);
    kf_write_u8(w, d->algid);
    kf_write_u16(w, d->kid);
    if (d->has_mi)
        kf_write_octets(w, d->mi, sizeof d->mi);
}

static uint8_t decode_key_octets(kf_reader *r, const char *field)
{
    uint8_t len = kf_read_u8(r, field);
    p25_expect(r, len != 0, 1, KF_E_MALFORMED, field);
    return len;
}

static void decode_item(kf_reader *r, size_t key_octets, p25_key_item *k)
{
    uint8_t format = kf_read_u8(r, "KEY.format");
    p25_expect(r, (format & KEY_RESERVED) == 0, 1, KF_E_MALFORMED, "KEY.format");
    k->is_kek = (format & KEY_KEK) != 0;
    k->erase = (format & KEY_ERASE) != 0;
    k->sln = kf_read_u16(r, "KEY.sln");
    k->kid = kf_read_u16(r, "KEY.kid");
    k->key = kf_read_slice(r, key_octets, "KEY.key");
    k->name = kf_read_slice(r, format & KEY_NAME_OCTETS, "KEY.name");
}

static void encode_item(const p25_key_item *k, size_t key_octets, kf_writer *w)
{
    p25_require(w, k->key.len == key_octets && k->name.len <= P25_KEY_NAME_OCTETS_MAX);
    kf_write_u8(w, (uint8_t)((k->is_kek ? KEY_KEK : 0) | (k->erase ? KEY_ERASE : 0) |
                             (k->name.len & KEY_NAME_OCTETS)));
    kf_write_u16(w, k->sln);
    kf_write_u16(w, k->kid);
    kf_write_slice(w, k->key);
    kf_write_slice(w, k->name);
}

static void decode_items(kf_reader *r, size_t key_octets, size_t count, p25_key_item *items)
{
    for (size_t i = 0; kf_reader_ok(r) && i < count; i++)
        decode_item(r, key_octets, &items[i]);
}

static void encode_items(const p25_key_item *items, size_t key_octets, size_t count, kf_writer *w)
{
    p25_require(w, key_octets != 0);
    for (size_t i = 0; i < count; i++)
        encode_item(&items[i], key_octets, w);
}

static void decode_keyset(kf_reader *r, p25_rekey *b, p25_rekey_keyset *ks)
{
    size_t name_octets = 0;
    p25_tag_format_decode(r, &ks->tag, &name_octets);
    ks->tag.keyset = kf_read_u8(r, "KEYSET.id");
    p25_tag_options_decode(r, &ks->tag);
    ks->algid = kf_read_u8(r, "KEYSET.algid");
    ks->key_octets = decode_key_octets(r, "KEYSET.key_length");
    ks->first = b->item_count;
    ks->count = p25_count_u8(r, P25_KEY_ITEMS_MAX - (size_t)b->item_count, "KEYSET.key_count");
    decode_items(r, ks->key_octets, ks->count, &b->items[ks->first]);
    b->item_count = (uint8_t)(b->item_count + ks->count);
    ks->tag.name = kf_read_slice(r, name_octets, "KEYSET.name");
}

static void encode_keyset(const p25_rekey *b, const p25_rekey_keyset *ks, kf_writer *w)
{
    p25_tag_format_encode(&ks->tag, w);
    kf_write_u8(w, ks->tag.keyset);
    p25_tag_options_encode(&ks->tag, w);
    kf_write_u8(w, ks->algid);
    kf_write_u8(w, ks->key_octets);
    kf_write_u8(w, ks->count);
    encode_items(&b->items[ks->first], ks->key_octets, ks->count, w);
    kf_write_slice(w, ks->tag.name);
}

void p25_rekey_decode(kf_reader *r, p25_kmm *m)
{
    p25_rekey *b = &m->body.rekey;
    decode_decryption(r, false, &b->decryption);
    b->keyset_count = p25_count_u8(r, P25_KEYSETS_MAX, "REKEY.keyset_count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->keyset_count; i++)
        decode_keyset(r, b, &b->keysets[i]);
}

/* Do the keysets divide the items in order, without gap or overlap? */
static bool keysets_fit(const p25_rekey *b)
{
    size_t next = 0;
    if (b->keyset_count > P25_KEYSETS_MAX || b->item_count > P25_KEY_ITEMS_MAX)
        return false;
    for (size_t i = 0; i < b->keyset_count; i++) {
        if (b->keysets[i].first != next)
            return false;
        next += b->keysets[i].count;
    }
    return next == b->item_count;
}

void p25_rekey_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_rekey *b = &m->body.rekey;
    if (!keysets_fit(b)) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    encode_decryption(&b->decryption, false, w);
    kf_write_u8(w, b->keyset_count);
    for (size_t i = 0; i < b->keyset_count; i++)
        encode_keyset(b, &b->keysets[i], w);
}

void p25_modify_key_decode(kf_reader *r, p25_kmm *m)
{
    p25_modify_key *b = &m->body.modify_key;
    decode_decryption(r, m->side == P25_SIDE_KEYFILL, &b->decryption);
    b->keyset = kf_read_u8(r, "MODIFY_KEY.keyset");
    b->algid = kf_read_u8(r, "MODIFY_KEY.algid");
    b->key_octets = decode_key_octets(r, "MODIFY_KEY.key_length");
    b->item_count = p25_count_u8(r, P25_KEY_ITEMS_MAX, "MODIFY_KEY.key_count");
    decode_items(r, b->key_octets, b->item_count, b->items);
}

void p25_modify_key_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_modify_key *b = &m->body.modify_key;
    if (b->item_count > P25_KEY_ITEMS_MAX) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    encode_decryption(&b->decryption, m->side == P25_SIDE_KEYFILL, w);
    kf_write_u8(w, b->keyset);
    kf_write_u8(w, b->algid);
    kf_write_u8(w, b->key_octets);
    kf_write_u8(w, b->item_count);
    encode_items(b->items, b->key_octets, b->item_count, w);
}

void p25_warm_start_decode(kf_reader *r, p25_kmm *m)
{
    p25_warm_start *b = &m->body.warm_start;
    decode_decryption(r, false, &b->decryption);
    size_t key_octets = decode_key_octets(r, "WARM_START.key_length");
    b->algid = kf_read_u8(r, "WARM_START.algid");
    /* A temporary TEK has no name and is not erased. */
    p25_expect(r, kf_read_u8(r, "WARM_START.key_format") == 0, 1, KF_E_MALFORMED,
               "WARM_START.key_format");
    b->sln = kf_read_u16(r, "WARM_START.sln");
    b->kid = kf_read_u16(r, "WARM_START.kid");
    b->key = kf_read_slice(r, key_octets, "WARM_START.key");
}

void p25_warm_start_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_warm_start *b = &m->body.warm_start;
    p25_require(w, b->key.len >= 1 && b->key.len <= UINT8_MAX);
    encode_decryption(&b->decryption, false, w);
    kf_write_u8(w, (uint8_t)b->key.len);
    kf_write_u8(w, b->algid);
    kf_write_u8(w, 0);
    kf_write_u16(w, b->sln);
    kf_write_u16(w, b->kid);
    kf_write_slice(w, b->key);
}

void p25_load_auth_key_decode(kf_reader *r, p25_kmm *m)
{
    p25_load_auth_key *b = &m->body.load_auth_key;
    decode_decryption(r, false, &b->decryption);
    b->instruction = kf_read_u8(r, "AUTH_KEY.instruction");
    kf_read_octets(r, b->suid, sizeof b->suid, "AUTH_KEY.suid");
    b->algid = kf_read_u8(r, "AUTH_KEY.algid");
    size_t key_octets = decode_key_octets(r, "AUTH_KEY.key_length");
    b->key = kf_read_slice(r, key_octets, "AUTH_KEY.key");
}

void p25_load_auth_key_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_load_auth_key *b = &m->body.load_auth_key;
    p25_require(w, b->key.len >= 1 && b->key.len <= UINT8_MAX);
    encode_decryption(&b->decryption, false, w);
    kf_write_u8(w, b->instruction);
    kf_write_octets(w, b->suid, sizeof b->suid);
    kf_write_u8(w, b->algid);
    kf_write_u8(w, (uint8_t)b->key.len);
    kf_write_slice(w, b->key);
}

void p25_delete_auth_key_decode(kf_reader *r, p25_kmm *m)
{
    p25_delete_auth_key *b = &m->body.delete_auth_key;
    b->instruction = kf_read_u8(r, "AUTH_KEY.instruction");
    kf_read_octets(r, b->suid, sizeof b->suid, "AUTH_KEY.suid");
}

void p25_delete_auth_key_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_delete_auth_key *b = &m->body.delete_auth_key;
    kf_write_u8(w, b->instruction);
    kf_write_octets(w, b->suid, sizeof b->suid);
}

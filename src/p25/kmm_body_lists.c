/* Keyset attributes and inventories: facts 1.9. */
#include "p25/kmm_body.h"

void p25_modify_keyset_decode(kf_reader *r, p25_kmm *m)
{
    uint8_t count = p25_count_u8(r, P25_TAGS_MAX, "MODIFY_KEYSET.count");
    p25_tags_decode(r, count, &m->body.modify_keyset);
}

void p25_modify_keyset_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_keyset_tags *b = &m->body.modify_keyset;
    p25_require(w, b->count <= P25_TAGS_MAX);
    kf_write_u8(w, b->count);
    if (w->err == KF_OK)
        p25_tags_encode(b, w);
}

void p25_keyset_statuses_decode(kf_reader *r, p25_kmm *m)
{
    p25_keyset_statuses *b = &m->body.keyset_statuses;
    b->count = p25_count_u8(r, P25_STATUSES_MAX, "MODIFY_KEYSET.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        b->keysets[i].keyset = kf_read_u8(r, "MODIFY_KEYSET.keyset");
        b->keysets[i].status = kf_read_u8(r, "MODIFY_KEYSET.status");
    }
}

void p25_keyset_statuses_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_keyset_statuses *b = &m->body.keyset_statuses;
    p25_require(w, b->count <= P25_STATUSES_MAX);
    kf_write_u8(w, b->count);
    for (size_t i = 0; w->err == KF_OK && i < b->count; i++) {
        kf_write_u8(w, b->keysets[i].keyset);
        kf_write_u8(w, b->keysets[i].status);
    }
}

static bool is_paged(uint8_t type)
{
    return type == P25_INVENTORY_ACTIVE_KEYS || type == P25_INVENTORY_SUIDS;
}

/* Types whose command is known to be the type octet and nothing else. */
static bool is_plain(uint8_t type)
{
    return type <= P25_INVENTORY_ALL_TAGS || type == P25_INVENTORY_RSIS ||
           type == P25_INVENTORY_ACTIVE_SUID || type == P25_INVENTORY_KEYSET_TAGS ||
           type == P25_INVENTORY_MNP || type == P25_INVENTORY_KMF_RSI;
}

void p25_inventory_cmd_decode(kf_reader *r, p25_kmm *m)
{
    p25_inventory_cmd *b = &m->body.inventory_cmd;
    b->type = kf_read_u8(r, "INVENTORY.type");
    if (is_paged(b->type)) {
        b->marker = kf_read_u24(r, "INVENTORY.marker");
        b->max_items = kf_read_u16(r, "INVENTORY.max_items");
    } else if (!is_plain(b->type)) {
        b->opaque = kf_read_rest(r, "INVENTORY.opaque");
    }
}

void p25_inventory_cmd_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_inventory_cmd *b = &m->body.inventory_cmd;
    kf_write_u8(w, b->type);
    if (is_paged(b->type)) {
        p25_rsi_encode(w, b->marker);
        kf_write_u16(w, b->max_items);
    } else if (!is_plain(b->type)) {
        kf_write_slice(w, b->opaque);
    }
}

static void decode_keysets(kf_reader *r, p25_keyset_ids *b)
{
    b->count = p25_count_u16(r, P25_KEYSET_IDS_MAX, "INVENTORY.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++)
        b->ids[i] = kf_read_u8(r, "INVENTORY.keyset");
}

static void encode_keysets(const p25_keyset_ids *b, kf_writer *w)
{
    kf_write_u16(w, b->count);
    kf_write_octets(w, b->ids, b->count);
}

static void decode_kids(kf_reader *r, p25_kid_lists *b)
{
    b->count = p25_count_u16(r, P25_KID_LISTS_MAX, "INVENTORY.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        p25_kid_list *list = &b->lists[i];
        list->keyset = kf_read_u8(r, "INVENTORY.keyset");
        list->algid = kf_read_u8(r, "INVENTORY.algid");
        list->first = b->kid_count;
        list->count = p25_count_u8(r, P25_KIDS_MAX - (size_t)b->kid_count, "INVENTORY.kid_count");
        for (size_t k = 0; kf_reader_ok(r) && k < list->count; k++)
            b->kids[b->kid_count++] = kf_read_u16(r, "INVENTORY.kid");
    }
}

/* Do the lists divide the key IDs in order, without gap or overlap? */
static bool lists_fit(const p25_kid_lists *b)
{
    size_t next = 0;
    if (b->count > P25_KID_LISTS_MAX)
        return false;
    for (size_t i = 0; i < b->count; i++) {
        if (b->lists[i].first != next)
            return false;
        next += b->lists[i].count;
    }
    return next == b->kid_count;
}

static void encode_kids(const p25_kid_lists *b, kf_writer *w)
{
    if (!lists_fit(b)) {
        kf_writer_fail(w, KF_E_MALFORMED);
        return;
    }
    kf_write_u16(w, b->count);
    for (size_t i = 0; i < b->count; i++) {
        const p25_kid_list *list = &b->lists[i];
        kf_write_u8(w, list->keyset);
        kf_write_u8(w, list->algid);
        kf_write_u8(w, list->count);
        for (size_t k = 0; k < list->count; k++)
            kf_write_u16(w, b->kids[list->first + k]);
    }
}

static void decode_tagging(kf_reader *r, p25_keyset_tags *b)
{
    uint8_t count = p25_count_u16(r, P25_TAGS_MAX, "INVENTORY.count");
    p25_tags_decode(r, count, b);
}

static void encode_tagging(const p25_keyset_tags *b, kf_writer *w)
{
    p25_require(w, b->count <= P25_TAGS_MAX);
    kf_write_u16(w, b->count);
    if (w->err == KF_OK)
        p25_tags_encode(b, w);
}

static void decode_rsis(kf_reader *r, p25_rsi_items *b)
{
    b->count = p25_count_u16(r, P25_RSI_ITEMS_MAX, "INVENTORY.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        b->items[i].rsi = kf_read_u24(r, "INVENTORY.rsi");
        b->items[i].mn = kf_read_u16(r, "INVENTORY.mn");
    }
}

static void encode_rsis(const p25_rsi_items *b, kf_writer *w)
{
    p25_require(w, b->count <= P25_RSI_ITEMS_MAX);
    kf_write_u16(w, b->count);
    for (size_t i = 0; w->err == KF_OK && i < b->count; i++) {
        p25_rsi_encode(w, b->items[i].rsi);
        kf_write_u16(w, b->items[i].mn);
    }
}

static void decode_active_keys(kf_reader *r, p25_active_keys *b)
{
    b->marker = kf_read_u24(r, "INVENTORY.marker");
    b->count = p25_count_u16(r, P25_ACTIVE_KEYS_MAX, "INVENTORY.count");
    for (size_t i = 0; kf_reader_ok(r) && i < b->count; i++) {
        b->keys[i].keyset = kf_read_u8(r, "INVENTORY.keyset");
        b->keys[i].sln = kf_read_u16(r, "INVENTORY.sln");
        b->keys[i].algid = kf_read_u8(r, "INVENTORY.algid");
        b->keys[i].kid = kf_read_u16(r, "INVENTORY.kid");
    }
}

static void encode_active_keys(const p25_active_keys *b, kf_writer *w)
{
    p25_require(w, b->count <= P25_ACTIVE_KEYS_MAX);
    p25_rsi_encode(w, b->marker);
    kf_write_u16(w, b->count);
    for (size_t i = 0; w->err == KF_OK && i < b->count; i++) {
        kf_write_u8(w, b->keys[i].keyset);
        kf_write_u16(w, b->keys[i].sln);
        kf_write_u8(w, b->keys[i].algid);
        kf_write_u16(w, b->keys[i].kid);
    }
}

void p25_inventory_rsp_decode(kf_reader *r, p25_kmm *m)
{
    p25_inventory_rsp *b = &m->body.inventory_rsp;
    b->type = kf_read_u8(r, "INVENTORY.type");
    if (!kf_reader_ok(r))
        return;
    switch (b->type) {
    case P25_INVENTORY_NULL:
        break;
    case P25_INVENTORY_ACTIVE_KEYSETS:
    case P25_INVENTORY_INACTIVE_KEYSETS:
        decode_keysets(r, &b->of.keysets);
        break;
    case P25_INVENTORY_ACTIVE_KIDS:
    case P25_INVENTORY_INACTIVE_KIDS:
        decode_kids(r, &b->of.kids);
        break;
    case P25_INVENTORY_ALL_TAGS:
    case P25_INVENTORY_KEYSET_TAGS:
        decode_tagging(r, &b->of.tags);
        break;
    case P25_INVENTORY_RSIS:
        decode_rsis(r, &b->of.rsis);
        break;
    case P25_INVENTORY_ACTIVE_KEYS:
        decode_active_keys(r, &b->of.keys);
        break;
    case P25_INVENTORY_MNP:
        b->of.mnp = kf_read_u16(r, "INVENTORY.mnp");
        break;
    case P25_INVENTORY_KMF_RSI:
        b->of.kmf_rsi = kf_read_u24(r, "INVENTORY.kmf_rsi");
        break;
    default: /* layout not public, or type unknown */
        b->of.opaque = kf_read_rest(r, "INVENTORY.opaque");
    }
}

void p25_inventory_rsp_encode(const p25_kmm *m, kf_writer *w)
{
    const p25_inventory_rsp *b = &m->body.inventory_rsp;
    kf_write_u8(w, b->type);
    switch (b->type) {
    case P25_INVENTORY_NULL:
        break;
    case P25_INVENTORY_ACTIVE_KEYSETS:
    case P25_INVENTORY_INACTIVE_KEYSETS:
        encode_keysets(&b->of.keysets, w);
        break;
    case P25_INVENTORY_ACTIVE_KIDS:
    case P25_INVENTORY_INACTIVE_KIDS:
        encode_kids(&b->of.kids, w);
        break;
    case P25_INVENTORY_ALL_TAGS:
    case P25_INVENTORY_KEYSET_TAGS:
        encode_tagging(&b->of.tags, w);
        break;
    case P25_INVENTORY_RSIS:
        encode_rsis(&b->of.rsis, w);
        break;
    case P25_INVENTORY_ACTIVE_KEYS:
        encode_active_keys(&b->of.keys, w);
        break;
    case P25_INVENTORY_MNP:
        kf_write_u16(w, b->of.mnp);
        break;
    case P25_INVENTORY_KMF_RSI:
        p25_rsi_encode(w, b->of.kmf_rsi);
        break;
    default:
        kf_write_slice(w, b->of.opaque);
    }
}

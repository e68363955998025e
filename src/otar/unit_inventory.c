/* The inventories a subscriber can give. */
#include <string.h>

#include "otar/unit_parts.h"

/* Items of a page that fit a message of 462 octets. */
#define PAGE_ITEMS_MAX 70u

static void list_keysets(const otar_keys *keys, bool active, p25_keyset_ids *out)
{
    for (unsigned id = 1; id <= 255; id++) {
        bool is_active = keys->active[p25_keyset_crypto_group((uint8_t)id)] == id;
        if (otar_keys_has_keyset(keys, (uint8_t)id) && is_active == active)
            out->ids[out->count++] = (uint8_t)id;
    }
}

static bool is_listed(const p25_kid_lists *out, const otar_key *key)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->lists[i].keyset == key->keyset && out->lists[i].algid == key->algid)
            return true;
    return false;
}

/* All keys like this one. */
static void list_like(const otar_key *key, p25_kid_list *list, p25_kid_lists *out)
{
    *list = (p25_kid_list){ key->keyset, key->algid, out->kid_count, 0 };
    for (const otar_key *k = key; k != NULL; k = k->next)
        if (!k->is_temporary && k->keyset == key->keyset && k->algid == key->algid) {
            out->kids[out->kid_count++] = k->kid;
            list->count++;
        }
}

_Static_assert(OTAR_KEYS_MAX <= P25_KIDS_MAX, "all keys of a unit fit one inventory");

/* One list for each keyset and algorithm, so that the most fits. false: more than a message holds.
 */
static bool list_kids(const otar_keys *keys, bool active, p25_kid_lists *out)
{
    for (const otar_key *k = keys->first; k != NULL; k = k->next) {
        if (k->is_temporary || otar_keys_is_active(keys, k) != active || is_listed(out, k))
            continue;
        if (out->count == P25_KID_LISTS_MAX)
            return false;
        list_like(k, &out->lists[out->count++], out);
    }
    return true;
}

static bool list_tags(const otar_keys *keys, p25_keyset_tags *out)
{
    for (unsigned id = 1; id <= 255; id++) {
        if (!otar_keys_has_keyset(keys, (uint8_t)id))
            continue;
        if (out->count == P25_TAGS_MAX)
            return false;
        bool is_kek = p25_keyset_crypto_group((uint8_t)id) == 15;
        out->tags[out->count++] = (p25_keyset_tag){ .is_kek = is_kek, .keyset = (uint8_t)id };
    }
    return true;
}

static void list_rsis(const otar_unit *u, p25_rsi_items *out)
{
    out->items[0].rsi = u->own.rsi;
    out->items[0].mn = u->own.mn.last;
    out->count = 1;
    for (size_t i = 0; i < u->group_count; i++, out->count++) {
        out->items[out->count].rsi = u->groups[i].rsi;
        out->items[out->count].mn = u->groups[i].mn.last;
    }
}

/* The marker is the number of active keys that former pages have shown. */
static void list_page(const otar_keys *keys, const p25_inventory_cmd *cmd, p25_active_keys *out)
{
    size_t most =
        cmd->max_items == 0 || cmd->max_items > PAGE_ITEMS_MAX ? PAGE_ITEMS_MAX : cmd->max_items;
    uint32_t at = 0;
    for (const otar_key *k = keys->first; k != NULL; k = k->next) {
        if (!otar_keys_is_active(keys, k) || at++ < cmd->marker)
            continue;
        if (out->count == most) {
            out->marker = at - 1;
            return;
        }
        out->keys[out->count].keyset = k->keyset;
        out->keys[out->count].sln = k->sln;
        out->keys[out->count].algid = k->algid;
        out->keys[out->count++].kid = k->kid;
    }
}

static bool fill(const otar_unit *u, const p25_inventory_cmd *cmd, p25_inventory_rsp *rsp)
{
    switch (cmd->type) {
    case P25_INVENTORY_NULL:
        return true;
    case P25_INVENTORY_ACTIVE_KEYSETS:
    case P25_INVENTORY_INACTIVE_KEYSETS:
        list_keysets(&u->keys, cmd->type == P25_INVENTORY_ACTIVE_KEYSETS, &rsp->of.keysets);
        return true;
    case P25_INVENTORY_ACTIVE_KIDS:
    case P25_INVENTORY_INACTIVE_KIDS:
        return list_kids(&u->keys, cmd->type == P25_INVENTORY_ACTIVE_KIDS, &rsp->of.kids);
    case P25_INVENTORY_ALL_TAGS:
    case P25_INVENTORY_KEYSET_TAGS:
        return list_tags(&u->keys, &rsp->of.tags);
    case P25_INVENTORY_RSIS:
        list_rsis(u, &rsp->of.rsis);
        return true;
    case P25_INVENTORY_ACTIVE_KEYS:
        list_page(&u->keys, cmd, &rsp->of.keys);
        return true;
    case P25_INVENTORY_MNP:
        rsp->of.mnp = u->own.mn.window;
        return true;
    case P25_INVENTORY_KMF_RSI:
        rsp->of.kmf_rsi = u->config.kmf_rsi;
        return true;
    default:
        return false;
    }
}

void unit_inventory(unit_request *q)
{
    const p25_inventory_cmd *cmd = &q->in->kmm.body.inventory_cmd;
    q->answer.frame.message_id = P25_KMM_INVENTORY_RSP;
    q->answer.body.inventory_rsp.type = cmd->type;
    if (!fill(q->unit, cmd, &q->answer.body.inventory_rsp))
        unit_refuse(q, OTAR_STATUS_NOT_PERFORMED);
}

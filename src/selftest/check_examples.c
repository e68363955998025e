/* p25-kmm-examples.txt: one of each body. */
#include <stdio.h>
#include <string.h>

#include "selftest/check_kmm.h"

typedef void body_fn(check *k, const p25_kmm *kmm);

/* Each octet or number of a list, in hex, with a space between. */
static void says_octets(check *k, const char *name, kf_slice octets)
{
    char text[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < octets.len && len + 4 < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%02X", i == 0 ? "" : " ",
                                octets.ptr[i]);
    check_says(k, name, "%s", text);
}

static void says_name(check *k, kf_slice name)
{
    check_says(k, "name", "%.*s", (int)name.len, (const char *)name.ptr);
}

static void hello(check *k, const p25_kmm *kmm)
{
    check_says(k, "flag", "%u", kmm->body.hello);
}

static void capabilities(check *k, const p25_kmm *kmm)
{
    says_octets(k, "algs", kmm->body.capabilities.algids);
    says_octets(k, "services", kmm->body.capabilities.services);
    says_octets(k, "messages", kmm->body.capabilities.messages);
}

static void change_rsi(check *k, const p25_kmm *kmm)
{
    const p25_change_rsi *b = &kmm->body.change_rsi;
    check_says(k, "old", "%06X", b->old_rsi);
    check_says(k, "new", "%06X", b->new_rsi);
    if (kmm->frame.message_id == P25_KMM_CHANGE_RSI_CMD)
        check_says(k, "new_mn", "%u", b->mn);
    else
        check_says(k, "status", "%02X", b->status);
}

static void changeover(check *k, const p25_kmm *kmm)
{
    const p25_changeover *b = &kmm->body.changeover;
    if (b->count != 1) {
        check_fail(k, "body");
        return;
    }
    check_says(k, "superseded", "%u", b->pairs[0].superseded);
    check_says(k, "activated", "%u", b->pairs[0].activated);
}

static void inventory_cmd(check *k, const p25_kmm *kmm)
{
    const p25_inventory_cmd *b = &kmm->body.inventory_cmd;
    check_says(k, "type", "%02X", b->type);
    check_says(k, "marker", "%06X", (unsigned)b->marker);
    check_says(k, "max", "%u", b->max_items);
}

static void tag_fields(check *k, const p25_keyset_tags *tags)
{
    if (tags->count != 1) {
        check_fail(k, "body");
        return;
    }
    check_says(k, "format", "%02X", check_tag_format(&tags->tags[0]));
    check_says(k, "keyset", "%u", tags->tags[0].keyset);
    says_name(k, tags->tags[0].name);
}

static void modify_keyset(check *k, const p25_kmm *kmm)
{
    tag_fields(k, &kmm->body.modify_keyset);
}

static void keyset_fields(check *k, const p25_keyset_ids *b)
{
    char text[1100] = "";
    size_t len = 0;
    for (size_t i = 0; i < b->count; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%u", i == 0 ? "" : " ", b->ids[i]);
    check_says(k, "items", "%s", text);
}

static void kid_fields(check *k, const p25_kid_lists *b)
{
    char text[P25_KIDS_MAX * 5 + 1] = "";
    size_t len = 0;
    if (b->count != 1) {
        check_fail(k, "body");
        return;
    }
    check_says(k, "keyset", "%u", b->lists[0].keyset);
    check_says(k, "alg", "%02X", b->lists[0].algid);
    for (size_t i = 0; i < b->lists[0].count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%04X", i == 0 ? "" : " ",
                                b->kids[b->lists[0].first + i]);
    check_says(k, "kids", "%s", text);
}

static void rsi_fields(check *k, const p25_rsi_items *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        char name[16];
        snprintf(name, sizeof name, "rsi%u", i);
        check_says(k, name, "%06X", (unsigned)b->items[i].rsi);
        snprintf(name, sizeof name, "mn%u", i);
        check_says(k, name, "%u", b->items[i].mn);
    }
}

static void active_key_fields(check *k, const p25_active_keys *b)
{
    check_says(k, "marker", "%06X", (unsigned)b->marker);
    check_says(k, "count", "%u", b->count);
    if (b->count != 1)
        return; /* the fields of one key are all a case can say */
    check_says(k, "keyset", "%u", b->keys[0].keyset);
    check_says(k, "sln", "%u", b->keys[0].sln);
    check_says(k, "alg", "%02X", b->keys[0].algid);
    check_says(k, "kid", "%04X", b->keys[0].kid);
}

static void inventory_rsp(check *k, const p25_kmm *kmm)
{
    const p25_inventory_rsp *b = &kmm->body.inventory_rsp;
    check_says(k, "type", "%02X", b->type);
    switch (b->type) {
    case P25_INVENTORY_ACTIVE_KEYSETS:
    case P25_INVENTORY_INACTIVE_KEYSETS:
        keyset_fields(k, &b->of.keysets);
        break;
    case P25_INVENTORY_ACTIVE_KIDS:
    case P25_INVENTORY_INACTIVE_KIDS:
        kid_fields(k, &b->of.kids);
        break;
    case P25_INVENTORY_ALL_TAGS:
    case P25_INVENTORY_KEYSET_TAGS:
        tag_fields(k, &b->of.tags);
        break;
    case P25_INVENTORY_RSIS:
        rsi_fields(k, &b->of.rsis);
        break;
    case P25_INVENTORY_ACTIVE_KEYS:
        active_key_fields(k, &b->of.keys);
        break;
    case P25_INVENTORY_MNP:
        check_says(k, "mnp", "%u", b->of.mnp);
        break;
    case P25_INVENTORY_KMF_RSI:
        check_says(k, "kmf_rsi", "%06X", (unsigned)b->of.kmf_rsi);
        break;
    default:
        break;
    }
}

static void modify_key(check *k, const p25_kmm *kmm)
{
    const p25_modify_key *b = &kmm->body.modify_key;
    check_says(k, "keyset", "%u", b->keyset);
    check_says(k, "alg", "%02X", b->algid);
    check_says(k, "keylen", "%u", b->key_octets);
    if (b->item_count != 1) {
        check_fail(k, "body");
        return;
    }
    check_says(k, "sln", "%u", b->items[0].sln);
    check_says(k, "kid", "%04X", b->items[0].kid);
    check_same(k, "key", b->items[0].key);
}

static void keyset_statuses(check *k, const p25_kmm *kmm)
{
    const p25_keyset_statuses *b = &kmm->body.keyset_statuses;
    if (b->count != 1) {
        check_fail(k, "body");
        return;
    }
    check_says(k, "keyset", "%u", b->keysets[0].keyset);
    check_says(k, "status", "%02X", b->keysets[0].status);
}

static void negative_ack(check *k, const p25_kmm *kmm)
{
    const p25_negative_ack *b = &kmm->body.negative_ack;
    check_says(k, "acked", "%02X", b->acked_id);
    if ((kmm->deviations & P25_DEV_SHORT_NACK) == 0)
        check_says(k, "mn", "%u", b->mn);
    check_says(k, "status", "%02X", b->status);
}

static void rekey_ack(check *k, const p25_kmm *kmm)
{
    const p25_rekey_ack *b = &kmm->body.rekey_ack;
    check_says(k, "acked", "%02X", b->acked_id);
    for (unsigned i = 0; i < b->count; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%u", i);
        check_says(k, name, "%02X %04X %02X", b->keys[i].algid, b->keys[i].kid, b->keys[i].status);
    }
}

static void date_time(check *k, const p25_kmm *kmm)
{
    const p25_date_time *t = &kmm->body.date_time;
    check_says(k, "date", "%04u-%02u-%02u", t->year, t->month, t->day);
    check_says(k, "time", "%02u:%02u:%02u", t->hour, t->minute, t->second);
}

static void registration(check *k, const p25_kmm *kmm)
{
    const p25_registration *b = &kmm->body.registration;
    bool disputed = (kmm->deviations & P25_DEV_REGISTRATION_KEK) != 0;
    check_says(k, "body_format", "%02X",
               (b->transported.len > 0 ? 0x80u : 0u) | (disputed ? 0x40u : 0u));
    check_says(k, "kmf_rsi", "%06X", (unsigned)b->kmf_rsi);
}

static void status(check *k, const p25_kmm *kmm)
{
    check_says(k, "status", "%02X", kmm->body.status);
}

static void load_config(check *k, const p25_kmm *kmm)
{
    const p25_load_config *b = &kmm->body.load_config;
    check_says(k, "kmf_rsi", "%06X", (unsigned)b->kmf_rsi);
    check_says(k, "mnp", "%u", b->mnp);
    if (kmm->frame.message_id == P25_KMM_LOAD_CONFIG_RSP)
        check_says(k, "status", "%02X", b->status);
}

static const struct {
    p25_message_id id;
    body_fn *fn;
} bodies[] = {
    { P25_KMM_HELLO, hello },
    { P25_KMM_CAPABILITIES_RSP, capabilities },
    { P25_KMM_CHANGE_RSI_CMD, change_rsi },
    { P25_KMM_CHANGE_RSI_RSP, change_rsi },
    { P25_KMM_CHANGEOVER_CMD, changeover },
    { P25_KMM_CHANGEOVER_RSP, changeover },
    { P25_KMM_INVENTORY_CMD, inventory_cmd },
    { P25_KMM_INVENTORY_RSP, inventory_rsp },
    { P25_KMM_MODIFY_KEY_CMD, modify_key },
    { P25_KMM_MODIFY_KEYSET_CMD, modify_keyset },
    { P25_KMM_MODIFY_KEYSET_RSP, keyset_statuses },
    { P25_KMM_NEGATIVE_ACK, negative_ack },
    { P25_KMM_REKEY_ACK, rekey_ack },
    { P25_KMM_SET_DATE_TIME, date_time },
    { P25_KMM_REGISTRATION_CMD, registration },
    { P25_KMM_DEREGISTRATION_CMD, registration },
    { P25_KMM_REGISTRATION_RSP, status },
    { P25_KMM_DEREGISTRATION_RSP, status },
    { P25_KMM_LOAD_CONFIG_CMD, load_config },
    { P25_KMM_LOAD_CONFIG_RSP, load_config },
};

/* The only variant there is: whose layout the message has. */
static p25_side side_of(check *k)
{
    kf_slice variant = check_text(k, "variant");
    if (variant.ptr == NULL)
        return P25_SIDE_OTAR;
    if (!kf_slice_equal(variant, kf_slice_str("kfd (extra octet after the format octet)")))
        check_fail(k, "variant");
    return P25_SIDE_KEYFILL;
}

void check_p25_examples(check *k)
{
    p25_kmm kmm;
    p25_side side = side_of(k);
    if (!check_decode(k, side, &kmm))
        return;
    if (kmm.is_opaque)
        check_fail(k, "kmm");
    check_same(k, "body", kmm.frame.body);
    for (size_t i = 0; i < KF_COUNT(bodies); i++)
        if (bodies[i].id == kmm.frame.message_id)
            bodies[i].fn(k, &kmm);
}

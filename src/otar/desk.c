/* The record, by SLN and not by place, since the groups of a unit come and go:
 *
 *     1  version
 *     1  flags: registered, zeroized, reconciled, away, half inventory, warm acknowledged,
 * condemned 1  MAC scheme, 1 level of strikes, 4 wants 8  counter limit 16 active slot of each
 * crypto group, as the unit said 3 + 3  RSIs of a change 2 + 1 + n  temporary key: KID and octets
 *     outstanding command: 1 set, and then 1 message, 1 inventory type, 2 number, 2 KID of the
 * layer, 8 due, 4 tries, 1 items, each (2 SLN, 1 slot, 2 KID, 1 erase), 2 + n octets 1  locations,
 * each 2 SLN, 2 + 2 held, 1 seen bits
 */
#include "otar/desk.h"

#include <string.h>

#include "otar/kmf_parts.h"

#define VERSION 1u

enum {
    FLAG_REGISTERED = 1u << 0,
    FLAG_ZEROIZED = 1u << 1,
    FLAG_RECONCILED = 1u << 2,
    FLAG_AWAY = 1u << 3,
    FLAG_HALF = 1u << 4,
    FLAG_WARM_ACKED = 1u << 5,
    FLAG_CONDEMNED = 1u << 6,
};

/* The caller keeps the whole record after each step; nothing is to be saved in between. */
static kf_err keep_nothing(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

/* ---- groups and keys ---- */

static kf_err add_sln(otar_kmf *kmf, uint16_t sln, size_t *group)
{
    *group = kmf_group_of(kmf, sln);
    if (*group < kmf->group_count)
        return KF_OK;
    if (kmf->group_count == OTAR_GROUPS_MAX)
        return KF_E_NO_SPACE;
    kmf->slns[kmf->group_count++] = sln;
    return KF_OK;
}

static kf_err add_key(otar_kmf *kmf, const otar_desk_key *k)
{
    const otar_key where = { .keyset = kmf_keyset(p25_sln_crypto_group(k->sln), k->slot),
                             .sln = k->sln,
                             .algid = P25_ALGID_AES256,
                             .kid = k->kid };
    kf_secret *material = NULL;
    size_t group = 0;
    kf_err err = k->slot > 1 ? KF_E_MALFORMED : add_sln(kmf, k->sln, &group);
    if (err == KF_OK)
        err = kf_secret_dup(k->material, &material);
    if (err == KF_OK)
        err = otar_keys_put(&kmf->keys, &where, &material);
    if (err == KF_OK)
        kmf->placed[group][k->slot] = otar_keys_at(&kmf->keys, where.keyset, k->sln);
    return err;
}

static kf_err add_groups(otar_kmf *kmf, const otar_desk *desk, kmf_unit *u)
{
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < desk->group_count; i++) {
        size_t group = 0;
        err = add_sln(kmf, desk->groups[i].sln, &group);
        if (err == KF_OK && desk->groups[i].is_member)
            u->members |= UINT64_C(1) << group;
    }
    for (size_t i = 0; err == KF_OK && i < desk->key_count; i++)
        err = add_key(kmf, &desk->keys[i]);
    return err;
}

/* ---- the record ---- */

static kf_err take_warm(kmf_unit *u, uint16_t kid, kf_slice octets)
{
    if (octets.len == 0)
        return KF_OK;
    u->warm_kid = kid;
    kf_err err = kf_secret_new_copy(octets, &u->warm);
    if (err == KF_OK)
        err = p25_tek_new(P25_ALGID_AES256, kid, u->warm, &u->warm_tek);
    if (err == KF_OK)
        err = p25_kek_new(P25_ALGID_AES256, kid, u->warm, &u->warm_kek);
    if (err == KF_OK)
        err = kmf_map_reserve(&u->kmf->by_warm_kid, 2);
    if (err == KF_OK)
        kmf_map_put(&u->kmf->by_warm_kid, kid, u);
    return err;
}

static void read_item(kmf_unit *u, kf_reader *r, kmf_item *item)
{
    size_t group = 0;
    const uint16_t sln = kf_read_u16(r, "desk.item.sln");
    item->slot = kf_read_u8(r, "desk.item.slot");
    item->kid = kf_read_u16(r, "desk.item.kid");
    item->erase = kf_read_u8(r, "desk.item.erase") != 0;
    if (kf_reader_ok(r) && (item->slot > 1 || add_sln(u->kmf, sln, &group) != KF_OK))
        kf_reader_fail(r, KF_E_MALFORMED, "desk.item");
    item->group = (uint8_t)group;
}

static void read_outstanding(kmf_unit *u, kf_reader *r)
{
    kmf_outstanding *o = &u->out;
    const bool is_set = kf_read_u8(r, "desk.outstanding") != 0;
    if (!is_set)
        return;
    o->message_id = kf_read_u8(r, "desk.message_id");
    o->inventory_type = kf_read_u8(r, "desk.inventory_type");
    o->number = kf_read_u16(r, "desk.number");
    o->sealed_kid = kf_read_u16(r, "desk.sealed_kid");
    o->due = (kf_time)kf_read_u64(r, "desk.due");
    o->tries = kf_read_u32(r, "desk.tries");
    o->item_count = kf_read_u8(r, "desk.items");
    if (o->item_count > OTAR_BATCH_KEYS)
        kf_reader_fail(r, KF_E_MALFORMED, "desk.items");
    for (size_t i = 0; kf_reader_ok(r) && i < o->item_count; i++)
        read_item(u, r, &o->items[i]);
    o->len = kf_read_u16(r, "desk.octets");
    if (o->len > sizeof o->octets)
        kf_reader_fail(r, KF_E_MALFORMED, "desk.octets");
    if (kf_reader_ok(r))
        kf_read_octets(r, o->octets, o->len, "desk.octets");
    o->is_set = kf_reader_ok(r);
}

static void read_places(kmf_unit *u, kf_reader *r)
{
    const size_t count = kf_read_u8(r, "desk.places");
    for (size_t i = 0; kf_reader_ok(r) && i < count; i++) {
        size_t group = 0;
        const uint16_t sln = kf_read_u16(r, "desk.sln");
        const uint16_t first = kf_read_u16(r, "desk.held"), second = kf_read_u16(r, "desk.held");
        const uint8_t seen = kf_read_u8(r, "desk.seen");
        if (!kf_reader_ok(r) || add_sln(u->kmf, sln, &group) != KF_OK) {
            kf_reader_fail(r, KF_E_MALFORMED, "desk.sln");
            return;
        }
        kmf_set_held(u, group, 0, first);
        kmf_set_held(u, group, 1, second);
        u->seen[group][0] = (seen & 1u) != 0;
        u->seen[group][1] = (seen & 2u) != 0;
    }
}

static kf_err read_record(kmf_unit *u, kf_slice record)
{
    kf_fault fault;
    kf_reader r = kf_reader_init(record, &fault);
    if (kf_read_u8(&r, "desk.version") != VERSION)
        kf_reader_fail(&r, KF_E_UNSUPPORTED, "desk.version");
    const uint8_t flags = kf_read_u8(&r, "desk.flags");
    const uint8_t scheme = kf_read_u8(&r, "desk.scheme");
    u->strikes = kf_read_u8(&r, "desk.strikes");
    u->wants = kf_read_u32(&r, "desk.wants");
    if (scheme > P25_MAC_CMAC_D)
        kf_reader_fail(&r, KF_E_MALFORMED, "desk.scheme");
    p25_mac_peer_init(&u->mac, u->kmf->config.mac, (p25_mac_scheme)(scheme % 3));
    u->counter.limit = u->counter.next = kf_read_u64(&r, "desk.limit");
    kf_read_octets(&r, u->active, sizeof u->active, "desk.active");
    u->change_old = kf_read_u24(&r, "desk.change_old");
    u->change_new = kf_read_u24(&r, "desk.change_new");
    const uint16_t warm_kid = kf_read_u16(&r, "desk.warm_kid");
    const kf_slice warm = kf_read_slice(&r, kf_read_u8(&r, "desk.warm"), "desk.warm");
    read_outstanding(u, &r);
    read_places(u, &r);
    kf_err err = kf_reader_end(&r, "desk");
    u->is_registered = u->is_registered || (flags & FLAG_REGISTERED) != 0;
    u->is_zeroized = (flags & FLAG_ZEROIZED) != 0;
    u->is_reconciled = (flags & FLAG_RECONCILED) != 0;
    u->is_away = (flags & FLAG_AWAY) != 0;
    u->has_half_inventory = (flags & FLAG_HALF) != 0;
    u->is_condemned = u->is_condemned || (flags & FLAG_CONDEMNED) != 0;
    if (err == KF_OK)
        err = take_warm(u, warm_kid, warm);
    u->warm_is_acked = u->warm != NULL && (flags & FLAG_WARM_ACKED) != 0;
    return err;
}

/* Locations that still say something. */
static bool has_place(const kmf_unit *u, size_t group)
{
    return u->held[group][0] != 0 || u->held[group][1] != 0 || u->seen[group][0] ||
           u->seen[group][1];
}

static void write_outstanding(const kmf_unit *u, kf_writer *w)
{
    const kmf_outstanding *o = &u->out;
    kf_write_u8(w, o->is_set ? 1 : 0);
    if (!o->is_set)
        return;
    kf_write_u8(w, o->message_id);
    kf_write_u8(w, o->inventory_type);
    kf_write_u16(w, o->number);
    kf_write_u16(w, o->sealed_kid);
    kf_write_u64(w, (uint64_t)o->due);
    kf_write_u32(w, o->tries);
    kf_write_u8(w, (uint8_t)o->item_count);
    for (size_t i = 0; i < o->item_count; i++) {
        kf_write_u16(w, u->kmf->slns[o->items[i].group]);
        kf_write_u8(w, o->items[i].slot);
        kf_write_u16(w, o->items[i].kid);
        kf_write_u8(w, o->items[i].erase ? 1 : 0);
    }
    kf_write_u16(w, (uint16_t)o->len);
    kf_write_octets(w, o->octets, o->len);
}

static void write_places(const kmf_unit *u, kf_writer *w)
{
    size_t count = 0;
    for (size_t g = 0; g < u->kmf->group_count; g++)
        count += has_place(u, g) ? 1u : 0u;
    kf_write_u8(w, (uint8_t)count);
    for (size_t g = 0; g < u->kmf->group_count; g++) {
        if (!has_place(u, g))
            continue;
        kf_write_u16(w, u->kmf->slns[g]);
        kf_write_u16(w, u->held[g][0]);
        kf_write_u16(w, u->held[g][1]);
        kf_write_u8(w, (uint8_t)((u->seen[g][0] ? 1u : 0u) | (u->seen[g][1] ? 2u : 0u)));
    }
}

void otar_desk_write(const otar_kmf *kmf, kf_writer *w)
{
    const kmf_unit *u = kmf->units[0];
    const unsigned flags =
        (u->is_registered ? FLAG_REGISTERED : 0u) | (u->is_zeroized ? FLAG_ZEROIZED : 0u) |
        (u->is_reconciled ? FLAG_RECONCILED : 0u) | (u->is_away ? FLAG_AWAY : 0u) |
        (u->has_half_inventory ? FLAG_HALF : 0u) | (u->warm_is_acked ? FLAG_WARM_ACKED : 0u) |
        (u->is_condemned ? FLAG_CONDEMNED : 0u);
    kf_write_u8(w, VERSION);
    kf_write_u8(w, (uint8_t)flags);
    kf_write_u8(w, (uint8_t)u->mac.scheme);
    kf_write_u8(w, (uint8_t)u->strikes);
    kf_write_u32(w, u->wants);
    kf_write_u64(w, u->counter.next);
    kf_write_octets(w, u->active, sizeof u->active);
    kf_write_u24(w, u->change_old);
    kf_write_u24(w, u->change_new);
    kf_write_u16(w, u->warm == NULL ? 0 : u->warm_kid);
    kf_write_u8(w, (uint8_t)kf_secret_len(u->warm));
    kf_write_slice(w, kf_secret_view(u->warm));
    write_outstanding(u, w);
    write_places(u, w);
}

/* ---- taking up ---- */

static kf_err add_unit(otar_kmf *kmf, const otar_desk *desk)
{
    kf_secret *ukek = NULL;
    kf_err err = desk->ukek == NULL ? KF_OK : kf_secret_dup(desk->ukek, &ukek);
    if (err == KF_OK)
        err = otar_kmf_add_unit(kmf, desk->rsi, desk->level, desk->ukek_kid, &ukek);
    if (err != KF_OK)
        return err;
    kmf_unit *u = kmf->units[0];
    u->is_registered = desk->is_registered;
    u->is_condemned = desk->is_lost;
    memset(u->active, KMF_ACTIVE_NONE, sizeof u->active);
    return KF_OK;
}

kf_err otar_desk_open(const otar_desk *desk, kf_slice record, otar_kmf **out)
{
    const otar_store store = { keep_nothing, NULL };
    otar_kmf_config config = desk->config;
    config.ahead = 1;
    kf_err err = otar_kmf_new(&config, &store, &desk->watch, desk->rng, out);
    if (err != KF_OK)
        return err;
    otar_kmf *kmf = *out;
    memcpy(kmf->active, desk->active, sizeof kmf->active);
    memcpy(kmf->is_staged, desk->is_staged, sizeof kmf->is_staged);
    if (desk->warm_kid != 0)
        kmf->next_kid = desk->warm_kid;
    err = add_unit(kmf, desk);
    if (err == KF_OK)
        err = add_groups(kmf, desk, kmf->units[0]);
    if (err == KF_OK && record.len > 0)
        err = read_record(kmf->units[0], record);
    if (err == KF_OK)
        kmf_appoint(kmf->units[0]);
    if (err != KF_OK)
        otar_kmf_free(out);
    return err;
}

uint16_t otar_desk_held(const otar_kmf *kmf, uint16_t sln, unsigned slot)
{
    const size_t group = kmf_group_of(kmf, sln);
    return group < kmf->group_count && slot < 2 ? kmf->units[0]->held[group][slot] : 0;
}

bool otar_desk_due(const otar_kmf *kmf, kf_time *due)
{
    const kmf_unit *u = kmf->units[0];
    *due = u->out.due;
    return u->out.is_set;
}

bool otar_desk_took_kid(const otar_kmf *kmf, uint16_t kid)
{
    const kmf_unit *u = kmf->units[0];
    return u->warm != NULL && u->warm_kid == kid;
}

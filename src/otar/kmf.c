#include "otar/kmf.h"

#include <stdlib.h>
#include <string.h>

#include "otar/kmf_parts.h"

#define RECORD_VERSION 1u
#define RECORD_OCTETS  (256u + OTAR_GROUPS_MAX * 2u + OTAR_KEYS_MAX * OTAR_KEY_RECORD_OCTETS)
#define KID_FIRST      0x1000u
#define KIDS_AHEAD     256u
#define AES_OCTETS     32u

/* ---- small facts ---- */

uint8_t kmf_keyset(unsigned crypto_group, unsigned slot)
{
    return (uint8_t)((crypto_group << 4) + 1 + slot);
}

unsigned kmf_group_crypto_group(const otar_kmf *kmf, size_t group)
{
    return p25_sln_crypto_group(kmf->slns[group]);
}

otar_key *kmf_key(const otar_kmf *kmf, size_t group, unsigned slot)
{
    return kmf->placed[group][slot];
}

bool kmf_is_member(const kmf_unit *u, size_t group)
{
    return (u->members >> group & 1u) != 0;
}

bool kmf_holds(const kmf_unit *u, size_t group, unsigned slot)
{
    const otar_key *key = kmf_key(u->kmf, group, slot);
    return key != NULL && u->held[group][slot] == key->kid;
}

/* The active keyset first, then groups it is a member of. */
p25_tek *kmf_common(const kmf_unit *u)
{
    for (unsigned pass = 0; pass < 4; pass++) {
        for (size_t g = 0; g < u->kmf->group_count; g++) {
            unsigned slot = u->kmf->active[kmf_group_crypto_group(u->kmf, g)] ^ (pass & 1u);
            if (kmf_is_member(u, g) == (pass < 2) && kmf_holds(u, g, slot))
                return kmf_key(u->kmf, g, slot)->tek;
        }
    }
    return NULL;
}

kmf_unit *kmf_unit_of(const otar_kmf *kmf, uint32_t rsi)
{
    return rsi == 0 ? NULL : kmf_map_get(&kmf->by_rsi, rsi);
}

void kmf_set_rsi(kmf_unit *u, uint32_t rsi, uint32_t new_rsi)
{
    kmf_map *map = &u->kmf->by_rsi;
    kmf_map_drop(map, u->rsi, u);
    kmf_map_drop(map, u->new_rsi, u);
    u->rsi = rsi;
    u->new_rsi = new_rsi;
    kmf_map_put(map, rsi, u);
    if (new_rsi != 0)
        kmf_map_put(map, new_rsi, u);
}

void kmf_set_held(kmf_unit *u, size_t group, unsigned slot, uint16_t kid)
{
    uint16_t *held = &u->held[group][slot];
    if (*held != 0)
        u->kmf->kid_uses[*held]--;
    if (kid != 0)
        u->kmf->kid_uses[kid]++;
    *held = kid;
}

void kmf_forget_held(kmf_unit *u)
{
    for (size_t g = 0; g < OTAR_GROUPS_MAX; g++)
        for (unsigned slot = 0; slot < 2; slot++)
            kmf_set_held(u, g, slot, 0);
}

void kmf_tell(const kmf_unit *u, otar_event_kind kind, uint8_t message_id, uint8_t status)
{
    const otar_watch *watch = &u->kmf->watch;
    const otar_event e = { .kind = kind,
                           .rsi = u->rsi,
                           .message_id = message_id,
                           .number = u->out.number,
                           .status = status };
    if (watch->event != NULL)
        watch->event(watch->ctx, &e);
}

static bool kid_is_used(const otar_kmf *kmf, uint16_t kid)
{
    return kid == 0 || kmf->kid_uses[kid] > 0 || kmf_map_get(&kmf->by_warm_kid, kid) != NULL ||
           otar_keys_named(&kmf->keys, false, P25_ALGID_AES256, kid) != NULL;
}

/* The next KID in turn, used or not. */
static kf_err pass_kid(otar_kmf *kmf, uint16_t *kid)
{
    kf_err err = KF_OK;
    if (kmf->kids_left == 0) {
        kmf->kids_left = KIDS_AHEAD;
        err = kmf_save_groups(kmf);
    }
    *kid = kmf->next_kid++;
    kmf->kids_left--;
    return err;
}

kf_err kmf_take_kid(otar_kmf *kmf, uint16_t *kid)
{
    for (unsigned tried = 0; tried < KMF_KIDS; tried++) {
        kf_err err = pass_kid(kmf, kid);
        if (err != KF_OK || !kid_is_used(kmf, *kid))
            return err;
    }
    return KF_E_NO_SPACE;
}

void kmf_forget_warm(kmf_unit *u)
{
    p25_tek_free(&u->warm_tek);
    p25_kek_free(&u->warm_kek);
    kf_secret_free(&u->warm);
    kmf_map_drop(&u->kmf->by_warm_kid, u->warm_kid, u);
    u->warm_is_acked = false;
}

void kmf_abandon(kmf_unit *u)
{
    u->out.is_set = false;
    u->is_reconciled = false;
    u->has_half_inventory = false;
}

/* ---- records ---- */

static kf_err put_record(otar_kmf *kmf, uint32_t slot, kf_writer *w)
{
    kf_err err = w->err;
    if (err == KF_OK)
        err = kmf->store.save(kmf->store.ctx, slot, kf_writer_slice(w));
    kf_wipe(kf_secret_edit(kmf->record), w->len);
    kmf->has_stopped = kmf->has_stopped || err != KF_OK;
    return err;
}

kf_err kmf_save_groups(otar_kmf *kmf)
{
    kf_writer w = kf_writer_init(kf_secret_edit(kmf->record), RECORD_OCTETS);
    kf_write_u8(&w, RECORD_VERSION);
    kf_write_u16(&w, (uint16_t)(kmf->next_kid + kmf->kids_left));
    for (size_t i = 0; i < OTAR_CRYPTO_GROUPS; i++)
        kf_write_u8(&w, (uint8_t)(kmf->active[i] | (kmf->is_staged[i] ? 2u : 0u)));
    kf_write_u8(&w, (uint8_t)kmf->group_count);
    for (size_t i = 0; i < kmf->group_count; i++)
        kf_write_u16(&w, kmf->slns[i]);
    otar_keys_write(&kmf->keys, &w);
    return put_record(kmf, 0, &w);
}

kf_err kmf_save_unit(kmf_unit *u)
{
    kf_writer w = kf_writer_init(kf_secret_edit(u->kmf->record), RECORD_OCTETS);
    const unsigned flags = (u->is_registered ? 1u : 0u) | (u->is_condemned ? 2u : 0u) |
                           (u->is_zeroized ? 4u : 0u) | (u->is_out_of_service ? 8u : 0u);
    kf_write_u8(&w, RECORD_VERSION);
    kf_write_u24(&w, u->rsi);
    kf_write_u24(&w, u->new_rsi);
    kf_write_u8(&w, (uint8_t)u->level);
    kf_write_u8(&w, (uint8_t)flags);
    kf_write_u8(&w, (uint8_t)u->mac.scheme);
    kf_write_u64(&w, u->counter.limit);
    kf_write_u64(&w, u->members);
    kf_write_u16(&w, u->ukek_kid);
    kf_write_u8(&w, (uint8_t)kf_secret_len(u->ukek));
    kf_write_slice(&w, kf_secret_view(u->ukek));
    for (size_t g = 0; g < OTAR_GROUPS_MAX; g++) {
        kf_write_u16(&w, u->held[g][0]);
        kf_write_u16(&w, u->held[g][1]);
    }
    return put_record(u->kmf, u->slot, &w);
}

static kf_err reserve(void *ctx, uint64_t limit)
{
    kmf_unit *u = ctx;
    const uint64_t before = u->counter.limit;
    u->counter.limit = limit;
    kf_err err = kmf_save_unit(u);
    u->counter.limit = before; /* the counter moves it itself */
    return err;
}

static void unit_free(kmf_unit *u)
{
    kmf_forget_warm(u);
    p25_kek_free(&u->kek);
    kf_secret_free(&u->ukek);
    free(u);
}

/* Room for one more unit everywhere, so that nothing can fail later. */
static kf_err reserve_unit(otar_kmf *kmf)
{
    const size_t count = kmf->unit_count + 1;
    if (count > kmf->unit_room) {
        const size_t room = 2 * count;
        kmf_unit **units = realloc(kmf->units, room * sizeof *units);
        if (units == NULL)
            return KF_E_NO_MEMORY;
        kmf->units = units;
        kmf->unit_room = room;
    }
    kf_err err = kmf_map_reserve(&kmf->by_rsi, 2 * count); /* one may be changing to another */
    if (err == KF_OK)
        err = kmf_map_reserve(&kmf->by_warm_kid, count);
    return err == KF_OK ? kmf_queue_reserve(&kmf->queue, count) : err;
}

/* A unit without content, at the end of the list. */
static kf_err new_unit(otar_kmf *kmf, uint64_t limit, kmf_unit **out)
{
    *out = NULL;
    if (reserve_unit(kmf) != KF_OK)
        return KF_E_NO_MEMORY;
    kmf_unit *u = calloc(1, sizeof *u);
    if (u == NULL)
        return KF_E_NO_MEMORY;
    u->kmf = kmf;
    u->turn.unit = u;
    u->slot = (uint32_t)kmf->unit_count + 1;
    p25_mac_peer_init(&u->mac, kmf->config.mac, kmf->config.first_scheme);
    p25_counter_init(&u->counter, limit, kmf->config.ahead, (p25_counter_store){ reserve, u });
    kmf->units[kmf->unit_count++] = u;
    *out = u;
    return KF_OK;
}

static kf_err take_ukek(kmf_unit *u, uint16_t kid, kf_secret **ukek)
{
    p25_kek *kek = NULL;
    kf_err err = p25_kek_new(P25_ALGID_AES256, kid, *ukek, &kek);
    if (err == KF_OK) {
        p25_kek_free(&u->kek);
        kf_secret_free(&u->ukek);
        u->kek = kek;
        u->ukek = *ukek;
        u->ukek_kid = kid;
        *ukek = NULL;
    }
    kf_secret_free(ukek);
    return err;
}

static void place_keys(otar_kmf *kmf)
{
    for (size_t g = 0; g < kmf->group_count; g++)
        for (unsigned slot = 0; slot < 2; slot++)
            kmf->placed[g][slot] = otar_keys_at(
                &kmf->keys, kmf_keyset(kmf_group_crypto_group(kmf, g), slot), kmf->slns[g]);
}

static kf_err load_groups(otar_kmf *kmf, kf_reader *r)
{
    kmf->next_kid = kf_read_u16(r, "groups.next_kid");
    for (size_t i = 0; i < OTAR_CRYPTO_GROUPS; i++) {
        uint8_t state = kf_read_u8(r, "groups.state");
        kmf->active[i] = state & 1u;
        kmf->is_staged[i] = (state & 2u) != 0;
    }
    size_t count = kf_read_u8(r, "groups.count");
    if (count > OTAR_GROUPS_MAX) {
        kf_reader_fail(r, KF_E_MALFORMED, "groups.count");
        return r->fault->code;
    }
    for (size_t i = 0; i < count; i++)
        kmf->slns[i] = kf_read_u16(r, "groups.sln");
    kmf->group_count = count;
    kf_err err = kf_reader_ok(r) ? otar_keys_read(&kmf->keys, r) : r->fault->code;
    place_keys(kmf);
    return err;
}

static kf_err load_ukek(kmf_unit *u, uint16_t kid, kf_slice octets)
{
    kf_secret *ukek = NULL;
    if (octets.len == 0)
        return KF_OK;
    kf_err err = kf_secret_new_copy(octets, &ukek);
    return err == KF_OK ? take_ukek(u, kid, &ukek) : err;
}

static kf_err load_unit(otar_kmf *kmf, kf_reader *r)
{
    kmf_unit *u = NULL;
    const uint32_t rsi = kf_read_u24(r, "unit.rsi");
    const uint32_t new_rsi = kf_read_u24(r, "unit.new_rsi");
    const uint8_t level = kf_read_u8(r, "unit.level");
    const uint8_t flags = kf_read_u8(r, "unit.flags");
    const uint8_t scheme = kf_read_u8(r, "unit.scheme");
    const uint64_t limit = kf_read_u64(r, "unit.limit");
    kf_err err = new_unit(kmf, limit, &u);
    if (err != KF_OK)
        return err;
    kmf_set_rsi(u, rsi, new_rsi);
    if (new_rsi != 0) { /* nobody knows how far that came: it is asked for again */
        u->wants |= KMF_WANT_CHANGE_RSI;
        u->change_old = rsi;
        u->change_new = new_rsi;
    }
    kmf_queue_ready(&kmf->queue, &u->turn);
    u->level = level == P25_LEVEL_ENHANCED ? P25_LEVEL_ENHANCED : P25_LEVEL_BASIC;
    u->is_registered = (flags & 1u) != 0;
    u->is_condemned = (flags & 2u) != 0;
    u->is_zeroized = (flags & 4u) != 0;
    u->is_out_of_service = (flags & 8u) != 0;
    if (scheme > P25_MAC_CMAC_D)
        kf_reader_fail(r, KF_E_MALFORMED, "unit.scheme");
    p25_mac_peer_init(&u->mac, kmf->config.mac, (p25_mac_scheme)(scheme % 3));
    u->members = kf_read_u64(r, "unit.members");
    const uint16_t kid = kf_read_u16(r, "unit.ukek_kid");
    kf_slice ukek = kf_read_slice(r, kf_read_u8(r, "unit.ukek_octets"), "unit.ukek");
    for (size_t g = 0; g < OTAR_GROUPS_MAX; g++) {
        kmf_set_held(u, g, 0, kf_read_u16(r, "unit.held"));
        kmf_set_held(u, g, 1, kf_read_u16(r, "unit.held"));
    }
    return kf_reader_ok(r) ? load_ukek(u, kid, ukek) : r->fault->code;
}

kf_err otar_kmf_load(otar_kmf *kmf, uint32_t slot, kf_slice record)
{
    kf_fault fault;
    kf_reader r = kf_reader_init(record, &fault);
    if (slot == 0 ? kmf->group_count > 0 || kmf->unit_count > 0 : slot != kmf->unit_count + 1)
        return KF_E_STATE;
    if (kf_read_u8(&r, "record.version") != RECORD_VERSION)
        kf_reader_fail(&r, KF_E_UNSUPPORTED, "record.version");
    kf_err err = !kf_reader_ok(&r) ? fault.code
                 : slot == 0       ? load_groups(kmf, &r)
                                   : load_unit(kmf, &r);
    return err != KF_OK ? err : kf_reader_end(&r, "record");
}

kf_err otar_kmf_new(const otar_kmf_config *config, const otar_store *store, const otar_watch *watch,
                    const kf_rng *rng, otar_kmf **out)
{
    *out = NULL;
    otar_kmf *kmf = calloc(1, sizeof *kmf);
    if (kmf == NULL)
        return KF_E_NO_MEMORY;
    kmf->config = *config;
    kmf->store = *store;
    kmf->watch = *watch;
    kmf->rng = rng;
    kmf->next_kid = KID_FIRST;
    if (kmf->config.retry_seconds == 0)
        kmf->config.retry_seconds = 5;
    if (kmf->config.tries == 0)
        kmf->config.tries = 4;
    if (kmf->config.ahead == 0)
        kmf->config.ahead = 16;
    kf_err err = kf_secret_new(RECORD_OCTETS, &kmf->record);
    if (err != KF_OK)
        otar_kmf_free(&kmf);
    *out = kmf;
    return err;
}

void otar_kmf_free(otar_kmf **kmf)
{
    otar_kmf *k = *kmf;
    *kmf = NULL;
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->unit_count; i++)
        unit_free(k->units[i]);
    free(k->units);
    kmf_map_clear(&k->by_rsi);
    kmf_map_clear(&k->by_warm_kid);
    kmf_queue_clear(&k->queue);
    otar_keys_clear(&k->keys);
    kf_secret_free(&k->record);
    free(k);
}

/* ---- the operator ---- */

/* A unit that the operator has something to say about: it is looked at again. */
static kmf_unit *served(otar_kmf *kmf, uint32_t rsi)
{
    kmf_unit *u = kmf->has_stopped ? NULL : kmf_unit_of(kmf, rsi);
    if (u != NULL)
        kmf_queue_ready(&kmf->queue, &u->turn);
    return u;
}

size_t kmf_group_of(const otar_kmf *kmf, uint16_t sln)
{
    size_t g = 0;
    while (g < kmf->group_count && kmf->slns[g] != sln)
        g++;
    return g;
}

kf_err otar_kmf_add_unit(otar_kmf *kmf, uint32_t rsi, p25_level level, uint16_t ukek_kid,
                         kf_secret **ukek)
{
    kmf_unit *u = NULL;
    kf_err err = kmf->has_stopped ? KF_E_STATE : KF_OK;
    if (err == KF_OK && (rsi == 0 || rsi == kmf->config.rsi || kmf_unit_of(kmf, rsi) != NULL))
        err = KF_E_DENIED;
    if (err == KF_OK)
        err = new_unit(kmf, P25_COUNTER_FIRST, &u);
    if (err == KF_OK && ukek != NULL && *ukek != NULL)
        err = take_ukek(u, ukek_kid, ukek);
    if (ukek != NULL)
        kf_secret_free(ukek);
    if (err == KF_OK) {
        kmf_set_rsi(u, rsi, 0);
        kmf_queue_ready(&kmf->queue, &u->turn);
        u->level = level;
        return kmf_save_unit(u);
    }
    if (u != NULL) {
        kmf->unit_count--;
        unit_free(u);
    }
    return err;
}

kf_err otar_kmf_set_ukek(otar_kmf *kmf, uint32_t rsi, uint16_t kid, kf_secret **ukek)
{
    kmf_unit *u = served(kmf, rsi);
    if (u == NULL) {
        kf_secret_free(ukek);
        return KF_E_STATE;
    }
    kf_err err = take_ukek(u, kid, ukek);
    if (err != KF_OK)
        return err;
    /* What was under way was for the unit as it was: a Zeroize must not be sent again now. */
    kmf_abandon(u);
    kmf_appoint(u);
    u->is_condemned = u->is_zeroized = u->is_away = false;
    u->strikes = 0;
    return kmf_save_unit(u);
}

static kf_err make_key(otar_kmf *kmf, size_t group, unsigned slot)
{
    otar_key where = { .sln = kmf->slns[group], .algid = P25_ALGID_AES256 };
    kf_secret *material = NULL;
    where.keyset = kmf_keyset(kmf_group_crypto_group(kmf, group), slot);
    kf_err err = kmf_take_kid(kmf, &where.kid);
    if (err == KF_OK)
        err = kf_secret_new_random(kmf->rng, AES_OCTETS, &material);
    return err == KF_OK ? otar_keys_put(&kmf->keys, &where, &material) : err;
}

/* A half-made set of keys must not be used. */
static kf_err finish_keys(otar_kmf *kmf, kf_err err)
{
    place_keys(kmf);
    otar_keys_bury(&kmf->keys);
    if (err == KF_OK)
        return kmf_save_groups(kmf);
    kmf->has_stopped = true;
    return err;
}

kf_err otar_kmf_add_group(otar_kmf *kmf, uint16_t sln)
{
    const unsigned cg = p25_sln_crypto_group(sln);
    if (kmf->has_stopped)
        return KF_E_STATE;
    if (cg == OTAR_CRYPTO_GROUPS - 1 || kmf_group_of(kmf, sln) < kmf->group_count)
        return KF_E_DENIED;
    if (kmf->group_count == OTAR_GROUPS_MAX)
        return KF_E_NO_SPACE;
    kmf->slns[kmf->group_count++] = sln;
    kf_err err = make_key(kmf, kmf->group_count - 1, kmf->active[cg]);
    if (err == KF_OK && kmf->is_staged[cg])
        err = make_key(kmf, kmf->group_count - 1, kmf->active[cg] ^ 1u);
    return finish_keys(kmf, err);
}

kf_err otar_kmf_set_member(otar_kmf *kmf, uint32_t rsi, uint16_t sln, bool is_member)
{
    kmf_unit *u = served(kmf, rsi);
    size_t g = kmf_group_of(kmf, sln);
    if (u == NULL || g == kmf->group_count)
        return KF_E_STATE;
    const uint64_t bit = UINT64_C(1) << g;
    u->members = is_member ? u->members | bit : u->members & ~bit;
    if (!is_member && u->modify_group == g)
        u->wants &= ~(unsigned)KMF_WANT_MODIFY_KEY;
    return kmf_save_unit(u);
}

/* Does what happens to the keys of a crypto group change what the unit is to be sent? */
static bool is_concerned(const kmf_unit *u, unsigned crypto_group)
{
    for (size_t g = 0; g < u->kmf->group_count; g++)
        if (kmf_group_crypto_group(u->kmf, g) == crypto_group &&
            (kmf_is_member(u, g) || u->held[g][0] != 0 || u->held[g][1] != 0))
            return true;
    return false;
}

static void look_at_concerned(otar_kmf *kmf, unsigned crypto_group)
{
    for (size_t i = 0; i < kmf->unit_count; i++)
        if (is_concerned(kmf->units[i], crypto_group))
            kmf_queue_ready(&kmf->queue, &kmf->units[i]->turn);
}

kf_err otar_kmf_rekey(otar_kmf *kmf, unsigned crypto_group)
{
    kf_err err = KF_OK;
    if (kmf->has_stopped || crypto_group >= OTAR_CRYPTO_GROUPS - 1)
        return KF_E_STATE;
    for (size_t g = 0; err == KF_OK && g < kmf->group_count; g++)
        if (kmf_group_crypto_group(kmf, g) == crypto_group)
            err = make_key(kmf, g, kmf->active[crypto_group] ^ 1u);
    if (err == KF_OK)
        kmf->is_staged[crypto_group] = true;
    look_at_concerned(kmf, crypto_group);
    return finish_keys(kmf, err);
}

bool kmf_is_ready(const kmf_unit *u, unsigned crypto_group)
{
    if (u->is_condemned || !u->kmf->is_staged[crypto_group])
        return true;
    for (size_t g = 0; g < u->kmf->group_count; g++)
        if (kmf_is_member(u, g) && kmf_group_crypto_group(u->kmf, g) == crypto_group &&
            !kmf_holds(u, g, u->kmf->active[crypto_group] ^ 1u))
            return false;
    return true;
}

kf_err otar_kmf_changeover(otar_kmf *kmf, unsigned crypto_group, bool override, uint32_t *not_ready,
                           size_t cap, size_t *count)
{
    *count = 0;
    if (kmf->has_stopped || crypto_group >= OTAR_CRYPTO_GROUPS || !kmf->is_staged[crypto_group])
        return KF_E_STATE;
    for (size_t i = 0; i < kmf->unit_count; i++) {
        if (kmf_is_ready(kmf->units[i], crypto_group))
            continue;
        if (*count < cap)
            not_ready[*count] = kmf->units[i]->rsi;
        (*count)++;
    }
    if (*count > 0 && !override)
        return KF_E_DENIED;
    kmf->active[crypto_group] ^= 1u;
    kmf->is_staged[crypto_group] = false;
    look_at_concerned(kmf, crypto_group);
    return kmf_save_groups(kmf);
}

kf_err otar_kmf_zeroize(otar_kmf *kmf, uint32_t rsi)
{
    kmf_unit *u = served(kmf, rsi);
    if (u == NULL)
        return KF_E_STATE;
    u->is_condemned = true;
    u->is_away = false;
    return kmf_save_unit(u);
}

kf_err otar_kmf_inventory(otar_kmf *kmf, uint32_t rsi)
{
    kmf_unit *u = served(kmf, rsi);
    if (u == NULL)
        return KF_E_STATE;
    u->is_reconciled = u->is_away = u->has_half_inventory = false;
    u->strikes = 0;
    return KF_OK;
}

static kf_err want(kmf_unit *u, kmf_want what)
{
    if (u == NULL)
        return KF_E_STATE;
    u->wants |= (unsigned)what;
    u->is_away = false;
    u->strikes = 0;
    return KF_OK;
}

kf_err otar_kmf_warm_start(otar_kmf *kmf, uint32_t rsi)
{
    return want(served(kmf, rsi), KMF_WANT_WARM_START);
}

kf_err otar_kmf_modify_key(otar_kmf *kmf, uint32_t rsi, uint16_t sln)
{
    kmf_unit *u = served(kmf, rsi);
    size_t g = kmf_group_of(kmf, sln);
    if (u == NULL || g == kmf->group_count || !kmf_is_member(u, g))
        return KF_E_STATE;
    u->modify_group = (uint8_t)g;
    return want(u, KMF_WANT_MODIFY_KEY);
}

kf_err otar_kmf_change_rsi(otar_kmf *kmf, uint32_t rsi, uint32_t old_rsi, uint32_t new_rsi)
{
    kmf_unit *u = served(kmf, rsi);
    if (u == NULL || (u->wants & KMF_WANT_CHANGE_RSI) != 0)
        return KF_E_STATE;
    const bool is_own = old_rsi == u->rsi;
    if (old_rsi == new_rsi || (is_own && (new_rsi == 0 || u->new_rsi != 0)) ||
        kmf_unit_of(kmf, new_rsi) != NULL || (!is_own && kmf_unit_of(kmf, old_rsi) != NULL))
        return KF_E_DENIED;
    u->change_old = old_rsi;
    u->change_new = new_rsi;
    kmf_set_rsi(u, u->rsi, is_own ? new_rsi : u->new_rsi);
    kf_err err = kmf_save_unit(u);
    return err == KF_OK ? want(u, KMF_WANT_CHANGE_RSI) : err;
}

kf_err otar_kmf_set_date_time(otar_kmf *kmf, uint32_t rsi, const p25_date_time *t)
{
    kmf_unit *u = served(kmf, rsi);
    if (u != NULL)
        u->date_time = *t;
    return want(u, KMF_WANT_DATE_TIME);
}

kf_err otar_kmf_set_service(otar_kmf *kmf, uint32_t rsi, bool on)
{
    kmf_unit *u = served(kmf, rsi);
    if (u == NULL)
        return KF_E_STATE;
    u->is_out_of_service = !on;
    kf_err err = kmf_save_unit(u);
    return err != KF_OK || on ? err : want(u, KMF_WANT_NO_SERVICE);
}

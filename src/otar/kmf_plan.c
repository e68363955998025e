/* What a unit is sent next. The rules below are tried in order; the first that applies makes a
 * command. */
#include <string.h>

#include "otar/kmf_parts.h"

/* A message in the making. */
typedef struct draft {
    p25_kmm kmm;
    p25_tek *mac, *outer;
    uint8_t wrapped[OTAR_BATCH_KEYS][P25_WRAPPED_MAX];
    size_t item_count;
    kmf_item items[OTAR_BATCH_KEYS];
    bool has_no_answer;
    kf_err err;
} draft;

/* Which keys a batch is about. */
typedef enum batch_kind { BATCH_ACTIVE, BATCH_NEXT, BATCH_ERASE } batch_kind;

static bool is_in_batch(const kmf_unit *u, size_t g, unsigned slot, batch_kind kind)
{
    const unsigned cg = kmf_group_crypto_group(u->kmf, g);
    const bool is_active = slot == u->kmf->active[cg];
    switch (kind) {
    case BATCH_ACTIVE:
        return is_active && kmf_is_member(u, g) && !kmf_holds(u, g, slot);
    case BATCH_NEXT:
        return !is_active && u->kmf->is_staged[cg] && kmf_is_member(u, g) && !kmf_holds(u, g, slot);
    case BATCH_ERASE:
        return !kmf_is_member(u, g) && u->held[g][slot] != 0;
    }
    return false;
}

/* Up to four keys of one keyset. */
static size_t collect(const kmf_unit *u, batch_kind kind, kmf_item *items)
{
    size_t count = 0;
    uint8_t keyset = 0;
    for (size_t g = 0; g < u->kmf->group_count; g++) {
        for (unsigned slot = 0; slot < 2 && count < OTAR_BATCH_KEYS; slot++) {
            const uint8_t here = kmf_keyset(kmf_group_crypto_group(u->kmf, g), slot);
            if (!is_in_batch(u, g, slot, kind) || (count > 0 && here != keyset))
                continue;
            keyset = here;
            const otar_key *key = kmf_key(u->kmf, g, slot);
            const bool erase = kind == BATCH_ERASE;
            items[count++] =
                (kmf_item){ (uint8_t)g, (uint8_t)slot, erase ? u->held[g][slot] : key->kid, erase };
        }
    }
    return count;
}

static bool uses_another_keyset(const kmf_unit *u, unsigned *crypto_group)
{
    for (size_t g = 0; g < u->kmf->group_count; g++) {
        *crypto_group = kmf_group_crypto_group(u->kmf, g);
        if (kmf_is_member(u, g) && u->active[*crypto_group] != u->kmf->active[*crypto_group])
            return true;
    }
    return false;
}

/* ---- rules: false when the rule does not apply ---- */

static bool try_no_service(kmf_unit *u, draft *d)
{
    if ((u->wants & KMF_WANT_NO_SERVICE) == 0)
        return false;
    u->wants &= ~(unsigned)KMF_WANT_NO_SERVICE;
    d->kmm.frame.message_id = P25_KMM_NO_SERVICE;
    d->has_no_answer = true;
    return true;
}

static bool try_zeroize(kmf_unit *u, draft *d)
{
    d->mac = d->outer = kmf_common(u);
    if (!u->is_condemned || d->mac == NULL)
        return false;
    d->kmm.frame.message_id = P25_KMM_ZEROIZE_CMD;
    return true;
}

static kf_err make_warm_key(kmf_unit *u, uint8_t *wrapped)
{
    kmf_forget_warm(u);
    kf_err err = kmf_take_kid(u->kmf, &u->warm_kid);
    if (err == KF_OK)
        err = kf_secret_new_random(u->kmf->rng, 32, &u->warm);
    if (err == KF_OK)
        kmf_map_put(&u->kmf->by_warm_kid, u->warm_kid, u);
    if (err == KF_OK)
        err = p25_tek_new(P25_ALGID_AES256, u->warm_kid, u->warm, &u->warm_tek);
    if (err == KF_OK)
        err = p25_kek_new(P25_ALGID_AES256, u->warm_kid, u->warm, &u->warm_kek);
    const kf_secret *key = u->warm;
    if (err == KF_OK)
        err = p25_wrap_keys(u->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &key, 1, wrapped);
    return err;
}

static bool try_warm_start(kmf_unit *u, draft *d)
{
    const bool is_asked = (u->wants & KMF_WANT_WARM_START) != 0;
    if (u->is_condemned || u->members == 0 ||
        (!is_asked && (u->warm_is_acked || kmf_common(u) != NULL)))
        return false;
    u->wants &= ~(unsigned)KMF_WANT_WARM_START;
    if (u->kek == NULL) {
        u->is_away = true;
        kmf_tell(u, OTAR_EV_NEEDS_UKEK, P25_KMM_WARM_START_CMD, 0);
        d->err = KF_E_STATE;
        return true;
    }
    d->err = make_warm_key(u, d->wrapped[0]);
    d->kmm.frame.message_id = P25_KMM_WARM_START_CMD;
    d->kmm.body.warm_start = (p25_warm_start){
        .decryption = { .algid = P25_ALGID_AES256, .kid = u->ukek_kid },
        .algid = P25_ALGID_AES256,
        .kid = u->warm_kid,
        .key = { d->wrapped[0], P25_WRAPPED_MAX },
    };
    d->mac = u->warm_tek;
    return true;
}

static kf_err wrap_items(const kmf_unit *u, draft *d, p25_kek *kek, p25_key_item *out)
{
    kf_err err = KF_OK;
    for (size_t i = 0; err == KF_OK && i < d->item_count; i++) {
        const kmf_item *item = &d->items[i];
        out[i] = (p25_key_item){ .erase = item->erase,
                                 .sln = u->kmf->slns[item->group],
                                 .kid = item->kid,
                                 .key = { d->wrapped[i], P25_WRAPPED_MAX } };
        if (item->erase)
            continue;
        const kf_secret *key = kmf_key(u->kmf, item->group, item->slot)->material;
        err = p25_wrap_keys(kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &key, 1, d->wrapped[i]);
    }
    return err;
}

/* How the batch is protected: by the temporary TEK in every role, or by TEK and UKEK. */
static p25_kek *protect(kmf_unit *u, draft *d, p25_decryption *how)
{
    p25_kek *kek = u->warm_is_acked ? u->warm_kek : u->kek;
    d->mac = d->outer = u->warm_is_acked ? u->warm_tek : kmf_common(u);
    *how = (p25_decryption){ .algid = P25_ALGID_CLEAR };
    if (kek != NULL)
        *how = (p25_decryption){ .algid = p25_kek_algid(kek), .kid = p25_kek_kid(kek) };
    return kek;
}

static bool lacks_ukek(kmf_unit *u, draft *d, const p25_kek *kek)
{
    if (kek != NULL || d->items[0].erase)
        return false;
    u->is_away = true;
    kmf_tell(u, OTAR_EV_NEEDS_UKEK, P25_KMM_REKEY_CMD, 0);
    d->err = KF_E_STATE;
    return true;
}

static bool try_batch(kmf_unit *u, draft *d, batch_kind kind)
{
    p25_rekey *r = &d->kmm.body.rekey;
    d->item_count = collect(u, kind, d->items);
    if (d->item_count == 0)
        return false;
    d->kmm.frame.message_id = P25_KMM_REKEY_CMD;
    p25_kek *kek = protect(u, d, &r->decryption);
    if (lacks_ukek(u, d, kek))
        return true;
    r->keyset_count = 1;
    r->keysets[0] = (p25_rekey_keyset){
        .tag.keyset =
            kmf_keyset(kmf_group_crypto_group(u->kmf, d->items[0].group), d->items[0].slot),
        .algid = P25_ALGID_AES256,
        .key_octets = P25_WRAPPED_MAX,
        .count = (uint8_t)d->item_count,
    };
    r->item_count = (uint8_t)d->item_count;
    d->err = wrap_items(u, d, kek, r->items);
    return true;
}

/* The first keys after a warm start, before anything else can be asked. */
static bool try_warm_rekey(kmf_unit *u, draft *d)
{
    return u->warm_is_acked && try_batch(u, d, BATCH_ACTIVE);
}

static bool try_inventory(kmf_unit *u, draft *d)
{
    d->mac = d->outer = kmf_common(u);
    if (u->is_reconciled || d->mac == NULL)
        return false;
    d->kmm.frame.message_id = P25_KMM_INVENTORY_CMD;
    d->kmm.body.inventory_cmd.type =
        u->has_half_inventory ? P25_INVENTORY_INACTIVE_KIDS : P25_INVENTORY_ACTIVE_KIDS;
    return true;
}

static bool try_active(kmf_unit *u, draft *d)
{
    return try_batch(u, d, BATCH_ACTIVE);
}

/* Only when all keys of the active keyset were acknowledged, for this rule comes after. */
static bool try_changeover(kmf_unit *u, draft *d)
{
    unsigned cg = 0;
    d->mac = d->outer = kmf_common(u);
    if (d->mac == NULL || !uses_another_keyset(u, &cg))
        return false;
    d->kmm.frame.message_id = P25_KMM_CHANGEOVER_CMD;
    d->kmm.body.changeover.count = 1;
    d->kmm.body.changeover.pairs[0].superseded = kmf_keyset(cg, u->kmf->active[cg] ^ 1u);
    d->kmm.body.changeover.pairs[0].activated = kmf_keyset(cg, u->kmf->active[cg]);
    return true;
}

static bool try_next(kmf_unit *u, draft *d)
{
    return try_batch(u, d, BATCH_NEXT);
}

static bool try_erase(kmf_unit *u, draft *d)
{
    return kmf_common(u) != NULL && try_batch(u, d, BATCH_ERASE);
}

static bool try_modify_key(kmf_unit *u, draft *d)
{
    p25_modify_key *m = &d->kmm.body.modify_key;
    const size_t g = u->modify_group;
    if (!kmf_is_member(u, g)) /* it left since */
        u->wants &= ~(unsigned)KMF_WANT_MODIFY_KEY;
    if ((u->wants & KMF_WANT_MODIFY_KEY) == 0 || kmf_common(u) == NULL)
        return false;
    u->wants &= ~(unsigned)KMF_WANT_MODIFY_KEY;
    const unsigned cg = kmf_group_crypto_group(u->kmf, g);
    const uint8_t slot = u->kmf->active[cg];
    d->item_count = 1;
    d->items[0] = (kmf_item){ (uint8_t)g, slot, kmf_key(u->kmf, g, slot)->kid, false };
    d->kmm.frame.message_id = P25_KMM_MODIFY_KEY_CMD;
    p25_kek *kek = protect(u, d, &m->decryption);
    if (lacks_ukek(u, d, kek))
        return true;
    m->keyset = kmf_keyset(cg, slot);
    m->algid = P25_ALGID_AES256;
    m->key_octets = P25_WRAPPED_MAX;
    m->item_count = 1;
    d->err = wrap_items(u, d, kek, m->items);
    return true;
}

static bool try_change_rsi(kmf_unit *u, draft *d)
{
    d->mac = d->outer = kmf_common(u);
    if ((u->wants & KMF_WANT_CHANGE_RSI) == 0 || d->mac == NULL)
        return false;
    d->kmm.frame.message_id = P25_KMM_CHANGE_RSI_CMD;
    d->kmm.body.change_rsi = (p25_change_rsi){ .old_rsi = u->change_old, .new_rsi = u->change_new };
    return true;
}

static bool try_date_time(kmf_unit *u, draft *d)
{
    d->mac = d->outer = kmf_common(u);
    if ((u->wants & KMF_WANT_DATE_TIME) == 0 || d->mac == NULL)
        return false;
    u->wants &= ~(unsigned)KMF_WANT_DATE_TIME;
    d->kmm.frame.message_id = P25_KMM_SET_DATE_TIME;
    d->kmm.body.date_time = u->date_time;
    d->has_no_answer = true;
    return true;
}

/* is_for_served: not for a unit that is out of service, condemned or zeroized. */
static const struct {
    bool is_for_served;
    bool (*apply)(kmf_unit *u, draft *d);
} rules[] = {
    { false, try_no_service }, { false, try_zeroize },   { true, try_warm_start },
    { true, try_warm_rekey },  { true, try_inventory },  { true, try_active },
    { true, try_changeover },  { true, try_change_rsi }, { true, try_modify_key },
    { true, try_next },        { true, try_erase },      { true, try_date_time },
};

static bool is_served(const kmf_unit *u)
{
    return u->is_registered && !u->is_out_of_service && !u->is_condemned && !u->is_zeroized;
}

bool kmf_is_settled(const kmf_unit *u)
{
    kmf_item items[OTAR_BATCH_KEYS];
    unsigned cg = 0;
    return is_served(u) && !u->out.is_set && u->is_reconciled && u->wants == 0 &&
           kmf_common(u) != NULL && !uses_another_keyset(u, &cg) &&
           collect(u, BATCH_ACTIVE, items) == 0 && collect(u, BATCH_NEXT, items) == 0 &&
           collect(u, BATCH_ERASE, items) == 0;
}

static bool plan(kmf_unit *u, draft *d)
{
    for (size_t i = 0; i < KF_COUNT(rules); i++) {
        if (rules[i].is_for_served && !is_served(u))
            continue;
        d->mac = d->outer = NULL;
        d->item_count = 0;
        if (rules[i].apply(u, d))
            return true;
    }
    return false;
}

/* ---- sending ---- */

static kf_err number(kmf_unit *u, draft *d)
{
    p25_kmm_frame *f = &d->kmm.frame;
    d->kmm.side = P25_SIDE_OTAR;
    f->source_rsi = u->kmf->config.rsi;
    f->destination_rsi = u->new_rsi != 0 && u->speaks_as != 0 ? u->speaks_as : u->rsi;
    if (f->message_id == P25_KMM_NO_SERVICE)
        return KF_OK;
    f->response_kind = d->has_no_answer ? P25_RK1_NONE : P25_RK3_IMMEDIATE;
    f->has_mn = true;
    kf_err err = p25_counter_take(&u->counter, &f->mn);
    if (f->message_id == P25_KMM_CHANGE_RSI_CMD)
        d->kmm.body.change_rsi.mn = f->mn; /* our numbers go on from there */
    return err;
}

static void await(kmf_unit *u, kf_time now, const draft *d, kf_slice octets)
{
    kmf_outstanding *o = &u->out;
    o->is_set = true;
    o->message_id = d->kmm.frame.message_id;
    if (o->message_id == P25_KMM_INVENTORY_CMD)
        o->inventory_type = d->kmm.body.inventory_cmd.type;
    o->number = d->kmm.frame.mn;
    o->sealed_kid = d->outer == NULL ? 0 : p25_tek_kid(d->outer);
    o->due = now + (kf_time)u->kmf->config.retry_seconds;
    o->tries = 1;
    o->item_count = d->item_count;
    memcpy(o->items, d->items, sizeof o->items);
    o->len = octets.len;
    memcpy(o->octets, octets.ptr, octets.len);
}

static kf_err send_planned(kmf_unit *u, kf_time now, draft *d, kf_writer *out)
{
    const p25_seal how = { .mac = d->mac, .scheme = u->mac.scheme, .outer = d->outer };
    const size_t start = out->len;
    kf_err err = number(u, d);
    if (err == KF_OK)
        err = p25_seal_dli(&how, &d->kmm, u->kmf->rng, out);
    if (err != KF_OK)
        return err;
    if (!d->has_no_answer)
        await(u, now, d, (kf_slice){ out->buf + start, out->len - start });
    kmf_tell(u, OTAR_EV_SENT, d->kmm.frame.message_id, 0);
    return KF_OK;
}

/* The same octets again, or the end of it. */
static kf_err wait_on(kmf_unit *u, kf_time now, kf_writer *out)
{
    kmf_outstanding *o = &u->out;
    if (now < o->due)
        return KF_OK;
    if (o->tries >= u->kmf->config.tries) {
        kmf_abandon(u);
        kmf_forget_warm(u);
        u->is_away = true;
        kmf_tell(u, OTAR_EV_AWAY, o->message_id, 0);
        return KF_OK;
    }
    o->tries++;
    o->due = now + (kf_time)u->kmf->config.retry_seconds;
    kf_write_octets(out, o->octets, o->len);
    kmf_tell(u, OTAR_EV_RETRIED, o->message_id, 0);
    return out->err;
}

static kf_err next_of_unit(kmf_unit *u, kf_time now, kf_writer *out)
{
    draft d = { .err = KF_OK };
    if (u->out.is_set)
        return wait_on(u, now, out);
    if (u->is_away || !u->is_registered || !plan(u, &d))
        return KF_OK;
    if (d.err == KF_E_STATE) /* it needs a UKEK; the operator was told */
        return KF_OK;
    return d.err != KF_OK ? d.err : send_planned(u, now, &d, out);
}

void kmf_appoint(kmf_unit *u)
{
    kmf_queue *queue = &u->kmf->queue;
    if (u->out.is_set)
        kmf_queue_wait(queue, &u->turn, u->out.due);
    else
        kmf_queue_forget(queue, &u->turn);
}

kf_err otar_kmf_next(otar_kmf *kmf, kf_time now, uint32_t *rsi, kf_writer *out)
{
    const size_t start = out->len;
    kf_err err = kmf->has_stopped ? KF_E_STATE : KF_OK;
    kmf_unit *u = NULL;
    *rsi = 0;
    while (err == KF_OK && out->len == start && (u = kmf_queue_take(&kmf->queue, now)) != NULL) {
        kmf->looks++;
        err = next_of_unit(u, now, out);
        *rsi = u->rsi;
        kmf_appoint(u);
        /* What needs no answer may be followed by more at once; what failed is tried again. */
        if (err != KF_OK || (out->len != start && !u->out.is_set))
            kmf_queue_ready(&kmf->queue, &u->turn);
    }
    return err;
}

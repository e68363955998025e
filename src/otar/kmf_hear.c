/* What the KMF makes of a message from a unit. */
#include <string.h>

#include "otar/kmf_parts.h"

#define STATUS_PERFORMED      0x00u
#define STATUS_NOT_PERFORMED  0x01u
#define STATUS_DOES_NOT_EXIST 0x02u

/* A message that passed all checks. */
typedef struct heard {
    otar_kmf *kmf;
    kmf_unit *unit;
    const p25_opened *in;
    kf_writer *out;
    bool has_changed; /* the unit's record */
} heard;

/* ---- what the codec asks us ---- */

static p25_tek *find_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    otar_kmf *kmf = ctx;
    otar_key *key = otar_keys_named(&kmf->keys, false, algid, kid);
    if (key != NULL)
        return key->tek;
    const kmf_unit *u = algid == P25_ALGID_AES256 ? kmf_map_get(&kmf->by_warm_kid, kid) : NULL;
    return u == NULL ? NULL : u->warm_tek;
}

static bool find_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    otar_kmf *kmf = ctx;
    kmf_unit *u = kmf_unit_of(kmf, frame->source_rsi);
    if (u == NULL || frame->destination_rsi != kmf->config.rsi)
        return false;
    /* An operator who begins anew says that the keys we think it has are lost. */
    const bool is_keyed = kmf_common(u) != NULL && (u->wants & KMF_WANT_WARM_START) == 0;
    *out = (p25_peer){ &u->mac, NULL, u->level, is_keyed };
    return true;
}

/* Is the key of the MAC one that this unit may have? */
static bool key_is_theirs(const kmf_unit *u, uint16_t kid)
{
    if (u->warm != NULL && u->warm_kid == kid)
        return true;
    for (size_t g = 0; g < u->kmf->group_count; g++)
        for (unsigned slot = 0; slot < 2; slot++) {
            const otar_key *key = kmf_key(u->kmf, g, slot);
            if (key != NULL && key->kid == kid && (kmf_is_member(u, g) || kmf_holds(u, g, slot)))
                return true;
        }
    return false;
}

/* ---- outcome of a command ---- */

static void succeed(heard *h)
{
    kmf_unit *u = h->unit;
    u->out.is_set = false;
    u->strikes = 0;
    kmf_tell(u, OTAR_EV_ACKNOWLEDGED, u->out.message_id, STATUS_PERFORMED);
}

/* It answered, and not as it should: ask what it holds, and stop when that does not help. */
static void fail(heard *h, uint8_t status)
{
    kmf_unit *u = h->unit;
    kmf_abandon(u);
    kmf_forget_warm(u);
    u->is_away = ++u->strikes >= KMF_STRIKES_MAX;
    kmf_tell(u, u->is_away ? OTAR_EV_AWAY : OTAR_EV_REFUSED, u->out.message_id, status);
}

static void lose_key(kmf_unit *u, uint16_t kid)
{
    for (size_t g = 0; g < OTAR_GROUPS_MAX; g++)
        for (unsigned slot = 0; slot < 2; slot++)
            if (u->held[g][slot] == kid)
                kmf_set_held(u, g, slot, 0);
}

/* ---- messages that a unit sends by itself ---- */

static void wake(heard *h)
{
    h->unit->is_away = false;
    h->unit->strikes = 0;
    kmf_tell(h->unit, OTAR_EV_HEARD, h->in->frame.message_id, 0);
    if (h->unit->is_out_of_service || h->unit->is_zeroized)
        h->unit->wants |= KMF_WANT_NO_SERVICE;
}

static kf_err answer_registration(heard *h, uint8_t status)
{
    const p25_kmm_frame *f = &h->in->frame;
    p25_tek *tek = f->mac.kind == P25_MAC_NONE ? NULL : find_tek(h->kmf, f->mac.algid, f->mac.kid);
    const p25_seal how = { .mac = tek, .scheme = h->unit->mac.scheme, .outer = tek };
    p25_kmm kmm = { .side = P25_SIDE_OTAR };
    kmm.frame.message_id = f->message_id == P25_KMM_REGISTRATION_CMD ? P25_KMM_REGISTRATION_RSP
                                                                     : P25_KMM_DEREGISTRATION_RSP;
    kmm.frame.destination_rsi = f->source_rsi;
    kmm.frame.source_rsi = h->kmf->config.rsi;
    kmm.frame.has_mn = f->has_mn;
    kmm.frame.mn = f->mn;
    kmm.body.status = status;
    return p25_seal_dli(&how, &kmm, h->kmf->rng, h->out);
}

static kf_err hear_registration(heard *h)
{
    const bool is_on = h->in->frame.message_id == P25_KMM_REGISTRATION_CMD;
    if (h->in->kmm.body.registration.kmf_rsi != h->kmf->config.rsi)
        return answer_registration(h, STATUS_NOT_PERFORMED);
    h->has_changed = h->unit->is_registered != is_on;
    h->unit->is_registered = is_on;
    wake(h);
    return answer_registration(h, STATUS_PERFORMED);
}

static kf_err hear_hello(heard *h)
{
    kmf_unit *u = h->unit;
    wake(h);
    if (h->in->kmm.body.hello == P25_HELLO_REKEY_NO_UKEK && kmf_common(u) == NULL)
        kmf_tell(u, OTAR_EV_NEEDS_UKEK, P25_KMM_HELLO, 0);
    if (h->in->kmm.body.hello != P25_HELLO_IDENTIFY)
        u->is_reconciled = u->has_half_inventory = false;
    return KF_OK;
}

/* Anybody can send this; it counts only for the key of the command that waits for an answer. */
static kf_err hear_unable(heard *h)
{
    kmf_unit *u = h->unit;
    const uint16_t kid = h->in->kmm.body.utd.kid;
    if (!u->out.is_set || u->out.sealed_kid == 0 || u->out.sealed_kid != kid)
        return KF_OK;
    lose_key(u, kid);
    fail(h, h->in->kmm.body.utd.status);
    h->has_changed = true;
    return KF_OK;
}

/* ---- answers ---- */

static void take_status(heard *h, const kmf_item *item, uint8_t status)
{
    const bool is_gone = item->erase && status == STATUS_DOES_NOT_EXIST;
    h->has_changed = true;
    if (status == STATUS_PERFORMED || is_gone)
        kmf_set_held(h->unit, item->group, item->slot, item->erase ? 0 : item->kid);
    else
        kmf_tell(h->unit, OTAR_EV_KEY_NOT_TAKEN, h->unit->out.message_id, status);
}

static size_t take_statuses(heard *h, const p25_rekey_ack *ack)
{
    const kmf_outstanding *o = &h->unit->out;
    size_t taken = 0;
    for (size_t i = 0; i < o->item_count; i++)
        for (size_t k = 0; k < ack->count; k++)
            if (ack->keys[k].kid == o->items[i].kid) {
                take_status(h, &o->items[i], ack->keys[k].status);
                taken += ack->keys[k].status == STATUS_PERFORMED ||
                                 (o->items[i].erase && ack->keys[k].status == STATUS_DOES_NOT_EXIST)
                             ? 1u
                             : 0u;
                break;
            }
    return taken;
}

static kf_err hear_warm_ack(heard *h, const p25_rekey_ack *ack)
{
    kmf_unit *u = h->unit;
    if (h->in->frame.mac.kid != u->warm_kid || ack->count != 1 ||
        ack->keys[0].status != STATUS_PERFORMED) {
        fail(h, ack->count == 1 ? ack->keys[0].status : STATUS_NOT_PERFORMED);
        return KF_OK;
    }
    succeed(h);
    /* Whatever it held is in doubt: all of it is sent again. */
    kmf_forget_held(u);
    u->warm_is_acked = true;
    u->is_reconciled = u->has_half_inventory = false;
    h->has_changed = true;
    return KF_OK;
}

static kf_err hear_rekey_ack(heard *h)
{
    const p25_rekey_ack *ack = &h->in->kmm.body.rekey_ack;
    kmf_unit *u = h->unit;
    if (ack->acked_id != u->out.message_id)
        return KF_OK;
    if (u->out.message_id == P25_KMM_WARM_START_CMD)
        return hear_warm_ack(h, ack);
    const size_t taken = take_statuses(h, ack);
    /* spec: facts 2.5 step 6 - the temporary key ends here on both sides */
    kmf_forget_warm(u);
    if (taken == u->out.item_count)
        succeed(h);
    else
        fail(h, STATUS_NOT_PERFORMED);
    return KF_OK;
}

static kf_err hear_changeover(heard *h)
{
    const p25_changeover *c = &h->in->kmm.body.changeover;
    kmf_unit *u = h->unit;
    if (c->count == 0) {
        fail(h, STATUS_NOT_PERFORMED);
        return KF_OK;
    }
    for (size_t i = 0; i < c->count; i++)
        if (c->pairs[i].activated != 0)
            u->active[p25_keyset_crypto_group(c->pairs[i].activated)] =
                (uint8_t)((c->pairs[i].activated - 1u) & 0x0fu);
    succeed(h);
    return KF_OK;
}

static void see_kid(kmf_unit *u, uint8_t keyset, uint16_t kid)
{
    for (size_t g = 0; g < u->kmf->group_count; g++)
        for (unsigned slot = 0; slot < 2; slot++) {
            const otar_key *key = kmf_key(u->kmf, g, slot);
            if (keyset != kmf_keyset(kmf_group_crypto_group(u->kmf, g), slot))
                continue;
            if (key != NULL && key->kid == kid)
                kmf_set_held(u, g, slot, kid);
            u->seen[g][slot] = u->seen[g][slot] || u->held[g][slot] == kid;
        }
}

/* What it holds is what it says: the rest was lost. */
static void reconcile(kmf_unit *u)
{
    for (size_t g = 0; g < OTAR_GROUPS_MAX; g++)
        for (unsigned slot = 0; slot < 2; slot++)
            if (!u->seen[g][slot])
                kmf_set_held(u, g, slot, 0);
    u->has_half_inventory = false;
    u->is_reconciled = true;
}

static kf_err hear_inventory(heard *h)
{
    const p25_inventory_rsp *rsp = &h->in->kmm.body.inventory_rsp;
    const p25_kid_lists *lists = &rsp->of.kids;
    kmf_unit *u = h->unit;
    if (rsp->type != u->out.inventory_type)
        return KF_OK;
    const bool is_first = rsp->type == P25_INVENTORY_ACTIVE_KIDS;
    if (is_first) {
        memset(u->seen, 0, sizeof u->seen);
        memset(u->active, KMF_ACTIVE_NONE, sizeof u->active);
    }
    for (size_t i = 0; i < lists->count; i++) {
        const p25_kid_list *list = &lists->lists[i];
        if (list->keyset == 0)
            continue;
        if (is_first)
            u->active[p25_keyset_crypto_group(list->keyset)] =
                (uint8_t)((list->keyset - 1u) & 0x0fu);
        for (size_t k = 0; k < list->count && list->algid == P25_ALGID_AES256; k++)
            see_kid(u, list->keyset, lists->kids[list->first + k]);
    }
    u->has_half_inventory = is_first;
    if (!is_first)
        reconcile(u);
    h->has_changed = true;
    succeed(h);
    return KF_OK;
}

static kf_err hear_zeroize(heard *h)
{
    kmf_unit *u = h->unit;
    succeed(h);
    kmf_forget_held(u);
    kmf_forget_warm(u);
    u->is_zeroized = true;
    h->has_changed = true;
    kmf_tell(u, OTAR_EV_ZEROIZED, P25_KMM_ZEROIZE_CMD, STATUS_PERFORMED);
    return KF_OK;
}

static kf_err hear_change_rsi(heard *h)
{
    const p25_change_rsi *c = &h->in->kmm.body.change_rsi;
    kmf_unit *u = h->unit;
    u->wants &= ~(unsigned)KMF_WANT_CHANGE_RSI;
    if (c->status == STATUS_PERFORMED && u->change_old == u->rsi)
        kmf_set_rsi(u, u->change_new, 0);
    if (c->status == STATUS_PERFORMED)
        succeed(h);
    else
        fail(h, c->status);
    kmf_set_rsi(u, u->rsi, 0);
    u->speaks_as = 0;
    h->has_changed = true;
    return KF_OK;
}

static kf_err hear_negative(heard *h)
{
    const p25_negative_ack *n = &h->in->kmm.body.negative_ack;
    kmf_unit *u = h->unit;
    if (n->acked_id != u->out.message_id)
        return KF_OK;
    if (n->status == STATUS_DOES_NOT_EXIST)
        lose_key(u, u->out.sealed_kid);
    if (u->out.message_id == P25_KMM_CHANGE_RSI_CMD) {
        u->wants &= ~(unsigned)KMF_WANT_CHANGE_RSI;
        u->speaks_as = 0;
        kmf_set_rsi(u, u->rsi, 0);
    }
    fail(h, n->status);
    h->has_changed = true;
    return KF_OK;
}

/* command: what must be outstanding with the same number; Null: the unit speaks by itself. */
static const struct {
    uint8_t message_id;
    uint8_t command;
    kf_err (*hear)(heard *h);
} hearers[] = {
    { P25_KMM_REGISTRATION_CMD, P25_KMM_NULL, hear_registration },
    { P25_KMM_DEREGISTRATION_CMD, P25_KMM_NULL, hear_registration },
    { P25_KMM_HELLO, P25_KMM_NULL, hear_hello },
    { P25_KMM_UNABLE_TO_DECRYPT, P25_KMM_NULL, hear_unable },
    { P25_KMM_REKEY_ACK, P25_KMM_REKEY_CMD, hear_rekey_ack },
    { P25_KMM_REKEY_ACK, P25_KMM_MODIFY_KEY_CMD, hear_rekey_ack },
    { P25_KMM_REKEY_ACK, P25_KMM_WARM_START_CMD, hear_rekey_ack },
    { P25_KMM_CHANGEOVER_RSP, P25_KMM_CHANGEOVER_CMD, hear_changeover },
    { P25_KMM_INVENTORY_RSP, P25_KMM_INVENTORY_CMD, hear_inventory },
    { P25_KMM_ZEROIZE_RSP, P25_KMM_ZEROIZE_CMD, hear_zeroize },
    { P25_KMM_CHANGE_RSI_RSP, P25_KMM_CHANGE_RSI_CMD, hear_change_rsi },
};

static kf_err drop(const heard *h)
{
    kmf_tell(h->unit, OTAR_EV_REFUSED, h->in->frame.message_id, P25_STATUS_NONE);
    return KF_OK;
}

static kf_err dispatch(heard *h)
{
    const p25_kmm_frame *f = &h->in->frame;
    const kmf_outstanding *o = &h->unit->out;
    const bool is_answer = o->is_set && h->in->authenticated && f->has_mn && f->mn == o->number;

    if (f->message_id == P25_KMM_NEGATIVE_ACK)
        return is_answer ? hear_negative(h) : drop(h);
    for (size_t i = 0; i < KF_COUNT(hearers); i++) {
        if (hearers[i].message_id != f->message_id)
            continue;
        if (hearers[i].command == P25_KMM_NULL ||
            (is_answer && hearers[i].command == o->message_id))
            return hearers[i].hear(h);
    }
    return drop(h);
}

/*
 * The unit may have changed its RSI while its answer was lost. What it proves is believed; from a
 * message without a MAC follows only where to ask.
 */
static void note_address(heard *h)
{
    kmf_unit *u = h->unit;
    u->speaks_as = h->in->frame.source_rsi;
    if (!h->in->authenticated || u->new_rsi == 0 || u->speaks_as != u->new_rsi)
        return;
    kmf_set_rsi(u, u->new_rsi, 0);
    u->speaks_as = 0;
    u->wants &= ~(unsigned)KMF_WANT_CHANGE_RSI;
    if (u->out.is_set && u->out.message_id == P25_KMM_CHANGE_RSI_CMD)
        kmf_abandon(u);
    h->has_changed = true;
}

static kf_err judge(heard *h)
{
    const p25_kmm_frame *f = &h->in->frame;
    const bool registers =
        f->message_id == P25_KMM_REGISTRATION_CMD || f->message_id == P25_KMM_DEREGISTRATION_CMD;
    /* spec: facts 1.4.2, 1.10 - registration first; a delayed response kind is dropped */
    if ((!registers && !h->unit->is_registered) || f->response_kind == P25_RK2_DELAYED ||
        h->in->kmm.is_opaque || (h->in->authenticated && !key_is_theirs(h->unit, f->mac.kid)))
        return drop(h);
    const size_t start = h->out->len;
    note_address(h);
    kf_err err = dispatch(h);
    if (err == KF_OK && h->has_changed)
        err = kmf_save_unit(h->unit);
    if (err != KF_OK)
        h->out->len = start;
    if (err == KF_OK && kmf_is_settled(h->unit))
        kmf_tell(h->unit, OTAR_EV_SETTLED, f->message_id, STATUS_PERFORMED);
    return err;
}

kf_err otar_kmf_receive(otar_kmf *kmf, kf_time now, kf_slice datagram, kf_writer *out)
{
    const p25_opener with = { kmf, find_tek, NULL, find_peer };
    p25_opened in;
    kf_fault fault;
    kf_err err = KF_OK;

    (void)now;
    if (kmf->has_stopped)
        return KF_E_STATE;
    err = p25_open_dli(&with, P25_SIDE_OTAR, datagram, &in, &fault);
    if (err == KF_OK) {
        heard h = { kmf, kmf_unit_of(kmf, in.frame.source_rsi), &in, out, false };
        const bool was_asked = h.unit->out.is_set;
        err = judge(&h);
        kmf_appoint(h.unit);
        if (was_asked && !h.unit->out.is_set)
            kmf_queue_urgent(&kmf->queue, &h.unit->turn);
        else
            kmf_queue_ready(&kmf->queue, &h.unit->turn);
    } else if (err != KF_E_NO_MEMORY && err != KF_E_BACKEND) {
        err = KF_OK; /* dropped */
    }
    p25_opened_clear(&in);
    return err;
}

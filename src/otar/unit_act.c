/* What the subscriber does on each command: one small function each, and the table of them. */
#include <string.h>

#include "otar/unit_parts.h"

void unit_refuse(unit_request *q, uint8_t status)
{
    const p25_kmm_frame *f = &q->in->frame;
    q->answer.frame.message_id = P25_KMM_NEGATIVE_ACK;
    q->answer.body.negative_ack = (p25_negative_ack){ f->message_id, f->mn, status };
}

/* ---- keys ---- */

/* Where the keys of one keyset entry go. */
typedef struct key_target {
    uint8_t keyset;
    uint8_t algid;
    otar_key *kek;
    bool proves; /* a delivered TEK shall authenticate the answer */
} key_target;

static uint8_t status_of(kf_err err)
{
    switch (err) {
    case KF_OK:
        return OTAR_STATUS_PERFORMED;
    case KF_E_AUTH:
        return OTAR_STATUS_COULD_NOT_OPEN;
    case KF_E_UNSUPPORTED:
    case KF_E_DENIED:
        return OTAR_STATUS_INVALID_ALGID;
    case KF_E_NO_SPACE:
    case KF_E_NO_MEMORY:
        return OTAR_STATUS_NO_MEMORY;
    default:
        return OTAR_STATUS_NOT_PERFORMED;
    }
}

static uint8_t erase_key(otar_unit *u, const key_target *t, const p25_key_item *item)
{
    otar_key *key = otar_keys_at(&u->keys, t->keyset, item->sln);
    if (key == NULL || key->kid != item->kid || key->is_kek != item->is_kek)
        return OTAR_STATUS_DOES_NOT_EXIST;
    otar_keys_remove(&u->keys, key);
    return OTAR_STATUS_PERFORMED;
}

static uint8_t install_key(unit_request *q, const key_target *t, const p25_key_item *item)
{
    otar_unit *u = q->unit;
    const otar_key where = { .keyset = t->keyset,
                             .sln = item->sln,
                             .algid = t->algid,
                             .kid = item->kid,
                             .is_kek = item->is_kek };
    kf_secret *material = NULL;
    if (t->kek == NULL)
        return OTAR_STATUS_COULD_NOT_OPEN;
    kf_err err = p25_unwrap_key(t->kek->kek, t->algid, item->key, &material);
    if (err == KF_OK)
        err = otar_keys_put(&u->keys, &where, &material);
    if (err != KF_OK)
        return status_of(err);
    /* spec: facts 2.5 step 6 - the last acknowledgment is authenticated with a delivered TEK */
    if (t->proves && q->seal_with != NULL && t->algid == P25_ALGID_AES256 && !item->is_kek) {
        otar_key *key = otar_keys_at(&u->keys, t->keyset, item->sln);
        if (!q->forget_warm) {
            q->seal_with = key->tek;
            q->forget_warm = true;
        }
    }
    return OTAR_STATUS_PERFORMED;
}

static void take_keys(unit_request *q, const key_target *t, const p25_key_item *items, size_t count)
{
    p25_rekey_ack *ack = &q->answer.body.rekey_ack;
    for (size_t i = 0; i < count; i++) {
        uint8_t status =
            items[i].erase ? erase_key(q->unit, t, &items[i]) : install_key(q, t, &items[i]);
        ack->keys[ack->count++] = (p25_key_status){ t->algid, items[i].kid, status };
    }
}

static void start_ack(unit_request *q)
{
    q->answer.frame.message_id = P25_KMM_REKEY_ACK;
    q->answer.body.rekey_ack = (p25_rekey_ack){ .acked_id = (uint8_t)q->in->frame.message_id };
}

static key_target target_of(unit_request *q, const p25_decryption *how)
{
    otar_keys *keys = &q->unit->keys;
    otar_key *kek = otar_keys_named(keys, true, how->algid, how->kid);
    return (key_target){ .kek = kek, .proves = kek != NULL && kek->is_temporary };
}

static void do_rekey(unit_request *q)
{
    const p25_rekey *r = &q->in->kmm.body.rekey;
    key_target t = target_of(q, &r->decryption);
    start_ack(q);
    for (size_t i = 0; i < r->keyset_count; i++) {
        t.keyset = r->keysets[i].tag.keyset;
        t.algid = r->keysets[i].algid;
        take_keys(q, &t, r->items + r->keysets[i].first, r->keysets[i].count);
    }
    /* A failed one ends the warm start too. */
    q->forget_warm = q->forget_warm || t.proves;
}

static void do_modify_key(unit_request *q)
{
    const p25_modify_key *m = &q->in->kmm.body.modify_key;
    key_target t = target_of(q, &m->decryption);
    t.keyset = m->keyset;
    t.algid = m->algid;
    start_ack(q);
    take_keys(q, &t, m->items, m->item_count);
    q->forget_warm = q->forget_warm || t.proves;
}

static void do_warm_start(unit_request *q)
{
    const p25_warm_start *w = &q->in->kmm.body.warm_start;
    otar_unit *u = q->unit;
    const otar_key where = { .algid = w->algid, .kid = w->kid, .is_temporary = true };
    start_ack(q);
    kf_err err = KF_E_MALFORMED;
    /* A name that a stored key has already would make later look-ups ambiguous. */
    otar_key *same = otar_keys_named(&u->keys, false, w->algid, w->kid);
    if (same == NULL || same->is_temporary)
        err = otar_keys_put(&u->keys, &where, &q->in->warm_key);
    if (err == KF_OK) {
        u->warm_since = q->now;
        q->seal_with = otar_keys_temporary(&u->keys)->tek;
    } else if (q->in->warm_key != NULL &&
               p25_tek_new(w->algid, w->kid, q->in->warm_key, &q->own_seal) == KF_OK) {
        q->seal_with = q->own_seal; /* both ends know it, so it can carry the refusal */
    }
    p25_rekey_ack *ack = &q->answer.body.rekey_ack;
    ack->keys[ack->count++] = (p25_key_status){ w->algid, w->kid, status_of(err) };
}

static void do_zeroize(unit_request *q)
{
    q->answer.frame.message_id = P25_KMM_ZEROIZE_RSP;
    q->forget_all = true;
}

/* ---- keysets ---- */

static void do_changeover(unit_request *q)
{
    const p25_changeover *c = &q->in->kmm.body.changeover;
    p25_changeover *done = &q->answer.body.changeover;
    q->answer.frame.message_id = P25_KMM_CHANGEOVER_RSP;
    for (size_t i = 0; i < c->count; i++)
        if (otar_keys_activate(&q->unit->keys, c->pairs[i].activated))
            done->pairs[done->count++] = c->pairs[i];
}

static void do_modify_keyset(unit_request *q)
{
    const p25_keyset_tags *t = &q->in->kmm.body.modify_keyset;
    p25_keyset_statuses *s = &q->answer.body.keyset_statuses;
    q->answer.frame.message_id = P25_KMM_MODIFY_KEYSET_RSP;
    for (size_t i = 0; i < t->count; i++) {
        s->keysets[s->count].keyset = t->tags[i].keyset;
        /* Names and activation times of keysets are not kept (README). */
        s->keysets[s->count].status = otar_keys_has_keyset(&q->unit->keys, t->tags[i].keyset)
                                          ? OTAR_STATUS_NOT_PERFORMED
                                          : OTAR_STATUS_DOES_NOT_EXIST;
        s->count++;
    }
}

/* ---- identity and the rest ---- */

#define RSI_EVERYBODY 0xffffffu

static size_t find_group(const otar_unit *u, uint32_t rsi)
{
    size_t at = 0;
    while (at < u->group_count && u->groups[at].rsi != rsi)
        at++;
    return at;
}

static uint8_t change_group(otar_unit *u, const p25_change_rsi *c)
{
    /* To add one we have is to start its numbers anew: it must not be there twice. */
    const size_t same = find_group(u, c->new_rsi);
    size_t at = c->old_rsi == 0 ? same : find_group(u, c->old_rsi);
    if (same < u->group_count && at != same)
        return OTAR_STATUS_NOT_PERFORMED;
    if (c->old_rsi == 0 && at == u->group_count) {
        if (u->group_count == OTAR_UNIT_GROUPS_MAX)
            return OTAR_STATUS_NO_MEMORY;
        at = u->group_count++;
    } else if (at == u->group_count) {
        return OTAR_STATUS_DOES_NOT_EXIST;
    }
    if (c->new_rsi == 0) {
        u->groups[at] = u->groups[--u->group_count];
        return OTAR_STATUS_PERFORMED;
    }
    u->groups[at].rsi = c->new_rsi;
    p25_mn_state_init(&u->groups[at].mn, c->mn, u->config.mnp);
    return OTAR_STATUS_PERFORMED;
}

static uint8_t change_rsi(unit_request *q, const p25_change_rsi *c)
{
    otar_unit *u = q->unit;
    if ((c->old_rsi == 0 && c->new_rsi == 0) || c->new_rsi == u->config.kmf_rsi ||
        c->new_rsi == RSI_EVERYBODY)
        return OTAR_STATUS_NOT_PERFORMED;
    if (c->old_rsi != u->own.rsi)
        return c->new_rsi == u->own.rsi ? OTAR_STATUS_NOT_PERFORMED : change_group(u, c);
    /* Never without an individual RSI, nor with a group's. */
    if (c->new_rsi == 0 || find_group(u, c->new_rsi) < u->group_count)
        return OTAR_STATUS_NOT_PERFORMED;
    u->own.rsi = c->new_rsi;
    p25_mn_state_init(&u->own.mn, c->mn, u->config.mnp);
    return OTAR_STATUS_PERFORMED;
}

static void do_change_rsi(unit_request *q)
{
    const p25_change_rsi *c = &q->in->kmm.body.change_rsi;
    q->answer.frame.message_id = P25_KMM_CHANGE_RSI_RSP;
    q->answer.body.change_rsi = *c;
    q->answer.body.change_rsi.status = change_rsi(q, c);
}

/* spec: facts 2.6 - the last number is one of its source, so another KMF begins with 1 */
static void configure_numbers(p25_mn_state *mn, uint16_t window, bool has_new_source)
{
    mn->window = window;
    if (has_new_source)
        p25_mn_state_init(mn, 0, window);
}

/* A window of 0 would refuse every number there is. */
static uint8_t load_config(otar_unit *u, const p25_load_config *c)
{
    const bool has_new_source = c->kmf_rsi != u->config.kmf_rsi;
    if (c->mnp == 0 || c->kmf_rsi == 0 || c->kmf_rsi == RSI_EVERYBODY || c->kmf_rsi == u->own.rsi ||
        find_group(u, c->kmf_rsi) < u->group_count)
        return OTAR_STATUS_NOT_PERFORMED;
    u->config.kmf_rsi = c->kmf_rsi;
    u->config.mnp = c->mnp;
    configure_numbers(&u->own.mn, c->mnp, has_new_source);
    for (size_t i = 0; i < u->group_count; i++)
        configure_numbers(&u->groups[i].mn, c->mnp, has_new_source);
    return OTAR_STATUS_PERFORMED;
}

static void do_load_config(unit_request *q)
{
    const p25_load_config *c = &q->in->kmm.body.load_config;
    q->answer.frame.message_id = P25_KMM_LOAD_CONFIG_RSP;
    q->answer.body.load_config = *c;
    q->answer.body.load_config.status = load_config(q->unit, c);
}

static void do_capabilities(unit_request *q)
{
    static const uint8_t algids[] = { P25_ALGID_DES, P25_ALGID_TDEA, P25_ALGID_AES256,
                                      P25_ALGID_ADP };
    static const uint8_t services[] = { 0x01, 0x06, 0x0a, 0x1f };
    static const uint8_t messages[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x0d, 0x0e,
                                        0x13, 0x14, 0x15, 0x16, 0x17, 0x1d, 0x1e, 0x1f, 0x20,
                                        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0xfc, 0xfd };
    q->answer.frame.message_id = P25_KMM_CAPABILITIES_RSP;
    q->answer.body.capabilities =
        (p25_capabilities){ KF_SLICE_OF(algids), KF_SLICE_OF(services), KF_SLICE_OF(messages) };
}

static void tell(unit_request *q, otar_event_kind kind, uint8_t status)
{
    const otar_watch *watch = &q->unit->watch;
    otar_event e = { .kind = kind, .rsi = q->unit->own.rsi, .status = status };
    e.message_id = q->in->frame.message_id;
    if (kind == OTAR_EV_DATE_TIME)
        e.date_time = q->in->kmm.body.date_time;
    if (watch->event != NULL)
        watch->event(watch->ctx, &e);
}

static void do_date_time(unit_request *q)
{
    if (p25_date_time_is_valid(&q->in->kmm.body.date_time))
        tell(q, OTAR_EV_DATE_TIME, OTAR_STATUS_PERFORMED);
}

static void do_no_service(unit_request *q)
{
    tell(q, OTAR_EV_NO_SERVICE, OTAR_STATUS_PERFORMED);
}

static void do_registration_rsp(unit_request *q)
{
    if (q->in->kmm.body.status == OTAR_STATUS_PERFORMED)
        q->unit->is_registered = q->in->frame.message_id == P25_KMM_REGISTRATION_RSP;
}

/* A Hello of the KMF needs nothing. */
static void do_nothing(unit_request *q)
{
    (void)q;
}

static const struct {
    uint8_t message_id;
    unit_action *act;
} actions[] = {
    { P25_KMM_CAPABILITIES_CMD, do_capabilities },
    { P25_KMM_CHANGE_RSI_CMD, do_change_rsi },
    { P25_KMM_CHANGEOVER_CMD, do_changeover },
    { P25_KMM_HELLO, do_nothing },
    { P25_KMM_INVENTORY_CMD, unit_inventory },
    { P25_KMM_MODIFY_KEY_CMD, do_modify_key },
    { P25_KMM_MODIFY_KEYSET_CMD, do_modify_keyset },
    { P25_KMM_NO_SERVICE, do_no_service },
    { P25_KMM_REKEY_CMD, do_rekey },
    { P25_KMM_SET_DATE_TIME, do_date_time },
    { P25_KMM_WARM_START_CMD, do_warm_start },
    { P25_KMM_ZEROIZE_CMD, do_zeroize },
    { P25_KMM_DEREGISTRATION_RSP, do_registration_rsp },
    { P25_KMM_REGISTRATION_RSP, do_registration_rsp },
    { P25_KMM_LOAD_CONFIG_CMD, do_load_config },
};

unit_action *unit_action_of(unsigned message_id)
{
    for (size_t i = 0; i < KF_COUNT(actions); i++)
        if (actions[i].message_id == message_id)
            return actions[i].act;
    return NULL;
}

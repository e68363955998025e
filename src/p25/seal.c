#include "p25/seal.h"

#include <string.h>

/* Status codes of facts 1.8. */
#define STATUS_DOES_NOT_EXIST 0x02u
#define STATUS_INVALID_MAC    0x04u
#define STATUS_COULD_NOT_OPEN 0x06u
#define STATUS_INVALID_NUMBER 0x07u
#define STATUS_INVALID_KID    0x08u
#define STATUS_INVALID_ALGID  0x09u
#define STATUS_INVALID_MFID   0x0au
#define STATUS_MI_IS_ZERO     0x0cu

/* spec: facts 1.5 - what may go with less; all that is not named needs both layers. */
static const struct {
    uint8_t message_id;
    p25_protection is;
} protections[] = {
    { P25_KMM_HELLO, { true, true, false, true, false } },
    { P25_KMM_NO_SERVICE, { true, true, false, false, false } },
    { P25_KMM_REGISTRATION_CMD, { true, true, false, true, false } },
    { P25_KMM_REGISTRATION_RSP, { true, true, false, true, false } },
    { P25_KMM_DEREGISTRATION_CMD, { true, true, false, true, false } },
    { P25_KMM_DEREGISTRATION_RSP, { true, true, false, true, false } },
    { P25_KMM_UNABLE_TO_DECRYPT, { true, true, false, true, false } },
    { P25_KMM_WARM_START_CMD, { true, false, true, false, true } },
};

const p25_protection *p25_protection_of(unsigned message_id)
{
    static const p25_protection both = { 0 };
    for (size_t i = 0; i < KF_COUNT(protections); i++)
        if (protections[i].message_id == message_id)
            return &protections[i].is;
    return &both;
}

/* ---- sealing ---- */

/* Layers around the keys of a message. A layer that is not there is P25_ALGID_CLEAR. */
typedef struct layers {
    uint8_t mac_algid, outer_algid;
    p25_direction direction;
    p25_weak weak;
} layers;

static bool layer_carries(uint8_t key_algid, uint8_t layer_algid)
{
    return layer_algid == P25_ALGID_CLEAR || p25_layer_is_strong_enough(key_algid, layer_algid);
}

static kf_err layers_carry(const layers *l, uint8_t key_algid, uint8_t kek_algid)
{
    if (kek_algid == P25_ALGID_CLEAR)
        return KF_E_DENIED; /* spec: facts 1.7.5 - never over the air without a wrap */
    kf_err err = p25_wrap_permitted(key_algid, kek_algid, l->direction, l->weak);
    if (err == KF_E_UNSUPPORTED && l->direction == P25_RECEIVE)
        err = KF_OK; /* that key gets a status of its own, the others may be fine */
    if (err != KF_OK)
        return err;
    bool strong =
        layer_carries(key_algid, l->mac_algid) && layer_carries(key_algid, l->outer_algid);
    return strong || p25_algid_strength(key_algid) < 0 ? KF_OK : KF_E_DENIED;
}

/* An entry that only erases transports no key. */
static bool carries_a_key(const p25_key_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!items[i].erase)
            return true;
    return false;
}

static kf_err rekey_is_carried(const layers *l, const p25_rekey *r)
{
    kf_err err = KF_OK;
    if (r->keyset_count > P25_KEYSETS_MAX)
        return KF_E_MALFORMED;
    for (size_t i = 0; err == KF_OK && i < r->keyset_count; i++) {
        const p25_rekey_keyset *k = &r->keysets[i];
        if ((size_t)k->first + k->count > P25_KEY_ITEMS_MAX)
            return KF_E_MALFORMED;
        if (carries_a_key(r->items + k->first, k->count))
            err = layers_carry(l, k->algid, r->decryption.algid);
    }
    return err;
}

/* spec: AACA-D table 81 - every layer at least as strong as each key inside. */
static kf_err keys_are_carried(const layers *l, const p25_kmm *kmm)
{
    const p25_modify_key *m = &kmm->body.modify_key;
    const p25_warm_start *w = &kmm->body.warm_start;
    if (kmm->is_opaque)
        return KF_OK;
    switch (kmm->frame.message_id) {
    case P25_KMM_REKEY_CMD:
        return rekey_is_carried(l, &kmm->body.rekey);
    case P25_KMM_MODIFY_KEY_CMD:
        if (m->item_count > P25_KEY_ITEMS_MAX)
            return KF_E_MALFORMED;
        return carries_a_key(m->items, m->item_count)
                   ? layers_carry(l, m->algid, m->decryption.algid)
                   : KF_OK;
    case P25_KMM_WARM_START_CMD:
        return layers_carry(l, w->algid, w->decryption.algid);
    default:
        return KF_OK;
    }
}

static kf_err seal_is_permitted(const p25_seal *how, const p25_kmm *kmm)
{
    const p25_protection *p = p25_protection_of(kmm->frame.message_id);
    const int weak_strength = p25_algid_strength(P25_ALGID_DES);

    if (how->outer != NULL && how->weak != P25_WEAK_ALLOWED &&
        p25_algid_strength(p25_tek_algid(how->outer)) <= weak_strength)
        return KF_E_DENIED;
    if (kmm->side == P25_SIDE_KEYFILL)
        return KF_OK;
    if ((how->outer == NULL && !p->may_be_clear) || (how->mac == NULL && !p->may_lack_mac) ||
        (how->outer != NULL && p->is_always_clear))
        return KF_E_DENIED;
    const layers l = { how->mac == NULL ? P25_ALGID_CLEAR : p25_tek_algid(how->mac),
                       how->outer == NULL ? P25_ALGID_CLEAR : p25_tek_algid(how->outer), P25_SEND,
                       how->weak };
    return keys_are_carried(&l, kmm);
}

static void name_mac(const p25_seal *how, p25_kmm_frame *f)
{
    f->mac = (p25_kmm_mac){ .kind = P25_MAC_NONE };
    if (how->mac == NULL)
        return;
    bool undefined = p25_protection_of(f->message_id)->names_no_mac_key_kid;
    f->mac.kind = P25_MAC_ENHANCED;
    f->mac.len = P25_MAC_OCTETS;
    f->mac.algid = p25_tek_algid(how->mac);
    f->mac.kid = undefined ? 0 : p25_tek_kid(how->mac);
    f->mac.format = p25_mac_format(how->scheme);
}

/* The layers over a KMM that stands encoded, in place. */
static kf_err apply_layers(const p25_seal *how, const p25_outer_sync *sync, uint8_t *kmm,
                           size_t len)
{
    kf_err err = KF_OK;
    if (how->mac != NULL)
        err = p25_mac_fill(how->mac, how->scheme, kmm, len);
    if (err == KF_OK && how->outer != NULL)
        err = p25_outer_apply(how->outer, sync->mi, kmm, len);
    return err;
}

/* Everything but the permission and the fresh sync. A failure leaves out as it was. */
static kf_err seal_into(const p25_seal *how, p25_kmm *kmm, const p25_outer_sync *sync,
                        kf_writer *out)
{
    const size_t start = out->len;
    name_mac(how, &kmm->frame);
    p25_kmm_encode(kmm, out);
    kf_err err = out->err;
    if (err == KF_OK)
        err = apply_layers(how, sync, out->buf + start, out->len - start);
    if (err != KF_OK) {
        kf_wipe(out->buf + start, out->len - start);
        out->len = start;
    }
    return err;
}

static kf_err seal_begin(const p25_seal *how, const p25_kmm *kmm, const kf_rng *rng,
                         p25_outer_sync *sync)
{
    *sync = (p25_outer_sync){ .algid = P25_ALGID_CLEAR };
    kf_err err = seal_is_permitted(how, kmm);
    if (err != KF_OK || how->outer == NULL)
        return err;
    sync->algid = p25_tek_algid(how->outer);
    sync->kid = p25_tek_kid(how->outer);
    return p25_mi_random(rng, sync->mi);
}

kf_err p25_seal_kmm(const p25_seal *how, p25_kmm *kmm, const kf_rng *rng, p25_outer_sync *sync,
                    kf_writer *out)
{
    kf_err err = out->err != KF_OK ? out->err : seal_begin(how, kmm, rng, sync);
    if (err == KF_OK)
        err = seal_into(how, kmm, sync, out);
    if (err != KF_OK)
        *sync = (p25_outer_sync){ 0 };
    return err;
}

kf_err p25_seal_dli(const p25_seal *how, p25_kmm *kmm, const kf_rng *rng, kf_writer *out)
{
    const size_t start = out->len;
    p25_dli dli = { .mfid = P25_MFID_STANDARD };
    kf_err err = out->err != KF_OK ? out->err : seal_begin(how, kmm, rng, &dli.sync);
    if (err != KF_OK)
        return err;
    p25_dli_encode(&dli, out);
    err = out->err;
    if (err == KF_OK)
        err = seal_into(how, kmm, &dli.sync, out);
    if (err == KF_OK && out->len - start - P25_DLI_OCTETS > P25_DLI_KMM_SEND_MAX)
        err = KF_E_NO_SPACE;
    if (err != KF_OK) {
        kf_wipe(out->buf + start, out->len - start);
        out->len = start;
    }
    return err;
}

/* ---- opening ---- */

/* Where opening stands: one object for the steps below. */
typedef struct opening {
    const p25_opener *with;
    p25_side side;
    p25_opened *out;
    p25_peer peer;
    kf_slice clear; /* of out->clear */
    kf_fault *fault;
} opening;

static kf_err stop(opening *o, kf_err err, uint8_t status, const char *field)
{
    o->out->status = status;
    return kf_fault_set(o->fault, err, 0, field);
}

static kf_err open_outer(opening *o)
{
    const p25_outer_sync *sync = &o->out->sync;
    if (sync->algid == P25_ALGID_CLEAR)
        return KF_OK;
    if (p25_algid_strength(sync->algid) < 0)
        return stop(o, KF_E_UNSUPPORTED, STATUS_INVALID_ALGID, "outer.algid");
    if (p25_mi_is_zero(sync->mi))
        return stop(o, KF_E_MALFORMED, STATUS_MI_IS_ZERO, "outer.mi");
    p25_tek *tek = o->with->tek(o->with->ctx, sync->algid, sync->kid);
    if (tek == NULL)
        return stop(o, KF_E_STATE, STATUS_INVALID_KID, "outer.kid");
    kf_err err = p25_outer_apply(tek, sync->mi, o->out->clear, o->clear.len);
    return err == KF_OK ? KF_OK : stop(o, err, STATUS_COULD_NOT_OPEN, "outer");
}

static kf_err open_frame(opening *o)
{
    kf_err err = p25_kmm_frame_parse(o->clear, &o->out->frame, o->fault);
    /* Nonsense inside an outer layer is what a wrong key of the right name looks like. */
    bool sealed = o->out->sync.algid != P25_ALGID_CLEAR;
    o->out->status = sealed ? STATUS_COULD_NOT_OPEN : P25_STATUS_NONE;
    return err;
}

static kf_err open_peer(opening *o)
{
    if (o->with->peer(o->with->ctx, &o->out->frame, &o->peer))
        return KF_OK;
    return stop(o, KF_E_DENIED, P25_STATUS_NONE, "KMM.rsi");
}

static kf_err open_protection(opening *o)
{
    const p25_protection *p = p25_protection_of(o->out->frame.message_id);
    bool clear = o->out->sync.algid == P25_ALGID_CLEAR;
    bool bare = o->out->frame.mac.kind == P25_MAC_NONE;
    bool strict =
        p->is_strict_if_keyed && o->peer.level == P25_LEVEL_ENHANCED && o->peer.has_common_key;
    if (o->side == P25_SIDE_KEYFILL)
        return KF_OK;
    if ((clear && (!p->may_be_clear || strict)) || (bare && (!p->may_lack_mac || strict)))
        return stop(o, KF_E_DENIED, P25_STATUS_NONE, "KMM.protection");
    return KF_OK;
}

/*
 * spec: facts 2.5 - the MAC of a Warm-Start is made with the key inside it, so this one key is
 * unwrapped first; its own integrity register stands in for the MAC until then.
 */
static kf_err open_warm_start(opening *o, p25_tek **tek)
{
    const p25_warm_start *w = &o->out->kmm.body.warm_start;
    kf_err err = p25_kmm_parse(o->clear, o->side, NULL, &o->out->kmm, o->fault);
    if (err != KF_OK)
        return err;
    p25_kek *kek = o->with->kek == NULL
                       ? NULL
                       : o->with->kek(o->with->ctx, w->decryption.algid, w->decryption.kid);
    if (kek == NULL)
        return stop(o, KF_E_STATE, STATUS_INVALID_KID, "warm_start.kek");
    err = p25_unwrap_key(kek, w->algid, w->key, &o->out->warm_key);
    if (err != KF_OK)
        return stop(o, err, STATUS_COULD_NOT_OPEN, "warm_start.key");
    err = p25_tek_new(w->algid, w->kid, o->out->warm_key, tek);
    return err == KF_OK ? KF_OK : stop(o, err, STATUS_INVALID_ALGID, "warm_start.algid");
}

static kf_err verify(opening *o, p25_tek *tek)
{
    kf_err err = p25_mac_verify(tek, o->peer.mac, &o->out->frame);
    o->out->authenticated = err == KF_OK;
    return err == KF_OK ? KF_OK : stop(o, err, STATUS_INVALID_MAC, "MAC");
}

static kf_err open_mac(opening *o)
{
    const p25_kmm_frame *f = &o->out->frame;
    p25_tek *warm = NULL;

    if (f->mac.kind == P25_MAC_NONE)
        return KF_OK;
    if (o->side == P25_SIDE_OTAR && f->message_id == P25_KMM_WARM_START_CMD) {
        kf_err err = open_warm_start(o, &warm);
        if (err == KF_OK)
            err = verify(o, warm);
        p25_tek_free(&warm);
        return err;
    }
    p25_tek *tek = o->with->tek(o->with->ctx, f->mac.algid, f->mac.kid);
    if (tek == NULL)
        return stop(o, KF_E_STATE, STATUS_DOES_NOT_EXIST, "MAC.kid");
    return verify(o, tek);
}

static kf_err open_number(opening *o)
{
    p25_opened *out = o->out;
    bool needs = o->peer.mn != NULL && !p25_protection_of(out->frame.message_id)->may_lack_mac &&
                 o->side == P25_SIDE_OTAR;

    out->number = P25_MN_ABSENT;
    if (!out->frame.has_mn)
        return needs ? stop(o, KF_E_AUTH, STATUS_INVALID_NUMBER, "KMM.mn") : KF_OK;
    if (!out->authenticated) /* a number that anybody can write must not move the window */
        return KF_OK;
    kf_err err = p25_mn_digest(o->clear, out->digest);
    if (err != KF_OK)
        return stop(o, err, P25_STATUS_NONE, "KMM.mn");
    out->number = P25_MN_FRESH;
    if (o->peer.mn != NULL)
        out->number =
            p25_mn_judge(o->peer.mn, out->frame.response_kind, out->frame.mn, out->digest);
    if (out->number == P25_MN_REFUSED)
        return stop(o, KF_E_AUTH, STATUS_INVALID_NUMBER, "KMM.mn");
    return KF_OK;
}

static kf_err open_body(opening *o)
{
    p25_opened *out = o->out;
    bool bare = out->frame.mac.kind == P25_MAC_NONE;
    const layers l = { bare ? P25_ALGID_CLEAR : out->frame.mac.algid, out->sync.algid, P25_RECEIVE,
                       P25_WEAK_RECEIVE_ONLY };
    out->status = P25_STATUS_NONE;
    kf_err err = p25_kmm_parse(o->clear, o->side, NULL, &out->kmm, o->fault);
    if (err != KF_OK || o->side == P25_SIDE_KEYFILL)
        return err;
    err = keys_are_carried(&l, &out->kmm);
    return err == KF_OK ? KF_OK : stop(o, err, STATUS_INVALID_ALGID, "KMM.strength");
}

/* In the order of facts 2.4; step i is run when all before it passed. */
static const struct {
    p25_step step;
    kf_err (*run)(opening *o);
} steps[] = {
    { P25_STEP_OUTER, open_outer }, { P25_STEP_FRAME, open_frame },
    { P25_STEP_PEER, open_peer },   { P25_STEP_PROTECTION, open_protection },
    { P25_STEP_MAC, open_mac },     { P25_STEP_NUMBER, open_number },
    { P25_STEP_BODY, open_body },
};

static void opened_start(p25_opened *out, kf_fault *fault)
{
    /* The buffers are written before they are read. */
    out->step = P25_STEP_DATAGRAM;
    out->status = P25_STATUS_NONE;
    out->sync = (p25_outer_sync){ .algid = P25_ALGID_CLEAR };
    out->frame = (p25_kmm_frame){ 0 };
    out->authenticated = false;
    out->number = P25_MN_ABSENT;
    out->kmm.frame = (p25_kmm_frame){ 0 };
    out->warm_key = NULL;
    *fault = (kf_fault){ 0 };
}

void p25_opened_clear(p25_opened *opened)
{
    kf_secret_free(&opened->warm_key);
    kf_wipe(opened, sizeof *opened);
}

/* After opened_start(). */
static kf_err run_steps(opening *o, const p25_outer_sync *sync, kf_slice kmm)
{
    kf_err err = KF_OK;

    o->out->step = P25_STEP_OUTER;
    o->out->sync = *sync;
    if (kmm.len > P25_KMM_OCTETS_MAX)
        return kf_fault_set(o->fault, KF_E_UNSUPPORTED, 0, "KMM.length");
    if (kmm.len > 0)
        memcpy(o->out->clear, kmm.ptr, kmm.len);
    o->clear = (kf_slice){ o->out->clear, kmm.len };
    for (size_t i = 0; err == KF_OK && i < KF_COUNT(steps); i++) {
        o->out->step = steps[i].step;
        err = steps[i].run(o);
    }
    if (err != KF_OK) {
        kf_secret_free(&o->out->warm_key);
        memset(&o->out->kmm, 0, sizeof o->out->kmm);
        return err;
    }
    o->out->step = P25_STEP_DONE;
    return KF_OK;
}

kf_err p25_open_kmm(const p25_opener *with, p25_side side, const p25_outer_sync *sync, kf_slice kmm,
                    p25_opened *opened, kf_fault *fault)
{
    opening o = { .with = with, .side = side, .out = opened, .fault = fault };
    opened_start(opened, fault);
    return run_steps(&o, sync, kmm);
}

kf_err p25_open_dli(const p25_opener *with, p25_side side, kf_slice datagram, p25_opened *opened,
                    kf_fault *fault)
{
    opening o = { .with = with, .side = side, .out = opened, .fault = fault };
    p25_dli dli;

    opened_start(opened, fault);
    kf_err err = p25_dli_parse(datagram, NULL, &dli, fault);
    if (err != KF_OK)
        return err;
    if (dli.mfid != P25_MFID_STANDARD) {
        opened->sync = dli.sync;
        return stop(&o, KF_E_UNSUPPORTED, STATUS_INVALID_MFID, "DLI.mfid");
    }
    return run_steps(&o, &dli.sync, dli.kmm);
}

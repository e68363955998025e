#include "otar/unit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "otar/unit_parts.h"

#define RECORD_VERSION 1u
/* Fixed parts, the addresses, the last answer, the keys. */
#define RECORD_OCTETS (1024u + P25_DLI_DATAGRAM_MAX + OTAR_KEYS_MAX * OTAR_KEY_RECORD_OCTETS)

static void tell(const otar_unit *u, otar_event_kind kind, const p25_kmm_frame *f, uint8_t status)
{
    otar_event e = { .kind = kind, .rsi = u->own.rsi, .status = status };
    if (f != NULL) {
        e.message_id = f->message_id;
        e.number = f->mn;
    }
    if (u->watch.event != NULL)
        u->watch.event(u->watch.ctx, &e);
}

/* ---- the record ---- */

static void write_address(kf_writer *w, const unit_address *a)
{
    kf_write_u24(w, a->rsi);
    kf_write_u16(w, a->mn.last);
    kf_write_u16(w, a->mn.window);
    kf_write_u8(w, a->mn.has_message ? 1 : 0);
    kf_write_octets(w, a->mn.digest, sizeof a->mn.digest);
}

static unit_address read_address(kf_reader *r)
{
    unit_address a = { .rsi = kf_read_u24(r, "address.rsi") };
    a.mn.last = kf_read_u16(r, "address.last");
    a.mn.window = kf_read_u16(r, "address.window");
    a.mn.has_message = kf_read_u8(r, "address.has_message") != 0;
    kf_read_octets(r, a.mn.digest, sizeof a.mn.digest, "address.digest");
    return a;
}

static kf_err save(otar_unit *u)
{
    /* Room for as long as it is needed: a process may hold thousands of units. */
    kf_secret *room = NULL;
    kf_err err = kf_secret_new(RECORD_OCTETS, &room);
    if (err != KF_OK) {
        u->has_stopped = true;
        return err;
    }
    kf_writer w = kf_writer_init(kf_secret_edit(room), kf_secret_len(room));
    kf_write_u8(&w, RECORD_VERSION);
    kf_write_u24(&w, u->config.kmf_rsi);
    kf_write_u16(&w, u->config.mnp);
    kf_write_u8(&w, u->is_registered ? 1 : 0);
    kf_write_u8(&w, (uint8_t)u->mac.scheme);
    write_address(&w, &u->own);
    kf_write_u8(&w, (uint8_t)u->group_count);
    for (size_t i = 0; i < u->group_count; i++)
        write_address(&w, &u->groups[i]);
    kf_write_octets(&w, u->last_digest, sizeof u->last_digest);
    kf_write_u16(&w, (uint16_t)u->answer_len);
    kf_write_octets(&w, u->answer, u->answer_len);
    otar_keys_write(&u->keys, &w);
    err = w.err;
    if (err == KF_OK)
        err = u->store.save(u->store.ctx, 0, kf_writer_slice(&w));
    kf_secret_free(&room);
    u->has_stopped = u->has_stopped || err != KF_OK;
    return err;
}

static kf_err restore(otar_unit *u, kf_slice record)
{
    kf_fault fault;
    kf_reader r = kf_reader_init(record, &fault);
    if (kf_read_u8(&r, "record.version") != RECORD_VERSION)
        kf_reader_fail(&r, KF_E_UNSUPPORTED, "record.version");
    u->config.kmf_rsi = kf_read_u24(&r, "record.kmf_rsi");
    u->config.mnp = kf_read_u16(&r, "record.mnp");
    u->is_registered = kf_read_u8(&r, "record.registered") != 0;
    uint8_t scheme = kf_read_u8(&r, "record.scheme");
    u->own = read_address(&r);
    u->group_count = kf_read_u8(&r, "record.groups");
    if (u->group_count > OTAR_UNIT_GROUPS_MAX || scheme > P25_MAC_CMAC_D) {
        u->group_count = 0;
        kf_reader_fail(&r, KF_E_MALFORMED, "record");
    }
    for (size_t i = 0; i < u->group_count; i++)
        u->groups[i] = read_address(&r);
    p25_mac_peer_init(&u->mac, u->config.mac, (p25_mac_scheme)(scheme % 3));
    kf_read_octets(&r, u->last_digest, sizeof u->last_digest, "record.digest");
    size_t len = kf_read_u16(&r, "record.answer");
    if (len > sizeof u->answer)
        kf_reader_fail(&r, KF_E_MALFORMED, "record.answer");
    u->answer_len = kf_reader_ok(&r) ? len : 0;
    kf_read_octets(&r, u->answer, u->answer_len, "record.answer");
    kf_err err = kf_reader_ok(&r) ? otar_keys_read(&u->keys, &r) : fault.code;
    return err != KF_OK ? err : kf_reader_end(&r, "record");
}

kf_err otar_unit_new(const otar_unit_config *config, const otar_store *store,
                     const otar_watch *watch, const kf_rng *rng, kf_slice record, otar_unit **out)
{
    *out = NULL;
    otar_unit *u = calloc(1, sizeof *u);
    if (u == NULL)
        return KF_E_NO_MEMORY;
    u->config = *config;
    u->store = *store;
    u->watch = *watch;
    u->rng = rng;
    if (u->config.mnp == 0)
        u->config.mnp = P25_MNP_DEFAULT;
    if (u->config.warm_seconds == 0)
        u->config.warm_seconds = OTAR_WARM_SECONDS;
    u->own.rsi = config->rsi;
    p25_mn_state_init(&u->own.mn, 0, u->config.mnp);
    p25_mac_peer_init(&u->mac, config->mac, config->first_scheme);
    kf_err err = record.len > 0 ? restore(u, record) : KF_OK;
    if (err != KF_OK)
        otar_unit_free(&u);
    *out = u;
    return err;
}

void otar_unit_free(otar_unit **unit)
{
    otar_unit *u = *unit;
    *unit = NULL;
    if (u == NULL)
        return;
    otar_keys_clear(&u->keys);
    free(u);
}

kf_err otar_unit_load(otar_unit *u, const otar_key *where, kf_secret **material)
{
    kf_err err = u->has_stopped || where->is_temporary ? KF_E_STATE : KF_OK;
    if (err != KF_OK) {
        kf_secret_free(material);
        return err;
    }
    err = otar_keys_put(&u->keys, where, material);
    otar_keys_bury(&u->keys);
    return err == KF_OK ? save(u) : err;
}

kf_err otar_unit_join(otar_unit *u, uint32_t group_rsi)
{
    if (u->has_stopped)
        return KF_E_STATE;
    if (group_rsi == 0 || group_rsi == u->own.rsi || group_rsi == u->config.kmf_rsi)
        return KF_E_MALFORMED;
    for (size_t i = 0; i < u->group_count; i++)
        if (u->groups[i].rsi == group_rsi)
            return KF_OK;
    if (u->group_count == OTAR_UNIT_GROUPS_MAX)
        return KF_E_NO_SPACE;
    unit_address *a = &u->groups[u->group_count++];
    a->rsi = group_rsi;
    p25_mn_state_init(&a->mn, 0, u->config.mnp);
    return save(u);
}

/* ---- opening: what the codec asks us ---- */

static p25_tek *find_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    otar_key *key = otar_keys_named(&((otar_unit *)ctx)->keys, false, algid, kid);
    return key == NULL ? NULL : key->tek;
}

/* A warm start comes under the UKEK, never under another temporary key. */
static p25_kek *find_kek(void *ctx, uint8_t algid, uint16_t kid)
{
    otar_key *key = otar_keys_named(&((otar_unit *)ctx)->keys, true, algid, kid);
    return key == NULL || key->is_temporary ? NULL : key->kek;
}

static unit_address *address_of(otar_unit *u, uint32_t rsi)
{
    if (rsi == u->own.rsi)
        return &u->own;
    for (size_t i = 0; i < u->group_count; i++)
        if (rsi == u->groups[i].rsi)
            return &u->groups[i];
    return NULL;
}

/* The key we would start a conversation with: one of an active keyset. */
static p25_tek *own_tek(const otar_unit *u)
{
    for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
        if (otar_keys_is_active(&u->keys, k) && !k->is_kek && k->algid == P25_ALGID_AES256)
            return k->tek;
    return NULL;
}

static bool find_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    otar_unit *u = ctx;
    const unit_address *to = address_of(u, frame->destination_rsi);
    if (to == NULL || frame->source_rsi != u->config.kmf_rsi)
        return false;
    *out = (p25_peer){ &u->mac, &to->mn, u->config.level, own_tek(u) != NULL };
    return true;
}

/* ---- sending ---- */

static void address_kmm(const otar_unit *u, p25_kmm *kmm)
{
    kmm->side = P25_SIDE_OTAR;
    kmm->frame.source_rsi = u->own.rsi;
    kmm->frame.destination_rsi = u->config.kmf_rsi;
}

static bool can_protect(const otar_key *key)
{
    return !key->is_temporary && !key->is_kek && key->algid == P25_ALGID_AES256;
}

/* How many keys of the same keyset were stored after this one. */
static unsigned age_in_keyset(const otar_key *key)
{
    unsigned age = 0;
    for (const otar_key *k = key->next; k != NULL; k = k->next)
        age += k->keyset == key->keyset && can_protect(k) ? 1u : 0u;
    return age;
}

/* The newest key of each keyset, active ones first; *left is how many to pass over. */
static const otar_key *key_of_turn(const otar_unit *u, unsigned *left)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
            if (can_protect(k) && age_in_keyset(k) == 0 &&
                otar_keys_is_active(&u->keys, k) == (pass == 0) && (*left)-- == 0)
                return k;
    return NULL;
}

/* The key of that age in the keyset of the newest; where there is none so old, round again. */
static p25_tek *older_key(const otar_unit *u, const otar_key *newest, unsigned age)
{
    unsigned count = 0;
    for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
        count += k->keyset == newest->keyset && can_protect(k) ? 1u : 0u;
    for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
        if (k->keyset == newest->keyset && can_protect(k) && age_in_keyset(k) == age % count)
            return k->tek;
    return NULL;
}

/*
 * A key of ours may be one that the KMF has replaced since, or takes from us no more: what we seal
 * with it is lost. So while nothing is heard from it, requests go through our keysets, an older key
 * each time round, and one turn is clear, which it believes if it has no key in common with us.
 * Every turn twice, for a Hello may alternate with a Registration, and both must come through.
 */
static p25_tek *request_tek(const otar_unit *u)
{
    unsigned left = UINT_MAX;
    (void)key_of_turn(u, &left);
    const unsigned turns = UINT_MAX - left + 1, turn = u->unheard / 2;
    left = turn % turns;
    const otar_key *newest = key_of_turn(u, &left);
    return newest == NULL ? NULL : older_key(u, newest, turn / turns);
}

/* Unprotected unless the policy wants more and there is a key. */
static kf_err send_open(otar_unit *u, p25_kmm *kmm, kf_writer *out)
{
    p25_tek *tek = u->config.level == P25_LEVEL_ENHANCED ? request_tek(u) : NULL;
    const p25_seal how = { .mac = tek, .scheme = u->mac.scheme, .outer = tek };
    if (u->has_stopped)
        return KF_E_STATE;
    u->unheard++;
    address_kmm(u, kmm);
    return p25_seal_dli(&how, kmm, u->rng, out);
}

kf_err otar_unit_hello(otar_unit *u, bool rekey, kf_writer *out)
{
    bool has_ukek = false;
    for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
        has_ukek = has_ukek || k->is_kek;
    p25_kmm kmm = { .frame.message_id = P25_KMM_HELLO };
    kmm.frame.response_kind = rekey ? P25_RK3_IMMEDIATE : P25_RK1_NONE;
    kmm.body.hello = !rekey     ? P25_HELLO_IDENTIFY
                     : has_ukek ? P25_HELLO_REKEY
                                : P25_HELLO_REKEY_NO_UKEK;
    return send_open(u, &kmm, out);
}

kf_err otar_unit_register(otar_unit *u, bool on, kf_writer *out)
{
    p25_kmm kmm = { .frame.message_id =
                        on ? P25_KMM_REGISTRATION_CMD : P25_KMM_DEREGISTRATION_CMD };
    kmm.frame.response_kind = P25_RK3_IMMEDIATE;
    kmm.body.registration.kmf_rsi = u->config.kmf_rsi;
    return send_open(u, &kmm, out);
}

static kf_err send_unable(otar_unit *u, const p25_opened *in, kf_writer *out)
{
    p25_kmm kmm = { .frame.message_id = P25_KMM_UNABLE_TO_DECRYPT };
    kmm.body.utd = (p25_unable_to_decrypt){ .algid = in->sync.algid,
                                            .kid = in->sync.kid,
                                            .status = in->status };
    tell(u, OTAR_EV_REFUSED, NULL, in->status);
    return send_open(u, &kmm, out);
}

/* ---- receiving ---- */

static bool is_answered(const unit_request *q)
{
    return q->in->frame.response_kind != P25_RK1_NONE &&
           q->in->frame.destination_rsi == q->unit->own.rsi;
}

/* Into u->answer; a message that does not fit one datagram becomes a refusal. */
static kf_err seal_answer(unit_request *q)
{
    otar_unit *u = q->unit;
    const p25_seal how = { .mac = q->seal_with, .scheme = u->mac.scheme, .outer = q->seal_with };
    kf_writer w = kf_writer_init(u->answer, sizeof u->answer);
    p25_kmm_frame *f = &q->answer.frame;

    address_kmm(u, &q->answer);
    f->source_rsi = q->in->frame.destination_rsi;
    f->destination_rsi = q->in->frame.source_rsi;
    f->has_mn = q->in->frame.has_mn;
    f->mn = q->in->frame.mn;
    kf_err err = p25_seal_dli(&how, &q->answer, u->rng, &w);
    if (err == KF_E_NO_SPACE) {
        w = kf_writer_init(u->answer, sizeof u->answer);
        unit_refuse(q, OTAR_STATUS_NOT_PERFORMED);
        err = p25_seal_dli(&how, &q->answer, u->rng, &w);
    }
    u->answer_len = err == KF_OK ? w.len : 0;
    return err;
}

/* An answer to what did not pass; it changes no state. */
static kf_err negative(unit_request *q, kf_writer *out)
{
    otar_unit *u = q->unit;
    const p25_opened *in = q->in;
    p25_tek *tek =
        in->sync.algid == P25_ALGID_CLEAR ? own_tek(u) : find_tek(u, in->sync.algid, in->sync.kid);
    tell(u, OTAR_EV_REFUSED, &in->frame, in->status);
    if (!is_answered(q) || in->status == P25_STATUS_NONE || tek == NULL ||
        p25_tek_algid(tek) != P25_ALGID_AES256)
        return KF_OK;
    const p25_seal how = { .mac = tek, .scheme = u->mac.scheme, .outer = tek };
    unit_refuse(q, in->status);
    address_kmm(u, &q->answer);
    q->answer.frame.has_mn = in->frame.has_mn;
    q->answer.frame.mn = in->frame.mn;
    return p25_seal_dli(&how, &q->answer, u->rng, out);
}

static kf_err refuse(unit_request *q, kf_err err, kf_writer *out)
{
    const p25_opened *in = q->in;
    if (err == KF_E_NO_MEMORY || err == KF_E_BACKEND)
        return err;
    if (in->step == P25_STEP_OUTER && err == KF_E_STATE)
        return send_unable(q->unit, in, out);
    if (in->step > P25_STEP_PROTECTION)
        return negative(q, out);
    tell(q->unit, OTAR_EV_REFUSED, NULL, in->status);
    return KF_OK;
}

static void forget(unit_request *q)
{
    otar_unit *u = q->unit;
    otar_key *warm = otar_keys_temporary(&u->keys);
    if (q->forget_all)
        otar_keys_remove_all(&u->keys);
    else if (q->forget_warm && warm != NULL)
        otar_keys_remove(&u->keys, warm);
}

static void carry_out(unit_request *q)
{
    unit_action *act = unit_action_of(q->in->frame.message_id);
    if (act == NULL || q->in->kmm.is_opaque)
        unit_refuse(q, OTAR_STATUS_INVALID_ID);
    else
        act(q);
}

/* Act, seal the answer, save, and only then let it out. */
static kf_err perform(unit_request *q, kf_slice datagram, kf_writer *out)
{
    otar_unit *u = q->unit;
    const p25_kmm_frame *f = &q->in->frame;
    kf_err err = KF_OK;

    q->seal_with = f->mac.kind == P25_MAC_NONE ? NULL : find_tek(u, f->mac.algid, f->mac.kid);
    /* Before the action, for a Change-RSI moves the addresses and starts numbers anew. */
    const bool is_asked = is_answered(q), is_ours = q->to == &u->own;
    const bool was_registered = u->is_registered, is_fresh = q->in->number == P25_MN_FRESH;
    if (is_fresh)
        p25_mn_accept(&q->to->mn, f->mn, q->in->digest);
    carry_out(q);
    /* Null stands for no answer; without a key there can be none. */
    const bool answers =
        is_asked && q->answer.frame.message_id != P25_KMM_NULL && q->seal_with != NULL;
    if (answers)
        err = seal_answer(q);
    else if (is_fresh && is_ours)
        u->answer_len = 0; /* the last one is not this message's */
    forget(q);
    if (err == KF_OK && answers)
        err = p25_mn_digest(datagram, u->last_digest);
    otar_keys_bury(&u->keys);
    p25_tek_free(&q->own_seal);
    if (err != KF_OK) { /* done, and not to be told: memory and record must not drift apart */
        u->has_stopped = true;
        return err;
    }
    /* What anybody can send as often as he likes wears no storage out. */
    if ((is_fresh || u->is_registered != was_registered) && (err = save(u)) != KF_OK)
        return err;
    tell(u, q->forget_all ? OTAR_EV_ZEROIZED : OTAR_EV_ACTED, f, OTAR_STATUS_PERFORMED);
    if (answers)
        kf_write_octets(out, u->answer, u->answer_len);
    return out->err;
}

static kf_err answer_again(otar_unit *u, kf_writer *out)
{
    tell(u, OTAR_EV_RETRY, NULL, OTAR_STATUS_PERFORMED);
    kf_write_octets(out, u->answer, u->answer_len);
    return out->err;
}

/* What was opened: a retry, a message without a number that we have no use for, a command. Only
 * what has a number is answered: the kept answer is always the last number's. */
static kf_err judge(unit_request *q, kf_slice datagram, kf_writer *out)
{
    otar_unit *u = q->unit;
    const p25_opened *in = q->in;
    if (in->number == P25_MN_RETRY)
        return q->to == &u->own && u->answer_len > 0 ? answer_again(u, out) : KF_OK;
    if (in->number == P25_MN_ABSENT && unit_action_of(in->frame.message_id) == NULL) {
        tell(u, OTAR_EV_REFUSED, &in->frame, P25_STATUS_NONE);
        return KF_OK;
    }
    if (in->authenticated)
        u->unheard = 0;
    return perform(q, datagram, out);
}

kf_err otar_unit_receive(otar_unit *u, kf_time now, kf_slice datagram, kf_writer *out)
{
    const p25_opener with = { u, find_tek, find_kek, find_peer };
    uint8_t digest[P25_MN_DIGEST_OCTETS];
    p25_opened in;
    kf_fault fault;

    if (u->has_stopped)
        return KF_E_STATE;
    otar_unit_tick(u, now);
    kf_err err = p25_mn_digest(datagram, digest);
    if (err != KF_OK)
        return err;
    /* The key of a retry may be gone by now (Zeroize, warm start), so octets are compared first. */
    if (u->answer_len > 0 && memcmp(digest, u->last_digest, sizeof digest) == 0)
        return answer_again(u, out);
    err = p25_open_dli(&with, P25_SIDE_OTAR, datagram, &in, &fault);
    unit_request q = { .unit = u, .now = now, .in = &in };
    if (in.step > P25_STEP_PEER)
        q.to = address_of(u, in.frame.destination_rsi);
    err = err == KF_OK ? judge(&q, datagram, out) : refuse(&q, err, out);
    p25_opened_clear(&in);
    return err;
}

void otar_unit_tick(otar_unit *u, kf_time now)
{
    otar_key *warm = otar_keys_temporary(&u->keys);
    if (warm == NULL || now - u->warm_since < (kf_time)u->config.warm_seconds)
        return;
    otar_keys_remove(&u->keys, warm);
    otar_keys_bury(&u->keys);
    tell(u, OTAR_EV_WARM_EXPIRED, NULL, OTAR_STATUS_PERFORMED);
}

bool otar_unit_is_registered(const otar_unit *u)
{
    return u->is_registered;
}

uint32_t otar_unit_rsi(const otar_unit *u)
{
    return u->own.rsi;
}

const otar_key *otar_unit_current(const otar_unit *u, uint16_t sln)
{
    return otar_keys_current(&u->keys, sln);
}

const otar_key *otar_unit_named(const otar_unit *u, uint8_t algid, uint16_t kid)
{
    return otar_keys_named(&u->keys, false, algid, kid);
}

const otar_keys *otar_unit_keys(const otar_unit *u)
{
    return &u->keys;
}

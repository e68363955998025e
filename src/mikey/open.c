#include <string.h>

#include "mcdata/protected_payload.h"
#include "mikey/mikey.h"
#include "mikey/replay.h"

#define PERIODS_TRIED 3u
/** Tolerance at the edges of a key period where the window is not checked, seconds. */
#define EDGE_S MIKEY_WINDOW_S

/* One opening under way. */
typedef struct opening {
    const mikey_receiver *to;
    kf_slice octets;
    mikey_opened *out;
    kf_fault *fault;
    const mcsec_domain *initiator_domain;
    replay_tag tag;
} opening;

static kf_err fail(opening *o, kf_err err, size_t at, const char *field)
{
    return kf_fault_set(o->fault, err, at, field);
}

static const mikey_idr *idr(const opening *o, mikey_role role)
{
    const mikey_idr *i = &o->out->message.idr[role];
    return i->type == 0 ? NULL : i;
}

static size_t offset_of(const opening *o, kf_slice part)
{
    return (size_t)(part.ptr - o->octets.ptr);
}

static int64_t edge(const opening *o)
{
    return o->to->window_s < 0 ? EDGE_S : o->to->window_s;
}

/* The periods a message sent at t may belong to: its own first, then a neighbour whose edge is near
 * enough that the clocks may disagree. spec: project facts 6.15 step 5 */
static size_t periods_of(const opening *o, mcsec_period period, kf_time t, uint64_t *list)
{
    uint64_t n = mcsec_period_number(period, t);
    size_t count = 0;
    list[count++] = n;
    if (n > 0 && t - mcsec_period_start(period, n) <= edge(o))
        list[count++] = n - 1;
    if (mcsec_period_end(period, n) - t <= edge(o))
        list[count++] = n + 1;
    return count;
}

static kf_err check_layout(opening *o)
{
    bool legacy = o->out->message.map_type == MIKEY_MAP_SRTP_ID;
    if (legacy && (o->to->compat & MIKEY_COMPAT_SW_LEGACY) == 0)
        return fail(o, KF_E_UNSUPPORTED, 9, "HDR.cs_map_type");
    if (legacy)
        o->out->compat_used |= MIKEY_COMPAT_SW_LEGACY;
    o->out->purpose = mcsec_keyid_tag(o->out->message.csb_id);
    if (mcsec_purpose_name(o->out->purpose) == NULL)
        return fail(o, KF_E_UNSUPPORTED, 4, "HDR.csb_id");
    return KF_OK;
}

static kf_err check_time(opening *o)
{
    uint32_t seconds = (uint32_t)(o->out->message.ntp >> 32);
    o->out->sent = kf_time_unfold_ntp32(seconds, o->to->now);
    int64_t off = o->to->now - o->out->sent;
    if (o->to->window_s >= 0 && (off > o->to->window_s || -off > o->to->window_s))
        return fail(o, KF_E_STATE, 0, "T.ts_value");
    return KF_OK;
}

static bool names_us(const mikey_idr *plain, const mikey_idr *uid, const mcsec_user_keys *k)
{
    if (plain != NULL)
        return kf_slice_equal(plain->id, mcsec_user_keys_uri(k));
    return kf_slice_equal(uid->id, mcsec_user_keys_uid(k));
}

/* Our keys of one period for the party that the message names; NULL when there are none. */
static const mcsec_user_keys *our_keys(const opening *o, bool self, kf_time t, size_t attempt)
{
    const mikey_idr *plain = idr(o, self ? MIKEY_ROLE_INITIATOR : MIKEY_ROLE_RESPONDER);
    const mikey_idr *uid = idr(o, self ? MIKEY_ROLE_INITIATOR_UID : MIKEY_ROLE_RESPONDER_UID);
    const mikey_idr *kms = idr(o, self ? MIKEY_ROLE_INITIATOR_KMS : MIKEY_ROLE_RESPONDER_KMS);
    for (size_t i = 0; i < o->to->key_count; i++) {
        const mcsec_user_keys *k = o->to->keys[i];
        const mcsec_domain *d = mcsec_user_keys_domain(k);
        uint64_t periods[PERIODS_TRIED];
        size_t count = periods_of(o, mcsec_domain_period(d), t, periods);
        if (attempt < count && mcsec_user_keys_period(k) == periods[attempt] &&
            kf_slice_equal(kms->id, mcsec_domain_kms_uri(d)) && names_us(plain, uid, k))
            return k;
    }
    return NULL;
}

static bool have_keys(const opening *o, bool self)
{
    for (size_t attempt = 0; attempt < PERIODS_TRIED; attempt++)
        if (our_keys(o, self, o->out->sent, attempt) != NULL)
            return true;
    return false;
}

/* Are we its responder, or its initiator on another device? */
static kf_err find_role(opening *o)
{
    if (have_keys(o, false))
        return KF_OK;
    if (o->out->message.to_self.sed.len > 0 && have_keys(o, true)) {
        o->out->via_self = true;
        return KF_OK;
    }
    return fail(o, KF_E_STATE, 0, "IDRr");
}

static kf_err find_initiator_domain(opening *o)
{
    kf_slice kms = idr(o, MIKEY_ROLE_INITIATOR_KMS)->id;
    for (size_t i = 0; i < o->to->domain_count; i++)
        if (kf_slice_equal(kms, mcsec_domain_kms_uri(o->to->domains[i])))
            o->initiator_domain = o->to->domains[i];
    if (o->initiator_domain == NULL ||
        !mcsec_domain_is_usable_at(o->initiator_domain, o->out->sent))
        return fail(o, KF_E_STATE, offset_of(o, kms), "IDRkmsi");
    return KF_OK;
}

/* Is uri the initiator? For a hidden one its UID decides. */
static bool is_initiator(const opening *o, kf_slice uri)
{
    const mikey_idr *plain = idr(o, MIKEY_ROLE_INITIATOR);
    if (plain != NULL)
        return kf_slice_equal(plain->id, uri);
    uint64_t periods[PERIODS_TRIED];
    mcsec_period period = mcsec_domain_period(o->initiator_domain);
    size_t count = periods_of(o, period, o->out->sent, periods);
    for (size_t i = 0; i < count; i++) {
        uint8_t uid[MCSEC_UID_OCTETS];
        if (mcsec_uid(uri, mcsec_domain_kms_uri(o->initiator_domain), period, periods[i], uid) ==
                KF_OK &&
            kf_slice_equal(idr(o, MIKEY_ROLE_INITIATOR_UID)->id, KF_SLICE_OF(uid)))
            return true;
    }
    return false;
}

static kf_err check_initiator(opening *o)
{
    const mikey_idr *plain = idr(o, MIKEY_ROLE_INITIATOR);
    kf_slice known = plain != NULL ? plain->id : (kf_slice){ NULL, 0 };
    bool allowed = false;

    if (o->to->authenticated.len > 0) {
        if (!is_initiator(o, o->to->authenticated))
            return fail(o, KF_E_DENIED, 0, "IDRi");
        known = o->to->authenticated;
    }
    for (size_t i = 0; i < o->to->rule_count; i++) {
        const mikey_rule *rule = &o->to->rules[i];
        if (rule->purpose != o->out->purpose)
            continue;
        bool anyone = rule->initiator_uri.len == 0;
        bool matches = !anyone && is_initiator(o, rule->initiator_uri);
        if (matches)
            known = rule->initiator_uri;
        allowed = allowed || anyone || matches;
    }
    o->out->initiator_uri = known;
    return allowed ? KF_OK : fail(o, KF_E_DENIED, 0, "IDRi");
}

static kf_err verify_as(opening *o, const uint8_t uid[MCSEC_UID_OCTETS], unsigned compat)
{
    const mikey_message *m = &o->out->message;
    mcsec_id id =
        mcsec_id_of(uid, (compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID);
    size_t covered = (compat & MIKEY_COMPAT_SIGN_NO_HEADER) != 0 ? m->sign_header : m->signed_len;
    return eccsi_verify(mcsec_domain_eccsi(o->initiator_domain), mcsec_id_slice(&id),
                        kf_slice_part(o->octets, 0, covered), m->signature);
}

/* The signature under one UID, in the standard form and then in each form that a switch allows. */
static kf_err verify_uid(opening *o, const uint8_t uid[MCSEC_UID_OCTETS])
{
    static const unsigned forms[] = { 0, MIKEY_COMPAT_SIGN_NO_HEADER, MIKEY_COMPAT_HEX_ID,
                                      MIKEY_COMPAT_SIGN_NO_HEADER | MIKEY_COMPAT_HEX_ID };
    kf_err err = KF_E_AUTH;
    for (size_t i = 0; err == KF_E_AUTH && i < KF_COUNT(forms); i++) {
        if ((forms[i] & ~o->to->compat) != 0)
            continue;
        err = verify_as(o, uid, forms[i]);
        if (err == KF_OK) {
            o->out->compat_used |= forms[i];
            memcpy(o->out->initiator_uid, uid, MCSEC_UID_OCTETS);
        }
    }
    return err;
}

static kf_err verify(opening *o)
{
    const mikey_idr *hidden = idr(o, MIKEY_ROLE_INITIATOR_UID);
    kf_err err = KF_E_AUTH;
    if (hidden != NULL) {
        err = verify_uid(o, hidden->id.ptr);
    } else {
        uint64_t periods[PERIODS_TRIED];
        mcsec_period period = mcsec_domain_period(o->initiator_domain);
        size_t count = periods_of(o, period, o->out->sent, periods);
        for (size_t i = 0; err == KF_E_AUTH && i < count; i++) {
            uint8_t uid[MCSEC_UID_OCTETS];
            err = mcsec_uid(idr(o, MIKEY_ROLE_INITIATOR)->id,
                            mcsec_domain_kms_uri(o->initiator_domain), period, periods[i], uid);
            if (err == KF_OK)
                err = verify_uid(o, uid);
        }
    }
    return err == KF_OK ? KF_OK : fail(o, err, o->out->message.sign_header, "SIGN");
}

static kf_err check_replay(opening *o)
{
    if (o->to->replay == NULL)
        return KF_OK;
    kf_err err = replay_tag_of(o->out->initiator_uid,
                               kf_slice_part(o->octets, 0, o->out->message.sign_header), &o->tag);
    if (err == KF_OK && replay_has(o->to->replay, &o->tag))
        err = KF_E_STATE;
    return err == KF_OK ? KF_OK : fail(o, err, 0, "replay");
}

static kf_err remember(opening *o)
{
    if (o->to->replay == NULL)
        return KF_OK;
    kf_time until = o->to->window_s < 0 ? INT64_MAX : o->out->sent + o->to->window_s;
    kf_err err = replay_add(o->to->replay, &o->tag, until, o->to->now);
    return err == KF_OK ? KF_OK : fail(o, err, 0, "replay");
}

static kf_err decapsulate_with(opening *o, const mcsec_user_keys *keys, const mikey_sakke *s)
{
    const sakke_rsk *rsk = mcsec_user_keys_rsk(keys);
    kf_err err = sakke_decapsulate(rsk, s->sed, SAKKE_STANDARD, &o->out->key);
    bool long_ssv = s->sed.len == SAKKE_SED_OCTETS(32);
    if (err == KF_E_AUTH && long_ssv && (o->to->compat & MIKEY_COMPAT_SSV256_L2) != 0) {
        err = sakke_decapsulate(rsk, s->sed, SAKKE_L2, &o->out->key);
        if (err == KF_OK)
            o->out->compat_used |= MIKEY_COMPAT_SSV256_L2;
    }
    return err;
}

static kf_err decapsulate(opening *o)
{
    const mikey_sakke *s = o->out->via_self ? &o->out->message.to_self : &o->out->message.sakke;
    kf_err err = KF_E_AUTH;
    for (size_t i = 0; err == KF_E_AUTH && i < PERIODS_TRIED; i++) {
        const mcsec_user_keys *keys = our_keys(o, o->out->via_self, o->out->sent, i);
        if (keys == NULL)
            continue;
        err = decapsulate_with(o, keys, s);
        if (err == KF_OK)
            o->out->used = keys;
    }
    return err == KF_OK ? KF_OK : fail(o, err, s->at, "SAKKE");
}

/* The two halves of a group's MKI, when the map has one. */
static bool group_spi(const mikey_message *m, uint32_t *key_id, uint32_t *uk_id)
{
    kf_fault fault;
    if (m->session_count == 0 || m->sessions[0].spi.len != 8)
        return false;
    kf_reader r = kf_reader_init(m->sessions[0].spi, &fault);
    *key_id = kf_read_u32(&r, "HDR.cs.spi");
    *uk_id = kf_read_u32(&r, "HDR.cs.spi");
    return kf_reader_end(&r, "HDR.cs.spi") == KF_OK;
}

/* spec: TS 33.180 5.2.3 - K-ID = UK-ID XOR the salt of the receiving URI */
static kf_err recover_key_id(opening *o)
{
    const mikey_message *m = &o->out->message;
    uint32_t spi_key = 0, spi_uk = 0;
    bool has_spi = group_spi(m, &spi_key, &spi_uk);

    o->out->key_id = m->csb_id;
    if (!mcsec_purpose_is_diverse(o->out->purpose))
        return KF_OK;
    const mikey_idr *responder = idr(o, MIKEY_ROLE_RESPONDER);
    kf_slice uri = responder != NULL  ? responder->id
                   : o->out->via_self ? (kf_slice){ NULL, 0 }
                                      : mcsec_user_keys_uri(o->out->used);
    if (uri.len == 0) { /* hidden from its own initiator's other device: only the MKI can tell */
        if (!has_spi)
            return fail(o, KF_E_UNSUPPORTED, 4, "HDR.csb_id");
        o->out->key_id = spi_key;
        return KF_OK;
    }
    kf_err err = mcsec_ukid(o->out->key, uri, m->csb_id, &o->out->key_id);
    if (err != KF_OK)
        return fail(o, err, 4, "HDR.csb_id");
    if (has_spi && (spi_key != o->out->key_id || spi_uk != m->csb_id))
        return fail(o, KF_E_MALFORMED, offset_of(o, m->sessions[0].spi), "HDR.cs.spi");
    return KF_OK;
}

/* Streamwide's older layout: content in clear, key type one higher. spec: project facts 16.1 */
static kf_err copy_legacy_params(opening *o)
{
    kf_err err = kf_secret_new_copy(o->out->message.key_params, &o->out->params_text);
    if (err == KF_OK && kf_secret_edit(o->out->params_text)[0] > 0)
        kf_secret_edit(o->out->params_text)[0]--;
    return err;
}

static kf_err open_params(opening *o)
{
    mcdata_protected p;
    kf_fault inner;
    const mikey_message *m = &o->out->message;
    size_t at = m->key_params_at;

    if (m->key_params.len == 0)
        return KF_OK;
    if (m->map_type == MIKEY_MAP_SRTP_ID) {
        kf_err err = copy_legacy_params(o);
        if (err != KF_OK)
            return fail(o, err, at, "GENEXT.key_params");
    } else {
        kf_err err = mcdata_protected_parse(m->key_params, &p, &inner);
        if (err != KF_OK)
            return fail(o, err, at + inner.at, inner.field);
        if (p.dppk_id != m->csb_id) /* spec: TS 33.180 E.6.1 - DPPK-ID is the CSB-ID */
            return fail(o, KF_E_MALFORMED, at, "PROTECTED.dppk_id");
        err = mcdata_protected_open(&p, o->out->key, &o->out->params_text);
        if (err != KF_OK)
            return fail(o, err, at, "GENEXT.key_params");
    }
    kf_err err =
        mikey_key_params_parse(kf_secret_view(o->out->params_text), &o->out->params, &inner);
    if (err != KF_OK)
        return fail(o, err, at, inner.field);
    if (o->out->params.key_type != o->out->purpose)
        return fail(o, KF_E_MALFORMED, at, "PARAMS.key_type");
    o->out->has_params = true;
    return KF_OK;
}

/* spec: TS 33.180 E.6.4, E.6.9, E.6.10; facts 8.4 - a key never outlives the KMS key period, here
 * with the tolerance of the window so that a call set up over the edge does not fail */
static void judge_state(opening *o)
{
    mikey_opened *out = o->out;
    const mikey_key_params *p = &out->params;
    mcsec_period period = mcsec_domain_period(mcsec_user_keys_domain(out->used));
    kf_time end = mcsec_period_end(period, mcsec_user_keys_period(out->used)) + edge(o);

    out->active_from = out->sent;
    out->expires = end;
    if (out->has_params && p->activation != 0)
        out->active_from = (kf_time)p->activation;
    if (out->has_params && p->expiry != 0 && (kf_time)p->expiry < end)
        out->expires = (kf_time)p->expiry;
    if (out->has_params && (p->status & MIKEY_STATUS_NOT_REVOKED) == 0)
        out->state = MIKEY_KEY_REVOKED;
    else if (o->to->now >= out->expires)
        out->state = MIKEY_KEY_EXPIRED;
    else if (out->has_params && p->activation != 0 && o->to->now < out->active_from)
        out->state = MIKEY_KEY_NOT_YET;
    else
        out->state = MIKEY_KEY_USABLE;
    if (out->state == MIKEY_KEY_REVOKED || out->state == MIKEY_KEY_EXPIRED)
        kf_secret_free(&out->key);
}

kf_err mikey_open_message(const mikey_receiver *receiver, kf_slice octets, mikey_opened *out,
                          kf_fault *fault)
{
    /* The order is the defence: cheap refusals first, the signature before any pairing, and nothing
     * is remembered that was not signed. spec: project facts 6.15 */
    static kf_err (*const steps[])(opening *) = {
        check_layout, check_time,  find_role,      find_initiator_domain, check_initiator, verify,
        check_replay, decapsulate, recover_key_id, open_params,           remember,
    };
    opening o = { .to = receiver, .octets = octets, .out = out, .fault = fault };

    memset(out, 0, sizeof *out);
    *fault = (kf_fault){ KF_OK, 0, NULL };
    kf_err err = octets.len > MIKEY_MESSAGE_MAX
                     ? kf_fault_set(fault, KF_E_UNSUPPORTED, MIKEY_MESSAGE_MAX, "message")
                     : mikey_message_parse(octets, NULL, &out->message, fault);
    for (size_t i = 0; err == KF_OK && i < KF_COUNT(steps); i++)
        err = steps[i](&o);
    if (err != KF_OK)
        mikey_opened_clear(out);
    else
        judge_state(&o);
    return err;
}

void mikey_opened_clear(mikey_opened *opened)
{
    kf_secret_free(&opened->key);
    kf_secret_free(&opened->params_text);
    memset(opened, 0, sizeof *opened);
}

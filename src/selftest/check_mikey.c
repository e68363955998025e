#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mcsec/keyid.h"
#include "mcsec/uid.h"
#include "mikey/mikey.h"
#include "selftest/check.h"

#define NEAR_NOW INT64_C(1767225600) /* 2026: the era that NTP seconds of a vector are in */

/* --- mikey-uid.txt ---------------------------------------------------------------------------- */

void check_uid(check *k)
{
    uint8_t uid[MCSEC_UID_OCTETS];
    kf_slice uri = check_text(k, "uri"), kms = check_text(k, "kms_uri");
    const mcsec_period period = { check_decimal(k, "key_period"),
                                  check_decimal(k, "key_period_offset") };
    uint64_t n = check_decimal(k, "key_period_no");
    if (check_ok(k) && check_outcome(k, mcsec_uid(uri, kms, period, n, uid), "uid"))
        check_same(k, "uid", KF_SLICE_OF(uid));
}

/* --- mikey-derive.txt ------------------------------------------------------------------------- */

/* An identifier of eight hex digits. */
static uint32_t identifier(check *k, const char *name)
{
    kf_slice s = check_need(k, name);
    if (s.len != 4) {
        check_fail(k, name);
        return 0;
    }
    return (uint32_t)s.ptr[0] << 24 | (uint32_t)s.ptr[1] << 16 | (uint32_t)s.ptr[2] << 8 | s.ptr[3];
}

static void derive(check *k, const kf_secret *tgk, uint32_t csb_id, mikey_derived what,
                   const char *name)
{
    kf_secret *got = NULL;
    kf_slice want = check_hex(k, name);
    if (want.ptr == NULL)
        return;
    kf_slice rand = check_need(k, "rand");
    uint64_t cs_id = check_decimal(k, "cs_id");
    if (cs_id > UINT8_MAX)
        check_fail(k, "cs_id");
    if (!check_ok(k))
        return;
    if (check_outcome(k, mikey_derive(tgk, what, (uint8_t)cs_id, csb_id, rand, want.len, &got),
                      name))
        check_same(k, name, kf_secret_view(got));
    kf_secret_free(&got);
}

void check_derive(check *k)
{
    kf_secret *tgk = check_secret(k, "tgk");
    kf_slice uri = check_text(k, "uri");
    uint32_t csb_id = 0;

    if (tgk == NULL)
        check_fail(k, "tgk");
    if (check_ok(k) && uri.ptr != NULL) {
        uint32_t key_id = identifier(k, "key_id"), back = 0;
        check_done(k, mcsec_ukid(tgk, uri, key_id, &csb_id), "uri");
        check_same_id(k, "csb_id", csb_id);
        check_done(k, mcsec_ukid(tgk, uri, csb_id, &back), "uri");
        check_same_id(k, "key_id", back);
    } else if (check_ok(k)) {
        csb_id = identifier(k, "csb_id");
    }
    if (!check_ok(k))
        return;
    derive(k, tgk, csb_id, MIKEY_DERIVE_TEK, "master_key");
    derive(k, tgk, csb_id, MIKEY_DERIVE_SALT, "master_salt");
}

/* --- mikey-imessage.txt ----------------------------------------------------------------------- */

typedef struct parties {
    mcsec_domain *domain;
    mcsec_user_keys *sender, *receiver;
    kf_slice sender_uri;
} parties;

static void make_domain(check *k, parties *p)
{
    kf_fault fault;
    const mcsec_domain_facts facts = {
        .kms_uri = check_text(k, "kms_uri"),
        .period = { check_decimal(k, "user_key_period"), check_decimal(k, "user_key_offset") },
        .pub_enc_key = check_need(k, "pub_enc_key"),
        .pub_auth_key = check_need(k, "pub_auth_key"),
        .valid_from = INT64_MIN,
        .valid_to = INT64_MAX,
    };
    if (check_ok(k) && mcsec_domain_new(&facts, SAKKE_SMALL, &p->domain, &fault) != KF_OK)
        check_fail(k, fault.field);
}

/* Field names of one party. */
typedef struct party_fields {
    const char *uri, *uid, *period, *rsk, *ssk, *pvt;
} party_fields;

static mcsec_user_keys *make_keys(check *k, const parties *p, const party_fields *f)
{
    mcsec_user_keys *keys = NULL;
    kf_fault fault;
    const mcsec_user_facts facts = {
        .uri = check_text(k, f->uri),
        .period_number = check_decimal(k, f->period),
        .rsk = check_secret(k, f->rsk),
        .ssk = check_secret(k, f->ssk),
        .pvt = check_need(k, f->pvt),
    };
    if (facts.rsk == NULL || facts.ssk == NULL)
        check_fail(k, facts.rsk == NULL ? f->rsk : f->ssk);
    if (!check_ok(k))
        return NULL;
    if (mcsec_user_keys_new(p->domain, &facts, MCSEC_ID_UID, SAKKE_SMALL, &keys, &fault) != KF_OK) {
        check_fail(k, fault.field == NULL ? f->rsk : fault.field);
        return NULL;
    }
    check_same(k, f->uid, mcsec_user_keys_uid(keys));
    return keys;
}

static void make_parties(check *k, parties *p)
{
    static const party_fields sender = { "sender_uri", "sender_uid", "sender_key_period_no",
                                         "sender_rsk", "sender_ssk", "sender_pvt" };
    static const party_fields receiver = { "receiver_uri", "receiver_uid", "receiver_key_period_no",
                                           "receiver_rsk", "receiver_ssk", "receiver_pvt" };
    make_domain(k, p);
    p->sender_uri = check_text(k, "sender_uri");
    if (check_ok(k) && vectors_has(k->c, "sender_rsk"))
        p->sender = make_keys(k, p, &sender);
    if (check_ok(k))
        p->receiver = make_keys(k, p, &receiver);
}

static int purpose_of(check *k)
{
    kf_slice kind = check_text(k, "kind");
    static const char *const names[] = { "gmk", "pck", "csk", "spk", "mkfc", "mscck", "musik" };
    for (size_t i = 0; i < KF_COUNT(names); i++)
        if (kf_slice_equal(kind, kf_slice_str(names[i])))
            return (int)i;
    check_fail(k, "kind");
    return 0;
}

/* key_parameters is what general extension 7 holds, decrypted. */
static void compare_params(check *k, const mikey_opened *o, bool legacy)
{
    uint8_t content[MIKEY_PARAMS_MAX];
    kf_writer w = kf_writer_init(content, sizeof content);
    if (!vectors_has(k->c, "key_parameters"))
        return;
    if (!o->has_params) {
        check_fail(k, "key_parameters");
        return;
    }
    mikey_key_params_encode(&o->params, &w);
    kf_slice want = check_hex(k, "key_parameters");
    if (legacy && kf_slice_equal(want, o->message.key_params))
        k->compared++;
    else
        check_same(k, "key_parameters", kf_writer_slice(&w));
}

static void compare(check *k, const mikey_opened *o, int purpose, const parties *p, bool legacy)
{
    if (o->purpose != (unsigned)purpose)
        check_fail(k, "kind");
    if (!kf_slice_equal(o->initiator_uri, p->sender_uri))
        check_fail(k, "sender_uri");
    if (o->key == NULL)
        check_fail(k, "key");
    check_same(k, "key", kf_secret_view(o->key));
    check_same_id(k, "key_id", o->key_id);
    check_same_id(k, "csb_id", o->message.csb_id);
    check_same(k, "rand", o->message.rand);
    compare_params(k, o, legacy);
}

static void open_with(check *k, kf_slice octets, const parties *p)
{
    mikey_opened *o = calloc(1, sizeof *o);
    kf_fault fault;
    kf_slice format = check_text(k, "format");
    bool legacy = kf_slice_equal(format, kf_slice_str("legacy"));
    int purpose = purpose_of(k);
    const mikey_rule rule = { (mcsec_purpose)purpose, p->sender_uri };
    const mcsec_user_keys *const keys[] = { p->receiver };
    const mcsec_domain *const domains[] = { p->domain };
    mikey_receiver receiver = {
        .keys = keys,
        .key_count = 1,
        .domains = domains,
        .domain_count = 1,
        .rules = &rule,
        .rule_count = 1,
        .authenticated = p->sender_uri,
        .now = NEAR_NOW,
        .window_s = -1,
        .compat = legacy ? MIKEY_COMPAT_SW_LEGACY : 0,
    };

    if (format.ptr != NULL && !legacy)
        check_fail(k, "format");
    if (o != NULL && check_ok(k)) {
        mikey_message m;
        if (mikey_message_parse(octets, NULL, &m, &fault) == KF_OK) /* the time in its T */
            receiver.now = kf_time_unfold_ntp32((uint32_t)(m.ntp >> 32), NEAR_NOW);
        receiver.window_s = 0;
        if (check_outcome(k, mikey_open_message(&receiver, octets, o, &fault), "i_message_b64") &&
            !k->expect_fail)
            compare(k, o, purpose, p, legacy);
        mikey_opened_clear(o);
    }
    free(o);
}

void check_imessage(check *k)
{
    parties p = { .domain = NULL };
    uint8_t octets[MIKEY_MESSAGE_MAX];
    kf_writer w = kf_writer_init(octets, sizeof octets);

    if (kf_base64_read(check_text(k, "i_message_b64"), &w) != KF_OK)
        check_fail(k, "i_message_b64");
    if (check_ok(k))
        make_parties(k, &p);
    if (check_ok(k))
        open_with(k, kf_writer_slice(&w), &p);
    mcsec_user_keys_free(&p.sender);
    mcsec_user_keys_free(&p.receiver);
    mcsec_domain_free(&p.domain);
}

/* Sealing and opening: what a receiver learns, and each rule it applies. */
#include "mikey/mikey.h"
#include "scene.h"

#include <string.h>

/* Open, compare with what should come out, and give the state. */
static kf_err open_as(const mikey_receiver *r, kf_slice msg, mikey_opened *out, kf_fault *fault)
{
    kf_err err = mikey_open_message(r, msg, out, fault);
    if (err != KF_OK) {
        assert_null(out->key);
        assert_null(out->params_text);
        assert_int_equal(fault->code, err);
        assert_non_null(fault->field);
        assert_true(fault->at <= msg.len);
    }
    return err;
}

static const struct {
    const char *name;
    mcsec_purpose purpose;
    size_t key_octets;
    bool params, to_self, hide, away;
    unsigned compat;
} round_trips[] = {
    { "GMK", MCSEC_GMK, 16, true, false, false, false, 0 },
    { "PCK", MCSEC_PCK, 16, true, false, false, false, 0 },
    { "CSK", MCSEC_CSK, 16, true, false, false, false, 0 },
    { "GMK without parameters", MCSEC_GMK, 16, false, false, false, false, 0 },
    { "PCK without parameters", MCSEC_PCK, 16, false, false, false, false, 0 },
    { "GMK of 256 bits", MCSEC_GMK, 32, true, false, false, false, 0 },
    { "PCK to self as well", MCSEC_PCK, 16, true, true, false, false, 0 },
    { "GMK hidden", MCSEC_GMK, 16, true, false, true, false, 0 },
    { "PCK hidden, to self", MCSEC_PCK, 16, true, true, true, false, 0 },
    { "GMK to another domain", MCSEC_GMK, 16, true, false, false, true, 0 },
    { "GMK to another domain, hidden, to self", MCSEC_GMK, 16, true, true, true, true, 0 },
    { "signature without header", MCSEC_PCK, 16, true, false, false, false,
      MIKEY_COMPAT_SIGN_NO_HEADER },
    { "256 bits with l = 2", MCSEC_PCK, 32, true, false, false, false, MIKEY_COMPAT_SSV256_L2 },
};

static void check_round_trip(scene *s, size_t i)
{
    static const char *const groups[] = { "sip:fire@mc.example", "sip:rescue@mc.example" };
    static const uint8_t long_key[32] = { 1, 2, 3 };
    kf_secret *key = round_trips[i].key_octets == 16 ? NULL : testing_secret(KF_SLICE_OF(long_key));
    mikey_key_params params = { .key_type = round_trips[i].purpose,
                                .status = MIKEY_STATUS_NOT_REVOKED,
                                .expiry = (uint64_t)WORLD_NOW + 3600,
                                .text = kf_slice_str("name") };
    for (size_t g = 0; params.key_type == MCSEC_GMK && g < KF_COUNT(groups); g++)
        params.groups[params.group_count++] = kf_slice_str(groups[g]);
    mikey_seal what = scene_seal(s, round_trips[i].purpose);
    what.params = round_trips[i].params ? &params : NULL;
    what.to_self = round_trips[i].to_self;
    what.hide = round_trips[i].hide;
    what.compat = round_trips[i].compat;
    what.key = key != NULL ? key : s->key;
    if (round_trips[i].away) {
        what.to_domain = s->away.domain;
        what.to_uri = kf_slice_str(WORLD_BOB);
    }
    kf_slice msg = scene_make(s, &what);

    mikey_receiver r = scene_receiver(s, round_trips[i].away ? s->far : s->alice);
    mikey_opened out;
    kf_fault fault;
    if (round_trips[i].compat != 0)
        assert_err(open_as(&r, msg, &out, &fault), KF_E_AUTH);
    r.compat = round_trips[i].compat;
    if (open_as(&r, msg, &out, &fault) != KF_OK)
        fail_msg("%s: %s in %s", round_trips[i].name, kf_err_name(fault.code), fault.field);
    assert_true(kf_secret_equal(out.key, what.key));
    assert_int_equal(out.key_id, what.key_id);
    assert_int_equal(out.purpose, what.purpose);
    assert_int_equal(out.message.csb_id != out.key_id, what.purpose == MCSEC_GMK);
    assert_int_equal(out.compat_used, round_trips[i].compat);
    assert_int_equal(out.state, MIKEY_KEY_USABLE);
    assert_true(out.sent == WORLD_NOW);
    assert_ptr_equal(out.used, r.keys[0]);
    assert_slice_equal(KF_SLICE_OF(out.initiator_uid), mcsec_user_keys_uid(s->iwf));
    assert_slice_equal(out.initiator_uri, kf_slice_str(what.hide ? "" : WORLD_IWF));
    assert_int_equal(out.has_params, round_trips[i].params);
    if (out.has_params) {
        assert_slice_equal(out.params.text, params.text);
        assert_int_equal(out.params.group_count, params.group_count);
        assert_true(out.expires == WORLD_NOW + 3600);
    }
    mikey_opened_clear(&out);
    mikey_opened_clear(&out);

    r = scene_receiver(s, s->iwf); /* another device of the initiator */
    assert_err(open_as(&r, msg, &out, &fault), what.to_self ? KF_OK : KF_E_STATE);
    if (what.to_self) {
        assert_true(out.via_self);
        assert_true(kf_secret_equal(out.key, what.key));
        assert_int_equal(out.key_id, what.key_id);
    }
    mikey_opened_clear(&out);

    r = scene_receiver(s, round_trips[i].away ? s->bob : s->bob); /* somebody else */
    assert_err(open_as(&r, msg, &out, &fault), KF_E_STATE);
    assert_string_equal(fault.field, "IDRr");
    kf_secret_free(&key);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < KF_COUNT(round_trips); i++)
        check_round_trip(scene_get(), i);
}

static const struct {
    uint32_t status;
    int64_t activation, expiry; /* relative to now; 0 is the field's 0 */
    mikey_key_state want;
} states[] = {
    { 1, 0, 0, MIKEY_KEY_USABLE },          { 1, -10, 10, MIKEY_KEY_USABLE },
    { 1, 1, 0, MIKEY_KEY_NOT_YET },         { 1, 100, 200, MIKEY_KEY_NOT_YET },
    { 1, 0, -1, MIKEY_KEY_EXPIRED },        { 1, 100, -1, MIKEY_KEY_EXPIRED },
    { 0, 0, 0, MIKEY_KEY_REVOKED },         { 0, 100, -1, MIKEY_KEY_REVOKED },
    { 2, 0, 0, MIKEY_KEY_REVOKED },         { 3, 0, 0, MIKEY_KEY_USABLE },
    { 0x80000001, 0, 0, MIKEY_KEY_USABLE }, { 1, -100, 100000000, MIKEY_KEY_USABLE },
};

static void test_key_states(void **state)
{
    (void)state;
    scene *s = scene_get();
    for (size_t i = 0; i < KF_COUNT(states); i++) {
        mikey_key_params p = {
            .key_type = MCSEC_PCK,
            .status = states[i].status,
            .activation =
                states[i].activation == 0 ? 0 : (uint64_t)(WORLD_NOW + states[i].activation),
            .expiry = states[i].expiry == 0 ? 0 : (uint64_t)(WORLD_NOW + states[i].expiry),
        };
        mikey_seal what = scene_seal(s, MCSEC_PCK);
        what.params = &p;
        kf_slice msg = scene_make(s, &what);
        mikey_receiver r = scene_receiver(s, s->alice);
        mikey_opened out;
        kf_fault fault;
        assert_ok(open_as(&r, msg, &out, &fault));
        assert_int_equal(out.state, states[i].want);
        bool gone = out.state == MIKEY_KEY_REVOKED || out.state == MIKEY_KEY_EXPIRED;
        assert_int_equal(out.key == NULL, gone);
        assert_int_equal(out.key_id, what.key_id);
        /* never beyond the key period, whatever the field says */
        kf_time end =
            mcsec_period_end(mcsec_domain_period(s->home.domain), mcsec_user_keys_period(s->alice));
        assert_true(out.expires <= end + MIKEY_WINDOW_S);
        mikey_opened_clear(&out);
    }
}

static void test_window(void **state)
{
    (void)state;
    static const struct {
        int64_t now, window;
        kf_err want;
    } cases[] = {
        { 0, 300, KF_OK },
        { 300, 300, KF_OK },
        { -300, 300, KF_OK },
        { 301, 300, KF_E_STATE },
        { -301, 300, KF_E_STATE },
        { 1, 0, KF_E_STATE },
        { 0, 0, KF_OK },
        { 100000, -1, KF_OK },
        { INT64_C(5000000000), 300, KF_E_STATE },
    };
    scene *s = scene_get();
    mikey_seal what = scene_seal(s, MCSEC_PCK);
    kf_slice msg = scene_make(s, &what);
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mikey_receiver r = scene_receiver(s, s->alice);
        r.now = WORLD_NOW + cases[i].now;
        r.window_s = cases[i].window;
        mikey_opened out;
        kf_fault fault;
        assert_err(open_as(&r, msg, &out, &fault), cases[i].want);
        mikey_opened_clear(&out);
    }
}

static void test_rules_and_transport(void **state)
{
    (void)state;
    static const struct {
        const char *rule_uri; /* NULL: no rule at all */
        mcsec_purpose rule_purpose;
        const char *authenticated;
        bool hide;
        kf_err want;
        const char *learned;
    } cases[] = {
        { "", MCSEC_GMK, "", false, KF_OK, WORLD_IWF },
        { WORLD_IWF, MCSEC_GMK, "", false, KF_OK, WORLD_IWF },
        { WORLD_IWF, MCSEC_GMK, WORLD_IWF, false, KF_OK, WORLD_IWF },
        { WORLD_BOB, MCSEC_GMK, "", false, KF_E_DENIED, "" },
        { WORLD_IWF, MCSEC_PCK, "", false, KF_E_DENIED, "" },
        { NULL, MCSEC_GMK, "", false, KF_E_DENIED, "" },
        { "", MCSEC_GMK, WORLD_BOB, false, KF_E_DENIED, "" },
        { "", MCSEC_GMK, "", true, KF_OK, "" },
        { "", MCSEC_GMK, WORLD_IWF, true, KF_OK, WORLD_IWF },
        { WORLD_IWF, MCSEC_GMK, "", true, KF_OK, WORLD_IWF }, /* the rule tells who it is */
        { "", MCSEC_GMK, WORLD_BOB, true, KF_E_DENIED, "" },
        { WORLD_BOB, MCSEC_GMK, "", true, KF_E_DENIED, "" },
    };
    scene *s = scene_get();
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mikey_seal what = scene_seal(s, MCSEC_GMK);
        what.hide = cases[i].hide;
        kf_slice msg = scene_make(s, &what);
        mikey_receiver r = scene_receiver(s, s->alice);
        const mikey_rule rule = {
            cases[i].rule_purpose,
            kf_slice_str(cases[i].rule_uri == NULL ? "" : cases[i].rule_uri),
        };
        r.rules = &rule;
        r.rule_count = cases[i].rule_uri == NULL ? 0 : 1;
        r.authenticated = kf_slice_str(cases[i].authenticated);
        mikey_opened out;
        kf_fault fault;
        assert_err(open_as(&r, msg, &out, &fault), cases[i].want);
        assert_slice_equal(out.initiator_uri, kf_slice_str(cases[i].learned));
        mikey_opened_clear(&out);
    }
}

/* s -> q - s, with q the order of P-256. */
static void negate_s(uint8_t s[ECCSI_SCALAR_OCTETS])
{
    uint8_t q[ECCSI_SCALAR_OCTETS];
    testing_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", q, sizeof q);
    int borrow = 0;
    for (size_t i = ECCSI_SCALAR_OCTETS; i-- > 0;) {
        int d = q[i] - s[i] - borrow;
        borrow = d < 0;
        s[i] = (uint8_t)(d & 0xff);
    }
}

static void test_replay(void **state)
{
    (void)state;
    scene *s = scene_get();
    mikey_replay *cache = NULL;
    assert_ok(mikey_replay_new(2, &cache));
    mikey_seal what = scene_seal(s, MCSEC_PCK);
    mikey_receiver r = scene_receiver(s, s->alice);
    r.replay = cache;
    mikey_opened out;
    kf_fault fault;
    for (int i = 0; i < 2; i++) {
        kf_slice msg = scene_make(s, &what);
        assert_ok(open_as(&r, msg, &out, &fault));
        mikey_opened_clear(&out);
        for (int again = 0; again < 3; again++) {
            assert_err(open_as(&r, msg, &out, &fault), KF_E_STATE);
            assert_string_equal(fault.field, "replay");
        }
    }
    /* the same key again in the same second, as a revocation is, is no replay ... */
    mikey_replay *other = NULL;
    assert_ok(mikey_replay_new(2, &other));
    mikey_key_params params = { .key_type = MCSEC_PCK, .status = MIKEY_STATUS_NOT_REVOKED };
    static const uint8_t rand[16] = { 1 };
    mikey_seal twice = what;
    twice.rand = KF_SLICE_OF(rand);
    twice.params = &params;
    r.replay = other;
    assert_ok(open_as(&r, scene_make(s, &twice), &out, &fault));
    mikey_opened_clear(&out);
    params.status = 0;
    kf_slice revoked = scene_make(s, &twice);
    assert_ok(open_as(&r, revoked, &out, &fault));
    assert_int_equal(out.state, MIKEY_KEY_REVOKED);
    mikey_opened_clear(&out);
    /* ... but the other valid signature over the same octets, which anybody can make, is */
    negate_s(s->octets + revoked.len - ECCSI_SIGNATURE_OCTETS + ECCSI_SCALAR_OCTETS);
    assert_err(open_as(&r, revoked, &out, &fault), KF_E_STATE);
    assert_string_equal(fault.field, "replay");
    mikey_replay_free(&other);
    r.replay = cache;
    /* full of live entries: refused rather than forgotten */
    assert_err(open_as(&r, scene_make(s, &what), &out, &fault), KF_E_NO_SPACE);
    /* a message that fails is not remembered, and a later time makes room */
    what.now += 2 * MIKEY_WINDOW_S + 1;
    r.now = what.now;
    kf_slice msg = scene_make(s, &what);
    s->octets[msg.len - 1] ^= 1;
    assert_err(open_as(&r, msg, &out, &fault), KF_E_AUTH);
    s->octets[msg.len - 1] ^= 1;
    assert_ok(open_as(&r, msg, &out, &fault));
    mikey_opened_clear(&out);
    mikey_replay_free(&cache);
    mikey_replay_free(&cache);
    assert_err(mikey_replay_new(0, &cache), KF_E_NO_MEMORY);
}

/* A sender whose clock stands just over the edge of a period, in either direction. */
static void test_neighbour_periods(void **state)
{
    (void)state;
    scene *s = scene_get();
    uint64_t n = world_period(&s->home, WORLD_NOW);
    mcsec_period period = mcsec_domain_period(s->home.domain);
    static const struct {
        int64_t sent; /* seconds from the start of period n + 1 */
        int holds;    /* receiver holds the keys of period n + this */
        kf_err want;
    } cases[] = {
        { -10, 0, KF_OK },    { -10, 1, KF_E_AUTH },   { 10, 1, KF_OK },
        { 10, 0, KF_E_AUTH }, { -400, 1, KF_E_STATE }, { 400, 0, KF_E_STATE },
    };
    mcsec_user_keys *iwf_next = world_user(&s->home, WORLD_IWF, n + 1, MCSEC_ID_UID);
    mcsec_user_keys *alice_next = world_user(&s->home, WORLD_ALICE, n + 1, MCSEC_ID_UID);
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mikey_seal what = scene_seal(s, MCSEC_PCK);
        what.now = mcsec_period_end(period, n) + cases[i].sent;
        what.from = cases[i].sent < 0 ? s->iwf : iwf_next;
        kf_slice msg = scene_make(s, &what);
        mikey_receiver r = scene_receiver(s, cases[i].holds == 0 ? s->alice : alice_next);
        r.now = what.now;
        mikey_opened out;
        kf_fault fault;
        assert_err(open_as(&r, msg, &out, &fault), cases[i].want);
        mikey_opened_clear(&out);
        if (cases[i].want == KF_OK) { /* with both sets the right one is found */
            s->held[0] = alice_next;
            s->held[1] = s->alice;
            r.key_count = 2;
            assert_ok(open_as(&r, msg, &out, &fault));
            mikey_opened_clear(&out);
        }
    }
    mcsec_user_keys_free(&iwf_next);
    mcsec_user_keys_free(&alice_next);
}

static void test_unknown_or_unusable_domain(void **state)
{
    (void)state;
    scene *s = scene_get();
    mikey_seal what = scene_seal(s, MCSEC_PCK);
    kf_slice msg = scene_make(s, &what);
    mikey_receiver r = scene_receiver(s, s->alice);
    const mcsec_domain *only_away[] = { s->away.domain };
    r.domains = only_away;
    r.domain_count = 1;
    mikey_opened out;
    kf_fault fault;
    assert_err(open_as(&r, msg, &out, &fault), KF_E_STATE);
    assert_string_equal(fault.field, "IDRkmsi");
}

static void test_hex_identifiers(void **state)
{
    (void)state;
    scene *s = scene_get();
    uint64_t n = world_period(&s->home, WORLD_NOW);
    mcsec_user_keys *iwf = world_user(&s->home, WORLD_IWF, n, MCSEC_ID_HEX);
    mcsec_user_keys *alice = world_user(&s->home, WORLD_ALICE, n, MCSEC_ID_HEX);
    mikey_seal what = scene_seal(s, MCSEC_GMK);
    what.from = iwf;
    what.compat = MIKEY_COMPAT_HEX_ID;
    kf_slice msg = scene_make(s, &what);
    mikey_receiver r = scene_receiver(s, alice);
    mikey_opened out;
    kf_fault fault;
    assert_err(open_as(&r, msg, &out, &fault), KF_E_AUTH);
    r.compat = MIKEY_COMPAT_HEX_ID;
    assert_ok(open_as(&r, msg, &out, &fault));
    assert_true(kf_secret_equal(out.key, s->key));
    assert_int_equal(out.compat_used, MIKEY_COMPAT_HEX_ID);
    mikey_opened_clear(&out);
    mcsec_user_keys_free(&iwf);
    mcsec_user_keys_free(&alice);
}

/* An older layout of one implementation (project facts 16.1), made here from its description:
 * SRTP-ID map of two sessions, content of the key parameters in clear with the key type plus one.
 */
static void test_streamwide_legacy(void **state)
{
    (void)state;
    scene *s = scene_get();
    mikey_seal what = scene_seal(s, MCSEC_GMK);
    kf_slice modern = scene_make(s, &what);
    mikey_message m;
    kf_fault fault;
    uint8_t map[18] = { 0 }, params[32], octets[2048];
    assert_ok(mikey_message_parse(modern, NULL, &m, &fault));
    m.map_type = MIKEY_MAP_SRTP_ID;
    m.session_count = 0;
    m.srtp_map = KF_SLICE_OF(map);
    m.key_params = testing_hex("01 00000001 0000000000 0000000000 0000 0001 00", params, 32);
    kf_writer w = kf_writer_init(octets, sizeof octets);
    mikey_message_encode_unsigned(&m, &w);
    kf_slice covered = kf_writer_slice(&w);
    uint8_t *signature = kf_write_space(&w, ECCSI_SIGNATURE_OCTETS);
    assert_ok(eccsi_sign(mcsec_user_keys_signer(s->iwf), covered, &s->rng.rng, signature));
    mikey_receiver r = scene_receiver(s, s->alice);
    mikey_opened out;
    assert_err(open_as(&r, kf_writer_slice(&w), &out, &fault), KF_E_UNSUPPORTED);
    assert_string_equal(fault.field, "HDR.cs_map_type");
    r.compat = MIKEY_COMPAT_SW_LEGACY;
    assert_ok(open_as(&r, kf_writer_slice(&w), &out, &fault));
    assert_int_equal(out.params.key_type, MCSEC_GMK);
    assert_int_equal(out.key_id, what.key_id);
    assert_int_equal(out.compat_used, MIKEY_COMPAT_SW_LEGACY);
    mikey_opened_clear(&out);
}

static void test_seal_refusals(void **state)
{
    (void)state;
    scene *s = scene_get();
    kf_secret *odd = testing_secret_hex("000102");
    static const mikey_key_params csk_params = { .key_type = MCSEC_CSK };
    const struct {
        const char *field;
        kf_err want;
        int change;
    } cases[] = {
        { "seal.purpose", KF_E_UNSUPPORTED, 0 },
        { "seal.key_id", KF_E_MALFORMED, 1 },
        { "seal.key", KF_E_MALFORMED, 2 },
        { "seal.to_uri", KF_E_MALFORMED, 3 },
        { "seal.to_uri", KF_E_MALFORMED, 4 },
        { "seal.from.period", KF_E_STATE, 5 },
        { "seal.params.key_type", KF_E_MALFORMED, 6 },
    };
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        mikey_seal what = scene_seal(s, MCSEC_PCK);
        switch (cases[i].change) {
        case 0:
            what.purpose = MCSEC_SPK;
            break;
        case 1:
            what.key_id ^= 0x30000000;
            break;
        case 2:
            what.key = odd;
            break;
        case 3:
            what.to_uri = kf_slice_str("");
            break;
        case 4:
            what.to_uri = kf_slice_str("sip:a b");
            break;
        case 5:
            what.now += (kf_time)WORLD_PERIOD;
            break;
        default:
            what.params = &csk_params;
        }
        kf_fault fault;
        kf_writer w = kf_writer_init(s->octets, sizeof s->octets);
        assert_err(mikey_seal_message(&what, &s->rng.rng, &w, &fault), cases[i].want);
        assert_string_equal(fault.field, cases[i].field);
        assert_int_equal(w.len, 0);
    }
    kf_secret_free(&odd);
}

/* Every octet of output space and of randomness missing in turn: an error, nothing written. */
static void test_seal_short_of_anything(void **state)
{
    (void)state;
    scene *s = scene_get();
    mikey_key_params p = { .key_type = MCSEC_GMK, .status = MIKEY_STATUS_NOT_REVOKED };
    mikey_seal what = scene_seal(s, MCSEC_GMK);
    what.params = &p;
    kf_fault fault;
    size_t len = scene_make(s, &what).len;
    for (size_t cap = 0; cap < len; cap += 1 + testing_count(60, 0)) {
        kf_writer w = kf_writer_init(s->octets, cap);
        assert_err(mikey_seal_message(&what, &s->rng.rng, &w, &fault), KF_E_NO_SPACE);
        assert_int_equal(kf_writer_slice(&w).len, 0);
    }
    for (size_t budget = 0; budget < 64; budget += 8) { /* 16 RAND, 16 IV, 32 j */
        testing_rng rng;
        testing_rng_init(&rng, "short");
        rng.budget = budget;
        kf_writer w = kf_writer_init(s->octets, sizeof s->octets);
        assert_err(mikey_seal_message(&what, &rng.rng, &w, &fault), KF_E_BACKEND);
        assert_int_equal(w.len, 0);
    }
}

/* All members of a group must derive the same SRTP keys, so they must be given the same RAND. */
static void test_group_members_share_rand(void **state)
{
    (void)state;
    static const uint8_t rand[16] = { 0xca, 0x2f };
    scene *s = scene_get();
    const mcsec_user_keys *const members[] = { s->alice, s->bob };
    kf_secret *tek[2] = { NULL, NULL };
    for (size_t i = 0; i < 2; i++) {
        mikey_seal what = scene_seal(s, MCSEC_GMK);
        what.to_uri = mcsec_user_keys_uri(members[i]);
        what.rand = KF_SLICE_OF(rand);
        mikey_receiver r = scene_receiver(s, members[i]);
        mikey_opened out;
        kf_fault fault;
        uint32_t sender = 0;
        assert_ok(open_as(&r, scene_make(s, &what), &out, &fault));
        assert_slice_equal(out.message.rand, KF_SLICE_OF(rand));
        assert_ok(mcsec_ukid(out.key, kf_slice_str(WORLD_IWF), out.key_id, &sender));
        assert_ok(
            mikey_derive(out.key, MIKEY_DERIVE_TEK, 4, sender, out.message.rand, 16, &tek[i]));
        mikey_opened_clear(&out);
    }
    assert_true(kf_secret_equal(tek[0], tek[1]));
    kf_secret_free(&tek[0]);
    kf_secret_free(&tek[1]);

    mikey_seal what = scene_seal(s, MCSEC_GMK);
    kf_fault fault;
    kf_writer w = kf_writer_init(s->octets, sizeof s->octets);
    what.rand = (kf_slice){ rand, 15 };
    assert_err(mikey_seal_message(&what, &s->rng.rng, &w, &fault), KF_E_MALFORMED);
    assert_string_equal(fault.field, "seal.rand");
}

static void test_compat_names(void **state)
{
    (void)state;
    for (unsigned i = 0; mikey_compat_name(i) != NULL; i++)
        assert_int_equal(mikey_compat_by_name(kf_slice_str(mikey_compat_name(i))), 1u << i);
    assert_int_equal(mikey_compat_by_name(kf_slice_str("no-such")), 0);
    assert_null(mikey_compat_name(4));
}

static int tear_down(void **state)
{
    (void)state;
    scene_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_key_states),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_rules_and_transport),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_neighbour_periods),
        cmocka_unit_test(test_unknown_or_unusable_domain),
        cmocka_unit_test(test_hex_identifiers),
        cmocka_unit_test(test_streamwide_legacy),
        cmocka_unit_test(test_seal_refusals),
        cmocka_unit_test(test_seal_short_of_anything),
        cmocka_unit_test(test_group_members_share_rand),
        cmocka_unit_test(test_compat_names),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}

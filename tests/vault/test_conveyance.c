/* Keys conveyed: what a courier takes out opens at the members, and nowhere else. */
#include "kms/kms.h"
#include "kms/response.h"
#include "mcdata/interworking.h"
#include "mcdata/protected_payload.h"
#include "mikey/mikey.h"
#include "otar/unit.h"
#include "p25/dli.h"
#include "vault/fixture.h"

#define IWF     "sip:iwf@county.example"
#define FIRE    "sip:fire@mc.county.example"
#define KMF_RSI 9999999u

/* An MC client with what its KMS gave it, or a radio, or both. */
typedef struct member {
    const char *name, *uri;
    uint32_t rsi;
    mcsec_domain *domain;
    mcsec_user_keys *keys;
    otar_unit *unit;
    kf_secret *context;
} member;

static kf_err keep(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

/* The client's side of the KMS interface. */
static void enrol(scene *s, member *m)
{
    kms_response r;
    kf_fault fault;
    DONE(s, &auditor, "kms certificate");
    assert_ok(kms_response_parse(wire_get_octets(s->out, "certificate"), &r, &fault));
    assert_ok(kms_cert_to_domain(&r.certs[0], SAKKE_SMALL, &m->domain, &fault));
    kms_response_clear(&r);
    DONE(s, &kms_face, "kms issue", "uri", 's', m->uri);
    assert_ok(kms_response_parse(wire_get_octets(s->out, "keyset"), &r, &fault));
    assert_ok(kms_keyset_to_user_keys(&r.keysets[0], m->domain, MCSEC_ID_UID, SAKKE_SMALL, &m->keys,
                                      &fault));
    kms_response_clear(&r);
}

static void radio_new(member *m)
{
    const otar_unit_config config = {
        .rsi = m->rsi, .kmf_rsi = KMF_RSI, .mac = P25_MAC_AUTO, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_store nowhere = { keep, NULL };
    const otar_watch watch = { NULL, NULL };
    assert_ok(
        otar_unit_new(&config, &nowhere, &watch, kf_random(), (kf_slice){ NULL, 0 }, &m->unit));
}

static void radio_load(member *m, uint16_t kid, kf_slice octets)
{
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = kid,
                             .is_kek = true };
    kf_secret *key = NULL;
    assert_ok(kf_secret_new_copy(octets, &key));
    assert_ok(otar_unit_load(m->unit, &where, &key));
}

static void member_clear(member *m)
{
    otar_unit_free(&m->unit);
    mcsec_user_keys_free(&m->keys);
    mcsec_domain_free(&m->domain);
    kf_secret_free(&m->context);
}

static kf_err open_with(const member *m, kf_time now, kf_slice message, mikey_opened *opened)
{
    const mikey_rule rules[] = { { MCSEC_GMK, octets_of(IWF) }, { MCSEC_PCK, octets_of(IWF) } };
    const mcsec_user_keys *keys = m->keys;
    const mcsec_domain *domain = m->domain;
    kf_fault fault;
    const mikey_receiver receiver = { .keys = &keys,
                                      .key_count = 1,
                                      .domains = &domain,
                                      .domain_count = 1,
                                      .rules = rules,
                                      .rule_count = 2,
                                      .now = now,
                                      .window_s = 300 };
    return mikey_open_message(&receiver, message, opened, &fault);
}

/* ---- the courier: everything that is in the outbox goes to its member, answers come back ---- */

typedef struct box {
    long long delivery, claim;
    char kind[16], unit[64];
    kf_secret *octets;
} box;

static size_t claim(scene *s, box *boxes, size_t cap)
{
    size_t n = 0;
    DONE(s, &courier, "outbox claim", "limit", 'i', (long long)cap);
    const long long number = wire_get_int(s->out, "claim", 0);
    for (const wire_value *b = wire_get(s->out, "boxes")->first; b != NULL; b = b->next) {
        const kf_slice kind = wire_get_text(b, "kind"), unit = wire_get_text(b, "unit");
        boxes[n] = (box){ .delivery = wire_get_int(b, "delivery", 0), .claim = number };
        snprintf(boxes[n].kind, sizeof boxes[n].kind, "%.*s", (int)kind.len,
                 (const char *)kind.ptr);
        snprintf(boxes[n].unit, sizeof boxes[n].unit, "%.*s", (int)unit.len,
                 (const char *)unit.ptr);
        assert_ok(kf_secret_new_copy(wire_get_octets(b, "box"), &boxes[n].octets));
        n++;
    }
    return n;
}

static member *named(member *members, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    fail_msg("a box for %s, who is nobody", name);
    return NULL;
}

static void put(scene *s, const member *m, kf_slice datagram)
{
    char from[32];
    snprintf(from, sizeof from, "%u", m->rsi);
    DONE(s, &courier, "inbox put", "from", 's', from, "datagram", 'o', &datagram);
}

/* KMMs only; other boxes are left claimed for the test. @return how many were carried. */
static size_t carry(scene *s, member *members, size_t count)
{
    static box boxes[64];
    size_t carried = 0;
    work(s);
    const size_t n = claim(s, boxes, KF_COUNT(boxes));
    for (size_t i = 0; i < n; i++) {
        member *m = named(members, count, boxes[i].unit);
        uint8_t room[P25_DLI_DATAGRAM_MAX];
        kf_writer out = kf_writer_init(room, sizeof room);
        DONE(s, &courier, "outbox settle", "delivery", 'i', boxes[i].delivery, "claim", 'i',
             boxes[i].claim, "outcome", 's', "delivered");
        if (strcmp(boxes[i].kind, "kmm") == 0 && m->unit != NULL) {
            assert_ok(otar_unit_receive(m->unit, s->now, kf_secret_view(boxes[i].octets), &out));
            if (out.len > 0)
                put(s, m, kf_writer_slice(&out));
            carried++;
        }
        kf_secret_free(&boxes[i].octets);
    }
    return carried;
}

static void carry_all(scene *s, member *members, size_t count)
{
    for (unsigned i = 0; carry(s, members, count) > 0; i++)
        assert_true(i < 100);
}

static void register_radio(scene *s, member *m)
{
    uint8_t room[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(room, sizeof room);
    assert_ok(otar_unit_register(m->unit, true, &out));
    put(s, m, kf_writer_slice(&out));
}

/* ---- group master keys ---- */

static void open_scene(scene *s)
{
    scene_open(s);
    DONE(s, &officer, "kms create", "uri", 's', "kms.county.example");
    DONE(s, &officer, "kms identity", "uri", 's', IWF, "periods", 'i', 2LL);
}

static void members_open_their_group_key_and_no_other(void **state)
{
    scene s;
    static box boxes[8];
    member m[3] = { { .name = "alice", .uri = "sip:alice@mc" },
                    { .name = "bob", .uri = "sip:bob@mc" },
                    { .name = "carol", .uri = "sip:carol@mc" } };
    mikey_opened opened, first = { .key = NULL };
    (void)state;
    open_scene(&s);
    DONE(&s, &officer, "group create", "group", 's', "fire", "uris", 'S', FIRE, NULL, "identity",
         's', IWF);
    for (size_t i = 0; i < 3; i++) {
        enrol(&s, &m[i]);
        DONE(&s, &officer, "unit add", "name", 's', m[i].name, "uri", 's', m[i].uri);
    }
    DONE(&s, &officer, "group members", "group", 's', "fire", "add", 'S', "alice", "bob", "carol",
         NULL);
    work(&s);
    assert_int_equal(claim(&s, boxes, KF_COUNT(boxes)), 3);
    for (size_t i = 0; i < 3; i++) {
        const member *to = named(m, 3, boxes[i].unit);
        assert_string_equal(boxes[i].kind, "gmk");
        for (size_t k = 0; k < 3; k++)
            if (&m[k] != to) {
                assert_int_not_equal(
                    open_with(&m[k], s.now, kf_secret_view(boxes[i].octets), &opened), KF_OK);
                mikey_opened_clear(&opened);
            }
        assert_ok(open_with(to, s.now, kf_secret_view(boxes[i].octets), &opened));
        assert_int_equal(opened.state, MIKEY_KEY_USABLE);
        assert_int_equal(opened.params.group_count, 1);
        if (first.key == NULL) {
            first = opened;
        } else {
            assert_true(kf_secret_equal(opened.key, first.key));
            assert_int_equal(opened.key_id, first.key_id);
            mikey_opened_clear(&opened);
        }
        kf_secret_free(&boxes[i].octets);
    }
    mikey_opened_clear(&first);
    /* another courier cannot settle what this one claimed; nor under another claim */
    static const vault_caller other = { VAULT_COURIER, "other" };
    REFUSED(&s, "not-claimed", &other, "outbox settle", "delivery", 'i', boxes[0].delivery, "claim",
            'i', boxes[0].claim, "outcome", 's', "delivered");
    REFUSED(&s, "not-claimed", &courier, "outbox settle", "delivery", 'i', boxes[0].delivery,
            "claim", 'i', boxes[0].claim + 1, "outcome", 's', "delivered");
    for (size_t i = 0; i < 3; i++) {
        DONE(&s, &courier, "outbox settle", "delivery", 'i', boxes[i].delivery, "claim", 'i',
             boxes[i].claim, "outcome", 's', "delivered");
        DONE(&s, &courier, "outbox settle", "delivery", 'i', boxes[i].delivery, "claim", 'i',
             boxes[i].claim, "outcome", 's', "failed"); /* too late: it is settled */
        assert_int_equal(wire_get_text(s.out, "state").ptr[0], 'a');
    }
    DONE(&s, &auditor, "group show", "group", 's', "fire");
    assert_int_equal(wire_get_int(s.out, "boxes_acknowledged", 0), 3);
    DONE(&s, &auditor, "audit verify");
    for (size_t i = 0; i < 3; i++)
        member_clear(&m[i]);
    scene_close(&s);
}

static void a_lease_that_ends_gives_the_box_back(void **state)
{
    scene s;
    static box boxes[8];
    (void)state;
    open_scene(&s);
    DONE(&s, &officer, "group create", "group", 's', "fire", "uris", 'S', FIRE, NULL, "identity",
         's', IWF);
    DONE(&s, &officer, "unit add", "name", 's', "alice", "uri", 's', "sip:alice@mc");
    DONE(&s, &officer, "group members", "group", 's', "fire", "add", 'S', "alice", NULL);
    work(&s);
    assert_int_equal(claim(&s, boxes, 8), 1);
    kf_secret_free(&boxes[0].octets);
    assert_int_equal(claim(&s, boxes + 1, 7), 0);
    s.now += 61;
    work(&s);
    assert_int_equal(claim(&s, boxes + 1, 7), 1);
    kf_secret_free(&boxes[1].octets);
    REFUSED(&s, "not-claimed", &courier, "outbox settle", "delivery", 'i', boxes[0].delivery,
            "claim", 'i', boxes[0].claim, "outcome", 's', "delivered");
    scene_close(&s);
}

/* ---- over the air ---- */

static void open_radios(scene *s, member *m, size_t count)
{
    uint8_t ukek[32];
    open_scene(s);
    DONE(s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, 2, -1);
    for (size_t i = 0; i < count; i++) {
        assert_ok(kf_rng_fill(kf_random(), ukek, sizeof ukek));
        const kf_slice octets = { ukek, sizeof ukek };
        radio_new(&m[i]);
        radio_load(&m[i], (uint16_t)(0x100 + i), octets);
        DONE(s, &officer, "unit add", "name", 's', m[i].name, "rsi", 'i', (long long)m[i].rsi,
             "ukek", 'o', &octets, "ukek_kid", 'i', (long long)(0x100 + i));
        DONE(s, &officer, "group members", "group", 's', "fire", "add", 'S', m[i].name, NULL);
    }
}

static const otar_key *current(const member *m, uint16_t sln)
{
    return otar_unit_current(m->unit, sln);
}

static void radios_are_keyed_rekeyed_and_changed_over(void **state)
{
    scene s;
    member m[2] = { { .name = "e1", .rsi = 1001 }, { .name = "e2", .rsi = 1002 } };
    (void)state;
    open_radios(&s, m, 2);
    register_radio(&s, &m[0]);
    register_radio(&s, &m[1]);
    carry_all(&s, m, 2);
    assert_non_null(current(&m[0], 1));
    assert_non_null(current(&m[1], 2));
    assert_true(kf_secret_equal(current(&m[0], 1)->material, current(&m[1], 1)->material));
    const uint16_t before = current(&m[0], 1)->kid;

    DONE(&s, &officer, "group rekey", "group", 's', "fire");
    assert_int_equal(wire_get_int(s.out, "traffic_keys", 0), 2);
    REFUSED(&s, "not-ready", &officer, "group changeover", "group", 's', "fire");
    assert_int_equal(wire_get(s.out, "not_ready")->count, 2);
    carry_all(&s, m, 1 + 1);
    assert_int_equal(current(&m[0], 1)->kid, before); /* staged, not yet in use */
    DONE(&s, &officer, "group changeover", "group", 's', "fire");
    carry_all(&s, m, 2);
    assert_int_not_equal(current(&m[0], 1)->kid, before);
    assert_true(kf_secret_equal(current(&m[0], 1)->material, current(&m[1], 1)->material));
    DONE(&s, &auditor, "unit show", "unit", 's', "e1");
    assert_true(wire_get(s.out, "holds")->count >= 2);
    DONE(&s, &auditor, "audit verify");
    member_clear(&m[0]);
    member_clear(&m[1]);
    scene_close(&s);
}

static void a_silent_radio_holds_up_the_changeover_by_name(void **state)
{
    scene s;
    member m[2] = { { .name = "e1", .rsi = 1001 }, { .name = "e2", .rsi = 1002 } };
    (void)state;
    open_radios(&s, m, 2);
    register_radio(&s, &m[0]);
    register_radio(&s, &m[1]);
    carry_all(&s, m, 2);
    DONE(&s, &officer, "group rekey", "group", 's', "fire");
    otar_unit *away = m[1].unit;
    m[1].unit = NULL; /* off the air: boxes are handed over and nothing comes back */
    carry_all(&s, m, 2);
    REFUSED(&s, "not-ready", &officer, "group changeover", "group", 's', "fire");
    assert_int_equal(wire_get(s.out, "not_ready")->count, 1);
    const kf_slice name = wire_get(s.out, "not_ready")->first->octets;
    assert_memory_equal(name.ptr, "e2", name.len);
    DONE(&s, &officer, "group changeover", "group", 's', "fire", "override", 's',
         "e2 is in the shop");
    carry_all(&s, m, 2);
    m[1].unit = away;
    s.now += 1000;
    register_radio(&s, &m[1]);
    for (int i = 0; i < 40; i++, s.now += 25)
        carry_all(&s, m, 2);
    assert_true(kf_secret_equal(current(&m[0], 1)->material, current(&m[1], 1)->material));
    member_clear(&m[0]);
    member_clear(&m[1]);
    scene_close(&s);
}

static void a_conversation_survives_a_restart_at_every_step(void **state)
{
    scene s;
    member m[1] = { { .name = "e1", .rsi = 1001 } };
    (void)state;
    open_radios(&s, m, 1);
    register_radio(&s, &m[0]);
    for (int i = 0; i < 12; i++) {
        carry(&s, m, 1);
        scene_stop(&s);
        scene_start(&s);
        unseal(&s);
    }
    assert_non_null(current(&m[0], 1));
    member_clear(&m[0]);
    scene_close(&s);
}

static void a_lost_radio_is_zeroized(void **state)
{
    scene s;
    member m[2] = { { .name = "e1", .rsi = 1001 }, { .name = "e2", .rsi = 1002 } };
    (void)state;
    open_radios(&s, m, 2);
    register_radio(&s, &m[0]);
    register_radio(&s, &m[1]);
    carry_all(&s, m, 2);
    DONE(&s, &officer, "unit lost", "unit", 's', "e1");
    assert_int_equal(wire_get(s.out, "exposed")->count, 3); /* two traffic keys and the UKEK */
    assert_int_equal(wire_get(s.out, "rekey")->count, 1);
    carry_all(&s, m, 2);
    assert_int_equal(otar_unit_keys(m[0].unit)->count, 0);
    assert_non_null(current(&m[1], 1));
    REFUSED(&s, "not-served", &officer, "group members", "group", 's', "fire", "add", 'S', "e1",
            NULL);
    DONE(&s, &auditor, "unit show", "unit", 's', "e1");
    assert_int_equal(wire_get(s.out, "holds")->count, 0);
    member_clear(&m[0]);
    member_clear(&m[1]);
    scene_close(&s);
}

static void a_temporary_group_is_withdrawn_in_every_phase_across_restarts(void **state)
{
    scene s;
    member m[2] = { { .name = "e1", .rsi = 1001 }, { .name = "e2", .rsi = 1002 } };
    (void)state;
    open_radios(&s, m, 2);
    DONE(&s, &officer, "group create", "group", 's', "ems", "slns", 'I', 5, -1);
    DONE(&s, &officer, "group members", "group", 's', "ems", "add", 'S', "e2", NULL);
    DONE(&s, &officer, "group members", "group", 's', "fire", "remove", 'S', "e2", NULL);
    register_radio(&s, &m[0]);
    register_radio(&s, &m[1]);
    carry_all(&s, m, 2);
    assert_null(current(&m[1], 1));
    DONE(&s, &officer, "group combine", "group", 's', "mayday", "of", 'S', "fire", "ems", NULL,
         "ends", 'i', (long long)s.now + 600, "lmr", 'b', 1);
    const uint16_t sln = (uint16_t)wire_get_int(s.out, "sln", 0);
    assert_int_equal(wire_get_int(s.out, "members", 0), 2);
    scene_stop(&s);
    scene_start(&s);
    unseal(&s);
    carry_all(&s, m, 2);
    assert_non_null(current(&m[0], sln));
    assert_true(kf_secret_equal(current(&m[0], sln)->material, current(&m[1], sln)->material));
    s.now += 601; /* its end comes by itself */
    work(&s);
    scene_stop(&s);
    scene_start(&s);
    unseal(&s);
    carry_all(&s, m, 2);
    assert_null(current(&m[0], sln));
    assert_null(current(&m[1], sln));
    assert_non_null(current(&m[0], 1)); /* constituents untouched */
    assert_non_null(current(&m[1], 5));
    s.now += 2;
    work(&s);
    DONE(&s, &auditor, "group list");
    assert_int_equal(wire_get(s.out, "groups")->count, 2);
    member_clear(&m[0]);
    member_clear(&m[1]);
    scene_close(&s);
}

/* ---- a UKEK to a client, and OTAR with it ---- */

static void take_ukek(scene *s, member *m, kf_slice octets)
{
    mcdata_interworking data;
    mcdata_protected protected;
    mikey_opened opened;
    kf_secret *inner = NULL;
    wire_tree *tree = NULL;
    p25_dli dli;
    p25_kmm kmm;
    kf_fault fault;
    assert_ok(wire_tree_parse(octets, &tree, &fault));
    assert_ok(open_with(m, s->now, wire_get_octets(wire_tree_root(tree), "mikey"), &opened));
    assert_ok(mcdata_interworking_parse(wire_get_octets(wire_tree_root(tree), "interworking"),
                                        &data, &fault));
    assert_ok(mcdata_protected_parse(data.payload, &protected, &fault));
    assert_int_equal(protected.dppk_id, opened.key_id);
    assert_ok(mcdata_protected_open(&protected, opened.key, &inner));
    assert_ok(p25_dli_parse(kf_secret_view(inner), NULL, &dli, &fault));
    assert_ok(p25_kmm_parse(dli.kmm, P25_SIDE_KEYFILL, NULL, &kmm, &fault));
    assert_int_equal(kmm.frame.message_id, P25_KMM_MODIFY_KEY_CMD);
    assert_int_equal(kmm.frame.destination_rsi, m->rsi);
    radio_load(m, kmm.body.modify_key.items[0].kid, kmm.body.modify_key.items[0].key);
    kf_secret_free(&inner);
    mikey_opened_clear(&opened);
    wire_tree_free(&tree);
}

static void a_client_is_provisioned_and_then_keyed(void **state)
{
    scene s;
    static box boxes[4];
    member m[1] = { { .name = "alice", .uri = "sip:alice@mc", .rsi = 2001 } };
    (void)state;
    open_scene(&s);
    enrol(&s, &m[0]);
    radio_new(&m[0]);
    DONE(&s, &officer, "group create", "group", 's', "fire", "slns", 'I', 1, -1);
    DONE(&s, &officer, "unit add", "name", 's', "alice", "uri", 's', m[0].uri, "rsi", 'i', 2001LL);
    DONE(&s, &officer, "unit provision", "unit", 's', "alice", "identity", 's', IWF);
    work(&s);
    const size_t n = claim(&s, boxes, KF_COUNT(boxes));
    assert_true(n >= 1);
    assert_string_equal(boxes[0].kind, "ukek");
    take_ukek(&s, &m[0], kf_secret_view(boxes[0].octets));
    for (size_t i = 0; i < n; i++) {
        DONE(&s, &courier, "outbox settle", "delivery", 'i', boxes[i].delivery, "claim", 'i',
             boxes[i].claim, "outcome", 's', "delivered");
        kf_secret_free(&boxes[i].octets);
    }
    DONE(&s, &officer, "group members", "group", 's', "fire", "add", 'S', "alice", NULL);
    for (int i = 0; i < 10; i++, s.now += 25)
        carry_all(&s, m, 1);
    assert_non_null(current(&m[0], 1));
    member_clear(&m[0]);
    scene_close(&s);
}

/* ---- private calls ---- */

static void a_call_is_keyed_in_both_directions(void **state)
{
    scene s;
    member m[1] = { { .name = "alice", .uri = "sip:alice@mc" } };
    mikey_opened opened;
    (void)state;
    open_scene(&s);
    enrol(&s, &m[0]);
    DONE(&s, &call_control, "call seal", "lmr", 's', IWF, "mc", 's', m[0].uri, "mode", 's',
         "transcrypted", "media", 's', "media1");
    const long long id = wire_get_int(s.out, "call", 0);
    assert_ok(open_with(&m[0], s.now, wire_get_octets(s.out, "i_message"), &opened));
    assert_int_equal(opened.key_id, wire_get_int(s.out, "pck_id", 0));
    DONE(&s, &media, "media fetch", "call", 'i', id);
    const kf_slice got = wire_get_octets(wire_get(s.out, "keys")->first, "material");
    assert_int_equal(got.len, 16);
    assert_memory_equal(got.ptr, kf_secret_view(opened.key).ptr, 16);
    mikey_opened_clear(&opened);
    DONE(&s, &call_control, "call end", "call", 'i', id);
    REFUSED(&s, "no-grant", &media, "media fetch", "call", 'i', id);
    REFUSED(&s, "no-such-call", &call_control, "call end", "call", 'i', id);

    /* the other way round: the client makes the key */
    uint8_t room[MIKEY_MESSAGE_MAX];
    kf_writer w = kf_writer_init(room, sizeof room);
    kf_secret *pck = NULL;
    kf_fault fault;
    assert_ok(kf_secret_new_random(kf_random(), 16, &pck));
    const mikey_seal what = { .from = m[0].keys,
                              .to_domain = m[0].domain,
                              .to_uri = octets_of(IWF),
                              .purpose = MCSEC_PCK,
                              .key = pck,
                              .key_id = 0x10abcdef,
                              .now = s.now };
    assert_ok(mikey_seal_message(&what, kf_random(), &w, &fault));
    const kf_slice message = kf_writer_slice(&w);
    DONE(&s, &call_control, "call open", "lmr", 's', IWF, "mc", 's', m[0].uri, "mode", 's',
         "transcrypted", "media", 's', "media1", "i_message", 'o', &message);
    const long long second = wire_get_int(s.out, "call", 0);
    DONE(&s, &media, "media fetch", "call", 'i', second);
    assert_memory_equal(wire_get_octets(wire_get(s.out, "keys")->first, "material").ptr,
                        kf_secret_view(pck).ptr, 16);
    ask(&s, &call_control, "call open", "lmr", 's', IWF, "mc", 's', m[0].uri, "mode", 's',
        "transcrypted", "i_message", 'o', &message, NULL);
    assert_int_not_equal(s.err, KF_OK); /* a replay */
    ask(&s, &call_control, "call open", "lmr", 's', IWF, "mc", 's', "sip:mallory@mc", "mode", 's',
        "transcrypted", "i_message", 'o', &message, NULL);
    assert_int_not_equal(s.err, KF_OK); /* not who the transport says */
    s.now += 3601;
    work(&s); /* nobody ended it */
    REFUSED(&s, "no-grant", &media, "media fetch", "call", 'i', second);
    kf_secret_free(&pck);
    member_clear(&m[0]);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_open_their_group_key_and_no_other),
        cmocka_unit_test(a_lease_that_ends_gives_the_box_back),
        cmocka_unit_test(radios_are_keyed_rekeyed_and_changed_over),
        cmocka_unit_test(a_silent_radio_holds_up_the_changeover_by_name),
        cmocka_unit_test(a_conversation_survives_a_restart_at_every_step),
        cmocka_unit_test(a_lost_radio_is_zeroized),
        cmocka_unit_test(a_temporary_group_is_withdrawn_in_every_phase_across_restarts),
        cmocka_unit_test(a_client_is_provisioned_and_then_keyed),
        cmocka_unit_test(a_call_is_keyed_in_both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

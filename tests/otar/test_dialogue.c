/*
 * Both machines against the recorded dialogue: each is given the other side's octets, and the
 * random numbers that its own side was recorded with, and must say the same octets. Where the KMF
 * has a choice that the recording made otherwise (which keys go into one Rekey, which common key
 * protects the Changeover), fields are compared, and all octets the choice does not touch.
 */
#include <stdio.h>

#include "otar/kmf.h"
#include "otar/rig.h"

#define KMF_SLOTS 2u

/* A generator that gives out what it was told, then whatever comes. */
typedef struct script {
    kf_rng rng;
    testing_rng after;
    size_t len, used;
    uint8_t octets[256];
} script;

static kf_err script_fill(void *ctx, uint8_t *out, size_t len)
{
    script *s = ctx;
    for (size_t i = 0; i < len; i++)
        if (s->used < s->len)
            out[i] = s->octets[s->used++];
        else
            testing_rng_octets(&s->after, out + i, 1);
    return KF_OK;
}

static void script_open(script *s)
{
    memset(s, 0, sizeof *s);
    testing_rng_init(&s->after, "otar dialogue");
    s->rng = (kf_rng){ script_fill, s };
}

static void script_say(script *s, kf_slice octets)
{
    assert_true(s->len + octets.len <= sizeof s->octets);
    memcpy(s->octets + s->len, octets.ptr, octets.len);
    s->len += octets.len;
}

/* All of it was wanted, so nothing of what follows came from elsewhere. */
static void script_end(script *s)
{
    assert_int_equal(s->used, s->len);
    s->used = s->len = 0;
}

/* ---- the recording ---- */

static vectors_file recording;

static kf_slice recorded(const char *name, const char *field, uint8_t *buf, size_t cap)
{
    return testing_field(testing_case(&recording, name), field, buf, cap);
}

/* The 8 random octets of a recorded MI; a clear message drew none. */
static void say_mi(script *s, const char *name)
{
    uint8_t mi[P25_MI_OCTETS];
    vectors_case *c = testing_case(&recording, name);
    if (vectors_has(c, "mi"))
        script_say(s, kf_slice_part(testing_field(c, "mi", mi, sizeof mi), 0, 8));
}

static const char *key_text(unsigned keyset, unsigned number)
{
    static char text[128];
    char name[32];
    (void)snprintf(name, sizeof name, "keyset%u.key%u", keyset, number);
    kf_slice value = vectors_text(testing_case(&recording, "cbc-setup"), name);
    assert_non_null(value.ptr);
    (void)snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.ptr);
    const char *hex = strrchr(text, ' ');
    assert_non_null(hex);
    return hex + 1;
}

static kf_secret *key_of(unsigned keyset, unsigned number)
{
    return testing_secret_hex(key_text(keyset, number));
}

/* ---- the subscriber ---- */

typedef struct su {
    script script;
    otar_unit *unit;
    size_t record_len, answer_len;
    uint8_t record[8192], answer[P25_DLI_DATAGRAM_MAX];
} su;

static kf_err save_su(void *ctx, uint32_t slot, kf_slice record)
{
    su *s = ctx;
    assert_true(slot == 0 && record.len <= sizeof s->record);
    memcpy(s->record, record.ptr, record.len);
    s->record_len = record.len;
    return KF_OK;
}

static void su_start(su *s)
{
    const otar_unit_config config = { .rsi = SU_RSI,
                                      .kmf_rsi = KMF_RSI,
                                      .first_scheme = P25_MAC_CBC };
    otar_unit_free(&s->unit);
    assert_ok(otar_unit_new(&config, &(otar_store){ save_su, s }, &(otar_watch){ 0 },
                            &s->script.rng, (kf_slice){ s->record, s->record_len }, &s->unit));
}

static kf_slice su_give(su *s, kf_slice datagram)
{
    kf_writer out = kf_writer_init(s->answer, sizeof s->answer);
    assert_ok(otar_unit_receive(s->unit, 1000, datagram, &out));
    return kf_writer_slice(&out);
}

/* The recorded command brings the recorded answer; so does a retry, and one after a restart. */
static void su_step(su *s, const char *command, const char *answer, bool with_restart)
{
    uint8_t in[P25_DLI_DATAGRAM_MAX], want[P25_DLI_DATAGRAM_MAX];
    kf_slice dli = recorded(command, "dli", in, sizeof in);
    if (answer == NULL) {
        assert_int_equal(su_give(s, dli).len, 0);
        return;
    }
    kf_slice expected = recorded(answer, "dli", want, sizeof want);
    say_mi(&s->script, answer);
    assert_slice_equal(su_give(s, dli), expected);
    script_end(&s->script);
    assert_slice_equal(su_give(s, dli), expected);
    if (with_restart)
        su_start(s);
    assert_slice_equal(su_give(s, dli), expected);
}

static void su_says(su *s, const char *name)
{
    uint8_t want[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(s->answer, sizeof s->answer);
    assert_ok(strstr(name, "hello") != NULL ? otar_unit_hello(s->unit, true, &w)
                                            : otar_unit_register(s->unit, true, &w));
    assert_slice_equal(kf_writer_slice(&w), recorded(name, "dli", want, sizeof want));
}

static void load_ukek(su *s)
{
    uint8_t buf[32];
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = UKEK_SLN,
                             .algid = P25_ALGID_AES256,
                             .kid = UKEK_KID,
                             .is_kek = true };
    kf_secret *ukek = testing_secret(recorded("cbc-setup", "ukek", buf, sizeof buf));
    assert_ok(otar_unit_load(s->unit, &where, &ukek));
}

static void holds(const su *s, uint16_t sln, unsigned keyset, unsigned number)
{
    kf_secret *want = key_of(keyset, number);
    const otar_key *key = otar_unit_current(s->unit, sln);
    assert_non_null(key);
    assert_true(kf_secret_equal(key->material, want));
    kf_secret_free(&want);
}

static void subscriber(void **state)
{
    static su s;
    (void)state;
    memset(&s, 0, sizeof s);
    script_open(&s.script);
    su_start(&s);
    load_ukek(&s);
    su_says(&s, "cbc-01-registration-cmd");
    su_step(&s, "cbc-02-registration-rsp", NULL, true);
    assert_true(otar_unit_is_registered(s.unit));
    su_says(&s, "cbc-03-hello");
    /* no restart here: a temporary key does not outlive one */
    su_step(&s, "cbc-04-warm-start", "cbc-05-rekey-ack", false);
    assert_non_null(otar_keys_temporary(otar_unit_keys(s.unit)));
    su_step(&s, "cbc-06-rekey-cmd", "cbc-07-rekey-ack", true);
    assert_null(otar_keys_temporary(otar_unit_keys(s.unit)));
    holds(&s, 1, 1, 0);
    holds(&s, 2, 1, 1);
    su_step(&s, "cbc-08-changeover-cmd", "cbc-09-changeover-rsp", true);
    holds(&s, 1, 2, 0);
    holds(&s, 2, 2, 1);
    su_step(&s, "cbc-10-zeroize-cmd", "cbc-11-zeroize-rsp", true);
    assert_int_equal(otar_unit_keys(s.unit)->count, 0);
    otar_unit_free(&s.unit);
}

/* ---- the KMF ---- */

typedef struct facility {
    script script;
    otar_kmf *kmf;
    kf_time now;
    size_t record_len[KMF_SLOTS];
    uint8_t records[KMF_SLOTS][16384];
    uint8_t said[P25_DLI_DATAGRAM_MAX];
    p25_mac_peer peer;
} facility;

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice record)
{
    facility *f = ctx;
    assert_true(slot < KMF_SLOTS && record.len <= sizeof f->records[0]);
    memcpy(f->records[slot], record.ptr, record.len);
    f->record_len[slot] = record.len;
    return KF_OK;
}

static void kmf_start(facility *f, uint16_t ahead)
{
    const otar_kmf_config config = { .rsi = KMF_RSI, .ahead = ahead, .first_scheme = P25_MAC_CBC };
    otar_kmf_free(&f->kmf);
    assert_ok(otar_kmf_new(&config, &(otar_store){ save_kmf, f }, &(otar_watch){ 0 },
                           &f->script.rng, &f->kmf));
    for (uint32_t slot = 0; slot < KMF_SLOTS && f->record_len[slot] > 0; slot++)
        assert_ok(otar_kmf_load(f->kmf, slot, (kf_slice){ f->records[slot], f->record_len[slot] }));
}

#define SPARE_SLN   0x1000u
#define SPARE_COUNT 16u

static uint16_t kid_of(facility *f, uint16_t sln)
{
    return otar_kmf_key(f->kmf, sln, false)->kid;
}

/* Key identifiers are handed out one after the other: groups that nobody is in use them up, sixteen
 * at a time, and one by one. */
static void skip_kids_to(facility *f, uint16_t next)
{
    static const uint16_t last_spare = SPARE_SLN + SPARE_COUNT - 1;
    do {
        assert_ok(otar_kmf_rekey(f->kmf, 1));
    } while (kid_of(f, last_spare) + SPARE_COUNT + 1 < next);
    for (uint16_t kid = kid_of(f, last_spare); kid + 1 < next; kid++)
        assert_ok(otar_kmf_rekey(f->kmf, 3));
}

/* Keys and names as recorded. */
static void kmf_provision(facility *f)
{
    uint8_t buf[32];
    kf_secret *ukek = testing_secret(recorded("cbc-setup", "ukek", buf, sizeof buf));
    assert_ok(otar_kmf_add_unit(f->kmf, SU_RSI, P25_LEVEL_BASIC, UKEK_KID, &ukek));
    assert_ok(otar_kmf_add_group(f->kmf, 0x3000)); /* 1000 */
    for (unsigned i = 0; i < 2; i++) {
        script_say(&f->script, testing_hex(key_text(1, i), buf, sizeof buf));
        assert_ok(otar_kmf_add_group(f->kmf, (uint16_t)(1 + i)));
        script_end(&f->script);
        assert_ok(otar_kmf_set_member(f->kmf, SU_RSI, (uint16_t)(1 + i), true));
    }
    for (uint16_t i = 0; i < SPARE_COUNT; i++)
        assert_ok(otar_kmf_add_group(f->kmf, (uint16_t)(SPARE_SLN + i)));
    skip_kids_to(f, 0x1101);
    for (unsigned i = 0; i < 2; i++)
        script_say(&f->script, testing_hex(key_text(2, i), buf, sizeof buf));
    assert_ok(otar_kmf_rekey(f->kmf, 0));
    script_end(&f->script);
    assert_int_equal(otar_kmf_key(f->kmf, 1, true)->kid, 0x1001);
    assert_int_equal(otar_kmf_key(f->kmf, 2, true)->kid, 0x1002);
    assert_int_equal(otar_kmf_key(f->kmf, 1, false)->kid, 0x1101);
    assert_int_equal(otar_kmf_key(f->kmf, 2, false)->kid, 0x1102);
    skip_kids_to(f, 0x7a31);
}

static void kmf_hears(facility *f, const char *name, const char *answer)
{
    uint8_t in[P25_DLI_DATAGRAM_MAX], want[P25_DLI_DATAGRAM_MAX], buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    assert_ok(otar_kmf_receive(f->kmf, f->now, recorded(name, "dli", in, sizeof in), &out));
    if (answer == NULL)
        assert_int_equal(out.len, 0);
    else
        assert_slice_equal(kf_writer_slice(&out), recorded(answer, "dli", want, sizeof want));
}

static kf_slice kmf_next(facility *f)
{
    uint32_t rsi = 0;
    kf_writer out = kf_writer_init(f->said, sizeof f->said);
    assert_ok(otar_kmf_next(f->kmf, f->now, &rsi, &out));
    if (out.len > 0)
        assert_int_equal(rsi, SU_RSI);
    return kf_writer_slice(&out);
}

static void kmf_says(facility *f, const char *name)
{
    uint8_t want[P25_DLI_DATAGRAM_MAX];
    say_mi(&f->script, name);
    assert_slice_equal(kmf_next(f), recorded(name, "dli", want, sizeof want));
}

static bool any_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    (void)frame;
    *out = (p25_peer){ &((facility *)ctx)->peer, NULL, P25_LEVEL_BASIC, true };
    return true;
}

typedef struct one_tek {
    facility *f;
    p25_tek *tek;
} one_tek;

static p25_tek *the_tek(void *ctx, uint8_t algid, uint16_t kid)
{
    p25_tek *tek = ((one_tek *)ctx)->tek;
    return algid == P25_ALGID_AES256 && kid == p25_tek_kid(tek) ? tek : NULL;
}

static bool the_peer(void *ctx, const p25_kmm_frame *frame, p25_peer *out)
{
    return any_peer(((one_tek *)ctx)->f, frame, out);
}

/* What the KMF said, opened with the one key it may be under. */
static void kmf_reads_as(facility *f, kf_slice datagram, kf_secret *key, uint16_t kid,
                         p25_opened *out)
{
    one_tek one = { f, NULL };
    const p25_opener with = { &one, the_tek, NULL, the_peer };
    kf_fault fault;
    assert_ok(p25_tek_new(P25_ALGID_AES256, kid, key, &one.tek));
    assert_ok(p25_open_dli(&with, P25_SIDE_OTAR, datagram, out, &fault));
    assert_true(out->authenticated && out->sync.kid == kid && out->frame.mac.kid == kid);
    p25_tek_free(&one.tek);
    kf_secret_free(&key);
}

/* The recorded Rekey brings both keysets at once, our KMF the active one first. */
static void check_rekey(facility *f)
{
    static p25_opened in;
    static p25_kmm want;
    uint8_t octets[P25_DLI_DATAGRAM_MAX], ws[32];
    kf_fault fault;
    kf_slice key = recorded("cbc-setup", "ws_tek", ws, sizeof ws);
    kmf_reads_as(f, kmf_next(f), testing_secret(key), 0x7a31, &in);
    kf_slice kmm = recorded("cbc-06-rekey-cmd", "kmm", octets, sizeof octets);
    assert_ok(p25_kmm_parse(kmm, P25_SIDE_OTAR, NULL, &want, &fault));
    const p25_rekey *a = &in.kmm.body.rekey, *b = &want.body.rekey;
    assert_int_equal(in.frame.message_id, want.frame.message_id);
    assert_int_equal(in.frame.response_kind, want.frame.response_kind);
    assert_int_equal(in.frame.more_follows, want.frame.more_follows);
    assert_int_equal(in.frame.destination_rsi, want.frame.destination_rsi);
    assert_int_equal(in.frame.source_rsi, want.frame.source_rsi);
    assert_int_equal(in.frame.mn, want.frame.mn);
    assert_int_equal(in.frame.mac.format, want.frame.mac.format);
    assert_int_equal(a->decryption.algid, b->decryption.algid);
    assert_int_equal(a->decryption.kid, b->decryption.kid);
    assert_int_equal(a->keyset_count, 1);
    assert_int_equal(a->keysets[0].tag.keyset, b->keysets[0].tag.keyset);
    assert_int_equal(a->keysets[0].algid, b->keysets[0].algid);
    assert_int_equal(a->keysets[0].key_octets, b->keysets[0].key_octets);
    assert_int_equal(a->keysets[0].count, b->keysets[0].count);
    for (size_t i = 0; i < a->item_count; i++) {
        assert_int_equal(a->items[i].sln, b->items[i].sln);
        assert_int_equal(a->items[i].kid, b->items[i].kid);
        assert_int_equal(a->items[i].erase, b->items[i].erase);
        assert_slice_equal(a->items[i].key, b->items[i].key);
    }
    p25_opened_clear(&in);
}

/* The unit's part that the recording does not have: it holds both keysets. */
static void answer_inventory(facility *f, uint8_t type, uint16_t number)
{
    static p25_opened in;
    uint8_t buf[P25_DLI_DATAGRAM_MAX], none[P25_DLI_DATAGRAM_MAX];
    const bool is_active = type == P25_INVENTORY_ACTIVE_KIDS;
    kmf_reads_as(f, kmf_next(f), key_of(1, 0), 0x1001, &in);
    assert_int_equal(in.frame.message_id, P25_KMM_INVENTORY_CMD);
    assert_int_equal(in.kmm.body.inventory_cmd.type, type);
    assert_int_equal(in.frame.mn, number);
    p25_opened_clear(&in);
    p25_kmm kmm = { .frame = { .message_id = P25_KMM_INVENTORY_RSP,
                               .source_rsi = SU_RSI,
                               .destination_rsi = KMF_RSI,
                               .has_mn = true,
                               .mn = number } };
    p25_kid_lists *k = &kmm.body.inventory_rsp.of.kids;
    kmm.body.inventory_rsp.type = type;
    k->count = 1;
    k->lists[0] = (p25_kid_list){ is_active ? 1 : 2, P25_ALGID_AES256, 0, 2 };
    k->kid_count = 2;
    k->kids[0] = is_active ? 0x1001 : 0x1101;
    k->kids[1] = is_active ? 0x1002 : 0x1102;
    kf_secret *key = key_of(1, 0);
    p25_tek *tek = NULL;
    assert_ok(p25_tek_new(P25_ALGID_AES256, 0x1001, key, &tek));
    kf_secret_free(&key);
    const p25_seal how = { .mac = tek, .scheme = P25_MAC_CBC, .outer = tek };
    kf_writer w = kf_writer_init(buf, sizeof buf), out = kf_writer_init(none, sizeof none);
    assert_ok(p25_seal_dli(&how, &kmm, &f->script.rng, &w));
    p25_tek_free(&tek);
    assert_ok(otar_kmf_receive(f->kmf, f->now, kf_writer_slice(&w), &out));
    assert_int_equal(out.len, 0);
}

/* All but MAC and trailer, which name the key it chose, are the recorded octets. */
static void check_changeover(facility *f)
{
    static p25_opened in;
    uint8_t octets[64];
    kmf_reads_as(f, kmf_next(f), key_of(2, 0), 0x1101, &in);
    kf_slice want = recorded("cbc-08-changeover-cmd", "kmm", octets, sizeof octets);
    assert_int_equal(in.frame.octets.len, want.len);
    assert_slice_equal(kf_slice_part(in.frame.octets, 0, in.frame.mac_at),
                       kf_slice_part(want, 0, in.frame.mac_at));
    p25_opened_clear(&in);
}

static otar_unit_status kmf_status(const facility *f)
{
    otar_unit_status s;
    assert_ok(otar_kmf_status(f->kmf, SU_RSI, &s));
    return s;
}

static void facility_side(void **state)
{
    static facility f;
    uint8_t ws[32];
    uint32_t names[1];
    size_t count = 0;
    (void)state;
    memset(&f, 0, sizeof f);
    f.now = 1000;
    p25_mac_peer_init(&f.peer, P25_MAC_AUTO, P25_MAC_CBC);
    script_open(&f.script);
    kmf_start(&f, 16);
    kmf_provision(&f);
    kmf_hears(&f, "cbc-01-registration-cmd", "cbc-02-registration-rsp");
    assert_true(kmf_status(&f).is_registered);
    kmf_hears(&f, "cbc-03-hello", NULL);
    script_say(&f.script, recorded("cbc-setup", "ws_tek", ws, sizeof ws));
    kmf_says(&f, "cbc-04-warm-start");
    script_end(&f.script);
    f.now += 5; /* a retry repeats the octets */
    kmf_says(&f, "cbc-04-warm-start");
    kmf_hears(&f, "cbc-05-rekey-ack", NULL);
    check_rekey(&f);
    assert_int_equal(kmf_status(&f).held, 0);
    kmf_hears(&f, "cbc-07-rekey-ack", NULL);
    assert_int_equal(kmf_status(&f).held, 2);

    /* Restarts that reserve so many numbers that the next are the recorded ones again. */
    kmf_start(&f, (uint16_t)(65536 - 16));
    assert_true(kmf_next(&f).len > 0);
    kmf_start(&f, 16);
    answer_inventory(&f, P25_INVENTORY_ACTIVE_KIDS, 1);
    answer_inventory(&f, P25_INVENTORY_INACTIVE_KIDS, 2);
    assert_true(kmf_status(&f).is_settled && kmf_status(&f).has_next);
    assert_ok(otar_kmf_changeover(f.kmf, 0, false, names, 1, &count));
    check_changeover(&f);
    assert_false(kmf_status(&f).is_settled);
    kmf_hears(&f, "cbc-09-changeover-rsp", NULL);
    assert_true(kmf_status(&f).is_settled);
    assert_ok(otar_kmf_zeroize(f.kmf, SU_RSI));
    kmf_says(&f, "cbc-10-zeroize-cmd");
    script_end(&f.script);
    assert_false(kmf_status(&f).is_zeroized);
    kmf_hears(&f, "cbc-11-zeroize-rsp", NULL);
    assert_true(kmf_status(&f).is_zeroized);
    otar_kmf_free(&f.kmf);
}

static int open_recording(void **state)
{
    (void)state;
    testing_vectors_load("p25-kmm-dialogue.txt", &recording);
    return 0;
}

static int close_recording(void **state)
{
    (void)state;
    vectors_clear(&recording);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscriber),
        cmocka_unit_test(facility_side),
    };
    return cmocka_run_group_tests(tests, open_recording, close_recording);
}

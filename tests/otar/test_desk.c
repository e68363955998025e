/* One conversation, put away after every single step and taken up again from its record. */
#include "otar/desk.h"
#include "otar/pair.h"

#define KEYS 4u

/* What a data base would hold. */
typedef struct base {
    pair *r;
    otar_desk desk;
    otar_desk_group groups[2];
    otar_desk_key keys[KEYS];
    kf_secret *material[KEYS], *ukek;
    size_t len, steps;
    uint8_t record[OTAR_DESK_RECORD_MAX];
    uint16_t numbers[256], last_held;
} base;

static void note_number(void *ctx, const otar_event *e)
{
    base *b = ctx;
    if (e->kind != OTAR_EV_SENT || e->message_id == P25_KMM_NO_SERVICE)
        return;
    for (size_t i = 0; i < b->steps; i++)
        assert_int_not_equal(b->numbers[i], e->number);
    assert_true(b->steps < KF_COUNT(b->numbers));
    b->numbers[b->steps++] = e->number;
}

static otar_kmf *take_up(base *b)
{
    otar_kmf *kmf = NULL;
    assert_ok(otar_desk_open(&b->desk, (kf_slice){ b->record, b->len }, &kmf));
    return kmf;
}

static void put_away(base *b, otar_kmf **kmf)
{
    kf_writer w = kf_writer_init(b->record, sizeof b->record);
    otar_desk_write(*kmf, &w);
    assert_int_equal(w.err, KF_OK);
    b->len = w.len;
    b->last_held = otar_desk_held(*kmf, 1, b->desk.active[0]);
    otar_kmf_free(kmf);
}

/* What the unit sends goes in, in a step of its own. */
static void hear(base *b, kf_slice datagram)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], ignored[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    kf_writer none = kf_writer_init(ignored, sizeof ignored);
    otar_kmf *kmf = take_up(b);
    assert_ok(otar_kmf_receive(kmf, b->r->now, datagram, &out));
    put_away(b, &kmf);
    if (out.len > 0)
        assert_ok(otar_unit_receive(b->r->unit, b->r->now, kf_writer_slice(&out), &none));
}

static bool speak(base *b)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], answer[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    kf_writer back = kf_writer_init(answer, sizeof answer);
    uint32_t rsi = 0;
    otar_kmf *kmf = take_up(b);
    assert_ok(otar_kmf_next(kmf, b->r->now, &rsi, &out));
    put_away(b, &kmf);
    if (out.len == 0)
        return false;
    assert_int_equal(rsi, PAIR_RSI);
    assert_ok(otar_unit_receive(b->r->unit, b->r->now, kf_writer_slice(&out), &back));
    if (back.len > 0)
        hear(b, kf_writer_slice(&back));
    return true;
}

static void talk(base *b)
{
    for (unsigned i = 0; speak(b); i++)
        assert_true(i < 50);
}

static void open_base(base *b, pair *r)
{
    static const struct {
        uint16_t sln, kid;
        uint8_t slot;
    } keys[KEYS] = { { 1, 0x2001, 0 }, { 1, 0x2002, 1 }, { 2, 0x2003, 0 }, { 2, 0x2004, 1 } };
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a0,
                             .is_kek = true };
    kf_secret *copy = NULL;
    memset(b, 0, sizeof *b);
    pair_open(r, P25_LEVEL_BASIC); /* for its unit and its clock */
    b->r = r;
    r->now = 1000;
    assert_ok(kf_secret_new_random(&r->rng.rng, 32, &b->ukek));
    assert_ok(kf_secret_dup(b->ukek, &copy));
    assert_ok(otar_unit_load(r->unit, &where, &copy));
    for (size_t i = 0; i < KEYS; i++) {
        assert_ok(kf_secret_new_random(&r->rng.rng, 32, &b->material[i]));
        b->keys[i] = (otar_desk_key){ keys[i].sln, keys[i].slot, keys[i].kid, b->material[i] };
    }
    b->groups[0] = (otar_desk_group){ 1, true };
    b->groups[1] = (otar_desk_group){ 2, true };
    b->desk = (otar_desk){ .config = { .rsi = KMF_RSI, .first_scheme = P25_MAC_CMAC_D },
                           .watch = { note_number, b },
                           .rng = &r->rng.rng,
                           .rsi = PAIR_RSI,
                           .ukek = b->ukek,
                           .ukek_kid = 0xf5a0,
                           .is_registered = true,
                           .warm_kid = 0x3001,
                           .group_count = 2,
                           .groups = b->groups,
                           .key_count = KEYS,
                           .keys = b->keys };
}

static void close_base(base *b)
{
    for (size_t i = 0; i < KEYS; i++)
        kf_secret_free(&b->material[i]);
    kf_secret_free(&b->ukek);
    pair_close(b->r);
}

static void a_whole_life(void **state)
{
    static base b;
    static pair r;
    (void)state;
    open_base(&b, &r);
    talk(&b); /* warm start, keys, inventory */
    assert_true(kf_secret_equal(otar_unit_current(r.unit, 1)->material, b.material[0]));
    assert_true(kf_secret_equal(otar_unit_current(r.unit, 2)->material, b.material[2]));
    assert_int_equal(b.last_held, 0x2001);

    b.desk.is_staged[0] = true; /* a rekey: the keys of slot 1 count */
    talk(&b);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x2001);
    assert_non_null(otar_unit_named(r.unit, P25_ALGID_AES256, 0x2002));

    b.desk.is_staged[0] = false; /* and a changeover */
    b.desk.active[0] = 1;
    talk(&b);
    assert_int_equal(otar_unit_current(r.unit, 1)->kid, 0x2002);

    b.groups[1].is_member = false; /* it leaves a group */
    talk(&b);
    assert_null(otar_unit_current(r.unit, 2));
    assert_non_null(otar_unit_current(r.unit, 1));

    b.desk.is_lost = true;
    talk(&b);
    assert_int_equal(otar_unit_keys(r.unit)->count, 0);
    assert_true(b.steps > 6);
    close_base(&b);
}

/* A command that waits is in the record: its retry is the same octets, after any number of steps.
 */
static void a_retry_is_the_same_octets(void **state)
{
    static base b;
    static pair r;
    uint8_t first[P25_DLI_DATAGRAM_MAX], again[P25_DLI_DATAGRAM_MAX];
    kf_time due = 0;
    uint32_t rsi = 0;
    (void)state;
    open_base(&b, &r);
    kf_writer one = kf_writer_init(first, sizeof first), two = kf_writer_init(again, sizeof again);
    otar_kmf *kmf = take_up(&b);
    assert_ok(otar_kmf_next(kmf, r.now, &rsi, &one));
    assert_true(otar_desk_due(kmf, &due));
    assert_true(otar_desk_took_kid(kmf, 0x3001));
    put_away(&b, &kmf);
    assert_false(speak(&b)); /* it is not due yet */
    r.now = due;
    kmf = take_up(&b);
    assert_ok(otar_kmf_next(kmf, r.now, &rsi, &two));
    put_away(&b, &kmf);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(first, again, one.len);
    close_base(&b);
}

static void bad_records_are_refused(void **state)
{
    static base b;
    static pair r;
    uint8_t longer[OTAR_DESK_RECORD_MAX + 1];
    otar_kmf *kmf = NULL;
    uint32_t rsi = 0;
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    (void)state;
    open_base(&b, &r);
    talk(&b);
    b.desk.is_staged[0] = true;
    kmf = take_up(&b);
    assert_ok(otar_kmf_next(kmf, r.now, &rsi, &out)); /* with a command that waits */
    put_away(&b, &kmf);
    for (size_t len = 1; len < b.len; len++) {
        assert_int_not_equal(otar_desk_open(&b.desk, (kf_slice){ b.record, len }, &kmf), KF_OK);
        assert_null(kmf);
    }
    memcpy(longer, b.record, b.len);
    longer[b.len] = 0;
    assert_err(otar_desk_open(&b.desk, (kf_slice){ longer, b.len + 1 }, &kmf), KF_E_TRAILING);
    b.record[0]++;
    assert_err(otar_desk_open(&b.desk, (kf_slice){ b.record, b.len }, &kmf), KF_E_UNSUPPORTED);
    close_base(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(a_retry_is_the_same_octets),
        cmocka_unit_test(bad_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

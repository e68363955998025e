/*
 * The KMF with one real subscriber. Steps: octets from anybody, what the unit says, what the
 * operator asks, one command and its answer with damage in between, time, restarts of both, and a
 * message of any body under a key the two share, as a unit that lies would send it.
 *
 * Oracle: it never fails; no number is used twice; a record that is loaded is saved with the same
 * octets; and unless the unit lied, was zeroized or left the group, a key it once had it keeps.
 */
#include "cover.h"
#include "otar/kmf.h"
#include "otar/unit.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define KMF_RSI 0x98967fu
#define SU_RSI  0x012345u
#define SLOTS   2u
#define GROUPS  3u

enum { OP_RAW, OP_SAYS, OP_ASKS, OP_TURN, OP_TIME, OP_RESTART_KMF, OP_LIE, OP_RESTART_UNIT };

static const uint16_t slns[GROUPS] = { 1, 2, 0x1003 };

typedef struct bench {
    uint64_t random;
    kf_rng rng;
    kf_time now;
    otar_kmf *kmf;
    otar_unit *unit;
    size_t len[SLOTS], unit_len;
    uint8_t records[SLOTS][16384], unit_record[16384];
    bool has_number, is_exempt, is_in[GROUPS], had[GROUPS];
    uint16_t number; /* the last one the KMF used */
} bench;

static kf_err save_kmf(void *ctx, uint32_t slot, kf_slice record)
{
    bench *b = ctx;
    same(slot < SLOTS && record.len <= sizeof b->records[0]);
    memcpy(b->records[slot], record.ptr, record.len);
    b->len[slot] = record.len;
    return KF_OK;
}

static kf_err save_unit(void *ctx, uint32_t slot, kf_slice record)
{
    bench *b = ctx;
    same(slot == 0 && record.len <= sizeof b->unit_record);
    memcpy(b->unit_record, record.ptr, record.len);
    b->unit_len = record.len;
    return KF_OK;
}

static void watch_kmf(void *ctx, const otar_event *e)
{
    bench *b = ctx;
    if (e->kind != OTAR_EV_SENT || e->message_id == P25_KMM_SET_DATE_TIME ||
        e->message_id == P25_KMM_NO_SERVICE)
        return;
    same(!b->has_number || (uint16_t)(e->number - b->number - 1u) < 20000u);
    b->has_number = true;
    b->number = e->number;
}

static void start_kmf(bench *b)
{
    const otar_kmf_config config = { .rsi = KMF_RSI, .first_scheme = P25_MAC_CMAC_D };
    same(otar_kmf_new(&config, &(otar_store){ save_kmf, b }, &(otar_watch){ watch_kmf, b }, &b->rng,
                      &b->kmf) == KF_OK);
    for (uint32_t i = 0; i < SLOTS && b->len[i] > 0; i++)
        same(otar_kmf_load(b->kmf, i, (kf_slice){ b->records[i], b->len[i] }) == KF_OK);
}

static void start_unit(bench *b)
{
    const otar_unit_config config = { .rsi = SU_RSI,
                                      .kmf_rsi = KMF_RSI,
                                      .first_scheme = P25_MAC_CMAC_D };
    same(otar_unit_new(&config, &(otar_store){ save_unit, b }, &(otar_watch){ 0 }, &b->rng,
                       (kf_slice){ b->unit_record, b->unit_len }, &b->unit) == KF_OK);
}

static void bench_open(bench *b)
{
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = 0xf001,
                             .algid = P25_ALGID_AES256,
                             .kid = 0xf5a0,
                             .is_kek = true };
    memset(b, 0, sizeof *b);
    b->rng = (kf_rng){ script_fill, &b->random };
    b->now = 1000;
    start_kmf(b);
    start_unit(b);
    kf_secret *ukek = script_key(2), *copy = script_key(2);
    same(otar_unit_load(b->unit, &where, &copy) == KF_OK);
    for (size_t g = 0; g < GROUPS; g++)
        same(otar_kmf_add_group(b->kmf, slns[g]) == KF_OK);
    same(otar_kmf_add_unit(b->kmf, SU_RSI, P25_LEVEL_BASIC, 0xf5a0, &ukek) == KF_OK);
    b->is_in[0] = true;
    same(otar_kmf_set_member(b->kmf, SU_RSI, slns[0], true) == KF_OK);
}

static void check(bench *b)
{
    for (size_t g = 0; g < GROUPS; g++) {
        const bool has = otar_unit_current(b->unit, slns[g]) != NULL;
        same(b->is_exempt || !b->is_in[g] || !b->had[g] || has);
        b->had[g] = has;
    }
}

static void to_kmf(bench *b, kf_slice datagram)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], none[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf), back = kf_writer_init(none, sizeof none);
    same(otar_kmf_receive(b->kmf, b->now, datagram, &out) == KF_OK);
    if (out.len > 0)
        same(otar_unit_receive(b->unit, b->now, kf_writer_slice(&out), &back) == KF_OK);
}

static void says(bench *b, kf_slice part)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf);
    const unsigned what = octet(part, 0) & 3u;
    same((what < 2 ? otar_unit_hello(b->unit, what == 1, &out)
                   : otar_unit_register(b->unit, what == 2, &out)) == KF_OK);
    to_kmf(b, kf_writer_slice(&out));
}

/* It may say no, and nothing else. */
static void may(kf_err err)
{
    same(err == KF_OK || err == KF_E_STATE || err == KF_E_DENIED);
}

static void asks(bench *b, kf_slice part)
{
    const p25_date_time t = { 2026, 11, 24, 0, 0, 0 };
    const size_t g = octet(part, 1) % GROUPS;
    const bool on = (octet(part, 1) & 0x80) != 0;
    kf_secret *ukek = NULL;
    uint32_t names[1];
    size_t count = 0;
    switch (octet(part, 0) % 10) {
    case 0:
        may(otar_kmf_rekey(b->kmf, slns[g] >> 12));
        break;
    case 1:
        may(otar_kmf_changeover(b->kmf, slns[g] >> 12, on, names, 1, &count));
        break;
    case 2:
        b->is_exempt = true;
        may(otar_kmf_zeroize(b->kmf, SU_RSI));
        break;
    case 3:
        may(otar_kmf_inventory(b->kmf, SU_RSI));
        break;
    case 4:
        may(otar_kmf_warm_start(b->kmf, SU_RSI));
        break;
    case 5:
        may(otar_kmf_modify_key(b->kmf, SU_RSI, slns[g]));
        break;
    case 6: /* put back, it may be without for a moment (README) */
        b->is_exempt = b->is_exempt || !on;
        b->is_in[g] = on;
        may(otar_kmf_set_member(b->kmf, SU_RSI, slns[g], on));
        break;
    case 7:
        may(otar_kmf_set_date_time(b->kmf, SU_RSI, &t));
        break;
    case 8:
        may(otar_kmf_set_service(b->kmf, SU_RSI, on));
        break;
    default:
        ukek = script_key(2);
        may(otar_kmf_set_ukek(b->kmf, SU_RSI, 0xf5a0, &ukek));
    }
}

/* One datagram and its answer; octet 0: lose or damage which, octets 1 and 2 the place. */
static void turn(bench *b, kf_slice part)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX], answer[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(buf, sizeof buf), back = kf_writer_init(answer, sizeof answer);
    const unsigned how = octet(part, 0) % 5;
    uint32_t rsi = 0;
    same(otar_kmf_next(b->kmf, b->now, &rsi, &out) == KF_OK);
    if (out.len == 0 || how == 1)
        return;
    if (how == 2)
        buf[pair_of(part, 1) % out.len] ^= (uint8_t)(octet(part, 3) | 1u);
    same(otar_unit_receive(b->unit, b->now, kf_writer_slice(&out), &back) == KF_OK);
    if (back.len == 0 || how == 3)
        return;
    if (how == 4)
        answer[pair_of(part, 1) % back.len] ^= (uint8_t)(octet(part, 3) | 1u);
    to_kmf(b, kf_writer_slice(&back));
}

/* Octet 0: which key; 1: identifier; 2: how far the number is from the last; then the body. */
static void lie(bench *b, kf_slice part)
{
    uint8_t buf[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    const otar_key *key =
        otar_kmf_key(b->kmf, slns[octet(part, 0) % GROUPS], (octet(part, 0) & 0x80) == 0);
    p25_kmm kmm = { .is_opaque = true };
    if (key == NULL)
        return;
    kmm.frame = (p25_kmm_frame){ .message_id = octet(part, 1),
                                 .source_rsi = SU_RSI,
                                 .destination_rsi = KMF_RSI,
                                 .has_mn = true,
                                 .mn = (uint16_t)(b->number - octet(part, 2)) };
    kmm.body.opaque = kf_slice_part(part, 3, SIZE_MAX);
    const p25_seal how = { .mac = key->tek, .scheme = P25_MAC_CMAC_D, .outer = key->tek };
    if (p25_seal_dli(&how, &kmm, &b->rng, &w) != KF_OK)
        return;
    b->is_exempt = true;
    to_kmf(b, kf_writer_slice(&w));
}

/* The unit's record as it was loaded comes out again: an operator's act that changes nothing. */
static void restart_kmf(bench *b)
{
    static uint8_t before[16384];
    const size_t len = b->len[1];
    memcpy(before, b->records[1], len);
    otar_kmf_free(&b->kmf);
    start_kmf(b);
    same(otar_kmf_set_member(b->kmf, SU_RSI, slns[0], b->is_in[0]) == KF_OK);
    same(b->len[1] == len && memcmp(before, b->records[1], len) == 0);
}

static void step(bench *b, uint8_t op, kf_slice part)
{
    switch (op % 8) {
    case OP_RAW:
        to_kmf(b, part);
        break;
    case OP_SAYS:
        says(b, part);
        break;
    case OP_ASKS:
        asks(b, part);
        break;
    case OP_TURN:
        turn(b, part);
        break;
    case OP_TIME:
        b->now += octet(part, 0);
        otar_unit_tick(b->unit, b->now);
        break;
    case OP_RESTART_KMF:
        restart_kmf(b);
        break;
    case OP_LIE:
        lie(b, part);
        break;
    default:
        otar_unit_free(&b->unit);
        start_unit(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static bench b;
    script s = { in, len, 0 };
    kf_slice part;
    uint8_t op;
    bench_open(&b);
    while (script_next(&s, &op, &part)) {
        step(&b, op, part);
        check(&b);
    }
    otar_unit_free(&b.unit);
    otar_kmf_free(&b.kmf);
    return 0;
}

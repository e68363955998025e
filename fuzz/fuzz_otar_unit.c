/*
 * The subscriber. A step is octets from anybody, or a message that we seal as its KMF would (with
 * the common TEK, or the temporary one), so that what is behind the MAC is reached as well; time
 * passes, the unit restarts, the last datagram comes again.
 *
 * Oracle: it never fails; only what was sealed with the right keys touches a key or a number; a
 * number is acted on once and inside the window; keys of an active keyset go by a command that may
 * take them; a retry is answered with the same octets; a machine made from its record is the same.
 */
#include "cover.h"
#include "otar/unit_parts.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define KMF_RSI   0x98967fu
#define SU_RSI    0x012345u
#define GROUP_RSI 0x777777u
#define TEK_KID   0x1001u
#define UKEK_KID  0xf5a0u
#define WARM_KID  0x7a31u

enum { OP_RAW, OP_SEALED, OP_KEYS, OP_WARM_START, OP_WARM_SEALED, OP_TIME, OP_RESTART, OP_AGAIN };

typedef struct bench {
    uint64_t random;
    kf_rng rng;
    kf_time now;
    otar_unit *unit;
    p25_tek *tek, *warm;
    p25_kek *kek;
    size_t record_len, last_len, answer_len;
    uint8_t record[16384], last[P25_DLI_DATAGRAM_MAX], answer[P25_DLI_DATAGRAM_MAX];
    bool has_acted; /* in this step */
    uint8_t acted_id;
    uint16_t acted_number;
} bench;

static kf_err save(void *ctx, uint32_t slot, kf_slice record)
{
    bench *b = ctx;
    same(slot == 0 && record.len <= sizeof b->record);
    memcpy(b->record, record.ptr, record.len);
    b->record_len = record.len;
    return KF_OK;
}

static void watch(void *ctx, const otar_event *e)
{
    bench *b = ctx;
    if (e->kind != OTAR_EV_ACTED && e->kind != OTAR_EV_ZEROIZED)
        return;
    b->has_acted = true;
    b->acted_id = e->message_id;
    b->acted_number = e->number;
}

static otar_unit *unit_of(bench *b, kf_slice record)
{
    const otar_unit_config config = { .rsi = SU_RSI,
                                      .kmf_rsi = KMF_RSI,
                                      .first_scheme = P25_MAC_CMAC_D };
    otar_unit *unit = NULL;
    same(otar_unit_new(&config, &(otar_store){ save, b }, &(otar_watch){ watch, b }, &b->rng,
                       record, &unit) == KF_OK);
    return unit;
}

static void load(bench *b, uint8_t keyset, uint16_t sln, uint16_t kid, uint8_t fill)
{
    const otar_key where = { .keyset = keyset,
                             .sln = sln,
                             .algid = P25_ALGID_AES256,
                             .kid = kid,
                             .is_kek = keyset == OTAR_KEK_KEYSET };
    kf_secret *key = script_key(fill);
    same(otar_unit_load(b->unit, &where, &key) == KF_OK);
}

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    b->rng = (kf_rng){ script_fill, &b->random };
    b->now = 1000;
    b->unit = unit_of(b, (kf_slice){ 0 });
    load(b, 1, 1, TEK_KID, 1);
    load(b, 2, 1, 0x1101, 3);
    load(b, OTAR_KEK_KEYSET, 0xf001, UKEK_KID, 2);
    same(otar_unit_join(b->unit, GROUP_RSI) == KF_OK);
    kf_secret *tek = script_key(1), *kek = script_key(2);
    same(p25_tek_new(P25_ALGID_AES256, TEK_KID, tek, &b->tek) == KF_OK);
    same(p25_kek_new(P25_ALGID_AES256, UKEK_KID, kek, &b->kek) == KF_OK);
    kf_secret_free(&tek);
    kf_secret_free(&kek);
}

static void bench_close(bench *b)
{
    otar_unit_free(&b->unit);
    p25_tek_free(&b->tek);
    p25_tek_free(&b->warm);
    p25_kek_free(&b->kek);
}

/* ---- oracle ---- */

/* Keys as a record has them, without the temporary one. */
static size_t keys_image(const otar_unit *u, uint8_t *out, size_t cap)
{
    kf_writer w = kf_writer_init(out, cap);
    otar_keys_write(&u->keys, &w);
    same(w.err == KF_OK);
    return w.len;
}

static bool keys_equal(const otar_unit *a, const uint8_t *image, size_t len)
{
    static uint8_t now[8192];
    return keys_image(a, now, sizeof now) == len && memcmp(now, image, len) == 0;
}

static void same_address(const unit_address *a, const unit_address *b)
{
    same(a->rsi == b->rsi && a->mn.last == b->mn.last && a->mn.window == b->mn.window);
    same(a->mn.has_message == b->mn.has_message);
    same(memcmp(a->mn.digest, b->mn.digest, sizeof a->mn.digest) == 0);
}

static void same_unit(const otar_unit *a, const otar_unit *b)
{
    static uint8_t image[8192];
    same(keys_equal(b, image, keys_image(a, image, sizeof image)));
    same(a->config.kmf_rsi == b->config.kmf_rsi && a->config.mnp == b->config.mnp);
    same(a->is_registered == b->is_registered);
    same(a->group_count == b->group_count && a->answer_len == b->answer_len);
    same_address(&a->own, &b->own);
    for (size_t i = 0; i < a->group_count; i++)
        same_address(&a->groups[i], &b->groups[i]);
    same(memcmp(a->answer, b->answer, a->answer_len) == 0);
    same(memcmp(a->last_digest, b->last_digest, sizeof a->last_digest) == 0);
}

static unsigned active_teks(const otar_unit *u)
{
    unsigned count = 0;
    for (const otar_key *k = u->keys.first; k != NULL; k = k->next)
        count += otar_keys_is_active(&u->keys, k) && !k->is_kek ? 1u : 0u;
    return count;
}

/* Where a fresh command was addressed to the unit itself, its number follows the last one. */
static void check_number(const bench *b, const p25_mn_state *before, bool is_own)
{
    const uint16_t ahead = (uint16_t)(b->acted_number - before->last);
    if (!b->has_acted || !is_own)
        return;
    if (ahead == 0 && !before->has_message) /* rule 2, for a delayed answer */
        return;
    same(before->window == P25_MNP_OFF || (ahead > 0 && ahead <= before->window));
}

static void check_keys(const bench *b, unsigned before)
{
    if (before == 0 || active_teks(b->unit) > 0)
        return;
    same(b->has_acted);
    same(b->acted_id == P25_KMM_ZEROIZE_CMD || b->acted_id == P25_KMM_REKEY_CMD ||
         b->acted_id == P25_KMM_MODIFY_KEY_CMD);
}

/* ---- steps ---- */

static void give(bench *b, kf_slice datagram, bool is_sealed, bool is_own)
{
    static uint8_t image[8192];
    const size_t len = keys_image(b->unit, image, sizeof image);
    const p25_mn_state numbers = b->unit->own.mn;
    const unsigned active = active_teks(b->unit);
    kf_writer out = kf_writer_init(b->answer, sizeof b->answer);
    b->has_acted = false;
    same(otar_unit_receive(b->unit, b->now, datagram, &out) == KF_OK);
    b->answer_len = out.len;
    if (!is_sealed) {
        same(keys_equal(b->unit, image, len));
        same(memcmp(&numbers.last, &b->unit->own.mn.last, sizeof numbers.last) == 0);
        return;
    }
    check_number(b, &numbers, is_own);
    check_keys(b, active);
    if (datagram.ptr != b->last) {
        memcpy(b->last, datagram.ptr, datagram.len);
        b->last_len = datagram.len;
    }
}

/* As our KMF: octet 0 kind and address, 1 and 2 how far the number is from the last. */
static void send(bench *b, p25_kmm *kmm, p25_tek *tek, p25_tek *outer, kf_slice how)
{
    static uint8_t buf[P25_DLI_DATAGRAM_MAX];
    const p25_seal seal = { .mac = tek,
                            .scheme = (p25_mac_scheme)((octet(how, 0) >> 4) % 3),
                            .outer = outer };
    const unsigned to = octet(how, 0) >> 2 & 3u;
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kmm->frame.response_kind = (p25_response_kind)((octet(how, 0) & 3u) % 3);
    kmm->frame.destination_rsi = to == 1 ? GROUP_RSI : to == 2 ? 0xffffff : b->unit->own.rsi;
    kmm->frame.source_rsi = b->unit->config.kmf_rsi;
    kmm->frame.has_mn = to != 3;
    kmm->frame.mn = (uint16_t)(b->unit->own.mn.last + pair_of(how, 1));
    if (p25_seal_dli(&seal, kmm, &b->rng, &w) == KF_OK)
        give(b, kf_writer_slice(&w), true, to == 0);
}

/* A message with any body: 3 octets for send(), the identifier, the body. */
static void send_body(bench *b, kf_slice part, p25_tek *tek)
{
    p25_kmm kmm = { .is_opaque = true };
    kmm.frame.message_id = octet(part, 3);
    kmm.body.opaque = kf_slice_part(part, 4, SIZE_MAX);
    if (tek != NULL)
        send(b, &kmm, tek, tek, part);
}

/* A Rekey with real keys: 3 octets for send(), keyset, kind of KEK, then 5 octets for each key. */
static void send_keys(bench *b, kf_slice part)
{
    static uint8_t wrapped[P25_KEY_ITEMS_MAX][P25_WRAPPED_MAX];
    p25_kmm kmm = { .frame.message_id = P25_KMM_REKEY_CMD };
    p25_rekey *r = &kmm.body.rekey;
    r->decryption = (p25_decryption){ .algid = P25_ALGID_AES256,
                                      .kid = octet(part, 4) & 1 ? WARM_KID : UKEK_KID };
    r->keyset_count = 1;
    r->keysets[0] = (p25_rekey_keyset){ .tag.keyset = octet(part, 3),
                                        .algid = P25_ALGID_AES256,
                                        .key_octets = P25_WRAPPED_MAX };
    for (size_t at = 5; at + 5 <= part.len && r->item_count < 8; at += 5) {
        kf_secret *key = script_key(octet(part, at + 4));
        const kf_secret *one = key;
        uint8_t *to = wrapped[r->item_count];
        same(p25_wrap_keys(b->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &one, 1, to) == KF_OK);
        kf_secret_free(&key);
        r->items[r->item_count++] = (p25_key_item){ .erase = (octet(part, at + 4) & 1) != 0,
                                                    .is_kek = (octet(part, at + 4) & 2) != 0,
                                                    .sln = pair_of(part, at),
                                                    .kid = pair_of(part, at + 2),
                                                    .key = { to, P25_WRAPPED_MAX } };
    }
    r->keysets[0].count = r->item_count;
    p25_tek *tek = octet(part, 4) & 2 ? b->warm : b->tek;
    if (tek != NULL)
        send(b, &kmm, tek, tek, part);
}

static void send_warm_start(bench *b, kf_slice part)
{
    uint8_t wrapped[P25_WRAPPED_MAX];
    p25_kmm kmm = { .frame.message_id = P25_KMM_WARM_START_CMD };
    const uint16_t kid = octet(part, 3) & 1 ? TEK_KID : WARM_KID;
    kf_secret *key = script_key(octet(part, 4));
    const kf_secret *one = key;
    p25_tek_free(&b->warm);
    same(p25_tek_new(P25_ALGID_AES256, kid, key, &b->warm) == KF_OK);
    same(p25_wrap_keys(b->kek, P25_WEAK_RECEIVE_ONLY, P25_ALGID_AES256, &one, 1, wrapped) == KF_OK);
    kf_secret_free(&key);
    kmm.body.warm_start =
        (p25_warm_start){ .decryption = { .algid = P25_ALGID_AES256, .kid = UKEK_KID },
                          .algid = P25_ALGID_AES256,
                          .kid = kid,
                          .key = { wrapped, sizeof wrapped } };
    send(b, &kmm, b->warm, NULL, part);
}

static void restart(bench *b)
{
    otar_unit *again = unit_of(b, (kf_slice){ b->record, b->record_len });
    same_unit(b->unit, again);
    otar_unit_free(&b->unit);
    b->unit = again;
}

/* What was acted on and answered is answered with the same octets; nothing is done again. */
static void again(bench *b)
{
    static uint8_t first[P25_DLI_DATAGRAM_MAX];
    const bool is_known = b->has_acted && b->answer_len > 0;
    const size_t len = b->answer_len;
    memcpy(first, b->answer, len);
    if (b->last_len == 0)
        return;
    give(b, (kf_slice){ b->last, b->last_len }, true, false);
    if (!is_known)
        return;
    same(!b->has_acted && b->answer_len == len && memcmp(first, b->answer, len) == 0);
}

static void step(bench *b, uint8_t op, kf_slice part)
{
    switch (op % 8) {
    case OP_RAW:
        give(b, part, false, false);
        b->has_acted = false;
        break;
    case OP_SEALED:
        send_body(b, part, b->tek);
        break;
    case OP_KEYS:
        send_keys(b, part);
        break;
    case OP_WARM_START:
        send_warm_start(b, part);
        break;
    case OP_WARM_SEALED:
        send_body(b, part, b->warm);
        break;
    case OP_TIME:
        b->now += octet(part, 0);
        otar_unit_tick(b->unit, b->now);
        break;
    case OP_RESTART:
        restart(b);
        break;
    default:
        again(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static bench b;
    script s = { in, len, 0 };
    kf_slice part;
    uint8_t op;
    bench_open(&b);
    while (script_next(&s, &op, &part))
        step(&b, op, part);
    restart(&b);
    bench_close(&b);
    return 0;
}

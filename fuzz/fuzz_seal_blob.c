/*
 * Slots and shares. The input is tried as a slot: what is accepted is put together again from its
 * parts as the same octets. Then its first octet names a true slot, or a true share, and the rest
 * says what to change there: an unchanged one opens to its key, a changed one never does.
 */
#include <string.h>

#include "cover.h"
#include "script.h"

#include "seal/slot.h"

#define COST_AT       (SLOT_HEAD_OCTETS + 10u) /* scrypt's 3 octets in a passphrase slot */
#define SHARE_COST_AT 22u /* the characters of base64 that have them in a share */
#define SHARE_COST    5u

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

typedef struct originals {
    kf_secret *key, *half;
    size_t len[SEAL_QUORUM + 1];
    uint8_t blob[SEAL_QUORUM + 1][SEAL_BLOB_MAX];
    seal_share shares[3];
} originals;

static const uint8_t vault_id[SEAL_ID_OCTETS] = { 7, 7, 7 };
static const kf_scrypt_cost quick = { 1, 1, 1 };

static kf_slice pass(void)
{
    return kf_slice_str("seed");
}

static void make(originals *o, seal_kind kind, const kf_rng *rng)
{
    const kf_slice none = { NULL, 0 }, all[] = { pass(), pass(), pass() };
    kf_writer w = kf_writer_init(o->blob[kind], SEAL_BLOB_MAX);
    kf_err err = KF_E_STATE;
    if (kind == SEAL_PASSPHRASE)
        err = seal_passphrase_make(vault_id, o->key, pass(), quick, rng, &w);
    if (kind == SEAL_KEY_FILE)
        err = seal_secret_make(kind, vault_id, o->key, o->half, none, none, none, rng, &w);
    if (kind == SEAL_TOKEN)
        err = seal_secret_make(kind, vault_id, o->key, o->half, kf_slice_str("\1wrapped"),
                               kf_slice_str("pkcs11:token=county"), kf_slice_str("vault key"), rng,
                               &w);
    if (kind == SEAL_QUORUM)
        err = seal_quorum_make(vault_id, o->key, 2, 3, all, quick, rng, o->shares, &w);
    same(err == KF_OK);
    o->len[kind] = w.len;
}

/* One of each, always the same; made once. */
static const originals *all_kinds(void)
{
    static originals o;
    uint64_t state = 1;
    const kf_rng rng = { script_fill, &state };
    if (o.key == NULL) {
        o.key = script_key(0x4b);
        o.half = script_key(0x48);
        same(o.key != NULL && o.half != NULL);
        for (unsigned kind = SEAL_PASSPHRASE; kind <= SEAL_QUORUM; kind++)
            make(&o, (seal_kind)kind, &rng);
    }
    return &o;
}

static void put16(kf_writer *w, kf_slice s)
{
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, s);
    kf_write_len16_end(w, mark);
}

static void check_parts(kf_slice octets)
{
    uint8_t again[SEAL_BLOB_MAX];
    kf_writer w = kf_writer_init(again, sizeof again);
    slot_parts p;
    kf_fault fault;
    kf_err err = slot_read(octets, &p, &fault);
    if (err != KF_OK) {
        same(fault.code == err && fault.field != NULL && fault.at <= octets.len);
        same(p.head.ptr == NULL && p.sealed.ptr == NULL && p.container.ptr == NULL);
        return;
    }
    slot_write_head(&w, p.slot.kind, p.slot.vault_id);
    same(kf_slice_equal(kf_writer_slice(&w), p.head));
    if (p.slot.kind == SEAL_TOKEN) {
        put16(&w, p.slot.wrapped);
        put16(&w, p.slot.token);
        put16(&w, p.slot.label);
    }
    if (p.slot.kind == SEAL_QUORUM) {
        same(p.checks.len == p.slot.total * SLOT_CHECK_OCTETS);
        kf_write_u8(&w, p.slot.needed);
        kf_write_u8(&w, p.slot.total);
    }
    const kf_slice rest[] = { p.container, p.split, p.checks, p.salt, p.nonce, p.sealed };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        kf_write_slice(&w, rest[i]);
    same(kf_slice_equal(kf_writer_slice(&w), octets));
    same(p.slot.kind == SEAL_PASSPHRASE || p.ad.len + p.sealed.len == octets.len);
}

static kf_err open_quorum(kf_slice blob, kf_slice first, kf_slice second, kf_secret **key)
{
    seal_quorum *q = NULL;
    kf_fault fault;
    *key = NULL;
    kf_err err = seal_quorum_new(blob, &q, &fault);
    if (err == KF_OK)
        err = seal_quorum_add(q, first, pass());
    if (err == KF_OK)
        err = seal_quorum_add(q, second, pass());
    if (err == KF_OK)
        err = seal_quorum_open(q, key);
    seal_quorum_free(&q);
    return err;
}

static kf_slice share(const seal_share *s)
{
    return (kf_slice){ s->octets, s->len };
}

static kf_err open_slot(const originals *o, unsigned kind, kf_slice blob, kf_secret **key)
{
    kf_fault fault;
    if (kind == SEAL_PASSPHRASE)
        return seal_passphrase_open(blob, pass(), key, &fault);
    if (kind == SEAL_QUORUM)
        return open_quorum(blob, share(&o->shares[0]), share(&o->shares[2]), key);
    return seal_secret_open(blob, o->half, key, &fault);
}

/* The true key when nothing was changed, none when something was. */
static void judge(const originals *o, bool changed, kf_err err, kf_secret *key)
{
    same((err == KF_OK) == (key != NULL) && (err == KF_OK) == !changed);
    same(key == NULL || kf_secret_equal(key, o->key));
    kf_secret_free(&key);
}

/* Cut off so many octets, then XOR each value at its place (2 octets, 1 octet). A dearer scrypt
 * would be refused as well, and slowly: its octets stay. @return the slot or share as it is now. */
static kf_slice change(uint8_t *octets, size_t len, kf_slice how, size_t cost_at, size_t cost)
{
    len -= octet(how, 0) < len ? octet(how, 0) : len;
    for (size_t i = 1; len > 0 && i + 3 <= how.len; i += 3) {
        size_t at = pair_of(how, i) % len;
        if (at < cost_at || at >= cost_at + cost)
            octets[at] ^= octet(how, i + 2);
    }
    return (kf_slice){ octets, len };
}

static void try_slot(const originals *o, unsigned kind, kf_slice how)
{
    uint8_t octets[SEAL_BLOB_MAX];
    kf_slice was = { o->blob[kind], o->len[kind] };
    kf_secret *key = NULL;
    memcpy(octets, was.ptr, was.len);
    kf_slice now = change(octets, was.len, how, COST_AT, kind == SEAL_PASSPHRASE ? 3 : 0);
    kf_err err = open_slot(o, kind, now, &key);
    judge(o, !kf_slice_equal(now, was), err, key);
}

static void try_share(const originals *o, kf_slice how)
{
    seal_share mine = o->shares[1];
    kf_slice blob = { o->blob[SEAL_QUORUM], o->len[SEAL_QUORUM] };
    kf_secret *key = NULL;
    kf_slice now = change(mine.octets, mine.len, how, SHARE_COST_AT, SHARE_COST);
    kf_err err = open_quorum(blob, now, share(&o->shares[2]), &key);
    judge(o, !kf_slice_equal(now, share(&o->shares[1])), err, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    const originals *o = all_kinds();
    kf_slice input = { in, len };
    check_parts(input);
    kf_slice how = kf_slice_part(input, 1, len);
    unsigned which = octet(input, 0) % (SEAL_QUORUM + 1);
    if (which == 0)
        try_share(o, how);
    else
        try_slot(o, which, how);
    return 0;
}

#include "seal/slot.h"

#include <string.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/container.h"
#include "seal/hkdf.h"

#define VERSION_1 1u

static const uint8_t magic[8] = { 'K', 'F', 'V', 'S', 'L', 'O', 'T', 0 };

static const char *const names[] = {
    [SEAL_PASSPHRASE] = "passphrase",
    [SEAL_KEY_FILE] = "key-file",
    [SEAL_TOKEN] = "token",
    [SEAL_QUORUM] = "quorum",
};

const char *seal_kind_name(unsigned kind)
{
    return kind < KF_COUNT(names) ? names[kind] : NULL;
}

/* A name goes to terminals and logs: no control characters, whatever the encoding. */
static bool is_name(kf_slice text)
{
    if (text.len == 0 || text.len > SLOT_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static kf_slice read_len16(kf_reader *r, size_t most, const char *field)
{
    size_t at = r->off;
    uint16_t len = kf_read_u16(r, field);
    if (kf_reader_ok(r) && (len == 0 || len > most))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, field);
    return kf_read_slice(r, len, field);
}

static void read_head(kf_reader *r, slot_parts *out)
{
    if (!kf_slice_equal(kf_read_slice(r, sizeof magic, "slot.magic"), KF_SLICE_OF(magic)))
        kf_reader_fail_at(r, 0, KF_E_MALFORMED, "slot.magic");
    if (kf_read_u8(r, "slot.version") != VERSION_1 && kf_reader_ok(r))
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "slot.version");
    uint8_t kind = kf_read_u8(r, "slot.kind");
    if (kf_reader_ok(r) && seal_kind_name(kind) == NULL)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "slot.kind");
    out->slot.kind = (seal_kind)kind;
    kf_read_octets(r, out->slot.vault_id, SEAL_ID_OCTETS, "slot.vault_id");
    out->head = (kf_slice){ r->msg, SLOT_HEAD_OCTETS };
}

static void read_container(kf_reader *r, slot_parts *out)
{
    kf_container c;
    size_t at = r->off;
    kf_container_decode(r, &c);
    if (kf_reader_ok(r) &&
        (c.kind != KF_CONTAINER_VAULT_KEY || c.sealed.len != SLOT_HEAD_OCTETS + SLOT_SEALED_OCTETS))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "slot.container");
    out->container = (kf_slice){ r->msg + at, r->off - at };
}

static void read_token(kf_reader *r, slot_parts *out)
{
    seal_slot *slot = &out->slot;
    slot->wrapped = read_len16(r, SLOT_WRAPPED_MAX, "slot.wrapped");
    size_t at = r->off;
    slot->token = read_len16(r, SLOT_NAME_MAX, "slot.token");
    if (kf_reader_ok(r) && !kf_text_is_uri(slot->token, SLOT_NAME_MAX))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "slot.token");
    at = r->off;
    slot->label = read_len16(r, SLOT_NAME_MAX, "slot.label");
    if (kf_reader_ok(r) && !is_name(slot->label))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "slot.label");
}

static void read_quorum(kf_reader *r, slot_parts *out)
{
    seal_slot *slot = &out->slot;
    size_t at = r->off;
    slot->needed = kf_read_u8(r, "slot.needed");
    slot->total = kf_read_u8(r, "slot.total");
    if (kf_reader_ok(r) &&
        (slot->needed < 2 || slot->needed > slot->total || slot->total > SEAL_SHARES_MAX))
        kf_reader_fail_at(r, at, KF_E_MALFORMED, "slot.needed");
    out->split = kf_read_slice(r, SLOT_SPLIT_OCTETS, "slot.split");
    out->checks = kf_read_slice(r, slot->total * SLOT_CHECK_OCTETS, "slot.checks");
}

static void read_sealed(kf_reader *r, slot_parts *out)
{
    out->salt = kf_read_slice(r, SLOT_SALT_OCTETS, "slot.salt");
    out->nonce = kf_read_slice(r, SLOT_NONCE_OCTETS, "slot.nonce");
    out->ad = (kf_slice){ r->msg, r->off };
    out->sealed = kf_read_slice(r, SLOT_SEALED_OCTETS, "slot.sealed");
}

kf_err slot_read(kf_slice blob, slot_parts *out, kf_fault *fault)
{
    slot_parts parts = { 0 };
    kf_reader r = kf_reader_init(blob, fault);

    memset(out, 0, sizeof *out);
    read_head(&r, &parts);
    if (kf_reader_ok(&r)) {
        if (parts.slot.kind == SEAL_PASSPHRASE) {
            read_container(&r, &parts);
        } else {
            if (parts.slot.kind == SEAL_TOKEN)
                read_token(&r, &parts);
            if (parts.slot.kind == SEAL_QUORUM)
                read_quorum(&r, &parts);
            read_sealed(&r, &parts);
        }
    }
    kf_err err = kf_reader_end(&r, "slot");
    if (err == KF_OK)
        *out = parts;
    return err;
}

kf_err seal_parse(kf_slice blob, seal_slot *out, kf_fault *fault)
{
    slot_parts parts;
    kf_err err = slot_read(blob, &parts, fault);
    *out = parts.slot;
    return err;
}

void slot_write_head(kf_writer *w, seal_kind kind, const uint8_t vault_id[SEAL_ID_OCTETS])
{
    kf_write_octets(w, magic, sizeof magic);
    kf_write_u8(w, VERSION_1);
    kf_write_u8(w, (uint8_t)kind);
    kf_write_octets(w, vault_id, SEAL_ID_OCTETS);
}

/* What the vault key is sealed under: differs with each kind, vault and salt. */
static kf_err wrapping_key(kf_slice head, kf_slice secret, kf_slice salt, kf_secret **out)
{
    kf_slice info[] = {
        kf_slice_str("keyferry-seal"),
        kf_slice_part(head, sizeof magic + 1, 1),
        kf_slice_part(head, sizeof magic + 2, SEAL_ID_OCTETS),
    };
    return seal_hkdf(secret, salt, info, KF_COUNT(info), out);
}

kf_err slot_close(kf_writer *w, size_t start, const kf_secret *key, kf_slice secret,
                  const kf_rng *rng)
{
    uint8_t fresh[SLOT_SALT_OCTETS + SLOT_NONCE_OCTETS];
    kf_slice salt = { fresh, SLOT_SALT_OCTETS };
    kf_slice nonce = { fresh + SLOT_SALT_OCTETS, SLOT_NONCE_OCTETS };
    kf_secret *wrap = NULL;

    kf_err err = kf_rng_fill(rng, fresh, sizeof fresh);
    if (err == KF_OK) {
        kf_write_octets(w, fresh, sizeof fresh);
        err = w->err;
    }
    if (err == KF_OK) {
        kf_slice ad = { w->buf + start, w->len - start };
        err = wrapping_key(ad, secret, salt, &wrap);
        if (err == KF_OK)
            err = kf_aead_seal(&KF_AES_256_GCM, kf_secret_view(wrap), nonce, ad,
                               kf_secret_view(key), w);
    }
    kf_secret_free(&wrap);
    if (err != KF_OK)
        w->len = start;
    return err;
}

kf_err slot_open(const slot_parts *parts, kf_slice secret, kf_secret **key)
{
    kf_secret *wrap = NULL;
    *key = NULL;
    kf_err err = wrapping_key(parts->head, secret, parts->salt, &wrap);
    if (err == KF_OK)
        err = kf_aead_open(&KF_AES_256_GCM, kf_secret_view(wrap), parts->nonce, parts->ad,
                           parts->sealed, key);
    kf_secret_free(&wrap);
    return err;
}

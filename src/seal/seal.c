/* Passphrase, key file and token. */
#include "seal/seal.h"

#include "base/text.h"
#include "crypto/container.h"
#include "seal/slot.h"

kf_err seal_passphrase_make(const uint8_t vault_id[SEAL_ID_OCTETS], const kf_secret *key,
                            kf_slice passphrase, kf_scrypt_cost cost, const kf_rng *rng,
                            kf_writer *out)
{
    kf_secret *content = NULL;
    size_t start = out->len;

    if (kf_secret_len(key) != SEAL_KEY_OCTETS || passphrase.len == 0)
        return KF_E_MALFORMED;
    kf_err err = kf_secret_new(SLOT_HEAD_OCTETS + SEAL_KEY_OCTETS, &content);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(content), kf_secret_len(content));
    slot_write_head(&w, SEAL_PASSPHRASE, vault_id);
    kf_write_slice(out, kf_writer_slice(&w));
    kf_write_slice(&w, kf_secret_view(key));
    err = out->err;
    if (err == KF_OK)
        err = kf_container_seal(KF_CONTAINER_VAULT_KEY, passphrase, cost, kf_secret_view(content),
                                rng, out);
    kf_secret_free(&content);
    if (err != KF_OK)
        out->len = start;
    return err;
}

kf_err seal_passphrase_open(kf_slice blob, kf_slice passphrase, kf_secret **key, kf_fault *fault)
{
    slot_parts parts;
    kf_secret *content = NULL;
    kf_fault inner = { 0 };

    *key = NULL;
    kf_err err = slot_read(blob, &parts, fault);
    if (err != KF_OK)
        return err;
    if (parts.slot.kind != SEAL_PASSPHRASE)
        return kf_fault_set(fault, KF_E_STATE, SLOT_HEAD_OCTETS - SEAL_ID_OCTETS - 1, "slot.kind");
    err = kf_container_open(KF_CONTAINER_VAULT_KEY, passphrase, parts.container, &content, &inner);
    if (err == KF_OK) {
        kf_slice all = kf_secret_view(content);
        if (kf_ct_equal(kf_slice_part(all, 0, SLOT_HEAD_OCTETS), parts.head))
            err = kf_secret_new_copy(kf_slice_part(all, SLOT_HEAD_OCTETS, SEAL_KEY_OCTETS), key);
        else
            err = KF_E_AUTH; /* the container of another vault */
    }
    kf_secret_free(&content);
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, SLOT_HEAD_OCTETS, "slot.sealed");
}

static void write_len16(kf_writer *w, kf_slice octets)
{
    size_t mark = kf_write_len16_begin(w);
    kf_write_slice(w, octets);
    kf_write_len16_end(w, mark);
}

kf_err seal_secret_make(seal_kind kind, const uint8_t vault_id[SEAL_ID_OCTETS],
                        const kf_secret *key, const kf_secret *secret, kf_slice wrapped,
                        kf_slice token, kf_slice label, const kf_rng *rng, kf_writer *out)
{
    size_t start = out->len;

    if (kf_secret_len(key) != SEAL_KEY_OCTETS || kf_secret_len(secret) != SEAL_KEY_OCTETS ||
        (kind != SEAL_KEY_FILE && kind != SEAL_TOKEN) ||
        (kind == SEAL_KEY_FILE && (wrapped.len > 0 || token.len > 0 || label.len > 0)))
        return KF_E_MALFORMED;
    slot_write_head(out, kind, vault_id);
    if (kind == SEAL_TOKEN) {
        write_len16(out, wrapped);
        write_len16(out, token);
        write_len16(out, label);
    }
    kf_err err = out->err;
    if (err == KF_OK)
        err = slot_close(out, start, key, kf_secret_view(secret), rng);
    if (err == KF_OK) {
        /* The reader knows the limits of each part: what it would refuse is never handed out. */
        slot_parts parts;
        kf_fault fault;
        err = slot_read((kf_slice){ out->buf + start, out->len - start }, &parts, &fault);
    }
    if (err != KF_OK)
        out->len = start;
    return err;
}

kf_err seal_secret_open(kf_slice blob, const kf_secret *secret, kf_secret **key, kf_fault *fault)
{
    slot_parts parts;

    *key = NULL;
    kf_err err = slot_read(blob, &parts, fault);
    if (err != KF_OK)
        return err;
    if (parts.slot.kind != SEAL_KEY_FILE && parts.slot.kind != SEAL_TOKEN)
        return kf_fault_set(fault, KF_E_STATE, SLOT_HEAD_OCTETS - SEAL_ID_OCTETS - 1, "slot.kind");
    err = kf_secret_len(secret) == SEAL_KEY_OCTETS ? slot_open(&parts, kf_secret_view(secret), key)
                                                   : KF_E_AUTH;
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, parts.ad.len, "slot.sealed");
}

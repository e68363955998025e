/* M of N officers. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/container.h"
#include "crypto/hash.h"
#include "seal/seal.h"
#include "seal/shamir.h"
#include "seal/slot.h"

static const char prefix[] = "KFSHARE1:";

struct seal_quorum {
    uint8_t blob[SEAL_BLOB_MAX];
    slot_parts parts; /* of blob */
    kf_secret *shares[SEAL_SHARES_MAX];
};

static kf_err check_value(kf_slice content, uint8_t out[SLOT_CHECK_OCTETS])
{
    kf_slice parts[] = { kf_slice_str("keyferry-share"), content };
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), out);
}

/* What a share's container holds. */
static kf_err content_new(const slot_parts *parts, uint8_t index, const kf_secret *share,
                          kf_secret **out)
{
    kf_err err = kf_secret_new(SLOT_CONTENT_OCTETS, out);
    if (err != KF_OK)
        return err;
    kf_writer w = kf_writer_init(kf_secret_edit(*out), SLOT_CONTENT_OCTETS);
    kf_write_octets(&w, parts->slot.vault_id, SEAL_ID_OCTETS);
    kf_write_slice(&w, parts->split);
    kf_write_u8(&w, index);
    kf_write_u8(&w, parts->slot.needed);
    kf_write_u8(&w, parts->slot.total);
    kf_write_slice(&w, kf_secret_view(share));
    return w.err;
}

static kf_err seal_one(kf_slice content, kf_slice passphrase, kf_scrypt_cost cost,
                       const kf_rng *rng, seal_share *out)
{
    uint8_t box[SLOT_CONTENT_OCTETS + KF_CONTAINER_OVERHEAD];
    kf_writer w = kf_writer_init(box, sizeof box);
    kf_err err = kf_container_seal(KF_CONTAINER_SHARE, passphrase, cost, content, rng, &w);
    if (err != KF_OK)
        return err;
    kf_writer text = kf_writer_init(out->octets, sizeof out->octets);
    kf_write_slice(&text, kf_slice_str(prefix));
    kf_base64_write(&text, kf_writer_slice(&w));
    out->len = text.err == KF_OK ? text.len : 0;
    return text.err;
}

/* The clear part of the blob and all shares, from what was drawn. */
static kf_err make_shares(const slot_parts *parts, kf_secret *const *raw,
                          const kf_slice *passphrases, kf_scrypt_cost cost, const kf_rng *rng,
                          seal_share *shares, kf_writer *out)
{
    kf_err err = KF_OK;
    for (uint8_t i = 0; err == KF_OK && i < parts->slot.total; i++) {
        uint8_t check[SLOT_CHECK_OCTETS];
        kf_secret *content = NULL;
        err = content_new(parts, (uint8_t)(i + 1), raw[i], &content);
        if (err == KF_OK)
            err = check_value(kf_secret_view(content), check);
        if (err == KF_OK)
            err = seal_one(kf_secret_view(content), passphrases[i], cost, rng, &shares[i]);
        if (err == KF_OK)
            kf_write_octets(out, check, sizeof check);
        kf_secret_free(&content);
    }
    return err == KF_OK ? out->err : err;
}

static bool arguments_are_fine(const kf_secret *key, uint8_t needed, uint8_t total,
                               const kf_slice *passphrases)
{
    if (kf_secret_len(key) != SEAL_KEY_OCTETS || needed < 2 || needed > total ||
        total > SEAL_SHARES_MAX)
        return false;
    for (uint8_t i = 0; i < total; i++)
        if (passphrases[i].len == 0)
            return false;
    return true;
}

kf_err seal_quorum_make(const uint8_t vault_id[SEAL_ID_OCTETS], const kf_secret *key,
                        uint8_t needed, uint8_t total, const kf_slice *passphrases,
                        kf_scrypt_cost cost, const kf_rng *rng, seal_share *shares, kf_writer *out)
{
    uint8_t split[SLOT_SPLIT_OCTETS];
    slot_parts parts = { .slot = { .kind = SEAL_QUORUM, .needed = needed, .total = total },
                         .split = KF_SLICE_OF(split) };
    kf_secret *secret = NULL, *raw[SEAL_SHARES_MAX] = { NULL };
    size_t start = out->len;

    if (!arguments_are_fine(key, needed, total, passphrases))
        return KF_E_MALFORMED;
    memcpy(parts.slot.vault_id, vault_id, SEAL_ID_OCTETS);
    memset(shares, 0, total * sizeof *shares);
    kf_err err = kf_rng_fill(rng, split, sizeof split);
    if (err == KF_OK)
        err = kf_secret_new_random(rng, SEAL_KEY_OCTETS, &secret);
    if (err == KF_OK)
        err = shamir_split(secret, needed, total, rng, raw);
    if (err == KF_OK) {
        slot_write_head(out, SEAL_QUORUM, vault_id);
        kf_write_u8(out, needed);
        kf_write_u8(out, total);
        kf_write_octets(out, split, sizeof split);
        err = make_shares(&parts, raw, passphrases, cost, rng, shares, out);
    }
    if (err == KF_OK)
        err = slot_close(out, start, key, kf_secret_view(secret), rng);
    if (err != KF_OK) {
        out->len = start;
        memset(shares, 0, total * sizeof *shares);
    }
    for (uint8_t i = 0; i < total; i++)
        kf_secret_free(&raw[i]);
    kf_secret_free(&secret);
    return err;
}

kf_err seal_quorum_new(kf_slice blob, seal_quorum **out, kf_fault *fault)
{
    slot_parts parts;

    *out = NULL;
    kf_err err = slot_read(blob, &parts, fault);
    if (err != KF_OK)
        return err;
    if (parts.slot.kind != SEAL_QUORUM)
        return kf_fault_set(fault, KF_E_STATE, SLOT_HEAD_OCTETS - SEAL_ID_OCTETS - 1, "slot.kind");
    seal_quorum *q = calloc(1, sizeof *q);
    if (q == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, "slot");
    memcpy(q->blob, blob.ptr, blob.len); /* the largest quorum slot is far below SEAL_BLOB_MAX */
    err = slot_read((kf_slice){ q->blob, blob.len }, &q->parts, fault);
    if (err != KF_OK) {
        free(q);
        return err;
    }
    *out = q;
    return KF_OK;
}

void seal_quorum_free(seal_quorum **quorum)
{
    if (quorum == NULL || *quorum == NULL)
        return;
    for (size_t i = 0; i < SEAL_SHARES_MAX; i++)
        kf_secret_free(&(*quorum)->shares[i]);
    free(*quorum);
    *quorum = NULL;
}

/* From the text to the content of the container. */
static kf_err open_share(kf_slice text, kf_slice passphrase, kf_secret **content)
{
    uint8_t box[SEAL_SHARE_MAX];
    kf_fault fault;
    size_t head = sizeof prefix - 1;

    *content = NULL;
    if (text.len > 0 && text.ptr[text.len - 1] == '\n') /* as files of text end */
        text.len--;
    if (text.len > SEAL_SHARE_MAX || text.len < head ||
        !kf_slice_equal(kf_slice_part(text, 0, head), kf_slice_str(prefix)))
        return KF_E_MALFORMED;
    kf_writer w = kf_writer_init(box, sizeof box);
    kf_err err = kf_base64_read(kf_slice_part(text, head, text.len - head), &w);
    if (err != KF_OK)
        return err;
    err = kf_container_open(KF_CONTAINER_SHARE, passphrase, kf_writer_slice(&w), content, &fault);
    if (err == KF_OK && kf_secret_len(*content) != SLOT_CONTENT_OCTETS) {
        kf_secret_free(content);
        return KF_E_MALFORMED;
    }
    return err == KF_E_STATE ? KF_E_MALFORMED : err; /* a container, but not of a share */
}

kf_err seal_quorum_add(seal_quorum *q, kf_slice share, kf_slice passphrase)
{
    const seal_slot *slot = &q->parts.slot;
    kf_secret *content = NULL;
    uint8_t check[SLOT_CHECK_OCTETS];

    kf_err err = open_share(share, passphrase, &content);
    if (err != KF_OK)
        return err;
    kf_slice all = kf_secret_view(content);
    kf_slice vault = kf_slice_part(all, 0, SEAL_ID_OCTETS);
    kf_slice split = kf_slice_part(all, SEAL_ID_OCTETS, SLOT_SPLIT_OCTETS);
    uint8_t index = all.ptr[SEAL_ID_OCTETS + SLOT_SPLIT_OCTETS];
    err = check_value(all, check);
    if (err != KF_OK)
        goto done;
    if (!kf_slice_equal(vault, (kf_slice){ slot->vault_id, SEAL_ID_OCTETS })) {
        err = KF_E_AUTH;
    } else if (!kf_slice_equal(split, q->parts.split)) {
        err = KF_E_DENIED;
    } else if (index < 1 || index > slot->total ||
               !kf_ct_equal(KF_SLICE_OF(check),
                            kf_slice_part(q->parts.checks, (index - 1u) * SLOT_CHECK_OCTETS,
                                          SLOT_CHECK_OCTETS))) {
        err = KF_E_AUTH; /* sealed by someone who knows the passphrase, and not what was split */
    } else if (q->shares[index - 1] != NULL) {
        err = KF_E_STATE;
    } else {
        err = kf_secret_new_copy(
            kf_slice_part(all, SLOT_CONTENT_OCTETS - SEAL_KEY_OCTETS, SEAL_KEY_OCTETS),
            &q->shares[index - 1]);
    }
done:
    kf_secret_free(&content);
    return err;
}

size_t seal_quorum_count(const seal_quorum *q)
{
    size_t count = 0;
    for (size_t i = 0; i < SEAL_SHARES_MAX; i++)
        count += q->shares[i] != NULL;
    return count;
}

kf_err seal_quorum_open(const seal_quorum *q, kf_secret **key)
{
    kf_secret *secret = NULL;

    *key = NULL;
    if (seal_quorum_count(q) < q->parts.slot.needed)
        return KF_E_STATE;
    kf_err err = shamir_join(q->shares, q->parts.slot.total, &secret);
    if (err == KF_OK)
        err = slot_open(&q->parts, kf_secret_view(secret), key);
    kf_secret_free(&secret);
    return err;
}

#include "crypto/container.h"

#include <string.h>

#include "crypto/aead.h"

#define MAGIC_OCTETS 8u
#define SALT_OCTETS  16u
#define NONCE_OCTETS 12u
#define VERSION_1    1u

static const uint8_t magic[MAGIC_OCTETS] = { 'K', 'F', 'S', 'E', 'A', 'L', 'E', 'D' };

static kf_container_kind decode_kind(kf_reader *r)
{
    switch (kf_read_u8(r, "container.kind")) {
    case KF_CONTAINER_KMS_DOMAIN:
        return KF_CONTAINER_KMS_DOMAIN;
    case KF_CONTAINER_KEY_FILE:
        return KF_CONTAINER_KEY_FILE;
    case KF_CONTAINER_STATE_KEY:
        return KF_CONTAINER_STATE_KEY;
    case KF_CONTAINER_VAULT_KEY:
        return KF_CONTAINER_VAULT_KEY;
    case KF_CONTAINER_SHARE:
        return KF_CONTAINER_SHARE;
    default:
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "container.kind");
        return (kf_container_kind)0;
    }
}

void kf_container_decode(kf_reader *r, kf_container *out)
{
    memset(out, 0, sizeof *out);
    if (!kf_slice_equal(kf_read_slice(r, MAGIC_OCTETS, "container.magic"), KF_SLICE_OF(magic)))
        kf_reader_fail_at(r, 0, KF_E_MALFORMED, "container.magic");
    if (kf_read_u8(r, "container.version") != VERSION_1)
        kf_reader_fail_at(r, r->off - 1, KF_E_UNSUPPORTED, "container.version");
    out->kind = decode_kind(r);
    size_t cost_at = r->off;
    out->cost.log2_n = kf_read_u8(r, "container.scrypt_log2_n");
    out->cost.r = kf_read_u8(r, "container.scrypt_r");
    out->cost.p = kf_read_u8(r, "container.scrypt_p");
    if (kf_reader_ok(r) && !kf_scrypt_cost_is_bounded(out->cost))
        kf_reader_fail_at(r, cost_at, KF_E_MALFORMED, "container.scrypt_cost");
    out->salt = kf_read_slice(r, SALT_OCTETS, "container.salt");
    out->nonce = kf_read_slice(r, NONCE_OCTETS, "container.nonce");
    uint32_t len = kf_read_u32(r, "container.length");
    if (kf_reader_ok(r) &&
        (len < KF_AES_256_GCM.tag_octets || len > KF_CONTAINER_MAX + KF_AES_256_GCM.tag_octets))
        kf_reader_fail_at(r, r->off - 4, KF_E_MALFORMED, "container.length");
    out->head = (kf_slice){ r->msg, r->off };
    out->sealed = kf_read_slice(r, len, "container.sealed");
}

kf_err kf_container_parse(kf_slice octets, kf_container *out, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    kf_container_decode(&r, out);
    return kf_reader_end(&r, "container");
}

kf_err kf_container_seal(kf_container_kind kind, kf_slice passphrase, kf_scrypt_cost cost,
                         kf_slice content, const kf_rng *rng, kf_writer *out)
{
    uint8_t fresh[SALT_OCTETS + NONCE_OCTETS];
    kf_secret *key = NULL;
    kf_err err;

    if (content.len > KF_CONTAINER_MAX || !kf_scrypt_cost_is_bounded(cost))
        return KF_E_MALFORMED;
    if ((err = kf_rng_fill(rng, fresh, sizeof fresh)) != KF_OK)
        return err;
    size_t start = out->len;
    kf_write_octets(out, magic, sizeof magic);
    kf_write_u8(out, VERSION_1);
    kf_write_u8(out, (uint8_t)kind);
    kf_write_u8(out, cost.log2_n);
    kf_write_u8(out, cost.r);
    kf_write_u8(out, cost.p);
    kf_write_octets(out, fresh, sizeof fresh);
    kf_write_u32(out, (uint32_t)(content.len + KF_AES_256_GCM.tag_octets));
    if (out->err != KF_OK)
        return out->err;
    kf_slice salt = { fresh, SALT_OCTETS }, nonce = { fresh + SALT_OCTETS, NONCE_OCTETS };
    kf_slice head = { out->buf + start, out->len - start };
    err = kf_scrypt(passphrase, salt, cost, KF_AES_256_GCM.key_octets, &key);
    if (err == KF_OK)
        err = kf_aead_seal(&KF_AES_256_GCM, kf_secret_view(key), nonce, head, content, out);
    kf_secret_free(&key);
    if (err != KF_OK)
        out->len = start;
    return err;
}

kf_err kf_container_open(kf_container_kind kind, kf_slice passphrase, kf_slice octets,
                         kf_secret **out, kf_fault *fault)
{
    kf_container c;
    kf_secret *key = NULL;

    *out = NULL;
    kf_err err = kf_container_parse(octets, &c, fault);
    if (err != KF_OK)
        return err;
    if (c.kind != kind)
        return kf_fault_set(fault, KF_E_STATE, MAGIC_OCTETS + 1, "container.kind");
    err = kf_scrypt(passphrase, c.salt, c.cost, KF_AES_256_GCM.key_octets, &key);
    if (err == KF_OK)
        err = kf_aead_open(&KF_AES_256_GCM, kf_secret_view(key), c.nonce, c.head, c.sealed, out);
    kf_secret_free(&key);
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, c.head.len, "container.sealed");
}

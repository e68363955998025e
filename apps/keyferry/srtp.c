#include "srtp.h"

#include <string.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "mikey/mikey.h"

static kf_err fingerprint(srtp_keys *keys)
{
    uint8_t digest[KF_SHA256_OCTETS];
    const kf_slice parts[] = { kf_slice_str("keyferry srtp fingerprint 1"),
                               kf_secret_view(keys->key), kf_secret_view(keys->salt) };
    kf_err err = kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), digest);
    if (err == KF_OK)
        memcpy(keys->fingerprint, digest, sizeof keys->fingerprint);
    return err;
}

kf_err srtp_keys_derive(const kf_secret *tgk, uint32_t csb_id, uint8_t cs_id, kf_slice rand,
                        srtp_keys *out)
{
    *out = (srtp_keys){ .csb_id = csb_id, .cs_id = cs_id };
    kf_err err =
        mikey_derive(tgk, MIKEY_DERIVE_TEK, cs_id, csb_id, rand, SRTP_KEY_OCTETS, &out->key);
    if (err == KF_OK)
        err =
            mikey_derive(tgk, MIKEY_DERIVE_SALT, cs_id, csb_id, rand, SRTP_SALT_OCTETS, &out->salt);
    if (err == KF_OK)
        err = fingerprint(out);
    if (err != KF_OK)
        srtp_keys_clear(out);
    return err;
}

void srtp_keys_clear(srtp_keys *keys)
{
    kf_secret_free(&keys->key);
    kf_secret_free(&keys->salt);
    memset(keys, 0, sizeof *keys);
}

void srtp_keys_print(const out_sink *o, const srtp_keys *keys, bool reveal)
{
    out_line(o, "srtp", "CS ID %u, CSB ID %08x", keys->cs_id, (unsigned)keys->csb_id);
    out_hex_line(o, "  fingerprint", KF_SLICE_OF(keys->fingerprint));
    if (reveal) {
        out_hex_line(o, "  master key", kf_secret_view(keys->key));
        out_hex_line(o, "  master salt", kf_secret_view(keys->salt));
    }
}

json_t *srtp_keys_json(const srtp_keys *keys, bool reveal)
{
    json_t *json = json_pack("{s:i, s:o, s:o}", "cs_id", (int)keys->cs_id, "csb_id",
                             json_sprintf("%08x", (unsigned)keys->csb_id), "fingerprint",
                             out_json_hex(KF_SLICE_OF(keys->fingerprint)));
    if (json != NULL && reveal) {
        json_object_set_new(json, "master_key", out_json_hex(kf_secret_view(keys->key)));
        json_object_set_new(json, "master_salt", out_json_hex(kf_secret_view(keys->salt)));
    }
    return json;
}

#include "crypto/keywrap.h"

#include "crypto/cipher.h"

/* OpenSSL writes up to two blocks past the length it reports, hence the room. */
#define WORK_OCTETS (KF_KEYWRAP_MAX + 32u)

/* One call of the wrap cipher. @return octets written to out, or 0. */
static size_t wrap_once(kf_keywrap_form form, bool seal, kf_slice kek, kf_slice in, uint8_t *out)
{
    int n = 0;
    aes_mode mode = form == KF_KEYWRAP_PLAIN ? AES_MODE_KW : AES_MODE_KWP;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        return 0;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool ok = EVP_CipherInit_ex(ctx, aes_cipher(mode, kek.len), NULL, kek.ptr, NULL, seal) == 1 &&
              EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok && n > 0 ? (size_t)n : 0;
}

static bool key_fits(kf_keywrap_form form, kf_slice key)
{
    if (key.len == 0 || key.len > KF_KEYWRAP_MAX)
        return false;
    return form == KF_KEYWRAP_PADDED || (key.len % 8 == 0 && key.len >= 16);
}

kf_err kf_keywrap_seal(kf_keywrap_form form, kf_slice kek, kf_slice key, kf_writer *out)
{
    uint8_t work[WORK_OCTETS];
    if (aes_cipher(AES_MODE_KW, kek.len) == NULL || !key_fits(form, key))
        return KF_E_MALFORMED;
    size_t n = wrap_once(form, true, kek, key, work);
    if (n == 0)
        return KF_E_BACKEND;
    kf_write_octets(out, work, n);
    return out->err;
}

kf_err kf_keywrap_open(kf_keywrap_form form, kf_slice kek, kf_slice wrapped, kf_secret **out)
{
    kf_secret *work = NULL;
    kf_err err;

    *out = NULL;
    size_t least = form == KF_KEYWRAP_PLAIN ? 24 : 16;
    if (aes_cipher(AES_MODE_KW, kek.len) == NULL || wrapped.len % 8 != 0 || wrapped.len < least ||
        wrapped.len > KF_KEYWRAP_MAX + 8)
        return KF_E_MALFORMED;
    if ((err = kf_secret_new(WORK_OCTETS, &work)) != KF_OK)
        return err;
    size_t n = wrap_once(form, false, kek, wrapped, kf_secret_edit(work));
    err = n == 0 ? KF_E_AUTH : kf_secret_new_copy(kf_slice_part(kf_secret_view(work), 0, n), out);
    kf_secret_free(&work);
    return err;
}

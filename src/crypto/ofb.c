#include "crypto/ofb.h"

#include "base/secret.h"
#include "crypto/cipher.h"

kf_err kf_aes_ofb(kf_slice key, kf_slice iv, kf_slice in, kf_writer *out)
{
    int n = 0;
    const EVP_CIPHER *cipher = aes_cipher(AES_MODE_OFB, key.len);

    if (cipher == NULL || iv.len != 16 || !aes_fits(in))
        return KF_E_MALFORMED;
    size_t mark = out->len;
    uint8_t *to = kf_write_space(out, in.len);
    if (in.len == 0 || to == NULL)
        return out->err;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_EncryptInit_ex(ctx, cipher, NULL, key.ptr, iv.ptr) == 1 &&
              EVP_EncryptUpdate(ctx, to, &n, in.ptr, (int)in.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        return KF_OK;
    kf_wipe(to, in.len);
    out->len = mark;
    return KF_E_BACKEND;
}

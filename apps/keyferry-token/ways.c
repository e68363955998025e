#include "ways.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/random.h"

#define CHECK_OCTETS 16u
#define IV_MAX       16u
#define BOX_MAX      128u /* the longest of all ways is 16 + 64 */
#define GCM_TAG_BITS 128u

typedef struct way {
    uint8_t id;
    CK_MECHANISM_TYPE mechanism;
    bool wraps; /* C_WrapKey, not C_Encrypt */
    size_t iv_octets, check_octets;
} way;

static const way ways[] = {
    { 1, CKM_AES_KEY_WRAP, true, 0, 0 },
    { 2, CKM_AES_KEY_WRAP_PAD, true, 0, 0 },
    { 3, CKM_AES_GCM, false, 12, 0 },
    { 4, CKM_AES_CBC, false, 16, CHECK_OCTETS },
    { 5, CKM_AES_CBC_PAD, false, 16, CHECK_OCTETS },
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* Does the token say that it can? */
static bool token_has(p11 *p, const way *v)
{
    CK_MECHANISM_INFO info;
    CK_FLAGS need = v->wraps ? CKF_WRAP | CKF_UNWRAP : CKF_ENCRYPT | CKF_DECRYPT;
    return p->f->C_GetMechanismInfo(p->slot, v->mechanism, &info) == CKR_OK &&
           (info.flags & need) == need;
}

/* May the key be used that way? A token that does not say is asked by trying. */
static bool key_may(p11 *p, CK_OBJECT_HANDLE key, const way *v)
{
    CK_BBOOL may = CK_TRUE;
    CK_ATTRIBUTE fact = { v->wraps ? CKA_WRAP : CKA_ENCRYPT, &may, sizeof may };
    return p->f->C_GetAttributeValue(p->session, key, &fact, 1) != CKR_OK || may;
}

typedef struct params {
    CK_MECHANISM mechanism;
    CK_GCM_PARAMS gcm;
    uint8_t iv[IV_MAX];
} params;

static void params_init(params *a, const way *v, kf_slice iv)
{
    memset(a, 0, sizeof *a);
    if (iv.len > 0)
        memcpy(a->iv, iv.ptr, iv.len);
    a->mechanism.mechanism = v->mechanism;
    if (v->mechanism == CKM_AES_GCM) {
        a->gcm = (CK_GCM_PARAMS){
            .iv_ptr = a->iv, .iv_len = iv.len, .iv_bits = 8 * iv.len, .tag_bits = GCM_TAG_BITS
        };
        a->mechanism.pParameter = &a->gcm;
        a->mechanism.ulParameterLen = sizeof a->gcm;
    } else if (iv.len > 0) {
        a->mechanism.pParameter = a->iv;
        a->mechanism.ulParameterLen = iv.len;
    }
}

static kf_err check_octets(kf_slice secret, uint8_t out[KF_SHA256_OCTETS])
{
    kf_slice parts[] = { kf_slice_str("keyferry-token"), secret };
    return kf_hash_parts(&KF_SHA256, parts, KF_COUNT(parts), out);
}

/* The secret as an object of this session, for as long as it takes to wrap it. */
static CK_RV wrap_object(p11 *p, CK_OBJECT_HANDLE key, params *a, kf_secret *plain, uint8_t *out,
                         CK_ULONG *len)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE what[] = {
        { CKA_CLASS, &class, sizeof class },
        { CKA_KEY_TYPE, &type, sizeof type },
        { CKA_TOKEN, &no, sizeof no },
        { CKA_PRIVATE, &yes, sizeof yes },
        { CKA_SENSITIVE, &no, sizeof no },
        { CKA_EXTRACTABLE, &yes, sizeof yes },
        { CKA_VALUE, kf_secret_edit(plain), kf_secret_len(plain) },
    };
    CK_RV rv = p->f->C_CreateObject(p->session, what, KF_COUNT(what), &object);
    if (rv != CKR_OK)
        return rv;
    rv = p->f->C_WrapKey(p->session, &a->mechanism, key, object, out, len);
    CK_RV gone = p->f->C_DestroyObject(p->session, object);
    return rv == CKR_OK ? gone : rv;
}

static CK_RV wrap_in(p11 *p, CK_OBJECT_HANDLE key, const way *v, const kf_secret *secret,
                     kf_writer *out)
{
    uint8_t iv[IV_MAX], check[KF_SHA256_OCTETS], box[BOX_MAX];
    CK_ULONG len = sizeof box;
    kf_secret *plain = NULL;
    params a;

    if (kf_rng_fill(kf_random(), iv, sizeof iv) != KF_OK ||
        check_octets(kf_secret_view(secret), check) != KF_OK ||
        kf_secret_new(kf_secret_len(secret) + v->check_octets, &plain) != KF_OK)
        return CKR_HOST_MEMORY;
    kf_writer w = kf_writer_init(kf_secret_edit(plain), kf_secret_len(plain));
    kf_write_slice(&w, kf_secret_view(secret));
    kf_write_octets(&w, check, v->check_octets);
    params_init(&a, v, (kf_slice){ iv, v->iv_octets });
    CK_RV rv;
    if (v->wraps) {
        rv = wrap_object(p, key, &a, plain, box, &len);
    } else {
        rv = p->f->C_EncryptInit(p->session, &a.mechanism, key);
        if (rv == CKR_OK)
            rv =
                p->f->C_Encrypt(p->session, kf_secret_edit(plain), kf_secret_len(plain), box, &len);
    }
    kf_secret_free(&plain);
    kf_wipe(check, sizeof check);
    if (rv != CKR_OK || len > sizeof box)
        return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
    kf_write_u8(out, v->id);
    kf_write_octets(out, iv, v->iv_octets);
    kf_write_octets(out, box, len);
    return out->err == KF_OK ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

CK_RV ways_wrap(p11 *p, CK_OBJECT_HANDLE key, const kf_secret *secret, kf_writer *out)
{
    CK_RV rv = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < KF_COUNT(ways); i++) {
        if (!token_has(p, &ways[i]) || !key_may(p, key, &ways[i]))
            continue;
        rv = wrap_in(p, key, &ways[i], secret, out);
        p->rv = rv;
        if (rv == CKR_OK || p11_state(p) != SEAL_TOKEN_REFUSED)
            return rv;
    }
    return rv;
}

static CK_RV unwrap_object(p11 *p, CK_OBJECT_HANDLE key, params *a, kf_slice box, uint8_t *out,
                           CK_ULONG *len)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE object = 0;
    uint8_t in[BOX_MAX];
    CK_ATTRIBUTE what[] = {
        { CKA_CLASS, &class, sizeof class }, { CKA_KEY_TYPE, &type, sizeof type },
        { CKA_TOKEN, &no, sizeof no },       { CKA_PRIVATE, &yes, sizeof yes },
        { CKA_SENSITIVE, &no, sizeof no },   { CKA_EXTRACTABLE, &yes, sizeof yes },
    };
    memcpy(in, box.ptr, box.len);
    CK_RV rv = p->f->C_UnwrapKey(p->session, &a->mechanism, key, in, box.len, what, KF_COUNT(what),
                                 &object);
    if (rv != CKR_OK)
        return rv;
    CK_ATTRIBUTE value = { CKA_VALUE, out, *len };
    rv = p->f->C_GetAttributeValue(p->session, object, &value, 1);
    *len = value.ulValueLen;
    CK_RV gone = p->f->C_DestroyObject(p->session, object);
    return rv == CKR_OK ? gone : rv;
}

/* Right length, and the check octets where the way has them? Then it is the secret. */
static CK_RV take_plain(const way *v, kf_slice plain, kf_secret **out)
{
    uint8_t check[KF_SHA256_OCTETS];
    kf_slice secret = kf_slice_part(plain, 0, TOKEN_SECRET_OCTETS);
    kf_slice rest = kf_slice_part(plain, TOKEN_SECRET_OCTETS, plain.len);

    if (plain.len != TOKEN_SECRET_OCTETS + v->check_octets)
        return CKR_ENCRYPTED_DATA_INVALID;
    if (check_octets(secret, check) != KF_OK)
        return CKR_HOST_MEMORY;
    bool fits = kf_ct_equal(rest, (kf_slice){ check, v->check_octets });
    kf_wipe(check, sizeof check);
    if (!fits)
        return CKR_ENCRYPTED_DATA_INVALID;
    return kf_secret_new_copy(secret, out) == KF_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV unwrap_in(p11 *p, CK_OBJECT_HANDLE key, const way *v, kf_slice wrapped,
                       kf_secret **out)
{
    kf_slice iv = kf_slice_part(wrapped, 1, v->iv_octets);
    kf_slice box = kf_slice_part(wrapped, 1 + v->iv_octets, wrapped.len);
    uint8_t in[BOX_MAX];
    CK_ULONG len = BOX_MAX;
    kf_secret *plain = NULL;
    params a;
    CK_RV rv;

    if (iv.len != v->iv_octets || box.len < TOKEN_SECRET_OCTETS || box.len > BOX_MAX)
        return CKR_ENCRYPTED_DATA_INVALID;
    if (kf_secret_new(BOX_MAX, &plain) != KF_OK)
        return CKR_HOST_MEMORY;
    params_init(&a, v, iv);
    if (v->wraps) {
        rv = unwrap_object(p, key, &a, box, kf_secret_edit(plain), &len);
    } else {
        memcpy(in, box.ptr, box.len); /* the module takes no const */
        rv = p->f->C_DecryptInit(p->session, &a.mechanism, key);
        if (rv == CKR_OK)
            rv = p->f->C_Decrypt(p->session, in, box.len, kf_secret_edit(plain), &len);
    }
    if (rv == CKR_OK)
        rv = len > BOX_MAX ? CKR_GENERAL_ERROR
                           : take_plain(v, kf_slice_part(kf_secret_view(plain), 0, len), out);
    kf_secret_free(&plain);
    return rv;
}

CK_RV ways_unwrap(p11 *p, CK_OBJECT_HANDLE key, kf_slice wrapped, kf_secret **out)
{
    *out = NULL;
    for (size_t i = 0; i < KF_COUNT(ways); i++)
        if (wrapped.len > 0 && wrapped.ptr[0] == ways[i].id)
            return unwrap_in(p, key, &ways[i], wrapped, out);
    return CKR_ENCRYPTED_DATA_INVALID;
}

static bool round_trip(p11 *p, CK_OBJECT_HANDLE key)
{
    uint8_t buf[1 + IV_MAX + BOX_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    kf_secret *secret = NULL, *back = NULL;

    if (kf_secret_new_random(kf_random(), TOKEN_SECRET_OCTETS, &secret) != KF_OK)
        return false;
    CK_RV rv = ways_wrap(p, key, secret, &w);
    if (rv == CKR_OK)
        rv = ways_unwrap(p, key, kf_writer_slice(&w), &back);
    bool same = rv == CKR_OK && kf_secret_equal(secret, back);
    if (rv != CKR_OK)
        p->rv = rv;
    kf_secret_free(&back);
    kf_secret_free(&secret);
    return same;
}

bool ways_work(p11 *p, CK_OBJECT_HANDLE key)
{
    CK_RV before = p->rv;
    bool works = round_trip(p, key);
    p->rv = before;
    return works;
}

static CK_RV generate(p11 *p, const way *v, CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG octets = 32;
    char label[256];
    size_t len = strnlen(p->options.key, sizeof label);

    memcpy(label, p->options.key, len);
    CK_BBOOL *wraps = v->wraps ? &yes : &no, *encrypts = v->wraps ? &no : &yes;
    CK_ATTRIBUTE what[] = {
        { CKA_CLASS, &class, sizeof class },
        { CKA_KEY_TYPE, &type, sizeof type },
        { CKA_VALUE_LEN, &octets, sizeof octets },
        { CKA_LABEL, label, len },
        { CKA_TOKEN, &yes, sizeof yes },
        { CKA_PRIVATE, &yes, sizeof yes },
        { CKA_SENSITIVE, &yes, sizeof yes },
        { CKA_EXTRACTABLE, &no, sizeof no },
        { CKA_WRAP, wraps, sizeof *wraps },
        { CKA_UNWRAP, wraps, sizeof *wraps },
        { CKA_ENCRYPT, encrypts, sizeof *encrypts },
        { CKA_DECRYPT, encrypts, sizeof *encrypts },
    };
    return p->f->C_GenerateKey(p->session, &mechanism, what, KF_COUNT(what), key);
}

CK_RV ways_make_key(p11 *p)
{
    CK_RV rv = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < KF_COUNT(ways); i++) {
        CK_OBJECT_HANDLE key = 0;
        if (!token_has(p, &ways[i]))
            continue;
        rv = p->rv = generate(p, &ways[i], &key);
        if (rv == CKR_OK && round_trip(p, key))
            return CKR_OK;
        if (rv == CKR_OK) {
            (void)p->f->C_DestroyObject(p->session, key);
            rv = p->rv == CKR_OK ? CKR_GENERAL_ERROR : p->rv;
        }
        if (p11_state(p) != SEAL_TOKEN_REFUSED)
            break;
    }
    return rv;
}

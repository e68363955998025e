#include "keyfill/ekc.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/text.h"
#include "keyfill/ekc_inner.h"
#include "keyfill/gzip.h"
#include "keyfill/xml.h"

#define XENC          "http://www.w3.org/2001/04/xmlenc#"
#define LENGTH_OCTETS 4u
#define SALT_OCTETS   32u
#define SALT_LEAST    8u
#define KEY_OCTETS    32u
#define BLOCK         16u
#define OUTER_OCTETS  1024u /* more than the outer XML has beside the ciphertext */

enum {
    ROOT,
    DERIVATION,
    ALGORITHM,
    HASH,
    SALT,
    ITERATIONS,
    KEY_LENGTH,
    ENCRYPTED,
    METHOD,
    CIPHER,
    VALUE,
    NODE_COUNT,
};

static const keyfill_xml_node nodes[NODE_COUNT] = {
    [ROOT] = { "OuterContainer", NULL, KEYFILL_XML_ROOT, false, false, true, "version",
               "OuterContainer" },
    [DERIVATION] = { "KeyDerivation", NULL, ROOT, false, false, true, NULL, "KeyDerivation" },
    [ALGORITHM] = { "DerivationAlgorithm", NULL, DERIVATION, true, false, true, NULL,
                    "DerivationAlgorithm" },
    [HASH] = { "HashAlgorithm", NULL, DERIVATION, true, false, true, NULL, "HashAlgorithm" },
    [SALT] = { "Salt", NULL, DERIVATION, true, false, true, NULL, "Salt" },
    [ITERATIONS] = { "IterationCount", NULL, DERIVATION, true, false, true, NULL,
                     "IterationCount" },
    [KEY_LENGTH] = { "KeyLength", NULL, DERIVATION, true, false, true, NULL, "KeyLength" },
    [ENCRYPTED] = { "EncryptedData", XENC, ROOT, false, false, true, "Type", "EncryptedData" },
    [METHOD] = { "EncryptionMethod", XENC, ENCRYPTED, false, false, true, "Algorithm",
                 "EncryptionMethod" },
    [CIPHER] = { "CipherData", XENC, ENCRYPTED, false, false, true, NULL, "CipherData" },
    [VALUE] = { "CipherValue", XENC, CIPHER, true, false, true, NULL, "CipherValue" },
};

/* What the outer XML says. */
typedef struct outer {
    keyfill_ekc_outer says;
    uint32_t iterations_max;
    uint8_t *sealed; /* IV and ciphertext */
} outer;

/* ---- the outer XML ---- */

static kf_err expect(kf_slice text, const char *want)
{
    return kf_slice_equal(text, kf_slice_str(want)) ? KF_OK : KF_E_UNSUPPORTED;
}

static kf_err read_salt(outer *o, kf_slice text)
{
    kf_writer w = kf_writer_init(o->says.salt, sizeof o->says.salt);
    kf_err err = kf_base64_read(text, &w);
    o->says.salt_octets = w.len;
    return err == KF_OK && w.len < SALT_LEAST ? KF_E_MALFORMED : err;
}

/* A count of zero derives nothing, a huge one is an attack on our time. */
static kf_err read_iterations(outer *o, kf_slice text)
{
    uint64_t count = 0;
    if (kf_decimal_read(text, &count) != KF_OK || count == 0)
        return KF_E_MALFORMED;
    if (count > o->iterations_max)
        return KF_E_NO_SPACE;
    o->says.iterations = (uint32_t)count;
    return KF_OK;
}

/* Base64, with line breaks allowed. */
static kf_err read_sealed(outer *o, kf_slice text)
{
    uint8_t *digits = malloc(text.len + 1);
    size_t count = 0;
    o->sealed = malloc(text.len + 1);
    if (digits == NULL || o->sealed == NULL) {
        free(digits);
        return KF_E_NO_MEMORY;
    }
    for (size_t i = 0; i < text.len; i++)
        if (strchr(" \t\r\n", text.ptr[i]) == NULL)
            digits[count++] = text.ptr[i];
    kf_writer w = kf_writer_init(o->sealed, text.len);
    kf_err err = kf_base64_read((kf_slice){ digits, count }, &w);
    free(digits);
    o->says.sealed_octets = w.len;
    /* an IV, and at least the block with the padding */
    return err == KF_OK && (w.len < 2 * BLOCK || w.len % BLOCK != 0) ? KF_E_MALFORMED : err;
}

static kf_err on_text(void *ctx, size_t node, kf_slice text)
{
    switch (node) {
    case ALGORITHM:
        return expect(text, "PBKDF2");
    case HASH:
        return expect(text, "SHA512");
    case SALT:
        return read_salt(ctx, text);
    case ITERATIONS:
        return read_iterations(ctx, text);
    case KEY_LENGTH:
        return expect(text, "32");
    default:
        return read_sealed(ctx, text);
    }
}

static kf_err on_attribute(void *ctx, size_t node, kf_slice value)
{
    outer *o = ctx;
    switch (node) {
    case ROOT:
        return keyfill_ekc_version_is_1(value, &o->says.minor) ? KF_OK : KF_E_UNSUPPORTED;
    case ENCRYPTED:
        return expect(value, XENC "Element");
    default:
        return expect(value, XENC "aes256-cbc");
    }
}

static kf_err read_outer(kf_slice document, outer *o, kf_fault *fault)
{
    keyfill_xml_visitor visitor = { .nodes = nodes,
                                    .node_count = NODE_COUNT,
                                    .on_attribute = on_attribute,
                                    .on_text = on_text,
                                    .ctx = o,
                                    .text_max = KEYFILL_EKC_XML_MAX };
    return keyfill_xml_parse(document, KEYFILL_EKC_XML_MAX, &visitor, fault);
}

/* ---- the file around it ---- */

static kf_err unpack(kf_slice octets, uint8_t **xml, size_t *len, kf_fault *fault)
{
    kf_reader r = kf_reader_init(octets, fault);
    uint8_t head[LENGTH_OCTETS];
    kf_read_octets(&r, head, sizeof head, "ekc.length");
    kf_slice packed = kf_read_rest(&r, "ekc.gzip");
    if (!kf_reader_ok(&r))
        return fault->code;
    *len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (*len == 0)
        return kf_fault_set(fault, KF_E_MALFORMED, 0, "ekc.length");
    if (*len > KEYFILL_EKC_XML_MAX)
        return kf_fault_set(fault, KF_E_NO_SPACE, 0, "ekc.length");
    if (packed.len > 0 && *len / packed.len >= KEYFILL_EKC_RATIO_MAX)
        return kf_fault_set(fault, KF_E_NO_SPACE, 0, "ekc.ratio");
    *xml = malloc(*len);
    if (*xml == NULL)
        return kf_fault_set(fault, KF_E_NO_MEMORY, 0, "ekc.length");
    kf_err err = keyfill_gunzip(packed, *xml, *len);
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, LENGTH_OCTETS, "ekc.gzip");
}

/* ---- cryptography ---- */

static kf_err derive(kf_slice password, kf_slice salt, uint32_t iterations, kf_secret **key)
{
    if (password.len > INT_MAX || iterations == 0 || iterations > INT_MAX)
        return KF_E_MALFORMED;
    kf_err err = kf_secret_new(KEY_OCTETS, key);
    if (err == KF_OK && PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len, salt.ptr,
                                          (int)salt.len, (int)iterations, EVP_sha512(),
                                          (int)KEY_OCTETS, kf_secret_edit(*key)) != 1)
        err = KF_E_BACKEND;
    if (err != KF_OK)
        kf_secret_free(key);
    return err;
}

/* AES-256-CBC of whole blocks, without padding; in and out may be the same. */
static kf_err cbc(bool is_seal, const kf_secret *key, const uint8_t *iv, kf_slice in, uint8_t *out)
{
    int n = 0, rest = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx != NULL && in.len <= INT_MAX &&
                EVP_CipherInit_ex2(ctx, EVP_aes_256_cbc(), kf_secret_view(key).ptr, iv, is_seal,
                                   NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1 &&
                EVP_CipherFinal_ex(ctx, out + n, &rest) == 1 && (size_t)(n + rest) == in.len;
    EVP_CIPHER_CTX_free(ctx);
    return done ? KF_OK : KF_E_BACKEND;
}

/* Octets before the padding, 0 when the last octet is no count of it. */
static size_t clear_octets(kf_slice padded)
{
    size_t pad = padded.ptr[padded.len - 1];
    return pad == 0 || pad > BLOCK ? 0 : padded.len - pad;
}

static kf_err open_sealed(const outer *o, kf_slice password, kf_secret **clear, kf_fault *fault)
{
    kf_secret *key = NULL;
    kf_slice sealed = { o->sealed + BLOCK, o->says.sealed_octets - BLOCK };
    kf_err err =
        derive(password, (kf_slice){ o->says.salt, o->says.salt_octets }, o->says.iterations, &key);
    if (err == KF_OK)
        err = kf_secret_new_guarded(sealed.len, clear);
    if (err == KF_OK)
        err = cbc(false, key, o->sealed, sealed, kf_secret_edit(*clear));
    kf_secret_free(&key);
    return err == KF_OK ? KF_OK : kf_fault_set(fault, err, LENGTH_OCTETS, "ekc.password");
}

/* The format has no check value: what does not begin like XML is taken for a wrong password. */
static bool looks_clear(kf_slice clear)
{
    static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
    size_t at = kf_slice_equal(kf_slice_part(clear, 0, sizeof bom), KF_SLICE_OF(bom)) ? 3 : 0;
    return kf_slice_equal(kf_slice_part(clear, at, 2), kf_slice_str("<I")) ||
           kf_slice_equal(kf_slice_part(clear, at, 2), kf_slice_str("<?"));
}

static kf_err read_sealed_keys(const outer *o, kf_slice password, keyfill_file *out,
                               keyfill_findings *findings, kf_fault *fault)
{
    kf_secret *padded = NULL;
    kf_err err = open_sealed(o, password, &padded, fault);
    if (err == KF_OK) {
        kf_slice clear = kf_secret_view(padded);
        clear.len = clear_octets(clear);
        if (looks_clear(clear))
            err = keyfill_ekc_inner_read(clear, KEYFILL_EKC_XML_MAX, out, findings, fault);
        else
            err = kf_fault_set(fault, KF_E_AUTH, LENGTH_OCTETS, "ekc.password");
    }
    kf_secret_free(&padded);
    return err;
}

/* Caller frees o->sealed, also on failure. */
static kf_err read_clear_parts(kf_slice octets, outer *o, kf_fault *fault)
{
    uint8_t *xml = NULL;
    size_t len = 0;
    kf_err err = unpack(octets, &xml, &len, fault);
    if (err == KF_OK)
        err = read_outer((kf_slice){ xml, len }, o, fault);
    free(xml);
    return err;
}

kf_err keyfill_ekc_read_outer(kf_slice octets, keyfill_ekc_outer *out, kf_fault *fault)
{
    outer o = { .iterations_max = KEYFILL_EKC_ITERATIONS_MAX };
    o.says.kdf = "PBKDF2";
    o.says.hash = "SHA-512";
    o.says.cipher = "AES-256-CBC";
    kf_err err = read_clear_parts(octets, &o, fault);
    free(o.sealed);
    *out = err == KF_OK ? o.says : (keyfill_ekc_outer){ 0 };
    return err;
}

kf_err keyfill_ekc_read(kf_slice octets, kf_slice password, uint32_t iterations_max,
                        keyfill_file *out, keyfill_findings *findings, kf_fault *fault)
{
    outer o = { .iterations_max = iterations_max };
    size_t found = findings->count;

    memset(out, 0, sizeof *out);
    kf_err err = read_clear_parts(octets, &o, fault);
    if (err == KF_OK) {
        err =
            keyfill_findings_add(findings, (keyfill_finding){ KEYFILL_NO_INTEGRITY, KEYFILL_NOWHERE,
                                                              KEYFILL_NOWHERE, 0, NULL });
        if (err != KF_OK)
            kf_fault_set(fault, err, 0, "ekc");
        else
            err = read_sealed_keys(&o, password, out, findings, fault);
    }
    free(o.sealed);
    if (err != KF_OK)
        findings->count = found;
    return err;
}

/* ---- out ---- */

static size_t padded_max(const keyfill_file *file)
{
    return keyfill_ekc_inner_octets_max(file) + BLOCK;
}

static size_t outer_max(const keyfill_file *file)
{
    return OUTER_OCTETS + KF_BASE64_CHARS(BLOCK + padded_max(file));
}

size_t keyfill_ekc_octets_max(const keyfill_file *file)
{
    return LENGTH_OCTETS + keyfill_gzip_max(outer_max(file));
}

/* The clear XML with its padding: random octets, and their count last. */
static kf_err pad_inner(const keyfill_file *file, const kf_rng *rng, kf_writer *w)
{
    keyfill_ekc_inner_write(w, file);
    size_t pad = BLOCK - w->len % BLOCK;
    uint8_t *at = kf_write_space(w, pad);
    if (at == NULL)
        return w->err;
    kf_err err = kf_rng_fill(rng, at, pad - 1);
    at[pad - 1] = (uint8_t)pad;
    return err;
}

static void put(kf_writer *w, const char *text)
{
    kf_write_slice(w, kf_slice_str(text));
}

static void write_outer(kf_writer *w, kf_slice salt, uint32_t iterations, kf_slice sealed)
{
    char count[16];
    snprintf(count, sizeof count, "%u", (unsigned)iterations);
    put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OuterContainer version=\"1.0\">"
           "<KeyDerivation><DerivationAlgorithm>PBKDF2</DerivationAlgorithm>"
           "<HashAlgorithm>SHA512</HashAlgorithm><Salt>");
    kf_base64_write(w, salt);
    put(w, "</Salt><IterationCount>");
    put(w, count);
    put(w, "</IterationCount><KeyLength>32</KeyLength></KeyDerivation>"
           "<EncryptedData Type=\"" XENC "Element\" xmlns=\"" XENC "\">"
           "<EncryptionMethod Algorithm=\"" XENC "aes256-cbc\" /><CipherData><CipherValue>");
    kf_base64_write(w, sealed);
    put(w, "</CipherValue></CipherData></EncryptedData></OuterContainer>");
}

static kf_err pack(kf_slice xml, kf_writer *out)
{
    size_t start = out->len;
    if (xml.len > KEYFILL_EKC_XML_MAX)
        return KF_E_NO_SPACE;
    for (unsigned i = 0; i < LENGTH_OCTETS; i++)
        kf_write_u8(out, (uint8_t)(xml.len >> 8 * i));
    kf_err err = out->err == KF_OK ? keyfill_gzip(xml, out) : out->err;
    if (err != KF_OK)
        out->len = start;
    return err;
}

/* Encrypt the padded XML in place and write everything. sealed has an IV in front of it. */
static kf_err seal(const keyfill_file *file, kf_slice password, uint32_t iterations,
                   const kf_rng *rng, kf_secret *sealed, kf_writer *out)
{
    uint8_t salt[SALT_OCTETS];
    kf_secret *key = NULL;
    uint8_t *xml = NULL;
    uint8_t *iv = kf_secret_edit(sealed);
    kf_writer padded = kf_writer_init(iv + BLOCK, kf_secret_len(sealed) - BLOCK);
    kf_err err;

    if ((err = kf_rng_fill(rng, salt, sizeof salt)) != KF_OK ||
        (err = kf_rng_fill(rng, iv, BLOCK)) != KF_OK ||
        (err = pad_inner(file, rng, &padded)) != KF_OK ||
        (err = derive(password, KF_SLICE_OF(salt), iterations, &key)) != KF_OK)
        goto done;
    if ((err = cbc(true, key, iv, (kf_slice){ padded.buf, padded.len }, padded.buf)) != KF_OK)
        goto done;
    err = KF_E_NO_MEMORY;
    if ((xml = malloc(outer_max(file))) == NULL)
        goto done;
    kf_writer w = kf_writer_init(xml, outer_max(file));
    write_outer(&w, KF_SLICE_OF(salt), iterations, (kf_slice){ iv, BLOCK + padded.len });
    err = w.err == KF_OK ? pack(kf_writer_slice(&w), out) : w.err;
done:
    free(xml);
    kf_secret_free(&key);
    return err;
}

static kf_err report_lost(const keyfill_file *file, keyfill_findings *findings)
{
    kf_err err = KF_OK;
    for (size_t i = 0; i < file->entry_count && err == KF_OK; i++)
        if (file->entries[i].has_rsi)
            err = keyfill_findings_add(findings,
                                       (keyfill_finding){ KEYFILL_RSI_LOST, i, KEYFILL_NOWHERE,
                                                          file->entries[i].id, NULL });
    return err;
}

kf_err keyfill_ekc_write(const keyfill_file *file, kf_slice password, uint32_t iterations,
                         const kf_rng *rng, keyfill_findings *findings, kf_writer *out)
{
    kf_secret *sealed = NULL;
    size_t start = out->len;
    if (iterations == 0 || iterations > KEYFILL_EKC_ITERATIONS_MAX)
        return KF_E_MALFORMED;
    kf_err err = kf_secret_new_guarded(BLOCK + padded_max(file), &sealed);
    if (err == KF_OK)
        err = seal(file, password, iterations, rng, sealed, out);
    kf_secret_free(&sealed);
    if (err == KF_OK)
        err = report_lost(file, findings);
    if (err != KF_OK)
        out->len = start;
    return err;
}

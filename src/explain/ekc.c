/* KFDtool's key container, as far as it can be read without the password. */
#include <string.h>

#include "explain/run.h"
#include "keyfill/ekc.h"
#include "keyfill/gzip.h"

/* What the document says of how its key is made, in its order. */
static const struct {
    const char *open, *close, *field;
} elements[] = {
    { "<DerivationAlgorithm>", "</DerivationAlgorithm>", "ekc.derivation" },
    { "<HashAlgorithm>", "</HashAlgorithm>", "ekc.hash" },
    { "<Salt>", "</Salt>", "ekc.salt" },
    { "<IterationCount>", "</IterationCount>", "ekc.iterations" },
    { "<KeyLength>", "</KeyLength>", "ekc.key_length" },
};

/* Where a text is at or after from; xml.len when it is nowhere. */
static size_t find(kf_slice xml, size_t from, const char *text)
{
    const uint8_t *at = memmem(xml.ptr + from, xml.len - from, text, strlen(text));
    return at == NULL ? xml.len : (size_t)(at - xml.ptr);
}

static kf_err outer_xml(run *r, kf_slice xml)
{
    size_t from = 0;
    run_layer(r, "Outer XML of the container", "keyfill/ekc.h", 1, 0, true, xml);
    for (size_t i = 0; i < KF_COUNT(elements); i++) {
        size_t at = find(xml, from, elements[i].open);
        size_t end = at == xml.len ? at : find(xml, at, elements[i].close);
        if (end == xml.len)
            return kf_fault_set(r->fault, KF_E_MALFORMED, from, elements[i].field);
        at += strlen(elements[i].open);
        if (end > at)
            r->trace.field(&r->trace, elements[i].field, at, kf_slice_part(xml, at, end - at));
        from = end;
    }
    return KF_OK;
}

kf_err run_ekc(run *r, kf_slice octets)
{
    run_layer(r, "KFDtool key container (.ekc)", "keyfill/ekc.h", 0, 0, false, octets);
    kf_reader reader = run_listen(r, octets);
    kf_slice length = kf_read_slice(&reader, 4, "ekc.length");
    kf_slice packed = kf_read_rest(&reader, "ekc.gzip");
    if (!kf_reader_ok(&reader))
        return r->fault->code;
    size_t len = (size_t)length.ptr[0] | (size_t)length.ptr[1] << 8 | (size_t)length.ptr[2] << 16 |
                 (size_t)length.ptr[3] << 24;
    if (len == 0)
        return kf_fault_set(r->fault, KF_E_MALFORMED, 0, "ekc.length");
    if (len > KEYFILL_EKC_XML_MAX || len > KEYFILL_EKC_RATIO_MAX * packed.len)
        return kf_fault_set(r->fault, KF_E_NO_SPACE, 0, "ekc.length");
    kf_secret *xml = NULL;
    kf_err err = kf_secret_new(len, &xml);
    if (err == KF_OK)
        err = keyfill_gunzip(packed, kf_secret_edit(xml), len);
    if (err != KF_OK)
        kf_fault_set(r->fault, err, 4, "ekc.gzip");
    else
        err = outer_xml(r, kf_secret_view(xml));
    if (err == KF_OK) {
        run_note(r, "keys inside are encrypted with AES-256-CBC under a password");
        run_note(r, "nothing protects the file against alteration: whoever can write to it can "
                    "change keys without the password");
    }
    kf_secret_free(&xml);
    return err;
}

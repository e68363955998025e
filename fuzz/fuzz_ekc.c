/*
 * KFDtool containers, both layers: an input that begins with "<" is an InnerContainer, any other a
 * whole file, opened under the password of the seeds if it asks for few iterations. Oracle: what is
 * accepted and in range is written and reads back the same; a refusal leaves nothing.
 */
#include <stdlib.h>

#include "keyfill/ekc.h"
#include "keyfill/ekc_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define ITERATIONS 4u
#define FILE_MAX   (1u << 22)

static uint8_t buf[FILE_MAX];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static kf_err zeros(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        out[i] = 0;
    return KF_OK;
}

static void write_and_read(const keyfill_file *file)
{
    static const kf_rng rng = { zeros, NULL };
    keyfill_file again;
    keyfill_findings findings = { 0 };
    kf_fault fault;
    kf_slice password = kf_slice_str("seed");
    kf_writer w = kf_writer_init(buf, sizeof buf);
    must(keyfill_ekc_octets_max(file) <= sizeof buf);
    kf_err err = keyfill_ekc_write(file, password, ITERATIONS, &rng, &findings, &w);
    if (err != KF_E_NO_SPACE) { /* base64 may push a document near the cap over it */
        must(err == KF_OK);
        must(keyfill_ekc_read(kf_writer_slice(&w), password, ITERATIONS, &again, &findings,
                              &fault) == KF_OK);
        must(keyfill_file_equal(file, &again));
        keyfill_file_clear(&again);
    }
    keyfill_findings_clear(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice octets = { in, len };
    keyfill_file file;
    keyfill_findings findings = { 0 };
    kf_fault fault = { KF_OK, 0, NULL };
    kf_err err =
        len > 0 && in[0] == '<'
            ? keyfill_ekc_inner_read(octets, KEYFILL_EKC_XML_MAX, &file, &findings, &fault)
            : keyfill_ekc_read(octets, kf_slice_str("seed"), ITERATIONS, &file, &findings, &fault);
    must(err == fault.code);
    if (err != KF_OK) {
        must(fault.field != NULL && fault.at <= KEYFILL_EKC_XML_MAX);
        must(file.entry_count == 0 && file.entries == NULL && file.groups == NULL);
    } else {
        bool in_range = true;
        for (size_t i = 0; i < file.entry_count; i++)
            in_range &= keyfill_entry_is_in_range(&file.entries[i]);
        if (in_range)
            write_and_read(&file);
    }
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&file);
    return 0;
}

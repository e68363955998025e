/*
 * Keys as CSV. Oracle: a refusal has a place inside the file and a sentence; what is accepted has
 * the warning, passes through the checks, and, when every entry is in range, through our own
 * container's inside unchanged.
 */
#include <stdlib.h>

#include "keyfill/box.h"
#include "keyfill/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define BOX_MAX (1u << 20)

static uint8_t box[BOX_MAX];

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

static void through_the_box(const keyfill_file *file)
{
    static const kf_rng rng = { zeros, NULL };
    static const kf_scrypt_cost cost = { 1, 1, 1 };
    keyfill_file again;
    kf_fault fault;
    kf_writer w = kf_writer_init(box, sizeof box);
    must(keyfill_box_seal(file, kf_slice_str("seed"), cost, &rng, &w) == KF_OK);
    must(keyfill_box_open(kf_writer_slice(&w), kf_slice_str("seed"), &again, &fault) == KF_OK);
    must(keyfill_file_equal(file, &again));
    keyfill_file_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    keyfill_file file;
    keyfill_findings findings = { 0 };
    keyfill_csv_fault fault;
    kf_err err = keyfill_csv_read((kf_slice){ in, len }, &file, &findings, &fault);
    if (err != KF_OK) {
        must(fault.fault.code == err && fault.fault.field != NULL && fault.why != NULL);
        must(fault.fault.at <= len && fault.column <= len + 1);
        must(file.entry_count == 0 && file.entries == NULL && findings.count == 0);
        return 0;
    }
    must(keyfill_findings_count(&findings, KEYFILL_CLEAR_KEYS) == 1);
    must(keyfill_check(&file, &findings) == KF_OK);
    bool in_range = true;
    for (size_t i = 0; i < file.entry_count; i++)
        in_range &= keyfill_entry_is_in_range(&file.entries[i]);
    if (in_range)
        through_the_box(&file);
    keyfill_findings_clear(&findings);
    keyfill_file_clear(&file);
    return 0;
}

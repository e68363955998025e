/*
 * KMS documents. Oracle: what is accepted can be written, reads back to the same values, and its
 * second writing equals the first; a refusal has a code, a literal and a place inside the document.
 */
#include <stdlib.h>

#include "kms/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_and_read(const kms_response *response)
{
    kms_response again;
    kf_secret *one = NULL, *two = NULL;
    kf_fault fault;
    kf_err err = kms_response_write(response, &one, &fault);
    if (err == KF_E_NO_MEMORY)
        return;
    /* Escapes and indentation may push a document near the cap over it. */
    if (err == KF_E_MALFORMED &&
        kf_slice_equal(kf_slice_str(fault.field), kf_slice_str("xml.size")))
        return;
    must(err == KF_OK);
    must(kms_response_parse(kf_secret_view(one), &again, &fault) == KF_OK);
    must(kms_response_equal(response, &again));
    must(kms_response_write(&again, &two, &fault) == KF_OK);
    must(kf_secret_equal(one, two));
    kms_response_clear(&again);
    kf_secret_free(&one);
    kf_secret_free(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kms_response response;
    kf_fault fault;
    kf_err err = kms_response_parse((kf_slice){ in, len }, &response, &fault);
    if (err != KF_OK) {
        must(fault.code == err && fault.field != NULL && fault.at <= len);
        must(response.store == NULL && response.certs == NULL && response.keysets == NULL);
        return 0;
    }
    write_and_read(&response);
    kms_response_clear(&response);
    return 0;
}

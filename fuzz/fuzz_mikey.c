/*
 * I_MESSAGE. Oracle: the fields of an accepted message cover every octet exactly once, and its
 * canonical re-encoding is accepted and means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "mikey/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void compare(const mikey_message *a, const mikey_message *b)
{
    same(a->csb_id == b->csb_id && a->ntp == b->ntp && a->map_type == b->map_type);
    same(a->session_count == b->session_count && a->sp_count == b->sp_count);
    for (size_t i = 0; i < a->session_count; i++)
        same(a->sessions[i].cs_id == b->sessions[i].cs_id &&
             kf_slice_equal(a->sessions[i].data, b->sessions[i].data) &&
             kf_slice_equal(a->sessions[i].spi, b->sessions[i].spi));
    for (size_t i = 0; i < a->sp_count; i++)
        same(a->sp[i].policy_no == b->sp[i].policy_no && a->sp[i].count == b->sp[i].count);
    for (size_t i = 0; i <= MIKEY_ROLE_MAX; i++)
        same(a->idr[i].type == b->idr[i].type && kf_slice_equal(a->idr[i].id, b->idr[i].id));
    same(kf_slice_equal(a->rand, b->rand) && kf_slice_equal(a->sakke.sed, b->sakke.sed));
    same(kf_slice_equal(a->to_self.sed, b->to_self.sed));
    same(kf_slice_equal(a->key_params, b->key_params));
    same(kf_slice_equal(a->signature, b->signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    mikey_message m, back;
    kf_fault fault;
    cover c = { { add }, 0 };
    if (mikey_message_parse((kf_slice){ in, len }, &c.trace, &m, &fault) != KF_OK) {
        same(fault.code != KF_OK && fault.field != NULL && fault.at <= len);
        return 0;
    }
    same(c.next == len);
    uint8_t *again = malloc(len + 1); /* skipped extensions make it shorter, nothing longer */
    if (again == NULL)
        return 0;
    kf_writer w = kf_writer_init(again, len);
    mikey_message_encode_unsigned(&m, &w);
    kf_write_slice(&w, m.signature);
    same(w.err == KF_OK);
    same(mikey_message_parse(kf_writer_slice(&w), NULL, &back, &fault) == KF_OK);
    compare(&m, &back);
    free(again);
    return 0;
}

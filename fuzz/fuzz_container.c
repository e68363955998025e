/*
 * Sealed containers. Oracle: the clear header, written again from what was read, is the same octets
 * and the parts cover the whole; opening one whose cost is small, under the passphrase of the
 * seeds, gives content of the right length or a fault.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#define LOG2_N_MAX 4u /* dearer ones would only make the fuzzer slow */
#define TAG_OCTETS 16u

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_header(const kf_container *c, kf_slice octets)
{
    uint8_t head[KF_CONTAINER_OVERHEAD];
    kf_writer w = kf_writer_init(head, sizeof head);
    kf_write_slice(&w, kf_slice_str("KFSEALED"));
    kf_write_u8(&w, 1);
    kf_write_u8(&w, (uint8_t)c->kind);
    kf_write_u8(&w, c->cost.log2_n);
    kf_write_u8(&w, c->cost.r);
    kf_write_u8(&w, c->cost.p);
    kf_write_slice(&w, c->salt);
    kf_write_slice(&w, c->nonce);
    kf_write_u32(&w, (uint32_t)c->sealed.len);
    must(w.err == KF_OK);
    must(kf_slice_equal(kf_writer_slice(&w), c->head));
    must(c->head.ptr == octets.ptr && c->head.len + c->sealed.len == octets.len);
    must(c->sealed.ptr == octets.ptr + c->head.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice octets = { in, len };
    kf_container c;
    kf_fault fault;
    kf_secret *content = NULL;
    kf_err err = kf_container_parse(octets, &c, &fault);
    if (err != KF_OK) {
        must(fault.code == err && fault.field != NULL && fault.at <= len);
        return 0;
    }
    check_header(&c, octets);
    if (c.cost.log2_n > LOG2_N_MAX)
        return 0;
    err = kf_container_open(c.kind, kf_slice_str("seed"), octets, &content, &fault);
    must(err == fault.code && (err == KF_OK) == (content != NULL));
    if (err == KF_OK)
        must(kf_secret_len(content) + TAG_OCTETS == c.sealed.len);
    kf_secret_free(&content);
    return 0;
}

/* Values of the vault protocol. Oracle: what parses is built again as the same octets. */
#include "cover.h"

#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice octets = { in, len }, again;
    wire_tree *tree = NULL;
    wire_builder *b = NULL;
    kf_fault fault;
    kf_err err = wire_tree_parse(octets, &tree, &fault);
    same(err == fault.code && (err == KF_OK) == (tree != NULL));
    if (err != KF_OK) {
        same(fault.field != NULL && fault.at <= len);
        return 0;
    }
    same(wire_builder_new(&b) == KF_OK);
    wire_put_value(b, NULL, wire_tree_root(tree));
    same(wire_builder_done(b, &again) == KF_OK && kf_slice_equal(again, octets));
    wire_builder_free(&b);
    wire_tree_free(&tree);
    return 0;
}

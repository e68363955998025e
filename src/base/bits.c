#include "base/bits.h"

kf_bits kf_bits_init(kf_slice octets, kf_fault *fault)
{
    return (kf_bits){ octets, 0, fault };
}

uint64_t kf_bits_take(kf_bits *b, unsigned count, const char *field)
{
    if (b->fault->code != KF_OK)
        return 0;
    if (count > 64 || count > b->octets.len * 8 - b->at) {
        kf_fault_set(b->fault, KF_E_TRUNCATED, b->at / 8, field);
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++, b->at++)
        value = value << 1 | ((uint64_t)b->octets.ptr[b->at / 8] >> (7 - b->at % 8) & 1u);
    return value;
}

kf_err kf_bits_end(kf_bits *b, const char *field)
{
    if (b->at != b->octets.len * 8)
        kf_fault_set(b->fault, KF_E_TRAILING, b->at / 8, field);
    return b->fault->code;
}

kf_bit_writer kf_bit_writer_init(uint8_t *buf, size_t cap)
{
    return (kf_bit_writer){ buf, cap, 0, KF_OK };
}

void kf_bits_put(kf_bit_writer *w, unsigned count, uint64_t value)
{
    if (w->err != KF_OK)
        return;
    if (count > 64 || count > w->cap * 8 - w->at) {
        w->err = KF_E_NO_SPACE;
        return;
    }
    for (unsigned i = count; i-- > 0; w->at++)
        w->buf[w->at / 8] = (uint8_t)(w->buf[w->at / 8] | ((value >> i & 1u) << (7 - w->at % 8)));
}

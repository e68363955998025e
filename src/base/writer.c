#include "base/writer.h"

#include <string.h>

kf_writer kf_writer_init(uint8_t *buf, size_t cap)
{
    return (kf_writer){ buf, cap, 0, KF_OK };
}

void kf_writer_fail(kf_writer *w, kf_err code)
{
    if (w->err == KF_OK)
        w->err = code;
}

kf_slice kf_writer_slice(const kf_writer *w)
{
    if (w->err != KF_OK)
        return (kf_slice){ NULL, 0 };
    return (kf_slice){ w->buf, w->len };
}

uint8_t *kf_write_space(kf_writer *w, size_t len)
{
    if (w->err != KF_OK)
        return NULL;
    if (len > w->cap - w->len) {
        kf_writer_fail(w, KF_E_NO_SPACE);
        return NULL;
    }
    uint8_t *at = w->buf + w->len;
    w->len += len;
    return at;
}

void kf_write_octets(kf_writer *w, const uint8_t *octets, size_t len)
{
    if (len == 0)
        return;
    uint8_t *at = kf_write_space(w, len);
    if (at != NULL)
        memcpy(at, octets, len);
}

void kf_write_slice(kf_writer *w, kf_slice octets)
{
    kf_write_octets(w, octets.ptr, octets.len);
}

static void put_integer(uint8_t *at, uint64_t value, size_t len)
{
    for (size_t i = len; i-- > 0; value >>= 8)
        at[i] = (uint8_t)(value & 0xffu);
}

static void write_integer(kf_writer *w, uint64_t value, size_t len)
{
    uint8_t *at = kf_write_space(w, len);
    if (at != NULL)
        put_integer(at, value, len);
}

void kf_write_u8(kf_writer *w, uint8_t value)
{
    write_integer(w, value, 1);
}

void kf_write_u16(kf_writer *w, uint16_t value)
{
    write_integer(w, value, 2);
}

void kf_write_u24(kf_writer *w, uint32_t value)
{
    write_integer(w, value, 3);
}

void kf_write_u32(kf_writer *w, uint32_t value)
{
    write_integer(w, value, 4);
}

void kf_write_u40(kf_writer *w, uint64_t value)
{
    write_integer(w, value, 5);
}

void kf_write_u64(kf_writer *w, uint64_t value)
{
    write_integer(w, value, 8);
}

size_t kf_write_len16_begin(kf_writer *w)
{
    size_t mark = w->len;
    kf_write_u16(w, 0);
    return mark;
}

void kf_write_len16_end(kf_writer *w, size_t mark)
{
    if (w->err != KF_OK)
        return;
    size_t len = w->len - mark - 2;
    if (len > UINT16_MAX)
        kf_writer_fail(w, KF_E_NO_SPACE);
    else
        put_integer(w->buf + mark, len, 2);
}

#include "base/reader.h"

#include <string.h>

kf_reader kf_reader_init(kf_slice msg, kf_fault *fault)
{
    *fault = (kf_fault){ KF_OK, 0, NULL };
    return (kf_reader){ msg.ptr, 0, msg.len, fault, NULL };
}

void kf_reader_fail(kf_reader *r, kf_err code, const char *field)
{
    kf_fault_set(r->fault, code, r->off, field);
}

void kf_reader_fail_at(kf_reader *r, size_t at, kf_err code, const char *field)
{
    kf_fault_set(r->fault, code, at, field);
}

bool kf_reader_ok(const kf_reader *r)
{
    return r->fault->code == KF_OK;
}

bool kf_reader_more(const kf_reader *r)
{
    return kf_reader_ok(r) && r->off < r->end;
}

size_t kf_reader_left(const kf_reader *r)
{
    return kf_reader_ok(r) ? r->end - r->off : 0;
}

/* The octets without telling the trace: the caller tells it what they are. */
static kf_slice take(kf_reader *r, size_t len, const char *field)
{
    if (!kf_reader_ok(r) || len == 0)
        return (kf_slice){ NULL, 0 };
    if (len > r->end - r->off) { /* compare lengths; never form a pointer past the end */
        kf_reader_fail(r, KF_E_TRUNCATED, field);
        return (kf_slice){ NULL, 0 };
    }
    kf_slice s = { r->msg + r->off, len };
    r->off += len;
    return s;
}

static void tell(const kf_reader *r, const char *field, kf_slice s)
{
    if (r->trace != NULL && s.len > 0)
        r->trace->field(r->trace, field, r->off - s.len, s);
}

kf_slice kf_read_slice(kf_reader *r, size_t len, const char *field)
{
    kf_slice s = take(r, len, field);
    tell(r, field, s);
    return s;
}

kf_slice kf_read_rest(kf_reader *r, const char *field)
{
    return kf_read_slice(r, kf_reader_left(r), field);
}

void kf_read_octets(kf_reader *r, uint8_t *out, size_t len, const char *field)
{
    kf_slice s = kf_read_slice(r, len, field);
    if (s.len == len && len > 0)
        memcpy(out, s.ptr, len);
    else
        memset(out, 0, len);
}

static uint64_t read_integer(kf_reader *r, size_t len, const char *field)
{
    kf_slice s = kf_read_slice(r, len, field);
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++)
        value = value << 8 | s.ptr[i];
    return value;
}

uint8_t kf_read_u8(kf_reader *r, const char *field)
{
    return (uint8_t)read_integer(r, 1, field);
}

uint16_t kf_read_u16(kf_reader *r, const char *field)
{
    return (uint16_t)read_integer(r, 2, field);
}

uint32_t kf_read_u24(kf_reader *r, const char *field)
{
    return (uint32_t)read_integer(r, 3, field);
}

uint32_t kf_read_u32(kf_reader *r, const char *field)
{
    return (uint32_t)read_integer(r, 4, field);
}

uint64_t kf_read_u40(kf_reader *r, const char *field)
{
    return read_integer(r, 5, field);
}

uint64_t kf_read_u64(kf_reader *r, const char *field)
{
    return read_integer(r, 8, field);
}

kf_reader kf_read_sub(kf_reader *r, size_t len, const char *field)
{
    kf_reader sub = { r->msg, r->off, r->off, r->fault, r->trace };
    sub.end += take(r, len, field).len;
    return sub;
}

void kf_reader_close(kf_reader *sub, const char *field)
{
    if (sub->off != sub->end)
        kf_reader_fail(sub, KF_E_TRAILING, field);
}

kf_err kf_reader_end(kf_reader *r, const char *field)
{
    kf_reader_close(r, field);
    return r->fault->code;
}

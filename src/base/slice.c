#include "base/slice.h"

#include <string.h>

kf_slice kf_slice_str(const char *text)
{
    kf_slice s = { NULL, strlen(text) };
    s.ptr = (const uint8_t *)text;
    return s;
}

bool kf_slice_equal(kf_slice a, kf_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool kf_ct_equal(kf_slice a, kf_slice b)
{
    if (a.len != b.len)
        return false;
    uint8_t diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff = (uint8_t)(diff | (a.ptr[i] ^ b.ptr[i]));
    return diff == 0;
}

kf_slice kf_slice_part(kf_slice s, size_t off, size_t len)
{
    if (off >= s.len)
        return (kf_slice){ NULL, 0 };
    size_t left = s.len - off;
    return (kf_slice){ s.ptr + off, len < left ? len : left };
}

#include "explain/escape.h"

/* The code point and length of a well-formed UTF-8 sequence; length 0 when it is not one.
 * spec: RFC 3629 §4 - shortest form only, no surrogates, at most U+10FFFF. */
static size_t decode(kf_slice s, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (s.len == 0)
        return 0;
    uint8_t lead = s.ptr[0];
    size_t len = lead < 0x80u             ? 1
                 : (lead & 0xe0u) == 0xc0 ? 2
                 : (lead & 0xf0u) == 0xe0 ? 3
                 : (lead & 0xf8u) == 0xf0 ? 4
                                          : 0;
    if (len == 0 || len > s.len)
        return 0;
    uint32_t v = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xc0u) != 0x80)
            return 0;
        v = v << 6 | (s.ptr[i] & 0x3fu);
    }
    *point = v;
    return v < least[len] || v > 0x10ffffu || (v >= 0xd800u && v <= 0xdfffu) ? 0 : len;
}

/* Characters that a terminal or a reader may act on instead of showing them. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0xfeff ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || (c >= 0xe0000 && c <= 0xe007f) ||
           (c >= 0xfff0 && c <= 0xffff);
}

size_t explain_character(kf_slice text)
{
    uint32_t c = 0;
    size_t len = decode(text, &c);
    return len > 0 && is_unsafe(c) ? 0 : len;
}

void explain_escape(kf_slice text, size_t max, kf_writer *w)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = w->len;

    for (size_t i = 0; i < text.len;) {
        kf_slice rest = { text.ptr + i, text.len - i };
        size_t len = explain_character(rest);
        bool slash = text.ptr[i] == '\\';
        if (w->len - start + 4 + 3 > max) { /* the longest piece, and room for the dots */
            kf_write_slice(w, kf_slice_str("..."));
            return;
        }
        if (len == 0) {
            uint8_t code[] = { '\\', 'x', (uint8_t)hex[text.ptr[i] >> 4],
                               (uint8_t)hex[text.ptr[i] & 0xfu] };
            kf_write_slice(w, KF_SLICE_OF(code));
        } else {
            if (slash)
                kf_write_u8(w, '\\');
            kf_write_octets(w, rest.ptr, len);
        }
        i += len == 0 ? 1 : len;
    }
}

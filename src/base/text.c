#include "base/text.h"

/* 0xff when a <= c <= b, else 0; no branch on c. */
static unsigned in_range(unsigned c, unsigned a, unsigned b)
{
    return ((a - 1 - c) & (c - b - 1)) >> 8 & 0xffu;
}

static uint8_t hex_digit(unsigned v)
{
    return (uint8_t)('0' + v + (in_range(v, 10, 15) & ('a' - '0' - 10)));
}

/* The value of a digit; *bad collects a bit above 8 for anything else. */
static unsigned hex_value(unsigned c, unsigned *bad)
{
    unsigned dec = in_range(c, '0', '9'), low = in_range(c, 'a', 'f'), up = in_range(c, 'A', 'F');
    *bad |= (dec | low | up) ^ 0xffu;
    return (dec & (c - '0')) | (low & (c - 'a' + 10)) | (up & (c - 'A' + 10));
}

void kf_hex_write(kf_writer *w, kf_slice octets)
{
    uint8_t *to = kf_write_space(w, octets.len * 2);
    if (to == NULL)
        return;
    for (size_t i = 0; i < octets.len; i++) {
        to[2 * i] = hex_digit(octets.ptr[i] >> 4);
        to[2 * i + 1] = hex_digit(octets.ptr[i] & 0xfu);
    }
}

kf_err kf_hex_read(kf_slice text, kf_writer *w)
{
    unsigned bad = 0;
    size_t mark = w->len;

    if (text.len % 2 != 0)
        return KF_E_MALFORMED;
    uint8_t *to = kf_write_space(w, text.len / 2);
    if (to == NULL)
        return w->err;
    for (size_t i = 0; i < text.len / 2; i++) {
        unsigned high = hex_value(text.ptr[2 * i], &bad);
        to[i] = (uint8_t)(high << 4 | hex_value(text.ptr[2 * i + 1], &bad));
    }
    if (bad != 0) {
        w->len = mark;
        return KF_E_MALFORMED;
    }
    return KF_OK;
}

static uint8_t base64_digit(unsigned v)
{
    return (uint8_t)((in_range(v, 0, 25) & (v + 'A')) | (in_range(v, 26, 51) & (v - 26 + 'a')) |
                     (in_range(v, 52, 61) & (v - 52 + '0')) | (in_range(v, 62, 62) & '+') |
                     (in_range(v, 63, 63) & '/'));
}

static unsigned base64_value(unsigned c, unsigned *bad)
{
    unsigned up = in_range(c, 'A', 'Z'), low = in_range(c, 'a', 'z'), dec = in_range(c, '0', '9');
    unsigned plus = in_range(c, '+', '+'), slash = in_range(c, '/', '/');
    *bad |= (up | low | dec | plus | slash) ^ 0xffu;
    return (up & (c - 'A')) | (low & (c - 'a' + 26)) | (dec & (c - '0' + 52)) | (plus & 62u) |
           (slash & 63u);
}

void kf_base64_write(kf_writer *w, kf_slice octets)
{
    uint8_t *to = kf_write_space(w, KF_BASE64_CHARS(octets.len));
    if (to == NULL)
        return;
    for (size_t i = 0; i < octets.len; i += 3, to += 4) {
        size_t n = octets.len - i < 3 ? octets.len - i : 3;
        unsigned v = (unsigned)octets.ptr[i] << 16;
        v |= n > 1 ? (unsigned)octets.ptr[i + 1] << 8 : 0;
        v |= n > 2 ? (unsigned)octets.ptr[i + 2] : 0;
        to[0] = base64_digit(v >> 18);
        to[1] = base64_digit(v >> 12 & 63u);
        to[2] = n > 1 ? base64_digit(v >> 6 & 63u) : '=';
        to[3] = n > 2 ? base64_digit(v & 63u) : '=';
    }
}

kf_err kf_base64_read(kf_slice text, kf_writer *w)
{
    unsigned bad = 0;
    size_t mark = w->len;

    if (text.len % 4 != 0)
        return KF_E_MALFORMED;
    size_t pad = 0;
    if (text.len > 0 && text.ptr[text.len - 1] == '=')
        pad = text.ptr[text.len - 2] == '=' ? 2 : 1;
    uint8_t *to = kf_write_space(w, text.len / 4 * 3 - pad);
    if (to == NULL)
        return w->err;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t digits = i + 4 == text.len ? 4 - pad : 4;
        unsigned v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 6 | (k < digits ? base64_value(text.ptr[i + k], &bad) : 0);
        for (size_t k = 0; k + 1 < digits; k++)
            *to++ = (uint8_t)(v >> (16 - 8 * k) & 0xffu);
        if (digits < 4 && (v & (digits == 3 ? 0xffu : 0xffffu)) != 0)
            bad |= 1; /* spec: RFC 4648 §3.5 - unused bits are zero */
    }
    if (bad != 0) {
        w->len = mark;
        return KF_E_MALFORMED;
    }
    return KF_OK;
}

kf_err kf_decimal_read(kf_slice text, uint64_t *out)
{
    uint64_t value = 0;

    *out = 0;
    if (text.len == 0)
        return KF_E_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return KF_E_MALFORMED;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return KF_E_MALFORMED;
        value = value * 10 + digit;
    }
    *out = value;
    return KF_OK;
}

bool kf_text_is_uri(kf_slice text, size_t most)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= most;
}

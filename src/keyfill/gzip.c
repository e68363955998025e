#include "keyfill/gzip.h"

#define ZLIB_CONST
#include <limits.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* zlib: largest window, and a gzip header */
#define GZIP_HEAD   18u       /* header and trailer */
#define MEMORY      8         /* zlib's default */

static kf_err gunzip_result(int result, const z_stream *z)
{
    switch (result) {
    case Z_STREAM_END:
        if (z->avail_out != 0)
            return KF_E_MALFORMED;
        return z->avail_in == 0 ? KF_OK : KF_E_TRAILING;
    case Z_OK:
    case Z_BUF_ERROR: /* it wants what it cannot have: input, or room beyond what was declared */
        return z->avail_in == 0 ? KF_E_TRUNCATED : KF_E_MALFORMED;
    case Z_MEM_ERROR:
        return KF_E_NO_MEMORY;
    default:
        return KF_E_MALFORMED;
    }
}

kf_err keyfill_gunzip(kf_slice packed, uint8_t *out, size_t len)
{
    z_stream z = { 0 };
    if (packed.len > UINT_MAX || len > UINT_MAX)
        return KF_E_NO_MEMORY;
    if (packed.len == 0)
        return KF_E_TRUNCATED;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return KF_E_NO_MEMORY;
    z.next_in = packed.ptr;
    z.avail_in = (uInt)packed.len;
    z.next_out = out;
    z.avail_out = (uInt)len;
    kf_err err = gunzip_result(inflate(&z, Z_FINISH), &z);
    inflateEnd(&z);
    return err;
}

size_t keyfill_gzip_max(size_t len)
{
    return compressBound(len) + GZIP_HEAD;
}

kf_err keyfill_gzip(kf_slice octets, kf_writer *out)
{
    z_stream z = { 0 };
    size_t room = out->cap - out->len;
    if (octets.len > UINT_MAX)
        return KF_E_NO_SPACE;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return KF_E_NO_MEMORY;
    z.next_in = octets.ptr;
    z.avail_in = (uInt)octets.len;
    z.next_out = out->buf + out->len;
    z.avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
    int result = deflate(&z, Z_FINISH);
    if (result == Z_STREAM_END)
        out->len += z.total_out;
    else
        kf_writer_fail(out, KF_E_NO_SPACE);
    deflateEnd(&z);
    return out->err;
}

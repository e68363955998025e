/* Elements that several bodies share: facts 1.7.4, 1.7.6. */
#include "p25/kmm_body.h"

#define KEYSET_KEK         0x80u
#define KEYSET_RESERVED    0x40u
#define KEYSET_ACTIVATION  0x20u
#define KEYSET_UNCLEAR     0x10u /* conflict C3: a fifth bit of the name length, or not */
#define KEYSET_NAME_OCTETS 0x0fu

void p25_expect(kf_reader *r, bool ok, size_t len, kf_err code, const char *field)
{
    if (kf_reader_ok(r) && !ok)
        kf_reader_fail_at(r, r->off - len, code, field);
}

void p25_require(kf_writer *w, bool ok)
{
    if (!ok)
        kf_writer_fail(w, KF_E_MALFORMED);
}

uint8_t p25_count_u8(kf_reader *r, size_t max, const char *field)
{
    uint8_t count = kf_read_u8(r, field);
    p25_expect(r, count <= max, 1, KF_E_UNSUPPORTED, field);
    return kf_reader_ok(r) ? count : 0;
}

uint8_t p25_count_u16(kf_reader *r, size_t max, const char *field)
{
    uint16_t count = kf_read_u16(r, field);
    p25_expect(r, count <= max && count <= UINT8_MAX, 2, KF_E_UNSUPPORTED, field);
    return kf_reader_ok(r) ? (uint8_t)count : 0;
}

void p25_rsi_encode(kf_writer *w, uint32_t rsi)
{
    p25_require(w, rsi <= 0xffffffu);
    kf_write_u24(w, rsi & 0xffffffu);
}

bool p25_date_time_is_valid(const p25_date_time *t)
{
    static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (t->year < 2000 || t->year > 2127 || t->month < 1 || t->month > 12)
        return false;
    /* In the range of the field, 2100 is the one year that a plain rule of four gets wrong. */
    bool is_leap = t->year % 4 == 0 && t->year != 2100;
    unsigned last = t->month == 2 && !is_leap ? 28u : days[t->month - 1];
    return t->day >= 1 && t->day <= last && t->hour <= 23 && t->minute <= 59 && t->second <= 59;
}

/* Month(4) day(5) year(7); hour(5) minute(6) second(6) zero(7). */
void p25_date_time_decode(kf_reader *r, p25_date_time *t)
{
    uint16_t date = kf_read_u16(r, "DATE_TIME.date");
    uint32_t time = kf_read_u24(r, "DATE_TIME.time");
    p25_expect(r, (time & 0x7fu) == 0, 3, KF_E_MALFORMED, "DATE_TIME.time");
    t->month = (uint8_t)(date >> 12);
    t->day = (uint8_t)(date >> 7 & 0x1fu);
    t->year = (uint16_t)(2000 + (date & 0x7fu));
    t->hour = (uint8_t)(time >> 19);
    t->minute = (uint8_t)(time >> 13 & 0x3fu);
    t->second = (uint8_t)(time >> 7 & 0x3fu);
}

void p25_date_time_encode(const p25_date_time *t, kf_writer *w)
{
    p25_require(w, t->year >= 2000 && t->year <= 2127 && t->month <= 15 && t->day <= 31);
    p25_require(w, t->hour <= 31 && t->minute <= 63 && t->second <= 63);
    kf_write_u16(w,
                 (uint16_t)((t->month << 12 | t->day << 7 | ((t->year - 2000) & 0x7f)) & 0xffff));
    kf_write_u24(w,
                 ((uint32_t)t->hour << 19 | (uint32_t)t->minute << 13 | (uint32_t)t->second << 7) &
                     0xffffffu);
}

void p25_tag_format_decode(kf_reader *r, p25_keyset_tag *t, size_t *name_octets)
{
    uint8_t format = kf_read_u8(r, "KEYSET.format");
    p25_expect(r, (format & KEYSET_UNCLEAR) == 0, 1, KF_E_UNSUPPORTED, "KEYSET.format");
    t->is_kek = (format & KEYSET_KEK) != 0;
    t->has_reserved = (format & KEYSET_RESERVED) != 0;
    t->has_activation = (format & KEYSET_ACTIVATION) != 0;
    *name_octets = format & KEYSET_NAME_OCTETS;
}

void p25_tag_format_encode(const p25_keyset_tag *t, kf_writer *w)
{
    p25_require(w, t->name.len <= P25_KEYSET_NAME_OCTETS_MAX);
    kf_write_u8(w,
                (uint8_t)((t->is_kek ? KEYSET_KEK : 0) | (t->has_reserved ? KEYSET_RESERVED : 0) |
                          (t->has_activation ? KEYSET_ACTIVATION : 0) |
                          (t->name.len & KEYSET_NAME_OCTETS)));
}

void p25_tag_options_decode(kf_reader *r, p25_keyset_tag *t)
{
    if (t->has_reserved)
        kf_read_octets(r, t->reserved, sizeof t->reserved, "KEYSET.reserved");
    if (t->has_activation)
        p25_date_time_decode(r, &t->activation);
}

void p25_tag_options_encode(const p25_keyset_tag *t, kf_writer *w)
{
    if (t->has_reserved)
        kf_write_octets(w, t->reserved, sizeof t->reserved);
    if (t->has_activation)
        p25_date_time_encode(&t->activation, w);
}

void p25_tags_decode(kf_reader *r, uint8_t count, p25_keyset_tags *tags)
{
    tags->count = count;
    for (size_t i = 0; kf_reader_ok(r) && i < count; i++) {
        p25_keyset_tag *t = &tags->tags[i];
        size_t name_octets = 0;
        p25_tag_format_decode(r, t, &name_octets);
        t->keyset = kf_read_u8(r, "KEYSET.id");
        p25_expect(r, kf_read_u8(r, "KEYSET.zero") == 0, 1, KF_E_MALFORMED, "KEYSET.zero");
        p25_tag_options_decode(r, t);
        t->name = kf_read_slice(r, name_octets, "KEYSET.name");
    }
}

void p25_tags_encode(const p25_keyset_tags *tags, kf_writer *w)
{
    for (size_t i = 0; i < tags->count; i++) {
        const p25_keyset_tag *t = &tags->tags[i];
        p25_tag_format_encode(t, w);
        kf_write_u8(w, t->keyset);
        kf_write_u8(w, 0);
        p25_tag_options_encode(t, w);
        kf_write_slice(w, t->name);
    }
}

#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

#define DAY INT64_C(86400)

int64_t kf_time_to_ntp(kf_time t)
{
    return t + KF_NTP_UNIX_OFFSET;
}

kf_time kf_time_from_ntp(int64_t ntp_seconds)
{
    return ntp_seconds - KF_NTP_UNIX_OFFSET;
}

kf_time kf_time_unfold_ntp32(uint32_t ntp_seconds, kf_time near)
{
    int64_t ref = kf_time_to_ntp(near);
    uint32_t ahead = ntp_seconds - (uint32_t)((uint64_t)ref & UINT32_MAX);
    int64_t step =
        ahead < UINT32_C(0x80000000) ? (int64_t)ahead : (int64_t)ahead - (INT64_C(1) << 32);
    return kf_time_from_ntp(ref + step);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; months count from March so
 * that the leap day is the last of the year. */
static int64_t days_from_date(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static void date_from_days(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    *d = in_year - (153 * month + 2) / 5 + 1;
    *m = month < 10 ? month + 3 : month - 9;
    *y = year + era * 400 + (*m <= 2);
}

void kf_time_format(kf_time t, char *text)
{
    int64_t days = t / DAY, left = t % DAY, y = 0, m = 0, d = 0;
    if (left < 0) {
        left += DAY;
        days--;
    }
    if (days < days_from_date(0, 1, 1) || days > days_from_date(9999, 12, 31)) {
        snprintf(text, KF_TIME_TEXT_OCTETS, "%lld", (long long)t); /* RFC 3339 has no form for it */
        return;
    }
    date_from_days(days, &y, &m, &d);
    snprintf(text, KF_TIME_TEXT_OCTETS, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)y,
             (long long)m, (long long)d, (long long)(left / 3600), (long long)(left / 60 % 60),
             (long long)(left % 60));
}

/* count digits at *at as a number from low to high; -1 and *ok = false otherwise. */
static int64_t digits(kf_slice s, size_t *at, size_t count, int64_t low, int64_t high, bool *ok)
{
    int64_t v = 0;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (*at >= s.len || s.ptr[*at] < '0' || s.ptr[*at] > '9') {
            *ok = false;
            return -1;
        }
        v = v * 10 + (s.ptr[*at] - '0');
    }
    *ok = *ok && v >= low && v <= high;
    return v;
}

static void mark(kf_slice s, size_t *at, char c, bool *ok)
{
    *ok = *ok && *at < s.len && s.ptr[*at] == (uint8_t)c;
    (*at)++;
}

static int64_t month_days(int64_t y, int64_t m)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
}

static int64_t zone_offset(kf_slice s, size_t *at, bool *ok)
{
    if (*at < s.len && s.ptr[*at] == 'Z') {
        (*at)++;
        return 0;
    }
    if (*at >= s.len || (s.ptr[*at] != '+' && s.ptr[*at] != '-')) {
        *ok = false;
        return 0;
    }
    int64_t sign = s.ptr[(*at)++] == '-' ? -1 : 1;
    int64_t h = digits(s, at, 2, 0, 23, ok);
    mark(s, at, ':', ok);
    return sign * (h * 3600 + digits(s, at, 2, 0, 59, ok) * 60);
}

static kf_err parse_date(kf_slice s, kf_time *out)
{
    bool ok = true;
    size_t at = 0;
    int64_t y = digits(s, &at, 4, 0, 9999, &ok);
    mark(s, &at, '-', &ok);
    int64_t m = digits(s, &at, 2, 1, 12, &ok);
    mark(s, &at, '-', &ok);
    int64_t d = digits(s, &at, 2, 1, 31, &ok);
    mark(s, &at, 'T', &ok);
    int64_t hour = digits(s, &at, 2, 0, 23, &ok);
    mark(s, &at, ':', &ok);
    int64_t minute = digits(s, &at, 2, 0, 59, &ok);
    mark(s, &at, ':', &ok);
    int64_t second = digits(s, &at, 2, 0, 60, &ok); /* 60: a leap second counts as the next one */
    if (ok && at < s.len && s.ptr[at] == '.') {
        at++;
        digits(s, &at, 1, 0, 9, &ok);
        while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9')
            at++;
    }
    int64_t zone = ok ? zone_offset(s, &at, &ok) : 0;
    if (!ok || at != s.len || d > month_days(y, m))
        return KF_E_MALFORMED;
    *out = days_from_date(y, m, d) * DAY + hour * 3600 + minute * 60 + second - zone;
    return KF_OK;
}

/* Far beyond any date, and within 64 bits. */
#define PLAIN_DIGITS_MAX 18u

kf_err kf_time_parse(kf_slice text, kf_time *out)
{
    uint64_t plain = 0;

    *out = 0;
    if (text.len > PLAIN_DIGITS_MAX || kf_decimal_read(text, &plain) != KF_OK)
        return parse_date(text, out);
    *out = (kf_time)plain;
    return KF_OK;
}

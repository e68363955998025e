#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char cut_mark[] = " cut=1\n";

typedef struct line {
    char text[KF_LOG_LINE_MAX];
    size_t len;
    bool cut;
} line;

static void add(line *l, const char *octets, size_t len)
{
    size_t room = sizeof l->text - sizeof cut_mark - l->len;
    if (l->cut || len > room) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, octets, len);
    l->len += len;
}

static void add_text(line *l, const char *text)
{
    add(l, text, strlen(text));
}

static bool is_bare(kf_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || strchr("\"\\=", s.ptr[i]) != NULL)
            return false;
    return s.len > 0;
}

/* Peer text: quoted, and anything that is not printable ASCII as \xNN. */
static void add_value(line *l, kf_slice s)
{
    char hex[5];
    if (is_bare(s)) {
        for (size_t i = 0; i < s.len; i++)
            add(l, &(char){ (char)s.ptr[i] }, 1);
        return;
    }
    add_text(l, "\"");
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
            snprintf(hex, sizeof hex, "\\x%02x", c);
        else
            snprintf(hex, sizeof hex, "%c", c);
        add_text(l, hex);
    }
    add_text(l, "\"");
}

kf_log_pair kf_log_text(const char *key, kf_slice text)
{
    return (kf_log_pair){ key, KF_LOG_TEXT, text, 0 };
}

kf_log_pair kf_log_number(const char *key, int64_t number)
{
    return (kf_log_pair){ key, KF_LOG_NUMBER, { NULL, 0 }, number };
}

kf_log_pair kf_log_id32(const char *key, uint32_t id)
{
    return (kf_log_pair){ key, KF_LOG_ID32, { NULL, 0 }, id };
}

static void add_pair(line *l, const kf_log_pair *p)
{
    char number[32];
    add_text(l, " ");
    add_text(l, p->key);
    add_text(l, "=");
    switch (p->kind) {
    case KF_LOG_TEXT:
        add_value(l, p->text);
        break;
    case KF_LOG_NUMBER:
        snprintf(number, sizeof number, "%" PRId64, p->number);
        add_text(l, number);
        break;
    case KF_LOG_ID32:
        snprintf(number, sizeof number, "%08" PRIx32, (uint32_t)p->number);
        add_text(l, number);
        break;
    }
}

void kf_log_event(const kf_log *log, kf_log_level level, const char *event,
                  const kf_log_pair *pairs, size_t count)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    if (log == NULL || level < log->least)
        return;
    line l = { .len = 0 };
    char when[KF_TIME_TEXT_OCTETS];
    kf_time_format(log->clock.now(log->clock.ctx), when);
    add_text(&l, "time=");
    add_text(&l, when);
    add_text(&l, " level=");
    add_text(&l, names[level]);
    add_text(&l, " event=");
    add_text(&l, event);
    for (size_t i = 0; i < count; i++)
        add_pair(&l, &pairs[i]);
    const char *end = l.cut ? cut_mark : "\n";
    memcpy(l.text + l.len, end, strlen(end));
    l.len += strlen(end);
    log->write(log->ctx, l.text, l.len);
}

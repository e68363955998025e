#include "lab/events.h"

#include <stdarg.h>
#include <stdio.h>

#include "p25/ids.h"
#include "p25/kmm.h"
#include "p25/seal.h"

#define SAY_MAX 400u

/* What an event kind is called, and which members of the event mean something. */
typedef struct kind_row {
    const char *name;
    bool has_message, has_number, has_status;
    const char *say; /* %m: the message */
} kind_row;

static const kind_row kinds[] = {
    [OTAR_EV_ACTED] = { "acted", true, true, false, "carried out %m" },
    [OTAR_EV_RETRY] = { "retry", false, false, false,
                        "got the last command again and answered the same" },
    [OTAR_EV_REFUSED] = { "refused", true, true, true, "refused %m" },
    [OTAR_EV_DATE_TIME] = { "date-time", true, false, false, "was told the time" },
    [OTAR_EV_ZEROIZED] = { "zeroized", true, false, false, "has no keys any more (zeroized)" },
    [OTAR_EV_WARM_EXPIRED] = { "warm-expired", false, false, false,
                               "erased the temporary key of a warm start: no Rekey followed" },
    [OTAR_EV_NO_SERVICE] = { "no-service", false, false, false, "gets no service from the KMF" },
    [OTAR_EV_SENT] = { "sent", true, true, false, "is sent %m" },
    [OTAR_EV_RETRIED] = { "retried", true, true, false, "did not answer: is sent %m again" },
    [OTAR_EV_ACKNOWLEDGED] = { "acknowledged", true, true, false, "acknowledged %m" },
    [OTAR_EV_AWAY] = { "away", true, true, false, "does not answer %m: waiting until it is heard" },
    [OTAR_EV_HEARD] = { "heard", true, false, false, "is heard: %m" },
    [OTAR_EV_NEEDS_UKEK] = { "needs-ukek", true, false, false,
                             "shares no key with us and has no UKEK: load one (load-keys)" },
    [OTAR_EV_KEY_NOT_TAKEN] = { "key-not-taken", true, true, true, "did not take a key of %m" },
    [OTAR_EV_SETTLED] = { "settled", false, false, false, "holds and uses all that it should" },
};

static const char *message_of(const otar_event *e)
{
    const char *name = p25_message_name(e->message_id);
    return e->message_id == P25_KMM_NULL ? "a message" : name == NULL ? "an unknown message" : name;
}

static void write_say(const otar_event *e, const kind_row *row, char *text, size_t size)
{
    size_t len = 0;
    for (const char *p = row->say; *p != '\0' && len + 64 < size; p++) {
        const bool is_mark = p[0] == '%' && p[1] == 'm';
        const int n = is_mark ? snprintf(text + len, size - len, "%s", message_of(e))
                              : snprintf(text + len, size - len, "%c", *p);
        len += n > 0 ? (size_t)n : 0;
        p += is_mark ? 1 : 0;
    }
    if (row->has_status && e->status != P25_STATUS_NONE)
        (void)snprintf(text + len, size - len, ": %s", p25_status_name(e->status));
    else if (row->has_status)
        (void)snprintf(text + len, size - len, ": it did not pass the checks");
}

json_t *lab_event_json(const otar_event *e)
{
    const kind_row *row = &kinds[e->kind];
    char say[SAY_MAX];
    write_say(e, row, say, sizeof say);
    json_t *json =
        json_pack("{s:s, s:I, s:s}", "event", row->name, "rsi", (json_int_t)e->rsi, "say", say);
    if (json == NULL)
        return NULL;
    if (row->has_message && e->message_id != P25_KMM_NULL)
        (void)json_object_set_new(json, "message", json_string(message_of(e)));
    if (row->has_number && e->message_id != P25_KMM_NULL)
        (void)json_object_set_new(json, "number", json_integer(e->number));
    if (row->has_status && e->status != P25_STATUS_NONE)
        (void)json_object_set_new(json, "status", json_integer(e->status));
    return json;
}

json_t *lab_event_say(const char *name, const char *fmt, ...)
{
    char text[SAY_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return json_pack("{s:s, s:s}", "event", name, "say", text);
}

json_t *lab_kid_json(uint16_t kid)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%04X", (unsigned)kid);
    return json_string(text);
}

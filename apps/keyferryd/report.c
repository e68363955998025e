#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

static bool for_journal;

kf_time report_now(void *ctx)
{
    (void)ctx;
    return (kf_time)time(NULL);
}

/* One write a line, so that lines do not mix. */
static void put(const char *text, size_t len)
{
    ssize_t n = write(STDERR_FILENO, text, len);
    (void)n; /* nobody to tell */
}

/* sd-daemon(3): syslog's numbers */
static const char *priority(const char *line)
{
    if (!for_journal)
        return "";
    return strstr(line, " level=error ") != NULL  ? "<3>"
           : strstr(line, " level=warn ") != NULL ? "<4>"
           : strstr(line, " level=info ") != NULL ? "<6>"
                                                  : "<7>";
}

static void write_plain(void *ctx, const char *line, size_t len)
{
    char text[KF_LOG_LINE_MAX + 8];
    char whole[KF_LOG_LINE_MAX + 1];
    (void)ctx;
    (void)snprintf(whole, sizeof whole, "%.*s", (int)len, line);
    const int n = snprintf(text, sizeof text, "%s%s", priority(whole), whole);
    put(text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value at *at as Unicode: \xNN becomes the character of that number, which is exact for ASCII
 * and shows anything else as itself in Latin-1. @return its length in out. */
static size_t unquote(const char **at, char *out, size_t size)
{
    const char *p = *at;
    const bool is_quoted = *p == '"';
    size_t n = 0;
    p += is_quoted ? 1 : 0;
    while (*p != '\0' && *p != '\n' && *p != (is_quoted ? '"' : ' ') && n + 3 < size) {
        int c = (unsigned char)*p++;
        if (is_quoted && c == '\\' && *p == 'x' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
            c = hex_digit(p[1]) * 16 + hex_digit(p[2]);
            p += 3;
        }
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    p += is_quoted && *p == '"' ? 1 : 0;
    *at = p;
    return n;
}

static void write_json(void *ctx, const char *line, size_t len)
{
    char whole[KF_LOG_LINE_MAX + 1], key[64], value[2 * KF_LOG_LINE_MAX];
    json_t *object = json_object();
    (void)ctx;
    (void)snprintf(whole, sizeof whole, "%.*s", (int)len, line);
    for (const char *p = whole; *p != '\0' && *p != '\n';) {
        const size_t n = strcspn(p, "=\n");
        if (p[n] != '=')
            break;
        (void)snprintf(key, sizeof key, "%.*s", (int)n, p);
        p += n + 1;
        char *end = NULL;
        const long long number = strtoll(p, &end, 10);
        if (end != p && (*end == ' ' || *end == '\n') && strcmp(key, "time") != 0) {
            json_object_set_new(object, key, json_integer(number));
            p = end;
        } else {
            const size_t used = unquote(&p, value, sizeof value);
            json_object_set_new(object, key, json_stringn(value, used));
        }
        p += *p == ' ' ? 1 : 0;
    }
    char *text = json_dumps(object, JSON_COMPACT);
    if (text != NULL) {
        (void)snprintf(value, sizeof value, "%s%s\n", priority(whole), text);
        put(value, strlen(value));
    }
    free(text);
    json_decref(object);
}

void report_start(kf_log *log, bool as_json)
{
    for_journal = getenv("JOURNAL_STREAM") != NULL;
    *log = (kf_log){ .least = KF_LOG_INFO,
                     .clock = { report_now, NULL },
                     .write = as_json ? write_json : write_plain };
}

void report_refusal(bool as_json, const char *code, const char *what, const char *why,
                    const char *remedy)
{
    if (!as_json) {
        fprintf(stderr, "keyferryd: %s: %s\n", strcmp(code, "usage") == 0 ? "usage" : "refused",
                what);
        if (why[0] != '\0')
            fprintf(stderr, "  why: %s\n", why);
        fprintf(stderr, "  do:  %s\n", remedy);
        return;
    }
    json_t *error = json_pack("{s:{s:s, s:s, s:s, s:s}}", "error", "code", code, "what", what,
                              "why", why, "do", remedy);
    char *text = error == NULL ? NULL : json_dumps(error, JSON_COMPACT);
    fprintf(stdout, "%s\n", text == NULL ? "{}" : text);
    free(text);
    json_decref(error);
}

/* What may be asked of a subscriber's node, and the answers. */
#include <stdio.h>
#include <string.h>

#include "lab/events.h"
#include "lab/files.h"
#include "lab/unit_node_parts.h"
#include "p25/dli.h"
#include "voice/stream.h"

#define SECONDS_MAX 3600u

#define NOTHING                                                                                    \
    {                                                                                              \
        LAB_OPERAND_NONE, NULL, false, 0, 0, NULL                                                  \
    }
#define TEXT(name, is_optional)                                                                    \
    {                                                                                              \
        LAB_OPERAND_TEXT, name, is_optional, 0, 0, NULL                                            \
    }

const lab_verb lab_unit_verbs[] = {
    { "register", "register at the KMF", { NOTHING } },
    { "deregister", "end the registration", { NOTHING } },
    { "hello",
      "ask the KMF for keys; identify: only say that we are here",
      { { LAB_OPERAND_WORD, "mode", true, 0, 0, "rekey|identify" } } },
    { "status", "keys (never their octets), keysets in use, registration, voice", { NOTHING } },
    { "radio",
      "off the air: nothing is sent, nothing is received",
      { { LAB_OPERAND_WORD, "mode", false, 0, 0, "off|on" } } },
    { "load-keys", "load the key file, as by key fill", { NOTHING } },
    { "speak",
      "send a file of IMBE frames as a talk spurt, encrypted with the current key of an SLN",
      { { LAB_OPERAND_NUMBER, "sln", false, 0, 0xefff, NULL },
        TEXT("file", false),
        TEXT("address", false),
        TEXT("address", true),
        TEXT("address", true),
        TEXT("address", true) } },
    { "speak-clear",
      "send a file of IMBE frames as a talk spurt, not encrypted",
      { TEXT("file", false), TEXT("address", false), TEXT("address", true), TEXT("address", true),
        TEXT("address", true) } },
    { "listen",
      "write what is heard into a file, silence where it is silence",
      { TEXT("file", false) } },
    { "stop", "end speaking and listening", { NOTHING } },
    { "wait",
      "answer when that is so: WHAT SECONDS, key SLN SECONDS, sent FRAMES SECONDS",
      { { LAB_OPERAND_WORD, "what", false, 0, 0,
          "registered|deregistered|zeroized|spoken|heard|key|sent" },
        { LAB_OPERAND_NUMBER, "number", false, 0, 0xefff, NULL },
        { LAB_OPERAND_NUMBER, "seconds", true, 0, SECONDS_MAX, NULL } } },
    { "help", "list the requests", { NOTHING } },
    { "quit", "end the process", { NOTHING } },
    { NULL, NULL, { NOTHING } },
};

/* A request at work. */
typedef struct asking {
    lab_unit_node *un;
    kf_time now;
    const lab_asked *asked;
    const lab_request *request;
} asking;

static json_t *done(void)
{
    return json_pack("{s:b}", "ok", 1);
}

static json_t *refuse(kf_err err, const char *field, const char *what, const char *why,
                      const char *remedy)
{
    lab_trouble t;
    (void)lab_trouble_set(&t, err, field, what, why, remedy);
    return lab_trouble_json(&t);
}

/* The machine only fails when its store does. */
static json_t *after(const asking *a, kf_err err)
{
    if (err == KF_OK)
        return done();
    unit_node_fail(a->un, err);
    return refuse(err, "state", "the unit has stopped", kf_err_text(err), "start it again");
}

static json_t *off_air(void)
{
    return refuse(KF_E_STATE, "", "nothing is sent", "the radio is off the air", "first: radio on");
}

static json_t *ask_register(const asking *a)
{
    if (a->un->is_off_air)
        return off_air();
    return after(
        a, unit_ask_registration(a->un, a->now, strcmp(a->request->verb->name, "register") == 0));
}

static json_t *ask_hello(const asking *a)
{
    uint8_t message[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(message, sizeof message);
    if (a->un->is_off_air)
        return off_air();
    const bool rekey = a->request->count == 0 || a->request->operands[0].number == 0;
    const kf_err err = otar_unit_hello(a->un->unit, rekey, &w);
    if (err == KF_OK)
        unit_send(a->un, kf_writer_slice(&w));
    return after(a, err);
}

/* ---- status ---- */

static json_t *key_json(const otar_keys *keys, const otar_key *k)
{
    const char *name = p25_algid_name(k->algid);
    return json_pack("{s:i, s:i, s:o, s:i, s:s, s:s, s:b}", "keyset", (int)k->keyset, "sln",
                     (int)k->sln, "kid", lab_kid_json(k->kid), "algid", (int)k->algid, "algorithm",
                     name == NULL ? "unknown" : name, "kind", k->is_kek ? "KEK" : "TEK", "active",
                     otar_keys_is_active(keys, k));
}

static json_t *keys_json(const lab_unit_node *un)
{
    const otar_keys *keys = otar_unit_keys(un->unit);
    json_t *list = json_array();
    for (const otar_key *k = keys->first; k != NULL; k = k->next)
        if (!k->is_temporary)
            (void)json_array_append_new(list, key_json(keys, k));
    return list;
}

static json_t *voice_json(const lab_unit_node *un)
{
    if (un->speech == NULL)
        return json_null();
    const lab_speech_counts *n = lab_speech_heard(un->speech);
    return json_pack("{s:b, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "speaking",
                     lab_speech_is_speaking(un->speech), "sent",
                     (json_int_t)lab_speech_sent(un->speech), "listening",
                     lab_speech_is_listening(un->speech), "spurts",
                     (json_int_t)lab_speech_spurts(un->speech), "speech", (json_int_t)n->speech,
                     "speech_clear", (json_int_t)n->speech_clear, "silence", (json_int_t)n->silence,
                     "lost", (json_int_t)n->lost, "ignored", (json_int_t)n->ignored);
}

static json_t *ask_status(const asking *a)
{
    const lab_unit_node *un = a->un;
    return json_pack("{s:b, s:I, s:b, s:s, s:b, s:o, s:o, s:I}", "ok", 1, "rsi",
                     (json_int_t)otar_unit_rsi(un->unit), "registered",
                     otar_unit_is_registered(un->unit), "radio", un->is_off_air ? "off" : "on",
                     "warm_start", otar_keys_temporary(otar_unit_keys(un->unit)) != NULL, "keys",
                     keys_json(un), "voice", voice_json(un), "foreign", (json_int_t)un->foreign);
}

static json_t *ask_radio(const asking *a)
{
    a->un->is_off_air = a->request->operands[0].number == 0;
    return done();
}

static json_t *ask_load_keys(const asking *a)
{
    size_t count = 0;
    lab_trouble t;
    if (unit_load_keys(a->un, &count, &t) != KF_OK)
        return lab_trouble_json(&t);
    return json_pack("{s:b, s:I}", "ok", 1, "loaded", (json_int_t)count);
}

/* ---- voice ---- */

static json_t *no_voice(void)
{
    return refuse(KF_E_STATE, "voice", "this unit has no voice",
                  "its configuration names no voice address", "add: voice: ADDRESS:PORT");
}

static bool take_targets(const asking *a, size_t first, struct sockaddr_in *targets, size_t *count)
{
    *count = 0;
    for (size_t i = first; i < a->request->count; i++)
        if (*count == LAB_SPEECH_TARGETS ||
            !lab_address_parse(a->request->operands[i].text, 0, &targets[(*count)++]))
            return false;
    return true;
}

static void path_of(const asking *a, size_t i, char path[LAB_CONTROL_LINE_MAX])
{
    const kf_slice text = a->request->operands[i].text;
    (void)snprintf(path, LAB_CONTROL_LINE_MAX, "%.*s", (int)text.len, (const char *)text.ptr);
}

static json_t *ask_speak(const asking *a)
{
    const bool clear = strcmp(a->request->verb->name, "speak-clear") == 0;
    const size_t first = clear ? 0 : 1;
    struct sockaddr_in targets[LAB_SPEECH_TARGETS];
    char path[LAB_CONTROL_LINE_MAX];
    kf_secret *frames = NULL;
    lab_trouble t;
    size_t count = 0;
    if (a->un->speech == NULL)
        return no_voice();
    if (a->un->is_off_air)
        return off_air();
    if (!take_targets(a, first + 1, targets, &count))
        return refuse(KF_E_MALFORMED, "address", "nothing is sent",
                      "an address is IPv4 and a port, such as 127.0.0.3:50000", "ask: help");
    path_of(a, first, path);
    kf_err err =
        lab_file_read(path, (size_t)LAB_SPEECH_FRAMES_MAX * VOICE_FULL_OCTETS, "file", &frames, &t);
    const size_t octets = kf_secret_len(frames);
    if (err == KF_OK)
        err = lab_speech_speak(a->un->speech, clear ? 0 : (uint16_t)a->request->operands[0].number,
                               clear, &frames, targets, count, &t);
    if (err != KF_OK)
        return lab_trouble_json(&t);
    unit_start_speech(a->un);
    return json_pack("{s:b, s:I}", "ok", 1, "frames", (json_int_t)(octets / VOICE_FULL_OCTETS));
}

static json_t *ask_listen(const asking *a)
{
    char path[LAB_CONTROL_LINE_MAX];
    lab_trouble t;
    if (a->un->speech == NULL)
        return no_voice();
    path_of(a, 0, path);
    return lab_speech_listen(a->un->speech, path, &t) == KF_OK ? done() : lab_trouble_json(&t);
}

static json_t *ask_stop(const asking *a)
{
    if (a->un->speech == NULL)
        return no_voice();
    lab_speech_stop(a->un->speech);
    return json_pack("{s:b, s:o}", "ok", 1, "voice", voice_json(a->un));
}

/* ---- waiting ---- */

enum { WAIT_REGISTERED, WAIT_DEREGISTERED, WAIT_ZEROIZED, WAIT_SPOKEN, WAIT_HEARD, WAIT_KEY };

static bool is_so(const asking *a)
{
    const lab_unit_node *un = a->un;
    const uint32_t what = a->request->operands[0].number, n = a->request->operands[1].number;
    switch (what) {
    case WAIT_REGISTERED:
        return otar_unit_is_registered(un->unit);
    case WAIT_DEREGISTERED:
        return !otar_unit_is_registered(un->unit);
    case WAIT_ZEROIZED:
        return otar_unit_keys(un->unit)->first == NULL;
    case WAIT_SPOKEN:
        return !lab_speech_is_speaking(un->speech) && lab_speech_sent(un->speech) > 0;
    case WAIT_HEARD:
        return lab_speech_spurts(un->speech) > 0;
    case WAIT_KEY:
        return otar_unit_current(un->unit, (uint16_t)n) != NULL;
    default:
        return lab_speech_sent(un->speech) >= n;
    }
}

static json_t *ask_wait(const asking *a)
{
    const uint32_t what = a->request->operands[0].number;
    const bool has_number = what >= WAIT_KEY, is_voice = what != WAIT_KEY && what >= WAIT_SPOKEN;
    lab_trouble t;
    if (has_number != (a->request->count == 3))
        return refuse(KF_E_MALFORMED, "seconds", "the request is not understood",
                      "key and sent take a number and seconds, the others seconds only",
                      "write it as: wait registered 10, wait key 1 10, wait sent 54 10");
    if (is_voice && a->un->speech == NULL)
        return no_voice();
    if (is_so(a))
        return json_pack("{s:b, s:I}", "ok", 1, "waited_ms", (json_int_t)a->asked->waited_ms);
    if (a->asked->waited_ms < (int64_t)a->request->operands[has_number ? 2 : 1].number * 1000)
        return NULL;
    (void)lab_trouble_set(&t, KF_E_STATE, "what", "the time is over", "", "ask: status");
    lab_trouble_why(&t, "not so yet: %.*s", (int)a->request->operands[0].text.len,
                    (const char *)a->request->operands[0].text.ptr);
    return lab_trouble_json(&t);
}

static const struct {
    const char *verb;
    json_t *(*answer)(const asking *a);
} answers[] = {
    { "register", ask_register }, { "deregister", ask_register }, { "hello", ask_hello },
    { "status", ask_status },     { "radio", ask_radio },         { "load-keys", ask_load_keys },
    { "speak", ask_speak },       { "speak-clear", ask_speak },   { "listen", ask_listen },
    { "stop", ask_stop },         { "wait", ask_wait },
};

json_t *unit_answer(void *ctx, kf_time now, const lab_asked *asked)
{
    const asking a = { ctx, now, asked, asked->request };
    for (size_t i = 0; i < KF_COUNT(answers); i++)
        if (strcmp(answers[i].verb, asked->request->verb->name) == 0)
            return answers[i].answer(&a);
    return refuse(KF_E_UNSUPPORTED, "control.verb", "the request is refused",
                  kf_err_text(KF_E_UNSUPPORTED), "ask: help");
}

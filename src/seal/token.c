#include "seal/token.h"

#include <stdlib.h>
#include <string.h>

#include "seal/broker.h"
#include "seal/token_message.h"

#define TIMEOUT_DEFAULT_MS 10000u
#define PATIENCE_MS        1000 /* for a broker that is to log out */
#define PAUSE_FIRST_MS     250
#define PAUSE_MAX_MS       30000
#define WATCH_MS           2000  /* between two probes of the watch */
#define STALL_MS           100   /* an answer that has begun is all there by then */
#define CALM_MS            60000 /* a failure this long ago does not lengthen the pause */
#define ARGS_MAX           12u

struct seal_token {
    char *broker_path, *module, *token, *key, *pin_file;
    unsigned timeout_ms;
    broker broker;
    kf_secret *buffer; /* of messages both ways */
    seal_token_state state;
    uint32_t rv;
    unsigned failures;             /* of brokers, in a row */
    int64_t failed_ms, not_before; /* when the last one was; no start before */
    bool is_watching;              /* a probe was sent, and its answer not read */
    int64_t watch_until;           /* its deadline */
    int64_t last_news_ms;          /* of an answer, or a failure */
    uint8_t refusal[TOKEN_REFUSAL_OCTETS];
    size_t refusal_len;
};

/* A copy of text, NULL for NULL; says in ok when there is no memory for it. */
static char *copy(const char *text, bool *ok)
{
    if (text == NULL)
        return NULL;
    char *c = strdup(text);
    *ok = *ok && c != NULL;
    return c;
}

kf_err seal_token_new(const seal_token_config *config, seal_token **out)
{
    bool ok = true;

    *out = NULL;
    if (config->broker == NULL || config->token == NULL || config->key == NULL ||
        config->pin_file == NULL)
        return KF_E_MALFORMED;
    seal_token *t = calloc(1, sizeof *t);
    if (t == NULL)
        return KF_E_NO_MEMORY;
    t->broker = (broker){ 0, -1 };
    t->broker_path = copy(config->broker, &ok);
    t->module = copy(config->module, &ok);
    t->token = copy(config->token, &ok);
    t->key = copy(config->key, &ok);
    t->pin_file = copy(config->pin_file, &ok);
    t->timeout_ms = config->timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : config->timeout_ms;
    if (!ok || kf_secret_new_guarded(TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX, &t->buffer) != KF_OK) {
        seal_token_free(&t);
        return KF_E_NO_MEMORY;
    }
    *out = t;
    return KF_OK;
}

void seal_token_free(seal_token **token)
{
    if (token == NULL || *token == NULL)
        return;
    seal_token *t = *token;
    broker_end(&t->broker, PATIENCE_MS);
    kf_secret_free(&t->buffer);
    free(t->broker_path);
    free(t->module);
    free(t->token);
    free(t->key);
    free(t->pin_file);
    kf_wipe(t, sizeof *t);
    free(t);
    *token = NULL;
}

static kf_err start(seal_token *t)
{
    const char *argv[ARGS_MAX] = { t->broker_path, "--token",    t->token,   "--key",
                                   t->key,         "--pin-file", t->pin_file };
    if (t->module != NULL) {
        argv[7] = "--module";
        argv[8] = t->module;
    }
    if (broker_now_ms() < t->not_before)
        return KF_E_BACKEND;
    return broker_start(&t->broker, argv);
}

/* The first restart is at once, so that one mishap costs nothing; then the pauses double. */
static void broker_failed(seal_token *t, seal_token_state state)
{
    broker_end(&t->broker, 0);
    int64_t now = broker_now_ms(), pause = 0;
    t->failures = now - t->failed_ms > CALM_MS ? 1 : t->failures + 1;
    if (t->failures > 1)
        pause = t->failures > 8 ? PAUSE_MAX_MS : (int64_t)PAUSE_FIRST_MS << (t->failures - 2);
    t->failed_ms = now;
    t->not_before = now + (pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause);
    t->last_news_ms = now;
    t->is_watching = false;
    t->state = state;
    t->rv = 0;
}

static void take_answer(seal_token *t, const token_answer *a)
{
    t->state = a->state;
    t->rv = a->rv;
    memcpy(t->refusal, a->refusal.ptr == NULL ? t->refusal : a->refusal.ptr, a->refusal.len);
    t->refusal_len = a->refusal.len;
    t->last_news_ms = broker_now_ms();
    if (a->result == KF_OK && a->op != TOKEN_PROBE)
        t->failures = 0;
}

static void wipe_buffer(seal_token *t)
{
    kf_wipe(kf_secret_edit(t->buffer), kf_secret_len(t->buffer));
}

/* Start the broker if need be, and send. */
static kf_err ask(seal_token *t, token_op op, kf_slice octets, int64_t deadline)
{
    token_request request = { op, { t->refusal, t->refusal_len }, octets };
    kf_writer w = kf_writer_init(kf_secret_edit(t->buffer), kf_secret_len(t->buffer));
    kf_err err = token_request_write(&request, &w);
    if (err == KF_OK && t->broker.pid == 0)
        err = start(t);
    if (err != KF_OK)
        return KF_E_BACKEND;
    broker_result result = broker_send(&t->broker, t->buffer, w.len, deadline);
    if (result == BROKER_ANSWERED)
        return KF_OK;
    broker_failed(t, result == BROKER_LATE ? SEAL_TOKEN_SLOW : SEAL_TOKEN_CRASHED);
    return KF_E_BACKEND;
}

/* The answer to what was asked last; its octets are in the buffer, which the caller wipes. */
static kf_err hear(seal_token *t, token_op op, int64_t deadline, token_answer *out)
{
    kf_slice message;
    kf_fault fault;

    memset(out, 0, sizeof *out);
    broker_result result = broker_receive(&t->broker, t->buffer, deadline, &message);
    if (result == BROKER_ANSWERED &&
        (token_answer_parse(message, out, &fault) != KF_OK || out->op != op))
        result = BROKER_DIED;
    if (result != BROKER_ANSWERED) {
        memset(out, 0, sizeof *out);
        broker_failed(t, result == BROKER_LATE ? SEAL_TOKEN_SLOW : SEAL_TOKEN_CRASHED);
        return KF_E_BACKEND;
    }
    take_answer(t, out);
    return out->result;
}

/* The answer to the probe of the watch; the state says what it was. */
static void hear_watch(seal_token *t, int64_t deadline)
{
    token_answer answer;
    kf_err err = hear(t, TOKEN_PROBE, deadline, &answer);
    (void)err;
    t->is_watching = false;
    wipe_buffer(t);
}

/* One call. The answer's octets are in the buffer, which the caller wipes. */
static kf_err call(seal_token *t, token_op op, kf_slice octets, token_answer *out)
{
    int64_t deadline = broker_now_ms() + t->timeout_ms;

    memset(out, 0, sizeof *out);
    if (t->is_watching)
        hear_watch(t, deadline < t->watch_until ? deadline : t->watch_until);
    kf_err err = ask(t, op, octets, deadline);
    return err == KF_OK ? hear(t, op, deadline, out) : err;
}

kf_err seal_token_make_key(seal_token *t)
{
    token_answer answer;
    kf_err err = call(t, TOKEN_MAKE_KEY, (kf_slice){ NULL, 0 }, &answer);
    wipe_buffer(t);
    return err;
}

kf_err seal_token_wrap(seal_token *t, const kf_secret *secret, kf_writer *out)
{
    token_answer answer;
    if (kf_secret_len(secret) != TOKEN_SECRET_OCTETS)
        return KF_E_MALFORMED;
    kf_err err = call(t, TOKEN_WRAP, kf_secret_view(secret), &answer);
    if (err == KF_OK) {
        kf_write_slice(out, answer.octets);
        err = out->err;
    }
    wipe_buffer(t);
    return err;
}

kf_err seal_token_unwrap(seal_token *t, kf_slice wrapped, kf_secret **out)
{
    token_answer answer;
    *out = NULL;
    if (wrapped.len == 0 || wrapped.len > TOKEN_OCTETS_MAX)
        return KF_E_AUTH;
    kf_err err = call(t, TOKEN_UNWRAP, wrapped, &answer);
    if (err == KF_OK)
        err = kf_secret_new_copy(answer.octets, out);
    wipe_buffer(t);
    return err;
}

seal_token_state seal_token_probe(seal_token *t)
{
    token_answer answer;
    kf_err err = call(t, TOKEN_PROBE, (kf_slice){ NULL, 0 }, &answer);
    wipe_buffer(t);
    (void)err; /* the state says it all */
    return t->state;
}

seal_token_state seal_token_watch(seal_token *t)
{
    int64_t now = broker_now_ms();

    if (t->is_watching) {
        if (broker_has_answer(&t->broker))
            hear_watch(t, now + STALL_MS);
        else if (now >= t->watch_until)
            broker_failed(t, SEAL_TOKEN_SLOW);
    } else if (t->last_news_ms == 0 || now - t->last_news_ms >= WATCH_MS) {
        /* What is sent fits the socket's buffer, so this does not wait either. */
        t->watch_until = now + t->timeout_ms;
        t->is_watching = ask(t, TOKEN_PROBE, (kf_slice){ NULL, 0 }, now + STALL_MS) == KF_OK;
    }
    return t->state;
}

seal_token_state seal_token_state_of(const seal_token *t)
{
    return t->state;
}

uint32_t seal_token_rv(const seal_token *t)
{
    return t->rv;
}

void seal_token_retry(seal_token *t)
{
    kf_wipe(t->refusal, sizeof t->refusal);
    t->refusal_len = 0;
    t->failures = 0;
    t->not_before = 0;
}

int seal_token_broker(const seal_token *t)
{
    return (int)t->broker.pid;
}

#include "vaultd.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

#include "base/failpoint.h"
#include "config.h"
#include "crypto/random.h"
#include "report.h"
#include "sandbox.h"
#include "vault/verbs.h"
#include "wire/server.h"

#define IDLE_MS       200  /* between looks for work when there was none */
#define TROUBLE_MS    2000 /* after the store failed */
#define UNSEAL_S_MAX  60   /* between tries to unseal by the token */
#define WATCHDOG_MS   5000
#define REASON_OCTETS 256u

/** Who is connected; the role is looked up at each request, so that a reload holds at once. */
typedef struct session {
    wire_peer peer;
} session;

typedef struct daemon {
    const vaultd_options *options;
    config config;
    kf_log log;
    vault *vault;
    wire_server *server;
    struct event_base *base;
    struct event *work, *stop[2], *reload, *pulse;
    seal_token_config token;
    kf_err trouble;     /**< of the last background work */
    bool wants_unseal;  /**< by token, until it is unsealed once */
    unsigned unseal_s;  /**< seconds between tries */
    kf_time unseal_at;  /**< the next one */
    bool told_unsealed; /**< what the service manager knows */
} daemon_state;

static kf_slice z(const char *text)
{
    return kf_slice_str(text);
}

static void after(struct event *event, unsigned ms)
{
    const struct timeval when = { ms / 1000u, (suseconds_t)(ms % 1000u) * 1000 };
    (void)event_add(event, &when);
}

/* ---- peers ---- */

static void describe(const wire_peer *peer, char out[WIRE_SUBJECT_MAX + 80])
{
    if (peer->is_tls)
        (void)snprintf(out, WIRE_SUBJECT_MAX + 80, "cn:%s fingerprint:%.16s", peer->subject,
                       peer->fingerprint);
    else
        (void)snprintf(out, WIRE_SUBJECT_MAX + 80, "uid:%u pid:%d", peer->uid, (int)peer->pid);
}

static kf_err on_opened(void *ctx, const wire_peer *peer, void **out)
{
    daemon_state *d = ctx;
    char who[WIRE_SUBJECT_MAX + 80];
    const config_peer *known = config_find_peer(&d->config, peer);
    *out = NULL;
    describe(peer, who);
    if (known == NULL) {
        KF_LOG(&d->log, KF_LOG_WARN, "peer-refused", kf_log_text("peer", z(who)));
        return KF_E_DENIED;
    }
    session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    s->peer = *peer;
    *out = s;
    KF_LOG(&d->log, KF_LOG_DEBUG, "peer", kf_log_text("name", z(known->caller.name)),
           kf_log_text("peer", z(who)));
    return KF_OK;
}

static void on_closed(void *ctx, void *session_of)
{
    (void)ctx;
    free(session_of);
}

static void refuse(wire_call *call, const vault_refusal *r, wire_builder *more)
{
    const wire_refusal refusal = { .code = r->code,
                                   .field = r->field[0] == '\0' ? NULL : r->field,
                                   .what = r->what,
                                   .why = r->why[0] == '\0' ? NULL : r->why,
                                   .remedy = r->remedy[0] == '\0' ? NULL : r->remedy };
    wire_fail(call, &refusal, more);
}

static void tell_manager(daemon_state *d)
{
    const bool is_unsealed = vault_is_unsealed(d->vault);
    if (is_unsealed != d->told_unsealed) {
        d->told_unsealed = is_unsealed;
        (void)sd_notify(0, is_unsealed ? "STATUS=unsealed" : "STATUS=sealed");
        KF_LOG(&d->log, KF_LOG_INFO, is_unsealed ? "unsealed" : "sealed",
               kf_log_text("organization", z(d->config.organization)));
    }
}

/* The verb is the peer's text; the log escapes it. */
static void note(daemon_state *d, const char *who, const wire_value *request, kf_err err,
                 const char *code)
{
    const kf_slice verb = wire_get_text(request, "verb");
    const kf_slice shown = { verb.ptr, verb.len > 64 ? 64 : verb.len };
    KF_LOG(&d->log, err == KF_OK ? KF_LOG_DEBUG : KF_LOG_INFO, err == KF_OK ? "done" : "refused",
           kf_log_text("peer", z(who)), kf_log_text("verb", shown), kf_log_text("code", z(code)));
}

static void on_request(void *ctx, void *session_of, wire_call *call)
{
    daemon_state *d = ctx;
    const session *s = session_of;
    vault_refusal refusal = { 0 };
    wire_builder *result = NULL;
    const config_peer *known = config_find_peer(&d->config, &s->peer);
    if (known == NULL) { /* a reload took it out */
        (void)snprintf(refusal.code, sizeof refusal.code, "denied");
        (void)snprintf(refusal.what, sizeof refusal.what, "the vault no longer knows this peer");
        refuse(call, &refusal, NULL);
        return;
    }
    const vault_caller who = known->caller;
    const kf_err err = vault_do(d->vault, &who, wire_call_request(call), &result, &refusal);
    note(d, who.name, wire_call_request(call), err, refusal.code);
    if (err == KF_OK)
        wire_answer(call, result);
    else
        refuse(call, &refusal, result);
    wire_builder_free(&result);
    tell_manager(d);
    after(d->work, 0); /* what was planned can be sealed */
}

/* ---- work of its own ---- */

static kf_err ask_unseal(daemon_state *d, vault_refusal *refusal)
{
    const vault_caller who = { VAULT_OFFICER, "token" };
    wire_builder *request = NULL, *result = NULL;
    wire_tree *tree = NULL;
    kf_slice octets = { NULL, 0 };
    kf_fault fault;
    kf_err err = wire_builder_new(&request);
    if (err != KF_OK)
        return err;
    wire_open_map(request, NULL);
    wire_put_text_z(request, "verb", "vault unseal");
    wire_put_bool(request, "token", true);
    wire_close(request);
    err = wire_builder_done(request, &octets);
    if (err == KF_OK)
        err = wire_tree_parse(octets, &tree, &fault);
    if (err == KF_OK)
        err = vault_do(d->vault, &who, wire_tree_root(tree), &result, refusal);
    wire_tree_free(&tree);
    wire_builder_free(&result);
    wire_builder_free(&request);
    return err;
}

/* Until it worked once, by whomever: what an officer seals stays sealed. */
static void unseal_by_token(daemon_state *d)
{
    vault_refusal refusal = { 0 };
    const kf_time now = report_now(NULL);
    /* Once it was unsealed, by whomever, what an officer seals stays sealed. */
    d->wants_unseal = d->wants_unseal && !vault_is_unsealed(d->vault);
    if (!d->wants_unseal || now < d->unseal_at)
        return;
    const kf_err err = ask_unseal(d, &refusal);
    d->wants_unseal = err != KF_OK;
    if (err == KF_OK)
        return;
    const bool is_empty = strcmp(refusal.code, "not-initialised") == 0;
    if (!is_empty)
        KF_LOG(&d->log, KF_LOG_WARN, "not-unsealed", kf_log_text("code", z(refusal.code)),
               kf_log_text("what", z(refusal.what)), kf_log_text("do", z(refusal.remedy)));
    d->unseal_s = d->unseal_s * 2 > UNSEAL_S_MAX ? UNSEAL_S_MAX : d->unseal_s * 2;
    d->unseal_at = now + (is_empty ? 2 : d->unseal_s);
}

/* A bounded piece; clients are served between two. */
static void on_work(evutil_socket_t fd, short what, void *ctx)
{
    daemon_state *d = ctx;
    bool more = false;
    (void)fd;
    (void)what;
    unseal_by_token(d);
    const kf_err err = vault_work(d->vault, &more);
    if (err != d->trouble) {
        KF_LOG(&d->log, err == KF_OK ? KF_LOG_INFO : KF_LOG_ERROR, "background-work",
               kf_log_text("state", z(err == KF_OK ? "again fine" : kf_err_text(err))));
        d->trouble = err;
    }
    tell_manager(d);
    after(d->work, err != KF_OK ? TROUBLE_MS : more ? 0 : IDLE_MS);
}

static void on_pulse(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
    (void)sd_notify(0, "WATCHDOG=1");
}

/* ---- signals ---- */

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
    daemon_state *d = ctx;
    (void)what;
    KF_LOG(&d->log, KF_LOG_INFO, "stopping", kf_log_number("signal", fd));
    (void)sd_notify(0, "STOPPING=1");
    (void)event_base_loopbreak(d->base);
}

static void say_reloading(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                     (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* Peers are taken from the new file; the rest of it holds from the next start. */
static void on_reload(evutil_socket_t fd, short what, void *ctx)
{
    daemon_state *d = ctx;
    config fresh;
    kf_yaml_fault fault;
    (void)fd;
    (void)what;
    say_reloading();
    if (config_read_file(d->options->path, &fresh, &fault) != KF_OK) {
        KF_LOG(&d->log, KF_LOG_ERROR, "reload-refused", kf_log_number("line", (int64_t)fault.line),
               kf_log_text("field", z(fault.field)), kf_log_text("why", z(fault.why)));
    } else {
        config_peer *old = d->config.peers;
        d->config.peers = fresh.peers;
        d->config.peer_count = fresh.peer_count;
        fresh.peers = old;
        config_clear(&fresh);
        KF_LOG(&d->log, KF_LOG_INFO, "reloaded",
               kf_log_number("peers", (int64_t)d->config.peer_count));
    }
    (void)sd_notify(0, "READY=1");
}

/* ---- start ---- */

static bool say(const daemon_state *d, const char *code, const char *what, const char *why,
                const char *remedy)
{
    report_refusal(d->options->as_json, code, what, why, remedy);
    return false;
}

static bool read_config(daemon_state *d)
{
    char what[CONFIG_PATH_MAX + 128];
    kf_yaml_fault fault;
    if (config_read_file(d->options->path, &d->config, &fault) == KF_OK)
        return true;
    (void)snprintf(what, sizeof what, "%s%s%s", d->options->path,
                   fault.field[0] == '\0' ? "" : ": ", fault.field);
    if (fault.line > 0)
        (void)snprintf(what + strlen(what), sizeof what - strlen(what), ", line %zu", fault.line);
    return say(d, "config", what, fault.why, "correct it; `keyferryd check` tells if it is right");
}

/* Everything is opened as that user. */
static bool become_user(const daemon_state *d)
{
    const char *name = d->config.user;
    if (geteuid() != 0)
        return true;
    if (name[0] == '\0')
        return d->options->allow_root ||
               say(d, "root", "will not run as root",
                   "a vault needs no right that a user of its own does not have",
                   "name that user in the configuration (user:), or give --allow-root");
    const struct passwd *user = getpwnam(name);
    if (user == NULL || user->pw_uid == 0)
        return say(d, "user", "cannot become the user of the configuration",
                   user == NULL ? "this machine knows no such user" : "it is root",
                   "make a user for this vault");
    const uid_t uid = user->pw_uid;
    if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 || setuid(uid) != 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return say(d, "user", "cannot become the user of the configuration", strerror(errno),
                   "start it as root, or as that user");
    return true;
}

static bool open_vault(daemon_state *d)
{
    const config *c = &d->config;
    char why[REASON_OCTETS] = "";
    d->token = (seal_token_config){ .broker = c->token_broker,
                                    .module = c->token_module[0] == '\0' ? NULL : c->token_module,
                                    .token = c->token_name,
                                    .key = c->token_key,
                                    .pin_file = c->token_pin_file,
                                    .timeout_ms = c->token_timeout_ms };
    const vault_config settings = { .organization = c->organization,
                                    .store = c->store,
                                    .anchor = c->anchor,
                                    .token = c->has_token ? &d->token : NULL,
                                    .threads = c->threads,
                                    .clock = { report_now, NULL },
                                    .rng = kf_random(),
                                    .log = &d->log };
    const kf_err err = vault_new(&settings, &d->vault, why, sizeof why);
    return err == KF_OK || say(d, kf_err_name(err), "the vault cannot be opened",
                               why[0] == '\0' ? kf_err_text(err) : why,
                               "look at store and anchor of the configuration");
}

static bool open_server(daemon_state *d)
{
    const config *c = &d->config;
    char why[REASON_OCTETS] = "";
    const wire_server_config settings = {
        .unix_path = c->unix_path[0] == '\0' ? NULL : c->unix_path,
        .unix_mode = c->unix_mode,
        .tls_listen = c->tls_address[0] == '\0' ? NULL : c->tls_address,
        .tls_cert = c->tls_cert,
        .tls_key = c->tls_key,
        .tls_client_ca = c->tls_client_ca,
        .tls_crl = c->tls_crl[0] == '\0' ? NULL : c->tls_crl,
    };
    const wire_handler handler = { on_opened, on_request, on_closed, d };
    const kf_err err = wire_server_new(d->base, &settings, &handler, &d->server, why, sizeof why);
    return err == KF_OK ||
           say(d, kf_err_name(err), "the vault cannot listen",
               why[0] == '\0' ? kf_err_text(err) : why, "look at listen in the configuration");
}

static bool make_events(daemon_state *d)
{
    d->work = event_new(d->base, -1, 0, on_work, d);
    d->pulse = event_new(d->base, -1, EV_PERSIST, on_pulse, d);
    d->stop[0] = evsignal_new(d->base, SIGTERM, on_stop, d);
    d->stop[1] = evsignal_new(d->base, SIGINT, on_stop, d);
    d->reload = evsignal_new(d->base, SIGHUP, on_reload, d);
    const bool is_fine = d->work != NULL && d->pulse != NULL && d->stop[0] != NULL &&
                         d->stop[1] != NULL && d->reload != NULL &&
                         event_add(d->stop[0], NULL) == 0 && event_add(d->stop[1], NULL) == 0 &&
                         event_add(d->reload, NULL) == 0;
    if (!is_fine)
        return say(d, "no-memory", "the event loop cannot be made", strerror(errno),
                   "give the machine more memory");
    if (sd_watchdog_enabled(0, NULL) > 0)
        after(d->pulse, WATCHDOG_MS);
    after(d->work, 0);
    return true;
}

static bool close_in(daemon_state *d)
{
    const sandbox_needs needs = { .network = strncmp(d->config.store, "postgresql:", 11) == 0,
                                  .notify = getenv("NOTIFY_SOCKET") != NULL,
                                  .broker = d->config.has_token };
    /* Read its environment, and whatever libc wants to look at once, before it is too late. */
    tzset();
    return (kf_failpoint("daemon.start") == KF_OK && sandbox_enter(&needs) == KF_OK) ||
           say(d, "sandbox", "this process cannot be confined",
               "the kernel did not take the system call filter",
               "run it on a kernel with seccomp, outside a container that forbids it");
}

static bool start(daemon_state *d)
{
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!read_config(d) || !become_user(d) || !open_vault(d))
        return false;
    d->base = event_base_new();
    if (d->base == NULL)
        return say(d, "no-memory", "the event loop cannot be made", "",
                   "give the machine more memory");
    if (!open_server(d) || !make_events(d) || !close_in(d))
        return false;
    d->wants_unseal = d->config.auto_unseal;
    d->unseal_s = 1;
    return true;
}

static void stop(daemon_state *d)
{
    struct event *const events[] = { d->work, d->pulse, d->stop[0], d->stop[1], d->reload };
    wire_server_free(&d->server);
    for (size_t i = 0; i < KF_COUNT(events); i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (d->base != NULL)
        event_base_free(d->base);
    vault_free(&d->vault); /* seals first */
    config_clear(&d->config);
}

int vaultd_run(const vaultd_options *options)
{
    static daemon_state d;
    d = (daemon_state){ .options = options };
    report_start(&d.log, options->as_json);
    const bool is_started = start(&d);
    if (is_started) {
        KF_LOG(&d.log, KF_LOG_INFO, "ready", kf_log_text("organization", z(d.config.organization)),
               kf_log_number("peers", (int64_t)d.config.peer_count),
               kf_log_text("unix", z(d.config.unix_path)),
               kf_log_text("tls", z(d.config.tls_address)));
        (void)sd_notify(0, "READY=1\nSTATUS=sealed");
        (void)event_base_dispatch(d.base);
    }
    stop(&d);
    return is_started ? 0 : 1;
}

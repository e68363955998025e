#include "receiver.h"

#include <string.h>

#include "keyfile.h"

static bool has_option(const cli_call *call, const char *name)
{
    for (const cli_option *o = call->command->options; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

/* --- options ---------------------------------------------------------------------------------- */

static cli_status add_rule(const cli_call *call, const char *text, receiver *r)
{
    size_t kind_len = strcspn(text, "=");
    int purpose = keyfile_kind_named((kf_slice){ (const uint8_t *)text, kind_len });
    const char *uri = text + kind_len + (text[kind_len] == '=');
    if (purpose < 0 || *uri == '\0')
        return cli_misuse(call, "allow", "this rule is not understood",
                          "it is gmk, pck or csk, then = and the initiator's URI, or * for anyone",
                          NULL);
    bool anyone = strcmp(uri, "*") == 0;
    r->rules[r->mikey.rule_count++] =
        (mikey_rule){ (mcsec_purpose)purpose, anyone ? (kf_slice){ NULL, 0 } : kf_slice_str(uri) };
    return CLI_DONE;
}

static cli_status take_rules(const cli_call *call, receiver *r)
{
    const char *text = NULL;
    cli_status status = CLI_DONE;
    bool given = has_option(call, "allow") && cli_given(call, "allow");

    for (size_t i = 0; given && status == CLI_DONE && (text = cli_each(call, "allow", i)) != NULL;
         i++)
        status = add_rule(call, text, r);
    r->anyone = !given;
    for (int p = MCSEC_GMK; !given && p <= MCSEC_MUSIK; p++)
        r->rules[r->mikey.rule_count++] = (mikey_rule){ (mcsec_purpose)p, { NULL, 0 } };
    r->mikey.rules = r->rules;
    return status;
}

static cli_status load(const cli_call *call, receiver *r)
{
    static const char *const certs[] = { "cert", "peer-cert" };
    mcsec_id_form form = (r->mikey.compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID;
    cli_status status = CLI_DONE;
    const char *path = NULL;

    for (size_t k = 0; k < KF_COUNT(certs); k++) {
        if (!has_option(call, certs[k]))
            continue;
        for (size_t i = 0; status == CLI_DONE && (path = cli_each(call, certs[k], i)) != NULL; i++)
            status = keyring_add_domains(call, certs[k], path, &r->ring);
    }
    if (status == CLI_DONE)
        status = keyring_add_keys(call, "keys", cli_text(call, "keys"), form, &r->ring);
    r->mikey.keys = (const mcsec_user_keys *const *)r->ring.keys;
    r->mikey.key_count = r->ring.key_count;
    r->mikey.domains = (const mcsec_domain *const *)r->ring.domains;
    r->mikey.domain_count = r->ring.domain_count;
    return status;
}

cli_status receiver_init(const cli_call *call, receiver *r)
{
    memset(r, 0, sizeof *r);
    r->mikey.now = cli_time(call, "now", keyring_now());
    r->mikey.window_s = -1;
    if (has_option(call, "window") && !cli_flag(call, "any-time"))
        r->mikey.window_s = (int64_t)cli_number(call, "window", MIKEY_WINDOW_S);
    if (has_option(call, "from"))
        r->mikey.authenticated = cli_slice(call, "from");
    cli_status status = keyring_compat(call, &r->mikey.compat);
    if (status == CLI_DONE)
        status = take_rules(call, r);
    return status == CLI_DONE ? load(call, r) : status;
}

void receiver_clear(receiver *r)
{
    keyring_clear(&r->ring);
}

/* --- why it was refused ----------------------------------------------------------------------- */

static const struct {
    kf_err code;
    const char *field, *why, *remedy;
} reasons[] = {
    { KF_E_AUTH, "SIGN",
      "the signature is not the initiator's under the certificate of its KMS: an octet was "
      "altered, or somebody else wrote it",
      "ask the initiator to send it again; check that --cert or --peer-cert is the present one" },
    { KF_E_AUTH, "SAKKE", "the signature is good, but our key does not open it",
      "check that --keys holds the present key set of this user; else ask the initiator" },
    { KF_E_DENIED, "IDRi",
      "the initiator is not the one that --from names, or no --allow rule lets it send such a key",
      "when it may: add --allow KIND=URI, or correct --from" },
    { KF_E_STATE, "IDRkmsi", "no certificate given is of the initiator's KMS, or it is not valid",
      "give its certificate with --peer-cert" },
    { KF_E_UNSUPPORTED, "HDR.cs_map_type", "this layout is accepted from old peers only",
      "for such a peer: add --compat streamwide-legacy" },
};

/* Where in the message a field is that a rule, not the parser, refused. */
typedef struct finder {
    kf_trace trace; /* first */
    const char *field;
    size_t at;
    bool found;
} finder;

static void look(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    static const struct {
        const char *field;
        uint8_t role, hidden_role;
    } roles[] = {
        { "IDRi", MIKEY_ROLE_INITIATOR, MIKEY_ROLE_INITIATOR_UID },
        { "IDRr", MIKEY_ROLE_RESPONDER, MIKEY_ROLE_RESPONDER_UID },
    };
    finder *f = (finder *)trace;
    bool here = strcmp(field, f->field) == 0;
    for (size_t i = 0; i < KF_COUNT(roles); i++)
        here = here || (strcmp(f->field, roles[i].field) == 0 && strcmp(field, "IDR.role") == 0 &&
                        (octets.ptr[0] == roles[i].role || octets.ptr[0] == roles[i].hidden_role));
    if (here && !f->found) {
        f->at = at;
        f->found = true;
    }
}

static void explain_time(const receiver *r, kf_time sent, out_error *e)
{
    char when[KF_TIME_TEXT_OCTETS], now[KF_TIME_TEXT_OCTETS];
    kf_time_format(sent, when);
    kf_time_format(r->mikey.now, now);
    out_why(e, "it was sent at %s and it is %s: more than %lld seconds apart", when, now,
            (long long)r->mikey.window_s);
    out_do(e, "check the clocks; for a stored message give --now %s or --any-time", when);
}

/* Keys of the right user but not of the period? */
static const mcsec_user_keys *same_user(const receiver *r, const mikey_message *m)
{
    kf_slice uri = m->idr[MIKEY_ROLE_RESPONDER].id;
    kf_slice kms = m->idr[MIKEY_ROLE_RESPONDER_KMS].id;
    for (size_t i = 0; uri.len > 0 && i < r->ring.key_count; i++) {
        const mcsec_user_keys *k = r->ring.keys[i];
        if (kf_slice_equal(uri, mcsec_user_keys_uri(k)) &&
            kf_slice_equal(kms, mcsec_domain_kms_uri(mcsec_user_keys_domain(k))))
            return k;
    }
    return NULL;
}

static void explain_period(const mcsec_user_keys *k, const receiver *r, kf_time sent, out_error *e)
{
    mcsec_period period = mcsec_domain_period(mcsec_user_keys_domain(k));
    unsigned long long n = (unsigned long long)mcsec_period_number(period, sent);
    char uri[256], have[128] = "";
    for (size_t i = 0; i < r->ring.key_count; i++) {
        size_t used = strlen(have);
        if (kf_slice_equal(mcsec_user_keys_uri(r->ring.keys[i]), mcsec_user_keys_uri(k)))
            snprintf(have + used, sizeof have - used, "%s%llu", used == 0 ? "" : ", ",
                     (unsigned long long)mcsec_user_keys_period(r->ring.keys[i]));
    }
    e->field = "keys";
    e->has_at = false;
    out_why(e, "it is of key period %llu, and --keys has only %s of this user", n, have);
    out_do(e, "get that key set: keyferry kms issue DOMAIN --user %s --period %llu",
           out_escape(mcsec_user_keys_uri(k), uri, sizeof uri), n);
}

static void explain_recipient(const receiver *r, const mikey_message *m, kf_time sent, out_error *e)
{
    char uri[256];
    const mcsec_user_keys *k = same_user(r, m);
    kf_slice to = m->idr[MIKEY_ROLE_RESPONDER].id;
    if (k != NULL) {
        explain_period(k, r, sent, e);
        return;
    }
    if (to.len > 0)
        out_why(e, "it is for %s, and --keys has no key set of that user",
                out_escape(to, uri, sizeof uri));
    else
        out_why(e, "its recipient is hidden, and no key set in --keys has that UID: it is for "
                   "somebody else, or for another key period");
    out_do(e, "give the recipient's key sets with --keys; nobody else can open it");
}

cli_status receiver_refused(const cli_call *call, const receiver *r, kf_slice octets,
                            const kf_fault *fault)
{
    mikey_message m;
    kf_fault ignored;
    out_error e = out_error_fault(fault);
    const char *field = fault->field == NULL ? "" : fault->field;

    out_what(&e, "the message was not opened");
    out_do(&e, "see: keyferry explain FILE");
    for (size_t i = 0; i < KF_COUNT(reasons); i++)
        if (fault->code == reasons[i].code && strcmp(field, reasons[i].field) == 0) {
            out_why(&e, "%s", reasons[i].why);
            out_do(&e, "%s", reasons[i].remedy);
        }
    finder f = { .trace = { look }, .field = field };
    bool judged = fault->code == KF_E_STATE || fault->code == KF_E_DENIED;
    if (judged && mikey_message_parse(octets, &f.trace, &m, &ignored) == KF_OK) {
        e.at = f.found ? f.at : e.at;
        kf_time sent = kf_time_unfold_ntp32((uint32_t)(m.ntp >> 32), r->mikey.now);
        if (strcmp(field, "T.ts_value") == 0)
            explain_time(r, sent, &e);
        if (strcmp(field, "IDRr") == 0)
            explain_recipient(r, &m, sent, &e);
    }
    out_report(call->out, &e);
    return CLI_REFUSED;
}

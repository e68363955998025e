#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "file.h"
#include "keyfile.h"
#include "receiver.h"
#include "srtp.h"

/* --- what was learned, as lines and as JSON --------------------------------------------------- */

typedef struct learned {
    const cli_call *call;
    const mikey_opened *o;
    bool reveal;
} learned;

static const char *kind_of(const mikey_opened *o)
{
    const char *name = keyfile_kind_name(o->purpose);
    return name != NULL ? name : mcsec_purpose_name(o->purpose);
}

static bool is_usable(const mikey_opened *o)
{
    return o->state == MIKEY_KEY_USABLE || o->state == MIKEY_KEY_NOT_YET;
}

static kf_slice recipient(const mikey_opened *o)
{
    kf_slice plain = o->message.idr[MIKEY_ROLE_RESPONDER].id;
    return plain.len > 0 || o->via_self ? plain : mcsec_user_keys_uri(o->used);
}

static void time_line(const out_sink *to, const char *name, kf_time t)
{
    char text[KF_TIME_TEXT_OCTETS];
    kf_time_format(t, text);
    out_line(to, name, "%s", text);
}

static void text_line(const out_sink *to, const char *name, kf_slice text)
{
    out_line(to, name, "%.*s", (int)text.len, (const char *)text.ptr);
}

static void session_lines(const out_sink *to, const mikey_message *m)
{
    for (size_t i = 0; i < m->session_count; i++) {
        out_line(to, "session", "CS ID %u, %zu policies", m->sessions[i].cs_id,
                 m->sessions[i].policy_count);
        out_hex_line(to, "  MKI", m->sessions[i].spi);
    }
    for (size_t i = 0; i < m->sp_count; i++) {
        out_line(to, "policy", "%u, %zu parameters", m->sp[i].policy_no, m->sp[i].count);
        for (size_t k = 0; k < m->sp[i].count; k++) {
            char name[16];
            snprintf(name, sizeof name, "  type %u", m->sp[i].params[k].type);
            out_hex_line(to, name, m->sp[i].params[k].value);
        }
    }
}

static void params_lines(const out_sink *to, const mikey_opened *o)
{
    if (o->has_params && o->params.text.len > 0)
        text_line(to, "text", o->params.text);
    for (size_t i = 0; o->has_params && i < o->params.group_count; i++)
        text_line(to, "group", o->params.groups[i]);
}

static void compat_lines(const out_sink *to, unsigned used)
{
    for (unsigned i = 0; mikey_compat_name(i) != NULL; i++)
        if ((used & 1u << i) != 0)
            out_line(to, "compat", "%s was needed", mikey_compat_name(i));
}

/* The SRTP keys that this message's own CSB ID gives: for reveal only. */
static uint8_t cs_id_of(const mikey_opened *o)
{
    return o->message.session_count > 0 ? o->message.sessions[0].cs_id
           : o->purpose == MCSEC_GMK    ? 4
           : o->purpose == MCSEC_CSK    ? 6
                                        : 0;
}

static void srtp_lines(const learned *l)
{
    srtp_keys keys;
    if (srtp_keys_derive(l->o->key, l->o->message.csb_id, cs_id_of(l->o), l->o->message.rand,
                         &keys) != KF_OK)
        return;
    srtp_keys_print(l->call->out, &keys, true);
    srtp_keys_clear(&keys);
}

static void print_lines(const learned *l)
{
    const out_sink *to = l->call->out;
    const mikey_opened *o = l->o;

    out_line(to, "kind", "%s", kind_of(o));
    out_line(to, "state", "%s", mikey_key_state_name(o->state));
    out_line(to, "key id", "%08x", (unsigned)o->key_id);
    out_line(to, "CSB ID", "%08x", (unsigned)o->message.csb_id);
    if (o->initiator_uri.len > 0)
        text_line(to, "initiator", o->initiator_uri);
    else
        out_line(to, "initiator", "hidden; its UID follows");
    out_hex_line(to, "initiator UID", KF_SLICE_OF(o->initiator_uid));
    text_line(to, "initiator KMS", o->message.idr[MIKEY_ROLE_INITIATOR_KMS].id);
    if (recipient(o).len > 0)
        text_line(to, "recipient", recipient(o));
    else
        out_line(to, "recipient", "hidden");
    text_line(to, "recipient KMS", o->message.idr[MIKEY_ROLE_RESPONDER_KMS].id);
    if (o->via_self)
        out_line(to, "opened by", "its initiator, through SAKKE-to-self");
    out_line(to, "key period", "%llu", (unsigned long long)mcsec_user_keys_period(o->used));
    time_line(to, "sent", o->sent);
    time_line(to, "active from", o->active_from);
    time_line(to, "expires", o->expires);
    params_lines(to, o);
    out_hex_line(to, "RAND", o->message.rand);
    session_lines(to, &o->message);
    compat_lines(to, o->compat_used);
    if (o->key != NULL)
        out_line(to, "key octets", "%zu", kf_secret_len(o->key));
    if (l->reveal && o->key != NULL) {
        out_hex_line(to, "key", kf_secret_view(o->key));
        srtp_lines(l);
    }
}

static json_t *sessions_json(const mikey_message *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->session_count; i++) {
        json_t *policies = json_array();
        for (size_t k = 0; k < m->sessions[i].policy_count; k++)
            json_array_append_new(policies, json_integer(m->sessions[i].policies[k]));
        json_array_append_new(list, json_pack("{s:i, s:o, s:o}", "cs_id", (int)m->sessions[i].cs_id,
                                              "policies", policies, "mki",
                                              out_json_hex(m->sessions[i].spi)));
    }
    return list;
}

static json_t *policies_json(const mikey_message *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->sp_count; i++) {
        json_t *params = json_object();
        for (size_t k = 0; k < m->sp[i].count; k++) {
            char type[8];
            snprintf(type, sizeof type, "%u", m->sp[i].params[k].type);
            json_object_set_new(params, type, out_json_hex(m->sp[i].params[k].value));
        }
        json_array_append_new(list, json_pack("{s:i, s:o}", "policy_no", (int)m->sp[i].policy_no,
                                              "parameters", params));
    }
    return list;
}

static json_t *groups_json(const mikey_opened *o)
{
    json_t *list = json_array();
    for (size_t i = 0; o->has_params && i < o->params.group_count; i++)
        json_array_append_new(list, out_json_text(o->params.groups[i]));
    return list;
}

static json_t *compat_json(unsigned used)
{
    json_t *list = json_array();
    for (unsigned i = 0; mikey_compat_name(i) != NULL; i++)
        if ((used & 1u << i) != 0)
            json_array_append_new(list, json_string(mikey_compat_name(i)));
    return list;
}

static void set(json_t *to, const char *name, json_t *value)
{
    json_object_set_new(to, name, value);
}

static void add_revealed(const learned *l, json_t *to)
{
    srtp_keys keys;
    set(to, "key", out_json_hex(kf_secret_view(l->o->key)));
    if (srtp_keys_derive(l->o->key, l->o->message.csb_id, cs_id_of(l->o), l->o->message.rand,
                         &keys) != KF_OK)
        return;
    set(to, "srtp", srtp_keys_json(&keys, true));
    srtp_keys_clear(&keys);
}

static json_t *learned_json(const learned *l)
{
    const mikey_opened *o = l->o;
    json_t *j = json_object();
    set(j, "kind", json_string(kind_of(o)));
    set(j, "state", json_string(mikey_key_state_name(o->state)));
    set(j, "key_id", json_sprintf("%08x", (unsigned)o->key_id));
    set(j, "csb_id", json_sprintf("%08x", (unsigned)o->message.csb_id));
    set(j, "initiator", o->initiator_uri.len > 0 ? out_json_text(o->initiator_uri) : json_null());
    set(j, "initiator_uid", out_json_hex(KF_SLICE_OF(o->initiator_uid)));
    set(j, "initiator_kms", out_json_text(o->message.idr[MIKEY_ROLE_INITIATOR_KMS].id));
    set(j, "recipient", recipient(o).len > 0 ? out_json_text(recipient(o)) : json_null());
    set(j, "recipient_kms", out_json_text(o->message.idr[MIKEY_ROLE_RESPONDER_KMS].id));
    set(j, "via_self", json_boolean(o->via_self));
    set(j, "period", json_integer((json_int_t)mcsec_user_keys_period(o->used)));
    set(j, "sent", out_json_time(o->sent));
    set(j, "active_from", out_json_time(o->active_from));
    set(j, "expires", out_json_time(o->expires));
    set(j, "has_params", json_boolean(o->has_params));
    set(j, "text", o->has_params ? out_json_text(o->params.text) : json_null());
    set(j, "groups", groups_json(o));
    set(j, "rand", out_json_hex(o->message.rand));
    set(j, "sessions", sessions_json(&o->message));
    set(j, "policies", policies_json(&o->message));
    set(j, "compat_used", compat_json(o->compat_used));
    set(j, "key_octets", json_integer((json_int_t)kf_secret_len(o->key)));
    if (l->reveal && o->key != NULL)
        add_revealed(l, j);
    return j;
}

/* --- the command ------------------------------------------------------------------------------ */

static out_error unusable(const mikey_opened *o)
{
    out_error e = out_error_of(KF_E_STATE);
    bool revoked = o->state == MIKEY_KEY_REVOKED;
    e.code = mikey_key_state_name(o->state);
    e.field = revoked ? "PARAMS.status" : "PARAMS.expiry";
    out_what(&e, "the key %08x is %s and was not given out", (unsigned)o->key_id, e.code);
    out_why(&e, "%s",
            revoked ? "its initiator says so, under a good signature"
                    : "its expiry time, or the key period it was sealed in, is over");
    out_do(&e, "%s",
           revoked ? "stop using the key of that identifier at once"
                   : "ask the initiator for a new key");
    return e;
}

static cli_status keep(const learned *l)
{
    const mikey_opened *o = l->o;
    const char *path = cli_text(l->call, "out");
    keyfile f = { .complete = true, .purpose = (mcsec_purpose)o->purpose, .key_id = o->key_id };

    if (path == NULL)
        return CLI_DONE;
    if (keyfile_kind_name(o->purpose) == NULL)
        return cli_misuse(l->call, "out", "keys of this kind are not kept",
                          "a key file holds a GMK, a PCK or a CSK", "open it without --out");
    f.rand_len = o->message.rand.len;
    memcpy(f.rand, o->message.rand.ptr, f.rand_len); /* its length has one octet on the wire */
    if (kf_secret_dup(o->key, &f.key) != KF_OK)
        return cli_give_up(l->call, "out", KF_E_NO_MEMORY);
    cli_status status = keyfile_write(l->call, "out", path, &f);
    keyfile_clear(&f);
    return status;
}

static cli_status tell(const learned *l)
{
    bool usable = is_usable(l->o);
    out_error e = unusable(l->o);
    cli_status status = usable ? keep(l) : CLI_REFUSED;

    if (usable && status != CLI_DONE)
        return status;
    if (l->call->out->json) {
        json_t *json = learned_json(l);
        if (!usable)
            set(json, "error", out_error_json(&e));
        return out_json(l->call->out, json) ? status : CLI_REFUSED;
    }
    print_lines(l);
    if (!usable)
        out_report(l->call->out, &e);
    return status;
}

static cli_status open_octets(const cli_call *call, const receiver *r, kf_slice octets)
{
    mikey_opened *o = calloc(1, sizeof *o);
    kf_fault fault;
    cli_status status = CLI_REFUSED;

    if (o == NULL)
        return cli_give_up(call, NULL, KF_E_NO_MEMORY);
    if (mikey_open_message(&r->mikey, octets, o, &fault) != KF_OK) {
        status = receiver_refused(call, r, octets, &fault);
    } else {
        const learned l = { call, o, cli_flag(call, "reveal") };
        status = tell(&l);
        if (r->anyone)
            out_say(call->out, "note: without --allow any initiator with a valid signature is "
                               "accepted");
        mikey_opened_clear(o);
    }
    free(o);
    return status;
}

static cli_status not_text(const cli_call *call, const explain_found *found, const kf_fault *fault)
{
    out_error e = out_error_fault(fault);
    out_what(&e, "the message cannot be read");
    if (found->form_because != NULL)
        out_why(&e, "it looks like %s because %s, but it is not", explain_form_name(found->form),
                found->form_because);
    out_do(&e, "give the whole message, as `keyferry mikey seal` prints it");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status read_message(const cli_call *call, kf_secret **octets)
{
    kf_secret *input = NULL;
    explain_found found;
    kf_fault fault;
    cli_status status =
        file_read(call, "FILE", cli_argument_at(call, 0), EXPLAIN_INPUT_MAX, &input);
    if (status == CLI_DONE &&
        explain_unwrap(kf_secret_view(input), &found, octets, &fault) != KF_OK)
        status = not_text(call, &found, &fault);
    kf_secret_free(&input);
    return status;
}

cli_status run_mikey_open(const cli_call *call)
{
    receiver r;
    kf_secret *octets = NULL;
    const char *out = cli_text(call, "out");

    cli_status status = receiver_init(call, &r);
    if (status == CLI_DONE && out != NULL)
        status = file_check_free(call, "out", out);
    if (status == CLI_DONE)
        status = read_message(call, &octets);
    if (status == CLI_DONE)
        status = open_octets(call, &r, kf_secret_view(octets));
    kf_secret_free(&octets);
    receiver_clear(&r);
    return status;
}

#include "explain/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/container.h"
#include "explain/escape.h"
#include "explain/recognise.h"
#include "explain/run.h"
#include "mcdata/protected_payload.h"
#include "mikey/key_params.h"

/* --- names ------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {
    [EXPLAIN_UNKNOWN] = "unknown",
    [EXPLAIN_I_MESSAGE] = "i-message",
    [EXPLAIN_PROTECTED] = "protected-payload",
    [EXPLAIN_KEY_PARAMS] = "key-parameters",
    [EXPLAIN_KMS_XML] = "kms-xml",
    [EXPLAIN_CONTAINER] = "container",
    [EXPLAIN_KMM] = "kmm",
    [EXPLAIN_KMM_FILL] = "kmm-keyfill",
    [EXPLAIN_DLI] = "dli",
    [EXPLAIN_DLD] = "dld",
    [EXPLAIN_INTERWORKING] = "interworking",
    [EXPLAIN_ISSI] = "issi-rtp",
    [EXPLAIN_EKC] = "ekc",
    [EXPLAIN_THREE_WIRE] = "three-wire",
};

const char *explain_kind_name(explain_kind kind)
{
    return kind_names[kind];
}

explain_kind explain_kind_named(kf_slice name)
{
    for (size_t i = 0; i < KF_COUNT(kind_names); i++)
        if (kf_slice_equal(name, kf_slice_str(kind_names[i])))
            return (explain_kind)i;
    return EXPLAIN_UNKNOWN;
}

const char *explain_form_name(explain_form form)
{
    static const char *const names[] = {
        [EXPLAIN_BINARY] = "binary",     [EXPLAIN_HEX] = "hex", [EXPLAIN_BASE64] = "base64",
        [EXPLAIN_KEY_MGMT] = "key-mgmt", [EXPLAIN_XML] = "xml",
    };
    return names[form];
}

/* --- telling ---------------------------------------------------------------------------------- */

void run_field(run *r, const explain_field *field)
{
    if (r->shown == EXPLAIN_FIELDS_MAX) {
        r->hidden++;
        return;
    }
    r->shown++;
    r->sink->field(r->sink, field);
}

void run_note(run *r, const char *fmt, ...)
{
    char text[EXPLAIN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->sink->note(r->sink, text);
}

static void on_field(kf_trace *trace, const char *field, size_t at, kf_slice octets)
{
    run *r = (run *)trace; /* the first member */
    char value[EXPLAIN_TEXT_MAX], meaning[EXPLAIN_TEXT_MAX];
    explain_field told;
    fields_describe(&r->context, field, r->base + at, octets, value, meaning, &told);
    run_field(r, &told);
}

void run_layer(run *r, const char *name, const char *clause, unsigned depth, size_t base,
               bool decrypted, kf_slice octets)
{
    const explain_layer layer = { name, clause, depth, base, decrypted, octets };
    r->base = 0;
    r->sink->layer(r->sink, &layer);
}

kf_reader run_listen(run *r, kf_slice octets)
{
    kf_reader reader = kf_reader_init(octets, r->fault);
    reader.trace = &r->trace;
    return reader;
}

/* --- layers ----------------------------------------------------------------------------------- */

kf_err run_protected(run *r, kf_slice octets, unsigned depth, size_t base)
{
    mcdata_protected m;
    run_layer(r, "MCData Protected Payload", "TS 33.180 8.5.4", depth, base, false, octets);
    kf_reader reader = run_listen(r, octets);
    mcdata_protected_decode(&reader, &m);
    return kf_reader_end(&reader, "PROTECTED");
}

static kf_err key_parameters(run *r, kf_slice octets, unsigned depth, size_t base, bool decrypted)
{
    mikey_key_params params;
    run_layer(r, "3GPP key parameters", "TS 33.180 E.6", depth, base, decrypted, octets);
    kf_reader reader = run_listen(r, octets);
    mikey_key_params_decode(&reader, &params);
    return kf_reader_end(&reader, "PARAMS");
}

/* What the keys of the caller open: who signed, which key, and the parameters inside. */
static kf_err opened(run *r, kf_slice octets)
{
    mikey_opened o;
    char uri[EXPLAIN_TEXT_MAX];
    kf_writer w = kf_writer_init((uint8_t *)uri, 200);

    kf_err err = mikey_open_message(r->options->receiver, octets, &o, r->fault);
    if (err != KF_OK)
        return err;
    explain_escape(o.initiator_uri, 200, &w);
    uri[w.len] = '\0';
    const char *purpose = mcsec_purpose_name(o.purpose);
    run_note(r, "signature good; initiator %s", w.len == 0 ? "hidden" : uri);
    run_note(r, "opened with keys of period %llu%s: %s %08x, %s",
             (unsigned long long)mcsec_user_keys_period(o.used),
             o.via_self ? " (SAKKE-to-self)" : "", purpose == NULL ? "key" : purpose,
             (unsigned)o.key_id, mikey_key_state_name(o.state));
    for (unsigned i = 0; mikey_compat_name(i) != NULL; i++)
        if ((o.compat_used & 1u << i) != 0)
            run_note(r, "accepted only because of the interop switch %s", mikey_compat_name(i));
    if (o.has_params)
        err = key_parameters(r, kf_secret_view(o.params_text), 2, 0, true);
    mikey_opened_clear(&o);
    return err;
}

static kf_err i_message(run *r, kf_slice octets)
{
    mikey_message m;
    run_layer(r, "MIKEY-SAKKE I_MESSAGE", "RFC 3830, 6043, 6509; TS 33.180 annex E", 0, 0, false,
              octets);
    kf_err err = mikey_message_parse(octets, &r->trace, &m, r->fault);
    if (err == KF_OK && m.key_params.len > 0 && m.map_type == MIKEY_MAP_SRTP_ID)
        run_note(r, "older layout: the key parameters are in clear, their key type one higher");
    else if (err == KF_OK && m.key_params.len > 0)
        err = run_protected(r, m.key_params, 1, m.key_params_at);
    if (err == KF_OK && r->options->receiver != NULL)
        err = opened(r, octets);
    return err;
}

static kf_err container(run *r, kf_slice octets)
{
    kf_container c;
    run_layer(r, "Keyferry sealed container", "crypto/container.h", 0, 0, false, octets);
    kf_reader reader = run_listen(r, octets);
    kf_container_decode(&reader, &c);
    kf_err err = kf_reader_end(&reader, "container");
    if (err == KF_OK && c.kind == KF_CONTAINER_KEY_FILE && r->options->passphrase.len > 0)
        err = run_key_file(r, octets);
    return err;
}

static kf_err by_kind(run *r, explain_kind kind, kf_slice octets)
{
    switch (kind) {
    case EXPLAIN_I_MESSAGE:
        return i_message(r, octets);
    case EXPLAIN_PROTECTED:
        return run_protected(r, octets, 0, 0);
    case EXPLAIN_KEY_PARAMS:
        return key_parameters(r, octets, 0, 0, false);
    case EXPLAIN_KMS_XML:
        run_layer(r, "KMS document", "TS 33.180 annex D.3", 0, 0, false, octets);
        return run_xml(r, octets);
    case EXPLAIN_CONTAINER:
        return container(r, octets);
    case EXPLAIN_KMM:
        return run_kmm(r, octets, P25_SIDE_OTAR, 0, 0, false);
    case EXPLAIN_KMM_FILL:
        return run_kmm(r, octets, P25_SIDE_KEYFILL, 0, 0, false);
    case EXPLAIN_DLI:
        return run_dli(r, octets, 0, 0);
    case EXPLAIN_DLD:
        return run_dld(r, octets);
    case EXPLAIN_INTERWORKING:
        return run_interworking(r, octets);
    case EXPLAIN_ISSI:
        return run_issi(r, octets);
    case EXPLAIN_EKC:
        return run_ekc(r, octets);
    case EXPLAIN_THREE_WIRE:
        return run_three_wire(r, octets);
    case EXPLAIN_UNKNOWN:
        break;
    }
    return kf_fault_set(r->fault, KF_E_UNSUPPORTED, 0, "message");
}

/* --- the text form ---------------------------------------------------------------------------- */

/* Without white space, which may break lines of hex and base64. */
static size_t strip(kf_slice from, uint8_t *to)
{
    size_t len = 0;
    for (size_t i = 0; i < from.len; i++)
        if (!explain_is_space(from.ptr[i]))
            to[len++] = from.ptr[i];
    return len;
}

static kf_err undo(const explain_found *found, kf_slice written, kf_secret **out)
{
    kf_secret *text = NULL, *octets = NULL;
    kf_err err = kf_secret_new(written.len, &text);
    if (err == KF_OK)
        err = kf_secret_new(written.len, &octets);
    if (err == KF_OK) {
        kf_slice bare = { kf_secret_view(text).ptr, strip(written, kf_secret_edit(text)) };
        kf_writer w = kf_writer_init(kf_secret_edit(octets), written.len);
        err = found->form == EXPLAIN_HEX ? kf_hex_read(bare, &w) : kf_base64_read(bare, &w);
        if (err == KF_OK)
            err = kf_secret_new_copy(kf_writer_slice(&w), out);
    }
    kf_secret_free(&text);
    kf_secret_free(&octets);
    return err;
}

kf_err explain_unwrap(kf_slice input, explain_found *found, kf_secret **out, kf_fault *fault)
{
    *out = NULL;
    *fault = (kf_fault){ KF_OK, 0, NULL };
    memset(found, 0, sizeof *found);
    found->kind_because = "its octets could not be read";
    if (input.len > EXPLAIN_INPUT_MAX)
        return kf_fault_set(fault, KF_E_NO_SPACE, EXPLAIN_INPUT_MAX, "message");
    explain_find_form(input, found);
    kf_slice written = kf_slice_part(input, found->at, found->len);
    bool text = found->form == EXPLAIN_HEX || found->form == EXPLAIN_BASE64 ||
                found->form == EXPLAIN_KEY_MGMT;
    kf_err err = text ? undo(found, written, out) : kf_secret_new_copy(written, out);
    if (err != KF_OK)
        return kf_fault_set(fault, err, found->at,
                            text ? explain_form_name(found->form) : "message");
    explain_find_kind(kf_secret_view(*out), found);
    return KF_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void tell_fault(run *r)
{
    const char *meaning = r->fault->code == KF_E_NO_SPACE
                              ? "larger or more deeply nested than is accepted"
                              : kf_err_text(r->fault->code);
    r->sink->fault(r->sink, r->fault, meaning);
}

kf_err explain_message(kf_slice input, const explain_options *options, explain_sink *sink,
                       kf_fault *fault)
{
    run r = { .trace = { on_field }, .options = options, .sink = sink, .fault = fault };
    kf_secret *octets = NULL;
    explain_found found;

    r.context.near = options->near;
    kf_err err = explain_unwrap(input, &found, &octets, fault);
    if (err == KF_OK && options->as != EXPLAIN_UNKNOWN) {
        found.kind = options->as;
        found.kind_because = "you said so";
    }
    if (found.form_because != NULL)
        sink->found(sink, &found);
    if (err == KF_OK)
        err = by_kind(&r, found.kind, kf_secret_view(octets));
    if (r.hidden > 0)
        run_note(&r, "%zu more fields are not shown", r.hidden);
    if (err != KF_OK)
        tell_fault(&r);
    kf_secret_free(&octets);
    return err;
}

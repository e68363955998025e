#include <string.h>

#include "explain/explain.h"
#include "file.h"
#include "keystore.h"
#include "receiver.h"

/* --- as JSON ---------------------------------------------------------------------------------- */

typedef struct json_sink {
    explain_sink sink; /* first */
    json_t *document, *layers, *notes, *fields;
} json_sink;

static void on_found(explain_sink *sink, const explain_found *f)
{
    json_sink *s = (json_sink *)sink;
    json_object_set_new(s->document, "form", json_string(explain_form_name(f->form)));
    json_object_set_new(s->document, "form_because", json_string(f->form_because));
    json_object_set_new(s->document, "kind", json_string(explain_kind_name(f->kind)));
    json_object_set_new(s->document, "kind_because", json_string(f->kind_because));
    json_object_set_new(s->document, "at", json_integer((json_int_t)f->at));
    json_object_set_new(s->document, "octets", json_integer((json_int_t)f->len));
}

static void on_layer(explain_sink *sink, const explain_layer *l)
{
    json_sink *s = (json_sink *)sink;
    s->fields = json_array();
    json_array_append_new(s->layers,
                          json_pack("{s:s, s:s, s:i, s:I, s:b, s:I, s:o}", "name", l->name,
                                    "clause", l->clause, "depth", (int)l->depth, "base",
                                    (json_int_t)l->base, "decrypted", l->decrypted, "octets",
                                    (json_int_t)l->octets.len, "fields", s->fields));
}

static void on_field(explain_sink *sink, const explain_field *f)
{
    json_sink *s = (json_sink *)sink;
    json_array_append_new(s->fields,
                          json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "field", f->field, "at",
                                    (json_int_t)f->at, "octets", (json_int_t)f->len, "value",
                                    f->value, "meaning", f->meaning, "clause", f->clause));
}

static void on_note(explain_sink *sink, const char *text)
{
    json_array_append_new(((json_sink *)sink)->notes, json_string(text));
}

static void on_fault(explain_sink *sink, const kf_fault *fault, const char *meaning)
{
    (void)sink; /* told as the error of the command */
    (void)fault;
    (void)meaning;
}

static void json_sink_init(json_sink *s)
{
    *s = (json_sink){ .sink = { on_found, on_layer, on_field, on_note, on_fault },
                      .document = json_object(),
                      .layers = json_array(),
                      .notes = json_array() };
    json_object_set_new(s->document, "layers", s->layers);
    json_object_set_new(s->document, "notes", s->notes);
}

/* --- the command ------------------------------------------------------------------------------ */

static void write_text(void *ctx, const char *text, size_t len)
{
    fwrite(text, 1, len, (FILE *)ctx);
}

static out_error bad_message(const kf_fault *fault)
{
    out_error e = out_error_fault(fault);
    bool unknown = fault->code == KF_E_UNSUPPORTED && fault->field != NULL &&
                   strcmp(fault->field, "message") == 0;
    out_what(&e, unknown ? "the message is not recognised" : "the message is bad");
    if (fault->code == KF_E_NO_SPACE)
        out_why(&e, "it is larger or more deeply nested than is accepted");
    if (unknown)
        out_why(&e, "no message we speak starts like this");
    out_do(&e, "%s",
           unknown ? "check that it is whole, or say what it is with --as"
           : fault->code == KF_E_AUTH
               ? "check that keys and passphrase are the right ones; if they "
                 "are, octets were altered on the way"
               : "show the field and offset to whoever made it");
    return e;
}

static cli_status tell(const cli_call *call, const explain_options *options, kf_slice input)
{
    kf_fault fault;
    if (!call->out->json) {
        explain_text text;
        explain_text_init(&text, write_text, call->out->data);
        if (explain_message(input, options, &text.sink, &fault) == KF_OK)
            return CLI_DONE;
        fflush(call->out->data);
        out_error e = bad_message(&fault);
        out_report(call->out, &e);
        return CLI_REFUSED;
    }
    json_sink s;
    json_sink_init(&s);
    kf_err err = explain_message(input, options, &s.sink, &fault);
    if (err != KF_OK) {
        out_error e = bad_message(&fault);
        json_object_set_new(s.document, "error", out_error_json(&e));
    }
    return out_json(call->out, s.document) && err == KF_OK ? CLI_DONE : CLI_REFUSED;
}

/* What opens things, from the options; --keys means another kind of file without --cert. */
typedef struct openers {
    receiver receiver;
    keystore keys;
    kf_secret *passphrase;
} openers;

static void openers_clear(openers *o)
{
    receiver_clear(&o->receiver);
    keystore_clear(&o->keys);
    kf_secret_free(&o->passphrase);
}

static cli_status openers_init(const cli_call *call, openers *o, explain_options *options)
{
    cli_status status = CLI_DONE;
    if (cli_given(call, "cert")) {
        status = receiver_init(call, &o->receiver);
        options->receiver = &o->receiver.mikey;
    } else if (cli_given(call, "keys")) {
        status = keystore_load(call, "keys", cli_text(call, "keys"), KEYSTORE_BY_CONTENT,
                               "passphrase-file", &o->keys);
        options->keys = &o->keys.file;
    } else if (cli_given(call, "passphrase-file")) { /* of the message, which is a key file */
        status = file_passphrase(call, false, &o->passphrase);
        options->passphrase = kf_secret_view(o->passphrase);
    }
    return status;
}

cli_status run_explain(const cli_call *call)
{
    openers o;
    kf_secret *input = NULL;
    explain_options options = { .near = cli_time(call, "now", keyring_now()) };

    if (cli_given(call, "cert") && !cli_given(call, "keys"))
        return cli_misuse(call, "keys", "--cert and --keys go together",
                          "a certificate alone opens nothing", NULL);
    if (cli_given(call, "as")) {
        options.as = explain_kind_named(cli_slice(call, "as"));
        if (options.as == EXPLAIN_UNKNOWN)
            return cli_misuse(call, "as", "--as names no kind of message",
                              "the value must be one of the listed words",
                              "keyferry help explain lists them");
    }
    memset(&o, 0, sizeof o);
    cli_status status = openers_init(call, &o, &options);
    if (status == CLI_DONE)
        status = file_read(call, "FILE", cli_argument_at(call, 0), EXPLAIN_INPUT_MAX, &input);
    if (status == CLI_DONE)
        status = tell(call, &options, kf_secret_view(input));
    kf_secret_free(&input);
    openers_clear(&o);
    return status;
}

/* One request to a vault, and what it says. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "file.h"
#include "vault_cli.h"

#define ANSWER_MS 300000u /* a rekey of a large group, a slow token */

typedef struct asking {
    const cli_call *call;
    wire_builder *request;
} asking;

static char *option_name(const wire_field *field, char out[WIRE_NAME_MAX + 1])
{
    (void)snprintf(out, WIRE_NAME_MAX + 1, "%s", field->name);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '_' ? '-' : *c;
    return out;
}

static cli_status put_file(asking *a, const char *field, const char *name, const char *path)
{
    kf_secret *octets = NULL;
    const bool is_passphrase = strncmp(field, "passphrase", 10) == 0;
    cli_status status = is_passphrase ? file_passphrase_at(a->call, field, path, &octets)
                                      : file_read(a->call, field, path, FILE_MAX, &octets);
    if (status == CLI_DONE)
        wire_put_octets(a->request, name, kf_secret_view(octets));
    kf_secret_free(&octets);
    return status;
}

static void put_number(asking *a, const wire_field *field, const char *name, const char *text)
{
    uint64_t number = 0;
    kf_time time = 0;
    if (vault_cli_is_time(field)) {
        (void)!kf_time_parse(kf_slice_str(text), &time); /* checked when the line was parsed */
        wire_put_int(a->request, name, time);
    } else {
        (void)!kf_decimal_read(kf_slice_str(text), &number);
        wire_put_int(a->request, name, (int64_t)number);
    }
}

/* The lines of a file, as elements of a list. */
static cli_status put_lines(asking *a, const char *field, const char *path)
{
    kf_secret *octets = NULL;
    cli_status status = file_read(a->call, field, path, FILE_MAX, &octets);
    kf_slice rest = kf_secret_view(octets);
    while (status == CLI_DONE && rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        const size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
        if (len > 0)
            wire_put_text(a->request, NULL, (kf_slice){ rest.ptr, len });
        rest = kf_slice_part(rest, len + (end == NULL ? 0 : 1), rest.len);
    }
    kf_secret_free(&octets);
    return status;
}

static cli_status put_list(asking *a, const wire_field *field, const char *option)
{
    const char *text = NULL;
    cli_status status = CLI_DONE;
    wire_open_list(a->request, field->name);
    for (size_t i = 0; status == CLI_DONE && (text = cli_each(a->call, option, i)) != NULL; i++) {
        if (field->of == WIRE_OCTETS)
            status = put_file(a, field->name, NULL, text);
        else if (field->of == WIRE_INT)
            put_number(a, field, NULL, text);
        else if (text[0] == '@')
            status = put_lines(a, option, text + 1);
        else
            wire_put_text(a->request, NULL, kf_slice_str(text));
    }
    wire_close(a->request);
    return status;
}

static cli_status put_field(asking *a, const wire_field *field)
{
    char option[WIRE_NAME_MAX + 1];
    const char *text = cli_text(a->call, option_name(field, option));
    if (text == NULL)
        return CLI_DONE;
    switch (field->type) {
    case WIRE_BOOL:
        wire_put_bool(a->request, field->name, true);
        break;
    case WIRE_INT:
        put_number(a, field, field->name, text);
        break;
    case WIRE_TEXT:
        wire_put_text(a->request, field->name, kf_slice_str(text));
        break;
    case WIRE_OCTETS:
        return put_file(a, field->name, field->name, text);
    case WIRE_LIST:
        return put_list(a, field, option);
    case WIRE_MAP:
        return cli_misuse(a->call, field->name, "this cannot be given on a command line",
                          "it has fields of its own", NULL);
    }
    return CLI_DONE;
}

static cli_status put_request(asking *a)
{
    const vault_verb *verb = a->call->command->verb;
    cli_status status = CLI_DONE;
    wire_open_map(a->request, NULL);
    wire_put_text_z(a->request, "verb", verb->name);
    if (verb->access == VAULT_WRITES && cli_flag(a->call, "plan"))
        wire_put_bool(a->request, "plan", true);
    for (const wire_field *f = verb->fields; status == CLI_DONE && f != NULL && f->name != NULL;
         f++)
        status = put_field(a, f);
    wire_close(a->request);
    return status;
}

/* ---- before anything is asked ---- */

/* Shares exist nowhere but in the answer. */
static cli_status check_out(const cli_call *call)
{
    struct stat s;
    const char *dir = cli_text(call, "out-dir"), *text = NULL;
    bool makes_shares = false;
    for (const cli_option *o = call->command->options; o->name != NULL; o++)
        makes_shares |= strcmp(o->name, "passphrases") == 0 && cli_given(call, o->name);
    if (makes_shares && dir == NULL)
        return cli_misuse(call, "out-dir", "option --out-dir is missing",
                          "the officers' shares must go somewhere, and are made only once", NULL);
    if (dir != NULL && (stat(dir, &s) != 0 || !S_ISDIR(s.st_mode) || access(dir, W_OK) != 0))
        return cli_misuse(call, "out-dir", "option --out-dir names no directory to write to",
                          "what the vault answers would be lost", "make the directory first");
    for (size_t i = 0; (text = cli_each(call, "out", i)) != NULL; i++) {
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text || equals[1] == '\0')
            return cli_misuse(call, "out", "option --out has a bad value",
                              "it is NAME=FILE, as certificate=example.cert", NULL);
        cli_status status = file_check_free(call, "out", equals + 1);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

/* ---- the answer ---- */

static void on_progress(void *ctx, uint64_t done, uint64_t total, kf_slice text)
{
    const cli_call *call = ctx;
    char safe[160];
    if (!call->out->json)
        fprintf(call->out->talk, "keyferry: %s: %llu of %llu\n",
                out_escape(text, safe, sizeof safe), (unsigned long long)done,
                (unsigned long long)total);
}

static void take_text(const wire_value *map, const char *name, char *out, size_t size)
{
    const kf_slice text = wire_get_text(map, name);
    (void)snprintf(out, size, "%.*s", (int)text.len, (const char *)text.ptr);
}

static cli_status show_refusal(const cli_call *call, const wire_value *map)
{
    char code[64], field[64], text[OUT_TEXT_MAX];
    const wire_value *more = wire_get(map, "more");
    vault_answer none = { .call = call };
    out_error e = out_error_of(KF_E_DENIED);
    take_text(map, "code", code, sizeof code);
    take_text(map, "field", field, sizeof field);
    e.code = code[0] == '\0' ? "refused" : code;
    e.field = field[0] == '\0' ? NULL : field;
    take_text(map, "what", text, sizeof text);
    out_what(&e, "%s", text);
    take_text(map, "why", text, sizeof text);
    out_why(&e, "%s", text);
    take_text(map, "do", text, sizeof text);
    out_do(&e, "%s", text);
    const bool has_more = more != NULL && more->count > 0;
    if (!call->out->json) {
        out_report(call->out, &e);
        if (has_more)
            vault_show_map(&none, call->out->talk, more);
        return CLI_REFUSED;
    }
    json_t *error = out_error_json(&e);
    if (has_more)
        (void)json_object_set_new(error, "more", vault_json_of(&none, more));
    (void)out_json(call->out, json_pack("{s:o}", "error", error));
    return CLI_REFUSED;
}

static cli_status take_answer(const cli_call *call, const wire_outcome *outcome)
{
    vault_answer answer = { .call = call, .map = outcome->map };
    if (!outcome->is_done)
        return show_refusal(call, outcome->map);
    const cli_status saved = vault_answer_save(&answer);
    /* What was not saved is shown, so that nothing is lost; a second JSON document is not. */
    const cli_status shown =
        saved == CLI_DONE || !call->out->json ? vault_answer_show(&answer) : CLI_REFUSED;
    vault_answer_clear(&answer);
    return saved == CLI_DONE ? shown : saved;
}

static cli_status unreachable(const cli_call *call, const char *what, const char *why)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "vault-unreachable";
    e.field = "vault";
    out_what(&e, "%s", what);
    out_why(&e, "%s", why);
    out_do(&e, "look whether keyferryd vault runs there, and at its log: it names whom it refused");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status ask(asking *a, const wire_client_config *config)
{
    char why[256] = "";
    wire_client *client = NULL;
    wire_outcome outcome = { .is_done = false };
    kf_err err = wire_connect(config, &client, why, sizeof why);
    if (err != KF_OK)
        return unreachable(a->call, "there is no vault to talk to",
                           why[0] == '\0' ? kf_err_text(err) : why);
    union { /* the callback's context; it is only read */
        const cli_call *in;
        void *out;
    } ctx = { .in = a->call };
    err = wire_ask(client, a->request, on_progress, ctx.out, &outcome);
    cli_status status = err == KF_OK
                            ? take_answer(a->call, &outcome)
                            : unreachable(a->call, "the vault did not answer", kf_err_text(err));
    wire_outcome_clear(&outcome);
    wire_disconnect(&client);
    return status;
}

cli_status vault_cli_run(const cli_call *call)
{
    asking a = { .call = call };
    const char *address = cli_text(call, "vault");
    if (address == NULL)
        address = getenv("KEYFERRY_VAULT");
    if (address == NULL || address[0] == '\0')
        return cli_misuse(call, "vault", "option --vault is missing",
                          "neither it nor KEYFERRY_VAULT names the vault to ask", NULL);
    const wire_client_config config = { .address = address,
                                        .cert = cli_text(call, "tls-cert"),
                                        .key = cli_text(call, "tls-key"),
                                        .ca = cli_text(call, "tls-ca"),
                                        .server_name = cli_text(call, "tls-name"),
                                        .timeout_ms = ANSWER_MS };
    cli_status status = check_out(call);
    if (status != CLI_DONE)
        return status;
    if (wire_builder_new(&a.request) != KF_OK)
        return cli_give_up(call, NULL, KF_E_NO_MEMORY);
    status = put_request(&a);
    if (status == CLI_DONE)
        status = ask(&a, &config);
    wire_builder_free(&a.request);
    return status;
}

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "crypto/random.h"
#include "file.h"
#include "lab/config.h"
#include "lab/control.h"
#include "lab/kmf_node.h"
#include "lab/unit_node.h"

#define PATH_OCTETS 4096u
#define ANSWER_MAX  (32u << 20)
#define TRY_EACH_MS 20

/* ---- configurations ---- */

static const char kmf_template[] =
    "rsi: 9999999                     # of the KMF\n"
    "listen: 127.64.41.1:64414        # UDP; 64414 is the port of OTAR\n"
    "control: kmf.sock                # for `keyferry p25 ctl`\n"
    "state: kmf-state                 # directory, sealed under the passphrase\n"
    "passphrase_file: passphrase\n"
    "key_file: fleet.keyfile          # UKEKs: KEKs with an RSI, of `keyferry keys generate`\n"
    "key_passphrase_file: passphrase\n"
    "mac: auto                        # auto, cbc, cmac-c, cmac-d\n"
    "first_scheme: cmac-d\n"
    "retry_seconds: 5\n"
    "tries: 4\n"
    "# capture: otar.pcap             # every datagram in and out\n"
    "groups:\n"
    "  - { sln: 1, name: fire }\n"
    "  - { sln: 2, name: command }\n"
    "units:                           # an address may be left out: it is learned\n"
    "  - { rsi: 1001, level: basic, groups: [1, 2], address: \"127.64.41.2:64414\" }\n"
    "  - { rsi: 1002, level: basic, groups: [1] }\n";

static const char unit_template[] =
    "rsi: 1001\n"
    "kmf_rsi: 9999999\n"
    "listen: 127.64.41.2:64414\n"
    "kmf: 127.64.41.1:64414\n"
    "control: unit.sock\n"
    "state: unit-state\n"
    "passphrase_file: passphrase\n"
    "key_file: radio1001.keyfile      # loaded when the state is new, and by `load-keys`\n"
    "key_passphrase_file: passphrase2\n"
    "level: basic                     # basic, enhanced\n"
    "mac: auto\n"
    "first_scheme: cmac-d\n"
    "voice: 127.64.41.2:50000         # where voice packets arrive\n"
    "# capture: unit.pcap\n";

static cli_status print_template(const cli_call *call, const char *text)
{
    if (call->out->json)
        return out_json(call->out, json_pack("{s:s}", "template", text)) ? CLI_DONE : CLI_REFUSED;
    fputs(text, call->out->data);
    return CLI_DONE;
}

static cli_status report(const cli_call *call, const lab_trouble *t)
{
    out_error e = out_error_of(KF_OK);
    e.code = t->code;
    e.field = t->field[0] == '\0' ? NULL : t->field;
    out_what(&e, "%s", t->what);
    out_why(&e, "%s", t->why);
    out_do(&e, "%s", t->remedy);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status bad_config(const cli_call *call, const char *path, const lab_config_fault *fault,
                             kf_err err)
{
    out_error e = out_error_of(err);
    e.code = "config";
    e.field = fault->field[0] == '\0' ? NULL : fault->field;
    if (fault->line > 0)
        out_what(&e, "the configuration %s, line %zu, is not good", path, fault->line);
    else
        out_what(&e, "the configuration %s is not good", path);
    out_why(&e, "%s", fault->why[0] == '\0' ? kf_err_text(err) : fault->why);
    out_do(&e, "correct it; for one to begin with: keyferry %s --template", call->command->path);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* File names in a configuration start from its directory. */
static const char *directory_of(const char *path, char *copy, size_t size)
{
    snprintf(copy, size, "%s", path);
    return strchr(copy, '/') == NULL ? "" : dirname(copy);
}

/* ---- events ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static void print_event(void *ctx, const json_t *event)
{
    const cli_call *call = ctx;
    const out_sink *o = call->out;
    if (o->json) {
        (void)json_dumpf(event, o->data, JSON_COMPACT);
        fputc('\n', o->data);
    } else {
        const json_t *rsi = json_object_get(event, "rsi");
        fprintf(o->data, "%s ", text_of(event, "time"));
        if (rsi != NULL)
            fprintf(o->data, "%-8lld ", (long long)json_integer_value(rsi));
        fprintf(o->data, "%s", text_of(event, "say"));
        if (json_object_get(event, "kid") != NULL)
            fprintf(o->data, " (key ID %s)", text_of(event, "kid"));
        fputc('\n', o->data);
    }
    fflush(o->data);
}

static cli_status setup_of(const cli_call *call, lab_setup *setup)
{
    const uint64_t log2n = cli_number(call, "scrypt-log2n", KF_SCRYPT_DEFAULT.log2_n);
    if (log2n < 10 || log2n > 18)
        return cli_misuse(call, "scrypt-log2n", "option --scrypt-log2n has a bad value",
                          "it must be from 10 to 18", NULL);
    if (cli_number(call, "for", 0) > 86400)
        return cli_misuse(call, "for", "option --for has a bad value",
                          "it must be at most 86400 seconds", NULL);
    setup->cost = KF_SCRYPT_DEFAULT;
    setup->cost.log2_n = (uint8_t)log2n;
    setup->rng = kf_random();
    setup->listener = (lab_listener){ print_event, (void *)(uintptr_t)call };
    return CLI_DONE;
}

/* ---- kmf, unit ---- */

static cli_status serve_kmf(const cli_call *call, const lab_kmf_config *config,
                            const lab_setup *setup)
{
    lab_kmf_node *kn = NULL;
    lab_trouble t;
    kf_err err = lab_kmf_node_new(config, setup, &kn, &t);
    if (err == KF_OK)
        err = lab_kmf_node_run(kn, (uint32_t)cli_number(call, "for", 0), &t);
    lab_kmf_node_free(&kn);
    return err == KF_OK ? CLI_DONE : report(call, &t);
}

static cli_status serve_unit(const cli_call *call, const lab_unit_config *config,
                             const lab_setup *setup)
{
    lab_unit_node *un = NULL;
    lab_trouble t;
    kf_err err = lab_unit_node_new(config, setup, &un, &t);
    if (err == KF_OK)
        err = lab_unit_node_run(un, (uint32_t)cli_number(call, "for", 0), &t);
    lab_unit_node_free(&un);
    return err == KF_OK ? CLI_DONE : report(call, &t);
}

static cli_status run_kmf(const cli_call *call, const char *path, kf_slice yaml,
                          const lab_setup *setup)
{
    static lab_kmf_config config;
    lab_config_fault fault = { .line = 0 };
    char copy[PATH_OCTETS];
    const kf_err err =
        lab_kmf_config_read(yaml, directory_of(path, copy, sizeof copy), &config, &fault);
    if (err != KF_OK)
        return bad_config(call, path, &fault, err);
    const cli_status status = serve_kmf(call, &config, setup);
    lab_kmf_config_clear(&config);
    return status;
}

static cli_status run_unit(const cli_call *call, const char *path, kf_slice yaml,
                           const lab_setup *setup)
{
    static lab_unit_config config;
    lab_config_fault fault = { .line = 0 };
    char copy[PATH_OCTETS];
    const kf_err err =
        lab_unit_config_read(yaml, directory_of(path, copy, sizeof copy), &config, &fault);
    if (err != KF_OK)
        return bad_config(call, path, &fault, err);
    return serve_unit(call, &config, setup);
}

static cli_status run_node(const cli_call *call, const char *template_text,
                           cli_status (*run)(const cli_call *call, const char *path, kf_slice yaml,
                                             const lab_setup *setup))
{
    const char *path = cli_argument_at(call, 0);
    kf_secret *yaml = NULL;
    lab_setup setup;
    if (cli_flag(call, "template"))
        return print_template(call, template_text);
    if (path == NULL)
        return cli_misuse(call, "CONFIG", "argument CONFIG is missing",
                          "it names the configuration",
                          "give one; --template prints one to begin with");
    cli_status status = setup_of(call, &setup);
    if (status == CLI_DONE)
        status = file_read(call, "CONFIG", path, LAB_CONFIG_MAX, &yaml);
    if (status == CLI_DONE)
        status = run(call, path, kf_secret_view(yaml), &setup);
    kf_secret_free(&yaml);
    return status;
}

cli_status run_p25_kmf(const cli_call *call)
{
    return run_node(call, kmf_template, run_kmf);
}

cli_status run_p25_unit(const cli_call *call)
{
    return run_node(call, unit_template, run_unit);
}

/* ---- ctl: the request ---- */

static cli_status no_answer(const cli_call *call, const char *what, const char *why,
                            const char *remedy)
{
    out_error e = out_error_of(KF_E_BACKEND);
    e.code = "control";
    e.field = "SOCKET";
    out_what(&e, "%s", what);
    out_why(&e, "%s", why);
    out_do(&e, "%s", remedy);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static bool is_word(const char *text)
{
    const char *p = text;
    while (*p > ' ' && *p < 0x7f)
        p++;
    return *p == '\0' && p != text;
}

static cli_status make_line(const cli_call *call, char line[LAB_CONTROL_LINE_MAX], size_t *len)
{
    *len = 0;
    for (size_t i = 1; cli_argument_at(call, i) != NULL; i++) {
        const char *word = cli_argument_at(call, i);
        if (!is_word(word))
            return cli_misuse(call, "WORD", "a word cannot be sent",
                              "it is empty, or has a space or another sign that is not plain",
                              "give one word of the request in each argument");
        if (*len + strlen(word) + 2 > LAB_CONTROL_LINE_MAX)
            return cli_misuse(call, "WORD", "the request is too long",
                              "it has more than 1,023 characters", "ask: help");
        *len += (size_t)snprintf(line + *len, LAB_CONTROL_LINE_MAX - *len, "%s%s",
                                 i == 1 ? "" : " ", word);
    }
    line[(*len)++] = '\n';
    return CLI_DONE;
}

/* A node may be on its way up: nothing listens yet. */
static int dial(const char *path, uint64_t wait_seconds)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const struct timespec pause = { 0, TRY_EACH_MS * 1000000L };
    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, strlen(path) + 1);
    for (uint64_t tries = wait_seconds * 1000 / TRY_EACH_MS;; tries--) {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof name) == 0)
            return fd;
        const int saved = errno;
        (void)close(fd);
        errno = saved;
        if (tries == 0 || (saved != ENOENT && saved != ECONNREFUSED))
            return -1;
        (void)nanosleep(&pause, NULL);
    }
}

static bool send_line(int fd, const char *line, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(fd, line, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        line += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Up to the end of the first line. For free(); NULL: none came. */
static char *read_line(int fd, size_t *len)
{
    char *text = NULL;
    size_t room = 0;
    for (*len = 0;;) {
        if (*len + 1 >= room) {
            room = room == 0 ? 8192 : room * 2;
            char *more = room > ANSWER_MAX ? NULL : realloc(text, room);
            if (more == NULL)
                break;
            text = more;
        }
        const ssize_t n = recv(fd, text + *len, room - *len - 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        *len += (size_t)n;
        if (text[*len - 1] == '\n')
            return text;
    }
    free(text);
    return NULL;
}

/* ---- ctl: the answer ---- */

static void scalar_text(const json_t *value, char *buf, size_t size)
{
    if (json_is_string(value))
        out_escape(kf_slice_str(json_string_value(value)), buf, size);
    else if (json_is_integer(value))
        snprintf(buf, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
    else
        snprintf(buf, size, "-");
}

static void print_scalar_list(const cli_call *call, const char *name, json_t *list)
{
    char text[1000] = "", one[64];
    size_t i = 0, len = 0;
    json_t *value = NULL;
    json_array_foreach(list, i, value)
    {
        scalar_text(value, one, sizeof one);
        if (len + strlen(one) + 2 < sizeof text)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", one);
    }
    out_line(call->out, name, "%s", text);
}

/* Columns as wide as their widest text. */
static void print_table(const cli_call *call, const char *name, json_t *rows)
{
    json_t *first = json_array_get(rows, 0), *row = NULL, *value = NULL;
    char text[96];
    size_t i = 0;
    const char *column = NULL;
    fprintf(call->out->data, "%s\n", name);
    for (int line = -1; line < (int)json_array_size(rows); line++) {
        json_object_foreach(first, column, value)
        {
            size_t width = strlen(column);
            json_array_foreach(rows, i, row)
            {
                scalar_text(json_object_get(row, column), text, sizeof text);
                width = strlen(text) > width ? strlen(text) : width;
            }
            if (line < 0)
                snprintf(text, sizeof text, "%s", column);
            else
                scalar_text(json_object_get(json_array_get(rows, (size_t)line), column), text,
                            sizeof text);
            fprintf(call->out->data, "  %-*s", (int)width, text);
        }
        fputc('\n', call->out->data);
    }
}

static void print_member(const cli_call *call, const char *name, json_t *value)
{
    char text[600];
    const char *inner = NULL;
    json_t *part = NULL;
    if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        print_table(call, name, value);
    } else if (json_is_array(value)) {
        print_scalar_list(call, name, value);
    } else if (json_is_object(value)) {
        json_object_foreach(value, inner, part)
        {
            char both[64];
            snprintf(both, sizeof both, "%s.%s", name, inner);
            scalar_text(part, text, sizeof text);
            out_line(call->out, both, "%s", text);
        }
    } else {
        scalar_text(value, text, sizeof text);
        out_line(call->out, name, "%s", text);
    }
}

static void print_refusal(const cli_call *call, const json_t *answer)
{
    const json_t *field = json_object_get(answer, "field"), *at = json_object_get(answer, "at");
    out_error e = out_error_of(KF_E_STATE);
    e.code = text_of(answer, "code");
    e.field = json_string_value(field);
    e.has_at = json_is_integer(at);
    e.at = e.has_at ? (size_t)json_integer_value(at) : 0;
    out_what(&e, "%s", text_of(answer, "what"));
    out_why(&e, "%s", text_of(answer, "why"));
    out_do(&e, "%s", text_of(answer, "do"));
    out_report(call->out, &e);
}

static cli_status print_answer(const cli_call *call, const char *line, size_t len)
{
    json_t *answer = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *name = NULL;
    json_t *value = NULL;
    if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok"))) {
        json_decref(answer);
        return no_answer(call, "the answer is not understood", "it is no answer of a lab node",
                         "check which process serves the socket");
    }
    const bool ok = json_is_true(json_object_get(answer, "ok"));
    if (call->out->json) {
        fwrite(line, 1, len, call->out->data);
    } else if (!ok) {
        print_refusal(call, answer);
    } else if (json_object_size(answer) == 1) {
        fprintf(call->out->data, "done\n");
    } else {
        json_object_foreach(answer, name, value) if (strcmp(name, "ok") != 0)
            print_member(call, name, value);
    }
    json_decref(answer);
    return ok ? CLI_DONE : CLI_REFUSED;
}

cli_status run_p25_ctl(const cli_call *call)
{
    const char *path = cli_argument_at(call, 0);
    char line[LAB_CONTROL_LINE_MAX];
    size_t len = 0;
    cli_status status = make_line(call, line, &len);
    if (status != CLI_DONE)
        return status;
    const uint64_t wait = cli_number(call, "wait", 0);
    if (wait > 3600)
        return cli_misuse(call, "wait", "option --wait has a bad value",
                          "it must be at most 3600 seconds", NULL);
    const int fd = dial(path, wait);
    if (fd < 0)
        return no_answer(call, "nothing answers at the control socket", strerror(errno),
                         "start the node, or give the socket that `control` in its "
                         "configuration names; --wait SECONDS waits for it");
    char *answer = send_line(fd, line, len) ? read_line(fd, &len) : NULL;
    (void)close(fd);
    if (answer == NULL)
        return no_answer(call, "the request was not answered",
                         "the node closed the connection: it ended, or is too busy",
                         "look at what it printed last");
    status = print_answer(call, answer, len);
    free(answer);
    return status;
}

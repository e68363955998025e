#include "keystore.h"

#include <string.h>

#include "crypto/container.h"
#include "file.h"
#include "keyfill/box.h"
#include "keyfill/csv.h"
#include "keyfill/ekc.h"
#include "p25/ids.h"

#define PASSPHRASE_MAX 1024u
#define NAME_SHOWN     64u

static const char *const format_names[] = {
    [KEYSTORE_BY_CONTENT] = "unknown",
    [KEYSTORE_CONTAINER] = "container",
    [KEYSTORE_EKC] = "ekc",
    [KEYSTORE_CSV] = "csv",
};

const char *keystore_format_name(keystore_format format)
{
    return format_names[format];
}

keystore_format keystore_format_named(const char *word)
{
    for (size_t i = KEYSTORE_CONTAINER; word != NULL && i < KF_COUNT(format_names); i++)
        if (strcmp(word, format_names[i]) == 0)
            return (keystore_format)i;
    return KEYSTORE_BY_CONTENT;
}

void keystore_clear(keystore *store)
{
    keyfill_file_clear(&store->file);
    keyfill_findings_clear(&store->findings);
    kf_secret_free(&store->passphrase);
    *store = (keystore){ .of_reading = 0 };
}

const char *keystore_title(const keyfill_file *file, size_t entry, char *buf, size_t size)
{
    char name[NAME_SHOWN + 1];
    kf_slice text = keyfill_name_view(&file->entries[entry].name);
    if (text.len == 0)
        snprintf(buf, size, "key %zu (no name)", entry + 1);
    else
        snprintf(buf, size, "key %zu \"%s\"", entry + 1, out_escape(text, name, sizeof name));
    return buf;
}

/* --- passphrase ------------------------------------------------------------------------------- */

/* Without its line end; empty when it is not exactly one line. */
static kf_slice only_line(kf_slice text)
{
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    if (end != NULL && (size_t)(end - text.ptr) + 1 != text.len)
        return (kf_slice){ NULL, 0 };
    text.len -= end != NULL;
    text.len -= text.len > 0 && text.ptr[text.len - 1] == '\r';
    return text;
}

static cli_status bad_passphrase(const cli_call *call, const char *option, const char *path)
{
    out_error e = out_error_of(KF_E_MALFORMED);
    e.field = option;
    out_what(&e, "will not use the passphrase in %s", path);
    out_why(&e, "it must be one line of text that is not empty");
    out_do(&e, "write it to a file of its own, mode 0600");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

cli_status keystore_passphrase(const cli_call *call, const char *option, const char *purpose,
                               kf_secret **out)
{
    const char *path = cli_text(call, option);
    kf_secret *text = NULL;
    char what[96], remedy[96];

    *out = NULL;
    if (path == NULL) {
        snprintf(what, sizeof what, "--%s is needed", option);
        snprintf(remedy, sizeof remedy, "put it in a file and give --%s FILE", option);
        return cli_misuse(call, option, what, purpose, remedy);
    }
    file_warn_if_open(call, path);
    cli_status status = file_read(call, option, path, PASSPHRASE_MAX, &text);
    kf_slice line = only_line(kf_secret_view(text));
    if (status == CLI_DONE && line.len == 0)
        status = bad_passphrase(call, option, path);
    else if (status == CLI_DONE && kf_secret_new_copy(line, out) != KF_OK)
        status = cli_give_up(call, option, KF_E_NO_MEMORY);
    kf_secret_free(&text);
    return status;
}

static cli_status passphrase_of(const cli_call *call, const char *option, kf_secret **out)
{
    return strcmp(option, "passphrase-file") == 0
               ? file_passphrase(call, false, out)
               : keystore_passphrase(call, option, "the file is encrypted under a passphrase", out);
}

/* --- which format ----------------------------------------------------------------------------- */

static bool starts(kf_slice s, size_t at, const char *text)
{
    return kf_slice_equal(kf_slice_part(s, at, strlen(text)), kf_slice_str(text));
}

static bool is_separator(uint8_t c)
{
    return c == ',' || c == ';' || c == '\t';
}

/* A first line of printable text with a separator in it. */
static bool looks_like_csv(kf_slice s)
{
    bool found = false;
    for (size_t i = 0; i < s.len && s.ptr[i] != '\n'; i++) {
        if (s.ptr[i] < ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            return false;
        found |= is_separator(s.ptr[i]);
    }
    return found && !starts(s, 0, "<");
}

static keystore_format recognise(kf_slice octets)
{
    if (starts(octets, 0, "KFSEALED"))
        return KEYSTORE_CONTAINER;
    if (starts(octets, 4, "\x1f\x8b"))
        return KEYSTORE_EKC;
    return looks_like_csv(octets) ? KEYSTORE_CSV : KEYSTORE_BY_CONTENT;
}

static cli_status not_recognised(const cli_call *call, const char *field, const char *path,
                                 kf_slice octets)
{
    out_error e = out_error_of(KF_E_UNSUPPORTED);
    e.field = field;
    out_what(&e, "%s is no file of P25 keys", path);
    if (starts(octets, 0, "<")) {
        out_why(&e, "it is XML, such as the key sets of a KMS, which are for MIKEY");
        out_do(&e, "give those together with --cert");
    } else {
        out_why(&e, "it is neither a sealed container of ours nor a .ekc nor CSV");
        out_do(&e, "check that it is the right file and whole, or say what it is with --as");
    }
    out_report(call->out, &e);
    return CLI_REFUSED;
}

/* --- reading ---------------------------------------------------------------------------------- */

static cli_status refused(const cli_call *call, const char *path, const kf_fault *fault)
{
    out_error e = out_error_fault(fault);
    out_what(&e, "cannot open %s", path);
    if (fault->code == KF_E_AUTH) {
        e.has_at = false;
        out_why(&e, "the passphrase is wrong, or the file was altered");
        out_do(&e, "try the passphrase again, or take a backup");
    } else if (fault->code == KF_E_STATE) {
        out_why(&e, "it is sealed, and something else than P25 keys is inside");
        out_do(&e, "see what it is: keyferry explain %s", path);
    } else if (fault->code == KF_E_NO_SPACE) {
        out_why(&e, "something in it is larger than any honest file has");
        out_do(&e, "do not use it; have it made again");
    } else {
        out_do(&e, "see where it is bad: keyferry explain %s", path);
    }
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status csv_refused(const cli_call *call, const char *path,
                              const keyfill_csv_fault *fault)
{
    out_error e = out_error_fault(&fault->fault);
    out_what(&e, "%s, line %zu, column %zu", path, fault->line, fault->column);
    if (fault->why != NULL)
        out_why(&e, "%s", fault->why);
    out_do(&e, "mend the line and try again; see `keyferry help keys import` for the columns");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status read_csv(const cli_call *call, const char *path, kf_slice octets, keystore *out)
{
    keyfill_csv_fault fault = { .line = 0 };
    if (keyfill_csv_read(octets, &out->file, &out->findings, &fault) != KF_OK)
        return csv_refused(call, path, &fault);
    return CLI_DONE;
}

/* What is outside of the encryption is judged before anybody is asked for a passphrase. */
static kf_err look_outside(kf_slice octets, keystore_format format, kf_fault *fault)
{
    kf_container container;
    keyfill_ekc_outer outer;
    if (format == KEYSTORE_EKC)
        return keyfill_ekc_read_outer(octets, &outer, fault);
    kf_err err = kf_container_parse(octets, &container, fault);
    if (err == KF_OK && container.kind != KF_CONTAINER_KEY_FILE)
        err = kf_fault_set(fault, KF_E_STATE, 0, "container.kind");
    return err;
}

static cli_status read_sealed(const cli_call *call, const char *path, kf_slice octets,
                              const char *passphrase_option, keystore *out)
{
    kf_fault fault = { KF_OK, 0, NULL };
    if (look_outside(octets, out->format, &fault) != KF_OK)
        return refused(call, path, &fault);
    cli_status status = passphrase_of(call, passphrase_option, &out->passphrase);
    if (status != CLI_DONE)
        return status;
    kf_slice words = kf_secret_view(out->passphrase);
    kf_err err = out->format == KEYSTORE_EKC
                     ? keyfill_ekc_read(octets, words, KEYFILL_EKC_ITERATIONS_MAX, &out->file,
                                        &out->findings, &fault)
                     : keyfill_box_open(octets, words, &out->file, &fault);
    return err == KF_OK ? CLI_DONE : refused(call, path, &fault);
}

cli_status keystore_check(const cli_call *call, keystore *store)
{
    store->findings.count = store->of_reading;
    kf_err err = keyfill_check(&store->file, &store->findings);
    return err == KF_OK ? CLI_DONE : cli_give_up(call, NULL, err);
}

cli_status keystore_load(const cli_call *call, const char *field, const char *path,
                         keystore_format as, const char *passphrase_option, keystore *out)
{
    kf_secret *content = NULL;

    *out = (keystore){ .format = as };
    file_warn_if_open(call, path);
    cli_status status = file_read(call, field, path, FILE_MAX, &content);
    if (status != CLI_DONE)
        return status;
    kf_slice octets = kf_secret_view(content);
    if (as == KEYSTORE_BY_CONTENT)
        out->format = recognise(octets);
    if (out->format == KEYSTORE_BY_CONTENT)
        status = not_recognised(call, field, path, octets);
    else if (out->format == KEYSTORE_CSV)
        status = read_csv(call, path, octets, out);
    else
        status = read_sealed(call, path, octets, passphrase_option, out);
    kf_secret_free(&content);
    out->of_reading = out->findings.count;
    if (status == CLI_DONE)
        status = keystore_check(call, out);
    if (status != CLI_DONE)
        keystore_clear(out);
    return status;
}

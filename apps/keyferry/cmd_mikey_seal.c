#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "crypto/random.h"
#include "file.h"
#include "keyfile.h"
#include "keyring.h"
#include "mikey/mikey.h"

/* One sealing: what the options gave, and what is freed at the end. */
typedef struct job {
    const cli_call *call;
    keyring ours, theirs;
    keyfile key;
    mikey_key_params params;
    mikey_seal seal;
    uint8_t message[MIKEY_MESSAGE_MAX];
    size_t message_len;
} job;

/* --- whose keys ------------------------------------------------------------------------------- */

static bool may_send(const job *j, const mcsec_user_keys *k)
{
    kf_slice from = cli_slice(j->call, "from");
    return from.len == 0 || kf_slice_equal(from, mcsec_user_keys_uri(k));
}

static cli_status no_sender(const job *j)
{
    char user[256] = "the initiator", start[KF_TIME_TEXT_OCTETS], have[128] = "";
    const mcsec_domain *home = mcsec_user_keys_domain(j->ours.keys[0]);
    uint64_t n = mcsec_period_number(mcsec_domain_period(home), j->seal.now);
    bool known = false;

    for (size_t i = 0; i < j->ours.key_count; i++) {
        const mcsec_user_keys *k = j->ours.keys[i];
        size_t used = strlen(have);
        if (!may_send(j, k))
            continue;
        known = true;
        out_escape(mcsec_user_keys_uri(k), user, sizeof user);
        snprintf(have + used, sizeof have - used, "%s%llu", used == 0 ? "" : ", ",
                 (unsigned long long)mcsec_user_keys_period(k));
    }
    out_error e = out_error_of(KF_E_STATE);
    e.field = known ? "keys" : "from";
    kf_time_format(mcsec_period_start(mcsec_domain_period(home), n), start);
    out_what(&e, "--keys has no key set of %s for now", known ? user : cli_text(j->call, "from"));
    out_why(&e, "key period %llu, which began at %s, is missing; %s%s", (unsigned long long)n,
            start, known ? "there is: " : "no period of that user is there", have);
    out_do(&e, "get it from the KMS: keyferry kms issue DOMAIN --user %s --period %llu",
           known ? user : cli_text(j->call, "from"), (unsigned long long)n);
    out_report(j->call->out, &e);
    return CLI_REFUSED;
}

/* The key set of the period that holds now; of one user only. */
static cli_status choose_sender(job *j)
{
    for (size_t i = 0; i < j->ours.key_count; i++) {
        const mcsec_user_keys *k = j->ours.keys[i];
        mcsec_period period = mcsec_domain_period(mcsec_user_keys_domain(k));
        if (!may_send(j, k) ||
            mcsec_user_keys_period(k) != mcsec_period_number(period, j->seal.now))
            continue;
        if (j->seal.from != NULL &&
            !kf_slice_equal(mcsec_user_keys_uri(j->seal.from), mcsec_user_keys_uri(k)))
            return cli_misuse(j->call, "from", "which user of --keys is the initiator?",
                              "the file holds key sets of several users", "add --from URI");
        j->seal.from = k;
    }
    return j->seal.from == NULL ? no_sender(j) : CLI_DONE;
}

static cli_status load_keys(job *j)
{
    mcsec_id_form form = (j->seal.compat & MIKEY_COMPAT_HEX_ID) != 0 ? MCSEC_ID_HEX : MCSEC_ID_UID;
    const char *peer = cli_text(j->call, "peer-cert");
    cli_status status = keyring_add_domains(j->call, "cert", cli_text(j->call, "cert"), &j->ours);
    if (status == CLI_DONE)
        status = keyring_add_keys(j->call, "keys", cli_text(j->call, "keys"), form, &j->ours);
    if (status == CLI_DONE && peer != NULL)
        status = keyring_add_domains(j->call, "peer-cert", peer, &j->theirs);
    if (status == CLI_DONE && j->theirs.domain_count > 1)
        status = cli_misuse(j->call, "peer-cert", "which certificate is the recipient's?",
                            "the file holds several", "give a file with one certificate");
    if (status == CLI_DONE)
        status = choose_sender(j);
    if (status == CLI_DONE)
        j->seal.to_domain = j->theirs.domain_count > 0 ? j->theirs.domains[0]
                                                       : mcsec_user_keys_domain(j->seal.from);
    return status;
}

/* --- which key -------------------------------------------------------------------------------- */

static cli_status key_id(job *j)
{
    const char *text = cli_text(j->call, "key-id");
    uint32_t id = 0;
    if (text == NULL && j->key.complete)
        return CLI_DONE;
    if (text == NULL) {
        kf_err err = mcsec_keyid_new(j->key.purpose, kf_random(), &j->key.key_id);
        return err == KF_OK ? CLI_DONE : cli_give_up(j->call, "key-id", err);
    }
    if (!keyfile_id_parse(kf_slice_str(text), &id) || mcsec_keyid_tag(id) != j->key.purpose)
        return cli_misuse(j->call, "key-id", "this is not an identifier of such a key",
                          "it has eight hex digits, the first 0 for a GMK, 1 for a PCK, 2 for a "
                          "CSK",
                          NULL);
    if (j->key.complete && id != j->key.key_id)
        return cli_misuse(j->call, "key-id", "it differs from that of --key-file",
                          "a key has one identifier", "leave out --key-id");
    j->key.key_id = id;
    return CLI_DONE;
}

static cli_status choose_key(job *j)
{
    const char *path = cli_text(j->call, "key-file");
    mcsec_purpose purpose = (mcsec_purpose)keyfile_kind_named(cli_slice(j->call, "kind"));
    if (path == NULL) {
        size_t octets = strcmp(cli_text(j->call, "key-bits"), "256") == 0 ? 32 : 16;
        kf_err err = kf_secret_new_random(kf_random(), octets, &j->key.key);
        if (err != KF_OK)
            return cli_give_up(j->call, NULL, err);
        j->key.purpose = purpose;
        return key_id(j);
    }
    cli_status status = keyfile_read(j->call, "key-file", path, &j->key);
    if (status != CLI_DONE)
        return status;
    if (j->key.complete && j->key.purpose != purpose)
        return cli_misuse(j->call, "kind", "the key in --key-file is of another kind",
                          "its identifier says what it is for", "give the kind of that key");
    j->key.purpose = purpose;
    return key_id(j);
}

/* --- key parameters --------------------------------------------------------------------------- */

static cli_status check_params_options(const job *j)
{
    static const char *const of_params[] = { "group", "activate", "expire", "text", "revoked" };
    const cli_call *call = j->call;
    kf_time start = cli_time(call, "activate", 1), end = cli_time(call, "expire", INT64_MAX);

    for (size_t i = 0; cli_flag(call, "no-params") && i < KF_COUNT(of_params); i++)
        if (cli_given(call, of_params[i]))
            return cli_misuse(call, of_params[i], "it needs key parameters",
                              "--no-params leaves them out", "drop one of the two");
    if (cli_given(call, "group") && strcmp(cli_text(call, "kind"), "gmk") != 0)
        return cli_misuse(call, "group", "only a GMK is for groups",
                          "key parameters of other kinds have no group IDs (TS 33.180 E.6.3)",
                          NULL);
    if (cli_flag(call, "revoked") && !cli_given(call, "key-file"))
        return cli_misuse(call, "revoked", "which key is revoked?",
                          "a fresh key is not one that anybody holds", "add --key-file FILE");
    if (start < 1 || start >= INT64_C(1) << 40 || end < 1 ||
        (cli_given(call, "expire") && end >= INT64_C(1) << 40))
        return cli_misuse(call, "activate", "a time is outside what key parameters hold",
                          "they hold 40 bits of seconds after 1970", NULL);
    if (end <= start || end <= j->seal.now)
        return cli_misuse(call, "expire", "the key would never be usable",
                          "it expires before it is active, or before now", NULL);
    return CLI_DONE;
}

static cli_status make_params(job *j)
{
    mikey_key_params *p = &j->params;
    cli_status status = check_params_options(j);
    const char *group = NULL;

    if (status != CLI_DONE || cli_flag(j->call, "no-params"))
        return status;
    p->key_type = j->seal.purpose;
    p->status = cli_flag(j->call, "revoked") ? 0 : MIKEY_STATUS_NOT_REVOKED;
    p->activation = (uint64_t)cli_time(j->call, "activate", 0);
    p->expiry = (uint64_t)cli_time(j->call, "expire", 0);
    p->text = cli_slice(j->call, "text");
    for (size_t i = 0; (group = cli_each(j->call, "group", i)) != NULL; i++)
        p->groups[p->group_count++] = kf_slice_str(group); /* fewer than CLI_VALUES_MAX */
    j->seal.params = p;
    return CLI_DONE;
}

/* --- sealing ---------------------------------------------------------------------------------- */

static cli_status seal_refused(const job *j, const kf_fault *fault)
{
    static const struct {
        const char *field, *why, *remedy;
    } rows[] = {
        { "seal.to_uri", "a URI has 1 to 1,024 octets without white space", "check --to" },
        { "seal.params", "a text or group is too long, or a group ID is empty",
          "shorten --text or --group" },
        { "seal.from.domain", "our certificate is revoked or not valid now",
          "get the present certificate of our KMS for --cert" },
        { "seal.to_domain", "the recipient's certificate is revoked or not valid now",
          "get the present certificate of the recipient's KMS" },
    };
    out_error e = out_error_fault(fault);
    e.has_at = false; /* nothing was read: no offset */
    out_what(&e, "the key was not sealed");
    out_do(&e, "check the options; see: keyferry mikey seal --help");
    for (size_t i = 0; i < KF_COUNT(rows); i++)
        if (fault->field != NULL && strcmp(fault->field, rows[i].field) == 0) {
            out_why(&e, "%s", rows[i].why);
            out_do(&e, "%s", rows[i].remedy);
        }
    out_report(j->call->out, &e);
    return CLI_REFUSED;
}

static cli_status make_message(job *j)
{
    kf_writer w = kf_writer_init(j->message, sizeof j->message);
    kf_fault fault;
    j->seal.key = j->key.key;
    j->seal.key_id = j->key.key_id;
    /* spec: TS 33.180 7.4.2 - members agree on SRTP keys only if all get the same RAND */
    j->seal.rand = (kf_slice){ j->key.rand, j->key.rand_len };
    /* The next member of a group must be given the RAND of the first: SRTP keys derive from it. */
    j->seal.rand = (kf_slice){ j->key.rand, j->key.rand_len };
    if (mikey_seal_message(&j->seal, kf_random(), &w, &fault) != KF_OK)
        return seal_refused(j, &fault);
    j->message_len = w.len;
    return CLI_DONE;
}

/* --- telling ---------------------------------------------------------------------------------- */

static cli_status print_json(const job *j, const mikey_message *m, const char *base64, size_t len)
{
    return out_json(j->call->out,
                    json_pack("{s:s%, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:b}", "i_message",
                              base64, len, "kind", keyfile_kind_name(j->seal.purpose), "key_id",
                              json_sprintf("%08x", (unsigned)j->seal.key_id), "csb_id",
                              json_sprintf("%08x", (unsigned)m->csb_id), "from",
                              out_json_text(mcsec_user_keys_uri(j->seal.from)), "to",
                              out_json_text(j->seal.to_uri), "period",
                              (json_int_t)mcsec_user_keys_period(j->seal.from), "rand",
                              out_json_hex(m->rand), "revoked", cli_flag(j->call, "revoked"),
                              "hidden", j->seal.hide))
               ? CLI_DONE
               : CLI_REFUSED;
}

static cli_status print_message(const job *j, const mikey_message *m)
{
    uint8_t base64[KF_BASE64_CHARS(MIKEY_MESSAGE_MAX)];
    kf_writer w = kf_writer_init(base64, sizeof base64);
    kf_base64_write(&w, (kf_slice){ j->message, j->message_len });
    if (j->call->out->json)
        return print_json(j, m, (const char *)base64, w.len);
    fprintf(j->call->out->data, "%.*s\n", (int)w.len, (const char *)base64);
    return CLI_DONE;
}

static cli_status finish(job *j)
{
    mikey_message m;
    kf_fault fault;
    const char *path = cli_text(j->call, "out");
    cli_status status = CLI_DONE;

    kf_err err = mikey_message_parse((kf_slice){ j->message, j->message_len }, NULL, &m, &fault);
    if (err != KF_OK)
        return cli_give_up(j->call, fault.field, err);
    if (path != NULL) {
        j->key.rand_len = m.rand.len;
        memcpy(j->key.rand, m.rand.ptr, m.rand.len);
        status = keyfile_write(j->call, "out", path, &j->key);
    } else if (!cli_given(j->call, "key-file")) {
        out_say(j->call->out, "note: this key is kept nowhere else; --out FILE keeps it");
    }
    return status == CLI_DONE ? print_message(j, &m) : status;
}

static cli_status work(job *j)
{
    const char *path = cli_text(j->call, "out");
    cli_status status = keyring_compat(j->call, &j->seal.compat);
    j->seal.now = cli_time(j->call, "now", keyring_now());
    j->seal.to_uri = cli_slice(j->call, "to");
    j->seal.purpose = (mcsec_purpose)keyfile_kind_named(cli_slice(j->call, "kind"));
    j->seal.to_self = cli_flag(j->call, "to-self");
    j->seal.hide = cli_flag(j->call, "hide");
    if (status == CLI_DONE)
        status = make_params(j);
    if (status == CLI_DONE && path != NULL)
        status = file_check_free(j->call, "out", path);
    if (status == CLI_DONE)
        status = choose_key(j);
    if (status == CLI_DONE)
        status = load_keys(j);
    if (status == CLI_DONE)
        status = make_message(j);
    return status == CLI_DONE ? finish(j) : status;
}

cli_status run_mikey_seal(const cli_call *call)
{
    job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return cli_give_up(call, NULL, KF_E_NO_MEMORY);
    j->call = call;
    cli_status status = work(j);
    keyring_clear(&j->ours);
    keyring_clear(&j->theirs);
    keyfile_clear(&j->key);
    free(j);
    return status;
}

/* What is done to a vault's files without the vault: key files, backups. */
#include <stdlib.h>

#include "crypto/random.h"
#include "file.h"
#include "seal/seal.h"
#include "store/store.h"
#include "vault/vault.h"

static const cli_command commands[] = {
    { .path = "vault keyfile",
      .summary = "make a key file: 32 random octets that can seal a vault",
      .about = "Keep it apart from the vault's store, and a copy of it elsewhere: without it the\n"
               "seal that is made with it opens for nobody.",
      .example = "keyferry vault keyfile --out vault.keyfile",
      .options = { { "out", "FILE", CLI_FILE, true, false, NULL, "file to make, mode 0600" } },
      .run = run_vault_keyfile },

    { .path = "vault verify",
      .summary = "check that a backup is whole",
      .about = "Without the vault and without any seal: what it holds stays wrapped.",
      .example = "keyferry vault verify vault.backup",
      .arguments = { { "BACKUP", true, false, "what `vault backup` made" } },
      .needs_vault = true,
      .run = run_vault_verify },

    { .path = "vault restore",
      .summary = "fill an empty store from a backup",
      .about = "The daemon must not run. What was done after the backup is lost, so the anchor\n"
               "will tell of a roll-back at the next unseal: move its file head away, and write\n"
               "down why.",
      .example = "keyferry vault restore vault.backup --store sqlite:restored.db",
      .arguments = { { "BACKUP", true, false, "what `vault backup` made" } },
      .options = { { "store", "STORE", CLI_TEXT, true, false, NULL,
                     "sqlite:PATH or postgresql:CONNINFO, as in the daemon's configuration" } },
      .needs_vault = true,
      .run = run_vault_restore },
};

const cli_section cli_vault_files = { { "vault", "the vault as a whole",
                                        "keyferry vault keyfile --out vault.keyfile" },
                                      commands,
                                      KF_COUNT(commands) };

cli_status run_vault_keyfile(const cli_call *call)
{
    const char *path = cli_text(call, "out");
    kf_secret *key = NULL;
    cli_status status = file_check_free(call, "out", path);
    if (status != CLI_DONE)
        return status;
    const kf_err err = kf_secret_new_random(kf_random(), SEAL_KEY_OCTETS, &key);
    status = err == KF_OK ? file_write(call, "out", path, kf_secret_view(key), FILE_KEEP)
                          : cli_give_up(call, "out", err);
    kf_secret_free(&key);
    if (status == CLI_DONE && call->out->json)
        return out_json(call->out, json_pack("{s:s}", "file", path)) ? CLI_DONE : CLI_REFUSED;
    return status;
}

static cli_status refuse(const cli_call *call, const char *field, const char *what, kf_err err,
                         const store_fault *fault, const char *remedy)
{
    out_error e = out_error_of(err);
    e.field = field;
    out_what(&e, "%s", what);
    out_why(&e, "%s", fault->text[0] == '\0' ? kf_err_text(err) : fault->text);
    out_do(&e, "%s", remedy);
    out_report(call->out, &e);
    return CLI_REFUSED;
}

static cli_status verify(const cli_call *call, const char *path)
{
    store_fault fault = { 0 };
    const kf_err err = store_verify(path, vault_schema, vault_schema_count, &fault);
    return err == KF_OK ? CLI_DONE
                        : refuse(call, "BACKUP", "the backup is not whole", err, &fault,
                                 "take another backup");
}

cli_status run_vault_verify(const cli_call *call)
{
    const char *path = cli_argument_at(call, 0);
    cli_status status = verify(call, path);
    if (status != CLI_DONE)
        return status;
    if (call->out->json)
        return out_json(call->out, json_pack("{s:s, s:b}", "file", path, "whole", 1)) ? CLI_DONE
                                                                                      : CLI_REFUSED;
    out_line(call->out, "whole:", "%s", path);
    return CLI_DONE;
}

cli_status run_vault_restore(const cli_call *call)
{
    const char *path = cli_argument_at(call, 0), *where = cli_text(call, "store");
    store_fault fault = { 0 };
    store *db = NULL;
    cli_status status = verify(call, path);
    if (status != CLI_DONE)
        return status;
    kf_err err = store_open(where, &db, &fault);
    if (err == KF_OK)
        err = store_migrate(db, vault_schema, vault_schema_count);
    if (err == KF_OK)
        err = store_restore(db, path, vault_schema, vault_schema_count);
    if (err != KF_OK && db != NULL)
        fault = *store_last_fault(db);
    store_close(&db);
    if (err != KF_OK)
        return refuse(call, "store", "the backup was not restored", err, &fault,
                      "name a store that is empty and that you may write to");
    if (call->out->json)
        return out_json(call->out, json_pack("{s:s, s:s}", "file", path, "store", where))
                   ? CLI_DONE
                   : CLI_REFUSED;
    out_line(call->out, "restored:", "%s", path);
    return CLI_DONE;
}

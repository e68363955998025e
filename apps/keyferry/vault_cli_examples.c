/* Examples of commands to a vault: a story that can be told in the order of the table, once the
 * daemon of keyferryd(8)'s example runs. Those of other roles than officer show the form. */
#include <string.h>

#include "vault_cli.h"

#define V "keyferry --vault unix:vault.sock "

static const struct {
    const char *verb, *example;
} examples[] = {
    { "vault init", V "vault init --passphrase passphrase" },
    { "vault seal", V "vault seal" },
    { "vault unseal", V "vault unseal --passphrase passphrase" },
    { "vault status", V "vault status" },
    { "vault add-seal", V "vault add-seal --label spare --key-file vault.keyfile" },
    { "vault remove-seal", V "vault remove-seal --label spare" },
    { "vault backup", V "vault backup --path vault.backup" },
    { "identity add", V "identity add --uri sip:iwf@example.org --certificate example.cert \\\n"
                        "    --keyset iwf.keys" },
    { "identity list", V "identity list" },
    { "kms create", V "kms create --uri kms.example.org" },
    { "kms certificate", V "kms certificate --out certificate=vault.cert" },
    { "kms identity", V "kms identity --uri sip:dispatch@example.org" },
    { "key generate", V "key generate --kind tek --sln 7 --slot 0 --name fire-1" },
    { "key list", V "key list --kind tek" },
    { "key show", V "key show --key 1" },
    { "unit add", V "unit add --name engine-1 --rsi 1001" },
    { "unit list", V "unit list" },
    { "unit show", V "unit show --unit engine-1" },
    { "unit lost", V "unit lost --unit engine-1 --plan" },
    { "group create", V "group create --group fire --slns 1" },
    { "group members", V "group members --group fire --add engine-1" },
    { "group rekey", V "group rekey --group fire --plan" },
    { "group show", V "group show --group fire" },
    { "group list", V "group list" },
    { "outbox list", V "outbox list --open" },
    { "outbox claim", "mkdir -p boxes\n" V "outbox claim --limit 10 --out-dir boxes" },
    { "audit list", V "audit list" },
    { "audit verify", V "audit verify" },
    { "proposal list", V "proposal list" },
    { "partner reserve", V "partner reserve --name state --what kid --low 40000 --high 40999" },
    { "partner list", V "partner list" },
};

const char *vault_cli_example(const char *verb)
{
    for (size_t i = 0; i < KF_COUNT(examples); i++)
        if (strcmp(examples[i].verb, verb) == 0)
            return examples[i].example;
    return NULL;
}

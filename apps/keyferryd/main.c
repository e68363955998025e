#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/secret.h"
#include "config.h"
#include "crypto/selftest.h"
#include "report.h"
#include "vaultd.h"

static const char help[] =
    "keyferryd: the daemons of keyferry\n"
    "\n"
    "Usage: keyferryd vault [OPTION]... CONFIG\n"
    "       keyferryd check [OPTION]... CONFIG\n"
    "\n"
    "Commands:\n"
    "  vault        run the vault of one organization: hold its keys, hand out sealed boxes\n"
    "  check        tell whether a configuration is right, and do nothing else\n"
    "\n"
    "Options:\n"
    "  --json       log as JSON, an object a line; refuse and report as JSON\n"
    "  --allow-root run as root although no user is configured\n"
    "  --help       tell this and do nothing else\n"
    "  --version    print the version and do nothing else\n"
    "\n"
    "Log lines go to standard error. SIGTERM and SIGINT stop it, SIGHUP takes the peers from the\n"
    "configuration anew. Exit status: 0 done, 1 refused, 2 usage. keyferryd(8) tells what a\n"
    "configuration holds.\n"
    "\n"
    "Example:\n"
    "  mkdir anchor\n"
    "  cat > vault.yaml <<END\n"
    "  organization: county\n"
    "  store: sqlite:vault.db\n"
    "  anchor: anchor\n"
    "  listen:\n"
    "    unix: { path: vault.sock }\n"
    "  peers:\n"
    "    - { name: ann, role: officer, uid: $(id -u) }\n"
    "  END\n"
    "  keyferryd check vault.yaml\n"
    "  keyferryd vault vault.yaml\n";

typedef enum status { DONE = 0, REFUSED = 1, USAGE = 2 } status;

static int misuse(bool as_json, const char *what, const char *why)
{
    report_refusal(as_json, "usage", what, why, "see: keyferryd --help");
    return USAGE;
}

static int check(const vaultd_options *o)
{
    char what[1024];
    config c;
    kf_yaml_fault fault;
    if (config_read_file(o->path, &c, &fault) != KF_OK) {
        const bool has_line = fault.line > 0;
        (void)snprintf(what, sizeof what, "%s%s%s%s", o->path, fault.field[0] == '\0' ? "" : ": ",
                       fault.field, has_line ? "" : " is not right");
        if (has_line)
            (void)snprintf(what + strlen(what), sizeof what - strlen(what), ", line %zu",
                           fault.line);
        report_refusal(o->as_json, "config", what, fault.why, "correct it and check again");
        return REFUSED;
    }
    if (o->as_json) {
        json_t *document = json_pack("{s:s, s:s, s:i}", "organization", c.organization, "config",
                                     o->path, "peers", (int)c.peer_count);
        (void)json_dumpf(document, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        json_decref(document);
    } else {
        printf("%s: right, the vault of %s with %zu peers\n", o->path, c.organization,
               c.peer_count);
    }
    config_clear(&c);
    return DONE;
}

static int vaultd(const vaultd_options *o)
{
    if (kf_crypto_selftest(NULL, NULL) != KF_OK) {
        report_refusal(o->as_json, "selftest", "a known answer came out wrong", "",
                       "run: keyferry selftest; then check the OpenSSL installation");
        return REFUSED;
    }
    return vaultd_run(o);
}

static int run(int argc, char *const argv[])
{
    vaultd_options o = { .path = NULL };
    const char *command = NULL;
    for (int i = 1; i < argc; i++)
        o.as_json = o.as_json || strcmp(argv[i], "--json") == 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("keyferryd " KEYFERRY_VERSION);
            return DONE;
        }
        if (strcmp(argv[i], "--allow-root") == 0)
            o.allow_root = true;
        else if (strcmp(argv[i], "--json") == 0)
            continue;
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            return misuse(o.as_json, "unknown option", argv[i]);
        else if (command == NULL)
            command = argv[i];
        else if (o.path == NULL)
            o.path = argv[i];
        else
            return misuse(o.as_json, "one argument too many", "there is one configuration");
    }
    if (command == NULL)
        return misuse(o.as_json, "no command given", "there is nothing to do");
    if (strcmp(command, "vault") != 0 && strcmp(command, "check") != 0)
        return misuse(o.as_json, "no such command", "it is vault or check");
    if (o.path == NULL)
        return misuse(o.as_json, "argument CONFIG is missing", "the command cannot do without it");
    return strcmp(command, "check") == 0 ? check(&o) : vaultd(&o);
}

int main(int argc, char *argv[])
{
    if (kf_process_harden() != KF_OK) {
        report_refusal(false, "backend", "this process cannot be protected",
                       "the system does not let it switch off core dumps and tracing",
                       "run it outside the sandbox or container that forbids prctl");
        return REFUSED;
    }
    return run(argc, argv);
}

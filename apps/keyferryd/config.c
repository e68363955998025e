#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml/load.h"

/* ---- what libcyaml fills in ---- */

typedef struct raw_unix {
    char path[CONFIG_PATH_MAX], mode[8];
} raw_unix;

typedef struct raw_tls {
    char address[64];
    char cert[CONFIG_PATH_MAX], key[CONFIG_PATH_MAX];
    char client_ca[CONFIG_PATH_MAX], crl[CONFIG_PATH_MAX];
} raw_tls;

typedef struct raw_listen {
    raw_unix *local;
    raw_tls *tls;
} raw_listen;

typedef struct raw_peer {
    char name[VAULT_NAME_MAX];
    int role;
    char uid[12], user[VAULT_NAME_MAX];
    char cn[WIRE_SUBJECT_MAX], fingerprint[65];
} raw_peer;

typedef struct raw_token {
    char module[CONFIG_PATH_MAX], token[VAULT_NAME_MAX], key[VAULT_NAME_MAX];
    char pin_file[CONFIG_PATH_MAX], broker[CONFIG_PATH_MAX];
    uint32_t timeout_ms;
} raw_token;

typedef struct raw_config {
    char organization[VAULT_NAME_MAX], store[CONFIG_STORE_MAX], anchor[CONFIG_PATH_MAX];
    char user[VAULT_NAME_MAX];
    raw_listen listen;
    raw_peer *peers;
    unsigned peers_count;
    raw_token *token;
    int auto_unseal;
    uint32_t threads;
} raw_config;

static const cyaml_strval_t roles[] = {
    { "officer", VAULT_OFFICER }, { "auditor", VAULT_AUDITOR }, { "courier", VAULT_COURIER },
    { "kms", VAULT_KMS },         { "media", VAULT_MEDIA },     { "call", VAULT_CALL },
};
static const cyaml_strval_t ways[] = { { "none", 0 }, { "token", 1 } };

#define MUST  CYAML_FLAG_DEFAULT
#define MAY   CYAML_FLAG_OPTIONAL
#define PART  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define WORD  CYAML_FLAG_STRICT
#define WORDS (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)

static const cyaml_schema_field_t unix_fields[] = {
    CYAML_FIELD_STRING("path", MUST, raw_unix, path, 1),
    CYAML_FIELD_STRING("mode", MAY, raw_unix, mode, 1),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t tls_fields[] = {
    CYAML_FIELD_STRING("address", MUST, raw_tls, address, 1),
    CYAML_FIELD_STRING("cert", MUST, raw_tls, cert, 1),
    CYAML_FIELD_STRING("key", MUST, raw_tls, key, 1),
    CYAML_FIELD_STRING("client_ca", MUST, raw_tls, client_ca, 1),
    CYAML_FIELD_STRING("crl", MAY, raw_tls, crl, 1),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t listen_fields[] = {
    CYAML_FIELD_MAPPING_PTR("unix", PART, raw_listen, local, unix_fields),
    CYAML_FIELD_MAPPING_PTR("tls", PART, raw_listen, tls, tls_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t peer_fields[] = {
    CYAML_FIELD_STRING("name", MUST, raw_peer, name, 1),
    CYAML_FIELD_ENUM("role", WORD, raw_peer, role, roles, CYAML_ARRAY_LEN(roles)),
    CYAML_FIELD_STRING("uid", MAY, raw_peer, uid, 1),
    CYAML_FIELD_STRING("user", MAY, raw_peer, user, 1),
    CYAML_FIELD_STRING("cn", MAY, raw_peer, cn, 1),
    CYAML_FIELD_STRING("fingerprint", MAY, raw_peer, fingerprint, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t peer_schema = { CYAML_VALUE_MAPPING(MUST, raw_peer,
                                                                      peer_fields) };

static const cyaml_schema_field_t token_fields[] = {
    CYAML_FIELD_STRING("module", MAY, raw_token, module, 1),
    CYAML_FIELD_STRING("token", MUST, raw_token, token, 1),
    CYAML_FIELD_STRING("key", MUST, raw_token, key, 1),
    CYAML_FIELD_STRING("pin_file", MUST, raw_token, pin_file, 1),
    CYAML_FIELD_STRING("broker", MAY, raw_token, broker, 1),
    CYAML_FIELD_UINT("timeout_ms", MAY, raw_token, timeout_ms),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
    CYAML_FIELD_STRING("organization", MUST, raw_config, organization, 1),
    CYAML_FIELD_STRING("store", MUST, raw_config, store, 1),
    CYAML_FIELD_STRING("anchor", MUST, raw_config, anchor, 1),
    CYAML_FIELD_STRING("user", MAY, raw_config, user, 1),
    CYAML_FIELD_MAPPING("listen", MUST, raw_config, listen, listen_fields),
    CYAML_FIELD_SEQUENCE("peers", CYAML_FLAG_POINTER, raw_config, peers, &peer_schema, 1,
                         CONFIG_PEERS_MAX),
    CYAML_FIELD_MAPPING_PTR("token", PART, raw_config, token, token_fields),
    CYAML_FIELD_ENUM("auto_unseal", WORDS, raw_config, auto_unseal, ways, CYAML_ARRAY_LEN(ways)),
    CYAML_FIELD_UINT("threads", MAY, raw_config, threads),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t config_schema = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_POINTER, raw_config, config_fields) };

static const kf_yaml_number numbers[] = {
    { "timeout_ms", 100, 600000 },
    { "threads", 1, 256 },
    { "uid", 0, UINT32_MAX - 1 },
    { NULL, 0, 0 },
};

/* ---- the rules between fields ---- */

typedef struct reading {
    kf_slice yaml;
    const char *directory;
    kf_yaml_fault *fault;
} reading;

static kf_err refuse(const reading *r, const char *field, const char *why)
{
    return kf_yaml_refuse(r->yaml, r->fault, field, why);
}

/* "" stays "". */
static kf_err take_path(const reading *r, const char *field, const char *name, char *out,
                        size_t size)
{
    const size_t dir = name[0] == '\0' || name[0] == '/' ? 0 : strlen(r->directory);
    const char *slash = dir == 0 || r->directory[dir - 1] == '/' ? "" : "/";
    const int n = snprintf(out, size, "%.*s%s%s", (int)dir, r->directory, slash, name);
    return n >= 0 && (size_t)n < size
               ? KF_OK
               : refuse(r, field,
                        "this path is too long, with the directory of the file before it");
}

static kf_err take_store(const reading *r, const char *text, config *out)
{
    static const char lite[] = "sqlite:", pg[] = "postgresql:";
    char path[CONFIG_PATH_MAX];
    if (strncmp(text, pg, sizeof pg - 1) == 0) {
        (void)snprintf(out->store, sizeof out->store, "%s", text);
        return KF_OK;
    }
    if (strncmp(text, lite, sizeof lite - 1) != 0 || text[sizeof lite - 1] == '\0')
        return refuse(r, "store", "this must be sqlite:PATH or postgresql:CONNINFO");
    const kf_err err = take_path(r, "store", text + sizeof lite - 1, path, sizeof path);
    if (err == KF_OK)
        (void)snprintf(out->store, sizeof out->store, "%s%s", lite, path);
    return err;
}

static kf_err take_mode(const reading *r, const char *text, unsigned *out)
{
    char *end = NULL;
    const unsigned long mode = text[0] == '\0' ? 0660ul : strtoul(text, &end, 8);
    if (text[0] != '\0' && (*end != '\0' || text[0] != '0' || mode == 0 || mode > 0777))
        return refuse(r, "listen.unix.mode", "this must be octal, from \"0001\" to \"0777\"");
    *out = (unsigned)mode;
    return KF_OK;
}

static kf_err take_listen(const reading *r, const raw_listen *raw, config *out)
{
    kf_err err = KF_OK;
    if (raw->local == NULL && raw->tls == NULL)
        return refuse(r, "listen", "there must be unix, or tls, or both");
    if (raw->local != NULL) {
        err = take_path(r, "listen.unix.path", raw->local->path, out->unix_path,
                        sizeof out->unix_path);
        if (err == KF_OK)
            err = take_mode(r, raw->local->mode, &out->unix_mode);
    }
    if (err != KF_OK || raw->tls == NULL)
        return err;
    const struct {
        const char *key, *name;
        char *path;
    } paths[] = { { "listen.tls.cert", raw->tls->cert, out->tls_cert },
                  { "listen.tls.key", raw->tls->key, out->tls_key },
                  { "listen.tls.client_ca", raw->tls->client_ca, out->tls_client_ca },
                  { "listen.tls.crl", raw->tls->crl, out->tls_crl } };
    for (size_t i = 0; err == KF_OK && i < KF_COUNT(paths); i++)
        err = take_path(r, paths[i].key, paths[i].name, paths[i].path, CONFIG_PATH_MAX);
    (void)snprintf(out->tls_address, sizeof out->tls_address, "%s", raw->tls->address);
    return err;
}

/* "peers[3].uid" @return buf */
static const char *item(char buf[64], size_t i, const char *key)
{
    (void)snprintf(buf, 64, "peers[%zu]%s%s", i, key[0] == '\0' ? "" : ".", key);
    return buf;
}

static bool lower_fingerprint(const char *text, char out[65])
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        const char c = *text >= 'A' && *text <= 'F' ? (char)(*text + 32) : *text;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || n == 64)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n == 0 || n == 64;
}

static kf_err take_peer(const reading *r, const raw_peer *raw, size_t i, config_peer *out)
{
    char field[64];
    const bool is_local = raw->uid[0] != '\0' || raw->user[0] != '\0';
    const bool is_tls = raw->cn[0] != '\0' || raw->fingerprint[0] != '\0';
    out->caller.role = (vault_role)raw->role;
    (void)snprintf(out->caller.name, sizeof out->caller.name, "%s", raw->name);
    if (is_local == is_tls || (raw->uid[0] != '\0' && raw->user[0] != '\0'))
        return refuse(r, item(field, i, ""),
                      "a peer has uid or user (Unix socket), or else cn or fingerprint (TLS)");
    out->has_uid = is_local;
    out->uid = (uint32_t)strtoul(raw->uid[0] == '\0' ? "0" : raw->uid, NULL, 10);
    if (raw->user[0] != '\0') {
        const struct passwd *user = getpwnam(raw->user);
        if (user == NULL)
            return refuse(r, item(field, i, "user"), "this machine knows no such user");
        out->uid = user->pw_uid;
    }
    (void)snprintf(out->subject, sizeof out->subject, "%s", raw->cn);
    if (!lower_fingerprint(raw->fingerprint, out->fingerprint))
        return refuse(r, item(field, i, "fingerprint"),
                      "this must be the SHA-256 of the certificate, 64 hex digits");
    return KF_OK;
}

/* One that meets both would have two roles. */
static bool is_same_peer(const config_peer *a, const config_peer *b)
{
    if (a->has_uid || b->has_uid)
        return a->has_uid && b->has_uid && a->uid == b->uid;
    return strcmp(a->subject, b->subject) == 0 && strcmp(a->fingerprint, b->fingerprint) == 0;
}

static kf_err take_peers(const reading *r, const raw_config *raw, config *out)
{
    char field[64];
    out->peers = calloc(raw->peers_count, sizeof *out->peers);
    if (out->peers == NULL)
        return KF_E_NO_MEMORY;
    out->peer_count = raw->peers_count;
    for (size_t i = 0; i < out->peer_count; i++) {
        const kf_err err = take_peer(r, &raw->peers[i], i, &out->peers[i]);
        if (err != KF_OK)
            return err;
        for (size_t j = 0; j < i; j++) {
            if (is_same_peer(&out->peers[i], &out->peers[j]))
                return refuse(r, item(field, i, ""),
                              "another peer is recognised by the same: a peer has one role");
            /* the second officer is another one by name */
            if (strcmp(out->peers[i].caller.name, out->peers[j].caller.name) == 0)
                return refuse(r, item(field, i, "name"), "another peer has this name");
        }
    }
    return KF_OK;
}

static kf_err take_token(const reading *r, const raw_config *raw, config *out)
{
    const raw_token *token = raw->token;
    out->auto_unseal = raw->auto_unseal == 1;
    if (token == NULL)
        return out->auto_unseal ? refuse(r, "auto_unseal", "there is no token to unseal by")
                                : KF_OK;
    out->has_token = true;
    out->token_timeout_ms = token->timeout_ms;
    (void)snprintf(out->token_name, sizeof out->token_name, "%s", token->token);
    (void)snprintf(out->token_key, sizeof out->token_key, "%s", token->key);
    kf_err err = take_path(r, "token.pin_file", token->pin_file, out->token_pin_file,
                           sizeof out->token_pin_file);
    if (err == KF_OK)
        err = take_path(r, "token.module", token->module, out->token_module,
                        sizeof out->token_module);
    return err == KF_OK
               ? take_path(r, "token.broker",
                           token->broker[0] == '\0' ? KEYFERRY_TOKEN_BROKER : token->broker,
                           out->token_broker, sizeof out->token_broker)
               : err;
}

static kf_err take(const reading *r, const raw_config *raw, config *out)
{
    (void)snprintf(out->organization, sizeof out->organization, "%s", raw->organization);
    (void)snprintf(out->user, sizeof out->user, "%s", raw->user);
    out->threads = raw->threads;
    kf_err err = take_store(r, raw->store, out);
    if (err == KF_OK)
        err = take_path(r, "anchor", raw->anchor, out->anchor, sizeof out->anchor);
    if (err == KF_OK)
        err = take_listen(r, &raw->listen, out);
    if (err == KF_OK)
        err = take_token(r, raw, out);
    return err == KF_OK ? take_peers(r, raw, out) : err;
}

kf_err config_read(kf_slice yaml, const char *directory, config *out, kf_yaml_fault *fault)
{
    void *raw = NULL;
    memset(out, 0, sizeof *out);
    memset(fault, 0, sizeof *fault);
    const reading r = { yaml, directory, fault };
    kf_err err = kf_yaml_load(yaml, numbers, &config_schema, &raw, fault);
    if (err == KF_OK)
        err = take(&r, raw, out);
    kf_yaml_unload(&config_schema, &raw);
    if (err != KF_OK)
        config_clear(out);
    if (err == KF_E_NO_MEMORY)
        (void)kf_yaml_say(fault, 0, "", "there is not enough memory");
    return err;
}

static kf_err cannot_read(kf_yaml_fault *fault)
{
    (void)kf_yaml_say(fault, 0, "", strerror(errno));
    return KF_E_BACKEND;
}

kf_err config_read_file(const char *path, config *out, kf_yaml_fault *fault)
{
    char directory[CONFIG_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    memset(out, 0, sizeof *out);
    memset(fault, 0, sizeof *fault);
    (void)snprintf(directory, sizeof directory, "%.*s", (int)len, path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return cannot_read(fault);
    uint8_t *text = malloc(KF_YAML_MAX + 1u);
    errno = 0;
    const size_t n = text == NULL ? 0 : fread(text, 1, KF_YAML_MAX + 1u, file);
    const bool failed = text == NULL || ferror(file) != 0;
    kf_err err =
        failed ? cannot_read(fault) : config_read((kf_slice){ text, n }, directory, out, fault);
    free(text);
    (void)fclose(file);
    return err;
}

void config_clear(config *c)
{
    free(c->peers);
    memset(c, 0, sizeof *c);
}

const config_peer *config_find_peer(const config *c, const wire_peer *peer)
{
    for (size_t i = 0; i < c->peer_count; i++) {
        const config_peer *p = &c->peers[i];
        const bool fits =
            p->has_uid
                ? !peer->is_tls && p->uid == peer->uid
                : peer->is_tls &&
                      (p->subject[0] == '\0' || strcmp(p->subject, peer->subject) == 0) &&
                      (p->fingerprint[0] == '\0' || strcmp(p->fingerprint, peer->fingerprint) == 0);
        if (fits)
            return p;
    }
    return NULL;
}

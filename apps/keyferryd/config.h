/**
 * @file config.h The configuration of a vault daemon: YAML, strict (yaml/strict.h).
 *
 *     organization: county
 *     store: sqlite:vault.db          # or "postgresql:host=db dbname=vault"
 *     anchor: anchor                  # directory, best on another disk than the store
 *     user: keyferry-county           # when started as root: go on as this user
 *     listen:
 *       unix: { path: vault.sock, mode: "0660" }
 *       tls: { address: "127.0.0.1:7443", cert: vault.crt, key: vault.key, client_ca: ca.crt,
 *              crl: ca.crl }
 *     peers:
 *       - { name: ann, role: officer, uid: 1000 }
 *       - { name: ben, role: officer, user: ben }
 *       - { name: courier-1, role: courier, cn: courier-1 }
 *       - { name: audit, role: auditor, fingerprint: 64 hex digits }
 *     token: { module: /usr/lib/softhsm/libsofthsm2.so, token: county, key: vault, pin_file: pin,
 *              broker: /usr/libexec/keyferry-token, timeout_ms: 10000 }
 *     auto_unseal: token              # or none, which it is without it
 *     threads: 4                      # that seal; without it as many as there are cores
 *
 * File names, that of an SQLite store too, are taken relative to the directory of the configuration
 * file. organization, store, anchor, one way to listen, and peers must be there.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "vault/vault.h"
#include "yaml/strict.h"

#define CONFIG_PATH_MAX  512u
#define CONFIG_PEERS_MAX 1000u
#define CONFIG_STORE_MAX 1024u

/** Somebody who may speak to the vault, and as what. */
typedef struct config_peer {
    vault_caller caller;
    bool has_uid;
    uint32_t uid;
    char subject[WIRE_SUBJECT_MAX]; /**< common name; "": any */
    char fingerprint[65];           /**< SHA-256 in lower-case hex; "": any */
} config_peer;

/** Empty strings: not given. */
typedef struct config {
    char organization[VAULT_NAME_MAX];
    char store[CONFIG_STORE_MAX];
    char anchor[CONFIG_PATH_MAX];
    char user[VAULT_NAME_MAX];
    char unix_path[108];
    unsigned unix_mode;
    char tls_address[64];
    char tls_cert[CONFIG_PATH_MAX], tls_key[CONFIG_PATH_MAX];
    char tls_client_ca[CONFIG_PATH_MAX], tls_crl[CONFIG_PATH_MAX];
    bool has_token, auto_unseal;
    char token_module[CONFIG_PATH_MAX], token_name[VAULT_NAME_MAX], token_key[VAULT_NAME_MAX];
    char token_pin_file[CONFIG_PATH_MAX], token_broker[CONFIG_PATH_MAX];
    unsigned token_timeout_ms;
    unsigned threads;
    size_t peer_count;
    config_peer *peers; /**< owned */
} config;

/**
 * Read a configuration from octets. Caller clears *out, which is empty on failure. Names of users
 * are looked up.
 * @param directory what file names are relative to; "" for none.
 * @return KF_E_MALFORMED with fault, KF_E_NO_SPACE, KF_E_NO_MEMORY.
 */
KF_MUST_USE kf_err config_read(kf_slice yaml, const char *directory, config *out,
                               kf_yaml_fault *fault);
/** The same from a file; fault->why also tells why it cannot be read (KF_E_BACKEND). */
KF_MUST_USE kf_err config_read_file(const char *path, config *out, kf_yaml_fault *fault);
void config_clear(config *c);

/** Who is that? NULL: nobody we know. */
const config_peer *config_find_peer(const config *c, const wire_peer *peer);

#endif

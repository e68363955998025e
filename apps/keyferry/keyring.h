/** @file keyring.h Certificates and key sets from annex D files, validated and ready for use. */
#ifndef KEYRING_H
#define KEYRING_H

#include "cli.h"
#include "kms/kms.h"
#include "mcsec/domain.h"

#define KEYRING_DOMAINS_MAX 64u
#define KEYRING_KEYS_MAX    64u

typedef struct keyring {
    size_t domain_count;
    mcsec_domain *domains[KEYRING_DOMAINS_MAX];
    size_t key_count;
    mcsec_user_keys *keys[KEYRING_KEYS_MAX];
} keyring;

/** Free everything and zero it; fine on a zeroed one. */
void keyring_clear(keyring *ring);

/** Add every certificate of a KmsInit or KmsCertCache file. Reports what is wrong. */
cli_status keyring_add_domains(const cli_call *call, const char *field, const char *path,
                               keyring *ring);

/**
 * Add every key set of a KmsKeyProv file, each validated against the certificate of its KMS, which
 * must be in the ring.
 */
cli_status keyring_add_keys(const cli_call *call, const char *field, const char *path,
                            mcsec_id_form form, keyring *ring);

/** The certificate of that KMS, or NULL. */
const mcsec_domain *keyring_domain(const keyring *ring, kf_slice kms_uri);

/** --compat words as bits. @return CLI_USAGE for an unknown one. */
cli_status keyring_compat(const cli_call *call, unsigned *compat);

/** The system's clock. */
kf_time keyring_now(void);

#endif

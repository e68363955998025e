/**
 * @file domain.h A security domain as its users see it (the KMS's public keys), and the keys of one
 * user in one key period, validated. Made from KMS documents by kms/, used by mikey/.
 */
#ifndef MCSEC_DOMAIN_H
#define MCSEC_DOMAIN_H

#include "base/secret.h"
#include "base/slice.h"
#include "eccsi/eccsi.h"
#include "mcsec/uid.h"
#include "sakke/sakke.h"

/** Longest URI we handle, octets. */
#define MCSEC_URI_MAX 1024u

/** What the identity-based algorithms take as the identifier. */
typedef enum mcsec_id_form {
    MCSEC_ID_UID, /**< the 32 octets of the UID */
    MCSEC_ID_HEX, /**< interop: its 64 lower-case hex characters (facts 12.2) */
} mcsec_id_form;

/** The facts of a certificate, borrowed. */
typedef struct mcsec_domain_facts {
    kf_slice kms_uri;
    mcsec_period period;
    kf_slice pub_enc_key;  /**< SAKKE Z, 257 octets */
    kf_slice pub_auth_key; /**< ECCSI KPAK, 65 octets */
    kf_time valid_from;    /**< INT64_MIN when not given */
    kf_time valid_to;      /**< INT64_MAX when not given */
    bool revoked;
} mcsec_domain_facts;

/** Immutable: threads may share it. */
typedef struct mcsec_domain mcsec_domain;

/**
 * Validate both public keys and build tables.
 * @param fault  which of "cert.KmsUri", "cert.UserKeyPeriod", "cert.PubEncKey", "cert.PubAuthKey"
 *               was wrong.
 * @return KF_E_MALFORMED, KF_E_TRUNCATED, KF_E_TRAILING, KF_E_NO_MEMORY. Caller frees *out.
 */
KF_MUST_USE kf_err mcsec_domain_new(const mcsec_domain_facts *facts, sakke_tables tables,
                                    mcsec_domain **out, kf_fault *fault);
void mcsec_domain_free(mcsec_domain **domain);

kf_slice mcsec_domain_kms_uri(const mcsec_domain *domain);
mcsec_period mcsec_domain_period(const mcsec_domain *domain);
const sakke_public *mcsec_domain_sakke(const mcsec_domain *domain);
const eccsi_public *mcsec_domain_eccsi(const mcsec_domain *domain);
/** Not revoked, and within its validity at t. */
bool mcsec_domain_is_usable_at(const mcsec_domain *domain, kf_time t);

/** An identifier as the algorithms take it. */
typedef struct mcsec_id {
    uint8_t octets[2 * MCSEC_UID_OCTETS];
    size_t len;
} mcsec_id;

mcsec_id mcsec_id_of(const uint8_t uid[MCSEC_UID_OCTETS], mcsec_id_form form);
kf_slice mcsec_id_slice(const mcsec_id *id);

/** The decryption and signing keys of one user in one period. Immutable: threads may share it. */
typedef struct mcsec_user_keys mcsec_user_keys;

/** What a KMS issued, borrowed. */
typedef struct mcsec_user_facts {
    kf_slice uri;
    uint64_t period_number;
    const kf_secret *rsk; /**< 257 octets */
    const kf_secret *ssk; /**< 32 octets */
    kf_slice pvt;         /**< 65 octets */
} mcsec_user_facts;

/**
 * Validate a key set against its domain (RFC 6508 6.1.2, RFC 6507 5.1.2) and make it ready.
 * @param domain borrowed; must outlive *out.
 * @param fault  "keyset.UserDecryptKey", "keyset.UserSigningKeySSK", ... on failure.
 * @return KF_E_AUTH when the keys are not those of this user, period and domain; KF_E_MALFORMED...
 */
KF_MUST_USE kf_err mcsec_user_keys_new(const mcsec_domain *domain, const mcsec_user_facts *facts,
                                       mcsec_id_form form, sakke_tables tables,
                                       mcsec_user_keys **out, kf_fault *fault);
void mcsec_user_keys_free(mcsec_user_keys **keys);

const mcsec_domain *mcsec_user_keys_domain(const mcsec_user_keys *keys);
kf_slice mcsec_user_keys_uri(const mcsec_user_keys *keys);
kf_slice mcsec_user_keys_uid(const mcsec_user_keys *keys);
uint64_t mcsec_user_keys_period(const mcsec_user_keys *keys);
const sakke_rsk *mcsec_user_keys_rsk(const mcsec_user_keys *keys);
const eccsi_signer *mcsec_user_keys_signer(const mcsec_user_keys *keys);

#endif

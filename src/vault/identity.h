/** @file identity.h What other nouns need of domains and identities. */
#ifndef VAULT_IDENTITY_H
#define VAULT_IDENTITY_H

#include "kms/response.h"
#include "vault/parts.h"

/** The version of documents we write. */
#define VAULT_KMS_VERSION                                                                          \
    {                                                                                              \
        (const uint8_t *)KMS_RESPONSE_VERSION, sizeof KMS_RESPONSE_VERSION - 1                     \
    }

/** The identity of that URI. Refused, with the name of the field, when there is none. */
kf_err vault_identity_named(vault_act *act, kf_slice uri, const char *field, int64_t *id);
/** Store the one certificate of an annex D document; one of the same KMS is replaced. */
kf_err vault_domain_put(vault_act *act, kf_slice document, bool is_own, int64_t *id);
/** Take in all key sets of an annex D document for an identity, each validated first. */
kf_err vault_identity_take(vault_act *act, int64_t identity, kf_slice uri, int64_t domain_id,
                           kf_slice document);
/** Make the identity when it is not there, then take in the key sets of our own KMS. */
kf_err vault_identity_from_kms(vault_act *act, kf_slice uri, kf_slice document, int64_t *id);

#endif

#include "kms/xml_store.h"

#include <stdlib.h>
#include <string.h>

kf_err kms_store_new(size_t document_octets, kms_store **out)
{
    *out = NULL;
    kms_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return KF_E_NO_MEMORY;
    s->text_cap = document_octets + 1; /* so that even an empty text has an address */
    s->text = malloc(s->text_cap);
    if (s->text == NULL) {
        free(s);
        return KF_E_NO_MEMORY;
    }
    *out = s;
    return KF_OK;
}

void kms_store_free(kms_store **store)
{
    if (store == NULL || *store == NULL)
        return;
    kms_store *s = *store;
    for (size_t i = 0; i < s->keyset_count; i++)
        kms_keyset_clear(&s->keysets[i]);
    for (size_t i = 0; i < s->cert_count; i++)
        free(s->domains[i]);
    free(s->keysets);
    free(s->certs);
    free(s->text);
    free(s);
    *store = NULL;
}

kf_err kms_store_text(kms_store *store, kf_slice text, kf_slice *out)
{
    if (text.len >= store->text_cap - store->text_len)
        return KF_E_NO_SPACE;
    uint8_t *to = store->text + store->text_len;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    store->text_len += text.len;
    *out = (kf_slice){ to, text.len };
    return KF_OK;
}

kf_err kms_store_cert(kms_store *store, kms_cert **out)
{
    if (store->cert_count >= KMS_XML_CERTS_MAX)
        return KF_E_NO_SPACE;
    if (store->certs == NULL)
        store->certs = calloc(KMS_XML_CERTS_MAX, sizeof *store->certs);
    if (store->certs == NULL)
        return KF_E_NO_MEMORY;
    *out = &store->certs[store->cert_count++];
    (*out)->valid_from = KMS_NO_VALID_FROM;
    (*out)->valid_to = KMS_NO_VALID_TO;
    return KF_OK;
}

kf_err kms_store_keyset(kms_store *store, kms_keyset **out)
{
    if (store->keyset_count >= KMS_XML_KEYSETS_MAX)
        return KF_E_NO_SPACE;
    if (store->keysets == NULL)
        store->keysets = calloc(KMS_XML_KEYSETS_MAX, sizeof *store->keysets);
    if (store->keysets == NULL)
        return KF_E_NO_MEMORY;
    *out = &store->keysets[store->keyset_count++];
    (*out)->valid_from = KMS_NO_VALID_FROM;
    (*out)->valid_to = KMS_NO_VALID_TO;
    return KF_OK;
}

kf_err kms_store_domain(kms_store *store, kf_slice text)
{
    kms_cert *cert = &store->certs[store->cert_count - 1];
    kf_slice **list = &store->domains[store->cert_count - 1];
    if (cert->domain_count >= KMS_XML_DOMAINS_MAX)
        return KF_E_NO_SPACE;
    if (*list == NULL)
        *list = calloc(KMS_XML_DOMAINS_MAX, sizeof **list);
    if (*list == NULL)
        return KF_E_NO_MEMORY;
    kf_err err = kms_store_text(store, text, &(*list)[cert->domain_count]);
    if (err != KF_OK)
        return err;
    cert->domains = *list;
    cert->domain_count++;
    return KF_OK;
}

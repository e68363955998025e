/* Documents of annex D that are good: read, written, read again. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "fixture.h"

static void parse(kf_slice document, kms_response *out)
{
    kf_fault fault;
    kf_err err = kms_response_parse(document, out, &fault);
    if (err != KF_OK)
        fail_msg("%s at %s, octet %zu", kf_err_name(err), fault.field, fault.at);
}

static kf_secret *write_out(const kms_response *response)
{
    kf_secret *document = NULL;
    kf_fault fault;
    kf_err err = kms_response_write(response, &document, &fault);
    if (err != KF_OK)
        fail_msg("%s at %s", kf_err_name(err), fault.field);
    return document;
}

static void assert_text(kf_slice got, const char *want)
{
    assert_slice_equal(got, kf_slice_str(want));
}

/* ---- by hand ---- */

static void envelope_is_read(void **state)
{
    (void)state;
    kms_response r;
    parse(kf_slice_str(DOC_INIT), &r);
    assert_int_equal(r.kind, KMS_RESPONSE_INIT);
    assert_text(r.id, "r7");
    assert_text(r.version, "1.0.0");
    assert_text(r.user_uri, "user@example.org");
    assert_text(r.kms_uri, "kms.example.org");
    assert_int_equal(r.time, INT64_C(1390730752)); /* 2014-01-26T10:05:52Z */
    assert_text(r.kms_id, "KMSProvider12345");
    assert_text(r.client_req_url, "http://kms.example.org/keymanagement/identity/v1/x?a=1&b");
    kms_response_clear(&r);
    kms_response_clear(&r);
}

static void certificate_is_read(void **state)
{
    (void)state;
    kms_response r;
    uint8_t z[SAKKE_POINT_OCTETS], kpak[ECCSI_POINT_OCTETS];
    parse(kf_slice_str(DOC_INIT), &r);
    assert_int_equal(r.cert_count, 1);
    assert_int_equal(r.keyset_count, 0);
    const kms_cert *c = &r.certs[0];
    assert_text(c->id, "c1");
    assert_text(c->version, "1.1.0");
    assert_int_equal(c->role, KMS_ROLE_ROOT);
    assert_int_equal(c->is_security_gateway, KMS_FALSE);
    assert_text(c->cert_uri, "cert1.kms.example.org");
    assert_text(c->kms_uri, "kms.example.org");
    assert_text(c->issuer, "www.example.org");
    assert_int_equal(c->valid_from, INT64_C(948844800)); /* 2000-01-26T00:00:00Z */
    assert_int_equal(c->valid_to, INT64_C(4104687599));  /* 2100-01-26T22:59:59Z */
    assert_int_equal(c->revoked, KMS_FALSE);
    assert_text(c->user_id_format, "2");
    assert_int_equal(c->user_key_period, 2592000);
    assert_int_equal(c->user_key_offset, 0);
    assert_slice_equal(KF_SLICE_OF(c->pub_enc_key), testing_hex("04" HEX_256, z, sizeof z));
    assert_slice_equal(KF_SLICE_OF(c->pub_auth_key), testing_hex("04" HEX_64, kpak, sizeof kpak));
    assert_true(c->parameter_set.given);
    assert_int_equal(c->parameter_set.value, 1);
    assert_int_equal(c->domain_count, 2);
    assert_text(c->domains[0], "sec1.example.org");
    assert_text(c->domains[1], "sec2.example.org");
    kms_response_clear(&r);
}

static void absent_parts_are_absent(void **state)
{
    (void)state;
    kms_response r;
    parse(kf_slice_str(DOC_CACHE), &r);
    assert_int_equal(r.kind, KMS_RESPONSE_CERT_CACHE);
    assert_true(r.cache_num.given);
    assert_int_equal(r.cache_num.value, 18);
    assert_int_equal(r.cert_count, 2);
    const kms_cert *c = &r.certs[1];
    assert_null(c->id.ptr);
    assert_null(c->version.ptr);
    assert_null(c->cert_uri.ptr);
    assert_null(c->issuer.ptr);
    assert_int_equal(c->role, KMS_ROLE_ABSENT);
    assert_int_equal(c->is_security_gateway, KMS_ABSENT);
    assert_int_equal(c->revoked, KMS_ABSENT);
    assert_true(c->valid_from == KMS_NO_VALID_FROM);
    assert_true(c->valid_to == KMS_NO_VALID_TO);
    assert_false(c->parameter_set.given);
    assert_int_equal(c->domain_count, 0);
    assert_int_equal(c->user_key_offset, 17);
    assert_int_equal(r.certs[0].domain_count, 2);
    kms_response_clear(&r);
}

static void keysets_are_read(void **state)
{
    (void)state;
    kms_response r;
    uint8_t buf[SAKKE_POINT_OCTETS];
    parse(kf_slice_str(DOC_KEYS), &r);
    assert_int_equal(r.kind, KMS_RESPONSE_KEY_PROV);
    assert_int_equal(r.cert_count, 0);
    assert_int_equal(r.keyset_count, 2);
    for (size_t i = 0; i < 2; i++) { /* base64 and hexadecimal, own prefix or none */
        const kms_keyset *k = &r.keysets[i];
        assert_slice_equal(KF_SLICE_OF(k->user_id), testing_hex(UID_HEX, buf, sizeof buf));
        assert_slice_equal(kf_secret_view(k->user_decrypt_key),
                           testing_hex("04" HEX_256, buf, sizeof buf));
        assert_slice_equal(kf_secret_view(k->user_signing_key_ssk),
                           testing_hex(HEX_32, buf, sizeof buf));
        assert_slice_equal(KF_SLICE_OF(k->user_pub_token_pvt),
                           testing_hex("04" HEX_64, buf, sizeof buf));
    }
    assert_int_equal(r.keysets[0].key_period_no, 1514);
    assert_int_equal(r.keysets[0].valid_from, INT64_C(1451433600)); /* 2015-12-30T00:00:00Z */
    assert_int_equal(r.keysets[0].valid_to, INT64_C(1459295999));   /* 2016-03-29T23:59:59Z */
    assert_int_equal(r.keysets[0].revoked, KMS_FALSE);
    assert_text(r.keysets[0].user_uri, "user@example.org");
    assert_text(r.keysets[1].user_uri, "u");
    assert_true(r.keysets[1].valid_from == KMS_NO_VALID_FROM);
    kms_response_clear(&r);
    parse(kf_slice_str(DOC_NO_KEYS), &r);
    assert_int_equal(r.kind, KMS_RESPONSE_KEY_PROV);
    assert_int_equal(r.keyset_count, 0);
    kms_response_clear(&r);
}

static void error_is_read(void **state)
{
    (void)state;
    kms_response r;
    parse(kf_slice_str(DOC_ERROR), &r);
    assert_int_equal(r.kind, KMS_RESPONSE_ERROR);
    assert_int_equal(r.error_code, -404);
    assert_text(r.error_msg, "no such\n\tcertificate <x>\r");
    kms_response_clear(&r);
}

static void equal_sees_differences(void **state)
{
    (void)state;
    static const char *const documents[] = { DOC_INIT, DOC_KEYS, DOC_NO_KEYS, DOC_CACHE,
                                             DOC_ERROR };
    for (size_t i = 0; i < KF_COUNT(documents); i++) {
        for (size_t k = 0; k < KF_COUNT(documents); k++) {
            kms_response a, b;
            parse(kf_slice_str(documents[i]), &a);
            parse(kf_slice_str(documents[k]), &b);
            assert_int_equal(kms_response_equal(&a, &b), i == k);
            kms_response_clear(&a);
            kms_response_clear(&b);
        }
    }
    kms_response a, b;
    parse(kf_slice_str(DOC_KEYS), &a);
    parse(kf_slice_str(DOC_KEYS), &b);
    kf_secret_edit(b.keysets[1].user_signing_key_ssk)[0] ^= 1;
    assert_false(kms_response_equal(&a, &b));
    kms_response_clear(&a);
    kms_response_clear(&b);
}

static void hand_made_documents_survive_a_round(void **state)
{
    (void)state;
    static const char *const documents[] = { DOC_INIT, DOC_KEYS, DOC_NO_KEYS, DOC_CACHE,
                                             DOC_ERROR };
    for (size_t i = 0; i < KF_COUNT(documents); i++) {
        kms_response one, two;
        parse(kf_slice_str(documents[i]), &one);
        kf_secret *again = write_out(&one);
        parse(kf_secret_view(again), &two);
        assert_true(kms_response_equal(&one, &two));
        kf_secret *third = write_out(&two);
        assert_slice_equal(kf_secret_view(third), kf_secret_view(again));
        kf_secret_free(&again);
        kf_secret_free(&third);
        kms_response_clear(&one);
        kms_response_clear(&two);
    }
}

/* ---- our own ---- */

/* Another parser agrees that it is XML. */
static void assert_well_formed(kf_slice document)
{
    if (system("command -v xmllint >/dev/null 2>&1") != 0) {
        print_message("xmllint is not installed: not asked\n");
        return;
    }
    FILE *lint = popen("xmllint --nonet --noout -", "w");
    assert_non_null(lint);
    assert_int_equal(fwrite(document.ptr, 1, document.len, lint), document.len);
    assert_int_equal(pclose(lint), 0);
}

static void assert_survives(const kms_response *response)
{
    kms_response again;
    kf_secret *document = write_out(response);
    assert_well_formed(kf_secret_view(document));
    parse(kf_secret_view(document), &again);
    assert_true(kms_response_equal(response, &again));
    kms_response_clear(&again);
    kf_secret_free(&document);
}

static void written_documents_are_read_back(void **state)
{
    (void)state;
    const kf_slice covered[] = { kf_slice_str("a.example"), kf_slice_str("b&c<d>.example") };
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "xml");
    kms_cert certs[2];
    kms_keyset sets[2] = {
        fixture_issue(domain, "sip:o'neil&\"sons\"<x>@example.org", FIXTURE_PERIOD, MCSEC_ID_UID),
        fixture_issue(domain, "sip:\xc3\xa9\xf0\x9f\x98\x80@example.org", 0, MCSEC_ID_UID),
    };
    kms_domain_certificate(domain, &certs[0]);
    certs[1] = certs[0];
    certs[1].role = KMS_ROLE_EXTERNAL;
    certs[1].is_security_gateway = KMS_TRUE;
    certs[1].revoked = KMS_TRUE;
    certs[1].issuer = kf_slice_str("");
    certs[1].cert_uri = kf_slice_str("urn:x:1");
    certs[1].valid_from = fixture_time;
    certs[1].domains = covered;
    certs[1].domain_count = KF_COUNT(covered);

    kms_response init = fixture_response(KMS_RESPONSE_INIT);
    init.certs = certs;
    init.cert_count = 1;
    assert_survives(&init);
    kms_response keys = fixture_response(KMS_RESPONSE_KEY_PROV);
    keys.keysets = sets;
    for (keys.keyset_count = 0; keys.keyset_count <= 2; keys.keyset_count++)
        assert_survives(&keys);
    kms_response cache = fixture_response(KMS_RESPONSE_CERT_CACHE);
    cache.certs = certs;
    cache.cache_num = (kms_number){ true, UINT64_MAX };
    for (cache.cert_count = 0; cache.cert_count <= 2; cache.cert_count++)
        assert_survives(&cache);
    kms_response error = fixture_response(KMS_RESPONSE_ERROR);
    error.kms_id = (kf_slice){ NULL, 0 };
    error.error_code = INT64_MAX;
    error.error_msg = kf_slice_str(" ]]> &amp; \r\n\t<!-- -->");
    assert_survives(&error);

    kms_keyset_clear(&sets[0]);
    kms_keyset_clear(&sets[1]);
    kms_domain_free(&domain);
}

/* From the KMS through its documents to a client. */
static void documents_carry_working_keys(void **state)
{
    (void)state;
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "carry");
    kms_cert cert;
    kms_domain_certificate(domain, &cert);
    kms_keyset set = fixture_issue(domain, FIXTURE_USER_URI, FIXTURE_PERIOD, MCSEC_ID_UID);
    kms_response init = fixture_response(KMS_RESPONSE_INIT), keys, got_init, got_keys;
    init.certs = &cert;
    init.cert_count = 1;
    keys = fixture_response(KMS_RESPONSE_KEY_PROV);
    keys.keysets = &set;
    keys.keyset_count = 1;
    kf_secret *init_document = write_out(&init), *keys_document = write_out(&keys);
    parse(kf_secret_view(init_document), &got_init);
    parse(kf_secret_view(keys_document), &got_keys);
    mcsec_domain *client = NULL;
    mcsec_user_keys *ready = NULL;
    kf_fault fault;
    assert_ok(kms_cert_to_domain(&got_init.certs[0], SAKKE_SMALL, &client, &fault));
    assert_ok(kms_keyset_to_user_keys(&got_keys.keysets[0], client, MCSEC_ID_UID, SAKKE_SMALL,
                                      &ready, &fault));
    mcsec_user_keys_free(&ready);
    mcsec_domain_free(&client);
    kms_response_clear(&got_init);
    kms_response_clear(&got_keys);
    kf_secret_free(&init_document);
    kf_secret_free(&keys_document);
    kms_keyset_clear(&set);
    kms_domain_free(&domain);
}

/* What could not be read back is not written. */
static void bad_values_are_not_written(void **state)
{
    (void)state;
    char long_text[KMS_TEXT_MAX + 2];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    kms_domain *domain = fixture_domain(FIXTURE_KMS_URI, fixture_period, "bad");
    kms_cert cert;
    kms_domain_certificate(domain, &cert);
    kms_response good = fixture_response(KMS_RESPONSE_INIT), cases[14];
    good.certs = &cert;
    good.cert_count = 1;
    static const char *const fields[KF_COUNT(cases)] = {
        "response.UserUri",        "response.UserUri",      "response.UserUri",
        "response.KmsUri",         "response.Time",         "response.Id",
        "response.Version",        "response.KmsMessage",   "response.KmsCertificate",
        "response.KmsCertificate", "cert.Version",          "cert.UserIdFormat",
        "response.ErrorMsg",       "keyset.UserDecryptKey",
    };
    kms_cert no_version = cert, no_format = cert;
    no_version.version = kf_slice_str("2.0");
    no_format.user_id_format = (kf_slice){ NULL, 0 };
    kms_keyset empty = { .kms_uri = cert.kms_uri, .user_uri = cert.kms_uri };
    for (size_t i = 0; i < KF_COUNT(cases); i++)
        cases[i] = good;
    cases[0].user_uri = (kf_slice){ NULL, 0 };
    cases[1].user_uri = kf_slice_str(long_text);
    cases[2].user_uri = kf_slice_str("a\x01");
    cases[3].kms_uri = kf_slice_str("a b");
    cases[4].time = INT64_MAX;
    cases[5].id = kf_slice_str("a b");
    cases[6].version = kf_slice_str("1");
    cases[7].kind = (kms_response_kind)0;
    cases[8].cert_count = 0;
    cases[9].cert_count = 2;
    cases[10].certs = &no_version;
    cases[11].certs = &no_format;
    cases[12].kind = KMS_RESPONSE_ERROR;
    cases[12].error_msg = kf_slice_str("\xef\xbf\xbf"); /* U+FFFF is no XML character */
    cases[13].kind = KMS_RESPONSE_KEY_PROV;
    cases[13].keysets = &empty;
    cases[13].keyset_count = 1;
    empty.valid_from = KMS_NO_VALID_FROM;
    empty.valid_to = KMS_NO_VALID_TO;
    for (size_t i = 0; i < KF_COUNT(cases); i++) {
        kf_secret *document = NULL;
        kf_fault fault;
        assert_err(kms_response_write(&cases[i], &document, &fault), KF_E_MALFORMED);
        assert_string_equal(fault.field, fields[i]);
        assert_null(document);
    }
    kms_domain_free(&domain);
}

/* ---- several threads, the first parses of the process among them ---- */

#define THREADS 4

static void *parse_many(void *result)
{
    bool *is_good = result;
    *is_good = true;
    for (size_t i = 0; i < 50; i++) {
        kms_response r;
        kf_fault fault;
        kf_err good = kms_response_parse(kf_slice_str(DOC_KEYS), &r, &fault);
        *is_good = *is_good && good == KF_OK && r.keyset_count == 2;
        kms_response_clear(&r);
        kf_err bad = kms_response_parse(kf_slice_str(DOC_KEYS "x"), &r, &fault);
        *is_good = *is_good && bad == KF_E_TRAILING;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool is_good[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &is_good[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(is_good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(envelope_is_read),
        cmocka_unit_test(certificate_is_read),
        cmocka_unit_test(absent_parts_are_absent),
        cmocka_unit_test(keysets_are_read),
        cmocka_unit_test(error_is_read),
        cmocka_unit_test(equal_sees_differences),
        cmocka_unit_test(hand_made_documents_survive_a_round),
        cmocka_unit_test(written_documents_are_read_back),
        cmocka_unit_test(documents_carry_working_keys),
        cmocka_unit_test(bad_values_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whole I_MESSAGEs carrying a PCK: made for ever new recipients, accepted from several senders. */
#include "bench_ibc.h"

#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "mikey/mikey.h"

#define SENDERS  4u
#define MESSAGES 16u
#define NOW      INT64_C(1800000000)
#define KMS_URI  "kms.example.org"

static struct {
    kf_secret *z, *ksak, *pck;
    mcsec_domain *domain;
    mcsec_user_keys *sender[SENDERS];
    mcsec_user_keys *receiver; /* all tables */
    uint8_t message[MESSAGES][1024];
    size_t octets[MESSAGES];
} w;

static const char RECEIVER_URI[] = "sip:receiver@example.org";

static bool make_domain(void)
{
    uint8_t z_point[SAKKE_POINT_OCTETS], kpak[ECCSI_POINT_OCTETS];
    kf_fault fault = { 0 };
    if (sakke_master_new(kf_random(), &w.z) != KF_OK ||
        sakke_master_public(w.z, z_point) != KF_OK ||
        eccsi_ksak_new(kf_random(), &w.ksak) != KF_OK || eccsi_ksak_public(w.ksak, kpak) != KF_OK)
        return false;
    mcsec_domain_facts facts = { .kms_uri = kf_slice_str(KMS_URI),
                                 .period = { 2592000, 0 },
                                 .pub_enc_key = KF_SLICE_OF(z_point),
                                 .pub_auth_key = KF_SLICE_OF(kpak),
                                 .valid_from = INT64_MIN,
                                 .valid_to = INT64_MAX };
    return mcsec_domain_new(&facts, SAKKE_FULL, &w.domain, &fault) == KF_OK;
}

static bool make_user(const char *uri, sakke_tables tables, mcsec_user_keys **out)
{
    mcsec_period period = mcsec_domain_period(w.domain);
    uint64_t number = mcsec_period_number(period, NOW);
    uint8_t uid[MCSEC_UID_OCTETS], pvt[ECCSI_POINT_OCTETS];
    kf_secret *rsk = NULL, *ssk = NULL;
    kf_fault fault = { 0 };
    bool ok = mcsec_uid(kf_slice_str(uri), kf_slice_str(KMS_URI), period, number, uid) == KF_OK &&
              sakke_rsk_extract(w.z, KF_SLICE_OF(uid), &rsk) == KF_OK &&
              eccsi_issue(w.ksak, KF_SLICE_OF(uid), kf_random(), &ssk, pvt) == KF_OK;
    mcsec_user_facts facts = { .uri = kf_slice_str(uri),
                               .period_number = number,
                               .rsk = rsk,
                               .ssk = ssk,
                               .pvt = KF_SLICE_OF(pvt) };
    ok = ok && mcsec_user_keys_new(w.domain, &facts, MCSEC_ID_UID, tables, out, &fault) == KF_OK;
    kf_secret_free(&rsk);
    kf_secret_free(&ssk);
    return ok;
}

static bool seal(size_t sender, const char *to, kf_writer *out)
{
    kf_fault fault = { 0 };
    uint32_t key_id;
    if (mcsec_keyid_new(MCSEC_PCK, kf_random(), &key_id) != KF_OK)
        return false;
    mikey_seal what = { .from = w.sender[sender % SENDERS],
                        .to_domain = w.domain,
                        .to_uri = kf_slice_str(to),
                        .purpose = MCSEC_PCK,
                        .key = w.pck,
                        .key_id = key_id,
                        .now = NOW };
    return mikey_seal_message(&what, kf_random(), out, &fault) == KF_OK;
}

bool mikey_prepare_inputs(void)
{
    char uri[64];
    bool ok = make_domain() && make_user(RECEIVER_URI, SAKKE_FULL, &w.receiver) &&
              kf_secret_new_random(kf_random(), 16, &w.pck) == KF_OK;
    for (size_t i = 0; ok && i < SENDERS; i++) {
        (void)snprintf(uri, sizeof uri, "sip:sender%zu@example.org", i);
        ok = make_user(uri, SAKKE_SMALL, &w.sender[i]);
    }
    for (size_t i = 0; ok && i < MESSAGES; i++) {
        kf_writer out = kf_writer_init(w.message[i], sizeof w.message[i]);
        ok = seal(i, RECEIVER_URI, &out);
        w.octets[i] = out.len;
    }
    return bench_check(ok, "keys and messages of an I_MESSAGE");
}

bool create_message(size_t turn)
{
    char uri[64];
    uint8_t octets[1024];
    kf_writer out = kf_writer_init(octets, sizeof octets);
    (void)snprintf(uri, sizeof uri, "sip:user%zu@example.org", turn);
    return seal(turn, uri, &out);
}

/* Everything a receiver checks but the replay cache, which would refuse the second turn. */
bool accept_message(size_t turn)
{
    const mcsec_user_keys *keys[] = { w.receiver };
    const mcsec_domain *domains[] = { w.domain };
    const mikey_rule rules[] = { { MCSEC_PCK, { NULL, 0 } } };
    mikey_receiver receiver = { .keys = keys,
                                .key_count = 1,
                                .domains = domains,
                                .domain_count = 1,
                                .rules = rules,
                                .rule_count = 1,
                                .now = NOW,
                                .window_s = MIKEY_WINDOW_S };
    mikey_opened opened;
    kf_fault fault = { 0 };
    size_t i = turn % MESSAGES;
    bool ok = mikey_open_message(&receiver, (kf_slice){ w.message[i], w.octets[i] }, &opened,
                                 &fault) == KF_OK;
    if (ok) {
        ok = kf_secret_equal(opened.key, w.pck);
        mikey_opened_clear(&opened);
    }
    return ok;
}

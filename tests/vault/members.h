/** Members of a vault's groups, simulated: radios and MC clients, and the courier between. */
#ifndef TESTS_VAULT_MEMBERS_H
#define TESTS_VAULT_MEMBERS_H

#include "otar/unit.h"
#include "p25/dli.h"
#include "p25/kmm.h"
#include "vault/fixture.h"

#define IWF      "sip:iwf@county.example"
#define KMF_RSI  9999999u
#define UKEK_SLN 0xf001

/** A radio, or an MC client of which only the address matters. */
typedef struct radio {
    const char *name;
    uint32_t rsi;
    uint16_t ukek_kid;
    uint8_t ukek[32];
    otar_unit *unit;
} radio;

static inline kf_err keep_nothing(void *ctx, uint32_t slot, kf_slice record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return KF_OK;
}

/** A radio with a UKEK from key fill; the vault is not told. */
static inline void radio_make(radio *r)
{
    const otar_unit_config config = {
        .rsi = r->rsi, .kmf_rsi = KMF_RSI, .mac = P25_MAC_AUTO, .first_scheme = P25_MAC_CMAC_D
    };
    const otar_store nowhere = { keep_nothing, NULL };
    const otar_watch watch = { NULL, NULL };
    const otar_key where = { .keyset = OTAR_KEK_KEYSET,
                             .sln = UKEK_SLN,
                             .algid = P25_ALGID_AES256,
                             .kid = r->ukek_kid,
                             .is_kek = true };
    kf_secret *key = NULL;
    assert_ok(
        otar_unit_new(&config, &nowhere, &watch, kf_random(), (kf_slice){ NULL, 0 }, &r->unit));
    assert_ok(kf_rng_fill(kf_random(), r->ukek, sizeof r->ukek));
    assert_ok(kf_secret_new_copy((kf_slice){ r->ukek, sizeof r->ukek }, &key));
    assert_ok(otar_unit_load(r->unit, &where, &key));
}

/** KID that a radio sends with at an SLN; 0: it has no key there. */
static inline uint16_t radio_kid(const radio *r, uint16_t sln)
{
    const otar_key *key = otar_unit_current(r->unit, sln);
    return key == NULL ? 0 : key->kid;
}

#endif

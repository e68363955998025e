/* SAKKE: one KMS, made by us; both sides get the same keys and open each other's data first. */
#include "bench_ibc.h"

#include <wolfssl/wolfcrypt/sakke.h>

#include <string.h>

#include "crypto/random.h"
#include "sakke/sakke.h"

#define POOL       16u /* messages to one receiver; identities with their RSK */
#define SSV_OCTETS 16u

static struct {
    kf_secret *z;
    uint8_t z_point[SAKKE_POINT_OCTETS];
    sakke_public *pub;
    kf_secret *rsk[POOL];
    sakke_rsk *receiver; /* identity 0, all tables */
    kf_secret *ssv[POOL];
    uint8_t sed[POOL][SAKKE_SED_OCTETS(SSV_OCTETS)];

    SakkeKey kms, sender, recipient;
    ecc_point *peer_rsk[POOL];
} w;

/* Octets of a point, or of what it is made of, without the leading 04. */
#define RAW(octets) (octets) + 1, SAKKE_POINT_OCTETS - 1

static bool prepare_ours(void)
{
    bench_id id = bench_id_of(0);
    bool ok = sakke_prepare() == KF_OK && sakke_master_new(kf_random(), &w.z) == KF_OK &&
              sakke_master_public(w.z, w.z_point) == KF_OK &&
              sakke_public_new(KF_SLICE_OF(w.z_point), SAKKE_FULL, &w.pub) == KF_OK;
    for (size_t i = 0; ok && i < POOL; i++) {
        bench_id other = bench_id_of(i);
        ok = sakke_rsk_extract(w.z, KF_SLICE_OF(other.octets), &w.rsk[i]) == KF_OK &&
             kf_secret_new_random(kf_random(), SSV_OCTETS, &w.ssv[i]) == KF_OK &&
             sakke_encapsulate(w.pub, KF_SLICE_OF(id.octets), w.ssv[i], SAKKE_STANDARD, w.sed[i]) ==
                 KF_OK;
    }
    return bench_check(ok && sakke_rsk_new(w.pub, KF_SLICE_OF(id.octets), w.rsk[0], SAKKE_FULL,
                                           &w.receiver) == KF_OK,
                       "our SAKKE keys and messages");
}

static bool peer_key(SakkeKey *key)
{
    return wc_InitSakkeKey_ex(key, 128, ECC_SAKKE_1, NULL, INVALID_DEVID) == 0 &&
           wc_ImportSakkePublicKey(key, RAW(w.z_point), 1) == 0;
}

/* z as 128 octets, which is what wolfSSL takes; sakke_master_new() makes that many. */
static bool prepare_peer(void)
{
    bench_id id = bench_id_of(0);
    kf_slice z = kf_secret_view(w.z);
    bool ok = peer_key(&w.kms) && peer_key(&w.sender) && peer_key(&w.recipient) &&
              wc_ImportSakkePrivateKey(&w.kms, z.ptr, (word32)z.len) == 0;
    for (size_t i = 0; ok && i < POOL; i++) {
        w.peer_rsk[i] = wc_ecc_new_point();
        ok = w.peer_rsk[i] != NULL &&
             wc_DecodeSakkeRsk(&w.kms, RAW(kf_secret_view(w.rsk[i]).ptr), w.peer_rsk[i]) == 0;
    }
    ok = ok && wc_SetSakkeRsk(&w.recipient, w.peer_rsk[0], NULL, 0) == 0 &&
         wc_SetSakkeIdentity(&w.recipient, id.octets, ID_OCTETS) == 0 &&
         wc_MakeSakkePointI(&w.recipient, id.octets, ID_OCTETS) == 0;
    return bench_check(ok, "wolfSSL's SAKKE keys");
}

/* wolfSSL masks the SSV where it is; auth is R. */
static bool peer_encapsulate_to(bench_id id, uint8_t sed[SAKKE_SED_OCTETS(SSV_OCTETS)],
                                const uint8_t ssv[SSV_OCTETS])
{
    word16 r_octets = SAKKE_POINT_OCTETS;
    memcpy(sed + SAKKE_POINT_OCTETS, ssv, SSV_OCTETS);
    return wc_SetSakkeIdentity(&w.sender, id.octets, ID_OCTETS) == 0 &&
           wc_MakeSakkePointI(&w.sender, id.octets, ID_OCTETS) == 0 &&
           wc_MakeSakkeEncapsulatedSSV(&w.sender, WC_HASH_TYPE_SHA256, sed + SAKKE_POINT_OCTETS,
                                       SSV_OCTETS, sed, &r_octets) == 0 &&
           r_octets == SAKKE_POINT_OCTETS;
}

/* Each side opens what the other made. */
static bool sides_agree(void)
{
    uint8_t sed[SAKKE_SED_OCTETS(SSV_OCTETS)];
    kf_secret *ssv = NULL;
    bool ok = peer_encapsulate_to(bench_id_of(0), sed, kf_secret_view(w.ssv[0]).ptr) &&
              sakke_decapsulate(w.receiver, KF_SLICE_OF(sed), SAKKE_STANDARD, &ssv) == KF_OK &&
              kf_secret_equal(ssv, w.ssv[0]) && peer_decapsulate(0);
    kf_secret_free(&ssv);
    return bench_check(ok, "each side opens the other's SAKKE data");
}

bool sakke_prepare_inputs(void)
{
    return prepare_ours() && prepare_peer() && sides_agree();
}

bool ours_encapsulate(size_t turn)
{
    uint8_t sed[SAKKE_SED_OCTETS(SSV_OCTETS)];
    bench_id id = bench_id_of(turn);
    return sakke_encapsulate(w.pub, KF_SLICE_OF(id.octets), w.ssv[turn % POOL], SAKKE_STANDARD,
                             sed) == KF_OK;
}

bool peer_encapsulate(size_t turn)
{
    uint8_t sed[SAKKE_SED_OCTETS(SSV_OCTETS)];
    return peer_encapsulate_to(bench_id_of(turn), sed, kf_secret_view(w.ssv[turn % POOL]).ptr);
}

bool ours_decapsulate(size_t turn)
{
    kf_secret *ssv = NULL;
    bool ok = sakke_decapsulate(w.receiver, KF_SLICE_OF(w.sed[turn % POOL]), SAKKE_STANDARD,
                                &ssv) == KF_OK &&
              kf_secret_equal(ssv, w.ssv[turn % POOL]);
    kf_secret_free(&ssv);
    return ok;
}

bool peer_decapsulate(size_t turn)
{
    uint8_t ssv[SSV_OCTETS];
    const uint8_t *sed = w.sed[turn % POOL];
    memcpy(ssv, sed + SAKKE_POINT_OCTETS, sizeof ssv);
    return wc_DeriveSakkeSSV(&w.recipient, WC_HASH_TYPE_SHA256, ssv, sizeof ssv, sed,
                             SAKKE_POINT_OCTETS) == 0 &&
           kf_slice_equal(KF_SLICE_OF(ssv), kf_secret_view(w.ssv[turn % POOL]));
}

bool ours_extract_rsk(size_t turn)
{
    kf_secret *rsk = NULL;
    bench_id id = bench_id_of(turn);
    bool ok = sakke_rsk_extract(w.z, KF_SLICE_OF(id.octets), &rsk) == KF_OK;
    kf_secret_free(&rsk);
    return ok;
}

bool peer_extract_rsk(size_t turn)
{
    bench_id id = bench_id_of(turn);
    ecc_point *rsk = wc_ecc_new_point();
    bool ok = rsk != NULL && wc_MakeSakkeRsk(&w.kms, id.octets, ID_OCTETS, rsk) == 0;
    wc_ecc_del_point(rsk);
    return ok;
}

bool ours_validate_rsk(size_t turn)
{
    sakke_rsk *rsk = NULL;
    bench_id id = bench_id_of(turn % POOL);
    bool ok = sakke_rsk_new(w.pub, KF_SLICE_OF(id.octets), w.rsk[turn % POOL], SAKKE_SMALL, &rsk) ==
              KF_OK;
    sakke_rsk_free(&rsk);
    return ok;
}

bool peer_validate_rsk(size_t turn)
{
    int valid = 0;
    bench_id id = bench_id_of(turn % POOL);
    return wc_ValidateSakkeRsk(&w.sender, id.octets, ID_OCTETS, w.peer_rsk[turn % POOL], &valid) ==
               0 &&
           valid == 1;
}

bool make_public_table(size_t turn)
{
    (void)turn;
    sakke_public *pub = NULL;
    bool ok = sakke_public_new(KF_SLICE_OF(w.z_point), SAKKE_FULL, &pub) == KF_OK;
    sakke_public_free(&pub);
    return ok;
}

bool make_rsk_table(size_t turn)
{
    sakke_rsk *rsk = NULL;
    bench_id id = bench_id_of(turn % POOL);
    bool ok =
        sakke_rsk_new(w.pub, KF_SLICE_OF(id.octets), w.rsk[turn % POOL], SAKKE_FULL, &rsk) == KF_OK;
    sakke_rsk_free(&rsk);
    return ok;
}

size_t public_table_octets(void)
{
    return sakke_public_table_octets(w.pub);
}

size_t rsk_table_octets(void)
{
    return sakke_rsk_table_octets(w.receiver);
}

/* ECCSI: one KMS, made by us; many senders, more than wolfSSL's fixed-point cache has entries. */
#include "bench_ibc.h"

#include <wolfssl/wolfcrypt/eccsi.h>

#include <string.h>

#include "crypto/random.h"
#include "eccsi/eccsi.h"

#define SENDERS        64u
#define MESSAGE_OCTETS 800u

static struct {
    uint8_t message[MESSAGE_OCTETS];
    kf_secret *ksak;
    uint8_t kpak[ECCSI_POINT_OCTETS];
    eccsi_public *pub;
    eccsi_signer *signer; /* sender 0 */
    struct {
        kf_secret *ssk;
        uint8_t pvt[ECCSI_POINT_OCTETS];
        uint8_t signature[ECCSI_SIGNATURE_OCTETS];
        mp_int peer_ssk;
        ecc_point *peer_pvt;
    } sender[SENDERS];

    EccsiKey kms, peer_signer, verifier;
    ecc_point *pvt; /* wolfSSL's, of the signature at hand */
} w;

#define RAW(octets) (octets) + 1, ECCSI_POINT_OCTETS - 1

static bool prepare_sender(size_t i)
{
    bench_id id = bench_id_of(i);
    eccsi_signer *signer = NULL;
    bool ok =
        eccsi_issue(w.ksak, KF_SLICE_OF(id.octets), kf_random(), &w.sender[i].ssk,
                    w.sender[i].pvt) == KF_OK &&
        eccsi_signer_new(w.pub, KF_SLICE_OF(id.octets), w.sender[i].ssk,
                         KF_SLICE_OF(w.sender[i].pvt), &signer) == KF_OK &&
        eccsi_sign(signer, KF_SLICE_OF(w.message), kf_random(), w.sender[i].signature) == KF_OK;
    if (i == 0)
        w.signer = signer;
    else
        eccsi_signer_free(&signer);
    w.sender[i].peer_pvt = wc_ecc_new_point();
    return ok && w.sender[i].peer_pvt != NULL && mp_init(&w.sender[i].peer_ssk) == 0 &&
           wc_DecodeEccsiSsk(&w.verifier, kf_secret_view(w.sender[i].ssk).ptr, ECCSI_SCALAR_OCTETS,
                             &w.sender[i].peer_ssk) == 0 &&
           wc_DecodeEccsiPvt(&w.verifier, RAW(w.sender[i].pvt), w.sender[i].peer_pvt) == 0;
}

static bool peer_key(EccsiKey *key)
{
    return wc_InitEccsiKey(key, NULL, INVALID_DEVID) == 0 &&
           wc_ImportEccsiPublicKey(key, RAW(w.kpak), 1) == 0;
}

/* The private key followed by x and y of the public one. */
static bool peer_kms(void)
{
    uint8_t key[ECCSI_SCALAR_OCTETS + ECCSI_POINT_OCTETS - 1];
    memcpy(key, kf_secret_view(w.ksak).ptr, ECCSI_SCALAR_OCTETS);
    memcpy(key + ECCSI_SCALAR_OCTETS, RAW(w.kpak));
    bool ok = wc_InitEccsiKey(&w.kms, NULL, INVALID_DEVID) == 0 &&
              wc_ImportEccsiKey(&w.kms, key, sizeof key) == 0;
    kf_wipe(key, sizeof key);
    return ok;
}

static bool prepare_keys(void)
{
    w.pvt = wc_ecc_new_point();
    return bench_check(w.pvt != NULL &&
                           kf_rng_fill(kf_random(), w.message, sizeof w.message) == KF_OK &&
                           eccsi_ksak_new(kf_random(), &w.ksak) == KF_OK &&
                           eccsi_ksak_public(w.ksak, w.kpak) == KF_OK &&
                           eccsi_public_new(KF_SLICE_OF(w.kpak), &w.pub) == KF_OK &&
                           peer_key(&w.peer_signer) && peer_key(&w.verifier) && peer_kms(),
                       "ECCSI keys");
}

/* HS of one sender into a wolfSSL key. */
static bool peer_hash_id(EccsiKey *key, size_t sender, ecc_point *pvt)
{
    uint8_t hash[WC_MAX_DIGEST_SIZE];
    byte octets = 0;
    bench_id id = bench_id_of(sender);
    return wc_HashEccsiId(key, WC_HASH_TYPE_SHA256, id.octets, ID_OCTETS, pvt, hash, &octets) ==
               0 &&
           wc_SetEccsiHash(key, hash, octets) == 0;
}

static bool peer_sign_to(uint8_t signature[ECCSI_SIGNATURE_OCTETS])
{
    word32 octets = ECCSI_SIGNATURE_OCTETS;
    return wc_SignEccsiHash(&w.peer_signer, &wolf_rng, WC_HASH_TYPE_SHA256, w.message,
                            MESSAGE_OCTETS, signature, &octets) == 0;
}

static bool sides_agree(void)
{
    uint8_t signature[ECCSI_SIGNATURE_OCTETS];
    bench_id id = bench_id_of(0);
    return bench_check(
        peer_hash_id(&w.peer_signer, 0, w.sender[0].peer_pvt) &&
            wc_SetEccsiPair(&w.peer_signer, &w.sender[0].peer_ssk, w.sender[0].peer_pvt) == 0 &&
            peer_sign_to(signature) &&
            eccsi_verify(w.pub, KF_SLICE_OF(id.octets), KF_SLICE_OF(w.message),
                         KF_SLICE_OF(signature)) == KF_OK &&
            peer_verify(0),
        "each side verifies the other's signature");
}

bool eccsi_prepare_inputs(void)
{
    if (!prepare_keys())
        return false;
    for (size_t i = 0; i < SENDERS; i++)
        if (!bench_check(prepare_sender(i), "ECCSI senders"))
            return false;
    return sides_agree();
}

bool ours_sign(size_t turn)
{
    (void)turn;
    uint8_t signature[ECCSI_SIGNATURE_OCTETS];
    return eccsi_sign(w.signer, KF_SLICE_OF(w.message), kf_random(), signature) == KF_OK;
}

bool peer_sign(size_t turn)
{
    (void)turn;
    uint8_t signature[ECCSI_SIGNATURE_OCTETS];
    return peer_sign_to(signature);
}

bool ours_verify(size_t turn)
{
    size_t i = turn % SENDERS;
    bench_id id = bench_id_of(i);
    return eccsi_verify(w.pub, KF_SLICE_OF(id.octets), KF_SLICE_OF(w.message),
                        KF_SLICE_OF(w.sender[i].signature)) == KF_OK;
}

bool peer_verify(size_t turn)
{
    size_t i = turn % SENDERS;
    int verified = 0;
    return wc_DecodeEccsiPvtFromSig(&w.verifier, w.sender[i].signature, ECCSI_SIGNATURE_OCTETS,
                                    w.pvt) == 0 &&
           peer_hash_id(&w.verifier, i, w.pvt) &&
           wc_VerifyEccsiHash(&w.verifier, WC_HASH_TYPE_SHA256, w.message, MESSAGE_OCTETS,
                              w.sender[i].signature, ECCSI_SIGNATURE_OCTETS, &verified) == 0 &&
           verified == 1;
}

bool ours_issue(size_t turn)
{
    kf_secret *ssk = NULL;
    uint8_t pvt[ECCSI_POINT_OCTETS];
    bench_id id = bench_id_of(turn);
    bool ok = eccsi_issue(w.ksak, KF_SLICE_OF(id.octets), kf_random(), &ssk, pvt) == KF_OK;
    kf_secret_free(&ssk);
    return ok;
}

bool peer_issue(size_t turn)
{
    mp_int ssk;
    bench_id id = bench_id_of(turn);
    bool ok = mp_init(&ssk) == 0 && wc_MakeEccsiPair(&w.kms, &wolf_rng, WC_HASH_TYPE_SHA256,
                                                     id.octets, ID_OCTETS, &ssk, w.pvt) == 0;
    mp_free(&ssk);
    return ok;
}

bool ours_validate_pair(size_t turn)
{
    size_t i = turn % SENDERS;
    bench_id id = bench_id_of(i);
    eccsi_signer *signer = NULL;
    bool ok = eccsi_signer_new(w.pub, KF_SLICE_OF(id.octets), w.sender[i].ssk,
                               KF_SLICE_OF(w.sender[i].pvt), &signer) == KF_OK;
    eccsi_signer_free(&signer);
    return ok;
}

bool peer_validate_pair(size_t turn)
{
    size_t i = turn % SENDERS;
    int valid = 0;
    bench_id id = bench_id_of(i);
    return wc_ValidateEccsiPair(&w.verifier, WC_HASH_TYPE_SHA256, id.octets, ID_OCTETS,
                                &w.sender[i].peer_ssk, w.sender[i].peer_pvt, &valid) == 0 &&
           valid == 1;
}

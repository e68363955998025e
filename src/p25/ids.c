#include "p25/ids.h"

#include "base/attr.h"

static const struct {
    uint8_t algid;
    uint8_t key_octets;
    int8_t strength;
    const char *name;
} algids[] = {
    { 0x00, 0, -1, "ACCORDION" },
    { 0x01, 0, -1, "BATON (auto even)" },
    { 0x02, 0, -1, "FIREFLY" },
    { 0x03, 0, -1, "MAYFLY" },
    { 0x04, 0, -1, "SAVILLE" },
    { 0x05, 0, -1, "PADSTONE" },
    { 0x41, 0, -1, "BATON (auto odd)" },
    { P25_ALGID_CLEAR, 0, -1, "clear" },
    { P25_ALGID_DES, 8, 1, "DES-OFB" },
    { P25_ALGID_TDEA, 24, 2, "TDEA-OFB" },
    { P25_ALGID_AES256, 32, 3, "AES-256" },
    { P25_ALGID_AES128, 16, -1, "AES-128" },
    { 0x88, 0, -1, "AES-CBC" },
    { 0x9f, 0, -1, "DES-XL" },
    { 0xa0, 0, -1, "DVI-XL" },
    { 0xa1, 0, -1, "DVP-XL" },
    { P25_ALGID_ADP, 5, 0, "ADP" },
};

static size_t find(unsigned algid)
{
    size_t i = 0;
    while (i < KF_COUNT(algids) && algids[i].algid != algid)
        i++;
    return i;
}

const char *p25_algid_name(unsigned algid)
{
    size_t i = find(algid);
    return i < KF_COUNT(algids) ? algids[i].name : NULL;
}

size_t p25_algid_key_octets(unsigned algid)
{
    size_t i = find(algid);
    return i < KF_COUNT(algids) ? algids[i].key_octets : 0;
}

int p25_algid_strength(unsigned algid)
{
    size_t i = find(algid);
    return i < KF_COUNT(algids) ? algids[i].strength : -1;
}

const char *p25_status_name(unsigned status)
{
    static const char *const names[] = {
        "performed",    "not performed", "item does not exist", "invalid message ID",
        "invalid MAC",  "out of memory", "could not decrypt",   "invalid message number",
        "invalid KID",  "invalid ALGID", "invalid MFID",        "module failure",
        "MI all zeros", "key is erased",
    };
    return status < KF_COUNT(names) ? names[status] : "unknown";
}

unsigned p25_sln_crypto_group(uint16_t sln)
{
    return sln >> 12;
}

unsigned p25_keyset_crypto_group(uint8_t keyset)
{
    return keyset == 0 ? 0 : (keyset - 1u) >> 4;
}

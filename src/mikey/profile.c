#include "mikey/profile.h"

#include "base/writer.h"

/* RFC 3830 6.10.1, RFC 4771, RFC 7714: SRTP policy parameters */
enum {
    SP_ENCR_ALG = 0,
    SP_ENCR_KEY_LEN = 1,
    SP_AUTH_ALG = 2,
    SP_SALT_LEN = 4,
    SP_PRF = 5,
    SP_KDR = 6,
    SP_ROC_RATE = 13,
    SP_SRTP_TAG_LEN = 18,
    SP_SRTCP_TAG_LEN = 19,
    SP_AEAD_TAG_LEN = 20,
};

typedef struct profile_row {
    uint8_t type, value;
} profile_row;

/* spec: TS 33.180 E.2.2 - AES-GCM-128, unauthenticated ROC in every packet */
static const profile_row gmk_policy[] = {
    { SP_ENCR_ALG, 6 },      { SP_ENCR_KEY_LEN, 16 }, { SP_AUTH_ALG, 4 }, { SP_SALT_LEN, 12 },
    { SP_PRF, 0 },           { SP_KDR, 0 },           { SP_ROC_RATE, 1 }, { SP_SRTP_TAG_LEN, 4 },
    { SP_SRTCP_TAG_LEN, 0 }, { SP_AEAD_TAG_LEN, 16 },
};

/* spec: TS 33.180 E.3.2 - the same without ROC; [P] also sent with a CSK (E.4.2 was not readable)
 */
static const profile_row pck_policy[] = {
    { SP_ENCR_ALG, 6 }, { SP_ENCR_KEY_LEN, 16 }, { SP_SALT_LEN, 12 },     { SP_PRF, 0 },
    { SP_KDR, 0 },      { SP_SRTCP_TAG_LEN, 0 }, { SP_AEAD_TAG_LEN, 16 },
};

static const struct {
    unsigned purpose;
    bool has_session;
    uint8_t cs_id;
    const profile_row *rows;
    size_t count;
} profiles[] = {
    { MCSEC_GMK, true, CS_ID_GROUP_MCPTT, gmk_policy, KF_COUNT(gmk_policy) },
    /* spec: TS 33.180 E.3.1 - a PCK may come with an empty map */
    { MCSEC_PCK, false, 0, pck_policy, KF_COUNT(pck_policy) },
    { MCSEC_CSK, true, CS_ID_CSK_MCPTT, pck_policy, KF_COUNT(pck_policy) },
};

bool profile_exists(unsigned purpose)
{
    for (size_t i = 0; i < KF_COUNT(profiles); i++)
        if (profiles[i].purpose == purpose)
            return true;
    return false;
}

static void fill_policy(const profile_row *rows, size_t count, mikey_message *m)
{
    mikey_sp *sp = &m->sp[0];
    m->sp_count = 1;
    sp->policy_no = 0;
    sp->prot_type = MIKEY_PROT_SRTP;
    sp->count = count;
    for (size_t i = 0; i < count; i++)
        sp->params[i] = (mikey_sp_param){ rows[i].type, { &rows[i].value, 1 } };
}

/* spec: TS 33.180 7.4.2 - the MKI of a group call is GMK-ID || GUK-ID, else the K-ID */
static void fill_session(uint8_t cs_id, uint32_t key_id, uint32_t csb_id,
                         uint8_t spi[PROFILE_SPI_MAX], mikey_message *m)
{
    kf_writer w = kf_writer_init(spi, PROFILE_SPI_MAX);
    kf_write_u32(&w, key_id);
    if (mcsec_purpose_is_diverse(mcsec_keyid_tag(key_id)))
        kf_write_u32(&w, csb_id);
    m->map_type = MIKEY_MAP_GENERIC_ID;
    m->session_count = 1;
    m->sessions[0] = (mikey_session){
        .cs_id = cs_id,
        .prot_type = MIKEY_PROT_SRTP,
        .policy_count = 1,
        .policies = { 0 },
        .spi = kf_writer_slice(&w),
    };
}

void profile_apply(mcsec_purpose purpose, uint32_t key_id, uint32_t csb_id,
                   uint8_t spi[PROFILE_SPI_MAX], mikey_message *m)
{
    m->map_type = MIKEY_MAP_EMPTY;
    for (size_t i = 0; i < KF_COUNT(profiles); i++) {
        if (profiles[i].purpose != purpose)
            continue;
        fill_policy(profiles[i].rows, profiles[i].count, m);
        if (profiles[i].has_session)
            fill_session(profiles[i].cs_id, key_id, csb_id, spi, m);
    }
}

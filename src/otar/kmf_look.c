/* Looking into a KMF: nothing here changes it. */
#include "otar/kmf_parts.h"

const otar_key *otar_kmf_key(const otar_kmf *kmf, uint16_t sln, bool active)
{
    size_t g = kmf_group_of(kmf, sln);
    if (g == kmf->group_count)
        return NULL;
    unsigned slot = kmf->active[p25_sln_crypto_group(sln)] ^ (active ? 0u : 1u);
    return kmf_key(kmf, g, slot);
}

kf_err otar_kmf_status(const otar_kmf *kmf, uint32_t rsi, otar_unit_status *out)
{
    const kmf_unit *u = kmf_unit_of(kmf, rsi);
    *out = (otar_unit_status){ 0 };
    if (u == NULL)
        return KF_E_STATE;
    *out = (otar_unit_status){ .is_registered = u->is_registered,
                               .is_away = u->is_away,
                               .is_zeroized = u->is_zeroized,
                               .is_condemned = u->is_condemned,
                               .is_out_of_service = u->is_out_of_service,
                               .is_asked = u->out.is_set,
                               .has_ukek = u->kek != NULL,
                               .is_settled = kmf_is_settled(u),
                               .has_next = true };
    for (size_t g = 0; g < kmf->group_count; g++) {
        const unsigned cg = kmf_group_crypto_group(kmf, g);
        out->has_next = out->has_next && kmf_is_ready(u, cg);
        for (unsigned slot = 0; slot < 2; slot++) {
            const bool is_valid = slot == kmf->active[cg] || kmf->is_staged[cg];
            out->held += is_valid && kmf_holds(u, g, slot) ? 1u : 0u;
            out->wanted += is_valid && kmf_is_member(u, g) ? 1u : 0u;
        }
    }
    return KF_OK;
}

size_t otar_kmf_unit_count(const otar_kmf *kmf)
{
    return kmf->unit_count;
}

uint32_t otar_kmf_unit_rsi(const otar_kmf *kmf, size_t i)
{
    return i < kmf->unit_count ? kmf->units[i]->rsi : 0;
}

size_t otar_kmf_group_count(const otar_kmf *kmf)
{
    return kmf->group_count;
}

uint16_t otar_kmf_group_sln(const otar_kmf *kmf, size_t i)
{
    return i < kmf->group_count ? kmf->slns[i] : 0;
}

bool otar_kmf_is_staged(const otar_kmf *kmf, unsigned crypto_group)
{
    return crypto_group < OTAR_CRYPTO_GROUPS && kmf->is_staged[crypto_group];
}

bool otar_kmf_is_member(const otar_kmf *kmf, uint32_t rsi, uint16_t sln)
{
    const kmf_unit *u = kmf_unit_of(kmf, rsi);
    const size_t g = kmf_group_of(kmf, sln);
    return u != NULL && g < kmf->group_count && kmf_is_member(u, g);
}

uint16_t otar_kmf_held(const otar_kmf *kmf, uint32_t rsi, uint16_t sln, bool active)
{
    const kmf_unit *u = kmf_unit_of(kmf, rsi);
    const size_t g = kmf_group_of(kmf, sln);
    if (u == NULL || g == kmf->group_count)
        return 0;
    return u->held[g][kmf->active[p25_sln_crypto_group(sln)] ^ (active ? 0u : 1u)];
}

bool otar_kmf_uses_active(const otar_kmf *kmf, uint32_t rsi, unsigned crypto_group)
{
    const kmf_unit *u = kmf_unit_of(kmf, rsi);
    return u != NULL && crypto_group < OTAR_CRYPTO_GROUPS && u->is_reconciled &&
           u->active[crypto_group] == kmf->active[crypto_group];
}

uint64_t otar_kmf_looks(const otar_kmf *kmf)
{
    return kmf->looks;
}

#include "p25/number.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"

void p25_mn_state_init(p25_mn_state *state, uint16_t last, uint16_t window)
{
    *state = (p25_mn_state){ .last = last, .window = window };
}

kf_err p25_mn_digest(kf_slice kmm, uint8_t out[P25_MN_DIGEST_OCTETS])
{
    return kf_sha256(kmm, out);
}

p25_mn_verdict p25_mn_judge(const p25_mn_state *state, p25_response_kind kind, uint16_t mn,
                            const uint8_t digest[P25_MN_DIGEST_OCTETS])
{
    const uint16_t distance = (uint16_t)(mn - state->last);
    const bool is_last = distance == 0 && state->has_message &&
                         memcmp(digest, state->digest, P25_MN_DIGEST_OCTETS) == 0;

    if (is_last && kind != P25_RK1_NONE)
        return P25_MN_RETRY;
    if (state->window == P25_MNP_OFF)
        return P25_MN_FRESH;
    if (distance == 0) /* before any message has had it, rule 2 lets the number itself pass */
        return kind == P25_RK2_DELAYED && !state->has_message ? P25_MN_FRESH : P25_MN_REFUSED;
    return distance <= state->window ? P25_MN_FRESH : P25_MN_REFUSED;
}

void p25_mn_accept(p25_mn_state *state, uint16_t mn, const uint8_t digest[P25_MN_DIGEST_OCTETS])
{
    state->last = mn;
    state->has_message = true;
    memcpy(state->digest, digest, P25_MN_DIGEST_OCTETS);
}

void p25_counter_init(p25_counter *c, uint64_t limit, uint16_t ahead, p25_counter_store store)
{
    assert(ahead > 0);
    *c = (p25_counter){ .next = limit, .limit = limit, .ahead = ahead, .store = store };
}

kf_err p25_counter_take(p25_counter *c, uint16_t *mn)
{
    *mn = 0;
    if (c->next == c->limit) {
        kf_err err = c->store.reserve(c->store.ctx, c->limit + c->ahead);
        if (err != KF_OK)
            return err;
        c->limit += c->ahead;
    }
    *mn = (uint16_t)c->next++;
    return KF_OK;
}

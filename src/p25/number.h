/**
 * @file number.h Message numbers: which are fresh, which are a retry, which are refused; and
 * numbers of our own that are never given out twice.
 *
 * The states are plain, so that they can be stored as they are; they must be stored before the
 * message they admit is acted on. Source: TIA-102.AACA; project facts 2.6.
 */
#ifndef P25_NUMBER_H
#define P25_NUMBER_H

#include "base/slice.h"
#include "p25/kmm.h"

/** A window that switches the checking off. */
#define P25_MNP_OFF 65535u
/** What peers use when nobody says otherwise (facts 2.6). */
#define P25_MNP_DEFAULT 1000u

#define P25_MN_DIGEST_OCTETS 32u

/** What is known of the numbers from one source to one RSI of ours. */
typedef struct p25_mn_state {
    uint16_t last;    /**< MNL: the last number accepted; 0 at the start */
    uint16_t window;  /**< MNP */
    bool has_message; /**< a message was accepted, and digest is its */
    uint8_t digest[P25_MN_DIGEST_OCTETS];
} p25_mn_state;

typedef enum p25_mn_verdict {
    P25_MN_FRESH,   /**< act, answer */
    P25_MN_RETRY,   /**< the last message again: answer the same, do not act */
    P25_MN_REFUSED, /**< status 07 */
    P25_MN_ABSENT,  /**< the message has no number (never from p25_mn_judge()) */
} p25_mn_verdict;

/** Start, or start anew after a Change-RSI with its number. */
void p25_mn_state_init(p25_mn_state *state, uint16_t last, uint16_t window);

/** What a message is compared by: SHA-256 of the whole clear KMM. @return KF_E_BACKEND. */
KF_MUST_USE kf_err p25_mn_digest(kf_slice kmm, uint8_t out[P25_MN_DIGEST_OCTETS]);

/**
 * Judge an authenticated message; pure.
 * Rule 1 (RK1, new RK3): 0 < (mn - last) mod 65536 <= window. Rule 2 (RK2, retries): the last
 * number too, which is a retry when the octets are those of the last message and refused when they
 * are not.
 */
p25_mn_verdict p25_mn_judge(const p25_mn_state *state, p25_response_kind kind, uint16_t mn,
                            const uint8_t digest[P25_MN_DIGEST_OCTETS]);

/** Take a fresh message into the state. */
void p25_mn_accept(p25_mn_state *state, uint16_t mn, const uint8_t digest[P25_MN_DIGEST_OCTETS]);

/** Where counters live. */
typedef struct p25_counter_store {
    /** Make durable, before returning KF_OK, that all numbers below limit may have been used. */
    kf_err (*reserve)(void *ctx, uint64_t limit);
    void *ctx;
} p25_counter_store;

/** A counter that reserves ahead, so that a crash skips numbers and never repeats one. */
typedef struct p25_counter {
    uint64_t next;
    uint64_t limit; /**< as last reserved */
    uint16_t ahead;
    p25_counter_store store;
} p25_counter;

/** The limit to start with where nothing was ever stored: a first number of 1. */
#define P25_COUNTER_FIRST 1u

/**
 * @param limit the last one that was made durable, or P25_COUNTER_FIRST.
 * @param ahead numbers to reserve at a time, at least 1, and less than the peer's window, for a
 *              crash skips up to so many.
 */
void p25_counter_init(p25_counter *c, uint64_t limit, uint16_t ahead, p25_counter_store store);

/**
 * The next message number: the count modulo 65536.
 * @return what the store says; then no number was taken and the next call tries again.
 */
KF_MUST_USE kf_err p25_counter_take(p25_counter *c, uint16_t *mn);

#endif

/**
 * @file fleet.h A simulated fleet: one KMF, many subscribers, a bad network, and a crypto officer
 * who rekeys all of them. Both ends are the real machines of the room otar; only time, the network
 * and the people are played. The same configuration gives the same result, octet for octet.
 *
 * The story: provision; units are switched on and register; warm start and first keys; some units
 * leave the air; rekey; the changeover is tried once a minute and refused while somebody is not
 * ready; when patience ends it is ordered all the same; those who come back later catch up.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "base/err.h"
#include "base/time.h"
#include "p25/seal.h"

/** Each subscriber keeps its records in locked pages of its own, which the system counts. */
#define FLEET_UNITS_MAX   20000u
#define FLEET_GROUPS_MAX  16u
#define FLEET_CRYPTO_USED 2u /**< crypto groups that the groups are dealt into */
#define FLEET_NAMES_MAX   8u

typedef struct fleet_config {
    size_t units;               /**< 1 to FLEET_UNITS_MAX */
    unsigned groups;            /**< 1 to FLEET_GROUPS_MAX; every unit is in the first one */
    unsigned loss_percent;      /**< of datagrams, each way; to 100 */
    unsigned duplicate_percent; /**< of datagrams that arrive; to 100 */
    unsigned delay_ms;          /**< longest usual delay of a datagram */
    unsigned off_air_percent;   /**< of units: leave before the rekey and come back; to 100 */
    unsigned gone_percent;      /**< of the others: leave and never come back; to 100 */
    unsigned absence_s;         /**< longest absence of those who come back, from the rekey on */
    unsigned patience_s;        /**< from rekey to an overridden changeover; 0: never override */
    unsigned pace;              /**< commands a second that the KMF may send; 0: no limit */
    unsigned limit_s;           /**< give up after so many simulated seconds */
    p25_level level;            /**< policy of all units */
    uint64_t seed;
} fleet_config;

/** What the program and the tests use where nobody says otherwise: 200 units, 5 % loss, ... */
fleet_config fleet_config_usual(void);

typedef enum fleet_phase {
    FLEET_PROVISION,  /**< done: units that exist */
    FLEET_REGISTER,   /**< done: units that registered */
    FLEET_FIRST_KEYS, /**< done: units that hold and use the first keys */
    FLEET_REKEY,      /**< done: units ready for the changeover */
    FLEET_CATCH_UP,   /**< done: units that use the new keys */
    FLEET_PHASES,
} fleet_phase;

/** "first keys" */
const char *fleet_phase_text(fleet_phase phase);

typedef struct fleet_progress {
    fleet_phase phase;
    size_t done, total;
    kf_time at; /**< simulated seconds since the start */
} fleet_progress;

typedef struct fleet_watch {
    void (*progress)(void *ctx, const fleet_progress *p); /**< NULL: nobody looks */
    void *ctx;
} fleet_watch;

/** Where a unit is in the end. */
typedef enum fleet_state {
    FLEET_CURRENT, /**< holds and uses the new keys of all its groups, and the KMF knows it */
    FLEET_BEHIND,  /**< has a usable key for all its groups, not all of them new */
    FLEET_UNKEYED, /**< never had all its keys */
    FLEET_KEYLESS, /**< had all its keys and lost one: must never happen */
    FLEET_STATES,
} fleet_state;
const char *fleet_state_text(fleet_state state);

/** Why a unit is not current. */
typedef enum fleet_reason {
    FLEET_OFF_AIR,        /**< switched off or out of reach */
    FLEET_NOT_REGISTERED, /**< on the air, its registration did not come through */
    FLEET_NO_ANSWER,      /**< the KMF used its retries up and waits to hear from it */
    FLEET_KEYS_MISSING,   /**< keys not acknowledged yet */
    FLEET_OLD_KEYSET,     /**< has the keys; did not confirm that it uses them */
    FLEET_REASONS,
} fleet_reason;
const char *fleet_reason_text(fleet_reason reason);

/** A unit that is not current. */
typedef struct fleet_laggard {
    uint32_t rsi;
    fleet_state state;
    fleet_reason reason;
    bool is_gone;         /**< left for good: nobody could have reached it */
    size_t held, wanted;  /**< keys, as the KMF knows */
    kf_time last_heard;   /**< by the KMF; -1: never */
    kf_time silent_since; /**< left the air; -1: it is on the air */
} fleet_laggard;

/** Who holds what: one group. Counted in the units themselves. */
typedef struct fleet_group {
    uint16_t sln;
    unsigned crypto_group;
    uint16_t kid, old_kid; /**< active, and the one before; 0: there is none */
    size_t members;
    size_t use_new; /**< send with the active key */
    size_t use_old; /**< have the new key, or not, and send with another */
    size_t use_none;
    size_t hold_new; /**< have the active key in some keyset */
} fleet_group;

/** A changeover, as it went. */
typedef struct fleet_changeover {
    size_t refused;         /**< times */
    size_t first_not_ready; /**< units, at the first refusal a minute after the rekey */
    size_t last_not_ready;  /**< at the last refusal */
    uint32_t last_names[FLEET_NAMES_MAX];
    bool is_done, is_overridden;
    size_t left_behind; /**< not ready when it was overridden */
    kf_time at;         /**< seconds from the rekey to the changeover */
} fleet_changeover;

typedef struct fleet_traffic {
    uint64_t commands, retries; /**< of the KMF */
    uint64_t requests;          /**< registrations and hellos */
    uint64_t to_units, to_kmf;  /**< datagrams, without duplicates of the network */
    uint64_t octets_to_units, octets_to_kmf;
    uint64_t lost, duplicated, missed; /**< missed: the unit was off the air */
    uint64_t given_up;                 /**< times that the retries were used up */
} fleet_traffic;

typedef struct fleet_result {
    fleet_config config;
    bool all_reached; /**< everybody who could be reached is current, and nobody is keyless */
    size_t reachable, reachable_current;
    size_t states[FLEET_STATES];
    size_t went_off_air, gone;
    unsigned group_count, crypto_group_count;
    fleet_group groups[FLEET_GROUPS_MAX];
    fleet_changeover changeovers[FLEET_CRYPTO_USED];
    kf_time phase_s[FLEET_PHASES]; /**< how long each took; a changeover ends FLEET_REKEY */
    kf_time simulated_s;
    kf_time half_s, most_s, all_s; /**< from the rekey until 50, 95, 100 % had the new keys; -1 */
    fleet_traffic traffic;
    uint64_t kmf_saves, kmf_saved_octets;
    uint64_t kmf_looks; /**< see otar_kmf_looks() */
    uint64_t events;    /**< of the simulation */
    size_t laggard_count;
    fleet_laggard *laggards; /**< all units that are not current, by RSI. Owned. */
} fleet_result;

/**
 * Play it. Several may run in one process, one after another or in different threads.
 * @param out the result, also when units were not reached. Caller frees.
 * @return KF_E_MALFORMED for a configuration out of range; KF_E_NO_MEMORY, also when so much memory
 * cannot be locked; KF_E_BACKEND.
 */
KF_MUST_USE kf_err fleet_run(const fleet_config *config, const fleet_watch *watch,
                             fleet_result **out);
void fleet_result_free(fleet_result **result);

#endif

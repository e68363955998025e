/**
 * @file sim.h A KMF and some subscribers on a bad network, with stores that may fail and machines
 * that may be restarted at any moment. What happens to them is the business of test_safety.c.
 */
#ifndef TESTS_OTAR_SIM_H
#define TESTS_OTAR_SIM_H

#include "otar/kmf.h"
#include "otar/unit.h"
#include "support/testing.h"

#define SIM_UNITS      4u
#define SIM_GROUPS     3u
#define SIM_PACKETS    64u
#define SIM_RECORD_MAX 16384u
#define SIM_KMF_RSI    0x98967fu
#define SIM_SLOTS      (SIM_UNITS + 1u)
/* A unit may change its RSI: those that are equal modulo this are its. */
#define SIM_RSI_FIRST 1000u
#define SIM_RSI_STEP  16u

/* A generator that is quick: a simulation draws a lot. */
typedef struct dice {
    uint64_t state;
} dice;

uint64_t roll(dice *d);
size_t below(dice *d, size_t limit);

typedef struct packet {
    bool is_set, to_kmf;
    size_t unit;
    kf_time at;
    size_t len;
    uint8_t octets[P25_DLI_DATAGRAM_MAX];
} packet;

typedef struct record {
    size_t len;
    uint8_t octets[SIM_RECORD_MAX];
} record;

typedef struct member {
    otar_unit *unit;
    record saved;
    unsigned fails_in; /* saves until one fails; 0: none will */
    p25_level level;
    p25_mac_scheme first_scheme;
    uint32_t rsi, new_rsi; /* as the operator calls it; new_rsi: a change is under way */
    uint16_t ukek_kid;
    bool is_off_air, is_condemned;
    bool had[SIM_GROUPS];    /* a usable key, once */
    bool leaves[SIM_GROUPS]; /* an erasure the operator asked for may be under way */
    bool in[SIM_GROUPS];     /* as the operator wants it */
    uint16_t last_mn;        /* that the KMF used */
    bool has_last_mn;
} member;

typedef struct world {
    dice dice;
    kf_rng rng;
    kf_time now;
    otar_kmf *kmf;
    p25_mac_setting mac; /* of the whole fleet */
    record saved[SIM_SLOTS];
    unsigned fails_in; /* the KMF's store */
    unsigned long failures;
    member members[SIM_UNITS];
    packet net[SIM_PACKETS];
    bool is_healing;
    unsigned long number; /* of the schedule */
} world;

extern const uint16_t sim_slns[SIM_GROUPS];

#define HOLD(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("schedule %lu at %ld: %s", (w)->number, (long)(w)->now, #condition);          \
    } while (0)

/* Machines with keys, groups and members, nobody registered. The fleet is one of the dice. */
void sim_open(world *w, unsigned long number);
void sim_close(world *w);
void sim_restart_kmf(world *w);
void sim_restart_unit(world *w, size_t i);

/* What the KMF returned for an operator: true when it was done. A store that failed stops it, and
 * it is made anew from its records. */
bool sim_kmf_did(world *w, kf_err err);
/* The same for a subscriber. */
bool sim_unit_did(world *w, size_t i, kf_err err);

/* The RSI the KMF knows the unit by. */
uint32_t sim_rsi(world *w, size_t i);
otar_unit_status sim_status(world *w, size_t i);
/* A new UKEK for both ends, as key fill does it. */
void sim_give_ukek(world *w, size_t i);

typedef enum sim_request {
    SIM_HELLO,
    SIM_HELLO_REKEY,
    SIM_REGISTER,
    SIM_DEREGISTER,
} sim_request;

void sim_unit_says(world *w, size_t i, sim_request what);
/* Everything that is due at this moment. */
void sim_run_network(world *w);

#endif

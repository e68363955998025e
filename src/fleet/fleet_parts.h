/** @file fleet_parts.h Inside the fleet: the state of a run, shared by its files. */
#ifndef FLEET_FLEET_PARTS_H
#define FLEET_FLEET_PARTS_H

#include "fleet/events.h"
#include "fleet/fleet.h"
#include "otar/kmf.h"
#include "otar/unit.h"

#define FLEET_KMF_RSI   9999999u
#define FLEET_RSI_FIRST 1000u
#define FLEET_SECOND    INT64_C(1000) /* of simulated time, which is counted in milliseconds */

typedef struct fleet_sim fleet_sim;

/** A subscriber with its radio. */
typedef struct fleet_radio {
    fleet_sim *sim;
    otar_unit *unit;
    uint32_t members; /* bit i: of group i */
    bool is_on, leaves, is_gone;
    bool must_register;               /* since it was switched on */
    bool has_registered, was_keyed;   /* ever, as the KMF saw it */
    bool is_settled;                  /* in this phase */
    uint32_t round;                   /* of announcements */
    int64_t silent_since, last_heard; /* milliseconds; -1 */
} fleet_radio;

struct fleet_sim {
    fleet_config config;
    fleet_watch watch;
    fleet_result *result;
    fleet_dice fate, secrets; /* apart, so that keys do not change what happens */
    kf_rng rng;
    fleet_agenda agenda;
    int64_t now; /* milliseconds since the start */
    otar_kmf *kmf;
    fleet_radio *radios;
    int64_t line_free; /* microseconds: when the KMF may send again */
    int64_t send_at;   /* milliseconds: of the next FLEET_EV_SEND that counts */
    fleet_phase phase;
    int64_t phase_began, rekeyed_at;
    size_t on_air, registered, settled, had_new;
    kf_err err; /* of a callback or an event */
};

/** Seconds, as the machines and the reports count. */
kf_time fleet_seconds(int64_t ms);
fleet_radio *fleet_radio_of(fleet_sim *sim, uint32_t rsi);
uint32_t fleet_rsi(const fleet_sim *sim, const fleet_radio *radio);
uint16_t fleet_sln(unsigned group);
bool fleet_is_member(const fleet_radio *radio, unsigned group);

/* radio.c: the subscribers and the network */
KF_MUST_USE kf_err fleet_radio_open(fleet_sim *sim, uint32_t i);
void fleet_radio_close(fleet_radio *radio);
KF_MUST_USE kf_err fleet_radio_on(fleet_sim *sim, uint32_t i);
void fleet_radio_off(fleet_sim *sim, uint32_t i);
/** It registers, or says hello; unless the announcement is void. */
KF_MUST_USE kf_err fleet_radio_announce(fleet_sim *sim, uint32_t i, uint32_t round);
KF_MUST_USE kf_err fleet_deliver_to_unit(fleet_sim *sim, uint32_t i, kf_slice octets);
KF_MUST_USE kf_err fleet_deliver_to_kmf(fleet_sim *sim, uint32_t i, kf_slice octets);
/** Let the KMF send what is due, as fast as the line takes it. */
KF_MUST_USE kf_err fleet_kmf_sends(fleet_sim *sim);
/** The watch of the KMF. */
void fleet_kmf_event(void *ctx, const otar_event *e);

/* tally.c: the result */
KF_MUST_USE kf_err fleet_tally(fleet_sim *sim);

#endif

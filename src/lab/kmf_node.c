#include "lab/kmf_node.h"

#include <stdlib.h>
#include <string.h>

#include "lab/events.h"
#include "lab/files.h"
#include "lab/kmf_node_parts.h"
#include "p25/dli.h"

#define SEND_AT_ONCE 64u /* messages before others have their turn */
/* Datagrams of a source that we do not know: so many at once, then so many a second. */
#define SOURCE_BURST    20u
#define SOURCE_RATE     10u
#define EVERYBODY_BURST 500u
#define EVERYBODY_RATE  200u
#define HASH_MULTIPLIER 2654435761u

void kmf_node_fail(lab_kmf_node *kn, kf_err err)
{
    lab_trouble t;
    (void)lab_trouble_set(&t, err == KF_OK ? KF_E_STATE : err, "state",
                          "the KMF has stopped: what it must not forget could not be stored",
                          kf_err_text(err), "make room on the disk and start it again");
    lab_node_stop(kn->node, &t);
}

/* ---- addresses ---- */

static bool same_address(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* An authenticated answer came from there. */
static void prove(lab_kmf_node *kn, kmf_peer *p)
{
    if (!same_address(&p->proven, kn->sender)) {
        p->proven = *kn->sender;
        kn->is_dirty = true;
    }
    p->claimed = (struct sockaddr_in){ 0 };
}

static void claim(lab_kmf_node *kn, kmf_peer *p)
{
    if (!same_address(&p->proven, kn->sender))
        p->claimed = *kn->sender;
}

static void follow_rsi(lab_kmf_node *kn, kmf_peer *p, const otar_event *e)
{
    if (e->message_id != P25_KMM_CHANGE_RSI_CMD || p->new_rsi == 0)
        return;
    if (e->kind == OTAR_EV_ACKNOWLEDGED && e->rsi == p->new_rsi) {
        p->rsi = p->new_rsi;
        p->new_rsi = 0;
        kn->is_dirty = true;
    } else if (e->kind == OTAR_EV_REFUSED && e->status != P25_STATUS_NONE) {
        p->new_rsi = 0;
        kn->is_dirty = true;
    }
}

static void on_event(void *ctx, const otar_event *e)
{
    lab_kmf_node *kn = ctx;
    kmf_peer *p = kmf_peer_of(kn, e->rsi);
    if (p != NULL && kn->sender != NULL &&
        (e->kind == OTAR_EV_ACKNOWLEDGED || e->kind == OTAR_EV_HEARD)) {
        p->heard = kn->second;
        if (e->kind == OTAR_EV_ACKNOWLEDGED)
            prove(kn, p);
        else
            claim(kn, p);
    }
    if (p != NULL)
        follow_rsi(kn, p, e);
    lab_node_emit(kn->node, lab_event_json(e));
}

/* ---- the network ---- */

static bool take_token(kmf_bucket *b, int64_t ms, uint32_t burst, uint32_t rate)
{
    const int64_t gained = (ms - b->at_ms) * rate / 1000;
    if (b->at_ms == 0 || gained >= burst) {
        b->tokens = burst;
        b->at_ms = ms;
    } else if (gained > 0) {
        b->tokens = b->tokens + (uint32_t)gained > burst ? burst : b->tokens + (uint32_t)gained;
        b->at_ms += gained * 1000 / rate;
    }
    if (b->tokens == 0)
        return false;
    b->tokens--;
    return true;
}

static bool is_known(const lab_kmf_node *kn, const struct sockaddr_in *from)
{
    for (size_t i = 0; i < kn->peer_count; i++)
        if (same_address(&kn->peers[i].proven, from) || same_address(&kn->peers[i].claimed, from))
            return true;
    return false;
}

/* Strangers share what one of them may have, by a hash of the address that they cannot foresee. */
static bool is_within_limits(lab_kmf_node *kn, const struct sockaddr_in *from)
{
    const int64_t ms = lab_node_ms();
    const uint32_t hash = (from->sin_addr.s_addr ^ kn->hash_seed) * HASH_MULTIPLIER;
    return is_known(kn, from) ||
           (take_token(&kn->buckets[hash >> 24], ms, SOURCE_BURST, SOURCE_RATE) &&
            take_token(&kn->everybody, ms, EVERYBODY_BURST, EVERYBODY_RATE));
}

static void on_datagram(void *ctx, unsigned port, kf_time now, const struct sockaddr_in *from,
                        kf_slice octets)
{
    lab_kmf_node *kn = ctx;
    uint8_t answer[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(answer, sizeof answer);
    (void)port;
    if (octets.len > P25_DLI_DATAGRAM_MAX) {
        kn->oversized++;
        return;
    }
    if (!is_within_limits(kn, from)) {
        kn->limited++;
        return;
    }
    kn->sender = from;
    kn->second = now;
    const kf_err err = otar_kmf_receive(kn->kmf, now, octets, &w);
    kn->sender = NULL;
    if (err != KF_OK) {
        kmf_node_fail(kn, err);
        return;
    }
    if (w.len > 0)
        lab_node_send(kn->node, 0, from, kf_writer_slice(&w));
}

static void send_to_unit(lab_kmf_node *kn, uint32_t rsi, kf_slice octets)
{
    const kmf_peer *p = kmf_peer_of(kn, rsi);
    if (p == NULL)
        return;
    lab_node_send(kn->node, 0, &p->proven, octets);
    lab_node_send(kn->node, 0, &p->claimed, octets);
}

static bool on_turn(void *ctx, kf_time now)
{
    lab_kmf_node *kn = ctx;
    uint8_t message[P25_DLI_DATAGRAM_MAX];
    if (kn->is_dirty) {
        const kf_err saved = kmf_roster_save(kn);
        if (saved != KF_OK) {
            kmf_node_fail(kn, saved);
            return false;
        }
    }
    kn->second = now;
    for (unsigned i = 0; i < SEND_AT_ONCE; i++) {
        kf_writer w = kf_writer_init(message, sizeof message);
        uint32_t rsi = 0;
        const kf_err err = otar_kmf_next(kn->kmf, now, &rsi, &w);
        if (err != KF_OK) {
            kmf_node_fail(kn, err);
            return false;
        }
        if (w.len == 0)
            return false;
        send_to_unit(kn, rsi, kf_writer_slice(&w));
    }
    return true;
}

/* ---- life ---- */

static kf_err load_machine(lab_kmf_node *kn, lab_trouble *trouble)
{
    for (uint32_t slot = 0; slot < KMF_NODE_SLOT; slot++) {
        kf_secret *record = NULL;
        kf_err err = lab_state_load(kn->state, slot, &record);
        if (err == KF_E_DENIED && slot == 0)
            continue; /* no groups were ever made */
        if (err == KF_E_DENIED)
            return KF_OK;
        if (err == KF_OK)
            err = otar_kmf_load(kn->kmf, slot, kf_secret_view(record));
        kf_secret_free(&record);
        if (err != KF_OK) {
            (void)lab_trouble_set(trouble, err, "state", "the state cannot be taken up", "",
                                  "restore the whole directory from one backup");
            lab_trouble_why(trouble, "slot-%u: %s", slot, kf_err_text(err));
            return err;
        }
    }
    return KF_OK;
}

static kf_err make_machine(lab_kmf_node *kn, lab_trouble *trouble)
{
    const otar_store store = { lab_state_save, kn->state };
    const otar_watch watch = { on_event, kn };
    kf_err err = kf_rng_fill(kn->setup.rng, (uint8_t *)&kn->hash_seed, sizeof kn->hash_seed);
    if (err == KF_OK)
        err = otar_kmf_new(&kn->config->kmf, &store, &watch, kn->setup.rng, &kn->kmf);
    if (err != KF_OK)
        return lab_trouble_set(trouble, err, "", "the KMF cannot be made", kf_err_text(err),
                               "run: keyferry selftest");
    return load_machine(kn, trouble);
}

static kf_err start(lab_kmf_node *kn, lab_trouble *trouble)
{
    const lab_role role = { lab_kmf_verbs, on_datagram, on_turn, kmf_answer, kn };
    char address[LAB_ADDRESS_TEXT];
    kf_err err =
        lab_files_state(&kn->config->node, kn->setup.cost, kn->setup.rng, &kn->state, trouble);
    if (err == KF_OK)
        err = lab_node_new(&kn->config->node, &role, &kn->setup.listener, &kn->node, trouble);
    if (err == KF_OK)
        err = make_machine(kn, trouble);
    if (err == KF_OK)
        err = kmf_roster_load(kn, trouble);
    if (err == KF_OK)
        err = kmf_roster_apply(kn, trouble);
    if (err != KF_OK)
        return err;
    lab_node_emit(kn->node, lab_event_say("listening", "KMF %u listens on %s, serves %zu units",
                                          kn->config->kmf.rsi,
                                          lab_address_text(&kn->config->node.listen, address),
                                          kn->config->unit_count));
    return KF_OK;
}

kf_err lab_kmf_node_new(const lab_kmf_config *config, const lab_setup *setup, lab_kmf_node **out,
                        lab_trouble *trouble)
{
    lab_kmf_node *kn = calloc(1, sizeof *kn);
    *out = NULL;
    if (kn == NULL)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, "", "the KMF cannot be made",
                               kf_err_text(KF_E_NO_MEMORY), "");
    kn->config = config;
    kn->setup = *setup;
    const kf_err err = start(kn, trouble);
    if (err != KF_OK)
        lab_kmf_node_free(&kn);
    *out = kn;
    return err;
}

kf_err lab_kmf_node_run(lab_kmf_node *kn, uint32_t seconds, lab_trouble *trouble)
{
    kf_err err = lab_node_run(kn->node, seconds, trouble);
    if (err != KF_OK)
        return err;
    if (kn->is_dirty && (err = kmf_roster_save(kn)) != KF_OK)
        return lab_trouble_set(trouble, err, "state", "the state is not whole", kf_err_text(err),
                               "make room on the disk");
    lab_node_emit(kn->node, lab_event_say("stopped", "KMF %u has stopped", kn->config->kmf.rsi));
    return KF_OK;
}

void lab_kmf_node_free(lab_kmf_node **pointer)
{
    lab_kmf_node *kn = *pointer;
    *pointer = NULL;
    if (kn == NULL)
        return;
    lab_node_free(&kn->node);
    otar_kmf_free(&kn->kmf);
    lab_state_close(&kn->state);
    free(kn->peers);
    free(kn);
}

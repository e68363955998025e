#include "lab/unit_node.h"

#include <stdlib.h>
#include <string.h>

#include "lab/events.h"
#include "lab/files.h"
#include "lab/unit_node_parts.h"
#include "p25/dli.h"

/* A slot of our own: it is there when the key file was loaded, so that a crash in the middle, or a
 * zeroized unit, is told from a new one. */
#define LOADED_SLOT    1u
#define LOADED_VERSION 1u

void unit_node_fail(lab_unit_node *un, kf_err err)
{
    lab_trouble t;
    (void)lab_trouble_set(&t, err == KF_OK ? KF_E_STATE : err, "state",
                          "the unit has stopped: what it must not forget could not be stored",
                          kf_err_text(err), "make room on the disk and start it again");
    lab_node_stop(un->node, &t);
}

/* ---- the network ---- */

void unit_send(lab_unit_node *un, kf_slice octets)
{
    if (!un->is_off_air && octets.len > 0)
        lab_node_send(un->node, 0, &un->config->kmf, octets);
}

static bool is_kmf(const lab_unit_node *un, const struct sockaddr_in *from)
{
    return from->sin_port == un->config->kmf.sin_port &&
           from->sin_addr.s_addr == un->config->kmf.sin_addr.s_addr;
}

static void on_otar(lab_unit_node *un, kf_time now, const struct sockaddr_in *from, kf_slice octets)
{
    uint8_t answer[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(answer, sizeof answer);
    if (!is_kmf(un, from)) {
        un->foreign++;
        return;
    }
    if (octets.len > P25_DLI_DATAGRAM_MAX)
        return;
    const kf_err err = otar_unit_receive(un->unit, now, octets, &w);
    if (err != KF_OK) {
        unit_node_fail(un, err);
        return;
    }
    unit_send(un, kf_writer_slice(&w));
    if (un->speech != NULL)
        lab_speech_keys_changed(un->speech, false);
}

static void on_datagram(void *ctx, unsigned port, kf_time now, const struct sockaddr_in *from,
                        kf_slice octets)
{
    lab_unit_node *un = ctx;
    if (un->is_off_air)
        return;
    if (port == 0)
        on_otar(un, now, from, octets);
    else if (un->speech != NULL)
        lab_speech_hear(un->speech, now, from, octets);
}

static kf_err send_registration(lab_unit_node *un)
{
    uint8_t message[P25_DLI_DATAGRAM_MAX];
    kf_writer w = kf_writer_init(message, sizeof message);
    const kf_err err = otar_unit_register(un->unit, un->asks_on, &w);
    if (err == KF_OK)
        unit_send(un, kf_writer_slice(&w));
    return err;
}

kf_err unit_ask_registration(lab_unit_node *un, kf_time now, bool on)
{
    un->is_asking = true;
    un->asks_on = on;
    un->tries_left = UNIT_TRIES - 1;
    un->next_try = now + UNIT_RETRY_SECONDS;
    return send_registration(un);
}

/* The KMF answered, or it is asked again, or we give up. */
static void follow_registration(lab_unit_node *un, kf_time now)
{
    if (!un->is_asking || now < un->next_try)
        return;
    if (otar_unit_is_registered(un->unit) == un->asks_on || un->tries_left == 0) {
        un->is_asking = false;
        return;
    }
    un->tries_left--;
    un->next_try = now + UNIT_RETRY_SECONDS;
    const kf_err err = send_registration(un);
    if (err != KF_OK)
        unit_node_fail(un, err);
}

static bool on_turn(void *ctx, kf_time now)
{
    lab_unit_node *un = ctx;
    otar_unit_tick(un->unit, now);
    follow_registration(un, now);
    if (un->speech != NULL)
        lab_speech_tick(un->speech, now);
    return false;
}

/* ---- voice ---- */

static void send_voice(void *ctx, const struct sockaddr_in *to, kf_slice packet)
{
    lab_unit_node *un = ctx;
    if (!un->is_off_air)
        lab_node_send(un->node, 1, to, packet);
}

static void emit(lab_unit_node *un, json_t *event)
{
    if (event != NULL)
        (void)json_object_set_new(event, "rsi", json_integer((json_int_t)otar_unit_rsi(un->unit)));
    lab_node_emit(un->node, event);
}

static void emit_voice(void *ctx, json_t *event)
{
    emit(ctx, event);
}

/* Packets keep their places in time, however late one was. */
static void on_packet_due(void *ctx)
{
    lab_unit_node *un = ctx;
    const int64_t due = (int64_t)++un->speech_packets * LAB_SPEECH_PACKET_MS;
    if (lab_speech_step(un->speech))
        lab_node_after(un->node, un->speech_start_ms + due - lab_node_ms(), on_packet_due, un);
}

void unit_start_speech(lab_unit_node *un)
{
    un->speech_start_ms = lab_node_ms();
    un->speech_packets = 0;
    lab_node_after(un->node, 0, on_packet_due, un);
}

/* ---- keys from a file ---- */

static uint8_t keyset_of(const lab_unit_node *un, const keyfill_entry *e)
{
    const unsigned cg = p25_sln_crypto_group((uint16_t)e->sln);
    if (keyfill_entry_is_kek(e))
        return OTAR_KEK_KEYSET;
    if (!e->is_active)
        return (uint8_t)e->keyset;
    const uint8_t active = otar_unit_keys(un->unit)->active[cg];
    return active != 0 ? active : (uint8_t)((cg << 4) + 1);
}

static kf_err load_entry(lab_unit_node *un, const keyfill_entry *e, lab_trouble *trouble)
{
    const otar_key where = { .keyset = keyset_of(un, e),
                             .sln = (uint16_t)e->sln,
                             .algid = (uint8_t)e->algid,
                             .kid = (uint16_t)e->kid,
                             .is_kek = keyfill_entry_is_kek(e) };
    kf_secret *material = NULL;
    kf_err err = keyfill_entry_is_in_range(e) ? KF_OK : KF_E_MALFORMED;
    if (err == KF_OK)
        err = kf_secret_dup(e->material, &material);
    if (err == KF_OK)
        err = otar_unit_load(un->unit, &where, &material);
    if (err == KF_OK)
        return KF_OK;
    (void)lab_trouble_set(trouble, err, "key_file", "a key cannot be loaded", "",
                          "see: keyferry keys check");
    lab_trouble_why(trouble, "entry %u (SLN %u, key ID %04X): %s", e->id, e->sln, e->kid,
                    kf_err_text(err));
    return err;
}

/* TEKs, and KEKs that are ours or nobody's in particular. */
static bool is_for_us(const lab_unit_node *un, const keyfill_entry *e)
{
    return !e->has_rsi || e->rsi == un->config->unit.rsi || e->rsi == otar_unit_rsi(un->unit);
}

kf_err unit_load_keys(lab_unit_node *un, size_t *count, lab_trouble *trouble)
{
    keyfill_file keys;
    *count = 0;
    kf_err err = lab_files_keys(&un->config->node, &keys, trouble);
    for (size_t i = 0; err == KF_OK && i < keys.entry_count; i++) {
        if (!is_for_us(un, &keys.entries[i]))
            continue;
        err = load_entry(un, &keys.entries[i], trouble);
        *count += err == KF_OK ? 1u : 0u;
    }
    keyfill_file_clear(&keys);
    if (un->speech != NULL)
        lab_speech_keys_changed(un->speech, true);
    return err;
}

static kf_err load_first_keys(lab_unit_node *un, lab_trouble *trouble)
{
    static const uint8_t version[] = { LOADED_VERSION };
    kf_secret *record = NULL;
    size_t count = 0;
    kf_err err = lab_state_load(un->state, LOADED_SLOT, &record);
    kf_secret_free(&record);
    if (err == KF_OK)
        return KF_OK;
    if (err == KF_E_DENIED)
        err = unit_load_keys(un, &count, trouble);
    else
        return lab_trouble_set(trouble, err, "state", "the state cannot be taken up",
                               kf_err_text(err), "restore the whole directory from one backup");
    if (err != KF_OK)
        return err;
    err = lab_state_save(un->state, LOADED_SLOT, KF_SLICE_OF(version));
    if (err != KF_OK)
        return lab_trouble_set(trouble, err, "state", "the state cannot be written",
                               kf_err_text(err), "make room on the disk");
    if (count > 0)
        emit(un, lab_event_say("loaded", "%zu keys were loaded from the key file", count));
    return KF_OK;
}

/* ---- life ---- */

static void on_event(void *ctx, const otar_event *e)
{
    lab_unit_node *un = ctx;
    lab_node_emit(un->node, lab_event_json(e));
}

static kf_err make_machine(lab_unit_node *un, lab_trouble *trouble)
{
    const otar_store store = { lab_state_save, un->state };
    const otar_watch watch = { on_event, un };
    kf_secret *record = NULL;
    kf_err err = lab_state_load(un->state, 0, &record);
    if (err == KF_OK || err == KF_E_DENIED)
        err = otar_unit_new(&un->config->unit, &store, &watch, un->setup.rng,
                            kf_secret_view(record), &un->unit);
    kf_secret_free(&record);
    for (size_t i = 0; err == KF_OK && i < un->config->group_rsi_count; i++)
        err = otar_unit_join(un->unit, un->config->group_rsis[i]);
    if (err == KF_OK)
        return KF_OK;
    return lab_trouble_set(trouble, err, "state", "the state cannot be taken up", kf_err_text(err),
                           "restore the whole directory from one backup");
}

static kf_err make_voice(lab_unit_node *un, lab_trouble *trouble)
{
    const lab_speech_io io = { un->unit, un->setup.rng, send_voice, emit_voice, un };
    if (un->config->voice.sin_port == 0)
        return KF_OK;
    kf_err err = lab_node_second_port(un->node, &un->config->voice, "voice", trouble);
    if (err != KF_OK)
        return err;
    err = lab_speech_new(&io, &un->speech);
    return err == KF_OK
               ? KF_OK
               : lab_trouble_set(trouble, err, "", "voice cannot be made", kf_err_text(err), "");
}

static kf_err start(lab_unit_node *un, lab_trouble *trouble)
{
    const lab_role role = { lab_unit_verbs, on_datagram, on_turn, unit_answer, un };
    char address[LAB_ADDRESS_TEXT];
    kf_err err =
        lab_files_state(&un->config->node, un->setup.cost, un->setup.rng, &un->state, trouble);
    if (err == KF_OK)
        err = lab_node_new(&un->config->node, &role, &un->setup.listener, &un->node, trouble);
    if (err == KF_OK)
        err = make_machine(un, trouble);
    if (err == KF_OK)
        err = make_voice(un, trouble);
    if (err == KF_OK)
        err = load_first_keys(un, trouble);
    if (err != KF_OK)
        return err;
    emit(un, lab_event_say("listening", "unit %u listens on %s%s", otar_unit_rsi(un->unit),
                           lab_address_text(&un->config->node.listen, address),
                           otar_unit_is_registered(un->unit) ? ", registered" : ""));
    return KF_OK;
}

kf_err lab_unit_node_new(const lab_unit_config *config, const lab_setup *setup, lab_unit_node **out,
                         lab_trouble *trouble)
{
    lab_unit_node *un = calloc(1, sizeof *un);
    *out = NULL;
    if (un == NULL)
        return lab_trouble_set(trouble, KF_E_NO_MEMORY, "", "the unit cannot be made",
                               kf_err_text(KF_E_NO_MEMORY), "");
    un->config = config;
    un->setup = *setup;
    const kf_err err = start(un, trouble);
    if (err != KF_OK)
        lab_unit_node_free(&un);
    *out = un;
    return err;
}

kf_err lab_unit_node_run(lab_unit_node *un, uint32_t seconds, lab_trouble *trouble)
{
    const kf_err err = lab_node_run(un->node, seconds, trouble);
    if (un->speech != NULL)
        lab_speech_stop(un->speech);
    if (err == KF_OK)
        emit(un, lab_event_say("stopped", "unit %u has stopped", otar_unit_rsi(un->unit)));
    return err;
}

void lab_unit_node_free(lab_unit_node **pointer)
{
    lab_unit_node *un = *pointer;
    *pointer = NULL;
    if (un == NULL)
        return;
    lab_speech_free(&un->speech);
    lab_node_free(&un->node);
    otar_unit_free(&un->unit);
    lab_state_close(&un->state);
    free(un);
}

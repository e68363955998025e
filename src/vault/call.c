/*
 * Private calls (TS 23.283 5.1 a): a PCK for an LMR party and an MC party. Towards the MC user the
 * I_MESSAGE is signed by the LMR party's identity; from the MC user it is opened with that
 * identity's keys. In mode end-to-end both parties also get a traffic key: a group of the two with
 * an SLN of its own, so that OTAR conveys and withdraws it like any other. Keys end with the call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mikey/mikey.h"
#include "vault/group.h"
#include "vault/identity.h"
#include "vault/ring.h"

#define SLN_FIRST   0x0f00 /* of calls */
#define SLN_LAST    0x0fff
#define SECONDS     3600 /* a call that nobody ends */
#define SECONDS_MAX 86400
#define WINDOW_S    300
#define MESSAGE_MAX MIKEY_MESSAGE_MAX

typedef enum call_mode { CALL_END_TO_END = 1, CALL_TRANSCRYPTED = 2 } call_mode;

static kf_err put_pck(vault_act *act, uint32_t key_id, bool has_id, const kf_secret *given,
                      kf_time ends, vault_key *k)
{
    *k = (vault_key){ .kind = VAULT_PCK,
                      .kid = has_id ? (int64_t)key_id : -1,
                      .sln = -1,
                      .slot = -1,
                      .unit = -1,
                      .group = -1,
                      .activates = act->now,
                      .deactivates = ends,
                      .name = "call" };
    snprintf(k->origin, sizeof k->origin, "%s", given == NULL ? "generated" : "received");
    return vault_key_put(act, k, given);
}

/* ---- towards the MC user ---- */

static kf_err seal_pck(vault_act *act, int64_t identity, kf_slice to, const vault_key *k)
{
    uint8_t message[MESSAGE_MAX];
    kf_writer w = kf_writer_init(message, sizeof message);
    kf_secret *material = NULL;
    kf_fault fault = { 0 };
    mikey_seal what = { .to_uri = to,
                        .purpose = MCSEC_PCK,
                        .key_id = (uint32_t)k->kid,
                        .now = act->now,
                        .to_self = wire_get_bool(act->in, "to_self", false),
                        .hide = wire_get_bool(act->in, "hide", false) };
    kf_err err = vault_ring_keys(act, identity, act->now, &what.from);
    if (err == KF_OK)
        err = vault_ring_domain_of(act, to, &what.to_domain);
    if (err == KF_OK)
        err = vault_key_material(act, k->id, &material);
    what.key = material;
    if (err == KF_OK) {
        err = mikey_seal_message(&what, act->v->config.rng, &w, &fault);
        if (err != KF_OK)
            vault_refuse_f(act, err, "not-sealed", "mc", "check the MC service ID",
                           "the key could not be sealed: %s",
                           fault.field == NULL ? kf_err_text(err) : fault.field);
    }
    kf_secret_free(&material);
    if (err == KF_OK)
        wire_put_octets(act->out, "i_message", kf_writer_slice(&w));
    return err;
}

/* ---- the traffic key of an end-to-end call ---- */

static kf_err join_parties(vault_act *act, const vault_group *g, kf_slice lmr_unit, kf_slice mc)
{
    vault_unit u;
    kf_err err = vault_unit_named(act, lmr_unit, &u);
    if (err == KF_OK)
        err = vault_group_join(act, g, &u);
    if (err == KF_OK)
        err = vault_unit_named(act, mc, &u);
    return err == KF_OK ? vault_group_join(act, g, &u) : err;
}

static kf_err make_tek(vault_act *act, int64_t call, kf_time ends, int64_t *tek)
{
    static const store_sql key_at = { "SELECT id FROM vkey WHERE kind = 1 AND sln = $1"
                                      " AND destroyed IS NULL ORDER BY id DESC LIMIT 1" };
    vault_group g = { .is_temporary = true, .ends = ends, .identity = -1 };
    int64_t sln = 0;
    bool found = false;
    snprintf(g.name, sizeof g.name, "call %lld", (long long)call);
    kf_err err = vault_group_put(act, &g);
    if (err == KF_OK)
        err = vault_take_sln(act, SLN_FIRST, SLN_LAST, &sln);
    if (err == KF_OK)
        err = vault_group_add_sln(act, g.id, sln);
    if (err == KF_OK)
        err = join_parties(act, &g, wire_get_text(act->in, "unit"), wire_get_text(act->in, "mc"));
    if (err == KF_OK)
        err = vault_int(act, &key_at, VAULT_IN(store_int(sln)), tek, &found);
    wire_put_int(act->out, "sln", sln);
    return err;
}

static kf_err insert_call(vault_act *act, int64_t id, call_mode mode, bool from_mc, int64_t pck,
                          int64_t tek, kf_time ends)
{
    static const store_sql insert = {
        "INSERT INTO call (id, lmr, mc, mode, direction, pck, tek, process, begins, ends)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
    const kf_slice process = wire_get_text(act->in, "media");
    return vault_sql(act, &insert,
                     VAULT_IN(store_int(id), store_text(wire_get_text(act->in, "lmr")),
                              store_text(wire_get_text(act->in, "mc")), store_int(mode),
                              store_int(from_mc), store_int(pck),
                              tek < 0 ? store_null() : store_int(tek),
                              process.len == 0 ? store_null() : store_text(process),
                              store_int(act->now), store_int(ends)));
}

static kf_err check_mode(vault_act *act, call_mode *mode)
{
    *mode = wire_get_text(act->in, "mode").ptr[0] == 'e' ? CALL_END_TO_END : CALL_TRANSCRYPTED;
    if (*mode == CALL_END_TO_END && wire_get_text(act->in, "unit").len == 0)
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "unit",
                            "an end-to-end call needs the radio that gets the traffic key", NULL,
                            NULL);
    if (*mode == CALL_END_TO_END && wire_get_text(act->in, "media").len > 0)
        return vault_refuse(act, KF_E_DENIED, "bad-field", "media",
                            "no media process may have the keys of an end-to-end call", NULL,
                            "leave it out, or use mode transcrypted");
    return KF_OK;
}

static kf_err begin(vault_act *act, call_mode *mode, int64_t *id, int64_t *identity, kf_time *ends)
{
    const kf_slice lmr = wire_get_text(act->in, "lmr"), mc = wire_get_text(act->in, "mc");
    vault_about(act, "call %.*s %.*s", (int)(lmr.len < 60 ? lmr.len : 60), (const char *)lmr.ptr,
                (int)(mc.len < 60 ? mc.len : 60), (const char *)mc.ptr);
    *ends = act->now + wire_get_int(act->in, "seconds", SECONDS);
    kf_err err = check_mode(act, mode);
    if (err == KF_OK)
        err = vault_identity_named(act, lmr, "lmr", identity);
    return err == KF_OK ? vault_take_ids(act, 1, id) : err;
}

static kf_err finish(vault_act *act, int64_t id, const vault_key *pck, kf_time ends)
{
    vault_note(act, "call %lld, PCK-ID %08llx", (long long)id, (unsigned long long)pck->kid);
    wire_put_int(act->out, "call", id);
    wire_put_int(act->out, "pck_id", pck->kid);
    wire_put_int(act->out, "ends", ends);
    return KF_OK;
}

static kf_err run_seal(vault_act *act)
{
    call_mode mode;
    vault_key pck;
    int64_t id = 0, identity = 0, tek = -1;
    kf_time ends;
    kf_err err = begin(act, &mode, &id, &identity, &ends);
    if (err == KF_OK)
        err = put_pck(act, 0, false, NULL, ends, &pck);
    if (err == KF_OK)
        err = seal_pck(act, identity, wire_get_text(act->in, "mc"), &pck);
    if (err == KF_OK && mode == CALL_END_TO_END)
        err = make_tek(act, id, ends, &tek);
    if (err == KF_OK)
        err = insert_call(act, id, mode, false, pck.id, tek, ends);
    return err == KF_OK ? finish(act, id, &pck, ends) : err;
}

/* ---- from the MC user ---- */

static kf_err open_message(vault_act *act, int64_t identity, mikey_opened *opened)
{
    const mcsec_user_keys *keys = NULL;
    const mcsec_domain *domain = NULL;
    const kf_slice mc = wire_get_text(act->in, "mc");
    const mikey_rule rule = { MCSEC_PCK, mc };
    kf_fault fault = { 0 };
    kf_err err = vault_ring_keys(act, identity, act->now, &keys);
    if (err == KF_OK)
        err = vault_ring_domain_of(act, mc, &domain);
    if (err != KF_OK)
        return err;
    const mikey_receiver receiver = { .keys = &keys,
                                      .key_count = 1,
                                      .domains = &domain,
                                      .domain_count = 1,
                                      .rules = &rule,
                                      .rule_count = 1,
                                      .now = act->now,
                                      .window_s = WINDOW_S };
    err = mikey_open_message(&receiver, wire_get_octets(act->in, "i_message"), opened, &fault);
    if (err != KF_OK)
        return vault_refuse_f(act, err, "bad-message", "i_message", "show it to keyferry explain",
                              "the I_MESSAGE is refused: %s at octet %zu",
                              fault.field == NULL ? "?" : fault.field, fault.at);
    if (opened->state != MIKEY_KEY_USABLE)
        return vault_refuse_f(act, KF_E_DENIED, "bad-message", "i_message", NULL, "its key is %s",
                              mikey_key_state_name(opened->state));
    return KF_OK;
}

static kf_err run_open(vault_act *act)
{
    call_mode mode;
    vault_key pck;
    mikey_opened opened = { .key = NULL };
    int64_t id = 0, identity = 0, tek = -1;
    kf_time ends;
    kf_err err = begin(act, &mode, &id, &identity, &ends);
    if (err == KF_OK)
        err = open_message(act, identity, &opened);
    /* A second message with the same PCK-ID clashes with the first: that is the replay check. */
    if (err == KF_OK)
        err = put_pck(act, opened.key_id, true, opened.key, ends, &pck);
    if (err == KF_OK && mode == CALL_END_TO_END)
        err = make_tek(act, id, ends, &tek);
    if (err == KF_OK)
        err = insert_call(act, id, mode, true, pck.id, tek, ends);
    mikey_opened_clear(&opened);
    return err == KF_OK ? finish(act, id, &pck, ends) : err;
}

/* ---- the end ---- */

typedef struct ending {
    int64_t id, pck, tek;
    bool found;
} ending;

static kf_err take_ending(void *ctx, const store_value *c, size_t count)
{
    if (count != 3)
        return KF_E_MALFORMED;
    *(ending *)ctx =
        (ending){ c[0].number, c[1].number, c[2].type == STORE_INT ? c[2].number : -1, true };
    return KF_OK;
}

static kf_err end_call(vault_act *act, const ending *e)
{
    static const store_sql mark = { "UPDATE call SET ended = $2 WHERE id = $1 AND ended IS NULL" };
    static const store_sql group_of = {
        "SELECT id FROM mcgroup WHERE name = 'call ' || $1 AND state = 1"
    };
    char number[24];
    int64_t group = 0;
    bool found = false, is_there = false;
    vault_group g;
    snprintf(number, sizeof number, "%lld", (long long)e->id);
    vault_about(act, "call %s", number);
    kf_err err = vault_sql(act, &mark, VAULT_IN(store_int(e->id), store_int(act->now)));
    if (err == KF_OK)
        err = vault_key_destroy(act, e->pck);
    if (err == KF_OK && e->tek >= 0)
        err = vault_int(act, &group_of, VAULT_IN(store_text_z(number)), &group, &found);
    if (err == KF_OK && found)
        err = vault_group_get(act, group, &g, &is_there);
    return err == KF_OK && is_there ? vault_group_dissolve(act, &g) : err;
}

static kf_err run_end(vault_act *act)
{
    static const store_sql get = {
        "SELECT id, pck, tek FROM call WHERE id = $1 AND ended IS NULL"
    };
    ending e = { .found = false };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(wire_get_int(act->in, "call", 0))),
                            take_ending, &e);
    if (err == KF_OK && !e.found)
        return vault_refuse(act, KF_E_STATE, "no-such-call", "call", "no such call is under way",
                            NULL, "keyferry call list");
    return err == KF_OK ? end_call(act, &e) : err;
}

kf_err vault_call_end_next(vault_act *act, void *more)
{
    static const store_sql due = {
        "SELECT id, pck, tek FROM call WHERE ended IS NULL AND ends <= $1 ORDER BY ends LIMIT 1"
    };
    ending e = { .found = false };
    kf_err err = vault_rows(act, &due, VAULT_IN(store_int(act->now)), take_ending, &e);
    if (err != KF_OK || !e.found)
        return err;
    *(bool *)more = true;
    return end_call(act, &e);
}

static kf_err put_call(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 7)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "call", c[0].number);
    wire_put_text(b, "lmr", c[1].octets);
    wire_put_text(b, "mc", c[2].octets);
    wire_put_text_z(b, "mode", c[3].number == CALL_END_TO_END ? "end-to-end" : "transcrypted");
    wire_put_text_z(b, "from", c[4].number == 0 ? "lmr" : "mc");
    wire_put_int(b, "begins", c[5].number);
    wire_put_int(b, "ends", c[6].number);
    wire_close(b);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = { "SELECT id, lmr, mc, mode, direction, begins, ends FROM call"
                                   " WHERE ended IS NULL ORDER BY id LIMIT 10000" };
    wire_open_list(act->out, "calls");
    kf_err err = vault_rows(act, &all, NULL, 0, put_call, act);
    wire_close(act->out);
    return err;
}

#define FIELDS_OF_A_CALL                                                                           \
    { .name = "lmr",                                                                               \
      .type = WIRE_TEXT,                                                                           \
      .is_required = true,                                                                         \
      .min = 1,                                                                                    \
      .max = MCSEC_URI_MAX,                                                                        \
      .help = "identity of the LMR party" },                                                       \
        { .name = "mc",                                                                            \
          .type = WIRE_TEXT,                                                                       \
          .is_required = true,                                                                     \
          .min = 1,                                                                                \
          .max = VAULT_URI_MAX - 1,                                                                \
          .help = "MC service ID of the other party" },                                            \
        { .name = "mode",                                                                          \
          .type = WIRE_TEXT,                                                                       \
          .is_required = true,                                                                     \
          .min = 1,                                                                                \
          .max = 16,                                                                               \
          .words = "end-to-end|transcrypted",                                                      \
          .help = "who can hear" },                                                                \
        { .name = "unit",                                                                          \
          .type = WIRE_TEXT,                                                                       \
          .min = 1,                                                                                \
          .max = 1024,                                                                             \
          .help = "end-to-end: the radio" },                                                       \
        { .name = "media",                                                                         \
          .type = WIRE_TEXT,                                                                       \
          .min = 1,                                                                                \
          .max = VAULT_NAME_MAX - 1,                                                               \
          .help = "transcrypted: the media process that may fetch the keys" },                     \
    {                                                                                              \
        .name = "seconds", .type = WIRE_INT, .min = 1, .max = SECONDS_MAX,                         \
        .help = "at most, else 3600"                                                               \
    }

static const wire_field seal_fields[] = {
    FIELDS_OF_A_CALL,
    { .name = "to_self", .type = WIRE_BOOL, .help = "SAKKE-to-self" },
    { .name = "hide", .type = WIRE_BOOL, .help = "UIDs in place of identities" },
    { .name = NULL }
};
static const wire_field open_fields[] = { FIELDS_OF_A_CALL,
                                          { .name = "i_message",
                                            .type = WIRE_OCTETS,
                                            .is_required = true,
                                            .min = 1,
                                            .max = MESSAGE_MAX,
                                            .help = "what the MC user sent" },
                                          { .name = NULL } };
static const wire_field end_fields[] = { { .name = "call",
                                           .type = WIRE_INT,
                                           .is_required = true,
                                           .min = 1,
                                           .max = INT64_MAX,
                                           .help = "its number" },
                                         { .name = NULL } };

static const vault_verb verbs[] = {
    { "call seal", VAULT_CALL, VAULT_READS_AUDITED, false, false, seal_fields, run_seal,
      "make the keys of a call that the LMR party begins" },
    { "call open", VAULT_CALL, VAULT_WRITES, false, false, open_fields, run_open,
      "take the key of a call that the MC party begins" },
    { "call end", VAULT_CALL, VAULT_WRITES, false, false, end_fields, run_end,
      "end a call: its keys are destroyed" },
    { "call list", VAULT_CALL | VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, NULL,
      run_list, "list the calls under way" },
};

const vault_noun vault_noun_call = { "call", "keys of private calls", verbs, KF_COUNT(verbs) };

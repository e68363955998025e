/*
 * OTAR from the vault: each step takes a unit's conversation out of its row, lets the KMF of the
 * room otar make the next message or read an answer, and puts it back, with the box and what the
 * unit now holds, in one transaction. Any vault process of the organization can take any step.
 */
#include <stdlib.h>
#include <string.h>

#include "mcdata/interworking.h"
#include "otar/desk.h"
#include "vault/sealing.h"
#include "vault/unit.h"

#define STEPS_MAX     64u /* units of one transaction */
#define MESSAGES_MAX  4u  /* of one unit in one step */
#define KEYS_MAX      (2u * OTAR_GROUPS_MAX)
#define RETRY_SECONDS 20u
#define TRIES         6u

/* A unit's conversation, and what the events of a step said. */
typedef struct table {
    vault_act *act;
    vault_unit unit;
    otar_desk desk;
    kf_secret *record, *ukek;
    otar_desk_group groups[OTAR_GROUPS_MAX];
    otar_desk_key keys[KEYS_MAX];
    kf_secret *materials[KEYS_MAX];
    bool is_answered, is_retried, is_heard, has_failed;
    char told[64];
} table;

static void on_event(void *ctx, const otar_event *e)
{
    table *t = ctx;
    switch (e->kind) {
    case OTAR_EV_ACKNOWLEDGED:
        t->is_answered = t->is_heard = true;
        break;
    case OTAR_EV_RETRIED:
        t->is_retried = true;
        break;
    case OTAR_EV_HEARD:
        t->is_heard = true;
        break;
    case OTAR_EV_KEY_NOT_TAKEN:
        t->has_failed = true;
        break;
    case OTAR_EV_AWAY:
        vault_note(t->act, "%s does not answer", t->unit.name);
        break;
    case OTAR_EV_NEEDS_UKEK:
        vault_note(t->act, "%s needs a UKEK", t->unit.name);
        break;
    case OTAR_EV_ZEROIZED:
        vault_note(t->act, "%s is zeroized", t->unit.name);
        break;
    default:
        break;
    }
}

/* ---- reading ---- */

static kf_err take_record(void *ctx, const store_value *c, size_t count)
{
    table *t = ctx;
    if (count != 1)
        return KF_E_MALFORMED;
    return c[0].type != STORE_BLOB
               ? KF_OK
               : vault_unwrap(t->act->v, "unit.otar", t->unit.id, c[0].octets, &t->record);
}

static kf_err take_group(void *ctx, const store_value *c, size_t count)
{
    table *t = ctx;
    if (count != 2 || t->desk.group_count == OTAR_GROUPS_MAX)
        return KF_E_NO_SPACE;
    t->groups[t->desk.group_count++] = (otar_desk_group){ (uint16_t)c[0].number, c[1].number != 0 };
    return KF_OK;
}

static kf_err take_key(void *ctx, const store_value *c, size_t count)
{
    table *t = ctx;
    const size_t i = t->desk.key_count;
    if (count != 5 || i == KEYS_MAX)
        return KF_E_NO_SPACE;
    kf_err err =
        vault_unwrap(t->act->v, "vkey.material", c[0].number, c[4].octets, &t->materials[i]);
    if (err != KF_OK)
        return err;
    t->keys[i] = (otar_desk_key){ .sln = (uint16_t)c[1].number,
                                  .slot = (uint8_t)c[2].number,
                                  .kid = (uint16_t)c[3].number,
                                  .material = t->materials[i] };
    t->desk.key_count++;
    return KF_OK;
}

static kf_err take_crypto_group(void *ctx, const store_value *c, size_t count)
{
    table *t = ctx;
    if (count != 3)
        return KF_E_MALFORMED;
    t->desk.active[c[0].number & 15] = (uint8_t)c[1].number;
    t->desk.is_staged[c[0].number & 15] = c[2].number != 0;
    return KF_OK;
}

static kf_err read_ukek(table *t)
{
    vault_key k;
    bool found = false;
    if (t->unit.ukek < 0)
        return KF_OK;
    kf_err err = vault_key_get(t->act, t->unit.ukek, &k, &found);
    if (err == KF_OK && found && k.destroyed == 0)
        err = vault_key_material(t->act, t->unit.ukek, &t->ukek);
    t->desk.ukek = t->ukek;
    t->desk.ukek_kid = (uint16_t)k.kid;
    return err;
}

static kf_err read_rows(table *t)
{
    static const store_sql record = { "SELECT otar FROM unit WHERE id = $1" };
    static const store_sql groups = {
        "SELECT sln, max(m) FROM (SELECT s.sln AS sln, 1 AS m FROM member x JOIN group_sln s ON "
        "s.grp ="
        " x.grp JOIN mcgroup g ON g.id = x.grp WHERE x.unit = $1 AND g.state = 1"
        " UNION ALL SELECT sln, 0 FROM holds WHERE unit = $1) AS y GROUP BY sln ORDER BY sln"
    };
    static const store_sql keys = {
        "SELECT k.id, k.sln, k.slot, k.kid, k.material FROM vkey k WHERE k.kind = 1 AND "
        "k.destroyed IS"
        " NULL AND k.sln IN (SELECT s.sln FROM member x JOIN group_sln s ON s.grp = x.grp"
        " WHERE x.unit = $1 UNION SELECT sln FROM holds WHERE unit = $1)"
    };
    static const store_sql crypto_groups = { "SELECT number, active, staged FROM crypto_group" };
    const store_value id = store_int(t->unit.id);
    kf_err err = vault_rows(t->act, &record, &id, 1, take_record, t);
    if (err == KF_OK)
        err = vault_rows(t->act, &groups, &id, 1, take_group, t);
    if (err == KF_OK)
        err = vault_rows(t->act, &keys, &id, 1, take_key, t);
    if (err == KF_OK)
        err = vault_rows(t->act, &crypto_groups, NULL, 0, take_crypto_group, t);
    return err == KF_OK ? read_ukek(t) : err;
}

static void lay(table *t, vault_act *act)
{
    t->act = act;
    t->desk.config = (otar_kmf_config){ .rsi = vault_kmf_rsi(act->v),
                                        .retry_seconds = RETRY_SECONDS,
                                        .tries = TRIES,
                                        .mac = P25_MAC_AUTO,
                                        .first_scheme = P25_MAC_CMAC_D };
    t->desk.watch = (otar_watch){ on_event, t };
    t->desk.rng = act->v->config.rng;
    t->desk.rsi = (uint32_t)t->unit.rsi;
    t->desk.level = t->unit.level == 0 ? P25_LEVEL_BASIC : P25_LEVEL_ENHANCED;
    t->desk.is_lost = t->unit.state == VAULT_UNIT_LOST;
    t->desk.is_registered = t->unit.uri[0] != '\0'; /* the MC system knows where it is */
    t->desk.groups = t->groups;
    t->desk.keys = t->keys;
}

static void clear(table *t)
{
    for (size_t i = 0; i < KEYS_MAX; i++)
        kf_secret_free(&t->materials[i]);
    kf_secret_free(&t->record);
    kf_secret_free(&t->ukek);
}

/* ---- writing ---- */

static kf_err write_record(table *t, const otar_kmf *kmf)
{
    static const store_sql put = { "UPDATE unit SET otar = $2, otar_due = $3, last_heard = "
                                   "coalesce($4, last_heard) WHERE id = $1" };
    kf_secret *clear_text = NULL, *wrapped = NULL;
    kf_time due = 0;
    kf_err err = kf_secret_new(OTAR_DESK_RECORD_MAX, &clear_text);
    kf_writer w = kf_writer_init(kf_secret_edit(clear_text), kf_secret_len(clear_text));
    if (err == KF_OK) {
        otar_desk_write(kmf, &w);
        err = w.err;
    }
    if (err == KF_OK)
        err = kf_secret_new(VAULT_WRAPPED(w.len), &wrapped);
    if (err == KF_OK) {
        kf_writer out = kf_writer_init(kf_secret_edit(wrapped), kf_secret_len(wrapped));
        err = vault_wrap(t->act->v, "unit.otar", t->unit.id, kf_writer_slice(&w), &out);
        const bool waits = otar_desk_due(kmf, &due);
        if (err == KF_OK)
            err = vault_sql(t->act, &put,
                            VAULT_IN(store_int(t->unit.id), store_blob(kf_writer_slice(&out)),
                                     waits ? store_int(due) : store_null(),
                                     t->is_heard ? store_int(t->act->now) : store_null()));
    }
    kf_secret_free(&clear_text);
    kf_secret_free(&wrapped);
    return err;
}

static kf_err write_holds(table *t, const otar_kmf *kmf)
{
    static const store_sql drop = {
        "DELETE FROM holds WHERE unit = $1 AND sln = $2 AND slot = $3 AND kid <> $4"
    };
    static const store_sql put = {
        "INSERT INTO holds (unit, sln, slot, kid) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (unit, sln, slot) DO NOTHING"
    };
    kf_err err = KF_OK;
    for (size_t g = 0; err == KF_OK && g < otar_kmf_group_count(kmf); g++)
        for (unsigned slot = 0; err == KF_OK && slot < 2; slot++) {
            const uint16_t sln = otar_kmf_group_sln(kmf, g);
            const uint16_t kid = otar_desk_held(kmf, sln, slot);
            const store_value in[] = { store_int(t->unit.id), store_int(sln), store_int(slot),
                                       store_int(kid) };
            err = vault_sql(t->act, &drop, in, KF_COUNT(in));
            if (err == KF_OK && kid != 0)
                err = vault_sql(t->act, &put, in, KF_COUNT(in));
        }
    return err;
}

/* What became of the datagram that was out. */
static kf_err settle(table *t)
{
    static const store_sql answered = {
        "UPDATE delivery SET state = $2, box = NULL, settled = $3 WHERE unit = $1 AND kind = 1"
        " AND state IN (2, 3, 4)"
    };
    return t->is_answered
               ? vault_sql(t->act, &answered,
                           VAULT_IN(store_int(t->unit.id),
                                    store_int(t->has_failed ? VAULT_REFUSED : VAULT_ACKNOWLEDGED),
                                    store_int(t->act->now)))
               : KF_OK;
}

static kf_err post(table *t, kf_slice datagram)
{
    /* A retry is the same octets again: the box that was sent goes out once more, unless it has not
     * gone out yet. */
    static const store_sql again = {
        "UPDATE delivery SET state = 2 WHERE unit = $1 AND kind = 1 AND state = 4"
    };
    static const store_sql open = {
        "SELECT count(*) FROM delivery WHERE unit = $1 AND kind = 1 AND state IN (2, 3)"
    };
    vault_delivery d = { .unit = t->unit.id,
                         .group = -1,
                         .key = -1,
                         .kind = VAULT_BOX_KMM,
                         .priority =
                             t->desk.is_lost ? VAULT_PRIORITY_ZEROIZE : VAULT_PRIORITY_REKEY };
    int64_t count = 0;
    const store_value id = store_int(t->unit.id);
    kf_err err = KF_OK;
    if (t->is_retried) {
        err = vault_sql(t->act, &again, &id, 1);
        if (err != KF_OK || store_changes(t->act->db) > 0)
            return err;
        err = vault_int(t->act, &open, &id, 1, &count, NULL);
        if (err != KF_OK || count > 0)
            return err;
    }
    return err == KF_OK ? vault_deliver(t->act, &d, datagram) : err;
}

/* ---- a step ---- */

static kf_err talk(table *t, otar_kmf *kmf, kf_slice datagram)
{
    uint8_t room[P25_DLI_DATAGRAM_MAX];
    kf_writer out = kf_writer_init(room, sizeof room);
    kf_err err = KF_OK;
    if (datagram.len > 0) {
        err = otar_kmf_receive(kmf, t->act->now, datagram, &out);
        if (err == KF_OK)
            err = settle(t);
        if (err == KF_OK && out.len > 0)
            err = post(t, kf_writer_slice(&out));
    }
    for (unsigned i = 0; err == KF_OK && i < MESSAGES_MAX; i++) {
        uint32_t rsi = 0;
        out = kf_writer_init(room, sizeof room);
        t->is_retried = false;
        err = otar_kmf_next(kmf, t->act->now, &rsi, &out);
        if (err != KF_OK || out.len == 0)
            break;
        err = post(t, kf_writer_slice(&out));
    }
    return err;
}

/* A KID for a warm start is taken; given back when there was none. */
static kf_err lend_kid(table *t, int64_t *before)
{
    static const store_sql get = { "SELECT value FROM counter WHERE name = 'kid'" };
    int64_t kid = 0;
    kf_err err = vault_int(t->act, &get, NULL, 0, before, NULL);
    if (err == KF_OK)
        err = vault_take_kid(t->act, &kid);
    t->desk.warm_kid = (uint16_t)kid;
    return err;
}

static kf_err return_kid(table *t, const otar_kmf *kmf, int64_t before)
{
    static const store_sql put = { "UPDATE counter SET value = $1 WHERE name = 'kid'" };
    return otar_desk_took_kid(kmf, t->desk.warm_kid)
               ? KF_OK
               : vault_sql(t->act, &put, VAULT_IN(store_int(before)));
}

static kf_err step(table *t, kf_slice datagram)
{
    otar_kmf *kmf = NULL;
    int64_t before = 0;
    kf_err err = read_rows(t);
    if (err == KF_OK)
        err = lend_kid(t, &before);
    if (err == KF_OK)
        err = otar_desk_open(&t->desk, kf_secret_view(t->record), &kmf);
    if (err == KF_OK)
        err = talk(t, kmf, datagram);
    if (err == KF_OK)
        err = return_kid(t, kmf, before);
    if (err == KF_OK)
        err = write_record(t, kmf);
    if (err == KF_OK)
        err = write_holds(t, kmf);
    otar_kmf_free(&kmf);
    return err;
}

kf_err vault_otar_step(vault_act *act, const vault_unit *unit, kf_slice datagram)
{
    table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return KF_E_NO_MEMORY;
    t->unit = *unit;
    lay(t, act);
    kf_err err = step(t, datagram);
    clear(t);
    free(t);
    return err;
}

/* ---- in the background ---- */

typedef struct due_list {
    size_t count;
    int64_t ids[STEPS_MAX];
} due_list;

static kf_err note_due(void *ctx, const store_value *c, size_t count)
{
    due_list *l = ctx;
    if (count != 1 || l->count == STEPS_MAX)
        return KF_E_NO_SPACE;
    l->ids[l->count++] = c[0].number;
    return KF_OK;
}

static kf_err step_due(vault_act *act, void *ctx)
{
    static const store_sql due = {
        "SELECT id FROM unit WHERE otar_due IS NOT NULL AND otar_due <= $1 AND rsi IS NOT NULL"
        " ORDER BY otar_due, id LIMIT $2{pg: FOR UPDATE SKIP LOCKED}"
    };
    static const store_sql rest = { "UPDATE unit SET otar_due = $2 WHERE id = $1" };
    due_list l = { 0, { 0 } };
    bool *more = ctx;
    kf_err err =
        vault_rows(act, &due, VAULT_IN(store_int(act->now), store_int(STEPS_MAX)), note_due, &l);
    for (size_t i = 0; err == KF_OK && i < l.count; i++) {
        vault_unit u;
        bool found = false;
        err = vault_unit_get(act, l.ids[i], &u, &found);
        if (err != KF_OK || !found)
            continue;
        err = vault_otar_step(act, &u, (kf_slice){ NULL, 0 });
        if (err != KF_OK && err != KF_E_BACKEND && err != KF_E_NO_MEMORY) {
            /* A unit whose row cannot be read must not hold up the others. */
            vault_note(act, "%s: %s", u.name, kf_err_name(err));
            err = vault_sql(act, &rest, VAULT_IN(store_int(u.id), store_int(act->now + 3600)));
        }
    }
    *more = l.count == STEPS_MAX;
    if (l.count > 0)
        vault_about(act, "%zu units", l.count);
    return err;
}

static kf_err work(vault *v, kf_time now, bool *more)
{
    (void)now;
    return vault_by_itself(v, "otar step", step_due, more);
}

const vault_worker vault_work_otar = { "otar", work };

/* ---- the inbox ---- */

/* A datagram, or Interworking Security Data with one inside. */
static kf_err datagram_of(vault_act *act, kf_slice *out)
{
    mcdata_interworking m;
    kf_fault fault = { 0 };
    const kf_slice octets = wire_get_octets(act->in, "interworking");
    *out = wire_get_octets(act->in, "datagram");
    if ((out->len > 0) == (octets.len > 0))
        return vault_refuse(act, KF_E_MALFORMED, "missing-field", "datagram",
                            "give datagram or interworking", NULL, NULL);
    if (out->len > 0)
        return KF_OK;
    kf_err err = mcdata_interworking_parse(octets, &m, &fault);
    if (err == KF_OK && (m.type != MCDATA_INTERWORKING_REQUEST || m.lmr_type != MCDATA_LMR_P25))
        err = KF_E_UNSUPPORTED;
    if (err != KF_OK)
        return vault_refuse_f(act, err, "bad-message", "interworking",
                              "show it to keyferry explain",
                              "no P25 message is in it: %s at octet %zu",
                              fault.field == NULL ? "type" : fault.field, fault.at);
    *out = m.payload;
    return KF_OK;
}

static kf_err run_put(vault_act *act)
{
    vault_unit u;
    kf_slice datagram;
    kf_err err = datagram_of(act, &datagram);
    if (err == KF_OK)
        err = vault_unit_named(act, wire_get_text(act->in, "from"), &u);
    if (err == KF_OK && (u.rsi < 0 || u.state == VAULT_UNIT_REMOVED))
        return vault_refuse(act, KF_E_STATE, "no-otar", "from", "that unit does not speak OTAR",
                            NULL, NULL);
    vault_about(act, "unit %s", u.name);
    return err == KF_OK ? vault_otar_step(act, &u, datagram) : err;
}

static const wire_field put_fields[] = {
    { .name = "from",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = 1024,
      .help = "whom it came from: RSI, MC service ID or name" },
    { .name = "datagram",
      .type = WIRE_OCTETS,
      .min = 1,
      .max = P25_DLI_DATAGRAM_MAX,
      .help = "a DLI datagram" },
    { .name = "interworking",
      .type = WIRE_OCTETS,
      .min = 1,
      .max = 4096,
      .help = "Interworking Security Data" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "inbox put", VAULT_COURIER, VAULT_WRITES, false, false, put_fields, run_put,
      "hand in what a unit sent" },
};

const vault_noun vault_noun_inbox = { "inbox", "what units send", verbs, KF_COUNT(verbs) };

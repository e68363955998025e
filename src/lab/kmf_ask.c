/* What the operator of a KMF node may ask, and the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "lab/events.h"
#include "lab/kmf_node_parts.h"

#define NAMED_MAX     8u /* units that a sentence names */
#define NOT_READY_MAX 1024u

#define RSI                                                                                        \
    {                                                                                              \
        LAB_OPERAND_NUMBER, "rsi", false, 1, 0xfffffe, NULL                                        \
    }
#define GROUP                                                                                      \
    {                                                                                              \
        LAB_OPERAND_NUMBER, "crypto-group", false, 0, OTAR_CRYPTO_GROUPS - 2, NULL                 \
    }
#define SLN                                                                                        \
    {                                                                                              \
        LAB_OPERAND_NUMBER, "sln", false, 0, 0xefff, NULL                                          \
    }

const lab_verb lab_kmf_verbs[] = {
    { "status",
      "what every unit, or one, is known to hold; the groups",
      { { LAB_OPERAND_NUMBER, "rsi", true, 1, 0xfffffe, NULL } } },
    { "rekey", "make new keys, and send them into the inactive keyset of every member", { GROUP } },
    { "changeover",
      "make the new keys the active ones; refused while a member lacks them",
      { GROUP, { LAB_OPERAND_WORD, "mode", true, 0, 0, "override" } } },
    { "zeroize", "destroy all keys of a lost unit", { RSI } },
    { "inventory", "ask what a unit holds, and mend", { RSI } },
    { "warm-start", "begin anew with a unit under its UKEK", { RSI } },
    { "modify-key", "send the active key of a group again", { RSI, SLN } },
    { "change-rsi",
      "change an RSI of a unit; old 0 adds a group RSI, new 0 removes one",
      { RSI,
        { LAB_OPERAND_NUMBER, "old", false, 0, 0xfffffe, NULL },
        { LAB_OPERAND_NUMBER, "new", false, 0, 0xfffffe, NULL } } },
    { "set-date-time", "tell a unit the time", { RSI } },
    { "service",
      "serve a unit, or refuse to",
      { RSI, { LAB_OPERAND_WORD, "mode", false, 0, 0, "on|off" } } },
    { "load-keys", "read key_file again: new UKEKs", { { LAB_OPERAND_NONE, 0, 0, 0, 0, 0 } } },
    { "wait",
      "answer when that is so of a unit, or of all that are not zeroized",
      { { LAB_OPERAND_WORD, "what", false, 0, 0, "settled|registered|ready|away|zeroized" },
        { LAB_OPERAND_TEXT, "rsi|all", false, 0, 0, NULL },
        { LAB_OPERAND_NUMBER, "seconds", false, 0, 3600, NULL } } },
    { "help", "list the requests", { { LAB_OPERAND_NONE, 0, 0, 0, 0, 0 } } },
    { "quit", "end the process", { { LAB_OPERAND_NONE, 0, 0, 0, 0, 0 } } },
    { NULL, NULL, { { LAB_OPERAND_NONE, 0, 0, 0, 0, 0 } } },
};

/* A request at work. */
typedef struct asking {
    lab_kmf_node *kn;
    kf_time now;
    const lab_asked *asked;
    const lab_request *request;
} asking;

static uint32_t number_of(const asking *a, size_t i)
{
    return a->request->operands[i].number;
}

static json_t *refuse(kf_err err, const char *field, const char *what, const char *why,
                      const char *remedy)
{
    lab_trouble t;
    (void)lab_trouble_set(&t, err, field, what, why, remedy);
    return lab_trouble_json(&t);
}

static bool is_there(const asking *a, uint32_t rsi)
{
    otar_unit_status status;
    return otar_kmf_status(a->kn->kmf, rsi, &status) == KF_OK;
}

/* The answer to what needs no more than an error or none. */
static json_t *plain(const asking *a, kf_err err, const char *why)
{
    if (err == KF_OK)
        return json_pack("{s:b}", "ok", 1);
    if (err == KF_E_STATE && a->request->count > 0 && !is_there(a, number_of(a, 0)))
        return refuse(err, "rsi", "the request is refused", "there is no unit of that RSI",
                      "ask: status");
    if (err != KF_E_STATE && err != KF_E_DENIED)
        kmf_node_fail(a->kn, err);
    return refuse(err, "", "the request is refused", why == NULL ? kf_err_text(err) : why,
                  "ask: status");
}

/* ---- status ---- */

static json_t *unit_json(lab_kmf_node *kn, const kmf_peer *p)
{
    otar_unit_status s;
    char text[LAB_ADDRESS_TEXT], heard[KF_TIME_TEXT_OCTETS];
    const bool is_known = otar_kmf_status(kn->kmf, p->rsi, &s) == KF_OK;
    const struct sockaddr_in *at = p->proven.sin_port != 0 ? &p->proven : &p->claimed;
    kf_time_format(p->heard, heard);
    json_t *json = json_pack(
        "{s:I, s:b, s:b, s:b, s:b, s:I, s:I, s:b, s:o, s:o}", "rsi", (json_int_t)p->rsi,
        "registered", is_known && s.is_registered, "away", is_known && s.is_away, "zeroized",
        is_known && s.is_zeroized, "settled", is_known && s.is_settled, "held", (json_int_t)s.held,
        "wanted", (json_int_t)s.wanted, "ready", is_known && s.has_next, "heard",
        p->heard == 0 ? json_null() : json_string(heard), "address",
        at->sin_port == 0 ? json_null() : json_string(lab_address_text(at, text)));
    return json;
}

static const char *group_name(const lab_kmf_config *config, uint16_t sln)
{
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i].sln == sln)
            return config->groups[i].name;
    return "";
}

static json_t *key_json(const otar_key *key)
{
    return key == NULL ? json_null() : lab_kid_json(key->kid);
}

static json_t *group_json(lab_kmf_node *kn, uint16_t sln)
{
    return json_pack("{s:i, s:s, s:i, s:o, s:o}", "sln", (int)sln, "name",
                     group_name(kn->config, sln), "crypto_group", (int)p25_sln_crypto_group(sln),
                     "active_kid", key_json(otar_kmf_key(kn->kmf, sln, true)), "other_kid",
                     key_json(otar_kmf_key(kn->kmf, sln, false)));
}

static json_t *groups_json(lab_kmf_node *kn, unsigned crypto_group)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < kn->group_count; i++)
        if (crypto_group >= OTAR_CRYPTO_GROUPS ||
            p25_sln_crypto_group(kn->groups[i]) == crypto_group)
            (void)json_array_append_new(groups, group_json(kn, kn->groups[i]));
    return groups;
}

static json_t *ask_status(const asking *a)
{
    lab_kmf_node *kn = a->kn;
    json_t *units = json_array();
    for (size_t i = 0; i < kn->peer_count; i++)
        if (a->request->count == 0 || kn->peers[i].rsi == number_of(a, 0))
            (void)json_array_append_new(units, unit_json(kn, &kn->peers[i]));
    if (a->request->count > 0 && json_array_size(units) == 0) {
        json_decref(units);
        return plain(a, KF_E_STATE, NULL);
    }
    return json_pack("{s:b, s:I, s:o, s:o, s:{s:I, s:I}}", "ok", 1, "rsi",
                     (json_int_t)kn->config->kmf.rsi, "units", units, "groups",
                     groups_json(kn, OTAR_CRYPTO_GROUPS), "dropped", "over_limit",
                     (json_int_t)kn->limited, "too_long", (json_int_t)kn->oversized);
}

/* ---- keys ---- */

static json_t *ask_rekey(const asking *a)
{
    const unsigned cg = number_of(a, 0);
    json_t *groups = groups_json(a->kn, cg);
    const bool is_empty = json_array_size(groups) == 0;
    json_decref(groups);
    if (is_empty)
        return refuse(KF_E_STATE, "crypto-group", "nothing to rekey",
                      "no group has an SLN of that crypto group", "ask: status");
    const kf_err err = otar_kmf_rekey(a->kn->kmf, cg);
    if (err != KF_OK) {
        kmf_node_fail(a->kn, err);
        return refuse(err, "state", "the rekey failed", kf_err_text(err), "");
    }
    return json_pack("{s:b, s:i, s:o}", "ok", 1, "crypto_group", (int)cg, "groups",
                     groups_json(a->kn, cg));
}

/* "1003, 1004 and 3 more" */
static void list_units(const uint32_t *rsis, size_t kept, size_t count, char *text, size_t size)
{
    size_t len = 0;
    const size_t named = kept < NAMED_MAX ? kept : NAMED_MAX;
    text[0] = '\0';
    for (size_t i = 0; i < named && len + 32 < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%u", i == 0 ? "" : ", ", rsis[i]);
    if (count > named && len + 32 < size)
        (void)snprintf(text + len, size - len, " and %zu more", count - named);
}

static json_t *with_units(json_t *answer, const char *name, const uint32_t *rsis, size_t kept)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kept; i++)
        (void)json_array_append_new(list, json_integer((json_int_t)rsis[i]));
    (void)json_object_set_new(answer, name, list);
    return answer;
}

static json_t *ask_changeover(const asking *a)
{
    static uint32_t rsis[NOT_READY_MAX];
    const unsigned cg = number_of(a, 0);
    const bool is_forced = a->request->count > 1;
    size_t count = 0;
    char units[256];
    lab_trouble t;
    const kf_err err = otar_kmf_changeover(a->kn->kmf, cg, is_forced, rsis, NOT_READY_MAX, &count);
    const size_t kept = count < NOT_READY_MAX ? count : NOT_READY_MAX;
    if (err == KF_OK)
        return with_units(json_pack("{s:b, s:i, s:o}", "ok", 1, "crypto_group", (int)cg, "groups",
                                    groups_json(a->kn, cg)),
                          "not_ready", rsis, kept);
    if (err == KF_E_STATE)
        return refuse(err, "crypto-group", "there is nothing to change over to",
                      "no rekey of that crypto group came before", "ask: rekey, then wait ready");
    if (err != KF_E_DENIED) {
        kmf_node_fail(a->kn, err);
        return refuse(err, "state", "the changeover failed", kf_err_text(err), "");
    }
    list_units(rsis, kept, count, units, sizeof units);
    (void)lab_trouble_set(&t, err, "crypto-group", "the changeover is refused", "", "");
    lab_trouble_why(&t, "not ready, and would be cut off: %s", units);
    lab_trouble_do(&t,
                   "bring them on the air and wait; or zeroize what is lost; or go on without "
                   "them: changeover %u override",
                   cg);
    return with_units(lab_trouble_json(&t), "not_ready", rsis, kept);
}

static json_t *ask_load_keys(const asking *a)
{
    kmf_key_news news;
    lab_trouble t;
    if (kmf_roster_keys(a->kn, &news, &t) != KF_OK)
        return lab_trouble_json(&t);
    return json_pack("{s:b, s:I, s:I, s:I}", "ok", 1, "taken", (json_int_t)news.taken, "unchanged",
                     (json_int_t)news.unchanged, "without", (json_int_t)news.without);
}

/* ---- one unit ---- */

static json_t *ask_zeroize(const asking *a)
{
    return plain(a, otar_kmf_zeroize(a->kn->kmf, number_of(a, 0)), NULL);
}

static json_t *ask_inventory(const asking *a)
{
    return plain(a, otar_kmf_inventory(a->kn->kmf, number_of(a, 0)), NULL);
}

static json_t *ask_warm_start(const asking *a)
{
    return plain(a, otar_kmf_warm_start(a->kn->kmf, number_of(a, 0)), NULL);
}

static json_t *ask_modify_key(const asking *a)
{
    return plain(a, otar_kmf_modify_key(a->kn->kmf, number_of(a, 0), (uint16_t)number_of(a, 1)),
                 "the unit is no member of such a group");
}

static json_t *ask_change_rsi(const asking *a)
{
    const uint32_t rsi = number_of(a, 0), from = number_of(a, 1), to = number_of(a, 2);
    kmf_peer *p = kmf_peer_of(a->kn, rsi);
    if (p == NULL)
        return plain(a, KF_E_STATE, NULL);
    const uint32_t before = p->new_rsi;
    kf_err err = KF_OK;
    if (to != 0 && kmf_peer_of(a->kn, to) != NULL)
        return plain(a, KF_E_DENIED, "a unit has that RSI");
    if (from == p->rsi) { /* known before the machine acts: a crash in between loses nobody */
        p->new_rsi = to;
        err = kmf_roster_save(a->kn);
    }
    if (err == KF_OK)
        err = otar_kmf_change_rsi(a->kn->kmf, rsi, from, to);
    if (err != KF_OK) {
        p->new_rsi = before;
        a->kn->is_dirty = true;
    }
    return plain(a, err,
                 err == KF_E_STATE ? "another change is under way"
                                   : "an RSI is in use, or both "
                                     "are the same");
}

static json_t *ask_date_time(const asking *a)
{
    const time_t now = (time_t)a->now;
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL || tm.tm_year < 100)
        return refuse(KF_E_STATE, "", "the time is not told", "the clock of this machine is wrong",
                      "set it");
    const p25_date_time t = { .year = (uint16_t)(tm.tm_year + 1900),
                              .month = (uint8_t)(tm.tm_mon + 1),
                              .day = (uint8_t)tm.tm_mday,
                              .hour = (uint8_t)tm.tm_hour,
                              .minute = (uint8_t)tm.tm_min,
                              .second = (uint8_t)(tm.tm_sec > 59 ? 59 : tm.tm_sec) };
    return plain(a, otar_kmf_set_date_time(a->kn->kmf, number_of(a, 0), &t), NULL);
}

static json_t *ask_service(const asking *a)
{
    return plain(a, otar_kmf_set_service(a->kn->kmf, number_of(a, 0), number_of(a, 1) == 0), NULL);
}

/* ---- waiting ---- */

static bool is_so(lab_kmf_node *kn, uint32_t rsi, uint32_t what, bool is_all)
{
    otar_unit_status s;
    if (otar_kmf_status(kn->kmf, rsi, &s) != KF_OK)
        return false;
    if (is_all && s.is_zeroized)
        return true;
    switch (what) {
    case 0:
        return s.is_settled;
    case 1:
        return s.is_registered;
    case 2:
        return s.has_next;
    case 3:
        return s.is_away;
    default:
        return s.is_zeroized;
    }
}

/* Units of the target that are not so yet; at most cap are kept. */
static size_t laggards(const asking *a, uint32_t rsi, uint32_t *rsis, size_t cap)
{
    size_t count = 0;
    for (size_t i = 0; i < a->kn->peer_count; i++) {
        const kmf_peer *p = &a->kn->peers[i];
        if ((rsi != 0 && p->rsi != rsi && p->new_rsi != rsi) || (rsi == 0 && !p->is_listed) ||
            is_so(a->kn, p->rsi, number_of(a, 0), rsi == 0))
            continue;
        if (count < cap)
            rsis[count] = p->rsi;
        count++;
    }
    return count;
}

static bool target_of(const asking *a, uint32_t *rsi)
{
    const kf_slice text = a->request->operands[1].text;
    uint64_t value = 0;
    *rsi = 0;
    if (kf_slice_equal(text, kf_slice_str("all")))
        return true;
    if (kf_decimal_read(text, &value) != KF_OK || value > 0xfffffe)
        return false;
    *rsi = (uint32_t)value;
    return kmf_peer_of(a->kn, *rsi) != NULL;
}

static json_t *ask_wait(const asking *a)
{
    static uint32_t rsis[NOT_READY_MAX];
    uint32_t rsi = 0;
    char units[256];
    lab_trouble t;
    if (!target_of(a, &rsi))
        return refuse(KF_E_STATE, "rsi", "the request is refused", "there is no unit of that RSI",
                      "give an RSI of `status`, or all");
    const size_t count = laggards(a, rsi, rsis, NOT_READY_MAX);
    if (count == 0)
        return json_pack("{s:b, s:I}", "ok", 1, "waited_ms", (json_int_t)a->asked->waited_ms);
    if (a->asked->waited_ms < (int64_t)number_of(a, 2) * 1000)
        return NULL;
    const size_t kept = count < NOT_READY_MAX ? count : NOT_READY_MAX;
    list_units(rsis, kept, count, units, sizeof units);
    (void)lab_trouble_set(&t, KF_E_STATE, "what", "the time is over", "", "ask: status");
    lab_trouble_why(&t, "not %.*s yet: %s", (int)a->request->operands[0].text.len,
                    (const char *)a->request->operands[0].text.ptr, units);
    return with_units(lab_trouble_json(&t), "waiting_for", rsis, kept);
}

static const struct {
    const char *verb;
    json_t *(*answer)(const asking *a);
} answers[] = {
    { "status", ask_status },           { "rekey", ask_rekey },
    { "changeover", ask_changeover },   { "zeroize", ask_zeroize },
    { "inventory", ask_inventory },     { "warm-start", ask_warm_start },
    { "modify-key", ask_modify_key },   { "change-rsi", ask_change_rsi },
    { "set-date-time", ask_date_time }, { "service", ask_service },
    { "load-keys", ask_load_keys },     { "wait", ask_wait },
};

json_t *kmf_answer(void *ctx, kf_time now, const lab_asked *asked)
{
    const asking a = { ctx, now, asked, asked->request };
    for (size_t i = 0; i < KF_COUNT(answers); i++)
        if (strcmp(answers[i].verb, asked->request->verb->name) == 0)
            return answers[i].answer(&a);
    return refuse(KF_E_UNSUPPORTED, "control.verb", "the request is refused",
                  kf_err_text(KF_E_UNSUPPORTED), "ask: help");
}

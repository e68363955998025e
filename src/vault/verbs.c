/* From a request to an act: the one way in. */
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "vault/parts.h"

#define TRIES 8u /* when the store says STORE_AGAIN */

static const vault_noun *const nouns[] = {
    &vault_noun_vault,   &vault_noun_identity, &vault_noun_kms,   &vault_noun_key,
    &vault_noun_unit,    &vault_noun_group,    &vault_noun_call,  &vault_noun_media,
    &vault_noun_outbox,  &vault_noun_inbox,    &vault_noun_audit, &vault_noun_proposal,
    &vault_noun_partner,
};

static const struct {
    vault_role role;
    const char *name;
} roles[] = {
    { VAULT_OFFICER, "officer" }, { VAULT_AUDITOR, "auditor" }, { VAULT_COURIER, "courier" },
    { VAULT_KMS, "kms" },         { VAULT_MEDIA, "media" },     { VAULT_CALL, "call" },
};

const vault_caller vault_itself = { .role = (vault_role)0, .name = "vault" };

const char *vault_role_name(unsigned role)
{
    for (size_t i = 0; i < KF_COUNT(roles); i++)
        if (roles[i].role == role)
            return roles[i].name;
    return NULL;
}

static bool is_word(kf_slice text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

unsigned vault_role_named(kf_slice name)
{
    for (size_t i = 0; i < KF_COUNT(roles); i++)
        if (is_word(name, roles[i].name))
            return roles[i].role;
    return 0;
}

const vault_verb *vault_verb_named(kf_slice name)
{
    for (size_t n = 0; n < KF_COUNT(nouns); n++)
        for (size_t i = 0; i < nouns[n]->count; i++)
            if (is_word(name, nouns[n]->verbs[i].name))
                return &nouns[n]->verbs[i];
    return NULL;
}

const vault_noun *vault_noun_at(size_t i)
{
    return i < KF_COUNT(nouns) ? nouns[i] : NULL;
}

/* ---- may this be done? ---- */

/* The fields of the request but verb and plan, which every verb has. */
static kf_err check_fields(vault_act *act)
{
    static const wire_field none[] = { { .name = NULL } };
    char field[WIRE_NAME_MAX + 1];
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    kf_err err = wire_builder_new(&b);
    if (err != KF_OK)
        return err;
    wire_open_map(b, NULL);
    for (const wire_value *f = act->in->first; f != NULL; f = f->next) {
        char name[WIRE_NAME_MAX + 1];
        if (is_word(f->name, "verb") || is_word(f->name, "plan") || f->name.len > WIRE_NAME_MAX)
            continue;
        memcpy(name, f->name.ptr, f->name.len);
        name[f->name.len] = '\0';
        wire_put_value(b, name, f);
    }
    wire_close(b);
    err = wire_builder_done(b, &octets);
    if (err == KF_OK)
        err = wire_tree_parse(octets, &tree, &fault);
    if (err == KF_OK)
        err = wire_check(wire_tree_root(tree), act->verb->fields == NULL ? none : act->verb->fields,
                         field);
    wire_tree_free(&tree);
    wire_builder_free(&b);
    if (err == KF_E_TRUNCATED)
        return vault_refuse_f(act, err, "missing-field", field, "give it", "%s is missing", field);
    if (err == KF_E_TRAILING)
        return vault_refuse_f(act, err, "unknown-field", field, "leave it out",
                              "%s is no field of %s", field, act->verb->name);
    if (err == KF_E_MALFORMED)
        return vault_refuse_f(act, err, "bad-field", field, "see the help of the verb",
                              "%s is of another type, or out of bounds", field);
    return err;
}

kf_err vault_check_plan(vault_act *act, const vault_verb *verb)
{
    return !act->is_plan || verb->access == VAULT_WRITES
               ? KF_OK
               : vault_refuse_f(act, KF_E_UNSUPPORTED, "no-plan", "plan", "ask without plan",
                                "%s has no plan: what it does or tells cannot be taken back",
                                verb->name);
}

/* A plan that is not understood must not become the act. */
static kf_err check_plan(vault_act *act)
{
    const wire_value *plan = wire_get(act->in, "plan");
    if (plan != NULL && plan->type != WIRE_BOOL)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "plan", "plan is true or false", NULL,
                            "see the help of the verb");
    return vault_check_plan(act, act->verb);
}

static kf_err check(vault_act *act)
{
    const vault *v = act->v;
    const vault_verb *verb = act->verb;
    if ((verb->roles & (unsigned)act->who->role) == 0)
        return vault_refuse_f(act, KF_E_DENIED, "denied", NULL, "ask somebody whose role may",
                              "the role %s may not %s", vault_role_name(act->who->role),
                              verb->name);
    kf_err err = check_plan(act);
    if (err == KF_OK)
        err = check_fields(act);
    if (err != KF_OK)
        return err;
    if (!v->is_initialised && !verb->while_sealed)
        return vault_refuse(act, KF_E_STATE, "not-initialised", NULL, "the vault is empty", NULL,
                            "keyferry vault init");
    if (v->key == NULL && !verb->while_sealed)
        return vault_refuse(act, KF_E_STATE, "sealed", NULL, "the vault is sealed", NULL,
                            "keyferry vault unseal");
    if (verb->access != VAULT_READS && !verb->while_sealed && act->now < v->checkpointed)
        return vault_refuse(
            act, KF_E_STATE, "clock-behind", NULL, "the clock is behind the last signed checkpoint",
            "periods and ends would be judged by a wrong time", "set the clock of this machine");
    return KF_OK;
}

/* ---- the second officer ---- */

/* A dangerous request is put aside, to be run when another officer approves. */
static kf_err propose(vault_act *act)
{
    static const store_sql insert = {
        "INSERT INTO proposal (id, verb, request, officer, created, state)"
        " VALUES ($1, $2, $3, $4, $5, 1)"
    };
    wire_builder *b = NULL;
    kf_secret *room = NULL;
    kf_slice octets = { NULL, 0 };
    int64_t id = 0;
    kf_err err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = wire_builder_new(&b);
    if (err == KF_OK) {
        wire_put_value(b, NULL, act->in);
        err = wire_builder_done(b, &octets);
    }
    if (err == KF_OK)
        err = kf_secret_new(VAULT_WRAPPED(octets.len), &room);
    if (err == KF_OK) {
        kf_writer w = kf_writer_init(kf_secret_edit(room), kf_secret_len(room));
        err = vault_wrap(act->v, "proposal.request", id, octets, &w);
        if (err == KF_OK)
            err = vault_sql(act, &insert,
                            VAULT_IN(store_int(id), store_text_z(act->verb->name),
                                     store_blob(kf_writer_slice(&w)), store_text_z(act->who->name),
                                     store_int(act->now)));
    }
    kf_secret_free(&room);
    wire_builder_free(&b);
    vault_about(act, "proposal %lld", (long long)id);
    wire_put_int(act->out, "proposal", id);
    wire_put_text_z(act->out, "waits_for", "a second officer: proposal approve");
    return err;
}

static kf_err run(vault_act *act)
{
    const bool alone = act->verb->needs_second && act->second == NULL && !act->is_plan &&
                       act->v->is_initialised && act->v->key != NULL;
    return alone ? propose(act) : act->verb->run(act);
}

/* ---- one transaction ---- */

/* The answer is whole before anything is committed: what is done can be told. */
static kf_err close_answer(vault_act *act)
{
    kf_slice octets;
    if (act->is_plan)
        wire_put_bool(act->out, "plan", true);
    wire_close(act->out);
    kf_err err = wire_builder_done(act->out, &octets);
    if (err == KF_E_NO_MEMORY)
        return vault_refuse(act, err, "no-memory", NULL, "memory is short", NULL, "try again");
    return err == KF_OK ? KF_OK
                        : vault_refuse(act, err, "no-answer", NULL,
                                       "the answer would be too long, or cannot be written",
                                       kf_err_text(err), "ask for less at a time");
}

static kf_err after_commit(vault *v)
{
    kf_err err = vault_anchor_write(v, v->head_seq, v->head_hash);
    if (err != KF_OK)
        KF_LOG(v->config.log, KF_LOG_ERROR, "anchor-not-written",
               kf_log_number("seq", v->head_seq));
    v->events_since++;
    return KF_OK; /* the act is durable; the anchor follows with the next one */
}

static kf_err transact(vault_act *act)
{
    vault *v = act->v;
    const bool writes = act->verb->access != VAULT_READS;
    kf_err err = store_begin(act->db, writes ? STORE_WRITE : STORE_READ);
    if (err != KF_OK) {
        wire_close(act->out);
        return vault_refuse(act, err, "store-lost", NULL, "the store does not answer",
                            store_last_fault(act->db)->text, "wait for it, then try again");
    }
    err = run(act);
    if (err == KF_OK)
        err = close_answer(act);
    else
        wire_close(act->out);
    const bool keeps = writes && !act->is_plan;
    if (err == KF_OK && keeps)
        err = vault_audit(v, act->db, act->now, act->who, act->verb->name, act->subject, "done",
                          act->detail);
    if (err == KF_OK && keeps)
        err = kf_failpoint("vault.act.before-commit");
    if (err == KF_OK && keeps) {
        err = store_commit(act->db);
        if (err != KF_OK)
            vault_refuse(act, err, "not-committed", NULL, "the store did not commit",
                         store_last_fault(act->db)->text, "look what there is, then try again");
    }
    store_rollback(act->db);
    if (err == KF_OK && keeps && kf_failpoint("vault.act.after-commit") != KF_OK)
        return KF_OK; /* too late to refuse: only the anchor is behind */
    return err == KF_OK && keeps ? after_commit(v) : err;
}

/* What was refused for lack of a right is an event too. */
static void record_refusal(vault_act *act)
{
    vault *v = act->v;
    if (v->key == NULL || store_begin(act->db, STORE_WRITE) != KF_OK)
        return;
    kf_err err = vault_audit(v, act->db, act->now, act->who, act->verb->name, act->subject,
                             "refused", act->refusal->code);
    if (err == KF_OK && store_commit(act->db) == KF_OK)
        (void)after_commit(v);
    store_rollback(act->db);
}

static kf_err attempt(vault_act *act, wire_builder **out)
{
    kf_err err = wire_builder_new(out);
    if (err != KF_OK)
        return err;
    act->out = *out;
    act->subject[0] = act->detail[0] = '\0';
    wire_open_map(act->out, NULL);
    if (act->verb->access != VAULT_OUTSIDE)
        return transact(act);
    err = act->verb->run(act);
    wire_close(act->out);
    return err;
}

static kf_err act_on(vault_act *act, wire_builder **out)
{
    kf_err err = KF_OK;
    for (unsigned i = 0; i < TRIES; i++) {
        wire_builder_free(out);
        *act->refusal = (vault_refusal){ 0 };
        err = attempt(act, out);
        if (err != KF_E_BACKEND || store_last_fault(act->db)->reason != STORE_AGAIN)
            break;
    }
    return err;
}

/* A refusal that nobody has explained. */
static kf_err explain(vault_act *act, kf_err err)
{
    if (err != KF_OK && act->refusal->code[0] == '\0')
        vault_refuse(act, err, kf_err_name(err), NULL, "the vault refused", kf_err_text(err),
                     "see the log of the vault");
    return err;
}

kf_err vault_do(vault *v, const vault_caller *who, const wire_value *request, wire_builder **out,
                vault_refusal *refusal)
{
    const kf_slice name = wire_get_text(request, "verb");
    vault_act act = { .v = v,
                      .db = v->db,
                      .who = who,
                      .verb = vault_verb_named(name),
                      .in = request,
                      .now = v->config.clock.now(v->config.clock.ctx),
                      .is_plan = wire_get_bool(request, "plan", false),
                      .refusal = refusal };
    *out = NULL;
    *refusal = (vault_refusal){ 0 };
    if (act.verb == NULL)
        return vault_refuse(&act, KF_E_UNSUPPORTED, "no-such-verb", "verb",
                            "the vault knows no such verb", NULL, "keyferry help lists them");
    kf_err err = check(&act);
    if (err == KF_E_DENIED)
        record_refusal(&act);
    if (err != KF_OK)
        return explain(&act, err);
    err = act_on(&act, out);
    kf_slice octets;
    if (err != KF_OK && *out != NULL && wire_builder_done(*out, &octets) != KF_OK)
        wire_builder_free(out); /* more about a refusal, for which memory was short */
    return explain(&act, err);
}

kf_err vault_by_itself(vault *v, const char *name, kf_err (*work)(vault_act *act, void *ctx),
                       void *ctx)
{
    kf_err err = KF_OK;
    if (v->key == NULL)
        return KF_E_STATE;
    for (unsigned i = 0; i < TRIES; i++) {
        vault_refusal refusal = { 0 };
        vault_act act = { .v = v,
                          .db = v->db,
                          .who = &vault_itself,
                          .now = v->config.clock.now(v->config.clock.ctx),
                          .refusal = &refusal };
        err = wire_builder_new(&act.out);
        if (err != KF_OK)
            return err;
        wire_open_map(act.out, NULL);
        err = store_begin(v->db, STORE_WRITE);
        if (err == KF_OK)
            err = work(&act, ctx);
        const bool has_event = err == KF_OK && act.subject[0] != '\0';
        if (has_event)
            err = vault_audit(v, v->db, act.now, &vault_itself, name, act.subject, "done",
                              act.detail);
        if (err == KF_OK)
            err = kf_failpoint("vault.work.before-commit");
        if (err == KF_OK)
            err = store_commit(v->db);
        store_rollback(v->db);
        wire_builder_free(&act.out);
        if (err == KF_OK && has_event)
            err = after_commit(v);
        if (err != KF_E_BACKEND || store_last_fault(v->db)->reason != STORE_AGAIN)
            break;
    }
    return err;
}

/* Dangerous requests wait here for a second officer. */
#include <stdio.h>
#include <string.h>

#include "vault/parts.h"

#define LIFETIME 86400 /* seconds in which a proposal can be approved */

typedef struct proposal {
    const vault *v;
    int64_t id, created, state;
    char verb[VAULT_NAME_MAX], officer[VAULT_NAME_MAX];
    kf_secret *request;
    bool found;
} proposal;

static void copy_text(const store_value *c, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)c->octets.len, (const char *)c->octets.ptr);
}

static kf_err take_proposal(void *ctx, const store_value *c, size_t count)
{
    proposal *p = ctx;
    if (count != 5)
        return KF_E_MALFORMED;
    copy_text(&c[0], p->verb, sizeof p->verb);
    copy_text(&c[2], p->officer, sizeof p->officer);
    p->created = c[3].number;
    p->state = c[4].number;
    p->found = true;
    return vault_unwrap(p->v, "proposal.request", p->id, c[1].octets, &p->request);
}

static kf_err decide(vault_act *act, int64_t id, int64_t state)
{
    /* What was asked may hold a key: it goes when it is decided. */
    static const store_sql set = {
        "UPDATE proposal SET state = $2, decided_by = $3, decided = $4, request = $5 WHERE id = $1"
        " AND state = 1"
    };
    return vault_sql(act, &set,
                     VAULT_IN(store_int(id), store_int(state), store_text_z(act->who->name),
                              store_int(act->now), store_blob((kf_slice){ NULL, 0 })));
}

static kf_err load(vault_act *act, proposal *p)
{
    static const store_sql get = {
        "SELECT verb, request, officer, created, state FROM proposal WHERE id = $1 AND state = 1"
    };
    *p = (proposal){ .v = act->v, .id = wire_get_int(act->in, "proposal", 0) };
    kf_err err = vault_rows(act, &get, VAULT_IN(store_int(p->id)), take_proposal, p);
    if (err == KF_OK && !p->found)
        return vault_refuse(act, KF_E_STATE, "no-such-proposal", "proposal",
                            "no such proposal is open", NULL, "keyferry proposal list");
    vault_about(act, "proposal %lld", (long long)p->id);
    vault_note(act, "%s by %s", p->verb, p->officer);
    return err;
}

/* Run what was proposed, as the proposer, with the second officer's approval. */
static kf_err run_it(vault_act *act, const proposal *p)
{
    vault_caller first = { .role = VAULT_OFFICER };
    wire_tree *tree = NULL;
    kf_fault fault;
    const kf_slice verb = { (const uint8_t *)p->verb, strlen(p->verb) };
    snprintf(first.name, sizeof first.name, "%s", p->officer);
    kf_err err = wire_tree_parse(kf_secret_view(p->request), &tree, &fault);
    vault_act inner = *act;
    inner.verb = vault_verb_named(verb);
    inner.who = &first;
    inner.second = act->who;
    inner.in = wire_tree_root(tree);
    if (err == KF_OK && inner.verb == NULL)
        err = vault_refuse(act, KF_E_UNSUPPORTED, "no-such-verb", "proposal",
                           "this version knows no such verb", NULL, "refuse the proposal");
    if (err == KF_OK)
        err = vault_check_plan(act, inner.verb);
    if (err == KF_OK)
        err = inner.verb->run(&inner);
    wire_tree_free(&tree);
    if (err == KF_OK)
        vault_note(act, "%s: %s", inner.subject, inner.detail);
    return err;
}

static kf_err run_approve(vault_act *act)
{
    proposal p;
    kf_err err = load(act, &p);
    if (err == KF_OK && strcmp(p.officer, act->who->name) == 0)
        err = vault_refuse(act, KF_E_DENIED, "same-officer", "proposal",
                           "the officer who proposed it cannot approve it", NULL,
                           "ask a second officer");
    if (err == KF_OK && act->now - p.created > LIFETIME)
        err = vault_refuse(act, KF_E_STATE, "too-old", "proposal",
                           "it was proposed more than a day ago", NULL, "propose it anew");
    if (err == KF_OK)
        err = run_it(act, &p);
    if (err == KF_OK)
        err = decide(act, p.id, 2);
    kf_secret_free(&p.request);
    return err;
}

static kf_err run_refuse(vault_act *act)
{
    proposal p;
    kf_err err = load(act, &p);
    kf_secret_free(&p.request);
    return err == KF_OK ? decide(act, p.id, 3) : err;
}

static kf_err put_row(void *ctx, const store_value *c, size_t count)
{
    static const char *const states[] = { "?", "open", "approved", "refused" };
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 6)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "proposal", c[0].number);
    wire_put_text(b, "verb", c[1].octets);
    wire_put_text(b, "officer", c[2].octets);
    wire_put_int(b, "created", c[3].number);
    wire_put_text_z(b, "state", states[c[4].number & 3]);
    if (c[5].type == STORE_TEXT)
        wire_put_text(b, "decided_by", c[5].octets);
    wire_close(b);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = { "SELECT id, verb, officer, created, state, decided_by FROM "
                                   "proposal ORDER BY id DESC LIMIT 1000" };
    wire_open_list(act->out, "proposals");
    kf_err err = vault_rows(act, &all, NULL, 0, put_row, act);
    wire_close(act->out);
    return err;
}

static const wire_field fields[] = {
    { .name = "proposal",
      .type = WIRE_INT,
      .is_required = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "its number" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "proposal list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, NULL, run_list,
      "list what waits for a second officer, and what was decided" },
    { "proposal approve", VAULT_OFFICER, VAULT_WRITES, false, false, fields, run_approve,
      "as second officer, have it done" },
    { "proposal refuse", VAULT_OFFICER, VAULT_WRITES, false, false, fields, run_refuse,
      "have it not done" },
};

const vault_noun vault_noun_proposal = { "proposal", "what waits for a second officer", verbs,
                                         KF_COUNT(verbs) };

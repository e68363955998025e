#include "vault/verify.h"

#include <string.h>

/* The first thing that is wrong is the one that is told. */
static kf_err wrong(vault_verifier *v, int64_t seq, const char *why)
{
    if (v->why == NULL) {
        v->why = why;
        v->bad = seq;
    }
    return KF_E_AUTH;
}

static bool is_hash(kf_slice octets, const uint8_t hash[32])
{
    return octets.len == 32 && memcmp(octets.ptr, hash, 32) == 0;
}

void vault_verify_begin(vault_verifier *v, const uint8_t *key, const vault_point *earlier)
{
    *v = (vault_verifier){ .has_earlier = earlier != NULL, .is_pinned = key != NULL };
    if (key != NULL)
        memcpy(v->key, key, sizeof v->key);
    if (earlier != NULL)
        v->earlier = *earlier;
}

/* Whose pages these are, and where they begin. */
static kf_err begin(vault_verifier *v, const vault_page *page)
{
    if (page->vault_id.len != sizeof v->id || page->audit_public.len != sizeof v->key)
        return wrong(v, 0, "the vault or its key is not named");
    memcpy(v->id, page->vault_id.ptr, sizeof v->id);
    if (!v->is_pinned)
        memcpy(v->key, page->audit_public.ptr, sizeof v->key);
    v->has_begun = true;
    v->first = page->event_count == 0 ? 1 : page->events[0].event.seq;
    if (v->has_earlier && v->first != 1 && v->first == v->earlier.seq + 1) {
        v->now = v->earlier;
        v->has_passed_earlier = true;
        return KF_OK;
    }
    return v->first == 1 ? vault_event_first(v->id, v->now.hash)
                         : wrong(v, 1, "the beginning is missing");
}

static kf_err check_owner(vault_verifier *v, const vault_page *page)
{
    if (page->vault_id.len != sizeof v->id || memcmp(page->vault_id.ptr, v->id, sizeof v->id) != 0)
        return wrong(v, 0, "a page is of another vault");
    if (page->audit_public.len != sizeof v->key ||
        memcmp(page->audit_public.ptr, v->key, sizeof v->key) != 0)
        return wrong(v, 0, "it is signed with another key");
    return KF_OK;
}

static kf_err check_signature(vault_verifier *v, const vault_signed *s)
{
    uint8_t octets[VAULT_CHECKPOINT_OCTETS];
    if (s->hash.len != 32)
        return wrong(v, s->seq, "a checkpoint has no hash");
    vault_checkpoint_octets(v->id, s->seq, s->at, s->hash.ptr, octets);
    kf_err err = kf_ed25519_verify(v->key, (kf_slice){ octets, sizeof octets }, s->signature);
    return err == KF_E_AUTH || err == KF_E_MALFORMED
               ? wrong(v, s->seq, "a checkpoint's signature is wrong")
               : err;
}

static kf_err link_event(vault_verifier *v, const vault_exported *e)
{
    if (e->event.seq != v->now.seq + 1)
        return wrong(v, v->now.seq + 1,
                     e->event.seq > v->now.seq ? "an event is missing"
                                               : "an event is out of order");
    kf_err err = vault_event_hash(&e->event, v->now.hash);
    if (err == KF_E_MALFORMED || (err == KF_OK && !is_hash(e->hash, v->now.hash)))
        return wrong(v, e->event.seq, "an event was altered");
    v->now.seq = e->event.seq;
    v->at = e->event.at;
    v->events++;
    if (err == KF_OK && v->has_earlier && v->earlier.seq == v->now.seq) {
        v->has_passed_earlier = true;
        if (memcmp(v->earlier.hash, v->now.hash, sizeof v->now.hash) != 0)
            return wrong(v, v->now.seq, "it is not the chain that was checked earlier");
    }
    return err;
}

/* The newest signed end so far; the chain must come to it. */
static kf_err take_head(vault_verifier *v, const vault_page *page)
{
    if (page->head_count != 1)
        return wrong(v, 0, "the signed end is missing");
    const vault_signed *head = &page->heads[0];
    kf_err err = check_signature(v, head);
    if (err != KF_OK)
        return err;
    if (head->seq < v->head.seq || head->seq < v->now.seq)
        return wrong(v, head->seq, "the signed end is an older one");
    if (head->seq == v->head.seq && !is_hash(head->hash, v->head.hash))
        return wrong(v, head->seq, "two signed ends contradict one another");
    if (head->seq == v->now.seq && !is_hash(head->hash, v->now.hash))
        return wrong(v, head->seq, "the signed end does not fit its event");
    v->head.seq = head->seq;
    v->head_at = head->at;
    memcpy(v->head.hash, head->hash.ptr, sizeof v->head.hash);
    return KF_OK;
}

/* The vault writes an event for each checkpoint, so none can be left out. */
static bool is_checkpoint(const vault_event *e)
{
    static const char verb[] = VAULT_CHECKPOINT_VERB;
    return e->role == 0 && e->texts[1].len == sizeof verb - 1 &&
           memcmp(e->texts[1].ptr, verb, sizeof verb - 1) == 0;
}

/* Checkpoints of the page come in the order of its events, each with its own. */
static kf_err link_events(vault_verifier *v, const vault_page *page)
{
    size_t c = 0;
    for (size_t i = 0; i < page->event_count; i++) {
        kf_err err = link_event(v, &page->events[i]);
        if (err == KF_OK && v->head.seq == v->now.seq &&
            memcmp(v->head.hash, v->now.hash, sizeof v->now.hash) != 0)
            err = wrong(v, v->now.seq, "the signed end does not fit its event");
        if (err != KF_OK)
            return err;
        if (c == page->checkpoint_count || page->checkpoints[c].seq != v->now.seq) {
            if (is_checkpoint(&page->events[i].event))
                return wrong(v, v->now.seq, "a checkpoint is missing");
            continue;
        }
        err = check_signature(v, &page->checkpoints[c]);
        if (err == KF_OK && !is_hash(page->checkpoints[c].hash, v->now.hash))
            err = wrong(v, v->now.seq, "a checkpoint does not fit its event");
        if (err != KF_OK)
            return err;
        c++;
    }
    v->checkpoints += (int64_t)c;
    return c == page->checkpoint_count
               ? KF_OK
               : wrong(v, page->checkpoints[c].seq, "a checkpoint fits no event");
}

kf_err vault_verify_page(vault_verifier *v, const vault_page *page)
{
    if (v->why != NULL)
        return KF_E_AUTH;
    kf_err err = v->has_begun ? KF_OK : begin(v, page);
    if (err == KF_OK)
        err = check_owner(v, page);
    if (err == KF_OK)
        err = take_head(v, page);
    return err == KF_OK ? link_events(v, page) : err;
}

kf_err vault_verify_end(vault_verifier *v)
{
    if (v->why != NULL)
        return KF_E_AUTH;
    if (!v->has_begun)
        return wrong(v, 0, "there is no page");
    if (v->now.seq < v->head.seq)
        return wrong(v, v->now.seq + 1, "events up to the signed end are missing");
    if (v->now.seq > v->head.seq)
        return wrong(v, v->head.seq + 1, "events after the signed end are proven by nothing");
    if (v->has_earlier && !v->has_passed_earlier)
        return wrong(v, v->now.seq, "it ends before the point that was checked earlier");
    return KF_OK;
}

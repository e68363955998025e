#include <stdlib.h>
#include <string.h>

#include "wire/peer.h"

static void list_add(wire_call **list, wire_call *call)
{
    call->prev = NULL;
    call->next = *list;
    if (*list != NULL)
        (*list)->prev = call;
    *list = call;
}

static void list_remove(wire_call **list, wire_call *call)
{
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        *list = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
}

static void call_free(wire_call *call)
{
    wire_tree_free(&call->tree);
    kf_secret_free(&call->octets);
    free(call);
}

static bool number_is_under_way(const peer *p, uint32_t number)
{
    for (const wire_call *c = p->calls; c != NULL; c = c->next)
        if (c->number == number)
            return true;
    return false;
}

/* A frame that a client may send: a request, with a number of its own, that names a verb. */
static kf_err call_decode(const peer *p, wire_call *call, size_t len)
{
    wire_frame frame;
    kf_fault fault;
    kf_slice octets = { kf_secret_view(call->octets).ptr, len };
    kf_err err = wire_frame_parse(octets, &frame, &fault);
    if (err != KF_OK)
        return err;
    /* 0 is the connection itself */
    if (frame.kind != WIRE_REQUEST || frame.number == 0 || number_is_under_way(p, frame.number))
        return KF_E_MALFORMED;
    call->number = frame.number;
    err = wire_tree_parse(frame.body, &call->tree, &fault);
    if (err != KF_OK)
        return err;
    const wire_value *map = wire_tree_root(call->tree);
    return wire_get_text(map, "verb").len > 0 ? KF_OK : KF_E_MALFORMED;
}

static void refuse_busy(peer *p, uint32_t number)
{
    wire_builder *b = call_refusal(
        &(wire_refusal){ .code = "busy",
                         .what = "the request was not begun",
                         .why = "requests under way hold all the memory that is set aside for them",
                         .remedy = "ask again in a moment" },
        NULL);
    peer_send(p, WIRE_FAILURE, number, b);
    wire_builder_free(&b);
}

kf_err call_take(peer *p, kf_secret *octets, size_t len)
{
    struct wire_server *s = p->server;
    wire_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        kf_secret_free(&octets);
        return KF_E_NO_MEMORY;
    }
    call->octets = octets;
    kf_err err = call_decode(p, call, len);
    if (err != KF_OK) {
        call_free(call);
        return err;
    }
    call->cost = sizeof *call + kf_secret_len(octets) + wire_tree_cost(call->tree);
    if (call->cost > s->memory_max - (s->cost < s->memory_max ? s->cost : s->memory_max)) {
        refuse_busy(p, call->number);
        call_free(call);
        return KF_OK;
    }
    call->server = s;
    call->peer = p;
    s->cost += call->cost;
    p->calls_count++;
    p->calls_octets += call->cost;
    list_add(&p->calls, call);
    s->handler.request(s->handler.ctx, p->session, call);
    return KF_OK;
}

void calls_orphan(peer *p)
{
    while (p->calls != NULL) {
        wire_call *call = p->calls;
        list_remove(&p->calls, call);
        call->peer = NULL;
        list_add(&p->server->orphans, call);
    }
    p->calls_count = 0;
    p->calls_octets = 0;
}

/* Out of every list and account, and freed. @return its peer, if that is still there. */
static peer *call_end(wire_call *call)
{
    peer *p = call->peer;
    if (call->server != NULL) {
        call->server->cost -= call->cost;
        list_remove(p != NULL ? &p->calls : &call->server->orphans, call);
    }
    if (p != NULL) {
        p->calls_count--;
        p->calls_octets -= call->cost;
    }
    call_free(call);
    return p;
}

/* In a turn of the peer its end writes; else now is the time. */
static void hurry(peer *p)
{
    if (p->is_busy)
        return;
    peer_flush(p);
    peer_resume(p);
}

const wire_value *wire_call_request(const wire_call *call)
{
    return wire_tree_root(call->tree);
}

void wire_answer(wire_call *call, wire_builder *result)
{
    uint32_t number = call->number;
    peer *p = call_end(call);
    if (p == NULL)
        return;
    peer_send(p, WIRE_ANSWER, number, result);
    hurry(p);
}

void wire_progress(wire_call *call, uint64_t done, uint64_t total, const char *text)
{
    peer *p = call->peer;
    wire_builder *b = NULL;
    /* News only: a peer that does not keep up is spared it. */
    if (p == NULL || p->out_octets >= PEER_OUT_HIGH || wire_builder_new(&b) != KF_OK)
        return;
    wire_open_map(b, NULL);
    wire_put_int(b, "done", (int64_t)done);
    wire_put_int(b, "total", (int64_t)total);
    wire_put_text_z(b, "text", text == NULL ? "" : text);
    wire_close(b);
    kf_slice octets;
    if (wire_builder_done(b, &octets) == KF_OK)
        peer_send(p, WIRE_PROGRESS, call->number, b);
    wire_builder_free(&b);
    hurry(p);
}

wire_builder *call_refusal(const wire_refusal *refusal, wire_builder *more)
{
    const char *const fields[][2] = { { "code", refusal->code },
                                      { "what", refusal->what },
                                      { "why", refusal->why },
                                      { "do", refusal->remedy },
                                      { "field", refusal->field } };
    wire_builder *b = NULL;
    wire_tree *tree = NULL;
    kf_slice octets;
    kf_fault fault;
    if (wire_builder_new(&b) != KF_OK)
        return NULL;
    wire_open_map(b, NULL);
    for (size_t i = 0; i < KF_COUNT(fields); i++)
        if (fields[i][1] != NULL)
            wire_put_text_z(b, fields[i][0], fields[i][1]);
    if (more != NULL && wire_builder_done(more, &octets) == KF_OK &&
        wire_tree_parse(octets, &tree, &fault) == KF_OK)
        wire_put_value(b, "more", wire_tree_root(tree));
    wire_close(b);
    wire_tree_free(&tree);
    return b;
}

void wire_fail(wire_call *call, const wire_refusal *refusal, wire_builder *more)
{
    wire_builder *b = call_refusal(refusal, more);
    uint32_t number = call->number;
    peer *p = call_end(call);
    if (p != NULL) {
        peer_send(p, WIRE_FAILURE, number, b);
        hurry(p);
    }
    wire_builder_free(&b);
}

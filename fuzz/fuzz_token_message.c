/* What vault and token broker say to each other. Oracle: what is accepted is written again as the
 * same octets, in a frame that is read back; what is refused leaves nothing behind. */
#include "cover.h"

#include "seal/token_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

/* The message in its frame, as a peer would send it? */
static void must_be(const kf_writer *w, kf_slice message)
{
    size_t len = 0;
    same(w->err == KF_OK && w->len == TOKEN_FRAME_OCTETS + message.len);
    same(token_frame_read(w->buf, &len) == KF_OK && len == message.len);
    same(kf_slice_equal(kf_slice_part(kf_writer_slice(w), TOKEN_FRAME_OCTETS, len), message));
}

static void must_be_refused(const kf_fault *fault, kf_err err, size_t len)
{
    same(fault->code == err && fault->field != NULL && fault->at <= len);
}

static void check_request(kf_slice message)
{
    uint8_t buf[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    token_request q;
    kf_fault fault;
    kf_err err = token_request_parse(message, &q, &fault);
    if (err != KF_OK) {
        must_be_refused(&fault, err, message.len);
        same(q.op == 0 && q.refusal.ptr == NULL && q.octets.ptr == NULL);
        return;
    }
    same(q.op != TOKEN_WRAP || q.octets.len == TOKEN_SECRET_OCTETS);
    same(token_request_write(&q, &w) == KF_OK);
    must_be(&w, message);
}

static void check_answer(kf_slice message)
{
    uint8_t buf[TOKEN_FRAME_OCTETS + TOKEN_MESSAGE_MAX];
    kf_writer w = kf_writer_init(buf, sizeof buf);
    token_answer a;
    kf_fault fault;
    kf_err err = token_answer_parse(message, &a, &fault);
    if (err != KF_OK) {
        must_be_refused(&fault, err, message.len);
        same(a.op == 0 && a.refusal.ptr == NULL && a.octets.ptr == NULL);
        return;
    }
    same(seal_token_state_name(a.state) != NULL && seal_token_state_remedy(a.state) != NULL);
    same(a.op != TOKEN_UNWRAP || a.octets.len == (a.result == KF_OK ? TOKEN_SECRET_OCTETS : 0));
    same(token_answer_write(&a, &w) == KF_OK);
    must_be(&w, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    kf_slice message = { in, len };
    size_t frame = 0;
    check_request(message);
    check_answer(message);
    if (len >= TOKEN_FRAME_OCTETS) {
        kf_err err = token_frame_read(in, &frame);
        same((err == KF_OK) == (frame > 0) && frame <= TOKEN_MESSAGE_MAX);
    }
    return 0;
}
